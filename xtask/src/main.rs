//! The project's chores. `cargo xtask test` installs what the tests need and runs them all; `cargo xtask
//! dependencies` holds what the program is built from against `deny.toml`; `cargo xtask mutants` changes the code
//! and looks which test notices.

mod dependencies;
mod mutants;

use std::process::{Command, ExitCode};

/// One build of everything. The first lets tests choose where the program dies, the second lets the
/// simulation break the code that it runs.
const FEATURES: &str = "gerbang/crash-points,sim/defects";

fn run(program: &str, arguments: &[&str]) -> bool {
    code_of(program, arguments) == Some(0)
}

/// With what a program ended; none when it could not be run, or was stopped.
fn code_of(program: &str, arguments: &[&str]) -> Option<i32> {
    eprintln!("+ {program} {}", arguments.join(" "));
    let mut command = Command::new(program);
    // What was installed is tried: there a language that is missing is a failure.
    command.env("GERBANG_TEST_LANGUAGES", LANGUAGES.map(|(program, _)| program).join(" "));
    command.args(arguments).status().ok()?.code()
}

fn answers(program: &str, question: &str) -> bool {
    Command::new(program).arg(question).output().is_ok_and(|out| out.status.success())
}

fn found(program: &str) -> bool {
    answers(program, "--version")
}

/// Where Debian puts PostgreSQL's programs, or where `PGBIN` says they are.
fn has_postgres() -> bool {
    std::env::var_os("PGBIN").is_some()
        || std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut found| found.next().is_some())
}

/// What examples of the portal are run in, and the packages that bring it.
const LANGUAGES: [(&str, &str); 3] =
    [("python3", "python3"), ("node", "nodejs"), ("php", "php-cli")];

/// The bundled SQLite and ring are built with the system's C compiler; tests of several nodes start
/// a PostgreSQL of their own, those of the console a Chromium.
fn install() -> bool {
    let mut missing = Vec::new();
    if !found("cc") {
        missing.extend(["gcc", "libc6-dev"]);
    }
    if !has_postgres() {
        missing.extend(["postgresql", "postgresql-client"]);
    }
    // What a member's developer pastes into a shell is run.
    if !found("curl") {
        missing.push("curl");
    }
    // It has no `--version`.
    if !answers("openssl", "version") {
        missing.push("openssl");
    }
    // So are the examples in languages.
    for (program, package) in LANGUAGES {
        if !found(program) {
            missing.push(package);
        }
    }
    // The samples for proxies are tried with the real ones.
    for (program, package) in [("haproxy", "haproxy"), ("nginx", "nginx-light")] {
        if !std::path::Path::new("/usr/sbin").join(program).exists() {
            missing.push(package);
        }
    }
    if !found("chromedriver") {
        missing.extend(["chromium", "chromium-driver"]);
    }
    if missing.is_empty() {
        return true;
    }
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(missing);
    run("apt-get", &["update", "-qq"]) && run("apt-get", &arguments)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.first().map(String::as_str) {
        Some("test") => {
            let mut arguments = vec!["test", "--workspace", "--features", FEATURES];
            arguments.extend(words.iter().skip(1).map(String::as_str));
            // Without switches the code cannot be broken; that build is seconds.
            install() && run("cargo", &["test", "-p", "defects"]) && run("cargo", &arguments)
        }
        Some("dependencies") => dependencies::check(),
        Some("mutants") => mutants::check(&words[1..]),
        _ => {
            eprintln!(
                "usage: cargo xtask test [arguments of cargo test] | dependencies | mutants .."
            );
            false
        }
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
