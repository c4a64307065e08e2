//! Questions to the figures. Every one is bounded.

use crate::Dimension;
use crate::file::{Reports, ReportsError};
use crate::speed::{BUCKETS, percentile};
use rusqlite::types::Value;
use rusqlite::{Row, ToSql, params, params_from_iter};
use std::collections::BTreeMap;
use types::{MemberId, Rupiah, TrxNo, UtcMillis};

/// Longest page anyone gets.
const PAGE_MOST: u32 = 1_000;

/// Which sales to find, newest first.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct SaleFilter {
    pub member: Option<MemberId>,
    pub product: Option<String>,
    pub supplier: Option<String>,
    pub dest: Option<String>,
    pub sn: Option<String>,
    pub ref_id: Option<String>,
    pub state: Option<String>,
    /// Days, `yyyymmdd`, both included.
    pub from: Option<i32>,
    pub until: Option<i32>,
    pub below: Option<TrxNo>,
    pub limit: u32,
}

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Entry {
    pub at: UtcMillis,
    pub lane: i64,
    pub seq: i64,
    pub kind: String,
    /// Positive: to the account.
    pub amount: Rupiah,
    pub balance: Option<Rupiah>,
    pub trx: Option<TrxNo>,
    pub other: String,
    pub note: String,
}

/// Figures of some purchases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tally {
    pub asked: i64,
    pub ok: i64,
    pub failed: i64,
    pub reversed: i64,
    pub sales: i64,
    pub cost: i64,
    /// Half of the decided ones took at most this long, in ms.
    pub median_ms: Option<i64>,
    pub p95_ms: Option<i64>,
}

impl Tally {
    /// Counts another one in; speeds are not sums.
    pub const fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.ok += other.ok;
        self.failed += other.failed;
        self.reversed += other.reversed;
        self.sales += other.sales;
        self.cost += other.cost;
    }

    /// What is left of the sales.
    #[must_use]
    pub const fn margin(&self) -> i64 {
        self.sales.saturating_sub(self.cost)
    }

    /// Successes among the decided ones, in tenths of a percent; `None` before any.
    #[must_use]
    pub fn success_permille(&self) -> Option<i64> {
        let good = self.ok.saturating_sub(self.reversed);
        let all = self.ok.saturating_add(self.failed);
        (all > 0).then(|| good.saturating_mul(1_000) / all)
    }
}

/// A day's figures.
pub type DayFigures = (i32, Tally);

/// What moved in an account until a day, and on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Closing {
    pub account: String,
    /// Before the day.
    pub before: i64,
    pub came: i64,
    pub went: i64,
}

fn tally(row: &Row<'_>, first: usize) -> rusqlite::Result<Tally> {
    Ok(Tally {
        asked: row.get(first)?,
        ok: row.get(first + 1)?,
        failed: row.get(first + 2)?,
        reversed: row.get(first + 3)?,
        sales: row.get(first + 4)?,
        cost: row.get(first + 5)?,
        median_ms: None,
        p95_ms: None,
    })
}

const SUMS: &str = "sum(asked), sum(ok), sum(failed), sum(reversed), sum(sales), sum(cost)";

impl Reports {
    /// Numbers of the sales that fit, newest first.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn sales(&self, filter: &SaleFilter) -> Result<Vec<TrxNo>, ReportsError> {
        let mut wheres = vec!["1".to_owned()];
        let mut values: Vec<Value> = Vec::new();
        let mut put = |sql: &str, value: Value| {
            values.push(value);
            wheres.push(sql.replace('?', &format!("?{}", values.len())));
        };
        let texts = [
            ("product = ?", &filter.product),
            ("supplier = ?", &filter.supplier),
            ("dest = ?", &filter.dest),
            // Without the first half the index of delivered ones is not used.
            ("sn <> '' AND sn = ?", &filter.sn),
            ("ref = ?", &filter.ref_id),
            ("state = ?", &filter.state),
        ];
        for (sql, value) in texts {
            if let Some(text) = value {
                put(sql, Value::Text(text.clone()));
            }
        }
        if let Some(member) = filter.member {
            put("member = ?", Value::Integer(member.get()));
        }
        if let Some(from) = filter.from {
            put("day >= ?", Value::Integer(i64::from(from)));
        }
        if let Some(until) = filter.until {
            put("day <= ?", Value::Integer(i64::from(until)));
        }
        if let Some(below) = filter.below {
            put("no < ?", Value::Integer(below.get()));
        }
        let sql = format!(
            "SELECT no FROM sale WHERE {} ORDER BY no DESC LIMIT {}",
            wheres.join(" AND "),
            filter.limit.min(PAGE_MOST)
        );
        self.read(|connection| {
            let mut found = connection.prepare_cached(&sql)?;
            let rows =
                found.query_map(params_from_iter(values), |row| Ok(TrxNo::new(row.get(0)?)))?;
            rows.collect()
        })
    }

    /// A page of a statement, newest first; `below` is the place of the last line of the page
    /// before.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn entries(
        &self,
        account: &str,
        below: Option<(i64, i64, i64)>,
        limit: u32,
    ) -> Result<Vec<Entry>, ReportsError> {
        let (at, lane, seq) = below.unwrap_or((i64::MAX, 0, 0));
        self.page(
            "SELECT at, lane, seq, kind, amount, balance, trx, other, note FROM entry \
             WHERE account = ?1 AND (at, lane, seq) < (?2, ?3, ?4) \
             ORDER BY at DESC, lane DESC, seq DESC LIMIT ?5",
            params![account, at, lane, seq, limit.min(PAGE_MOST)],
        )
    }

    /// A piece of a statement, oldest first, behind the place of the last line of the piece before.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn entries_behind(
        &self,
        account: &str,
        (at, lane, seq): (i64, i64, i64),
        limit: u32,
    ) -> Result<Vec<Entry>, ReportsError> {
        self.page(
            "SELECT at, lane, seq, kind, amount, balance, trx, other, note FROM entry \
             WHERE account = ?1 AND (at, lane, seq) > (?2, ?3, ?4) \
             ORDER BY at, lane, seq LIMIT ?5",
            params![account, at, lane, seq, limit.min(PAGE_MOST)],
        )
    }

    fn page(&self, sql: &str, wanted: &[&dyn ToSql]) -> Result<Vec<Entry>, ReportsError> {
        self.read(|connection| {
            let mut found = connection.prepare_cached(sql)?;
            let rows = found.query_map(wanted, |row| {
                Ok(Entry {
                    at: UtcMillis::new(row.get(0)?),
                    lane: row.get(1)?,
                    seq: row.get(2)?,
                    kind: row.get(3)?,
                    amount: Rupiah::new(row.get(4)?),
                    balance: row.get::<_, Option<i64>>(5)?.map(Rupiah::new),
                    trx: row.get::<_, Option<i64>>(6)?.map(TrxNo::new),
                    other: row.get(7)?,
                    note: row.get(8)?,
                })
            })?;
            rows.collect()
        })
    }

    /// What an account earned of downlines since a moment, less what it gave back.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn earned(&self, account: &str, since: UtcMillis) -> Result<Rupiah, ReportsError> {
        self.read(|connection| {
            let mut found = connection.prepare_cached(
                "SELECT coalesce(sum(amount), 0) FROM entry WHERE account = ?1 AND at >= ?2 \
                 AND kind IN ('commission', 'commission_reversal')",
            )?;
            found.query_row(params![account, since.get()], |row| row.get(0)).map(Rupiah::new)
        })
    }

    /// Figures by key over some days, with their speeds.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn by_key(
        &self,
        dimension: Dimension,
        from: i32,
        until: i32,
    ) -> Result<BTreeMap<String, Tally>, ReportsError> {
        self.read(|connection| {
            let mut found = connection.prepare_cached(&format!(
                "SELECT key, {SUMS} FROM tally WHERE dim = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY key"
            ))?;
            let span = params![dimension.word(), from, until];
            let rows = found.query_map(span, |row| Ok((row.get(0)?, tally(row, 1)?)))?;
            let mut all: BTreeMap<String, Tally> = rows.collect::<rusqlite::Result<_>>()?;
            let mut found = connection.prepare_cached(
                "SELECT key, bucket, sum(count) FROM speed \
                 WHERE dim = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY key, bucket",
            )?;
            let mut counts: BTreeMap<String, [i64; BUCKETS]> = BTreeMap::new();
            let mut rows = found.query(span)?;
            while let Some(row) = rows.next()? {
                let bucket = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(BUCKETS);
                let counts = counts.entry(row.get(0)?).or_insert([0; BUCKETS]);
                if let Some(count) = counts.get_mut(bucket) {
                    *count = row.get(2)?;
                }
            }
            for (key, counts) in counts {
                if let Some(tally) = all.get_mut(&key) {
                    tally.median_ms = percentile(&counts, 50);
                    tally.p95_ms = percentile(&counts, 95);
                }
            }
            Ok(all)
        })
    }

    /// Figures by day, of everything or of one key; days without any are left out.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn by_day(
        &self,
        from: i32,
        until: i32,
        of: Option<(Dimension, &str)>,
    ) -> Result<Vec<DayFigures>, ReportsError> {
        let (dimension, key) = of.map_or((Dimension::Hour, None), |(dim, key)| (dim, Some(key)));
        self.read(|connection| {
            let mut found = connection.prepare_cached(&format!(
                "SELECT day, {SUMS} FROM tally WHERE dim = ?1 AND day BETWEEN ?2 AND ?3 \
                 AND (?4 IS NULL OR key = ?4) GROUP BY day ORDER BY day"
            ))?;
            let rows = found.query_map(params![dimension.word(), from, until, key], |row| {
                Ok((row.get(0)?, tally(row, 1)?))
            })?;
            rows.collect()
        })
    }

    /// Every account with what it held before a day and what moved on it: the trial balance of
    /// that day's end.
    ///
    /// # Errors
    /// [`ReportsError`].
    pub fn closing(&self, day: i32) -> Result<Vec<Closing>, ReportsError> {
        self.read(|connection| {
            let mut found = connection.prepare_cached(
                "SELECT account, sum(CASE WHEN day < ?1 THEN came - went ELSE 0 END), \
                 sum(CASE WHEN day = ?1 THEN came ELSE 0 END), \
                 sum(CASE WHEN day = ?1 THEN went ELSE 0 END) \
                 FROM flow WHERE day <= ?1 GROUP BY account ORDER BY account",
            )?;
            let rows = found.query_map([day], |row| {
                Ok(Closing {
                    account: row.get(0)?,
                    before: row.get(1)?,
                    came: row.get(2)?,
                    went: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }
}
