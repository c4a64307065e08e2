//! The store in memory: the contract in its plainest form.
//!
//! What the simulation runs on, and what real stores are compared with: a batch is written whole
//! or not at all, flips are conditional, references are unique, both chains grow. It is as durable
//! as its process, and never the store of a business.

mod reads;
mod tables;

pub use tables::{Tables, TrxRow};

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Batch, Facts, Lane, Store, StoreError, Wants};

/// A store and its readers over the same tables. Cheap to clone; all clones are the same store.
///
/// By itself it is the whole business on lane 0; [`Self::node`] makes it one node of several.
#[derive(Clone, Default)]
pub struct Model {
    tables: Arc<Mutex<Tables>>,
    seat: Option<Seat>,
}

/// One node's place: the lane it writes on and those whose work it does.
#[derive(Clone)]
struct Seat {
    lane: Lane,
    epoch: u64,
    held: Arc<Mutex<BTreeSet<Lane>>>,
    fenced: bool,
}

impl Model {
    /// Looks at the tables. A panic of another user leaves them as they were: batches are checked
    /// before they are written.
    pub fn with<T>(&self, look: impl FnOnce(&mut Tables) -> T) -> T {
        look(&mut self.tables.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A node that takes this lane. Whoever held it before writes nothing any more; without a
    /// fence it would, which is what a simulation wants to see.
    #[must_use]
    pub fn node(&self, lane: Lane, fenced: bool) -> Self {
        let epoch = self.with(|tables| tables.take(lane));
        let held = Arc::new(Mutex::new(BTreeSet::from([lane])));
        Self { tables: self.tables.clone(), seat: Some(Seat { lane, epoch, held, fenced }) }
    }

    /// Takes another node's lane over, with its work.
    pub fn adopt(&self, lane: Lane) {
        self.with(|tables| tables.take(lane));
        if let Some(seat) = &self.seat {
            seat.held.lock().unwrap_or_else(PoisonError::into_inner).insert(lane);
        }
    }

    /// True when the work of this lane is ours.
    fn does(&self, lane: Option<&Lane>) -> bool {
        let Some(seat) = &self.seat else { return true };
        let held = seat.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.contains(lane.unwrap_or(&Lane::default()))
    }
}

impl Store for Model {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        Ok(self.with(|tables| tables.facts(wants)))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        let lane = self.seat.as_ref().map_or_else(Lane::default, |seat| seat.lane);
        self.with(|tables| {
            if let Some(seat) = &self.seat
                && seat.fenced
                && tables.epoch(lane) != seat.epoch
            {
                return Err(StoreError::Broken(format!("lane {lane} was taken over")));
            }
            tables.write(batch, lane)
        })
    }

    fn abandon(&mut self) {}
}
