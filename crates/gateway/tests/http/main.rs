//! The member protocol over real HTTP.
#![allow(clippy::unwrap_used)]

mod conformance;
mod dialects;
mod hostile;
mod known;
mod money;
mod refusals;
mod rig;
mod seller;
