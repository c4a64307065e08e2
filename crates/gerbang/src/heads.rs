//! Heads of the chains that are noted elsewhere: typed, or signed lines in a file.
//!
//! Whoever can write the database and has no master key can rewrite a chain to its end, or set it back;
//! a head that was noted before, in a place he cannot write, is then another one. The signature tells that
//! the file was written by this business.

use anyhow::{Context as _, bail};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use store::{ChainHead, Hash, Heads, Lane, StampKey};

/// Which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

impl Chain {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Journal => "journal",
        }
    }
}

/// As it is written in files.
pub(crate) fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn hash(hex: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
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
        Some(Noted { chain, lane: Lane(lane.parse().ok()?), head })
    };
    read().with_context(|| {
        format!(
            "`{text}` is no head: write ledger=NUMBER:HASH or journal=NUMBER:HASH as the log and \
             verify print them, with LANE/ before the number where there are several"
        )
    })
}

fn said(at: &str, heads: &Heads) -> String {
    let Heads { lane, ledger, journal } = heads;
    format!("{at} ledger={lane}/{ledger} journal={lane}/{journal}")
}

/// A signed line for each lane.
pub(crate) fn lines(at: &str, heads: &[Heads], key: &StampKey) -> String {
    let line = |heads: &Heads| {
        let said = said(at, heads);
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
        let heads = said.split(' ').filter(|word| word.contains('='));
        for head in heads {
            noted.push(read_head(head)?);
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
    use store::MasterKey;

    #[test]
    fn heads_are_read_as_they_are_printed_and_no_line_can_be_changed() {
        let head = |seq, byte| ChainHead { seq, hash: [byte; 32] };
        let heads = Heads { lane: Lane(3), ledger: head(7, 1), journal: head(90, 2) };
        let own = read_head(&format!("journal={}", head(90, 2))).unwrap();
        assert_eq!(own, Noted { chain: Chain::Journal, lane: Lane(0), head: head(90, 2) });
        for wrong in ["", "journal", "journal=1", "other=1:00", "journal=x:00", "journal=1:zz"] {
            assert!(read_head(wrong).is_err(), "{wrong}");
        }
        let (folder, key) = (tempfile::tempdir().unwrap(), MasterKey::generate().unwrap());
        let (file, key) = (folder.path().join("heads"), StampKey::of(&key));
        for day in ["2026-11-30T01:00:00Z", "2026-12-01T01:00:00Z"] {
            append(&file, &lines(day, &[heads], &key)).unwrap();
        }
        let noted = read_file(&file, Some(&key)).unwrap();
        assert_eq!(noted.len(), 4);
        assert_eq!(noted[0], Noted { chain: Chain::Ledger, lane: Lane(3), head: head(7, 1) });
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replacen("=3/7:", "=3/6:", 1)).unwrap();
        let said = read_file(&file, Some(&key)).unwrap_err().to_string();
        assert!(said.contains("line 1: was not written by this business"), "{said}");
    }
}
