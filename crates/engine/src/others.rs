//! What a node heard of all others in one round: who divides a supplier's limits with it, and what they
//! have of them. It only adds up; [`crate::peers`] decides.

use crate::gate::Allotted;
use crate::share::{Sharer, silent_part};
use crate::word::Word;
use store::Heard;
use types::SupplierCode;

/// What a node that tells is taken to have, and whether it has work.
pub(crate) struct Others {
    pub(crate) words: Vec<(i64, Word)>,
    /// Nodes that tell nothing.
    pub(crate) silent: u32,
    pub(crate) round: i64,
}

impl Others {
    pub(crate) fn of(heard: Heard) -> Self {
        let words = heard.peers.iter().map(|peer| (peer.run, Word::read(&peer.word))).collect();
        Self { words, silent: heard.silent, round: heard.round }
    }

    /// Everybody who divides a supplier's limits, in one order for all.
    pub(crate) fn sharers(&self, run: i64, has_work: bool, supplier: &SupplierCode) -> Vec<Sharer> {
        let works = |word: &Word| word.holds_of(supplier).is_some_and(|holds| holds.has_work);
        let theirs =
            self.words.iter().map(|(run, word)| Sharer { run: *run, has_work: works(word) });
        let mut all: Vec<Sharer> = theirs.chain([Sharer { run, has_work }]).collect();
        all.sort_unstable();
        all
    }

    /// What all others together have of it.
    pub(crate) fn have(&self, limits: Allotted, supplier: &SupplierCode) -> Allotted {
        let nodes = i64::try_from(self.words.len()).unwrap_or(i64::MAX).saturating_add(1);
        let silent = i64::from(self.silent);
        let quiet =
            |limit: i64| silent.saturating_mul(silent_part(limit, nodes.saturating_add(silent)));
        let mut sum = Allotted { seats: quiet(limits.seats), rate: quiet(limits.rate) };
        for (_, word) in &self.words {
            if let Some(holds) = word.holds_of(supplier) {
                sum.seats = sum.seats.saturating_add(holds.has.seats);
                sum.rate = sum.rate.saturating_add(holds.has.rate);
            }
        }
        sum
    }
}
