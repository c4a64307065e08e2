//! Wrong tries: a pause for who tries from where, never for everybody.

use crate::{KEYS_MOST, Origin, lock};
use lru::LruCache;
use std::hash::Hash;
use std::sync::Mutex;
use types::UtcMillis;

/// Wrong tries before the first pause.
const TRIES: u32 = 5;
/// First pause; doubles with every further wrong try.
const PAUSE_MS: i64 = 60_000;
const PAUSE_MOST_MS: i64 = 3_600_000;

/// Nothing is compared for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    /// What is left of the pause, rounded up.
    pub seconds: u32,
}

/// `None` when the moment is over.
pub(crate) fn left(until: UtcMillis, now: UtcMillis) -> Option<Paused> {
    let ms = until.since(now);
    let seconds = u32::try_from(ms.saturating_add(999) / 1_000).unwrap_or(u32::MAX);
    (ms > 0).then_some(Paused { seconds })
}

#[derive(Clone, Copy)]
struct Wrong {
    tries: u32,
    until: UtcMillis,
}

/// Wrong tries by who is tried and from where. Only what exists is a key: whoever makes names up is
/// counted under one for all of them, or not at all.
pub struct Pauses<K>(Mutex<LruCache<(K, Origin), Wrong>>);

impl<K: Hash + Eq> Default for Pauses<K> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEYS_MOST)))
    }
}

impl<K: Hash + Eq + Clone> Pauses<K> {
    /// May there be a try?
    ///
    /// # Errors
    /// [`Paused`] while there may not.
    pub fn check(&self, who: &K, from: Origin, now: UtcMillis) -> Result<(), Paused> {
        // Without a new place in the order: who is refused does not stay for that.
        let wrong = lock(&self.0).peek(&(who.clone(), from)).copied();
        wrong.and_then(|wrong| left(wrong.until, now)).map_or(Ok(()), Err)
    }

    /// Counts a wrong try.
    pub fn wrong(&self, who: &K, from: Origin, now: UtcMillis) {
        let mut all = lock(&self.0);
        let wrong = all.get_or_insert_mut((who.clone(), from), || Wrong { tries: 0, until: now });
        wrong.tries = wrong.tries.saturating_add(1);
        wrong.until = now;
        if let Some(beyond) = wrong.tries.checked_sub(TRIES) {
            wrong.until = now.after((PAUSE_MS << beyond.min(6)).min(PAUSE_MOST_MS));
        }
    }

    /// Counts a try before it is compared, so that many at one moment are no way around the pause;
    /// [`Self::right`] gives it back.
    ///
    /// # Errors
    /// [`Paused`]: this one is not compared.
    pub fn attempt(&self, who: &K, from: Origin, now: UtcMillis) -> Result<(), Paused> {
        self.check(who, from, now)?;
        self.wrong(who, from, now);
        Ok(())
    }

    /// A try was right: those before it are forgotten.
    pub fn right(&self, who: &K, from: Origin) {
        lock(&self.0).pop(&(who.clone(), from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMillis = UtcMillis::new(1_000_000);

    #[test]
    fn tries_are_counted_before_they_are_compared() {
        let pauses = Pauses::<&str>::default();
        let (here, there) = (Origin::parse("2001:db8::1"), Origin::parse("203.0.113.8"));
        for _ in 0..TRIES {
            assert_eq!(pauses.attempt(&"budi", here, NOW), Ok(()));
        }
        assert_eq!(pauses.attempt(&"budi", here, NOW), Err(Paused { seconds: 60 }));
        assert!(pauses.attempt(&"budi", Origin::parse("2001:db8::2"), NOW).is_err());
        assert_eq!(pauses.attempt(&"budi", there, NOW), Ok(()));
        assert_eq!(pauses.attempt(&"budi", here, NOW.after(PAUSE_MS)), Ok(()));
        let later = NOW.after(PAUSE_MS + 1);
        assert_eq!(pauses.attempt(&"budi", here, later).map_err(|p| p.seconds), Err(120));
        pauses.right(&"budi", here);
        assert_eq!(pauses.attempt(&"budi", here, later), Ok(()));
    }

    /// Whoever brings more keys than fit drives out the oldest, not all.
    #[test]
    fn a_flood_of_keys_does_not_end_the_newest_pauses() {
        let pauses = Pauses::<u32>::default();
        let from = Origin::Here;
        let most = u32::try_from(KEYS_MOST.get()).unwrap();
        for who in 0..most {
            pauses.wrong(&who, from, NOW);
        }
        for _ in 0..TRIES {
            pauses.wrong(&7, from, NOW);
        }
        for who in most..most + most / 2 {
            pauses.wrong(&who, from, NOW);
        }
        assert!(pauses.check(&7, from, NOW).is_err());
        assert_eq!(lock(&pauses.0).len(), KEYS_MOST.get());
    }
}
