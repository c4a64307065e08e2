//! Keys of the JSON door, and the nonces that were used with them.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq as _;
use types::MemberCode;
use wire::Secret;

/// How far a request's clock may be off.
pub(crate) const WINDOW_SECONDS: i64 = 300;
/// Most nonces remembered; a flood forgets the oldest first.
const NONCES_MOST: usize = 200_000;

/// Whose key it is and its secret, later.
pub type FoundKey<'a> = Pin<Box<dyn Future<Output = Option<(MemberCode, Secret)>> + Send + 'a>>;

/// Where keys are kept.
pub trait KeyRing: Send + Sync {
    /// Whose key this is, and its secret.
    fn find<'a>(&'a self, key: &'a str) -> FoundKey<'a>;
}

/// No keys: the JSON door lets nobody in.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeys;

impl KeyRing for NoKeys {
    fn find<'a>(&'a self, _: &'a str) -> FoundKey<'a> {
        Box::pin(async { None })
    }
}

pub(crate) fn same(given: &str, wanted: &str) -> bool {
    bool::from(given.as_bytes().ct_eq(wanted.as_bytes()))
}

/// Nonces by key, in memory of this node: at another node a request may be sent once more, which
/// buys nothing twice, because its reference is the same.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<HashMap<(String, String), i64>>);

impl Nonces {
    /// True for one that was not used within the window.
    pub(crate) fn first(&self, key: &str, nonce: &str, now: i64) -> bool {
        if !(8..=64).contains(&nonce.len()) {
            return false;
        }
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= NONCES_MOST {
            used.retain(|_, at| now.saturating_sub(*at) <= 2 * WINDOW_SECONDS);
            if used.len() >= NONCES_MOST {
                let mut ages: Vec<i64> = used.values().copied().collect();
                ages.sort_unstable();
                let middle = ages.get(ages.len() / 2).copied().unwrap_or(now);
                used.retain(|_, at| *at > middle);
            }
        }
        let entry = used.entry((key.to_owned(), nonce.to_owned()));
        match entry {
            std::collections::hash_map::Entry::Occupied(mut old) => {
                let again = now.saturating_sub(*old.get()) <= 2 * WINDOW_SECONDS;
                old.insert(now);
                !again
            }
            std::collections::hash_map::Entry::Vacant(fresh) => {
                fresh.insert(now);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_new_once() {
        let nonces = Nonces::default();
        assert!(nonces.first("k", "nonce-0001", 1_000));
        assert!(!nonces.first("k", "nonce-0001", 1_001));
        assert!(nonces.first("other", "nonce-0001", 1_001));
        assert!(nonces.first("k", "nonce-0001", 9_000), "the window is long over");
        assert!(!nonces.first("k", "short", 1_000));
    }
}
