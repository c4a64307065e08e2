//! Open attempts for the same, and equal purchases of a day.

use rusqlite::{Connection, params};
use store::{Facts, Turn, Wants};
use types::{AttemptId, TrxNo};

/// Rivals of one purchase that are looked at: one is enough to keep words from deciding.
const RIVALS_MOST: i64 = 8;

/// Sent and open; such attempts are always due at some time, so the index holds them all.
const OPEN: &str = "FROM attempt a INDEXED BY attempt_due WHERE a.state <> 'intended' \
     AND a.next IS NOT NULL AND a.state IN ('sent', 'waiting', 'unknown') AND a.supplier = ?1";

pub(crate) fn load(
    connection: &Connection,
    wants: &Wants,
    facts: &mut Facts,
) -> rusqlite::Result<()> {
    for place in &wants.places {
        let sql = format!(
            "SELECT a.trx, a.n {OPEN} AND a.sku = ?2 \
             AND (SELECT dest FROM trx WHERE no = a.trx) = ?3 LIMIT {RIVALS_MOST}"
        );
        let found = connection
            .prepare_cached(&sql)?
            .query_map(
                params![place.supplier.as_str(), place.sku.as_str(), place.dest.as_str()],
                |row| Ok(AttemptId { trx: TrxNo::new(row.get(0)?), n: row.get(1)? }),
            )?
            .collect::<rusqlite::Result<_>>()?;
        facts.places.insert(place.clone(), found);
    }
    for turn in &wants.turns {
        let count = connection
            .prepare_cached("SELECT count FROM turn WHERE day = ?1 AND product = ?2 AND dest = ?3")?
            .query_map(params![turn.day.get(), turn.product.as_str(), turn.dest.as_str()], |row| {
                row.get(0)
            })?
            .next()
            .transpose()?;
        if let Some(count) = count {
            facts.turns.insert(turn.clone(), count);
        }
    }
    for supplier in &wants.open_at {
        let count = connection
            .prepare_cached(&format!("SELECT count(*) {OPEN}"))?
            .query_row([supplier.as_str()], |row| row.get(0))?;
        facts.open_at.insert(supplier.clone(), count);
    }
    Ok(())
}

pub(crate) fn put_turn(connection: &Connection, turn: &Turn, count: u16) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO turn (day, product, dest, count) VALUES (?1,?2,?3,?4) \
             ON CONFLICT DO UPDATE SET count = excluded.count",
        )?
        .execute(params![turn.day.get(), turn.product.as_str(), turn.dest.as_str(), count])?;
    Ok(())
}
