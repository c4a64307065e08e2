//! `supplier explain`: what a text of a supplier would do to a purchase.
//!
//! Runs the connector's own reading, the same that the engine runs, and weighs it as the engine does
//! with what the store remembers, so that the two cannot differ. It changes nothing, and says what it
//! had to assume.

use crate::plug::Office;
use anyhow::{Context as _, bail};
use domain::{Certainty, FailureClass, Outcome, Tie, certainty};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{ProofKey, TrxFilter, is_rival};
use suppliers::{Ask, Connector, Explained, Heard, Reply, Settings};
use types::{AttemptId, Dest, Moment, Rupiah, Sku, Sn, SupplierCode, TrxNo, UtcMillis};

/// A text, how it came, and the purchase it is held against.
#[allow(missing_docs)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
pub struct SupplierExplain {
    /// Supplier code.
    pub code: String,
    /// The supplier's text; a callback may be given as its whole query or body.
    pub text: String,
    /// How it came: reply (to the purchase), check, callback or balance.
    #[arg(long, default_value = "reply")]
    pub on: String,
    /// Product of the purchase, in the supplier's code.
    #[arg(long)]
    pub sku: Option<String>,
    /// Destination of the purchase.
    #[arg(long)]
    pub dest: Option<String>,
    /// Our reference of the purchase there.
    #[arg(long = "ref")]
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// HTTP status of the answer.
    #[arg(long)]
    pub status: Option<u16>,
}

const ASSUMED_SKU: &str = "T1";
const ASSUMED_DEST: &str = "081234567890";
const ASSUMED_TRX: i64 = 100_000_001;
const SENT_BEFORE_MS: i64 = 600_000;
/// Purchases for the same destination that are looked through for one these words may be about.
const RIVALS_MOST: u32 = 20;

/// A reference as attempt and what stands in front of it.
fn reference(text: &str) -> Option<(AttemptId, &str)> {
    let ends =
        std::iter::once(0).chain(text.match_indices('-').map(|(at, _)| at.saturating_add(1)));
    ends.chain(text.char_indices().map(|(at, _)| at)).find_map(|at| {
        let attempt = AttemptId::from_supplier_ref(text.get(at..)?)?;
        Some((attempt, &text[..at]))
    })
}

/// What the purchase is, and what had to be assumed of it.
fn purchase(
    given: &SupplierExplain,
    settings: &mut Settings,
    now: impl Fn(i64) -> Moment,
) -> anyhow::Result<(Ask, Vec<String>)> {
    let mut assumed = Vec::new();
    let sku = given.sku.clone().unwrap_or_else(|| {
        assumed.push(format!("--sku {ASSUMED_SKU}"));
        ASSUMED_SKU.to_owned()
    });
    let dest = given.dest.clone().unwrap_or_else(|| {
        assumed.push(format!("--dest {ASSUMED_DEST}"));
        ASSUMED_DEST.to_owned()
    });
    let attempt = match given.reference.as_deref() {
        Some(text) => {
            let (attempt, prefix) = reference(text).with_context(|| {
                format!(
                    "`{text}` is no reference of ours: they end in a number, `-` and the attempt"
                )
            })?;
            settings.set_prefix(prefix);
            attempt
        }
        None => {
            let attempt = AttemptId { trx: TrxNo::new(ASSUMED_TRX), n: 1 };
            let prefix = settings.prefix().unwrap_or_default();
            assumed.push(format!("--ref {prefix}{}", attempt.supplier_ref()));
            attempt
        }
    };
    let (sent, asked) = (now(-SENT_BEFORE_MS), now(0));
    assumed.push(format!("sent at {}", sent.civil.hhmm()));
    let ask = Ask {
        attempt,
        sku: Sku::parse(&sku)?,
        dest: Dest::parse(&dest)?,
        qty: None,
        cost: Rupiah::ZERO,
        counter: 1,
        sent: Some(sent),
        waited_ms: SENT_BEFORE_MS,
        asked,
    };
    Ok((ask, assumed))
}

/// How the engine would weigh a success, with what the store remembers.
async fn weighed(
    office: &Office,
    supplier: &SupplierCode,
    ask: &Ask,
    outcome: &Outcome,
) -> anyhow::Result<Certainty> {
    let Outcome::Success { sn, tie, .. } = outcome else { return Ok(Certainty::Yes) };
    let (ours, dest, sku) = (ask.attempt.trx, ask.dest.clone(), ask.sku.clone());
    let key = sn.as_ref().and_then(|sn| ProofKey::of(supplier, sn, &dest));
    let (supplier, asked) = (supplier.clone(), dest.clone());
    let found = office.handle.reads().ask(move |reads| {
        let first = key.map(|key| reads.settled_by(&key)).transpose()?.flatten();
        let twin = first.filter(|first| *first != ours);
        let filter =
            TrxFilter { dest: Some(asked.clone()), limit: RIVALS_MOST, ..TrxFilter::default() };
        let mut rival = None;
        for trx in reads.trx_page(&filter)? {
            let Some(story) = reads.story(trx.no)?.filter(|_| trx.no != ours) else { continue };
            let mut there = story.known.attempts.iter();
            rival = rival.or(there
                .find(|at| at.supplier == supplier && at.sku == sku && is_rival(at, &asked))
                .map(|attempt| attempt.id));
        }
        Ok::<_, store::StoreError>((twin, rival))
    });
    let (twin, rival) = found.await??;
    Ok(certainty(*tie, sn.as_ref(), &dest, twin, rival))
}

/// What follows for the purchase, in plain words.
fn then(outcome: &Outcome, certainty: &Certainty) -> String {
    let plain = match outcome {
        Outcome::Success { sn: Some(_), .. } => "the purchase is settled",
        Outcome::Success { sn: None, .. } => {
            "the purchase is settled without a serial number; our reference stands in for it"
        }
        Outcome::Failed { class: FailureClass::Number, .. } => {
            "the purchase fails for its number and is refunded"
        }
        Outcome::Failed { class: FailureClass::Route, .. } => {
            "not here: the next route is tried, or the purchase is refunded"
        }
        Outcome::Doubtful { .. } => {
            "the purchase stays open and is asked about; a person sees the text"
        }
        Outcome::Pending => "the purchase stays open and is asked about",
        Outcome::Unknown { .. } => "nothing is decided: the purchase stays open and is asked about",
        Outcome::Unsent { .. } => "nothing was sent",
        Outcome::Held { .. } => "nothing was sent; it is sent here later",
    };
    match certainty {
        Certainty::Yes => plain.to_owned(),
        Certainty::Suspicious(why) => format!("{plain}, and a person is told: {why}"),
        Certainty::No(why) => {
            format!("the purchase stays open and is asked about; a person sees the text: {why}")
        }
    }
}

fn tied(tie: Tie) -> &'static str {
    match tie {
        Tie::Reference => "our reference",
        Tie::Earlier => "our reference, but of a time before ours was sent",
        Tie::Connection => "the connection of the purchase, and what it names fits",
        Tie::Likeness => "product, destination and time fit",
    }
}

fn shown(told: &Explained, certainty: &Certainty, assumed: Vec<String>) -> Value {
    let (word, mut detail) = match &told.outcome {
        Outcome::Success { sn, cost, tie } => (
            "success",
            json!({
                "sn": sn.as_ref().map(Sn::as_str), "cost": cost.map(Rupiah::get),
                "tied_by": tied(*tie),
            }),
        ),
        Outcome::Failed { class, reason, tie } => (
            match class {
                FailureClass::Number => "failed: the number",
                FailureClass::Route => "failed: this route",
            },
            json!({ "reason": reason.as_str(), "tied_by": tied(*tie) }),
        ),
        Outcome::Doubtful { why } => ("doubtful", json!({ "why": why })),
        Outcome::Pending => ("pending", json!({})),
        Outcome::Unknown { why } => ("unknown", json!({ "why": why })),
        Outcome::Unsent { proof } => ("unsent", json!({ "why": proof })),
        Outcome::Held { why } => ("held", json!({ "why": why })),
    };
    let names: Vec<String> =
        told.fields.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let mut all = json!({
        "outcome": word, "then": then(&told.outcome, certainty), "decided_by": told.decided_by,
        "names": if names.is_empty() { Value::Null } else { json!(names) },
    });
    if let (Some(all), Some(detail)) = (all.as_object_mut(), detail.as_object_mut()) {
        all.append(detail);
        all.insert("assumed".to_owned(), json!(assumed));
    }
    all
}

/// Reads a text as the engine would.
pub(super) async fn explain(office: &Office, given: &SupplierExplain) -> anyhow::Result<Value> {
    let code = SupplierCode::parse(&given.code)?;
    let catalog = office.handle.catalog();
    let json = catalog
        .supplier_settings(&code)
        .with_context(|| format!("there is no supplier {code} with settings"))?;
    let mut settings: Settings = serde_json::from_str(json.expose())?;
    let now = office.handle.now();
    let zone = office.handle.zone();
    let (ask, mut assumed) = purchase(given, &mut settings, |later| {
        zone.moment(UtcMillis::new(now.utc.get().saturating_add(later)))
    })?;
    let (_, connector) = settings.connector()?;
    let connector: &dyn Connector = connector.as_ref();
    let status = given.status.unwrap_or(200);
    let reply = Reply { status, body: given.text.clone(), ..Reply::default() };
    let told = match given.on.as_str() {
        "" | "reply" | "buy" => connector.explain(&ask, Heard::Buy(&reply)),
        "check" => connector.explain(&ask, Heard::Check(&reply)),
        "callback" => {
            let inbound = connector.callback_of(&ask, &given.text);
            if let Err(why) = connector.callback_about(&inbound) {
                bail!("as a callback it would not be let in: {why}");
            }
            if inbound.query != given.text && inbound.body != given.text {
                assumed.push("our reference beside the text".to_owned());
            }
            if settings.callback.confirm {
                assumed
                    .push("`confirm`: the supplier is asked, and its answer says the same".into());
            }
            connector.explain(&ask, Heard::Callback(&inbound))
        }
        "balance" => {
            let balance = connector.read_balance(&reply);
            return Ok(json!({
                "balance": balance.as_ref().ok().map(|balance| balance.get()),
                "why": balance.err(),
            }));
        }
        other => bail!("`{other}`: write reply, check, callback or balance"),
    };
    let certainty = weighed(office, &code, &ask, &told.outcome).await?;
    Ok(shown(&told, &certainty, assumed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let of = |text| reference(text).map(|(attempt, prefix)| (attempt.supplier_ref(), prefix));
        assert_eq!(of("g1-1-1"), Some(("1-1".to_owned(), "g1-")));
        assert_eq!(of("gab12cd-100000001-2"), Some(("100000001-2".to_owned(), "gab12cd-")));
        assert_eq!(of("100000001-2"), Some(("100000001-2".to_owned(), "")));
        assert_eq!(of("abc"), None);
    }
}
