//! The program; everything is in the library, so that its readers of foreign bytes can be fuzzed.

use std::process::ExitCode;

fn main() -> ExitCode {
    gerbang::main()
}
