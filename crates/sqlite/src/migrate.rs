//! Forward-only numbered migrations, compiled in. `user_version` says which ones ran.

use rusqlite::{Connection, TransactionBehavior};
use store::StoreError;

const MIGRATIONS: [&str; 12] = [
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_routing.sql"),
    include_str!("../migrations/0003_upstream.sql"),
    include_str!("../migrations/0004_refs.sql"),
    include_str!("../migrations/0005_papers.sql"),
    include_str!("../migrations/0006_network.sql"),
    include_str!("../migrations/0007_evidence.sql"),
    include_str!("../migrations/0008_given.sql"),
    include_str!("../migrations/0009_epochs.sql"),
    include_str!("../migrations/0010_stamps.sql"),
    include_str!("../migrations/0011_imported.sql"),
    include_str!("../migrations/0012_key_ids.sql"),
];

/// Brings the schema forward; refuses one that is newer than this program.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let broken = |error: rusqlite::Error| StoreError::Broken(format!("migration: {error}"));
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(crate::open::not_written)?;
    let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(broken)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version > known {
        return Err(StoreError::Broken(format!(
            "the database has schema version {version}, this program knows {known}: \
             use the program that wrote it, or a newer one"
        )));
    }
    for (number, sql) in (1i64..).zip(MIGRATIONS) {
        if number > version {
            tx.execute_batch(sql).map_err(broken)?;
            tx.pragma_update(None, "user_version", number).map_err(broken)?;
        }
    }
    tx.commit().map_err(|error| StoreError::Unknown(error.to_string()))
}
