//! Benchmarks: programs that print ratios against baselines of the same run, never timed tests.
//!
//! Machines are shared and noisy, so rounds alternate and medians are printed. Nothing here may
//! relax what a real server does: every accept is committed with `synchronous=FULL`.
#![allow(clippy::print_stdout)] // a report

mod accepts;
mod client;
mod exports;
mod grown;
mod house;
mod life;
mod meter;
mod mixed;
mod open;
mod pages;
mod prices;
mod soak;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Benchmarks of a business on this machine; without a case: accepts.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    case: Option<Case>,
    /// Connections.
    #[arg(long, default_value_t = 64, global = true)]
    connections: usize,
    /// Members.
    #[arg(long, default_value_t = 1_000, global = true)]
    members: i64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5, global = true)]
    seconds: u64,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3, global = true)]
    rounds: usize,
    /// Businesses in a throw-away PostgreSQL instead of files.
    #[arg(long, global = true)]
    postgres: bool,
    /// Where the database is written; must be a real disk to say anything.
    #[arg(long, default_value = "target", global = true)]
    folder: PathBuf,
}

#[derive(Subcommand)]
enum Case {
    /// Durable accepts per second: over HTTP, against the same server answering "hello", and
    /// against the writer without HTTP.
    Accepts,
    /// Open loop: purchases at a fixed rate from their intended start, whatever the server does.
    Open {
        /// Rates; 50, 70 and 90 % of a closed loop of the same run when absent.
        #[arg(long, value_delimiter = ',')]
        rates: Vec<u64>,
    },
    /// Purchases with three checks each, balances and price lists together.
    Mixed,
    /// All purchases, and half of them, by one member, against all members evenly.
    Hot,
    /// Whole lives per second: supplier's simulator and member's receiver over HTTP.
    Life,
    /// The same purchases against another server that answers `akan diproses`: see bench/compare.
    Foreign {
        /// Where it listens.
        #[arg(long)]
        address: std::net::SocketAddr,
    },
    /// A price list of 8,000 products: whole, compressed, unchanged.
    Prices,
    /// Pages of the console over many transactions: the program itself, built with --release.
    Pages {
        /// The program.
        #[arg(long, default_value = "target/release/gerbang")]
        program: PathBuf,
        /// Transactions, about.
        #[arg(long, default_value_t = 1_000_000)]
        trx: u64,
    },
    /// Members buy while 24 people take statements away: the program itself, built with --release.
    Exports {
        /// The program.
        #[arg(long, default_value = "target/release/gerbang")]
        program: PathBuf,
        /// Transactions, about.
        #[arg(long, default_value_t = 200_000)]
        trx: u64,
    },
    /// Members buy while strangers flood, read slowly and log in wrongly: no purchase is lost, p99,
    /// memory and disk stay.
    Soak(soak::Soak),
    /// The strangers of a soak.
    #[command(hide = true)]
    Attack {
        /// Whom.
        #[arg(long)]
        address: std::net::SocketAddr,
        /// Requests a second that are not let in.
        #[arg(long)]
        flood: u64,
        /// What they do; everything by itself.
        #[arg(long, value_delimiter = ',', default_values_t = soak::EVERYTHING)]
        kinds: Vec<soak::Kind>,
    },
    /// Accepts, memory, start and recovery on a business that has grown.
    Grown {
        /// Transactions that are there already.
        #[arg(long, default_value_t = 1_000_000)]
        trx: i64,
        /// Of them sent and not decided, to recover.
        #[arg(long, default_value_t = 100_000)]
        pending: i64,
    },
}

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let plan = accepts::Plan {
        connections: cli.connections,
        members: cli.members,
        time: Duration::from_secs(cli.seconds),
        rounds: cli.rounds,
        folder: cli.folder,
        half: false,
    };
    std::fs::create_dir_all(&plan.folder)?;
    if cli.postgres {
        let settings = ["shared_buffers = '256MB'", "max_wal_size = '4GB'"];
        let server = pgtest::Server::start(&settings)?;
        house::use_server(Some(server));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match cli.case {
            None | Some(Case::Accepts) => accepts::measure(&plan).await,
            Some(Case::Open { rates }) => open::measure(&plan, rates).await,
            Some(Case::Mixed) => mixed::measure(&plan).await,
            Some(Case::Hot) => mixed::hot(&plan).await,
            Some(Case::Foreign { address }) => accepts::foreign(&plan, address).await,
            Some(Case::Life) => life::measure(&plan).await,
            Some(Case::Prices) => prices::measure(&plan).await,
            Some(Case::Pages { program, trx }) => {
                pages::measure(&plan.folder, &program, trx, 50).await
            }
            Some(Case::Exports { program, trx }) => {
                exports::measure(&plan.folder, &program, trx, (plan.time, plan.rounds)).await
            }
            Some(Case::Soak(asked)) => soak::measure(&plan.folder, &asked).await,
            Some(Case::Attack { address, flood, kinds }) => {
                soak::attack(address, flood, &kinds).await
            }
            Some(Case::Grown { trx, pending }) => grown::measure(&plan, trx, pending).await,
        }
    });
    house::use_server(None);
    done
}
