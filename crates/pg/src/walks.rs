//! Walks along the chains, page after page: no statement grows with the business.

use crate::reader::{Codec, PgReads, STRIDE, decode, hash, lane};
use domain::Transfer;
use std::ops::ControlFlow;
use store::{ChainRow, JournalLine, Lane, Places, StoreError, codec};
use tokio_postgres::Row;

/// Below the first transfer after these places; `None` when there is none.
fn before_first(reads: &mut PgReads, after: &Places) -> Result<Option<i64>, StoreError> {
    if after.is_empty() {
        return Ok(Some(i64::MIN));
    }
    let lanes: Vec<i64> = after.keys().map(|lane| i64::from(lane.0)).collect();
    let seqs: Vec<i64> = after.values().copied().collect();
    let rows = reads.rows(
        "SELECT min(next.id) AS id FROM lane l
         LEFT JOIN unnest($1::bigint[], $2::bigint[]) AS seen (lane, seq) ON seen.lane = l.id
         CROSS JOIN LATERAL (
           SELECT id FROM transfer t WHERE t.lane = l.id AND (seen.seq IS NULL OR t.seq > seen.seq)
           ORDER BY t.seq LIMIT 1) AS next",
        &[&lanes, &seqs],
    )?;
    let first: Option<i64> = rows.first().and_then(|row| row.get("id"));
    Ok(first.map(|id| id.saturating_sub(1)))
}

/// Transfers after these places, in the order of their ids.
pub(crate) fn transfers(
    reads: &mut PgReads,
    after: &Places,
    visit: &mut dyn FnMut(ChainRow<Transfer>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let seen = |lane: Lane| after.get(&lane).copied().unwrap_or(i64::MIN);
    let Some(mut after) = before_first(reads, after)? else { return Ok(()) };
    loop {
        let rows = reads.rows(
            "SELECT * FROM transfer WHERE id > $1 ORDER BY id LIMIT $2",
            &[&after, &STRIDE],
        )?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.get("id");
        for row in &rows {
            if row.get::<_, i64>("seq") <= seen(lane(row)) {
                continue;
            }
            let chained = ChainRow {
                lane: lane(row),
                seq: row.get("seq"),
                row: named("ledger: row", row, codec::transfer)?,
                hash: hash(row, "hash")?,
            };
            if visit(chained).is_break() {
                return Ok(());
            }
        }
    }
}

/// Lines after these places, lane by lane.
pub(crate) fn lines(
    reads: &mut PgReads,
    after: &Places,
    visit: &mut dyn FnMut(ChainRow<JournalLine>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let seen = |lane: Lane| after.get(&lane).copied().unwrap_or(i64::MIN);
    let mut at = (i64::MIN, i64::MIN);
    'pages: loop {
        let rows = reads.rows(
            "SELECT * FROM journal WHERE (lane, seq) > ($1, $2) ORDER BY lane, seq LIMIT $3",
            &[&at.0, &at.1, &STRIDE],
        )?;
        let Some(last) = rows.last() else { return Ok(()) };
        at = (last.get("lane"), last.get("seq"));
        for row in &rows {
            let seen = seen(lane(row));
            if row.get::<_, i64>("seq") <= seen {
                // Not line by line through what was seen.
                at = (row.get("lane"), seen);
                continue 'pages;
            }
            let chained = ChainRow {
                lane: lane(row),
                seq: row.get("seq"),
                row: named("journal: row", row, codec::journal)?,
                hash: hash(row, "hash")?,
            };
            if visit(chained).is_break() {
                return Ok(());
            }
        }
    }
}

/// A row that cannot be read is damage, and is named.
fn named<T>(what: &str, row: &Row, codec: Codec<T>) -> Result<T, StoreError> {
    decode(row, codec).map_err(|error| {
        let (lane, seq): (i64, i64) = (row.get("lane"), row.get("seq"));
        StoreError::Broken(format!("{what} {seq} of lane {lane} cannot be read: {error}"))
    })
}
