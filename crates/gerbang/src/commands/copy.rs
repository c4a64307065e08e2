//! `backup`: a consistent copy of the database, proved before it is called one.

use super::render::{Screen, Shape, bar};
use super::verify::{self, Proof};
use crate::keyproof::Begun;
use crate::mark::sync_folder;
use crate::storage::Storage;
use anyhow::{Context as _, bail};
use serde_json::json;
use std::path::Path;
use store::{Reads as _, StampKey};

pub(super) fn backup(
    storage: &Storage,
    key: Option<&StampKey>,
    to: &Path,
    screen: &Screen,
) -> anyhow::Result<()> {
    let Storage::File(database) = storage else {
        bail!(
            "{} is backed up by its own tools (pg_dump, pg_basebackup): see docs/postgres.md",
            storage.shown()
        );
    };
    if !storage.exists()? {
        bail!("there is no business in {}", storage.shown());
    }
    if to.exists() {
        bail!("{} exists; a backup never replaces a file", to.display());
    }
    // Written under another name first: a file with the final name is always a whole backup.
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    // A part that an interrupted backup left behind.
    let _ = std::fs::remove_file(part);
    let mut reads = sqlite::open_reader(database)?;
    Begun::refuse(&mut reads)?;
    reads.hold()?;
    let progress = bar("pages");
    let copied = reads.backup(part, &mut |done, total| {
        progress.set_length(total);
        progress.set_position(done);
    });
    reads.release();
    progress.finish_and_clear();
    copied.with_context(|| format!("cannot write {}", part.display()))?;
    let mut copy = sqlite::open_reader(part)?;
    let report = verify::report(&mut copy, &Proof::whole(key))?;
    drop(copy);
    if !report.found.is_empty() {
        bail!("the copy does not hold: {}; it is left at {}", report.found[0], part.display());
    }
    let whole = |file: &Path| std::fs::File::open(file)?.sync_all();
    whole(part).with_context(|| format!("cannot write {}", part.display()))?;
    std::fs::rename(part, to).with_context(|| format!("cannot create {}", to.display()))?;
    // A name that a crash takes back is no backup.
    sync_folder(to).with_context(|| format!("cannot make {} durable", to.display()))?;
    let bytes = std::fs::metadata(to)?.len();
    let shown = json!({
        "backup": to.display().to_string(), "bytes": bytes, "transfers": report.transfers,
        "journal": report.lines, "remember": "keep master.key apart from it",
    });
    screen.show(&shown, Shape::Record)
}
