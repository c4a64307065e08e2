//! Sending intents and asking about open attempts.

use super::{InFlight, called};
use crate::command::{Answer, Command};
use crate::{Handle, Port, Suppliers};
use domain::{Outcome, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::{Channel, Work};
use suppliers::{Ask, SendResult};
use tokio::sync::watch;
use types::AttemptId;

/// Most purchases at suppliers at one time.
const SENDING_MOST: usize = 512;
/// Most questions at one time.
const CHECKING_MOST: usize = 64;

fn ask_of(work: &Work) -> Ask {
    Ask {
        attempt: work.attempt.id,
        sku: work.attempt.sku.clone(),
        dest: work.dest.clone(),
        qty: work.qty,
        sent: work.attempt.sent,
    }
}

async fn due(handle: &Handle, most: usize, taken: usize, checks: bool) -> Vec<Work> {
    let now = handle.now().utc;
    // Those in flight stand at the front of the due list until their commit; look past them.
    let limit = u32::try_from(most + taken).unwrap_or(u32::MAX);
    let found = handle
        .reads()
        .ask(
            move |reads| {
                if checks { reads.due_checks(now, limit) } else { reads.due_intents(now, limit) }
            },
        )
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

pub(super) async fn send_all(
    handle: Handle,
    suppliers: Arc<Suppliers>,
    tick: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let flying = InFlight::<AttemptId>::new();
    // Set while a look found more than there were seats for.
    let more = Arc::new(AtomicBool::new(false));
    while !*stop.borrow() {
        let found = due(&handle, SENDING_MOST, flying.len(), false).await;
        more.store(found.len() >= SENDING_MOST, Ordering::Relaxed);
        for work in found {
            let Some(port) = suppliers.0.get(&work.attempt.supplier).cloned() else { continue };
            let Some(taken) = flying.take(&work.attempt.id, SENDING_MOST) else { continue };
            let (handle, more, flying) = (handle.clone(), more.clone(), flying.clone());
            tokio::spawn(async move {
                send(&handle, &port, &work).await;
                drop(taken);
                // A look reads a whole page: worth it only when many seats are free again.
                if more.load(Ordering::Relaxed) && flying.len() <= SENDING_MOST / 2 {
                    handle.0.intents.notify_one();
                }
            });
        }
        tokio::select! {
            () = handle.0.intents.notified() => {}
            () = tokio::time::sleep(tick) => {}
            told = stop.changed() => if told.is_err() { return },
        }
    }
}

/// Promise 3: the sent-marker is durable before the first byte, and only its winner sends, once.
async fn send(handle: &Handle, port: &Port, work: &Work) {
    let id = work.attempt.id;
    let marked = handle.submit_patiently(Command::MarkSent(id)).await;
    if !matches!(marked, Ok(Answer::Marked(true))) {
        return;
    }
    let ask = ask_of(work);
    let request = port.connector.buy(&ask);
    let began = handle.now().utc;
    let result = port.transport.send(&request).await;
    let peer = work.attempt.supplier.as_str();
    let line = called(began, handle.now().utc, Channel::Supplier, peer, &request.redacted, &result);
    let outcome = match &result {
        SendResult::NotSent(proof) => Outcome::Unsent { proof: proof.clone() },
        SendResult::Replied(reply) => port.connector.read_buy(&ask, reply),
        SendResult::Unknown(why) => Outcome::Unknown { why: why.clone() },
    };
    tell(handle, work, Source::Reply, outcome, line).await;
}

pub(super) async fn check_all(
    handle: Handle,
    suppliers: Arc<Suppliers>,
    tick: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let flying = InFlight::<AttemptId>::new();
    while !*stop.borrow() {
        for work in due(&handle, CHECKING_MOST, flying.len(), true).await {
            let Some(port) = suppliers.0.get(&work.attempt.supplier).cloned() else { continue };
            let Some(taken) = flying.take(&work.attempt.id, CHECKING_MOST) else { continue };
            let handle = handle.clone();
            tokio::spawn(async move {
                check(&handle, &port, &work).await;
                drop(taken);
            });
        }
        tokio::select! {
            () = tokio::time::sleep(tick) => {}
            told = stop.changed() => if told.is_err() { return },
        }
    }
}

/// Promise 4: an answer is evidence; no answer is none.
async fn check(handle: &Handle, port: &Port, work: &Work) {
    let ask = ask_of(work);
    let request = port.connector.check(&ask);
    let began = handle.now().utc;
    let result = port.transport.send(&request).await;
    let peer = work.attempt.supplier.as_str();
    let line = called(began, handle.now().utc, Channel::Supplier, peer, &request.redacted, &result);
    let outcome = match &result {
        SendResult::Replied(reply) => port.connector.read_check(&ask, reply),
        SendResult::NotSent(why) | SendResult::Unknown(why) => {
            Outcome::Unknown { why: format!("the status check got no answer: {why}") }
        }
    };
    tell(handle, work, Source::Check, outcome, line).await;
}

async fn tell(
    handle: &Handle,
    work: &Work,
    source: Source,
    outcome: Outcome,
    line: store::JournalLine,
) {
    let news = Command::News {
        about: work.attempt.id,
        from: work.attempt.supplier.clone(),
        source,
        outcome,
        line: Some(Box::new(line)),
    };
    if handle.submit_patiently(news).await.is_err() {
        // The marker stays; the attempt is asked about when its patience ends.
        tracing::error!(attempt = %work.attempt.id, "an outcome could not be written");
    }
}
