//! The program: subcommands, configuration and the composition root.
//!
//! Only `assemble` knows all crates. Commands print to stdout, problems go to stderr with a
//! non-zero exit code.

mod assemble;
mod commands;
mod config;
mod couriers;
mod data;
mod door;
mod export;
mod follow;
mod goods;
mod heads;
mod keyproof;
mod mark;
mod play;
mod pulse;
mod quiet;
mod receiver;
mod router;
mod sandbox;
mod say;
mod stamps;
mod storage;

pub use router::Router;

use clap::Parser as _;
use std::process::ExitCode;

/// Reads a configuration as the program does.
///
/// # Errors
/// What is wrong with it.
pub fn read_config(text: &str) -> anyhow::Result<()> {
    config::Config::parse(text)?.check()
}

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    // Database, backups and logs are for the operator's eyes only.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    quiet::no_dumps();
    let command = commands::Cli::parse();
    match commands::run(command) {
        Ok(code) => code,
        Err(error) if error.is::<say::Unheard>() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gerbang: {error:#}");
            ExitCode::FAILURE
        }
    }
}
