//! `POST /seller/topup`: a marketplace buys in its JSON protocol (WIRE.md section 8). The same
//! reference again asks how the purchase stands, so an answer may say "failed" only when the
//! purchase itself did: whatever else keeps us from answering is "pending".

use crate::auth::{Claim, Covers};
use crate::known::{Barred, Found};
use crate::play::Shows;
use crate::service::{Answered, BUSY, Call, FORM_TIME, Gateway, JSON, Said, plain, with_type};
use domain::{BuyRequest, Form, Seller, Trx, is_repeat};
use engine::{Answer, Asked, Command, MemberEntry, seller_rc, seller_report};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use net::{Unread, read_body};
use std::net::SocketAddr;
use std::sync::Arc;
use store::Channel;
use types::{Dest, MemberCode, ProductCode, RefId, Refusal};
use wire::{Credentials, SellerFields, SellerReport, SellerRequest, SellerStatus};

/// Most bytes of a request.
const BODY_MOST: usize = 16 * 1024;
/// The code of a purchase that is not decided, and of everything that says nothing about one.
const IN_PROCESS: &str = "39";

impl Gateway {
    pub(crate) async fn seller_topup(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Answered {
        let received = self.0.handle.arrived();
        let from = self.caller(peer, &request);
        let fields =
            match read_body(request.into_body(), self.sender(from), BODY_MOST, FORM_TIME).await {
                Ok(body) => SellerFields::decode(&body.bytes),
                Err(Unread::Busy) => return plain(StatusCode::SERVICE_UNAVAILABLE, BUSY),
                Err(Unread::TooLarge | Unread::CutOff) => {
                    return plain(StatusCode::BAD_REQUEST, "Bad request");
                }
            };
        let member = MemberCode::parse(&fields.username).ok();
        let catalog = self.0.handle.catalog();
        let named = member.clone().filter(|code| catalog.member(code).is_some());
        let request = format!("/seller/topup {}", fields.redacted());
        let call = Call { from, received, request, named };
        let ref_id = RefId::parse(&fields.ref_id).ok();
        let sign = Credentials::Sign(fields.sign());
        let covers = Covers::Seller { username: &fields.username, ref_id: &fields.ref_id };
        let shows = Shows::Credentials(&sign, covers, from, received);
        let Some(door) = self.door(member.as_ref(), ref_id, &shows).await else {
            return with_type(plain(StatusCode::OK, &busy(&fields).0.json()), JSON);
        };
        let (report, said) = door.topup(&call, &fields).await;
        let millis = self.0.handle.now().utc.since(received).max(0);
        self.count(Channel::Trx, said.code, millis);
        if !said.recorded {
            door.record(&call, Channel::Trx, &said, millis).await;
        }
        door.marked(with_type(plain(StatusCode::OK, &report.json()), JSON))
    }

    async fn topup(&self, call: &Call, fields: &SellerFields) -> (SellerReport, Said) {
        // Nothing is known of the purchase: pending, with the reason for people.
        let pending = |refusal: &Refusal, rc| {
            let why = wire::reason(refusal);
            let report = SellerReport::echo(fields, SellerStatus::Pending, rc, &why);
            (report, Said::plain(why, refusal.code(), None))
        };
        if !self.may_ask(call) {
            return pending(&Refusal::RateLimited, IN_PROCESS);
        }
        let entry = match self.who(call, fields) {
            Ok(entry) => entry,
            Err(refusal) => return pending(&refusal, seller_rc(&refusal)),
        };
        let Ok(ref_id) = RefId::parse(&fields.ref_id) else {
            // What cannot be a reference was never taken under it and never will be.
            return failed(fields, "07", "ref_id tidak valid", "invalid_parameter");
        };
        let request = fields.request();
        let barred = self.barred(&entry, true, None);
        let found = match (&barred, &request) {
            (Some(Barred::Spent), _) => return pending(&Refusal::RateLimited, IN_PROCESS),
            (Some(Barred::Refused(_) | Barred::Full), _) | (None, Err(_)) => {
                self.find(entry.member.id, ref_id.clone()).await
            }
            (None, Ok(_)) => Found::Nothing,
        };
        match (found, barred, request) {
            (Found::Known(trx), _, _) => self.known(fields, &trx),
            (Found::Unclear, _, _) | (Found::Nothing, Some(Barred::Full), _) => busy(fields),
            (Found::Nothing, Some(Barred::Refused(Refusal::RateLimited) | Barred::Spent), _) => {
                pending(&Refusal::RateLimited, IN_PROCESS)
            }
            (Found::Nothing, Some(Barred::Refused(refusal)), _) => {
                failed(fields, seller_rc(&refusal), &wire::reason(&refusal), refusal.code())
            }
            // What cannot be read was never taken under this reference.
            (Found::Nothing, None, Err(why)) => failed(fields, "07", &why, "invalid_parameter"),
            (Found::Nothing, None, Ok(request)) => {
                self.buy_for(&entry, call, fields, request, ref_id).await
            }
        }
    }

    /// The member behind the sign: our H2H password is the key of this protocol.
    fn who(&self, call: &Call, fields: &SellerFields) -> Result<Arc<MemberEntry>, Refusal> {
        let code = MemberCode::parse(&fields.username).map_err(|_| Refusal::UnknownMember)?;
        let claim = Claim {
            code: &code,
            credentials: &Credentials::Sign(fields.sign()),
            covers: Covers::Seller { username: &fields.username, ref_id: &fields.ref_id },
        };
        let entry = self.authenticate(call, &claim)?;
        if entry.member.wording.seller == Seller::Json {
            Ok(entry)
        } else {
            Err(Refusal::UnknownMember)
        }
    }

    /// A known reference is a question, whatever else is wrong in it. What the question says of
    /// product and destination must not contradict the purchase.
    fn known(&self, fields: &SellerFields, trx: &Trx) -> (SellerReport, Said) {
        let catalog = self.0.handle.catalog();
        let read = |text: &str, stored: &str| {
            if text.is_empty() { stored.to_owned() } else { text.to_owned() }
        };
        let product = ProductCode::parse(&read(&fields.product, trx.product.as_str()));
        let dest = Dest::parse(&read(&fields.dest, trx.dest.as_str()));
        let same = product.and_then(|product| Ok((product, dest?))).is_ok_and(|(product, dest)| {
            let today = catalog.products().get(&product);
            let request = asked(product.clone(), dest, trx.ref_id.clone(), fields);
            is_repeat(trx, &BuyRequest { qty: trx.qty, ..request }, today)
        });
        let (report, code) =
            if same { (stands(fields, trx), "repeat") } else { (taken(fields), "ref_conflict") };
        let mut said = Said::plain(report.message.clone(), code, Some(trx.member));
        said.trx = same.then_some(trx.no);
        (report, said)
    }

    async fn buy_for(
        &self,
        entry: &MemberEntry,
        call: &Call,
        fields: &SellerFields,
        request: SellerRequest,
        ref_id: RefId,
    ) -> (SellerReport, Said) {
        let purchase = BuyRequest {
            harga_max: request.price,
            ..asked(request.product, request.dest, ref_id, fields)
        };
        let command = Command::Buy {
            member: entry.member.id,
            request: Box::new(purchase),
            asked: Box::new(Asked {
                received: call.received,
                peer: call.from.to_string(),
                request: call.request.clone(),
            }),
        };
        let Ok(Answer::Bought(bought)) = self.0.handle.submit(command).await else {
            return busy(fields);
        };
        let report = match (&bought.trx, bought.own) {
            (Some(trx), true) => stands(fields, trx),
            // Another purchase stands under this reference: nothing is said about it.
            (Some(_), false) => taken(fields),
            (None, _) => match &bought.refusal {
                Some(why) => {
                    let (rc, why) = (seller_rc(why), wire::reason(why));
                    SellerReport::echo(fields, SellerStatus::Failed, rc, &why)
                }
                None => SellerReport::echo(fields, SellerStatus::Pending, IN_PROCESS, ""),
            },
        };
        let said = Said {
            text: bought.text,
            code: bought.code,
            member: Some(entry.member.id),
            trx: bought.trx.filter(|_| bought.own).map(|trx| trx.no),
            recorded: true,
            ..Said::plain(String::new(), bought.code, None)
        };
        (report, said)
    }
}

/// A purchase in this protocol's words.
fn asked(product: ProductCode, dest: Dest, ref_id: RefId, fields: &SellerFields) -> BuyRequest {
    BuyRequest {
        product,
        dest,
        qty: None,
        ref_id,
        counter: 1,
        harga_max: None,
        form: Form::Seller { code: fields.product.clone(), newer: fields.newer },
    }
}

/// How a purchase stands, with product and destination as they were asked this time.
fn stands(fields: &SellerFields, trx: &Trx) -> SellerReport {
    let report = seller_report(trx);
    if fields.product.is_empty() || fields.dest.is_empty() {
        return report;
    }
    report.asked_as(&fields.product, &fields.dest, fields.newer)
}

fn taken(fields: &SellerFields) -> SellerReport {
    SellerReport::echo(fields, SellerStatus::Pending, IN_PROCESS, "ref_id sudah dipakai")
}

fn busy(fields: &SellerFields) -> (SellerReport, Said) {
    let report = SellerReport::echo(fields, SellerStatus::Pending, IN_PROCESS, "sistem sibuk");
    (report, Said::busy())
}

fn failed(
    fields: &SellerFields,
    rc: &'static str,
    why: &str,
    code: &'static str,
) -> (SellerReport, Said) {
    let report = SellerReport::echo(fields, SellerStatus::Failed, rc, why);
    (report, Said::plain(why.to_owned(), code, None))
}
