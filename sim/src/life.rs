//! One run: processes that live, crash and start again, until everybody behaves and it is judged.

use crate::bank;
use crate::broken::Broken;
use crate::calls::call_back;
use crate::chance::below;
use crate::check;
use crate::nodes::{Desk, Place, Started, awake, start, writers_end};
use crate::operator;
use crate::ops::{Op, What, draw, draw_sleeps};
use crate::people::{act, credit, replay};
use crate::rude::knows;
use crate::shop;
use crate::supplier::Played;
use crate::world::{Event, World, lane_of};
use anyhow::anyhow;
use engine::{Errand, Handle, Workers};
use model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::{CatalogChange, KeySet, Lane, StampKey};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

/// How a seed is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// With this defect.
    pub broken: Broken,
    /// On SQLite instead of the model.
    pub sqlite: bool,
    /// Two nodes on one business, of which one may sleep through its lease; only on the model.
    pub two_nodes: bool,
}

/// A run that went well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How often each thing happened.
    pub coverage: BTreeMap<&'static str, u64>,
    /// Everything that happened, with its virtual time.
    pub log: Vec<String>,
}

/// A run in which something does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Repeats it.
    pub seed: u64,
    /// What does not hold.
    pub wrong: Vec<String>,
    /// What people did, of what was drawn.
    pub ops: usize,
    /// Everything that happened.
    pub log: Vec<String>,
}

/// Everybody behaves for so long, and callbacks that wait long are sent again.
const REPLAY_MS: i64 = 40 * 60_000;
/// What nobody can know from suppliers' words is decided by a person then.
const REST_MS: i64 = 50 * 60_000;
const END_MS: i64 = 60 * 60_000;
/// A process is down for days, now and then.
const DAYS_MS: u64 = 3 * 86_400_000;
/// Between two tries at the start.
const AGAIN: Duration = Duration::from_secs(1);
/// More processes than this means that it crashes by itself.
const LIVES_MOST: u64 = 200;

/// How a process ended.
enum End {
    Crashed,
    Killed,
    Over,
}

/// Runs a seed.
///
/// # Errors
/// What did not hold, or why it could not be run.
pub fn run(seed: u64, options: Options) -> anyhow::Result<Result<Report, Failure>> {
    with(seed, options, all_ops(seed, options))
}

fn all_ops(seed: u64, options: Options) -> Vec<Op> {
    let mut ops = draw(seed);
    if options.two_nodes {
        ops.extend(draw_sleeps(seed));
        ops.sort_by_key(|op| op.at);
    }
    ops
}

/// What kind of wrong it is: its words, without what differs between two runs.
fn kind(failure: &Failure) -> String {
    let first = failure.wrong.first().map_or("", String::as_str);
    let words = first.split([' ', ':', ',']).filter(|word| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '\'')
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The failure of a seed with as few operations as can be found: still the same kind of failure.
///
/// # Errors
/// Why it could not be run.
pub fn shortest(seed: u64, options: Options) -> anyhow::Result<Option<Failure>> {
    let mut ops = all_ops(seed, options);
    let Err(mut failure) = with(seed, options, ops.clone())? else { return Ok(None) };
    let first = kind(&failure);
    let mut piece = ops.len() / 2;
    while piece > 0 {
        let mut from = 0;
        while from < ops.len() {
            let mut fewer = ops.clone();
            fewer.drain(from..(from + piece).min(fewer.len()));
            match with(seed, options, fewer.clone())? {
                Err(smaller) if kind(&smaller) == first => (failure, ops) = (smaller, fewer),
                Err(_) | Ok(_) => from += piece,
            }
        }
        piece /= 2;
    }
    Ok(Some(failure))
}

fn with(seed: u64, options: Options, ops: Vec<Op>) -> anyhow::Result<Result<Report, Failure>> {
    options.broken.within(|| lives(seed, options, ops))
}

fn lives(seed: u64, options: Options, ops: Vec<Op>) -> anyhow::Result<Result<Report, Failure>> {
    let folder = tempfile::tempdir()?;
    let place = if options.sqlite {
        Place::Sqlite(folder.path().join("sim.db"))
    } else {
        Place::Model(Model::default())
    };
    let model = match &place {
        Place::Model(model) => Some(model.clone()),
        Place::Sqlite(_) => None,
    };
    let count = ops.len();
    let world = World::new(seed, options.broken, ops, model);
    let key = KeySet::generate()?;
    let (mut store, ..) = place.open()?;
    store.load(&store::Wants::default())?;
    store.commit(shop::business(&key, Some(seed))?)?;
    drop(store);
    for number in 0..LIVES_MOST {
        let name = |what: &str| format!("life {number} {what}");
        let fragile = below(seed, &name("fragile"), 10) < 6;
        let crash_in = fragile.then(|| 1 + below(seed, &name("crash"), 120));
        let days = number > 0
            && knows(seed, "process: down for days")
            && below(seed, &name("days"), 100) < 15
            && !world.with(|state| state.honest);
        let most = if days { DAYS_MS } else { 30_000 };
        let later = i64::try_from(below(seed, &name("later"), most)).unwrap_or_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let ended = runtime.block_on(async {
            world.begin(if number == 0 { 0 } else { later }, crash_in);
            if days {
                world.seen("process: down for days");
            }
            let draw = |what: &str, most: u64| below(seed, &name(what), most);
            let sleeper = usize::try_from(draw("sleeper", 2)).unwrap_or_default();
            let asleep = i64::try_from(draw("asleep", 400_000)).unwrap_or_default();
            let sleeps = (sleeper, 1 + draw("sleep", 8), asleep);
            world.with(|state| state.sleep_in = options.two_nodes.then_some(sleeps));
            let count = if options.two_nodes { 2 } else { 1 };
            let ended = live(&world, &place, &key, number == 0, count).await;
            // While its clock can still be read.
            world.end();
            ended
        });
        // Whatever was under way is gone, as it is when a process dies.
        drop(runtime);
        let (_, mut reads, _) = place.open()?;
        if let (Some(model), Some(before)) =
            (&world.model, world.with(|state| state.before_last.take()))
            && !matches!(ended, Ok(End::Over))
        {
            model.with(|tables| *tables = before);
        }
        let mut checked = check::books(&world, reads.as_mut());
        // The others are to be found without the digests of what they forgot.
        if checked.is_ok() && options.broken.is_of_the_record() {
            checked = check::stamps(&world, reads.as_mut(), &StampKey::of(&key));
        }
        if let Err(why) = checked {
            world.wrong(format!("what was written cannot be read: {why:#}"));
            break;
        }
        match ended {
            Ok(End::Crashed) => {}
            Ok(End::Killed) => world.seen("killed"),
            Ok(End::Over) => {
                check::end(&world, reads.as_mut())?;
                break;
            }
            Err(error) => {
                world.wrong(format!("{error:#}"));
                break;
            }
        }
        if world.with(|state| !state.wrong.is_empty()) {
            break;
        }
        if number + 1 == LIVES_MOST {
            world.wrong("it never stays up".to_owned());
        }
    }
    Ok(world.with(|state| {
        let (wrong, log) = (std::mem::take(&mut state.wrong), std::mem::take(&mut state.log));
        if wrong.is_empty() {
            Ok(Report { coverage: std::mem::take(&mut state.coverage), log })
        } else {
            Err(Failure { seed, wrong, ops: count, log })
        }
    }))
}

/// The processes of one life: they start together, and what ends one of them by a crash ends all.
async fn live(
    world: &World,
    place: &Place,
    key: &KeySet,
    first: bool,
    count: usize,
) -> anyhow::Result<End> {
    let fenced = world.with(|state| state.broken != Broken::LostFence);
    world.with(|state| state.nodes.clear());
    let mut nodes = Vec::new();
    for (node, opened) in place.nodes(count, fenced)?.into_iter().enumerate() {
        nodes.push(start(world, key, node, opened)?);
    }
    world.log(|| "process starts".to_owned());
    if first {
        for (number, balance) in (0_u64..).zip(shop::BALANCES) {
            credit(world, &nodes[0].desk.handle, number, balance).await;
        }
    }
    let mut desks = Vec::new();
    let mut writers = Vec::new();
    // Their tasks end with them.
    let mut all_workers = Vec::new();
    for (node, started) in nodes.into_iter().enumerate() {
        let Started { desk, writer, adopted, workers } = started;
        desks.push(desk);
        writers.push(writer);
        let workers = Arc::new(workers);
        all_workers.push(workers.clone());
        // A crash ends this too.
        tokio::spawn(work(workers, node, adopted));
    }
    let driver = drive(world, &desks);
    let crash = world.crash.clone();
    tokio::select! {
        biased;
        () = crash.notified() => {
            world.log(|| "process is gone".to_owned());
            Ok(End::Crashed)
        }
        ended = driver => ended,
        why = writers_end(world, writers) => {
            if world.with(|state| state.crashed) { Ok(End::Crashed) } else { Err(anyhow!(why)) }
        }
    }
}

/// As the program starts: nothing is sent or asked before it is known what was sent. Members are
/// served meanwhile.
async fn work(workers: Arc<Workers>, node: usize, adopted: Option<UnboundedReceiver<Lane>>) {
    while workers.count_the_day().await.is_err() {
        sleep(AGAIN).await;
    }
    recover(&workers, lane_of(node)).await;
    workers.start();
    let Some(mut adopted) = adopted else { return };
    while let Some(lane) = adopted.recv().await {
        recover(&workers, lane).await;
    }
}

async fn recover(workers: &Workers, lane: Lane) {
    while workers.recover(lane).await.is_err() {
        sleep(AGAIN).await;
    }
}

/// Lets things happen at their time.
async fn drive(world: &World, desks: &[Desk]) -> anyhow::Result<End> {
    let (mut replayed, mut rested) = (false, false);
    loop {
        let (now, honest) = world.with(|state| (state.now(), state.honest_at));
        let ends = [honest, honest + REPLAY_MS, honest + REST_MS, honest + END_MS];
        if now >= honest && !world.with(|state| std::mem::replace(&mut state.honest, true)) {
            behave(world, desks).await?;
        }
        if now >= ends[1] && !replayed {
            replayed = true;
            replay(&awake(world, desks).handle, None).await;
        }
        if now >= ends[2] && !rested {
            rested = true;
            let desk = awake(world, desks);
            operator::decide_the_rest(world, &desk.handle).await;
            bank::rest(world, &desk.office).await;
        }
        if now >= ends[3] {
            return Ok(End::Over);
        }
        while let Some(event) = world.due() {
            match event {
                Event::Op(index) => {
                    let op = world.with(|state| state.ops[index].clone());
                    world.log(|| format!("op {:?}", op.what));
                    if op.what == What::Kill {
                        return Ok(End::Killed);
                    }
                    if let What::Sleep { node, ms } = op.what {
                        world.sleep(node, ms);
                        continue;
                    }
                    // A balancer sends members to any node, also to one that is gone.
                    let member =
                        matches!(op.what, What::Buy(_) | What::Again(_) | What::Conflict(_));
                    let any = &desks[index % desks.len()];
                    let desk = if member { any } else { awake(world, desks) };
                    // Nobody waits for anybody else.
                    let (world, desk) = (world.clone(), desk.clone());
                    let others: Vec<Handle> =
                        desks.iter().map(|desk| desk.handle.clone()).collect();
                    tokio::spawn(async move { act(&world, &desk, op.what, &others).await });
                }
                Event::Call(call) => {
                    let (world, Desk { handle, ports, .. }) =
                        (world.clone(), awake(world, desks).clone());
                    tokio::spawn(async move { call_back(&world, &handle, &ports, call).await });
                }
                Event::Arrives { supplier, reference, item } => {
                    let played = Played { world: world.clone(), number: supplier, node: 0 };
                    played.arrives(&reference, &item);
                }
            }
        }
        let now = world.now();
        let stop = ends.into_iter().find(|at| *at > now).unwrap_or(now);
        let next = world.next_at().unwrap_or(stop).min(stop);
        let wait = u64::try_from(next - now).unwrap_or_default();
        tokio::select! {
            biased;
            () = world.planned.notified() => {}
            () = sleep(Duration::from_millis(wait.max(1))) => {}
        }
    }
}

/// From here on everybody behaves, and no supplier is paused.
async fn behave(world: &World, desks: &[Desk]) -> anyhow::Result<()> {
    let handle = &awake(world, desks).handle;
    world.log(|| "everybody behaves".to_owned());
    world.with(|state| {
        state.paused.clear();
        state.pauses += 1;
    });
    let seed = world.with(|state| state.seed);
    let mut changes = (0..shop::SUPPLIERS)
        .map(|number| shop::supplier(number, false))
        .collect::<anyhow::Result<Vec<_>>>()?;
    for (product, supplier) in shop::routes(Some(seed))? {
        changes.push(CatalogChange::Route(shop::route(Some(seed), product, supplier, true)?));
    }
    let _ = handle.submit_patiently(Errand::edit(changes).into()).await;
    for desk in desks {
        desk.handle.refresh().map_err(|why| anyhow!(why))?;
    }
    Ok(())
}
