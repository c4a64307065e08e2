//! Papers of the office, inside the writer's transaction.

use crate::open::not_written;
use crate::rows::by;
use rusqlite::{Connection, OptionalExtension as _, params};
use store::{Paper, PaperKey, StoreError, codec};

pub(crate) fn find(connection: &Connection, key: &PaperKey) -> rusqlite::Result<Option<Paper>> {
    connection
        .prepare_cached("SELECT * FROM paper WHERE kind = ?1 AND id = ?2")?
        .query_row([&key.kind, &key.id], by(codec::paper))
        .optional()
}

/// Writes the version after the one it was decided on.
pub(crate) fn put(connection: &Connection, paper: &Paper) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO paper (kind, id, tag, version, at, body) VALUES (?1,?2,?3,?4,?5,?6) \
             ON CONFLICT (kind, id) DO UPDATE SET tag = excluded.tag, at = excluded.at, \
             version = excluded.version, body = excluded.body \
             WHERE paper.version = excluded.version - 1",
        )
        .and_then(|mut sql| {
            sql.execute(params![
                paper.key.kind,
                paper.key.id,
                paper.tag,
                paper.version,
                paper.at.get(),
                paper.body
            ])
        })
        .map_err(not_written)?;
    one(changed, &paper.key)
}

pub(crate) fn drop(
    connection: &Connection,
    key: &PaperKey,
    version: i64,
) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached("DELETE FROM paper WHERE kind = ?1 AND id = ?2 AND version = ?3")
        .and_then(|mut sql| sql.execute(params![key.kind, key.id, version]))
        .map_err(not_written)?;
    one(changed, key)
}

fn one(changed: usize, key: &PaperKey) -> Result<(), StoreError> {
    if changed == 1 {
        return Ok(());
    }
    let PaperKey { kind, id } = key;
    Err(StoreError::Broken(format!("{kind} {id} changed after it was read; the batch is dropped")))
}
