//! The business of a run: products, prices, two suppliers, three members.

use crate::chance::below;
use crate::ops::MEMBERS;
use crate::print::Clock;
use crate::rude::knows;
use crate::words::{COST, Dialect, dialect};
use crate::world::{START_MS, start_ms};
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
pub(crate) const FEE: i64 = 300;
/// Its smallest and its largest nominal.
pub(crate) const QTY: (u32, u32) = (1_000, 5_000);
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

/// True where a supplier knows all that it ever took, and says so when it does not.
pub(crate) fn no_data_is_proof(seed: u64, supplier: usize) -> bool {
    below(seed, &format!("no data is proof {supplier}"), 2) == 0
}

/// Until when a route may be used, in minutes from the beginning of the run: a supplier that closes
/// in the middle of it.
pub(crate) fn closes_after(seed: u64, supplier: usize) -> Option<u64> {
    (supplier == 0 && knows(seed, "route: closes")).then(|| 2 + below(seed, "closes", 7))
}

/// Most purchases a day by a route.
pub(crate) fn daily_most(seed: u64, supplier: usize) -> Option<u32> {
    let most = 3 + below(seed, "daily most", 12);
    (supplier == 0 && knows(seed, "route: a daily limit")).then(|| u32::try_from(most).ok())?
}

/// A route as it is in this seed; without one, as simple as it can be.
pub(crate) fn route(
    seed: Option<u64>,
    product: &str,
    supplier: usize,
    enabled: bool,
) -> anyhow::Result<RouteRow> {
    let cost = match (product, supplier) {
        ("T2", _) => 100,
        // The first one sells it above our price.
        ("T3", 1..) => 900,
        _ => COST,
    };
    let (code, sku) = (ProductCode::parse(product)?, Sku::parse(product)?);
    let route = RouteRow::new(code, supplier_code(supplier)?, sku, Rupiah::new(cost));
    let hours = seed.and_then(|seed| closes_after(seed, supplier).map(|after| (seed, after)));
    let hours = hours.map(|(seed, after)| {
        let start = start_ms(seed);
        let from = Clock::of(start - 3_600_000).time();
        let to = Clock::of(start + i64::try_from(after * 60_000).unwrap_or_default()).time();
        format!("{from}-{to}").parse()
    });
    Ok(RouteRow {
        priority: i32::try_from(supplier)? + 1,
        enabled,
        hours: hours.transpose()?,
        daily_most: seed.and_then(|seed| daily_most(seed, supplier)),
        ..route
    })
}

/// What is sold by which routes in this seed.
pub(crate) fn routes(seed: Option<u64>) -> anyhow::Result<Vec<(&'static str, usize)>> {
    let fixed = (0..SUPPLIERS).map(|supplier| ("T1", supplier));
    // Only the family's text says a nominal.
    let speaks =
        |supplier: &usize| seed.is_some_and(|seed| dialect(seed, *supplier) == Dialect::Named);
    let open = (0..SUPPLIERS).filter(speaks).map(|supplier| ("T2", supplier));
    let cheap = (0..SUPPLIERS).filter(|_| seed.is_some()).map(|supplier| ("T3", supplier));
    Ok(fixed.chain(open).chain(cheap).collect())
}

pub(crate) fn price(product: &str, amount: i64) -> anyhow::Result<CatalogChange> {
    Ok(CatalogChange::Price {
        level: LevelCode::parse("retail")?,
        product: ProductCode::parse(product)?,
        price: Price { amount: Rupiah::new(amount), basis_points: 0 },
    })
}

fn product(code: &str, denomination: Denomination) -> anyhow::Result<CatalogChange> {
    Ok(CatalogChange::Product(Product {
        code: ProductCode::parse(code)?,
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

/// What a member may owe, and what it may buy in a day.
pub(crate) fn limits(seed: Option<u64>, member: u64) -> (i64, Option<i64>) {
    let knows = |what: &str| seed.is_some_and(|seed| knows(seed, what));
    let credit = if member == 2 && knows("member: a credit limit") { 8_000 } else { 0 };
    let daily = match member {
        // Six times the same, to the rupiah.
        0 => seed.filter(|seed| seed % 3 == 0).map(|_| 6 * PRICE),
        1 => knows("member: a daily limit").then_some(9_000),
        _ => None,
    };
    (credit, daily)
}

/// What is written before the first process starts: one product, two suppliers, three members of
/// whom the second has the same-day guard.
///
/// # Errors
/// When the key cannot seal.
pub fn found(key: &KeySet) -> anyhow::Result<Batch> {
    business(key, None)
}

/// The same with what a seed knows: an open denomination, limits, hours.
pub(crate) fn business(key: &KeySet, seed: Option<u64>) -> anyhow::Result<Batch> {
    let level = LevelCode::parse("retail")?;
    let mut changes = vec![
        CatalogChange::Level(Level {
            code: level.clone(),
            name: String::new(),
            list_id: "list".to_owned(),
        }),
        product("T1", Denomination::Fixed)?,
        price("T1", PRICE)?,
    ];
    if let (Some(_), Some(min), Some(max)) = (seed, Qty::new(QTY.0), Qty::new(QTY.1)) {
        changes.push(product("T2", Denomination::Open { min, max })?);
        changes.push(price("T2", FEE)?);
        changes.push(product("T3", Denomination::Fixed)?);
        changes.push(price("T3", CHEAP)?);
    }
    for number in 0..SUPPLIERS {
        changes.push(supplier(number, false)?);
    }
    for (product, supplier) in routes(seed)? {
        changes.push(CatalogChange::Route(route(seed, product, supplier, true)?));
    }
    for number in 0..MEMBERS {
        let code = MemberCode::parse(&format!("OK{number}"))?;
        let seal = |column: &str| key.seal(&place(&code, column), "secret");
        let (credit_limit, daily_limit) = limits(seed, number);
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
                credit_limit: Rupiah::new(credit_limit),
                daily_limit: daily_limit.map(Rupiah::new),
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
