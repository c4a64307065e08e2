//! Just enough HTTP/1.1 to misbehave byte by byte, and to call back.

use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One request.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: String,
}

const MOST: usize = 64 * 1024;

/// Reads one request; none when the other side closes or sends nonsense.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::with_capacity(1_024);
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > MOST || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        // Not HTTP, most likely the start of TLS: nobody should wait for more of it.
        if !bytes[0].is_ascii_uppercase() {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut words = text.lines().next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let length: usize = text
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
        })
        .unwrap_or(0);
    while bytes.len() < head + 4 + length.min(MOST) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Asked {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        body: String::from_utf8_lossy(&bytes[head + 4..]).into_owned(),
    })
}

/// Answers and closes; slowly in small pieces on demand.
pub(crate) async fn answer(
    stream: &mut TcpStream,
    status: &str,
    kind: &str,
    body: &str,
    slow: bool,
) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // The buyer may be gone; its question comes again.
    let _ = stream.write_all(head.as_bytes()).await;
    if slow {
        for piece in body.as_bytes().chunks(16) {
            let _ = stream.write_all(piece).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    } else {
        let _ = stream.write_all(body.as_bytes()).await;
    }
    let _ = stream.shutdown().await;
}

/// One call to a plain HTTP URL on this machine; the status, or nothing.
pub(crate) async fn call(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: &str,
) -> Option<u16> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = TcpStream::connect(host).await.ok()?;
    let mut text = format!(
        "{method} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n",
        if path.is_empty() { "/" } else { path },
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read).await.ok()?.ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}
