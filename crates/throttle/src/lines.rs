//! One line of the journal for many equal events: they are counted by key, and the next line tells how
//! many there were, so that nobody fills the disk by knocking.

use crate::lock;
use lru::LruCache;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use types::UtcMillis;

/// One line for a key and this long.
const EVERY_MS: i64 = 60_000;
/// Most keys remembered; the one that was told of longest ago makes room.
const SEEN_MOST: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

#[derive(Clone, Copy)]
struct Seen {
    /// When its last line was written, or it came first.
    at: UtcMillis,
    /// Events that no line tells of yet.
    untold: u64,
}

struct Book<K> {
    seen: LruCache<K, Seen>,
    /// When the last lines were written, of all keys.
    lines: Vec<UtcMillis>,
    /// Events of keys that made room.
    forgotten: u64,
}

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Events of this key since its last line, this one among them.
    pub here: u64,
    /// Events of others that no line of their own tells of.
    pub elsewhere: u64,
}

/// Who did what how often.
pub struct Lines<K> {
    /// Most lines of all keys together in a minute.
    most: usize,
    book: Mutex<Book<K>>,
}

/// A clock that was set back keeps nobody silent.
fn is_young(at: UtcMillis, now: UtcMillis) -> bool {
    (0..EVERY_MS).contains(&now.since(at))
}

impl<K: Hash + Eq> Lines<K> {
    /// At most so many lines a minute.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let book = Book { seen: LruCache::new(SEEN_MOST), lines: Vec::new(), forgotten: 0 };
        Self { most, book: Mutex::new(book) }
    }

    /// Counts an event; what its line tells, when it has one.
    pub fn count(&self, key: K, now: UtcMillis) -> Option<Count> {
        self.counted(key, now, true)
    }

    /// Counts an event that has no line of its own, because nothing that can wait is written now.
    pub fn keep(&self, key: K, now: UtcMillis) {
        self.counted(key, now, false);
    }

    fn counted(&self, key: K, now: UtcMillis, may_tell: bool) -> Option<Count> {
        let book = &mut *lock(&self.book);
        let is_new = book.seen.peek(&key).is_none();
        if is_new
            && book.seen.len() >= SEEN_MOST.get()
            && let Some((_, gone)) = book.seen.pop_lru()
        {
            book.forgotten = book.forgotten.saturating_add(gone.untold);
        }
        book.lines.retain(|at| is_young(*at, now));
        let may = may_tell && book.lines.len() < self.most;
        // The order is that of lines, not of events.
        if is_new {
            book.seen.put(key, Seen { at: now, untold: u64::from(!may) });
            if !may {
                return None;
            }
            return Some(self.told(book, 1, now));
        }
        let seen = book.seen.peek_mut(&key)?;
        seen.untold = seen.untold.saturating_add(1);
        if is_young(seen.at, now) || !may {
            return None;
        }
        let here = seen.untold;
        *seen = Seen { at: now, untold: 0 };
        book.seen.promote(&key);
        Some(self.told(book, here, now))
    }

    fn told(&self, book: &mut Book<K>, here: u64, now: UtcMillis) -> Count {
        book.lines.push(now);
        let mut elsewhere = std::mem::take(&mut book.forgotten);
        // Those who went away before their next line was due.
        for (_, seen) in book.seen.iter_mut().filter(|(_, seen)| !is_young(seen.at, now)) {
            elsewhere = elsewhere.saturating_add(std::mem::take(&mut seen.untold));
        }
        Count { here, elsewhere }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UtcMillis = UtcMillis::new(1_000_000);

    fn told(here: u64, elsewhere: u64) -> Option<Count> {
        Some(Count { here, elsewhere })
    }

    #[test]
    fn a_key_has_one_line_a_minute_and_it_tells_how_many() {
        let lines = Lines::new(30);
        let knock = |key, at| lines.count(key, NOW.after(at));
        assert_eq!(knock("a", 0), told(1, 0));
        for number in 1..=50 {
            assert_eq!(knock("a", number), None);
        }
        assert_eq!(knock("b", 60), told(1, 0));
        assert_eq!(knock("b", 61), None);
        assert_eq!(knock("a", EVERY_MS), told(51, 0));
        // What nobody told of is told with the next line, whoever it is about.
        assert_eq!(knock("c", 3 * EVERY_MS), told(1, 1));
        assert_eq!(knock("c", 5 * EVERY_MS), told(1, 0));
        assert_eq!(knock("c", 0), told(1, 0));
    }

    #[test]
    fn what_is_kept_is_told_later() {
        let lines = Lines::new(30);
        for number in 0..7 {
            lines.keep("a", NOW.after(number));
        }
        assert_eq!(lines.count("a", NOW.after(8)), None, "within the minute of the first");
        assert_eq!(lines.count("a", NOW.after(EVERY_MS)), told(9, 0));
    }

    proptest! {
        /// However many knock from however many places: lines and memory are bounded, and every event
        /// is told of or still counted.
        #[test]
        fn nobody_fills_the_disk(
            knocks in prop::collection::vec((0_u32..3_000, 0_i64..400), 1..3_000),
        ) {
            let (lines, mut now) = (Lines::new(30), NOW);
            let (mut sum, mut written) = (0, Vec::<UtcMillis>::new());
            for (who, later) in &knocks {
                now = now.after(*later);
                if let Some(count) = lines.count(*who, now) {
                    sum += count.here + count.elsewhere;
                    written.push(now);
                }
                let last = written.iter().rev().take_while(|at| now.since(**at) < EVERY_MS);
                prop_assert!(last.count() <= 30);
            }
            let book = lines.book.lock().unwrap();
            prop_assert!(book.seen.len() <= SEEN_MOST.get() && book.lines.len() <= 30);
            let left: u64 = book.seen.iter().map(|(_, seen)| seen.untold).sum();
            prop_assert_eq!(sum + left + book.forgotten, u64::try_from(knocks.len()).unwrap());
        }
    }
}
