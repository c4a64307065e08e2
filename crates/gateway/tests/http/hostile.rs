//! Strangers, broken clients and slow ones: a clean answer or a close, and the server stays up.

use super::rig::{Rig, SECRETS, product, raw};
use proptest::prelude::{any, prop};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use types::MemberId;

async fn rig() -> Rig {
    let rig = Rig::new().await;
    rig.product(product("T1", "Three 1.000"), 1_321).await;
    rig.member("OK00123", 50_000, |_| ()).await;
    rig
}

async fn still_well(rig: &Rig) {
    let got = rig.get(&format!("/balance?memberID=OK00123&{SECRETS}")).await;
    assert_eq!(got.body, "Saldo 50.000");
}

#[tokio::test]
async fn garbage_is_answered_or_closed() {
    let rig = rig().await;
    for bytes in [
        &b"\x00\x01\x02\x03\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /trx HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /trx?product=%zz&dest=%&refID=%f0%28%8c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        b"GET /trx?\xff\xfe=\x80 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    ] {
        let answer = raw(rig.address, bytes).await;
        assert!(!answer.contains(" 50"), "{answer}");
    }
    still_well(&rig).await;
}

/// Any bytes in every field: always 200 and one line, never a hang, never a 5xx.
#[tokio::test]
async fn any_query_gets_one_line() {
    let rig = rig().await;
    let mut runner = TestRunner::deterministic();
    let bytes = prop::collection::vec(any::<u8>(), 0..60);
    for _ in 0..200 {
        let value = bytes.new_tree(&mut runner).unwrap().current();
        let value: String = value.iter().map(|byte| format!("%{byte:02X}")).collect();
        for name in ["product", "dest", "refID", "qty", "counter", "hargamax", "memberID"] {
            let mut query =
                format!("product=T1&dest=089660522887&refID=x1&memberID=OK00123&{SECRETS}");
            query.push_str(&format!("&{name}={value}"));
            let got = rig.get(&format!("/trx?{query}&check=1")).await;
            assert_eq!(got.status, 200, "{name}={value}");
            assert!(!got.body.contains(['\n', '\r']), "{:?}", got.body);
        }
    }
    still_well(&rig).await;
}

#[tokio::test]
async fn huge_requests_are_refused() {
    let rig = rig().await;
    let long = "a".repeat(1024 * 1024);
    let answer =
        raw(rig.address, format!("GET /trx?product={long} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes())
            .await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let answer = raw(
        rig.address,
        format!(
            "POST /trx HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{long}",
            long.len()
        )
        .as_bytes(),
    )
    .await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    still_well(&rig).await;
}

/// A connection that says nothing, or says it byte by byte, is closed in time.
#[tokio::test]
async fn slow_clients_are_closed() {
    let rig = rig().await;
    let mut silent = TcpStream::connect(rig.address).await.unwrap();
    let mut half = TcpStream::connect(rig.address).await.unwrap();
    half.write_all(b"GET /trx?product=T1 HTTP/1.1\r\nHost: h\r\n").await.unwrap();
    let mut drip = TcpStream::connect(rig.address).await.unwrap();
    let began = Instant::now();
    let dripping = tokio::spawn(async move {
        let mut byte = [0; 1];
        for piece in b"GET /trx?product=T1&dest=089660522887 HTTP/1.1\r\nHost: h\r\n".iter().cycle()
        {
            if drip.write_all(&[*piece]).await.is_err() {
                return;
            }
            let read = tokio::time::timeout(Duration::from_millis(200), drip.read(&mut byte));
            if let Ok(Ok(0) | Err(_)) = read.await {
                return;
            }
        }
    });
    for stream in [&mut silent, &mut half] {
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        // A reset is a close too.
        let _ = tokio::time::timeout(Duration::from_secs(8), end).await.expect("not closed");
    }
    tokio::time::timeout(Duration::from_secs(8), dripping).await.expect("not closed").unwrap();
    assert!(began.elapsed() > Duration::from_millis(1_500), "closed before its time");
    still_well(&rig).await;
}

/// One hundred connections that send half a request and leave keep no seat.
#[tokio::test]
async fn half_requests_leave_nothing_behind() {
    let rig = rig().await;
    for _ in 0..100 {
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        stream
            .write_all(b"POST /trx HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nprod")
            .await
            .unwrap();
        drop(stream);
    }
    still_well(&rig).await;
}

/// Clients that leave before their answer have bought once or not at all, and can ask: who has bought
/// hears so, and nobody pays twice.
#[tokio::test]
async fn a_client_that_leaves_early_can_ask_later() {
    let rig = rig().await;
    rig.credit(MemberId::new(1), 1_000_000).await;
    let mut bought = 0;
    for number in 0..30 {
        let ref_id = format!("left-{number}");
        let fields = format!("product=T1&dest=0896605228{number:02}&refID={ref_id}");
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        let request =
            format!("GET /trx?{fields}&memberID=OK00123&{SECRETS} HTTP/1.1\r\nHost: h\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        // Some leave at once, some while it is written.
        tokio::time::sleep(Duration::from_micros(number * 100)).await;
        drop(stream);
        // A purchase of another behind it: what was taken before is written then.
        let behind = rig.trx(&format!("product=T1&dest=081200000001&refID=behind-{number}")).await;
        assert_eq!(behind.code(), "accepted");
        let there = rig.has(&ref_id).await;
        let first = rig.trx(&fields).await;
        // It may come to the server behind both others.
        let is_repeat = first.code() == "repeat";
        assert!(is_repeat || (!there && first.code() == "accepted"), "{ref_id}: {}", first.code());
        bought += i64::from(there);
    }
    assert!(bought > 0, "nobody who left had bought");
    assert_eq!(rig.balance(1).await, 1_050_000 - 60 * 1_321);
}
