//! Crashes in a loop, at random moments and at chosen places: what was answered is there, the
//! suppliers' truth is ours, nothing is sent twice, every final state is told. Both suppliers have
//! faults of their own: time-outs, garbage, redirects, callbacks that are lost, doubled or contradicted.
//!
//! `GERBANG_CRASH_CYCLES` sets how many; `GERBANG_CRASH_SEED` repeats the moments.

use super::rig::{House, OWN, Server, get, is_not_known, program};
use super::suppliers::{Upstream, all_of, business, okeconnect, upstream, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The n-th number of a seed.
pub(crate) fn mixed(seed: u64, n: u64) -> u64 {
    simulator::chance(seed, &n.to_string(), "")
}

type Told = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// The member's own end: remembers every message by reference. Ends with the test.
fn receiver() -> (SocketAddr, Told) {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let told: Told = Arc::default();
    let heard = told.clone();
    std::thread::spawn(move || {
        for stream in tcp.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            // Half a line is a request that never came.
            if reader.read_line(&mut line).is_err() || !line.ends_with('\n') {
                continue;
            }
            let query = line.split(' ').nth(1).and_then(|target| target.split_once('?'));
            if let Some((_, query)) = query
                && let Some((ref_id, message)) = wire::callback_query(query.as_bytes())
            {
                heard.lock().unwrap().entry(ref_id).or_default().insert(message);
            }
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK");
        }
    });
    (address, told)
}

/// Purchases in a hundred that meet a fault at a supplier.
const FAULTS: u64 = 8;
/// The suppliers of a trial, the first one first.
const SUPPLIERS: [&str; 2] = ["up", "next"];

/// A business at two simulated suppliers, its member's receiver, and everything that was answered.
pub(crate) struct Trial {
    pub(crate) house: House,
    ups: [Upstream; 2],
    told: Told,
    pub(crate) accepted: BTreeMap<String, String>,
    references: u64,
    answered: Arc<AtomicU64>,
}

impl Trial {
    pub(crate) fn new() -> Self {
        Self::of(House::new())
    }

    /// In this house.
    pub(crate) fn of(house: House) -> Self {
        let ups = [upstream(11, FAULTS), upstream(12, FAULTS)];
        let settings = ups.each_ref().map(|up| okeconnect(&up.simulator.address.to_string()));
        let [first, second] = SUPPLIERS;
        business(&house, &[(first, &settings[0]), (second, &settings[1])]);
        for supplier in SUPPLIERS {
            house.ok(&["supplier", "set", supplier, "--check-after-ms", "300"]);
        }
        let (address, told) = receiver();
        let callback = format!("http://{address}/h2h");
        house.ok(&["member", "set", "OK00123", "--callback", &callback]);
        Self {
            house,
            ups,
            told,
            accepted: BTreeMap::new(),
            references: 0,
            answered: Arc::default(),
        }
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_as(self.house.program()).unwrap()
    }

    #[cfg(feature = "crash-points")]
    fn try_serve(&self, crash_at: &str) -> Result<Server, String> {
        let mut command = self.house.program();
        command.env("GERBANG_CRASH_AT", crash_at);
        self.serve_as(command)
    }

    /// The program, started in a way of the test's own.
    pub(crate) fn serve_as(&self, command: Command) -> Result<Server, String> {
        let server = self.house.try_start(command, &["serve"])?;
        self.call_back(server.address);
        Ok(server)
    }

    /// Suppliers call this node from now on.
    pub(crate) fn call_back(&self, node: SocketAddr) {
        for (supplier, up) in SUPPLIERS.iter().zip(&self.ups) {
            up.simulator.call_back(&format!("http://{node}/callback/{supplier}/hush"));
        }
    }

    /// How often the log says so.
    pub(crate) fn said(&self, words: &str) -> usize {
        let log = self.house.folder.path().join("stderr.log");
        std::fs::read_to_string(log).unwrap().matches(words).count()
    }

    /// Clients that buy until they are stopped or the server is gone.
    pub(crate) fn load(&mut self, address: SocketAddr, stop: &Arc<AtomicBool>) -> Vec<Client> {
        // The proof of what follows goes on from here.
        self.house.proved();
        (0..4)
            .map(|_| {
                self.references += 1;
                let (name, stop) = (format!("c{}", self.references), stop.clone());
                let answered = self.answered.clone();
                std::thread::spawn(move || buy_on(address, &name, &stop, &answered))
            })
            .collect()
    }

    /// Waits until so many purchases more than these were answered.
    pub(crate) fn reaches(&self, before: u64, more: u64) {
        wait_until("there is load", Duration::from_secs(60), || self.answered() >= before + more);
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn join(&mut self, clients: Vec<Client>) {
        for client in clients {
            self.accepted.extend(client.join().unwrap());
        }
    }

    /// True when a supplier said of one attempt that it is delivered, and that it failed.
    fn heard_both(&self, trx: &str) -> bool {
        let story = self.house.ok(&["trx", "show", trx]).replace("%20", " ");
        (1..=SUPPLIERS.len()).any(|n| {
            let reference = format!("g-{trx}-{n}");
            let said: Vec<&str> = story
                .split("exchange  ")
                .filter(|part| part.split_whitespace().nth(1) == Some("supplier"))
                .filter(|part| part.contains(&reference))
                .collect();
            let any = |words: [&str; 2]| {
                said.iter().any(|part| words.iter().any(|word| part.contains(word)))
            };
            any([" SUKSES", "status Sukses"]) && any([" GAGAL", "status Gagal"])
        })
    }

    /// The books hold; everything that was answered is there under the number it was answered with.
    pub(crate) fn is_whole(&self) {
        self.house.holds();
        let there: BTreeMap<String, String> = all_of(&self.house)
            .iter()
            .map(|row| (row["ref"].as_str().unwrap().to_owned(), row["trx"].to_string()))
            .collect();
        for (ref_id, no) in &self.accepted {
            assert_eq!(there.get(ref_id), Some(no), "{ref_id} was answered and is lost");
        }
    }

    fn is_settled(&self) {
        wait_until("everything settles", Duration::from_secs(300), || {
            let open = self.house.json(&["trx", "list", "--state", "pending", "--limit", "1"]);
            let due = self.house.json(&["callback", "list", "--state", "due", "--limit", "1"]);
            open.as_array().unwrap().is_empty() && due.as_array().unwrap().is_empty()
        });
    }

    /// Serves until nothing is left over.
    pub(crate) fn settles(&self) {
        let _server = self.serve();
        self.is_settled();
    }

    /// After everything settled: the suppliers' truth is ours, and every final state was told.
    pub(crate) fn is_true(&self) -> Figures {
        self.is_settled();
        self.is_whole();
        let mut figures = Figures { acked: self.accepted.len(), ..Figures::default() };
        let mut delivered: BTreeMap<String, (u32, bool)> = BTreeMap::new();
        for row in
            self.ups.iter().flat_map(|up| up.simulator.books().ledger().as_array().unwrap().clone())
        {
            figures.sent += 1;
            figures.sent_again += usize::from(row["asked"] != 1);
            let trx = row["ref"].as_str().unwrap().split('-').nth(1).unwrap();
            let (times, opposed) = delivered.entry(trx.to_owned()).or_default();
            *times += u32::from(row["state"] == "delivered");
            *opposed |= row["contradicted"] == true;
        }
        let told = self.told.lock().unwrap();
        for row in all_of(&self.house) {
            let (trx, ref_id) = (row["trx"].to_string(), row["ref"].as_str().unwrap().to_owned());
            figures.found += usize::from(self.accepted.get(&ref_id) == Some(&trx));
            let (times, opposed) = delivered.get(trx.as_str()).copied().unwrap_or_default();
            let messages = told.get(&ref_id).map_or(0, BTreeSet::len);
            if opposed {
                figures.contradicted += 1;
                // What it said while nobody was there was never heard: who delivers, is not heard, and says
                // that it failed, has it bought elsewhere as well.
                let told_of = !row["suspect"].is_null() || !self.heard_both(&trx);
                assert!(told_of, "a contradiction nobody is told of: {row}");
                assert!((1..=2).contains(&messages), "told in {messages} ways: {row}");
                continue;
            }
            figures.delivered_again += usize::from(times > 1);
            assert_eq!(row["state"] == "success", times == 1, "delivered {times} times: {row}");
            assert_eq!(messages, 1, "told in {messages} ways: {row}");
        }
        assert_eq!(figures.found, figures.acked, "{figures:?}");
        assert_eq!((figures.sent_again, figures.delivered_again), (0, 0), "{figures:?}");
        figures
    }
}

/// What was counted of a trial.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) acked: usize,
    /// Of those, under the number that was answered.
    pub(crate) found: usize,
    /// References that suppliers received, and those that they received more than once.
    pub(crate) sent: usize,
    pub(crate) sent_again: usize,
    pub(crate) delivered_again: usize,
    pub(crate) contradicted: usize,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lost = self.acked - self.found;
        let twice = self.sent_again + self.delivered_again;
        write!(f, "acked {}, found {}, lost {lost}, ", self.acked, self.found)?;
        write!(f, "sent {}, twice {twice}, contradicted {}", self.sent, self.contradicted)
    }
}

pub(crate) type Client = JoinHandle<Vec<(String, String)>>;

fn buy_on(
    address: SocketAddr,
    name: &str,
    stop: &AtomicBool,
    answered: &AtomicU64,
) -> Vec<(String, String)> {
    let mut accepted = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let ref_id = format!("{name}-{number}");
        let dest = format!("0896{:08}", mixed(1, number) % 100_000_000);
        let target = format!("/trx?product=T1&dest={dest}&refID={ref_id}&{OWN}");
        match get(address, &target) {
            Ok((200, body)) if body.contains("akan diproses") => {
                let no = body.split([' ', '#']).nth(1).unwrap().to_owned();
                accepted.push((ref_id, no));
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok((503, _)) => {}
            Ok((status, body)) if is_not_known(status, &body) => {}
            Ok(other) => panic!("{other:?}"),
            Err(_) => break,
        }
        // A shop, not a benchmark: the loop is about crashes.
        std::thread::sleep(Duration::from_millis(2));
    }
    accepted
}

#[test]
#[allow(clippy::print_stdout)]
fn kill_nine_in_a_loop() {
    let (cycles, seed) = (number("GERBANG_CRASH_CYCLES", 20), number("GERBANG_CRASH_SEED", 7));
    println!("seed {seed}, {cycles} cycles");
    let mut trial = Trial::new();
    for cycle in 0..cycles {
        let server = trial.serve();
        let stop = Arc::new(AtomicBool::new(false));
        let before = trial.answered();
        let clients = trial.load(server.address, &stop);
        std::thread::sleep(Duration::from_millis(30 + mixed(seed, cycle) % 500));
        trial.reaches(before, 3);
        server.kill();
        stop.store(true, Ordering::Relaxed);
        trial.join(clients);
        if cycle % 10 == 9 {
            trial.is_whole();
        }
    }
    let _server = trial.serve();
    println!("{} purchases were answered", trial.accepted.len());
    assert!(trial.accepted.len() as u64 > cycles * 2, "too little load to prove anything");
    println!("{}", trial.is_true());
}

/// Where the program dies by itself, when it is built with the feature `crash-points`.
#[cfg(feature = "crash-points")]
#[test]
fn dying_at_chosen_places() {
    let mut trial = Trial::new();
    for place in ["before-commit", "after-commit", "marked", "answered", "telling", "told"] {
        let mut served = 0;
        for (round, count) in (1..).zip([1, 2, 5, 23]) {
            let died = format!("dies at {place}");
            // It may die before it listens: starting is writing too.
            let Ok(mut server) = trial.try_serve(&format!("{place}:{count}")) else {
                assert_eq!(
                    trial.said(&died),
                    round,
                    "did not start, and not because it died there"
                );
                // What is left over would kill the next one as early.
                trial.settles();
                continue;
            };
            served += 1;
            let stop = Arc::new(AtomicBool::new(false));
            let clients = trial.load(server.address, &stop);
            wait_until(place, Duration::from_secs(20), || server.is_gone());
            stop.store(true, Ordering::Relaxed);
            trial.join(clients);
            assert_eq!(trial.said(&died), round, "it died elsewhere");
        }
        assert!(served >= 2, "{place}: {served} of four rounds came so far that it listened");
        trial.is_whole();
    }
    let _server = trial.serve();
    trial.is_true();
}

/// Power loss: whatever was written to the log after the last answer may be torn, and nothing that
/// was answered is missing.
#[test]
fn torn_writes_after_the_last_answer_lose_nothing() {
    let mut trial = Trial::new();
    let server = trial.serve();
    let data = trial.house.data();
    let wal = data.join("gerbang.db-wal");
    let mut torn = 0;
    let mut round = 0;
    while torn < 12 {
        round += 1;
        assert!(round < 400, "only {torn} copies could be torn");
        let stop = Arc::new(AtomicBool::new(false));
        let before = trial.answered();
        let clients = trial.load(server.address, &stop);
        trial.reaches(before, 8);
        stop.store(true, Ordering::Relaxed);
        trial.join(clients);
        let mark = || std::fs::read(data.join("gerbang.mark")).ok();
        let noted = mark();
        // Every answer until here is behind a sync that ended before this length was read.
        let synced = log_end(&std::fs::read(&wal).unwrap());
        let header_before = header(&data);
        let answered = trial.accepted.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let before = trial.answered();
        let clients = trial.load(server.address, &stop);
        trial.reaches(before, 4);
        server.freeze(true);
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(&data).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.to_string_lossy().ends_with("-shm") {
                std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        // A mark of later knows of what is torn below, and would say so.
        let same = header(&data) == header_before && mark() == noted;
        server.freeze(false);
        stop.store(true, Ordering::Relaxed);
        trial.join(clients);
        let log = copy.path().join("gerbang.db-wal");
        let bytes = std::fs::read(&log).unwrap();
        let end = log_end(&bytes);
        // A checkpoint in between began the log anew: nothing can be said of its bytes then.
        if !same || end <= synced {
            continue;
        }
        tear(&log, bytes, synced..end, round);
        torn += 1;
        let copied = copy.path().to_str().unwrap();
        let show = |words: &[&str]| -> serde_json::Value {
            let mut command = program();
            command.args(["--json", "--data", copied]).args(words);
            let output = command.output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "round {round}: {errors}{said}");
            serde_json::from_slice(&output.stdout).unwrap()
        };
        assert_eq!(show(&["verify"])["holds"], true, "round {round}");
        let mut there = BTreeSet::new();
        let mut below = i64::MAX.to_string();
        loop {
            let page = show(&["trx", "list", "--limit", "1000", "--below", &below]);
            let Some(last) = page.as_array().unwrap().last() else { break };
            below = last["trx"].to_string();
            let refs = page.as_array().unwrap().iter();
            there.extend(refs.map(|row| row["ref"].as_str().unwrap().to_owned()));
        }
        for ref_id in answered.keys() {
            assert!(there.contains(ref_id), "round {round}: {ref_id} was answered and is lost");
        }
    }
}

/// Where the frames of the log end; old ones of earlier rounds stand behind them.
fn log_end(bytes: &[u8]) -> usize {
    let word = |at: usize| {
        let part = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes([part[0], part[1], part[2], part[3]]))
    };
    let (page, salts) = (word(8).unwrap_or_default() as usize, (word(16), word(20)));
    let mut end = 32;
    while word(end + 8).is_some() && (word(end + 8), word(end + 12)) == salts {
        end += 24 + page;
    }
    end.min(bytes.len())
}

/// The salts of the log and the pages of the database that a checkpoint would change.
fn header(data: &std::path::Path) -> (Vec<u8>, std::time::SystemTime) {
    let log = std::fs::read(data.join("gerbang.db-wal")).unwrap();
    let written = std::fs::metadata(data.join("gerbang.db")).unwrap().modified().unwrap();
    (log.get(..32).map(<[u8]>::to_vec).unwrap_or_default(), written)
}

/// Bytes within the range are cut, zeroed in a sector, overwritten, or not there yet.
fn tear(log: &std::path::Path, mut bytes: Vec<u8>, range: std::ops::Range<usize>, round: u64) {
    let chosen = usize::try_from(mixed(3, round) % 1_000_000).unwrap();
    let at = range.start + chosen % range.len();
    match round % 4 {
        0 => bytes.truncate(at),
        1 => {
            let end = (at + 512).min(bytes.len());
            bytes[at..end].fill(0);
        }
        2 => {
            for (n, byte) in (0..).zip(&mut bytes[at..range.end]) {
                *byte = mixed(round, n).to_le_bytes()[0];
            }
        }
        _ => bytes[range.start..at].fill(0),
    }
    std::fs::write(log, bytes).unwrap();
}
