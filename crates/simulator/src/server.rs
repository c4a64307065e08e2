//! Takes requests, lets fate happen, calls back.

use crate::books::{Books, Entry, PRICE, State};
use crate::fate::{Fate, Fault, chance};
use crate::http::{Asked, answer, call, read};
use crate::{digiflazz, okeconnect};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a run is made of.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Repeats a run.
    pub seed: u64,
    /// Purchases of a hundred that something goes wrong with.
    pub fault_percent: u64,
    /// Where callbacks go; empty: nowhere.
    pub callback: String,
    /// Signs Digiflazz webhooks.
    pub webhook_secret: String,
    /// Of a hundred fields of Digiflazz answers so many come in another shape that its documents
    /// allow: a float, null, nothing.
    pub odd_percent: u64,
    /// The Digiflazz account; with a key, user name and sign are checked.
    pub username: String,
    /// Its key; empty: anybody may buy.
    pub api_key: String,
}

/// SKU, price, on offer.
pub type PriceRow = (String, i64, bool);

struct Inner {
    plan: RwLock<Plan>,
    prices: RwLock<Vec<PriceRow>>,
    books: Books,
}

/// A running simulator; it ends when dropped.
pub struct Simulator {
    inner: Arc<Inner>,
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Text,
    Json,
}

impl Simulator {
    /// Serves on a bound listener.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(tcp: TcpListener, plan: Plan) -> std::io::Result<Self> {
        let address = tcp.local_addr()?;
        let rows = ["T1", "T5", "S5", "S10", "xld10"].map(|sku| (sku.to_owned(), PRICE, true));
        let prices = RwLock::new(rows.to_vec());
        let inner = Arc::new(Inner { plan: RwLock::new(plan), prices, books: Books::default() });
        let serving = inner.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = tcp.accept().await {
                let inner = serving.clone();
                tokio::spawn(async move { inner.serve(stream).await });
            }
        });
        Ok(Self { inner, address, task })
    }

    /// Where callbacks go from now on.
    pub fn call_back(&self, url: &str) {
        if let Ok(mut plan) = self.inner.plan.write() {
            url.clone_into(&mut plan.callback);
        }
    }

    /// What its price list says from now on; purchases cost what they always cost.
    pub fn list(&self, rows: Vec<PriceRow>) {
        if let Ok(mut prices) = self.inner.prices.write() {
            *prices = rows;
        }
    }

    /// What it really received and delivered.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.inner.books
    }

    /// Waits until the listener breaks, which is for ever.
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Inner {
    fn plan(&self) -> Plan {
        self.plan.read().map_or_else(|_| Plan::default(), |plan| plan.clone())
    }

    fn prices(&self) -> Vec<PriceRow> {
        self.prices.read().map_or_else(|_| Vec::new(), |rows| rows.clone())
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let Some(asked) = read(&mut stream).await else { return };
        let text = "text/plain; charset=utf-8";
        let json = "application/json";
        match (asked.method.as_str(), asked.path.as_str()) {
            (_, "/trx") => self.text_trx(stream, &asked).await,
            (_, "/trx/balance" | "/balance") => {
                answer(&mut stream, "200 OK", text, &okeconnect::balance(&self.books), false).await;
            }
            (_, "/harga/json") => {
                let list = okeconnect::prices(&self.prices());
                answer(&mut stream, "200 OK", json, &list, false).await;
            }
            ("POST", "/v1/transaction") => self.json_transaction(stream, &asked).await,
            ("POST", "/v1/cek-saldo") => {
                let asked = serde_json::from_str(&asked.body).unwrap_or_default();
                let body = digiflazz::balance(&self.plan(), &self.books, &asked).to_string();
                answer(&mut stream, "200 OK", json, &body, false).await;
            }
            ("POST", "/v1/price-list") => {
                let asked = serde_json::from_str(&asked.body).unwrap_or_default();
                let list = digiflazz::prices(&self.plan(), &self.prices(), &asked).to_string();
                answer(&mut stream, "200 OK", json, &list, false).await;
            }
            (_, "/ledger") => {
                let body = self.books.ledger().to_string();
                answer(&mut stream, "200 OK", json, &body, false).await;
            }
            _ => answer(&mut stream, "404 Not Found", text, "Not found", false).await,
        }
    }

    async fn text_trx(self: Arc<Self>, mut stream: TcpStream, asked: &Asked) {
        let field = |name: &str| {
            form_urlencoded::parse(asked.query.as_bytes())
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let (reference, dest, sku) = (field("refID"), field("dest"), field("product"));
        if field("check") == "1" {
            let text = match self.books.find(&reference) {
                Some(entry) => okeconnect::checked(&entry),
                None => okeconnect::nothing(&dest),
            };
            answer(&mut stream, "200 OK", "text/plain", &text, false).await;
            return;
        }
        if reference.trim().is_empty() {
            let text = okeconnect::without_reference(&sku, &dest);
            answer(&mut stream, "200 OK", "text/plain", &text, false).await;
            return;
        }
        self.buy(stream, Protocol::Text, &reference, &sku, &dest).await;
    }

    async fn json_transaction(self: Arc<Self>, mut stream: TcpStream, asked: &Asked) {
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        match digiflazz::transaction(&self.plan(), &self.books, &body) {
            Ok(wanted) => {
                let digiflazz::Wanted { reference, sku, dest } = wanted;
                self.buy(stream, Protocol::Json, &reference, &sku, &dest).await;
            }
            Err(refusal) => {
                let body = refusal.to_string();
                answer(&mut stream, "200 OK", "application/json", &body, false).await;
            }
        }
    }

    async fn buy(
        self: Arc<Self>,
        mut stream: TcpStream,
        protocol: Protocol,
        reference: &str,
        sku: &str,
        dest: &str,
    ) {
        let plan = self.plan();
        let fate = Fate::of(plan.seed, plan.fault_percent, reference, dest);
        let known = self.books.find(reference).is_some();
        // What was taken once is answered well: a status by resending must come to an end.
        let fault = if known { Fault::None } else { fate.fault };
        match fault {
            Fault::DropBefore => return,
            Fault::ErrorBefore => {
                let status = "500 Internal Server Error";
                answer(&mut stream, status, "text/plain", "<h1>500</h1>", false).await;
                return;
            }
            Fault::Redirect => {
                let status = "302 Found\r\nLocation: http://127.0.0.1:9/trx";
                answer(&mut stream, status, "text/plain", "", false).await;
                return;
            }
            Fault::None
            | Fault::DropAfter
            | Fault::Garbage
            | Fault::ErrorAfter
            | Fault::SlowBody
            | Fault::CallbackTwice
            | Fault::CallbackFirst
            | Fault::CallbackLost
            | Fault::Contradiction => {}
        }
        let Some((entry, new)) = self.books.take(reference, sku, dest, fate) else { return };
        if new {
            tokio::spawn(self.clone().tell(protocol, entry.clone()));
        }
        let (kind, body) = match protocol {
            Protocol::Text => ("text/plain", okeconnect::bought(&entry, new)),
            Protocol::Json => {
                ("application/json", digiflazz::data(&plan, &entry, entry.state()).to_string())
            }
        };
        match fault {
            Fault::DropAfter => {}
            Fault::Garbage => {
                answer(&mut stream, "200 OK", kind, "<html>\u{0}OK GAGAL SUKSES", false).await;
            }
            Fault::ErrorAfter => {
                answer(&mut stream, "500 Internal Server Error", kind, "oops", false).await;
            }
            Fault::CallbackFirst => {
                let after = Duration::from_millis(fate.decides_after_ms + 50);
                tokio::time::sleep(after).await;
                answer(&mut stream, "200 OK", kind, &body, false).await;
            }
            Fault::SlowBody => answer(&mut stream, "200 OK", kind, &body, true).await,
            Fault::None
            | Fault::DropBefore
            | Fault::ErrorBefore
            | Fault::Redirect
            | Fault::CallbackTwice
            | Fault::CallbackLost
            | Fault::Contradiction => answer(&mut stream, "200 OK", kind, &body, false).await,
        }
    }

    /// Callbacks of a purchase, at their time.
    async fn tell(self: Arc<Self>, protocol: Protocol, entry: Entry) {
        let created = protocol == Protocol::Json
            && entry.fate.fault != Fault::CallbackLost
            && chance(self.plan().seed, &entry.reference, "created").is_multiple_of(3);
        if created {
            self.call_back(protocol, &entry, State::Pending).await;
        }
        let decided = Duration::from_millis(entry.fate.decides_after_ms + 5);
        tokio::time::sleep(decided.saturating_sub(entry.received.elapsed())).await;
        let state = entry.state();
        if entry.fate.fault == Fault::CallbackLost {
            return;
        }
        self.call_back(protocol, &entry, state).await;
        match entry.fate.fault {
            Fault::CallbackTwice => self.call_back(protocol, &entry, state).await,
            Fault::Contradiction => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let other = match state {
                    State::Delivered => State::OutOfStock,
                    State::Pending | State::WrongNumber | State::OutOfStock => State::Delivered,
                };
                self.call_back(protocol, &entry, other).await;
            }
            Fault::None
            | Fault::DropBefore
            | Fault::DropAfter
            | Fault::Garbage
            | Fault::ErrorBefore
            | Fault::ErrorAfter
            | Fault::Redirect
            | Fault::SlowBody
            | Fault::CallbackFirst
            | Fault::CallbackLost => {}
        }
    }

    /// Tries a few times, as real ones do.
    async fn call_back(&self, protocol: Protocol, entry: &Entry, state: State) {
        let plan = self.plan();
        if plan.callback.is_empty() {
            return;
        }
        for pause_ms in [0, 200, 1_000] {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            let status = match protocol {
                Protocol::Text => {
                    let message = okeconnect::told(entry, state);
                    let url = wire::callback_url(&plan.callback, &entry.reference, &message);
                    call("GET", &url, &[], "").await
                }
                Protocol::Json => {
                    let body = digiflazz::webhook(&plan, entry, state).to_string();
                    let event = if state == State::Pending { "create" } else { "update" };
                    let headers = digiflazz::headers(&plan, event, entry, &body);
                    call("POST", &plan.callback, &headers, &body).await
                }
            };
            if status.is_some_and(|status| (200..300).contains(&status)) {
                return;
            }
        }
        tracing::warn!(reference = entry.reference, "a callback was not taken");
    }
}
