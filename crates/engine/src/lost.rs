//! Journal lines that could not be written. What they say is in the log in their place, and they are
//! counted: what was said is on record somewhere, and nobody takes the journal for whole.

use std::sync::atomic::{AtomicU64, Ordering};
use store::JournalLine;

/// How many there were since the start.
#[derive(Default)]
pub(crate) struct LostLines(AtomicU64);

impl LostLines {
    /// Secrets are out of a line before it is made.
    pub(crate) fn tell(&self, line: &JournalLine, why: &str) {
        self.0.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            why,
            at = line.at.get(),
            channel = line.channel.word(),
            peer = line.peer,
            member = line.member.map(types::MemberId::get),
            trx = line.trx.map(types::TrxNo::get),
            request = line.request,
            reply = line.reply,
            status = line.status,
            "a journal line was not written"
        );
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
