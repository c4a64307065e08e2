//! The high-water mark: how far this business has come, in a small file outside the database.
//!
//! A database that is older than the mark is a copy that somebody put in place, or a machine that
//! went back in time: selling on it would give out numbers and references a second time. The mark is
//! never ahead of what is durable but for the numbers: those are reserved here in blocks before the
//! first of a block is given out, so that a purchase costs no write of its own.

use crate::data::beside;
use anyhow::{Context as _, bail};
use domain::Epoch;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use store::{Batch, ChainHead, Facts, Heads, JournalFilter, Lane, Reads, Store, StoreError, Wants};
use types::{UtcMillis, hex};

/// Numbers that are reserved at once.
const BLOCK: i64 = 65_536;
/// More than any batch takes.
const MARGIN: i64 = 4_096;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    /// The restore the business lives in; 0 before the first.
    pub(crate) epoch: u32,
    pub(crate) tag: String,
    /// No purchase has this number or a higher one.
    pub(crate) trx: i64,
    /// The same for deliveries.
    pub(crate) delivery: i64,
    /// When it was written, UTC milliseconds.
    pub(crate) at: i64,
    /// Where the journal of each lane ended then.
    pub(crate) journal: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    lane: i32,
    seq: i64,
    hash: String,
}

fn places(heads: &[Heads]) -> Vec<Place> {
    let place = |h: &Heads| Place { lane: h.lane.0, seq: h.journal.seq, hash: hex(h.journal.hash) };
    heads.iter().filter(|h| h.journal.seq > 0).map(place).collect()
}

/// Makes a name in a folder durable.
pub(crate) fn sync_folder(of: &Path) -> std::io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Puts a text in the place of what a file held: all of it or nothing, durable when it returns.
pub(crate) fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let part = beside(path, ".part");
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    sync_folder(path)
}

impl Mark {
    /// What a file says; none when there is none.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
            Ok(text) => serde_json::from_str(&text).map(Some).with_context(|| {
                format!(
                    "{} cannot be read as a mark; `gerbang restore` writes a new one",
                    path.display()
                )
            }),
        }
    }

    /// Durable when it returns.
    fn write(&self, path: &Path) -> std::io::Result<()> {
        write_whole(path, &serde_json::to_string(self).map_err(std::io::Error::other)?)
    }

    /// The same, for whoever only looks.
    pub(crate) fn contradicts_now(
        &self,
        reads: &mut dyn Reads,
    ) -> Result<Option<String>, StoreError> {
        let epochs = domain::Epochs::new(reads.catalog()?.epochs);
        self.contradicts(epochs.last(), reads)
    }

    /// Why the database is not the one that this mark was written beside; `None` when it is, or when
    /// it was restored since.
    fn contradicts(
        &self,
        epoch: Option<&Epoch>,
        reads: &mut dyn Reads,
    ) -> Result<Option<String>, StoreError> {
        let (number, tag) = epoch.map_or((0, ""), |epoch| (epoch.number, epoch.tag.as_str()));
        if number > self.epoch {
            return Ok(None);
        }
        if number < self.epoch {
            return Ok(Some(format!(
                "it was restored {number} times, and {} times when the mark was written",
                self.epoch
            )));
        }
        if tag != self.tag {
            return Ok(Some("it was restored another time than the mark says".to_owned()));
        }
        let heads = reads.heads()?;
        for place in &self.journal {
            let lane = Lane(place.lane);
            let head = heads.iter().find(|h| h.lane == lane).map(|h| h.journal).unwrap_or_default();
            if head.seq < place.seq {
                return Ok(Some(format!(
                    "its journal ends at line {}, and had {} when the mark was written",
                    head.seq, place.seq
                )));
            }
            let below = Some((lane, place.seq.saturating_add(1)));
            let page = reads.journal_page(&JournalFilter {
                below,
                limit: 1,
                ..JournalFilter::default()
            })?;
            let same = page.first().is_some_and(|row| {
                let found = ChainHead { seq: row.seq, hash: row.hash };
                row.lane == lane && row.seq == place.seq && hex(found.hash) == place.hash
            });
            if !same {
                return Ok(Some(format!(
                    "line {} of its journal is another one than when the mark was written",
                    place.seq
                )));
            }
        }
        Ok(None)
    }
}

/// The mark of an opened business.
pub(crate) struct Marker {
    path: PathBuf,
    mark: Mutex<Mark>,
}

/// What the mark said when the business was opened.
pub(crate) struct Met {
    pub(crate) marker: Arc<Marker>,
    /// The business was restored since this folder was last used: what was derived here is of the
    /// lost part.
    pub(crate) restored: bool,
}

impl Marker {
    /// Compares the mark with the database and takes it up; refuses an older database.
    pub(crate) fn meet(
        path: &Path,
        shown: &str,
        reads: &mut dyn Reads,
        now: UtcMillis,
    ) -> anyhow::Result<Met> {
        let epochs = domain::Epochs::new(reads.catalog()?.epochs);
        let found = Mark::read(path)?;
        if let Some(mark) = &found
            && let Some(why) = mark.contradicts(epochs.last(), reads)?
        {
            bail!(
                "{shown} is not the business that {} was written beside: {why}. Either an older copy \
                 was put in place, or this machine went back in time. Where the newer one still is, \
                 put it back. Otherwise tell the business that it was restored: `gerbang restore`; \
                 numbers and references of what is lost are then never used again \
                 (docs/restore.md)",
                path.display()
            );
        }
        let restored = found
            .as_ref()
            .is_some_and(|mark| epochs.last().map_or(0, |epoch| epoch.number) > mark.epoch);
        let marker = Self::take_up(path, found.unwrap_or_default(), epochs.last(), reads, now)?;
        Ok(Met { marker, restored })
    }

    /// Writes the mark of a database that was just restored, whatever an older mark says.
    pub(crate) fn begin(
        path: &Path,
        epoch: &Epoch,
        reads: &mut dyn Reads,
        now: UtcMillis,
    ) -> anyhow::Result<()> {
        Self::take_up(path, Mark::default(), Some(epoch), reads, now).map(drop)
    }

    fn take_up(
        path: &Path,
        mark: Mark,
        epoch: Option<&Epoch>,
        reads: &mut dyn Reads,
        now: UtcMillis,
    ) -> anyhow::Result<Arc<Self>> {
        let marker = Self { path: path.to_owned(), mark: Mutex::new(mark) };
        let (number, tag) = epoch.map_or((0, ""), |epoch| (epoch.number, epoch.tag.as_str()));
        let heads = reads.heads()?;
        marker
            .change(|mark| {
                mark.epoch = number;
                tag.clone_into(&mut mark.tag);
                mark.journal = places(&heads);
                mark.at = now.get();
                if let Some(epoch) = epoch {
                    mark.trx = mark.trx.max(epoch.trx_from.get());
                    mark.delivery = mark.delivery.max(epoch.delivery_from.get());
                }
            })
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Arc::new(marker))
    }

    fn change(&self, change: impl FnOnce(&mut Mark)) -> std::io::Result<()> {
        let mut mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = mark.clone();
        change(&mut new);
        if new != *mark {
            new.write(&self.path)?;
            *mark = new;
        }
        Ok(())
    }

    /// No number from these on is given out before the file says so.
    fn reserve(&self, next_trx: i64, next_delivery: i64) -> std::io::Result<()> {
        self.change(|mark| {
            for (reserved, next) in [(&mut mark.trx, next_trx), (&mut mark.delivery, next_delivery)]
            {
                if next.saturating_add(MARGIN) > *reserved {
                    *reserved = next.saturating_add(BLOCK);
                }
            }
        })
    }

    /// Where the journal has come to; what readers see is durable.
    pub(crate) fn note(&self, heads: &[Heads], now: UtcMillis) -> std::io::Result<()> {
        let places = places(heads);
        self.change(|mark| {
            if mark.journal != places {
                mark.journal = places;
                mark.at = now.get();
            }
        })
    }
}

/// A store that gives out only numbers the mark has reserved.
pub(crate) struct Marked {
    pub(crate) store: Box<dyn Store>,
    pub(crate) marker: Arc<Marker>,
}

impl Store for Marked {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        let facts = self.store.load(wants)?;
        if let Err(error) = self.marker.reserve(facts.next_trx, facts.next_delivery) {
            self.store.abandon();
            return Err(StoreError::NotWritten(format!("{}: {error}", self.marker.path.display())));
        }
        Ok(facts)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.store.commit(batch)
    }

    fn abandon(&mut self) {
        self.store.abandon();
    }
}
