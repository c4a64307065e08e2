//! Where a sentence stops speaking of the purchase and begins to speak of the reader's money:
//! balance, stock, price, clock, the hint about a second purchase. What stands before it may be
//! shown to others; the tail never is.

use crate::Reading;
use regex::Regex;
use std::sync::LazyLock;
use types::Rupiah;

macro_rules! part {
    ($name:ident, $($text:expr),+) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!("(?is)", $($text),+)).expect("invariant: the pattern is constant")
        });
    };
}

/// `Rp. 54.636`, `=-5`, `: 10`.
macro_rules! number {
    () => {
        r"\s*[:=.]*\s*(?:rp|idr)?\s*[.:]?\s*(?<n>[-+]?\d[\d.,]*)"
    };
}

macro_rules! deposit {
    () => {
        r"\b(?:(?:sisa|total|jumlah|jml)[\s_]*)?(?:saldo|sld|sldo|sal|stok|stock|m-?bal|balance|bal|kredit|credit|deposit|depo|limit|modal|sisa)(?:[\s_]*(?:akhir|awal|anda|deposit|sekarang|pulsa|server|agen|mitra|member|reseller|saat|ini|terakhir|utama|pusat|kini|total|aktif|sistem|system|di|kami|adalah|menjadi|sebesar))*"
    };
}

macro_rules! price {
    () => {
        r"\b(?:hrg|harga|biaya|price|cost|komisi|bonus|potongan|potong|pot|debet|debit|charge|tarif trx)(?:[\s_]*(?:beli|jual|produk|voucher|anda|trx|awal|akhir|max|maks))*"
    };
}

part!(DEPOSIT, deposit!(), number!());
part!(PRICE, price!(), number!());
part!(
    MOVED,
    r"(?:rp\s*[.:]?\s*)?(?<before>-?\d[\d.,]*)\s*(?<sign>[-+])\s*(?:",
    price!(),
    r")?\s*[:=.]*\s*(?:rp)?\s*[.:]?\s*(?<price>-?\d[\d.,]*)\s*(?:=|,?\s*",
    deposit!(),
    r"\s*[:=.]*)\s*(?:rp)?\s*[.:]?\s*(?<after>-?\d[\d.,]*)"
);
part!(
    STAMP,
    r"@\s*(?:(?<date>\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?|\d{4}-\d\d-\d\d)\s+)?(?<time>\d\d[:.]\d\d)(?:[:.]\d\d)?"
);
part!(CLOCK, r"\b(?:jam|pkl|pukul)[.:]?\s+(?<time>\d\d[:.]\d\d)(?:[:.]\d\d)?");
part!(
    DATED,
    r"\b(?:tgl|tanggal)[.:]?\s+(?<date>\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?|\d{4}-\d\d-\d\d)"
);
part!(
    OTHER,
    r"\btrx\s+ke-?\s?\d|\b(?:client_?id|ref_?id|ref[.]? id|trx_?id|kode_reseller|id_?trx)\s*[:=]"
);
// `S:54.636.832`: a deposit by one letter, an amount with groups behind it.
part!(LETTER, r"\bs\s*[:=]\s*(?:rp)?\s*[.:]?\s*\d{1,3}(?:[.,]\d{3})+\b");
// An amount right before the deposit (`Rp 9.000 Saldo 5.000`) is the price.
part!(PRICED, r"(?:[-+=]\s*)?\brp\s*[.:]?\s*\d[\d.,]*\s*[-+=,.]?\s*$");
// What wraps a text: the end of a JSON string, a tag.
part!(WRAPPER, r#""\s*(?:[,}\]]|$)|</?[a-z!][^<>]*>"#);
// A million with its groups, and what announces it: nobody's reason names one, a deposit does.
part!(
    FORTUNE,
    r"(?:\b(?:menjadi|jadi|tinggal|sebesar|dari)\b\s*)?[-+=:]?\s*(?:\brp\s*[.:]?\s*)?\b\d{1,3}(?:[.,]\d{3}){2,}"
);
part!(RUPIAH, r"[-+=:]?\s*\brp\s*[.:]?\s*\d[\d.,]*\d{3}");
part!(THAN, r"(?:di ?atas|dari|than|melebihi|melampaui|>)\s*$");
part!(ABOVE, r"^\s*(?:di ?atas|lebih|melebihi|melampaui|>|tidak sesuai|berubah|sudah naik|naik)");

// What is left of a tail when a text is cut off before its amount or its clock is whole.
part!(
    TORN,
    r"[.,;]\s*(?:",
    deposit!(),
    "|",
    price!(),
    r")\b\D{0,12}$|[.]\s+(?:s|sa|sal|sald|si|sis|st|sto|h|hr|ha|har|harg)$|(?:^|[\s.,;])@[\s\d/:.-]*$"
);

/// The serial number between its label and the tail. Where there is no tail, the text may be cut off within
/// it: what is left of it is not of the number. The end of a sentence is no number.
pub(crate) fn number<'a>(text: &'a str, tail: &str) -> &'a str {
    let text = text.trim_matches(' ');
    let behind = text.strip_prefix(['.', ',', ';']);
    if behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(char::is_whitespace)) {
        return "";
    }
    let torn = if tail.is_empty() { TORN.find(text) } else { None };
    let kept = torn.map_or(text, |torn| &text[..torn.start()]);
    kept.trim_end_matches(['.', ' '])
}

/// Reads an amount of a sentence, whatever stands around it: `Rp. 1.321,`.
#[must_use]
pub fn amount(text: &str) -> Option<Rupiah> {
    let text = text.trim();
    let bare =
        text.get(..2).filter(|start| start.eq_ignore_ascii_case("rp")).map_or(text, |_| &text[2..]);
    bare.trim_start_matches([' ', '.', ':', '=', '+'])
        .trim_end_matches(['.', ',', '-', ' '])
        .parse()
        .ok()
}

/// `HH:MM` when it is a time of a day.
pub(crate) fn clock(text: &str) -> Option<String> {
    let (hour, minute) = text.split_once([':', '.'])?;
    let fits =
        hour.parse::<u8>().is_ok_and(|h| h < 24) && minute.parse::<u8>().is_ok_and(|m| m < 60);
    fits.then(|| format!("{hour}:{minute}"))
}

/// True when a match ends where a longer number or an address goes on.
fn goes_on(rest: &str) -> bool {
    let mut rest = rest.chars();
    match rest.next() {
        Some('.' | ':') => rest.next().is_some_and(|next| next.is_ascii_digit()),
        Some(next) => next.is_ascii_digit(),
        None => false,
    }
}

fn stamp_at(text: &str) -> Option<regex::Captures<'_>> {
    STAMP.captures_iter(text).find(|found| {
        let end = found.get(0).map_or(0, |whole| whole.end());
        !goes_on(&text[end..]) && clock(&found["time"]).is_some()
    })
}

/// True for a word that stands inside a serial number (`/BIAYA:2500`), which is no tail.
fn inside(text: &str, at: usize) -> bool {
    text[..at].ends_with(['/', '-', '_'])
}

/// Where the tail begins. A price that is compared (`Harga 1.321 di atas hargamax`) is a reason.
fn starts(text: &str, compared: bool) -> usize {
    let deposit = DEPOSIT.find_iter(text).map(|found| found.start()).find(|at| {
        // A deposit is never part of a proof, but for the names that bills use.
        !inside(text, *at) || text[*at..].to_ascii_lowercase().starts_with(['s', 'm'])
    });
    let price = PRICE
        .find_iter(text)
        .filter(|found| !inside(text, found.start()))
        .find(|found| {
            let (before, after) = (&text[..found.start()], &text[found.end()..]);
            compared || !(ABOVE.is_match(after) || THAN.is_match(before))
        })
        .map(|found| found.start());
    // `54.636.832 - 9.000 = 54.627.832` without a word: long numbers, so that no token is cut.
    let moved = MOVED
        .captures_iter(text)
        .filter(|found| found["before"].len() > 3 && found["after"].len() > 3)
        .filter_map(|found| found.get(0).map(|whole| whole.start()))
        .find(|at| !inside(text, *at));
    let stamp = stamp_at(text).and_then(|found| found.get(0).map(|whole| whole.start()));
    let other = OTHER.find_iter(text).map(|found| found.start()).find(|at| !inside(text, *at));
    let letter = LETTER.find_iter(text).map(|found| found.start()).find(|at| !inside(text, *at));
    let wrapper = WRAPPER.find(text).map(|found| found.start());
    let all = [deposit, price, moved, stamp, other, letter, wrapper];
    let start = all.into_iter().flatten().min().unwrap_or(text.len());
    match PRICED.find(&text[..start]) {
        Some(found) if deposit == Some(start) && !inside(text, found.start()) => found.start(),
        Some(_) | None => start,
    }
}

/// What a sentence says before its tail, and the tail.
#[must_use]
pub fn cut(text: &str) -> (&str, &str) {
    text.split_at(starts(text, false))
}

/// A text without amounts of the reader's account, prices that are compared among them: what
/// others may read.
#[must_use]
pub fn for_others(text: &str) -> &str {
    let kept = &text[..starts(text, true)];
    let amounts = [&FORTUNE, &RUPIAH].into_iter().flat_map(|part| part.find_iter(kept));
    let amount = amounts
        .filter(|found| {
            // Not the middle of a longer number: a phone number or an address with dots.
            !kept[..found.start()].ends_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',')
                && !goes_on(&kept[found.end()..])
        })
        .map(|found| found.start());
    let kept = kept[..amount.min().unwrap_or(kept.len())]
        .trim_end_matches([' ', '.', ',', ':', ';', '(', '-']);
    let lower = kept.to_ascii_lowercase();
    let word = ["karena", "sebab", "dengan"].into_iter().find(|word| {
        lower.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with(' '))
    });
    word.map_or(kept, |word| kept[..kept.len().saturating_sub(word.len())].trim_end())
}

/// Takes amounts and time out of the part that holds them; what is known already stays.
pub(crate) fn amounts(tail: &str, reading: &mut Reading) {
    if let Some(found) = MOVED.captures(tail).filter(|_| reading.balance.is_none()) {
        let (before, price, after) = (&found["before"], &found["price"], &found["after"]);
        reading.balance = amount(after);
        if &found["sign"] == "-" {
            reading.before = amount(before);
            reading.price = reading.price.or_else(|| amount(price));
        }
    }
    if reading.price.is_none() {
        reading.price = PRICE.captures(tail).and_then(|found| amount(&found["n"]));
    }
    if reading.balance.is_none() {
        let last = DEPOSIT.captures_iter(tail).last();
        reading.balance = last.and_then(|found| amount(&found["n"]));
    }
    stamp(tail, reading);
}

/// Takes time and date out of a text, unless they are known.
pub(crate) fn stamp(text: &str, reading: &mut Reading) {
    if reading.time.is_some() {
        return;
    }
    let date =
        |found: &regex::Captures<'_>| found.name("date").map(|date| date.as_str().to_owned());
    let dated = if let Some(found) = stamp_at(text) {
        reading.time = clock(&found["time"]);
        date(&found)
    } else if let Some(found) = CLOCK.captures(text) {
        reading.time = clock(&found["time"]);
        DATED.captures(text).as_ref().and_then(date)
    } else {
        None
    };
    reading.date = reading.date.take().or(dated);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_found_however_it_is_worded() {
        for tail in [
            "Saldo Rp.54.636.832 - Rp.9.000 = Rp.54.627.832 @22/03 19:20",
            "Stok 54.636.832 - 9000 = 54.627.832. @22/03 19:20",
            "Sisa Saldo: 54.401.132 @22/03 19:20",
            "Saldo Rp.134.786.318 - Hrg Rp.9.033,Saldo akhir Rp. 134.777.285 @21.01",
            "Stok:113.533.847 @10:57",
            "Sal 113.533.847",
            "Sisa saldo = 113.533.847",
            "SISA SALDO:990000 CLIENTID=1",
            "Saldo 61,125+5,775 = 66,900 @16:52",
            "Saldo anda sekarang Rp 5.000",
            "saldo_akhir=5000",
            "M-Bal 5.000",
            "Bal: 5.000",
            "Balance 5.000",
            "Kredit 5.000",
            "Deposit Rp5.000",
            "Hrg 9.070, Saldo 1.793",
            "Harga : 5200. Sisa Saldo : 94800",
            "Biaya Rp 9.000",
            "Komisi 25",
            "54.636.832 - 9.000 = 54.627.832",
            "Sisa: 54.401.132",
            "@10:57",
            "@ 02/03/2026 01:52",
            "Trx ke-2 gunakan format yang benar",
            "Rp 9.000 Saldo 54.627.832",
            "Rp9.000, Sisa saldo: 54.627.832",
            "S:54.636.832",
            "S=Rp54.636.832",
            "\"}",
            "</html>",
            "<br>Terima kasih",
        ] {
            let text = format!("12-34/NAMA. {tail}");
            assert_eq!(cut(&text), ("12-34/NAMA. ", tail), "{tail}");
        }
        for whole in [
            "0143 4804 9579 5519 9674/NAMA/R1/1300 VA/63,0KWH/PLNREF:1TKT/IDPEL:181800619334/RPTOKEN:90.909,00/PPN:0,00/PPJ:9.091,00/MATERAI:0,00",
            "BUDI/TAG:35214/ADMIN:4500/BIAYA:2500/PERIODE:202609/MET:51986-52019/REFF:1",
            "DNID NAMA/1000/20260524101214810301",
            "1234-5678-9012-3456-7890/NAMA/R1M/900VA/36,0",
            "VOUCHER 50%/ABC",
            "Stok tidak cukup",
            "Saldo tidak cukup",
            "IP tidak sesuai @203.0.113.172",
            "IP tidak sesuai @10.10.10.1",
            "Harga 1.321 di atas hargamax 1.300",
            // Short numbers may be a token's.
            "TOKEN 123 - 4000 = 5123",
            "TOKEN 1234 - 1000 = 234",
        ] {
            assert_eq!(cut(whole), (whole, ""), "{whole}");
        }
        // Only a deposit makes a price of the amount before it.
        assert_eq!(cut("Denom Rp 9.000 Harga 5.000"), ("Denom Rp 9.000 ", "Harga 5.000"));
        assert_eq!(for_others("diabaikan karena Harga Voucher 10.060 lebih besar"), "diabaikan");
        assert_eq!(for_others("Harga 1.321 di atas hargamax 1.300"), "");
        for (text, kept) in [
            ("Stok habis Rp54.636.832", "Stok habis"),
            ("Gangguan - 54.636.832", "Gangguan"),
            ("Produk tutup, menjadi 54.636.832", "Produk tutup"),
            ("Produk tutup. S:54.636.832", "Produk tutup"),
            ("Nomor 0812.345.678.901 salah", "Nomor 0812.345.678.901 salah"),
            ("Denom 10.000 kosong", "Denom 10.000 kosong"),
            ("IP 203.0.113.172 tidak dikenal", "IP 203.0.113.172 tidak dikenal"),
        ] {
            assert_eq!(for_others(text), kept, "{text}");
        }
    }

    #[test]
    fn a_time_is_one_of_a_day() {
        assert_eq!(clock("23.59").as_deref(), Some("23:59"));
        assert_eq!(clock("00:00").as_deref(), Some("00:00"));
        for odd in ["24:00", "12:60", "99:99", "1200", "a:10"] {
            assert_eq!(clock(odd), None, "{odd}");
        }
    }

    #[test]
    fn amounts_of_a_movement() {
        let of = |tail: &str| {
            let mut reading = Reading::default();
            amounts(tail, &mut reading);
            [reading.before, reading.price, reading.balance].map(|amount| amount.map(Rupiah::get))
        };
        let three = |a, b, c| [Some(a), Some(b), Some(c)];
        assert_eq!(of("Saldo 10 - 1 = 9 @10:00"), three(10, 1, 9));
        assert_eq!(of("Saldo -5.000 - -10 = -4.990"), three(-5_000, -10, -4_990));
        assert_eq!(of("Saldo Rp. 10.000 - Rp. 9.000 = Rp. 1.000"), three(10_000, 9_000, 1_000));
        let worded = of("Saldo Rp.134.786.318 - Hrg Rp.9.033,Saldo akhir Rp. 134.777.285");
        assert_eq!(worded, three(134_786_318, 9_033, 134_777_285));
        assert_eq!(of("Saldo 61,125+5,775 = 66,900"), [None, None, Some(66_900)]);
        assert_eq!(
            of("Hrg 6.487 Trx ke-2 gunakan .. Saldo 43.941.230"),
            [None, Some(6_487), Some(43_941_230)]
        );
    }
}
