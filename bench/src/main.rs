//! Benchmarks: programs that print ratios against baselines of the same run, never timed tests.
//!
//! Machines are shared and noisy, so rounds alternate and medians are printed. Nothing here may
//! relax what a real server does: every accept is committed with `synchronous=FULL`.
#![allow(clippy::print_stdout)] // a report

mod accepts;
mod client;
mod house;
mod meter;

use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

/// Durable accepts per second: over HTTP, against the same server answering "hello", and against
/// the writer without HTTP.
#[derive(Parser)]
struct Cli {
    /// Connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Members.
    #[arg(long, default_value_t = 1_000)]
    members: i64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Where the database is written; must be a real disk to say anything.
    #[arg(long, default_value = "target")]
    folder: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let plan = accepts::Plan {
        connections: cli.connections,
        members: cli.members,
        time: Duration::from_secs(cli.seconds),
        rounds: cli.rounds,
        folder: cli.folder,
    };
    accepts::run(&plan)
}
