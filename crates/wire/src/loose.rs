//! Foreign JSON, read tolerantly: a field may be absent, null, a text, a number or a truth, whatever
//! its documentation says.
//!
//! Numbers keep the digits that were sent; nothing passes through a float. A field that is said
//! twice makes its object unreadable: two readers would understand two things.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use types::{MoneyError, Rounding, Rupiah};

/// One field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loose {
    /// Absent or null.
    Nothing,
    /// A text.
    Text(String),
    /// A number, as it was written.
    Number(String),
    /// True or false.
    Truth(bool),
    /// A list, an object, or a text that cannot be decoded.
    Other,
}

impl Loose {
    fn of(raw: &RawValue) -> Self {
        let json = raw.get();
        match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str(json).map_or(Self::Other, Self::Text),
            Some(b't') => Self::Truth(true),
            Some(b'f') => Self::Truth(false),
            Some(b'n') => Self::Nothing,
            Some(b'-' | b'0'..=b'9') => Self::Number(json.to_owned()),
            Some(_) | None => Self::Other,
        }
    }

    /// As a text without spaces around it; empty for nothing. A whole number is written without
    /// point and exponent.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.trim().to_owned(),
            Self::Number(number) => {
                let whole = Rupiah::read_number(number, Rounding::Refuse);
                whole.map_or_else(|_| number.clone(), |whole| whole.get().to_string())
            }
            Self::Truth(truth) => truth.to_string(),
            Self::Nothing | Self::Other => String::new(),
        }
    }

    /// As an amount; `None` for nothing, an empty text or a dash.
    ///
    /// # Errors
    /// [`MoneyError`] for what is no amount.
    pub fn amount(&self, rounding: Rounding) -> Result<Option<Rupiah>, MoneyError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Text(text) if matches!(text.trim(), "" | "-") => Ok(None),
            Self::Text(text) => Rupiah::read(text, rounding).map(Some),
            Self::Number(number) => Rupiah::read_number(number, rounding).map(Some),
            Self::Truth(truth) => Err(MoneyError::NotAnAmount(truth.to_string())),
            Self::Other => Err(MoneyError::NotAnAmount(String::new())),
        }
    }

    /// As yes or no: `true`, `"true"`, `1`, `"1"`; `None` for anything else.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self.text().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

/// An object's fields, not yet looked into.
#[derive(Clone, Debug)]
pub struct LooseObject<'a>(Vec<(String, &'a RawValue)>);

impl<'a> LooseObject<'a> {
    /// Reads an object.
    ///
    /// # Errors
    /// What is wrong with it, with line and column.
    pub fn read(json: &'a str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// A field.
    #[must_use]
    pub fn get(&self, name: &str) -> Loose {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or(Loose::Nothing, |(_, raw)| Loose::of(raw))
    }

    /// A field as it was written.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, raw)| raw.get())
    }
}

impl<'de> Deserialize<'de> for LooseObject<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = LooseObject<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(String, &'de RawValue)> = Vec::new();
                while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    if fields.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format!("`{name}` is said twice")));
                    }
                    fields.push((name, raw));
                }
                Ok(LooseObject(fields))
            }
        }
        from.deserialize_map(Fields)
    }
}

/// The items of an array, as they were written.
///
/// # Errors
/// What is wrong with it, with line and column.
pub fn read_items(json: &str) -> Result<Vec<&str>, String> {
    let items: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok(items.into_iter().map(RawValue::get).collect())
}

/// Foreign bytes as JSON text: a byte order mark goes, what is no UTF-8 is replaced, and line ends
/// inside of texts, which are not allowed there, become spaces.
#[must_use]
pub fn foreign_json(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    text.chars().map(|c| if c < ' ' { ' ' } else { c }).collect()
}

/// A foreign name for people: one line, single spaces, nothing invisible, of bounded length.
#[must_use]
pub fn clean_name(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffd}')
    };
    let words: Vec<&str> = text.split(is_odd).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_what_they_are() {
        let json = r#"{"a":null,"t":" x ","n":007.5,"#;
        assert!(LooseObject::read(json).is_err());
        let json = r#"{"a":null,"t":" x ","f":9000.0,"whole":2004280,"minus":-5,"e":8.7800001230e10,"big":12345678901234567890123,
            "yes":true,"no":"0","list":[1],"half":"\ud83d","money":"1.321,50","dash":"-"}"#;
        let json = foreign_json(json.as_bytes());
        let object = LooseObject::read(&json).unwrap();
        assert_eq!((object.get("a"), object.get("absent")), (Loose::Nothing, Loose::Nothing));
        for (name, text) in [
            ("t", "x"),
            ("f", "9000"),
            ("e", "87800001230"),
            ("whole", "2004280"),
            ("minus", "-5"),
            ("big", "12345678901234567890123"),
            ("yes", "true"),
            ("list", ""),
            ("half", ""),
        ] {
            assert_eq!(object.get(name).text(), text, "{name}");
        }
        assert_eq!(
            (object.get("yes").truth(), object.get("no").truth()),
            (Some(true), Some(false))
        );
        assert_eq!(object.get("t").truth(), None);
        let amount = |name: &str| object.get(name).amount(Rounding::Up);
        assert_eq!(amount("money"), Ok(Some(Rupiah::new(1_322))));
        assert_eq!((amount("dash"), amount("a")), (Ok(None), Ok(None)));
        assert!(amount("yes").is_err() && amount("list").is_err() && amount("t").is_err());
        assert!(LooseObject::read(r#"{"rc":"00","rc":"02"}"#).unwrap_err().contains("said twice"));
        assert!(LooseObject::read("7").unwrap_err().contains("expected an object"));
        assert_eq!((object.json("list"), object.json("absent")), (Some("[1]"), None));
    }

    #[test]
    fn names_are_for_people() {
        assert_eq!(clean_name(" XL\t10\u{200b}\u{202e}.000\n\u{a0}Hemat "), "XL 10 .000 Hemat");
        assert_eq!(clean_name(&"x".repeat(900)).len(), 200);
    }
}
