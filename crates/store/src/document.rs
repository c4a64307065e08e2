//! Papers of the office: users, sessions, deposit tickets, bank mutations, approvals.
//!
//! What changes a few times a minute and is found by a key or a tag. The store keeps the text and
//! its version; what is in it is the office's business. Money is never here: a paper that goes
//! with a movement of money changes in the same commit.

use types::UtcMillis;

/// Which paper: what kind, and its name among those.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaperKey {
    /// `user`, `ticket`, ...
    pub kind: String,
    /// Unique in its kind; sorted as text.
    pub id: String,
}

impl PaperKey {
    /// A key.
    #[must_use]
    pub fn new(kind: &str, id: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: id.into() }
    }
}

/// A paper as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Which.
    pub key: PaperKey,
    /// A second way to find it, among others of its kind; may be empty.
    pub tag: String,
    /// Grows by one with every change, from 1.
    pub version: i64,
    /// When it was written.
    pub at: UtcMillis,
    /// JSON.
    pub body: String,
}

/// Which papers to list, by id.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct PaperFilter {
    pub kind: String,
    /// Only those with exactly this tag.
    pub tag: Option<String>,
    /// Newest first: only ids below this one.
    pub below: Option<String>,
    pub limit: u32,
}
