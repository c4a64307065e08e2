//! Suppliers' connectors: pure translation between an [`Ask`] and the supplier's own words.
//!
//! A connector turns an ask into one request and a reply into an [`domain::Outcome`]; it does no
//! IO, keeps no state and never retries. One [`Transport`] carries a request out, once, and only
//! its [`SendResult`] can say that nothing was sent. So "at most once" lives in one place, and a
//! connector is tested by samples alone. Unknown text is never a failure.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod digiflazz;
mod evidence;
mod exchange;
mod okeconnect;
mod phrases;
mod reasons;
mod refs;
mod sandbox;
mod settings;
mod template;
mod when;

pub use digiflazz::{
    Connector as DigiflazzConnector, RcClass, Settings as DigiflazzSettings, rc_class,
};
pub use exchange::{Inbound, Reply, Request, SendResult, Transport};
pub use okeconnect::{Connector as OkeconnectConnector, Counter, Settings as OkeconnectSettings};
pub use reasons::Failures;
pub use refs::Refs;
pub use sandbox::{Behaviour, Connector as SandboxConnector, Event, MAGIC, Script};
pub use settings::{
    CallbackSettings, Limits, MarkupSettings, Settings, SettingsError, SyncSettings,
};
pub use template::{
    Connector as TemplateConnector, Means, On, Rule, RuleSet, Settings as TemplateSettings,
};

use domain::{Outcome, Window};
use types::{AttemptId, Dest, Moment, Qty, Rupiah, Sku};

/// What is asked of a supplier, about one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which attempt; our reference there is made from it.
    pub attempt: AttemptId,
    /// What to buy, in the supplier's own code.
    pub sku: Sku,
    /// For whom.
    pub dest: Dest,
    /// Nominal of an open denomination.
    pub qty: Option<Qty>,
    /// The cost we expect: suppliers that can refuse above a price are told.
    pub cost: Rupiah,
    /// Which equal purchase (product, destination) of its day it is, from 1.
    pub counter: u16,
    /// When the sent-marker was written; what a wall clock showed then is compared with suppliers'
    /// texts.
    pub sent: Option<Moment>,
    /// So long ago it was sent, at least, whatever happened to the wall clock since; 0 when that is not
    /// known.
    pub waited_ms: i64,
    /// Now, when it is asked.
    pub asked: Moment,
}

/// When a supplier may be asked about a purchase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckLimits {
    /// Never closer together than this, the purchase itself included.
    pub spacing_ms: i64,
    /// Never about a purchase older than this.
    pub age_most_ms: Option<i64>,
}

/// What a supplier's text tells of our deposit: `Saldo before - price = after`, or less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Movement {
    pub before: Option<Rupiah>,
    pub price: Option<Rupiah>,
    pub after: Rupiah,
}

/// A row of a supplier's price list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct SupplierPrice {
    pub sku: Sku,
    pub name: String,
    /// Zero when the list's price is none.
    pub price: Rupiah,
    pub open: bool,
    /// When it cannot be bought there.
    pub cut_off: Option<Window>,
}

/// A supplier's price list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList {
    /// Rows that were understood.
    pub rows: Vec<SupplierPrice>,
    /// Rows that were not, by number and code, with the reason.
    pub odd: Vec<String>,
}

/// What a callback is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A purchase of ours.
    Attempt(AttemptId),
    /// A reference of this business that names no purchase it can have made: of another epoch. It was
    /// lost in a restore, or a copy of this business buys there.
    Unknown,
    /// The supplier tries out whether somebody listens; nothing follows from it.
    Greeting,
}

/// Words of a supplier, and how they came.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// The reply to the purchase.
    Buy(&'a Reply),
    /// The reply to a question.
    Check(&'a Reply),
    /// A call of the supplier.
    Callback(&'a Inbound),
}

/// An outcome, and how it was found: what the engine does and what `supplier explain` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What the engine takes it for.
    pub outcome: Outcome,
    /// What the text names, by field.
    pub fields: Vec<(String, String)>,
    /// The rule, list or phrase that decided.
    pub decided_by: String,
}

/// The translation of one supplier's protocol. What is read is the outcome of what is explained, so
/// that the two cannot differ; else no default methods: a missing one must not compile.
pub trait Connector: Send + Sync {
    /// The request that buys.
    ///
    /// # Errors
    /// Why this purchase cannot be asked for in its protocol; nothing was sent then.
    fn buy(&self, ask: &Ask) -> Result<Request, String>;

    /// The request that asks how an attempt stands.
    ///
    /// # Errors
    /// Why it cannot be asked.
    fn check(&self, ask: &Ask) -> Result<Request, String>;

    /// What words of the supplier mean for an attempt, and why.
    fn explain(&self, ask: &Ask, heard: Heard<'_>) -> Explained;

    /// A callback that brings this text about an attempt, as the supplier would call it in.
    fn callback_of(&self, ask: &Ask, text: &str) -> Inbound;

    /// What a reply to [`Self::buy`] means. Unknown text is `Unknown`, never a failure.
    fn read_buy(&self, ask: &Ask, reply: &Reply) -> Outcome {
        self.explain(ask, Heard::Buy(reply)).outcome
    }

    /// What a reply to [`Self::check`] means. An error about us says nothing of the purchase.
    fn read_check(&self, ask: &Ask, reply: &Reply) -> Outcome {
        self.explain(ask, Heard::Check(reply)).outcome
    }

    /// When it may be asked.
    fn check_limits(&self) -> CheckLimits;

    /// What a callback is about. A signature, where the protocol has one, is verified here.
    ///
    /// # Errors
    /// Why it is not a callback of ours.
    fn callback_about(&self, inbound: &Inbound) -> Result<About, String>;

    /// What a callback says of its attempt.
    fn read_callback(&self, ask: &Ask, inbound: &Inbound) -> Outcome {
        self.explain(ask, Heard::Callback(inbound)).outcome
    }

    /// The request that asks for our deposit, where the protocol has one.
    fn balance(&self) -> Option<Request>;

    /// Our deposit.
    ///
    /// # Errors
    /// Why the reply is none.
    fn read_balance(&self, reply: &Reply) -> Result<Rupiah, String>;

    /// The request for the price list, where the protocol has one.
    fn prices(&self) -> Option<Request>;

    /// The price list.
    ///
    /// # Errors
    /// Why the reply is none.
    fn read_prices(&self, reply: &Reply) -> Result<PriceList, String>;

    /// What the text of a reply tells of our deposit.
    fn movement(&self, text: &str) -> Option<Movement>;

    /// The same of a callback.
    fn told(&self, inbound: &Inbound) -> Option<Movement>;
}
