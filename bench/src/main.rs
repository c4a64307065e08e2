//! Benchmarks: programs that print ratios against baselines of the same run, never timed tests.
//!
//! The program is measured as it is shipped: a process of its own with everything that it always runs. This
//! process is the clients; the supplier and the members' receiver are others. Machines are shared and noisy,
//! so rounds alternate, and medians are printed with their spread. Nothing here may relax what a real server
//! does: every accept is committed with `synchronous=FULL`, and every answer is compared with what it has to be.
#![allow(clippy::print_stdout)] // a report

mod accepts;
mod business;
mod client;
mod demo;
mod exports;
mod grown;
mod hot;
mod life;
mod meter;
mod mixed;
mod open;
mod pace;
mod pages;
mod prices;
mod process;
mod rival;
mod soak;
mod stands;
mod table;
mod writer;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Benchmarks of the program on this machine; without a case: accepts.
///
/// Build both first: cargo build --release -p gerbang -p bench
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    case: Option<Case>,
    /// The program; the one beside this one by itself.
    #[arg(long, global = true)]
    program: Option<PathBuf>,
    /// Connections of clients, one request at a time on each.
    #[arg(long, default_value_t = 64, global = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// Members.
    #[arg(long, default_value_t = 1_000, global = true, value_parser = clap::value_parser!(i64).range(10..=10_000))]
    members: i64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5, global = true, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seconds before each of them that are not counted.
    #[arg(long, default_value_t = 2, global = true)]
    warm: u64,
    /// Rounds, alternating between what is compared; medians and both ends are printed.
    #[arg(long, default_value_t = 3, global = true, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Businesses in a throw-away PostgreSQL instead of files.
    #[arg(long, global = true)]
    postgres: bool,
    /// Where the database is written; must be a real disk to say anything.
    #[arg(long, default_value = "target", global = true)]
    folder: PathBuf,
}

/// What all cases go by.
struct Plan {
    program: PathBuf,
    connections: usize,
    members: i64,
    time: Duration,
    warm: Duration,
    rounds: u16,
    folder: PathBuf,
    /// What the head of a table begins with.
    occasion: String,
    /// Where businesses are, when they are not in files.
    server: Option<Arc<pgtest::Server>>,
}

impl Plan {
    const fn load(&self) -> client::Load {
        client::Load { connections: self.connections, warm: self.warm, time: self.time }
    }

    /// For the head of a table.
    fn times(&self) -> String {
        format!(
            "rounds: {} of {} s, after {} s that are not counted",
            self.rounds,
            self.time.as_secs(),
            self.warm.as_secs()
        )
    }
}

/// A PostgreSQL for this run, with room for the connections of the most clients.
fn throw_away() -> anyhow::Result<pgtest::Server> {
    pgtest::Server::start(&[
        "shared_buffers = '256MB'",
        "max_wal_size = '4GB'",
        "max_connections = 400",
    ])
}

#[derive(Subcommand)]
enum Case {
    /// Durable accepts per second: against a listener that says hello, the writer without HTTP, and Node
    /// with PostgreSQL where they are there.
    Accepts,
    /// Open loop: purchases at a fixed rate from their intended start, whatever the server does.
    Open {
        /// Rates; 5,000 and 50, 70 and 90 % of a closed loop of the same run when absent.
        #[arg(long, value_delimiter = ',')]
        rates: Vec<u64>,
    },
    /// Purchases with three checks each, balances and price lists together.
    Mixed,
    /// All purchases, and half of them, by one member, against all members evenly.
    Hot,
    /// Whole lives per second: supplier's simulator and member's receiver over HTTP.
    Life,
    /// A price list of 8,000 products: whole, compressed, unchanged.
    Prices,
    /// Pages of the console over many transactions while members buy.
    Pages {
        /// Transactions, about.
        #[arg(long, default_value_t = 1_000_000)]
        trx: u64,
        /// How often each page is asked for.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
        samples: u64,
    },
    /// Members buy while 24 people take statements away.
    Exports {
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
    /// Answers hello, until its input ends.
    #[command(hide = true)]
    Hello,
    /// The members' receiver, until its input ends.
    #[command(hide = true)]
    Receive,
    /// Accepts, memory, start and recovery on a business that has grown; in a file.
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Those around a business need nothing of a plan.
    match &cli.case {
        Some(Case::Hello) => return runtime.block_on(stands::hello()),
        Some(Case::Receive) => return runtime.block_on(stands::receive()),
        Some(Case::Attack { address, flood, kinds }) => {
            return runtime.block_on(soak::attack(*address, *flood, kinds));
        }
        Some(_) | None => {}
    }
    let beside = || -> anyhow::Result<PathBuf> {
        Ok(std::env::current_exe()?.parent().context("no folder")?.join("gerbang"))
    };
    let program = cli.program.map_or_else(beside, Ok)?;
    anyhow::ensure!(
        program.exists(),
        "there is no {}: cargo build --release -p gerbang -p bench",
        program.display()
    );
    std::fs::create_dir_all(&cli.folder)?;
    let occasion = table::occasion(&cli.folder, &program)?;
    let plan = Plan {
        program,
        connections: cli.connections.into(),
        members: cli.members,
        time: Duration::from_secs(cli.seconds),
        warm: Duration::from_secs(cli.warm),
        rounds: cli.rounds,
        occasion,
        folder: cli.folder,
        server: cli.postgres.then(throw_away).transpose()?.map(Arc::new),
    };
    runtime.block_on(async {
        match cli.case {
            None | Some(Case::Accepts) => accepts::measure(&plan).await,
            Some(Case::Open { rates }) => open::measure(&plan, rates).await,
            Some(Case::Mixed) => mixed::measure(&plan).await,
            Some(Case::Hot) => hot::measure(&plan).await,
            Some(Case::Life) => life::measure(&plan).await,
            Some(Case::Prices) => prices::measure(&plan).await,
            Some(Case::Pages { trx, samples }) => pages::measure(&plan, trx, samples).await,
            Some(Case::Exports { trx }) => exports::measure(&plan, trx).await,
            Some(Case::Soak(asked)) => soak::measure(&plan, &asked).await,
            Some(Case::Grown { trx, pending }) => grown::measure(&plan, trx, pending).await,
            Some(Case::Hello | Case::Receive | Case::Attack { .. }) => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_case_has_a_help_and_what_is_not_for_people_has_none() {
        let mut command = Cli::command();
        command.build();
        let help = command.render_help().to_string();
        for case in command.get_subcommands().filter(|case| case.get_name() != "help") {
            let name = case.get_name();
            assert!(case.get_about().is_some(), "{name} says nothing of itself");
            let listed = help.lines().any(|line| line.trim_start().starts_with(name));
            assert_eq!(listed, !case.is_hide_set(), "{name}");
        }
    }
}
