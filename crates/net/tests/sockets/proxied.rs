//! Connections that say for whom they are: believed from proxies, and from nobody else.

use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use net::{Limits, Listener, serve};
use proxy_header::{ProxiedAddress, ProxyHeader};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

const GET: &[u8] = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A listener that tells everybody its address, and the end of its life.
async fn up(announced: &str, limits: Limits) -> (SocketAddr, watch::Sender<bool>) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let listener = Listener { announced: vec![announced.parse().unwrap()], ..Listener::plain(tcp) };
    let tell = |peer: SocketAddr, _| async move {
        Response::new(Full::new(Bytes::from(format!("from {} ", peer.ip()))))
    };
    tokio::spawn(serve(listener, limits, tell, stopped));
    (address, stop)
}

fn header(client: &str) -> Vec<u8> {
    let client: SocketAddr = client.parse().unwrap();
    let mut bytes = Vec::new();
    let said = ProxyHeader::with_address(ProxiedAddress::stream(client, client));
    said.encode_v2(&mut bytes).unwrap();
    bytes
}

/// What comes back for these bytes, up to the end of an answer or of the connection.
async fn said(stream: &mut TcpStream, bytes: &[u8]) -> String {
    // The other side may close in the middle, which is an answer.
    let _ = stream.write_all(bytes).await;
    let mut all = Vec::new();
    let mut piece = [0; 1_024];
    while !all.ends_with(b" ") {
        match timeout(PATIENCE, stream.read(&mut piece)).await.unwrap() {
            Ok(0) | Err(_) => break,
            Ok(read) => all.extend_from_slice(&piece[..read]),
        }
    }
    String::from_utf8(all).unwrap()
}

async fn once(address: SocketAddr, bytes: &[u8]) -> String {
    said(&mut TcpStream::connect(address).await.unwrap(), bytes).await
}

#[tokio::test]
async fn a_proxy_says_for_whom_it_is() {
    let (address, _stop) = up("127.0.0.0/8", Limits::default()).await;
    for (client, shown) in
        [("203.0.113.7:1", "from 203.0.113.7 "), ("[2001:db8::7]:1", "from 2001:db8::7 ")]
    {
        let got = once(address, &[&header(client), GET].concat()).await;
        assert!(got.ends_with(shown), "{got}");
    }
    let mut own = Vec::new();
    ProxyHeader::with_local().encode_v2(&mut own).unwrap();
    assert!(once(address, &[&own, GET].concat()).await.ends_with("from 127.0.0.1 "));
}

#[tokio::test]
async fn without_its_header_nothing_is_answered() {
    let limits = Limits { header_time: Duration::from_millis(500), ..Limits::default() };
    let (address, _stop) = up("127.0.0.0/8", limits).await;
    let one = b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n";
    for bytes in [GET, &[one, GET].concat(), &header("203.0.113.7:1")[..20], b""] {
        assert_eq!(once(address, bytes).await, "", "{bytes:?}");
    }
}

#[tokio::test]
async fn nobody_else_says_it() {
    let (address, _stop) = up("192.0.2.0/24", Limits::default()).await;
    assert!(once(address, GET).await.ends_with("from 127.0.0.1 "));
    let got = once(address, &[&header("203.0.113.7:1"), GET].concat()).await;
    assert!(!got.contains("203.0.113.7") && !got.contains(" 200 "), "{got}");
}

#[tokio::test]
async fn seats_are_of_who_is_behind_the_proxy() {
    let limits = Limits { per_address: 2, ..Limits::default() };
    let (address, _stop) = up("127.0.0.0/8", limits).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let got = said(&mut stream, &[&header("203.0.113.7:1"), GET].concat()).await;
        assert!(got.ends_with("from 203.0.113.7 "), "{got}");
        held.push(stream);
    }
    let third = [&header("203.0.113.7:1"), GET].concat();
    assert_eq!(once(address, &third).await, "");
    let other = [&header("203.0.113.8:1"), GET].concat();
    assert!(once(address, &other).await.ends_with("from 203.0.113.8 "));
    // A seat is given back with its connection.
    drop(held);
    let back = async {
        while once(address, &third).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, back).await.unwrap();
}
