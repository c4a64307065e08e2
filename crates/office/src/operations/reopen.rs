//! Selling again after a restore.

use crate::act::Act;
use crate::plug::Office;
use anyhow::{Context as _, bail};
use domain::Epoch;
use serde_json::{Value, json};
use store::CatalogChange;

/// A person says that what suppliers delivered after the copy was looked at.
pub(super) async fn reopen(office: &Office, act: &Act<'_>, note: &str) -> anyhow::Result<Value> {
    if note.trim().is_empty() {
        bail!(
            "say what was looked at: --note \"statements of 23/11 compared, 3 purchases booked\""
        );
    }
    let catalog = office.handle.catalog();
    let last = catalog.epochs().last().context("this business was never restored")?;
    if last.open {
        bail!("it is open already");
    }
    let epoch = Epoch { open: true, ..last.clone() };
    office.change(act, vec![CatalogChange::Epoch(epoch)]).await?;
    Ok(json!({ "open": true, "epoch": last.number }))
}
