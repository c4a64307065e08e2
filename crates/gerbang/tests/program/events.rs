//! Every kind of event that ASVS 5.0 V16.3 wants on record, caused at the doors of the real program, with the
//! line of the journal, or of the log, that it leaves. What cannot be caused from outside has its own test.

use super::rig::{House, Server, WHO, get};
use super::suppliers::wait_until;
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
    ("login, paused after wrong ones", &["readonly login paused", "locked"]),
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
    ("supplier, wrong secret", &["sandbox", "[refused]"]),
    ("logout", &["owner session end"]),
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
    ("weak password", &["owner user password", "not done"]),
    ("rate", &["memberID=OK00123", "[rate_limited]"]),
    ("rule changed", &["owner rules"]),
    ("balance made", &["owner credit", "done"]),
    ("user made", &["owner user add"]),
    (
        "bank account changed",
        &["owner bank set", "\"number\":\"0000000001\"", "\"was\":", "0000000000"],
    ),
    ("bank credit that waits", &["bank credit waits"]),
    ("reference under another purchase", &["refID=twice", "[ref_conflict]"]),
];

/// 16.3.4: what went wrong between us and others.
const FAILURES: &[Event] = &[("TLS of a receiver", &["refid=tls", "tls"])];

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
    member.submit("/portal/account", "/portal/account", &[("act", "ips"), ("pin", "999999")]);
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
    let key = cs.get("/console").form_key();
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
    changes(&mut owner);
    tls(&house, &server);
    let lines = lines(&house);
    let is_in = |words: &[&str], line: &String| {
        let after =
            |rest: &str, word: &&str| rest.split_once(word).map(|(_, after)| after.to_owned());
        words.iter().try_fold(line.clone(), |rest, word| after(&rest, word)).is_some()
    };
    let groups = [AUTHENTICATION, AUTHORISATION, CONTROLS, FAILURES];
    let missing: Vec<Event> = groups
        .concat()
        .into_iter()
        .filter(|(_, words)| !lines.iter().any(|line| is_in(words, line)))
        .collect();
    assert!(missing.is_empty(), "{missing:#?} in\n{}", lines.join("\n"));
}

/// What moves money and rights.
fn changes(owner: &mut Visitor) {
    let proof = ("own_password", "demo-gerbang");
    let credit = [("member", "OK00123"), ("amount", "50000"), ("note", "cash")];
    owner.submit("/console/money", "/console/money/credit", &credit);
    let user = [("login", "dewi"), ("name", "Dewi"), ("password", "kuda-lari-9"), ("role", "cs")];
    owner.submit("/console/users", "/console/users", &[&user[..], &[proof]].concat());
    let bank = [("code", "bca"), ("name", "BCA"), ("number", "0000000001"), ("holder", "Demo")];
    owner.submit(
        "/console/money",
        "/console/money/bank",
        &[&bank[..], &[("open", "true")]].concat(),
    );
    let rows = "date,text,amount\n2026-11-30,TRSF,123.456\n";
    let mutations = [("bank", "bca"), ("csv", rows)];
    owner.submit("/console/money", "/console/money/mutations", &mutations);
    let rules = [
        ("approval_above", "4000000"),
        ("approval_above_day", "20000000"),
        ("reverse_above", "1000000"),
        ("reverse_days", "7"),
        ("cooling_minutes", "60"),
        ("ticket_minutes", "180"),
        ("ticket_unique_most", "999"),
        ("ticket_least", "10000"),
        ("allowlist_hours", "24"),
    ];
    owner.submit("/console/users", "/console/rules", &[&rules[..], &[proof]].concat());
    owner.submit("/console", "/console/logout", &[]);
}

/// A receiver that speaks no TLS behind an address that says so.
fn tls(house: &House, server: &Server) {
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in plain.incoming().map_while(Result::ok) {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    house.ok(&["member", "set", "OK00204", "--callback", &url]);
    house.ok(&["member", "credit", "OK00204", "50.000", "--note", "test"]);
    let who = "memberID=OK00204&pin=123456&password=secret";
    let bought = server.get(&format!("/trx?product=T1&dest=089660522889&refID=tls&{who}")).1;
    assert!(bought.contains("akan diproses"), "{bought}");
    wait_until("its callback was tried", Duration::from_secs(60), || {
        lines(house).iter().any(|line| line.contains("refid=tls"))
    });
}
