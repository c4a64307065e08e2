//! Digiflazz, buyer side: JSON with an md5 sign; status by resending the same top-up.
//!
//! Resending has two limits that are kept here and by the engine: never closer than a minute (a
//! race at their side may buy twice), never after 90 days (it becomes a new purchase).

mod answer;
mod codes;
mod prices;

pub use codes::{RcClass, rc_class};

use crate::{
    About, Ask, CheckLimits, Explained, Heard, Inbound, Movement, PriceList, Refs, Reply, Request,
};
use answer::{Place, Said};
use domain::{Epochs, Outcome};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::Sha1;
use types::{Rounding, Rupiah};
use wire::{Loose, LooseObject, foreign_json};

/// Our account there. No `Debug`: it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// API base.
    #[serde(default = "base")]
    pub base: String,
    /// User name.
    pub username: String,
    /// Production or development key.
    pub api_key: String,
    /// Their test mode; needs the development key.
    #[serde(default)]
    pub testing: bool,
    /// Secret of their webhook; callbacks without a right signature are refused.
    #[serde(default)]
    pub webhook_secret: String,
    /// Tell our cost as `max_price`.
    #[serde(default = "yes")]
    pub limit_price: bool,
    /// Goes in front of every reference of ours.
    #[serde(default)]
    pub ref_prefix: String,
    /// Restores of the business; never part of what is stored.
    #[serde(skip)]
    pub epochs: Epochs,
}

fn base() -> String {
    "https://api.digiflazz.com/v1".to_owned()
}

const fn yes() -> bool {
    true
}

/// Never ask closer together.
const SPACING_MS: i64 = 60_000;
/// Never ask about older ones; a day less than their 90.
const AGE_MOST_MS: i64 = 89 * 24 * 3_600_000;

/// The connector.
pub struct Connector {
    settings: Settings,
    refs: Refs,
}

impl Connector {
    /// With these settings.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(settings: Settings) -> Result<Self, String> {
        if settings.username.is_empty() || settings.api_key.is_empty() {
            return Err("username and api_key must not be empty".to_owned());
        }
        let refs = Refs::new(&settings.ref_prefix, &settings.epochs);
        Ok(Self { settings, refs })
    }

    fn sign(&self, of: &str) -> String {
        let Settings { username, api_key, .. } = &self.settings;
        types::hex(Md5::digest(format!("{username}{api_key}{of}").as_bytes()))
    }

    fn post(&self, path: &str, mut body: Value, of: &str) -> Request {
        body["username"] = json!(self.settings.username);
        body["sign"] = json!("***");
        let url = format!("{}{path}", self.settings.base.trim_end_matches('/'));
        let redacted = format!("{url} {body}");
        body["sign"] = json!(self.sign(of));
        Request {
            method: "POST",
            url,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string(),
            redacted,
        }
    }

    /// The purchase and, identical, the question about it.
    fn topup(&self, ask: &Ask) -> Result<Request, String> {
        if ask.qty.is_some() {
            return Err("this connector has no open denominations".to_owned());
        }
        let reference = self.refs.make(ask.attempt);
        let mut body = json!({
            "buyer_sku_code": ask.sku.as_str(),
            "customer_no": ask.dest.as_str(),
            "ref_id": reference,
        });
        if self.settings.testing {
            body["testing"] = json!(true);
        }
        if self.settings.limit_price {
            body["max_price"] = json!(ask.cost.get());
        }
        Ok(self.post("/transaction", body, &reference))
    }

    fn read(&self, ask: &Ask, text: &str, place: Place) -> Outcome {
        answer::outcome(ask, &self.refs.make(ask.attempt), text, place)
    }

    /// A stranger's webhook is none.
    fn verify(&self, inbound: &Inbound) -> Result<(), String> {
        if self.settings.webhook_secret.is_empty() {
            return Ok(());
        }
        let sent = inbound.header("x-hub-signature").unwrap_or_default();
        let sent = sent.strip_prefix("sha1=").unwrap_or_default();
        let key = self.settings.webhook_secret.as_bytes();
        let mut mac = Hmac::<Sha1>::new_from_slice(key).map_err(|error| error.to_string())?;
        mac.update(inbound.body.as_bytes());
        let bytes = types::unhex(sent)
            .filter(|bytes| !bytes.is_empty())
            .ok_or("the signature is missing")?;
        mac.verify_slice(&bytes).map_err(|_| "the signature is wrong".to_owned())
    }
}

/// True for what they send to try an address out; it is about no purchase.
fn is_ping(inbound: &Inbound) -> bool {
    let event = inbound.header("x-digiflazz-event").unwrap_or_default();
    if event.trim().eq_ignore_ascii_case("ping") {
        return true;
    }
    let json = foreign_json(inbound.body.as_bytes());
    let Ok(object) = LooseObject::read(&json) else { return false };
    let bare = object.get("data") == Loose::Nothing && object.get("hook_id") != Loose::Nothing;
    bare || object.get("data").text().eq_ignore_ascii_case("ping")
}

impl crate::Connector for Connector {
    fn buy(&self, ask: &Ask) -> Result<Request, String> {
        self.topup(ask)
    }

    fn check(&self, ask: &Ask) -> Result<Request, String> {
        self.topup(ask)
    }

    fn explain(&self, ask: &Ask, heard: Heard<'_>) -> Explained {
        let outcome = match heard {
            Heard::Buy(reply) => self.read(ask, &reply.body, Place::Purchase(reply.status)),
            Heard::Check(reply) => self.read(ask, &reply.body, Place::Resend(reply.status)),
            Heard::Callback(inbound) => self.read(ask, &inbound.body, Place::Webhook),
        };
        Explained { outcome, fields: Vec::new(), decided_by: "code and status".to_owned() }
    }

    fn callback_of(&self, _: &Ask, text: &str) -> Inbound {
        Inbound { body: text.to_owned(), ..Inbound::default() }
    }

    fn check_limits(&self) -> CheckLimits {
        CheckLimits { spacing_ms: SPACING_MS, age_most_ms: Some(AGE_MOST_MS) }
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<About, String> {
        self.verify(inbound)?;
        let said = Said::read(&inbound.body);
        let about = said.and_then(|said| self.refs.about(&said.ref_id));
        match about {
            Err(_) if is_ping(inbound) => Ok(About::Greeting),
            about => about,
        }
    }

    fn balance(&self) -> Option<Request> {
        Some(self.post("/cek-saldo", json!({"cmd": "deposit"}), "depo"))
    }

    fn read_balance(&self, reply: &Reply) -> Result<Rupiah, String> {
        let shown: String = reply.body.chars().take(200).collect();
        let json = foreign_json(reply.body.as_bytes());
        let data = LooseObject::read(&json).ok().and_then(|envelope| envelope.json("data"));
        let data = data.and_then(|data| LooseObject::read(data).ok());
        // A part of a rupiah there buys nothing.
        let deposit = data.map(|data| data.get("deposit").amount(Rounding::Down));
        match deposit {
            Some(Ok(Some(deposit))) if reply.status == 200 => Ok(deposit),
            Some(Ok(_) | Err(_)) | None => {
                Err(format!("status {}, no deposit in {shown}", reply.status))
            }
        }
    }

    fn prices(&self) -> Option<Request> {
        Some(self.post("/price-list", json!({"cmd": "prepaid"}), "pricelist"))
    }

    fn read_prices(&self, reply: &Reply) -> Result<PriceList, String> {
        if reply.status >= 500 {
            return Err(format!("status {}", reply.status));
        }
        prices::read(&reply.body)
    }

    fn movement(&self, text: &str) -> Option<Movement> {
        let said = Said::read(text).ok()?;
        // Its balance may be older than the purchase, so nothing is computed from it.
        Some(Movement { before: None, price: said.price, after: said.saldo? })
    }

    fn told(&self, inbound: &Inbound) -> Option<Movement> {
        self.movement(&inbound.body)
    }
}
