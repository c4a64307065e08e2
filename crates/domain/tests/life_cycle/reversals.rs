//! Reversals: by people within the life cycle, and whose the supplier's price is then.

use super::*;

pub(crate) fn by_hand(reason: &str, cost: CostBack) -> Resolution {
    Resolution::Reverse { reason: Reason::clean(reason), cost }
}

#[test]
fn a_person_decides_only_what_the_state_allows() {
    let mut life = Life::begin();
    life.send();
    let fail = Resolution::Fail(Reason::clean("x"));
    let reverse = by_hand("x", CostBack::Returned);
    assert!(decide_resolution(&life.facts(), &reverse).is_err());
    let success = Resolution::Success(Sn::parse("X1").unwrap());
    let decision = decide_resolution(&life.facts(), &success).unwrap();
    life.apply(decision);
    assert!(decide_resolution(&life.facts(), &fail).is_err());
    assert!(decide_resolution(&life.facts(), &success).is_err());
    let decision = decide_resolution(&life.facts(), &reverse).unwrap();
    life.apply(decision);
    assert_eq!(life.audit(), vec![]);
    assert_eq!(life.balance.get(), 279_655);
}

/// The books after a delivered purchase was reversed: what stands at cogs, the supplier and loss.
fn reversed(cost: Option<CostBack>) -> (i64, i64, i64) {
    let mut life = Life::begin();
    life.send();
    life.news(1, Source::Reply, ok());
    match cost {
        None => life.news(1, Source::Callback, failed(FailureClass::Number)),
        Some(cost) => {
            let decision = decide_resolution(&life.facts(), &by_hand("x", cost)).unwrap();
            life.apply(decision);
        }
    }
    assert_eq!(
        (life.trx.state.word(), life.balance.get(), life.audit()),
        ("reversed", 279_655, vec![])
    );
    let sum = |name: &str| {
        let part = |t: &Transfer| {
            let amount = t.amount.get();
            i64::from(t.to.to_string() == name) * amount
                - i64::from(t.from.to_string() == name) * amount
        };
        life.transfers.iter().map(part).sum()
    };
    (sum("cogs"), sum("supplier:a"), sum("loss:kept-cost"))
}

#[test]
fn the_supplier_gives_back_what_it_says_was_not_delivered() {
    assert_eq!(reversed(None), (0, 0, 0));
    assert_eq!(reversed(Some(CostBack::Returned)), (0, 0, 0));
}

#[test]
fn what_the_supplier_keeps_is_a_loss_and_shown_as_one() {
    let (cogs, supplier, loss) = reversed(Some(CostBack::Kept));
    assert_eq!(cogs, 0);
    assert!(loss > 0 && supplier == -loss, "{supplier} {loss}");
}

proptest! {
    /// Promise 3: a delivery that is asked about may end in many ways; whatever is closed without one is due
    /// no more, because a question may be the purchase sent again.
    #[test]
    fn what_failed_is_asked_about_no_more(
        trusted: bool,
        all in proptest::collection::vec((source(), outcome()), 0..8),
        by_person in proptest::option::of((0_usize..8, any::<bool>())),
    ) {
        let mut life = Life::begin();
        life.send();
        life.news(1, Source::Reply, ok());
        life.attempts[0].next = Some(life.now);
        life.trusted = trusted;
        for place in 0..=all.len() {
            if let Some((_, kept)) = by_person.filter(|(at, _)| *at == place) {
                let cost = if kept { CostBack::Kept } else { CostBack::Returned };
                if let Ok(decision) = decide_resolution(&life.facts(), &by_hand("x", cost)) {
                    life.apply(decision);
                }
            }
            if let Some((source, outcome)) = all.get(place) {
                life.news(1, *source, outcome.clone());
            }
            let reversed = life.trx.state.word() == "reversed";
            let attempt = &life.attempts[0];
            prop_assert_eq!(reversed, matches!(attempt.state, AttemptState::Failed { .. }));
            prop_assert!(!reversed || attempt.next.is_none(), "{:?}", attempt);
            prop_assert_eq!(life.audit(), vec![]);
        }
    }
}
