//! One request out, one answer back; and what a supplier sends on its own.

use std::future::Future;
use std::pin::Pin;

/// A request to a supplier, or a callback to a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Full URL, with secrets.
    pub url: String,
    /// Extra headers.
    pub headers: Vec<(String, String)>,
    /// Body, empty for none.
    pub body: String,
    /// The same request for the journal, without secrets.
    pub redacted: String,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in ms, when it came.
    pub retry_after_ms: Option<i64>,
    /// Body, cut at the transport's limit.
    pub body: String,
}

/// A callback a supplier sent us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inbound {
    /// Query string, undecoded.
    pub query: String,
    /// Body.
    pub body: String,
    /// Headers; names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Inbound {
    /// A header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What became of one request.
///
/// Promise 3: only a transport makes `NotSent` or `Held`, and only from a failure before the first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// Provably nothing left: with the proof.
    NotSent(String),
    /// Nothing left, and for want of something of this machine: descriptors, ports, memory. It says
    /// nothing of the other side, and passes.
    Held(String),
    /// An answer came.
    Replied(Reply),
    /// Bytes may have left and no answer is known.
    Unknown(String),
}

/// Carries a request out: exactly one try.
pub trait Transport: Send + Sync {
    /// Sends and waits for the answer, within the transport's time limit.
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>>;
}
