//! People who work in the console: users, second factors, and who proves what before what matters.

use super::rig::{House, Server};
use super::visitor::Visitor;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Of the demo's logins.
const DEMO: &str = "demo-gerbang";
const GOOD: &str = "teh-manis-panas-3";

/// The code that an app shows, that many steps from now.
pub(crate) fn code(secret: &str, steps: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let millis = i64::try_from(now.as_millis()).unwrap() + steps * 30_000;
    office::code_at(secret, types::UtcMillis::new(millis)).unwrap()
}

/// What stands in the only `<pre>` of a page.
pub(crate) fn pre(body: &str) -> String {
    let rest = body.split("<pre>").nth(1).unwrap_or_else(|| panic!("no <pre> in {body}"));
    rest.split("</pre>").next().unwrap().trim().to_owned()
}

fn user(house: &House, login: &str) -> Value {
    let all = house.json(&["user", "list"]);
    all.as_array().unwrap().iter().find(|user| user["login"] == login).cloned().unwrap_or_default()
}

/// True when a line of the journal that is found by a word says this.
fn journal(owner: &mut Visitor, word: &str, text: &str) -> bool {
    assert_ne!(word, text, "the page shows what is looked for");
    owner.get(&format!("/console/journal?q={word}")).body.contains(text)
}

/// A form that made users and changed them once made an owner of whoever got a new password.
#[test]
fn creating_a_user_and_changing_one_are_two_acts() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let form = owner.get("/console/users").body;
    let select = form.split("name=\"role\"").nth(1).unwrap().split("</select>").next().unwrap();
    assert!(!select.contains("selected") || select.contains("value=\"\" selected"), "{select}");

    let add = |login: &str, password: &str, role: &str, own: &str| -> Vec<(String, String)> {
        [
            ("login", login),
            ("name", ""),
            ("role", role),
            ("password", password),
            ("own_password", own),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    };
    let mut send = |fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        owner.submit("/console/users", "/console/users", &fields).body
    };
    // One that exists is not changed, whatever the form says.
    let page = send(add("admin", GOOD, "owner", DEMO));
    assert!(page.contains("user admin exists"), "{page}");
    assert_eq!(user(&house, "admin")["role"], "admin");
    for (login, password, role, why) in [
        ("budi", GOOD, "", "is no role"),
        ("local", GOOD, "cs", "a name of the system"),
        ("token-bot", GOOD, "cs", "a name of the system"),
        ("gerbang", GOOD, "cs", "a name of the system"),
        ("budi", "aaaaaaaaaa", "cs", "too easy to guess"),
        ("budi", "password123", "cs", "too easy to guess"),
        ("budi", "budi-kopi-77", "cs", "a login or a name"),
    ] {
        let page = send(add(login, password, role, DEMO));
        assert!(page.contains(why), "{login} {password} {role}: {page}");
    }
    // A session alone makes nobody.
    assert!(send(add("budi", GOOD, "cs", "")).contains("your own password too"));
    assert!(send(add("budi", GOOD, "cs", "wrong-password")).contains("password or code is wrong"));
    assert_eq!(user(&house, "budi"), Value::Null);
    assert!(send(add("budi", GOOD, "cs", DEMO)).contains("Saved."));
    assert_eq!(user(&house, "budi")["role"], "cs");

    // A new password leaves the role, a new role leaves the password; sessions end with both.
    let mut budi = Visitor::from(&server, None);
    assert_eq!(budi.enter("budi", GOOD, ""), "/console");
    let page = owner.submit(
        "/console/users/budi",
        "/console/users/budi",
        &[("act", "password"), ("password", "kopi-pahit-dingin-9"), ("own_password", DEMO)],
    );
    assert!(page.body.contains("Saved."), "{}", page.body);
    assert_eq!(user(&house, "budi")["role"], "cs");
    assert_eq!(budi.get("/console").header("location"), Some("/console/login"));
    assert_eq!(budi.enter("budi", "kopi-pahit-dingin-9", ""), "/console");
    let page = owner.submit(
        "/console/users/budi",
        "/console/users/budi",
        &[("act", "role"), ("role", "finance"), ("own_password", DEMO)],
    );
    assert!(page.body.contains("Saved."), "{}", page.body);
    assert_eq!(user(&house, "budi")["role"], "finance");
    assert_eq!(budi.enter("budi", "kopi-pahit-dingin-9", ""), "/console");

    // At the machine a role must be said; a token never makes anybody.
    assert!(house.fails(&["user", "add", "sari"]).contains("--role"));
    let made = house.json(&["user", "token", "bot", "--role", "owner", "--user", "owner"]);
    let mut script = Visitor::new(&server);
    script.token = Some(made["token"].as_str().unwrap().to_owned());
    let new = json!({"login": "sari", "password": GOOD, "role": "owner"});
    for (place, body) in
        [("/admin/v1/users", &new), ("/admin/v1/users/cs", &json!({"role": "owner"}))]
    {
        let (status, told) = script.json("POST", place, body);
        assert_eq!((status, &told["code"]), (403, &json!("needs_person")), "{told}");
    }
    assert_eq!((user(&house, "sari"), &user(&house, "cs")["role"]), (Value::Null, &json!("cs")));
}

/// Tokens, rules and users with a session and nothing more; wrong passwords are counted together.
#[test]
fn a_session_alone_changes_nothing_that_matters() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let rules = |own: &'static str| {
        [
            ("approval_above", "900"),
            ("ticket_minutes", "180"),
            ("ticket_unique_most", "999"),
            ("ticket_least", "10000"),
            ("allowlist_hours", "24"),
            ("approval_above_day", "9000"),
            ("reverse_above", "1000000"),
            ("reverse_days", "7"),
            ("cooling_minutes", "60"),
            ("own_password", own),
        ]
    };
    let page = owner.submit("/console/users", "/console/rules", &rules("")).body;
    assert!(page.contains("your own password too"), "{page}");
    let token = [("name", "bot"), ("role", "readonly"), ("own_password", "")];
    let page = owner.submit("/console/users", "/console/tokens", &token).body;
    assert!(page.contains("your own password too") && !page.contains("gbt_"), "{page}");
    // Lawful acts work.
    let token = [("name", "bot"), ("role", "readonly"), ("own_password", DEMO)];
    let page = owner.submit("/console/users", "/console/tokens", &token).body;
    assert!(page.contains("gbt_"), "{page}");
    assert!(owner.submit("/console/users", "/console/rules", &rules(DEMO)).body.contains("Saved."));

    // Five wrong ones, wherever they are typed, and then a pause that stops the right one too.
    let old = [("own_password", "wrong-password"), ("new", GOOD)];
    for _ in 0..4 {
        let page = owner.submit("/console/account", "/console/account/password", &old).body;
        assert!(page.contains("password or code is wrong"), "{page}");
    }
    let page = owner.submit("/console/users", "/console/rules", &rules("wrong-password")).body;
    assert!(page.contains("password or code is wrong"), "{page}");
    let old = [("own_password", DEMO), ("new", GOOD)];
    let page = owner.submit("/console/account", "/console/account/password", &old).body;
    assert!(page.contains("too many wrong tries"), "{page}");
    assert!(journal(&mut owner, "refused", "owner step up refused"));

    // What a role may not is written down, and so is a refused login.
    let mut cs = Visitor::console(&server, "cs");
    assert_eq!(cs.get("/console/users").status, 403);
    cs.submit("/console", "/console/rules", &rules(DEMO));
    assert!(journal(&mut owner, "forbidden", "cs forbidden"));
    Visitor::from(&server, None).enter("finance", "wrong-password", "");
    assert!(journal(&mut owner, "refused", "finance login refused"));
}

/// Who only looks ends no session of others, and none of a member.
#[test]
fn sessions_are_ended_by_who_may() {
    let house = House::new();
    let server = house.demo();
    let mut member = Visitor::portal(&server);
    let id = member.session("gerbang-portal");
    let mut readonly = Visitor::console(&server, "readonly");
    readonly.submit("/console/account", &format!("/console/session/{id}/end"), &[]);
    assert_eq!(member.get("/portal").status, 200);
    let mut cs = Visitor::console(&server, "cs");
    let own = cs.session("gerbang");
    readonly.submit("/console/account", &format!("/console/session/{own}/end"), &[]);
    assert_eq!(cs.get("/console").status, 200);
    let mut admin = Visitor::console(&server, "admin");
    admin.submit("/console/account", &format!("/console/session/{id}/end"), &[]);
    assert_eq!(member.get("/portal").header("location"), Some("/portal/login"));
}

fn owner_of(house: &House) {
    house.found(false);
    let add = ["user", "add", "budi", "--role", "owner", "--password", GOOD];
    house.ok(&add);
}

/// Sets a second factor up in this session; its secret, the code that was used, recovery codes.
pub(crate) fn set_up(visitor: &mut Visitor) -> (String, String, Vec<String>) {
    let place = "/console/account/second";
    let secret = pre(&visitor.get(place).body);
    // A wrong code changes nothing: the same secret stays offered.
    let page = visitor.submit(place, place, &[("code", "12345")]).body;
    assert!(page.contains("that code does not fit"), "{page}");
    assert_eq!(pre(&page), secret);
    let used = code(&secret, 0);
    let page = visitor.submit(place, place, &[("code", &used)]).body;
    let codes: Vec<String> = pre(&page).lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10, "{page}");
    (secret, used, codes)
}

fn visit(server: &Server) -> Visitor {
    Visitor::from(server, None)
}

/// In a business of one's own an owner sets a second factor up before anything else.
#[test]
fn a_second_factor_is_set_up_first_and_kept_from_thieves() {
    let house = House::new();
    owner_of(&house);
    let server = house.serve();
    let mut budi = visit(&server);
    assert_eq!(budi.enter("budi", GOOD, ""), "/console");
    for place in ["/console", "/console/users", "/console/account", "/console/money"] {
        let page = budi.get(place);
        assert_eq!(page.header("location"), Some("/console/account/second"), "{place}");
    }
    let mut other = visit(&server);
    assert_eq!(other.enter("budi", GOOD, ""), "/console");
    // A role that needs none is let in.
    house.ok(&["user", "add", "sari", "--role", "cs", "--password", GOOD]);
    let mut sari = visit(&server);
    sari.enter("sari", GOOD, "");
    assert_eq!(sari.get("/console").status, 200);

    let (secret, used, codes) = set_up(&mut budi);
    assert_eq!(budi.get("/console/users").status, 200);
    assert_eq!(
        other.get("/console").header("location"),
        Some("/console/login"),
        "other sessions end"
    );

    // A code works once, and it is said.
    let mut next = visit(&server);
    assert_eq!(next.enter("budi", GOOD, ""), "/console/login");
    assert_eq!(next.enter("budi", GOOD, &used), "/console/login");
    assert!(next.get("/console/login").body.contains("was used already"));
    assert_eq!(next.enter("budi", GOOD, &code(&secret, 1)), "/console");

    // A stolen session replaces nothing: neither with no proof, nor with the password alone.
    let offer = "/console/account/second/offer";
    let place = "/console/account/second";
    for own in
        [vec![], vec![("own_password", GOOD)], vec![("own_password", GOOD), ("own_code", "000000")]]
    {
        let page = next.submit(place, offer, &own).body;
        assert!(!page.contains("<pre>"), "{page}");
    }
    // A recovery code does, once.
    let proof = [("own_password", GOOD), ("own_code", codes[0].as_str())];
    let page = next.submit(place, offer, &proof).body;
    let fresh = pre(&page);
    assert_ne!(fresh, secret);
    let page = next.submit(place, place, &[("code", &code(&fresh, 0))]).body;
    assert_eq!(pre(&page).lines().count(), 10, "{page}");
    assert_eq!(
        budi.get("/console").header("location"),
        Some("/console/login"),
        "other sessions end"
    );

    // The old app and the old recovery codes are worth nothing now.
    let mut last = visit(&server);
    for old in [code(&secret, 1), codes[1].clone(), codes[0].clone()] {
        assert_eq!(last.enter("budi", GOOD, &old), "/console/login");
    }
    let new = pre(&page).lines().next().unwrap().to_owned();
    assert_eq!(last.enter("budi", GOOD, &new), "/console");
    // One act at a time: a role never changes with a password, and half of it is not done.
    for two in [
        &["--role", "owner", "--password", "hujan-turun-di-atap"][..],
        &["--password", "hujan-turun-di-atap", "--forget-second-factor"],
        &["--active", "false", "--forget-second-factor"],
    ] {
        let said = house.fails(&[&["user", "set", "budi"][..], two].concat());
        assert!(said.contains("one after the other"), "{said}");
    }
    let lines = || {
        let told = house.json(&["verify"]);
        told["journal"].as_i64().unwrap()
    };
    let before = lines();
    assert_eq!(house.json(&["user", "set", "budi", "--password", GOOD])["login"], "budi");
    assert_eq!(lines(), before + 1, "one act, one line");
    // Who lost everything: the machine takes it away, and the next login sets up a new one.
    house.ok(&["user", "set", "budi", "--forget-second-factor"]);
    let mut anew = visit(&server);
    assert_eq!(anew.enter("budi", GOOD, ""), "/console");
    assert_eq!(anew.get("/console").header("location"), Some("/console/account/second"));
    set_up(&mut anew);
    house.holds();
}

/// What strangers and foreign pages try is on record, and nobody fills the disk by trying.
#[test]
fn foreign_forms_and_wrong_tokens_leave_lines() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let mut cs = Visitor::console(&server, "cs");
    let foreign = Visitor::console(&server, "admin").get("/console/account").form_key();
    let form = [("form_key", foreign.as_str()), ("own_password", DEMO), ("new", GOOD)];
    cs.post("/console/account/password", &form);
    assert!(journal(&mut owner, "foreign", "cs foreign form"));
    assert!(journal(&mut owner, "foreign", "its key is not of this session"));
    assert!(!owner.get("/console/journal?q=foreign").body.contains(&foreign));
    Visitor::portal(&server).post("/portal/callbacks/test", &[("form_key", &foreign)]);
    assert!(journal(&mut owner, "foreign", "OK00123 foreign form"));

    // In the language of the page.
    cs.post("/console/language/id", &[]);
    let told = cs.submit("/console/account", "/console/account/password", &[("own_password", "x")]);
    assert!(told.body.contains("password atau kode salah"), "{}", told.body);

    let mut stranger = Visitor::new(&server);
    for number in 0..20 {
        stranger.token = Some(format!("gbt_guess-{number}"));
        assert_eq!(stranger.json("GET", "/admin/v1/members", &Value::Null).0, 401);
    }
    let page = owner.get("/console/journal?q=token+refused").body;
    let lines = page.matches("nobody token refused").count();
    assert!((1..=2).contains(&lines), "{lines}: {page}");
    assert!(page.contains("there is no such token") && !page.contains("gbt_guess"), "{page}");
    // Somebody without any token tried nothing.
    stranger.token = None;
    assert_eq!(stranger.json("GET", "/admin/v1/members", &Value::Null).0, 401);
}
