//! What must hold of the books at any time; shared by `gerbang verify`, tests and simulation.
//!
//! Feed every transfer (in order), every trx and every member account, then ask for findings.

use crate::{AccountName, Attempt, Kind, Transfer, Trx, TrxState};
use std::collections::HashMap;
use std::fmt;
use types::{MemberId, Rupiah, TrxNo};

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(pub String);

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Moves {
    debit: u8,
    settle: u8,
    cost: u8,
    refund: u8,
    reversal: u8,
    amount: i64,
    earned: i64,
    given_back: i64,
    /// What it cost, with corrections and less what came back.
    spent: i64,
}

/// Collects the books and judges them.
#[derive(Debug, Default)]
pub struct Audit {
    sums: HashMap<AccountName, i128>,
    moves: HashMap<TrxNo, Moves>,
    pending: i128,
    findings: Vec<Finding>,
}

impl Audit {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&mut self, text: String) {
        // A broken book has millions of symptoms; the first ones tell.
        if self.findings.len() < 100 {
            self.findings.push(Finding(text));
        }
    }

    /// Takes the attempts of a trx: nothing may be pending that nobody will ever look at.
    pub fn waiting(&mut self, trx: &Trx, attempts: &[Attempt]) {
        if trx.state != TrxState::Pending {
            return;
        }
        let current = attempts.iter().find(|attempt| attempt.id.n == trx.attempt);
        let due = current.is_some_and(|attempt| attempt.state.is_open() && attempt.next.is_some());
        if !due {
            self.find(format!("trx {} is pending and never due", trx.no));
        }
    }

    /// One that goes on from what accounts summed up to before; [`Self::passed`] and
    /// [`Self::moved`] then take the place of [`Self::transfer`].
    #[must_use]
    pub fn after(sums: impl IntoIterator<Item = (AccountName, i128)>) -> Self {
        Self { sums: sums.into_iter().collect(), ..Self::default() }
    }

    /// What accounts sum up to so far.
    pub fn sums(&self) -> impl Iterator<Item = (&AccountName, i128)> {
        self.sums.iter().map(|(account, sum)| (account, *sum))
    }

    /// Takes the next transfer, in the order they were written; `id` names it in findings.
    pub fn transfer(&mut self, id: i64, transfer: &Transfer) {
        self.passed(id, transfer);
        self.moved(id, transfer);
    }

    /// Takes the next transfer as one that moves money between accounts.
    pub fn passed(&mut self, id: i64, transfer: &Transfer) {
        let amount = transfer.amount.get();
        if amount < 0 {
            self.find(format!("transfer {id} moves a negative amount ({})", transfer.amount));
        }
        *self.sums.entry(transfer.from.clone()).or_default() -= i128::from(amount);
        *self.sums.entry(transfer.to.clone()).or_default() += i128::from(amount);
        if let Some((member, _)) = transfer.member_change() {
            let sum = self.sums.get(&AccountName::Member(member)).copied().unwrap_or_default();
            if transfer.balance.map(|balance| i128::from(balance.get())) != Some(sum) {
                self.find(format!(
                    "transfer {id}: balance of member {member} after it is stored as {}, the sum is {sum}",
                    transfer.balance.map_or_else(|| "nothing".to_owned(), |b| b.get().to_string())
                ));
            }
        }
    }

    /// Takes a transfer as one of its trx; those of one trx in the order they were written.
    pub fn moved(&mut self, id: i64, transfer: &Transfer) {
        let amount = transfer.amount.get();
        let Some(trx) = transfer.trx else { return };
        let moves = self.moves.entry(trx).or_default();
        let mut expected = Some(moves.amount);
        match transfer.kind {
            Kind::Debit => {
                moves.debit += 1;
                moves.amount = amount;
                expected = None;
            }
            Kind::Settle => moves.settle += 1,
            Kind::Refund => moves.refund += 1,
            Kind::Reversal => moves.reversal += 1,
            Kind::Cost => {
                moves.cost += 1;
                moves.spent = moves.spent.saturating_add(amount);
                expected = None;
            }
            Kind::CostCorrection | Kind::CostReversal | Kind::KeptCost => {
                let back = transfer.from == AccountName::Cogs;
                let change = if back { amount.saturating_neg() } else { amount };
                moves.spent = moves.spent.saturating_add(change);
                expected = None;
            }
            Kind::Commission => {
                moves.earned = moves.earned.saturating_add(amount);
                expected = None;
            }
            Kind::CommissionReversal | Kind::SpentCommission => {
                moves.given_back = moves.given_back.saturating_add(amount);
                expected = None;
            }
            Kind::Deposit
            | Kind::Withdrawal
            | Kind::Given
            | Kind::Received
            | Kind::Adjustment
            | Kind::TopUp
            | Kind::Expense
            | Kind::Capital
            | Kind::Opening => expected = None,
        }
        if expected.is_some_and(|expected| expected != amount) {
            self.find(format!(
                "transfer {id}: {} of trx {trx} is {}, its debit was another amount",
                transfer.kind.word(),
                transfer.amount
            ));
        }
    }

    /// Takes a trx. Call after all transfers.
    pub fn trx(&mut self, trx: &Trx) {
        let (no, price, state) = (trx.no, trx.price, &trx.state);
        let moves = self.moves.remove(&no).unwrap_or_default();
        let seen = (moves.debit, moves.settle, moves.cost, moves.refund, moves.reversal);
        let expected = match state {
            TrxState::Pending => {
                self.pending += i128::from(price.get());
                (1, 0, 0, 0, 0)
            }
            TrxState::Success { .. } => (1, 1, 1, 0, 0),
            TrxState::Failed { .. } => (1, 0, 0, 1, 0),
            TrxState::Reversed { .. } => (1, 1, 1, 0, 1),
            TrxState::Refused { .. } => (0, 0, 0, 0, 0),
        };
        if seen != expected {
            self.find(format!(
                "trx {no} is {} but has {} debit, {} settle, {} cost, {} refund, {} reversal",
                state.word(),
                seen.0,
                seen.1,
                seen.2,
                seen.3,
                seen.4
            ));
        }
        let shares = trx.shares.total().get();
        let (earned, most_back) = match state {
            TrxState::Success { .. } => (shares, 0),
            TrxState::Reversed { .. } => (shares, shares),
            TrxState::Pending | TrxState::Failed { .. } | TrxState::Refused { .. } => (0, 0),
        };
        if moves.earned != earned || moves.given_back > most_back {
            self.find(format!(
                "trx {no} is {} and shares {shares}: uplines earned {} and gave back {}",
                state.word(),
                moves.earned,
                moves.given_back
            ));
        }
        let holds_cost = match state {
            TrxState::Success { .. } => moves.spent >= 0,
            TrxState::Pending
            | TrxState::Failed { .. }
            | TrxState::Reversed { .. }
            | TrxState::Refused { .. } => moves.spent == 0,
        };
        if !holds_cost {
            self.find(format!("trx {no} is {} and cost {} in the end", state.word(), moves.spent));
        }
        if moves.debit > 0 && moves.amount != price.get() {
            self.find(format!("trx {no} costs {price} but its debit was {}", moves.amount));
        }
    }

    /// Takes a member's account row with the lowest balance it may have.
    pub fn account(&mut self, member: MemberId, balance: Rupiah, floor: Rupiah) {
        let sum = self.sums.get(&AccountName::Member(member)).copied().unwrap_or_default();
        if sum != i128::from(balance.get()) {
            self.find(format!(
                "member {member}: cached balance {} but its transfers sum to {sum}",
                balance.get()
            ));
        }
        if balance < floor {
            self.find(format!("member {member}: balance {balance} is below its floor {floor}"));
        }
    }

    /// The sum of an account so far.
    #[must_use]
    pub fn sum(&self, account: &AccountName) -> i128 {
        self.sums.get(account).copied().unwrap_or_default()
    }

    /// Judges the whole. Empty means the books are right.
    #[must_use]
    pub fn findings(mut self) -> Vec<Finding> {
        let hold = self.sum(&AccountName::Hold);
        if hold != self.pending {
            self.find(format!(
                "hold is {hold} but the prices of pending trx sum to {}",
                self.pending
            ));
        }
        let exchange = self.sum(&AccountName::Exchange);
        if exchange != 0 {
            self.find(format!("{exchange} went to no member in transfers between members"));
        }
        let mut orphans: Vec<TrxNo> = self.moves.keys().copied().collect();
        orphans.sort_unstable();
        for no in orphans.into_iter().take(10) {
            self.find(format!("transfers name trx {no}, which does not exist"));
        }
        self.findings
    }
}
