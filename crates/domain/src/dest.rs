//! What the destination of a product looks like, and the one form in which it is bought.
//!
//! Two spellings of one number must become one, or be refused before money moves: what is not surely
//! a spelling is never made to fit.

use crate::RuleError;
use std::fmt;
use std::str::FromStr;
use types::{DEST_EXTRA, Dest, mobile_number};

/// What the destination of a product looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DestRule {
    /// Anything of the wire's own characters.
    #[default]
    Any,
    /// The same, and these besides: game ids with `#`, names with a space.
    With(Extra),
    /// A mobile number. Separators go, `+62`, `62`, `0062` (also before a `0`) become `0`; then it
    /// begins with `08`. A landline is none.
    Phone,
    /// Only digits, this many.
    Digits {
        /// Fewest.
        min: u8,
        /// Most.
        max: u8,
    },
}

/// Which of [`DEST_EXTRA`] a destination may hold; one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra(u8);

impl Extra {
    fn of(text: &str) -> Option<Self> {
        let bit = |byte| DEST_EXTRA.iter().position(|extra| *extra == byte);
        let bits = text.bytes().try_fold(0_u8, |bits, byte| Some(bits | (1 << bit(byte)?)))?;
        (bits != 0).then_some(Self(bits))
    }

    fn has(self, byte: u8) -> bool {
        let place = DEST_EXTRA.iter().position(|extra| *extra == byte);
        place.is_some_and(|place| self.0 & (1 << place) != 0)
    }
}

/// What stands for the space in the word of a rule.
const SPACE: &str = "space";

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

impl DestRule {
    /// The destination in its normal form, or `None` when it breaks the rule.
    #[must_use]
    pub fn normalise(self, dest: &Dest) -> Option<Dest> {
        let text = dest.as_str();
        let only = |may: &dyn Fn(u8) -> bool| {
            let fits = text.bytes().all(|b| !DEST_EXTRA.contains(&b) || may(b));
            fits.then(|| dest.clone())
        };
        match self {
            Self::Any => only(&|_| false),
            Self::With(extra) => only(&|byte| extra.has(byte)),
            Self::Digits { min, max } => {
                let fits =
                    digits(text) && (usize::from(min)..=usize::from(max)).contains(&text.len());
                fits.then(|| dest.clone())
            }
            Self::Phone => mobile_number(text).and_then(|local| Dest::parse(&local).ok()),
        }
    }
}

impl fmt::Display for DestRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::With(extra) => {
                f.write_str("any+")?;
                for byte in DEST_EXTRA.into_iter().filter(|byte| extra.has(*byte)) {
                    if byte == b' ' {
                        f.write_str(SPACE)?
                    } else {
                        write!(f, "{}", char::from(byte))?
                    }
                }
                Ok(())
            }
            Self::Phone => f.write_str("phone"),
            Self::Digits { min, max } => write!(f, "digits:{min}-{max}"),
        }
    }
}

impl FromStr for DestRule {
    type Err = RuleError;

    /// Reads `any`, `any+#/space`, `phone` or `digits:11-12`.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let wrong = || {
            RuleError::new(format!(
                "destination rule `{text}`: write `any`, `any+` and which of # / , : space it may \
                 hold, `phone` or `digits:MIN-MAX`"
            ))
        };
        match text.trim() {
            "" | "any" => Ok(Self::Any),
            "phone" => Ok(Self::Phone),
            other => {
                if let Some(extra) = other.strip_prefix("any+") {
                    return Extra::of(&extra.replace(SPACE, " ")).map(Self::With).ok_or_else(wrong);
                }
                let (min, max) = other
                    .strip_prefix("digits:")
                    .and_then(|range| range.split_once('-'))
                    .ok_or_else(wrong)?;
                let min: u8 = min.parse().map_err(|_| wrong())?;
                let max: u8 = max.parse().map_err(|_| wrong())?;
                if min < 3 || min > max || max > 64 {
                    Err(wrong())
                } else {
                    Ok(Self::Digits { min, max })
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(rule: DestRule, text: &str) -> Option<String> {
        rule.normalise(&Dest::parse(text).expect("fine")).map(|dest| dest.to_string())
    }

    #[test]
    fn every_spelling_of_a_phone_is_one_number_or_none() {
        for given in [
            "089660522887",
            "6289660522887",
            "+6289660522887",
            "006289660522887",
            "62089660522887",
            "+62 (0) 896-6052-2887",
            "(+62) 896 6052 2887",
            "0896.6052.2887",
            "0062-0896-60522887",
        ] {
            assert_eq!(normal(DestRule::Phone, given).as_deref(), Some("089660522887"), "{given}");
        }
        for given in [
            "89660522887",
            "0812",
            "02155566778",
            "622155566778",
            "+6302155566778",
            "+089660522887",
            "620089660522887",
            "6262896605228",
            "2.089660522887",
            "08966052288a",
            "0896+60522887",
            "0896/60522887",
        ] {
            assert_eq!(normal(DestRule::Phone, given), None, "{given}");
        }
    }

    #[test]
    fn a_rule_says_which_characters_it_takes() {
        let game: DestRule = "any+#space".parse().expect("fine");
        assert_eq!(game.to_string(), "any+#space");
        assert_eq!(normal(game, "Nama Saya#12").as_deref(), Some("Nama Saya#12"));
        assert_eq!(normal(game, "12345(2001)").as_deref(), Some("12345(2001)"));
        assert_eq!(normal(game, "12/34"), None);
        for extra in ["a#1", "a/1", "a,1", "a:1", "a 1"] {
            assert_eq!(normal(DestRule::Any, extra), None, "{extra}");
        }
        let meter: DestRule = "digits:11-12".parse().expect("fine");
        assert_eq!(normal(meter, "86024157967").as_deref(), Some("86024157967"));
        assert_eq!(normal(meter, "8602415796"), None);
        for text in ["digits:2-5", "digits:9-3", "digits:x", "regex", "any+", "any+%", "any#"] {
            assert!(text.parse::<DestRule>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn separators_and_prefixes_never_make_two_numbers(
            number in "8[1-9][0-9]{7,10}",
            prefix in prop::sample::select(vec!["0", "62", "+62", "0062", "620", "+620", "00620"]),
            cuts in prop::collection::vec((0..20_usize, prop::sample::select(vec![" ", "-", ".", "(", ")"])), 0..5),
        ) {
            let mut text = format!("{prefix}{number}");
            for (at, mark) in cuts {
                let at = at.min(text.len());
                text.insert_str(at, mark);
            }
            if let Ok(dest) = Dest::parse(&text)
                && let Some(normal) = DestRule::Phone.normalise(&dest)
            {
                prop_assert_eq!(normal.as_str(), format!("0{number}"));
            }
        }

        #[test]
        fn a_normal_form_is_its_own(text in "[0-9 +().-]{3,20}") {
            if let Ok(dest) = Dest::parse(&text)
                && let Some(normal) = DestRule::Phone.normalise(&dest)
            {
                prop_assert_eq!(DestRule::Phone.normalise(&normal), Some(normal.clone()));
            }
        }
    }
}
