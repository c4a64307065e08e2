//! Members that buy at an even pace, whatever else goes on; each answer is timed from when its request was
//! due.

use crate::business::{PASSWORD, PIN};
use crate::client::Connection;
use crate::demo::MEMBER;
use crate::meter::Measured;
use anyhow::bail;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Purchases that can be under way at one time.
const LINES: usize = 32;
/// Tries of one purchase until it is taken, with its reference.
const TRIES: u32 = 200;

/// Who buys.
#[derive(Clone)]
pub(crate) struct Buyers {
    pub(crate) address: SocketAddr,
    /// Purchases a second.
    pub(crate) rate: u64,
    /// Fields of the query and headers of the buyer of the n-th purchase.
    pub(crate) buyer: fn(u64) -> (String, String),
    /// The next purchase; references follow from it.
    pub(crate) next: Arc<AtomicU64>,
}

/// A member of the demo, as it comes.
pub(crate) fn demo(_: u64) -> (String, String) {
    (format!("memberID={MEMBER}&pin=123456&password=secret"), String::new())
}

/// One of ten members of a business of one's own.
pub(crate) fn ten(number: u64) -> (String, String) {
    let member = 1 + number % 10;
    (format!("memberID=OK{member:05}&pin={PIN}&password={PASSWORD}"), String::new())
}

/// What was measured at the members.
pub(crate) struct Piece {
    pub(crate) bought: Measured,
    /// References that were taken.
    pub(crate) taken: Vec<String>,
    /// How often one was told to come again.
    pub(crate) again: u64,
}

impl Piece {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { bought: Measured::new()?, taken: Vec::new(), again: 0 })
    }
}

/// The purchase of a number.
pub(crate) fn target(buyer: &str, number: u64) -> String {
    format!("/trx?product=T1&dest=0896{:08}&refID=s{number}&{buyer}", number % 100_000_000)
}

impl Buyers {
    /// Buys for this time; requests that are due do not wait for others.
    pub(crate) async fn buy(&self, time: Duration) -> anyhow::Result<Piece> {
        self.until(move |at| at >= time).await
    }

    /// Buys until it is told to stop.
    pub(crate) fn begin(&self) -> (Arc<AtomicBool>, JoinHandle<anyhow::Result<Piece>>) {
        let (stop, buyers) = (Arc::new(AtomicBool::new(false)), self.clone());
        let over = stop.clone();
        let task = async move { buyers.until(move |_| over.load(Ordering::Relaxed)).await };
        (stop, tokio::spawn(task))
    }

    async fn until(
        &self,
        is_over: impl Fn(Duration) -> bool + Clone + Send + 'static,
    ) -> anyhow::Result<Piece> {
        let mut open = Vec::new();
        for _ in 0..LINES {
            open.push(Connection::open(self.address).await?);
        }
        let (began, due) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let mut lines: Vec<JoinHandle<anyhow::Result<Piece>>> = Vec::new();
        for mut connection in open {
            let (buyers, due, is_over) = (self.clone(), due.clone(), is_over.clone());
            lines.push(tokio::spawn(async move {
                let mut piece = Piece::new()?;
                loop {
                    let turn = due.fetch_add(1, Ordering::Relaxed);
                    let at = Duration::from_nanos(turn * 1_000_000_000 / buyers.rate);
                    // Looked at twice: the end may come while one waits.
                    if is_over(at) {
                        return Ok(piece);
                    }
                    tokio::time::sleep_until((began + at).into()).await;
                    if is_over(at) {
                        return Ok(piece);
                    }
                    buyers.one(&mut connection, began + at, &mut piece).await?;
                }
            }));
        }
        let mut all = Piece::new()?;
        for line in lines {
            let piece = line.await??;
            all.bought.merge(piece.bought)?;
            all.taken.extend(piece.taken);
            all.again += piece.again;
        }
        all.bought.time = began.elapsed();
        Ok(all)
    }

    async fn one(
        &self,
        connection: &mut Connection,
        due: Instant,
        piece: &mut Piece,
    ) -> anyhow::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (buyer, headers) = (self.buyer)(number);
        let (reference, target) = (format!("s{number}"), target(&buyer, number));
        for _ in 0..TRIES {
            match connection.get(&target, &headers).await {
                Ok(body) if body.contains("akan diproses") || body.contains("sudah pernah") => {
                    piece.bought.add(due.elapsed());
                    piece.taken.push(reference);
                    return Ok(());
                }
                Ok(body) if body.contains("GAGAL") => bail!("{reference}: {body}"),
                Ok(_) => {
                    piece.again += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(_) => {
                    piece.again += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    *connection = Connection::open(self.address).await?;
                }
            }
        }
        bail!("{reference} was not taken in {TRIES} tries")
    }
}
