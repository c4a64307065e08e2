//! Where a proof ended, so that the next one need not begin at the first row.
//!
//! A file beside the database, or anywhere: a line of JSON and its signature under a key that is sealed
//! under the master key. Who can write it and lacks that key can only make it be refused. It is written
//! when everything holds, and never else.

use crate::heads::{Chain, Noted, hash};
use crate::mark::write_whole;
use anyhow::{Context as _, bail};
use domain::{AccountName, Epoch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use store::{ChainHead, Lane, Remembered, RememberedRow, StampKey};
use types::{TrxNo, UtcMillis, hex, unhex};

/// The shape of the file.
const VERSION: u32 = 1;

/// What was proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    version: u32,
    /// When, UTC milliseconds.
    at: i64,
    /// The restore that the business lives in: its number and tag.
    epoch: (u32, String),
    /// Where the chains of each lane ended.
    lanes: Vec<Place>,
    /// What each account summed up to.
    sums: Vec<(String, i128)>,
    /// Purchases that were open.
    pending: Vec<i64>,
    /// The highest purchase and the highest delivery.
    highest: (i64, i64),
    /// From which purchase and delivery on everything has a stamp.
    since: Option<(i64, i64)>,
    /// The last stamps of rows that can still change: name, lane, moment, digest.
    rows: Vec<(String, i32, i64, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    lane: i32,
    ledger: (i64, String),
    journal: (i64, String),
}

fn place(head: ChainHead) -> (i64, String) {
    (head.seq, hex(head.hash))
}

fn head((seq, text): &(i64, String)) -> Option<ChainHead> {
    Some(ChainHead { seq: *seq, hash: hash(text)? })
}

impl Place {
    fn end(&self, chain: Chain) -> Option<ChainHead> {
        head(match chain {
            Chain::Ledger => &self.ledger,
            Chain::Journal => &self.journal,
        })
    }
}

fn epoch_of(epochs: &[Epoch]) -> (u32, String) {
    let last = epochs.iter().max_by_key(|epoch| epoch.number);
    last.map_or_else(|| (0, String::new()), |epoch| (epoch.number, epoch.tag.clone()))
}

fn digest(text: &str) -> Option<[u8; 16]> {
    unhex(text)?.try_into().ok()
}

impl Checkpoint {
    pub(super) fn new(
        heads: impl Iterator<Item = (Lane, ChainHead, ChainHead)>,
        sums: Vec<(AccountName, i128)>,
        pending: Vec<TrxNo>,
        epochs: &[Epoch],
        left: Remembered,
        at: UtcMillis,
    ) -> Self {
        let lanes = heads.map(|(lane, ledger, journal)| Place {
            lane: lane.0,
            ledger: place(ledger),
            journal: place(journal),
        });
        let row = |row: RememberedRow| (row.name, row.lane.0, row.at.get(), hex(row.digest));
        Self {
            version: VERSION,
            at: at.get(),
            epoch: epoch_of(epochs),
            lanes: lanes.collect(),
            sums: sums.into_iter().map(|(account, sum)| (account.to_string(), sum)).collect(),
            pending: pending.into_iter().map(TrxNo::get).collect(),
            highest: (left.trx, left.delivery),
            since: left.since,
            rows: left.rows.into_iter().map(row).collect(),
        }
    }

    pub(super) fn at(&self) -> UtcMillis {
        UtcMillis::new(self.at)
    }

    pub(super) fn trx(&self) -> TrxNo {
        TrxNo::new(self.highest.0)
    }

    pub(super) fn delivery(&self) -> i64 {
        self.highest.1
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = TrxNo> {
        self.pending.iter().map(|no| TrxNo::new(*no))
    }

    /// The business was not restored since.
    pub(super) fn is_of(&self, epochs: &[Epoch]) -> bool {
        self.epoch == epoch_of(epochs)
    }

    /// Where the chains ended; read by [`Self::read`], so all of them can be.
    pub(super) fn heads(&self, chain: Chain) -> BTreeMap<Lane, ChainHead> {
        let own = |place: &Place| Some((Lane(place.lane), place.end(chain)?));
        self.lanes.iter().filter_map(own).collect()
    }

    /// It was noted of a row that is not read again.
    pub(super) fn is_beyond(&self, noted: &Noted) -> bool {
        let place = self.lanes.iter().find(|place| Lane(place.lane) == noted.lane);
        let ended = place.and_then(|place| place.end(noted.chain)).unwrap_or_default();
        noted.head.seq <= ended.seq && noted.head != ended
    }

    pub(super) fn sums(&self) -> impl Iterator<Item = (AccountName, i128)> {
        self.sums.iter().filter_map(|(account, sum)| Some((account.parse().ok()?, *sum)))
    }

    pub(super) fn remembered(&self) -> Remembered {
        let row = |(name, lane, at, text): &(String, i32, i64, String)| {
            let (name, lane, at) = (name.clone(), Lane(*lane), UtcMillis::new(*at));
            Some(RememberedRow { name, lane, at, digest: digest(text)? })
        };
        Remembered {
            since: self.since,
            rows: self.rows.iter().filter_map(row).collect(),
            trx: self.highest.0,
            delivery: self.highest.1,
        }
    }

    /// Everything in it has its shape.
    fn is_whole(&self) -> bool {
        let places =
            |place: &Place| head(&place.ledger).is_some() && head(&place.journal).is_some();
        self.version == VERSION
            && self.lanes.iter().all(places)
            && self.sums().count() == self.sums.len()
            && self.rows.iter().all(|row| digest(&row.3).is_some())
    }

    /// What a file says; none when there is none yet.
    pub(super) fn read(path: &Path, key: &StampKey) -> anyhow::Result<Option<Self>> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        // Not every file is a text.
        let text = String::from_utf8(bytes).unwrap_or_default();
        let signed = text.trim_end().rsplit_once('\n');
        let Some((said, _)) = signed.filter(|(said, signature)| key.sign(said) == *signature)
        else {
            bail!(
                "{} is no checkpoint of this business, or was changed: verify with --whole to begin a \
                 new one",
                path.display()
            );
        };
        match serde_json::from_str::<Self>(said) {
            Ok(checkpoint) if checkpoint.is_whole() => Ok(Some(checkpoint)),
            Ok(_) | Err(_) => bail!(
                "{} is a checkpoint of another version: verify with --whole to begin anew",
                path.display()
            ),
        }
    }

    /// Durable when it returns.
    pub(super) fn write(&self, path: &Path, key: &StampKey) -> std::io::Result<()> {
        let said = serde_json::to_string(self).map_err(std::io::Error::other)?;
        write_whole(path, &format!("{said}\n{}\n", key.sign(&said)))
    }
}
