//! What a supplier sends on its own: whose it is, read, recorded, decided.

use super::cut;
use crate::command::Command;
use crate::{Handle, Suppliers};
use domain::{AttemptState, Source};
use store::{Channel, Direction, JournalLine};
use suppliers::{About, Inbound};
use types::SupplierCode;

/// What became of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was recorded and decided, or makes us ask.
    Taken,
    /// The supplier tried out whether we listen; nothing follows from it.
    Greeted,
    /// It is not about anything of ours; with the reason for the log.
    NotOurs(String),
    /// It carries a reference of this business that this business never gave: lost in a restore, or
    /// given by a copy of it that runs somewhere. With the reason for the log.
    Unknown(String),
    /// It could not be written; the supplier should send it again.
    Busy,
}

const STRANGE: &str = "a reference of ours that we never gave: lost in a restore, or given by a copy of \
                       this business that runs somewhere";

/// Takes one callback. Whether the caller may call at all was decided before.
pub async fn inlet(
    handle: &Handle,
    suppliers: &Suppliers,
    from: &SupplierCode,
    peer: &str,
    inbound: &Inbound,
) -> Received {
    let Some(port) = suppliers.get(from) else {
        return Received::NotOurs(format!("there is no supplier {from}"));
    };
    let about = match port.connector.callback_about(inbound) {
        Ok(About::Attempt(about)) => about,
        Ok(About::Greeting) => return Received::Greeted,
        Ok(About::Unknown) => return Received::Unknown(STRANGE.to_owned()),
        Err(why) => return Received::NotOurs(why),
    };
    let work = match handle.reads().ask(move |reads| reads.work_of(about)).await {
        Ok(Ok(Some(work))) => work,
        Ok(Ok(None)) => {
            return Received::Unknown(format!("there is no attempt {about}: {STRANGE}"));
        }
        Ok(Err(_)) | Err(_) => return Received::Busy,
    };
    if work.attempt.supplier != *from {
        return Received::NotOurs(format!("attempt {about} is at {}", work.attempt.supplier));
    }
    let now = handle.now().utc;
    let line = Box::new(JournalLine {
        at: now,
        direction: Direction::In,
        channel: Channel::Supplier,
        peer: peer.to_owned(),
        member: None,
        trx: None,
        request: cut(&format!("{} {}", inbound.query, inbound.body)),
        reply: String::new(),
        status: "callback".to_owned(),
        millis: 0,
        stamps: Vec::new(),
    });
    if let Some(movement) = port.connector.told(inbound) {
        handle.health().moved(from, movement, port.deposit_least, now);
    }
    let command = if port.confirm && may_be_asked(&work.attempt.state) {
        let wait_ms = port.connector.check_limits().spacing_ms;
        Command::AskSoon { about, member: work.member, wait_ms, line }
    } else {
        let ask = super::dispatch::ask_of(handle, &work, now);
        let outcome = port.connector.read_callback(&ask, inbound);
        let (place, source) = (super::dispatch::place_of(&work), Source::Callback);
        Command::News { about, member: work.member, place, source, outcome, line: Some(line) }
    };
    if handle.submit_patiently(command).await.is_ok() { Received::Taken } else { Received::Busy }
}

/// A question can tell whether a callback is right about it. Of one that was not sent or failed, a
/// callback moves no money whatever it says, and a question may be the purchase sent again.
const fn may_be_asked(state: &AttemptState) -> bool {
    match state {
        AttemptState::Sent
        | AttemptState::Waiting
        | AttemptState::Unknown { .. }
        | AttemptState::Delivered { .. } => true,
        AttemptState::Intended | AttemptState::Unsent { .. } | AttemptState::Failed { .. } => false,
    }
}
