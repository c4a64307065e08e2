//! The trail of our deposit at a supplier: each text tells what it was before and after a purchase.
//!
//! A movement that begins at a balance nothing else ended at is a gap: somebody else spends our
//! deposit, or a purchase was charged that we do not know of. Answers overtake each other, and those
//! of other nodes come a moment later, so a gap counts only when nothing has closed it after a while.
//! Memory only; it decides nothing.

use std::collections::{HashMap, VecDeque};
use suppliers::Movement;
use types::{Rupiah, UtcMillis};

/// Balances that are remembered: those of a minute at a few hundred purchases a second.
const KNOWN_MOST: usize = 16_384;
/// How many of them a gap may begin at.
const LATELY: usize = 64;
/// Gaps that are watched at one time; more of them say the same.
const OPEN_MOST: usize = 64;
/// How long a gap may stay before it is told.
pub(crate) const PATIENCE_MS: i64 = 60_000;
/// One that nobody told for so long is not told any more.
const TELL_MS: i64 = 10 * 60_000;

/// A movement that follows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When it was seen.
    pub at: UtcMillis,
    /// The balance it begins at.
    pub from: Rupiah,
    /// The nearest balance that was known, for the amount that is missing.
    pub known: Rupiah,
}

/// What was seen of one deposit.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    known: VecDeque<Rupiah>,
    /// How often each stands in `known`.
    times: HashMap<Rupiah, u32>,
    open: Vec<Gap>,
    /// Until then it only learns: what was under way before may still be told.
    learns_until: Option<UtcMillis>,
}

impl Trail {
    /// A text was read.
    pub(crate) fn saw(&mut self, movement: Movement, now: UtcMillis) {
        let until = *self.learns_until.get_or_insert(now.after(PATIENCE_MS));
        // Further away stands on a clock that went back since.
        let learns = (1..=PATIENCE_MS).contains(&until.since(now));
        if let Some(from) = movement.before
            && let Some(last) = self.known.back()
            && !learns
            && !self.times.contains_key(&from)
            && self.open.len() < OPEN_MOST
        {
            // Those of others may have come before it: the nearest one above is where it was left.
            let lately = self.known.iter().rev().take(LATELY).filter(|known| **known >= from);
            let known = *lately.min().unwrap_or(last);
            self.open.push(Gap { at: now, from, known });
        }
        // At once, and not when gaps are looked for: it may be forgotten until then.
        self.open.retain(|gap| gap.from != movement.after);
        self.known.push_back(movement.after);
        *self.times.entry(movement.after).or_default() += 1;
        if self.known.len() > KNOWN_MOST
            && let Some(first) = self.known.pop_front()
            && let Some(times) = self.times.get_mut(&first)
        {
            *times -= 1;
            if *times == 0 {
                self.times.remove(&first);
            }
        }
    }

    /// Somebody may have known what we shall never hear: a gap says nothing now, nor for a while.
    pub(crate) fn forgive(&mut self, now: UtcMillis) {
        self.open.clear();
        self.learns_until = Some(now.after(PATIENCE_MS));
    }

    /// Another node told it.
    pub(crate) fn told(&mut self, from: Rupiah) {
        self.open.retain(|gap| gap.from != from);
    }

    /// Gaps that nothing closed, as far as everything is known up to a moment; each is told once.
    pub(crate) fn overdue(&mut self, known_until: UtcMillis) -> Vec<Gap> {
        let (told, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|gap| known_until.since(gap.at) >= PATIENCE_MS);
        self.open = open;
        told
    }

    /// Those that whoever should tell them did not.
    pub(crate) fn let_go(&mut self, now: UtcMillis) {
        self.open.retain(|gap| now.since(gap.at) < TELL_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After its first minute.
    const LATER: i64 = 2 * PATIENCE_MS;

    fn movement(before: i64, after: i64) -> Movement {
        let price = Some(Rupiah::new(before - after));
        Movement { before: Some(Rupiah::new(before)), price, after: Rupiah::new(after) }
    }

    fn trail() -> Trail {
        let mut trail = Trail::default();
        trail.saw(movement(1_100, 1_000), UtcMillis::new(0));
        trail
    }

    #[test]
    fn a_trail_without_gaps_in_any_order() {
        let mut trail = trail();
        for (before, after) in [(1_000, 900), (800, 700), (900, 800), (700, 650)] {
            trail.saw(movement(before, after), UtcMillis::new(LATER));
        }
        assert_eq!(trail.overdue(UtcMillis::new(LATER + PATIENCE_MS)), []);
    }

    /// It begins in the middle of purchases that are under way.
    #[test]
    fn a_trail_that_begins_between_others() {
        let mut trail = Trail::default();
        for (before, after) in [(900, 800), (1_000, 900), (1_100, 1_000)] {
            trail.saw(movement(before, after), UtcMillis::new(0));
        }
        assert_eq!(trail.overdue(UtcMillis::new(LATER)), []);
    }

    /// More purchases than are remembered pass between two looks.
    #[test]
    fn what_closed_a_gap_may_be_forgotten() {
        let mut trail = trail();
        trail.saw(movement(900, 800), UtcMillis::new(LATER));
        trail.saw(movement(1_000, 900), UtcMillis::new(LATER));
        let mut at = 800;
        for _ in 0..=KNOWN_MOST {
            trail.saw(movement(at, at - 1), UtcMillis::new(LATER));
            at -= 1;
        }
        assert_eq!(trail.overdue(UtcMillis::new(LATER + PATIENCE_MS)), []);
    }

    #[test]
    fn a_foreign_purchase_is_told_once() {
        let mut trail = trail();
        trail.saw(movement(1_000, 900), UtcMillis::new(LATER));
        trail.saw(movement(650, 550), UtcMillis::new(LATER + 5));
        assert_eq!(trail.overdue(UtcMillis::new(LATER + PATIENCE_MS)), []);
        let at = UtcMillis::new(LATER + 5);
        let gap = Gap { at, from: Rupiah::new(650), known: Rupiah::new(900) };
        assert_eq!(trail.overdue(UtcMillis::new(LATER + PATIENCE_MS + 5)), [gap]);
        assert_eq!(trail.overdue(UtcMillis::new(LATER + PATIENCE_MS * 2)), []);
        // A refund that was told by a text without a movement closes what follows it.
        let after = Rupiah::new(750);
        trail.saw(Movement { before: None, price: None, after }, UtcMillis::new(LATER + 9));
        trail.saw(movement(750, 700), UtcMillis::new(LATER + 10));
        assert_eq!(trail.overdue(UtcMillis::new(LATER + PATIENCE_MS * 3)), []);
    }

    #[test]
    fn what_a_dead_node_knew_is_no_gap() {
        let mut trail = trail();
        let (dies, known) = (LATER + 1_000, LATER + 15_000);
        trail.saw(movement(700, 600), UtcMillis::new(dies));
        trail.forgive(UtcMillis::new(known));
        // Sent before it died, answered after.
        trail.saw(movement(500, 400), UtcMillis::new(known + 30_000));
        assert_eq!(trail.overdue(UtcMillis::new(known + 10 * PATIENCE_MS)), []);
        // Later ones count again.
        trail.saw(movement(300, 200), UtcMillis::new(known + LATER));
        assert_eq!(trail.overdue(UtcMillis::new(known + LATER + PATIENCE_MS)).len(), 1);
    }
}
