//! A limit of a supplier divided between nodes: who should have how much of it.
//!
//! Only arithmetic. Nodes that see the same get parts that never exceed the limit together; where
//! they see different things for a moment, claims keep the sum (`peers`). A limit with less than one
//! for each node goes in turns to those that have work, so that nobody waits for ever.

use types::UtcMillis;

/// For how long a node keeps what goes in turns.
pub(crate) const TURN_MS: i64 = 3_000;

/// One node that divides with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sharer {
    /// Which run of which node.
    pub(crate) run: i64,
    /// Something waits there for its turn, or is under way.
    pub(crate) has_work: bool,
}

/// What one of `nodes` that tells nothing is taken to use.
pub(crate) fn silent_part(limit: i64, nodes: i64) -> i64 {
    let nodes = nodes.max(1);
    limit.max(0) / nodes + i64::from(limit.max(0) % nodes > 0)
}

/// What this node should have. `sharers` is in order and has every node that tells, this one
/// included; so many others are `silent`.
pub(crate) fn part(limit: i64, sharers: &[Sharer], silent: u32, run: i64, now: UtcMillis) -> i64 {
    let silent = i64::from(silent);
    let count = i64::try_from(sharers.len()).unwrap_or(i64::MAX).max(1);
    let theirs = silent.saturating_mul(silent_part(limit, count.saturating_add(silent)));
    let left = limit.max(0).saturating_sub(theirs).max(0);
    if left >= count {
        let number = sharers.iter().position(|sharer| sharer.run == run);
        let number = number.and_then(|number| i64::try_from(number).ok()).unwrap_or(count);
        return left / count + i64::from(number < left % count);
    }
    // Less than one for each: those with work in turns, all of them while nobody has any.
    let any = sharers.iter().any(|sharer| sharer.has_work);
    let takers: Vec<i64> =
        sharers.iter().filter(|sharer| sharer.has_work || !any).map(|sharer| sharer.run).collect();
    let (Some(number), Ok(takers)) =
        (takers.iter().position(|taker| *taker == run), i64::try_from(takers.len()))
    else {
        return 0;
    };
    let Ok(number) = i64::try_from(number) else { return 0 };
    // From the same node for seats and rates: who has one of them has use for the other.
    let first = now.get().div_euclid(TURN_MS).rem_euclid(takers);
    i64::from((number - first).rem_euclid(takers) < left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn sharers() -> impl Strategy<Value = Vec<Sharer>> {
        prop::collection::btree_map(any::<i64>(), any::<bool>(), 1..12).prop_map(|all| {
            all.into_iter().map(|(run, has_work)| Sharer { run, has_work }).collect()
        })
    }

    #[test]
    fn what_is_taken_for_who_tells_nothing() {
        for (limit, nodes, wanted) in
            [(0, 3, 0), (1, 3, 1), (9, 3, 3), (10, 3, 4), (11, 3, 4), (10, 0, 10), (-5, 2, 0)]
        {
            assert_eq!(silent_part(limit, nodes), wanted, "{limit} of {nodes}");
        }
    }

    /// Less than one for each: who has work has it, in turns, and while nobody has any everybody does.
    #[test]
    fn what_is_too_little_goes_around() {
        let of = |works: [bool; 3], turn: i64| {
            let sharers: Vec<Sharer> =
                (0..3).zip(works).map(|(run, has_work)| Sharer { run, has_work }).collect();
            let now = UtcMillis::new(turn * TURN_MS);
            [0, 1, 2].map(|run| part(1, &sharers, 0, run, now))
        };
        for works in [[false; 3], [true; 3]] {
            assert_eq!(of(works, 0), [1, 0, 0]);
            assert_eq!(of(works, 1), [0, 1, 0]);
            assert_eq!(of(works, 2), [0, 0, 1]);
            assert_eq!(of(works, 3), [1, 0, 0]);
        }
        for turn in 0..6 {
            assert_eq!(of([false, true, false], turn), [0, 1, 0]);
            let own = turn % 2;
            assert_eq!(of([true, false, true], turn), [1 - own, 0, own]);
        }
    }

    proptest! {
        /// Any nodes, any limit, any time.
        #[test]
        fn parts_never_exceed_the_limit(
            limit in 0_i64..40, sharers in sharers(), silent in 0_u32..4, now in any::<i32>(),
        ) {
            let now = UtcMillis::new(i64::from(now) * 997);
            let parts: i64 = sharers.iter().map(|s| part(limit, &sharers, silent, s.run, now)).sum();
            let nodes = sharers.len() as i64 + i64::from(silent);
            prop_assert!(parts <= limit);
            prop_assert!(silent > 0 || parts >= limit.min(1));
            if silent == 0 && limit >= nodes {
                prop_assert_eq!(parts, limit, "nothing is left over");
            }
            if limit % nodes == 0 {
                prop_assert!(parts + i64::from(silent) * silent_part(limit, nodes) <= limit);
            }
        }

        /// Whoever has work gets something within as many turns as there are nodes.
        #[test]
        fn nobody_starves(limit in 1_i64..6, sharers in sharers(), from in 0_i64..1_000_000_000) {
            let mut had: BTreeMap<i64, i64> = BTreeMap::new();
            for turn in 0..sharers.len() as i64 {
                let now = UtcMillis::new(from + turn * TURN_MS);
                for sharer in &sharers {
                    *had.entry(sharer.run).or_default() +=
                        part(limit, &sharers, 0, sharer.run, now);
                }
            }
            let starved: BTreeSet<i64> =
                sharers.iter().filter(|s| s.has_work && had[&s.run] == 0).map(|s| s.run).collect();
            prop_assert!(starved.is_empty(), "{:?}", starved);
        }
    }
}
