//! One connection that is made again when it was lost, used from a thread that may block.
//!
//! It drives its connection itself, without a thread between: while nobody uses it nothing is
//! read, so a loss shows at the next use. It never repeats a statement by itself: what was
//! interrupted is told to the caller.

use crate::check;
use crate::target::Target;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::{Lane, StoreError};
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Statement};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Writes batches: plans may never scan a table that grows.
    Writer,
    /// The same on a lane taken under this epoch: who takes the lane over ends these sessions by
    /// their name, with the locks they hold.
    Lane(Lane, i64),
    /// Reads pages.
    Reader,
    /// Keeps leases.
    Keeper,
    /// Carries what nodes tell each other.
    Exchange,
}

impl Role {
    /// How the server lists the session. `lanes::END` looks for the name of a lane's writer.
    fn name(self) -> String {
        match self {
            Self::Writer => "gerbang writer".to_owned(),
            Self::Lane(lane, epoch) => format!("gerbang writer {}/{epoch}", lane.0),
            Self::Reader => "gerbang reader".to_owned(),
            Self::Keeper => "gerbang keeper".to_owned(),
            Self::Exchange => "gerbang exchange".to_owned(),
        }
    }

    const fn settings(self) -> &'static str {
        match self {
            Self::Writer | Self::Lane(..) => {
                "SET statement_timeout = '30s';
                 SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s';
                 SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
                 SET jit = off; SET plan_cache_mode = force_generic_plan"
            }
            Self::Reader => {
                "SET statement_timeout = '60s';
                 SET default_transaction_read_only = on; SET jit = off;
                 SET idle_in_transaction_session_timeout = '1h'"
            }
            Self::Keeper => {
                "SET statement_timeout = '5s';
                 SET lock_timeout = '3s'; SET idle_in_transaction_session_timeout = '10s'"
            }
            // Nothing of it must be there after a crash, so nothing waits for a disk or a standby.
            Self::Exchange => {
                "SET statement_timeout = '2s'; SET synchronous_commit = off;
                 SET lock_timeout = '1s'; SET idle_in_transaction_session_timeout = '2s'"
            }
        }
    }

    /// After this long the connection is given up, whatever the server does.
    const fn patience(self) -> Duration {
        match self {
            Self::Writer | Self::Lane(..) => Duration::from_secs(40),
            Self::Reader => Duration::from_secs(90),
            Self::Keeper => Duration::from_secs(6),
            Self::Exchange => Duration::from_secs(3),
        }
    }
}

/// A live connection with its prepared statements.
pub(crate) struct Live {
    pub(crate) client: Client,
    statements: HashMap<String, Statement>,
    notices: tokio::sync::mpsc::UnboundedReceiver<()>,
    listens: bool,
}

impl Live {
    /// Listens to changes of the catalog, once for each connection.
    pub(crate) async fn listen(&mut self) -> Result<(), Error> {
        if !self.listens {
            self.client.batch_execute("LISTEN gerbang_catalog").await?;
            self.listens = true;
        }
        Ok(())
    }

    /// Waits for a notice; several at once are one.
    pub(crate) async fn noticed(&mut self) {
        if self.notices.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while self.notices.try_recv().is_ok() {}
    }

    /// Prepares once.
    pub(crate) async fn prepare(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// Why a use of the connection ended early.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The server refused a statement; the connection lives.
    Refused(Error),
    /// The connection is gone; what was asked last may or may not have happened.
    Gone(String),
}

impl Lost {
    /// As what happened before a COMMIT was asked for: certainly not written.
    pub(crate) fn not_written(self) -> StoreError {
        match self {
            Self::Refused(error) if again(&error) => StoreError::Again(told(&error)),
            Self::Refused(error) => StoreError::NotWritten(told(&error)),
            Self::Gone(why) => StoreError::NotWritten(why),
        }
    }

    /// As what happened to a question; `asked`: its text, or what it is about.
    pub(crate) fn not_read(self, asked: &str) -> StoreError {
        match self {
            Self::Refused(error) => store::not_read(asked, &told(&error)),
            Self::Gone(why) => store::not_read(asked, &why),
        }
    }
}

/// Others were in the way: deciding anew may help.
fn again(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::T_R_SERIALIZATION_FAILURE
            || *code == SqlState::T_R_DEADLOCK_DETECTED
            || *code == SqlState::LOCK_NOT_AVAILABLE
            || *code == SqlState::UNIQUE_VIOLATION
    })
}

/// An error with what the server said; the driver's own text hides it.
pub(crate) fn told(error: &Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(inner) = cause {
                text = format!("{text}: {inner}");
                cause = inner.source();
            }
            text
        }
    }
}

/// The connection, or the way to one.
pub(crate) struct Link {
    /// Always there; taken out only to be dropped.
    runtime: Option<Runtime>,
    target: Arc<Target>,
    role: Role,
    /// How the server lists it.
    name: String,
    live: Option<Live>,
}

impl Link {
    /// A link that connects at its first use.
    pub(crate) fn new(target: Arc<Target>, role: Role) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::NotWritten(error.to_string()))?;
        Ok(Self { runtime: Some(runtime), target, role, name: role.name(), live: None })
    }

    /// The same under another name. It must hold no quotes.
    pub(crate) fn called(mut self, name: String) -> Self {
        self.name = name;
        self
    }

    /// Connects now, and looks whether the server keeps what it acknowledges.
    pub(crate) fn connect(&mut self) -> Result<(), StoreError> {
        if self.live.as_ref().is_some_and(|live| !live.client.is_closed()) {
            return Ok(());
        }
        let (target, role, name) = (self.target.clone(), self.role, self.name.clone());
        let Some(runtime) = &self.runtime else {
            return Err(StoreError::NotWritten("the connection is closed".to_owned()));
        };
        let live = runtime.block_on(async move {
            let connecting = async {
                let (client, notices) = target.connect().await?;
                let named = format!("SET application_name = '{name}'; {}", role.settings());
                client.batch_execute(&named).await.map_err(|error| told(&error))?;
                check::no_pooler(&client).await?;
                match role {
                    Role::Writer | Role::Lane(..) => check::durable(&client).await?,
                    Role::Reader | Role::Keeper | Role::Exchange => {}
                }
                Ok::<_, String>(Live {
                    client,
                    statements: HashMap::new(),
                    notices,
                    listens: false,
                })
            };
            match tokio::time::timeout(Duration::from_secs(10), connecting).await {
                Ok(made) => made,
                Err(_) => Err("no connection within 10 s".to_owned()),
            }
        });
        let shown = self.target.shown();
        self.live =
            Some(live.map_err(|why| StoreError::NotWritten(format!("database {shown}: {why}")))?);
        Ok(())
    }

    /// Uses the connection, a new one when the last was lost. What this begins and does not end
    /// goes on with [`Link::within`].
    pub(crate) fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Live) -> Result<T, Error>,
    ) -> Result<T, Lost> {
        self.connect().map_err(|error| match error {
            // As what it is told to be in the end; the words would be there twice.
            StoreError::NotWritten(why) => Lost::Gone(why),
            other @ (StoreError::NotRead(_)
            | StoreError::Again(_)
            | StoreError::Outdated(_)
            | StoreError::Unknown(_)
            | StoreError::Broken(_)) => Lost::Gone(other.to_string()),
        })?;
        self.within(work)
    }

    /// Goes on in the transaction that was begun on this connection. Never on a new one: there each
    /// statement would stand by itself, without the locks and reads it rests on, and a COMMIT of
    /// nothing would look like one.
    pub(crate) fn within<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Live) -> Result<T, Error>,
    ) -> Result<T, Lost> {
        if self.is_lost() {
            self.live = None;
        }
        let (Some(runtime), Some(live)) = (&self.runtime, self.live.as_mut()) else {
            return Err(Lost::Gone("the connection was lost".to_owned()));
        };
        let patience = self.role.patience();
        let done =
            runtime.block_on(async { tokio::time::timeout(patience, work(&mut *live)).await });
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                // An error without words of the server is one of the connection.
                let ends = error
                    .as_db_error()
                    .is_none_or(|said| matches!(said.severity(), "FATAL" | "PANIC"));
                if ends || live.client.is_closed() {
                    self.live = None;
                    return Err(Lost::Gone(told(&error)));
                }
                Err(Lost::Refused(error))
            }
            Err(_) => {
                self.live = None;
                Err(Lost::Gone(format!("the database did not answer within {patience:?}")))
            }
        }
    }

    /// True when what was begun is gone for certain: nothing can be asked on it any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.live.as_ref().is_none_or(|live| live.client.is_closed())
    }

    /// Gives the connection up, with whatever transaction is open on it.
    pub(crate) fn drop_connection(&mut self) {
        self.live = None;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.live = None;
        if let Some(runtime) = self.runtime.take() {
            // Whoever drops it may stand on a thread of another runtime, where waiting is a fault.
            runtime.shutdown_background();
        }
    }
}
