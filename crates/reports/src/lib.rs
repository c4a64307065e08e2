//! Figures and searches, derived from the ledger into a file of their own.
//!
//! The hot path pays for no index it does not decide with. This crate follows the ledger and keeps
//! what people ask for: statements, searches, daily figures, speeds. The file can be deleted at any
//! time and grows again from the ledger; it is some moments behind and never decides about money.
//! A purchase that was refused moved nothing and is not here.

mod apply;
mod ask;
mod file;
mod prefix;
mod speed;

pub use apply::{Feed, Place, gather};
pub use ask::{Closing, DayFigures, Entry, SaleFilter, Tally};
pub use file::{Reports, ReportsError};
pub use prefix::operator_of;

/// By what figures are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Everything together; the key is the hour, `00` to `23`.
    Hour,
    /// By member id.
    Member,
    /// By product code.
    Product,
    /// By supplier code.
    Supplier,
    /// By the phone operator of the destination.
    Operator,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Hour, Self::Member, Self::Product, Self::Supplier, Self::Operator];

    /// The stored word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Member => "member",
            Self::Product => "product",
            Self::Supplier => "supplier",
            Self::Operator => "operator",
        }
    }

    /// By its word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.word() == word)
    }
}
