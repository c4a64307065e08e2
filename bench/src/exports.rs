//! Members buy while files are taken away: the program itself, quiet and with everybody exporting by turns.

use crate::client::Connection;
use crate::meter::{Measured, line};
use crate::pages::{Program, caught_up, log_in};
use anyhow::{Context as _, ensure};
use domain::numbered_day;
use indicatif::ProgressBar;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Who takes files away at one time.
const EXPORTS: usize = 24;
/// Purchases a second.
const RATE: u32 = 50;
/// Of a workbook.
const DAYS: i64 = 2;
/// What each of them logs in with.
const PASSWORD: &str = "kopi-pahit-sekali";

pub(crate) async fn measure(
    folder: &Path,
    program: &Path,
    trx: u64,
    (time, rounds): (Duration, usize),
) -> anyhow::Result<()> {
    let server = Program::start(folder, program, trx)?;
    let owner = "login=owner&password=demo-gerbang&code=";
    let cookie = log_in(server.address, "/console/login", owner)?;
    let headers = format!("Cookie: {cookie}; gerbang_lang=en\r\n");
    caught_up(&mut Connection::open(server.address).await?, &headers).await?;
    let run = |words: &[&str]| -> anyhow::Result<()> {
        let data = server.data.path();
        let output = Command::new(program).arg("--data").arg(data).args(words).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    run(&["member", "credit", "OK00123", "1.000.000.000", "--note", "bench"])?;
    let mut cookies = Vec::new();
    let bar = ProgressBar::new(EXPORTS.try_into()?).with_message("people are made");
    for number in 0..EXPORTS {
        let login = format!("taker{number}");
        run(&["user", "add", &login, "--role", "finance", "--password", PASSWORD])?;
        let form = format!("login={login}&password={PASSWORD}&code=");
        cookies.push(log_in(server.address, "/console/login", &form)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let next = AtomicU64::new(0);
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (kind, rows) in all.iter_mut().enumerate() {
            let taken = (kind == 1).then(|| Taken::begin(server.address, &cookies));
            rows.push(buy(server.address, time, &next).await?);
            if let Some(taken) = taken {
                println!("{}", taken.end().await?);
            }
        }
    }
    let [quiet, exported] = all.map(middle);
    let (quiet, exported) = (quiet.context("no round")?, exported.context("no round")?);
    line("quiet", &quiet, None);
    line(&format!("{EXPORTS} take files away"), &exported, Some(&quiet));
    Ok(())
}

/// The round with the middle p99.
fn middle(mut rounds: Vec<Measured>) -> Option<Measured> {
    rounds.sort_by_key(|round| round.latencies.value_at_quantile(0.99));
    let at = rounds.len() / 2;
    (at < rounds.len()).then(|| rounds.swap_remove(at))
}

/// Buys at an even pace; timed from when each was due.
async fn buy(address: SocketAddr, time: Duration, next: &AtomicU64) -> anyhow::Result<Measured> {
    let (began, mut measured) = (Instant::now(), Measured::new()?);
    let mut due = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut tasks = tokio::task::JoinSet::new();
    while began.elapsed() < time {
        let at = due.tick().await.into_std();
        let number = next.fetch_add(1, Ordering::Relaxed);
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let target = format!(
                "/trx?product=T1&dest=0896{:08}&refID=x{number}&memberID=OK00123&pin=123456&password=secret",
                number % 100_000_000
            );
            let said = connection.get(&target, "").await?;
            ensure!(said.contains("akan diproses"), "{said}");
            Ok(at.elapsed())
        });
    }
    while let Some(done) = tasks.join_next().await {
        measured.add(done??);
    }
    measured.time = began.elapsed();
    Ok(measured)
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

    async fn end(mut self) -> anyhow::Result<String> {
        self.stop.store(true, Ordering::Relaxed);
        while self.all.join_next().await.is_some() {}
        let [files, bytes, again, wrong] =
            [&self.counts.files, &self.counts.bytes, &self.counts.again, &self.counts.wrong]
                .map(|count| count.load(Ordering::Relaxed));
        ensure!(files > 0 && wrong == 0, "{files} files taken away, {wrong} answers were wrong");
        let mib = bytes >> 20;
        Ok(format!("{files} files ({mib} MiB) taken away, {again} times told to come again"))
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
