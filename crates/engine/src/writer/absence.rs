//! "Was this reference ever taken?" at the desk. That it was not is written down under the lock of
//! the member's account: members refund on it, so what is under way elsewhere must not be taken
//! after it, and a server that is no longer the one that counts cannot say it.

use super::Desk;
use domain::{Absences, Trx};
use store::{Change, Paper, PaperKey};
use types::{MemberId, RefId, UtcMillis};

/// Where it is written what a member was told.
pub(super) fn key(member: MemberId) -> PaperKey {
    PaperKey::new("absence", member.get().to_string())
}

impl Desk<'_> {
    fn absences(&self, member: MemberId) -> Option<Absences> {
        let paper = self.facts.papers.get(&key(member))?;
        let read = paper.body.parse();
        // Words that cannot be read may have named anything.
        Some(read.unwrap_or_else(|_| Absences::all_before(self.now.utc, self.run)))
    }

    /// True when a purchase arrived before the member was told that there is none.
    pub(super) fn is_absent(&self, member: MemberId, ref_id: &RefId, arrived: UtcMillis) -> bool {
        self.facts.by_ref(member, ref_id).is_none()
            && self
                .absences(member)
                .is_some_and(|told| !told.admits(ref_id, arrived, self.run, self.now.utc))
    }

    pub(super) fn look(&mut self, member: MemberId, ref_id: &RefId) -> Option<Box<Trx>> {
        if let Some(known) = self.facts.by_ref(member, ref_id) {
            return Some(Box::new(known.trx.clone()));
        }
        let mut told = self.absences(member).unwrap_or_default();
        told.tell(ref_id, self.now.utc, self.run);
        let key = key(member);
        let version = self.facts.papers.get(&key).map_or(1, |paper| paper.version + 1);
        self.put(Change::PutPaper(Box::new(Paper {
            key,
            tag: String::new(),
            version,
            at: self.now.utc,
            body: told.to_string(),
        })));
        None
    }
}
