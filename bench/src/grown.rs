//! A business that has grown: does it accept as fast, start as fast, and fit in memory?

use crate::accepts::{Plan, buy, members};
use crate::house::House;
use crate::meter::{line, median};
use domain::{Attempt, AttemptState, Kind, Transfer, Trx, TrxState};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::time::Instant;
use store::{
    Batch, Change, Channel, Delivery, DeliveryState, Direction, JournalLine, Store as _, Wants,
};
use types::{
    AttemptId, Day, DeliveryId, Dest, MemberId, ProductCode, ProductName, RefId, Rupiah, Sku, Sn,
    SupplierCode, TrxNo, UtcMillis,
};

/// Transactions of one filling batch.
const PIECE: i64 = 5_000;
const PRICE: i64 = 1_321;

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1_024
}

/// The rows of one purchase as a day's work leaves them: decided and told, or sent and open.
fn purchase(n: i64, count: i64, open: bool) -> anyhow::Result<Vec<Change>> {
    let (no, member) = (TrxNo::new(n), MemberId::new(n % count + 1));
    let at = UtcMillis::new(1_795_000_000_000 + n);
    let ref_id = RefId::parse(&format!("g{n}"))?;
    let dest = Dest::parse(&format!("08{:010}", n % 10_000_000_000))?;
    let (price, cost, sn) = (Rupiah::new(PRICE), Rupiah::new(1_200), Sn::parse("R1")?);
    let before = Rupiah::new(1_000_000_000_000);
    let state =
        if open { TrxState::Pending } else { TrxState::Success { sn: sn.clone(), at, cost } };
    let trx = Trx {
        no,
        member,
        ref_id: ref_id.clone(),
        product: ProductCode::parse("T1")?,
        name: ProductName::parse("Three 1.000")?,
        dest: dest.clone(),
        qty: None,
        given: None,
        price,
        shares: domain::Shares::default(),
        before,
        created: at,
        day: Day::default(),
        attempt: 1,
        state,
        suspect: None,
    };
    let supplier = SupplierCode::parse("sandbox")?;
    let attempt = Attempt {
        id: AttemptId { trx: no, n: 1 },
        supplier: supplier.clone(),
        sku: Sku::parse("t1")?,
        cost,
        state: if open { AttemptState::Sent } else { AttemptState::Delivered { sn } },
        created: at,
        sent: Some(at),
        next: None,
        checks: 0,
        counter: 1,
        why: "priority 1, cost 1.200".to_owned(),
    };
    let transfer = |from, to, amount, kind, balance| {
        Change::Transfer(Box::new(Transfer {
            from,
            to,
            amount,
            kind,
            trx: Some(no),
            balance,
            at,
            note: String::new(),
        }))
    };
    let line = |direction, channel, request: String, reply: String| {
        Change::Journal(Box::new(JournalLine {
            at,
            direction,
            channel,
            peer: "203.0.113.9".to_owned(),
            member: Some(member),
            trx: Some(no),
            request,
            reply,
            status: "200".to_owned(),
            millis: 1,
            stamps: Vec::new(),
        }))
    };
    let asked = format!("/trx?product=T1&dest={dest}&refID={ref_id}&memberID=OK&pin=***");
    let said = format!("T#{no} R#{ref_id} Three 1.000 T1.{dest} akan diproses. Saldo 9 - 3 = 6");
    let member_account = domain::AccountName::Member(member);
    let mut changes = vec![
        Change::InsertTrx { trx: Box::new(trx), guarded: false },
        Change::InsertAttempt(Box::new(attempt)),
        transfer(member_account, domain::AccountName::Hold, price, Kind::Debit, Some(before)),
        line(Direction::In, Channel::Trx, asked.clone(), said.clone()),
        line(Direction::Out, Channel::Supplier, asked, said.clone()),
    ];
    if !open {
        let (hold, sales) = (domain::AccountName::Hold, domain::AccountName::Sales);
        let paid = domain::AccountName::Supplier(supplier);
        changes.push(transfer(hold, sales, price, Kind::Settle, None));
        changes.push(transfer(paid, domain::AccountName::Cogs, cost, Kind::Cost, None));
        changes.push(Change::InsertDelivery(Box::new(Delivery {
            id: DeliveryId::new(n - 100_000_000),
            trx: no,
            member,
            ref_id: ref_id.to_string(),
            message: said.clone(),
            created: at,
            state: DeliveryState::Delivered,
            tries: 1,
            next: at,
            last: "200".to_owned(),
        })));
        changes.push(line(Direction::Out, Channel::Callback, said, "OK".to_owned()));
    }
    Ok(changes)
}

/// Straight into the store: the rows are what counts, not how they came.
fn fill(path: &Path, trxs: i64, pending: i64, count: i64) -> anyhow::Result<()> {
    let mut store = sqlite::open(path)?.store;
    let bar = ProgressBar::new(u64::try_from(trxs)?);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} transactions {eta}")?);
    let first = 100_000_001;
    for from in (0..trxs).step_by(usize::try_from(PIECE)?) {
        store.load(&Wants::default())?;
        let mut batch = Batch::default();
        for n in from..(from + PIECE).min(trxs) {
            batch.changes.extend(purchase(first + n, count, n >= trxs - pending)?);
        }
        store.commit(batch)?;
        bar.inc(PIECE.unsigned_abs());
    }
    bar.finish_and_clear();
    Ok(())
}

pub(crate) async fn measure(plan: &Plan, trxs: i64, pending: i64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(&plan.folder)?;
    let path = folder.path().join("gerbang.db");
    drop(House::new(folder.path(), plan.members).await?);
    let began = Instant::now();
    fill(&path, trxs, pending, plan.members)?;
    let size = std::fs::metadata(&path)?.len() / 1_048_576;
    println!("{trxs} transactions, {size} MB, filled in {:.0} s", began.elapsed().as_secs_f64());

    let began = Instant::now();
    let house = House::again(folder.path()).await?;
    let door = members(&house).await?;
    let one = Plan {
        connections: 1,
        time: std::time::Duration::ZERO,
        folder: plan.folder.clone(),
        half: false,
        ..*plan
    };
    buy(&one, door.address).await?;
    println!(
        "start to the door: {:.2} s, {} MB resident",
        began.elapsed().as_secs_f64(),
        resident_mb()
    );
    let began = Instant::now();
    let found = house.workers.recover(store::Lane::default()).await.map_err(anyhow::Error::msg)?;
    println!("recovery of {found} sent attempts: {:.2} s", began.elapsed().as_secs_f64());

    let (mut empty, mut grown) = (vec![], vec![]);
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let other = tempfile::tempdir_in(&plan.folder)?;
        let fresh = House::new(other.path(), plan.members).await?;
        let fresh_door = members(&fresh).await?;
        empty.push(buy(plan, fresh_door.address).await?);
        drop((fresh_door, fresh, other));
        grown.push(buy(plan, door.address).await?);
    }
    let base = median(empty);
    if let Some(base) = &base {
        line("purchases, empty business", base, None);
    }
    if let Some(grown) = &median(grown) {
        line("purchases, grown business", grown, base.as_ref());
    }
    println!("{} MB resident at the end", resident_mb());
    Ok(())
}
