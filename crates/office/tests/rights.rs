//! Who may do what: keys and sessions end with what they rest on, weak credentials are refused, strangers
//! are counted, uplines see to their own, and editors do not overwrite each other.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{GOOD, code, enter, from, hire, house, house_with_clock, lines};
use office::{Actor, MemberAdd, MemberSet, NewDownline, Office, Operation, Role, Rules, execute};
use std::sync::atomic::Ordering;
use types::{MemberCode, UtcMillis};

async fn set(office: &Office, set: MemberSet) -> anyhow::Result<serde_json::Value> {
    execute(office, &Actor::local(), Operation::MemberSet(Box::new(set))).await
}

fn of(member: &str) -> MemberSet {
    MemberSet { code: member.to_owned(), ..MemberSet::default() }
}

fn add(member: &str, pin: &str) -> MemberAdd {
    MemberAdd {
        code: member.to_owned(),
        name: "Toko".to_owned(),
        pin: pin.to_owned(),
        password: "teh-manis-3".to_owned(),
        ..MemberAdd::default()
    }
}

async fn add_member(office: &Office, new: MemberAdd) -> anyhow::Result<serde_json::Value> {
    execute(office, &Actor::local(), Operation::MemberAdd(Box::new(new))).await
}

#[tokio::test]
async fn a_key_is_its_member_s_alone() {
    let (office, mut model) = house();
    let local = Actor::local();
    let (id, secret) = office.add_key(&local, "OK0", " toko ").await.unwrap();
    assert!(lines(&mut model)[0][1].contains(&id) && !lines(&mut model)[0][1].contains(&secret));
    let (other, _) = office.add_key(&local, "OK1", "x").await.unwrap();
    assert_eq!((id.starts_with("gk_"), secret.len(), id == other), (true, 64, false));
    let (whose, kept) = office.key_secret(&id).await.unwrap().unwrap();
    assert_eq!((whose.as_str(), kept.expose()), ("OK0", secret.as_str()));
    for id in ["gk_nothing", "x".repeat(65).as_str()] {
        assert!(office.key_secret(id).await.unwrap().is_none(), "{id}");
    }
    let rows = office.keys(Some("OK0")).await.unwrap();
    assert_eq!(rows.len(), 1);
    let told = (rows[0].id.as_str(), rows[0].member.as_str(), rows[0].name.as_str());
    assert_eq!(told, (id.as_str(), "OK0", "toko"));
    assert_eq!(office.keys(None).await.unwrap().len(), 2);
    // Nobody takes back another's.
    let own = MemberCode::parse("OK0").unwrap();
    let cs = Actor::person("cici", Role::Cs, "test");
    assert_eq!(code(office.remove_key(&cs, &other, Some(&own)).await), "not_found");
    assert_eq!(code(office.remove_key(&cs, &id, None).await), "forbidden");
    assert_eq!(office.keys(None).await.unwrap().len(), 2);
    office.remove_key(&cs, &id, Some(&own)).await.unwrap();
    assert!(office.key_secret(&id).await.unwrap().is_none());
    assert!(lines(&mut model)[0][1].starts_with("cici key remove"));
    for _ in 0..10 {
        office.add_key(&local, "OK0", "").await.unwrap();
    }
    assert_eq!(code(office.add_key(&local, "OK0", "").await), "too_many_keys");
}

/// A new PIN or password ends keys and portal sessions, a lock the sessions; anything else leaves them.
#[tokio::test]
async fn what_rests_on_credentials_ends_with_them() {
    let (pin, password) = (Some("480913".to_owned()), Some("teh-manis-3".to_owned()));
    let active = |active| MemberSet { active: Some(active), ..of("OK0") };
    for (change, keys, sessions) in [
        (MemberSet { name: Some("Toko".to_owned()), ..of("OK0") }, true, true),
        (MemberSet { pin, ..of("OK0") }, false, false),
        (MemberSet { password, ..of("OK0") }, false, false),
        (active(false), true, false),
    ] {
        let (office, _) = house();
        let (key, _) = office.add_key(&Actor::local(), "OK0", "").await.unwrap();
        let (other, _) = office.add_key(&Actor::local(), "OK1", "").await.unwrap();
        let (_, session) = enter(&office, "OK0").await;
        let shown = serde_json::to_string(&change).unwrap();
        set(&office, change).await.unwrap();
        // Who is let in again comes in anew.
        set(&office, active(true)).await.unwrap();
        assert_eq!(office.key_secret(&key).await.unwrap().is_some(), keys, "{shown}");
        assert_eq!(office.signed_member(&session).await.unwrap().is_some(), sessions, "{shown}");
        assert!(office.key_secret(&other).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn credentials_that_anybody_guesses_are_for_a_demo() {
    let (office, _) = house();
    for pin in ["", "123456", "480\n913"] {
        assert!(add_member(&office, add("NEW1", pin)).await.is_err(), "{pin:?}");
        let pin = Some(pin.to_owned());
        assert!(set(&office, MemberSet { pin, ..of("OK0") }).await.is_err());
    }
    let weak = MemberAdd { password: "password".to_owned(), ..add("NEW1", "480913") };
    assert!(add_member(&office, weak).await.is_err());
    add_member(&office, add("NEW1", "480913")).await.unwrap();
    for _ in 0..2 {
        office.mark_as_demo().await.unwrap();
    }
    add_member(&office, add("NEW2", "123456")).await.unwrap();
    let odd = add_member(&office, add("NEW3", "480\n913")).await;
    assert_eq!(code(odd), "bad_credentials");
    let none = set(&office, MemberSet { pin: Some(String::new()), ..of("OK0") }).await;
    assert_eq!(code(none), "bad_credentials");
}

/// One line a minute tells of strangers at an address, with how many tries there were.
#[tokio::test]
async fn strangers_are_counted_and_told_of_once_a_minute() {
    let (office, mut model, clock) = house_with_clock();
    hire(&office, "ani", Role::Cs).await;
    let there = from("198.51.100.9");
    let knock = async || code(office.log_in("nobody1", GOOD, "", &there).await);
    for _ in 0..3 {
        assert_eq!(knock().await, "wrong_login");
    }
    let told = |model: &mut model::Model| -> Vec<String> {
        let all = lines(model).into_iter().map(|[_, request, _]| request);
        all.filter(|request| request.contains("login refused")).collect()
    };
    assert_eq!(told(&mut model), [r#"nobody1 login refused {"known":false,"tries":1}"#]);
    clock.0.fetch_add(61_000, Ordering::Relaxed);
    knock().await;
    assert_eq!(told(&mut model)[0], r#"nobody1 login refused {"known":false,"tries":3}"#);
    // Of many addresses at once few lines are left, and the next one tells of the others.
    for number in 0..40 {
        let there = from(&format!("198.51.101.{number}"));
        assert_eq!(code(office.log_in("nobody2", GOOD, "", &there).await), "wrong_login");
    }
    let count = told(&mut model).iter().filter(|line| line.starts_with("nobody2")).count();
    assert!((10..=30).contains(&count), "{count}");
    clock.0.fetch_add(61_000, Ordering::Relaxed);
    knock().await;
    assert!(told(&mut model)[0].contains("\"from_others\":"), "{}", told(&mut model)[0]);
    // Who is known is told of each time.
    for _ in 0..2 {
        assert_eq!(code(office.log_in("ani", "wrong", "", &there).await), "wrong_login");
    }
    assert_eq!(told(&mut model).iter().filter(|line| line.starts_with("ani ")).count(), 2);
    // What somebody may do as often as it likes is counted the same way.
    let ani = Actor::person("ani", Role::Cs, "test");
    let counted = || {
        let mut tried = serde_json::json!({});
        office.counted_of("file", &ani, &mut tried).then_some(tried["times"].clone())
    };
    assert_eq!([counted(), counted(), counted()], [Some(1.into()), None, None]);
    clock.0.fetch_add(61_000, Ordering::Relaxed);
    assert_eq!(counted(), Some(3.into()));
}

/// Whoever knows a password has few codes, from however many addresses.
#[tokio::test]
async fn codes_are_slow_beside_the_right_password() {
    let (office, _, clock) = house_with_clock();
    let ani = hire(&office, "ani", Role::Owner).await;
    let proof = office::Proof { password: GOOD, code: "" };
    office.offer_second_factor(&ani, "s1", proof).await.unwrap();
    let (secret, _) = office.offered_second_factor("ani", "s1").await.unwrap().unwrap();
    let fresh = || {
        let now = UtcMillis::new(clock.0.fetch_add(30_000, Ordering::Relaxed) + 30_000);
        office::code_at(&secret, now).unwrap()
    };
    office.confirm_second_factor(&ani, "s1", &fresh()).await.unwrap();
    office.log_in("ani", GOOD, &fresh(), &from("203.0.113.9")).await.unwrap();
    for number in 0..10 {
        let there = from(&format!("198.51.100.{number}"));
        assert_eq!(code(office.log_in("ani", GOOD, "000000", &there).await), "wrong_login");
    }
    let there = from("198.51.100.99");
    assert_eq!(code(office.log_in("ani", GOOD, &fresh(), &there).await), "locked");
    // Where it was let in before, its person goes on.
    office.log_in("ani", GOOD, &fresh(), &from("203.0.113.9")).await.unwrap();
}

#[tokio::test]
async fn addresses_that_wait_are_taken_back() {
    let (office, mut model, clock) = house_with_clock();
    set(&office, MemberSet { ips: Some("203.0.113.7".to_owned()), ..of("OK0") }).await.unwrap();
    let (me, _) = enter(&office, "OK0").await;
    let there = from("198.51.100.9");
    assert_eq!(code(office.withdraw_addresses(&me, &there).await), "not_found");
    let due = office.change_addresses(&me, &there, "secret", "198.51.100.9").await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("OK0 addresses asked"));
    let waits = office.pending_addresses(&me.code).await.unwrap().unwrap();
    assert_eq!((Some(waits.due), waits.ips.as_str()), (due, "198.51.100.9"));
    office.withdraw_addresses(&me, &there).await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("OK0 addresses withdrawn"));
    assert!(office.pending_addresses(&me.code).await.unwrap().is_none());
    clock.0.fetch_add(48 * 3_600_000, Ordering::Relaxed);
    office.apply_due_addresses().await.unwrap();
    let catalog = office.handle.catalog();
    let allowed = &catalog.member(&me.code).unwrap().ip_allow;
    assert_eq!(allowed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["203.0.113.7/32"]);
}

/// An upline sees to those below it, sets the markup of those right below it, and gives to all of them;
/// none of it before an owner turned downlines on.
#[tokio::test]
async fn an_upline_sees_to_its_own() {
    let (office, _) = house();
    let (me, _) = enter(&office, "OK0").await;
    let here = from("203.0.113.7");
    let new = || NewDownline { name: "Konter".into(), markup: "50".into(), callback: None };
    let mark = async |code: &str, markup: &str| {
        office.mark_up(&me, &here, code, markup.to_owned(), String::new()).await
    };
    let give = async |to: &str| office.give_down(&me, &here, "secret", to, "500", None).await;
    let grow = async || office.add_downline(&me, &here, "secret", new()).await;
    assert_eq!(code(grow().await), "forbidden");
    let under = |code: &str, upline: &str| MemberSet { upline: Some(upline.into()), ..of(code) };
    set(&office, under("OK1", "OK0")).await.unwrap();
    assert_eq!((code(mark("OK1", "9").await), code(give("OK1").await)), ("forbidden", "forbidden"));
    let rules = Rules { downlines: true, ..office.rules().await.unwrap() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let (first, ..) = grow().await.unwrap();
    set(&office, under("OK2", &first)).await.unwrap();
    // Nobody stands below itself.
    for upline in ["OK0", "OK1", "OK2", first.as_str()] {
        assert_eq!(code(set(&office, under("OK0", upline)).await), "upline_loop", "{upline}");
    }
    let depths: Vec<(String, usize)> = office
        .network_of(me.member)
        .into_iter()
        .map(|below| (below.member.code.to_string(), below.depth))
        .collect();
    assert_eq!(depths, [("OK1".into(), 1), (first.clone(), 1), ("OK2".into(), 2)]);
    mark(&first, "70").await.unwrap();
    let single = office.mark_up(&me, &here, &first, "70".into(), "T1:150".into()).await;
    single.unwrap();
    let catalog = office.handle.catalog();
    let paid = |code: &str| {
        let entry = catalog.member(&MemberCode::parse(code).unwrap()).unwrap();
        entry.member.upline.as_ref().unwrap().markup.get()
    };
    assert_eq!(paid(&first), 70);
    let entry = catalog.member(&MemberCode::parse(&first).unwrap()).unwrap();
    let single = &entry.member.upline.as_ref().unwrap().markups;
    assert_eq!(single.0.values().map(|more| more.get()).collect::<Vec<_>>(), [150]);
    // Deeper ones buy from somebody else.
    assert_eq!(code(mark("OK2", "9").await), "forbidden");
    for nobody in ["OK0", "OK9"] {
        assert_eq!(code(mark(nobody, "9").await), "not_found", "{nobody}");
        assert_eq!(code(give(nobody).await), "not_found", "{nobody}");
    }
}

/// Editors wait for each other: each decides on what the one before it wrote.
#[tokio::test]
async fn editors_do_not_overwrite_each_other() {
    let (office, _) = house();
    let before = office.handle.catalog().members().len();
    let mut waits: Vec<_> = (0..8)
        .map(|number| Box::pin(add_member(&office, add(&format!("NEW{number}"), "480913"))))
        .collect();
    let mut told: Vec<Option<Result<(), String>>> = waits.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        use std::future::Future as _;
        for (at, own) in told.iter_mut().enumerate().filter(|(_, own)| own.is_none()) {
            if let std::task::Poll::Ready(said) = waits[at].as_mut().poll(context) {
                *own = Some(said.map_err(|error| format!("{error:#}")).map(|_| ()));
            }
        }
        match told.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    assert_eq!(told, vec![Some(Ok(())); 8]);
    assert_eq!(office.handle.catalog().members().len(), before + 8);
}

/// What changes something leaves a line also where it was refused; what only looks, or only tries, does not.
#[tokio::test]
async fn what_was_refused_is_told_where_it_would_have_changed_something() {
    let (office, mut model) = house();
    let try_it = async |asked: serde_json::Value| {
        let operation =
            serde_json::from_value(asked.clone()).unwrap_or_else(|why| panic!("{asked}: {why}"));
        execute(&office, &Actor::local(), operation).await.unwrap_err();
    };
    let file = "halo\n1\n";
    for (asked, is_told) in [
        (serde_json::json!({"op": "member_show", "code": "OK9"}), false),
        (serde_json::json!({"op": "member_set", "code": "OK9"}), true),
        (serde_json::json!({"op": "level_set", "code": "??", "name": "x"}), true),
        (serde_json::json!({"op": "member_import", "text": file, "dry_run": true}), false),
        (serde_json::json!({"op": "member_import", "text": file}), true),
        (
            serde_json::json!({"op": "product_import", "rows": [], "level": "??", "dry_run": true}),
            false,
        ),
        (serde_json::json!({"op": "product_import", "rows": [{"kode": "??"}]}), true),
        (
            serde_json::json!({"op": "member_credit", "code": "OK9", "amount": "5", "note": "x"}),
            true,
        ),
    ] {
        let before = lines(&mut model).len();
        try_it(asked.clone()).await;
        let all = lines(&mut model);
        assert_eq!(all.len() - before, usize::from(is_told), "{asked}");
        assert!(!is_told || all[0][2].starts_with("not done: "), "{:?}", all[0]);
    }
}

/// A user is changed by one act at a time, and only by whoever has the machine.
#[tokio::test]
async fn a_user_is_changed_one_act_at_a_time() {
    let (office, mut model) = house();
    hire(&office, "ani", Role::Owner).await;
    hire(&office, "cici", Role::Cs).await;
    let act = async |by: &Actor, more: serde_json::Value| {
        let mut asked = serde_json::json!({"op": "user_set", "login": "cici"});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        execute(&office, by, serde_json::from_value(asked).unwrap()).await
    };
    let local = Actor::local();
    let password = "kucing-di-atas-meja";
    for more in [
        serde_json::json!({"role": "admin", "password": password}),
        serde_json::json!({"active": false, "password": password}),
        serde_json::json!({"active": false, "forget_second_factor": true}),
        serde_json::json!({"password": password, "forget_second_factor": true}),
    ] {
        let told = act(&local, more.clone()).await.unwrap_err();
        assert!(told.to_string().contains("are three acts"), "{more}: {told}");
    }
    let shown = act(&local, serde_json::json!({"role": "finance", "active": true})).await.unwrap();
    assert_eq!((&shown["login"], &shown["role"]), (&"cici".into(), &"finance".into()));
    let shown = act(&local, serde_json::json!({"password": password})).await.unwrap();
    assert_eq!(shown["login"], "cici");
    assert!(lines(&mut model)[0][1].starts_with("local user password"));
    office.log_in("cici", password, "", &from("203.0.113.7")).await.unwrap();
    let shown = act(&local, serde_json::json!({"forget_second_factor": true})).await.unwrap();
    assert_eq!(shown["login"], "cici");
    assert!(lines(&mut model)[0][1].starts_with("local second factor off"));
    let ani = Actor::person("ani", Role::Owner, "test");
    assert_eq!(code(act(&ani, serde_json::json!({"active": false})).await), "needs_person");
}
