//! Stamps of rows: what they cover, and what a comparison with them finds.
#![allow(clippy::unwrap_used)]

mod rows;

use domain::{Account, Attempt, AttemptState, Trx, TrxState};
use rows::{attempt, delivery, paper, trx};
use std::collections::BTreeSet;
use store::{
    CatalogChange, DeliveryState, KeySet, Lane, Level, Paper, PaperKey, Stamp, StampKey, Stamped,
    stamp_bytes,
};
use types::{
    Day, DeliveryId, Dest, LevelCode, MemberId, ProductCode, Reason, RefId, Rupiah, Sku, Sn,
    SupplierCode, TrxNo, UtcMillis,
};

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

/// What is in a row, and how it ended, is under its stamp; what changes while it is open is not.
#[test]
fn every_part_of_a_row_is_stamped() {
    let key = StampKey::of(&KeySet::generate().unwrap());
    let (rp, at, sn) = (Rupiah::new, UtcMillis::new, |text: &str| Sn::parse(text).unwrap());
    let bought = |change: fn(&mut Trx)| {
        let mut own = trx(7);
        change(&mut own);
        key.trx(&own)
    };
    let ended = |state: TrxState| key.trx(&Trx { state, ..trx(7) });
    let (why, other) = (Reason::clean("x"), Reason::clean("y"));
    let failed = |reason: &Reason, moment, balance| {
        let (reason, at, balance) = (reason.clone(), at(moment), rp(balance));
        ended(TrxState::Failed { reason, at, balance })
    };
    let reversed = |text: &str, reason: &Reason, moment, balance| {
        let (sn, reason, at, balance) = (sn(text), reason.clone(), at(moment), rp(balance));
        ended(TrxState::Reversed { sn, reason, at, balance })
    };
    let done = |text: &str, moment, cost| {
        ended(TrxState::Success { sn: sn(text), at: at(moment), cost: rp(cost) })
    };
    let stamps = [
        bought(|_| {}),
        bought(|own| own.member = MemberId::new(4)),
        bought(|own| own.ref_id = RefId::parse("r8").unwrap()),
        bought(|own| own.product = ProductCode::parse("T5").unwrap()),
        bought(|own| own.dest = Dest::parse("089660522888").unwrap()),
        bought(|own| own.qty = types::Qty::new(1)),
        bought(|own| own.price = Rupiah::new(1)),
        bought(|own| own.before = Rupiah::new(1)),
        bought(|own| own.created = UtcMillis::new(6)),
        bought(|own| own.day = Day::new(20_261_201)),
        bought(|own| own.attempt = 2),
        bought(|own| own.suspect = Some(String::new())),
        done("R1", 6, 1),
        done("R2", 6, 1),
        done("R1", 7, 1),
        done("R1", 6, 2),
        failed(&why, 6, 1),
        failed(&other, 6, 1),
        failed(&why, 7, 1),
        failed(&why, 6, 2),
        reversed("R1", &why, 6, 1),
        reversed("R2", &why, 6, 1),
        reversed("R1", &other, 6, 1),
        reversed("R1", &why, 7, 1),
        reversed("R1", &why, 6, 2),
        ended(TrxState::Refused { refusal: types::Refusal::CutOff { opens_minute: 5 } }),
        ended(TrxState::Refused { refusal: types::Refusal::CutOff { opens_minute: 6 } }),
        ended(TrxState::Refused { refusal: types::Refusal::InvalidDest }),
        ended(TrxState::Refused { refusal: types::Refusal::NoRoute }),
    ];
    let distinct = |stamps: &[Stamp]| {
        let all: BTreeSet<_> = stamps.iter().map(|stamp| stamp.digest).collect();
        assert_eq!(all.len(), stamps.len(), "{stamps:?}");
    };
    distinct(&stamps);
    let tried = |state| key.attempt(&attempt(7, 1, state));
    let text = |text: &str| text.to_owned();
    let open = [AttemptState::Intended, AttemptState::Sent, AttemptState::Waiting];
    let open: BTreeSet<_> = open.map(tried).into_iter().map(|stamp| stamp.digest).collect();
    assert_eq!(open.len(), 1, "while it is open nobody decided anything");
    distinct(&[
        tried(AttemptState::Sent),
        tried(AttemptState::Delivered { sn: sn("R1") }),
        tried(AttemptState::Delivered { sn: sn("R2") }),
        tried(AttemptState::Failed { reason: why }),
        tried(AttemptState::Failed { reason: other }),
        tried(AttemptState::Unsent { proof: text("x") }),
        tried(AttemptState::Unsent { proof: text("R1") }),
    ]);
    let gone = key.no_paper(&PaperKey::new("approval", "1"));
    assert_eq!((gone.row.as_str(), gone.digest), ("approval 1", None));
    let route = key.catalog(&CatalogChange::RemoveRoute {
        product: ProductCode::parse("T1").unwrap(),
        supplier: SupplierCode::parse("oke").unwrap(),
    });
    assert_eq!((route.row.as_str(), route.digest), ("route T1 oke", None));
}

/// Purchases are looked up also where only an attempt of theirs is told of.
#[test]
fn an_attempt_names_its_purchase() {
    let key = StampKey::of(&KeySet::generate().unwrap());
    let mut stamped = Stamped::new(&key);
    let stamps = [key.attempt(&attempt(12, 1, AttemptState::Sent))];
    stamped.line(Lane(0), UtcMillis::new(0), &stamp_bytes(UtcMillis::new(1), &stamps));
    assert_eq!(stamped.named().0, BTreeSet::from([TrxNo::new(12)]));
}

/// A row that was changed behind the journal and then by a lawful act is found all the same.
#[test]
fn a_change_behind_the_journal_is_found_later() {
    let key = StampKey::of(&KeySet::generate().unwrap());
    let (first, hidden, last) = (paper("1", "asked"), paper("1", "other"), paper("1", "agreed"));
    let after = |was: store::Was, paper: &Paper| Stamp { was, ..key.paper(paper) };
    let judged = |begins: bool, stamps: &[Stamp]| {
        let mut stamped = Stamped::new(&key);
        let since = begins.then(|| key.since(SINCE.0, SINCE.1));
        let all: Vec<Stamp> = since.into_iter().chain(stamps.iter().cloned()).collect();
        stamped.line(Lane(0), UtcMillis::new(0), &stamp_bytes(UtcMillis::new(9), &all));
        stamped.paper(&last);
        stamped.end().found
    };
    let asked = || after(store::Was::Nothing, &first);
    let whole = [asked(), after(key.paper(&first).then(), &last)];
    let broken = [asked(), after(key.paper(&hidden).then(), &last)];
    let begun = [after(key.paper(&hidden).then(), &last)];
    let told = |before: &str| {
        vec![format!("approval 1: was changed or inserted behind the journal, before {before}")]
    };
    for begins in [true, false] {
        assert!(judged(begins, &whole).is_empty());
        assert_eq!(judged(begins, &broken), told("its change of 9"));
    }
    // Before stamps began a row may have been anything.
    assert_eq!(judged(true, &begun), told("one of its changes"));
    assert!(judged(false, &begun).is_empty());
}

/// Where clocks are set back the last word may be any lane's; and of many findings a hundred are told.
#[test]
fn clocks_and_many_findings() {
    let key = StampKey::of(&KeySet::generate().unwrap());
    let (first, last) = (paper("1", "asked"), paper("1", "agreed"));
    for (any_clock, count) in [(true, 0), (false, 1)] {
        let mut stamped = Stamped::new(&key);
        if any_clock {
            stamped = stamped.with_any_clock();
        }
        let own = Stamp { was: store::Was::Nothing, ..key.paper(&first) };
        let next = Stamp { was: key.paper(&first).then(), ..key.paper(&last) };
        for (lane, at, stamp) in [(0, 3_600_000, own), (1, 5, next)] {
            let bytes = stamp_bytes(UtcMillis::new(at), &[stamp]);
            stamped.line(Lane(lane), UtcMillis::new(0), &bytes);
        }
        stamped.paper(&last);
        assert_eq!(stamped.end().found.len(), count, "{any_clock}");
    }
    let there = |stamped: &mut Stamped<'_>| {
        (0..150).for_each(|no| stamped.paper(&paper(&no.to_string(), "x")));
    };
    assert_eq!(found(&key, &[], there).0.len(), 100);
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
