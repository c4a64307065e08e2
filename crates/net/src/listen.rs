//! The accept loop: limits on connections, header time and header size; drain at the end.

use crate::ReloadingTls;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Limits of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte of a connection, or the end of the last request, to complete headers.
    /// Also how long an idle connection is kept.
    pub header_time: Duration,
    /// Most bytes of request line and headers.
    pub header_bytes: usize,
    /// Most connections at one time.
    pub connections: usize,
    /// How long a drain may take.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(30),
            header_bytes: 16 * 1024,
            connections: 4_096,
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
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
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
        .max_concurrent_streams(128)
        .keep_alive_interval(limits.header_time)
        .keep_alive_timeout(limits.header_time);
    // Both kinds are named, never guessed: guessing waits without a limit for a first byte.
    let http1 = Arc::new(builder.clone().http1_only());
    let http2 = Arc::new(builder.http2_only());
    let graceful = GracefulShutdown::new();
    let seats = Arc::new(Semaphore::new(limits.connections));
    if let Some(tls) = listener.tls.clone() {
        let mut stop = stop.clone();
        tokio::spawn(async move {
            while !*stop.borrow() {
                tls.refresh();
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                    told = stop.changed() => if told.is_err() { return },
                }
            }
        });
    }
    loop {
        // A seat before accepting: further callers wait in the kernel's queue.
        let seat = tokio::select! {
            seat = seats.clone().acquire_owned() => seat,
            _ = stop.changed() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.tcp.accept() => accepted,
            _ = stop.changed() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files and the like: wait instead of spinning.
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let handler = handler.clone();
        let service = service_fn(move |request| {
            let answer = handler(peer, request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let (http1, http2, watcher) = (http1.clone(), http2.clone(), graceful.watcher());
        let acceptor = match &listener.tls {
            None => None,
            Some(tls) => match tls.acceptor() {
                None => continue,
                Some(acceptor) => Some(acceptor),
            },
        };
        tokio::spawn(async move {
            let _seat = seat;
            // A connection's end is its own business; a slow or broken one is simply closed.
            match acceptor {
                None => {
                    let connection =
                        http1.serve_connection(TokioIo::new(stream), service).into_owned();
                    let _ = watcher.watch(connection).await;
                }
                Some(acceptor) => {
                    let shaken =
                        tokio::time::timeout(limits.header_time, acceptor.accept(stream)).await;
                    let Ok(Ok(stream)) = shaken else { return };
                    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let builder = if h2 { http2 } else { http1 };
                    let connection =
                        builder.serve_connection(TokioIo::new(stream), service).into_owned();
                    let _ = watcher.watch(connection).await;
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not finish within the drain time");
    }
}
