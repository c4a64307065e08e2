//! What a text means for one purchase: the reading that clients and the text connector share.
//!
//! A text must name the reference of the purchase; one about another purchase, one that names none,
//! and any text that is not understood, is [`Answer::Unknown`], never a failure.

use crate::{Status, read};
use types::{Dest, Rupiah, Sn, is_same_dest};

/// The meaning of a reply, an answer to a check, or a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken and not decided.
    Pending,
    /// Delivered.
    Success {
        /// Serial number.
        sn: Sn,
        /// What it cost, when the text says so.
        price: Option<Rupiah>,
    },
    /// Failed, for a reason of the purchase; nothing was paid.
    Failed {
        /// In the server's words.
        reason: String,
    },
    /// The caller was refused (PIN, address, limits). A purchase was not taken then; a refused
    /// check says nothing about the purchase.
    Refused {
        /// In the server's words.
        reason: String,
    },
    /// The server found no such purchase; many look back only a day.
    NoData,
    /// Anything else: ask again.
    Unknown,
}

impl Answer {
    /// Reads a text about the purchase with this reference and destination.
    #[must_use]
    pub fn about(text: &str, ref_id: &str, dest: &Dest) -> Self {
        let reading = read(text);
        // A refusal for a wrong PIN says R#0 and names nothing.
        match reading.status {
            Status::Refused => {
                return Self::Refused { reason: reading.reason.unwrap_or_default() };
            }
            Status::NoData => return Self::NoData,
            Status::Balance | Status::Unknown => return Self::Unknown,
            Status::Accepted | Status::Pending | Status::Success | Status::Failed => {}
        }
        let ref_fits = reading.ref_id.as_ref().is_some_and(|found| found == ref_id);
        let dest_fits =
            reading.dest.as_ref().is_none_or(|found| is_same_dest(found, dest.as_str()));
        if !(ref_fits && dest_fits && reading.other_refs.is_empty()) {
            return Self::Unknown;
        }
        match reading.status {
            Status::Accepted | Status::Pending => Self::Pending,
            Status::Success => match reading.sn.as_deref().map(Sn::parse) {
                Some(Ok(sn)) => Self::Success { sn, price: reading.price },
                Some(Err(_)) | None => Self::Unknown,
            },
            Status::Failed => Self::Failed { reason: reading.reason.unwrap_or_default() },
            Status::Refused | Status::NoData | Status::Balance | Status::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(text: &str) -> Answer {
        Answer::about(text, "114", &Dest::parse("089660522887").unwrap())
    }

    #[test]
    fn a_text_speaks_of_one_purchase() {
        let done = "T#5 R#114 Three 1.000 T1.089660522887 SUKSES. SN: R1. Saldo 9 - 3 = 6 @10:00";
        let success = Answer::Success { sn: Sn::parse("R1").unwrap(), price: Some(Rupiah::new(3)) };
        assert_eq!(about(done), success);
        assert_eq!(about(&done.replace("R#114", "R#115")), Answer::Unknown);
        assert_eq!(about(&done.replace("2887", "2888")), Answer::Unknown);
        assert_eq!(about(&done.replace("R#114", "R#")), Answer::Unknown);
        assert_eq!(about(&done.replace("R#114 ", "")), Answer::Unknown);
        assert_eq!(about(&done.replace("R1.", "R1. R#115")), Answer::Unknown);
        assert_eq!(about(&done.replace("0896", "+62896")), success);
        assert_eq!(about("SUKSES. SN: R1"), Answer::Unknown);
        assert_eq!(about("Saldo 5"), Answer::Unknown);
        assert_eq!(about("<html>502</html>"), Answer::Unknown);
        let failed = "R#114 T1.089660522887 GAGAL. Nomor tujuan salah. Saldo 5";
        assert_eq!(about(failed), Answer::Failed { reason: "Nomor tujuan salah".to_owned() });
        let refused = "R#0 T1.089660522887 GAGAL. PIN salah. Saldo 5";
        assert_eq!(about(refused), Answer::Refused { reason: "PIN salah".to_owned() });
    }
}
