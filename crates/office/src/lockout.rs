//! Wrong logins: a pause for who tries from where, never for everybody.

use crate::problem::Problem;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use types::UtcMillis;

/// Wrong tries before the first pause.
const TRIES: u32 = 5;
const PAUSE_MS: i64 = 60_000;
const PAUSE_MOST_MS: i64 = 3_600_000;
/// Most pairs remembered.
const PAIRS_MOST: usize = 100_000;

/// Login and address.
type Who = (String, String);

/// Remembers wrong tries, in memory of this node.
#[derive(Default)]
pub(crate) struct Lockout(Mutex<HashMap<Who, (u32, UtcMillis)>>);

impl Lockout {
    pub(crate) fn check(&self, who: &Who, now: UtcMillis) -> Result<(), Problem> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get(who).map_or(0, |(_, until)| until.since(now));
        if left <= 0 {
            return Ok(());
        }
        let seconds = (left + 999) / 1_000;
        Err(Problem {
            code: "locked",
            status: 429,
            detail: format!("too many wrong tries; try again in {seconds} seconds"),
        })
    }

    pub(crate) fn wrong(&self, who: Who, now: UtcMillis) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PAIRS_MOST {
            all.retain(|_, (_, until)| now.since(*until) < PAUSE_MOST_MS);
            if all.len() >= PAIRS_MOST {
                all.clear();
            }
        }
        let (tries, until) = all.entry(who).or_insert((0, now));
        *tries = tries.saturating_add(1);
        *until = now;
        if *tries >= TRIES {
            let doublings = (*tries - TRIES).min(6);
            *until = now.after((PAUSE_MS << doublings).min(PAUSE_MOST_MS));
        }
    }

    pub(crate) fn right(&self, who: &Who) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(who);
    }
}
