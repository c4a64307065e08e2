//! The courier of callbacks: the guarded client, jitter, signatures (Standard Webhooks).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Courier, CourierResult};
use hmac::{Hmac, KeyInit as _, Mac as _};
use net::Outgoing;
use sha2::Sha256;
use std::future::Future;
use std::pin::Pin;
use suppliers::{Request, Transport as _};

pub(crate) struct GuardedCourier(pub(crate) Outgoing);

impl Courier for GuardedCourier {
    fn carry<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>> {
        Box::pin(async { CourierResult::Tried(self.0.send(request).await) })
    }

    fn chance(&self) -> u16 {
        let mut bytes = [0; 2];
        // Without randomness the jitter is lost, not the delivery.
        let _ = getrandom::fill(&mut bytes);
        u16::from_le_bytes(bytes)
    }

    fn sign(&self, secret: &str, id: &str, seconds: i64, body: &str) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            return String::new();
        };
        mac.update(format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}
