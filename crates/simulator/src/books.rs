//! The simulator's own truth: what it received, what it delivered.

use crate::fate::{Ending, Fate, Fault};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Price of everything.
pub(crate) const PRICE: i64 = 1_200;

/// How a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum State {
    Pending,
    Delivered,
    WrongNumber,
    OutOfStock,
}

impl State {
    /// For the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::WrongNumber => "wrong_number",
            Self::OutOfStock => "out_of_stock",
        }
    }
}

/// One purchase.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Entry {
    pub reference: String,
    pub sku: String,
    pub dest: String,
    pub number: i64,
    pub received: Instant,
    pub fate: Fate,
    /// How often it was asked to buy this reference; a status by resending counts here too.
    pub asked: u32,
    pub before: i64,
}

impl Entry {
    /// How it stands now.
    #[must_use]
    pub fn state(&self) -> State {
        if self.received.elapsed() < Duration::from_millis(self.fate.decides_after_ms) {
            return State::Pending;
        }
        match self.fate.ending {
            Ending::Delivered => State::Delivered,
            Ending::WrongNumber => State::WrongNumber,
            Ending::OutOfStock => State::OutOfStock,
        }
    }

    /// The proof of its delivery.
    #[must_use]
    pub fn sn(&self) -> String {
        format!("SIM{:09}", self.number)
    }
}

struct Inner {
    entries: HashMap<String, Entry>,
    balance: i64,
    next: i64,
}

/// All purchases by reference.
pub struct Books(Mutex<Inner>);

impl Default for Books {
    fn default() -> Self {
        let entries = HashMap::new();
        Self(Mutex::new(Inner { entries, balance: 1_000_000_000_000, next: 1 }))
    }
}

impl Books {
    /// Takes a purchase, or finds the one that was taken before; true when it is new.
    pub fn take(
        &self,
        reference: &str,
        sku: &str,
        dest: &str,
        fate: Fate,
    ) -> Option<(Entry, bool)> {
        let mut inner = self.0.lock().ok()?;
        if let Some(entry) = inner.entries.get_mut(reference) {
            entry.asked += 1;
            return Some((entry.clone(), false));
        }
        let entry = Entry {
            reference: reference.to_owned(),
            sku: sku.to_owned(),
            dest: dest.to_owned(),
            number: inner.next,
            received: Instant::now(),
            fate,
            asked: 1,
            before: inner.balance,
        };
        inner.next += 1;
        inner.balance -= PRICE;
        inner.entries.insert(reference.to_owned(), entry.clone());
        Some((entry, true))
    }

    /// A purchase that was taken.
    #[must_use]
    pub fn find(&self, reference: &str) -> Option<Entry> {
        self.0.lock().ok()?.entries.get(reference).cloned()
    }

    /// What the buyer has here.
    #[must_use]
    pub fn balance(&self) -> i64 {
        self.0.lock().map_or(0, |inner| inner.balance)
    }

    /// The truth, for comparison.
    #[must_use]
    pub fn ledger(&self) -> Value {
        let Ok(inner) = self.0.lock() else { return Value::Null };
        inner
            .entries
            .values()
            .map(|entry| {
                json!({
                    "ref": entry.reference, "sku": entry.sku, "dest": entry.dest,
                    "state": entry.state().word(), "sn": entry.sn(), "asked": entry.asked,
                    "contradicted": entry.fate.fault == Fault::Contradiction,
                })
            })
            .collect()
    }
}
