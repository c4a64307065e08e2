//! What a process of its own cannot show: the writer without HTTP, in the process that asks it. No workers,
//! no doors, no figures run beside it.

use crate::Plan;
use crate::business::code;
use crate::meter::Measured;
use anyhow::{Context as _, ensure};
use domain::BuyRequest;
use engine::{
    Answer, Asked, Command, Engine, Errand, Handle, Ran, ReadPool, Setup, SystemClock, Zone, place,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::{
    CatalogChange, Imported, KeySet, Level, MasterKey, MemberRecord, Reads as _, SupplierRecord,
};
use types::{
    Dest, LevelCode, MemberCode, MemberId, ProductCode, ProductName, RefId, Rupiah, Sku,
    SupplierCode,
};

/// The name of its row.
pub(crate) const NAME: &str = "writer without HTTP, in the process that asks it";

type Opened = (Engine, Option<pg::Keeper>);

/// Durable purchases through the only door to the writer, on an empty business.
pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir_in(&plan.folder)?;
    let key = KeySet::derived(MasterKey::generate()?);
    // Stores block, and have runtimes of their own.
    let opened = std::thread::scope(|scope| scope.spawn(|| open(plan, folder.path(), &key)).join());
    let (engine, keeper) = opened.map_err(|_| anyhow::anyhow!("a thread broke"))??;
    fill(&engine.handle, &key, plan.members).await?;
    let measured = buy(plan, &engine.handle).await;
    drop((engine, keeper));
    measured
}

fn open(plan: &Plan, folder: &Path, key: &KeySet) -> anyhow::Result<Opened> {
    let (zone, clock) = (Zone::new("Asia/Jakarta")?, Arc::new(SystemClock));
    let Some(server) = &plan.server else {
        let path = folder.join("gerbang.db");
        let opened = sqlite::open(&path)?;
        let mut rows = sqlite::open_reader(&path)?;
        let reads = (0..2)
            .map(|_| Ok(Box::new(opened.reader()?) as Box<dyn store::Reads>))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let (pool, store) = (ReadPool::threads(reads)?, Box::new(opened.store));
        let setup = Setup::new(store, pool, move || rows.catalog(), key.clone(), clock, zone);
        return Ok((Engine::start(setup).map_err(anyhow::Error::msg)?, None));
    };
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let name = format!("writer{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let target = pg::Target::parse(&server.database(&name)?, None).map_err(anyhow::Error::msg)?;
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
    let pool = ReadPool::threads(reads)?;
    let mut setup = Setup::new(first, pool, move || rows.catalog(), key.clone(), clock, zone);
    setup.stores.append(&mut stores);
    Ok((Engine::start(setup).map_err(anyhow::Error::msg)?, Some(joined.keeper)))
}

async fn fill(handle: &Handle, key: &KeySet, members: i64) -> anyhow::Result<()> {
    let level = LevelCode::parse("retail")?;
    let product = ProductCode::parse("T1")?;
    let supplier = SupplierCode::parse("sim")?;
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
            supplier,
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
                callback_url: None,
                wording: domain::Wording::default(),
                dialect: domain::Dialect::default(),
                upline: None,
                sandbox: false,
            },
        }));
    }
    handle.submit_patiently(Errand::edit(changes).into()).await?;
    for number in 1..=members {
        let credit = Errand::movement(domain::Movement {
            member: MemberId::new(number),
            amount: Rupiah::new(1_000_000_000_000),
            other: domain::AccountName::Cash("manual".to_owned()),
            kind: domain::Kind::Deposit,
            note: String::new(),
        });
        let moved = handle.submit_patiently(credit.into()).await?;
        ensure!(matches!(moved, Answer::Ran(Ran::Done(_))), "{moved:?}");
    }
    Ok(())
}

/// As many askers as there are connections elsewhere; the same time of theirs is not counted.
async fn buy(plan: &Plan, handle: &Handle) -> anyhow::Result<Measured> {
    let begin = Instant::now() + plan.warm;
    let (end, members) = (begin + plan.time, plan.members);
    let next = Arc::new(AtomicU64::new(1));
    let tasks: Vec<_> = (0..plan.connections)
        .map(|_| {
            let (handle, next) = (handle.clone(), next.clone());
            tokio::spawn(async move {
                let mut measured = Measured::new()?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let command = command(&handle, number, members)?;
                    let sent = Instant::now();
                    if sent >= end {
                        return anyhow::Ok(measured);
                    }
                    let answer = handle.submit(command).await?;
                    let took = sent.elapsed();
                    let Answer::Bought(bought) = answer else { anyhow::bail!("{answer:?}") };
                    ensure!(bought.code == "accepted", "{}", bought.text);
                    if sent >= begin && sent + took <= end {
                        measured.add(took);
                    }
                }
            })
        })
        .collect();
    let mut all = Measured::new()?;
    for task in tasks {
        all.merge(task.await.context("a task broke")??)?;
    }
    all.time = plan.time;
    Ok(all)
}

fn command(handle: &Handle, number: u64, members: i64) -> anyhow::Result<Command> {
    let member = i64::try_from(number)? % members + 1;
    Ok(Command::Buy {
        member: MemberId::new(member),
        request: Box::new(BuyRequest {
            product: ProductCode::parse("T1")?,
            dest: Dest::parse(&format!("08{:010}", number % 10_000_000_000))?,
            qty: None,
            ref_id: RefId::parse(&format!("b{number}"))?,
            counter: 1,
            harga_max: None,
            form: domain::Form::default(),
        }),
        asked: Box::new(Asked {
            received: handle.now().utc,
            peer: "127.0.0.1".to_owned(),
            request: "/trx?product=T1".to_owned(),
        }),
    })
}
