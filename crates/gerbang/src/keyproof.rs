//! Proof that the master key is that of the business: a business without members would start with
//! any, and seal its first secrets with one that no other node has.

use crate::storage::{Storage, apart};
use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Catalog;
use std::collections::BTreeSet;
use store::{Batch, Change, MasterKey, Paper, PaperKey, Reads, Sealed, Store, StoreError, Wants};
use types::UtcMillis;

/// Where the proof is sealed for.
const PLACE: &str = "paper/master.key";
/// How often another node may write it first.
const TRIES_MOST: u32 = 3;

/// Refuses a key that is not the one of the business, before anything is taken or written: lanes of
/// others, a schema that is brought forward. What cannot be read here is proved by [`prove`].
pub(crate) fn refuse_another(storage: &Storage, key: &MasterKey) -> anyhow::Result<()> {
    if !storage.exists()? {
        return Ok(());
    }
    apart(|| {
        // A schema of before is not read by this program; it is brought forward first.
        let Ok(mut reads) = storage.reader() else { return Ok(()) };
        match reads.paper(&name()) {
            Ok(Some(paper)) => is_ours(&paper, key),
            Ok(None) | Err(_) => match reads.catalog() {
                Ok(rows) => Catalog::build(rows, key).map(drop).map_err(|error| anyhow!(error)),
                Err(_) => Ok(()),
            },
        }
    })?
}

fn name() -> PaperKey {
    PaperKey::new("proof", "master.key")
}

fn is_ours(paper: &Paper, key: &MasterKey) -> anyhow::Result<()> {
    let sealed = STANDARD.decode(&paper.body).context("the proof of the master key")?;
    key.open(PLACE, &Sealed(sealed)).map_err(|_| {
        anyhow!(
            "this master key is not the one of the business: copy `master.key` from a node that works \
             (or from where it is kept apart), and start again"
        )
    })?;
    Ok(())
}

/// Opens the proof with this key, or seals one where there is none. To be used before anything is
/// sealed.
pub(crate) fn prove(
    store: &mut dyn Store,
    reads: &mut dyn Reads,
    key: &MasterKey,
    now: UtcMillis,
) -> anyhow::Result<()> {
    let name = name();
    for _ in 0..TRIES_MOST {
        if let Some(paper) = reads.paper(&name)? {
            return is_ours(&paper, key);
        }
        // What is sealed already proves it before it is written down.
        Catalog::build(reads.catalog()?, key)?;
        let wants = Wants { papers: BTreeSet::from([name.clone()]), ..Wants::default() };
        if store.load(&wants)?.papers.contains_key(&name) {
            store.abandon();
            continue;
        }
        let sealed = key.seal(PLACE, "this is the key")?;
        let paper = Paper {
            key: name.clone(),
            tag: String::new(),
            version: 1,
            at: now,
            body: STANDARD.encode(sealed.0),
        };
        match store.commit(Batch { changes: vec![Change::PutPaper(Box::new(paper))] }) {
            Ok(()) => return Ok(()),
            Err(StoreError::Again(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the proof of the master key could not be written; start again")
}
