//! Which serial numbers are the same proof.

use types::{Dest, Sn};

/// Placeholder until merge.
#[must_use]
pub fn identity(sn: &Sn, dest: &Dest) -> Option<String> {
    let text: String =
        sn.as_str().chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (digits >= 3 && text != dest.as_str()).then_some(text)
}
