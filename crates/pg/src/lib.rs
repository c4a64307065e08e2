//! The store on PostgreSQL: several nodes, one business.
//!
//! Each node holds some lanes by a lease. A lane has a writer that commits batches, its own hash
//! chains, and its own open work; a lane whose node is gone is taken over by another. Rows of a
//! member are decided under the lock of his account row. This crate decides nothing about
//! purchases, never repeats a commit whose fate is unknown, and trusts no node's clock.

mod before;
mod catalog;
mod check;
mod clock;
mod columns;
mod damage;
mod evidence;
mod exchange;
mod fold;
mod keeper;
mod lanes;
mod link;
mod migrate;
mod moving;
mod papers;
mod reader;
mod rows;
mod target;
mod walks;
mod writer;

pub use clock::{DatabaseClock, since_boot_ms};
pub use exchange::PgExchange;
pub use keeper::{Event, Keeper};
pub use moving::move_in;
pub use reader::PgReads;
pub use target::Target;
pub use writer::PgStore;

use crate::keeper::Keeping;
use crate::lanes::Held;
use crate::link::{Link, Lost, Role};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use store::{Lane, StoreError};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How a node joins.
#[derive(Clone, Debug)]
pub struct Joining {
    /// Its name, for people.
    pub node: String,
    /// What only one process at a time is: its folder. Empty for one that is nothing of the kind.
    pub seat: String,
    /// Writers at one time.
    pub lanes: usize,
    /// After this long of silence its work is another's.
    pub lease: Duration,
}

impl Joining {
    /// As [`nodes`] lists it.
    #[must_use]
    pub fn listed(&self) -> String {
        match self.seat.is_empty() {
            true => self.node.clone(),
            false => format!("{}/{}", self.seat, self.node),
        }
    }
}

/// A node's hold on its lanes. Cheap to clone.
#[derive(Clone)]
pub struct Tenure(Arc<Held>);

impl Tenure {
    /// True while nobody else can have taken this node's work over.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.holds()
    }

    /// True on one node at a time, for what must not be done twice.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.0.leads()
    }

    /// How many lanes it holds, its own and those it took over.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.0.all().len()
    }

    /// Standbys that confirm commits; -1 while nobody knows.
    #[must_use]
    pub fn standbys(&self) -> i64 {
        self.0.standbys()
    }
}

/// A node that has joined.
pub struct Joined {
    /// One store for each lane.
    pub stores: Vec<PgStore>,
    /// Its lanes; what was sent there before may have been sent.
    pub lanes: Vec<Lane>,
    /// A number that no other run of any node has: its first lane and how often that was taken.
    pub run: i64,
    /// What the server says of itself.
    pub settings: String,
    /// The database's clock.
    pub clock: Arc<DatabaseClock>,
    /// Whether it may still act.
    pub tenure: Tenure,
    /// What it should know.
    pub events: UnboundedReceiver<Event>,
    /// Renews the lease until dropped.
    pub keeper: Keeper,
    /// What it tells the others, and hears.
    pub exchange: PgExchange,
    target: Arc<Target>,
    held: Arc<Held>,
    seen: Arc<AtomicI64>,
}

impl Joined {
    /// Another connection for reads.
    ///
    /// # Errors
    /// [`StoreError::NotWritten`] when it cannot be made.
    pub fn reader(&self) -> Result<PgReads, StoreError> {
        let link = Link::new(self.target.clone(), Role::Reader)?;
        Ok(PgReads::new(link, self.held.clone(), None))
    }

    /// Makes connections for reads later on.
    pub fn readers(&self) -> impl Fn() -> Result<PgReads, StoreError> + Send + Sync + use<> {
        let (target, held) = (self.target.clone(), self.held.clone());
        move || {
            let link = Link::new(target.clone(), Role::Reader)?;
            Ok(PgReads::new(link, held.clone(), None))
        }
    }

    /// The connection that the node's catalog is read with.
    ///
    /// # Errors
    /// As [`Self::reader`].
    pub fn catalog_reader(&self) -> Result<PgReads, StoreError> {
        let link = Link::new(self.target.clone(), Role::Reader)?;
        Ok(PgReads::new(link, self.held.clone(), Some(self.seen.clone())))
    }
}

/// True when a business is in the database.
///
/// # Errors
/// [`StoreError::NotRead`] when it cannot be asked.
pub fn exists(target: &Arc<Target>) -> Result<bool, StoreError> {
    let mut link = Link::new(target.clone(), Role::Reader)?;
    let found = link.run(async |live| {
        live.client.query_one("SELECT to_regclass('schema_version') IS NOT NULL", &[]).await
    });
    Ok(found.map_err(|lost| lost.not_read(""))?.get(0))
}

/// Who works on the database at this moment, by name.
///
/// # Errors
/// [`StoreError::NotRead`] when it cannot be asked.
pub fn nodes(target: &Arc<Target>) -> Result<Vec<String>, StoreError> {
    let mut link = Link::new(target.clone(), Role::Reader)?;
    let found = link.run(async |live| {
        live.client
            .query(
                "SELECT DISTINCT node FROM lane WHERE until > clock_timestamp() ORDER BY node",
                &[],
            )
            .await
    });
    Ok(found.map_err(|lost| lost.not_read("FROM lane"))?.iter().map(|row| row.get(0)).collect())
}

/// Reads without joining, for `verify`.
///
/// # Errors
/// [`StoreError::NotRead`] when it cannot be connected to.
pub fn open_reader(target: &Arc<Target>) -> Result<PgReads, StoreError> {
    let mut link = Link::new(target.clone(), Role::Reader)?;
    link.run(async |_| Ok(())).map_err(|lost| lost.not_read(""))?;
    Ok(PgReads::new(link, Held::new(), None))
}

/// Brings the schema forward, takes lanes and keeps them. Blocks: not for a thread of a runtime.
///
/// # Errors
/// [`StoreError::Broken`] when the server or the schema cannot be used, [`StoreError::NotWritten`]
/// when it cannot be reached.
pub fn join(target: Target, joining: &Joining) -> Result<Joined, StoreError> {
    let target = Arc::new(target);
    let mut link = Link::new(target.clone(), Role::Writer)?;
    migrate::migrate(&mut link)?;
    let settings =
        link.run(async |live| check::described(&live.client).await).map_err(Lost::not_written)?;
    let node = joining.listed();
    let taken = lanes::take(&mut link, &node, joining)?;
    let (held, seen) = (Held::new(), Arc::new(AtomicI64::new(-1)));
    let mut stores = Vec::with_capacity(taken.len());
    for lane in &taken {
        held.add(lane);
        let link = Link::new(target.clone(), Role::Lane(lane.lane, lane.epoch))?;
        stores.push(PgStore::new(link, lane, seen.clone()));
    }
    let run = taken.first().map_or(0, |first| (i64::from(first.lane.0) << 32) | first.epoch);
    let lanes: Vec<Lane> = taken.iter().map(|taken| taken.lane).collect();
    let clock = Arc::new(DatabaseClock::new());
    let link = Link::new(target.clone(), Role::Exchange)?;
    let exchange = PgExchange::new(link, run, node.clone(), joining.seat.clone(), joining.lease);
    let (tell, events) = unbounded_channel();
    let keeper = Keeping {
        link: Link::new(target.clone(), Role::Keeper)?.called(lanes::keeper_name(&joining.seat)),
        held: held.clone(),
        clock: clock.clone(),
        node,
        lease: joining.lease,
        own: lanes.clone(),
        seen: seen.clone(),
        tell,
        standbys: None,
        look_again: 0,
    }
    .start()
    .map_err(|error| StoreError::NotWritten(error.to_string()))?;
    let tenure = Tenure(held.clone());
    if !tenure.holds() {
        return Err(StoreError::NotWritten("the lease could not be renewed".to_owned()));
    }
    let shown: Vec<String> = lanes.iter().map(ToString::to_string).collect();
    let settings = format!("{settings}, lanes {}", shown.join(","));
    Ok(Joined {
        stores,
        lanes,
        run,
        settings,
        clock,
        tenure,
        events,
        keeper,
        exchange,
        target,
        held,
        seen,
    })
}
