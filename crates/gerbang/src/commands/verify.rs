//! `verify`: walks both chains and the books, on a live system or a resting one.

use crate::data::DataDir;
use anyhow::bail;
use domain::Audit;
use std::ops::ControlFlow;
use store::{ChainHead, ChainRow, Reads, StoreError, journal_hash, transfer_hash};
use types::Rupiah;

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

/// Everything that does not hold, in one consistent moment of the store.
pub(crate) fn findings(reads: &mut dyn Reads) -> Result<(Vec<String>, i64, i64), StoreError> {
    reads.hold()?;
    let result = examine(reads);
    reads.release();
    result
}

fn examine(reads: &mut dyn Reads) -> Result<(Vec<String>, i64, i64), StoreError> {
    let (ledger_head, journal_head) = reads.heads()?;
    let mut audit = Audit::new();
    let mut ledger = Walk::new("ledger");
    reads.each_transfer(&mut |row| {
        let flow = ledger.step(&row, transfer_hash);
        audit.transfer(row.seq, &row.row);
        flow
    })?;
    ledger.end(ledger_head);
    let mut journal = Walk::new("journal");
    reads.each_journal(&mut |row| journal.step(&row, journal_hash))?;
    journal.end(journal_head);
    let mut found: Vec<String> = ledger.broken.into_iter().chain(journal.broken).collect();
    reads.each_trx(&mut |trx| {
        audit.trx(trx.no, trx.price, &trx.state);
        ControlFlow::Continue(())
    })?;
    let balances = reads.balances()?;
    for record in reads.catalog()?.members {
        let member = record.member;
        let row = balances.iter().find(|(id, _)| *id == member.id);
        let balance = row.map_or(Rupiah::ZERO, |(_, balance)| *balance);
        audit.account(member.id, balance, Rupiah::new(-member.credit_limit.get()));
    }
    found.extend(audit.findings().into_iter().map(|finding| finding.0));
    Ok((found, ledger_head.seq, journal_head.seq))
}

pub(crate) fn verify(data: &DataDir) -> anyhow::Result<()> {
    let mut reads = sqlite::open_reader(&data.database())?;
    let (found, transfers, lines) = findings(&mut reads)?;
    println!("checked {transfers} transfers and {lines} journal lines");
    if found.is_empty() {
        println!("everything holds");
        return Ok(());
    }
    for finding in &found {
        println!("- {finding}");
    }
    bail!("{} findings; the first names the row to look at", found.len())
}
