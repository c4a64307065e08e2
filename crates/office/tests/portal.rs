//! A member at its portal: what lets it in, and its password and second factor there.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{code, enter, from, house_with_clock, lines};
use office::{Actor, MemberLogin, MemberSet, Office, Operation, OwnChange, Proof, Role, execute};
use std::sync::atomic::Ordering;
use types::UtcMillis;

const CHOSEN: &str = "hujan-turun-di-atap";
const TEN_MINUTES: i64 = 600_000;

async fn set(office: &Office, set: MemberSet) {
    execute(office, &Actor::local(), Operation::MemberSet(Box::new(set))).await.unwrap();
}

fn typed<'a>(password: &'a str, pin: &'a str, second: &'a str) -> MemberLogin<'a> {
    MemberLogin { code: "OK0", password, pin, second }
}

/// With what it buys with, both of it, from where it may buy, while it may; and every try leaves a line.
#[tokio::test]
async fn a_member_without_a_password_of_the_portal_comes_in_with_what_it_buys_with() {
    let (office, mut model, _) = house_with_clock();
    let ips = Some("203.0.113.7".to_owned());
    set(&office, MemberSet { code: "OK0".into(), ips, ..MemberSet::default() }).await;
    let here = from("203.0.113.7");
    for (typed, there, told) in [
        (typed("secret", "secret", ""), &here, "done"),
        (typed("secret", "other", ""), &here, "wrong_login"),
        (typed("other", "secret", ""), &here, "wrong_login"),
        (typed("", "", ""), &here, "wrong_login"),
        (typed("secret", "secret", ""), &from("198.51.100.9"), "wrong_login"),
    ] {
        assert_eq!(code(office.log_member_in(typed, there).await), told);
        let line = lines(&mut model).remove(0);
        let what =
            if told == "done" { "OK0 portal login {}" } else { "OK0 portal login refused {}" };
        assert_eq!((line[0].as_str(), line[1].as_str()), (there.address.as_str(), what));
    }
    let lock = MemberSet { code: "OK0".into(), active: Some(false), ..MemberSet::default() };
    set(&office, lock).await;
    assert_eq!(
        code(office.log_member_in(typed("secret", "secret", ""), &here).await),
        "member_locked"
    );
}

#[tokio::test]
async fn a_password_of_the_portal_is_its_own() {
    let (office, mut model, _) = house_with_clock();
    let here = from("203.0.113.7");
    let (me, token) = enter(&office, "OK0").await;
    let (_, other) = enter(&office, "OK0").await;
    assert!(me.must_set_password);
    for weak in ["secret", "pendek", "OK0OK0OK0OK0"] {
        let told = office.choose_portal_password(&me, &here, weak).await;
        assert!(code(told).contains("password"), "{weak}");
    }
    office.choose_portal_password(&me, &here, CHOSEN).await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("OK0 portal password chosen"));
    let mine = office.signed_member(&token).await.unwrap().unwrap();
    assert!(!mine.must_set_password && !mine.second_factor);
    assert!(office.signed_member(&other).await.unwrap().is_none());
    // What it buys with opens the portal no more.
    assert_eq!(
        code(office.log_member_in(typed("secret", "secret", ""), &here).await),
        "wrong_login"
    );
    let again = office.log_member_in(typed(CHOSEN, "", ""), &here).await.unwrap();
    let wrong = Proof { password: "secret", code: "" };
    let told = office.change_portal_password(&mine, &here, wrong, "kucing-di-atas-meja").await;
    assert_eq!(code(told), "wrong_proof");
    let proof = Proof { password: CHOSEN, code: "" };
    assert!(office.change_portal_password(&mine, &here, proof, "secret").await.is_err());
    office.change_portal_password(&mine, &here, proof, "kucing-di-atas-meja").await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("OK0 portal password changed"));
    assert!(office.signed_member(&token).await.unwrap().is_some());
    assert!(office.signed_member(&again).await.unwrap().is_none());
    assert_eq!(code(office.log_member_in(typed(CHOSEN, "", ""), &here).await), "wrong_login");
    // A manager of members takes a forgotten one away, with its sessions.
    let cs = Actor::person("cici", Role::Cs, "test");
    assert_eq!(code(office.reset_portal_password(&cs, "OK0").await), "forbidden");
    office.reset_portal_password(&Actor::local(), "OK0").await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("local portal password reset"));
    assert!(!office.has_portal_password(&me.code).await.unwrap());
    assert!(office.signed_member(&token).await.unwrap().is_none());
    assert_eq!(code(office.reset_portal_password(&Actor::local(), "OK0").await), "not_found");
    office.seed_portal_passwords(vec!["OK0".into(), "OK1".into()], CHOSEN).await.unwrap();
    office.log_member_in(typed(CHOSEN, "", ""), &here).await.unwrap();
}

#[tokio::test]
async fn a_second_factor_of_the_portal() {
    let (office, mut model, clock) = house_with_clock();
    let here = from("203.0.113.7");
    office.seed_portal_passwords(vec!["OK0".into(), "OK1".into()], CHOSEN).await.unwrap();
    let come = async |second: &str| office.log_member_in(typed(CHOSEN, "", second), &here).await;
    let token = come("").await.unwrap();
    let me = office.signed_member(&token).await.unwrap().unwrap();
    let other = come("").await.unwrap();
    assert_eq!(office.offered_portal_factor(&me).await.unwrap(), None);
    let wrong = Proof { password: "x", code: "" };
    assert_eq!(code(office.offer_portal_factor(&me, &here, wrong).await), "wrong_proof");
    let proof = Proof { password: CHOSEN, code: "" };
    office.offer_portal_factor(&me, &here, proof).await.unwrap();
    let (secret, url) = office.offered_portal_factor(&me).await.unwrap().unwrap();
    assert!(url.contains(&secret) && url.contains("OK0"), "{url}");
    let at = |millis: i64| {
        let now = clock.0.fetch_add(millis, Ordering::Relaxed) + millis;
        office::code_at(&secret, UtcMillis::new(now)).unwrap()
    };
    let old = at(TEN_MINUTES);
    at(TEN_MINUTES);
    assert!(office.confirm_portal_factor(&me, &here, &old).await.is_err());
    let recovery = office.confirm_portal_factor(&me, &here, &at(0)).await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("OK0 portal second factor on"));
    assert_eq!(recovery.len(), 10);
    assert!(office.signed_member(&token).await.unwrap().unwrap().second_factor);
    assert!(office.signed_member(&other).await.unwrap().is_none());
    // Password and code, each once; a recovery code in its place.
    assert_eq!(code(come("").await), "wrong_login");
    let next = at(60_000);
    come(&next).await.unwrap();
    assert_eq!(code(come(&next).await), "used_code");
    come(&recovery[0]).await.unwrap();
    assert!(lines(&mut model)[1][1].contains(r#"recovery code used {"recovery_left":9}"#));
    assert_eq!(code(come(&recovery[0]).await), "wrong_login");
    let lock =
        |active| MemberSet { code: "OK0".into(), active: Some(active), ..MemberSet::default() };
    set(&office, lock(false)).await;
    assert_eq!(code(come(&recovery[1]).await), "member_locked");
    set(&office, lock(true)).await;
    let token = come(&recovery[2]).await.unwrap();
    let me = office.signed_member(&token).await.unwrap().unwrap();
    // Off again, with both.
    assert_eq!(code(office.drop_portal_factor(&me, &here, proof).await), "wrong_proof");
    let both = Proof { password: CHOSEN, code: &recovery[3] };
    office.drop_portal_factor(&me, &here, both).await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("OK0 portal second factor off"));
    come("").await.unwrap();
    // A factor of one member opens for no other.
    let they = office.log_member_in(MemberLogin { code: "OK1", ..typed(CHOSEN, "", "") }, &here);
    let they = office.signed_member(&they.await.unwrap()).await.unwrap().unwrap();
    assert_eq!(office.offered_portal_factor(&they).await.unwrap(), None);
}

/// What it changes of itself, with its PIN, and what it may not.
#[tokio::test]
async fn a_member_changes_what_is_its_own() {
    let (office, _, clock) = house_with_clock();
    let here = from("203.0.113.7");
    let (me, _) = enter(&office, "OK0").await;
    let entry = || office.handle.catalog().member(&me.code).unwrap().clone();
    let change = |url: &str| OwnChange {
        callback: Some(url.to_owned()),
        webhook: Some(true),
        sandbox: Some(true),
    };
    let told = office.change_own(&me, &here, "other", change("https://a.id/cb")).await;
    assert_eq!(code(told), "forbidden");
    assert_ne!(entry().member.callback_url.as_deref(), Some("https://a.id/cb"));
    office.change_own(&me, &here, "secret", change("https://a.id/cb")).await.unwrap();
    let own = entry().member.clone();
    assert_eq!(own.callback_url.as_deref(), Some("https://a.id/cb"));
    assert!(own.wording.webhook && own.sandbox);
    assert_eq!(code(office.sign_own(&me, &here, "other").await), "forbidden");
    let secret = office.sign_own(&me, &here, "secret").await.unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() > 30, "{secret}");
    let signing = entry().signing.clone().map(|own| own.expose().to_owned());
    assert_eq!(signing.as_deref(), Some(secret.as_str()));
    let again = office.sign_own(&me, &here, "secret").await.unwrap();
    assert_ne!(again, secret);
    assert_eq!(code(office.replay_own(&me, &here, types::DeliveryId::new(1)).await), "not_found");
    // A new pair; the old one works for the hours it says.
    assert_eq!(code(office.rotate_own(&me, &here, "other", 2).await), "forbidden");
    let (pin, password) = office.rotate_own(&me, &here, "secret", 2).await.unwrap();
    let own = entry();
    assert_eq!((own.pin.expose(), own.password.expose()), (pin.as_str(), password.as_str()));
    let old = own.old.clone().unwrap();
    assert_eq!((old.pin.expose(), old.password.expose()), ("secret", "secret"));
    let left = old.until.get() - clock.0.load(Ordering::Relaxed);
    assert!((7_100_000..=7_200_000).contains(&left), "{left}");
    let (first, second) = (Office::fresh_key().unwrap(), Office::fresh_key().unwrap());
    assert!(first != second && first.len() == 32, "{first}");
    for _ in 0..200 {
        let (pin, password) = Office::fresh_credentials().unwrap();
        assert!(pin.len() == 6 && password.len() == 20 && !password.contains(&pin));
    }
}

/// A session that was made under other credentials is none, whatever store it comes from.
#[tokio::test]
async fn a_session_is_of_its_credentials() {
    let (office, _, _) = house_with_clock();
    let (me, token) = enter(&office, "OK0").await;
    office.sweep_sessions().await.unwrap();
    assert!(office.signed_member(&token).await.unwrap().is_some(), "it is of this version");
    // The session of one member is no other's, though both have the same PIN and password.
    let (they, _) = enter(&office, "OK1").await;
    assert!(office.goes_on(&me.session, Some(me.member)).await.unwrap());
    assert!(!office.goes_on(&me.session, Some(they.member)).await.unwrap());
    // Who came with an import comes in from where it may buy, and an address that is none is nowhere.
    let file = "kode,pin,password,ips\nrs9,secret,secret,203.0.113.7\n";
    let import = serde_json::json!({"op": "member_import", "text": file});
    let import = serde_json::from_value(import).unwrap();
    execute(&office, &Actor::local(), import).await.unwrap();
    let come = async |member: &str, address: &str| {
        let typed = MemberLogin { code: member, ..typed("secret", "secret", "") };
        code(office.log_member_in(typed, &from(address)).await)
    };
    assert_eq!(come("RS9", "203.0.113.7").await, "done");
    assert_eq!(come("RS9", "203.0.113.8").await, "wrong_login");
    assert_eq!(come("RS9", "local socket").await, "wrong_login");
    assert_eq!(come("OK0", "local socket").await, "done");
    let ips = Some("203.0.113.7".to_owned());
    set(&office, MemberSet { code: "OK1".into(), ips, ..MemberSet::default() }).await;
    assert_eq!(come("OK1", "local socket").await, "wrong_login");
}

/// A member sends its own callbacks again, and nobody else's.
#[tokio::test]
async fn a_member_sends_its_own_callbacks_again() {
    use store::{Batch, Change, Delivery, DeliveryState, Reads as _, Store as _, Wants};
    let (office, model, _) = house_with_clock();
    let (me, _) = enter(&office, "OK0").await;
    let (they, _) = enter(&office, "OK1").await;
    let told = |id: i64, member| {
        let id = types::DeliveryId::new(id);
        Change::InsertDelivery(Box::new(Delivery {
            id,
            trx: types::TrxNo::new(1),
            member,
            ref_id: "r1".to_owned(),
            message: "T#1".to_owned(),
            created: UtcMillis::new(1),
            state: DeliveryState::Exhausted,
            tries: 12,
            next: UtcMillis::new(1),
            last: "status 500".to_owned(),
        }))
    };
    let (mut store, mut rows) = (model.clone(), model.clone());
    store.load(&Wants::default()).unwrap();
    let changes = vec![told(5, me.member), told(6, they.member), told(7, me.member)];
    store.commit(Batch { changes }).unwrap();
    let here = from("203.0.113.7");
    let again =
        async |id: i64| code(office.replay_own(&me, &here, types::DeliveryId::new(id)).await);
    assert_eq!(
        (again(6).await, again(4).await, again(8).await),
        ("not_found", "not_found", "not_found")
    );
    assert_eq!(again(5).await, "done");
    let every = store::DeliveryFilter { limit: 10, ..store::DeliveryFilter::default() };
    let states: Vec<_> = rows
        .delivery_page(&every)
        .unwrap()
        .into_iter()
        .map(|own| (own.id.get(), own.state, own.tries))
        .collect();
    let exhausted = DeliveryState::Exhausted;
    assert_eq!(states, [(7, exhausted, 12), (6, exhausted, 12), (5, DeliveryState::Due, 0)]);
}
