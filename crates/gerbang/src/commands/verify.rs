//! `verify`: walks both chains and the books, on a live system or a resting one.

use super::render::{Screen, Shape, bar};
use crate::data::DataDir;
use anyhow::bail;
use domain::Audit;
use serde_json::json;
use std::collections::HashMap;
use std::ops::ControlFlow;
use store::{ChainHead, ChainRow, Reads, StoreError, journal_hash, transfer_hash};
use types::{MemberId, Rupiah};

/// Follows a chain; keeps the first thing that does not fit.
struct Walk {
    name: &'static str,
    head: ChainHead,
    broken: Option<String>,
}

impl Walk {
    fn new(name: &'static str) -> Self {
        Self { name, head: ChainHead::default(), broken: None }
    }

    fn step<T>(
        &mut self,
        row: &ChainRow<T>,
        hash: impl Fn(&store::Hash, i64, &T) -> store::Hash,
    ) -> ControlFlow<()> {
        let next = self.head.seq + 1;
        if row.seq != next {
            self.broken =
                Some(format!("{}: row {next} is missing (the next one is {})", self.name, row.seq));
            return ControlFlow::Break(());
        }
        if hash(&self.head.hash, row.seq, &row.row) != row.hash {
            self.broken = Some(format!("{}: row {} was changed or inserted", self.name, row.seq));
            return ControlFlow::Break(());
        }
        self.head = ChainHead { seq: row.seq, hash: row.hash };
        ControlFlow::Continue(())
    }

    fn end(&mut self, stored: ChainHead) {
        if self.broken.is_none() && self.head != stored {
            self.broken = Some(format!(
                "{}: ends at row {}, but its head says {}",
                self.name, self.head.seq, stored.seq
            ));
        }
    }
}

/// What a walk through everything gave.
pub(super) struct Report {
    pub(super) found: Vec<String>,
    pub(super) transfers: i64,
    pub(super) lines: i64,
    /// Of ledger and journal: note them elsewhere, and a rewritten chain is seen too.
    heads: [String; 2],
}

/// Everything that does not hold, in one consistent moment of the store.
pub(super) fn report(reads: &mut dyn Reads) -> Result<Report, StoreError> {
    reads.hold()?;
    let result = examine(reads);
    reads.release();
    result
}

fn examine(reads: &mut dyn Reads) -> Result<Report, StoreError> {
    let (ledger_head, journal_head) = reads.heads()?;
    let progress = bar("rows");
    progress.set_length(u64::try_from(ledger_head.seq + journal_head.seq).unwrap_or_default());
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
    ledger.end(ledger_head);
    let mut journal = Walk::new("journal");
    damage(
        &mut unread,
        reads.each_journal(&mut |row| {
            progress.inc(1);
            journal.step(&row, journal_hash)
        }),
    )?;
    journal.end(journal_head);
    progress.finish_and_clear();
    damage(
        &mut unread,
        reads.each_trx(&mut |trx| {
            audit.trx(trx.no, trx.price, &trx.state);
            ControlFlow::Continue(())
        }),
    )?;
    unread.extend(reads.damage()?);
    let broken = [ledger.broken, journal.broken].into_iter().flatten();
    let mut found: Vec<String> = broken.chain(unread).collect();
    let balances: HashMap<MemberId, Rupiah> = reads.balances()?.into_iter().collect();
    for record in reads.catalog()?.members {
        let member = record.member;
        let balance = balances.get(&member.id).copied().unwrap_or_default();
        audit.account(member.id, balance, Rupiah::new(-member.credit_limit.get()));
    }
    found.extend(audit.findings().into_iter().map(|finding| finding.0));
    let heads = [ledger_head.to_string(), journal_head.to_string()];
    Ok(Report { found, transfers: ledger_head.seq, lines: journal_head.seq, heads })
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

pub(super) fn verify(data: &DataDir, screen: &Screen) -> anyhow::Result<()> {
    if !data.exists() {
        bail!("there is no business in {}", data.path().display());
    }
    let mut reads = sqlite::open_reader(&data.database())?;
    let Report { found, transfers, lines, heads } = report(&mut reads)?;
    let holds = found.is_empty();
    let shown = json!({
        "holds": holds, "transfers": transfers, "ledger_head": heads[0],
        "journal": lines, "journal_head": heads[1], "findings": found,
    });
    screen.show(&shown, Shape::Verdict)?;
    if holds { Ok(()) } else { bail!("{} findings", found.len()) }
}
