//! The calls: buy, check, balance, prices. One call, one try.

use crate::{Outcome, Told};
use net::{Guard, Outgoing, OutgoingLimits};
use std::fmt;
use std::time::Duration;
use suppliers::{Reply, Request, SendResult, Transport as _};
use types::Rupiah;
use wire::{Account, AskUrl, PriceRow, Status, Wanted, read, read_price_list};

/// Time limits of one call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Name, connection and TLS together.
    pub connect: Duration,
    /// From the first byte sent to the end of the answer.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), answer: Duration::from_secs(60) }
    }
}

/// Most bytes of an answer; a price list of 20,000 products fits.
const BODY_MOST: usize = 16 * 1024 * 1024;

/// Why a question about us (not about a purchase) has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The client could not be made.
    Setup(String),
    /// No answer.
    NoAnswer(String),
    /// The server refused us, in its words.
    Refused(String),
    /// An answer that is not understood.
    Strange(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(why) => write!(f, "the client cannot be made: {why}"),
            Self::NoAnswer(why) => write!(f, "no answer: {why}"),
            Self::Refused(reason) => write!(f, "the server refuses us: {reason}"),
            Self::Strange(text) => write!(f, "the answer is not understood: {text}"),
        }
    }
}

impl std::error::Error for ClientError {}

/// A client with one account at one server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    account: Account,
    outgoing: Outgoing,
}

impl Client {
    /// With the usual time limits.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(account: Account) -> Result<Self, ClientError> {
        Self::with_limits(account, Limits::default())
    }

    /// With time limits of your own.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with_limits(account: Account, limits: Limits) -> Result<Self, ClientError> {
        let guard = Guard { open: true, ..Guard::default() };
        let limits =
            OutgoingLimits { connect: limits.connect, answer: limits.answer, body_most: BODY_MOST };
        let outgoing =
            Outgoing::new(guard, limits).map_err(|error| ClientError::Setup(error.to_string()))?;
        Ok(Self { account, outgoing })
    }

    async fn get(&self, url: AskUrl) -> SendResult {
        let request =
            Request { method: "GET", url: url.url, redacted: url.redacted, ..Request::default() };
        self.outgoing.send(&request).await
    }

    /// Buys; `wanted.qty` makes it an open denomination. Sending the same reference again is a
    /// question, not a second purchase, at every server that keeps to the protocol.
    pub async fn buy(&self, wanted: &Wanted) -> Told {
        Told::of(self.get(self.account.buy(wanted)).await, wanted)
    }

    /// Asks how a purchase stands.
    pub async fn check(&self, wanted: &Wanted) -> Told {
        let told = Told::of(self.get(self.account.check(wanted)).await, wanted);
        match told.outcome {
            // Unsent was the question, not the purchase.
            Outcome::NotSent { why } => Told { outcome: Outcome::Unknown { why }, text: told.text },
            _ => told,
        }
    }

    /// Our balance.
    ///
    /// # Errors
    /// When there is no answer, or it is no balance.
    pub async fn balance(&self) -> Result<Rupiah, ClientError> {
        let reply = answered(self.get(self.account.balance()).await)?;
        let reading = read(&reply.body);
        match (reading.status, reading.balance) {
            (Status::Balance, Some(balance)) => Ok(balance),
            (Status::Refused, _) => Err(ClientError::Refused(reading.reason.unwrap_or_default())),
            _ => Err(strange(&reply)),
        }
    }

    /// The price list with this id.
    ///
    /// # Errors
    /// When there is no answer, or it is no price list.
    pub async fn prices(&self, list_id: &str) -> Result<Vec<PriceRow>, ClientError> {
        let reply = answered(self.get(self.account.prices(list_id)).await)?;
        if reply.status != 200 {
            return Err(strange(&reply));
        }
        let list = read_price_list(reply.body.as_bytes()).map_err(|_| strange(&reply))?;
        Ok(list.rows)
    }
}

fn answered(result: SendResult) -> Result<Reply, ClientError> {
    match result {
        SendResult::Replied(reply) => Ok(reply),
        SendResult::NotSent(why) | SendResult::Held(why) | SendResult::Unknown(why) => {
            Err(ClientError::NoAnswer(why))
        }
    }
}

fn strange(reply: &Reply) -> ClientError {
    let start: String = reply.body.chars().take(200).collect();
    ClientError::Strange(format!("HTTP {}: {start}", reply.status))
}
