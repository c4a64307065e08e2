//! Which failures are certain, for texts of this trade: a closed list.
//!
//! A failure moves a purchase on or refunds it only when its words stand on a list here or in the
//! supplier's settings. Words of doubt win over all of them, and everything else that is called
//! failed is asked about.

use crate::phrases::{CLOSED, DENIED, DOUBT, NUMBER, NUMBERS, PURSES, ROUTE, SHORT, WARES, WRONG};
use domain::FailureClass;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// What the operator adds to the lists: words of failures that are certain at this supplier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Failures {
    /// The number is wrong or blocked: the purchase ends.
    pub number: Vec<String>,
    /// Not here, not now: the next route may deliver.
    pub route: Vec<String>,
}

/// What the words of a failure are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Certain.
    Listed {
        class: FailureClass,
        /// List and phrase, for people.
        by: String,
    },
    /// A word of doubt stands in it.
    Doubt(String),
    /// On no list.
    Unlisted,
    /// Nothing is said.
    Silent,
}

/// A phrase of a list.
#[derive(Clone, Debug)]
struct Phrase {
    list: &'static str,
    class: FailureClass,
    /// As written.
    text: String,
    /// As [`words`].
    words: String,
}

fn phrase(list: &'static str, class: FailureClass, text: String) -> Phrase {
    let words = words(&text);
    Phrase { list, class, text, words }
}

static LISTED: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    let plain = |list: &'static str| list.split('|').map(str::to_owned);
    let pairs = |subjects: &'static str, what: &'static str| {
        subjects
            .split('|')
            .flat_map(move |subject| what.split('|').map(move |is| format!("{subject} {is}")))
    };
    let number = plain(NUMBER).chain(pairs(NUMBERS, WRONG));
    let route = plain(ROUTE).chain(pairs(WARES, CLOSED)).chain(pairs(PURSES, SHORT));
    route
        .map(|text| phrase("list route", FailureClass::Route, text))
        .chain(number.map(|text| phrase("list number", FailureClass::Number, text)))
        .collect()
});

static DOUBTS: LazyLock<Vec<String>> = LazyLock::new(|| DOUBT.split('|').map(words).collect());

static DENIALS: LazyLock<Vec<String>> = LazyLock::new(|| DENIED.split('|').map(words).collect());

/// The lists of one supplier.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reasons {
    own: Vec<Phrase>,
}

/// Lower-case words with single spaces between and around them.
fn words(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect::<String>()
        .to_lowercase();
    format!(" {} ", spaced.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Where a phrase stands as whole words.
fn places<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        if phrase.trim().is_empty() {
            return None;
        }
        let at = text.get(from..)?.find(phrase)?.saturating_add(from);
        let end = at.saturating_add(phrase.len());
        // The space behind one is the space before the next.
        from = end.saturating_sub(1);
        Some((at, end))
    })
}

impl Reasons {
    pub(crate) fn new(own: &Failures) -> Self {
        let number = own.number.iter().map(|text| {
            phrase("failures.number of the settings", FailureClass::Number, text.clone())
        });
        let route = own.route.iter().map(|text| {
            phrase("failures.route of the settings", FailureClass::Route, text.clone())
        });
        Self { own: number.chain(route).collect() }
    }

    /// What the words of a failure are worth: the operator's phrases first, then the longest.
    pub(crate) fn judge(&self, reason: &str) -> Judged {
        let text = words(reason);
        if text.trim().is_empty() {
            return Judged::Silent;
        }
        let is_said = |listed: &&Phrase| places(&text, &listed.words).next().is_some();
        let own = self.own.iter().filter(is_said);
        let built_in: Vec<&Phrase> = LISTED.iter().filter(is_said).collect();
        let all = own.clone().chain(built_in.iter().copied()).map(|listed| listed.words.as_str());
        let covered: Vec<(usize, usize)> = all
            .chain(DENIALS.iter().map(String::as_str))
            .flat_map(|words| places(&text, words))
            .collect();
        let inside =
            |(from, to): (usize, usize)| covered.iter().any(|(a, b)| *a <= from && to <= *b);
        let doubt = DOUBTS.iter().find(|word| places(&text, word).any(|place| !inside(place)));
        if let Some(word) = doubt {
            return Judged::Doubt(word.trim().to_owned());
        }
        let longest = built_in.into_iter().max_by_key(|listed| listed.words.len());
        let mut own = own;
        match own.next().or(longest) {
            Some(Phrase { list, class, text, .. }) => {
                Judged::Listed { class: *class, by: format!("{list}: \"{text}\"") }
            }
            None => Judged::Unlisted,
        }
    }
}

/// What a status of this family says (`status=20&message=..`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Success,
    Pending,
    /// Failed, with its class when that is certain.
    Failed(Option<FailureClass>),
    /// A status on none of the operator's lists: final words beside it are not certain.
    Unlisted,
}

/// The known codes; anything else claims nothing.
pub(crate) fn claim(code: &str) -> Option<Claim> {
    use FailureClass::{Number, Route};
    match code.trim() {
        "1" | "2" => Some(Claim::Pending),
        "20" | "22" => Some(Claim::Success),
        "43" | "44" | "45" | "47" | "50" | "61" | "64" | "65" | "69" => {
            Some(Claim::Failed(Some(Route)))
        }
        "52" | "56" => Some(Claim::Failed(Some(Number))),
        "40" | "41" | "42" | "46" | "49" | "55" | "57" => Some(Claim::Failed(None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judge(reason: &str) -> Judged {
        Reasons::default().judge(reason)
    }

    fn class(reason: &str) -> Option<FailureClass> {
        match judge(reason) {
            Judged::Listed { class, .. } => Some(class),
            Judged::Doubt(_) | Judged::Unlisted | Judged::Silent => None,
        }
    }

    #[test]
    fn what_is_certain() {
        for reason in [
            "Nomor tujuan salah",
            "Nomor HP tidak benar",
            "Mohon diperiksa kembali No tujuan sebelum di ulang",
            "Cek kembali nomor tujuan Anda..",
            "Ket:Unreg Dahulu Paket Lama",
            "Nomor Blacklist",
            "Nomor salah",
            "Tujuan di Luar Wilayah/Cluster",
            "Tagihan sudah terbayar",
            "ID Pelanggan salah",
            "Format dest tidak benar",
            "Nomor tujuan salah, cek kembali nomor tujuan",
        ] {
            assert_eq!(class(reason), Some(FailureClass::Number), "{reason}: {:?}", judge(reason));
        }
        for reason in [
            "Stok kosong",
            "Stok habis",
            "Stok sedang kosong/ditutup",
            "Produk sedang gangguan",
            "Produk gangguan",
            "Produk tidak tersedia",
            "Voucher tidak tersedia",
            "Saldo tidak cukup",
            "Deposit tidak mencukupi",
            "Stok tidak cukup",
            "Sedang Cut Off",
            "Produk sedang cut off, buka jam 01:00",
            "Produk sedang kosong",
            "Kode produk salah",
            "salah kode atau nominal",
            "Transaksi Refund",
            "Dibatalkan",
            "Harga 1.321 di atas hargamax 1.300",
            "diabaikan karena Harga Voucher 10.060 lebih besar dari Harga Max anda 1.000",
            "Transaksi sama hari ini, gunakan counter",
            "Batas transaksi harian tercapai",
            "Transaksi tidak dapat diproses",
            "QTY wajib diisi",
            "Ditolak oleh operator",
            "Produk nonaktif",
        ] {
            assert_eq!(class(reason), Some(FailureClass::Route), "{reason}: {:?}", judge(reason));
        }
    }

    #[test]
    fn what_is_asked_about() {
        for reason in [
            "",
            " .",
            "Transaksi tidak ditemukan",
            "Data tidak ada",
            "Trx masih diproses",
            "Menunggu jawaban provider",
            "Sistem sibuk, coba cek lagi",
            "Sistem sibuk",
            "Tidak ada data",
            "not found",
            "timeout",
            "karena time out",
            "Gangguan koneksi",
            "Stok kosong, transaksi masih diproses",
            "Nomor tujuan salah, menunggu konfirmasi",
            "RefID sudah dipakai untuk transaksi lain",
            "Transaksi sudah pernah",
            "Double transaksi",
            "pending",
            "antri",
            "Gagal",
            "Transaksi gagal",
            "Nomor tidak ditemukan",
            "Sistem sedang gangguan",
            "Saldo tidak cukup, coba lagi",
            "internal error",
            "Kesalahan tak terduga",
            "Stok kosong (produk sudah terkirim)",
            "Transaksi sukses sebelumnya",
            "pelanggan",
            "kosong",
        ] {
            assert_eq!(class(reason), None, "{reason}: {:?}", judge(reason));
        }
    }

    #[test]
    fn the_operator_adds_and_is_named() {
        let own = Failures {
            number: vec!["kartu hilang".into()],
            route: vec!["Kuota Harian!".into(), " ".into()],
        };
        let reasons = Reasons::new(&own);
        let by = |class, by: &str| Judged::Listed { class, by: by.to_owned() };
        assert_eq!(
            reasons.judge("Maaf, kartu hilang."),
            by(FailureClass::Number, "failures.number of the settings: \"kartu hilang\"")
        );
        assert_eq!(
            reasons.judge("kuota harian habis"),
            by(FailureClass::Route, "failures.route of the settings: \"Kuota Harian!\"")
        );
        assert_eq!(reasons.judge("kuota harian, masih diproses"), Judged::Doubt("diproses".into()));
        assert_eq!(
            judge("Nomor tujuan salah"),
            by(FailureClass::Number, "list number: \"nomor tujuan salah\"")
        );
    }

    proptest! {
        #[test]
        fn doubt_wins_wherever_it_stands(
            listed in proptest::sample::select(vec!["stok kosong", "nomor tujuan salah", "refund", "saldo tidak cukup"]),
            doubt in proptest::sample::select(vec!["masih diproses", "timeout", "belum", "tidak ditemukan", "coba lagi", "pending", "menunggu"]),
            first in any::<bool>(),
            noise in "[a-z0-9 .,]{0,20}",
        ) {
            let text = if first { format!("{doubt}, {noise} {listed}") } else { format!("{listed} {noise}. {doubt}") };
            prop_assert_eq!(class(&text), None, "{}", text);
        }

        #[test]
        fn any_text_is_judged(text in "\\PC{0,80}") {
            let _ = judge(&text);
        }
    }
}
