//! `restore`: a verified copy in place of what was lost, or a database that was put in place by other
//! means; either way the business is told that it went back in time.
//!
//! A file is made ready under another name and gets its own by one rename, so that there is a restored
//! business or none. Nothing is ever overwritten.

use super::cli::RestoreArgs;
use super::render::{Screen, Shape, bar};
use super::verify::{self, Proof};
use crate::config::Config;
use crate::data::{DataDir, beside, with_logs};
use crate::heads;
use crate::keyproof::{self, Begun};
use crate::mark::{Mark, Marker, sync_folder};
use crate::stamps::next_numbers;
use crate::storage::{Opened, Storage, apart};
use anyhow::{Context as _, bail};
use domain::{Epoch, Lost, first_after};
use engine::{Catalog, Zone};
use serde_json::{Value, json};
use sqlite::Found;
use std::path::{Path, PathBuf};
use store::{
    Batch, CatalogChange, Change, Channel, Direction, Heads, JournalFilter, JournalLine, KeySet,
    MasterKey, Paper, Reads, Stamp, StampKey, TrxFilter, Wants, Was, stamp_bytes,
};
use types::{DeliveryId, TrxNo, UtcMillis};

/// Without letters that are read as others.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

pub(super) fn restore(
    data: &DataDir,
    config: &Config,
    args: &RestoreArgs,
    screen: &Screen,
) -> anyhow::Result<()> {
    data.create_folder()?;
    let _lock = data.lock().context("stop the server first")?;
    // A copy is always of a business that had one.
    if data.lacks_key() {
        bail!(data.key_is_missing());
    }
    let key = data.master_key()?;
    let storage = Storage::of(data, config);
    let heads = config.heads_file.clone();
    let marked = Marking { key: &key, mark: config.mark(data), heads, seen: args.seen };
    let shown = match (&storage, &args.file) {
        (Storage::Server { .. }, Some(file)) => bail!(
            "{} is for a business in a file. Restore {} with PostgreSQL's own tools (pg_restore, \
             point in time), then run `gerbang restore` without a file",
            file.display(),
            storage.shown()
        ),
        (Storage::File(database), Some(file)) => {
            apart(|| put_in_place(data, database, file, args.replace, &marked))??
        }
        (Storage::File(_) | Storage::Server { .. }, None) => {
            if !storage.exists()? {
                bail!("there is no business in {}; name the backup", storage.shown());
            }
            apart(|| mark_as_it_is(data, &storage, &marked))??
        }
    };
    let mut shown = shown;
    let zone = Zone::new(&config.zone)?;
    if let Some(since) = shown["since"].as_i64() {
        shown["since"] = json!(zone.civil(UtcMillis::new(since)).to_string());
    }
    screen.show(&shown, Shape::Record)
}

/// What the marking of a restore needs.
struct Marking<'a> {
    key: &'a MasterKey,
    mark: PathBuf,
    /// Where signed heads are collected.
    heads: Option<PathBuf>,
    seen: Option<i64>,
}

impl Marking<'_> {
    /// Notes where the copy ended, as the first heads of the new time: what is noted above them is of the
    /// time that was lost. A restore is one without it, too.
    fn note(&self, epoch: &Epoch, copied: &[Heads], key: &StampKey) {
        let Some(file) = &self.heads else { return };
        let at = epoch.at.get().to_string();
        let text = heads::lines(&at, epoch.number, copied, key);
        if let Err(error) = heads::append(file, &text) {
            eprintln!("{}: the heads of the copy are not noted: {error}", file.display());
        }
    }
}

/// A copy that is whole, under its name.
fn put_in_place(
    data: &DataDir,
    database: &Path,
    file: &Path,
    replace: bool,
    marking: &Marking<'_>,
) -> anyhow::Result<Value> {
    let none = match sqlite::look(file)? {
        Found::Business => None,
        Found::Nothing => Some("is not there"),
        Found::Empty => Some("is empty"),
        Found::Foreign => Some("is no database of Gerbang"),
    };
    if let Some(none) = none {
        bail!("{} {none}: it is no backup, and nothing was restored", file.display());
    }
    let there = match sqlite::look(database)? {
        Found::Nothing => None,
        Found::Business => Some("there is a business in"),
        Found::Empty => Some("there is an empty file"),
        Found::Foreign => Some("there is something that is no database of Gerbang in"),
    };
    if let Some(there) = there.filter(|_| !replace) {
        bail!(
            "{there} {}; nothing was changed. To put that file aside and restore, add --replace",
            database.display()
        );
    }
    let part = beside(database, ".restoring");
    for left in with_logs(&part) {
        // Of a restore that was interrupted.
        let _ = std::fs::remove_file(left);
    }
    let progress = bar("pages");
    let mut source =
        sqlite::open_reader(file).with_context(|| format!("{} cannot be read", file.display()))?;
    source
        .backup(&part, &mut |done, total| {
            progress.set_length(total);
            progress.set_position(done);
        })
        .with_context(|| format!("{} cannot be copied", file.display()))?;
    drop(source);
    progress.finish_and_clear();
    let mut opened = Storage::File(part.clone()).open()?;
    let key = prove(&mut opened, marking.key, &file.display().to_string(), "nothing was restored")?;
    let copied = first(&mut opened)?.heads()?;
    let (epoch, shown) = begin_epoch(&mut opened, marking, &key)?;
    drop(opened);
    // What is in a log of its own would be left behind by the rename.
    sqlite::fold_log(&part).with_context(|| format!("{}; nothing was restored", part.display()))?;
    std::fs::File::open(&part)?.sync_all()?;
    // A log without its database too: it would be taken for the copy's own.
    let mut aside = None;
    let names = with_logs(&beside(database, &format!(".replaced-{}", epoch.at.get())));
    for (ours, name) in with_logs(database).iter().zip(names) {
        if ours.exists() {
            std::fs::rename(ours, &name)
                .with_context(|| format!("cannot rename {}", ours.display()))?;
            aside.get_or_insert(name);
        }
    }
    std::fs::rename(&part, database)
        .with_context(|| format!("cannot create {}", database.display()))?;
    sync_folder(database)?;
    let mut reads = sqlite::open_reader(database)?;
    Marker::begin(&marking.mark, &epoch, &mut reads, epoch.at)?;
    marking.note(&epoch, &copied, &key);
    data.forget_reports()?;
    let mut shown = shown;
    shown["restored"] = json!(file.display().to_string());
    shown["put_aside"] = json!(aside.map(|aside: PathBuf| aside.display().to_string()));
    Ok(shown)
}

/// A database that is where it should be.
fn mark_as_it_is(
    data: &DataDir,
    storage: &Storage,
    marking: &Marking<'_>,
) -> anyhow::Result<Value> {
    if let Storage::Server { .. } = storage {
        let nodes = pg::nodes(&std::sync::Arc::new(storage.target()?))?;
        if !nodes.is_empty() {
            bail!(
                "these nodes work on {}: {}. Stop them first; one that was killed is forgotten within \
                 its lease",
                storage.shown(),
                nodes.join(", ")
            );
        }
    }
    keyproof::refuse_another(storage, marking.key)?;
    let mut opened = storage.open()?;
    let key = prove(&mut opened, marking.key, &storage.shown(), "nothing was changed")?;
    let copied = first(&mut opened)?.heads()?;
    let (epoch, mut shown) = begin_epoch(&mut opened, marking, &key)?;
    Marker::begin(&marking.mark, &epoch, first(&mut opened)?, epoch.at)?;
    marking.note(&epoch, &copied, &key);
    data.forget_reports()?;
    shown["restored"] = json!(storage.shown());
    Ok(shown)
}

fn first(opened: &mut Opened) -> anyhow::Result<&mut dyn Reads> {
    Ok(opened.readers.first_mut().context("a store without readers")?.as_mut())
}

/// The key in place is the one that the copy was written with, and the copy holds.
fn prove(opened: &mut Opened, key: &MasterKey, shown: &str, end: &str) -> anyhow::Result<StampKey> {
    let reads = first(opened)?;
    let keys = keys_of(reads, key)?;
    let stamps = StampKey::of(&keys);
    let report = verify::report(reads, &Proof::whole(Some(&stamps)))?;
    match report.found.first() {
        Some(first) => bail!("{shown} does not hold: {first}; {end}"),
        None => Ok(stamps),
    }
}

fn keys_of(reads: &mut dyn Reads, key: &MasterKey) -> anyhow::Result<KeySet> {
    if let Some(Begun { from, to }) = Begun::read(reads)? {
        bail!(
            "the copy was made while the master key was changed from {from} to {to}, and no one key opens \
             it: take one from before or after"
        );
    }
    let found = keyproof::keys(reads, key).and_then(|keys| {
        Catalog::build(reads.catalog()?, key)?;
        Ok(keys)
    });
    let Err(error) = found else { return found };
    match keyproof::id(reads)?.filter(|id| *id != key.id()) {
        Some(id) => bail!(
            "the copy was written with another master.key ({id}) than the one in place ({}): put that one \
             in place (a rotation keeps it as master.key.old-{id}), restore, and rotate the key again",
            key.id()
        ),
        None => bail!(
            "{error:#}. The copy was written with another master.key: put that one in place (a rotation \
             keeps it as master.key.old-..), restore, and rotate the key again"
        ),
    }
}

/// One commit: from here on the business knows.
fn begin_epoch(
    opened: &mut Opened,
    marking: &Marking<'_>,
    key: &StampKey,
) -> anyhow::Result<(Epoch, Value)> {
    let now = opened.clock.now();
    let reads = first(opened)?;
    let rows = reads.catalog()?;
    let last = rows.epochs.iter().max_by_key(|epoch| epoch.number).cloned();
    // A mark that cannot be read is as good as none: the jump is wide enough without.
    let mark = Mark::read(&marking.mark).unwrap_or_default();
    let mut newest = last.as_ref().map_or(UtcMillis::new(0), |epoch| epoch.at);
    for heads in reads.heads()? {
        let below = Some((heads.lane, heads.journal.seq.saturating_add(1)));
        let page =
            reads.journal_page(&JournalFilter { below, limit: 1, ..JournalFilter::default() })?;
        newest = page.iter().fold(newest, |newest, row| newest.max(row.row.at));
    }
    let trx = reads.trx_page(&TrxFilter { limit: 1, ..TrxFilter::default() })?;
    newest = trx.first().map_or(newest, |trx| newest.max(trx.created));
    let (next_trx, next_delivery) = next_numbers(reads, &rows.epochs)?;
    let jump = |next: i64, mark: Option<i64>, seen: Option<i64>| {
        first_after(&Lost { next, newest, mark, seen }, now).with_context(|| {
            format!(
                "the clock of this machine says {}, and the copy has records of {}: set the clock \
                 right first",
                now.get(),
                newest.get()
            )
        })
    };
    let mut random = [0; 4];
    getrandom::fill(&mut random).context("no randomness from the system")?;
    let letters = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let number = last.as_ref().map_or(0, |epoch| epoch.number);
    let epoch = Epoch {
        number: number.max(mark.as_ref().map_or(0, |mark| mark.epoch)).saturating_add(1),
        at: now,
        trx_from: TrxNo::new(jump(next_trx, mark.as_ref().map(|mark| mark.trx), marking.seen)?),
        delivery_from: DeliveryId::new(jump(
            next_delivery,
            mark.as_ref().map(|mark| mark.delivery),
            None,
        )?),
        tag: std::iter::once('r').chain(letters).collect(),
        open: false,
    };
    let open = reads.counts()?.pending;
    let mut entries = Vec::new();
    reads.each_paper(&mut |paper| {
        if office::ENTRIES.contains(&paper.key.kind.as_str()) {
            entries.push(paper);
        }
        std::ops::ControlFlow::Continue(())
    })?;
    let shown = json!({
        "restored": "", "since": newest.get(), "epoch": epoch.number, "tag": epoch.tag,
        "next_trx": epoch.trx_from.get(), "pending": open,
        "sessions_and_tokens_ended": entries.len(),
        "next": "gerbang serve (nothing is sold yet); whoever was locked or removed after the copy, and \
                 every password, PIN, key, limit and address of before, is back: go through them \
                 (gerbang user list, gerbang member list); compare the suppliers' statements since then \
                 (console, Reconciliation); gerbang restore --open --note \"...\"",
    });
    let gone = |paper: &Paper| Stamp { was: key.paper(paper).then(), ..key.no_paper(&paper.key) };
    let mut stamps: Vec<Stamp> = entries.iter().map(gone).collect();
    stamps.push(Stamp { was: Was::Nothing, ..key.epoch(&epoch) });
    let line = JournalLine {
        at: now,
        direction: Direction::In,
        channel: Channel::Admin,
        peer: "operator".to_owned(),
        member: None,
        trx: None,
        request: format!(
            "restored from a copy whose newest record is of {}: epoch {} {}, purchases from {}, \
             deliveries from {}, {open} pending; {} sessions and tokens ended",
            newest.get(),
            epoch.number,
            epoch.tag,
            epoch.trx_from,
            epoch.delivery_from,
            entries.len()
        ),
        reply: String::new(),
        status: "restored".to_owned(),
        millis: 0,
        stamps: stamp_bytes(now, &stamps),
    };
    let store = opened.stores.first_mut().context("a store without a writer")?;
    let papers = entries.iter().map(|paper| paper.key.clone()).collect();
    store.load(&Wants { revision: Some(rows.revision), papers, ..Wants::default() })?;
    let mut changes = vec![Change::Catalog(Box::new(CatalogChange::Epoch(epoch.clone())))];
    changes.extend(
        entries
            .into_iter()
            .map(|paper| Change::DropPaper { version: paper.version, key: paper.key }),
    );
    changes.push(Change::Journal(Box::new(line)));
    store.commit(Batch { changes })?;
    Ok((epoch, shown))
}
