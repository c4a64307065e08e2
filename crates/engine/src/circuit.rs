//! A circuit: open while most tries go wrong, with a probe now and then until one goes well.
//!
//! Of several nodes each counts its own tries; whether a circuit is open is one state for all, that of
//! the newest change. A probe is one node's: they take turns in admitting it, with a pause between two
//! turns in which the others hear of it.

use std::collections::VecDeque;
use types::UtcMillis;

/// Tries that are remembered for each circuit.
const WINDOW: usize = 20;
/// Fewest tries before a circuit may open.
pub(crate) const FEWEST: usize = 8;
/// It opens when at least this share of the window went wrong, in percent.
const WRONG_PERCENT: usize = 50;
/// First pause; doubles with every probe that goes wrong.
pub(crate) const PAUSE_MS: i64 = 15_000;
const PAUSE_MOST_MS: i64 = 600_000;
/// A node's turn to admit a probe, and how much of it is left out for others to hear.
const TURN_MS: i64 = 2_000;
const TURN_OPEN_MS: i64 = 1_000;

/// This node among those that work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rank {
    /// How many there are, this one included.
    pub(crate) of: i64,
    /// Its number, from 0.
    pub(crate) number: i64,
    /// When it heard of the others last.
    pub(crate) heard: UtcMillis,
}

impl Rank {
    /// What is older than this is no news: somebody else may be sending a probe.
    const FRESH_MS: i64 = 1_000;

    fn may_probe(self, now: UtcMillis) -> bool {
        if self.of <= 1 {
            return true;
        }
        let (turn, into) = (now.get().div_euclid(TURN_MS), now.get().rem_euclid(TURN_MS));
        turn.rem_euclid(self.of) == self.number
            && into < TURN_OPEN_MS
            && now.since(self.heard) <= Self::FRESH_MS
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// Since when it is certain that it is disturbed: what was chosen before must not be sent.
    pub(crate) since: UtcMillis,
    /// When the next probe may go.
    pub(crate) probe: UtcMillis,
    pub(crate) pause_ms: i64,
}

/// Open or closed, and since when that is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turned {
    pub(crate) at: UtcMillis,
    pub(crate) open: Option<Open>,
}

#[derive(Default)]
pub(crate) struct Circuit {
    /// True for a try that went well, newest last.
    tries: VecDeque<bool>,
    open: Option<Open>,
    /// When `open` changed last.
    changed: Option<UtcMillis>,
}

impl Circuit {
    pub(crate) fn tried(&mut self, well: bool, now: UtcMillis) {
        if well {
            if self.open.take().is_some() {
                self.tries.clear();
                self.changed = Some(now);
            }
        } else if let Some(open) = &mut self.open {
            open.since = now;
            open.pause_ms = (open.pause_ms * 2).min(PAUSE_MOST_MS);
            open.probe = now.after(open.pause_ms);
            self.changed = Some(now);
            return;
        }
        self.tries.push_back(well);
        if self.tries.len() > WINDOW {
            self.tries.pop_front();
        }
        let wrong = self.tries.iter().filter(|well| !**well).count();
        if self.tries.len() >= FEWEST && wrong * 100 >= self.tries.len() * WRONG_PERCENT {
            self.open = Some(Open { since: now, probe: now.after(PAUSE_MS), pause_ms: PAUSE_MS });
            self.changed = Some(now);
        }
    }

    /// Closed, or due for a probe of this node. A probe further away than its pause stands on a clock
    /// that went back since: nobody can say how long it waited, so it may go.
    pub(crate) fn admits(&self, now: UtcMillis, rank: Rank) -> bool {
        self.open.as_ref().is_none_or(|open| {
            let wait_ms = open.probe.since(now);
            (wait_ms <= 0 || wait_ms > open.pause_ms) && rank.may_probe(now)
        })
    }

    /// True for what was chosen before it opened (or before its last probe went wrong): a probe was
    /// chosen afterwards.
    pub(crate) fn holds_back(&self, chosen: UtcMillis) -> bool {
        self.open.as_ref().is_some_and(|open| chosen.since(open.since) < 0)
    }

    /// A probe goes: it holds the others back.
    pub(crate) fn chosen(&mut self, now: UtcMillis) {
        if let Some(open) = &mut self.open {
            open.probe = now.after(open.pause_ms);
            self.changed = Some(now);
        }
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// What others should know of it; nothing of one that never opened.
    pub(crate) fn turned(&self) -> Option<Turned> {
        self.changed.map(|at| Turned { at, open: self.open })
    }

    /// Another node says so. The newest change counts; one in the future stands on a clock that went
    /// back since.
    pub(crate) fn learn(&mut self, told: Turned, now: UtcMillis) {
        let own = self.changed.filter(|own| own.since(now) <= 0);
        if own.is_some_and(|own| told.at.since(own) <= 0) {
            return;
        }
        if told.open.is_none() && self.open.is_some() {
            self.tries.clear();
        }
        self.open = told
            .open
            .map(|open| Open { pause_ms: open.pause_ms.clamp(PAUSE_MS, PAUSE_MOST_MS), ..open });
        self.changed = Some(told.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> UtcMillis {
        UtcMillis::new(1_000_000_000 + ms)
    }

    fn opened(now: UtcMillis) -> Circuit {
        let mut circuit = Circuit::default();
        (0..FEWEST).for_each(|_| circuit.tried(false, now));
        circuit
    }

    /// Two nodes that hear of each other half a second late: at no time do both admit a probe.
    #[test]
    fn one_probe_for_all() {
        let (mut one, mut two) = (opened(at(0)), Circuit::default());
        let rank = |number, now| Rank { of: 2, number, heard: now };
        if let Some(turned) = one.turned() {
            two.learn(turned, at(500));
        }
        assert!(two.is_open() && !two.admits(at(600), rank(1, at(600))));
        let mut probes: Vec<(i64, i64)> = Vec::new();
        let mut news: VecDeque<(i64, i64, Turned)> = VecDeque::new();
        for ms in (600..120_000).step_by(10) {
            let now = at(ms);
            while news.front().is_some_and(|(due, ..)| *due <= ms) {
                let Some((_, to, turned)) = news.pop_front() else { break };
                if to == 0 { one.learn(turned, now) } else { two.learn(turned, now) }
            }
            for (number, circuit) in [(0, &mut one), (1, &mut two)] {
                if circuit.admits(now, rank(number, now)) {
                    circuit.chosen(now);
                    probes.push((ms, number));
                    let turned = circuit.turned().unwrap();
                    news.push_back((ms + 500, 1 - number, turned));
                }
            }
        }
        assert!(probes.len() >= 6, "{probes:?}");
        for pair in probes.windows(2) {
            assert!(pair[1].0 - pair[0].0 >= PAUSE_MS, "{probes:?}");
        }
        // One that goes well closes for both.
        one.tried(true, at(120_000));
        two.learn(one.turned().unwrap(), at(120_500));
        assert!(!two.is_open());
        // What is older changes nothing.
        two.learn(Turned { at: at(119_000), open: opened(at(0)).open }, at(120_600));
        assert!(!two.is_open());
    }

    #[test]
    fn a_node_that_hears_nothing_sends_no_probe() {
        let circuit = opened(at(0));
        let admits = |rank: Rank| (20_000..40_000).any(|ms| circuit.admits(at(ms), rank));
        assert!(admits(Rank { of: 1, number: 0, heard: at(0) }));
        assert!(!admits(Rank { of: 2, number: 0, heard: at(0) }));
    }
}
