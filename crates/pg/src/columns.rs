//! PostgreSQL's rows as the columns that the store's codecs read.

use store::codec::{Columns, Unreadable};
use tokio_postgres::Row;

/// A row under its own name, because both sides of the trait are foreign.
pub(crate) struct PgRow<'a>(pub(crate) &'a Row);

impl PgRow<'_> {
    fn get<'b, T: tokio_postgres::types::FromSql<'b>>(
        &'b self,
        column: &str,
    ) -> Result<T, Unreadable> {
        self.0.try_get(column).map_err(|error| Unreadable::new(column, error))
    }
}

impl Columns for PgRow<'_> {
    fn int(&self, column: &str) -> Result<Option<i64>, Unreadable> {
        self.get(column)
    }

    fn text(&self, column: &str) -> Result<Option<&str>, Unreadable> {
        self.get(column)
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        self.get(column)
    }

    fn flag(&self, column: &str) -> Result<bool, Unreadable> {
        self.get(column)
    }
}
