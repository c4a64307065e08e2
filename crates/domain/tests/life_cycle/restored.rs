//! Promise 3 and 4 after a restore: what the copy holds open is asked about; nothing of it is sent,
//! bought elsewhere or refunded by itself.

use super::{Life, failed, ok};
use domain::*;
use types::Sn;

fn restored() -> Life {
    let mut life = Life::begin();
    life.failover = Failover { late: LateFailure::Restored, ..Failover::default() };
    life
}

fn why(life: &Life) -> &str {
    life.trx.suspect.as_deref().unwrap_or_default()
}

#[test]
fn an_intent_of_the_copy_is_asked_about_and_never_sent() {
    let mut life = restored();
    let decision = decide_restored(&life.facts(), &life.attempts[0]);
    life.apply(decision);
    assert!(matches!(life.attempts[0].state, AttemptState::Unknown { .. }), "{:?}", life.attempts);
    assert_eq!((life.attempts[0].sent, life.attempts[0].next), (None, Some(life.now)));
    assert!(why(&life).contains("may have been sent"), "{}", why(&life));
    // Once: a second look changes nothing.
    assert_eq!(decide_restored(&life.facts(), &life.attempts[0]), NewsDecision::default());
    // It was sent after the copy and delivered: found, and nobody needs to look any more.
    life.news(1, Source::Check, ok());
    assert_eq!((life.trx.state.word(), life.trx.suspect.clone()), ("success", None));
    assert!(life.audit().is_empty(), "{:?}", life.audit());
}

#[test]
fn a_callback_settles_an_intent_of_the_copy() {
    let mut life = restored();
    life.news(1, Source::Callback, ok());
    assert_eq!(life.trx.state.word(), "success");
    assert!(
        matches!(&life.attempts[0].state, AttemptState::Delivered { sn } if *sn == Sn::parse("R1").unwrap())
    );
    assert!(life.audit().is_empty(), "{:?}", life.audit());
}

#[test]
fn a_failure_is_left_to_a_person_whatever_its_class() {
    for class in [FailureClass::Route, FailureClass::Number] {
        for source in [Source::Check, Source::Callback, Source::Reply] {
            let mut life = restored();
            life.send();
            life.news(1, source, failed(class));
            // Elsewhere it would be the next supplier at once, or a refund.
            assert_eq!((life.trx.state.word(), life.attempts.len()), ("pending", 1));
            assert!(life.attempts[0].next.is_some() && life.attempts[0].state.is_open());
            assert!(why(&life).contains("restored from"), "{}", why(&life));
            assert!(life.audit().is_empty(), "{:?}", life.audit());
        }
        // The same news of a business that was not restored does move it on.
        let mut other = Life::begin();
        other.send();
        other.news(1, Source::Check, failed(class));
        assert!(other.trx.state.word() == "failed" || other.attempts.len() == 2);
    }
}

#[test]
fn what_is_said_to_be_unsent_is_not_bought_elsewhere() {
    let mut life = restored();
    life.send();
    life.news(1, Source::Reply, Outcome::Unsent { proof: "refused".into() });
    assert_eq!((life.trx.state.word(), life.attempts.len()), ("pending", 1));
}
