//! The receiving side: one query string to one typed event.
//!
//! A callback is a hint, not a proof: anybody who knows the address can send one. Know the sender
//! (a secret in the path, its addresses) or ask with [`crate::Client::check`] before money moves.

use crate::Outcome;
use crate::outcome::from_answer;
use std::fmt;
use types::{Dest, Rupiah};
use wire::{Answer, callback_query, read};

/// What a callback says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Our reference.
    pub ref_id: String,
    /// What became of it. A later callback may correct an earlier one.
    pub outcome: Outcome,
    /// The server's own number of the purchase.
    pub trx: Option<String>,
    /// Product code as the text writes it.
    pub product: Option<String>,
    /// Destination as the text writes it.
    pub dest: Option<String>,
    /// Our balance after it.
    pub balance: Option<Rupiah>,
    /// The whole text.
    pub message: String,
}

/// A query that is no callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackError;

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refid or message is missing; is this a callback of the H2H protocol?")
    }
}

impl std::error::Error for CallbackError {}

/// Reads the query string (or a form body) of a callback; `refid` and `message` in any case.
///
/// # Errors
/// When one of the two is missing.
pub fn read_callback(query: &str) -> Result<Event, CallbackError> {
    let (ref_id, message) = callback_query(query.as_bytes()).ok_or(CallbackError)?;
    let reading = read(&message);
    // The text speaks for itself about its destination; what it must fit is the reference.
    let dest = reading.dest.as_deref().and_then(|dest| Dest::parse(dest).ok());
    let outcome = match &dest {
        Some(dest) => from_answer(Answer::about(&message, &ref_id, dest)),
        None => Outcome::Unknown { why: "the text names no destination".to_owned() },
    };
    Ok(Event {
        ref_id,
        outcome,
        trx: reading.trx,
        product: reading.product,
        dest: reading.dest,
        balance: reading.balance,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Sn;

    #[test]
    fn a_callback_is_an_event() {
        let query = "refid=114&message=T%23100000114%20R%23114%20Three%201.000%20T1.089660522887%20SUKSES.%20SN%3A%20R1.%20Saldo%209.000%20-%201.321%20%3D%207.679%20%4001%2F01%2010%3A00";
        let event = read_callback(query).unwrap();
        assert_eq!(event.ref_id, "114");
        let price = Some(Rupiah::new(1_321));
        assert_eq!(event.outcome, Outcome::Success { sn: Sn::parse("R1").unwrap(), price });
        assert_eq!(event.trx.as_deref(), Some("100000114"));
        assert_eq!(event.balance, Some(Rupiah::new(7_679)));
        let other = read_callback(&query.replacen("refid=114", "refid=115", 1)).unwrap();
        assert!(matches!(other.outcome, Outcome::Unknown { .. }), "{other:?}");
        assert_eq!(read_callback("message=x"), Err(CallbackError));
    }
}
