//! The courier of callbacks: the guarded client, jitter, signatures (Standard Webhooks).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Courier, CourierResult};
use hmac::{Hmac, KeyInit as _, Mac as _};
use net::Outgoing;
use sha2::Sha256;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
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
        // Libraries of Standard Webhooks write their secrets like this; others are taken as they are.
        let decoded = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        let key = decoded.as_deref().unwrap_or(secret.as_bytes());
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            return String::new();
        };
        mac.update(format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The sandbox's: every callback says that nothing of it is real.
pub(crate) struct MarkedCourier(pub(crate) Arc<GuardedCourier>);

impl Courier for MarkedCourier {
    fn carry<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = CourierResult> + Send + 'a>> {
        let mut request = request.clone();
        request.headers.push((gateway::SANDBOX_HEADER.to_owned(), "1".to_owned()));
        Box::pin(async move { self.0.carry(&request).await })
    }

    fn chance(&self) -> u16 {
        self.0.chance()
    }

    fn sign(&self, secret: &str, id: &str, seconds: i64, body: &str) -> String {
        self.0.sign(secret, id, seconds, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::{Guard, OutgoingLimits};

    /// The example of the Standard Webhooks specification's own libraries.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let outgoing = Outgoing::new(Guard::default(), OutgoingLimits::default()).unwrap();
        let signature = GuardedCourier(outgoing).sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
