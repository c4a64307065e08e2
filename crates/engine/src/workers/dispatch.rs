//! Sending intents and asking about open attempts.

use super::spacing::Spacing;
use super::{InFlight, called, whole};
use crate::command::{Answer, Command};
use crate::crash::{crash_point, panic_point};
use crate::{Handle, Port, Purpose, Suppliers};
use defects::{Defect, on};
use domain::{AttemptState, FailureClass, Outcome, Source, Tie};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use store::{Channel, Place, Work};
use suppliers::{Ask, SendResult};
use tokio::sync::watch;
use types::{AttemptId, Reason, SupplierCode, UtcMillis};

/// Most purchases at suppliers at one time.
const SENDING_MOST: usize = 512;
/// So long nothing more is marked as sent after one that was held back for want of our own.
const HELD_MS: i64 = 1_000;
/// Most questions at one time.
const CHECKING_MOST: usize = 64;

/// What an attempt is for.
pub(super) fn place_of(work: &Work) -> Box<Place> {
    Box::new(Place {
        supplier: work.attempt.supplier.clone(),
        sku: work.attempt.sku.clone(),
        dest: work.dest.clone(),
    })
}

pub(super) fn ask_of(handle: &Handle, work: &Work, now: UtcMillis) -> Ask {
    let zone = handle.zone();
    Ask {
        attempt: work.attempt.id,
        sku: work.attempt.sku.clone(),
        dest: work.dest.clone(),
        qty: work.qty,
        cost: work.attempt.cost,
        counter: work.attempt.counter,
        // Restored as not sent, it may have been: not before it was made.
        sent: (work.attempt.state != AttemptState::Intended)
            .then(|| work.attempt.sent.unwrap_or(work.attempt.created))
            .map(|sent| zone.moment(sent)),
        waited_ms: 0,
        asked: zone.moment(now),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Send,
    Check,
}

async fn due(handle: &Handle, task: Task, limit: usize, skip: Vec<SupplierCode>) -> Vec<Work> {
    let now = handle.now().utc;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let found = handle
        .reads()
        .ask(move |reads| match task {
            Task::Send => reads.due_intents(now, limit, &skip),
            Task::Check => reads.due_checks(now, limit, &skip),
        })
        .await;
    match found {
        Ok(Ok(work)) => work,
        Ok(Err(error)) => {
            tracing::error!(%error, "cannot look for due work");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// The loop of both tasks: look, take what has a seat, look past suppliers that are full, wait.
async fn work_on(
    task: Task,
    most: usize,
    handle: Handle,
    suppliers: Arc<Suppliers>,
    spacing: Spacing,
    tick: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let purpose = match task {
        Task::Send => Purpose::Buy,
        Task::Check => Purpose::Ask,
    };
    let flying = InFlight::<AttemptId>::new();
    // Set while a look found more than there were seats for.
    let more = Arc::new(AtomicBool::new(false));
    // When the last one lacked something of our own: nothing is sent for a moment. A clock that went
    // back ends the pause rather than stretching it.
    let held = Arc::new(AtomicI64::new(0));
    while !*stop.borrow() && !handle.is_ended() {
        if task == Task::Send {
            panic_point("sender");
        }
        spacing.steady.sees(handle.now().utc);
        let mut skip = Vec::new();
        let mut left = false;
        loop {
            // Those in flight stand at the front of the due list until their commit.
            let limit = most + flying.len();
            let found = due(&handle, task, limit, skip.clone()).await;
            let (count, known) = (found.len(), skip.len());
            for work in found {
                let code = &work.attempt.supplier;
                if skip.contains(code) || flying.holds(&work.attempt.id) {
                    continue;
                }
                let since = UtcMillis::new(held.load(Ordering::Relaxed));
                if (0..HELD_MS).contains(&handle.now().utc.since(since)) {
                    break;
                }
                let port = suppliers.get(code);
                if task == Task::Check
                    && let Some(port) = &port
                    && !spacing.may_ask(
                        work.attempt.id,
                        port.connector.check_limits().spacing_ms,
                        handle.now().utc,
                    )
                {
                    continue;
                }
                let seat =
                    port.as_ref().and_then(|port| port.gate.enter(purpose, handle.now().utc));
                let (Some(port), Some(seat)) = (port, seat) else {
                    skip.push(code.clone());
                    left = true;
                    continue;
                };
                let Some(taken) = flying.take(&work.attempt.id, most) else {
                    left = true;
                    break;
                };
                let (handle, more, flying) = (handle.clone(), more.clone(), flying.clone());
                let (spacing, held) = (spacing.clone(), held.clone());
                tokio::spawn(async move {
                    let call = async {
                        match task {
                            Task::Send => {
                                if send(&handle, &port, &work, &spacing).await {
                                    held.store(handle.now().utc.get(), Ordering::Relaxed);
                                }
                            }
                            Task::Check => check(&handle, &port, &work, &spacing).await,
                        }
                    };
                    whole(&handle, "a call to a supplier", call).await;
                    drop((taken, seat));
                    // A look reads a whole page: worth it only when many seats are free again.
                    if task == Task::Send
                        && more.load(Ordering::Relaxed)
                        && flying.len() <= most / 2
                    {
                        handle.0.intents.notify_one();
                    }
                });
            }
            if count < limit || skip.len() == known || flying.len() >= most {
                left |= count >= limit;
                break;
            }
        }
        more.store(left, Ordering::Relaxed);
        let nudged = async {
            match task {
                Task::Send => handle.0.intents.notified().await,
                Task::Check => std::future::pending().await,
            }
        };
        tokio::select! {
            // In order, so that a simulated run repeats itself.
            biased;
            () = nudged => {}
            () = tokio::time::sleep(tick) => {}
            told = stop.changed() => if told.is_err() { return },
        }
    }
}

pub(super) async fn send_all(
    handle: Handle,
    suppliers: Arc<Suppliers>,
    spacing: Spacing,
    tick: Duration,
    stop: watch::Receiver<bool>,
) {
    work_on(Task::Send, SENDING_MOST, handle, suppliers, spacing, tick, stop).await;
}

pub(super) async fn check_all(
    handle: Handle,
    suppliers: Arc<Suppliers>,
    spacing: Spacing,
    tick: Duration,
    stop: watch::Receiver<bool>,
) {
    work_on(Task::Check, CHECKING_MOST, handle, suppliers, spacing, tick, stop).await;
}

/// Promise 3: the sent-marker is durable before the first byte, and only its winner sends, once.
/// True when it was held back for want of our own.
async fn send(handle: &Handle, port: &Port, work: &Work, spacing: &Spacing) -> bool {
    let (id, member, edition) = (work.attempt.id, work.member, port.edition);
    let place = place_of(work);
    let mark = Command::MarkSent { about: id, member, place, edition };
    let marked = handle.submit_patiently(mark).await;
    if !matches!(marked, Ok(Answer::Marked(true))) {
        return false;
    }
    spacing.asks(id, port.connector.check_limits().spacing_ms);
    crash_point("marked");
    // Between the marker and the first byte a node may sleep for long, and its work be another's.
    if !handle.may_act() && !on(Defect::LeaseNotLookedAt) {
        let proof = "this node lost its lease before the first byte".to_owned();
        let outcome = Outcome::Unsent { proof: proof.clone() };
        let now = handle.now().utc;
        let peer = work.attempt.supplier.as_str();
        let line =
            called(now, now, Channel::Supplier, peer, "not asked for", &SendResult::Unknown(proof));
        tell(handle, work, Source::Reply, outcome, line).await;
        return false;
    }
    let began = handle.now().utc;
    let ask = ask_of(handle, work, began);
    let (result, shown, outcome) = match port.connector.buy(&ask) {
        // Nothing was even prepared: as certain as it can be that nothing left.
        Err(proof) => {
            let outcome = Outcome::Unsent { proof: proof.clone() };
            (SendResult::Unknown(proof), "not asked for".to_owned(), outcome)
        }
        Ok(request) => {
            let result = port.transport.send(&request).await;
            let outcome = match &result {
                SendResult::NotSent(proof) => Outcome::Unsent { proof: proof.clone() },
                SendResult::Held(why) if on(Defect::HeldIsUnsent) => {
                    Outcome::Unsent { proof: why.clone() }
                }
                SendResult::Unknown(why) if on(Defect::NoAnswerIsUnsent) => {
                    Outcome::Unsent { proof: why.clone() }
                }
                SendResult::Held(why) => Outcome::Held { why: why.clone() },
                SendResult::Replied(reply) => port.connector.read_buy(&ask, reply),
                SendResult::Unknown(why) => Outcome::Unknown { why: why.clone() },
            };
            (result, request.redacted, outcome)
        }
    };
    crash_point("answered");
    learn(handle, port, work, &result, &outcome);
    let peer = work.attempt.supplier.as_str();
    let line = called(began, handle.now().utc, Channel::Supplier, peer, &shown, &result);
    let held = matches!(outcome, Outcome::Held { .. });
    tell(handle, work, Source::Reply, outcome, line).await;
    held
}

/// Promise 4: an answer is evidence; no answer is none.
async fn check(handle: &Handle, port: &Port, work: &Work, spacing: &Spacing) {
    let began = handle.now().utc;
    let sent = work.attempt.sent.unwrap_or(work.attempt.created);
    let waited_ms = spacing.steady.waited_ms(sent, began);
    let ask = Ask { waited_ms, ..ask_of(handle, work, began) };
    let limits = port.connector.check_limits();
    spacing.asks(work.attempt.id, limits.spacing_ms);
    let age = began.since(work.attempt.sent.unwrap_or(work.attempt.created));
    let too_old = limits.age_most_ms.is_some_and(|most| age > most);
    // Where a question is the purchase sent again, it is bought by it unless it is known there; and after
    // the copy it may have been bought elsewhere.
    let may_buy = limits.age_most_ms.is_some() && work.attempt.state != AttemptState::Waiting;
    let restored = handle.catalog().epochs().is_restored(work.attempt.id.trx);
    let request = if too_old {
        Err("too old to be asked about: it would be bought again".to_owned())
    } else if restored && may_buy {
        Err("restored from a copy, and the question might buy it: see the supplier's statement"
            .to_owned())
    } else {
        port.connector.check(&ask)
    };
    let (result, shown) = match request {
        Err(why) => (SendResult::Unknown(why), "not asked".to_owned()),
        Ok(request) => (port.transport.send(&request).await, request.redacted),
    };
    let outcome = match &result {
        SendResult::Replied(reply) => port.connector.read_check(&ask, reply),
        SendResult::NotSent(why) | SendResult::Unknown(why) if on(Defect::CheckErrorIsFailed) => {
            let (class, reason) = (FailureClass::Number, Reason::clean(why));
            Outcome::Failed { class, reason, tie: Tie::Reference }
        }
        SendResult::NotSent(why) | SendResult::Held(why) | SendResult::Unknown(why) => {
            Outcome::Unknown { why: format!("the status check got no answer: {why}") }
        }
    };
    let peer = work.attempt.supplier.as_str();
    let line = called(began, handle.now().utc, Channel::Supplier, peer, &shown, &result);
    let written = tell(handle, work, Source::Check, outcome, line).await;
    spacing.recorded(work.attempt.id, written, handle.now().utc);
}

/// What a try says of the supplier's health.
fn learn(handle: &Handle, port: &Port, work: &Work, result: &SendResult, outcome: &Outcome) {
    let (now, health) = (handle.now().utc, handle.health());
    let (supplier, sku) = (&work.attempt.supplier, &work.attempt.sku);
    match outcome {
        Outcome::Success { .. }
        | Outcome::Pending
        | Outcome::Failed { class: FailureClass::Number, .. } => {
            health.tried(supplier, true, now);
            health.tried_route(supplier, sku, true, now);
        }
        Outcome::Failed { class: FailureClass::Route, .. } => {
            health.tried_route(supplier, sku, false, now);
        }
        Outcome::Doubtful { .. } | Outcome::Unknown { .. } | Outcome::Unsent { .. } => {
            health.tried(supplier, false, now)
        }
        // Our own want says nothing of the supplier.
        Outcome::Held { .. } => {}
    }
    if let SendResult::Replied(reply) = result
        && let Some(movement) = port.connector.movement(&reply.body)
    {
        health.moved(supplier, movement, port.deposit_least, now);
    }
}

/// False when it could not be recorded.
async fn tell(
    handle: &Handle,
    work: &Work,
    source: Source,
    outcome: Outcome,
    line: store::JournalLine,
) -> bool {
    let news = Command::News {
        about: work.attempt.id,
        member: work.member,
        place: place_of(work),
        source,
        outcome,
        line: Some(Box::new(line)),
    };
    let written = handle.submit_patiently(news).await.is_ok();
    if !written {
        // The marker stays; the attempt is asked about when its patience ends.
        tracing::error!(attempt = %work.attempt.id, "an outcome could not be written");
    }
    written
}
