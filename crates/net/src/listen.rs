//! The accept loop: limits on connections in all and for one address, on headers, idleness and life;
//! drain at the end.
//!
//! A connection over which nothing goes on is closed, whatever it says: a peer that asks and never
//! reads, pings, or keeps its window shut holds a seat for a bounded time only.

use crate::activity::{Activity, Paced, Sent};
use crate::seats::{Hush, Seat, Seats};
use crate::{ReloadingTls, proxied, shortage};
use http::{Request, Response, StatusCode, Version, header};
use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use ipnet::IpNet;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

/// Most bytes that wait in the kernel for a peer to read: what is more shows that it does not.
const SEND_BUFFER: usize = 256 * 1024;
/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What may still end on a connection that is closed for idleness.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Between two tries to accept when this machine has no descriptor left.
const AFTER_SHORTAGE: Duration = Duration::from_millis(200);

/// Limits of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte of a connection, or the end of the last request, to complete headers.
    /// Also how long an idle connection of HTTP/1 is kept.
    pub header_time: Duration,
    /// Most bytes of request line and headers.
    pub header_bytes: usize,
    /// Most connections at one time.
    pub connections: usize,
    /// Most of them of one address (IPv6: a /64).
    pub per_address: usize,
    /// How long a connection may be without a request that is worked on or a piece of an answer
    /// that is taken.
    pub idle: Duration,
    /// The same while less than an eighth of all connections is free.
    pub idle_when_full: Duration,
    /// The longest life of a connection; what it has begun is finished.
    pub life: Duration,
    /// Most requests at one time on a connection of HTTP/2.
    pub streams: u32,
    /// How long a drain may take.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(30),
            header_bytes: 16 * 1024,
            connections: 4_096,
            per_address: 256,
            idle: Duration::from_secs(60),
            idle_when_full: Duration::from_secs(5),
            life: Duration::from_secs(3_600),
            streams: 64,
            drain: Duration::from_secs(20),
        }
    }
}

/// A bound listener, plain or TLS.
pub struct Listener {
    /// Where.
    pub tcp: TcpListener,
    /// With TLS.
    pub tls: Option<Arc<ReloadingTls>>,
    /// Whose connections are not counted by address: proxies, behind which everybody stands.
    pub exempt: Vec<IpNet>,
    /// Whose connections begin with a header of the PROXY protocol, version 2, that says for whom
    /// they are.
    pub announced: Vec<IpNet>,
}

impl Listener {
    /// Without TLS and without proxies.
    #[must_use]
    pub fn plain(tcp: TcpListener) -> Self {
        Self { tcp, tls: None, exempt: Vec::new(), announced: Vec::new() }
    }
}

/// What a connection is served with.
#[derive(Clone)]
struct Served {
    builder: Builder<TokioExecutor>,
    limits: Limits,
    seats: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

/// What a connection holds as long as it is open: its seats, and a word that it is.
struct Held {
    _seat: OwnedSemaphorePermit,
    _open: mpsc::Sender<Infallible>,
}

/// The doors that a connection may come to: by its address, then with TLS or without.
struct Hall {
    limits: Limits,
    addresses: Seats,
    announced: Vec<IpNet>,
    tls: Option<Arc<ReloadingTls>>,
    http1: Served,
    http2: Served,
    crowded: Mutex<Hush>,
    unannounced: Mutex<Hush>,
}

/// Serves until `stop` turns true, then lets requests in flight finish.
pub async fn serve<H, F, B>(
    listener: Listener,
    limits: Limits,
    handler: H,
    mut stop: watch::Receiver<bool>,
) where
    H: Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let seats = Arc::new(Semaphore::new(limits.connections));
    // Both kinds are named, never guessed: guessing waits without a limit for a first byte.
    let of = |builder| Served { builder, limits, seats: seats.clone(), stop: stop.clone() };
    let http1 = of(builder(limits).http1_only());
    let http2 = of(builder(limits).http2_only());
    let (open, mut closed) = mpsc::channel::<Infallible>(1);
    let mut failing = Hush::default();
    if let Some(tls) = listener.tls.clone() {
        tokio::spawn(refresh(tls, stop.clone()));
    }
    let hall = Arc::new(Hall {
        limits,
        addresses: Seats::new(limits.per_address, listener.exempt),
        announced: listener.announced,
        tls: listener.tls,
        http1,
        http2,
        crowded: Mutex::default(),
        unannounced: Mutex::default(),
    });
    loop {
        // A seat before accepting: further callers wait in the kernel's queue.
        let seat = tokio::select! {
            seat = seats.clone().acquire_owned() => match seat {
                Ok(seat) => seat,
                Err(_) => break,
            },
            _ = stop.changed() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.tcp.accept() => accepted,
            _ = stop.changed() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files and the like pass: wait instead of spinning.
                if let Some(times) = failing.say() {
                    tracing::warn!(%error, times, "connections could not be accepted");
                }
                tokio::time::sleep(AFTER_SHORTAGE).await;
                continue;
            }
        };
        let held = Held { _seat: seat, _open: open.clone() };
        // Who says for whom it is has its seat when it said so; everybody else has it now.
        let of_address = match hall.is_announced(peer) {
            true => None,
            false => match hall.seat(peer) {
                Some(of_address) => Some(of_address),
                None => continue,
            },
        };
        shortage::set_buffer(&stream, SEND_BUFFER);
        let (hall, handler) = (hall.clone(), handler.clone());
        tokio::spawn(async move {
            hall.take_in(stream, peer, of_address, handler).await;
            drop(held);
        });
    }
    drop((listener.tcp, open));
    // Closed when the last connection let go of its end.
    if tokio::time::timeout(limits.drain, closed.recv()).await.is_err() {
        tracing::warn!("some connections did not finish within the drain time");
    }
}

impl Hall {
    fn is_announced(&self, peer: SocketAddr) -> bool {
        let peer = peer.ip().to_canonical();
        self.announced.iter().any(|net| net.contains(&peer))
    }

    /// A seat of this address; nothing when it has as many as it may.
    fn seat(&self, peer: SocketAddr) -> Option<Seat> {
        let seat = self.addresses.take(peer.ip());
        if seat.is_none()
            && let Some(times) = say(&self.crowded)
        {
            let most = self.limits.per_address;
            tracing::warn!(%peer, most, times, "an address has all its connections");
        }
        seat
    }

    /// One connection. Its end is its own business; a slow or broken one is simply closed.
    async fn take_in<H, F, B>(
        &self,
        mut stream: TcpStream,
        mut peer: SocketAddr,
        mut of_address: Option<Seat>,
        handler: H,
    ) where
        H: Fn(SocketAddr, Request<Incoming>) -> F + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let patience = self.limits.header_time;
        if of_address.is_none() {
            match tokio::time::timeout(patience, proxied::client(&mut stream)).await {
                Ok(Ok(client)) => peer = client.unwrap_or(peer),
                Ok(Err(error)) => {
                    if let Some(times) = say(&self.unannounced) {
                        tracing::warn!(%peer, %error, times, "a proxy did not say for whom it is");
                    }
                    return;
                }
                Err(_) => return,
            }
            of_address = self.seat(peer);
            if of_address.is_none() {
                return;
            }
        }
        match &self.tls {
            None => converse(self.http1.clone(), stream, peer, handler).await,
            Some(tls) => {
                let Some(acceptor) = tls.acceptor() else { return };
                let shaken = tokio::time::timeout(patience, acceptor.accept(stream)).await;
                let Ok(Ok(stream)) = shaken else { return };
                let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let served = if h2 { self.http2.clone() } else { self.http1.clone() };
                converse(served, stream, peer, handler).await;
            }
        }
        drop(of_address);
    }
}

fn say(hush: &Mutex<Hush>) -> Option<u64> {
    hush.lock().unwrap_or_else(PoisonError::into_inner).say()
}

fn builder(limits: Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_bytes.max(8_192))
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(limits.streams)
        .keep_alive_interval(limits.header_time)
        .keep_alive_timeout(limits.header_time);
    builder
}

async fn refresh(tls: Arc<ReloadingTls>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tls.refresh();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            told = stop.changed() => if told.is_err() { return },
        }
    }
}

/// One connection to its end, or to the end of our patience with it.
async fn converse<S, H, F, B>(served: Served, stream: S, peer: SocketAddr, handler: H)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Fn(SocketAddr, Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Served { builder, limits, seats, mut stop } = served;
    let activity = Activity::new();
    let shown = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (running, activity) = (shown.run(), shown.clone());
        let answer = match odd_host(&request) {
            None => Ok(handler(peer, request)),
            Some(why) => Err(why),
        };
        async move {
            let answer: Response<Sent<B>> = match answer {
                Ok(answer) => answer.await.map(|body| Either::Left(Paced::new(body, activity))),
                Err(why) => refused(why),
            };
            drop(running);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).into_owned());
    // When it is cut off, once it was asked to end.
    let mut cut: Option<Instant> = None;
    let mut stopping = false;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stop.changed(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep(LOOK) => {}
        }
        if cut.is_some_and(|cut| Instant::now() >= cut) {
            return;
        }
        let full = seats.available_permits() <= limits.connections / 8;
        let patience = if full { limits.idle_when_full.min(limits.idle) } else { limits.idle };
        let grace = if activity.idle() > patience {
            LAST_WORDS
        } else if activity.age() > limits.life {
            limits.drain
        } else {
            continue;
        };
        let until = Instant::now().checked_add(grace).unwrap_or_else(Instant::now);
        match cut {
            // It became idle while its life ended.
            Some(known) => cut = Some(known.min(until)),
            None => {
                cut = Some(until);
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// What is wrong with the host of a request: exactly one must be named, so that nobody in between
/// can take it for another's.
fn odd_host<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    match (request.version(), first, second) {
        (_, _, Some(_)) => Some("more than one Host"),
        (Version::HTTP_11, None, None) => Some("no Host"),
        (Version::HTTP_2, None, None) if request.uri().authority().is_none() => Some("no Host"),
        (_, Some(_) | None, None) => None,
    }
}

fn refused<B>(why: &'static str) -> Response<Sent<B>> {
    let mut answer = Response::new(Either::Right(Full::new(Bytes::from_static(why.as_bytes()))));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
    // What else came on this connection is not trusted either.
    headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_host() {
        let with = |version: Version, hosts: &[&str]| {
            let mut request = Request::builder().version(version).uri("/");
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            odd_host(&request.body(()).unwrap()).is_none()
        };
        assert!(with(Version::HTTP_11, &["a"]) && with(Version::HTTP_10, &[]));
        assert!(!with(Version::HTTP_11, &[]) && !with(Version::HTTP_11, &["a", "a"]));
        assert!(!with(Version::HTTP_2, &[]) && with(Version::HTTP_2, &["a"]));
        assert!(!with(Version::HTTP_10, &["a", "b"]));
        let h2 = Request::builder().version(Version::HTTP_2).uri("https://a/").body(()).unwrap();
        assert!(odd_host(&h2).is_none());
    }
}
