//! What the writer can be told to do, and what it answers after the commit.

use domain::{
    BookEntry, BuyRequest, CostCorrection, DeliveryTry, Movement, Outcome, Resolution, Source, Trx,
    Unmoved,
};
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

/// What a person, script or command line changes: papers, movements of money, a decision, deliveries
/// and the catalog, with the lines that tell of it. All of it is one commit, or nothing of it.
#[derive(Clone, Debug, Default)]
pub struct Errand {
    /// Papers, each with the version it was decided on.
    pub papers: Vec<PaperChange>,
    /// Movements, one after the other.
    pub moves: Vec<Movement>,
    /// Costs that were other than booked.
    pub costs: Vec<CostCorrection>,
    /// Entries of the books that concern no member.
    pub entries: Vec<BookEntry>,
    /// A decision about a purchase; not beside movements or costs, which it may move as well.
    pub resolve: Option<Box<Resolve>>,
    /// Deliveries to be made again, from the first slot of the schedule.
    pub replay: Vec<DeliveryId>,
    /// Changes of the catalog.
    pub catalog: Vec<CatalogChange>,
    /// Which revision of the catalog they were decided on; the newest here, when nothing is said.
    pub on: Option<i64>,
    /// Who did it and why.
    pub lines: Vec<JournalLine>,
    /// Refused while an attempt is open at one of these: it could not be asked about any more.
    pub idle: Vec<SupplierCode>,
}

impl Errand {
    /// Changes of the catalog.
    #[must_use]
    pub fn edit(catalog: Vec<CatalogChange>) -> Self {
        Self { catalog, ..Self::default() }
    }

    /// One movement of money.
    #[must_use]
    pub fn movement(movement: Movement) -> Self {
        Self { moves: vec![movement], ..Self::default() }
    }

    /// A decision about a purchase.
    #[must_use]
    pub fn resolve(resolve: Resolve) -> Self {
        Self { resolve: Some(Box::new(resolve)), ..Self::default() }
    }

    /// A delivery to be made again.
    #[must_use]
    pub fn replay(id: DeliveryId) -> Self {
        Self { replay: vec![id], ..Self::default() }
    }
}

impl From<Errand> for Command {
    fn from(errand: Errand) -> Self {
        Self::Errand(Box::new(errand))
    }
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

/// A person's decision about a purchase.
#[derive(Clone, Debug)]
pub struct Resolve {
    /// Which trx.
    pub trx: TrxNo,
    /// What.
    pub resolution: Resolution,
    /// What its current attempt is for, so that a serial number is remembered.
    pub place: Option<Place>,
}

/// What an errand left that was carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The balance after each movement.
    pub balances: Vec<Rupiah>,
    /// The purchase that was decided, as it stands now.
    pub trx: Option<Box<Trx>>,
}

/// How an errand ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// All of it.
    Done(Carried),
    /// Somebody changed this paper first; nothing was done.
    Stale(PaperKey),
    /// A cost, a decision or a delivery does not fit what is there: why; nothing was done.
    Unfit(String),
    /// So many attempts are open at this supplier; nothing was done.
    StillOpen(SupplierCode, i64),
    /// A movement is not possible; nothing was done.
    Refused {
        /// Whose.
        member: MemberId,
        /// Why.
        why: Unmoved,
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
        /// What it is for: it may have to go elsewhere.
        place: Box<Place>,
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
    /// A line of the journal and nothing else.
    Note(Box<JournalLine>),
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
            | Self::Overdue { member, .. } => member.get(),
            Self::Tried { id, .. } => id.get(),
            Self::Note(line) => line.member.map_or(0, MemberId::get),
            Self::Errand(errand) => {
                let decided = errand.resolve.as_ref().map_or(0, |resolve| resolve.trx.get());
                errand.moves.first().map_or(decided, |first| first.member.get())
            }
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

/// What the writer answers, after the commit.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Answer {
    Bought(Box<Bought>),
    Looked(Option<Box<Trx>>),
    /// True: this caller, and nobody else, may send.
    Marked(bool),
    Ran(Ran),
    Done,
}
