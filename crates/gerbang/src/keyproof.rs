//! Proof that the master key is that of the business, and the roots beside it: a business without
//! members would start with any key, and seal its first secrets with one that no other node has.
//!
//! One paper holds both: the roots ([`store::KeySet`]), sealed under the key. While a rotation is not
//! finished a second paper says so, and nothing is opened: neither key opens everything then.

use crate::storage::{Storage, apart};
use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Catalog;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::{
    Batch, Change, KeyId, KeySet, MasterKey, Paper, PaperKey, Reads, Sealed, Store, StoreError,
    Wants,
};
use types::UtcMillis;

/// Where the proof is sealed for.
const PLACE: &str = "paper/master.key";
/// What it said before there were roots: they follow from the key that sealed it.
const PLAIN: &str = "this is the key";
/// How often another node may write it first.
const TRIES_MOST: u32 = 3;

/// A rotation that was begun and is not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Begun {
    /// The name of its paper.
    pub(crate) fn name() -> PaperKey {
        PaperKey::new("proof", "rotation")
    }

    /// The one there is.
    pub(crate) fn read(reads: &mut dyn Reads) -> anyhow::Result<Option<Self>> {
        let paper = reads.paper(&Self::name())?;
        let read = |paper: Paper| serde_json::from_str(&paper.body).context("proof rotation");
        paper.map(read).transpose()
    }

    /// Refuses whatever needs one key for everything.
    pub(crate) fn refuse(reads: &mut dyn Reads) -> anyhow::Result<()> {
        match Self::read(reads)? {
            None => Ok(()),
            Some(Self { from, to }) => bail!(
                "a rotation of the master key, from {from} to {to}, was begun and is not finished: run \
                 `gerbang key rotate` again. Until then neither key opens everything, and nothing is served"
            ),
        }
    }
}

/// Refuses a key that is not the one of the business, and a rotation that is not finished, before
/// anything is taken or written: lanes of others, a schema that is brought forward. What cannot be read
/// here is proved by [`prove`].
pub(crate) fn refuse_another(storage: &Storage, key: &MasterKey) -> anyhow::Result<()> {
    if !storage.exists()? {
        return Ok(());
    }
    apart(|| {
        // A schema of before is not read by this program; it is brought forward first.
        let Ok(mut reads) = storage.reader() else { return Ok(()) };
        match reads.paper(&name()) {
            Ok(Some(paper)) => {
                Begun::refuse(reads.as_mut())?;
                of(&paper, key).map(drop)
            }
            Ok(None) | Err(_) => match reads.catalog() {
                Ok(rows) => Catalog::build(rows, key).map(drop).map_err(|error| anyhow!(error)),
                Err(_) => Ok(()),
            },
        }
    })?
}

/// The name of the proof.
pub(crate) fn name() -> PaperKey {
    PaperKey::new("proof", "master.key")
}

/// What the proof says, when this key sealed it.
pub(crate) fn of(paper: &Paper, key: &MasterKey) -> anyhow::Result<KeySet> {
    let sealed = Sealed(STANDARD.decode(&paper.body).context("the proof of the master key")?);
    let text = key.open(PLACE, &sealed).map_err(|_| {
        let named = sealed.key().map_or_else(String::new, |id| format!(", which is {id}"));
        anyhow!(
            "this master key ({}) is not the one of the business{named}: copy `master.key` from a node \
             that works (or from where it is kept apart), and start again. Where `master.key.new` is \
             beside it, a rotation was interrupted: run `gerbang key rotate` again",
            key.id()
        )
    })?;
    if text.as_str() == PLAIN {
        return Ok(KeySet::derived(key.clone()));
    }
    let unread = "the proof of the master key is of a later version of this program";
    KeySet::read(key.clone(), &text).context(unread)
}

/// Under which key the business is; none where its proof does not say.
pub(crate) fn id(reads: &mut dyn Reads) -> Result<Option<KeyId>, StoreError> {
    let paper = reads.paper(&name())?;
    let sealed = paper.and_then(|paper| STANDARD.decode(&paper.body).ok());
    Ok(sealed.and_then(|sealed| Sealed(sealed).key()))
}

/// The proof that says these roots under their key.
pub(crate) fn sealed(keys: &KeySet) -> anyhow::Result<String> {
    Ok(STANDARD.encode(keys.seal(PLACE, &keys.told())?.0))
}

/// The key with the roots of the business, without writing anything.
pub(crate) fn keys(reads: &mut dyn Reads, key: &MasterKey) -> anyhow::Result<KeySet> {
    match reads.paper(&name())? {
        Some(paper) => of(&paper, key),
        None => {
            Catalog::build(reads.catalog()?, key)?;
            Ok(KeySet::derived(key.clone()))
        }
    }
}

/// The same of a business at rest or beside its server.
pub(crate) fn keys_in(storage: &Storage, key: &MasterKey) -> anyhow::Result<KeySet> {
    apart(|| keys(storage.reader()?.as_mut(), key))?
}

/// Opens the proof with this key, or seals one where there is none. To be used before anything is
/// sealed or stamped.
pub(crate) fn prove(
    store: &mut dyn Store,
    reads: &mut dyn Reads,
    key: &MasterKey,
    now: UtcMillis,
) -> anyhow::Result<KeySet> {
    let name = name();
    for _ in 0..TRIES_MOST {
        if let Some(paper) = reads.paper(&name)? {
            Begun::refuse(reads)?;
            return of(&paper, key);
        }
        // What is sealed already proves it before it is written down.
        let rows = reads.catalog()?;
        let is_new = rows.members.is_empty() && rows.levels.is_empty() && !stamps_began(reads)?;
        Catalog::build(rows, key)?;
        let keys = if is_new { KeySet::fresh(key.clone())? } else { KeySet::derived(key.clone()) };
        let wants = Wants { papers: BTreeSet::from([name.clone()]), ..Wants::default() };
        if store.load(&wants)?.papers.contains_key(&name) {
            store.abandon();
            continue;
        }
        let paper = Paper {
            key: name.clone(),
            tag: String::new(),
            version: 1,
            at: now,
            body: sealed(&keys)?,
        };
        match store.commit(Batch { changes: vec![Change::PutPaper(Box::new(paper))] }) {
            Ok(()) => return Ok(keys),
            Err(StoreError::Again(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the proof of the master key could not be written; start again")
}

/// A business with stamps has the roots that they were made with.
fn stamps_began(reads: &mut dyn Reads) -> Result<bool, StoreError> {
    Ok(reads.paper(&crate::stamps::since())?.is_some())
}
