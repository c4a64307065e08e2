//! `serve`: opens the business, serves it, ends in order.

use crate::assemble::{House, WriterEnd};
use crate::config::Config;
use crate::data::DataDir;
use crate::door::Door;
use crate::export::{Export, keep_heads};
use crate::follow::follow;
use crate::mark::Marker;
use crate::play;
use crate::receiver::Receiver;
use crate::router::Router;
use crate::say;
use crate::storage::Storage;
use anyhow::{Context as _, anyhow};
use console::{Console, ConsoleSettings};
use engine::{Command, Loss, Parts, keep};
use gateway::{FoundKey, Gateway, GatewaySettings, KeyRing, Rates};
use ipnet::{IpNet, Ipv4Net};
use net::{Limits, Listener, ReloadingTls};
use office::Office;
use office::keep_in_step;
use reports::Reports;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use store::{Channel, Direction, JournalLine};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// How long the end waits for the writers.
const DRAIN: Duration = Duration::from_secs(3);
/// Whoever watches asks now and then.
const METRICS_CONNECTIONS: usize = 16;
/// How often it is looked whether new addresses of a member count.
const ADDRESSES_EVERY: Duration = Duration::from_secs(30);

fn log_to_stderr() {
    use std::io::IsTerminal as _;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("GERBANG_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second initialisation changes nothing.
    let _ = if std::io::stderr().is_terminal() {
        builder.compact().try_init()
    } else {
        builder.with_ansi(false).json().try_init()
    };
}

/// Serves until SIGTERM or ctrl-C. The demo brings a listener that is bound already, and the
/// member's own end.
pub(super) async fn serve(
    data: &DataDir,
    config: &Config,
    demo: Option<(TcpListener, Receiver)>,
) -> anyhow::Result<()> {
    log_to_stderr();
    config.check()?;
    let (house, ended) = House::open(data, config)?;
    tracing::info!(settings = %house.settings, "store opened");
    let house = Arc::new(house);
    let (tcp, receiver) = match demo {
        Some((tcp, receiver)) => (tcp, Some(receiver)),
        None => {
            let tcp = TcpListener::bind(config.listen).await;
            (tcp.with_context(|| format!("cannot listen on {}", config.listen))?, None)
        }
    };
    let tls = match (&config.tls_certificate, &config.tls_key) {
        (Some(certificate), Some(key)) => {
            Some(Arc::new(ReloadingTls::new(certificate.clone(), key.clone())?))
        }
        (None, _) | (_, None) => None,
    };
    let metrics = match config.metrics_listen {
        Some(at) => {
            let tcp = TcpListener::bind(at).await;
            Some(tcp.with_context(|| format!("cannot listen on {at} (metrics_listen)"))?)
        }
        None => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let address = tcp.local_addr()?;
    let door = tokio::spawn(Door::open(data)?.serve(house.clone()));
    if let Err(error) = house.office.sweep_sessions().await {
        tracing::warn!(error = %format!("{error:#}"), "old sessions could not be swept");
    }
    let (workers, lost) = house.work()?;
    let reports = Reports::open(&data.reports())?;
    let (handle, figures) = (house.handle.clone(), reports.clone());
    let following =
        kept(&house, ("the figures", Loss::Shows), move || follow(handle.clone(), figures.clone()));
    let sandbox = house.play(data, gateway_settings(config))?;
    // Behind a proxy that is named, people reach this over its TLS.
    let secure = tls.is_some() || !config.trusted_proxies.is_empty();
    let console = Console::new(
        house.office.clone(),
        reports,
        ConsoleSettings {
            trusted_proxies: config.trusted_proxies.clone(),
            secure,
            demo: receiver.as_ref().map(Receiver::logins),
            play: Some(sandbox.handle.clone()),
        },
    );
    let gateway = Gateway::with_keys(
        house.handle.clone(),
        house.office.suppliers.clone(),
        gateway_settings(config),
        Arc::new(Keys(house.office.clone())),
        Some(Arc::new(play::Door(sandbox))),
    );
    let speaker = receiver.clone();
    let (stop, stopped) = watch::channel(false);
    let limits = Limits {
        connections: seats(config.connections),
        per_address: config.connections_per_address,
        header_time: Duration::from_secs(config.header_seconds),
        ..Limits::default()
    };
    // Everybody comes through proxies, and what runs here may as well be one.
    let here: Vec<IpNet> = vec![
        Ipv4Net::new(Ipv4Addr::LOCALHOST, 8)?.into(),
        IpAddr::from(Ipv6Addr::LOCALHOST).into(),
    ];
    let exempt = [here, config.trusted_proxies.clone()].concat();
    let announced = if config.proxy_protocol { config.trusted_proxies.clone() } else { Vec::new() };
    let listener = Listener { tcp, tls, exempt, announced };
    let parts = house.handle.parts().clone();
    let router = Router::new(console, gateway.clone(), parts, secure).with(receiver);
    let answer = move |peer, request| router.clone().answer(peer, request);
    let figures =
        metrics.map(|tcp| tell_metrics(tcp, gateway.clone(), stopped.clone())).transpose()?;
    let server = tokio::spawn(net::serve(listener, limits, answer, stopped));
    let (handle, folder, least) = (house.handle.clone(), data.clone(), config.min_free_mb);
    let disk = kept(&house, ("the watch over the disk", Loss::Bars), move || {
        watch_disk(handle.clone(), folder.clone(), least)
    });
    let export = Export::of(&house.office.key, config)?;
    let handle = house.handle.clone();
    let printing = kept(&house, ("heads for others", Loss::Shows), move || {
        keep_heads(handle.clone(), export.clone())
    });
    let (handle, marker) = (house.handle.clone(), house.marker.clone());
    let marking =
        kept(&house, ("the mark", Loss::Shows), move || keep_mark(handle.clone(), marker.clone()));
    if house.handle.is_closed() {
        tracing::warn!(
            "restored and not opened: nothing is sold until the suppliers' statements were compared \
             and somebody says `gerbang restore --open` (docs/restore.md)"
        );
    }
    let office = house.office.clone();
    let prices = kept(&house, ("price lists", Loss::Shows), move || keep_in_step(office.clone()));
    let office = house.office.clone();
    let addresses = kept(&house, ("new addresses of members", Loss::Shows), move || {
        let_addresses_count(office.clone())
    });
    // Before anybody hears that it serves, so that it ends in order from then on.
    let signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let listening = format!("listening on {scheme}://{address}");
    match &speaker {
        Some(speaker) => speaker.say(&listening),
        // A server serves whether somebody reads its line or not.
        None => drop(say::line(listening)),
    }
    note(&house, "start").await;
    let result = match &speaker {
        None => until_told(signals, ended, lost, house.handle.parts()).await,
        Some(speaker) => tokio::select! {
            result = until_told(signals, ended, lost, house.handle.parts()) => result,
            () = speaker.unheard() => Ok(()),
        },
    };
    tracing::info!("draining");
    gateway.drain();
    workers.stop();
    let _ = stop.send(true);
    server.await.context("the listener broke")?;
    if let Some(figures) = figures {
        figures.abort();
    }
    door.abort();
    following.abort();
    disk.abort();
    printing.abort();
    marking.abort();
    prices.abort();
    addresses.abort();
    if result.is_ok() {
        // The queue is in order: when this line is written, everything before it is.
        note(&house, "stop").await;
    }
    // What a stopped writer turned away is told before the end, too.
    let _ = tokio::time::timeout(DRAIN, house.handle.drained()).await;
    let lines = house.handle.lost_lines();
    if lines > 0 {
        tracing::error!(lines, "journal lines of this run are in the log only");
    }
    mark(&house.handle, &house.marker).await;
    if result.is_ok() {
        Storage::of(data, config).rest();
    }
    result
}

/// Serves `/metrics` on a listener of its own.
fn tell_metrics(
    tcp: TcpListener,
    gateway: Gateway,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<JoinHandle<()>> {
    let address = tcp.local_addr()?;
    tracing::info!(%address, "metrics");
    drop(say::line(format!("metrics on http://{address}/metrics")));
    let limits = Limits { connections: METRICS_CONNECTIONS, ..Limits::default() };
    let answer = move |_, request: http::Request<hyper::body::Incoming>| {
        let gateway = gateway.clone();
        async move { gateway.answer_metrics(&request).await }
    };
    Ok(tokio::spawn(net::serve(Listener::plain(tcp), limits, answer, stopped)))
}

/// A task beside everything else; one that breaks is noticed and started again.
fn kept<F: Future<Output = ()> + Send + 'static>(
    house: &House,
    part: (&'static str, Loss),
    make: impl Fn() -> F + Send + Sync + 'static,
) -> JoinHandle<()> {
    tokio::spawn(keep(house.handle.parts().clone(), part, || false, make))
}

/// As many connections as are wanted, or as the limit of open files leaves.
fn seats(wanted: usize) -> usize {
    let descriptors = net::raise_descriptors();
    let seats = descriptors.connections(wanted);
    if seats < wanted {
        let most = descriptors.most();
        tracing::warn!(
            wanted,
            seats,
            open_files = most,
            "fewer connections than configured: the limit of open files (ulimit -n, LimitNOFILE) \
             leaves no more beside suppliers, callbacks and the database"
        );
    }
    seats
}

/// Keys of members, as the office keeps them.
struct Keys(Arc<Office>);

impl KeyRing for Keys {
    fn find<'a>(&'a self, key: &'a str) -> FoundKey<'a> {
        Box::pin(async move {
            match self.0.key_secret(key).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(error = %format!("{error:#}"), "a key could not be read");
                    None
                }
            }
        })
    }
}

fn gateway_settings(config: &Config) -> GatewaySettings {
    GatewaySettings {
        trusted_proxies: config.trusted_proxies.clone(),
        rates: Rates {
            member: NonZeroU32::new(config.requests_per_second_per_member),
            address: NonZeroU32::new(config.requests_per_second_per_address),
            unknown: NonZeroU32::new(config.unknown_per_minute_per_address),
        },
        category_aliases: config
            .category_aliases
            .iter()
            .map(|(name, meant)| (wire::slug(name), meant.iter().map(|c| wire::slug(c)).collect()))
            .collect(),
        one_answer: config.one_answer_for_wrong_credentials,
        sandbox: false,
    }
}

/// New addresses of members count when their time has come.
async fn let_addresses_count(office: Arc<Office>) {
    loop {
        if let Err(error) = office.apply_due_addresses().await {
            tracing::warn!(error = %format!("{error:#}"), "addresses that are due");
        }
        tokio::time::sleep(ADDRESSES_EVERY).await;
    }
}

/// A signal ends in order; a writer that stopped ends with its error.
async fn until_told(
    [mut term, mut interrupt]: [Signal; 2],
    ended: WriterEnd,
    lost: oneshot::Receiver<String>,
    parts: &Parts,
) -> anyhow::Result<()> {
    tokio::select! {
        _ = term.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        ended = ended => match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(anyhow!("the writer stopped: {error}")),
            Err(_) => Err(anyhow!("the writer broke; see the log")),
        },
        Ok(why) = lost => Err(anyhow!(why)),
        why = parts.given_up() => Err(anyhow!(why)),
    }
}

/// The mark follows the journal closely: what is older than it by more than this is noticed.
const MARK_EVERY: Duration = Duration::from_secs(5);

async fn keep_mark(handle: engine::Handle, marker: Arc<Marker>) {
    loop {
        mark(&handle, &marker).await;
        tokio::time::sleep(MARK_EVERY).await;
    }
}

/// A mark that cannot be written notices less; numbers are never given out without it.
async fn mark(handle: &engine::Handle, marker: &Arc<Marker>) {
    let (marker, now) = (marker.clone(), handle.now().utc);
    let noted = handle.reads().ask(move |reads| {
        let heads = reads.heads().map_err(|error| error.to_string())?;
        marker.note(&heads, now).map_err(|error| error.to_string())
    });
    if let Ok(Err(error)) = noted.await {
        tracing::warn!(error, "the mark could not be written");
    }
}

/// Starts and stops are in the journal, so that an inspector sees when nobody was served.
///
/// A store that is busy at this moment is no reason to end.
async fn note(house: &House, what: &str) {
    let line = JournalLine {
        at: house.handle.now().utc,
        direction: Direction::In,
        channel: Channel::Admin,
        peer: "operator".to_owned(),
        member: None,
        trx: None,
        request: format!("{what} of gerbang {}", env!("CARGO_PKG_VERSION")),
        reply: String::new(),
        status: what.to_owned(),
        millis: 0,
        stamps: Vec::new(),
    };
    if house.handle.submit_patiently(Command::Note(Box::new(line))).await.is_err() {
        tracing::warn!(what, "the journal has no line of it");
    }
}

/// Refuses purchases before anything is taken while the disk is almost full.
async fn watch_disk(handle: engine::Handle, data: DataDir, min_free_mb: u64) {
    loop {
        let free = rustix::fs::statvfs(data.path())
            .map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize) / 1_048_576);
        if let Ok(free) = free {
            let full = free < min_free_mb;
            if full != handle.is_full() {
                tracing::warn!(free_mb = free, full, "disk space");
            }
            handle.set_full(full);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
