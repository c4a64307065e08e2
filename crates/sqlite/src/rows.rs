//! SQLite's rows as the columns that the store's codecs read.

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Error, Result, Row};
use store::codec::{Columns, Unreadable};

/// A row under its own name, because both sides of the trait are foreign.
pub(crate) struct SqliteRow<'a>(&'a Row<'a>);

fn unreadable(column: &str, found: ValueRef<'_>) -> Unreadable {
    Unreadable::new(column, format!("unexpectedly {:?}", found.data_type()))
}

impl SqliteRow<'_> {
    fn get(&self, column: &str) -> std::result::Result<ValueRef<'_>, Unreadable> {
        self.0.get_ref(column).map_err(|error| Unreadable::new(column, error))
    }
}

impl Columns for SqliteRow<'_> {
    fn int(&self, column: &str) -> std::result::Result<Option<i64>, Unreadable> {
        match self.get(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            other @ (ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_)) => {
                Err(unreadable(column, other))
            }
        }
    }

    fn text(&self, column: &str) -> std::result::Result<Option<&str>, Unreadable> {
        match self.get(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map(Some).map_err(|e| Unreadable::new(column, e))
            }
            other @ (ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_)) => {
                Err(unreadable(column, other))
            }
        }
    }

    fn bytes(&self, column: &str) -> std::result::Result<Option<Vec<u8>>, Unreadable> {
        match self.get(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes.to_vec())),
            other @ (ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_)) => {
                Err(unreadable(column, other))
            }
        }
    }

    fn flag(&self, column: &str) -> std::result::Result<bool, Unreadable> {
        Ok(self.int(column)?.is_some_and(|number| number != 0))
    }
}

/// Reads a row through a codec.
pub(crate) fn by<T>(
    codec: impl Fn(&dyn Columns) -> std::result::Result<T, Unreadable>,
) -> impl Fn(&Row<'_>) -> Result<T> {
    move |row| {
        codec(&SqliteRow(row))
            .map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
    }
}
