//! The business of a run: products, prices, two suppliers, three members.

use crate::ops::MEMBERS;
use crate::words::{Dialect, dialect};
use crate::world::START_MS;
use anyhow::anyhow;
use domain::{
    Denomination, DestRule, Markups, Member, Price, Product, RouteRow, Strategy, Supplier, Upline,
    Wording,
};
use engine::place;
use store::{
    Batch, CatalogChange, Change, Imported, JournalLine, KeySet, Level, MemberRecord, StampKey,
    SupplierRecord, stamp_bytes,
};
use types::{
    LevelCode, MemberCode, MemberId, ProductCode, ProductName, Qty, Rupiah, Sku, SupplierCode,
    UtcMillis,
};

pub(crate) const SUPPLIERS: usize = 2;
pub(crate) const PRICE: i64 = 1_321;
/// Of the product with nominals, beside the nominal.
pub(crate) const FEE: i64 = 150;
pub(crate) const BASIS_POINTS: i64 = 100;
/// Its smallest and its largest nominal.
pub(crate) const QTY: (u32, u32) = (1_000, 3_000);
/// What the first supplier sells above our price.
pub(crate) const CHEAP: i64 = 1_000;
/// What each upline adds.
pub(crate) const MARKUP: i64 = 7;
/// Their balances at the beginning; the last one is soon used up.
pub(crate) const BALANCES: [i64; 3] = [100_000, 60_000, 9_000];

pub(crate) fn supplier_code(number: usize) -> anyhow::Result<SupplierCode> {
    Ok(SupplierCode::parse(&format!("s{number}"))?)
}

pub(crate) fn supplier(number: usize, paused: bool) -> anyhow::Result<CatalogChange> {
    Ok(CatalogChange::Supplier(SupplierRecord {
        supplier: Supplier {
            code: supplier_code(number)?,
            name: String::new(),
            connector: "okeconnect".to_owned(),
            paused,
            check_after_ms: 10_000,
            suspect_after_ms: 300_000,
            trusted_reversal: number == 0,
            counts: number == 1,
        },
        settings: None,
    }))
}

/// What T1 costs from now on.
pub(crate) fn price(amount: i64) -> anyhow::Result<CatalogChange> {
    priced("T1", amount, 0)
}

fn priced(product: &str, amount: i64, basis_points: i64) -> anyhow::Result<CatalogChange> {
    Ok(CatalogChange::Price {
        level: LevelCode::parse("retail")?,
        product: ProductCode::parse(product)?,
        price: Price { amount: Rupiah::new(amount), basis_points },
    })
}

fn sold(product: &str, denomination: Denomination) -> anyhow::Result<CatalogChange> {
    Ok(CatalogChange::Product(Product {
        code: ProductCode::parse(product)?,
        name: ProductName::parse("Three 1.000")?,
        group: String::new(),
        category: String::new(),
        denomination,
        dest_rule: DestRule::Phone,
        open: true,
        cut_off: None,
        strategy: Strategy::default(),
    }))
}

/// Suppliers know all of them as T1.
fn route(product: &str, number: usize, cost: i64) -> anyhow::Result<CatalogChange> {
    let (product, supplier) = (ProductCode::parse(product)?, supplier_code(number)?);
    let route = RouteRow::new(product, supplier, Sku::parse("T1")?, Rupiah::new(cost));
    Ok(CatalogChange::Route(RouteRow { priority: i32::try_from(number)? + 1, ..route }))
}

/// What is written before the first process starts: one product, two suppliers, three members of
/// whom the second has the same-day guard.
///
/// # Errors
/// When the key cannot seal.
pub fn found(key: &KeySet) -> anyhow::Result<Batch> {
    founded(key, None, Vec::new())
}

/// The same for a seed: some members have a daily limit, and there are a product with nominals and one
/// that the first supplier sells above our price.
pub(crate) fn found_of(seed: u64, key: &KeySet) -> anyhow::Result<Batch> {
    let (Some(min), Some(max)) = (Qty::new(QTY.0), Qty::new(QTY.1)) else {
        return Err(anyhow!("nominals begin at 1"));
    };
    let mut more = vec![
        sold("T2", Denomination::Open { min, max })?,
        priced("T2", FEE, BASIS_POINTS)?,
        sold("T3", Denomination::Fixed)?,
        priced("T3", CHEAP, 0)?,
        route("T3", 0, 1_200)?,
        route("T3", 1, 900)?,
    ];
    // JSON has no nominals.
    for number in (0..SUPPLIERS).filter(|number| dialect(seed, *number) != Dialect::Json) {
        more.push(route("T2", number, 50)?);
    }
    founded(key, limit(seed), more)
}

/// What the first member may buy for in a day, in some seeds: six times the same, to the rupiah.
pub(crate) const fn limit(seed: u64) -> Option<Rupiah> {
    if seed.is_multiple_of(3) { Some(Rupiah::new(6 * PRICE)) } else { None }
}

fn founded(key: &KeySet, limit: Option<Rupiah>, more: Vec<CatalogChange>) -> anyhow::Result<Batch> {
    let level = LevelCode::parse("retail")?;
    let mut changes = vec![
        CatalogChange::Level(Level {
            code: level.clone(),
            name: String::new(),
            list_id: "list".to_owned(),
        }),
        sold("T1", Denomination::Fixed)?,
        price(PRICE)?,
    ];
    for number in 0..SUPPLIERS {
        changes.push(supplier(number, false)?);
        changes.push(route("T1", number, 1_200)?);
    }
    changes.extend(more);
    for number in 0..MEMBERS {
        let code = MemberCode::parse(&format!("OK{number}"))?;
        let seal = |column: &str| key.seal(&place(&code, column), "secret");
        changes.push(CatalogChange::Member(MemberRecord {
            pin: seal("pin")?,
            password: seal("password")?,
            signing: None,
            ip_allow: Vec::new(),
            imported: Imported::default(),
            member: Member {
                id: MemberId::new(i64::try_from(number)? + 1),
                code: code.clone(),
                name: String::new(),
                active: true,
                level: level.clone(),
                credit_limit: Rupiah::ZERO,
                daily_limit: limit.filter(|_| number == 0),
                same_day_guard: number == 1,
                callback_url: Some("https://m.example/h2h".to_owned()),
                wording: Wording::default(),
                dialect: domain::Dialect::default(),
                // Each is the downline of the one before, so that settlements pay two uplines.
                upline: (number > 0).then(|| Upline {
                    member: MemberId::new(i64::try_from(number).unwrap_or_default()),
                    markup: Rupiah::new(MARKUP),
                    markups: Markups::default(),
                }),
                sandbox: false,
            },
        }));
    }
    // From here on everything has a stamp. Long ago: no clock is wrong by a month.
    let stamp_key = StampKey::of(key);
    let at = UtcMillis::new(START_MS - 30 * 86_400_000);
    let mut stamps = vec![stamp_key.since(1, 1)];
    stamps.extend(changes.iter().map(|change| stamp_key.catalog(change)));
    let line = JournalLine::of_program(at, "stamps", String::new(), stamp_bytes(at, &stamps));
    let changes = changes.into_iter().map(|change| Change::Catalog(Box::new(change)));
    let line = Change::Journal(Box::new(line));
    Ok(Batch { changes: changes.chain([line]).collect() })
}
