//! What a member changes of itself, on a clock of the test's own: addresses that wait, a PIN that
//! is counted, a pair that ends.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::house_on;
use engine::Clock;
use office::{Actor, From, MemberSet, Office, Operation, Problem, SignedMember, execute};
use sha2::Digest as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use types::{MemberCode, UtcMillis};

const HOUR: i64 = 3_600_000;

struct Set(AtomicI64);

impl Clock for Set {
    fn now(&self) -> UtcMillis {
        UtcMillis::new(self.0.load(Ordering::Relaxed))
    }
}

/// A business with members whose PIN and password is `secret`, and its clock.
fn house() -> (Office, Arc<Set>) {
    let clock = Arc::new(Set(AtomicI64::new(1_774_400_000_000)));
    (house_on(clock.clone()).0, clock)
}

fn from(address: &str) -> From {
    From { address: address.to_owned(), agent: String::new() }
}

fn me(office: &Office) -> SignedMember {
    let code = MemberCode::parse("OK0").unwrap();
    let member = office.handle.catalog().member(&code).unwrap().member.id;
    SignedMember {
        member,
        code,
        session: "s".to_owned(),
        form_key: String::new(),
        must_set_password: false,
        second_factor: false,
    }
}

fn allowed(office: &Office) -> Vec<String> {
    let catalog = office.handle.catalog();
    let entry = catalog.member(&MemberCode::parse("OK0").unwrap()).unwrap();
    entry.ip_allow.iter().map(ToString::to_string).collect()
}

async fn set(office: &Office, set: MemberSet) {
    let set = MemberSet { code: "OK0".to_owned(), ..set };
    execute(office, &Actor::local(), Operation::MemberSet(Box::new(set))).await.unwrap();
}

#[tokio::test]
async fn addresses_asked_for_from_elsewhere_count_after_a_day() {
    let (office, clock) = house();
    let own = || MemberSet { ips: Some("203.0.113.7".to_owned()), ..MemberSet::default() };
    set(&office, own()).await;
    let (me, elsewhere) = (me(&office), from("198.51.100.9"));
    let due = office.change_addresses(&me, &elsewhere, "secret", "198.51.100.9").await.unwrap();
    assert_eq!(due, Some(clock.now().get() + 24 * HOUR));
    clock.0.fetch_add(24 * HOUR - 1, Ordering::Relaxed);
    office.apply_due_addresses().await.unwrap();
    assert_eq!(allowed(&office), ["203.0.113.7/32"]);
    clock.0.fetch_add(1, Ordering::Relaxed);
    office.apply_due_addresses().await.unwrap();
    assert_eq!(allowed(&office), ["198.51.100.9/32"]);
    assert!(office.pending_addresses(&me.code).await.unwrap().is_none());

    // What an operator says meanwhile stands, and nothing comes after it.
    let third = from("192.0.2.1");
    assert!(office.change_addresses(&me, &third, "secret", "").await.unwrap().is_some());
    set(&office, own()).await;
    clock.0.fetch_add(48 * HOUR, Ordering::Relaxed);
    office.apply_due_addresses().await.unwrap();
    assert_eq!(allowed(&office), ["203.0.113.7/32"]);
    // From an allowed address at once; what is no address is refused before it waits.
    let here = from("203.0.113.7");
    assert_eq!(office.change_addresses(&me, &here, "secret", "").await.unwrap(), None);
    assert!(allowed(&office).is_empty());
    assert!(office.change_addresses(&me, &here, "secret", "tomorrow").await.is_err());
}

#[tokio::test]
async fn a_pin_that_confirms_is_counted_for_the_member() {
    let (office, clock) = house();
    let me = me(&office);
    let code = |result: anyhow::Result<Option<i64>>| {
        result.map_err(|error| error.downcast_ref::<Problem>().map(|problem| problem.code))
    };
    for number in 0..5 {
        let from = from(&format!("203.0.113.{number}"));
        let told = office.change_addresses(&me, &from, "000000", "").await;
        assert_eq!(code(told), Err(Some("forbidden")));
    }
    let told = office.change_addresses(&me, &from("198.51.100.9"), "secret", "").await;
    assert_eq!(code(told), Err(Some("locked")));
    clock.0.fetch_add(60_000, Ordering::Relaxed);
    let told = office.change_addresses(&me, &from("198.51.100.9"), "secret", "").await;
    assert_eq!(code(told), Ok(None));
}

/// New credentials and a forgotten portal password at once: a session that ends for both reasons ends
/// once, and all of it is one commit.
#[tokio::test]
async fn a_forgotten_portal_password_goes_with_the_change_beside_it() {
    let (office, _) = house();
    let here = from("203.0.113.7");
    let typed = office::MemberLogin { code: "OK0", password: "secret", pin: "secret", second: "" };
    let token = office.log_member_in(typed, &here).await.unwrap();
    let me = office.signed_member(&token).await.unwrap().unwrap();
    office.choose_portal_password(&me, &here, "hujan-turun-di-atap").await.unwrap();
    assert!(office.signed_member(&token).await.unwrap().is_some());
    // What is wrong with one of them leaves the other.
    let change = |pin: &str| MemberSet {
        code: "OK0".to_owned(),
        pin: Some(pin.to_owned()),
        forget_portal_password: true,
        ips: Some("nowhere".to_owned()).filter(|_| pin == "730264"),
        ..MemberSet::default()
    };
    let wrong = Operation::MemberSet(Box::new(change("730264")));
    assert!(execute(&office, &Actor::local(), wrong).await.is_err());
    assert!(office.has_portal_password(&me.code).await.unwrap());
    assert!(office.signed_member(&token).await.unwrap().is_some());
    set(&office, change("480913")).await;
    assert!(!office.has_portal_password(&me.code).await.unwrap());
    assert!(office.signed_member(&token).await.unwrap().is_none());
}

/// A session that was opened with what the programs buy with, and was taken elsewhere, chooses no password
/// there: whoever has it would keep the portal.
#[tokio::test]
async fn the_first_portal_password_is_chosen_where_the_member_buys() {
    let (office, _) = house();
    set(&office, MemberSet { ips: Some("203.0.113.7".to_owned()), ..MemberSet::default() }).await;
    let (here, elsewhere) = (from("203.0.113.7"), from("198.51.100.9"));
    let typed = office::MemberLogin { code: "OK0", password: "secret", pin: "secret", second: "" };
    let token = office.log_member_in(typed, &here).await.unwrap();
    let me = office.signed_member(&token).await.unwrap().unwrap();
    let told = office.choose_portal_password(&me, &elsewhere, "hujan-turun-di-atap").await;
    let problem = told.unwrap_err().downcast::<Problem>().unwrap();
    assert_eq!((problem.code, problem.status), ("forbidden", 403));
    assert!(!office.has_portal_password(&me.code).await.unwrap());
    let lines = office.handle.reads().ask(|reads| {
        reads.journal_page(&store::JournalFilter { limit: 10, ..store::JournalFilter::default() })
    });
    let lines = lines.await.unwrap().unwrap();
    let is_told = |line: &store::JournalLine| {
        line.request.contains("portal password refused") && line.peer.contains("198.51.100.9")
    };
    assert!(lines.iter().any(|line| is_told(&line.row)), "{lines:?}");
    office.choose_portal_password(&me, &here, "hujan-turun-di-atap").await.unwrap();
}

#[tokio::test]
async fn an_old_pair_is_kept_in_the_catalog_until_its_hour() {
    let (office, clock) = house();
    let change = MemberSet {
        pin: Some("480913".to_owned()),
        password: Some("teh-manis-3".to_owned()),
        keep_old_hours: Some(2),
        ..MemberSet::default()
    };
    set(&office, change).await;
    let entry = || {
        let catalog = office.handle.catalog();
        catalog.member(&MemberCode::parse("OK0").unwrap()).unwrap().clone()
    };
    assert_eq!(entry().password.expose(), "teh-manis-3");
    let old = entry().old.clone().unwrap();
    assert_eq!((old.pin.expose(), old.password.expose()), ("secret", "secret"));
    assert_eq!(old.until.get(), clock.now().get() + 2 * HOUR);
    // Another name leaves it; another PIN at once ends it.
    set(&office, MemberSet { name: Some("Toko".to_owned()), ..MemberSet::default() }).await;
    assert!(entry().old.is_some());
    set(&office, MemberSet { pin: Some("730264".to_owned()), ..MemberSet::default() }).await;
    assert!(entry().old.is_none());
    assert_eq!((entry().pin.expose(), entry().password.expose()), ("730264", "teh-manis-3"));
}

/// What is kept of a request under a key, and the name of a file of members: credentials are in both, and
/// a plain digest of either could be guessed at.
#[tokio::test]
async fn no_plain_digest_of_a_credential_is_stored() {
    let (office, _) = house();
    let add = serde_json::json!({"op": "member_add", "code": "NEW7", "name": "", "pin": "480913",
        "password": "teh-manis-3", "ips": []});
    let read = || serde_json::from_value::<Operation>(add.clone()).unwrap();
    let asked = serde_json::to_value(read()).unwrap().to_string();
    let local = Actor::local();
    office::execute_once(&office, &local, read(), Some("k")).await.unwrap();
    // The same again is known, another one under this key is not.
    let again = office::execute_once(&office, &local, read(), Some("k")).await.unwrap();
    assert_eq!(again["state"], "repeated");
    let mut other = add.clone();
    other["pin"] = "480914".into();
    let other = serde_json::from_value(other).unwrap();
    let refused = office::execute_once(&office, &local, other, Some("k")).await.unwrap_err();
    assert!(refused.to_string().contains("was used for another request"), "{refused}");
    let file = "kode,pin,password,saldo,ips\nrs9,1,1,500,203.0.113.7\n";
    let import = serde_json::json!({"op": "member_import", "text": file});
    let told = execute(&office, &local, serde_json::from_value(import).unwrap()).await.unwrap();
    assert_eq!(told["openings"], 1, "{told}");

    let stored = office.handle.reads().ask(|reads| {
        let mut all = String::new();
        reads.each_paper(&mut |paper| {
            all += &format!("{} {}\n", paper.key.id, paper.body);
            std::ops::ControlFlow::Continue(())
        })?;
        let filter = store::JournalFilter { limit: 100, ..Default::default() };
        for row in reads.journal_page(&filter)? {
            all += &format!("{}\n{}\n", row.row.request, row.row.reply);
        }
        Ok::<_, store::StoreError>(all)
    });
    let stored = stored.await.unwrap().unwrap();
    assert!(stored.contains(told["file"].as_str().unwrap()), "{stored}");
    for text in [asked.as_str(), file] {
        let plain = types::hex(sha2::Sha256::digest(text));
        assert!(!stored.contains(&plain), "the digest of {text} is in {stored}");
    }
}

/// However often somebody logs in, and new credentials end them all.
#[tokio::test]
async fn a_member_has_so_many_sessions_and_the_quiet_ones_end() {
    let (office, clock) = house();
    let here = from("203.0.113.7");
    let typed = office::MemberLogin { code: "OK0", password: "secret", pin: "secret", second: "" };
    let mut tokens = Vec::new();
    for _ in 0..53 {
        clock.0.fetch_add(10_000, Ordering::Relaxed);
        tokens.push(office.log_member_in(typed, &here).await.unwrap());
    }
    let mut alive = Vec::new();
    for token in &tokens {
        alive.push(office.signed_member(token).await.unwrap().is_some());
    }
    assert_eq!(alive.iter().filter(|alive| **alive).count(), 50);
    assert!(alive[..3].iter().all(|alive| !alive), "{alive:?}");
    let lines = office.handle.reads().ask(|reads| {
        reads.journal_page(&store::JournalFilter { limit: 200, ..store::JournalFilter::default() })
    });
    let lines = lines.await.unwrap().unwrap();
    let told = lines.iter().filter(|line| {
        line.row.request.starts_with("OK0 session end") && line.row.request.contains("\"most\":50")
    });
    assert_eq!(told.count(), 3, "{lines:?}");
}
