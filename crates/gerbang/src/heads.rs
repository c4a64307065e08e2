//! Heads of the chains that are noted elsewhere: typed, or signed lines in a file.
//!
//! Whoever can write the database and has no master key can rewrite a chain to its end, or set it back;
//! a head that was noted before, in a place he cannot write, is then another one. The signature tells that
//! the file was written by this business. Each line says after which restore it was written: of what a
//! restore took away there are heads too, and nothing to compare them with.

use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use store::{ChainHead, Hash, Heads, Lane, StampKey};
use types::unhex;

/// Which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chain {
    Ledger,
    Journal,
}

/// A head that was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) chain: Chain,
    pub(crate) lane: Lane,
    pub(crate) head: ChainHead,
    /// After which restore it was noted; 0 before the first, and in lines that were written before they
    /// said so. None for one that was typed.
    pub(crate) epoch: Option<u32>,
}

impl Chain {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Journal => "journal",
        }
    }
}

/// Says after which restore a line was written.
const EPOCH: &str = "epoch=";

/// Where each restore that heads tell of began, at most: the lowest head of its time.
pub(crate) struct Restores(BTreeMap<(Chain, Lane, u32), i64>);

impl Restores {
    pub(crate) fn of(noted: &[Noted]) -> Self {
        let mut lowest = BTreeMap::new();
        for noted in noted {
            if let Some(epoch) = noted.epoch.filter(|epoch| *epoch > 0) {
                let seq = lowest.entry((noted.chain, noted.lane, epoch)).or_insert(noted.head.seq);
                *seq = noted.head.seq.min(*seq);
            }
        }
        Self(lowest)
    }

    /// The first restore that took the row of this head away: it is of an earlier time, and above where
    /// a later one began. What is at or below that is in both, and is compared.
    pub(crate) fn took(&self, head: &Noted) -> Option<u32> {
        let epoch = head.epoch?;
        let (chain, lane) = (head.chain, head.lane);
        let later = (chain, lane, epoch.saturating_add(1))..=(chain, lane, u32::MAX);
        let mut later = self.0.range(later).filter(|(_, lowest)| **lowest < head.head.seq);
        later.next().map(|((_, _, number), _)| *number)
    }
}

pub(crate) fn hash(text: &str) -> Option<Hash> {
    unhex(text)?.try_into().ok()
}

/// `journal=34:hex`, or `journal=2/34:hex` with a lane.
pub(crate) fn read_head(text: &str) -> anyhow::Result<Noted> {
    let read = || {
        let (name, head) = text.trim().split_once('=')?;
        let chain = match name {
            "ledger" => Chain::Ledger,
            "journal" => Chain::Journal,
            _ => return None,
        };
        let (lane, head) = head.split_once('/').unwrap_or(("0", head));
        let (seq, hex) = head.split_once(':')?;
        let head = ChainHead { seq: seq.parse().ok()?, hash: hash(hex)? };
        Some(Noted { chain, lane: Lane(lane.parse().ok()?), head, epoch: None })
    };
    read().with_context(|| {
        format!(
            "`{text}` is no head: write ledger=NUMBER:HASH or journal=NUMBER:HASH as the log and \
             verify print them, with LANE/ before the number where there are several"
        )
    })
}

fn said(at: &str, epoch: u32, heads: &Heads) -> String {
    let Heads { lane, ledger, journal } = heads;
    let epoch = if epoch == 0 { String::new() } else { format!(" {EPOCH}{epoch}") };
    format!("{at}{epoch} ledger={lane}/{ledger} journal={lane}/{journal}")
}

/// A signed line for each lane; `epoch`: the restore that the business lives in, 0 before the first.
pub(crate) fn lines(at: &str, epoch: u32, heads: &[Heads], key: &StampKey) -> String {
    let line = |heads: &Heads| {
        let said = said(at, epoch, heads);
        format!("{said} {}\n", key.sign(&said))
    };
    heads.iter().map(line).collect()
}

/// Adds such lines to a file. Durable when it returns.
pub(crate) fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Reads a file of signed lines; every signature is compared.
pub(crate) fn read_file(path: &Path, key: Option<&StampKey>) -> anyhow::Result<Vec<Noted>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(text) = String::from_utf8(bytes) else {
        bail!("{} is no file of heads: it is not even a text", path.display());
    };
    let key =
        key.context("the signatures of heads are proved with master.key, which is missing")?;
    let mut noted = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let signed = line.rsplit_once(' ').filter(|(said, signature)| key.sign(said) == *signature);
        let Some((said, _)) = signed else {
            bail!("{}, line {number}: was not written by this business", path.display());
        };
        let mut epoch = 0;
        for word in said.split(' ').filter(|word| word.contains('=')) {
            match word.strip_prefix(EPOCH) {
                Some(number) => epoch = number.parse().with_context(|| format!("`{word}`"))?,
                None => noted.push(Noted { epoch: Some(epoch), ..read_head(word)? }),
            }
        }
    }
    if noted.is_empty() {
        bail!("{} holds no head: what was in it is gone, or it was never written", path.display());
    }
    Ok(noted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::KeySet;

    #[test]
    fn heads_are_read_as_they_are_printed_and_no_line_can_be_changed() {
        let head = |seq, byte| ChainHead { seq, hash: [byte; 32] };
        let heads = Heads { lane: Lane(3), ledger: head(7, 1), journal: head(90, 2) };
        let own = read_head(&format!("journal={}", head(90, 2))).unwrap();
        let typed = Noted { chain: Chain::Journal, lane: Lane(0), head: head(90, 2), epoch: None };
        assert_eq!(own, typed);
        for wrong in ["", "journal", "journal=1", "other=1:00", "journal=x:00", "journal=1:zz"] {
            assert!(read_head(wrong).is_err(), "{wrong}");
        }
        let (folder, key) = (tempfile::tempdir().unwrap(), KeySet::generate().unwrap());
        let (file, key) = (folder.path().join("heads"), StampKey::of(&key));
        for day in ["2026-11-30T01:00:00Z", "2026-12-01T01:00:00Z"] {
            append(&file, &lines(day, 0, &[heads], &key)).unwrap();
        }
        let noted = read_file(&file, Some(&key)).unwrap();
        assert_eq!(noted.len(), 4);
        let first = Noted { chain: Chain::Ledger, lane: Lane(3), head: head(7, 1), epoch: Some(0) };
        assert_eq!(noted[0], first);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replacen("=3/7:", "=3/6:", 1)).unwrap();
        let said = read_file(&file, Some(&key)).unwrap_err().to_string();
        assert!(said.contains("line 1: was not written by this business"), "{said}");
    }

    #[test]
    fn only_heads_above_a_later_restore_are_of_lost_rows() {
        let (folder, key) = (tempfile::tempdir().unwrap(), KeySet::generate().unwrap());
        let (file, key) = (folder.path().join("heads"), StampKey::of(&key));
        // Two days; a restore to between them; a day; a restore to before it.
        for (epoch, ledger, journal) in
            [(0, 10, 100), (0, 20, 200), (1, 15, 150), (1, 30, 300), (2, 25, 250), (2, 40, 400)]
        {
            let head = |seq| ChainHead { seq, hash: [7; 32] };
            let heads = Heads { lane: Lane(0), ledger: head(ledger), journal: head(journal) };
            append(&file, &lines("2026-11-30", epoch, &[heads], &key)).unwrap();
        }
        let noted = read_file(&file, Some(&key)).unwrap();
        let restores = Restores::of(&noted);
        let took = |noted: &Noted| restores.took(noted);
        let ledger: Vec<Option<u32>> = noted.iter().step_by(2).map(took).collect();
        assert_eq!(ledger, [None, Some(1), None, Some(2), None, None]);
        let journal: Vec<Option<u32>> = noted.iter().skip(1).step_by(2).map(took).collect();
        assert_eq!(journal, ledger);
        // What is typed is compared, and so is another lane's.
        let typed = Noted { epoch: None, ..noted[2] };
        let strange = Noted { lane: Lane(1), ..noted[2] };
        assert_eq!((took(&typed), took(&strange)), (None, None));
    }
}
