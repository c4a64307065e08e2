//! Keeps the figures up to date: follows the ledger, some moments behind.

use engine::Handle;
use reports::{Reports, ReportsError, gather};
use std::time::Duration;

/// Between two looks when nothing is new.
const IDLE: Duration = Duration::from_millis(500);
/// Between two looks while there is more: members come first.
const BREATH: Duration = Duration::from_millis(20);

/// Follows until the task is dropped.
pub(crate) async fn follow(handle: Handle, reports: Reports) {
    loop {
        let more = match step(&handle, &reports).await {
            Ok(more) => more,
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "reports fall behind");
                false
            }
        };
        tokio::time::sleep(if more { BREATH } else { IDLE }).await;
    }
}

/// One look; true when there is more.
pub(crate) async fn step(handle: &Handle, reports: &Reports) -> anyhow::Result<bool> {
    let places = reports.places()?;
    let feed = handle.reads().ask(move |reads| gather(reads, &places)).await??;
    if feed.is_empty() {
        return Ok(false);
    }
    let (reports, zone, more) = (reports.clone(), handle.zone().clone(), feed.has_more());
    let apply = move || -> Result<(), ReportsError> { reports.apply(&feed, &|at| zone.civil(at)) };
    tokio::task::spawn_blocking(apply).await??;
    Ok(more)
}
