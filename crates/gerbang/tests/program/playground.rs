//! A member's sandbox: the same wire with credentials of its own, no money, nothing of it in the
//! books, and everything of it marked.

use super::rig::{House, Server, WHO};
use super::visitor::Visitor;
use std::time::{Duration, Instant};

fn switch(member: &mut Visitor, on: &str) -> String {
    let fields = [("on", on), ("pin", "123456")];
    member.submit("/portal/sandbox", "/portal/sandbox", &fields).body
}

/// What a member's program says in the sandbox, as its portal shows it.
fn login(member: &mut Visitor, code: &str) -> String {
    let page = member.get("/portal/sandbox").body;
    let shown = |title: &str| {
        let rest = page.split(&format!("<dt>{title} of the sandbox</dt><dd><code>")).nth(1);
        rest.unwrap_or_else(|| panic!("no {title} in {page}")).split('<').next().unwrap().to_owned()
    };
    format!("memberID={code}&pin={}&password={}", shown("PIN"), shown("Password"))
}

fn buy(server: &Server, ref_id: &str, who: &str) -> String {
    server.get(&format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{who}")).1
}

fn check(server: &Server, ref_id: &str, who: &str) -> String {
    server.get(&format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{who}&check=1")).1
}

fn until(server: &Server, ref_id: &str, who: &str, text: &str) -> String {
    let began = Instant::now();
    loop {
        let said = check(server, ref_id, who);
        if said.contains(text) {
            return said;
        }
        assert!(began.elapsed() < Duration::from_secs(80), "{said}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_same_wire_without_money() {
    let house = House::new();
    let server = house.demo();
    buy(&server, "real1", WHO);
    until(&server, "real1", WHO, "status Sukses");
    let mut member = Visitor::portal(&server);
    let page = member.submit("/portal/sandbox", "/portal/sandbox", &[("on", "true"), ("pin", "0")]);
    assert!(page.body.contains("the PIN is another one"), "{}", page.body);
    let page = switch(&mut member, "true");
    assert!(page.contains("Turn the sandbox off") && page.contains("081200000003"), "{page}");
    assert!(member.get("/portal").body.contains("The sandbox is on"));
    let play = &login(&mut member, "OK00123");
    assert!(!play.contains("123456") && !play.contains("secret"), "{play}");

    // Play money, the same words; a magic number does what it says.
    let (_, said) = server.get(&format!("/trx/balance?{play}"));
    assert!(said.contains("Saldo 10.000.000"), "{said}");
    let said = buy(&server, "play1", play);
    assert!(said.contains("akan diproses. Saldo 10.000.000 - 1.321 = 9.998.679"), "{said}");
    assert!(said.contains("T#900000001 "), "numbers are told from those with money: {said}");
    let said = until(&server, "play1", play, "status Sukses");
    assert!(said.contains("SN: SANDBOX"), "{said}");
    server.get(&format!("/trx?product=T1&dest=082280004280&refID=play2&{play}"));
    until(&server, "play2", play, "status Gagal. Nomor tujuan salah");
    let page = member.get("/portal/sandbox").body;
    assert!(page.contains("play1") && page.contains("9.998.679"), "{page}");
    // Its callback came to the same place.
    server.line_with("R#play1 ");

    // The real customers of the member are served for real meanwhile, and nothing is mixed up.
    let said = buy(&server, "real2", WHO);
    assert!(said.contains("Saldo 278.334 - 1.321 = 277.013"), "{said}");
    assert!(check(&server, "real1", WHO).contains("status Sukses"));
    assert!(buy(&server, "real1", WHO).contains("sudah pernah"));
    assert!(check(&server, "play1", WHO).contains("TIDAK ADA"));
    assert!(check(&server, "real1", play).contains("TIDAK ADA"));

    // Answers of the sandbox carry a header, the others do not.
    let mut program = Visitor::new(&server);
    for (who, marked) in [(play.as_str(), Some("1")), (WHO, None)] {
        let page = program.get(&format!("/trx/balance?{who}"));
        assert_eq!(page.header("x-gerbang-sandbox"), marked, "{}", page.head);
    }

    // None of it is in the books.
    assert_eq!(house.json(&["member", "show", "OK00123"])["balance"], 279_655 - 2 * 1_321);
    assert_eq!(house.json(&["trx", "list"]).as_array().unwrap().len(), 2);

    // A new price is the same in the sandbox; other credentials at once; off, they open nothing.
    house.ok(&["product", "set", "T1", "--price", "1.400"]);
    assert!(buy(&server, "play3", play).contains("- 1.400 ="));
    let page = switch(&mut member, "renew");
    assert!(page.contains("Saved."), "{page}");
    let renewed = &login(&mut member, "OK00123");
    assert_ne!(renewed, play);
    assert!(buy(&server, "play4", play).contains("Salah"));
    assert!(buy(&server, "play5", renewed).contains("- 1.400 ="));
    let page = switch(&mut member, "false");
    assert!(page.contains("Turn the sandbox on"), "{page}");
    assert!(buy(&server, "play6", renewed).contains("Salah"));
    let said = buy(&server, "real3", WHO);
    assert!(said.contains("Saldo 277.013 - 1.400 = 275.613"), "{said}");
    house.holds();
}

/// The sandbox is no way to try real credentials out uncounted.
#[test]
fn wrong_credentials_are_counted_while_the_sandbox_is_on() {
    let house = House::new();
    let server = house.demo();
    house.ok(&["member", "set", "OK00123", "--sandbox", "true"]);
    assert!(buy(&server, "a1", WHO).contains("akan diproses"), "the right ones work");
    for number in 0..5 {
        let who = format!("memberID=OK00123&pin=00000{number}&password=secret");
        assert!(buy(&server, "a2", &who).contains("Salah"));
    }
    let said = buy(&server, "a3", WHO);
    assert!(!said.contains("akan diproses"), "{said}");
}

/// Nor from everywhere together: as for every member a hundred wrong ones, then nothing is compared from
/// where it was never let in.
#[test]
fn wrong_credentials_from_everywhere_are_slow_while_the_sandbox_is_on() {
    let house = House::new();
    house.configure("trusted_proxies", "[\"127.0.0.0/8\"]");
    let server = house.demo();
    house.ok(&["member", "set", "OK00123", "--sandbox", "true"]);
    let ask = |address: String, who: &str| {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        let request = format!(
            "GET /trx/balance?{who} HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: {address}\r\n\
             Connection: close\r\n\r\n"
        );
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        std::io::read_to_string(stream).unwrap()
    };
    let home = || "203.0.113.7".to_owned();
    assert!(ask(home(), WHO).contains("Saldo 279.655"), "a lawful one first");
    for number in 0..120 {
        let who = format!("memberID=OK00123&pin={number:06}&password=secret");
        ask(format!("2001:db8:0:{number:x}::1"), &who);
    }
    let said = ask("2001:db8:1:1::1".to_owned(), WHO);
    assert!(!said.contains("279.655"), "{said}");
    assert!(ask(home(), WHO).contains("Saldo 279.655"), "who was let in before goes on");
}

/// Another member's purchases are not touched by it, and a restart forgets nothing.
#[test]
fn a_restart_keeps_the_play() {
    let house = House::new();
    let server = house.demo();
    house.ok(&["member", "set", "OK00123", "--sandbox", "true"]);
    let play = &login(&mut Visitor::portal(&server), "OK00123");
    buy(&server, "kept1", play);
    until(&server, "kept1", play, "status Sukses");
    house.ok(&["member", "credit", "OK00207", "50.000", "--note", "test"]);
    let other = "memberID=OK00207&pin=123456&password=secret";
    let said = buy(&server, "o1", other);
    assert!(said.contains("Saldo 50.000 -"), "{said}");
    server.terminate();
    drop(server);
    let server = house.demo();
    assert!(check(&server, "kept1", play).contains("status Sukses"));
    assert_eq!(house.json(&["trx", "list", "--ref", "kept1"]).as_array().unwrap().len(), 0);
    // A downline plays at its own price.
    house.ok(&["member", "set", "OK00207", "--sandbox", "true"]);
    let other = login(&mut Visitor::portal_of(&server, "OK00207"), "OK00207");
    let said = buy(&server, "o2", &other);
    assert!(said.contains("Saldo 10.000.000 - 1.471 = "), "{said}");
}
