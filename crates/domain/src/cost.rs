//! What a supplier says a purchase cost, against what it was expected to cost. A misread figure
//! must never be booked as if it were one.

use defects::{Defect, on};
use types::Rupiah;

/// The supplier's own figure is booked up to this many times the expected cost, and down to the
/// same share of it.
const TIMES_MOST: i64 = 3;
/// Below this a figure is believed whatever was expected: name checks cost next to nothing.
const SMALL: i64 = 1_000;

/// What to make of a cost that was told at a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldCost {
    /// As expected, or none was told: book the expected one.
    Expected(Rupiah),
    /// Another one, and it can be true: book it, and tell people.
    Other(Rupiah),
    /// It cannot be believed: book the expected one, tell people, and let one of them look.
    Unbelievable {
        /// What is booked.
        booked: Rupiah,
        /// What was told.
        told: Rupiah,
    },
}

impl ToldCost {
    /// The cost for the books.
    #[must_use]
    pub const fn booked(self) -> Rupiah {
        match self {
            Self::Expected(cost) | Self::Other(cost) | Self::Unbelievable { booked: cost, .. } => {
                cost
            }
        }
    }

    /// Why a person should look, when one should.
    #[must_use]
    pub fn suspicion(self) -> Option<String> {
        match self {
            Self::Expected(_) | Self::Other(_) => None,
            Self::Unbelievable { booked, told } => Some(format!(
                "the supplier says it cost {told}, which is not believed; {booked} was booked"
            )),
        }
    }
}

/// Judges a cost. A negative or zero expectation is no measure: then only small figures pass.
#[must_use]
pub fn plausible_cost(expected: Rupiah, observed: Option<Rupiah>) -> ToldCost {
    let Some(told) = observed.filter(|told| *told != expected) else {
        return ToldCost::Expected(expected);
    };
    let measure = expected.get().max(0);
    let most = measure.saturating_mul(TIMES_MOST).max(SMALL);
    // Next to nothing for something that costs more than that is a figure of something else.
    // It is never negative, so a negative figure is below it.
    let least = if measure > SMALL { measure / TIMES_MOST } else { 0 };
    if (told.get() > most || told.get() < least) && !on(Defect::AnyCostBooked) {
        ToldCost::Unbelievable { booked: expected, told }
    } else {
        ToldCost::Other(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judge(expected: i64, told: i64) -> ToldCost {
        plausible_cost(Rupiah::new(expected), Some(Rupiah::new(told)))
    }

    #[test]
    fn what_can_be_true_is_booked_and_what_cannot_is_not() {
        let rp = Rupiah::new;
        assert_eq!(plausible_cost(rp(1_200), None), ToldCost::Expected(rp(1_200)));
        assert_eq!(judge(1_200, 1_200), ToldCost::Expected(rp(1_200)));
        for told in [400, 1_100, 1_201, 3_600] {
            assert_eq!(judge(1_200, told), ToldCost::Other(rp(told)));
        }
        for told in [0, 1, 399, 3_601, 12_000, 999_999_999, i64::MAX, -1, -1_200, i64::MIN] {
            let judged = judge(1_200, told);
            assert_eq!(judged, ToldCost::Unbelievable { booked: rp(1_200), told: rp(told) });
            assert!(judged.suspicion().is_some_and(|why| why.contains("1.200")));
        }
    }

    #[test]
    fn name_checks_and_unknown_costs() {
        let rp = Rupiah::new;
        for (expected, told) in [(0, 150), (100, 0), (100, 1_000), (0, 1_000), (-500, 300)] {
            assert_eq!(judge(expected, told), ToldCost::Other(rp(told)), "{expected} {told}");
        }
        // What costs a thousand is still small; above it a third is the least.
        for (expected, told) in [(1_000, 1), (1_000, 332), (1_000, 3_000), (1_001, 333)] {
            assert_eq!(judge(expected, told), ToldCost::Other(rp(told)), "{expected} {told}");
        }
        for (expected, told) in [(1_000, 3_001), (1_001, 332), (1_001, 3_004)] {
            assert_eq!(judge(expected, told).booked(), rp(expected), "{expected} {told}");
            assert!(judge(expected, told).suspicion().is_some());
        }
        assert!(judge(1_000, 3_000).suspicion().is_none() && judge(7, 7).suspicion().is_none());
        for (expected, told) in [(0, 1_001), (100, 1_001), (0, -1), (i64::MIN, 5_000)] {
            assert_eq!(judge(expected, told).booked(), rp(expected), "{expected} {told}");
        }
    }

    proptest! {
        /// Whatever a supplier says, the books differ from the expectation by a bounded amount.
        #[test]
        fn nothing_unbounded_is_booked(expected in 0i64..1_000_000_000_000, told: i64) {
            let booked = judge(expected, told).booked().get();
            prop_assert!(booked >= 0 && booked <= (expected * TIMES_MOST).max(SMALL));
            prop_assert!(expected <= SMALL || booked >= expected / TIMES_MOST);
        }
    }
}
