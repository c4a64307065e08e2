//! Restore drills: what was bought between backup and loss is found again at the supplier, nothing is
//! bought twice, no number is given out twice, and an older database is not served unknowingly.

use super::rig::{House, OWN, Server};
use super::suppliers::{Upstream, business, okeconnect, upstream, wait_until};
use super::visitor::Visitor;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A member's receiver: ids of callbacks in the order they came, with their texts.
struct Ears {
    url: String,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Ears {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut request, mut piece) = (Vec::new(), [0; 4_096]);
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut piece).unwrap() {
                        0 => break,
                        count => request.extend_from_slice(&piece[..count]),
                    }
                }
                let request = String::from_utf8(request).unwrap();
                let id = request.lines().find_map(|line| line.strip_prefix("webhook-id: "));
                let line = request.lines().next().unwrap_or_default().to_owned();
                told.lock().unwrap().push((id.unwrap_or_default().to_owned(), line));
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            }
        });
        Self { url, heard }
    }

    fn about(&self, ref_id: &str) -> BTreeSet<String> {
        let heard = self.heard.lock().unwrap();
        let mine = heard.iter().filter(|(_, line)| line.contains(&format!("refid={ref_id}&")));
        mine.map(|(id, _)| id.clone()).collect()
    }
}

fn buy(server: &Server, ref_id: &str, dest: &str) -> (u16, String) {
    server.get(&format!("/trx?product=T1&dest={dest}&refID={ref_id}&{OWN}"))
}

fn number(answer: &str) -> i64 {
    let number = answer.split("T#").nth(1).and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

fn row(house: &House, ref_id: &str) -> Value {
    house.json(&["trx", "list", "--ref", ref_id])[0].clone()
}

fn delivered(house: &House, refs: &[&str]) {
    for ref_id in refs {
        wait_until(ref_id, PATIENCE, || row(house, ref_id)["state"] == "success");
    }
}

/// Either way: what becomes of a reference at the simulator hangs on its letters, and a tag is random.
fn decided(house: &House, refs: &[&str]) {
    for ref_id in refs {
        wait_until(ref_id, PATIENCE, || row(house, ref_id)["state"] != "pending");
    }
}

/// Every reference that reached the supplier, with its destination.
fn at_supplier(up: &Upstream) -> BTreeMap<String, String> {
    let ledger = up.simulator.books().ledger();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    ledger.as_array().unwrap().iter().map(|row| (text(row, "ref"), text(row, "dest"))).collect()
}

/// The supplier's statement, as it would be downloaded there.
fn statement(up: &Upstream) -> String {
    let mut csv = "ref;dest;amount;status;sn\n".to_owned();
    for entry in up.simulator.books().ledger().as_array().unwrap() {
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        let state = if text("state") == "delivered" { "Sukses" } else { "Gagal" };
        csv += &format!("{};{};1200;{state};{}\n", text("ref"), text("dest"), text("sn"));
    }
    csv
}

/// What the comparison with the supplier's statement tells.
fn compared(script: &mut Visitor, up: &Upstream) -> Value {
    let csv = statement(up);
    let mapping = json!({
        "reference": "ref", "dest": "dest", "amount": "amount", "status": "status", "sn": "sn",
    });
    let asked = json!({
        "supplier": "up", "from": "2020-01-01", "until": "2099-12-31", "csv": csv,
        "mapping": mapping,
    });
    let (status, told) = script.json("POST", "/admin/v1/reconciliations", &asked);
    assert_eq!(status, 200, "{told}");
    told
}

/// What it finds delivered there and unknown here, by reference.
fn missing_here(script: &mut Visitor, up: &Upstream) -> BTreeSet<String> {
    let (csv, told) = (statement(up), compared(script, up));
    let lines: Vec<&str> = csv.lines().collect();
    let found = told["differences"].as_array().unwrap().iter();
    let missing = found.filter(|row| row["kind"] == "missing_here" && row["ours"].is_null());
    missing
        .map(|row| {
            let line = usize::try_from(row["line"].as_u64().unwrap()).unwrap();
            lines[line - 1].split(';').next().unwrap().to_owned()
        })
        .collect()
}

/// With a token of somebody who may compare.
fn script(house: &House, server: &Server) -> Visitor {
    let add = ["user", "add", "ani", "--role", "admin", "--password", "tujuh-gajah-makan-bambu"];
    house.ok(&add);
    let token = house.json(&["user", "token", "drill", "--role", "admin", "--user", "ani"]);
    let mut script = Visitor::new(server);
    script.token = token["token"].as_str().map(str::to_owned);
    script
}

/// A business whose supplier takes one purchase a second, so that a backup finds some not sent yet.
fn slow_business(house: &House, up: &Upstream, ears: &Ears) {
    let settings = okeconnect(&up.simulator.address.to_string())
        .replace("[callback]", "[limits]\nper_second=1\n[callback]");
    business(house, &[("up", &settings)]);
    house.ok(&["member", "set", "OK00123", "--callback", &ears.url]);
    house.ok(&["supplier", "set", "up", "--check-after-ms", "1000"]);
}

/// The whole drill: backup in the middle of work, work that is lost, another machine.
#[test]
fn a_lost_machine_comes_back_from_its_backup() {
    let (up, ears, first) = (upstream(3, 0), Ears::open(), House::new());
    slow_business(&first, &up, &ears);
    let server = first.serve();
    let dest = |n: usize| format!("0896000000{n:02}");
    let given = std::cell::RefCell::new(BTreeSet::new());
    let take = |answer: (u16, String)| {
        assert_eq!(answer.0, 200, "{answer:?}");
        assert!(given.borrow_mut().insert(number(&answer.1)), "a number twice: {answer:?}");
    };
    take(buy(&server, "old-1", &dest(1)));
    delivered(&first, &["old-1"]);
    // Some of these are sent after the copy was made.
    let queued = ["q-1", "q-2", "q-3", "q-4", "q-5", "q-6"];
    for (n, ref_id) in queued.iter().enumerate() {
        take(buy(&server, ref_id, &dest(10 + n)));
    }
    let copy = first.folder.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    first.ok(&["backup", copy]);
    let before = at_supplier(&up);
    assert!(before.len() < 7, "the copy holds nothing that was not sent: {before:?}");
    delivered(&first, &queued);
    for n in 0..3 {
        take(buy(&server, &format!("lost-{n}"), &dest(30 + n)));
    }
    delivered(&first, &["lost-0", "lost-1", "lost-2"]);
    wait_until("the member heard", PATIENCE, || !ears.about("lost-2").is_empty());
    let heard_before: BTreeSet<String> =
        ears.heard.lock().unwrap().iter().map(|(id, _)| id.clone()).collect();
    server.kill();

    // Another machine: the copy, the key, the configuration; no mark.
    let second = House::new();
    std::fs::create_dir(second.data()).unwrap();
    let said = second.fails(&["restore", copy]);
    assert!(
        said.contains("put back the key") && said.contains("Do not run `gerbang init`"),
        "{said}"
    );
    for file in ["gerbang.toml", "master.key"] {
        std::fs::copy(first.data().join(file), second.data().join(file)).unwrap();
    }
    let restored = second.json(&["restore", copy]);
    let from = restored["next_trx"].as_i64().unwrap();
    assert!(from > *given.borrow().last().unwrap(), "{restored}");
    let said = second.fails(&["restore", copy]);
    assert!(said.contains("there is a business in") && said.contains("--replace"), "{said}");

    // Nothing is sold, and nothing is called unknown, before somebody looked.
    let server = second.serve();
    assert_eq!(server.get("/readyz").0, 503);
    assert_eq!(buy(&server, "lost-0", &dest(30)).0, 503);
    let check = format!("/trx?product=T1&dest={}&refID=lost-0&{OWN}&check=1", dest(30));
    let (status, said) = server.get(&check);
    assert!(status == 503 && !said.contains("TIDAK ADA"), "{status} {said}");
    // What the copy held open is found by asking; nothing is bought for it again.
    delivered(&second, &queued);
    let lost: BTreeSet<String> = at_supplier(&up)
        .into_iter()
        .filter(|(_, d)| d.starts_with("08960000003"))
        .map(|(r, _)| r)
        .collect();
    assert_eq!(lost.len(), 3);
    let mut script = script(&second, &server);
    // Reports are some moments behind.
    wait_until("what is lost is found", PATIENCE, || missing_here(&mut script, &up) == lost);
    second.fails(&["restore", "--open"]);
    second.ok(&["restore", "--open", "--note", "statement compared, 3 purchases booked by hand"]);
    wait_until("it sells", PATIENCE, || buy(&server, "new-0", &dest(50)).0 == 200);
    for n in 0..3 {
        take(buy(&server, &format!("new-{n}"), &dest(50 + n)));
    }
    decided(&second, &["new-0", "new-1", "new-2"]);
    let found = at_supplier(&up);
    let dests: BTreeSet<&String> = found.values().collect();
    assert_eq!((found.len(), dests.len()), (13, 13), "something was bought twice: {found:?}");
    let tag = restored["tag"].as_str().unwrap();
    let new: Vec<&String> = found.keys().filter(|reference| reference.contains(tag)).collect();
    assert_eq!(new.len(), 3, "{found:?}");
    for n in 0..3 {
        wait_until("the member hears", PATIENCE, || !ears.about(&format!("new-{n}")).is_empty());
        let ids = ears.about(&format!("new-{n}"));
        assert!(ids.is_disjoint(&heard_before), "{ids:?} was used: {heard_before:?}");
    }
    server.terminate();
    assert_eq!(second.json(&["verify"])["holds"], true);
}

fn put_copy(house: &House, from: &str) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(house.data().join(format!("gerbang.db{ending}")));
    }
    std::fs::copy(from, house.data().join("gerbang.db")).unwrap();
}

/// A copy that is put in place by hand is noticed by the mark, and the numbers after it are exact.
#[test]
fn an_older_database_is_not_served() {
    let house = House::new();
    let mut server = house.demo();
    server.buy("m1");
    let copy = house.folder.path().join("copy.db");
    house.ok(&["backup", copy.to_str().unwrap()]);
    let last = number(&server.buy("m2").1);
    server.terminate();
    assert!(server.wait().success());
    // As it was left, it is served; a copy of the very end too.
    house.demo().kill();
    put_copy(&house, copy.to_str().unwrap());
    for command in [&["serve"][..], &["product", "set", "T1", "--price", "2.000"]] {
        let said = house.fails(command);
        assert!(
            said.contains("its journal ends at line") && said.contains("`gerbang restore`"),
            "{said}"
        );
    }
    // Also when it went on by itself since: another history.
    let other = House::new();
    std::fs::create_dir(other.data()).unwrap();
    std::fs::copy(house.data().join("master.key"), other.data().join("master.key")).unwrap();
    put_copy(&other, copy.to_str().unwrap());
    for n in 0..40 {
        other.ok(&["member", "credit", "OK00123", "1.000", "--note", &format!("n{n}")]);
    }
    let far = house.folder.path().join("far.db");
    other.ok(&["backup", far.to_str().unwrap()]);
    put_copy(&house, far.to_str().unwrap());
    let said = house.fails(&["serve"]);
    assert!(said.contains("is another one than when the mark was written"), "{said}");
    // Told that it was restored, it goes on, above all that was ever reserved.
    put_copy(&house, copy.to_str().unwrap());
    let told = house.json(&["restore"]);
    assert!(told["next_trx"].as_i64().unwrap() > last, "{told}");
    let server = house.demo();
    house.ok(&["restore", "--open", "--note", "drill"]);
    wait_until("it sells", PATIENCE, || server.buy("m3").0 == 200);
    assert!(number(&server.check("m3")) >= told["next_trx"].as_i64().unwrap());
    house.holds();
}

/// A living business is put aside only when that is asked for, and nothing of it is lost.
#[test]
fn a_living_business_is_put_aside_and_a_damaged_copy_refused() {
    let house = House::new();
    let mut server = house.demo();
    server.buy("p1");
    // Who is in when the copy is made, and thrown out in the time that is lost.
    let mut cs = Visitor::console(&server, "cs");
    let mut toko = Visitor::portal(&server);
    let made = house.json(&["user", "token", "old", "--role", "admin", "--user", "admin"]);
    let token = made["token"].as_str().map(str::to_owned);
    let copy = house.folder.path().join("copy.db");
    house.ok(&["backup", copy.to_str().unwrap()]);
    let copy = copy.to_str().unwrap();
    assert!(house.fails(&["restore", copy, "--replace"]).contains("stop the server first"));
    server.terminate();
    assert!(server.wait().success());
    let damaged = house.folder.path().join("damaged.db");
    std::fs::copy(copy, &damaged).unwrap();
    rusqlite::Connection::open(&damaged)
        .unwrap()
        .execute_batch("UPDATE account SET balance = 1")
        .unwrap();
    let said = house.fails(&["restore", damaged.to_str().unwrap(), "--replace"]);
    assert!(said.contains("does not hold") && said.contains("nothing was restored"), "{said}");
    house.holds();
    let told = house.json(&["restore", copy, "--replace"]);
    let aside = told["put_aside"].as_str().unwrap();
    assert!(std::path::Path::new(aside).exists());
    let rows: i64 = rusqlite::Connection::open(aside)
        .unwrap()
        .query_row("SELECT count(*) FROM trx", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
    // Nobody is in with what the copy holds; who logs in is told.
    assert!(told["sessions_and_tokens_ended"].as_i64() >= Some(3), "{told}");
    let server = house.demo();
    let mut script = Visitor::new(&server);
    script.token = token;
    assert_eq!(script.json("GET", "/admin/v1/members", &json!({})).0, 401);
    for (who, login) in [(&mut cs, "/console/login"), (&mut toko, "/portal/login")] {
        who.address = server.address;
        let home = login.trim_end_matches("/login");
        assert_eq!(who.get(home).header("location"), Some(login));
    }
    let page = Visitor::console(&server, "owner").get("/console").body;
    assert!(page.contains("This business was restored and sells nothing yet"), "{page}");
    server.terminate();
    drop(server);
    // A second restore is another epoch, with another name.
    let again = house.json(&["restore", copy, "--replace"]);
    assert_eq!((&told["epoch"], &again["epoch"]), (&json!(1), &json!(2)));
    assert_ne!(told["tag"], again["tag"]);
    assert!(again["next_trx"].as_i64() >= told["next_trx"].as_i64(), "{told} {again}");
}

/// Heads that were noted in the time that a restore took away are expected to be of no row; all others are
/// compared, also those from before the copy.
#[test]
fn heads_of_the_lost_time_are_expected() {
    let house = House::new();
    let heads = house.folder.path().join("heads");
    house.found(false);
    let config = house.data().join("gerbang.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("heads_file = {heads:?}\n{text}")).unwrap();
    let lines = || std::fs::read_to_string(&heads).unwrap_or_default().lines().count();
    // A start notes them.
    let start = || {
        let (before, mut server) = (lines(), house.serve());
        wait_until("heads are noted", PATIENCE, || lines() > before);
        server.terminate();
        assert!(server.wait().success());
    };
    house.add_member();
    start();
    house.ok(&["member", "credit", "OK00123", "50.000", "--note", "kept"]);
    let copy = house.folder.path().join("copy.db");
    house.ok(&["backup", copy.to_str().unwrap()]);
    for number in 0..20 {
        let note = format!("lost {number}");
        house.ok(&["member", "credit", "OK00123", "1.000", "--note", &note]);
    }
    start();
    let verify = ["verify", "--heads", heads.to_str().unwrap()];
    assert_eq!(house.json(&verify)["heads_compared"], 4);
    house.ok(&["restore", copy.to_str().unwrap(), "--replace"]);
    for number in 0..30 {
        let note = format!("new {number}");
        house.ok(&["member", "credit", "OK00123", "1.000", "--note", &note]);
    }
    start();
    let told = house.json(&verify);
    assert_eq!((&told["holds"], &told["heads_compared"]), (&json!(true), &json!(6)), "{told}");
    let expected = told["heads_expected"].as_str().unwrap();
    assert!(expected.starts_with("2 heads are of rows that a restore took away"), "{told}");
    // Typed, nobody knows of which time one is.
    let noted = std::fs::read_to_string(&heads).unwrap();
    let lost = noted.lines().nth(1).unwrap().split(' ').find(|word| word.starts_with("journal="));
    let said = house.run(&["verify", "--head", lost.unwrap()]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("or the head is of a time that a restore took away"), "{said}");
    // Without the restore in the database nothing is excused.
    put_copy(&house, copy.to_str().unwrap());
    std::fs::remove_file(house.data().join("gerbang.mark")).unwrap();
    assert!(!house.run(&verify).status.success());
}

/// Two copies of one folder sell at one time, from one account: the second buys under references that the
/// supplier knows from the first. It hears of other purchases, settles none of them, and says why; so do
/// callbacks and statements that speak of references it never gave.
#[test]
fn a_second_copy_at_one_supplier_is_noticed() {
    let (up, first) = (upstream(3, 0), House::new());
    let place = up.simulator.address.to_string();
    business(&first, &[("up", &okeconnect(&place))]);
    let second = House::new();
    std::fs::create_dir(second.data()).unwrap();
    for file in std::fs::read_dir(first.data()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), second.data().join(file.file_name())).unwrap();
    }
    let (one, two) = (first.serve(), second.serve());
    for n in 0..3 {
        assert_eq!(buy(&one, &format!("one-{n}"), &format!("08960000001{n}")).0, 200);
    }
    delivered(&first, &["one-0", "one-1", "one-2"]);
    assert_eq!(buy(&two, "two-0", "089600000020").0, 200);
    wait_until("it is a suspect", PATIENCE, || {
        let why = row(&second, "two-0")["suspect"].to_string();
        why.contains("does a copy of this business run somewhere?")
    });
    assert_eq!(row(&second, "two-0")["state"], "pending");
    // The supplier calls the second about what the first bought.
    let mine = row(&first, "one-2")["trx"].to_string();
    let reference = at_supplier(&up).into_keys().find(|key| key.contains(&mine)).unwrap();
    let text = format!("R#{reference} Simulasi T1.089600000012 SUKSES. SN: SIM1. Saldo 9");
    let url =
        wire::callback_url(&format!("http://{}/callback/up/hush", two.address), &reference, &text);
    let target = url.split_once(&two.address.to_string()).unwrap().1;
    assert_eq!(two.get(target).0, 404);
    wait_until("it is told", PATIENCE, || {
        two.log().contains("given by a copy of this business that runs somewhere")
    });
    // So does its statement.
    let mut script = script(&second, &two);
    wait_until("the statement tells it", PATIENCE, || {
        let told = compared(&mut script, &up);
        told["differences"].as_array().unwrap().iter().any(|row| row["strange"] == true)
    });
}

/// PostgreSQL: the database is restored by its own tools, here by copying it; a node's mark notices.
#[test]
fn a_restored_postgres_database_is_marked() {
    let pg = pgtest::Server::start(&[]).unwrap();
    let (up, house) = (upstream(5, 0), House::on(&pg.database("g").unwrap()));
    business(&house, &[("up", &okeconnect(&up.simulator.address.to_string()))]);
    let config = house.data().join("gerbang.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("lease_seconds = 15", "lease_seconds = 5")).unwrap();
    let mut server = house.serve();
    buy(&server, "old", "089600000001");
    delivered(&house, &["old"]);
    server.terminate();
    assert!(server.wait().success());
    pg.sql("postgres", "CREATE DATABASE copy TEMPLATE g").unwrap();
    let mut server = house.serve();
    let said = house.fails(&["restore"]);
    assert!(said.contains("stop the server first"), "{said}");
    let lost = number(&buy(&server, "lost", "089600000002").1);
    delivered(&house, &["lost"]);
    server.terminate();
    assert!(server.wait().success());

    let restored = House { database: Some(pg.url("copy")), ..house };
    let said = restored.fails(&["serve"]);
    assert!(
        said.contains("its journal ends at line") && said.contains("`gerbang restore`"),
        "{said}"
    );
    let told = restored.json(&["restore"]);
    let server = restored.serve();
    assert_eq!(buy(&server, "lost", "089600000002").0, 503);
    restored.ok(&["restore", "--open", "--note", "drill"]);
    wait_until("it sells", PATIENCE, || buy(&server, "new", "089600000003").0 == 200);
    decided(&restored, &["new"]);
    let new = row(&restored, "new")["trx"].as_i64().unwrap();
    assert!(new >= told["next_trx"].as_i64().unwrap() && new > lost, "{new} {told}");
    let found = at_supplier(&up);
    assert_eq!(found.len(), 3);
    assert_eq!(found.keys().filter(|key| key.contains(told["tag"].as_str().unwrap())).count(), 1);
    let mut script = script(&restored, &server);
    wait_until("what is lost is found", PATIENCE, || missing_here(&mut script, &up).len() == 1);
    drop(server);
    // A node that knows of the restore does not go back to the lost database.
    let gone_back = House { database: Some(pg.url("g")), ..restored };
    let said = gone_back.fails(&["serve"]);
    assert!(said.contains("it was restored 0 times, and 1 times"), "{said}");
}
