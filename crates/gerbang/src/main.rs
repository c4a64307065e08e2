//! The program. Its commands are not there yet; see README.md.

fn main() {}
