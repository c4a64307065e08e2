//! Papers of the office: few, so one statement each, in the order of their keys.

use crate::link::Live;
use std::collections::BTreeMap;
use store::{Paper, PaperKey, StoreError};
use tokio_postgres::Error;

/// What a batch does to a paper: its first condition and its last state.
pub(crate) struct Paperwork {
    /// The version it must still have; 0: none of that name.
    pub(crate) was: i64,
    /// `None`: it goes away.
    pub(crate) now: Option<Paper>,
}

/// Locks and reads; in the order of keys, so that two batches never wait in a ring.
pub(crate) const LOCK: &str = "SELECT * FROM paper WHERE (kind, id) IN
       (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY kind, id FOR UPDATE";

/// Writes; why the batch must be decided anew, when another node was faster with a new paper.
pub(crate) async fn write(
    live: &mut Live,
    papers: &BTreeMap<PaperKey, Paperwork>,
) -> Result<Result<(), StoreError>, Error> {
    for (key, work) in papers {
        let touched = match &work.now {
            Some(paper) => {
                let statement = live
                    .prepare(
                        "INSERT INTO paper AS p (kind, id, tag, version, at, body)
                         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, id) DO UPDATE
                         SET tag = $3, version = $4, at = $5, body = $6 WHERE p.version = $7",
                    )
                    .await?;
                live.client
                    .execute(
                        &statement,
                        &[
                            &key.kind,
                            &key.id,
                            &paper.tag,
                            &paper.version,
                            &paper.at.get(),
                            &paper.body,
                            &work.was,
                        ],
                    )
                    .await?
            }
            None if work.was == 0 => 1,
            None => {
                let statement = live
                    .prepare("DELETE FROM paper WHERE kind = $1 AND id = $2 AND version = $3")
                    .await?;
                live.client.execute(&statement, &[&key.kind, &key.id, &work.was]).await?
            }
        };
        if touched != 1 {
            let why = format!("{} {} changed meanwhile", key.kind, key.id);
            return Ok(Err(StoreError::Again(why)));
        }
    }
    Ok(Ok(()))
}
