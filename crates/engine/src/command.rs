//! What the writer can be told to do, and what it answers after the commit.

use domain::{AccountName, BuyRequest, Kind, Outcome, Resolution, Source, Trx};
use store::{CatalogChange, JournalLine, PaperKey, Place};
use types::{
    AttemptId, DeliveryId, MemberId, RefId, Refusal, Rupiah, SupplierCode, TrxNo, UtcMillis,
};

/// How a request came in, for the journal line that rides in the same commit.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Asked {
    pub received: UtcMillis,
    pub peer: String,
    /// Already redacted.
    pub request: String,
}

/// What one callback try gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DeliveryTry {
    Delivered {
        status: u16,
    },
    Failed {
        why: String,
        retry_after_ms: Option<i64>,
        chance: u16,
    },
    /// No URL, one that may not be called, or one that is gone: wait for a person.
    Parked {
        why: String,
    },
}

/// Papers, movements of money and changes of the catalog that belong together.
#[derive(Clone, Debug, Default)]
pub struct Errand {
    /// Papers, each with the version it was decided on.
    pub papers: Vec<PaperChange>,
    /// Movements, one after the other.
    pub moves: Vec<Movement>,
    /// Costs that were other than booked.
    pub costs: Vec<CostCorrection>,
    /// Changes of the catalog.
    pub catalog: Vec<CatalogChange>,
    /// Which revision of the catalog they were decided on; the newest here, when nothing is said.
    pub on: Option<i64>,
    /// Who did it and why.
    pub lines: Vec<JournalLine>,
    /// Refused while an attempt is open at one of these: it could not be asked about any more.
    pub idle: Vec<SupplierCode>,
}

/// A change of one paper.
#[derive(Clone, Debug)]
pub struct PaperChange {
    /// Which.
    pub key: PaperKey,
    /// The version it must still have; 0: there must be none.
    pub seen: i64,
    /// What it says from now on; `None`: it goes away.
    pub put: Option<PaperText>,
}

/// What a paper says.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct PaperText {
    pub tag: String,
    pub body: String,
}

/// A movement between a member and a house account.
#[derive(Clone, Debug)]
pub struct Movement {
    /// Whose balance.
    pub member: MemberId,
    /// Positive: to the member.
    pub amount: Rupiah,
    /// The other side.
    pub other: AccountName,
    /// Why, for the ledger.
    pub kind: Kind,
    /// Who and why, for people.
    pub note: String,
}

/// A purchase that cost another amount than was booked.
#[derive(Clone, Debug)]
pub struct CostCorrection {
    /// Who took it.
    pub supplier: SupplierCode,
    /// For which purchase.
    pub trx: TrxNo,
    /// How much more than was booked; negative: less.
    pub more: Rupiah,
    /// Who and why.
    pub note: String,
}

/// How an errand ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// The balance after each movement.
    Done(Vec<Rupiah>),
    /// Somebody changed this paper first; nothing was done.
    Stale(PaperKey),
    /// A cost cannot be corrected: why; nothing was done.
    Unfit(String),
    /// So many attempts are open at this supplier; nothing was done.
    StillOpen(SupplierCode, i64),
    /// A movement is not possible; nothing was done.
    Refused {
        /// Whose.
        member: MemberId,
        /// Why.
        why: Moved,
    },
}

/// One unit of work for the writer. Everything that moves money is one of these.
#[derive(Clone, Debug)]
pub enum Command {
    /// A purchase of an authenticated member.
    Buy {
        /// Who.
        member: MemberId,
        /// What.
        request: Box<BuyRequest>,
        /// For the journal.
        asked: Box<Asked>,
    },
    /// "Was this refID ever taken?", asked behind everything queued before. That it was not is a
    /// decision: a purchase that is under way anywhere is not taken after it.
    Look {
        /// Whose.
        member: MemberId,
        /// Which.
        ref_id: RefId,
    },
    /// Permission to send an attempt: the durable sent-marker.
    MarkSent {
        /// Which.
        about: AttemptId,
        /// Whose purchase.
        member: MemberId,
        /// Which settings of its supplier the sender holds: only the newest may send, or the purchase
        /// would be asked about elsewhere than it was sent to.
        edition: u64,
    },
    /// News of an attempt.
    News {
        /// Which.
        about: AttemptId,
        /// Whose purchase.
        member: MemberId,
        /// What the attempt is for and which supplier says so; news from another supplier than the
        /// attempt's is only recorded.
        place: Box<Place>,
        /// By which way.
        source: Source,
        /// What.
        outcome: Outcome,
        /// The exchange it came from.
        line: Option<Box<JournalLine>>,
    },
    /// A hint that an attempt should be asked about soon. A closed one too: something that is not
    /// believed by itself contradicts it.
    AskSoon {
        /// Which.
        about: AttemptId,
        /// Whose purchase.
        member: MemberId,
        /// Not before so much time has passed: the spacing of its supplier.
        wait_ms: i64,
        /// The exchange it came from.
        line: Box<JournalLine>,
    },
    /// A purchase is pending for longer than its supplier's patience, whatever it waits for.
    Overdue {
        /// Which trx.
        trx: TrxNo,
        /// Whose purchase.
        member: MemberId,
        /// What keeps it from being sent, when it was not sent yet.
        obstacle: String,
    },
    /// A person decides.
    Resolve {
        /// Which trx.
        trx: TrxNo,
        /// What.
        resolution: Resolution,
        /// Who and why.
        note: String,
        /// What its current attempt is for, so that a serial number is remembered.
        place: Option<Box<Place>>,
    },
    /// A deposit (positive) or withdrawal (negative) by a person.
    Move {
        /// Whose balance.
        member: MemberId,
        /// How much.
        amount: Rupiah,
        /// The cash account on the other side.
        cash: String,
        /// Who and why.
        note: String,
    },
    /// An errand of the office: all of it or nothing.
    Errand(Box<Errand>),
    /// A callback was tried.
    Tried {
        /// Which.
        id: DeliveryId,
        /// How it went.
        result: DeliveryTry,
        /// The exchange.
        line: Box<JournalLine>,
    },
    /// Deliver again, from the first slot of the schedule.
    Replay(DeliveryId),
    /// A line of the journal and nothing else.
    Note(Box<JournalLine>),
    /// Changes of the catalog, all or none, with the lines of the journal that tell of them.
    Catalog {
        /// What changes.
        changes: Vec<CatalogChange>,
        /// What is said of it.
        lines: Vec<JournalLine>,
    },
}

impl Command {
    /// What decides the lane: commands of one member go the same way, one after the other.
    pub(crate) fn key(&self) -> i64 {
        match self {
            Self::Buy { member, .. }
            | Self::Look { member, .. }
            | Self::MarkSent { member, .. }
            | Self::News { member, .. }
            | Self::AskSoon { member, .. }
            | Self::Overdue { member, .. }
            | Self::Move { member, .. } => member.get(),
            Self::Resolve { trx, .. } => trx.get(),
            Self::Tried { id, .. } | Self::Replay(id) => id.get(),
            Self::Note(line) => line.member.map_or(0, MemberId::get),
            Self::Errand(errand) => errand.moves.first().map_or(0, |first| first.member.get()),
            Self::Catalog { .. } => 0,
        }
    }
}

/// The answer to a purchase.
#[derive(Clone, Debug)]
pub struct Bought {
    /// The sentence.
    pub text: String,
    /// `accepted`, `repeat` or the refusal's code.
    pub code: &'static str,
    /// The trx as stored, when there is one.
    pub trx: Option<Box<Trx>>,
    /// False when the trx belongs to another purchase (refID conflict).
    pub own: bool,
    /// Why nothing was taken and nothing stands under the refID.
    pub refusal: Option<Refusal>,
}

/// A movement by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The balance after it.
    Done(Rupiah),
    /// The member does not exist.
    UnknownMember,
    /// It would leave this balance, below the floor.
    BelowFloor(Rupiah),
    /// Out of range.
    OutOfRange,
}

/// What the writer answers, after the commit.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Answer {
    Bought(Box<Bought>),
    Looked(Option<Box<Trx>>),
    /// True: this caller, and nobody else, may send.
    Marked(bool),
    Resolved(Result<Box<Trx>, String>),
    Moved(Moved),
    Ran(Ran),
    Replayed(bool),
    Done,
}
