//! The doors for people, without a browser: who may open what, what is harmless, what moves once.

use super::rig::{House, Server};
use super::suppliers::wait_until;
use super::visitor::Visitor;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Looks until a page says something: reports are some moments behind.
fn until(visitor: &mut Visitor, target: &str, text: &str) -> String {
    let began = Instant::now();
    loop {
        let page = visitor.get(target);
        if page.body.contains(text) {
            return page.body;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "no {text} on {target}: {}", page.body);
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn token(house: &House, role: &str) -> String {
    // A program of the demo's user of that name; what says what a bank says is the owner's.
    let (name, user) = (format!("test {role}"), if role == "feed" { "owner" } else { role });
    let made = house.json(&["user", "token", &name, "--role", role, "--user", user]);
    made["token"].as_str().unwrap().to_owned()
}

/// Names with markup, serial numbers with markup, formulas in a CSV.
#[test]
fn what_others_write_is_harmless() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let evil = "<script>alert(1)</script>";
    let page = owner.submit(
        "/console/members",
        "/console/members",
        &[("code", "OK00777"), ("name", evil), ("level", "retail")],
    );
    assert!(page.body.contains("OK00777"), "{}", page.body);
    for target in ["/console/members", "/console/members/OK00777"] {
        let page = owner.get(target);
        assert!(page.body.contains("&#60;script&#62;"), "{}", page.body);
        assert!(!page.body.contains("<script>alert"), "{target}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"));
    }
    // A person writes a serial number with markup.
    server.get(&format!("/trx?product=T1&dest=081200000003&refID=evil&{}", super::rig::WHO));
    let list = house.json(&["trx", "list", "--ref", "evil"]);
    let no = list[0]["trx"].as_i64().unwrap();
    let here = format!("/console/trx/{no}");
    let sn = "SN\"><img/src=x>";
    owner.submit(
        &here,
        &format!("{here}/resolve"),
        &[("verdict", "success"), ("sn", sn), ("note", evil)],
    );
    let page = owner.get(&here);
    assert!(!page.body.contains("<img") && !page.body.contains("<script>alert"), "{}", page.body);
    // A product whose name is a formula.
    let csv = "kode,keterangan,produk,kategori,harga\nEVIL,\"=HYPERLINK(\"\"http://x\"\")\",@SUM(A1),PULSA,1000\n";
    let import = |owner: &mut Visitor, csv: &str| {
        let mut fields = vec![("level", ""), ("csv", csv)];
        let look = owner.submit("/console/products", "/console/products/import", &fields).body;
        let plan = look.split("name=\"plan\" value=\"").nth(1)?.split('"').next()?.to_owned();
        fields.push(("plan", &plan));
        Some(owner.submit("/console/products", "/console/products/import", &fields).body)
    };
    assert!(import(&mut owner, csv).is_some_and(|page| page.contains("Imported: 1")));
    let export = owner.get("/console/products.csv");
    assert!(
        export.body.contains("'=HYPERLINK") && export.body.contains("'@SUM"),
        "{}",
        export.body
    );
    assert!(export.header("content-disposition").unwrap().starts_with("attachment"));
    // What was taken away can be brought back: unchanged it changes nothing, a changed price is one change.
    let fields = [("level", ""), ("csv", export.body.as_str())];
    let look = owner.submit("/console/products", "/console/products/import", &fields).body;
    assert!(look.contains("Nothing would change.") && !look.contains("name=\"plan\""), "{look}");
    let spreadsheet =
        export.body.replace("Three 1.000,Three,PULSA,1321", "Three 1.000,Three,PULSA,1399");
    assert_ne!(spreadsheet, export.body);
    assert!(import(&mut owner, &spreadsheet).unwrap().contains("Imported: "));
    assert_eq!(house.json(&["product", "show", "T1"])["prices"]["retail"], 1_399);
}

/// A form of another session, or of another site, does nothing.
#[test]
fn foreign_forms_do_nothing() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let mut admin = Visitor::console(&server, "admin");
    let key = admin.get("/console/account").form_key();
    let fields = [("form_key", key.as_str()), ("paused", "true")];
    owner.post("/console/suppliers/sandbox", &fields);
    let fields = [("paused", "true")];
    owner.post("/console/suppliers/sandbox", &fields);
    let own = owner.get("/console/account").form_key();
    let body = super::visitor::encode(&[("form_key", &own), ("paused", "true")]);
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    owner.send("POST", "/console/suppliers/sandbox", &headers, Some(&body));
    let suppliers = house.json(&["supplier", "list"]);
    let sandbox = suppliers.as_array().unwrap().iter().find(|row| row["code"] == "sandbox");
    assert_eq!(sandbox.unwrap()["paused"], false);
    owner.submit("/console/suppliers/sandbox", "/console/suppliers/sandbox", &[("paused", "true")]);
    let suppliers = house.json(&["supplier", "list"]);
    let sandbox = suppliers.as_array().unwrap().iter().find(|row| row["code"] == "sandbox");
    assert_eq!(sandbox.unwrap()["paused"], true);
}

fn balance(house: &House) -> i64 {
    house.json(&["member", "show", "OK00123"])["balance"].as_i64().unwrap()
}

/// Above the limit two people are needed; a key moves once; transfers are whole.
#[test]
fn money_moves_once_and_large_sums_need_two() {
    let house = House::new();
    let server = house.demo();
    let before = balance(&house);
    let mut script = Visitor::new(&server);
    script.token = Some(token(&house, "admin"));
    let credit = |amount: &str| json!({"amount": amount, "note": "test", "cash": "bca"});
    let place = "/admin/v1/members/OK00123/credit";
    let (status, told) = script.json_once("POST", place, &credit("10.000"), Some("k1"));
    assert_eq!((status, &told["state"]), (200, &json!("moved")), "{told}");
    let (_, told) = script.json_once("POST", place, &credit("10.000"), Some("k1"));
    assert_eq!(told["state"], "repeated", "{told}");
    let (status, told) = script.json_once("POST", place, &credit("20.000"), Some("k1"));
    assert_eq!((status, &told["code"]), (409, &json!("key_reused")), "{told}");
    assert_eq!(balance(&house), before + 10_000);

    let (_, told) = script.json("POST", place, &credit("6.000.000"));
    assert_eq!(told["state"], "waiting", "{told}");
    let id = told["approval"].as_str().unwrap().to_owned();
    assert_eq!(balance(&house), before + 10_000);
    let approve = format!("/admin/v1/approvals/{id}");
    let (status, told) = script.json("POST", &approve, &json!({"agree": true}));
    assert_eq!(status, 403, "{told}");
    let mut finance = Visitor::console(&server, "finance");
    let page = finance.submit(
        "/console/money",
        &format!("/console/money/approval/{id}"),
        &[("agree", "true")],
    );
    assert!(page.body.contains("Decided."), "{}", page.body);
    assert_eq!(balance(&house), before + 6_010_000);
    let page = finance.submit(
        "/console/money",
        &format!("/console/money/approval/{id}"),
        &[("agree", "false")],
    );
    assert!(page.body.contains("decided already"), "{}", page.body);

    let give = json!({"from": "OK00123", "to": "OK00201", "amount": "5.000"});
    let (status, told) = script.json("POST", "/admin/v1/transfers", &give);
    assert_eq!(status, 200, "{told}");
    assert_eq!(balance(&house), before + 6_005_000);
    let give = json!({"from": "OK00201", "to": "OK00123", "amount": "5.000.000"});
    let (status, told) = script.json("POST", "/admin/v1/transfers", &give);
    assert_eq!((status, &told["code"]), (422, &json!("below_floor")), "{told}");
    assert_eq!(house.json(&["member", "show", "OK00201"])["balance"], 5_000);
    house.holds();
}

/// A ticket's amount is its own; a mutation is taken once; what fits nothing waits for a person.
#[test]
fn deposits_find_their_members() {
    let house = House::new();
    let server = house.demo();
    let before = balance(&house);
    let mut member = Visitor::portal(&server);
    let page = member.submit(
        "/portal/deposits",
        "/portal/deposits",
        &[("bank", "bca"), ("amount", "50.000")],
    );
    assert!(page.body.contains("To pay, exactly"), "{}", page.body);
    let mut script = Visitor::new(&server);
    script.token = Some(token(&house, "finance"));
    let (_, tickets) = script.json("GET", "/admin/v1/tickets", &Value::Null);
    let amount = tickets[0]["amount"].as_i64().unwrap();
    assert!((50_001..=50_999).contains(&amount), "{tickets}");
    let open = json!({"member": "OK00201", "bank": "bca", "amount": "50000"});
    let (_, other) = script.json("POST", "/admin/v1/tickets", &open);
    assert_ne!(other["amount"], amount, "{other}");

    let mutation = json!({"bank": "bca", "amount": amount.to_string(), "id": "m1", "text": "TRSF"});
    let (_, told) = script.json("POST", "/admin/v1/mutations", &mutation);
    let id = told["id"].clone();
    let matched = json!({"state": "matched", "id": id, "member": "OK00123", "amount": amount});
    assert_eq!(told, matched);
    let (_, told) = script.json("POST", "/admin/v1/mutations", &mutation);
    assert_eq!(told["state"], "known", "{told}");
    assert_eq!(balance(&house), before + amount);

    // One rupiah less than the other ticket: near, and for a person.
    let near = other["amount"].as_i64().unwrap() - 1;
    let csv = format!(
        "date,amount,text\n2025-11-23,{near},SETORAN\n24/11/2025,-6.500,BIAYA ADM\nPEND,{near},SETORAN\n"
    );
    let mut finance = Visitor::console(&server, "finance");
    let page = finance.submit(
        "/console/money",
        "/console/money/mutations",
        &[("bank", "bca"), ("csv", &csv)],
    );
    assert!(page.body.contains("waits: 1"), "{}", page.body);
    let left_out = "Left out: 1 debits, 1 still pending there, 0 corrections";
    assert!(page.body.contains(left_out), "{}", page.body);
    assert!(page.body.contains("no open ticket has this amount"), "{}", page.body);
    let wrong = [("bank", "mandiri"), ("csv", csv.as_str())];
    let page = finance.submit("/console/money", "/console/money/mutations", &wrong);
    let unknown = "there is no bank account `mandiri`; there are: bca";
    assert!(page.body.contains(unknown), "{}", page.body);
    let (_, waiting) = script.json("GET", "/admin/v1/mutations", &Value::Null);
    assert_eq!(waiting[0]["near"][0]["member"], "OK00201", "{waiting}");
    let id = waiting[0]["id"].as_str().unwrap();
    let settle = format!("/console/money/mutation/{id}");
    finance.submit(
        "/console/money",
        &settle,
        &[("act", "assign"), ("member", "OK00201"), ("note", "asked")],
    );
    assert_eq!(house.json(&["member", "show", "OK00201"])["balance"], near);
    let (_, waiting) = script.json("GET", "/admin/v1/mutations", &Value::Null);
    assert_eq!(waiting, json!([]));
    // The ticket that was meant is paid with it.
    let (_, tickets) = script.json("GET", "/admin/v1/tickets?member=OK00201", &Value::Null);
    assert_eq!(tickets[0]["state"], "paid", "{tickets}");
    // A feed's list: what is no credit is counted.
    let list = json!({"module": "bca", "data_mutasi": [
        {"id": 7, "transaction_date": "2025-11-27 05:03:02", "description": "CR", "type": "CR", "amount": 100_026},
        {"id": 8, "transaction_date": "2025-11-27", "description": "ADM", "type": "DB", "amount": 2_500},
        {"id": 9, "transaction_date": "2025-11-27", "description": "x", "type": "CR", "amount": "viel"},
    ]});
    let (status, told) = script.json("POST", "/admin/v1/mutations", &list);
    assert_eq!(status, 200, "{told}");
    for (name, count) in [("matched", 0), ("queued", 1), ("known", 0), ("refused", 1)] {
        assert_eq!(told[name], count, "{name}: {told}");
    }
    assert_eq!(told["left_out"], json!({"debit": 1, "pending": 0, "correction": 0}));
    until(&mut member, "/portal/statement", "deposit");
    house.holds();
}

/// What happened at the wire is on the pages, and the figures follow.
#[test]
fn a_purchase_is_seen_everywhere() {
    let house = House::new();
    let server = house.demo();
    server.buy("seen1");
    server.line_with("R#seen1 ");
    let mut owner = Visitor::console(&server, "owner");
    let list = until(&mut owner, "/console/trx?member=OK00123&state=success", "seen1");
    let no = list.split("/console/trx/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let story = owner.get(&format!("/console/trx/{no}")).body;
    for text in ["the money is ours", "ledger", "exchange", "callback", "sandbox"] {
        assert!(story.contains(text), "{text}: {story}");
    }
    for target in ["/console/reports?by=member", "/console"] {
        until(&mut owner, target, "1.321");
    }
    until(&mut owner, "/console/members", "278.334");
    until(&mut owner, "/console/money/closing", "The books balance");
    let found = owner.get("/console/trx?dest=089660522887").body;
    assert!(found.contains("seen1"), "{found}");
    let journal = owner.get("/console/journal?q=seen1").body;
    assert!(journal.contains("seen1") && journal.contains("←"), "{journal}");
    let mut member = Visitor::portal(&server);
    for target in [
        "/portal",
        "/portal/trx",
        "/portal/statement",
        "/portal/callbacks",
        "/portal/prices",
        "/portal/api",
    ] {
        let page = member.get(target);
        assert_eq!(page.status, 200, "{target}");
        assert!(!page.body.contains("/console"), "{target} leads into the console");
    }
    until(&mut member, "/portal/trx", "seen1");
    // The stream says that something happened.
    live(&house, &server, &mut owner);
}

fn live(house: &House, server: &Server, owner: &mut Visitor) {
    // Nothing else goes on that there could be news of.
    for what in ["trx list --state pending", "callback list --state due"] {
        let words: Vec<&str> = what.split(' ').collect();
        wait_until(what, Duration::from_secs(30), || {
            house.json(&words).as_array().unwrap().is_empty()
        });
    }
    let heard = owner.hears("/console/live", "event: news", || {
        assert!(server.buy("l1").1.contains("akan diproses"));
    });
    assert!(heard);
}

/// The portal of one member shows nothing of another, and changes only itself.
#[test]
fn a_member_manages_itself_only() {
    let house = House::new();
    let server = house.demo();
    let mut member = Visitor::portal(&server);
    let wrong = member.submit(
        "/portal/account",
        "/portal/account",
        &[("act", "ips"), ("ips", "203.0.113.7"), ("pin", "000000")],
    );
    assert!(wrong.body.contains("the PIN is another one"), "{}", wrong.body);
    let page = member.submit(
        "/portal/account",
        "/portal/account",
        &[("act", "rotate"), ("pin", "123456")],
    );
    assert!(page.body.contains("not shown again"), "{}", page.body);
    // The old credentials and the old session are gone.
    assert_eq!(member.get("/portal").header("location"), Some("/portal/login"));
    let said = server.get(&format!("/trx/balance?{}", super::rig::WHO)).1;
    assert!(!said.starts_with("Saldo"), "{said}");
    let mut stranger = Visitor::new(&server);
    for _ in 0..6 {
        stranger.post("/console/login", &[("login", "owner"), ("password", "wrong-password")]);
    }
    let page = stranger.post("/console/login", &[("login", "owner"), ("password", "demo-gerbang")]);
    assert_eq!(page.header("location"), Some("/console/login"), "it is locked from here");
}

/// Problems have codes; the description is served; a page has a key to the next.
#[test]
fn the_json_door_explains_itself() {
    let house = House::new();
    let server = house.demo();
    let mut script = Visitor::new(&server);
    let (status, described) = script.json("GET", "/admin/v1/openapi.json", &Value::Null);
    assert_eq!((status, &described["openapi"]), (200, &json!("3.1.0")));
    script.token = Some("gbt_wrong".to_owned());
    let (status, told) = script.json("GET", "/admin/v1/trx", &Value::Null);
    assert_eq!((status, &told["code"]), (401, &json!("no_token")), "{told}");
    script.token = Some(token(&house, "owner"));
    let (status, told) = script.json("POST", "/admin/v1/members", &json!({"code": "OK1"}));
    assert_eq!((status, &told["code"]), (422, &json!("bad_body")), "{told}");
    let (status, told) = script.json("GET", "/admin/v1/trx/99", &Value::Null);
    assert!(status >= 400 && told["detail"].as_str().unwrap().contains("99"), "{told}");
    for number in 0..55 {
        server.get(&format!(
            "/trx?product=T1&dest=0896605{number:05}&refID=p{number}&{}",
            super::rig::WHO
        ));
    }
    let (_, first) = script.json("GET", "/admin/v1/trx", &Value::Null);
    assert_eq!(first["data"].as_array().unwrap().len(), 50);
    let next = first["next"].as_str().unwrap();
    let (_, second) = script.json("GET", &format!("/admin/v1/trx?below={next}"), &Value::Null);
    assert_eq!(second["data"].as_array().unwrap().len(), 5, "{second}");
    assert_eq!(second["next"], Value::Null);
    // Who did what is in the journal, without secrets.
    let add = json!({"code": "OK00500", "name": "x", "pin": "778899", "password": "hidden-word", "ips": []});
    let (status, told) = script.json("POST", "/admin/v1/members", &add);
    assert_eq!(status, 200, "{told}");
    // Whoever sends a field that nobody reads meant something by it.
    let more = json!({"code": "OK00501", "name": "x", "pin": "778899", "password": "hidden-word",
                      "ips": [], "credit_limit": "5000"});
    let (status, told) = script.json("POST", "/admin/v1/members", &more);
    assert_eq!((status, &told["code"]), (422, &json!("unknown_field")), "{told}");
    assert!(told["detail"].as_str().unwrap().ends_with("`credit_limit`"), "{told}");
    assert_ne!(script.json("GET", "/admin/v1/members/OK00501", &Value::Null).0, 200);
    let (_, journal) = script.json("GET", "/admin/v1/journal?channel=admin", &Value::Null);
    let text = journal.to_string();
    assert!(text.contains("owner (token test owner) member add"), "{text}");
    assert!(!text.contains("778899") && !text.contains("hidden-word"), "{text}");
}

/// The JSON door of members: the same engine and references, signed, nothing twice.
#[test]
fn a_member_buys_in_json() {
    let house = House::new();
    let server = house.demo();
    let mut script = Visitor::new(&server);
    script.token = Some(token(&house, "admin"));
    let (_, made) = script.json("POST", "/admin/v1/members/OK00123/keys", &json!({"name": "toko"}));
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let number = std::cell::Cell::new(0);
    let seconds = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_secs().to_string()
    };
    let fresh = || {
        number.set(number.get() + 1);
        format!("nonce-{:04}", number.get())
    };
    let send = |method: &str, target: &str, body: &str, timestamp: &str, nonce: &str| {
        let signed = wire::Signed { timestamp, nonce, method, target, body: body.as_bytes() };
        let sign = signed.sign(secret);
        let headers = [
            ("gerbang-key", id),
            ("gerbang-timestamp", timestamp),
            ("gerbang-nonce", nonce),
            ("gerbang-signature", sign.as_str()),
        ];
        let page = Visitor::new(&server).send(method, target, &headers, Some(body));
        let value: Value = serde_json::from_str(&page.body).unwrap();
        (page.status, value)
    };
    let ask =
        |method: &str, target: &str, body: &str| send(method, target, body, &seconds(), &fresh());
    let wanted = r#"{"ref_id": "j1", "product": "T1", "dest": "089660522887"}"#;
    let (status, said) = ask("POST", "/v1/purchases", wanted);
    assert_eq!(
        (status, &said["code"], &said["final"]),
        (202, &json!("accepted"), &json!(false)),
        "{said}"
    );
    assert_eq!(said["purchase"]["balance_after"], 278_334, "{said}");
    server.line_with("R#j1 ");
    let (status, said) = ask("GET", "/v1/purchases/j1", "");
    assert_eq!((status, &said["purchase"]["state"]), (200, &json!("success")), "{said}");
    assert_eq!(said["final"], true);
    // The same reference at the text door is the same purchase.
    assert!(server.check("j1").contains("status Sukses"));
    let (status, said) = ask("POST", "/v1/purchases", wanted);
    assert_eq!((status, &said["code"]), (200, &json!("repeat")), "{said}");
    let other = wanted.replace("089660522887", "089660522888");
    let (status, said) = ask("POST", "/v1/purchases", &other);
    assert_eq!((status, &said["exists"]), (409, &json!(true)), "{said}");
    let (status, said) = ask("GET", "/v1/purchases/never", "");
    assert_eq!(
        (status, &said["code"], &said["final"]),
        (404, &json!("no_data"), &json!(true)),
        "{said}"
    );
    let (status, said) =
        ask("POST", "/v1/purchases", &wanted.replace("T1", "NOPE").replace("j1", "j2"));
    assert_eq!((status, &said["exists"]), (422, &json!(false)), "{said}");
    assert_eq!(ask("GET", "/v1/balance", "").1["balance"], 278_334);
    assert_eq!(ask("GET", "/v1/prices", "").1["data"].as_array().unwrap().len(), 77);
    let (_, calls) = ask("GET", "/v1/callbacks", "");
    let call = calls["data"][0]["id"].as_i64().unwrap();
    assert_eq!(ask("POST", &format!("/v1/callbacks/{call}/replay"), "").0, 200);
    assert_eq!(ask("POST", "/v1/callbacks/999/replay", "").0, 404);
    // Old, seen, unsigned, changed on the way.
    let (now, nonce) = (seconds(), fresh());
    assert_eq!(send("GET", "/v1/balance", "", &now, &nonce).0, 200);
    let (status, said) = send("GET", "/v1/balance", "", &now, &nonce);
    assert_eq!((status, &said["code"]), (401, &json!("used_nonce")), "{said}");
    let (status, said) = send("GET", "/v1/balance", "", "1700000000", &fresh());
    assert_eq!((status, &said["code"]), (401, &json!("old_timestamp")), "{said}");
    // Times at the ends of all numbers, with a right signature.
    for end in [i64::MIN, i64::MAX] {
        let (status, said) = send("GET", "/v1/balance", "", &end.to_string(), &fresh());
        assert_eq!((status, &said["code"]), (401, &json!("old_timestamp")), "{said}");
    }
    let page = Visitor::new(&server).get("/v1/balance");
    assert_eq!(page.status, 401, "{}", page.body);
    let (_, described) = ask("GET", "/v1/openapi.json", "");
    assert_eq!(described["openapi"], "3.1.0");
    assert!(!server.log().contains(secret));
    house.holds();
}
