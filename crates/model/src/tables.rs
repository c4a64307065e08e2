//! The tables and the two things that are done with them: facts out, batches in.

use domain::{
    Account, Attempt, AttemptState, Epoch, Price, Product, RouteRow, Transfer, Trx, TrxState,
};
use std::collections::{BTreeMap, BTreeSet};
use store::{
    Batch, CatalogChange, CatalogKey, ChainHead, ChainRow, Change, Delivery, Facts, Heads,
    JournalLine, Known, Lane, Level, MemberRecord, Paper, PaperKey, ProofKey, SameDay, StoreError,
    SupplierRecord, Turn, Wants, is_rival, journal_hash, transfer_hash,
};
use types::{AttemptId, DeliveryId, LevelCode, MemberId, ProductCode, RefId, SupplierCode, TrxNo};

/// First number a trx gets.
const FIRST_TRX: i64 = 100_000_001;

/// A trx, and what the same-day guard counts it under.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct TrxRow {
    pub trx: Trx,
    pub guard: Option<SameDay>,
}

/// All rows. Public, so that a simulation can look at everything at once.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Tables {
    pub trxs: BTreeMap<TrxNo, TrxRow>,
    pub refs: BTreeMap<(MemberId, RefId), TrxNo>,
    pub attempts: BTreeMap<AttemptId, Attempt>,
    pub accounts: BTreeMap<MemberId, Account>,
    pub transfers: Vec<ChainRow<Transfer>>,
    pub journal: Vec<ChainRow<JournalLine>>,
    pub deliveries: BTreeMap<DeliveryId, Delivery>,
    pub members: BTreeMap<MemberId, MemberRecord>,
    pub levels: BTreeMap<LevelCode, Level>,
    pub products: BTreeMap<ProductCode, Product>,
    pub prices: BTreeMap<(LevelCode, ProductCode), Price>,
    pub suppliers: BTreeMap<SupplierCode, SupplierRecord>,
    pub routes: BTreeMap<(ProductCode, SupplierCode), RouteRow>,
    /// Whose work an attempt is: that of the lane that wrote it.
    pub attempt_lanes: BTreeMap<AttemptId, Lane>,
    pub delivery_lanes: BTreeMap<DeliveryId, Lane>,
    /// How often a lane was taken.
    pub epochs: BTreeMap<Lane, u64>,
    pub papers: BTreeMap<PaperKey, Paper>,
    pub proofs: BTreeMap<ProofKey, TrxNo>,
    pub turns: BTreeMap<Turn, u16>,
    /// Restores, by number.
    pub restores: BTreeMap<u32, Epoch>,
}

fn head<T>(rows: &[ChainRow<T>], lane: Lane) -> ChainHead {
    let last = rows.iter().rev().find(|row| row.lane == lane);
    last.map_or_else(ChainHead::default, |row| ChainHead { seq: row.seq, hash: row.hash })
}

impl Tables {
    /// A trx with its attempts.
    #[must_use]
    pub fn known(&self, no: TrxNo) -> Option<Known> {
        let row = self.trxs.get(&no)?;
        let all = AttemptId { trx: no, n: 0 }..=AttemptId { trx: no, n: u16::MAX };
        let attempts = self.attempts.range(all).map(|(_, attempt)| attempt.clone()).collect();
        Some(Known { trx: row.trx.clone(), attempts })
    }

    /// The heads of ledger and journal.
    #[must_use]
    pub fn heads(&self, lane: Lane) -> Heads {
        Heads { lane, ledger: head(&self.transfers, lane), journal: head(&self.journal, lane) }
    }

    /// All lanes that were ever taken, or the only one.
    pub(crate) fn lanes(&self) -> Vec<Lane> {
        if self.epochs.is_empty() {
            return vec![Lane::default()];
        }
        self.epochs.keys().copied().collect()
    }

    pub(crate) fn epoch(&self, lane: Lane) -> u64 {
        self.epochs.get(&lane).copied().unwrap_or_default()
    }

    pub(crate) fn take(&mut self, lane: Lane) -> u64 {
        let epoch = self.epochs.entry(lane).or_default();
        *epoch += 1;
        *epoch
    }

    pub(crate) fn facts(&self, wants: &Wants) -> Facts {
        let last = self.trxs.keys().next_back().map_or(FIRST_TRX - 1, |no| no.get());
        let last_delivery = self.deliveries.keys().next_back().map_or(0, |id| id.get());
        let jumps = self.restores.values();
        let from = jumps.map(|epoch| (epoch.trx_from.get(), epoch.delivery_from.get()));
        let (trx_from, delivery_from) = from.max().unwrap_or_default();
        let mut facts = Facts {
            next_trx: trx_from.max(last + 1),
            next_delivery: delivery_from.max(last_delivery + 1),
            ..Facts::default()
        };
        let mut members: BTreeSet<MemberId> = wants.members.clone();
        let mut trxs = wants.trxs.clone();
        for key in &wants.refs {
            if let Some(no) = self.refs.get(key) {
                facts.refs.insert(key.clone(), *no);
                trxs.insert(*no);
            }
        }
        for no in trxs {
            if let Some(known) = self.known(no) {
                members.insert(known.trx.member);
                members.extend(known.trx.shares.0.iter().map(|share| share.member));
                facts.trxs.insert(no, known);
            }
        }
        for member in members {
            if let Some(account) = self.accounts.get(&member) {
                facts.accounts.insert(member, account.clone());
            }
        }
        for key in &wants.same_day {
            let counts = |row: &&TrxRow| {
                let lives = matches!(row.trx.state, TrxState::Pending | TrxState::Success { .. });
                lives && row.guard.as_ref() == Some(key)
            };
            let count = self.trxs.values().filter(counts).count();
            facts.same_day.insert(key.clone(), u16::try_from(count).unwrap_or(u16::MAX));
        }
        for id in &wants.deliveries {
            if let Some(delivery) = self.deliveries.get(id) {
                facts.deliveries.insert(*id, delivery.clone());
            }
        }
        for key in &wants.papers {
            if let Some(paper) = self.papers.get(key) {
                facts.papers.insert(key.clone(), paper.clone());
            }
        }
        for key in &wants.catalog {
            if let Some(row) = self.row(key) {
                facts.catalog.insert(key.clone(), row);
            }
        }
        self.evidence(wants, &mut facts);
        facts
    }

    /// A row of the catalog as it stands.
    fn row(&self, key: &CatalogKey) -> Option<CatalogChange> {
        Some(match key {
            CatalogKey::Member(id) => CatalogChange::Member(self.members.get(id)?.clone()),
            CatalogKey::Level(code) => CatalogChange::Level(self.levels.get(code)?.clone()),
            CatalogKey::Product(code) => CatalogChange::Product(self.products.get(code)?.clone()),
            CatalogKey::Price(level, product) => {
                let price = *self.prices.get(&(level.clone(), product.clone()))?;
                CatalogChange::Price { level: level.clone(), product: product.clone(), price }
            }
            CatalogKey::Supplier(code) => {
                CatalogChange::Supplier(self.suppliers.get(code)?.clone())
            }
            CatalogKey::Route(product, supplier) => {
                let route = self.routes.get(&(product.clone(), supplier.clone()))?;
                CatalogChange::Route(route.clone())
            }
            CatalogKey::Epoch(number) => CatalogChange::Epoch(self.restores.get(number)?.clone()),
        })
    }

    fn evidence(&self, wants: &Wants, facts: &mut Facts) {
        for key in &wants.proofs {
            if let Some(trx) = self.proofs.get(key) {
                facts.proofs.insert(key.clone(), *trx);
            }
        }
        let sent =
            |attempt: &&Attempt| attempt.state.is_open() && attempt.state != AttemptState::Intended;
        for place in &wants.places {
            let same = |attempt: &&Attempt| {
                let trx = self.trxs.get(&attempt.id.trx).map(|row| &row.trx);
                let lately = trx.is_some_and(|trx| trx.created >= wants.places_since);
                attempt.supplier == place.supplier
                    && attempt.sku == place.sku
                    && trx.is_some_and(|trx| trx.dest == place.dest)
                    && (lately || sent(attempt))
                    && is_rival(attempt, &place.dest)
            };
            let found = self.attempts.values().filter(same).take(8);
            facts.places.insert(place.clone(), found.map(|attempt| attempt.id).collect());
        }
        for turn in &wants.turns {
            if let Some(count) = self.turns.get(turn) {
                facts.turns.insert(turn.clone(), *count);
            }
        }
        for supplier in &wants.open_at {
            let there = |attempt: &&Attempt| attempt.supplier == *supplier;
            let count = self.attempts.values().filter(sent).filter(there).count();
            facts.open_at.insert(supplier.clone(), i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Everything a real store would refuse, before anything is written.
    fn check(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut states: BTreeMap<TrxNo, &str> = BTreeMap::new();
        let mut refs = BTreeSet::new();
        let mut versions: BTreeMap<PaperKey, i64> = BTreeMap::new();
        let broken = |why: String| Err(StoreError::Broken(why));
        for change in &batch.changes {
            match change {
                Change::InsertTrx { trx, .. } => {
                    let key = (trx.member, trx.ref_id.clone());
                    if self.trxs.contains_key(&trx.no) || states.contains_key(&trx.no) {
                        return broken(format!("trx {} exists", trx.no));
                    }
                    if self.refs.contains_key(&key) || !refs.insert(key) {
                        return broken(format!("refID {} of {} exists", trx.ref_id, trx.member));
                    }
                    states.insert(trx.no, trx.state.word());
                }
                Change::FlipTrx { no, from, state } => {
                    let own = self.trxs.get(no).map(|row| row.trx.state.word());
                    let now = states.get(no).copied().or(own);
                    if now != Some(*from) {
                        return broken(format!("trx {no} is no longer {from}"));
                    }
                    states.insert(*no, state.word());
                }
                Change::InsertAttempt(attempt) => {
                    if self.attempts.contains_key(&attempt.id) {
                        return broken(format!("attempt {} exists", attempt.id));
                    }
                }
                Change::Proof { key, trx } => {
                    if self.proofs.contains_key(key) {
                        return Err(StoreError::Again(format!("the SN of {trx} was used")));
                    }
                }
                Change::Suspect { .. }
                | Change::Turn { .. }
                | Change::UpdateAttempt(_)
                | Change::Transfer(_)
                | Change::Account { .. }
                | Change::InsertDelivery(_)
                | Change::UpdateDelivery(_)
                | Change::Journal(_)
                | Change::Catalog(_) => {}
                Change::PutPaper(paper) => {
                    let now = self.papers.get(&paper.key).map_or(0, |old| old.version);
                    let now = versions.get(&paper.key).copied().unwrap_or(now);
                    if now != paper.version - 1 {
                        return broken(format!("{} {} changed", paper.key.kind, paper.key.id));
                    }
                    versions.insert(paper.key.clone(), paper.version);
                }
                Change::DropPaper { key, version } => {
                    let now = self.papers.get(key).map_or(0, |old| old.version);
                    if versions.get(key).copied().unwrap_or(now) != *version {
                        return broken(format!("{} {} changed", key.kind, key.id));
                    }
                    versions.insert(key.clone(), 0);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, mut batch: Batch, lane: Lane) -> Result<(), StoreError> {
        batch.clean();
        self.check(&batch)?;
        for change in batch.changes {
            self.put(change, lane);
        }
        Ok(())
    }

    fn put(&mut self, change: Change, lane: Lane) {
        match change {
            Change::InsertTrx { trx, guarded } => {
                let guard = (guarded && trx.state == TrxState::Pending).then(|| SameDay {
                    member: trx.member,
                    product: trx.product.clone(),
                    dest: trx.dest.clone(),
                    day: trx.day,
                });
                self.refs.insert((trx.member, trx.ref_id.clone()), trx.no);
                self.trxs.insert(trx.no, TrxRow { trx: *trx, guard });
            }
            Change::FlipTrx { no, state, .. } => {
                if let Some(row) = self.trxs.get_mut(&no) {
                    row.trx.state = *state;
                }
            }
            Change::Suspect { no, why } => {
                if let Some(row) = self.trxs.get_mut(&no) {
                    row.trx.suspect = why;
                }
            }
            Change::InsertAttempt(attempt) => {
                if let Some(row) = self.trxs.get_mut(&attempt.id.trx) {
                    row.trx.attempt = attempt.id.n;
                }
                self.attempt_lanes.insert(attempt.id, lane);
                self.attempts.insert(attempt.id, *attempt);
            }
            Change::UpdateAttempt(attempt) => {
                self.attempts.insert(attempt.id, *attempt);
            }
            Change::Proof { key, trx } => {
                self.proofs.insert(key, trx);
            }
            Change::Turn { turn, count } => {
                self.turns.insert(turn, count);
            }
            Change::Transfer(row) => {
                let last = head(&self.transfers, lane);
                let seq = last.seq + 1;
                let hash = transfer_hash(&last.hash, seq, &row);
                self.transfers.push(ChainRow { lane, seq, row: *row, hash });
            }
            Change::Account { member, account } => {
                self.accounts.insert(member, account);
            }
            Change::InsertDelivery(delivery) => {
                self.delivery_lanes.insert(delivery.id, lane);
                self.deliveries.insert(delivery.id, *delivery);
            }
            Change::UpdateDelivery(delivery) => {
                self.deliveries.insert(delivery.id, *delivery);
            }
            Change::Journal(row) => {
                let last = head(&self.journal, lane);
                let seq = last.seq + 1;
                let hash = journal_hash(&last.hash, seq, &row);
                self.journal.push(ChainRow { lane, seq, row: *row, hash });
            }
            Change::Catalog(change) => self.put_catalog(*change),
            Change::PutPaper(paper) => {
                self.papers.insert(paper.key.clone(), *paper);
            }
            Change::DropPaper { key, .. } => {
                self.papers.remove(&key);
            }
        }
    }

    fn put_catalog(&mut self, change: CatalogChange) {
        match change {
            CatalogChange::Member(record) => {
                let id = record.member.id;
                self.members.insert(id, record);
                self.accounts.entry(id).or_default();
            }
            CatalogChange::Level(level) => {
                self.levels.insert(level.code.clone(), level);
            }
            CatalogChange::Product(product) => {
                self.products.insert(product.code.clone(), product);
            }
            CatalogChange::Price { level, product, price } => {
                self.prices.insert((level, product), price);
            }
            CatalogChange::Supplier(record) => {
                self.suppliers.insert(record.supplier.code.clone(), record);
            }
            CatalogChange::Route(route) => {
                self.routes.insert((route.product.clone(), route.supplier.clone()), route);
            }
            CatalogChange::Epoch(epoch) => {
                self.restores.insert(epoch.number, epoch);
            }
            CatalogChange::RemoveRoute { product, supplier } => {
                self.routes.remove(&(product, supplier));
            }
        }
    }
}
