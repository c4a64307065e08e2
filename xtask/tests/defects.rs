//! Defects are compiled in where tests want them, and nowhere else: the command that runs all tests has
//! them, a build of the program does not.
#![allow(clippy::unwrap_used)]

mod root;

use root::root;
use std::path::PathBuf;
use std::process::Command;

/// With which features the crate of defects is built for a package.
fn defects_in(arguments: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}|{f}"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let ours = text.lines().filter(|line| line.starts_with("defects v"));
    let mut found: Vec<String> =
        ours.filter_map(|line| Some(line.split_once('|')?.1.to_owned())).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn no_build_of_the_program_has_switches() {
    assert_eq!(defects_in(&["-p", "gerbang", "--all-features"]), [""]);
    assert_eq!(defects_in(&["-p", "gerbang-client", "--all-features"]), [""]);
    assert_eq!(defects_in(&["-p", "sim"]), [""]);
    assert_eq!(defects_in(&["-p", "sim", "--features", "sim/defects"]), ["switches"]);
}

#[test]
fn the_command_that_runs_all_tests_has_them() {
    let features = "gerbang/crash-points,sim/defects";
    for file in ["xtask/src/main.rs", ".ci/run"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(features), "{file} leaves the defects of the code out");
    }
}

/// Only a call on the thread that runs it breaks anything: there is nothing to set from outside.
#[test]
fn only_the_simulation_breaks_anything() {
    let mut folders: Vec<PathBuf> = ["crates", "sim", "fuzz", "bench"].map(PathBuf::from).into();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(root().join(&path)).unwrap();
                if text.contains("while_on") {
                    found.push(path.display().to_string());
                }
                let is_ours = path.starts_with("crates/defects");
                let reads = ["std::env", "std::fs", "option_env!", "static mut", "std::process"];
                let outside = reads.iter().any(|word| text.contains(word));
                assert!(!(is_ours && outside), "{} reads something", path.display());
            }
        }
    }
    found.sort();
    assert_eq!(found, ["crates/defects/src/lib.rs", "sim/src/broken.rs"]);
}
