//! Raw replies of each protocol and what they mean: a captured line is a row.
#![allow(clippy::unwrap_used)]

mod digiflazz;
mod documented;
mod okeconnect;
mod template;

use domain::{FailureClass, Outcome};
use suppliers::{Ask, Connector, Reply, Settings};
use types::{AttemptId, Dest, Rupiah, Sku, TrxNo, UtcMillis};

const DAY_MS: i64 = 86_400_000;

/// The purchase all samples speak of: reference `g-100000001-1`.
fn ask(sku: &str, dest: &str) -> Ask {
    Ask {
        attempt: AttemptId { trx: TrxNo::new(100_000_001), n: 1 },
        sku: Sku::parse(sku).unwrap(),
        dest: Dest::parse(dest).unwrap(),
        qty: None,
        cost: Rupiah::new(1_321),
        sent: Some(UtcMillis::new(0)),
        asked: UtcMillis::new(DAY_MS),
    }
}

fn connector(toml: &str) -> std::sync::Arc<dyn Connector> {
    let settings: Settings = toml::from_str(toml).unwrap();
    settings.connector().unwrap().1
}

fn ok(body: &str) -> Reply {
    Reply { status: 200, body: body.to_owned(), ..Reply::default() }
}

/// One word for an outcome, so that tables stay readable.
fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Success { sn, cost: None } => format!("success {sn}"),
        Outcome::Success { sn, cost: Some(cost) } => format!("success {sn} for {cost}"),
        Outcome::Failed { class: FailureClass::Number, reason } => format!("number: {reason}"),
        Outcome::Failed { class: FailureClass::Route, reason } => format!("route: {reason}"),
        Outcome::Pending => "pending".to_owned(),
        Outcome::Unknown { .. } => "unknown".to_owned(),
        Outcome::Unsent { .. } => "unsent".to_owned(),
    }
}

#[test]
fn settings_name_exactly_one_connector() {
    for (toml, part) in [
        ("", "no connector"),
        (
            "[sandbox]\n[okeconnect]\nbase='https://a'\nmember='OK1'\npin='1'\npassword='2'",
            "more than one",
        ),
        ("[okeconnect]\nbase='a'\nmember='OK1'\npin='1'\npassword='2'", "must begin with http"),
        ("[digiflazz]\nusername=''\napi_key=''", "must not be empty"),
    ] {
        let settings: Settings = toml::from_str(toml).unwrap();
        let Err(error) = settings.connector() else { panic!("{toml} was taken") };
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(toml::from_str::<Settings>("[okeconnect]\nbasis='x'").is_err());
}
