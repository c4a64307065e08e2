//! `verify`: walks both chains and the books, on a live system or a resting one.

use super::render::{Screen, Shape, bar};
use crate::storage::{Storage, apart};
use anyhow::bail;
use domain::{Audit, TrxState};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use store::{ChainHead, ChainRow, Lane, Reads, StoreError, journal_hash, transfer_hash};
use types::Rupiah;

/// Follows the chains of all lanes; keeps the first thing that does not fit.
struct Walk {
    name: &'static str,
    heads: BTreeMap<Lane, ChainHead>,
    broken: Option<String>,
}

impl Walk {
    const fn new(name: &'static str) -> Self {
        Self { name, heads: BTreeMap::new(), broken: None }
    }

    fn step<T>(
        &mut self,
        row: &ChainRow<T>,
        hash: impl Fn(&store::Hash, i64, &T) -> store::Hash,
    ) -> ControlFlow<()> {
        let head = self.heads.entry(row.lane).or_default();
        let next = head.seq + 1;
        let place = place(self.name, row.lane);
        if row.seq != next {
            self.broken =
                Some(format!("{place}: row {next} is missing (the next one is {})", row.seq));
            return ControlFlow::Break(());
        }
        if hash(&head.hash, row.seq, &row.row) != row.hash {
            self.broken = Some(format!("{place}: row {} was changed or inserted", row.seq));
            return ControlFlow::Break(());
        }
        *head = ChainHead { seq: row.seq, hash: row.hash };
        ControlFlow::Continue(())
    }

    fn end(&mut self, stored: &BTreeMap<Lane, ChainHead>) {
        let lanes: BTreeSet<Lane> = stored.keys().chain(self.heads.keys()).copied().collect();
        for lane in lanes {
            let walked = self.heads.get(&lane).copied().unwrap_or_default();
            let said = stored.get(&lane).copied().unwrap_or_default();
            if self.broken.is_none() && walked != said {
                self.broken = Some(format!(
                    "{}: ends at row {}, but its head says {}",
                    place(self.name, lane),
                    walked.seq,
                    said.seq
                ));
            }
        }
    }
}

/// A chain's name; the only lane of a store needs no number.
fn place(name: &str, lane: Lane) -> String {
    if lane == Lane::default() { name.to_owned() } else { format!("{name} of lane {lane}") }
}

/// What a walk through everything gave.
pub(super) struct Report {
    pub(super) found: Vec<String>,
    pub(super) transfers: i64,
    pub(super) lines: i64,
    /// Of ledger and journal: note them elsewhere, and a rewritten chain is seen too.
    pub(super) heads: [String; 2],
}

/// Everything that does not hold, in one consistent moment of the store.
pub(super) fn report(reads: &mut dyn Reads) -> Result<Report, StoreError> {
    reads.hold()?;
    let result = examine(reads);
    reads.release();
    result
}

fn examine(reads: &mut dyn Reads) -> Result<Report, StoreError> {
    let all = reads.heads()?;
    let ledgers: BTreeMap<Lane, ChainHead> = all.iter().map(|h| (h.lane, h.ledger)).collect();
    let journals: BTreeMap<Lane, ChainHead> = all.iter().map(|h| (h.lane, h.journal)).collect();
    let count =
        |heads: &BTreeMap<Lane, ChainHead>| heads.values().map(|head| head.seq).sum::<i64>();
    let (transfers, lines) = (count(&ledgers), count(&journals));
    let progress = bar("rows");
    progress.set_length(u64::try_from(transfers + lines).unwrap_or_default());
    let mut audit = Audit::new();
    let mut unread = Vec::new();
    let mut ledger = Walk::new("ledger");
    damage(
        &mut unread,
        reads.each_transfer(&mut |row| {
            progress.inc(1);
            let flow = ledger.step(&row, transfer_hash);
            audit.transfer(row.seq, &row.row);
            flow
        }),
    )?;
    ledger.end(&ledgers);
    let mut journal = Walk::new("journal");
    damage(
        &mut unread,
        reads.each_journal(&mut |row| {
            progress.inc(1);
            journal.step(&row, journal_hash)
        }),
    )?;
    journal.end(&journals);
    progress.finish_and_clear();
    let mut pending = Vec::new();
    damage(
        &mut unread,
        reads.each_trx(&mut |trx| {
            audit.trx(&trx);
            if trx.state == TrxState::Pending {
                pending.push(trx.no);
            }
            ControlFlow::Continue(())
        }),
    )?;
    for some in pending.chunks(500) {
        for known in reads.knowns(some)? {
            audit.waiting(&known.trx, &known.attempts);
        }
    }
    unread.extend(reads.damage()?);
    let broken = [ledger.broken, journal.broken].into_iter().flatten();
    let mut found: Vec<String> = broken.chain(unread).collect();
    let accounts: HashMap<_, _> = reads.accounts()?.into_iter().collect();
    for record in reads.catalog()?.members {
        let member = record.member;
        let balance = accounts.get(&member.id).map_or(Rupiah::ZERO, |account| account.balance);
        audit.account(member.id, balance, Rupiah::new(-member.credit_limit.get()));
    }
    found.extend(audit.findings().into_iter().map(|finding| finding.0));
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
    Ok(Report { found, transfers, lines, heads: [shown(&ledgers), shown(&journals)] })
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

pub(super) fn verify(storage: &Storage, screen: &Screen) -> anyhow::Result<()> {
    if !storage.exists()? {
        bail!("there is no business in {}", storage.shown());
    }
    let walked = apart(|| Ok::<_, anyhow::Error>(report(storage.reader()?.as_mut())?))??;
    let Report { found, transfers, lines, heads } = walked;
    let holds = found.is_empty();
    let shown = json!({
        "holds": holds, "transfers": transfers, "ledger_head": heads[0],
        "journal": lines, "journal_head": heads[1], "findings": found,
    });
    screen.show(&shown, Shape::Verdict)?;
    if holds { Ok(()) } else { bail!("{} findings", found.len()) }
}
