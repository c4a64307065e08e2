//! The sandbox as a connector.

use super::{ask, connector, ok, word};
use std::collections::BTreeSet;
use suppliers::{About, Behaviour, Event, Inbound, Settings};
use types::{CivilTime, Qty};

#[test]
fn it_is_asked_by_a_url_of_its_own_and_has_neither_deposit_nor_list() {
    let sandbox = connector("[sandbox]\n");
    let mut ask = ask("t1", "089660522887");
    ask.qty = Qty::new(5_000);
    for (asked, verb) in [(sandbox.buy(&ask), "buy"), (sandbox.check(&ask), "check")] {
        let asked = asked.unwrap();
        let url = format!("sandbox://{verb}?ref=100000001-1&sku=t1&dest=089660522887&qty=5000");
        assert_eq!((asked.method, &asked.url, &asked.redacted), ("GET", &url, &url));
    }
    assert_eq!((sandbox.balance(), sandbox.prices()), (None, None));
    assert!(sandbox.read_balance(&ok("Saldo 5")).is_err());
    assert!(sandbox.read_prices(&ok("[]")).is_err());
    assert_eq!((sandbox.movement("Saldo 5"), sandbox.told(&Inbound::default())), (None, None));
}

#[test]
fn its_callback_is_its_word() {
    let sandbox = connector("[sandbox]\n");
    let ask = ask("t1", "089660522887");
    let inbound = sandbox.callback_of(&ask, "ref=100000001-1 status=success sn=R1");
    assert_eq!(sandbox.callback_about(&inbound), Ok(About::Attempt(ask.attempt)));
    assert_eq!(word(&sandbox.read_callback(&ask, &inbound)), "success R1");
    let odd = Inbound { body: "halo".to_owned(), ..Inbound::default() };
    assert!(sandbox.callback_about(&odd).is_err());
    match sandbox.read_callback(&ask, &odd) {
        domain::Outcome::Unknown { why } => assert_eq!(why, "status 200, not understood: halo"),
        other => panic!("{other:?}"),
    }
}

/// Two purchases of one second have two proofs.
#[test]
fn serial_numbers_differ() {
    let at = CivilTime { year: 2026, month: 11, day: 23, hour: 12, minute: 0, second: 0 };
    let said: BTreeSet<String> = (0..50)
        .map(|n| Event::Success.body(&format!("10000{n:04}-1"), "089660522887", at))
        .map(|body| body.split("sn=").nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(said.len(), 50);
}

#[test]
fn only_a_meter_gets_a_token() {
    for (dest, wanted) in [
        ("08602415796", Behaviour::Success),
        ("86024157967", Behaviour::PlnToken),
        ("860241579671", Behaviour::PlnToken),
        ("8602415796", Behaviour::Success),
        ("8602415796712", Behaviour::Success),
        ("8602415796a", Behaviour::Success),
        ("081200000005", Behaviour::TimesOut),
    ] {
        assert_eq!(Behaviour::of(dest), wanted, "{dest}");
    }
}

#[test]
fn its_settings_let_much_through() {
    let settings = Settings::sandbox();
    assert_eq!((settings.limits.concurrency, settings.connector().unwrap().0), (512, "sandbox"));
}
