//! The first stamps of a business: from here on every row has one.
//!
//! Papers and the catalog are stamped as they are found; purchases and deliveries from the next number
//! on. What is older is proved by ledger and journal alone, as it was.

use anyhow::Context as _;
use store::{
    Batch, CatalogChange, Change, Channel, DeliveryFilter, Direction, JournalLine, Paper, PaperKey,
    Reads, Stamp, StampKey, Store, StoreError, TrxFilter, Wants, stamp_bytes,
};
use types::UtcMillis;

fn since() -> PaperKey {
    PaperKey::new("stamps", "since")
}

/// First number a trx gets.
const FIRST_TRX: i64 = 100_000_001;

/// The numbers that the next purchase and the next delivery get, at least.
pub(crate) fn next_numbers(reads: &mut dyn Reads) -> Result<(i64, i64), StoreError> {
    let trx = reads.trx_page(&TrxFilter { limit: 1, ..TrxFilter::default() })?;
    let delivery =
        reads.delivery_page(&DeliveryFilter { limit: 1, ..DeliveryFilter::default() })?;
    let trx = trx.first().map_or(FIRST_TRX, |trx| trx.no.get().saturating_add(1));
    Ok((trx, delivery.first().map_or(1, |delivery| delivery.id.get().saturating_add(1))))
}

/// Stamps what is there, unless that was done.
pub(crate) fn ensure(
    store: &mut dyn Store,
    reads: &mut dyn Reads,
    key: &StampKey,
    now: UtcMillis,
) -> anyhow::Result<()> {
    if reads.paper(&since())?.is_some() {
        return Ok(());
    }
    match begin(store, reads, key, now) {
        // Another node did it at the same moment.
        Err(_) if reads.paper(&since())?.is_some() => Ok(()),
        done => done.context("the first stamps"),
    }
}

/// Stamps what is there, again if need be.
pub(crate) fn begin(
    store: &mut dyn Store,
    reads: &mut dyn Reads,
    key: &StampKey,
    now: UtcMillis,
) -> anyhow::Result<()> {
    reads.hold()?;
    let found = stamps(reads, key);
    let version = reads.paper(&since()).map(|paper| paper.map_or(1, |paper| paper.version + 1));
    reads.release();
    let (mut stamps, version) = (found?, version?);
    let paper = Paper { key: since(), tag: String::new(), version, at: now, body: "{}".to_owned() };
    stamps.push(key.paper(&paper));
    let line = JournalLine {
        at: now,
        direction: Direction::In,
        channel: Channel::Admin,
        peer: "gerbang".to_owned(),
        member: None,
        trx: None,
        request: format!("{} rows are stamped from here on", stamps.len()),
        reply: String::new(),
        status: "stamps".to_owned(),
        millis: 0,
        stamps: stamp_bytes(now, &stamps),
    };
    let mut wants = Wants::default();
    wants.papers.insert(since());
    store.load(&wants)?;
    store.commit(Batch {
        changes: vec![Change::PutPaper(Box::new(paper)), Change::Journal(Box::new(line))],
    })?;
    Ok(())
}

fn stamps(reads: &mut dyn Reads, key: &StampKey) -> Result<Vec<Stamp>, StoreError> {
    let rows = reads.catalog()?;
    let (trx, delivery) = next_numbers(reads)?;
    let from = rows.epochs.iter().map(|epoch| (epoch.trx_from.get(), epoch.delivery_from.get()));
    let (trx_from, delivery_from) = from.max().unwrap_or_default();
    let mut stamps = vec![key.since(trx.max(trx_from), delivery.max(delivery_from))];
    stamps.extend(all(rows).iter().map(|change| key.catalog(change)));
    let accounts = reads.accounts()?;
    stamps.extend(accounts.iter().map(|(member, account)| key.account(*member, account)));
    reads.each_paper(&mut |paper| {
        stamps.push(key.paper(&paper));
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(stamps)
}

/// Every row of the catalog.
pub(crate) fn all(rows: store::CatalogRows) -> Vec<CatalogChange> {
    let mut all: Vec<CatalogChange> = Vec::new();
    all.extend(rows.members.into_iter().map(CatalogChange::Member));
    all.extend(rows.levels.into_iter().map(CatalogChange::Level));
    all.extend(rows.products.into_iter().map(CatalogChange::Product));
    let price = |(level, product, price)| CatalogChange::Price { level, product, price };
    all.extend(rows.prices.into_iter().map(price));
    all.extend(rows.suppliers.into_iter().map(CatalogChange::Supplier));
    all.extend(rows.routes.into_iter().map(CatalogChange::Route));
    all.extend(rows.epochs.into_iter().map(CatalogChange::Epoch));
    all
}
