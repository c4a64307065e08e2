//! The read side: typed pages and walks, each bounded. Nothing here is used to decide about money.

use crate::columns::PgRow;
use crate::damage;
use crate::lanes::Held;
use crate::link::{Link, Live, Lost};
use crate::rows::trx_columns;
use crate::walks;
use domain::{Account, Transfer, Trx};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::codec::{self, Columns, Unreadable};
use store::{
    CatalogRows, ChainHead, ChainRow, Counts, Delivery, DeliveryFilter, Heads, JOURNAL_LOOK_MOST,
    JournalFilter, JournalLine, Known, Lane, Paper, PaperFilter, PaperKey, Places, Progress,
    ProofKey, Reads, StoreError, Story, TrxFilter, Work,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use types::{AttemptId, MemberId, RefId, Rupiah, Sku, SupplierCode, TrxNo, UtcMillis};

/// Longest page anyone gets.
const PAGE_MOST: u32 = 1_000;
/// Rows read at once while walking.
pub(crate) const STRIDE: i64 = 2_000;

/// A connection for reads.
pub struct PgReads {
    link: Link,
    /// Whose work is due here.
    held: Arc<Held>,
    /// The catalog's revision as it was read last, where this is the reader that the node's catalog
    /// comes from. Others read it too, and change nothing by that.
    seen: Option<Arc<AtomicI64>>,
    /// A moment of the store is held.
    holds: bool,
}

pub(crate) type Codec<T> = fn(&dyn Columns) -> Result<T, Unreadable>;

pub(crate) fn decode<T>(row: &Row, codec: Codec<T>) -> Result<T, StoreError> {
    codec(&PgRow(row)).map_err(|error| StoreError::Broken(error.to_string()))
}

pub(crate) fn hash(row: &Row, column: &str) -> Result<store::Hash, StoreError> {
    let bytes: &[u8] = row.get(column);
    bytes.try_into().map_err(|_| StoreError::Broken(format!("column {column}: not a hash")))
}

pub(crate) fn lane(row: &Row) -> Lane {
    Lane(i32::try_from(row.get::<_, i64>("lane")).unwrap_or_default())
}

impl PgReads {
    pub(crate) fn new(link: Link, held: Arc<Held>, seen: Option<Arc<AtomicI64>>) -> Self {
        Self { link, held, seen, holds: false }
    }

    /// A read that finds its connection gone tries once more on a new one: reading twice harms
    /// nobody. Not while a moment is held: that went with the connection.
    pub(crate) fn rows(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let mut tries = 0;
        loop {
            let ask = async |live: &mut Live| {
                let statement = live.prepare(sql).await?;
                live.client.query(&statement, params).await
            };
            let found = if self.holds { self.link.within(ask) } else { self.link.run(ask) };
            match found {
                Ok(rows) => return Ok(rows),
                Err(Lost::Gone(_)) if tries == 0 && !self.holds => tries += 1,
                Err(error) => return Err(error.not_read(sql)),
            }
        }
    }

    fn all<T>(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
        codec: Codec<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.rows(sql, params)?.iter().map(|row| decode(row, codec)).collect()
    }

    fn due(
        &mut self,
        state: &str,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Result<Vec<Work>, StoreError> {
        let skip: Vec<String> = skip.iter().map(ToString::to_string).collect();
        let filter = format!(
            "a.lane = ANY($1) AND {state} AND a.next <= $2 AND a.supplier <> ALL($3)
             ORDER BY a.next LIMIT $4"
        );
        let held = self.held.ids();
        self.work(&filter, &[&held, &now.get(), &skip, &i64::from(limit)])
    }

    fn work(
        &mut self,
        filter: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Work>, StoreError> {
        let sql = format!(
            "SELECT {}, t.member AS member, t.dest AS dest, t.qty AS qty
             FROM attempt a JOIN trx t ON t.member = a.member AND t.no = a.trx WHERE {filter}",
            codec::ATTEMPT
        );
        self.all(&sql, params, codec::work)
    }

    fn number(&mut self, sql: &str) -> Result<i64, StoreError> {
        Ok(self.rows(sql, &[])?.first().map_or(0, |row| row.get(0)))
    }

    fn catalog_now(&mut self) -> Result<CatalogRows, StoreError> {
        let revision = self.number("SELECT catalog FROM revision")?;
        let rows = CatalogRows {
            revision,
            members: self.all("SELECT * FROM member ORDER BY id", &[], codec::member)?,
            levels: self.all("SELECT * FROM level ORDER BY code", &[], codec::level)?,
            products: self.all("SELECT * FROM product ORDER BY code", &[], codec::product)?,
            prices: self.all("SELECT * FROM price ORDER BY level, product", &[], codec::price)?,
            suppliers: self.all("SELECT * FROM supplier ORDER BY code", &[], codec::supplier)?,
            routes: self.all(
                "SELECT * FROM route ORDER BY product, priority, supplier",
                &[],
                codec::route,
            )?,
            epochs: self.all("SELECT * FROM epoch ORDER BY number", &[], codec::epoch)?,
        };
        if let Some(seen) = &self.seen {
            seen.store(revision, Ordering::Relaxed);
        }
        Ok(rows)
    }
}

impl Reads for PgReads {
    fn catalog(&mut self) -> Result<CatalogRows, StoreError> {
        if self.holds {
            return self.catalog_now();
        }
        // Of one moment, with its revision. A connection that is lost meanwhile takes the moment
        // with it: reading all of it again harms nobody.
        let mut tries = 0;
        loop {
            self.hold()?;
            let read = self.catalog_now();
            let lost = self.link.is_lost();
            self.release();
            if read.is_ok() || !lost || tries > 0 {
                return read;
            }
            tries += 1;
        }
    }

    fn balance(&mut self, member: MemberId) -> Result<Option<Rupiah>, StoreError> {
        let rows = self.rows("SELECT balance FROM account WHERE member = $1", &[&member.get()])?;
        Ok(rows.first().map(|row| Rupiah::new(row.get(0))))
    }

    fn accounts(&mut self) -> Result<Vec<(MemberId, Account)>, StoreError> {
        self.rows("SELECT * FROM account ORDER BY member", &[])?
            .iter()
            .map(|row| Ok((MemberId::new(row.get("member")), decode(row, codec::account)?)))
            .collect()
    }

    fn trx_by_ref(&mut self, member: MemberId, ref_id: &RefId) -> Result<Option<Trx>, StoreError> {
        let sql = format!("SELECT {} FROM trx t WHERE t.member = $1 AND t.ref = $2", trx_columns());
        Ok(self.all(&sql, &[&member.get(), &ref_id.as_str()], codec::trx)?.pop())
    }

    fn story(&mut self, no: TrxNo) -> Result<Option<Story>, StoreError> {
        let sql = format!("SELECT {} FROM trx t WHERE t.no = $1", trx_columns());
        let Some(trx) = self.all(&sql, &[&no.get()], codec::trx)?.pop() else { return Ok(None) };
        let sql = format!(
            "SELECT {} FROM attempt a WHERE a.member = $1 AND a.trx = $2 ORDER BY a.n",
            codec::ATTEMPT
        );
        let attempts = self.all(&sql, &[&trx.member.get(), &no.get()], codec::attempt)?;
        let transfers = self
            .rows("SELECT * FROM transfer WHERE trx = $1 ORDER BY id", &[&no.get()])?
            .iter()
            .map(|row| Ok((row.get("id"), decode(row, codec::transfer)?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let journal = self
            .rows(
                "SELECT * FROM journal WHERE trx = $1 ORDER BY at, lane, seq LIMIT 1000",
                &[&no.get()],
            )?
            .iter()
            .map(|row| Ok((row.get("seq"), decode(row, codec::journal)?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let deliveries = self.all(
            "SELECT * FROM delivery WHERE trx = $1 ORDER BY id",
            &[&no.get()],
            codec::delivery,
        )?;
        Ok(Some(Story { known: Known { trx, attempts }, transfers, deliveries, journal }))
    }

    fn trx_page(&mut self, filter: &TrxFilter) -> Result<Vec<Trx>, StoreError> {
        let sql = format!(
            "SELECT {} FROM trx t WHERE ($1::bigint IS NULL OR t.no < $1)
             AND ($2::bigint IS NULL OR t.member = $2) AND ($3::text IS NULL OR t.state = $3)
             AND ($4::text IS NULL OR t.dest = $4) AND ($5::text IS NULL OR t.ref = $5)
             {} ORDER BY t.no DESC LIMIT $6",
            trx_columns(),
            if filter.suspect { "AND t.suspect IS NOT NULL" } else { "" }
        );
        self.all(
            &sql,
            &[
                &filter.below.map(TrxNo::get),
                &filter.member.map(MemberId::get),
                &filter.state,
                &filter.dest.as_ref().map(ToString::to_string),
                &filter.ref_id.as_ref().map(ToString::to_string),
                &i64::from(filter.limit.min(PAGE_MOST)),
            ],
            codec::trx,
        )
    }

    fn delivery_page(&mut self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.all(
            "SELECT * FROM delivery WHERE ($1::bigint IS NULL OR id < $1)
             AND ($2::bigint IS NULL OR member = $2) AND ($3::text IS NULL OR state = $3)
             AND ($4::bigint IS NULL OR trx = $4) ORDER BY id DESC LIMIT $5",
            &[
                &filter.below,
                &filter.member.map(MemberId::get),
                &filter.state.map(store::DeliveryState::word),
                &filter.trx.map(TrxNo::get),
                &i64::from(filter.limit.min(PAGE_MOST)),
            ],
            codec::delivery,
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
        self.all(
            "SELECT supplier, sku, count(*) AS count FROM attempt WHERE created >= $1
             GROUP BY supplier, sku ORDER BY supplier, sku",
            &[&since.get()],
            codec::bought,
        )
    }

    fn work_of(&mut self, attempt: AttemptId) -> Result<Option<Work>, StoreError> {
        let (trx, n) = (attempt.trx.get(), i64::from(attempt.n));
        Ok(self.work("t.no = $1 AND a.n = $2", &[&trx, &n])?.pop())
    }

    fn settled_by(&mut self, key: &ProofKey) -> Result<Option<TrxNo>, StoreError> {
        let (supplier, digest) = (key.supplier.as_str(), &key.digest[..]);
        let rows = self.rows(
            "SELECT trx FROM proof WHERE supplier = $1 AND digest = $2",
            &[&supplier, &digest],
        )?;
        Ok(rows.first().map(|row| TrxNo::new(row.get("trx"))))
    }

    fn sent_attempts(
        &mut self,
        lane: Lane,
        after: TrxNo,
        limit: u32,
    ) -> Result<Vec<Work>, StoreError> {
        self.work(
            "a.lane = $1 AND a.state = 'sent' AND a.trx > $2 ORDER BY a.trx LIMIT $3",
            &[&i64::from(lane.0), &after.get(), &i64::from(limit)],
        )
    }

    fn due_deliveries(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[MemberId],
    ) -> Result<Vec<Delivery>, StoreError> {
        let skip: Vec<i64> = skip.iter().map(|member| member.get()).collect();
        let held = self.held.ids();
        self.all(
            "SELECT * FROM delivery WHERE lane = ANY($1) AND state = 'due' AND next <= $2
             AND member <> ALL($3) ORDER BY next LIMIT $4",
            &[&held, &now.get(), &skip, &i64::from(limit)],
            codec::delivery,
        )
    }

    fn paper(&mut self, key: &PaperKey) -> Result<Option<Paper>, StoreError> {
        let found = self.all(
            "SELECT * FROM paper WHERE kind = $1 AND id = $2",
            &[&key.kind, &key.id],
            codec::paper,
        )?;
        Ok(found.into_iter().next())
    }

    fn papers(&mut self, filter: &PaperFilter) -> Result<Vec<Paper>, StoreError> {
        self.all(
            "SELECT * FROM paper WHERE kind = $1 AND ($2::text IS NULL OR tag = $2)
             AND ($3::text IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
            &[&filter.kind, &filter.tag, &filter.below, &i64::from(filter.limit.min(1_000))],
            codec::paper,
        )
    }

    fn each_paper(
        &mut self,
        visit: &mut dyn FnMut(Paper) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for paper in self.all("SELECT * FROM paper ORDER BY kind, id", &[], codec::paper)? {
            if visit(paper).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn transfers_after(
        &mut self,
        lane: Lane,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<ChainRow<Transfer>>, StoreError> {
        let rows = self.rows(
            "SELECT * FROM transfer WHERE lane = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            &[&i64::from(lane.0), &seq, &i64::from(limit)],
        )?;
        rows.iter()
            .map(|row| {
                let (seq, hash) = (row.get("seq"), hash(row, "hash")?);
                Ok(ChainRow { lane, seq, row: decode(row, codec::transfer)?, hash })
            })
            .collect()
    }

    fn knowns(&mut self, numbers: &[TrxNo]) -> Result<Vec<Known>, StoreError> {
        let numbers: Vec<i64> = numbers.iter().map(|no| no.get()).collect();
        let trxs = self.all(&crate::rows::by_no(), &[&numbers], codec::trx)?;
        let attempts = self.all(&crate::rows::attempts(), &[&numbers], codec::attempt)?;
        let mut found: BTreeMap<TrxNo, Known> =
            trxs.into_iter().map(|trx| (trx.no, Known { trx, attempts: Vec::new() })).collect();
        for attempt in attempts {
            if let Some(known) = found.get_mut(&attempt.id.trx) {
                known.attempts.push(attempt);
            }
        }
        Ok(found.into_values().collect())
    }

    fn journal_page(
        &mut self,
        filter: &JournalFilter,
    ) -> Result<Vec<ChainRow<JournalLine>>, StoreError> {
        // Lane after lane, each newest first: an order in time over all would sort everything.
        let mut found = Vec::new();
        let limit = usize::try_from(filter.limit.min(PAGE_MOST)).unwrap_or_default();
        let mut heads = self.heads()?;
        heads.sort_by_key(|heads| std::cmp::Reverse(heads.lane));
        let (channel, trx) = (filter.channel.map(store::Channel::word), filter.trx.map(TrxNo::get));
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        for heads in heads {
            let below = match filter.below {
                Some((lane, _)) if heads.lane > lane => continue,
                Some((lane, seq)) if heads.lane == lane => seq,
                Some(_) | None => heads.journal.seq.saturating_add(1),
            };
            let left = i64::try_from(limit.saturating_sub(found.len())).unwrap_or_default();
            if left == 0 {
                break;
            }
            let rows = self.rows(
                "SELECT * FROM journal WHERE lane = $1 AND seq < $2 AND seq > $3
                 AND ($4::text IS NULL OR channel = $4) AND ($5::bigint IS NULL OR trx = $5)
                 AND ($6::text IS NULL OR strpos(lower(request || ' ' || reply), $6) > 0)
                 ORDER BY seq DESC LIMIT $7",
                &[
                    &i64::from(heads.lane.0),
                    &below,
                    &below.saturating_sub(JOURNAL_LOOK_MOST),
                    &channel,
                    &trx,
                    &text,
                    &left,
                ],
            )?;
            for row in &rows {
                let (seq, hash) = (row.get("seq"), hash(row, "hash")?);
                let line = decode(row, codec::journal)?;
                found.push(ChainRow { lane: heads.lane, seq, row: line, hash });
            }
        }
        Ok(found)
    }

    fn counts(&mut self) -> Result<Counts, StoreError> {
        Ok(Counts {
            pending: self.number("SELECT count(*) FROM trx WHERE state = 'pending'")?,
            suspect: self.number("SELECT count(*) FROM trx WHERE suspect IS NOT NULL")?,
            callbacks_due: self.number("SELECT count(*) FROM delivery WHERE state = 'due'")?,
        })
    }

    fn each_transfer(
        &mut self,
        after: &Places,
        visit: &mut dyn FnMut(ChainRow<Transfer>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        walks::transfers(self, after, visit)
    }

    fn each_journal(
        &mut self,
        after: &Places,
        visit: &mut dyn FnMut(ChainRow<JournalLine>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        walks::lines(self, after, visit)
    }

    fn each_trx(
        &mut self,
        after: Option<TrxNo>,
        visit: &mut dyn FnMut(Trx) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql =
            format!("SELECT {} FROM trx t WHERE t.no > $1 ORDER BY t.no LIMIT $2", trx_columns());
        let mut after = after.map_or(i64::MIN, TrxNo::get);
        loop {
            let page = self.all(&sql, &[&after, &STRIDE], codec::trx)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.no.get();
            for trx in page {
                if visit(trx).is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn damage(&mut self, after: Option<TrxNo>) -> Result<Option<String>, StoreError> {
        damage::find(self, after)
    }

    fn heads(&mut self) -> Result<Vec<Heads>, StoreError> {
        let rows = self.rows(
            "SELECT id AS lane, ledger_seq, ledger_head, journal_seq, journal_head FROM lane
             ORDER BY id",
            &[],
        )?;
        rows.iter()
            .map(|row| {
                let head = |seq: &str, at: &str| -> Result<ChainHead, StoreError> {
                    Ok(ChainHead { seq: row.get(seq), hash: hash(row, at)? })
                };
                Ok(Heads {
                    lane: lane(row),
                    ledger: head("ledger_seq", "ledger_head")?,
                    journal: head("journal_seq", "journal_head")?,
                })
            })
            .collect()
    }

    fn hold(&mut self) -> Result<(), StoreError> {
        let begin = async |live: &mut Live| {
            live.client
                .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1")
                .await
        };
        let begun = match self.link.run(begin) {
            // Nothing was begun: the connection was dead before.
            Err(Lost::Gone(_)) => self.link.run(begin),
            begun @ (Ok(()) | Err(Lost::Refused(_))) => begun,
        };
        begun.map_err(|lost| lost.not_read(""))?;
        self.holds = true;
        Ok(())
    }

    fn release(&mut self) {
        self.holds = false;
        let ended = self.link.within(async |live| live.client.batch_execute("COMMIT").await);
        if ended.is_err() {
            self.link.drop_connection();
        }
    }

    fn backup(&mut self, _: &Path, _: Progress<'_>) -> Result<(), StoreError> {
        Err(StoreError::NotWritten(
            "PostgreSQL is backed up by its own tools (pg_dump, pg_basebackup, pgBackRest): \
             see docs/postgres.md"
                .to_owned(),
        ))
    }
}
