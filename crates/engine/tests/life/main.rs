//! The life of purchases on virtual time: hours pass in milliseconds.
#![allow(clippy::unwrap_used)]

mod absence;
mod callbacks;
mod evidence;
mod gone;
mod outage;
mod proof;
mod restart;
mod rig;
mod steps;
mod supplying;
