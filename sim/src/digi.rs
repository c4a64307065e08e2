//! A supplier that speaks Digiflazz's JSON as it really comes: floats, strings and nulls in fields that
//! decide nothing, the serial number later, and a question that is the purchase sent again.

use crate::chance::{below, pick};
use crate::supplier::{Ending, Played, SLOW_MS, Truth};
use crate::words::serial;
use serde_json::{Value, json};
use std::time::Duration;
use suppliers::{Reply, SendResult};
use tokio::time::sleep;

/// Never closer together than this, the purchase included.
const SPACING_MS: i64 = 60_000;
/// A balance with a part of a rupiah.
pub(crate) const FLOAT: &str = "990000.5";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Pending,
    Final,
    NotSent,
    ClosedBefore,
    ClosedAfter,
    Slow,
    Error500,
    Refused,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    Answered,
    NoAnswer,
    Error500,
}

fn data(reference: &str, dest: &str, status: &str, rc: &str, message: Value, sn: Value) -> String {
    // The same price in all its types, one for each purchase.
    let price = match below(1, reference, 3) {
        0 => json!(1_200.0),
        1 => json!("1200"),
        _ => json!(1_200),
    };
    let data = json!({
        "ref_id": reference, "customer_no": dest, "buyer_sku_code": "T1", "message": message,
        "status": status, "rc": rc, "sn": sn, "buyer_last_saldo": 990_000.5, "price": price,
    });
    json!({ "data": data }).to_string()
}

fn pending(reference: &str, dest: &str) -> String {
    data(reference, dest, "Pending", "03", Value::Null, Value::Null)
}

/// The final words.
pub(crate) fn final_json(reference: &str, truth: &Truth, ending: Ending) -> String {
    let dest = truth.dest.as_str();
    let failed = |rc: &str, why: &str| data(reference, dest, "Gagal", rc, json!(why), json!(""));
    match ending {
        Ending::Delivered | Ending::Guarded | Ending::Repeated => {
            data(reference, dest, "Sukses", "00", Value::Null, json!(serial(reference)))
        }
        Ending::WrongNumber => failed("54", "Nomor tujuan salah"),
        Ending::OutOfStock => failed("55", "Stok kosong"),
    }
}

fn error() -> SendResult {
    SendResult::Replied(Reply { status: 500, body: "oops".to_owned(), ..Reply::default() })
}

impl Played {
    /// It hears of a reference: too soon after the last time, it may buy twice.
    fn hears(&self, reference: &str) {
        let soon = self.world.with(|state| {
            let now = state.now();
            let last = state.heard_at.insert(reference.to_owned(), now);
            // A node that slept before its first byte cannot keep the distance.
            last.filter(|last| now - last < SPACING_MS && state.nodes.is_empty())
        });
        if let Some(last) = soon {
            self.world.wrong(format!("{reference} is asked about too soon after {last}"));
        }
    }

    /// A purchase, or the question about it.
    pub(crate) async fn top_up(&self, body: &str) -> SendResult {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (reference, dest) = (field("ref_id"), field("customer_no"));
        let known = || self.world.with(|state| state.truth.get(&reference).cloned());
        if known().is_none() {
            // Another node may ask before a sleeping one's first byte leaves.
            self.world.awake(self.node).await;
            self.world.effect("crash: before a send").await;
        }
        match known() {
            Some(truth) => self.asked_again(&reference, truth).await,
            None => self.asked(&reference, &dest).await,
        }
    }

    async fn asked(&self, reference: &str, dest: &str) -> SendResult {
        let (seed, honest, now) = self.world.with(|state| (state.seed, state.honest, state.now()));
        let (what, answers) = pick(
            seed,
            &format!("answers {reference} {now}"),
            &[
                (50, ("json: pending", Answers::Pending)),
                (20, ("json: final", Answers::Final)),
                (6, ("json: not sent", Answers::NotSent)),
                (5, ("json: closed before", Answers::ClosedBefore)),
                (8, ("json: closed after", Answers::ClosedAfter)),
                (5, ("json: slow", Answers::Slow)),
                (4, ("json: error 500", Answers::Error500)),
                (3, ("json: refused", Answers::Refused)),
            ],
        );
        let answers = if honest { Answers::Pending } else { answers };
        self.world.seen(what);
        match answers {
            Answers::NotSent => return SendResult::NotSent("connection refused".to_owned()),
            Answers::ClosedBefore => return SendResult::Unknown("closed".to_owned()),
            Answers::Refused => {
                let why = json!("Saldo tidak cukup");
                return Self::reply(data(reference, dest, "Gagal", "44", why, json!("")));
            }
            Answers::Pending
            | Answers::Final
            | Answers::ClosedAfter
            | Answers::Slow
            | Answers::Error500 => {}
        }
        self.hears(reference);
        let truth = self.take(reference, dest);
        self.world.effect("crash: after a send").await;
        sleep(Duration::from_millis(20 + below(seed, &format!("latency {reference}"), 3_000)))
            .await;
        let result = match answers {
            Answers::Final => {
                let wait = u64::try_from(truth.decides_after.min(15_000)).unwrap_or_default();
                sleep(Duration::from_millis(wait)).await;
                Self::reply(self.state_of(reference, &truth))
            }
            Answers::ClosedAfter => SendResult::Unknown("closed".to_owned()),
            Answers::Slow => {
                sleep(Duration::from_millis(SLOW_MS)).await;
                SendResult::Unknown("no answer within 20s".to_owned())
            }
            Answers::Error500 => error(),
            Answers::Pending | Answers::NotSent | Answers::ClosedBefore | Answers::Refused => {
                Self::reply(pending(reference, dest))
            }
        };
        self.world.with(|state| {
            if let Some(truth) = state.truth.get_mut(reference) {
                truth.replied = true;
            }
        });
        result
    }

    fn state_of(&self, reference: &str, truth: &Truth) -> String {
        if self.world.now() < truth.received + truth.decides_after {
            pending(reference, &truth.dest)
        } else {
            self.says(reference, truth)
        }
    }

    async fn asked_again(&self, reference: &str, truth: Truth) -> SendResult {
        self.hears(reference);
        let (seed, honest, now) = self.world.with(|state| (state.seed, state.honest, state.now()));
        let (what, checked) = pick(
            seed,
            &format!("check {reference} {now}"),
            &[
                (80, ("json: answered again", Checked::Answered)),
                (10, ("json: no answer again", Checked::NoAnswer)),
                (10, ("json: error again", Checked::Error500)),
            ],
        );
        let checked = if honest { Checked::Answered } else { checked };
        self.world.seen(what);
        sleep(Duration::from_millis(50)).await;
        match checked {
            Checked::Answered => Self::reply(self.state_of(reference, &truth)),
            Checked::NoAnswer => SendResult::Unknown("no answer".to_owned()),
            Checked::Error500 => error(),
        }
    }
}
