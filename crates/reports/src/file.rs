//! The file: one connection that follows, a few that answer.

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Grows when the schema or its meaning changes; older files are made anew.
const VERSION: i64 = 1;

/// Why a figure cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("reports ({path}): {why}")]
pub struct ReportsError {
    path: String,
    why: String,
}

/// The derived file. Cheap to clone.
#[derive(Clone)]
pub struct Reports(Arc<Inner>);

struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Reports {
    /// Opens the file, or begins a new one when it is missing, damaged or of another version.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(path: &Path) -> Result<Self, ReportsError> {
        let opened = prepare(path).or_else(|_| {
            remove(path);
            prepare(path)
        });
        let wrong = |error: rusqlite::Error| ReportsError {
            path: path.display().to_string(),
            why: error.to_string(),
        };
        let writer = opened.map_err(wrong)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
        })))
    }

    pub(crate) fn wrong(&self, error: impl ToString) -> ReportsError {
        ReportsError { path: self.0.path.display().to_string(), why: error.to_string() }
    }

    /// Runs with the connection that writes.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ReportsError> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut writer).map_err(|error| self.wrong(error))
    }

    /// Runs with a connection that reads.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ReportsError> {
        let idle = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => read_only(&self.0.path).map_err(|error| self.wrong(error))?,
        };
        let result = work(&connection).map_err(|error| self.wrong(error));
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }

    /// Forgets everything: the ledger is not the one that was followed.
    pub(crate) fn begin_anew(&self) -> Result<(), ReportsError> {
        self.write(|connection| {
            connection.execute_batch(
                "BEGIN; DELETE FROM place; DELETE FROM sale; DELETE FROM entry; DELETE FROM tally;
                 DELETE FROM speed; DELETE FROM flow; COMMIT",
            )
        })
    }
}

fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        // What cannot be removed is told by the next opening.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

fn prepare(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // Losing the last moments costs nothing: they are followed again.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000;",
    )?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        connection.execute_batch(include_str!("schema.sql"))?;
        connection.pragma_update(None, "user_version", VERSION)?;
    } else if version != VERSION {
        return Err(rusqlite::Error::InvalidQuery);
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
