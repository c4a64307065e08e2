//! A small HTTP/1.1 client with kept connections: less work than the server, so that the server is
//! what is measured.

use crate::meter::Measured;
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Runs `connections` clients for `time`; `request` writes the n-th request of one of them.
pub(crate) async fn load(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    expected: &'static str,
    request: impl Fn(usize, u64) -> String + Clone + Send + 'static,
) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|number| {
            let request = request.clone();
            tokio::spawn(
                async move { client(address, number, began, time, expected, request).await },
            )
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
    expected: &'static str,
    request: impl Fn(usize, u64) -> String,
) -> anyhow::Result<Measured> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut measured = Measured::new()?;
    let mut buffer = Vec::with_capacity(4_096);
    for turn in 0.. {
        if began.elapsed() >= time {
            break;
        }
        let target = request(number, turn);
        let sent = Instant::now();
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: h2h\r\n\r\n").as_bytes()).await?;
        let body = answer(&mut stream, &mut buffer).await?;
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
            .context("no content-length")?
            .parse()?;
        if buffer.len() >= head + 4 + length {
            return Ok(String::from_utf8(buffer[head + 4..].to_vec())?);
        }
    }
}
