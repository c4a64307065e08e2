//! The member protocol over real HTTP.
#![allow(clippy::unwrap_used)]

mod conformance;
mod hostile;
mod money;
mod refusals;
mod rig;
mod seller;
