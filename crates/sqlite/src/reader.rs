//! Read-only connections: typed pages and walks, each bounded.

use crate::open::{hint, not_written};
use crate::rows::by;
use crate::young::{Young, find, find_young};
use crate::{papers, proofs};
use domain::{Account, Transfer, Trx};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params, params_from_iter};
use std::ops::ControlFlow;
use std::path::Path;
use store::{
    CatalogRows, ChainHead, ChainRow, Counts, Delivery, DeliveryFilter, Heads, JOURNAL_LOOK_MOST,
    JournalFilter, JournalLine, Known, Lane, Paper, PaperFilter, PaperKey, Places, Progress,
    ProofKey, Reads, StoreError, Story, TrxFilter, Work, codec,
};
use types::{AttemptId, Dest, MemberId, RefId, Rupiah, Sku, SupplierCode, TrxNo, UtcMillis};

/// Longest page anyone gets.
const PAGE_MOST: u32 = 1_000;
/// Pages copied per backup step.
const BACKUP_STEP: i32 = 512;

fn last_of(after: &Places) -> i64 {
    after.get(&Lane::default()).copied().unwrap_or(i64::MIN)
}

fn above(after: Option<TrxNo>) -> i64 {
    after.map_or(i64::MIN, TrxNo::get)
}

/// A row that cannot be read is damage; everything else passes.
fn not_read(asked: &str, error: rusqlite::Error) -> StoreError {
    let cause = match &error {
        rusqlite::Error::FromSqlConversionFailure(_, _, cause) => cause.to_string(),
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::IntegralValueOutOfRange(..) => {
            error.to_string()
        }
        // rusqlite's list is open.
        _ => return store::not_read(asked, &hint(&error)),
    };
    StoreError::Broken(format!("a row cannot be read: {cause}"))
}

/// A read-only connection as [`Reads`].
pub struct SqliteReads {
    connection: Connection,
    young: Option<Young>,
}

impl SqliteReads {
    pub(crate) fn new(connection: Connection, young: Option<Young>) -> Self {
        Self { connection, young }
    }

    /// Young ones first: what has been sorted into the table is forgotten only after that.
    fn taken(&self, member: MemberId, ref_id: &RefId) -> rusqlite::Result<Option<TrxNo>> {
        if let Some(no) = self.young.as_ref().and_then(|young| young.get(member, ref_id)) {
            return Ok(Some(no));
        }
        let found = find(&self.connection, member, ref_id)?;
        if found.is_none() && self.young.is_none() {
            return find_young(&self.connection, member, ref_id);
        }
        Ok(found)
    }

    /// About the first number since an instant: exactly that one while clocks go forward.
    fn first_since(&self, since: UtcMillis) -> Result<i64, StoreError> {
        crate::evidence::first_since(&self.connection, since)
            .map_err(|error| not_read("FROM trx", error))
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        decode: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let not_read = |error| not_read(sql, error);
        let mut statement = self.connection.prepare_cached(sql).map_err(not_read)?;
        let rows = statement.query_map(params, decode).map_err(not_read)?;
        rows.collect::<rusqlite::Result<_>>().map_err(not_read)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        decode: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params, decode).optional())
            .map_err(|error| not_read(sql, error))
    }

    /// Visits rows in order; the first column numbers them. A row that cannot be read is damage, and
    /// is named.
    fn walk<T>(
        &self,
        what: &str,
        sql: &str,
        params: &[i64],
        mut decode: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
        visit: &mut dyn FnMut(T) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let not_read = |error| not_read(sql, error);
        let mut statement = self.connection.prepare(sql).map_err(not_read)?;
        let mut rows = statement.query(params_from_iter(params)).map_err(not_read)?;
        while let Some(row) = rows.next().map_err(not_read)? {
            let decoded = decode(row).map_err(|error| {
                let number: i64 = row.get(0).unwrap_or_default();
                StoreError::Broken(format!("{what} {number} cannot be read: {error}"))
            })?;
            if visit(decoded).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn due(
        &self,
        state: &str,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Result<Vec<Work>, StoreError> {
        // Codes hold no quotes: their type sees to that.
        let skip: Vec<String> = skip.iter().map(|code| format!("'{code}'")).collect();
        let skip = skip.join(",");
        let filter =
            format!("{state} AND a.next <= ?1 AND a.supplier NOT IN ({skip}) ORDER BY a.next");
        self.work(&filter, now.get(), limit)
    }

    fn work(&self, filter: &str, first: i64, limit: u32) -> Result<Vec<Work>, StoreError> {
        let sql = format!(
            "SELECT {}, t.member AS member, t.dest AS dest, t.qty AS qty \
             FROM attempt a JOIN trx t ON t.no = a.trx \
             WHERE {filter} LIMIT ?2",
            codec::ATTEMPT
        );
        self.all(&sql, params![first, limit], by(codec::work))
    }
}

impl Reads for SqliteReads {
    fn catalog(&mut self) -> Result<CatalogRows, StoreError> {
        Ok(CatalogRows {
            revision: 0,
            members: self.all("SELECT * FROM member ORDER BY id", [], by(codec::member))?,
            levels: self.all("SELECT * FROM level ORDER BY code", [], by(codec::level))?,
            products: self.all("SELECT * FROM product ORDER BY code", [], by(codec::product))?,
            prices: self.all("SELECT * FROM price", [], by(codec::price))?,
            suppliers: self.all("SELECT * FROM supplier ORDER BY code", [], by(codec::supplier))?,
            routes: self.all(
                "SELECT * FROM route ORDER BY product, priority",
                [],
                by(codec::route),
            )?,
            epochs: self.all("SELECT * FROM epoch ORDER BY number", [], by(codec::epoch))?,
        })
    }

    fn balance(&mut self, member: MemberId) -> Result<Option<Rupiah>, StoreError> {
        self.one("SELECT balance FROM account WHERE member = ?1", [member.get()], |row| {
            row.get(0).map(Rupiah::new)
        })
    }

    fn accounts(&mut self) -> Result<Vec<(MemberId, Account)>, StoreError> {
        self.all("SELECT * FROM account ORDER BY member", [], |row| {
            Ok((MemberId::new(row.get("member")?), by(codec::account)(row)?))
        })
    }

    fn trx_by_ref(&mut self, member: MemberId, ref_id: &RefId) -> Result<Option<Trx>, StoreError> {
        let Some(no) = self.taken(member, ref_id).map_err(|e| not_read("FROM ref", e))? else {
            return Ok(None);
        };
        let sql = format!("SELECT {} FROM trx WHERE no = ?1", codec::TRX);
        self.one(&sql, [no.get()], by(codec::trx))
    }

    fn story(&mut self, no: TrxNo) -> Result<Option<Story>, StoreError> {
        let sql = format!("SELECT {} FROM trx WHERE no = ?1", codec::TRX);
        let Some(trx) = self.one(&sql, [no.get()], by(codec::trx))? else {
            return Ok(None);
        };
        let sql = format!("SELECT {} FROM attempt a WHERE trx = ?1 ORDER BY n", codec::ATTEMPT);
        Ok(Some(Story {
            known: Known { trx, attempts: self.all(&sql, [no.get()], by(codec::attempt))? },
            transfers: self.all(
                "SELECT * FROM transfer WHERE trx = ?1 ORDER BY seq",
                [no.get()],
                |row| Ok((row.get("seq")?, by(codec::transfer)(row)?)),
            )?,
            deliveries: self.all(
                "SELECT * FROM delivery WHERE trx = ?1 ORDER BY id",
                [no.get()],
                by(codec::delivery),
            )?,
            journal: self.all(
                "SELECT * FROM journal WHERE trx = ?1 ORDER BY seq LIMIT 1000",
                [no.get()],
                |row| Ok((row.get("seq")?, by(codec::journal)(row)?)),
            )?,
        }))
    }

    fn trx_page(&mut self, filter: &TrxFilter) -> Result<Vec<Trx>, StoreError> {
        // Constant conditions are left out so that the planner sees the partial indexes.
        let state = match filter.state.as_deref() {
            Some("pending") => "state = 'pending' AND ?2 IS NOT NULL",
            Some(_) => "state = ?2",
            None => "?2 IS NULL",
        };
        let suspect = if filter.suspect { "suspect IS NOT NULL" } else { "1" };
        let sql = format!(
            "SELECT {} FROM trx WHERE no < ?1 AND {state} AND {suspect} \
             AND (?3 IS NULL OR member = ?3) AND (?4 IS NULL OR dest = ?4) \
             AND (?5 IS NULL OR ref = ?5) ORDER BY no DESC LIMIT ?6",
            codec::TRX
        );
        self.all(
            &sql,
            params![
                filter.below.map_or(i64::MAX, TrxNo::get),
                filter.state,
                filter.member.map(MemberId::get),
                filter.dest.as_ref().map(Dest::as_str),
                filter.ref_id.as_ref().map(RefId::as_str),
                filter.limit.min(PAGE_MOST),
            ],
            by(codec::trx),
        )
    }

    fn delivery_page(&mut self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.all(
            "SELECT * FROM delivery WHERE id < ?1 AND (?2 IS NULL OR member = ?2) \
             AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR trx = ?4) \
             ORDER BY id DESC LIMIT ?5",
            params![
                filter.below.unwrap_or(i64::MAX),
                filter.member.map(MemberId::get),
                filter.state.map(store::DeliveryState::word),
                filter.trx.map(TrxNo::get),
                filter.limit.min(PAGE_MOST),
            ],
            by(codec::delivery),
        )
    }

    fn due_intents(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Result<Vec<Work>, StoreError> {
        self.due("a.state = 'intended'", now, limit, skip)
    }

    fn due_checks(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Result<Vec<Work>, StoreError> {
        self.due("a.state <> 'intended' AND a.next IS NOT NULL", now, limit, skip)
    }

    fn bought_since(
        &mut self,
        since: UtcMillis,
    ) -> Result<Vec<(SupplierCode, Sku, u32)>, StoreError> {
        // Numbers follow time and only they are indexed: of purchases a day older, nobody buys again.
        let first = self.first_since(since.after(-24 * 3_600 * 1_000))?;
        self.all(
            "SELECT supplier, sku, count(*) AS count FROM attempt WHERE trx >= ?2 AND created >= ?1
             GROUP BY supplier, sku",
            params![since.get(), first],
            by(codec::bought),
        )
    }

    fn work_of(&mut self, attempt: AttemptId) -> Result<Option<Work>, StoreError> {
        let filter = format!("a.trx = ?1 AND a.n = {}", attempt.n);
        Ok(self.work(&filter, attempt.trx.get(), 1)?.pop())
    }

    fn settled_by(&mut self, key: &ProofKey) -> Result<Option<TrxNo>, StoreError> {
        proofs::read(&self.connection, key).map_err(|error| not_read("FROM proof", error))
    }

    fn sent_attempts(
        &mut self,
        _: Lane,
        after: TrxNo,
        limit: u32,
    ) -> Result<Vec<Work>, StoreError> {
        self.work(
            "a.state = 'sent' AND a.state <> 'intended' AND a.next IS NOT NULL AND +a.trx > ?1 \
             ORDER BY a.trx",
            after.get(),
            limit,
        )
    }

    fn due_deliveries(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[MemberId],
    ) -> Result<Vec<Delivery>, StoreError> {
        let skip: Vec<String> = skip.iter().map(|id| id.get().to_string()).collect();
        self.all(
            "SELECT * FROM delivery WHERE state = 'due' AND next <= ?1
             AND member NOT IN (SELECT value FROM json_each(?3)) ORDER BY next LIMIT ?2",
            params![now.get(), limit, format!("[{}]", skip.join(","))],
            by(codec::delivery),
        )
    }

    fn paper(&mut self, key: &PaperKey) -> Result<Option<Paper>, StoreError> {
        papers::find(&self.connection, key).map_err(|error| not_read("FROM paper", error))
    }

    fn papers(&mut self, filter: &PaperFilter) -> Result<Vec<Paper>, StoreError> {
        let limit = filter.limit.min(PAGE_MOST);
        let below = filter.below.as_deref();
        match &filter.tag {
            None => self.all(
                "SELECT * FROM paper WHERE kind = ?1 AND (?2 IS NULL OR id < ?2) \
                 ORDER BY id DESC LIMIT ?3",
                params![filter.kind, below, limit],
                by(codec::paper),
            ),
            Some(tag) => self.all(
                "SELECT * FROM paper WHERE kind = ?1 AND tag = ?4 AND tag <> '' \
                 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
                params![filter.kind, below, limit, tag],
                by(codec::paper),
            ),
        }
    }

    fn each_paper(
        &mut self,
        visit: &mut dyn FnMut(Paper) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT * FROM paper ORDER BY kind, id";
        self.walk("paper", sql, &[], by(codec::paper), visit)
    }

    fn transfers_after(
        &mut self,
        lane: Lane,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<ChainRow<Transfer>>, StoreError> {
        self.all(
            "SELECT * FROM transfer WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            params![seq, limit],
            |row| {
                let (seq, hash) = (row.get("seq")?, row.get("hash")?);
                Ok(ChainRow { lane, seq, row: by(codec::transfer)(row)?, hash })
            },
        )
    }

    fn knowns(&mut self, numbers: &[TrxNo]) -> Result<Vec<Known>, StoreError> {
        let trx = format!("SELECT {} FROM trx WHERE no = ?1", codec::TRX);
        let attempts =
            format!("SELECT {} FROM attempt a WHERE trx = ?1 ORDER BY n", codec::ATTEMPT);
        let mut found = Vec::with_capacity(numbers.len());
        for no in numbers {
            if let Some(trx) = self.one(&trx, [no.get()], by(codec::trx))? {
                let attempts = self.all(&attempts, [no.get()], by(codec::attempt))?;
                found.push(Known { trx, attempts });
            }
        }
        Ok(found)
    }

    fn journal_page(
        &mut self,
        filter: &JournalFilter,
    ) -> Result<Vec<ChainRow<JournalLine>>, StoreError> {
        let below = filter.below.map_or(i64::MAX, |(_, seq)| seq);
        let newest = self.one("SELECT max(seq) FROM journal", [], |row| row.get(0))?;
        let newest: i64 = newest.flatten().unwrap_or_default();
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        self.all(
            "SELECT * FROM journal WHERE seq < ?1 AND seq > ?2 \
             AND (?3 IS NULL OR channel = ?3) AND (?4 IS NULL OR trx = ?4) \
             AND (?5 IS NULL OR instr(lower(request || ' ' || reply), ?5) > 0) \
             ORDER BY seq DESC LIMIT ?6",
            params![
                below,
                below.min(newest.saturating_add(1)).saturating_sub(JOURNAL_LOOK_MOST),
                filter.channel.map(store::Channel::word),
                filter.trx.map(TrxNo::get),
                text,
                filter.limit.min(PAGE_MOST)
            ],
            |row| {
                let (seq, hash) = (row.get("seq")?, row.get("hash")?);
                Ok(ChainRow { lane: Lane::default(), seq, row: by(codec::journal)(row)?, hash })
            },
        )
    }

    fn counts(&mut self) -> Result<Counts, StoreError> {
        let count = |sql: &str| -> Result<i64, StoreError> {
            Ok(self.one(sql, [], |row| row.get(0))?.unwrap_or_default())
        };
        Ok(Counts {
            pending: count("SELECT count(*) FROM trx WHERE state = 'pending'")?,
            suspect: count("SELECT count(*) FROM trx WHERE suspect IS NOT NULL")?,
            callbacks_due: count("SELECT count(*) FROM delivery WHERE state = 'due'")?,
        })
    }

    fn each_transfer(
        &mut self,
        after: &Places,
        visit: &mut dyn FnMut(ChainRow<Transfer>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.walk(
            "ledger: row",
            "SELECT * FROM transfer WHERE seq > ?1 ORDER BY seq",
            &[last_of(after)],
            |row| {
                Ok(ChainRow {
                    lane: Lane::default(),
                    seq: row.get("seq")?,
                    row: by(codec::transfer)(row)?,
                    hash: row.get("hash")?,
                })
            },
            visit,
        )
    }

    fn each_journal(
        &mut self,
        after: &Places,
        visit: &mut dyn FnMut(ChainRow<JournalLine>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.walk(
            "journal: row",
            "SELECT * FROM journal WHERE seq > ?1 ORDER BY seq",
            &[last_of(after)],
            |row| {
                Ok(ChainRow {
                    lane: Lane::default(),
                    seq: row.get("seq")?,
                    row: by(codec::journal)(row)?,
                    hash: row.get("hash")?,
                })
            },
            visit,
        )
    }

    fn each_trx(
        &mut self,
        after: Option<TrxNo>,
        visit: &mut dyn FnMut(Trx) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {} FROM trx WHERE no > ?1 ORDER BY no", codec::TRX);
        self.walk("trx", &sql, &[above(after)], by(codec::trx), visit)
    }

    fn damage(&mut self, after: Option<TrxNo>) -> Result<Option<String>, StoreError> {
        // One purchase each, also among those that are not sorted in yet.
        let odd = |sql: &str| -> Result<Option<(i64, String)>, StoreError> {
            self.one(sql, [above(after)], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        let lost = odd(
            "SELECT t.no, t.ref FROM trx t LEFT JOIN ref r ON r.member = t.member AND r.ref = t.ref
             WHERE t.no > ?1
               AND ((t.no <= (SELECT upto FROM sorted) AND r.no IS NOT t.no) OR r.no <> t.no)
             LIMIT 1",
        )?;
        let twice =
            odd("SELECT max(no), ref FROM trx WHERE no > max(?1, (SELECT upto FROM sorted))
             GROUP BY member, ref HAVING count(*) > 1 LIMIT 1")?;
        let tell = |(no, ref_id)| format!("refID {ref_id} of trx {no} is not its own");
        if let Some(found) = lost.or(twice) {
            return Ok(Some(tell(found)));
        }
        // A column that follows from the two sides, and is under no hash.
        let strange = self.one(
            "SELECT seq FROM transfer WHERE 'member:' || coalesce(member, '') NOT IN (src, dst)
             AND (member IS NOT NULL OR src LIKE 'member:%' OR dst LIKE 'member:%')
             AND (?1 IS NULL OR trx > ?1) LIMIT 1",
            [after.map(TrxNo::get)],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(strange.map(|seq| format!("transfer {seq} names a member that it does not move")))
    }

    fn heads(&mut self) -> Result<Vec<Heads>, StoreError> {
        let head = |name: &str| -> Result<ChainHead, StoreError> {
            self.one("SELECT seq, head FROM chain WHERE name = ?1", [name], |row| {
                Ok(ChainHead { seq: row.get(0)?, hash: row.get(1)? })
            })?
            .ok_or_else(|| StoreError::Broken(format!("the head of the {name} chain is missing")))
        };
        let (ledger, journal) = (head("ledger")?, head("journal")?);
        Ok(vec![Heads { lane: Lane::default(), ledger, journal }])
    }

    fn hold(&mut self) -> Result<(), StoreError> {
        self.connection
            .execute_batch("BEGIN; SELECT 1 FROM chain")
            .map_err(|error| not_read("", error))
    }

    fn release(&mut self) {
        if !self.connection.is_autocommit() {
            // Nothing was written; a failed end of a read changes nothing.
            let _ = self.connection.execute_batch("COMMIT");
        }
    }

    fn backup(&mut self, to: &Path, progress: Progress<'_>) -> Result<(), StoreError> {
        let mut target = Connection::open(to).map_err(not_written)?;
        let backup =
            rusqlite::backup::Backup::new(&self.connection, &mut target).map_err(not_written)?;
        // One held read keeps the copy from starting over while the writer goes on.
        loop {
            let step = backup.step(BACKUP_STEP).map_err(not_written)?;
            let at = backup.progress();
            let total = u64::try_from(at.pagecount).unwrap_or_default();
            let left = u64::try_from(at.remaining).unwrap_or_default();
            progress(total.saturating_sub(left), total);
            match step {
                rusqlite::backup::StepResult::Done => break,
                rusqlite::backup::StepResult::More => {}
                // Busy, locked, or a word rusqlite adds later: wait and go on.
                _ => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
        }
        drop(backup);
        target.execute_batch("PRAGMA journal_mode = DELETE").map_err(not_written)?;
        let sound: String = target
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .map_err(not_written)?;
        if sound == "ok" {
            Ok(())
        } else {
            Err(StoreError::Broken(format!("the copy fails its integrity check: {sound}")))
        }
    }
}
