//! Promise 4: which words move money depends on the moment and on who says them. Nothing that is said of an
//! attempt before it was sent decides it, and a delivery is taken back by itself only where a supplier's
//! late word is believed, names our purchase and is no late answer to the purchase itself.

use super::*;

/// What an outcome of these words may have been tied by.
fn tied() -> impl proptest::strategy::Strategy<Value = Tie> {
    prop_oneof![
        Just(Tie::Reference),
        Just(Tie::Earlier),
        Just(Tie::Connection),
        Just(Tie::Likeness)
    ]
}

fn said() -> impl proptest::strategy::Strategy<Value = Outcome> {
    let reason = || Reason::clean("Nomor tujuan salah");
    prop_oneof![
        3 => outcome(),
        1 => Just(Outcome::Doubtful { why: "x".into() }),
        2 => (tied(), any::<bool>()).prop_map(move |(tie, number)| {
            let class = if number { FailureClass::Number } else { FailureClass::Route };
            Outcome::Failed { class, reason: reason(), tie }
        }),
        2 => (tied(), any::<bool>()).prop_map(|(tie, with)| {
            let sn = with.then(|| Sn::parse("R1").unwrap());
            Outcome::Success { sn, cost: Some(Rupiah::new(1_299)), tie }
        }),
    ]
}

proptest! {
    /// Whatever is said, by whom, and how often: an attempt that was never sent stays as it is, no money
    /// moves, and a person hears of words that would decide it.
    #[test]
    fn nothing_decides_an_attempt_that_was_never_sent(
        all in proptest::collection::vec((1_u16..3, source(), said()), 1..6),
    ) {
        let mut life = Life::begin();
        let (attempts, transfers) = (life.attempts.clone(), life.transfers.clone());
        let mut heard = false;
        for (about, source, outcome) in all {
            heard |= about != 1 || matches!(outcome,
                Outcome::Success { .. } | Outcome::Failed { .. } | Outcome::Doubtful { .. });
            life.news(about, source, outcome);
            prop_assert_eq!(&life.trx.state, &TrxState::Pending);
            prop_assert_eq!((&life.attempts, &life.transfers), (&attempts, &transfers));
            prop_assert_eq!(life.trx.suspect.is_some(), heard);
        }
        // It can be sent and delivered all the same.
        life.send();
        life.news(1, Source::Reply, ok());
        prop_assert_eq!(life.trx.state.word(), "success");
        prop_assert_eq!(life.audit(), vec![]);
    }

    /// A delivery is taken back exactly then: the supplier's late word is believed, it did not come as an
    /// answer to the purchase itself, and our reference is in it.
    #[test]
    fn a_delivery_is_taken_back_only_by_words_that_may(
        trusted: bool, source in source(), outcome in said(),
    ) {
        let mut life = Life::shared("3:15".parse().unwrap());
        life.send();
        life.news(1, Source::Callback, ok());
        life.trusted = trusted;
        let moved = life.transfers.len();
        let failed = matches!(outcome, Outcome::Failed { .. });
        let ours = matches!(outcome, Outcome::Failed { tie: Tie::Reference, .. });
        life.news(1, source, outcome);
        let may = trusted && ours && source != Source::Reply;
        let expected = if may { "reversed" } else { "success" };
        prop_assert_eq!(life.trx.state.word(), expected);
        prop_assert_eq!(life.transfers.len() > moved, may);
        prop_assert_eq!(life.trx.suspect.is_some(), failed && !may);
        prop_assert_eq!(life.audit(), vec![]);
    }
}
