//! What people and their scripts use: console, admin API and portal, in front of the office.
//!
//! Pages are made on the server and work without a script; a little of it keeps them fresh. Every
//! route stands in one table with the permission it needs, and nothing is reachable that does not.
//! It moves no money itself: it asks the office, which asks the engine.

// Amounts and numbers from outside run through here: nothing may run over.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod api;
mod ask;
mod chart;
mod door;
mod lang;
mod live;
mod numbers;
mod pages;
mod portal;
mod reply;
mod routes;
mod seats;
mod sheet;
mod show;
mod view;

pub use reply::{Answer, Body};
pub use routes::{Need, Route, console_routes};

use ask::Ask;
use engine::Handle;
use http::Request;
use hyper::body::Incoming;
use ipnet::IpNet;
use office::Office;
use reports::Reports;
use std::net::SocketAddr;
use std::sync::Arc;

/// How the console is reached.
#[derive(Clone, Default)]
pub struct ConsoleSettings {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Cookies travel over TLS only.
    pub secure: bool,
    /// Shown on the login page of a demo: who may log in, and with what.
    pub demo: Option<String>,
    /// The sandbox of members, to show them what they did there.
    pub play: Option<Handle>,
}

/// The doors for people. Cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) office: Arc<Office>,
    pub(crate) reports: Reports,
    pub(crate) settings: ConsoleSettings,
    pub(crate) streams: live::Streams,
    seats: seats::Seats,
}

impl Console {
    /// Doors in front of an office.
    #[must_use]
    pub fn new(office: Arc<Office>, reports: Reports, settings: ConsoleSettings) -> Self {
        let (streams, seats) = (live::Streams::default(), seats::Seats::default());
        Self(Arc::new(Inner { office, reports, settings, streams, seats }))
    }

    /// True for paths that are answered here.
    #[must_use]
    pub fn takes(path: &str) -> bool {
        let below = |root: &str| path == root || path.starts_with(&format!("{root}/"));
        ["/console", "/portal", "/admin/v1", "/assets"].into_iter().any(below)
    }

    /// Answers one request. Never fails: what goes wrong is a page or a problem document.
    pub async fn answer(&self, peer: SocketAddr, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let ask = Ask::of(&self.0.settings, peer, head);
        let mut answer = routes::answer(&self.0, ask, body).await;
        door::over_tls(&self.0, &mut answer);
        answer
    }
}
