//! Chance from a seed and a name: the same thing always meets the same fate, whatever else happens.
//! So an operation can be left out without changing what the others meet.

/// A number from a seed and what it is for (FNV-1a with a final mix).
pub(crate) fn chance(seed: u64, name: &str) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash ^ (hash >> 33)
}

/// Below `most`.
pub(crate) fn below(seed: u64, name: &str, most: u64) -> u64 {
    chance(seed, name) % most.max(1)
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
