//! A member's sandbox switch: the same wire, no money, and nothing of it in the books.

use super::rig::{House, Server, WHO};
use super::visitor::Visitor;
use std::time::{Duration, Instant};

fn switch(member: &mut Visitor, on: &str) -> String {
    let fields = [("on", on), ("pin", "123456")];
    member.submit("/portal/sandbox", "/portal/sandbox", &fields).body
}

fn until(server: &Server, ref_id: &str, text: &str) {
    let began = Instant::now();
    loop {
        let said = server.check(ref_id);
        if said.contains(text) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{said}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_same_wire_without_money() {
    let house = House::new();
    let server = house.demo();
    server.buy("real1");
    until(&server, "real1", "status Sukses");
    let mut member = Visitor::portal(&server);
    let page = member.submit("/portal/sandbox", "/portal/sandbox", &[("on", "true"), ("pin", "0")]);
    assert!(page.body.contains("the PIN is another one"), "{}", page.body);
    let page = switch(&mut member, "true");
    assert!(page.contains("Turn the sandbox off") && page.contains("081200000003"), "{page}");
    assert!(member.get("/portal").body.contains("The sandbox is on"));

    // Play money, the same words; a magic number does what it says.
    let (_, said) = server.get(&format!("/trx/balance?{WHO}"));
    assert!(said.contains("Saldo 10.000.000"), "{said}");
    let (_, said) = server.buy("play1");
    assert!(said.contains("akan diproses. Saldo 10.000.000 - 1.321 = 9.998.679"), "{said}");
    until(&server, "play1", "status Sukses");
    server.get(&format!("/trx?product=T1&dest=082280004280&refID=play2&{WHO}"));
    until(&server, "play2", "status Gagal. Nomor tujuan salah");
    let page = member.get("/portal/sandbox").body;
    assert!(page.contains("play1") && page.contains("9.998.679"), "{page}");
    // Its callback came to the same place.
    server.line_with("R#play1 ");

    // What was bought with money is answered for as it is, and never bought again.
    assert!(server.check("real1").contains("status Sukses"));
    let (_, said) = server.buy("real1");
    assert!(said.contains("sudah pernah"), "{said}");

    // None of it is in the books.
    assert_eq!(house.json(&["member", "show", "OK00123"])["balance"], 279_655 - 1_321);
    assert_eq!(house.json(&["trx", "list"]).as_array().unwrap().len(), 1);

    // A new price is the same in the sandbox; off again, money is money.
    house.ok(&["product", "set", "T1", "--price", "1.400"]);
    let (_, said) = server.buy("play3");
    assert!(said.contains("- 1.400 ="), "{said}");
    let page = switch(&mut member, "false");
    assert!(page.contains("Turn the sandbox on"), "{page}");
    let (_, said) = server.buy("real2");
    assert!(said.contains("Saldo 278.334 - 1.400 = 276.934"), "{said}");
    assert_eq!(house.json(&["verify"])["holds"], true);
}

/// Another member's purchases are not touched by it, and a restart forgets nothing.
#[test]
fn a_restart_keeps_the_play() {
    let house = House::new();
    let server = house.demo();
    house.ok(&["member", "set", "OK00123", "--sandbox", "true"]);
    server.buy("kept1");
    until(&server, "kept1", "status Sukses");
    house.ok(&["member", "credit", "OK00207", "50.000", "--note", "test"]);
    let other = "memberID=OK00207&pin=123456&password=secret";
    let (_, said) = server.get(&format!("/trx?product=T1&dest=089660522887&refID=o1&{other}"));
    assert!(said.contains("Saldo 50.000 -"), "{said}");
    server.terminate();
    drop(server);
    let server = house.demo();
    assert!(server.check("kept1").contains("status Sukses"));
    assert_eq!(house.json(&["trx", "list", "--ref", "kept1"]).as_array().unwrap().len(), 0);
    // A downline plays at its own price.
    house.ok(&["member", "set", "OK00207", "--sandbox", "true"]);
    let (_, said) = server.get(&format!("/trx?product=T1&dest=089660522887&refID=o2&{other}"));
    assert!(said.contains("Saldo 10.000.000 - 1.471 = "), "{said}");
}
