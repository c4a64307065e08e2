//! Any HTTP supplier by description: request templates and ordered reply rules.
//!
//! The first rule that matches decides. What no rule matches is unknown and asked about; a match
//! that names another reference or destination is unknown too.

mod fill;
mod rules;
mod sets;

pub use rules::{Explained, Means, On, Rule};
pub use sets::RuleSet;

use crate::{About, Ask, CheckLimits, Inbound, Movement, PriceList, Refs, Reply, Request};
use domain::Outcome;
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
    /// With fields: `{sku} {SKU} {dest} {ref} {qty} {cost}`, values, secrets and signs.
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
}

impl Default for CallbackFields {
    fn default() -> Self {
        Self { reference: "refid".to_owned(), text: "message".to_owned() }
    }
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
    /// Seconds between two questions, the purchase included.
    #[serde(default)]
    pub check_spacing_seconds: i64,
    /// Days after which a purchase may not be asked about.
    pub check_days_most: Option<i64>,
    /// Goes in front of every reference of ours.
    #[serde(default)]
    pub ref_prefix: String,
}

/// The connector.
pub struct Connector {
    settings: Settings,
    rules: Rules,
    refs: Refs,
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
        let refs = Refs::new(&settings.ref_prefix);
        let connector = Self { settings, rules, refs };
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
        ["sku", "SKU", "dest", "ref", "qty", "cost"]
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

    /// Which rule matches a text, and what it means: for whoever writes rules.
    #[must_use]
    pub fn explain(&self, text: &str, on: On) -> Explained {
        self.rules.explain(text, on)
    }

    fn read(&self, ask: &Ask, text: &str, on: On) -> Outcome {
        let reference = self.refs.make(ask.attempt);
        self.rules.outcome(text, on, &reference, ask.dest.as_str())
    }

    fn callback_parts(&self, inbound: &Inbound) -> (Option<String>, String) {
        let fields = &self.settings.callback;
        let find = |name: &str| -> Option<String> {
            [inbound.query.as_bytes(), inbound.body.as_bytes()]
                .into_iter()
                .flat_map(form_urlencoded::parse)
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.into_owned())
                .or_else(|| {
                    let json: serde_json::Value = serde_json::from_str(&inbound.body).ok()?;
                    let found = json.get(name).or_else(|| json.get("data")?.get(name))?;
                    found.as_str().map(str::to_owned).or_else(|| Some(found.to_string()))
                })
        };
        let text = if fields.text.is_empty() { None } else { find(&fields.text) };
        (find(&fields.reference), text.unwrap_or_else(|| inbound.body.clone()))
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

    fn read_buy(&self, ask: &Ask, reply: &Reply) -> Outcome {
        self.read(ask, &reply.body, On::Buy)
    }

    fn read_check(&self, ask: &Ask, reply: &Reply) -> Outcome {
        self.read(ask, &reply.body, On::Check)
    }

    fn check_limits(&self) -> CheckLimits {
        CheckLimits {
            spacing_ms: self.settings.check_spacing_seconds.saturating_mul(1_000),
            age_most_ms: self.settings.check_days_most.map(|days| days.saturating_mul(86_400_000)),
        }
    }

    fn callback_about(&self, inbound: &Inbound) -> Result<About, String> {
        let (reference, _) = self.callback_parts(inbound);
        let reference =
            reference.ok_or_else(|| format!("{} is missing", self.settings.callback.reference))?;
        let ours = self.refs.read(&reference).map(About::Attempt);
        ours.ok_or_else(|| format!("reference {reference} is not ours"))
    }

    fn read_callback(&self, ask: &Ask, inbound: &Inbound) -> Outcome {
        // The reference was found beside the text, so the text need not name it again.
        let (_, text) = self.callback_parts(inbound);
        let reference = self.refs.make(ask.attempt);
        self.rules.told(&text, &reference, ask.dest.as_str())
    }

    fn balance(&self) -> Option<Request> {
        self.fill(self.settings.balance.as_ref()?, &self.sample()).ok()
    }

    fn read_balance(&self, reply: &Reply) -> Result<Rupiah, String> {
        let found = self.rules.explain(&reply.body, On::Balance);
        let text = found.captures.iter().find(|(name, _)| name == "balance");
        let (_, text) =
            text.ok_or_else(|| format!("no rule finds a balance in: {}", reply.body))?;
        text.parse().map_err(|error: types::MoneyError| error.to_string())
    }

    fn prices(&self) -> Option<Request> {
        None
    }

    fn read_prices(&self, _: &Reply) -> Result<PriceList, String> {
        Err("a template has no price list".to_owned())
    }

    fn movement(&self, text: &str) -> Option<Movement> {
        let found = self.rules.explain(text, On::Buy).captures;
        let amount = |wanted: &str| -> Option<Rupiah> {
            found.iter().find(|(name, _)| name == wanted)?.1.parse().ok()
        };
        Some(Movement {
            before: amount("before"),
            price: amount("price"),
            after: amount("balance")?,
        })
    }

    fn told(&self, inbound: &Inbound) -> Option<Movement> {
        let (_, text) = self.callback_parts(inbound);
        let movement = self.movement(&text)?;
        movement.before.is_none().then_some(movement)
    }
}
