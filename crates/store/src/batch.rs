//! A batch: the unit of work of the writer.

use crate::{
    CatalogChange, CatalogKey, Delivery, JournalLine, Paper, PaperKey, Place, ProofKey, Turn,
};
use defects::{Defect, on};
use domain::{Account, Attempt, Transfer, Trx, TrxState};
use std::collections::{BTreeSet, HashMap};
use types::{
    AttemptId, Day, DeliveryId, Dest, MemberId, ProductCode, RefId, Sku, SupplierCode, TrxNo,
    UtcMillis,
};

/// "How often did this member buy this for that number on that day?"
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SameDay {
    /// The buyer.
    pub member: MemberId,
    /// What.
    pub product: ProductCode,
    /// For whom, normalised.
    pub dest: Dest,
    /// When.
    pub day: Day,
}

/// "How often was this bought there on that day?"
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bought {
    /// When.
    pub day: Day,
    /// Where.
    pub supplier: SupplierCode,
    /// As what.
    pub sku: Sku,
}

/// The keys whose rows a batch needs.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    /// Accounts.
    pub members: BTreeSet<MemberId>,
    /// Trx by reference, with their attempts.
    pub refs: BTreeSet<(MemberId, RefId)>,
    /// Trx by number, with their attempts and the account of their member.
    pub trxs: BTreeSet<TrxNo>,
    /// Same-day counts.
    pub same_day: BTreeSet<SameDay>,
    /// Deliveries.
    pub deliveries: BTreeSet<DeliveryId>,
    /// Papers.
    pub papers: BTreeSet<PaperKey>,
    /// Which trx was settled with a serial number first.
    pub proofs: BTreeSet<ProofKey>,
    /// Attempts that were sent for the same and are open, or were sent since `places_since`.
    pub places: BTreeSet<Place>,
    /// From when on closed ones count.
    pub places_since: UtcMillis,
    /// How many equal purchases a day has seen.
    pub turns: BTreeSet<Turn>,
    /// How often a route was chosen on a day that began at `midnight`. Asked only where several nodes
    /// write; the count stays locked until the batch ends, and grows with the attempts it inserts.
    pub bought: BTreeSet<Bought>,
    /// When the day of `bought` began.
    pub midnight: UtcMillis,
    /// How many attempts at a supplier are sent and open.
    pub open_at: BTreeSet<SupplierCode>,
    /// Rows of the catalog as they stand in the store, before they are changed.
    pub catalog: BTreeSet<CatalogKey>,
    /// Which revision of the catalog its changes of the catalog rest on: one that others changed
    /// since is [`crate::StoreError::Outdated`].
    pub revision: Option<i64>,
}

/// A trx with its attempts in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The trx.
    pub trx: Trx,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
}

/// What was loaded, kept up to date while the commands of a batch are decided in order.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Accounts by member; absent when the member does not exist.
    pub accounts: HashMap<MemberId, Account>,
    /// Which trx holds a reference.
    pub refs: HashMap<(MemberId, RefId), TrxNo>,
    /// Trx by number.
    pub trxs: HashMap<TrxNo, Known>,
    /// Same-day counts.
    pub same_day: HashMap<SameDay, u16>,
    /// Deliveries.
    pub deliveries: HashMap<DeliveryId, Delivery>,
    /// Papers; absent when there is none.
    pub papers: HashMap<PaperKey, Paper>,
    /// First trx of a serial number; absent when it is new.
    pub proofs: HashMap<ProofKey, TrxNo>,
    /// Attempts that were sent, by what they are for: those that words without a reference may be
    /// about ([`crate::is_rival`]); at most some of many.
    pub places: HashMap<Place, Vec<AttemptId>>,
    /// Equal purchases so far; absent for none.
    pub turns: HashMap<Turn, u16>,
    /// How often a route was chosen on a day; absent where one node writes and counts by itself.
    pub bought: HashMap<Bought, u32>,
    /// Attempts that are sent and open, by supplier.
    pub open_at: HashMap<SupplierCode, i64>,
    /// Rows of the catalog; absent when there is none.
    pub catalog: HashMap<CatalogKey, CatalogChange>,
    /// The number the next trx gets.
    pub next_trx: i64,
    /// The number the next delivery gets.
    pub next_delivery: i64,
}

/// One write, already decided.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new trx; `guarded` ones are counted by the same-day guard.
    InsertTrx {
        /// The trx.
        trx: Box<Trx>,
        /// The member's same-day guard is on.
        guarded: bool,
    },
    /// A state change, conditional on the state it was decided from. First write of a settlement.
    FlipTrx {
        /// Which.
        no: TrxNo,
        /// The state's word it must still have.
        from: &'static str,
        /// The new state.
        state: Box<TrxState>,
    },
    /// Raises or clears Suspect.
    Suspect {
        /// Which.
        no: TrxNo,
        /// Why, or `None` to clear it.
        why: Option<String>,
    },
    /// A new attempt becomes the current one of its trx.
    InsertAttempt(Box<Attempt>),
    /// An attempt as it stands now.
    UpdateAttempt(Box<Attempt>),
    /// A serial number settles a trx for the first time. Whether it is new was decided from the facts:
    /// a store in which it is not any more answers that the batch is to be decided again.
    Proof {
        /// Which.
        key: ProofKey,
        /// Of which trx.
        trx: TrxNo,
    },
    /// A day has seen so many equal purchases.
    Turn {
        /// Which.
        turn: Turn,
        /// How many.
        count: u16,
    },
    /// A movement of money; the account rows of members follow from it.
    Transfer(Box<Transfer>),
    /// A member's account as it stands now.
    Account {
        /// Whose.
        member: MemberId,
        /// The row.
        account: Account,
    },
    /// A callback to be delivered.
    InsertDelivery(Box<Delivery>),
    /// A delivery as it stands now.
    UpdateDelivery(Box<Delivery>),
    /// A line of the journal.
    Journal(Box<JournalLine>),
    /// A change of members, products, prices, suppliers or routes.
    Catalog(Box<CatalogChange>),
    /// A paper as it stands now: the version after the one it was decided on.
    PutPaper(Box<Paper>),
    /// A paper that is gone, conditional on the version it was decided on.
    DropPaper {
        /// Which.
        key: PaperKey,
        /// The version it must still have.
        version: i64,
    },
}

/// Changes in the order in which they were decided.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The changes.
    pub changes: Vec<Change>,
}

impl Facts {
    /// The trx that holds a reference.
    #[must_use]
    pub fn by_ref(&self, member: MemberId, ref_id: &RefId) -> Option<&Known> {
        let no = self.refs.get(&(member, ref_id.clone()))?;
        self.trxs.get(no)
    }

    /// Keeps the facts true for the next command of the batch.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::InsertTrx { trx, guarded } => {
                if !on(Defect::RefNotInBatch) {
                    self.refs.insert((trx.member, trx.ref_id.clone()), trx.no);
                }
                if *guarded && trx.state == TrxState::Pending {
                    let key = SameDay {
                        member: trx.member,
                        product: trx.product.clone(),
                        dest: trx.dest.clone(),
                        day: trx.day,
                    };
                    let count = self.same_day.entry(key).or_default();
                    *count = count.saturating_add(1);
                }
                let known = Known { trx: (**trx).clone(), attempts: Vec::new() };
                self.trxs.insert(trx.no, known);
                self.next_trx = self.next_trx.max(trx.no.get().saturating_add(1));
            }
            Change::FlipTrx { no, state, .. } => {
                if let Some(known) = self.trxs.get_mut(no) {
                    known.trx.state = (**state).clone();
                }
            }
            Change::Suspect { no, why } => {
                if let Some(known) = self.trxs.get_mut(no) {
                    known.trx.suspect.clone_from(why);
                }
            }
            Change::InsertAttempt(attempt) => {
                if let Some(known) = self.trxs.get_mut(&attempt.id.trx) {
                    known.trx.attempt = attempt.id.n;
                    known.attempts.push((**attempt).clone());
                }
                for (key, count) in &mut self.bought {
                    if key.supplier == attempt.supplier && key.sku == attempt.sku {
                        *count = count.saturating_add(1);
                    }
                }
            }
            Change::UpdateAttempt(attempt) => {
                if let Some(known) = self.trxs.get_mut(&attempt.id.trx)
                    && let Some(old) = known.attempts.iter_mut().find(|old| old.id == attempt.id)
                {
                    *old = (**attempt).clone();
                }
            }
            Change::Account { member, account } => {
                self.accounts.insert(*member, account.clone());
            }
            Change::InsertDelivery(delivery) => {
                self.next_delivery = self.next_delivery.max(delivery.id.get().saturating_add(1));
                self.deliveries.insert(delivery.id, (**delivery).clone());
            }
            Change::UpdateDelivery(delivery) => {
                self.deliveries.insert(delivery.id, (**delivery).clone());
            }
            Change::PutPaper(paper) => {
                self.papers.insert(paper.key.clone(), (**paper).clone());
            }
            Change::DropPaper { key, .. } => {
                self.papers.remove(key);
            }
            Change::Proof { key, trx } => {
                self.proofs.insert(key.clone(), *trx);
            }
            Change::Turn { turn, count } => {
                self.turns.insert(turn.clone(), *count);
            }
            Change::Catalog(change) => match &**change {
                CatalogChange::RemoveRoute { .. } => {
                    self.catalog.remove(&change.key());
                }
                CatalogChange::Member(_)
                | CatalogChange::Level(_)
                | CatalogChange::Product(_)
                | CatalogChange::Price { .. }
                | CatalogChange::Supplier(_)
                | CatalogChange::Route(_)
                | CatalogChange::Epoch(_) => {
                    self.catalog.insert(change.key(), (**change).clone());
                }
            },
            Change::Transfer(_) | Change::Journal(_) => {}
        }
    }
}
