//! The portal's doors: who comes in with what, what a stolen session or leaked credentials can do,
//! and what a backup without its key gives to guess at.

use super::people::{code, pre};
use super::rig::{House, OWN, Server, WHO};
use super::visitor::Visitor;

const GOOD: &str = "kopi-pahit-dingin-9";

fn here(server: &Server) -> Visitor {
    Visitor::from(server, None)
}

fn balance(server: &Server, who: &str) -> String {
    server.get(&format!("/trx/balance?{who}")).1
}

/// A locked member is nobody at the portal.
#[test]
fn a_locked_member_can_do_nothing() {
    let house = House::new();
    let server = house.demo();
    let mut member = Visitor::portal(&server);
    let give = |amount: &'static str, once: &'static str| {
        [("to", "OK00206"), ("amount", amount), ("pin", "123456"), ("once", once)]
    };
    let page = member.submit("/portal/network", "/portal/network/give", &give("1.000", "l1")).body;
    assert!(page.contains("Moved."), "a lawful transfer works: {page}");
    house.ok(&["member", "set", "OK00123", "--active", "false"]);
    assert!(balance(&server, WHO).contains("tidak aktif"));
    assert_eq!(member.get("/portal").header("location"), Some("/portal/login"));
    member.submit("/portal/network", "/portal/network/give", &give("200.000", "l2"));
    let fields = [("member", "OK00123"), ("password", "secret"), ("pin", "123456")];
    let mut again = here(&server);
    assert_eq!(again.enter_portal(&fields), "/portal/login");
    assert!(again.get("/portal/login").body.contains("this member is locked"));
    assert_eq!(house.json(&["member", "show", "OK00206"])["balance"], 1_000);
    // Unlocked, it comes in anew; the session of before stays ended.
    house.ok(&["member", "set", "OK00123", "--active", "true"]);
    assert_eq!(member.get("/portal").header("location"), Some("/portal/login"));
    assert_eq!(again.enter_portal(&fields), "/portal");
    house.holds();
}

/// The PIN that confirms cannot be tried out with a stolen session; a key needs it and ends with
/// new credentials.
#[test]
fn a_stolen_session_finds_no_pin_and_makes_no_key() {
    let house = House::new();
    let server = house.demo();
    let mut member = Visitor::portal(&server);
    let make = |pin: &'static str| [("name", "toko"), ("pin", pin)];
    let page = member.submit("/portal/api", "/portal/keys", &make("123456")).body;
    assert!(page.contains("<code>gk_"), "{page}");
    let page = member.submit("/portal/api", "/portal/keys", &[("name", "thief")]).body;
    assert!(page.contains("the PIN is another one"), "{page}");
    for number in 0..4 {
        let pin = format!("00000{number}");
        let try_pin = [("act", "callback"), ("callback", ""), ("pin", pin.as_str())];
        let page = member.submit("/portal/account", "/portal/account", &try_pin).body;
        assert!(page.contains("the PIN is another one"), "{page}");
    }
    // The right one too, from another session of it, waits now.
    let mut other = Visitor::portal(&server);
    let page = other.submit("/portal/api", "/portal/keys", &make("123456")).body;
    assert!(page.contains("too many wrong tries"), "{page}");
    let mut owner = Visitor::console(&server, "owner");
    let lines = owner.get("/console/journal?q=portal%20pin%20refused").body;
    assert_eq!(lines.matches("OK00123 portal pin refused").count(), 5, "{lines}");
    // New credentials end keys.
    owner.submit("/console/members/OK00123", "/console/members/OK00123/rotate", &[]);
    let mut script = Visitor::new(&server);
    let token =
        house.json(&["user", "token", "t", "--role", "owner", "--user", "owner"])["token"].clone();
    script.token = Some(token.as_str().unwrap().to_owned());
    let (_, keys) = script.json("GET", "/admin/v1/keys?member=OK00123", &serde_json::Value::Null);
    assert_eq!(keys, serde_json::json!([]));
}

/// A stamp in the database is no digest that can be guessed at without the master key.
#[test]
fn a_backup_without_its_key_gives_nothing_to_guess_at() {
    use sha2::{Digest as _, Sha256};
    let house = House::new();
    let server = house.demo();
    let mut member = Visitor::portal(&server);
    assert_eq!(member.get("/portal").status, 200, "the session lives");
    let copy = house.folder.path().join("copy.db");
    house.ok(&["backup", copy.to_str().unwrap()]);
    let bytes = std::fs::read(&copy).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("\"stamp\":\"3:"), "there is a stamp in the copy");
    let guesses = [
        "123456\nsecret",
        "secret\n123456",
        "OK00123\n123456\nsecret",
        "123456secret",
        "secret123456",
        "123456",
        "secret",
        "123456\0secret",
        "OK00123 123456 secret",
    ];
    for guess in guesses {
        let digest: String =
            Sha256::digest(guess.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!holds(&digest), "{guess:?} can be guessed from a backup");
    }
}

fn own_business(house: &House) {
    house.found(true);
    house.add_member();
}

/// The portal has a password of its own; what programs buy with opens it once, from an allowed
/// address.
#[test]
fn the_portal_has_a_password_of_its_own() {
    let house = House::new();
    own_business(&house);
    house.ok(&["member", "set", "OK00123", "--ips", "203.0.113.7"]);
    let server = house.serve();
    let first = [("member", "OK00123"), ("password", "teh-manis-3"), ("pin", "480913")];
    let mut stranger = Visitor::from(&server, Some("198.51.100.9"));
    assert_eq!(stranger.enter_portal(&first), "/portal/login", "leaked credentials open nothing");
    let mut member = Visitor::from(&server, Some("203.0.113.7"));
    assert_eq!(member.enter_portal(&first), "/portal");
    for place in ["/portal", "/portal/account", "/portal/network"] {
        assert_eq!(member.get(place).header("location"), Some("/portal/password"), "{place}");
    }
    let choose = |new: &'static str| [("new", new)];
    for weak in ["teh-manis-3", "pendek", "1234567890", "ok00123-kopi"] {
        let page = member.submit("/portal/password", "/portal/password", &choose(weak)).body;
        assert!(page.contains("password"), "{page}");
        assert_eq!(member.get("/portal").header("location"), Some("/portal/password"), "{weak}");
    }
    let page = member.submit("/portal/password", "/portal/password", &choose(GOOD)).body;
    assert!(page.contains("Saved."), "{page}");
    // From now on only the password of its own, from anywhere.
    for address in ["203.0.113.7", "198.51.100.9"] {
        let mut later = Visitor::from(&server, Some(address));
        assert_eq!(later.enter_portal(&first), "/portal/login", "{address}");
        let own = [("member", "OK00123"), ("password", GOOD)];
        assert_eq!(later.enter_portal(&own), "/portal", "{address}");
    }
    // A wrong old one is counted; the right one changes it and ends other sessions.
    let mut thief = Visitor::from(&server, Some("198.51.100.9"));
    thief.enter_portal(&[("member", "OK00123"), ("password", GOOD)]);
    let change = |old: &'static str| [("own_password", old), ("new", "hujan-turun-di-atap")];
    for _ in 0..5 {
        let page = thief.submit("/portal/account", "/portal/password/change", &change("x-wrong-x"));
        assert!(page.body.contains("password or code is wrong"), "{}", page.body);
    }
    let page = thief.submit("/portal/account", "/portal/password/change", &change(GOOD)).body;
    assert!(page.contains("too many wrong tries"), "{page}");
    let page = member.submit("/portal/account", "/portal/password/change", &change(GOOD)).body;
    assert!(page.contains("Saved."), "{page}");
    assert_eq!(thief.get("/portal").header("location"), Some("/portal/login"));

    // A second factor for who wants one.
    let proof = [("own_password", "hujan-turun-di-atap")];
    let page = member.submit("/portal/second", "/portal/second/offer", &proof).body;
    let secret = pre(&page);
    let page = member.submit("/portal/second", "/portal/second", &[("code", "1")]).body;
    assert_eq!(pre(&page), secret, "a wrong code changes nothing");
    let now = code(&secret, 0);
    let page = member.submit("/portal/second", "/portal/second", &[("code", &now)]).body;
    let recovery = pre(&page).lines().next().unwrap().to_owned();
    let mut later = Visitor::from(&server, Some("203.0.113.7"));
    let mut own = vec![("member", "OK00123"), ("password", "hujan-turun-di-atap")];
    assert_eq!(later.enter_portal(&own), "/portal/login");
    own.push(("code", &recovery));
    assert_eq!(later.enter_portal(&own), "/portal");
    assert_eq!(Visitor::from(&server, Some("203.0.113.7")).enter_portal(&own), "/portal/login");

    // Forgotten: an operator takes it away, and the first login is the first login again.
    house.ok(&["member", "set", "OK00123", "--forget-portal-password"]);
    assert_eq!(later.get("/portal").header("location"), Some("/portal/login"));
    let mut anew = Visitor::from(&server, Some("203.0.113.8"));
    assert_eq!(anew.enter_portal(&first), "/portal/login");
    anew.forwarded = Some("203.0.113.7");
    assert_eq!(anew.enter_portal(&first), "/portal");
    house.holds();
}

/// A member's new addresses wait when they are asked for from a foreign one, and are seen.
#[test]
fn new_addresses_from_elsewhere_wait() {
    let house = House::new();
    own_business(&house);
    house.ok(&["member", "set", "OK00123", "--ips", "203.0.113.7"]);
    let server = house.serve();
    let first = [("member", "OK00123"), ("password", "teh-manis-3"), ("pin", "480913")];
    let mut member = Visitor::from(&server, Some("203.0.113.7"));
    member.enter_portal(&first);
    member.submit("/portal/password", "/portal/password", &[("new", GOOD)]);
    let mut thief = Visitor::from(&server, Some("198.51.100.9"));
    assert_eq!(thief.enter_portal(&[("member", "OK00123"), ("password", GOOD)]), "/portal");
    let ips = |ips: &'static str| [("act", "ips"), ("ips", ips), ("pin", "480913")];
    let page = thief.submit("/portal/account", "/portal/account", &ips("")).body;
    assert!(page.contains("the change counts from"), "{page}");
    let allowed = || house.json(&["member", "show", "OK00123"])["ips"].clone();
    assert_eq!(allowed(), serde_json::json!(["203.0.113.7/32"]));
    let page = member.get("/portal").body;
    assert!(
        page.contains("New allowed addresses count from") && page.contains("198.51.100.9"),
        "{page}"
    );
    let page = member.submit("/portal", "/portal/account", &[("act", "withdraw")]).body;
    assert!(page.contains("Saved."), "{page}");
    assert!(!member.get("/portal").body.contains("New allowed addresses count from"));
    // From an allowed address it counts at once.
    let page =
        member.submit("/portal/account", "/portal/account", &ips("203.0.113.7 203.0.113.8")).body;
    assert!(page.contains("Saved."), "{page}");
    assert_eq!(allowed(), serde_json::json!(["203.0.113.7/32", "203.0.113.8/32"]));
}

/// The old pair works as long as was chosen, and not at all by itself.
#[test]
fn the_old_credentials_work_as_long_as_was_chosen() {
    let house = House::new();
    own_business(&house);
    let server = house.serve();
    let works = |who: &str| balance(&server, who).starts_with("Saldo");
    assert!(works(OWN));
    let second = "memberID=OK00123&pin=730264&password=hujan-turun-3";
    let set = ["member", "set", "OK00123", "--pin", "730264", "--password", "hujan-turun-3"];
    house.ok(&[&set[..], &["--keep-old-hours", "24"]].concat());
    assert!(works(second) && works(OWN), "both for a day");
    let mixed = "memberID=OK00123&pin=730264&password=teh-manis-3";
    assert!(!works(mixed), "a pair is a pair");
    let third = "memberID=OK00123&pin=915037&password=awan-putih-3";
    house.ok(&["member", "set", "OK00123", "--pin", "915037", "--password", "awan-putih-3"]);
    assert!(works(third) && !works(second) && !works(OWN), "at once, and the older pair too");
    let said =
        house.fails(&["member", "set", "OK00123", "--pin", "480913", "--keep-old-hours", "25"]);
    assert!(said.contains("at most 24"), "{said}");
}

/// Weak credentials of members are refused outside the demo.
#[test]
fn weak_credentials_are_refused() {
    let house = House::new();
    own_business(&house);
    for (pin, password) in [
        ("1", "teh-manis-4"),
        ("123456", "teh-manis-4"),
        ("000000", "teh-manis-4"),
        ("480913", "1"),
        ("480913", "rahasia1"),
        ("480913", "OK00999x"),
    ] {
        let said = house.fails(&["member", "add", "OK00999", "--pin", pin, "--password", password]);
        assert!(said.contains("easy to guess") || said.contains("has at least"), "{said}");
    }
    assert!(
        house.fails(&["member", "set", "OK00123", "--pin", "111111"]).contains("easy to guess")
    );
    let demo = House::new();
    let _server = demo.demo();
    demo.ok(&["member", "set", "OK00201", "--pin", "123456"]);
}
