//! The arrows between crates: each may use only what its row allows.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Crate, what it may use of ours, what it must never use of others.
const ARROWS: [(&str, &[&str], &[&str]); 23] = [
    // A leaf that does nothing in a release.
    ("defects", &[], &["tokio", "serde", "rusqlite", "hyper", "jiff"]),
    ("types", &[], &["tokio", "serde", "rusqlite", "hyper", "jiff"]),
    ("wire", &["defects", "types"], &["tokio", "hyper", "http", "rusqlite", "jiff"]),
    ("domain", &["defects", "types"], &["tokio", "serde", "hyper", "rusqlite", "jiff"]),
    ("store", &["defects", "types", "domain"], &["tokio", "rusqlite", "hyper", "jiff"]),
    ("sqlite", &["defects", "types", "domain", "store"], &["tokio", "hyper"]),
    ("pg", &["types", "domain", "store"], &["hyper", "rusqlite"]),
    // A server for tests; it knows nothing of ours.
    ("pgtest", &[], &["tokio", "hyper", "rusqlite"]),
    ("model", &["types", "domain", "store"], &["tokio", "hyper", "rusqlite"]),
    (
        "suppliers",
        &["defects", "types", "wire", "domain"],
        &["tokio", "hyper", "rusqlite", "reqwest"],
    ),
    (
        "engine",
        &["defects", "types", "wire", "domain", "store", "suppliers"],
        &["hyper", "rusqlite"],
    ),
    ("net", &["types", "suppliers"], &["rusqlite", "reqwest"]),
    ("throttle", &["types"], &["tokio", "hyper", "rusqlite", "jiff"]),
    (
        "gateway",
        &["types", "wire", "domain", "store", "suppliers", "engine", "net", "throttle"],
        &["rusqlite", "reqwest"],
    ),
    // Derived figures in a file of their own; whoever runs the engine is not its business.
    ("reports", &["types", "domain", "store"], &["tokio", "hyper"]),
    (
        "office",
        &["types", "wire", "domain", "store", "suppliers", "engine", "throttle"],
        &["hyper", "http", "rusqlite"],
    ),
    (
        "console",
        &["types", "wire", "domain", "store", "suppliers", "engine", "net", "office", "reports"],
        &["rusqlite", "reqwest"],
    ),
    // The simulator is a stranger: it must not know what Gerbang knows.
    ("simulator", &["types", "wire"], &["rusqlite", "hyper"]),
    // Usable alone: it must not need a business around it.
    (
        "gerbang-client",
        &["types", "wire", "suppliers", "net"],
        &["rusqlite", "reqwest", "engine", "store"],
    ),
    (
        "gerbang",
        &[
            "types",
            "wire",
            "domain",
            "store",
            "sqlite",
            "pg",
            "suppliers",
            "engine",
            "net",
            "gateway",
            "office",
            "reports",
            "console",
            "gerbang-client",
            "simulator",
        ],
        &["rusqlite", "reqwest"],
    ),
    (
        "fuzz",
        &[
            "types",
            "wire",
            "domain",
            "store",
            "model",
            "suppliers",
            "engine",
            "gerbang-client",
            "office",
            "reports",
            "console",
            "gateway",
            "gerbang",
        ],
        &["rusqlite"],
    ),
    (
        "sim",
        &[
            "defects",
            "types",
            "wire",
            "domain",
            "store",
            "model",
            "sqlite",
            "suppliers",
            "simulator",
            "engine",
            "office",
        ],
        &["rusqlite", "hyper"],
    ),
    (
        "bench",
        &["types", "domain", "store", "sqlite", "pg", "pgtest", "engine", "net"],
        &["rusqlite"],
    ),
];

/// Names of the normal dependencies of every workspace member.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let list = package["dependencies"].as_array().unwrap().iter();
            let normal = list.filter(|dependency| dependency["kind"].is_null());
            (text(&package["name"]), normal.map(|dependency| text(&dependency["name"])).collect())
        })
        .collect()
}

#[test]
fn every_arrow_is_allowed() {
    let found = dependencies();
    let ours: Vec<&String> = found.keys().collect();
    let mut wrong = Vec::new();
    for (name, used) in &found {
        let Some((_, may, never)) = ARROWS.iter().find(|(row, _, _)| row == name) else {
            if name != "xtask" {
                wrong.push(format!("{name} has no row in the table of arrows"));
            }
            continue;
        };
        for used in used {
            if ours.contains(&used) && !may.contains(&used.as_str()) {
                wrong.push(format!("{name} may not use {used}"));
            }
            if never.contains(&used.as_str()) {
                wrong.push(format!("{name} must never use {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
