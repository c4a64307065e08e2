//! Everything outside the engine: time, what is still to happen, what really happened, the log.
//! It outlives the process that is simulated.

use crate::bank::Books;
use crate::broken::Broken;
use crate::chance::below;
use crate::ops::{BUSY_MS, Op};
use crate::rude::knows;
use crate::shadow::Shadow;
use crate::supplier::{Item, Truth};
use crate::weather::{LONG_MS, is_long};
use model::Model;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Batch, Lane};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};
use types::{RefId, TrxNo, UtcMillis};

/// 2026-11-23 10:00:00 in Jakarta.
pub(crate) const START_MS: i64 = 1_795_402_800_000;
/// From then until eight minutes before midnight.
const EVENING_MS: i64 = (13 * 60 + 52) * 60_000;

/// What the wall clock shows when a run begins.
pub(crate) fn start_ms(seed: u64) -> i64 {
    if knows(seed, "midnight") { START_MS + EVENING_MS } else { START_MS }
}

/// A call of a supplier.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Whose words.
    pub(crate) from: usize,
    /// At whose address they come in.
    pub(crate) at: usize,
    pub(crate) reference: String,
    pub(crate) text: String,
}

/// What final words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Delivered,
    Failed,
}

/// What will happen by itself.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Number of an operation.
    Op(usize),
    /// A supplier calls back.
    Call(Call),
    /// A purchase that was long on its way arrives.
    Arrives { supplier: usize, reference: String, item: Item },
}

/// A run with more lines than this never ends.
const LOG_MOST: usize = 200_000;

/// A process that is down for longer is down for days, as far as the run's plan goes.
const LONG_DOWN_MS: i64 = 60_000;

/// One node of several.
pub(crate) struct Node {
    pub(crate) model: Model,
    /// Hears which lanes it took over.
    pub(crate) adopted: UnboundedSender<Lane>,
    /// Another one has its lane; it does not know before it wakes.
    pub(crate) lost: bool,
    wakes: i64,
}

impl Node {
    pub(crate) const fn new(model: Model, adopted: UnboundedSender<Lane>) -> Self {
        Self { model, adopted, lost: false, wakes: 0 }
    }
}

/// A purchase that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) no: TrxNo,
    pub(crate) text: String,
}

/// What happened, and what is still to happen.
pub(crate) struct State {
    pub(crate) seed: u64,
    pub(crate) broken: Broken,
    pub(crate) ops: Vec<Op>,
    /// When the running process began, in virtual ms, and its own clock.
    base: i64,
    started: Option<Instant>,
    /// What the wall clock showed at the beginning.
    pub(crate) start: i64,
    /// The wall clock is this much behind; negative: ahead.
    pub(crate) behind: i64,
    /// The wall clock was wrong by more than a minute: no time in a text can be compared with it.
    pub(crate) far: bool,
    /// It was set back far once.
    pub(crate) was_set_back: bool,
    /// The process was down, stood still, or its clock was set: for so long in all.
    pub(crate) jumped: i64,
    /// The disk was full for so long in all.
    pub(crate) full_ms: i64,
    /// Everybody behaves from here on.
    pub(crate) honest_at: i64,
    events: BTreeMap<(i64, u64), Event>,
    next_event: u64,
    /// Effects until the process crashes; none: it does not.
    pub(crate) crash_in: Option<u64>,
    pub(crate) crashed: bool,
    /// From now on everybody behaves.
    pub(crate) honest: bool,
    pub(crate) truth: BTreeMap<String, Truth>,
    /// References of which nobody can know that they were taken, and why.
    pub(crate) excused: BTreeMap<String, &'static str>,
    /// What was called of references under which nothing was sent yet: nobody took a purchase.
    pub(crate) strays: BTreeMap<String, Truth>,
    /// Final words that suppliers said of our references, by their text.
    pub(crate) said: BTreeMap<String, Vec<(String, Meaning)>>,
    /// First answer of each purchase.
    pub(crate) acks: BTreeMap<(i64, RefId), Ack>,
    /// Deliveries that were told: id to text, and how often.
    pub(crate) told: BTreeMap<String, (String, u32)>,
    /// Deliveries that a receiver took.
    pub(crate) taken: BTreeSet<String>,
    /// When the supplier with a narrow gate was called lately.
    pub(crate) calls: Vec<i64>,
    /// What the books must be.
    pub(crate) shadow: Shadow,
    pub(crate) bank: Books,
    /// Trxs a person decided.
    pub(crate) decided: Vec<TrxNo>,
    /// ..and not as it really was.
    pub(crate) erred: BTreeSet<TrxNo>,
    /// Trxs a person decided in the end, by the truth.
    pub(crate) rested: Vec<TrxNo>,
    /// Purchases of which a person was shown words that may be about another one, while they were open.
    pub(crate) doubted: Vec<TrxNo>,
    /// Suppliers that everybody knows to be paused.
    pub(crate) paused: BTreeSet<usize>,
    /// When a supplier last heard of a reference that it must not hear of too often.
    pub(crate) heard_at: BTreeMap<String, i64>,
    /// How often somebody began to pause one or to let it go on.
    pub(crate) pauses: u64,
    pub(crate) coverage: BTreeMap<&'static str, u64>,
    pub(crate) log: Vec<String>,
    pub(crate) wrong: Vec<String>,
    /// The nodes of the running processes, when there are several.
    pub(crate) nodes: Vec<Node>,
    /// A node falls asleep after this many of its commits with a sent-marker: which one, when, for how long.
    pub(crate) sleep_in: Option<(usize, u64, i64)>,
    /// Tables before the last commit, for the defect that loses it.
    pub(crate) before_last: Option<model::Tables>,
}

/// The world. Cheap to clone; all clones are the same world.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    pub(crate) crash: Arc<Notify>,
    /// Something more will happen.
    pub(crate) planned: Arc<Notify>,
    /// The tables, when the run is on the model.
    pub(crate) model: Option<Model>,
}

impl World {
    pub(crate) fn new(seed: u64, broken: Broken, ops: Vec<Op>, model: Option<Model>) -> Self {
        let events: BTreeMap<(i64, u64), Event> = (0_u64..)
            .zip(&ops)
            .enumerate()
            .map(|(index, (number, op))| ((op.at, number), Event::Op(index)))
            .collect();
        let state = State {
            seed,
            broken,
            next_event: 1_000_000,
            ops,
            base: 0,
            started: None,
            start: start_ms(seed),
            behind: 0,
            far: false,
            was_set_back: false,
            jumped: 0,
            full_ms: 0,
            honest_at: BUSY_MS + 5 * 60_000 + if is_long(seed) { LONG_MS } else { 0 },
            events,
            crash_in: None,
            crashed: false,
            honest: false,
            truth: BTreeMap::new(),
            excused: BTreeMap::new(),
            strays: BTreeMap::new(),
            said: BTreeMap::new(),
            acks: BTreeMap::new(),
            told: BTreeMap::new(),
            taken: BTreeSet::new(),
            calls: Vec::new(),
            shadow: Shadow::default(),
            bank: Books::default(),
            decided: Vec::new(),
            erred: BTreeSet::new(),
            rested: Vec::new(),
            doubted: Vec::new(),
            paused: BTreeSet::new(),
            pauses: 0,
            heard_at: BTreeMap::new(),
            coverage: BTreeMap::new(),
            log: Vec::new(),
            wrong: Vec::new(),
            nodes: Vec::new(),
            sleep_in: None,
            before_last: None,
        };
        let (crash, planned) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        Self { state: Arc::new(Mutex::new(state)), crash, planned, model }
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Virtual ms since the beginning of the run.
    pub(crate) fn now(&self) -> i64 {
        self.with(|state| state.now())
    }

    /// A process begins, `later` ms after the last one ended.
    pub(crate) fn begin(&self, later: i64, crash_in: Option<u64>) {
        self.with(|state| {
            state.base = state.now() + later;
            // Whoever was down for long has the rest of its time afterwards.
            if later > LONG_DOWN_MS {
                state.honest_at += later;
            }
            state.jumped += later;
            state.started = Some(Instant::now());
            state.crashed = false;
            state.crash_in = crash_in;
            state.calls.clear();
        });
    }

    /// A process ended: its clock is gone.
    pub(crate) fn end(&self) {
        self.with(|state| {
            state.base = state.now();
            state.started = None;
        });
    }

    pub(crate) fn log(&self, line: impl FnOnce() -> String) {
        self.with(|state| {
            let line = format!("{:>9} {}", state.now(), line());
            state.log.push(line);
        });
    }

    pub(crate) fn seen(&self, what: &'static str) {
        self.with(|state| *state.coverage.entry(what).or_default() += 1);
    }

    pub(crate) fn wrong(&self, what: String) {
        self.with(|state| {
            state.log.push(format!("{:>9} WRONG {what}", state.now()));
            state.wrong.push(what);
        });
    }

    /// Something will happen in `after` ms.
    pub(crate) fn plan(&self, after: i64, event: Event) {
        self.with(|state| {
            let at = state.now() + after.max(0);
            state.next_event += 1;
            state.events.insert((at, state.next_event), event);
        });
        self.planned.notify_one();
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<i64> {
        self.with(|state| state.events.keys().next().map(|(at, _)| *at))
    }

    /// What is due now, taken off the list.
    pub(crate) fn due(&self) -> Option<Event> {
        self.with(|state| {
            let key = *state.events.keys().next().filter(|(at, _)| *at <= state.now())?;
            state.events.remove(&key)
        })
    }

    /// Judges what was committed, in the order of the commits.
    pub(crate) fn judge(&self, batch: &Batch) {
        let wrong = self.with(|state| {
            // What somebody else wrote is not ours to foresee.
            if state.broken == Broken::BehindTheBack {
                return Vec::new();
            }
            let mut shadow = std::mem::take(&mut state.shadow);
            let wrong = shadow.commit(state, batch);
            state.shadow = shadow;
            wrong
        });
        wrong.into_iter().for_each(|why| self.wrong(why));
    }

    /// A node sleeps through its lease from this moment on. The last one awake never does.
    pub(crate) fn sleep(&self, node: usize, ms: i64) {
        let heir = self.with(|state| {
            let now = state.now();
            if state.honest || state.nodes.iter().filter(|node| !node.lost).count() < 2 {
                return None;
            }
            let sleeper = state.nodes.get_mut(node).filter(|node| !node.lost)?;
            (sleeper.lost, sleeper.wakes) = (true, now + ms);
            let heir = state.nodes.iter().find(|node| !node.lost)?;
            Some((heir.model.clone(), heir.adopted.clone()))
        });
        let Some((model, adopted)) = heir else { return };
        self.seen("node: slept");
        self.log(|| format!("node {node} sleeps for {ms} ms"));
        let lane = lane_of(node);
        model.adopt(lane);
        // The heir may have ended; then everything did.
        let _ = adopted.send(lane);
    }

    /// A node may send from this moment on: it may fall asleep right now.
    pub(crate) fn marked(&self, node: usize) {
        let asleep = self.with(|state| {
            let (sleeper, left, ms) = state.sleep_in.as_mut()?;
            if *sleeper != node {
                return None;
            }
            *left = left.saturating_sub(1);
            let ms = (*left == 0).then_some(*ms)?;
            state.sleep_in = None;
            Some(ms)
        });
        if let Some(ms) = asleep {
            self.sleep(node, ms);
        }
    }

    /// Nothing leaves a node while it sleeps.
    pub(crate) async fn awake(&self, node: usize) {
        let left = self.with(|state| {
            let sleeper = state.nodes.get(node).filter(|node| node.lost)?;
            u64::try_from(sleeper.wakes - state.now()).ok()
        });
        if let Some(left) = left {
            sleep(Duration::from_millis(left)).await;
        }
    }

    /// A node falls asleep between its look at the lease and the first byte. True when it did.
    pub(crate) async fn sleeps_before_the_first_byte(&self, node: usize, reference: &str) -> bool {
        let may = self.with(|state| state.nodes.len() > 1 && state.broken != Broken::LostFence);
        if !may || !self.is_rude("node: slept before the first byte", reference, 8) {
            return false;
        }
        let seed = self.with(|state| state.seed);
        let ms = below(seed, &format!("first byte {reference}"), 400_000);
        self.sleep(node, i64::try_from(ms).unwrap_or_default());
        self.awake(node).await;
        true
    }

    /// The process stands still: nothing in it goes on, and everything else does.
    pub(crate) fn stand_still(&self, ms: i64) {
        self.with(|state| {
            state.base += ms;
            state.jumped += ms;
        });
    }

    /// Counts one effect; true when the process crashes here. After that everything does.
    pub(crate) fn crashes(&self, place: &'static str) -> bool {
        let crashes = self.with(|state| {
            if state.crashed {
                return true;
            }
            if state.log.len() > LOG_MOST {
                state.wrong.push("it goes round and round".to_owned());
                state.crashed = true;
                return true;
            }
            let Some(left) = state.crash_in.as_mut().filter(|_| !state.honest) else {
                return false;
            };
            *left = left.saturating_sub(1);
            state.crashed = *left == 0;
            if state.crashed {
                state.log.push(format!("{:>9} crash: {place}", state.now()));
                *state.coverage.entry(place).or_default() += 1;
            }
            state.crashed
        });
        if crashes {
            self.crash.notify_one();
        }
        crashes
    }

    /// The same for asynchronous effects: a crashed process never goes on.
    pub(crate) async fn effect(&self, place: &'static str) {
        if self.crashes(place) {
            pending::<()>().await;
        }
    }
}

impl State {
    pub(crate) fn now(&self) -> i64 {
        let passed = self
            .started
            .map_or(0, |started| i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX));
        self.base + passed
    }
}

/// The lane a node starts with.
pub(crate) fn lane_of(node: usize) -> Lane {
    Lane(i32::try_from(node).unwrap_or_default())
}

/// What a node knows of its lease.
pub(crate) struct Lease {
    pub(crate) world: World,
    pub(crate) node: usize,
}

impl engine::Tenure for Lease {
    fn holds(&self) -> bool {
        self.world.with(|state| {
            let lost = state.nodes.get(self.node).is_some_and(|node| node.lost);
            !lost || state.broken == Broken::LostFence
        })
    }

    fn leads(&self) -> bool {
        self.node == 0 && self.holds()
    }
}

impl engine::Clock for World {
    fn now(&self) -> UtcMillis {
        self.with(|state| UtcMillis::new(state.start + state.now() - state.behind))
    }
}
