//! Downlines: who brought whom, what each adds to the price, and what that earns.
//!
//! A member with an upline pays what its upline pays plus its upline's markup. What was added on
//! the way down is frozen with the purchase and paid in the settlement's own commit, so that a
//! markup changed later changes no purchase.

use crate::{Price, RuleError};
use defects::{Defect, on};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use types::{MemberId, MoneyError, ProductCode, Rupiah};

/// Members above one another at most; what is deeper sells nothing.
pub const DEEPEST: usize = 64;

/// Whose downline a member is, and what it pays more than its upline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upline {
    /// Who brought it.
    pub member: MemberId,
    /// Added to every price.
    pub markup: Rupiah,
    /// Added instead, for these products.
    pub markups: Markups,
}

impl Upline {
    /// What is added to the price of a product.
    #[must_use]
    pub fn adds(&self, product: &ProductCode) -> Rupiah {
        self.markups.0.get(product).copied().unwrap_or(self.markup)
    }
}

/// Markups of single products. Text form: `T1:150 T5:200`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markups(pub BTreeMap<ProductCode, Rupiah>);

/// A markup: never negative, or a downline would buy below its upline's price.
fn amount(text: &str) -> Option<Rupiah> {
    let amount: Rupiah = text.parse().ok()?;
    (!amount.is_negative()).then_some(amount)
}

impl fmt::Display for Markups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().map(|(product, more)| format!("{product}:{}", more.get()));
        f.write_str(&each.collect::<Vec<_>>().join(" "))
    }
}

impl FromStr for Markups {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let one = |part: &str| {
            let (product, more) = part.split_once(':')?;
            Some((ProductCode::parse(product).ok()?, amount(more)?))
        };
        text.split([' ', ',', '\n', '\r', '\t'])
            .filter(|part| !part.is_empty())
            .map(|part| {
                one(part).ok_or_else(|| {
                    RuleError::new(format!("markup `{part}`: write PRODUCT:AMOUNT, from 0 up"))
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// What an upline earns of one purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who earns it.
    pub member: MemberId,
    /// How much; above 0.
    pub amount: Rupiah,
}

/// Shares of a purchase, the buyer's own upline first. Text form: `7:150 3:50`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares(pub Vec<Share>);

impl Shares {
    /// All of them together; the sum was checked when they were made.
    #[must_use]
    pub fn total(&self) -> Rupiah {
        let total = self.0.iter().fold(0_i64, |sum, share| sum.saturating_add(share.amount.get()));
        Rupiah::new(total)
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().map(|share| format!("{}:{}", share.member, share.amount.get()));
        f.write_str(&each.collect::<Vec<_>>().join(" "))
    }
}

impl FromStr for Shares {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let one = |part: &str| {
            let (member, more) = part.split_once(':')?;
            let member = MemberId::new(member.parse().ok()?);
            Some(Share { member, amount: amount(more)? })
        };
        text.split(' ')
            .filter(|part| !part.is_empty())
            .map(|part| one(part).ok_or_else(|| RuleError::new(format!("share `{part}`"))))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// What a member pays whose chain of uplines is `chain`, its own first: the price of the topmost
/// one and every markup on the way down.
///
/// # Errors
/// [`MoneyError::Overflow`] when it does not fit.
pub fn with_markups<'a>(
    top: Price,
    chain: impl IntoIterator<Item = &'a Upline>,
    product: &ProductCode,
) -> Result<(Price, Shares), MoneyError> {
    let (mut price, mut shares) = (top, Shares::default());
    for upline in chain {
        let amount = upline.adds(product);
        if !on(Defect::MarkupForgotten) {
            price.amount = price.amount.plus(amount)?;
        }
        if amount > Rupiah::ZERO {
            shares.0.push(Share { member: upline.member, amount });
        }
    }
    Ok((price, shares))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upline(member: i64, markup: i64, markups: &str) -> Upline {
        let markups = markups.parse().unwrap();
        Upline { member: MemberId::new(member), markup: Rupiah::new(markup), markups }
    }

    #[test]
    fn every_upline_earns_what_it_added() {
        let (t1, t5) = (ProductCode::parse("T1").unwrap(), ProductCode::parse("T5").unwrap());
        let chain = [upline(7, 100, "T1:150"), upline(3, 50, "T5:0")];
        let top = Price { amount: Rupiah::new(1_000), basis_points: 25 };
        let (price, shares) = with_markups(top, &chain, &t1).unwrap();
        assert_eq!((price.amount.get(), price.basis_points), (1_200, 25));
        assert_eq!((shares.to_string(), shares.total().get()), ("7:150 3:50".to_owned(), 200));
        let (price, shares) = with_markups(top, &chain, &t5).unwrap();
        assert_eq!((price.amount.get(), shares.to_string()), (1_100, "7:100".to_owned()));
        assert_eq!(shares.to_string().parse(), Ok(shares));
        let most = Price { amount: Rupiah::new(i64::MAX), basis_points: 0 };
        assert!(with_markups(most, &chain, &t1).is_err());
    }

    #[test]
    fn markups_are_read_as_they_are_written() {
        let markups: Markups = "T1:150, T5:1.200\nAX10:0".parse().unwrap();
        assert_eq!(markups.to_string(), "AX10:0 T1:150 T5:1200");
        assert_eq!(markups.to_string().parse(), Ok(markups));
        for wrong in ["T1", "T1:-5", "T1:x", ":5"] {
            assert!(wrong.parse::<Markups>().is_err(), "{wrong}");
        }
    }
}
