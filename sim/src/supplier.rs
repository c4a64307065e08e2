//! Suppliers that speak the real text protocol and misbehave. What they do with a purchase follows
//! from the seed and its reference; what they really delivered is the world's truth.

use crate::broken::Broken;
use crate::chance::{below, pick};
use crate::world::{Event, START_MS, World};
use domain::Outcome;
use simulator::chance;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use suppliers::{
    Ask, CheckLimits, Connector, Explained, Heard, Inbound, Movement, Reply, Request, SendResult,
    SupplierPrice, Transport,
};
use tokio::time::sleep;
use types::{
    AttemptId, CivilTime, Dest, ProductCode, ProductName, Reason, RefId, Rupiah, Sn, TrxNo,
    UtcMillis,
};
use wire::{CallbackText, Head, Phrase};

/// How a purchase ends at a supplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Delivered,
    WrongNumber,
    OutOfStock,
}

/// What a supplier knows of a reference.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) supplier: usize,
    dest: String,
    received: i64,
    pub(crate) ending: Ending,
    decides_after: i64,
    /// How often it was asked to buy.
    pub(crate) asked: u32,
    /// The answer to the purchase is out.
    replied: bool,
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
}

const PRICE: i64 = 1_200;
const SLOW_MS: u64 = 20_000;

fn civil(at: i64) -> CivilTime {
    let minute = (START_MS + at) / 60_000 + 7 * 60;
    let part = |value: i64| u8::try_from(value).unwrap_or_default();
    let (hour, minute) = (part(minute / 60 % 24), part(minute % 60));
    CivilTime { year: 2026, month: 11, day: 23, hour, minute, second: 0 }
}

/// A final sentence of the protocol.
fn sentence(reference: &str, dest: &str, ending: Ending, at: i64) -> String {
    let (Ok(ref_id), Ok(dest)) = (RefId::parse(reference), Dest::parse(dest)) else {
        return String::new();
    };
    let (Ok(name), Ok(product)) = (ProductName::parse("Simulasi"), ProductCode::parse("T1")) else {
        return String::new();
    };
    let head = Head { ref_id, name, product, dest };
    let (trx, at, balance) = (TrxNo::new(7), civil(at), Rupiah::new(1_000_000));
    let failed = |reason: &str| CallbackText::Failed {
        trx,
        head: head.clone(),
        reason: Reason::clean(reason),
        balance,
        at,
    };
    let text = match ending {
        Ending::Delivered => {
            let Ok(sn) = Sn::parse(&format!("SN{:016x}", chance(1, reference, ""))) else {
                return String::new();
            };
            let (before, price) = (balance, Rupiah::new(PRICE));
            let after = Rupiah::new(balance.get() - PRICE);
            CallbackText::Success { trx, head: head.clone(), sn, before, price, after, at }
        }
        Ending::WrongNumber => failed("Nomor tujuan salah"),
        Ending::OutOfStock => failed("Stok kosong"),
    };
    text.text(Phrase::default())
}

/// One supplier's end of the wire.
pub(crate) struct Played {
    pub(crate) world: World,
    pub(crate) number: usize,
    /// Whose wire it is.
    pub(crate) node: usize,
}

impl Played {
    fn reply(body: String) -> SendResult {
        SendResult::Replied(Reply { status: 200, body, ..Reply::default() })
    }

    /// The final statement.
    fn says(&self, reference: &str, ending: Ending) -> String {
        let text = self.world.with(|state| {
            let at = state.now();
            let truth = state.truth.get(reference)?;
            Some(sentence(reference, &truth.dest, ending, at))
        });
        text.unwrap_or_default()
    }

    /// It takes the purchase: from here on it will deliver or not, whatever we hear of it.
    fn take(&self, reference: &str, dest: &str) -> Truth {
        let (seed, now) = self.world.with(|state| (state.seed, state.now()));
        let ending = pick(
            seed,
            &format!("ending {reference}"),
            &[(80, Ending::Delivered), (8, Ending::WrongNumber), (12, Ending::OutOfStock)],
        );
        let name = |what: &str| format!("{what} {reference}");
        let decides_after =
            i64::try_from(below(seed, &name("decides"), 60_000)).unwrap_or_default();
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
        let calls = pick(
            seed,
            &name("calls"),
            &[(20, Calls::Never), (60, Calls::Once), (12, Calls::Twice), (8, Calls::Contradicts)],
        );
        let call = |after: i64, ending: Ending| {
            let text = sentence(reference, dest, ending, now);
            let (supplier, reference) = (self.number, reference.to_owned());
            self.world.plan(decides_after + after, Event::Callback { supplier, reference, text });
        };
        let later = i64::try_from(below(seed, &name("later"), 60_000)).unwrap_or_default();
        let opposite = match ending {
            Ending::Delivered => Ending::OutOfStock,
            Ending::WrongNumber | Ending::OutOfStock => Ending::Delivered,
        };
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
            ],
        );
        let answers = if honest { Answers::Accepted } else { answers };
        self.world.seen(what);
        let latency = 20 + below(seed, &format!("latency {reference}"), 3_000);
        let head = format!("R#{reference} T1.{dest}");
        match answers {
            Answers::NotSent => return SendResult::NotSent("connection refused".to_owned()),
            Answers::ClosedBefore => return SendResult::Unknown("closed".to_owned()),
            Answers::Redirect => {
                let body = "moved".to_owned();
                return SendResult::Replied(Reply { status: 302, body, ..Reply::default() });
            }
            Answers::Refused => return Self::reply(format!("{head} GAGAL. PIN salah. Saldo 5")),
            Answers::Busy => {
                let body = "Sistem sibuk, ulangi dengan refID yang sama".to_owned();
                return SendResult::Replied(Reply { status: 503, body, ..Reply::default() });
            }
            Answers::Accepted
            | Answers::Final
            | Answers::ClosedAfter
            | Answers::Garbage
            | Answers::Error500
            | Answers::Slow => {}
        }
        let truth = self.take(reference, dest);
        self.world.effect("crash: after a send").await;
        let result = match answers {
            Answers::Final => {
                let wait = u64::try_from(truth.decides_after.min(15_000)).unwrap_or_default();
                sleep(Duration::from_millis(wait)).await;
                if truth.decides_after <= 15_000 {
                    Self::reply(self.says(reference, truth.ending))
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

    async fn check(&self, reference: &str, dest: &str) -> SendResult {
        let (seed, honest, count, found, now) = self.world.with(|state| {
            let now = state.now();
            let found = state.truth.get_mut(reference).map(|truth| {
                truth.checks += 1;
                truth.clone()
            });
            let count = found.as_ref().map_or(now, |truth| i64::from(truth.checks));
            (state.seed, state.honest, count, found, now)
        });
        let (what, checked) = pick(
            seed,
            &format!("check {reference} {count}"),
            &[
                (60, ("check: answered", Checked::Answered)),
                (10, ("check: garbage", Checked::Garbage)),
                (12, ("check: no answer", Checked::NoAnswer)),
                (8, ("check: not sent", Checked::NotSent)),
                (10, ("check: refused", Checked::Refused)),
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
            Checked::Answered => match found {
                None => {
                    self.world.seen("check: no data");
                    Self::reply(format!(
                        "TIDAK ADA transaksi Tujuan {dest} pada tgl 23/11/2026. Tidak ada data."
                    ))
                }
                Some(truth) if now < truth.received + truth.decides_after => Self::reply(format!(
                    "Mhn tunggu trx sblmnya selesai: T#7 R#{reference} T1.{dest} @10:00, \
                         status Menunggu Jawaban."
                )),
                Some(truth) => Self::reply(self.says(reference, truth.ending)),
            },
        }
    }

    async fn carry(&self, url: &str) -> SendResult {
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
        self.world.awake(self.node).await;
        self.world.effect("crash: before a send").await;
        let mut result = self.buy(&reference, &dest).await;
        match self.world.with(|state| state.broken) {
            Broken::RetryInTransport if matches!(result, SendResult::Unknown(_)) => {
                result = self.buy(&reference, &dest).await;
            }
            Broken::ResendAfterTimeout => {
                if let SendResult::Unknown(why) = result {
                    result = SendResult::NotSent(why);
                }
            }
            _ => {}
        }
        self.world.log(|| format!("s{} buys {reference}: {}", self.number, short(&result)));
        result
    }
}

fn short(result: &SendResult) -> String {
    match result {
        SendResult::NotSent(why) => format!("not sent, {why}"),
        SendResult::Unknown(why) => format!("unknown, {why}"),
        SendResult::Replied(reply) => format!("{} {}", reply.status, reply.body),
    }
}

impl Transport for Played {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        Box::pin(self.carry(&request.url))
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

/// The real connector, or one with a defect.
pub(crate) struct Reading {
    pub(crate) inner: std::sync::Arc<dyn Connector>,
    pub(crate) broken: Broken,
}

fn fail(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Unknown { .. } => Outcome::Failed {
            class: domain::FailureClass::Number,
            reason: Reason::clean("tidak dimengerti"),
            tie: domain::Tie::Reference,
        },
        other => other,
    }
}

impl Connector for Reading {
    fn buy(&self, ask: &Ask) -> Result<Request, String> {
        self.inner.buy(ask)
    }

    fn check(&self, ask: &Ask) -> Result<Request, String> {
        self.inner.check(ask)
    }

    fn explain(&self, ask: &Ask, heard: Heard<'_>) -> Explained {
        self.inner.explain(ask, heard)
    }

    fn callback_of(&self, ask: &Ask, text: &str) -> Inbound {
        self.inner.callback_of(ask, text)
    }

    fn read_buy(&self, ask: &Ask, reply: &Reply) -> Outcome {
        let outcome = self.inner.read_buy(ask, reply);
        if self.broken == Broken::RefundOnUnknown { fail(outcome) } else { outcome }
    }

    fn read_check(&self, ask: &Ask, reply: &Reply) -> Outcome {
        let outcome = self.inner.read_check(ask, reply);
        if self.broken == Broken::RefundOnCheckError { fail(outcome) } else { outcome }
    }

    fn check_limits(&self) -> CheckLimits {
        self.inner.check_limits()
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<AttemptId, String> {
        self.inner.callback_about(inbound)
    }

    fn read_callback(&self, ask: &Ask, inbound: &Inbound) -> Outcome {
        self.inner.read_callback(ask, inbound)
    }

    fn balance(&self) -> Option<Request> {
        self.inner.balance()
    }

    fn read_balance(&self, reply: &Reply) -> Result<Rupiah, String> {
        self.inner.read_balance(reply)
    }

    fn prices(&self) -> Option<Request> {
        self.inner.prices()
    }

    fn read_prices(&self, reply: &Reply) -> Result<Vec<SupplierPrice>, String> {
        self.inner.read_prices(reply)
    }

    fn movement(&self, text: &str) -> Option<Movement> {
        self.inner.movement(text)
    }

    fn told(&self, inbound: &Inbound) -> Option<Movement> {
        self.inner.told(inbound)
    }
}

/// When the run is over, nothing a supplier decides is still open.
pub(crate) fn decided_by(truth: &Truth) -> UtcMillis {
    UtcMillis::new(truth.received + truth.decides_after)
}
