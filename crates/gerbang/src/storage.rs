//! Which store a business is in: SQLite in the data folder, or PostgreSQL. Nothing else asks.
//!
//! Stores block and have runtimes of their own, so they are opened on threads of their own.

use crate::config::Config;
use crate::data::DataDir;
use crate::pulse::Pulse;
use anyhow::{Context as _, anyhow, bail};
use engine::{Clock, Renew, Standing, SystemClock, Tenure};
use pg::{Event, Joining, Keeper, Target};
use sqlite::Found;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::{CatalogRows, Exchange, Lane, Reads, Store, StoreError};
use tokio::sync::mpsc::UnboundedReceiver;
use types::UtcMillis;

/// Connections for reads.
const READERS: usize = 3;

/// Where a business is.
pub(crate) enum Storage {
    File(PathBuf),
    Server { url: String, ca: Option<PathBuf>, joining: Joining },
}

/// An opened store and everything that belongs to it.
pub(crate) struct Opened {
    pub(crate) stores: Vec<Box<dyn Store>>,
    pub(crate) readers: Vec<Box<dyn Reads>>,
    /// Opens another one.
    pub(crate) renew: Renew,
    pub(crate) rows: Box<dyn FnMut() -> Result<CatalogRows, StoreError> + Send>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tenure: Arc<dyn Tenure>,
    /// Notices when this process stood still; somebody must let it beat.
    pub(crate) pulse: Arc<Pulse>,
    /// Which run of which node this is.
    pub(crate) run: i64,
    /// Lanes whose work may be left over from before.
    pub(crate) lanes: Vec<Lane>,
    pub(crate) settings: String,
    /// What other nodes do; none without others.
    pub(crate) events: Option<UnboundedReceiver<Event>>,
    /// Keeps the lanes while it lives.
    pub(crate) keeper: Option<Keeper>,
    /// What is told to other nodes; none without others.
    pub(crate) exchange: Option<Box<dyn Exchange>>,
}

/// The only node there is.
struct Only(Arc<Pulse>);

impl Tenure for Only {
    fn holds(&self) -> bool {
        true
    }

    fn leads(&self) -> bool {
        true
    }

    fn standing(&self) -> Standing {
        Standing { unread_ms: self.0.unread_ms(), ..Standing::default() }
    }
}

/// One of several.
struct Leased(pg::Tenure, Arc<Pulse>);

impl Tenure for Leased {
    fn holds(&self) -> bool {
        self.0.holds()
    }

    fn leads(&self) -> bool {
        self.0.leads()
    }

    fn standing(&self) -> Standing {
        Standing {
            unread_ms: self.1.unread_ms(),
            lanes: i64::try_from(self.0.lanes()).unwrap_or(i64::MAX),
            standbys: Some(self.0.standbys()),
        }
    }
}

struct TheirClock(Arc<pg::DatabaseClock>);

impl Clock for TheirClock {
    fn now(&self) -> UtcMillis {
        self.0.now()
    }
}

/// Runs what blocks on a thread of its own and waits for it.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| scope.spawn(work).join())
        .map_err(|_| anyhow!("a thread broke; see the log"))
}

fn machine() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{name}.{}", std::process::id())
}

impl Storage {
    /// As the configuration says; `GERBANG_DATABASE` goes before it, so that a password need not
    /// stand in a file.
    pub(crate) fn of(data: &DataDir, config: &Config) -> Self {
        let named = std::env::var("GERBANG_DATABASE").ok();
        let Some(url) = named.filter(|url| !url.is_empty()).or_else(|| config.database.clone())
        else {
            return Self::File(data.database());
        };
        let mut named = Self::named(&url, config);
        if let Self::Server { joining, .. } = &mut named {
            joining.seat = data.seat();
        }
        named
    }

    /// The server of this URL.
    pub(crate) fn named(url: &str, config: &Config) -> Self {
        let joining = Joining {
            node: config.node.clone().unwrap_or_else(machine),
            seat: String::new(),
            lanes: config.lanes,
            lease: Duration::from_secs(config.lease_seconds),
        };
        Self::Server { url: url.to_owned(), ca: config.database_ca.clone(), joining }
    }

    /// The way to the server.
    pub(crate) fn target(&self) -> anyhow::Result<Target> {
        match self {
            Self::File(path) => bail!("{} is a file", path.display()),
            Self::Server { url, ca, .. } => Target::parse(url, ca.as_ref().map(PathBuf::as_path))
                .map_err(|why| anyhow!("database: {why}")),
        }
    }

    /// True when there is a business. A file that holds none is refused: whoever lost it would begin a
    /// new one under its name.
    pub(crate) fn exists(&self) -> anyhow::Result<bool> {
        match self {
            Self::File(path) => {
                let what = match sqlite::look(path)? {
                    Found::Nothing => return Ok(false),
                    Found::Business => return Ok(true),
                    Found::Empty => "is empty",
                    Found::Foreign => "is no database of Gerbang",
                };
                bail!(
                    "{0} {what}: there is no business in it, and none is begun in its place. Nothing \
                     was changed. Put a backup there: `gerbang restore FILE --replace` keeps what is \
                     there under another name. Only if a new business is truly meant, put {0} \
                     elsewhere first",
                    path.display()
                )
            }
            Self::Server { .. } => {
                let target = Arc::new(self.target()?);
                Ok(apart(|| pg::exists(&target))??)
            }
        }
    }

    /// Refuses to begin a business where one was; to be asked where none [`Self::exists`].
    pub(crate) fn is_new(&self, data: &DataDir, config: &Config) -> anyhow::Result<()> {
        let in_file = matches!(self, Self::File(_));
        let left = data.left_over(&config.mark(data), config.heads_file.as_deref(), in_file);
        let names: Vec<String> = left.iter().map(|file| file.display().to_string()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let back = match self {
            Self::File(_) => {
                "or a backup in its place: `gerbang restore FILE`. If it is in PostgreSQL, say where: \
                 `database` in gerbang.toml, or GERBANG_DATABASE"
            }
            Self::Server { .. } => "with PostgreSQL's own tools, or say where it is (`database`)",
        };
        bail!(
            "there is no business in {}, but there was one: this is left of it: {}. Put its database \
             back, {back}. Only if a new business is truly meant, put these files elsewhere first",
            self.shown(),
            names.join(", ")
        )
    }

    /// For messages; without secrets.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server { .. } => match self.target() {
                Ok(target) => target.shown(),
                Err(_) => "a database whose URL cannot be read".to_owned(),
            },
        }
    }

    /// Refuses where there is no business, and says what to do.
    pub(crate) fn must_exist(&self, data: &DataDir, config: &Config) -> anyhow::Result<()> {
        if self.exists()? {
            return Ok(());
        }
        self.is_new(data, config)?;
        let elsewhere = match self {
            Self::File(_) => {
                ". If it is in PostgreSQL, say where: `database` in gerbang.toml, or GERBANG_DATABASE"
            }
            Self::Server { .. } => "",
        };
        bail!("there is no business in {}; `gerbang init` creates one{elsewhere}", self.shown())
    }

    /// At a clean stop: the file alone is current from here on, and nothing is written to it until this
    /// process ends. Where that cannot be, its log is needed beside it.
    pub(crate) fn rest(&self) {
        let Self::File(path) = self else { return };
        match apart(|| sqlite::rest(path)) {
            // What still runs must find it held.
            Ok(Ok(resting)) => std::mem::forget(resting),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the log of the database could not be folded into its file");
            }
            Err(error) => tracing::warn!(%error, "the log of the database stays beside it"),
        }
    }

    /// A reader beside whoever writes. To be used by [`apart`].
    pub(crate) fn reader(&self) -> anyhow::Result<Box<dyn Reads>> {
        match self {
            Self::File(path) => Ok(Box::new(sqlite::open_reader(path)?)),
            Self::Server { .. } => {
                let target = Arc::new(self.target()?);
                Ok(Box::new(pg::open_reader(&target)?))
            }
        }
    }

    /// Opens it for writing; makes it when there is none. To be used by [`apart`].
    pub(crate) fn open(&self) -> anyhow::Result<Opened> {
        match self {
            Self::File(path) => open_file(path, None),
            Self::Server { joining, .. } => {
                let joined = pg::join(self.target()?, joining)?;
                let mut readers: Vec<Box<dyn Reads>> = Vec::new();
                for _ in 0..READERS {
                    readers.push(Box::new(joined.reader()?));
                }
                let another = joined.readers();
                let renew: Renew = Arc::new(move || Ok(Box::new(another()?) as Box<dyn Reads>));
                let mut catalog = joined.catalog_reader()?;
                let pulse = Arc::new(Pulse::default());
                let stores = joined.stores.into_iter().map(|store| Box::new(store) as Box<_>);
                Ok(Opened {
                    stores: stores.collect(),
                    readers,
                    renew,
                    rows: Box::new(move || catalog.catalog()),
                    clock: Arc::new(TheirClock(joined.clock)),
                    tenure: Arc::new(Leased(joined.tenure, pulse.clone())),
                    pulse,
                    run: joined.run,
                    lanes: joined.lanes,
                    settings: joined.settings,
                    events: Some(joined.events),
                    keeper: Some(joined.keeper),
                    exchange: Some(Box::new(joined.exchange)),
                })
            }
        }
    }
}

/// Opens a file for writing; makes it when there is none. `first`: purchases are numbered from
/// there on. To be used by [`apart`].
pub(crate) fn open_file(path: &Path, first: Option<i64>) -> anyhow::Result<Opened> {
    let mut opened = sqlite::open(path).with_context(|| path.display().to_string())?;
    if let Some(first) = first {
        opened.store.number_from(first);
    }
    let mut readers: Vec<Box<dyn Reads>> = Vec::new();
    for _ in 0..READERS {
        readers.push(Box::new(opened.reader()?));
    }
    let file = path.to_owned();
    let renew: Renew =
        Arc::new(move || Ok(Box::new(sqlite::open_reader(&file)?) as Box<dyn Reads>));
    let mut catalog = sqlite::open_reader(path)?;
    let pulse = Arc::new(Pulse::default());
    Ok(Opened {
        stores: vec![Box::new(opened.store)],
        readers,
        renew,
        rows: Box::new(move || catalog.catalog()),
        clock: Arc::new(SystemClock),
        tenure: Arc::new(Only(pulse.clone())),
        pulse,
        run: 0,
        lanes: vec![Lane::default()],
        settings: opened.settings,
        events: None,
        keeper: None,
        exchange: None,
    })
}
