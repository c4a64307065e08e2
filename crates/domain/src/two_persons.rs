//! Which acts of a person need a second one. Acts that make or give balance out of nothing are
//! weighed here, whichever door they come through.

use types::{MoneyError, Rupiah};

/// What an act could cost the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// An amount, never negative.
    Amount(Rupiah),
    /// More than any amount: it changes what protects the money (rules, bank accounts that members
    /// see, people who may agree), or what was decided long ago.
    Rule,
}

impl Weight {
    /// The weight of a signed amount.
    ///
    /// # Errors
    /// Out of range.
    pub fn of(amount: Rupiah) -> Result<Self, MoneyError> {
        let size = amount.get().checked_abs().ok_or(MoneyError::Overflow)?;
        Ok(Self::Amount(Rupiah::new(size)))
    }
}

/// What one person may do alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most of one act.
    pub act: Rupiah,
    /// Most of all acts of one person on one day.
    pub day: Rupiah,
}

/// Whether an act may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Alone; the person's sum of the day is this afterwards.
    Alone(Rupiah),
    /// A second person must agree.
    SecondPerson,
}

/// Weighs an act of a person that has done `spent` alone today.
///
/// # Errors
/// Out of range.
pub fn weigh(weight: Weight, limits: Limits, spent: Rupiah) -> Result<Gate, MoneyError> {
    let amount = match weight {
        Weight::Rule => return Ok(Gate::SecondPerson),
        Weight::Amount(amount) => amount,
    };
    let sum = spent.plus(amount)?;
    let alone = amount <= limits.act && sum <= limits.day;
    Ok(if alone { Gate::Alone(sum) } else { Gate::SecondPerson })
}

/// Who stands behind a request. One person is one, whatever it speaks through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice<'a> {
    /// The login.
    pub person: &'a str,
    /// True for a token: it may ask, and never agree.
    pub token: bool,
}

/// Why somebody cannot agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAgreement {
    /// Who asked, through whatever.
    SamePerson,
    /// A token agrees to nothing.
    Token,
    /// There is nobody else, and the time to notice and object is not over.
    TooEarly,
}

/// Whether `voice` may agree to what `asker` asked for. `others`: somebody else could agree;
/// `cooled`: the cooling time of a business with one person is over.
///
/// # Errors
/// [`NoAgreement`].
pub fn may_agree(
    asker: &str,
    voice: Voice<'_>,
    others: bool,
    cooled: bool,
) -> Result<(), NoAgreement> {
    if voice.token {
        return Err(NoAgreement::Token);
    }
    match (voice.person == asker, others) {
        (false, _) => Ok(()),
        (true, true) => Err(NoAgreement::SamePerson),
        (true, false) if cooled => Ok(()),
        (true, false) => Err(NoAgreement::TooEarly),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However a sum is split, what passes alone on one day stays within the day's limit, and
        /// no single act passes that is above its own.
        #[test]
        fn splitting_gains_nothing(
            act in 0_i64..1_000, day in 0_i64..3_000,
            parts in proptest::collection::vec(0_i64..1_500, 0..40),
        ) {
            let limits = Limits { act: Rupiah::new(act), day: Rupiah::new(day) };
            let (mut spent, mut passed) = (Rupiah::ZERO, 0);
            for part in parts {
                match weigh(Weight::Amount(Rupiah::new(part)), limits, spent).unwrap() {
                    Gate::Alone(sum) => {
                        prop_assert!(part <= act);
                        passed += part;
                        spent = sum;
                    }
                    Gate::SecondPerson => prop_assert!(part > act || passed + part > day),
                }
            }
            prop_assert!(passed <= day && spent.get() == passed);
        }
    }

    #[test]
    fn a_rule_is_never_changed_alone() {
        let limits = Limits { act: Rupiah::new(i64::MAX), day: Rupiah::new(i64::MAX) };
        assert_eq!(weigh(Weight::Rule, limits, Rupiah::ZERO), Ok(Gate::SecondPerson));
        assert!(Weight::of(Rupiah::new(i64::MIN)).is_err());
    }

    #[test]
    fn nobody_is_two_persons() {
        let who = |person, token| Voice { person, token };
        assert_eq!(may_agree("ani", who("budi", false), true, false), Ok(()));
        assert_eq!(may_agree("ani", who("ani", false), true, true), Err(NoAgreement::SamePerson));
        assert_eq!(may_agree("ani", who("budi", true), true, true), Err(NoAgreement::Token));
        assert_eq!(may_agree("ani", who("ani", false), false, false), Err(NoAgreement::TooEarly));
        assert_eq!(may_agree("ani", who("ani", false), false, true), Ok(()));
        assert_eq!(may_agree("ani", who("ani", true), false, true), Err(NoAgreement::Token));
    }
}
