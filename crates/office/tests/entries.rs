//! How long somebody who came in stays in: sessions and tokens, on a clock that only this test moves; how
//! many passwords are compared at one time; what a bank's feed is believed.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{GOOD, bank, hire, house, house_with_clock};
use office::{
    Actor, From, NewDownline, NewToken, Office, Problem, Proven, Role, Rules, Taken, read_feed,
};
use std::future::Future as _;
use std::sync::atomic::Ordering;
use std::task::Poll;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn from(address: &str) -> From {
    From { address: address.to_owned(), agent: String::new() }
}

async fn is_in(office: &Office, token: &str) -> bool {
    office.signed(token, &from("203.0.113.7")).await.unwrap().is_some()
}

#[tokio::test]
async fn a_session_ends_after_two_idle_hours_or_a_day() {
    let (office, _, clock) = house_with_clock();
    hire(&office, "ani", Role::Cs).await;
    let here = from("203.0.113.7");
    let enter = || office.log_in("ani", GOOD, "", &here);
    let later = |millis| clock.0.fetch_add(millis, Ordering::Relaxed);
    let (used, idle) = (enter().await.unwrap(), enter().await.unwrap());
    let began = clock.0.load(Ordering::Relaxed);
    later(2 * HOUR - 60_000);
    assert!(is_in(&office, &used).await);
    // Looking whether it goes on is no use.
    for session in office.sessions(Some("ani")).await.unwrap() {
        assert!(office.goes_on(&session.id, None).await.unwrap());
    }
    later(2 * 60_000);
    assert!(!is_in(&office, &idle).await && is_in(&office, &used).await);
    while clock.0.load(Ordering::Relaxed) < began + DAY - HOUR {
        later(HOUR);
        assert!(is_in(&office, &used).await);
    }
    later(HOUR + 60_000);
    assert!(!is_in(&office, &used).await, "however busy it was");
    // What is over and is never shown again is swept away.
    enter().await.unwrap();
    later(3 * HOUR);
    office.sweep_sessions().await.unwrap();
    assert!(office.sessions(Some("ani")).await.unwrap().is_empty());
}

/// A lock ends them for good, and nothing that is stored lets anybody in.
#[tokio::test]
async fn a_lock_ends_sessions_and_only_their_digests_are_stored() {
    let (office, _) = house();
    let ani = hire(&office, "ani", Role::Cs).await;
    let token = office.log_in("ani", GOOD, "", &from("203.0.113.7")).await.unwrap();
    let bot =
        NewToken { name: "bot".into(), role: "cs".into(), person: Some("ani".into()), days: None };
    let bot = office.add_token(&Actor::local(), bot).await.unwrap();
    let stored = office.handle.reads().ask(|reads| {
        let mut all = String::new();
        reads.each_paper(&mut |paper| {
            all += &format!("{} {}\n", paper.key.id, paper.body);
            std::ops::ControlFlow::Continue(())
        })?;
        Ok::<_, store::StoreError>(all)
    });
    let stored = stored.await.unwrap().unwrap();
    let signed = office.signed(&token, &from("203.0.113.7")).await.unwrap().unwrap();
    assert!(stored.contains(&signed.session), "{stored}");
    for secret in [token.as_str(), bot.as_str(), bot.trim_start_matches("gbt_")] {
        assert!(!stored.contains(secret), "{stored}");
    }
    let (local, name) = (Actor::local(), ani.name);
    let proven = Proven::at_the_machine(&local).unwrap();
    for active in [false, true] {
        office.set_user(&local, &proven, &name, None, Some(active)).await.unwrap();
        assert!(!is_in(&office, &token).await, "active: {active}");
    }
}

#[tokio::test]
async fn a_member_s_session_ends_like_others() {
    let (office, _, clock) = house_with_clock();
    let typed = office::MemberLogin { code: "OK0", password: "secret", pin: "secret", second: "" };
    let token = office.log_member_in(typed, &from("203.0.113.7")).await.unwrap();
    clock.0.fetch_add(2 * HOUR - 60_000, Ordering::Relaxed);
    assert!(office.signed_member(&token).await.unwrap().is_some());
    clock.0.fetch_add(2 * HOUR + 60_000, Ordering::Relaxed);
    assert!(office.signed_member(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_lives_for_its_days() {
    let (office, _, clock) = house_with_clock();
    let ani = hire(&office, "ani", Role::Owner).await;
    let new = |days| NewToken { name: "bot".into(), role: "cs".into(), person: None, days };
    let mut made = Vec::new();
    for (days, lives) in [(None, 90), (Some(1), 1), (Some(366), 366)] {
        made.push((office.add_token(&ani, new(days)).await.unwrap(), lives));
    }
    for days in [0, -1, 367, i64::MAX] {
        let refused = office.add_token(&ani, new(Some(days))).await.unwrap_err();
        assert_eq!(refused.downcast_ref::<Problem>().unwrap().code, "bad_days", "{days}");
    }
    let began = clock.0.load(Ordering::Relaxed);
    for day in [0, 1, 89, 90, 365, 366] {
        for (token, lives) in &made {
            clock.0.store(began + day * DAY, Ordering::Relaxed);
            let who = office.token(token, &from("203.0.113.7")).await.unwrap();
            assert_eq!(who.is_some(), day < *lives, "{lives} days, on day {day}");
        }
    }
}

/// One is compared, 48 wait, and all others hear "busy"; who was let in from there before goes in all the
/// same.
#[tokio::test]
async fn passwords_are_compared_one_at_a_time_and_few_wait() {
    let (office, _) = house();
    hire(&office, "ani", Role::Cs).await;
    let home = from("203.0.113.7");
    office.log_in("ani", GOOD, "", &home).await.unwrap();
    let strangers: Vec<From> =
        (0..200).map(|number| from(&format!("198.51.100.{number}"))).collect();
    let mut tries: Vec<_> =
        strangers.iter().map(|from| Box::pin(office.log_in("nobody", GOOD, "", from))).collect();
    tries.push(Box::pin(office.log_in("ani", GOOD, "", &home)));
    // Each is begun before the first one ends: nobody's place is given up in between.
    let mut told: Vec<Option<anyhow::Result<String>>> = tries.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (at, own) in told.iter_mut().enumerate().filter(|(_, own)| own.is_none()) {
            if let Poll::Ready(said) = tries[at].as_mut().poll(context) {
                *own = Some(said);
            }
        }
        if told.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let ani = told.pop().unwrap().unwrap();
    assert!(ani.is_ok(), "{ani:?}");
    let codes: Vec<&str> = told
        .into_iter()
        .map(|said| said.unwrap().unwrap_err().downcast::<Problem>().unwrap().code)
        .collect();
    let count = |code| codes.iter().filter(|one| **one == code).count();
    assert_eq!((count("wrong_login"), count("busy")), (49, 151), "{codes:?}");
}

/// What a feed reports is one person's word, unless it was set up at the machine.
#[tokio::test]
async fn a_feed_is_believed_when_it_was_made_at_the_machine() {
    let (office, _) = house();
    let ani = hire(&office, "ani", Role::Owner).await;
    hire(&office, "budi", Role::Finance).await;
    office.set_bank(&Actor::local(), bank("bca")).await.unwrap();
    let rules = Rules { approval_above: 1_000, ..office.rules().await.unwrap() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    for (maker, is_believed) in [(&ani, false), (&Actor::local(), true)] {
        let new = NewToken {
            name: "feed".into(),
            role: "feed".into(),
            person: Some("ani".into()),
            days: None,
        };
        let token = office.add_token(maker, new).await.unwrap();
        let feed = office.token(&token, &from("203.0.113.7")).await.unwrap().unwrap();
        let ticket = office.open_ticket(&ani, "OK0", "bca", "50000").await.unwrap();
        let told = serde_json::json!({"id": ticket.id, "amount": ticket.amount, "text": "TRSF"});
        let read = read_feed(&told, Some("bca"), &office.banks().await.unwrap()).unwrap();
        let taken = office.take_feed(&feed, read).await.unwrap();
        assert_eq!(matches!(taken[..], [Taken::Matched { .. }]), is_believed, "{taken:?}");
    }
}

/// A member makes a thousand downlines and no more, counting those that stand deeper; the operator goes on.
#[tokio::test]
async fn a_network_is_grown_to_a_thousand() {
    let (office, _) = house();
    let local = Actor::local();
    let rules = Rules { downlines: true, ..office.rules().await.unwrap() };
    office.set_rules(&local, &rules).await.unwrap();
    let mut file = "kode,pin,password,upline\nTOP,480913,teh-manis-3,OK0\n".to_owned();
    for number in 0..990 {
        file += &format!("D{number},480913,teh-manis-3,TOP\n");
    }
    let import = |text: &str| {
        let import = serde_json::json!({"op": "member_import", "text": text});
        serde_json::from_value::<office::Operation>(import).unwrap()
    };
    office::execute(&office, &local, import(&file)).await.unwrap();
    let here = from("203.0.113.7");
    let typed = office::MemberLogin { code: "OK0", password: "secret", pin: "secret", second: "" };
    let token = office.log_member_in(typed, &here).await.unwrap();
    let me = office.signed_member(&token).await.unwrap().unwrap();
    let new = || NewDownline { name: "Konter".into(), markup: "0".into(), callback: None };
    let below = || {
        let catalog = office.handle.catalog();
        let mut all = catalog.members().into_iter();
        all.by_ref().filter(|one| catalog.uplines(&one.member).contains(&me.member)).count()
    };
    for count in below()..1_000 {
        office.add_downline(&me, &here, "secret", new()).await.unwrap();
        assert_eq!(below(), count + 1);
    }
    let full = office.add_downline(&me, &here, "secret", new()).await.unwrap_err();
    assert_eq!(full.downcast_ref::<Problem>().unwrap().code, "network_full");
    let more = "kode,pin,password,upline\nD9999,480913,teh-manis-3,OK0\n";
    office::execute(&office, &local, import(more)).await.unwrap();
}
