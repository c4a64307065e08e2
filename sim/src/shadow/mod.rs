//! The books as they must be, computed from what this simulation itself did and saw.
//!
//! Every batch passes here in the order of the commits, and is judged by rules that are written down a
//! second time: what a purchase costs, who pays and earns how much, which states follow which, what is
//! told, what is on record. It shares no code with the decisions, and believes none of their sums.

mod attempts;
mod told;

use crate::bank::ACCOUNT;
use crate::shop::{CHEAP, FEE, MARKUP, PRICE, QTY, limits};
use crate::world::State;
use domain::{AccountName, Attempt, Kind, Loss, Transfer, Trx, TrxState};
use std::collections::{BTreeMap, BTreeSet};
use store::{Batch, CatalogChange, Change, Channel, Delivery, Direction, JournalLine, Reads};
use types::{Day, DeliveryId, MemberId, RefId, Refusal, Rupiah, Sn, SupplierCode, TrxNo};

/// A figure is believed up to so many times what was expected, and down to the same share.
const BELIEVED: i64 = 3;
/// What costs no more may cost anything up to this.
const SMALL: i64 = 1_000;

/// A purchase as it must stand.
struct Purchase {
    trx: Trx,
    attempts: BTreeMap<u16, Attempt>,
    /// What it cost, once it is delivered.
    cost: i64,
}

/// A movement that must be in the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Due {
    kind: Kind,
    from: AccountName,
    to: AccountName,
    amount: i64,
    trx: TrxNo,
}

/// What must be told.
struct Tell {
    trx: TrxNo,
    words: String,
}

/// What of the batch was seen so far.
#[derive(Default)]
struct Desk<'a> {
    seed: u64,
    due: Vec<Due>,
    tell: Vec<Tell>,
    lines: Vec<&'a JournalLine>,
    /// Purchases that need a line of their own.
    bought: Vec<TrxNo>,
    /// Members whose money moved, and the last row that was written of each.
    moved: BTreeSet<MemberId>,
    rows: BTreeMap<MemberId, &'a domain::Account>,
    trxs: BTreeSet<TrxNo>,
    prices: Vec<i64>,
    /// Purchases with a number that another one has.
    twins: Vec<TrxNo>,
    /// Purchases whose callback was tried.
    told: Vec<TrxNo>,
    wrong: Vec<String>,
}

impl Desk<'_> {
    /// What a member may owe.
    fn credit(&self, member: MemberId) -> i64 {
        let number = u64::try_from(member.get() - 1).unwrap_or_default();
        limits(Some(self.seed), number).0
    }

    /// The last word of a supplier about a purchase, in this batch.
    fn word(&self, no: TrxNo) -> Option<&JournalLine> {
        let about =
            |line: &&&JournalLine| line.channel == Channel::Supplier && line.trx == Some(no);
        self.lines.iter().rev().find(about).copied()
    }
}

/// The books as they must be.
#[derive(Default)]
pub(crate) struct Shadow {
    /// What T1 cost so far, the newest last; at first it is the founding price.
    prices: Vec<i64>,
    balances: BTreeMap<MemberId, i64>,
    /// The day of the last purchase, and what was bought on it, less what came back.
    spent: BTreeMap<MemberId, (Day, i64)>,
    /// Which equal purchase of the day its member says it is.
    counters: BTreeMap<(MemberId, RefId), BTreeSet<u16>>,
    /// Corrections of costs that were asked for and are not booked.
    corrections: Vec<(TrxNo, i64)>,
    purchases: BTreeMap<TrxNo, Purchase>,
    refs: BTreeMap<(MemberId, RefId), TrxNo>,
    deliveries: BTreeMap<DeliveryId, Delivery>,
    /// Deposits and withdrawals that were asked for and are not booked.
    asked: Vec<(MemberId, i64)>,
    /// What came to the account of tickets and is not booked.
    paid: Vec<(MemberId, i64)>,
    /// Which purchase got a serial number of a supplier first.
    numbers: BTreeMap<(SupplierCode, Sn), TrxNo>,
}

/// What uplines earn of a purchase, the buyer's own first.
fn shares(member: MemberId) -> Vec<(MemberId, i64)> {
    (1..member.get()).rev().map(|above| (MemberId::new(above), MARKUP)).collect()
}

/// What is above the list.
fn markup(member: MemberId) -> i64 {
    MARKUP * (member.get() - 1)
}

impl Shadow {
    /// A person asks for a deposit, or for a withdrawal.
    pub(crate) fn asked(&mut self, member: MemberId, amount: i64) {
        self.asked.push((member, amount));
    }

    /// A member pays in, whatever is reported of it.
    pub(crate) fn pays(&mut self, member: MemberId, amount: i64) {
        self.paid.push((member, amount));
    }

    /// Whoever paid so much and was not credited.
    pub(crate) fn unpaid(&self, amount: i64) -> Option<MemberId> {
        self.paid.iter().find(|(_, paid)| *paid == amount).map(|(member, _)| *member)
    }

    /// What was paid and never booked.
    pub(crate) fn paid_and_not_booked(&self) -> Vec<(MemberId, i64)> {
        self.paid.clone()
    }

    /// A member says which equal purchase of the day this is.
    pub(crate) fn counts(&mut self, member: MemberId, ref_id: &RefId, counter: u16) {
        self.counters.entry((member, ref_id.clone())).or_default().insert(counter);
    }

    /// A person says that a purchase cost so much more.
    pub(crate) fn corrects(&mut self, no: TrxNo, more: i64) {
        self.corrections.push((no, more));
    }

    fn balance(&self, member: MemberId) -> i64 {
        self.balances.get(&member).copied().unwrap_or_default()
    }

    /// What was bought on a day, as far as it is the last one.
    fn day(&self, member: MemberId, day: Day) -> i64 {
        self.spent.get(&member).filter(|(last, _)| *last == day).map_or(0, |(_, sum)| *sum)
    }

    /// What comes back of a purchase comes off the sum of its day.
    fn comes_back(&mut self, trx: &Trx) {
        if let Some((day, sum)) = self.spent.get_mut(&trx.member)
            && *day == trx.day
        {
            *sum = (*sum - trx.price.get()).max(0);
        }
    }

    /// What a purchase may cost: the price of now; another node may not have heard of the newest.
    fn may_cost(&self, trx: &Trx, nodes: usize) -> Vec<i64> {
        let above = markup(trx.member);
        let qty = trx.qty.map_or(0, |qty| i64::from(qty.get()));
        match trx.product.as_str() {
            "T2" => vec![qty + FEE + above],
            "T3" => vec![CHEAP + above],
            _ => {
                let known = if nodes > 1 { self.prices.len() } else { 1 };
                let first = self.prices.is_empty() || nodes > 1;
                let first = first.then_some(PRICE).into_iter();
                let newest = self.prices.iter().rev().take(known).copied();
                newest.chain(first).map(|price| price + above).collect()
            }
        }
    }

    /// As many equal ones of its day as its member says that there may be, which are not refused or failed.
    /// Of a reference that was sent with several counters it is the last or the first that counts.
    fn has_equal(&self, trx: &Trx, by_last: bool) -> bool {
        let equal = self.purchases.values().map(|known| &known.trx).filter(|other| {
            other.no != trx.no
                && (other.member, &other.product, &other.dest, other.day)
                    == (trx.member, &trx.product, &trx.dest, trx.day)
                && matches!(other.state, TrxState::Pending | TrxState::Success { .. })
        });
        let counters = self.counters.get(&(trx.member, trx.ref_id.clone()));
        let said = |all: &BTreeSet<u16>| if by_last { all.last() } else { all.first() }.copied();
        let most = counters.and_then(said).unwrap_or(1);
        equal.count() >= usize::from(most)
    }

    /// An equal one changed in this batch.
    fn had_equal(&self, trx: &Trx, desk: &Desk<'_>) -> bool {
        let changed = desk.trxs.iter().filter_map(|no| self.purchases.get(no));
        changed.map(|known| &known.trx).any(|other| {
            (other.member, &other.product, &other.dest) == (trx.member, &trx.product, &trx.dest)
        })
    }

    /// Takes a batch that was committed; what is wrong with it.
    pub(crate) fn commit(&mut self, state: &mut State, batch: &Batch) -> Vec<String> {
        let mut desk = Desk { seed: state.seed, ..Desk::default() };
        for change in &batch.changes {
            match change {
                Change::InsertTrx { trx, .. } => self.bought(state, trx, &mut desk),
                Change::FlipTrx { no, from, state: to } => {
                    self.flips(state, *no, from, to, &mut desk);
                }
                Change::Suspect { no, why } => {
                    if let Some(known) = self.purchases.get_mut(no) {
                        known.trx.suspect.clone_from(why);
                    }
                    desk.trxs.insert(*no);
                    if why.as_ref().is_some_and(|why| why.contains("which is not believed")) {
                        *state.coverage.entry("cost: not believed").or_default() += 1;
                    }
                    if why.as_ref().is_some_and(|why| why.starts_with("words that may be about")) {
                        state.doubted.push(*no);
                    }
                }
                Change::InsertAttempt(attempt) => self.tries(attempt, &mut desk),
                Change::UpdateAttempt(attempt) => self.goes_on(state, attempt, &mut desk),
                Change::Transfer(transfer) => self.moves(transfer, &mut desk),
                Change::Account { member, account } => {
                    desk.rows.insert(*member, account);
                }
                Change::InsertDelivery(delivery) => self.tells(delivery, &mut desk),
                Change::UpdateDelivery(delivery) => self.told(state, delivery, &mut desk),
                Change::Journal(line) => desk.lines.push(line),
                Change::Catalog(change) => {
                    // A batch is decided by the prices of before it.
                    if let CatalogChange::Price { price, product, .. } = &**change
                        && product.as_str() == "T1"
                    {
                        desk.prices.push(price.amount.get());
                    }
                }
                Change::Proof { .. }
                | Change::Turn { .. }
                | Change::PutPaper(_)
                | Change::DropPaper { .. } => {}
            }
        }
        self.judge(&mut desk);
        self.prices.append(&mut desk.prices);
        desk.wrong
    }

    fn bought(&mut self, state: &State, trx: &Trx, desk: &mut Desk<'_>) {
        let (no, member) = (trx.no, trx.member);
        let had_equal = self.had_equal(trx, desk);
        let mut wrong = |why: String| desk.wrong.push(format!("{no} {why}"));
        if let Some(first) = self.refs.insert((member, trx.ref_id.clone()), no) {
            wrong(format!("takes a reference that {first} has"));
        }
        let (balance, day) = (self.balance(member), self.day(member, trx.day));
        if trx.before.get() != balance {
            wrong(format!("says {} was there before it, it was {balance}", trx.before));
        }
        let costs = self.may_cost(trx, state.nodes.len());
        let number = u64::try_from(member.get() - 1).unwrap_or_default();
        let (credit, limit) = limits(Some(state.seed), number);
        let beyond = |price: &i64| limit.is_some_and(|limit| day + price > limit);
        let guarded = member.get() == 2;
        match &trx.state {
            TrxState::Pending => {
                let price = trx.price.get();
                if !costs.contains(&price) {
                    wrong(format!("is sold for {price} and not for {costs:?}"));
                }
                let shares_now = trx.shares.0.iter().map(|one| (one.member, one.amount.get()));
                if shares_now.ne(shares(member)) {
                    wrong(format!("gives its uplines {}", trx.shares));
                }
                if price > balance + credit {
                    wrong(format!("costs {price}, and its member has {balance}"));
                }
                if beyond(&price) {
                    wrong("goes beyond its member's daily limit".to_owned());
                }
                if guarded && self.has_equal(trx, true) {
                    wrong("is the same twice a day, against its member's guard".to_owned());
                }
                if trx.qty.is_some_and(|qty| !(QTY.0..=QTY.1).contains(&qty.get())) {
                    wrong(format!("has a nominal of {:?}", trx.qty));
                }
                desk.due.push(Due {
                    kind: Kind::Debit,
                    from: AccountName::Member(member),
                    to: AccountName::Hold,
                    amount: price,
                    trx: no,
                });
                desk.bought.push(no);
                self.spent.insert(member, (trx.day, day + price));
            }
            TrxState::Refused { refusal } => {
                let is_true = match refusal {
                    Refusal::InsufficientBalance => {
                        costs.iter().any(|price| *price > balance + credit)
                    }
                    Refusal::Limit => costs.iter().any(beyond),
                    // One that failed in this very batch still counts.
                    Refusal::SameDayDuplicate => {
                        guarded && (self.has_equal(trx, false) || had_equal)
                    }
                    Refusal::PriceAboveMax { price, max } => {
                        price > max && costs.contains(&price.get())
                    }
                    Refusal::NoRoute => true,
                    _ => false,
                };
                if !is_true {
                    wrong(format!("is refused with {}, which is not so", refusal.code()));
                }
            }
            TrxState::Success { .. } | TrxState::Failed { .. } | TrxState::Reversed { .. } => {
                wrong(format!("begins as {}", trx.state.word()));
            }
        }
        desk.trxs.insert(no);
        let known = Purchase { trx: trx.clone(), attempts: BTreeMap::new(), cost: 0 };
        self.purchases.insert(no, known);
    }

    fn flips(&mut self, state: &State, no: TrxNo, from: &str, to: &TrxState, desk: &mut Desk<'_>) {
        desk.trxs.insert(no);
        let by_person = state.decided.contains(&no) || state.rested.contains(&no);
        let Some(known) = self.purchases.get_mut(&no) else {
            desk.wrong.push(format!("{no} flips and was never bought"));
            return;
        };
        let word = known.trx.state.word();
        if word != from {
            desk.wrong.push(format!("{no} flips from {from}, it was {word}"));
        }
        let last = known.attempts.values().next_back();
        let trx = &known.trx;
        let member = AccountName::Member(trx.member);
        let due = |kind, from, to, amount| Due { kind, from, to, amount, trx: no };
        let told = |words: &str| Tell { trx: no, words: words.to_owned() };
        let (mut wrong, mut back) = (Vec::new(), None);
        match (&trx.state, to) {
            (TrxState::Pending, TrxState::Success { sn, cost, .. }) => {
                let Some(attempt) = last else { return };
                if attempt.sent.is_none() && !by_person {
                    wrong.push(format!("{no} is delivered, and {} was never sent", attempt.id));
                }
                let (planned, cost) = (attempt.cost.get(), cost.get());
                let most = (planned * BELIEVED).max(SMALL);
                let least = if planned > SMALL { planned / BELIEVED } else { 0 };
                if !(least..=most).contains(&cost) {
                    wrong.push(format!("{no} is booked with a cost of {cost}, not {planned}"));
                }
                let supplier = AccountName::Supplier(attempt.supplier.clone());
                known.cost = cost;
                let price = trx.price.get();
                desk.due.push(due(Kind::Settle, AccountName::Hold, AccountName::Sales, price));
                desk.due.push(due(Kind::Cost, supplier, AccountName::Cogs, cost));
                for (upline, amount) in shares(trx.member) {
                    let upline = AccountName::Member(upline);
                    desk.due.push(due(Kind::Commission, AccountName::Commission, upline, amount));
                }
                desk.tell.push(told(&format!(" SUKSES. SN: {sn}. ")));
            }
            (TrxState::Success { sn: old, cost: was, .. }, TrxState::Success { sn, cost, .. }) => {
                if last.is_none_or(|attempt| *old != Sn::stand_in(attempt.id)) || was != cost {
                    wrong.push(format!("{no} had {old} for {was} and has {sn} for {cost}"));
                }
                desk.tell.push(told(&format!(" SUKSES. SN: {sn}. ")));
            }
            (TrxState::Pending, TrxState::Failed { .. }) => {
                let amount = trx.price.get();
                desk.due.push(due(Kind::Refund, AccountName::Hold, member, amount));
                desk.tell.push(told(" GAGAL. "));
                back = Some(trx.clone());
            }
            (TrxState::Success { .. }, TrxState::Reversed { .. }) => {
                let Some(attempt) = last else { return };
                if attempt.supplier.as_str() != "s0" && !by_person {
                    wrong.push(format!("{no} is reversed at the word of {}", attempt.supplier));
                }
                let is_reply = |line: &JournalLine| {
                    line.direction == Direction::Out
                        && line.request.contains("/trx?")
                        && !line.request.contains("check=1")
                };
                if desk.word(no).is_some_and(is_reply) {
                    wrong.push(format!("{no} is reversed by a reply that came late"));
                }
                let (amount, cost) = (trx.price.get(), known.cost);
                let supplier = AccountName::Supplier(attempt.supplier.clone());
                desk.due.push(due(Kind::Reversal, AccountName::Sales, member, amount));
                desk.due.push(due(Kind::CostReversal, AccountName::Cogs, supplier, cost));
                for (upline, share) in shares(trx.member) {
                    // What it has spent is our loss.
                    let has = self.balances.get(&upline).copied().unwrap_or_default().max(0);
                    let back = share.min(has);
                    let commission = AccountName::Commission;
                    let from = AccountName::Member(upline);
                    let kind = Kind::CommissionReversal;
                    desk.due.push(due(kind, from, commission.clone(), back));
                    if back < share {
                        let lost = AccountName::Loss(Loss::SpentCommission);
                        let kind = Kind::SpentCommission;
                        desk.due.push(due(kind, lost, commission, share - back));
                    }
                }
                desk.tell.push(told(" GAGAL. "));
                back = Some(trx.clone());
            }
            (old, new) => {
                wrong.push(format!("{no} goes from {} to {}", old.word(), new.word()));
            }
        }
        if let (TrxState::Success { sn, .. }, Some(attempt)) = (to, last)
            && *sn != Sn::stand_in(attempt.id)
            && !by_person
        {
            let first = self.numbers.entry((attempt.supplier.clone(), sn.clone())).or_insert(no);
            if *first != no {
                desk.twins.push(no);
            }
        }
        // Promise 7: whatever decided it is on record.
        let is_taken_back = matches!(to, TrxState::Failed { .. })
            && last.is_some_and(|attempt| attempt.sent.is_none());
        if desk.word(no).is_none() && !by_person && !is_taken_back {
            wrong.push(format!("{no} is {} by no words on record", to.word()));
        }
        desk.wrong.extend(wrong);
        known.trx.state = to.clone();
        if let Some(trx) = back {
            self.comes_back(&trx);
        }
    }

    /// A person may leave the supplier its price of what is taken back.
    fn kept(&self, transfer: &Transfer, desk: &Desk<'_>) -> Option<usize> {
        let is_kept = transfer.kind == Kind::KeptCost
            && transfer.from == AccountName::Cogs
            && transfer.to == AccountName::Loss(Loss::KeptCost);
        let fits = |due: &Due| {
            due.kind == Kind::CostReversal
                && Some(due.trx) == transfer.trx
                && due.amount == transfer.amount.get()
        };
        desk.due.iter().position(fits).filter(|_| is_kept)
    }

    /// What a purchase cost is corrected, as a person asked.
    fn is_correction(&mut self, transfer: &Transfer) -> bool {
        let Some(no) = transfer.trx.filter(|_| transfer.kind == Kind::CostCorrection) else {
            return false;
        };
        let amount = transfer.amount.get();
        let more = if transfer.from == AccountName::Cogs { -amount } else { amount };
        let asked = self.corrections.iter().position(|asked| *asked == (no, more));
        let (Some(place), Some(known)) = (asked, self.purchases.get_mut(&no)) else {
            return false;
        };
        self.corrections.remove(place);
        known.cost += more;
        true
    }

    fn moves(&mut self, transfer: &Transfer, desk: &mut Desk<'_>) {
        let amount = transfer.amount.get();
        let found = transfer.trx.and_then(|trx| {
            let Transfer { kind, from, to, .. } = transfer.clone();
            let this = Due { kind, from, to, amount, trx };
            desk.due.iter().position(|due| *due == this)
        });
        let found = found.or_else(|| self.kept(transfer, desk));
        if let Some(place) = found {
            desk.due.remove(place);
        } else if self.is_correction(transfer) {
            // A person asked for it.
        } else if let (None, Some((member, change))) = (transfer.trx, transfer.member_change()) {
            let by_ticket = transfer.from == AccountName::Cash(ACCOUNT.to_owned());
            let asked = if by_ticket { &mut self.paid } else { &mut self.asked };
            match asked.iter().position(|asked| *asked == (member, change)) {
                Some(place) => {
                    asked.remove(place);
                }
                None => desk.wrong.push(format!("{change} moves for {member}, unasked")),
            }
            if change < 0 && self.balance(member) + change < -desk.credit(member) {
                desk.wrong.push(format!("{member} gives {change} and has less"));
            }
        } else {
            let (kind, trx) = (transfer.kind.word(), transfer.trx);
            desk.wrong.push(format!(
                "{kind} of {amount} from {} to {} for {trx:?} is not due",
                transfer.from, transfer.to
            ));
        }
        if let Some((member, change)) = transfer.member_change() {
            *self.balances.entry(member).or_default() += change;
            desk.moved.insert(member);
            let balance = self.balance(member);
            if transfer.balance.map(Rupiah::get) != Some(balance) {
                desk.wrong.push(format!(
                    "{} leaves {member} with {:?}, it has {balance}",
                    transfer.kind.word(),
                    transfer.balance
                ));
            }
        }
    }

    /// When the batch is whole.
    fn judge(&self, desk: &mut Desk<'_>) {
        let mut wrong = std::mem::take(&mut desk.wrong);
        wrong.extend(desk.due.iter().map(|due| {
            let (kind, from, to) = (due.kind.word(), &due.from, &due.to);
            format!("{}: {kind} of {} from {from} to {to} is not booked", due.trx, due.amount)
        }));
        wrong.extend(desk.tell.iter().map(|tell| format!("{} is told to nobody", tell.trx)));
        let is_said = |no: TrxNo, channel| {
            desk.lines.iter().any(|line| line.channel == channel && line.trx == Some(no))
        };
        for no in desk.bought.iter().filter(|no| !is_said(**no, Channel::Trx)) {
            wrong.push(format!("{no} is bought, and no line says so"));
        }
        for no in desk.told.iter().filter(|no| !is_said(**no, Channel::Callback)) {
            wrong.push(format!("a callback of {no} was tried, and no line says so"));
        }
        for no in &desk.twins {
            let is_told = self.purchases.get(no).is_some_and(|known| known.trx.suspect.is_some());
            if !is_told {
                wrong.push(format!("{no} has the number of another one, and nobody hears of it"));
            }
        }
        for member in &desk.moved {
            let balance = self.balance(*member);
            let (day, sum) = self.spent.get(member).copied().unwrap_or_default();
            match desk.rows.get(member) {
                None => wrong.push(format!("the account of {member} is not written")),
                Some(row)
                    if (row.balance.get(), row.day, row.day_total.get()) != (balance, day, sum) =>
                {
                    wrong.push(format!(
                        "{member} has {} and bought {}, it is {balance} and {sum}",
                        row.balance, row.day_total
                    ));
                }
                Some(_) => {}
            }
        }
        for no in &desk.trxs {
            let Some(known) = self.purchases.get(no) else { continue };
            let open = known.attempts.values().filter(|attempt| attempt.state.is_open()).count();
            let wanted = usize::from(known.trx.state == TrxState::Pending);
            if open != wanted {
                wrong.push(format!("{no} is {} with {open} open", known.trx.state.word()));
            }
        }
        desk.wrong = wrong;
    }

    /// What is in the store and is not as it must be.
    pub(crate) fn compare(&self, reads: &mut dyn Reads) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let accounts: BTreeMap<MemberId, _> = reads.accounts()?.into_iter().collect();
        for (member, balance) in &self.balances {
            let row = accounts.get(member).map(|row| (row.balance.get(), row.day_total.get()));
            let sum = self.spent.get(member).map_or(0, |(_, sum)| *sum);
            if row != Some((*balance, sum)) {
                wrong.push(format!("{member} has {row:?}, it is {balance}"));
            }
        }
        let all: Vec<TrxNo> = self.purchases.keys().copied().collect();
        let knowns = reads.knowns(&all)?;
        if knowns.len() != all.len() {
            wrong.push(format!("{} purchases are there of {}", knowns.len(), all.len()));
        }
        for known in knowns {
            let Some(ours) = self.purchases.get(&known.trx.no) else { continue };
            if known.trx != ours.trx || !known.attempts.iter().eq(ours.attempts.values()) {
                wrong.push(format!("{} is not as it was written", known.trx.no));
            }
        }
        for delivery in self.deliveries.values() {
            let story = reads.story(delivery.trx)?;
            let told = story.is_some_and(|story| story.deliveries.contains(delivery));
            if !told {
                wrong.push(format!("callback {} is not as it was written", delivery.id));
            }
        }
        Ok(wrong)
    }
}
