//! Habits of other centers that a member's program may expect (WIRE.md section 3). All are off unless
//! an operator switched them on for this member, and none changes what happens to money.

use crate::RuleError;
use std::fmt;
use std::str::FromStr;

/// What a repeated purchase is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepeatWords {
    /// The accept sentence while pending, the check sentence once final.
    #[default]
    AsItStands,
    /// Always the accept sentence.
    Accept,
    /// Always the check sentence.
    Check,
}

/// A member's switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// What a repeat is answered with. A refused purchase is never told as accepted.
    pub repeat: RepeatWords,
    /// `check=1` needs only the refID; `/trx/status?refID=` is the same.
    pub check_by_ref: bool,
    /// Refusals show no balance.
    pub no_balance: bool,
    /// `produk`, `tujuan` and `amount` are `product`, `dest` and `qty`; `/saldo` is `/balance`.
    pub aliases: bool,
    /// `. Hrg n` behind a failed check.
    pub failed_price: bool,
}

impl Dialect {
    /// Every word of a dialect.
    pub const WORDS: [&str; 6] =
        ["repeat-accept", "repeat-check", "check-by-ref", "no-balance", "aliases", "failed-price"];

    /// The same in one line, for people.
    pub const LIST: &str =
        "repeat-accept repeat-check check-by-ref no-balance aliases failed-price";

    /// Which of [`Self::WORDS`] are on, in that order.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let on = [
            self.repeat == RepeatWords::Accept,
            self.repeat == RepeatWords::Check,
            self.check_by_ref,
            self.no_balance,
            self.aliases,
            self.failed_price,
        ];
        Self::WORDS.into_iter().zip(on).filter_map(|(word, on)| on.then_some(word)).collect()
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

impl FromStr for Dialect {
    type Err = RuleError;

    /// Reads words with spaces or commas between them; nothing for none.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut dialect = Self::default();
        let say = |dialect: &mut Self, repeat| {
            if dialect.repeat != RepeatWords::AsItStands && dialect.repeat != repeat {
                return Err(RuleError::new(
                    "dialect: repeat-accept or repeat-check, not both".into(),
                ));
            }
            dialect.repeat = repeat;
            Ok(())
        };
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            match word {
                "repeat-accept" => say(&mut dialect, RepeatWords::Accept)?,
                "repeat-check" => say(&mut dialect, RepeatWords::Check)?,
                "check-by-ref" => dialect.check_by_ref = true,
                "no-balance" => dialect.no_balance = true,
                "aliases" => dialect.aliases = true,
                "failed-price" => dialect.failed_price = true,
                other => {
                    let known = Self::WORDS.join(", ");
                    return Err(RuleError::new(format!("dialect `{other}`: write any of {known}")));
                }
            }
        }
        Ok(dialect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_read_as_it_is_written() {
        assert_eq!("".parse(), Ok(Dialect::default()));
        for word in Dialect::WORDS {
            let dialect: Dialect = word.parse().expect("fine");
            assert_eq!(dialect.to_string(), word);
            assert_ne!(dialect, Dialect::default());
        }
        let all = "repeat-check, check-by-ref,no-balance aliases failed-price";
        let dialect: Dialect = all.parse().expect("fine");
        assert_eq!(dialect.to_string().parse(), Ok(dialect));
        assert_eq!(Dialect::WORDS.join(" "), Dialect::LIST);
        for wrong in ["repeat-accept repeat-check", "repeat", "saldo"] {
            assert!(wrong.parse::<Dialect>().is_err(), "{wrong}");
        }
    }
}
