//! The whole life over sockets, each end a process of its own: accepted, bought at the simulator over HTTP,
//! its callback taken, settled, and told to the member's receiver over HTTP.

use crate::Plan;
use crate::business::{Serving, Supplier, Wanted, purchases};
use crate::client::closed;
use crate::process::cpu;
use crate::table::{Table, head};
use anyhow::{Context as _, ensure};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long the last ones may take.
const PATIENCE: Duration = Duration::from_secs(300);

#[allow(clippy::cast_precision_loss)] // some ten thousand
pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let wanted = Wanted { supplier: Supplier::All, ..Wanted::of(plan.members) };
    let (mut table, mut settings) = (Table::against(""), String::new());
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let serving = Serving::open(plan, wanted)?;
        let next = Arc::new(AtomicU64::new(1));
        let asked = purchases(plan.members, false, next.clone());
        let served = serving.served();
        let (began, before) = (Instant::now(), cpu(&served.pids).context("it is gone")?);
        let accepted = closed(&served, plan.load(), asked).await?;
        let (all, wrong) = (next.load(Ordering::Relaxed) - 1, accepted.wrong);
        table.add("accepted while everything else goes on", accepted);
        if wrong > 0 {
            break;
        }
        let (told, callbacks) = all_told(&serving, all).await?;
        let (took, after) = (began.elapsed(), cpu(&served.pids).context("it is gone")?);
        table.figure(
            "**whole lives**, from the first request to the last one told",
            "/s",
            told as f64 / took.as_secs_f64(),
        );
        let spent = after.saturating_sub(before).as_secs_f64() * 1e3 / told.max(1) as f64;
        table.figure("server's CPU for a whole life", "ms", spent);
        table.figure("callbacks for a purchase", "", callbacks as f64 / told.max(1) as f64);
        settings.clone_from(&serving.settings);
    }
    head(plan, &format!("{}; {settings}", wanted.shown(plan)));
    table.finish()
}

/// Waits until all of them are told and nothing is open; how many were told, and by how many callbacks.
async fn all_told(serving: &Serving, all: u64) -> anyhow::Result<(u64, u64)> {
    let began = Instant::now();
    loop {
        let (told, callbacks) = serving.told("b").await?;
        if told >= all {
            let open = serving.gauge("pending_trx").await?;
            ensure!(told == all && open == 0, "{told} of {all} told, {open} still open");
            return Ok((told, callbacks));
        }
        ensure!(began.elapsed() < PATIENCE, "{told} of {all} are told after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
