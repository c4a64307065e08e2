//! Hash chains over ledger and journal: each row's hash covers the row before it.
//!
//! A change, a removal or an insertion breaks every later hash; a cut tail is found by the head,
//! which is kept apart and printed daily (SECURITY.md).

use crate::JournalLine;
use defects::{Defect, on};
use domain::Transfer;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256.
pub type Hash = [u8; 32];

/// One writer's chains. A store with one writer has one lane, 0; where several write at one time,
/// each has its own, so that none waits for another's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub i32);

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where both chains of a lane end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Heads {
    pub lane: Lane,
    pub ledger: ChainHead,
    pub journal: ChainHead,
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainHead {
    /// Number of the last row; 0 for an empty chain.
    pub seq: i64,
    /// Its hash; zeros for an empty chain.
    pub hash: Hash,
}

impl fmt::Display for ChainHead {
    /// `seq:hash in hex`, for logs and reports.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, types::hex(self.hash))
    }
}

/// Feeds fields unambiguously: every text with its length, every option with a mark.
struct Canon(Sha256);

impl Canon {
    fn begin(previous: &Hash, seq: i64) -> Self {
        let mut sha = Sha256::new();
        if !on(Defect::ChainWithoutPast) {
            sha.update(previous);
        }
        sha.update(seq.to_le_bytes());
        Self(sha)
    }

    fn number(mut self, value: i64) -> Self {
        self.0.update(value.to_le_bytes());
        self
    }

    fn maybe(self, value: Option<i64>) -> Self {
        match value {
            None => self.number(0),
            Some(value) => self.number(1).number(value),
        }
    }

    fn text(mut self, value: &str) -> Self {
        self.0.update((value.len() as u64).to_le_bytes());
        self.0.update(value.as_bytes());
        self
    }

    /// Lines from before there were stamps have the hash they always had.
    fn stamps(mut self, stamps: &[u8]) -> Self {
        if !stamps.is_empty() {
            self.0.update((stamps.len() as u64).to_le_bytes());
            self.0.update(stamps);
        }
        self
    }

    fn end(self) -> Hash {
        self.0.finalize().into()
    }
}

/// The hash of a transfer at place `seq` of the ledger.
#[must_use]
pub fn transfer_hash(previous: &Hash, seq: i64, transfer: &Transfer) -> Hash {
    Canon::begin(previous, seq)
        .text(&transfer.from.to_string())
        .text(&transfer.to.to_string())
        .number(transfer.amount.get())
        .text(transfer.kind.word())
        .maybe(transfer.trx.map(types::TrxNo::get))
        .maybe(transfer.balance.map(types::Rupiah::get))
        .number(transfer.at.get())
        .text(&transfer.note)
        .end()
}

/// The hash of a line at place `seq` of the journal.
#[must_use]
pub fn journal_hash(previous: &Hash, seq: i64, line: &JournalLine) -> Hash {
    Canon::begin(previous, seq)
        .number(line.at.get())
        .number(match line.direction {
            crate::Direction::In => 0,
            crate::Direction::Out => 1,
        })
        .text(line.channel.word())
        .text(&line.peer)
        .maybe(line.member.map(types::MemberId::get))
        .maybe(line.trx.map(types::TrxNo::get))
        .text(&line.request)
        .text(&line.reply)
        .text(&line.status)
        .number(line.millis)
        .stamps(&line.stamps)
        .end()
}
