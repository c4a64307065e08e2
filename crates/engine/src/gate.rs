//! How much may be asked of a supplier: requests under way, and requests begun in a second.
//!
//! Purchases and questions about them share a supplier's limits. When both wait, purchases get
//! three quarters and questions one: a backlog of open purchases must not keep new ones out, nor
//! the other way round. When only one of them waits it may use everything.

use std::sync::{Arc, Mutex};
use types::UtcMillis;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A purchase.
    Buy,
    /// A question: status, balance, prices.
    Ask,
}

/// A second's worth may come at once.
const BURST_US: i64 = 1_000_000;
/// For how long somebody who was turned away counts as waiting.
const WAITS_US: i64 = 2_000_000;

impl Purpose {
    const fn at(self) -> usize {
        match self {
            Self::Buy => 0,
            Self::Ask => 1,
        }
    }

    /// Quarters of the limits while the other purpose waits too.
    const fn quarters(self) -> i64 {
        match self {
            Self::Buy => 3,
            Self::Ask => 1,
        }
    }
}

/// Use of one purpose.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    seats: usize,
    /// When its next request would be due at its own share of the rate, in microseconds.
    due_us: i64,
    /// It was turned away, and counts as waiting until then.
    waits_us: i64,
}

#[derive(Debug, Default)]
struct State {
    /// When the next request would be due if all came evenly, in microseconds.
    due_us: i64,
    used: [Used; 2],
}

/// The limits of one supplier.
#[derive(Debug)]
pub struct Gate {
    seats: usize,
    /// Microseconds between two requests; 0 for no limit.
    interval_us: i64,
    state: Mutex<State>,
}

/// A seat at a gate, given back when dropped.
#[derive(Debug)]
pub struct Seat(Arc<Gate>, Purpose);

impl Drop for Seat {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.state.lock() {
            let used = &mut state.used[self.1.at()];
            used.seats = used.seats.saturating_sub(1);
        }
    }
}

impl Gate {
    /// With these limits; at least one seat.
    #[must_use]
    pub fn new(seats: usize, per_second: Option<u32>) -> Arc<Self> {
        let interval_us = per_second.map_or(0, |most| 1_000_000 / i64::from(most.max(1)));
        Arc::new(Self { seats: seats.max(1), interval_us, state: Mutex::default() })
    }

    /// A seat, unless all are taken or the rate is used up.
    #[must_use]
    pub fn enter(self: &Arc<Self>, purpose: Purpose, now: UtcMillis) -> Option<Seat> {
        let now_us = now.get().saturating_mul(1_000);
        let mut state = self.state.lock().ok()?;
        self.keep_time(&mut state, now_us);
        let other = match purpose {
            Purpose::Buy => Purpose::Ask,
            Purpose::Ask => Purpose::Buy,
        };
        let shared = state.used[other.at()].waits_us > now_us;
        let (mine, theirs) = (state.used[purpose.at()], state.used[other.at()]);
        let seats_most = if shared { self.share(purpose) } else { self.seats };
        let free = mine.seats + theirs.seats < self.seats && mine.seats < seats_most;
        let own_interval = self.own_interval(purpose);
        let due_us = state.due_us.max(now_us);
        let own_due_us = mine.due_us.max(now_us);
        let in_time = self.interval_us == 0
            || (due_us - now_us < BURST_US && (!shared || own_due_us - now_us < BURST_US));
        if !(free && in_time) {
            state.used[purpose.at()].waits_us = now_us + WAITS_US;
            return None;
        }
        state.due_us = due_us + self.interval_us;
        let used = &mut state.used[purpose.at()];
        // A debt from times without a rival is forgotten: it was nobody's.
        let own_due_us = if shared { own_due_us } else { now_us };
        used.due_us = own_due_us + own_interval;
        used.seats += 1;
        Some(Seat(self.clone(), purpose))
    }

    /// No debt reaches further than a second's worth and one request: what does comes from a clock
    /// that went back, and would shut the gate until the old time is reached again.
    fn keep_time(&self, state: &mut State, now_us: i64) {
        let most_us = now_us.saturating_add(BURST_US).saturating_add(self.interval_us);
        state.due_us = state.due_us.min(most_us);
        for purpose in [Purpose::Buy, Purpose::Ask] {
            let used = &mut state.used[purpose.at()];
            used.due_us = used.due_us.min(most_us.saturating_add(self.own_interval(purpose)));
            used.waits_us = used.waits_us.min(now_us.saturating_add(WAITS_US));
        }
    }

    /// Microseconds between two requests of a purpose while the other one waits too.
    fn own_interval(&self, purpose: Purpose) -> i64 {
        self.interval_us.saturating_mul(4) / purpose.quarters()
    }

    /// Seats of a purpose while the other one waits too; at least one.
    fn share(&self, purpose: Purpose) -> usize {
        let asks = (self.seats / 4).max(1);
        match purpose {
            Purpose::Ask => asks,
            Purpose::Buy => self.seats.saturating_sub(asks).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> UtcMillis {
        UtcMillis::new(1_000_000 + ms)
    }

    #[test]
    fn it_counts_seats_and_rate() {
        let gate = Gate::new(2, None);
        let enter = || gate.enter(Purpose::Buy, at(0));
        let (first, second) = (enter(), enter());
        assert!(first.is_some() && second.is_some() && enter().is_none());
        drop(first);
        assert!(enter().is_some());

        let gate = Gate::new(1_000, Some(10));
        let enter = |ms: i64| gate.enter(Purpose::Buy, at(ms)).is_some();
        assert_eq!((0..100).filter(|_| enter(0)).count(), 10);
        let slow = (1..=10_000).filter(|ms| enter(*ms)).count();
        assert!((98..=101).contains(&slow), "{slow} in ten seconds at ten a second");
    }

    /// The rate holds on the new time at once; neither a gate nor a share stays shut for the hour.
    #[test]
    fn a_clock_that_goes_back_shuts_no_gate() {
        for most in [1, 10] {
            let gate = Gate::new(64, Some(most));
            let hour = 3_600_000;
            let enter = |purpose, ms| gate.enter(purpose, at(ms)).is_some();
            for _ in 0..100 {
                enter(Purpose::Ask, hour);
                enter(Purpose::Buy, hour);
            }
            let opens = (0..hour).step_by(100).find(|ms| enter(Purpose::Buy, *ms));
            assert!(opens.is_some_and(|ms| ms <= 2_000), "{most} a second: {opens:?}");
            let count = (3_000..13_000).step_by(10).filter(|ms| enter(Purpose::Buy, *ms)).count();
            let right = usize::try_from(most * 10).unwrap();
            assert!((right - 1..=right + 10).contains(&count), "{most} a second: {count}");
        }
    }

    /// Both want more than there is: purchases get three quarters, questions one.
    #[test]
    fn purchases_and_questions_share_the_rate() {
        for greedy in [Purpose::Buy, Purpose::Ask] {
            let gate = Gate::new(1_000, Some(20));
            let mut counts = [0; 2];
            let modest = if greedy == Purpose::Buy { Purpose::Ask } else { Purpose::Buy };
            for ms in (0..100_000).step_by(50) {
                // One of them always comes first and comes more often.
                for purpose in [greedy, greedy, greedy, modest] {
                    counts[purpose.at()] += usize::from(gate.enter(purpose, at(ms)).is_some());
                }
            }
            assert!((1_990..=2_030).contains(&(counts[0] + counts[1])), "{counts:?}");
            assert!((1_400..=1_600).contains(&counts[0]), "{greedy:?} first: {counts:?}");
        }
    }

    #[test]
    fn purchases_and_questions_share_the_seats() {
        let gate = Gate::new(8, None);
        let enter = |purpose| gate.enter(purpose, at(0));
        let questions: Vec<_> = (0..8).filter_map(|_| enter(Purpose::Ask)).collect();
        assert_eq!(questions.len(), 8, "nobody else waits");
        assert!(enter(Purpose::Buy).is_none());
        drop(questions);
        let questions: Vec<_> = (0..8).filter_map(|_| enter(Purpose::Ask)).collect();
        assert_eq!(questions.len(), 2, "purchases wait");
        let purchases: Vec<_> = (0..8).filter_map(|_| enter(Purpose::Buy)).collect();
        assert_eq!(purchases.len(), 6);
    }
}
