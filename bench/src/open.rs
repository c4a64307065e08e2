//! Open loop: requests begin when the schedule says so, and latency counts from there, so that a
//! server that stalls cannot hide what waited behind the stall.

use crate::accepts::{Plan, buy, members};
use crate::client::Connection;
use crate::house::{House, code};
use crate::meter::{Measured, line};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Clients that wait for their turn; more than can be busy at once at any rate measured.
const CLIENTS: usize = 512;
/// An answer later than this is a failure.
const LATE: Duration = Duration::from_secs(5);

/// Members by popularity: the n-th is asked for 1/n as often as the first (Zipf).
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    #[allow(clippy::cast_precision_loss)] // some thousand members
    pub(crate) fn new(members: i64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=members).map(|n| {
            sum += 1.0 / n as f64;
            sum
        });
        Self(sums.collect())
    }

    /// The member of the n-th request, from 1.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn member(&self, number: u64) -> usize {
        let last = self.0.last().copied().unwrap_or_default();
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
        let point = mixed as f64 / (1u64 << 53) as f64 * last;
        self.0.partition_point(|sum| *sum < point) + 1
    }
}

/// The n-th request: one of a hundred repeats an older one, one of a hundred is refused.
fn target(zipf: &Zipf, base: u64, n: u64) -> String {
    let number = if n % 100 == 7 { n - 7 } else { n };
    let product = if n % 100 == 13 { "NONE" } else { "T1" };
    let member = i64::try_from(zipf.member(number)).unwrap_or(1);
    format!(
        "/trx?product={product}&dest=08{:010}&refID=o{base}-{number}&memberID={}&pin=123456&password=secret",
        number % 10_000_000_000,
        code(member)
    )
}

struct Outcome {
    measured: Measured,
    failed: u64,
}

async fn at_rate(
    address: SocketAddr,
    rate: u64,
    time: Duration,
    base: u64,
    zipf: Arc<Zipf>,
) -> anyhow::Result<Outcome> {
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now() + Duration::from_millis(100);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (next, zipf) = (next.clone(), zipf.clone());
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut mine = Outcome { measured: Measured::new()?, failed: 0 };
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let intended = began + Duration::from_nanos(n * 1_000_000_000 / rate);
                    if intended - began > time {
                        return anyhow::Ok(mine);
                    }
                    tokio::time::sleep_until(intended.into()).await;
                    let body = connection.get(&target(&zipf, base, n), "").await?;
                    let took = intended.elapsed();
                    let known = ["diproses", "status Sukses", "Kode produk salah"];
                    if took > LATE || !known.iter().any(|words| body.contains(words)) {
                        mine.failed += 1;
                    }
                    mine.measured.add(took);
                }
            })
        })
        .collect();
    let mut all = Outcome { measured: Measured::new()?, failed: 0 };
    for client in clients {
        let mine = client.await??;
        all.measured.merge(&mine.measured)?;
        all.failed += mine.failed;
    }
    all.measured.time = began.elapsed();
    Ok(all)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rates are small and positive
pub(crate) async fn measure(plan: &Plan, mut rates: Vec<u64>) -> anyhow::Result<()> {
    let zipf = Arc::new(Zipf::new(plan.members));
    let mut closed = None;
    if rates.is_empty() {
        let folder = tempfile::tempdir_in(&plan.folder)?;
        let house = House::new(folder.path(), plan.members).await?;
        let door = members(&house).await?;
        let knee = buy(plan, door.address).await?;
        let most = knee.rate() as u64;
        rates = vec![5_000, most / 2, most * 7 / 10, most * 9 / 10];
        line("closed loop, for comparison", &knee, None);
        closed = Some(knee);
    }
    for (base, rate) in (0..).zip(rates) {
        let folder = tempfile::tempdir_in(&plan.folder)?;
        let house = House::new(folder.path(), plan.members).await?;
        let door = members(&house).await?;
        let outcome = at_rate(door.address, rate, plan.time, base, zipf.clone()).await?;
        let name = format!("open loop at {rate}/s, {} failed", outcome.failed);
        line(&name, &outcome.measured, closed.as_ref());
        let most = Duration::from_micros(outcome.measured.latencies.max());
        println!("{:<44} slowest {:.1} ms", "", most.as_secs_f64() * 1e3);
    }
    Ok(())
}
