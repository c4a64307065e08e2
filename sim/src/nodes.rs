//! The nodes of one life: what each is made of, and how it ends.

use crate::bank;
use crate::chance::below;
use crate::check;
use crate::receiver::Receivers;
use crate::shop;
use crate::stores::Watched;
use crate::supplier::Played;
use crate::words::{Dialect, dialect};
use crate::world::{Lease, Node, World, lane_of};
use anyhow::anyhow;
use domain::{Failover, LateFailure};
use engine::{Engine, Gate, Handle, Port, ReadPool, Setup, Suppliers, Workers, Zone};
use model::Model;
use office::Office;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{KeySet, Lane, Reads, Store, StoreError};
use suppliers::{
    Connector, DigiflazzConnector, OkeconnectConnector, OkeconnectSettings, TemplateConnector,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// Calls to a supplier at one time.
const SEATS: usize = 8;
const TICK: Duration = Duration::from_secs(10);

/// Where the rows are.
pub(crate) enum Place {
    Model(Model),
    Sqlite(PathBuf),
}

impl Place {
    /// What each of so many nodes gets, and its own view of the model.
    pub(crate) fn nodes(
        &self,
        count: usize,
        fenced: bool,
    ) -> anyhow::Result<Vec<(Opened, Option<Model>)>> {
        match self {
            Self::Model(model) if count > 1 => Ok((0..count)
                .map(|node| {
                    let view = model.node(lane_of(node), fenced);
                    (Self::views(&view), Some(view))
                })
                .collect()),
            Self::Model(_) | Self::Sqlite(_) => Ok(vec![(self.open()?, None)]),
        }
    }

    fn views(model: &Model) -> Opened {
        (Box::new(model.clone()), Box::new(model.clone()), Box::new(model.clone()))
    }

    pub(crate) fn open(&self) -> anyhow::Result<Opened> {
        Ok(match self {
            Self::Model(model) => Self::views(model),
            Self::Sqlite(path) => {
                // Few references begin a sorting, so that every run meets it.
                let opened = sqlite::open_sorting(path, Some(4))?;
                let (first, second) = (opened.reader()?, sqlite::open_reader(path)?);
                (Box::new(opened.store), Box::new(first), Box::new(second))
            }
        })
    }
}

/// The store and two readers.
pub(crate) type Opened = (Box<dyn Store>, Box<dyn Reads>, Box<dyn Reads>);

fn named(no_data_is_proof: bool) -> anyhow::Result<Arc<dyn Connector>> {
    let inner = OkeconnectConnector::new(OkeconnectSettings {
        ref_prefix: "g-".to_owned(),
        no_data_is_proof,
        ..OkeconnectSettings::new("http://s", "OK1", "1", "2")
    });
    Ok(Arc::new(inner.map_err(|why| anyhow!(why))?))
}

/// A center that takes our reference and never says it.
fn nameless() -> anyhow::Result<Arc<dyn Connector>> {
    let settings = serde_json::json!({
        "buy": {"url": "http://s/trx?product={SKU}&dest={dest}&refID={ref}"},
        "check": {"url": "http://s/trx?product={SKU}&dest={dest}&refID={ref}&check=1"},
        "rule_set": "yuscom",
        "ref_prefix": "g-",
    });
    let inner = TemplateConnector::new(serde_json::from_value(settings)?);
    Ok(Arc::new(inner.map_err(|why| anyhow!(why))?))
}

fn json() -> anyhow::Result<Arc<dyn Connector>> {
    let settings = serde_json::json!({
        "base": "http://s", "username": "u", "api_key": "k", "ref_prefix": "g-",
    });
    let inner = DigiflazzConnector::new(serde_json::from_value(settings)?);
    Ok(Arc::new(inner.map_err(|why| anyhow!(why))?))
}

fn connector(seed: u64, number: usize) -> anyhow::Result<Arc<dyn Connector>> {
    match dialect(seed, number) {
        Dialect::Named => named(shop::no_data_is_proof(seed, number)),
        Dialect::Nameless => nameless(),
        Dialect::Json => json(),
    }
}

/// One purchase or question a second at most, on each node.
pub(crate) fn is_narrow(seed: u64, number: usize) -> bool {
    number == 0 && below(seed, "narrow gate", 2) == 0
}

/// One node of the running processes.
pub(crate) struct Started {
    pub(crate) desk: Desk,
    pub(crate) writer: JoinHandle<Result<(), StoreError>>,
    pub(crate) adopted: Option<UnboundedReceiver<Lane>>,
    pub(crate) workers: Workers,
}

pub(crate) fn start(
    world: &World,
    key: &KeySet,
    node: usize,
    (opened, view): (Opened, Option<Model>),
) -> anyhow::Result<Started> {
    let (store, reads, mut rows) = opened;
    let mut setup = Setup::new(
        Box::new(Watched::new(store, world.clone(), node)),
        ReadPool::inline(reads),
        move || rows.catalog(),
        key.clone(),
        Arc::new(world.clone()),
        Zone::new("Asia/Jakarta")?,
    );
    let within_ms = check::FAILOVER_MS;
    setup.settings.failover = Failover { within_ms, late: LateFailure::Refund };
    let mut adopted = None;
    if let Some(model) = view {
        setup.tenure = Arc::new(Lease { world: world.clone(), node });
        let (tell, hear) = tokio::sync::mpsc::unbounded_channel();
        world.with(|state| state.nodes.push(Node::new(model, tell)));
        adopted = Some(hear);
    }
    let (handle, writers) = Engine::assemble(setup).map_err(|why| anyhow!(why))?;
    let writer = tokio::spawn(async move {
        for writer in writers {
            writer.run_as_task().await?;
        }
        Ok(())
    });
    let seed = world.with(|state| state.seed);
    let ports = Arc::new(Suppliers::default());
    for number in 0..shop::SUPPLIERS {
        let played = Arc::new(Played { world: world.clone(), number, node });
        let port = Port::new(connector(seed, number)?, played);
        // Purchases queue at a narrow gate, and few have a seat anywhere.
        let gate = Gate::new(SEATS, is_narrow(seed, number).then_some(1));
        ports.insert(shop::supplier_code(number)?, Port { gate, ..port });
    }
    let courier = Arc::new(Receivers(world.clone(), node));
    let office = bank::office(world, &handle, key, courier.clone());
    let workers = Workers::new(handle.clone(), ports.clone(), courier).with_tick(TICK);
    Ok(Started { desk: Desk { handle, ports, office }, writer, adopted, workers })
}

/// Ends with the first writer that ends and was not fenced off.
pub(crate) async fn writers_end(
    world: &World,
    writers: Vec<JoinHandle<Result<(), StoreError>>>,
) -> String {
    let (tell, mut hear) = tokio::sync::mpsc::unbounded_channel();
    for (node, writer) in writers.into_iter().enumerate() {
        let tell = tell.clone();
        tokio::spawn(async move {
            let _ = tell.send((node, writer.await));
        });
    }
    while let Some((node, ended)) = hear.recv().await {
        let lost = world.with(|state| state.nodes.get(node).is_some_and(|node| node.lost));
        match ended {
            Err(error) => return format!("the writer broke: {error}"),
            Ok(Ok(())) => return "the writer ended".to_owned(),
            Ok(Err(_)) if lost => world.seen("node: fenced off"),
            // The program ends, and is started again.
            Ok(Err(StoreError::Unknown(why))) => {
                world.log(|| format!("process ends: {why}"));
                world.with(|state| state.crashed = true);
                return why;
            }
            Ok(Err(error)) => return format!("the writer stopped: {error}"),
        }
    }
    "no writer is left".to_owned()
}

/// A node that is awake.
pub(crate) fn awake<'a>(world: &World, desks: &'a [Desk]) -> &'a Desk {
    let lost =
        |node: usize| world.with(|state| state.nodes.get(node).is_some_and(|node| node.lost));
    desks.iter().enumerate().find(|(node, _)| !lost(*node)).map_or(&desks[0], |(_, desk)| desk)
}

/// The doors to a node: its engine, its suppliers, its office.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) handle: Handle,
    pub(crate) ports: Arc<Suppliers>,
    pub(crate) office: Arc<Office>,
}
