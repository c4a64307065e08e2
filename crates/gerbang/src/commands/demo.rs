//! `demo`: a business to try, with the member's own end built in.

use super::{history, serve};
use crate::assemble::House;
use crate::config::Config;
use crate::data::DataDir;
use crate::goods;
use crate::keyproof;
use crate::receiver::{PATH, Receiver};
use crate::say;
use crate::stamps;
use crate::storage::{Storage, apart};
use anyhow::Context as _;
use office::{Actor, Bank, MemberAdd, MemberSet, NewUser, Operation, Rules, execute};
use std::net::SocketAddr;
use store::{CatalogChange, StampKey};
use tokio::net::TcpListener;

const MEMBER: &str = "OK00123";
/// Of every login of the demo.
const PASSWORD: &str = "demo-gerbang";
/// Members of the made-up history.
const SHOPS: [&str; 7] = [
    "Konter Maju",
    "Berkah Cell",
    "Toko Sinar",
    "Warung Bu Tini",
    "Raja Pulsa",
    "Mitra Digital",
    "Anugerah Reload",
];
/// Login and role.
const LOGINS: [(&str, &str); 5] = [
    ("owner", "owner"),
    ("admin", "admin"),
    ("finance", "finance"),
    ("cs", "cs"),
    ("readonly", "readonly"),
];

/// Level, goods, member and balance of the protocol description.
async fn create(house: &House, callback: &str) -> anyhow::Result<()> {
    let mut changes = vec![
        CatalogChange::Level(goods::first_level("905ccd028329b0a")?),
        CatalogChange::Supplier(goods::sandbox_supplier("sandbox", "Sandbox")?),
        CatalogChange::Supplier(goods::sandbox_supplier("cadangan", "Cadangan (demo)")?),
    ];
    changes.extend(goods::demo_goods()?);
    house.office.set_up("demo", changes).await?;
    let member = MemberAdd {
        code: MEMBER.to_owned(),
        name: "Demo".to_owned(),
        pin: "123456".to_owned(),
        password: "secret".to_owned(),
        callback: Some(callback.to_owned()),
        ..MemberAdd::default()
    };
    execute(&house.office, &Actor::local(), Operation::MemberAdd(Box::new(member))).await?;
    let rules = Rules { downlines: true, ..house.office.rules().await? };
    house.office.set_rules(&Actor::local(), &rules).await?;
    for (number, name) in (201..).zip(SHOPS) {
        // The last two stand one below the other, and both below the first member.
        let upline = match number {
            206 => Some((MEMBER, "50")),
            207 => Some(("OK00206", "100")),
            _ => None,
        };
        let member = MemberAdd {
            code: format!("OK00{number}"),
            name: format!("{name} (demo)"),
            pin: "123456".to_owned(),
            password: "secret".to_owned(),
            upline: upline.map(|(code, _)| code.to_owned()),
            markup: upline.map(|(_, markup)| markup.to_owned()),
            ..MemberAdd::default()
        };
        let add = Operation::MemberAdd(Box::new(member));
        execute(&house.office, &Actor::local(), add).await?;
    }
    let catalog = house.handle.catalog();
    let codes = catalog.members().iter().map(|entry| entry.member.code.to_string()).collect();
    house.office.seed_portal_passwords(codes, "secret").await?;
    for (login, role) in LOGINS {
        let new = NewUser {
            login: login.to_owned(),
            name: login.to_owned(),
            password: PASSWORD.to_owned(),
            role: role.to_owned(),
        };
        let add = Operation::UserAdd(Box::new(new));
        execute(&house.office, &Actor::local(), add).await?;
    }
    let bank = Bank {
        code: "bca".to_owned(),
        name: "BCA (demo)".to_owned(),
        number: "0000000000".to_owned(),
        holder: "Demo".to_owned(),
        open: true,
    };
    house.office.set_bank(&Actor::local(), bank).await?;
    Ok(())
}

/// The built-in receiver moves with the port; a callback URL of the user's own stays.
async fn follow(house: &House, callback: &str) -> anyhow::Result<()> {
    let catalog = house.handle.catalog();
    let stale = catalog.members().iter().any(|entry| {
        let url = entry.member.callback_url.as_deref();
        entry.member.code.as_str() == MEMBER
            && url.is_some_and(|url| url.ends_with(PATH) && url != callback)
    });
    if stale {
        let set = MemberSet {
            code: MEMBER.to_owned(),
            callback: Some(callback.to_owned()),
            ..MemberSet::default()
        };
        execute(&house.office, &Actor::local(), Operation::MemberSet(Box::new(set))).await?;
    }
    Ok(())
}

/// The lines to copy, and their titles.
fn tries(base: &str) -> Vec<(&'static str, String)> {
    let who = format!("memberID={MEMBER}&pin=123456&password=secret");
    [
        ("buy", format!("trx?product=T1&dest=089660522887&refID=114&{who}")),
        (
            "open denomination",
            format!("trx?product=BBSDN&dest=085736044280&qty=12345&refID=7777&{who}"),
        ),
        ("check", format!("trx?product=T1&dest=089660522887&refID=114&{who}&check=1")),
        ("balance", format!("trx/balance?{who}")),
        ("prices", "harga/json?id=905ccd028329b0a".to_owned()),
    ]
    .into_iter()
    .map(|(what, query)| (what, format!("curl '{base}/{query}'")))
    .collect()
}

pub(super) async fn demo(
    data: &DataDir,
    mut config: Config,
    listen: SocketAddr,
    past: (i64, u64),
) -> anyhow::Result<()> {
    config.listen = listen;
    config.check()?;
    // The receiver below is on this machine; a real business keeps this closed.
    config.callback_allow.push("127.0.0.0/8".parse()?);
    config.callback_allow.push("::1/128".parse()?);
    let tcp = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; try --listen 127.0.0.1:0"))?;
    let scheme = if config.tls_certificate.is_some() { "https" } else { "http" };
    let base = format!("{scheme}://{}", tcp.local_addr()?);
    let callback = format!("{base}{PATH}");
    let storage = Storage::of(data, &config);
    let fresh = !storage.exists()?;
    if fresh {
        storage.is_new(data, &config)?;
    }
    data.create()?;
    {
        let (house, ended) = House::create(data, &config)?;
        house.office.mark_as_demo().await?;
        if fresh {
            create(&house, &callback).await?;
        } else {
            follow(&house, &callback).await?;
        }
        drop(house);
        // The writer lets go of the database before the server takes it.
        let _ = ended.await;
    }
    if fresh {
        let storage = Storage::of(data, &config);
        let zone = engine::Zone::new(&config.zone)?;
        let key = StampKey::of(&keyproof::keys_in(&storage, &data.master_key()?)?);
        apart(move || -> anyhow::Result<usize> {
            let mut opened = storage.open()?;
            let (rows, now) = ((opened.rows)()?, opened.clock.now());
            let store = opened.stores.first_mut().context("no lane")?;
            let made = history::write(store.as_mut(), &rows, past, now, &|at| zone.civil(at))?;
            // Made-up purchases have no stamps: those that follow have.
            let reads = opened.readers.first_mut().context("no reader")?;
            stamps::begin(store.as_mut(), reads.as_mut(), &key, now)?;
            Ok(made)
        })??;
    }
    let tries = tries(&base);
    say::line(format_args!("member {MEMBER}, PIN 123456, password secret. Try:\n"))?;
    for (what, line) in &tries {
        say::line(format_args!("# {what}\n{line}\n"))?;
    }
    let logins = LOGINS.map(|(login, _)| login).join(", ");
    let logins = format!(
        "demo: {logins}, password {PASSWORD} · portal: {MEMBER}, password secret, PIN 123456"
    );
    say::line(format_args!("console {base}/console, portal {base}/portal\n{logins}\n"))?;
    say::line(format_args!("callbacks arrive here, and on {base}/demo\n"))?;
    serve::serve(data, &config, Some((tcp, Receiver::new(tries, logins)))).await
}
