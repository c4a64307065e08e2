//! The business of a run: products, prices, two suppliers, three members.

use crate::ops::MEMBERS;
use crate::world::START_MS;
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
    LevelCode, MemberCode, MemberId, ProductCode, ProductName, Rupiah, Sku, SupplierCode, UtcMillis,
};

pub(crate) const SUPPLIERS: usize = 2;
pub(crate) const PRICE: i64 = 1_321;
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

/// What is written before the first process starts: one product, two suppliers, three members of
/// whom the second has the same-day guard.
///
/// # Errors
/// When the key cannot seal.
pub fn found(key: &KeySet) -> anyhow::Result<Batch> {
    let level = LevelCode::parse("retail")?;
    let product = ProductCode::parse("T1")?;
    let mut changes = vec![
        CatalogChange::Level(Level {
            code: level.clone(),
            name: String::new(),
            list_id: "list".to_owned(),
        }),
        CatalogChange::Product(Product {
            code: product.clone(),
            name: ProductName::parse("Three 1.000")?,
            group: String::new(),
            category: String::new(),
            denomination: Denomination::Fixed,
            dest_rule: DestRule::Phone,
            open: true,
            cut_off: None,
            strategy: Strategy::default(),
        }),
        CatalogChange::Price {
            level: level.clone(),
            product: product.clone(),
            price: Price { amount: Rupiah::new(PRICE), basis_points: 0 },
        },
    ];
    for (number, priority) in (0..SUPPLIERS).zip(1..) {
        changes.push(supplier(number, false)?);
        let cost = Rupiah::new(1_200);
        let route = RouteRow::new(product.clone(), supplier_code(number)?, Sku::parse("T1")?, cost);
        changes.push(CatalogChange::Route(RouteRow { priority, ..route }));
    }
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
                daily_limit: None,
                same_day_guard: number == 1,
                callback_url: Some("https://m.example/h2h".to_owned()),
                wording: Wording::default(),
                dialect: domain::Dialect::default(),
                // Each is the downline of the one before, so that settlements pay two uplines.
                upline: (number > 0).then(|| Upline {
                    member: MemberId::new(i64::try_from(number).unwrap_or_default()),
                    markup: Rupiah::new(7),
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
