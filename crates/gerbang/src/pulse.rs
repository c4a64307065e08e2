//! Notices when this process stood still: stopped, starved, or on a machine that was suspended.
//!
//! What is read in the moments after that may have waited for as long, and its sender may have been
//! told something else meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Between two beats.
const BEAT: Duration = Duration::from_millis(50);
/// A longer pause between two beats is a standstill.
const LATE_MS: i64 = 400;
/// For so long after it what is read counts as old.
const AFTER_MS: i64 = 1_000;

/// When it beat last; 0 before it ever did. All in milliseconds since the machine was started.
#[derive(Default)]
pub(crate) struct Pulse {
    last: AtomicI64,
    stood_from: AtomicI64,
    old_until: AtomicI64,
}

impl Pulse {
    fn beat(&self, now: i64) {
        let last = self.last.load(Ordering::SeqCst);
        if last != 0 && now.saturating_sub(last) > LATE_MS {
            self.stood_from.store(last, Ordering::SeqCst);
            self.old_until.store(now.saturating_add(AFTER_MS), Ordering::SeqCst);
        }
        // Last, so that whoever finds the new beat finds what it saw too.
        self.last.store(now, Ordering::SeqCst);
    }

    fn unread_at(&self, now: i64) -> i64 {
        let last = self.last.load(Ordering::SeqCst);
        if last == 0 {
            return 0;
        }
        if now.saturating_sub(last) > LATE_MS {
            return now.saturating_sub(last);
        }
        if now < self.old_until.load(Ordering::SeqCst) {
            return now.saturating_sub(self.stood_from.load(Ordering::SeqCst));
        }
        0
    }

    /// For how long what is read now may have waited.
    pub(crate) fn unread_ms(&self) -> i64 {
        self.unread_at(pg::since_boot_ms())
    }

    /// Lets it beat beside what reads requests, on the same threads: when those have no time, this
    /// has none.
    pub(crate) fn start(self: Arc<Self>) {
        let pulse = Arc::downgrade(&self);
        drop(self);
        tokio::spawn(async move {
            while let Some(pulse) = pulse.upgrade() {
                pulse.beat(pg::since_boot_ms());
                drop(pulse);
                tokio::time::sleep(BEAT).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_after_a_standstill_is_as_old_as_that() {
        let pulse = Pulse::default();
        assert_eq!(pulse.unread_at(9_000), 0, "it does not beat yet");
        pulse.beat(1_000);
        pulse.beat(1_050);
        assert_eq!(pulse.unread_at(1_100), 0);
        // Before its next beat, and for a while after it.
        assert_eq!(pulse.unread_at(4_050), 3_000);
        pulse.beat(4_100);
        assert_eq!(pulse.unread_at(4_110), 3_060);
        pulse.beat(4_150);
        assert_eq!(pulse.unread_at(4_500), 3_450);
        for at in (4_200..=5_200).step_by(50) {
            pulse.beat(at);
        }
        assert_eq!(pulse.unread_at(5_201), 0);
    }
}
