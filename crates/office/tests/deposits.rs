//! What banks report: every payment once, whatever tells it how often in which spelling; nobody credited
//! against what is known.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{bank, house, who};
use office::{Actor, Chance, MutationRow, Office, Rules, Taken, read_feed, read_mutations};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use types::Rupiah;

/// The day of the test's clock.
const TODAY: &str = "2026-03-25";

async fn with_bank() -> Office {
    let (office, _) = house();
    office.set_bank(&who(0), bank("bca")).await.unwrap();
    office
}

/// As a feed tells it.
async fn feed(office: &Office, value: Value) -> anyhow::Result<Vec<Taken>> {
    let read = read_feed(&value, Some("bca"), &office.banks().await?)?;
    office.take_feed(&who(1), read).await
}

/// As a person pastes it.
async fn file(office: &Office, text: &str) -> anyhow::Result<Vec<Taken>> {
    let today = office.handle.now().civil.date();
    let read = read_mutations(&office.bank("bca").await?, text, today)?;
    office.take_bank_file(&who(0), read).await
}

async fn waiting(office: &Office) -> Vec<MutationRow> {
    office.mutations(true, 100).await.unwrap()
}

fn words(taken: &[Taken]) -> Vec<String> {
    let word = |one: &Taken| match one {
        Taken::Matched { member, .. } => member.clone(),
        Taken::Queued { why, .. } => (*why).to_owned(),
        Taken::Known { .. } => "known".to_owned(),
        Taken::Refused { code, .. } => (*code).to_owned(),
    };
    taken.iter().map(word).collect()
}

async fn balance(office: &Office, member: &str) -> i64 {
    let shown = office::Operation::MemberShow { code: member.to_owned() };
    office::execute(office, &who(0), shown).await.unwrap()["balance"].as_i64().unwrap()
}

#[tokio::test]
async fn a_bank_reports_amounts_in_its_own_style() {
    let office = with_bank().await;
    for (id, amount) in [
        ("m1", json!("150.000,000")),
        ("m2", json!("150,000.00")),
        ("m3", json!("Rp 150.000,-")),
        ("m4", json!(150_000)),
        ("m5", json!(150_000.0)),
    ] {
        feed(&office, json!({"id": id, "amount": amount})).await.unwrap();
    }
    let rows = waiting(&office).await;
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.amount == 150_000), "{rows:?}");
    for amount in [json!("150.000,500"), json!("150.000.00"), json!(150.5), json!("0")] {
        assert!(feed(&office, json!({"id": "x", "amount": amount})).await.is_err());
    }
}

/// F02 and F07: an empty number is none, and numbers are compared whole.
#[tokio::test]
async fn numbers_of_banks() {
    let office = with_bank().await;
    let long = "X".repeat(80);
    for (id, amount) in [
        (json!(""), 50_002),
        (json!(" "), 50_003),
        (json!(format!("{long}1")), 50_008),
        (json!(format!("{long}2")), 50_009),
        (json!("a/b"), 50_010),
        (json!("a:b"), 50_011),
        (json!(167_129_835), 50_012),
        (json!("167129835 "), 50_012),
    ] {
        let told = json!({"id": id, "amount": amount, "date": "24/03/2026 13:22", "text": "x"});
        let first = words(&feed(&office, told.clone()).await.unwrap());
        let again = if id == json!("167129835 ") { "known" } else { "no_ticket" };
        assert_eq!(first, [again], "{id}");
        assert_eq!(words(&feed(&office, told).await.unwrap()), ["known"], "{id}");
    }
    assert_eq!(waiting(&office).await.len(), 7);
    for told in [json!({"amount": 5}), json!({"amount": 5, "date": "bald"})] {
        let error = feed(&office, told).await.unwrap_err().to_string();
        assert!(error.contains("two payments could not be told apart"), "{error}");
    }
    let odd = json!({"id": "odd", "amount": 5, "date": "bald"});
    assert_eq!(words(&feed(&office, odd).await.unwrap()), ["no_date"]);
}

/// F05: equal lines are different payments; the same file again brings nothing.
#[tokio::test]
async fn equal_lines_of_a_file() {
    let office = with_bank().await;
    let line = "24/03,SETOR TUNAI,\"500,123\"\n";
    let text = |count: usize| format!("date,text,amount\n{}", line.repeat(count));
    assert_eq!(words(&file(&office, &text(2)).await.unwrap()), ["no_ticket", "no_ticket"]);
    assert_eq!(words(&file(&office, &text(2)).await.unwrap()), ["known", "known"]);
    // The file of the evening has one more.
    assert_eq!(words(&file(&office, &text(3)).await.unwrap()), ["known", "known", "no_ticket"]);
    assert_eq!(words(&file(&office, &text(1)).await.unwrap()), ["known"]);
    assert_eq!(waiting(&office).await.len(), 3);
}

#[tokio::test]
async fn unknown_banks_are_told_which_there_are() {
    let office = with_bank().await;
    office.set_bank(&Actor::local(), bank("bri")).await.unwrap();
    let told = feed(&office, json!({"bank": "mandiri", "id": "1", "amount": 5})).await.unwrap_err();
    assert_eq!(told.to_string(), "there is no bank account `mandiri`; there are: bca, bri");
    // In a list it is refused alone.
    let list = json!([{"bank": "mandiri", "id": "1", "amount": 5}, {"bank": "bri", "id": "2", "amount": 6}]);
    assert_eq!(words(&feed(&office, list).await.unwrap()), ["no_ticket", "unknown_bank"]);
    let asked = office.open_ticket(&who(0), "OK0", "mandiri", "50000").await.unwrap_err();
    assert!(asked.to_string().contains("there are: bca, bri"), "{asked}");
}

/// The same number with other content: both are kept, both are shown, nobody is credited by itself.
#[tokio::test]
async fn a_number_that_changes_its_content_waits() {
    let office = with_bank().await;
    let ticket = office.open_ticket(&who(0), "OK0", "bca", "50000").await.unwrap();
    let told = |amount: i64, text: &str| json!({"id": "n1", "amount": amount, "date": TODAY, "text": text});
    assert_eq!(words(&feed(&office, told(70_000, "CR")).await.unwrap()), ["no_ticket"]);
    let changed = told(ticket.amount, "CR");
    assert_eq!(words(&feed(&office, changed.clone()).await.unwrap()), ["other_version"]);
    assert_eq!(words(&feed(&office, changed).await.unwrap()), ["known"]);
    assert_eq!(words(&feed(&office, told(70_000, "cr")).await.unwrap()), ["known"]);
    let rows = waiting(&office).await;
    let second = rows.iter().find(|row| row.amount == ticket.amount).unwrap();
    assert_eq!((rows.len(), second.like.len(), second.like[0].amount), (2, 1, 70_000));
    // A person must say that it is another payment.
    let owner = who(0);
    let settle = |another| office.settle_mutation(&owner, &second.id, Some("OK0"), "x", another);
    assert!(settle(false).await.unwrap_err().to_string().contains("it may be the payment"));
    assert_eq!(balance(&office, "OK0").await, 0);
    settle(true).await.unwrap();
    assert_eq!(balance(&office, "OK0").await, ticket.amount);
}

/// S15: one payment in two spellings, by file and by feed.
#[tokio::test]
async fn one_payment_in_two_spellings() {
    let office = with_bank().await;
    let ticket = office.open_ticket(&who(0), "OK0", "bca", "50000").await.unwrap();
    let amount = ticket.amount;
    let first = format!("date,amount,text\n25/03/2026,{amount},TRSF CR 01 BUDI\n");
    assert_eq!(words(&file(&office, &first).await.unwrap()), ["OK0"]);
    let dotted = Rupiah::new(amount).to_string();
    let spelled = format!("Tanggal;Keterangan;Kredit\n{TODAY};trsf  cr 01/budi;\"{dotted},00\"\n");
    assert_eq!(words(&file(&office, &spelled).await.unwrap()), ["known"]);
    let told = |id: &str, text: &str| json!({"id": id, "amount": amount, "date": "2026-03-25 00:10:00", "text": text});
    assert_eq!(words(&feed(&office, told("f1", "TRSF CR 01 Budi")).await.unwrap()), ["known"]);
    assert_eq!(words(&feed(&office, told("f1", "TRSF CR 01 Budi")).await.unwrap()), ["known"]);
    // Words that are not recognised wait, beside what they may be.
    let yesterday = format!("date,amount,text\n24/03/2026,{},SETOR\n", amount + 5);
    assert_eq!(words(&file(&office, &yesterday).await.unwrap()), ["no_ticket"]);
    let other = json!({"id": "f2", "amount": amount + 5, "date": "2026-03-24", "text": "CR"});
    assert_eq!(words(&feed(&office, other).await.unwrap()), ["alike"]);
    let rows = waiting(&office).await;
    let alike = rows.iter().find(|row| row.why.as_deref() == Some("alike")).unwrap();
    assert_eq!(alike.like[0].text, "SETOR");
    assert_eq!(balance(&office, "OK0").await, amount);
}

/// Money that cannot be the ticket's waits: older, from tomorrow, of somebody else by its own words, or
/// maybe credited before.
#[tokio::test]
async fn what_contradicts_a_ticket_waits() {
    let office = with_bank().await;
    let ticket = office.open_ticket(&who(0), "OK0", "bca", "50000").await.unwrap();
    let amount = ticket.amount;
    for (id, date, text, why) in [
        ("a", "2026-03-20", "CR A", "before_ticket"),
        ("b", "25/03/2026 00:05", "CR B", "before_ticket"),
        ("c", "2026-03-29", "CR C", "not_yet"),
    ] {
        let told = json!({"id": id, "amount": amount, "date": date, "text": text});
        assert_eq!(words(&feed(&office, told).await.unwrap()), [why], "{id}");
    }
    // The same amount was told by a file that may be of the same payment.
    let maybe = format!("date,amount,text\n25/03/2026,{amount},SETOR TUNAI\n");
    assert_eq!(words(&file(&office, &maybe).await.unwrap()), ["alike"]);

    let ticket = office.open_ticket(&who(0), "OK1", "bca", "60000").await.unwrap();
    let named = json!({"id": "d", "amount": ticket.amount, "date": TODAY, "text": "DEPOSIT OK2"});
    // Codes this short are words of anybody's text only when they stand alone.
    assert_eq!(words(&feed(&office, named).await.unwrap()), ["names_another"]);
    let rows = waiting(&office).await;
    assert_eq!(rows[0].names.as_deref(), Some("OK2"), "{:?}", rows[0]);
    assert_eq!(balance(&office, "OK1").await, 0);
    let good = office.open_ticket(&who(0), "OK1", "bca", "70000").await.unwrap();
    let good = json!({"id": "e", "amount": good.amount, "date": TODAY, "text": "DEPOSIT OK1"});
    assert_eq!(words(&feed(&office, good).await.unwrap()), ["OK1"]);
}

/// S14: who settles by hand closes the ticket that was meant, and no other.
#[tokio::test]
async fn a_settled_credit_closes_its_ticket() {
    let office = with_bank().await;
    let mine = office.open_ticket(&who(0), "OK0", "bca", "50000").await.unwrap();
    let other = office.open_ticket(&who(0), "OK1", "bca", "50000").await.unwrap();
    let short = mine.amount - if mine.amount - 1 == other.amount { 2 } else { 1 };
    let short = json!({"id": "a", "amount": short, "date": TODAY, "text": "CR"});
    assert_eq!(words(&feed(&office, short).await.unwrap()), ["no_ticket"]);
    let id = waiting(&office).await[0].id.clone();
    office.settle_mutation(&who(0), &id, Some("OK0"), "asked", false).await.unwrap();
    let state = async |member: &str| {
        let all = office.tickets(Some(member), 10).await.unwrap();
        (all[0].state.clone(), all[0].mutation.clone())
    };
    assert_eq!(state("OK0").await, ("paid".to_owned(), Some(id)));
    assert_eq!(state("OK1").await, ("open".to_owned(), None));
    // The full amount that comes now is another payment and finds no ticket.
    let full = json!({"id": "b", "amount": mine.amount, "date": TODAY, "text": "CR"});
    assert_eq!(words(&feed(&office, full).await.unwrap()), ["no_ticket"]);
}

/// The attack of asking again and again until the amount is one that a stranger pays.
#[tokio::test]
async fn nobody_chooses_the_amount_of_a_ticket() {
    let office = with_bank().await;
    let mut amounts = BTreeSet::new();
    let mut asked = 0;
    let refused = loop {
        let wanted = 100_000 - 1 - i64::from(asked % 3) * 300;
        match office.open_ticket(&who(0), "OK0", "bca", &wanted.to_string()).await {
            Ok(ticket) => {
                assert!(ticket.amount > wanted && ticket.amount % 1_000 != 0, "{ticket:?}");
                amounts.insert(ticket.amount - wanted);
                office.cancel_ticket(&who(0), &ticket.id, None).await.unwrap();
            }
            Err(error) => break error.to_string(),
        }
        asked += 1;
        assert!(asked < 100, "nobody stops it");
    };
    assert_eq!(asked, 20);
    assert!(refused.contains("20 tickets of the last day were not paid"), "{refused}");
    // Twenty chances of 999: that they are all one is no chance.
    assert!(amounts.len() > 10, "{amounts:?}");
    // A stranger's round payment finds nobody.
    let round = json!({"id": "zz1", "amount": 100_000, "date": TODAY, "text": "FROM OK2 BUDI"});
    assert_eq!(words(&feed(&office, round).await.unwrap()), ["no_ticket"]);
}

/// A payment as it is in truth: which ticket it pays or what round amount, on which day, in which words.
#[derive(Clone, Debug)]
struct Paid {
    ticket: Option<u8>,
    yesterday: bool,
    words: u8,
}

fn paid() -> impl Strategy<Value = Paid> {
    (prop::option::of(0_u8..4), any::<bool>(), 0_u8..3)
        .prop_map(|(ticket, yesterday, words)| Paid { ticket, yesterday, words })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Files that grow and come again, mixed with a feed, two at once: no payment is credited twice,
    /// none is lost. The feed may write in words of its own; what it says then waits, beside what it
    /// may be.
    #[test]
    fn every_payment_is_taken_once(
        all in prop::collection::vec(paid(), 1..8),
        sent in prop::collection::vec((0_u8..3, 0_usize..9), 0..12),
        own_words in any::<bool>(),
    ) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let outcome: Result<(), TestCaseError> = runtime.block_on(async {
            let office = std::sync::Arc::new(with_bank().await);
            let mut amounts = Vec::new();
            for number in 0..4_u8 {
                let member = format!("OK{}", number % 3);
                let ticket = office.open_ticket(&who(0), &member, "bca", "50000").await.unwrap();
                amounts.push(ticket.amount);
            }
            let amount = |paid: &Paid| paid.ticket.map_or(50_000, |ticket| amounts[usize::from(ticket)]);
            let date = |paid: &Paid| if paid.yesterday { "2026-03-24" } else { TODAY };
            let day_file = |yesterday: bool, until: usize| {
                let lines = all.iter().filter(|paid| paid.yesterday == yesterday).take(until);
                let lines = lines.map(|paid| format!("{},{},SETOR {}\n", date(paid), amount(paid), paid.words));
                format!("date,amount,text\n{}", lines.collect::<String>())
            };
            let told = |place: usize| {
                let paid = &all[place];
                let text = if own_words { "CR" } else { "setor" };
                json!({"id": format!("n{place}"), "amount": amount(paid), "date": date(paid),
                    "text": format!("{text}-{}", paid.words)})
            };
            let ends = [(0, 99), (1, 99)].into_iter().chain((0..all.len()).map(|place| (2, place)));
            for (what, which) in sent.iter().copied().chain(ends) {
                // An impatient hand sends everything twice at once.
                let mut together = tokio::task::JoinSet::new();
                for _ in 0..2 {
                    let office = office.clone();
                    let (text, value) = (day_file(what == 1, which), told(which % all.len()));
                    together.spawn(async move {
                        match what {
                            2 => feed(&office, value).await.map(|_| ()),
                            _ => file(&office, &text).await.map(|_| ()),
                        }
                    });
                }
                while let Some(done) = together.join_next().await {
                    if let Err(error) = done.unwrap() {
                        prop_assert!(error.to_string().contains("no line below the header"), "{}", error);
                    }
                }
            }
            let rows = office.mutations(false, 500).await.unwrap();
            // Each that was credited by itself is the only one of its amount.
            let mut matched: BTreeMap<i64, usize> = BTreeMap::new();
            for row in rows.iter().filter(|row| row.state == "matched") {
                *matched.entry(row.amount).or_default() += 1;
                prop_assert!(amounts.contains(&row.amount), "{:?}", row);
            }
            prop_assert!(matched.values().all(|count| *count == 1), "{:?}", matched);
            let credited: i64 = matched.keys().sum();
            let mut balances = 0;
            for member in ["OK0", "OK1", "OK2"] {
                balances += balance(&office, member).await;
            }
            prop_assert_eq!(balances, credited);
            // In one spelling as many as were paid; in two at most twice, and the second is marked.
            let marked = rows.iter().filter(|row| !row.like.is_empty()).count();
            if own_words {
                prop_assert!(rows.len() >= all.len(), "{:?}", rows);
                prop_assert!(rows.len() - all.len() <= marked, "{:?}", rows);
            } else {
                prop_assert_eq!(rows.len(), all.len(), "{:?}", rows);
            }
            Ok(())
        });
        outcome?;
    }
}

/// The same chance every time: tickets for one sum are asked for in the same order.
struct Same;

impl Chance for Same {
    fn next(&self) -> anyhow::Result<u64> {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        // Names differ, the ends of amounts do not.
        Ok(COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) * 99 * 99)
    }
}

/// Who pays a ticket twice by mistake pays nobody else: its amount is not asked for again, until all others
/// near it are taken.
#[tokio::test]
async fn the_amount_of_a_ticket_that_was_paid_is_nobody_elses() {
    let office = with_bank().await.with_chance(Box::new(Same));
    let rules = Rules { ticket_unique_most: 99, ..office.rules().await.unwrap() };
    office.set_rules(&Actor::local(), &rules).await.unwrap();
    let mut asked = BTreeSet::new();
    let open = async |member: &str| {
        office.open_ticket(&Actor::local(), member, "bca", "20000").await.unwrap().amount
    };
    for turn in 0..99 {
        let amount = open(["OK0", "OK1"][turn % 2]).await;
        assert!(asked.insert(amount), "{amount} was asked for before, at ticket {turn}");
        let told = json!({"id": format!("p{turn}"), "amount": amount, "date": "25/03/2026"});
        let taken = words(&feed(&office, told).await.unwrap());
        assert_eq!(taken, [["OK0", "OK1"][turn % 2]], "{turn}");
    }
    // The second time it waits, and is nobody's before a person looked.
    let (first, before) = (*asked.first().unwrap(), balance(&office, "OK1").await);
    let told = json!({"id": "again", "amount": first, "date": "25/03/2026"});
    assert_eq!(words(&feed(&office, told).await.unwrap()), ["no_ticket"]);
    assert_eq!(balance(&office, "OK1").await, before);
    // None is left that was never asked for: one that was paid serves again.
    assert!(asked.contains(&open("OK2").await));
}

/// For who decides: tickets of that account whose amount is near, as long as it waits.
#[tokio::test]
async fn tickets_near_a_credit_are_shown_while_it_waits() {
    let (office, mut model) = house();
    for code in ["bca", "bni"] {
        office.set_bank(&Actor::local(), bank(code)).await.unwrap();
    }
    let open = async |member: &str, bank: &str, amount: &str| {
        office.open_ticket(&who(0), member, bank, amount).await.unwrap()
    };
    let own = open("OK0", "bca", "50000").await;
    open("OK1", "bni", "50000").await;
    let gone = open("OK2", "bca", "50000").await;
    office.cancel_ticket(&who(0), &gone.id, None).await.unwrap();
    for (id, more, is_near) in [("m1", 1_000, true), ("m2", -1_000, true), ("m3", 1_001, false)] {
        let told = json!({"id": id, "amount": own.amount + more, "text": "x"});
        assert_eq!(words(&feed(&office, told).await.unwrap()), ["no_ticket"]);
        let line = desk::lines(&mut model).remove(0);
        assert!(line[1].contains("bank credit waits"), "{line:?}");
        let row = waiting(&office).await.remove(0);
        assert_eq!(row.amount, own.amount + more);
        let near: Vec<&str> = row.near.iter().map(|ticket| ticket.id.as_str()).collect();
        assert_eq!(near, if is_near { vec![own.id.as_str()] } else { Vec::new() }, "{more}");
    }
    let first = waiting(&office).await.pop().unwrap().id;
    office.settle_mutation(&who(0), &first, None, "bukan milik kita", false).await.unwrap();
    let rows = office.mutations(false, 100).await.unwrap();
    let settled = rows.iter().find(|row| row.id == first).unwrap();
    assert_eq!((settled.state.as_str(), settled.near.len()), ("ignored", 0));
    assert_eq!(rows.iter().filter(|row| !row.near.is_empty()).count(), 1);
    // A match leaves its line.
    let told = json!({"id": "m9", "amount": own.amount, "text": "x"});
    assert_eq!(words(&feed(&office, told).await.unwrap()), ["OK0"]);
    let line = desk::lines(&mut model).remove(0);
    assert!(line[1].contains("deposit matched"), "{line:?}");
}

#[test]
fn what_is_left_out_is_counted() {
    let left = office::LeftOut { debit: 1, pending: 2, correction: 4 };
    assert_eq!(left.all(), 7);
}
