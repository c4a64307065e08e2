//! What must hold of the books at any time; shared by `gerbang verify`, tests and simulation.
//!
//! Feed every transfer (in order), every trx with its attempts and every member account, then ask for
//! findings. Of each transfer it knows which accounts it may join and how much: by its kind (`joins`), and
//! by its purchase (`moves`). It believes no decision, so it must never share code with one.

use crate::joins::misjoined;
use crate::moves::{Met, Moves};
use crate::{AccountName, Attempt, AttemptState, Kind, Transfer, Trx, TrxState};
use std::collections::{HashMap, HashSet};
use std::fmt;
use types::{MemberId, Rupiah, SupplierCode, TrxNo, UtcMillis};

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(pub String);

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Given by one member and not received by another yet.
#[derive(Clone, Copy, Debug)]
struct Giving {
    id: i64,
    at: UtcMillis,
    giver: MemberId,
    amount: Rupiah,
}

/// Both halves of a transfer between members are of one commit, so that at most one of each lane is open
/// while a ledger is read.
const GIVINGS_MOST: usize = 4_096;

/// Collects the books and judges them.
#[derive(Debug, Default)]
pub struct Audit {
    sums: HashMap<AccountName, i128>,
    moves: HashMap<TrxNo, Moves>,
    /// Suppliers that were met, each with its place.
    suppliers: Vec<SupplierCode>,
    givings: Vec<Giving>,
    members: HashSet<MemberId>,
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

    /// Takes the attempts of a trx, after [`Self::trx`]: nothing may be pending that nobody will ever look
    /// at, or decided while one is open; one delivered what was sold, and none what was not; and what was
    /// paid was paid to the supplier that delivered, as much as it says.
    pub fn attempts(&mut self, trx: &Trx, attempts: &[Attempt]) {
        let no = trx.no;
        let current = attempts.iter().find(|attempt| attempt.id.n == trx.attempt);
        let word = trx.state.word();
        let has_open = attempts.iter().any(|attempt| attempt.state.is_open());
        if has_open && trx.state != TrxState::Pending {
            self.find(format!("trx {no} is {word} with an open attempt"));
        }
        let is_delivered =
            |attempt: &Attempt| matches!(attempt.state, AttemptState::Delivered { .. });
        let (delivered, by_current) =
            (attempts.iter().any(is_delivered), current.is_some_and(is_delivered));
        // Of what was reversed the made-up past of older demos says that it was delivered.
        let is_sold = match trx.state {
            TrxState::Success { .. } => Some(true),
            TrxState::Pending | TrxState::Failed { .. } | TrxState::Refused { .. } => Some(false),
            TrxState::Reversed { .. } => None,
        };
        if is_sold.is_some_and(|sold| delivered != sold || by_current != sold) {
            self.find(format!("trx {no} is {word}, its attempts say otherwise"));
        }
        match trx.state {
            TrxState::Pending => {
                let due = current
                    .is_some_and(|attempt| attempt.state.is_open() && attempt.next.is_some());
                if !due {
                    self.find(format!("trx {no} is pending and never due"));
                }
                return;
            }
            TrxState::Success { .. } | TrxState::Reversed { .. } => {}
            TrxState::Failed { .. } | TrxState::Refused { .. } => return,
        }
        let Some(moves) = self.moves.get(&no) else { return };
        let Some(attempt) = current else {
            self.find(format!(
                "trx {no} has no attempt {}, which its cost belongs to",
                trx.attempt
            ));
            return;
        };
        let (paid_to, cost) = (self.met_as(moves.supplier), moves.paid);
        if let Some(other) = paid_to.filter(|other| **other != attempt.supplier) {
            self.find(format!(
                "trx {no} was delivered by {}, but its cost was paid to {other}",
                attempt.supplier
            ));
        }
        if cost != attempt.cost.get() {
            self.find(format!(
                "trx {no} cost {cost} in the ledger, but its attempt {} says {}",
                trx.attempt,
                attempt.cost.get()
            ));
        }
    }

    /// The place of the supplier that a transfer moves money of.
    fn meet(&mut self, transfer: &Transfer) -> Met {
        let ((AccountName::Supplier(code), _) | (_, AccountName::Supplier(code))) =
            (&transfer.from, &transfer.to)
        else {
            return 0;
        };
        let place = self.suppliers.iter().position(|met| met == code).unwrap_or_else(|| {
            self.suppliers.push(code.clone());
            self.suppliers.len().saturating_sub(1)
        });
        Met::try_from(place).unwrap_or(Met::MAX).saturating_add(1)
    }

    fn met_as(&self, met: Met) -> Option<&SupplierCode> {
        self.suppliers.get(usize::try_from(met.checked_sub(1)?).ok()?)
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
        // Sums of 128 bits hold more than all rows that fit on a disk.
        let from = self.sums.entry(transfer.from.clone()).or_default();
        *from = from.saturating_sub(i128::from(amount));
        let to = self.sums.entry(transfer.to.clone()).or_default();
        *to = to.saturating_add(i128::from(amount));
        if let Some(why) = misjoined(transfer) {
            self.find(format!("transfer {id}: {why}"));
        }
        self.between(id, transfer);
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

    /// What one member gives another receives, in the same commit.
    fn between(&mut self, id: i64, transfer: &Transfer) {
        let Transfer { kind, amount, at, .. } = *transfer;
        let Some((member, _)) = transfer.member_change() else { return };
        if kind == Kind::Given {
            self.givings.push(Giving { id, at, giver: member, amount });
            if self.givings.len() > GIVINGS_MOST {
                let giving = self.givings.remove(0);
                self.unreceived(giving);
            }
        } else if kind == Kind::Received {
            let fits = |giving: &Giving| {
                giving.at == at && giving.amount == amount && giving.giver != member
            };
            match self.givings.iter().position(fits) {
                Some(place) => {
                    self.givings.remove(place);
                }
                None => self.find(format!(
                    "transfer {id}: member {member} received {amount} that no other member gave"
                )),
            }
        }
    }

    fn unreceived(&mut self, Giving { id, giver, amount, .. }: Giving) {
        self.find(format!(
            "transfer {id}: member {giver} gave {amount} that no other member received"
        ));
    }

    /// Takes a transfer as one of its trx; those of one trx in the order they were written.
    pub fn moved(&mut self, id: i64, transfer: &Transfer) {
        let Some(no) = transfer.trx else { return };
        let met = self.meet(transfer);
        if let Some(why) = self.moves.entry(no).or_default().take(transfer, met) {
            self.find(format!("transfer {id}: {} of trx {no} {why}", transfer.kind.word()));
        }
    }

    /// Takes a trx. Call after all transfers.
    pub fn trx(&mut self, trx: &Trx) {
        if trx.state == TrxState::Pending {
            self.pending = self.pending.saturating_add(i128::from(trx.price.get()));
        }
        let nothing = Moves::default();
        let moves = match self.moves.get_mut(&trx.no) {
            Some(moves) => {
                moves.judged = true;
                &*moves
            }
            None => &nothing,
        };
        let found = moves.judge(trx);
        found.into_iter().for_each(|why| self.find(why));
    }

    /// Takes a member's account row with the lowest balance it may have.
    pub fn account(&mut self, member: MemberId, balance: Rupiah, floor: Rupiah) {
        self.members.insert(member);
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
        std::mem::take(&mut self.givings).into_iter().for_each(|giving| self.unreceived(giving));
        let mut strangers: Vec<MemberId> =
            self.sums.keys().filter_map(AccountName::member).collect();
        strangers.retain(|member| !self.members.contains(member));
        strangers.sort_unstable();
        for member in strangers.into_iter().take(10) {
            self.find(format!("transfers name member {member}, which does not exist"));
        }
        let unjudged = self.moves.iter().filter(|(_, moves)| !moves.judged);
        let mut orphans: Vec<TrxNo> = unjudged.map(|(no, _)| *no).collect();
        orphans.sort_unstable();
        for no in orphans.into_iter().take(10) {
            self.find(format!("transfers name trx {no}, which does not exist"));
        }
        self.findings
    }
}
