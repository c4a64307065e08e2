//! Our deposits at suppliers, asked now and then; a low one takes the supplier out of routing, and
//! a movement that follows nothing is told.

use super::called;
use crate::command::Command;
use crate::{Handle, Port, Purpose, Suppliers};
use std::sync::Arc;
use std::time::Duration;
use store::{Channel, Direction, JournalLine};
use suppliers::{Movement, SendResult};
use tokio::sync::watch;
use types::SupplierCode;

/// How often they are asked.
const EVERY_ROUNDS: u32 = 10;
/// How often gaps are looked for.
const ROUND: Duration = Duration::from_secs(30);

pub(super) async fn watch(
    handle: Handle,
    suppliers: Arc<Suppliers>,
    mut stop: watch::Receiver<bool>,
) {
    for round in 0_u32.. {
        if *stop.borrow() || handle.is_ended() {
            return;
        }
        tell_gaps(&handle).await;
        // One node asks, and the others hear of it.
        let ours = handle.leads() || !handle.health().is_shared();
        let asked = ours && round.is_multiple_of(EVERY_ROUNDS);
        for code in suppliers.codes().into_iter().filter(|_| asked) {
            if let Some(port) = suppliers.get(&code) {
                look(&handle, &port, &code).await;
            }
        }
        tokio::select! {
            // In order, so that a simulated run repeats itself.
            biased;
            () = tokio::time::sleep(ROUND) => {}
            told = stop.changed() => if told.is_err() { return },
        }
    }
}

/// A gap costs somebody money: it is logged and stands in the journal.
async fn tell_gaps(handle: &Handle) {
    let now = handle.now().utc;
    for (supplier, gap) in handle.health().gaps(handle.leads(), now) {
        let text = format!(
            "our deposit went from {} to {} by something we do not know of: a charge without a \
             purchase of ours, or somebody else who buys with it (a copy of this business?)",
            gap.known, gap.from
        );
        tracing::warn!(%supplier, text, "gap in the balances a supplier tells");
        let line = JournalLine {
            at: gap.at,
            direction: Direction::In,
            channel: Channel::Supplier,
            peer: supplier.to_string(),
            member: None,
            trx: None,
            request: String::new(),
            reply: text,
            status: "gap".to_owned(),
            millis: 0,
            stamps: Vec::new(),
        };
        let _ = handle.submit_patiently(Command::Note(Box::new(line))).await;
    }
}

async fn look(handle: &Handle, port: &Port, code: &SupplierCode) {
    let Some(request) = port.connector.balance() else { return };
    let Some(seat) = port.gate.enter(Purpose::Ask, handle.now().utc) else { return };
    let began = handle.now().utc;
    let result = port.transport.send(&request).await;
    drop(seat);
    let (ended, channel) = (handle.now().utc, Channel::Supplier);
    let line = called(began, ended, channel, code.as_str(), &request.redacted, &result);
    // A lost line of the journal is told by the writer's own error.
    let _ = handle.submit_patiently(Command::Note(Box::new(line))).await;
    let SendResult::Replied(reply) = &result else { return };
    match port.connector.read_balance(reply) {
        Ok(balance) => {
            if balance < port.deposit_least {
                tracing::warn!(supplier = %code, %balance, least = %port.deposit_least,
                    "our deposit is low; nothing is bought there");
            }
            let movement = Movement { before: None, price: None, after: balance };
            handle.health().moved(code, movement, port.deposit_least, ended);
        }
        Err(why) => tracing::warn!(supplier = %code, why, "our deposit could not be read"),
    }
}
