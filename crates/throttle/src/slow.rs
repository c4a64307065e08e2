//! Wrong tries against one key from everywhere together: slow enough that many addresses find nothing,
//! and no way to shut out who comes from where it is known.

use crate::pauses::{Paused, left};
use crate::{KEYS_MOST, Origin, lock};
use lru::LruCache;
use std::hash::Hash;
use std::sync::Mutex;
use types::UtcMillis;

/// Wrong tries against each key, from wherever.
pub struct Slow<K> {
    /// Tries that may be wrong at once.
    burst: i64,
    /// One more for each of these.
    every_ms: i64,
    /// When all tries of a key will be free again.
    free: Mutex<LruCache<K, UtcMillis>>,
    /// Where it was right.
    known: Mutex<LruCache<(K, Origin), ()>>,
}

impl<K: Hash + Eq + Clone> Slow<K> {
    /// So many wrong tries at once, and one more in each so many ms.
    #[must_use]
    pub fn new(burst: i64, every_ms: i64) -> Self {
        let (free, known) = (LruCache::new(KEYS_MOST), LruCache::new(KEYS_MOST));
        Self { burst, every_ms, free: Mutex::new(free), known: Mutex::new(known) }
    }

    /// May there be a try from there? Where it was right before there always may.
    ///
    /// # Errors
    /// [`Paused`] while there may not.
    pub fn check(&self, who: &K, from: Origin, now: UtcMillis) -> Result<(), Paused> {
        let Some(free) = lock(&self.free).peek(who).copied() else { return Ok(()) };
        let next =
            free.after(self.every_ms.saturating_sub(self.burst.saturating_mul(self.every_ms)));
        let Some(paused) = left(next, now) else { return Ok(()) };
        if lock(&self.known).contains(&(who.clone(), from)) { Ok(()) } else { Err(paused) }
    }

    /// Was it right from there before?
    #[must_use]
    pub fn knows(&self, who: &K, from: Origin) -> bool {
        lock(&self.known).contains(&(who.clone(), from))
    }

    /// Counts a wrong try.
    pub fn wrong(&self, who: &K, now: UtcMillis) {
        let mut all = lock(&self.free);
        let free = all.get_or_insert_mut(who.clone(), || now);
        // Not further away than the burst and one, so that a flood from where it is known costs
        // nobody more than that.
        let most = now.after(self.every_ms.saturating_mul(self.burst));
        *free = (*free).max(now).after(self.every_ms).min(most);
    }

    /// What was counted as wrong before it was compared was right.
    pub fn give_back(&self, who: &K) {
        if let Some(free) = lock(&self.free).get_mut(who) {
            *free = free.after(self.every_ms.saturating_neg());
        }
    }

    /// A try was right from there.
    pub fn right(&self, who: &K, from: Origin) {
        lock(&self.known).put((who.clone(), from), ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMillis = UtcMillis::new(1_000_000);

    #[test]
    fn many_addresses_are_slow_and_the_known_one_is_free() {
        let slow = Slow::<&str>::new(10, 1_000);
        let home = Origin::parse("203.0.113.7");
        slow.right(&"budi", home);
        let place = |number: u32| Origin::of(std::net::Ipv4Addr::from(number).into());
        let tried = |at: UtcMillis, from: u32, most: u32| {
            (from..from + most)
                .filter(|n| {
                    let may = slow.check(&"budi", place(*n), at).is_ok();
                    if may {
                        slow.wrong(&"budi", at);
                    }
                    may
                })
                .count()
        };
        assert_eq!(tried(NOW, 0, 1_000), 10);
        assert_eq!(tried(NOW.after(999), 1_000, 1_000), 0);
        assert_eq!(tried(NOW.after(1_000), 2_000, 1_000), 1);
        assert_eq!(tried(NOW.after(4_000), 3_000, 1_000), 3);
        assert_eq!(slow.check(&"budi", home, NOW.after(4_000)), Ok(()));
        // A flood at home does not push the others' next try away for ever.
        (0..1_000).for_each(|_| slow.wrong(&"budi", NOW.after(4_000)));
        assert!(slow.check(&"budi", place(1), NOW.after(4_000)).is_err());
        assert_eq!(tried(NOW.after(5_000), 4_000, 10), 1);
        assert_eq!(tried(NOW.after(60_000), 5_000, 100), 10);
        assert_eq!(slow.check(&"susi", place(1), NOW), Ok(()));
    }
}
