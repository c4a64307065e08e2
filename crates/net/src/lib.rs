//! Sockets, both directions.
//!
//! Outgoing: exactly one connection try per call, no redirects, no retries, a time limit, and a
//! guard that keeps callbacks away from internal addresses. Incoming: an accept loop with limits
//! on header time, header size, seats and idleness, TLS with reload, and a graceful drain.
//! Nothing here knows members, money or the engine.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod activity;
mod body;
mod guard;
mod listen;
mod outgoing;
mod peer;
mod proxied;
mod room;
mod seats;
mod shortage;
mod tls;

pub use body::{Unread, Whole, read_body};
pub use guard::Guard;
pub use listen::{Limits, Listener, serve};
pub use outgoing::{Outgoing, OutgoingLimits};
pub use peer::client_address;
pub use room::Sender;
pub use shortage::{Descriptors, raise_descriptors};
pub use tls::{ReloadingTls, TlsError};
