//! Rows that are only appended, each onto its chain, and callbacks.

use crate::writer::{Heads, SqliteStore};
use domain::Transfer;
use rusqlite::params;
use store::{ChainHead, Delivery, Direction, JournalLine, journal_hash, transfer_hash};
use types::{MemberId, TrxNo};

impl SqliteStore {
    pub(crate) fn insert_transfer(
        &self,
        transfer: &Transfer,
        heads: &mut Heads,
    ) -> rusqlite::Result<()> {
        let seq = heads.ledger.seq + 1;
        let hash = transfer_hash(&heads.ledger.hash, seq, transfer);
        heads.ledger = ChainHead { seq, hash };
        self.cached(
            "INSERT INTO transfer (seq, src, dst, amount, kind, trx, member, balance, at, note, \
             hash) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
        )?
        .execute(params![
            seq,
            transfer.from.to_string(),
            transfer.to.to_string(),
            transfer.amount.get(),
            transfer.kind.word(),
            transfer.trx.map(TrxNo::get),
            transfer.member_change().map(|(member, _)| member.get()),
            transfer.balance.map(types::Rupiah::get),
            transfer.at.get(),
            transfer.note,
            hash,
        ])?;
        Ok(())
    }

    pub(crate) fn put_delivery(&self, delivery: &Delivery) -> rusqlite::Result<()> {
        self.cached(
            "INSERT INTO delivery (id, trx, member, ref, message, created, state, tries, next, last) \
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT (id) DO UPDATE SET \
             state = excluded.state, tries = excluded.tries, next = excluded.next, \
             last = excluded.last",
        )?
        .execute(params![
            delivery.id.get(),
            delivery.trx.get(),
            delivery.member.get(),
            delivery.ref_id,
            delivery.message,
            delivery.created.get(),
            delivery.state.word(),
            delivery.tries,
            delivery.next.get(),
            delivery.last,
        ])?;
        Ok(())
    }

    pub(crate) fn insert_journal(
        &self,
        line: &JournalLine,
        heads: &mut Heads,
    ) -> rusqlite::Result<()> {
        let seq = heads.journal.seq + 1;
        let hash = journal_hash(&heads.journal.hash, seq, line);
        heads.journal = ChainHead { seq, hash };
        self.cached(
            "INSERT INTO journal (seq, at, direction, channel, peer, member, trx, request, reply, \
             status, millis, hash, stamps) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
        )?
        .execute(params![
            seq,
            line.at.get(),
            match line.direction {
                Direction::In => 0,
                Direction::Out => 1,
            },
            line.channel.word(),
            line.peer,
            line.member.map(MemberId::get),
            line.trx.map(TrxNo::get),
            line.request,
            line.reply,
            line.status,
            line.millis,
            hash,
            (!line.stamps.is_empty()).then_some(&line.stamps),
        ])?;
        Ok(())
    }
}
