//! Proof that the master key is that of the business: a business without members would start with
//! any, and seal its first secrets with one that no other node has.

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

/// Opens the proof with this key, or seals one where there is none. To be used before anything is
/// sealed.
pub(crate) fn prove(
    store: &mut dyn Store,
    reads: &mut dyn Reads,
    key: &MasterKey,
    now: UtcMillis,
) -> anyhow::Result<()> {
    let name = PaperKey::new("proof", "master.key");
    for _ in 0..TRIES_MOST {
        if let Some(paper) = reads.paper(&name)? {
            let sealed = STANDARD.decode(&paper.body).context("the proof of the master key")?;
            key.open(PLACE, &Sealed(sealed)).map_err(|_| {
                anyhow!(
                    "this master key is not the one of the business: copy `master.key` from a node \
                     that works (or from where it is kept apart), and start again"
                )
            })?;
            return Ok(());
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
