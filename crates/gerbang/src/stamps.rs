//! The first stamps of a business: from here on every row has one.
//!
//! Papers and the catalog are stamped as they are found; purchases and deliveries from the next number
//! on. What is older is proved by ledger and journal alone, as it was.

use anyhow::Context as _;
use domain::Epoch;
use store::{
    Batch, Change, DeliveryFilter, JournalLine, Paper, PaperKey, Reads, Stamp, StampKey, Store,
    StoreError, TrxFilter, Wants, stamp_bytes,
};
use types::UtcMillis;

/// The paper that says that there are stamps.
pub(crate) fn since() -> PaperKey {
    PaperKey::new("stamps", "since")
}

/// First number a trx gets.
const FIRST_TRX: i64 = 100_000_001;

/// The numbers that the next purchase and the next delivery get, at least; `epochs`: the restores
/// there were.
pub(crate) fn next_numbers(
    reads: &mut dyn Reads,
    epochs: &[Epoch],
) -> Result<(i64, i64), StoreError> {
    let trx = reads.trx_page(&TrxFilter { limit: 1, ..TrxFilter::default() })?;
    let delivery =
        reads.delivery_page(&DeliveryFilter { limit: 1, ..DeliveryFilter::default() })?;
    let trx = trx.first().map_or(FIRST_TRX, |trx| trx.no.get().saturating_add(1));
    let delivery = delivery.first().map_or(1, |delivery| delivery.id.get().saturating_add(1));
    let from = epochs.iter().map(|epoch| (epoch.trx_from.get(), epoch.delivery_from.get()));
    let (trx_from, delivery_from) = from.max().unwrap_or_default();
    Ok((trx.max(trx_from), delivery.max(delivery_from)))
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
    let line = JournalLine::of_program(
        now,
        "stamps",
        format!("{} rows are stamped from here on", stamps.len()),
        stamp_bytes(now, &stamps),
    );
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
    let (trx, delivery) = next_numbers(reads, &rows.epochs)?;
    let mut stamps = vec![key.since(trx, delivery)];
    stamps.extend(rows.changes().iter().map(|change| key.catalog(change)));
    let accounts = reads.accounts()?;
    stamps.extend(accounts.iter().map(|(member, account)| key.account(*member, account)));
    reads.each_paper(&mut |paper| {
        stamps.push(key.paper(&paper));
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(stamps)
}
