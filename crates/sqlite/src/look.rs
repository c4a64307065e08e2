//! What a file is before anybody opens it as a business.
//!
//! To open a path makes a database of what is not there or is empty, and drops the log beside it: whoever
//! has lost the file would go on with a new business under the old name. So it is looked at first, and
//! looking changes nothing.

use crate::open::{BUSY, hint};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io::ErrorKind;
use std::path::Path;
use store::StoreError;

/// Tables that every schema of ours has had.
const OURS: [&str; 5] = ["chain", "member", "trx", "transfer", "journal"];

/// What is under a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No file.
    Nothing,
    /// A file without a byte, or a database without a table.
    Empty,
    /// Something that is not ours.
    Foreign,
    /// A database with our tables.
    Business,
}

fn tables(path: &Path) -> rusqlite::Result<Vec<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let mut found = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names = found.query_map([], |row| row.get(0))?;
    names.collect()
}

/// Looks at what is under a path.
///
/// # Errors
/// [`StoreError::NotRead`] when it cannot be read.
pub fn look(path: &Path) -> Result<Found, StoreError> {
    match std::fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Found::Nothing);
        }
        Err(error) => {
            let why = format!("{} cannot be read: {error}", path.display());
            return Err(StoreError::NotRead(why));
        }
        Ok(file) if !file.is_file() => return Ok(Found::Foreign),
        Ok(file) if file.len() == 0 => return Ok(Found::Empty),
        Ok(_) => {}
    }
    let unread = |error| StoreError::NotRead(format!("{}: {}", path.display(), hint(&error)));
    let names = match tables(path) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Ok(Found::Foreign);
        }
        names => names.map_err(unread)?,
    };
    let is_ours = OURS.iter().all(|ours| names.iter().any(|name| name == ours));
    Ok(match (is_ours, names.is_empty()) {
        (true, _) => Found::Business,
        (false, true) => Found::Empty,
        (false, false) => Found::Foreign,
    })
}
