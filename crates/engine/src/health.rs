//! What is known of the suppliers' health: circuits and deposits.
//!
//! Advice for routing, kept in memory: losing it costs a few failed tries and never money. A
//! circuit opens when most of the last tries went wrong, and lets one try through now and then
//! until one goes well.

use crate::trail::{Gap, Trail};
use domain::RouteRow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;
use suppliers::Movement;
use types::{Day, Moment, Rupiah, Sku, SupplierCode, UtcMillis};

/// Tries that are remembered for each circuit.
const WINDOW: usize = 20;
/// Fewest tries before a circuit may open.
const FEWEST: usize = 8;
/// It opens when at least this share of the window went wrong, in percent.
const WRONG_PERCENT: usize = 50;
/// For how long a low deposit bars a supplier that nobody asks for its balance: somebody may have
/// paid in, and only a purchase would tell. One that is still too low tells so and bars again.
const LOW_MS: i64 = 30 * 60_000;
/// First pause; doubles with every probe that goes wrong.
const PAUSE_MS: i64 = 15_000;
const PAUSE_MOST_MS: i64 = 600_000;

#[derive(Default)]
struct Circuit {
    /// True for a try that went well, newest last.
    tries: VecDeque<bool>,
    open: Option<Open>,
}

struct Open {
    /// Since when it is certain that it is disturbed: what was chosen before must not be sent.
    since: UtcMillis,
    /// When the next probe may go.
    probe: UtcMillis,
    pause_ms: i64,
}

impl Circuit {
    fn tried(&mut self, well: bool, now: UtcMillis) {
        if well {
            if self.open.take().is_some() {
                self.tries.clear();
            }
        } else if let Some(open) = &mut self.open {
            open.since = now;
            open.pause_ms = (open.pause_ms * 2).min(PAUSE_MOST_MS);
            open.probe = now.after(open.pause_ms);
            return;
        }
        self.tries.push_back(well);
        if self.tries.len() > WINDOW {
            self.tries.pop_front();
        }
        let wrong = self.tries.iter().filter(|well| !**well).count();
        if self.tries.len() >= FEWEST && wrong * 100 >= self.tries.len() * WRONG_PERCENT {
            self.open = Some(Open { since: now, probe: now.after(PAUSE_MS), pause_ms: PAUSE_MS });
        }
    }

    /// Closed, or due for a probe. A probe further away than its pause stands on a clock that went
    /// back since: nobody can say how long it waited, so it may go.
    fn admits(&self, now: UtcMillis) -> bool {
        self.open.as_ref().is_none_or(|open| {
            let wait_ms = open.probe.since(now);
            wait_ms <= 0 || wait_ms > open.pause_ms
        })
    }

    /// True for what was chosen before it opened (or before its last probe went wrong): a probe was
    /// chosen afterwards.
    fn holds_back(&self, chosen: UtcMillis) -> bool {
        self.open.as_ref().is_some_and(|open| chosen.since(open.since) < 0)
    }

    /// A probe goes: it holds the others back.
    fn chosen(&mut self, now: UtcMillis) {
        if let Some(open) = &mut self.open {
            open.probe = now.after(open.pause_ms);
        }
    }
}

/// A deposit as it was told last.
#[derive(Clone, Copy)]
struct Deposit {
    balance: Rupiah,
    /// Below this nothing is bought.
    floor: Rupiah,
    seen: UtcMillis,
}

impl Deposit {
    /// Too low for something that costs this much, as far as anybody knows now. What was seen in
    /// the future was seen on a clock that went back since.
    fn is_low(self, cost: Rupiah, now: UtcMillis) -> bool {
        (self.balance < self.floor || self.balance < cost)
            && (0..LOW_MS).contains(&now.since(self.seen))
    }
}

#[derive(Default)]
struct Known {
    suppliers: HashMap<SupplierCode, Circuit>,
    routes: HashMap<(SupplierCode, Sku), Circuit>,
    deposits: HashMap<SupplierCode, Deposit>,
    trails: BTreeMap<SupplierCode, Trail>,
    /// Costs that were other than expected, the last one of each route.
    costs: BTreeMap<(SupplierCode, Sku), (Rupiah, Rupiah)>,
    /// Purchases of one business day, by route.
    day: Option<Day>,
    today: HashMap<(SupplierCode, Sku), u32>,
}

impl Known {
    fn is_low(&self, route: &RouteRow, now: UtcMillis) -> bool {
        let deposit = self.deposits.get(&route.supplier);
        deposit.is_some_and(|deposit| deposit.is_low(route.cost, now))
    }

    fn count(&mut self, now: Moment, supplier: &SupplierCode, sku: &Sku, more: u32) {
        let today = now.civil.date();
        if self.day != Some(today) {
            self.day = Some(today);
            self.today.clear();
        }
        let count = self.today.entry((supplier.clone(), sku.clone())).or_default();
        *count = count.saturating_add(more);
    }
}

/// The health of all suppliers.
#[derive(Default)]
pub struct Health(Mutex<Known>);

impl Health {
    /// How a try at a supplier went: well when it answered something that makes sense of the
    /// purchase, whatever it was.
    pub fn tried(&self, supplier: &SupplierCode, well: bool, now: UtcMillis) {
        if let Ok(mut known) = self.0.lock() {
            known.suppliers.entry(supplier.clone()).or_default().tried(well, now);
        }
    }

    /// The same for one product of it: out of stock, disturbed.
    pub fn tried_route(&self, supplier: &SupplierCode, sku: &Sku, well: bool, now: UtcMillis) {
        if let Ok(mut known) = self.0.lock() {
            let key = (supplier.clone(), sku.clone());
            known.routes.entry(key).or_default().tried(well, now);
        }
    }

    /// A text of a supplier told of our deposit.
    pub fn moved(
        &self,
        supplier: &SupplierCode,
        movement: Movement,
        floor: Rupiah,
        now: UtcMillis,
    ) {
        if let Ok(mut known) = self.0.lock() {
            let deposit = Deposit { balance: movement.after, floor, seen: now };
            known.deposits.insert(supplier.clone(), deposit);
            known.trails.entry(supplier.clone()).or_default().saw(movement, now);
        }
    }

    /// Movements of our deposits that follow nothing we know of; each is told once.
    #[must_use]
    pub fn gaps(&self, now: UtcMillis) -> Vec<(SupplierCode, Gap)> {
        let Ok(mut known) = self.0.lock() else { return Vec::new() };
        let mut all = Vec::new();
        for (supplier, trail) in &mut known.trails {
            all.extend(trail.overdue(now).into_iter().map(|gap| (supplier.clone(), gap)));
        }
        all
    }

    /// Others buy from the same deposits: what follows what cannot be told any more.
    pub fn forget_trails(&self) {
        if let Ok(mut known) = self.0.lock() {
            known.trails.clear();
        }
    }

    /// What was bought earlier today, found at the start.
    pub fn bought(&self, counts: Vec<(SupplierCode, Sku, u32)>, now: Moment) {
        let Ok(mut known) = self.0.lock() else { return };
        for (supplier, sku, count) in counts {
            known.count(now, &supplier, &sku, count);
        }
    }

    /// A route was chosen for a purchase.
    pub fn chosen(&self, supplier: &SupplierCode, sku: &Sku, now: Moment) {
        let Ok(mut known) = self.0.lock() else { return };
        known.count(now, supplier, sku, 1);
        let now = now.utc;
        if let Some(circuit) = known.suppliers.get_mut(supplier) {
            circuit.chosen(now);
        }
        if let Some(circuit) = known.routes.get_mut(&(supplier.clone(), sku.clone())) {
            circuit.chosen(now);
        }
    }

    /// It was not bought after all: the batch was not written.
    pub fn not_chosen(&self, supplier: &SupplierCode, sku: &Sku, now: Moment) {
        let Ok(mut known) = self.0.lock() else { return };
        if known.day == Some(now.civil.date())
            && let Some(count) = known.today.get_mut(&(supplier.clone(), sku.clone()))
        {
            *count = count.saturating_sub(1);
        }
    }

    /// Why a route may not be used right now.
    #[must_use]
    pub fn bars(&self, route: &RouteRow, now: Moment) -> Option<&'static str> {
        let known = self.0.lock().ok()?;
        let key = (route.supplier.clone(), route.sku.clone());
        if known.day == Some(now.civil.date())
            && let Some(most) = route.daily_most
            && known.today.get(&key).is_some_and(|count| *count >= most)
        {
            return Some("its daily limit is reached");
        }
        let now = now.utc;
        if known.is_low(route, now) {
            return Some("our deposit there is too low");
        }
        if known.routes.get(&key).is_some_and(|circuit| !circuit.admits(now)) {
            return Some("route disturbed, circuit open");
        }
        if known.suppliers.get(&route.supplier).is_some_and(|circuit| !circuit.admits(now)) {
            return Some("supplier disturbed, circuit open");
        }
        None
    }

    /// Why a purchase that was routed there at `chosen` may not be sent now.
    #[must_use]
    pub fn bars_sending(
        &self,
        route: &RouteRow,
        chosen: UtcMillis,
        now: UtcMillis,
    ) -> Option<&'static str> {
        let known = self.0.lock().ok()?;
        if known.is_low(route, now) {
            return Some("our deposit there is too low");
        }
        let key = (route.supplier.clone(), route.sku.clone());
        if known.routes.get(&key).is_some_and(|circuit| circuit.holds_back(chosen)) {
            return Some("route disturbed, circuit open");
        }
        if known.suppliers.get(&route.supplier).is_some_and(|circuit| circuit.holds_back(chosen)) {
            return Some("supplier disturbed, circuit open");
        }
        None
    }

    /// What a purchase cost, beside what its route says; true when it differs and that is news.
    pub fn cost_seen(
        &self,
        supplier: &SupplierCode,
        sku: &Sku,
        expected: Rupiah,
        observed: Rupiah,
    ) -> bool {
        let Ok(mut known) = self.0.lock() else { return false };
        let (key, seen) = ((supplier.clone(), sku.clone()), (expected, observed));
        if expected == observed {
            known.costs.remove(&key);
            return false;
        }
        known.costs.insert(key, seen) != Some(seen)
    }

    /// For people: what cost another amount than expected the last time, with both.
    #[must_use]
    pub fn costs_of(&self, supplier: &SupplierCode) -> Vec<(Sku, Rupiah, Rupiah)> {
        let Ok(known) = self.0.lock() else { return Vec::new() };
        let theirs = known.costs.iter().filter(|((of, _), _)| of == supplier);
        theirs.map(|((_, sku), (expected, seen))| (sku.clone(), *expected, *seen)).collect()
    }

    /// For people: is the supplier's circuit open, and its last known deposit.
    #[must_use]
    pub fn of(&self, supplier: &SupplierCode) -> (bool, Option<Rupiah>) {
        let Ok(known) = self.0.lock() else { return (false, None) };
        let open = known.suppliers.get(supplier).is_some_and(|circuit| circuit.open.is_some());
        (open, known.deposits.get(supplier).map(|deposit| deposit.balance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::ProductCode;

    fn route() -> RouteRow {
        RouteRow::new(
            ProductCode::parse("T1").unwrap(),
            SupplierCode::parse("one").unwrap(),
            Sku::parse("t1").unwrap(),
            Rupiah::new(1_000),
        )
    }

    fn moment(ms: i64) -> Moment {
        crate::Zone::new("Asia/Jakarta").unwrap().moment(UtcMillis::new(ms))
    }

    #[test]
    fn a_daily_limit_holds_for_a_day() {
        let (health, mut route) = (Health::default(), route());
        route.daily_most = Some(3);
        health.bought(vec![(route.supplier.clone(), route.sku.clone(), 2)], moment(0));
        assert_eq!(health.bars(&route, moment(1)), None);
        health.chosen(&route.supplier, &route.sku, moment(1));
        assert_eq!(health.bars(&route, moment(2)), Some("its daily limit is reached"));
        assert_eq!(health.bars(&route, moment(86_400_000)), None);
    }

    #[test]
    fn a_circuit_opens_probes_and_closes() {
        let (health, route) = (Health::default(), route());
        let at = UtcMillis::new;
        for _ in 0..FEWEST {
            assert_eq!(health.bars(&route, moment(0)), None);
            health.tried(&route.supplier, false, at(0));
        }
        assert!(health.bars(&route, moment(1)).is_some());
        assert_eq!(health.bars(&route, moment(PAUSE_MS)), None, "one probe");
        health.chosen(&route.supplier, &route.sku, moment(PAUSE_MS));
        assert!(health.bars(&route, moment(PAUSE_MS + 1)).is_some(), "and only one");
        health.tried(&route.supplier, false, at(PAUSE_MS + 1));
        assert!(health.bars(&route, moment(2 * PAUSE_MS)).is_some(), "a longer pause");
        health.tried(&route.supplier, true, at(4 * PAUSE_MS));
        assert_eq!(health.bars(&route, moment(4 * PAUSE_MS)), None);
    }

    #[test]
    fn a_low_deposit_bars() {
        let (health, route) = (Health::default(), route());
        for (after, floor, barred) in
            [(999, 0, true), (5_000, 10_000, true), (10_000, 10_000, false)]
        {
            let movement = Movement { before: None, price: None, after: Rupiah::new(after) };
            health.moved(&route.supplier, movement, Rupiah::new(floor), UtcMillis::new(0));
            assert_eq!(health.bars(&route, moment(0)).is_some(), barred, "{after} of {floor}");
        }
    }

    /// Advice grows old: a supplier whose balance nobody asks for would never be used again after
    /// somebody paid in.
    #[test]
    fn a_low_deposit_is_forgotten_after_a_while() {
        let (health, route) = (Health::default(), route());
        let low = |at| {
            let movement = Movement { before: None, price: None, after: Rupiah::new(500) };
            health.moved(&route.supplier, movement, Rupiah::ZERO, UtcMillis::new(at));
        };
        low(0);
        assert!(health.bars(&route, moment(LOW_MS - 1)).is_some());
        assert_eq!(health.bars(&route, moment(LOW_MS)), None);
        low(LOW_MS);
        assert!(health.bars(&route, moment(2 * LOW_MS - 1)).is_some(), "seen again, barred again");
        assert_eq!(health.bars(&route, moment(2 * LOW_MS)), None);
        low(100 * LOW_MS);
        assert_eq!(health.bars(&route, moment(98 * LOW_MS)), None, "the clock went back");
    }

    #[test]
    fn a_clock_that_goes_back_keeps_no_probe_away() {
        let hour = 3_600_000;
        let (health, route) = (Health::default(), route());
        for _ in 0..FEWEST {
            health.tried(&route.supplier, false, UtcMillis::new(hour));
            health.tried_route(&route.supplier, &route.sku, false, UtcMillis::new(hour));
        }
        assert!(health.bars(&route, moment(hour + 1)).is_some());
        assert_eq!(health.bars(&route, moment(1)), None, "a probe");
        health.chosen(&route.supplier, &route.sku, moment(1));
        assert!(health.bars(&route, moment(2)).is_some(), "and only one");
        assert_eq!(health.bars(&route, moment(1 + PAUSE_MS)), None, "after its pause");
    }
}
