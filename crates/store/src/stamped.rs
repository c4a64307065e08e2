//! Rows compared with the last stamps of a journal: what `verify` proves beyond the chains.

use crate::stamp::{AT, Digest, SINCE, read_stamps};
use crate::{CatalogChange, Delivery, Lane, Paper, Stamp, StampKey};
use domain::{Account, Attempt, Trx};
use std::collections::HashMap;
use types::{MemberId, Rupiah, UtcMillis};

/// Lanes that write the same row wait for each other, and their lines carry their nodes' moments: of
/// stamps that are closer than this, each may be the last.
const TOGETHER_MS: i64 = 10_000;

/// The last stamps of a row: one of each lane.
type Last = Vec<(Lane, UtcMillis, Option<Digest>)>;

/// Those of which each may be the last.
fn latest(last: &Last) -> impl Iterator<Item = &Option<Digest>> {
    let newest = last.iter().map(|(_, at, _)| *at).max().unwrap_or(UtcMillis::new(0));
    last.iter()
        .filter(move |(_, at, _)| newest.since(*at) <= TOGETHER_MS)
        .map(|(_, _, digest)| digest)
}

/// Compares rows with the last stamps of a journal.
#[derive(Debug)]
pub struct Stamped<'a> {
    key: &'a StampKey,
    rows: HashMap<String, Last>,
    since: Option<(i64, i64)>,
    found: Vec<String>,
    compared: u64,
    older: u64,
}

/// What a comparison gave.
#[derive(Debug, Default)]
pub struct Compared {
    /// What does not hold.
    pub found: Vec<String>,
    /// Rows that were compared.
    pub compared: u64,
    /// Rows that are older than stamps.
    pub older: u64,
}

impl<'a> Stamped<'a> {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(key: &'a StampKey) -> Self {
        Self { key, rows: HashMap::new(), since: None, found: Vec::new(), compared: 0, older: 0 }
    }

    /// Takes the stamps of a line, each lane's in their order.
    pub fn line(&mut self, lane: Lane, at: UtcMillis, bytes: &[u8]) {
        let Some(stamps) = read_stamps(bytes) else {
            self.find(format!("journal: the stamps of a line of {at:?} cannot be read"));
            return;
        };
        let mut at = at;
        for stamp in stamps {
            if let Some(moment) = stamp.row.strip_prefix(AT) {
                at = moment.parse().map_or(at, UtcMillis::new);
                continue;
            }
            if let Some(since) = stamp.row.strip_prefix(SINCE) {
                let numbers: Option<(i64, i64)> = since
                    .split_once(' ')
                    .and_then(|(trx, delivery)| Some((trx.parse().ok()?, delivery.parse().ok()?)));
                match numbers.filter(|(trx, delivery)| self.key.since(*trx, *delivery) == stamp) {
                    // A made-up past has none, so the last word counts; nobody says it without the key.
                    Some(numbers) => self.since = Some(numbers),
                    None => self.find(
                        "stamps: were made with another master key, or by somebody without it"
                            .to_owned(),
                    ),
                }
                continue;
            }
            let last = self.rows.entry(stamp.row).or_default();
            last.retain(|(other, ..)| *other != lane);
            last.push((lane, at, stamp.digest));
        }
    }

    fn find(&mut self, text: String) {
        if self.found.len() < 100 {
            self.found.push(text);
        }
    }

    /// Written before there were stamps, so none is missing.
    fn is_older(&self, below: impl Fn((i64, i64)) -> bool) -> bool {
        self.since.is_none_or(below)
    }

    fn compare(&mut self, stamp: Stamp, is_older: bool) {
        let Some(last) = self.rows.remove(&stamp.row) else {
            if is_older {
                self.older += 1;
            } else {
                self.find(format!("{}: no line of the journal tells of it", stamp.row));
            }
            return;
        };
        self.compared += 1;
        if !latest(&last).any(|digest| *digest == stamp.digest) {
            self.find(format!("{}: is not what its last change wrote", stamp.row));
        }
    }

    /// Takes a purchase with its attempts.
    pub fn purchase(&mut self, trx: &Trx, attempts: &[Attempt]) {
        let is_older = self.is_older(|(from, _)| trx.no.get() < from);
        self.compare(self.key.trx(trx), is_older);
        for attempt in attempts {
            self.compare(self.key.attempt(attempt), is_older);
        }
    }

    /// Takes a delivery.
    pub fn delivery(&mut self, delivery: &Delivery) {
        let is_older = self.is_older(|(_, from)| delivery.id.get() < from);
        self.compare(self.key.delivery(delivery), is_older);
    }

    /// Takes an account. A new member's is empty, and nobody tells of that.
    pub fn account(&mut self, member: MemberId, account: &Account) {
        let stamp = self.key.account(member, account);
        let is_empty = account.balance == Rupiah::ZERO && account.day_total == Rupiah::ZERO;
        if !is_empty || self.rows.contains_key(&stamp.row) {
            let is_older = self.is_older(|_| false);
            self.compare(stamp, is_older);
        }
    }

    /// Takes a paper. All had a stamp at the first start with them.
    pub fn paper(&mut self, paper: &Paper) {
        let is_older = self.is_older(|_| false);
        self.compare(self.key.paper(paper), is_older);
    }

    /// Takes a row of the catalog; they had one too.
    pub fn catalog(&mut self, row: &CatalogChange) {
        let is_older = self.is_older(|_| false);
        self.compare(self.key.catalog(row), is_older);
    }

    /// Judges the whole: what was stamped and not seen is gone.
    #[must_use]
    pub fn end(mut self) -> Compared {
        let mut gone: Vec<String> = std::mem::take(&mut self.rows)
            .into_iter()
            .filter(|(_, last)| latest(last).all(Option::is_some))
            .map(|(row, _)| format!("{row}: is gone, and nothing in the journal takes it away"))
            .collect();
        gone.sort();
        for text in gone {
            self.find(text);
        }
        Compared { found: self.found, compared: self.compared, older: self.older }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PaperKey, stamp_bytes};

    fn paper(version: i64, body: &str) -> Paper {
        Paper {
            key: PaperKey::new("approval", "1"),
            tag: String::new(),
            version,
            at: UtcMillis::new(version),
            body: body.to_owned(),
        }
    }

    /// Lines of (lane, moment, papers as they were left), then what is there.
    fn judged(lines: &[(i32, i64, Stamp)], there: &[Paper]) -> Vec<String> {
        let key = StampKey([1; 32]);
        let mut stamped = Stamped::new(&key);
        let begin = stamp_bytes(UtcMillis::new(0), &[key.since(1, 1)]);
        stamped.line(Lane(0), UtcMillis::new(0), &begin);
        for (lane, at, stamp) in lines {
            let bytes = stamp_bytes(UtcMillis::new(*at), std::slice::from_ref(stamp));
            // What a line says of its exchange is not the moment of its commit.
            stamped.line(Lane(*lane), UtcMillis::new(0), &bytes);
        }
        for paper in there {
            stamped.paper(paper);
        }
        stamped.end().found
    }

    #[test]
    fn only_the_last_stamp_counts_and_nothing_may_be_missing() {
        let key = StampKey([1; 32]);
        let (first, second) = (paper(1, "asked"), paper(2, "refused"));
        let lines = [(0, 1, key.paper(&first)), (0, 2, key.paper(&second))];
        assert!(judged(&lines, std::slice::from_ref(&second)).is_empty());
        let said = judged(&lines, std::slice::from_ref(&first));
        assert_eq!(said, ["approval 1: is not what its last change wrote"]);
        let said = judged(&lines, &[]);
        assert_eq!(said, ["approval 1: is gone, and nothing in the journal takes it away"]);
        let gone = [lines[0].clone(), (0, 3, key.no_paper(&first.key))];
        assert!(judged(&gone, &[]).is_empty());
        assert_eq!(judged(&gone, std::slice::from_ref(&first)).len(), 1);
        assert_eq!(
            judged(&[], std::slice::from_ref(&first)),
            ["approval 1: no line of the journal tells of it"]
        );
        // Two lanes at nearly one moment: either may have been the last; an hour apart it is clear.
        let close = [(1, 5_000, key.paper(&second)), (2, 4_990, key.paper(&first))];
        assert!(judged(&close, std::slice::from_ref(&first)).is_empty());
        let far = [(1, 3_600_000, key.paper(&second)), (2, 4_990, key.paper(&first))];
        assert_eq!(judged(&far, std::slice::from_ref(&first)).len(), 1);
        // Without the key nobody makes a stamp.
        let forged = [(0, 1, StampKey([2; 32]).paper(&first))];
        assert_eq!(judged(&forged, &[first]).len(), 1);
    }
}
