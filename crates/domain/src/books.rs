//! The chart of accounts, and what people enter that concerns no member: top-ups of suppliers,
//! expenses, capital.
//!
//! The ledger's sums are signed by the way of the goods: what left cash is negative there although the
//! bank holds it. Accountants see each account on the side on which it grows.

use crate::{AccountName, Kind, Loss, Transfer, Unmoved};
use types::{Rupiah, SupplierCode, UtcMillis};

/// What kind of account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nature {
    /// What we have: grows by debit.
    Asset,
    /// What we owe: grows by credit.
    Liability,
    /// What owners put in, less what was taken over as owed: grows by credit.
    Equity,
    /// What we earned: grows by credit.
    Income,
    /// What it cost: grows by debit.
    Expense,
}

impl Nature {
    /// All of them, in the order of a trial balance.
    pub const ALL: [Self; 5] =
        [Self::Asset, Self::Liability, Self::Equity, Self::Income, Self::Expense];

    /// True when it grows by debit.
    #[must_use]
    pub const fn grows_by_debit(self) -> bool {
        match self {
            Self::Asset | Self::Expense => true,
            Self::Liability | Self::Equity | Self::Income => false,
        }
    }
}

/// An account as it stands in a trial balance.
#[must_use]
pub const fn nature(account: &AccountName) -> Nature {
    match account {
        AccountName::Cash(_) | AccountName::Deposit(_) | AccountName::Supplier(_) => Nature::Asset,
        AccountName::Member(_) | AccountName::Hold | AccountName::Exchange => Nature::Liability,
        AccountName::Capital | AccountName::Opening => Nature::Equity,
        AccountName::Sales => Nature::Income,
        AccountName::Cogs
        | AccountName::Commission
        | AccountName::Adjustment
        | AccountName::Loss(_)
        | AccountName::Expense(_) => Nature::Expense,
    }
}

/// The debit balance of an account from its signed sum in the ledger; negative: a credit balance.
/// The debit balances of all accounts sum to 0 when the ledger's sums do.
///
/// Costs move between `supplier`, `cogs` and what a supplier kept, and are signed the other way than
/// everything else there.
#[must_use]
pub const fn debit(account: &AccountName, sum: i64) -> i64 {
    match account {
        AccountName::Supplier(_) | AccountName::Cogs | AccountName::Loss(Loss::KeptCost) => sum,
        AccountName::Cash(_)
        | AccountName::Deposit(_)
        | AccountName::Member(_)
        | AccountName::Hold
        | AccountName::Exchange
        | AccountName::Capital
        | AccountName::Opening
        | AccountName::Sales
        | AccountName::Commission
        | AccountName::Adjustment
        | AccountName::Loss(Loss::SpentCommission)
        | AccountName::Expense(_) => sum.saturating_neg(),
    }
}

/// What is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Cash was paid in to a supplier.
    TopUp(SupplierCode),
    /// Cash was paid for this.
    Expense(String),
    /// Owners put cash in.
    Capital,
}

/// An entry of the books that concerns no member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookEntry {
    /// What.
    pub kind: EntryKind,
    /// Which cash account: a bank, a till.
    pub cash: String,
    /// Negative: it came back.
    pub amount: Rupiah,
    /// Who and why.
    pub note: String,
}

/// Decides what the ledger says of an entry.
///
/// # Errors
/// [`Unmoved::OutOfRange`] for nothing, or too much.
pub fn decide_entry(entry: &BookEntry, at: UtcMillis) -> Result<Transfer, Unmoved> {
    let cash = AccountName::Cash(entry.cash.clone());
    let (from, to, kind) = match &entry.kind {
        EntryKind::TopUp(code) => (AccountName::Deposit(code.clone()), cash, Kind::TopUp),
        EntryKind::Expense(what) => (AccountName::Expense(what.clone()), cash, Kind::Expense),
        EntryKind::Capital => (cash, AccountName::Capital, Kind::Capital),
    };
    let size = entry.amount.get().checked_abs().filter(|size| *size > 0);
    let amount = Rupiah::new(size.ok_or(Unmoved::OutOfRange)?);
    let (from, to) = if entry.amount.is_negative() { (to, from) } else { (from, to) };
    let note = entry.note.clone();
    Ok(Transfer { from, to, amount, kind, trx: None, balance: None, at, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use types::MemberId;

    /// Every kind of transfer the business makes, in the direction it makes it.
    fn moves() -> Vec<(AccountName, AccountName)> {
        let (member, other) = (AccountName::Member(MemberId::new(1)), AccountName::Exchange);
        let cash = || AccountName::Cash("bca".to_owned());
        let supplier = || AccountName::Supplier(SupplierCode::parse("a").unwrap());
        let deposit = AccountName::Deposit(SupplierCode::parse("a").unwrap());
        vec![
            (member.clone(), AccountName::Hold),
            (AccountName::Hold, AccountName::Sales),
            (supplier(), AccountName::Cogs),
            (AccountName::Cogs, supplier()),
            (AccountName::Cogs, AccountName::Loss(Loss::KeptCost)),
            (AccountName::Sales, member.clone()),
            (cash(), member.clone()),
            (member.clone(), cash()),
            (member.clone(), other.clone()),
            (other, member.clone()),
            (AccountName::Commission, member.clone()),
            (member.clone(), AccountName::Commission),
            (AccountName::Loss(Loss::SpentCommission), AccountName::Commission),
            (AccountName::Adjustment, member.clone()),
            (AccountName::Opening, member.clone()),
            (member, AccountName::Opening),
            (deposit, cash()),
            (AccountName::Expense("sewa".to_owned()), cash()),
            (cash(), AccountName::Capital),
        ]
    }

    proptest! {
        /// Whatever the business did, debit and credit are equal.
        #[test]
        fn the_trial_balance_balances(
            all in prop::collection::vec((0_usize..19, 1_i64..1_000_000), 0..60),
        ) {
            let mut sums: BTreeMap<String, (AccountName, i64)> = BTreeMap::new();
            for (which, amount) in all {
                let (from, to) = moves()[which].clone();
                sums.entry(from.to_string()).or_insert((from, 0)).1 -= amount;
                sums.entry(to.to_string()).or_insert((to, 0)).1 += amount;
            }
            prop_assert_eq!(sums.values().map(|(account, sum)| debit(account, *sum)).sum::<i64>(), 0);
        }
    }

    #[test]
    fn cash_and_a_suppliers_deposit_agree_with_the_world() {
        // 1.000 came from a member, 600 went to the supplier, 250 of it bought something, 50 rent.
        let entry = |kind, amount| BookEntry {
            kind,
            cash: "bca".to_owned(),
            amount: Rupiah::new(amount),
            note: String::new(),
        };
        let code = SupplierCode::parse("a").unwrap();
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        let mut book = |from: &AccountName, to: &AccountName, amount: i64| {
            *sums.entry(from.to_string()).or_default() -= amount;
            *sums.entry(to.to_string()).or_default() += amount;
        };
        let cash = AccountName::Cash("bca".to_owned());
        let supplier = AccountName::Supplier(code.clone());
        book(&cash, &AccountName::Member(MemberId::new(1)), 1_000);
        book(&supplier, &AccountName::Cogs, 250);
        for entry in [
            entry(EntryKind::TopUp(code.clone()), 700),
            entry(EntryKind::TopUp(code.clone()), -100),
            entry(EntryKind::Expense("sewa".to_owned()), 50),
        ] {
            let transfer = decide_entry(&entry, UtcMillis::new(1)).unwrap();
            book(&transfer.from, &transfer.to, transfer.amount.get());
        }
        let of = |account: &AccountName| debit(account, sums[&account.to_string()]);
        assert_eq!(of(&cash), 350);
        assert_eq!(of(&AccountName::Deposit(code)) + of(&supplier), 350);
        assert_eq!(
            (of(&AccountName::Cogs), of(&AccountName::Expense("sewa".to_owned()))),
            (250, 50)
        );
        assert!(decide_entry(&entry(EntryKind::Capital, 0), UtcMillis::new(1)).is_err());
    }
}
