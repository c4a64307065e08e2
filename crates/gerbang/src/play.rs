//! The sandbox of members: a second engine with a database of its own behind the same wire. It
//! sells what the business sells, delivers nothing, and its money is play money. Nothing of it
//! reaches the books.

use crate::assemble::recover;
use crate::couriers::{GuardedCourier, MarkedCourier};
use crate::data::{DataDir, with_logs};
use crate::sandbox::{SandboxTransport, World};
use crate::storage::{apart, open_file};
use anyhow::{Context as _, anyhow};
use domain::{AccountName, Kind, Movement, RouteRow};
use engine::{
    Catalog, Engine, Errand, Handle, Port, ReadPool, Setup, Suppliers, Workers, Zone, place,
};
use gateway::{Gateway, GatewaySettings, Playground, Room};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use store::{CatalogChange, CatalogRows, KeySet, Lane, MasterKey, Reads as _, Sealed};
use suppliers::SandboxConnector;
use tokio::sync::Mutex;
use types::{MemberCode, MemberId, Rupiah, Sku, SupplierCode};

/// What a member has to play with; filled up when it is switched on with less than a tenth left.
const PLAY_MONEY: Rupiah = Rupiah::new(10_000_000);
const LEAST: Rupiah = Rupiah::new(1_000_000);
/// Its numbers are told from those with money, which would have to sell eight hundred million first.
const FIRST_TRX: i64 = 900_000_001;
/// So begins every serial number of it.
const SN_MARK: &str = "SANDBOX";
/// A database larger than this begins anew with the next start.
const FILE_MOST: u64 = 512 * 1024 * 1024;

/// The sandbox, in step with the business it plays.
pub(crate) struct Play {
    real: Handle,
    key: KeySet,
    pub(crate) handle: Handle,
    gateway: Gateway,
    supplier: SupplierCode,
    /// The catalog of the business as it was copied last.
    copied: Mutex<Weak<Catalog>>,
    _workers: Arc<Workers>,
}

impl Play {
    /// Opens the sandbox next to the business.
    pub(crate) fn open(
        data: &DataDir,
        real: Handle,
        key: KeySet,
        courier: Arc<GuardedCourier>,
        settings: GatewaySettings,
    ) -> anyhow::Result<Arc<Self>> {
        forget_much(data)?;
        forget_foreign(data, &key)?;
        let zone: Zone = real.zone().clone();
        let own_key = key.clone();
        let world = Arc::new(World::open(&data.play_log(), zone.clone(), SN_MARK)?);
        let path = data.play_database();
        let engine = apart(move || {
            let mut opened = open_file(&path, Some(FIRST_TRX))?;
            let readers = std::mem::take(&mut opened.readers);
            let engine = Engine::start(Setup {
                stores: std::mem::take(&mut opened.stores),
                reads: ReadPool::renewing(readers, opened.renew.clone())?,
                rows: std::mem::replace(&mut opened.rows, Box::new(|| Ok(CatalogRows::default()))),
                key,
                clock: opened.clock.clone(),
                zone,
                tenure: opened.tenure.clone(),
                run: opened.run,
                settings: engine::Settings::default(),
            });
            engine.map_err(|error| anyhow!(error))
        })?
        .context("the sandbox of members")?;
        let handle = engine.handle;
        let supplier = SupplierCode::parse("sandbox")?;
        let suppliers = Arc::new(Suppliers::default());
        let transport = SandboxTransport { world: world.clone(), code: supplier.clone() };
        let port = Port::new(Arc::new(SandboxConnector), Arc::new(transport));
        suppliers.insert(supplier.clone(), port);
        world.connect(handle.clone(), suppliers.clone());
        let workers = Arc::new(Workers::new(
            handle.clone(),
            suppliers.clone(),
            Arc::new(MarkedCourier(courier)),
        ));
        let starting = workers.clone();
        tokio::spawn(async move {
            recover(&starting, Lane::default()).await;
            starting.start();
        });
        let gateway =
            Gateway::new(handle.clone(), suppliers, GatewaySettings { sandbox: true, ..settings });
        let copied = Mutex::new(Weak::new());
        Ok(Arc::new(Self {
            real,
            key: own_key,
            handle,
            gateway,
            supplier,
            copied,
            _workers: workers,
        }))
    }

    /// Takes over what changed in the business, and gives play money to those who need it.
    async fn keep_in_step(&self) -> anyhow::Result<()> {
        let now = self.real.catalog();
        let mut copied = self.copied.lock().await;
        if copied.ptr_eq(&Arc::downgrade(&now)) {
            return Ok(());
        }
        let theirs = self.real.reads().ask(|reads| reads.catalog()).await??;
        let ours = self.handle.reads().ask(|reads| reads.catalog()).await??;
        let logins = office::sandbox_logins(&self.real, &self.key).await?;
        let changes = self.changes(theirs, &ours, &logins)?;
        if !changes.is_empty() {
            self.handle.submit_patiently(Errand::edit(changes).into()).await?;
        }
        *copied = Arc::downgrade(&now);
        drop(copied);
        self.fund().await
    }

    async fn fund(&self) -> anyhow::Result<()> {
        for (member, account) in self.handle.reads().ask(|reads| reads.accounts()).await?? {
            if account.balance >= LEAST {
                continue;
            }
            let amount = PLAY_MONEY.minus(account.balance)?;
            let give = Errand::movement(Movement {
                member,
                amount,
                other: AccountName::Cash("play".to_owned()),
                kind: Kind::Deposit,
                note: "play money".to_owned(),
            });
            self.handle.submit_patiently(give.into()).await?;
        }
        Ok(())
    }

    /// Everything that is sold, by one supplier that delivers nothing; members whose switch is on,
    /// and those above them, whose prices theirs follow from.
    fn changes(
        &self,
        theirs: CatalogRows,
        ours: &CatalogRows,
        logins: &HashMap<MemberCode, (String, String)>,
    ) -> anyhow::Result<Vec<CatalogChange>> {
        let mut changes = Vec::new();
        if ours.suppliers.is_empty() {
            let supplier = crate::goods::sandbox_supplier(self.supplier.as_str(), "Sandbox")?;
            changes.push(CatalogChange::Supplier(supplier));
        }
        let new = theirs.levels.into_iter().filter(|level| !ours.levels.contains(level));
        changes.extend(new.map(CatalogChange::Level));
        let known: BTreeMap<_, _> = ours.products.iter().map(|own| (&own.code, own)).collect();
        for product in theirs.products {
            if known.get(&product.code) == Some(&&product) {
                continue;
            }
            if !known.contains_key(&product.code) {
                let sku = Sku::parse(&product.code.as_str().to_ascii_lowercase())?;
                let (code, supplier) = (product.code.clone(), self.supplier.clone());
                let route = RouteRow::new(code, supplier, sku, Rupiah::ZERO);
                changes.push(CatalogChange::Route(route));
            }
            changes.push(CatalogChange::Product(product));
        }
        let known: BTreeMap<_, _> =
            ours.prices.iter().map(|(level, code, price)| ((level, code), price)).collect();
        for (level, product, price) in theirs.prices {
            if known.get(&(&level, &product)) != Some(&&price) {
                changes.push(CatalogChange::Price { level, product, price });
            }
        }
        let known: BTreeMap<MemberId, _> =
            ours.members.iter().map(|own| (own.member.id, own)).collect();
        let wanted = players(&theirs.members);
        for mut record in theirs.members {
            if !wanted.contains(&record.member.id) {
                continue;
            }
            // Behind this door there is no second one.
            record.member.sandbox = false;
            let own = known.get(&record.member.id);
            if let Some((pin, password)) = logins.get(&record.member.code) {
                let seal = |column: &str, plain: &str, own: Option<&Sealed>| -> anyhow::Result<_> {
                    let place = place(&record.member.code, column);
                    // What is sealed twice looks different: the same value is kept as it is.
                    let same = own.filter(|own| {
                        self.key.open(&place, own).is_ok_and(|o| o.as_str() == plain)
                    });
                    Ok(same.cloned().map_or_else(|| self.key.seal(&place, plain), Ok)?)
                };
                let pin = seal("pin", pin, own.map(|own| &own.pin))?;
                let password = seal("password", password, own.map(|own| &own.password))?;
                (record.pin, record.password) = (pin, password);
                record.imported = store::Imported::default();
            }
            let same = own.is_some_and(|own| {
                own.member == record.member
                    && own.pin.0 == record.pin.0
                    && own.password.0 == record.password.0
                    && own.signing.as_ref().map(|s| &s.0) == record.signing.as_ref().map(|s| &s.0)
                    && own.ip_allow == record.ip_allow
                    && own.imported == record.imported
            });
            if !same {
                changes.push(CatalogChange::Member(record));
            }
        }
        Ok(changes)
    }
}

/// Members whose switch is on, and everybody above them.
fn players(members: &[store::MemberRecord]) -> BTreeSet<MemberId> {
    let above: BTreeMap<MemberId, Option<MemberId>> = members
        .iter()
        .map(|record| (record.member.id, record.member.upline.as_ref().map(|up| up.member)))
        .collect();
    let mut wanted = BTreeSet::new();
    for record in members.iter().filter(|record| record.member.sandbox) {
        let mut next = Some(record.member.id);
        while let Some(id) = next.filter(|id| wanted.insert(*id)) {
            next = above.get(&id).copied().flatten();
        }
    }
    wanted
}

/// Play that has become large is forgotten.
fn forget_much(data: &DataDir) -> anyhow::Result<()> {
    let found = std::fs::metadata(data.play_database());
    if found.is_ok_and(|found| found.len() > FILE_MOST) { forget(data) } else { Ok(()) }
}

/// Play from before the master key was changed is forgotten: what is sealed in it opens no more.
fn forget_foreign(data: &DataDir, key: &MasterKey) -> anyhow::Result<()> {
    let path = data.play_database();
    if !path.exists() {
        return Ok(());
    }
    let ours = apart(|| {
        // What cannot be read is told when it is opened.
        let Ok(mut reads) = sqlite::open_reader(&path) else { return true };
        reads.catalog().is_ok_and(|rows| Catalog::build(rows, key).is_ok())
    })?;
    if ours { Ok(()) } else { forget(data) }
}

fn forget(data: &DataDir) -> anyhow::Result<()> {
    for name in with_logs(&data.play_database()) {
        if name.exists() {
            std::fs::remove_file(&name)
                .with_context(|| format!("cannot remove {}", name.display()))?;
        }
    }
    Ok(())
}

/// The door to it.
pub(crate) struct Door(pub(crate) Arc<Play>);

impl Playground for Door {
    fn room(&self) -> Room<'_> {
        Box::pin(async move {
            match self.0.keep_in_step().await {
                Ok(()) => Some(self.0.gateway.clone()),
                Err(error) => {
                    tracing::error!(error = %format!("{error:#}"), "the sandbox of members");
                    None
                }
            }
        })
    }
}
