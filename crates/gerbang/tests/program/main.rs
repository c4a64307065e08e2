//! The real program: started, asked, killed, tampered with.
#![allow(clippy::unwrap_used)]

mod cli;
mod crash;
mod crashes;
mod demo;
mod faults;
mod nodes;
mod rig;
mod shim;
mod suppliers;
mod tamper;
