//! Pages of the console over a large business: the real program, a real login, one page at a time.

use crate::client::Connection;
use crate::meter::Measured;
use anyhow::{Context as _, bail, ensure};
use indicatif::ProgressBar;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a page may take at most, at the median.
const GOAL_MS: f64 = 50.0;
/// Rows of the days of the demo, about, without more of them.
const A_DEMO: u64 = 4_900;

/// The demo with a past, as a program of its own. Ended when dropped.
pub(crate) struct Program {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its folder.
    pub(crate) data: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// With about so many transactions.
    pub(crate) fn start(folder: &Path, program: &Path, trx: u64) -> anyhow::Result<Self> {
        let data = tempfile::tempdir_in(folder)?;
        let busy = trx.div_ceil(A_DEMO).max(1).to_string();
        let mut child = Command::new(program)
            .args(["demo", "--listen", "127.0.0.1:0", "--days", "30", "--busy", &busy, "--data"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let said = child.stdout.take().context("no output")?;
        let address = listening(said)?;
        Ok(Self { child, address, data })
    }
}

pub(crate) async fn measure(
    folder: &Path,
    program: &Path,
    trx: u64,
    rounds: usize,
) -> anyhow::Result<()> {
    let server = Program::start(folder, program, trx)?;
    let address = server.address;
    let cookie = log_in(address, "/console/login", "login=owner&password=demo-gerbang&code=")?;
    let headers = format!("Cookie: {cookie}; gerbang_lang=en\r\n");
    let mut connection = Connection::open(address).await?;
    caught_up(&mut connection, &headers).await?;
    let (no, count) = newest(&mut connection, &headers).await?;
    println!("{count} transactions, {rounds} of each page, one after the other");
    let pages = [
        "/console".to_owned(),
        "/console/trx".to_owned(),
        "/console/trx?state=pending".to_owned(),
        "/console/trx?member=OK00123".to_owned(),
        "/console/trx?product=T1&supplier=sandbox".to_owned(),
        format!("/console/trx/{no}"),
        "/console/trx?dest=081200000003".to_owned(),
        "/console/trx?sn=DEMO000000000001".to_owned(),
        "/console/trx?ref=demo100500000".to_owned(),
        "/console/suspects".to_owned(),
        "/console/members".to_owned(),
        "/console/members/OK00123".to_owned(),
        "/console/members/OK00123/statement".to_owned(),
        "/console/products".to_owned(),
        "/console/products/T1".to_owned(),
        "/console/suppliers".to_owned(),
        "/console/suppliers/sandbox".to_owned(),
        "/console/callbacks".to_owned(),
        "/console/money".to_owned(),
        "/console/money/closing".to_owned(),
        "/console/reconcile".to_owned(),
        "/console/reports?by=member".to_owned(),
        "/console/reports?by=product".to_owned(),
        "/console/journal".to_owned(),
    ];
    let mut slow = Vec::new();
    for page in pages {
        let mut measured = Measured::new()?;
        // The first one warms what is warm in a business that is worked with.
        connection.get(&page, &headers).await?;
        for _ in 0..rounds {
            let began = Instant::now();
            let body = connection.get(&page, &headers).await?;
            measured.add(began.elapsed());
            ensure!(body.contains("</html>"), "{page}: {body}");
        }
        let ms = |quantile| {
            let micros = measured.latencies.value_at_quantile(quantile);
            Duration::from_micros(micros).as_secs_f64() * 1e3
        };
        println!("{page:<44} p50 {:>7.1} ms  p99 {:>7.1} ms", ms(0.50), ms(0.99));
        if ms(0.50) >= GOAL_MS {
            slow.push(page);
        }
    }
    drop(server);
    match slow.is_empty() {
        true => println!("every page within {GOAL_MS} ms"),
        false => println!("slower than {GOAL_MS} ms: {}", slow.join(", ")),
    }
    Ok(())
}

/// The address that the program says it listens on.
fn listening(said: impl std::io::Read + Send + 'static) -> anyhow::Result<SocketAddr> {
    let mut lines = BufReader::new(said).lines();
    let address = loop {
        let line = lines.next().context("the program ended")??;
        if let Some(rest) = line.strip_prefix("console http://") {
            let found = rest.split('/').next().unwrap_or_default();
            break found.parse().with_context(|| line.clone())?;
        }
    };
    // Somebody must go on reading, or the program waits.
    std::thread::spawn(move || lines.for_each(drop));
    Ok(address)
}

/// The cookie of a session.
pub(crate) fn log_in(address: SocketAddr, door: &str, body: &str) -> anyhow::Result<String> {
    let began = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) if began.elapsed() > Duration::from_secs(60) => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    };
    write!(
        stream,
        "POST {door} HTTP/1.1\r\nHost: h2h\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let cookie = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
    });
    Ok(cookie.with_context(|| format!("no session: {answer}"))?.to_owned())
}

/// Waits until the figures have followed the ledger.
pub(crate) async fn caught_up(connection: &mut Connection, headers: &str) -> anyhow::Result<()> {
    let bar = ProgressBar::new_spinner().with_message("figures follow the ledger");
    let began = Instant::now();
    while connection.get("/console", headers).await?.contains("Movements to go") {
        bar.tick();
        if began.elapsed() > Duration::from_secs(1_800) {
            bail!("the figures do not catch up");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bar.finish_and_clear();
    println!("figures followed the ledger in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// The newest transaction, and how many there are by its number.
async fn newest(connection: &mut Connection, headers: &str) -> anyhow::Result<(i64, i64)> {
    let page = connection.get("/console/trx", headers).await?;
    let found = page.split("/console/trx/").nth(1).and_then(|rest| rest.split('"').next());
    let no: i64 = found.context("no transaction")?.parse()?;
    Ok((no, no - 100_000_000))
}
