//! The real program: started, asked, killed, tampered with.
#![allow(clippy::unwrap_used)]

mod browser;
mod cli;
mod console;
mod crash;
mod crashes;
mod demo;
mod examples;
mod faults;
mod feed;
mod foreign;
mod journeys;
mod network;
mod nodes;
mod people;
mod playground;
mod portal;
mod reconcile;
mod rig;
mod shim;
mod suppliers;
mod tamper;
mod visitor;
mod webhooks;
