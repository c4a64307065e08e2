//! Bodies of requests: read to the end, within a size, a time, and what all of them together may hold.

use crate::seats::neighbours;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Who sends a body, by what is known before it is read. Each kind has a budget of its own, so that none
/// takes the room of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Nobody knows.
    Stranger,
    /// Somebody with a session or a token.
    Session,
    /// A supplier, or somebody from where a member's program was let in.
    Trade,
}

/// KiB that unfinished and undecided bodies hold at one time, of all connections together.
pub const IN_FLIGHT_KIB: usize = STRANGERS_KIB + SESSIONS_KIB + TRADE_KIB;
const STRANGERS_KIB: usize = 16 * 1_024;
const SESSIONS_KIB: usize = 32 * 1_024;
const TRADE_KIB: usize = 16 * 1_024;
static STRANGERS: Semaphore = Semaphore::const_new(STRANGERS_KIB);
static SESSIONS: Semaphore = Semaphore::const_new(SESSIONS_KIB);
static TRADE: Semaphore = Semaphore::const_new(TRADE_KIB);
/// KiB by kind and address (IPv6: a /64). Holds no more entries than there are bodies.
static SHARES: LazyLock<Mutex<HashMap<(Sender, IpAddr), usize>>> = LazyLock::new(Mutex::default);

impl Sender {
    const fn budget(self) -> &'static Semaphore {
        match self {
            Self::Stranger => &STRANGERS,
            Self::Session => &SESSIONS,
            Self::Trade => &TRADE,
        }
    }

    /// KiB that one address may hold of it.
    const fn share(self) -> usize {
        match self {
            Self::Stranger => 1_024,
            Self::Session => 16 * 1_024,
            Self::Trade => 4 * 1_024,
        }
    }
}

/// What a body holds of its budget and of its address' share, until it is dropped.
#[derive(Debug)]
struct Held {
    sender: Sender,
    of: IpAddr,
    kib: usize,
    permit: Option<SemaphorePermit<'static>>,
}

impl Held {
    fn new(sender: Sender, from: IpAddr) -> Self {
        Self { sender, of: neighbours(from), kib: 0, permit: None }
    }

    /// Grows to so many KiB, when there is room.
    fn grow(&mut self, kib: usize) -> Result<(), Unread> {
        let more = kib.saturating_sub(self.kib);
        if more == 0 {
            return Ok(());
        }
        let count = u32::try_from(more).map_err(|_| Unread::TooLarge)?;
        let permit = self.sender.budget().try_acquire_many(count).map_err(|_| Unread::Busy)?;
        // This machine is everybody, where a proxy on it is not named.
        if !self.of.is_loopback() {
            let mut shares = SHARES.lock().unwrap_or_else(PoisonError::into_inner);
            let share = shares.entry((self.sender, self.of)).or_default();
            let wanted = share.saturating_add(more);
            if wanted > self.sender.share() {
                if *share == 0 {
                    shares.remove(&(self.sender, self.of));
                }
                return Err(Unread::Busy);
            }
            *share = wanted;
        }
        self.kib = kib;
        match &mut self.permit {
            None => self.permit = Some(permit),
            Some(held) => held.merge(permit),
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.kib == 0 || self.of.is_loopback() {
            return;
        }
        let mut shares = SHARES.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (self.sender, self.of);
        if let Some(share) = shares.get_mut(&key) {
            *share = share.saturating_sub(self.kib);
            if *share == 0 {
                shares.remove(&key);
            }
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// More than this place takes; known before it is read where the caller says its length.
    TooLarge,
    /// It did not end in time, or broke off.
    CutOff,
    /// Others like it hold too much at this moment, or its address does.
    Busy,
}

/// A body, and its part of what may be in flight until it is dropped.
#[derive(Debug)]
pub struct Whole {
    /// The bytes.
    pub bytes: Bytes,
    _held: Held,
}

/// Reads a body of at most so many bytes within a time.
///
/// # Errors
/// [`Unread`].
pub async fn read_body<B>(
    body: B,
    (sender, from): (Sender, IpAddr),
    most: usize,
    within: Duration,
) -> Result<Whole, Unread>
where
    B: Body<Data = Bytes> + Unpin,
{
    let held = Held::new(sender, from);
    let declared = body.size_hint().lower();
    if declared > most as u64 {
        return Err(Unread::TooLarge);
    }
    timeout(within, collect(body, held, most)).await.unwrap_or(Err(Unread::CutOff))
}

async fn collect<B>(mut body: B, mut held: Held, most: usize) -> Result<Whole, Unread>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Unread::CutOff) };
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len().saturating_add(data.len());
        if length > most {
            return Err(Unread::TooLarge);
        }
        held.grow(length.div_ceil(1_024))?;
        bytes.extend_from_slice(&data);
    }
    Ok(Whole { bytes: bytes.into(), _held: held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// So many pieces of four bytes, of an unsaid length; then an end, or none.
    struct Pieces(usize, bool);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match (self.0.checked_sub(1), self.1) {
                (Some(left), _) => {
                    self.0 = left;
                    Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"xxxx")))))
                }
                (None, true) => Poll::Ready(None),
                (None, false) => Poll::Pending,
            }
        }
    }

    const LONG: Duration = Duration::from_secs(30);

    fn full(bytes: usize) -> Full<Bytes> {
        Full::new(Bytes::from(vec![b'x'; bytes]))
    }

    fn at(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn a_body_is_whole_within_its_size() {
        let who = (Sender::Trade, HERE);
        assert_eq!(read_body(full(10), who, 10, LONG).await.unwrap().bytes.len(), 10);
        assert_eq!(read_body(full(11), who, 10, LONG).await.unwrap_err(), Unread::TooLarge);
        // One that does not say its length is refused when it is longer.
        let pieces = |most| read_body(Pieces(most, true), who, 8, LONG);
        assert_eq!(pieces(2).await.unwrap().bytes.len(), 8);
        assert_eq!(pieces(3).await.unwrap_err(), Unread::TooLarge);
        // One that never ends.
        let short = Duration::from_millis(10);
        assert_eq!(read_body(Pieces(1, false), who, 8, short).await.unwrap_err(), Unread::CutOff);
    }

    /// Whatever strangers hold, from one address or from everywhere: members' programs and suppliers
    /// have their room, and it is given back.
    #[tokio::test]
    async fn nobody_takes_the_room_of_another_kind() {
        let piece = 512 * 1_024;
        let send = |sender, from| read_body(full(piece), (sender, from), piece, LONG);
        let mut all = Vec::new();
        for _ in 0..2 {
            all.push(send(Sender::Stranger, at(1)).await.unwrap());
        }
        assert_eq!(send(Sender::Stranger, at(1)).await.unwrap_err(), Unread::Busy, "its share");
        for last in 2..=16 {
            for _ in 0..2 {
                all.push(send(Sender::Stranger, at(last)).await.unwrap());
            }
        }
        assert_eq!(send(Sender::Stranger, at(99)).await.unwrap_err(), Unread::Busy, "the budget");
        assert_eq!(send(Sender::Stranger, HERE).await.unwrap_err(), Unread::Busy);
        let known = [send(Sender::Trade, at(1)).await, send(Sender::Session, at(1)).await];
        assert!(known.iter().all(Result::is_ok));
        drop(all);
        assert!(send(Sender::Stranger, at(1)).await.is_ok());
        assert!(send(Sender::Stranger, HERE).await.is_ok());
        drop(known);
        assert!(SHARES.lock().unwrap().is_empty());
    }
}
