//! Members buy while files are taken away: the program itself, quiet and with everybody exporting by turns.

use crate::client::Connection;
use crate::meter::{Measured, line};
use crate::pages::{Program, caught_up, log_in};
use anyhow::{Context as _, ensure};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Who takes files away at one time.
const EXPORTS: usize = 24;
/// Purchases a second.
const RATE: u32 = 50;

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
    let credited = Command::new(program)
        .arg("--data")
        .arg(server.data.path())
        .args(["member", "credit", "OK00123", "1.000.000.000", "--note", "bench"])
        .output()?;
    ensure!(credited.status.success(), "{}", String::from_utf8_lossy(&credited.stderr));
    let next = AtomicU64::new(0);
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (kind, rows) in all.iter_mut().enumerate() {
            let taken = (kind == 1).then(|| Taken::begin(server.address)).transpose()?;
            rows.push(buy(server.address, time, &next).await?);
            if let Some(taken) = taken {
                println!("{}", taken.end().await);
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
    made: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    all: tokio::task::JoinSet<()>,
}

impl Taken {
    fn begin(address: SocketAddr) -> anyhow::Result<Self> {
        let (stop, mut all) = (Arc::new(AtomicBool::new(false)), tokio::task::JoinSet::new());
        let (made, refused) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        for number in 0..EXPORTS {
            let (door, form, file) = match number % 2 {
                0 => {
                    let login = ["owner", "admin", "finance"][number / 2 % 3];
                    let form = format!("login={login}&password=demo-gerbang&code=");
                    ("/console/login", form, "/console/members/OK00123/statement.xlsx")
                }
                _ => {
                    let form = "member=OK00123&password=secret&pin=123456".to_owned();
                    ("/portal/login", form, "/portal/statement.xlsx")
                }
            };
            let cookie = log_in(address, door, &form)?;
            let (stop, made, refused) = (stop.clone(), made.clone(), refused.clone());
            all.spawn(async move {
                let headers = format!("Cookie: {cookie}; gerbang_lang=en\r\n");
                while !stop.load(Ordering::Relaxed) {
                    let Ok(mut connection) = Connection::open(address).await else { return };
                    let said = connection.get(file, &headers).await.unwrap_or_default();
                    // A workbook is a zip.
                    let count = if said.starts_with("PK") { &made } else { &refused };
                    count.fetch_add(1, Ordering::Relaxed);
                    if !said.starts_with("PK") {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
            });
        }
        Ok(Self { stop, made, refused, all })
    }

    async fn end(mut self) -> String {
        self.stop.store(true, Ordering::Relaxed);
        self.all.abort_all();
        while self.all.join_next().await.is_some() {}
        let (made, refused) =
            (self.made.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed));
        format!("{made} files taken away, {refused} times told to come again")
    }
}
