//! Fields into templates, escaped for where they stand; secrets hidden on demand.

use super::{Settings, Sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use types::hex;

/// How a field is written.
#[derive(Clone, Copy)]
pub(super) enum Escape {
    /// Percent-encoded.
    Url,
    /// As the inside of a JSON string.
    Json,
    /// As it is, without line breaks.
    Header,
    /// As it is.
    Nothing,
}

/// All fields of one request.
pub(super) struct Filler {
    /// Value, and whether records must not show it.
    fields: BTreeMap<String, (String, bool)>,
}

fn sign(sign: &Sign, text: &str) -> Result<String, String> {
    Ok(match sign.algorithm.as_str() {
        "md5" => hex(Md5::digest(text.as_bytes())),
        "sha1" => hex(Sha1::digest(text.as_bytes())),
        "sha256" => hex(Sha256::digest(text.as_bytes())),
        "otomax" => URL_SAFE_NO_PAD.encode(Sha1::digest(text.as_bytes())),
        other => return Err(format!("algorithm `{other}`: write md5, sha1, sha256 or otomax")),
    })
}

impl Filler {
    pub(super) fn new(settings: &Settings, own: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut filler = Self { fields: BTreeMap::new() };
        for (fields, hidden) in [(own, false), (&settings.values, false), (&settings.secrets, true)]
        {
            for (name, value) in fields {
                filler.fields.insert(name.clone(), (value.clone(), hidden));
            }
        }
        for (name, how) in &settings.signs {
            let text = filler
                .fill(&how.of, Escape::Nothing, false)
                .map_err(|why| format!("sign {name}: {why}"))?;
            let signed = sign(how, &text).map_err(|why| format!("sign {name}: {why}"))?;
            filler.fields.insert(name.clone(), (signed, true));
        }
        Ok(filler)
    }

    /// Replaces every `{name}`. A `{` that begins no name (JSON) stays.
    pub(super) fn fill(&self, text: &str, escape: Escape, hide: bool) -> Result<String, String> {
        let mut full = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            full.push_str(before);
            let named = after.split_once('}').filter(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            });
            let Some((name, behind)) = named else {
                full.push('{');
                rest = after;
                continue;
            };
            let (value, hidden) = self.fields.get(name).ok_or_else(|| {
                let known: Vec<&str> = self.fields.keys().map(String::as_str).collect();
                format!("there is no field {{{name}}}; known: {}", known.join(", "))
            })?;
            if hide && *hidden {
                full.push_str("***");
            } else {
                full.push_str(&escaped(value, escape));
            }
            rest = behind;
        }
        full.push_str(rest);
        Ok(full)
    }
}

fn escaped(value: &str, escape: Escape) -> String {
    match escape {
        Escape::Url => form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        Escape::Json => {
            let quoted = serde_json::Value::from(value).to_string();
            let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            inside.unwrap_or_default().to_owned()
        }
        Escape::Header => value.replace(['\r', '\n'], ""),
        Escape::Nothing => value.to_owned(),
    }
}
