//! A whole house on loopback: real HTTP, real SQLite, real workers; time, numbers and the supplier
//! are the test's.

use engine::{
    Answer, Clock, Courier, CourierResult, Engine, Errand, Handle, Port, Ran, ReadPool, Setup,
    Suppliers, Workers, Zone, place,
};
use gateway::{FoundKey, Gateway, GatewaySettings, KeyRing};
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::*;
use suppliers::{Reply, Request, SandboxConnector, SendResult, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use types::*;

/// The test's clock.
pub(crate) struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> UtcMillis {
        UtcMillis::new(self.0.load(Ordering::SeqCst))
    }
}

/// A store whose next number and next fault are the test's.
struct Rigged {
    inner: Box<dyn Store>,
    next: Arc<AtomicI64>,
    fault: Arc<Mutex<Option<StoreError>>>,
}

impl Store for Rigged {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        let mut facts = self.inner.load(wants)?;
        let next = self.next.swap(0, Ordering::SeqCst);
        // Only a purchase uses the number up; other batches leave it for the next one.
        if wants.refs.is_empty() {
            self.next.store(next, Ordering::SeqCst);
        } else if next > 0 {
            facts.next_trx = next;
        }
        Ok(facts)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        if let Some(fault) = self.fault.lock().unwrap().take() {
            self.inner.abandon();
            return Err(fault);
        }
        self.inner.commit(batch)
    }

    fn abandon(&mut self) {
        self.inner.abandon();
    }
}

/// Answers purchases by destination as the test says; counts them.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) answers: Mutex<HashMap<String, String>>,
    pub(crate) received: Mutex<Vec<String>>,
}

impl Transport for Scripted {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        let query = request.url.split_once('?').unwrap().1;
        let field = |name: &str| {
            let found = query.split('&').find_map(|pair| pair.strip_prefix(name));
            found.unwrap_or_default().to_owned()
        };
        let (reference, dest) = (field("ref="), field("dest="));
        if request.url.starts_with("sandbox://buy") {
            self.received.lock().unwrap().push(reference.clone());
        }
        let said = self.answers.lock().unwrap().get(&dest).cloned();
        let said = said.unwrap_or_else(|| "status=pending".to_owned());
        let body = format!("ref={reference} {said}");
        Box::pin(
            async move { SendResult::Replied(Reply { status: 200, body, ..Reply::default() }) },
        )
    }
}

/// Keeps what would go to the member.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) Mutex<Vec<String>>);

impl Courier for Kept {
    fn carry<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>> {
        let body = request.body.as_str();
        let sep = if body.is_empty() { "" } else { " " };
        self.0.lock().unwrap().push(format!("{}{sep}{body}", request.url));
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

pub(crate) struct Rig {
    pub(crate) handle: Handle,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) next: Arc<AtomicI64>,
    pub(crate) fault: Arc<Mutex<Option<StoreError>>>,
    pub(crate) supplier: Arc<Scripted>,
    pub(crate) callbacks: Arc<Kept>,
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
    pub(crate) ended: oneshot::Receiver<Result<(), StoreError>>,
    pub(crate) folder: tempfile::TempDir,
    nonce: AtomicI64,
    pub(crate) key: KeySet,
    stop: watch::Sender<bool>,
    workers: Workers,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.workers.stop();
        let _ = self.stop.send(true);
    }
}

/// Credentials of every test member.
pub(crate) const SECRETS: &str = "pin=123456&password=secret";

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn code(&self) -> &str {
        let found = self.head.lines().find_map(|line| line.strip_prefix("x-gerbang-code: "));
        found.unwrap_or_default()
    }
}

/// Sends bytes as they are and reads until the other side closes.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other side may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await.expect("no answer");
    String::from_utf8(answer).unwrap()
}

/// The door of metrics, for as long as the test runs.
async fn metrics_of(gateway: Gateway) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let answer = move |_, request: http::Request<_>| {
        let gateway = gateway.clone();
        async move { gateway.answer_metrics(&request).await }
    };
    tokio::spawn(async move {
        let _stop = stop;
        net::serve(net::Listener::plain(tcp), net::Limits::default(), answer, stopped).await;
    });
    address
}

pub(crate) async fn get_with(address: SocketAddr, target: &str, headers: &str) -> Got {
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: h2h\r\nConnection: close\r\n{headers}\r\n");
    let answer = raw(address, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Got { status, head: head.to_owned(), body: body.to_owned() }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(GatewaySettings::default()).await
    }

    pub(crate) async fn with(settings: GatewaySettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gerbang.db");
        let next = Arc::new(AtomicI64::new(0));
        let fault = Arc::new(Mutex::new(None));
        let opened = sqlite::open_sorting(&path, Some(3)).unwrap();
        let reads = ReadPool::threads(vec![Box::new(opened.reader().unwrap())]).unwrap();
        let inner = Box::new(opened.store);
        let store = Rigged { inner, next: next.clone(), fault: fault.clone() };
        let mut rows = sqlite::open_reader(&path).unwrap();
        let key = KeySet::generate().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(0)));
        let engine = Engine::start(Setup::new(
            Box::new(store),
            reads,
            move || rows.catalog(),
            key.clone(),
            clock.clone(),
            Zone::new("Asia/Jakarta").unwrap(),
        ))
        .unwrap();
        let handle = engine.handle;
        let supplier = Arc::new(Scripted::default());
        let callbacks = Arc::new(Kept::default());
        let ports = Suppliers::default();
        let port = Port::new(Arc::new(SandboxConnector), supplier.clone());
        ports.insert(SupplierCode::parse("sandbox").unwrap(), port);
        let ports = Arc::new(ports);
        let workers = Workers::new(handle.clone(), ports.clone(), callbacks.clone());
        workers.start();
        let gateway = Gateway::with_keys(handle.clone(), ports, settings, Arc::new(OneKey), None);
        let metrics = metrics_of(gateway.clone()).await;
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let limits = net::Limits { header_time: Duration::from_secs(2), ..net::Limits::default() };
        tokio::spawn(net::serve(
            net::Listener::plain(tcp),
            limits,
            move |peer, request| {
                let gateway = gateway.clone();
                async move { gateway.answer(peer, request).await }
            },
            stopped,
        ));
        let ended = engine.ended;
        let rig = Self {
            handle,
            clock,
            next,
            fault,
            supplier,
            callbacks,
            address,
            metrics,
            ended,
            folder,
            nonce: AtomicI64::new(0),
            key,
            stop,
            workers,
        };
        rig.set_time("2025-04-22T18:46:00");
        rig.change(vec![
            CatalogChange::Level(Level {
                code: LevelCode::parse("retail").unwrap(),
                name: "Retail".to_owned(),
                list_id: "905ccd028329b0a".to_owned(),
            }),
            CatalogChange::Supplier(SupplierRecord {
                supplier: domain::Supplier {
                    code: SupplierCode::parse("sandbox").unwrap(),
                    name: "Sandbox".to_owned(),
                    connector: "sandbox".to_owned(),
                    paused: false,
                    check_after_ms: 60_000,
                    suspect_after_ms: 600_000,
                    trusted_reversal: true,
                    counts: false,
                },
                settings: None,
            }),
        ])
        .await;
        rig
    }

    /// Sets the clock to a wall clock of Jakarta.
    pub(crate) fn set_time(&self, wall: &str) {
        let civil: jiff::civil::DateTime = wall.parse().unwrap();
        let zoned = civil.in_tz("Asia/Jakarta").unwrap();
        self.clock.0.store(zoned.timestamp().as_millisecond(), Ordering::SeqCst);
    }

    pub(crate) async fn change(&self, changes: Vec<CatalogChange>) {
        self.handle.submit_patiently(Errand::edit(changes).into()).await.unwrap();
    }

    pub(crate) async fn product(&self, product: domain::Product, price: i64) {
        let code = product.code.clone();
        self.change(vec![
            CatalogChange::Product(product),
            CatalogChange::Price {
                level: LevelCode::parse("retail").unwrap(),
                product: code.clone(),
                price: domain::Price { amount: Rupiah::new(price), basis_points: 0 },
            },
            CatalogChange::Route(domain::RouteRow::new(
                code.clone(),
                SupplierCode::parse("sandbox").unwrap(),
                Sku::parse(&code.as_str().to_ascii_lowercase()).unwrap(),
                Rupiah::new(price - 1),
            )),
        ])
        .await;
    }

    /// A member as the demo's, changed as the test needs it, with a balance.
    pub(crate) async fn member(
        &self,
        code: &str,
        balance: i64,
        shape: impl FnOnce(&mut MemberRecord),
    ) {
        let code = MemberCode::parse(code).unwrap();
        let catalog = self.handle.catalog();
        let known = catalog.members().len();
        let id = catalog.member(&code).map_or_else(
            || MemberId::new(i64::try_from(known).unwrap() + 1),
            |entry| entry.member.id,
        );
        let seal = |column: &str, plain: &str| self.key.seal(&place(&code, column), plain).unwrap();
        let mut record = MemberRecord {
            pin: seal("pin", "123456"),
            password: seal("password", "secret"),
            signing: None,
            ip_allow: Vec::new(),
            imported: Imported::default(),
            member: domain::Member {
                id,
                code: code.clone(),
                name: "Toko".to_owned(),
                active: true,
                level: LevelCode::parse("retail").unwrap(),
                credit_limit: Rupiah::ZERO,
                daily_limit: None,
                same_day_guard: false,
                callback_url: Some("https://toko.example/h2h".to_owned()),
                wording: domain::Wording::default(),
                dialect: domain::Dialect::default(),
                upline: None,
                sandbox: false,
            },
        };
        shape(&mut record);
        self.change(vec![CatalogChange::Member(record)]).await;
        if balance != 0 {
            self.credit(id, balance).await;
        }
    }

    pub(crate) async fn credit(&self, member: MemberId, amount: i64) {
        let credit = Errand::movement(domain::Movement {
            member,
            amount: Rupiah::new(amount),
            other: domain::AccountName::Cash("manual".to_owned()),
            kind: domain::Kind::Deposit,
            note: "test".to_owned(),
        });
        let moved = self.handle.submit_patiently(credit.into()).await.unwrap();
        assert!(matches!(moved, Answer::Ran(Ran::Done(_))), "{moved:?}");
    }

    pub(crate) fn answer(&self, dest: &str, said: &str) {
        self.supplier.answers.lock().unwrap().insert(dest.to_owned(), said.to_owned());
    }

    pub(crate) async fn get(&self, target: &str) -> Got {
        get_with(self.address, target, "").await
    }

    /// What is told at the door of metrics.
    pub(crate) async fn metrics(&self) -> Got {
        get_with(self.metrics, "/metrics", "").await
    }

    /// A purchase or check by OK00123.
    pub(crate) async fn trx(&self, fields: &str) -> Got {
        self.get(&format!("/trx?{fields}&memberID=OK00123&{SECRETS}")).await
    }

    /// A signed request to the JSON door: status and body.
    pub(crate) async fn v1(&self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let timestamp = (self.handle.now().utc.get() / 1_000).to_string();
        let nonce = format!("nonce{:08}", self.nonce.fetch_add(1, Ordering::Relaxed));
        let signed = wire::Signed {
            timestamp: &timestamp,
            nonce: &nonce,
            method,
            target,
            body: body.as_bytes(),
        };
        let sign = signed.sign("secret1");
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: h2h\r\nConnection: close\r\nGerbang-Key: key1\r\n\
             Gerbang-Timestamp: {timestamp}\r\nGerbang-Nonce: {nonce}\r\n\
             Gerbang-Signature: {sign}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = raw(self.address, request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}")))
    }

    pub(crate) async fn balance(&self, member: i64) -> i64 {
        let id = MemberId::new(member);
        let read = self.handle.reads().ask(move |reads| reads.balance(id)).await.unwrap();
        read.unwrap().unwrap().get()
    }

    /// True when the first member has a purchase with this refID.
    pub(crate) async fn has(&self, ref_id: &str) -> bool {
        let ref_id = RefId::parse(ref_id).unwrap();
        let read =
            self.handle.reads().ask(move |reads| reads.trx_by_ref(MemberId::new(1), &ref_id));
        read.await.unwrap().unwrap().is_some()
    }

    /// The decoded message of the only callback with this refID.
    pub(crate) async fn callback(&self, ref_id: &str) -> String {
        let start = format!("https://toko.example/h2h?refid={ref_id}&message=");
        for _ in 0..2_400 {
            let found = self.callbacks.0.lock().unwrap().clone();
            let found: Vec<&String> = found.iter().filter(|url| url.starts_with(&start)).collect();
            if let [url] = found[..] {
                let (_, query) = url.split_once('?').unwrap();
                return wire::callback_query(query.as_bytes()).unwrap().1;
            }
            assert!(found.is_empty(), "told twice: {found:?}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no callback for {ref_id}");
    }
}

/// Waits for a state, not for a time: a busy machine may take long.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The key `key1` of OK00123, with the secret `secret1`.
struct OneKey;

impl KeyRing for OneKey {
    fn find<'a>(&'a self, key: &'a str) -> FoundKey<'a> {
        let found = (key == "key1")
            .then(|| (MemberCode::parse("OK00123").unwrap(), wire::Secret::new("secret1")));
        Box::pin(async { found })
    }
}

pub(crate) fn product(code: &str, name: &str) -> domain::Product {
    domain::Product {
        code: ProductCode::parse(code).unwrap(),
        name: ProductName::parse(name).unwrap(),
        group: String::new(),
        category: String::new(),
        denomination: domain::Denomination::Fixed,
        dest_rule: domain::DestRule::Phone,
        open: true,
        cut_off: None,
        strategy: domain::Strategy::default(),
    }
}

pub(crate) fn open_product(code: &str, name: &str) -> domain::Product {
    let (min, max) = (Qty::new(10_000).unwrap(), Qty::new(10_000_000).unwrap());
    domain::Product { denomination: domain::Denomination::Open { min, max }, ..product(code, name) }
}
