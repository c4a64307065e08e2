//! Outages: a supplier, or all of them together, are out for minutes or for hours.

use crate::chance::{below, pick};
use crate::ops::BUSY_MS;
use crate::rude::knows;
use crate::supplier::{SLOW_MS, not_sent, with_status};
use crate::world::World;
use std::time::Duration;
use suppliers::SendResult;
use tokio::time::sleep;

#[derive(Clone, Copy)]
enum Out {
    Refuses,
    Silent,
    Page,
}

/// A long day: people stop after some minutes, and outages may last for hours after that.
pub(crate) fn is_long(seed: u64) -> bool {
    below(seed, "a long day", 12) == 0
}

/// So much longer does a long day last until everybody behaves.
pub(crate) const LONG_MS: i64 = 3 * 3_600_000;

/// From when until when a supplier is out in this seed.
fn outage(seed: u64, supplier: usize) -> Option<(i64, i64)> {
    let together = knows(seed, "suppliers: out together");
    let whose = if together { "all".to_owned() } else { format!("s{supplier}") };
    if !together && !knows(seed, "supplier: out") {
        return None;
    }
    let draw = |what: &str, most: i64| {
        let most = u64::try_from(most).unwrap_or(1);
        i64::try_from(below(seed, &format!("out {whose} {what}"), most)).unwrap_or_default()
    };
    let from = draw("from", BUSY_MS);
    let most = if is_long(seed) { LONG_MS } else { 8 * 60_000 };
    Some((from, from + 30_000 + draw("for", most)))
}

/// Until when it is out, when it is.
pub(crate) fn out_until(world: &World, supplier: usize) -> Option<i64> {
    let (seed, now, honest) = world.with(|state| (state.seed, state.now(), state.honest));
    let (from, to) = outage(seed, supplier).filter(|_| !honest)?;
    (from..to).contains(&now).then_some(to)
}

/// What comes of calling a supplier that is out.
pub(crate) async fn unreached(world: &World, supplier: usize) -> Option<SendResult> {
    out_until(world, supplier)?;
    let seed = world.with(|state| state.seed);
    world.seen("supplier: out");
    if knows(seed, "suppliers: out together") {
        world.seen("suppliers: out together");
    }
    if is_long(seed) {
        world.seen("supplier: out on a long day");
    }
    let ways = [(2, Out::Refuses), (1, Out::Silent), (1, Out::Page)];
    Some(match pick(seed, &format!("out {supplier} way"), &ways) {
        Out::Refuses => not_sent("connection refused"),
        Out::Silent => {
            sleep(Duration::from_millis(SLOW_MS)).await;
            SendResult::Unknown("no answer within 20s".to_owned())
        }
        Out::Page => with_status(503, "<html>maintenance</html>"),
    })
}
