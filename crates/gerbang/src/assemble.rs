//! The composition root: the only place that knows all crates.

use crate::config::Config;
use crate::couriers::GuardedCourier;
use crate::data::{DataDir, Lock};
use crate::sandbox::{SandboxTransport, World};
use anyhow::{Context as _, anyhow, bail};
use engine::{
    CallbackDoor, Command, Engine, Gate, Handle, Port, ReadPool, Setup, Suppliers, SystemClock,
    Workers, Zone,
};
use ipnet::IpNet;
use net::{Guard, Outgoing, OutgoingLimits};
use std::sync::Arc;
use std::time::Duration;
use store::{CatalogChange, MasterKey, Reads, StoreError};
use suppliers::{Settings, Transport};
use tokio::sync::oneshot;
use types::{Rupiah, SupplierCode};
use wire::Secret;

/// Longest answer of a supplier: a price list.
const PRICE_LIST_MOST: usize = 16 * 1024 * 1024;

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
    /// How suppliers are spoken to.
    pub(crate) suppliers: Arc<Suppliers>,
    /// The client for suppliers: they are chosen by the operator, so no address is closed to it.
    outgoing: Outgoing,
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
            readers.push(Box::new(opened.reader()?));
        }
        let mut catalog = sqlite::open_reader(&path)?;
        let zone = Zone::new(&config.zone)?;
        let log = data.sandbox_log();
        let world = World::open(&log, zone.clone())
            .with_context(|| format!("cannot use {}", log.display()))?;
        let engine = Engine::start(Setup::new(
            Box::new(opened.store),
            ReadPool::threads(readers)?,
            move || catalog.catalog(),
            key.clone(),
            Arc::new(SystemClock),
            zone,
        ))
        .map_err(|error| anyhow!(error))?;
        let house = Self {
            handle: engine.handle,
            key,
            settings: opened.settings,
            suppliers: Arc::default(),
            outgoing: Outgoing::new(
                Guard { open: true, ..Guard::default() },
                OutgoingLimits { body_most: PRICE_LIST_MOST, ..OutgoingLimits::default() },
            )?,
            world: Arc::new(world),
            _lock: lock,
        };
        Ok((house, engine.ended))
    }

    /// Changes the catalog: all of it or nothing.
    pub(crate) async fn change(&self, changes: Vec<CatalogChange>) -> anyhow::Result<()> {
        self.handle.submit_patiently(Command::Catalog { changes, lines: Vec::new() }).await?;
        Ok(())
    }

    /// Changes suppliers, and speaks to them the new way from now on.
    pub(crate) async fn change_suppliers(&self, changes: Vec<CatalogChange>) -> anyhow::Result<()> {
        self.change(changes).await?;
        self.wire();
        Ok(())
    }

    /// Makes the ports fit the catalog. A supplier that cannot be spoken to is told of in the log;
    /// its attempts wait.
    fn wire(&self) {
        let catalog = self.handle.catalog();
        for supplier in catalog.suppliers().values() {
            let settings = match catalog.supplier_settings(&supplier.code) {
                None => Ok(Settings::sandbox()),
                Some(json) => serde_json::from_str(json.expose()),
            };
            let port = settings
                .map_err(anyhow::Error::from)
                .and_then(|settings| self.port(&supplier.code, &settings));
            match port {
                Ok(port) => self.suppliers.insert(supplier.code.clone(), port),
                Err(error) => {
                    tracing::error!(supplier = %supplier.code, error = %format!("{error:#}"),
                        "cannot be spoken to; its attempts wait");
                    self.suppliers.remove(&supplier.code);
                }
            }
        }
    }

    /// How a supplier is spoken to; commands without a server speak too.
    pub(crate) fn port_of(&self, code: &SupplierCode) -> anyhow::Result<Port> {
        if self.suppliers.get(code).is_none() {
            self.wire();
        }
        self.suppliers.get(code).with_context(|| format!("supplier {code} cannot be spoken to"))
    }

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

    /// Recovers what a crash left, then starts the workers; members are served meanwhile.
    pub(crate) fn work(&self, config: &Config) -> anyhow::Result<Arc<Workers>> {
        self.wire();
        self.world.connect(self.handle.clone(), self.suppliers.clone());
        let guard = Guard { allow: config.callback_allow.clone(), open: false };
        let courier = GuardedCourier(Outgoing::new(guard, OutgoingLimits::default())?);
        let workers = Workers::new(self.handle.clone(), self.suppliers.clone(), Arc::new(courier));
        let workers = Arc::new(workers);
        let starting = workers.clone();
        tokio::spawn(async move {
            // Nothing is sent or asked before it is known what was sent.
            loop {
                match starting.recover(store::Lane::default()).await {
                    Ok(0) => break,
                    Ok(found) => {
                        tracing::info!(found, "were sent before the restart and are asked about");
                        break;
                    }
                    Err(error) => tracing::error!(error, "what was sent before is not known yet"),
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            starting.start();
        });
        Ok(workers)
    }
}

/// An address or a network.
pub(crate) fn network(text: &str) -> anyhow::Result<IpNet> {
    let single = text.parse::<std::net::IpAddr>().map(IpNet::from);
    single.or_else(|_| text.parse()).with_context(|| {
        format!("`{text}` is not an address or network (write 203.0.113.7 or 203.0.113.0/24)")
    })
}
