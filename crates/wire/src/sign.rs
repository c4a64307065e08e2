//! The OtomaX sign: `base64url_nopad(sha1_raw("OtomaX|..."))`, WIRE.md section 2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest as _, Sha1};

fn sign(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(Sha1::digest(parts.join("|").as_bytes()))
}

/// The sign of a purchase or a status check; fields as the client typed them.
#[must_use]
pub fn sign_trx(
    member: &str,
    product: &str,
    dest: &str,
    ref_id: &str,
    pin: &str,
    password: &str,
) -> String {
    sign(&["OtomaX", member, product, dest, ref_id, pin, password])
}

/// The sign of a balance request.
#[must_use]
pub fn sign_balance(member: &str, pin: &str, password: &str) -> String {
    sign(&["OtomaX", "CheckBalance", member, pin, password])
}

/// The same with the empty fields of a purchase between the bars, as some clients sign it.
#[must_use]
pub fn sign_balance_bars(member: &str, pin: &str, password: &str) -> String {
    sign(&["OtomaX", member, "", "", "", pin, password])
}

/// A sign as it was sent, in the alphabet of ours: padded or not, with `+` and `/` or `-` and `_`.
/// A `+` that was not percent-encoded arrives as a space.
#[must_use]
pub fn same_alphabet(given: &str) -> String {
    let text = given.trim_end_matches('=');
    text.chars()
        .map(|c| match c {
            '+' | ' ' => '-',
            '/' => '_',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_vectors() {
        assert_eq!(
            sign_trx("YUSUF", "X10", "08123456789", "2140669", "1144", "abcd"),
            "Cp9NLVuKWBt5Sey_uMlYsvnKvJI"
        );
        assert_eq!(sign_balance("YUSUF", "1144", "abcd"), "YFuaekLx4HR_wei0nLRzxjqll0Q");
        assert_eq!(sign_balance_bars("YUSUF", "1144", "abcd"), "0TSEdki80ZbI0JPR5Kxd8S1hlRw");
    }

    #[test]
    fn one_digest_has_four_spellings() {
        let ours = sign_balance("YUSUF", "1144", "abcd");
        for given in [
            "YFuaekLx4HR_wei0nLRzxjqll0Q",
            "YFuaekLx4HR_wei0nLRzxjqll0Q=",
            "YFuaekLx4HR/wei0nLRzxjqll0Q=",
            "YFuaekLx4HR/wei0nLRzxjqll0Q",
        ] {
            assert_eq!(same_alphabet(given), ours);
        }
        assert_eq!(same_alphabet("a+b c/d=="), "a-b-c_d");
        assert_ne!(same_alphabet("yFuaekLx4HR_wei0nLRzxjqll0Q"), ours);
    }

    #[test]
    fn the_widely_printed_vector_is_wrong() {
        assert_ne!(
            sign_trx("YUSUF", "X10", "08123456789", "2140669", "1144", "abcd"),
            "vlrN9Yuu4xHAT8_bXIUHKw2NjHo"
        );
    }
}
