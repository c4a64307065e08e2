//! How long ago something was sent, at least, whatever happened to the wall clock since.
//!
//! "No data" ends a purchase only when no request of ours can be under way any more. A wall clock that
//! is set forward, or a machine that was suspended, makes every request old at once while it is still
//! on its way. So what the clock jumped is taken off; and nothing is older than this process, or than
//! the moment at which it took the work over: what was sent before that was sent by somebody else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use types::UtcMillis;

/// Less than this is drift.
const DRIFT_MS: i64 = 1_000;
/// So many jumps are told apart; older ones count as one.
const JUMPS_MOST: usize = 64;

struct Watched {
    /// This process began, or took work over.
    since: Instant,
    /// A moment by both clocks.
    both: Option<(Instant, UtcMillis)>,
    /// How far the wall clock has run ahead of the steady one since then.
    ahead_ms: i64,
    /// What it jumped forward, by what it showed afterwards.
    jumps: VecDeque<(UtcMillis, i64)>,
}

/// Cheap to clone; clones share what they saw.
#[derive(Clone)]
pub(super) struct Steady(Arc<Mutex<Watched>>);

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Watched {
    fn sees(&mut self, now: UtcMillis) {
        let (began, wall) = *self.both.get_or_insert((Instant::now(), now));
        let ahead_ms = now.since(wall).saturating_sub(millis(began.elapsed()));
        let jumped = ahead_ms.saturating_sub(self.ahead_ms);
        if jumped.saturating_abs() <= DRIFT_MS {
            return;
        }
        self.ahead_ms = ahead_ms;
        if jumped < 0 {
            return;
        }
        self.jumps.push_back((now, jumped));
        if self.jumps.len() > JUMPS_MOST
            && let (Some((_, first)), Some(second)) =
                (self.jumps.pop_front(), self.jumps.front_mut())
        {
            second.1 = second.1.saturating_add(first);
        }
    }
}

impl Steady {
    pub(super) fn new() -> Self {
        let since = Instant::now();
        let jumps = VecDeque::new();
        Self(Arc::new(Mutex::new(Watched { since, both: None, ahead_ms: 0, jumps })))
    }

    /// Others may have sent until now: a start, or work taken over.
    pub(super) fn begin(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).since = Instant::now();
    }

    /// Looks at both clocks. The oftener, the better it is known when one jumped.
    pub(super) fn sees(&self, now: UtcMillis) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sees(now);
    }

    /// How long ago something was sent, at least, that was sent when the wall clock showed this.
    pub(super) fn waited_ms(&self, sent: UtcMillis, now: UtcMillis) -> i64 {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.sees(now);
        let jumped = watched.jumps.iter().filter(|(at, _)| *at > sent);
        let jumped = jumped.fold(0_i64, |sum, (_, by)| sum.saturating_add(*by));
        now.since(sent).saturating_sub(jumped).min(millis(watched.since.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> UtcMillis {
        UtcMillis::new(1_000_000 + ms)
    }

    /// Promise 3: what is under way is not taken for old because a clock was set.
    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_makes_nothing_old() {
        let steady = Steady::new();
        steady.sees(at(0));
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(steady.waited_ms(at(40_000), at(100_000)), 60_000);
        // Forward by an hour: what was sent before is as young as it was.
        let hour = 3_600_000;
        assert_eq!(steady.waited_ms(at(40_000), at(100_000 + hour)), 60_000);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(steady.waited_ms(at(40_000), at(105_000 + hour)), 65_000);
        // What is sent afterwards has its own age.
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(steady.waited_ms(at(106_000 + hour), at(135_000 + hour)), 29_000);
        // Back again: younger than it is, never older.
        assert!(steady.waited_ms(at(40_000), at(135_000)) <= 95_000);
        // Forward once more, after something was sent while it was back.
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(steady.waited_ms(at(137_000), at(145_000 + hour)) <= 8_000);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_older_than_who_asks() {
        let steady = Steady::new();
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(steady.waited_ms(at(-900_000), at(0)), 7_000);
        steady.begin();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(steady.waited_ms(at(-900_000), at(2_000)), 2_000);
    }

    #[tokio::test(start_paused = true)]
    async fn many_jumps_are_kept_as_few() {
        let steady = Steady::new();
        steady.sees(at(0));
        for n in 1..=200 {
            tokio::time::advance(Duration::from_secs(10)).await;
            steady.sees(at(n * 70_000));
        }
        assert!(steady.waited_ms(at(0), at(200 * 70_000)) <= 2_000_000);
    }
}
