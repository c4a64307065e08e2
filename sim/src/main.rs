//! Runs seeds: `cargo run --release -p sim -- --seeds 10000`.
//!
//! Prints what happened how often, and fails when a run does not hold or something expected never
//! happened. A failing seed is printed with its shortest log and repeats with `--seed`.
#![allow(clippy::print_stdout)]

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use sim::{Broken, Failure, Options, missing, run, shortest};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Deterministic simulation of a whole business.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Only this seed, with its whole log.
    #[arg(long)]
    seed: Option<u64>,
    /// Every n-th seed on SQLite; 0 for none.
    #[arg(long, default_value_t = 50)]
    sqlite_every: u64,
    /// Every n-th seed with two nodes; 0 for none.
    #[arg(long, default_value_t = 3)]
    two_every: u64,
    /// With a defect: see `--broken list`.
    #[arg(long, default_value = "no")]
    broken: String,
    /// Goes on after a failure and tells each failing seed with what is wrong first.
    #[arg(long)]
    keep_on: bool,
    /// Threads; as many as the machine has when absent.
    #[arg(long)]
    threads: Option<usize>,
}

fn options(arguments: &Arguments, broken: Broken, seed: u64) -> Options {
    let nth = |every: u64| every > 0 && seed.is_multiple_of(every);
    let sqlite = nth(arguments.sqlite_every) || broken.is_of_sqlite();
    let two_nodes = !sqlite && (nth(arguments.two_every) || broken.nodes() > 1);
    Options { broken, sqlite, two_nodes }
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let Some(broken) = Broken::named(&arguments.broken) else {
        let words: Vec<&str> = Broken::all().map(Broken::word).collect();
        println!("defects: {}", words.join(", "));
        if !cfg!(feature = "defects") {
            println!("those of the code itself: build with --features sim/defects");
        }
        return Ok(ExitCode::FAILURE);
    };
    if let Some(seed) = arguments.seed {
        return one(seed, options(&arguments, broken, seed));
    }
    let (failed, coverage) = many(&arguments, broken)?;
    for (what, count) in &coverage {
        println!("{count:>12}  {what}");
    }
    let missing = missing(&coverage);
    if let Some(failure) = failed {
        println!("seed {} does not hold", failure.seed);
        let options = options(&arguments, broken, failure.seed);
        show(&shortest(failure.seed, options)?.unwrap_or(failure));
        return Ok(ExitCode::FAILURE);
    }
    println!("{} seeds hold", arguments.seeds);
    if !missing.is_empty() {
        println!("but these never happened: {missing:?}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

type Coverage = BTreeMap<&'static str, u64>;

fn many(arguments: &Arguments, broken: Broken) -> anyhow::Result<(Option<Failure>, Coverage)> {
    let next = AtomicU64::new(arguments.from);
    let end = arguments.from + arguments.seeds;
    let coverage = Mutex::new(Coverage::new());
    let failed: Mutex<Option<Failure>> = Mutex::new(None);
    let bar = ProgressBar::new(arguments.seeds);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} seeds {eta}") {
        bar.set_style(style);
    }
    let threads = arguments
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |count| count.get()));
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let work = || -> anyhow::Result<()> {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return Ok(());
                }
                match run(seed, options(arguments, broken, seed))? {
                    Ok(report) => {
                        if let Ok(mut all) = coverage.lock() {
                            for (what, count) in report.coverage {
                                *all.entry(what).or_default() += count;
                            }
                        }
                    }
                    Err(failure) if arguments.keep_on => {
                        let first = failure.wrong.first().map_or("", String::as_str);
                        println!("seed {seed}: {first}");
                        if let Ok(mut failed) = failed.lock() {
                            failed.get_or_insert(failure);
                        }
                    }
                    Err(failure) => {
                        next.store(end, Ordering::Relaxed);
                        if let Ok(mut failed) = failed.lock() {
                            failed.get_or_insert(failure);
                        }
                    }
                }
                bar.inc(1);
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow::anyhow!("a run panicked"))??;
        }
        Ok(())
    })?;
    bar.finish_and_clear();
    let failed = failed.into_inner().unwrap_or_default();
    Ok((failed, coverage.into_inner().unwrap_or_default()))
}

fn one(seed: u64, options: Options) -> anyhow::Result<ExitCode> {
    match run(seed, options)? {
        Ok(report) => {
            for line in report.log {
                println!("{line}");
            }
            println!("seed {seed} holds");
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            show(&shortest(seed, options)?.unwrap_or(failure));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn show(failure: &Failure) {
    for line in &failure.log {
        println!("{line}");
    }
    println!("seed {} with {} operations:", failure.seed, failure.ops);
    for wrong in &failure.wrong {
        println!("  {wrong}");
    }
}
