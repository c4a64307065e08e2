//! Members' receivers: they take, refuse or keep silent, and remember every word.

use crate::chance::below;
use crate::ops::BUSY_MS;
use crate::rude::{knows, pick_known};
use crate::supplier::{WANT, WANTS_PERCENT};
use crate::world::World;
use domain::TrxState;
use engine::{Courier, CourierResult};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use suppliers::{Reply, Request, SendResult};
use tokio::time::sleep;
use types::{DeliveryId, RefId};

/// As one node reaches them.
pub(crate) struct Receivers(pub(crate) World, pub(crate) usize);

#[derive(Clone, Copy)]
enum Answers {
    Taken,
    Error,
    Silent,
    Redirect,
}

/// From when on a receiver is down, until everybody behaves: hours on a long day, or days.
fn is_down(seed: u64, url: &str, now: i64) -> bool {
    let host = url.split(['/', '?']).nth(2).unwrap_or_default();
    let most = u64::try_from(BUSY_MS).unwrap_or_default();
    let from = below(seed, &format!("receiver down {host}"), most);
    knows(seed, "receiver: down") && i64::try_from(from).is_ok_and(|from| now >= from)
}

impl Receivers {
    async fn take(&self, request: &Request) -> CourierResult {
        self.0.awake(self.1).await;
        let (seed, honest, now) = self.0.with(|state| (state.seed, state.honest, state.now()));
        let name = format!("wants {} {now}", request.url);
        if !honest && below(seed, &name, 100) < WANTS_PERCENT {
            self.0.seen("receiver: held");
            return CourierResult::Tried(SendResult::Held(WANT.to_owned()));
        }
        self.0.effect("crash: before a callback").await;
        if !honest && is_down(seed, &request.url, now) {
            self.0.seen("receiver: down");
            return CourierResult::Tried(SendResult::Unknown("no connection".to_owned()));
        }
        let id = request.headers.iter().find(|(name, _)| name == "webhook-id");
        let id = id.map(|(_, id)| id.clone()).unwrap_or_default();
        self.0.tell(&id, &request.url);
        let count = self.0.with(|state| state.told.get(&id).map_or(0, |(_, count)| *count));
        let (what, answers) = pick_known(
            seed,
            &format!("receiver {id} {count}"),
            &[
                (70, ("receiver: taken", Answers::Taken)),
                (20, ("receiver: error", Answers::Error)),
                // It has read it, and nobody here knows that.
                (10, ("receiver: silent", Answers::Silent)),
                (5, ("receiver: redirect", Answers::Redirect)),
            ],
        );
        let (what, answers) =
            if honest { ("receiver: taken", Answers::Taken) } else { (what, answers) };
        self.0.seen(what);
        if matches!(answers, Answers::Taken) {
            self.0.with(|state| state.taken.insert(id));
        }
        self.0.effect("crash: after a callback").await;
        let reply = |status| SendResult::Replied(Reply { status, ..Reply::default() });
        CourierResult::Tried(match answers {
            Answers::Taken => reply(200),
            Answers::Error => reply(500),
            Answers::Redirect => reply(302),
            Answers::Silent => {
                sleep(Duration::from_secs(20)).await;
                SendResult::Unknown("no answer".to_owned())
            }
        })
    }
}

impl World {
    /// A member hears of a final state: it must be durable by now, and always in the same words.
    pub(crate) fn tell(&self, id: &str, url: &str) {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let field = |name: &str| {
            let mut fields = form_urlencoded::parse(query.as_bytes());
            fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        let (Some(ref_id), Some(message)) = (field("refid"), field("message")) else {
            self.wrong(format!("a callback that cannot be read: {url}"));
            return;
        };
        self.log(|| format!("told {id} {message}"));
        let first = self.with(|state| {
            let entry = state.told.entry(id.to_owned()).or_insert((message.clone(), 0));
            entry.1 += 1;
            entry.0.clone()
        });
        if first != message {
            self.wrong(format!("{id} was told as `{first}` and as `{message}`"));
        }
        let Some(model) = &self.model else { return };
        let number = id.strip_prefix("gerbang-").and_then(|id| id.parse().ok());
        let frozen = number.and_then(|number| {
            model.with(|tables| {
                Some(tables.deliveries.get(&DeliveryId::new(number))?.message.clone())
            })
        });
        if frozen.as_ref() != Some(&message) {
            self.wrong(format!("{id} is told as `{message}`, but it says {frozen:?}"));
        }
        let Ok(ref_id) = RefId::parse(&ref_id) else { return };
        let states: Vec<TrxState> = model.with(|tables| {
            let all = tables.trxs.values().filter(|row| row.trx.ref_id == ref_id);
            all.map(|row| row.trx.state.clone()).collect()
        });
        let success = message.contains(" SUKSES");
        let fits = states.iter().any(|state| match state {
            TrxState::Success { .. } => success,
            // A reversal was a success that was told before.
            TrxState::Reversed { .. } => true,
            TrxState::Failed { .. } => !success,
            TrxState::Pending | TrxState::Refused { .. } => false,
        });
        if !fits {
            self.wrong(format!("told before it was durable: {message}"));
        }
    }
}

impl Courier for Receivers {
    fn carry<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>> {
        Box::pin(self.take(request))
    }

    fn chance(&self) -> u16 {
        32_768 // no jitter: the seed decides everything
    }

    fn sign(&self, _: &str, _: &str, _: i64, _: &str) -> String {
        String::new()
    }
}
