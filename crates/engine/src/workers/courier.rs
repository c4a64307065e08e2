//! Callbacks from the outbox. One slow receiver delays no other.

use super::gone::{self, Mark};
use super::patience::Patience;
use super::{InFlight, called, whole};
use crate::command::Command;
use crate::crash::crash_point;
use crate::render::test_callback;
use crate::{Handle, MemberEntry};
use defects::{Defect, on};
use domain::DeliveryTry;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{Channel, Delivery, StoreError};
use suppliers::{Request, SendResult};
use tokio::sync::watch;
use types::{DeliveryId, MemberId, UtcMillis};

/// Most deliveries at one time, and to one member.
const DELIVERING_MOST: usize = 512;
const PER_MEMBER_MOST: usize = 16;
/// A receiver that took this long has one seat until it is quicker: those of many slow ones would
/// be all there are.
const SLOW_MS: i64 = 5_000;
/// The status of a receiver that wants no more.
const GONE: u16 = 410;
/// Deliveries read at one look; those in flight are among them.
const LOOK_MOST: usize = 2 * DELIVERING_MOST;

/// What a courier's try gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CourierResult {
    /// It was sent, or tried to be.
    Tried(SendResult),
    /// The URL may not be called: with the reason.
    Forbidden(String),
}

/// Carries one callback: guard against internal addresses, one connection, no redirects.
pub trait Courier: Send + Sync {
    /// Sends it; `chance` for jitter comes from here too, because it is the edge.
    fn carry<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>>;

    /// A random number for jitter.
    fn chance(&self) -> u16;

    /// The signature headers of a delivery, when the member has a signing secret.
    fn sign(&self, secret: &str, id: &str, seconds: i64, body: &str) -> String;
}

/// Members whose receivers were slow the last time.
type Slow = Arc<Mutex<HashSet<MemberId>>>;

/// Seats of one member: fewer the more of all are taken, so that the last ones are for many.
fn seats_of(member: MemberId, slow: &Slow, flying: usize) -> usize {
    if slow.lock().is_ok_and(|slow| slow.contains(&member)) || flying >= DELIVERING_MOST / 4 * 3 {
        1
    } else if flying >= DELIVERING_MOST / 2 {
        PER_MEMBER_MOST / 4
    } else {
        PER_MEMBER_MOST
    }
}

fn learn_pace(member: MemberId, millis: i64, slow: &Slow) {
    let Ok(mut slow) = slow.lock() else { return };
    if millis >= SLOW_MS {
        slow.insert(member);
    } else {
        slow.remove(&member);
    }
}

pub(super) async fn deliver_all(
    handle: Handle,
    courier: Arc<dyn Courier>,
    tick: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let flying = InFlight::<DeliveryId>::new();
    let per_member = InFlight::<(MemberId, usize)>::new();
    let patience = Patience::<DeliveryId>::new();
    let slow = Slow::default();
    // Set while a look found more than there were seats for.
    let more = Arc::new(AtomicBool::new(false));
    while !*stop.borrow() && !handle.is_ended() {
        // Those that fly when the look begins may be done when it ends: not in this round.
        let flew = flying.snapshot();
        let mut full = Vec::new();
        let mut left = false;
        loop {
            let (due, gone) = due(&handle, full.clone()).await;
            let (found, known) = (due.len(), full.len());
            for delivery in due {
                if full.contains(&delivery.member)
                    || flew.contains(&delivery.id)
                    || patience.waits(&delivery.id, handle.now().utc)
                {
                    continue;
                }
                let seats = seats_of(delivery.member, &slow, flying.len());
                let seat = (0..seats)
                    .find_map(|seat| per_member.take(&(delivery.member, seat), usize::MAX));
                let Some(seat) = seat else {
                    full.push(delivery.member);
                    left = true;
                    continue;
                };
                let Some(taken) = flying.take(&delivery.id, DELIVERING_MOST) else {
                    left = true;
                    continue;
                };
                let (handle, courier) = (handle.clone(), courier.clone());
                let (more, flying) = (more.clone(), flying.clone());
                let (patience, slow) = (patience.clone(), slow.clone());
                let mark = gone.get(&delivery.member).cloned();
                tokio::spawn(async move {
                    // It was said and is still due: said again, which receivers must expect, but
                    // not as often as a store fails.
                    let call = async {
                        let told =
                            deliver(&handle, courier.as_ref(), &delivery, mark.as_ref()).await;
                        if told.written {
                            patience.written(&delivery.id);
                        } else {
                            patience.not_written(&delivery.id, handle.now().utc);
                        }
                        learn_pace(delivery.member, told.millis, &slow);
                    };
                    whole(&handle, "a callback", call).await;
                    drop((taken, seat));
                    // A look reads a whole page: worth it only when many seats are free again.
                    if more.load(Ordering::Relaxed) && flying.len() <= DELIVERING_MOST / 2 {
                        handle.0.deliveries.notify_one();
                    }
                });
            }
            // A page full of members whose receivers are busy hides the others: look past them.
            if found < LOOK_MOST || full.len() == known || flying.len() >= DELIVERING_MOST {
                break;
            }
        }
        more.store(left, Ordering::Relaxed);
        tokio::select! {
            // In order, so that a simulated run repeats itself.
            biased;
            () = handle.0.deliveries.notified() => {}
            () = tokio::time::sleep(tick) => {}
            told = stop.changed() => if told.is_err() { return },
        }
    }
}

/// One try to tell a member something, signed when it has a secret; `None` without a URL. `said` is
/// the reference and the message. Text goes into the query of a GET, JSON is posted.
fn callback_request(
    courier: &dyn Courier,
    to: &MemberEntry,
    id: &str,
    (ref_id, message): (&str, &str),
    at: UtcMillis,
) -> Option<Request> {
    let url = to.member.callback_url.as_deref()?;
    let mut request = Request { method: "GET", ..Request::default() };
    if wire::is_seller_report(message) || wire::is_webhook(message) {
        request.method = "POST";
        url.clone_into(&mut request.url);
        message.clone_into(&mut request.body);
        request.redacted = format!("{} {}", request.url, request.body);
        let json = "application/json".to_owned();
        request.headers.push(("content-type".to_owned(), json));
    } else {
        request.url = wire::callback_url(url, ref_id, message);
        request.redacted.clone_from(&request.url);
    }
    let seconds = at.get() / 1_000;
    if let Some(secret) = &to.signing {
        let query = request.url.split_once('?').map_or("", |(_, query)| query);
        let signed = if request.body.is_empty() { query } else { &request.body };
        let signature = courier.sign(secret.expose(), id, seconds, signed);
        request.headers.push(("webhook-signature".to_owned(), signature));
    }
    request.headers.push(("webhook-id".to_owned(), id.to_owned()));
    request.headers.push(("webhook-timestamp".to_owned(), seconds.to_string()));
    Some(request)
}

/// Calls a member's URL with a callback that is about nothing: whether it was taken, and what was
/// said. `None` without a URL.
pub async fn tell_nothing(
    courier: &dyn Courier,
    to: &MemberEntry,
    at: UtcMillis,
) -> Option<(bool, String)> {
    let (message, id) = (test_callback(&to.member, at), format!("gerbang-test-{}", at.get()));
    let request = callback_request(courier, to, &id, ("TEST", &message), at)?;
    Some(match courier.carry(&request).await {
        CourierResult::Tried(SendResult::Replied(reply)) => {
            ((200..300).contains(&reply.status), format!("status {}", reply.status))
        }
        CourierResult::Tried(
            SendResult::NotSent(why) | SendResult::Held(why) | SendResult::Unknown(why),
        )
        | CourierResult::Forbidden(why) => (false, why),
    })
}

/// What is due, and which URLs are gone.
async fn due(handle: &Handle, skip: Vec<MemberId>) -> (Vec<Delivery>, HashMap<MemberId, Mark>) {
    let now = handle.now().utc;
    let limit = u32::try_from(LOOK_MOST).unwrap_or(u32::MAX);
    let look = handle.reads().ask(move |reads| {
        let due = reads.due_deliveries(now, limit, &skip)?;
        let gone = if due.is_empty() { HashMap::new() } else { gone::marks(reads)? };
        Ok::<_, StoreError>((due, gone))
    });
    match look.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::error!(%error, "cannot look for due callbacks");
            (Vec::new(), HashMap::new())
        }
        Err(_) => (Vec::new(), HashMap::new()),
    }
}

/// How a try went for the courier itself.
struct Told {
    /// It is on record.
    written: bool,
    /// How long the receiver took.
    millis: i64,
}

/// One try, or none at a URL that is gone.
async fn deliver(
    handle: &Handle,
    courier: &dyn Courier,
    delivery: &Delivery,
    mark: Option<&Mark>,
) -> Told {
    let catalog = handle.catalog();
    let entry = catalog.member_by_id(delivery.member);
    let began = handle.now().utc;
    let mut id = format!("gerbang-{}", catalog.epochs().delivery_id(delivery.id));
    if on(Defect::IdOfTry) {
        id.push_str(&format!("-{}", delivery.tries));
    }
    let message = if on(Defect::OtherWords) && delivery.tries > 0 {
        Cow::Owned(format!("{} (ulang)", delivery.message))
    } else {
        Cow::Borrowed(delivery.message.as_str())
    };
    let said = (delivery.ref_id.as_str(), message.as_ref());
    let url = entry.and_then(|entry| entry.member.callback_url.clone()).unwrap_or_default();
    let is_gone = mark.is_some_and(|mark| mark.url == url) && !gone::is_asked_for(delivery);
    let request = entry.and_then(|entry| callback_request(courier, entry, &id, said, began));
    let result = match &request {
        None => CourierResult::Forbidden("the member has no callback URL".to_owned()),
        Some(_) if is_gone => CourierResult::Forbidden(gone::WORDS.to_owned()),
        Some(request) => {
            crash_point("telling");
            let carried = courier.carry(request).await;
            crash_point("told");
            carried
        }
    };
    let request = request.unwrap_or_default();
    if let CourierResult::Tried(SendResult::Held(why)) = &result {
        // The receiver was not even looked for: no try of its own, and soon again.
        tracing::warn!(delivery = %delivery.id, why, "a callback waits for want of our own");
        return Told { written: false, millis: 0 };
    }
    let (result, sent) = read(result, courier.chance());
    let said_gone = matches!(&sent, SendResult::Replied(reply) if reply.status == GONE);
    let is_taken = matches!(result, DeliveryTry::Delivered { .. });
    let (peer, ended) = (host(&request.url), handle.now().utc);
    let mut line = called(began, ended, Channel::Callback, peer, &request.redacted, &sent);
    line.member = Some(delivery.member);
    line.trx = Some(delivery.trx);
    let tried = Command::Tried { id: delivery.id, result, line: Box::new(line) };
    let written = handle.submit_patiently(tried).await.is_ok();
    if !written {
        tracing::error!(delivery = %delivery.id, "a callback try could not be written");
    } else if said_gone {
        gone::remember(handle, delivery, &url, mark).await;
    } else if let Some(mark) = mark.filter(|_| is_taken) {
        gone::forget(handle, delivery.member, mark).await;
    }
    Told { written, millis: ended.since(began) }
}

/// What a try means for its delivery.
fn read(result: CourierResult, chance: u16) -> (DeliveryTry, SendResult) {
    let failed = |why: String, retry_after_ms| DeliveryTry::Failed { why, retry_after_ms, chance };
    let sent = match result {
        CourierResult::Forbidden(why) => {
            return (DeliveryTry::Parked { why: why.clone() }, SendResult::NotSent(why));
        }
        CourierResult::Tried(sent) => sent,
    };
    let tried = match &sent {
        _ if on(Defect::AnyAnswerIsTaken) => DeliveryTry::Delivered { status: 200 },
        SendResult::Replied(reply) if (200..300).contains(&reply.status) => {
            DeliveryTry::Delivered { status: reply.status }
        }
        SendResult::Replied(reply) if reply.status == GONE => {
            DeliveryTry::Parked { why: gone::WORDS.to_owned() }
        }
        SendResult::Replied(reply) => {
            failed(format!("status {}", reply.status), reply.retry_after_ms)
        }
        SendResult::NotSent(why) | SendResult::Held(why) | SendResult::Unknown(why) => {
            failed(why.clone(), None)
        }
    };
    (tried, sent)
}

pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}
