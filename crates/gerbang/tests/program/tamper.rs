//! `verify` names the first row that was changed, removed or inserted.

use super::rig::House;
use rusqlite::Connection;

/// A business with some settled purchases, at rest.
fn settled() -> House {
    let house = House::new();
    let mut server = house.demo();
    for number in 0..5 {
        server.buy(&format!("v{number}"));
    }
    for _ in 0..5 {
        server.line_with("callback: ");
    }
    server.terminate();
    assert!(server.wait().success());
    assert_eq!(house.json(&["verify"])["holds"], true);
    house
}

/// Changes a copy of the business with SQL; what verify says of it.
fn tampered(house: &House, sql: &str) -> String {
    let other = House::new();
    std::fs::create_dir(other.data()).unwrap();
    let path = other.data().join("gerbang.db");
    house.ok(&["backup", path.to_str().unwrap()]);
    let changed = Connection::open(&path).unwrap().execute_batch(sql);
    changed.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let output = other.run(&["verify"]);
    assert!(!output.status.success(), "not seen: {sql}");
    let mut said = String::from_utf8(output.stdout).unwrap();
    said.push_str(&String::from_utf8(output.stderr).unwrap());
    said
}

#[test]
fn every_kind_of_tampering_is_named() {
    let house = settled();
    for (sql, named) in [
        ("UPDATE transfer SET amount = amount + 1 WHERE seq = 3", "ledger: row 3 was changed"),
        ("UPDATE transfer SET note = 'x' WHERE seq = 1", "ledger: row 1 was changed"),
        ("DELETE FROM transfer WHERE seq = 4", "ledger: row 4 is missing"),
        ("DELETE FROM transfer WHERE seq = (SELECT max(seq) FROM transfer)", "ledger: ends at row"),
        ("UPDATE journal SET reply = 'x' WHERE seq = 2", "journal: row 2 was changed"),
        ("UPDATE journal SET at = at + 1 WHERE seq = 5", "journal: row 5 was changed"),
        ("DELETE FROM journal WHERE seq = 3", "journal: row 3 is missing"),
        ("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)", "journal: ends at row"),
        (
            "UPDATE journal SET seq = seq + 1000 WHERE seq >= 6;
             UPDATE journal SET seq = seq - 999 WHERE seq >= 1006;
             CREATE TEMP TABLE x AS SELECT * FROM journal WHERE seq = 5;
             UPDATE x SET seq = 6; INSERT INTO journal SELECT * FROM x;
             UPDATE chain SET seq = seq + 1 WHERE name = 'journal'",
            "journal: row 6 was changed or inserted",
        ),
        ("UPDATE account SET balance = balance + 1", "member 1: cached balance"),
        ("UPDATE trx SET state = 'failed' WHERE no = 100000002", "100000002"),
        ("UPDATE trx SET price = price - 1 WHERE no = 100000003", "100000003"),
    ] {
        let said = tampered(&house, sql);
        assert!(said.contains(named), "{sql}\n{named} is not in:\n{said}");
    }
}
