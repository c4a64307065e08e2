//! The one grammar of amounts, for suppliers' texts, files, forms and doors alike.
//!
//! Written amounts are read exactly: a separator that groups thousands and one that begins a
//! fraction are told apart by their place, never by a guess that could make an amount larger. What
//! could be either is refused. A part of a rupiah is refused, or rounded where the field says how.

use crate::{MoneyError, Rupiah};
use std::str::FromStr;

/// What a field does with a part of a rupiah.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// It is not taken.
    Refuse,
    /// To the next whole rupiah above: what something costs us.
    Up,
    /// To the next whole rupiah below: what we have somewhere.
    Down,
}

/// The largest exponent of a number in JSON.
const EXPONENT_MOST: usize = 40;

impl Rupiah {
    /// Most of one amount that somebody gives: ten trillion. Sums of as many as there can be stay far
    /// from where numbers end.
    pub const ENTRY_MOST: Self = Self::new(10_000_000_000_000);

    /// Reads an amount as people write it.
    ///
    /// `1321`, `1.321`, `1,321`, `1.321,00`, `1,321.00`, `Rp 1.321,-`, `IDR 1 321`, `-1.000`. Of two
    /// different separators the last is the decimal one. A single one is decimal too unless exactly
    /// three digits follow it: `1.321` is one thousand three hundred and twenty-one.
    ///
    /// # Errors
    /// [`MoneyError`] for anything else.
    pub fn read(text: &str, rounding: Rounding) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::NotAnAmount(beginning(text));
        let (negative, body) = signed(text).ok_or_else(wrong)?;
        let (whole, fraction) = split(body).ok_or_else(wrong)?;
        rounded(text, negative, &whole, fraction, rounding)
    }

    /// Reads a number of JSON, where a dot is always the decimal one: `990000.50`, `1e6`.
    ///
    /// # Errors
    /// [`MoneyError`] for anything else.
    pub fn read_number(text: &str, rounding: Rounding) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::NotAnAmount(beginning(text));
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = body.split_once(['e', 'E']).unwrap_or((body, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let ends_in_dot = mantissa.ends_with('.');
        if !are_digits(whole) || ends_in_dot || !(fraction.is_empty() || are_digits(fraction)) {
            return Err(wrong());
        }
        let exponent: i32 = exponent.parse().map_err(|_| wrong())?;
        let steps = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
        if steps > EXPONENT_MOST {
            return Err(MoneyError::Overflow);
        }
        let zeros = "0".repeat(steps);
        let (whole, fraction) = if exponent.is_negative() {
            let all = format!("{zeros}{whole}");
            let (left, right) = all.split_at(all.len().saturating_sub(steps));
            (left.to_owned(), format!("{right}{fraction}"))
        } else {
            let all = format!("{fraction}{zeros}");
            let (left, right) = all.split_at(steps);
            (format!("{whole}{left}"), right.trim_end_matches('0').to_owned())
        };
        let whole = if whole.is_empty() { "0" } else { &whole };
        rounded(text, negative, whole, &fraction, rounding)
    }
}

impl FromStr for Rupiah {
    type Err = MoneyError;

    /// [`Rupiah::read`], whole rupiah only, and no more than one entry of a business can be: what
    /// people, files and doors give.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let amount = Self::read(text, Rounding::Refuse)?;
        if amount.get().unsigned_abs() > Self::ENTRY_MOST.get().unsigned_abs() {
            return Err(MoneyError::TooMuch(beginning(text)));
        }
        Ok(amount)
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(40).collect()
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Without the name of the currency, in letters of any case.
fn without_currency(text: &str) -> Option<&str> {
    ["rp.", "rp", "idr"].into_iter().find_map(|name| {
        let (head, rest) = text.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then(|| rest.trim())
    })
}

/// The sign, and the digits with their separators. The currency's name may stand in front or
/// behind, the sign in front of either.
fn signed(text: &str) -> Option<(bool, &str)> {
    fn sign(text: &str) -> (Option<bool>, &str) {
        match text.chars().next() {
            Some('-' | '\u{2212}') => (Some(true), text.trim_start_matches(['-', '\u{2212}'])),
            Some('+') => (Some(false), text.trim_start_matches('+')),
            Some(_) | None => (None, text),
        }
    }
    // "--5" is no amount.
    let one =
        |text: &str, rest: &str| text.chars().count().saturating_sub(rest.chars().count()) <= 1;
    let text = text.trim();
    let (outer, rest) = sign(text);
    if !one(text, rest) {
        return None;
    }
    let rest = rest.trim_start();
    let named = without_currency(rest);
    let (inner, body) = sign(named.unwrap_or(rest));
    if !one(named.unwrap_or(rest), body) || (outer.is_some() && inner.is_some()) {
        return None;
    }
    let mut body = body.trim_start();
    if named.is_none() {
        for name in ["idr", "rp"] {
            let at = body.len().checked_sub(name.len());
            if let Some((front, tail)) = at.and_then(|at| body.split_at_checked(at))
                && tail.eq_ignore_ascii_case(name)
            {
                body = front.trim_end();
                break;
            }
        }
    }
    // "1.321,-": no part of a rupiah.
    for none in [",--", ".--", ",-", ".-", ",\u{2013}", ",\u{2014}"] {
        if let Some(front) = body.strip_suffix(none) {
            // Nothing but thousands can stand in front of it.
            let (whole, fraction) = split(front)?;
            return (fraction.is_empty() && !whole.is_empty())
                .then_some((outer.or(inner).unwrap_or(false), front));
        }
    }
    Some((outer.or(inner).unwrap_or(false), body))
}

/// Whole digits and the digits of a fraction.
fn split(body: &str) -> Option<(String, &str)> {
    let is_mark = |c: char| c == '.' || c == ',';
    let last = body.char_indices().rev().find(|(_, c)| is_mark(*c));
    let Some((at, mark)) = last else { return Some((thousands(body)?, "")) };
    let (front, behind) = (&body[..at], &body[at.saturating_add(1)..]);
    let others = front.contains(|c: char| !c.is_ascii_digit() && c != mark);
    let again = front.contains(mark);
    let digits = front.chars().filter(char::is_ascii_digit).count();
    // A number that is grouped never begins with a zero, and its first group is short.
    let groups = behind.len() == 3 && (again || (digits <= 3 && !front.starts_with('0')));
    if !others && (again || groups) {
        return Some((thousands(body)?, ""));
    }
    // "01.000" may be a padded thousand.
    let padded = behind.len() == 3 && digits > 1 && front.starts_with('0');
    if again || padded || !are_digits(behind) {
        return None;
    }
    Some((thousands(front)?, behind))
}

/// Digits in groups of three with one kind of separator, or without any.
fn thousands(text: &str) -> Option<String> {
    let Some(mark) = text.chars().find(|c| !c.is_ascii_digit()) else {
        return are_digits(text).then(|| text.to_owned());
    };
    let is_space = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}');
    if !(is_space(mark) || matches!(mark, '.' | ',' | '\'' | '\u{2019}')) {
        return None;
    }
    let mut groups = text.split(mark);
    let first = groups.next()?;
    let fits = are_digits(first) && first.len() <= 3 && !first.starts_with('0');
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 || !are_digits(group) {
            return None;
        }
        digits.push_str(group);
    }
    fits.then_some(digits)
}

/// The amount, exactly: the fraction is only looked at for whether there is any.
fn rounded(
    text: &str,
    negative: bool,
    whole: &str,
    fraction: &str,
    rounding: Rounding,
) -> Result<Rupiah, MoneyError> {
    // What saturates is far out of range.
    let mut value: i128 = 0;
    for byte in whole.bytes() {
        value = value.saturating_mul(10).saturating_add(i128::from(byte.saturating_sub(b'0')));
    }
    if negative {
        value = value.saturating_neg();
    }
    if fraction.bytes().any(|byte| byte != b'0') {
        match (rounding, negative) {
            (Rounding::Refuse, _) => return Err(MoneyError::Fraction(beginning(text))),
            (Rounding::Up, false) => value = value.saturating_add(1),
            (Rounding::Down, true) => value = value.saturating_sub(1),
            (Rounding::Up, true) | (Rounding::Down, false) => {}
        }
    }
    i64::try_from(value).map(Rupiah::new).map_err(|_| MoneyError::Overflow)
}
