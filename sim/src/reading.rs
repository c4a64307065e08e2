//! The connectors as the engine gets them: the real ones, or ones with a defect.

use crate::broken::Broken;
use crate::digi::FLOAT;
use domain::{FailureClass, Outcome, Tie};
use suppliers::{
    About, Ask, CheckLimits, Connector, Explained, Heard, Inbound, Movement, PriceList, Reply,
    Request,
};
use types::{Reason, Rupiah, Sn};

/// The real connector, or one with a defect.
pub(crate) struct Reading {
    pub(crate) inner: std::sync::Arc<dyn Connector>,
    pub(crate) broken: Broken,
}

fn failed(class: FailureClass, reason: &str) -> Outcome {
    Outcome::Failed { class, reason: Reason::clean(reason), tie: Tie::Reference }
}

fn fail(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Unknown { .. } => failed(FailureClass::Number, "tidak dimengerti"),
        Outcome::Success { .. }
        | Outcome::Failed { .. }
        | Outcome::Doubtful { .. }
        | Outcome::Pending
        | Outcome::Unsent { .. }
        | Outcome::Held { .. } => outcome,
    }
}

/// The words that were heard.
fn text(heard: Heard<'_>) -> String {
    match heard {
        Heard::Buy(reply) | Heard::Check(reply) => reply.body.clone(),
        Heard::Callback(inbound) => wire::callback_query(inbound.query.as_bytes())
            .map_or_else(|| inbound.body.clone(), |(_, message)| message),
    }
}

/// What words say when nobody asks whom they are about.
fn at_its_word(text: &str, outcome: Outcome) -> Outcome {
    let reading = wire::read(text);
    match reading.status {
        wire::Status::Success => {
            let sn = reading.sn.and_then(|sn| Sn::parse(&sn).ok());
            Outcome::Success { sn, cost: reading.price, tie: Tie::Reference }
        }
        wire::Status::Failed => failed(FailureClass::Route, &reading.reason.unwrap_or_default()),
        wire::Status::Accepted
        | wire::Status::Pending
        | wire::Status::Refused
        | wire::Status::NoData
        | wire::Status::Balance
        | wire::Status::Unknown => outcome,
    }
}

impl Reading {
    /// What the defect makes of an outcome.
    fn spoiled(&self, ask: &Ask, heard: Heard<'_>, outcome: Outcome) -> Outcome {
        let text = text(heard);
        let busy = matches!(heard, Heard::Buy(reply) if reply.status == 503);
        let is_buy = matches!(heard, Heard::Buy(_));
        let is_check = matches!(heard, Heard::Check(_));
        let names_us = text.contains(&ask.attempt.supplier_ref());
        match self.broken {
            Broken::RefundOnUnknown if is_buy => fail(outcome),
            Broken::RefundOnCheckError if is_check => fail(outcome),
            Broken::BusyIsNotTaken if busy => failed(FailureClass::Route, "sibuk"),
            Broken::AnyFailureIsFinal
                if names_us && wire::read(&text).status == wire::Status::Failed =>
            {
                at_its_word(&text, outcome)
            }
            Broken::StrictJson if text.contains(FLOAT) => {
                Outcome::Unknown { why: "invalid type: floating point".to_owned() }
            }
            Broken::BelieveAnyText => at_its_word(&text, outcome),
            _ => outcome,
        }
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
        let explained = self.inner.explain(ask, heard);
        let outcome = self.spoiled(ask, heard, explained.outcome);
        Explained { outcome, ..explained }
    }

    fn callback_of(&self, ask: &Ask, text: &str) -> Inbound {
        self.inner.callback_of(ask, text)
    }

    fn check_limits(&self) -> CheckLimits {
        self.inner.check_limits()
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<About, String> {
        self.inner.callback_about(inbound)
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

    fn read_prices(&self, reply: &Reply) -> Result<PriceList, String> {
        self.inner.read_prices(reply)
    }

    fn movement(&self, text: &str) -> Option<Movement> {
        self.inner.movement(text)
    }

    fn told(&self, inbound: &Inbound) -> Option<Movement> {
        self.inner.told(inbound)
    }
}
