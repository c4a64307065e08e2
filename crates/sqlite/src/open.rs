//! Opening: every setting that durability rests on is set and then read back.

use crate::proofs::Proofs;
use crate::young::{Refs, Young};
use crate::{SqliteReads, SqliteStore, migrate};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::StoreError;

/// How long somebody who is in the way is waited for.
pub(crate) const BUSY: Duration = Duration::from_secs(5);
/// First SQLite without the WAL-reset corruption (3.7.0 to 3.51.2 are affected).
const OLDEST_SQLITE: i32 = 3_051_003;
/// Page cache of the write connection, in KiB.
const WRITER_CACHE_KIB: i64 = 65_536;
/// Page cache of each read connection, in KiB.
const READER_CACHE_KIB: i64 = 8_192;
/// Pages in the log before a checkpoint; the writer makes them all.
const CHECKPOINT_PAGES: i64 = 4_000;
/// How long each of these waits for whoever reads.
const BUSY_TO_REST: Duration = Duration::from_secs(1);
/// How often somebody may write between the folding of the log and the look at it.
const TRIES_TO_REST: u32 = 3;

/// An opened store.
pub struct Opened {
    /// The write side.
    pub store: SqliteStore,
    /// What was read back, for the start-up log.
    pub settings: String,
    path: PathBuf,
    young: Young,
}

impl Opened {
    /// A reader that shares the writer's memory of young references.
    ///
    /// # Errors
    /// [`StoreError::NotRead`] when it cannot be opened.
    pub fn reader(&self) -> Result<SqliteReads, StoreError> {
        Ok(SqliteReads::new(read_only(&self.path)?, Some(self.young.clone())))
    }
}

pub(crate) fn not_written(error: rusqlite::Error) -> StoreError {
    StoreError::NotWritten(hint(&error))
}

/// The error with what an operator can do about it.
pub(crate) fn hint(error: &rusqlite::Error) -> String {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => " (the disk is full: free space and start again)",
        Some(ErrorCode::ReadOnly) => " (the database or its folder is read-only)",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            " (another program holds the database)"
        }
        Some(ErrorCode::SystemIoFailure) => " (the disk reported an error)",
        Some(ErrorCode::DatabaseCorrupt) => {
            " (the file is damaged or was cut off: put a backup in place with `gerbang restore FILE \
             --replace`, which keeps this one under another name)"
        }
        Some(ErrorCode::NotADatabase) => " (the file is not a Gerbang database)",
        Some(ErrorCode::CannotOpen) => " (the folder does not exist or may not be entered)",
        // rusqlite's list is open; every other code is told as it is.
        _ => "",
    };
    format!("{error}{what}")
}

/// Opens the database at `path`, creating it when absent, and brings its schema forward.
///
/// # Errors
/// [`StoreError::Broken`] when a setting cannot be had, [`StoreError::NotWritten`] when the file
/// cannot be opened or written.
pub fn open(path: &Path) -> Result<Opened, StoreError> {
    open_sorting(path, None)
}

/// The same with another number of young references that begin a sorting, for tests.
///
/// # Errors
/// As [`open`].
pub fn open_sorting(path: &Path, many: Option<usize>) -> Result<Opened, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::Broken(format!(
            "SQLite {} is older than 3.51.3 and may corrupt its log; rebuild with the bundled one",
            rusqlite::version()
        )));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(not_written)?;
    connection.busy_timeout(BUSY).map_err(not_written)?;
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA mmap_size = 0;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{WRITER_CACHE_KIB};
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; PRAGMA journal_size_limit = 67108864;"
        ))
        .map_err(not_written)?;
    let journal: String =
        connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(not_written)?;
    let synchronous: i64 =
        connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(not_written)?;
    if journal != "wal" || synchronous != 2 {
        return Err(StoreError::Broken(format!(
            "the database runs with journal_mode={journal}, synchronous={synchronous}; \
             wal and 2 (FULL) are needed for durable replies"
        )));
    }
    migrate::migrate(&mut connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    let settings =
        format!("SQLite {}, journal_mode={journal}, synchronous=FULL", rusqlite::version());
    let refs = Refs::open(&connection, many).map_err(not_written)?;
    let proofs = Proofs::open(&connection, many).map_err(not_written)?;
    let (path, young) = (path.to_owned(), refs.young.clone());
    Ok(Opened { store: SqliteStore::new(connection, refs, proofs)?, settings, path, young })
}

/// Writes the log of a resting database back into its file, which is then all of it: it may be renamed.
///
/// # Errors
/// [`StoreError::NotWritten`] when somebody else has it open, or the disk fails.
pub fn fold_log(path: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(not_written)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
        .map_err(not_written)?;
    if mode != "delete" {
        return Err(StoreError::NotWritten(format!("its log stays in mode {mode}")));
    }
    connection.close().map_err(|(_, error)| not_written(error))
}

/// A database that is all in its file, and that nobody writes while this lives.
#[must_use]
pub struct Resting {
    /// Has begun to write, and writes nothing.
    _holds: Connection,
}

/// Writes the log of a database that others have open back into its file, and keeps them from writing:
/// the file alone is then current.
///
/// # Errors
/// [`StoreError::NotWritten`] when somebody reads for so long that it cannot be, or the disk fails; the
/// log is then needed beside the file, as it was before.
pub fn rest(path: &Path) -> Result<Resting, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(not_written)?;
    connection.busy_timeout(BUSY_TO_REST).map_err(not_written)?;
    let log = {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        PathBuf::from(name)
    };
    for _ in 0..TRIES_TO_REST {
        // Nothing is folded by a connection that has not read yet.
        connection
            .execute_batch("PRAGMA synchronous = FULL; SELECT count(*) FROM sqlite_schema;")
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
            .and_then(|()| connection.execute_batch("BEGIN IMMEDIATE"))
            .map_err(not_written)?;
        match std::fs::metadata(&log) {
            Ok(file) if file.len() > 0 => {
                connection.execute_batch("ROLLBACK").map_err(not_written)?
            }
            Ok(_) | Err(_) => return Ok(Resting { _holds: connection }),
        }
    }
    Err(StoreError::NotWritten(format!(
        "somebody reads or writes it: {} is needed beside it",
        log.display()
    )))
}

/// Opens a read-only connection of its own; the database must exist. Young references cost it a
/// scan: beside a writer of the same process take [`Opened::reader`].
///
/// # Errors
/// [`StoreError::NotRead`] when it cannot be opened.
pub fn open_reader(path: &Path) -> Result<SqliteReads, StoreError> {
    Ok(SqliteReads::new(read_only(path)?, None))
}

fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let unopened = |error| StoreError::NotRead(format!("{}: {}", path.display(), hint(&error)));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unopened)?;
    connection.busy_timeout(BUSY).map_err(unopened)?;
    connection
        .execute_batch(&format!("PRAGMA mmap_size = 0; PRAGMA cache_size = -{READER_CACHE_KIB};"))
        .map_err(unopened)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
