//! Members that buy at an even pace, whatever else goes on; each answer is timed from when its request was
//! due.

use super::shop::{MEMBERS, PASSWORD, PIN, member};
use crate::client::Connection;
use crate::meter::Measured;
use anyhow::bail;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Tries of one purchase until it is taken, with its reference.
const TRIES: u32 = 200;

/// What a piece of the soak measured at its members.
pub(crate) struct Piece {
    pub(crate) bought: Measured,
    /// References that were taken.
    pub(crate) taken: Vec<String>,
    /// How often one was told to come again.
    pub(crate) again: u64,
}

/// Buys `rate` a second for `time`; requests that are due do not wait for others.
pub(crate) async fn buy(
    address: SocketAddr,
    (rate, lines): (u64, usize),
    time: Duration,
    next: &Arc<AtomicU64>,
) -> anyhow::Result<Piece> {
    let began = Instant::now();
    let due = Arc::new(AtomicU64::new(0));
    let lines: Vec<JoinHandle<anyhow::Result<Piece>>> = (0..lines)
        .map(|_| {
            let (due, next) = (due.clone(), next.clone());
            tokio::spawn(async move {
                let mut piece = Piece { bought: Measured::new()?, taken: Vec::new(), again: 0 };
                let mut connection = Connection::open(address).await?;
                loop {
                    let turn = due.fetch_add(1, Ordering::Relaxed);
                    let at = began
                        + Duration::from_secs(1) * u32::try_from(turn)? / u32::try_from(rate)?;
                    if at.duration_since(began) >= time {
                        return Ok(piece);
                    }
                    tokio::time::sleep_until(at.into()).await;
                    let reference = format!("s{}", next.fetch_add(1, Ordering::Relaxed));
                    one(&mut connection, address, &reference, at, &mut piece).await?;
                }
            })
        })
        .collect();
    let mut all = Piece { bought: Measured::new()?, taken: Vec::new(), again: 0 };
    for line in lines {
        let piece = line.await??;
        all.bought.merge(&piece.bought)?;
        all.taken.extend(piece.taken);
        all.again += piece.again;
    }
    all.bought.time = began.elapsed();
    Ok(all)
}

async fn one(
    connection: &mut Connection,
    address: SocketAddr,
    reference: &str,
    due: Instant,
    piece: &mut Piece,
) -> anyhow::Result<()> {
    let number: usize = reference.trim_start_matches('s').parse()?;
    let code = member(number);
    let target = format!(
        "/trx?product=T1&dest=0896{:08}&refID={reference}&memberID={code}&pin={PIN}&password={PASSWORD}",
        number % 100_000_000
    );
    let headers = format!("X-Forwarded-For: 198.51.100.{}\r\n", number % MEMBERS);
    for _ in 0..TRIES {
        match connection.get(&target, &headers).await {
            Ok(body) if body.contains("akan diproses") || body.contains("sudah pernah") => {
                piece.bought.add(due.elapsed());
                piece.taken.push(reference.to_owned());
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
                *connection = Connection::open(address).await?;
            }
        }
    }
    bail!("{reference} was not taken in {TRIES} tries")
}
