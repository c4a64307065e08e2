//! Bodies of requests: read to the end, within a size, a time, and what all of them together may hold.

use crate::room::{Held, Sender};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// More than this place takes; known before it is read where the caller says its length.
    TooLarge,
    /// It did not end in time, or broke off.
    CutOff,
    /// Others like it hold too much at this moment, or its address does; or it came so slowly that it
    /// gave way to a younger one.
    Busy,
}

/// A body, and its part of what may be in flight until it is dropped.
pub struct Whole {
    /// The bytes.
    pub bytes: Bytes,
    _held: Held,
}

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a body of {} bytes", self.bytes.len())
    }
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
    loop {
        let frame = tokio::select! {
            () = held.gives_way() => return Err(Unread::Busy),
            frame = body.frame() => frame,
        };
        let Some(frame) = frame else { break };
        let Ok(frame) = frame else { return Err(Unread::CutOff) };
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len().saturating_add(data.len());
        if length > most {
            return Err(Unread::TooLarge);
        }
        held.grow(length.div_ceil(1_024)).await?;
        bytes.extend_from_slice(&data);
    }
    held.is_whole();
    Ok(Whole { bytes: bytes.into(), _held: held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::nothing_is_held;
    use http_body_util::Full;
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// So many pieces of so many bytes, of an unsaid length; then an end, or none.
    struct Pieces {
        left: usize,
        bytes: usize,
        ends: bool,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match (self.left.checked_sub(1), self.ends) {
                (Some(left), _) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(Frame::data(vec![b'x'; self.bytes].into()))))
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
        let who = (Sender::Program, HERE);
        assert_eq!(read_body(full(10), who, 10, LONG).await.unwrap().bytes.len(), 10);
        assert_eq!(read_body(full(11), who, 10, LONG).await.unwrap_err(), Unread::TooLarge);
        // One that does not say its length is refused when it is longer.
        let of_four = |left, ends| Pieces { left, bytes: 4, ends };
        let pieces = |most| read_body(of_four(most, true), who, 8, LONG);
        assert_eq!(pieces(2).await.unwrap().bytes.len(), 8);
        assert_eq!(pieces(3).await.unwrap_err(), Unread::TooLarge);
        // One that never ends.
        let short = Duration::from_millis(10);
        assert_eq!(read_body(of_four(1, false), who, 8, short).await.unwrap_err(), Unread::CutOff);
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
        let others = [Sender::Member, Sender::Staff, Sender::Program, Sender::Supplier];
        let mut known = Vec::new();
        for sender in others {
            known.push(send(sender, at(1)).await.unwrap());
        }
        drop(all);
        assert!(send(Sender::Stranger, at(1)).await.is_ok());
        assert!(send(Sender::Stranger, HERE).await.is_ok());
        drop(known);
        // Bodies that never end: who comes later is read, and the oldest hears that it was too slow.
        let mut slow = Vec::new();
        for last in 1..=8 {
            for _ in 0..8 {
                let body = Pieces { left: 1, bytes: piece, ends: false };
                let reading = read_body(body, (Sender::Program, at(last)), piece, LONG);
                slow.push(tokio::spawn(async move { reading.await.map(drop) }));
            }
            tokio::task::yield_now().await;
        }
        for number in 0..20 {
            let mine = send(Sender::Program, at(100 + number % 4)).await;
            assert_eq!(mine.map(|whole| whole.bytes.len()), Ok(piece), "{number}");
        }
        let first = slow.remove(0).await.unwrap();
        assert_eq!(first, Err(Unread::Busy));
        for reading in slow {
            reading.abort();
            let _ = reading.await;
        }
        assert!(nothing_is_held());
    }
}
