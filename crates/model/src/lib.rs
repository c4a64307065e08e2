//! The store in memory: the contract in its plainest form.
//!
//! What the simulation runs on, and what real stores are compared with: a batch is written whole
//! or not at all, flips are conditional, references are unique, both chains grow. It is as durable
//! as its process, and never the store of a business.

mod reads;
mod tables;

pub use tables::{Tables, TrxRow};

use std::sync::{Arc, Mutex, PoisonError};
use store::{Batch, Facts, Store, StoreError, Wants};

/// A store and its readers over the same tables. Cheap to clone; all clones are the same store.
#[derive(Clone, Default)]
pub struct Model(Arc<Mutex<Tables>>);

impl Model {
    /// Looks at the tables. A panic of another user leaves them as they were: batches are checked
    /// before they are written.
    pub fn with<T>(&self, look: impl FnOnce(&mut Tables) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for Model {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        Ok(self.with(|tables| tables.facts(wants)))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.with(|tables| tables.write(batch))
    }

    fn abandon(&mut self) {}
}
