//! The balance, as text and as JSON. Nothing here can move it.

use crate::auth::{Claim, Covers};
use crate::service::{Call, Gateway, Said};
use types::{MemberId, Refusal, Rupiah};
use wire::{Fields, Phrase, Reply, V2Status};

/// Clients look for GAGAL; the empty fields are what live servers send (WIRE.md section 3).
fn refused(refusal: &Refusal, member: Option<MemberId>) -> (Said, Option<Rupiah>) {
    let text = format!("R# . GAGAL. {}", wire::reason(refusal));
    let mut said = Said::plain(text, refusal.code(), member);
    if matches!(refusal, Refusal::RateLimited | Refusal::Locked { .. }) {
        said.v2 = V2Status::Pending;
    }
    (said, None)
}

impl Gateway {
    pub(crate) async fn balance(&self, call: &Call, fields: &Fields) -> (Said, Option<Rupiah>) {
        if !self.may_ask(call) {
            return refused(&Refusal::RateLimited, None);
        }
        let request = match fields.balance() {
            Ok(request) => request,
            Err(refusal) => return refused(&refusal, None),
        };
        let claim = Claim {
            code: &request.member,
            credentials: &request.credentials,
            covers: Covers::Balance(&request.typed_member),
        };
        let entry = match self.authenticate(call, &claim) {
            Ok(entry) => entry,
            Err(refusal) => return refused(&refusal, None),
        };
        let id = entry.member.id;
        if !entry.member.active {
            return refused(&Refusal::MemberInactive, None);
        }
        if !self.0.limiters.member_may(id) {
            return refused(&Refusal::RateLimited, Some(id));
        }
        match self.0.handle.reads().ask(move |reads| reads.balance(id)).await {
            Ok(Ok(Some(balance))) => {
                let text = Reply::Balance(balance).text(Phrase::default());
                let mut said = Said::plain(text, "balance", Some(id));
                said.v2 = V2Status::Success;
                (said, Some(balance))
            }
            Ok(Ok(None)) => refused(&Refusal::UnknownMember, Some(id)),
            Ok(Err(error)) => {
                tracing::error!(%error, "a balance could not be read");
                (Said::busy(), None)
            }
            Err(_) => (Said::busy(), None),
        }
    }
}
