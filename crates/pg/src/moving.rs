//! Moves a business from another store into an empty database: every row with its place on its
//! chain, in one transaction, so that there is a whole business or none.

use crate::catalog;
use crate::fold::{Folded, NewTrx};
use crate::link::{Link, Lost, Role, told};
use crate::migrate;
use crate::papers::Paperwork;
use crate::rows::{self, Chained};
use crate::target::Target;
use domain::{AttemptState, Transfer, TrxState};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use store::{
    ChainHead, ChainRow, Heads, JournalLine, Known, Places, Progress, ProofKey, Reads, StoreError,
    TrxFilter, clean, codec,
};
use types::{MemberId, Rupiah, TrxNo};

/// Rows written at once.
const PAGE: usize = 1_000;

/// The way in.
struct Inward<'a> {
    link: Link,
    done: u64,
    total: u64,
    progress: Progress<'a>,
}

/// Copies everything of `source`, which nobody may write meanwhile. Blocks: not for a thread of a
/// runtime.
///
/// # Errors
/// [`StoreError::Broken`] when the database is not empty or a row cannot be kept there; nothing
/// is written then.
pub fn move_in(
    target: Target,
    source: &mut dyn Reads,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let mut link = Link::new(Arc::new(target), Role::Writer)?;
    migrate::migrate(&mut link)?;
    let [heads] = source.heads()?[..] else {
        return Err(StoreError::Broken("only a store with one lane can be moved".to_owned()));
    };
    let trxs = count(source)?;
    let total = heads.ledger.seq.saturating_add(heads.journal.seq).saturating_add(trxs);
    let total = u64::try_from(total).unwrap_or_default();
    let mut inward = Inward { link, done: 0, total, progress };
    let moved = inward.all(source, heads);
    if moved.is_err() {
        inward.link.drop_connection();
    }
    moved
}

fn count(source: &mut dyn Reads) -> Result<i64, StoreError> {
    let mut count = 0;
    source.each_trx(None, &mut |_| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

fn refused(error: Lost) -> StoreError {
    match error {
        Lost::Refused(error) => StoreError::Broken(told(&error)),
        Lost::Gone(why) => StoreError::NotWritten(why),
    }
}

impl Inward<'_> {
    fn all(&mut self, source: &mut dyn Reads, heads: Heads) -> Result<(), StoreError> {
        self.begin(heads)?;
        let guarded = self.catalog(source)?;
        let mut page = Vec::new();
        let mut failed = Ok(());
        source.each_transfer(&Places::new(), &mut |row| {
            self.take(row, &mut page, &mut failed, Self::transfers)
        })?;
        failed?;
        self.transfers(page)?;
        let (mut page, mut failed) = (Vec::new(), Ok(()));
        source.each_journal(&Places::new(), &mut |row| {
            self.take(row, &mut page, &mut failed, Self::lines)
        })?;
        failed?;
        self.lines(page)?;
        self.purchases(source, &guarded)?;
        self.link
            .within(async |live| {
                live.client
                    .batch_execute(
                        "SELECT setval('trx_block', greatest((SELECT coalesce(max(no), 100000000) + 1 FROM trx),
                           (SELECT max(trx_from) FROM epoch)), false);
                         SELECT setval('delivery_block', greatest((SELECT coalesce(max(id), 0) + 1 FROM delivery),
                           (SELECT max(delivery_from) FROM epoch)), false);
                         COMMIT; ANALYZE",
                    )
                    .await
            })
            .map_err(refused)
    }

    fn begin(&mut self, heads: Heads) -> Result<(), StoreError> {
        let found = self.link.run(async |live| {
            live.client.batch_execute("BEGIN; SET LOCAL statement_timeout = '1h'").await?;
            let row = live
                .client
                .query_one(
                    "SELECT (SELECT count(*) FROM member) + (SELECT count(*) FROM lane) +
                     (SELECT count(*) FROM journal)",
                    &[],
                )
                .await?;
            let (ledger, journal) = (heads.ledger.hash.to_vec(), heads.journal.hash.to_vec());
            live.client
                .execute(
                    "INSERT INTO lane (id, epoch, node, until, ledger_seq, ledger_head, journal_seq,
                     journal_head) VALUES (0, 0, 'moved', '-infinity', $1, $2, $3, $4)
                     ON CONFLICT DO NOTHING",
                    &[&heads.ledger.seq, &ledger, &heads.journal.seq, &journal],
                )
                .await?;
            Ok(row.get::<_, i64>(0))
        });
        match found.map_err(refused)? {
            0 => Ok(()),
            rows => Err(StoreError::Broken(format!(
                "there is a business in that database already ({rows} rows of it); move into an \
                 empty one"
            ))),
        }
    }

    fn write(
        &mut self,
        rows: &Folded,
        chained: &Chained,
        owners: &HashMap<TrxNo, MemberId>,
        count: usize,
    ) -> Result<(), StoreError> {
        let written = self.link.within(async |live| rows::copy(live, rows, chained, owners).await);
        written.map_err(refused)??;
        self.done = self.done.saturating_add(u64::try_from(count).unwrap_or_default());
        (self.progress)(self.done, self.total);
        Ok(())
    }

    /// The catalog and balances; the members whose same-day guard is on.
    fn catalog(&mut self, source: &mut dyn Reads) -> Result<HashSet<MemberId>, StoreError> {
        let rows = source.catalog()?;
        let guarded = rows.members.iter().filter(|record| record.member.same_day_guard);
        let guarded = guarded.map(|record| record.member.id).collect();
        let changes = rows.changes();
        self.link.within(async |live| catalog::all(live, &changes).await).map_err(refused)?;
        let accounts = source.accounts()?;
        let rows = Folded {
            accounts: accounts.into_iter().collect::<BTreeMap<_, _>>(),
            ..Folded::default()
        };
        self.write(&rows, &Chained::default(), &HashMap::new(), 0)?;
        let mut papers = BTreeMap::new();
        source.each_paper(&mut |paper| {
            papers.insert(paper.key.clone(), Paperwork { was: 0, now: Some(paper) });
            ControlFlow::Continue(())
        })?;
        let rows = Folded { papers, ..Folded::default() };
        self.write(&rows, &Chained::default(), &HashMap::new(), 0)?;
        Ok(guarded)
    }

    /// One more row of a walk; a full page is written.
    fn take<T>(
        &mut self,
        row: ChainRow<T>,
        page: &mut Vec<ChainRow<T>>,
        failed: &mut Result<(), StoreError>,
        write: impl FnOnce(&mut Self, Vec<ChainRow<T>>) -> Result<(), StoreError>,
    ) -> ControlFlow<()> {
        page.push(row);
        if page.len() < PAGE {
            return ControlFlow::Continue(());
        }
        *failed = write(self, std::mem::take(page));
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn transfers(&mut self, page: Vec<ChainRow<Transfer>>) -> Result<(), StoreError> {
        let chained = Chained { transfers: places(&page), ..Chained::default() };
        let count = page.len();
        let transfers = page.into_iter().map(|row| row.row).collect();
        self.write(&Folded { transfers, ..Folded::default() }, &chained, &HashMap::new(), count)
    }

    fn lines(&mut self, page: Vec<ChainRow<JournalLine>>) -> Result<(), StoreError> {
        let chained = Chained { lines: places(&page), ..Chained::default() };
        let count = page.len();
        let journal = page.into_iter().map(|row| row.row).collect();
        self.write(&Folded { journal, ..Folded::default() }, &chained, &HashMap::new(), count)
    }

    /// Newest first: that is how pages are read.
    fn purchases(
        &mut self,
        source: &mut dyn Reads,
        guarded: &HashSet<MemberId>,
    ) -> Result<(), StoreError> {
        let mut below = None;
        let mut known = HashSet::new();
        loop {
            let filter = TrxFilter { below, limit: 1_000, ..TrxFilter::default() };
            let page = source.trx_page(&filter)?;
            let Some(last) = page.last() else { return Ok(()) };
            below = Some(last.no);
            let (count, mut rows, mut owners) = (page.len(), Folded::default(), HashMap::new());
            for mut trx in page {
                let Some(mut story) = source.story(trx.no)? else { continue };
                // A file of an older version may hold what this database refuses.
                clean::suspicion(&mut trx.suspect);
                story.known.attempts.iter_mut().for_each(clean::attempt);
                story.deliveries.iter_mut().for_each(clean::delivery);
                let counts = matches!(trx.state, TrxState::Pending | TrxState::Success { .. });
                let guard = (counts && guarded.contains(&trx.member))
                    .then(|| codec::guard(&trx.product, &trx.dest, trx.day));
                owners.insert(trx.no, trx.member);
                let trx_price = trx.price;
                rows.trxs.insert(trx.no, NewTrx { trx, guard });
                if trx_price > Rupiah::ZERO {
                    for (key, no) in proofs(&story.known) {
                        if known.insert(key.clone()) {
                            rows.proofs.insert(key, no);
                        }
                    }
                }
                rows.attempts.extend(story.known.attempts.into_iter().map(|row| (row.id, row)));
                rows.deliveries.extend(story.deliveries.into_iter().map(|row| (row.id, row)));
            }
            self.write(&rows, &Chained::default(), &owners, count)?;
        }
    }
}

/// Serial numbers that settled a purchase; of one that was given twice the newer one is kept.
fn proofs(known: &Known) -> Vec<(ProofKey, TrxNo)> {
    let delivered = known.attempts.iter().filter_map(|attempt| match &attempt.state {
        AttemptState::Delivered { sn } => ProofKey::of(&attempt.supplier, sn, &known.trx.dest),
        AttemptState::Intended
        | AttemptState::Sent
        | AttemptState::Waiting
        | AttemptState::Unknown { .. }
        | AttemptState::Unsent { .. }
        | AttemptState::Failed { .. } => None,
    });
    delivered.map(|key| (key, known.trx.no)).collect()
}

fn places<T>(page: &[ChainRow<T>]) -> Vec<ChainHead> {
    page.iter().map(|row| ChainHead { seq: row.seq, hash: row.hash }).collect()
}
