//! Lanes: who writes on which chain, and whose work is whose.
//!
//! A lane is held for a while by one node, by the database's clock. Taking one raises its epoch,
//! and every commit names the epoch it was made under: a node that slept through its lease cannot
//! write any more, so it can neither settle nor get permission to send.

use crate::Joining;
use crate::clock::since_boot_ms;
use crate::link::{Link, Live};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{ChainHead, Lane, StoreError};
use tokio_postgres::{Error, Row};

/// A lane as it was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) lane: Lane,
    pub(crate) epoch: i64,
    pub(crate) batches: i64,
    pub(crate) ledger: ChainHead,
    pub(crate) journal: ChainHead,
}

fn head(seq: i64, hash: &[u8]) -> ChainHead {
    ChainHead { seq, hash: hash.try_into().unwrap_or_default() }
}

pub(crate) fn taken(row: &Row) -> Result<Taken, Error> {
    let id: i64 = row.try_get("id")?;
    Ok(Taken {
        lane: Lane(i32::try_from(id).unwrap_or_default()),
        epoch: row.try_get("epoch")?,
        batches: row.try_get("batches")?,
        ledger: head(row.try_get("ledger_seq")?, row.try_get("ledger_head")?),
        journal: head(row.try_get("journal_seq")?, row.try_get("journal_head")?),
    })
}

/// What this node holds, shared by its writers, readers and keeper.
pub(crate) struct Held {
    /// Lanes with the epochs they were taken under.
    lanes: Mutex<Vec<(Lane, i64)>>,
    /// Until when nobody else can have taken over, in milliseconds since the machine was started.
    until_ms: AtomicI64,
    leads: AtomicBool,
    /// Standbys that confirm commits; -1 while nobody knows.
    standbys: AtomicI64,
}

impl Held {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            lanes: Mutex::default(),
            until_ms: AtomicI64::new(i64::MIN),
            leads: AtomicBool::new(false),
            standbys: AtomicI64::new(-1),
        })
    }

    pub(crate) fn all(&self) -> Vec<(Lane, i64)> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As the database names them.
    pub(crate) fn ids(&self) -> Vec<i64> {
        self.all().into_iter().map(|(lane, _)| i64::from(lane.0)).collect()
    }

    pub(crate) fn add(&self, taken: &Taken) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.push((taken.lane, taken.epoch));
    }

    pub(crate) fn remove(&self, lane: Lane) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|(held, _)| *held != lane);
    }

    /// The lease was renewed by a question asked at `asked_ms` after the machine was started.
    pub(crate) fn renewed(&self, asked_ms: i64, lease: Duration) {
        let sure = asked_ms.saturating_add(millis(lease.mul_f32(0.8)));
        self.until_ms.store(sure, Ordering::Relaxed);
    }

    pub(crate) fn set_leads(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    pub(crate) fn set_standbys(&self, count: i64) {
        self.standbys.store(count, Ordering::Relaxed);
    }

    /// Standbys that confirm commits; -1 while nobody knows.
    pub(crate) fn standbys(&self) -> i64 {
        self.standbys.load(Ordering::Relaxed)
    }

    /// True while nobody else can have taken over.
    pub(crate) fn holds(&self) -> bool {
        since_boot_ms() < self.until_ms.load(Ordering::Relaxed)
    }

    /// True on one node at a time: that of the lowest lane.
    pub(crate) fn leads(&self) -> bool {
        self.holds() && self.leads.load(Ordering::Relaxed)
    }

    /// It is another's now.
    pub(crate) fn lose(&self) {
        self.until_ms.store(i64::MIN, Ordering::Relaxed);
    }
}

/// Free lanes, and those of our own seat: whoever sat there before us is gone when its keeper has
/// no session any more, and we need not wait for its lease to end.
const TAKE: &str = "UPDATE lane SET epoch = epoch + 1, node = $1,
     until = clock_timestamp() + $2::bigint * interval '1 millisecond'
     WHERE id IN (SELECT id FROM lane WHERE id <> ALL($6::bigint[])
                    AND (until < clock_timestamp()
                         OR ($4::text <> '' AND split_part(node, '/', 1) = $4 AND NOT EXISTS
                             (SELECT 1 FROM pg_stat_activity a WHERE a.application_name = $5
                              AND a.datname = current_database())))
                  ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING *";

/// How the keeper of a seat is listed by the server.
pub(crate) fn keeper_name(seat: &str) -> String {
    format!("gerbang keeper {seat}").trim_end().to_owned()
}

/// What lane `l` has to do still. Whoever adopts by one reading and gives back by another would do
/// both for ever.
macro_rules! has_work {
    () => {
        "(EXISTS (SELECT 1 FROM attempt a WHERE a.lane = l.id AND a.state = 'intended')
          OR EXISTS (SELECT 1 FROM attempt a
                     WHERE a.lane = l.id AND a.state IN ('sent', 'waiting', 'unknown'))
          OR EXISTS (SELECT 1 FROM delivery d WHERE d.lane = l.id AND d.state = 'due'))"
    };
}

/// An expired lane with work in it; idle ones are left to those who start. Whoever has its share ($3
/// is false) leaves it to the others for a while: the one that has less may be asleep.
const ADOPT: &str = concat!(
    "UPDATE lane SET epoch = epoch + 1, node = $1,
     until = clock_timestamp() + $2::bigint * interval '1 millisecond'
     WHERE id IN (SELECT id FROM lane l WHERE until < clock_timestamp()
       AND ($3 OR (until > '-infinity' AND until < clock_timestamp() - interval '5 seconds')) AND ",
    has_work!(),
    " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *"
);

/// Of these lanes those without work.
const IDLE: &str =
    concat!("SELECT l.id FROM lane l WHERE l.id = ANY($1::bigint[]) AND NOT ", has_work!());

/// Ends the sessions that write on lanes whose lease is over. A node that was frozen in the middle
/// of a transaction holds locks on accounts, and would hold them after its lanes were taken over;
/// for one that is merely late it is an interrupted connection. Only those that wait for their client:
/// ending one that waits for a standby would let its COMMIT count without it.
const END: &str = "SELECT a.pid, pg_terminate_backend(a.pid) FROM lane l
     JOIN pg_stat_activity a ON a.application_name = 'gerbang writer ' || l.id || '/' || l.epoch
     WHERE l.until < clock_timestamp() AND l.until > '-infinity'
       AND a.datname = current_database() AND a.usename = current_user
       AND a.wait_event = 'ClientRead'";

/// Lanes that are held, and nodes that hold them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spread {
    lanes: i64,
    nodes: i64,
}

impl Spread {
    /// One of so many lanes for each node, rounded up.
    fn share(lanes: i64, nodes: i64) -> i64 {
        let nodes = nodes.max(1);
        lanes / nodes + i64::from(lanes % nodes > 0)
    }

    /// With one lane more this node has no more than its share. Always true of one node at least.
    pub(crate) fn has_room(self, mine: i64) -> bool {
        mine < Self::share(self.lanes + 1, self.nodes)
    }

    /// This node has clearly more than its share.
    pub(crate) fn is_much(self, mine: i64) -> bool {
        mine > Self::share(self.lanes, self.nodes) + 1
    }
}

pub(crate) fn millis(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)
}

/// Takes that many lanes to write on: free ones first, then new ones.
pub(crate) fn take(
    link: &mut Link,
    node: &str,
    joining: &Joining,
) -> Result<Vec<Taken>, StoreError> {
    let (count, lease) = (joining.lanes.max(1), joining.lease);
    let (seat, keeper) = (&joining.seat, keeper_name(&joining.seat));
    let wanted = i64::try_from(count).unwrap_or(1);
    let mut all: Vec<Taken> = Vec::new();
    for _ in 0..20 {
        let missing = wanted - i64::try_from(all.len()).unwrap_or_default();
        if missing <= 0 {
            break;
        }
        let ours: Vec<i64> = all.iter().map(|taken| i64::from(taken.lane.0)).collect();
        let found = link.run(async |live| {
            end_silent(live).await?;
            let statement = live.prepare(TAKE).await?;
            let rows = live
                .client
                .query(&statement, &[&node, &millis(lease), &missing, seat, &keeper, &ours])
                .await?;
            rows.iter().map(taken).collect::<Result<Vec<_>, _>>()
        });
        all.extend(found.map_err(crate::link::Lost::not_written)?);
        if i64::try_from(all.len()).unwrap_or_default() < wanted {
            let made = link.run(async |live| {
                live.client
                    .execute(
                        "INSERT INTO lane (id, epoch, node, until, ledger_head, journal_head)
                         SELECT coalesce(max(id), 0) + 1, 0, '', '-infinity', $1, $1 FROM lane
                         ON CONFLICT DO NOTHING",
                        &[&[0_u8; 32].as_slice()],
                    )
                    .await
            });
            made.map_err(crate::link::Lost::not_written)?;
        }
    }
    if all.len() < count {
        return Err(StoreError::NotWritten("too many nodes start at once; try again".to_owned()));
    }
    Ok(all)
}

/// Renews what is held; false when some of it is another's now.
pub(crate) async fn renew(
    live: &mut Live,
    held: &[(Lane, i64)],
    lease: Duration,
) -> Result<bool, Error> {
    let ids: Vec<i64> = held.iter().map(|(lane, _)| i64::from(lane.0)).collect();
    let epochs: Vec<i64> = held.iter().map(|(_, epoch)| *epoch).collect();
    let statement = live
        .prepare(
            "UPDATE lane SET until = clock_timestamp() + $3::bigint * interval '1 millisecond'
             FROM unnest($1::bigint[], $2::bigint[]) AS held(id, epoch)
             WHERE lane.id = held.id AND lane.epoch = held.epoch",
        )
        .await?;
    let count = live.client.execute(&statement, &[&ids, &epochs, &millis(lease)]).await?;
    Ok(usize::try_from(count).is_ok_and(|count| count == held.len()))
}

/// Ends the sessions of nodes that are silent for longer than their lease; how many there were.
pub(crate) async fn end_silent(live: &mut Live) -> Result<usize, Error> {
    let statement = live.prepare(END).await?;
    Ok(live.client.query(&statement, &[]).await?.len())
}

/// Takes one lane over whose node is gone, when there is one with work in it.
pub(crate) async fn adopt(
    live: &mut Live,
    node: &str,
    lease: Duration,
    has_room: bool,
) -> Result<Option<Taken>, Error> {
    let statement = live.prepare(ADOPT).await?;
    let row = live.client.query_opt(&statement, &[&node, &millis(lease), &has_room]).await?;
    row.as_ref().map(taken).transpose()
}

/// Whether this is the node of the lowest lane that anybody holds.
pub(crate) async fn leads(live: &mut Live, held: &[i64]) -> Result<bool, Error> {
    let statement =
        live.prepare("SELECT min(id) FROM lane WHERE until >= clock_timestamp()").await?;
    let lowest: Option<i64> = live.client.query_one(&statement, &[]).await?.get(0);
    Ok(lowest.is_some_and(|lowest| held.contains(&lowest)))
}

/// Lanes of these without work.
pub(crate) async fn idle(live: &mut Live, ids: &[i64]) -> Result<Vec<i64>, Error> {
    let statement = live.prepare(IDLE).await?;
    let rows = live.client.query(&statement, &[&ids]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// How many lanes are held, and by how many nodes.
pub(crate) async fn spread(live: &mut Live) -> Result<Spread, Error> {
    let statement = live
        .prepare("SELECT count(*), count(DISTINCT node) FROM lane WHERE until >= clock_timestamp()")
        .await?;
    let row = live.client.query_one(&statement, &[]).await?;
    Ok(Spread { lanes: row.get(0), nodes: row.get(1) })
}

/// Gives a lane with its work to whoever has less.
pub(crate) async fn hand_over(live: &mut Live, lane: Lane, epoch: i64) -> Result<(), Error> {
    let statement = live
        .prepare("UPDATE lane SET until = clock_timestamp() WHERE id = $1 AND epoch = $2")
        .await?;
    live.client.execute(&statement, &[&i64::from(lane.0), &epoch]).await?;
    Ok(())
}

/// Lets go, so that others need not wait for the lease to end.
pub(crate) async fn release(live: &mut Live, held: &[(Lane, i64)]) -> Result<(), Error> {
    for (lane, epoch) in held {
        live.client
            .execute(
                "UPDATE lane SET until = '-infinity' WHERE id = $1 AND epoch = $2",
                &[&i64::from(lane.0), epoch],
            )
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Somebody has room for one more, and whoever has much finds somebody who has room for it:
        /// lanes never go in a circle.
        #[test]
        fn lanes_come_to_rest(mut nodes in prop::collection::vec(0_i64..40, 1..9)) {
            let count = i64::try_from(nodes.len()).unwrap();
            for _ in 0..400 {
                let spread = Spread { lanes: nodes.iter().sum(), nodes: count };
                prop_assert!(nodes.iter().any(|mine| spread.has_room(*mine)));
                let Some(giver) = nodes.iter().position(|mine| spread.is_much(*mine)) else { break };
                nodes[giver] -= 1;
                let spread = Spread { lanes: spread.lanes - 1, nodes: count };
                prop_assert!(!spread.has_room(nodes[giver]), "it would take it back");
                let taker = nodes.iter().position(|mine| spread.has_room(*mine)).unwrap();
                nodes[taker] += 1;
            }
            let share = Spread::share(nodes.iter().sum(), count);
            prop_assert!(nodes.iter().all(|mine| *mine <= share + 1), "{nodes:?}");
        }
    }
}
