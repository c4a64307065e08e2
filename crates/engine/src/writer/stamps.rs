//! The stamps of a command: what every row that it decided about says when its commit is written, and
//! what it said when the batch found it.
//!
//! They ride in the last line of the journal that the command writes anyway; one without a line gets
//! one. An attempt that merely stays open needs none.

use defects::{Defect, on};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use store::{
    Batch, CatalogKey, Change, Facts, JournalLine, PaperKey, Stamp, StampKey, Was, stamp_bytes,
};
use types::{AttemptId, DeliveryId, MemberId, TrxNo, UtcMillis};

/// What the rows that a batch changes said before: when they were read, or in the last stamp of this
/// batch.
pub(super) struct Before<'a> {
    key: &'a StampKey,
    trxs: HashMap<TrxNo, Was>,
    attempts: HashMap<AttemptId, Was>,
    deliveries: HashMap<DeliveryId, Was>,
    accounts: HashMap<MemberId, Was>,
    papers: HashMap<PaperKey, Was>,
    catalog: HashMap<CatalogKey, Was>,
}

/// Remembered once.
fn once<K: Hash + Eq>(rows: &mut HashMap<K, Was>, row: K, stamp: impl FnOnce() -> Option<Stamp>) {
    rows.entry(row).or_insert_with(|| stamp().map_or(Was::Nothing, |stamp| stamp.then()));
}

/// The stamp with what the row was; the next one finds what this one leaves. What nobody looked at
/// before it was changed cannot be told of as if it had been, so it counts as not there.
fn next<K: Hash + Eq>(rows: &mut HashMap<K, Was>, row: K, stamp: Stamp) -> Stamp {
    let was = rows.insert(row, stamp.then()).filter(|_| !on(Defect::StampWithoutPast));
    let was = was.unwrap_or(Was::Nothing);
    Stamp { was, ..stamp }
}

impl<'a> Before<'a> {
    pub(super) fn new(key: &'a StampKey) -> Self {
        Self {
            key,
            trxs: HashMap::new(),
            attempts: HashMap::new(),
            deliveries: HashMap::new(),
            accounts: HashMap::new(),
            papers: HashMap::new(),
            catalog: HashMap::new(),
        }
    }

    /// Looks at what a change is about to change.
    pub(super) fn look(&mut self, change: &Change, facts: &Facts) {
        let key = self.key;
        let trx = |no| Some(key.trx(&facts.trxs.get(&no)?.trx));
        match change {
            Change::InsertTrx { trx: new, .. } => once(&mut self.trxs, new.no, || trx(new.no)),
            Change::FlipTrx { no, .. } | Change::Suspect { no, .. } => {
                once(&mut self.trxs, *no, || trx(*no));
            }
            Change::InsertAttempt(attempt) | Change::UpdateAttempt(attempt) => {
                let id = attempt.id;
                if matches!(change, Change::InsertAttempt(_)) {
                    // It becomes the current one of its trx.
                    once(&mut self.trxs, id.trx, || trx(id.trx));
                }
                once(&mut self.attempts, id, || {
                    let known = facts.trxs.get(&id.trx)?;
                    known.attempts.iter().find(|old| old.id == id).map(|old| key.attempt(old))
                });
            }
            Change::InsertDelivery(delivery) | Change::UpdateDelivery(delivery) => {
                let old = || facts.deliveries.get(&delivery.id).map(|old| key.delivery(old));
                once(&mut self.deliveries, delivery.id, old);
            }
            Change::Account { member, .. } => {
                let old = || facts.accounts.get(member).map(|old| key.account(*member, old));
                once(&mut self.accounts, *member, old);
            }
            Change::PutPaper(paper) => self.paper(&paper.key, facts),
            Change::DropPaper { key, .. } => self.paper(key, facts),
            Change::Catalog(change) => {
                let row = change.key();
                let old = facts.catalog.get(&row);
                once(&mut self.catalog, row, || old.map(|old| key.catalog(old)));
            }
            Change::Proof { .. }
            | Change::Turn { .. }
            | Change::Transfer(_)
            | Change::Journal(_) => {}
        }
    }

    fn paper(&mut self, row: &PaperKey, facts: &Facts) {
        let key = self.key;
        once(&mut self.papers, row.clone(), || facts.papers.get(row).map(|old| key.paper(old)));
    }
}

/// Stamps the rows of the changes from `from` on; `facts` are those after them.
pub(super) fn stamp(
    batch: &mut Batch,
    from: usize,
    facts: &Facts,
    before: &mut Before<'_>,
    now: UtcMillis,
) {
    let stamps = stamps_of(batch.changes.get(from..).unwrap_or_default(), facts, before);
    if stamps.is_empty() {
        return;
    }
    let bytes = stamp_bytes(now, &stamps);
    let last = batch.changes.iter_mut().skip(from).rev().find_map(|change| match change {
        Change::Journal(line) => Some(line),
        Change::InsertTrx { .. }
        | Change::FlipTrx { .. }
        | Change::Suspect { .. }
        | Change::InsertAttempt(_)
        | Change::UpdateAttempt(_)
        | Change::Proof { .. }
        | Change::Turn { .. }
        | Change::Transfer(_)
        | Change::Account { .. }
        | Change::InsertDelivery(_)
        | Change::UpdateDelivery(_)
        | Change::Catalog(_)
        | Change::PutPaper(_)
        | Change::DropPaper { .. } => None,
    });
    match last {
        Some(line) => line.stamps.extend(bytes),
        None => batch.changes.push(Change::Journal(Box::new(JournalLine::of_program(
            now,
            "stamps",
            String::new(),
            bytes,
        )))),
    }
}

fn stamps_of(changes: &[Change], facts: &Facts, before: &mut Before<'_>) -> Vec<Stamp> {
    let key = before.key;
    let mut trxs: BTreeSet<TrxNo> = BTreeSet::new();
    let mut attempts: BTreeSet<AttemptId> = BTreeSet::new();
    let mut deliveries: BTreeSet<DeliveryId> = BTreeSet::new();
    let mut accounts: BTreeSet<MemberId> = BTreeSet::new();
    let mut stamps = Vec::new();
    for change in changes {
        match change {
            Change::InsertTrx { trx, .. } => {
                trxs.insert(trx.no);
            }
            Change::FlipTrx { no, .. } | Change::Suspect { no, .. } => {
                trxs.insert(*no);
            }
            Change::InsertAttempt(attempt) => {
                trxs.insert(attempt.id.trx);
                attempts.insert(attempt.id);
            }
            Change::UpdateAttempt(attempt) => {
                if !attempt.state.is_open() {
                    attempts.insert(attempt.id);
                }
            }
            Change::InsertDelivery(delivery) | Change::UpdateDelivery(delivery) => {
                deliveries.insert(delivery.id);
            }
            // In order: the last of a row counts.
            Change::Catalog(change) => {
                stamps.push(next(&mut before.catalog, change.key(), key.catalog(change)));
            }
            Change::PutPaper(paper) => {
                stamps.push(next(&mut before.papers, paper.key.clone(), key.paper(paper)));
            }
            Change::DropPaper { key: paper, .. } => {
                stamps.push(next(&mut before.papers, paper.clone(), key.no_paper(paper)));
            }
            Change::Account { member, .. } => {
                if !on(Defect::AccountsUnstamped) {
                    accounts.insert(*member);
                }
            }
            Change::Proof { .. }
            | Change::Turn { .. }
            | Change::Transfer(_)
            | Change::Journal(_) => {}
        }
    }
    for member in accounts {
        if let Some(account) = facts.accounts.get(&member) {
            stamps.push(next(&mut before.accounts, member, key.account(member, account)));
        }
    }
    for no in trxs {
        if let Some(known) = facts.trxs.get(&no) {
            stamps.push(next(&mut before.trxs, no, key.trx(&known.trx)));
        }
    }
    for id in attempts {
        let known = facts.trxs.get(&id.trx);
        let attempt = known.and_then(|known| known.attempts.iter().find(|one| one.id == id));
        if let Some(attempt) = attempt {
            stamps.push(next(&mut before.attempts, id, key.attempt(attempt)));
        }
    }
    for id in deliveries {
        if let Some(delivery) = facts.deliveries.get(&id) {
            stamps.push(next(&mut before.deliveries, id, key.delivery(delivery)));
        }
    }
    stamps
}
