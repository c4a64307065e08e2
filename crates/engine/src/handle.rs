//! The only door to the engine, for gateway, workers and command line alike.

use crate::command::{Answer, Command};
use crate::writer::{Core, Job};
use crate::{Catalog, Clock, Health, ReadPool, Zone};
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use store::{CatalogRows, JournalLine, MasterKey, Store, StoreError};
use tokio::sync::{Notify, mpsc, oneshot};

/// Nothing was taken; the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("busy: nothing was written, send it again with the same refID")]
pub struct Busy;

/// Limits of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Commands that may wait for the writer.
    pub queue: usize,
    /// Most commands in one batch.
    pub batch: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { queue: 4_096, batch: 512 }
    }
}

pub(crate) struct Shared {
    pub(crate) queue: mpsc::Sender<Job>,
    pub(crate) catalog: Arc<ArcSwap<Catalog>>,
    pub(crate) reads: ReadPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) zone: Zone,
    pub(crate) health: Arc<Health>,
    pub(crate) intents: Notify,
    pub(crate) deliveries: Notify,
    /// Set while the disk has no room: purchases are refused before anything is taken.
    pub(crate) full: AtomicBool,
}

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

impl Handle {
    /// Gives the writer a command and waits for the durable answer; "busy" at once when the queue
    /// is full.
    ///
    /// # Errors
    /// [`Busy`] when the queue is full, or when the batch was not written.
    pub async fn submit(&self, command: Command) -> Result<Answer, Busy> {
        let (answer, wait) = oneshot::channel();
        self.0.queue.try_send(Job { command, answer }).map_err(|_| Busy)?;
        wait.await.map_err(|_| Busy)
    }

    /// The same for those who can wait: workers and operators.
    ///
    /// # Errors
    /// [`Busy`] when the batch was not written, or the writer has stopped.
    pub async fn submit_patiently(&self, command: Command) -> Result<Answer, Busy> {
        let (answer, wait) = oneshot::channel();
        self.0.queue.send(Job { command, answer }).await.map_err(|_| Busy)?;
        wait.await.map_err(|_| Busy)
    }

    /// Gives the journal a line without waiting for its commit; waits for room in the queue.
    pub async fn note(&self, line: JournalLine) {
        let (answer, _) = oneshot::channel();
        let job = Job { command: Command::Note(Box::new(line)), answer };
        if self.0.queue.send(job).await.is_err() {
            tracing::error!("a journal line was lost: the writer has stopped");
        }
    }

    /// The catalog as it stands.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.load_full()
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

    /// The operator's zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.0.zone
    }

    /// How many commands wait, and how many may.
    #[must_use]
    pub fn queue_depth(&self) -> (usize, usize) {
        let most = self.0.queue.max_capacity();
        (most - self.0.queue.capacity(), most)
    }

    /// True when the writer has stopped: nothing can be recorded any more, so nothing may be done.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.queue.is_closed()
    }

    /// True while purchases are refused for lack of disk space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
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

impl Engine {
    /// Starts the writer on a thread of its own.
    ///
    /// # Errors
    /// When the catalog cannot be opened with this key, or no thread can be started.
    pub fn start(
        store: Box<dyn Store>,
        reads: ReadPool,
        rows: impl FnMut() -> Result<CatalogRows, StoreError> + Send + 'static,
        key: MasterKey,
        clock: Arc<dyn Clock>,
        zone: Zone,
        settings: Settings,
    ) -> Result<Self, String> {
        let (handle, writer) = Self::assemble(store, reads, rows, key, clock, zone, settings)?;
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                // Whoever waits for the end may be gone.
                let _ = end.send(writer.run());
            })
            .map_err(|error| error.to_string())?;
        Ok(Self { handle, ended })
    }

    /// The same without running the writer; tests drive it on virtual time.
    ///
    /// # Errors
    /// When the catalog cannot be opened with this key.
    pub fn assemble(
        store: Box<dyn Store>,
        reads: ReadPool,
        mut rows: impl FnMut() -> Result<CatalogRows, StoreError> + Send + 'static,
        key: MasterKey,
        clock: Arc<dyn Clock>,
        zone: Zone,
        settings: Settings,
    ) -> Result<(Handle, Writer), String> {
        let mut reload = move || -> Result<Catalog, String> {
            let rows = rows().map_err(|error| error.to_string())?;
            Catalog::build(rows, &key).map_err(|error| error.to_string())
        };
        let catalog = Arc::new(ArcSwap::from_pointee(reload()?));
        let (queue, jobs) = mpsc::channel(settings.queue);
        let shared = Arc::new(Shared {
            queue,
            catalog: catalog.clone(),
            reads,
            clock: clock.clone(),
            zone: zone.clone(),
            health: Arc::new(Health::default()),
            intents: Notify::new(),
            deliveries: Notify::new(),
            full: AtomicBool::new(false),
        });
        let health = shared.health.clone();
        let core = Core { store, catalog, clock, zone, health, reload: Box::new(reload) };
        let writer = Writer { core, jobs, batch: settings.batch, shared: Arc::downgrade(&shared) };
        Ok((Handle(shared), writer))
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
            self.step(std::mem::take(&mut taken))?;
        }
        Ok(())
    }

    /// The same as a task; the store blocks it, so this is for tests and simulation.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_as_task(mut self) -> Result<(), StoreError> {
        let mut taken = Vec::with_capacity(self.batch);
        while self.jobs.recv_many(&mut taken, self.batch).await > 0 {
            self.step(std::mem::take(&mut taken))?;
        }
        Ok(())
    }

    fn step(&mut self, jobs: Vec<Job>) -> Result<(), StoreError> {
        match self.core.step(jobs) {
            Ok(nudges) => {
                if let Some(shared) = self.shared.upgrade() {
                    if nudges.intents {
                        shared.intents.notify_one();
                    }
                    if nudges.deliveries {
                        shared.deliveries.notify_one();
                    }
                }
                Ok(())
            }
            Err(StoreError::NotWritten(why)) => {
                tracing::error!(%why, "a batch was not written; its callers hear busy");
                Ok(())
            }
            Err(error @ (StoreError::Unknown(_) | StoreError::Broken(_))) => {
                tracing::error!(%error, "the writer stops");
                Err(error)
            }
        }
    }
}
