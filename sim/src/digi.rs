//! A supplier that speaks Digiflazz's JSON as it really comes: floats, strings and nulls in fields that
//! decide nothing, the serial number later, and a question that is the purchase sent again.

use crate::chance::below;
use crate::rude::pick_known;
use crate::supplier::{Ending, Item, Played, SLOW_MS, Truth, not_sent, with_status};
use crate::words::{COST, serial};
use serde_json::{Value, json};
use std::time::Duration;
use suppliers::SendResult;
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
    RefusedTaken,
    NotSentTaken,
    Stranger,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    Answered,
    NoAnswer,
    Error500,
    Refused,
    Stranger,
    OtherNumber,
}

fn data(
    (reference, dest, price): (&str, &str, i64),
    status: &str,
    rc: &str,
    message: Value,
    sn: Value,
) -> String {
    // The same price in all its types, one for each purchase.
    let price = match below(1, reference, 3) {
        0 => serde_json::from_str(&format!("{price}.0")).unwrap_or_default(),
        1 => json!(price.to_string()),
        _ => json!(price),
    };
    let data = json!({
        "ref_id": reference, "customer_no": dest, "buyer_sku_code": "T1", "message": message,
        "status": status, "rc": rc, "sn": sn, "buyer_last_saldo": 990_000.5, "price": price,
    });
    json!({ "data": data }).to_string()
}

fn pending(reference: &str, dest: &str) -> String {
    data((reference, dest, COST), "Pending", "03", Value::Null, Value::Null)
}

/// Another buyer's purchase, which did not end as ours does.
fn of_another(reference: &str, dest: &str, truth: &Truth) -> String {
    let about = (reference, dest, COST);
    match truth.ending {
        Ending::Delivered => data(about, "Gagal", "55", json!("Stok kosong"), json!("")),
        Ending::WrongNumber | Ending::OutOfStock | Ending::Guarded | Ending::Repeated => {
            let number = serial(&format!("another of {reference} {dest}"));
            data(about, "Sukses", "00", Value::Null, json!(number))
        }
    }
}

/// The final words.
pub(crate) fn final_json(reference: &str, truth: &Truth, ending: Ending) -> String {
    let about = (reference, truth.dest.as_str(), truth.told_price);
    let failed = |rc: &str, why: &str| data(about, "Gagal", rc, json!(why), json!(""));
    match ending {
        Ending::Delivered | Ending::Guarded | Ending::Repeated => {
            data(about, "Sukses", "00", Value::Null, json!(serial(reference)))
        }
        Ending::WrongNumber => failed("54", "Nomor tujuan salah"),
        Ending::OutOfStock => failed("55", "Stok kosong"),
    }
}

fn error() -> SendResult {
    with_status(500, "oops")
}

/// Refused before a transaction was made, or so it is said.
fn refused(reference: &str, dest: &str) -> String {
    data((reference, dest, COST), "Gagal", "44", json!("Saldo tidak cukup"), json!(""))
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
            self.world.sleeps_before_the_first_byte(self.node, &reference).await;
        }
        match known() {
            Some(truth) => self.asked_again(&reference, truth).await,
            None => self.asked(&reference, &dest).await,
        }
    }

    async fn asked(&self, reference: &str, dest: &str) -> SendResult {
        let (seed, honest, now) = self.world.with(|state| (state.seed, state.honest, state.now()));
        let (what, answers) = pick_known(
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
                (3, ("json: another's", Answers::Stranger)),
            ],
        );
        let (what, answers) = if honest {
            ("json: pending", Answers::Pending)
        } else if self.world.is_rude("json: refused, and taken", reference, 5) {
            ("json: lied", Answers::RefusedTaken)
        } else if self.world.is_rude("json: not sent, and taken", reference, 5) {
            ("json: lied", Answers::NotSentTaken)
        } else {
            (what, answers)
        };
        self.world.seen(what);
        match answers {
            Answers::NotSent => return not_sent("connection refused"),
            Answers::ClosedBefore => return SendResult::Unknown("closed".to_owned()),
            Answers::Refused => return Self::reply(refused(reference, dest)),
            Answers::Pending
            | Answers::Final
            | Answers::ClosedAfter
            | Answers::Slow
            | Answers::RefusedTaken
            | Answers::NotSentTaken
            | Answers::Stranger
            | Answers::Error500 => {}
        }
        self.hears(reference);
        let item = Item { product: "T1".to_owned(), dest: dest.to_owned(), qty: None };
        let truth = self.take(reference, &item);
        match answers {
            Answers::RefusedTaken => self.excuse(reference, "it said that it refused it"),
            Answers::NotSentTaken => self.excuse(reference, "the transport said: not sent"),
            _ => {}
        }
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
            Answers::RefusedTaken => Self::reply(refused(reference, dest)),
            Answers::NotSentTaken => not_sent("connection reset"),
            Answers::Stranger => Self::reply(of_another("g-999999-1", dest, &truth)),
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
        let (what, checked) = pick_known(
            seed,
            &format!("check {reference} {now}"),
            &[
                (80, ("json: answered again", Checked::Answered)),
                (10, ("json: no answer again", Checked::NoAnswer)),
                (10, ("json: error again", Checked::Error500)),
                (5, ("json: refused again", Checked::Refused)),
                (5, ("json: another's again", Checked::Stranger)),
                (5, ("json: another number again", Checked::OtherNumber)),
            ],
        );
        let (what, checked) =
            if honest { ("json: answered again", Checked::Answered) } else { (what, checked) };
        self.world.seen(what);
        sleep(Duration::from_millis(50)).await;
        match checked {
            Checked::Answered => Self::reply(self.state_of(reference, &truth)),
            Checked::NoAnswer => SendResult::Unknown("no answer".to_owned()),
            Checked::Error500 => error(),
            // Of this request, not of the purchase.
            Checked::Refused => Self::reply(refused(reference, &truth.dest)),
            Checked::Stranger => Self::reply(of_another("g-999999-1", &truth.dest, &truth)),
            Checked::OtherNumber => Self::reply(of_another(reference, "089799999999", &truth)),
        }
    }
}
