//! Figures against a plain sum over the ledger: however the following is cut into pieces, after a
//! restart, and when the business is suddenly another one.
#![allow(clippy::unwrap_used)]

use domain::{AccountName, Attempt, AttemptState, Kind, Share, Shares, Transfer, Trx, TrxState};
use model::Model;
use proptest::prelude::*;
use reports::{Dimension, Reports, SaleFilter, Tally, gather};
use std::collections::BTreeMap;
use std::path::Path;
use store::{Batch, Change, Places, Reads as _, Store as _, Wants};
use types::{
    AttemptId, CivilTime, Dest, MemberId, ProductCode, ProductName, Reason, RefId, Rupiah, Sku, Sn,
    SupplierCode, TrxNo, UtcMillis,
};

/// Midnight UTC of some day; a day here is a day of UTC.
const START: i64 = 1_774_396_800_000;
const DAY: i64 = 86_400_000;

/// What becomes of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Delivered,
    Refunded,
    Reversed,
    /// Delivered, and its cost corrected later.
    Corrected,
}

#[derive(Clone, Debug)]
struct Sale {
    member: i64,
    product: u8,
    day: i64,
    hour: i64,
    took: i64,
    price: i64,
    fate: Fate,
    share: bool,
}

fn sale() -> impl Strategy<Value = Sale> {
    let fate = prop_oneof![
        1 => Just(Fate::Open),
        6 => Just(Fate::Delivered),
        2 => Just(Fate::Refunded),
        1 => Just(Fate::Reversed),
        1 => Just(Fate::Corrected),
    ];
    (1_i64..4, 0_u8..3, 0_i64..3, 0_i64..24, 1_i64..60_000, 1_000_i64..9_000, fate, any::<bool>())
        .prop_map(|(member, product, day, hour, took, price, fate, share)| Sale {
            member,
            product,
            day,
            hour,
            took,
            price,
            fate,
            share,
        })
}

fn civil(at: UtcMillis) -> CivilTime {
    let since = at.get() - START;
    let small = |number: i64| u8::try_from(number).unwrap();
    CivilTime {
        year: 2026,
        month: 3,
        day: 25 + small(since / DAY),
        hour: small(since % DAY / 3_600_000),
        minute: small(since % 3_600_000 / 60_000),
        second: small(since % 60_000 / 1_000),
    }
}

fn transfer(
    from: AccountName,
    to: AccountName,
    amount: i64,
    kind: Kind,
    (trx, at): (TrxNo, i64),
) -> Change {
    let amount = Rupiah::new(amount);
    // Balances are the audit's business, not that of the figures.
    let balance = from.member().or(to.member()).map(|_| Rupiah::ZERO);
    let (trx, at, note) = (Some(trx), UtcMillis::new(at), String::new());
    Change::Transfer(Box::new(Transfer { from, to, amount, kind, trx, balance, at, note }))
}

/// The batches of one purchase: taken, and later decided.
fn batches(number: i64, sale: &Sale) -> Vec<Batch> {
    let no = TrxNo::new(number);
    let at = START + sale.day * DAY + sale.hour * 3_600_000;
    let end = (at + sale.took).min(START + (sale.day + 1) * DAY - 1);
    let supplier = SupplierCode::parse("s0").unwrap();
    let sn = Sn::parse(&format!("SN{number}")).unwrap();
    let (cost, upline) = (sale.price - 100, MemberId::new(9));
    let shares = if sale.share {
        Shares(vec![Share { member: upline, amount: Rupiah::new(30) }])
    } else {
        Shares::default()
    };
    let trx = Trx {
        no,
        member: MemberId::new(sale.member),
        ref_id: RefId::parse(&format!("r{number}")).unwrap(),
        product: ProductCode::parse(&format!("P{}", sale.product)).unwrap(),
        name: ProductName::parse("x").unwrap(),
        dest: Dest::parse("081234567890").unwrap(),
        qty: None,
        given: None,
        price: Rupiah::new(sale.price),
        shares,
        before: Rupiah::new(1_000_000),
        created: UtcMillis::new(at),
        day: civil(UtcMillis::new(at)).date(),
        attempt: 1,
        state: TrxState::Pending,
        suspect: None,
    };
    let attempt = |state, cost| Attempt {
        id: AttemptId { trx: no, n: 1 },
        supplier: supplier.clone(),
        sku: Sku::parse("x").unwrap(),
        cost: Rupiah::new(cost),
        state,
        created: UtcMillis::new(at),
        sent: None,
        next: None,
        checks: 0,
        counter: 1,
        why: String::new(),
    };
    let (own, hold) = (AccountName::Member(trx.member), AccountName::Hold);
    let (sales, cogs) = (AccountName::Sales, AccountName::Cogs);
    let paid = AccountName::Supplier(supplier.clone());
    let move_ = |from: &AccountName, to: &AccountName, amount, kind, at| {
        transfer(from.clone(), to.clone(), amount, kind, (no, at))
    };
    let taken = Batch {
        changes: vec![
            Change::InsertTrx { trx: Box::new(trx.clone()), guarded: false },
            Change::InsertAttempt(Box::new(attempt(AttemptState::Sent, cost))),
            move_(&own, &hold, sale.price, Kind::Debit, at),
        ],
    };
    let mut all = vec![taken];
    let when = UtcMillis::new(end);
    let flip = |from: &'static str, state| Change::FlipTrx { no, from, state: Box::new(state) };
    let delivered = |cost| {
        Change::UpdateAttempt(Box::new(attempt(AttemptState::Delivered { sn: sn.clone() }, cost)))
    };
    match sale.fate {
        Fate::Open => {}
        Fate::Refunded => {
            let (reason, balance) = (Reason::clean("x"), Rupiah::ZERO);
            all.push(Batch {
                changes: vec![
                    flip("pending", TrxState::Failed { reason, at: when, balance }),
                    move_(&hold, &own, sale.price, Kind::Refund, end),
                ],
            });
        }
        Fate::Delivered | Fate::Reversed | Fate::Corrected => {
            let state = TrxState::Success { sn: sn.clone(), at: when, cost: Rupiah::new(cost) };
            let mut changes = vec![
                flip("pending", state),
                delivered(cost),
                move_(&hold, &sales, sale.price, Kind::Settle, end),
                move_(&paid, &cogs, cost, Kind::Cost, end),
            ];
            if sale.share {
                let (from, to) = (AccountName::Commission, AccountName::Member(upline));
                changes.push(move_(&from, &to, 30, Kind::Commission, end));
            }
            all.push(Batch { changes });
        }
    }
    if sale.fate == Fate::Reversed {
        let (reason, balance) = (Reason::clean("x"), Rupiah::ZERO);
        let mut changes = vec![
            flip("success", TrxState::Reversed { sn: sn.clone(), reason, at: when, balance }),
            move_(&sales, &own, sale.price, Kind::Reversal, end),
            move_(&cogs, &paid, cost, Kind::CostReversal, end),
        ];
        if sale.share {
            let (from, to) = (AccountName::Member(upline), AccountName::Commission);
            changes.push(move_(&from, &to, 30, Kind::CommissionReversal, end));
        }
        all.push(Batch { changes });
    }
    if sale.fate == Fate::Corrected {
        let changes = vec![delivered(cost + 7), move_(&paid, &cogs, 7, Kind::CostCorrection, end)];
        all.push(Batch { changes });
    }
    all
}

/// The same, summed plainly.
fn plain(sales: &[Sale], of: impl Fn(&Sale) -> String) -> BTreeMap<String, Tally> {
    let mut all: BTreeMap<String, Tally> = BTreeMap::new();
    for sale in sales {
        let share = if sale.share { 30 } else { 0 };
        let cost = sale.price - 100 + share;
        let mut one = Tally { asked: 1, ..Tally::default() };
        match sale.fate {
            Fate::Open => {}
            Fate::Refunded => one.failed = 1,
            Fate::Delivered => (one.ok, one.sales, one.cost) = (1, sale.price, cost),
            Fate::Corrected => (one.ok, one.sales, one.cost) = (1, sale.price, cost + 7),
            Fate::Reversed => (one.ok, one.reversed) = (1, 1),
        }
        all.entry(of(sale)).or_default().add(&one);
    }
    all
}

fn without_speed(all: BTreeMap<String, Tally>) -> BTreeMap<String, Tally> {
    let bare = |tally: Tally| Tally { median_ms: None, p95_ms: None, ..tally };
    all.into_iter().map(|(key, tally)| (key, bare(tally))).collect()
}

/// Follows until nothing is new.
fn catch_up(reports: &Reports, model: &mut Model) {
    loop {
        let feed = gather(model, &reports.places().unwrap()).unwrap();
        if feed.is_empty() {
            return;
        }
        reports.apply(&feed, &civil).unwrap();
    }
}

fn holds(reports: &Reports, model: &mut Model, sales: &[Sale]) -> Result<(), TestCaseError> {
    let (from, until) = (20_260_325, 20_260_327);
    let by = |dimension| without_speed(reports.by_key(dimension, from, until).unwrap());
    prop_assert_eq!(by(Dimension::Member), plain(sales, |sale| sale.member.to_string()));
    prop_assert_eq!(by(Dimension::Product), plain(sales, |sale| format!("P{}", sale.product)));
    let days: BTreeMap<String, Tally> = reports
        .by_day(from, until, None)
        .unwrap()
        .into_iter()
        .map(|(day, tally)| (day.to_string(), tally))
        .collect();
    prop_assert_eq!(days, plain(sales, |sale| (20_260_325 + sale.day).to_string()));
    // A supplier is blamed and praised for what it decided.
    let supplier: Tally = by(Dimension::Supplier).remove("s0").unwrap_or_default();
    let all = plain(sales, |_| String::new()).remove("").unwrap_or_default();
    prop_assert_eq!((supplier.ok, supplier.failed), (all.ok, all.failed));
    prop_assert_eq!((supplier.sales, supplier.cost), (all.sales, all.cost));
    // The trial balance of the last day is the ledger's.
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    model
        .each_transfer(&Places::new(), &mut |row| {
            *sums.entry(row.row.from.to_string()).or_default() -= row.row.amount.get();
            *sums.entry(row.row.to.to_string()).or_default() += row.row.amount.get();
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let closing: BTreeMap<String, i64> = reports
        .closing(until)
        .unwrap()
        .into_iter()
        .map(|row| (row.account, row.before + row.came - row.went))
        .collect();
    prop_assert_eq!(closing, sums);
    // Every purchase is found, with what it costs now.
    let filter = SaleFilter { limit: 1_000, ..SaleFilter::default() };
    prop_assert_eq!(reports.sales(&filter).unwrap().len(), sales.len());
    let won = sales.iter().filter(|sale| matches!(sale.fate, Fate::Delivered | Fate::Corrected));
    let state = Some("success".to_owned());
    let found = reports.sales(&SaleFilter { state, ..filter }).unwrap();
    prop_assert_eq!(found.len(), won.count());
    Ok(())
}

/// Writes a life, following now and then; the file is closed and opened once on the way.
fn live(path: &Path, sales: &[Sale], pauses: &[usize]) -> Result<(Reports, Model), TestCaseError> {
    let mut model = Model::default();
    let mut reports = Reports::open(path).unwrap();
    let mut written = 0;
    for (number, sale) in (100..).zip(sales) {
        for batch in batches(number, sale) {
            model.load(&Wants::default()).unwrap();
            model.commit(batch).unwrap();
            written += 1;
            if pauses.contains(&written) {
                catch_up(&reports, &mut model);
            }
            if written == 7 {
                drop(reports);
                reports = Reports::open(path).unwrap();
            }
        }
    }
    catch_up(&reports, &mut model);
    holds(&reports, &mut model, sales)?;
    Ok((reports, model))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn figures_are_those_of_the_ledger(
        sales in prop::collection::vec(sale(), 1..30),
        pauses in prop::collection::vec(1_usize..60, 0..8),
        other in prop::collection::vec(sale(), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reports.db");
        live(&path, &sales, &pauses)?;
        // A restored backup, or another business under the same file: the figures begin anew.
        live(&path, &other, &[])?;
    }
}
