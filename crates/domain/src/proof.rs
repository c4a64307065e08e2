//! When are two serial numbers the same proof of delivery, and what is no serial number at all?
//!
//! A text that may become a proof is compared with others by [`identity`]. What cannot tell two
//! purchases apart (placeholders, names, the destination itself, a clock's time) has none and must
//! never be taken for a proof.

use types::{Dest, Sn, is_same_dest, mobile_number};

/// Words that say "delivered" or "nothing here", and prove nothing beside fewer than
/// [`MANY_DIGITS`] digits.
const GENERIC: &[&str] = &[
    "SUKSES",
    "SUKSESS",
    "SUCCESS",
    "SUCCEED",
    "SUCCESSFUL",
    "BERHASIL",
    "OK",
    "OKE",
    "TRUE",
    "DONE",
    "SELESAI",
    "TERKIRIM",
    "MASUK",
    "SN",
    "REF",
    "REFF",
    "TRX",
    "TRXID",
    "TOPUP",
    "TOP",
    "UP",
    "ISI",
    "ULANG",
    "PULSA",
    "DATA",
    "PAKET",
    "VOUCHER",
    "VCR",
    "TOKEN",
    "TRANSAKSI",
    "PEMBELIAN",
    "PEMBAYARAN",
    "LUNAS",
    "PAID",
    "SALDO",
    "RP",
    "IDR",
    "NULL",
    "NONE",
    "NA",
    "N",
    "A",
    "KOSONG",
    "TIDAK",
    "ADA",
    "BELUM",
    "PENDING",
    "PROSES",
    "DIPROSES",
    "MENUNGGU",
    "INFO",
    "TES",
    "TEST",
    "DANA",
    "OVO",
    "GOPAY",
    "SHOPEEPAY",
    "LINKAJA",
    "DIISI",
    "KE",
    "VIA",
    "ID",
    "NO",
    "NOMOR",
    "WIB",
    "TGL",
    "JAM",
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MEI",
    "MAY",
    "JUN",
    "JUL",
    "AGU",
    "AUG",
    "SEP",
    "OKT",
    "OCT",
    "NOV",
    "DES",
    "DEC",
];

/// Names of the field that repeats the customer.
const CUSTOMER: &[&str] = &[
    "IDPEL",
    "NOMETER",
    "NOPEL",
    "METER",
    "ID",
    "NO",
    "NOHP",
    "HP",
    "TUJUAN",
    "IDPELANGGAN",
    "PELANGGAN",
    "USERID",
    "MSISDN",
];

/// Digits from which on a number is one of its kind.
const MANY_DIGITS: usize = 8;

/// Digits below which nothing is told apart.
const FEW_DIGITS: usize = 3;

fn compact(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// The text by which two serial numbers are the same proof; `None` for what is no serial number.
///
/// Upper-case letters and digits of the part before the first `/` or `,` when that part alone is
/// long enough to be one of its kind (a token, a reference), else of all.
#[must_use]
pub fn identity(sn: &Sn, dest: &Dest) -> Option<String> {
    // The customer's own number comes back in many of them and proves nothing.
    let parts: Vec<&str> = sn
        .as_str()
        .split(['/', ','])
        .map(str::trim)
        .filter(|part| !part.is_empty() && !names_customer(part, dest))
        .collect();
    let head = parts.first().copied()?;
    let whole = parts.join("/");
    if is_bare_time(&whole) || is_bill_without_reference(&whole) {
        return None;
    }
    let all = compact(&whole);
    let (count, in_head) = (digits(&all), digits(head));
    let is_name_check = in_head == 0 && count < MANY_DIGITS;
    if count < FEW_DIGITS || is_name_check || is_generic(&whole, count) || is_one_digit(&all) {
        return None;
    }
    let key = if in_head >= MANY_DIGITS { compact(head) } else { all };
    (!is_stamp(&key)).then_some(key)
}

/// `IDPEL=5301..`, `0812..`, in any spelling of this purchase's destination.
fn names_customer(part: &str, dest: &Dest) -> bool {
    let bare = part.split_once([':', '=']).map_or(part, |(name, value)| {
        if CUSTOMER.contains(&compact(name).as_str()) { value } else { part }
    });
    let same =
        |text: &str| is_same_dest(text, dest.as_str()) || compact(text) == compact(dest.as_str());
    let national = mobile_number(dest.as_str());
    // A leading zero is often lost on the way.
    let short = national.as_deref().and_then(|number| number.strip_prefix('0'));
    same(bare) || short.is_some_and(|short| compact(bare) == short)
}

/// Only words that go with every purchase, and no number of its own.
fn is_generic(whole: &str, count: usize) -> bool {
    let mut words = whole
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(str::to_ascii_uppercase)
        .filter(|word| word.bytes().any(|byte| byte.is_ascii_alphabetic()))
        .peekable();
    let has_words = words.peek().is_some();
    let all_generic = words.all(|word| {
        let letters = word.trim_matches(|c: char| c.is_ascii_digit());
        GENERIC.contains(&letters)
    });
    // A round number alone is an amount.
    let amount = || {
        let number = compact(whole);
        !has_words && count < MANY_DIGITS && number.ends_with("000")
    };
    (has_words && all_generic && count < MANY_DIGITS) || amount()
}

/// `00000000`, `11111111`.
fn is_one_digit(all: &str) -> bool {
    let mut bytes = all.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_digit() && bytes.all(|byte| byte == first))
}

/// `22/04/2025 19:08`, `2025-04-22`, `19:08:11`: separators of a clock and numbers of its size.
fn is_bare_time(whole: &str) -> bool {
    let allowed =
        |c: char| c.is_ascii_digit() || matches!(c, '/' | '-' | ':' | '.' | ' ' | 'T' | 'Z' | '@');
    if !whole.chars().all(allowed) || !whole.contains(['/', '-', ':', '.']) {
        return false;
    }
    let groups: Vec<&str> =
        whole.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let is_year = |group: &&str| group.len() == 4 && group.starts_with("20");
    let years = groups.iter().filter(|group| is_year(group)).count();
    let small = groups
        .iter()
        .filter(|group| !is_year(group))
        .all(|group| group.len() <= 2 && group.parse::<u8>().is_ok_and(|value| value < 60));
    small && years <= 1 && (2..=6).contains(&groups.len())
}

/// `20250422`, `202504221908`, `20250422190811`: a moment of a clock without separators.
fn is_stamp(key: &str) -> bool {
    if !matches!(key.len(), 8 | 12 | 14) || !key.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let part = |from: usize, to: usize| key.get(from..to).and_then(|text| text.parse::<u16>().ok());
    let within = |from: usize, to: usize, least: u16, most: u16| {
        key.len() < to || part(from, to).is_some_and(|value| (least..=most).contains(&value))
    };
    within(0, 4, 2_000, 2_099)
        && within(4, 6, 1, 12)
        && within(6, 8, 1, 31)
        && within(8, 10, 0, 23)
        && within(10, 12, 0, 59)
        && within(12, 14, 0, 59)
}

/// What a bill says before it is paid: name and amounts, and no reference of a payment.
fn is_bill_without_reference(whole: &str) -> bool {
    let upper = whole.to_ascii_uppercase();
    let is_bill = ["TAG:", "TAG=", "TAGIHAN", "TTAG", "JMLBLN", "PERIODE"]
        .into_iter()
        .any(|word| upper.contains(word));
    let has_reference = ["REF", "SN:", "SN=", "TOKEN", "STRUK", "NTB", "TRXID"]
        .into_iter()
        .any(|word| upper.contains(word));
    is_bill && !has_reference
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(sn: &str) -> Option<String> {
        identity(&Sn::parse(sn).unwrap(), &Dest::parse("089660522887").unwrap())
    }

    #[test]
    fn the_same_proof_in_other_clothes() {
        let token = of("0143-4804-9579-5519-9674/BUDI/R1/450/110.60KWH").unwrap();
        assert_eq!(token, "01434804957955199674");
        for same in [
            "0143 4804 9579 5519 9674/BUDI/R1/1300 VA/63,0KWH/PLNREF:1TKT/RPTOKEN:90.909,00/PPN:0,00",
            "01434804957955199674",
            "01434804957955199674, BUDI",
        ] {
            assert_eq!(of(same).as_deref(), Some(token.as_str()), "{same}");
        }
        assert_eq!(of("r230512.1911.2100f1"), of("R230512.1911.2100F1"));
        assert_ne!(
            of("DNID NAMA/1000/20260524101214810301"),
            of("DNID NAMA/1000/20260524101214810302")
        );
        for sn in [
            "0123",
            "1111-AAAA/NAMA",
            "R25042218462100b7",
            "SN-ABC-123",
            "08966052288712/REF998877",
        ] {
            assert!(of(sn).is_some(), "{sn}");
        }
        assert_eq!(of("089660522887/TRX998877665544").as_deref(), Some("TRX998877665544"));
    }

    #[test]
    fn what_proves_nothing() {
        for sn in [
            "-",
            "0",
            "00",
            "SUKSES",
            "Berhasil",
            "OK",
            "TRUE",
            "SN",
            "TopUp/1",
            "TOPUP 50000",
            "VOUCHER 100000",
            "NULL",
            "N/A",
            "00000000",
            "1111111111",
            "NAMA",
            "BUDI SANTOSO",
            "BUDI/R1/900VA",
            "A/1",
            "NAMA/200000/CODE",
            "089660522887",
            "+6289660522887",
            "6289660522887",
            "89660522887",
            "089660522887/BUDI/R1/450 VA",
            "IDPEL:089660522887/BUDI/R1/900VA",
            "22/04/2025 19:08",
            "19:08:11",
            "2025-04-22",
            "20250422190811",
            "20250422",
            "50000",
            "BUDI/TAG:35214/ADMIN:4500/TTAG:39714/TARIF:R1/DAYA:900/PERIODE:202609",
            "sukses 12345",
        ] {
            assert_eq!(of(sn), None, "{sn}");
        }
    }

    proptest! {
        #[test]
        fn one_identity_whatever_the_case_and_separators(groups in proptest::collection::vec("[0-9]{4}", 3..6), tail in "[A-Z]{0,9}") {
            let (plain, dashed) = (groups.concat(), format!("{}/{tail}", groups.join("-")));
            prop_assert_eq!(of(&plain), of(&dashed.to_lowercase()));
        }

        #[test]
        fn never_empty_and_never_panics(text in "\\PC{1,80}") {
            if let Ok(sn) = Sn::parse(&text) {
                let found = identity(&sn, &Dest::parse("089660522887").unwrap());
                prop_assert!(found.is_none_or(|key| key.len() >= FEW_DIGITS));
            }
        }
    }
}
