//! The demo with a past as a process of its own, and its console from outside: a login, and the wait until its
//! figures are there.

use crate::Plan;
use crate::client::Connection;
use crate::process::Process;
use anyhow::{Context as _, bail, ensure};
use indicatif::ProgressBar;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Rows of the days of the demo, about, without more of them.
const A_DEMO: u64 = 4_900;
/// The member of the demo.
pub(crate) const MEMBER: &str = "OK00123";
/// A login of the demo's owner.
pub(crate) const OWNER: &str = "login=owner&password=demo-gerbang&code=";

/// A running demo.
pub(crate) struct Demo {
    _process: Process,
    program: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    data: tempfile::TempDir,
}

impl Demo {
    /// With about so many transactions, and enough money for its member.
    pub(crate) fn start(plan: &Plan, trx: u64) -> anyhow::Result<Self> {
        ensure!(plan.server.is_none(), "the demo is in a file: leave --postgres out");
        let data = tempfile::tempdir_in(&plan.folder)?;
        let busy = trx.div_ceil(A_DEMO).max(1).to_string();
        let mut command = Command::new(&plan.program);
        // Its log would stand between the figures.
        command
            .env("GERBANG_LOG", "warn")
            .args(["demo", "--listen", "127.0.0.1:0", "--days", "30", "--busy", &busy, "--data"])
            .arg(data.path());
        let mut address = None;
        let (process, address) = Process::start(&mut command, |line| {
            let found =
                line.strip_prefix("console http://").and_then(|rest| rest.split('/').next());
            address = address.or(found.and_then(|found| found.parse().ok()));
            // Its socket takes commands from here on.
            address.filter(|_| line.starts_with("listening on "))
        })?;
        let demo = Self { _process: process, program: plan.program.clone(), address, data };
        demo.run(&["member", "credit", MEMBER, "1.000.000.000", "--note", "bench"])?;
        Ok(demo)
    }

    /// A command that must succeed.
    pub(crate) fn run(&self, words: &[&str]) -> anyhow::Result<()> {
        let output =
            Command::new(&self.program).arg("--data").arg(self.data.path()).args(words).output()?;
        ensure!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
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
        if began.elapsed() > Duration::from_secs(7_200) {
            bail!("the figures do not catch up");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bar.finish_and_clear();
    println!("figures followed the ledger in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}
