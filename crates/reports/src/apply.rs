//! Following: what the ledger said since, and what it means for the figures.

use crate::file::{Reports, ReportsError};
use crate::prefix::operator_of;
use crate::speed::bucket;
use domain::{AccountName, AttemptState, Kind, Transfer, TrxState};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::{BTreeSet, HashMap};
use store::{ChainRow, Hash, Known, Lane, Reads, StoreError};
use types::{CivilTime, TrxNo, UtcMillis};

/// Transfers followed at one time.
const STRIDE: u32 = 2_000;

/// Up to where a lane was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Place {
    pub lane: Lane,
    pub seq: i64,
    pub hash: Hash,
}

/// The next rows of the ledger, with the purchases they speak of.
#[derive(Default)]
pub struct Feed {
    rows: Vec<ChainRow<Transfer>>,
    knowns: HashMap<TrxNo, Known>,
    /// The ledger is not the one that was followed.
    other: bool,
    /// There is more.
    more: bool,
}

impl Feed {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when nothing is new.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && !self.other
    }

    /// True when more waits.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.more
    }
}

/// Reads what came since.
///
/// # Errors
/// [`StoreError`].
pub fn gather(reads: &mut dyn Reads, places: &[Place]) -> Result<Feed, StoreError> {
    let mut feed = Feed::default();
    for heads in reads.heads()? {
        let place = places.iter().find(|place| place.lane == heads.lane);
        let from = place.map_or(0, |place| place.seq);
        if let Some(place) = place {
            // A restored backup is shorter, or another life of the same business.
            let there = reads.transfers_after(place.lane, place.seq - 1, 1)?;
            if there.first().is_none_or(|row| row.seq != place.seq || row.hash != place.hash) {
                return Ok(Feed { other: true, more: true, ..Feed::default() });
            }
        }
        if heads.ledger.seq <= from {
            continue;
        }
        let rows = reads.transfers_after(heads.lane, from, STRIDE)?;
        feed.more |= rows.last().is_some_and(|row| row.seq < heads.ledger.seq);
        feed.rows.extend(rows);
    }
    let numbers: BTreeSet<TrxNo> = feed.rows.iter().filter_map(|row| row.row.trx).collect();
    let numbers: Vec<TrxNo> = numbers.into_iter().collect();
    let knowns = reads.knowns(&numbers)?;
    feed.knowns = knowns.into_iter().map(|known| (known.trx.no, known)).collect();
    Ok(feed)
}

/// One step of a figure.
#[derive(Clone, Copy, Default)]
struct Step {
    asked: i64,
    ok: i64,
    failed: i64,
    reversed: i64,
    sales: i64,
    cost: i64,
    millis: Option<i64>,
}

impl Reports {
    /// Where each lane stands.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn places(&self) -> Result<Vec<Place>, ReportsError> {
        self.read(|connection| {
            let mut found = connection.prepare_cached("SELECT lane, seq, hash FROM place")?;
            let rows = found.query_map([], |row| {
                Ok(Place { lane: Lane(row.get(0)?), seq: row.get(1)?, hash: row.get(2)? })
            })?;
            rows.collect()
        })
    }

    /// Takes a feed into the figures, whole or not at all.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn apply(
        &self,
        feed: &Feed,
        civil: &dyn Fn(UtcMillis) -> CivilTime,
    ) -> Result<(), ReportsError> {
        if feed.other {
            return self.begin_anew();
        }
        self.write(|connection| {
            let tx = connection.transaction()?;
            for row in &feed.rows {
                let known = row.row.trx.and_then(|no| feed.knowns.get(&no));
                take(&tx, row, known, civil)?;
            }
            let mut last: HashMap<Lane, &ChainRow<Transfer>> = HashMap::new();
            for row in &feed.rows {
                last.insert(row.lane, row);
            }
            for (lane, row) in last {
                tx.prepare_cached(
                    "INSERT INTO place (lane, seq, hash) VALUES (?1, ?2, ?3) \
                     ON CONFLICT (lane) DO UPDATE SET seq = ?2, hash = ?3",
                )?
                .execute(params![lane.0, row.seq, row.hash])?;
            }
            tx.commit()
        })
    }
}

fn take(
    tx: &Connection,
    row: &ChainRow<Transfer>,
    known: Option<&Known>,
    civil: &dyn Fn(UtcMillis) -> CivilTime,
) -> rusqlite::Result<()> {
    let transfer = &row.row;
    let amount = transfer.amount.get();
    let now = civil(transfer.at);
    let day = now.date().get();
    for (account, other, signed) in
        [(&transfer.from, &transfer.to, -amount), (&transfer.to, &transfer.from, amount)]
    {
        tx.prepare_cached(
            "INSERT INTO flow (day, account, came, went) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (day, account) DO UPDATE SET came = came + ?3, went = went + ?4",
        )?
        .execute(params![day, account.to_string(), signed.max(0), (-signed).max(0)])?;
        if stated(account) {
            let balance = account.member().and(transfer.balance);
            tx.prepare_cached(
                "INSERT OR REPLACE INTO entry (account, at, lane, seq, kind, amount, balance, trx, \
                 other, note) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
            )?
            .execute(params![
                account.to_string(),
                transfer.at.get(),
                row.lane.0,
                row.seq,
                transfer.kind.word(),
                signed,
                balance.map(types::Rupiah::get),
                transfer.trx.map(TrxNo::get),
                other.to_string(),
                transfer.note,
            ])?;
        }
    }
    let Some(known) = known else { return Ok(()) };
    let trx = &known.trx;
    let took = transfer.at.since(trx.created);
    let step = match transfer.kind {
        Kind::Debit => {
            insert(tx, known)?;
            Step { asked: 1, ..Step::default() }
        }
        Kind::Settle => Step { ok: 1, sales: amount, millis: Some(took), ..Step::default() },
        Kind::Cost => Step { cost: amount, ..Step::default() },
        Kind::Refund => Step { failed: 1, millis: Some(took), ..Step::default() },
        Kind::Reversal => Step { reversed: 1, sales: -amount, ..Step::default() },
        Kind::CostReversal => Step { cost: -amount, ..Step::default() },
        // What uplines earn is a cost of the sale.
        Kind::Commission => Step { cost: amount, ..Step::default() },
        Kind::CommissionReversal => Step { cost: -amount, ..Step::default() },
        Kind::CostCorrection => {
            let more = matches!(transfer.from, AccountName::Supplier(_));
            Step { cost: if more { amount } else { -amount }, ..Step::default() }
        }
        // The cost of a reversed purchase that stays with us stays a cost of its day; so does what
        // uplines had spent.
        Kind::KeptCost | Kind::SpentCommission => return Ok(()),
        Kind::Deposit
        | Kind::Withdrawal
        | Kind::Given
        | Kind::Received
        | Kind::Adjustment
        | Kind::TopUp
        | Kind::Expense
        | Kind::Capital
        | Kind::Opening => return Ok(()),
    };
    if transfer.kind != Kind::Debit {
        update(tx, known)?;
    }
    let supplier = supplier(known);
    let keys = [
        ("hour", format!("{:02}", now.hour)),
        ("member", trx.member.to_string()),
        ("product", trx.product.to_string()),
        ("supplier", supplier.to_owned()),
        ("operator", operator_of(trx.dest.as_str()).to_owned()),
    ];
    for (dim, key) in keys {
        // A purchase has no supplier of its own before it is decided; it is counted where it ends.
        if dim == "supplier" && transfer.kind == Kind::Debit {
            continue;
        }
        count(tx, dim, day, &key, step)?;
    }
    Ok(())
}

/// Accounts with a statement: those that people look at line by line.
fn stated(account: &AccountName) -> bool {
    match account {
        AccountName::Member(_)
        | AccountName::Cash(_)
        | AccountName::Adjustment
        | AccountName::Commission => true,
        AccountName::Supplier(_)
        | AccountName::Hold
        | AccountName::Sales
        | AccountName::Cogs
        | AccountName::Exchange => false,
        // Few, and somebody will ask what each of them was.
        AccountName::Loss(_)
        | AccountName::Deposit(_)
        | AccountName::Expense(_)
        | AccountName::Capital
        | AccountName::Opening => true,
    }
}

fn supplier(known: &Known) -> &str {
    known.attempts.last().map_or("", |attempt| attempt.supplier.as_str())
}

/// Serial number and cost of what was delivered.
fn delivered(known: &Known) -> (&str, i64) {
    let settled = matches!(known.trx.state, TrxState::Success { .. });
    let delivered = known.attempts.iter().find_map(|attempt| match &attempt.state {
        AttemptState::Delivered { sn } => Some((sn.as_str(), attempt.cost.get())),
        AttemptState::Intended
        | AttemptState::Sent
        | AttemptState::Waiting
        | AttemptState::Unknown { .. }
        | AttemptState::Unsent { .. }
        | AttemptState::Failed { .. } => None,
    });
    delivered.filter(|_| settled).unwrap_or(("", 0))
}

fn insert(tx: &Connection, known: &Known) -> rusqlite::Result<()> {
    let trx = &known.trx;
    let (sn, cost) = delivered(known);
    tx.prepare_cached(
        "INSERT OR REPLACE INTO sale (no, member, ref, product, dest, supplier, state, sn, price, \
         cost, created, day) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
    )?
    .execute(params![
        trx.no.get(),
        trx.member.get(),
        trx.ref_id.as_str(),
        trx.product.as_str(),
        trx.dest.as_str(),
        supplier(known),
        trx.state.word(),
        sn,
        trx.price.get(),
        cost,
        trx.created.get(),
        trx.day.get(),
    ])?;
    Ok(())
}

fn update(tx: &Connection, known: &Known) -> rusqlite::Result<()> {
    let trx = &known.trx;
    let (sn, cost) = delivered(known);
    // A reversed purchase keeps the number it was delivered with.
    tx.prepare_cached(
        "UPDATE sale SET supplier = ?2, state = ?3, sn = CASE WHEN ?4 = '' THEN sn ELSE ?4 END, \
         cost = ?5 WHERE no = ?1",
    )?
    .execute(params![trx.no.get(), supplier(known), trx.state.word(), sn, cost])?;
    Ok(())
}

fn count(tx: &Connection, dim: &str, day: i32, key: &str, step: Step) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO tally (dim, day, key, asked, ok, failed, reversed, sales, cost) \
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT (dim, day, key) DO UPDATE SET \
         asked = asked + ?4, ok = ok + ?5, failed = failed + ?6, reversed = reversed + ?7, \
         sales = sales + ?8, cost = cost + ?9",
    )?
    .execute(params![
        dim,
        day,
        key,
        step.asked,
        step.ok,
        step.failed,
        step.reversed,
        step.sales,
        step.cost
    ])?;
    let Some(millis) = step.millis else { return Ok(()) };
    let bucket = i64::try_from(bucket(millis)).unwrap_or_default();
    let known: Option<i64> = tx
        .prepare_cached(
            "UPDATE speed SET count = count + 1 WHERE dim = ?1 AND day = ?2 AND key = ?3 \
             AND bucket = ?4 RETURNING count",
        )?
        .query_row(params![dim, day, key, bucket], |row| row.get(0))
        .optional()?;
    if known.is_none() {
        tx.prepare_cached(
            "INSERT INTO speed (dim, day, key, bucket, count) VALUES (?1,?2,?3,?4,1)",
        )?
        .execute(params![dim, day, key, bucket])?;
    }
    Ok(())
}
