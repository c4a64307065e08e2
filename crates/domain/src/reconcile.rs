//! A supplier's statement against our books: what both say, and where they differ.
//!
//! Every line of theirs and every purchase of ours ends in exactly one place.

use std::collections::{BTreeMap, BTreeSet};
use types::{AttemptId, Rupiah};

/// One line of a supplier's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TheirLine {
    /// Where it stands in the file.
    pub line: usize,
    /// Our reference in it, when it is one of ours.
    pub attempt: Option<AttemptId>,
    /// Destination, as they write it; empty when they do not.
    pub dest: String,
    /// Serial number; empty when they do not write it.
    pub sn: String,
    /// What they took.
    pub amount: Rupiah,
    /// They say that it was delivered.
    pub delivered: bool,
}

/// One attempt of ours at that supplier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OurLine {
    /// Which.
    pub attempt: AttemptId,
    /// For whom.
    pub dest: String,
    /// Serial number of what was delivered.
    pub sn: String,
    /// What we booked, or expected.
    pub cost: Rupiah,
    /// We settled the purchase with this attempt.
    pub delivered: bool,
    /// It belongs to the days of the statement: absent there means missing there.
    pub expected: bool,
}

/// Where the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// They delivered and took money; we know nothing of it, or did not settle it.
    MissingHere {
        /// What they say.
        theirs: TheirLine,
        /// The attempt it is about, when it is ours.
        ours: Option<OurLine>,
    },
    /// We settled it; they do not have it, or say that it failed.
    MissingThere {
        /// What we have.
        ours: OurLine,
        /// Their line, when they say that it failed.
        theirs: Option<TheirLine>,
    },
    /// Both delivered, for another amount.
    Amount {
        /// What they say.
        theirs: TheirLine,
        /// What we have.
        ours: OurLine,
    },
    /// The same purchase a second time in their statement.
    Twice {
        /// The second line.
        theirs: TheirLine,
    },
}

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Both delivered it, for the same amount.
    pub matched: usize,
    /// Neither delivered it.
    pub failed: usize,
    /// The rest.
    pub differences: Vec<Difference>,
}

/// Compares. A line without a reference of ours is looked for by its serial number, then by its
/// destination when only one purchase of ours is left for it.
#[must_use]
pub fn reconcile(theirs: Vec<TheirLine>, ours: Vec<OurLine>) -> Reconciled {
    let mut left: BTreeMap<AttemptId, OurLine> =
        ours.into_iter().map(|line| (line.attempt, line)).collect();
    let mut taken = BTreeSet::new();
    let mut result = Reconciled::default();
    // Those that name their purchase first, so that a guess takes nothing from them.
    let (mut named, nameless): (Vec<_>, Vec<_>) =
        theirs.into_iter().partition(|line| line.attempt.is_some());
    // A statement may tell of every state a purchase went through: the delivery is what counts.
    named.sort_by_key(|line| !line.delivered);
    for line in named {
        let Some(id) = line.attempt else { continue };
        if line.delivered && !taken.insert(id) {
            result.differences.push(Difference::Twice { theirs: line });
            continue;
        }
        let own = left.remove(&id);
        place(&mut result, line, own);
    }
    for line in nameless {
        let own = find(&left, &line).and_then(|id| left.remove(&id));
        place(&mut result, line, own);
    }
    for ours in left.into_values().filter(|own| own.delivered && own.expected) {
        result.differences.push(Difference::MissingThere { ours, theirs: None });
    }
    result
}

/// A purchase of ours that a line without a reference can only mean.
fn find(left: &BTreeMap<AttemptId, OurLine>, line: &TheirLine) -> Option<AttemptId> {
    let only = |fits: &dyn Fn(&OurLine) -> bool| {
        let mut found = left.values().filter(|own| fits(own));
        let first = found.next()?;
        found.next().is_none().then_some(first.attempt)
    };
    let by_sn = || only(&|own| !line.sn.is_empty() && own.sn == line.sn);
    let by_dest = || {
        only(&|own| {
            !line.dest.is_empty() && own.dest == line.dest && own.delivered == line.delivered
        })
    };
    by_sn().or_else(by_dest)
}

fn place(result: &mut Reconciled, theirs: TheirLine, ours: Option<OurLine>) {
    let difference = match (theirs.delivered, ours) {
        (true, Some(ours)) if ours.delivered && ours.cost == theirs.amount => {
            result.matched += 1;
            return;
        }
        (true, Some(ours)) if ours.delivered => Difference::Amount { theirs, ours },
        (true, ours) => Difference::MissingHere { theirs, ours },
        (false, Some(ours)) if ours.delivered => {
            Difference::MissingThere { ours, theirs: Some(theirs) }
        }
        (false, _) => {
            result.failed += 1;
            return;
        }
    };
    result.differences.push(difference);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::TrxNo;

    fn id(trx: i64) -> AttemptId {
        AttemptId { trx: TrxNo::new(trx), n: 1 }
    }

    fn theirs(line: usize, trx: Option<i64>, amount: i64, delivered: bool) -> TheirLine {
        let dest = format!("08{}", trx.unwrap_or_default());
        let (attempt, amount) = (trx.map(id), Rupiah::new(amount));
        TheirLine { line, attempt, dest, sn: String::new(), amount, delivered }
    }

    fn ours(trx: i64, cost: i64, delivered: bool) -> OurLine {
        let (dest, sn) = (format!("08{trx}"), format!("SN{trx}"));
        let cost = Rupiah::new(cost);
        OurLine { attempt: id(trx), dest, sn, cost, delivered, expected: true }
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let result = reconcile(
            vec![
                theirs(2, Some(1), 100, true),
                theirs(3, Some(2), 120, true),
                theirs(4, Some(3), 100, true),
                theirs(5, Some(4), 100, false),
                theirs(6, Some(1), 100, true),
                theirs(7, Some(6), 100, false),
                theirs(8, Some(7), 100, true),
            ],
            vec![
                ours(1, 100, true),
                ours(2, 100, true),
                ours(3, 100, false),
                ours(4, 100, true),
                ours(5, 100, true),
                ours(6, 100, false),
            ],
        );
        assert_eq!((result.matched, result.failed), (1, 1));
        let words: Vec<String> = result
            .differences
            .iter()
            .map(|difference| match difference {
                Difference::MissingHere { theirs, ours } => {
                    format!("here {} {}", theirs.line, ours.is_some())
                }
                Difference::MissingThere { ours, theirs } => {
                    format!("there {} {}", ours.attempt, theirs.is_some())
                }
                Difference::Amount { theirs, .. } => format!("amount {}", theirs.line),
                Difference::Twice { theirs } => format!("twice {}", theirs.line),
            })
            .collect();
        let expected = [
            "amount 3",
            "here 4 true",
            "twice 6",
            "here 8 false",
            "there 4-1 true",
            "there 5-1 false",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_line_without_a_reference_is_found_only_when_it_is_sure() {
        let nameless = |dest: &str, sn: &str| TheirLine {
            attempt: None,
            dest: dest.to_owned(),
            sn: sn.to_owned(),
            ..theirs(2, None, 100, true)
        };
        let twins = || {
            let second = OurLine { dest: "081".to_owned(), ..ours(2, 100, true) };
            vec![ours(1, 100, true), second]
        };
        assert_eq!(reconcile(vec![nameless("", "SN2")], twins()).matched, 1);
        assert_eq!(reconcile(vec![nameless("081", "")], twins()).matched, 0);
        assert_eq!(reconcile(vec![nameless("081", "")], twins()[..1].to_vec()).matched, 1);
    }

    proptest! {
        /// Nothing is lost and nothing counts twice.
        #[test]
        fn every_line_ends_in_one_place(
            theirs_said in prop::collection::vec((prop::option::of(0i64..8), 98i64..102, any::<bool>()), 0..20),
            ours_said in prop::collection::btree_map(0i64..8, (98i64..102, any::<bool>()), 0..8),
        ) {
            let lines: Vec<TheirLine> = (2..).zip(&theirs_said)
                .map(|(line, (trx, amount, delivered))| theirs(line, *trx, *amount, *delivered)).collect();
            let own: Vec<OurLine> =
                ours_said.iter().map(|(trx, (cost, delivered))| ours(*trx, *cost, *delivered)).collect();
            let (all, delivered) = (lines.len(), own.iter().filter(|own| own.delivered).count());
            let result = reconcile(lines, own);
            let (mut of_theirs, mut of_ours) = (result.matched + result.failed, result.matched);
            for difference in &result.differences {
                match difference {
                    Difference::MissingHere { .. } | Difference::Twice { .. } => of_theirs += 1,
                    Difference::MissingThere { theirs, .. } => {
                        of_theirs += usize::from(theirs.is_some());
                        of_ours += 1;
                    }
                    Difference::Amount { .. } => { of_theirs += 1; of_ours += 1; }
                }
            }
            prop_assert_eq!(of_theirs, all);
            prop_assert_eq!(of_ours, delivered);
        }
    }
}
