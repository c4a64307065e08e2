//! Promise 2 at speed: which (member, refID) is taken.
//!
//! All references up to a number stand in the table `ref`; younger ones are held in memory and
//! sorted into it piece by piece, riding in commits of their own time. Sorted neighbours share
//! pages, so a purchase costs a fraction of a page of the log and not one of its own. At the start
//! the young ones are read from `trx`. There is one writer, so nothing can be taken in between.

use crate::open::not_written;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use store::StoreError;
use types::{MemberId, RefId, TrxNo};

/// So many young references begin a sorting.
const MANY: usize = 20_000;
/// Rows that ride in one commit, at least.
const PIECE: usize = 512;

type Key = (MemberId, RefId);

/// References that are not in the table yet; shared by the writer with readers of its process.
#[derive(Clone, Default)]
pub(crate) struct Young(Arc<RwLock<HashMap<Key, TrxNo>>>);

impl Young {
    pub(crate) fn get(&self, member: MemberId, ref_id: &RefId) -> Option<TrxNo> {
        let young = self.0.read().unwrap_or_else(PoisonError::into_inner);
        young.get(&(member, ref_id.clone())).copied()
    }

    fn add(&self, refs: HashMap<Key, TrxNo>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(refs);
    }

    fn forget(&self, upto: TrxNo) {
        let mut young = self.0.write().unwrap_or_else(PoisonError::into_inner);
        young.retain(|_, no| *no > upto);
        // Room for the next ones is kept; more than that is given back.
        young.shrink_to(MANY);
    }

    fn sorted(&self) -> Vec<(Key, TrxNo)> {
        let young = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<(Key, TrxNo)> = young.iter().map(|(key, no)| (key.clone(), *no)).collect();
        all.sort();
        all
    }

    fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A sorting under way.
struct Sorting {
    rows: Vec<(Key, TrxNo)>,
    done: usize,
}

/// The writer's side.
pub(crate) struct Refs {
    pub(crate) young: Young,
    many: usize,
    sorting: Option<Sorting>,
    /// Rows written by the commit that is being prepared, and references it takes.
    piece: usize,
    taken: HashMap<Key, TrxNo>,
}

/// Where the table ends.
pub(crate) fn sorted_upto(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT upto FROM sorted")?.query_row([], |row| row.get(0))
}

impl Refs {
    /// Reads the young ones; `many` of them begin a sorting.
    pub(crate) fn open(connection: &Connection, many: Option<usize>) -> rusqlite::Result<Self> {
        let young = Young::default();
        let mut sql = connection.prepare("SELECT member, ref, no FROM trx WHERE no > ?1")?;
        let rows = sql.query_map([sorted_upto(connection)?], |row| {
            let ref_id: String = row.get(1)?;
            let ref_id = RefId::parse(&ref_id).map_err(|error| {
                let text = rusqlite::types::Type::Text;
                rusqlite::Error::FromSqlConversionFailure(1, text, Box::new(error))
            })?;
            Ok(((MemberId::new(row.get(0)?), ref_id), TrxNo::new(row.get(2)?)))
        })?;
        young.add(rows.collect::<rusqlite::Result<_>>()?);
        let many = many.unwrap_or(MANY);
        Ok(Self { young, many, sorting: None, piece: 0, taken: HashMap::new() })
    }

    /// A batch takes this reference.
    pub(crate) fn take(
        &mut self,
        member: MemberId,
        ref_id: &RefId,
        no: TrxNo,
    ) -> Result<(), StoreError> {
        let key = (member, ref_id.clone());
        let young = self.young.get(member, ref_id).is_some();
        if young || self.taken.insert(key, no).is_some() {
            return Err(StoreError::Broken(format!("refID {ref_id} of member {member} is taken")));
        }
        Ok(())
    }

    /// Writes the next piece into the transaction that is open.
    pub(crate) fn sort_a_piece(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.sorting.is_none() && self.young.len() >= self.many {
            self.sorting = Some(Sorting { rows: self.young.sorted(), done: 0 });
        }
        let Some(sorting) = &self.sorting else { return Ok(()) };
        // Twice what comes in, or the young would grow without end under large batches.
        let piece = PIECE.min(self.many).max(2 * self.taken.len());
        let end = (sorting.done + piece).min(sorting.rows.len());
        for ((member, ref_id), no) in &sorting.rows[sorting.done..end] {
            let put = connection
                .prepare_cached(
                    "INSERT INTO ref (member, ref, no) VALUES (?1,?2,?3) ON CONFLICT DO NOTHING",
                )
                .and_then(|mut sql| sql.execute(params![member.get(), ref_id.as_str(), no.get()]))
                .map_err(not_written)?;
            // A piece that was written before a crash is there already; anything else is damage.
            if put == 0 && find(connection, *member, ref_id).map_err(not_written)? != Some(*no) {
                return Err(StoreError::Broken(format!(
                    "refID {ref_id} of member {member} has two purchases, one of them {no}"
                )));
            }
        }
        self.piece = end - sorting.done;
        if end == sorting.rows.len() {
            let upto = sorting.rows.iter().map(|(_, no)| no.get()).max().unwrap_or_default();
            connection
                .prepare_cached("UPDATE sorted SET upto = ?1")
                .and_then(|mut sql| sql.execute([upto]))
                .map_err(not_written)?;
        }
        Ok(())
    }

    /// The commit is durable: what it did holds.
    pub(crate) fn committed(&mut self) {
        self.young.add(std::mem::take(&mut self.taken));
        if let Some(sorting) = &mut self.sorting {
            sorting.done += std::mem::take(&mut self.piece);
            if sorting.done == sorting.rows.len() {
                let upto = sorting.rows.iter().map(|(_, no)| *no).max();
                self.young.forget(upto.unwrap_or(TrxNo::new(0)));
                self.sorting = None;
            }
        }
    }

    /// Nothing of the batch was written.
    pub(crate) fn rolled_back(&mut self) {
        self.taken.clear();
        self.piece = 0;
    }
}

/// The number in the table.
pub(crate) fn find(
    connection: &Connection,
    member: MemberId,
    ref_id: &RefId,
) -> rusqlite::Result<Option<TrxNo>> {
    connection
        .prepare_cached("SELECT no FROM ref WHERE member = ?1 AND ref = ?2")?
        .query_row(params![member.get(), ref_id.as_str()], |row| row.get(0))
        .optional()
        .map(|no| no.map(TrxNo::new))
}

/// The same among the young ones, for readers that do not share the writer's memory.
pub(crate) fn find_young(
    connection: &Connection,
    member: MemberId,
    ref_id: &RefId,
) -> rusqlite::Result<Option<TrxNo>> {
    connection
        .prepare_cached("SELECT no FROM trx WHERE no > ?1 AND member = ?2 AND ref = ?3 LIMIT 1")?
        .query_row(params![sorted_upto(connection)?, member.get(), ref_id.as_str()], |row| {
            row.get(0)
        })
        .optional()
        .map(|no| no.map(TrxNo::new))
}
