//! The listener over real sockets: TLS, and what one peer can hold.
#![allow(clippy::unwrap_used)]

mod proxied;
mod seats;
mod tls;
