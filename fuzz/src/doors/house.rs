//! A business behind the real doors, in this process: the store in memory, suppliers and receivers
//! that answer anything, a clock that only requests move.

use domain::{Audit, Denomination, DestRule, Price, Product, RouteRow, Strategy};
use engine::{
    CallbackDoor, Clock, Courier, CourierResult, Engine, Gate, Handle, Port, ReadPool, Setup,
    Workers, Zone,
};
use gateway::{FoundKey, Gateway, GatewaySettings, KeyRing};
use gerbang::Router;
use model::{Model, Tables};
use office::{
    Actor, Bank, Credit, From, MemberAdd, MemberSet, NewToken, NewUser, Office, Operation, Plug,
    Proof, Proven, Role, Rules, SupplierAdd, execute,
};
use reports::Reports;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use store::{
    CatalogChange, ChainHead, KeySet, Level, Reads as _, Store as _, Wants, journal_hash,
    transfer_hash,
};
use suppliers::{Reply, Request, SendResult, Settings, Transport};
use types::{
    AttemptId, LevelCode, ProductCode, ProductName, Qty, Rupiah, Sku, SupplierCode, UtcMillis,
};
use wire::Secret;

pub(super) const OWNER: &str = "owner";
pub(super) const PASSWORD: &str = "tujuh gajah makan bambu";
pub(super) const MEMBER: &str = "OK00123";
pub(super) const PIN: &str = "480913";
pub(super) const H2H: &str = "teh-manis-3";
pub(super) const ADDRESS: &str = "203.0.113.9";
/// Last part of the address of a supplier's callbacks.
pub(super) const INLET: &str = "pintu-belakang-0123456789";

/// Settings of a supplier that speaks text.
const TEXT: &str = "[okeconnect]\nbase = \"http://h\"\nmember = \"OK1\"\npin = \"1\"\n\
     password = \"2\"\nlist_id = \"1\"\n[callback]\nsecret = \"pintu-belakang-0123456789\"\n";

/// Every request is a moment later.
pub(super) struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> UtcMillis {
        UtcMillis::new(self.0.load(Ordering::Relaxed))
    }
}

/// Answers everything with the next of some texts.
struct Anything(AtomicUsize);

impl Anything {
    fn says(&self, url: &str) -> SendResult {
        let reference = url.split(['&', '?']).find_map(|pair| pair.strip_prefix("refID="));
        let about = format!("R#{} T1.089660522887", reference.unwrap_or("1"));
        let text = match self.0.fetch_add(1, Ordering::Relaxed) % 9 {
            0 => format!("{about} SUKSES. SN: 123456789. Saldo 9 - 3 = 6 @10:00"),
            1 => format!("{about} GAGAL. Nomor tujuan salah. Saldo 5"),
            2 => format!("T#7 {about} akan diproses. Saldo 9 - 3 = 6 @10:00"),
            3 => return SendResult::NotSent("connection refused".to_owned()),
            4 => return SendResult::Unknown("closed".to_owned()),
            5 => return SendResult::Held("Too many open files".to_owned()),
            6 => "[{\"kode\":\"T1\",\"harga\":\"1200\",\"status\":\"1\"}]".to_owned(),
            7 => "<html>\u{202e}\0".to_owned(),
            _ => String::new(),
        };
        SendResult::Replied(Reply { status: 200, body: text, ..Reply::default() })
    }
}

impl Transport for Anything {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        let said = self.says(&request.url);
        Box::pin(async move { said })
    }
}

impl Courier for Anything {
    fn carry<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>> {
        let said = self.says(&request.url);
        Box::pin(async move { CourierResult::Tried(said) })
    }

    fn chance(&self) -> u16 {
        0
    }

    fn sign(&self, secret: &str, id: &str, seconds: i64, body: &str) -> String {
        format!("{secret} {id} {seconds} {body}").len().to_string()
    }
}

struct Wires(Arc<Anything>);

impl Plug for Wires {
    fn port(&self, _: &SupplierCode, settings: &Settings) -> anyhow::Result<Port> {
        let (_, connector) = settings.connector()?;
        let callback = &settings.callback;
        let ips = callback.ips.iter().map(|net| office::network(net)).collect::<Result<_, _>>()?;
        let door = CallbackDoor { secret: Secret::new(&callback.secret), ips };
        Ok(Port {
            gate: Gate::new(settings.limits.concurrency, settings.limits.per_second),
            confirm: callback.confirm,
            callback: (!callback.secret.is_empty()).then_some(door),
            ..Port::new(connector, self.0.clone())
        })
    }

    fn courier(&self) -> Arc<dyn Courier> {
        self.0.clone()
    }
}

struct Keys(Arc<Office>);

impl KeyRing for Keys {
    fn find<'a>(&'a self, key: &'a str) -> FoundKey<'a> {
        Box::pin(async move { self.0.key_secret(key).await.ok().flatten() })
    }
}

/// A session at one of the doors.
#[derive(Clone, Default)]
pub(super) struct Session {
    pub(super) cookie: String,
    pub(super) form_key: String,
}

/// The business.
pub(super) struct House {
    pub(super) router: Router,
    pub(super) office: Arc<Office>,
    pub(super) model: Model,
    pub(super) handle: Handle,
    clock: Arc<Ticking>,
    workers: Workers,
    /// Of the owner's second factor.
    secret: String,
    pub(super) token: String,
    /// Of the members' JSON door: its id and its secret.
    pub(super) key: (String, String),
    /// Requests so far.
    pub(super) asked: usize,
    _folder: tempfile::TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        self.workers.stop();
    }
}

fn product(code: &str, denomination: Denomination) -> anyhow::Result<Vec<CatalogChange>> {
    let (level, code) = (LevelCode::parse("retail")?, ProductCode::parse(code)?);
    let mut all = vec![
        CatalogChange::Product(Product {
            code: code.clone(),
            name: ProductName::parse("Three 1.000")?,
            group: "Three".to_owned(),
            category: "PULSA".to_owned(),
            denomination,
            dest_rule: DestRule::Phone,
            open: true,
            cut_off: None,
            strategy: Strategy::default(),
        }),
        CatalogChange::Price {
            level,
            product: code.clone(),
            price: Price { amount: Rupiah::new(1_321), basis_points: 0 },
        },
    ];
    for supplier in ["text", "sandbox"] {
        let route = (SupplierCode::parse(supplier)?, Sku::parse("T1")?, Rupiah::new(1_200));
        let row = RouteRow::new(code.clone(), route.0, route.1, route.2);
        all.push(CatalogChange::Route(row));
    }
    Ok(all)
}

pub(super) fn from() -> From {
    From { address: ADDRESS.to_owned(), agent: "walker".to_owned() }
}

impl House {
    /// A new one, with people in it.
    pub(super) async fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let clock = Arc::new(Ticking(AtomicI64::new(1_795_402_800_000)));
        let (key, model) = (KeySet::generate()?, Model::default());
        let mut store = model.clone();
        store.load(&Wants::default())?;
        let reads: Vec<Box<dyn store::Reads>> =
            (0..2).map(|_| Box::new(model.clone()) as _).collect();
        let mut rows = model.clone();
        let setup = Setup::new(
            Box::new(store),
            ReadPool::threads(reads)?,
            move || rows.catalog(),
            key.clone(),
            clock.clone(),
            Zone::new("Asia/Jakarta")?,
        );
        let engine = Engine::start(setup).map_err(|why| anyhow::anyhow!(why))?;
        let handle = engine.handle;
        let anything = Arc::new(Anything(AtomicUsize::new(0)));
        let wires = Wires(anything.clone());
        let office = Arc::new(Office::new(handle.clone(), key, Box::new(wires)));
        let workers = Workers::new(handle.clone(), office.suppliers.clone(), anything);
        let reports = Reports::open(&folder.path().join("reports.db"))?;
        let proxies = vec!["198.51.100.0/24".parse()?];
        let console = console::Console::new(
            office.clone(),
            reports,
            console::ConsoleSettings { trusted_proxies: proxies.clone(), ..Default::default() },
        );
        let gateway = Gateway::with_keys(
            handle.clone(),
            office.suppliers.clone(),
            GatewaySettings { trusted_proxies: proxies, ..GatewaySettings::default() },
            Arc::new(Keys(office.clone())),
            None,
        );
        let router = Router::new(console, gateway, handle.parts().clone(), false);
        let mut house = Self {
            router,
            office,
            model,
            handle,
            clock,
            workers,
            secret: String::new(),
            token: String::new(),
            key: Default::default(),
            asked: 0,
            _folder: folder,
        };
        house.furnish().await?;
        house.workers.start();
        Ok(house)
    }

    async fn furnish(&mut self) -> anyhow::Result<()> {
        let (office, local) = (self.office.clone(), Actor::local());
        let level = Level {
            code: LevelCode::parse("retail")?,
            name: "Retail".to_owned(),
            list_id: "905ccd028329b0a".to_owned(),
        };
        office.set_up("fuzz", vec![CatalogChange::Level(level)]).await?;
        for (code, settings) in [("text", TEXT), ("sandbox", "[sandbox]\n")] {
            let add =
                SupplierAdd { code: code.to_owned(), name: None, settings: settings.to_owned() };
            execute(&office, &local, Operation::SupplierAdd(Box::new(add))).await?;
        }
        let (min, max) = (Qty::new(1_000), Qty::new(1_000_000));
        let open = min.zip(max).map(|(min, max)| Denomination::Open { min, max });
        let mut goods = product("T1", Denomination::Fixed)?;
        goods.extend(product("BBSDN", open.unwrap_or(Denomination::Fixed))?);
        office.set_up("fuzz", goods).await?;
        office.set_rules(&local, &Rules { downlines: true, ..office.rules().await? }).await?;
        for (code, upline) in [(MEMBER, None), ("OK00206", Some(MEMBER))] {
            let member = MemberAdd {
                code: code.to_owned(),
                name: "Toko".to_owned(),
                pin: PIN.to_owned(),
                password: H2H.to_owned(),
                callback: Some("https://m.example/h2h".to_owned()),
                upline: upline.map(str::to_owned),
                markup: upline.map(|_| "50".to_owned()),
                ..MemberAdd::default()
            };
            execute(&office, &local, Operation::MemberAdd(Box::new(member))).await?;
            let credit = Credit {
                member: code.to_owned(),
                amount: "1000000".to_owned(),
                cash: "adjustment".to_owned(),
                note: "fuzz".to_owned(),
            };
            office.credit(&local, credit, None).await?;
        }
        let habits = MemberSet {
            code: "OK00206".to_owned(),
            dialect: Some("repeat-check check-by-ref no-balance aliases".to_owned()),
            seller: Some("json".to_owned()),
            ..MemberSet::default()
        };
        execute(&office, &local, Operation::MemberSet(Box::new(habits))).await?;
        office.seed_portal_passwords(vec![MEMBER.to_owned()], PASSWORD).await?;
        let bank = Bank {
            code: "bca".to_owned(),
            name: "BCA".to_owned(),
            number: "1".to_owned(),
            holder: "x".to_owned(),
            open: true,
        };
        office.set_bank(&local, bank).await?;
        for (login, role) in [(OWNER, "owner"), ("other", "owner"), ("cs", "cs")] {
            let new = NewUser {
                login: login.to_owned(),
                name: String::new(),
                password: PASSWORD.to_owned(),
                role: role.to_owned(),
            };
            office.add_user(&local, &Proven::at_the_machine(&local)?, new).await?;
        }
        let token = office.log_in(OWNER, PASSWORD, "", &from()).await?;
        let signed = office.signed(&token, &from()).await?;
        let signed = signed.ok_or_else(|| anyhow::anyhow!("not signed in"))?;
        let (actor, session) = (signed.actor, signed.session);
        let proof = Proof { password: PASSWORD, code: "" };
        office.offer_second_factor(&actor, &session, proof).await?;
        let offered = office.offered_second_factor(OWNER, &session).await?;
        self.secret = offered.map(|(secret, _)| secret).unwrap_or_default();
        office.confirm_second_factor(&actor, &session, &self.code()).await?;
        self.renew().await
    }

    /// Token and key anew, and the member where its money is: requests may have taken them away.
    pub(super) async fn renew(&mut self) -> anyhow::Result<()> {
        let (office, local) = (self.office.clone(), Actor::local());
        for key in office.keys(Some(MEMBER)).await? {
            office.remove_key(&local, &key.id, None).await?;
        }
        self.key = office.add_key(&local, MEMBER, "fuzz").await?;
        let new = NewToken {
            name: "fuzz".to_owned(),
            role: "owner".to_owned(),
            person: None,
            days: None,
        };
        let owner = Actor::person(OWNER, Role::Owner, ADDRESS);
        self.token = office.add_token(&owner, new).await?;
        let back = MemberSet {
            code: MEMBER.to_owned(),
            sandbox: Some(false),
            active: Some(true),
            ..MemberSet::default()
        };
        execute(&office, &local, Operation::MemberSet(Box::new(back))).await?;
        Ok(())
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().get()
    }

    pub(super) fn wait(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// What the owner's app shows at this moment.
    pub(super) fn code(&self) -> String {
        office::code_at(&self.secret, self.clock.now()).unwrap_or_default()
    }

    /// A session of the owner, with its second factor; `None` when it cannot come in any more.
    pub(super) async fn owner(&self) -> Option<Session> {
        // A code works once.
        self.wait(60_000);
        let token = self.office.log_in(OWNER, PASSWORD, &self.code(), &from()).await.ok()?;
        let signed = self.office.signed(&token, &from()).await.ok()??;
        Some(Session { cookie: format!("gerbang={token}"), form_key: signed.form_key })
    }

    /// A session of the member at its portal.
    pub(super) async fn member(&self) -> Option<Session> {
        let login = office::MemberLogin { code: MEMBER, password: PASSWORD, pin: PIN, second: "" };
        let token = self.office.log_member_in(login, &from()).await.ok()?;
        let signed = self.office.signed_member(&token).await.ok()??;
        Some(Session { cookie: format!("gerbang-portal={token}"), form_key: signed.form_key })
    }

    /// What people change, a number for each kind, and how many lines tell of it. That a session was
    /// seen or a token used is no change.
    pub(super) fn changed(&self) -> (BTreeMap<String, u64>, usize) {
        let digest = |text: &str| {
            let mut digest = DefaultHasher::new();
            text.hash(&mut digest);
            digest.finish()
        };
        self.model.with(|tables| {
            let mut kinds = BTreeMap::new();
            for paper in tables.papers.values() {
                let kind = paper.key.kind.as_str();
                if kind.ends_with("session") {
                    continue;
                }
                // The engine's own papers are no documents; nobody changes those.
                let Ok(mut body) = serde_json::from_str::<Value>(&paper.body) else { continue };
                if let Some(fields) = body.as_object_mut() {
                    fields.remove("used");
                }
                let text = format!("{} {body}", paper.key.id);
                let sum: &mut u64 = kinds.entry(kind.to_owned()).or_default();
                *sum = sum.wrapping_add(digest(&text));
            }
            let Tables { members, levels, products, prices, suppliers, routes, .. } = tables;
            let catalog =
                format!("{members:?}{levels:?}{products:?}{prices:?}{suppliers:?}{routes:?}");
            kinds.insert("catalog".to_owned(), digest(&catalog));
            (kinds, tables.journal.len())
        })
    }

    /// The books: both chains, sums, floors, and every purchase.
    pub(super) fn books(&self) {
        let findings = self.model.with(|tables| {
            let (mut audit, mut head) = (Audit::new(), ChainHead::default());
            let mut broken = Vec::new();
            for row in &tables.transfers {
                audit.transfer(row.seq, &row.row);
                if row.hash != transfer_hash(&head.hash, head.seq + 1, &row.row) {
                    broken.push(format!("ledger row {} breaks the chain", row.seq));
                }
                head = ChainHead { seq: row.seq, hash: row.hash };
            }
            let mut head = ChainHead::default();
            for row in &tables.journal {
                if row.hash != journal_hash(&head.hash, head.seq + 1, &row.row) {
                    broken.push(format!("journal row {} breaks the chain", row.seq));
                }
                head = ChainHead { seq: row.seq, hash: row.hash };
            }
            for row in tables.trxs.values() {
                audit.trx(&row.trx);
                let id = |n| AttemptId { trx: row.trx.no, n };
                let own = tables.attempts.range(id(0)..=id(u16::MAX));
                let attempts: Vec<_> = own.map(|(_, attempt)| attempt.clone()).collect();
                audit.attempts(&row.trx, &attempts);
            }
            for member in tables.members.keys() {
                let balance = tables.accounts.get(member).map(|account| account.balance);
                let least = Rupiah::new(i64::MIN);
                // A limit of credit may be lowered below what is owed.
                audit.account(*member, balance.unwrap_or_default(), least);
            }
            broken.extend(audit.findings().into_iter().map(|finding| finding.0));
            broken
        });
        assert!(findings.is_empty(), "the books do not hold: {findings:#?}");
    }
}
