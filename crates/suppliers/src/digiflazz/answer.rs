//! The object that Digiflazz's answers and webhooks carry, and what it is worth.
//!
//! `ref_id`, `status` and `rc` decide, and only together; every other field may be missing or of any
//! type. Final words that do not name our reference, or that name another number, never decide.

use super::codes::{RcClass, rc_class};
use crate::Ask;
use crate::evidence::TAKEN;
use defects::{Defect, on};
use domain::{FailureClass, Outcome, Tie};
use types::{Reason, Rounding, Rupiah, Sn};
use wire::{Loose, LooseObject, foreign_json};

/// What was said.
pub(super) struct Said {
    pub(super) ref_id: String,
    customer_no: String,
    status: String,
    message: String,
    rc: String,
    sn: String,
    /// What it took; a part of a rupiah counts as a whole one.
    pub(super) price: Option<Rupiah>,
    /// What is left there; a part of a rupiah counts as none.
    pub(super) saldo: Option<Rupiah>,
}

/// Where an answer came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On the connection of the purchase, with this HTTP status.
    Purchase(u16),
    /// On the connection of a resend, with this HTTP status.
    Resend(u16),
    /// By a webhook.
    Webhook,
}

impl Place {
    /// The answer to the very first request.
    const fn is_first(self) -> bool {
        matches!(self, Self::Purchase(_))
    }

    /// What kept a server from answering says nothing, whatever stands in the body.
    fn speaks(self) -> bool {
        match self {
            Self::Purchase(status) | Self::Resend(status) => {
                (200..300).contains(&status)
                    || ((400..500).contains(&status) && !matches!(status, 408 | 429))
            }
            Self::Webhook => true,
        }
    }

    fn is_error(self) -> bool {
        match self {
            Self::Purchase(status) | Self::Resend(status) => !(200..300).contains(&status),
            Self::Webhook => false,
        }
    }
}

impl Said {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let json = foreign_json(text.as_bytes());
        let envelope = LooseObject::read(&json)?;
        let data = LooseObject::read(envelope.json("data").ok_or("there is no `data`")?)?;
        let text = |name: &str| data.get(name).text();
        let rc = match data.get("rc") {
            // A number has lost the zeros in front.
            number @ Loose::Number(_) => format!("{:0>2}", number.text()),
            other @ (Loose::Nothing | Loose::Text(_) | Loose::Truth(_) | Loose::Other) => {
                other.text()
            }
        };
        if on(Defect::StrictJson) && text("buyer_last_saldo").contains('.') {
            return Err("invalid type: floating point".to_owned());
        }
        let amount = |name: &str, rounding| data.get(name).amount(rounding).ok().flatten();
        Ok(Self {
            ref_id: text("ref_id"),
            customer_no: text("customer_no"),
            status: text("status"),
            message: text("message"),
            rc,
            sn: text("sn"),
            price: amount("price", Rounding::Up),
            saldo: amount("buyer_last_saldo", Rounding::Down),
        })
    }

    /// The serial number, when it is one.
    fn sn(&self, ask: &Ask) -> Option<Sn> {
        crate::evidence::serial(&self.sn, ask, &self.ref_id)
    }
}

/// Digits and letters that tell one number from another: numbers in JSON lose zeros in front, and
/// a phone number may be told with its country.
fn significant(number: &str) -> String {
    let bare: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    let bare = bare.to_ascii_lowercase();
    let bare = bare.trim_start_matches('0');
    match bare.strip_prefix("62") {
        Some(rest) if rest.len() >= 8 => rest.trim_start_matches('0').to_owned(),
        Some(_) | None => bare.to_owned(),
    }
}

/// True when it is clearly another number: a masked one is not.
fn is_another(told: &str, ours: &str) -> bool {
    let masked = told.contains(['*', '#']) || told.to_ascii_lowercase().contains("xxx");
    !told.is_empty() && !masked && significant(told) != significant(ours)
}

/// What an answer or a webhook says of this purchase, whose reference is `ours`.
pub(super) fn outcome(ask: &Ask, ours: &str, text: &str, place: Place) -> Outcome {
    let shown = || text.chars().take(300).collect::<String>();
    let unknown = |why: &str| Outcome::Unknown { why: format!("{why}: {}", shown()) };
    if !place.speaks() {
        return unknown("an error of the server");
    }
    let said = match Said::read(text) {
        Ok(said) => said,
        Err(why) => return unknown(&format!("not understood ({why})")),
    };
    let class = rc_class(&said.rc, !place.is_first());
    let word = said.status.to_lowercase();
    let named = said.ref_id == ours;
    // Refused before a transaction was made, an answer may name none; and only the connection of the
    // purchase itself ties it to us then.
    let nameless = said.ref_id.is_empty()
        && class == RcClass::Nothing
        && place.is_first()
        && !place.is_error();
    let tie = if named { Tie::Reference } else { Tie::Connection };
    let failed = |class| Outcome::Failed {
        class,
        reason: Reason::clean(wire::for_others(&said.message)),
        tie,
    };
    let decided = match (class, word.as_str()) {
        (RcClass::Success, "sukses") => {
            let cost = said.price.filter(|price| *price > Rupiah::ZERO);
            Outcome::Success { sn: said.sn(ask), cost, tie }
        }
        (RcClass::Pending, "pending") => Outcome::Pending,
        (RcClass::Number, "gagal") => failed(FailureClass::Number),
        (RcClass::Route | RcClass::Nothing, "gagal") => failed(FailureClass::Route),
        (RcClass::Nothing, "") if !place.is_error() => failed(FailureClass::Route),
        // Contradictions, refusals of a resend, and codes nobody knows: ask.
        (
            RcClass::Success
            | RcClass::Pending
            | RcClass::Number
            | RcClass::Route
            | RcClass::Nothing
            | RcClass::Ask,
            _,
        ) => return unknown(&format!("rc {} with status {}", said.rc, said.status)),
    };
    let doubt = if !named && !nameless {
        "it does not name our reference"
    } else if is_another(&said.customer_no, ask.dest.as_str()) {
        if named && place.is_first() {
            return Outcome::Doubtful { why: format!("{TAKEN} another number: {}", shown()) };
        }
        "it is about another number"
    } else {
        return decided;
    };
    match decided {
        Outcome::Success { .. } | Outcome::Failed { .. } => {
            Outcome::Doubtful { why: format!("{doubt}: {}", shown()) }
        }
        Outcome::Pending
        | Outcome::Doubtful { .. }
        | Outcome::Unknown { .. }
        | Outcome::Unsent { .. }
        | Outcome::Held { .. } => unknown(doubt),
    }
}
