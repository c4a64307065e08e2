//! Clocks: one that runs on while the machine is suspended, and the database's as far as we know it.

use rustix::time::{ClockId, clock_gettime};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};
use types::UtcMillis;

/// Milliseconds since the machine was started, time in suspension included: a lease goes on while
/// nobody looks.
#[must_use]
pub fn since_boot_ms() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

/// A reading of the database's clock that is at most so far off is always taken.
const GOOD_MS: i64 = 100;
/// Our own clock goes wrong by one in so many.
const DRIFT: i64 = 1_000;

/// What was learnt last.
#[derive(Clone, Copy)]
struct Reading {
    /// By our clock.
    at: i64,
    /// By theirs.
    theirs: i64,
    /// How far it may be off.
    error: i64,
}

/// The database's clock, carried forward by this machine's. Nodes whose own clocks differ agree on
/// it, up to what the questions took.
pub struct DatabaseClock(Mutex<Reading>);

impl DatabaseClock {
    pub(crate) fn new() -> Self {
        let own = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let theirs = i64::try_from(own.as_millis()).unwrap_or(i64::MAX);
        Self(Mutex::new(Reading { at: since_boot_ms(), theirs, error: i64::MAX }))
    }

    /// The database said `millis` to a question that took from `asked` to `heard`. A slow answer
    /// tells less than an older quick one, unless they contradict each other: then the clock is
    /// another one, or was set.
    pub(crate) fn learn(&self, asked: i64, heard: i64, millis: i64) {
        let error = heard.saturating_sub(asked) / 2;
        let new = Reading { at: asked.saturating_add(error), theirs: millis, error };
        let Ok(mut known) = self.0.lock() else { return };
        let age = new.at.saturating_sub(known.at).max(0);
        let bound = known.error.saturating_add(age / DRIFT);
        let expected = known.theirs.saturating_add(new.at.saturating_sub(known.at));
        let apart = new.theirs.saturating_sub(expected).saturating_abs();
        if error <= GOOD_MS || error <= bound || apart > bound.saturating_add(error) {
            *known = new;
        }
    }

    fn at(&self, own: i64) -> UtcMillis {
        let Ok(known) = self.0.lock() else { return UtcMillis::new(own) };
        UtcMillis::new(known.theirs.saturating_add(own.saturating_sub(known.at)))
    }

    /// Now, by the database's clock.
    #[must_use]
    pub fn now(&self) -> UtcMillis {
        self.at(since_boot_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_answers_are_believed_and_slow_ones_only_when_they_know_better() {
        let clock = DatabaseClock::new();
        let off = |clock: &DatabaseClock| clock.at(1_000_000).get();
        // The first is taken, however slow: 0.5 s either way.
        clock.learn(0, 1_000, 5_000);
        assert_eq!(off(&clock), 1_004_500);
        // A quick one is better.
        clock.learn(2_000, 2_010, 6_900);
        assert_eq!(off(&clock), 1_004_895);
        // A slow one that does not contradict it says nothing new.
        clock.learn(3_000, 5_000, 8_400);
        assert_eq!(off(&clock), 1_004_895);
        // One that does is another clock's.
        clock.learn(6_000, 8_000, 20_000);
        assert_eq!(off(&clock), 1_013_000);
    }
}
