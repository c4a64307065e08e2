//! Patience with a store that cannot write: whoever did something and could not record it waits
//! before doing it again, each key longer every time.
//!
//! Kept in memory only: what is durable still says "due", and that is right. It must never keep
//! anything away for longer than the longest pause, whatever the clock does, nor grow without end.

use domain::unwritten_delay_ms;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use types::UtcMillis;

/// Most keys that are remembered one by one; all others share one pause.
const KEYS_MOST: usize = 4_096;

#[derive(Clone, Copy, Default)]
struct Wait {
    /// How often in a row it could not be recorded.
    times: u16,
    /// When the last of them was.
    since: UtcMillis,
}

impl Wait {
    fn longer(&mut self, now: UtcMillis) {
        self.times = self.times.saturating_add(1);
        self.since = now;
    }

    /// A clock that went back ends the pause rather than stretching it.
    fn is_on(self, now: UtcMillis) -> bool {
        (0..unwritten_delay_ms(self.times)).contains(&now.since(self.since))
    }
}

struct Waits<K> {
    each: HashMap<K, Wait>,
    /// Of those that found no place.
    rest: Wait,
}

/// Who waits. Cheap to clone; clones share what they know.
pub(super) struct Patience<K>(Arc<Mutex<Waits<K>>>);

impl<K> Clone for Patience<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Hash + Eq + Clone> Patience<K> {
    /// Nobody waits yet.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Waits { each: HashMap::new(), rest: Wait::default() })))
    }

    /// True while this key must be left alone.
    pub(super) fn waits(&self, key: &K, now: UtcMillis) -> bool {
        let Ok(waits) = self.0.lock() else { return false };
        waits.each.get(key).map_or_else(|| waits.rest.is_on(now), |wait| wait.is_on(now))
    }

    /// It was done and could not be recorded: a pause, twice as long as the last one.
    pub(super) fn not_written(&self, key: &K, now: UtcMillis) {
        let Ok(mut waits) = self.0.lock() else { return };
        if waits.each.len() >= KEYS_MOST && !waits.each.contains_key(key) {
            // Those whose pause is over may have been done by somebody else.
            waits.each.retain(|_, wait| wait.is_on(now));
        }
        if waits.each.len() >= KEYS_MOST && !waits.each.contains_key(key) {
            waits.rest.longer(now);
        } else {
            waits.each.entry(key.clone()).or_default().longer(now);
        }
    }

    /// It was recorded: nothing is held against it any more, nor against those without a place.
    pub(super) fn written(&self, key: &K) {
        let Ok(mut waits) = self.0.lock() else { return };
        waits.each.remove(key);
        waits.rest = Wait::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> UtcMillis {
        UtcMillis::new(1_000_000 + ms)
    }

    #[test]
    fn pauses_double_up_to_five_minutes_and_end_with_a_success() {
        let (patience, mut now) = (Patience::new(), 0);
        for pause in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000]
        {
            assert!(!patience.waits(&7, at(now)));
            patience.not_written(&7, at(now));
            assert!(patience.waits(&7, at(now)) && patience.waits(&7, at(now + pause - 1)));
            assert!(!patience.waits(&8, at(now)), "others wait for nothing");
            now += pause;
        }
        assert!(!patience.waits(&7, at(now)), "and no longer");
        patience.written(&7);
        patience.not_written(&7, at(now));
        assert!(!patience.waits(&7, at(now + 1_000)), "it begins anew");
    }

    #[test]
    fn a_clock_that_goes_back_keeps_nobody_away() {
        let patience = Patience::new();
        patience.not_written(&7, at(3_600_000));
        assert!(!patience.waits(&7, at(0)));
    }

    #[test]
    fn it_is_bounded_and_the_rest_waits_together() {
        let patience = Patience::new();
        for key in 0..KEYS_MOST + 10 {
            patience.not_written(&key, at(0));
        }
        let count = || patience.0.lock().unwrap().each.len();
        assert_eq!(count(), KEYS_MOST);
        assert!(patience.waits(&KEYS_MOST, at(999)) && patience.waits(&usize::MAX, at(999)));
        patience.written(&0);
        assert!(!patience.waits(&usize::MAX, at(999)), "the store writes again");
        for key in 0..20 {
            patience.not_written(&(usize::MAX - key), at(600_000));
        }
        assert!(count() <= 21, "those whose pause is over made room: {}", count());
    }
}
