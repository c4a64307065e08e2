//! Wrong tokens of whoever finds the door: counted for each address, and told in few lines, so that
//! nobody fills the disk by knocking. In memory of this node.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use types::UtcMillis;

/// One line for an address and this long.
const EVERY_MS: i64 = 60_000;
/// Most lines of all addresses together in that time.
const LINES_MOST: usize = 30;
/// Most addresses remembered; the one that was told of longest ago makes room.
const ADDRESSES_MOST: usize = 1_000;

#[derive(Clone, Copy)]
struct Seen {
    /// When its last line was written, or it came first.
    at: UtcMillis,
    /// Tries that no line tells of yet.
    untold: u64,
}

#[derive(Default)]
struct Book {
    seen: HashMap<String, Seen>,
    /// When the last lines were written, of all addresses.
    lines: Vec<UtcMillis>,
    /// Tries from addresses that made room.
    forgotten: u64,
}

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// Tries from this address since its last line, this one among them.
    pub(crate) here: u64,
    /// Tries from others that no line of their own tells of.
    pub(crate) elsewhere: u64,
}

/// Who knocked.
#[derive(Default)]
pub(crate) struct Strangers(Mutex<Book>);

/// Whoever has an IPv6 address has its whole /64.
fn place(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(six)) => {
            let [a, b, c, d, ..] = six.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        Ok(IpAddr::V4(four)) => four.to_string(),
        Err(_) => address.chars().take(64).collect(),
    }
}

/// A clock that was set back keeps nobody silent.
fn is_young(at: UtcMillis, now: UtcMillis) -> bool {
    (0..EVERY_MS).contains(&now.since(at))
}

impl Strangers {
    /// Counts a try; what its line tells, when it has one.
    pub(crate) fn knocked(&self, address: &str, now: UtcMillis) -> Option<Count> {
        let place = place(address);
        let book = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !book.seen.contains_key(&place);
        if is_new && book.seen.len() >= ADDRESSES_MOST {
            let oldest = book.seen.iter().min_by_key(|(_, seen)| seen.at);
            let oldest = oldest.map(|(place, _)| place.clone());
            let gone = oldest.and_then(|place| book.seen.remove(&place));
            book.forgotten = book.forgotten.saturating_add(gone.map_or(0, |gone| gone.untold));
        }
        let seen = book.seen.entry(place.clone()).or_insert(Seen { at: now, untold: 0 });
        seen.untold = seen.untold.saturating_add(1);
        book.lines.retain(|at| is_young(*at, now));
        let waits = !is_new && is_young(seen.at, now);
        if waits || book.lines.len() >= LINES_MOST {
            return None;
        }
        let here = seen.untold;
        *seen = Seen { at: now, untold: 0 };
        book.lines.push(now);
        let mut elsewhere = std::mem::take(&mut book.forgotten);
        // Those who went away before their next line was due.
        for seen in book.seen.values_mut().filter(|seen| !is_young(seen.at, now)) {
            elsewhere = elsewhere.saturating_add(std::mem::take(&mut seen.untold));
        }
        Some(Count { here, elsewhere })
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
    fn an_address_has_one_line_a_minute_and_it_tells_how_many() {
        let strangers = Strangers::default();
        let knock = |address, at| strangers.knocked(address, NOW.after(at));
        assert_eq!(knock("203.0.113.7", 0), told(1, 0));
        for number in 1..=50 {
            assert_eq!(knock("203.0.113.7", number), None);
        }
        // Others have their own, and a whole /64 is one.
        assert_eq!(knock("2001:db8::1", 60), told(1, 0));
        assert_eq!(knock("2001:db8::ffff:1", 61), None);
        assert_eq!(knock("2001:db8:0:1::1", 62), told(1, 0));
        assert_eq!(knock("203.0.113.7", EVERY_MS), told(51, 0));
        // What nobody told of is told with the next line, whoever it is about.
        assert_eq!(knock("198.51.100.9", 3 * EVERY_MS), told(1, 1));
        assert_eq!(knock("198.51.100.9", 5 * EVERY_MS), told(1, 0));
        assert_eq!(knock("198.51.100.9", 0), told(1, 0));
        assert_eq!(knock("::ffff:198.51.100.9", 1), None);
    }

    proptest! {
        /// However many knock from however many addresses: lines and memory are bounded, and every
        /// try is told of or still counted.
        #[test]
        fn nobody_fills_the_disk(
            knocks in prop::collection::vec((0_u32..3_000, 0_i64..400), 1..3_000),
        ) {
            let (strangers, mut now) = (Strangers::default(), NOW);
            let (mut sum, mut lines) = (0, Vec::<UtcMillis>::new());
            for (who, later) in &knocks {
                now = now.after(*later);
                let address = std::net::Ipv4Addr::from(*who).to_string();
                if let Some(count) = strangers.knocked(&address, now) {
                    sum += count.here + count.elsewhere;
                    lines.push(now);
                }
                let last = lines.iter().rev().take_while(|at| now.since(**at) < EVERY_MS);
                prop_assert!(last.count() <= LINES_MOST);
            }
            let book = strangers.0.lock().unwrap();
            prop_assert!(book.seen.len() <= ADDRESSES_MOST && book.lines.len() <= LINES_MOST);
            let left: u64 = book.seen.values().map(|seen| seen.untold).sum();
            prop_assert_eq!(sum + left + book.forgotten, u64::try_from(knocks.len()).unwrap());
        }
    }
}
