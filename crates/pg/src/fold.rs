//! A batch folded to what its rows are in the end: every row is written once, many in a statement.
//!
//! Pure. Within a batch a row may change several times; only its first condition and its last
//! state reach the database.

use crate::papers::Paperwork;
use domain::{Account, Attempt, Transfer, Trx, TrxState};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::{
    Batch, Bought, CatalogChange, Change, Delivery, JournalLine, PaperKey, ProofKey, StoreError,
    Turn, codec,
};
use types::{AttemptId, DeliveryId, MemberId, TrxNo};

/// A trx to insert, and what the same-day guard counts it under.
pub(crate) struct NewTrx {
    pub(crate) trx: Trx,
    pub(crate) guard: Option<String>,
}

/// The rows of a batch.
#[derive(Default)]
pub(crate) struct Folded {
    pub(crate) trxs: BTreeMap<TrxNo, NewTrx>,
    /// From which state to which.
    pub(crate) flips: BTreeMap<TrxNo, (&'static str, TrxState)>,
    pub(crate) suspects: BTreeMap<TrxNo, Option<String>>,
    /// Which attempt is the current one now.
    pub(crate) currents: BTreeMap<TrxNo, u16>,
    pub(crate) attempts: BTreeMap<AttemptId, Attempt>,
    pub(crate) changed_attempts: BTreeMap<AttemptId, Attempt>,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) accounts: BTreeMap<MemberId, Account>,
    pub(crate) deliveries: BTreeMap<DeliveryId, Delivery>,
    pub(crate) changed_deliveries: BTreeMap<DeliveryId, Delivery>,
    pub(crate) journal: Vec<JournalLine>,
    pub(crate) catalog: Vec<CatalogChange>,
    pub(crate) papers: BTreeMap<PaperKey, Paperwork>,
    pub(crate) proofs: BTreeMap<ProofKey, TrxNo>,
    pub(crate) turns: BTreeMap<Turn, u16>,
    /// New attempts on routes that are counted.
    pub(crate) bought: BTreeMap<Bought, i64>,
}

impl Folded {
    /// Folds; the owners of all trx of the batch are added to those that were loaded.
    pub(crate) fn new(
        mut batch: Batch,
        owners: &mut HashMap<TrxNo, MemberId>,
        counted: &BTreeSet<Bought>,
    ) -> Result<Self, StoreError> {
        batch.clean();
        let mut rows = Self::default();
        for change in batch.changes {
            rows.put(change, owners)?;
        }
        for attempt in rows.attempts.values() {
            let counts = |key: &&Bought| key.supplier == attempt.supplier && key.sku == attempt.sku;
            for key in counted.iter().filter(counts) {
                *rows.bought.entry(key.clone()).or_default() += 1;
            }
        }
        Ok(rows)
    }

    /// Trx that are changed and whose owners nobody loaded.
    pub(crate) fn strangers(&self, owners: &HashMap<TrxNo, MemberId>) -> Vec<i64> {
        let attempts = self.attempts.keys().chain(self.changed_attempts.keys());
        let changed = self.flips.keys().chain(self.suspects.keys()).chain(self.currents.keys());
        let all: BTreeSet<TrxNo> = changed.copied().chain(attempts.map(|id| id.trx)).collect();
        all.into_iter().filter(|no| !owners.contains_key(no)).map(TrxNo::get).collect()
    }

    fn put(
        &mut self,
        change: Change,
        owners: &mut HashMap<TrxNo, MemberId>,
    ) -> Result<(), StoreError> {
        match change {
            Change::InsertTrx { trx, guarded } => {
                let guard = (guarded && trx.state == TrxState::Pending)
                    .then(|| codec::guard(&trx.product, &trx.dest, trx.day));
                owners.insert(trx.no, trx.member);
                self.trxs.insert(trx.no, NewTrx { trx: *trx, guard });
            }
            Change::FlipTrx { no, from, state } => match self.trxs.get_mut(&no) {
                Some(new) if new.trx.state.word() == from => new.trx.state = *state,
                Some(new) => {
                    let word = new.trx.state.word();
                    return Err(StoreError::Broken(format!("trx {no} is {word}, not {from}")));
                }
                None => match self.flips.get_mut(&no) {
                    Some((_, last)) if last.word() == from => *last = *state,
                    Some((_, last)) => {
                        let word = last.word();
                        return Err(StoreError::Broken(format!("trx {no} is {word}, not {from}")));
                    }
                    None => {
                        self.flips.insert(no, (from, *state));
                    }
                },
            },
            Change::Suspect { no, why } => match self.trxs.get_mut(&no) {
                Some(new) => new.trx.suspect = why,
                None => {
                    self.suspects.insert(no, why);
                }
            },
            Change::InsertAttempt(attempt) => {
                match self.trxs.get_mut(&attempt.id.trx) {
                    Some(new) => new.trx.attempt = attempt.id.n,
                    None => {
                        self.currents.insert(attempt.id.trx, attempt.id.n);
                    }
                }
                self.attempts.insert(attempt.id, *attempt);
            }
            Change::UpdateAttempt(attempt) => match self.attempts.get_mut(&attempt.id) {
                Some(new) => *new = *attempt,
                None => {
                    self.changed_attempts.insert(attempt.id, *attempt);
                }
            },
            Change::Proof { key, trx } => {
                self.proofs.insert(key, trx);
            }
            Change::Turn { turn, count } => {
                self.turns.insert(turn, count);
            }
            Change::Transfer(transfer) => self.transfers.push(*transfer),
            Change::Account { member, account } => {
                self.accounts.insert(member, account);
            }
            Change::InsertDelivery(delivery) => {
                self.deliveries.insert(delivery.id, *delivery);
            }
            Change::UpdateDelivery(delivery) => match self.deliveries.get_mut(&delivery.id) {
                Some(new) => *new = *delivery,
                None => {
                    self.changed_deliveries.insert(delivery.id, *delivery);
                }
            },
            Change::Journal(line) => self.journal.push(*line),
            Change::Catalog(change) => self.catalog.push(*change),
            Change::PutPaper(paper) => {
                let (key, was) = (paper.key.clone(), paper.version - 1);
                let work = self.papers.entry(key).or_insert(Paperwork { was, now: None });
                work.now = Some(*paper);
            }
            Change::DropPaper { key, version } => {
                let work = self.papers.entry(key).or_insert(Paperwork { was: version, now: None });
                work.now = None;
            }
        }
        Ok(())
    }
}
