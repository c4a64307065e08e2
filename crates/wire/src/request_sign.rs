//! The sign of the JSON door, `/v1` (WIRE.md section 9): no secret travels, and a request cannot be
//! changed or sent again by who saw it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Seconds since 1970, as sent.
    pub timestamp: &'a str,
    /// Once per key within the window.
    pub nonce: &'a str,
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Path and query, as sent.
    pub target: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The text under the sign.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { timestamp, nonce, method, target, body } = self;
        let digest = types::hex(Sha256::digest(body));
        format!("v1\n{timestamp}\n{nonce}\n{method}\n{target}\n{digest}")
    }

    /// `v1=` and the HMAC-SHA256 of the text, in hexadecimal digits.
    #[must_use]
    pub fn sign(&self, secret: &str) -> String {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            return String::new();
        };
        mac.update(self.text().as_bytes());
        format!("v1={}", types::hex(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_signed() {
        let signed = Signed {
            timestamp: "1795402800",
            nonce: "n1",
            method: "POST",
            target: "/v1/purchases",
            body: b"{}",
        };
        let whole = signed.sign("secret");
        assert_eq!(whole.len(), 3 + 64);
        for other in [
            Signed { timestamp: "1795402801", ..signed },
            Signed { nonce: "n2", ..signed },
            Signed { method: "GET", ..signed },
            Signed { target: "/v1/purchases?x", ..signed },
            Signed { body: b"{ }", ..signed },
        ] {
            assert_ne!(other.sign("secret"), whole);
        }
        assert_ne!(signed.sign("Secret"), whole);
    }
}
