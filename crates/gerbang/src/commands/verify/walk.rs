//! A walk along the chains of all lanes.

use super::checkpoint::Checkpoint;
use crate::heads::{Chain, Noted};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use store::{ChainHead, ChainRow, Hash, Lane, Places};

/// Follows the chains of all lanes; keeps the first thing that does not fit.
pub(super) struct Walk {
    name: &'static str,
    /// Where it began.
    from: BTreeMap<Lane, ChainHead>,
    pub(super) heads: BTreeMap<Lane, ChainHead>,
    /// Heads of before that were not come to yet.
    noted: Vec<(Lane, ChainHead)>,
    pub(super) broken: Option<String>,
    /// What was noted and is another one here.
    pub(super) other: Option<String>,
}

impl Walk {
    /// From what was proved before on, or from the first row.
    pub(super) fn new(chain: Chain, noted: &[Noted], from: Option<&Checkpoint>) -> Self {
        let passed = |noted: &&Noted| from.is_some_and(|from| from.is_beyond(noted));
        let own = noted.iter().filter(|noted| noted.chain == chain && noted.head.seq > 0);
        let noted = own.filter(|noted| !passed(noted)).map(|noted| (noted.lane, noted.head));
        let heads = from.map(|from| from.heads(chain)).unwrap_or_default();
        Self {
            name: chain.name(),
            from: heads.clone(),
            heads,
            noted: noted.collect(),
            broken: None,
            other: None,
        }
    }

    /// The rows that were proved before.
    pub(super) fn places(&self) -> Places {
        self.from.iter().map(|(lane, head)| (*lane, head.seq)).collect()
    }

    pub(super) fn step<T>(
        &mut self,
        row: &ChainRow<T>,
        hash: impl Fn(&Hash, i64, &T) -> Hash,
    ) -> ControlFlow<()> {
        let head = self.heads.entry(row.lane).or_default();
        let next = head.seq + 1;
        let place = place(self.name, row.lane);
        if row.seq != next {
            self.broken =
                Some(format!("{place}: row {next} is missing (the next one is {})", row.seq));
            return ControlFlow::Break(());
        }
        if hash(&head.hash, row.seq, &row.row) != row.hash {
            self.broken = Some(match self.from.get(&row.lane) {
                Some(from) if from.seq + 1 == row.seq => format!(
                    "{place}: row {} does not follow the row that was proved at the checkpoint",
                    row.seq
                ),
                Some(_) | None => format!("{place}: row {} was changed or inserted", row.seq),
            });
            return ControlFlow::Break(());
        }
        *head = ChainHead { seq: row.seq, hash: row.hash };
        let (lane, now) = (row.lane, *head);
        let due = |(of, noted): &(Lane, ChainHead)| *of == lane && noted.seq == now.seq;
        if self.noted.iter().any(|noted| due(noted) && noted.1 != now) {
            // The rows behind it are proved all the same.
            self.other.get_or_insert(format!(
                "{place}: row {} is another one than when its head was noted: the chain was rewritten, \
                 or the head is of a time that a restore took away, or of a copy (docs/restore.md)",
                row.seq
            ));
        }
        self.noted.retain(|noted| !due(noted));
        ControlFlow::Continue(())
    }

    pub(super) fn end(&mut self, stored: &BTreeMap<Lane, ChainHead>) {
        let lanes: BTreeSet<Lane> = stored.keys().chain(self.heads.keys()).copied().collect();
        for lane in lanes {
            let walked = self.heads.get(&lane).copied().unwrap_or_default();
            let said = stored.get(&lane).copied().unwrap_or_default();
            let from = self.from.get(&lane).copied().unwrap_or_default();
            if self.broken.is_none() && said.seq < from.seq {
                self.broken = Some(format!(
                    "{}: ends at row {}, but row {} was proved at the checkpoint: its end was cut, or \
                     the whole was set back",
                    place(self.name, lane),
                    said.seq,
                    from.seq
                ));
            }
            if self.broken.is_none() && walked != said {
                self.broken = Some(format!(
                    "{}: ends at row {}, but its head says {}",
                    place(self.name, lane),
                    walked.seq,
                    said.seq
                ));
            }
        }
        if self.broken.is_none()
            && let Some((lane, noted)) = self.noted.iter().max_by_key(|(_, noted)| noted.seq)
        {
            let ends = self.heads.get(lane).map_or(0, |head| head.seq);
            self.broken = Some(format!(
                "{}: ends at row {ends}, but row {} was noted earlier: its end was cut, or the whole \
                 was set back",
                place(self.name, *lane),
                noted.seq
            ));
        }
    }
}

/// A chain's name; the only lane of a store needs no number.
fn place(name: &str, lane: Lane) -> String {
    if lane == Lane::default() { name.to_owned() } else { format!("{name} of lane {lane}") }
}
