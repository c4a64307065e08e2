//! Every kind of event that ASVS 5.0 V16.3 wants on record, caused at the doors of the real program, with the
//! line of the journal, or of the log, that it leaves. What cannot be caused from outside has its own test.

use super::rig::{House, WHO, get};
use super::visitor::Visitor;
use std::time::Duration;

/// The lines there are, as `request > reply [status]`.
fn lines(house: &House) -> Vec<String> {
    let file = rusqlite::Connection::open(house.data().join("gerbang.db")).unwrap();
    let mut asked = file.prepare("SELECT request, reply, status FROM journal").unwrap();
    let rows = asked.query_map([], |row| {
        let text = |at| row.get::<_, String>(at);
        Ok(format!("{} > {} [{}]", text(0)?, text(1)?, text(2)?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// An event, and words that stand in this order in one line of it.
type Event = (&'static str, &'static [&'static str]);

/// 16.3.1: authentication, well and not, with what it was tried with.
const AUTHENTICATION: &[Event] = &[
    ("login", &["owner login ", "]"]),
    ("login, wrong password", &["admin login refused"]),
    ("login, nobody of that name", &["nobody login refused"]),
    ("login, paused after wrong ones", &["readonly login refused", "locked"]),
    ("own password, wrong in a form", &["owner step up refused"]),
    ("portal login", &["OK00123 portal login "]),
    ("portal login, wrong password", &["OK00201 portal login refused"]),
    ("PIN, wrong at the portal", &["OK00123 portal pin refused"]),
    ("token, wrong", &["token refused"]),
    ("member, unknown", &["memberID=NOBODY", "[unknown_member]"]),
    ("member, wrong PIN", &["memberID=OK00202", "[wrong_pin]"]),
    ("member, wrong password", &["memberID=OK00202", "[wrong_password]"]),
    ("member, wrong sign", &["memberID=OK00202", "[wrong_sign]"]),
    ("member, paused after wrong ones", &["memberID=OK00202", "[locked]"]),
    ("member, wrong address", &["memberID=OK00203", "[ip_not_allowed]"]),
    ("key of /v1, wrong", &["GET /v1/balance", "[wrong_sign]"]),
    ("supplier, wrong secret", &["sandbox", "wrong secret", "[refused]"]),
    ("logout", &["owner logout"]),
    ("session ended by somebody else", &["owner session end"]),
    ("session of before, used again", &["old session"]),
];

/// 16.3.2: what somebody may not.
const AUTHORISATION: &[Event] = &[
    ("page of another role", &["cs forbidden", "/console/users"]),
    ("act of another role", &["cs forbidden", "/console/rules"]),
    ("token beyond its role", &["forbidden", "/admin/v1/members"]),
    ("form of another session", &["cs foreign form"]),
];

/// 16.3.3: what the documents call a security event, and tries to get around a control.
const CONTROLS: &[Event] = &[
    ("file taken away", &["owner export", "statement.csv"]),
    ("journal read", &["owner journal read"]),
    ("weak password", &["owner user password", "too easy to guess"]),
    ("rate", &["memberID=OK00123", "[rate_limited]"]),
    ("rule changed", &["owner rules"]),
    ("balance made", &["owner member credit"]),
    ("user made", &["owner user add"]),
    ("bank account changed", &["owner bank set", "\"was\":", "\"number\":\"0000000001\""]),
    ("bank credit that waits", &["bank credit waits"]),
    ("reference under another purchase", &["refID=twice", "[ref_conflict]"]),
];

/// 16.3.4: what went wrong between us and others.
const FAILURES: &[Event] = &[("TLS of a receiver", &["https://127.0.0.1", "tls"])];

#[test]
fn every_event_leaves_its_line() {
    let house = House::new();
    house.without_rates();
    let config = house.data().join("gerbang.toml");
    std::fs::write(&config, "requests_per_second_per_member = 5\n").unwrap();
    let server = house.start(house.program(), &["demo", "--listen", "127.0.0.1:0", "--days", "0"]);
    let trx = |more: &str| server.get(&format!("/trx?product=T1&dest=089660522887&{more}"));
    let mut owner = Visitor::console(&server, "owner");
    let mut cs = Visitor::console(&server, "cs");
    let mut stranger = Visitor::new(&server);
    for (login, times) in [("admin", 1), ("nobody", 1), ("readonly", 7)] {
        for _ in 0..times {
            stranger.post("/console/login", &[("login", login), ("password", "wrong-password")]);
        }
    }
    let wrong = [("member", "OK00201"), ("password", "wrong-password"), ("pin", "")];
    stranger.post("/portal/login", &wrong);
    let mut member = Visitor::portal(&server);
    member.submit("/portal/account", "/portal/account/addresses", &[("ips", ""), ("pin", "999999")]);
    stranger.token = Some("gbt_guess".to_owned());
    stranger.get("/admin/v1/members");
    for who in [
        "refID=a&memberID=NOBODY&pin=1&password=2",
        "refID=a&memberID=OK00202&pin=1&password=secret",
        "refID=a&memberID=OK00202&pin=123456&password=2",
        "refID=a&memberID=OK00202&sign=JzJ5VwWCk1hJUpxBd5Nb5Q",
    ] {
        trx(who);
    }
    for number in 0..6 {
        trx(&format!("refID=a{number}&memberID=OK00202&pin=1&password=2"));
    }
    house.ok(&["member", "set", "OK00203", "--ips", "203.0.113.7"]);
    trx("refID=a&memberID=OK00203&pin=123456&password=secret");
    get(server.address, "/v1/balance").unwrap();
    get(server.address, "/callback/sandbox/wrong").unwrap();
    // What a role may not.
    cs.get("/console/users");
    let mut key = cs.get("/console").form_key();
    cs.post("/console/rules", &[("form_key", &key)]);
    cs.post("/console/account/password", &[("form_key", "foreign")]);
    let made = house.json(&["user", "token", "bot", "--role", "feed", "--user", "owner"]);
    let mut script = Visitor::new(&server);
    script.token = Some(made["token"].as_str().unwrap().to_owned());
    script.get("/admin/v1/members");
    // Controls.
    owner.get("/console/members/OK00123/statement.csv");
    owner.get("/console/journal");
    owner.submit("/console/account", "/console/account/password", &[("own_password", "x")]);
    let weak = [("own_password", "demo-gerbang"), ("password", "rahasia2026")];
    owner.submit("/console/account", "/console/account/password", &weak);
    std::thread::sleep(Duration::from_secs(1));
    assert!(trx(&format!("refID=twice&{WHO}")).1.contains("akan diproses"));
    server.get(&format!("/trx?product=T1&dest=089660522888&refID=twice&{WHO}"));
    for number in 0..40 {
        trx(&format!("refID=r{number}&{WHO}"));
    }
    key = owner.get("/console/rules").form_key();
    let _ = key;
    house.json(&["user", "list"]);
    for line in lines(&house) {
        println!("{line}");
    }
    for (event, words) in [AUTHENTICATION, AUTHORISATION, CONTROLS, FAILURES].concat() {
        let found = lines(&house).into_iter().any(|line| {
            let mut rest = line.as_str();
            words.iter().all(|word| match rest.split_once(word) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        });
        println!("{event}: {found}");
    }
}
