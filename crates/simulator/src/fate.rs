//! What will happen to a purchase: from the seed and its reference, or from a magic destination.

/// How the purchase ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Ending {
    Delivered,
    WrongNumber,
    OutOfStock,
}

/// What goes wrong on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection is closed before the purchase is looked at.
    DropBefore,
    /// The purchase is taken, then the connection is closed without an answer.
    DropAfter,
    /// Taken, answered with garbage.
    Garbage,
    /// 500 before the purchase is looked at.
    ErrorBefore,
    /// Taken, answered with 500.
    ErrorAfter,
    /// 302 to somewhere else, nothing taken.
    Redirect,
    /// The answer comes in small pieces.
    SlowBody,
    /// The callback comes twice.
    CallbackTwice,
    /// The callback comes before the answer.
    CallbackFirst,
    /// No callback comes at all.
    CallbackLost,
    /// After the final callback another one says the opposite.
    Contradiction,
}

const FAULTS: [Fault; 11] = [
    Fault::DropBefore,
    Fault::DropAfter,
    Fault::Garbage,
    Fault::ErrorBefore,
    Fault::ErrorAfter,
    Fault::Redirect,
    Fault::SlowBody,
    Fault::CallbackTwice,
    Fault::CallbackFirst,
    Fault::CallbackLost,
    Fault::Contradiction,
];

/// Destinations with a fault of their own, whatever the seed says.
const MAGIC: [(&str, Fault); 11] = [
    ("081300000001", Fault::DropBefore),
    ("081300000002", Fault::DropAfter),
    ("081300000003", Fault::Garbage),
    ("081300000004", Fault::ErrorBefore),
    ("081300000005", Fault::ErrorAfter),
    ("081300000006", Fault::Redirect),
    ("081300000007", Fault::SlowBody),
    ("081300000008", Fault::CallbackTwice),
    ("081300000009", Fault::CallbackFirst),
    ("081300000010", Fault::CallbackLost),
    ("081300000011", Fault::Contradiction),
];

/// Everything that is decided about one purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Fate {
    pub ending: Ending,
    pub fault: Fault,
    /// From receipt to the final state.
    pub decides_after_ms: u64,
}

/// A number from a seed, a reference and what it is for: FNV-1a with a final mix.
#[must_use]
pub fn chance(seed: u64, reference: &str, salt: &str) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for byte in reference.bytes().chain(salt.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash ^ (hash >> 33)
}

impl Fate {
    /// The fate of a purchase.
    #[must_use]
    pub fn of(seed: u64, fault_percent: u64, reference: &str, dest: &str) -> Self {
        let magic = MAGIC.iter().find(|(number, _)| *number == dest).map(|(_, fault)| *fault);
        let faulty = chance(seed, reference, "faulty") % 100 < fault_percent;
        let drawn = chance(seed, reference, "which") % 11;
        let drawn = usize::try_from(drawn).ok().and_then(|at| FAULTS.get(at)).copied();
        let ending = match (magic, chance(seed, reference, "ending") % 100) {
            (None, 0..4) => Ending::WrongNumber,
            (None, 4..8) => Ending::OutOfStock,
            (None, _) | (Some(_), _) => Ending::Delivered,
        };
        let fault = match (magic, faulty) {
            (Some(fault), _) => fault,
            (None, true) => drawn.unwrap_or(Fault::None),
            (None, false) => Fault::None,
        };
        let decides_after_ms = 20 + chance(seed, reference, "time") % 300;
        Self { ending, fault, decides_after_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_percentages_hold() {
        let fate = |n: u32| Fate::of(7, 10, &format!("g-{n}-1"), "0896");
        assert_eq!(fate(1), fate(1));
        let faulty = (0..10_000).filter(|n| fate(*n).fault != Fault::None).count();
        assert!((800..1_200).contains(&faulty), "{faulty}");
        for wanted in FAULTS {
            assert!((0..10_000).any(|n| fate(n).fault == wanted), "{wanted:?} never happens");
        }
        let failed = (0..10_000).filter(|n| fate(*n).ending != Ending::Delivered).count();
        assert!((600..1_000).contains(&failed), "{failed}");
    }
}
