//! A request as it was given, kept with its purchase: what a repeat is compared with, whatever
//! became of the product since (promise 2).

use crate::{BuyRequest, Denomination, DestRule, Product, RuleError, Trx};
use defects::{Defect, on};
use std::fmt;
use std::str::FromStr;
use types::{Dest, ProductCode, Qty};

/// In which words a purchase came, where its answers and reports repeat them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `/trx` and `/v1`: answered in our own words.
    #[default]
    Plain,
    /// A marketplace's JSON.
    Seller {
        /// The product as typed; the same code but for the case of its letters.
        code: String,
        /// `customer_id` and `product_code` instead of `hp` and `pulsa_code`.
        newer: bool,
    },
}

/// What was asked for, and the rules of that day by which it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// As sent, not normalised.
    pub dest: Dest,
    /// As sent.
    pub qty: Option<Qty>,
    /// What the product's destinations looked like.
    pub rule: DestRule,
    /// The product had a fixed denomination: `qty=1` was the same as none.
    pub fixed: bool,
    /// Its words.
    pub form: Form,
}

impl Given {
    /// The request to a product of today.
    #[must_use]
    pub fn new(request: &BuyRequest, product: &Product) -> Self {
        Self {
            dest: request.dest.clone(),
            qty: request.qty,
            rule: product.dest_rule,
            fixed: match product.denomination {
                Denomination::Fixed => true,
                Denomination::Open { .. } => false,
            },
            form: request.form.clone(),
        }
    }
}

/// `qty=1` on a fixed product is the same as none; many clients always send it.
pub(crate) fn plain_qty(qty: Option<Qty>, fixed: bool) -> Option<Qty> {
    qty.filter(|qty| !fixed || qty.get() != 1)
}

/// A destination as purchases before this column spelled phone numbers.
fn loose(dest: &Dest) -> String {
    let text = dest.as_str();
    match text.strip_prefix("+62").or_else(|| text.strip_prefix("62")) {
        Some(rest) => format!("0{rest}"),
        None => text.to_owned(),
    }
}

/// True when a request names the purchase that stands under its reference (promise 2).
///
/// It is read by the rules of the day of the purchase; `today` serves only for purchases that were
/// written before these were kept.
#[must_use]
pub fn is_repeat(existing: &Trx, request: &BuyRequest, today: Option<&Product>) -> bool {
    if existing.product != request.product {
        return false;
    }
    let given = &request.dest;
    let is_one_of = |known: &[&Dest]| known.contains(&given) || on(Defect::AnyRepeatFits);
    match &existing.given {
        Some(then) => {
            let dest = is_one_of(&[&existing.dest, &then.dest])
                || then.rule.normalise(given).is_some_and(|normal| normal == existing.dest);
            let qty = request.qty == then.qty || plain_qty(request.qty, then.fixed) == existing.qty;
            dest && qty
        }
        None => {
            let fixed = match today.map(|product| product.denomination) {
                Some(Denomination::Open { .. }) => false,
                Some(Denomination::Fixed) | None => true,
            };
            let normal = today.and_then(|product| product.dest_rule.normalise(given));
            let dest = is_one_of(&[&existing.dest])
                || normal.is_some_and(|normal| normal == existing.dest)
                || loose(given) == existing.dest.as_str();
            dest && plain_qty(request.qty, fixed) == existing.qty
        }
    }
}

impl fmt::Display for Given {
    /// The words of the stored column; the destination last, because it may hold spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.qty {
            Some(qty) => write!(f, "{qty}")?,
            None => f.write_str("-")?,
        }
        let kind = if self.fixed { "fixed" } else { "open" };
        write!(f, " {kind} {} ", self.rule)?;
        match &self.form {
            Form::Plain => f.write_str("plain")?,
            Form::Seller { code, newer: false } => write!(f, "hp:{code}")?,
            Form::Seller { code, newer: true } => write!(f, "customer:{code}")?,
        }
        write!(f, " {}", self.dest)
    }
}

impl FromStr for Given {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let wrong = || RuleError::new(format!("a request as it was given: `{text}`"));
        let mut parts = text.splitn(5, ' ');
        let mut part = || parts.next().ok_or_else(wrong);
        let qty = match part()? {
            "-" => None,
            number => Some(number.parse().ok().and_then(Qty::new).ok_or_else(wrong)?),
        };
        let fixed = match part()? {
            "fixed" => true,
            "open" => false,
            _ => return Err(wrong()),
        };
        let rule = part()?.parse()?;
        let form = part()?;
        let code =
            |code: &str| ProductCode::parse(code).map(|_| code.to_owned()).map_err(|_| wrong());
        let form = if form == "plain" {
            Form::Plain
        } else if let Some(typed) = form.strip_prefix("hp:") {
            Form::Seller { code: code(typed)?, newer: false }
        } else if let Some(typed) = form.strip_prefix("customer:") {
            Form::Seller { code: code(typed)?, newer: true }
        } else {
            return Err(wrong());
        };
        let dest = Dest::parse(part()?).map_err(|_| wrong())?;
        Ok(Self { dest, qty, rule, fixed, form })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_is_written() {
        let given = |dest: &str, qty, rule: &str, fixed, form| Given {
            dest: Dest::parse(dest).expect("fine"),
            qty,
            rule: rule.parse().expect("fine"),
            fixed,
            form,
        };
        for (value, text) in [
            (
                given("+62 896-6052 2887", None, "phone", true, Form::Plain),
                "- fixed phone plain +62 896-6052 2887",
            ),
            (
                given("Nama#1", Qty::new(25_000), "any+#space", false, Form::Plain),
                "25000 open any+#space plain Nama#1",
            ),
            (
                given(
                    "087800001230",
                    Qty::new(1),
                    "digits:9-15",
                    true,
                    Form::Seller { code: "xld10".into(), newer: true },
                ),
                "1 fixed digits:9-15 customer:xld10 087800001230",
            ),
        ] {
            assert_eq!(value.to_string(), text);
            assert_eq!(text.parse(), Ok(value));
        }
        for wrong in ["", "- fixed phone plain", "x fixed any plain 123", "- ? any plain 123"] {
            assert!(wrong.parse::<Given>().is_err(), "{wrong}");
        }
    }
}
