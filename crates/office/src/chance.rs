//! Where the office gets chance from: names of papers, the ends of tickets' amounts. The machine gives it;
//! a simulation gives its own, so that a run repeats itself.
//!
//! Secrets never come from here: they are always the machine's (`papers::random`).

use crate::papers::random;
use crate::plug::Office;
use types::UtcMillis;

/// A source of numbers that nobody can foresee.
pub trait Chance: Send + Sync {
    /// The next one.
    ///
    /// # Errors
    /// When the machine gives none.
    fn next(&self) -> anyhow::Result<u64>;
}

/// The machine's own.
pub(crate) struct Machine;

impl Chance for Machine {
    fn next(&self) -> anyhow::Result<u64> {
        Ok(u64::from_le_bytes(random()?))
    }
}

impl Office {
    /// The same office with another source of chance.
    #[must_use]
    pub fn with_chance(mut self, chance: Box<dyn Chance>) -> Self {
        self.chance = chance;
        self
    }

    /// A name that sorts by time.
    pub(crate) fn fresh_id(&self, now: UtcMillis) -> anyhow::Result<String> {
        let [a, b, c, d, ..] = self.chance.next()?.to_le_bytes();
        Ok(format!("{:013}-{}", now.get(), types::hex([a, b, c, d])))
    }
}
