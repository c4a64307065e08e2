//! `migrate-store`: from a file into PostgreSQL, proved on both sides before the file is put away.

use super::render::{Screen, Shape, bar};
use super::stamp_key;
use super::verify::{self, Proof};
use crate::config::Config;
use crate::data::{DataDir, beside};
use crate::keyproof::Begun;
use crate::storage::{Storage, apart};
use anyhow::{Context as _, bail};
use serde_json::json;
use std::path::PathBuf;

pub(super) fn move_store(
    data: &DataDir,
    config: Config,
    from: Option<PathBuf>,
    to: String,
    screen: &Screen,
) -> anyhow::Result<()> {
    // Nobody may write the file while it is copied.
    let _lock = data.lock()?;
    let file = from.unwrap_or_else(|| data.database());
    let source = Storage::File(file.clone());
    if !source.exists()? {
        bail!("there is no business in {}", source.shown());
    }
    // The log would be left behind by the rename below, and with it what was committed last.
    sqlite::fold_log(&file).with_context(|| format!("{}; nothing was moved", file.display()))?;
    let there = Storage::named(&to, &config);
    let key = stamp_key(data, &source)?;
    let proof = Proof::whole(key.as_ref());
    let (before, after) = apart(|| {
        let mut reads = source.reader()?;
        Begun::refuse(reads.as_mut())?;
        let before = verify::report(reads.as_mut(), &proof)?;
        if let Some(first) = before.found.first() {
            bail!("{} does not hold: {first}; nothing was moved", source.shown());
        }
        let progress = bar("rows");
        reads.hold()?;
        let moved = pg::move_in(there.target()?, reads.as_mut(), &mut |done, total| {
            progress.set_length(total);
            progress.set_position(done);
        });
        reads.release();
        progress.finish_and_clear();
        moved.with_context(|| format!("moving into {}", there.shown()))?;
        let after = verify::report(there.reader()?.as_mut(), &proof)?;
        Ok((before, after))
    })??;
    if let Some(first) = after.found.first() {
        bail!("{} does not hold: {first}; the file is left as it is", there.shown());
    }
    if before.heads != after.heads {
        bail!(
            "the chains end differently: {:?} here, {:?} there; the file is left as it is",
            before.heads,
            after.heads
        );
    }
    let aside = beside(&file, ".moved");
    std::fs::rename(&file, &aside).with_context(|| format!("cannot rename {}", file.display()))?;
    let shown = json!({
        "moved": there.shown(), "transfers": after.transfers, "journal": after.lines,
        "ledger_head": after.heads[0], "journal_head": after.heads[1],
        "file": aside.display().to_string(),
        "next": "set database in gerbang.toml (or GERBANG_DATABASE), then gerbang serve",
    });
    screen.show(&shown, Shape::Record)
}
