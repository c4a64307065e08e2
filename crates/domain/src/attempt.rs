//! One try of a trx at one supplier.

use types::{AttemptId, Reason, Rupiah, Sku, Sn, SupplierCode, UtcMillis};

/// What kind of failure a supplier reported; decides routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// Wrong or blocked number: final, no other route would help.
    Number,
    /// Product closed, stock, supplier's balance, supplier refused us: the next route may work.
    Route,
}

/// What ties a supplier's words to an attempt. A text that is tied by nothing is no outcome of it:
/// it is [`Outcome::Doubtful`] or [`Outcome::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Our reference stands in the text or beside it.
    Reference,
    /// Our reference stands there, but the text speaks of a purchase made before ours was sent: a
    /// same-day guard may have printed our new reference over an old purchase.
    Earlier,
    /// It came on the connection of the purchase itself, and product and destination fit.
    Connection,
    /// No reference: product and destination fit, and the time is not before ours was sent. Two open
    /// purchases of the same for the same number cannot be told apart by it.
    Likeness,
}

impl Tie {
    /// True when our reference is right.
    #[must_use]
    pub const fn names_us(self) -> bool {
        match self {
            Self::Reference | Self::Earlier => true,
            Self::Connection | Self::Likeness => false,
        }
    }
}

/// What a supplier said of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Delivered, and the cost when the supplier named it.
    Success {
        /// Proof of delivery; `None` when the supplier gave none (yet).
        sn: Option<Sn>,
        /// What the supplier says it took.
        cost: Option<Rupiah>,
        /// Why these words are about this attempt.
        tie: Tie,
    },
    /// Definitely not delivered.
    Failed {
        /// Decides what happens next.
        class: FailureClass,
        /// In the supplier's words, cleaned.
        reason: Reason,
        /// Why these words are about this attempt.
        tie: Tie,
    },
    /// Final words that may be about another purchase: the attempt stays open, is asked about, and a
    /// person sees the text.
    Doubtful {
        /// The text, and what keeps it from deciding.
        why: String,
    },
    /// Taken and being worked on.
    Pending,
    /// Nothing can be concluded: time-out, garble, duplicate reference, crash after sending.
    Unknown {
        /// For the story of the trx.
        why: String,
    },
    /// The request provably never left: no byte was written.
    Unsent {
        /// Why that is certain.
        proof: String,
    },
    /// The request provably never left, for want of something of our own machine: no other supplier
    /// would help, so it is sent to this one later.
    Held {
        /// What was missing.
        why: String,
    },
}

/// Where an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptState {
    /// Durable, not sent.
    Intended,
    /// The sent-marker is durable; bytes may have left.
    Sent,
    /// The supplier said it is working on it.
    Waiting,
    /// Sent or maybe sent, and nobody knows.
    Unknown {
        /// Last thing learned.
        why: String,
    },
    /// Provably never left.
    Unsent {
        /// Why that is certain.
        proof: String,
    },
    /// Delivered.
    Delivered {
        /// Proof of delivery.
        sn: Sn,
    },
    /// Definitely not delivered.
    Failed {
        /// In the supplier's words.
        reason: Reason,
    },
}

impl AttemptState {
    /// True while the supplier may still be working on it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Intended | Self::Sent | Self::Waiting | Self::Unknown { .. } => true,
            Self::Unsent { .. } | Self::Delivered { .. } | Self::Failed { .. } => false,
        }
    }
}

/// One try of a trx at one supplier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Trx and number.
    pub id: AttemptId,
    /// Where.
    pub supplier: SupplierCode,
    /// As what.
    pub sku: Sku,
    /// Expected cost, replaced by the observed one at settlement.
    pub cost: Rupiah,
    /// Where it stands.
    pub state: AttemptState,
    /// When the intent was written.
    pub created: UtcMillis,
    /// When the sent-marker was written.
    pub sent: Option<UtcMillis>,
    /// When it is due: for sending while intended, for asking while open. `None` once closed, unless a
    /// callback that is not believed by itself contradicts it.
    pub next: Option<UtcMillis>,
    /// How often it was asked about.
    pub checks: u16,
    /// Which equal purchase (product and destination) of its day it is, from 1; counted only where a
    /// supplier wants to know.
    pub counter: u16,
    /// Why this route and not another: for the story of the trx.
    pub why: String,
}
