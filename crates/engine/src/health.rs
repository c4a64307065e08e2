//! What is known of the suppliers' health: circuits and deposits.
//!
//! Advice for routing, kept in memory: losing it costs a few failed tries and never money. Of several
//! nodes each tells the others what it saw (`peers`), so that all know the same a moment later.

use crate::circuit::{Circuit, Rank};
use crate::trail::{Gap, Trail};
use crate::word::{CircuitAt, DepositOf, Move, Word};
use domain::RouteRow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;
use store::Bought;
use suppliers::Movement;
use types::{Day, Moment, Rupiah, Sku, SupplierCode, UtcMillis};

/// For how long a low deposit bars a supplier that nobody asks for its balance: somebody may have
/// paid in, and only a purchase would tell. One that is still too low tells so and bars again.
const LOW_MS: i64 = 30 * 60_000;
/// Movements that wait until all others have heard them; more of them are not told.
const MOVES_MOST: usize = 2_048;
/// For so long a circuit that closed, and a gap that was told, are mentioned to others.
const MENTION_MS: i64 = 5 * 60_000;
/// Circuits and deposits that are mentioned.
const MENTIONS_MOST: usize = 500;

/// A deposit as it was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deposit {
    pub(crate) balance: Rupiah,
    /// Below this nothing is bought.
    pub(crate) floor: Rupiah,
    pub(crate) seen: UtcMillis,
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
    /// What others are told and told us; `None` where there are no others.
    peers: Option<Peers>,
    /// Costs that were other than expected, the last one of each route.
    costs: BTreeMap<(SupplierCode, Sku), (Rupiah, Rupiah)>,
    /// Purchases of one business day, by route.
    day: Option<Day>,
    today: HashMap<(SupplierCode, Sku), u32>,
    /// What those before us bought today is in these counts.
    counted: bool,
}

/// Between this node and the others.
#[derive(Default)]
struct Peers {
    /// Others that work, by run, with the number of the last movement that was heard of each.
    heard: BTreeMap<i64, i64>,
    rank: Option<Rank>,
    /// Everything that anybody knew up to then was heard.
    known_until: Option<UtcMillis>,
    /// Movements of ours that somebody has not heard yet, numbered in order.
    moves: VecDeque<Move>,
    /// The number of the last one.
    last: i64,
    /// Gaps that this node told.
    gaps: Vec<(UtcMillis, SupplierCode, Rupiah)>,
}

/// Before the others were heard for the first time nobody knows how many there are.
const UNHEARD: Rank = Rank { of: i64::MAX, number: 0, heard: UtcMillis::new(0) };

impl Known {
    fn rank(&self, now: UtcMillis) -> Rank {
        match &self.peers {
            None => Rank { of: 1, number: 0, heard: now },
            Some(peers) => peers.rank.unwrap_or(UNHEARD),
        }
    }

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
            if let Some(peers) = &mut known.peers {
                peers.last = peers.last.saturating_add(1);
                let number = peers.last;
                peers.moves.push_back(Move { number, supplier: supplier.clone(), movement });
                if peers.moves.len() > MOVES_MOST {
                    peers.moves.pop_front();
                }
            }
        }
    }

    /// Movements of our deposits that follow nothing anybody knows of; each is told once, by the node
    /// that leads.
    #[must_use]
    pub fn gaps(&self, leads: bool, now: UtcMillis) -> Vec<(SupplierCode, Gap)> {
        let Ok(mut known) = self.0.lock() else { return Vec::new() };
        let Known { trails, peers, .. } = &mut *known;
        let until = match peers {
            None => Some(now),
            Some(peers) => peers.known_until,
        };
        let mut all = Vec::new();
        for (supplier, trail) in trails {
            trail.let_go(now);
            if let Some(until) = until.filter(|_| leads) {
                all.extend(trail.overdue(until).into_iter().map(|gap| (supplier.clone(), gap)));
            }
        }
        if let Some(peers) = peers {
            let told = all.iter().map(|(supplier, gap)| (now, supplier.clone(), gap.from));
            peers.gaps.extend(told);
        }
        all
    }

    /// From now on others are told, and heard.
    pub(crate) fn share(&self) {
        if let Ok(mut known) = self.0.lock() {
            known.peers.get_or_insert_default();
        }
    }

    /// True where others are told.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.lock().is_ok_and(|known| known.peers.is_some())
    }

    /// How many nodes work for this business, this one included, as far as it hears.
    #[must_use]
    pub fn nodes(&self) -> i64 {
        let Ok(known) = self.0.lock() else { return 1 };
        let rank = known.peers.as_ref().and_then(|peers| peers.rank);
        rank.map_or(1, |rank| rank.of)
    }

    /// What others say; `silent` ones work and say nothing. `run` is this node's own.
    pub(crate) fn heard(&self, run: i64, words: &[(i64, Word)], silent: u32, now: UtcMillis) {
        let Ok(mut known) = self.0.lock() else { return };
        let Known { trails, peers: Some(peers), suppliers, routes, deposits, .. } = &mut *known
        else {
            return;
        };
        let here = |gone: &i64| words.iter().any(|(run, _)| run == gone);
        // What a node knew that is gone, and told nobody, will never be heard.
        let mut forgive = !peers.heard.keys().all(here);
        peers.heard.retain(|gone, _| here(gone));
        for (from, word) in words {
            let before = peers.heard.insert(*from, word.last);
            let mut next = before.map(|before| before.saturating_add(1));
            for told in word.moves.iter().filter(|told| before.is_none_or(|b| told.number > b)) {
                forgive |= next.is_some_and(|next| told.number != next);
                next = Some(told.number.saturating_add(1));
                let trail = trails.entry(told.supplier.clone()).or_default();
                trail.saw(told.movement, now);
            }
            forgive |= next.is_some_and(|next| next != word.last.saturating_add(1));
            for circuit in &word.circuits {
                let (supplier, turned) = (circuit.supplier.clone(), circuit.turned);
                let circuit = match &circuit.sku {
                    None => suppliers.entry(supplier).or_default(),
                    Some(sku) => routes.entry((supplier, sku.clone())).or_default(),
                };
                circuit.learn(turned, now);
            }
            for DepositOf { supplier, deposit } in &word.deposits {
                let older = |known: &Deposit| {
                    deposit.seen.since(known.seen) > 0 || known.seen.since(now) > 0
                };
                if deposits.get(supplier).is_none_or(older) {
                    deposits.insert(supplier.clone(), *deposit);
                }
            }
            for (supplier, from) in &word.gaps {
                if let Some(trail) = trails.get_mut(supplier) {
                    trail.told(*from);
                }
            }
        }
        if forgive {
            trails.values_mut().for_each(|trail| trail.forgive(now));
        }
        let acked = |(_, word): &(i64, Word)| {
            word.acks.iter().find(|(of, _)| *of == run).map_or(0, |(_, number)| *number)
        };
        let all = words.iter().map(acked).min().unwrap_or(i64::MAX);
        peers.moves.retain(|told| told.number > all);
        let latest = words.iter().map(|(_, word)| word.at).min().unwrap_or(now);
        peers.known_until =
            (silent == 0).then_some(if latest.since(now) < 0 { latest } else { now });
        let number = words.iter().filter(|(other, _)| *other < run).count();
        let of = i64::try_from(words.len()).unwrap_or(i64::MAX).saturating_add(1);
        let number = i64::try_from(number).unwrap_or_default();
        peers.rank = Some(Rank { of, number, heard: now });
    }

    /// What others should know, as far as this node's health goes.
    pub(crate) fn word(&self, now: UtcMillis) -> Word {
        let mut word = Word { at: now, ..Word::default() };
        let Ok(mut known) = self.0.lock() else { return word };
        let mention = |circuit: &Circuit| {
            circuit
                .turned()
                .filter(|turned| turned.open.is_some() || now.since(turned.at) < MENTION_MS)
        };
        let whole = known.suppliers.iter().filter_map(|(supplier, circuit)| {
            let turned = mention(circuit)?;
            Some(CircuitAt { supplier: supplier.clone(), sku: None, turned })
        });
        let routes = known.routes.iter().filter_map(|((supplier, sku), circuit)| {
            let turned = mention(circuit)?;
            Some(CircuitAt { supplier: supplier.clone(), sku: Some(sku.clone()), turned })
        });
        word.circuits = whole.chain(routes).take(MENTIONS_MOST).collect();
        let fresh = known.deposits.iter().filter(|(_, d)| now.since(d.seen) < LOW_MS);
        let told = fresh.map(|(supplier, d)| DepositOf { supplier: supplier.clone(), deposit: *d });
        word.deposits = told.take(MENTIONS_MOST).collect();
        if let Some(peers) = &mut known.peers {
            peers.gaps.retain(|(at, ..)| now.since(*at) < MENTION_MS);
            let told = peers.gaps.iter().rev().take(MENTIONS_MOST);
            word.gaps = told.map(|(_, supplier, from)| (supplier.clone(), *from)).collect();
            word.last = peers.last;
            word.moves = peers.moves.iter().cloned().collect();
            word.acks = peers.heard.iter().map(|(run, number)| (*run, *number)).collect();
        }
        word
    }

    /// What was bought earlier today, found at the start. Routes with a daily limit are barred before it.
    pub fn bought(&self, counts: Vec<(SupplierCode, Sku, u32)>, now: Moment) {
        let Ok(mut known) = self.0.lock() else { return };
        known.counted = true;
        for (supplier, sku, count) in counts {
            known.count(now, &supplier, &sku, count);
        }
    }

    /// How often a route was chosen today at all nodes.
    pub(crate) fn counted(&self, bought: &HashMap<Bought, u32>, now: Moment) {
        if bought.is_empty() {
            return;
        }
        let Ok(mut known) = self.0.lock() else { return };
        for (Bought { supplier, sku, .. }, count) in bought {
            known.count(now, supplier, sku, 0);
            known.today.insert((supplier.clone(), sku.clone()), *count);
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
    pub fn bars(
        &self,
        route: &RouteRow,
        bought: Option<&HashMap<Bought, u32>>,
        now: Moment,
    ) -> Option<&'static str> {
        let known = self.0.lock().ok()?;
        let key = (route.supplier.clone(), route.sku.clone());
        if let Some(most) = route.daily_most {
            let today = now.civil.date();
            let count = match bought {
                None if !known.counted => return Some("its count of today is not known yet"),
                None if known.day == Some(today) => known.today.get(&key).copied().unwrap_or(0),
                None => 0,
                // The limit is new, or the route: its count comes with the next purchase.
                Some(bought) => {
                    let (supplier, sku) = key.clone();
                    bought.get(&Bought { day: today, supplier, sku }).copied().unwrap_or(u32::MAX)
                }
            };
            if count >= most {
                return Some("its daily limit is reached");
            }
        }
        let (now, rank) = (now.utc, known.rank(now.utc));
        if known.is_low(route, now) {
            return Some("our deposit there is too low");
        }
        if known.routes.get(&key).is_some_and(|circuit| !circuit.admits(now, rank)) {
            return Some("route disturbed, circuit open");
        }
        if known.suppliers.get(&route.supplier).is_some_and(|circuit| !circuit.admits(now, rank)) {
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
        let open = known.suppliers.get(supplier).is_some_and(|circuit| circuit.is_open());
        (open, known.deposits.get(supplier).map(|deposit| deposit.balance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{FEWEST, PAUSE_MS};
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
        let unknown = Some("its count of today is not known yet");
        assert_eq!(health.bars(&route, None, moment(0)), unknown, "a start is not a new day");
        health.bought(vec![(route.supplier.clone(), route.sku.clone(), 2)], moment(0));
        assert_eq!(health.bars(&route, None, moment(1)), None);
        health.chosen(&route.supplier, &route.sku, moment(1));
        assert_eq!(health.bars(&route, None, moment(2)), Some("its daily limit is reached"));
        assert_eq!(health.bars(&route, None, moment(86_400_000)), None);
    }

    #[test]
    fn a_circuit_opens_probes_and_closes() {
        let (health, route) = (Health::default(), route());
        let at = UtcMillis::new;
        for _ in 0..FEWEST {
            assert_eq!(health.bars(&route, None, moment(0)), None);
            health.tried(&route.supplier, false, at(0));
        }
        assert!(health.bars(&route, None, moment(1)).is_some());
        assert_eq!(health.bars(&route, None, moment(PAUSE_MS)), None, "one probe");
        health.chosen(&route.supplier, &route.sku, moment(PAUSE_MS));
        assert!(health.bars(&route, None, moment(PAUSE_MS + 1)).is_some(), "and only one");
        health.tried(&route.supplier, false, at(PAUSE_MS + 1));
        assert!(health.bars(&route, None, moment(2 * PAUSE_MS)).is_some(), "a longer pause");
        health.tried(&route.supplier, true, at(4 * PAUSE_MS));
        assert_eq!(health.bars(&route, None, moment(4 * PAUSE_MS)), None);
    }

    #[test]
    fn a_low_deposit_bars() {
        let (health, route) = (Health::default(), route());
        for (after, floor, barred) in
            [(999, 0, true), (5_000, 10_000, true), (10_000, 10_000, false)]
        {
            let movement = Movement { before: None, price: None, after: Rupiah::new(after) };
            health.moved(&route.supplier, movement, Rupiah::new(floor), UtcMillis::new(0));
            assert_eq!(
                health.bars(&route, None, moment(0)).is_some(),
                barred,
                "{after} of {floor}"
            );
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
        assert!(health.bars(&route, None, moment(LOW_MS - 1)).is_some());
        assert_eq!(health.bars(&route, None, moment(LOW_MS)), None);
        low(LOW_MS);
        assert!(
            health.bars(&route, None, moment(2 * LOW_MS - 1)).is_some(),
            "seen again, barred again"
        );
        assert_eq!(health.bars(&route, None, moment(2 * LOW_MS)), None);
        low(100 * LOW_MS);
        assert_eq!(health.bars(&route, None, moment(98 * LOW_MS)), None, "the clock went back");
    }

    #[test]
    fn a_clock_that_goes_back_keeps_no_probe_away() {
        let hour = 3_600_000;
        let (health, route) = (Health::default(), route());
        for _ in 0..FEWEST {
            health.tried(&route.supplier, false, UtcMillis::new(hour));
            health.tried_route(&route.supplier, &route.sku, false, UtcMillis::new(hour));
        }
        assert!(health.bars(&route, None, moment(hour + 1)).is_some());
        assert_eq!(health.bars(&route, None, moment(1)), None, "a probe");
        health.chosen(&route.supplier, &route.sku, moment(1));
        assert!(health.bars(&route, None, moment(2)).is_some(), "and only one");
        assert_eq!(health.bars(&route, None, moment(1 + PAUSE_MS)), None, "after its pause");
    }
}
