//! What people do in a run, as a list: it is drawn once and can be made shorter.

use crate::chance::{below, pick};
use crate::shop::{PRICE, limit};

/// One thing somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A member buys under reference number `number`.
    Buy { member: u64, number: u64, dest: u64 },
    /// The same request again, as a client that got no answer does.
    Again { member: u64, number: u64, dest: u64 },
    /// Another destination under a reference that is taken.
    Conflict { member: u64, number: u64 },
    /// A deposit.
    Credit { member: u64, amount: i64 },
    /// The operator pauses a supplier, or lets it go on.
    Pause { supplier: u64, paused: bool },
    /// The operator decides the oldest suspect, knowing the truth.
    Decide,
    /// The operator has exhausted callbacks sent again.
    Replay,
    /// The wall clock is set back.
    ClockBack { ms: i64 },
    /// The operator sets the price of the product that everybody buys.
    Price { amount: i64 },
    /// The process is killed.
    Kill,
    /// A node sleeps through its lease, and the other one takes its work over.
    Sleep { node: usize, ms: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    /// Virtual ms since the beginning.
    pub(crate) at: i64,
    pub(crate) what: What,
}

/// People act within this time.
pub(crate) const BUSY_MS: i64 = 10 * 60_000;
pub(crate) const MEMBERS: u64 = 3;

/// A clock that goes back far: longer than any purchase may wait at a gate.
const FAR_MS: i64 = 20 * 60_000;

#[derive(Clone, Copy)]
enum Kind {
    Buy,
    Again,
    Conflict,
    Credit,
    Pause,
    Decide,
    Replay,
    ClockBack,
    Kill,
    Rush,
}

/// When nodes sleep, in runs with two of them.
pub(crate) fn draw_sleeps(seed: u64) -> Vec<Op> {
    let sleep = |n: u64| {
        let draw = |what: &str, most: u64| below(seed, &format!("sleep {n} {what}"), most);
        let ms = i64::try_from(draw("ms", 400_000)).unwrap_or_default();
        let node = usize::try_from(draw("node", 2)).unwrap_or_default();
        let at = i64::try_from(draw("at", BUSY_MS.unsigned_abs())).unwrap_or_default();
        Op { at, what: What::Sleep { node, ms } }
    };
    (0..3).map(sleep).collect()
}

/// When the price changes. Who has a daily limit meets it exactly, so not there.
pub(crate) fn draw_prices(seed: u64) -> Vec<Op> {
    let price = |n: u64| {
        let draw = |what: &str, most: u64| below(seed, &format!("price {n} {what}"), most);
        let at = i64::try_from(draw("at", BUSY_MS.unsigned_abs())).unwrap_or_default();
        let more = i64::try_from(draw("more", 40)).unwrap_or_default();
        Op { at, what: What::Price { amount: PRICE + more } }
    };
    if limit(seed).is_some() { Vec::new() } else { (0..3).map(price).collect() }
}

/// Many buy at once, and the first supplier is paused for a minute while they still queue there.
fn rush(seed: u64, n: u64, at: i64, ops: &mut Vec<Op>) {
    for each in 0..6 {
        let draw = |what: &str, most: u64| below(seed, &format!("rush {n} {each} {what}"), most);
        let (member, dest) = (draw("member", MEMBERS), draw("dest", 8));
        ops.push(Op { at, what: What::Buy { member, number: 1_000 + 10 * n + each, dest } });
        // A client that sends twice at one time.
        if each == 0 {
            ops.push(Op { at, what: What::Again { member, number: 1_000 + 10 * n, dest } });
        }
    }
    let after = i64::try_from(below(seed, &format!("rush {n} pause"), 8_000)).unwrap_or_default();
    ops.push(Op { at: at + after, what: What::Pause { supplier: 0, paused: true } });
    ops.push(Op { at: at + after + 60_000, what: What::Pause { supplier: 0, paused: false } });
}

/// The operations of a seed, in time order.
pub(crate) fn draw(seed: u64) -> Vec<Op> {
    let count = 20 + below(seed, "ops", 40);
    let mut ops: Vec<Op> = Vec::new();
    let mut bought: Vec<(u64, u64, u64)> = Vec::new();
    for n in 0..count {
        let name = |what: &str| format!("op {n} {what}");
        let draw = |what: &str, most: u64| below(seed, &name(what), most);
        let at = i64::try_from(draw("at", BUSY_MS.unsigned_abs())).unwrap_or_default();
        let kind = pick(
            seed,
            &name("kind"),
            &[
                (60, Kind::Buy),
                (12, Kind::Again),
                (3, Kind::Conflict),
                (5, Kind::Credit),
                (4, Kind::Pause),
                (4, Kind::Decide),
                (3, Kind::Replay),
                (2, Kind::ClockBack),
                (4, Kind::Kill),
                (3, Kind::Rush),
            ],
        );
        let old =
            bought.get(usize::try_from(draw("old", 1 << 20)).unwrap_or(0) % bought.len().max(1));
        let what = match (kind, old.copied()) {
            (Kind::Buy, _) | (Kind::Again | Kind::Conflict, None) => {
                let (member, dest) = (draw("member", MEMBERS), draw("dest", 8));
                bought.push((member, n, dest));
                What::Buy { member, number: n, dest }
            }
            (Kind::Again, Some((member, number, dest))) => What::Again { member, number, dest },
            (Kind::Conflict, Some((member, number, _))) => What::Conflict { member, number },
            (Kind::Credit, _) => {
                let amount = i64::try_from(draw("amount", 50_000)).unwrap_or_default() - 10_000;
                What::Credit { member: draw("member", MEMBERS), amount }
            }
            (Kind::Pause, _) => {
                What::Pause { supplier: draw("supplier", 2), paused: draw("paused", 2) == 0 }
            }
            (Kind::Decide, _) => What::Decide,
            (Kind::Replay, _) => What::Replay,
            (Kind::ClockBack, _) => {
                let is_far = draw("far", 5) == 0;
                let little = i64::try_from(draw("back", 3_000)).unwrap_or_default();
                What::ClockBack { ms: if is_far { FAR_MS } else { little } }
            }
            (Kind::Kill, _) => What::Kill,
            (Kind::Rush, _) => {
                rush(seed, n, at, &mut ops);
                continue;
            }
        };
        ops.push(Op { at, what });
    }
    ops.sort_by_key(|op| op.at);
    ops
}
