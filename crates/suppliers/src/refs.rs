//! Our references at a supplier: a prefix of this business and the attempt.
//!
//! The prefix keeps two businesses, or a business before and after a fresh start, apart at the same
//! supplier: an old reference would be answered with the old purchase.

use types::AttemptId;

/// Makes and reads references.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs(String);

impl Refs {
    /// With a prefix; an empty one for none.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self(prefix.to_owned())
    }

    /// The reference of an attempt.
    #[must_use]
    pub fn make(&self, attempt: AttemptId) -> String {
        format!("{}{}", self.0, attempt.supplier_ref())
    }

    /// The attempt of a reference that is ours.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<AttemptId> {
        AttemptId::from_supplier_ref(text.strip_prefix(self.0.as_str())?)
    }
}
