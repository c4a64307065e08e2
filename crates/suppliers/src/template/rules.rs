//! Reply rules: named-capture patterns in order, and what they mean.

use crate::evidence::{Said, Word};
use domain::FailureClass;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use wire::Status;

/// What a match means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Delivered; captures `sn`.
    Success,
    /// Being worked on.
    Pending,
    /// Failed; the closed lists decide by the words of `message`.
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
    /// `product`, `dest`, `sn`, `time`, `date`, `trxid`, `price`, `balance`, `message`.
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

/// The rule that matches a text, and its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// From 1.
    pub number: usize,
    pub name: String,
    pub means: Means,
    pub captures: Vec<(String, String)>,
    pub anonymous: bool,
}

impl Match {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let found = self.captures.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Rule and name, for people.
    pub(super) fn shown(&self) -> String {
        if self.name.is_empty() {
            return format!("rule {}", self.number);
        }
        format!("rule {} ({})", self.number, self.name)
    }

    /// What the rule makes of the text. References, time and "seen before" are read from the whole
    /// text, whatever the pattern captured.
    pub(super) fn said(&self, text: &str) -> Said {
        let reading = wire::read(text);
        let own = |name: &str| self.field(name).map(str::to_owned);
        // A word of success behind a denial, or inside a failure, is a pattern that matched by luck.
        let opposite = match self.means {
            Means::Success => reading.denied || reading.status == Status::Failed,
            Means::Failed | Means::Number | Means::Route => reading.status == Status::Success,
            Means::Pending | Means::Nothing | Means::Ask | Means::Balance => false,
        };
        let meant = match self.means {
            Means::Success => Word::Success,
            Means::Pending => Word::Pending,
            Means::Failed => Word::Failed,
            Means::Number => Word::Certain(FailureClass::Number),
            Means::Route => Word::Certain(FailureClass::Route),
            Means::Nothing => Word::Refused,
            Means::Ask => Word::Nothing("to be asked again"),
            Means::Balance => Word::Nothing("only a balance"),
        };
        let word = if opposite { Word::Nothing("rule and status word contradict") } else { meant };
        let before_money = |name: &str| {
            own(name)
                .map(|text| wire::cut_tail(&text).0.trim().trim_end_matches(['.', ' ']).to_owned())
        };
        Said {
            word,
            refs: own("ref").into_iter().chain(reading.ref_id).chain(reading.other_refs).collect(),
            product: own("product").or_else(|| own("sku")),
            dest: own("dest"),
            qty: None,
            time: own("time").or(reading.time),
            date: own("date").or(reading.date),
            seen: reading.seen,
            sn: before_money("sn"),
            reason: before_money("message").unwrap_or_default(),
            price: self.field("price").and_then(wire::amount),
            claim: None,
            anonymous: self.anonymous,
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

    /// The first rule that matches.
    pub(super) fn find(&self, text: &str, on: On) -> Option<Match> {
        let text: String = text.trim().chars().take(TEXT_MOST).collect();
        (1..).zip(&self.0).find_map(|(number, Compiled { rule, regex })| {
            if rule.on != On::Any && rule.on != on {
                return None;
            }
            let found = regex.captures(&text)?;
            let captures = regex
                .capture_names()
                .flatten()
                .filter_map(|name| {
                    let value = found.name(name)?.as_str().trim();
                    Some((name.to_owned(), value.to_owned()))
                })
                .collect();
            let (name, means, anonymous) = (rule.name.clone(), rule.means, rule.anonymous);
            Some(Match { number, name, means, captures, anonymous })
        })
    }
}
