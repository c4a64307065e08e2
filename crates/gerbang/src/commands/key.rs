//! `key`: what is sealed under which master key, and a rotation to another one.
//!
//! A rotation works on a business at rest and is resumable: first the new key is durable, then a commit
//! says that a rotation was begun, then every row is sealed anew in batches, and one last commit takes
//! that word back and seals the proof anew. Rows say which key they are under, so whatever a crash
//! leaves, the next run goes on from there. Meanwhile nothing is served. The keys are swapped last.

use super::cli::RotateArgs;
use super::render::{Screen, Shape, bar};
use crate::config::Config;
use crate::data::{DataDir, KEY_VARIABLE, key_of};
use crate::keyproof::{self, Begun};
use crate::storage::{Opened, Storage, apart};
use anyhow::{Context as _, anyhow, bail};
use engine::crash_point;
use office::Held;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::PathBuf;
use store::{
    Batch, CatalogChange, CatalogKey, Change, JournalLine, KeySet, MasterKey, Paper, PaperKey,
    Reads, Stamp, StampKey, Wants, Was, stamp_bytes,
};
use types::UtcMillis;

/// Rows of a commit; few where tests want to die between two.
const BATCH: usize = if cfg!(feature = "crash-points") { 3 } else { 1_000 };

/// What is sealed, by key.
pub(super) fn show(data: &DataDir, config: &Config, screen: &Screen) -> anyhow::Result<()> {
    let storage = Storage::of(data, config);
    storage.must_exist(data, config)?;
    let key = data.master_key()?;
    let shown = apart(|| {
        let mut reads = storage.reader()?;
        let (mut ours, mut plain, mut others) = (0_u64, 0_u64, 0_u64);
        for held in rows(reads.as_mut())? {
            for under in held.under()? {
                match under {
                    Some(id) if id == key.id() => ours += 1,
                    None => plain += 1,
                    Some(_) => others += 1,
                }
            }
        }
        let proof = keyproof::id(reads.as_mut())?;
        let proof = proof.map_or_else(|| "not said".to_owned(), |id| id.to_string());
        let begun = Begun::read(reads.as_mut())?;
        let begun = begun.map(|Begun { from, to }| format!("from {from} to {to}, not finished"));
        Ok::<_, anyhow::Error>(json!({
            "key": key.id().to_string(), "key_of_the_business": proof,
            "sealed_under_this_key": ours, "sealed_before_keys_had_ids": plain,
            "sealed_under_others": others, "rotation": begun,
        }))
    })??;
    screen.show(&shown, Shape::Record)
}

/// Every row that may hold something sealed, but the proof.
fn rows(reads: &mut dyn Reads) -> anyhow::Result<Vec<Held>> {
    reads.hold()?;
    let found = held(reads);
    reads.release();
    found
}

fn held(reads: &mut dyn Reads) -> anyhow::Result<Vec<Held>> {
    let sealed = |change: &CatalogChange| {
        matches!(change, CatalogChange::Member(_) | CatalogChange::Supplier(_))
    };
    let catalog = reads.catalog()?.changes().into_iter().filter(sealed);
    let mut found: Vec<Held> = catalog.map(|change| Held::Catalog(Box::new(change))).collect();
    reads.each_paper(&mut |paper| {
        found.extend(office::held(paper));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Changes the master key.
pub(super) fn rotate(
    data: &DataDir,
    config: &Config,
    args: &RotateArgs,
    screen: &Screen,
) -> anyhow::Result<()> {
    let _lock =
        data.lock().context("a rotation needs a business at rest: stop the server first")?;
    let storage = Storage::of(data, config);
    storage.must_exist(data, config)?;
    let old = data.master_key()?;
    let new = match &args.new_key_env {
        None if DataDir::key_is_given() => bail!(
            "the master key comes from {KEY_VARIABLE}: put a new one into another variable (`openssl rand \
             -hex 32` makes one) and name it with --new-key-env"
        ),
        Some(_) if !DataDir::key_is_given() => {
            bail!(
                "--new-key-env is for a master key that comes from {KEY_VARIABLE}, not from a file"
            )
        }
        Some(variable) => key_of(variable)?,
        None => {
            if !data.new_key_file().exists() {
                // Before one is made: the key in place is that of the business, and no rotation to
                // another one was begun.
                if let Some(Begun { to, .. }) = apart(|| Begun::read(storage.reader()?.as_mut()))??
                {
                    bail!(
                        "a rotation to {to} was begun, and {} is gone: put it back",
                        data.new_key_file().display()
                    );
                }
                keyproof::refuse_another(&storage, &old)?;
            }
            data.new_key()?
        }
    };
    crash_point("key-made");
    if old.id() == new.id() {
        bail!("the new key is the one in place ({})", old.id());
    }
    let rotation = Rotation { old: &old, new: &new };
    let sealed = apart(|| rotation.run(&storage))??;
    storage.rest();
    crash_point("key-ended");
    let kept = match &args.new_key_env {
        None => Some(data.swap_keys(old.id())?),
        Some(_) => None,
    };
    crash_point("key-swapped");
    screen.show(&told(&rotation, sealed, args, kept), Shape::Record)
}

fn told(rotation: &Rotation<'_>, sealed: usize, args: &RotateArgs, kept: Option<PathBuf>) -> Value {
    let place = match &args.new_key_env {
        None => "keep a copy of master.key apart, and put it on every other node".to_owned(),
        Some(name) => format!("{KEY_VARIABLE} is to be what {name} is now, on every node"),
    };
    let next = format!(
        "{place}, before anything starts; take a backup. Backups from before open with the old key only: \
         keep that one, apart from here, as long as you keep those, then destroy it"
    );
    json!({
        "rotated": true, "from": rotation.old.id().to_string(), "to": rotation.new.id().to_string(),
        "rows_sealed": sealed, "old_key": kept.map(|kept| kept.display().to_string()), "next": next,
    })
}

struct Rotation<'a> {
    old: &'a MasterKey,
    new: &'a MasterKey,
}

/// What is changed in one commit, with its stamps.
#[derive(Default)]
struct Step {
    changes: Vec<Change>,
    stamps: Vec<Stamp>,
    papers: Vec<PaperKey>,
    catalog: Vec<CatalogKey>,
}

impl Rotation<'_> {
    /// How many rows were sealed anew, this time.
    fn run(&self, storage: &Storage) -> anyhow::Result<usize> {
        nobody_works(storage, None)?;
        if self.is_done(storage.reader()?.as_mut())? {
            return Ok(0);
        }
        let mut opened = storage.open()?;
        let now = opened.clock.now();
        let (keys, proof) = self.begin(&mut opened, now)?;
        // Whoever came in between is told, and sees at its next start that it must not.
        nobody_works(storage, Some(storage))?;
        let sealed = self.seal(&mut opened, &StampKey::of(&keys), now).context(AGAIN)?;
        crash_point("key-sealed");
        self.end(&mut opened, &keys, &proof, now).context(AGAIN)?;
        Ok(sealed)
    }

    /// The last commit was made, and only the keys are to be swapped.
    fn is_done(&self, reads: &mut dyn Reads) -> anyhow::Result<bool> {
        Ok(Begun::read(reads)?.is_none() && keyproof::id(reads)? == Some(self.new.id()))
    }

    /// From here on nothing is served, until [`Self::end`].
    fn begin(&self, opened: &mut Opened, now: UtcMillis) -> anyhow::Result<(KeySet, Paper)> {
        let (from, to) = (self.old.id().to_string(), self.new.id().to_string());
        let wanted = Begun { from, to };
        let store = opened.stores.first_mut().context("a store without a writer")?;
        let reads = opened.readers.first_mut().context("a store without readers")?.as_mut();
        let begun = Begun::read(reads)?;
        if let Some(Begun { from, to }) = begun.as_ref().filter(|begun| **begun != wanted) {
            bail!(
                "a rotation from {from} to {to} was begun, and these keys are {} and {}: put those in place",
                wanted.from,
                wanted.to
            );
        }
        if begun.is_none() {
            // A business from before may have no proof yet.
            keyproof::prove(store.as_mut(), reads, self.old, now)?;
        }
        let proof = reads.paper(&keyproof::name())?.context("the proof of the key is gone")?;
        let keys = keyproof::of(&proof, self.old)?;
        if begun.is_some() {
            return Ok((keys, proof));
        }
        // One value that opens with neither would leave the business between two keys.
        for held in rows(reads)? {
            held.resealed(self.old, self.new).context("nothing was changed")?;
        }
        let body = serde_json::to_string(&wanted)?;
        let paper = Paper { key: Begun::name(), tag: String::new(), version: 1, at: now, body };
        let mut step = Step::default();
        step.put_paper(None, paper, &StampKey::of(&keys));
        let text = format!("the master key is changed from {} to {}", wanted.from, wanted.to);
        step.commit(opened, now, "key_rotation_begun", text)?;
        crash_point("key-begun");
        Ok((keys, proof))
    }

    /// Everything that is not under the new key yet.
    fn seal(&self, opened: &mut Opened, key: &StampKey, now: UtcMillis) -> anyhow::Result<usize> {
        let all = rows(reader(opened)?)?;
        let progress = bar("rows");
        progress.set_length(all.len() as u64);
        let mut sealed = 0;
        for batch in all.chunks(BATCH) {
            let mut step = Step::default();
            for held in batch {
                if let Some(new) = held.clone().resealed(self.old, self.new)? {
                    step.put(held, new, key)?;
                }
            }
            let count = step.changes.len();
            if count > 0 {
                let text = format!("{count} rows are sealed under {}", self.new.id());
                step.commit(opened, now, "key_rotation", text)?;
                sealed += count;
                crash_point("key-batch");
            }
            progress.inc(batch.len() as u64);
        }
        progress.finish_and_clear();
        Ok(sealed)
    }

    /// One commit: the business is under the new key, and says so.
    fn end(
        &self,
        opened: &mut Opened,
        keys: &KeySet,
        proof: &Paper,
        now: UtcMillis,
    ) -> anyhow::Result<()> {
        let key = StampKey::of(keys);
        let begun = reader(opened)?.paper(&Begun::name())?;
        let begun = begun.context("the word of the rotation is gone")?;
        let body = keyproof::sealed(&keys.under(self.new.clone()))?;
        let mut step = Step::default();
        let new = Paper { version: proof.version + 1, at: now, body, ..proof.clone() };
        step.put_paper(Some(proof), new, &key);
        step.stamps.push(Stamp { was: key.paper(&begun).then(), ..key.no_paper(&begun.key) });
        step.papers.push(begun.key.clone());
        step.changes.push(Change::DropPaper { version: begun.version, key: begun.key });
        let text = format!("the master key is {}, and was {}", self.new.id(), self.old.id());
        step.commit(opened, now, "key_rotated", text)
    }
}

const AGAIN: &str = "the rotation is not finished: run `gerbang key rotate` again";

impl Step {
    fn put(&mut self, old: &Held, new: Held, key: &StampKey) -> anyhow::Result<()> {
        match (old, new) {
            (Held::Catalog(old), Held::Catalog(new)) => {
                self.stamps.push(Stamp { was: key.catalog(old).then(), ..key.catalog(&new) });
                self.catalog.push(new.key());
                self.changes.push(Change::Catalog(new));
            }
            (Held::Paper(old), Held::Paper(new)) => {
                // It says what it said, and since when.
                let new = Paper { version: old.version + 1, ..*new };
                self.put_paper(Some(old), new, key);
            }
            (Held::Catalog(_), Held::Paper(_)) | (Held::Paper(_), Held::Catalog(_)) => {
                return Err(anyhow!("a row became another one"));
            }
        }
        Ok(())
    }

    fn put_paper(&mut self, old: Option<&Paper>, new: Paper, key: &StampKey) {
        let was = old.map_or(Was::Nothing, |old| key.paper(old).then());
        self.stamps.push(Stamp { was, ..key.paper(&new) });
        self.papers.push(new.key.clone());
        self.changes.push(Change::PutPaper(Box::new(new)));
    }

    fn commit(
        self,
        opened: &mut Opened,
        now: UtcMillis,
        status: &str,
        text: String,
    ) -> anyhow::Result<()> {
        let Self { mut changes, stamps, papers, catalog } = self;
        let line = JournalLine::of_program(now, status, text, stamp_bytes(now, &stamps));
        changes.push(Change::Journal(Box::new(line)));
        // A change of the catalog says on which one it rests; nobody else changes it now.
        let revision = match catalog.is_empty() {
            true => None,
            false => Some(reader(opened)?.catalog()?.revision),
        };
        let store = opened.stores.first_mut().context("a store without a writer")?;
        let (papers, catalog) = (papers.into_iter().collect(), catalog.into_iter().collect());
        store.load(&Wants { papers, catalog, revision, ..Wants::default() })?;
        Ok(store.commit(Batch { changes })?)
    }
}

fn reader(opened: &mut Opened) -> anyhow::Result<&mut dyn Reads> {
    Ok(opened.readers.first_mut().context("a store without readers")?.as_mut())
}

/// Refuses beside nodes that work; `ours`: but this one.
fn nobody_works(storage: &Storage, ours: Option<&Storage>) -> anyhow::Result<()> {
    let Storage::Server { .. } = storage else { return Ok(()) };
    let own = match ours {
        Some(Storage::Server { joining, .. }) => Some(joining.listed()),
        Some(Storage::File(_)) | None => None,
    };
    let mut nodes = pg::nodes(&std::sync::Arc::new(storage.target()?))?;
    nodes.retain(|node| Some(node) != own.as_ref());
    if nodes.is_empty() {
        return Ok(());
    }
    bail!(
        "these nodes work on {}: {}. Stop all of them first; one that was killed is forgotten within its \
         lease",
        storage.shown(),
        nodes.join(", ")
    )
}
