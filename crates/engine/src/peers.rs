//! The exchange with the other nodes: what each knows of suppliers, and who may use how much of their
//! limits.
//!
//! A few times a second a node listens, divides, and tells what it has. It has less at once, and more
//! only after a claim: of two that claim on the same reading one comes second and reads again, and what
//! a node has counts until its word ends. So the sum over all nodes never exceeds a limit, whoever is
//! slow, frozen or dead; a node that joins has nothing until others have let go. Purchases and leases
//! never wait for this.

use crate::gate::{Allotted, Gate};
use crate::others::Others;
use crate::share::part;
use crate::word::{Holds, Word};
use crate::{Clock, Health};
use domain::Run;
use std::sync::Arc;
use store::{Exchange, StoreError};
use types::{SupplierCode, UtcMillis};

/// How often others are in the way before the next round is waited for.
const TRIES_MOST: usize = 4;

/// This node's place among the others.
pub(crate) struct Peers {
    exchange: Box<dyn Exchange>,
    run: Run,
    /// What was told still counts, as far as this node knows.
    is_told: bool,
}

impl Peers {
    pub(crate) fn new(exchange: Box<dyn Exchange>, run: Run) -> Self {
        Self { exchange, run, is_told: false }
    }

    /// One round. A node that `leaves` keeps only what is under way; true when nothing is.
    ///
    /// # Errors
    /// When others could not be heard or told: what this node has ends by itself.
    pub(crate) fn round(
        &mut self,
        health: &Health,
        gates: &[(SupplierCode, Arc<Gate>)],
        clock: &dyn Clock,
        leaves: bool,
    ) -> Result<bool, StoreError> {
        for _ in 0..TRIES_MOST {
            let others = Others::of(self.exchange.hear()?);
            let now = clock.now();
            health.heard(self.run, &others.words, others.silent, now);
            let (plans, holds, raises) = self.plan(&others, gates, now, leaves);
            let idle = holds.iter().all(|holds| holds.has == Allotted::default());
            let word = Word { holds, ..health.word(now) };
            let claim = (raises || !self.is_told).then_some(others.round);
            // What may or may not be told is not had; what was had before may be told still.
            if self.exchange.tell(&word.written(), claim)? {
                self.is_told = true;
                let lasts = i64::try_from(self.exchange.lasts().as_millis()).unwrap_or_default();
                // From the moment it was planned, so that it ends before the word does.
                let (until, now) = (now.after(lasts / 5 * 4), clock.now());
                for ((_, gate), part) in gates.iter().zip(plans) {
                    gate.allot(part, until, now);
                }
                return Ok(idle);
            }
            if claim.is_none() {
                // It ended, and others may have what was ours.
                self.is_told = false;
                for (_, gate) in gates {
                    gate.lower(Allotted::default(), now);
                }
            }
        }
        Ok(false)
    }

    /// What this node may use when it is told, what it tells, and whether that needs a claim.
    fn plan(
        &self,
        others: &Others,
        gates: &[(SupplierCode, Arc<Gate>)],
        now: UtcMillis,
        leaves: bool,
    ) -> (Vec<Allotted>, Vec<Holds>, bool) {
        let (mut plans, mut holds, mut raises) = (Vec::new(), Vec::new(), false);
        for (supplier, gate) in gates {
            let (limits, has_work) = (gate.limits(), gate.held(now).has_work);
            let sharers = others.sharers(self.run, has_work, supplier);
            let due = |limit| match leaves {
                true => 0,
                false => part(limit, &sharers, others.silent, self.run, now),
            };
            let due = Allotted { seats: due(limits.seats), rate: due(limits.rate) };
            let had = gate.lower(due, now);
            let theirs = others.have(limits, supplier);
            let more = |due: i64, had: i64, limit: i64, theirs: i64| {
                due.min(limit.saturating_sub(theirs)).max(had)
            };
            let part = Allotted {
                seats: more(due.seats, had.part.seats, limits.seats, theirs.seats),
                rate: more(due.rate, had.part.rate, limits.rate, theirs.rate),
            };
            raises |= part != had.part;
            // Seats that are taken are had until they are free.
            let has = Allotted { seats: part.seats.max(had.seated), ..part };
            holds.push(Holds { supplier: supplier.clone(), has, has_work });
            plans.push(part);
        }
        (plans, holds, raises)
    }

    pub(crate) fn leave(&mut self) {
        self.exchange.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seat};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
    use std::time::Duration;
    use store::{Heard, Peer};
    use suppliers::Movement;
    use types::Rupiah;

    const LEASE_MS: i64 = 5_000;

    /// What the database keeps: words, until when they count, and the round.
    #[derive(Default)]
    struct Board {
        round: i64,
        rows: BTreeMap<i64, (i64, String)>,
    }

    /// A node's way to it.
    struct Way {
        board: Arc<Mutex<Board>>,
        clock: Arc<Time>,
        run: i64,
        /// Somebody else has rounds for so long between its reading and its claim.
        between: Between,
        /// It is done, and the answer is lost.
        lost: Arc<AtomicBool>,
    }

    type Between = Arc<Mutex<Option<(Arc<Mutex<Node>>, i64)>>>;

    struct Time(AtomicI64);

    impl Time {
        fn ms(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Clock for Time {
        fn now(&self) -> UtcMillis {
            UtcMillis::new(self.ms())
        }
    }

    impl Exchange for Way {
        fn hear(&mut self) -> Result<Heard, StoreError> {
            let board = self.board.lock().unwrap();
            let live = board
                .rows
                .iter()
                .filter(|(run, (until, _))| **run != self.run && *until >= self.clock.ms())
                .map(|(run, (_, word))| Peer { run: *run, word: word.clone() });
            Ok(Heard { peers: live.collect(), silent: 0, round: board.round })
        }

        fn tell(&mut self, word: &str, claim: Option<i64>) -> Result<bool, StoreError> {
            if let Some((other, ms)) = self.between.lock().unwrap().take() {
                for _ in 0..=ms / 300 {
                    let mut other = other.lock().unwrap();
                    other.round(&self.clock);
                    other.fill(&self.clock);
                    self.clock.0.fetch_add(ms.min(300), Ordering::Relaxed);
                }
            }
            let mut board = self.board.lock().unwrap();
            let now = self.clock.ms();
            let done = match claim {
                None => board.rows.get(&self.run).is_some_and(|(until, _)| *until >= now),
                Some(round) => round == board.round,
            };
            if done {
                board.round += i64::from(claim.is_some());
                board.rows.insert(self.run, (now + LEASE_MS, word.to_owned()));
            }
            match self.lost.load(Ordering::Relaxed) {
                true => Err(StoreError::NotWritten("lost".to_owned())),
                false => Ok(done),
            }
        }

        fn lasts(&self) -> Duration {
            Duration::from_millis(LEASE_MS.unsigned_abs())
        }

        fn leave(&mut self) {
            self.board.lock().unwrap().rows.remove(&self.run);
        }
    }

    /// One node.
    struct Node {
        peers: Peers,
        health: Health,
        gates: Vec<(SupplierCode, Arc<Gate>)>,
        lost: Arc<AtomicBool>,
        between: Between,
        /// Requests under way, with their ends.
        seats: Vec<(i64, Seat)>,
        /// When each request began.
        begun: Vec<i64>,
        frozen_until: i64,
        leaves: bool,
    }

    impl Node {
        /// As much as it may.
        fn fill(&mut self, clock: &Time) {
            let now = clock.ms();
            self.seats.retain(|(ends, _)| *ends > now);
            while self.frozen_until <= now
                && let Some(seat) = self.gates[0].1.enter(Purpose::Buy, UtcMillis::new(now))
            {
                self.seats.push((now + 700, seat));
                self.begun.push(now);
            }
        }

        fn round(&mut self, clock: &Time) {
            if self.frozen_until <= clock.ms() {
                let _ = self.peers.round(&self.health, &self.gates, clock, self.leaves);
            }
        }
    }

    struct Fleet {
        board: Arc<Mutex<Board>>,
        clock: Arc<Time>,
        nodes: BTreeMap<i64, Arc<Mutex<Node>>>,
        runs: i64,
        limits: (usize, Option<u32>),
    }

    fn one() -> SupplierCode {
        SupplierCode::parse("one").unwrap()
    }

    impl Fleet {
        fn new(limits: (usize, Option<u32>)) -> Self {
            let clock = Arc::new(Time(AtomicI64::new(1_000_000)));
            Self { board: Arc::default(), clock, nodes: BTreeMap::new(), runs: 0, limits }
        }

        fn join(&mut self) -> i64 {
            self.runs += 1;
            let (lost, between) = (Arc::default(), Between::default());
            let way = Way {
                board: self.board.clone(),
                clock: self.clock.clone(),
                run: self.runs,
                lost: Arc::clone(&lost),
                between: Arc::clone(&between),
            };
            let (health, gate) = (Health::default(), Gate::new(self.limits.0, self.limits.1));
            health.share();
            gate.divide();
            let node = Node {
                peers: Peers::new(Box::new(way), self.runs),
                health,
                gates: vec![(one(), gate)],
                lost,
                between,
                seats: Vec::new(),
                begun: Vec::new(),
                frozen_until: 0,
                leaves: false,
            };
            self.nodes.insert(self.runs, Arc::new(Mutex::new(node)));
            self.runs
        }

        fn node(&self, run: i64) -> std::sync::MutexGuard<'_, Node> {
            self.nodes[&run].lock().unwrap()
        }

        /// A round of every node that is awake.
        fn rounds(&self) {
            for node in self.nodes.values() {
                node.lock().unwrap().round(&self.clock);
            }
        }

        fn pass(&self, ms: i64) {
            self.clock.0.fetch_add(ms, Ordering::Relaxed);
        }
    }

    #[derive(Clone, Debug)]
    enum Event {
        Join,
        Die(usize),
        Leave(usize),
        Freeze(usize, i64),
        Lose(usize, bool),
        Overtake(usize, usize, i64),
        Pass(i64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            2 => Just(Event::Join),
            1 => (0..8_usize).prop_map(Event::Die),
            1 => (0..8_usize).prop_map(Event::Leave),
            2 => (0..8_usize, 1_000..12_000_i64).prop_map(|(node, ms)| Event::Freeze(node, ms)),
            2 => (0..8_usize, any::<bool>()).prop_map(|(node, lost)| Event::Lose(node, lost)),
            4 => (0..8_usize, 0..8_usize, prop_oneof![Just(0_i64), 0..9_000_i64])
                .prop_map(|(node, other, ms)| Event::Overtake(node, other, ms)),
            6 => (50..4_000_i64).prop_map(Event::Pass),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Nodes join, die, leave, freeze and lose answers while everybody wants more than there is: at
        /// no moment more is under way than one node could have, nor begun in any time.
        #[test]
        fn the_sum_never_exceeds_the_limit(
            seats in 1..9_usize, rate in 1..9_u32, events in prop::collection::vec(event(), 1..40),
        ) {
            let mut fleet = Fleet::new((seats, Some(rate)));
            fleet.join();
            let mut begun: Vec<i64> = Vec::new();
            for event in events {
                let pick = |fleet: &Fleet, node: usize| {
                    fleet.nodes.keys().nth(node % fleet.nodes.len().max(1)).copied()
                };
                let now = fleet.clock.ms();
                match event {
                    Event::Join if fleet.nodes.len() < 6 => { fleet.join(); }
                    Event::Join => {}
                    Event::Die(node) => {
                        if let Some(run) = pick(&fleet, node) {
                            begun.append(&mut fleet.node(run).begun);
                            fleet.nodes.remove(&run);
                        }
                    }
                    Event::Leave(node) => {
                        if let Some(run) = pick(&fleet, node) { fleet.node(run).leaves = true; }
                    }
                    Event::Freeze(node, ms) => {
                        if let Some(run) = pick(&fleet, node) {
                            let mut node = fleet.node(run);
                            node.frozen_until = now + ms;
                            // What is under way ends at the supplier meanwhile.
                            node.seats.clear();
                        }
                    }
                    Event::Lose(node, lost) => {
                        if let Some(run) = pick(&fleet, node) {
                            fleet.node(run).lost.store(lost, Ordering::Relaxed);
                        }
                    }
                    Event::Overtake(node, other, ms) => {
                        let pair = (pick(&fleet, node), pick(&fleet, other));
                        if let (Some(run), Some(other)) = pair
                            && run != other
                        {
                            let other = fleet.nodes[&other].clone();
                            // It has no rounds of its own in its rounds.
                            other.lock().unwrap().between.lock().unwrap().take();
                            *fleet.node(run).between.lock().unwrap() = Some((other, ms));
                            let node = fleet.nodes[&run].clone();
                            node.lock().unwrap().round(&fleet.clock);
                        }
                    }
                    Event::Pass(ms) => {
                        for step in 0..ms / 50 {
                            fleet.pass(50);
                            let mut taken = 0;
                            for node in fleet.nodes.values() {
                                let mut node = node.lock().unwrap();
                                node.fill(&fleet.clock);
                                taken += node.seats.len();
                                begun.append(&mut node.begun);
                            }
                            prop_assert!(taken <= seats, "{taken} of {seats} seats are taken");
                            if step % 6 == 5 {
                                fleet.rounds();
                            }
                        }
                    }
                }
            }
            begun.sort_unstable();
            for (number, from) in begun.iter().enumerate() {
                let within = |ms| begun[number..].iter().filter(|at| **at - from < ms).count();
                let rate = usize::try_from(rate).unwrap();
                prop_assert!(within(1_000) <= 2 * rate, "{} at once", within(1_000));
                prop_assert!(within(10_000) <= 11 * rate, "{} in ten seconds", within(10_000));
            }
        }

        /// However many nodes share however little, each of them sends.
        #[test]
        fn nobody_starves(seats in 1..4_usize, rate in 1..4_u32, count in 1..6_usize) {
            let mut fleet = Fleet::new((seats, Some(rate)));
            (0..count).for_each(|_| { fleet.join(); });
            let mut sent: BTreeMap<i64, u32> = BTreeMap::new();
            for step in 0..1_200 {
                if step % 6 == 0 {
                    fleet.rounds();
                }
                let now = fleet.clock.ms();
                for (run, node) in &fleet.nodes {
                    let mut node = node.lock().unwrap();
                    node.seats.retain(|(ends, _)| *ends > now);
                    if let Some(seat) = node.gates[0].1.enter(Purpose::Buy, UtcMillis::new(now)) {
                        node.seats.push((now + 300, seat));
                        *sent.entry(*run).or_default() += 1;
                    }
                }
                fleet.pass(50);
            }
            prop_assert_eq!(sent.len(), count, "{:?}", sent);
        }
    }

    fn parts(fleet: &Fleet) -> Vec<i64> {
        let now = UtcMillis::new(fleet.clock.ms());
        let part = |node: &Arc<Mutex<Node>>| node.lock().unwrap().gates[0].1.held(now).part.seats;
        fleet.nodes.values().map(part).collect()
    }

    /// Somebody joins and claims after a node has read that there is more for it, and before it claims.
    #[test]
    fn a_claim_that_comes_second_is_made_anew() {
        let mut fleet = Fleet::new((4, None));
        let (stays, goes) = (fleet.join(), fleet.join());
        (0..4).for_each(|_| fleet.rounds());
        assert_eq!(parts(&fleet), [2, 2]);
        fleet.node(goes).peers.leave();
        fleet.nodes.remove(&goes);
        let joins = fleet.join();
        let other = fleet.nodes[&joins].clone();
        *fleet.node(stays).between.lock().unwrap() = Some((other, 0));
        fleet.node(stays).round(&fleet.clock);
        assert_eq!(parts(&fleet), [2, 2]);
    }

    /// A node is frozen between reading and telling for longer than its word counts.
    #[test]
    fn what_has_ended_is_not_told_again() {
        let mut fleet = Fleet::new((4, None));
        let (sleeps, other) = (fleet.join(), fleet.join());
        (0..4).for_each(|_| fleet.rounds());
        let other = fleet.nodes[&other].clone();
        *fleet.node(sleeps).between.lock().unwrap() = Some((other, 6_000));
        fleet.node(sleeps).round(&fleet.clock);
        assert_eq!(parts(&fleet), [0, 4], "until the other one has heard of it");
        (0..4).for_each(|_| fleet.rounds());
        assert_eq!(parts(&fleet), [0, 2], "the other one's requests are under way");
        fleet.node(2).seats.clear();
        (0..4).for_each(|_| fleet.rounds());
        assert_eq!(parts(&fleet), [2, 2]);
    }

    /// It ends for the node itself a while before others take its word for ended, and one that leaves has gone
    /// when nothing of it is under way.
    #[test]
    fn what_a_node_has_ends_before_its_word_and_with_its_requests() {
        let mut fleet = Fleet::new((4, None));
        let run = fleet.join();
        let now = fleet.clock.ms();
        (0..2).for_each(|_| fleet.rounds());
        for (ms, seats) in [(LEASE_MS / 5 * 4 - 1, 4), (LEASE_MS / 5 * 4, 0)] {
            let held = fleet.node(run).gates[0].1.held(UtcMillis::new(now + ms));
            assert_eq!(held.part.seats, seats, "{ms}");
        }
        let mut node = fleet.node(run);
        node.fill(&fleet.clock);
        for seats in [4, 1, 0] {
            node.seats.truncate(seats);
            let Node { peers, health, gates, .. } = &mut *node;
            let is_gone = peers.round(health, gates, fleet.clock.as_ref(), true).unwrap();
            assert_eq!(is_gone, seats == 0, "{seats} under way");
        }
    }

    #[test]
    fn what_one_knows_all_know() {
        let mut fleet = Fleet::new((8, None));
        (0..3).for_each(|_| {
            fleet.join();
        });
        fleet.rounds();
        let at = |fleet: &Fleet| UtcMillis::new(fleet.clock.ms());
        let told = |fleet: &Fleet, before: i64, after: i64, node: i64| {
            let movement = Movement {
                before: Some(Rupiah::new(before)),
                price: None,
                after: Rupiah::new(after),
            };
            let floor = Rupiah::new(500);
            fleet.node(node).health.moved(&one(), movement, floor, at(fleet));
        };
        for (before, after, node) in [(1_000, 900, 1), (900, 800, 2), (800, 700, 3), (700, 650, 1)]
        {
            told(&fleet, before, after, node);
            fleet.pass(100);
        }
        (0..8).for_each(|_| fleet.node(2).health.tried(&one(), false, at(&fleet)));
        for _ in 0..2 {
            fleet.rounds();
        }
        for node in fleet.nodes.values() {
            let node = node.lock().unwrap();
            let (open, deposit) = node.health.of(&one());
            assert_eq!((open, deposit, node.health.nodes()), (true, Some(Rupiah::new(650)), 3));
        }
        // Their first minute passes; then somebody else spends, and one of them tells it once.
        for _ in 0..250 {
            fleet.pass(300);
            fleet.rounds();
        }
        told(&fleet, 400, 300, 3);
        told(&fleet, 300, 250, 1);
        let mut all = Vec::new();
        for step in 0..600 {
            fleet.pass(300);
            fleet.rounds();
            // The one that leads changes.
            let leads = 1 + i64::from(step > 300);
            for (run, node) in &fleet.nodes {
                all.extend(node.lock().unwrap().health.gaps(*run == leads, at(&fleet)));
            }
        }
        let gaps: Vec<_> = all.iter().map(|(_, gap)| (gap.known, gap.from)).collect();
        assert_eq!(gaps, [(Rupiah::new(650), Rupiah::new(400))]);
    }

    /// One is frozen with what it was told, and dies: nobody can tell what follows.
    #[test]
    fn what_a_dead_node_was_told_raises_no_alarm() {
        let mut fleet = Fleet::new((8, None));
        (0..2).for_each(|_| {
            fleet.join();
        });
        let at = |fleet: &Fleet| UtcMillis::new(fleet.clock.ms());
        let told = |fleet: &Fleet, before: i64, after: i64, node: i64| {
            let movement = Movement {
                before: Some(Rupiah::new(before)),
                price: None,
                after: Rupiah::new(after),
            };
            fleet.node(node).health.moved(&one(), movement, Rupiah::ZERO, at(fleet));
        };
        told(&fleet, 1_000, 900, 1);
        for _ in 0..250 {
            fleet.pass(300);
            fleet.rounds();
        }
        told(&fleet, 900, 800, 2);
        told(&fleet, 800, 700, 1);
        fleet.nodes.remove(&2);
        for _ in 0..600 {
            fleet.pass(300);
            fleet.rounds();
            assert_eq!(fleet.node(1).health.gaps(true, at(&fleet)), []);
        }
    }
}
