//! Bytes as hexadecimal digits: small ones are written, both kinds are read, and nothing else.

use std::fmt::Write as _;

/// Two digits for each byte.
#[must_use]
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The bytes of such digits; none for anything else, also for an odd number of digits.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_and_nothing_else() {
        assert_eq!(hex([0, 0x0f, 0xf0, 0xff]), "000ff0ff");
        assert_eq!(unhex("000FF0ff"), Some(vec![0, 0x0f, 0xf0, 0xff]));
        assert_eq!(unhex(""), Some(Vec::new()));
        for wrong in ["0", "000", "+1", "-1", "0x", " 1", "gg", "é"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes: Vec<u8>, text in ".{0,40}") {
            prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
            if let Some(read) = unhex(&text) {
                prop_assert_eq!(hex(read), text.to_ascii_lowercase());
            }
        }
    }
}
