//! The reference in a path. It is percent-decoded, after the signature over the path as sent was
//! checked; what cannot be read is about no purchase and never a final answer.

use types::RefId;

/// A reference as it is asked about.
pub(super) struct Asked {
    /// Decoded.
    pub(super) ref_id: RefId,
    /// The path's own bytes, where they are another reference: some clients forget to encode.
    pub(super) as_typed: Option<RefId>,
    /// Its encoding is broken: "never taken" would be said of something that nobody meant.
    pub(super) is_broken: bool,
}

/// Reads the rest of a path.
pub(super) fn read(typed: &str) -> Result<Asked, String> {
    let wrong = |why: String| format!("`{typed}` is not a reference: {why}");
    let as_typed = RefId::parse(typed).ok();
    let decoded = match (decode(typed), &as_typed) {
        (Some(decoded), _) => decoded,
        // A `%` that is none of an encoding: it may be known, but nobody may hear that it is not.
        (None, Some(_)) => typed.to_owned(),
        (None, None) => return Err(wrong("its percent-encoding is broken".to_owned())),
    };
    let is_broken = decode(typed).is_none();
    let ref_id = RefId::parse(&decoded).map_err(|error| wrong(error.to_string()))?;
    let as_typed = as_typed.filter(|typed| *typed != ref_id);
    Ok(Asked { ref_id, as_typed, is_broken })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = digit()?.checked_mul(16)?.checked_add(digit()?)?;
        decoded.push(u8::try_from(value).ok()?);
    }
    // What is no UTF-8 breaks the rule of a reference.
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_decoded_once() {
        for (typed, ref_id, other) in [
            ("114", "114", None),
            ("a%2Fb", "a/b", Some("a%2Fb")),
            ("a/b", "a/b", None),
            ("50%25off", "50%off", Some("50%25off")),
            ("50%off", "50%off", None),
            ("%2541", "%41", Some("%2541")),
            ("a+b", "a+b", None),
        ] {
            let asked = read(typed).unwrap();
            assert_eq!(asked.ref_id.as_str(), ref_id, "{typed}");
            assert_eq!(asked.as_typed.as_ref().map(RefId::as_str), other, "{typed}");
        }
        for typed in ["50%off", "%zz", "%", "a%2"] {
            assert!(read(typed).unwrap().is_broken, "{typed}");
        }
        for typed in ["", "a%20b", "%23", "%C3%A9", "%00", "%ff"] {
            assert!(read(typed).is_err(), "{typed}");
        }
    }
}
