//! Deposit tickets and tokens, to the millisecond and to the rupiah: how long they hold, and who ends them.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{bank, code, from, hire, lines, still_house, who};
use office::{Actor, Bank, NewToken, Office, Proven, Role, Rules, Ticket, read_feed};
use serde_json::json;
use types::MemberCode;

const DAY: i64 = 86_400_000;
const OPEN: i64 = 180 * 60_000;

async fn open(office: &Office, member: &str, wanted: &str) -> anyhow::Result<Ticket> {
    office.open_ticket(&who(0), member, "bca", wanted).await
}

async fn state(office: &Office, id: &str) -> String {
    let all = office.tickets(None, 500).await.unwrap();
    all.into_iter().find(|ticket| ticket.id == id).unwrap().state
}

async fn paid(office: &Office, ticket: &Ticket) -> bool {
    let told = json!({"id": ticket.id, "amount": ticket.amount, "text": "x"});
    let read = read_feed(&told, Some("bca"), &office.banks().await.unwrap()).unwrap();
    office.take_feed(&who(1), read).await.unwrap();
    state(office, &ticket.id).await == "paid"
}

/// Where all amounts are held, who gives one back makes room for another, and who never paid does a day
/// after nobody would be recognised by it any more.
#[tokio::test]
async fn an_amount_is_held_until_nobody_pays_it_any_more() {
    let (office, mut model, clock) = still_house();
    office.set_bank(&Actor::local(), bank("bca")).await.unwrap();
    let rules = Rules { ticket_unique_most: 1, ..Rules::default() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let mut file = "kode,pin,password\n".to_owned();
    (0..40).for_each(|number| file += &format!("M{number},480913,teh-manis-3\n"));
    let import = json!({"op": "member_import", "text": file});
    let import = serde_json::from_value(import).unwrap();
    office::execute(&office, &Actor::local(), import).await.unwrap();
    assert_eq!(code(open(&office, "OK0", "9999").await), "too_little");
    let mut all = Vec::new();
    'held: for number in 0..40 {
        for _ in 0..3 {
            match open(&office, &format!("M{number}"), "10000").await {
                Ok(ticket) => all.push(ticket),
                Err(_) => break 'held,
            }
        }
    }
    assert!((90..=99).contains(&all.len()), "{}", all.len());
    assert!(lines(&mut model)[0][1].starts_with("ani ticket open"));
    let next = async |member: &str| open(&office, member, "10000").await;
    assert_eq!(code(next("OK0").await), "no_free_amount");
    // Nobody cancels another's.
    let (first, member) = (&all[0], |code: &str| MemberCode::parse(code).unwrap());
    let cancel = async |of: &str| office.cancel_ticket(&who(0), &first.id, Some(&member(of))).await;
    assert_eq!(code(cancel("M1").await), "not_found");
    cancel("M0").await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("ani ticket cancel"));
    assert_eq!(code(cancel("M0").await), "not_open");
    let second = next("OK0").await.unwrap();
    assert_eq!(second.amount, first.amount);
    assert_eq!(code(next("OK1").await), "no_free_amount");
    // A payment gives its amount back too.
    assert!(paid(&office, &second).await);
    assert_eq!(next("OK1").await.unwrap().amount, second.amount);
    // It is open for its time, and its amount is held a day longer.
    let last = all.pop().unwrap();
    clock.pass(OPEN);
    assert_eq!(state(&office, &last.id).await, "open");
    clock.pass(1);
    assert_eq!(state(&office, &last.id).await, "expired");
    clock.pass(DAY - 1);
    assert_eq!(code(next("OK0").await), "no_free_amount");
    clock.pass(1);
    next("OK0").await.unwrap();
}

#[tokio::test]
async fn a_ticket_is_paid_while_it_is_open() {
    for (late, is_paid) in [(0, true), (1, false)] {
        let (office, _, clock) = still_house();
        office.set_bank(&Actor::local(), bank("bca")).await.unwrap();
        let ticket = open(&office, "OK0", "50000").await.unwrap();
        clock.pass(OPEN + late);
        assert_eq!(paid(&office, &ticket).await, is_paid, "{late}");
    }
}

/// Three are open at a time, and few are left unpaid in a day; what was paid does not count.
#[tokio::test]
async fn a_member_opens_so_many_tickets() {
    let (office, _, clock) = still_house();
    office.set_bank(&Actor::local(), bank("bca")).await.unwrap();
    let amount = |number: i64| (50_000 + 5_000 * number).to_string();
    let mut number = 0;
    let mut next = async || {
        number += 1;
        open(&office, "OK0", &amount(number)).await
    };
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(next().await.unwrap());
    }
    assert_eq!(code(next().await), "too_many_tickets");
    for ticket in &all {
        assert!(paid(&office, ticket).await);
    }
    for _ in 0..20 {
        let ticket = next().await.unwrap();
        office.cancel_ticket(&who(0), &ticket.id, None).await.unwrap();
    }
    assert_eq!(code(next().await), "too_many_tickets");
    clock.pass(DAY - 1);
    assert_eq!(code(next().await), "too_many_tickets");
    clock.pass(1);
    next().await.unwrap();
}

/// What a person assigns pays the member's ticket of that account, and no other.
#[tokio::test]
async fn an_assigned_credit_pays_the_ticket_of_its_account() {
    let (office, _, _) = still_house();
    for code in ["bca", "bni"] {
        office.set_bank(&Actor::local(), bank(code)).await.unwrap();
    }
    let elsewhere = office.open_ticket(&who(0), "OK0", "bni", "50000").await.unwrap();
    let told = json!({"id": "m1", "amount": elsewhere.amount, "text": "x"});
    let read = read_feed(&told, Some("bca"), &office.banks().await.unwrap()).unwrap();
    office.take_feed(&who(1), read).await.unwrap();
    let row = office.mutations(true, 10).await.unwrap().remove(0);
    office.settle_mutation(&who(0), &row.id, Some("OK0"), "betul", false).await.unwrap();
    assert_eq!(state(&office, &elsewhere.id).await, "open");
}

#[tokio::test]
async fn a_bank_has_a_short_plain_code() {
    let (office, _, _) = still_house();
    let long = "b".repeat(21);
    for (named, told) in [
        ("b", "bad_bank"),
        ("bca giro", "bad_bank"),
        ("bca_2", "bad_bank"),
        ("BCA", "bad_bank"),
        (long.as_str(), "bad_bank"),
        ("bca-2", "done"),
        (&long[..20], "done"),
    ] {
        let bank = Bank { code: named.to_owned(), ..bank("x1") };
        assert_eq!(code(office.set_bank(&Actor::local(), bank).await), told, "{named}");
    }
}

#[tokio::test]
async fn a_token_is_its_person_s() {
    let (office, mut model, clock) = still_house();
    let ani = hire(&office, "ani", Role::Owner).await;
    hire(&office, "cici", Role::Cs).await;
    let new = |role: &str, days| NewToken {
        name: " bot ".into(),
        role: role.into(),
        person: Some("cici".into()),
        days,
    };
    let here = from("203.0.113.7");
    assert_eq!(code(office.add_token(&ani, new("finance", None)).await), "above_its_person");
    let cici = Actor::person("cici", Role::Cs, "test");
    assert_eq!(code(office.add_token(&cici, new("cs", None)).await), "forbidden");
    let token = office.add_token(&ani, new("cs", Some(1))).await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("ani token add"));
    let row = office.tokens().await.unwrap().remove(0);
    let told = (row.name.as_str(), row.role, row.person.as_str(), row.by.as_str(), row.used);
    assert_eq!(told, ("bot", Role::Cs, "cici", "ani", None));
    assert_eq!(row.expires - row.created, DAY);
    let used = async || office.tokens().await.unwrap()[0].used.unwrap() - row.created;
    // Use is written down every five minutes.
    for (waits, seen) in [(0, 0), (300_000, 0), (1, 300_001)] {
        clock.pass(waits);
        let actor = office.token(&token, &here).await.unwrap().unwrap();
        assert_eq!((actor.name.as_str(), actor.role, actor.believed), ("cici", Role::Cs, false));
        assert_eq!(used().await, seen, "{waits}");
    }
    clock.pass(DAY - 300_002);
    assert!(office.token(&token, &here).await.unwrap().is_some());
    clock.pass(1);
    assert!(office.token(&token, &here).await.unwrap().is_none(), "its day is over");
    office.token_refused(&token, &here, json!({})).await;
    let [peer, what, why] = lines(&mut model).remove(0);
    assert_eq!((peer.as_str(), why.contains("it is over")), ("203.0.113.7", true));
    assert!(what.starts_with("cici (token bot) token refused"), "{what}");
    // Once a minute for an address; a made-up one is nobody's.
    office.token_refused(&token, &here, json!({})).await;
    assert_eq!(lines(&mut model)[0][1], what);
    clock.pass(61_000);
    office.token_refused("gbt_00", &here, json!({})).await;
    let [_, what, why] = lines(&mut model).remove(0);
    assert!(what.starts_with("nobody token refused") && why == "there is no such token", "{what}");
    // Taken back by who manages users; a locked person has none.
    let token = office.add_token(&ani, new("cs", None)).await.unwrap();
    let rows = office.tokens().await.unwrap();
    let id = rows.iter().find(|row| row.used.is_none()).unwrap().id.clone();
    assert_eq!(code(office.remove_token(&cici, &id).await), "forbidden");
    office.remove_token(&ani, &id).await.unwrap();
    assert!(lines(&mut model)[0][1].starts_with("ani token remove"));
    assert!(office.token(&token, &here).await.unwrap().is_none());
    assert_eq!(code(office.remove_token(&ani, &id).await), "not_found");
    let local = Actor::local();
    let proven = Proven::at_the_machine(&local).unwrap();
    office.set_user(&local, &proven, "cici", None, Some(false)).await.unwrap();
    assert_eq!(code(office.add_token(&ani, new("cs", None)).await), "above_its_person");
}
