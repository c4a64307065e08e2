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
    }

    #[test]
    fn the_widely_printed_vector_is_wrong() {
        assert_ne!(
            sign_trx("YUSUF", "X10", "08123456789", "2140669", "1144", "abcd"),
            "vlrN9Yuu4xHAT8_bXIUHKw2NjHo"
        );
    }
}
