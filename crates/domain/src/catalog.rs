//! What is sold, to whom, from where. Small, read-mostly, held in memory as a snapshot.

use crate::{DestRule, Dialect, Upline};
use std::fmt;
use std::str::FromStr;
use types::{
    CivilTime, LevelCode, MemberCode, MemberId, ProductCode, ProductName, Qty, Rupiah, Sku,
    SupplierCode,
};

/// A downstream customer with a prepaid balance. Secrets are not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Row id.
    pub id: MemberId,
    /// `OK00123`.
    pub code: MemberCode,
    /// Shown to operators.
    pub name: String,
    /// An inactive member may ask and gets `Akun tidak aktif`.
    pub active: bool,
    /// Which prices it pays.
    pub level: LevelCode,
    /// How far below zero its balance may go; 0 for prepaid.
    pub credit_limit: Rupiah,
    /// Most it may buy in one business day.
    pub daily_limit: Option<Rupiah>,
    /// Ask for `counter` on an equal purchase of the same day.
    pub same_day_guard: bool,
    /// Where final states are told.
    pub callback_url: Option<String>,
    /// Choice of words on the wire.
    pub wording: Wording,
    /// Habits of other centers that its program expects.
    pub dialect: Dialect,
    /// Whose downline it is, if any; its prices follow from its upline's then.
    pub upline: Option<Upline>,
    /// Its purchases go to the sandbox and move no money.
    pub sandbox: bool,
}

/// A member's choice of words (WIRE.md section 3, last item).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// `sedang diproses` instead of `akan diproses`.
    pub sedang: bool,
    /// `SN/Ref:` instead of `SN:` in callbacks.
    pub sn_ref: bool,
    /// The member is a marketplace that resells us.
    pub seller: Seller,
    /// Callbacks as signed JSON, posted, instead of text in a query.
    pub webhook: bool,
}

/// In which of a marketplace's protocols a member is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seller {
    /// None: an ordinary member.
    #[default]
    No,
    /// OtomaX text in the order a marketplace wants it.
    Text,
    /// JSON; its final report is posted.
    Json,
}

impl Seller {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::No, Self::Text, Self::Json];

    /// The word operators use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl FromStr for Seller {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let found = Self::ALL.into_iter().find(|seller| seller.word() == text.trim());
        found.ok_or_else(|| RuleError(format!("seller `{text}`: write no, text or json")))
    }
}

/// What is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// `T1`.
    pub code: ProductCode,
    /// `Three 1.000`.
    pub name: ProductName,
    /// Group, `produk` in the price list.
    pub group: String,
    /// Category, `kategori` in the price list.
    pub category: String,
    /// Fixed or free nominal.
    pub denomination: Denomination,
    /// What its destination looks like.
    pub dest_rule: DestRule,
    /// False closes it: `Produk sedang gangguan`.
    pub open: bool,
    /// Daily window in which it is not sold.
    pub cut_off: Option<Window>,
    /// How its routes are ordered.
    pub strategy: Strategy,
}

/// Fixed or free nominal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denomination {
    /// The price is the price; `qty` is 1 or absent.
    Fixed,
    /// The member names the nominal; the price is a fee on top of it.
    Open {
        /// Least nominal.
        min: Qty,
        /// Most.
        max: Qty,
    },
}

/// A selling price of one product at one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The price, or the fee of an open denomination.
    pub amount: Rupiah,
    /// Open denomination: this many hundredths of a percent of the nominal on top.
    pub basis_points: i64,
}

/// An upstream provider, as routing sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supplier {
    /// `sandbox`.
    pub code: SupplierCode,
    /// Shown to operators.
    pub name: String,
    /// Which connector speaks to it.
    pub connector: String,
    /// Skipped by routing; attempts already made are still asked about.
    pub paused: bool,
    /// First status check this long after sending.
    pub check_after_ms: i64,
    /// Unknown for longer than this: a person should look.
    pub suspect_after_ms: i64,
    /// Late `failed` after success is believed and refunded without a person.
    pub trusted_reversal: bool,
    /// It wants to know the n-th equal purchase of a day, so they are counted.
    pub counts: bool,
}

/// "Product P can be bought at supplier S as SKU K for cost C".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRow {
    /// What is sold.
    pub product: ProductCode,
    /// Where it is bought.
    pub supplier: SupplierCode,
    /// Its name there.
    pub sku: Sku,
    /// Cost; the fee of an open denomination.
    pub cost: Rupiah,
    /// Lower goes first.
    pub priority: i32,
    /// Operator's switch.
    pub enabled: bool,
    /// May be used although it costs more than the selling price.
    pub allow_loss: bool,
    /// Share of purchases among routes of a weighted product; 0 takes none.
    pub weight: u32,
    /// Never used above this cost.
    pub cost_most: Option<Rupiah>,
    /// Used only within this daily window.
    pub hours: Option<Window>,
    /// Used only for destinations that begin with one of these; none for all.
    pub prefixes: Vec<String>,
    /// The supplier's own price list offers it.
    pub stocked: bool,
    /// Most purchases in one business day.
    pub daily_most: Option<u32>,
}

impl RouteRow {
    /// A plain route: first priority, enabled, no conditions.
    #[must_use]
    pub const fn new(product: ProductCode, supplier: SupplierCode, sku: Sku, cost: Rupiah) -> Self {
        Self {
            product,
            supplier,
            sku,
            cost,
            priority: 1,
            enabled: true,
            allow_loss: false,
            weight: 1,
            cost_most: None,
            hours: None,
            prefixes: Vec::new(),
            stocked: true,
            daily_most: None,
        }
    }
}

/// How routes of a product are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// By priority, then cost.
    #[default]
    Priority,
    /// By cost.
    Cheapest,
    /// Shared out by weight; the rest follow by priority when the first one fails.
    Weighted,
}

impl Strategy {
    /// All strategies.
    pub const ALL: [Self; 3] = [Self::Priority, Self::Cheapest, Self::Weighted];

    /// The word operators use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Cheapest => "cheapest",
            Self::Weighted => "weighted",
        }
    }
}

impl FromStr for Strategy {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let found = Self::ALL.into_iter().find(|strategy| strategy.word() == text.trim());
        found.ok_or_else(|| {
            RuleError(format!("strategy `{text}`: write priority, cheapest or weighted"))
        })
    }
}

/// A rule or window that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError(String);

impl RuleError {
    pub(crate) const fn new(why: String) -> Self {
        Self(why)
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RuleError {}

/// A daily window in minutes of the day; `from` > `to` crosses midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: u16,
    to: u16,
}

impl Window {
    /// The rest of the day.
    #[must_use]
    pub const fn inverse(self) -> Self {
        Self { from: self.to, to: self.from }
    }

    /// The minute at which it ends.
    #[must_use]
    pub const fn ends_minute(self) -> u16 {
        self.to
    }

    /// True from the first minute up to, not including, the last.
    #[must_use]
    pub fn contains(self, now: CivilTime) -> bool {
        let minute = now.minute_of_day();
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl FromStr for Window {
    type Err = RuleError;

    /// Reads `23:00-01:00`.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let wrong = || RuleError(format!("window `{text}`: write `HH:MM-HH:MM`"));
        let minute = |clock: &str| -> Option<u16> {
            let (hour, minute) = clock.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour.saturating_mul(60).saturating_add(minute))
        };
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let window =
            Self { from: minute(from).ok_or_else(wrong)?, to: minute(to).ok_or_else(wrong)? };
        if window.from == window.to { Err(wrong()) } else { Ok(window) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_crosses_midnight() {
        let window: Window = "23:00-01:00".parse().expect("fine");
        let at = |hour, minute| CivilTime { year: 2026, month: 1, day: 1, hour, minute, second: 0 };
        assert!(window.contains(at(23, 0)) && window.contains(at(0, 59)));
        assert!(!window.contains(at(1, 0)) && !window.contains(at(22, 59)));
        assert_eq!(window.to_string(), "23:00-01:00");
        for text in ["23:00", "24:00-01:00", "01:00-01:00", "a-b"] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
