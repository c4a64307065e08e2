//! The master key with what follows from nothing else: the keys that digests are made with.
//!
//! Stamps, signed heads, checkpoints and recovery codes are digests: nobody can make them anew under
//! another key. So their keys, the *roots*, are not the master key's: they stand sealed under it, a
//! rotation seals them anew, and what they made stays verifiable
//! ([decision 15](../../../docs/decisions/0015-roots-outlive-the-master-key.md)). A business from before
//! there were roots has those that its first master key gave.

use crate::seal::{KeyBytes, fresh, hmac, key_bytes};
use crate::{MasterKey, SealError};
use std::fmt;
use std::ops::Deref;
use zeroize::Zeroizing;

/// What a digest is for. Who has the database and not the key has nothing to try guesses against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Recovery codes of a second factor.
    RecoveryCode,
    /// A file of members: credentials are in it.
    MemberFile,
    /// What somebody asked for under a key of its own: credentials may be in it.
    Asked,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::RecoveryCode => "recovery code",
            Self::MemberFile => "member file",
            Self::Asked => "asked",
        }
    }
}

#[derive(Clone)]
struct Roots {
    stamps: KeyBytes,
    codes: KeyBytes,
    other: KeyBytes,
}

/// So begins what is sealed of roots.
const WORD: &str = "roots 1";

/// The master key of a business and its roots. Seals and opens as the key it is.
#[derive(Clone)]
pub struct KeySet {
    master: MasterKey,
    roots: Roots,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({} ***)", self.master.id())
    }
}

impl Deref for KeySet {
    type Target = MasterKey;

    fn deref(&self) -> &MasterKey {
        &self.master
    }
}

impl KeySet {
    /// Roots that follow from the key: of a business that stores none.
    #[must_use]
    pub fn derived(master: MasterKey) -> Self {
        let roots = Roots {
            stamps: master.derived("gerbang stamps 1"),
            codes: master.derived("gerbang digest v1 recovery code"),
            other: master.derived("gerbang digests 2"),
        };
        Self { master, roots }
    }

    /// Roots of their own, for a new business.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn fresh(master: MasterKey) -> Result<Self, SealError> {
        let roots = Roots { stamps: fresh()?, codes: fresh()?, other: fresh()? };
        Ok(Self { master, roots })
    }

    /// A new key with roots of its own.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn generate() -> Result<Self, SealError> {
        Self::fresh(MasterKey::generate()?)
    }

    /// Roots as [`Self::told`] wrote them; none for another text.
    #[must_use]
    pub fn read(master: MasterKey, text: &str) -> Option<Self> {
        let mut words = text.strip_prefix(WORD)?.split_ascii_whitespace();
        let mut next = || key_bytes(words.next()?);
        let roots = Roots { stamps: next()?, codes: next()?, other: next()? };
        words.next().is_none().then_some(Self { master, roots })
    }

    /// The roots, to be sealed.
    #[must_use]
    pub fn told(&self) -> Zeroizing<String> {
        let Roots { stamps, codes, other } = &self.roots;
        let mut text = Zeroizing::new(String::with_capacity(256));
        text.push_str(WORD);
        for root in [stamps, codes, other] {
            text.push(' ');
            text.push_str(&Zeroizing::new(types::hex(**root)));
        }
        text
    }

    /// The same roots under another key.
    #[must_use]
    pub fn under(&self, master: MasterKey) -> Self {
        Self { master, roots: self.roots.clone() }
    }

    pub(crate) fn stamps(&self) -> KeyBytes {
        self.roots.stamps.clone()
    }

    /// A digest of a text for one purpose.
    #[must_use]
    pub fn digest(&self, purpose: Purpose, text: &str) -> [u8; 32] {
        let own = match purpose {
            Purpose::RecoveryCode => self.roots.codes.clone(),
            Purpose::MemberFile | Purpose::Asked => {
                hmac(&self.roots.other, purpose.word().as_bytes())
            }
        };
        *hmac(&own, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StampKey;

    fn key(byte: &str) -> MasterKey {
        MasterKey::from_hex(&byte.repeat(32)).unwrap()
    }

    #[test]
    fn a_digest_depends_on_root_purpose_and_text() {
        let set = KeySet::derived(key("07"));
        let one = set.digest(Purpose::Asked, "text");
        assert_eq!(one, set.digest(Purpose::Asked, "text"));
        assert_ne!(one, set.digest(Purpose::MemberFile, "text"));
        assert_ne!(one, set.digest(Purpose::RecoveryCode, "text"));
        assert_ne!(one, set.digest(Purpose::Asked, "texu"));
        assert_ne!(one, KeySet::derived(key("08")).digest(Purpose::Asked, "text"));
        assert_ne!(one, KeySet::fresh(key("07")).unwrap().digest(Purpose::Asked, "text"));
    }

    #[test]
    fn roots_outlive_their_key() {
        for before in [KeySet::derived(key("07")), KeySet::generate().unwrap()] {
            let told = before.told();
            let after = KeySet::read(key("09"), &told).unwrap();
            assert_eq!(after.id(), key("09").id());
            assert_eq!(after.told(), told);
            let digest = |set: &KeySet| set.digest(Purpose::RecoveryCode, "k7mp-2xhe-9dqa");
            assert_eq!(digest(&before), digest(&after));
            assert_eq!(StampKey::of(&before).sign("x"), StampKey::of(&after).sign("x"));
            assert_eq!(before.under(key("09")).told(), told);
        }
        let told = KeySet::derived(key("07")).told();
        for odd in
            ["", "this is the key", "roots 1", "roots 2 00", &told[..100], &format!("{} 00", *told)]
        {
            assert!(KeySet::read(key("07"), odd).is_none(), "{odd}");
        }
    }

    /// What the versions before made with the master key alone.
    #[test]
    fn a_business_from_before_keeps_its_digests() {
        let set = KeySet::derived(key("07"));
        let codes = types::hex(set.digest(Purpose::RecoveryCode, "user/budi/totp\nabc"));
        assert_eq!(
            (StampKey::of(&set).sign("x").as_str(), codes.as_str()),
            (
                "c97274c9f27a1547b602241d41e00bc3",
                "24bfd02a466fe7610bb56adbd8fa04a0837cf21ef2c20ce1d044e83df928ab02"
            )
        );
        assert_eq!(format!("{set:?}"), format!("KeySet({} ***)", key("07").id()));
    }
}
