//! Promises 3 and 4 at the edges of time: until when another supplier is tried, when a person hears of it,
//! when a supplier is asked again, and that nothing is sent a second time.

use super::{Life, failed, now, ok};
use domain::*;
use types::{AttemptId, Reason, Rupiah, Sn, TrxNo};

pub(super) const PATIENCE: &str = "no final answer from the supplier within its patience";

pub(super) fn sent() -> Life {
    let mut life = Life::begin();
    life.send();
    life
}

pub(super) fn delivered() -> Life {
    let mut life = sent();
    life.news(1, Source::Reply, ok());
    life
}

pub(super) fn why(life: &Life) -> &str {
    life.trx.suspect.as_deref().unwrap_or_default()
}

pub(super) fn unknown() -> Outcome {
    Outcome::Unknown { why: "time-out".to_owned() }
}

fn tied(tie: Tie) -> Outcome {
    Outcome::Failed { class: FailureClass::Number, reason: Reason::clean("Nomor salah"), tie }
}

pub(super) fn with_number(sn: &str, tie: Tie) -> Outcome {
    Outcome::Success { sn: Sn::parse(sn).ok(), cost: None, tie }
}

#[test]
fn another_supplier_is_tried_up_to_the_last_moment() {
    for late in [LateFailure::Refund, LateFailure::Person] {
        for (class, waited, state, attempts) in [
            (FailureClass::Route, 900_000, "pending", 2),
            (FailureClass::Number, 900_000, "failed", 1),
            (FailureClass::Route, 900_001, "failed", 1),
            (FailureClass::Number, 900_001, "failed", 1),
        ] {
            let mut life = sent();
            life.failover = Failover { late, ..Failover::default() };
            life.now = life.now.after(waited);
            life.news(1, Source::Reply, failed(class));
            let person = late == LateFailure::Person && waited == 900_001;
            let state = if person { "pending" } else { state };
            assert_eq!((life.trx.state.word(), life.attempts.len()), (state, attempts));
            let words = if person { "failed too late to be bought elsewhere" } else { "" };
            assert!(why(&life).starts_with(words) && why(&life).is_empty() != person);
            let first = &life.attempts[0];
            // What is closed is never due; what waits for a person is asked about.
            assert_eq!((first.state.is_open(), first.next.is_some()), (person, person));
            assert_eq!(life.audit(), vec![]);
        }
    }
    // It had said something else that only a person may put aside: that stays.
    let mut life = sent();
    life.failover.late = LateFailure::Person;
    life.now = life.now.after(900_001);
    life.trx.suspect = Some("attempt 1 is reported delivered".to_owned());
    life.news(1, Source::Reply, failed(FailureClass::Route));
    assert_eq!(why(&life), "attempt 1 is reported delivered");
    // Doubtful words are no contradiction.
    life.trx.suspect = Some("words that may be about another purchase: x".to_owned());
    life.news(1, Source::Check, failed(FailureClass::Route));
    assert!(why(&life).starts_with("failed too late"));
}

#[test]
fn the_next_supplier_begins_from_nothing() {
    for outcome in [failed(FailureClass::Route), Outcome::Unsent { proof: "refused".to_owned() }] {
        let mut life = sent();
        life.attempts[0].counter = 3;
        life.now = life.now.after(7);
        life.news(1, Source::Reply, outcome.clone());
        let [first, second] = &life.attempts[..] else { panic!("{:?}", life.attempts) };
        let closed = match outcome {
            Outcome::Unsent { proof } => AttemptState::Unsent { proof },
            _ => AttemptState::Failed { reason: Reason::clean("Nomor tujuan salah") },
        };
        assert_eq!((&first.state, first.next), (&closed, None));
        assert_eq!(second.id, AttemptId { trx: life.trx.no, n: 2 });
        assert_eq!((second.supplier.as_str(), second.cost.get(), second.counter), ("b", 1_310, 3));
        assert_eq!((&second.state, second.sent, second.checks), (&AttemptState::Intended, None, 0));
        assert_eq!((second.created, second.next), (life.now, Some(life.now)));
        assert_eq!(life.trx.attempt, 2);
    }
}

#[test]
fn a_person_hears_of_it_when_the_patience_is_over_and_not_before() {
    for (waited, before, expected) in [
        (600_000, None, ""),
        (600_001, None, PATIENCE),
        (600_000, Some("x"), "x"),
        (600_001, Some("x"), "x"),
    ] {
        for (outcome, state) in [
            (Outcome::Pending, AttemptState::Waiting),
            (unknown(), AttemptState::Unknown { why: "time-out".to_owned() }),
            (Outcome::Unsent { proof: "x".to_owned() }, AttemptState::Sent),
            (Outcome::Held { why: "x".to_owned() }, AttemptState::Sent),
        ] {
            let mut life = sent();
            life.trx.suspect = before.map(str::to_owned);
            life.now = life.now.after(waited);
            life.news(1, Source::Check, outcome.clone());
            assert_eq!(why(&life), expected, "{waited} {outcome:?}");
            let attempt = &life.attempts[0];
            assert_eq!((&attempt.state, attempt.checks), (&state, 1));
            assert_eq!(attempt.next, Some(life.now.after(7_500)));
        }
    }
    // What was never sent has no patience of its own to lose here.
    let mut life = Life::begin();
    life.attempts[0].state = AttemptState::Waiting;
    life.now = life.now.after(600_001);
    life.news(1, Source::Check, Outcome::Pending);
    assert_eq!(why(&life), "");
}

/// It is settled, and a person hears of what is strange about it, whatever was thought before.
#[test]
fn a_delivery_that_is_strange_is_settled_and_told() {
    let twin = "SN R1 was given for 41 too";
    let cost = "the supplier says it cost 99.999, which is not believed; 1.300 was booked";
    for (other, told, said) in [
        (true, 1_299, Some(twin)),
        (true, 99_999, Some(twin)),
        (false, 99_999, Some(cost)),
        (false, 1_299, None),
    ] {
        let mut life = sent();
        life.trx.suspect = Some(PATIENCE.to_owned());
        let facts = NewsFacts { twin: other.then_some(TrxNo::new(41)), ..life.facts() };
        let (sn, tie) = (Sn::parse("R1").ok(), Tie::Reference);
        let outcome = Outcome::Success { sn, cost: Some(Rupiah::new(told)), tie };
        let decision = decide_news(&facts, 1, Source::Reply, &outcome).unwrap();
        life.apply(decision);
        assert_eq!(life.trx.suspect.as_deref(), said);
        let booked = if told == 99_999 { 1_300 } else { told };
        assert_eq!((life.trx.state.word(), life.attempts[0].cost.get()), ("success", booked));
        assert_eq!((life.attempts[0].next, life.audit()), (None, vec![]));
    }
}

/// Promise 3: found sent and unanswered at a start, it is asked about when that may be, and never an intent.
#[test]
fn a_restart_asks_and_never_sends_again() {
    for (wait_ms, after) in [(0, 0), (30_000, 30_000), (-5, 0)] {
        let mut life = sent();
        life.news(1, Source::Restart { wait_ms }, unknown());
        let attempt = &life.attempts[0];
        let state = AttemptState::Unknown { why: "time-out".to_owned() };
        assert_eq!((&attempt.state, attempt.checks), (&state, 0));
        assert_eq!((attempt.sent, attempt.next), (Some(now().utc), Some(life.now.after(after))));
        // Nor does it prove that nothing left.
        for outcome in
            [Outcome::Unsent { proof: "x".to_owned() }, Outcome::Held { why: "x".to_owned() }]
        {
            let mut life = sent();
            life.news(1, Source::Restart { wait_ms }, outcome);
            assert_eq!((life.attempts.len(), &life.attempts[0].state), (1, &AttemptState::Sent));
        }
    }
}

/// Only the reply to a purchase that is just being sent can say that nothing of it left.
#[test]
fn what_is_held_is_sent_later_to_the_same_supplier() {
    for (age, wait) in [(0, 1_000), (60_000, 15_000), (900_000, 30_000)] {
        let mut life = sent();
        life.now = life.now.after(age);
        life.news(1, Source::Reply, Outcome::Held { why: "no file".to_owned() });
        let attempt = &life.attempts[0];
        assert_eq!((&attempt.state, attempt.sent), (&AttemptState::Intended, None));
        assert_eq!((attempt.next, life.attempts.len()), (Some(life.now.after(wait)), 1));
    }
    let states = [AttemptState::Waiting, AttemptState::Unknown { why: "x".to_owned() }];
    for state in states {
        for outcome in
            [Outcome::Held { why: "x".to_owned() }, Outcome::Unsent { proof: "x".to_owned() }]
        {
            let mut life = sent();
            life.attempts[0].state = state.clone();
            life.news(1, Source::Reply, outcome);
            assert_eq!((life.attempts.len(), &life.attempts[0].state), (1, &state));
        }
    }
    let mut life = sent();
    life.failover.late = LateFailure::Restored;
    life.news(1, Source::Reply, Outcome::Held { why: "x".to_owned() });
    assert_eq!(life.attempts[0].state, AttemptState::Sent);
}

#[test]
fn doubtful_words_leave_it_open_and_are_shown() {
    let text = "words that may be about another purchase: ";
    for (outcome, said) in [
        (tied(Tie::Likeness), "`Nomor salah` without a reference may be for another purchase"),
        (
            tied(Tie::Earlier),
            "`Nomor salah` of a time before ours was sent may be for another purchase",
        ),
        (Outcome::Doubtful { why: "two dates".to_owned() }, "two dates"),
        (
            with_number("SUKSES", Tie::Likeness),
            "SN SUKSES identifies nothing, and no reference is named",
        ),
    ] {
        let mut life = sent();
        life.news(1, Source::Callback, outcome.clone());
        assert_eq!(why(&life), format!("{text}{said}"));
        let state = AttemptState::Unknown { why: said.to_owned() };
        assert_eq!((life.trx.state.word(), &life.attempts[0].state), ("pending", &state));
        assert_eq!(life.attempts[0].next, Some(life.now.after(5_000)));
        // What the supplier itself said weighs more than doubtful words.
        let mut life = sent();
        life.news(1, Source::Reply, Outcome::Pending);
        life.news(1, Source::Callback, outcome.clone());
        assert_eq!(life.attempts[0].state, AttemptState::Waiting);
        // The first suspicion stays, unless it was about waiting alone.
        for (before, stays) in [("x", true), (text, true), (PATIENCE, false)] {
            life.trx.suspect = Some(before.to_owned());
            life.news(1, Source::Callback, outcome.clone());
            assert_eq!(why(&life) == before, stays, "{before}");
        }
    }
    // Without a reference on the connection of the purchase itself it is certain.
    let mut life = sent();
    life.news(1, Source::Reply, tied(Tie::Connection));
    assert_eq!(life.trx.state.word(), "failed");
}

/// Promise 4: which suspicion ends with which end of the purchase.
#[test]
fn only_what_was_about_waiting_ends_with_a_decision() {
    for (before, delivered, refunded) in [
        (PATIENCE, true, true),
        ("not sent within the supplier's patience: supplier paused", true, true),
        (MAY_HAVE_BEEN_SENT, true, true),
        ("words that may be about another purchase: x", true, false),
        ("attempt 1 is reported delivered (SN 1) after it was closed", false, false),
    ] {
        for (outcome, eased) in [(ok(), delivered), (failed(FailureClass::Number), refunded)] {
            let mut life = sent();
            life.trx.suspect = Some(before.to_owned());
            life.news(1, Source::Reply, outcome);
            assert_eq!(why(&life), if eased { "" } else { before });
        }
        // Whatever was thought, a person's decision ends it.
        let mut life = sent();
        life.trx.suspect = Some(before.to_owned());
        let fail = Resolution::Fail(Reason::clean("x"));
        let decision = decide_resolution(&life.facts(), &fail).unwrap();
        life.apply(decision);
        assert_eq!((why(&life), life.trx.state.word()), ("", "failed"));
        let state = AttemptState::Failed { reason: Reason::clean("x") };
        assert_eq!((&life.attempts[0].state, life.attempts[0].next), (&state, None));
    }
}

#[test]
fn what_is_overdue_is_told_with_what_it_waits_for() {
    let never = "not sent within the supplier's patience: supplier paused";
    let reason = || Reason::clean("x");
    for (state, words) in [
        (AttemptState::Intended, never),
        (AttemptState::Sent, PATIENCE),
        (AttemptState::Waiting, PATIENCE),
        (AttemptState::Unknown { why: "x".to_owned() }, PATIENCE),
        (AttemptState::Unsent { proof: "x".to_owned() }, "pending without an open attempt"),
        (AttemptState::Failed { reason: reason() }, "pending without an open attempt"),
    ] {
        let mut life = Life::begin();
        let first = life.attempts[0].clone();
        life.attempts[0].state = AttemptState::Failed { reason: reason() };
        life.attempts.push(Attempt { id: AttemptId { n: 2, ..first.id }, state, ..first });
        life.trx.attempt = 2;
        let told = |life: &Life| decide_overdue(&life.facts(), "supplier paused").suspect;
        life.now = life.now.after(600_000);
        assert_eq!(told(&life), None, "{words}");
        life.now = life.now.after(1);
        assert_eq!(told(&life), Some(Some(words.to_owned())));
        life.trx.suspect = Some("x".to_owned());
        assert_eq!(told(&life), None);
        life.trx.suspect = None;
        life.attempts.truncate(1);
        assert_eq!(told(&life), Some(Some("pending without an attempt".to_owned())));
    }
    let mut life = delivered();
    life.now = life.now.after(600_001);
    assert_eq!(decide_overdue(&life.facts(), "x"), NewsDecision::default());
}

#[test]
fn only_an_intent_of_a_pending_purchase_is_ranked_again() {
    let mut life = Life::begin();
    let decision = decide_unsendable(&life.facts(), &life.attempts[0], "circuit open").unwrap();
    life.apply(decision);
    let proof = "not sent: circuit open".to_owned();
    assert_eq!(life.attempts[0].state, AttemptState::Unsent { proof });
    assert_eq!((life.attempts[0].next, life.attempts[1].supplier.as_str()), (None, "b"));
    let sent = sent();
    let decision = decide_unsendable(&sent.facts(), &sent.attempts[0], "x").unwrap();
    assert_eq!(decision, NewsDecision::default());
    let mut decided = delivered();
    decided.attempts[0].state = AttemptState::Intended;
    let decision = decide_unsendable(&decided.facts(), &decided.attempts[0], "x").unwrap();
    assert_eq!(decision, NewsDecision::default());
    assert_eq!(decide_restored(&decided.facts(), &decided.attempts[0]), NewsDecision::default());
    assert_eq!(decide_restored(&sent.facts(), &sent.attempts[0]), NewsDecision::default());
    // One that is not alone is looked at later, by a person.
    for (patience, wait) in [(600_000, 600_000), (1_000, 60_000)] {
        for (before, raised) in [(None, true), (Some(PATIENCE), true), (Some("x"), false)] {
            let mut life = Life::begin();
            let first = life.attempts[0].clone();
            let id = AttemptId { n: 2, ..first.id };
            life.attempts.push(Attempt { id, state: AttemptState::Waiting, ..first });
            life.trx.suspect = before.map(str::to_owned);
            let facts = NewsFacts { suspect_after_ms: patience, ..life.facts() };
            let decision = decide_unsendable(&facts, &life.attempts[0], "x").unwrap();
            let [again] = &decision.attempts[..] else { panic!("{decision:?}") };
            assert_eq!(again.next, Some(life.now.after(wait)));
            assert_eq!(again.state, AttemptState::Intended);
            let said = Some(Some("attempt 2 is open as well".to_owned()));
            assert_eq!(decision.suspect, said.filter(|_| raised));
        }
    }
}

#[test]
fn an_attempt_is_alone_when_every_other_is_closed() {
    let life = Life::begin();
    let first = life.attempts[0].clone();
    let second = |state| Attempt { id: AttemptId { n: 2, ..first.id }, state, ..first.clone() };
    let alone = |state, n| {
        let attempts = [first.clone(), second(state)];
        not_alone(&life.trx, &attempts, AttemptId { n, ..first.id })
    };
    let closed = AttemptState::Unsent { proof: "x".to_owned() };
    assert_eq!(alone(closed.clone(), 1), None);
    assert_eq!(alone(AttemptState::Sent, 1), Some("attempt 2 is open as well".to_owned()));
    let other = Some("attempt 2 is not the one that the purchase waits for".to_owned());
    assert_eq!((alone(closed, 2), alone(AttemptState::Sent, 2)), (other.clone(), other));
}

/// Words about a purchase that was not sent are told, but take the place of nothing that was told before.
#[test]
fn what_is_said_before_the_sending_hides_no_contradiction() {
    let told = "attempt 1 is reported decided before it was sent";
    for outcome in [ok(), tied(Tie::Reference), Outcome::Doubtful { why: "x".to_owned() }] {
        for (before, expected) in [
            (None, told),
            (Some(PATIENCE), told),
            (Some("words that may be about another purchase: x"), ""),
            (Some("x"), ""),
        ] {
            let mut life = Life::begin();
            life.trx.suspect = before.map(str::to_owned);
            let decision = decide_news(&life.facts(), 1, Source::Callback, &outcome).unwrap();
            let suspect = (!expected.is_empty()).then(|| Some(expected.to_owned()));
            assert_eq!(decision, NewsDecision { suspect, ..NewsDecision::default() });
        }
    }
}
