//! What the JSON door says.

use crate::service::{BUSY, JSON};
use domain::{Trx, TrxState};
use http::StatusCode;
use serde_json::{Value, json};
use types::{Refusal, TrxNo};

/// An answer before it is printed.
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) body: Value,
    pub(super) content: &'static str,
    pub(super) trx: Option<TrxNo>,
}

const PROBLEM: &str = "application/problem+json";

/// A problem document: nothing was done by this request. Whether an earlier one left something under
/// its reference is not known here.
pub(super) fn problem(status: StatusCode, code: &'static str, detail: &str) -> Told {
    let body = json!({
        "title": status.canonical_reason().unwrap_or_default(), "status": status.as_u16(),
        "code": code, "detail": detail, "final": false, "exists": null,
    });
    Told { status, code, body, content: PROBLEM, trx: None }
}

impl Told {
    pub(super) fn ok(body: Value) -> Self {
        let code = "ok";
        Self { status: StatusCode::OK, code, body, content: JSON, trx: None }
    }

    /// Nothing was written; the same request may be sent again.
    pub(super) fn busy() -> Self {
        problem(StatusCode::SERVICE_UNAVAILABLE, "busy", BUSY)
    }

    /// The commit was interrupted: it may have been taken, and the next question finds out.
    pub(super) fn not_known() -> Self {
        let body = json!({
            "code": "not_known", "final": false, "exists": null,
            "detail": "it may have been taken; ask for it, or send the same again",
        });
        Self { status: StatusCode::ACCEPTED, code: "not_known", body, content: JSON, trx: None }
    }

    /// A refusal before anything was looked up.
    pub(super) fn barred(refusal: &Refusal) -> Self {
        let mut told = Self::refused(refusal, None);
        told.body["exists"] = Value::Null;
        told
    }

    /// A refusal: nothing was taken, and nothing stands under the reference.
    pub(super) fn refused(refusal: &Refusal, text: Option<&str>) -> Self {
        let status = match refusal {
            Refusal::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Refusal::IpNotAllowed(_) | Refusal::MemberInactive => StatusCode::FORBIDDEN,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let reason = wire::reason(refusal);
        let mut told = problem(status, refusal.code(), text.unwrap_or(&reason));
        told.body["final"] = (status == StatusCode::UNPROCESSABLE_ENTITY).into();
        told.body["exists"] = false.into();
        told
    }

    /// The reference was never taken: not now, and not by anything on its way.
    pub(super) fn never_taken() -> Self {
        let mut told = problem(StatusCode::NOT_FOUND, "no_data", "this ref_id was never taken");
        told.body["final"] = true.into();
        told.body["exists"] = false.into();
        told
    }

    /// Something stands under the reference, and it is not this.
    pub(super) fn existing(mut self) -> Self {
        self.body["exists"] = true.into();
        self
    }
}

/// A purchase as it stands.
pub(super) fn purchase(code: &'static str, trx: &Trx) -> Told {
    let (sn, reason, balance) = match &trx.state {
        TrxState::Pending => (None, None, Some(trx.after())),
        TrxState::Success { sn, .. } => (Some(sn.to_string()), None, Some(trx.after())),
        TrxState::Failed { reason, balance, .. } | TrxState::Reversed { reason, balance, .. } => {
            (None, Some(reason.to_string()), Some(*balance))
        }
        TrxState::Refused { refusal } => (None, Some(wire::reason(refusal)), None),
    };
    let exists = !matches!(trx.state, TrxState::Refused { .. });
    let is_final = !matches!(trx.state, TrxState::Pending);
    let status = match trx.state {
        TrxState::Pending => StatusCode::ACCEPTED,
        TrxState::Success { .. } | TrxState::Failed { .. } | TrxState::Reversed { .. } => {
            StatusCode::OK
        }
        TrxState::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let body = json!({
        "code": code, "final": is_final, "exists": exists,
        "purchase": {
            "trx": exists.then(|| trx.no.get()), "ref_id": trx.ref_id.as_str(),
            "product": trx.product.as_str(), "dest": trx.dest.as_str(),
            "qty": trx.qty.map(types::Qty::get), "price": trx.price.get(),
            "state": trx.state.word(), "sn": sn, "reason": reason,
            "balance_before": trx.before.get(),
            "balance_after": balance.map(types::Rupiah::get),
            "created_at": trx.created.get(),
        },
    });
    Told { status, code, body, content: JSON, trx: exists.then_some(trx.no) }
}
