//! Transactions: list, show, resolve.

use super::member::member_id;
use crate::access::Actor;
use crate::act::Act;
use crate::money::Done;
use crate::plug::Office;
use crate::problem::Problem;
use crate::proposals::{Prepared, Proposal};
use anyhow::{Context as _, bail};
use domain::{AttemptState, CostBack, Resolution, Trx, TrxState, Weight};
use engine::{Command, Errand, Resolve};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Known, Place, TrxFilter};
use types::{Dest, Reason, RefId, Rupiah, TrxNo, UtcMillis};

#[allow(missing_docs)]
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct TrxList {
    /// Only this member's.
    #[arg(long)]
    pub member: Option<String>,
    /// pending, success, failed, reversed or refused.
    #[arg(long)]
    pub state: Option<String>,
    /// Only those that need a person.
    #[arg(long)]
    pub suspect: bool,
    /// Only this destination.
    #[arg(long)]
    pub dest: Option<String>,
    /// Only this refID.
    #[arg(long = "ref")]
    pub ref_id: Option<String>,
    /// Only numbers below this one: the next page.
    #[arg(long)]
    pub below: Option<i64>,
    /// How many.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
}

/// A person's decision.
#[allow(missing_docs)]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Success {
        sn: String,
    },
    Fail {
        reason: String,
    },
    Reverse {
        reason: String,
        /// The supplier gives its price back; else it is our loss.
        #[serde(default)]
        returned: bool,
    },
    Keep,
}

fn row(office: &Office, trx: &Trx) -> Value {
    let catalog = office.handle.catalog();
    let member = catalog.member_by_id(trx.member).map(|entry| entry.member.code.to_string());
    let detail = match &trx.state {
        TrxState::Pending => String::new(),
        TrxState::Success { sn, .. } => sn.to_string(),
        TrxState::Failed { reason, .. } | TrxState::Reversed { reason, .. } => reason.to_string(),
        TrxState::Refused { refusal } => wire::reason(refusal),
    };
    json!({
        "trx": trx.no.get(), "time": office.handle.zone().civil(trx.created).to_string(),
        "member": member, "ref": trx.ref_id.as_str(), "product": trx.product.as_str(),
        "dest": trx.dest.as_str(), "qty": trx.qty.map(types::Qty::get), "price": trx.price.get(),
        "state": trx.state.word(), "detail": detail, "suspect": trx.suspect,
    })
}

pub(super) async fn list(office: &Office, list: TrxList) -> anyhow::Result<Value> {
    if let Some(word) = &list.state
        && !["pending", "success", "failed", "reversed", "refused"].contains(&word.as_str())
    {
        bail!("`{word}` is not a state: pending, success, failed, reversed or refused");
    }
    let filter = TrxFilter {
        member: member_id(office, list.member.as_deref())?,
        state: list.state,
        suspect: list.suspect,
        dest: list.dest.map(|text| Dest::parse(&text)).transpose()?,
        ref_id: list.ref_id.map(|text| RefId::parse(&text)).transpose()?,
        below: list.below.map(TrxNo::new),
        limit: list.limit,
    };
    let page = office.handle.reads().ask(move |reads| reads.trx_page(&filter)).await??;
    Ok(Value::Array(page.iter().map(|trx| row(office, trx)).collect()))
}

fn attempt_line(state: &AttemptState) -> String {
    match state {
        AttemptState::Intended => "intended, not sent".to_owned(),
        AttemptState::Sent => "sent, no answer yet".to_owned(),
        AttemptState::Waiting => "the supplier is working on it".to_owned(),
        AttemptState::Unknown { why } => format!("unknown: {why}"),
        AttemptState::Unsent { proof } => format!("provably not sent: {proof}"),
        AttemptState::Delivered { sn } => format!("delivered, SN {sn}"),
        AttemptState::Failed { reason } => format!("failed: {reason}"),
    }
}

/// The whole story in time order: decision, attempts, exchanges, ledger, callbacks.
pub(super) async fn show(office: &Office, no: i64) -> anyhow::Result<Value> {
    let no = TrxNo::new(no);
    let story = office.handle.reads().ask(move |reads| reads.story(no)).await??;
    let story = story.with_context(|| format!("there is no trx {no}"))?;
    let mut events: Vec<(UtcMillis, u8, &str, String)> = Vec::new();
    let trx = &story.known.trx;
    events.push((
        trx.created,
        1,
        "decision",
        match &trx.state {
            TrxState::Refused { refusal } => format!("refused: {}", wire::reason(refusal)),
            TrxState::Pending
            | TrxState::Success { .. }
            | TrxState::Failed { .. }
            | TrxState::Reversed { .. } => {
                format!("accepted for {}, balance {} -> {}", trx.price, trx.before, trx.after())
            }
        },
    ));
    for attempt in &story.known.attempts {
        let line = format!(
            "{} at {} as {} for {} ({}): {}; {} checks",
            attempt.id,
            attempt.supplier,
            attempt.sku,
            attempt.cost,
            attempt.why,
            attempt_line(&attempt.state),
            attempt.checks
        );
        events.push((attempt.created, 2, "attempt", line));
        if let Some(sent) = attempt.sent {
            events.push((sent, 3, "sent", format!("marker of {} is durable", attempt.id)));
        }
    }
    for (seq, transfer) in &story.transfers {
        let balance = transfer.balance.map_or_else(String::new, |b| format!(", balance {b}"));
        let line = format!(
            "#{seq} {} {} from {} to {}{balance}",
            transfer.kind.word(),
            transfer.amount,
            transfer.from,
            transfer.to
        );
        events.push((transfer.at, 4, "ledger", line));
    }
    for (seq, line) in &story.journal {
        let arrow = match line.direction {
            store::Direction::In => "<-",
            store::Direction::Out => "->",
        };
        let text = format!(
            "#{seq} {} {arrow} {} [{}, {} ms]\n{}\n{}",
            line.channel.word(),
            line.peer,
            line.status,
            line.millis,
            line.request,
            line.reply
        );
        events.push((line.at, 0, "exchange", text));
    }
    for delivery in &story.deliveries {
        let line = format!(
            "{} {} after {} tries ({}): {}",
            delivery.id,
            delivery.state.word(),
            delivery.tries,
            delivery.last,
            delivery.message
        );
        events.push((delivery.created, 5, "callback", line));
    }
    if let Some(why) = &trx.suspect {
        events.push((office.handle.now().utc, 6, "suspect", why.clone()));
    }
    events.sort_by_key(|(at, rank, _, _)| (*at, *rank));
    let events: Vec<Value> = events
        .into_iter()
        .map(|(at, _, what, text)| {
            let ms = at.get().rem_euclid(1_000);
            json!({"time": format!("{}.{ms:03}", office.handle.zone().civil(at)), "what": what, "text": text})
        })
        .collect();
    let mut shown = row(office, trx);
    shown["story"] = Value::Array(events);
    Ok(shown)
}

/// A delivered purchase that is to be refunded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reversal {
    /// Which.
    pub trx: i64,
    /// Told to the member.
    pub reason: String,
    /// For us.
    pub note: String,
    /// The supplier gives its price back; else it is our loss.
    pub returned: bool,
}

const DAY_MS: i64 = 86_400_000;

impl Office {
    async fn known(&self, no: TrxNo) -> anyhow::Result<Known> {
        let story = self.handle.reads().ask(move |reads| reads.story(no)).await??;
        let missing = || Problem::missing(format!("there is no trx {no}"));
        Ok(story.ok_or_else(missing)?.known)
    }

    /// What the current attempt of a purchase is for: a serial number that a person says is
    /// remembered like one that the supplier gives.
    pub(crate) async fn place_of_trx(&self, no: TrxNo) -> anyhow::Result<Option<Place>> {
        let story = self.handle.reads().ask(move |reads| reads.story(no)).await??;
        Ok(story.and_then(|story| {
            let attempt = story.known.attempts.into_iter().next_back()?;
            let dest = story.known.trx.dest;
            Some(Place { supplier: attempt.supplier, sku: attempt.sku, dest })
        }))
    }

    /// What a reversal comes to. What was delivered long ago weighs like a rule.
    pub(crate) async fn prepare_reversal(&self, reversal: &Reversal) -> anyhow::Result<Prepared> {
        let no = TrxNo::new(reversal.trx);
        if reversal.reason.trim().is_empty() {
            return Err(Problem::asked("no_reason", "say why; the member reads it").into());
        }
        let trx = self.known(no).await?.trx;
        let age_ms = self.handle.now().utc.since(trx.created);
        let is_old = age_ms > self.rules().await?.reverse_days.saturating_mul(DAY_MS);
        let cost = if reversal.returned { CostBack::Returned } else { CostBack::Kept };
        let resolution = Resolution::Reverse { reason: Reason::clean(&reversal.reason), cost };
        Ok(Prepared {
            errand: Errand::resolve(Resolve { trx: no, resolution, place: None }),
            weight: if is_old { Weight::Rule } else { Weight::Amount(trx.price.max(Rupiah::ZERO)) },
            done: Done::Changed,
        })
    }

    /// What failing a pending purchase comes to. One that was sent may have been delivered: refunding
    /// it weighs like a reversal.
    pub(crate) async fn prepare_failure(&self, no: i64, reason: &str) -> anyhow::Result<Prepared> {
        let no = TrxNo::new(no);
        let known = self.known(no).await?;
        let sent = known.attempts.iter().any(|attempt| attempt.sent.is_some());
        let at_stake = if sent { known.trx.price.max(Rupiah::ZERO) } else { Rupiah::ZERO };
        let resolution = Resolution::Fail(Reason::clean(reason));
        Ok(Prepared {
            errand: Errand::resolve(Resolve { trx: no, resolution, place: None }),
            weight: Weight::Amount(at_stake),
            done: Done::Changed,
        })
    }
}

/// Refunds a purchase; above what one person may do it waits for a second one.
pub(super) async fn refund(
    office: &Office,
    actor: &Actor,
    no: i64,
    proposal: Proposal,
    key: Option<&str>,
) -> anyhow::Result<Value> {
    let no = TrxNo::new(no);
    match office.propose(actor, proposal, key).await? {
        Done::Changed => {
            let known = office.known(no).await?;
            Ok(row(office, &known.trx))
        }
        done @ (Done::Moved { .. } | Done::Waiting { .. } | Done::Repeated { .. }) => {
            Ok(super::member::told(done))
        }
    }
}

/// Settles, refunds or keeps a purchase that needs a person. Reversals go through the gate.
pub(super) async fn resolve(
    office: &Office,
    act: &Act<'_>,
    no: i64,
    resolution: Resolution,
) -> anyhow::Result<Value> {
    let trx = TrxNo::new(no);
    let place = office.place_of_trx(trx).await?;
    let errand = Errand::resolve(Resolve { trx, resolution, place });
    let carried = office.carry_out(act, errand, &act.told()).await?;
    let trx = carried.trx.context("the decision left no trx")?;
    Ok(row(office, &trx))
}

/// Asks the supplier of an open purchase at the next moment instead of at its time.
pub(super) async fn check(office: &Office, actor: &Actor, no: i64) -> anyhow::Result<Value> {
    let no = TrxNo::new(no);
    let story = office.handle.reads().ask(move |reads| reads.story(no)).await??;
    let known = story.with_context(|| format!("there is no trx {no}"))?.known;
    let open = known.attempts.last().filter(|attempt| attempt.state.is_open());
    let open = open.with_context(|| format!("trx {no} has no open attempt to ask about"))?;
    let mut line = office.line(actor, "trx check", &json!({"trx": no.get()}), "asked soon");
    line.trx = Some(no);
    let port = office.suppliers.get(&open.supplier);
    let wait_ms = port.map_or(0, |port| port.connector.check_limits().spacing_ms);
    let (about, member) = (open.id, known.trx.member);
    let command = Command::AskSoon { about, member, wait_ms, line: Box::new(line) };
    office.handle.submit_patiently(command).await?;
    Ok(row(office, &known.trx))
}
