//! Money: whole rupiah in an `i64`, never a float, never a silent wrap.
//!
//! How people and programs write amounts is read in `amount`, and nowhere else.

use std::fmt;

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
    /// More than one entry of a business can be.
    TooMuch(String),
    /// The text is not an amount.
    NotAnAmount(String),
    /// The text has a part of a rupiah, where only whole ones are taken.
    Fraction(String),
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow => f.write_str("amount out of range"),
            Self::TooMuch(text) => {
                write!(f, "`{text}` is too much; one amount is at most 10.000.000.000.000")
            }
            Self::NotAnAmount(text) => {
                write!(f, "`{text}` is not an amount in rupiah (write 279655 or 279.655)")
            }
            Self::Fraction(text) => {
                write!(f, "`{text}` has a part of a rupiah; amounts are whole rupiah")
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
        // Two numbers of 64 bits are far from the end of 128.
        let scaled = i128::from(self.0).saturating_mul(i128::from(basis_points));
        let rounded = scaled.saturating_add(5_000).div_euclid(10_000);
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
        let mut text = String::with_capacity(digits.len().saturating_add(8));
        if self.0 < 0 {
            text.push('-');
        }
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
                text.push('.');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn shares_round_half_up_once() {
        assert_eq!(Rupiah::new(12_345).share_half_up(100), Ok(Rupiah::new(123)));
        assert_eq!(Rupiah::new(50).share_half_up(100), Ok(Rupiah::new(1)));
        assert_eq!(Rupiah::new(49).share_half_up(100), Ok(Rupiah::new(0)));
        assert_eq!(Rupiah::new(i64::MAX).share_half_up(20_000), Err(MoneyError::Overflow));
    }
}
