//! A supplier that took another amount than its route says: told in log and journal, in the commit
//! that books it. Margins are made of these figures.

use super::Desk;
use domain::{Attempt, AttemptState};
use store::{Change, Channel, Direction, JournalLine};

impl Desk<'_> {
    /// The line that tells of it, when this change delivers for another cost than was expected.
    /// Must be asked before the change is applied.
    pub(super) fn cost_alert(&self, change: &Change) -> Option<Change> {
        let Change::UpdateAttempt(new) = change else { return None };
        let known = self.facts.trxs.get(&new.id.trx)?;
        let old = known.attempts.iter().find(|old| old.id == new.id)?;
        if !is_delivered(new) || is_delivered(old) {
            return None;
        }
        let is_new = self.health.cost_seen(&new.supplier, &new.sku, old.cost, new.cost);
        if new.cost == old.cost {
            return None;
        }
        let text = format!("{} cost {}, expected was {}", new.sku, new.cost, old.cost);
        if is_new {
            tracing::warn!(supplier = %new.supplier, trx = %new.id.trx, text, "a cost is not as expected");
        }
        Some(Change::Journal(Box::new(JournalLine {
            at: self.now.utc,
            direction: Direction::In,
            channel: Channel::Supplier,
            peer: new.supplier.to_string(),
            member: Some(known.trx.member),
            trx: Some(new.id.trx),
            request: String::new(),
            reply: text,
            status: "cost".to_owned(),
            millis: 0,
            stamps: Vec::new(),
        })))
    }
}

const fn is_delivered(attempt: &Attempt) -> bool {
    matches!(attempt.state, AttemptState::Delivered { .. })
}
