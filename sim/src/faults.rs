//! A store that fails where stores may: it says what it promises to say, and means it.

use crate::world::World;
use store::StoreError;

/// What a store does with a batch instead of writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is written; the same work may be given again.
    NotWritten,
    /// Others were in the way; deciding anew may help.
    Again,
    /// Nobody knows whether it is written: it is not.
    Lost,
    /// Nobody knows whether it is written: it is.
    Written,
    /// It takes long, and is written.
    Slow,
}

/// A slow commit takes less than this.
const SLOW_MS: u64 = 8_000;
/// A disk is full for so many batches.
const FULL_BATCHES: u64 = 12;

/// What becomes of the batches of one process.
#[derive(Default)]
pub(crate) struct Faults {
    batches: u64,
    /// Batches that are still not written while the disk is full.
    full: u64,
    /// When one was not written for that.
    full_at: Option<i64>,
}

impl Faults {
    /// What happens to the next batch.
    pub(crate) fn draw(&mut self, world: &World, node: usize) -> Option<Fault> {
        self.batches += 1;
        let now = world.now();
        let name = format!("{node} {now} {}", self.batches);
        if let Some(at) = self.full_at.take() {
            world.with(|state| state.full_ms += now - at);
        }
        // The founding deposits come first.
        if now == 0 {
            return None;
        }
        // There is space again when everybody behaves.
        if self.full > 0 && !world.with(|state| state.honest) {
            self.full -= 1;
            self.full_at = Some(now);
            return Some(Fault::NotWritten);
        }
        let happens = |what: &'static str, percent: u64| world.is_rude(what, &name, percent);
        if happens("store: full", 1) {
            self.full = FULL_BATCHES;
            self.full_at = Some(now);
            Some(Fault::NotWritten)
        } else if happens("store: not written", 4) {
            Some(Fault::NotWritten)
        } else if happens("store: others in the way", 1) {
            Some(Fault::Again)
        } else if happens("store: not known, not written", 1) {
            Some(Fault::Lost)
        } else if happens("store: not known, written", 1) {
            Some(Fault::Written)
        } else if happens("store: slow", 2) {
            Some(Fault::Slow)
        } else {
            None
        }
    }
}

/// The error of a fault before anything is written.
pub(crate) fn error(fault: Fault) -> Option<StoreError> {
    match fault {
        Fault::NotWritten => Some(StoreError::NotWritten("no space left on device".to_owned())),
        Fault::Again => Some(StoreError::Again("a deadlock was found".to_owned())),
        Fault::Lost => Some(StoreError::Unknown("the connection broke".to_owned())),
        Fault::Written | Fault::Slow => None,
    }
}

/// How long a slow one takes.
pub(crate) fn slow_ms(world: &World) -> i64 {
    let (seed, now) = world.with(|state| (state.seed, state.now()));
    i64::try_from(crate::chance::below(seed, &format!("slow {now}"), SLOW_MS)).unwrap_or_default()
}
