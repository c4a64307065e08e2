//! Several nodes at one supplier, which sees them as one: its limits, its circuit, its balance.

use super::nodes::Fleet;
use super::rig::{OWN, Server, get};
use super::suppliers::wait_until;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PRICE: i64 = 1_200;

#[derive(Default)]
struct Books {
    balance: i64,
    /// What was said of each reference.
    said: BTreeMap<String, String>,
    /// When each purchase came.
    came: Vec<Instant>,
    under_way: usize,
    most_under_way: usize,
}

/// A supplier that speaks as okeconnect does and counts what reaches it. Ends with the test.
#[derive(Clone)]
struct Counter {
    address: SocketAddr,
    books: Arc<Mutex<Books>>,
    /// Purchases end without an answer.
    breaks: Arc<AtomicBool>,
    takes_ms: Arc<AtomicU64>,
}

impl Counter {
    fn start(takes_ms: u64) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let counter = Self {
            address: tcp.local_addr().unwrap(),
            books: Arc::new(Mutex::new(Books { balance: 900_000_000, ..Books::default() })),
            breaks: Arc::default(),
            takes_ms: Arc::new(AtomicU64::new(takes_ms)),
        };
        let serving = counter.clone();
        std::thread::spawn(move || {
            for stream in tcp.incoming().map_while(Result::ok) {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        counter
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut line = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        if reader.read_line(&mut line).is_err() || !line.starts_with("GET /trx") {
            return;
        }
        let value = |key: &str| {
            let rest = line.split(&format!("{key}=")).nth(1)?;
            rest.split(['&', ' ']).next().map(str::to_owned)
        };
        let (Some(reference), Some(dest)) = (value("refID"), value("dest")) else { return };
        let is_check = value("check").is_some();
        if !is_check {
            let mut books = self.books.lock().unwrap();
            books.came.push(Instant::now());
            books.under_way += 1;
            books.most_under_way = books.most_under_way.max(books.under_way);
        }
        if !is_check && self.breaks.load(Ordering::SeqCst) {
            self.books.lock().unwrap().under_way -= 1;
            return;
        }
        let body = {
            let mut books = self.books.lock().unwrap();
            match books.said.get(&reference) {
                Some(said) => said.clone(),
                None if is_check => "TIDAK ADA transaksi. Tidak ada data.".to_owned(),
                None => {
                    let (before, number) = (books.balance, books.said.len());
                    books.balance -= PRICE;
                    let after = books.balance;
                    let said = format!(
                        "T#{number} R#{reference} Three T1.{dest} SUKSES. SN: SIM{number:09}. \
                         Saldo {before} - {PRICE} = {after} @10:00"
                    );
                    books.said.insert(reference, said.clone());
                    said
                }
            }
        };
        if !is_check {
            std::thread::sleep(Duration::from_millis(self.takes_ms.load(Ordering::SeqCst)));
            // Before the answer: who reads it may begin the next one.
            self.books.lock().unwrap().under_way -= 1;
        }
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
    }

    fn count(&self) -> usize {
        self.books.lock().unwrap().came.len()
    }

    /// The most that came within this time.
    fn most_within(&self, time: Duration) -> usize {
        let came = self.books.lock().unwrap().came.clone();
        let within =
            |from: usize| came[from..].iter().take_while(|at| **at - came[from] < time).count();
        (0..came.len()).map(within).max().unwrap_or_default()
    }
}

/// A fleet at this supplier, with its limits.
fn fleet(database: &str, nodes: usize, counter: &Counter, limits: &str) -> Fleet {
    let fleet = Fleet::new(database, nodes);
    let file = fleet.trial.house.folder.path().join("counter.toml");
    let settings = format!(
        "[okeconnect]\nref_prefix='g-'\nbase='http://{}'\nmember='OK00123'\npin='1'\n\
         password='2'\n[limits]\n{limits}\n",
        counter.address
    );
    std::fs::write(&file, settings).unwrap();
    let house = &fleet.trial.house;
    house.ok(&["supplier", "add", "counter", "--file", file.to_str().unwrap()]);
    house.ok(&["route", "set", "T1", "counter", "--sku", "T1", "--cost", "1200"]);
    for other in ["up", "next"] {
        house.ok(&["supplier", "set", other, "--paused", "true"]);
    }
    fleet
}

/// Buys at all nodes in turn; how many were taken.
fn buy(nodes: &[Server], name: &str, count: usize) -> usize {
    let addresses: Vec<SocketAddr> = nodes.iter().map(|node| node.address).collect();
    buy_at(&addresses, name, count)
}

fn buy_at(nodes: &[SocketAddr], name: &str, count: usize) -> usize {
    let one = |number: usize| {
        let dest = format!("0896{:08}", 10_000 + number);
        let target = format!("/trx?product=T1&dest={dest}&refID={name}-{number}&{OWN}");
        let (_, body) = get(nodes[number % nodes.len()], &target).unwrap();
        usize::from(body.contains("akan diproses"))
    };
    (0..count).map(one).sum()
}

fn ready(server: &pgtest::Server, nodes: usize) {
    let told = "SELECT count(*) FROM peer WHERE until > clock_timestamp()
                AND word LIKE '%holds%counter%'";
    wait_until("all nodes tell what they have", Duration::from_secs(20), || {
        server.sql("g", told).unwrap() == nodes.to_string()
    });
}

/// Three nodes have more to send than the supplier takes: together they keep its limits, also while one
/// of them is killed and starts again.
#[test]
fn limits_are_those_of_all_nodes_together() {
    let server = pgtest::Server::start(&[]).unwrap();
    let counter = Counter::start(150);
    let (seats, rate) = (4, 8);
    let limits = format!("concurrency={seats}\nper_second={rate}");
    let fleet = fleet(&server.database("g").unwrap(), 3, &counter, &limits);
    let mut nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    ready(&server, 3);
    assert_eq!(buy(&nodes, "many", 90), 90);
    wait_until("some are sent", Duration::from_secs(30), || counter.count() >= 20);
    nodes.remove(0).kill();
    let again = fleet.serve(0);
    nodes.insert(0, again);
    // One that was killed between its mark and the first byte has sent nothing, and never will.
    let waiting = "SELECT count(*) FROM attempt WHERE supplier = 'counter' AND state = 'intended'";
    wait_until("all are sent", Duration::from_secs(60), || {
        server.sql("g", waiting).unwrap() == "0"
    });
    let books = counter.books.lock().unwrap();
    assert!(books.most_under_way <= seats, "{} under way", books.most_under_way);
    assert!(books.most_under_way > seats / 3, "only one node sends: {}", books.most_under_way);
    drop(books);
    let most = counter.most_within(Duration::from_secs(1));
    assert!(most <= 2 * rate, "{most} in a second");
    let most = counter.most_within(Duration::from_secs(5));
    assert!(most <= 6 * rate, "{most} in five seconds");
}

/// One request at a time for all: each node gets its turn.
#[test]
fn a_limit_of_one_goes_around() {
    let server = pgtest::Server::start(&[]).unwrap();
    let counter = Counter::start(60);
    let fleet = fleet(&server.database("g").unwrap(), 3, &counter, "concurrency=1");
    let nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    ready(&server, 3);
    assert_eq!(buy(&nodes, "one", 24), 24);
    wait_until("all are sent", Duration::from_secs(60), || counter.count() >= 24);
    assert_eq!(counter.books.lock().unwrap().most_under_way, 1);
}

/// What goes wrong at one node keeps the others from the supplier within a second, and they do not each
/// send a probe.
#[test]
fn a_circuit_is_open_for_all_nodes() {
    let server = pgtest::Server::start(&[]).unwrap();
    let counter = Counter::start(0);
    let fleet = fleet(&server.database("g").unwrap(), 3, &counter, "concurrency=60");
    let nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    ready(&server, 3);
    counter.breaks.store(true, Ordering::SeqCst);
    assert!(buy(&nodes[..1], "broken", 12) >= 8);
    let circuit = "SELECT count(*) FROM peer WHERE word LIKE '%circuit%counter%'";
    wait_until("it opens", Duration::from_secs(20), || server.sql("g", circuit).unwrap() != "0");
    let opened = Instant::now();
    wait_until("all know", Duration::from_secs(5), || server.sql("g", circuit).unwrap() == "3");
    // A second by itself; a busy machine may take four times as long.
    assert!(opened.elapsed() < Duration::from_secs(6), "{:?}", opened.elapsed());
    let before = counter.count();
    assert_eq!(buy(&nodes[1..], "elsewhere", 10), 0, "no route is open");
    assert_eq!(counter.count(), before);
    // A probe that goes well closes it for all.
    counter.breaks.store(false, Ordering::SeqCst);
    let (mut tried, mut taken) = (0, 0);
    wait_until("a probe", Duration::from_secs(60), || {
        tried += 1;
        taken += buy(&nodes[1..], &format!("probe-{tried}"), 1);
        taken > 0
    });
    wait_until("it is sent", Duration::from_secs(10), || counter.count() > before);
    assert_eq!(counter.count(), before + 1);
    for (number, node) in nodes.iter().enumerate() {
        let mut tried = 0;
        wait_until("it is closed everywhere", Duration::from_secs(5), || {
            tried += 1;
            buy(std::slice::from_ref(node), &format!("closed-{number}-{tried}"), 1) == 1
        });
    }
}

/// Three nodes buy from one deposit: none of them misses anything. What somebody else spends is told,
/// once.
#[test]
fn only_what_others_spend_is_missing() {
    let server = pgtest::Server::start(&[]).unwrap();
    let counter = Counter::start(40);
    let fleet = fleet(&server.database("g").unwrap(), 3, &counter, "concurrency=30");
    let nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    ready(&server, 3);
    let gaps = || server.sql("g", "SELECT count(*) FROM journal WHERE status = 'gap'").unwrap();
    let began = Instant::now();
    let mut round = 0;
    let mut spent = false;
    // A trail learns for a minute, and a gap counts after another one.
    while gaps() == "0" {
        round += 1;
        assert!(began.elapsed() < Duration::from_secs(400), "nobody misses it");
        assert_eq!(buy(&nodes, &format!("round-{round}"), 9), 9);
        if !spent && began.elapsed() > Duration::from_secs(75) {
            spent = true;
            counter.books.lock().unwrap().balance -= 55_555;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(
        spent,
        "a false alarm: {}",
        server.sql("g", "SELECT reply FROM journal WHERE status = 'gap'").unwrap()
    );
    let told = "SELECT reply FROM journal WHERE status = 'gap'";
    let text = server.sql("g", told).unwrap();
    let amounts: Vec<i64> =
        text.split_whitespace().filter_map(|word| word.replace('.', "").parse().ok()).collect();
    assert_eq!(amounts.len(), 2, "{text}");
    assert_eq!((amounts[0] - amounts[1] - 55_555).rem_euclid(PRICE), 0, "{text}");
}

/// A daily limit is one for all nodes: reached exactly, whoever buys, dies or starts again.
#[test]
fn a_daily_limit_is_one_for_all() {
    let server = pgtest::Server::start(&[]).unwrap();
    let counter = Counter::start(0);
    let fleet = fleet(&server.database("g").unwrap(), 3, &counter, "concurrency=60");
    let limit = |most: &str| {
        let route = ["route", "set", "T1", "counter", "--sku", "T1", "--cost", "1200"];
        fleet.trial.house.ok(&[&route[..], &["--daily-most", most]].concat());
    };
    // Some are bought before there is a limit.
    let alone = fleet.serve(0);
    ready(&server, 1);
    assert_eq!(buy(std::slice::from_ref(&alone), "before", 4), 4);
    // Killed in the middle of sending, it would leave one that is never sent.
    wait_until("they are sent", Duration::from_secs(20), || counter.count() == 4);
    alone.kill();
    limit("11");
    let mut nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    let all_at_once = |nodes: &[Server], name: &str| -> usize {
        let clients: Vec<_> = (0..6)
            .map(|client| {
                let (name, at) = (format!("{name}-{client}"), nodes[client % nodes.len()].address);
                std::thread::spawn(move || buy_at(&[at], &name, 5))
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    };
    let taken = all_at_once(&nodes, "many");
    assert_eq!(taken, 7);
    wait_until("they are sent", Duration::from_secs(20), || counter.count() == 11);
    nodes.remove(1).kill();
    let again = fleet.serve(1);
    nodes.insert(1, again);
    assert_eq!(all_at_once(&nodes, "again"), 0);
    limit("13");
    let (mut tried, mut more) = (0, 0);
    wait_until("two more", Duration::from_secs(10), || {
        tried += 1;
        more += all_at_once(&nodes, &format!("more-{tried}"));
        more >= 2
    });
    wait_until("all are sent", Duration::from_secs(20), || counter.count() >= 13);
    assert_eq!(counter.count(), 13);
    assert_eq!(all_at_once(&nodes, "after"), 0);
    assert_eq!(counter.count(), 13);
}
