//! Our references at a supplier: a prefix of this business, the tag of its epoch, and the attempt.
//!
//! The prefix keeps two businesses, or a business before and after a fresh start, apart at the same
//! supplier: an old reference would be answered with the old purchase. The tag does the same for a
//! business before and after a restore; what is older keeps the reference it was sent with.

use crate::About;
use domain::Epochs;
use types::AttemptId;

/// Longer than any tag.
const TAG_MOST: usize = 16;

/// Makes and reads references.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    prefix: String,
    epochs: Epochs,
}

impl Refs {
    /// With a prefix; an empty one for none.
    #[must_use]
    pub fn new(prefix: &str, epochs: &Epochs) -> Self {
        Self { prefix: prefix.to_owned(), epochs: epochs.clone() }
    }

    /// The reference of an attempt.
    #[must_use]
    pub fn make(&self, attempt: AttemptId) -> String {
        let Self { prefix, epochs } = self;
        match epochs.tag_of(attempt.trx) {
            None => format!("{prefix}{}", attempt.supplier_ref()),
            Some(tag) => format!("{prefix}{tag}-{}", attempt.supplier_ref()),
        }
    }

    /// The attempt of a reference that is ours. One of another epoch than its number is of a
    /// purchase that this business does not know.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<AttemptId> {
        let (_, attempt) = self.parts(text)?;
        (self.make(attempt) == text).then_some(attempt)
    }

    /// The tag, empty for none, and the attempt of a text that begins with our prefix.
    fn parts<'a>(&self, text: &'a str) -> Option<(&'a str, AttemptId)> {
        let own = text.strip_prefix(self.prefix.as_str())?;
        let (tag, plain) = match own.match_indices('-').rev().nth(1) {
            None => ("", own),
            Some((at, dash)) => (&own[..at], &own[at.saturating_add(dash.len())..]),
        };
        Some((tag, AttemptId::from_supplier_ref(plain)?))
    }

    /// What a callback with this reference is about.
    ///
    /// # Errors
    /// When it is nobody's here.
    pub fn about(&self, text: &str) -> Result<About, String> {
        match self.read(text) {
            Some(attempt) => Ok(About::Attempt(attempt)),
            None if self.is_kin(text) => Ok(About::Unknown),
            None => {
                let shown: String = text.chars().take(60).collect();
                Err(format!("reference {shown} is not ours"))
            }
        }
    }

    /// It has the shape of our references, whatever it names. Without a prefix of our own nothing has.
    #[must_use]
    pub fn is_kin(&self, text: &str) -> bool {
        let is_tag = |tag: &str| {
            tag.len() <= TAG_MOST && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        !self.prefix.is_empty() && self.parts(text).is_some_and(|(tag, _)| is_tag(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Epoch;
    use types::{DeliveryId, TrxNo, UtcMillis};

    #[test]
    fn a_reference_is_read_as_it_was_made_and_no_other_way() {
        let epoch = Epoch {
            number: 1,
            at: UtcMillis::new(0),
            trx_from: TrxNo::new(500),
            delivery_from: DeliveryId::new(1),
            tag: "rq7".to_owned(),
            open: true,
        };
        let id = |trx, n| AttemptId { trx: TrxNo::new(trx), n };
        for (prefix, epochs) in [
            ("", Epochs::default()),
            ("g9c-", Epochs::default()),
            ("g9c-", Epochs::new(vec![epoch.clone()])),
            ("a-b-", Epochs::new(vec![epoch.clone()])),
            ("", Epochs::new(vec![epoch.clone()])),
        ] {
            let refs = Refs::new(prefix, &epochs);
            for attempt in [id(499, 2), id(500, 1)] {
                assert_eq!(refs.read(&refs.make(attempt)), Some(attempt), "{refs:?}");
            }
        }
        let refs = Refs::new("g9c-", &Epochs::new(vec![epoch]));
        assert_eq!(
            (refs.make(id(499, 1)).as_str(), refs.make(id(500, 1)).as_str()),
            ("g9c-499-1", "g9c-rq7-500-1")
        );
        for other in
            ["g9c-500-1", "g9c-rq7-499-1", "g9c-rq8-500-1", "rq7-500-1", "g9c-rq7-500-", "g9c-"]
        {
            assert_eq!(refs.read(other), None, "{other}");
        }
        // Of another epoch: ours by its shape, and of nothing we know.
        for kin in ["g9c-500-1", "g9c-rq7-499-1", "g9c-rq8-500-1"] {
            assert_eq!(refs.about(kin), Ok(About::Unknown), "{kin}");
        }
        for other in ["rq7-500-1", "g9c-rq7-500-", "g9c-", "g9c-a b-500-1", "g9c--500-1-", "500-1"]
        {
            assert!(refs.about(other).is_err(), "{other}");
        }
        assert_eq!(refs.about("g9c-rq7-500-1"), Ok(About::Attempt(id(500, 1))));
        assert!(!Refs::default().is_kin("500-1"));
    }
}
