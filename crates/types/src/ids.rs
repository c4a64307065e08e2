//! One id type per entity, so that a trx number is never taken for a member.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Wraps the stored number.
            #[must_use]
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The stored number.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// A member's row; the wire knows its [`crate::MemberCode`].
    MemberId
}
id! {
    /// The number of a trx, `T#` on the wire.
    TrxNo
}
id! {
    /// One persisted callback delivery.
    DeliveryId
}

/// The n-th try of a trx at a supplier, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId {
    /// The trx it belongs to.
    pub trx: TrxNo,
    /// 1 for the first try.
    pub n: u16,
}

impl AttemptId {
    /// The reference we give the supplier: unique per attempt for ever, plain enough for any center.
    #[must_use]
    pub fn supplier_ref(self) -> String {
        format!("{}-{}", self.trx, self.n)
    }

    /// Reads a reference made by [`Self::supplier_ref`].
    #[must_use]
    pub fn from_supplier_ref(text: &str) -> Option<Self> {
        let (trx, n) = text.split_once('-')?;
        let id = Self { trx: TrxNo::new(trx.parse().ok()?), n: n.parse().ok()? };
        (id.supplier_ref() == text).then_some(id)
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.trx, self.n)
    }
}
