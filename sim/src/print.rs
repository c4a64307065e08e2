//! A printer of suppliers' sentences. It shares no code with what reads them: every shape here was
//! seen at a center, and each center has habits of its own.

use crate::chance::{below, pick};

/// A moment as a clock in Jakarta shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
}

impl Clock {
    /// Of an instant in November 2026 or the first days of December.
    pub(crate) const fn of(utc_ms: i64) -> Self {
        // 2026-11-23 00:00 in Jakarta.
        let minutes = utc_ms.div_euclid(60_000) - 29_922_780;
        let day = 23 + minutes.div_euclid(1_440);
        Self { day, hour: minutes.div_euclid(60).rem_euclid(24), minute: minutes.rem_euclid(60) }
    }

    pub(crate) fn time(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    pub(crate) fn date(self) -> String {
        let (day, month) = if self.day > 30 { (self.day - 30, 12) } else { (self.day, 11) };
        format!("{day:02}/{month:02}")
    }
}

/// How a center writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// `T#7 R#r Name T1.0896 SUKSES. SN: 1. Saldo 9.000 - 1.200 = 7.800 @23/11 10:00`
    Plain,
    /// `SN/Ref:`, amounts with `Rp.`
    Rupiah,
    /// Commas between thousands, `S/N:`
    Commas,
    /// Small letters, `sn=`
    Small,
    /// The price before the word, `Stok` for the balance, seconds.
    Stock,
    /// The word first: `R#r SUKSES T1 ke 0896 SN: 1.`
    First,
    /// A name of the center in front, `Hrg` and `Saldo akhir`, a dot in the time.
    Center,
    /// What is left of a page: tags, and an end of JSON.
    Tags,
    /// Ends of lines in the middle.
    Lines,
    /// `Kode =` for the number.
    Code,
    /// No amounts, no time.
    Bare,
}

/// The habit of a supplier in a seed. Who names no reference names product and destination plainly.
pub(crate) fn habit(seed: u64, supplier: usize) -> Habit {
    pick(
        seed,
        &format!("habit {supplier}"),
        &[
            (4, Habit::Plain),
            (2, Habit::Rupiah),
            (2, Habit::Commas),
            (2, Habit::Small),
            (2, Habit::Stock),
            (2, Habit::First),
            (2, Habit::Center),
            (2, Habit::Tags),
            (2, Habit::Lines),
            (2, Habit::Code),
            (1, Habit::Bare),
        ],
    )
}

/// What a sentence is about.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    /// None is named when it is `None`.
    pub(crate) reference: Option<&'a str>,
    pub(crate) product: &'a str,
    pub(crate) dest: &'a str,
    pub(crate) qty: Option<u32>,
    pub(crate) at: Clock,
    pub(crate) price: i64,
    /// After it.
    pub(crate) balance: i64,
}

/// What it says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word<'a> {
    Delivered(&'a str),
    Failed(&'a str),
    Going,
}

/// Groups of three digits.
pub(crate) fn grouped(amount: i64, between: char) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(between);
        }
        text.push(digit);
    }
    if amount < 0 { format!("-{text}") } else { text }
}

impl Habit {
    fn amount(self, amount: i64) -> String {
        match self {
            Self::Commas => grouped(amount, ','),
            Self::Rupiah => format!("Rp.{}", grouped(amount, '.')),
            _ => grouped(amount, '.'),
        }
    }

    /// Who and what.
    fn head(self, about: &Subject<'_>) -> String {
        let Subject { product, dest, .. } = about;
        let reference = about.reference.map(|found| format!("R#{found} ")).unwrap_or_default();
        let qty = about.qty.map(|qty| format!(" , QTY : {qty}")).unwrap_or_default();
        let number = if self == Self::Small { "#7 " } else { "T#7 " };
        match self {
            Self::First => format!("{reference}{{word}} {product} ke {dest}{qty}"),
            Self::Stock | Self::Bare => format!("{reference}{product}.{dest}{qty}"),
            Self::Center => format!("PUSAT : {reference}{product}.{dest}{qty}"),
            _ => format!("{number}{reference}Simulasi {product}.{dest}{qty}"),
        }
    }

    /// Price, balance and time, as far as they are told.
    fn tail(self, about: &Subject<'_>, has_price: bool) -> String {
        let &Subject { at, price, balance, .. } = about;
        let (time, date) = (at.time(), at.date());
        let after = self.amount(balance);
        let (before, price) = (self.amount(balance + price), self.amount(price));
        match self {
            Self::Bare => String::new(),
            Self::Stock => format!("Stok:{after} @{date} {time}:59"),
            Self::Center if has_price => {
                let dotted = time.replace(':', ".");
                format!("Saldo Rp.{before} - Hrg Rp.{price},Saldo akhir Rp. {after} @{dotted}")
            }
            _ if has_price => format!("Saldo {before} - {price} = {after} @{date} {time}"),
            _ => format!("Saldo {after} @{date} {time}"),
        }
    }

    /// A whole sentence.
    pub(crate) fn prints(self, about: &Subject<'_>, word: Word<'_>) -> String {
        let head = self.head(about);
        let has_price = !matches!(word, Word::Failed(_));
        let tail = self.tail(about, has_price);
        let with = |word: &str| {
            if head.contains("{word}") {
                head.replace("{word}", word)
            } else {
                format!("{head} {word}")
            }
        };
        let text = match word {
            Word::Going => format!("{} akan diproses. {tail}", head.replace("{word} ", "")),
            Word::Failed(reason) => match self {
                Self::First => format!("{} GAGAL. {reason}. {tail}", head.replace("{word} ", "")),
                Self::Stock => format!("{} {reason}. {tail}", with("GAGAL.")),
                Self::Center => format!("{} Keterangan : {reason}. {tail}", with("GAGAL.")),
                Self::Commas => format!("{} KET:{reason}. {tail}", with("GAGAL,")),
                _ => format!("{} {reason}. {tail}", with("GAGAL.")),
            },
            Word::Delivered(sn) => match self {
                Self::Rupiah => format!("{} SN/Ref: {sn}. {tail}", with("SUKSES.")),
                Self::Commas => format!("{} S/N: {sn}. {tail}", with("SUKSES.")),
                Self::Small => format!("{} SN={sn}. {tail}", with("SUKSES.")),
                Self::Stock => {
                    let price = self.amount(about.price);
                    format!("{} Hrg:{price} Sukses. SN: {sn}. {tail}", head.replace("{word} ", ""))
                }
                Self::First => format!("{} SN: {sn}. {tail}", with("SUKSES")),
                Self::Center => format!("{} SN/Ref: {sn}.. {tail}", with("SUKSES.")),
                Self::Code => format!("{} Kode = {sn}. {tail}", with("SUKSES.")),
                Self::Plain | Self::Tags | Self::Lines | Self::Bare => {
                    format!("{} SN: {sn}. {tail}", with("SUKSES."))
                }
            },
        };
        let text = text.trim_end().to_owned();
        match self {
            Self::Small => small(&text, about),
            Self::Tags => format!("{}<br/>\n</body></html>", text.replace(". Saldo", ".<br>Saldo")),
            Self::Lines => text.replace(". ", ".\r\n"),
            _ => text,
        }
    }
}

/// In small letters, but for what is compared letter by letter.
fn small(text: &str, about: &Subject<'_>) -> String {
    let keep = |part: &str| {
        about.reference.is_some_and(|found| part.contains(found)) || part.starts_with("SN=")
    };
    let parts = text
        .split(' ')
        .map(|part| if keep(part) { part.replace("SN=", "sn=") } else { part.to_lowercase() });
    parts.collect::<Vec<_>>().join(" ")
}

/// A callback as a center calls it in: fields in its order, names in its letters, a space as it likes.
pub(crate) fn query(seed: u64, supplier: usize, reference: &str, message: &str) -> String {
    let draw = |what: &str| below(seed, &format!("{what} {supplier}"), 2) == 0;
    let (plus, capitals, last) = (draw("plus"), draw("capitals"), draw("reference last"));
    let encoded = |text: &str| {
        let mut into = String::new();
        for byte in text.bytes() {
            match byte {
                b' ' if plus => into.push('+'),
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    into.push(char::from(byte));
                }
                other if plus => into.push_str(&format!("%{other:02x}")),
                other => into.push_str(&format!("%{other:02X}")),
            }
        }
        into
    };
    let name = if capitals { "refID" } else { "refid" };
    let reference = format!("{name}={}", encoded(reference));
    let message = format!("message={}", encoded(message));
    if last { format!("{message}&{reference}") } else { format!("{reference}&{message}") }
}

/// The text of a callback as it is on record.
pub(crate) fn message_of(query: &str) -> Option<String> {
    let mut fields = form_urlencoded::parse(query.as_bytes());
    fields.find(|(name, _)| name == "message").map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_one() {
        // 2026-11-23 10:00 in Jakarta.
        let clock = Clock::of(1_795_402_800_000);
        assert_eq!((clock.date(), clock.time()), ("23/11".to_owned(), "10:00".to_owned()));
        let later = Clock::of(1_795_402_800_000 + 14 * 3_600_000);
        assert_eq!((later.date(), later.time()), ("24/11".to_owned(), "00:00".to_owned()));
    }

    #[test]
    fn amounts_have_groups() {
        assert_eq!(grouped(1_234_567, '.'), "1.234.567");
        assert_eq!(
            (grouped(12, ','), grouped(-1_200, '.')),
            ("12".to_owned(), "-1.200".to_owned())
        );
    }
}
