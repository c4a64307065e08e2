//! Open attempts for the same, and equal purchases of a day.

use crate::rows::by;
use rusqlite::{Connection, OptionalExtension as _, params};
use store::{Facts, Turn, Wants, codec, is_rival};
use types::UtcMillis;

/// Rivals of one purchase that are looked at: one is enough to keep words from deciding.
const RIVALS_MOST: usize = 8;

/// Sent and open; such attempts are always due at some time, so the index holds them all.
const OPEN: &str = "FROM attempt a INDEXED BY attempt_due WHERE a.state <> 'intended' \
     AND a.next IS NOT NULL AND a.state IN ('sent', 'waiting', 'unknown') AND a.supplier = ?1";

pub(crate) fn load(
    connection: &Connection,
    wants: &Wants,
    facts: &mut Facts,
) -> rusqlite::Result<()> {
    for place in &wants.places {
        // Numbers follow time, so the lately closed ones are found from the newest back.
        let lately = first_since(connection, wants.places_since)?;
        let sql = format!(
            "SELECT {} FROM attempt a WHERE (a.trx >= ?4 OR (a.trx, a.n) IN \
             (SELECT a.trx, a.n {OPEN})) AND a.supplier = ?1 AND a.sku = ?2 \
             AND (SELECT dest FROM trx WHERE no = a.trx) = ?3",
            codec::ATTEMPT
        );
        let (supplier, sku, dest) =
            (place.supplier.as_str(), place.sku.as_str(), place.dest.as_str());
        let mut sql = connection.prepare_cached(&sql)?;
        let found = sql.query_map(params![supplier, sku, dest, lately], by(codec::attempt))?;
        let mut rivals = Vec::new();
        for attempt in found {
            let attempt = attempt?;
            if is_rival(&attempt, &place.dest) && rivals.len() < RIVALS_MOST {
                rivals.push(attempt.id);
            }
        }
        facts.places.insert(place.clone(), rivals);
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

/// The first number given since an instant: numbers follow time, and only they are indexed.
pub(crate) fn first_since(connection: &Connection, since: UtcMillis) -> rusqlite::Result<i64> {
    let newest: Option<i64> =
        connection.query_row("SELECT max(no) FROM trx", [], |row| row.get(0))?;
    let (mut low, mut high) = (0, newest.map_or(0, |no| no + 1));
    while low < high {
        let middle = low + (high - low) / 2;
        let created: Option<i64> = connection
            .prepare_cached("SELECT created FROM trx WHERE no >= ?1 ORDER BY no LIMIT 1")?
            .query_row([middle], |row| row.get(0))
            .optional()?;
        if created.is_some_and(|at| at < since.get()) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
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
