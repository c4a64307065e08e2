//! `serve` and `demo`.

use crate::assemble::House;
use crate::books::{self, NewMember};
use crate::config::Config;
use crate::data::DataDir;
use anyhow::{Context as _, bail};
use gateway::{Gateway, GatewaySettings, Rates};
use net::{Limits, Listener, ReloadingTls};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::CatalogChange;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use types::{MemberCode, Rupiah};

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

/// Serves until SIGTERM or ctrl-C; `bound` is a listener that is already there.
pub(crate) async fn serve(
    data: &DataDir,
    config: &Config,
    bound: Option<TcpListener>,
) -> anyhow::Result<()> {
    log_to_stderr();
    config.check()?;
    if !data.exists() {
        bail!("there is no business in {}; `gerbang init` creates one", data.path().display());
    }
    let mut house = House::open(data, config)?;
    tracing::info!(settings = %house.settings, "store opened");
    let tcp = match bound {
        Some(tcp) => tcp,
        None => TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?,
    };
    let tls = match (&config.tls_certificate, &config.tls_key) {
        (Some(certificate), Some(key)) => {
            Some(Arc::new(ReloadingTls::new(certificate.clone(), key.clone())?))
        }
        (None, _) | (_, None) => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let address = tcp.local_addr()?;
    let workers = house.work(config).await?;
    let settings = GatewaySettings {
        trusted_proxies: config.trusted_proxies.clone(),
        rates: Rates {
            member: config.requests_per_second_per_member,
            address: config.requests_per_second_per_address,
        },
    };
    let gateway = Gateway::new(house.handle.clone(), settings);
    let (stop, stopped) = watch::channel(false);
    let limits = Limits {
        connections: config.connections,
        header_time: Duration::from_secs(config.header_seconds),
        ..Limits::default()
    };
    let door = gateway.clone();
    let server = tokio::spawn(net::serve(
        Listener { tcp, tls },
        limits,
        move |peer, request| {
            let door = door.clone();
            async move { door.answer(peer, request).await }
        },
        stopped,
    ));
    let disk = tokio::spawn(watch_disk(house.handle.clone(), data.clone(), config.min_free_mb));
    println!("listening on {scheme}://{address}");
    let (mut term, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let result = tokio::select! {
        _ = term.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        ended = &mut house.ended => match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(anyhow::anyhow!("the writer stopped: {error}")),
            Err(_) => Err(anyhow::anyhow!("the writer broke; see the log")),
        },
    };
    tracing::info!("draining");
    gateway.drain();
    workers.stop();
    let _ = stop.send(true);
    disk.abort();
    server.await.context("the listener broke")?;
    result
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

/// The seed's member, products and balance.
async fn create_demo(data: &DataDir, config: &Config, callback: String) -> anyhow::Result<()> {
    data.create()?;
    let house = House::open(data, config)?;
    let mut changes = vec![
        CatalogChange::Level(books::first_level("905ccd028329b0a")?),
        CatalogChange::Supplier(books::sandbox_supplier()?),
    ];
    changes.extend(books::demo_goods()?);
    house.change(changes).await?;
    let code = MemberCode::parse("OK00123")?;
    house
        .add_member(NewMember {
            code: code.clone(),
            name: "Demo".to_owned(),
            pin: "123456".to_owned(),
            password: "secret".to_owned(),
            callback_url: Some(callback),
            ip_allow: Vec::new(),
        })
        .await?;
    house.credit(&code, Rupiah::new(279_655), "demo".to_owned()).await?;
    Ok(())
}

pub(crate) async fn demo(
    data: &DataDir,
    mut config: Config,
    listen: SocketAddr,
) -> anyhow::Result<()> {
    config.listen = listen;
    config.check()?;
    config.callback_allow.push("127.0.0.0/8".parse()?);
    let receiver = TcpListener::bind("127.0.0.1:0").await?;
    let callback = format!("http://{}/callback", receiver.local_addr()?);
    if !data.exists() {
        create_demo(data, &config, callback).await?;
    }
    tokio::spawn(print_callbacks(receiver));
    let tcp = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; try --listen 127.0.0.1:0"))?;
    let base = format!("http://{}", tcp.local_addr()?);
    let who = "memberID=OK00123&pin=123456&password=secret";
    println!("member OK00123, PIN 123456, password secret. Try:\n");
    for (what, query) in [
        ("buy", format!("trx?product=T1&dest=089660522887&refID=114&{who}")),
        (
            "open denomination",
            format!("trx?product=BBSDN&dest=085736044280&qty=12345&refID=7777&{who}"),
        ),
        ("check", format!("trx?product=T1&dest=089660522887&refID=114&{who}&check=1")),
        ("balance", format!("trx/balance?{who}")),
        ("prices", "harga/json?id=905ccd028329b0a".to_owned()),
    ] {
        println!("# {what}\ncurl '{base}/{query}'\n");
    }
    serve(data, &config, Some(tcp)).await
}

/// The demo member's own end: prints every callback it gets.
async fn print_callbacks(listener: TcpListener) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut bytes = vec![0; 8_192];
            let Ok(count) = stream.read(&mut bytes).await else { return };
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            let query = text.split([' ', '?']).nth(2).unwrap_or_default();
            if let Some((_, message)) = wire::callback_query(query.as_bytes()) {
                println!("callback: {message}");
            }
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
                .await;
        });
    }
}
