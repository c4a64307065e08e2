//! A decided purchase and its states, each with its own data.

use crate::{Given, Shares};
use defects::{Defect, on};
use std::fmt;
use types::{
    Day, Dest, MemberId, ProductCode, ProductName, Qty, Reason, RefId, Refusal, Rupiah, Sn, TrxNo,
    UtcMillis,
};

/// Where a trx stands. Final states never change but for success to reversed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrxState {
    /// Debited, not decided by a supplier yet.
    Pending,
    /// Delivered.
    Success {
        /// Proof of delivery.
        sn: Sn,
        /// When it was settled.
        at: UtcMillis,
        /// What it cost us.
        cost: Rupiah,
    },
    /// Not delivered, refunded.
    Failed {
        /// As the member reads it.
        reason: Reason,
        /// When it was settled.
        at: UtcMillis,
        /// The member's balance after the refund.
        balance: Rupiah,
    },
    /// Delivered at first, then found failed; refunded.
    Reversed {
        /// The proof that was given.
        sn: Sn,
        /// As the member reads it.
        reason: Reason,
        /// When it was reversed.
        at: UtcMillis,
        /// The member's balance after the refund.
        balance: Rupiah,
    },
    /// Never debited; kept so that a repeat gets the same answer.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

/// A transition the life cycle does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// The state it was in.
    pub state: &'static str,
    /// What was tried.
    pub event: &'static str,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} trx cannot {}", self.state, self.event)
    }
}

impl std::error::Error for Illegal {}

impl TrxState {
    /// The word operators see.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success { .. } => "success",
            Self::Failed { .. } => "failed",
            Self::Reversed { .. } => "reversed",
            Self::Refused { .. } => "refused",
        }
    }

    /// Pending to success.
    ///
    /// # Errors
    /// [`Illegal`] from any other state.
    pub fn succeed(&self, sn: Sn, cost: Rupiah, at: UtcMillis) -> Result<Self, Illegal> {
        match self {
            Self::Pending => Ok(Self::Success { sn, at, cost }),
            Self::Failed { .. } if on(Defect::DecidedTwice) => Ok(Self::Success { sn, at, cost }),
            Self::Success { .. }
            | Self::Failed { .. }
            | Self::Reversed { .. }
            | Self::Refused { .. } => Err(Illegal { state: self.word(), event: "succeed" }),
        }
    }

    /// Pending to failed; `balance` is the member's after the refund.
    ///
    /// # Errors
    /// [`Illegal`] from any other state.
    pub fn fail(&self, reason: Reason, balance: Rupiah, at: UtcMillis) -> Result<Self, Illegal> {
        match self {
            Self::Pending => Ok(Self::Failed { reason, at, balance }),
            Self::Success { .. }
            | Self::Failed { .. }
            | Self::Reversed { .. }
            | Self::Refused { .. } => Err(Illegal { state: self.word(), event: "fail" }),
        }
    }

    /// A success whose serial number came later; `None` for any other state.
    #[must_use]
    pub fn numbered(&self, sn: Sn) -> Option<Self> {
        match self {
            Self::Success { at, cost, .. } => Some(Self::Success { sn, at: *at, cost: *cost }),
            Self::Pending | Self::Failed { .. } | Self::Reversed { .. } | Self::Refused { .. } => {
                None
            }
        }
    }

    /// Success to reversed; `balance` is the member's after the refund.
    ///
    /// # Errors
    /// [`Illegal`] from any other state.
    pub fn reverse(&self, reason: Reason, balance: Rupiah, at: UtcMillis) -> Result<Self, Illegal> {
        match self {
            Self::Success { sn, .. } => Ok(Self::Reversed { sn: sn.clone(), reason, at, balance }),
            Self::Pending | Self::Failed { .. } | Self::Reversed { .. } | Self::Refused { .. } => {
                Err(Illegal { state: self.word(), event: "be reversed" })
            }
        }
    }
}

/// A purchase under its number. A refused one has a number too, but members never see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trx {
    /// `T#`.
    pub no: TrxNo,
    /// Who bought.
    pub member: MemberId,
    /// Its reference, unique per member for ever.
    pub ref_id: RefId,
    /// What.
    pub product: ProductCode,
    /// The product's name at that time.
    pub name: ProductName,
    /// For whom, normalised.
    pub dest: Dest,
    /// Nominal of an open denomination.
    pub qty: Option<Qty>,
    /// The request as it was given; none for purchases from before it was kept.
    pub given: Option<Given>,
    /// What it costs the member, frozen.
    pub price: Rupiah,
    /// What uplines earn of that when it succeeds, frozen too.
    pub shares: Shares,
    /// The balance before the debit (for a refused one: at the refusal).
    pub before: Rupiah,
    /// When it was decided.
    pub created: UtcMillis,
    /// The business day of that.
    pub day: Day,
    /// Number of the current attempt; 0 for a refused one.
    pub attempt: u16,
    /// Where it stands.
    pub state: TrxState,
    /// Why a person should look, if so.
    pub suspect: Option<String>,
}

impl Trx {
    /// The balance right after the debit. The subtraction was checked when it was decided.
    #[must_use]
    pub fn after(&self) -> Rupiah {
        Rupiah::new(self.before.get().saturating_sub(self.price.get()))
    }

    /// What of the price is ours: the supplier's cost and our margin.
    #[must_use]
    pub fn ours(&self) -> Rupiah {
        Rupiah::new(self.price.get().saturating_sub(self.shares.total().get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_drawn_transitions_exist() {
        let at = UtcMillis::new(1);
        let sn = || Sn::parse("1").expect("fine");
        let reason = || Reason::clean("x");
        let zero = Rupiah::ZERO;
        let success = TrxState::Pending.succeed(sn(), zero, at).expect("legal");
        let failed = TrxState::Pending.fail(reason(), zero, at).expect("legal");
        let reversed = success.reverse(reason(), zero, at).expect("legal");
        let refused = TrxState::Refused { refusal: Refusal::NoRoute };
        assert!(TrxState::Pending.reverse(reason(), zero, at).is_err());
        for state in [&success, &failed, &reversed, &refused] {
            assert!(state.succeed(sn(), zero, at).is_err(), "{state:?}");
            assert!(state.fail(reason(), zero, at).is_err(), "{state:?}");
        }
        for state in [&failed, &reversed, &refused] {
            assert!(state.reverse(reason(), zero, at).is_err(), "{state:?}");
        }
    }
}
