//! Any HTTP supplier by description: request templates and ordered reply rules.
//!
//! The first rule that matches says what a text means; with a rule set, the language of the family
//! reads what no rule matches. Whether those words are about the purchase is decided elsewhere, for
//! all connectors alike.

mod fill;
mod rules;
mod sets;

pub use rules::{Means, On, Rule};
pub use sets::RuleSet;

use crate::evidence::{Case, Said, Way, Word, decide};
use crate::okeconnect::refused_by_http;
use crate::reasons::{Claim, Reasons};
use crate::{
    About, Ask, CheckLimits, Explained, Failures, Heard, Inbound, Movement, PriceList, Refs, Reply,
    Request,
};
use domain::Epochs;
use fill::{Escape, Filler};
use rules::Rules;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use types::Rupiah;

/// One request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestTemplate {
    /// `GET` or `POST`.
    #[serde(default = "get")]
    pub method: String,
    /// With fields: `{sku} {SKU} {dest} {ref} {qty} {cost} {counter}`, values, secrets and signs.
    pub url: String,
    /// Headers; values may hold fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body; fields are escaped for JSON when it begins with `{`, else for a form.
    #[serde(default)]
    pub body: String,
}

fn get() -> String {
    "GET".to_owned()
}

/// How a sign is made of other fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// `md5`, `sha1`, `sha256` (hex), or `otomax` (base64url of sha1).
    pub algorithm: String,
    /// What is signed, with fields.
    pub of: String,
}

/// Where a callback holds what.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallbackFields {
    /// Parameter with our reference.
    pub reference: String,
    /// Parameter with the text that the rules read; empty: the whole body.
    pub text: String,
    /// Parameter with a status beside the text; empty: none. A status that says something else
    /// than the text makes it unknown.
    pub status: String,
    /// What it holds when the text must be a success.
    pub status_success: Vec<String>,
    /// What it holds when the text must be a failure.
    pub status_failed: Vec<String>,
    /// What it holds while the purchase is being worked on.
    pub status_pending: Vec<String>,
}

impl Default for CallbackFields {
    fn default() -> Self {
        Self { reference: "refid".to_owned(), text: "message".to_owned(), ..Self::none() }
    }
}

impl CallbackFields {
    /// A reply is its whole body.
    fn none() -> Self {
        Self {
            reference: String::new(),
            text: String::new(),
            status: String::new(),
            status_success: Vec::new(),
            status_failed: Vec::new(),
            status_pending: Vec::new(),
        }
    }

    fn parts(&self, query: &str, body: &str) -> Parts {
        let find = |name: &str| (!name.is_empty()).then(|| field(query, body, name)).flatten();
        let says = |list: &[String], status: &str| {
            list.iter().any(|known| known.trim().eq_ignore_ascii_case(status.trim()))
        };
        let claim = find(&self.status).filter(|status| !status.trim().is_empty()).map(|status| {
            if says(&self.status_success, &status) {
                Claim::Success
            } else if says(&self.status_failed, &status) {
                Claim::Failed(None)
            } else if says(&self.status_pending, &status) {
                Claim::Pending
            } else {
                Claim::Unlisted
            }
        });
        let text = find(&self.text).unwrap_or_else(|| body.to_owned());
        Parts { reference: find(&self.reference), text, claim }
    }
}

/// What stands beside a text, and the text.
struct Parts {
    reference: Option<String>,
    text: String,
    claim: Option<Claim>,
}

/// A field of a query, a form or a JSON object, in any case.
fn field(query: &str, body: &str, name: &str) -> Option<String> {
    [query.as_bytes(), body.as_bytes()]
        .into_iter()
        .flat_map(form_urlencoded::parse)
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
        .or_else(|| {
            let json: serde_json::Value = serde_json::from_str(body).ok()?;
            let found = json.get(name).or_else(|| json.get("data")?.get(name))?;
            found.as_str().map(str::to_owned).or_else(|| Some(found.to_string()))
        })
}

/// The description. No `Debug`: it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The purchase.
    pub buy: RequestTemplate,
    /// The question about it; many suppliers take the purchase again.
    pub check: Option<RequestTemplate>,
    /// Our deposit.
    pub balance: Option<RequestTemplate>,
    /// Fields of yours.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Fields that records must not show.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Fields that are computed.
    #[serde(default)]
    pub signs: BTreeMap<String, Sign>,
    /// A rule set that comes with Gerbang; own rules go first.
    pub rule_set: Option<RuleSet>,
    /// Rules in order.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Callbacks.
    #[serde(default)]
    pub callback: CallbackFields,
    /// Where a reply holds what, when it is a form or JSON; else it is its whole body.
    #[serde(default = "CallbackFields::none")]
    pub reply: CallbackFields,
    /// Words of failures that are certain there, beside the lists of the program.
    #[serde(default)]
    pub failures: Failures,
    /// Seconds between two questions, the purchase included.
    #[serde(default)]
    pub check_spacing_seconds: i64,
    /// Days after which a purchase may not be asked about.
    pub check_days_most: Option<i64>,
    /// Goes in front of every reference of ours.
    #[serde(default)]
    pub ref_prefix: String,
    /// Restores of the business; never part of what is stored.
    #[serde(skip)]
    pub epochs: Epochs,
}

impl Settings {
    /// True when a request or a sign names `{counter}`.
    #[must_use]
    pub fn counts(&self) -> bool {
        let named = |text: &str| text.contains("{counter}");
        let asks = |request: &RequestTemplate| {
            named(&request.url)
                || named(&request.body)
                || request.headers.values().any(|v| named(v))
        };
        asks(&self.buy)
            || self.check.as_ref().is_some_and(asks)
            || self.signs.values().any(|sign| named(&sign.of))
    }
}

/// The connector.
pub struct Connector {
    settings: Settings,
    rules: Rules,
    refs: Refs,
    reasons: Reasons,
}

impl Connector {
    /// Checks the description: templates name only known fields, rules compile.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn new(settings: Settings) -> Result<Self, String> {
        let mut all = settings.rules.clone();
        if let Some(set) = settings.rule_set {
            all.extend(set.rules());
        }
        let rules = Rules::new(&all)?;
        let refs = Refs::new(&settings.ref_prefix, &settings.epochs);
        let reasons = Reasons::new(&settings.failures);
        let connector = Self { settings, rules, refs, reasons };
        let templates = [
            ("buy", Some(&connector.settings.buy)),
            ("check", connector.settings.check.as_ref()),
            ("balance", connector.settings.balance.as_ref()),
        ];
        for (name, template) in templates {
            if let Some(template) = template {
                let filled = connector.fill(template, &connector.sample());
                filled.map_err(|why| format!("{name}: {why}"))?;
            }
        }
        Ok(connector)
    }

    /// Values for a trial, when the description is checked.
    fn sample(&self) -> BTreeMap<String, String> {
        ["sku", "SKU", "dest", "ref", "qty", "cost", "counter"]
            .into_iter()
            .map(|name| (name.to_owned(), "1".to_owned()))
            .collect()
    }

    fn fields(&self, ask: &Ask) -> BTreeMap<String, String> {
        let sku = ask.sku.as_str();
        [
            ("sku", sku.to_owned()),
            ("SKU", sku.to_uppercase()),
            ("dest", ask.dest.to_string()),
            ("ref", self.refs.make(ask.attempt)),
            ("qty", ask.qty.map_or_else(String::new, |qty| qty.to_string())),
            ("cost", ask.cost.get().to_string()),
            ("counter", ask.counter.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    fn fill(
        &self,
        template: &RequestTemplate,
        fields: &BTreeMap<String, String>,
    ) -> Result<Request, String> {
        let method = match template.method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            other => return Err(format!("method `{other}`: write GET or POST")),
        };
        let filler = Filler::new(&self.settings, fields)?;
        let is_json = template.body.trim_start().starts_with('{');
        let escape = if is_json { Escape::Json } else { Escape::Url };
        let mut headers = Vec::new();
        for (name, value) in &template.headers {
            headers.push((name.to_lowercase(), filler.fill(value, Escape::Header, false)?));
        }
        if !template.body.is_empty() && !headers.iter().any(|(name, _)| name == "content-type") {
            let kind =
                if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        let url = filler.fill(&template.url, Escape::Url, false)?;
        let shown = filler.fill(&template.url, Escape::Url, true)?;
        let body = filler.fill(&template.body, escape, false)?;
        let redacted = format!("{shown} {}", filler.fill(&template.body, escape, true)?);
        Ok(Request { method, url, headers, body, redacted: redacted.trim_end().to_owned() })
    }

    /// What a text with what stands beside it means for an attempt.
    fn read(&self, ask: &Ask, way: Way, parts: &Parts) -> Explained {
        let on = match way {
            Way::Buy => On::Buy,
            Way::Check => On::Check,
            Way::Callback => On::Callback,
        };
        let found = self.rules.find(&parts.text, on);
        let mut said = match (&found, self.settings.rule_set) {
            (Some(found), _) => found.said(&parts.text),
            (None, Some(_)) => Said::of(wire::read(&parts.text)),
            (None, None) => {
                let nothing = Word::Nothing("no rule matches");
                Said { word: nothing, ..Said::of(wire::Reading::default()) }
            }
        };
        said.refs.extend(parts.reference.clone());
        said.claim = parts.claim.or(said.claim);
        let case = Case {
            ask,
            reference: self.refs.make(ask.attempt),
            way,
            text: &parts.text,
            reasons: &self.reasons,
            no_data_is_proof: false,
        };
        let told = decide(&case, &said);
        let by = match (found, self.settings.rule_set) {
            (Some(found), _) => format!("{}; {}", found.shown(), told.decided_by),
            (None, Some(_)) => format!("the language of the family; {}", told.decided_by),
            (None, None) => "no rule".to_owned(),
        };
        Explained { decided_by: by, ..told }
    }

    fn replied(&self, ask: &Ask, way: Way, reply: &Reply) -> Explained {
        if !(200..300).contains(&reply.status) {
            return refused_by_http(reply);
        }
        self.read(ask, way, &self.settings.reply.parts("", &reply.body))
    }

    fn callback_parts(&self, inbound: &Inbound) -> Parts {
        self.settings.callback.parts(&inbound.query, &inbound.body)
    }
}

impl crate::Connector for Connector {
    fn buy(&self, ask: &Ask) -> Result<Request, String> {
        self.fill(&self.settings.buy, &self.fields(ask))
    }

    fn check(&self, ask: &Ask) -> Result<Request, String> {
        let template = self.settings.check.as_ref().ok_or("no check is described")?;
        self.fill(template, &self.fields(ask))
    }

    fn explain(&self, ask: &Ask, heard: Heard<'_>) -> Explained {
        match heard {
            Heard::Buy(reply) => self.replied(ask, Way::Buy, reply),
            Heard::Check(reply) => self.replied(ask, Way::Check, reply),
            Heard::Callback(inbound) => {
                self.read(ask, Way::Callback, &self.callback_parts(inbound))
            }
        }
    }

    fn callback_of(&self, ask: &Ask, text: &str) -> Inbound {
        let whole = Inbound { query: text.to_owned(), body: text.to_owned(), ..Inbound::default() };
        let fields = &self.settings.callback;
        if matches!(self.callback_about(&whole), Ok(About::Attempt(_))) {
            return whole;
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(&fields.reference, &self.refs.make(ask.attempt));
        if fields.text.is_empty() {
            return Inbound { query: query.finish(), ..whole };
        }
        query.append_pair(&fields.text, text);
        Inbound { query: query.finish(), ..Inbound::default() }
    }

    fn check_limits(&self) -> CheckLimits {
        CheckLimits {
            spacing_ms: self.settings.check_spacing_seconds.saturating_mul(1_000),
            age_most_ms: self.settings.check_days_most.map(|days| days.saturating_mul(86_400_000)),
        }
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<About, String> {
        let reference = self.callback_parts(inbound).reference;
        let reference =
            reference.ok_or_else(|| format!("{} is missing", self.settings.callback.reference))?;
        self.refs.about(&reference)
    }

    fn balance(&self) -> Option<Request> {
        self.fill(self.settings.balance.as_ref()?, &self.sample()).ok()
    }

    fn read_balance(&self, reply: &Reply) -> Result<Rupiah, String> {
        let found = self.rules.find(&reply.body, On::Balance);
        let text = found.as_ref().and_then(|found| found.field("balance"));
        let text = text.ok_or_else(|| format!("no rule finds a balance in: {}", reply.body))?;
        wire::amount(text).ok_or_else(|| format!("`{text}` is not an amount"))
    }

    fn prices(&self) -> Option<Request> {
        None
    }

    fn read_prices(&self, _: &Reply) -> Result<PriceList, String> {
        Err("a template has no price list".to_owned())
    }

    fn movement(&self, text: &str) -> Option<Movement> {
        if let Some(found) = self.rules.find(text, On::Buy) {
            let amount = |wanted: &str| found.field(wanted).and_then(wire::amount);
            if let Some(after) = amount("balance") {
                return Some(Movement { before: amount("before"), price: amount("price"), after });
            }
        }
        self.settings.rule_set?;
        let wire::Reading { before, price, balance, .. } = wire::read(text);
        Some(Movement { before, price, after: balance? })
    }

    fn told(&self, inbound: &Inbound) -> Option<Movement> {
        let movement = self.movement(&self.callback_parts(inbound).text)?;
        movement.before.is_none().then_some(movement)
    }
}
