//! The program; everything is in the library, so that its readers of foreign bytes can be fuzzed.

use std::process::ExitCode;

/// The C library's allocator costs an eighth of a purchase (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gerbang::main()
}
