//! Lines of the journal about those who were not let in. They are free to knock as often as they
//! like, so equal ones of a minute are one line that says how many there were.

use crate::service::Gateway;
use std::net::IpAddr;
use throttle::{Lines, Origin};
use types::{Refusal, UtcMillis};

/// From where, how it was answered, and which of our members or suppliers it named: names that are
/// made up are none.
type Event = (Origin, &'static str, Option<String>);

/// How a price list that was shown is counted.
pub(crate) const PRICES: &str = "prices";

/// Most such lines a minute, of all together.
const LINES_MOST: usize = 60;

/// The same of those that name one of our members or suppliers: what somebody tries at one of them is not
/// crowded out by made-up names.
const NAMED_LINES_MOST: usize = 300;

/// What was not let in.
pub(crate) struct Strangers {
    nameless: Lines<Event>,
    named: Lines<Event>,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { nameless: Lines::new(LINES_MOST), named: Lines::new(NAMED_LINES_MOST) }
    }
}

impl Gateway {
    /// Counts somebody who was not let in; the end of its line, when it has one.
    pub(crate) fn not_let_in(
        &self,
        from: IpAddr,
        code: &'static str,
        named: Option<String>,
        now: UtcMillis,
    ) -> Option<String> {
        // Who asks too fast has its own limit, and lists are everybody's.
        if code != Refusal::RateLimited.code() && code != PRICES {
            self.0.limiters.not_let_in(from, now);
        }
        let from = Origin::of(from);
        let lines = match named {
            Some(_) => &self.0.strangers.named,
            None => &self.0.strangers.nameless,
        };
        // The last of the disk is for those who are let in.
        if self.0.handle.is_full() {
            lines.keep((from, code, named), now);
            return None;
        }
        let count = lines.count((from, code, named), now)?;
        let mut end = String::new();
        if count.here > 1 {
            end = format!(" ({} like this from {from} since the last line)", count.here);
        }
        if count.elsewhere > 0 {
            end.push_str(&format!(" ({} of others have no line of their own)", count.elsewhere));
        }
        Some(end)
    }
}
