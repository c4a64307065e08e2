//! What the program is built from: `cargo xtask dependencies` holds it against `deny.toml` and writes its
//! bill of materials.
//!
//! The tools are built once into `target/tools`, at the versions written here.

use crate::run;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOOLS: &str = "target/tools";
const DENY: (&str, &str) = ("cargo-deny", "0.20.2");
const CYCLONEDX: (&str, &str) = ("cargo-cyclonedx", "0.5.9");

/// Where the bill of materials is.
const SBOM: &str = "target/gerbang.cdx.json";

/// The program of a tool: the one that is installed, or one that is built here.
pub(crate) fn tool((name, version): (&str, &str)) -> Option<PathBuf> {
    let own = Path::new(TOOLS).join("bin").join(name);
    let fits = |path: &PathBuf| {
        let out = Command::new(path).arg("--version").output();
        out.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(version))
    };
    let there = [PathBuf::from(name), own.clone()].into_iter().find(fits);
    let install =
        ["install", name, "--version", version, "--locked", "--debug", "--root", TOOLS, "--quiet"];
    there.or_else(|| run("cargo", &install).then_some(own))
}

fn deny(program: &Path, words: &[&str]) -> bool {
    run(&program.display().to_string(), words)
}

/// A copy of the database of RustSec from before, where cargo-deny keeps it.
fn has_copy() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let copies = home.and_then(|home| std::fs::read_dir(home.join("advisory-dbs")).ok());
    copies.is_some_and(|mut all| {
        all.any(|one| one.is_ok_and(|one| one.path().join("crates").is_dir()))
    })
}

/// Licences, bans, sources and duplicates, always; advisories where their database can be had.
pub(crate) fn check() -> bool {
    let (Some(cargo_deny), Some(cyclonedx)) = (tool(DENY), tool(CYCLONEDX)) else { return false };
    if !deny(&cargo_deny, &["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]) {
        return false;
    }
    if deny(&cargo_deny, &["fetch", "db"]) || has_copy() {
        if !deny(&cargo_deny, &["check", "--disable-fetch", "advisories"]) {
            return false;
        }
    } else {
        eprintln!(
            "advisories: LEFT OUT, the database of RustSec cannot be reached from here. Where it can, or \
             where `cargo deny fetch db` was run before, they are checked."
        );
    }
    bill(&cyclonedx)
}

/// Writes the bill of materials of the program, and looks whether it is one.
fn bill(cyclonedx: &Path) -> bool {
    let manifest = "crates/gerbang/Cargo.toml";
    let words = ["cyclonedx", "--manifest-path", manifest, "--format", "json", "--all-features"];
    let named = ["--override-filename", "gerbang.cdx"];
    if !run(&cyclonedx.display().to_string(), &[&words[..], &named].concat()) {
        return false;
    }
    // It writes beside each manifest of the workspace.
    let mut written = None;
    for folder in std::fs::read_dir("crates").into_iter().flatten().flatten() {
        let file = folder.path().join("gerbang.cdx.json");
        if folder.file_name() == "gerbang" {
            written = std::fs::read_to_string(&file).ok();
        }
        let _ = std::fs::remove_file(file);
    }
    let Some(text) = written else { return false };
    // Some of what it cannot do without.
    let whole = ["\"bomFormat\"", "pkg:cargo/rustls@", "pkg:cargo/rusqlite@", "pkg:cargo/hyper@"];
    let fits = whole.iter().all(|part| text.contains(part));
    if !fits {
        eprintln!("the bill of materials lacks one of {whole:?}");
    }
    let kept = std::fs::write(SBOM, text).is_ok();
    eprintln!("bill of materials: {SBOM}");
    fits && kept
}
