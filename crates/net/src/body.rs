//! Bodies of requests: read to the end, within a size, a time, and what all of them together may hold.

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// KiB that unfinished and undecided bodies hold at one time, of all connections together.
pub const IN_FLIGHT_KIB: usize = 64 * 1024;
static BUDGET: Semaphore = Semaphore::const_new(IN_FLIGHT_KIB);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// More than this place takes; known before it is read where the caller says its length.
    TooLarge,
    /// It did not end in time, or broke off.
    CutOff,
    /// Others hold too much at this moment.
    Busy,
}

/// A body, and its part of what may be in flight until it is dropped.
#[derive(Debug)]
pub struct Whole {
    /// The bytes.
    pub bytes: Bytes,
    _held: Option<SemaphorePermit<'static>>,
}

/// Reads a body of at most so many bytes within a time.
///
/// # Errors
/// [`Unread`].
pub async fn read_body<B>(body: B, most: usize, within: Duration) -> Result<Whole, Unread>
where
    B: Body<Data = Bytes> + Unpin,
{
    let declared = body.size_hint().lower();
    if declared > most as u64 {
        return Err(Unread::TooLarge);
    }
    timeout(within, collect(body, most)).await.unwrap_or(Err(Unread::CutOff))
}

async fn collect<B>(mut body: B, most: usize) -> Result<Whole, Unread>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut bytes = Vec::new();
    let mut held: Option<SemaphorePermit<'static>> = None;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Unread::CutOff) };
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len().saturating_add(data.len());
        if length > most {
            return Err(Unread::TooLarge);
        }
        let has = held.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more = length.div_ceil(1_024).saturating_sub(has);
        if more > 0 {
            let more = u32::try_from(more).map_err(|_| Unread::TooLarge)?;
            let permit = BUDGET.try_acquire_many(more).map_err(|_| Unread::Busy)?;
            match &mut held {
                None => held = Some(permit),
                Some(held) => held.merge(permit),
            }
        }
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

    #[tokio::test]
    async fn a_body_is_whole_within_its_size_and_what_all_may_hold() {
        assert_eq!(read_body(full(10), 10, LONG).await.unwrap().bytes.len(), 10);
        assert_eq!(read_body(full(11), 10, LONG).await.unwrap_err(), Unread::TooLarge);
        // One that does not say its length is refused when it is longer.
        let pieces = |most| read_body(Pieces(most, true), 8, LONG);
        assert_eq!(pieces(2).await.unwrap().bytes.len(), 8);
        assert_eq!(pieces(3).await.unwrap_err(), Unread::TooLarge);
        // All together hold no more than the budget, and give it back.
        let eight = 8 * 1024 * 1024;
        let mut all = Vec::new();
        for _ in 0..IN_FLIGHT_KIB / 8 / 1_024 {
            all.push(read_body(full(eight), eight, LONG).await.unwrap());
        }
        assert_eq!(read_body(full(eight), eight, LONG).await.unwrap_err(), Unread::Busy);
        drop(all);
        assert!(read_body(full(eight), eight, LONG).await.is_ok());
        // One that never ends.
        let short = Duration::from_millis(10);
        assert_eq!(read_body(Pieces(1, false), 8, short).await.unwrap_err(), Unread::CutOff);
    }
}
