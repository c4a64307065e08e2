//! Durable accepts per second.

use crate::client;
use crate::house::{House, code, server};
use crate::meter::{Measured, line, median};
use anyhow::Context as _;
use domain::BuyRequest;
use engine::{Answer, Asked, Command};
use gateway::{Gateway, GatewaySettings};
use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use net::{Limits, Listener};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use types::{Dest, MemberId, ProductCode, RefId};

pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) members: i64,
    pub(crate) time: Duration,
    pub(crate) rounds: usize,
    pub(crate) folder: PathBuf,
    /// One member makes half of the traffic.
    pub(crate) half: bool,
}

/// References never repeat, over all rounds.
pub(crate) static NEXT: AtomicU64 = AtomicU64::new(1);

pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    std::fs::create_dir_all(&plan.folder)?;
    let hello =
        listen(|_, _| async { Response::new(Full::new(Bytes::from_static(b"hello"))) }).await?;
    let (mut syncs, mut hellos, mut direct, mut http, mut lives) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut settings = String::new();
    let mut told = Vec::new();
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let folder = tempfile::tempdir_in(&plan.folder)?;
        syncs.push(syncs_of(folder.path())?);
        hellos.push(ask_hello(plan, hello.address).await?);
        // Every measurement begins with an empty business.
        let house = House::new(folder.path(), plan.members).await?;
        direct.push(ask_writer(plan, &house).await?);
        settings.clone_from(&house.settings);
        drop((house, folder));

        let folder = tempfile::tempdir_in(&plan.folder)?;
        let house = House::new(folder.path(), plan.members).await?;
        let door = members(&house).await?;
        http.push(buy(plan, door.address).await?);
        drop((door, house, folder));

        let folder = tempfile::tempdir_in(&plan.folder)?;
        let house = House::new(folder.path(), plan.members).await?;
        house.workers.start();
        let door = members(&house).await?;
        let measured = buy(plan, door.address).await?;
        told.push(house.told() * 1_000 / u64::try_from(measured.time.as_millis())?);
        lives.push(measured);
        house.workers.stop();
    }
    let cores = std::thread::available_parallelism()?;
    println!(
        "{} connections, {} members, {} rounds of {} s, {cores} cores, {settings}\n",
        plan.connections,
        plan.members,
        plan.rounds,
        plan.time.as_secs(),
    );
    let (sync, hello) = (median(syncs), median(hellos));
    let base = hello.as_ref();
    for (name, measured) in [
        ("append 4 KiB and sync, one after the other", sync.as_ref()),
        ("HTTP, \"hello\"", base),
        ("writer without HTTP, durable", median(direct).as_ref()),
        ("HTTP purchases, durable", median(http).as_ref()),
        ("the same while they are sent and told", median(lives).as_ref()),
    ] {
        if let Some(measured) = measured {
            line(name, measured, base);
        }
    }
    told.sort_unstable();
    println!("{:<44} {:>10}/s", "  of them told to the member", told[told.len() / 2]);
    if let Some(server) = server() {
        let seconds = plan.time.as_secs() * u64::try_from(plan.rounds)?;
        let rate = server.pgbench(32, seconds)?;
        println!("{:<44} {rate:>10.0}/s", "pgbench -N, 32 clients, same server");
    }
    Ok(())
}

/// Another server's purchases; references do not repeat, also not over runs.
pub(crate) async fn foreign(plan: &Plan, address: SocketAddr) -> anyhow::Result<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    NEXT.store(now.as_secs() << 20, Ordering::Relaxed);
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        rounds.push(buy(plan, address).await?);
    }
    if let Some(measured) = median(rounds) {
        line("purchases there", &measured, None);
    }
    Ok(())
}

/// The member protocol in front of a business.
pub(crate) async fn members(house: &House) -> anyhow::Result<Listening> {
    let gateway =
        Gateway::new(house.handle.clone(), house.ports.clone(), GatewaySettings::default());
    listen(move |peer, request| {
        let gateway = gateway.clone();
        async move { gateway.answer(peer, request).await }
    })
    .await
}

pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    /// Serves as long as it is kept.
    _stop: watch::Sender<bool>,
}

pub(crate) async fn listen<H, F>(handler: H) -> anyhow::Result<Listening>
where
    H: Fn(SocketAddr, http::Request<hyper::body::Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    let address = tcp.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(net::serve(Listener::plain(tcp), Limits::default(), handler, stopped));
    Ok(Listening { address, _stop: stop })
}

/// What this disk can do at all.
fn syncs_of(folder: &Path) -> anyhow::Result<Measured> {
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let mut measured = Measured::new()?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        let start = Instant::now();
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
        measured.add(start.elapsed());
    }
    measured.time = began.elapsed();
    Ok(measured)
}

async fn ask_hello(plan: &Plan, address: SocketAddr) -> anyhow::Result<Measured> {
    let target = |_, _| "/trx?product=T1&dest=089660522887&refID=1".to_owned();
    client::load(address, plan.connections, plan.time, "hello", "", target).await
}

pub(crate) async fn buy(plan: &Plan, address: SocketAddr) -> anyhow::Result<Measured> {
    let (members, half) = (plan.members, plan.half);
    let target = move |_, _| {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let own = i64::try_from(number).unwrap_or_default() % members + 1;
        let member = if half && number.is_multiple_of(2) { 1 } else { own };
        format!(
            "/trx?product=T1&dest=08{:010}&refID=b{number}&memberID={}&pin=123456&password=secret",
            number % 10_000_000_000,
            code(member)
        )
    };
    client::load(address, plan.connections, plan.time, "akan diproses", "", target).await
}

async fn ask_writer(plan: &Plan, house: &House) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let (time, members) = (plan.time, plan.members);
    let tasks: Vec<_> = (0..plan.connections)
        .map(|_| {
            let handle = house.handle.clone();
            tokio::spawn(async move {
                let mut measured = Measured::new()?;
                while began.elapsed() < time {
                    let number = NEXT.fetch_add(1, Ordering::Relaxed);
                    let member = i64::try_from(number)? % members + 1;
                    let command = Command::Buy {
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
                    };
                    let sent = Instant::now();
                    let answer = handle.submit(command).await?;
                    let Answer::Bought(bought) = answer else { anyhow::bail!("{answer:?}") };
                    anyhow::ensure!(bought.code == "accepted", "{}", bought.text);
                    measured.add(sent.elapsed());
                }
                Ok(measured)
            })
        })
        .collect();
    let mut all = Measured::new()?;
    for task in tasks {
        all.merge(&task.await.context("a task broke")??)?;
    }
    all.time = began.elapsed();
    Ok(all)
}
