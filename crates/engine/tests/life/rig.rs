//! An engine whose clock is tokio's paused one, with suppliers and a receiver played by the test.

use domain::BuyRequest;
use engine::{
    Answer, Asked, Bought, Clock, Command, Courier, CourierResult, Engine, Errand, Handle, NotDone,
    Port, Ran, ReadPool, Resolve, Setup, Suppliers, Workers, Zone, place,
};
use std::collections::HashMap;
use std::future::Future;
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::*;
use suppliers::{Inbound, Reply, Request, SandboxConnector, SendResult, Transport};
use tokio::time::Instant;
use types::*;

/// Tokio's clock as the engine's; 2025-04-22 18:46:00 in Jakarta at the start.
struct Virtual {
    start: Instant,
    from: i64,
}

impl Clock for Virtual {
    fn now(&self) -> UtcMillis {
        let passed = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        UtcMillis::new(self.from + passed)
    }
}

pub(crate) const START_MS: i64 = 1_745_322_360_000;

/// What a played supplier does with one purchase.
#[derive(Clone)]
pub(crate) enum Act {
    /// Replies after this many ms with these words.
    Say(u64, &'static str),
    /// Proves that nothing left.
    NotSent,
    /// Could not be called for want of something of our own.
    Held,
    /// Gives no answer within this many ms.
    Silent(u64),
    /// Delivers at once and knows for ever what it delivered.
    Truth(Arc<Truth>),
}

/// How often a supplier was asked to buy a reference.
#[derive(Default)]
pub(crate) struct Truth(pub(crate) Mutex<HashMap<String, u32>>);

/// A store that breaks at its n-th commit from now, before it or after it.
pub(crate) struct Breaking {
    inner: Box<dyn Store>,
    plan: Arc<Break>,
}

/// When to break. Never, unless it is armed.
pub(crate) struct Break {
    pub(crate) left: AtomicI64,
    pub(crate) written: bool,
    pub(crate) broke: AtomicBool,
    /// While set, nothing is written and callers hear busy, as with a full disk.
    pub(crate) busy: AtomicBool,
    /// While set, the catalog cannot be read.
    pub(crate) unreadable: AtomicBool,
}

impl Break {
    pub(crate) fn new(written: bool) -> Arc<Self> {
        let (left, broke) = (AtomicI64::new(i64::MAX), AtomicBool::new(false));
        let (busy, unreadable) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { left, written, broke, busy, unreadable })
    }
}

impl Store for Breaking {
    fn load(&mut self, wants: &Wants) -> Result<Facts, StoreError> {
        self.inner.load(wants)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        if self.plan.busy.load(Ordering::SeqCst) {
            self.inner.abandon();
            return Err(StoreError::NotWritten("the disk is full".to_owned()));
        }
        if self.plan.left.fetch_sub(1, Ordering::SeqCst) > 1 {
            return self.inner.commit(batch);
        }
        self.plan.broke.store(true, Ordering::SeqCst);
        if self.plan.written {
            self.inner.commit(batch)?;
        } else {
            self.inner.abandon();
        }
        Err(StoreError::Unknown("the machine stopped".to_owned()))
    }

    fn abandon(&mut self) {
        self.inner.abandon();
    }
}

/// A supplier played by the test: what it does with purchases, what it says when asked.
pub(crate) struct Played {
    pub(crate) buys: Mutex<Act>,
    pub(crate) checks: Mutex<Act>,
    /// "buy REF" and "check REF" with the virtual ms since the start.
    pub(crate) asked: Mutex<Vec<(i64, String)>>,
    start: Instant,
}

impl Played {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            buys: Mutex::new(Act::Say(1_000, "success sn=R1")),
            checks: Mutex::new(Act::Say(100, "pending")),
            asked: Mutex::default(),
            start: Instant::now(),
        })
    }

    pub(crate) fn set(&self, buys: Act, checks: Act) {
        *self.buys.lock().unwrap() = buys;
        *self.checks.lock().unwrap() = checks;
    }

    pub(crate) fn count(&self, verb: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(_, what)| what.starts_with(verb)).count()
    }
}

impl Transport for Played {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        let (verb, query) =
            request.url.strip_prefix("sandbox://").unwrap().split_once('?').unwrap();
        let reference = query.strip_prefix("ref=").unwrap().split('&').next().unwrap().to_owned();
        let at = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        self.asked.lock().unwrap().push((at, format!("{verb} {reference}")));
        let act = if verb == "buy" { &self.buys } else { &self.checks };
        let act = act.lock().unwrap().clone();
        Box::pin(async move {
            match act {
                Act::NotSent => SendResult::NotSent("connection refused".to_owned()),
                Act::Held => SendResult::Held("Too many open files".to_owned()),
                Act::Truth(truth) => {
                    let mut known = truth.0.lock().unwrap();
                    let count = known.get(&reference).copied().unwrap_or_default();
                    if verb == "buy" {
                        known.insert(reference.clone(), count + 1);
                    }
                    let words = if count > 0 || verb == "buy" {
                        "success sn=R1"
                    } else {
                        "failed reason=tidak pernah diterima"
                    };
                    let body = format!("ref={reference} status={words}");
                    SendResult::Replied(Reply { status: 200, body, ..Reply::default() })
                }
                Act::Silent(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    SendResult::Unknown("no answer".to_owned())
                }
                Act::Say(ms, words) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    let body = format!("ref={reference} status={words}");
                    SendResult::Replied(Reply { status: 200, body, ..Reply::default() })
                }
            }
        })
    }
}

/// After how many ms, with which status, and with which Retry-After in ms.
type Answers = (u64, u16, Option<i64>);

/// The members' receivers: answers by host, and every try with its time.
pub(crate) struct Receivers {
    pub(crate) answers: Mutex<HashMap<String, Answers>>,
    pub(crate) tries: Mutex<Vec<(i64, String)>>,
    /// When this machine could not call them.
    pub(crate) held: Mutex<Vec<i64>>,
    /// It has nothing to call with.
    pub(crate) wants: AtomicBool,
    start: Instant,
}

impl Courier for Receivers {
    fn carry<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>> {
        let host = request.url.split('/').nth(2).unwrap().to_owned();
        let at = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        if self.wants.load(Ordering::SeqCst) {
            self.held.lock().unwrap().push(at);
            let held = SendResult::Held("Too many open files".to_owned());
            return Box::pin(async move { CourierResult::Tried(held) });
        }
        self.tries.lock().unwrap().push((at, request.url.clone()));
        let answer = self.answers.lock().unwrap().get(&host).copied();
        let (ms, status, retry_after_ms) = answer.unwrap_or((10, 200, None));
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let reply = Reply { status, retry_after_ms, body: String::new() };
            CourierResult::Tried(SendResult::Replied(reply))
        })
    }

    fn chance(&self) -> u16 {
        32_768 // no jitter
    }

    fn sign(&self, _: &str, _: &str, _: i64, _: &str) -> String {
        String::new()
    }
}

pub(crate) struct Rig {
    pub(crate) handle: Handle,
    pub(crate) first: Arc<Played>,
    pub(crate) second: Arc<Played>,
    pub(crate) receivers: Arc<Receivers>,
    pub(crate) ports: Arc<Suppliers>,
    pub(crate) workers: Workers,
    key: KeySet,
}

pub(crate) const T1: i64 = 1_321;

impl Rig {
    /// A business with suppliers `one` and `two`, product T1 at both, member OK1 with 100.000.
    pub(crate) async fn new(folder: &Path) -> Self {
        Self::with_tick(folder, 200).await
    }

    /// With workers that look this often: days pass quickly with a long one.
    pub(crate) async fn with_tick(folder: &Path, tick_ms: u64) -> Self {
        Self::breaking(folder, tick_ms, Break::new(false)).await
    }

    /// With a store that breaks as the plan says; its workers run.
    pub(crate) async fn breaking(folder: &Path, tick_ms: u64, plan: Arc<Break>) -> Self {
        let key = KeySet::generate().unwrap();
        let rig = Self::open(folder, key, 0, tick_ms, plan).await;
        rig.found().await;
        rig.workers.start();
        rig
    }

    /// The same business again, later by `after_ms`; its workers wait.
    pub(crate) async fn again(&self, folder: &Path, after_ms: i64) -> Self {
        Self::open(folder, self.key.clone(), after_ms, 200, Break::new(false)).await
    }

    async fn open(
        folder: &Path,
        key: KeySet,
        after_ms: i64,
        tick_ms: u64,
        plan: Arc<Break>,
    ) -> Self {
        let tick = Duration::from_millis(tick_ms);
        let path = folder.join("gerbang.db");
        let inner: Box<dyn Store> = Box::new(sqlite::open(&path).unwrap().store);
        let store = Breaking { inner, plan: plan.clone() };
        let mut rows = sqlite::open_reader(&path).unwrap();
        let start = Instant::now();
        let (handle, writers) = Engine::assemble(Setup::new(
            Box::new(store),
            ReadPool::inline(Box::new(sqlite::open_reader(&path).unwrap())),
            move || match plan.unreadable.load(Ordering::SeqCst) {
                false => rows.catalog(),
                true => Err(StoreError::NotWritten("the connection is gone".to_owned())),
            },
            key.clone(),
            Arc::new(Virtual { start, from: START_MS + after_ms }),
            Zone::new("Asia/Jakarta").unwrap(),
        ))
        .unwrap();
        for writer in writers {
            tokio::spawn(writer.run_as_task());
        }
        let (first, second) = (Played::new(), Played::new());
        let ports = Suppliers::default();
        for (code, played) in [("one", &first), ("two", &second)] {
            let port = Port::new(Arc::new(SandboxConnector), played.clone());
            ports.insert(SupplierCode::parse(code).unwrap(), port);
        }
        let ports = Arc::new(ports);
        let receivers = Arc::new(Receivers {
            answers: Mutex::default(),
            tries: Mutex::default(),
            held: Mutex::default(),
            wants: AtomicBool::new(false),
            start: Instant::now(),
        });
        let workers =
            Workers::new(handle.clone(), ports.clone(), receivers.clone()).with_tick(tick);
        Self { handle, first, second, receivers, ports, workers, key }
    }

    async fn found(&self) {
        let level = LevelCode::parse("retail").unwrap();
        let code = ProductCode::parse("T1").unwrap();
        let mut changes = vec![
            CatalogChange::Level(Level {
                code: level.clone(),
                name: String::new(),
                list_id: "list".to_owned(),
            }),
            CatalogChange::Product(domain::Product {
                code: code.clone(),
                name: ProductName::parse("Three 1.000").unwrap(),
                group: String::new(),
                category: String::new(),
                denomination: domain::Denomination::Fixed,
                dest_rule: domain::DestRule::Phone,
                open: true,
                cut_off: None,
                strategy: domain::Strategy::default(),
            }),
            CatalogChange::Price {
                level,
                product: code.clone(),
                price: domain::Price { amount: Rupiah::new(T1), basis_points: 0 },
            },
        ];
        for (priority, supplier) in [(1, "one"), (2, "two")] {
            let supplier = SupplierCode::parse(supplier).unwrap();
            changes.push(CatalogChange::Supplier(SupplierRecord {
                supplier: domain::Supplier {
                    code: supplier.clone(),
                    name: String::new(),
                    connector: "sandbox".to_owned(),
                    paused: false,
                    check_after_ms: 10_000,
                    suspect_after_ms: 600_000,
                    trusted_reversal: priority == 1,
                    counts: false,
                },
                settings: None,
            }));
            let (sku, cost) = (Sku::parse("t1").unwrap(), Rupiah::new(1_200));
            let route = domain::RouteRow::new(code.clone(), supplier, sku, cost);
            changes.push(CatalogChange::Route(domain::RouteRow { priority, ..route }));
        }
        self.change(changes).await;
        self.member(1, "https://a.example/h2h").await;
    }

    pub(crate) async fn change(&self, changes: Vec<CatalogChange>) {
        self.handle.submit_patiently(Errand::edit(changes).into()).await.unwrap();
    }

    pub(crate) async fn member(&self, number: i64, url: &str) {
        let code = MemberCode::parse(&format!("OK{number}")).unwrap();
        let seal = |column: &str| self.key.seal(&place(&code, column), "secret").unwrap();
        let record = MemberRecord {
            pin: seal("pin"),
            password: seal("password"),
            signing: None,
            ip_allow: Vec::new(),
            imported: Imported::default(),
            member: domain::Member {
                id: MemberId::new(number),
                code: code.clone(),
                name: String::new(),
                active: true,
                level: LevelCode::parse("retail").unwrap(),
                credit_limit: Rupiah::ZERO,
                daily_limit: None,
                same_day_guard: false,
                callback_url: Some(url.to_owned()),
                wording: domain::Wording::default(),
                dialect: domain::Dialect::default(),
                upline: None,
                sandbox: false,
            },
        };
        self.change(vec![CatalogChange::Member(record)]).await;
        self.credit(number, 100_000).await;
    }

    pub(crate) async fn credit(&self, member: i64, amount: i64) {
        let credit = Errand::movement(domain::Movement {
            member: MemberId::new(member),
            amount: Rupiah::new(amount),
            other: domain::AccountName::Cash("manual".to_owned()),
            kind: domain::Kind::Deposit,
            note: String::new(),
        });
        let moved = self.handle.submit_patiently(credit.into()).await.unwrap();
        assert!(matches!(moved, Answer::Ran(Ran::Done(_))), "{moved:?}");
    }

    pub(crate) fn purchase(&self, number: i64, ref_id: &str) -> Command {
        Command::Buy {
            member: MemberId::new(number),
            request: Box::new(BuyRequest {
                product: ProductCode::parse("T1").unwrap(),
                dest: Dest::parse("089660522887").unwrap(),
                qty: None,
                ref_id: RefId::parse(ref_id).unwrap(),
                counter: 1,
                harga_max: None,
                form: domain::Form::default(),
            }),
            asked: Box::new(Asked {
                received: self.handle.now().utc,
                peer: "127.0.0.1".to_owned(),
                request: String::new(),
            }),
        }
    }

    pub(crate) async fn buy_as(&self, number: i64, ref_id: &str) -> Box<Bought> {
        let command = self.purchase(number, ref_id);
        match self.handle.submit(command).await.unwrap() {
            Answer::Bought(bought) => bought,
            other => panic!("{other:?}"),
        }
    }

    /// A purchase that may get no answer.
    pub(crate) async fn try_buy(&self, ref_id: &str) -> Result<Answer, NotDone> {
        self.handle.submit(self.purchase(1, ref_id)).await
    }

    pub(crate) async fn buy(&self, ref_id: &str) -> TrxNo {
        self.buy_as(1, ref_id).await.trx.unwrap().no
    }

    pub(crate) async fn story(&self, no: TrxNo) -> Story {
        self.handle.reads().ask(move |reads| reads.story(no)).await.unwrap().unwrap().unwrap()
    }

    pub(crate) async fn state(&self, no: TrxNo) -> &'static str {
        self.story(no).await.known.trx.state.word()
    }

    pub(crate) async fn balance(&self) -> i64 {
        let id = MemberId::new(1);
        let read = self.handle.reads().ask(move |reads| reads.balance(id)).await.unwrap();
        read.unwrap().unwrap().get()
    }

    /// What the first member bought on its day.
    pub(crate) async fn day_total(&self) -> i64 {
        let read = self.handle.reads().ask(|reads| reads.accounts()).await.unwrap().unwrap();
        let own = read.into_iter().find(|(member, _)| *member == MemberId::new(1));
        own.unwrap().1.day_total.get()
    }

    /// A member may buy for so much a day.
    pub(crate) async fn limit(&self, member: i64, most: i64) {
        let rows = self.handle.reads().ask(|reads| reads.catalog()).await.unwrap().unwrap();
        let own = |record: &MemberRecord| record.member.id == MemberId::new(member);
        let mut record = rows.members.into_iter().find(own).unwrap();
        record.member.daily_limit = Some(Rupiah::new(most));
        self.change(vec![CatalogChange::Member(record)]).await;
    }

    /// Every row is what the journal's stamps say, and each change was made on what the one before left.
    pub(crate) async fn proves(&self) {
        let key = store::StampKey::of(&self.key);
        let compared = self.handle.reads().ask(move |reads| {
            let mut stamped = store::Stamped::new(&key);
            let mut untold = Vec::new();
            reads.each_journal(&store::Places::new(), &mut |row| {
                stamped.line(row.lane, row.row.at, &row.row.stamps);
                let stamps = store::read_stamps(&row.row.stamps).unwrap_or_default();
                let of_rows = stamps.into_iter().filter(|stamp| !stamp.row.starts_with('@'));
                untold.extend(of_rows.filter(|stamp| stamp.was == store::Was::Untold));
                ControlFlow::Continue(())
            })?;
            assert_eq!(untold, [], "each tells what it found");
            let mut all = Vec::new();
            reads.each_trx(None, &mut |trx| {
                all.push(trx.no);
                ControlFlow::Continue(())
            })?;
            for known in reads.knowns(&all)? {
                stamped.purchase(&known.trx, &known.attempts);
            }
            let every = store::DeliveryFilter { limit: 1_000, ..Default::default() };
            reads.delivery_page(&every)?.iter().for_each(|delivery| stamped.delivery(delivery));
            for (member, account) in reads.accounts()? {
                stamped.account(member, &account);
            }
            reads.each_paper(&mut |paper| {
                stamped.paper(&paper);
                ControlFlow::Continue(())
            })?;
            reads.catalog()?.changes().iter().for_each(|row| stamped.catalog(row));
            Ok::<_, StoreError>(stamped.end())
        });
        let compared = compared.await.unwrap().unwrap();
        assert_eq!((compared.found, compared.older), (Vec::new(), 0));
    }

    /// A person decides.
    pub(crate) async fn resolve(&self, trx: TrxNo, resolution: domain::Resolution) {
        let errand = Errand::resolve(Resolve { trx, resolution, place: None });
        let ran = self.handle.submit_patiently(errand.into()).await.unwrap();
        assert!(matches!(ran, Answer::Ran(Ran::Done(_))), "{ran:?}");
    }

    /// A callback of supplier `one` about the first attempt.
    pub(crate) async fn supplier_calls(&self, no: TrxNo, words: &str) -> bool {
        let body = format!("ref={no}-1 status={words}");
        let from = SupplierCode::parse("one").unwrap();
        let inbound = Inbound { body, ..Inbound::default() };
        let received =
            engine::inlet(&self.handle, &self.ports, &from, "203.0.113.1", &inbound).await;
        received == engine::Received::Taken
    }
}

pub(crate) async fn pass(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
