//! Several nodes on PostgreSQL: one business, whatever dies, sleeps, or is cut off.
//!
//! `GERBANG_NODES_SECONDS` sets how long nodes are killed at random.

use super::crashes::{Trial, mixed, number};
use super::rig::{House, OWN, Server, get};
use super::suppliers::wait_until;
use pgtest::{Proxy, Way};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One business in a database, and folders of more nodes for it.
pub(crate) struct Fleet {
    pub(crate) trial: Trial,
    others: Vec<House>,
}

impl Fleet {
    pub(crate) fn new(database: &str, nodes: usize) -> Self {
        let trial = Trial::of(House::on(database));
        let (from, mut others) = (trial.house.data(), Vec::new());
        let config = from.join("gerbang.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace("lease_seconds = 15", "lease_seconds = 5")).unwrap();
        for _ in 1..nodes {
            let house = House::on(database);
            house.is_own.store(true, Ordering::Relaxed);
            std::fs::create_dir(house.data()).unwrap();
            for file in ["gerbang.toml", "master.key"] {
                std::fs::copy(from.join(file), house.data().join(file)).unwrap();
            }
            others.push(house);
        }
        Self { trial, others }
    }

    pub(crate) fn house(&self, node: usize) -> &House {
        if node == 0 { &self.trial.house } else { &self.others[node - 1] }
    }

    pub(crate) fn serve(&self, node: usize) -> Server {
        let server = self.house(node).serve();
        self.trial.call_back(server.address);
        server
    }
}

pub(crate) fn order(address: SocketAddr, ref_id: &str) -> std::io::Result<(u16, String)> {
    get(address, &format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{OWN}"))
}

/// Asks again with the same refID until somebody answers, as members do.
pub(crate) fn insist(addresses: &[SocketAddr], ref_id: &str) -> String {
    let began = Instant::now();
    loop {
        for address in addresses {
            if let Ok((200, body)) = order(*address, ref_id) {
                return body;
            }
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{ref_id} is never answered");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn trx_of(answer: &str) -> String {
    let number = answer.split("T#").nth(1).and_then(|rest| rest.split(' ').next());
    number.unwrap_or_else(|| panic!("no purchase: {answer}")).to_owned()
}

/// The same purchase at every node at once is one purchase; a change made at one is seen by all.
#[test]
#[allow(clippy::print_stdout)]
fn nodes_agree() {
    let server = pgtest::Server::start(&[]).unwrap();
    let mut fleet = Fleet::new(&server.database("g").unwrap(), 3);
    let nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    for round in 0..40 {
        let ref_id = format!("same-{round}");
        let asked: Vec<_> = nodes
            .iter()
            .map(|node| {
                let (address, ref_id) = (node.address, ref_id.clone());
                std::thread::spawn(move || order(address, &ref_id).unwrap())
            })
            .collect();
        let answers: Vec<_> = asked.into_iter().map(|asked| asked.join().unwrap()).collect();
        let numbers: BTreeSet<String> = answers.iter().map(|(_, body)| trx_of(body)).collect();
        assert_eq!(numbers.len(), 1, "{answers:?}");
        fleet.trial.accepted.extend(numbers.into_iter().map(|no| (ref_id.clone(), no)));
    }
    fleet.house(1).ok(&["product", "set", "T1", "--price", "2.000"]);
    let changed = Instant::now();
    for node in &nodes {
        loop {
            let list = node.get("/harga/json?id=").1;
            let bought = order(node.address, &format!("price-{}", changed.elapsed().as_nanos()));
            if bought.unwrap().1.contains(" - 2.000 = ") {
                break;
            }
            assert!(changed.elapsed() < Duration::from_secs(20), "the price is not seen: {list}");
        }
    }
    println!("a price is seen by all after {:?}", changed.elapsed());
    fleet.trial.is_true();
}

/// Nodes die at random and start again; one sleeps longer than its lease.
#[test]
#[allow(clippy::print_stdout)]
fn nodes_that_die_and_sleep() {
    let (seconds, seed) = (number("GERBANG_NODES_SECONDS", 20), number("GERBANG_CRASH_SEED", 7));
    let server = pgtest::Server::start(&[]).unwrap();
    let mut fleet = Fleet::new(&server.database("g").unwrap(), 3);
    let mut nodes: Vec<Server> = (0..3).map(|node| fleet.serve(node)).collect();
    let (began, mut round) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(seconds) || round < 3 {
        let (stop, before) = (Arc::new(AtomicBool::new(false)), fleet.trial.answered());
        let mut clients = Vec::new();
        for node in &nodes {
            clients.extend(fleet.trial.load(node.address, &stop));
        }
        fleet.trial.reaches(before, 6);
        std::thread::sleep(Duration::from_millis(mixed(seed, round) % 1_500));
        let victim = usize::try_from(mixed(seed, 1_000 + round) % 3).unwrap();
        nodes.remove(victim).kill();
        std::thread::sleep(Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
        fleet.trial.join(clients);
        nodes.insert(victim, fleet.serve(victim));
        round += 1;
    }
    // One sleeps through its lease in the middle of its work, and wakes up.
    let stop = Arc::new(AtomicBool::new(false));
    let clients = fleet.trial.load(nodes[0].address, &stop);
    // Those it has not given back itself.
    let lanes = format!(
        "SELECT count(*) FROM lane WHERE node LIKE '%.{}' AND until > '-infinity'",
        nodes[0].id()
    );
    // Only a lane with open work is taken over; without any when it fell asleep, it goes on.
    for nap in 1.. {
        assert!(nap <= 10, "nobody takes its work");
        std::thread::sleep(Duration::from_millis(400));
        nodes[0].freeze(true);
        let slept = Instant::now();
        let held = server.sql("g", &lanes).unwrap();
        let taken = || server.sql("g", &lanes).is_ok_and(|now| now != held);
        while !taken() && slept.elapsed() < Duration::from_secs(15) {
            std::thread::sleep(Duration::from_millis(100));
        }
        let over = taken();
        nodes[0].freeze(false);
        if over {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    assert!(!nodes[0].wait().success(), "it went on after its lanes were taken");
    let log = nodes[0].log();
    let says_why = ["took this one's lanes", "another node's", "the lane was taken over"];
    assert!(says_why.iter().any(|why| log.contains(why)), "{log}");
    for client in clients {
        fleet.trial.accepted.extend(client.join().unwrap());
    }
    println!("{} purchases were answered, {round} nodes killed", fleet.trial.accepted.len());
    fleet.trial.is_true();
}

/// A node is frozen in the middle of a transaction, with locks on the member's account: the others
/// serve that member again when its lease is over, not when its session times out (60 s).
#[test]
fn frozen_in_a_transaction() {
    let tables = ["account", "attempt", "journal", "trx", "transfer", "proof", "delivery"];
    let (rounds, seed) = (number("GERBANG_FREEZES", 10), number("GERBANG_CRASH_SEED", 7));
    let server = pgtest::Server::start(&[]).unwrap();
    let mut fleet = Fleet::new(&server.database("g").unwrap(), 2);
    let other = fleet.serve(1);
    for round in 0..rounds {
        let node = fleet.serve(0);
        // Statements are prepared first: one that waits while it is prepared is in no transaction.
        for warm in 0..20 {
            let ref_id = format!("warm-{round}-{warm}");
            let answer = insist(&[node.address], &ref_id);
            fleet.trial.accepted.insert(ref_id, trx_of(&answer));
        }
        let table = tables[usize::try_from(seed + round).unwrap() % tables.len()];
        // Whoever gets as far as this table waits there, in the middle of its transaction.
        let hold = format!(
            "SET application_name = 'holder'; BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE;
             SELECT pg_sleep(60)"
        );
        let sessions = |which: &str| {
            let asked = format!("SELECT count(*) FROM pg_stat_activity WHERE {which}");
            server.sql("g", &asked).unwrap().parse::<u32>().unwrap()
        };
        let (address, ref_id) = (node.address, format!("frozen-{round}"));
        std::thread::scope(|scope| {
            let holder = scope.spawn(|| server.sql("g", &hold));
            let held = "application_name = 'holder' AND wait_event = 'PgSleep'";
            wait_until("it is held", Duration::from_secs(20), || sessions(held) == 1);
            let (asked, send) = (ref_id.clone(), scope);
            let cut_off = send.spawn(move || order(address, &asked));
            let its = format!(
                "application_name IN (SELECT 'gerbang writer ' || id || '/' || epoch FROM lane
                                      WHERE node LIKE '%.{}')",
                node.id()
            );
            let waits = format!("{its} AND wait_event_type = 'Lock'");
            wait_until("it waits", Duration::from_secs(20), || sessions(&waits) >= 1);
            node.freeze(true);
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE application_name = 'holder'";
            server.sql("g", end).unwrap();
            // The wait is over, and nobody is there to go on.
            let open = format!("{its} AND state = 'idle in transaction'");
            wait_until("it is in the middle", Duration::from_secs(20), || sessions(&open) >= 1);
            let frozen = Instant::now();
            let answer = insist(&[other.address], &format!("meanwhile-{round}"));
            assert!(frozen.elapsed() < Duration::from_secs(40), "{table}: {:?}", frozen.elapsed());
            fleet.trial.accepted.insert(format!("meanwhile-{round}"), trx_of(&answer));
            // The same purchase at another node is that purchase, whichever of them wrote it.
            let answer = insist(&[other.address], &ref_id);
            fleet.trial.accepted.insert(ref_id.clone(), trx_of(&answer));
            node.freeze(false);
            if let Ok(Ok((200, late))) = cut_off.join()
                && late.contains("T#")
            {
                assert_eq!(
                    trx_of(&late),
                    fleet.trial.accepted[&ref_id],
                    "{table}: {answer} / {late} / {}",
                    node.log()
                );
            }
            assert!(holder.join().unwrap().is_err(), "nobody held it");
        });
        node.kill();
    }
    let _again = fleet.serve(0);
    fleet.trial.is_true();
}

/// What came to a node while it slept through its lease was never taken: whoever hears of it hears "busy",
/// and nobody waits for a purchase that is not there. Its journal is another's; the lines are in the log.
#[test]
fn what_a_sleeper_finds_is_not_taken() {
    let server = pgtest::Server::start(&[]).unwrap();
    let mut fleet = Fleet::new(&server.database("g").unwrap(), 2);
    let other = fleet.serve(1);
    for round in 0..3 {
        let mut node = fleet.serve(0);
        // Connections and statements are there, as in a node that works.
        for warm in 0..6 {
            let ref_id = format!("awake-{round}-{warm}");
            let answer = insist(&[node.address], &ref_id);
            fleet.trial.accepted.insert(ref_id, trx_of(&answer));
        }
        let log = node.log().len();
        node.freeze(true);
        let send = |target: &str| {
            let mut stream = TcpStream::connect(node.address).unwrap();
            let request =
                format!("GET {target} HTTP/1.1\r\nHost: h2h\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            stream
        };
        // It may end before it has answered everybody.
        let heard = |mut stream: TcpStream| {
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer);
            (read.is_ok() && !answer.is_empty()).then_some(answer)
        };
        let buy = |ref_id: &str| format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{OWN}");
        let asked: Vec<(String, TcpStream)> = (0..6)
            .map(|n| format!("asleep-{round}-{n}"))
            .map(|ref_id| (ref_id.clone(), send(&buy(&ref_id))))
            .collect();
        // Nothing is bought by these, and each answer has a line of its own.
        let wrong = [
            "/trx/balance?memberID=OK00123&pin=000000&password=x",
            "/trx/balance?memberID=NOBODY&pin=000000&password=x",
            "/harga/json?id=none",
        ];
        let refused: Vec<TcpStream> = wrong.into_iter().map(send).collect();
        // As whoever takes them over does it.
        let take = format!(
            "UPDATE lane SET epoch = epoch + 1, node = 'another',
             until = clock_timestamp() + interval '2 seconds' WHERE node LIKE '%.{}'",
            node.id()
        );
        server.sql("g", &take).unwrap();
        node.freeze(false);
        for (ref_id, stream) in asked {
            let answer = heard(stream);
            let is_busy = answer.as_ref().is_none_or(|text| text.starts_with("HTTP/1.1 503"));
            let said = other.check(&ref_id);
            assert!(is_busy && said.starts_with("TIDAK ADA"), "{ref_id}: {answer:?}, {said}");
        }
        let told = refused.into_iter().filter_map(heard).count();
        assert!(!node.wait().success(), "it went on after its lanes were taken");
        let log = node.log().split_off(log);
        let lines = log.matches("a journal line was not written").count();
        assert!(lines >= told, "{told} were refused, {lines} lines: {log}");
        assert!(
            lines == 0 || log.contains("journal lines of this run are in the log only"),
            "{log}"
        );
    }
    fleet.trial.is_true();
}

/// COMMIT never arrives, or its answer does not: nothing is lost, nothing is there twice.
#[test]
fn connections_cut_during_commit() {
    let server = pgtest::Server::start(&[]).unwrap();
    server.database("g").unwrap();
    let proxy = Proxy::start(server.port()).unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{}/g?sslmode=disable", proxy.port());
    let mut fleet = Fleet::new(&url, 1);
    let node = fleet.serve(0);
    for round in 0..12_u64 {
        let way = if round % 2 == 0 { Way::Before } else { Way::After };
        proxy.cut(b"COMMIT", 1 + round % 3, way);
        for purchase in 0..6 {
            let ref_id = format!("cut-{round}-{purchase}");
            let answer = insist(&[node.address], &ref_id);
            fleet.trial.accepted.insert(ref_id, trx_of(&answer));
        }
    }
    assert!(proxy.cuts() >= 8, "only {} cuts", proxy.cuts());
    assert!(node.log().contains("a COMMIT was interrupted"), "{}", node.log());
    fleet.trial.is_true();
}

/// kill -9 of the database under load.
#[test]
fn a_database_that_is_killed() {
    let mut server = pgtest::Server::start(&[]).unwrap();
    let mut fleet = Fleet::new(&server.database("g").unwrap(), 2);
    let nodes: Vec<Server> = (0..2).map(|node| fleet.serve(node)).collect();
    for _ in 0..2 {
        let (stop, before) = (Arc::new(AtomicBool::new(false)), fleet.trial.answered());
        let mut clients = Vec::new();
        for node in &nodes {
            clients.extend(fleet.trial.load(node.address, &stop));
        }
        fleet.trial.reaches(before, 10);
        server.kill_nine();
        std::thread::sleep(Duration::from_millis(500));
        server.restart().unwrap();
        fleet.trial.reaches(fleet.trial.answered(), 10);
        stop.store(true, Ordering::Relaxed);
        fleet.trial.join(clients);
    }
    let addresses: Vec<SocketAddr> = nodes.iter().map(|node| node.address).collect();
    let answer = insist(&addresses, "after");
    fleet.trial.accepted.insert("after".to_owned(), trx_of(&answer));
    fleet.trial.is_true();
}

/// The primary is lost under load; the synchronous standby takes over with everything that was
/// answered.
#[test]
#[allow(clippy::print_stdout)]
fn a_primary_that_is_lost() {
    let (mut primary, standby) = pgtest::Server::start_pair().unwrap();
    primary.database("g").unwrap();
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/g?sslmode=disable",
        primary.port(),
        standby.port()
    );
    let mut fleet = Fleet::new(&url, 2);
    let nodes: Vec<Server> = (0..2).map(|node| fleet.serve(node)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for node in &nodes {
        clients.extend(fleet.trial.load(node.address, &stop));
    }
    fleet.trial.reaches(0, 20);
    let lost = Instant::now();
    primary.kill_nine();
    standby.promote().unwrap();
    let addresses: Vec<SocketAddr> = nodes.iter().map(|node| node.address).collect();
    let answer = insist(&addresses, "after");
    let without = lost.elapsed();
    fleet.trial.accepted.insert("after".to_owned(), trx_of(&answer));
    fleet.trial.reaches(fleet.trial.answered(), 10);
    stop.store(true, Ordering::Relaxed);
    fleet.trial.join(clients);
    let figures = fleet.trial.is_true();
    println!("{figures}, {:.1} s without service", without.as_secs_f64());
}

/// Three statements in ten fail as they do when others are in the way.
#[test]
fn a_storm_of_serialization_failures() {
    let server = pgtest::Server::start(&[]).unwrap();
    let mut fleet = Fleet::new(&server.database("g").unwrap(), 1);
    let node = fleet.serve(0);
    let storm = "CREATE FUNCTION storm() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF random() < 0.3 THEN RAISE EXCEPTION 'storm' USING ERRCODE =
            CASE WHEN random() < 0.5 THEN '40001' ELSE '40P01' END; END IF;
          RETURN NULL; END $$;
        CREATE TRIGGER storm AFTER INSERT ON trx FOR EACH STATEMENT EXECUTE FUNCTION storm();
        CREATE TRIGGER storm AFTER UPDATE ON attempt FOR EACH STATEMENT EXECUTE FUNCTION storm()";
    server.sql("g", storm).unwrap();
    for purchase in 0..150 {
        let ref_id = format!("storm-{purchase}");
        let answer = insist(&[node.address], &ref_id);
        fleet.trial.accepted.insert(ref_id, trx_of(&answer));
    }
    fleet.trial.is_true();
    // Deciding anew happened inside: no caller saw more than a few.
    assert!(!node.log().contains("the writer stops"), "{}", node.log());
}

/// A node whose clock is wrong by ten minutes tells and does everything by the database's.
#[test]
fn a_clock_that_is_wrong() {
    let server = pgtest::Server::start(&[]).unwrap();
    let mut fleet = Fleet::new(&server.database("g").unwrap(), 2);
    let library = super::shim::shim(fleet.trial.house.folder.path());
    let right = fleet.serve(0);
    let mut command = fleet.house(1).program();
    command.env("LD_PRELOAD", library).env("SHIM_CLOCK_OFF", "-600");
    let wrong = fleet.house(1).start(command, &["serve"]);
    let time = |answer: &str| answer.rsplit('@').next().unwrap().to_owned();
    for round in 0..10 {
        let (one, two) = (format!("one-{round}"), format!("two-{round}"));
        let first = order(right.address, &one).unwrap().1;
        let second = order(wrong.address, &two).unwrap().1;
        fleet.trial.accepted.insert(one, trx_of(&first));
        fleet.trial.accepted.insert(two, trx_of(&second));
        // Minutes: a turn between the two is no fault, ten minutes are.
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':').unwrap();
            hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap()
        };
        let apart = (minute(&time(&second)) - minute(&time(&first))).rem_euclid(24 * 60);
        assert!(apart <= 1, "{first} {second}");
    }
    fleet.trial.is_true();
}

/// A server that may forget what it acknowledged is refused, and says why.
#[test]
fn a_server_that_forgets_is_refused() {
    let server = pgtest::Server::start(&["synchronous_commit = off"]).unwrap();
    let house = House::on(&server.database("g").unwrap());
    let said = house.fails(&["init"]);
    assert!(said.contains("synchronous_commit is off"), "{said}");
    for name in ["fsync", "full_page_writes"] {
        let server = pgtest::Server::start(&[&format!("{name} = off")]).unwrap();
        let said = House::on(&server.database("g").unwrap()).fails(&["init"]);
        assert!(said.contains(&format!("{name} is off")), "{said}");
    }
    let url = "postgres://someone:verysecret@127.0.0.1:1/g";
    let said = House::on(url).fails(&["init"]);
    assert!(said.contains("g at 127.0.0.1") && !said.contains("verysecret"), "{said}");
    // Who only asks is not told of writing.
    for words in [&["verify"][..], &["member", "list"], &["restore"]] {
        std::fs::create_dir_all(house.data()).unwrap();
        std::fs::write(house.data().join("master.key"), "ab".repeat(32)).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(house.data().join("master.key"), mode).unwrap();
        let mut command = house.program();
        command.env("GERBANG_DATABASE", url).arg("--data").arg(house.data()).args(words);
        let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
        assert!(said.contains("could not be read: database g at"), "{words:?}: {said}");
        assert!(!said.contains("written"), "{words:?}: {said}");
    }
    let said = House::on("postgres://someone:verysecret@db.example/g").fails(&["init"]);
    assert!(said.contains("sslmode") && !said.contains("verysecret"), "{said}");
}

/// A business with purchases in every state moves from its file and goes on; nothing is lost on the
/// way, and nobody goes on with the file.
#[test]
fn moving_house() {
    let server = pgtest::Server::start(&[]).unwrap();
    let url = server.database("g").unwrap();
    let mut trial = Trial::new();
    let node = trial.serve();
    let stop = Arc::new(AtomicBool::new(false));
    let clients = trial.load(node.address, &stop);
    std::thread::sleep(Duration::from_millis(900));
    // In the middle of its work: open purchases move too.
    node.kill();
    stop.store(true, Ordering::Relaxed);
    trial.join(clients);
    let log = trial.house.data().join("gerbang.db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 0, "nothing was in the log");
    // Asked of a copy: a command folds the log when it ends.
    let copy = House::new();
    std::fs::create_dir(copy.data()).unwrap();
    for file in std::fs::read_dir(trial.house.data()).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            std::fs::copy(file.path(), copy.data().join(file.file_name())).unwrap();
        }
    }
    let before = copy.json(&["member", "list"]);
    let told = trial.house.json(&["migrate-store", "--to", &url]);
    // What was put away is all of it.
    assert!(!log.exists());
    let moved = rusqlite::Connection::open(told["file"].as_str().unwrap()).unwrap();
    let rows: i64 = moved.query_row("SELECT count(*) FROM transfer", [], |row| row.get(0)).unwrap();
    assert_eq!(told["transfers"], rows);
    drop(moved);
    assert!(trial.house.fails(&["migrate-store", "--to", &url]).contains("there is no business"));
    trial.house.database = Some(url.clone());
    assert_eq!(trial.house.json(&["member", "list"]), before);
    trial.is_whole();
    let node = trial.serve();
    let stop = Arc::new(AtomicBool::new(false));
    let clients = trial.load(node.address, &stop);
    std::thread::sleep(Duration::from_millis(500));
    stop.store(true, Ordering::Relaxed);
    trial.join(clients);
    trial.is_true();
    // A second business does not fit in the same database.
    let other = House::new();
    drop(other.demo());
    let said = other.fails(&["migrate-store", "--to", &url]);
    assert!(said.contains("there is a business in that database already"), "{said}");
    drop(other.demo());
}
