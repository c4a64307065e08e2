//! What people enter, to the rupiah: where it is in the books, with which words, and who else must agree.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{bank, code, hire, house, lines, who};
use model::Model;
use office::{
    Actor, Credit, Done, Entry, Giving, MemberSet, Office, Operation, Role, Rules, execute,
};
use std::ops::ControlFlow;
use store::{Places, Reads as _};
use types::MemberCode;

/// From, to, amount and note of each movement.
fn moved(model: &mut Model) -> Vec<(String, String, i64, String)> {
    let mut all = Vec::new();
    let each = &mut |row: store::ChainRow<domain::Transfer>| {
        let row = row.row;
        all.push((row.from.to_string(), row.to.to_string(), row.amount.get(), row.note));
        ControlFlow::Continue(())
    };
    model.each_transfer(&Places::new(), each).unwrap();
    all
}

fn account(office: &Office, member: &str) -> String {
    let catalog = office.handle.catalog();
    format!("member:{}", catalog.member(&MemberCode::parse(member).unwrap()).unwrap().member.id)
}

fn credit(amount: &str, cash: &str, note: &str) -> Credit {
    Credit { member: "OK0".into(), amount: amount.into(), cash: cash.into(), note: note.into() }
}

fn give(from: &str, to: &str, amount: &str) -> Giving {
    Giving { from: from.into(), to: to.into(), amount: amount.into(), note: " tes ".into() }
}

async fn balance(office: &Office, member: &str) -> i64 {
    let shown = Operation::MemberShow { code: member.to_owned() };
    execute(office, &who(0), shown).await.unwrap()["balance"].as_i64().unwrap()
}

#[tokio::test]
async fn a_credit_is_booked_where_it_came_from_with_its_reason() {
    let (office, mut model) = house();
    office.set_bank(&Actor::local(), bank("bca")).await.unwrap();
    let before = moved(&mut model).len();
    let member = account(&office, "OK0");
    let began = balance(&office, "OK0").await;
    let long = "x".repeat(300);
    for (asked, from, to, amount, note) in [
        (
            credit("Rp 50.000", "", "setor tunai"),
            "cash:manual",
            &*member,
            50_000,
            "ani: setor tunai",
        ),
        (credit("7000", " bca ", "transfer"), "cash:bca", &*member, 7_000, "ani: transfer"),
        (credit("-2000", "", "tarik"), &*member, "cash:manual", 2_000, "ani: tarik"),
        (credit("5", "adjustment", "koreksi"), "adjustment", &*member, 5, "ani: koreksi"),
        (credit("1", "", &long), "cash:manual", &*member, 1, &format!("ani: {}", &long[..200])),
    ] {
        let done = office.credit(&who(0), asked, None).await.unwrap();
        assert!(matches!(&done, Done::Moved { balance: Some(_), .. }), "{done:?}");
        let last = moved(&mut model).pop().unwrap();
        assert_eq!(last, (from.into(), to.into(), amount, note.into()));
    }
    assert_eq!(balance(&office, "OK0").await - began, 55_006);
    let count = moved(&mut model).len();
    assert_eq!(count - before, 5);
    for (asked, told) in [
        (credit("0", "", "x"), "bad_amount"),
        (credit("x", "", "x"), "bad_amount"),
        (credit("5", "", " "), "no_reason"),
        (credit("5", "mandiri", "x"), "not_found"),
        (credit("5", "M", "x"), "bad_account"),
        (credit("999.999.999.999.999", "", "x"), "out_of_range"),
    ] {
        let shown = format!("{asked:?}");
        assert_eq!(code(office.credit(&who(0), asked, None).await), told, "{shown}");
    }
    assert_eq!(moved(&mut model).len(), count);
    // The line of the journal says whose it was.
    let row =
        model.journal_page(&store::JournalFilter { limit: 50, ..Default::default() }).unwrap();
    let of = row.iter().find(|row| row.row.request.starts_with("ani credit")).unwrap();
    assert_eq!(of.row.member.map(|id| format!("member:{id}")), Some(member));
}

#[tokio::test]
async fn a_transfer_takes_from_one_what_the_other_gets() {
    let (office, mut model) = house();
    let (first, second) = (account(&office, "OK0"), account(&office, "OK1"));
    office.credit(&who(0), credit("1000", "", "x"), None).await.unwrap();
    let began = (balance(&office, "OK0").await, balance(&office, "OK1").await);
    let done = office.give(&who(0), give("OK0", "OK1", "300"), Some("k")).await.unwrap();
    let Done::Moved { member, amount, balance: left } = done else { panic!("{done:?}") };
    assert_eq!((member.as_str(), amount, left), ("OK0", -300, Some(began.0 - 300)));
    let now = (balance(&office, "OK0").await, balance(&office, "OK1").await);
    assert_eq!(now, (began.0 - 300, began.1 + 300));
    let mut all = moved(&mut model);
    let (got, gave) = (all.pop().unwrap(), all.pop().unwrap());
    assert_eq!(gave, (first, "exchange".into(), 300, "ani: OK1 tes".into()));
    assert_eq!(got, ("exchange".into(), second, 300, "ani: OK0 tes".into()));
    // The same key gives once, and another request under it is refused.
    let again = office.give(&who(0), give("OK0", "OK1", "300"), Some("k")).await.unwrap();
    assert!(matches!(again, Done::Repeated { .. }), "{again:?}");
    assert_eq!(
        code(office.give(&who(0), give("OK0", "OK1", "301"), Some("k")).await),
        "key_reused"
    );
    for (giving, told) in [
        (give("OK0", "OK1", "-5"), "bad_amount"),
        (give("OK0", "OK0", "5"), "same_member"),
        (give("OK0", "OK9", "5"), "not_found"),
    ] {
        assert_eq!(code(office.give(&who(0), giving, None).await), told);
    }
    assert_eq!(balance(&office, "OK0").await, now.0);
    // Whose balance would not do is told by its code; and no text holds what no text should.
    let told = office.give(&who(0), give("OK0", "OK1", "5.000.000"), None).await.unwrap_err();
    assert!(told.to_string().contains(" to OK0, below the floor"), "{told}");
    for note in ["a\u{7}b", "a\nb\u{0}"] {
        let giving = Giving { note: note.into(), ..give("OK0", "OK1", "1") };
        assert_eq!(code(office.give(&who(0), giving, None).await), "control_characters");
    }
    assert_eq!(balance(&office, "OK0").await, now.0);
}

/// Entries of the books that concern no member.
#[tokio::test]
async fn an_entry_is_booked_once() {
    let (office, mut model) = house();
    let before = moved(&mut model).len();
    let entry = |kind: &str, name: &str, amount: &str| Entry {
        kind: kind.into(),
        name: name.into(),
        cash: "manual".into(),
        amount: amount.into(),
        note: "listrik".into(),
    };
    let told = office.enter(&who(0), entry("expense", "Sewa-Kantor-2", "5.000"), Some("k")).await;
    let told = told.unwrap();
    assert_eq!(told, serde_json::json!({"state": "entered", "kind": "expense", "amount": 5_000}));
    let again = office.enter(&who(0), entry("expense", "Sewa-Kantor-2", "5.000"), Some("k")).await;
    let wanted = serde_json::json!({"state": "repeated", "first": {"done": "book"}});
    assert_eq!(again.unwrap(), wanted);
    let all = moved(&mut model);
    assert_eq!(all.len() - before, 1);
    let booked =
        ("expense:sewa-kantor-2".into(), "cash:manual".into(), 5_000, "ani: listrik".into());
    assert_eq!(all.last(), Some(&booked));
    office.enter(&who(0), entry("capital", "", "9.000"), None).await.unwrap();
    let booked = ("cash:manual".into(), "capital".into(), 9_000, "ani: listrik".into());
    assert_eq!(moved(&mut model).last(), Some(&booked));
    for (kind, name, told) in [
        ("expense", "s", "bad_account"),
        ("expense", "sewa kantor", "bad_account"),
        ("expense", "sewa_kantor", "bad_account"),
        ("top_up", "nobody", "not_found"),
        ("gift", "x", "bad_entry"),
    ] {
        assert_eq!(code(office.enter(&who(0), entry(kind, name, "5"), None).await), told, "{name}");
    }
    let cs = Actor::person("cici", Role::Cs, "test");
    assert_eq!(code(office.enter(&cs, entry("capital", "", "5"), None).await), "forbidden");
    assert_eq!(moved(&mut model).len() - before, 2);
}

/// What waits has its line, is listed until it is decided, and is booked for both who stand behind it.
#[tokio::test]
async fn what_waits_is_listed_and_then_booked_for_both() {
    let (office, mut model) = house();
    assert!(!office.has_two_persons().await.unwrap());
    let ani = hire(&office, "ani", Role::Owner).await;
    hire(&office, "cici", Role::Cs).await;
    assert!(!office.has_two_persons().await.unwrap(), "customers' care agrees to nothing");
    let budi = hire(&office, "budi", Role::Finance).await;
    assert!(office.has_two_persons().await.unwrap());
    let rules = Rules { approval_above: 10, ..office.rules().await.unwrap() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let asked = office.credit(&ani, credit("11", "", "x"), None).await.unwrap();
    let Done::Waiting { approval } = asked else { panic!("{asked:?}") };
    let told: Vec<String> =
        lines(&mut model).into_iter().take(2).map(|line| line[1].clone()).collect();
    assert!(told.iter().any(|line| line.starts_with("ani credit asked")), "{told:?}");
    let [waits] = &office.approvals(true).await.unwrap()[..] else { panic!("it is not listed") };
    assert_eq!((waits.id.as_str(), waits.waiting, waits.what), (&*approval, true, "credit"));
    office.decide_approval(&budi, &approval, true).await.unwrap();
    assert_eq!(moved(&mut model).pop().unwrap().3, "ani & budi: x");
    assert!(office.approvals(true).await.unwrap().is_empty());
    let all = office.approvals(false).await.unwrap();
    assert_eq!(all.len(), 1);
    let told = (all[0].waiting, all[0].decided.as_deref(), all[0].result.as_deref());
    assert_eq!(told, (false, Some("budi"), Some("agreed")));
    // The machine needs nobody, and is not two.
    let local = office.credit(&Actor::local(), credit("12", "", "x"), None).await.unwrap();
    assert!(matches!(local, Done::Moved { .. }));
}

/// Many things of one person at the same moment: each is done, and all of them count for its day.
#[tokio::test]
async fn the_sum_of_a_day_holds_under_many_hands() {
    let (office, _) = house();
    let ani = hire(&office, "ani", Role::Owner).await;
    hire(&office, "budi", Role::Finance).await;
    let rules = Rules { approval_above: 10, approval_above_day: 25, ..Rules::default() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let one = || office.credit(&ani, credit("10", "", "x"), None);
    let done = tokio::join!(one(), one(), one());
    let done = [done.0, done.1, done.2].map(Result::unwrap);
    let count = |waits: bool| {
        let is = |done: &&Done| matches!(done, Done::Waiting { .. }) == waits;
        done.iter().filter(is).count()
    };
    assert_eq!((count(false), count(true)), (2, 1), "{done:?}");
}

/// A credit limit and another change of the same member at one moment: neither takes the other back.
#[tokio::test]
async fn a_credit_limit_takes_no_other_change_back() {
    let (office, _) = house();
    let set = |set: MemberSet| {
        let set = MemberSet { code: "OK0".into(), ..set };
        let office = &office;
        async move {
            execute(office, &Actor::local(), Operation::MemberSet(Box::new(set))).await.unwrap()
        }
    };
    let name = MemberSet { name: Some("Toko".into()), ..MemberSet::default() };
    let limit = MemberSet { credit_limit: Some("700".into()), ..MemberSet::default() };
    tokio::join!(set(name), set(limit));
    let catalog = office.handle.catalog();
    let member = &catalog.member(&MemberCode::parse("OK0").unwrap()).unwrap().member;
    assert_eq!((member.name.as_str(), member.credit_limit.get()), ("Toko", 700));
}
