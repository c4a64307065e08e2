//! Workers: periodic and nudged, without input, each with one public step over durable state.

mod courier;
mod deposits;
mod dispatch;
mod gone;
mod inlet;
mod overdue;
mod patience;
mod spacing;
mod steady;

pub use courier::{Courier, CourierResult, tell_nothing};
pub use gone::gone_paper;
pub use inlet::{Received, inlet};

use crate::parts::{Loss, caught, keep};
use crate::peers::Peers;
use crate::zone::midnight;
use crate::{Handle, Suppliers};
use domain::{Outcome, Source};
use std::collections::HashSet;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{Channel, Direction, Exchange, JournalLine};
use suppliers::SendResult;
use tokio::sync::watch;
use types::UtcMillis;

/// How often a worker looks when nobody nudges it, unless it is told otherwise.
const TICK: Duration = Duration::from_millis(200);
/// How often nodes tell each other what they know.
const EXCHANGE_EVERY: Duration = Duration::from_millis(300);
/// What broke in the middle is left alone for so long.
const AFTER_PANIC: Duration = Duration::from_secs(5);
/// Most text of a foreign answer kept in the journal.
const BODY_MOST: usize = 4_000;

/// What is being worked on right now, so that the next look does not take it again.
struct InFlight<K>(Arc<Mutex<HashSet<K>>>);

impl<K> Clone for InFlight<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Hash + Eq + Clone> InFlight<K> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(HashSet::new())))
    }

    /// Takes a key unless it is taken or `most` are.
    fn take(&self, key: &K, most: usize) -> Option<Taken<K>> {
        let mut set = self.0.lock().ok()?;
        if set.len() >= most || !set.insert(key.clone()) {
            return None;
        }
        Some(Taken { set: self.0.clone(), key: key.clone() })
    }

    fn snapshot(&self) -> HashSet<K> {
        self.0.lock().map_or_else(|_| HashSet::new(), |set| set.clone())
    }

    fn holds(&self, key: &K) -> bool {
        self.0.lock().is_ok_and(|set| set.contains(key))
    }

    fn len(&self) -> usize {
        self.0.lock().map_or(0, |set| set.len())
    }
}

/// Gives its key back when dropped, whatever happened to the task.
struct Taken<K: Hash + Eq> {
    set: Arc<Mutex<HashSet<K>>>,
    key: K,
}

impl<K: Hash + Eq> Drop for Taken<K> {
    fn drop(&mut self) {
        if let Ok(mut set) = self.set.lock() {
            set.remove(&self.key);
        }
    }
}

/// All workers of one node. They end with it.
pub struct Workers {
    handle: Handle,
    suppliers: Arc<Suppliers>,
    courier: Arc<dyn Courier>,
    spacing: spacing::Spacing,
    tick: Duration,
    /// Set to true to stop.
    stop: watch::Sender<bool>,
}

impl Workers {
    /// Prepares the workers; nothing runs yet.
    #[must_use]
    pub fn new(handle: Handle, suppliers: Arc<Suppliers>, courier: Arc<dyn Courier>) -> Self {
        let (spacing, stop) = (spacing::Spacing::new(), watch::Sender::new(false));
        Self { handle, suppliers, courier, spacing, tick: TICK, stop }
    }

    /// Looks for due work this often when nobody nudges; tests let days pass with a long one.
    #[must_use]
    pub fn with_tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// What was bought today by those before us, for daily limits.
    ///
    /// # Errors
    /// Why the store could not be read.
    pub async fn count_the_day(&self) -> Result<(), String> {
        let now = self.handle.now();
        let midnight = midnight(now);
        let bought = self.handle.reads().ask(move |reads| reads.bought_since(midnight)).await;
        let bought = bought.map_err(|error| error.to_string())?;
        self.handle.health().bought(bought.map_err(|error| error.to_string())?, now);
        Ok(())
    }

    /// Recovery of a lane whose process is gone: attempts with a sent-marker and no outcome may
    /// have been sent. They become unknown and are asked about at once, never sent again.
    ///
    /// # Errors
    /// Why the store could not be read or written.
    pub async fn recover(&self, lane: store::Lane) -> Result<usize, String> {
        // Whoever had the lane may have asked until now.
        self.spacing.forget();
        let mut after = types::TrxNo::new(0);
        let mut count = 0;
        loop {
            let page = self
                .handle
                .reads()
                .ask(move |reads| reads.sent_attempts(lane, after, 500))
                .await
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())?;
            let Some(last) = page.last() else { return Ok(count) };
            after = last.attempt.id.trx;
            // Together, so that they share commits: thousands may be open.
            let mut told = tokio::task::JoinSet::new();
            for work in page {
                // Asked at once, unless the supplier must not be asked again so soon.
                let port = self.suppliers.get(&work.attempt.supplier);
                let wait_ms = port.map_or(0, |port| port.connector.check_limits().spacing_ms);
                let news = crate::Command::News {
                    about: work.attempt.id,
                    member: work.member,
                    place: dispatch::place_of(&work),
                    source: Source::Restart { wait_ms },
                    outcome: Outcome::Unknown { why: "restart after sending".to_owned() },
                    line: None,
                };
                let handle = self.handle.clone();
                told.spawn(async move { handle.submit_patiently(news).await });
                count += 1;
            }
            while let Some(done) = told.join_next().await {
                done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
            }
        }
    }

    /// Starts all workers on the current runtime. One that breaks is started again: it takes no
    /// input, so nothing is lost with it.
    pub fn start(&self) {
        let (handle, tick) = (self.handle.clone(), self.tick);
        let (suppliers, spacing) = (self.suppliers.clone(), self.spacing.clone());
        let stop = self.stop.subscribe();
        self.keep("the sender", move || {
            let (handle, suppliers) = (handle.clone(), suppliers.clone());
            dispatch::send_all(handle, suppliers, spacing.clone(), tick, stop.clone())
        });
        let handle = self.handle.clone();
        let (suppliers, spacing) = (self.suppliers.clone(), self.spacing.clone());
        let stop = self.stop.subscribe();
        self.keep("the asker", move || {
            let (handle, suppliers) = (handle.clone(), suppliers.clone());
            dispatch::check_all(handle, suppliers, spacing.clone(), tick, stop.clone())
        });
        let (handle, suppliers) = (self.handle.clone(), self.suppliers.clone());
        let stop = self.stop.subscribe();
        self.keep("the watch over open purchases", move || {
            overdue::watch(handle.clone(), suppliers.clone(), stop.clone())
        });
        let (handle, suppliers) = (self.handle.clone(), self.suppliers.clone());
        let stop = self.stop.subscribe();
        self.keep("the watch over deposits", move || {
            deposits::watch(handle.clone(), suppliers.clone(), stop.clone())
        });
        let (handle, courier) = (self.handle.clone(), self.courier.clone());
        let stop = self.stop.subscribe();
        self.keep("the courier", move || {
            courier::deliver_all(handle.clone(), courier.clone(), tick, stop.clone())
        });
    }

    fn keep<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) {
        let (handle, stop) = (self.handle.clone(), self.stop.subscribe());
        let parts = handle.parts().clone();
        // Without whoever may stop them they end as well.
        let is_over = move || *stop.borrow() || stop.has_changed().is_err() || handle.is_ended();
        tokio::spawn(keep(parts, (name, Loss::Bars), is_over, make));
    }

    /// Tells other nodes what this one knows of suppliers and hears them, on a thread of its own;
    /// until it was told, nothing is sent. Ends with the node, or when nothing is under way any more
    /// after [`Self::stop`].
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn exchange(&self, exchange: Box<dyn Exchange>) -> std::io::Result<()> {
        let (health, suppliers) = (self.handle.0.health.clone(), self.suppliers.clone());
        let (clock, stop) = (self.handle.0.clock.clone(), self.stop.subscribe());
        let node = Arc::downgrade(&self.handle.0);
        health.share();
        suppliers.divide();
        let mut peers = Peers::new(exchange, self.handle.0.run);
        std::thread::Builder::new().name("exchange".to_owned()).spawn(move || {
            let mut is_cut_off = false;
            // A thread of a program that ends is not waited for, and must not keep the door open.
            while node.upgrade().is_some() {
                let leaves = *stop.borrow();
                match peers.round(&health, &suppliers.gates(), clock.as_ref(), leaves) {
                    Ok(true) if leaves => break,
                    Ok(_) => is_cut_off = false,
                    Err(error) if !is_cut_off => {
                        is_cut_off = true;
                        tracing::warn!(%error, "other nodes are not heard");
                    }
                    Err(_) => {}
                }
                std::thread::sleep(EXCHANGE_EVERY);
            }
            peers.leave();
        })?;
        Ok(())
    }

    /// Takes no new work; what is in flight goes on to its end.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
    }
}

/// Runs one piece of work; when it breaks, what it worked on is not taken up again at once.
async fn whole(handle: &Handle, name: &str, work: impl Future<Output = ()>) {
    if caught(work).await.is_err() {
        handle.parts().panicked(name);
        tokio::time::sleep(AFTER_PANIC).await;
    }
}

fn cut(text: &str) -> String {
    text.chars().take(BODY_MOST).collect()
}

/// The journal line of a call we made.
fn called(
    began: UtcMillis,
    ended: UtcMillis,
    channel: Channel,
    peer: &str,
    request: &str,
    result: &SendResult,
) -> JournalLine {
    let (reply, status) = match result {
        SendResult::NotSent(proof) => (proof.clone(), "not_sent".to_owned()),
        SendResult::Held(why) => (why.clone(), "held".to_owned()),
        SendResult::Replied(reply) => (cut(&reply.body), reply.status.to_string()),
        SendResult::Unknown(why) => (why.clone(), "unknown".to_owned()),
    };
    JournalLine {
        at: began,
        direction: Direction::Out,
        channel,
        peer: peer.to_owned(),
        member: None,
        trx: None,
        request: cut(request),
        reply,
        status,
        millis: ended.since(began).max(0),
        stamps: Vec::new(),
    }
}
