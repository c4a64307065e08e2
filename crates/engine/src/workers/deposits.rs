//! Our deposits at suppliers, asked now and then; a low one takes the supplier out of routing.

use super::called;
use crate::command::Command;
use crate::{Handle, Port, Suppliers};
use std::sync::Arc;
use std::time::Duration;
use store::Channel;
use suppliers::SendResult;
use tokio::sync::watch;
use types::SupplierCode;

/// How often they are asked.
const EVERY: Duration = Duration::from_secs(300);

pub(super) async fn watch(
    handle: Handle,
    suppliers: Arc<Suppliers>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        for code in suppliers.codes() {
            if let Some(port) = suppliers.get(&code) {
                look(&handle, &port, &code).await;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            told = stop.changed() => if told.is_err() { return },
        }
    }
}

async fn look(handle: &Handle, port: &Port, code: &SupplierCode) {
    let Some(request) = port.connector.balance() else { return };
    let Some(seat) = port.gate.enter(handle.now().utc) else { return };
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
            handle.health().deposit(code, balance, port.deposit_least);
        }
        Err(why) => tracing::warn!(supplier = %code, why, "our deposit could not be read"),
    }
}
