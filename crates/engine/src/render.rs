//! Stored trx to sentences of the wire.

use crate::Zone;
use domain::{Member, Trx, TrxState};
use types::{Moment, Reason, Rupiah};
use wire::{CallbackText, Head, Phrase, Processing, Reply, SnLabel, V2Status};

/// A member's choice of words.
#[must_use]
pub fn phrase(member: &Member) -> Phrase {
    Phrase {
        processing: if member.wording.sedang { Processing::Sedang } else { Processing::Akan },
        sn_label: if member.wording.sn_ref { SnLabel::SnRef } else { SnLabel::Sn },
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
    let failed = |reason: Reason| Reply::CheckFailed { head: head(trx), at, today, reason };
    match &trx.state {
        TrxState::Pending => Reply::CheckPending {
            trx: trx.no,
            ref_id: trx.ref_id.clone(),
            product: trx.product.clone(),
            dest: trx.dest.clone(),
            at,
        },
        TrxState::Success { sn, .. } => {
            Reply::CheckSuccess { head: head(trx), at, today, sn: sn.clone(), price: trx.price }
        }
        TrxState::Failed { reason, .. } | TrxState::Reversed { reason, .. } => {
            failed(reason.clone())
        }
        TrxState::Refused { refusal } => failed(Reason::clean(&wire::reason(refusal))),
    }
}

/// The answer to a purchase that repeats a stored one.
pub(crate) fn repeat_reply(trx: &Trx, zone: &Zone, now: Moment) -> Reply {
    match &trx.state {
        TrxState::Pending => accept_reply(trx, zone),
        TrxState::Success { .. } | TrxState::Failed { .. } | TrxState::Reversed { .. } => {
            check_reply(trx, zone, now)
        }
        TrxState::Refused { refusal } => refused_reply(trx, &wire::reason(refusal), zone),
    }
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

/// The callback of a final state; `None` while pending and for refused purchases.
pub(crate) fn callback_text(trx: &Trx, zone: &Zone) -> Option<CallbackText> {
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
