//! What no store can keep: the null character, which a foreign answer may carry.
//!
//! Pure. One of the databases refuses it in a text. All of them replace it, so that a row is the same
//! wherever it lies, and a business can move from one to the other.

use crate::{Batch, Change, Delivery};
use domain::{AccountName, Attempt, AttemptState};

/// U+0000 becomes U+FFFD, the sign of what could not be read.
fn text(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}

/// Why a purchase is suspect.
pub fn suspicion(why: &mut Option<String>) {
    if let Some(why) = why {
        text(why);
    }
}

/// What a supplier's answer left in an attempt.
pub fn attempt(attempt: &mut Attempt) {
    match &mut attempt.state {
        AttemptState::Unknown { why } => text(why),
        AttemptState::Unsent { proof } => text(proof),
        // Serial numbers and reasons were read into types that hold no control character.
        AttemptState::Intended
        | AttemptState::Sent
        | AttemptState::Waiting
        | AttemptState::Delivered { .. }
        | AttemptState::Failed { .. } => {}
    }
}

/// What a member's receiver answered.
pub fn delivery(delivery: &mut Delivery) {
    text(&mut delivery.last);
    text(&mut delivery.message);
}

/// Names of tills are typed by people.
fn account(account: &mut AccountName) {
    match account {
        AccountName::Cash(name) | AccountName::Expense(name) => text(name),
        AccountName::Member(_)
        | AccountName::Supplier(_)
        | AccountName::Hold
        | AccountName::Sales
        | AccountName::Cogs
        | AccountName::Adjustment
        | AccountName::Commission
        | AccountName::Exchange
        | AccountName::Loss(_)
        | AccountName::Deposit(_)
        | AccountName::Capital
        | AccountName::Opening => {}
    }
}

impl Batch {
    /// Every text as a store may keep it. Before anything of the batch is written or chained.
    pub fn clean(&mut self) {
        for change in &mut self.changes {
            match change {
                Change::Suspect { why, .. } => suspicion(why),
                Change::InsertAttempt(row) | Change::UpdateAttempt(row) => attempt(row),
                Change::InsertDelivery(row) | Change::UpdateDelivery(row) => delivery(row),
                Change::Transfer(transfer) => {
                    text(&mut transfer.note);
                    account(&mut transfer.from);
                    account(&mut transfer.to);
                }
                Change::Journal(line) => {
                    for part in
                        [&mut line.peer, &mut line.request, &mut line.reply, &mut line.status]
                    {
                        text(part);
                    }
                }
                Change::Catalog(change) => change.texts().into_iter().for_each(text),
                Change::DropPaper { key, .. } => text(&mut key.id),
                Change::PutPaper(paper) => {
                    text(&mut paper.key.id);
                    text(&mut paper.tag);
                    text(&mut paper.body);
                }
                Change::InsertTrx { .. }
                | Change::FlipTrx { .. }
                | Change::Account { .. }
                | Change::Proof { .. }
                | Change::Turn { .. } => {}
            }
        }
    }
}
