//! What the lanes said of one row: its last stamps, and whether each was made on the one before.
//!
//! A row that one lane writes is simple: each of its stamps must say that it found what the one before
//! left. Between lanes nobody knows the order, and need not: what was left and what was found cancel
//! each other out, whatever the order, until what the row says now remains.

use crate::stamp::Digest;
use crate::{Lane, Was};
use types::UtcMillis;

/// Lanes that write the same row wait for each other, and their lines carry their nodes' moments: of
/// stamps that are closer than this, each may be the last.
const TOGETHER_MS: i64 = 10_000;

/// What one lane said of a row last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) lane: Lane,
    pub(crate) at: UtcMillis,
    pub(crate) digest: Option<Digest>,
}

/// The last stamps of a row. Hardly any has more than the first, so the rest is kept elsewhere.
#[derive(Debug)]
pub(crate) struct Last {
    first: Said,
    odd: Option<Box<Odd>>,
}

/// Of a row that not one lane alone wrote from its beginning on, each time on what it left.
#[derive(Debug)]
struct Odd {
    /// Of the other lanes.
    others: Vec<Said>,
    /// Everything that was left less everything that was found; `None` when nobody can tell.
    sum: Option<u128>,
    /// The first that was said of it found something.
    found_first: bool,
    /// When and by which lane it began anew: whether what another lane says of an earlier moment was
    /// before it, or its clock was wrong, nobody can tell.
    from: Option<(Lane, UtcMillis)>,
    /// A stamp did not find what its lane left: another lane was there, or nobody who may.
    jump: Option<UtcMillis>,
}

/// How a row came to what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Each change on the one before.
    Whole,
    /// It was something else before anything was said of it, or somebody changed it in between: nobody
    /// can tell which.
    Begun,
    /// Somebody changed it in between; before which of its changes, where one lane made them all.
    Broken(Option<UtcMillis>),
    /// Lines that do not say what they found hide it.
    Untold,
}

fn number(digest: Option<Digest>) -> u128 {
    digest.map_or(0, u128::from_le_bytes)
}

impl Odd {
    /// Of a row that was whole up to here.
    fn after(digest: Option<Digest>) -> Self {
        let sum = Some(number(digest));
        Self { others: Vec::new(), sum, found_first: false, from: None, jump: None }
    }
}

impl Last {
    /// The first that is said of a row.
    pub(crate) fn new(said: Said, was: Was) -> Self {
        let odd = match was {
            Was::Nothing => None,
            Was::Untold => {
                let from = Some((said.lane, said.at));
                Some(Odd { from, ..Odd::after(said.digest) })
            }
            Was::Row(was) => {
                let sum = number(said.digest).wrapping_sub(number(Some(was)));
                Some(Odd { sum: Some(sum), found_first: true, ..Odd::after(None) })
            }
        };
        let odd = odd.map(Box::new);
        Self { first: said, odd }
    }

    /// One that was compared before.
    pub(crate) fn compared(said: Said) -> Self {
        Self { first: said, odd: None }
    }

    fn all(&self) -> impl Iterator<Item = &Said> {
        let others = self.odd.iter().flat_map(|odd| &odd.others);
        std::iter::once(&self.first).chain(others)
    }

    /// Takes the next stamp, each lane's in their order.
    pub(crate) fn say(&mut self, said: Said, was: Was) {
        let is_own = self.first.lane == said.lane;
        let found = match was {
            Was::Untold => None,
            Was::Nothing => Some(None),
            Was::Row(was) => Some(Some(was)),
        };
        let follows = found.is_none_or(|found| found == self.first.digest);
        if self.odd.is_none() && is_own && follows && found.is_some() {
            self.first = said;
            return;
        }
        let newest = self.all().map(|said| said.at).max();
        let odd = self.odd.get_or_insert_with(|| Box::new(Odd::after(self.first.digest)));
        match found {
            // It begins anew, where everything else is older.
            None if (is_own && odd.others.is_empty()) || newest < Some(said.at) => {
                odd.sum = Some(number(said.digest));
                odd.from = Some((said.lane, said.at));
            }
            None => odd.sum = None,
            Some(found) => {
                let left = number(said.digest).wrapping_sub(number(found));
                let is_told = odd.from.is_none_or(|(lane, at)| lane == said.lane || said.at >= at);
                odd.sum = odd.sum.filter(|_| is_told).map(|sum| sum.wrapping_add(left));
                if is_own && !follows {
                    odd.jump = odd.jump.or(Some(said.at));
                }
            }
        }
        if is_own {
            self.first = said;
        } else {
            odd.others.retain(|other| other.lane != said.lane);
            odd.others.push(said);
        }
    }

    /// The stamp that left what the row is now, when one of the last did: of those that are close to the
    /// newest each may be the last. `any_clock`: of all, because clocks were set.
    pub(crate) fn end(&self, now: Option<Digest>, any_clock: bool) -> Option<Said> {
        let newest = self.all().map(|said| said.at).max()?;
        let is_last = |said: &&Said| any_clock || newest.since(said.at) <= TOGETHER_MS;
        self.all().filter(is_last).find(|said| said.digest == now).copied()
    }

    /// How it came to what it says now; `first`: what it may have been before anything was said of it.
    pub(crate) fn way(&self, now: Option<Digest>, first: Option<Digest>) -> Way {
        let Some(odd) = &self.odd else { return Way::Whole };
        if let Some(at) = odd.jump.filter(|_| odd.others.is_empty()) {
            return Way::Broken(Some(at));
        }
        match odd.sum.map(|sum| number(now).wrapping_sub(sum)) {
            None => Way::Untold,
            Some(before) if before == 0 || before == number(first) => Way::Whole,
            Some(_) if odd.found_first => Way::Begun,
            Some(_) => Way::Broken(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A life of a row: which lane wrote it and what it left; each found what the one before left.
    fn told(life: &[(i32, u8)]) -> Vec<(Said, Was)> {
        let digest = |state: u8| Some([state; 16]).filter(|_| state > 0);
        let mut found = 0;
        let mut all = Vec::new();
        for (number, (lane, left)) in (0..).zip(life) {
            let said =
                Said { lane: Lane(*lane), at: UtcMillis::new(number), digest: digest(*left) };
            all.push((said, digest(found).map_or(Was::Nothing, Was::Row)));
            found = *left;
        }
        all
    }

    /// As `verify` walks: one lane after the other.
    fn walked(mut all: Vec<(Said, Was)>) -> Last {
        all.sort_by_key(|(said, _)| said.lane.0);
        let mut all = all.into_iter();
        let (said, was) = all.next().unwrap();
        let mut last = Last::new(said, was);
        all.for_each(|(said, was)| last.say(said, was));
        last
    }

    proptest! {
        #[test]
        fn what_is_left_and_found_cancels_out(
            life in proptest::collection::vec((0..3_i32, 0..6_u8), 1..12),
            hidden in any::<proptest::sample::Index>(),
            by in 10..20_u8,
        ) {
            let all = told(&life);
            let now = all.last().unwrap().0.digest;
            prop_assert_eq!(walked(all.clone()).way(now, None), Way::Whole);
            // Somebody changes it before one of its changes.
            let mut other = all.clone();
            let at = hidden.index(other.len());
            other[at].1 = Was::Row([by; 16]);
            let way = walked(other.clone()).way(now, None);
            let lanes: std::collections::BTreeSet<i32> = life.iter().map(|(lane, _)| *lane).collect();
            match (lanes.len(), at) {
                (1, 1..) => prop_assert_eq!(way, Way::Broken(Some(other[at].0.at))),
                (1, 0) => prop_assert_eq!(way, Way::Begun),
                _ => prop_assert!(matches!(way, Way::Begun | Way::Broken(None))),
            }
            if at == 0 {
                prop_assert_eq!(walked(other).way(now, Some([by; 16])), Way::Whole);
            }
            // A line of an older program hides nothing that comes after it in its lane.
            if lanes.len() == 1 && at > 0 {
                let mut older = all;
                older[at - 1].1 = Was::Untold;
                prop_assert_eq!(walked(older.clone()).way(now, None), Way::Whole);
                older[at].1 = Was::Row([by; 16]);
                prop_assert_eq!(walked(older.clone()).way(now, None), Way::Broken(Some(older[at].0.at)));
            }
        }
    }

    /// Everything is stamped anew as it was found: what was before does not count, where that can be
    /// told.
    #[test]
    fn it_begins_anew() {
        let said = |lane, at, state: u8| Said {
            lane: Lane(lane),
            at: UtcMillis::new(at),
            digest: Some([state; 16]),
        };
        let last = walked(vec![
            (said(0, 1, 1), Was::Nothing),
            (said(0, 50, 7), Was::Untold),
            (said(0, 70, 9), Was::Row([8; 16])),
            (said(1, 60, 8), Was::Row([7; 16])),
        ]);
        assert_eq!(last.way(Some([9; 16]), None), Way::Whole);
        let last = walked(vec![
            (said(0, 1, 1), Was::Nothing),
            (said(0, 50, 7), Was::Untold),
            (said(1, 2, 3), Was::Row([2; 16])),
        ]);
        assert_eq!(last.way(Some([7; 16]), None), Way::Untold);
        // In the other order of lanes nobody can tell what was after it.
        let last = walked(vec![
            (said(1, 1, 1), Was::Nothing),
            (said(1, 50, 7), Was::Untold),
            (said(0, 60, 8), Was::Row([7; 16])),
        ]);
        assert_eq!(last.way(Some([8; 16]), None), Way::Untold);
    }

    /// One that says nothing of what it found begins anew where it is surely the last: in the only lane,
    /// whatever its clock, or after all others.
    #[test]
    fn only_what_is_surely_the_last_begins_anew() {
        let said = |lane, at, state: u8| Said {
            lane: Lane(lane),
            at: UtcMillis::new(at),
            digest: Some([state; 16]),
        };
        for (lane, at, way) in [
            (0, 70, Way::Whole),
            (0, 10, Way::Whole),
            (1, 70, Way::Whole),
            (1, 50, Way::Untold),
            (1, 10, Way::Untold),
        ] {
            let last =
                walked(vec![(said(0, 50, 1), Was::Nothing), (said(lane, at, 7), Was::Untold)]);
            assert_eq!(last.way(Some([7; 16]), None), way, "lane {lane} at {at}");
        }
    }

    /// Of each lane only its last word counts, however the clocks stand.
    #[test]
    fn a_lane_has_one_last_word() {
        let said = |lane, at, state: u8| Said {
            lane: Lane(lane),
            at: UtcMillis::new(at),
            digest: Some([state; 16]),
        };
        let last = walked(vec![
            (said(0, 1, 1), Was::Nothing),
            (said(1, 2, 2), Was::Row([1; 16])),
            (said(1, 3, 3), Was::Row([2; 16])),
        ]);
        for (state, is_last) in [(1, true), (2, false), (3, true)] {
            assert_eq!(last.end(Some([state; 16]), true).is_some(), is_last, "{state}");
        }
    }

    /// What a comparison left is known: another lane's change on something else is no beginning.
    #[test]
    fn it_goes_on_from_what_was_compared() {
        let said = |lane, at, state: u8| Said {
            lane: Lane(lane),
            at: UtcMillis::new(at),
            digest: Some([state; 16]),
        };
        let mut last = Last::compared(said(0, 1, 1));
        last.say(said(1, 50, 3), Was::Row([2; 16]));
        assert_eq!(last.way(Some([3; 16]), None), Way::Broken(None));
        let mut last = Last::compared(said(0, 1, 1));
        last.say(said(1, 50, 3), Was::Row([1; 16]));
        assert_eq!(last.way(Some([3; 16]), None), Way::Whole);
        // One that left what it found, and was set back then: by the clock it was the last.
        let mut last = Last::compared(said(0, 1, 1));
        last.say(said(1, 20_000, 2), Was::Row([2; 16]));
        assert_eq!(last.way(Some([1; 16]), None), Way::Whole);
        assert_eq!(last.end(Some([1; 16]), false), None);
    }
}
