//! The keeper: a thread that renews this node's lanes, takes over those of nodes that are gone,
//! watches the catalog's revision and the database's clock.
//!
//! It decides nothing about purchases; what it finds is told to whoever runs the node.

use crate::check;
use crate::clock::{DatabaseClock, since_boot_ms};
use crate::lanes::{self, Held};
use crate::link::{Link, Lost, told};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use store::Lane;

/// How long it waits for a notice of the catalog before it looks by itself.
const LOOK: Duration = Duration::from_millis(400);
/// Between two looks at the standbys.
const STANDBYS_EVERY_MS: i64 = 5_000;

/// What a node should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The catalog was changed.
    Catalog,
    /// This lane's work is ours now: what was sent there may have been sent.
    Adopted(Lane),
    /// Our lanes are another's: this process must end.
    Lost(String),
}

/// What the thread works with.
pub(crate) struct Keeping {
    pub(crate) link: Link,
    pub(crate) held: Arc<Held>,
    pub(crate) clock: Arc<DatabaseClock>,
    pub(crate) node: String,
    pub(crate) lease: Duration,
    /// Lanes that are written on, and so never given back.
    pub(crate) own: Vec<Lane>,
    /// The catalog's revision as it was read last.
    pub(crate) seen: Arc<AtomicI64>,
    pub(crate) tell: tokio::sync::mpsc::UnboundedSender<Event>,
    /// As they were found last.
    pub(crate) standbys: Option<check::Standbys>,
    /// When they are looked at again.
    pub(crate) look_again: i64,
}

/// The running thread; ends, and lets its lanes go, when dropped.
pub struct Keeper {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was in the log.
            let _ = thread.join();
        }
    }
}

impl Keeping {
    pub(crate) fn start(self) -> std::io::Result<Keeper> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let (ready, wait) = mpsc::channel();
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
            let mut keeping = self;
            // The first renewal is what makes the node hold its lanes.
            let mut renewed = keeping.renew_once();
            let _ = ready.send(());
            while !told.load(Ordering::Relaxed) {
                if renewed && !keeping.round() {
                    return;
                }
                if !renewed {
                    std::thread::sleep(LOOK);
                    renewed = keeping.renew_once();
                }
            }
            keeping.let_go();
        })?;
        // Whether it could be renewed shows in `Held`.
        let _ = wait.recv_timeout(Duration::from_secs(15));
        Ok(Keeper { stop, thread: Some(thread) })
    }

    /// Renews; false when the database could not be asked.
    fn renew_once(&mut self) -> bool {
        self.renew().unwrap_or(false)
    }

    /// `Ok(true)` when all is still ours; tells and loses everything when it is not.
    fn renew(&mut self) -> Result<bool, ()> {
        let (held, lease, clock) = (self.held.all(), self.lease, self.clock.clone());
        let ids = self.held.ids();
        let asked = since_boot_ms();
        let done = self.link.run(async |live| {
            let ours = lanes::renew(live, &held, lease).await?;
            let leads = lanes::leads(live, &ids).await?;
            let asked = since_boot_ms();
            let statement = live
                .prepare("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
                .await?;
            let row = live.client.query_one(&statement, &[]).await?;
            clock.learn(asked, since_boot_ms(), row.get(0));
            Ok((ours, leads))
        });
        match done {
            Ok((true, leads)) => {
                self.held.renewed(asked, lease);
                self.held.set_leads(leads);
                Ok(true)
            }
            Ok((false, _)) => {
                self.held.lose();
                let why = "another node took this one's lanes over: it was silent for longer than \
                           its lease"
                    .to_owned();
                let _ = self.tell.send(Event::Lost(why));
                Err(())
            }
            Err(Lost::Refused(error)) => {
                tracing::warn!(error = %told(&error), "the lease could not be renewed");
                Ok(false)
            }
            Err(Lost::Gone(why)) => {
                tracing::warn!(why, "the lease could not be renewed");
                Ok(false)
            }
        }
    }

    /// Waits for a notice, then looks after everything; false when the node lost its lanes.
    fn round(&mut self) -> bool {
        let waited = self.link.run(async |live| {
            live.listen().await?;
            Ok(tokio::time::timeout(LOOK, live.noticed()).await.is_ok())
        });
        if waited.is_err() {
            std::thread::sleep(LOOK);
        }
        if self.renew().is_err() {
            return false;
        }
        let revision = self.link.run(async |live| {
            let statement = live.prepare("SELECT catalog FROM revision").await?;
            Ok(live.client.query_one(&statement, &[]).await?.get::<_, i64>(0))
        });
        if revision.is_ok_and(|revision| revision != self.seen.load(Ordering::Relaxed)) {
            let _ = self.tell.send(Event::Catalog);
        }
        self.adopt();
        self.give_back();
        self.hand_over();
        self.look_at_standbys();
        true
    }

    /// How many standbys confirm a commit changes with every failover.
    fn look_at_standbys(&mut self) {
        let now = since_boot_ms();
        if now < self.look_again {
            return;
        }
        self.look_again = now.saturating_add(STANDBYS_EVERY_MS);
        let Ok(found) = self.link.run(async |live| check::standbys(&live.client).await) else {
            return;
        };
        if self.standbys.as_ref().is_some_and(|before| *before != found) {
            if found.is_safe() {
                tracing::info!("{found}");
            } else {
                tracing::warn!("{found}");
            }
        }
        self.held.set_standbys(found.confirmed());
        self.standbys = Some(found);
    }

    fn adopt(&mut self) {
        let (node, lease) = (self.node.clone(), self.lease);
        match self.link.run(async |live| lanes::end_silent(live).await) {
            Ok(0) => {}
            Ok(ended) => tracing::warn!(ended, "ended sessions of a node that went silent"),
            Err(Lost::Refused(error)) => {
                tracing::warn!(error = %told(&error), "sessions of a silent node were not ended");
            }
            Err(Lost::Gone(_)) => return,
        }
        let mine = i64::try_from(self.held.all().len()).unwrap_or(i64::MAX);
        let adopted = self.link.run(async |live| {
            let has_room = lanes::spread(live).await?.has_room(mine);
            lanes::adopt(live, &node, lease, has_room).await
        });
        if let Ok(Some(taken)) = adopted {
            self.held.add(&taken);
            tracing::info!(lane = %taken.lane, "took over the work of a node that is gone");
            let _ = self.tell.send(Event::Adopted(taken.lane));
        }
    }

    /// Adopted lanes whose work is done are free for nodes that start.
    fn give_back(&mut self) {
        let adopted: Vec<(Lane, i64)> =
            self.held.all().into_iter().filter(|(lane, _)| !self.own.contains(lane)).collect();
        if adopted.is_empty() {
            return;
        }
        let ids: Vec<i64> = adopted.iter().map(|(lane, _)| i64::from(lane.0)).collect();
        let Ok(idle) = self.link.run(async |live| lanes::idle(live, &ids).await) else { return };
        for (lane, epoch) in adopted {
            if idle.contains(&i64::from(lane.0)) {
                self.held.remove(lane);
                let one = [(lane, epoch)];
                // When it cannot be said, its lease ends by itself.
                let _ = self.link.run(async |live| lanes::release(live, &one).await);
            }
        }
    }

    /// Work that was adopted is spread again over the nodes that live: a node with clearly more lanes
    /// than its share gives one away, and those with less take it with what is in it. What is under
    /// way at this node ends here; the other one asks about it, as after an adoption.
    fn hand_over(&mut self) {
        let held = self.held.all();
        let adopted = held.iter().rev().find(|(lane, _)| !self.own.contains(lane));
        let Some((lane, epoch)) = adopted.copied() else { return };
        let mine = i64::try_from(held.len()).unwrap_or(i64::MAX);
        let spread = self.link.run(async |live| lanes::spread(live).await);
        if !spread.is_ok_and(|spread| spread.is_much(mine)) {
            return;
        }
        self.held.remove(lane);
        // When it cannot be said, its lease ends by itself.
        let _ = self.link.run(async |live| lanes::hand_over(live, lane, epoch).await);
        tracing::info!(%lane, "gave the work of a lane to a node with fewer");
    }

    fn let_go(&mut self) {
        let held = self.held.all();
        self.held.lose();
        let node = self.node.clone();
        let _ = self.link.run(async |live| {
            // Its parts of suppliers' limits too.
            live.client.execute("DELETE FROM peer WHERE node = $1", &[&node]).await?;
            lanes::release(live, &held).await
        });
    }
}
