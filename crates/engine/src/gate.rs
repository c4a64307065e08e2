//! How much may be asked of a supplier: requests under way, and requests begun in a second.
//!
//! Purchases and questions about them share a supplier's limits. When both wait, purchases get
//! three quarters and questions one: a backlog of open purchases must not keep new ones out, nor
//! the other way round. When only one of them waits it may use everything.
//!
//! Of several nodes each has a part of the limits, for a while and anew: what it may use is what it
//! was allotted, and nothing before that and after it ended.

use defects::{Defect, on};
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

/// This node's part of the limits.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    seats: usize,
    /// Requests begun in a second.
    rate: i64,
    until: UtcMillis,
}

#[derive(Debug, Default)]
struct State {
    /// When the next request would be due if all came evenly, in microseconds.
    due_us: i64,
    used: [Used; 2],
    /// `None`: all of it is this node's.
    part: Option<Part>,
}

impl State {
    const fn seated(&self) -> usize {
        self.used[0].seats + self.used[1].seats
    }
}

/// What a node has of a supplier's limits, or may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allotted {
    pub(crate) seats: i64,
    /// Requests begun in a second; nothing where there is no such limit.
    pub(crate) rate: i64,
}

/// The limits of one supplier.
#[derive(Debug)]
pub struct Gate {
    seats: usize,
    /// Requests begun in a second; 0 for no limit.
    rate: i64,
    state: Mutex<State>,
}

/// A seat at a gate, given back when dropped.
#[derive(Debug)]
pub struct Seat(Arc<Gate>, Purpose);

impl Drop for Seat {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.state.lock() {
            let used = &mut state.used[self.1.at()];
            used.seats = used.seats.saturating_sub(usize::from(!on(Defect::SeatLeaks)));
        }
    }
}

/// What a node has of a supplier's limits at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// What it may use.
    pub(crate) part: Allotted,
    /// Seats that are taken: more than its part after that became less.
    pub(crate) seated: i64,
    /// Something waits, or is under way.
    pub(crate) has_work: bool,
}

impl Gate {
    /// With these limits; at least one seat.
    #[must_use]
    pub fn new(seats: usize, per_second: Option<u32>) -> Arc<Self> {
        let rate = per_second.map_or(0, |most| i64::from(most.max(1)));
        Arc::new(Self { seats: seats.max(1), rate, state: Mutex::default() })
    }

    /// A seat, unless all are taken or the rate is used up.
    #[must_use]
    pub fn enter(self: &Arc<Self>, purpose: Purpose, now: UtcMillis) -> Option<Seat> {
        let now_us = now.get().saturating_mul(1_000);
        let mut state = self.state.lock().ok()?;
        let (seats, rate) = self.mine(&state, now);
        let interval_us = interval(rate);
        keep_time(&mut state, now_us, interval_us);
        let other = match purpose {
            Purpose::Buy => Purpose::Ask,
            Purpose::Ask => Purpose::Buy,
        };
        let shared = state.used[other.at()].waits_us > now_us;
        let mine = state.used[purpose.at()];
        let seats_most = if shared { share(seats, purpose) } else { seats };
        let free = state.seated() < seats && mine.seats < seats_most;
        let own_interval = own_interval(interval_us, purpose);
        let due_us = state.due_us.max(now_us);
        let own_due_us = mine.due_us.max(now_us);
        // Of a part not even the last one is begun early: each node would.
        let early_us = if state.part.is_some() { interval_us } else { 1 };
        let in_time = self.rate == 0
            || on(Defect::RateIgnored)
            || (rate > 0
                && due_us - now_us + early_us <= BURST_US
                && (!shared || own_due_us - now_us < BURST_US));
        if !(free && in_time) {
            state.used[purpose.at()].waits_us = now_us + WAITS_US;
            return None;
        }
        state.due_us = due_us + interval_us;
        let used = &mut state.used[purpose.at()];
        // A debt from times without a rival is forgotten: it was nobody's.
        let own_due_us = if shared { own_due_us } else { now_us };
        used.due_us = own_due_us + own_interval;
        used.seats += 1;
        Some(Seat(self.clone(), purpose))
    }

    /// Seats and rate of this node.
    fn mine(&self, state: &State, now: UtcMillis) -> (usize, i64) {
        match state.part {
            None => (self.seats, self.rate),
            Some(part) if now.since(part.until) < 0 => (part.seats, part.rate),
            Some(_) => (0, 0),
        }
    }

    /// The limits as they are for all nodes together.
    pub(crate) fn limits(&self) -> Allotted {
        Allotted { seats: i64::try_from(self.seats).unwrap_or(i64::MAX), rate: self.rate }
    }

    /// Others use these limits too: from now on only what is allotted counts.
    pub(crate) fn divide(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.part.get_or_insert_default();
        }
    }

    /// What this node has at this moment.
    pub(crate) fn held(&self, now: UtcMillis) -> Held {
        let Ok(state) = self.state.lock() else { return Held::default() };
        let (seats, rate) = self.mine(&state, now);
        let (seated, now_us) = (state.seated(), now.get().saturating_mul(1_000));
        let waits = state.used.iter().any(|used| used.waits_us > now_us);
        let count = |seats: usize| i64::try_from(seats).unwrap_or(i64::MAX);
        Held {
            part: Allotted { seats: count(seats), rate },
            seated: count(seated),
            has_work: waits || seated > 0,
        }
    }

    /// This node may use no more than that; what it still has afterwards.
    pub(crate) fn lower(&self, to: Allotted, now: UtcMillis) -> Held {
        if let Ok(mut state) = self.state.lock()
            && let Some(part) = state.part
        {
            let seats = part.seats.min(usize::try_from(to.seats).unwrap_or_default());
            set(&mut state, Part { seats, rate: part.rate.min(to.rate), ..part }, now);
        }
        self.held(now)
    }

    /// This node may have that until then.
    pub(crate) fn allot(&self, what: Allotted, until: UtcMillis, now: UtcMillis) {
        if let Ok(mut state) = self.state.lock() {
            let seats = usize::try_from(what.seats).unwrap_or_default();
            set(&mut state, Part { seats, rate: what.rate, until }, now);
        }
    }
}

/// Another part: what is left to be begun at once stays what it was, or becomes less. What one node
/// gave away it may have begun already, so who gets it begins with nothing.
fn set(state: &mut State, new: Part, now: UtcMillis) {
    let now_us = now.get().saturating_mul(1_000);
    let old = state.part.filter(|part| now.since(part.until) < 0).map_or(0, |part| part.rate);
    if old != new.rate {
        // In millionths of a request.
        let debt_us = state.due_us.saturating_sub(now_us).max(0);
        let left = old.saturating_mul(BURST_US.saturating_sub(debt_us));
        let most = new.rate.saturating_mul(BURST_US);
        let missing = most.saturating_sub(left.min(most));
        let debt_us = if new.rate > 0 { missing / new.rate } else { BURST_US };
        state.due_us = now_us.saturating_add(debt_us);
    }
    state.part = Some(new);
}

/// Microseconds between two requests; 0 for none.
const fn interval(rate: i64) -> i64 {
    if rate > 0 { 1_000_000 / rate } else { 0 }
}

/// No debt reaches further than a second's worth and one request: what does comes from a clock
/// that went back, and would shut the gate until the old time is reached again.
fn keep_time(state: &mut State, now_us: i64, interval_us: i64) {
    let most_us = now_us.saturating_add(BURST_US).saturating_add(interval_us);
    state.due_us = state.due_us.min(most_us);
    for purpose in [Purpose::Buy, Purpose::Ask] {
        let used = &mut state.used[purpose.at()];
        used.due_us = used.due_us.min(most_us.saturating_add(own_interval(interval_us, purpose)));
        used.waits_us = used.waits_us.min(now_us.saturating_add(WAITS_US));
    }
}

/// Microseconds between two requests of a purpose while the other one waits too.
fn own_interval(interval_us: i64, purpose: Purpose) -> i64 {
    interval_us.saturating_mul(4) / purpose.quarters()
}

/// Seats of a purpose while the other one waits too; at least one.
fn share(seats: usize, purpose: Purpose) -> usize {
    let asks = (seats / 4).max(1);
    match purpose {
        Purpose::Ask => asks,
        Purpose::Buy => seats.saturating_sub(asks).max(1),
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

    /// Who waited a while ago does not wait any more; then the seats are all the other's again.
    #[test]
    fn a_rival_is_one_as_long_as_it_waits() {
        let waits_ms = WAITS_US / 1_000;
        for (ms, seats) in [(waits_ms - 1, 3), (waits_ms, 4)] {
            let gate = Gate::new(4, None);
            let all: Vec<Seat> = (0..4).filter_map(|_| gate.enter(Purpose::Buy, at(0))).collect();
            assert!(all.len() == 4 && gate.enter(Purpose::Ask, at(0)).is_none());
            drop(all);
            let held = gate.held(at(ms));
            assert_eq!((held.seated, held.has_work), (0, seats == 3), "{ms}");
            let all: Vec<Seat> = (0..4).filter_map(|_| gate.enter(Purpose::Buy, at(ms))).collect();
            assert_eq!(all.len(), seats, "{ms}");
            let held = gate.held(at(10 * waits_ms));
            assert_eq!((held.seated, held.has_work), (i64::try_from(seats).unwrap(), true));
        }
        assert!(!Gate::new(4, None).held(at(0)).has_work);
    }

    /// A part that becomes less keeps what was left of it, one that becomes more begins the difference with
    /// nothing, and one that ended leaves nothing.
    #[test]
    fn what_may_be_begun_at_once_follows_the_part() {
        let part = |seats, rate| Allotted { seats, rate };
        let at_once = |gate: &Arc<Gate>, ms: i64| {
            let all: Vec<Seat> = (0..50).map_while(|_| gate.enter(Purpose::Buy, at(ms))).collect();
            all.len()
        };
        let divided = |rate| {
            let gate = Gate::new(100, Some(20));
            gate.divide();
            assert_eq!(at_once(&gate, 0), 0);
            gate.allot(part(50, rate), at(10_000), at(0));
            gate
        };
        // Who gets something begins with nothing of it.
        assert_eq!(at_once(&divided(10), 0), 0);
        let rested = at_once(&divided(10), 2_000);
        assert!((9..=10).contains(&rested), "{rested}");
        for (rate, least, most) in [(10, 9, 10), (20, 9, 10), (5, 4, 5)] {
            let gate = divided(10);
            gate.allot(part(50, rate), at(20_000), at(2_000));
            let count = at_once(&gate, 2_000);
            assert!((least..=most).contains(&count), "{rate}: {count}");
        }
        // It ended: another may have begun all of it meanwhile.
        let gate = divided(10);
        assert_eq!(gate.held(at(9_999)).part, part(50, 10));
        assert_eq!((gate.held(at(10_000)).part, at_once(&gate, 10_000)), (part(0, 0), 0));
        gate.allot(part(50, 20), at(20_000), at(10_000));
        assert_eq!(at_once(&gate, 10_000), 0);
        // Less is less of both.
        let gate = divided(10);
        assert_eq!(gate.lower(part(3, 4), at(2_000)).part, part(3, 4));
        assert_eq!(gate.lower(part(9, 9), at(2_000)).part, part(3, 4));
        assert_eq!(at_once(&gate, 2_000), 3);
        gate.allot(part(0, 0), at(20_000), at(2_000));
        assert_eq!(at_once(&gate, 9_000), 0);
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

    /// A share of one a second is one at once, not two.
    #[test]
    fn a_share_of_the_rate_is_begun_at_once_and_no_more() {
        let gate = Gate::new(1_000, Some(4));
        let count = |purpose, ms| (0..9).filter(|_| gate.enter(purpose, at(ms)).is_some()).count();
        assert_eq!((count(Purpose::Buy, 0), count(Purpose::Ask, 1_000)), (4, 1));
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

    /// Parts that change hands a thousand times: together they begin what one gate would.
    #[test]
    fn parts_that_change_hands_hold_the_rate() {
        for rate in [1, 2, 7, 50] {
            let gates = [Gate::new(1_000, Some(rate)), Gate::new(1_000, Some(rate))];
            gates.iter().for_each(|gate| gate.divide());
            let rate = i64::from(rate);
            assert!(gates[0].enter(Purpose::Buy, at(0)).is_none(), "nothing was allotted");
            let mut begun: Vec<i64> = Vec::new();
            let mut first = 0;
            for ms in 0..60_000_i64 {
                if ms % 2_500 == 0 {
                    // The one that has less now lets go before the other one takes.
                    first = (ms / 2_500 * 7) % (rate + 1);
                    let parts = [first, rate - first];
                    let of = |node: usize| Allotted { seats: 1_000, rate: parts[node] };
                    gates.iter().enumerate().for_each(|(node, gate)| {
                        gate.lower(of(node), at(ms));
                    });
                    gates.iter().enumerate().for_each(|(node, gate)| {
                        gate.allot(of(node), at(ms + 2_500), at(ms));
                    });
                }
                let tries = gates.iter().flat_map(|gate| (0..5).map(move |_| gate));
                let enters = tries.filter(|gate| gate.enter(Purpose::Buy, at(ms)).is_some());
                begun.extend(enters.map(|_| ms));
            }
            let within = |from: i64, for_ms: i64| {
                begun.iter().filter(|ms| (from..from + for_ms).contains(*ms)).count() as i64
            };
            for from in (0..59_000).step_by(50) {
                assert!(within(from, 1_000) <= 2 * rate, "{rate} a second at {from}: {first}");
            }
            for from in (0..50_000).step_by(500) {
                assert!(within(from, 10_000) <= 11 * rate, "{rate} a second at {from}");
            }
            // What changes hands begins with nothing, so some of it is never used.
            assert!(begun.len() as i64 >= rate * 60 / 3, "{rate} a second: {}", begun.len());
        }
    }

    #[test]
    fn a_part_ends_by_itself_and_seats_are_given_back_when_they_are_free() {
        let gate = Gate::new(8, None);
        gate.divide();
        let four = Allotted { seats: 4, rate: 0 };
        gate.allot(four, at(1_000), at(0));
        let enter = |ms| gate.enter(Purpose::Buy, at(ms));
        let mut seats: Vec<_> = (0..8).filter_map(|_| enter(0)).collect();
        assert_eq!(seats.len(), 4);
        let one = Allotted { seats: 1, rate: 0 };
        assert_eq!(gate.lower(one, at(10)), Held { part: one, seated: 4, has_work: true });
        seats.truncate(2);
        assert_eq!(gate.held(at(20)), Held { part: one, seated: 2, has_work: true });
        assert!(enter(20).is_none());
        seats.clear();
        assert!(enter(30).is_some());
        assert_eq!(gate.held(at(40)).part, one);
        assert!(enter(1_000).is_none(), "it ended");
        assert_eq!(gate.held(at(1_000)).part, Allotted::default());
    }
}
