//! Open loop: requests begin when the schedule says so, and latency counts from there, so that a
//! server that stalls cannot hide what waited behind the stall.

use crate::Plan;
use crate::accepts::buy;
use crate::business::{BALANCES, HIGH_RATE, Serving, TAKEN, Wanted, purchase, who};
use crate::client::{Ask, Connection, Right, watch};
use crate::meter::Measured;
use crate::process::Served;
use crate::table::{Table, head};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Clients that wait for their turn; more than can be busy at once at any rate measured.
const CLIENTS: usize = 512;
/// An answer later than this is wrong.
const LATE: Duration = Duration::from_secs(5);
const CLOSED: &str = "closed loop, for comparison";
/// To what is bought again, or was bought the moment before.
const AGAIN: Right = Right::Says(&["akan diproses", "status Sukses", "status Gagal"]);
const REFUSED: Right = Right::Says(&["Kode produk salah"]);

/// Members by popularity: the n-th is asked for 1/n as often as the first (Zipf).
struct Zipf(Vec<f64>);

impl Zipf {
    #[allow(clippy::cast_precision_loss)] // some thousand members
    fn new(members: i64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=members).map(|n| {
            sum += 1.0 / n as f64;
            sum
        });
        Self(sums.collect())
    }

    /// The member of the n-th request, from 1.
    #[allow(clippy::cast_precision_loss)]
    fn member(&self, number: u64) -> i64 {
        let last = self.0.last().copied().unwrap_or_default();
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
        let point = mixed as f64 / (1u64 << 53) as f64 * last;
        i64::try_from(self.0.partition_point(|sum| *sum < point) + 1).unwrap_or(1)
    }
}

/// The n-th request: one of a hundred repeats an older one, which may not have been decided yet, and one of a
/// hundred is refused.
fn ask(zipf: &Zipf, n: u64) -> Ask {
    let number = if n % 100 == 7 { n - 7 } else { n };
    let target = purchase("o", number, zipf.member(number));
    match n % 100 {
        0 | 7 => Ask::new(target, AGAIN),
        13 => Ask::new(target.replace("product=T1", "product=NONE"), REFUSED),
        _ => Ask::new(target, TAKEN),
    }
}

/// At the same rate before, for the time that is not counted; every client is answered once before that.
async fn at_rate(
    at: &Served,
    rate: u64,
    (warm, time): (Duration, Duration),
    zipf: Arc<Zipf>,
) -> anyhow::Result<Measured> {
    let mut all = Measured::new()?;
    let mut open = Vec::new();
    for number in 0..CLIENTS {
        let member = zipf.member(u64::try_from(number)?);
        let mut connection = Connection::open(at.address).await?;
        let first = Ask::new(format!("/trx/balance?{}", who(member)), BALANCES);
        if let Some(said) = connection.ask(&first).await? {
            all.odd(|| said);
        }
        open.push(connection);
    }
    let next = Arc::new(AtomicU64::new(0));
    let first = Instant::now();
    let (begin, end) = (first + warm, first + warm + time);
    let watched = watch(at.pids.clone(), begin, end);
    let mut clients = Vec::new();
    for mut connection in open {
        let (next, zipf) = (next.clone(), zipf.clone());
        clients.push(tokio::spawn(async move {
            let mut mine = Measured::new()?;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let due = first + Duration::from_nanos(n * 1_000_000_000 / rate);
                if due >= end {
                    return anyhow::Ok(mine);
                }
                tokio::time::sleep_until(due.into()).await;
                let wrong = connection.ask(&ask(&zipf, n)).await?;
                let took = due.elapsed();
                match wrong {
                    Some(said) => mine.odd(|| said),
                    None if took > LATE => mine.odd(|| format!("answered after {took:?}")),
                    None if due >= begin => mine.add(took),
                    None => {}
                }
            }
        }));
    }
    for client in clients {
        all.merge(client.await??)?;
    }
    all.time = begin.elapsed();
    all.cpu = watched.await?;
    Ok(all)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rates are small and positive
pub(crate) async fn measure(plan: &Plan, mut rates: Vec<u64>) -> anyhow::Result<()> {
    let zipf = Arc::new(Zipf::new(plan.members));
    let wanted = Wanted { rate: HIGH_RATE, ..Wanted::of(plan.members) };
    let (mut table, mut settings) = (Table::against(CLOSED), String::new());
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        let serving = Serving::open(plan, wanted)?;
        table.add(CLOSED, buy(plan, &serving, plan.members, false).await?);
        settings.clone_from(&serving.settings);
        drop(serving);
        if rates.is_empty() {
            let most = table.rate(CLOSED).unwrap_or_default() as u64;
            rates = vec![5_000, most / 2, most * 7 / 10, most * 9 / 10];
        }
        for rate in &rates {
            let serving = Serving::open(plan, wanted)?;
            let time = (plan.warm, plan.time);
            let measured = at_rate(&serving.served(), *rate, time, zipf.clone()).await?;
            table.add(&format!("open loop at {rate}/s"), measured);
        }
    }
    let set = format!(
        "{}; {settings}; open loop: {CLIENTS} connections, members by popularity (Zipf), 1 % repeats, 1 % refused",
        wanted.shown(plan)
    );
    head(plan, &set);
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_member_is_asked_for_most_and_nobody_is_beyond_the_last() {
        let zipf = Zipf::new(10);
        let mut counts = [0_u32; 11];
        for n in 0..10_000 {
            counts[usize::try_from(zipf.member(n)).unwrap()] += 1;
        }
        // A harmonic sum of ten: 2.93.
        assert!((3_300..3_500).contains(&counts[1]) && counts[10] > 300, "{counts:?}");
    }

    #[test]
    fn a_repeat_is_the_purchase_that_it_repeats() {
        let zipf = Zipf::new(10);
        assert_eq!(ask(&zipf, 307).target, ask(&zipf, 300).target);
        assert!(ask(&zipf, 313).target.contains("product=NONE"));
    }
}
