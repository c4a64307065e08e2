//! Amounts in JSON that people's programs send: a text in any form of an amount, or a number.
//!
//! The point of a number is always decimal, that of a text may group thousands. So a number never
//! becomes a text with a point: it is whole, or it is refused.

use serde::Deserializer;
use serde::de::{Error, Visitor};
use std::fmt;
use types::{Rounding, Rupiah};

/// Above this a number of JSON may have lost digits on its way here.
const EXACT_MOST: f64 = 9_007_199_254_740_992.0;

struct Amount;

impl Visitor<'_> for Amount {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount as a text or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        if number.abs() > EXACT_MOST {
            return Err(E::custom("so large an amount must be a text"));
        }
        let whole = Rupiah::read_number(&number.to_string(), Rounding::Refuse);
        whole.map(|whole| whole.get().to_string()).map_err(E::custom)
    }
}

/// For `#[serde(deserialize_with)]` on a field that is read as an amount later.
///
/// # Errors
/// For a number with a part of a rupiah, and what is neither a text nor a number.
pub fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    from.deserialize_any(Amount)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Told {
        #[serde(deserialize_with = "super::amount")]
        amount: String,
    }

    fn read(json: &str) -> Option<String> {
        let told: Result<Told, _> = serde_json::from_str(&format!(r#"{{"amount":{json}}}"#));
        told.ok().map(|told| told.amount)
    }

    #[test]
    fn numbers_are_whole_and_texts_stay() {
        for (json, text) in [
            ("\"1.321\"", "1.321"),
            ("\"150.000,000\"", "150.000,000"),
            ("1321", "1321"),
            ("-5", "-5"),
            ("1321.0", "1321"),
            ("1e3", "1000"),
            ("9007199254740992.0", "9007199254740992"),
        ] {
            assert_eq!(read(json).as_deref(), Some(text), "{json}");
        }
        let told: Result<Told, _> = serde_json::from_str(r#"{"amount":null}"#);
        let why = told.err().unwrap().to_string();
        assert!(why.contains("expected an amount as a text or a whole number"), "{why}");
        for json in [
            "1.321",
            "0.5",
            "9007199254740994.0",
            "-1e16",
            "1e300",
            "9007199254740993.0",
            "null",
            "true",
            "[]",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
