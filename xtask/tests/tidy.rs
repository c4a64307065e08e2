//! House rules (STYLE.md) that nobody has to remember in review.
#![allow(clippy::unwrap_used)]

mod root;

use root::root;
use std::path::{Path, PathBuf};

/// Longest file; what is longer wants to be two.
const LINES_MOST: usize = 600;
/// Most packages in Cargo.lock.
const PACKAGES_MOST: usize = 350;
/// The promises of SECURITY.md.
const PROMISES: usize = 8;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder with one of these endings, as paths from the root.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", ".git", "node_modules"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let paths = files(&root(), &[".rs"]);
    paths.into_iter().map(|path| (path.clone(), read(&root().join(path)))).collect()
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
}

/// A source file without its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//!") {
            wrong.push(format!("{} does not begin with //!", path.display()));
        }
        let lines = text.lines().count();
        if lines > LINES_MOST {
            wrong.push(format!("{} has {lines} lines, most {LINES_MOST}", path.display()));
        }
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["utils", "util", "helpers", "common", "manager", "misc"].contains(&stem.as_str()) {
            wrong.push(format!("{}: the name says nothing", path.display()));
        }
    }
    none(&wrong);
}

/// "Promise 3" in the code that keeps it, and in a test that would notice.
#[test]
fn every_promise_is_cited_in_code_and_in_a_test() {
    let sources = sources();
    let mut wrong = Vec::new();
    let security = read(&root().join("SECURITY.md"));
    for number in 1..=PROMISES {
        let cited = |text: &str| {
            [format!("Promise {number}"), format!("promise {number}")]
                .iter()
                .any(|words| text.contains(words))
        };
        if !security.contains(&format!("\n{number}. **")) {
            wrong.push(format!("promise {number} is not in SECURITY.md"));
        }
        if !sources.iter().any(|(path, text)| !is_test(path) && cited(code(text))) {
            wrong.push(format!("promise {number} is cited nowhere in the code"));
        }
        let in_test = |path: &Path, text: &str| {
            cited(if is_test(path) { text } else { text.strip_prefix(code(text)).unwrap() })
        };
        if !sources.iter().any(|(path, text)| in_test(path, text)) {
            wrong.push(format!("promise {number} is cited in no test"));
        }
    }
    none(&wrong);
}

/// Only transports can know that nothing was sent.
#[test]
fn not_sent_is_said_only_by_transports() {
    let may =
        ["crates/net/src/outgoing.rs", "crates/gerbang/src/sandbox.rs", "sim/src/supplier.rs"];
    // Reading one is fine everywhere.
    let reading = |line: &str| line.contains("=>") || line.contains("matches!");
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = path.to_string_lossy().into_owned();
        if is_test(&path) || may.contains(&name.as_str()) {
            continue;
        }
        for (number, line) in code(&text).lines().enumerate() {
            if line.contains("SendResult::NotSent(") && !reading(line) {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    // The courier calls a forbidden callback "not sent" in the journal, which moves no money.
    wrong.retain(|line| !line.starts_with("crates/engine/src/workers/courier.rs"));
    none(&wrong);
}

#[test]
fn sql_lives_in_the_stores() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = path.to_string_lossy().into_owned();
        let stores = ["crates/sqlite/", "crates/pg/", "crates/reports/", "pgtest/"];
        if is_test(&path) || stores.iter().any(|store| name.starts_with(store)) {
            continue;
        }
        for word in ["\"SELECT ", "\"INSERT INTO ", "\"UPDATE ", "\"DELETE FROM ", "PRAGMA "] {
            if code(&text).contains(word) {
                wrong.push(format!("{name} contains {word}"));
            }
        }
    }
    none(&wrong);
}

/// Everything the project needs is in the project.
#[test]
fn nothing_points_outside() {
    let endings = [".rs", ".md", ".toml", ".sql", ".sh", "run"];
    let mut wrong = Vec::new();
    for path in files(&root(), &endings) {
        let text = read(&root().join(&path));
        for word in [
            concat!("DES", "IGN"),
            concat!("../", "shared"),
            concat!("/wo", "rk/"),
            concat!("/ro", "ot/"),
        ] {
            if text.contains(word) {
                wrong.push(format!("{} mentions {word}", path.display()));
            }
        }
    }
    none(&wrong);
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    for path in files(&root(), &[".md"]) {
        let text = read(&root().join(&path));
        let folder = root().join(&path).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            if !folder.join(target).exists() {
                wrong.push(format!("{}: {link} leads nowhere", path.display()));
            }
        }
    }
    none(&wrong);
}

/// The table of dependencies has a reason for each, and names nothing that is gone.
#[test]
fn every_dependency_has_its_reason() {
    let manifest = read(&root().join("Cargo.toml"));
    let map = read(&root().join("ARCHITECTURE.md"));
    let third_party = manifest.split("# Third-party").nth(1).unwrap();
    let third_party = third_party.split("\n[").next().unwrap();
    let names: Vec<&str> = third_party
        .lines()
        .skip(1)
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let mut wrong: Vec<String> = names
        .iter()
        .filter(|name| {
            !map.contains(&format!("| `{name}`")) && !map.contains(&format!(", `{name}`"))
        })
        .map(|name| format!("{name} has no reason in ARCHITECTURE.md"))
        .collect();
    let locked = read(&root().join("Cargo.lock")).matches("[[package]]").count();
    if locked > PACKAGES_MOST {
        wrong.push(format!("{locked} locked packages, most {PACKAGES_MOST}"));
    }
    none(&wrong);
}

/// The sandbox's table of a new user is the sandbox's own.
#[test]
fn the_readme_lists_every_magic_destination() {
    let sandbox = read(&root().join("crates/suppliers/src/sandbox.rs"));
    let magic = sandbox.split("pub const MAGIC").nth(1).unwrap().split("];").next().unwrap();
    let numbers: Vec<&str> =
        magic.split("(\"").skip(1).filter_map(|row| row.split('"').next()).collect();
    assert_eq!(numbers.len(), 10);
    for file in ["README.md", "README.id.md"] {
        let text = read(&root().join(file));
        for number in &numbers {
            assert!(text.contains(number), "{number} is not in {file}");
        }
    }
}

/// What stands in a document between backticks and could be the name of a test.
fn names_in(page: &str) -> Vec<&str> {
    let is_name = |word: &&str| {
        word.matches('_').count() > 1
            && word.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    page.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_name).collect()
}

/// Names of PostgreSQL and of a supplier's settings, which look like those of tests.
const OTHER_NAMES: [&str; 6] = [
    "check_days_most",
    "idle_in_transaction_session_timeout",
    "no_data_is_proof",
    "pg_terminate_backend",
    "proof_after_seconds",
    "synchronous_standby_names",
];

/// What is promised, or said to stand against an attacker, is tested by something that is there.
#[test]
fn tests_that_are_named_are_there() {
    let all: Vec<(PathBuf, String)> = sources();
    let config = read(&root().join("config/gerbang.default.toml"));
    let is_known = |name: &str| {
        // A metric, a key of the configuration.
        name.starts_with("gerbang_") || config.contains(name) || OTHER_NAMES.contains(&name)
    };
    let mut wrong = Vec::new();
    for (page, least) in [
        ("SECURITY.md", 150),
        ("README.md", 0),
        ("README.id.md", 0),
        ("docs/security.md", 30),
        ("docs/proof.md", 30),
        ("docs/keys.md", 3),
        ("docs/restore.md", 5),
        ("docs/postgres.md", 10),
        ("docs/members.md", 3),
    ] {
        let text = read(&root().join(page));
        let mut named = 0;
        for name in names_in(&text).into_iter().filter(|name| !is_known(name)) {
            named += 1;
            if !all.iter().any(|(_, text)| is_tested_by(text, name)) {
                wrong.push(format!("{page} names a test {name} that is not there"));
            }
        }
        assert!(named >= least, "{page} is not read: {named} names");
    }
    none(&wrong);
}

/// The promises of a page: its list items, each whole. What is told not to be proved promises nothing.
fn items(page: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let (mut is_exempt, mut is_open) = (false, false);
    for line in page.lines() {
        let number = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        if line.starts_with('#') {
            is_exempt = false;
        } else if line.starts_with("It does not prove") {
            is_exempt = true;
        }
        if line.starts_with("- ") || number {
            is_open = !is_exempt;
            if is_open {
                items.push(line.to_owned());
            }
        } else if line.starts_with("  ") {
            if let Some(item) = items.last_mut().filter(|_| is_open) {
                item.push(' ');
                item.push_str(line.trim());
            }
        } else {
            is_open = false;
        }
    }
    items
}

/// Whoever promises something says what would notice, or that nothing would.
#[test]
fn every_promise_names_its_test() {
    let page = read(&root().join("SECURITY.md"));
    let all = sources();
    let items = items(&page);
    assert!(items.len() > 60, "the page is not read: {} items", items.len());
    let mut wrong = Vec::new();
    for item in &items {
        // At its end, in parentheses of their own.
        let told = item.rsplit_once(" (").and_then(|(_, told)| told.strip_suffix(')'));
        let names = told.map(names_in).unwrap_or_default();
        let is_tested =
            names.iter().any(|name| all.iter().any(|(_, text)| is_tested_by(text, name)));
        let says_why = told.is_some_and(|told| {
            told.split_once("not tested: ").is_some_and(|(_, why)| why.len() > 5)
        });
        if !(is_tested || says_why) {
            let begin: String = item.chars().take(70).collect();
            wrong.push(format!(
                "SECURITY.md: no test at the end, and no \"not tested: why\": {begin}"
            ));
        }
    }
    none(&wrong);
}

/// True where a test has this name.
fn is_tested_by(text: &str, name: &str) -> bool {
    let definition = format!("fn {name}(");
    text.match_indices(&definition).any(|(at, _)| {
        let before: Vec<&str> = text[..at].lines().rev().take(8).collect();
        // Its attributes, and no other function between.
        let own =
            before.iter().take_while(|line| !line.starts_with('}') && !line.starts_with("    }"));
        own.into_iter().any(|line| line.contains("test]") || line.contains("::test("))
    })
}
