//! Limits that hold whatever else goes wrong: hours and daily numbers of a route, what a member may
//! spend in a day. Judged from the rows alone, in the end.

use crate::print::Clock;
use crate::shop;
use crate::world::World;
use domain::{Attempt, Trx, TrxState};
use std::collections::{BTreeMap, BTreeSet};
use types::Day;

/// What was bought, by what it counts for.
#[derive(Default)]
pub(crate) struct Limits {
    /// Attempts of a day at the route that counts them.
    sent: BTreeMap<i64, u32>,
    /// What members paid for purchases of a day that were not given back.
    spent: BTreeMap<(u64, Day), i64>,
}

impl Limits {
    pub(crate) fn trx(&mut self, trx: &Trx) {
        let member = u64::try_from(trx.member.get() - 1).unwrap_or_default();
        match &trx.state {
            TrxState::Pending | TrxState::Success { .. } => {
                *self.spent.entry((member, trx.day)).or_default() += trx.price.get();
            }
            TrxState::Failed { .. } | TrxState::Reversed { .. } | TrxState::Refused { .. } => {}
        }
    }

    /// An attempt; and what is wrong with when it was sent.
    pub(crate) fn attempt(&mut self, world: &World, attempt: &Attempt) {
        let (seed, start) = world.with(|state| (state.seed, state.start));
        if attempt.supplier.as_str() != "s0" || attempt.sku.as_str() != "T1" {
            return;
        }
        *self.sent.entry(Clock::of(attempt.created.get()).day).or_default() += 1;
        let (Some(after), Some(sent)) = (shop::closes_after(seed, 0), attempt.sent) else { return };
        let minute = |ms: i64| {
            let clock = Clock::of(ms);
            clock.hour * 60 + clock.minute
        };
        let after = i64::try_from(after * 60_000).unwrap_or_default();
        let (from, to) = (minute(start - 3_600_000), minute(start + after));
        let at = minute(sent.get());
        let open = if from < to { (from..to).contains(&at) } else { at >= from || at < to };
        if !open {
            world.wrong(format!("{} is sent while its route is closed", attempt.id));
        }
    }

    pub(crate) fn end(&self, world: &World) {
        let (seed, nodes, set) =
            world.with(|state| (state.seed, state.nodes.len(), state.far || state.behind != 0));
        // Each of several nodes counts for itself here, and a clock that is set begins another day.
        let most = shop::daily_most(seed, 0).filter(|_| nodes < 2 && !set);
        if let Some(most) = most {
            for (day, count) in self.sent.iter().filter(|(_, count)| **count > most) {
                world.wrong(format!("{count} purchases of day {day} by a route that takes {most}"));
            }
            if self.sent.values().any(|count| *count == most) {
                world.seen("route: a daily limit");
            }
        }
        if self.spent.keys().map(|(_, day)| day).collect::<BTreeSet<_>>().len() > 1 {
            world.seen("midnight");
        }
        for ((member, day), spent) in &self.spent {
            // A clock that is set back over midnight begins its day anew.
            let (_, most) = shop::limits(Some(seed), *member);
            let most = most.filter(|_| !set);
            if let Some(most) = most.filter(|most| spent > most) {
                world.wrong(format!("member {member} spent {spent} of {most} on {day:?}"));
            }
        }
    }
}
