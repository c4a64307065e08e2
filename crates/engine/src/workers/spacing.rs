//! When a purchase may be asked about again, whoever wants to know.
//!
//! Some suppliers must not be asked twice within their spacing: the question is the purchase sent
//! again, and too soon it may be bought twice. What is due in the store is not enough to keep that: a
//! question whose answer could not be recorded is still due, and a callback or a person may make it
//! due at once. So every question is remembered here. After a start nothing is known of the last
//! questions: a spaced supplier is then left alone for one spacing.

use super::patience::Patience;
use super::steady::Steady;
use defects::{Defect, on};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use types::{AttemptId, UtcMillis};

/// Remembered questions are looked through for old ones when there are so many.
const MANY: usize = 8_192;

struct Asked {
    /// No question to a spaced supplier began before this.
    since: Instant,
    last: HashMap<AttemptId, Instant>,
}

/// Cheap to clone; clones share what they know.
#[derive(Clone)]
pub(super) struct Spacing {
    asked: Arc<Mutex<Asked>>,
    patience: Patience<AttemptId>,
    /// How old what was sent is, whatever the wall clock did.
    pub(super) steady: Steady,
}

impl Spacing {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        let asked = Asked { since: Instant::now(), last: HashMap::new() };
        let (patience, steady) = (Patience::new(), Steady::new());
        Self { asked: Arc::new(Mutex::new(asked)), patience, steady }
    }

    /// Others may have asked until now: a start, or work taken over.
    pub(super) fn forget(&self) {
        self.steady.begin();
        if let Ok(mut asked) = self.asked.lock() {
            asked.since = Instant::now();
        }
    }

    /// True when this attempt may be asked about now.
    pub(super) fn may_ask(&self, id: AttemptId, spacing_ms: i64, now: UtcMillis) -> bool {
        if self.patience.waits(&id, now) {
            return false;
        }
        let Ok(spacing) = u64::try_from(spacing_ms) else { return true };
        if spacing == 0 || on(Defect::AskedTooSoon) {
            return true;
        }
        let Ok(asked) = self.asked.lock() else { return false };
        let last = asked.last.get(&id).copied().unwrap_or(asked.since);
        last.elapsed() >= Duration::from_millis(spacing)
    }

    /// It is asked (or bought) now.
    pub(super) fn asks(&self, id: AttemptId, spacing_ms: i64) {
        let Ok(spacing) = u64::try_from(spacing_ms) else { return };
        let Ok(mut asked) = self.asked.lock() else { return };
        if spacing == 0 {
            return;
        }
        if asked.last.len() >= MANY {
            // Longer ago than any spacing known here: the floor says the same of them.
            let long = Duration::from_millis(spacing.saturating_mul(2));
            asked.last.retain(|_, at| at.elapsed() < long);
        }
        asked.last.insert(id, Instant::now());
    }

    /// Whether what was learned could be recorded: if not, it is asked again, but not as often as a
    /// store fails.
    pub(super) fn recorded(&self, id: AttemptId, written: bool, now: UtcMillis) {
        if written {
            self.patience.written(&id);
        } else {
            self.patience.not_written(&id, now);
        }
    }
}
