//! Digiflazz, buyer side: JSON with an md5 sign; status by resending the same top-up.
//!
//! Resending has two limits that are kept here and by the engine: never closer than a minute (a
//! race at their side may buy twice), never after 90 days (it becomes a new purchase).

use crate::{
    Ask, CheckLimits, Explained, Heard, Inbound, Movement, Refs, Reply, Request, SupplierPrice,
};
use domain::{FailureClass, Outcome, Tie};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::Sha1;
use types::{AttemptId, Reason, Rupiah, Sku, Sn};

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

/// What a response code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RcClass {
    /// Delivered.
    Success,
    /// They are working on it.
    Pending,
    /// Final: the number.
    Number,
    /// Final: something else; another supplier may deliver.
    Route,
    /// No transaction was created by this request.
    Nothing,
    /// Refused before any look-up: on a resend it says nothing of the first request.
    Caller,
    /// Ask again, or a person.
    Ask,
}

/// The table of response codes.
#[must_use]
pub fn rc_class(rc: &str) -> RcClass {
    match rc {
        "00" => RcClass::Success,
        "03" | "99" => RcClass::Pending,
        "51" | "52" | "54" | "57" | "59" | "60" | "72" | "73" => RcClass::Number,
        "01" | "02" | "53" | "55" | "58" | "64" | "67" | "70" | "71" | "74" => RcClass::Route,
        "43" | "44" | "47" | "56" | "61" | "62" | "63" | "65" | "66" | "68" | "69" | "80"
        | "81" | "82" => RcClass::Nothing,
        "40" | "41" | "42" | "45" => RcClass::Caller,
        // 49: the reference exists with other data. 50: not found, which may be a delay.
        _ => RcClass::Ask,
    }
}

/// The connector.
pub struct Connector {
    settings: Settings,
    refs: Refs,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    ref_id: String,
    #[serde(default)]
    customer_no: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    rc: String,
    #[serde(default)]
    sn: String,
    #[serde(default)]
    price: Option<i64>,
    #[serde(default)]
    buyer_last_saldo: Option<i64>,
}

#[derive(Deserialize)]
struct Envelope {
    data: Data,
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
        let refs = Refs::new(&settings.ref_prefix);
        Ok(Self { settings, refs })
    }

    fn sign(&self, of: &str) -> String {
        let Settings { username, api_key, .. } = &self.settings;
        let digest = Md5::digest(format!("{username}{api_key}{of}").as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
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

    fn read(&self, ask: &Ask, text: &str, again: bool) -> Outcome {
        let unknown = |why: &str| {
            let text: String = text.chars().take(300).collect();
            Outcome::Unknown { why: format!("{why}: {text}") }
        };
        let Ok(Envelope { data }) = serde_json::from_str(text) else {
            return unknown("not understood");
        };
        let class = rc_class(&data.rc);
        let about_us = matches!(class, RcClass::Caller | RcClass::Nothing);
        let named = !data.ref_id.is_empty() || !data.customer_no.is_empty();
        let fits = (data.ref_id.is_empty() || data.ref_id == self.refs.make(ask.attempt))
            && (data.customer_no.is_empty() || data.customer_no == ask.dest.as_str());
        if !fits || (!named && !about_us) {
            return unknown("about another purchase");
        }
        let reason = || Reason::clean(&data.message);
        let failed = |class| Outcome::Failed { class, reason: reason(), tie: Tie::Reference };
        let cost = data.price.filter(|price| *price > 0).map(Rupiah::new);
        let word = data.status.to_lowercase();
        match (class, word.as_str()) {
            (RcClass::Success, "sukses") => {
                let sn = Sn::parse(&data.sn).or_else(|_| Sn::parse(&data.ref_id));
                sn.map_or_else(
                    |_| unknown("no SN"),
                    |sn| Outcome::Success { sn: Some(sn), cost, tie: Tie::Reference },
                )
            }
            (RcClass::Pending, "pending") => Outcome::Pending,
            (RcClass::Number, "gagal") => failed(FailureClass::Number),
            (RcClass::Route | RcClass::Nothing, "gagal") => failed(FailureClass::Route),
            (RcClass::Caller, _) if !again => failed(FailureClass::Route),
            // Contradictions, refusals of us on a resend, and codes nobody knows: ask.
            (
                RcClass::Success
                | RcClass::Pending
                | RcClass::Number
                | RcClass::Route
                | RcClass::Nothing
                | RcClass::Caller
                | RcClass::Ask,
                _,
            ) => unknown(&format!("rc {} with status {}", data.rc, data.status)),
        }
    }
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
            Heard::Buy(reply) => self.read_buy(ask, reply),
            Heard::Check(reply) => self.read_check(ask, reply),
            Heard::Callback(inbound) => self.read_callback(ask, inbound),
        };
        Explained { outcome, fields: Vec::new(), decided_by: "code and status".to_owned() }
    }

    fn callback_of(&self, _: &Ask, text: &str) -> Inbound {
        Inbound { body: text.to_owned(), ..Inbound::default() }
    }

    fn read_buy(&self, ask: &Ask, reply: &Reply) -> Outcome {
        self.read(ask, &reply.body, false)
    }

    fn read_check(&self, ask: &Ask, reply: &Reply) -> Outcome {
        self.read(ask, &reply.body, true)
    }

    fn check_limits(&self) -> CheckLimits {
        CheckLimits { spacing_ms: SPACING_MS, age_most_ms: Some(AGE_MOST_MS) }
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<AttemptId, String> {
        if !self.settings.webhook_secret.is_empty() {
            let sent = inbound.header("x-hub-signature").unwrap_or_default();
            let sent = sent.strip_prefix("sha1=").unwrap_or_default();
            let key = self.settings.webhook_secret.as_bytes();
            let mut mac = Hmac::<Sha1>::new_from_slice(key).map_err(|error| error.to_string())?;
            mac.update(inbound.body.as_bytes());
            let bytes = unhex(sent).ok_or("the signature is missing")?;
            mac.verify_slice(&bytes).map_err(|_| "the signature is wrong")?;
        }
        let Envelope { data } =
            serde_json::from_str(&inbound.body).map_err(|error| error.to_string())?;
        self.refs.read(&data.ref_id).ok_or_else(|| format!("ref_id {} is not ours", data.ref_id))
    }

    fn read_callback(&self, ask: &Ask, inbound: &Inbound) -> Outcome {
        self.read(ask, &inbound.body, true)
    }

    fn balance(&self) -> Option<Request> {
        Some(self.post("/cek-saldo", json!({"cmd": "deposit"}), "depo"))
    }

    fn read_balance(&self, reply: &Reply) -> Result<Rupiah, String> {
        let value: Value = serde_json::from_str(&reply.body).map_err(|error| error.to_string())?;
        let deposit = value["data"]["deposit"].as_i64();
        deposit.map(Rupiah::new).ok_or_else(|| format!("no deposit in {}", reply.body))
    }

    fn prices(&self) -> Option<Request> {
        Some(self.post("/price-list", json!({"cmd": "prepaid"}), "pricelist"))
    }

    fn read_prices(&self, reply: &Reply) -> Result<Vec<SupplierPrice>, String> {
        #[derive(Deserialize)]
        struct Row {
            product_name: String,
            buyer_sku_code: String,
            price: i64,
            buyer_product_status: bool,
            seller_product_status: bool,
            #[serde(default)]
            start_cut_off: String,
            #[serde(default)]
            end_cut_off: String,
        }
        #[derive(Deserialize)]
        struct List {
            data: Vec<Row>,
        }
        let list: List = serde_json::from_str(&reply.body).map_err(|error| {
            format!("{error}: {}", reply.body.chars().take(200).collect::<String>())
        })?;
        let price = |row: Row| {
            Some(SupplierPrice {
                sku: Sku::parse(&row.buyer_sku_code).ok()?,
                name: row.product_name,
                price: Rupiah::new(row.price),
                open: row.buyer_product_status && row.seller_product_status,
                // `0:0` to `0:0` is no window.
                cut_off: format!("{}-{}", row.start_cut_off, row.end_cut_off).parse().ok(),
            })
        };
        Ok(list.data.into_iter().filter_map(price).collect())
    }

    fn movement(&self, text: &str) -> Option<Movement> {
        let Envelope { data } = serde_json::from_str(text).ok()?;
        let (after, price) = (Rupiah::new(data.buyer_last_saldo?), Rupiah::new(data.price?));
        // Its balance may be older than the purchase, so nothing is computed from it.
        Some(Movement { before: None, price: Some(price), after })
    }

    fn told(&self, inbound: &Inbound) -> Option<Movement> {
        self.movement(&inbound.body)
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}
