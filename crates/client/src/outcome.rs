//! What became of a purchase, as far as this side knows.

use std::fmt;
use suppliers::SendResult;
use types::{Rupiah, Sn};
use wire::{Answer, Wanted};

/// What is known of a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken and not decided; a callback or a later check tells.
    Pending,
    /// Delivered.
    Success {
        /// Serial number, token, reference.
        sn: Sn,
        /// What it cost, when the text says so.
        price: Option<Rupiah>,
    },
    /// Failed; nothing was paid.
    Failed {
        /// In the server's words.
        reason: String,
    },
    /// We were refused (PIN, address, limits). As the answer to a purchase: it was not taken. As
    /// the answer to a check it says nothing of the purchase.
    Refused {
        /// In the server's words.
        reason: String,
    },
    /// Provably nothing was sent.
    NotSent {
        /// The proof: no name, no connection, no TLS.
        why: String,
    },
    /// The server finds no such purchase. Many look back only a day, so it proves nothing.
    NoData,
    /// Nobody knows: treat as pending and ask again.
    Unknown {
        /// What came instead of an answer.
        why: String,
    },
}

impl Outcome {
    /// True when a purchase with this answer needs no further question.
    #[must_use]
    pub const fn ends_a_purchase(&self) -> bool {
        match self {
            Self::Success { .. }
            | Self::Failed { .. }
            | Self::Refused { .. }
            | Self::NotSent { .. } => true,
            Self::Pending | Self::NoData | Self::Unknown { .. } => false,
        }
    }

    /// True when a check with this answer needs no further one.
    #[must_use]
    pub const fn ends_a_check(&self) -> bool {
        match self {
            Self::Success { .. } | Self::Failed { .. } => true,
            Self::Pending
            | Self::Refused { .. }
            | Self::NotSent { .. }
            | Self::NoData
            | Self::Unknown { .. } => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("pending"),
            Self::Success { sn, price: None } => write!(f, "success, SN {sn}"),
            Self::Success { sn, price: Some(price) } => write!(f, "success, SN {sn}, {price}"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
            Self::NotSent { why } => write!(f, "not sent: {why}"),
            Self::NoData => f.write_str("the server finds no such purchase"),
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

/// An outcome and the text it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it means.
    pub outcome: Outcome,
    /// The server's text, empty when none came.
    pub text: String,
}

impl Told {
    pub(crate) fn of(result: SendResult, wanted: &Wanted) -> Self {
        let reply = match result {
            SendResult::NotSent(why) | SendResult::Held(why) => {
                return Self { outcome: Outcome::NotSent { why }, text: String::new() };
            }
            SendResult::Unknown(why) => {
                return Self { outcome: Outcome::Unknown { why }, text: String::new() };
            }
            SendResult::Replied(reply) => reply,
        };
        let outcome = if reply.status == 200 {
            from_answer(Answer::about(&reply.body, wanted.ref_id.as_str(), &wanted.dest))
        } else {
            Outcome::Unknown { why: format!("HTTP status {}", reply.status) }
        };
        Self { outcome, text: reply.body }
    }
}

pub(crate) fn from_answer(answer: Answer) -> Outcome {
    match answer {
        Answer::Pending => Outcome::Pending,
        Answer::Success { sn, price } => Outcome::Success { sn, price },
        Answer::Failed { reason } => Outcome::Failed { reason },
        Answer::Refused { reason } => Outcome::Refused { reason },
        Answer::NoData => Outcome::NoData,
        Answer::Unknown => Outcome::Unknown { why: "the text is not understood".to_owned() },
    }
}
