//! What one peer can hold of a listener, and for how long. Time is real, so limits are short.

use super::tls::{connect, pair};
use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use net::{Limits, Listener, ReloadingTls, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

const GET: &[u8] = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(40);

struct Up {
    address: SocketAddr,
    certificate: String,
    _folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

async fn up(limits: Limits, body: usize, with_tls: bool) -> Up {
    let folder = tempfile::tempdir().unwrap();
    let certificate = pair(folder.path());
    let files = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let tls = with_tls.then(|| Arc::new(ReloadingTls::new(files.0, files.1).unwrap()));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let whole = Bytes::from(vec![b'x'; body]);
    tokio::spawn(serve(
        Listener { tls, ..Listener::plain(tcp) },
        limits,
        move |_, _| {
            let whole = whole.clone();
            async move { Response::new(Full::new(whole)) }
        },
        stopped,
    ));
    Up { address, certificate, _folder: folder, _stop: stop }
}

fn short() -> Limits {
    Limits { idle: Duration::from_secs(2), ..Limits::default() }
}

/// True when the other side ends it in time; what comes before that is read and forgotten.
async fn ends(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut piece = [0; 4_096];
    let all = async { while !matches!(stream.read(&mut piece).await, Ok(0) | Err(_)) {} };
    timeout(PATIENCE, all).await.is_ok()
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_gets_them_back() {
    let up = up(Limits { per_address: 3, ..Limits::default() }, 2, false).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(up.address).await.unwrap();
        stream.write_all(GET).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(stream);
    }
    let mut fourth = TcpStream::connect(up.address).await.unwrap();
    assert!(ends(&mut fourth).await, "a fourth is kept");
    drop(held);
    // Given back when the server has noticed.
    let began = Instant::now();
    loop {
        let mut stream = TcpStream::connect(up.address).await.unwrap();
        let _ = stream.write_all(GET).await;
        let mut first = [0; 12];
        if stream.read_exact(&mut first).await.is_ok() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "seats are not given back");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Asks for more than the kernel keeps and never reads: closed, though its window is shut for good.
#[tokio::test]
async fn a_peer_that_asks_and_never_reads_is_closed() {
    let limits = Limits { connections: 1, ..short() };
    let up = up(limits, 8 << 20, false).await;
    let mut stream = TcpStream::connect(up.address).await.unwrap();
    stream.write_all(&GET.repeat(20)).await.unwrap();
    // It has the only seat: another is answered only when it is closed.
    let mut other = TcpStream::connect(up.address).await.unwrap();
    other.write_all(GET).await.unwrap();
    let mut first = [0; 12];
    timeout(PATIENCE, other.read_exact(&mut first)).await.expect("it holds its seat").unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
}

/// Reads slower than it could, but reads: served to the end.
#[tokio::test]
async fn a_slow_reader_is_served_to_the_end() {
    let size = 4 << 20;
    let up = up(short(), size, false).await;
    let mut stream = TcpStream::connect(up.address).await.unwrap();
    let text = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    stream.write_all(text.as_bytes()).await.unwrap();
    let (mut seen, mut piece) = (0, vec![0; 128 * 1024]);
    loop {
        let count = stream.read(&mut piece).await.unwrap();
        if count == 0 {
            break;
        }
        seen += count;
        sleep(Duration::from_millis(60)).await;
    }
    assert!(seen > size, "{seen} of {size}");
}

fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let mut all = length[1..].to_vec();
    all.extend([kind, flags]);
    all.extend(stream.to_be_bytes());
    all.extend(body);
    all
}

/// The preface with these settings.
fn preface(settings: &[u8]) -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, settings)].concat()
}

/// `GET / https h`, without a table.
fn asks(stream: u32) -> Vec<u8> {
    // Indexed: method GET, scheme https, path /; literal: authority h.
    frame(1, 5, stream, &[0x82, 0x87, 0x84, 0x01, 1, b'h'])
}

/// Answers what HTTP/2 asks of everybody and pings twice a second, until the other side ends it.
async fn pings_until_closed(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> bool {
    let (mut reads, mut writes) = tokio::io::split(stream);
    let pinging = tokio::spawn(async move {
        // Acknowledged settings, then nothing but pings.
        let _ = writes.write_all(&frame(4, 1, 0, &[])).await;
        while writes.write_all(&frame(6, 0, 0, b"12345678")).await.is_ok() {
            sleep(Duration::from_millis(500)).await;
        }
    });
    let ended = ends(&mut reads).await;
    pinging.abort();
    ended
}

#[tokio::test]
async fn pings_keep_no_connection() {
    let up = up(short(), 2, true).await;
    let mut stream = connect(up.address, &up.certificate, b"h2").await.unwrap();
    stream.write_all(&preface(&[])).await.unwrap();
    let began = Instant::now();
    assert!(pings_until_closed(stream).await, "only pings, and it is kept");
    assert!(began.elapsed() >= Duration::from_secs(2), "closed before its time");
}

#[tokio::test]
async fn a_shut_window_keeps_no_connection() {
    let up = up(short(), 100_000, true).await;
    let mut stream = connect(up.address, &up.certificate, b"h2").await.unwrap();
    // SETTINGS_INITIAL_WINDOW_SIZE = 0: answers may never leave.
    let shut = [&4_u16.to_be_bytes()[..], &0_u32.to_be_bytes()].concat();
    let requests: Vec<u8> = (0..40).flat_map(|number| asks(1 + 2 * number)).collect();
    stream.write_all(&[preface(&shut), requests].concat()).await.unwrap();
    assert!(pings_until_closed(stream).await, "nothing may leave, and it is kept");
}

/// How many requests at a time a connection is told to carry; what comes beyond them is refused by the
/// library that tells it.
#[tokio::test]
async fn a_connection_carries_so_many_requests_at_a_time() {
    let up = up(Limits::default(), 2, true).await;
    let mut stream = connect(up.address, &up.certificate, b"h2").await.unwrap();
    stream.write_all(&preface(&[])).await.unwrap();
    let mut head = [0; 9];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "settings come first");
    let mut settings = vec![0; usize::from(head[2])];
    timeout(PATIENCE, stream.read_exact(&mut settings)).await.unwrap().unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS.
    let told = settings.chunks(6).find(|one| one[..2] == [0, 3]).map(|one| one[2..].to_vec());
    assert_eq!(told, Some(64_u32.to_be_bytes().to_vec()), "{settings:?}");
}

/// What it has begun is finished, then it is closed; another request comes on another connection.
#[tokio::test]
async fn a_connection_has_a_longest_life() {
    let up = up(Limits { life: Duration::from_secs(2), ..Limits::default() }, 2, false).await;
    let mut stream = TcpStream::connect(up.address).await.unwrap();
    let (began, mut answered) = (Instant::now(), 0);
    loop {
        if stream.write_all(GET).await.is_err() {
            break;
        }
        let mut piece = [0; 1_024];
        match timeout(PATIENCE, stream.read(&mut piece)).await.unwrap() {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                assert!(piece[..count].starts_with(b"HTTP/1.1 200"));
                answered += 1;
            }
        }
        assert!(began.elapsed() < PATIENCE, "it lives for ever");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(answered > 5 && began.elapsed() >= Duration::from_secs(2), "{answered}");
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let up = up(Limits::default(), 2, false).await;
    for (hosts, status) in [
        ("Host: a\r\n", 200),
        ("", 400),
        ("Host: a\r\nHost: a\r\n", 400),
        ("Host: a\r\nHost: b\r\n", 400),
    ] {
        let mut stream = TcpStream::connect(up.address).await.unwrap();
        let text = format!("GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{hosts:?}: {answer}");
    }
}
