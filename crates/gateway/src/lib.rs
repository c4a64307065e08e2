//! What members call: the OkeConnect text protocol over HTTP, the same in JSON under `/v1`, and the
//! probes of operators.
//!
//! Every business answer has status 200, refusals too (WIRE.md section 1). This crate reads,
//! authenticates, limits and prints; it decides nothing about money and knows no store.

// Amounts and numbers from outside run through here: nothing may run over.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod auth;
mod balance;
mod inlet;
mod known;
mod limits;
mod metrics;
mod play;
mod prices;
mod routes;
mod seller;
mod service;
mod strangers;
mod trx;
mod v1;

pub use limits::Rates;
pub use metrics::Metrics;
pub use play::{Playground, Room, SANDBOX_KEY};
pub use routes::{GatewayRoute, gateway_routes};
pub use service::{Gateway, GatewaySettings, SANDBOX_HEADER};
pub use v1::{FoundKey, KeyRing, NoKeys};
