//! The text protocol upstream: OkeConnect, OtomaX centers, another Gerbang.

use crate::{About, Ask, CheckLimits, Inbound, Movement, PriceList, Refs, Reply, Request};
use crate::{SupplierPrice, reasons};
use domain::{FailureClass, Outcome, Tie};
use serde::{Deserialize, Serialize};
use types::{Reason, RefId, Rounding, Rupiah, Sku};
use wire::{Account, Answer, AskUrl, Reading, Status, Wanted, read, read_price_list};

/// Our account there. No `Debug`: it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `https://h2h.okeconnect.com`, without `/trx`.
    pub base: String,
    /// Our member code.
    pub member: String,
    /// Transaction PIN.
    pub pin: String,
    /// H2H password.
    pub password: String,
    /// Send `sign` instead of PIN and password.
    #[serde(default)]
    pub signed: bool,
    /// Id of the price list, for synchronisation.
    #[serde(default)]
    pub list_id: String,
    /// Where the price list lives when it is not at `base`.
    #[serde(default)]
    pub list_base: String,
    /// Goes in front of every reference of ours.
    #[serde(default)]
    pub ref_prefix: String,
    /// Tell our cost as `hargamax`.
    #[serde(default)]
    pub limit_price: bool,
    /// "TIDAK ADA transaksi" proves that the purchase was never taken. True for a Gerbang upstream,
    /// false for centers that look back only a day.
    #[serde(default)]
    pub no_data_is_proof: bool,
    /// But only this long after sending: a request of ours may still be under way before.
    #[serde(default = "proof_after_seconds")]
    pub proof_after_seconds: u32,
}

const fn proof_after_seconds() -> u32 {
    60
}

impl Settings {
    /// An account with everything else as it is when nothing is said of it.
    #[must_use]
    pub fn new(base: &str, member: &str, pin: &str, password: &str) -> Self {
        Self {
            base: base.to_owned(),
            member: member.to_owned(),
            pin: pin.to_owned(),
            password: password.to_owned(),
            signed: false,
            list_id: String::new(),
            list_base: String::new(),
            ref_prefix: String::new(),
            limit_price: false,
            no_data_is_proof: false,
            proof_after_seconds: proof_after_seconds(),
        }
    }
}

/// The connector.
pub struct Connector {
    account: Account,
    prices: Account,
    settings: Settings,
    refs: Refs,
}

impl Connector {
    /// Checks the settings.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(settings: Settings) -> Result<Self, String> {
        let Settings { base, member, pin, password, .. } = &settings;
        let account = Account::plain(base, member, pin, password);
        let account = account.map_err(|error| error.to_string())?;
        let account = if settings.signed { account.signed() } else { account };
        let prices = Account {
            base: if settings.list_base.is_empty() {
                settings.base.clone()
            } else {
                settings.list_base.clone()
            },
            ..account.clone()
        };
        let refs = Refs::new(&settings.ref_prefix);
        Ok(Self { account, prices, settings, refs })
    }

    fn wanted(&self, ask: &Ask) -> Result<Wanted, String> {
        let ref_id = RefId::parse(&self.refs.make(ask.attempt)).map_err(|e| e.to_string())?;
        Ok(Wanted {
            product: ask.sku.as_str().to_uppercase(),
            dest: ask.dest.clone(),
            ref_id,
            qty: ask.qty,
            harga_max: self.settings.limit_price.then_some(ask.cost),
        })
    }

    /// What a text says of this purchase.
    fn answer(&self, ask: &Ask, text: &str) -> Answer {
        Answer::about(text, &self.refs.make(ask.attempt), &ask.dest)
    }

    /// "No data" proves something: this supplier knows all it ever took, and no request of ours can
    /// be under way any more.
    fn is_proof(&self, ask: &Ask) -> bool {
        let patience_ms = i64::from(self.settings.proof_after_seconds) * 1_000;
        let late = ask.sent.is_some_and(|sent| ask.asked.utc.since(sent.utc) > patience_ms);
        self.settings.no_data_is_proof && late
    }

    fn unknown(reply: &Reply) -> Outcome {
        let text: String = reply.body.chars().take(200).collect();
        Outcome::Unknown { why: format!("status {}, not understood: {text}", reply.status) }
    }
}

fn get(url: AskUrl) -> Request {
    Request { method: "GET", url: url.url, redacted: url.redacted, ..Request::default() }
}

/// The text of a 503 of this family's servers that wrote nothing.
const BUSY: &str = "Sistem sibuk, ulangi dengan refID yang sama";

impl crate::Connector for Connector {
    fn buy(&self, ask: &Ask) -> Result<Request, String> {
        Ok(get(self.account.buy(&self.wanted(ask)?)))
    }

    fn check(&self, ask: &Ask) -> Result<Request, String> {
        Ok(get(self.account.check(&self.wanted(ask)?)))
    }

    fn read_buy(&self, ask: &Ask, reply: &Reply) -> Outcome {
        if reply.status == 503 && reply.body.trim() == BUSY {
            let reason = Reason::clean("supplier sibuk");
            return Outcome::Failed { class: FailureClass::Route, reason, tie: Tie::Reference };
        }
        if reply.status != 200 {
            return Self::unknown(reply);
        }
        match self.answer(ask, &reply.body) {
            Answer::Pending => Outcome::Pending,
            Answer::Success { sn, price } => {
                Outcome::Success { sn: Some(sn), cost: price, tie: Tie::Reference }
            }
            Answer::Failed { reason } => reasons::failed(&reason),
            // Refused before it was looked at: a PIN, an address, a limit. Nothing happened.
            Answer::Refused { reason } => Outcome::Failed {
                class: FailureClass::Route,
                reason: Reason::clean(&reason),
                tie: Tie::Reference,
            },
            Answer::NoData | Answer::Unknown => Self::unknown(reply),
        }
    }

    fn read_check(&self, ask: &Ask, reply: &Reply) -> Outcome {
        if reply.status != 200 {
            return Self::unknown(reply);
        }
        match self.answer(ask, &reply.body) {
            Answer::Pending => Outcome::Pending,
            Answer::Success { sn, price } => {
                Outcome::Success { sn: Some(sn), cost: price, tie: Tie::Reference }
            }
            Answer::Failed { reason } => reasons::failed(&reason),
            Answer::NoData if self.is_proof(ask) => Outcome::Failed {
                class: FailureClass::Route,
                reason: Reason::clean("tidak pernah diterima supplier"),
                tie: Tie::Reference,
            },
            // An error about us says nothing of the purchase; "no data" may look back a day only.
            Answer::Refused { .. } | Answer::NoData | Answer::Unknown => Self::unknown(reply),
        }
    }

    fn check_limits(&self) -> CheckLimits {
        CheckLimits::default()
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<About, String> {
        let (reference, _) = wire::callback_query(inbound.query.as_bytes())
            .or_else(|| wire::callback_query(inbound.body.as_bytes()))
            .ok_or("refid or message is missing")?;
        let ours = self.refs.read(&reference).map(About::Attempt);
        ours.ok_or_else(|| format!("refid {reference} is not ours"))
    }

    fn read_callback(&self, ask: &Ask, inbound: &Inbound) -> Outcome {
        let message = wire::callback_query(inbound.query.as_bytes())
            .or_else(|| wire::callback_query(inbound.body.as_bytes()))
            .map(|(_, message)| message)
            .unwrap_or_default();
        match self.answer(ask, &message) {
            Answer::Success { sn, price } => {
                Outcome::Success { sn: Some(sn), cost: price, tie: Tie::Reference }
            }
            Answer::Failed { reason } => reasons::failed(&reason),
            Answer::Pending | Answer::Refused { .. } | Answer::NoData | Answer::Unknown => {
                Outcome::Unknown { why: format!("callback not understood: {message}") }
            }
        }
    }

    fn balance(&self) -> Option<Request> {
        Some(get(self.account.balance()))
    }

    fn read_balance(&self, reply: &Reply) -> Result<Rupiah, String> {
        let reading = read(&reply.body);
        match (reading.status, reading.balance) {
            (Status::Balance, Some(balance)) => Ok(balance),
            _ => Err(format!("status {}: {}", reply.status, reply.body)),
        }
    }

    fn prices(&self) -> Option<Request> {
        let id = self.settings.list_id.as_str();
        (!id.is_empty()).then(|| get(self.prices.prices(id)))
    }

    fn read_prices(&self, reply: &Reply) -> Result<PriceList, String> {
        if reply.status != 200 {
            return Err(format!("status {}", reply.status));
        }
        let wire::PriceRows { rows, odd } = read_price_list(reply.body.as_bytes())?;
        let mut list = PriceList { rows: Vec::with_capacity(rows.len()), odd };
        for row in rows {
            // A part of a rupiah costs a whole one.
            let sku = Sku::parse(&row.kode).map_err(|error| error.to_string());
            let price = Rupiah::read(&row.harga, Rounding::Up);
            match (sku, price) {
                (Ok(sku), Ok(price)) => list.rows.push(SupplierPrice {
                    sku,
                    price,
                    open: row.status == "1",
                    name: wire::clean_name(&row.keterangan),
                    cut_off: None,
                }),
                (Err(why), _) => list.odd.push(format!("{}: {why}", wire::clean_name(&row.kode))),
                (Ok(sku), Err(why)) => list.odd.push(format!("{sku}: harga: {why}")),
            }
        }
        Ok(list)
    }

    fn movement(&self, text: &str) -> Option<Movement> {
        let reading = read(text);
        let Reading { before, price, balance, .. } = reading;
        Some(Movement { before, price, after: balance? })
    }

    fn told(&self, inbound: &Inbound) -> Option<Movement> {
        let (_, message) = wire::callback_query(inbound.query.as_bytes())
            .or_else(|| wire::callback_query(inbound.body.as_bytes()))?;
        // A success repeats the movement of its purchase, which is known; a refund tells a balance.
        let movement = self.movement(&message)?;
        movement.before.is_none().then_some(movement)
    }
}
