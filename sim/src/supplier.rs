//! Suppliers that speak the real text protocol and misbehave. What they do with a purchase follows
//! from the seed and its reference; what they really delivered is the world's truth.

use crate::broken::Broken;
use crate::chance::{below, pick};
use crate::digi::FLOAT;
use crate::nodes::is_narrow;
use crate::words::{
    Dialect, Way, dialect, final_words, head, not_yet, of_a_stranger, without_number,
};
use crate::world::{Event, State, World};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use suppliers::{Reply, Request, SendResult, Transport};
use tokio::time::sleep;
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
    /// What it says when it says something else.
    const fn opposite(self) -> Self {
        match self {
            Self::Delivered => Self::OutOfStock,
            Self::WrongNumber | Self::OutOfStock => Self::Delivered,
            Self::Guarded | Self::Repeated => self,
        }
    }

    /// What it says is what becomes of it.
    const fn is_told(self) -> bool {
        matches!(self, Self::Delivered | Self::WrongNumber | Self::OutOfStock)
    }
}

/// An equal purchase that was delivered before.
#[derive(Clone, Debug)]
pub(crate) struct Old {
    pub(crate) reference: String,
    pub(crate) received: i64,
}

/// What a supplier knows of a reference.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) supplier: usize,
    pub(crate) dest: String,
    pub(crate) received: i64,
    pub(crate) ending: Ending,
    pub(crate) decides_after: i64,
    /// Its serial number comes so long after the decision, when it comes later.
    pub(crate) numbered_after: Option<i64>,
    /// It says both things of it.
    contradicts: bool,
    /// What it is taken for.
    pub(crate) old: Option<Old>,
    /// How often it was asked to buy.
    pub(crate) asked: u32,
    /// The answer to the purchase is out.
    pub(crate) replied: bool,
    checks: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Accepted,
    Final,
    NotSent,
    ClosedBefore,
    ClosedAfter,
    Garbage,
    Error500,
    Redirect,
    Slow,
    Refused,
    Busy,
    BusyTaken,
    NotKnown,
    NotYet,
    Stranger,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    Never,
    Once,
    Twice,
    Contradicts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    Answered,
    Garbage,
    NoAnswer,
    NotSent,
    Refused,
    NotYet,
    Stranger,
}

pub(crate) const SLOW_MS: u64 = 20_000;
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

impl Played {
    pub(crate) fn reply(body: String) -> SendResult {
        SendResult::Replied(Reply { status: 200, body, ..Reply::default() })
    }

    fn dialect(&self) -> Dialect {
        dialect(self.world.with(|state| state.seed), self.number)
    }

    /// The final statement.
    pub(crate) fn says(&self, reference: &str, truth: &Truth) -> String {
        let at = truth.received + truth.decides_after;
        let numbered = at + truth.numbered_after.unwrap_or_default();
        let text = final_words(self.dialect(), reference, truth, truth.ending, at);
        if self.world.now() < numbered { without_number(&text, reference) } else { text }
    }

    /// An equal purchase that it delivered, for which it may take this one.
    fn older(&self, state: &State, reference: &str, dest: &str) -> Option<Old> {
        let now = state.now();
        let mut equal = state.truth.iter().filter(|(_, truth)| {
            truth.supplier == self.number
                && truth.dest == dest
                && truth.ending == Ending::Delivered
                && !truth.contradicts
                // Its number must be known before it can be known again.
                && truth.numbered_after.is_none()
                && truth.received + truth.decides_after < now
        });
        let (old, truth) = equal.next_back()?;
        let is_taken = below(state.seed, &format!("repeated {reference}"), 100) < 30;
        let old = Old { reference: old.clone(), received: truth.received };
        is_taken.then_some(old)
    }

    /// It takes the purchase: from here on it will deliver or not, whatever we hear of it.
    pub(crate) fn take(&self, reference: &str, dest: &str) -> Truth {
        let (seed, now) = self.world.with(|state| (state.seed, state.now()));
        let name = |what: &str| format!("{what} {reference}");
        let old = self.world.with(|state| self.older(state, reference, dest));
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
        let is_late = below(seed, &name("late"), 100) < 8;
        let most = if is_late { 6 * 60_000 } else { 60_000 };
        let decides_after = i64::try_from(below(seed, &name("decides"), most)).unwrap_or_default();
        let calls = pick(
            seed,
            &name("calls"),
            &[(20, Calls::Never), (60, Calls::Once), (12, Calls::Twice), (8, Calls::Contradicts)],
        );
        let calls = match calls {
            // Who names nothing and lies can be understood by nobody.
            Calls::Contradicts if !ending.is_told() || self.dialect() == Dialect::Nameless => {
                Calls::Once
            }
            Calls::Never | Calls::Once | Calls::Twice | Calls::Contradicts => calls,
        };
        let often = if self.dialect() == Dialect::Json { 30 } else { 6 };
        let numbered_after = (ending == Ending::Delivered
            && self.dialect() != Dialect::Nameless
            && calls != Calls::Contradicts
            && below(seed, &name("number"), 100) < often)
            .then(|| i64::try_from(20_000 + below(seed, &name("number later"), 60_000)))
            .and_then(Result::ok);
        let fresh = self.world.with(|state| {
            let known = state.truth.get_mut(reference);
            if let Some(known) = known {
                known.asked += 1;
                return None;
            }
            let truth = Truth {
                supplier: self.number,
                dest: dest.to_owned(),
                received: now,
                ending,
                decides_after,
                numbered_after,
                contradicts: calls == Calls::Contradicts,
                old: old.clone(),
                asked: 1,
                replied: false,
                checks: 0,
            };
            state.truth.insert(reference.to_owned(), truth.clone());
            Some(truth)
        });
        let Some(truth) = fresh else {
            return self.world.with(|state| state.truth[reference].clone());
        };
        match ending {
            Ending::Guarded => self.world.seen("supplier: not again"),
            Ending::Repeated => self.world.seen("supplier: an old serial number"),
            Ending::Delivered | Ending::WrongNumber | Ending::OutOfStock => {}
        }
        if is_late {
            self.world.seen("supplier decides late");
        }
        let call = |after: i64, ending: Ending| {
            let at = now + decides_after;
            let text = final_words(self.dialect(), reference, &truth, ending, at);
            let is_early = truth.numbered_after.is_some_and(|later| after < later);
            let text = if is_early { without_number(&text, reference) } else { text };
            let (supplier, reference) = (self.number, reference.to_owned());
            self.world.plan(decides_after + after, Event::Callback { supplier, reference, text });
        };
        if let Some(later) = numbered_after {
            self.world.seen("supplier: the number later");
            call(later, ending);
        }
        if self.dialect() != Dialect::Json && below(seed, &name("stranger"), 100) < 8 {
            let (what, text) = of_a_stranger(seed, &name("call"), Way::Callback, reference, &truth);
            self.world.seen(what);
            let after = i64::try_from(below(seed, &name("strange"), 60_000)).unwrap_or_default();
            let (supplier, reference) = (self.number, reference.to_owned());
            self.world.plan(after, Event::Callback { supplier, reference, text });
        }
        let later = i64::try_from(below(seed, &name("later"), 60_000)).unwrap_or_default();
        let opposite = ending.opposite();
        match calls {
            Calls::Never => self.world.seen("supplier calls never"),
            Calls::Once => {
                self.world.seen("supplier calls once");
                call(10, ending);
            }
            Calls::Twice => {
                self.world.seen("supplier calls twice");
                call(10, ending);
                call(later, ending);
            }
            Calls::Contradicts => {
                self.world.seen("supplier contradicts itself");
                call(10, ending);
                call(1_000 + later, opposite);
            }
        }
        truth
    }

    async fn buy(&self, reference: &str, dest: &str) -> SendResult {
        let (seed, honest) = self.world.with(|state| (state.seed, state.honest));
        let (what, answers) = pick(
            seed,
            &format!("answers {reference}"),
            &[
                (40, ("reply: accepted", Answers::Accepted)),
                (14, ("reply: final", Answers::Final)),
                (8, ("reply: not sent", Answers::NotSent)),
                (6, ("reply: closed before", Answers::ClosedBefore)),
                (8, ("reply: closed after", Answers::ClosedAfter)),
                (5, ("reply: garbage", Answers::Garbage)),
                (4, ("reply: error 500", Answers::Error500)),
                (3, ("reply: redirect", Answers::Redirect)),
                (6, ("reply: slow", Answers::Slow)),
                (3, ("reply: refused", Answers::Refused)),
                (3, ("reply: busy", Answers::Busy)),
                (3, ("reply: busy, and taken", Answers::BusyTaken)),
                (2, ("reply: nobody knows, and taken", Answers::NotKnown)),
                (4, ("reply: failed, not yet", Answers::NotYet)),
                (4, ("reply: a stranger's", Answers::Stranger)),
            ],
        );
        let answers = if honest { Answers::Accepted } else { answers };
        self.world.seen(what);
        let latency = 20 + below(seed, &format!("latency {reference}"), 3_000);
        let head = head(self.dialect(), reference, dest);
        let busy = || {
            let body = "Sistem sibuk, ulangi dengan refID yang sama".to_owned();
            SendResult::Replied(Reply { status: 503, body, ..Reply::default() })
        };
        match answers {
            Answers::NotSent => return SendResult::NotSent("connection refused".to_owned()),
            Answers::ClosedBefore => return SendResult::Unknown("closed".to_owned()),
            Answers::Redirect => {
                let body = "moved".to_owned();
                return SendResult::Replied(Reply { status: 302, body, ..Reply::default() });
            }
            Answers::Refused => return Self::reply(format!("{head} GAGAL. PIN salah. Saldo 5")),
            Answers::Busy => return busy(),
            Answers::Accepted
            | Answers::Final
            | Answers::ClosedAfter
            | Answers::Garbage
            | Answers::Error500
            | Answers::Slow
            | Answers::BusyTaken
            | Answers::NotKnown
            | Answers::NotYet
            | Answers::Stranger => {}
        }
        let truth = self.take(reference, dest);
        self.world.effect("crash: after a send").await;
        let result = match answers {
            Answers::Accepted | Answers::Final if truth.contradicts && !is_late(&truth) => {
                // Its callback is quicker, and says something else.
                let wait = u64::try_from(truth.decides_after).unwrap_or_default() + 500;
                sleep(Duration::from_millis(wait)).await;
                self.world.seen("reply: another word than the callback's");
                let at = truth.received + truth.decides_after;
                let opposite = truth.ending.opposite();
                Self::reply(final_words(self.dialect(), reference, &truth, opposite, at))
            }
            Answers::Final => {
                let wait = u64::try_from(truth.decides_after.min(15_000)).unwrap_or_default();
                sleep(Duration::from_millis(wait)).await;
                if truth.decides_after <= 15_000 {
                    Self::reply(self.says(reference, &truth))
                } else {
                    Self::reply(format!("T#7 {head} akan diproses. Saldo 9 - 3 = 6 @10:00"))
                }
            }
            Answers::Garbage => {
                sleep(Duration::from_millis(latency)).await;
                Self::reply("<html>OK GAGAL SUKSES".to_owned())
            }
            Answers::Error500 => {
                sleep(Duration::from_millis(latency)).await;
                let body = "oops".to_owned();
                SendResult::Replied(Reply { status: 500, body, ..Reply::default() })
            }
            Answers::Slow => {
                sleep(Duration::from_millis(SLOW_MS)).await;
                SendResult::Unknown("no answer within 20s".to_owned())
            }
            Answers::ClosedAfter => SendResult::Unknown("closed".to_owned()),
            Answers::BusyTaken => {
                sleep(Duration::from_millis(latency)).await;
                busy()
            }
            Answers::NotKnown => {
                sleep(Duration::from_millis(latency)).await;
                Self::reply(format!(
                    "Mhn tunggu trx sblmnya selesai: {head} @10:00, status Menunggu Jawaban."
                ))
            }
            Answers::NotYet => {
                sleep(Duration::from_millis(latency)).await;
                Self::reply(not_yet(seed, reference, &head))
            }
            Answers::Stranger => {
                sleep(Duration::from_millis(latency)).await;
                let (what, text) = of_a_stranger(seed, reference, Way::Reply, reference, &truth);
                self.world.seen(what);
                Self::reply(text)
            }
            Answers::Accepted
            | Answers::NotSent
            | Answers::ClosedBefore
            | Answers::Redirect
            | Answers::Refused
            | Answers::Busy => {
                sleep(Duration::from_millis(latency)).await;
                Self::reply(format!("T#7 {head} akan diproses. Saldo 9 - 3 = 6 @10:00"))
            }
        };
        self.world.with(|state| {
            if let Some(truth) = state.truth.get_mut(reference) {
                truth.replied = true;
            }
        });
        result
    }

    /// What it finds when it is asked: where nothing is named, the newest of the same.
    fn found(&self, state: &State, reference: &str, dest: &str) -> Option<String> {
        match dialect(state.seed, self.number) {
            Dialect::Named | Dialect::Json => {
                state.truth.contains_key(reference).then(|| reference.to_owned())
            }
            Dialect::Nameless => {
                let same = state
                    .truth
                    .iter()
                    .filter(|(_, truth)| truth.supplier == self.number && truth.dest == dest);
                let newest = same.max_by_key(|(_, truth)| truth.received)?;
                Some(newest.0.clone())
            }
        }
    }

    async fn check(&self, reference: &str, dest: &str) -> SendResult {
        let (seed, honest, count, found, now) = self.world.with(|state| {
            let now = state.now();
            if let Some(truth) = state.truth.get_mut(reference) {
                truth.checks += 1;
            }
            let count = state.truth.get(reference).map_or(now, |truth| i64::from(truth.checks));
            let found = self.found(state, reference, dest);
            let found = found.map(|found| (found.clone(), state.truth[&found].clone()));
            (state.seed, state.honest, count, found, now)
        });
        let head = head(self.dialect(), reference, dest);
        let name = format!("{reference} {count}");
        let (what, checked) = pick(
            seed,
            &format!("check {reference} {count}"),
            &[
                (60, ("check: answered", Checked::Answered)),
                (10, ("check: garbage", Checked::Garbage)),
                (12, ("check: no answer", Checked::NoAnswer)),
                (8, ("check: not sent", Checked::NotSent)),
                (10, ("check: refused", Checked::Refused)),
                (8, ("check: failed, not yet", Checked::NotYet)),
                (8, ("check: a stranger's", Checked::Stranger)),
            ],
        );
        let checked = if honest { Checked::Answered } else { checked };
        self.world.seen(what);
        sleep(Duration::from_millis(50)).await;
        match checked {
            Checked::Garbage => Self::reply("status gagal sukses?".to_owned()),
            Checked::NoAnswer => SendResult::Unknown("no answer".to_owned()),
            Checked::NotSent => SendResult::NotSent("connection refused".to_owned()),
            Checked::Refused => Self::reply("PIN salah".to_owned()),
            Checked::NotYet => Self::reply(not_yet(seed, &name, &head)),
            Checked::Answered | Checked::Stranger => match found {
                None => {
                    self.world.seen("check: no data");
                    Self::reply(format!(
                        "TIDAK ADA transaksi Tujuan {dest} pada tgl 23/11/2026. Tidak ada data."
                    ))
                }
                Some((_, truth)) if checked == Checked::Stranger => {
                    let (what, text) = of_a_stranger(seed, &name, Way::Check, reference, &truth);
                    self.world.seen(what);
                    Self::reply(text)
                }
                Some((_, truth)) if now < truth.received + truth.decides_after => {
                    Self::reply(format!(
                        "Mhn tunggu trx sblmnya selesai: T#7 {head} @10:00, status Menunggu Jawaban."
                    ))
                }
                Some((found, truth)) => Self::reply(self.says(&found, &truth)),
            },
        }
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
        if url.ends_with("/transaction") {
            return self.top_up(&request.body).await;
        }
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let field = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let (reference, dest) = (field("refID"), field("dest"));
        if path.ends_with("/balance") {
            return Self::reply("Saldo 1.000.000.000".to_owned());
        }
        if field("check") == "1" {
            return self.check(&reference, &dest).await;
        }
        // What it is asked in the moment of the marker, it is asked by a node that has its lease.
        if self.world.with(|state| state.nodes.get(self.node).is_some_and(|node| node.lost)) {
            self.world.wrong(format!("{reference} is sent by a node that lost its lease"));
        }
        self.world.awake(self.node).await;
        self.world.effect("crash: before a send").await;
        let mut result = self.buy(&reference, &dest).await;
        let retries = self.world.with(|state| state.broken) == Broken::RetryInTransport;
        if retries && matches!(result, SendResult::Unknown(_)) {
            result = self.buy(&reference, &dest).await;
        }
        self.world.log(|| format!("s{} buys {reference}: {}", self.number, short(&result)));
        result
    }
}

/// It decides after any connection ended.
const fn is_late(truth: &Truth) -> bool {
    truth.decides_after > 19_000
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

impl World {
    /// A supplier's callback arrives: what is known of its reference takes note.
    pub(crate) fn callback_arrived(&self, reference: &str) {
        self.with(|state| {
            if state.truth.get(reference).is_some_and(|truth| !truth.replied) {
                *state.coverage.entry("callback before reply").or_default() += 1;
            }
        });
    }
}

/// When the run is over, nothing a supplier decides is still open.
pub(crate) fn decided_by(truth: &Truth) -> UtcMillis {
    UtcMillis::new(truth.received + truth.decides_after)
}
