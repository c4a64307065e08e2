//! The only door to the engine, for gateway, workers and command line alike.

use crate::command::{Answer, Command};
use crate::lost::LostLines;
use crate::ports::{Alone, Standing};
use crate::snapshot::Snapshot;
use crate::writer::{Core, Job};
use crate::{Catalog, Clock, Health, Parts, ReadPool, Tenure, Zone};
use domain::{Failover, Run};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use store::{CatalogRows, JournalLine, KeySet, StampKey, Store, StoreError};
use tokio::sync::{Notify, mpsc, oneshot};
use types::UtcMillis;

/// Nothing was read; the same question may be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("busy: too many questions wait, and this one was not read; ask again")]
pub struct Busy;

/// Why a command has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// Certainly nothing was written.
    #[error("busy: nothing was written, send it again with the same refID")]
    NotTaken,
    /// Nothing was written: it was decided on a catalog that somebody changed since. The newest is
    /// there now: deciding anew may help.
    #[error("somebody changed the catalog meanwhile: nothing was written, do it again")]
    Outdated,
    /// It may have been written: its answer was lost at the commit. Whoever asks must be told that it
    /// is under way and must look again, never that it failed.
    #[error("not known: it may have been written; look before you do it again")]
    NotKnown,
}

/// So long after a batch that was not written the node counts as one that cannot write.
const FAILED_MS: i64 = 3_000;

/// Limits of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Commands that may wait for the writer.
    pub queue: usize,
    /// Most commands in one batch.
    pub batch: usize,
    /// Until when another supplier is tried.
    pub failover: Failover,
}

impl Default for Settings {
    fn default() -> Self {
        Self { queue: 4_096, batch: 512, failover: Failover::default() }
    }
}

pub(crate) struct Shared {
    /// One for each lane.
    pub(crate) queues: Vec<mpsc::Sender<Job>>,
    pub(crate) catalog: Arc<Snapshot>,
    pub(crate) reads: ReadPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) zone: Zone,
    pub(crate) health: Arc<Health>,
    pub(crate) intents: Notify,
    pub(crate) deliveries: Notify,
    /// Set while the disk has no room: purchases are refused before anything is taken.
    pub(crate) full: AtomicBool,
    pub(crate) tenure: Arc<dyn Tenure>,
    pub(crate) run: Run,
    pub(crate) lost: Arc<LostLines>,
    /// When a batch was last not written, in milliseconds; 0 while they are.
    failed: AtomicI64,
}

impl Shared {
    fn queue(&self, command: &Command) -> Result<&mpsc::Sender<Job>, NotDone> {
        let lanes = i64::try_from(self.queues.len()).unwrap_or(1).max(1);
        let lane = usize::try_from(command.key().rem_euclid(lanes)).unwrap_or_default();
        self.queues.get(lane).ok_or(NotDone::NotTaken)
    }
}

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

impl Handle {
    /// Gives the writer a command and waits for the durable answer; "busy" at once when the queue
    /// is full.
    ///
    /// # Errors
    /// [`NotDone::NotTaken`] when the queue is full or the batch was not written,
    /// [`NotDone::NotKnown`] when its commit was interrupted.
    pub async fn submit(&self, command: Command) -> Result<Answer, NotDone> {
        let (answer, wait) = oneshot::channel();
        let queue = self.0.queue(&command)?;
        queue.try_send(Job { command, answer }).map_err(|_| NotDone::NotTaken)?;
        wait.await.unwrap_or(Err(NotDone::NotKnown))
    }

    /// The same for those who can wait: workers and operators.
    ///
    /// # Errors
    /// As [`Self::submit`]; also when the writer has stopped.
    pub async fn submit_patiently(&self, command: Command) -> Result<Answer, NotDone> {
        let (answer, wait) = oneshot::channel();
        let queue = self.0.queue(&command)?;
        queue.send(Job { command, answer }).await.map_err(|_| NotDone::NotTaken)?;
        wait.await.unwrap_or(Err(NotDone::NotKnown))
    }

    /// Gives the journal a line without waiting for its commit; waits for room in the queue.
    pub async fn note(&self, line: JournalLine) {
        let (answer, _) = oneshot::channel();
        let command = Command::Note(Box::new(line));
        let Ok(queue) = self.0.queue(&command) else { return };
        if let Err(error) = queue.send(Job { command, answer }).await
            && let Command::Note(line) = error.0.command
        {
            self.0.lost.tell(&line, "the writer has stopped");
        }
    }

    /// Waits until each writer is done with what it was given before this, or has stopped.
    pub async fn drained(&self) {
        for queue in &self.0.queues {
            let (answer, wait) = oneshot::channel();
            let nothing = Command::from(crate::command::Errand::default());
            if queue.send(Job { command: nothing, answer }).await.is_ok() {
                let _ = wait.await;
            }
        }
    }

    /// The catalog as it stands.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.get()
    }

    /// Reads the catalog again: another node changed it.
    ///
    /// # Errors
    /// Why it could not be read; the old one stays.
    pub fn refresh(&self) -> Result<(), String> {
        self.0.catalog.refresh()
    }

    /// The read side.
    #[must_use]
    pub fn reads(&self) -> &ReadPool {
        &self.0.reads
    }

    /// What is known of the suppliers' health.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> types::Moment {
        self.0.zone.moment(self.0.clock.now())
    }

    /// The moment from which a request that is read now may be on its way: members may have been
    /// told something else since, where this process stood still.
    #[must_use]
    pub fn arrived(&self) -> UtcMillis {
        self.0.clock.now().after(-self.0.tenure.standing().unread_ms.max(0))
    }

    /// The operator's zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.0.zone
    }

    /// How many commands wait, and how many may.
    #[must_use]
    pub fn queue_depth(&self) -> (usize, usize) {
        let most: usize = self.0.queues.iter().map(mpsc::Sender::max_capacity).sum();
        let free: usize = self.0.queues.iter().map(mpsc::Sender::capacity).sum();
        (most.saturating_sub(free), most)
    }

    /// True while this node may act on what it wrote: nobody can have taken its work over.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.0.tenure.holds()
    }

    /// True on one node of a business at a time.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.0.tenure.leads()
    }

    /// How this node stands among others.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.0.tenure.standing()
    }

    /// True for some seconds after a batch could not be written, unless one was written since.
    #[must_use]
    pub fn writes_fail(&self) -> bool {
        let failed = self.0.failed.load(Ordering::Relaxed);
        let since = self.0.clock.now().since(UtcMillis::new(failed));
        failed != 0 && (0..FAILED_MS).contains(&since)
    }

    /// Journal lines that could not be written since the start; what they say is in the log.
    #[must_use]
    pub fn lost_lines(&self) -> u64 {
        self.0.lost.count()
    }

    /// True while a committed change of the catalog could not be read back.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.0.catalog.is_stale()
    }

    /// True when a writer has stopped: nothing can be recorded any more, so nothing may be done.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.queues.iter().any(mpsc::Sender::is_closed)
    }

    /// What of the program is missing.
    #[must_use]
    pub fn parts(&self) -> &Arc<Parts> {
        self.0.reads.parts()
    }

    /// What is gone of what this program is made of, the writers among it.
    #[must_use]
    pub fn gone(&self) -> Vec<&'static str> {
        let mut gone = self.parts().missing();
        if self.is_ended() {
            gone.push("a writer");
        }
        gone
    }

    /// True while purchases are refused for lack of disk space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
    }

    /// True while nothing is sold: the business was restored, and what suppliers delivered after the
    /// copy is to be looked at first.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.catalog().epochs().is_closed()
    }

    /// Told by whoever watches the disk.
    pub fn set_full(&self, full: bool) {
        self.0.full.store(full, Ordering::Relaxed);
    }
}

/// A started engine: the door, and the end of its writer.
pub struct Engine {
    /// The door.
    pub handle: Handle,
    /// Ends with the writer: `Ok` when every door was closed, the error when it had to stop.
    pub ended: oneshot::Receiver<Result<(), StoreError>>,
}

/// The writer before it runs. Exactly one of its two ways must be taken.
#[must_use]
pub struct Writer {
    core: Core,
    jobs: mpsc::Receiver<Job>,
    batch: usize,
    /// Weak: the writer ends when the last door is closed.
    shared: Weak<Shared>,
}

/// Everything an engine is made of.
pub struct Setup {
    /// The write side: one store for each lane.
    pub stores: Vec<Box<dyn Store>>,
    /// The read side.
    pub reads: ReadPool,
    /// Reads the catalog.
    pub rows: Box<dyn FnMut() -> Result<CatalogRows, StoreError> + Send>,
    /// Opens sealed columns.
    pub key: KeySet,
    /// The only source of "now".
    pub clock: Arc<dyn Clock>,
    /// The operator's zone.
    pub zone: Zone,
    /// Whether this node may still act.
    pub tenure: Arc<dyn Tenure>,
    /// Which run of which node this is; another number than any other that works for the business.
    pub run: Run,
    /// Limits.
    pub settings: Settings,
}

impl Setup {
    /// One lane on a machine of its own: it may always act.
    pub fn new(
        store: Box<dyn Store>,
        reads: ReadPool,
        rows: impl FnMut() -> Result<CatalogRows, StoreError> + Send + 'static,
        key: KeySet,
        clock: Arc<dyn Clock>,
        zone: Zone,
    ) -> Self {
        Self {
            stores: vec![store],
            reads,
            rows: Box::new(rows),
            key,
            clock,
            zone,
            tenure: Arc::new(Alone),
            run: 0,
            settings: Settings::default(),
        }
    }
}

impl Engine {
    /// Starts each lane's writer on a thread of its own.
    ///
    /// # Errors
    /// When the catalog cannot be opened with this key, or no thread can be started.
    pub fn start(setup: Setup) -> Result<Self, String> {
        let (handle, writers) = Self::assemble(setup)?;
        let (end, ended) = oneshot::channel();
        // The first that ends speaks for all: without one lane nothing may go on.
        let end = Arc::new(Mutex::new(Some(end)));
        for (number, writer) in writers.into_iter().enumerate() {
            let end = end.clone();
            std::thread::Builder::new()
                .name(format!("writer-{number}"))
                .spawn(move || {
                    let result = writer.run();
                    let first = end.lock().ok().and_then(|mut end| end.take());
                    if let Some(end) = first {
                        // Whoever waits for the end may be gone.
                        let _ = end.send(result);
                    }
                })
                .map_err(|error| error.to_string())?;
        }
        Ok(Self { handle, ended })
    }

    /// The same without running the writers; tests drive them on virtual time.
    ///
    /// # Errors
    /// When the catalog cannot be opened with this key.
    pub fn assemble(setup: Setup) -> Result<(Handle, Vec<Writer>), String> {
        let Setup { stores, reads, mut rows, key, clock, zone, tenure, run, settings } = setup;
        let stamps = StampKey::of(&key);
        let catalog = Arc::new(Snapshot::new(Box::new(move || {
            let rows = rows().map_err(|error| error.to_string())?;
            Catalog::build(rows, &key).map_err(|error| error.to_string())
        }))?);
        let (health, lost) = (Arc::new(Health::default()), Arc::new(LostLines::default()));
        let (queues, lanes): (Vec<_>, Vec<_>) =
            stores.iter().map(|_| mpsc::channel(settings.queue)).unzip();
        let shared = Arc::new(Shared {
            queues,
            catalog: catalog.clone(),
            reads,
            clock: clock.clone(),
            zone: zone.clone(),
            health: health.clone(),
            intents: Notify::new(),
            deliveries: Notify::new(),
            full: AtomicBool::new(false),
            tenure,
            run,
            lost: lost.clone(),
            failed: AtomicI64::new(0),
        });
        let writers = stores.into_iter().zip(lanes).map(|(store, jobs)| Writer {
            core: Core {
                store,
                catalog: catalog.clone(),
                clock: clock.clone(),
                zone: zone.clone(),
                health: health.clone(),
                failover: settings.failover,
                run,
                reread: UtcMillis::default(),
                stamps: stamps.clone(),
                lost: lost.clone(),
            },
            jobs,
            batch: settings.batch,
            shared: Arc::downgrade(&shared),
        });
        let writers = writers.collect();
        Ok((Handle(shared), writers))
    }
}

impl Writer {
    /// Writes on the calling thread until every door is closed.
    ///
    /// # Errors
    /// The error that made it stop; what its last callers asked is not known to be written.
    pub fn run(mut self) -> Result<(), StoreError> {
        let mut taken = Vec::with_capacity(self.batch);
        while self.jobs.blocking_recv_many(&mut taken, self.batch) > 0 {
            if let Err(error) = self.step(std::mem::take(&mut taken)) {
                self.turn_away();
                return Err(error);
            }
        }
        Ok(())
    }

    /// The writer stops: those that still wait were certainly not written.
    fn turn_away(&mut self) {
        self.jobs.close();
        while let Ok(job) = self.jobs.try_recv() {
            self.core.turn_away(job, NotDone::NotTaken, "the writer has stopped");
        }
    }

    /// The same as a task; the store blocks it, so this is for tests and simulation.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_as_task(mut self) -> Result<(), StoreError> {
        let mut taken = Vec::with_capacity(self.batch);
        while self.jobs.recv_many(&mut taken, self.batch).await > 0 {
            if let Err(error) = self.step(std::mem::take(&mut taken)) {
                self.turn_away();
                return Err(error);
            }
        }
        Ok(())
    }

    fn step(&mut self, jobs: Vec<Job>) -> Result<(), StoreError> {
        match self.core.step(jobs) {
            Ok(nudges) => {
                if let Some(shared) = self.shared.upgrade() {
                    shared.failed.store(0, Ordering::Relaxed);
                    if nudges.intents {
                        shared.intents.notify_one();
                    }
                    if nudges.deliveries {
                        shared.deliveries.notify_one();
                    }
                }
                Ok(())
            }
            Err(
                StoreError::NotWritten(why)
                | StoreError::NotRead(why)
                | StoreError::Again(why)
                | StoreError::Outdated(why),
            ) => {
                tracing::error!(%why, "a batch was not written; its callers hear busy");
                if let Some(shared) = self.shared.upgrade() {
                    shared.failed.store(self.core.clock.now().get(), Ordering::Relaxed);
                }
                Ok(())
            }
            Err(error @ (StoreError::Unknown(_) | StoreError::Broken(_))) => {
                tracing::error!(%error, "the writer stops");
                Err(error)
            }
        }
    }
}
