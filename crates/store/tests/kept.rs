//! What is kept of a commit: facts for the next one, chains over what moved and was said, and no character
//! that a store cannot hold.
#![allow(clippy::unwrap_used)]

mod rows;

use domain::{AccountName, Attempt, AttemptState, Kind, Transfer, Trx, TrxState};
use rows::{attempt, delivery, paper, trx};
use std::collections::BTreeSet;
use store::{
    Batch, Bought, CatalogChange, CatalogRows, Change, Channel, Delivery, DeliveryState, Direction,
    Facts, Imported, JournalLine, Lane, Level, Paper, PaperKey, ProofKey, SameDay, is_rival,
    journal_hash, transfer_hash,
};
use types::{
    DeliveryId, Dest, LevelCode, MemberId, Reason, Rupiah, Sku, Sn, SupplierCode, TrxNo, UtcMillis,
};

fn transfer() -> Transfer {
    Transfer {
        from: AccountName::Cash("bca".to_owned()),
        to: AccountName::Member(MemberId::new(3)),
        amount: Rupiah::new(5_000),
        kind: Kind::Deposit,
        trx: None,
        balance: Some(Rupiah::new(15_000)),
        at: UtcMillis::new(5),
        note: "ani: setor".to_owned(),
    }
}

fn line() -> JournalLine {
    JournalLine {
        at: UtcMillis::new(5),
        direction: Direction::In,
        channel: Channel::Admin,
        peer: "203.0.113.7".to_owned(),
        member: Some(MemberId::new(3)),
        trx: None,
        request: "ani credit".to_owned(),
        reply: "done".to_owned(),
        status: "credit".to_owned(),
        millis: 4,
        stamps: Vec::new(),
    }
}

/// Whatever is changed in a row, its place or what came before changes its hash, and with it all later ones.
#[test]
fn every_part_of_a_row_is_chained() {
    let moved = |change: fn(&mut Transfer)| {
        let mut own = transfer();
        change(&mut own);
        transfer_hash(&[1; 32], 7, &own)
    };
    let said = |change: fn(&mut JournalLine)| {
        let mut own = line();
        change(&mut own);
        journal_hash(&[1; 32], 7, &own)
    };
    let all = [
        moved(|_| {}),
        transfer_hash(&[2; 32], 7, &transfer()),
        transfer_hash(&[1; 32], 8, &transfer()),
        moved(|own| own.from = AccountName::Cash("bni".to_owned())),
        moved(|own| own.to = AccountName::Member(MemberId::new(4))),
        moved(|own| own.amount = Rupiah::new(5_001)),
        moved(|own| own.kind = Kind::Adjustment),
        moved(|own| own.trx = Some(TrxNo::new(0))),
        moved(|own| own.balance = None),
        moved(|own| own.at = UtcMillis::new(6)),
        moved(|own| own.note.push('.')),
        said(|_| {}),
        journal_hash(&[2; 32], 7, &line()),
        journal_hash(&[1; 32], 8, &line()),
        said(|own| own.at = UtcMillis::new(6)),
        said(|own| own.direction = Direction::Out),
        said(|own| own.channel = Channel::Trx),
        said(|own| own.peer.push('.')),
        said(|own| own.member = None),
        said(|own| own.trx = Some(TrxNo::new(0))),
        said(|own| own.request.push('.')),
        said(|own| own.reply.push('.')),
        said(|own| own.status.push('.')),
        said(|own| own.millis = 5),
        said(|own| own.stamps = vec![0]),
        // Two texts are never one: each has its length.
        said(|own| (own.request, own.reply) = ("ani creditd".into(), "one".into())),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    // What was chained by earlier versions has the hash it always had.
    assert_eq!(
        types::hex(all[0]),
        "20f94c538a3528499070d600b0878a179f010af76ce16bbde8e2935cb349eaee"
    );
    assert_eq!(
        types::hex(all[11]),
        "002fb21a81f930e364bf18bac290fc529231521419b6af84b2b82e8249858da5"
    );
}

#[test]
fn words_that_are_stored_are_the_same_for_ever() {
    let words = Channel::ALL.map(Channel::word);
    assert_eq!(words, ["trx", "balance", "prices", "supplier", "callback", "admin"]);
    for (number, pin, password) in
        [(0, false, false), (1, true, false), (2, false, true), (3, true, true)]
    {
        let imported = Imported { pin, password };
        assert_eq!((imported.number(), Imported::of(number)), (number, Some(imported)));
        assert_eq!(imported.any(), pin || password);
    }
    assert_eq!((Imported::of(4), Imported::of(-1)), (None, None));
    assert_eq!(Lane(7).to_string(), "7");
    let head = store::ChainHead { seq: 9, hash: [0xab; 32] };
    assert_eq!(head.to_string(), format!("9:{}", "ab".repeat(32)));
}

/// A null character becomes the sign of what could not be read, wherever a foreign or typed text is.
#[test]
fn no_text_of_a_batch_holds_a_null() {
    let odd = || "a\0b".to_owned();
    let level = CatalogChange::Level(Level {
        code: LevelCode::parse("retail").unwrap(),
        name: odd(),
        list_id: odd(),
    });
    let cash = || AccountName::Cash(odd());
    let mut batch = Batch {
        changes: vec![
            Change::Suspect { no: TrxNo::new(7), why: Some(odd()) },
            Change::InsertAttempt(Box::new(attempt(7, 1, AttemptState::Unknown { why: odd() }))),
            Change::UpdateAttempt(Box::new(attempt(7, 1, AttemptState::Unsent { proof: odd() }))),
            Change::InsertDelivery(Box::new(Delivery {
                message: odd(),
                last: odd(),
                ..delivery(1, DeliveryState::Due)
            })),
            Change::Transfer(Box::new(Transfer {
                from: cash(),
                to: AccountName::Expense(odd()),
                note: odd(),
                ..transfer()
            })),
            Change::Journal(Box::new(JournalLine {
                peer: odd(),
                request: odd(),
                reply: odd(),
                status: odd(),
                ..line()
            })),
            Change::Catalog(Box::new(level)),
            Change::PutPaper(Box::new(Paper { tag: odd(), ..paper("1\0", "x\0") })),
            Change::DropPaper { key: PaperKey::new("approval", "1\0"), version: 1 },
        ],
    };
    let texts = 18;
    assert_eq!(format!("{batch:?}").matches("\\0").count(), texts);
    batch.clean();
    let shown = format!("{batch:?}");
    assert!(!shown.contains("\\0"), "{shown}");
    assert_eq!(shown.matches('\u{fffd}').count(), texts, "{shown}");
    let mut why = Some(odd());
    store::clean::suspicion(&mut why);
    assert_eq!(why.as_deref(), Some("a\u{fffd}b"));
}

/// The next command of a batch sees what the one before it decided.
#[test]
fn facts_follow_each_change() {
    let own = trx(7);
    let day = SameDay {
        member: own.member,
        product: own.product.clone(),
        dest: own.dest.clone(),
        day: own.day,
    };
    let sku = |text: &str| Sku::parse(text).unwrap();
    let key = |supplier: &str, text: &str| Bought {
        supplier: SupplierCode::parse(supplier).unwrap(),
        sku: sku(text),
        day: own.day,
    };
    let mut facts = Facts::default();
    let (here, there, other) = (key("oke", "t1"), key("digi", "t1"), key("oke", "t5"));
    for bought in [&here, &there, &other] {
        facts.bought.insert(bought.clone(), 5);
    }
    let insert = |no, guarded, state| {
        let trx = Box::new(Trx { state, ..trx(no) });
        Change::InsertTrx { trx, guarded }
    };
    facts.apply(&insert(7, true, TrxState::Pending));
    facts.apply(&insert(8, true, TrxState::Pending));
    facts.apply(&insert(6, false, TrxState::Pending));
    let failed = TrxState::Failed {
        reason: Reason::clean("x"),
        at: UtcMillis::new(5),
        balance: Rupiah::ZERO,
    };
    facts.apply(&insert(9, true, failed.clone()));
    assert_eq!((facts.same_day.get(&day), facts.next_trx), (Some(&2), 10));
    let found = facts.by_ref(own.member, &own.ref_id).unwrap();
    assert_eq!(found.trx.no, own.no);
    assert!(facts.by_ref(MemberId::new(4), &own.ref_id).is_none());
    facts.apply(&Change::InsertAttempt(Box::new(attempt(7, 2, AttemptState::Intended))));
    facts.apply(&Change::InsertAttempt(Box::new(attempt(7, 3, AttemptState::Intended))));
    let count = |facts: &Facts, bought| facts.bought[bought];
    assert_eq!((count(&facts, &here), count(&facts, &there), count(&facts, &other)), (7, 5, 5));
    facts.apply(&Change::UpdateAttempt(Box::new(attempt(7, 3, AttemptState::Waiting))));
    facts.apply(&Change::Suspect { no: own.no, why: Some("odd".to_owned()) });
    let known = &facts.trxs[&own.no];
    let states: Vec<&AttemptState> = known.attempts.iter().map(|own| &own.state).collect();
    assert_eq!(states, [&AttemptState::Intended, &AttemptState::Waiting]);
    assert_eq!((known.trx.attempt, known.trx.suspect.as_deref()), (3, Some("odd")));
    facts.apply(&Change::InsertDelivery(Box::new(delivery(4, DeliveryState::Due))));
    assert_eq!(facts.next_delivery, 5);
    facts.apply(&Change::UpdateDelivery(Box::new(delivery(4, DeliveryState::Delivered))));
    assert_eq!(facts.deliveries[&DeliveryId::new(4)].state, DeliveryState::Delivered);
    facts.apply(&Change::PutPaper(Box::new(paper("1", "x"))));
    assert!(facts.papers.contains_key(&PaperKey::new("approval", "1")));
    facts.apply(&Change::DropPaper { key: PaperKey::new("approval", "1"), version: 1 });
    assert!(facts.papers.is_empty());
}

/// Every row of a catalog is written, none before one that it names.
#[test]
fn a_catalog_is_written_in_its_order() {
    let level = |code: &str| Level {
        code: LevelCode::parse(code).unwrap(),
        name: String::new(),
        list_id: String::new(),
    };
    let rows = CatalogRows { levels: vec![level("retail"), level("agen")], ..Default::default() };
    assert_eq!(rows.changes().len(), 2);
    let mut change =
        CatalogChange::Level(Level { name: "n".into(), list_id: "9".into(), ..level("x") });
    let texts: Vec<String> = change.texts().into_iter().map(|text| text.clone()).collect();
    assert_eq!(texts, ["n", "9"]);
}

/// Whose words a text without a reference may be.
#[test]
fn an_attempt_that_left_no_proof_stays_a_rival() {
    let dest = Dest::parse("089660522887").unwrap();
    let sn = |text: &str| AttemptState::Delivered { sn: Sn::parse(text).unwrap() };
    let failed = || AttemptState::Failed { reason: Reason::clean("x") };
    for (state, sent, wanted) in [
        (AttemptState::Intended, false, false),
        (AttemptState::Sent, true, true),
        (AttemptState::Waiting, true, true),
        (AttemptState::Unknown { why: String::new() }, true, true),
        (AttemptState::Unsent { proof: String::new() }, true, false),
        (failed(), true, true),
        (failed(), false, false),
        // A stand-in and a name tell it from nobody's.
        (AttemptState::Delivered { sn: Sn::stand_in(attempt(7, 1, failed()).id) }, true, true),
        (sn("SUKSES"), true, true),
        (sn("0143480495795519"), true, false),
    ] {
        let own = attempt(7, 1, state);
        let own = Attempt { sent: sent.then_some(UtcMillis::new(5)), ..own };
        assert_eq!(is_rival(&own, &dest), wanted, "{own:?}");
    }
    let oke = SupplierCode::parse("oke").unwrap();
    let key = |text: &str| ProofKey::of(&oke, &Sn::parse(text).unwrap(), &dest);
    assert_eq!(key("SUKSES"), None);
    assert_eq!(key("0143-4804-9579-5519"), key("0143480495795519"));
    assert_ne!(key("0143480495795518"), key("0143480495795519"));
}
