//! Brings the schema forward. Migrations only add, so that nodes of the version before go on
//! beside nodes of the new one while a fleet is replaced.

use crate::link::{Link, Lost, told};
use store::StoreError;

const STEPS: [&str; 10] = [
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_papers.sql"),
    include_str!("../migrations/0003_network.sql"),
    include_str!("../migrations/0004_evidence.sql"),
    include_str!("../migrations/0005_given.sql"),
    include_str!("../migrations/0006_epochs.sql"),
    include_str!("../migrations/0007_stamps.sql"),
    include_str!("../migrations/0008_imported.sql"),
    include_str!("../migrations/0009_exchange.sql"),
    include_str!("../migrations/0010_key_ids.sql"),
];

/// Any number; held while migrating, so that nodes that start together do it once.
const LOCK: i64 = 7_119_024_551;

/// Brings the schema to this program's version.
pub(crate) fn migrate(link: &mut Link) -> Result<(), StoreError> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let done = link.run(async |live| {
        let client = &live.client;
        client.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
        client
            .batch_execute(
                "CREATE TABLE IF NOT EXISTS schema_version
                 (step BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())",
            )
            .await?;
        let row =
            client.query_one("SELECT coalesce(max(step), 0) FROM schema_version", &[]).await?;
        let at: i64 = row.get(0);
        for (number, sql) in (1_i64..).zip(STEPS).filter(|(number, _)| *number > at) {
            // The lock lives with the session, so it covers each step's own transaction.
            client
                .batch_execute(&format!(
                    "BEGIN; SET LOCAL statement_timeout = 0; {sql};
                 INSERT INTO schema_version (step) VALUES ({number}); COMMIT"
                ))
                .await?;
        }
        client.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})")).await?;
        Ok(at)
    });
    match done {
        Ok(at) if at > known => Err(StoreError::Broken(format!(
            "the database has schema {at}, this program knows {known}: it was written by a newer one"
        ))),
        Ok(_) => Ok(()),
        Err(Lost::Refused(error)) => {
            link.drop_connection();
            Err(StoreError::Broken(format!("migration: {}", told(&error))))
        }
        Err(Lost::Gone(why)) => Err(StoreError::NotWritten(why)),
    }
}
