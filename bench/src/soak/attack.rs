//! Strangers: floods, slow readers and writers, bodies that are too large, wrong logins. Each goes on until
//! told to stop and counts what it did.

use super::shop::member;
use crate::client::Connection;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Connections that send requests which are not let in.
const FLOODS: usize = 16;
/// Connections that hold what they can and give nothing.
const SLOW: usize = 300;
/// Connections that log in wrongly.
const LOGINS: usize = 4;

/// How often each kind did something.
#[derive(Clone, Default)]
pub(crate) struct Counts(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Counts {
    fn add(&self, kind: &'static str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(kind).or_default() += 1;
    }

    pub(crate) fn told(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parts: Vec<String> =
            all.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        parts.join(", ")
    }
}

/// What an attacker knows.
#[derive(Clone)]
struct Foe {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    counts: Counts,
    turn: Arc<AtomicU64>,
}

impl Foe {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Does it again and again; what breaks is begun anew a little later.
    async fn again<F>(self, pause: Duration, what: impl Fn(Self) -> F)
    where
        F: Future<Output = std::io::Result<()>>,
    {
        while self.goes_on() {
            let _ = what(self.clone()).await;
            tokio::time::sleep(pause).await;
        }
    }
}

/// Everybody attacks while this lives.
pub(crate) struct Attack {
    stop: Arc<AtomicBool>,
    all: JoinSet<()>,
}

impl Attack {
    /// `flood` requests a second from strangers, and all the others.
    pub(crate) fn begin(address: SocketAddr, flood: u64, counts: &Counts) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let foe = Foe { address, stop: stop.clone(), counts: counts.clone(), turn: Arc::default() };
        let mut all = JoinSet::new();
        let every = Duration::from_secs(1) * u32::try_from(FLOODS).unwrap_or(1)
            / u32::try_from(flood.max(1)).unwrap_or(u32::MAX);
        for _ in 0..FLOODS {
            all.spawn(foe.clone().again(Duration::from_millis(20), move |foe| knock(foe, every)));
        }
        for number in 0..SLOW {
            all.spawn(foe.clone().again(Duration::from_secs(1), move |foe| hold(foe, number)));
        }
        for number in 0..LOGINS {
            all.spawn(
                foe.clone().again(Duration::from_millis(100), move |foe| log_in(foe, number)),
            );
        }
        all.spawn(foe.again(Duration::from_secs(1), large));
        Self { stop, all }
    }

    pub(crate) async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Who waits for an answer that never comes is not waited for.
        self.all.abort_all();
        while self.all.join_next().await.is_some() {}
    }
}

/// Requests that are not let in, from one address and from many.
async fn knock(foe: Foe, every: Duration) -> std::io::Result<()> {
    let mut connection = Connection::open(foe.address).await.map_err(std::io::Error::other)?;
    let mut due = tokio::time::interval(every);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while foe.goes_on() {
        due.tick().await;
        let turn = foe.turn.fetch_add(1, Ordering::Relaxed);
        let real = member(usize::try_from(turn).unwrap_or_default());
        let target = match turn % 6 {
            0 => format!(
                "/trx?product=T1&dest=0812&refID=f{turn}&memberID=NO{turn}&pin=1&password=2"
            ),
            1 => {
                format!("/trx?product=T1&dest=0812&refID=f{turn}&memberID={real}&pin=1&password=2")
            }
            2 => format!("/harga/json?id={turn}"),
            3 => format!("/callback/sim/wrong{turn}"),
            4 => "/v1/balance".to_owned(),
            _ => format!("/trx/balance?memberID={}&pin=1&password=2", "x".repeat(2_000)),
        };
        let from = match turn % 2 {
            0 => "203.0.113.9".to_owned(),
            _ => format!("100.{}.{}.{}", turn >> 16 & 63, turn >> 8 & 255, turn & 255),
        };
        let headers = format!("X-Forwarded-For: {from}\r\n");
        connection.get(&target, &headers).await.map_err(std::io::Error::other)?;
        foe.counts.add("requests not let in");
    }
    Ok(())
}

/// A head that never ends, a body that never ends, an answer that is never read.
async fn hold(foe: Foe, number: usize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(foe.address).await?;
    foe.counts.add("connections held");
    let head: &[u8] = match number % 3 {
        0 => b"GET /trx HTTP/1.1\r\nHost: x\r\n",
        1 => {
            b"POST /console/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
              Content-Length: 10000\r\n\r\n"
        }
        _ => &b"GET /console/static/console.css HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200),
    };
    stream.write_all(head).await?;
    let mut piece = [0; 256];
    while foe.goes_on() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        match number % 3 {
            0 => stream.write_all(b"X: y\r\n").await?,
            1 => stream.write_all(b"a").await?,
            // Some of it, so that it does not look dead.
            _ => {
                if stream.read(&mut piece).await? == 0 {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn post(
    foe: &Foe,
    target: &str,
    from: &str,
    body: &[u8],
    kind: &'static str,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(foe.address).await?;
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: {from}\r\n\
         Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    // Who refuses closes in the middle, which is an answer.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    foe.counts.add(kind);
    Ok(())
}

async fn log_in(foe: Foe, number: usize) -> std::io::Result<()> {
    let turn = foe.turn.fetch_add(1, Ordering::Relaxed);
    let from = format!("100.{}.{}.{}", 64 + (turn >> 16 & 63), turn >> 8 & 255, turn & 255);
    let code = member(number);
    let (target, body) = match number % 2 {
        0 => ("/console/login", format!("login=owner&password=wrong-{turn}&code=")),
        _ => ("/portal/login", format!("member={code}&password=wrong-{turn}&pin=1")),
    };
    post(&foe, target, &from, body.as_bytes(), "wrong logins").await
}

async fn large(foe: Foe) -> std::io::Result<()> {
    let body = vec![b'a'; 8 * 1024 * 1024];
    for target in ["/trx", "/console/login", "/console/products/import", "/v1/purchases"] {
        post(&foe, target, "203.0.113.10", &body, "bodies of 8 MiB").await?;
    }
    Ok(())
}
