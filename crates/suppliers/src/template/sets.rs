//! Rule sets for the common dialects, each with sample lines as tests.

use super::{Means, On, Rule};
use serde::{Deserialize, Serialize};

/// The sets that come with Gerbang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RuleSet {
    Mmi,
    Yuscom,
    Serpul,
    Irs,
    Qiospay,
}

/// Name, what it means, where, pattern. A name that ends in `*` may be anonymous.
type Row = (&'static str, Means, On, &'static str);

/// Refusals of the caller, in all dialects.
const CALLER: &[Row] = &[(
    "caller refused*",
    Means::Nothing,
    On::Any,
    r"^(?:.*GAGAL[.,]?\s*)?(?<message>(?:Pin|Password|Sign) Salah|Salah (?:Pin|Password)|IP tidak sesuai.*|Pengguna tidak ditemukan.*|Too short)",
)];

const MMI: &[Row] = &[
    (
        "seen, success",
        Means::Success,
        On::Any,
        r"#(?<ref>\S+) \S+?\.(?<dest>\d+).*(?:sudah|sdh) pernah.*status Sukses[.,]? *SN(?:/Ref)?: *(?<sn>.+?)[.,]? *(?:Hrg (?<price>[\d.]+)|Trx ke-2|Saldo|$)",
    ),
    (
        "seen, failed",
        Means::Failed,
        On::Any,
        r"#(?<ref>\S+) \S+?\.(?<dest>\d+).*(?:sudah|sdh) pernah.*status Gagal[.,]? *(?<message>.*?)[.,]? *(?:Hrg *\d|Trx ke-2|Saldo *(?:Rp|\d)|$)",
    ),
    (
        "accepted",
        Means::Pending,
        On::Any,
        r"#(?<ref>\S+) \S+?\.(?<dest>\d+) (?:akan|sedang) diproses",
    ),
    (
        "success",
        Means::Success,
        On::Any,
        r"#(?<ref>\S+) \S+?\.(?<dest>\d+) SUKSES[.,]? *SN(?:/Ref)?: *(?<sn>.+?)[.,]? *Saldo *(?:Rp\.? *)?[\d.]+ *- *(?<price>[\d.]+)",
    ),
    ("time-out*", Means::Ask, On::Any, r"GAGAL[.,]? *(?:karena )?time ?out"),
    (
        "failed",
        Means::Failed,
        On::Any,
        r"#(?<ref>\S+) \S+?\.(?<dest>\d+)'? GAGAL[.,]? *(?<message>.*?)[.,]? *(?:Saldo *(?:Rp|\d)|Hrg *\d|Stok *\d|$)",
    ),
    (
        "balance*",
        Means::Balance,
        On::Balance,
        r"Saldo(?: Deposit Anda)? *(?:Rp\.? *)?(?<balance>[\d.]+)",
    ),
];

const YUSCOM: &[Row] = &[
    (
        "seen, success",
        Means::Success,
        On::Any,
        r"\S+?\.(?<dest>\d+) (?:sudah|sdh) pernah jam [\d.:]+, status Sukses[.,]? *SN(?:/Ref)?: *(?<sn>.+?)[.] *Trx ke-2",
    ),
    (
        "seen, paid elsewhere",
        Means::Number,
        On::Any,
        r"\S+?\.(?<dest>\d+) .*status Gagal[.,]? *SN(?:/Ref)?: *[.]?Gagal *(?<message>.*?)[.]? *(?:Trx ke-2|$)",
    ),
    (
        "seen, failed",
        Means::Failed,
        On::Any,
        r"\S+?\.(?<dest>\d+) (?:sudah|sdh) pernah jam [\d.:]+, status Gagal[.,]? *(?<message>.*?)[.]? *(?:Trx ke-2|$)",
    ),
    ("accepted", Means::Pending, On::Any, r"\S+?\.(?<dest>\d+) (?:akan|sedang) diproses"),
    (
        "success",
        Means::Success,
        On::Any,
        r"\S+?\.(?<dest>\d+) SUKSES[.,]? *SN(?:/Ref)?: *(?<sn>.+?)[.] *Saldo *[\d.]+ *- *(?<price>[\d.]+)",
    ),
    (
        "failed",
        Means::Failed,
        On::Any,
        r"\S+?\.(?<dest>\d+) GAGAL[.,]? *(?<message>.*?)[.]? *(?:Saldo *(?:Rp|\d)|$)",
    ),
    ("balance*", Means::Balance, On::Balance, r"Saldo *:? *(?<balance>[\d.]+)"),
];

const SERPUL: &[Row] = &[
    (
        "success",
        Means::Success,
        On::Any,
        r"ke (?<dest>\d+) BERHASIL[.] *SN *: *(?<sn>.+?)[.] *Harga *: *(?<price>\d+).*Ref[.] *ID *: *(?<ref>[^\s.]+)",
    ),
    (
        "failed",
        Means::Failed,
        On::Any,
        r"ke (?<dest>\d+) GAGAL[.] *Keterangan *: *(?<message>.*?)[.] *(?:Sisa|Saldo|Ref|$)",
    ),
    ("accepted", Means::Pending, On::Any, r"ke (?<dest>\d+) (?:akan|sedang) diproses"),
    ("balance*", Means::Balance, On::Balance, r"Saldo *: *(?<balance>[\d.]+)"),
];

const IRS: &[Row] = &[
    (
        "success",
        Means::Success,
        On::Any,
        r"TRX \S+?\.(?<dest>\d+) BERHASIL, *HRG: *(?<price>\d+) *SN: *(?<sn>.+?)[.] *SISA SALDO",
    ),
    (
        "failed",
        Means::Failed,
        On::Any,
        r"TRX \S+?\.(?<dest>\d+) GAGAL[,.]? *(?:KET(?:ERANGAN)?: *)?(?<message>.*?)[.]? *(?:SISA SALDO|$)",
    ),
    (
        "accepted",
        Means::Pending,
        On::Any,
        r"Request \S+ ke (?<dest>\d+) (?:segera|akan|sedang) diproses",
    ),
    ("balance*", Means::Balance, On::Balance, r"SALDO *[:=] *(?<balance>[\d.]+)"),
];

const QIOSPAY: &[Row] = &[
    (
        "accepted",
        Means::Pending,
        On::Any,
        r"R#(?<ref>\S+) \S+ (?<dest>\d+), *Mohon tunggu transaksi sedang diproses",
    ),
    (
        "previous one is open*",
        Means::Pending,
        On::Check,
        r"Transaksi sebelumnya .* masih dalam proses",
    ),
    (
        "success",
        Means::Success,
        On::Any,
        r"R#(?<ref>\S+) \S+ (?<dest>\d+), *(?:SUKSES|BERHASIL)[.,]? *SN(?:/Ref)?: *(?<sn>.+?)[.] *(?:Saldo|Harga *:? *(?<price>[\d.]+)|$)",
    ),
    (
        "above our limit",
        Means::Nothing,
        On::Any,
        r"(?:R#(?<ref>\S+) )?\S+ (?<dest>\d+),? *(?<message>diabaikan karena Harga Voucher .*)",
    ),
    (
        "failed",
        Means::Failed,
        On::Any,
        r"R#(?<ref>\S+) \S+ (?<dest>\d+), *GAGAL[.,]? *(?<message>.*?)[.]? *(?:Saldo *(?:Rp|\d)|$)",
    ),
    ("not available*", Means::Nothing, On::Buy, r"^Gagal, *(?<message>Voucher tidak tersedia)"),
    ("balance*", Means::Balance, On::Balance, r"Saldo *:? *(?<balance>[\d.]+)"),
];

impl RuleSet {
    /// All sets.
    pub const ALL: [Self; 5] = [Self::Mmi, Self::Yuscom, Self::Serpul, Self::Irs, Self::Qiospay];

    /// Its rules in order.
    #[must_use]
    pub fn rules(self) -> Vec<Rule> {
        let rows = match self {
            Self::Mmi => MMI,
            Self::Yuscom => YUSCOM,
            Self::Serpul => SERPUL,
            Self::Irs => IRS,
            Self::Qiospay => QIOSPAY,
        };
        CALLER
            .iter()
            .chain(rows)
            .map(|(name, means, on, pattern)| Rule {
                name: name.trim_end_matches('*').to_owned(),
                pattern: (*pattern).to_owned(),
                means: *means,
                on: *on,
                anonymous: name.ends_with('*'),
            })
            .collect()
    }
}
