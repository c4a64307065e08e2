//! A request to the door it belongs to: console, the demo's receiver, gateway.
//!
//! A handler that breaks ends its own request only: it is counted, answered with 500, and whoever
//! asked is not told a refusal, as nothing is known of what was done.

use crate::receiver::Receiver;
use console::Console;
use engine::Parts;
use gateway::Gateway;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use std::net::SocketAddr;
use std::sync::Arc;

/// Two years: browsers ask for this host over TLS only.
const HSTS: &str = "max-age=63072000";

/// All doors of one listener. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    console: Console,
    gateway: Gateway,
    receiver: Option<Receiver>,
    parts: Arc<Parts>,
    secure: bool,
}

impl Router {
    /// The doors of a business, reached over TLS or not.
    #[must_use]
    pub fn new(console: Console, gateway: Gateway, parts: Arc<Parts>, secure: bool) -> Self {
        Self { console, gateway, receiver: None, parts, secure }
    }

    /// With the demo member's own end beside them.
    pub(crate) fn with(self, receiver: Option<Receiver>) -> Self {
        Self { receiver, ..self }
    }

    /// Answers one request, whatever becomes of its handler.
    pub async fn answer(
        self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Response<console::Body> {
        let (parts, secure) = (self.parts.clone(), self.secure);
        let mut answer = engine::caught(self.lead(peer, request)).await.unwrap_or_else(|_| {
            parts.panicked("an answer");
            broken()
        });
        if secure {
            let hsts = HeaderValue::from_static(HSTS);
            answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, hsts);
        }
        answer
    }

    async fn lead(self, peer: SocketAddr, request: Request<Incoming>) -> Response<console::Body> {
        engine::panic_point("answer");
        if Console::takes(request.uri().path()) {
            return self.console.answer(peer, request).await;
        }
        match self.receiver.and_then(|receiver| receiver.answer(&request)) {
            Some(answer) => answer.map(Either::Left),
            None => self.gateway.answer(peer, request).await.map(Either::Left),
        }
    }
}

/// What is answered when a request broke the program's own rules.
fn broken() -> Response<console::Body> {
    let text = Bytes::from_static(b"Terjadi kesalahan, cek statusnya");
    let mut answer = Response::new(Either::Left(Full::new(text)));
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    answer
}
