//! `/v1`: the same engine and the same references as `/trx`, in JSON (WIRE.md section 9).
//!
//! Every answer says its stable code, whether it is final, and whether a transaction exists.

mod answer;
mod key;
mod reference;

pub(crate) use key::Nonces;
pub use key::{FoundKey, KeyRing, NoKeys};

use crate::known::{Barred, Found};
use crate::play::{SANDBOX_KEY, Shows};
use crate::routes::{self, Json};
use crate::service::{Answered, Call, FORM_TIME, Gateway, JSON, plain, with_type};
use answer::{Told, problem, purchase};
use domain::{BuyRequest, Form};
use engine::{Answer, Asked, Command, Errand, MemberEntry, NotDone, Ran};
use http::{HeaderValue, Request, StatusCode};
use hyper::body::{Bytes, Incoming};
use net::{Unread, read_body};
use serde::Deserialize;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use store::{Channel, Direction, JournalLine};
use types::{Dest, ProductCode, Qty, RefId, Refusal, Rupiah};

/// Most bytes of a request.
const BODY_MOST: usize = 16 * 1024;

/// A purchase as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    ref_id: String,
    product: String,
    dest: String,
    #[serde(default)]
    qty: Option<u32>,
    #[serde(default)]
    max_price: Option<i64>,
    #[serde(default)]
    counter: Option<u16>,
}

impl Gateway {
    pub(crate) async fn v1(&self, peer: SocketAddr, request: Request<Incoming>) -> Answered {
        let received = self.0.handle.arrived();
        let from = self.caller(peer, &request);
        let (head, body) = request.into_parts();
        if !self.0.limiters.address_may(from, false, received) {
            return told(Told::barred(&Refusal::RateLimited));
        }
        let target = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let body = match read_body(body, self.sender(from), BODY_MOST, FORM_TIME).await {
            Ok(body) => body.bytes,
            Err(Unread::Busy) => return told(Told::busy()),
            Err(Unread::TooLarge | Unread::CutOff) => {
                return told(problem(StatusCode::BAD_REQUEST, "bad_body", "too large, or cut off"));
            }
        };
        let request = format!("{} {target} ", head.method);
        let call = Call { from, received, request, named: None };
        let path = head.uri.path().trim_end_matches('/').to_owned();
        let way = routes::json(&head.method, &path);
        if let Some((Json::Description, _)) = way {
            let text = include_str!("openapi.json");
            return with_type(plain(StatusCode::OK, text), JSON);
        }
        let entry = match self.signed(&head, &target, &body, &call).await {
            Ok(entry) => entry,
            Err(why) => {
                self.note(&call, &body, None, &why).await;
                return told(why);
            }
        };
        let (mut asked, mut buys) = (None, None);
        match way {
            Some((Json::Look, part)) => asked = Some(reference::read(part)),
            Some((Json::Buy, _)) => buys = Some(wanted(&body)),
            Some((
                Json::Description | Json::Balance | Json::Prices | Json::Callbacks | Json::Replay,
                _,
            ))
            | None => {}
        }
        let barred = self.barred(&entry, buys.is_some(), None);
        let named = match (&asked, &buys) {
            (Some(asked), _) => asked.as_ref().ok().map(|asked| asked.ref_id.clone()),
            (None, Some(request)) => request.as_ref().ok().map(|request| request.ref_id.clone()),
            (None, None) => None,
        };
        if let Some(Barred::Refused(refusal)) = &barred
            && named.is_none()
        {
            let said = Told::barred(refusal);
            self.note(&call, &body, Some(&entry), &said).await;
            return told(said);
        }
        if barred == Some(Barred::Spent) {
            return told(Told::barred(&Refusal::RateLimited));
        }
        let key = head.headers.get("gerbang-key").and_then(|value| value.to_str().ok());
        let plays = key.is_some_and(|key| key.starts_with(SANDBOX_KEY));
        if plays && !entry.member.sandbox {
            let why = "this key is for the sandbox, which is off; turn it on at the portal";
            let said = problem(StatusCode::FORBIDDEN, "sandbox_off", why);
            self.note(&call, &body, Some(&entry), &said).await;
            return told(said);
        }
        let shows = Shows::Key { plays };
        let Some(door) = self.door(Some(&entry.member.code), named, &shows).await else {
            return told(Told::busy());
        };
        let said = match way {
            Some((Json::Buy, _)) => {
                // Its line in the journal rides in the commit of the purchase.
                match door.v1_buy(&entry, &call, &body, barred).await {
                    Bought::Recorded(said) => return door.marked(told(said)),
                    Bought::Said(said) => said,
                }
            }
            Some((Json::Look, _)) => match asked {
                Some(Ok(asked)) => door.v1_look(&entry, asked, barred).await,
                Some(Err(why)) => problem(StatusCode::BAD_REQUEST, "invalid_parameter", &why),
                None => nowhere(&path),
            },
            Some((Json::Balance, _)) => door.v1_balance(&entry).await,
            Some((Json::Prices, _)) => self.v1_prices(&entry),
            Some((Json::Callbacks, _)) => {
                door.v1_callbacks(&entry, head.uri.query().unwrap_or_default()).await
            }
            Some((Json::Replay, number)) => door.v1_replay(&entry, number).await,
            Some((Json::Description, _)) | None => nowhere(&path),
        };
        door.note(&call, &body, Some(&entry), &said).await;
        door.marked(told(said))
    }

    /// Promise 7: what rides in no commit of its own is on record too.
    async fn note(&self, call: &Call, body: &Bytes, entry: Option<&MemberEntry>, said: &Told) {
        let millis = self.0.handle.now().utc.since(call.received).max(0);
        self.count(Channel::Trx, said.code, millis);
        let mut reply: String = said.body.to_string().chars().take(2_000).collect();
        if entry.is_none() {
            let end = self.not_let_in(call.from, said.code, None, call.received);
            let Some(end) = end else { return };
            reply.push_str(&end);
        }
        let line = JournalLine {
            at: call.received,
            direction: Direction::In,
            channel: Channel::Trx,
            peer: call.from.to_string(),
            member: entry.map(|entry| entry.member.id),
            trx: said.trx,
            request: format!("{}{}", call.request, text(body)),
            reply,
            status: said.code.to_owned(),
            millis,
            stamps: Vec::new(),
        };
        self.0.handle.note(line).await;
    }

    async fn v1_buy(
        &self,
        entry: &MemberEntry,
        call: &Call,
        body: &Bytes,
        barred: Option<Barred>,
    ) -> Bought {
        let request = match wanted(body) {
            Ok(request) => request,
            Err(why) => {
                return Bought::Said(problem(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid_parameter",
                    &why,
                ));
            }
        };
        if let Some(barred) = barred {
            let found = self.find(entry.member.id, request.ref_id.clone()).await;
            return Bought::Said(match (found, barred) {
                (Found::Known(trx), _) => {
                    let bought = self.answer_known(entry, &request, trx).await;
                    bought_told(&bought)
                }
                (Found::Nothing, Barred::Refused(refusal)) => Told::refused(&refusal, None),
                (Found::Nothing, Barred::Full | Barred::Spent) | (Found::Unclear, _) => {
                    Told::busy()
                }
            });
        }
        let command = Command::Buy {
            member: entry.member.id,
            request: Box::new(request),
            asked: Box::new(Asked {
                received: call.received,
                peer: call.from.to_string(),
                request: format!("{}{}", call.request, text(body)),
            }),
        };
        let bought = match self.0.handle.submit(command).await {
            Ok(Answer::Bought(bought)) => bought,
            // It may have been taken: whoever hears "busy" buys elsewhere.
            Err(NotDone::NotKnown) => return Bought::Said(Told::not_known()),
            Err(NotDone::NotTaken | NotDone::Outdated) | Ok(_) => {
                return Bought::Recorded(Told::busy());
            }
        };
        let millis = self.0.handle.now().utc.since(call.received).max(0);
        self.count(Channel::Trx, bought.code, millis);
        Bought::Recorded(bought_told(&bought))
    }

    async fn v1_look(
        &self,
        entry: &MemberEntry,
        asked: reference::Asked,
        barred: Option<Barred>,
    ) -> Told {
        let reference::Asked { ref_id, as_typed, is_broken } = asked;
        // A reference that was not encoded is the one meant, where only that one is known.
        for ref_id in [Some(ref_id), as_typed].into_iter().flatten() {
            match self.find(entry.member.id, ref_id).await {
                Found::Known(trx) => return purchase(trx.state.word(), &trx),
                Found::Nothing => {}
                Found::Unclear => return Told::busy(),
            }
        }
        match barred {
            None | Some(Barred::Full) if is_broken => {
                let why = "the percent-encoding of the reference is broken";
                problem(StatusCode::BAD_REQUEST, "invalid_parameter", why)
            }
            None | Some(Barred::Full) => Told::never_taken(),
            Some(Barred::Refused(refusal)) => Told::refused(&refusal, None),
            Some(Barred::Spent) => Told::barred(&Refusal::RateLimited),
        }
    }

    async fn v1_balance(&self, entry: &MemberEntry) -> Told {
        let id = entry.member.id;
        match self.0.handle.reads().ask(move |reads| reads.balance(id)).await {
            Ok(Ok(Some(balance))) => Told::ok(json!({
                "code": "balance", "member": entry.member.code.as_str(), "balance": balance.get(),
            })),
            Ok(Ok(None) | Err(_)) | Err(_) => Told::busy(),
        }
    }

    fn v1_prices(&self, entry: &MemberEntry) -> Told {
        let catalog = self.0.handle.catalog();
        let rows: Vec<_> = catalog
            .products()
            .values()
            .filter_map(|product| {
                let (_, price, _) = catalog.terms(&entry.member, &product.code)?;
                let range = match product.denomination {
                    domain::Denomination::Fixed => None,
                    domain::Denomination::Open { min, max } => Some([min.get(), max.get()]),
                };
                Some(json!({
                    "product": product.code.as_str(), "name": product.name.as_str(),
                    "group": product.group, "category": product.category,
                    "price": price.amount.get(), "qty": range,
                    "open": engine::is_on_sale(product, price),
                }))
            })
            .collect();
        Told::ok(json!({"code": "prices", "data": rows}))
    }

    async fn v1_callbacks(&self, entry: &MemberEntry, query: &str) -> Told {
        let below = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "below")
            .and_then(|(_, value)| value.parse().ok());
        let filter = store::DeliveryFilter {
            member: Some(entry.member.id),
            below,
            limit: 50,
            ..store::DeliveryFilter::default()
        };
        let read = self.0.handle.reads().ask(move |reads| reads.delivery_page(&filter)).await;
        let Ok(Ok(found)) = read else { return Told::busy() };
        let next = found.last().filter(|_| found.len() >= 50).map(|last| last.id.get());
        let rows: Vec<_> = found
            .iter()
            .map(|delivery| {
                json!({
                    "id": delivery.id.get(), "trx": delivery.trx.get(), "ref_id": delivery.ref_id,
                    "state": delivery.state.word(), "tries": delivery.tries,
                    "last": delivery.last, "message": delivery.message,
                })
            })
            .collect();
        Told::ok(json!({"code": "callbacks", "data": rows, "next": next}))
    }

    async fn v1_replay(&self, entry: &MemberEntry, number: &str) -> Told {
        let Ok(id) = number.parse::<i64>() else { return nowhere(number) };
        let filter = store::DeliveryFilter {
            member: Some(entry.member.id),
            below: Some(id.saturating_add(1)),
            limit: 1,
            ..store::DeliveryFilter::default()
        };
        let read = self.0.handle.reads().ask(move |reads| reads.delivery_page(&filter)).await;
        let Ok(Ok(found)) = read else { return Told::busy() };
        let Some(own) = found.first().filter(|delivery| delivery.id.get() == id) else {
            return nowhere(number);
        };
        match self.0.handle.submit(Errand::replay(own.id).into()).await {
            Ok(Answer::Ran(Ran::Done(_))) => Told::ok(json!({"code": "replayed", "id": id})),
            Ok(_) => nowhere(number),
            Err(_) => Told::busy(),
        }
    }

    /// The member whose key signed this, in this minute, for the first time.
    async fn signed(
        &self,
        head: &http::request::Parts,
        target: &str,
        body: &Bytes,
        call: &Call,
    ) -> Result<Arc<MemberEntry>, Told> {
        let wrong = |why: &str| problem(StatusCode::UNAUTHORIZED, "wrong_sign", why);
        let header = |name: &str| {
            head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let (key, timestamp, nonce, given) = (
            header("gerbang-key"),
            header("gerbang-timestamp"),
            header("gerbang-nonce"),
            header("gerbang-signature"),
        );
        let who = self.0.keys.find(key).await;
        let signed = wire::Signed { timestamp, nonce, method: head.method.as_str(), target, body };
        // The same work for a key that does not exist.
        let secret = who.as_ref().map_or("no such key", |(_, secret)| secret.expose());
        let fits = key::same(given, &signed.sign(secret));
        let Some((code, _)) = who.filter(|_| fits) else {
            return Err(wrong(
                "key or signature is wrong; the text under it is in the description",
            ));
        };
        let seconds: i64 = timestamp.parse().unwrap_or_default();
        let now = call.received.get() / 1_000;
        if now.abs_diff(seconds) > key::WINDOW_SECONDS.unsigned_abs() {
            let why = format!("gerbang-timestamp is not within {} s of {now}", key::WINDOW_SECONDS);
            return Err(problem(StatusCode::UNAUTHORIZED, "old_timestamp", &why));
        }
        if !self.0.nonces.first(key, nonce, now) {
            let why = "gerbang-nonce must be 8 to 64 characters and new with every request";
            return Err(problem(StatusCode::UNAUTHORIZED, "used_nonce", why));
        }
        let catalog = self.0.handle.catalog();
        let entry = catalog.member(&code).ok_or_else(|| wrong("the member is gone"))?;
        if !entry.may_call_from(call.from) {
            return Err(Told::barred(&Refusal::IpNotAllowed(call.from)));
        }
        self.let_in(call);
        Ok(entry.clone())
    }
}

/// A purchase's answer, and whether its line in the journal rode in its commit.
enum Bought {
    Recorded(Told),
    Said(Told),
}

fn bought_told(bought: &engine::Bought) -> Told {
    match (&bought.trx, bought.own, &bought.refusal) {
        (Some(trx), true, _) => purchase(bought.code, trx),
        (Some(_), false, _) => problem(
            StatusCode::CONFLICT,
            "ref_conflict",
            "this ref_id stands for another purchase; nothing was taken",
        )
        .existing(),
        (None, _, Some(refusal)) => Told::refused(refusal, Some(&bought.text)),
        (None, _, None) => Told::busy(),
    }
}

fn text(body: &Bytes) -> String {
    String::from_utf8_lossy(body).chars().take(2_000).collect()
}

fn wanted(body: &Bytes) -> Result<BuyRequest, String> {
    let wanted: Wanted = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let qty = match wanted.qty {
        None => None,
        Some(number) => Some(Qty::new(number).ok_or_else(|| format!("qty {number}"))?),
    };
    Ok(BuyRequest {
        product: ProductCode::parse(&wanted.product).map_err(|error| error.to_string())?,
        dest: Dest::parse(&wanted.dest).map_err(|error| error.to_string())?,
        qty,
        ref_id: RefId::parse(&wanted.ref_id).map_err(|error| error.to_string())?,
        counter: wanted.counter.unwrap_or(1),
        harga_max: wanted.max_price.map(Rupiah::new),
        form: Form::Plain,
    })
}

fn nowhere(what: &str) -> Told {
    problem(StatusCode::NOT_FOUND, "not_found", &format!("there is nothing at `{what}`"))
}

fn told(told: Told) -> Answered {
    let mut answer = with_type(plain(told.status, &told.body.to_string()), told.content);
    let headers = answer.headers_mut();
    headers.insert("x-gerbang-code", HeaderValue::from_static(told.code));
    if told.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}
