//! Serial numbers that settled a purchase, by digest and for ever.
//!
//! Digests fall anywhere in a table that is sorted by them: one page of the log for each would halve
//! the speed of a grown business (as with references, see `young`). So new ones are written in order
//! of time and held in memory, and many at once are sorted into their table.

use crate::open::not_written;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::HashMap;
use store::{ProofKey, StoreError, Work, codec};
use types::TrxNo;

use crate::rows::by;

/// So many young ones are sorted in.
const MANY: usize = 20_000;
/// Rows that ride in one commit, at least.
const PIECE: usize = 512;

/// A sorting under way.
struct Sorting {
    rows: Vec<(ProofKey, TrxNo)>,
    done: usize,
    /// The last row of `proof_young` it covers.
    upto: i64,
}

/// The writer's memory of young proofs. There is one writer.
pub(crate) struct Proofs {
    young: HashMap<ProofKey, TrxNo>,
    many: usize,
    sorting: Option<Sorting>,
    /// Of the commit that is being prepared.
    piece: usize,
    taken: Vec<(ProofKey, TrxNo)>,
}

impl Proofs {
    /// Reads the young ones; on a database of before, those of all successes.
    pub(crate) fn open(connection: &Connection, many: Option<usize>) -> rusqlite::Result<Self> {
        fill(connection)?;
        let mut sql = connection.prepare("SELECT supplier, digest, trx FROM proof_young")?;
        let young = sql.query_map([], by(codec::proof))?.collect::<rusqlite::Result<_>>()?;
        let many = many.unwrap_or(MANY);
        Ok(Self { young, many, sorting: None, piece: 0, taken: Vec::new() })
    }

    /// The trx that a serial number settled first.
    pub(crate) fn find(
        &self,
        connection: &Connection,
        key: &ProofKey,
    ) -> rusqlite::Result<Option<TrxNo>> {
        if let Some(trx) = self.young.get(key) {
            return Ok(Some(*trx));
        }
        connection
            .prepare_cached("SELECT trx FROM proof WHERE supplier = ?1 AND digest = ?2")?
            .query_row(params![key.supplier.as_str(), key.digest], |row| row.get(0))
            .optional()
            .map(|trx| trx.map(TrxNo::new))
    }

    /// Writes a new one into the transaction that is open.
    pub(crate) fn put(
        &mut self,
        connection: &Connection,
        key: &ProofKey,
        trx: TrxNo,
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached("INSERT INTO proof_young (supplier, digest, trx) VALUES (?1,?2,?3)")?
            .execute(params![key.supplier.as_str(), key.digest, trx.get()])?;
        self.taken.push((key.clone(), trx));
        Ok(())
    }

    /// Writes the next piece into the transaction that is open.
    pub(crate) fn sort_a_piece(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.sorting.is_none() && self.young.len() >= self.many {
            let last: i64 = connection
                .query_row("SELECT coalesce(max(id), 0) FROM proof_young", [], |row| row.get(0))
                .map_err(not_written)?;
            // Those of this very commit are in the table of young ones and not in memory yet.
            let upto = last - i64::try_from(self.taken.len()).unwrap_or(i64::MAX);
            let mut rows: Vec<_> = self.young.iter().map(|(k, trx)| (k.clone(), *trx)).collect();
            rows.sort();
            self.sorting = Some(Sorting { rows, done: 0, upto });
        }
        let Some(Sorting { rows, done, upto }) = &self.sorting else { return Ok(()) };
        let piece = PIECE.min(self.many).max(2 * self.taken.len());
        let end = (done + piece).min(rows.len());
        for (key, trx) in &rows[*done..end] {
            connection
                .prepare_cached(
                    "INSERT INTO proof (supplier, digest, trx) VALUES (?1,?2,?3) \
                     ON CONFLICT DO NOTHING",
                )
                .and_then(|mut sql| {
                    sql.execute(params![key.supplier.as_str(), key.digest, trx.get()])
                })
                .map_err(not_written)?;
        }
        self.piece = end - done;
        if end == rows.len() {
            connection
                .prepare_cached("DELETE FROM proof_young WHERE id <= ?1")
                .and_then(|mut sql| sql.execute([upto]))
                .map_err(not_written)?;
        }
        Ok(())
    }

    /// The commit is durable: what it did holds.
    pub(crate) fn committed(&mut self) {
        self.young.extend(std::mem::take(&mut self.taken));
        if let Some(Sorting { rows, done, .. }) = &mut self.sorting {
            *done += std::mem::take(&mut self.piece);
            if *done == rows.len() {
                for (key, _) in rows.iter() {
                    self.young.remove(key);
                }
                self.sorting = None;
            }
        }
    }

    /// Nothing of the batch was written.
    pub(crate) fn rolled_back(&mut self) {
        self.taken.clear();
        self.piece = 0;
    }
}

/// The trx that a serial number settled first, without the writer's memory: the young ones have no
/// index and are read through.
pub(crate) fn read(connection: &Connection, key: &ProofKey) -> rusqlite::Result<Option<TrxNo>> {
    connection
        .prepare_cached(
            "SELECT trx FROM proof WHERE supplier = ?1 AND digest = ?2
             UNION ALL SELECT trx FROM proof_young WHERE supplier = ?1 AND digest = ?2 LIMIT 1",
        )?
        .query_row(params![key.supplier.as_str(), key.digest], |row| row.get(0))
        .optional()
        .map(|trx| trx.map(TrxNo::new))
}

/// Serial numbers that were given before there was this table. Of a number that was given twice the
/// first one counts.
fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let filled: bool =
        connection.query_row("SELECT filled FROM proof_state", [], |row| row.get(0))?;
    if filled {
        return Ok(());
    }
    let sql = format!(
        "SELECT {}, t.member AS member, t.dest AS dest, t.qty AS qty FROM attempt a \
         JOIN trx t ON t.no = a.trx WHERE a.state = 'delivered' AND t.price > 0 ORDER BY a.trx",
        codec::ATTEMPT
    );
    let mut delivered = connection.prepare(&sql)?;
    let works = delivered.query_map([], by(codec::work))?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut put = |work: rusqlite::Result<Work>| -> rusqlite::Result<()> {
        let work = work?;
        let domain::AttemptState::Delivered { sn } = &work.attempt.state else { return Ok(()) };
        let Some(key) = ProofKey::of(&work.attempt.supplier, sn, &work.dest) else {
            return Ok(());
        };
        connection
            .prepare_cached(
                "INSERT INTO proof (supplier, digest, trx) VALUES (?1,?2,?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![key.supplier.as_str(), key.digest, work.attempt.id.trx.get()])?;
        Ok(())
    };
    let filled = works.into_iter().try_for_each(&mut put);
    match filled {
        Ok(()) => connection.execute_batch("UPDATE proof_state SET filled = 1; COMMIT"),
        Err(error) => {
            // The first error says what is wrong; the transaction ends with the connection.
            let _ = connection.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}
