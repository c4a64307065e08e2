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
    /// Counts a try before it is compared, so that many at one moment are no way around the pause;
    /// [`Self::right`] gives it back.
    pub(crate) fn attempt(&self, who: &Who, now: UtcMillis) -> Result<(), Problem> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get(who).map_or(0, |(_, until)| until.since(now));
        if left > 0 {
            let seconds = (left + 999) / 1_000;
            return Err(Problem {
                code: "locked",
                status: 429,
                detail: format!("too many wrong tries; try again in {seconds} seconds"),
            });
        }
        if all.len() >= PAIRS_MOST {
            all.retain(|_, (_, until)| now.since(*until) < PAUSE_MOST_MS);
            if all.len() >= PAIRS_MOST {
                all.clear();
            }
        }
        let (tries, until) = all.entry(who.clone()).or_insert((0, now));
        *tries = tries.saturating_add(1);
        *until = now;
        if *tries >= TRIES {
            let doublings = (*tries - TRIES).min(6);
            *until = now.after((PAUSE_MS << doublings).min(PAUSE_MOST_MS));
        }
        Ok(())
    }

    pub(crate) fn right(&self, who: &Who) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_before_they_are_compared() {
        let (lockout, now) = (Lockout::default(), UtcMillis::new(1_000_000));
        let who = ("budi".to_owned(), "203.0.113.7".to_owned());
        for _ in 0..TRIES {
            assert_eq!(lockout.attempt(&who, now), Ok(()));
        }
        assert_eq!(lockout.attempt(&who, now).unwrap_err().code, "locked");
        let other = ("budi".to_owned(), "203.0.113.8".to_owned());
        assert_eq!(lockout.attempt(&other, now), Ok(()));
        assert_eq!(lockout.attempt(&who, now.after(PAUSE_MS)), Ok(()));
        assert!(lockout.attempt(&who, now.after(PAUSE_MS + 1)).is_err());
        lockout.right(&who);
        assert_eq!(lockout.attempt(&who, now.after(PAUSE_MS + 1)), Ok(()));
    }
}
