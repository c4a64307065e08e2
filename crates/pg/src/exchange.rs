//! The exchange between nodes: one row for each, renewed a few times a second on a connection of its
//! own, so that neither leases nor batches wait for it.
//!
//! Each statement is one round trip and commits by itself: a node that is frozen holds no lock here.

use crate::lanes::millis;
use crate::link::{Link, Lost};
use std::time::Duration;
use store::{Exchange, Heard, Peer, StoreError};

/// Those whose words count, nodes that hold lanes and say nothing, and the round, at one moment.
const HEAR: &str = "SELECT (SELECT round FROM claim_round) AS round,
       (SELECT count(DISTINCT l.node) FROM lane l WHERE l.until >= clock_timestamp()
          AND l.node <> $2 AND NOT EXISTS (SELECT 1 FROM peer p WHERE p.node = l.node
                                           AND p.until >= clock_timestamp())) AS silent,
       p.run AS run, p.word AS word
     FROM (SELECT 1) AS one
     LEFT JOIN peer p ON p.run <> $1 AND p.until >= clock_timestamp()";

/// What has ended is not renewed: others may have what was claimed in it.
const RENEW: &str = "UPDATE peer SET word = $2,
       until = clock_timestamp() + $3::bigint * interval '1 millisecond'
     WHERE run = $1 AND until >= clock_timestamp()";

const CLAIM: &str = "WITH claimed AS
       (UPDATE claim_round SET round = round + 1 WHERE round = $6 RETURNING one)
     INSERT INTO peer (run, node, seat, until, word)
     SELECT $1, $4, $5, clock_timestamp() + $3::bigint * interval '1 millisecond', $2
     FROM claimed
     ON CONFLICT (run) DO UPDATE SET until = excluded.until, word = excluded.word";

/// What ended long ago, and what the process before in the same seat told: it is gone.
const SWEEP: &str = "DELETE FROM peer WHERE until < clock_timestamp() - interval '10 minutes'
     OR (seat = $2 AND seat <> '' AND run <> $1)";

/// One node's place in it.
pub struct PgExchange {
    link: Link,
    run: i64,
    node: String,
    seat: String,
    lease: Duration,
    swept: bool,
}

impl PgExchange {
    pub(crate) fn new(link: Link, run: i64, node: String, seat: String, lease: Duration) -> Self {
        Self { link, run, node, seat, lease, swept: false }
    }
}

impl Exchange for PgExchange {
    fn hear(&mut self) -> Result<Heard, StoreError> {
        let (run, node, seat, swept) = (self.run, &self.node, &self.seat, self.swept);
        let heard = self.link.run(async |live| {
            if !swept {
                live.client.execute(SWEEP, &[&run, seat]).await?;
            }
            let statement = live.prepare(HEAR).await?;
            let rows = live.client.query(&statement, &[&run, node]).await?;
            let mut heard = Heard::default();
            for row in &rows {
                heard.round = row.try_get("round")?;
                let silent: i64 = row.try_get("silent")?;
                heard.silent = u32::try_from(silent).unwrap_or(u32::MAX);
                if let Some(run) = row.try_get("run")? {
                    heard.peers.push(Peer { run, word: row.try_get("word")? });
                }
            }
            Ok(heard)
        });
        let heard = heard.map_err(Lost::not_written)?;
        self.swept = true;
        Ok(heard)
    }

    fn tell(&mut self, word: &str, claim: Option<i64>) -> Result<bool, StoreError> {
        let (run, node, seat, lease) = (self.run, &self.node, &self.seat, millis(self.lease));
        let told = self.link.run(async |live| match claim {
            None => {
                let statement = live.prepare(RENEW).await?;
                live.client.execute(&statement, &[&run, &word, &lease]).await
            }
            Some(round) => {
                let statement = live.prepare(CLAIM).await?;
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                    [&run, &word, &lease, node, seat, &round];
                live.client.execute(&statement, &values).await
            }
        });
        Ok(told.map_err(Lost::not_written)? > 0)
    }

    fn lasts(&self) -> Duration {
        self.lease
    }

    fn leave(&mut self) {
        let run = self.run;
        // When it cannot be said, what was told ends by itself.
        let _ = self.link.run(async |live| {
            live.client.execute("DELETE FROM peer WHERE run = $1", &[&run]).await
        });
    }
}
