//! Stored trx to sentences of the wire.

use crate::Zone;
use crate::command::Bought;
use crate::zone::stamp;
use defects::{Defect, on};
use domain::{
    BuyRequest, Form, Given, Member, Product, RepeatWords, Seller, Trx, TrxState, is_repeat,
};
use types::{Moment, Reason, Refusal, Rupiah, UtcMillis};
use wire::{
    CallbackText, Head, Phrase, Processing, Reply, SellerReport, SellerStatus, SnLabel, V2Status,
    Webhook, WebhookData,
};

/// A member's choice of words.
#[must_use]
pub fn phrase(member: &Member) -> Phrase {
    Phrase {
        processing: if member.wording.sedang { Processing::Sedang } else { Processing::Akan },
        sn_label: if member.wording.sn_ref { SnLabel::SnRef } else { SnLabel::Sn },
        seller: member.wording.seller != Seller::No,
        bare_refusals: member.dialect.no_balance,
        failed_price: member.dialect.failed_price,
    }
}

fn head(trx: &Trx) -> Head {
    Head {
        ref_id: trx.ref_id.clone(),
        name: trx.name.clone(),
        product: trx.product.clone(),
        dest: trx.dest.clone(),
    }
}

/// The sentence of an accepted purchase; the same bytes whenever it is asked for again.
pub(crate) fn accept_reply(trx: &Trx, zone: &Zone) -> Reply {
    Reply::Accepted {
        trx: trx.no,
        head: head(trx),
        qty: trx.qty,
        before: trx.before,
        price: trx.price,
        after: trx.after(),
        at: zone.civil(trx.created),
    }
}

/// The answer to `check=1` about a stored trx.
#[must_use]
pub fn check_reply(trx: &Trx, zone: &Zone, now: Moment) -> Reply {
    let at = zone.civil(trx.created);
    let today = at.date() == now.civil.date();
    let failed = |reason| Reply::CheckFailed {
        trx: trx.no,
        head: head(trx),
        at,
        today,
        reason,
        price: trx.price,
    };
    match &trx.state {
        TrxState::Pending => Reply::CheckPending {
            trx: Some(trx.no),
            ref_id: trx.ref_id.clone(),
            product: trx.product.clone(),
            dest: trx.dest.clone(),
            at,
        },
        TrxState::Success { sn, .. } => {
            let (head, sn) = (head(trx), sn.clone());
            Reply::CheckSuccess { trx: trx.no, head, at, today, sn, price: trx.price }
        }
        TrxState::Failed { reason, .. } | TrxState::Reversed { reason, .. } => {
            failed(reason.clone())
        }
        TrxState::Refused { refusal } => failed(Reason::clean(&wire::reason(refusal))),
    }
}

/// The answer to a purchase whose refID is taken: the state of the first when it is the same
/// request, a conflict otherwise (promise 2). Whatever else keeps us from buying plays no part in it.
#[must_use]
pub fn known_answer(
    trx: Box<Trx>,
    request: &BuyRequest,
    member: &Member,
    today: Option<&Product>,
    balance: Option<Rupiah>,
    zone: &Zone,
    now: Moment,
) -> Bought {
    let words = phrase(member);
    if is_repeat(&trx, request, today) {
        return stored(trx, member.dialect.repeat, words, zone, now);
    }
    Bought { trx: Some(trx), ..refused(request, &Refusal::RefConflict, balance, words, now) }
}

/// The answer for a trx that stands under the refID.
pub(crate) fn stored(
    trx: Box<Trx>,
    repeat: RepeatWords,
    words: Phrase,
    zone: &Zone,
    now: Moment,
) -> Bought {
    let code = match &trx.state {
        TrxState::Refused { refusal } => refusal.code(),
        TrxState::Pending
        | TrxState::Success { .. }
        | TrxState::Failed { .. }
        | TrxState::Reversed { .. } => "repeat",
    };
    let reply = match (repeat, &trx.state) {
        (RepeatWords::Check, _) => check_reply(&trx, zone, now),
        (RepeatWords::AsItStands | RepeatWords::Accept, TrxState::Refused { refusal }) => {
            refused_reply(&trx, &wire::reason(refusal), zone)
        }
        (RepeatWords::Accept, _) | (RepeatWords::AsItStands, TrxState::Pending) => {
            accept_reply(&trx, zone)
        }
        (
            RepeatWords::AsItStands,
            TrxState::Success { .. } | TrxState::Failed { .. } | TrxState::Reversed { .. },
        ) => check_reply(&trx, zone, now),
    };
    Bought { text: reply.text(words), code, trx: Some(trx), own: true, refusal: None }
}

/// A refusal under which nothing is kept.
pub(crate) fn refused(
    request: &BuyRequest,
    refusal: &Refusal,
    balance: Option<Rupiah>,
    words: Phrase,
    now: Moment,
) -> Bought {
    let reply = Reply::Refused {
        echo: wire::Echo {
            ref_id: request.ref_id.to_string(),
            product: request.product.to_string(),
            dest: request.dest.to_string(),
        },
        reason: wire::reason(refusal),
        balance: balance.map(|balance| (balance, now.civil)),
    };
    let (text, code) = (reply.text(words), refusal.code());
    Bought { text, code, trx: None, own: false, refusal: Some(refusal.clone()) }
}

/// The refusal stored under a refID; the same bytes whenever it is asked for again.
pub(crate) fn refused_reply(trx: &Trx, reason: &str, zone: &Zone) -> Reply {
    Reply::Refused {
        echo: wire::Echo {
            ref_id: trx.ref_id.to_string(),
            product: trx.product.to_string(),
            dest: trx.dest.to_string(),
        },
        reason: reason.to_owned(),
        balance: Some((trx.before, zone.civil(trx.created))),
    }
}

/// The message of a member's callback; `None` while there is nothing final to tell.
pub(crate) fn callback_message(trx: &Trx, member: &Member, zone: &Zone) -> Option<String> {
    let text = callback_text(trx, zone)?;
    let mut text = text.text(phrase(member));
    if on(Defect::FailureToldAsSuccess) {
        text = text.replace(" GAGAL. ", " SUKSES. SN: ");
    }
    Some(match member.wording.seller {
        Seller::No if member.wording.webhook => webhook(trx, text)?.json(),
        Seller::No | Seller::Text => text,
        Seller::Json => seller_report(trx).json(),
    })
}

/// The same for members who want JSON.
fn webhook(trx: &Trx, message: String) -> Option<Webhook> {
    let (kind, at, balance, sn, reason) = match &trx.state {
        TrxState::Pending | TrxState::Refused { .. } => return None,
        TrxState::Success { sn, at, .. } => {
            ("purchase.success", at, trx.after(), Some(sn.to_string()), None)
        }
        TrxState::Failed { reason, at, balance } => {
            ("purchase.failed", at, *balance, None, Some(reason.to_string()))
        }
        TrxState::Reversed { reason, at, balance, .. } => {
            ("purchase.reversed", at, *balance, None, Some(reason.to_string()))
        }
    };
    let data = WebhookData {
        ref_id: trx.ref_id.to_string(),
        trx: trx.no.get(),
        product: trx.product.to_string(),
        dest: trx.dest.to_string(),
        qty: trx.qty.map(types::Qty::get),
        price: trx.price.get(),
        balance: balance.get(),
        sn,
        reason,
        message,
    };
    Some(Webhook { kind, timestamp: stamp(*at), data: Some(data) })
}

/// A callback that is about nothing, to see whether a member's URL takes callbacks.
#[must_use]
pub(crate) fn test_callback(member: &Member, at: UtcMillis) -> String {
    match member.wording.seller {
        Seller::No if member.wording.webhook => {
            Webhook { kind: "test", timestamp: stamp(at), data: None }.json()
        }
        Seller::No | Seller::Text | Seller::Json => {
            "Tes callback Gerbang, bukan transaksi".to_owned()
        }
    }
}

/// A stored trx as a marketplace's JSON protocol tells it.
#[must_use]
pub fn seller_report(trx: &Trx) -> SellerReport {
    let (status, rc, message, sn) = match &trx.state {
        TrxState::Pending => (SellerStatus::Pending, "39", "diproses".to_owned(), ""),
        TrxState::Success { sn, .. } => {
            (SellerStatus::Success, "00", "sukses".to_owned(), sn.as_str())
        }
        TrxState::Failed { reason, .. } | TrxState::Reversed { reason, .. } => {
            let wrong = reason.as_str().to_ascii_lowercase().contains("nomor");
            let rc = if wrong { "14" } else { "07" };
            (SellerStatus::Failed, rc, reason.to_string(), "")
        }
        TrxState::Refused { refusal } => {
            (SellerStatus::Failed, seller_rc(refusal), wire::reason(refusal), "")
        }
    };
    let balance = match &trx.state {
        TrxState::Pending | TrxState::Success { .. } => trx.after(),
        TrxState::Failed { balance, .. } | TrxState::Reversed { balance, .. } => *balance,
        TrxState::Refused { .. } => trx.before,
    };
    // As it was asked, in the names of that request; of one from before this was kept, as it is.
    let (code, dest, newer) = match &trx.given {
        Some(Given { form: Form::Seller { code, newer }, dest, .. }) => {
            (code.as_str(), dest.as_str(), *newer)
        }
        Some(Given { form: Form::Plain, .. }) | None => {
            (trx.product.as_str(), trx.dest.as_str(), false)
        }
    };
    SellerReport {
        ref_id: trx.ref_id.to_string(),
        status: status.word(),
        code: String::new(),
        product_code: None,
        hp: None,
        customer_id: None,
        price: trx.price.get().to_string(),
        message,
        balance: balance.get().to_string(),
        tr_id: trx.no.to_string(),
        rc,
        sn: sn.to_owned(),
    }
    .asked_as(code, dest, newer)
}

/// The result code of a refused purchase in a marketplace's JSON protocol.
#[must_use]
pub const fn seller_rc(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::MemberInactive => "13",
        Refusal::InvalidDest => "14",
        Refusal::UnknownProduct => "20",
        Refusal::ProductClosed | Refusal::CutOff { .. } | Refusal::NoRoute => "106",
        Refusal::UnknownMember
        | Refusal::WrongPin
        | Refusal::WrongPassword
        | Refusal::WrongSign
        | Refusal::WrongCredentials
        | Refusal::Locked { .. }
        | Refusal::IpNotAllowed(_) => "204",
        Refusal::MissingParameter(_)
        | Refusal::DuplicateParameter(_)
        | Refusal::InvalidParameter(_)
        | Refusal::RateLimited
        | Refusal::RefConflict
        | Refusal::QtyMissing
        | Refusal::QtyRange { .. }
        | Refusal::QtyFixed
        | Refusal::PriceAboveMax { .. }
        | Refusal::InsufficientBalance
        | Refusal::SameDayDuplicate
        | Refusal::Limit => "07",
    }
}

/// The callback of a final state; `None` while pending and for refused purchases.
fn callback_text(trx: &Trx, zone: &Zone) -> Option<CallbackText> {
    let failed = |reason: &Reason, balance: Rupiah, at| CallbackText::Failed {
        trx: trx.no,
        head: head(trx),
        reason: reason.clone(),
        balance,
        at: zone.civil(at),
    };
    match &trx.state {
        TrxState::Pending | TrxState::Refused { .. } => None,
        TrxState::Success { sn, at, .. } => Some(CallbackText::Success {
            trx: trx.no,
            head: head(trx),
            sn: sn.clone(),
            before: trx.before,
            price: trx.price,
            after: trx.after(),
            at: zone.civil(*at),
        }),
        TrxState::Failed { reason, at, balance }
        | TrxState::Reversed { reason, at, balance, .. } => Some(failed(reason, *balance, *at)),
    }
}

/// The status word of a stored trx for `trx-v2`.
#[must_use]
pub const fn v2_status(state: &TrxState) -> V2Status {
    match state {
        TrxState::Pending => V2Status::Pending,
        TrxState::Success { .. } => V2Status::Success,
        TrxState::Failed { .. } | TrxState::Reversed { .. } | TrxState::Refused { .. } => {
            V2Status::Failed
        }
    }
}
