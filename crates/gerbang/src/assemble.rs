//! The composition root: the only place that knows all crates.

use crate::config::Config;
use crate::couriers::GuardedCourier;
use crate::data::{DataDir, Lock};
use crate::keyproof;
use crate::mark::{Marked, Marker};
use crate::play::Play;
use crate::pulse::Pulse;
use crate::sandbox::{SandboxTransport, World};
use crate::stamps;
use crate::storage::{Storage, apart};
use anyhow::{Context as _, anyhow};
use engine::{CallbackDoor, Courier, Engine, Gate, Handle, Port, ReadPool, Setup, Workers, Zone};
use gateway::GatewaySettings;
use net::{Guard, Outgoing, OutgoingLimits};
use office::{Office, Plug, network};
use pg::{Event, Keeper};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{CatalogRows, Exchange, Lane, StampKey, Store, StoreError};
use suppliers::{Settings, Transport};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use types::{Rupiah, SupplierCode};
use wire::Secret;

/// Longest answer of a supplier: a price list.
const PRICE_LIST_MOST: usize = 16 * 1024 * 1024;

/// How the writer ended: closed in order, or stopped by an error.
pub(crate) type WriterEnd = oneshot::Receiver<Result<(), StoreError>>;

/// An opened business.
pub(crate) struct House {
    pub(crate) handle: Handle,
    pub(crate) office: Arc<Office>,
    /// What the store said of itself when it was opened.
    pub(crate) settings: String,
    /// How far the business has come, outside the database.
    pub(crate) marker: Arc<Marker>,
    world: Arc<World>,
    courier: Arc<GuardedCourier>,
    lanes: Vec<Lane>,
    pulse: Arc<Pulse>,
    /// What other nodes do, until [`Self::work`] listens to it.
    events: Mutex<Option<UnboundedReceiver<Event>>>,
    /// What they are told, until [`Self::work`] begins to.
    exchange: Mutex<Option<Box<dyn Exchange>>>,
    _keeper: Option<Keeper>,
    _lock: Lock,
}

/// The wires to suppliers.
struct Wires {
    /// Suppliers are chosen by the operator, so no address is closed to it.
    outgoing: Outgoing,
    courier: Arc<GuardedCourier>,
    world: Arc<World>,
}

impl Plug for Wires {
    fn port(&self, code: &SupplierCode, settings: &Settings) -> anyhow::Result<Port> {
        let (kind, connector) = settings.connector()?;
        let transport: Arc<dyn Transport> = if kind == "sandbox" {
            Arc::new(SandboxTransport { world: self.world.clone(), code: code.clone() })
        } else {
            Arc::new(self.outgoing.clone())
        };
        let callback = &settings.callback;
        let ips = callback.ips.iter().map(|net| network(net)).collect::<anyhow::Result<_>>()?;
        let door = CallbackDoor { secret: Secret::new(&callback.secret), ips };
        Ok(Port {
            gate: Gate::new(settings.limits.concurrency, settings.limits.per_second),
            confirm: callback.confirm,
            deposit_least: Rupiah::new(settings.limits.deposit_least),
            callback: (!callback.secret.is_empty()).then_some(door),
            ..Port::new(connector, transport)
        })
    }

    fn courier(&self) -> Arc<dyn Courier> {
        self.courier.clone()
    }
}

impl House {
    /// Opens the business and starts its writer; workers run only after [`Self::work`]. The second
    /// part tells how the writer ended.
    pub(crate) fn open(data: &DataDir, config: &Config) -> anyhow::Result<(Self, WriterEnd)> {
        Storage::of(data, config).must_exist(data, config)?;
        Self::create(data, config)
    }

    /// The same, with an empty database when there is none.
    pub(crate) fn create(data: &DataDir, config: &Config) -> anyhow::Result<(Self, WriterEnd)> {
        data.keep_private()?;
        let lock = data.lock()?;
        let key = data.master_key()?;
        let zone = Zone::new(&config.zone)?;
        let failover = config.failover();
        let log = data.sandbox_log();
        let world = World::open(&log, zone.clone(), "")
            .with_context(|| format!("cannot use {}", log.display()))?;
        let storage = Storage::of(data, config);
        keyproof::refuse_another(&storage, &key)?;
        // The first reading of the catalog blocks too.
        let (opened, engine, marker, key) = apart(|| {
            let mut opened = storage.open()?;
            let mut readers = std::mem::take(&mut opened.readers);
            let first = readers.first_mut().context("a store without readers")?;
            let writer = opened.stores.first_mut().context("a store without a writer")?;
            let now = opened.clock.now();
            let key = keyproof::prove(writer.as_mut(), first.as_mut(), &key, now)?;
            let met = Marker::meet(&config.mark(data), &storage.shown(), first.as_mut(), now)?;
            if met.restored {
                data.forget_reports().context("cannot remove reports of before the restore")?;
            }
            let marker = met.marker;
            let writer = opened.stores.first_mut().context("a store without a writer")?;
            stamps::ensure(writer.as_mut(), first.as_mut(), &StampKey::of(&key), now)?;
            let stores = std::mem::take(&mut opened.stores);
            let marked = |store| Box::new(Marked { store, marker: marker.clone() }) as Box<_>;
            let stores: Vec<Box<dyn Store>> = stores.into_iter().map(marked).collect();
            let engine = Engine::start(Setup {
                stores,
                reads: ReadPool::renewing(readers, opened.renew.clone())?,
                rows: std::mem::replace(&mut opened.rows, Box::new(|| Ok(CatalogRows::default()))),
                key: key.clone(),
                clock: opened.clock.clone(),
                zone,
                tenure: opened.tenure.clone(),
                run: opened.run,
                settings: engine::Settings { failover, ..engine::Settings::default() },
            });
            let engine = engine.map_err(|error| anyhow!(error))?;
            Ok::<_, anyhow::Error>((opened, engine, marker, key))
        })??;
        let world = Arc::new(world);
        let guard = Guard { allow: config.callback_allow.clone(), open: false };
        let courier = Arc::new(GuardedCourier(Outgoing::new(guard, OutgoingLimits::default())?));
        let wires = Wires {
            outgoing: Outgoing::new(
                Guard { open: true, ..Guard::default() },
                OutgoingLimits { body_most: PRICE_LIST_MOST, ..OutgoingLimits::default() },
            )?,
            courier: courier.clone(),
            world: world.clone(),
        };
        let house = Self {
            office: Arc::new(Office::new(engine.handle.clone(), key, Box::new(wires))),
            handle: engine.handle,
            settings: opened.settings,
            marker,
            world,
            courier,
            lanes: opened.lanes,
            pulse: opened.pulse,
            events: Mutex::new(opened.events),
            exchange: Mutex::new(opened.exchange),
            _keeper: opened.keeper,
            _lock: lock,
        };
        Ok((house, engine.ended))
    }

    /// Recovers what a crash left, then starts the workers; members are served meanwhile. The
    /// second part says why this node must end, when others took its work over.
    pub(crate) fn work(
        self: &Arc<Self>,
    ) -> anyhow::Result<(Arc<Workers>, oneshot::Receiver<String>)> {
        self.pulse.clone().start();
        self.office.wire();
        self.world.connect(self.handle.clone(), self.office.suppliers.clone());
        let workers =
            Workers::new(self.handle.clone(), self.office.suppliers.clone(), self.courier.clone());
        if let Some(exchange) = self.exchange.lock().ok().and_then(|mut exchange| exchange.take()) {
            workers.exchange(exchange).context("cannot exchange with other nodes")?;
        }
        let workers = Arc::new(workers);
        let (starting, lanes) = (workers.clone(), self.lanes.clone());
        let (lose, lost) = oneshot::channel();
        let events = self.events.lock().ok().and_then(|mut events| events.take());
        let house = Arc::downgrade(self);
        tokio::spawn(async move {
            // Nothing is sent or asked before it is known what was sent.
            while let Err(error) = starting.count_the_day().await {
                tracing::error!(error, "what was bought today is not known yet");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            for lane in lanes {
                recover(&starting, lane).await;
            }
            starting.start();
            let Some(mut events) = events else {
                // Nobody takes anything over; the channel stays open.
                let _lose = lose;
                return std::future::pending().await;
            };
            while let Some(event) = events.recv().await {
                match event {
                    Event::Catalog => {
                        let Some(house) = house.upgrade() else { return };
                        house.follow().await;
                    }
                    Event::Adopted(lane) => recover(&starting, lane).await,
                    Event::Lost(why) => {
                        let _ = lose.send(why);
                        return;
                    }
                }
            }
        });
        Ok((workers, lost))
    }

    /// The sandbox of members next to this business.
    pub(crate) fn play(
        &self,
        data: &DataDir,
        settings: GatewaySettings,
    ) -> anyhow::Result<Arc<Play>> {
        Play::open(
            data,
            self.handle.clone(),
            self.office.key.clone(),
            self.courier.clone(),
            settings,
        )
    }

    /// Another node changed the catalog.
    async fn follow(&self) {
        let handle = self.handle.clone();
        match tokio::task::spawn_blocking(move || handle.refresh()).await {
            Ok(Ok(())) => self.office.wire(),
            Ok(Err(error)) => tracing::error!(error, "the catalog could not be read again"),
            Err(error) => tracing::error!(%error, "the catalog could not be read again"),
        }
    }
}

/// What was sent on a lane whose process is gone is asked about; tried until it is done.
pub(crate) async fn recover(workers: &Workers, lane: Lane) {
    loop {
        match workers.recover(lane).await {
            Ok(0) => return,
            Ok(found) => {
                tracing::info!(%lane, found, "were sent before the restart and are asked about");
                return;
            }
            Err(error) => tracing::error!(error, "what was sent before is not known yet"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
