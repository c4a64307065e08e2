//! Which rudeness a seed knows. Some seeds know none, some a little, some nearly all of it: so rare
//! things meet alone as well as together, and a seed without one shows that the others suffice.

use crate::chance::{below, pick};
use crate::world::World;

/// How many in a hundred kinds of rudeness a seed knows.
fn density(seed: u64) -> u64 {
    pick(seed, "rudeness", &[(15, 0), (30, 12), (30, 35), (25, 70)])
}

/// True when this seed knows it at all.
pub(crate) fn knows(seed: u64, what: &str) -> bool {
    below(seed, &format!("knows {what}"), 100) < density(seed)
}

/// One of several by weight, of those that the seed knows; the first one always is.
pub(crate) fn pick_known<T: Copy>(
    seed: u64,
    name: &str,
    from: &[(u64, (&'static str, T))],
) -> (&'static str, T) {
    let is_first = |what: &str| from.first().is_some_and(|(_, (first, _))| *first == what);
    let known: Vec<(u64, (&'static str, T))> = from
        .iter()
        .filter(|(_, (what, _))| is_first(what) || below(seed, &format!("never {what}"), 5) > 0)
        .copied()
        .collect();
    pick(seed, name, &known)
}

impl World {
    /// Something rude happens now, in so many of a hundred cases of a seed that knows it; never when
    /// everybody behaves. What happened is counted.
    pub(crate) fn is_rude(&self, what: &'static str, name: &str, percent: u64) -> bool {
        let (seed, honest) = self.with(|state| (state.seed, state.honest));
        let happens =
            !honest && knows(seed, what) && below(seed, &format!("{what} {name}"), 100) < percent;
        if happens {
            self.seen(what);
        }
        happens
    }
}
