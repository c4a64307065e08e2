//! What the engine needs from outside: time and suppliers.

use std::collections::HashMap;
use std::sync::Arc;
use suppliers::{Connector, Transport};
use types::{SupplierCode, UtcMillis};

/// The only source of "now". Waiting goes through tokio's clock, which tests may pause.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UtcMillis;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UtcMillis {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UtcMillis::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// How to speak to one supplier.
#[derive(Clone)]
pub struct Port {
    /// Its language.
    pub connector: Arc<dyn Connector>,
    /// The wire to it.
    pub transport: Arc<dyn Transport>,
}

/// All suppliers by code.
#[derive(Clone, Default)]
pub struct Suppliers(pub HashMap<SupplierCode, Port>);
