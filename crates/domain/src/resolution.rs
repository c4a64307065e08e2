//! A person's decision about a trx. It overrules what suppliers said, within the life cycle.

use crate::settlement::{CostBack, delivered, refund, reverse, settle};
use crate::{Attempt, AttemptState, NewsDecision, NewsFacts, TrxState};
use std::fmt;
use types::{MoneyError, Reason, Sn};

/// A person's decision about a trx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was delivered.
    Success(Sn),
    /// It was not delivered: refund.
    Fail(Reason),
    /// It was settled but not delivered: refund.
    Reverse {
        /// Told to the member.
        reason: Reason,
        /// Whether the supplier gives its price back.
        cost: CostBack,
    },
    /// Looked at; it is right as it stands.
    Keep,
}

/// Why a person's decision cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// The trx is in a state that does not allow it.
    State {
        /// Its state.
        state: &'static str,
        /// What was asked.
        asked: &'static str,
    },
    /// Amounts out of range.
    Money(MoneyError),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { state, asked } => write!(
                f,
                "the trx is {state}; {asked} is possible only for a {} one",
                if *asked == "reverse" { "successful" } else { "pending" }
            ),
            Self::Money(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ResolveError {}

impl From<MoneyError> for ResolveError {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

/// Carries out a person's decision.
///
/// # Errors
/// [`ResolveError`] when the state does not allow it; nothing is decided then.
pub fn decide_resolution(
    facts: &NewsFacts<'_>,
    resolution: &Resolution,
) -> Result<NewsDecision, ResolveError> {
    let state = facts.trx.state.word();
    let current = facts.attempts.iter().find(|attempt| attempt.id.n == facts.trx.attempt);
    let is_pending = facts.trx.state == TrxState::Pending;
    let mut decision = match resolution {
        Resolution::Success(sn) => current
            .filter(|_| is_pending)
            .map(|attempt| settle(facts, attempt, sn, None))
            .transpose()?
            .flatten()
            .ok_or(ResolveError::State { state, asked: "success" })?,
        Resolution::Fail(reason) => {
            if !is_pending {
                return Err(ResolveError::State { state, asked: "fail" });
            }
            let mut decision = refund(facts, reason.clone())?;
            decision.attempts.extend(current.map(|attempt| Attempt {
                state: AttemptState::Failed { reason: reason.clone() },
                next: None,
                ..attempt.clone()
            }));
            decision
        }
        Resolution::Reverse { reason, cost } => {
            let mut decision = reverse(facts, reason.clone(), *cost)?;
            if decision.flip.is_none() {
                return Err(ResolveError::State { state, asked: "reverse" });
            }
            decision.attempts.extend(delivered(facts).map(|attempt| Attempt {
                state: AttemptState::Failed { reason: reason.clone() },
                next: None,
                ..attempt.clone()
            }));
            decision
        }
        Resolution::Keep => NewsDecision::default(),
    };
    // Whoever decided has looked at it.
    decision.suspect = Some(None);
    Ok(decision)
}
