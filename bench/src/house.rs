//! A business to measure: many members, one product, a supplier that delivers at once.

use engine::{
    Answer, Courier, CourierResult, Engine, Errand, Handle, Port, Ran, ReadPool, Setup, Suppliers,
    SystemClock, Workers, Zone, place,
};
use net::Outgoing;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{
    CatalogChange, Imported, KeySet, Level, MasterKey, MemberRecord, Reads as _, SupplierRecord,
};
use suppliers::{Reply, Request, SandboxConnector, SendResult, Transport};
use types::{LevelCode, MemberCode, MemberId, ProductCode, ProductName, Rupiah, Sku, SupplierCode};

pub(crate) struct House {
    pub(crate) handle: Handle,
    pub(crate) workers: Workers,
    /// What the store says of itself: durability is part of the result.
    pub(crate) settings: String,
    pub(crate) ports: Arc<Suppliers>,
    received: Arc<Received>,
    key: KeySet,
    callback: String,
    _keeper: Option<pg::Keeper>,
}

/// Tells members over real sockets.
struct OverHttp(Outgoing);

impl Courier for OverHttp {
    fn carry<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>> {
        Box::pin(async { CourierResult::Tried(self.0.send(request).await) })
    }

    fn chance(&self) -> u16 {
        0
    }

    fn sign(&self, _: &str, _: &str, _: i64, _: &str) -> String {
        String::new()
    }
}

/// The key of the business in this folder; a new one when there is none.
fn key(folder: &Path) -> anyhow::Result<KeySet> {
    let path = folder.join("master.key");
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Ok(KeySet::derived(MasterKey::from_hex(text.trim())?));
    }
    let key = KeySet::derived(MasterKey::generate()?);
    std::fs::write(&path, key.to_hex().as_bytes())?;
    Ok(key)
}

/// Delivers without a network.
struct AtOnce;

impl Transport for AtOnce {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        let reference = request.url.split("ref=").nth(1).and_then(|rest| rest.split('&').next());
        let body = format!("ref={} status=success sn=R1", reference.unwrap_or_default());
        Box::pin(
            async move { SendResult::Replied(Reply { status: 200, body, ..Reply::default() }) },
        )
    }
}

/// Receives everything at once, and counts.
#[derive(Default)]
struct Received(AtomicU64);

impl Courier for Received {
    fn carry<'a>(
        &'a self,
        _: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let reply = Reply { status: 200, ..Reply::default() };
        Box::pin(async move { CourierResult::Tried(SendResult::Replied(reply)) })
    }

    fn chance(&self) -> u16 {
        0
    }

    fn sign(&self, _: &str, _: &str, _: i64, _: &str) -> String {
        String::new()
    }
}

/// The server that businesses are in, when they are not in files.
static SERVER: Mutex<Option<Arc<pgtest::Server>>> = Mutex::new(None);

pub(crate) fn server() -> Option<Arc<pgtest::Server>> {
    SERVER.lock().ok()?.clone()
}

/// Businesses are there from now on; `None` ends it.
pub(crate) fn use_server(server: Option<pgtest::Server>) {
    if let Ok(mut place) = SERVER.lock() {
        *place = server.map(Arc::new);
    }
}

type Opened = (Engine, String, Option<pg::Keeper>);

fn open(folder: &Path, key: &KeySet) -> anyhow::Result<Opened> {
    let zone = Zone::new("Asia/Jakarta")?;
    let Some(server) = server() else {
        let path = folder.join("gerbang.db");
        let opened = sqlite::open(&path)?;
        let mut rows = sqlite::open_reader(&path)?;
        let reads = (0..2)
            .map(|_| Ok(Box::new(opened.reader()?) as Box<dyn store::Reads>))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let pool = ReadPool::threads(reads)?;
        let (store, clock) = (Box::new(opened.store), Arc::new(SystemClock));
        let setup = Setup::new(store, pool, move || rows.catalog(), key.clone(), clock, zone);
        let engine = Engine::start(setup).map_err(anyhow::Error::msg)?;
        return Ok((engine, opened.settings, None));
    };
    // One database for each folder.
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let name: String =
        name.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("b{name}");
    if !server.has(&name) {
        server.database(&name)?;
    }
    let target = pg::Target::parse(&server.url(&name), None).map_err(anyhow::Error::msg)?;
    let (node, seat) = ("bench".to_owned(), String::new());
    let joining = pg::Joining { node, seat, lanes: 2, lease: Duration::from_secs(30) };
    let joined = pg::join(target, &joining)?;
    let reads = (0..2)
        .map(|_| Ok(Box::new(joined.reader()?) as Box<dyn store::Reads>))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut rows = joined.reader()?;
    let mut stores: Vec<Box<dyn store::Store>> = Vec::new();
    for store in joined.stores {
        stores.push(Box::new(store));
    }
    let first = stores.remove(0);
    let (pool, clock) = (ReadPool::threads(reads)?, Arc::new(SystemClock));
    let mut setup = Setup::new(first, pool, move || rows.catalog(), key.clone(), clock, zone);
    setup.stores.append(&mut stores);
    let engine = Engine::start(setup).map_err(anyhow::Error::msg)?;
    Ok((engine, joined.settings, Some(joined.keeper)))
}

/// The code of a member.
pub(crate) fn code(number: i64) -> String {
    format!("OK{number:05}")
}

impl House {
    /// Creates it in an empty folder; the workers do not run yet.
    pub(crate) async fn new(folder: &Path, members: i64) -> anyhow::Result<Self> {
        let house = Self::again(folder).await?;
        house.fill(&house.key, &SupplierCode::parse("sandbox")?, members).await?;
        Ok(house)
    }

    /// A new one whose members are told over HTTP.
    pub(crate) async fn over_http(
        folder: &Path,
        members: i64,
        courier: &Outgoing,
        callback: &str,
    ) -> anyhow::Result<Self> {
        let mut house = Self::again(folder).await?;
        callback.clone_into(&mut house.callback);
        house.fill(&house.key, &SupplierCode::parse("sandbox")?, members).await?;
        let courier = Arc::new(OverHttp(courier.clone()));
        house.workers = Workers::new(house.handle.clone(), house.ports.clone(), courier);
        Ok(house)
    }

    /// Opens the one that is there.
    pub(crate) async fn again(folder: &Path) -> anyhow::Result<Self> {
        let key = key(folder)?;
        // Stores block, and have runtimes of their own.
        let opened = std::thread::scope(|scope| scope.spawn(|| open(folder, &key)).join());
        let (engine, settings, keeper) =
            opened.map_err(|_| anyhow::anyhow!("a thread broke"))??;
        let handle = engine.handle;
        let supplier = SupplierCode::parse("sandbox")?;
        let ports = Suppliers::default();
        let port = Port::new(Arc::new(SandboxConnector), Arc::new(AtOnce));
        ports.insert(supplier.clone(), port);
        let received = Arc::new(Received::default());
        let ports = Arc::new(ports);
        let workers = Workers::new(handle.clone(), ports.clone(), received.clone());
        let callback = "https://toko.example/h2h".to_owned();
        Ok(Self { handle, workers, settings, ports, received, key, callback, _keeper: keeper })
    }

    /// More products, none of which can be bought.
    pub(crate) async fn products(&self, count: usize) -> anyhow::Result<()> {
        let level = LevelCode::parse("retail")?;
        let mut changes = Vec::new();
        for number in 0..count {
            let code = ProductCode::parse(&format!("P{number}"))?;
            changes.push(CatalogChange::Product(domain::Product {
                code: code.clone(),
                name: ProductName::parse(&format!("Smart 10GB + 20GB (01-05) {number} Hari"))?,
                group: "Data Smart Combo".to_owned(),
                category: "KUOTA SMARTFREN".to_owned(),
                denomination: domain::Denomination::Fixed,
                dest_rule: domain::DestRule::Phone,
                open: true,
                cut_off: None,
                strategy: domain::Strategy::default(),
            }));
            let price = domain::Price { amount: Rupiah::new(67_760), basis_points: 0 };
            changes.push(CatalogChange::Price { level: level.clone(), product: code, price });
        }
        self.handle.submit_patiently(Errand::edit(changes).into()).await?;
        Ok(())
    }

    /// Callbacks that members received.
    pub(crate) fn told(&self) -> u64 {
        self.received.0.load(Ordering::Relaxed)
    }

    async fn fill(
        &self,
        key: &KeySet,
        supplier: &SupplierCode,
        members: i64,
    ) -> anyhow::Result<()> {
        let level = LevelCode::parse("retail")?;
        let product = ProductCode::parse("T1")?;
        let mut changes = vec![
            CatalogChange::Level(Level {
                code: level.clone(),
                name: String::new(),
                list_id: "list".to_owned(),
            }),
            CatalogChange::Supplier(SupplierRecord {
                supplier: domain::Supplier {
                    code: supplier.clone(),
                    name: String::new(),
                    connector: "sandbox".to_owned(),
                    paused: false,
                    check_after_ms: 60_000,
                    suspect_after_ms: 600_000,
                    trusted_reversal: false,
                    counts: false,
                },
                settings: None,
            }),
            CatalogChange::Product(domain::Product {
                code: product.clone(),
                name: ProductName::parse("Three 1.000")?,
                group: String::new(),
                category: String::new(),
                denomination: domain::Denomination::Fixed,
                dest_rule: domain::DestRule::Phone,
                open: true,
                cut_off: None,
                strategy: domain::Strategy::default(),
            }),
            CatalogChange::Price {
                level: level.clone(),
                product: product.clone(),
                price: domain::Price { amount: Rupiah::new(1_321), basis_points: 0 },
            },
            CatalogChange::Route(domain::RouteRow::new(
                product,
                supplier.clone(),
                Sku::parse("t1")?,
                Rupiah::new(1_200),
            )),
        ];
        for number in 1..=members {
            let code = MemberCode::parse(&code(number))?;
            let seal = |column: &str, plain: &str| key.seal(&place(&code, column), plain);
            changes.push(CatalogChange::Member(MemberRecord {
                pin: seal("pin", "123456")?,
                password: seal("password", "secret")?,
                signing: None,
                ip_allow: Vec::new(),
                imported: Imported::default(),
                member: domain::Member {
                    id: MemberId::new(number),
                    code: code.clone(),
                    name: String::new(),
                    active: true,
                    level: level.clone(),
                    credit_limit: Rupiah::ZERO,
                    daily_limit: None,
                    same_day_guard: false,
                    callback_url: Some(self.callback.clone()),
                    wording: domain::Wording::default(),
                    dialect: domain::Dialect::default(),
                    upline: None,
                    sandbox: false,
                },
            }));
        }
        self.handle.submit_patiently(Errand::edit(changes).into()).await?;
        for number in 1..=members {
            let credit = Errand::movement(domain::Movement {
                member: MemberId::new(number),
                amount: Rupiah::new(1_000_000_000_000),
                other: domain::AccountName::Cash("manual".to_owned()),
                kind: domain::Kind::Deposit,
                note: String::new(),
            });
            let moved = self.handle.submit_patiently(credit.into()).await?;
            anyhow::ensure!(matches!(moved, Answer::Ran(Ran::Done(_))), "{moved:?}");
        }
        Ok(())
    }
}
