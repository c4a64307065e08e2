//! TLS over real sockets: HTTP/1.1 and HTTP/2 by agreement, new certificates without a restart.

use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use net::{Limits, Listener, ReloadingTls, serve};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

/// Writes a new self-signed pair; its certificate.
pub(crate) fn pair(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["h2h.example".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

pub(crate) async fn connect(
    address: SocketAddr,
    trusted: &str,
    protocol: &[u8],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("h2h.example").unwrap();
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

async fn ask(address: SocketAddr, trusted: &str) -> std::io::Result<String> {
    let mut stream = connect(address, trusted, b"http/1.1").await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    // The end of such a connection is a close, with or without TLS's own goodbye.
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn certificates_are_read_again_and_broken_ones_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let first = pair(folder.path());
    let tls =
        ReloadingTls::new(folder.path().join("cert.pem"), folder.path().join("key.pem")).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(serve(
        Listener { tls: Some(Arc::new(tls)), ..Listener::plain(tcp) },
        Limits::default(),
        |_, _| async { Response::new(Full::new(Bytes::from_static(b"hello"))) },
        stopped,
    ));
    assert!(ask(address, &first).await.unwrap().ends_with("hello"));
    let two = connect(address, &first, b"h2").await.unwrap();
    assert_eq!(two.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    drop(two);
    // Plain HTTP at a TLS door is closed, not answered.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    std::fs::write(folder.path().join("cert.pem"), "not a certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(ask(address, &first).await.unwrap().ends_with("hello"), "the old pair stays in use");

    let second = pair(folder.path());
    for _ in 0..100 {
        if ask(address, &second).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(ask(address, &second).await.unwrap().ends_with("hello"));
    assert!(ask(address, &first).await.is_err(), "the old certificate is still served");
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap();
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("cert.pem");
    let Err(error) = ReloadingTls::new(missing.clone(), folder.path().join("key.pem")) else {
        panic!("a missing certificate was taken");
    };
    assert!(error.to_string().contains(&missing.display().to_string()), "{error}");
}
