//! Callbacks: list, replay one or many.

use super::member::member_id;
use crate::act::Act;
use crate::plug::Office;
use crate::problem::Problem;
use anyhow::{Context as _, bail};
use engine::{Errand, tell_nothing};
use serde_json::{Value, json};
use store::{Delivery, DeliveryFilter, DeliveryState};
use throttle::Origin;
use types::{DeliveryId, TrxNo, UtcMillis};

fn state(word: Option<String>) -> anyhow::Result<Option<DeliveryState>> {
    let Some(word) = word else { return Ok(None) };
    let found = DeliveryState::ALL.into_iter().find(|state| state.word() == word);
    Ok(Some(found.with_context(|| {
        let known: Vec<&str> = DeliveryState::ALL.iter().map(|state| state.word()).collect();
        format!("`{word}` is not a state of a callback; known: {}", known.join(", "))
    })?))
}

fn row(office: &Office, delivery: &Delivery) -> Value {
    let catalog = office.handle.catalog();
    let member = catalog.member_by_id(delivery.member);
    let due = delivery.state == DeliveryState::Due;
    json!({
        "id": delivery.id.get(), "trx": delivery.trx.get(),
        "member": member.map(|entry| entry.member.code.to_string()),
        "state": delivery.state.word(), "tries": delivery.tries, "last": delivery.last,
        "next": due.then(|| office.handle.zone().civil(delivery.next).to_string()),
        "message": delivery.message,
    })
}

/// Six tests at once and six a minute for one member, whoever asks.
fn may_ping(office: &Office, code: &str, now: UtcMillis) -> anyhow::Result<()> {
    let who = code.to_owned();
    // Nobody is let in from a place that is known: all count as one.
    if let Err(paused) = office.pings.check(&who, Origin::parse(""), now) {
        let detail = format!(
            "this callback URL was tested too often; try again in {} seconds",
            paused.seconds
        );
        return Err(Problem { code: "too_often", status: 429, detail }.into());
    }
    office.pings.wrong(&who, now);
    Ok(())
}

/// Calls a member's URL with a callback that is about nothing.
pub(super) async fn test(office: &Office, act: &Act<'_>, code: &str) -> anyhow::Result<Value> {
    let (code, _) = super::id_of(office, code)?;
    let catalog = office.handle.catalog();
    let entry = catalog.member(&code).context("the member is gone")?;
    let (courier, began) = (office.plug.courier(), office.handle.now().utc);
    may_ping(office, code.as_str(), began)?;
    let told = tell_nothing(courier.as_ref(), entry, began).await;
    let (took, why) = told.with_context(|| format!("{code} has no callback URL"))?;
    let millis = office.handle.now().utc.since(began);
    office.carry_out(act, Errand::default(), &act.told()).await?;
    Ok(json!({"member": code.as_str(), "taken": took, "answer": why, "millis": millis}))
}

async fn page(office: &Office, filter: DeliveryFilter) -> anyhow::Result<Vec<Delivery>> {
    Ok(office.handle.reads().ask(move |reads| reads.delivery_page(&filter)).await??)
}

pub(super) async fn list(
    office: &Office,
    member: Option<String>,
    word: Option<String>,
    trx: Option<i64>,
    limit: u32,
) -> anyhow::Result<Value> {
    let filter = DeliveryFilter {
        member: member_id(office, member.as_deref())?,
        state: state(word)?,
        trx: trx.map(TrxNo::new),
        below: None,
        limit,
    };
    let found = page(office, filter).await?;
    Ok(Value::Array(found.iter().map(|delivery| row(office, delivery)).collect()))
}

/// Deliveries that are sent again in one commit.
const REPLAYED_AT_ONCE: usize = 500;

pub(super) async fn replay(
    office: &Office,
    act: &Act<'_>,
    ids: Vec<i64>,
    member: Option<String>,
    word: Option<String>,
) -> anyhow::Result<Value> {
    let mut ids = ids;
    if ids.is_empty() {
        if member.is_none() && word.is_none() {
            bail!("say which: ids, --member or --state exhausted");
        }
        let (member, state) = (member_id(office, member.as_deref())?, state(word)?);
        let mut below = None;
        loop {
            let filter = DeliveryFilter { member, state, trx: None, below, limit: 1_000 };
            let found = page(office, filter).await?;
            let Some(last) = found.last() else { break };
            below = Some(last.id.get());
            ids.extend(found.iter().map(|delivery| delivery.id.get()));
        }
    }
    for (number, some) in ids.chunks(REPLAYED_AT_ONCE).enumerate() {
        let replay = some.iter().map(|id| DeliveryId::new(*id)).collect();
        let done = number.saturating_mul(REPLAYED_AT_ONCE);
        let errand = Errand { replay, ..Errand::default() };
        let next = act.next();
        let act = if number == 0 { act } else { &next };
        office
            .carry_out(act, errand, &act.told())
            .await
            .with_context(|| format!("{done} callbacks were sent again before"))?;
    }
    Ok(json!({"replayed": ids.len()}))
}
