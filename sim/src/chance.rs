//! Chance from a seed and a name: the same thing always meets the same fate, whatever else happens.
//! So an operation can be left out without changing what the others meet.

use simulator::chance;

/// Below `most`.
pub(crate) fn below(seed: u64, name: &str, most: u64) -> u64 {
    chance(seed, name, "") % most.max(1)
}

/// One of several, by weight.
pub(crate) fn pick<T: Copy>(seed: u64, name: &str, from: &[(u64, T)]) -> T {
    let total: u64 = from.iter().map(|(weight, _)| weight).sum();
    let mut left = below(seed, name, total);
    let mut chosen = from[0].1;
    for (weight, value) in from {
        chosen = *value;
        if left < *weight {
            break;
        }
        left -= weight;
    }
    chosen
}
