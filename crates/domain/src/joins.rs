//! Which two accounts each kind of movement joins, and whether it belongs to a purchase.
//!
//! Written down apart from the decisions that make movements, so that the audit does not believe them:
//! a decision that takes another account is a finding, however well its sums fit.

use crate::{AccountName, Kind, Loss, Transfer};

/// A kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Member,
    Supplier,
    Cash,
    Hold,
    Sales,
    Cogs,
    Adjustment,
    Commission,
    Exchange,
    KeptCost,
    SpentCommission,
    Deposit,
    Expense,
    Capital,
    Opening,
}

impl Side {
    const fn of(account: &AccountName) -> Self {
        match account {
            AccountName::Member(_) => Self::Member,
            AccountName::Supplier(_) => Self::Supplier,
            AccountName::Cash(_) => Self::Cash,
            AccountName::Hold => Self::Hold,
            AccountName::Sales => Self::Sales,
            AccountName::Cogs => Self::Cogs,
            AccountName::Adjustment => Self::Adjustment,
            AccountName::Commission => Self::Commission,
            AccountName::Exchange => Self::Exchange,
            AccountName::Loss(Loss::KeptCost) => Self::KeptCost,
            AccountName::Loss(Loss::SpentCommission) => Self::SpentCommission,
            AccountName::Deposit(_) => Self::Deposit,
            AccountName::Expense(_) => Self::Expense,
            AccountName::Capital => Self::Capital,
            AccountName::Opening => Self::Opening,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Member => "a member",
            Self::Supplier => "a supplier",
            Self::Cash => "cash",
            Self::Hold => "hold",
            Self::Sales => "sales",
            Self::Cogs => "cogs",
            Self::Adjustment => "adjustment",
            Self::Commission => "commission",
            Self::Exchange => "exchange",
            Self::KeptCost => "loss:kept-cost",
            Self::SpentCommission => "loss:spent-commission",
            Self::Deposit => "a deposit at a supplier",
            Self::Expense => "an expense",
            Self::Capital => "capital",
            Self::Opening => "opening",
        }
    }
}

/// How a kind moves.
struct Way {
    from: Side,
    to: Side,
    /// Also the other way round.
    back: bool,
    /// It belongs to a purchase; the others belong to none.
    trx: bool,
}

const fn way(kind: Kind) -> Way {
    let (from, to, back, trx) = match kind {
        Kind::Debit => (Side::Member, Side::Hold, false, true),
        Kind::Settle => (Side::Hold, Side::Sales, false, true),
        Kind::Cost => (Side::Supplier, Side::Cogs, false, true),
        Kind::Refund => (Side::Hold, Side::Member, false, true),
        Kind::Reversal => (Side::Sales, Side::Member, false, true),
        Kind::CostReversal => (Side::Cogs, Side::Supplier, false, true),
        Kind::KeptCost => (Side::Cogs, Side::KeptCost, false, true),
        Kind::CostCorrection => (Side::Supplier, Side::Cogs, true, true),
        Kind::Commission => (Side::Commission, Side::Member, false, true),
        Kind::CommissionReversal => (Side::Member, Side::Commission, false, true),
        Kind::SpentCommission => (Side::SpentCommission, Side::Commission, false, true),
        Kind::Deposit => (Side::Cash, Side::Member, false, false),
        Kind::Withdrawal => (Side::Member, Side::Cash, false, false),
        Kind::Given => (Side::Member, Side::Exchange, false, false),
        Kind::Received => (Side::Exchange, Side::Member, false, false),
        Kind::Adjustment => (Side::Adjustment, Side::Member, true, false),
        Kind::TopUp => (Side::Deposit, Side::Cash, true, false),
        Kind::Expense => (Side::Expense, Side::Cash, true, false),
        Kind::Capital => (Side::Cash, Side::Capital, true, false),
        Kind::Opening => (Side::Opening, Side::Member, true, false),
    };
    Way { from, to, back, trx }
}

/// What is wrong with the accounts of a movement by its kind alone; `None` for nothing.
pub(crate) fn misjoined(transfer: &Transfer) -> Option<String> {
    let Way { from, to, back, trx } = way(transfer.kind);
    let sides = (Side::of(&transfer.from), Side::of(&transfer.to));
    let word = transfer.kind.word();
    if sides != (from, to) && !(back && sides == (to, from)) {
        let (from, to, or) = (from.word(), to.word(), if back { " or back" } else { "" });
        return Some(format!(
            "{word} moves from {} to {}, but goes from {from} to {to}{or}",
            transfer.from, transfer.to
        ));
    }
    match (transfer.trx, trx) {
        (None, true) => Some(format!("{word} belongs to no purchase")),
        (Some(no), false) => Some(format!("{word} names trx {no}, but belongs to no purchase")),
        (Some(_), true) | (None, false) => None,
    }
}
