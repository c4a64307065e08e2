//! Suppliers that speak real protocols and misbehave. What they do with a purchase follows from the
//! seed and its reference; what they really delivered is the world's truth.

use crate::broken::Broken;
use crate::chance::{below, pick};
use crate::digi::FLOAT;
use crate::nodes::is_narrow;
use crate::rude::knows;
use crate::weather;
use crate::words::{COST, Dialect, Voice, without_number};
use crate::world::{Meaning, State, World};
use std::future::Future;
use std::pin::Pin;
use suppliers::{Reply, Request, SendResult, Transport};
use types::UtcMillis;

/// How a purchase ends at a supplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Delivered,
    WrongNumber,
    OutOfStock,
    /// Not at all: an equal one was delivered before, and it says so over our reference.
    Guarded,
    /// Not at all: it answers with the serial number of an equal one.
    Repeated,
}

impl Ending {
    /// What it says is what becomes of it.
    pub(crate) const fn is_told(self) -> bool {
        matches!(self, Self::Delivered | Self::WrongNumber | Self::OutOfStock)
    }

    /// What it says when it says the contrary.
    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::Delivered => Self::OutOfStock,
            Self::WrongNumber | Self::OutOfStock => Self::Delivered,
            Self::Guarded | Self::Repeated => self,
        }
    }

    /// What is understood when it is said.
    pub(crate) const fn meaning(self) -> Option<Meaning> {
        match self {
            Self::Delivered | Self::Repeated => Some(Meaning::Delivered),
            Self::WrongNumber | Self::OutOfStock => Some(Meaning::Failed),
            Self::Guarded => None,
        }
    }
}

/// An equal purchase that was delivered before.
#[derive(Clone, Debug)]
pub(crate) struct Old {
    pub(crate) reference: String,
    pub(crate) received: i64,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) product: String,
    pub(crate) dest: String,
    pub(crate) qty: Option<u32>,
}

/// What a supplier knows of a reference.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) supplier: usize,
    pub(crate) product: String,
    pub(crate) dest: String,
    pub(crate) qty: Option<u32>,
    pub(crate) received: i64,
    pub(crate) ending: Ending,
    pub(crate) decides_after: i64,
    /// What it says it cost.
    pub(crate) told_price: i64,
    /// Its serial number comes so long after the decision, when it comes later.
    pub(crate) numbered_after: Option<i64>,
    /// It says both things of it, or more than one number.
    pub(crate) contradicts: bool,
    /// What it is taken for.
    pub(crate) old: Option<Old>,
    /// Nobody here could know that it took it: why.
    pub(crate) excuse: Option<&'static str>,
    /// How often it was asked to buy.
    pub(crate) asked: u32,
    /// It called about it, and was heard.
    pub(crate) called: bool,
    /// The answer to the purchase is out.
    pub(crate) replied: bool,
    pub(crate) checks: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    Never,
    Once,
    Twice,
    Contradicts,
}

pub(crate) const SLOW_MS: u64 = 20_000;
/// An equal purchase is remembered for so long where the same twice is refused.
const GUARD_MS: i64 = 20 * 3_600_000;
/// Calls within a second at a gate for one a second: one on time, one early, and one that was held up.
const RATE_MOST: usize = 3;
/// How often a call is not made for want of something of our own, and what is said then.
pub(crate) const WANTS_PERCENT: u64 = 5;
pub(crate) const WANT: &str = "Too many open files";

/// One supplier's end of the wire.
pub(crate) struct Played {
    pub(crate) world: World,
    pub(crate) number: usize,
    /// Whose wire it is.
    pub(crate) node: usize,
}

/// Before the first byte; or so it is said.
pub(crate) fn not_sent(why: &str) -> SendResult {
    SendResult::NotSent(why.to_owned())
}

/// An answer that is no answer of the purchase's.
pub(crate) fn with_status(status: u16, body: &str) -> SendResult {
    SendResult::Replied(Reply { status, body: body.to_owned(), ..Reply::default() })
}

impl Played {
    pub(crate) fn reply(body: String) -> SendResult {
        SendResult::Replied(Reply { status: 200, body, ..Reply::default() })
    }

    pub(crate) fn voice(&self) -> Voice {
        let (seed, start) = self.world.with(|state| (state.seed, state.start));
        Voice { seed, supplier: self.number, start }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.voice().dialect()
    }

    /// The final statement, as it is now.
    pub(crate) fn says(&self, reference: &str, truth: &Truth) -> String {
        let at = truth.received + truth.decides_after;
        let numbered = at + truth.numbered_after.unwrap_or_default();
        let text = self.voice().final_words(reference, truth, truth.ending, at);
        let text =
            if self.world.now() < numbered { without_number(&text, reference) } else { text };
        self.world.said(&text, reference, truth.ending.meaning());
        text
    }

    /// The contrary.
    pub(crate) fn lies(&self, reference: &str, truth: &Truth) -> String {
        let at = truth.received + truth.decides_after;
        let ending = truth.ending.opposite();
        let text = self.voice().final_words(reference, truth, ending, at);
        self.world.said(&text, reference, ending.meaning());
        self.world.with(|state| {
            if let Some(truth) = state.truth.get_mut(reference) {
                truth.contradicts = true;
            }
        });
        text
    }

    /// An equal purchase that it delivered, for which it may take this one.
    fn older(&self, state: &State, reference: &str, item: &Item) -> Option<Old> {
        let now = state.now();
        let mut equal = state.truth.iter().filter(|(known, truth)| {
            // Another number was told of one that was called too early.
            !state.strays.contains_key(*known)
                && truth.supplier == self.number
                && truth.dest == item.dest
                && truth.product == item.product
                && truth.ending == Ending::Delivered
                && !truth.contradicts
                // Of one that it denied to have taken nobody here can know the number, unless told.
                && (truth.excuse.is_none() || truth.called)
                // Its number must be known before it can be known again.
                && truth.numbered_after.is_none()
                && truth.received + truth.decides_after < now
                // A guard is of a day.
                && now - truth.received < GUARD_MS
        });
        let (old, truth) = equal.next_back()?;
        let is_taken = below(state.seed, &format!("repeated {reference}"), 100) < 30;
        let old = Old { reference: old.clone(), received: truth.received };
        is_taken.then_some(old)
    }

    fn told_price(&self, reference: &str, item: &Item) -> i64 {
        let cost = COST + item.qty.map_or(0, i64::from);
        if !self.world.is_rude("words: an odd price", reference, 25) {
            return cost;
        }
        let seed = self.world.with(|state| state.seed);
        let odd = [(3, cost + 300), (2, 0), (2, -cost), (2, cost * 40), (1, 1)];
        pick(seed, &format!("odd price {reference}"), &odd)
    }

    /// It takes the purchase: from here on it will deliver or not, whatever we hear of it.
    pub(crate) fn take(&self, reference: &str, item: &Item) -> Truth {
        let (seed, now) = self.world.with(|state| (state.seed, state.now()));
        let again = self.world.with(|state| {
            let known = state.truth.get_mut(reference)?;
            known.asked += 1;
            Some(known.clone())
        });
        if let Some(known) = again {
            return known;
        }
        let name = |what: &str| format!("{what} {reference}");
        let old = self.world.with(|state| self.older(state, reference, item));
        let old = old.filter(|_| self.dialect() == Dialect::Named);
        let ending = match old {
            Some(_) => {
                pick(seed, &name("repeats"), &[(60, Ending::Guarded), (40, Ending::Repeated)])
            }
            None => pick(
                seed,
                &name("ending"),
                &[(80, Ending::Delivered), (8, Ending::WrongNumber), (12, Ending::OutOfStock)],
            ),
        };
        let is_late = knows(seed, "supplier decides late") && below(seed, &name("late"), 100) < 20;
        let most = if is_late { 6 * 60_000 } else { 60_000 };
        let decides_after = i64::try_from(below(seed, &name("decides"), most)).unwrap_or_default();
        let calls = self.calls(reference, ending);
        let often = if self.dialect() == Dialect::Json { 30 } else { 6 };
        let numbered_after = (ending == Ending::Delivered
            && self.dialect() != Dialect::Nameless
            && calls != Calls::Contradicts
            && below(seed, &name("number"), 100) < often)
            .then(|| i64::try_from(20_000 + below(seed, &name("number later"), 60_000)))
            .and_then(Result::ok);
        let truth = Truth {
            supplier: self.number,
            product: item.product.clone(),
            dest: item.dest.clone(),
            qty: item.qty,
            received: now,
            ending,
            decides_after,
            told_price: self.told_price(reference, item),
            numbered_after,
            contradicts: calls == Calls::Contradicts,
            old,
            excuse: self.world.with(|state| state.excused.get(reference).copied()),
            asked: 1,
            called: false,
            replied: false,
            checks: 0,
        };
        self.world.with(|state| state.truth.insert(reference.to_owned(), truth.clone()));
        match ending {
            Ending::Guarded => self.world.seen("supplier: not again"),
            Ending::Repeated => self.world.seen("supplier: an old serial number"),
            Ending::Delivered | Ending::WrongNumber | Ending::OutOfStock => {}
        }
        if is_late {
            self.world.seen("supplier decides late");
        }
        self.plan_calls(reference, &truth, calls);
        truth
    }

    /// Nobody here can know that it took this one, or takes it later, and that is not to be held against
    /// anybody.
    pub(crate) fn excuse(&self, reference: &str, why: &'static str) {
        self.world.with(|state| {
            state.excused.insert(reference.to_owned(), why);
            if let Some(truth) = state.truth.get_mut(reference) {
                truth.excuse = Some(why);
            }
        });
    }

    /// Now and then this machine has nothing left to call with, whatever is asked.
    fn wants(&self, request: &Request) -> Option<SendResult> {
        let (seed, now, honest) = self.world.with(|state| (state.seed, state.now(), state.honest));
        let name = format!("wants {} {} {now}", request.url, request.body);
        if honest || below(seed, &name, 100) >= WANTS_PERCENT {
            return None;
        }
        self.world.seen("supplier: held");
        self.world.log(|| format!("s{} is not called: {WANT}", self.number));
        Some(SendResult::Held(WANT.to_owned()))
    }

    /// Only so much is asked of it in a second.
    fn watch_rate(&self) {
        let wrong = self.world.with(|state| {
            if self.number != 0 || !state.nodes.is_empty() {
                return false;
            }
            let now = state.now();
            state.calls.retain(|at| now - at < 1_000);
            state.calls.push(now);
            is_narrow(state.seed, self.number) && state.calls.len() > RATE_MOST
        });
        if wrong {
            self.world.wrong(format!("s{} is asked more than its rate allows", self.number));
        }
    }

    async fn carry(&self, request: &Request) -> SendResult {
        let url = request.url.as_str();
        if url.ends_with("/cek-saldo") {
            return Self::reply(format!(r#"{{"data":{{"deposit":{FLOAT}}}}}"#));
        }
        if let Some(held) = self.wants(request) {
            return held;
        }
        self.watch_rate();
        if let Some(out) = weather::unreached(&self.world, self.number).await {
            self.world.log(|| format!("s{} is out: {}", self.number, short(&out)));
            return out;
        }
        if url.ends_with("/transaction") {
            return self.top_up(&request.body).await;
        }
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let field = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        if path.ends_with("/balance") {
            return Self::reply("Saldo 1.000.000.000".to_owned());
        }
        let reference = field("refID");
        let item =
            Item { product: field("product"), dest: field("dest"), qty: field("qty").parse().ok() };
        if field("check") == "1" {
            return self.check(&reference, &item).await;
        }
        // What it is asked in the moment of the marker, it is asked by a node that has its lease.
        if self.world.with(|state| state.nodes.get(self.node).is_some_and(|node| node.lost)) {
            self.world.wrong(format!("{reference} is sent by a node that lost its lease"));
        }
        self.world.awake(self.node).await;
        self.world.effect("crash: before a send").await;
        if self.world.sleeps_before_the_first_byte(self.node, &reference).await {
            self.excuse(&reference, "a node slept before the first byte");
        }
        let mut result = self.buy(&reference, &item).await;
        let retries = self.world.with(|state| state.broken) == Broken::RetryInTransport;
        if retries && matches!(result, SendResult::Unknown(_)) {
            result = self.buy(&reference, &item).await;
        }
        self.world.log(|| format!("s{} buys {reference}: {}", self.number, short(&result)));
        result
    }
}

fn short(result: &SendResult) -> String {
    match result {
        SendResult::NotSent(why) => format!("not sent, {why}"),
        SendResult::Held(why) => format!("held, {why}"),
        SendResult::Unknown(why) => format!("unknown, {why}"),
        SendResult::Replied(reply) => format!("{} {}", reply.status, reply.body),
    }
}

impl Transport for Played {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        Box::pin(self.carry(request))
    }
}

/// When the run is over, nothing a supplier decides is still open.
pub(crate) fn decided_by(truth: &Truth) -> UtcMillis {
    UtcMillis::new(truth.received + truth.decides_after)
}
