//! Money: whole rupiah in an `i64`, never a float, never a silent wrap.

use std::fmt;
use std::str::FromStr;

/// An amount in whole rupiah. May be negative (a credit limit in use, a postpaid commission).
///
/// `Display` prints the wire form with dots: `279655` is `279.655` (WIRE.md section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rupiah(i64);

/// Why an amount could not be computed or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// The result does not fit; nothing was changed.
    Overflow,
    /// The text is not an amount.
    NotAnAmount(String),
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow => f.write_str("amount out of range"),
            Self::NotAnAmount(text) => {
                write!(f, "`{text}` is not an amount in rupiah (write 279655 or 279.655)")
            }
        }
    }
}

impl std::error::Error for MoneyError {}

impl Rupiah {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Wraps a whole number of rupiah.
    #[must_use]
    pub const fn new(rupiah: i64) -> Self {
        Self(rupiah)
    }

    /// The whole number of rupiah.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Sum.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the sum does not fit.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// Difference.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the difference does not fit.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// `basis_points` hundredths of a percent of this amount, rounded once, half up.
    /// The only place where a percentage becomes money.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the product does not fit.
    pub fn share_half_up(self, basis_points: i64) -> Result<Self, MoneyError> {
        let scaled = i128::from(self.0) * i128::from(basis_points);
        let rounded = (scaled + 5_000).div_euclid(10_000);
        i64::try_from(rounded).map(Self).map_err(|_| MoneyError::Overflow)
    }

    /// True below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.unsigned_abs().to_string();
        let mut text = String::with_capacity(digits.len() + 8);
        if self.0 < 0 {
            text.push('-');
        }
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push('.');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

impl FromStr for Rupiah {
    type Err = MoneyError;

    /// Reads `279655`, `279.655`, `-1.000` and, for other centers, `71,900`.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::NotAnAmount(text.chars().take(40).collect());
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut groups = body.split(['.', ',']);
        let first = groups.next().unwrap_or_default();
        let mut digits = String::from(first);
        let mut grouped = false;
        for group in groups {
            if group.len() != 3 {
                return Err(wrong());
            }
            grouped = true;
            digits.push_str(group);
        }
        let shape_ok = !first.is_empty() && (!grouped || first.len() <= 3);
        if !shape_ok || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let value: i64 = digits.parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Self(if negative { -value } else { value }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_with_dots() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.000"),
            (279_655, "279.655"),
            (43_928_256, "43.928.256"),
            (-1_000, "-1.000"),
            (i64::MIN, "-9.223.372.036.854.775.808"),
        ] {
            assert_eq!(Rupiah::new(value).to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        for text in ["", "-", "1.00", "1.0000", "12a", "1234.567", ".500", "1..000", "+5", " 5"] {
            assert!(text.parse::<Rupiah>().is_err(), "{text:?} was taken");
        }
        assert_eq!("99999999999999999999".parse::<Rupiah>(), Err(MoneyError::Overflow));
    }

    #[test]
    fn shares_round_half_up_once() {
        assert_eq!(Rupiah::new(12_345).share_half_up(100), Ok(Rupiah::new(123)));
        assert_eq!(Rupiah::new(50).share_half_up(100), Ok(Rupiah::new(1)));
        assert_eq!(Rupiah::new(49).share_half_up(100), Ok(Rupiah::new(0)));
        assert_eq!(Rupiah::new(i64::MAX).share_half_up(20_000), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn printed_amounts_read_back(value in (i64::MIN + 1)..i64::MAX) {
            prop_assert_eq!(Rupiah::new(value).to_string().parse::<Rupiah>(), Ok(Rupiah::new(value)));
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Rupiah>();
        }
    }
}
