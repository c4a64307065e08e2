//! Paths to answers.

use crate::auth::{Covers, Lockout};
use crate::limits::{Limiters, Rates};
use crate::metrics::Metrics;
use crate::play::{Playground, Shows};
use crate::prices::PriceLists;
use crate::routes::{self, Door, Kind};
use crate::strangers::{PRICES, Strangers};
use crate::v1::{KeyRing, NoKeys, Nonces};
use engine::{Handle, Suppliers};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use ipnet::IpNet;
use net::{Unread, read_body};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::{Channel, Direction, JournalLine};
use types::{MemberCode, MemberId, Refusal, TrxNo, UtcMillis};
use wire::{Fields, V2Status};

/// The text of 503: nothing was written.
pub(crate) const BUSY: &str = "Sistem sibuk, ulangi dengan refID yang sama";
/// On answers and callbacks of the sandbox.
pub const SANDBOX_HEADER: &str = "x-gerbang-sandbox";
/// Most bytes of a form.
const FORM_MOST: usize = 16 * 1024;
/// How long a form may take to arrive.
pub(crate) const FORM_TIME: Duration = Duration::from_secs(10);
/// Most bytes of a request kept in the journal.
const JOURNAL_MOST: usize = 2_000;

/// Settings of the gateway.
#[derive(Clone, Debug, Default)]
pub struct GatewaySettings {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Request rates.
    pub rates: Rates,
    /// Other names of categories in `produk=`, as slugs, with the categories they stand for.
    pub category_aliases: HashMap<String, Vec<String>>,
    /// An unknown member and each wrong credential are answered alike.
    pub one_answer: bool,
    /// It is the sandbox: every answer says so.
    pub sandbox: bool,
}

impl GatewaySettings {
    /// Adds what a shop's own names of categories stand for.
    fn widen(&self, produk: &mut Vec<String>) {
        let meant: Vec<String> = produk
            .iter()
            .filter_map(|slug| self.category_aliases.get(slug))
            .flatten()
            .filter(|slug| !produk.contains(slug))
            .cloned()
            .collect();
        produk.extend(meant);
    }
}

pub(crate) struct Inner {
    pub(crate) handle: Handle,
    pub(crate) suppliers: Arc<Suppliers>,
    pub(crate) lockout: Lockout,
    pub(crate) limiters: Limiters,
    pub(crate) strangers: Strangers,
    prices: PriceLists,
    metrics: Metrics,
    pub(crate) keys: Arc<dyn KeyRing>,
    pub(crate) nonces: Nonces,
    pub(crate) playground: Option<Arc<dyn Playground>>,
    pub(crate) settings: GatewaySettings,
    draining: AtomicBool,
}

/// The gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inner>);

pub(crate) type Answered = Response<Full<Bytes>>;

/// What is known of a request, for answer, journal and metrics.
pub(crate) struct Call {
    pub(crate) from: IpAddr,
    pub(crate) received: UtcMillis,
    pub(crate) request: String,
    /// Which member it says it is from, when there is such a one.
    pub(crate) named: Option<MemberCode>,
}

/// A text answer with what machines want to know of it.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) code: &'static str,
    pub(crate) member: Option<MemberId>,
    pub(crate) trx: Option<TrxNo>,
    /// 503 and not 200: nothing was written.
    pub(crate) busy: bool,
    /// Already in the journal, in the commit of its purchase.
    pub(crate) recorded: bool,
    /// The word of `trx-v2` where no trx is told of.
    pub(crate) v2: V2Status,
}

impl Said {
    pub(crate) fn busy() -> Self {
        Self {
            text: BUSY.to_owned(),
            code: "busy",
            member: None,
            trx: None,
            busy: true,
            recorded: true,
            v2: V2Status::Pending,
        }
    }

    pub(crate) fn plain(text: String, code: &'static str, member: Option<MemberId>) -> Self {
        let v2 = V2Status::Failed;
        Self { text, code, member, trx: None, busy: false, recorded: false, v2 }
    }
}

impl Gateway {
    /// A gateway in front of an engine.
    #[must_use]
    pub fn new(handle: Handle, suppliers: Arc<Suppliers>, settings: GatewaySettings) -> Self {
        Self::with_keys(handle, suppliers, settings, Arc::new(NoKeys), None)
    }

    /// The same with keys for the JSON door and a sandbox for members who want one.
    #[must_use]
    pub fn with_keys(
        handle: Handle,
        suppliers: Arc<Suppliers>,
        settings: GatewaySettings,
        keys: Arc<dyn KeyRing>,
        playground: Option<Arc<dyn Playground>>,
    ) -> Self {
        Self(Arc::new(Inner {
            handle,
            suppliers,
            lockout: Lockout::default(),
            limiters: Limiters::new(settings.rates),
            strangers: Strangers::default(),
            prices: PriceLists::default(),
            metrics: Metrics::default(),
            keys,
            nonces: Nonces::default(),
            playground,
            settings,
            draining: AtomicBool::new(false),
        }))
    }

    /// From now on `/readyz` says no, so that a balancer sends nothing more.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Answers one request. Never fails: what cannot be understood is 404 or a refusal.
    pub async fn answer(&self, peer: SocketAddr, request: Request<Incoming>) -> Answered {
        let mut answer = self.at(peer, request).await;
        let nosniff = HeaderValue::from_static("nosniff");
        answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        answer
    }

    async fn at(&self, peer: SocketAddr, request: Request<Incoming>) -> Answered {
        // Whoever went away while its request waited unread is noticed here, before anything is
        // done in its name: the connection is read once more, and its end ends this.
        tokio::task::yield_now().await;
        match routes::door(request.method(), request.uri().path()) {
            Some(Door::Alive) => self.alive(),
            Some(Door::Ready) => self.ready().await,
            Some(Door::Text(kind)) => self.text(peer, request, kind).await,
            Some(Door::SupplierCallback) => self.supplier_callback(peer, request).await,
            Some(Door::SellerTopup) => self.seller_topup(peer, request).await,
            Some(Door::Json) => self.v1(peer, request).await,
            Some(Door::PriceList) => self.price_list(peer, &request).await,
            None => nothing_here(),
        }
    }

    pub(crate) fn caller(&self, peer: SocketAddr, request: &Request<Incoming>) -> IpAddr {
        net::client_address(peer.ip(), request.headers(), &self.0.settings.trusted_proxies)
    }

    async fn text(&self, peer: SocketAddr, request: Request<Incoming>, kind: Kind) -> Answered {
        let received = self.0.handle.arrived();
        let from = self.caller(peer, &request);
        let mut fields = Fields::decode(request.uri().query().unwrap_or_default().as_bytes());
        let path = request.uri().path().to_owned();
        if *request.method() == Method::POST {
            match read_body(request.into_body(), self.sender(from), FORM_MOST, FORM_TIME).await {
                Ok(body) => fields = fields.and(Fields::decode(&body.bytes)),
                Err(Unread::Busy) => return respond(&Said::busy(), None),
                Err(Unread::TooLarge | Unread::CutOff) => {
                    return plain(StatusCode::BAD_REQUEST, "Form terlalu besar atau terputus");
                }
            }
        }
        // What another center's program says, where its member is known for it.
        let catalog = self.0.handle.catalog();
        let entry = fields.named().0.and_then(|code| catalog.member(&code).cloned());
        let request = format!("{path}?{}", fields.redacted(JOURNAL_MOST));
        let named = entry.as_ref().map(|entry| entry.member.code.clone());
        let call = Call { from, received, request, named };
        let dialect = entry.map(|entry| entry.member.dialect).unwrap_or_default();
        if matches!(kind, Kind::Status) && !dialect.check_by_ref
            || matches!(kind, Kind::Saldo) && !dialect.aliases
        {
            return nothing_here();
        }
        if dialect.aliases {
            fields = fields.translated();
        }
        if matches!(kind, Kind::Status) {
            fields = fields.asking();
        }
        let (member, ref_id) = fields.named();
        let (trx, balance) = (fields.trx_naming(self.spoken_to(&fields).1), fields.balance());
        let shows = match (kind, &trx, &balance) {
            (Kind::Trx | Kind::Status | Kind::V2, Ok(trx), _) => {
                Shows::Credentials(&trx.credentials, Covers::Trx(&trx.typed), from, received)
            }
            (Kind::Balance | Kind::Saldo | Kind::V2Balance, _, Ok(balance)) => Shows::Credentials(
                &balance.credentials,
                Covers::Balance(&balance.typed_member),
                from,
                received,
            ),
            (Kind::Trx | Kind::Status | Kind::V2, Err(_), _)
            | (Kind::Balance | Kind::Saldo | Kind::V2Balance, _, Err(_)) => Shows::Nothing,
        };
        let Some(door) = self.door(member.as_ref(), ref_id, &shows).await else {
            return respond(&Said::busy(), None);
        };
        let (said, json) = match kind {
            Kind::Trx | Kind::Status => (door.trx(&call, &fields).await.0, None),
            Kind::V2 => {
                let (said, shown) = door.trx(&call, &fields).await;
                let json = crate::trx::v2(&self.0.handle, &fields, &said, shown.as_deref());
                (said, Some(json))
            }
            Kind::Balance | Kind::Saldo => (door.balance(&call, &fields).await.0, None),
            Kind::V2Balance => {
                let (said, balance) = door.balance(&call, &fields).await;
                let json = wire::v2_balance_json(said.v2, balance, &said.text);
                (said, Some(json))
            }
        };
        let channel = kind.channel();
        let millis = self.0.handle.now().utc.since(received).max(0);
        self.count(channel, said.code, millis);
        if !said.recorded {
            door.record(&call, channel, &said, millis).await;
        }
        door.marked(respond(&said, json))
    }

    /// Answers of the sandbox carry a header; the words are the same.
    pub(crate) fn marked(&self, mut answer: Answered) -> Answered {
        if self.0.settings.sandbox {
            answer.headers_mut().insert(SANDBOX_HEADER, HeaderValue::from_static("1"));
        }
        answer
    }

    pub(crate) fn count(&self, channel: Channel, code: &'static str, millis: i64) {
        let seconds = f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1_000.0;
        self.0.metrics.answered(channel.word(), code, seconds);
    }

    /// Promise 7: answers that rode in no commit of their own are on record too; equal ones to who is
    /// not known, or asks too fast, are counted.
    pub(crate) async fn record(&self, call: &Call, channel: Channel, said: &Said, millis: i64) {
        let mut reply = said.text.clone();
        if said.member.is_none() || said.code == Refusal::RateLimited.code() {
            let named = call.named.as_ref().map(ToString::to_string);
            let end = self.not_let_in(call.from, said.code, named, call.received);
            let Some(end) = end else { return };
            reply.push_str(&end);
        }
        let line = JournalLine {
            at: call.received,
            direction: Direction::In,
            channel,
            peer: call.from.to_string(),
            member: said.member,
            trx: said.trx,
            request: call.request.clone(),
            reply,
            status: said.code.to_owned(),
            millis,
            stamps: Vec::new(),
        };
        self.0.handle.note(line).await;
    }

    async fn price_list(&self, peer: SocketAddr, request: &Request<Incoming>) -> Answered {
        let received = self.0.handle.now().utc;
        let from = self.caller(peer, request);
        let fields = Fields::decode(request.uri().query().unwrap_or_default().as_bytes());
        let mut asked = fields.price_list();
        self.0.settings.widen(&mut asked.produk);
        let found = if self.0.limiters.address_may(from, false, received) {
            self.0.prices.get(&self.0.handle.catalog(), &asked)
        } else {
            let mut answer = plain(StatusCode::TOO_MANY_REQUESTS, "[]");
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            return answer;
        };
        let code = if found.is_some() { PRICES } else { "unknown_list" };
        let call = Call {
            from,
            received,
            request: format!("/harga/json?{}", fields.redacted(JOURNAL_MOST)),
            named: None,
        };
        let bytes = found.as_ref().map_or(2, |list| list.plain.len());
        let said = Said::plain(format!("{bytes} bytes"), code, None);
        self.record(&call, Channel::Prices, &said, 0).await;
        self.0.metrics.answered("prices", code, 0.0);
        let Some(list) = found else {
            return with_type(plain(StatusCode::NOT_FOUND, "[]"), JSON);
        };
        let wants = |name: header::HeaderName, word: &str| {
            request
                .headers()
                .get_all(name)
                .iter()
                .any(|value| value.to_str().is_ok_and(|text| text.contains(word)))
        };
        let mut answer = if wants(header::IF_NONE_MATCH, &list.etag) {
            let mut answer = Response::new(Full::default());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        } else if wants(header::ACCEPT_ENCODING, "gzip") {
            let mut answer = Response::new(Full::new(list.gzip.clone()));
            answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            answer
        } else {
            Response::new(Full::new(list.plain.clone()))
        };
        let headers = answer.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Ok(tag) = HeaderValue::from_str(&list.etag) {
            headers.insert(header::ETAG, tag);
        }
        with_type(answer, JSON)
    }

    /// A part that is gone is noticed here, so that whoever watches the program starts it anew.
    fn alive(&self) -> Answered {
        match self.0.handle.gone() {
            gone if gone.is_empty() => plain(StatusCode::OK, "ok"),
            gone => plain(StatusCode::SERVICE_UNAVAILABLE, &format!("gone: {}", gone.join(", "))),
        }
    }

    async fn ready(&self) -> Answered {
        let (depth, most) = self.0.handle.queue_depth();
        let store = self.0.handle.reads().ask(|reads| reads.heads().is_ok()).await;
        let problems: Vec<&str> = [
            (self.0.draining.load(Ordering::Relaxed), "shutting down"),
            (depth >= most, "the writer's queue is full"),
            (store != Ok(true), "the store does not answer"),
            (self.0.handle.is_full(), "the disk is almost full"),
            (self.0.handle.is_ended(), "a writer has stopped"),
            (self.0.handle.parts().bars(), "a part of the program is gone"),
            (!self.0.handle.may_act(), "the lease is over: this node cannot write"),
            (self.0.handle.writes_fail(), "the last batch was not written"),
            (self.0.handle.is_closed(), "restored and not opened yet: gerbang restore --open"),
        ]
        .into_iter()
        .filter_map(|(wrong, text)| wrong.then_some(text))
        .collect();
        if problems.is_empty() {
            plain(StatusCode::OK, "ready")
        } else {
            plain(StatusCode::SERVICE_UNAVAILABLE, &problems.join("; "))
        }
    }

    /// Answers one request at the door of metrics, which is not the members': `/metrics` and nothing
    /// else.
    pub async fn answer_metrics(&self, request: &Request<Incoming>) -> Answered {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let mut answer = match request.uri().path() {
            "/metrics" if reads => self.print_metrics().await,
            _ => nothing_here(),
        };
        let nosniff = HeaderValue::from_static("nosniff");
        answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        answer
    }

    async fn print_metrics(&self) -> Answered {
        let counts = match self.0.handle.reads().ask(|reads| reads.counts()).await {
            Ok(Ok(counts)) => counts,
            Ok(Err(_)) | Err(_) => return plain(StatusCode::SERVICE_UNAVAILABLE, BUSY),
        };
        let text = self.0.metrics.print(&self.0.handle, counts);
        with_type(
            plain(StatusCode::OK, &text),
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const JSON: &str = "application/json; charset=utf-8";

fn nothing_here() -> Answered {
    plain(StatusCode::NOT_FOUND, "Not found")
}

pub(crate) fn with_type(mut answer: Answered, content: &'static str) -> Answered {
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    answer
}

pub(crate) fn plain(status: StatusCode, text: &str) -> Answered {
    let mut answer = Response::new(Full::new(Bytes::from(text.to_owned())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    with_type(answer, TEXT)
}

fn respond(said: &Said, json: Option<String>) -> Answered {
    let status = if said.busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut answer = match json {
        None => plain(status, &said.text),
        Some(json) => with_type(plain(status, &json), JSON),
    };
    let headers = answer.headers_mut();
    headers.insert("x-gerbang-code", HeaderValue::from_static(said.code));
    if let Some(trx) = said.trx {
        headers.insert("x-gerbang-trx", HeaderValue::from(trx.get()));
    }
    if said.busy {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}
