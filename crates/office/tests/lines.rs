//! What is tried and refused leaves a line in the journal: who, from where and why, and no secret.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{GOOD, bank, hire, house, house_with_clock};
use office::{Actor, Bank, Credit, Done, NewUser, Proof, Proven, Role, Rules, code_at};
use std::sync::atomic::Ordering;
use store::Reads as _;

/// Peer, request and reply of each line, newest first.
fn lines(model: &mut model::Model) -> Vec<[String; 3]> {
    let filter = store::JournalFilter { limit: 200, ..store::JournalFilter::default() };
    let found = model.journal_page(&filter).unwrap();
    found.into_iter().map(|row| [row.row.peer, row.row.request, row.row.reply]).collect()
}

fn newest(model: &mut model::Model) -> [String; 3] {
    lines(model).remove(0)
}

#[tokio::test]
async fn agreement_to_one_s_own_leaves_a_line() {
    let (office, mut model) = house();
    let ani = hire(&office, "ani", Role::Owner).await;
    hire(&office, "budi", Role::Finance).await;
    let rules = Rules { approval_above: 10, ..office.rules().await.unwrap() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let credit = Credit {
        member: "OK0".to_owned(),
        amount: "50".to_owned(),
        cash: String::new(),
        note: "test".to_owned(),
    };
    let asked = office.credit(&ani, credit, None).await.unwrap();
    let Done::Waiting { approval } = asked else { panic!("{asked:?}") };
    office.decide_approval(&ani, &approval, true).await.unwrap_err();
    let [from, what, why] = newest(&mut model);
    assert_eq!(from, "203.0.113.7");
    assert!(what.starts_with("ani approval agree") && what.contains(&approval), "{what}");
    assert_eq!(why, "not done: somebody else must agree: you asked for it yourself");
    // What is not there is told, and nothing else.
    let before = lines(&mut model).len();
    office.decide_approval(&ani, "nothing", true).await.unwrap_err();
    assert_eq!(lines(&mut model).len(), before);
}

#[tokio::test]
async fn weak_passwords_leave_a_line_and_are_not_in_it() {
    let (office, mut model) = house();
    let local = Actor::local();
    let proven = Proven::at_the_machine(&local).unwrap();
    let weak = "rahasia2026";
    let new = NewUser {
        login: "cici".to_owned(),
        name: String::new(),
        password: weak.to_owned(),
        role: "cs".to_owned(),
    };
    office.add_user(&local, &proven, new).await.unwrap_err();
    let [_, what, why] = newest(&mut model);
    assert!(what.starts_with("local user add {\"login\":\"cici\""), "{what}");
    assert!(why.contains("not done: this password is too easy to guess"), "{why}");
    let ani = hire(&office, "ani", Role::Owner).await;
    let proof = Proof { password: GOOD, code: "" };
    office.set_own_password(&ani, proof, weak, None).await.unwrap_err();
    let [from, what, why] = newest(&mut model);
    assert!(from == "203.0.113.7" && what.starts_with("ani user password"), "{from} {what}");
    assert!(why.contains("not done: this password is too easy to guess"), "{why}");
    office.reset_password(&local, &proven, "ani", "short").await.unwrap_err();
    let [_, what, why] = newest(&mut model);
    assert!(what.starts_with("local user password") && why.contains("at least"), "{what} {why}");
    assert!(!format!("{:?}", lines(&mut model)).contains(weak));
}

#[tokio::test]
async fn a_wrong_first_code_of_a_second_factor_leaves_a_line() {
    let (office, mut model, clock) = house_with_clock();
    let ani = hire(&office, "ani", Role::Owner).await;
    let proof = Proof { password: GOOD, code: "" };
    office.offer_second_factor(&ani, "s1", proof).await.unwrap();
    let (secret, _) = office.offered_second_factor("ani", "s1").await.unwrap().unwrap();
    let now = types::UtcMillis::new(clock.0.load(Ordering::Relaxed));
    let old = code_at(&secret, now.after(-3_600_000)).unwrap();
    office.confirm_second_factor(&ani, "s1", &old).await.unwrap_err();
    let [from, what, why] = newest(&mut model);
    assert!(from == "203.0.113.7" && what.starts_with("ani second factor on"), "{from} {what}");
    assert!(why.contains("not done: that code does not fit"), "{why}");
    assert!(!what.contains(&old) && !why.contains(&secret), "{what} {why}");
    office.confirm_second_factor(&ani, "s1", &code_at(&secret, now).unwrap()).await.unwrap();
    assert!(newest(&mut model)[1].starts_with("ani second factor on"));
}

#[tokio::test]
async fn a_changed_bank_account_says_what_it_was() {
    let (office, mut model) = house();
    let ani = hire(&office, "ani", Role::Owner).await;
    let budi = hire(&office, "budi", Role::Finance).await;
    office.set_bank(&Actor::local(), bank("bca")).await.unwrap();
    assert!(!newest(&mut model)[1].contains("was"));
    let thief = Bank { number: "999".to_owned(), ..bank("bca") };
    let asked = office.set_bank(&ani, thief.clone()).await.unwrap();
    let Done::Waiting { approval } = asked else { panic!("{asked:?}") };
    let old = format!("\"was\":{}", serde_json::to_string(&bank("bca")).unwrap());
    let [_, what, _] = newest(&mut model);
    assert!(what.starts_with("ani bank set") && what.contains(&old), "{what}");
    // What it was is not what it is any more: nobody agrees to a change of something else.
    let moved = Bank { number: "111".to_owned(), ..bank("bca") };
    office.set_bank(&Actor::local(), moved.clone()).await.unwrap();
    let refused = office.decide_approval(&budi, &approval, true).await.unwrap_err();
    assert!(refused.to_string().contains("was changed in between"), "{refused}");
    assert_eq!(office.banks().await.unwrap(), [moved]);
    // Nor to a new account where there is one by now.
    let new = |number: &str| Bank { number: number.to_owned(), ..bank("bni") };
    let Done::Waiting { approval } = office.set_bank(&ani, new("666")).await.unwrap() else {
        panic!("it does not wait");
    };
    office.set_bank(&Actor::local(), new("111")).await.unwrap();
    office.decide_approval(&budi, &approval, true).await.unwrap_err();
    let moved = Bank { number: "111".to_owned(), ..bank("bca") };
    assert_eq!(office.banks().await.unwrap(), [moved, new("111")]);
    let asked = office.set_bank(&ani, thief.clone()).await.unwrap();
    let Done::Waiting { approval } = asked else { panic!("{asked:?}") };
    office.decide_approval(&budi, &approval, true).await.unwrap();
    assert_eq!(office.banks().await.unwrap(), [thief, new("111")]);
    assert!(newest(&mut model)[1].contains("\"number\":\"111\""), "{:?}", newest(&mut model));
}
