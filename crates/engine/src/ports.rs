//! What the engine needs from outside: time and suppliers.

use crate::Gate;
use arc_swap::ArcSwap;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use suppliers::{Connector, Transport};
use types::{Rupiah, SupplierCode, UtcMillis};
use wire::Secret;

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

/// Whether this node's work is still its own. A node that slept may have lost it to another one.
pub trait Tenure: Send + Sync {
    /// True while nobody else can have taken over.
    fn holds(&self) -> bool;

    /// True on one node at a time: that which does what must not be done twice.
    fn leads(&self) -> bool;

    /// What else there is to know of this node.
    fn standing(&self) -> Standing {
        Standing::default()
    }
}

/// How a node stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// For how long what is read now may have waited unread: more than nothing for a moment after
    /// the process stood still.
    pub unread_ms: i64,
    /// Lanes it holds.
    pub lanes: i64,
    /// Standbys that confirm commits, -1 while nobody knows; `None` where there is no server.
    pub standbys: Option<i64>,
}

impl Default for Standing {
    fn default() -> Self {
        Self { unread_ms: 0, lanes: 1, standbys: None }
    }
}

/// The only node there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Tenure for Alone {
    fn holds(&self) -> bool {
        true
    }

    fn leads(&self) -> bool {
        true
    }
}

/// Who may bring a supplier's callbacks.
#[derive(Clone, Debug)]
pub struct CallbackDoor {
    /// The last part of the path.
    pub secret: Secret,
    /// From where; none: from anywhere.
    pub ips: Vec<IpNet>,
}

/// How to speak to one supplier.
#[derive(Clone)]
pub struct Port {
    /// Its language.
    pub connector: Arc<dyn Connector>,
    /// The wire to it.
    pub transport: Arc<dyn Transport>,
    /// How much at one time.
    pub gate: Arc<Gate>,
    /// Its callbacks only make us ask.
    pub confirm: bool,
    /// Below this deposit nothing is bought there.
    pub deposit_least: Rupiah,
    /// Where its callbacks come in; `None`: nowhere.
    pub callback: Option<CallbackDoor>,
    /// Which settings it was made from ([`crate::edition`]); 0 for none.
    pub edition: u64,
}

impl Port {
    /// A port without limits.
    #[must_use]
    pub fn new(connector: Arc<dyn Connector>, transport: Arc<dyn Transport>) -> Self {
        Self {
            connector,
            transport,
            gate: Gate::new(usize::MAX, None),
            confirm: false,
            deposit_least: Rupiah::ZERO,
            callback: None,
            edition: 0,
        }
    }
}

/// All suppliers by code; replaced whole when the catalog's suppliers change.
#[derive(Default)]
pub struct Suppliers {
    ports: ArcSwap<BTreeMap<SupplierCode, Port>>,
    /// Writers of the map, one after the other; true once other nodes use the same suppliers.
    changing: Mutex<bool>,
}

impl Suppliers {
    /// How to speak to this one.
    #[must_use]
    pub fn get(&self, code: &SupplierCode) -> Option<Port> {
        self.ports.load().get(code).cloned()
    }

    /// All codes.
    #[must_use]
    pub fn codes(&self) -> Vec<SupplierCode> {
        self.ports.load().keys().cloned().collect()
    }

    /// Takes one away; attempts already made there stay open.
    pub fn remove(&self, code: &SupplierCode) {
        let guard = self.changing.lock();
        let mut ports = BTreeMap::clone(&self.ports.load());
        ports.remove(code);
        self.ports.store(Arc::new(ports));
        drop(guard);
    }

    /// Adds or replaces one.
    pub fn insert(&self, code: SupplierCode, port: Port) {
        let guard = self.changing.lock();
        if guard.as_deref().is_ok_and(|divided| *divided) {
            port.gate.divide();
        }
        let mut ports = BTreeMap::clone(&self.ports.load());
        ports.insert(code, port);
        self.ports.store(Arc::new(ports));
        drop(guard);
    }

    /// The limits of each.
    pub(crate) fn gates(&self) -> Vec<(SupplierCode, Arc<Gate>)> {
        let ports = self.ports.load();
        ports.iter().map(|(code, port)| (code.clone(), port.gate.clone())).collect()
    }

    /// Other nodes use the same suppliers: from now on nothing is sent beyond what is allotted.
    pub(crate) fn divide(&self) {
        if let Ok(mut divided) = self.changing.lock() {
            *divided = true;
            self.ports.load().values().for_each(|port| port.gate.divide());
        }
    }
}
