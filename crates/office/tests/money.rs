//! The office's money under many hands at once: whatever is asked together, sent twice or decided
//! by two, the books hold and nothing moves twice.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{bank, house, who};
use domain::{AccountName, Audit, Kind, Transfer};
use model::Model;
use office::{Credit, Giving, Mutation, Office, Rules};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use store::{Places, Reads as _};
use types::Rupiah;

/// Above this a second person must agree.
const APPROVAL: i64 = 50_000;

fn member(number: u8) -> String {
    format!("OK{}", number % 3)
}

#[derive(Clone, Debug)]
enum Op {
    Credit {
        who: u8,
        member: u8,
        amount: i64,
        key: Option<u8>,
    },
    Decide {
        who: u8,
        which: u8,
        agree: bool,
    },
    Give {
        who: u8,
        from: u8,
        to: u8,
        amount: i64,
        key: Option<u8>,
    },
    Ticket {
        member: u8,
        amount: i64,
    },
    Cancel {
        which: u8,
    },
    /// A bank reports what an open ticket asks for, or something else.
    Mutation {
        id: u8,
        ticket: Option<u8>,
        amount: i64,
    },
    Settle {
        which: u8,
        member: Option<u8>,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let key = || prop::option::of(0_u8..4);
    prop_oneof![
        4 => (0_u8..2, 0_u8..3, -60_000_i64..90_000, key())
            .prop_map(|(who, member, amount, key)| Op::Credit { who, member, amount, key }),
        3 => (0_u8..2, 0_u8..4, any::<bool>())
            .prop_map(|(who, which, agree)| Op::Decide { who, which, agree }),
        3 => (0_u8..2, 0_u8..3, 0_u8..3, 1_i64..30_000, key())
            .prop_map(|(who, from, to, amount, key)| Op::Give { who, from, to, amount, key }),
        2 => (0_u8..3, 10_000_i64..12_000).prop_map(|(member, amount)| Op::Ticket { member, amount }),
        1 => (0_u8..4).prop_map(|which| Op::Cancel { which }),
        3 => (0_u8..6, prop::option::of(0_u8..4), 10_000_i64..12_000)
            .prop_map(|(id, ticket, amount)| Op::Mutation { id, ticket, amount }),
        2 => (0_u8..4, prop::option::of(0_u8..3))
            .prop_map(|(which, member)| Op::Settle { which, member }),
    ]
}

/// Does one; a refusal is fine.
async fn act(office: &Office, op: Op) {
    let _: anyhow::Result<()> = async {
        match op {
            Op::Credit { who: by, member: whom, amount, key } => {
                let note = key.map_or_else(|| "free".to_owned(), |key| format!("once{key}"));
                let credit = Credit {
                    member: member(whom),
                    amount: amount.to_string(),
                    cash: String::new(),
                    note,
                };
                let key = key.map(|key| format!("credit{key}"));
                office.credit(&who(by), credit, key.as_deref()).await?;
            }
            Op::Decide { who: by, which, agree } => {
                let waiting = office.approvals(true).await?;
                if let Some(one) = waiting.get(usize::from(which)) {
                    office.decide_approval(&who(by), &one.id, agree).await?;
                }
            }
            Op::Give { who: by, from, to, amount, key } => {
                let note = key.map_or_else(|| "free".to_owned(), |key| format!("once{key}"));
                let amount = amount.to_string();
                let giving = Giving { from: member(from), to: member(to), amount, note };
                let key = key.map(|key| format!("give{key}"));
                office.give(&who(by), giving, key.as_deref()).await?;
            }
            Op::Ticket { member: whom, amount } => {
                office.open_ticket(&who(0), &member(whom), "bca", &amount.to_string()).await?;
            }
            Op::Cancel { which } => {
                let open = office.tickets(None, 50).await?;
                if let Some(ticket) = open.get(usize::from(which)) {
                    office.cancel_ticket(&who(0), &ticket.id, None).await?;
                }
            }
            Op::Mutation { id, ticket, amount } => {
                let open = office.tickets(None, 50).await?;
                let asked = ticket.and_then(|which| open.get(usize::from(which)));
                let amount = asked.map_or(amount, |ticket| ticket.amount).to_string();
                let mutation = Mutation {
                    bank: "bca".to_owned(),
                    id: Some(format!("m{id}")),
                    amount,
                    ..Mutation::default()
                };
                office.take_mutation(&who(1), mutation).await?;
            }
            Op::Settle { which, member: whom } => {
                let waiting = office.mutations(true, 50).await?;
                if let Some(row) = waiting.get(usize::from(which)) {
                    let code = whom.map(member);
                    office.settle_mutation(&who(1), &row.id, code.as_deref(), "test", true).await?;
                }
            }
        }
        Ok(())
    }
    .await;
}

fn transfers(model: &mut Model) -> Vec<Transfer> {
    let mut all = Vec::new();
    model
        .each_transfer(&Places::new(), &mut |row| {
            all.push(row.row);
            ControlFlow::Continue(())
        })
        .unwrap();
    all
}

/// The books at this moment.
fn audited(model: &mut Model) -> Vec<String> {
    let mut audit = Audit::new();
    for (id, transfer) in (1..).zip(transfers(model)) {
        audit.transfer(id, &transfer);
    }
    for (id, account) in model.accounts().unwrap() {
        audit.account(id, account.balance, Rupiah::ZERO);
    }
    audit.findings().into_iter().map(|finding| finding.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_moves_twice(groups in prop::collection::vec(prop::collection::vec(op(), 1..7), 1..10)) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (office, mut model) = house();
        let office = Arc::new(office);
        runtime.block_on(async {
            let rules = Rules { approval_above: APPROVAL, ..Rules::default() };
            office.set_rules(&who(0), &rules).await.unwrap();
            office.set_bank(&who(0), bank("bca")).await.unwrap();
            for group in groups {
                // Together, and the first of them a second time: an impatient hand.
                let mut together = tokio::task::JoinSet::new();
                let again = group.first().cloned();
                for op in group.into_iter().chain(again) {
                    let office = office.clone();
                    together.spawn(async move { act(&office, op).await });
                }
                while together.join_next().await.is_some() {}
            }
        });
        prop_assert_eq!(audited(&mut model), Vec::<String>::new());

        // A key moves once for each hand, whatever it was used for.
        let moved = transfers(&mut model);
        let by_people = moved.iter().filter(|transfer| transfer.trx.is_none());
        let mut once: BTreeMap<String, usize> = BTreeMap::new();
        for transfer in by_people.clone().filter(|transfer| transfer.note.contains("once")) {
            let hand = transfer.note.split([':', ' ']).next().unwrap_or_default();
            let key = transfer.note.split("once").nth(1).unwrap_or_default();
            let what = match transfer.kind {
                Kind::Deposit | Kind::Withdrawal => "credit",
                other => other.word(),
            };
            *once.entry(format!("{hand} {what} {key}")).or_default() += 1;
        }
        prop_assert!(once.values().all(|count| *count == 1), "{:?}", once);

        // What is large was agreed by two.
        for transfer in by_people.clone() {
            let manual = AccountName::Cash("manual".to_owned());
            let credit = transfer.from == manual || transfer.to == manual;
            if credit && transfer.amount.get() > APPROVAL {
                let note = &transfer.note;
                prop_assert!(note.contains("ani & budi") || note.contains("budi & ani"), "{}", note);
            }
        }

        // What the bank reported came to members once, and every ticket was paid by one of them.
        let (rows, tickets) = runtime.block_on(async {
            (office.mutations(false, 100).await.unwrap(), office.tickets(None, 100).await.unwrap())
        });
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        prop_assert_eq!(ids.len(), rows.len());
        let taken = rows.iter().filter(|row| row.state == "matched" || row.state == "assigned");
        let reported: i64 = taken.map(|row| row.amount).sum();
        let bank = AccountName::Cash("bca".to_owned());
        let came: i64 =
            moved.iter().filter(|t| t.from == bank && t.kind == Kind::Deposit).map(|t| t.amount.get()).sum();
        prop_assert_eq!(reported, came);
        let paid: Vec<&str> = tickets
            .iter()
            .filter(|ticket| ticket.state == "paid")
            .map(|ticket| ticket.mutation.as_deref().unwrap_or("none"))
            .collect();
        let distinct: BTreeSet<&str> = paid.iter().copied().collect();
        prop_assert_eq!(distinct.len(), paid.len(), "{:?}", paid);
    }
}
