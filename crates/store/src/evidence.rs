//! What a batch must know to tell whose words a supplier's words are: serial numbers that were used
//! before, other open attempts for the same, and how many equal purchases a day has seen.
//!
//! Serial numbers are kept as digests and for ever, also when the purchases they settled are
//! archived. Nothing here decides.

use domain::{Attempt, AttemptState, identity};
use sha2::{Digest as _, Sha256};
use types::{Day, Dest, ProductCode, Sku, Sn, SupplierCode};

/// A serial number as one supplier gave it, by the digest of what identifies it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProofKey {
    /// Who gave it.
    pub supplier: SupplierCode,
    /// First half of the SHA-256 of its identity.
    pub digest: [u8; 16],
}

impl ProofKey {
    /// The key of a serial number; `None` for a text that identifies nothing (a placeholder, a name).
    #[must_use]
    pub fn of(supplier: &SupplierCode, sn: &Sn, dest: &Dest) -> Option<Self> {
        let whole = Sha256::digest(identity(sn, dest)?);
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(whole) {
            *to = from;
        }
        Some(Self { supplier: supplier.clone(), digest })
    }
}

/// What was bought where, as words without a reference name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Where.
    pub supplier: SupplierCode,
    /// As what.
    pub sku: Sku,
    /// For whom.
    pub dest: Dest,
}

/// Equal purchases of one day, whoever bought them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turn {
    /// The business day.
    pub day: Day,
    /// What.
    pub product: ProductCode,
    /// For whom, normalised.
    pub dest: Dest,
}

/// Words without a reference may be about this attempt as well: it is open, or it was closed without
/// a serial number by which its own words could be told from others'.
#[must_use]
pub fn is_rival(attempt: &Attempt, dest: &Dest) -> bool {
    match &attempt.state {
        AttemptState::Sent | AttemptState::Waiting | AttemptState::Unknown { .. } => true,
        AttemptState::Delivered { sn } => {
            *sn == Sn::stand_in(attempt.id) || ProofKey::of(&attempt.supplier, sn, dest).is_none()
        }
        AttemptState::Failed { .. } => attempt.sent.is_some(),
        AttemptState::Intended | AttemptState::Unsent { .. } => false,
    }
}
