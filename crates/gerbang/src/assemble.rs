//! The composition root: the only place that knows all crates.

use crate::config::Config;
use crate::couriers::GuardedCourier;
use crate::data::{DataDir, Lock};
use crate::sandbox::{SandboxTransport, World};
use anyhow::{Context as _, anyhow, bail};
use engine::{
    Command, Engine, Handle, Port, ReadPool, Settings, Suppliers, SystemClock, Workers, Zone,
};
use net::{Guard, Outgoing, OutgoingLimits};
use std::sync::Arc;
use store::{CatalogChange, MasterKey, Reads, StoreError};
use suppliers::SandboxConnector;
use tokio::sync::oneshot;

/// Connections for reads.
const READERS: usize = 3;

/// How the writer ended: closed in order, or stopped by an error.
pub(crate) type WriterEnd = oneshot::Receiver<Result<(), StoreError>>;

/// An opened business.
pub(crate) struct House {
    pub(crate) handle: Handle,
    pub(crate) key: MasterKey,
    /// What the store said of itself when it was opened.
    pub(crate) settings: String,
    world: Arc<World>,
    _lock: Lock,
}

impl House {
    /// Opens the business and starts its writer; workers run only after [`Self::work`]. The second
    /// part tells how the writer ended.
    pub(crate) fn open(data: &DataDir, config: &Config) -> anyhow::Result<(Self, WriterEnd)> {
        if !data.exists() {
            bail!("there is no business in {}; `gerbang init` creates one", data.path().display());
        }
        Self::create(data, config)
    }

    /// The same, with an empty database when there is none.
    pub(crate) fn create(data: &DataDir, config: &Config) -> anyhow::Result<(Self, WriterEnd)> {
        let lock = data.lock()?;
        let key = data.master_key()?;
        let path = data.database();
        let opened = sqlite::open(&path).with_context(|| path.display().to_string())?;
        let mut readers: Vec<Box<dyn Reads>> = Vec::new();
        for _ in 0..READERS {
            readers.push(Box::new(sqlite::open_reader(&path)?));
        }
        let mut catalog = sqlite::open_reader(&path)?;
        let zone = Zone::new(&config.zone)?;
        let log = data.sandbox_log();
        let world = World::open(&log, zone.clone())
            .with_context(|| format!("cannot use {}", log.display()))?;
        let engine = Engine::start(
            Box::new(opened.store),
            ReadPool::threads(readers)?,
            move || catalog.catalog(),
            key.clone(),
            Arc::new(SystemClock),
            zone,
            Settings::default(),
        )
        .map_err(|error| anyhow!(error))?;
        let house = Self {
            handle: engine.handle,
            key,
            settings: opened.settings,
            world: Arc::new(world),
            _lock: lock,
        };
        Ok((house, engine.ended))
    }

    /// Changes the catalog: all of it or nothing.
    pub(crate) async fn change(&self, changes: Vec<CatalogChange>) -> anyhow::Result<()> {
        self.handle.submit_patiently(Command::Catalog(changes)).await?;
        Ok(())
    }

    /// Recovers what a crash left, then starts the workers.
    pub(crate) async fn work(&self, config: &Config) -> anyhow::Result<Workers> {
        let ports = Suppliers::default();
        let catalog = self.handle.catalog();
        for supplier in catalog.suppliers().values() {
            if supplier.connector == "sandbox" {
                let (world, code) = (self.world.clone(), supplier.code.clone());
                let transport = Arc::new(SandboxTransport { world, code });
                let port = Port::new(Arc::new(SandboxConnector), transport);
                ports.insert(supplier.code.clone(), port);
            } else {
                tracing::warn!(
                    supplier = %supplier.code, connector = %supplier.connector,
                    "no such connector; its attempts stay pending"
                );
            }
        }
        let ports = Arc::new(ports);
        self.world.connect(self.handle.clone(), ports.clone());
        let guard = Guard { allow: config.callback_allow.clone(), open: false };
        let courier = GuardedCourier(Outgoing::new(guard, OutgoingLimits::default())?);
        let workers = Workers::new(self.handle.clone(), ports, Arc::new(courier));
        let found = workers.recover().await.map_err(|error| anyhow!(error))?;
        if found > 0 {
            tracing::info!(attempts = found, "were sent before the restart and are asked about");
        }
        workers.start();
        Ok(workers)
    }
}
