//! Sealed columns: XChaCha20-Poly1305, the additional data names table, row and column, so that
//! a value moved to another place does not open (SECURITY.md).
//!
//! The master key comes from a file or the environment, never from the database.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// A sealed value as it is stored: version, nonce, ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(***)")
    }
}

/// Why a value could not be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another key, another place, or a damaged value.
    #[error("{0} does not open with this master key; is `master.key` the one it was written with?")]
    Closed(String),
    /// The key text is not 64 hexadecimal digits.
    #[error("a master key is 64 hexadecimal digits")]
    BadKey,
    /// The system gave no randomness.
    #[error("no randomness from the system")]
    NoRandomness,
}

/// The key that seals. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

const VERSION: u8 = 1;
const NONCE: usize = 24;

impl MasterKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn generate() -> Result<Self, SealError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| SealError::NoRandomness)?;
        Ok(Self(key))
    }

    /// Reads the 64 hexadecimal digits of a key file.
    ///
    /// # Errors
    /// [`SealError::BadKey`].
    pub fn from_hex(text: &str) -> Result<Self, SealError> {
        let key = types::unhex(text.trim()).and_then(|bytes| bytes.try_into().ok());
        key.map(Self).ok_or(SealError::BadKey)
    }

    /// The 64 hexadecimal digits to write into a key file.
    #[must_use]
    pub fn to_hex(&self) -> String {
        types::hex(self.0)
    }

    /// A key of its own for another purpose.
    pub(crate) fn derived(&self, purpose: &str) -> [u8; 32] {
        hmac(&self.0, purpose.as_bytes())
    }

    /// A digest of a text for one purpose. Who has the database and not this key has nothing to try
    /// guesses against, however few there are.
    #[must_use]
    pub fn digest(&self, purpose: &str, text: &str) -> [u8; 32] {
        let own = hmac(&self.0, format!("gerbang digest v1 {purpose}").as_bytes());
        hmac(&own, text.as_bytes())
    }

    /// Seals `plain` for `place`, for example `member/OK00123/pin`.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, place: &str, plain: &str) -> Result<Sealed, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let payload = Payload { msg: plain.as_bytes(), aad: place.as_bytes() };
        let closed = XChaCha20Poly1305::new(&self.0.into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::Closed(place.to_owned()))?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&closed);
        Ok(Sealed(bytes))
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// [`SealError::Closed`] for another key, another place or a damaged value.
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<String, SealError> {
        let wrong = || SealError::Closed(place.to_owned());
        let (version, rest) = sealed.0.split_first().ok_or_else(wrong)?;
        let (nonce, closed) = rest.split_at_checked(NONCE).ok_or_else(wrong)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| wrong())?;
        if *version != VERSION {
            return Err(wrong());
        }
        let payload = Payload { msg: closed, aad: place.as_bytes() };
        let plain = XChaCha20Poly1305::new(&self.0.into())
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| wrong())?;
        String::from_utf8(plain).map_err(|_| wrong())
    }
}

fn hmac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    // A key shorter than a block is the same key filled up with zeros.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_key_purpose_and_text() {
        let key = MasterKey::from_hex(&"07".repeat(32)).expect("reads");
        let one = key.digest("a", "text");
        assert_eq!(one, key.digest("a", "text"));
        assert_ne!(one, key.digest("b", "text"));
        assert_ne!(one, key.digest("a", "texu"));
        let other = MasterKey::from_hex(&"08".repeat(32)).expect("reads");
        assert_ne!(one, other.digest("a", "text"));
    }

    #[test]
    fn opens_only_in_its_place_with_its_key() {
        let key = MasterKey::generate().expect("random");
        let sealed = key.seal("member/OK1/pin", "123456").expect("seals");
        assert!(!sealed.0.windows(6).any(|part| part == b"123456"));
        assert_eq!(key.open("member/OK1/pin", &sealed).expect("opens"), "123456");
        assert!(key.open("member/OK2/pin", &sealed).is_err());
        assert!(MasterKey::generate().expect("random").open("member/OK1/pin", &sealed).is_err());
        let mut broken = sealed.clone();
        broken.0[30] ^= 1;
        assert!(key.open("member/OK1/pin", &broken).is_err());
        assert!(key.open("member/OK1/pin", &Sealed(vec![1, 2])).is_err());
    }

    #[test]
    fn a_key_file_reads_back_and_never_shows() {
        let key = MasterKey::generate().expect("random");
        let again = MasterKey::from_hex(&format!("{}\n", key.to_hex())).expect("reads");
        assert_eq!(again.to_hex(), key.to_hex());
        assert!(MasterKey::from_hex("abc").is_err());
        assert_eq!(format!("{key:?}"), "MasterKey(***)");
    }
}
