//! `verify`: walks both chains and the books, on a live system or a resting one.

mod checkpoint;
mod examine;
mod walk;

use self::checkpoint::Checkpoint;
use super::cli::VerifyArgs;
use super::render::{Screen, Shape};
use super::stamp_key;
use crate::config::Config;
use crate::data::DataDir;
use crate::heads::{Noted, Restores, read_file, read_head};
use crate::mark::Mark;
use crate::storage::{Storage, apart};
use anyhow::{Context as _, bail};
use domain::Epoch;
use engine::{Clock as _, SystemClock, Zone};
use serde_json::json;
use store::{Reads, StampKey, StoreError};
use types::UtcMillis;

/// What a walk through everything gave.
pub(super) struct Report {
    pub(super) found: Vec<String>,
    /// All that there are, and those that were read.
    pub(super) transfers: i64,
    pub(super) lines: i64,
    read: [i64; 2],
    /// Of ledger and journal: note them elsewhere, and a rewritten chain is seen too.
    pub(super) heads: [String; 2],
    /// Rows whose stamps were compared, and rows that are older than stamps; none without the key.
    pub(super) compared: Option<(u64, u64)>,
    /// Where a later one may go on; none without the key.
    left: Option<Checkpoint>,
}

/// What is known from outside the database.
#[derive(Clone, Copy)]
pub(super) struct Proof<'a> {
    /// Without it stamps are not compared.
    pub(super) key: Option<&'a StampKey>,
    pub(super) noted: &'a [Noted],
    /// What was proved before; everything for none.
    from: Option<&'a Checkpoint>,
    /// When it is proved.
    at: UtcMillis,
}

impl<'a> Proof<'a> {
    /// Of everything there is.
    pub(super) fn whole(key: Option<&'a StampKey>) -> Self {
        Self { key, noted: &[], from: None, at: SystemClock.now() }
    }
}

/// Everything that does not hold, in one consistent moment of the store.
pub(super) fn report(reads: &mut dyn Reads, proof: &Proof<'_>) -> Result<Report, StoreError> {
    reads.hold()?;
    let result = examine::examine(reads, proof);
    reads.release();
    result
}

pub(super) fn verify(
    data: &DataDir,
    config: &Config,
    args: &VerifyArgs,
    screen: &Screen,
) -> anyhow::Result<()> {
    let storage = Storage::of(data, config);
    storage.must_exist(data, config)?;
    // With another key every stamp would be called wrong.
    let key = stamp_key(data, &storage)?;
    let mut noted = Vec::new();
    for head in &args.head {
        noted.push(read_head(head)?);
    }
    if let Some(file) = &args.heads {
        noted.extend(read_file(file, key.as_ref())?);
    }
    let from = match &args.checkpoint {
        None => None,
        Some(file) => {
            let key = key.as_ref().context(
                "a checkpoint is sealed with master.key, which is missing: put it in place, or verify \
                 without --checkpoint",
            )?;
            if args.whole { None } else { Checkpoint::read(file, key)? }
        }
    };
    let beyond = |head: &Noted| from.as_ref().is_some_and(|from| from.is_beyond(head));
    if let Some(head) = noted.iter().take(args.head.len()).find(|head| beyond(head)) {
        bail!(
            "row {} of the {} is older than the checkpoint and is not read again: add --whole",
            head.head.seq,
            head.chain.name()
        );
    }
    let mark = Mark::read(&config.mark(data))?;
    let restores = Restores::of(&noted);
    let walked = apart(|| -> anyhow::Result<(Report, Vec<Noted>, Vec<Epoch>)> {
        let mut reads = storage.reader()?;
        let epochs = reads.catalog()?.epochs;
        // The row of such a head is gone, and its restore is known here.
        let took = |head: &Noted| {
            let number = restores.took(head)?;
            epochs.iter().find(|epoch| epoch.number == number)
        };
        let gone: Vec<Epoch> = noted.iter().filter_map(took).cloned().collect();
        let noted: Vec<Noted> = noted.iter().filter(|head| took(head).is_none()).copied().collect();
        let (key, from) = (key.as_ref(), from.as_ref());
        let proof = Proof { noted: &noted, from, ..Proof::whole(key) };
        if let Some(from) = from
            && !from.is_of(&epochs)
        {
            bail!(
                "the business was restored since the checkpoint was made: verify once with --whole, \
                 which begins a new one"
            );
        }
        let mut report = report(reads.as_mut(), &proof)?;
        if let Some(mark) = mark
            && let Some(why) = mark.contradicts_now(reads.as_mut())?
        {
            report.found.push(format!("the mark beside the database: {why}"));
        }
        Ok((report, noted, gone))
    })??;
    let (walked, noted, gone) = walked;
    let Report { found, transfers, lines, heads, compared, left, read } = walked;
    let older = if from.is_some() { "older than the checkpoint" } else { "older than stamps" };
    let stamps = match compared {
        None => "not compared: master.key is not at hand".to_owned(),
        Some((rows, 0)) => format!("{rows} rows compared"),
        Some((rows, count)) => format!("{rows} rows compared, {count} are {older}"),
    };
    let holds = found.is_empty();
    let mut shown = json!({
        "holds": holds, "transfers": transfers, "ledger_head": heads[0],
        "journal": lines, "journal_head": heads[1], "stamps": stamps,
        "heads_compared": noted.len(), "findings": found,
    });
    let zone = Zone::new(&config.zone)?;
    if let Some(last) = gone.last() {
        shown["heads_expected"] = json!(format!(
            "{} heads are of rows that a restore took away, the last one of {}: nothing is there to \
             compare them with, as docs/restore.md says",
            gone.len(),
            zone.civil(last.at)
        ));
    }
    if let Some(from) = &from {
        let passed = noted.iter().filter(|noted| from.is_beyond(noted)).count();
        shown["heads_compared"] = json!(noted.len().saturating_sub(passed));
        shown["since_checkpoint"] = json!(format!(
            "{} transfers and {} lines were read; what is older was proved on {}{}",
            read[0],
            read[1],
            zone.civil(from.at()),
            if passed == 0 {
                String::new()
            } else {
                format!("; {passed} heads are older and were not compared (--whole does)")
            },
        ));
    }
    let mut unwritten = None;
    if let (true, Some(file), Some(left), Some(key)) = (holds, &args.checkpoint, &left, &key) {
        match left.write(file, key) {
            Ok(()) => shown["checkpoint"] = json!(file.display().to_string()),
            // What was proved is told all the same.
            Err(error) => {
                shown["checkpoint"] = json!("not written");
                unwritten = Some(format!("{}: {error}", file.display()));
            }
        }
    }
    screen.show(&shown, Shape::Verdict)?;
    match (holds, unwritten) {
        (true, None) => Ok(()),
        (true, Some(why)) => bail!(
            "everything holds, but the checkpoint was not written to {why}. The next proof begins where \
             this one began"
        ),
        (false, _) => bail!("{} findings", found.len()),
    }
}
