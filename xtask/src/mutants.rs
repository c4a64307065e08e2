//! Changes to the code that a test must notice: `cargo xtask mutants CRATE..` tries all of some crates, `cargo
//! xtask mutants --diff [REVISION]` only those in lines that a diff touches, for daily use.
//!
//! What is alive is killed by a test, or argued in `docs/mutants.md`: a mutant that is listed there is
//! known, any other fails the command.

use crate::code_of;
use crate::dependencies::tool;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const MUTANTS: (&str, &str) = ("cargo-mutants", "27.1.0");
/// Crates whose mutants must die, and those whose tests see them.
const WATCHED: [(&str, &[&str]); 7] = [
    ("types", &["types", "domain", "wire"]),
    ("wire", &["wire", "suppliers"]),
    ("domain", &["domain", "engine"]),
    ("store", &["store", "engine", "sqlite"]),
    ("engine", &["engine"]),
    ("office", &["office"]),
    ("suppliers", &["suppliers"]),
];
/// Where it writes.
const OUT: &str = "target/mutants";
/// What is argued.
const ARGUED: &str = "docs/mutants.md";

/// Tries mutants; true when none is alive that is not argued.
pub(crate) fn check(words: &[String]) -> bool {
    let known = |word: &String| WATCHED.iter().any(|(name, _)| name == word);
    match words {
        [flag, revision @ ..] if flag == "--diff" && revision.len() < 2 => {
            changed(revision.first().map_or("main", String::as_str))
        }
        crates if !crates.is_empty() && crates.iter().all(known) => {
            crates.iter().all(|name| tried(name, &["--package", name]))
        }
        _ => {
            let names: Vec<&str> = WATCHED.iter().map(|(name, _)| *name).collect();
            eprintln!(
                "usage: cargo xtask mutants --diff [REVISION] | CRATE.., of {}",
                names.join(", ")
            );
            false
        }
    }
}

/// Mutants in what changed since a revision.
fn changed(revision: &str) -> bool {
    let diff = Command::new("git").args(["diff", revision, "--", "crates"]).output();
    let Some(diff) = diff.ok().filter(|diff| diff.status.success()) else {
        eprintln!("git cannot tell what changed since {revision}");
        return false;
    };
    let file = format!("{OUT}.diff");
    if std::fs::create_dir_all("target").is_err() || std::fs::write(&file, &diff.stdout).is_err() {
        eprintln!("{file} cannot be written");
        return false;
    }
    let text = String::from_utf8_lossy(&diff.stdout);
    let touched =
        WATCHED.iter().filter(|(name, _)| text.contains(&format!("+++ b/crates/{name}/src/")));
    touched
        .fold(true, |all, (name, _)| tried(name, &["--package", name, "--in-diff", &file]) && all)
}

fn tried(name: &str, which: &[&str]) -> bool {
    let Some(program) = tool(MUTANTS) else { return false };
    let program = program.display().to_string();
    let packages =
        WATCHED.iter().find(|(watched, _)| *watched == name).map_or(&[][..], |(_, by)| by);
    let packages = packages.join(",");
    let out = format!("{OUT}/{name}");
    if std::fs::create_dir_all(&out).is_err() {
        eprintln!("{out} cannot be written");
        return false;
    }
    let mut words = vec!["mutants", "--profile", "mutants", "--no-shuffle", "--output", &out];
    words.extend(["--minimum-test-timeout", "60", "--test-package", &packages]);
    words.extend(which);
    // What an earlier run left is none of this one.
    let results = Path::new(&out).join("mutants.out");
    if results.exists() && std::fs::remove_dir_all(&results).is_err() {
        eprintln!("{} cannot be removed", results.display());
        return false;
    }
    if !code_of(&program, &words).is_some_and(is_ended) {
        eprintln!(
            "{name}: cargo-mutants did not come to its end, or the tests fail without a change"
        );
        return false;
    }
    if !results.exists() {
        eprintln!("{name}: nothing to change there");
        return true;
    }
    let read = |file: &str| std::fs::read_to_string(results.join(file));
    let (Ok(caught), Ok(missed), Ok(timed_out)) =
        (read("caught.txt"), read("missed.txt"), read("timeout.txt"))
    else {
        eprintln!("{name}: cargo-mutants left no results");
        return false;
    };
    let argued = argued();
    let is_new = |line: &&str| !argued.contains(&unplaced(line));
    let alive: Vec<&str> = missed.lines().filter(is_new).collect();
    for line in &alive {
        eprintln!("alive: {line}");
    }
    let (dead, late) = (caught.lines().count(), timed_out.lines().count());
    let known = missed.lines().count() - alive.len();
    eprintln!(
        "{name}: {dead} died, {late} took too long, {} alive, {known} argued in {ARGUED}",
        alive.len()
    );
    alive.is_empty()
}

/// Its codes after it tried all that it had to: all died, some are alive, some took too long. Any other says
/// that it was called wrongly, that the tests fail without a change, or that it was stopped.
const fn is_ended(code: i32) -> bool {
    matches!(code, 0 | 2 | 3)
}

/// Those that `docs/mutants.md` lists, one in a line between backticks.
fn argued() -> BTreeSet<String> {
    let page = std::fs::read_to_string(ARGUED).unwrap_or_default();
    let lines = page.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next());
    lines.map(unplaced).collect()
}

/// Without the line and the column, which move.
fn unplaced(line: &str) -> String {
    let Some((file, rest)) = line.split_once(".rs:") else { return line.to_owned() };
    let what = rest.split_once(": ").map_or(rest, |(_, what)| what).trim_start();
    format!("{file}.rs: {what}")
}

#[cfg(test)]
mod tests {
    use super::{is_ended, unplaced};

    #[test]
    fn a_run_that_tried_nothing_proves_nothing() {
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 70, 137].map(is_ended),
            [true, false, true, true, false, false, false, false]
        );
    }

    #[test]
    fn a_mutant_is_known_wherever_its_line_moved() {
        let now = "crates/domain/src/bank.rs:45:41: replace + with * in numbered_day";
        let before = "crates/domain/src/bank.rs:38:2: replace + with * in numbered_day";
        assert_eq!(unplaced(now), unplaced(before));
        assert_eq!(unplaced(now), "crates/domain/src/bank.rs: replace + with * in numbered_day");
        assert_eq!(unplaced(&unplaced(now)), unplaced(now));
    }
}
