//! `verify` names the first row that was changed, removed or inserted.

use super::rig::House;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

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
    let file = house.folder.path().join("members.csv");
    std::fs::write(&file, "kode,pin,password,saldo,ips\nRS1,1,1,700,203.0.113.7\n").unwrap();
    house.ok(&["member", "import", file.to_str().unwrap()]);
    server.terminate();
    assert!(server.wait().success());
    assert_eq!(house.json(&["verify"])["holds"], true);
    house
}

/// A copy of the business with its key, changed with SQL.
pub(super) fn changed(house: &House, sql: &str) -> House {
    let other = House::new();
    std::fs::create_dir(other.data()).unwrap();
    std::fs::copy(house.data().join("master.key"), other.data().join("master.key")).unwrap();
    let path = other.data().join("gerbang.db");
    house.ok(&["backup", path.to_str().unwrap()]);
    let changed = Connection::open(&path).unwrap().execute_batch(sql);
    changed.unwrap_or_else(|error| panic!("{sql}: {error}"));
    other
}

/// What verify says of it.
fn tampered(house: &House, sql: &str) -> String {
    let output = changed(house, sql).run(&["verify"]);
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

/// Everything that is no transfer and no line of the journal: by the stamps in the journal.
#[test]
fn what_was_sold_to_whom_and_who_agreed_is_named() {
    let house = settled();
    let not_so = "is not what its last change wrote";
    for (sql, named) in [
        ("UPDATE trx SET sn = 'FAKE-TOKEN' WHERE no = 100000002", "trx 100000002: is not"),
        ("UPDATE trx SET dest = '081299999999' WHERE no = 100000001", "trx 100000001: is not"),
        ("UPDATE trx SET product = 'S5' WHERE no = 100000001", "trx 100000001: is not"),
        ("UPDATE trx SET price = price, before = 1, final_at = 0 WHERE no = 100000001", not_so),
        ("UPDATE trx SET given = NULL WHERE no = 100000001", not_so),
        (
            "UPDATE trx SET ref = 'zzz' WHERE no = 100000001;
             UPDATE ref SET ref = 'zzz' WHERE no = 100000001",
            "trx 100000001: is not",
        ),
        ("UPDATE trx SET suspect = 'x' WHERE no = 100000003", "trx 100000003: is not"),
        (
            "UPDATE attempt SET supplier = 'other', cost = 1, state = 'failed', detail = 'x'
             WHERE trx = 100000001",
            "attempt 100000001-1: is not",
        ),
        ("UPDATE attempt SET sent = sent + 1 WHERE trx = 100000004", "attempt 100000004-1: is not"),
        ("DELETE FROM attempt", "attempt 100000001-1: is gone"),
        ("DELETE FROM delivery", "delivery 1: is gone"),
        ("UPDATE delivery SET message = 'GAGAL' WHERE id = 2", "delivery 2: is not"),
        ("UPDATE delivery SET state = 'parked' WHERE id = 3", "delivery 3: is not"),
        ("UPDATE account SET day_total = 0", "account 1: is not"),
        ("DELETE FROM paper WHERE kind = 'user'", "user owner: is gone"),
        (
            "UPDATE paper SET body = replace(body, 'readonly', 'owner') WHERE kind = 'user'",
            "user readonly: is not",
        ),
        (
            "INSERT INTO paper SELECT 'approval', 'x', '', 1, 0, body FROM paper LIMIT 1",
            "approval x: no line of the journal tells of it",
        ),
        ("UPDATE member SET credit_limit = 1000000000", "member row 1: is not"),
        ("UPDATE member SET imported = 0 WHERE code = 'RS1'", "member row 9: is not"),
        ("UPDATE member SET imported = 3 WHERE code = 'OK00123'", "member row 1: is not"),
        ("UPDATE price SET amount = 1 WHERE product = 'T1'", "T1: is not"),
        ("UPDATE route SET cost = 0, allow_loss = 1 WHERE product = 'T1'", "route T1"),
        ("DELETE FROM route WHERE product = 'T1'", "is gone, and nothing"),
        ("UPDATE supplier SET trusted_reversal = 1 - trusted_reversal", "supplier sandbox: is not"),
        ("UPDATE transfer SET member = 99 WHERE seq = 2", "transfer 2 names a member"),
        ("UPDATE journal SET stamps = NULL WHERE stamps IS NOT NULL", "was changed or inserted"),
    ] {
        let said = tampered(&house, sql);
        assert!(said.contains(named), "{sql}\n{named} is not in:\n{said}");
    }
    // Without the key the chains are proved, and it is said what was not.
    let other = changed(&house, "UPDATE trx SET sn = 'FAKE-TOKEN' WHERE no = 100000002");
    std::fs::remove_file(other.data().join("master.key")).unwrap();
    let told = other.json(&["verify"]);
    assert_eq!(told["stamps"], "not compared: master.key is not at hand");
    let told = house.json(&["verify"]);
    assert!(told["stamps"].as_str().unwrap().ends_with(" rows compared"), "{told}");
}

/// What was changed behind the program's back is not hidden by a lawful act that reads the row,
/// changes something else in it and writes the whole; the same act alone is honest.
#[test]
fn a_lawful_act_hides_nothing() {
    let house = settled();
    let last = house.json(&["trx", "list", "--state", "success"])[0]["trx"].to_string();
    let resolve = ["trx", "resolve", &last, "--reverse", "Nomor salah", "--note", "test"];
    for (sql, act, row) in [
        (
            "UPDATE member SET credit_limit = 1000000000 WHERE id = 1".to_owned(),
            &["member", "set", "OK00123", "--same-day-guard", "true"][..],
            "member row 1",
        ),
        (
            "UPDATE member SET imported = 0 WHERE code = 'RS1'".to_owned(),
            &["member", "set", "RS1", "--same-day-guard", "true"],
            "member row 9",
        ),
        (
            "UPDATE price SET amount = 1 WHERE product = 'T1'".to_owned(),
            &["product", "set", "T1", "--price", "1100"],
            "price retail T1",
        ),
        (
            "UPDATE product SET dest_rule = 'any' WHERE code = 'T1'".to_owned(),
            &["product", "set", "T1", "--name", "Another"],
            "product T1",
        ),
        (
            "UPDATE route SET cost = 0, allow_loss = 1 WHERE product = 'T1'".to_owned(),
            &["route", "set", "T1", "sandbox", "--priority", "3"],
            "route T1 sandbox",
        ),
        (
            "UPDATE supplier SET trusted_reversal = 1 - trusted_reversal WHERE code = 'sandbox'"
                .to_owned(),
            &["supplier", "set", "sandbox", "--paused", "true"],
            "supplier sandbox",
        ),
        (
            "UPDATE paper SET body = replace(body, 'readonly', 'owner') WHERE kind = 'user'"
                .to_owned(),
            &["user", "set", "readonly", "--active", "false"],
            "user readonly",
        ),
        (format!("UPDATE trx SET sn = 'FAKE' WHERE no = {last}"), &resolve, &format!("trx {last}")),
        (
            "UPDATE account SET day_total = 0 WHERE member = 1".to_owned(),
            &["member", "credit", "OK00123", "700", "--note", "x"],
            "account 1",
        ),
        (
            "UPDATE delivery SET message = 'SUKSES' WHERE id = 1".to_owned(),
            &["callback", "replay", "1"],
            "delivery 1",
        ),
    ] {
        let other = changed(&house, "SELECT 1");
        other.ok(act);
        assert_eq!(other.json(&["verify"])["holds"], true, "{act:?}");
        let other = changed(&house, &sql);
        other.ok(act);
        let said = String::from_utf8(other.run(&["verify"]).stdout).unwrap();
        let named = format!("{row}: was changed or inserted behind the journal");
        assert!(said.contains(&named), "{sql}\n{act:?}\n{named} is not in:\n{said}");
    }
}

/// The body of the one request that comes, which is answered with 204.
fn posted(keeper: &TcpListener) -> String {
    let (mut stream, _) = keeper.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => assert!(line.starts_with("POST /heads?key=k HTTP/1.1"), "{line}"),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
    String::from_utf8(body).unwrap()
}

/// A tail that is cut together with its head and the balances: seen by what was noted before, the
/// balance also by its stamp.
#[test]
fn an_end_that_was_cut_is_seen_by_what_was_noted() {
    let house = settled();
    house.ok(&["member", "credit", "OK00123", "700.000", "--note", "last"]);
    let config = house.data().join("gerbang.toml");
    let file = house.folder.path().join("heads");
    let keeper = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/heads?key=k", keeper.local_addr().unwrap());
    let text = format!("heads_file = {file:?}\nlisten = \"127.0.0.1:0\"\n");
    std::fs::write(&config, format!("{text}heads_url = \"keeper.example\"\n")).unwrap();
    assert!(house.fails(&["serve"]).contains("heads_url: must begin with https://"));
    std::fs::write(&config, format!("{text}heads_url = {url:?}\n")).unwrap();
    let told = house.json(&["verify"]);
    let heads = ["ledger", "journal"]
        .map(|name| format!("{name}={}", told[format!("{name}_head")].as_str().unwrap()));
    let cut = "
        UPDATE account SET balance = balance - 700000;
        DELETE FROM transfer WHERE seq = (SELECT max(seq) FROM transfer);
        UPDATE chain SET seq = (SELECT max(seq) FROM transfer),
          head = (SELECT hash FROM transfer ORDER BY seq DESC LIMIT 1) WHERE name = 'ledger'";
    let said = tampered(&house, cut);
    assert!(said.contains("account 1: is not what its last change wrote"), "{said}");
    let lines = "
        DELETE FROM journal WHERE seq > (SELECT max(seq) FROM journal) - 3;
        UPDATE chain SET seq = (SELECT max(seq) FROM journal),
          head = (SELECT hash FROM journal ORDER BY seq DESC LIMIT 1) WHERE name = 'journal'";
    let other = changed(&house, lines);
    for head in &heads {
        house.ok(&["verify", "--head", head]);
    }
    let said = other.run(&["verify", "--head", &heads[1]]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("its end was cut, or the whole was set back"), "{said}");
    // The mark beside the database knows it too; and so does a signed file of heads.
    std::fs::copy(house.data().join("gerbang.mark"), other.data().join("gerbang.mark")).unwrap();
    let sent = std::thread::spawn(move || posted(&keeper));
    let server = house.serve();
    let began = std::time::Instant::now();
    while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains("journal=0/")) {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "no heads are written");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(sent.join().unwrap(), std::fs::read_to_string(&file).unwrap());
    server.terminate();
    drop(server);
    let file = file.to_str().unwrap();
    assert_eq!(house.json(&["verify", "--heads", file])["heads_compared"], 2);
    let said = String::from_utf8(other.run(&["verify", "--heads", file]).stdout).unwrap();
    assert!(said.contains("the whole was set back"), "{said}");
    assert!(said.contains("the mark beside the database"), "{said}");
    let forged = std::fs::read_to_string(file).unwrap().replacen("journal=0/", "journal=0/1", 1);
    std::fs::write(file, forged).unwrap();
    assert!(house.fails(&["verify", "--heads", file]).contains("was not written by this business"));
}

/// From a checkpoint on the same things are named, of what came after it and of what still counts; and
/// an honest business goes on, whatever it does with what is older.
#[test]
fn a_proof_goes_on_from_a_checkpoint() {
    let house = settled();
    let file = house.folder.path().join("proof");
    let on = ["verify", "--checkpoint", file.to_str().unwrap()];
    let first = house.json(&on);
    assert_eq!(
        (&first["holds"], &first["since_checkpoint"]),
        (&true.into(), &serde_json::Value::Null)
    );
    let sealed = std::fs::read_to_string(&file).unwrap();
    let old = changed(&house, "SELECT 1");
    // What is older goes on: one of before is reversed, its callback is told, more is bought.
    let mut server = house.demo();
    let settled = house.json(&["trx", "list", "--state", "success"]);
    let no = settled[0]["trx"].to_string();
    house.ok(&["trx", "resolve", &no, "--reverse", "Nomor salah", "--note", "test"]);
    for number in 0..3 {
        server.buy(&format!("w{number}"));
    }
    for _ in 0..4 {
        server.line_with("callback: ");
    }
    server.terminate();
    assert!(server.wait().success());
    let told = house.json(&on);
    let read = told["since_checkpoint"].as_str().unwrap();
    assert!(read.contains(" transfers and ") && !read.starts_with("0 "), "{told}");
    let again = house.json(&on);
    assert!(again["since_checkpoint"].as_str().unwrap().starts_with("0 transfers and 0 lines"));
    assert_eq!(house.json(&["verify"])["ledger_head"], again["ledger_head"]);

    // Everything below goes on from the first checkpoint.
    let seal = || std::fs::write(&file, &sealed).unwrap();
    for (sql, named) in [
        ("UPDATE trx SET sn = 'FAKE' WHERE no = (SELECT max(no) FROM trx)", "is not what its last"),
        ("UPDATE trx SET state = 'failed' WHERE no = (SELECT max(no) FROM trx)", "cannot be read"),
        (
            "UPDATE trx SET state = 'failed', reason = 'x', final_balance = 1
             WHERE no = (SELECT max(no) FROM trx)",
            "but has 1 debit",
        ),
        ("DELETE FROM attempt WHERE trx = (SELECT max(no) FROM trx)", "-1: is gone"),
        ("UPDATE delivery SET message = 'x' WHERE id = (SELECT max(id) FROM delivery)", "is not"),
        ("UPDATE account SET balance = balance + 1", "member 1: cached balance"),
        (
            "UPDATE transfer SET amount = 1 WHERE seq = (SELECT max(seq) FROM transfer)",
            "was changed",
        ),
        ("DELETE FROM transfer WHERE seq = (SELECT max(seq) FROM transfer)", "ledger: ends at row"),
        ("UPDATE price SET amount = 1 WHERE product = 'T1'", "T1: is not"),
        ("DELETE FROM paper WHERE kind = 'user'", "user owner: is gone"),
        ("UPDATE supplier SET trusted_reversal = 1 - trusted_reversal", "supplier sandbox: is not"),
        (
            "INSERT INTO paper SELECT 'approval', 'x', '', 1, 0, body FROM paper LIMIT 1",
            "approval x: no line of the journal tells of it",
        ),
        (
            "CREATE TEMP TABLE x AS SELECT * FROM trx WHERE no = 100000001;
             UPDATE x SET no = 900000001, ref = 'x'; INSERT INTO trx SELECT * FROM x;
             INSERT INTO ref (member, ref, no) VALUES (1, 'x', 900000001)",
            "trx 900000001: no line of the journal tells of it",
        ),
    ] {
        seal();
        let output = changed(&house, sql).run(&on);
        let mut said = String::from_utf8(output.stdout).unwrap();
        said.push_str(&String::from_utf8(output.stderr).unwrap());
        assert!(!output.status.success() && said.contains(named), "{sql}\n{named}\n{said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), sealed, "no proof, no checkpoint");
    }
    // What ended before it is not read again, and it is said how to.
    let sql = "UPDATE trx SET sn = 'FAKE' WHERE no = 100000001";
    let passed = changed(&house, sql);
    assert_eq!(passed.json(&on)["holds"], true);
    seal();
    assert!(!passed.run(&[&on[..], &["--whole"]].concat()).status.success());
    // A whole that was set back; another business; a forged checkpoint; none without the key.
    house.ok(&on);
    let said = String::from_utf8(old.run(&on).stdout).unwrap();
    assert!(said.contains("was proved at the checkpoint"), "{said}");
    let forged = sealed.replacen("\"at\":", "\"at\":1", 1);
    std::fs::write(&file, forged).unwrap();
    assert!(house.fails(&on).contains("is no checkpoint of this business, or was changed"));
    assert!(house.fails(&["verify", "--whole"]).contains("--checkpoint"));
    // Nor is one what is no text at all, or something else that is one.
    for bytes in [&[0xff, 0xfe, 0, 7, 0x80][..], b"\x00\x01{}\n\xc3", b"", b"{}\nabc\n", b"hello"] {
        std::fs::write(&file, bytes).unwrap();
        let said = house.fails(&on);
        let is_clear = said.contains("is no checkpoint of this business, or was changed")
            && said.contains(file.to_str().unwrap())
            && said.contains("--whole");
        assert!(is_clear && !said.contains("UTF-8"), "{said}");
        let said = house.fails(&["verify", "--heads", file.to_str().unwrap()]);
        assert!(said.contains(file.to_str().unwrap()) && !said.contains("UTF-8"), "{said}");
    }
    house.ok(&[&on[..], &["--whole"]].concat());
    house.ok(&on);
    // What was proved is told, whether a later proof may go on from it or not.
    let nowhere = house.folder.path().join("no-folder/checkpoint");
    let output = house.run(&["--json", "verify", "--checkpoint", nowhere.to_str().unwrap()]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["holds"], &told["checkpoint"]), (&json!(true), &json!("not written")));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("the checkpoint was not written"), "{said}");
    std::fs::remove_file(house.data().join("master.key")).unwrap();
    assert!(house.fails(&on).contains("sealed with master.key"));
}
