//! Downlines, from the upline's portal to the statement: prices, commissions, balance given.

use super::rig::{House, Server};
use super::visitor::Visitor;
use std::time::{Duration, Instant};

/// Buys, and waits until the sandbox has delivered.
fn bought(house: &House, server: &Server, who: &str, ref_id: &str) -> String {
    let query = format!("/trx?product=T1&dest=089660522887&refID={ref_id}&{who}");
    let (_, text) = server.get(&query);
    let began = Instant::now();
    while house.json(&["trx", "list", "--ref", ref_id])[0]["state"] != "success" {
        assert!(began.elapsed() < Duration::from_secs(80), "{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
    text
}

fn balance(house: &House, code: &str) -> i64 {
    house.json(&["member", "show", code])["balance"].as_i64().unwrap()
}

fn code_after<'a>(body: &'a str, title: &str) -> &'a str {
    let rest = body.split(&format!("<dt>{title}</dt><dd><code>")).nth(1).unwrap_or_else(|| {
        panic!("no {title} in {body}");
    });
    rest.split('<').next().unwrap()
}

#[test]
fn an_upline_and_its_network() {
    let house = House::new();
    let server = house.demo();
    let who = |code: &str| format!("memberID={code}&pin=123456&password=secret");
    for code in ["OK00206", "OK00207"] {
        house.ok(&["member", "credit", code, "100.000", "--note", "test"]);
    }
    // OK00207 buys from OK00206, which buys from OK00123: 1.321 + 50 + 100.
    let text = bought(&house, &server, &who("OK00207"), "deep1");
    assert!(text.contains("Saldo 100.000 - 1.471 = 98.529"), "{text}");
    assert_eq!(balance(&house, "OK00206"), 100_100);
    assert_eq!(balance(&house, "OK00123"), 279_655 + 50);

    // The portal of the topmost: a new downline, its markup, balance for it.
    let mut top = Visitor::portal(&server);
    let page = top.get("/portal/network").body;
    assert!(page.contains("OK00206") && page.contains("· OK00207"), "{page}");
    assert!(!page.contains("OK00201"));
    let new = [("name", "Konter Anak"), ("markup", "25"), ("pin", "123456")];
    let page = top.submit("/portal/network", "/portal/network", &new).body;
    let (code, pin) = (code_after(&page, "Member code"), code_after(&page, "PIN"));
    let child = format!("memberID={code}&pin={pin}&password={}", code_after(&page, "Password"));
    assert_eq!(code, "OK00208");
    let markup = [("code", code), ("markup", "25"), ("markups", "T1:30")];
    let page = top.submit("/portal/network", "/portal/network/markup", &markup).body;
    assert!(page.contains("Saved."), "{page}");
    let give = [("to", code), ("amount", "10.000"), ("pin", "123456"), ("once", "k1")];
    for told in ["Moved. Balance of OK00123: 269.705", "done already"] {
        let page = top.submit("/portal/network", "/portal/network/give", &give).body;
        assert!(page.contains(told), "{page}");
    }
    let text = bought(&house, &server, &child, "child1");
    assert!(text.contains("Saldo 10.000 - 1.351 = 8.649"), "{text}");

    // Not with a wrong PIN, and not to somebody else's member.
    let wrong = [("to", code), ("amount", "10.000"), ("pin", "000000"), ("once", "k2")];
    let page = top.submit("/portal/network", "/portal/network/give", &wrong).body;
    assert!(page.contains("the PIN is another one"), "{page}");
    let other = [("to", "OK00201"), ("amount", "10.000"), ("pin", "123456"), ("once", "k3")];
    let page = top.submit("/portal/network", "/portal/network/give", &other).body;
    assert!(page.contains("not in your network"), "{page}");
    let deeper = [("code", "OK00207"), ("markup", "0"), ("markups", "")];
    let page = top.submit("/portal/network", "/portal/network/markup", &deeper).body;
    assert!(page.contains("who sets its markup"), "{page}");
    let below = [("code", code), ("markup", "-5"), ("markups", "")];
    let page = top.submit("/portal/network", "/portal/network/markup", &below).body;
    assert!(page.contains("never pays less"), "{page}");

    // The commission stands in the statement, and a reversal takes it back.
    let page = top.get("/portal/statement").body;
    assert!(page.contains("commission"), "{page}");
    let no = house.json(&["trx", "list", "--ref", "deep1"])[0]["trx"].as_i64().unwrap();
    let no = no.to_string();
    house.ok(&["trx", "resolve", &no, "--reverse", "Nomor salah", "--note", "test"]);
    assert_eq!(balance(&house, "OK00207"), 100_000);
    assert_eq!(balance(&house, "OK00206"), 100_000);
    assert_eq!(balance(&house, "OK00123"), 269_655 + 30);

    // A downline's price list has an id of its own, with its own prices.
    let page = top.get("/portal/api").body;
    assert!(page.contains("/harga/json?id=905ccd028329b0a"), "{page}");
    let page = Visitor::portal_of(&server, "OK00207").get("/portal/api").body;
    let own = page.split("/harga/json?id=").nth(1).unwrap().split(['<', '&', '\'']).next().unwrap();
    let (_, list) = server.get(&format!("/harga/json?id={own}"));
    assert!(list.contains("\"kode\":\"T1\"") && list.contains("\"harga\":\"1471\""), "{list}");
    house.fails(&["member", "set", "OK00123", "--upline", "OK00207"]);
    house.fails(&["member", "set", "OK00123", "--upline", "OK00123"]);
    house.holds();
}

#[test]
fn downlines_are_off_until_an_owner_turns_them_on() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let rules = [
        ("approval_above", "5000000"),
        ("approval_above_day", "20000000"),
        ("reverse_above", "1000000"),
        ("reverse_days", "7"),
        ("cooling_minutes", "60"),
        ("ticket_minutes", "180"),
        ("ticket_unique_most", "999"),
        ("ticket_least", "10000"),
        ("allowlist_hours", "24"),
        ("own_password", "demo-gerbang"),
    ];
    owner.submit("/console/users", "/console/rules", &rules);
    let told = house.fails(&["member", "set", "OK00201", "--upline", "OK00123"]);
    assert!(told.contains("downlines are off"), "{told}");
    let mut member = Visitor::portal(&server);
    assert!(!member.get("/portal").body.contains("/portal/network"));
    assert_eq!(member.get("/portal/network").status, 403);
    // Those who have an upline keep it, and what they pay.
    house.ok(&["member", "set", "OK00206", "--markup", "60"]);
    assert_eq!(house.json(&["member", "show", "OK00206"])["upline"], "OK00123");
}
