//! A whole business in one thread on virtual time, where one seed decides everything.
//!
//! The real engine, decisions and connectors run against played suppliers, receivers and members,
//! over a store that can stop before or after any commit; the process crashes between any two
//! effects and starts again. Every commit is judged by books of its own, and in the end the suppliers'
//! truth must be ours. A failing seed repeats exactly. Nothing here is part of the program.

mod answers;
mod bank;
mod broken;
mod calls;
mod chance;
mod check;
mod digi;
mod expected;
mod faults;
mod judge;
mod life;
mod limits;
mod nodes;
mod operator;
mod ops;
mod people;
mod print;
mod questions;
mod receiver;
mod rude;
mod shadow;
mod shop;
mod stores;
mod supplier;
mod weather;
mod words;
mod world;

pub use broken::Broken;
pub use expected::missing;
pub use life::{Failure, Options, Report, run, shortest};
pub use shop::found;
