//! Rows compared with the last stamps of a journal: what `verify` proves beyond the chains.

use crate::said::{Last, Said, Way};
use crate::stamp::{AT, SINCE, attempt_row, delivery_row, read_stamps, trx_row};
use crate::{CatalogChange, Delivery, DeliveryState, Lane, Paper, Stamp, StampKey};
use domain::{Account, Attempt, Trx, TrxState};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use types::{AttemptId, DeliveryId, MemberId, Rupiah, TrxNo, UtcMillis};

/// Which row. There are many of the first three, so they are kept without their words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Row {
    Trx(TrxNo),
    Attempt(AttemptId),
    Delivery(DeliveryId),
    Other(Box<str>),
}

impl Row {
    /// As a stamp names it; two names are never one row.
    fn of(name: &str) -> Self {
        let read = name.split_once(' ').and_then(|(kind, id)| match kind {
            "trx" => Some(Self::Trx(TrxNo::new(id.parse().ok()?))),
            "attempt" => AttemptId::from_supplier_ref(id).map(Self::Attempt),
            "delivery" => Some(Self::Delivery(DeliveryId::new(id.parse().ok()?))),
            _ => None,
        });
        read.filter(|row| row.to_string() == name).unwrap_or_else(|| Self::Other(name.into()))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trx(no) => f.write_str(&trx_row(*no)),
            Self::Attempt(id) => f.write_str(&attempt_row(*id)),
            Self::Delivery(id) => f.write_str(&delivery_row(*id)),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// A row as its last stamp left it, for a later comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RememberedRow {
    pub name: String,
    pub lane: Lane,
    pub at: UtcMillis,
    pub digest: [u8; 16],
}

/// What a comparison leaves for one that goes on from it: rows that can still change or that are
/// always compared. A purchase that ended, and a callback that was told, come back by a new stamp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// From which trx and which delivery on everything has a stamp.
    pub since: Option<(i64, i64)>,
    /// The rows.
    pub rows: Vec<RememberedRow>,
    /// The highest trx that was seen.
    pub trx: i64,
    /// The highest delivery that was seen.
    pub delivery: i64,
}

/// Compares rows with the last stamps of a journal.
#[derive(Debug)]
pub struct Stamped<'a> {
    key: &'a StampKey,
    rows: HashMap<Row, Last>,
    /// Up to which trx and which delivery rows without a new stamp were compared before.
    before: Option<(i64, i64)>,
    any_clock: bool,
    left: Remembered,
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
    /// Rows that are older than stamps, or than what was gone on from.
    pub older: u64,
    /// For the next one.
    pub left: Remembered,
}

impl<'a> Stamped<'a> {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(key: &'a StampKey) -> Self {
        Self {
            key,
            rows: HashMap::new(),
            before: None,
            any_clock: false,
            left: Remembered::default(),
            found: Vec::new(),
            compared: 0,
            older: 0,
        }
    }

    /// Of several lanes that wrote a row any may have been the last, whatever their moments: for runs in
    /// which clocks are set back.
    #[must_use]
    pub fn with_any_clock(self) -> Self {
        Self { any_clock: true, ..self }
    }

    /// Goes on from an earlier one: takes the lines after it, and the rows that [`Self::named`] and
    /// everything that is always compared.
    #[must_use]
    pub fn after(key: &'a StampKey, left: Remembered) -> Self {
        let mut stamped = Self::new(key);
        stamped.before = Some((left.trx, left.delivery));
        for row in &left.rows {
            let said = Said { lane: row.lane, at: row.at, digest: Some(row.digest) };
            stamped.rows.insert(Row::of(&row.name), Last::compared(said));
        }
        stamped.left = Remembered { rows: Vec::new(), ..left };
        stamped
    }

    /// The trx and deliveries that stamps speak of, also through attempts.
    #[must_use]
    pub fn named(&self) -> (BTreeSet<TrxNo>, BTreeSet<DeliveryId>) {
        let (mut trxs, mut deliveries) = (BTreeSet::new(), BTreeSet::new());
        for row in self.rows.keys() {
            match row {
                Row::Trx(no) => {
                    trxs.insert(*no);
                }
                Row::Attempt(id) => {
                    trxs.insert(id.trx);
                }
                Row::Delivery(id) => {
                    deliveries.insert(*id);
                }
                Row::Other(_) => {}
            }
        }
        (trxs, deliveries)
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
                    Some(numbers) => self.left.since = Some(numbers),
                    None => self.find(
                        "stamps: were made with another master key, or by somebody without it"
                            .to_owned(),
                    ),
                }
                continue;
            }
            let said = Said { lane, at, digest: stamp.digest };
            match self.rows.entry(Row::of(&stamp.row)) {
                Entry::Occupied(mut last) => last.get_mut().say(said, stamp.was),
                Entry::Vacant(none) => {
                    none.insert(Last::new(said, stamp.was));
                }
            }
        }
    }

    fn find(&mut self, text: String) {
        if self.found.len() < 100 {
            self.found.push(text);
        }
    }

    /// Written before there were stamps, so none is missing.
    fn is_older(&self, below: impl Fn((i64, i64)) -> bool) -> bool {
        self.left.since.is_none_or(below)
    }

    /// `stays`: it is remembered for the next comparison. `first`: what it may be without a stamp.
    fn compare(&mut self, stamp: Stamp, is_older: bool, stays: bool, first: Option<&Stamp>) {
        let Some(last) = self.rows.remove(&Row::of(&stamp.row)) else {
            if is_older {
                self.older += 1;
            } else {
                self.find(format!("{}: no line of the journal tells of it", stamp.row));
            }
            return;
        };
        self.compared += 1;
        let way = last.way(stamp.digest, first.and_then(|first| first.digest));
        let Some(Said { lane, at, digest }) = last.end(stamp.digest, self.any_clock) else {
            self.find(format!("{}: is not what its last change wrote", stamp.row));
            return;
        };
        if let Some(text) = hidden(&stamp.row, way, is_older) {
            self.find(text);
        }
        if let Some(digest) = digest.filter(|_| stays) {
            self.left.rows.push(RememberedRow { name: stamp.row, lane, at, digest });
        }
    }

    /// Takes a purchase with its attempts.
    pub fn purchase(&mut self, trx: &Trx, attempts: &[Attempt]) {
        let no = trx.no.get();
        let was_seen = self.before.is_some_and(|(upto, _)| no <= upto);
        let is_older = was_seen || self.is_older(|(from, _)| no < from);
        self.left.trx = self.left.trx.max(no);
        let stays = trx.state == TrxState::Pending;
        self.compare(self.key.trx(trx), is_older, stays, None);
        for attempt in attempts {
            let stays = stays || attempt.state.is_open();
            self.compare(self.key.attempt(attempt), is_older, stays, None);
        }
    }

    /// Takes a delivery.
    pub fn delivery(&mut self, delivery: &Delivery) {
        let id = delivery.id.get();
        let was_seen = self.before.is_some_and(|(_, upto)| id <= upto);
        let is_older = was_seen || self.is_older(|(_, from)| id < from);
        self.left.delivery = self.left.delivery.max(id);
        let stays = delivery.state == DeliveryState::Due;
        self.compare(self.key.delivery(delivery), is_older, stays, None);
    }

    /// Takes an account. A new member's is empty, and nobody tells of that.
    pub fn account(&mut self, member: MemberId, account: &Account) {
        let stamp = self.key.account(member, account);
        let is_empty = account.balance == Rupiah::ZERO && account.day_total == Rupiah::ZERO;
        if !is_empty || self.rows.contains_key(&Row::of(&stamp.row)) {
            let is_older = self.is_older(|_| false);
            let empty = self.key.account(member, &Account::default());
            self.compare(stamp, is_older, true, Some(&empty));
        }
    }

    /// Takes a paper. All had a stamp at the first start with them.
    pub fn paper(&mut self, paper: &Paper) {
        let is_older = self.is_older(|_| false);
        self.compare(self.key.paper(paper), is_older, true, None);
    }

    /// Takes a row of the catalog; they had one too.
    pub fn catalog(&mut self, row: &CatalogChange) {
        let is_older = self.is_older(|_| false);
        self.compare(self.key.catalog(row), is_older, true, None);
    }

    /// Judges the whole: what was stamped and not seen is gone.
    #[must_use]
    pub fn end(mut self) -> Compared {
        let is_older = self.is_older(|_| false);
        let mut gone: Vec<String> = std::mem::take(&mut self.rows)
            .into_iter()
            .filter_map(|(row, last)| {
                let way = last.way(None, None);
                match last.end(None, self.any_clock) {
                    Some(_) => hidden(&row, way, is_older),
                    None => {
                        Some(format!("{row}: is gone, and nothing in the journal takes it away"))
                    }
                }
            })
            .collect();
        gone.sort();
        for text in gone {
            self.find(text);
        }
        let Self { found, compared, older, left, .. } = self;
        Compared { found, compared, older, left }
    }
}

/// What is told of a row that is what its last change wrote.
fn hidden(row: impl fmt::Display, way: Way, is_older: bool) -> Option<String> {
    let before = match way {
        Way::Whole | Way::Untold => return None,
        Way::Begun if is_older => return None,
        Way::Begun | Way::Broken(None) => "one of its changes".to_owned(),
        Way::Broken(Some(at)) => format!("its change of {}", at.get()),
    };
    Some(format!("{row}: was changed or inserted behind the journal, before {before}"))
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
        let key = StampKey([1; 32].into());
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

    /// What one comparison leaves is enough for the next: rows that stay are compared again, rows that
    /// are gone are missed, and what a line takes away may be gone.
    #[test]
    fn a_comparison_goes_on_from_the_one_before() {
        let key = StampKey([1; 32].into());
        let papers: Vec<Paper> = ["1", "2", "3"]
            .map(|id| Paper { key: PaperKey::new("approval", id), ..paper(1, "asked") })
            .to_vec();
        let line = |stamps: &[Stamp], at| stamp_bytes(UtcMillis::new(at), stamps);
        let mut first = Stamped::new(&key);
        let stamps: Vec<Stamp> = papers.iter().map(|paper| key.paper(paper)).collect();
        let begin = line(&[&[key.since(1, 1)][..], &stamps].concat(), 1);
        first.line(Lane(0), UtcMillis::new(0), &begin);
        papers.iter().for_each(|paper| first.paper(paper));
        let first = first.end();
        assert_eq!((first.found.len(), first.compared, first.left.rows.len()), (0, 3, 3));
        assert_eq!(first.left.since, Some((1, 1)));

        let later = |stamps: &[Stamp], there: &[Paper]| {
            let mut next = Stamped::after(&key, first.left.clone());
            next.line(Lane(0), UtcMillis::new(0), &line(stamps, 2));
            there.iter().for_each(|paper| next.paper(paper));
            next.end()
        };
        let same = later(&[], &papers);
        assert_eq!((same.found.len(), &same.left), (0, &first.left));
        let mut other = papers.clone();
        other[0].body = "refused".to_owned();
        assert_eq!(later(&[], &other).found, ["approval 1: is not what its last change wrote"]);
        assert!(later(&[key.paper(&other[0])], &other).found.is_empty());
        assert_eq!(later(&[key.paper(&other[0])], &papers).found.len(), 1);
        let gone = later(&[], &papers[1..]).found;
        assert_eq!(gone, ["approval 1: is gone, and nothing in the journal takes it away"]);
        let taken = later(&[key.no_paper(&papers[0].key)], &papers[1..]);
        assert_eq!((taken.found.len(), taken.left.rows.len()), (0, 2));
        other.push(Paper { key: PaperKey::new("approval", "4"), ..paper(1, "asked") });
        let strange = later(&[key.paper(&other[0])], &other).found;
        assert_eq!(strange, ["approval 4: no line of the journal tells of it"]);
    }

    #[test]
    fn rows_are_read_as_they_are_named() {
        for name in ["trx 7", "attempt 7-2", "delivery 9", "account 7", "user x y", "trx", ""] {
            assert_eq!(Row::of(name).to_string(), name);
        }
        assert_eq!(Row::of("trx 7"), Row::Trx(TrxNo::new(7)));
        // Another spelling is another row.
        for name in ["trx 07", "trx +7", "attempt 7-02", "delivery 9 "] {
            assert!(matches!(Row::of(name), Row::Other(_)), "{name}");
        }
    }

    #[test]
    fn only_the_last_stamp_counts_and_nothing_may_be_missing() {
        let key = StampKey([1; 32].into());
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
        let forged = [(0, 1, StampKey([2; 32].into()).paper(&first))];
        assert_eq!(judged(&forged, &[first]).len(), 1);
    }
}
