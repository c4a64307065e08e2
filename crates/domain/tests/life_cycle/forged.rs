//! Promises 3 and 4 beside rows that nobody decided: somebody put them into the store.

use super::{Life, failed, ok};
use domain::*;
use types::AttemptId;

/// A row that somebody put into the store beside an attempt that is at its supplier: nothing is sent for
/// it, nothing is bought elsewhere, and nothing is refunded while the real one is open.
#[test]
fn a_second_open_attempt_stops_everything_that_moves_money() {
    let forged = |life: &Life, state: AttemptState| {
        let first = &life.attempts[0];
        let id = AttemptId { trx: first.id.trx, n: 2 };
        Attempt { id, state, sent: None, next: Some(life.now), ..first.clone() }
    };
    let mut life = Life::begin();
    life.send();
    life.attempts.push(forged(&life, AttemptState::Intended));
    let why = not_alone(&life.trx, &life.attempts, life.attempts[1].id).unwrap();
    assert!(why.contains("is not the one"), "{why}");
    let decision =
        decide_unsendable(&life.facts(), &life.attempts[1], "its route is gone").unwrap();
    life.apply(decision);
    assert_eq!(life.trx.state.word(), "pending");
    assert!(life.trx.suspect.as_deref().unwrap_or_default().contains("is not the one"));

    for outcome in [failed(FailureClass::Route), failed(FailureClass::Number)] {
        let mut life = Life::begin();
        life.send();
        life.attempts.push(forged(&life, AttemptState::Waiting));
        life.news(1, Source::Reply, outcome);
        assert_eq!((life.trx.state.word(), life.attempts.len()), ("pending", 2));
        assert!(life.trx.suspect.as_deref().unwrap_or_default().contains("is open as well"));
    }
    let mut life = Life::begin();
    life.send();
    life.attempts.push(forged(&life, AttemptState::Waiting));
    life.news(1, Source::Reply, Outcome::Unsent { proof: "no connection".to_owned() });
    assert_eq!((life.trx.state.word(), life.attempts.len()), ("pending", 2));
    // The real one delivers all the same.
    life.news(1, Source::Callback, ok());
    assert_eq!(life.trx.state.word(), "success");
}
