//! Typed queries. Every one is bounded; none of them is used to decide about money.

use crate::{
    CatalogChange, Channel, Delivery, DeliveryState, Hash, Heads, JournalLine, Known, Lane, Level,
    MemberRecord, Paper, PaperFilter, PaperKey, ProofKey, StoreError, SupplierRecord,
};
use domain::{Account, Attempt, Epoch, Price, Product, RouteRow, Transfer, Trx};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use types::{
    AttemptId, Dest, LevelCode, MemberId, ProductCode, Qty, RefId, Rupiah, Sku, SupplierCode,
    TrxNo, UtcMillis,
};

/// The whole catalog.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct CatalogRows {
    /// How often it was changed, where several nodes do; 0 where one does.
    pub revision: i64,
    pub members: Vec<MemberRecord>,
    pub levels: Vec<Level>,
    pub products: Vec<Product>,
    pub prices: Vec<(LevelCode, ProductCode, Price)>,
    pub suppliers: Vec<SupplierRecord>,
    pub routes: Vec<RouteRow>,
    pub epochs: Vec<Epoch>,
}

impl CatalogRows {
    /// Every row as the change that writes it, in an order in which no row names one that comes later.
    #[must_use]
    pub fn changes(self) -> Vec<CatalogChange> {
        let mut all: Vec<CatalogChange> = Vec::new();
        all.extend(self.levels.into_iter().map(CatalogChange::Level));
        all.extend(self.products.into_iter().map(CatalogChange::Product));
        let price = |(level, product, price)| CatalogChange::Price { level, product, price };
        all.extend(self.prices.into_iter().map(price));
        all.extend(self.suppliers.into_iter().map(CatalogChange::Supplier));
        all.extend(self.routes.into_iter().map(CatalogChange::Route));
        all.extend(self.members.into_iter().map(CatalogChange::Member));
        all.extend(self.epochs.into_iter().map(CatalogChange::Epoch));
        all
    }
}

/// An attempt that is due, with what its supplier needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The attempt.
    pub attempt: Attempt,
    /// Who buys it.
    pub member: MemberId,
    /// For whom.
    pub dest: Dest,
    /// Nominal of an open denomination.
    pub qty: Option<Qty>,
}

/// Everything known of one trx.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Story {
    pub known: Known,
    pub transfers: Vec<(i64, Transfer)>,
    pub deliveries: Vec<Delivery>,
    pub journal: Vec<(i64, JournalLine)>,
}

/// Which trx to list, newest first.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct TrxFilter {
    pub member: Option<MemberId>,
    /// A state's word.
    pub state: Option<String>,
    pub suspect: bool,
    pub dest: Option<Dest>,
    pub ref_id: Option<RefId>,
    /// Only numbers below this one: the next page.
    pub below: Option<TrxNo>,
    pub limit: u32,
}

/// Which deliveries to list, newest first.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct DeliveryFilter {
    pub member: Option<MemberId>,
    pub state: Option<DeliveryState>,
    pub trx: Option<TrxNo>,
    pub below: Option<i64>,
    pub limit: u32,
}

/// Which lines of the journal to list, newest first.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct JournalFilter {
    pub channel: Option<Channel>,
    /// Words in what was said or answered.
    pub text: Option<String>,
    pub trx: Option<TrxNo>,
    /// Only lines before this one of its lane, and of lanes before it: the next page.
    pub below: Option<(Lane, i64)>,
    pub limit: u32,
}

/// How many lines of the journal are looked at for one page: a rare word does not read them all.
pub const JOURNAL_LOOK_MOST: i64 = 200_000;

/// How much is waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counts {
    pub pending: i64,
    pub suspect: i64,
    pub callbacks_due: i64,
}

/// One row of a chain as it stands in the store.
#[derive(Clone, Debug)]
pub struct ChainRow<T> {
    /// Whose chain.
    pub lane: Lane,
    /// Its number there.
    pub seq: i64,
    /// Its content.
    pub row: T,
    /// Its stored hash.
    pub hash: Hash,
}

/// The last row of each lane that was seen; a lane that is not named was not seen at all.
pub type Places = BTreeMap<Lane, i64>;

/// Told about progress: done, of how many.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// The read side. Blocking; the engine keeps it off the async threads.
pub trait Reads: Send {
    /// The whole catalog.
    ///
    /// # Errors
    /// [`StoreError`].
    fn catalog(&mut self) -> Result<CatalogRows, StoreError>;

    /// A member's committed balance.
    ///
    /// # Errors
    /// [`StoreError`].
    fn balance(&mut self, member: MemberId) -> Result<Option<Rupiah>, StoreError>;

    /// All accounts.
    ///
    /// # Errors
    /// [`StoreError`].
    fn accounts(&mut self) -> Result<Vec<(MemberId, Account)>, StoreError>;

    /// The trx that holds a reference.
    ///
    /// # Errors
    /// [`StoreError`].
    fn trx_by_ref(&mut self, member: MemberId, ref_id: &RefId) -> Result<Option<Trx>, StoreError>;

    /// Everything known of one trx.
    ///
    /// # Errors
    /// [`StoreError`].
    fn story(&mut self, no: TrxNo) -> Result<Option<Story>, StoreError>;

    /// A page of trx.
    ///
    /// # Errors
    /// [`StoreError`].
    fn trx_page(&mut self, filter: &TrxFilter) -> Result<Vec<Trx>, StoreError>;

    /// A page of deliveries.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delivery_page(&mut self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError>;

    /// Intended attempts due at `now`, longest due first,
    /// without those at suppliers of `skip`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn due_intents(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Result<Vec<Work>, StoreError>;

    /// Open attempts (sent, waiting or unknown) whose question is due, longest due first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn due_checks(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[SupplierCode],
    ) -> Result<Vec<Work>, StoreError>;

    /// Attempts made since an instant, by supplier and SKU.
    ///
    /// # Errors
    /// [`StoreError`].
    fn bought_since(
        &mut self,
        since: UtcMillis,
    ) -> Result<Vec<(SupplierCode, Sku, u32)>, StoreError>;

    /// One attempt with what was bought.
    ///
    /// # Errors
    /// [`StoreError`].
    fn work_of(&mut self, attempt: AttemptId) -> Result<Option<Work>, StoreError>;

    /// The trx that a serial number settled first, for showing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn settled_by(&mut self, key: &ProofKey) -> Result<Option<TrxNo>, StoreError>;

    /// Attempts of a lane with a sent-marker and no outcome: in flight, or cut off by a crash.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sent_attempts(
        &mut self,
        lane: Lane,
        after: TrxNo,
        limit: u32,
    ) -> Result<Vec<Work>, StoreError>;

    /// Deliveries due at `now`, longest due first, without those of `skip`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn due_deliveries(
        &mut self,
        now: UtcMillis,
        limit: u32,
        skip: &[MemberId],
    ) -> Result<Vec<Delivery>, StoreError>;

    /// One paper.
    ///
    /// # Errors
    /// [`StoreError`].
    fn paper(&mut self, key: &PaperKey) -> Result<Option<Paper>, StoreError>;

    /// A page of papers, highest id first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn papers(&mut self, filter: &PaperFilter) -> Result<Vec<Paper>, StoreError>;

    /// Walks all papers.
    ///
    /// # Errors
    /// [`StoreError`].
    fn each_paper(
        &mut self,
        visit: &mut dyn FnMut(Paper) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// The next transfers of a lane: what derived figures follow.
    ///
    /// # Errors
    /// [`StoreError`].
    fn transfers_after(
        &mut self,
        lane: Lane,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<ChainRow<Transfer>>, StoreError>;

    /// These trx as they stand, with their attempts.
    ///
    /// # Errors
    /// [`StoreError`].
    fn knowns(&mut self, numbers: &[TrxNo]) -> Result<Vec<Known>, StoreError>;

    /// A page of the journal, among the newest [`JOURNAL_LOOK_MOST`] lines below the page before.
    ///
    /// # Errors
    /// [`StoreError`].
    fn journal_page(
        &mut self,
        filter: &JournalFilter,
    ) -> Result<Vec<ChainRow<JournalLine>>, StoreError>;

    /// How much is waiting.
    ///
    /// # Errors
    /// [`StoreError`].
    fn counts(&mut self) -> Result<Counts, StoreError>;

    /// Walks the ledger after these places: each lane in its order, and each member's transfers in
    /// theirs.
    ///
    /// # Errors
    /// [`StoreError`].
    fn each_transfer(
        &mut self,
        after: &Places,
        visit: &mut dyn FnMut(ChainRow<Transfer>) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Walks the journal after these places, each lane in its order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn each_journal(
        &mut self,
        after: &Places,
        visit: &mut dyn FnMut(ChainRow<JournalLine>) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Walks the trx above a number in order, or all of them.
    ///
    /// # Errors
    /// [`StoreError`].
    fn each_trx(
        &mut self,
        after: Option<TrxNo>,
        visit: &mut dyn FnMut(Trx) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// What is wrong with what the store keeps beside its rows, of trx above a number or of all;
    /// `None` for nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn damage(&mut self, after: Option<TrxNo>) -> Result<Option<String>, StoreError>;

    /// The heads of ledger and journal, of every lane.
    ///
    /// # Errors
    /// [`StoreError`].
    fn heads(&mut self) -> Result<Vec<Heads>, StoreError>;

    /// Holds one moment of the store for several reads, until the next `release`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn hold(&mut self) -> Result<(), StoreError>;

    /// Lets go of it.
    fn release(&mut self);

    /// Copies the store into a new file, consistent, while it is in use.
    ///
    /// # Errors
    /// [`StoreError`].
    fn backup(&mut self, to: &Path, progress: Progress<'_>) -> Result<(), StoreError>;
}

/// The error of a question that had no answer; `asked`: the question, which names what it is about.
#[must_use]
pub fn not_read(asked: &str, why: &str) -> StoreError {
    let after = asked.split_once("FROM ").map(|(_, rest)| rest.trim_start());
    let name = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().to_owned()
    };
    match after.map(name).filter(|name| !name.is_empty()) {
        Some(name) => StoreError::NotRead(format!("{name} could not be read: {why}")),
        None => StoreError::NotRead(format!("the database could not be read: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::not_read;

    #[test]
    fn a_question_without_an_answer_says_what_was_asked() {
        let told = |asked: &str| not_read(asked, "gone").to_string();
        assert_eq!(told("SELECT * FROM journal WHERE seq > $1"), "journal could not be read: gone");
        assert_eq!(told("SELECT (a)\n FROM  trx"), "trx could not be read: gone");
        for asked in ["", "SELECT 1", "SELECT a FROM (SELECT 1)", "FROM "] {
            assert_eq!(told(asked), "the database could not be read: gone");
        }
    }
}
