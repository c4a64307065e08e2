//! A small HTTP/1.1 client with kept connections: less work than the server, so that the server is
//! what is measured. Every answer is compared with what it has to be.

use crate::meter::Measured;
use crate::process::{Served, cpu};
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

/// A request, and what its answer has to be.
pub(crate) struct Ask {
    pub(crate) target: String,
    /// Whole lines.
    pub(crate) headers: String,
    pub(crate) right: Right,
}

impl Ask {
    /// Without headers of its own.
    pub(crate) fn new(target: String, right: Right) -> Self {
        Self { target, headers: String::new(), right }
    }
}

/// What an answer has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right {
    /// 200, with one of these in it.
    Says(&'static [&'static str]),
    /// 200, that many bytes, which begin with these.
    Bytes(usize, &'static [u8]),
    /// 304.
    Unchanged,
}

/// An answer as it lies in the buffer of its connection.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    fn is(&self, right: Right) -> bool {
        match right {
            Right::Says(words) => {
                let said = String::from_utf8_lossy(self.body);
                self.status == 200 && words.iter().any(|word| said.contains(word))
            }
            Right::Bytes(length, first) => {
                self.status == 200 && self.body.len() == length && self.body.starts_with(first)
            }
            Right::Unchanged => self.status == 304 && self.body.is_empty(),
        }
    }

    /// The beginning of it, for people.
    fn shown(&self) -> String {
        let some: String = String::from_utf8_lossy(self.body).chars().take(300).collect();
        format!("{} with {} bytes: {some}", self.status, self.body.len())
    }

    /// A header; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4_096) })
    }

    /// One request with these extra headers.
    pub(crate) async fn send(&mut self, target: &str, headers: &str) -> anyhow::Result<Answer<'_>> {
        let request = format!("GET {target} HTTP/1.1\r\nHost: h2h\r\n{headers}\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        answer(&mut self.stream, &mut self.buffer).await
    }

    /// The body of an answer, whatever its status.
    pub(crate) async fn get(&mut self, target: &str, headers: &str) -> anyhow::Result<String> {
        let answer = self.send(target, headers).await?;
        Ok(String::from_utf8_lossy(answer.body).into_owned())
    }

    /// Asks; what is wrong with the answer, if anything.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> anyhow::Result<Option<String>> {
        let answer = self.send(&ask.target, &ask.headers).await?;
        Ok((!answer.is(ask.right)).then(|| format!("{} to {}", answer.shown(), ask.target)))
    }
}

/// Who asks, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Not counted.
    pub(crate) warm: Duration,
    pub(crate) time: Duration,
}

/// Runs clients each of which asks again when it is answered; `ask` writes the n-th request of one of
/// them. All are connected and answered once before the time that is not counted begins. An answer counts
/// when its request began and ended within the time that is.
pub(crate) async fn closed(
    at: &Served,
    load: Load,
    ask: impl Fn(usize, u64) -> Ask + Clone + Send + 'static,
) -> anyhow::Result<Measured> {
    let mut open = Vec::new();
    for number in 0..load.connections {
        let (ask, address) = (ask.clone(), at.address);
        open.push(tokio::spawn(async move {
            let mut connection = Connection::open(address).await?;
            let wrong = connection.ask(&ask(number, 0)).await?;
            anyhow::Ok((connection, wrong))
        }));
    }
    let mut all = Measured::new()?;
    let mut ready = Vec::new();
    for opened in open {
        let (connection, wrong) = opened.await??;
        if let Some(said) = wrong {
            all.odd(|| said);
        }
        ready.push(connection);
    }
    let begin = Instant::now() + load.warm;
    let end = begin + load.time;
    let watched = watch(at.pids.clone(), begin, end);
    let clients: Vec<_> = ready
        .into_iter()
        .enumerate()
        .map(|(number, connection)| {
            let ask = ask.clone();
            tokio::spawn(async move { client(connection, number, (begin, end), ask).await })
        })
        .collect();
    for client in clients {
        all.merge(client.await??)?;
    }
    all.time = load.time;
    all.cpu = watched.await?;
    Ok(all)
}

/// Processor time that these processes take between two moments.
pub(crate) fn watch(
    pids: Vec<u32>,
    begin: Instant,
    end: Instant,
) -> tokio::task::JoinHandle<Option<Duration>> {
    tokio::spawn(async move {
        tokio::time::sleep_until(begin.into()).await;
        let before = cpu(&pids)?;
        tokio::time::sleep_until(end.into()).await;
        cpu(&pids)?.checked_sub(before)
    })
}

async fn client(
    mut connection: Connection,
    number: usize,
    (begin, end): (Instant, Instant),
    ask: impl Fn(usize, u64) -> Ask,
) -> anyhow::Result<Measured> {
    let mut measured = Measured::new()?;
    for turn in 1.. {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        let wrong = connection.ask(&ask(number, turn)).await?;
        let took = sent.elapsed();
        match wrong {
            Some(said) => measured.odd(|| said),
            None if is_within((sent, took), (begin, end)) => measured.add(took),
            None => {}
        }
    }
    Ok(measured)
}

/// Begun and ended within the time that counts.
fn is_within((sent, took): (Instant, Duration), (begin, end): (Instant, Instant)) -> bool {
    sent >= begin && sent + took <= end
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

async fn answer<'a>(stream: &mut TcpStream, buffer: &'a mut Vec<u8>) -> anyhow::Result<Answer<'a>> {
    buffer.clear();
    let (end, length) = loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed");
        }
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&buffer[..end])?;
        let length = header(head, "content-length");
        let length = length.or_else(|| head.starts_with("HTTP/1.1 304").then_some("0"));
        break (end, length.context("no content-length")?.parse::<usize>()?);
    };
    while buffer.len() < end + 4 + length {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed");
        }
    }
    let head = std::str::from_utf8(&buffer[..end])?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok(Answer { status, head, body: &buffer[end + 4..] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn an_answer_is_right_by_its_status_and_its_words() {
        let answer = |status, body| Answer { status, head: "", body };
        let says = Right::Says(&["akan diproses", "status Sukses"]);
        assert!(answer(200, b"T#1 akan diproses.").is(says));
        assert!(!answer(503, b"akan diproses").is(says), "a status of its own");
        assert!(!answer(200, b"Sistem sibuk").is(says));
        assert!(answer(200, b"[{1}]").is(Right::Bytes(5, b"[{")));
        assert!(!answer(200, b"[{}]").is(Right::Bytes(5, b"[{")), "too short");
        assert!(answer(304, b"").is(Right::Unchanged) && !answer(200, b"").is(Right::Unchanged));
    }

    #[test]
    fn an_answer_counts_that_began_and_ended_within_the_time() {
        let (begin, ms) = (Instant::now(), Duration::from_millis);
        let end = begin + ms(10);
        for (after, took, counts) in [(0, 10, true), (9, 1, true), (9, 2, false), (11, 0, false)] {
            assert_eq!(is_within((begin + ms(after), ms(took)), (begin, end)), counts);
        }
        let early = begin.checked_sub(ms(1)).unwrap();
        assert!(!is_within((early, ms(5)), (begin, end)));
    }

    #[tokio::test]
    async fn wrong_answers_are_counted_before_the_time_too_and_right_ones_are_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut piece, mut turn) = ([0; 1_024], 0);
            while stream.read(&mut piece).is_ok_and(|count| count > 0) {
                turn += 1;
                let body = if turn == 1 { "busy" } else { "well" };
                let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{body}");
                stream.write_all(text.as_bytes()).unwrap();
            }
            turn
        });
        let at = Served { address, pids: vec![std::process::id()] };
        let (warm, time) = (Duration::from_millis(100), Duration::from_millis(100));
        let load = Load { connections: 1, warm, time };
        let ask = |_, _| Ask::new("/".to_owned(), Right::Says(&["well"]));
        let measured = closed(&at, load, ask).await.unwrap();
        let asked = server.join().unwrap();
        assert_eq!(measured.wrong, 1);
        assert!(measured.example.unwrap().contains("busy"));
        let counted = measured.latencies.len();
        assert!(counted < asked, "{counted} of {asked}");
        assert!(measured.cpu.is_some());
    }
}
