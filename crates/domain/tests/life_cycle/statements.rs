//! A supplier's statement at its edges: what comes back takes one delivery with it, a guess takes nothing
//! that is named, and a cost is corrected once.

use super::{Life, ok};
use domain::*;
use types::{AttemptId, Reason, Rupiah, SupplierCode, TrxNo, UtcMillis};

fn theirs(trx: Option<i64>, state: TheirState) -> TheirLine {
    TheirLine {
        line: 2,
        attempt: trx.map(|trx| AttemptId { trx: TrxNo::new(trx), n: 1 }),
        kin: false,
        dest: "0811".to_owned(),
        sn: String::new(),
        amount: Rupiah::new(100),
        state,
    }
}

fn ours(trx: i64, delivered: bool) -> OurLine {
    OurLine {
        attempt: AttemptId { trx: TrxNo::new(trx), n: 1 },
        dest: "0811".to_owned(),
        sn: String::new(),
        cost: Rupiah::new(100),
        delivered,
        pending: false,
        expected: true,
    }
}

/// Matched, failed, and the differences in short: the number of the purchase, or of their line.
fn compared(theirs: Vec<TheirLine>, ours: Vec<OurLine>) -> (usize, usize, String) {
    let result = reconcile(theirs, ours);
    let words = result.differences.iter().map(|difference| match difference {
        Difference::MissingHere { ours, .. } => format!("here:{}", ours.is_some()),
        Difference::MissingThere { ours, theirs } => {
            format!("there:{}:{}", ours.attempt.trx, theirs.is_some())
        }
        Difference::Amount { ours, .. } => format!("amount:{}", ours.attempt.trx),
        Difference::OpenThere { ours, .. } => format!("open:{}", ours.attempt.trx),
        Difference::Twice { .. } => "twice".to_owned(),
    });
    (result.matched, result.failed, words.collect::<Vec<_>>().join(" "))
}

#[test]
fn what_comes_back_takes_one_delivery_with_it() {
    use TheirState::{Delivered, Failed, Open, Returned};
    for (states, delivered, expected) in [
        (&[Delivered][..], true, (1, 0, "")),
        (&[Delivered][..], false, (0, 0, "here:true")),
        (&[Delivered, Returned][..], false, (0, 2, "")),
        (&[Returned, Delivered][..], false, (0, 2, "")),
        (&[Delivered, Returned][..], true, (0, 1, "there:1:true")),
        (&[Delivered, Delivered, Returned][..], true, (1, 2, "")),
        (&[Delivered, Delivered][..], true, (1, 0, "twice")),
        (&[Delivered, Returned, Returned][..], false, (0, 3, "")),
        (&[Delivered, Delivered, Returned, Returned][..], false, (0, 4, "")),
        // A delivery counts before what was said on the way to it.
        (&[Open, Failed, Delivered][..], true, (1, 2, "")),
        (&[Open, Failed][..], true, (0, 1, "there:1:true")),
        (&[Open][..], true, (0, 0, "open:1")),
        (&[Open][..], false, (0, 1, "")),
    ] {
        let named: Vec<_> = states.iter().map(|state| theirs(Some(1), *state)).collect();
        let (matched, failed, words) = compared(named, vec![ours(1, delivered)]);
        assert_eq!((matched, failed, words.as_str()), expected, "{states:?}");
    }
    // Of lines without a reference: the same number and amount, and one for one.
    let other = |dest: &str, amount| {
        let (dest, amount) = (dest.to_owned(), Rupiah::new(amount));
        TheirLine { dest, amount, ..theirs(None, Returned) }
    };
    for (back, expected) in [
        (vec![other("0811", 100)], (0, 2, "there:1:false")),
        (vec![other("62811", 100)], (0, 2, "there:1:false")),
        (vec![other("0811", 99)], (1, 1, "")),
        (vec![other("0812", 100)], (1, 1, "")),
        (vec![theirs(Some(2), Returned)], (1, 1, "")),
    ] {
        let mut all = vec![theirs(None, Delivered)];
        all.extend(back);
        let mine = OurLine { dest: "0811".to_owned(), ..ours(1, true) };
        let (matched, failed, words) = compared(all, vec![mine]);
        assert_eq!((matched, failed, words.as_str()), expected);
    }
    let twice = vec![theirs(None, Delivered), theirs(None, Delivered), other("0811", 100)];
    assert_eq!(compared(twice, vec![ours(1, true)]), (1, 2, String::new()));
}

/// Only a serial number that is there, or the only purchase for a number, names one.
#[test]
fn a_line_without_a_reference_takes_the_only_one_it_can_mean() {
    use TheirState::{Delivered, Failed};
    let line = |dest: &str, sn: &str, state| TheirLine {
        dest: dest.to_owned(),
        sn: sn.to_owned(),
        ..theirs(None, state)
    };
    let own = |trx, dest: &str, sn: &str, delivered| OurLine {
        dest: dest.to_owned(),
        sn: sn.to_owned(),
        ..ours(trx, delivered)
    };
    let (there, here) = ("there:1:false", "here:false");
    let both = format!("{here} {there}");
    for (line, mine, expected) in [
        (line("", "S1", Delivered), own(1, "0811", "S1", true), (1, 0, "")),
        (line("", "", Delivered), own(1, "0811", "", true), (0, 0, both.as_str())),
        (line("", "", Delivered), own(1, "", "", true), (0, 0, both.as_str())),
        (line("0812", "", Delivered), own(1, "0811", "", true), (0, 0, both.as_str())),
        (line("0811", "", Delivered), own(1, "0811", "S1", true), (1, 0, "")),
        // A failure is no guess at what was delivered.
        (line("0811", "", Failed), own(1, "0811", "S1", true), (0, 1, there)),
        (line("0811", "", Failed), own(1, "0811", "", false), (0, 1, "")),
        (line("0811", "", Delivered), own(1, "0811", "", false), (0, 0, here)),
        // Names are compared letter by letter, numbers in their spellings.
        (line("ab1", "", Delivered), own(1, "ab1", "", true), (1, 0, "")),
        (line("ab1", "", Delivered), own(1, "1", "", true), (0, 0, both.as_str())),
        (line("1", "", Delivered), own(1, "ab1", "", true), (0, 0, both.as_str())),
        (line("", "", Delivered), own(1, "ab", "", true), (0, 0, both.as_str())),
        (line("62811", "", Delivered), own(1, "811", "", true), (1, 0, "")),
        (line("62711", "", Delivered), own(1, "711", "", true), (0, 0, both.as_str())),
        (line("0", "", Delivered), own(1, "0", "", true), (0, 0, both.as_str())),
    ] {
        let (matched, failed, words) = compared(vec![line.clone()], vec![mine]);
        assert_eq!((matched, failed, words.as_str()), expected, "{line:?}");
    }
    // What belongs to other days is not missed.
    let other_day = OurLine { expected: false, ..ours(1, true) };
    assert_eq!(compared(vec![], vec![other_day]), (0, 0, String::new()));
    assert_eq!(compared(vec![], vec![ours(1, false)]), (0, 0, String::new()));
    let dear = OurLine { cost: Rupiah::new(101), ..ours(1, true) };
    let named = vec![theirs(Some(1), Delivered)];
    assert_eq!(compared(named, vec![dear]), (0, 0, "amount:1".to_owned()));
    for state in [Delivered, Failed, TheirState::Returned, TheirState::Open] {
        assert_eq!(state.is_delivered(), state == Delivered);
    }
}

/// What a delivered purchase cost is corrected up and down, once, by who delivered it.
#[test]
fn a_cost_is_corrected_once_and_never_below_nothing() {
    let mut life = Life::begin();
    life.send();
    life.news(1, Source::Reply, ok());
    let supplier = |code: &str| SupplierCode::parse(code).unwrap();
    let correct = |by: &str, was: Option<i64>, more: i64| {
        let correction = CostCorrection {
            supplier: supplier(by),
            trx: life.trx.no,
            was: was.map(Rupiah::new),
            more: Rupiah::new(more),
            note: "ani".to_owned(),
        };
        decide_correction(&correction, &life.attempts, UtcMillis::new(9))
    };
    for (was, more, from, to) in [
        (None, 1, "supplier:a", "cogs"),
        (Some(1_299), 5, "supplier:a", "cogs"),
        (None, 0, "supplier:a", "cogs"),
        (None, -1, "cogs", "supplier:a"),
        (Some(1_299), -1_299, "cogs", "supplier:a"),
    ] {
        let (attempt, transfer) = correct("a", was, more).unwrap();
        assert_eq!(
            attempt,
            Attempt { cost: Rupiah::new(1_299 + more), ..life.attempts[0].clone() }
        );
        let sides = (transfer.from.to_string(), transfer.to.to_string());
        assert_eq!(sides, (from.to_owned(), to.to_owned()));
        assert_eq!((transfer.amount.get(), transfer.kind), (more.abs(), Kind::CostCorrection));
        assert_eq!((transfer.trx, transfer.balance), (Some(life.trx.no), None));
        assert_eq!((transfer.at.get(), transfer.note.as_str()), (9, "ani"));
    }
    for (by, was, more, why) in [
        ("b", None, 1, "trx 1 was not delivered by b"),
        (
            "a",
            Some(1_300),
            1,
            "trx 1 is booked with 1.299 now and not with 1.300 any more; compare again",
        ),
        ("a", None, -1_300, "trx 1 would cost less than nothing"),
        ("a", None, i64::MAX, "trx 1 would cost less than nothing"),
        ("a", None, i64::MIN, "trx 1 would cost less than nothing"),
    ] {
        assert_eq!(correct(by, was, more).unwrap_err().to_string(), why);
    }
    life.attempts[0].state = AttemptState::Failed { reason: Reason::clean("x") };
    let correction = CostCorrection {
        supplier: supplier("a"),
        trx: life.trx.no,
        was: None,
        more: Rupiah::new(1),
        note: String::new(),
    };
    assert!(decide_correction(&correction, &life.attempts, UtcMillis::new(9)).is_err());
}

/// A reversal moves what there is to move: a share that is there comes back whole, with no loss of nothing.
#[test]
fn a_reversal_books_no_loss_of_nothing() {
    for (spent, kinds) in [
        (0, "reversal:1336 cost_reversal:1299 commission_reversal:15"),
        (1, "reversal:1336 cost_reversal:1299 commission_reversal:14 spent_commission:1"),
        (15, "reversal:1336 cost_reversal:1299 commission_reversal:0 spent_commission:15"),
    ] {
        let mut life = Life::shared("3:15".parse().unwrap());
        life.send();
        life.news(1, Source::Reply, ok());
        life.spend(0, spent);
        let before = life.transfers.len();
        life.news(1, Source::Callback, super::failed(FailureClass::Number));
        let moved: Vec<String> = life.transfers[before..]
            .iter()
            .map(|one| format!("{}:{}", one.kind.word(), one.amount.get()))
            .collect();
        assert_eq!(moved.join(" "), kinds);
        assert!(life.transfers[before..].iter().all(|one| one.trx == Some(life.trx.no)));
        assert_eq!((life.balance.get(), life.audit()), (279_655, vec![]));
    }
    // Who owes us gives nothing back, and is brought no deeper.
    let mut life = Life::shared("3:15".parse().unwrap());
    life.send();
    life.news(1, Source::Reply, ok());
    life.uplines[0] = Rupiah::new(-5);
    let decision =
        decide_news(&life.facts(), 1, Source::Callback, &super::failed(FailureClass::Number));
    let all = decision.unwrap().transfers;
    let amounts: Vec<i64> = all.iter().map(|one| one.amount.get()).collect();
    assert_eq!((amounts, all[2].balance), (vec![1_336, 1_299, 0, 15], Some(Rupiah::new(-5))));
    assert_eq!(all[3].note, "spent by member 3");
}

/// The life cycle has these steps and no others, and says so.
#[test]
fn a_step_that_does_not_exist_is_told() {
    let (at, zero) = (UtcMillis::new(1), Rupiah::ZERO);
    let sn = || types::Sn::parse("1").unwrap();
    let states = [
        TrxState::Pending,
        TrxState::Success { sn: sn(), at, cost: zero },
        TrxState::Failed { reason: Reason::clean("x"), at, balance: zero },
        TrxState::Reversed { sn: sn(), reason: Reason::clean("x"), at, balance: zero },
        TrxState::Refused { refusal: types::Refusal::NoRoute },
    ];
    let words = ["pending", "success", "failed", "reversed", "refused"];
    assert_eq!(states.each_ref().map(TrxState::word), words);
    for (state, word) in states.iter().zip(words) {
        let why = |done: Result<TrxState, Illegal>| done.err().map(|illegal| illegal.to_string());
        let illegal = |event: &str| Some(format!("a {word} trx cannot {event}"));
        let pending = word == "pending";
        let expected = |event: &str, legal: bool| illegal(event).filter(|_| !legal);
        assert_eq!(why(state.succeed(sn(), zero, at)), expected("succeed", pending));
        assert_eq!(why(state.fail(Reason::clean("x"), zero, at)), expected("fail", pending));
        let reversed = state.reverse(Reason::clean("x"), zero, at);
        assert_eq!(why(reversed), expected("be reversed", word == "success"));
        let later = state.numbered(types::Sn::parse("2").unwrap());
        let number = TrxState::Success { sn: types::Sn::parse("2").unwrap(), at, cost: zero };
        assert_eq!(later, (word == "success").then_some(number));
    }
    let life = Life::shared("3:15 9:120".parse().unwrap());
    assert_eq!((life.trx.after().get(), life.trx.ours().get()), (279_655 - 1_456, 1_321));
}

/// Shares and markups are read as they are written, and nothing that takes from anybody.
#[test]
fn shares_and_markups_are_never_negative() {
    for text in ["", "3:15", "3:15 9:120", "3:0"] {
        assert_eq!(text.parse::<Shares>().unwrap().to_string(), text);
    }
    for wrong in ["3", "3:", ":5", "x:5", "3:-1", "3:x"] {
        assert_eq!(wrong.parse::<Shares>().unwrap_err().to_string(), format!("share `{wrong}`"));
    }
    for text in ["", "T1:0", "AX:5 T1:150"] {
        assert_eq!(text.parse::<Markups>().unwrap().to_string(), text);
    }
    let wrong = "T1:-1".parse::<Markups>().unwrap_err().to_string();
    assert_eq!(wrong, "markup `T1:-1`: write PRODUCT:AMOUNT, from 0 up");
}
