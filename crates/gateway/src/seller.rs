//! `POST /seller/topup`: a marketplace buys in its JSON protocol (WIRE.md section 8). The same
//! reference again asks how the purchase stands, so an answer may say "failed" only when the
//! purchase itself did: whatever else keeps us from answering is "pending".

use crate::auth::{Covers, authenticate};
use crate::service::{Answered, Call, FORM_TIME, Gateway, JSON, Said, plain, with_type};
use domain::{BuyRequest, Seller};
use engine::{Answer, Asked, Command, MemberEntry, seller_rc, seller_report};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use store::Channel;
use types::{MemberCode, RefId, Refusal};
use wire::{Credentials, SellerFields, SellerReport, SellerRequest, SellerStatus};

/// Most bytes of a request.
const BODY_MOST: usize = 16 * 1024;

impl Gateway {
    pub(crate) async fn seller_topup(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Answered {
        let received = self.0.handle.now().utc;
        let from = self.caller(peer, &request);
        let body = Limited::new(request.into_body(), BODY_MOST).collect();
        let fields = match tokio::time::timeout(FORM_TIME, body).await {
            Ok(Ok(body)) => SellerFields::decode(&body.to_bytes()),
            Ok(Err(_)) | Err(_) => return plain(StatusCode::BAD_REQUEST, "Bad request"),
        };
        let call = Call { from, received, request: format!("/seller/topup {}", fields.redacted()) };
        let member = MemberCode::parse(&fields.username).ok();
        let ref_id = RefId::parse(&fields.ref_id).ok();
        let Some(door) = self.door(member.as_ref(), ref_id).await else {
            let busy = SellerReport::echo(&fields, SellerStatus::Pending, "39", "sistem sibuk");
            return with_type(plain(StatusCode::OK, &busy.json()), JSON);
        };
        let (report, said) = door.topup(&call, &fields).await;
        let millis = self.0.handle.now().utc.since(received).max(0);
        self.count(Channel::Trx, said.code, millis);
        if !said.recorded {
            door.record(&call, Channel::Trx, &said, millis).await;
        }
        with_type(plain(StatusCode::OK, &report.json()), JSON)
    }

    async fn topup(&self, call: &Call, fields: &SellerFields) -> (SellerReport, Said) {
        let said = |report: SellerReport, code| {
            let said = Said::plain(report.message.clone(), code, None);
            (report, said)
        };
        let pending = |why: &str| SellerReport::echo(fields, SellerStatus::Pending, "39", why);
        if !self.0.limiters.address_may(call.from) {
            let refusal = Refusal::RateLimited;
            return said(pending(&wire::reason(&refusal)), refusal.code());
        }
        let request = match fields.request() {
            Ok(request) => request,
            // What cannot be read was never taken under this reference and never will be.
            Err(why) => {
                let report = SellerReport::echo(fields, SellerStatus::Failed, "07", &why);
                return said(report, "invalid_parameter");
            }
        };
        let entry = match self.who(call, &request) {
            Ok(entry) => entry,
            Err(refusal) => return said(pending(&wire::reason(&refusal)), refusal.code()),
        };
        self.buy_for(&entry, call, fields, request).await
    }

    /// The member behind the sign: our H2H password is the key of this protocol.
    fn who(&self, call: &Call, request: &SellerRequest) -> Result<Arc<MemberEntry>, Refusal> {
        let code = MemberCode::parse(&request.username).map_err(|_| Refusal::UnknownMember)?;
        let entry = authenticate(
            &self.0.handle.catalog(),
            &self.0.lockout,
            &code,
            &Credentials::Sign(request.sign.clone()),
            &Covers::Seller { username: &request.username, ref_id: request.ref_id.as_str() },
            call.from,
            call.received,
        )?;
        if entry.member.wording.seller != Seller::Json {
            return Err(Refusal::UnknownMember);
        }
        if self.0.limiters.member_may(entry.member.id) {
            Ok(entry)
        } else {
            Err(Refusal::RateLimited)
        }
    }

    async fn buy_for(
        &self,
        entry: &MemberEntry,
        call: &Call,
        fields: &SellerFields,
        request: SellerRequest,
    ) -> (SellerReport, Said) {
        let pending = |why: &str| SellerReport::echo(fields, SellerStatus::Pending, "39", why);
        if self.0.handle.is_full() {
            return (pending("sistem sibuk"), Said::busy());
        }
        let command = Command::Buy {
            member: entry.member.id,
            request: Box::new(BuyRequest {
                product: request.product,
                dest: request.dest,
                qty: None,
                ref_id: request.ref_id,
                counter: 1,
                harga_max: request.price,
            }),
            asked: Box::new(Asked {
                received: call.received,
                peer: call.from.to_string(),
                request: call.request.clone(),
            }),
        };
        let Ok(Answer::Bought(bought)) = self.0.handle.submit(command).await else {
            return (pending("sistem sibuk"), Said::busy());
        };
        let report = match (&bought.trx, bought.own) {
            (Some(trx), true) => seller_report(trx),
            // Another purchase stands under this reference: nothing is said about it.
            (Some(_), false) => pending("ref_id sudah dipakai"),
            (None, _) => match &bought.refusal {
                Some(why) => {
                    let (rc, why) = (seller_rc(why), wire::reason(why));
                    SellerReport::echo(fields, SellerStatus::Failed, rc, &why)
                }
                None => pending(""),
            },
        };
        let said = Said {
            text: bought.text,
            code: bought.code,
            member: Some(entry.member.id),
            trx: bought.trx.filter(|_| bought.own).map(|trx| trx.no),
            busy: false,
            recorded: true,
        };
        (report, said)
    }
}
