//! Sealed columns: XChaCha20-Poly1305, the additional data names table, row and column, so that
//! a value moved to another place does not open (SECURITY.md).
//!
//! The master key comes from a file or the environment, never from the database. A sealed value says
//! which key it is under, so that a rotation that was interrupted knows what is left. What digests are
//! made with outlives a rotation: [`crate::KeySet`].

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// A sealed value as it is stored: version, id of the key, nonce, ciphertext. In version 1 there was
/// no id.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(***)")
    }
}

impl Sealed {
    /// Under which key it is; none for what was sealed before values said so.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        match self.0.split_first()? {
            (&VERSION, rest) => rest.first_chunk().copied().map(KeyId),
            _ => None,
        }
    }
}

/// What a key is called: tells nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&types::hex(self.0))
    }
}

impl KeyId {
    /// As it is shown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        types::unhex(text)?.try_into().ok().map(Self)
    }
}

/// Why a value could not be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another place, or a damaged value; of version 1 also another key.
    #[error("{0} does not open with this master key; is `master.key` the one it was written with?")]
    Closed(String),
    /// Another key.
    #[error(
        "{place} is sealed under key {theirs}, and this master key is {ours}: `master.key` is not the one \
         it was written with"
    )]
    Under {
        /// What.
        place: String,
        /// The key it is under.
        theirs: KeyId,
        /// The key that was tried.
        ours: KeyId,
    },
    /// The key text is not 64 hexadecimal digits, or nothing but zeros.
    #[error("a master key is 64 hexadecimal digits, not all of them 0")]
    BadKey,
    /// The system gave no randomness.
    #[error("no randomness from the system")]
    NoRandomness,
}

/// The bytes of a key; overwritten when they are dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

/// The key that seals. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct MasterKey {
    bytes: KeyBytes,
    id: KeyId,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({} ***)", self.id)
    }
}

/// With the id of its key.
const VERSION: u8 = 2;
/// As it was before.
const WITHOUT_ID: u8 = 1;
const NONCE: usize = 24;

/// Random bytes of a key.
pub(crate) fn fresh() -> Result<KeyBytes, SealError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut()).map_err(|_| SealError::NoRandomness)?;
    Ok(key)
}

impl MasterKey {
    fn of(bytes: KeyBytes) -> Self {
        let [a, b, c, d, ..] = *hmac(&bytes, b"gerbang key id 1");
        Self { bytes, id: KeyId([a, b, c, d]) }
    }

    /// A new random key.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn generate() -> Result<Self, SealError> {
        fresh().map(Self::of)
    }

    /// Reads the 64 hexadecimal digits of a key file.
    ///
    /// # Errors
    /// [`SealError::BadKey`].
    pub fn from_hex(text: &str) -> Result<Self, SealError> {
        // Zeros are what an empty file and a forgotten variable of a script look like.
        let given = key_bytes(text.trim()).filter(|bytes| **bytes != [0; 32]);
        given.map(Self::of).ok_or(SealError::BadKey)
    }

    /// The 64 hexadecimal digits to write into a key file.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(types::hex(*self.bytes))
    }

    /// What it is called.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// A key of its own for another purpose.
    pub(crate) fn derived(&self, purpose: &str) -> KeyBytes {
        hmac(&self.bytes, purpose.as_bytes())
    }

    /// Seals `plain` for `place`, for example `member/OK00123/pin`.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, place: &str, plain: &str) -> Result<Sealed, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let payload = Payload { msg: plain.as_bytes(), aad: place.as_bytes() };
        let closed = XChaCha20Poly1305::new((&*self.bytes).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::Closed(place.to_owned()))?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.id.0);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&closed);
        Ok(Sealed(bytes))
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// [`SealError::Under`] for another key, [`SealError::Closed`] for another place or a damaged value.
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<Zeroizing<String>, SealError> {
        let wrong = || SealError::Closed(place.to_owned());
        let rest = match sealed.0.split_first().ok_or_else(wrong)? {
            (&VERSION, rest) => {
                let (id, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
                let theirs = KeyId(*id);
                if theirs != self.id {
                    return Err(SealError::Under {
                        place: place.to_owned(),
                        theirs,
                        ours: self.id,
                    });
                }
                rest
            }
            (&WITHOUT_ID, rest) => rest,
            _ => return Err(wrong()),
        };
        let (nonce, closed) = rest.split_first_chunk::<NONCE>().ok_or_else(wrong)?;
        let payload = Payload { msg: closed, aad: place.as_bytes() };
        let plain = XChaCha20Poly1305::new((&*self.bytes).into())
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| wrong())?;
        match String::from_utf8(plain) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(odd) => {
                drop(Zeroizing::new(odd.into_bytes()));
                Err(wrong())
            }
        }
    }
}

/// 64 hexadecimal digits.
pub(crate) fn key_bytes(text: &str) -> Option<KeyBytes> {
    let bytes = Zeroizing::new(types::unhex(text)?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

pub(crate) fn hmac(key: &[u8; 32], text: &[u8]) -> KeyBytes {
    // A key shorter than a block is the same key filled up with zeros.
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(text);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "member/OK1/pin";

    #[test]
    fn opens_only_in_its_place_with_its_key() {
        let key = MasterKey::generate().expect("random");
        let sealed = key.seal(PIN, "123456").expect("seals");
        assert!(!sealed.0.windows(6).any(|part| part == b"123456"));
        assert_eq!(*key.open(PIN, &sealed).expect("opens"), "123456");
        assert!(key.open("member/OK2/pin", &sealed).is_err());
        let mut broken = sealed.clone();
        broken.0[34] ^= 1;
        assert!(key.open(PIN, &broken).is_err());
        for cut in 0..sealed.0.len() {
            assert!(key.open(PIN, &Sealed(sealed.0[..cut].to_vec())).is_err());
        }
    }

    #[test]
    fn a_value_says_under_which_key_it_is() {
        let (key, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let sealed = key.seal(PIN, "123456").unwrap();
        assert_eq!(sealed.key(), Some(key.id()));
        let under = SealError::Under { place: PIN.to_owned(), theirs: key.id(), ours: other.id() };
        assert_eq!(other.open(PIN, &sealed).unwrap_err(), under);
        // Another name for the key makes another key of none.
        let mut named = sealed.clone();
        named.0[1..5].copy_from_slice(&other.id().0);
        assert_eq!(other.open(PIN, &named).unwrap_err(), SealError::Closed(PIN.to_owned()));
        assert_eq!(KeyId::parse(&key.id().to_string()), Some(key.id()));
        assert_eq!((KeyId::parse("abc"), KeyId::parse("")), (None, None));
    }

    /// Sealed by the version before ids: key 07.., the place and text of this test.
    #[test]
    fn what_was_sealed_before_there_were_ids_still_opens() {
        let key = MasterKey::from_hex(&"07".repeat(32)).unwrap();
        let new = key.seal(PIN, "123456").unwrap();
        let mut old = vec![WITHOUT_ID];
        old.extend_from_slice(&new.0[5..]);
        let old = Sealed(old);
        assert_eq!(old.key(), None);
        assert_eq!(*key.open(PIN, &old).unwrap(), "123456");
        assert!(key.open("member/OK2/pin", &old).is_err());
        let made = types::unhex(OLD).unwrap();
        assert_eq!(*key.open(PIN, &Sealed(made)).unwrap(), "123456");
    }

    const OLD: &str = "0107fcfdbaf1da1f285454476c0e3921f857e7a9d4411344c72e57174ea86d4663c5abc64cfa73fb943bacc889e6ea";

    #[test]
    fn a_key_file_reads_back_and_never_shows() {
        let key = MasterKey::generate().expect("random");
        let again = MasterKey::from_hex(&format!("{}\n", *key.to_hex())).expect("reads");
        assert_eq!((again.to_hex(), again.id()), (key.to_hex(), key.id()));
        assert!(MasterKey::from_hex("abc").is_err());
        assert_eq!(format!("{key:?}"), format!("MasterKey({} ***)", key.id()));
    }
}
