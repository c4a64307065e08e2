//! Every answer and callback of WIRE.md section 3, from typed values to text.

use types::{CivilTime, Dest, ProductCode, ProductName, Qty, Reason, RefId, Rupiah, Sn, TrxNo};

/// How the serial number is announced in callbacks; a member's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnLabel {
    /// `SN: `
    #[default]
    Sn,
    /// `SN/Ref: `
    SnRef,
}

/// How an accepted purchase is announced; a member's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Processing {
    /// `akan diproses`
    #[default]
    Akan,
    /// `sedang diproses`
    Sedang,
}

/// The choices a member has over the wording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phrase {
    /// Wording of the accept sentence.
    pub processing: Processing,
    /// Wording of the success callback.
    pub sn_label: SnLabel,
    /// The member is a marketplace: every line names transaction, product, destination and status,
    /// in this order.
    pub seller: bool,
    /// Refusals show no balance.
    pub bare_refusals: bool,
    /// `. Hrg n` behind a failed check.
    pub failed_price: bool,
}

/// What most sentences begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Head {
    pub ref_id: RefId,
    pub name: ProductName,
    pub product: ProductCode,
    pub dest: Dest,
}

/// What a refusal repeats of a request that may be malformed: cleaned, bounded text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Echo {
    pub ref_id: String,
    pub product: String,
    pub dest: String,
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Reply {
    /// The purchase is debited and durable.
    Accepted {
        trx: TrxNo,
        head: Head,
        qty: Option<Qty>,
        before: Rupiah,
        price: Rupiah,
        after: Rupiah,
        at: CivilTime,
    },
    /// `check`: delivered. `today` decides whether the date is shown.
    CheckSuccess { trx: TrxNo, head: Head, at: CivilTime, today: bool, sn: Sn, price: Rupiah },
    /// `check`: failed, refused or reversed.
    CheckFailed {
        trx: TrxNo,
        head: Head,
        at: CivilTime,
        today: bool,
        reason: Reason,
        price: Rupiah,
    },
    /// `check`: not decided yet.
    /// Without a number when it is not known whether the purchase was taken.
    CheckPending {
        trx: Option<TrxNo>,
        ref_id: RefId,
        product: ProductCode,
        dest: Dest,
        at: CivilTime,
    },
    /// `check`: this refID was never taken.
    NoData { dest: Dest, on: CivilTime },
    /// The balance.
    Balance(Rupiah),
    /// A refused purchase; the balance only for an authenticated member.
    Refused { echo: Echo, reason: String, balance: Option<(Rupiah, CivilTime)> },
    /// A refused check or balance question: the reason alone.
    Bare(String),
}

impl Reply {
    /// The line on the wire, without a newline.
    #[must_use]
    pub fn text(&self, phrase: Phrase) -> String {
        match self {
            Self::Accepted { trx, head, qty, before, price, after, at } => {
                let Head { ref_id, name, product, dest } = head;
                let qty = qty.map(|qty| format!(" , QTY : {qty}")).unwrap_or_default();
                let processing = match phrase.processing {
                    Processing::Akan if phrase.seller => "sedang",
                    Processing::Akan => "akan",
                    Processing::Sedang => "sedang",
                };
                format!(
                    "T#{trx} R#{ref_id} {name} {product}.{dest}{qty} {processing} diproses. \
                     Saldo {before} - {price} = {after} @{}",
                    at.hhmm()
                )
            }
            Self::CheckSuccess { trx, head, at, today, sn, price } => format!(
                "{} {}, status Sukses. SN: {sn}. Hrg {price}",
                if phrase.seller { numbered(*trx, head) } else { line(head) },
                earlier(*at, *today)
            ),
            Self::CheckFailed { trx, head, at, today, reason, price } => format!(
                "{} {}, status Gagal. {reason}.{}",
                if phrase.seller { numbered(*trx, head) } else { line(head) },
                earlier(*at, *today),
                if phrase.failed_price { format!(" Hrg {price}") } else { String::new() }
            ),
            Self::CheckPending { trx, ref_id, product, dest, at } => {
                let number = trx.map(|trx| format!("T#{trx} ")).unwrap_or_default();
                format!(
                    "Mhn tunggu trx sblmnya selesai: {number}R#{ref_id} {product}.{dest} @{}, \
                     status Menunggu Jawaban.",
                    at.hhmm()
                )
            }
            Self::NoData { dest, on } => format!(
                "TIDAK ADA transaksi Tujuan {dest} pada tgl {}. Tidak ada data.",
                on.ddmmyyyy()
            ),
            Self::Balance(balance) => format!("Saldo {balance}"),
            Self::Refused { echo, reason, balance } => {
                let Echo { ref_id, product, dest } = echo;
                // A marketplace looks for a transaction even where none was made.
                let none = if phrase.seller { "T#0 " } else { "" };
                match balance.filter(|_| !phrase.bare_refusals) {
                    None => format!("{none}R#{ref_id} {product}.{dest} GAGAL. {reason}"),
                    Some((balance, at)) => format!(
                        "{none}R#{ref_id} {product}.{dest} GAGAL. {reason}. Saldo {balance} @{}",
                        at.hhmm()
                    ),
                }
            }
            Self::Bare(reason) => reason.clone(),
        }
    }
}

/// A line about no transaction, as a marketplace wants it: it looks for a number, its reference,
/// product and destination even where nothing was made.
#[must_use]
pub fn unnumbered(echo: &Echo, text: &str) -> String {
    let Echo { ref_id, product, dest } = echo;
    format!("T#0 R#{ref_id} {product}.{dest} {text}")
}

fn line(head: &Head) -> String {
    let Head { ref_id, name, product, dest } = head;
    format!("R#{ref_id} {name} {product}.{dest}")
}

/// `TrxID=.. kode .. ke ..`, as marketplaces show it.
fn numbered(trx: TrxNo, head: &Head) -> String {
    format!("TrxID={trx} kode {} ke {}", head.product, head.dest)
}

fn earlier(at: CivilTime, today: bool) -> String {
    if today {
        format!("sudah pernah jam {}", at.hhmm())
    } else {
        format!("sudah pernah jam {} tgl {}", at.hhmm(), at.ddmmyyyy())
    }
}

/// The message of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CallbackText {
    /// Balances are those of the purchase's own debit.
    Success {
        trx: TrxNo,
        head: Head,
        sn: Sn,
        before: Rupiah,
        price: Rupiah,
        after: Rupiah,
        at: CivilTime,
    },
    /// Failure or reversal; the balance after the refund.
    Failed { trx: TrxNo, head: Head, reason: Reason, balance: Rupiah, at: CivilTime },
}

impl CallbackText {
    /// The text, before percent-encoding.
    #[must_use]
    pub fn text(&self, phrase: Phrase) -> String {
        match self {
            Self::Success { trx, head, sn, before, price, after, at } => {
                let label = match phrase.sn_label {
                    SnLabel::Sn => "SN: ",
                    SnLabel::SnRef => "SN/Ref: ",
                };
                format!(
                    "T#{trx} {} SUKSES. {label}{sn}. Saldo {before} - {price} = {after} \
                     @{:02}/{:02} {}",
                    line(head),
                    at.day,
                    at.month,
                    at.hhmm()
                )
            }
            Self::Failed { trx, head, reason, balance, at } => {
                format!("T#{trx} {} GAGAL. {reason}. Saldo {balance} @{}", line(head), at.hhmm())
            }
        }
    }
}
