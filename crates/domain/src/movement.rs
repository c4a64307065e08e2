//! Money moved by people: a member's balance against a house account, and a cost that was other than
//! booked. The only place that knows how low a balance may go by hand.

use crate::{Account, AccountName, Attempt, AttemptState, Kind, Transfer};
use defects::{Defect, on};
use std::fmt;
use types::{MemberId, Rupiah, SupplierCode, TrxNo, UtcMillis};

/// A movement between a member and a house account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Whose balance.
    pub member: MemberId,
    /// Positive: to the member.
    pub amount: Rupiah,
    /// The other side.
    pub other: AccountName,
    /// Why, for the ledger.
    pub kind: Kind,
    /// Who and why, for people.
    pub note: String,
}

/// Why a movement is not possible; nothing was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmoved {
    /// The member does not exist.
    UnknownMember,
    /// It would leave this balance, below what the member may owe.
    BelowFloor(Rupiah),
    /// An amount of nothing, or one out of range.
    OutOfRange,
    /// An opening balance for an account that was used already.
    Used,
}

/// Decides a movement of a member whose balance may go as low as minus `credit_limit`: the account
/// afterwards, and what the ledger says.
///
/// What gives to the member is always possible, also to one that is deep below its floor.
///
/// # Errors
/// [`Unmoved`].
pub fn decide_movement(
    movement: &Movement,
    account: &Account,
    credit_limit: Rupiah,
    at: UtcMillis,
) -> Result<(Account, Transfer), Unmoved> {
    let out_of_range = |_| Unmoved::OutOfRange;
    if movement.kind == Kind::Opening && *account != Account::default() {
        return Err(Unmoved::Used);
    }
    let takes = movement.amount.is_negative();
    let balance = account.balance.plus(movement.amount).map_err(out_of_range)?;
    let room = balance.plus(credit_limit).map_err(out_of_range)?;
    if takes && room.is_negative() && !on(Defect::FloorIgnoredByHand) {
        return Err(Unmoved::BelowFloor(balance));
    }
    let size = movement.amount.get().checked_abs().filter(|size| *size > 0);
    let amount = Rupiah::new(size.ok_or(Unmoved::OutOfRange)?);
    let (theirs, other) = (AccountName::Member(movement.member), movement.other.clone());
    let (from, to) = if takes { (theirs, other) } else { (other, theirs) };
    let (kind, note) = (movement.kind, movement.note.clone());
    let transfer = Transfer { from, to, amount, kind, trx: None, balance: Some(balance), at, note };
    Ok((Account { balance, ..account.clone() }, transfer))
}

/// A purchase that cost another amount than was booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostCorrection {
    /// Who took it.
    pub supplier: SupplierCode,
    /// For which purchase.
    pub trx: TrxNo,
    /// What it must still be booked with, where that was looked at before: nothing is corrected
    /// twice.
    pub was: Option<Rupiah>,
    /// How much more than was booked; negative: less.
    pub more: Rupiah,
    /// Who and why.
    pub note: String,
}

/// Why a cost cannot be corrected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uncorrected {
    /// This supplier did not deliver it.
    NotDelivered(TrxNo, SupplierCode),
    /// It is booked with the first of these now and not with the second any more.
    Changed(TrxNo, Rupiah, Rupiah),
    /// It would cost less than nothing, or out of range.
    OutOfRange(TrxNo),
}

impl fmt::Display for Uncorrected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDelivered(trx, by) => write!(f, "trx {trx} was not delivered by {by}"),
            Self::Changed(trx, now, was) => write!(
                f,
                "trx {trx} is booked with {now} now and not with {was} any more; compare again"
            ),
            Self::OutOfRange(trx) => write!(f, "trx {trx} would cost less than nothing"),
        }
    }
}

/// Decides a correction of what a delivered purchase cost: the attempt afterwards, and what the
/// ledger says.
///
/// # Errors
/// [`Uncorrected`].
pub fn decide_correction(
    correction: &CostCorrection,
    attempts: &[Attempt],
    at: UtcMillis,
) -> Result<(Attempt, Transfer), Uncorrected> {
    let CostCorrection { supplier, trx, was, more, note } = correction;
    let delivered = attempts.iter().find(|attempt| {
        attempt.supplier == *supplier && matches!(attempt.state, AttemptState::Delivered { .. })
    });
    let missing = || Uncorrected::NotDelivered(*trx, supplier.clone());
    let attempt = delivered.ok_or_else(missing)?;
    if let Some(was) = was.filter(|was| *was != attempt.cost) {
        return Err(Uncorrected::Changed(*trx, attempt.cost, was));
    }
    let out_of_range = || Uncorrected::OutOfRange(*trx);
    let cost = attempt.cost.plus(*more).ok().filter(|cost| !cost.is_negative());
    let cost = cost.ok_or_else(out_of_range)?;
    let amount = Rupiah::new(more.get().checked_abs().ok_or_else(out_of_range)?);
    let theirs = AccountName::Supplier(supplier.clone());
    let (from, to) =
        if more.is_negative() { (AccountName::Cogs, theirs) } else { (theirs, AccountName::Cogs) };
    let transfer = Transfer {
        from,
        to,
        amount,
        kind: Kind::CostCorrection,
        trx: Some(*trx),
        balance: None,
        at,
        note: note.clone(),
    };
    Ok((Attempt { cost, ..attempt.clone() }, transfer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::Day;

    fn movement(amount: i64) -> Movement {
        let (member, other) = (MemberId::new(7), AccountName::Cash("bca".to_owned()));
        let (amount, kind) = (Rupiah::new(amount), Kind::Deposit);
        Movement { member, amount, other, kind, note: "budi: setor".to_owned() }
    }

    fn account(balance: i64) -> Account {
        Account {
            balance: Rupiah::new(balance),
            day: Day::new(20_260_322),
            day_total: Rupiah::ZERO,
        }
    }

    proptest! {
        /// Whatever is asked: what moved is what was asked, the ledger says the balance that the
        /// account has, and nobody was brought below the floor.
        #[test]
        fn a_movement_moves_what_was_asked(
            balance in -10_000_000_i64..10_000_000,
            amount in prop_oneof![-20_000_000_i64..20_000_000, any::<i64>()],
            limit in prop_oneof![Just(0_i64), 0_i64..5_000_000],
        ) {
            let limit = Rupiah::new(limit);
            let at = UtcMillis::new(1);
            match decide_movement(&movement(amount), &account(balance), limit, at) {
                Ok((after, transfer)) => {
                    prop_assert_eq!(after.balance.get(), balance + amount);
                    prop_assert_eq!(transfer.balance, Some(after.balance));
                    prop_assert_eq!(transfer.member_change(), Some((MemberId::new(7), amount)));
                    prop_assert!(transfer.amount.get() > 0);
                    prop_assert!(amount > 0 || after.balance.get() >= -limit.get());
                }
                Err(Unmoved::BelowFloor(left)) => {
                    prop_assert_eq!(left.get(), balance + amount);
                    prop_assert!(amount < 0 && left.get() < -limit.get());
                }
                Err(Unmoved::OutOfRange) => {
                    let far = balance.checked_add(amount).and_then(|sum| sum.checked_add(limit.get()));
                    prop_assert!(amount == 0 || far.is_none() || amount == i64::MIN);
                }
                Err(why @ (Unmoved::UnknownMember | Unmoved::Used)) => {
                    prop_assert!(false, "{:?}", why);
                }
            }
        }

        /// An opening balance is the first movement of a member, or none.
        #[test]
        fn an_account_is_opened_once(
            balance in 0_i64..1_000, day in 0_i32..3, total in 0_i64..3, amount in 1_i64..1_000,
        ) {
            let account = Account {
                balance: Rupiah::new(balance),
                day: Day::new(day),
                day_total: Rupiah::new(total),
            };
            let movement = Movement {
                kind: Kind::Opening,
                other: AccountName::Opening,
                ..movement(amount)
            };
            let at = UtcMillis::new(1);
            let done = decide_movement(&movement, &account, Rupiah::ZERO, at);
            let Ok((after, transfer)) = done else {
                prop_assert!(account != Account::default() && done == Err(Unmoved::Used));
                return Ok(());
            };
            prop_assert_eq!(account, Account::default());
            prop_assert_eq!((after.balance.get(), transfer.from), (amount, AccountName::Opening));
            let again = decide_movement(&movement, &after, Rupiah::ZERO, at);
            prop_assert_eq!(again, Err(Unmoved::Used));
        }
    }
}
