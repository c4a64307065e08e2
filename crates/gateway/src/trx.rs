//! `/trx`: purchase and status check.

use crate::auth::{Covers, authenticate};
use crate::service::{Call, Gateway, Said};
use domain::{BuyRequest, Member, Trx};
use engine::{Answer, Asked, Command, Handle, check_reply, phrase, v2_status};
use types::{Refusal, Rupiah};
use wire::{Fields, Phrase, Reply, TrxRequest, V2Status};

/// What was said, and the trx it speaks of.
type TrxSaid = (Said, Option<Box<Trx>>);

impl Gateway {
    pub(crate) async fn trx(&self, call: &Call, fields: &Fields) -> TrxSaid {
        if !self.0.limiters.address_may(call.from) {
            return (refused(fields, fields.asks_check(), &Refusal::RateLimited, None), None);
        }
        let request = match fields.trx() {
            Ok(request) => request,
            Err(error) => return (refused(fields, error.check, &error.refusal, None), None),
        };
        let catalog = self.0.handle.catalog();
        let entry = authenticate(
            &catalog,
            &self.0.lockout,
            &request.member,
            &request.credentials,
            &Covers::Trx(&request.typed),
            call.from,
            call.received,
        );
        let entry = match entry {
            Ok(entry) => entry,
            Err(refusal @ Refusal::MemberInactive) => {
                let member = catalog.member(&request.member).map(|entry| entry.member.id);
                return (self.refused_member(fields, &request, &refusal, member).await, None);
            }
            Err(refusal) => return (refused(fields, request.check, &refusal, None), None),
        };
        let id = entry.member.id;
        if !self.0.limiters.member_may(id) {
            let refusal = Refusal::RateLimited;
            return (self.refused_member(fields, &request, &refusal, Some(id)).await, None);
        }
        if request.check {
            self.check(&entry.member, request).await
        } else {
            self.buy(id, request, call).await
        }
    }

    /// A refusal of an authenticated member shows its balance.
    async fn refused_member(
        &self,
        fields: &Fields,
        request: &TrxRequest,
        refusal: &Refusal,
        member: Option<types::MemberId>,
    ) -> Said {
        let balance = match member {
            None => None,
            Some(id) => match self.0.handle.reads().ask(move |reads| reads.balance(id)).await {
                Ok(Ok(balance)) => balance,
                Ok(Err(_)) | Err(_) => None,
            },
        };
        let shown = balance.map(|balance| (balance, self.0.handle.now().civil));
        let mut said = refused(fields, request.check, refusal, shown);
        said.member = member;
        said
    }

    async fn buy(&self, id: types::MemberId, request: TrxRequest, call: &Call) -> TrxSaid {
        if self.0.handle.is_full() {
            return (Said::busy(), None);
        }
        let command = Command::Buy {
            member: id,
            request: Box::new(BuyRequest {
                product: request.product,
                dest: request.dest,
                qty: request.qty,
                ref_id: request.ref_id,
                counter: request.counter,
                harga_max: request.harga_max,
            }),
            asked: Box::new(Asked {
                received: call.received,
                peer: call.from.to_string(),
                request: call.request.clone(),
            }),
        };
        let Ok(Answer::Bought(bought)) = self.0.handle.submit(command).await else {
            return (Said::busy(), None);
        };
        let own = bought.trx.filter(|_| bought.own);
        let number = own.as_ref().filter(|trx| trx.attempt > 0).map(|trx| trx.no);
        let said = Said {
            text: bought.text,
            code: bought.code,
            member: Some(id),
            trx: number,
            busy: false,
            recorded: true,
        };
        (said, own)
    }

    /// Found in the store, or never taken: "no data" only after the writer said so too, because a
    /// purchase may be on its way through the queue.
    async fn check(&self, member: &Member, request: TrxRequest) -> TrxSaid {
        let id = member.id;
        let ref_id = request.ref_id.clone();
        let read = self.0.handle.reads().ask(move |reads| reads.trx_by_ref(id, &ref_id)).await;
        let found = match read {
            Ok(Ok(Some(trx))) => Some(Box::new(trx)),
            Ok(Ok(None)) => {
                let look = Command::Look { member: id, ref_id: request.ref_id };
                match self.0.handle.submit(look).await {
                    Ok(Answer::Looked(found)) => found,
                    Ok(_) | Err(_) => return (Said::busy(), None),
                }
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a trx could not be read");
                return (Said::busy(), None);
            }
            Err(_) => return (Said::busy(), None),
        };
        let now = self.0.handle.now();
        let (reply, code) = match &found {
            Some(trx) => (check_reply(trx, self.0.handle.zone(), now), trx.state.word()),
            None => (Reply::NoData { dest: request.dest, on: now.civil }, "no_data"),
        };
        let mut said = Said::plain(reply.text(phrase(member)), code, Some(id));
        said.trx = found.as_ref().filter(|trx| trx.attempt > 0).map(|trx| trx.no);
        (said, found)
    }
}

fn refused(
    fields: &Fields,
    check: bool,
    refusal: &Refusal,
    balance: Option<(Rupiah, types::CivilTime)>,
) -> Said {
    let reason = wire::reason(refusal);
    let reply = if check {
        Reply::Bare(reason)
    } else {
        Reply::Refused { echo: fields.echo(), reason, balance }
    };
    Said::plain(reply.text(Phrase::default()), refusal.code(), None)
}

/// The same answer as JSON. A refused check says nothing of the purchase: PENDING.
pub(crate) fn v2(handle: &Handle, fields: &Fields, said: &Said, trx: Option<&Trx>) -> String {
    let echo = fields.echo();
    let status = match trx {
        Some(trx) => v2_status(&trx.state),
        // Refused before it reached the writer: nothing is known of the purchase.
        None if said.busy || (!said.recorded && said.code != "no_data") => V2Status::Pending,
        None => V2Status::Failed,
    };
    let sn = match trx.map(|trx| &trx.state) {
        Some(domain::TrxState::Success { sn, .. }) => sn.as_str(),
        Some(
            domain::TrxState::Pending
            | domain::TrxState::Failed { .. }
            | domain::TrxState::Reversed { .. }
            | domain::TrxState::Refused { .. },
        )
        | None => "",
    };
    let number = said.trx.map_or_else(String::new, |no| no.to_string());
    let time = trx.map_or_else(|| handle.now().civil, |trx| handle.zone().civil(trx.created));
    wire::v2_json(status, &echo.ref_id, &number, &time.to_string(), sn, &said.text)
}
