//! What a supplier's reason means for routing, for texts of the OtomaX family.
//!
//! A closed list: words about the number end the purchase, words that leave doubt are asked about,
//! everything else that the protocol itself calls failed may be tried elsewhere.

use domain::{FailureClass, Outcome, Tie};
use types::Reason;

/// The number is wrong or blocked: no other supplier would help.
const NUMBER: [&str; 18] = [
    "nomor tujuan salah",
    "nomor tujuan tidak",
    "tujuan salah",
    "no tujuan",
    "nomor hp tidak benar",
    "nomor tidak",
    "nomor salah",
    "salah nomor",
    "cek kembali nomor",
    "blacklist",
    "nomor diblokir",
    "id pelanggan",
    "idpel",
    "luar wilayah",
    "cluster",
    "unreg",
    "sudah terbayar",
    "expired number",
];

/// Called failed, but it may have been delivered: ask.
const DOUBT: [&str; 5] = ["timeout", "time out", "refid sudah dipakai", "double", "sudah pernah"];

/// A failure in the protocol's own words, with its class.
#[must_use]
pub(crate) fn failed(reason: &str) -> Outcome {
    let words = reason.to_lowercase();
    if DOUBT.iter().any(|doubt| words.contains(doubt)) {
        return Outcome::Unknown { why: format!("the supplier says: {reason}") };
    }
    let class = if NUMBER.iter().any(|number| words.contains(number)) {
        FailureClass::Number
    } else {
        FailureClass::Route
    };
    Outcome::Failed { class, reason: Reason::clean(reason), tie: Tie::Reference }
}
