//! Reads beside the writer: a few connections, each on its own thread; or inline for tests.

use crate::Busy;
use std::sync::{Arc, Mutex, mpsc};
use store::Reads;
use tokio::sync::oneshot;

type Query = Box<dyn FnOnce(&mut dyn Reads) + Send>;

/// Runs queries. Cheap to clone.
#[derive(Clone)]
pub struct ReadPool(Way);

#[derive(Clone)]
enum Way {
    Threads(mpsc::SyncSender<Query>),
    Inline(Arc<Mutex<Box<dyn Reads>>>),
}

/// Queries that may wait before callers have to.
const QUEUE: usize = 4_096;

impl ReadPool {
    /// One thread for each connection.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn threads(connections: Vec<Box<dyn Reads>>) -> std::io::Result<Self> {
        let (send, receive) = mpsc::sync_channel::<Query>(QUEUE);
        let receive = Arc::new(Mutex::new(receive));
        for (number, mut reads) in connections.into_iter().enumerate() {
            let receive = receive.clone();
            std::thread::Builder::new().name(format!("read-{number}")).spawn(move || {
                loop {
                    let next = match receive.lock() {
                        Ok(queue) => queue.recv(),
                        Err(_) => return,
                    };
                    let Ok(query) = next else { return };
                    query(reads.as_mut());
                }
            })?;
        }
        Ok(Self(Way::Threads(send)))
    }

    /// On the caller's thread.
    #[must_use]
    pub fn inline(reads: Box<dyn Reads>) -> Self {
        Self(Way::Inline(Arc::new(Mutex::new(reads))))
    }

    /// Runs one query.
    ///
    /// # Errors
    /// [`Busy`] when too many wait.
    pub async fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut dyn Reads) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        match &self.0 {
            Way::Threads(queue) => {
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
