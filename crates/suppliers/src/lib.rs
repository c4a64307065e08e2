//! Suppliers' connectors: pure translation between an [`Ask`] and the supplier's own words.
//!
//! A connector turns an ask into one request and a reply into an [`domain::Outcome`]; it does no
//! IO, keeps no state and never retries. One [`Transport`] carries a request out, once, and only
//! its [`SendResult`] can say that nothing was sent. So "at most once" lives in one place, and a
//! connector is tested by samples alone.

mod exchange;
mod sandbox;

pub use exchange::{Inbound, Reply, Request, SendResult, Transport};
pub use sandbox::{Behaviour, Connector as SandboxConnector, Event, MAGIC, Script};

use domain::Outcome;
use types::{AttemptId, Dest, Qty, Sku, UtcMillis};

/// What is asked of a supplier, about one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which attempt; its `supplier_ref` is our reference there.
    pub attempt: AttemptId,
    /// What to buy, in the supplier's own code.
    pub sku: Sku,
    /// For whom.
    pub dest: Dest,
    /// Nominal of an open denomination.
    pub qty: Option<Qty>,
    /// When the sent-marker was written; for status checks with a time limit.
    pub sent: Option<UtcMillis>,
}

/// The translation of one supplier's protocol. No default methods: a missing one must not compile.
pub trait Connector: Send + Sync {
    /// The request that buys.
    fn buy(&self, ask: &Ask) -> Request;

    /// The request that asks how an attempt stands.
    fn check(&self, ask: &Ask) -> Request;

    /// What a reply to [`Self::buy`] means. Unknown text is `Unknown`, never a failure.
    fn read_buy(&self, ask: &Ask, reply: &Reply) -> Outcome;

    /// What a reply to [`Self::check`] means. An error about us says nothing of the purchase.
    fn read_check(&self, ask: &Ask, reply: &Reply) -> Outcome;

    /// What a callback of the supplier means, and about which attempt.
    fn read_callback(&self, inbound: &Inbound) -> Option<(AttemptId, Outcome)>;

    /// The supplier buys a repeated reference only once.
    fn idempotent_ref(&self) -> bool;
}
