//! Random bytes for one target, by seed: what is found here repeats itself by the same words.
//!
//! `cargo run -p fuzz --example random -- doors 1 1000`: target, first seed, how many. With a folder
//! behind them inputs that reach something new at the doors are kept there.

use fuzz::TARGETS;
use std::collections::BTreeSet;
use std::path::Path;

/// So much must be new, and one more.
const KEPT_FOR: usize = 2;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    let target = words.first().and_then(|name| TARGETS.iter().find(|(known, _)| known == name));
    let (Some((name, target)), Some(first), Some(many)) = (target, number(1), number(2)) else {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("random TARGET SEED COUNT; targets: {}", names.join(", "));
        std::process::exit(2);
    };
    let mut known = BTreeSet::new();
    for seed in first..first.saturating_add(many) {
        eprintln!("{name} {seed}");
        let bytes = fuzz::random_bytes(seed);
        match words.get(3) {
            None => target(&bytes),
            Some(folder) => {
                let before = known.len();
                known.extend(fuzz::outcomes(&bytes));
                if known.len() > before.saturating_add(KEPT_FOR) {
                    let path = Path::new(folder).join(format!("seed-{seed:05}"));
                    std::fs::write(path, &bytes).expect("the folder can be written");
                }
            }
        }
    }
}
