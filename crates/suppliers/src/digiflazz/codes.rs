//! Digiflazz's response codes: the whole table of its documents, with what each is worth.
//!
//! A code is worth less on a resend, the way a purchase is asked about there. "No transaction was
//! created" speaks of the request that it answers, so on a resend it says nothing of the purchase
//! and must never move it on. What is not in the table decides nothing.

/// What a response code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RcClass {
    /// Delivered.
    Success,
    /// They are working on it.
    Pending,
    /// Final: the number.
    Number,
    /// Final: something else; another supplier may deliver.
    Route,
    /// No transaction was created by this request, which was the first: another supplier may
    /// deliver.
    Nothing,
    /// Ask again, or a person.
    Ask,
}

/// The table of response codes, for the answer to a purchase and for the answer to a resend.
#[must_use]
pub fn rc_class(rc: &str, resend: bool) -> RcClass {
    match rc {
        "00" => RcClass::Success,
        // Pending; an issue of their router.
        "03" | "99" => RcClass::Pending,
        // Number blocked, prefix, wrong number, digits, outside its cluster, no bill yet, a package to
        // be cancelled first, more kWh than the meter may have.
        "51" | "52" | "54" | "57" | "59" | "60" | "72" | "73" => RcClass::Number,
        // Timeout, failed, seller's product off, disturbed, cut-off, ticket withdrawn, seller not
        // verified, biller's timeout, unstable, refunded after a success.
        "01" | "02" | "53" | "55" | "58" | "64" | "67" | "70" | "71" | "74" => RcClass::Route,
        // Payload, sign, user name, SKU, balance, address, another buyer's purchase, seller's limit,
        // never deposited, seller down, no repeats, limit of repeats, seller's maintenance, stock,
        // price above our limit, blocked, not verified, amount, multiples of 1,000, account may not.
        "40" | "41" | "42" | "43" | "44" | "45" | "47" | "56" | "61" | "62" | "63" | "65"
        | "66" | "68" | "69" | "80" | "81" | "82" | "84" | "87" | "88" => {
            if resend {
                RcClass::Ask
            } else {
                RcClass::Nothing
            }
        }
        // 49: the reference exists with other data. 50: not found, which may be a delay. 83, 85, 86:
        // limits of lists, purchases and look-ups, over after a minute; a record of 85 and 86 exists.
        // 46 is in no document of theirs.
        _ => RcClass::Ask,
    }
}
