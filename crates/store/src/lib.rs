//! The contract of a store: load the facts a batch names, write what was decided, read pages.
//!
//! A store decides nothing. Writes exist only as [`Change`]s of one [`Batch`]; reads are typed
//! queries. The engine talks to these traits; which database runs is known only where the binary
//! is put together. SQL and drivers live in the crates that implement this.

mod batch;
mod chain;
pub mod clean;
pub mod codec;
mod document;
mod evidence;
mod exchange;
mod keyset;
mod read;
mod records;

mod said;
mod seal;
mod stamp;
mod stamped;

pub use batch::{Batch, Bought, Change, Facts, Known, SameDay, Wants};
pub use chain::{ChainHead, Hash, Heads, Lane, journal_hash, transfer_hash};
pub use document::{Paper, PaperFilter, PaperKey};
pub use evidence::{Place, ProofKey, Turn, is_rival};
pub use exchange::{Exchange, Heard, Peer};
pub use keyset::{KeySet, Purpose};
pub use read::{
    CatalogRows, ChainRow, Counts, DeliveryFilter, JOURNAL_LOOK_MOST, JournalFilter, Places,
    Progress, Reads, Story, TrxFilter, Work, not_read,
};
pub use records::{
    CatalogChange, CatalogKey, Channel, Delivery, DeliveryState, Direction, Imported, JournalLine,
    Level, MemberRecord, SupplierRecord,
};
pub use seal::{KeyId, MasterKey, SealError, Sealed};
pub use stamp::{Stamp, StampKey, Was, read_stamps, stamp_bytes};
pub use stamped::{Compared, Remembered, RememberedRow, Stamped};

/// Why a store could not do its work. A refusal of a purchase is a decision, never one of these.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written; the same work may be given again.
    #[error("nothing was written: {0}")]
    NotWritten(String),
    /// Something was only read, and could not be; the text says what. Of [`Reads`] alone.
    #[error("{0}")]
    NotRead(String),
    /// Nothing was written because others were in the way; what was decided is out of date, and
    /// deciding anew may help.
    #[error("others were in the way: {0}")]
    Again(String),
    /// Nothing was written: a change of the catalog was decided on one that another node changed
    /// since. The rest of the batch may be decided again without it.
    #[error("somebody changed the catalog meanwhile: {0}")]
    Outdated(String),
    /// The commit may or may not have happened: stop, and let the restart find out.
    #[error("the commit may or may not have happened: {0}")]
    Unknown(String),
    /// The store is damaged, of another version, is another node's now, or broke one of our own rules.
    /// Found before a commit was asked for, so nothing was written; the same work cannot be given again.
    #[error("{0}")]
    Broken(String),
}

/// The write side. Owned by one writer; never shared.
pub trait Store: Send {
    /// Loads what a batch names and begins it. What is loaded stays true until `commit` or
    /// `abandon`.
    ///
    /// # Errors
    /// [`StoreError`]; the batch is then abandoned.
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError>;

    /// Writes all changes of a batch durably, in order, or none.
    ///
    /// # Errors
    /// [`StoreError::NotWritten`] or [`StoreError::Again`] when nothing was written,
    /// [`StoreError::Unknown`] when that is not certain.
    fn commit(&mut self, batch: Batch) -> Result<(), StoreError>;

    /// Ends a batch that wrote nothing.
    fn abandon(&mut self);
}
