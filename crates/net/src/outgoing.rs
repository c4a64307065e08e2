//! One call, one connection try. The only place that can say "not sent".
//!
//! Promise 3: [`SendResult::NotSent`] is made only from failures before the first byte of the
//! request: a bad URL, the guard, the name, the connection, the TLS handshake. What failed there for
//! want of something of this machine is [`SendResult::Held`]: it says nothing of the other side.

use crate::{Guard, shortage};
use http::{HeaderMap, Request as HttpRequest, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use suppliers::{Reply, Request, SendResult, Transport};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Limits of one call.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingLimits {
    /// Name, connection and TLS together.
    pub connect: Duration,
    /// From the first byte to the end of the answer.
    pub answer: Duration,
    /// Most bytes of an answer that are read.
    pub body_most: usize,
}

impl Default for OutgoingLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(20),
            body_most: 64 * 1024,
        }
    }
}

/// A client that never retries, follows no redirect and keeps no connection.
#[derive(Clone)]
pub struct Outgoing {
    guard: Guard,
    limits: OutgoingLimits,
    tls: TlsConnector,
}

impl Outgoing {
    /// A client with the bundled Mozilla root certificates.
    ///
    /// # Errors
    /// When rustls refuses its own defaults.
    pub fn new(guard: Guard, limits: OutgoingLimits) -> Result<Self, rustls::Error> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { guard, limits, tls: TlsConnector::from(Arc::new(config)) })
    }

    async fn call(&self, request: &Request) -> SendResult {
        let prepared = match prepare(request) {
            Ok(prepared) => prepared,
            Err(why) => return SendResult::NotSent(why),
        };
        let connected = tokio::time::timeout(self.limits.connect, self.connect(&prepared)).await;
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(Unreached::Ours(why))) => return SendResult::Held(why),
            Ok(Err(Unreached::Theirs(why))) => return SendResult::NotSent(why),
            Err(_) => {
                return SendResult::NotSent(format!(
                    "no connection to {} within {:?}",
                    prepared.host, self.limits.connect
                ));
            }
        };
        // From here on bytes may leave.
        let exchange = exchange(stream, prepared.http, self.limits.body_most);
        match tokio::time::timeout(self.limits.answer, exchange).await {
            Ok(Ok(reply)) => SendResult::Replied(reply),
            Ok(Err(why)) => SendResult::Unknown(why),
            Err(_) => SendResult::Unknown(format!("no answer within {:?}", self.limits.answer)),
        }
    }

    async fn connect(&self, to: &Prepared) -> Result<Box<dyn Stream>, Unreached> {
        let literal = to.host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let addresses: Vec<_> = match literal {
            Some(address) => vec![(address, to.port).into()],
            None => tokio::net::lookup_host((to.host.as_str(), to.port))
                .await
                .map_err(|error| {
                    let why = format!("the name {} was not found: {error}", to.host);
                    // The resolver says little of what it lacked, so it is tried out.
                    if shortage::is_short() { Unreached::Ours(why) } else { unreached(&error, why) }
                })?
                .collect(),
        };
        let mut refused = None;
        let mut connected = None;
        // Another address after a refused connection is still before the first byte.
        for address in addresses.into_iter().filter(|to: &SocketAddr| self.guard.permits(to.ip())) {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    connected = Some(stream);
                    break;
                }
                Err(error) => {
                    let why = format!("no connection to {address}: {error}");
                    // What we lack now, we lack for the next address as well.
                    if shortage::is_ours(&error) {
                        return Err(Unreached::Ours(why));
                    }
                    refused = Some(why);
                }
            }
        }
        let stream = connected.ok_or_else(|| {
            Unreached::Theirs(refused.unwrap_or_else(|| {
                format!("{} is an internal address; it may not be called", to.host)
            }))
        })?;
        stream.set_nodelay(true).map_err(|error| unreached(&error, error.to_string()))?;
        if !to.tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(to.host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| Unreached::Theirs(error.to_string()))?;
        let stream =
            self.tls.connect(name, stream).await.map_err(|error| {
                unreached(&error, format!("TLS with {} failed: {error}", to.host))
            })?;
        Ok(Box::new(stream))
    }
}

/// Why there is no connection.
enum Unreached {
    /// For want of something of this machine.
    Ours(String),
    /// They, or the way to them.
    Theirs(String),
}

fn unreached(error: &std::io::Error, why: String) -> Unreached {
    if shortage::is_ours(error) { Unreached::Ours(why) } else { Unreached::Theirs(why) }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Prepared {
    host: String,
    port: u16,
    tls: bool,
    http: HttpRequest<Full<Bytes>>,
}

fn prepare(request: &Request) -> Result<Prepared, String> {
    let uri: Uri = request.url.parse().map_err(|error| format!("the URL is not valid: {error}"))?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        Some(_) | None => return Err("the URL must begin with http:// or https://".to_owned()),
    };
    let host = uri.host().ok_or("the URL has no host")?.to_owned();
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let authority = uri.authority().map_or(host.as_str(), |authority| authority.as_str());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut builder = HttpRequest::builder()
        .method(request.method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, concat!("Gerbang/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close");
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let http = builder
        .body(Full::new(Bytes::from(request.body.clone())))
        .map_err(|error| format!("the request is not valid: {error}"))?;
    Ok(Prepared { host, port, tls, http })
}

async fn exchange(
    stream: Box<dyn Stream>,
    request: HttpRequest<Full<Bytes>>,
    body_most: usize,
) -> Result<Reply, String> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    let driver = tokio::spawn(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(text)?;
        let status = response.status().as_u16();
        let retry_after_ms = retry_after_ms(response.headers());
        let body = Limited::new(response.into_body(), body_most)
            .collect()
            .await
            .map_err(|error| format!("status {status}, then the answer broke off: {error}"))?
            .to_bytes();
        Ok(Reply { status, retry_after_ms, body: String::from_utf8_lossy(&body).into_owned() })
    };
    let result = answer.await;
    driver.abort();
    result
}

/// When the other side wants the next request: seconds, or a date. A date is measured from the
/// answer's own `Date`, so that two clocks need not agree; from ours where there is none.
fn retry_after_ms(headers: &HeaderMap) -> Option<i64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(header::RETRY_AFTER)?;
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is as good as for ever; whoever waits has a limit of its own.
        return Some(asked.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(1_000));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let said = text(header::DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let wait = until.duration_since(said.unwrap_or_else(SystemTime::now)).unwrap_or_default();
    i64::try_from(wait.as_millis()).ok()
}

fn text(error: hyper::Error) -> String {
    format!("the connection broke: {error}")
}

impl Transport for Outgoing {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        Box::pin(self.call(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    fn client(open: bool) -> Outgoing {
        let limits = OutgoingLimits {
            connect: Duration::from_millis(500),
            answer: Duration::from_millis(500),
            body_most: 1_000,
        };
        Outgoing::new(Guard { open, allow: vec![] }, limits).unwrap()
    }

    async fn answers(with: &'static [u8]) -> SendResult {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x?y=1", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = [0; 1_024];
            let count = stream.read(&mut seen).await.unwrap();
            assert!(seen[..count].starts_with(b"GET /x?y=1 HTTP/1.1\r\n"));
            stream.write_all(with).await.unwrap();
            if with.is_empty() {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        });
        let result = client(true).send(&Request { method: "GET", url, ..Request::default() }).await;
        server.abort();
        result
    }

    #[tokio::test]
    async fn an_answer_is_an_answer_whatever_its_status() {
        let reply = answers(
            b"HTTP/1.1 302 Found\r\nLocation: /y\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nok",
        )
        .await;
        let expected = Reply { status: 302, retry_after_ms: Some(7_000), body: "ok".to_owned() };
        assert_eq!(reply, SendResult::Replied(expected));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let asked = |headers: &[(http::HeaderName, &str)]| {
            let pairs = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
            retry_after_ms(&pairs.collect())
        };
        let (after, date) = (header::RETRY_AFTER, header::DATE);
        for (value, expected) in [
            ("120", Some(120_000)),
            (" 7 ", Some(7_000)),
            ("0", Some(0)),
            ("99999999999999999999", Some(i64::MAX)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("Sat, 28 Nov 2026 10:05:00 GMT", Some(300_000)),
            ("Saturday, 28-Nov-26 10:05:00 GMT", Some(300_000)),
            ("Sat Nov 28 10:05:00 2026", Some(300_000)),
            ("Sat, 28 Nov 2026 09:00:00 GMT", Some(0)),
        ] {
            let now = (date.clone(), "Sat, 28 Nov 2026 10:00:00 GMT");
            assert_eq!(asked(&[(after.clone(), value), now]), expected, "{value}");
        }
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let without_date = asked(&[(after, &soon)]).unwrap();
        assert!((90_000..=100_000).contains(&without_date), "{without_date}");
    }

    #[tokio::test]
    async fn after_the_first_byte_nothing_is_called_unsent() {
        for bytes in
            [&b""[..], b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
        {
            let result = answers(bytes).await;
            assert!(matches!(result, SendResult::Unknown(_)), "{result:?}");
        }
    }

    #[tokio::test]
    async fn before_the_first_byte_it_is_unsent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let get = |url: String| Request { method: "GET", url, ..Request::default() };
        let guarded = client(false).send(&get(format!("http://{address}/"))).await;
        assert!(matches!(guarded, SendResult::NotSent(_)), "{guarded:?}");
        drop(listener);
        for url in [format!("http://{address}/"), "ftp://x/".into(), "http:///".into()] {
            let result = client(true).send(&get(url)).await;
            assert!(matches!(result, SendResult::NotSent(_)), "{result:?}");
        }
    }
}
