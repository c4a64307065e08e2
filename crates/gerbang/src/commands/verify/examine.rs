//! Everything that is proved, in one moment of the store.
//!
//! From a checkpoint on: the rows of both chains after it, every purchase and callback that they speak
//! of or that was open then, and all accounts, papers and rows of the catalog.

use super::checkpoint::Checkpoint;
use super::walk::Walk;
use super::{Proof, Report};
use crate::commands::render::bar;
use crate::heads::Chain;
use domain::{Audit, TrxState};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use store::{
    ChainHead, DeliveryFilter, Known, Lane, MemberRecord, Reads, Stamped, StoreError, journal_hash,
    transfer_hash,
};
use types::{DeliveryId, Rupiah, TrxNo};

pub(super) fn examine(reads: &mut dyn Reads, proof: &Proof<'_>) -> Result<Report, StoreError> {
    let from = proof.from;
    let mut stamped = proof.key.map(|key| match from {
        None => Stamped::new(key),
        Some(from) => Stamped::after(key, from.remembered()),
    });
    let mut audit = from.map_or_else(Audit::new, |from| Audit::after(from.sums()));
    let all = reads.heads()?;
    let ledgers: BTreeMap<Lane, ChainHead> = all.iter().map(|h| (h.lane, h.ledger)).collect();
    let journals: BTreeMap<Lane, ChainHead> = all.iter().map(|h| (h.lane, h.journal)).collect();
    let count =
        |heads: &BTreeMap<Lane, ChainHead>| heads.values().map(|head| head.seq).sum::<i64>();
    let (transfers, lines) = (count(&ledgers), count(&journals));
    let mut ledger = Walk::new(Chain::Ledger, proof.noted, from);
    let mut journal = Walk::new(Chain::Journal, proof.noted, from);
    let rest = |all: i64, walk: &Walk| all.saturating_sub(count(&walk.heads)).max(0);
    let read = [rest(transfers, &ledger), rest(lines, &journal)];
    let progress = bar("rows");
    progress.set_length(u64::try_from(read.iter().sum::<i64>()).unwrap_or_default());
    let mut unread = Vec::new();
    // Trx whose transfers are read again, all of them: those of before are not in this walk.
    let mut named: BTreeSet<TrxNo> = BTreeSet::new();
    let places = ledger.places();
    damage(
        &mut unread,
        reads.each_transfer(&places, &mut |row| {
            progress.inc(1);
            let flow = ledger.step(&row, transfer_hash);
            if from.is_none() {
                audit.transfer(row.seq, &row.row);
            } else {
                audit.passed(row.seq, &row.row);
                named.extend(row.row.trx);
            }
            flow
        }),
    )?;
    ledger.end(&ledgers);
    let places = journal.places();
    damage(
        &mut unread,
        reads.each_journal(&places, &mut |row| {
            progress.inc(1);
            if let Some(stamped) = &mut stamped {
                stamped.line(row.lane, row.row.at, &row.row.stamps);
            }
            journal.step(&row, journal_hash)
        }),
    )?;
    journal.end(&journals);
    progress.finish_and_clear();
    let mut pending = Vec::new();
    let mut look = |audit: &mut Audit, stamped: &mut Option<Stamped<'_>>, known: &Known| {
        if known.trx.state == TrxState::Pending {
            pending.push(known.trx.no);
        }
        audit.attempts(&known.trx, &known.attempts);
        if let Some(stamped) = stamped {
            stamped.purchase(&known.trx, &known.attempts);
        }
    };
    match from {
        None => {
            let mut looked_at = Vec::new();
            damage(
                &mut unread,
                reads.each_trx(None, &mut |trx| {
                    audit.trx(&trx);
                    let by_attempt = match trx.state {
                        TrxState::Pending
                        | TrxState::Success { .. }
                        | TrxState::Reversed { .. } => true,
                        TrxState::Failed { .. } | TrxState::Refused { .. } => false,
                    };
                    if by_attempt || stamped.is_some() {
                        looked_at.push(trx.no);
                    }
                    ControlFlow::Continue(())
                }),
            )?;
            for some in looked_at.chunks(500) {
                let knowns = reads.knowns(some);
                let mut readable = Vec::new();
                damage(&mut unread, knowns.map(|knowns| readable = knowns))?;
                readable.iter().for_each(|known| look(&mut audit, &mut stamped, known));
            }
        }
        Some(from) => {
            named.extend(from.pending());
            named.extend(stamped.iter().flat_map(|stamped| stamped.named().0));
            damage(
                &mut unread,
                reads.each_trx(Some(from.trx()), &mut |trx| {
                    named.insert(trx.no);
                    ControlFlow::Continue(())
                }),
            )?;
            for no in named {
                let mut found = None;
                let story = reads.story(no).map(|story| found = story);
                damage(&mut unread, story.map_err(|error| of_trx(error, no)))?;
                let Some(story) = found else { continue };
                for (id, transfer) in &story.transfers {
                    audit.moved(*id, transfer);
                }
                audit.trx(&story.known.trx);
                look(&mut audit, &mut stamped, &story.known);
            }
        }
    }
    let accounts: HashMap<_, _> = reads.accounts()?.into_iter().collect();
    let rows = reads.catalog()?;
    for MemberRecord { member, .. } in &rows.members {
        let balance = accounts.get(&member.id).map_or(Rupiah::ZERO, |account| account.balance);
        audit.account(member.id, balance, Rupiah::new(-member.credit_limit.get()));
    }
    let epochs = rows.epochs.clone();
    if let Some(stamped) = &mut stamped {
        damage(&mut unread, others(reads, stamped, from))?;
        accounts.iter().for_each(|(member, account)| stamped.account(*member, account));
        rows.changes().iter().for_each(|row| stamped.catalog(row));
    }
    let stamps = stamped.map(Stamped::end);
    unread.extend(reads.damage(from.map(Checkpoint::trx))?);
    let broken = [ledger.broken, ledger.other, journal.broken, journal.other].into_iter().flatten();
    let mut found: Vec<String> = broken.chain(unread).collect();
    let sums: Vec<_> = audit.sums().map(|(account, sum)| (account.clone(), sum)).collect();
    found.extend(audit.findings().into_iter().map(|finding| finding.0));
    let (mut compared, mut left) = (None, None);
    if let Some(stamps) = stamps {
        found.extend(stamps.found);
        compared = Some((stamps.compared, stamps.older));
        let newest = all.iter().map(|heads| (heads.lane, heads.ledger, heads.journal));
        left = Some(Checkpoint::new(newest, sums, pending, &epochs, stamps.left, proof.at));
    }
    let shown = |heads: &BTreeMap<Lane, ChainHead>| {
        let each: Vec<String> = heads
            .iter()
            .map(
                |(lane, head)| {
                    if heads.len() == 1 { head.to_string() } else { format!("{lane}/{head}") }
                },
            )
            .collect();
        each.join(" ")
    };
    let heads = [shown(&ledgers), shown(&journals)];
    Ok(Report { found, transfers, lines, read, heads, compared, left })
}

/// Deliveries and papers.
fn others(
    reads: &mut dyn Reads,
    stamped: &mut Stamped<'_>,
    from: Option<&Checkpoint>,
) -> Result<(), StoreError> {
    let upto = from.map_or(0, Checkpoint::delivery);
    // What is older than the checkpoint is looked at where something speaks of it.
    let named = if from.is_some() { stamped.named().1 } else { BTreeSet::new() };
    let mut below = None;
    loop {
        let filter = DeliveryFilter { below, limit: 1_000, ..DeliveryFilter::default() };
        let page = reads.delivery_page(&filter)?;
        let Some(last) = page.last() else { break };
        below = Some(last.id.get());
        for delivery in page.iter().filter(|delivery| delivery.id.get() > upto) {
            stamped.delivery(delivery);
        }
        if last.id.get() <= upto {
            break;
        }
    }
    for id in named.into_iter().filter(|id| id.get() <= upto) {
        let below = Some(id.get().saturating_add(1));
        let filter = DeliveryFilter { below, limit: 1, ..DeliveryFilter::default() };
        let page = reads.delivery_page(&filter)?;
        let own = |found: &DeliveryId| *found == id;
        for delivery in page.iter().filter(|delivery| own(&delivery.id)) {
            stamped.delivery(delivery);
        }
    }
    reads.each_paper(&mut |paper| {
        stamped.paper(&paper);
        ControlFlow::Continue(())
    })
}

/// Damage says where it is.
fn of_trx(error: StoreError, no: TrxNo) -> StoreError {
    match error {
        StoreError::Broken(why) => StoreError::Broken(format!("trx {no}: {why}")),
        other @ (StoreError::NotWritten(_)
        | StoreError::NotRead(_)
        | StoreError::Again(_)
        | StoreError::Outdated(_)
        | StoreError::Unknown(_)) => other,
    }
}

/// A row that cannot be read is a finding; a store that does not answer is an error.
fn damage(found: &mut Vec<String>, walked: Result<(), StoreError>) -> Result<(), StoreError> {
    match walked {
        Err(StoreError::Broken(why)) => {
            found.push(why);
            Ok(())
        }
        other => other,
    }
}
