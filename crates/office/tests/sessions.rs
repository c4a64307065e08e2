//! People at the console: what a session is told of, who must set up a second factor, and who ends whose.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{GOOD, code, enter, from, hire, house, house_with_clock, lines, still_house};
use office::{Actor, Office, Proof, Proven, Role, Rules, Signed};
use std::sync::atomic::Ordering;
use types::UtcMillis;

async fn come(office: &Office, login: &str, second: &str) -> (Signed, String) {
    let here = from("203.0.113.7");
    let token = office.log_in(login, GOOD, second, &here).await.unwrap();
    (office.signed(&token, &here).await.unwrap().unwrap(), token)
}

/// Owners, admins and finance set up a second factor first, where the rule is on.
#[tokio::test]
async fn who_decides_over_money_sets_up_a_second_factor() {
    let (office, mut model, clock) = house_with_clock();
    for (login, role) in [("ani", Role::Owner), ("cici", Role::Cs)] {
        hire(&office, login, role).await;
    }
    assert!(!come(&office, "ani", "").await.0.must_set_up);
    let rules = Rules { second_factor: true, ..Rules::default() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let (cici, _) = come(&office, "cici", "").await;
    assert!(!cici.must_set_up);
    assert!(office.offered_second_factor("cici", &cici.session).await.unwrap().is_none());
    let (ani, _) = come(&office, "ani", "").await;
    assert!(ani.must_set_up && !ani.second_factor);
    assert!(lines(&mut model)[0][1].starts_with("ani login"));
    // Its secret waits in this session.
    let (secret, _) = office.offered_second_factor("ani", &ani.session).await.unwrap().unwrap();
    assert!(office.offered_second_factor("ani", "another").await.unwrap().is_none());
    assert!(office.offered_second_factor("cici", &ani.session).await.unwrap().is_none());
    let fresh = || {
        let now = clock.0.fetch_add(60_000, Ordering::Relaxed) + 60_000;
        office::code_at(&secret, UtcMillis::new(now)).unwrap()
    };
    let codes = office.confirm_second_factor(&ani.actor, &ani.session, &fresh()).await.unwrap();
    let (ani, _) = come(&office, "ani", &fresh()).await;
    assert!(!ani.must_set_up && ani.second_factor);
    let here = from("203.0.113.7");
    let next = fresh();
    come(&office, "ani", &next).await;
    assert_eq!(code(office.log_in("ani", GOOD, &next, &here).await), "used_code");
    assert_eq!(code(office.log_in("ani", GOOD, "", &here).await), "wrong_login");
    come(&office, "ani", &codes[0]).await;
    assert!(lines(&mut model)[1][1].contains(r#"recovery code used {"recovery_left":9}"#));
    let left = |users: Vec<office::User>| users[0].recovery_left;
    assert_eq!(left(office.users().await.unwrap()), 9);
    // Also for what is proved again, and each code once.
    let told = |model: &mut model::Model| lines(model)[0][1].clone();
    let proof = |code| Proof { password: GOOD, code };
    let next = fresh();
    office.step_up(&ani.actor, proof(&next), "tokens").await.unwrap();
    assert!(told(&mut model).starts_with("ani step up {"), "{}", told(&mut model));
    office.step_up(&ani.actor, proof(&codes[1]), "tokens").await.unwrap();
    assert!(told(&mut model).starts_with("ani recovery code used {"));
    for (password, second, why) in
        [("", "", "needs_password"), (GOOD, &*codes[1], "wrong_proof"), ("x", "", "wrong_proof")]
    {
        let proof = Proof { password, code: second };
        assert_eq!(code(office.step_up(&ani.actor, proof, "tokens").await), why);
    }
    assert_eq!(code(office.step_up(&ani.actor, proof(&next), "tokens").await), "used_code");
    let renewed = office.renew_recovery(&ani.actor, proof(&codes[2])).await.unwrap();
    assert_eq!(renewed.len(), 10);
    assert_eq!(code(office.log_in("ani", GOOD, &codes[3], &here).await), "wrong_login");
    // Whoever lost all of it is helped at the machine.
    let local = Actor::local();
    let proven = Proven::at_the_machine(&local).unwrap();
    office.remove_second_factor(&local, &proven, "ani").await.unwrap();
    assert!(come(&office, "ani", "").await.0.must_set_up);
}

#[tokio::test]
async fn a_session_is_ended_by_its_own_or_by_who_manages_it() {
    let (office, mut model) = house();
    let ani = hire(&office, "ani", Role::Owner).await;
    for (login, role) in [("budi", Role::Admin), ("cici", Role::Cs)] {
        hire(&office, login, role).await;
    }
    let (cici, token) = come(&office, "cici", "").await;
    let (other, second) = come(&office, "cici", "").await;
    // A sweep takes only what is over.
    office.sweep_sessions().await.unwrap();
    assert!(office.goes_on(&cici.session, None).await.unwrap());
    // Forms of one session do not fit another.
    assert!(Office::form_fits(&cici.form_key, &cici.form_key));
    assert!(!Office::form_fits(&cici.form_key, &other.form_key));
    assert!(!Office::form_fits("", &other.form_key) && cici.form_key.len() > 30);
    let rows = office.sessions(Some("cici")).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.login.as_str(), row.address.as_str())).collect();
    assert_eq!(told, [("cici", "203.0.113.7"); 2]);
    let budi = Actor::person("budi", Role::Admin, "test");
    assert_eq!(code(office.kill_session(&budi, &cici.session).await), "forbidden");
    assert!(office.goes_on(&cici.session, None).await.unwrap());
    office.kill_session(&cici.actor, &cici.session).await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("cici session end"));
    let here = from("203.0.113.7");
    assert!(office.signed(&token, &here).await.unwrap().is_none());
    assert!(!office.goes_on(&cici.session, None).await.unwrap());
    assert!(office.signed(&second, &here).await.unwrap().is_some());
    office.kill_session(&ani, &other.session).await.unwrap();
    assert!(!office.goes_on(&other.session, None).await.unwrap());
    // A member's is ended by who manages members.
    let (me, token) = enter(&office, "OK0").await;
    assert!(office.goes_on(&me.session, Some(me.member)).await.unwrap());
    assert_eq!(code(office.kill_session(&cici.actor, &me.session).await), "forbidden");
    office.kill_session(&budi, &me.session).await.unwrap();
    assert!(office.signed_member(&token).await.unwrap().is_none());
    assert!(!office.goes_on(&me.session, Some(me.member)).await.unwrap());
    // So does whatever ends what it rests on.
    let (me, _) = enter(&office, "OK0").await;
    let set = serde_json::json!({"op": "member_set", "code": "OK0", "pin": "480913"});
    let set = serde_json::from_value(set).unwrap();
    office::execute(&office, &Actor::local(), set).await.unwrap();
    assert!(!office.goes_on(&me.session, Some(me.member)).await.unwrap());
    let (cici, _) = come(&office, "cici", "").await;
    let local = Actor::local();
    let proven = Proven::at_the_machine(&local).unwrap();
    office.set_user(&local, &proven, "cici", None, Some(false)).await.unwrap();
    assert!(!office.goes_on(&cici.session, None).await.unwrap());
}

/// To the millisecond: two idle hours and a day are still in.
#[tokio::test]
async fn a_session_goes_on_for_two_idle_hours_and_a_day() {
    const HOUR: i64 = 3_600_000;
    let (office, _, clock) = still_house();
    hire(&office, "cici", Role::Cs).await;
    let here = from("203.0.113.7");
    for (waits, is_in) in [(2 * HOUR, true), (2 * HOUR + 1, false)] {
        let (_, token) = come(&office, "cici", "").await;
        clock.pass(waits);
        assert_eq!(office.signed(&token, &here).await.unwrap().is_some(), is_in, "{waits}");
        // What is over is gone with the first look at it.
        let left = office.sessions(Some("cici")).await.unwrap().len();
        assert_eq!(left, 1, "{waits}");
    }
    let (signed, token) = come(&office, "cici", "").await;
    for _ in 0..24 {
        clock.pass(HOUR);
        assert!(office.signed(&token, &here).await.unwrap().is_some());
    }
    clock.pass(1);
    assert!(!office.goes_on(&signed.session, None).await.unwrap());
    assert!(office.signed(&token, &here).await.unwrap().is_none());
    // Use is written down once a minute.
    let (_, token) = come(&office, "cici", "").await;
    let seen = async || office.sessions(Some("cici")).await.unwrap()[0].seen;
    let began = seen().await;
    for (waits, moved) in [(60_000, 0), (1, 60_001)] {
        clock.pass(waits);
        office.signed(&token, &here).await.unwrap();
        assert_eq!(seen().await - began, moved, "{waits}");
    }
}

/// Somebody can always manage users: the last owner that is not locked stays one.
#[tokio::test]
async fn the_last_owner_stays() {
    let (office, mut model) = house();
    for (login, role) in
        [("ani", Role::Owner), ("budi", Role::Owner), ("cici", Role::Cs), ("dewi", Role::Admin)]
    {
        hire(&office, login, role).await;
    }
    let local = Actor::local();
    let proven = || Proven::at_the_machine(&local).unwrap();
    let set = async |login: &str, role: Option<&str>, active: Option<bool>| {
        code(office.set_user(&local, &proven(), login, role, active).await)
    };
    // Of two one may go, of whatever kind the others are.
    assert_eq!(set("budi", None, Some(false)).await, "done");
    for (role, active) in [(Some("admin"), None), (None, Some(false)), (Some("cs"), Some(true))] {
        assert_eq!(set("ani", role, active).await, "last_owner", "{role:?} {active:?}");
    }
    // A locked owner is none, and what is no owner is changed as always.
    for (login, role, active) in [
        ("dewi", Some("finance"), None),
        ("cici", None, Some(false)),
        ("budi", Some("cs"), None),
        ("ani", Some("owner"), Some(true)),
        ("cici", Some("owner"), None),
    ] {
        assert_eq!(set(login, role, active).await, "done", "{login}");
        assert!(lines(&mut model)[0][1].starts_with("local user set"));
    }
    assert_eq!(set("ani", Some("admin"), None).await, "last_owner", "cici is locked");
    assert_eq!(set("cici", None, Some(true)).await, "done");
    assert_eq!(set("ani", Some("admin"), None).await, "done");
    assert_eq!(set("cici", Some("cs"), None).await, "last_owner");
    assert_eq!(set("cici", Some("root"), None).await, "bad_role");
    // Nobody removes itself, nor is removed as the last one.
    let cici = Actor::person("cici", Role::Owner, "test");
    assert_eq!(code(office.remove_user(&cici, &proven(), "cici").await), "yourself");
    assert_eq!(code(office.remove_user(&local, &proven(), "cici").await), "last_owner");
    office.remove_user(&local, &proven(), "ani").await.unwrap();
    let left: Vec<String> =
        office.users().await.unwrap().into_iter().map(|user| user.login).collect();
    assert_eq!(left, ["budi", "cici", "dewi"]);
}

/// Whom one person made is no second person: neither now nor when it is locked again.
#[tokio::test]
async fn a_made_up_person_counts_for_nothing() {
    let (office, mut model, clock) = still_house();
    let ani = hire(&office, "ani", Role::Owner).await;
    let rules = Rules { approval_above: 10, ..Rules::default() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let credit = async || {
        let credit = office::Credit {
            member: "OK0".into(),
            amount: "50".into(),
            cash: String::new(),
            note: "x".into(),
        };
        let done = office.credit(&ani, credit, None).await.unwrap();
        let office::Done::Waiting { approval } = done else { panic!("{done:?}") };
        let all = office.approvals(true).await.unwrap();
        let own = all.into_iter().find(|one| one.id == approval).unwrap();
        (own.ready.is_some(), approval)
    };
    let proven = || Proven::at_the_machine(&Actor::local()).unwrap();
    let new = office::NewUser {
        login: "dodo".into(),
        name: String::new(),
        password: GOOD.into(),
        role: "finance".into(),
    };
    office.add_user(&ani, &proven(), new).await.unwrap();
    assert!(credit().await.0, "nobody else could agree");
    let dodo = Actor::person("dodo", Role::Finance, "test");
    let (_, approval) = credit().await;
    assert_eq!(code(office.decide_approval(&dodo, &approval, true).await), "forbidden");
    let set = async |active| {
        office.set_user(&ani, &proven(), "dodo", None, Some(active)).await.unwrap();
    };
    set(false).await;
    assert!(credit().await.0, "a lock makes nobody of it");
    // Nor does a new password make an approver of who was none.
    hire(&office, "cici", Role::Cs).await;
    office.reset_password(&ani, &proven(), "cici", "kucing-di-atas-meja").await.unwrap();
    assert!(credit().await.0);
    // A day after it was made it is somebody, and stays one for a day when one person locks it.
    set(true).await;
    clock.pass(86_400_000 - 1);
    assert!(credit().await.0);
    clock.pass(1);
    assert!(!credit().await.0);
    set(false).await;
    assert!(!credit().await.0);
    let remove = async || code(office.remove_user(&ani, &proven(), "dodo").await);
    clock.pass(86_400_000 - 1);
    assert_eq!(remove().await, "locked_first");
    clock.pass(1);
    assert!(credit().await.0);
    assert_eq!(remove().await, "done");
    assert!(lines(&mut model)[0][1].starts_with("ani user remove"));
}

#[tokio::test]
async fn a_login_is_short_plain_and_nobody_else_s() {
    let (office, _) = house();
    let local = Actor::local();
    let long = "x".repeat(33);
    for (login, told) in [
        ("", "bad_login"),
        ("x", "bad_login"),
        (long.as_str(), "bad_login"),
        ("ani budi", "bad_login"),
        ("ani/2", "bad_login"),
        ("local", "reserved_login"),
        (" System ", "reserved_login"),
        ("nobody", "reserved_login"),
        ("token-1", "reserved_login"),
        ("member.x", "reserved_login"),
        ("tokenized", "done"),
        ("Ani.2_b-c", "done"),
        (&long[..32], "done"),
        ("ani.2_b-c", "exists"),
    ] {
        let new = office::NewUser {
            login: login.to_owned(),
            name: String::new(),
            password: "kucing-di-atas-meja".to_owned(),
            role: "cs".to_owned(),
        };
        let proven = Proven::at_the_machine(&local).unwrap();
        assert_eq!(code(office.add_user(&local, &proven, new).await), told, "{login}");
    }
    assert_eq!(office.users().await.unwrap().len(), 3);
}
