//! Raw replies of each protocol and what they mean: a captured line is a row.
#![allow(clippy::unwrap_used)]

mod digiflazz;
mod documented;
mod late;
mod names;
mod okeconnect;
mod sandbox;
mod settings;
mod template;
mod words;

use domain::{FailureClass, Outcome};
use suppliers::{Ask, Connector, Reply, Settings};
use types::{AttemptId, CivilTime, Dest, Moment, Rupiah, Sku, TrxNo, UtcMillis};

const DAY_MS: i64 = 86_400_000;

/// Noon, some days after the epoch: the purchase was sent on 2026-11-23 at 12:00.
fn moment(later_ms: i64) -> Moment {
    let minutes = 12 * 60 + later_ms / 60_000;
    let part = |value: i64| u8::try_from(value).unwrap();
    let civil = CivilTime {
        year: 2026,
        month: 11,
        day: part(23 + minutes / 1_440),
        hour: part(minutes / 60 % 24),
        minute: part(minutes % 60),
        second: 0,
    };
    Moment { utc: UtcMillis::new(1_795_410_000_000 + later_ms), civil }
}

/// The purchase all samples speak of: reference `g-100000001-1`.
fn ask(sku: &str, dest: &str) -> Ask {
    Ask {
        attempt: AttemptId { trx: TrxNo::new(100_000_001), n: 1 },
        sku: Sku::parse(sku).unwrap(),
        dest: Dest::parse(dest).unwrap(),
        qty: None,
        cost: Rupiah::new(1_321),
        counter: 1,
        sent: Some(moment(0)),
        waited_ms: DAY_MS,
        asked: moment(DAY_MS),
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
        Outcome::Success { sn, cost, .. } => {
            let sn = sn.as_ref().map_or("-", types::Sn::as_str);
            cost.map_or_else(|| format!("success {sn}"), |cost| format!("success {sn} for {cost}"))
        }
        Outcome::Failed { class: FailureClass::Number, reason, .. } => format!("number: {reason}"),
        Outcome::Failed { class: FailureClass::Route, reason, .. } => format!("route: {reason}"),
        Outcome::Pending => "pending".to_owned(),
        Outcome::Doubtful { .. } => "doubtful".to_owned(),
        Outcome::Unknown { .. } => "unknown".to_owned(),
        Outcome::Unsent { .. } => "unsent".to_owned(),
        Outcome::Held { .. } => "held".to_owned(),
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
