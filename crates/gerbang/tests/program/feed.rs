//! What members read and take away: changed prices, statements and reports as files.

use super::rig::House;
use super::visitor::Visitor;
use std::time::{Duration, Instant};

#[test]
fn prices_have_a_history_and_members_a_feed() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let change = |owner: &mut Visitor, fields: &[(&str, &str)]| {
        let page = owner.submit("/console/products/T1", "/console/products/T1", fields).body;
        assert!(page.contains("Saved."), "{page}");
        page
    };
    change(&mut owner, &[("price", "1.350"), ("level", "retail"), ("open", "true")]);
    let page = change(&mut owner, &[("reason", "gangguan di pusat")]);
    assert!(page.contains("1.321") && page.contains("1.350"), "{page}");
    assert!(page.contains("gangguan di pusat"), "{page}");

    let feed = Visitor::portal(&server).get("/portal/news").body;
    assert!(feed.contains("1.321") && feed.contains("1.350") && feed.contains("dearer"), "{feed}");
    assert!(feed.contains("closed") && feed.contains("gangguan di pusat"), "{feed}");
    // The first goods of the business were no news.
    assert!(!feed.contains("T5"), "{feed}");
    // A downline reads what it pays itself: 150 more.
    let feed = Visitor::portal_of(&server, "OK00207").get("/portal/news").body;
    assert!(feed.contains("1.471") && feed.contains("1.500") && !feed.contains("1.321"), "{feed}");
    // The same price again is no news.
    let before = feed.matches("<tr").count();
    house.ok(&["product", "set", "T1", "--price", "1.350"]);
    let feed = Visitor::portal_of(&server, "OK00207").get("/portal/news").body;
    assert_eq!(feed.matches("<tr").count(), before, "{feed}");
}

#[test]
fn statements_and_reports_can_be_taken_away() {
    let house = House::new();
    let server = house.demo();
    server.buy("file1");
    house.ok(&["member", "credit", "OK00123", "50.000", "--note", "=cmd|' /C calc'!A0"]);
    let mut member = Visitor::portal(&server);
    let began = Instant::now();
    let statement = loop {
        let page = member.get("/portal/statement.csv");
        if page.body.contains("calc") {
            break page;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{}", page.body);
        std::thread::sleep(Duration::from_millis(100));
    };
    let lines: Vec<&str> = statement.body.lines().collect();
    assert_eq!(lines[0], "time,what,trx,amount,balance,note");
    assert!(lines[1].contains("deposit") && lines[1].contains(",279655,279655,"), "{lines:?}");
    assert!(lines[2].contains("debit,100000001,-1321,278334,"), "{lines:?}");
    assert!(!statement.body.contains(",=cmd"), "{}", statement.body);
    let attached = statement.header("content-disposition").unwrap();
    assert!(attached.contains("OK00123-") && attached.ends_with(".csv\""), "{attached}");
    let nothing = member.get("/portal/statement.csv?from=2020-01-01&until=2020-01-02").body;
    assert_eq!(nothing.lines().count(), 1, "{nothing}");

    let mut owner = Visitor::console(&server, "owner");
    for target in [
        "/console/reports.xlsx?by=member",
        "/console/members/OK00123/statement.xlsx",
        "/console/reports.csv",
    ] {
        let (status, bytes) = owner.bytes(target);
        assert_eq!(status, 200, "{target}");
        assert_eq!(bytes.starts_with(b"PK"), target.contains("xlsx"), "{target}");
    }
}
