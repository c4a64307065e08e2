//! The master key: changed while the program is killed at every step, told from another, and kept out
//! of core dumps.

use super::crashes::Trial;
use super::people::{code, set_up};
use super::rig::{House, OWN, Server};
use super::suppliers::wait_until;
use super::visitor::Visitor;
use serde_json::{Value, json};
use std::process::Output;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::{KeyId, MasterKey};

const PASSWORD: &str = "teh-manis-panas-3";
const AGAIN: &str = "run `gerbang key rotate` again";

/// A business with everything that is sealed, and who knows what is in it.
struct Business {
    trial: Trial,
    totp: String,
    recovery: Vec<String>,
    /// Of the JSON door: id and secret.
    key: (String, String),
    /// Logged in at the console and at the portal before anything was changed.
    staff: Visitor,
    member: Visitor,
    bought: u32,
}

impl Business {
    fn new(house: House) -> Self {
        let trial = Trial::of(house);
        let house = &trial.house;
        for number in 1..=5 {
            let code = format!("OK0020{number}");
            let add = ["member", "add", &code, "--pin", "480914", "--password", "teh-manis-4"];
            house.ok(&add);
        }
        house.ok(&[
            "member",
            "set",
            "OK00123",
            "--signing",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ]);
        house.ok(&["member", "set", "OK00123", "--sandbox", "true"]);
        house.ok(&["user", "add", "budi", "--role", "owner", "--password", PASSWORD]);
        let server = trial.serve();
        let mut budi = Visitor::from(&server, None);
        assert_eq!(budi.enter("budi", PASSWORD, ""), "/console");
        let (totp, _, recovery) = set_up(&mut budi);
        let token = house.json(&["user", "token", "t", "--role", "owner", "--user", "budi"]);
        let mut script = Visitor::new(&server);
        script.token = Some(token["token"].as_str().unwrap().to_owned());
        let (_, made) =
            script.json("POST", "/admin/v1/members/OK00123/keys", &json!({"name": "toko"}));
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let key = (text("id"), text("secret"));
        let mut member = Visitor::from(&server, None);
        let fields = [("member", "OK00123"), ("password", "teh-manis-3"), ("pin", "480913")];
        assert_eq!(member.enter_portal(&fields), "/portal");
        assert_eq!(member.get("/portal").header("location"), Some("/portal/password"));
        end(server);
        house.holds();
        Self { trial, totp, recovery, key, staff: budi, member, bought: 0 }
    }

    fn house(&self) -> &House {
        &self.trial.house
    }

    /// Rotates, and dies at this place.
    fn dies(&self, place: &str) {
        let mut command = self.house().program();
        command.env("GERBANG_CRASH_AT", format!("{place}:1"));
        command.arg("--data").arg(self.house().data()).args(["key", "rotate"]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), None, "{place}: {output:?}");
    }

    /// Everything that was sealed opens, and what digests were made with is what it was.
    fn works(&mut self, server: &Server) {
        self.bought += 1;
        let ref_id = format!("k{}", self.bought);
        let (status, said) = server.buy(&ref_id);
        assert!(status == 200 && said.contains(&format!("R#{ref_id} ")), "{said}");
        // The supplier says no now and then.
        wait_until("the supplier's word", Duration::from_secs(60), || {
            let said = server.check(&ref_id);
            said.contains("status Sukses") || said.contains("status Gagal")
        });
        let balance = signed(server, &self.key);
        assert!(balance["balance"].as_i64().is_some(), "{balance}");
        let mut budi = Visitor::from(server, None);
        assert_eq!(budi.enter("budi", PASSWORD, "000000"), "/console/login");
        let recovery = self.recovery.pop().unwrap();
        assert_eq!(budi.enter("budi", PASSWORD, &recovery), "/console");
        assert_eq!(budi.get("/console/users").status, 200);
    }

    fn is_under(&self, key: KeyId) {
        let told = self.house().json(&["key", "show"]);
        assert_eq!(told["key"], key.to_string(), "{told}");
        assert_eq!(told["key_of_the_business"], key.to_string(), "{told}");
        let others = (&told["sealed_under_others"], &told["sealed_before_keys_had_ids"]);
        assert_eq!(others, (&json!(0), &json!(0)), "{told}");
        assert!(told["sealed_under_this_key"].as_i64().unwrap() >= 17, "{told}");
        assert_eq!(told["rotation"], Value::Null);
    }
}

/// Ends in order.
fn end(mut server: Server) {
    server.terminate();
    assert!(server.wait().success());
}

/// The balance, at the JSON door.
fn signed(server: &Server, (id, secret): &(String, String)) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (timestamp, nonce) = (now.as_secs().to_string(), format!("n-{}", now.as_nanos()));
    let (method, target) = ("GET", "/v1/balance");
    let signed = wire::Signed { timestamp: &timestamp, nonce: &nonce, method, target, body: b"" };
    let sign = signed.sign(secret);
    let headers = [
        ("gerbang-key", id.as_str()),
        ("gerbang-timestamp", timestamp.as_str()),
        ("gerbang-nonce", nonce.as_str()),
        ("gerbang-signature", sign.as_str()),
    ];
    let page = Visitor::new(server).send(method, target, &headers, Some(""));
    assert_eq!(page.status, 200, "{}", page.body);
    serde_json::from_str(&page.body).unwrap()
}

fn key_in(house: &House) -> MasterKey {
    let text = std::fs::read_to_string(house.data().join("master.key")).unwrap();
    MasterKey::from_hex(&text).unwrap()
}

/// Where the whole database still names a key: sealed values begin with it.
fn left_under(house: &House, key: KeyId) -> Vec<String> {
    let database = rusqlite::Connection::open(house.data().join("gerbang.db")).unwrap();
    let mut begin = vec![2];
    begin.extend(types::unhex(&key.to_string()).unwrap());
    let whole = |table: &str| format!("SELECT * FROM {table}");
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let mut tables = database.prepare(tables).unwrap();
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let (hex, coded) = (types::hex(&begin), base64_begin(&begin));
    let mut found = Vec::new();
    for table in tables {
        let mut rows = database.prepare(&whole(&table)).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let is_left = match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Blob(bytes) => {
                        table != "journal" && bytes.starts_with(&begin)
                    }
                    rusqlite::types::ValueRef::Text(text) => {
                        let text = String::from_utf8_lossy(text);
                        text.contains(&hex) || text.contains(&coded)
                    }
                    _ => false,
                };
                if is_left {
                    found.push(format!("{table}: {row:?}"));
                }
            }
        }
    }
    found
}

/// The letters that base 64 of whatever begins with these five bytes begins with, after a quote or not.
fn base64_begin(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)[..6].to_owned()
}

/// The old key in the place of the new one.
fn with_old_key(house: &House, words: &[&str], old: &MasterKey) -> Output {
    let mut command = house.program();
    command.env("GERBANG_MASTER_KEY", old.to_hex().as_str());
    command.arg("--data").arg(house.data()).args(words).output().unwrap()
}

/// kill -9 at every step: the business is under the old key and works, or says how to go on and is
/// served under neither; after the next run everything is under the new one.
#[test]
fn a_rotation_that_dies_anywhere_goes_on() {
    let mut all = Business::new(House::new());
    for place in
        ["key-made", "key-begun", "key-batch", "key-sealed", "key-ended", "key-kept", "key-swapped"]
    {
        let old = key_in(all.house());
        all.dies(place);
        if place == "key-batch" {
            // Once more: it goes on, and dies after the next few rows.
            all.dies(place);
        }
        match place {
            "key-made" => {
                let server = all.trial.serve();
                all.works(&server);
                end(server);
            }
            "key-swapped" => {}
            _ => {
                for words in [&["serve"][..], &["member", "list"]] {
                    let said = all.house().fails(words);
                    assert!(said.contains(AGAIN), "{place}: {said}");
                }
            }
        }
        if matches!(place, "key-begun" | "key-batch" | "key-sealed") {
            assert_eq!(all.house().json(&["verify"])["holds"], true, "{place}");
            let copy = all.house().folder.path().join("copy.db");
            let said = all.house().fails(&["backup", copy.to_str().unwrap()]);
            assert!(said.contains("is not finished"), "{place}: {said}");
        }
        if place != "key-swapped" {
            let told = all.house().json(&["key", "rotate"]);
            assert_eq!(told["from"], old.id().to_string(), "{place}: {told}");
        }
        let new = key_in(all.house());
        assert_ne!(new.id(), old.id(), "{place}");
        all.is_under(new.id());
        assert_eq!(left_under(all.house(), old.id()), Vec::<String>::new(), "{place}");
        assert!(!all.house().data().join("master.key.new").exists());
        let kept = all.house().data().join(format!("master.key.old-{}", old.id()));
        assert_eq!(std::fs::read_to_string(kept).unwrap().trim(), old.to_hex().as_str());
        let output = with_old_key(all.house(), &["serve"], &old);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("is not the one of the business, which is"), "{place}: {said}");
        // From the proof of before on, and from the first row.
        all.house().holds();
        let server = all.trial.serve();
        all.works(&server);
        end(server);
    }
    let server = all.trial.serve();
    // Sessions of people go on, those of members end.
    (all.staff.address, all.member.address) = (server.address, server.address);
    assert_eq!(all.staff.get("/console/users").status, 200);
    assert_eq!(all.member.get("/portal").header("location"), Some("/portal/login"));
    let mut budi = Visitor::from(&server, None);
    assert_eq!(budi.enter("budi", PASSWORD, &code(&all.totp, 1)), "/console");
    let journal = budi.get("/console/journal?q=the%20master%20key%20is").body;
    assert!(journal.matches("the master key is changed from").count() >= 7, "{journal}");
    all.trial.is_true();
}

/// A server that runs is asked to stop; a backup from before names the key it needs.
#[test]
fn a_running_server_and_an_older_backup_are_told() {
    let house = House::new();
    house.found(false);
    house.add_member();
    house.add_sandbox();
    let copy = house.folder.path().join("copy.db");
    house.ok(&["backup", copy.to_str().unwrap()]);
    let server = house.serve();
    assert!(house.fails(&["key", "rotate"]).contains("stop the server first"));
    end(server);
    let old = key_in(&house);
    house.ok(&["key", "rotate"]);
    assert_ne!(key_in(&house).id(), old.id());
    let restore = ["restore", copy.to_str().unwrap(), "--replace"];
    let said = house.fails(&restore);
    let wanted = format!("(a rotation keeps it as master.key.old-{})", old.id());
    assert!(said.contains(&wanted), "{said}");
    let output = with_old_key(&house, &restore, &old);
    assert!(output.status.success(), "{output:?}");
    let said = house.fails(&["serve"]);
    assert!(said.contains(&format!("the business, which is {}", old.id())), "{said}");
    // The old key back in its place, and then another new one.
    let kept = house.data().join(format!("master.key.old-{}", old.id()));
    std::fs::rename(kept, house.data().join("master.key")).unwrap();
    house.ok(&["key", "rotate"]);
    house.holds();
    house.ok(&["restore", "--open", "--note", "test"]);
    house.ok(&["member", "credit", "OK00123", "50000", "--note", "test"]);
    let server = house.serve();
    assert!(server.get(&format!("/trx/balance?{OWN}")).1.contains("50.000"));
}

/// A key in the environment is changed to one that is there too.
#[test]
fn a_key_in_the_environment_is_changed_to_another() {
    let house = House::new();
    let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let run = |key: &MasterKey, words: &[&str]| {
        let mut command = house.program();
        command.env("GERBANG_MASTER_KEY", key.to_hex().as_str());
        command.env("NEXT", new.to_hex().as_str());
        command.arg("--data").arg(house.data()).args(words).output().unwrap()
    };
    assert!(run(&old, &["init"]).status.success());
    std::fs::remove_file(house.data().join("master.key")).unwrap();
    let add = ["member", "add", "OK1", "--pin", "480913", "--password", "teh-manis-3"];
    assert!(run(&old, &add).status.success());
    let said = String::from_utf8(run(&old, &["key", "rotate"]).stderr).unwrap();
    assert!(said.contains("name it with --new-key-env"), "{said}");
    let rotate = ["key", "rotate", "--new-key-env", "NEXT"];
    let told = run(&old, &rotate);
    let said = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.status.success() && said.contains("GERBANG_MASTER_KEY is to be what NEXT"),
        "{said}"
    );
    // Asked again, it is done.
    assert!(run(&old, &rotate).status.success());
    assert!(!run(&old, &["member", "show", "OK1"]).status.success());
    assert!(run(&new, &["member", "show", "OK1"]).status.success());
    assert!(run(&new, &["verify"]).status.success());
}

/// Several nodes on PostgreSQL: all of them rest, and each gets the new key.
#[test]
fn nodes_rest_while_the_key_is_changed() {
    let postgres = pgtest::Server::start(&[]).unwrap();
    let database = postgres.database("g").unwrap();
    let mut all = Business::new(House::on(&database));
    let config = all.house().data().join("gerbang.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("lease_seconds = 15", "lease_seconds = 5")).unwrap();
    let other = House::on(&database);
    std::fs::create_dir(other.data()).unwrap();
    for file in ["gerbang.toml", "master.key"] {
        std::fs::copy(all.house().data().join(file), other.data().join(file)).unwrap();
    }
    let node = other.serve();
    let said = all.house().fails(&["key", "rotate"]);
    assert!(said.contains("these nodes work on"), "{said}");
    end(node);
    let old = key_in(all.house());
    all.dies("key-batch");
    let said = other.fails(&["serve"]);
    assert!(said.contains(AGAIN), "{said}");
    // The process that died holds its lanes for the rest of its lease.
    wait_until("the lease ends", Duration::from_secs(60), || {
        all.house().run(&["key", "rotate"]).status.success()
    });
    let new = key_in(all.house());
    assert_ne!(new.id(), old.id());
    all.is_under(new.id());
    all.house().holds();
    let said = other.fails(&["serve"]);
    assert!(said.contains("copy `master.key` from a node that works"), "{said}");
    std::fs::copy(all.house().data().join("master.key"), other.data().join("master.key")).unwrap();
    let (first, second) = (all.trial.serve(), other.serve());
    all.works(&first);
    assert!(signed(&second, &all.key)["balance"].as_i64().is_some());
    assert!(second.get(&format!("/trx/balance?{OWN}")).1.contains("Saldo"));
    all.trial.is_true();
}

/// What is in memory is written to no core dump.
#[test]
fn no_core_is_dumped() {
    let house = House::new();
    let server = house.demo();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
}
