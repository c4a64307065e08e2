//! Where the telling of a final state stands, and what a try of it changes.

use crate::callback_delay_ms;
use defects::{Defect, on};
use types::UtcMillis;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be tried at `next`.
    Due,
    /// A 2xx came.
    Delivered,
    /// The schedule is used up.
    Exhausted,
    /// The member has no URL (any more), or the URL may not be called, or said it is gone.
    Parked,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Due, Self::Delivered, Self::Exhausted, Self::Parked];

    /// The word operators see.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Delivered => "delivered",
            Self::Exhausted => "exhausted",
            Self::Parked => "parked",
        }
    }
}

/// What one callback try gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryTry {
    /// It was taken.
    Delivered {
        /// With this status.
        status: u16,
    },
    /// It was not taken.
    Failed {
        /// What came instead.
        why: String,
        /// How long the receiver wants to be left alone.
        retry_after_ms: Option<i64>,
        /// 0 to 65535: spreads the next tries.
        chance: u16,
    },
    /// No URL, one that may not be called, or one that is gone: wait for a person.
    Parked {
        /// Which of them.
        why: String,
    },
}

/// How a delivery stands after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its state.
    pub state: DeliveryState,
    /// Tries made.
    pub tries: u16,
    /// When to try next; `None`: as before.
    pub next: Option<UtcMillis>,
    /// What is shown of it.
    pub last: String,
}

/// Decides what a try changes; nothing for a delivery that is not due any more.
#[must_use]
pub fn decide_try(
    state: DeliveryState,
    tries: u16,
    result: &DeliveryTry,
    now: UtcMillis,
) -> Option<Tried> {
    match state {
        DeliveryState::Due => {}
        DeliveryState::Delivered | DeliveryState::Exhausted | DeliveryState::Parked => return None,
    }
    let tries = tries.saturating_add(1);
    let (state, next, last) = match result {
        DeliveryTry::Delivered { status } => (DeliveryState::Delivered, None, status.to_string()),
        DeliveryTry::Failed { why, retry_after_ms, chance } => {
            match callback_delay_ms(tries, *chance, *retry_after_ms) {
                Some(delay) if !on(Defect::GivenUpAtOnce) => {
                    (DeliveryState::Due, Some(now.after(delay)), why.clone())
                }
                Some(_) | None => (DeliveryState::Exhausted, None, why.clone()),
            }
        }
        DeliveryTry::Parked { why } => (DeliveryState::Parked, None, why.clone()),
    };
    Some(Tried { state, tries, next, last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_try() -> impl Strategy<Value = DeliveryTry> {
        prop_oneof![
            (200_u16..300).prop_map(|status| DeliveryTry::Delivered { status }),
            (any::<Option<i64>>(), any::<u16>()).prop_map(|(retry_after_ms, chance)| {
                DeliveryTry::Failed { why: "500".to_owned(), retry_after_ms, chance }
            }),
            Just(DeliveryTry::Parked { why: "no URL".to_owned() }),
        ]
    }

    proptest! {
        /// What is over stays over; what is due ends within the schedule, whatever is answered.
        #[test]
        fn a_delivery_ends(all in proptest::collection::vec(any_try(), 12..20)) {
            let (mut state, mut tries, mut now) = (DeliveryState::Due, 0, UtcMillis::new(0));
            for result in &all {
                match decide_try(state, tries, result, now) {
                    None => prop_assert!(state != DeliveryState::Due),
                    Some(tried) => {
                        prop_assert!(state == DeliveryState::Due && tried.tries == tries + 1);
                        prop_assert_eq!(tried.state == DeliveryState::Due, tried.next.is_some());
                        now = tried.next.unwrap_or(now);
                        (state, tries) = (tried.state, tried.tries);
                    }
                }
            }
            prop_assert!(state != DeliveryState::Due);
        }
    }
}
