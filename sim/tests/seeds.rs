//! A few hundred seeds, the proof that a run can fail, and that a seed repeats itself.
#![allow(clippy::unwrap_used)]

use sim::{Broken, Options, run, shortest};

const MODEL: Options = Options { broken: Broken::No, sqlite: false, two_nodes: false };
const SQLITE: Options = Options { sqlite: true, ..MODEL };
const TWO: Options = Options { two_nodes: true, ..MODEL };

fn holds(seed: u64, options: Options) {
    if run(seed, options).unwrap().is_err() {
        let failure = shortest(seed, options).unwrap().unwrap();
        panic!("seed {seed}: {:#?}\n{}", failure.wrong, failure.log.join("\n"));
    }
}

#[test]
fn some_hundred_seeds_hold() {
    for seed in 1..=400 {
        holds(seed, MODEL);
    }
}

#[test]
fn two_nodes_of_which_one_sleeps_hold() {
    for seed in 1..=200 {
        holds(seed, TWO);
    }
}

#[test]
fn some_seeds_hold_on_sqlite() {
    for seed in 1..=15 {
        holds(seed, SQLITE);
    }
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

#[test]
fn every_defect_is_found() {
    for broken in Broken::ALL {
        let options = Options { broken, two_nodes: broken.nodes() > 1, ..MODEL };
        let found = (1..=SEEDS_MOST).find(|seed| run(*seed, options).unwrap().is_err());
        assert!(found.is_some(), "{} survives {SEEDS_MOST} seeds", broken.word());
    }
}

#[test]
fn a_failure_is_made_shorter() {
    let options = Options { broken: Broken::ForgetOutbox, ..MODEL };
    let failure = shortest(1, options).unwrap().unwrap();
    assert_eq!(failure.ops, 1, "{:#?}", failure.log);
    assert!(failure.wrong[0].ends_with("with 0 callbacks"), "{:?}", failure.wrong);
}
