//! Strangers at every door: what they send costs a bounded piece of memory and disk, and those who are
//! known are served meanwhile.

use super::rig::{House, Server};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What a process holds in memory, in KiB.
fn resident(server: &Server) -> u64 {
    let path = format!("/proc/{}/status", server.id());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn head(path: &str, length: usize, more: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\n{more}Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

fn forwarded(from: &str) -> String {
    format!("X-Forwarded-For: {from}\r\n")
}

/// Begins a request whose body may be longer than what is sent of it.
fn post(server: &Server, more: &str, path: &str, body: &str, length: usize) -> TcpStream {
    let mut stream = connect(server);
    let head = head(path, length, &format!("{more}Connection: close\r\n"));
    stream.write_all(head.as_bytes()).unwrap();
    push(&mut stream, body.as_bytes());
    stream
}

fn said(server: &Server, more: &str, path: &str, body: &str) -> String {
    let stream = post(server, more, path, body, body.len());
    let mut answer = String::new();
    BufReader::new(stream).read_to_string(&mut answer).unwrap();
    answer
}

/// Sends what the other side takes of it; one that refuses closes in the middle, which is an answer.
fn push(stream: &mut TcpStream, bytes: &[u8]) {
    for piece in bytes.chunks(64 * 1024) {
        if stream.write_all(piece).is_err() {
            return;
        }
    }
}

/// Every door of strangers, from one host: whole bodies of eight MiB, forms of nothing but fields,
/// bodies that never end, names of a MiB; all stay far below what was sent.
#[test]
fn memory_of_strangers_is_bounded() {
    let house = House::new();
    let mut server = house.demo();
    let eight = 8 * 1024 * 1024 - 200;
    let before = resident(&server);
    let mut held = Vec::new();
    let mut most = before;
    let fields = "a&".repeat(eight / 2);
    let long = format!("member={}&login={}", "A".repeat(eight / 2), "b".repeat(eight / 2 - 20));
    let doors = [
        "/console/login",
        "/portal/login",
        "/console/nowhere",
        "/console/products/import",
        "/portal/account",
        "/assets/x",
        "/admin/v1/products",
        "/callback/sandbox/x",
        "/v1/purchases",
        "/trx",
        "/seller/topup",
    ];
    for door in doors {
        for body in [&fields, &long] {
            // Whole, and answered; then a second that never ends.
            let mut whole = connect(&server);
            whole.write_all(head(door, body.len(), "").as_bytes()).unwrap();
            push(&mut whole, body.as_bytes());
            let mut answer = String::new();
            let _ = BufReader::new(&whole).read_line(&mut answer);
            assert!(!answer.starts_with("HTTP/1.1 5"), "{door}: {answer}");
            let mut never = connect(&server);
            never.write_all(head(door, body.len(), "").as_bytes()).unwrap();
            never.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            push(&mut never, &body.as_bytes()[..body.len() - 10]);
            held.push(never);
            most = most.max(resident(&server));
        }
    }
    // Bodies that do not say how long they are.
    for door in doors {
        let mut never = connect(&server);
        let head = format!("POST {door} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        never.write_all(head.as_bytes()).unwrap();
        never.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        let piece = format!("40000\r\n{}\r\n", "x".repeat(0x40000)).repeat(16);
        push(&mut never, piece.as_bytes());
        held.push(never);
        most = most.max(resident(&server));
    }
    let grown = most.saturating_sub(before) / 1_024;
    assert!(grown < 96, "{grown} MiB for strangers");
    assert!(server.buy("meanwhile").1.contains("akan diproses"));
    server.line_with("callback: ");
    drop(held);
    server.terminate();
    assert!(server.wait().success());
    house.holds();
}

/// Thousands of refused requests of one host are some lines of the journal.
#[test]
fn the_disk_of_strangers_is_bounded() {
    let house = House::new();
    let mut server = house.demo();
    let lines = || house.json(&["verify"])["journal"].as_i64().unwrap();
    let before = lines();
    let stream = connect(&server);
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let wrong = "/trx?product=T1&dest=0812&refID=r&memberID=OK00201&pin=9&password=9";
    let made_up = "/trx?product=T1&dest=0812&refID=r&memberID=NOBODY&pin=9&password=9";
    for target in
        [wrong, made_up, "/callback/sandbox/x", "/callback/y/x", "/harga/json?id=x", "/v1/balance"]
    {
        for _ in 0..300 {
            let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
            writer.write_all(request.as_bytes()).unwrap();
            let mut length = 0;
            loop {
                let mut line = String::new();
                assert!(reader.read_line(&mut line).unwrap() > 0, "{target} closes");
                let line = line.trim_end().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
        }
    }
    // Nobody waits for their commit; that of a purchase comes behind them.
    assert!(server.buy("behind").1.contains("akan diproses"));
    // A minute may end in between.
    let written = lines() - before;
    assert!((6..=40).contains(&written), "{written} lines for 1,800 requests");
    assert!(server.log().len() < 100_000, "{} bytes of log", server.log().len());
    assert!(server.buy("lawful").1.contains("akan diproses"));
    server.line_with("callback: ");
    server.terminate();
    assert!(server.wait().success());
    house.holds();
}

/// Bodies without an end from one address, more than it may hold: who was let in buys by POST meanwhile, and
/// somebody from elsewhere logs in.
#[test]
fn unfinished_bodies_stop_nobody_else() {
    let house = House::new();
    house.configure("trusted_proxies", "[\"127.0.0.0/8\"]");
    let server = house.demo();
    let post = |from: &str, path: &str, body: &str, length: usize| {
        post(&server, &forwarded(from), path, body, length)
    };
    let said = |from: &str, path: &str, body: &str| said(&server, &forwarded(from), path, body);
    let buy = |number: u32| {
        format!(
            "product=T1&dest=089660522887&refID=p{number}&memberID=OK00123&pin=123456&password=secret"
        )
    };
    assert!(said("203.0.113.7", "/trx", &buy(1)).contains("akan diproses"));
    let piece = "a".repeat(16_000);
    let login = "login=owner&password=demo-gerbang&code=";
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(post("198.51.100.1", "/console/login", &piece, 16_300));
    }
    assert!(said("203.0.113.7", "/trx", &buy(2)).contains("akan diproses"));
    assert!(said("203.0.113.8", "/console/login", login).contains("location: /console\r"));
    // It is its own share that is full.
    let refused = said("198.51.100.1", "/console/login", login);
    assert!(!refused.contains("location: /console\r"), "{refused}");
    drop(held);
}

/// A member that is known from five networks holds what is kept for members' programs, another with a
/// session what is kept for the portal: others buy and log in meanwhile, and staff works on.
#[test]
fn who_is_known_and_holds_bodies_stops_nobody_else() {
    let house = House::new();
    house.configure("trusted_proxies", "[\"127.0.0.1\"]");
    let server = house.demo();
    house.ok(&["member", "credit", "OK00203", "1.000.000", "--note", "load"]);
    let buy = |member: &str, ref_id: &str| {
        format!(
            "product=T1&dest=089660522887&refID={ref_id}&memberID={member}&pin=123456&password=secret"
        )
    };
    // As many connections as it takes.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let slow = "a".repeat(16_380);
    let mut held = Vec::new();
    for network in 1..=5 {
        let from = forwarded(&format!("198.51.{network}.7"));
        let bought = said(&server, &from, "/trx", &buy("OK00123", "known"));
        assert!(bought.contains("R#known"), "{bought}");
        held.extend((0..256).map(|_| post(&server, &from, "/trx", &slow, 16_384)));
    }
    let login = "member=OK00202&password=secret&pin=123456";
    for number in 1..=2 {
        let from = forwarded(&format!("203.0.{number}.9"));
        let page = said(&server, &from, "/portal/login", login);
        let cookie = page.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        let more = format!("{from}Cookie: {}\r\n", cookie.split(';').next().unwrap());
        let deposit = "/portal/deposits";
        held.extend((0..256).map(|_| post(&server, &more, deposit, &slow, 16_384)));
    }
    // Another member, first from where it never was, then from where it is known.
    for number in 0..20 {
        let form = buy("OK00203", &format!("other-{number}"));
        let form = form.replace("089660522887", &format!("0896605228{number:02}"));
        let bought = said(&server, &forwarded("192.0.2.44"), "/trx", &form);
        assert!(bought.contains("akan diproses"), "{bought}");
    }
    for (from, path, form) in [
        ("192.0.2.45", "/console/login", "login=owner&password=demo-gerbang&code="),
        ("192.0.2.46", "/portal/login", "member=OK00204&password=secret&pin=123456"),
    ] {
        let page = said(&server, &forwarded(from), path, form);
        assert!(page.starts_with("HTTP/1.1 303"), "{page}");
    }
    drop(held);
    house.holds();
}

/// Made-up logins from one address, as many as it likes: others log in meanwhile.
#[test]
fn wrong_logins_of_one_address_keep_nobody_out() {
    let house = House::new();
    house.configure("trusted_proxies", "[\"127.0.0.0/8\"]");
    let server = house.demo();
    let address = server.address;
    let (stop, tried) = (AtomicBool::new(false), AtomicU64::new(0));
    let log_in = |from: &str, body: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let more = format!("X-Forwarded-For: {from}\r\nConnection: close\r\n");
        stream.write_all(head("/console/login", body.len(), &more).as_bytes()).unwrap();
        push(&mut stream, body.as_bytes());
        let mut answer = String::new();
        BufReader::new(stream).read_to_string(&mut answer).unwrap();
        answer
    };
    std::thread::scope(|scope| {
        for thread in 0..32 {
            let (stop, tried, log_in) = (&stop, &tried, &log_in);
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    tried.fetch_add(1, Ordering::Relaxed);
                    log_in(
                        "198.51.100.1",
                        &format!("login=no{thread}x{number}&password=wrong&code="),
                    );
                }
            });
        }
        while tried.load(Ordering::Relaxed) < 500 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let told: Vec<String> = (0..10)
            .map(|number| {
                let from = format!("203.0.113.{number}");
                log_in(&from, "login=owner&password=demo-gerbang&code=")
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        assert!(told.iter().all(|said| said.contains("location: /console\r")), "{told:#?}");
    });
}
