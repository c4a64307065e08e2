//! Starts the program in a folder of its own; ends it by its own id.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

pub(crate) const WHO: &str = "memberID=OK00123&pin=123456&password=secret";

/// The same of a business of one's own, where what the demo prints is refused.
pub(crate) const OWN: &str = "memberID=OK00123&pin=480913&password=teh-manis-3";

/// A folder with a business in it.
pub(crate) struct House {
    pub(crate) folder: tempfile::TempDir,
    /// Not the demo: its member has the credentials of [`OWN`].
    pub(crate) is_own: AtomicBool,
    /// The database it shares with other nodes; its own file otherwise.
    pub(crate) database: Option<String>,
}

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Lines of stdout since "listening on".
    pub(crate) lines: Receiver<String>,
    /// Lines of stdout before it.
    pub(crate) opening: Vec<String>,
    log: PathBuf,
    /// What its member buys with.
    pub(crate) who: &'static str,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gerbang"));
    command
        .env_remove("GERBANG_DATA")
        .env_remove("GERBANG_DATABASE")
        .env_remove("GERBANG_MASTER_KEY")
        .env_remove("GERBANG_LOG");
    command
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, is_own: AtomicBool::new(false), database: None }
    }

    pub(crate) fn on(database: &str) -> Self {
        Self { database: Some(database.to_owned()), ..Self::new() }
    }

    /// The program, with this business' database.
    pub(crate) fn program(&self) -> Command {
        let mut command = program();
        if let Some(url) = &self.database {
            command.env("GERBANG_DATABASE", url);
        }
        command
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.program().arg("--data").arg(self.data()).args(words).output().unwrap()
    }

    /// Runs a command that must succeed; its stdout.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words:?}: {errors}{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail; its stderr.
    pub(crate) fn fails(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(!output.status.success(), "{words:?} went well: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn json(&self, words: &[&str]) -> serde_json::Value {
        let mut all = vec!["--json"];
        all.extend(words);
        serde_json::from_str(&self.ok(&all)).unwrap()
    }

    /// The books hold, from where this was asked before on, and read from the first row.
    pub(crate) fn holds(&self) {
        self.proved();
        assert_eq!(self.json(&["verify"])["holds"], true);
    }

    /// The books hold from where this was asked before on.
    pub(crate) fn proved(&self) -> serde_json::Value {
        let file = self.folder.path().join("proof");
        let told = self.json(&["verify", "--checkpoint", file.to_str().unwrap()]);
        assert_eq!(told["holds"], true);
        told
    }

    /// Writes a key on top of what is configured here, or of nothing yet.
    pub(crate) fn configure(&self, key: &str, value: &str) {
        let config = self.data().join("gerbang.toml");
        let old = std::fs::read_to_string(&config).unwrap_or_default();
        let kept = old.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
        if !self.data().exists() {
            std::fs::DirBuilder::new().mode(0o700).create(self.data()).unwrap();
        }
        std::fs::write(&config, format!("{key} = {value}\n{kept}\n")).unwrap();
    }

    /// For tests that buy faster than a member may by itself.
    pub(crate) fn without_rates(&self) {
        self.configure("requests_per_second_per_member", "0");
    }

    /// For tests that look at figures.
    pub(crate) fn with_metrics(&self) {
        self.configure("metrics_listen", "\"127.0.0.1:0\"");
    }

    /// A new business, served on a free port, behind a proxy on this machine or not.
    pub(crate) fn found(&self, proxied: bool) {
        self.ok(&["init"]);
        let config = self.data().join("gerbang.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let mut text = text.replace("127.0.0.1:8080", "127.0.0.1:0");
        if proxied {
            text = text.replace("trusted_proxies = []", "trusted_proxies = [\"127.0.0.0/8\"]");
        }
        std::fs::write(&config, text).unwrap();
        self.without_rates();
    }

    /// Adds the member of [`OWN`].
    pub(crate) fn add_member(&self) {
        let add = ["member", "add", "OK00123", "--name", "Toko", "--pin", "480913"];
        self.ok(&[&add[..], &["--password", "teh-manis-3"]].concat());
        self.is_own.store(true, Ordering::Relaxed);
    }

    /// A supplier that delivers nothing.
    pub(crate) fn add_sandbox(&self) {
        let file = self.folder.path().join("sandbox.toml");
        std::fs::write(&file, "[sandbox]\n").unwrap();
        self.ok(&["supplier", "add", "sandbox", "--file", file.to_str().unwrap()]);
    }

    /// Its servers tell their metrics.
    pub(crate) fn metered() -> Self {
        let house = Self::new();
        house.with_metrics();
        house
    }

    /// The demo, without rates and with figures.
    pub(crate) fn demo(&self) -> Server {
        self.without_rates();
        self.with_metrics();
        self.start(self.program(), &["demo", "--listen", "127.0.0.1:0", "--days", "0"])
    }

    /// The same with a made-up past.
    pub(crate) fn lively_demo(&self, days: &str) -> Server {
        self.without_rates();
        self.start(self.program(), &["demo", "--listen", "127.0.0.1:0", "--days", days])
    }

    pub(crate) fn serve(&self) -> Server {
        self.start(self.program(), &["serve"])
    }

    pub(crate) fn start(&self, command: Command, words: &[&str]) -> Server {
        self.try_start(command, words).unwrap_or_else(|log| panic!("did not start: {log}"))
    }

    /// The same for a program that may die before it listens; its log then.
    pub(crate) fn try_start(&self, mut command: Command, words: &[&str]) -> Result<Server, String> {
        let log = self.folder.path().join("stderr.log");
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        command.arg("--data").arg(self.data()).args(words);
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let mut opening = Vec::new();
        let address = loop {
            let Ok(line) = lines.recv_timeout(Duration::from_secs(120)) else {
                let _ = child.kill();
                let _ = child.wait();
                return Err(std::fs::read_to_string(&log).unwrap());
            };
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.parse().unwrap();
            }
            opening.push(line);
        };
        let who = if self.is_own.load(Ordering::Relaxed) { OWN } else { WHO };
        Ok(Server { child, address, lines, opening, log, who })
    }
}

impl Server {
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGSTOP and SIGCONT. It stands still when this returns: until its first thread finds the signal
    /// the others go on.
    pub(crate) fn freeze(&self, frozen: bool) {
        use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
        let (pid, signal) =
            (Pid::from_child(&self.child), if frozen { Signal::STOP } else { Signal::CONT });
        kill_process(pid, signal).unwrap();
        if frozen {
            let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
            assert!(status.stopped(), "{status:?}");
        }
    }

    /// True when it ended by itself.
    pub(crate) fn is_gone(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The door of metrics, where it was asked for.
    pub(crate) fn metrics_at(&self) -> SocketAddr {
        let line = self.opening.iter().find_map(|line| line.strip_prefix("metrics on http://"));
        line.unwrap().strip_suffix("/metrics").unwrap().parse().unwrap()
    }

    /// How often anything broke.
    pub(crate) fn panics(&self) -> u64 {
        let text = self.metrics();
        let line = text.lines().find_map(|line| line.strip_prefix("gerbang_panics "));
        line.expect("panics are counted").parse().unwrap()
    }

    /// What is told there.
    pub(crate) fn metrics(&self) -> String {
        let (status, body) = get(self.metrics_at(), "/metrics").unwrap();
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(crate) fn get(&self, target: &str) -> (u16, String) {
        get(self.address, target).unwrap()
    }

    pub(crate) fn buy(&self, ref_id: &str) -> (u16, String) {
        self.get(&format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{}", self.who))
    }

    pub(crate) fn check(&self, ref_id: &str) -> String {
        self.get(&format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{}&check=1", self.who))
            .1
    }

    /// Waits until a line of stdout contains a text.
    pub(crate) fn line_with(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(90)).unwrap();
            if line.contains(text) {
                return line;
            }
            assert!(began.elapsed() < Duration::from_secs(90), "no line with {text}");
        }
    }
}

/// The answer to a purchase of which nobody knows whether it was taken: under way, without a number.
pub(crate) fn is_not_known(status: u16, body: &str) -> bool {
    status == 200 && body.starts_with("Mhn tunggu trx sblmnya selesai: R#")
}

/// One request; status and body. An error when the other side went away.
pub(crate) fn get(address: SocketAddr, target: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let request = format!("GET {target} HTTP/1.1\r\nHost: h2h\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let cut = || std::io::Error::other(format!("half an answer: {answer:?}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(cut)?;
    Ok((status, body.to_owned()))
}

/// Every second column of a `sandbox.log`: what the supplier received.
pub(crate) fn received(house: &House) -> Vec<String> {
    let text = std::fs::read_to_string(house.data().join("sandbox.log")).unwrap();
    text.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect()
}
