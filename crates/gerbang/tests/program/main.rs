//! The real program: started, asked, killed, tampered with.
#![allow(clippy::unwrap_used)]

mod books;
mod browser;
mod cli;
mod console;
mod crash;
mod crashes;
mod demo;
mod doors;
mod events;
mod examples;
mod faults;
mod feed;
mod floods;
mod foreign;
mod gone;
mod histories;
mod journeys;
mod kept;
#[cfg(feature = "crash-points")]
mod keys;
mod lawful;
mod live;
mod network;
mod nodes;
mod numbers;
mod people;
mod playground;
mod portal;
mod proxies;
mod rates;
mod reconcile;
mod restore;
mod rig;
mod shared;
mod shim;
mod standing;
mod suppliers;
mod takeover;
mod tamper;
mod two_persons;
mod vanished;
mod visitor;
mod webhooks;
mod who_may;
