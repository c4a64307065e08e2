//! One lane's writer: lock the members a batch names, load its facts, write its rows many in a
//! statement, commit once.
//!
//! The account row of a member is the lock of everything that is his: it is taken first and in
//! order, so whoever decides about a trx has the newest of it and nobody waits in a ring. The last
//! statement before COMMIT names the epoch under which the lane was taken; a node that lost it
//! writes nothing.

use crate::before::{self, Before};
use crate::columns::PgRow;
use crate::evidence::{self, Evidence};
use crate::fold::Folded;
use crate::lanes::Taken;
use crate::link::{Link, Live, Lost, told};
use crate::papers;
use crate::rows;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use store::codec::{self, Columns, Unreadable};
use store::{
    Batch, Bought, ChainHead, Facts, Known, Lane, Store, StoreError, Wants, journal_hash,
    transfer_hash,
};
use tokio_postgres::{Error, Row};
use types::{MemberId, TrxNo};

/// Numbers a sequence hands out at once.
const BLOCK: i64 = 4_096;
/// Numbers that must be left when a batch begins: more than any batch takes.
const MARGIN: i64 = 1_024;
/// How long an interrupted COMMIT is looked after before the node gives up.
const LOOK_FOR: Duration = Duration::from_secs(60);

/// A block of numbers.
#[derive(Clone, Copy, Default)]
struct Numbers {
    next: i64,
    end: i64,
}

impl Numbers {
    const fn is_short(self) -> bool {
        self.end - self.next < MARGIN
    }
}

/// PostgreSQL as the store of one lane.
pub struct PgStore {
    link: Link,
    lane: Lane,
    epoch: i64,
    /// Committed batches of this lane, ours and those before us.
    batches: i64,
    ledger: ChainHead,
    journal: ChainHead,
    trx_numbers: Numbers,
    delivery_numbers: Numbers,
    /// Whose the trx of the batch are.
    owners: HashMap<TrxNo, MemberId>,
    /// Routes whose count the batch has locked.
    counted: BTreeSet<Bought>,
    /// The catalog's revision as this node read it last.
    seen: Arc<AtomicI64>,
    /// What the batch's changes of the catalog rest on.
    revision: Option<i64>,
}

/// How an interrupted COMMIT ended.
enum Fate {
    Written,
    NotWritten,
}

/// Decodes rows; what cannot be read stops the work.
fn all<T>(
    rows: &[Row],
    codec: impl Fn(&dyn Columns) -> Result<T, Unreadable>,
) -> Result<Vec<T>, StoreError> {
    rows.iter()
        .map(|row| codec(&PgRow(row)).map_err(|error| StoreError::Broken(error.to_string())))
        .collect()
}

/// What a batch asked for, as it came.
#[derive(Default)]
struct Loaded {
    before: Before,
    trx_block: Option<i64>,
    delivery_block: Option<i64>,
    accounts: Vec<Row>,
    by_ref: Vec<Row>,
    by_no: Vec<Row>,
    attempts: Vec<Row>,
    same_day: Vec<Row>,
    deliveries: Vec<Row>,
    papers: Vec<Row>,
    evidence: Evidence,
}

impl PgStore {
    pub(crate) fn new(link: Link, taken: &Taken, seen: Arc<AtomicI64>) -> Self {
        Self {
            link,
            lane: taken.lane,
            epoch: taken.epoch,
            batches: taken.batches,
            ledger: taken.ledger,
            journal: taken.journal,
            trx_numbers: Numbers::default(),
            delivery_numbers: Numbers::default(),
            owners: HashMap::new(),
            counted: BTreeSet::new(),
            seen,
            revision: None,
        }
    }

    fn facts(&mut self, wants: &Wants, loaded: Loaded) -> Result<Facts, StoreError> {
        if let Some(first) = loaded.trx_block {
            self.trx_numbers = Numbers { next: first, end: first + BLOCK };
        }
        if let Some(first) = loaded.delivery_block {
            self.delivery_numbers = Numbers { next: first, end: first + BLOCK };
        }
        let mut facts = Facts {
            next_trx: self.trx_numbers.next,
            next_delivery: self.delivery_numbers.next,
            ..Facts::default()
        };
        for row in &loaded.accounts {
            let account =
                codec::account(&PgRow(row)).map_err(|e| StoreError::Broken(e.to_string()))?;
            facts.accounts.insert(MemberId::new(row.get("member")), account);
        }
        for trx in all(&loaded.by_ref, codec::trx)? {
            facts.refs.insert((trx.member, trx.ref_id.clone()), trx.no);
            facts.trxs.insert(trx.no, Known { trx, attempts: Vec::new() });
        }
        for trx in all(&loaded.by_no, codec::trx)? {
            facts.trxs.insert(trx.no, Known { trx, attempts: Vec::new() });
        }
        for attempt in all(&loaded.attempts, codec::attempt)? {
            if let Some(known) = facts.trxs.get_mut(&attempt.id.trx)
                && known.attempts.iter().all(|other| other.id != attempt.id)
            {
                known.attempts.push(attempt);
            }
        }
        for (number, key) in (1_i64..).zip(&wants.same_day) {
            let count = loaded.same_day.iter().find(|row| row.get::<_, i64>("i") == number);
            let count: i64 = count.map_or(0, |row| row.get("count"));
            facts.same_day.insert(key.clone(), u16::try_from(count).unwrap_or(u16::MAX));
        }
        for delivery in all(&loaded.deliveries, codec::delivery)? {
            facts.deliveries.insert(delivery.id, delivery);
        }
        for paper in all(&loaded.papers, codec::paper)? {
            facts.papers.insert(paper.key.clone(), paper);
        }
        loaded.before.into_facts(&mut facts)?;
        loaded.evidence.into_facts(wants, &mut facts)?;
        self.owners = facts.trxs.values().map(|known| (known.trx.no, known.trx.member)).collect();
        Ok(facts)
    }

    /// Hashes the rows onto this lane's chains; the new heads.
    fn chain(&self, rows: &Folded) -> rows::Chained {
        let (mut ledger, mut journal) = (self.ledger, self.journal);
        let mut transfers = Vec::with_capacity(rows.transfers.len());
        for transfer in &rows.transfers {
            let seq = ledger.seq + 1;
            ledger = ChainHead { seq, hash: transfer_hash(&ledger.hash, seq, transfer) };
            transfers.push(ledger);
        }
        let mut lines = Vec::with_capacity(rows.journal.len());
        for line in &rows.journal {
            let seq = journal.seq + 1;
            journal = ChainHead { seq, hash: journal_hash(&journal.hash, seq, line) };
            lines.push(journal);
        }
        rows::Chained { lane: i64::from(self.lane.0), transfers, lines, ledger, journal }
    }

    /// Numbers that the batch used are gone.
    fn count_numbers(&mut self, rows: &Folded) {
        if let Some((no, _)) = rows.trxs.last_key_value() {
            self.trx_numbers.next = self.trx_numbers.next.max(no.get() + 1);
        }
        if let Some((id, _)) = rows.deliveries.last_key_value() {
            self.delivery_numbers.next = self.delivery_numbers.next.max(id.get() + 1);
        }
    }

    fn roll_back(&mut self) {
        let done = self.link.within(async |live| live.client.batch_execute("ROLLBACK").await);
        if done.is_err() {
            self.link.drop_connection();
        }
    }

    /// COMMIT was asked for and its answer is lost: reads back whether it happened. The lane's row
    /// is locked by the old connection as long as that still works on it. One that happened may not
    /// be on the standby yet: a commit of our own behind it waits for that.
    fn read_back(&mut self, why: &str) -> Result<Fate, StoreError> {
        tracing::warn!(why, lane = %self.lane, "a COMMIT was interrupted; looking what became of it");
        let (lane, began) = (i64::from(self.lane.0), Instant::now());
        let mut last = why.to_owned();
        while began.elapsed() < LOOK_FOR {
            let found = self.link.run(async |live| {
                live.client
                    .query_one(
                        "UPDATE lane SET batches = batches WHERE id = $1 RETURNING epoch, batches",
                        &[&lane],
                    )
                    .await
            });
            match found {
                Ok(row) => {
                    let (epoch, batches): (i64, i64) = (row.get("epoch"), row.get("batches"));
                    return if epoch == self.epoch && batches == self.batches + 1 {
                        Ok(Fate::Written)
                    } else if epoch == self.epoch && batches == self.batches {
                        Ok(Fate::NotWritten)
                    } else {
                        Err(StoreError::Unknown(format!(
                            "{why}; the lane was taken over before it could be read back"
                        )))
                    };
                }
                Err(Lost::Refused(error)) => last = told(&error),
                Err(Lost::Gone(why)) => last = why,
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        Err(StoreError::Unknown(format!("{why}; not found out within {LOOK_FOR:?}: {last}")))
    }
}

/// Begins the batch: locks, then reads, in one round trip.
async fn load(
    live: &mut Live,
    wants: &Wants,
    trx_short: bool,
    delivery_short: bool,
) -> Result<Loaded, Error> {
    let members: Vec<i64> = wants.members.iter().map(|id| id.get()).collect();
    let trxs: Vec<i64> = wants.trxs.iter().map(|no| no.get()).collect();
    let (ref_members, refs): (Vec<i64>, Vec<&str>) =
        wants.refs.iter().map(|(member, ref_id)| (member.get(), ref_id.as_str())).unzip();
    let (day_members, guards): (Vec<i64>, Vec<String>) = wants
        .same_day
        .iter()
        .map(|key| (key.member.get(), codec::guard(&key.product, &key.dest, key.day)))
        .unzip();
    let deliveries: Vec<i64> = wants.deliveries.iter().map(|id| id.get()).collect();

    let begin = live.prepare("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let lock = live.prepare(rows::LOCK_MEMBERS).await?;
    let lock_owners = live.prepare(rows::LOCK_OWNERS).await?;
    let by_ref = live.prepare(&rows::by_ref()).await?;
    let by_no = live.prepare(&rows::by_no()).await?;
    let attempts = live.prepare(&rows::attempts()).await?;
    let ref_attempts = live.prepare(&rows::ref_attempts()).await?;
    let same_day = live.prepare(rows::SAME_DAY).await?;
    let lock_deliveries = live.prepare(rows::LOCK_DELIVERIES).await?;
    let trx_block = live.prepare("SELECT nextval('trx_block')").await?;
    let delivery_block = live.prepare("SELECT nextval('delivery_block')").await?;
    let lock_papers = live.prepare(papers::LOCK).await?;
    let (kinds, ids): (Vec<&str>, Vec<&str>) =
        wants.papers.iter().map(|key| (key.kind.as_str(), key.id.as_str())).unzip();

    let client = &live.client;
    let number = async |needed: bool, statement| match needed {
        true => Ok::<_, Error>(Some(client.query_one(statement, &[]).await?.get::<_, i64>(0))),
        false => Ok(None),
    };
    let none = Vec::new;
    // Polled in this order the first time, so that is the order on the wire: locks before reads.
    let loaded = tokio::try_join!(
        biased;
        async { client.execute(&begin, &[]).await },
        number(trx_short, &trx_block),
        number(delivery_short, &delivery_block),
        async {
            match (members.is_empty(), trxs.is_empty()) {
                (true, true) => Ok(none()),
                (_, true) => client.query(&lock, &[&members]).await,
                (_, false) => client.query(&lock_owners, &[&members, &trxs]).await,
            }
        },
        async {
            if refs.is_empty() { Ok(none()) } else { client.query(&by_ref, &[&ref_members, &refs]).await }
        },
        async { if trxs.is_empty() { Ok(none()) } else { client.query(&by_no, &[&trxs]).await } },
        async {
            if refs.is_empty() { Ok(none()) } else { client.query(&ref_attempts, &[&ref_members, &refs]).await }
        },
        async { if trxs.is_empty() { Ok(none()) } else { client.query(&attempts, &[&trxs]).await } },
        async {
            if guards.is_empty() { Ok(none()) } else { client.query(&same_day, &[&day_members, &guards]).await }
        },
        async {
            if deliveries.is_empty() { Ok(none()) } else { client.query(&lock_deliveries, &[&deliveries]).await }
        },
        async { if ids.is_empty() { Ok(none()) } else { client.query(&lock_papers, &[&kinds, &ids]).await } },
    );
    let (
        _,
        trx_block,
        delivery_block,
        accounts,
        by_ref,
        by_no,
        mut attempts,
        more,
        same_day,
        deliveries,
        papers,
    ) = loaded?;
    attempts.extend(more);
    Ok(Loaded {
        papers,
        before: before::load(live, wants).await?,
        evidence: evidence::load(live, wants).await?,
        trx_block,
        delivery_block,
        accounts,
        by_ref,
        by_no,
        attempts,
        same_day,
        deliveries,
    })
}

impl Store for PgStore {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        self.revision = wants.revision;
        self.counted.clone_from(&wants.bought);
        let (trx_short, delivery_short) =
            (self.trx_numbers.is_short(), self.delivery_numbers.is_short());
        let loaded = self.link.run(async |live| load(live, wants, trx_short, delivery_short).await);
        let facts = match loaded {
            Ok(loaded) => self.facts(wants, loaded),
            Err(Lost::Refused(error)) => Err(Lost::Refused(error).not_written()),
            Err(gone @ Lost::Gone(_)) => return Err(gone.not_written()),
        };
        if facts.is_err() {
            self.roll_back();
        }
        facts
    }

    fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        let mut owners = std::mem::take(&mut self.owners);
        let folded = match Folded::new(batch, &mut owners, &self.counted) {
            Ok(folded) => folded,
            Err(error) => {
                self.roll_back();
                return Err(error);
            }
        };
        let strangers = folded.strangers(&owners);
        if !strangers.is_empty() {
            let found = self.link.within(async |live| {
                let statement = live.prepare(rows::OWNERS).await?;
                live.client.query(&statement, &[&strangers]).await
            });
            let Ok(found) = found else {
                self.roll_back();
                return Err(StoreError::NotWritten("the owners of a trx were not read".to_owned()));
            };
            let owned = found.iter().map(|row| (TrxNo::new(row.get(0)), row.get::<_, i64>(1)));
            owners.extend(owned.map(|(no, member)| (no, MemberId::new(member))));
        }
        let chained = self.chain(&folded);
        let epoch = self.epoch;
        let seen = self.revision.unwrap_or_else(|| self.seen.load(Ordering::Relaxed));
        let written = self
            .link
            .within(async |live| rows::write(live, &folded, &chained, &owners, epoch, seen).await);
        // Used up even when the batch is not written: a number is never given twice.
        self.count_numbers(&folded);
        match written {
            Ok(Ok(())) => {}
            Ok(Err(why)) => {
                self.roll_back();
                return Err(why);
            }
            Err(Lost::Refused(error)) => {
                self.roll_back();
                return Err(Lost::Refused(error).not_written());
            }
            Err(gone @ Lost::Gone(_)) => return Err(gone.not_written()),
        }
        if self.link.is_lost() {
            let why = "the connection was lost before the COMMIT was asked for";
            return Err(StoreError::Again(why.to_owned()));
        }
        let committed = self.link.within(async |live| live.client.batch_execute("COMMIT").await);
        let fate = match committed {
            Ok(_) => Fate::Written,
            Err(Lost::Refused(error)) => {
                let why = told(&error);
                self.link.drop_connection();
                self.read_back(&why)?
            }
            Err(Lost::Gone(why)) => self.read_back(&why)?,
        };
        match fate {
            Fate::Written => {
                self.batches += 1;
                self.ledger = chained.ledger;
                self.journal = chained.journal;
                Ok(())
            }
            Fate::NotWritten => {
                self.link.drop_connection();
                Err(StoreError::Again("the commit was interrupted and did not happen".to_owned()))
            }
        }
    }

    fn abandon(&mut self) {
        self.roll_back();
    }
}
