//! What one person alone can make of a business through its doors. Each begins with a lawful act that
//! works, so that a refusal is one of the rule and not of a broken request.

use super::rig::{House, Server};
use super::visitor::Visitor;
use serde_json::{Value, json};

fn balance(house: &House, member: &str) -> i64 {
    house.json(&["member", "show", member])["balance"].as_i64().unwrap()
}

fn credit(visitor: &mut Visitor, member: &str, amount: &str, once: &str) -> String {
    let fields =
        [("member", member), ("amount", amount), ("cash", "bca"), ("note", "test"), ("once", once)];
    visitor.submit("/console/money", "/console/money/credit", &fields).body
}

fn token(house: &House, role: &str) -> String {
    let made = house.json(&["user", "token", "bot", "--role", role, "--user", role]);
    made["token"].as_str().unwrap().to_owned()
}

fn script(server: &Server, house: &House, role: &str) -> Visitor {
    let mut script = Visitor::new(server);
    script.token = Some(token(house, role));
    script
}

fn waiting(owner: &mut Visitor) -> Vec<Value> {
    let body = owner.json("GET", "/admin/v1/approvals", &Value::Null).1;
    body.as_array().unwrap().clone()
}

#[test]
fn sums_of_a_day_are_counted_and_a_token_is_its_person() {
    let house = House::new();
    let server = house.demo();
    let mut finance = Visitor::console(&server, "finance");
    assert!(credit(&mut finance, "OK00202", "5.000.000", "a0").contains("Moved."));
    for number in 1..6 {
        credit(&mut finance, "OK00202", "5.000.000", &format!("a{number}"));
    }
    assert_eq!(balance(&house, "OK00202"), 20_000_000, "the limit of a day");
    // The same person through a token, and a transfer instead of a credit.
    let mut program = script(&server, &house, "finance");
    let small = json!({"amount": "1.000", "note": "test"});
    let (_, told) = program.json("POST", "/admin/v1/members/OK00203/credit", &small);
    assert_eq!(told["state"], "waiting", "{told}");
    let page = finance.submit(
        "/console/money",
        "/console/money/give",
        &[("from", "OK00202"), ("to", "OK00203"), ("amount", "20.000.000"), ("once", "g1")],
    );
    assert!(page.body.contains("A second person must agree."), "{}", page.body);
    assert_eq!(balance(&house, "OK00203"), 0);
    // Who asked cannot agree: not by login, not by token; another can.
    let all = waiting(&mut program);
    let own = all.iter().find(|row| row["what"] == "credit" && row["asked"]["amount"] == "1.000");
    let id = own.unwrap()["id"].as_str().unwrap().to_owned();
    let approval = format!("/console/money/approval/{id}");
    let agree = [("agree", "true")];
    let page = finance.submit("/console/money", &approval, &agree);
    assert!(page.body.contains("somebody else must agree"), "{}", page.body);
    let (status, told) =
        program.json("POST", &format!("/admin/v1/approvals/{id}"), &json!({"agree": true}));
    assert_eq!(status, 403, "{told}");
    let mut owners = script(&server, &house, "owner");
    let (status, _) =
        owners.json("POST", &format!("/admin/v1/approvals/{id}"), &json!({"agree": true}));
    assert_eq!(status, 403, "another's token agrees to nothing either");
    assert_eq!(balance(&house, "OK00203"), 0);
    let page = Visitor::console(&server, "owner").submit("/console/money", &approval, &agree);
    assert!(page.body.contains("Decided."), "{}", page.body);
    assert_eq!(balance(&house, "OK00203"), 1_000);
    house.holds();
}

#[test]
fn limits_rules_and_bank_accounts_need_two() {
    let house = House::new();
    let server = house.demo();
    let mut admin = Visitor::console(&server, "admin");
    let limit = |admin: &mut Visitor, amount: &str| {
        let place = "/console/members/OK00205";
        admin.submit(place, &format!("{place}/limit"), &[("credit_limit", amount)]).body
    };
    assert!(limit(&mut admin, "100.000").contains("Saved."));
    assert!(limit(&mut admin, "1.000.000.000").contains("A second person must agree."));
    let shown = house.json(&["member", "show", "OK00205"]);
    assert_eq!(shown["credit_limit"], 100_000);

    let mut owner = Visitor::console(&server, "owner");
    let rules = |owner: &mut Visitor, above: &str| {
        let fields = [
            ("approval_above", above),
            ("approval_above_day", "999.999.999.999"),
            ("reverse_above", "1.000.000"),
            ("reverse_days", "7"),
            ("cooling_minutes", "60"),
            ("ticket_minutes", "180"),
            ("ticket_unique_most", "999"),
            ("ticket_least", "10.000"),
            ("downlines", "true"),
            ("allowlist_hours", "24"),
            ("own_password", "demo-gerbang"),
        ];
        owner.submit("/console/users", "/console/rules", &fields).body
    };
    assert!(rules(&mut owner, "999.999.999.999").contains("A second person must agree."));
    let mut finance = Visitor::console(&server, "finance");
    let page = credit(&mut finance, "OK00201", "6.000.000", "r1");
    assert!(page.contains("A second person must agree."), "the rules are as they were: {page}");

    let bank = [
        ("code", "bca"),
        ("name", "BCA"),
        ("number", "666-attacker"),
        ("holder", "Mallory"),
        ("open", "true"),
    ];
    let page = finance.submit("/console/money", "/console/money/bank", &bank).body;
    assert!(page.contains("A second person must agree."), "{page}");
    let mut member = Visitor::portal(&server);
    assert!(!member.get("/portal/deposits").body.contains("666-attacker"));
    // All of it is there for a second person to see, and one who may can agree.
    let mut program = script(&server, &house, "owner");
    let all = waiting(&mut program);
    let mut what: Vec<&str> = all.iter().map(|row| row["what"].as_str().unwrap()).collect();
    what.sort_unstable();
    assert_eq!(what, ["bank set", "credit", "credit limit", "rules"]);
    let bank = all.iter().find(|row| row["what"] == "bank set").unwrap();
    let approval = format!("/console/money/approval/{}", bank["id"].as_str().unwrap());
    let page = owner.submit("/console/money", &approval, &[("agree", "true")]);
    assert!(page.body.contains("Decided."), "{}", page.body);
    assert!(member.get("/portal/deposits").body.contains("666-attacker"));
}

#[test]
fn a_delivered_purchase_is_reversed_within_limits_and_what_the_supplier_keeps_is_lost() {
    let house = House::new();
    let server = house.lively_demo("20");
    let mut cs = Visitor::console(&server, "cs");
    let mut reverse = |no: &str, returned: &str| {
        let place = format!("/console/trx/{no}");
        let fields = [
            ("verdict", "reverse"),
            ("reason", "Nomor salah"),
            ("note", "test"),
            ("returned", returned),
        ];
        cs.submit(&place, &format!("{place}/resolve"), &fields).body
    };
    let delivered = house.json(&["trx", "list", "--state", "success", "--limit", "500"]);
    let delivered = delivered.as_array().unwrap();
    let small: Vec<String> = delivered
        .iter()
        .filter(|row| row["price"].as_i64().is_some_and(|price| (1..500_000).contains(&price)))
        .map(|row| row["trx"].to_string())
        .collect();
    let page = reverse(&small[0], "true");
    assert!(page.contains("Decided."), "{page}");
    let page = reverse(&small[1], "false");
    assert!(page.contains("Decided."), "{page}");
    let state = |no: &str| house.json(&["trx", "show", no])["state"].clone();
    assert_eq!((state(&small[0]), state(&small[1])), (json!("reversed"), json!("reversed")));
    // The oldest of thirty days: beyond the age that one person may reverse.
    let first = house.json(&["trx", "list", "--state", "success", "--below", "100000400"]);
    let old = first.as_array().unwrap().last().unwrap()["trx"].to_string();
    let page = reverse(&old, "true");
    assert!(page.contains("A second person must agree."), "{page}");
    assert_eq!(state(&old), "success");
    house.holds();
}

/// A token ends with its person's role, and with its person.
#[test]
fn a_token_ends_with_its_person() {
    let house = House::new();
    let server = house.demo();
    let mut program = script(&server, &house, "admin");
    assert_eq!(program.json("GET", "/admin/v1/members", &Value::Null).0, 200);
    house.ok(&["user", "set", "admin", "--role", "cs"]);
    assert_eq!(program.json("GET", "/admin/v1/members", &Value::Null).0, 401);
    let mut program = script(&server, &house, "cs");
    assert_eq!(program.json("GET", "/admin/v1/trx", &Value::Null).0, 200);
    house.ok(&["user", "set", "cs", "--active", "false"]);
    assert_eq!(program.json("GET", "/admin/v1/trx", &Value::Null).0, 401);
    let told = house.fails(&["user", "token", "bot", "--role", "owner", "--user", "finance"]);
    assert!(told.contains("cannot be owner"), "{told}");
}

/// A person whom the asker made, or whose password it reset, is not another person.
#[test]
fn nobody_makes_its_own_second_person() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let proof = ("own_password", "demo-gerbang");
    let good = "tujuh-gajah-makan-bambu";
    let new = [("login", "hantu"), ("name", ""), ("role", "finance"), ("password", good), proof];
    assert!(owner.submit("/console/users", "/console/users", &new).body.contains("Saved."));
    let reset = [("act", "password"), ("password", "kopi-pahit-dingin-9"), proof];
    let place = "/console/users/admin";
    assert!(owner.submit(place, place, &reset).body.contains("Saved."));
    assert!(
        credit(&mut owner, "OK00201", "6.000.000", "s1").contains("A second person must agree.")
    );
    let waits = waiting(&mut script(&server, &house, "finance"));
    let approval = format!("/console/money/approval/{}", waits[0]["id"].as_str().unwrap());
    for (login, password) in [("hantu", good), ("admin", "kopi-pahit-dingin-9")] {
        let mut made = Visitor::from(&server, None);
        assert_eq!(made.enter(login, password, ""), "/console");
        let page = made.submit("/console/money", &approval, &[("agree", "true")]);
        assert!(page.body.contains("less than a day ago"), "{login}: {}", page.body);
    }
    assert_eq!(balance(&house, "OK00201"), 0);
    let page = Visitor::console(&server, "finance").submit(
        "/console/money",
        &approval,
        &[("agree", "true")],
    );
    assert!(page.body.contains("Decided."), "{}", page.body);
    assert_eq!(balance(&house, "OK00201"), 6_000_000);
}

/// Where nobody else could agree it waits for a time, and every page of who moves money says so.
#[test]
fn one_person_waits_and_is_told_so() {
    let house = House::new();
    house.found(false);
    house.add_member();
    let good = "tujuh-gajah-makan-bambu";
    house.ok(&["user", "add", "budi", "--role", "owner", "--password", good]);
    house.ok(&["user", "add", "sari", "--role", "cs", "--password", good]);
    let server = house.serve();
    let (mut budi, mut sari) = (Visitor::from(&server, None), Visitor::from(&server, None));
    assert_eq!(budi.enter("budi", good, ""), "/console");
    super::people::set_up(&mut budi);
    assert_eq!(sari.enter("sari", good, ""), "/console");
    let said = "Only one person may agree here";
    for page in ["/console", "/console/trx", "/console/members", "/console/money"] {
        assert!(budi.get(page).body.contains(said), "{page}");
        assert!(!sari.get(page).body.contains(said), "{page}");
    }
    let fields = [("member", "OK00123"), ("amount", "6.000.000"), ("note", "test"), ("once", "w1")];
    let page = budi.submit("/console/money", "/console/money/credit", &fields).body;
    assert!(page.contains("It waits for a while, because nobody else may agree here."), "{page}");
    assert!(server.log().contains("there is only one: it waits"), "{}", server.log());
    let script = house.json(&["user", "token", "bot", "--role", "owner", "--user", "budi"]);
    let mut program = Visitor::new(&server);
    program.token = Some(script["token"].as_str().unwrap().to_owned());
    let id = waiting(&mut program)[0]["id"].as_str().unwrap().to_owned();
    // Not before its time.
    let approval = format!("/console/money/approval/{id}");
    let page = budi.submit("/console/money", &approval, &[("agree", "true")]).body;
    assert!(!page.contains("Decided.") && balance(&house, "OK00123") == 0, "{page}");
    house.ok(&["user", "add", "tono", "--role", "finance", "--password", good]);
    assert!(!budi.get("/console").body.contains(said));
}
