//! The sandbox supplier: delivers nothing, behaves by the destination's magic number.
//!
//! This file is the pure half: which destination behaves how, what the sandbox says when, and how
//! its words read. The world it lives in (time, record of what it received) is the transport's.

use crate::{
    About, Ask, CheckLimits, Explained, Heard, Inbound, Movement, PriceList, Reply, Request,
};
use domain::{FailureClass, Outcome, Tie};
use types::{AttemptId, CivilTime, Reason, Rupiah, Sn};

/// How the sandbox behaves for one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Behaviour {
    Success,
    WrongNumber,
    FailsAtOnce,
    FailsLate,
    PendingForEver,
    SlowSuccess,
    TimesOut,
    AnswersTwice,
    Reversed,
    CallbackFirst,
    PlnToken,
}

/// The magic destinations; any other one succeeds after about a second.
pub const MAGIC: [(&str, Behaviour, &str); 10] = [
    ("082280004280", Behaviour::WrongNumber, "fails after 1 s: Nomor tujuan salah"),
    ("081200000001", Behaviour::FailsAtOnce, "fails at once: supplier out of stock, next route"),
    ("081200000002", Behaviour::FailsLate, "fails after 5 s"),
    ("081200000003", Behaviour::PendingForEver, "pending for ever, becomes a suspect"),
    ("081200000004", Behaviour::SlowSuccess, "pending, success after 30 s"),
    ("081200000005", Behaviour::TimesOut, "times out without an answer; delivered, found by check"),
    ("081200000006", Behaviour::AnswersTwice, "success, reported twice"),
    ("081200000007", Behaviour::Reversed, "success, reversed after 5 s"),
    ("081200000008", Behaviour::CallbackFirst, "callback comes before the HTTP reply"),
    ("081200000009", Behaviour::PlnToken, "SN of a PLN token, with slashes, spaces and commas"),
];

impl Behaviour {
    /// The behaviour for a destination. PLN meters (11 or 12 digits not beginning with 0) give a token.
    #[must_use]
    pub fn of(dest: &str) -> Self {
        if let Some((_, behaviour, _)) = MAGIC.iter().find(|(magic, _, _)| *magic == dest) {
            return *behaviour;
        }
        let meter = (11..=12).contains(&dest.len())
            && dest.bytes().all(|b| b.is_ascii_digit())
            && !dest.starts_with('0');
        if meter { Self::PlnToken } else { Self::Success }
    }
}

/// What the sandbox says of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Event {
    Success,
    WrongNumber,
    OutOfStock,
    Failed,
    Pending,
}

/// What the sandbox does with one purchase, in ms after receiving it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// When and what it replies; `None` never.
    pub reply: Option<(i64, Event)>,
    /// Callbacks it sends.
    pub callbacks: Vec<(i64, Event)>,
    /// From when on a check says what; the last one whose time has come holds.
    pub truth: Vec<(i64, Event)>,
}

impl Script {
    /// The script of a behaviour; `delay_ms` is the usual time to deliver (about 1 s).
    #[must_use]
    pub fn of(behaviour: Behaviour, delay_ms: i64) -> Self {
        let late = delay_ms.saturating_mul(5);
        let slow = delay_ms.saturating_mul(30);
        let (reply, callbacks, decided) = match behaviour {
            Behaviour::Success | Behaviour::PlnToken => {
                (Some((delay_ms, Event::Success)), vec![], vec![(delay_ms, Event::Success)])
            }
            Behaviour::WrongNumber => {
                (Some((delay_ms, Event::WrongNumber)), vec![], vec![(delay_ms, Event::WrongNumber)])
            }
            Behaviour::FailsAtOnce => {
                (Some((0, Event::OutOfStock)), vec![], vec![(0, Event::OutOfStock)])
            }
            Behaviour::FailsLate => {
                (Some((late, Event::Failed)), vec![], vec![(late, Event::Failed)])
            }
            Behaviour::PendingForEver => (Some((delay_ms, Event::Pending)), vec![], vec![]),
            Behaviour::SlowSuccess => (
                Some((delay_ms, Event::Pending)),
                vec![(slow, Event::Success)],
                vec![(slow, Event::Success)],
            ),
            Behaviour::TimesOut => (None, vec![], vec![(delay_ms, Event::Success)]),
            Behaviour::AnswersTwice => (
                Some((delay_ms, Event::Success)),
                vec![(delay_ms.saturating_mul(2), Event::Success)],
                vec![(delay_ms, Event::Success)],
            ),
            Behaviour::Reversed => (
                Some((delay_ms, Event::Success)),
                vec![(late, Event::Failed)],
                vec![(delay_ms, Event::Success), (late, Event::Failed)],
            ),
            Behaviour::CallbackFirst => (
                Some((delay_ms, Event::Success)),
                vec![(delay_ms / 2, Event::Success)],
                vec![(delay_ms / 2, Event::Success)],
            ),
        };
        let mut truth = vec![(0, Event::Pending)];
        truth.extend(decided);
        Self { reply, callbacks, truth }
    }

    /// What a check says `elapsed_ms` after the purchase was received.
    #[must_use]
    pub fn at(&self, elapsed_ms: i64) -> Event {
        let passed = self.truth.iter().rev().find(|(from, _)| *from <= elapsed_ms);
        passed.map_or(Event::Pending, |(_, event)| *event)
    }
}

impl Event {
    /// The sandbox's words, for its reply, callback or check answer.
    #[must_use]
    pub fn body(self, reference: &str, dest: &str, received: CivilTime) -> String {
        let number: u64 = reference
            .bytes()
            .fold(5_381, |hash: u64, byte| hash.wrapping_mul(33) ^ u64::from(byte));
        let c = received;
        let sn = match Behaviour::of(dest) {
            Behaviour::PlnToken => {
                let digits = format!("{:020}", number);
                let groups: Vec<&str> = [0..4, 4..8, 8..12, 12..16, 16..20]
                    .into_iter()
                    .filter_map(|places| digits.get(places))
                    .collect();
                format!("{}/NAMA, PELANGGAN/R1M/900 VA/63,0KWH", groups.join(" "))
            }
            Behaviour::Success
            | Behaviour::WrongNumber
            | Behaviour::FailsAtOnce
            | Behaviour::FailsLate
            | Behaviour::PendingForEver
            | Behaviour::SlowSuccess
            | Behaviour::TimesOut
            | Behaviour::AnswersTwice
            | Behaviour::Reversed
            | Behaviour::CallbackFirst => format!(
                "R{:02}{:02}{:02}{:02}{:02}{:02}{:04x}",
                c.year.rem_euclid(100),
                c.month,
                c.day,
                c.hour,
                c.minute,
                c.second,
                number & 0xffff
            ),
        };
        match self {
            Self::Success => format!("ref={reference} status=success sn={sn}"),
            Self::WrongNumber => format!("ref={reference} status=wrong_number Nomor tujuan salah"),
            Self::OutOfStock => format!("ref={reference} status=out_of_stock Stok kosong"),
            Self::Failed => format!("ref={reference} status=failed Transaksi dibatalkan supplier"),
            Self::Pending => format!("ref={reference} status=pending"),
        }
    }
}

/// Reads the sandbox's words.
fn outcome(body: &str) -> Option<(AttemptId, Outcome)> {
    let (reference, rest) = body.strip_prefix("ref=")?.split_once(" status=")?;
    let attempt = AttemptId::from_supplier_ref(reference)?;
    let (word, detail) = rest.split_once(' ').unwrap_or((rest, ""));
    let tie = Tie::Reference;
    let failed = |class| Outcome::Failed { class, reason: Reason::clean(detail), tie };
    let outcome = match word {
        "success" => {
            let sn = Sn::parse(detail.strip_prefix("sn=")?).ok();
            Outcome::Success { sn, cost: None, tie }
        }
        "wrong_number" | "failed" => failed(FailureClass::Number),
        "out_of_stock" => failed(FailureClass::Route),
        "pending" => Outcome::Pending,
        _ => return None,
    };
    Some((attempt, outcome))
}

/// The sandbox as a connector. Its URLs carry the ask to the in-process transport.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connector;

impl Connector {
    fn request(verb: &str, ask: &Ask) -> Request {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("ref", &ask.attempt.supplier_ref())
            .append_pair("sku", ask.sku.as_str())
            .append_pair("dest", ask.dest.as_str())
            .append_pair("qty", &ask.qty.map_or_else(String::new, |qty| qty.to_string()))
            .finish();
        let url = format!("sandbox://{verb}?{query}");
        Request { method: "GET", redacted: url.clone(), url, ..Request::default() }
    }

    fn read(ask: &Ask, reply: &Reply) -> Outcome {
        match outcome(&reply.body) {
            Some((attempt, outcome)) if attempt == ask.attempt => outcome,
            Some(_) | None => Outcome::Unknown {
                why: format!("status {}, not understood: {}", reply.status, reply.body),
            },
        }
    }
}

impl crate::Connector for Connector {
    fn buy(&self, ask: &Ask) -> Result<Request, String> {
        Ok(Self::request("buy", ask))
    }

    fn check(&self, ask: &Ask) -> Result<Request, String> {
        Ok(Self::request("check", ask))
    }

    fn explain(&self, ask: &Ask, heard: Heard<'_>) -> Explained {
        let outcome = match heard {
            Heard::Buy(reply) => self.read_buy(ask, reply),
            Heard::Check(reply) => self.read_check(ask, reply),
            Heard::Callback(inbound) => self.read_callback(ask, inbound),
        };
        Explained { outcome, fields: Vec::new(), decided_by: "the sandbox's own words".to_owned() }
    }

    fn callback_of(&self, _: &Ask, text: &str) -> Inbound {
        Inbound { body: text.to_owned(), ..Inbound::default() }
    }

    fn read_buy(&self, ask: &Ask, reply: &Reply) -> Outcome {
        Self::read(ask, reply)
    }

    fn read_check(&self, ask: &Ask, reply: &Reply) -> Outcome {
        Self::read(ask, reply)
    }

    fn check_limits(&self) -> CheckLimits {
        CheckLimits::default()
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<About, String> {
        let found = outcome(&inbound.body).map(|(attempt, _)| About::Attempt(attempt));
        found.ok_or_else(|| "not in the sandbox's words".to_owned())
    }

    fn read_callback(&self, ask: &Ask, inbound: &Inbound) -> Outcome {
        let reply = Reply { status: 200, body: inbound.body.clone(), ..Reply::default() };
        Self::read(ask, &reply)
    }

    fn balance(&self) -> Option<Request> {
        None
    }

    fn read_balance(&self, _: &Reply) -> Result<Rupiah, String> {
        Err("the sandbox has no deposit".to_owned())
    }

    fn prices(&self) -> Option<Request> {
        None
    }

    fn read_prices(&self, _: &Reply) -> Result<PriceList, String> {
        Err("the sandbox has no price list".to_owned())
    }

    fn movement(&self, _: &str) -> Option<Movement> {
        None
    }

    fn told(&self, _: &Inbound) -> Option<Movement> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Connector as _;
    use types::{Dest, Sku, TrxNo};

    fn ask(dest: &str) -> Ask {
        Ask {
            attempt: AttemptId { trx: TrxNo::new(100_000_001), n: 1 },
            sku: Sku::parse("t1").unwrap(),
            dest: Dest::parse(dest).unwrap(),
            qty: None,
            cost: Rupiah::new(1_200),
            counter: 1,
            sent: None,
            waited_ms: 0,
            asked: types::Moment { utc: types::UtcMillis::new(0), civil: at() },
        }
    }

    fn at() -> CivilTime {
        CivilTime { year: 2025, month: 4, day: 22, hour: 18, minute: 46, second: 21 }
    }

    fn says(event: Event, dest: &str) -> Outcome {
        let body = event.body(&ask(dest).attempt.supplier_ref(), dest, at());
        Connector.read_buy(&ask(dest), &Reply { status: 200, body, ..Reply::default() })
    }

    #[test]
    fn every_word_reads_back() {
        match says(Event::Success, "089660522887") {
            Outcome::Success { sn: Some(sn), .. } => {
                assert!(sn.as_str().starts_with("R250422184621"));
            }
            other => panic!("{other:?}"),
        }
        match says(Event::Success, "86024157967") {
            Outcome::Success { sn: Some(sn), .. } => {
                assert!(sn.as_str().contains("/R1M/900 VA/63,0KWH"));
            }
            other => panic!("{other:?}"),
        }
        let number = Outcome::Failed {
            tie: Tie::Reference,
            class: FailureClass::Number,
            reason: Reason::clean("Nomor tujuan salah"),
        };
        assert_eq!(says(Event::WrongNumber, "082280004280"), number);
        assert_eq!(says(Event::Pending, "081200000003"), Outcome::Pending);
        let stock = says(Event::OutOfStock, "081200000001");
        assert!(matches!(stock, Outcome::Failed { class: FailureClass::Route, .. }));
    }

    #[test]
    fn unknown_or_foreign_words_are_never_a_failure() {
        let foreign = Event::Failed.body("5-1", "0896", at());
        for body in ["", "<html>", "ref=x status=failed", "ref=100000001-1 status=odd", &foreign] {
            let reply = Reply { status: 200, body: body.to_owned(), ..Reply::default() };
            let read = Connector.read_check(&ask("0896605"), &reply);
            assert!(matches!(read, Outcome::Unknown { .. }), "{body}: {read:?}");
        }
    }

    #[test]
    fn truth_follows_the_script() {
        let script = Script::of(Behaviour::Reversed, 1_000);
        assert_eq!(script.at(0), Event::Pending);
        assert_eq!(script.at(1_000), Event::Success);
        assert_eq!(script.at(5_000), Event::Failed);
        assert_eq!(Script::of(Behaviour::PendingForEver, 1_000).at(i64::MAX), Event::Pending);
        assert_eq!(Script::of(Behaviour::TimesOut, 1_000).reply, None);
    }
}
