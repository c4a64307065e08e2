//! The one write connection: load a batch's facts, write its changes, commit once.

use crate::before;
use crate::evidence;
use crate::open::{hint, not_written};
use crate::papers;
use crate::proofs::Proofs;
use crate::rows::by;
use crate::young::{Refs, find};
use defects::{Defect, on};
use domain::{Attempt, Trx, TrxState};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use std::collections::HashMap;
use store::{
    Batch, CatalogChange, ChainHead, Change, Facts, Known, Store, StoreError, SupplierRecord,
    Wants, codec,
};
use types::{MemberId, RefId, TrxNo};

/// SQLite as a [`Store`].
pub struct SqliteStore {
    connection: Connection,
    ledger: ChainHead,
    journal: ChainHead,
    next_trx: i64,
    next_delivery: i64,
    refs: Refs,
    proofs: Proofs,
}

/// First number a trx gets: nine digits, as members of this trade are used to.
const FIRST_TRX: i64 = 100_000_001;

impl SqliteStore {
    pub(crate) fn new(
        connection: Connection,
        refs: Refs,
        proofs: Proofs,
    ) -> Result<Self, StoreError> {
        let head = |name: &str| -> Result<ChainHead, StoreError> {
            connection
                .query_row("SELECT seq, head FROM chain WHERE name = ?1", [name], |row| {
                    Ok(ChainHead { seq: row.get(0)?, hash: row.get(1)? })
                })
                .map_err(not_written)
        };
        let most = |sql: &str| -> Result<Option<i64>, StoreError> {
            connection.query_row(sql, [], |row| row.get(0)).map_err(not_written)
        };
        let (ledger, journal) = (head("ledger")?, head("journal")?);
        let next_trx = most("SELECT max(no) FROM trx")?
            .map_or(FIRST_TRX, |no| no + 1)
            .max(most("SELECT max(trx_from) FROM epoch")?.unwrap_or_default());
        let next_delivery = (most("SELECT max(id) FROM delivery")?.unwrap_or(0) + 1)
            .max(most("SELECT max(delivery_from) FROM epoch")?.unwrap_or_default());
        Ok(Self { connection, ledger, journal, next_trx, next_delivery, refs, proofs })
    }

    /// Purchases are numbered from here on, unless they are beyond it already.
    pub fn number_from(&mut self, first: i64) {
        self.next_trx = self.next_trx.max(first);
    }

    pub(crate) fn cached(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }

    fn load_facts(&self, wants: &Wants) -> rusqlite::Result<Facts> {
        let mut facts = Facts {
            next_trx: self.next_trx,
            next_delivery: self.next_delivery,
            ..Facts::default()
        };
        for (member, ref_id) in &wants.refs {
            if let Some(trx) = self.trx_by_ref(*member, ref_id)? {
                facts.refs.insert((*member, ref_id.clone()), trx.no);
                self.keep(trx, &mut facts)?;
            }
        }
        for no in &wants.trxs {
            let sql = format!("SELECT {} FROM trx WHERE no = ?1", codec::TRX);
            let found = self.cached(&sql)?.query_row([no.get()], by(codec::trx)).optional()?;
            if let Some(trx) = found {
                self.load_account(trx.member, &mut facts)?;
                for share in &trx.shares.0 {
                    self.load_account(share.member, &mut facts)?;
                }
                self.keep(trx, &mut facts)?;
            }
        }
        for member in &wants.members {
            self.load_account(*member, &mut facts)?;
        }
        for key in &wants.same_day {
            let guard = codec::guard(&key.product, &key.dest, key.day);
            let count: u16 = self
                .cached(
                    "SELECT count(*) FROM trx
                     WHERE member = ?1 AND guard = ?2 AND state IN ('pending', 'success')",
                )?
                .query_row(params![key.member.get(), guard], |row| row.get(0))?;
            facts.same_day.insert(key.clone(), count);
        }
        for id in &wants.deliveries {
            let found = self
                .cached("SELECT * FROM delivery WHERE id = ?1")?
                .query_row([id.get()], by(codec::delivery))
                .optional()?;
            if let Some(delivery) = found {
                facts.deliveries.insert(*id, delivery);
            }
        }
        for key in &wants.papers {
            if let Some(paper) = papers::find(&self.connection, key)? {
                facts.papers.insert(key.clone(), paper);
            }
        }
        for key in &wants.proofs {
            if let Some(trx) = self.proofs.find(&self.connection, key)? {
                facts.proofs.insert(key.clone(), trx);
            }
        }
        for key in &wants.catalog {
            if let Some(row) = before::find(&self.connection, key)? {
                facts.catalog.insert(key.clone(), row);
            }
        }
        evidence::load(&self.connection, wants, &mut facts)?;
        Ok(facts)
    }

    fn trx_by_ref(&self, member: MemberId, ref_id: &RefId) -> rusqlite::Result<Option<Trx>> {
        let known = match self.refs.young.get(member, ref_id) {
            Some(no) => Some(no),
            None => find(&self.connection, member, ref_id)?,
        };
        let Some(no) = known else { return Ok(None) };
        let sql = format!("SELECT {} FROM trx WHERE no = ?1", codec::TRX);
        self.cached(&sql)?.query_row([no.get()], by(codec::trx)).optional()
    }

    fn keep(&self, trx: Trx, facts: &mut Facts) -> rusqlite::Result<()> {
        let attempts = self.attempts(trx.no)?;
        facts.trxs.insert(trx.no, Known { trx, attempts });
        Ok(())
    }

    fn attempts(&self, no: TrxNo) -> rusqlite::Result<Vec<Attempt>> {
        let sql = format!("SELECT {} FROM attempt a WHERE trx = ?1 ORDER BY n", codec::ATTEMPT);
        self.cached(&sql)?.query_map([no.get()], by(codec::attempt))?.collect()
    }

    fn load_account(&self, member: MemberId, facts: &mut Facts) -> rusqlite::Result<()> {
        if facts.accounts.contains_key(&member) {
            return Ok(());
        }
        let account = self
            .cached("SELECT balance, day, day_total FROM account WHERE member = ?1")?
            .query_row([member.get()], by(codec::account))
            .optional()?;
        if let Some(account) = account {
            facts.accounts.insert(member, account);
        }
        Ok(())
    }

    /// Writes everything but the COMMIT.
    fn write(&mut self, batch: &Batch, heads: &mut Heads) -> Result<(), StoreError> {
        let mut accounts = HashMap::new();
        for change in &batch.changes {
            match change {
                Change::InsertTrx { trx, guarded } => {
                    heads.next_trx = heads.next_trx.max(trx.no.get() + 1);
                    self.insert_trx(trx, *guarded).map_err(not_written)?;
                }
                Change::FlipTrx { no, from, state } => self.flip(*no, from, state)?,
                Change::Suspect { no, why } => {
                    self.cached("UPDATE trx SET suspect = ?2 WHERE no = ?1")
                        .and_then(|mut sql| sql.execute(params![no.get(), why]))
                        .map_err(not_written)?;
                }
                Change::InsertAttempt(attempt) => {
                    self.insert_attempt(attempt).map_err(not_written)?;
                }
                Change::UpdateAttempt(attempt) => {
                    self.update_attempt(attempt).map_err(not_written)?;
                }
                Change::Proof { key, trx } => {
                    self.proofs.put(&self.connection, key, *trx).map_err(not_written)?;
                }
                Change::Turn { turn, count } => {
                    evidence::put_turn(&self.connection, turn, *count).map_err(not_written)?;
                }
                Change::Transfer(transfer) => {
                    self.insert_transfer(transfer, heads).map_err(not_written)?;
                }
                Change::Account { member, account } => {
                    accounts.insert(*member, account);
                }
                Change::InsertDelivery(delivery) => {
                    heads.next_delivery = heads.next_delivery.max(delivery.id.get() + 1);
                    self.put_delivery(delivery).map_err(not_written)?;
                }
                Change::UpdateDelivery(delivery) => {
                    self.put_delivery(delivery).map_err(not_written)?;
                }
                Change::Journal(line) => {
                    self.insert_journal(line, heads).map_err(not_written)?;
                }
                Change::Catalog(change) => {
                    if let CatalogChange::Epoch(epoch) = &**change {
                        heads.next_trx = heads.next_trx.max(epoch.trx_from.get());
                        heads.next_delivery = heads.next_delivery.max(epoch.delivery_from.get());
                    }
                    self.catalog(change).map_err(not_written)?;
                }
                Change::PutPaper(paper) => papers::put(&self.connection, paper)?,
                Change::DropPaper { key, version } => {
                    papers::drop(&self.connection, key, *version)?;
                }
            }
        }
        // A busy member has many movements in a batch; its row is written once.
        for (member, account) in accounts.into_iter().filter(|_| !on(Defect::SqliteForgetsAccount))
        {
            self.cached(
                "UPDATE account SET balance = ?2, day = ?3, day_total = ?4 WHERE member = ?1",
            )
            .and_then(|mut sql| {
                sql.execute(params![
                    member.get(),
                    account.balance.get(),
                    account.day.get(),
                    account.day_total.get()
                ])
            })
            .map_err(not_written)?;
        }
        for (name, old, new) in
            [("ledger", self.ledger, heads.ledger), ("journal", self.journal, heads.journal)]
        {
            if old != new && !(name == "ledger" && on(Defect::SqliteForgetsHead)) {
                self.cached("UPDATE chain SET seq = ?2, head = ?3 WHERE name = ?1")
                    .and_then(|mut sql| sql.execute(params![name, new.seq, new.hash]))
                    .map_err(not_written)?;
            }
        }
        Ok(())
    }

    fn insert_trx(&self, trx: &Trx, guarded: bool) -> rusqlite::Result<()> {
        let columns = codec::state_columns(&trx.state);
        let guard = (guarded && trx.state == TrxState::Pending)
            .then(|| codec::guard(&trx.product, &trx.dest, trx.day));
        self.cached(
            "INSERT INTO trx (no, member, ref, product, name, dest, qty, price, before, created, \
             day, attempt, state, sn, reason, refusal, cost, final_at, final_balance, suspect, guard, \
             shares, given) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,\
             ?19,?20,?21,?22,?23)",
        )?
        .execute(params![
            trx.no.get(),
            trx.member.get(),
            trx.ref_id.as_str(),
            trx.product.as_str(),
            trx.name.as_str(),
            trx.dest.as_str(),
            trx.qty.map(types::Qty::get),
            trx.price.get(),
            trx.before.get(),
            trx.created.get(),
            trx.day.get(),
            trx.attempt,
            trx.state.word(),
            columns.sn,
            columns.reason,
            columns.refusal,
            columns.cost,
            columns.at,
            columns.balance,
            trx.suspect,
            guard,
            trx.shares.to_string(),
            trx.given.as_ref().map(ToString::to_string),
        ])?;
        Ok(())
    }

    /// The conditional flip: exactly one row must still be in the state it was decided from.
    fn flip(&self, no: TrxNo, from: &str, state: &TrxState) -> Result<(), StoreError> {
        let columns = codec::state_columns(state);
        let changed = self
            .cached(
                "UPDATE trx SET state = ?3, sn = ?4, reason = ?5, cost = ?6, final_at = ?7, \
                 final_balance = ?8 WHERE no = ?1 AND state = ?2",
            )
            .and_then(|mut sql| {
                sql.execute(params![
                    no.get(),
                    from,
                    state.word(),
                    columns.sn,
                    columns.reason,
                    columns.cost,
                    columns.at,
                    columns.balance.filter(|_| !on(Defect::SqliteHalfFlip)),
                ])
            })
            .map_err(not_written)?;
        if changed == 1 {
            Ok(())
        } else {
            Err(StoreError::Broken(format!("trx {no} is no longer {from}; the batch is dropped")))
        }
    }

    fn insert_attempt(&self, attempt: &Attempt) -> rusqlite::Result<()> {
        let (state, detail) = codec::attempt_state(&attempt.state);
        self.cached(
            "INSERT INTO attempt (trx, n, supplier, sku, cost, state, detail, created, sent, next, \
             checks, counter, why) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
        )?
        .execute(params![
            attempt.id.trx.get(),
            attempt.id.n,
            attempt.supplier.as_str(),
            attempt.sku.as_str(),
            attempt.cost.get(),
            state,
            detail,
            attempt.created.get(),
            attempt.sent.map(types::UtcMillis::get),
            attempt.next.map(types::UtcMillis::get),
            attempt.checks,
            attempt.counter,
            attempt.why,
        ])?;
        if attempt.id.n > 1 {
            self.cached("UPDATE trx SET attempt = ?2 WHERE no = ?1")?
                .execute(params![attempt.id.trx.get(), attempt.id.n])?;
        }
        Ok(())
    }

    fn update_attempt(&self, attempt: &Attempt) -> rusqlite::Result<()> {
        let (state, detail) = codec::attempt_state(&attempt.state);
        self.cached(
            "UPDATE attempt SET cost = ?3, state = ?4, detail = ?5, sent = ?6, next = ?7, \
             checks = ?8 WHERE trx = ?1 AND n = ?2",
        )?
        .execute(params![
            attempt.id.trx.get(),
            attempt.id.n,
            attempt.cost.get(),
            state,
            detail,
            attempt.sent.map(types::UtcMillis::get),
            attempt.next.map(types::UtcMillis::get).filter(|_| !on(Defect::SqliteForgetsDue)),
            attempt.checks,
        ])?;
        Ok(())
    }

    fn catalog(&self, change: &CatalogChange) -> rusqlite::Result<()> {
        match change {
            CatalogChange::Member(record) => self.put_member(record),
            CatalogChange::Level(level) => self
                .cached(
                    "INSERT INTO level (code, name, list_id) VALUES (?1,?2,?3) ON CONFLICT (code) \
                     DO UPDATE SET name = excluded.name, list_id = excluded.list_id",
                )?
                .execute(params![level.code.as_str(), level.name, level.list_id]),
            CatalogChange::Product(product) => {
                let (min, max) = match product.denomination {
                    domain::Denomination::Fixed => (None, None),
                    domain::Denomination::Open { min, max } => (Some(min.get()), Some(max.get())),
                };
                self.cached(
                    "INSERT OR REPLACE INTO product (code, name, grp, category, qty_min, qty_max, \
                     dest_rule, open, cut_off, strategy) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
                )?
                .execute(params![
                    product.code.as_str(),
                    product.name.as_str(),
                    product.group,
                    product.category,
                    min,
                    max,
                    product.dest_rule.to_string(),
                    product.open,
                    product.cut_off.map(|window| window.to_string()),
                    product.strategy.word(),
                ])
            }
            CatalogChange::Price { level, product, price } => self
                .cached(
                    "INSERT OR REPLACE INTO price (level, product, amount, basis_points) \
                     VALUES (?1,?2,?3,?4)",
                )?
                .execute(params![
                    level.as_str(),
                    product.as_str(),
                    price.amount.get(),
                    price.basis_points
                ]),
            CatalogChange::Supplier(record) => self.put_supplier(record),
            CatalogChange::Route(route) => self
                .cached(
                    "INSERT OR REPLACE INTO route (product, supplier, sku, cost, priority, \
                     enabled, allow_loss, weight, cost_most, hours, prefixes, stocked, daily_most) \
                     VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
                )?
                .execute(params![
                    route.product.as_str(),
                    route.supplier.as_str(),
                    route.sku.as_str(),
                    route.cost.get(),
                    route.priority,
                    route.enabled,
                    route.allow_loss,
                    route.weight,
                    route.cost_most.map(types::Rupiah::get),
                    route.hours.map(|hours| hours.to_string()),
                    route.prefixes.join(" "),
                    route.stocked,
                    route.daily_most,
                ]),
            CatalogChange::Epoch(epoch) => self
                .cached(
                    "INSERT OR REPLACE INTO epoch (number, at, trx_from, delivery_from, tag, open) \
                     VALUES (?1,?2,?3,?4,?5,?6)",
                )?
                .execute(params![
                    epoch.number,
                    epoch.at.get(),
                    epoch.trx_from.get(),
                    epoch.delivery_from.get(),
                    epoch.tag,
                    epoch.open,
                ]),
            CatalogChange::RemoveRoute { product, supplier } => self
                .cached("DELETE FROM route WHERE product = ?1 AND supplier = ?2")?
                .execute(params![product.as_str(), supplier.as_str()]),
        }
        .map(|_| ())
    }

    fn put_supplier(&self, record: &SupplierRecord) -> rusqlite::Result<usize> {
        let supplier = &record.supplier;
        self.cached(
            "INSERT OR REPLACE INTO supplier (code, name, connector, paused, check_after_ms, \
             suspect_after_ms, trusted_reversal, settings, counts) \
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
        )?
        .execute(params![
            supplier.code.as_str(),
            supplier.name,
            supplier.connector,
            supplier.paused,
            supplier.check_after_ms,
            supplier.suspect_after_ms,
            supplier.trusted_reversal,
            record.settings.as_ref().map(|sealed| &sealed.0),
            supplier.counts,
        ])
    }

    /// References of the batch's purchases, each taken once.
    fn take_refs(&mut self, batch: &Batch) -> Result<(), StoreError> {
        for change in &batch.changes {
            if let Change::InsertTrx { trx, .. } = change {
                self.refs.take(trx.member, &trx.ref_id, trx.no)?;
            }
        }
        Ok(())
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            // A failed rollback leaves the transaction open; the next BEGIN then says so.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// What changes with a commit and is taken over only after it.
pub(crate) struct Heads {
    pub(crate) ledger: ChainHead,
    pub(crate) journal: ChainHead,
    next_trx: i64,
    next_delivery: i64,
}

impl Store for SqliteStore {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        self.cached("BEGIN IMMEDIATE").and_then(|mut sql| sql.execute([])).map_err(not_written)?;
        self.load_facts(wants).map_err(|error| {
            self.roll_back();
            not_written(error)
        })
    }

    fn commit(&mut self, mut batch: Batch) -> Result<(), StoreError> {
        batch.clean();
        let mut heads = Heads {
            ledger: self.ledger,
            journal: self.journal,
            next_trx: self.next_trx,
            next_delivery: self.next_delivery,
        };
        let written = self
            .write(&batch, &mut heads)
            .and_then(|()| self.take_refs(&batch))
            .and_then(|()| self.refs.sort_a_piece(&self.connection))
            .and_then(|()| self.proofs.sort_a_piece(&self.connection));
        if let Err(error) = written {
            self.roll_back();
            self.refs.rolled_back();
            self.proofs.rolled_back();
            return Err(error);
        }
        let committed = self.cached("COMMIT").and_then(|mut sql| sql.execute([]));
        if let Err(error) = committed {
            return Err(StoreError::Unknown(hint(&error)));
        }
        self.ledger = heads.ledger;
        self.journal = heads.journal;
        self.next_trx = heads.next_trx;
        self.next_delivery = heads.next_delivery;
        self.refs.committed();
        self.proofs.committed();
        Ok(())
    }

    fn abandon(&mut self) {
        self.roll_back();
    }
}
