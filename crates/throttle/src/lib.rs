//! What strangers may cost: pauses after wrong tries, and journal lines that count instead of repeating.
//!
//! Everything here is memory of one node, bounded, keyed by checked words and by where a request comes
//! from, and forgets the oldest first: nobody makes it forget everybody. Time is passed in.

mod lines;
mod origin;
mod pauses;
mod slow;

pub use lines::{Count, Lines};
pub use origin::Origin;
pub use pauses::{Paused, Pauses};
pub use slow::Slow;

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most keys of each memory.
const KEYS_MOST: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// A panic elsewhere leaves counts that are good enough to go on with.
fn lock<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
