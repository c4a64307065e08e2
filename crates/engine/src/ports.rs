//! What the engine needs from outside: time and suppliers.

use arc_swap::ArcSwap;
use ipnet::IpNet;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
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

/// How many requests may be under way at a supplier, and how many may begin in a second.
#[derive(Debug)]
pub struct Gate {
    seats: usize,
    taken: AtomicUsize,
    /// Microseconds between two requests; 0 for no limit.
    interval_us: i64,
    /// When the next request would be due if all came evenly, in microseconds.
    due_us: AtomicI64,
}

/// A second's worth may come at once.
const BURST_US: i64 = 1_000_000;

/// A seat at a gate, given back when dropped.
#[derive(Debug)]
pub struct Seat(Arc<Gate>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Gate {
    /// With these limits; at least one seat.
    #[must_use]
    pub fn new(seats: usize, per_second: Option<u32>) -> Arc<Self> {
        let interval_us = per_second.map_or(0, |most| 1_000_000 / i64::from(most.max(1)));
        Arc::new(Self {
            seats: seats.max(1),
            taken: AtomicUsize::new(0),
            interval_us,
            due_us: AtomicI64::new(0),
        })
    }

    /// A seat, unless all are taken or the rate is used up.
    #[must_use]
    pub fn enter(self: &Arc<Self>, now: UtcMillis) -> Option<Seat> {
        let seated = self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
            (taken < self.seats).then_some(taken + 1)
        });
        seated.ok()?;
        let seat = Seat(self.clone());
        if self.interval_us > 0 {
            let now_us = now.get().saturating_mul(1_000);
            let passed = self.due_us.fetch_update(Ordering::AcqRel, Ordering::Acquire, |due| {
                let due = due.max(now_us);
                (due - now_us < BURST_US).then_some(due + self.interval_us)
            });
            passed.ok()?;
        }
        Some(seat)
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
        }
    }
}

/// All suppliers by code; replaced whole when the catalog's suppliers change.
#[derive(Default)]
pub struct Suppliers {
    ports: ArcSwap<HashMap<SupplierCode, Port>>,
    /// Writers of the map, one after the other.
    changing: Mutex<()>,
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
        let mut ports = HashMap::clone(&self.ports.load());
        ports.remove(code);
        self.ports.store(Arc::new(ports));
        drop(guard);
    }

    /// Adds or replaces one.
    pub fn insert(&self, code: SupplierCode, port: Port) {
        let guard = self.changing.lock();
        let mut ports = HashMap::clone(&self.ports.load());
        ports.insert(code, port);
        self.ports.store(Arc::new(ports));
        drop(guard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_counts_seats_and_rate() {
        let gate = Gate::new(2, None);
        let now = UtcMillis::new(0);
        let (first, second) = (gate.enter(now), gate.enter(now));
        assert!(first.is_some() && second.is_some() && gate.enter(now).is_none());
        drop(first);
        assert!(gate.enter(now).is_some());

        let gate = Gate::new(1_000, Some(10));
        let at = |ms: i64| UtcMillis::new(1_000_000 + ms);
        let burst = (0..100).filter(|_| gate.enter(at(0)).is_some()).count();
        assert_eq!(burst, 10);
        let slow = (1..=10_000).filter(|ms| gate.enter(at(*ms)).is_some()).count();
        assert!((98..=101).contains(&slow), "{slow} in ten seconds at ten a second");
    }
}
