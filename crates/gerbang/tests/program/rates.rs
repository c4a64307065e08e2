//! How often members and strangers may ask, as it is configured when nobody configured it.

use super::rig::{House, OWN, Server};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// A connection of a proxy, over which requests from many addresses come.
struct Line {
    writer: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Line {
    fn to(server: &Server) -> Self {
        let writer = TcpStream::connect(server.address).unwrap();
        writer.set_nodelay(true).unwrap();
        writer.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        Self { reader: BufReader::new(writer.try_clone().unwrap()), writer }
    }

    fn ask(&mut self, from: &str, target: &str) -> (u16, String) {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {from}\r\n\r\n");
        self.writer.write_all(request.as_bytes()).unwrap();
        self.answer()
    }

    fn answer(&mut self) -> (u16, String) {
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            assert!(self.reader.read_line(&mut line).unwrap() > 0, "it closes");
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}

/// A business as `init` makes it, behind a proxy on this machine.
fn as_it_is_made(text: &str) -> (House, Server) {
    let house = House::new();
    house.ok(&["init"]);
    let config = house.data().join("gerbang.toml");
    let made = std::fs::read_to_string(&config).unwrap();
    let made = made
        .replace("127.0.0.1:8080", "127.0.0.1:0")
        .replace("trusted_proxies = []", "trusted_proxies = [\"127.0.0.0/8\"]")
        .replace("one_answer_for_wrong_credentials = false", text);
    std::fs::write(&config, made).unwrap();
    house.add_member();
    let server = house.serve();
    (house, server)
}

#[test]
fn strangers_are_slow_and_members_are_not() {
    let (house, mut server) = as_it_is_made("one_answer_for_wrong_credentials = false");
    let mut line = Line::to(&server);
    let balance = format!("/trx/balance?{OWN}");
    let made_up = "/trx?product=T1&dest=0812&refID=r&memberID=NOBODY&pin=9&password=9";
    // A member shares its address with whoever knocks there, and was let in before.
    assert!(line.ask("203.0.113.7", &balance).1.contains("Saldo"));
    let mut limited = |from: &str| (0..300).filter(|_| line.ask(from, made_up).0 == 503).count();
    // Some come back while the test runs.
    let slow = limited("203.0.113.9");
    assert!((100..=180).contains(&slow), "{slow} of 300");
    let (first, second) = (limited("2001:db8::1"), limited("2001:db8::ffff:1"));
    assert!((100..=180).contains(&first) && second > 250, "{first} and {second} of one /64");
    assert_eq!(limited("203.0.113.7"), 0);
    assert!(line.ask("203.0.113.7", &balance).1.contains("Saldo"));
    assert!(line.ask("203.0.113.8", &balance).1.contains("Saldo"));
    let said = line.ask("203.0.113.9", "/trx/balance?memberID=X&pin=1&password=2");
    assert!(said.1.contains("Terlalu banyak permintaan"), "{said:?}");
    // A price list that exists is nobody's secret and costs nothing; /v1 is limited like the rest.
    assert_eq!(line.ask("203.0.113.9", "/v1/balance").0, 429);
    server.terminate();
    assert!(server.wait().success());
    house.holds();
}

#[test]
fn a_member_has_a_generous_rate() {
    let (house, mut server) = as_it_is_made("one_answer_for_wrong_credentials = false");
    let mut line = Line::to(&server);
    let target = format!("/trx/balance?{OWN}");
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    // All at once: a second's worth is answered at least, and a flood is not.
    for _ in 0..20 {
        line.writer.write_all(request.repeat(100).as_bytes()).unwrap();
    }
    let said: Vec<String> = (0..2_000).map(|_| line.answer().1).collect();
    let right = said.iter().filter(|text| text.contains("Saldo")).count();
    assert!(right >= 200, "{right}");
    assert!(
        said.iter()
            .all(|text| text.contains("Saldo") || text.contains("Terlalu banyak permintaan"))
    );
    server.terminate();
    assert!(server.wait().success());
    house.holds();
}

#[test]
fn wrong_credentials_may_have_one_answer() {
    let (_house, server) = as_it_is_made("one_answer_for_wrong_credentials = true");
    let mut line = Line::to(&server);
    let of = |member: &str, more: &str| {
        format!("/trx?product=T1&dest=0812000111&refID=r&memberID={member}&{more}")
    };
    for target in [
        of("NOBODY", "pin=480913&password=teh-manis-3"),
        of("OK00123", "pin=480914&password=teh-manis-3"),
        of("OK00123", "pin=480913&password=teh-manis-4"),
        of("OK00123", "sign=JzJ5VwWCk1hJUpxBd5Nb5Q"),
    ] {
        let said = line.ask("203.0.113.7", &target).1;
        assert!(said.ends_with("GAGAL. Pengguna, Pin atau Password Salah"), "{said}");
    }
    let said = line.ask("203.0.113.7", &format!("/trx/balance?{OWN}")).1;
    assert!(said.contains("Saldo"), "{said}");
}
