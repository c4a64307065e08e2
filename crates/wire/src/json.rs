//! `/trx-v2`: the same answers as JSON (WIRE.md section 1).

use serde::Serialize;
use types::Rupiah;

/// The three words a `trx-v2` client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum V2Status {
    /// Delivered.
    Success,
    /// Refused, failed, reversed, or never taken.
    Failed,
    /// Anything else, including answers that say nothing about the purchase.
    Pending,
}

impl V2Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Success => "SUKSES",
            Self::Failed => "GAGAL",
            Self::Pending => "PENDING",
        }
    }
}

#[derive(Serialize)]
struct V2Balance<'a> {
    status: &'a str,
    balance: Option<i64>,
    message: &'a str,
}

/// The balance as one JSON object: a number, or `null` where none can be told.
#[must_use]
pub fn v2_balance_json(status: V2Status, balance: Option<Rupiah>, message: &str) -> String {
    let balance = balance.map(Rupiah::get);
    serde_json::to_string(&V2Balance { status: status.word(), balance, message })
        .unwrap_or_default()
}

#[derive(Serialize)]
struct V2<'a> {
    status: &'a str,
    refid: &'a str,
    trxid: &'a str,
    price: i64,
    time: &'a str,
    sn: &'a str,
    message: &'a str,
}

/// One JSON object, all values strings but `price`, which is 0 where there is none; `time` is `YYYY-MM-DD HH:MM:SS` in the configured zone.
#[must_use]
pub fn v2_json(
    status: V2Status,
    ref_id: &str,
    trx: &str,
    price: Rupiah,
    time: &str,
    sn: &str,
    message: &str,
) -> String {
    let (status, price) = (status.word(), price.get());
    let body = V2 { status, refid: ref_id, trxid: trx, price, time, sn, message };
    // A struct of strings and numbers always serializes.
    serde_json::to_string(&body).unwrap_or_default()
}
