//! Strangers: floods, slow readers and writers, bodies that are too large, wrong logins. Each goes on until
//! the process ends and counts what it did.

use super::member;
use crate::client::Connection;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Connections that send requests which are not let in.
const FLOODS: usize = 16;
/// Connections that hold what they can and give nothing.
const SLOW: usize = 300;
/// Connections that log in wrongly.
const LOGINS: usize = 4;

/// How often each kind did something, as told once a second.
#[derive(Default)]
pub(crate) struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Adds what an attack told.
    pub(crate) fn read(&mut self, told: &[u8]) {
        let told = String::from_utf8_lossy(told);
        // It was killed: its last line may be a half.
        let whole = told.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for part in whole.lines().last().unwrap_or_default().split(", ") {
            if let Some((kind, count)) = part.rsplit_once(' ') {
                *self.0.entry(kind.to_owned()).or_default() += count.parse::<u64>().unwrap_or(0);
            }
        }
    }

    pub(crate) fn told(&self) -> String {
        let parts: Vec<String> =
            self.0.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        parts.join(", ")
    }
}

/// The kinds, and how often each was done.
type Done = Arc<Mutex<BTreeMap<&'static str, u64>>>;

/// What strangers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Flood,
    Slow,
    Logins,
    Bodies,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Flood => "flood",
            Self::Slow => "slow",
            Self::Logins => "logins",
            Self::Bodies => "bodies",
        })
    }
}

/// What an attacker knows.
#[derive(Clone)]
struct Foe {
    address: SocketAddr,
    done: Done,
    turn: Arc<AtomicU64>,
}

impl Foe {
    fn did(&self, kind: &'static str) {
        let mut all = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(kind).or_default() += 1;
    }

    /// Does it again and again; what breaks is begun anew a little later.
    async fn again<F>(self, pause: Duration, what: impl Fn(Self) -> F)
    where
        F: Future<Output = std::io::Result<()>>,
    {
        loop {
            let _ = what(self.clone()).await;
            tokio::time::sleep(pause).await;
        }
    }
}

/// Attacks until it is killed: `flood` requests a second from strangers, and all the others.
pub(crate) async fn attack(address: SocketAddr, flood: u64, kinds: &[Kind]) -> anyhow::Result<()> {
    let of = |kind: Kind, many: usize| if kinds.contains(&kind) { many } else { 0 };
    let done = Done::default();
    let foe = Foe { address, done: done.clone(), turn: Arc::default() };
    let every = Duration::from_secs(1) * u32::try_from(FLOODS)? / u32::try_from(flood.max(1))?;
    for _ in 0..of(Kind::Flood, FLOODS) {
        tokio::spawn(foe.clone().again(Duration::from_millis(20), move |foe| knock(foe, every)));
    }
    for number in 0..of(Kind::Slow, SLOW) {
        tokio::spawn(foe.clone().again(Duration::from_secs(1), move |foe| hold(foe, number)));
    }
    for number in 0..of(Kind::Logins, LOGINS) {
        tokio::spawn(foe.clone().again(Duration::from_millis(100), move |foe| log_in(foe, number)));
    }
    for _ in 0..of(Kind::Bodies, 1) {
        tokio::spawn(foe.clone().again(Duration::from_secs(1), large));
    }
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let told = {
            let all = done.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>()
        };
        println!("{}", told.join(", "));
    }
}

/// Requests that are not let in, from one address and from many.
async fn knock(foe: Foe, every: Duration) -> std::io::Result<()> {
    let mut connection = Connection::open(foe.address).await.map_err(std::io::Error::other)?;
    let mut due = tokio::time::interval(every);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        let turn = foe.turn.fetch_add(1, Ordering::Relaxed);
        let real = member(turn);
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
        foe.did("requests not let in");
    }
}

/// A head that never ends, a body that never ends, an answer that is never read.
async fn hold(foe: Foe, number: usize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(foe.address).await?;
    foe.did("connections held");
    let head: &[u8] = match number % 3 {
        0 => b"GET /trx HTTP/1.1\r\nHost: x\r\n",
        1 => {
            b"POST /console/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
              Content-Length: 10000\r\n\r\n"
        }
        _ => &b"GET /assets/console.css HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100),
    };
    stream.write_all(head).await?;
    let mut piece = [0; 256];
    loop {
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
    foe.did(kind);
    Ok(())
}

async fn log_in(foe: Foe, number: usize) -> std::io::Result<()> {
    let turn = foe.turn.fetch_add(1, Ordering::Relaxed);
    let from = format!("100.{}.{}.{}", 64 + (turn >> 16 & 63), turn >> 8 & 255, turn & 255);
    let code = member(turn);
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
