//! Reads beside the writer: a few connections, each on its own thread; or inline for tests.
//!
//! A query that panics is a defect of that query: its caller hears "busy", the panic is counted, and
//! the thread goes on with a new connection.

use crate::Busy;
use crate::crash::panic_point;
use crate::parts::{Loss, Parts};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use store::{Reads, StoreError};
use tokio::sync::oneshot;

type Query = Box<dyn FnOnce(&mut dyn Reads) + Send>;

/// Opens another connection.
pub type Renew = Arc<dyn Fn() -> Result<Box<dyn Reads>, StoreError> + Send + Sync>;

/// Runs queries. Cheap to clone.
#[derive(Clone)]
pub struct ReadPool {
    way: Way,
    parts: Arc<Parts>,
}

#[derive(Clone)]
enum Way {
    Threads(mpsc::SyncSender<Query>, Arc<AtomicUsize>),
    Inline(Arc<Mutex<Box<dyn Reads>>>),
}

/// Queries that may wait before callers have to.
const QUEUE: usize = 4_096;
/// So often a connection is tried to be opened again, a second apart.
const RENEWALS_MOST: u32 = 30;
const RENEW_AFTER: Duration = Duration::from_secs(1);
/// How the loss is told.
const PART: &str = "a connection for reads";

impl ReadPool {
    /// One thread for each connection. After a panic the same connection is used again: for stores
    /// that keep nothing of a query that was broken off.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn threads(connections: Vec<Box<dyn Reads>>) -> std::io::Result<Self> {
        Self::start(connections, None)
    }

    /// One thread for each connection, with a new one after a panic: nobody knows what is left of a
    /// query that was broken off.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn renewing(connections: Vec<Box<dyn Reads>>, renew: Renew) -> std::io::Result<Self> {
        Self::start(connections, Some(renew))
    }

    fn start(connections: Vec<Box<dyn Reads>>, renew: Option<Renew>) -> std::io::Result<Self> {
        let (send, receive) = mpsc::sync_channel::<Query>(QUEUE);
        let receive = Arc::new(Mutex::new(receive));
        let parts = Arc::new(Parts::default());
        let whole = Arc::new(AtomicUsize::new(connections.len()));
        for (number, reads) in connections.into_iter().enumerate() {
            let reader = Reader {
                queue: receive.clone(),
                parts: parts.clone(),
                renew: renew.clone(),
                whole: whole.clone(),
            };
            std::thread::Builder::new()
                .name(format!("read-{number}"))
                .spawn(move || reader.answer(reads))?;
        }
        Ok(Self { way: Way::Threads(send, whole), parts })
    }

    /// On the caller's thread.
    #[must_use]
    pub fn inline(reads: Box<dyn Reads>) -> Self {
        Self { way: Way::Inline(Arc::new(Mutex::new(reads))), parts: Arc::default() }
    }

    /// What of the program is missing.
    pub(crate) fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    /// Runs one query.
    ///
    /// # Errors
    /// [`Busy`] when too many wait, or when the query broke.
    pub async fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut dyn Reads) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        match &self.way {
            Way::Threads(queue, whole) => {
                if whole.load(Ordering::Relaxed) == 0 {
                    return Err(Busy);
                }
                let (send, receive) = oneshot::channel();
                let job: Query = Box::new(move |reads| {
                    let _ = send.send(query(reads));
                });
                queue.try_send(job).map_err(|_| Busy)?;
                receive.await.map_err(|_| Busy)
            }
            Way::Inline(reads) => {
                let mut reads = reads.lock().map_err(|_| Busy)?;
                Ok(query(reads.as_mut()))
            }
        }
    }
}

/// One thread's part of the pool.
struct Reader {
    queue: Arc<Mutex<mpsc::Receiver<Query>>>,
    parts: Arc<Parts>,
    renew: Option<Renew>,
    /// How many threads have a connection.
    whole: Arc<AtomicUsize>,
}

impl Reader {
    /// Answers queries until nobody can ask any more.
    fn answer(&self, mut reads: Box<dyn Reads>) {
        loop {
            let next = match self.queue.lock() {
                Ok(queue) => queue.recv(),
                Err(_) => return,
            };
            let Ok(query) = next else { return };
            let asked = catch_unwind(AssertUnwindSafe(|| {
                panic_point("read");
                query(reads.as_mut());
            }));
            if asked.is_ok() {
                continue;
            }
            self.parts.panicked(PART);
            let Some(renew) = &self.renew else { continue };
            match self.renewed(renew) {
                Some(fresh) => reads = fresh,
                None => return,
            }
        }
    }

    /// Another connection; nothing when none can be had, and then the program ends.
    fn renewed(&self, renew: &Renew) -> Option<Box<dyn Reads>> {
        if let Some(fresh) = self.open(renew) {
            return Some(fresh);
        }
        let missing = self.parts.lose(PART, Loss::Bars);
        self.whole.fetch_sub(1, Ordering::Relaxed);
        for _ in 0..RENEWALS_MOST {
            self.turn_away();
            std::thread::sleep(RENEW_AFTER);
            if let Some(fresh) = self.open(renew) {
                self.whole.fetch_add(1, Ordering::Relaxed);
                return Some(fresh);
            }
        }
        self.parts.give_up("a connection for reads could not be opened again".to_owned());
        // Missing for good.
        std::mem::forget(missing);
        self.turn_away();
        None
    }

    fn open(&self, renew: &Renew) -> Option<Box<dyn Reads>> {
        // Opening may break as well.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            panic_point("renew");
            renew()
        }));
        match opened {
            Ok(Ok(fresh)) => Some(fresh),
            Ok(Err(error)) => {
                tracing::error!(%error, "a connection for reads cannot be opened again");
                None
            }
            Err(_) => {
                self.parts.panicked(PART);
                None
            }
        }
    }

    /// Those that wait hear "busy" when no thread is left to answer them.
    fn turn_away(&self) {
        if self.whole.load(Ordering::Relaxed) > 0 {
            return;
        }
        if let Ok(queue) = self.queue.lock() {
            // Without its query a caller's answer is dropped, and that is "busy".
            while queue.try_recv().is_ok() {}
        }
    }
}
