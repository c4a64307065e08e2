//! The callback: one `GET {url}?refid=<ref>&message=<text>` (WIRE.md section 6).

use std::fmt;

/// Everything but the unreserved characters of RFC 3986 is percent-encoded, once.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            for nibble in [byte >> 4, byte & 15] {
                into.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
            }
        }
    }
}

/// The full URL of one delivery. A URL with a query of its own keeps it.
#[must_use]
pub fn callback_url(url: &str, ref_id: &str, message: &str) -> String {
    let mut full =
        String::with_capacity(url.len().saturating_add(message.len()).saturating_add(32));
    full.push_str(url);
    full.push(match url.split_once('?') {
        None => '?',
        Some(_) => '&',
    });
    if full.ends_with("?&") || full.ends_with("&&") {
        full.pop();
    }
    full.push_str("refid=");
    encode(ref_id, &mut full);
    full.push_str("&message=");
    encode(message, &mut full);
    full
}

/// Reads the query of a callback: `(refid, message)`; names in any case.
#[must_use]
pub fn callback_query(query: &[u8]) -> Option<(String, String)> {
    let mut ref_id = None;
    let mut message = None;
    for (name, value) in form_urlencoded::parse(query) {
        if name.eq_ignore_ascii_case("refid") {
            ref_id.get_or_insert_with(|| value.clone().into_owned());
        } else if name.eq_ignore_ascii_case("message") {
            message.get_or_insert_with(|| value.into_owned());
        }
    }
    Some((ref_id?, message?))
}

/// Why a callback URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackUrlError(&'static str);

impl fmt::Display for CallbackUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback URL {}", self.0)
    }
}

impl std::error::Error for CallbackUrlError {}

/// Checks the shape of a callback URL; whether its host may be called is the guard's business.
///
/// # Errors
/// What is wrong with it.
pub fn check_callback_url(url: &str) -> Result<(), CallbackUrlError> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or(CallbackUrlError("must begin with https:// or http://"))?;
    if url.len() > 500 {
        return Err(CallbackUrlError("is longer than 500 characters"));
    }
    if !url.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(CallbackUrlError("has a space or a character outside ASCII"));
    }
    if url.contains('#') {
        return Err(CallbackUrlError("must not have a fragment (#)"));
    }
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    if host.is_empty() {
        return Err(CallbackUrlError("has no host"));
    }
    if host.contains('@') {
        return Err(CallbackUrlError("must not carry a user name or password"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_once_and_joins() {
        assert_eq!(
            callback_url("https://a.id/cb", "114", "T#1 R#114 100%"),
            "https://a.id/cb?refid=114&message=T%231%20R%23114%20100%25"
        );
        assert_eq!(
            callback_url("https://a.id/cb?x=1", "1", "a"),
            "https://a.id/cb?x=1&refid=1&message=a"
        );
        assert_eq!(callback_url("https://a.id/cb?", "1", "a"), "https://a.id/cb?refid=1&message=a");
        assert_eq!(
            callback_url("https://a.id/cb?x=1&", "1", "a"),
            "https://a.id/cb?x=1&refid=1&message=a"
        );
    }

    #[test]
    fn what_is_sent_reads_back() {
        let message =
            "T#1 R#a+b Three 1.000 T1.0896 SUKSES. SN: a/b, c&d=e. Saldo 1 - 1 = 0 @12/05 19:11";
        let url = callback_url("http://h/p", "a+b", message);
        let (_, query) = url.split_once('?').expect("has a query");
        assert_eq!(callback_query(query.as_bytes()), Some(("a+b".into(), message.into())));
    }

    #[test]
    fn odd_urls_are_refused() {
        for url in [
            "",
            "ftp://a",
            "https://",
            "https://u:p@h/",
            "https://h/#f",
            "https://h/ x",
            "http:///x",
        ] {
            assert!(check_callback_url(url).is_err(), "{url:?} was taken");
        }
        assert!(check_callback_url("https://h:8443/cb?x=1").is_ok());
        let long = |more: usize| format!("https://h/{}", "x".repeat(490 + more));
        assert_eq!(check_callback_url(&long(0)), Ok(()));
        let why = check_callback_url(&long(1)).map_err(|error| error.to_string());
        assert_eq!(why, Err("callback URL is longer than 500 characters".to_owned()));
        assert!(check_callback_url(&long(400)).is_err());
    }
}
