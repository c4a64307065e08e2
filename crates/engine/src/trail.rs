//! The trail of our deposit at a supplier: each text tells what it was before and after a purchase.
//!
//! A movement that begins at a balance nothing else ended at is a gap: somebody else spends our
//! deposit, or a purchase was charged that we do not know of. Answers overtake each other, so a gap
//! counts only when nothing has closed it after a while. Memory only; it decides nothing.

use std::collections::VecDeque;
use suppliers::Movement;
use types::{Rupiah, UtcMillis};

/// Balances that are remembered.
const KNOWN_MOST: usize = 1_024;
/// Gaps that are watched at one time; more of them say the same.
const OPEN_MOST: usize = 64;
/// How long a gap may stay before it is told.
const PATIENCE_MS: i64 = 60_000;

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
    open: Vec<Gap>,
}

impl Trail {
    /// A text was read.
    pub(crate) fn saw(&mut self, movement: Movement, now: UtcMillis) {
        if let Some(from) = movement.before
            && let Some(last) = self.known.back()
            && !self.known.contains(&from)
            && self.open.len() < OPEN_MOST
        {
            self.open.push(Gap { at: now, from, known: *last });
        }
        self.known.push_back(movement.after);
        if self.known.len() > KNOWN_MOST {
            self.known.pop_front();
        }
    }

    /// Gaps that nothing closed; each is told once.
    pub(crate) fn overdue(&mut self, now: UtcMillis) -> Vec<Gap> {
        let known = &self.known;
        self.open.retain(|gap| !known.contains(&gap.from));
        let (told, open) =
            self.open.iter().partition(|gap: &&Gap| now.since(gap.at) >= PATIENCE_MS);
        self.open = open;
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movement(before: i64, after: i64) -> Movement {
        let price = Some(Rupiah::new(before - after));
        Movement { before: Some(Rupiah::new(before)), price, after: Rupiah::new(after) }
    }

    #[test]
    fn a_trail_without_gaps_in_any_order() {
        let mut trail = Trail::default();
        for (before, after) in [(1_000, 900), (800, 700), (900, 800), (700, 650)] {
            trail.saw(movement(before, after), UtcMillis::new(0));
        }
        assert_eq!(trail.overdue(UtcMillis::new(PATIENCE_MS)), []);
    }

    #[test]
    fn a_foreign_purchase_is_told_once() {
        let mut trail = Trail::default();
        trail.saw(movement(1_000, 900), UtcMillis::new(0));
        trail.saw(movement(650, 550), UtcMillis::new(5));
        assert_eq!(trail.overdue(UtcMillis::new(PATIENCE_MS)), []);
        let gap = Gap { at: UtcMillis::new(5), from: Rupiah::new(650), known: Rupiah::new(900) };
        assert_eq!(trail.overdue(UtcMillis::new(PATIENCE_MS + 5)), [gap]);
        assert_eq!(trail.overdue(UtcMillis::new(PATIENCE_MS * 2)), []);
        // A refund that was told by a text without a movement closes what follows it.
        let after = Rupiah::new(750);
        trail.saw(Movement { before: None, price: None, after }, UtcMillis::new(9));
        trail.saw(movement(750, 700), UtcMillis::new(10));
        assert_eq!(trail.overdue(UtcMillis::new(PATIENCE_MS * 3)), []);
    }
}
