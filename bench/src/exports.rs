//! Members buy while files are taken away: the program itself, quiet and with everybody exporting by turns.

use crate::Plan;
use crate::client::Connection;
use crate::demo::{Demo, OWNER, caught_up, log_in};
use crate::pace::{Buyers, demo};
use crate::table::{Table, head};
use anyhow::ensure;
use domain::numbered_day;
use indicatif::ProgressBar;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Who takes files away at one time.
const EXPORTS: usize = 24;
/// Purchases a second.
const RATE: u64 = 50;
/// Of a workbook.
const DAYS: i64 = 2;
const BESIDE: &str = "purchases while files are taken away";
/// What each of them logs in with.
const PASSWORD: &str = "kopi-pahit-sekali";

pub(crate) async fn measure(plan: &Plan, trx: u64) -> anyhow::Result<()> {
    let server = Demo::start(plan, trx)?;
    let address = server.address;
    let cookie = log_in(address, "/console/login", OWNER)?;
    let headers = format!("Cookie: {cookie}; gerbang_lang=en\r\n");
    caught_up(&mut Connection::open(address).await?, &headers).await?;
    let mut cookies = Vec::new();
    let bar = ProgressBar::new(EXPORTS.try_into()?).with_message("people are made");
    for number in 0..EXPORTS {
        let login = format!("taker{number}");
        server.run(&["user", "add", &login, "--role", "finance", "--password", PASSWORD])?;
        let form = format!("login={login}&password={PASSWORD}&code=");
        cookies.push(log_in(address, "/console/login", &form)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let buyers = Buyers { address, rate: RATE, buyer: demo, next: Arc::default() };
    let mut table = Table::against("");
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        for taking in [false, true] {
            let taken = taking.then(|| Taken::begin(address, &cookies));
            buyers.buy(plan.warm).await?;
            let piece = buyers.buy(plan.time).await?;
            ensure!(piece.again == 0, "{} purchases were told to come again", piece.again);
            let name = if taking { BESIDE } else { "purchases alone" };
            table.add(name, piece.bought);
            if let Some(taken) = taken {
                taken.end(&mut table).await?;
            }
        }
    }
    let set = format!(
        "{}; purchases {RATE} times a second at an even pace, {EXPORTS} people who take the member's statement away, \
         half a month as CSV, half {DAYS} days as a workbook; `demo --days 30`, about {trx} transactions",
        plan.times()
    );
    head(plan, &set);
    table.finish()
}

/// Files that are taken away while this lives.
struct Taken {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    all: tokio::task::JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    files: AtomicU64,
    bytes: AtomicU64,
    again: AtomicU64,
    wrong: AtomicU64,
}

impl Taken {
    /// Statements of the member that buys: half of the people take a month as CSV, half some days as
    /// a workbook.
    fn begin(address: SocketAddr, cookies: &[String]) -> Self {
        let today =
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
        let from = numbered_day(i64::try_from(today).unwrap_or_default() - DAYS).get();
        let from = format!("{}-{:02}-{:02}", from / 10_000, from / 100 % 100, from % 100);
        let (stop, mut all) = (Arc::new(AtomicBool::new(false)), tokio::task::JoinSet::new());
        let counts = Arc::<Counts>::default();
        for (number, cookie) in cookies.iter().enumerate() {
            let query =
                if number % 2 == 0 { "csv".to_owned() } else { format!("xlsx?from={from}") };
            let request = format!(
                "GET /console/members/OK00123/statement.{query} HTTP/1.1\r\nHost: h2h\r\n\
                 Connection: close\r\nCookie: {cookie}; gerbang_lang=en\r\n\
                 Sec-Fetch-Site: same-origin\r\n\r\n"
            );
            let (stop, counts) = (stop.clone(), counts.clone());
            all.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    take(address, &request, &counts).await;
                }
            });
        }
        Self { stop, counts, all }
    }

    async fn end(mut self, table: &mut Table) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        while self.all.join_next().await.is_some() {}
        let [files, bytes, again, wrong] =
            [&self.counts.files, &self.counts.bytes, &self.counts.again, &self.counts.wrong]
                .map(|count| count.load(Ordering::Relaxed));
        ensure!(files > 0 && wrong == 0, "{files} files taken away, {wrong} answers were wrong");
        for (name, unit, count) in [
            ("files taken away to their end", "", files),
            ("the same", "MiB", bytes >> 20),
            ("people told to come again", "", again),
        ] {
            table.figure(name, unit, f64::from(u32::try_from(count)?));
        }
        Ok(())
    }
}

/// Takes a file to its end.
async fn take(address: SocketAddr, request: &str, counts: &Counts) {
    let mut said = Vec::new();
    let read = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut said).await
    };
    let is_read = read.await.is_ok();
    let is_whole =
        said.ends_with(b"\r\n0\r\n\r\n") || said.windows(4).any(|four| four == b"PK\x05\x06");
    if is_read && said.starts_with(b"HTTP/1.1 200") && is_whole {
        counts.files.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(said.len().try_into().unwrap_or_default(), Ordering::Relaxed);
        return;
    }
    let is_busy = said.starts_with(b"HTTP/1.1 503");
    let count = if is_busy { &counts.again } else { &counts.wrong };
    count.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(200)).await;
}
