//! Rule sets for the common dialects: what each says beside the language of the whole family, which
//! reads every text that no rule matches. Sample lines of each are tests.

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

const MMI: &[Row] = &[(
    "balance*",
    Means::Balance,
    On::Balance,
    r"Saldo(?: Deposit Anda)? *(?:Rp\.? *)?(?<balance>[\d.]+)",
)];

const YUSCOM: &[Row] =
    &[("balance*", Means::Balance, On::Balance, r"Saldo *:? *(?<balance>[\d.]+)")];

const SERPUL: &[Row] =
    &[("balance*", Means::Balance, On::Balance, r"Saldo *: *(?<balance>[\d.]+)")];

const IRS: &[Row] =
    &[("balance*", Means::Balance, On::Balance, r"SALDO *[:=] *(?<balance>[\d.]+)")];

const QIOSPAY: &[Row] = &[
    (
        "previous one is open*",
        Means::Pending,
        On::Check,
        r"Transaksi sebelumnya .* masih dalam proses",
    ),
    (
        "above our limit",
        Means::Nothing,
        On::Any,
        r"(?:R#(?<ref>\S+) )?(?<product>\S+) (?<dest>[\w@.+()|-]+),? *(?<message>diabaikan karena Harga Voucher .*)",
    ),
    ("not available*", Means::Nothing, On::Any, r"^Gagal, *(?<message>Voucher tidak tersedia)"),
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
        rows.iter()
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
