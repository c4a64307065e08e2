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
    /// Its reference has the shape of ours, whatever it names.
    pub kin: bool,
    /// Destination, as they write it; empty when they do not.
    pub dest: String,
    /// Serial number; empty when they do not write it.
    pub sn: String,
    /// What they took.
    pub amount: Rupiah,
    /// What they say became of it.
    pub state: TheirState,
}

/// What a line of a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TheirState {
    /// Delivered, and money taken.
    Delivered,
    /// Not delivered.
    Failed,
    /// Money that was taken came back.
    Returned,
    /// Not decided there.
    Open,
}

impl TheirState {
    /// True when they took money for a delivery.
    #[must_use]
    pub const fn is_delivered(self) -> bool {
        match self {
            Self::Delivered => true,
            Self::Failed | Self::Returned | Self::Open => false,
        }
    }
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
    /// The purchase is not decided yet.
    pub pending: bool,
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
    /// We settled it; they have not decided.
    OpenThere {
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
    let (mut named, mut nameless): (Vec<_>, Vec<_>) =
        theirs.into_iter().partition(|line| line.attempt.is_some());
    // Money that came back takes the delivery with it.
    let mut returned: BTreeMap<AttemptId, usize> = BTreeMap::new();
    for line in named.iter().filter(|line| line.state == TheirState::Returned) {
        if let Some(id) = line.attempt {
            let count = returned.entry(id).or_default();
            *count = count.saturating_add(1);
        }
    }
    for line in named.iter_mut().filter(|line| line.state.is_delivered()) {
        if let Some(count) = line.attempt.and_then(|id| returned.get_mut(&id))
            && *count > 0
        {
            *count = count.saturating_sub(1);
            line.state = TheirState::Failed;
        }
    }
    // A statement may tell of every state a purchase went through: the delivery is what counts.
    named.sort_by_key(|line| match line.state {
        TheirState::Delivered => 0,
        TheirState::Failed | TheirState::Returned => 1,
        TheirState::Open => 2,
    });
    for place in 0..nameless.len() {
        if nameless[place].state != TheirState::Returned {
            continue;
        }
        let back = nameless[place].clone();
        let taken = nameless.iter_mut().find(|line| {
            line.state.is_delivered()
                && line.amount == back.amount
                && same_dest(&back.dest, &line.dest)
        });
        if let Some(line) = taken {
            line.state = TheirState::Failed;
        }
    }
    for line in named {
        let Some(id) = line.attempt else { continue };
        if line.state.is_delivered() && !taken.insert(id) {
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
        only(&|own| same_dest(&own.dest, &line.dest) && own.delivered == line.state.is_delivered())
    };
    by_sn().or_else(by_dest)
}

/// The same number in another spelling: `62813..`, `813..` where a spreadsheet has dropped the zero.
fn same_dest(ours: &str, theirs: &str) -> bool {
    let core = |text: &str| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let phone = digits.strip_prefix("62").filter(|rest| rest.starts_with('8'));
        phone.unwrap_or(&digits).trim_start_matches('0').to_owned()
    };
    let marked = |text: &str| text.chars().any(char::is_alphabetic);
    if marked(ours) || marked(theirs) {
        return !theirs.is_empty() && ours == theirs;
    }
    let (ours, theirs) = (core(ours), core(theirs));
    !theirs.is_empty() && ours == theirs
}

fn place(result: &mut Reconciled, theirs: TheirLine, ours: Option<OurLine>) {
    let difference = match (theirs.state, ours) {
        (TheirState::Delivered, Some(ours)) if ours.delivered && ours.cost == theirs.amount => {
            result.matched = result.matched.saturating_add(1);
            return;
        }
        (TheirState::Delivered, Some(ours)) if ours.delivered => {
            Difference::Amount { theirs, ours }
        }
        (TheirState::Delivered, ours) => Difference::MissingHere { theirs, ours },
        (TheirState::Failed | TheirState::Returned, Some(ours)) if ours.delivered => {
            Difference::MissingThere { ours, theirs: Some(theirs) }
        }
        (TheirState::Open, Some(ours)) if ours.delivered => Difference::OpenThere { theirs, ours },
        (TheirState::Failed | TheirState::Returned | TheirState::Open, _) => {
            result.failed = result.failed.saturating_add(1);
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

    fn theirs(line: usize, trx: Option<i64>, amount: i64, state: TheirState) -> TheirLine {
        let dest = format!("08{}", trx.unwrap_or_default());
        let (attempt, amount) = (trx.map(id), Rupiah::new(amount));
        TheirLine { line, attempt, kin: false, dest, sn: String::new(), amount, state }
    }

    fn ours(trx: i64, cost: i64, delivered: bool) -> OurLine {
        let (dest, sn) = (format!("08{trx}"), format!("SN{trx}"));
        let cost = Rupiah::new(cost);
        let pending = !delivered;
        OurLine { attempt: id(trx), dest, sn, cost, delivered, pending, expected: true }
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let result = reconcile(
            vec![
                theirs(2, Some(1), 100, TheirState::Delivered),
                theirs(3, Some(2), 120, TheirState::Delivered),
                theirs(4, Some(3), 100, TheirState::Delivered),
                theirs(5, Some(4), 100, TheirState::Failed),
                theirs(6, Some(1), 100, TheirState::Delivered),
                theirs(7, Some(6), 100, TheirState::Failed),
                theirs(8, Some(7), 100, TheirState::Delivered),
                theirs(9, Some(8), 100, TheirState::Open),
                theirs(10, Some(9), 100, TheirState::Delivered),
                theirs(11, Some(9), 100, TheirState::Returned),
            ],
            vec![
                ours(1, 100, true),
                ours(2, 100, true),
                ours(3, 100, false),
                ours(4, 100, true),
                ours(5, 100, true),
                ours(6, 100, false),
                ours(8, 100, true),
                ours(9, 100, true),
            ],
        );
        assert_eq!((result.matched, result.failed), (1, 2));
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
                Difference::OpenThere { theirs, .. } => format!("open {}", theirs.line),
                Difference::Twice { theirs } => format!("twice {}", theirs.line),
            })
            .collect();
        let expected = [
            "amount 3",
            "here 4 true",
            "twice 6",
            "here 8 false",
            "there 4-1 true",
            "there 9-1 true",
            "open 9",
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
            ..theirs(2, None, 100, TheirState::Delivered)
        };
        let twins = || {
            let second = OurLine { dest: "081".to_owned(), ..ours(2, 100, true) };
            vec![ours(1, 100, true), second]
        };
        assert_eq!(reconcile(vec![nameless("", "SN2")], twins()).matched, 1);
        assert_eq!(reconcile(vec![nameless("081", "")], twins()).matched, 0);
        assert_eq!(reconcile(vec![nameless("081", "")], twins()[..1].to_vec()).matched, 1);
    }

    #[test]
    fn a_number_in_another_spelling_is_the_same() {
        for (ours, theirs, same) in [
            ("081311110000", "6281311110000", true),
            ("081311110000", "81311110000", true),
            ("081311110000", "+62 813-1111-0000", true),
            ("081311110000", "081311110001", false),
            ("14123456789", "14123456789", true),
            ("user@01", "user@1", false),
            ("0", "", false),
        ] {
            assert_eq!(same_dest(ours, theirs), same, "{ours} {theirs}");
        }
    }

    const STATES: [TheirState; 4] =
        [TheirState::Delivered, TheirState::Failed, TheirState::Returned, TheirState::Open];

    proptest! {
        /// Nothing is lost and nothing counts twice.
        #[test]
        fn every_line_ends_in_one_place(
            theirs_said in prop::collection::vec((prop::option::of(0i64..8), 98i64..102, 0..4_usize), 0..20),
            ours_said in prop::collection::btree_map(0i64..8, (98i64..102, any::<bool>()), 0..8),
        ) {
            let lines: Vec<TheirLine> = (2..).zip(&theirs_said)
                .map(|(line, (trx, amount, state))| theirs(line, *trx, *amount, STATES[*state])).collect();
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
                    Difference::Amount { .. } | Difference::OpenThere { .. } => {
                        of_theirs += 1;
                        of_ours += 1;
                    }
                }
            }
            prop_assert_eq!(of_theirs, all);
            prop_assert_eq!(of_ours, delivered);
        }
    }
}
