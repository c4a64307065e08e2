//! One run: processes that live, crash and start again, until everybody behaves and it is judged.

use crate::broken::Broken;
use crate::chance::below;
use crate::check;
use crate::nodes::{Desk, Place, Started, awake, start, writers_end};
use crate::operator;
use crate::ops::{BUSY_MS, Op, What, draw, draw_prices, draw_sleeps};
use crate::shadow::Shadow;
use crate::shop;
use crate::words::{Dialect, dialect, forged};
use crate::world::{Ack, Event, World, lane_of};
use anyhow::anyhow;
use domain::{AccountName, AttemptState, BuyRequest, Kind, Movement};
use engine::{Answer, Asked, Command, Errand, Handle, Ran, Received, Suppliers, Workers};
use model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::{DeliveryFilter, DeliveryState, KeySet, Lane, StampKey};
use suppliers::Inbound;
use tokio::time::sleep;
use types::{Dest, MemberId, ProductCode, Qty, RefId, Rupiah};

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

/// Everybody behaves from here on.
const HONEST_MS: i64 = BUSY_MS + 5 * 60_000;
/// Callbacks that wait long are sent again here.
const REPLAY_MS: i64 = HONEST_MS + 40 * 60_000;
/// What nobody can know from suppliers' words is decided by a person here.
const REST_MS: i64 = HONEST_MS + 50 * 60_000;
const END_MS: i64 = HONEST_MS + 60 * 60_000;
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
    ops.extend(draw_prices(seed));
    if options.two_nodes {
        ops.extend(draw_sleeps(seed));
    }
    ops.sort_by_key(|op| op.at);
    ops
}

/// The failure of a seed with as few operations as can be found.
///
/// # Errors
/// Why it could not be run.
pub fn shortest(seed: u64, options: Options) -> anyhow::Result<Option<Failure>> {
    let mut ops = all_ops(seed, options);
    let Err(mut failure) = with(seed, options, ops.clone())? else { return Ok(None) };
    let mut piece = ops.len() / 2;
    while piece > 0 {
        let mut from = 0;
        while from < ops.len() {
            let mut fewer = ops.clone();
            fewer.drain(from..(from + piece).min(fewer.len()));
            match with(seed, options, fewer.clone())? {
                Err(smaller) => (failure, ops) = (smaller, fewer),
                Ok(_) => from += piece,
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
    store.commit(shop::found_of(seed, &key)?)?;
    drop(store);
    for number in 0..LIVES_MOST {
        let name = |what: &str| format!("life {number} {what}");
        let fragile = below(seed, &name("fragile"), 10) < 6;
        let crash_in = fragile.then(|| 1 + below(seed, &name("crash"), 120));
        let later = i64::try_from(below(seed, &name("later"), 30_000)).unwrap_or_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let ended = runtime.block_on(async {
            world.begin(if number == 0 { 0 } else { later }, crash_in);
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
            credit(world, &nodes[0].handle, number, balance).await;
        }
    }
    let mut desks = Vec::new();
    let mut writers = Vec::new();
    // Their tasks end with them.
    let mut all_workers = Vec::new();
    for (node, started) in nodes.into_iter().enumerate() {
        let Started { handle, ports, writer, adopted, workers } = started;
        desks.push((handle, ports));
        writers.push(writer);
        let workers = Arc::new(workers);
        all_workers.push(workers.clone());
        // Nothing is sent or asked before it is known what was sent.
        tokio::spawn(async move {
            recover(&workers, lane_of(node)).await;
            workers.start();
            let Some(mut adopted) = adopted else { return };
            while let Some(lane) = adopted.recv().await {
                recover(&workers, lane).await;
            }
        });
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

/// Tried until it is done, as the program does. A crash ends this too.
async fn recover(workers: &Workers, lane: Lane) {
    while workers.recover(lane).await.is_err() {
        sleep(Duration::from_secs(1)).await;
    }
}

/// Lets things happen at their time.
async fn drive(world: &World, desks: &[Desk]) -> anyhow::Result<End> {
    let (mut replayed, mut rested) = (false, false);
    loop {
        let now = world.now();
        if now >= HONEST_MS && !world.with(|state| std::mem::replace(&mut state.honest, true)) {
            behave(world, desks).await?;
        }
        if now >= REPLAY_MS && !replayed {
            replayed = true;
            replay(&awake(world, desks).0, None).await;
        }
        if now >= REST_MS && !rested {
            rested = true;
            operator::decide_the_rest(world, &awake(world, desks).0).await;
        }
        if now >= END_MS {
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
                    let member = matches!(
                        op.what,
                        What::Buy { .. } | What::Again { .. } | What::Conflict { .. }
                    );
                    let any = &desks[index % desks.len()].0;
                    let handle = if member { any } else { &awake(world, desks).0 };
                    // Nobody waits for anybody else.
                    let (world, handle) = (world.clone(), handle.clone());
                    let others: Vec<Handle> =
                        desks.iter().map(|(handle, _)| handle.clone()).collect();
                    tokio::spawn(async move { act(&world, &handle, op.what, &others).await });
                }
                Event::Forged { supplier, about } => {
                    // What was sent meanwhile is the supplier's to speak of.
                    let state = |shadow: &Shadow| Some(shadow.attempt(about)?.state.clone());
                    if world.with(|world| state(&world.shadow)) != Some(AttemptState::Intended) {
                        continue;
                    }
                    world.seen("words: before it was sent");
                    let (reference, text) = forged(world, supplier, about);
                    let (world, (handle, ports)) = (world.clone(), awake(world, desks).clone());
                    let again = Event::Forged { supplier, about };
                    tokio::spawn(async move {
                        let said = (reference, text);
                        call_back(&world, &handle, &ports, supplier, said, again).await;
                    });
                }
                Event::Callback { supplier, reference, text } => {
                    let (world, (handle, ports)) = (world.clone(), awake(world, desks).clone());
                    let said = (reference.clone(), text.clone());
                    let again = Event::Callback { supplier, reference, text };
                    tokio::spawn(async move {
                        call_back(&world, &handle, &ports, supplier, said, again).await;
                    });
                }
            }
        }
        let ends = [HONEST_MS, REPLAY_MS, REST_MS, END_MS];
        let stop = ends.into_iter().find(|at| *at > world.now()).unwrap_or(END_MS);
        let next = world.next_at().unwrap_or(END_MS).min(stop);
        let wait = u64::try_from(next - world.now()).unwrap_or_default();
        sleep(Duration::from_millis(wait.max(1))).await;
    }
}

/// From here on everybody behaves, and no supplier is paused.
async fn behave(world: &World, desks: &[Desk]) -> anyhow::Result<()> {
    let handle = &awake(world, desks).0;
    world.log(|| "everybody behaves".to_owned());
    world.with(|state| {
        state.paused.clear();
        state.pauses += 1;
    });
    let changes = (0..shop::SUPPLIERS)
        .map(|number| shop::supplier(number, false))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let _ = handle.submit_patiently(Errand::edit(changes).into()).await;
    for (handle, _) in desks {
        handle.refresh().map_err(|why| anyhow!(why))?;
    }
    Ok(())
}

async fn call_back(
    world: &World,
    handle: &Handle,
    ports: &Suppliers,
    supplier: usize,
    (reference, text): (String, String),
    again: Event,
) {
    let Ok(code) = shop::supplier_code(supplier) else { return };
    world.log(|| format!("s{supplier} calls: {text}"));
    let url = wire::callback_url("http://us/", &reference, &text);
    let query = url.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    let seed = world.with(|state| state.seed);
    let inbound = match dialect(seed, supplier) {
        Dialect::Named | Dialect::Nameless => Inbound { query, ..Inbound::default() },
        Dialect::Json => Inbound { body: text.clone(), ..Inbound::default() },
    };
    match engine::inlet(handle, ports, &code, "203.0.113.7", &inbound).await {
        Received::Taken => world.callback_arrived(&reference),
        Received::NotOurs(why) | Received::Unknown(why) => {
            world.wrong(format!("a callback was refused: {why}"));
        }
        Received::Greeted => world.wrong("a callback was taken for a greeting".to_owned()),
        Received::Busy => {
            world.seen("callback not taken");
            world.plan(10_000, again);
        }
    }
}

/// What a member asks for under its n-th reference. Who has a daily limit buys the same every time.
fn request(member: u64, number: u64, dest: u64) -> anyhow::Result<BuyRequest> {
    let (product, qty) = match number % 8 {
        3 if member > 0 => {
            let (min, max) = shop::QTY;
            let all = [min - 1, min, max, max + 1, min + max / 3];
            ("T2", Qty::new(all[usize::try_from(number / 8)? % all.len()]))
        }
        6 if member > 0 => ("T3", None),
        _ => ("T1", None),
    };
    let most = (number % 16 == 5).then(|| Rupiah::new(shop::PRICE + shop::MARKUP));
    Ok(BuyRequest {
        product: ProductCode::parse(product)?,
        dest: Dest::parse(&format!("08960000{dest:04}"))?,
        qty,
        ref_id: RefId::parse(&format!("r{number}"))?,
        counter: 1,
        harga_max: most,
        form: domain::Form::default(),
    })
}

async fn buy(world: &World, handle: &Handle, member: u64, number: u64, dest: u64) {
    let Ok(request) = request(member, number, dest) else { return };
    let asked = request.clone();
    let (id, ref_id) = (i64::try_from(member).unwrap_or_default() + 1, request.ref_id.clone());
    let command = Command::Buy {
        member: MemberId::new(id),
        request: Box::new(request),
        asked: Box::new(Asked {
            received: handle.now().utc,
            peer: "203.0.113.9".to_owned(),
            request: String::new(),
        }),
    };
    let Ok(Answer::Bought(bought)) = handle.submit(command).await else {
        // A client without an answer asks again with the same reference.
        world.seen("buy busy");
        return;
    };
    world.log(|| format!("answer {}", bought.text));
    world.seen(match bought.code {
        "accepted" => "buy accepted",
        "repeat" => "buy repeated",
        "ref_conflict" => "buy conflict",
        _ => "buy refused",
    });
    check::answer(world, &asked, &bought);
    let Some(trx) = bought.trx.filter(|_| bought.own) else { return };
    let ack = Ack { no: trx.no, text: bought.text };
    let first = world.with(|state| state.acks.entry((id, ref_id)).or_insert(ack.clone()).clone());
    if first.no != ack.no {
        world.wrong(format!("one reference, two purchases: {} and {}", first.text, ack.text));
    }
}

async fn credit(world: &World, handle: &Handle, member: u64, amount: i64) {
    let movement = Movement {
        member: MemberId::new(i64::try_from(member).unwrap_or_default() + 1),
        amount: Rupiah::new(amount),
        other: AccountName::Cash("bca".to_owned()),
        kind: if amount < 0 { Kind::Withdrawal } else { Kind::Deposit },
        note: String::new(),
    };
    // Before it is written: a crash may leave it written without an answer.
    world.with(|state| state.shadow.asked(movement.member, amount));
    let moved = handle.submit_patiently(Errand::movement(movement).into()).await;
    if matches!(moved, Ok(Answer::Ran(Ran::Refused { .. }))) {
        world.seen("withdrawal refused");
    }
}

/// All callbacks in this state, or all that were not taken yet.
async fn replay(handle: &Handle, state: Option<DeliveryState>) {
    let filter = DeliveryFilter { state, limit: 1_000, ..DeliveryFilter::default() };
    let page = handle.reads().ask(move |reads| reads.delivery_page(&filter)).await;
    let Ok(Ok(page)) = page else { return };
    let waiting = page.into_iter().filter(|delivery| delivery.state != DeliveryState::Delivered);
    for delivery in waiting {
        let _ = handle.submit_patiently(Errand::replay(delivery.id).into()).await;
    }
}

async fn act(world: &World, handle: &Handle, what: What, all: &[Handle]) {
    match what {
        What::Buy { member, number, dest } | What::Again { member, number, dest } => {
            buy(world, handle, member, number, dest).await;
        }
        What::Conflict { member, number } => buy(world, handle, member, number, 999).await,
        What::Credit { member, amount } => credit(world, handle, member, amount).await,
        What::Pause { supplier, paused } => {
            let number = usize::try_from(supplier).unwrap_or_default();
            let Ok(change) = shop::supplier(number, paused) else { return };
            world.seen("supplier paused");
            let pauses = world.with(|state| {
                state.paused.remove(&number);
                state.pauses += 1;
                state.pauses
            });
            let command = Errand::edit(vec![change]).into();
            let done = handle.submit_patiently(command).await.is_ok();
            for other in all {
                if let Err(why) = other.refresh() {
                    world.wrong(why);
                }
            }
            world.with(|state| {
                if done && paused && state.pauses == pauses {
                    state.paused.insert(number);
                }
            });
        }
        What::Price { amount } => {
            let Ok(change) = shop::price(amount) else { return };
            world.seen("price changed");
            let _ = handle.submit_patiently(Errand::edit(vec![change]).into()).await;
            for other in all {
                if let Err(why) = other.refresh() {
                    world.wrong(why);
                }
            }
        }
        What::Decide => operator::decide(world, handle).await,
        What::Replay => {
            world.seen("replay");
            replay(handle, Some(DeliveryState::Due)).await;
        }
        What::ClockBack { ms } => {
            // Strangers' purchases stay older than ours.
            let is_far = ms > 60_000;
            if is_far && world.with(|state| state.behind > 60_000) {
                return;
            }
            world.seen(if is_far { "clock set far back" } else { "clock set back" });
            world.with(|state| state.behind += ms);
        }
        What::Kill | What::Sleep { .. } => {}
    }
}
