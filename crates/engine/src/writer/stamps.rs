//! The stamps of a command: what every row that it decided about says when its commit is written.
//!
//! They ride in the last line of the journal that the command writes anyway; one without a line gets
//! one. An attempt that merely stays open needs none.

use std::collections::BTreeSet;
use store::{Batch, Change, Channel, Direction, Facts, JournalLine, Stamp, StampKey, stamp_bytes};
use types::{AttemptId, DeliveryId, MemberId, TrxNo, UtcMillis};

/// Stamps the rows of the changes from `from` on; `facts` are those after them.
pub(super) fn stamp(batch: &mut Batch, from: usize, facts: &Facts, key: &StampKey, now: UtcMillis) {
    let stamps = stamps_of(batch.changes.get(from..).unwrap_or_default(), facts, key);
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
        None => batch.changes.push(Change::Journal(Box::new(JournalLine {
            at: now,
            direction: Direction::In,
            channel: Channel::Admin,
            peer: "gerbang".to_owned(),
            member: None,
            trx: None,
            request: String::new(),
            reply: String::new(),
            status: "stamps".to_owned(),
            millis: 0,
            stamps: bytes,
        }))),
    }
}

fn stamps_of(changes: &[Change], facts: &Facts, key: &StampKey) -> Vec<Stamp> {
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
            Change::Catalog(change) => stamps.push(key.catalog(change)),
            Change::PutPaper(paper) => stamps.push(key.paper(paper)),
            Change::DropPaper { key: paper, .. } => stamps.push(key.no_paper(paper)),
            Change::Account { member, .. } => {
                accounts.insert(*member);
            }
            Change::Proof { .. }
            | Change::Turn { .. }
            | Change::Transfer(_)
            | Change::Journal(_) => {}
        }
    }
    let account = |member: &MemberId| Some(key.account(*member, facts.accounts.get(member)?));
    stamps.extend(accounts.iter().filter_map(account));
    let known = trxs.iter().filter_map(|no| facts.trxs.get(no));
    stamps.extend(known.map(|known| key.trx(&known.trx)));
    let attempt = |id: &AttemptId| {
        let known = facts.trxs.get(&id.trx)?;
        known.attempts.iter().find(|attempt| attempt.id == *id)
    };
    stamps.extend(attempts.iter().filter_map(attempt).map(|attempt| key.attempt(attempt)));
    let delivery = |id: &DeliveryId| facts.deliveries.get(id);
    stamps.extend(deliveries.iter().filter_map(delivery).map(|delivery| key.delivery(delivery)));
    stamps
}
