//! Members buy for an hour while strangers do what costs them nothing. Quiet pieces and attacked ones
//! alternate, so that both are measured on the same machine at the same time of day.

mod attack;

use crate::Plan;
use crate::business::{PASSWORD, PIN, Serving, Supplier, Wanted, code};
use crate::client::Connection;
use crate::meter::{Measured, Spread};
use crate::pace::{Buyers, target};
use crate::process::resident_kib;
use anyhow::ensure;
use attack::Counts;
pub(crate) use attack::{Kind, attack};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Members that buy.
const MEMBERS: u64 = 10;
/// Most that the attacked p99 may be of the quiet one.
const SLOWER_MOST: f64 = 2.0;
/// Most that memory may grow from the first quarter to the end.
const GROWN_MOST: f64 = 1.25;

#[derive(Args)]
pub(crate) struct Soak {
    /// How long, in all.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Seconds of each piece, quiet and attacked by turns.
    #[arg(long, default_value_t = 60)]
    piece: u64,
    /// Purchases a second.
    #[arg(long, default_value_t = 40)]
    rate: u64,
    /// Requests a second that are not let in.
    #[arg(long, default_value_t = 500)]
    flood: u64,
    /// What strangers do; everything by itself.
    #[arg(long, value_delimiter = ',', default_values_t = EVERYTHING)]
    kinds: Vec<Kind>,
}

/// All that strangers do.
pub(crate) const EVERYTHING: [Kind; 4] = [Kind::Flood, Kind::Slow, Kind::Logins, Kind::Bodies];

/// A piece, as it was measured.
struct Round {
    attacked: bool,
    bought: Measured,
    held: Held,
    /// Bytes of disk for a purchase.
    disk: u64,
}

/// What the program holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    resident_kib: u64,
    disk: u64,
}

fn held(serving: &Serving) -> anyhow::Result<Held> {
    let mut disk = 0;
    for entry in std::fs::read_dir(&serving.business.data)? {
        // A file may be renamed in between.
        let Ok(about) = entry?.metadata() else { continue };
        disk += if about.is_file() { about.len() } else { 0 };
    }
    Ok(Held { resident_kib: resident_kib(serving.id())?, disk })
}

/// The code of a member that buys.
fn member(number: u64) -> String {
    code(1 + i64::try_from(number % MEMBERS).unwrap_or_default())
}

/// Who buys the n-th purchase, and from where.
fn buyer(number: u64) -> (String, String) {
    let who = format!("memberID={}&pin={PIN}&password={PASSWORD}", member(number));
    (who, format!("X-Forwarded-For: 198.51.100.{}\r\n", number % MEMBERS))
}

pub(crate) async fn measure(plan: &Plan, asked: &Soak) -> anyhow::Result<()> {
    let members = i64::try_from(MEMBERS)?;
    let wanted = Wanted { supplier: Supplier::All, proxied: true, ..Wanted::of(members) };
    let serving = Serving::open(plan, wanted)?;
    let address = serving.address;
    let buyers = Buyers { address, rate: asked.rate, buyer, next: Arc::default() };
    let mut counts = Counts::default();
    let piece = Duration::from_secs(asked.piece);
    let pieces = (asked.minutes * 60).div_ceil(asked.piece).max(4);
    let bar = ProgressBar::new(pieces)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} pieces, {eta} left")?);
    let (mut rounds, mut taken, mut again) = (Vec::new(), Vec::new(), 0);
    let mut before = held(&serving)?;
    println!("  piece        bought   p50 ms   p99 ms  p99.9 ms   memory MiB   disk/purchase");
    for number in 0..pieces {
        let attacked = number % 2 == 1;
        let attack = attacked.then(|| attackers(address, asked)).transpose()?;
        let bought = buyers.buy(piece).await;
        if let Some(mut attack) = attack {
            attack.kill()?;
            counts.read(&attack.wait_with_output()?.stdout);
        }
        let bought = bought?;
        let held = held(&serving)?;
        let disk = held.disk.saturating_sub(before.disk) / bought.bought.count().max(1);
        before = held;
        bar.suspend(|| {
            println!(
                "{number:>3} {:<8} {:>8} {:>8.2} {:>8.2} {:>9.2} {:>12} {:>15}",
                if attacked { "attacked" } else { "quiet" },
                bought.bought.count(),
                bought.bought.ms(0.5),
                bought.bought.ms(0.99),
                bought.bought.ms(0.999),
                held.resident_kib / 1_024,
                disk
            );
        });
        taken.extend(bought.taken);
        again += bought.again;
        rounds.push(Round { attacked, bought: bought.bought, held, disk });
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("strangers: {}", counts.told());
    println!("bought {}, told to come again {again}", taken.len());
    settled(&serving, &taken).await?;
    let said = serving.close()?;
    println!("{}", said.trim());
    judge(&rounds)
}

/// Strangers, in a process of their own: theirs is another machine, so here they come after everybody
/// else where processors are scarce.
fn attackers(address: SocketAddr, asked: &Soak) -> anyhow::Result<Child> {
    let own = std::env::current_exe()?;
    let attack = Command::new("nice")
        .args(["-n", "10"])
        .arg(own)
        .args(["attack", "--address", &address.to_string(), "--flood", &asked.flood.to_string()])
        .args(["--kinds", &asked.kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(",")])
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(attack)
}

/// Everything that was taken has ended, and was told.
async fn settled(serving: &Serving, taken: &[String]) -> anyhow::Result<()> {
    let (began, all) = (Instant::now(), u64::try_from(taken.len())?);
    while serving.told("s").await?.0 < all {
        ensure!(began.elapsed() < Duration::from_secs(300), "not everything is told");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut connection = Connection::open(serving.address).await?;
    let mut twice = 0_u64;
    for reference in taken {
        let number: u64 = reference.trim_start_matches('s').parse()?;
        let (who, from) = buyer(number);
        let target = format!("{}&check=1", target(&who, number));
        let mut said = connection.get(&target, &from).await?;
        while said.contains("Terlalu banyak") {
            tokio::time::sleep(Duration::from_millis(20)).await;
            said = connection.get(&target, &from).await?;
        }
        let ended = ["status Sukses", "status Gagal"].iter().any(|word| said.contains(word));
        ensure!(ended, "{reference}: {said}");
        let times = serving.times_told(reference).await?;
        ensure!(times > 0, "{reference} was not told");
        twice += u64::from(times > 1);
    }
    println!("all {} have ended and were told, {twice} of them more than once", taken.len());
    Ok(())
}

/// Compares the pieces; an error for what must not be.
fn judge(rounds: &[Round]) -> anyhow::Result<()> {
    let of = |attacked: bool, what: fn(&Round) -> f64| {
        let pieces = rounds.iter().filter(|round| round.attacked == attacked);
        Spread::of(pieces.map(what)).map(|spread| spread.median).unwrap_or_default()
    };
    let p99 = |round: &Round| round.bought.ms(0.99);
    let (quiet, attacked) = (of(false, p99), of(true, p99));
    let slower = attacked / quiet;
    println!(
        "p99, median of pieces: quiet {quiet:.2} ms, attacked {attacked:.2} ms, {slower:.2} times"
    );
    #[allow(clippy::cast_precision_loss)] // megabytes and bytes of a row
    let (memory, disk) =
        (|round: &Round| round.held.resident_kib as f64, |round: &Round| round.disk as f64);
    let early = rounds.len() / 4;
    let (first, last) = (
        rounds.get(early).map(memory).unwrap_or_default(),
        rounds.last().map(memory).unwrap_or_default(),
    );
    let grown = last / first;
    println!(
        "memory: {:.0} MiB after a quarter, {:.0} at the end, {grown:.2} times",
        first / 1_024.0,
        last / 1_024.0
    );
    let (quiet, attacked) = (of(false, disk), of(true, disk));
    println!(
        "disk for a purchase, median of pieces: quiet {quiet:.0} bytes, attacked {attacked:.0}"
    );
    ensure!(slower <= SLOWER_MOST, "members wait {slower:.2} times as long while attacked");
    ensure!(grown <= GROWN_MOST, "memory has grown {grown:.2} times");
    ensure!(attacked <= quiet * SLOWER_MOST, "strangers fill the disk");
    Ok(())
}
