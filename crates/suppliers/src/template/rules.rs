//! Reply rules: named-capture patterns in order, and what they mean.

use crate::reasons;
use domain::{FailureClass, Outcome, Tie};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use types::{Reason, Rupiah, Sn};

/// What a match means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Delivered; needs `sn`.
    Success,
    /// Being worked on.
    Pending,
    /// Failed; the words of `message` say whether it is the number.
    Failed,
    /// Failed for the number: final.
    Number,
    /// Failed for something else: the next supplier may deliver.
    Route,
    /// Refused before anything happened. On a check it says nothing.
    Nothing,
    /// Nobody knows: ask again.
    Ask,
    /// Only a balance.
    Balance,
}

/// Which texts a rule reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum On {
    #[default]
    Any,
    Buy,
    Check,
    Callback,
    Balance,
}

/// One rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Shown by `supplier explain`.
    #[serde(default)]
    pub name: String,
    /// Regular expression, letters in any case, `.` matches line breaks. Named groups: `ref`,
    /// `dest`, `sn`, `trxid`, `price`, `balance`, `message`.
    pub pattern: String,
    /// What it means.
    pub means: Means,
    /// Where it holds.
    #[serde(default)]
    pub on: On,
    /// The text names neither reference nor destination, and that is fine.
    #[serde(default)]
    pub anonymous: bool,
}

/// What `supplier explain` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Number from 1 and name of the rule.
    pub rule: Option<(usize, String)>,
    /// What it means.
    pub means: Option<Means>,
    /// Its groups.
    pub captures: Vec<(String, String)>,
}

impl Explained {
    fn field(&self, name: &str) -> Option<&str> {
        self.captures.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What the text would do to a purchase it fits.
    #[must_use]
    pub fn follows(&self, on: On) -> &'static str {
        let asked = "the purchase stays open and is asked about";
        let failed = |outcome: &Outcome| match outcome {
            Outcome::Failed { class: FailureClass::Number, .. } => "the purchase fails: the number",
            Outcome::Failed { class: FailureClass::Route, .. } => "the next route is tried",
            Outcome::Success { .. }
            | Outcome::Pending
            | Outcome::Doubtful { .. }
            | Outcome::Unknown { .. }
            | Outcome::Unsent { .. } => asked,
        };
        match (self.means, on) {
            (None, _) => "no rule matches: the purchase stays open and is asked about",
            (Some(Means::Success), _) => match self.field("sn").map(Sn::parse) {
                Some(Ok(_)) => "the purchase is settled",
                Some(Err(_)) | None => asked,
            },
            (Some(Means::Failed), _) => {
                failed(&reasons::failed(self.field("message").unwrap_or_default()))
            }
            (Some(Means::Number), _) => "the purchase fails: the number",
            (Some(Means::Route), _) | (Some(Means::Nothing), On::Buy) => "the next route is tried",
            (Some(Means::Pending | Means::Nothing | Means::Ask | Means::Balance), _) => asked,
        }
    }
}

struct Compiled {
    rule: Rule,
    regex: Regex,
}

/// Compiled rules.
pub(super) struct Rules(Vec<Compiled>);

/// Longest text that is read; the rest of a longer one is cut.
const TEXT_MOST: usize = 16 * 1024;

impl Rules {
    pub(super) fn new(rules: &[Rule]) -> Result<Self, String> {
        if rules.is_empty() {
            return Err("no rules: name a rule_set or write [[template.rules]]".to_owned());
        }
        let mut compiled = Vec::with_capacity(rules.len());
        for (number, rule) in (1..).zip(rules) {
            let regex = RegexBuilder::new(&rule.pattern)
                .case_insensitive(true)
                .dot_matches_new_line(true)
                .build()
                .map_err(|error| format!("rule {number} ({}): {error}", rule.name))?;
            let has = |name: &str| regex.capture_names().flatten().any(|known| known == name);
            if rule.means == Means::Success && !has("sn") {
                return Err(format!("rule {number} ({}): success needs (?<sn>...)", rule.name));
            }
            if rule.means != Means::Balance && !rule.anonymous && !has("ref") && !has("dest") {
                return Err(format!(
                    "rule {number} ({}): capture (?<ref>...) or (?<dest>...), or say anonymous = true",
                    rule.name
                ));
            }
            compiled.push(Compiled { rule: rule.clone(), regex });
        }
        Ok(Self(compiled))
    }

    pub(super) fn explain(&self, text: &str, on: On) -> Explained {
        let text: String = text.trim().chars().take(TEXT_MOST).collect();
        for (number, Compiled { rule, regex }) in (1..).zip(&self.0) {
            if rule.on != On::Any && rule.on != on {
                continue;
            }
            let Some(found) = regex.captures(&text) else { continue };
            let captures = regex
                .capture_names()
                .flatten()
                .filter_map(|name| {
                    let value = found.name(name)?.as_str().trim();
                    Some((name.to_owned(), value.to_owned()))
                })
                .collect();
            let rule_name = (number, rule.name.clone());
            return Explained { rule: Some(rule_name), means: Some(rule.means), captures };
        }
        Explained { rule: None, means: None, captures: Vec::new() }
    }

    /// The outcome of a reply, which must name this purchase.
    pub(super) fn outcome(&self, text: &str, on: On, reference: &str, dest: &str) -> Outcome {
        self.decide(text, on, reference, dest)
    }

    /// The outcome of a callback whose reference was found beside its text.
    pub(super) fn told(&self, text: &str, reference: &str, dest: &str) -> Outcome {
        self.decide(text, On::Callback, reference, dest)
    }

    fn decide(&self, text: &str, on: On, reference: &str, dest: &str) -> Outcome {
        let found = self.explain(text, on);
        let unknown = |why: &str| {
            let text: String = text.chars().take(200).collect();
            Outcome::Unknown { why: format!("{why}: {text}") }
        };
        let field = |name: &str| found.field(name);
        let Some(means) = found.means else { return unknown("no rule matches") };
        if field("ref").is_some_and(|named| named != reference) {
            return unknown("names another reference");
        }
        if field("dest").is_some_and(|named| named != dest) {
            return unknown("names another destination");
        }
        let message = field("message").unwrap_or_default();
        let reason = || Reason::clean(message);
        match (means, on) {
            (Means::Success, _) => match field("sn").map(Sn::parse) {
                Some(Ok(sn)) => {
                    let cost: Option<Rupiah> = field("price").and_then(|text| text.parse().ok());
                    Outcome::Success { sn: Some(sn), cost, tie: Tie::Reference }
                }
                Some(Err(_)) | None => unknown("success without SN"),
            },
            (Means::Pending, _) => Outcome::Pending,
            (Means::Failed, _) => reasons::failed(message),
            (Means::Number, _) => Outcome::Failed {
                class: FailureClass::Number,
                reason: reason(),
                tie: Tie::Reference,
            },
            (Means::Route, _) | (Means::Nothing, On::Buy) => Outcome::Failed {
                class: FailureClass::Route,
                reason: reason(),
                tie: Tie::Reference,
            },
            (Means::Nothing, On::Any | On::Check | On::Callback | On::Balance) => {
                unknown("says nothing of the purchase")
            }
            (Means::Ask | Means::Balance, _) => unknown("to be asked again"),
        }
    }
}
