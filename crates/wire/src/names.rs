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
    if !named_in(text, reading)
        && let Some(asking) = ASKING.find(text)
    {
        named_in(&text[..asking.start()], reading);
    }
    reading.product.take_if(|product| product.eq_ignore_ascii_case(NO_CODE));
}

fn named_in(text: &str, reading: &mut Reading) -> bool {
    // The name begins behind the last token.
    let tokens = [&REF, &TRX].into_iter().flat_map(|token| token.find_iter(text));
    let after = tokens.map(|found| found.end()).max().unwrap_or_default();
    [text[after..].trim(), text[..after].trim()].into_iter().any(|body| {
        let is_own = after > 0;
        let shorter = PRICED.find(body).map(|tail| body[..tail.start()].trim_end());
        shorter.is_some_and(|shorter| named(shorter, is_own, reading))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_word_may_be() {
        for (product, dest, wanted) in [
            ("5", "000", true),
            ("43", "928.256", true),
            ("1", "321,000", true),
            ("", "000", false),
            ("1000", "000", false),
            ("T1", "000", false),
            ("5", "0000", false),
            ("5", "00a", false),
            ("5", "000.12", false),
        ] {
            assert_eq!(is_amount(product, dest), wanted, "{product}.{dest}");
        }
        for (word, wanted) in [("rp", true), ("Saldo", true), ("T1", false), ("", false)] {
            assert_eq!(is_label(word), wanted, "{word}");
        }
        for (dest, wanted) in [
            ("08123", true),
            ("a@b.c", true),
            ("ab1234", true),
            ("0812", false),
            ("a@b", false),
            ("abcde", false),
            ("abc123", false),
        ] {
            assert_eq!(is_clear(dest), wanted, "{dest}");
        }
        for (word, alone, wanted) in [
            ("T1", false, true),
            ("T-1_A", false, true),
            ("t1", false, false),
            ("t1", true, true),
            ("123", true, false),
            ("T.1", true, false),
        ] {
            assert_eq!(is_code(word, alone), wanted, "{word} {alone}");
        }
    }

    /// Sentences before their status word: name, product, destination.
    #[test]
    fn what_a_sentence_names() {
        for (text, name, product, dest) in [
            ("T#1 R#2 Three 1.000 T1.0896", "Three 1.000", "T1", "0896"),
            // Behind a number or a reference even a code of digits is one.
            ("R#7 Denom 5.081", "Denom", "5", "081"),
            // An amount is no code with a destination, nor is what follows a label.
            ("Denom 5.000", "", "", "5.000"),
            ("Harga 5.000", "", "", "5.000"),
            ("Tagihan Rp.543210 lunas", "", "", ""),
            ("Sistem v1.2 baru", "", "", ""),
            ("R# .", "", "", ""),
            ("R#1 T1.", "", "", ""),
            ("R#1 Uji T1.0812 Hrg:9.000", "Uji", "T1", "0812"),
            ("R#1 S5 081234567890, Mohon tunggu transaksi", "", "S5", "081234567890"),
            // The clearest place counts, whatever is asked for beside it.
            ("S5 0812345 mohon kirim ke 081234567890", "", "", "081234567890"),
            ("hip5 ke 0857123456789", "", "hip5", "0857123456789"),
            ("Trx hip5 ke 0857123456789", "", "hip5", "0857123456789"),
            ("Hari hip5 ke 0857123456789", "", "", "0857123456789"),
            ("Hari HIP5 ke 0857123456789", "", "HIP5", "0857123456789"),
            ("Pembelian Telkomsel S5 ke 081234567890", "", "", "081234567890"),
            ("INVALID.081234567890", "", "", "081234567890"),
        ] {
            let mut reading = Reading::default();
            head(text, &mut reading);
            let shown = |part: &Option<String>| part.clone().unwrap_or_default();
            let found = [&reading.name, &reading.product, &reading.dest].map(shown);
            assert_eq!(found, [name, product, dest], "{text}");
            assert_eq!(reading.dest.is_some(), !dest.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_reference_that_is_named_twice_is_one() {
        for (text, first, others) in [
            ("R#903'R#903 T1.0896605", Some("903"), &[][..]),
            ("R#903'R#904 T1.0896605", Some("903"), &["904"]),
            ("R# T1.0896605 CLIENTID=77", Some("77"), &[]),
            ("R#5 T1.0896605 CLIENTID=77", Some("5"), &["77"]),
            ("R# T1.0896605", None, &[]),
        ] {
            let mut reading = Reading::default();
            references(text, &mut reading);
            assert_eq!(reading.ref_id.as_deref(), first, "{text}");
            assert_eq!(reading.other_refs, others, "{text}");
        }
    }
}
