//! Callbacks of suppliers: `/callback/{supplier}/{secret}`. Who may call is decided here, what it
//! means in the engine. A stranger learns nothing: every refusal looks like a path that is not there.

use crate::service::{Answered, BUSY, FORM_TIME, Gateway, plain};
use engine::{CallbackDoor, Received, inlet};
use http::{Request, StatusCode, header};
use hyper::body::Incoming;
use net::{Sender, Unread, read_body};
use std::net::{IpAddr, SocketAddr};
use store::{Channel, Direction, JournalLine};
use subtle::ConstantTimeEq as _;
use suppliers::Inbound;
use types::SupplierCode;

/// Most bytes of a callback's body.
const BODY_MOST: usize = 64 * 1024;

fn not_found() -> Answered {
    plain(StatusCode::NOT_FOUND, "Not found")
}

impl Gateway {
    pub(crate) async fn supplier_callback(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Answered {
        let address = self.caller(peer, &request);
        let from = address.to_string();
        let mut parts = request.uri().path().split('/').skip(2);
        let (code, secret) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let Ok(code) = SupplierCode::parse(code) else { return not_found() };
        let query = request.uri().query().unwrap_or_default().to_owned();
        let port = self.0.suppliers.get(&code);
        let door = port.and_then(|port| port.callback);
        let why = match &door {
            None => Some("it takes no callbacks"),
            Some(CallbackDoor { secret: own, .. })
                if !bool::from(own.expose().as_bytes().ct_eq(secret.as_bytes())) =>
            {
                Some("wrong secret")
            }
            Some(CallbackDoor { ips, .. })
                if !ips.is_empty() && !ips.iter().any(|net| net.contains(&address)) =>
            {
                Some("address not allowed")
            }
            Some(_) => None,
        };
        if let Some(why) = why {
            // Nothing is read for a stranger.
            let inbound = Inbound { query, body: String::new(), headers: Vec::new() };
            self.refuse(&code, address, &inbound, why, door.is_some()).await;
            return not_found();
        }
        let headers = request
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-") || *name == header::USER_AGENT)
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            })
            .collect();
        let body =
            match read_body(request.into_body(), (Sender::Supplier, address), BODY_MOST, FORM_TIME)
                .await
            {
                Ok(body) => String::from_utf8_lossy(&body.bytes).into_owned(),
                Err(Unread::Busy) => return plain(StatusCode::SERVICE_UNAVAILABLE, BUSY),
                Err(Unread::TooLarge | Unread::CutOff) => {
                    return plain(StatusCode::BAD_REQUEST, "Bad request");
                }
            };
        let inbound = Inbound { query, body, headers };
        let taken = inlet(&self.0.handle, &self.0.suppliers, &code, &from, &inbound);
        match taken.await {
            Received::Taken => plain(StatusCode::OK, "OK"),
            Received::Greeted => {
                tracing::info!(supplier = %code, from, "a callback address was tried out");
                self.note_callback(&code, &from, &inbound, "", "ping").await;
                plain(StatusCode::OK, "OK")
            }
            Received::Busy => plain(StatusCode::SERVICE_UNAVAILABLE, BUSY),
            Received::NotOurs(why) => {
                self.refuse(&code, address, &inbound, &why, true).await;
                not_found()
            }
            Received::Unknown(why) => {
                tracing::error!(supplier = %code, from, why, "a callback about a purchase we never made");
                self.note_callback(&code, &from, &inbound, &why, "copy").await;
                not_found()
            }
        }
    }

    /// Promise 7: what was not believed is on record too; equal ones of a stranger are counted.
    async fn refuse(
        &self,
        code: &SupplierCode,
        from: IpAddr,
        inbound: &Inbound,
        why: &str,
        is_known: bool,
    ) {
        let named = is_known.then(|| code.to_string());
        let now = self.0.handle.now().utc;
        let Some(end) = self.not_let_in(from, "callback", named, now) else { return };
        tracing::warn!(supplier = %code, %from, why, "a callback was refused{end}");
        let reply = format!("{why}{end}");
        self.note_callback(code, &from.to_string(), inbound, &reply, "refused").await;
    }

    async fn note_callback(
        &self,
        code: &SupplierCode,
        from: &str,
        inbound: &Inbound,
        reply: &str,
        status: &str,
    ) {
        let request: String = format!("{code} {} {}", inbound.query, inbound.body);
        let line = JournalLine {
            at: self.0.handle.now().utc,
            direction: Direction::In,
            channel: Channel::Supplier,
            peer: from.to_owned(),
            member: None,
            trx: None,
            request: request.chars().take(2_000).collect(),
            reply: reply.to_owned(),
            status: status.to_owned(),
            millis: 0,
            stamps: Vec::new(),
        };
        self.0.handle.note(line).await;
    }
}
