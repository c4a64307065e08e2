//! The text protocol upstream: OkeConnect, OtomaX centers, another Gerbang.

use crate::evidence::{Case, Said, Way, decide, unknown};
use crate::reasons::{Reasons, claim};
use crate::{
    About, Ask, CheckLimits, Explained, Failures, Heard, Inbound, Movement, PriceList, Refs, Reply,
    Request, SupplierPrice,
};
use defects::{Defect, on};
use domain::{Epochs, FailureClass, Outcome, Tie};
use serde::{Deserialize, Serialize};
use types::{Dest, Reason, RefId, Rounding, Rupiah, Sku};
use wire::{Account, AskUrl, Reading, Status, Wanted, read, read_price_list};

/// How the n-th equal purchase of a day is told to a center that guards against the same twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Not at all.
    #[default]
    None,
    /// `counter=2`, from the second on.
    Parameter,
    /// In front of the destination, `2.0812..` (`CODE.2.DEST`), from the second on.
    Code,
}

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
    /// Restores of the business; never part of what is stored.
    #[serde(skip)]
    pub epochs: Epochs,
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
    /// How the n-th equal purchase of a day is told.
    #[serde(default)]
    pub counter: Counter,
    /// Words of failures that are certain there, beside the lists of the program.
    #[serde(default)]
    pub failures: Failures,
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
            epochs: Epochs::default(),
            limit_price: false,
            no_data_is_proof: false,
            proof_after_seconds: proof_after_seconds(),
            counter: Counter::None,
            failures: Failures::default(),
        }
    }
}

/// The connector.
pub struct Connector {
    account: Account,
    prices: Account,
    settings: Settings,
    refs: Refs,
    reasons: Reasons,
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
        let refs = Refs::new(&settings.ref_prefix, &settings.epochs);
        let reasons = Reasons::new(&settings.failures);
        Ok(Self { account, prices, settings, refs, reasons })
    }

    fn wanted(&self, ask: &Ask) -> Result<Wanted, String> {
        let ref_id = RefId::parse(&self.refs.make(ask.attempt)).map_err(|e| e.to_string())?;
        let dest = match self.settings.counter {
            Counter::Code if ask.counter > 1 => {
                Dest::parse(&format!("{}.{}", ask.counter, ask.dest))
                    .map_err(|error| error.to_string())?
            }
            Counter::None | Counter::Parameter | Counter::Code => ask.dest.clone(),
        };
        Ok(Wanted {
            product: ask.sku.as_str().to_uppercase(),
            dest,
            ref_id,
            qty: ask.qty,
            harga_max: self.settings.limit_price.then_some(ask.cost),
        })
    }

    /// The URL with the counter, where the center wants one.
    fn counted(&self, ask: &Ask, mut asked: AskUrl) -> Request {
        match self.settings.counter {
            Counter::Parameter if ask.counter > 1 => {
                let counter = format!("&counter={}", ask.counter);
                asked.url.push_str(&counter);
                asked.redacted.push_str(&counter);
            }
            Counter::None | Counter::Parameter | Counter::Code => {}
        }
        get(asked)
    }

    fn case<'a>(&'a self, ask: &'a Ask, way: Way, text: &'a str) -> Case<'a> {
        Case {
            ask,
            reference: self.refs.make(ask.attempt),
            way,
            text,
            reasons: &self.reasons,
            no_data_is_proof: self.is_proof(ask),
        }
    }

    fn replied(&self, ask: &Ask, way: Way, reply: &Reply) -> Explained {
        if reply.status != 200 {
            return refused_by_http(reply);
        }
        decide(&self.case(ask, way, &reply.body), &Said::of(read(&reply.body)))
    }

    fn called(&self, ask: &Ask, inbound: &Inbound) -> Explained {
        let Some((beside, message)) = query(inbound) else {
            return Explained {
                outcome: unknown("refid or message is missing", &inbound.query),
                fields: Vec::new(),
                decided_by: "the shape of the callback".to_owned(),
            };
        };
        let mut said = Said::of(read(&message));
        said.refs.push(beside);
        let status = [&inbound.query, &inbound.body].into_iter().find_map(|part| {
            let mut fields = form_urlencoded::parse(part.as_bytes());
            fields.find(|(name, _)| name.eq_ignore_ascii_case("status"))
        });
        said.claim = said.claim.or_else(|| claim(&status?.1));
        decide(&self.case(ask, Way::Callback, &message), &said)
    }

    /// "No data" proves something: this supplier knows all it ever took, and no request of ours can
    /// be under way any more.
    fn is_proof(&self, ask: &Ask) -> bool {
        let patience_ms = i64::from(self.settings.proof_after_seconds).saturating_mul(1_000);
        self.settings.no_data_is_proof && ask.sent.is_some() && ask.waited_ms > patience_ms
    }
}

/// A reply with a status that says nothing of a purchase, whatever its text.
pub(crate) fn refused_by_http(reply: &Reply) -> Explained {
    let busy = reply.status == 503 && on(Defect::BusyIsNotTaken);
    Explained {
        outcome: if busy {
            let (class, reason) = (FailureClass::Route, Reason::clean("sibuk"));
            Outcome::Failed { class, reason, tie: Tie::Connection }
        } else {
            unknown(&format!("HTTP status {}", reply.status), &reply.body)
        },
        fields: Vec::new(),
        decided_by: "the HTTP status".to_owned(),
    }
}

/// Reference and text of a callback.
fn query(inbound: &Inbound) -> Option<(String, String)> {
    wire::callback_query(inbound.query.as_bytes())
        .or_else(|| wire::callback_query(inbound.body.as_bytes()))
}

fn get(url: AskUrl) -> Request {
    Request { method: "GET", url: url.url, redacted: url.redacted, ..Request::default() }
}

impl crate::Connector for Connector {
    fn buy(&self, ask: &Ask) -> Result<Request, String> {
        Ok(self.counted(ask, self.account.buy(&self.wanted(ask)?)))
    }

    fn check(&self, ask: &Ask) -> Result<Request, String> {
        Ok(self.counted(ask, self.account.check(&self.wanted(ask)?)))
    }

    fn explain(&self, ask: &Ask, heard: Heard<'_>) -> Explained {
        match heard {
            Heard::Buy(reply) => self.replied(ask, Way::Buy, reply),
            Heard::Check(reply) => self.replied(ask, Way::Check, reply),
            Heard::Callback(inbound) => self.called(ask, inbound),
        }
    }

    fn callback_of(&self, ask: &Ask, text: &str) -> Inbound {
        let whole = Inbound { query: text.to_owned(), ..Inbound::default() };
        if query(&whole).is_some() {
            return whole;
        }
        let url = wire::callback_url("http://localhost/", &self.refs.make(ask.attempt), text);
        let query = url.split_once('?').map_or("", |(_, query)| query).to_owned();
        Inbound { query, ..Inbound::default() }
    }

    fn check_limits(&self) -> CheckLimits {
        CheckLimits::default()
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<About, String> {
        let (reference, _) = query(inbound).ok_or("refid or message is missing")?;
        self.refs.about(&reference)
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
        let (_, message) = query(inbound)?;
        // A success repeats the movement of its purchase, which is known; a refund tells a balance.
        let movement = self.movement(&message)?;
        movement.before.is_none().then_some(movement)
    }
}
