//! `/trx-v2`: the same answers as JSON (WIRE.md section 1).

use serde::Serialize;

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

#[derive(Serialize)]
struct V2<'a> {
    status: &'a str,
    refid: &'a str,
    trxid: &'a str,
    time: &'a str,
    sn: &'a str,
    message: &'a str,
}

/// One JSON object, all values strings; `time` is `YYYY-MM-DD HH:MM:SS` in the configured zone.
#[must_use]
pub fn v2_json(
    status: V2Status,
    ref_id: &str,
    trx: &str,
    time: &str,
    sn: &str,
    message: &str,
) -> String {
    let status = match status {
        V2Status::Success => "SUKSES",
        V2Status::Failed => "GAGAL",
        V2Status::Pending => "PENDING",
    };
    let body = V2 { status, refid: ref_id, trxid: trx, time, sn, message };
    // A struct of strings always serializes.
    serde_json::to_string(&body).unwrap_or_default()
}
