//! A small HTTP/1.1 client with kept connections: less work than the server, so that the server is
//! what is measured.

use crate::meter::Measured;
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4_096) })
    }

    /// The ETag of a page.
    pub(crate) async fn tag(&mut self, target: &str) -> anyhow::Result<String> {
        self.get(target, "").await?;
        let head = String::from_utf8_lossy(&self.buffer).to_lowercase();
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: "));
        Ok(tag.context("no ETag")?.to_owned())
    }

    /// One request with these extra headers; the body of its answer.
    pub(crate) async fn get(&mut self, target: &str, headers: &str) -> anyhow::Result<String> {
        let request = format!("GET {target} HTTP/1.1\r\nHost: h2h\r\n{headers}\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        answer(&mut self.stream, &mut self.buffer).await
    }
}

/// Runs `connections` clients for `time`; `request` writes the n-th request of one of them.
pub(crate) async fn load(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    expected: &'static str,
    headers: &'static str,
    request: impl Fn(usize, u64) -> String + Clone + Send + 'static,
) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|number| {
            let request = request.clone();
            tokio::spawn(async move {
                let told = (expected, headers);
                client(address, number, began, time, told, request).await
            })
        })
        .collect();
    let mut all = Measured::new()?;
    for client in clients {
        all.merge(&client.await??)?;
    }
    all.time = began.elapsed();
    Ok(all)
}

async fn client(
    address: SocketAddr,
    number: usize,
    began: Instant,
    time: Duration,
    (expected, headers): (&'static str, &'static str),
    request: impl Fn(usize, u64) -> String,
) -> anyhow::Result<Measured> {
    let mut connection = Connection::open(address).await?;
    let mut measured = Measured::new()?;
    for turn in 0.. {
        if began.elapsed() >= time {
            break;
        }
        let target = request(number, turn);
        let sent = Instant::now();
        let body = connection.get(&target, headers).await?;
        if !body.contains(expected) {
            bail!("unexpected answer: {body}");
        }
        measured.add(sent.elapsed());
    }
    Ok(measured)
}

async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<String> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed");
        }
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&buffer[..head])?;
        let length: usize = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .or_else(|| text.starts_with("HTTP/1.1 304").then_some("0"))
            .context("no content-length")?
            .parse()?;
        if buffer.len() >= head + 4 + length {
            // Compressed bodies are counted, not read.
            return Ok(String::from_utf8_lossy(&buffer[head + 4..]).into_owned());
        }
    }
}
