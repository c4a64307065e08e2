//! A supplier over real HTTP that misbehaves on purpose and keeps its own truth.
//!
//! Speaks the okeconnect text protocol and the Digiflazz JSON protocol. What it does with a
//! purchase follows from the seed and the reference alone, so a run can be repeated. It never
//! looks at Gerbang's state: its ledger says what was really delivered, and tests compare.

mod books;
mod digiflazz;
mod fate;
mod http;
mod okeconnect;
mod server;

pub use books::{Books, Entry, State};
pub use fate::{Fate, Fault, chance};
pub use server::{Plan, PriceRow, Simulator};
