//! A few hundred seeds, the proof that a run can fail, and that a seed repeats itself.
#![allow(clippy::unwrap_used)]

use sim::{Broken, Options, missing, run, shortest};
use std::collections::BTreeMap;

const MODEL: Options = Options { broken: Broken::No, sqlite: false, two_nodes: false };
const SQLITE: Options = Options { sqlite: true, ..MODEL };
const TWO: Options = Options { two_nodes: true, ..MODEL };

/// What happened how often in so many seeds, all of which hold.
fn met(seeds: u64, options: Options) -> BTreeMap<&'static str, u64> {
    let mut met = BTreeMap::new();
    for seed in 1..=seeds {
        let Ok(report) = run(seed, options).unwrap() else {
            let failure = shortest(seed, options).unwrap().unwrap();
            panic!("seed {seed}: {:#?}\n{}", failure.wrong, failure.log.join("\n"));
        };
        for (what, count) in report.coverage {
            *met.entry(what).or_default() += count;
        }
    }
    met
}

/// With one node and with two of which one sleeps; together they meet everything that is expected.
#[test]
fn some_hundred_seeds_hold_and_meet_everything() {
    let (one, two) = std::thread::scope(|scope| {
        let two = scope.spawn(|| met(200, TWO));
        (met(400, MODEL), two.join().unwrap())
    });
    let mut all = one;
    all.extend(two);
    assert_eq!(missing(&all), Vec::<&str>::new(), "never happened");
}

#[test]
fn some_seeds_hold_on_sqlite() {
    met(15, SQLITE);
}

/// Byte for byte, with every virtual millisecond.
#[test]
fn a_seed_repeats_itself() {
    for seed in 1..=25 {
        assert_eq!(run(seed, MODEL).unwrap(), run(seed, MODEL).unwrap(), "seed {seed}");
        assert_eq!(run(seed, TWO).unwrap(), run(seed, TWO).unwrap(), "seed {seed}");
    }
    for seed in 1..=3 {
        let (model, sqlite) = (run(seed, MODEL).unwrap(), run(seed, SQLITE).unwrap());
        assert_eq!(model, sqlite, "seed {seed}: the model and SQLite lead to different lives");
        assert_eq!(sqlite, run(seed, SQLITE).unwrap(), "seed {seed}");
    }
}

/// Each defect is found within this many seeds, or the checks are worth nothing.
const SEEDS_MOST: u64 = 60;

fn survivors(all: impl Iterator<Item = Broken>) -> Vec<&'static str> {
    let survives = |broken: &Broken| {
        let (sqlite, two_nodes) = (broken.is_of_sqlite(), broken.nodes() > 1);
        let options = Options { broken: *broken, sqlite, two_nodes };
        let found = (1..=SEEDS_MOST).find(|seed| run(*seed, options).unwrap().is_err());
        if let Some(seed) = found {
            eprintln!("{seed:>3}  {}", broken.word());
        }
        found.is_none()
    };
    all.filter(survives).map(Broken::word).collect()
}

#[test]
fn every_broken_environment_is_found() {
    assert!(survivors(Broken::DOUBLES.into_iter()).is_empty());
}

/// In the production code itself. Only in a build with switches: without them there is nothing to find,
/// and nothing that looks as if it had been found.
#[cfg(feature = "defects")]
#[test]
fn every_defect_of_the_code_is_found() {
    let code = Broken::all().filter(|broken| matches!(broken, Broken::Code(_)));
    let survivors = survivors(code);
    assert!(survivors.is_empty(), "after {SEEDS_MOST} seeds: {survivors:?}");
}

#[test]
fn a_failure_is_made_shorter() {
    let options = Options { broken: Broken::TellBeforeCommit, ..MODEL };
    let failure = shortest(1, options).unwrap().unwrap();
    assert_eq!(failure.ops, 1, "{:#?}", failure.log);
    assert!(failure.wrong[0].contains("is told as"), "{:?}", failure.wrong);
}
