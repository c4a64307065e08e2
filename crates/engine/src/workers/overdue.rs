//! Nothing waits unseen: what is pending for longer than its supplier's patience waits for a person.
//!
//! News of an attempt judge this too, but of a purchase that was never sent, or whose supplier cannot
//! be spoken to, there is none. It raises a suspicion and must never decide anything else.

use crate::command::Command;
use crate::writer::SUSPECT_AFTER_MS;
use crate::{Handle, Suppliers};
use std::sync::Arc;
use std::time::Duration;
use store::{Known, TrxFilter};
use tokio::sync::watch;
use types::TrxNo;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(30);
/// Purchases that are looked at together.
const PAGE: u32 = 500;

pub(super) async fn watch(
    handle: Handle,
    suppliers: Arc<Suppliers>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            biased;
            () = tokio::time::sleep(EVERY) => {}
            told = stop.changed() => if told.is_err() { return },
        }
        if *stop.borrow() || handle.is_ended() {
            return;
        }
        // One node looks for all.
        if handle.leads() {
            look(&handle, &suppliers).await;
        }
    }
}

async fn look(handle: &Handle, suppliers: &Suppliers) {
    let mut below = None;
    loop {
        let filter = TrxFilter {
            state: Some("pending".to_owned()),
            below,
            limit: PAGE,
            ..TrxFilter::default()
        };
        let page = handle
            .reads()
            .ask(move |reads| {
                let page = reads.trx_page(&filter)?;
                let last = page.last().map(|trx| trx.no);
                let unseen: Vec<TrxNo> =
                    page.iter().filter(|trx| trx.suspect.is_none()).map(|trx| trx.no).collect();
                Ok::<_, store::StoreError>((last, reads.knowns(&unseen)?))
            })
            .await;
        let Ok(Ok((Some(last), knowns))) = page else { return };
        for known in &knowns {
            judge(handle, suppliers, known).await;
        }
        below = Some(last);
    }
}

async fn judge(handle: &Handle, suppliers: &Suppliers, known: &Known) {
    let catalog = handle.catalog();
    let current = known.attempts.iter().find(|attempt| attempt.id.n == known.trx.attempt);
    let supplier = current.map(|attempt| &attempt.supplier);
    let patience = supplier
        .and_then(|code| catalog.suppliers().get(code))
        .map_or(SUSPECT_AFTER_MS, |supplier| supplier.suspect_after_ms);
    if handle.now().utc.since(known.trx.created) <= patience {
        return;
    }
    let obstacle = match supplier {
        Some(code) if suppliers.get(code).is_none() => {
            format!("there is no connection to supplier {code}")
        }
        Some(code) => format!("it waits in the queue of supplier {code}"),
        None => "it has no attempt".to_owned(),
    };
    let (trx, member) = (known.trx.no, known.trx.member);
    // Not written: the next look finds it again.
    let _ = handle.submit_patiently(Command::Overdue { trx, member, obstacle }).await;
}
