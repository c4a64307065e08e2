//! Promises 3 and 4 after the end: what is said of a purchase that was decided moves nothing by itself but a
//! believed reversal, and a person hears of what contradicts it.

use super::moments::{PATIENCE, delivered, sent, unknown, why, with_number};
use super::{Life, failed, ok};
use domain::*;
use types::{Reason, Rupiah, Sn, TrxNo, UtcMillis};

/// News of what was closed moves nothing; a delivery that is told of it is a contradiction.
#[test]
fn a_delivery_told_of_what_was_closed_is_a_contradiction() {
    let text = "attempt 1 is reported delivered (SN R250422184621007) after it was closed";
    for (tie, twin, before, told) in [
        (Tie::Reference, None, None, Some(text)),
        (Tie::Likeness, None, None, Some(text)),
        (Tie::Reference, Some(TrxNo::new(41)), None, Some(text)),
        (Tie::Earlier, Some(TrxNo::new(41)), None, Some(text)),
        // Its serial number is another purchase's, and our reference is not there.
        (Tie::Connection, Some(TrxNo::new(41)), None, None),
        (Tie::Likeness, Some(TrxNo::new(41)), None, None),
        (Tie::Reference, None, Some("x"), None),
        (Tie::Reference, None, Some(PATIENCE), Some(text)),
        (Tie::Likeness, Some(TrxNo::new(41)), Some("x"), None),
    ] {
        let mut life = sent();
        life.news(1, Source::Reply, failed(FailureClass::Number));
        life.trx.suspect = before.map(str::to_owned);
        let facts = NewsFacts { twin, ..life.facts() };
        let outcome = with_number("R250422184621007", tie);
        let decision = decide_news(&facts, 1, Source::Callback, &outcome).unwrap();
        let expected = NewsDecision {
            suspect: told.map(|why| Some(why.to_owned())),
            ..NewsDecision::default()
        };
        assert_eq!(decision, expected, "{tie:?} {twin:?} {before:?}");
    }
    // Of the first while the second is at work, and of one that is nowhere.
    let mut life = sent();
    life.news(1, Source::Reply, failed(FailureClass::Route));
    life.send();
    for outcome in [failed(FailureClass::Route), Outcome::Pending, unknown()] {
        let decision = decide_news(&life.facts(), 1, Source::Check, &outcome).unwrap();
        assert_eq!(decision, NewsDecision::default());
    }
    life.news(9, Source::Callback, ok());
    assert_eq!(why(&life), "the supplier speaks of attempt 9, which does not exist");
    life.trx.state = TrxState::Refused { refusal: types::Refusal::NoRoute };
    life.news(1, Source::Callback, ok());
    assert_eq!(why(&life), "the supplier speaks of a purchase that was refused");
}

/// A delivered purchase that a callback contradicts is asked about a few times; then a person hears of it.
#[test]
fn a_contradicted_delivery_is_asked_about_until_there_is_an_answer() {
    let mut life = delivered();
    for source in [Source::Check, Source::Callback, Source::Reply] {
        let nothing = decide_news(&life.facts(), 1, source, &unknown()).unwrap();
        assert_eq!(nothing, NewsDecision::default(), "nothing is asked, so nothing is answered");
    }
    life.attempts[0].next = Some(life.now);
    for source in [Source::Callback, Source::Reply] {
        let nothing = decide_news(&life.facts(), 1, source, &unknown()).unwrap();
        assert_eq!(nothing, NewsDecision::default());
    }
    for (checks, delay) in (1..).zip([7_500, 11_250, 16_875, 25_312]) {
        life.news(1, Source::Check, unknown());
        let attempt = &life.attempts[0];
        assert_eq!((attempt.checks, attempt.next), (checks, Some(life.now.after(delay))));
        assert_eq!((why(&life), life.trx.state.word()), ("", "success"));
    }
    let asked = life.attempts[0].clone();
    for (before, told) in [
        ("", "a callback contradicts attempt 1, and its supplier does not say which"),
        (PATIENCE, "a callback contradicts attempt 1, and its supplier does not say which"),
        ("x", "x"),
    ] {
        life.attempts[0] = asked.clone();
        life.trx.suspect = (!before.is_empty()).then(|| before.to_owned());
        life.news(1, Source::Check, Outcome::Pending);
        assert_eq!((life.attempts[0].checks, life.attempts[0].next), (5, None));
        assert_eq!(why(&life), told);
    }
    // It says that it delivered: the asking ends, and nobody hears of it.
    life.attempts[0] = Attempt { checks: 0, ..asked.clone() };
    life.trx.suspect = None;
    life.news(1, Source::Check, ok());
    assert_eq!((life.attempts[0].next, life.attempts[0].checks, why(&life)), (None, 1, ""));
    // It says that it failed, and is not believed by itself.
    life.attempts[0] = Attempt { checks: 4, ..asked };
    life.trusted = false;
    life.news(1, Source::Check, failed(FailureClass::Number));
    assert_eq!((life.attempts[0].next, life.attempts[0].checks), (None, 5));
    assert_eq!(why(&life), "reported failed after success: Nomor tujuan salah");
    life.trx.suspect = Some("x".to_owned());
    life.news(1, Source::Callback, failed(FailureClass::Number));
    assert_eq!((why(&life), life.trx.state.word()), ("x", "success"));
    // Believed, it is closed and due no more.
    life.trusted = true;
    life.attempts[0].next = Some(life.now);
    life.news(1, Source::Callback, failed(FailureClass::Number));
    let state = AttemptState::Failed { reason: Reason::clean("Nomor tujuan salah") };
    assert_eq!((&life.attempts[0].state, life.attempts[0].next), (&state, None));
    assert_eq!(life.trx.state.word(), "reversed");
}

/// A serial number that comes later takes the place of what stood in for it, once.
#[test]
fn a_serial_number_may_come_later() {
    let number = "R250422184621007";
    let without = || {
        let mut life = sent();
        life.news(1, Source::Reply, Outcome::Success { sn: None, cost: None, tie: Tie::Reference });
        life.attempts[0].next = Some(life.now);
        life
    };
    let shown = |life: &Life| match (&life.trx.state, &life.attempts[0].state) {
        (TrxState::Success { sn, .. }, AttemptState::Delivered { sn: same }) => {
            assert_eq!(sn, same);
            sn.to_string()
        }
        other => panic!("{other:?}"),
    };
    let mut life = without();
    assert_eq!(shown(&life), "1-1");
    let moved = life.transfers.len();
    life.news(1, Source::Callback, with_number(number, Tie::Reference));
    assert_eq!((shown(&life), life.attempts[0].next), (number.to_owned(), None));
    life.news(1, Source::Callback, with_number("R250422184621008", Tie::Reference));
    assert_eq!((shown(&life), life.transfers.len(), why(&life)), (number.to_owned(), moved, ""));
    // Of another purchase of ours it takes no place, and with our reference a person hears of it.
    for (tie, number_now, suspicious) in
        [(Tie::Reference, number, true), (Tie::Likeness, "1-1", false)]
    {
        let mut life = without();
        let facts = NewsFacts { twin: Some(TrxNo::new(41)), ..life.facts() };
        let decision = decide_news(&facts, 1, Source::Check, &with_number(number, tie)).unwrap();
        life.apply(decision);
        assert_eq!((shown(&life).as_str(), why(&life).is_empty()), (number_now, !suspicious));
    }
    assert_eq!(TrxState::Pending.numbered(Sn::parse("1").unwrap()), None);
}

/// A person's word is carried out whole, or refused with what is possible.
#[test]
fn a_decision_of_a_person_closes_the_attempt_or_says_why_not() {
    let fail = Resolution::Fail(Reason::clean("x"));
    let mut life = delivered();
    for (asked, words) in [
        (&fail, "the trx is success; fail is possible only for a pending one"),
        (
            &Resolution::Success(Sn::parse("1").unwrap()),
            "the trx is success; success is possible only for a pending one",
        ),
    ] {
        let refused = decide_resolution(&life.facts(), asked).unwrap_err();
        assert_eq!(refused.to_string(), words);
    }
    // It was being asked about: what is closed is asked about no more, where a question may buy it again.
    life.attempts[0].next = Some(life.now);
    let reverse = super::reversals::by_hand("x", CostBack::Returned);
    let decision = decide_resolution(&life.facts(), &reverse).unwrap();
    life.apply(decision);
    let state = AttemptState::Failed { reason: Reason::clean("x") };
    assert_eq!((&life.attempts[0].state, life.attempts[0].next), (&state, None));
    let refused = decide_resolution(&life.facts(), &reverse).unwrap_err();
    let words = "the trx is reversed; reverse is possible only for a successful one";
    assert_eq!(refused.to_string(), words);
    // A balance beyond all numbers.
    let mut life = sent();
    life.balance = Rupiah::new(i64::MAX);
    let refused = decide_resolution(&life.facts(), &fail).unwrap_err();
    assert_eq!(refused.to_string(), "amount out of range");
    assert!(decide_news(&life.facts(), 1, Source::Reply, &failed(FailureClass::Number)).is_err());
    assert_eq!(life.trx.created, UtcMillis::new(1_700_000_000_000));
    // The attempt that counts is the one that the purchase waits for.
    let mut life = sent();
    life.news(1, Source::Reply, failed(FailureClass::Route));
    life.send();
    let number = Sn::parse("P1").unwrap();
    let decision = decide_resolution(&life.facts(), &Resolution::Success(number.clone())).unwrap();
    life.apply(decision);
    let closed = matches!(life.attempts[0].state, AttemptState::Failed { .. });
    assert!(closed && life.attempts[1].state == AttemptState::Delivered { sn: number });
    assert_eq!(life.audit(), vec![]);
}
