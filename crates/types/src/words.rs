//! Words of the trade: bounded, checked texts with private fields.

use std::fmt;

/// A text that does not follow its rule. Never carries secrets: only the words below use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordError {
    /// What was being read, for example `product code`.
    pub what: &'static str,
    /// The beginning of the offending text.
    pub value: String,
    /// The rule it broke.
    pub rule: &'static str,
}

impl fmt::Display for WordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`: {}", self.what, self.value, self.rule)
    }
}

impl std::error::Error for WordError {}

fn wrong(what: &'static str, value: &str, rule: &'static str) -> WordError {
    WordError { what, value: value.chars().take(80).collect(), rule }
}

/// What a destination holds only where its product's rule wants it.
pub const DEST_EXTRA: [u8; 5] = *b"#/,: ";

/// Words and marks that cut the sentences of the wire, lower-cased.
const SENTENCE: [&str; 15] = [
    "gagal",
    "sukses",
    "pernah",
    "tidak ada",
    "proses",
    "menunggu",
    "mhn",
    "status",
    "saldo",
    "hrg",
    "qty",
    "sn:",
    "ref:",
    ". ",
    " @",
];

fn speaks_of_nothing(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // A game's `Tester#12` is fine, a word `R#12` is a reference.
    let numbered = |(at, mark): (usize, &str)| {
        let before = text[..at].bytes().next_back();
        matches!(mark, "T#" | "R#") && before.is_none_or(|b| !b.is_ascii_alphanumeric())
    };
    let marks = text.match_indices("T#").chain(text.match_indices("R#"));
    SENTENCE.iter().all(|word| !lower.contains(word)) && !marks.into_iter().any(numbered)
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $normal:expr, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks and normalises a text.
            ///
            /// # Errors
            /// [`WordError`] naming the rule.
            pub fn parse(text: &str) -> Result<Self, WordError> {
                let normal: fn(&str) -> String = $normal;
                let ok: fn(&str) -> bool = $ok;
                let word = normal(text);
                if ok(&word) { Ok(Self(word)) } else { Err(wrong($what, text, $rule)) }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                Self::parse(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

fn upper(text: &str) -> String {
    text.trim().to_ascii_uppercase()
}

fn lower(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

fn fold_spaces(text: &str) -> String {
    text.trim().split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn code_like(word: &str, most: usize) -> bool {
    (1..=most).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

word! {
    /// A member's code, upper-cased: `OK00123`.
    MemberCode, "member code", "1 to 32 letters, digits, `_` or `-`", upper,
    |w| code_like(w, 32)
}
word! {
    /// A product's code, upper-cased: `T1`, `BBSDN`. Has no dot: `CODE.dest` is cut at the first one.
    ProductCode, "product code", "1 to 32 letters, digits, `_` or `-`", upper,
    |w| code_like(w, 32)
}
word! {
    /// A supplier's code, lower-cased: `sandbox`.
    SupplierCode, "supplier code", "1 to 32 letters, digits, `_` or `-`", lower,
    |w| code_like(w, 32)
}
word! {
    /// A price level's code, lower-cased: `retail`.
    LevelCode, "price level", "1 to 32 letters, digits, `_` or `-`", lower,
    |w| code_like(w, 32)
}
word! {
    /// A supplier's own name of a product.
    Sku, "sku", "1 to 64 printable characters", trimmed,
    |w| (1..=64).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_graphic())
}
word! {
    /// The member's reference of a purchase, byte for byte as given (WIRE.md section 2).
    RefId, "refID", "1 to 64 printable ASCII characters without space and `#`", str::to_owned,
    |w| (1..=64).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}
word! {
    /// The destination: phone, meter, e-wallet, game id (WIRE.md section 2). `# / , :` and single
    /// spaces are there for the products whose rule wants them; a text with one of these never holds
    /// a mark or word by which clients read the sentences that repeat it.
    Dest, "dest",
    "3 to 64 of digits, letters, @ . _ - + ( ) | # / , : and space, and no words of an answer",
    fold_spaces,
    |w| (3..=64).contains(&w.len())
        && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"@._-+()|".contains(&b)
            || DEST_EXTRA.contains(&b))
        && (!w.bytes().any(|b| DEST_EXTRA.contains(&b)) || speaks_of_nothing(w))
}
word! {
    /// A product's name as members see it: one line, single spaces, none of the words that
    /// clients take for a status (WIRE.md section 3, text hygiene).
    ProductName, "product name",
    "1 to 100 characters, without % and without the words GAGAL, SUKSES, sudah pernah, TIDAK ADA",
    fold,
    |w| (1..=100).contains(&w.chars().count())
        && !w.contains('%')
        && STATUS_WORDS.iter().all(|(word, _)| find_word(w, word).is_none())
}
word! {
    /// Serial number, the proof of delivery; as the supplier gave it, on one line.
    /// A trailing dot is dropped, because the sentence adds its own.
    Sn, "SN", "1 to 1000 characters",
    |text| one_line(text).trim_matches(' ').trim_end_matches(['.', ' ']).to_owned(),
    |w| (1..=Sn::MOST).contains(&w.chars().count())
}

impl Sn {
    /// Longest serial number kept, in characters.
    pub const MOST: usize = 1_000;

    /// Stands in for a serial number that the supplier did not give (yet): our reference without its
    /// prefix. A real one takes its place when it comes.
    #[must_use]
    pub fn stand_in(attempt: crate::AttemptId) -> Self {
        Self(attempt.supplier_ref())
    }

    /// The serial number of a text that may be empty or too long: `None` for an empty one, the first
    /// [`Self::MOST`] characters of a longer one.
    #[must_use]
    pub fn within_limit(text: &str) -> Option<Self> {
        let clean = one_line(text);
        let short: String = clean.trim_start_matches(' ').chars().take(Self::MOST).collect();
        Self::parse(&short).ok()
    }
}

/// Why a trx failed, as the member reads it. Any text becomes a clean reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(String);

impl Reason {
    /// Longest reason kept, in characters.
    pub const MOST: usize = 200;

    /// Cleans a text: one line, single spaces, no `%`, no trailing dot, status words replaced.
    /// An empty text becomes `Transaksi tidak dapat diproses`.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        let mut line = fold(text).replace('%', " persen");
        for (word, instead) in STATUS_WORDS {
            while let Some(at) = find_word(&line, word) {
                line.replace_range(at..at.saturating_add(word.len()), instead);
            }
        }
        let short: String = fold(&line).chars().take(Self::MOST).collect();
        let text = short.trim().trim_end_matches(['.', ' ']);
        if text.is_empty() {
            return Self("Transaksi tidak dapat diproses".to_owned());
        }
        Self(text.to_owned())
    }

    /// The text, without its final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Words that clients search for, with what stands in for them inside other texts.
const STATUS_WORDS: [(&str, &str); 4] = [
    ("gagal", "tidak berhasil"),
    ("sukses", "berhasil"),
    ("sudah pernah", "telah"),
    ("tidak ada", "kosong"),
];

fn find_word(text: &str, lower_word: &str) -> Option<usize> {
    // ASCII lower-casing keeps byte positions.
    text.to_ascii_lowercase().find(lower_word)
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn fold(text: &str) -> String {
    one_line(text).split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The nominal of an open-denomination purchase, whole rupiah, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Qty(u32);

impl Qty {
    /// Wraps a nominal; zero is none.
    #[must_use]
    pub const fn new(rupiah: u32) -> Option<Self> {
        if rupiah == 0 { None } else { Some(Self(rupiah)) }
    }

    /// Whole rupiah.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_upper_cased_and_bounded() {
        assert_eq!(ProductCode::parse(" bbsdn ").expect("fine").as_str(), "BBSDN");
        for text in ["", "A.B", "A B", "é", "x".repeat(33).as_str()] {
            assert!(ProductCode::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn refs_keep_every_byte() {
        let uuid = "7ae8121e-a66f-4de6-9a63-05ddf3cbdd95";
        assert_eq!(RefId::parse(uuid).expect("fine").as_str(), uuid);
        for text in ["", "a b", "a#b", "a\nb", "é"] {
            assert!(RefId::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn a_destination_never_cuts_a_sentence() {
        for (text, want) in [
            (" 0812-3456 7890 ", Some("0812-3456 7890")),
            ("Nama#1234", Some("Nama#1234")),
            ("123456789 (2001)", Some("123456789 (2001)")),
            ("12/34,56:78", Some("12/34,56:78")),
            ("a  b", Some("a b")),
            ("sukses@mail.id", Some("sukses@mail.id")),
            ("0812 SUKSES. SN: 1", None),
            ("0812 , QTY : 5", None),
            ("08 @19:08", None),
            ("R#99", None),
            ("12 T#1", None),
            ("TESTER#12", Some("TESTER#12")),
            ("12. 34", None),
            ("ab", None),
            ("12\t34", None),
            ("12%34", None),
        ] {
            let dest = Dest::parse(text);
            assert_eq!(dest.as_ref().ok().map(Dest::as_str), want, "{text:?}");
        }
    }

    #[test]
    fn a_reason_never_speaks_of_a_status() {
        for (text, clean) in [
            ("Transaksi GAGAL. Sal 10%..", "Transaksi tidak berhasil. Sal 10 persen"),
            ("  Nomor \r\n tujuan  salah. ", "Nomor tujuan salah"),
            ("TIDAK ADA data", "kosong data"),
            ("...", "Transaksi tidak dapat diproses"),
        ] {
            assert_eq!(Reason::clean(text).as_str(), clean);
        }
    }

    #[test]
    fn a_serial_number_passes_as_it_is() {
        let token = "0143 4804 9579 5519 9674/NAMA/R1/1300 VA/63,0KWH/PPN:0,00";
        assert_eq!(Sn::parse(token).expect("fine").as_str(), token);
        assert_eq!(Sn::parse("R23. ").expect("fine").as_str(), "R23");
        assert!(Sn::parse(" \n").is_err());
    }

    proptest! {
        #[test]
        fn cleaning_any_text_is_stable(text in "\\PC{0,300}") {
            let once = Reason::clean(&text);
            prop_assert_eq!(Reason::clean(once.as_str()), once.clone());
            let lower = once.as_str().to_ascii_lowercase();
            prop_assert!(STATUS_WORDS.iter().all(|(word, _)| !lower.contains(word)));
        }
    }
}
