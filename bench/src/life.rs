//! The whole life over sockets, all on one machine: accepted, bought at the simulator over HTTP, its
//! callback taken, settled, and told to the member's receiver over HTTP.

use crate::accepts::{Plan, buy, listen, members};
use crate::house::House;
use crate::meter::line;
use anyhow::Context as _;
use engine::{CallbackDoor, Gate, Port};
use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use net::{Guard, Outgoing, OutgoingLimits};
use simulator::{Plan as Fate, Simulator};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use suppliers::{OkeconnectConnector, OkeconnectSettings};
use tokio::net::TcpListener;
use types::SupplierCode;
use wire::Secret;

/// Requests under way at the simulator.
const AT_ONCE: usize = 512;

fn connector(base: &str) -> anyhow::Result<OkeconnectConnector> {
    let account = OkeconnectSettings::new(base, "OK1", "1", "2");
    OkeconnectConnector::new(OkeconnectSettings { ref_prefix: "g-".to_owned(), ..account })
        .map_err(anyhow::Error::msg)
}

pub(crate) async fn measure(plan: &Plan) -> anyhow::Result<()> {
    let told = Arc::new(AtomicU64::new(0));
    let heard = told.clone();
    let receiver = listen(move |_, _| {
        heard.fetch_add(1, Ordering::Relaxed);
        async { Response::new(Full::new(Bytes::from_static(b"OK"))) }
    })
    .await?;
    let folder = tempfile::tempdir_in(&plan.folder)?;
    let guard = Guard { open: true, ..Guard::default() };
    let outgoing = Outgoing::new(guard, OutgoingLimits::default())?;
    let callback = format!("http://{}/h2h", receiver.address);
    let house = House::over_http(folder.path(), plan.members, &outgoing, &callback).await?;
    let simulator = Simulator::start(TcpListener::bind("127.0.0.1:0").await?, Fate::default())?;
    let own = connector(&format!("http://{}", simulator.address))?;
    let supplier = SupplierCode::parse("sandbox")?;
    let port = Port {
        gate: Gate::new(AT_ONCE, None),
        callback: Some(CallbackDoor { secret: Secret::new("hush"), ips: Vec::new() }),
        ..Port::new(Arc::new(own), Arc::new(outgoing))
    };
    house.ports.insert(supplier, port);
    house.workers.start();
    let door = members(&house).await?;
    simulator.call_back(&format!("http://{}/callback/sandbox/hush", door.address));
    let began = Instant::now();
    let accepted = buy(plan, door.address).await?;
    line("accepted while everything else goes on", &accepted, None);
    // What came in goes out: until the last one is told.
    let deadline = Instant::now() + Duration::from_secs(120);
    while told.load(Ordering::Relaxed) < accepted.count {
        anyhow::ensure!(Instant::now() < deadline, "not everything is told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    #[allow(clippy::cast_precision_loss)] // some ten thousand
    let rate = accepted.count as f64 / began.elapsed().as_secs_f64();
    println!("{:<44} {rate:>10.0}/s", "whole lives, from the first to the last told");
    let counts = house.handle.reads().ask(|reads| reads.counts()).await.context("busy")??;
    anyhow::ensure!(counts.pending == 0, "{} are still pending", counts.pending);
    Ok(())
}
