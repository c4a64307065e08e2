//! What moved for one purchase, and whether that is what it says: its member, its price, the frozen
//! share of each upline, its own supplier.
//!
//! A whole ledger is remembered in these until its purchases are judged, so they are small.

use crate::{AccountName, Kind, Shares, Transfer, Trx, TrxState};
use std::collections::BTreeMap;
use types::{MemberId, Rupiah};

/// A supplier by its place among those that were met; 0 for none.
pub(crate) type Met = u32;

const NOBODY: MemberId = MemberId::new(0);

/// What one upline got and gave of a purchase.
#[derive(Clone, Copy, Debug)]
struct Part {
    member: MemberId,
    earned: i64,
    back: i64,
    /// It had spent so much, which is our loss.
    lost: i64,
    /// Its balance after it gave back was above zero; none when nothing was taken from it.
    left: Option<bool>,
}

#[derive(Debug, Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn of(&mut self, member: MemberId) -> &mut Part {
        let Self(all) = self;
        let place = all.iter().position(|part| part.member == member).unwrap_or_else(|| {
            // One upline is the rule.
            all.reserve_exact(1);
            all.push(Part { member, earned: 0, back: 0, lost: 0, left: None });
            all.len().saturating_sub(1)
        });
        &mut all[place]
    }
}

#[derive(Debug)]
pub(crate) struct Moves {
    debit: u8,
    settle: u8,
    cost: u8,
    refund: u8,
    reversal: u8,
    /// At a reversal the cost comes back, or is kept.
    cost_end: u8,
    /// A purchase of this number was judged.
    pub(crate) judged: bool,
    /// Whose goods they were.
    pub(crate) supplier: Met,
    /// Of the debit.
    amount: i64,
    /// Who was debited, where there is a debit.
    buyer: MemberId,
    /// What it cost, with corrections.
    pub(crate) paid: i64,
    /// How much of it came back, or was kept.
    ended: i64,
    /// Most purchases have no uplines.
    parts: Option<Box<Parts>>,
}

impl Default for Moves {
    fn default() -> Self {
        Self {
            debit: 0,
            settle: 0,
            cost: 0,
            refund: 0,
            reversal: 0,
            cost_end: 0,
            judged: false,
            supplier: 0,
            amount: 0,
            buyer: NOBODY,
            paid: 0,
            ended: 0,
            parts: None,
        }
    }
}

/// What uplines had spent, in the note of what they gave back: reversals of before booked no loss.
fn short(note: &str) -> Option<i64> {
    let amount = note.strip_prefix("short of ")?.strip_suffix(", which was spent")?;
    amount.parse().ok().map(Rupiah::get)
}

/// Which upline had spent it.
fn spender(note: &str) -> Option<MemberId> {
    note.strip_prefix("spent by member ")?.parse().ok().map(MemberId::new)
}

impl Moves {
    /// Takes the next movement of the purchase, whose accounts fit its kind; `met` is the supplier in it.
    /// What is wrong about it beside the movements before it.
    pub(crate) fn take(&mut self, transfer: &Transfer, met: Met) -> Option<String> {
        let amount = transfer.amount.get();
        let member = transfer.member_change().map(|(member, _)| member).unwrap_or(NOBODY);
        match transfer.kind {
            Kind::Debit => {
                self.debit = self.debit.saturating_add(1);
                (self.amount, self.buyer) = (amount, member);
                None
            }
            Kind::Settle => {
                self.settle = self.settle.saturating_add(1);
                self.whole(amount)
            }
            Kind::Refund => {
                self.refund = self.refund.saturating_add(1);
                self.returned(amount, member)
            }
            Kind::Reversal => {
                self.reversal = self.reversal.saturating_add(1);
                self.returned(amount, member)
            }
            Kind::Cost => {
                self.cost = self.cost.saturating_add(1);
                self.paid = self.paid.saturating_add(amount);
                self.supplied(met)
            }
            Kind::CostCorrection => {
                let back = transfer.from == AccountName::Cogs;
                let change = if back { amount.saturating_neg() } else { amount };
                self.paid = self.paid.saturating_add(change);
                self.supplied(met)
            }
            Kind::CostReversal => {
                self.cost_end = self.cost_end.saturating_add(1);
                self.ended = self.ended.saturating_add(amount);
                self.supplied(met)
            }
            Kind::KeptCost => {
                self.cost_end = self.cost_end.saturating_add(1);
                self.ended = self.ended.saturating_add(amount);
                None
            }
            Kind::Commission => {
                let part = self.part(member);
                part.earned = part.earned.saturating_add(amount);
                None
            }
            Kind::CommissionReversal => {
                let part = self.part(member);
                part.back = part.back.saturating_add(amount);
                part.lost = part.lost.saturating_add(short(&transfer.note).unwrap_or_default());
                part.left = transfer.balance.map(|balance| balance > Rupiah::ZERO);
                None
            }
            Kind::SpentCommission => match spender(&transfer.note) {
                Some(member) => {
                    let part = self.part(member);
                    part.lost = part.lost.saturating_add(amount);
                    None
                }
                None => Some("names no upline that spent it".to_owned()),
            },
            Kind::Deposit
            | Kind::Withdrawal
            | Kind::Given
            | Kind::Received
            | Kind::Adjustment
            | Kind::TopUp
            | Kind::Expense
            | Kind::Capital
            | Kind::Opening => None,
        }
    }

    fn part(&mut self, member: MemberId) -> &mut Part {
        self.parts.get_or_insert_default().of(member)
    }

    fn whole(&self, amount: i64) -> Option<String> {
        let other = amount != self.amount;
        other.then(|| format!("is {}, its debit was another amount", Rupiah::new(amount)))
    }

    fn returned(&self, amount: i64, member: MemberId) -> Option<String> {
        let other = self.debit > 0 && member != self.buyer;
        let other =
            other.then(|| format!("goes to member {member}, but member {} bought it", self.buyer));
        other.or_else(|| self.whole(amount))
    }

    /// All of its cost is one supplier's.
    fn supplied(&mut self, met: Met) -> Option<String> {
        if self.supplier == 0 {
            self.supplier = met;
        }
        (self.supplier != met).then(|| "is about another supplier than its cost".to_owned())
    }

    /// What does not fit the purchase.
    pub(crate) fn judge(&self, trx: &Trx) -> Vec<String> {
        let (no, price, state) = (trx.no, trx.price, &trx.state);
        let mut found = Vec::new();
        let seen = (self.debit, self.settle, self.cost, self.refund, self.reversal);
        let expected = match state {
            TrxState::Pending => (1, 0, 0, 0, 0),
            TrxState::Success { .. } => (1, 1, 1, 0, 0),
            TrxState::Failed { .. } => (1, 0, 0, 1, 0),
            TrxState::Reversed { .. } => (1, 1, 1, 0, 1),
            TrxState::Refused { .. } => (0, 0, 0, 0, 0),
        };
        if seen != expected {
            let (debit, settle, cost, refund, reversal) = seen;
            found.push(format!(
                "trx {no} is {} but has {debit} debit, {settle} settle, {cost} cost, {refund} refund, \
                 {reversal} reversal",
                state.word(),
            ));
        }
        if self.debit > 0 && self.buyer != trx.member {
            found.push(format!(
                "trx {no} was bought by member {}, but its debit came from member {}",
                trx.member, self.buyer
            ));
        }
        if self.debit > 0 && self.amount != price.get() {
            found.push(format!("trx {no} costs {price} but its debit was {}", self.amount));
        }
        self.judge_shares(trx, &mut found);
        let spent = self.paid.saturating_sub(self.ended);
        let (holds_cost, ends) = match state {
            TrxState::Success { .. } => (spent >= 0, 0),
            TrxState::Reversed { .. } => (spent == 0, 1),
            TrxState::Pending | TrxState::Failed { .. } | TrxState::Refused { .. } => {
                (spent == 0, 0)
            }
        };
        if !holds_cost {
            found.push(format!("trx {no} is {} and cost {spent} in the end", state.word()));
        }
        if self.cost_end != ends {
            let (word, times) = (state.word(), self.cost_end);
            found.push(format!(
                "trx {no} is {word}, and its cost came back or was kept {times} times"
            ));
        }
        found
    }

    /// Each upline earned its frozen share when it was delivered, and gave it back when it was not.
    fn judge_shares(&self, trx: &Trx, found: &mut Vec<String>) {
        let parts = self.parts.as_deref().map_or(&[][..], |parts| &parts.0);
        if parts.is_empty() && trx.shares.0.is_empty() {
            return;
        }
        let (earns, gives) = match &trx.state {
            TrxState::Success { .. } => (true, false),
            TrxState::Reversed { .. } => (true, true),
            TrxState::Pending | TrxState::Failed { .. } | TrxState::Refused { .. } => {
                (false, false)
            }
        };
        let mut shares = by_member(&trx.shares);
        for part in parts {
            shares.entry(part.member).or_default();
        }
        let (no, word) = (trx.no, trx.state.word());
        for (member, share) in shares {
            let part = parts.iter().find(|part| part.member == member);
            let (earned, back, lost, left) =
                part.map_or((0, 0, 0, None), |part| (part.earned, part.back, part.lost, part.left));
            if share == 0 && part.is_some() {
                found.push(format!("trx {no}: member {member} has no share of it, but moves one"));
                continue;
            }
            let due = if earns { share } else { 0 };
            if earned != due {
                found.push(format!(
                    "trx {no} is {word} and the share of member {member} is {share}: it earned {earned}"
                ));
            }
            let due = if gives { share } else { 0 };
            if back.saturating_add(lost) != due || back < 0 || lost < 0 {
                found.push(format!(
                    "trx {no} is {word} and the share of member {member} is {share}: it gave back \
                     {back} and had spent {lost}"
                ));
            } else if lost > 0 && left != Some(false) {
                let why = match left {
                    Some(_) => "it has balance left",
                    None => "nothing was taken from it",
                };
                found.push(format!(
                    "trx {no}: {lost} of the share of member {member} counts as spent, but {why}"
                ));
            }
        }
    }
}

fn by_member(shares: &Shares) -> BTreeMap<MemberId, i64> {
    let mut all: BTreeMap<MemberId, i64> = BTreeMap::new();
    for share in &shares.0 {
        let sum = all.entry(share.member).or_default();
        *sum = sum.saturating_add(share.amount.get());
    }
    all
}
