//! Pages of the console over a large business while members buy: the real program, a real login, one page at
//! a time.

use crate::Plan;
use crate::client::Connection;
use crate::demo::{Demo, OWNER, caught_up, log_in};
use crate::meter::Measured;
use crate::pace::{Buyers, demo};
use crate::table::{Table, head};
use anyhow::{Context as _, ensure};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What a page may take at most, at the median.
const GOAL_MS: f64 = 50.0;
/// Purchases a second meanwhile.
const RATE: u64 = 50;
const PAGES: [&str; 23] = [
    "/console",
    "/console/trx",
    "/console/trx?state=pending",
    "/console/trx?member=OK00123",
    "/console/trx?product=T1&supplier=sandbox",
    "/console/trx?dest=081200000003",
    "/console/trx?sn=DEMO000000000001",
    "/console/trx?ref=demo100500000",
    "/console/suspects",
    "/console/members",
    "/console/members/OK00123",
    "/console/members/OK00123/statement",
    "/console/products",
    "/console/products/T1",
    "/console/suppliers",
    "/console/suppliers/sandbox",
    "/console/callbacks",
    "/console/money",
    "/console/money/closing",
    "/console/reconcile",
    "/console/reports?by=member",
    "/console/reports?by=product",
    "/console/journal",
];

pub(crate) async fn measure(plan: &Plan, trx: u64, samples: u64) -> anyhow::Result<()> {
    let server = Demo::start(plan, trx)?;
    let address = server.address;
    let cookie = log_in(address, "/console/login", OWNER)?;
    let headers = format!("Cookie: {cookie}; gerbang_lang=en\r\n");
    let mut connection = Connection::open(address).await?;
    caught_up(&mut connection, &headers).await?;
    let (no, count) = newest(&mut connection, &headers).await?;
    let one = format!("/console/trx/{no}");
    let buyers = Buyers { address, rate: RATE, buyer: demo, next: Arc::default() };
    let (stop, buying) = buyers.begin();
    let (mut table, mut slow) = (Table::against(""), Vec::new());
    for page in PAGES.into_iter().chain([one.as_str()]) {
        // The first one warms what is warm in a business that is worked with.
        connection.get(page, &headers).await?;
        let (mut measured, first) = (Measured::new()?, Instant::now());
        for _ in 0..samples {
            let began = Instant::now();
            let answer = connection.send(page, &headers).await?;
            let took = began.elapsed();
            let said = String::from_utf8_lossy(answer.body);
            if answer.status == 200 && said.contains("</html>") {
                measured.add(took);
            } else {
                measured.odd(|| format!("{} {said}", answer.status));
            }
        }
        measured.time = first.elapsed();
        if measured.ms(0.5) >= GOAL_MS {
            slow.push(page);
        }
        table.add(&format!("`{page}`"), measured);
    }
    stop.store(true, Ordering::Relaxed);
    let bought = buying.await??;
    ensure!(bought.again == 0, "{} purchases were told to come again", bought.again);
    table.add("purchases meanwhile", bought.bought);
    drop(server);
    let set = format!(
        "one connection, {samples} of each page one after the other; `demo --days 30`, {count} transactions, \
         its member buys {RATE} times a second"
    );
    head(plan, &set);
    table.finish()?;
    match slow.is_empty() {
        true => println!("every page within {GOAL_MS} ms"),
        false => println!("slower than {GOAL_MS} ms: {}", slow.join(", ")),
    }
    Ok(())
}

/// The newest transaction, and how many there are by its number.
async fn newest(connection: &mut Connection, headers: &str) -> anyhow::Result<(i64, i64)> {
    let page = connection.get("/console/trx", headers).await?;
    let found = page.split("/console/trx/").nth(1).and_then(|rest| rest.split('"').next());
    let no: i64 = found.context("no transaction")?.parse()?;
    Ok((no, no - 100_000_000))
}
