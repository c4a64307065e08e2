//! What people do in a run, as a list: it is drawn once and can be made shorter.

use crate::bank::{Pay, Teller};
use crate::chance::{below, pick};
use crate::rude::knows;
use crate::shop::QTY;

/// One thing somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A member buys.
    Buy(Wanted),
    /// The same request again, as a client that got no answer does.
    Again(Wanted),
    /// Another destination under a reference that is taken.
    Conflict(Wanted),
    /// A deposit.
    Credit { member: u64, amount: i64 },
    /// The operator pauses a supplier, or lets it go on.
    Pause { supplier: u64, paused: bool },
    /// The operator decides the oldest suspect, knowing the truth.
    Decide,
    /// The operator decides a purchase without having asked anybody.
    Err { nth: u64 },
    /// The operator takes a delivered purchase back, because somebody wants it.
    Reverse { nth: u64 },
    /// What a delivered purchase cost is corrected.
    Correct { nth: u64, more: i64 },
    /// A member gives another one of its balance.
    Give { from: u64, to: u64, amount: i64 },
    /// The catalog is changed while purchases are under way.
    Edit(Edit),
    /// A member asks for a ticket.
    Ticket { number: u64, member: u64, wanted: i64 },
    /// ..and does not want it any more.
    Cancel { number: u64 },
    /// Money comes to the bank for it.
    Pay { number: u64, how: Pay },
    /// Somebody tells what the bank has lately.
    Tell { teller: Teller, most: usize },
    /// The operator has exhausted callbacks sent again.
    Replay,
    /// The wall clock is set back.
    ClockBack { ms: i64 },
    /// The wall clock is set forward.
    ClockForward { ms: i64 },
    /// The process stands still, as a machine does that is moved.
    StandStill { ms: i64 },
    /// The process is killed.
    Kill,
    /// A node sleeps through its lease, and the other one takes its work over.
    Sleep { node: usize, ms: i64 },
}

/// What a member wants to buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) member: u64,
    /// Of its reference.
    pub(crate) number: u64,
    pub(crate) dest: u64,
    /// Nominal of the open denomination.
    pub(crate) qty: Option<u32>,
    pub(crate) counter: u16,
    pub(crate) price_most: Option<i64>,
}

/// A change of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// What the fixed product is sold for.
    Price(i64),
    /// A supplier's routes are switched.
    Route { supplier: usize, enabled: bool },
    /// A member is locked, or let in again.
    Member { member: u64, active: bool },
    /// Where a member is told.
    Url { member: u64 },
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
    Err,
    Reverse,
    Correct,
    Give,
    Edit,
    ClockForward,
    StandStill,
    Deposit,
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

/// Many buy at once, and the first supplier is paused for a minute while they still queue there.
fn rush(seed: u64, n: u64, at: i64, ops: &mut Vec<Op>) {
    for each in 0..6 {
        let draw = |what: &str, most: u64| below(seed, &format!("rush {n} {each} {what}"), most);
        let (member, dest) = (draw("member", MEMBERS), draw("dest", 8));
        let number = 1_000 + 10 * n + each;
        let (qty, counter, price_most) = (None, 1, None);
        let wanted = Wanted { member, number, dest, qty, counter, price_most };
        // A client that sends twice at one time.
        if each == 0 {
            ops.push(Op { at, what: What::Again(wanted.clone()) });
        }
        ops.push(Op { at, what: What::Buy(wanted) });
    }
    let after = i64::try_from(below(seed, &format!("rush {n} pause"), 8_000)).unwrap_or_default();
    ops.push(Op { at: at + after, what: What::Pause { supplier: 0, paused: true } });
    ops.push(Op { at: at + after + 60_000, what: What::Pause { supplier: 0, paused: false } });
}

/// A member asks for a ticket and pays it, and the bank's news arrive, several times and in several ways.
fn deposit(seed: u64, n: u64, at: i64, ops: &mut Vec<Op>) {
    let draw = |what: &str, most: u64| below(seed, &format!("deposit {n} {what}"), most);
    let after = |what: &str, most: u64| i64::try_from(1_000 + draw(what, most)).unwrap_or_default();
    let member = draw("member", MEMBERS);
    // Near one another.
    let wanted = 10_000 + 1_000 * i64::try_from(draw("wanted", 3)).unwrap_or_default();
    ops.push(Op { at, what: What::Ticket { number: n, member, wanted } });
    let paid = at + after("paid", 90_000);
    if draw("cancel", 8) == 0 {
        ops.push(Op { at: at + after("cancelled", 120_000), what: What::Cancel { number: n } });
    }
    let how = match draw("how", 10) {
        0 => Pay::Round,
        1..=4 => Pay::Twice,
        5 => Pay::Another((member + 1 + draw("another", MEMBERS - 1)) % MEMBERS),
        _ => Pay::Exactly,
    };
    if draw("pays", 8) > 0 {
        ops.push(Op { at: paid, what: What::Pay { number: n, how } });
    }
    for each in 0..1 + draw("told", 4) {
        let draw = |what: &str, most| draw(&format!("{each} {what}"), most);
        let teller = match draw("teller", 4) {
            0 => Teller::Robot,
            1 | 2 => Teller::File,
            _ => Teller::Service,
        };
        let most = 1 + usize::try_from(draw("most", 4)).unwrap_or_default();
        let late = i64::try_from(draw("late", 150_000)).unwrap_or_default();
        ops.push(Op { at: paid + late, what: What::Tell { teller, most } });
    }
}

/// What people do besides buying, with how often, and whether every seed knows it.
const KINDS: [(u64, Kind, Option<&str>); 18] = [
    (60, Kind::Buy, None),
    (12, Kind::Again, None),
    (3, Kind::Conflict, None),
    (5, Kind::Credit, None),
    (4, Kind::Pause, None),
    (4, Kind::Decide, None),
    (3, Kind::Replay, None),
    (2, Kind::ClockBack, None),
    (4, Kind::Kill, None),
    (3, Kind::Rush, None),
    (4, Kind::Err, Some("operator: wrong")),
    (4, Kind::Reverse, Some("operator: reverses")),
    (3, Kind::Correct, Some("operator: corrects")),
    (4, Kind::Give, Some("member: gives")),
    (5, Kind::Edit, Some("catalog: edited")),
    (3, Kind::ClockForward, Some("clock: set forward")),
    (3, Kind::StandStill, Some("process: stands still")),
    (16, Kind::Deposit, Some("bank: tickets")),
];

/// A purchase with everything that a request may carry.
fn wanted(seed: u64, n: u64) -> Wanted {
    let draw = |what: &str, most: u64| below(seed, &format!("op {n} {what}"), most);
    let rare = |what: &str, percent: u64| knows(seed, what) && draw(what, 100) < percent;
    let ends = [u64::from(QTY.0), u64::from(QTY.1)];
    let qty = rare("buy: open denomination", 20).then(|| match draw("end of the range", 6) {
        0 => ends[0],
        1 => ends[1],
        _ => draw("qty", 7_000) + 500,
    });
    // Another member may have the same reference.
    let number = if rare("buy: a reference of two members", 15) { draw("shared", 6) } else { n };
    let most = rare("buy: hargamax", 30).then(|| 1_200 + draw("most", 300));
    let counter = if rare("buy: counter", 30) { 1 + draw("counter", 4) } else { 1 };
    Wanted {
        member: draw("member", MEMBERS),
        number,
        dest: draw("dest", 8),
        qty: qty.and_then(|qty| u32::try_from(qty).ok()),
        counter: u16::try_from(counter).unwrap_or(1),
        price_most: most.and_then(|most| i64::try_from(most).ok()),
    }
}

fn edit(draw: impl Fn(&str, u64) -> u64) -> Edit {
    match draw("edit", 4) {
        0 => Edit::Price(1_250 + i64::try_from(draw("price", 300)).unwrap_or_default()),
        1 => Edit::Route {
            supplier: usize::try_from(draw("route", 2)).unwrap_or_default(),
            enabled: draw("enabled", 2) == 0,
        },
        2 => Edit::Member { member: draw("member", MEMBERS), active: draw("active", 2) == 0 },
        _ => Edit::Url { member: draw("member", MEMBERS) },
    }
}

/// The operations of a seed, in time order.
pub(crate) fn draw(seed: u64) -> Vec<Op> {
    let count = 20 + below(seed, "ops", 40);
    let mut ops: Vec<Op> = Vec::new();
    let mut bought: Vec<Wanted> = Vec::new();
    let known = KINDS.iter().filter(|(_, _, name)| name.is_none_or(|name| knows(seed, name)));
    let kinds: Vec<(u64, Kind)> = known.map(|(weight, kind, _)| (*weight, *kind)).collect();
    for n in 0..count {
        let name = |what: &str| format!("op {n} {what}");
        let draw = |what: &str, most: u64| below(seed, &name(what), most);
        let signed = |what: &str, most: u64| i64::try_from(draw(what, most)).unwrap_or_default();
        let at = signed("at", BUSY_MS.unsigned_abs());
        let kind = pick(seed, &name("kind"), &kinds);
        let old =
            bought.get(usize::try_from(draw("old", 1 << 20)).unwrap_or(0) % bought.len().max(1));
        let what = match (kind, old.cloned()) {
            (Kind::Buy, _) | (Kind::Again | Kind::Conflict, None) => {
                let wanted = wanted(seed, n);
                bought.push(wanted.clone());
                What::Buy(wanted)
            }
            (Kind::Again, Some(wanted)) => What::Again(wanted),
            (Kind::Conflict, Some(wanted)) => What::Conflict(Wanted { dest: 999, ..wanted }),
            (Kind::Credit, _) => {
                let amount = signed("amount", 50_000) - 10_000;
                What::Credit { member: draw("member", MEMBERS), amount }
            }
            (Kind::Pause, _) => {
                What::Pause { supplier: draw("supplier", 2), paused: draw("paused", 2) == 0 }
            }
            (Kind::Decide, _) => What::Decide,
            (Kind::Err, _) => What::Err { nth: draw("nth", 1 << 20) },
            (Kind::Reverse, _) => What::Reverse { nth: draw("nth", 1 << 20) },
            (Kind::Correct, _) => {
                What::Correct { nth: draw("nth", 1 << 20), more: signed("more", 600) - 300 }
            }
            (Kind::Give, _) => {
                let from = draw("from", MEMBERS);
                // Nobody gives to himself.
                let to = (from + 1 + draw("to", MEMBERS - 1)) % MEMBERS;
                What::Give { from, to, amount: signed("amount", 9_000) + 1 }
            }
            (Kind::Edit, _) => What::Edit(edit(draw)),
            (Kind::Replay, _) => What::Replay,
            (Kind::ClockBack, _) => {
                let is_far = draw("far", 5) == 0;
                What::ClockBack { ms: if is_far { FAR_MS } else { signed("back", 3_000) } }
            }
            (Kind::ClockForward, _) => {
                let most = [3_000, 5 * 60_000, 3 * 3_600_000, 2 * 86_400_000];
                let most = most[usize::try_from(draw("forward", 4)).unwrap_or_default() % 4];
                What::ClockForward { ms: signed("ms", most) }
            }
            (Kind::StandStill, _) => What::StandStill { ms: signed("ms", 150_000) },
            (Kind::Kill, _) => What::Kill,
            (Kind::Rush, _) => {
                rush(seed, n, at, &mut ops);
                continue;
            }
            (Kind::Deposit, _) => {
                deposit(seed, n, at, &mut ops);
                continue;
            }
        };
        ops.push(Op { at, what });
    }
    ops.sort_by_key(|op| op.at);
    ops
}
