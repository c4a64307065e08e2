//! The double-entry ledger: every movement is one transfer from one account to another.
//!
//! Promise 5: money exists only as these movements; balances are their sums.

use std::fmt;
use std::str::FromStr;
use types::{MemberId, Rupiah, SupplierCode, TrxNo, UtcMillis};

/// An account. Text form: `member:7`, `supplier:sandbox`, `cash:bca`, `hold`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountName {
    /// What we owe a member.
    Member(MemberId),
    /// Our deposit at a supplier.
    Supplier(SupplierCode),
    /// Bank, till or QRIS.
    Cash(String),
    /// Money of pending purchases.
    Hold,
    /// Revenue.
    Sales,
    /// Cost of what was sold.
    Cogs,
    /// Corrections.
    Adjustment,
    /// What uplines earn of what their downlines buy.
    Commission,
    /// Between two members; empty after every commit.
    Exchange,
    /// What a reversed purchase lost us.
    Loss(Loss),
    /// What was paid in to a supplier; what it was used for stands at [`Self::Supplier`].
    Deposit(SupplierCode),
    /// Rent, wages, fees: what was paid for something else than goods.
    Expense(String),
    /// What owners put in.
    Capital,
    /// What members had at the center that this business took over.
    Opening,
}

/// Why a reversed purchase lost us money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Loss {
    /// The supplier kept its price.
    KeptCost,
    /// Uplines had spent their share.
    SpentCommission,
}

impl Loss {
    const ALL: [Self; 2] = [Self::KeptCost, Self::SpentCommission];

    const fn word(self) -> &'static str {
        match self {
            Self::KeptCost => "kept-cost",
            Self::SpentCommission => "spent-commission",
        }
    }
}

impl AccountName {
    /// The member this account belongs to.
    #[must_use]
    pub const fn member(&self) -> Option<MemberId> {
        match self {
            Self::Member(id) => Some(*id),
            Self::Supplier(_)
            | Self::Cash(_)
            | Self::Hold
            | Self::Sales
            | Self::Cogs
            | Self::Adjustment
            | Self::Commission
            | Self::Exchange
            | Self::Loss(_)
            | Self::Deposit(_)
            | Self::Expense(_)
            | Self::Capital
            | Self::Opening => None,
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => write!(f, "member:{id}"),
            Self::Supplier(code) => write!(f, "supplier:{code}"),
            Self::Cash(name) => write!(f, "cash:{name}"),
            Self::Hold => f.write_str("hold"),
            Self::Sales => f.write_str("sales"),
            Self::Cogs => f.write_str("cogs"),
            Self::Adjustment => f.write_str("adjustment"),
            Self::Commission => f.write_str("commission"),
            Self::Exchange => f.write_str("exchange"),
            Self::Loss(loss) => write!(f, "loss:{}", loss.word()),
            Self::Deposit(code) => write!(f, "deposit:{code}"),
            Self::Expense(name) => write!(f, "expense:{name}"),
            Self::Capital => f.write_str("capital"),
            Self::Opening => f.write_str("opening"),
        }
    }
}

/// A ledger text that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerError(String);

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a word of the ledger", self.0)
    }
}

impl std::error::Error for LedgerError {}

impl FromStr for AccountName {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let wrong = || LedgerError(text.to_owned());
        Ok(match text.split_once(':') {
            None => match text {
                "hold" => Self::Hold,
                "sales" => Self::Sales,
                "cogs" => Self::Cogs,
                "adjustment" => Self::Adjustment,
                "commission" => Self::Commission,
                "exchange" => Self::Exchange,
                "capital" => Self::Capital,
                "opening" => Self::Opening,
                _ => return Err(wrong()),
            },
            Some(("member", id)) => Self::Member(MemberId::new(id.parse().map_err(|_| wrong())?)),
            Some(("supplier", code)) => {
                Self::Supplier(SupplierCode::parse(code).map_err(|_| wrong())?)
            }
            Some(("loss", word)) => {
                let found = Loss::ALL.into_iter().find(|loss| loss.word() == word);
                Self::Loss(found.ok_or_else(wrong)?)
            }
            Some(("deposit", code)) => {
                Self::Deposit(SupplierCode::parse(code).map_err(|_| wrong())?)
            }
            Some(("expense", name)) if !name.is_empty() => Self::Expense(name.to_owned()),
            Some(("cash", name)) if !name.is_empty() => Self::Cash(name.to_owned()),
            Some(_) => return Err(wrong()),
        })
    }
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// member to hold, at acceptance.
    Debit,
    /// hold to sales, at success.
    Settle,
    /// supplier to cogs, at success.
    Cost,
    /// hold to member, at failure.
    Refund,
    /// sales to member, at reversal.
    Reversal,
    /// cogs to supplier, at reversal, when the supplier gave it back.
    CostReversal,
    /// cogs to loss, at reversal, when the supplier kept it.
    KeptCost,
    /// loss to commission, at reversal: what uplines had spent of their shares.
    SpentCommission,
    /// cash to member.
    Deposit,
    /// member to cash.
    Withdrawal,
    /// member to exchange: given to another member.
    Given,
    /// exchange to member: received from another member.
    Received,
    /// commission to member: earned by a downline's purchase.
    Commission,
    /// member to commission: taken back when the purchase was reversed.
    CommissionReversal,
    /// adjustment to member or back: a correction by people.
    Adjustment,
    /// supplier to cogs or back: its statement says another cost than was booked.
    CostCorrection,
    /// deposit to cash: paid in to a supplier.
    TopUp,
    /// expense to cash.
    Expense,
    /// cash to capital: owners put something in.
    Capital,
    /// opening to member, or back: its balance at the center before, its first movement here.
    Opening,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 20] = [
        Self::Debit,
        Self::Settle,
        Self::Cost,
        Self::Refund,
        Self::Reversal,
        Self::CostReversal,
        Self::KeptCost,
        Self::SpentCommission,
        Self::Deposit,
        Self::Withdrawal,
        Self::Given,
        Self::Received,
        Self::Commission,
        Self::CommissionReversal,
        Self::Adjustment,
        Self::CostCorrection,
        Self::TopUp,
        Self::Expense,
        Self::Capital,
        Self::Opening,
    ];

    /// The stored word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debit => "debit",
            Self::Settle => "settle",
            Self::Cost => "cost",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
            Self::CostReversal => "cost_reversal",
            Self::KeptCost => "kept_cost",
            Self::SpentCommission => "spent_commission",
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::Given => "given",
            Self::Received => "received",
            Self::Commission => "commission",
            Self::CommissionReversal => "commission_reversal",
            Self::Adjustment => "adjustment",
            Self::CostCorrection => "cost_correction",
            Self::TopUp => "top_up",
            Self::Expense => "expense",
            Self::Capital => "capital",
            Self::Opening => "opening",
        }
    }
}

impl FromStr for Kind {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| LedgerError(text.to_owned()))
    }
}

/// One movement. The amount is never negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Account that gives.
    pub from: AccountName,
    /// Account that receives.
    pub to: AccountName,
    /// How much.
    pub amount: Rupiah,
    /// Why.
    pub kind: Kind,
    /// For which trx.
    pub trx: Option<TrxNo>,
    /// The balance of the member involved, after this movement.
    pub balance: Option<Rupiah>,
    /// When.
    pub at: UtcMillis,
    /// Who and why, for movements made by people.
    pub note: String,
}

impl Transfer {
    /// The member whose balance this moves, with the signed change of it.
    #[must_use]
    pub fn member_change(&self) -> Option<(MemberId, i64)> {
        if let Some(id) = self.from.member() {
            return Some((id, self.amount.get().saturating_neg()));
        }
        self.to.member().map(|id| (id, self.amount.get()))
    }
}
