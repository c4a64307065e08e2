//! The embedded store: SQLite in WAL mode with one write connection.
//!
//! Guarantees: a commit returned is on the disk (`synchronous=FULL`, read back at start); a batch
//! is one transaction; the schema is brought forward by numbered migrations and a newer one is
//! refused. It decides nothing. SQL for SQLite lives in this crate only.

mod before;
mod evidence;
mod look;
mod members;
mod migrate;
mod open;
mod papers;
mod proofs;
mod reader;
mod records;
mod rows;
mod writer;
mod young;

pub use look::{Found, look};
pub use open::{Opened, Resting, fold_log, open, open_reader, open_sorting, rest};
pub use reader::SqliteReads;
pub use writer::SqliteStore;
