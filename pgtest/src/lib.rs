//! A throw-away PostgreSQL for tests and benchmarks: its own folder, its own port on loopback, ended
//! by its own id. It is never anybody's business.

mod proxy;

pub use proxy::{Proxy, Way};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest life of a server, should nobody end it.
const LIFE: &str = "3600";

/// A running server; ended, and its folder removed, when dropped.
pub struct Server {
    bin: PathBuf,
    folder: tempfile::TempDir,
    child: Option<Child>,
    port: u16,
}

/// Where PostgreSQL's programs are: `PGBIN`, or the newest of Debian's places.
///
/// # Errors
/// When there is none.
pub fn bin() -> anyhow::Result<PathBuf> {
    if let Some(bin) = std::env::var_os("PGBIN") {
        return Ok(bin.into());
    }
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .context("PostgreSQL is not installed; `cargo xtask test` installs it")?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("postgres").exists())
        .collect();
    found.sort();
    found.pop().context("PostgreSQL is not installed; `cargo xtask test` installs it")
}

/// PostgreSQL does not run as root; its own user does it then.
fn as_its_user(command: &mut Command) -> anyhow::Result<()> {
    if !rustix::process::getuid().is_root() {
        return Ok(());
    }
    let (uid, gid) = its_user()?;
    command.uid(uid).gid(gid);
    Ok(())
}

fn its_user() -> anyhow::Result<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line.context("there is no user postgres")?.split(':').skip(2);
    let mut next = || fields.next().context("a short line in /etc/passwd");
    Ok((next()?.parse()?, next()?.parse()?))
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// A fresh server; `settings` are lines of `postgresql.conf`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn start(settings: &[&str]) -> anyhow::Result<Self> {
        let server = Self::empty()?;
        let data = server.data();
        let mut make = server.program("initdb");
        make.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale", "C", "-N", "-D"]);
        let made = make.arg(&data).output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.configure(settings)?;
        server.running()
    }

    /// A standby of this server, streaming from it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn standby(&self, name: &str, settings: &[&str]) -> anyhow::Result<Self> {
        let server = Self::empty()?;
        let mut copy = server.program("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "-R", "-X", "stream", "-c", "fast"]);
        copy.args(["-p", &self.port.to_string(), "-D"]);
        let made = copy.arg(server.data()).output()?;
        ensure!(made.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&made.stderr));
        let port = self.port;
        let follow = format!(
            "primary_conninfo = 'host=127.0.0.1 port={port} user=postgres application_name={name}'"
        );
        let mut all = vec![follow.as_str()];
        all.extend(settings);
        server.configure(&all)?;
        server.running()
    }

    /// A server whose commits a standby confirms, and that standby.
    ///
    /// # Errors
    /// When they cannot be made, or the standby is not synchronous within half a minute.
    pub fn start_pair() -> anyhow::Result<(Self, Self)> {
        let primary = Self::start(&[])?;
        let standby = primary.standby("two", &["synchronous_standby_names = ''"])?;
        primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'two'")?;
        primary.sql("postgres", "SELECT pg_reload_conf()")?;
        let began = Instant::now();
        while primary.sql("postgres", "SELECT sync_state FROM pg_stat_replication")? != "sync" {
            ensure!(began.elapsed() < Duration::from_secs(30), "the standby is not synchronous");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok((primary, standby))
    }

    fn empty() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        if rustix::process::getuid().is_root() {
            let (uid, gid) = its_user()?;
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid))?;
        }
        Ok(Self { bin: bin()?, folder, child: None, port: free_port()? })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        // Without its user it says itself what is wrong.
        let _ = as_its_user(&mut command);
        command
    }

    fn configure(&self, settings: &[&str]) -> anyhow::Result<()> {
        let path = self.data().join("postgresql.auto.conf");
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        text.push_str("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\n");
        text.push_str("max_connections = 100\nwal_level = replica\nmax_wal_senders = 5\n");
        for line in settings {
            text.push_str(line);
            text.push('\n');
        }
        std::fs::write(&path, text)?;
        Ok(())
    }

    fn running(mut self) -> anyhow::Result<Self> {
        self.restart()?;
        Ok(self)
    }

    /// Starts it again on the same port, and waits until it answers.
    ///
    /// # Errors
    /// When it does not answer within a minute.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))?;
        let mut command = Command::new("timeout");
        command.args(["-s", "QUIT", LIFE]).arg(self.bin.join("postgres"));
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        as_its_user(&mut command)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        self.child = Some(child);
        let began = Instant::now();
        while self.sql("postgres", "SELECT 1").is_err() {
            if began.elapsed() > Duration::from_secs(60) {
                bail!("PostgreSQL does not start: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The postmaster's own id: the first line of its file.
    fn pid(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
    }

    fn end_with(&mut self, signal: Signal) {
        if let Some(pid) = self.pid() {
            // One that is gone already is what was wanted.
            let _ = kill_process(pid, signal);
        }
        if let Some(mut child) = self.child.take() {
            let began = Instant::now();
            while child.try_wait().is_ok_and(|status| status.is_none()) {
                if began.elapsed() > Duration::from_secs(20) {
                    let _ = child.kill();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// kill -9 of the postmaster; its children go with it.
    pub fn kill_nine(&mut self) {
        self.end_with(Signal::KILL);
        // Backends notice within moments; the next start needs their shared memory gone.
        std::thread::sleep(Duration::from_millis(300));
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
    }

    /// Makes a standby the primary.
    ///
    /// # Errors
    /// When it refuses.
    pub fn promote(&self) -> anyhow::Result<()> {
        self.sql("postgres", "SELECT pg_promote(true, 30)").map(drop)
    }

    /// The process it runs below, for whoever counts its processor time.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A new, empty database; its URL.
    ///
    /// # Errors
    /// What the server says.
    pub fn database(&self, name: &str) -> anyhow::Result<String> {
        self.sql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(name))
    }

    /// True when there is such a database.
    #[must_use]
    pub fn has(&self, database: &str) -> bool {
        self.sql(database, "SELECT 1").is_ok()
    }

    /// Runs statements; the rows as text, columns apart by `|`.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        psql(&self.bin, &self.url(database), sql)
    }
}

impl Server {
    /// PostgreSQL's own benchmark, `-N`, on tables made for it: transactions a second.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pgbench(&self, clients: u32, seconds: u64) -> anyhow::Result<f64> {
        let url = self.url("postgres");
        let made =
            Command::new(self.bin.join("pgbench")).args(["-q", "-i", "-s", "20", &url]).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (clients, seconds) = (clients.to_string(), seconds.to_string());
        let ran = Command::new(self.bin.join("pgbench"))
            .args(["-N", "-n", "-M", "prepared", "-j", "2", "-c", &clients, "-T", &seconds, &url])
            .output()?;
        let said = String::from_utf8_lossy(&ran.stdout);
        let line = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let number = line.and_then(|rest| rest.split(' ').next()?.parse().ok());
        number.with_context(|| format!("pgbench: {said}"))
    }
}

fn psql(bin: &Path, url: &str, sql: &str) -> anyhow::Result<String> {
    let done = Command::new(bin.join("psql"))
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
        .env("PGCONNECT_TIMEOUT", "5")
        .output()?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end_with(Signal::QUIT);
    }
}
