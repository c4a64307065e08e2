//! A business that has grown: does it accept as fast, start as fast, and fit in memory?

use crate::Plan;
use crate::business::{Business, Serving, TAKEN, Wanted, purchase, purchases};
use crate::client::{Ask, Connection, closed};
use crate::demo::{caught_up, log_in};
use crate::pace::{Buyers, ten};
use crate::process::resident_kib;
use crate::table::{Table, head};
use anyhow::ensure;
use domain::{Attempt, AttemptState, Kind, Transfer, Trx, TrxState};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
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
/// Number of the first one.
const FIRST: i64 = 100_000_001;
/// When an open one would have been asked about, had the program lived on.
const CHECK_AFTER_MS: i64 = 15_000;
/// What references of those that were there already begin with.
const OLD: &str = "g";
/// Purchases a second while open attempts are recovered.
const RATE: u64 = 50;
const EMPTY: &str = "purchases, empty business";
/// Of somebody who looks at the console.
const PASSWORD: &str = "kopi-pahit-sekali";

/// The rows of one purchase as a day's work leaves them: decided and told, or sent and open.
fn lived(n: i64, count: i64, at: UtcMillis, open: bool) -> anyhow::Result<Vec<Change>> {
    let (no, member) = (TrxNo::new(n), MemberId::new(n % count + 1));
    let ref_id = RefId::parse(&format!("{OLD}{n}"))?;
    let dest = Dest::parse(&dest_of(n))?;
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
        next: open.then(|| UtcMillis::new(at.get() + CHECK_AFTER_MS)),
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

fn dest_of(n: i64) -> String {
    format!("08{:010}", n % 10_000_000_000)
}

/// Straight into the store: the rows are what counts, not how they came. Those that are open were sent in the
/// minute before, and the sandbox received them.
fn fill(data: &Path, trxs: i64, pending: i64, count: i64) -> anyhow::Result<()> {
    let mut store = sqlite::open(&data.join("gerbang.db"))?.store;
    let mut received = BufWriter::new(File::create(data.join("sandbox.log"))?);
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let bar = ProgressBar::new(u64::try_from(trxs)?);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} transactions {eta}")?);
    for from in (0..trxs).step_by(usize::try_from(PIECE)?) {
        store.load(&Wants::default())?;
        let mut batch = Batch::default();
        for n in from..(from + PIECE).min(trxs) {
            let is_open = n >= trxs - pending;
            // Ten a second over days.
            let before = if is_open { 60_000 } else { 60_000 + (trxs - n) * 100 };
            let at = UtcMillis::new(now - before);
            batch.changes.extend(lived(FIRST + n, count, at, is_open)?);
            if is_open {
                writeln!(received, "{} {}-1 {}", at.get(), FIRST + n, dest_of(FIRST + n))?;
            }
        }
        store.commit(batch)?;
        bar.inc(PIECE.unsigned_abs());
    }
    received.flush()?;
    bar.finish_and_clear();
    Ok(())
}

#[allow(clippy::cast_precision_loss)] // some thousand megabytes
pub(crate) async fn measure(plan: &Plan, trxs: i64, pending: i64) -> anyhow::Result<()> {
    ensure!(plan.server.is_none(), "a grown business is filled in a file: leave --postgres out");
    let wanted = Wanted::of(plan.members);
    let business = Business::new(plan, wanted)?;
    let settings = business.data.join("sandbox.toml");
    std::fs::write(&settings, "[sandbox]\n")?;
    let settings = settings.display().to_string();
    business.run(&["supplier", "add", "sandbox", "--file", &settings])?;
    business.run(&["user", "add", "reader", "--role", "readonly", "--password", PASSWORD])?;
    let mut table = Table::against(EMPTY);
    let began = Instant::now();
    fill(&business.data, trxs, pending, plan.members)?;
    table.figure("filled in", "s", began.elapsed().as_secs_f64());
    let size = std::fs::metadata(business.data.join("gerbang.db"))?.len() / 1_048_576;
    table.figure("its file", "MiB", size as f64);

    let began = Instant::now();
    let serving = business.serve()?;
    table.figure("start until it serves", "s", serving.started.as_secs_f64());
    let first = Ask::new(purchase("first", 1, 1), TAKEN);
    let wrong = Connection::open(serving.address).await?.ask(&first).await?;
    ensure!(wrong.is_none(), "the first purchase: {}", wrong.unwrap_or_default());
    let memory = |name: &str, table: &mut Table| -> anyhow::Result<()> {
        let mib = resident_kib(serving.id())? / 1_024;
        table.figure(name, "MiB", mib as f64);
        Ok(())
    };
    memory("memory after the first purchase", &mut table)?;
    recover(&serving, &mut table, (pending, began)).await?;
    let cookie = log_in(
        serving.address,
        "/console/login",
        &format!("login=reader&password={PASSWORD}&code="),
    )?;
    let headers = format!("Cookie: {cookie}; gerbang_lang=en\r\n");
    caught_up(&mut Connection::open(serving.address).await?, &headers).await?;
    table.figure("figures have followed the ledger after", "s", began.elapsed().as_secs_f64());
    memory("memory then", &mut table)?;

    let next = Arc::new(AtomicU64::new(1));
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let fresh = Serving::open(plan, wanted)?;
        let ask = purchases(plan.members, false, Arc::new(AtomicU64::new(1)));
        table.add(EMPTY, closed(&fresh.served(), plan.load(), ask).await?);
        drop(fresh);
        let ask = purchases(plan.members, false, next.clone());
        let grown = closed(&serving.served(), plan.load(), ask).await?;
        table.add("purchases, grown business", grown);
    }
    memory("memory at the end", &mut table)?;
    let set = format!(
        "{trxs} transactions, {pending} of them sent to the sandbox and open; {}; {}",
        wanted.shown(plan),
        serving.settings
    );
    head(plan, &set);
    table.finish()
}

/// Until all that were open are told, while members buy.
async fn recover(
    serving: &Serving,
    table: &mut Table,
    (pending, began): (i64, Instant),
) -> anyhow::Result<()> {
    let address = serving.address;
    let buyers = Buyers { address, rate: RATE, buyer: ten, next: Arc::new(AtomicU64::new(1)) };
    let (stop, buying) = buyers.begin();
    while serving.told(OLD).await?.0 < pending.unsigned_abs() {
        ensure!(began.elapsed() < Duration::from_secs(3_600), "they are not recovered in an hour");
        if buying.is_finished() {
            break; // What went wrong is told below.
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    table.figure(
        "open attempts asked about, settled and told after",
        "s",
        began.elapsed().as_secs_f64(),
    );
    stop.store(true, Ordering::Relaxed);
    let piece = buying.await??;
    table.add(&format!("purchases meanwhile, {RATE} a second"), piece.bought);
    table.figure("of them told to come again", "", piece.again as f64);
    Ok(())
}
