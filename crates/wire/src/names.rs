//! Which purchase a sentence names: references, product, destination.
//!
//! Reads only what stands there. An empty `R#` names nothing, and the next word is never taken for
//! it.

use crate::Reading;
use regex::{Match, Regex};
use std::sync::LazyLock;

macro_rules! part {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!("(?is)", $text)).expect("invariant: the pattern is constant")
        });
    };
}

// Everything that `/trx` takes for a destination.
macro_rules! dest {
    () => {
        r"(?<dest>[\w@+(|-][\w@.+()|-]*)"
    };
}

part!(REF, r"(?:^|[^a-z])R#(?<ref>\S*)");
part!(BESIDE, r"(?:^|[^a-z])(?:client_?id|reff?_?id|ref[.] ?id|ref id)\s*[:=]\s*(?<ref>[^\s,;&]+)");
part!(TRX, r"(?:^|\s)T?#\s*(?<trx>\d+)(?:\s|$)");
part!(TRXID, r"TrxID\s*=\s*(?<trx>\S+)\s+kode\s+(?<product>\S+)\s+ke\s+(?<dest>\S+)");
part!(
    OWN,
    r"^(?:(?<name>.*?)\s+)??(?<product>[\w-]*)[.](?<dest>\S*)(?:\s*,\s*QTY\s*:\s*(?<qty>\d+))?$"
);
part!(QTY, r",\s*QTY\s*:\s*(?<qty>\d+)");
part!(
    TO,
    concat!(r"(?:^|\s)(?:(?<product>[^\s.]+)\s+)?ke\s+(?:no(?:mor)?[.]?\s+|tujuan\s+)?", dest!())
);
part!(DOTTED, concat!(r"(?:^|[\s:=*(])(?<product>[\w-]+)[.]", dest!()));
part!(SPACED, concat!(r"(?:^|\s)(?<product>[\w-]+)[.]\s+", dest!()));
part!(WORDS, concat!(r"(?:(?:^|\s)(?<product>\S+)\s+|^)", dest!(), r"[\s,.:;']*$"));
part!(ASKING, r"\s*,?\s*\b(?:mohon|mhn|harap|silahkan|silakan)\b.*$");
part!(
    PRICED,
    r"\s*[,(]?\s*\b(?:hrg|harga|saldo|stok)\s*[:=.]*\s*(?:rp)?[.\s]*-?\d[\d.,]*[\s,.;)]*$"
);

fn own(part: Option<Match<'_>>) -> Option<String> {
    part.map(|found| found.as_str().trim().to_owned()).filter(|text| !text.is_empty())
}

/// All references in a text and where its tokens stand.
pub(crate) fn references(text: &str, reading: &mut Reading) {
    let mut found: Vec<String> = Vec::new();
    for token in REF.captures_iter(text) {
        // `R#903'R#903`: a broken sentence that names it twice.
        let pieces: Vec<&str> = token["ref"].split("R#").collect();
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.into_iter().enumerate() {
            let piece = if at < last { piece.trim_end_matches(['\'', '"']) } else { piece };
            found.push(piece.to_owned());
        }
    }
    for token in BESIDE.captures_iter(&without_references(text)) {
        found.push(token["ref"].trim_end_matches(['.', ')', '\'', '"']).to_owned());
    }
    let mut named = found.into_iter().filter(|text| !text.is_empty());
    reading.ref_id = named.next();
    let first = reading.ref_id.clone().unwrap_or_default();
    reading.other_refs = named.filter(|other| *other != first).collect();
}

/// The same text with every reference hidden, byte for byte as long: a reference may hold any word.
pub(crate) fn without_references(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for token in REF.captures_iter(text) {
        if let Some(found) = token.name("ref") {
            bytes[found.range()].fill(b'x');
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// An amount (`5.000`) is no `CODE.dest`.
fn is_amount(product: &str, dest: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let groups = dest.split(['.', ',']);
    digits(product)
        && product.len() <= 3
        && groups.clone().all(|group| group.len() == 3 && digits(group))
}

/// A word that introduces an amount or a person, and is no product.
fn is_label(product: &str) -> bool {
    [
        "rp", "idr", "hrg", "harga", "sal", "saldo", "stok", "no", "tgl", "jam", "sn", "ref", "an",
        "yth", "id",
    ]
    .contains(&product.to_ascii_lowercase().as_str())
}

/// At least so many characters make a destination when its place alone says so.
const CLEAR: usize = 5;

fn is_clear(dest: &str) -> bool {
    dest.len() >= CLEAR
        && (dest.contains('@') || dest.bytes().filter(u8::is_ascii_digit).count() >= 4)
}

/// Is a word in front of a number a product's code, and not the end of its name?
fn is_code(word: &str, alone: bool) -> bool {
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let has_letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let upper = !word.bytes().any(|byte| byte.is_ascii_lowercase());
    plain && has_letter && (alone || upper)
}

/// What some centers write in place of a code they do not know.
const NO_CODE: &str = "INVALID";

/// Reads the part of a sentence that names the purchase:
/// `T#1 R#2 Three 1.000 T1.0896 , QTY : 5`, `.. TrxID=8 kode HIP5 ke 0857`, `Pembelian X ke 0812`.
pub(crate) fn head(text: &str, reading: &mut Reading) {
    if reading.trx.is_none() {
        reading.trx = TRX.captures(text).and_then(|found| own(found.name("trx")));
    }
    if let Some(found) = TRXID.captures(text) {
        reading.trx = own(found.name("trx"));
        reading.product = own(found.name("product"));
        reading.dest = own(found.name("dest")).map(|dest| trim(&dest));
        return;
    }
    let shorter = ASKING.find(text).map_or(text, |asking| &text[..asking.start()]);
    if !named_in(text, reading) && shorter.len() < text.len() {
        named_in(shorter, reading);
    }
    reading.product.take_if(|product| product.eq_ignore_ascii_case(NO_CODE));
}

fn named_in(text: &str, reading: &mut Reading) -> bool {
    // The name begins behind the last token.
    let tokens = [&REF, &TRX].into_iter().flat_map(|token| token.find_iter(text));
    let after = tokens.map(|found| found.end()).max().unwrap_or_default();
    [text[after..].trim(), text[..after].trim()].into_iter().any(|body| {
        let shorter = PRICED.find(body).map_or(body, |tail| body[..tail.start()].trim_end());
        let is_own = after > 0;
        (shorter.len() < body.len() && named(shorter, is_own, reading))
            || named(body, is_own, reading)
    })
}

/// A destination without what the sentence puts behind it.
fn trim(dest: &str) -> String {
    dest.trim_end_matches([',', ';', ':', '\'', '"']).to_owned()
}

/// `is_own`: behind a number or a reference, where this family writes `name CODE.dest` and nothing else.
fn named(body: &str, is_own: bool, reading: &mut Reading) -> bool {
    let qty =
        |found: &regex::Captures<'_>| found.name("qty").and_then(|qty| qty.as_str().parse().ok());
    if let Some(found) = OWN.captures(body) {
        let (product, dest) = (&found["product"], &found["dest"]);
        let odd = !is_own && (is_amount(product, dest) || is_label(product));
        if !product.is_empty() && !dest.is_empty() && !odd {
            reading.name = own(found.name("name"));
            reading.product = own(found.name("product"));
            reading.dest = Some(trim(dest));
            reading.qty = qty(&found);
            return true;
        }
    }
    reading.qty = QTY.captures(body).as_ref().and_then(qty);
    let last_to = TO.captures_iter(body).filter(|found| is_clear(&found["dest"])).last();
    let dotted = DOTTED
        .captures_iter(body)
        .filter(|found| {
            let (product, dest) = (&found["product"], &found["dest"]);
            !is_amount(product, dest) && !is_label(product) && is_clear(dest)
        })
        .last();
    let spaced = || SPACED.captures_iter(body).filter(|found| is_clear(&found["dest"])).last();
    let words = || WORDS.captures(body).filter(|found| is_clear(&found["dest"]));
    if let Some(found) = last_to {
        let start = body[..found.get(0).map_or(0, |whole| whole.start())].trim();
        let buying = body.to_ascii_lowercase();
        let sentence = ["pembelian", "pembayaran", "isi ", "topup", "top up", "pengisian"]
            .into_iter()
            .any(|word| buying.starts_with(word));
        let alone = start.is_empty()
            || ["trx", "request", "kode", "produk"]
                .iter()
                .any(|word| start.to_ascii_lowercase().ends_with(word));
        let product = own(found.name("product")).filter(|word| !sentence && is_code(word, alone));
        reading.product = product;
        reading.dest = Some(trim(&found["dest"]).trim_end_matches('.').to_owned());
        return true;
    }
    if let Some(found) = dotted.or_else(spaced) {
        reading.product = own(found.name("product"));
        reading.dest = Some(trim(&found["dest"]));
        return true;
    }
    if let Some(found) = words() {
        reading.product = own(found.name("product")).filter(|word| is_code(word, false));
        reading.dest = Some(trim(&found["dest"]).trim_end_matches('.').to_owned());
        return true;
    }
    false
}
