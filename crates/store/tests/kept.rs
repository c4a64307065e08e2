//! What is kept of a commit: facts for the next one, chains over what moved and was said, stamps of rows,
//! and no character that a store cannot hold.
#![allow(clippy::unwrap_used)]

use domain::{Account, AccountName, Attempt, AttemptState, Kind, Shares, Transfer, Trx, TrxState};
use std::collections::BTreeSet;
use store::{
    Batch, Bought, CatalogChange, CatalogRows, Change, Channel, Delivery, DeliveryState, Direction,
    Facts, Imported, JournalLine, KeySet, Lane, Level, Paper, PaperKey, ProofKey, SameDay, Stamp,
    StampKey, Stamped, is_rival, journal_hash, stamp_bytes, transfer_hash,
};
use types::{
    AttemptId, Day, DeliveryId, Dest, LevelCode, MemberId, ProductCode, ProductName, Reason, RefId,
    Rupiah, Sku, Sn, SupplierCode, TrxNo, UtcMillis,
};

fn trx(no: i64) -> Trx {
    Trx {
        no: TrxNo::new(no),
        member: MemberId::new(3),
        ref_id: RefId::parse(&format!("r{no}")).unwrap(),
        product: ProductCode::parse("T1").unwrap(),
        name: ProductName::parse("Three 1.000").unwrap(),
        dest: Dest::parse("089660522887").unwrap(),
        qty: None,
        given: None,
        price: Rupiah::new(1_321),
        shares: Shares::default(),
        before: Rupiah::new(10_000),
        created: UtcMillis::new(5),
        day: Day::new(20_261_130),
        attempt: 1,
        state: TrxState::Pending,
        suspect: None,
    }
}

fn attempt(no: i64, n: u16, state: AttemptState) -> Attempt {
    Attempt {
        id: AttemptId { trx: TrxNo::new(no), n },
        supplier: SupplierCode::parse("oke").unwrap(),
        sku: Sku::parse("t1").unwrap(),
        cost: Rupiah::new(1_200),
        state,
        created: UtcMillis::new(5),
        sent: None,
        next: None,
        checks: 0,
        counter: 1,
        why: String::new(),
    }
}

fn delivery(id: i64, state: DeliveryState) -> Delivery {
    Delivery {
        id: DeliveryId::new(id),
        trx: TrxNo::new(7),
        member: MemberId::new(3),
        ref_id: "r7".to_owned(),
        message: "T#7".to_owned(),
        created: UtcMillis::new(5),
        state,
        tries: 0,
        next: UtcMillis::new(5),
        last: String::new(),
    }
}

fn paper(id: &str, body: &str) -> Paper {
    Paper {
        key: PaperKey::new("approval", id),
        tag: String::new(),
        version: 1,
        at: UtcMillis::new(1),
        body: body.to_owned(),
    }
}

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
    assert_eq!(types::hex(all[0]), "20f94c538a3528499070d600b0878a179f010af76ce16bbde8e2935cb349eaee");
    assert_eq!(types::hex(all[11]), "002fb21a81f930e364bf18bac290fc529231521419b6af84b2b82e8249858da5");
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

const SINCE: (i64, i64) = (10, 20);

/// What `verify` finds of rows that are there, after a journal with these stamps.
fn found(
    key: &StampKey,
    stamps: &[Stamp],
    there: impl Fn(&mut Stamped<'_>),
) -> (Vec<String>, u64, u64) {
    let mut stamped = Stamped::new(key);
    let begin = [&[key.since(SINCE.0, SINCE.1)][..], stamps].concat();
    stamped.line(Lane(0), UtcMillis::new(0), &stamp_bytes(UtcMillis::new(1), &begin));
    there(&mut stamped);
    let end = stamped.end();
    (end.found, end.compared, end.older)
}

/// From where stamps began each row needs one, and is what it says.
#[test]
fn rows_since_stamps_began_have_one() {
    let key = StampKey::of(&KeySet::generate().unwrap());
    let missing = |row: &str| vec![format!("{row}: no line of the journal tells of it")];
    let state = || AttemptState::Sent;
    for (no, told) in [(9, Vec::new()), (10, missing("trx 10")), (11, missing("trx 11"))] {
        let there = |stamped: &mut Stamped<'_>| stamped.purchase(&trx(no), &[]);
        let is_older = u64::from(told.is_empty());
        assert_eq!(found(&key, &[], there), (told, 0, is_older), "{no}");
    }
    for (id, told) in [(19, Vec::new()), (20, missing("delivery 20"))] {
        let there = |stamped: &mut Stamped<'_>| stamped.delivery(&delivery(id, DeliveryState::Due));
        assert_eq!(found(&key, &[], there).0, told, "{id}");
    }
    let own = [key.trx(&trx(10)), key.attempt(&attempt(10, 1, state()))];
    let there = |stamped: &mut Stamped<'_>| {
        stamped.purchase(&trx(10), &[attempt(10, 1, state())]);
    };
    assert_eq!(found(&key, &own, there), (Vec::new(), 2, 0));
    let changed = |stamped: &mut Stamped<'_>| {
        let other = Attempt { sku: Sku::parse("t5").unwrap(), ..attempt(10, 1, state()) };
        stamped.purchase(&Trx { price: Rupiah::new(1), ..trx(10) }, &[other]);
    };
    let not = |row: &str| format!("{row}: is not what its last change wrote");
    assert_eq!(found(&key, &own, changed).0, [not("trx 10"), not("attempt 10-1")]);
    // A new member's empty account is nobody's word; anything in it is.
    let account = |balance, day_total| Account {
        balance: Rupiah::new(balance),
        day_total: Rupiah::new(day_total),
        ..Account::default()
    };
    let whose = MemberId::new(3);
    for (own, told) in [
        (account(0, 0), Vec::new()),
        (account(1, 0), missing("account 3")),
        (account(0, 1), missing("account 3")),
    ] {
        let there = |stamped: &mut Stamped<'_>| stamped.account(whose, &own);
        assert_eq!(found(&key, &[], there).0, told, "{own:?}");
        let stamps = [key.account(whose, &account(5, 5))];
        assert_eq!(found(&key, &stamps, there).0, [not("account 3")], "{own:?}");
    }
    let level = |name: &str| {
        CatalogChange::Level(Level {
            code: LevelCode::parse("retail").unwrap(),
            name: name.to_owned(),
            list_id: "1".to_owned(),
        })
    };
    let there = |stamped: &mut Stamped<'_>| stamped.catalog(&level("Eceran"));
    assert!(found(&key, &[key.catalog(&level("Eceran"))], there).0.is_empty());
    assert_eq!(found(&key, &[key.catalog(&level("Grosir"))], there).0.len(), 1);
    assert_eq!(found(&key, &[], there).0.len(), 1);
}

/// A comparison goes on where the one before it ended: what was seen needs no new word, what can still
/// change is compared again.
#[test]
fn a_comparison_goes_on_with_purchases_and_callbacks() {
    let key = StampKey::of(&KeySet::generate().unwrap());
    let done = TrxState::Success {
        sn: Sn::parse("R1").unwrap(),
        at: UtcMillis::new(6),
        cost: Rupiah::new(1_200),
    };
    let (open, ended) = (trx(10), Trx { state: done, ..trx(11) });
    let tried = attempt(11, 1, AttemptState::Waiting);
    let (due, told) = (delivery(20, DeliveryState::Due), delivery(21, DeliveryState::Delivered));
    let mut first = Stamped::new(&key);
    let stamps = [
        key.since(SINCE.0, SINCE.1),
        key.trx(&open),
        key.trx(&ended),
        key.attempt(&tried),
        key.delivery(&due),
        key.delivery(&told),
    ];
    first.line(Lane(0), UtcMillis::new(0), &stamp_bytes(UtcMillis::new(1), &stamps));
    let no = |no: i64| TrxNo::new(no);
    let id = |id: i64| DeliveryId::new(id);
    let named = (BTreeSet::from([no(10), no(11)]), BTreeSet::from([id(20), id(21)]));
    assert_eq!(first.named(), named);
    first.purchase(&open, &[]);
    first.purchase(&ended, std::slice::from_ref(&tried));
    first.delivery(&due);
    first.delivery(&told);
    let first = first.end();
    assert_eq!((first.found.len(), first.left.trx, first.left.delivery), (0, 11, 21));
    let names: Vec<&str> = first.left.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["trx 10", "attempt 11-1", "delivery 20"]);

    let after = |there: &dyn Fn(&mut Stamped<'_>)| {
        let mut next = Stamped::after(&key, first.left.clone());
        next.line(Lane(0), UtcMillis::new(0), &[]);
        next.purchase(&open, &[]);
        next.purchase(&ended, std::slice::from_ref(&tried));
        next.delivery(&due);
        there(&mut next);
        let end = next.end();
        (end.found, end.older)
    };
    assert_eq!(after(&|stamped| stamped.delivery(&told)), (Vec::new(), 2));
    assert_eq!(after(&|stamped| stamped.purchase(&trx(12), &[])).0.len(), 1);
    assert_eq!(after(&|stamped| stamped.delivery(&delivery(22, DeliveryState::Due))).0.len(), 1);
}

#[test]
fn what_is_secret_is_not_shown() {
    let keys = KeySet::generate().unwrap();
    assert_eq!(format!("{:?}", StampKey::of(&keys)), "StampKey(***)");
    let sealed = store::MasterKey::generate().unwrap().seal("place", "plain").unwrap();
    let shown = format!("{sealed:?}");
    assert!(!shown.is_empty() && !shown.contains("plain"), "{shown}");
    let gone = key_of(&keys).no_paper(&PaperKey::new("approval", "1"));
    assert_eq!(gone.then(), store::Was::Nothing);
    let there = key_of(&keys).paper(&paper("1", "x"));
    assert_eq!(there.then(), store::Was::Row(there.digest.unwrap()));
}

fn key_of(keys: &KeySet) -> StampKey {
    StampKey::of(keys)
}
