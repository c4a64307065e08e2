//! Whether anything goes on over a connection: requests that are worked on, and pieces of answers
//! that the other side takes. Pings, settings and open windows are nothing.

use http_body_util::Either;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// Largest piece of an answer that is handed out at one time, so that the next one shows that the
/// other side reads.
const PIECE: usize = 64 * 1024;

pub(crate) struct Activity {
    began: Instant,
    running: AtomicUsize,
    /// Milliseconds since it began.
    last: AtomicU64,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        let (running, last) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Self { began: Instant::now(), running, last })
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn touch(&self) {
        self.last.store(self.millis(), Ordering::Relaxed);
    }

    /// How long nothing went on.
    pub(crate) fn idle(&self) -> Duration {
        if self.running.load(Ordering::Relaxed) > 0 {
            return Duration::ZERO;
        }
        Duration::from_millis(self.millis().saturating_sub(self.last.load(Ordering::Relaxed)))
    }

    /// How long the connection lives.
    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// A request that is worked on until this is dropped.
    pub(crate) fn run(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }
}

pub(crate) struct Running(Arc<Activity>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.touch();
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body in pieces, each of which is activity.
pub(crate) struct Paced<B> {
    body: B,
    rest: Bytes,
    activity: Arc<Activity>,
}

/// An answer of the handler, or one of the listener itself.
pub(crate) type Sent<B> = Either<Paced<B>, http_body_util::Full<Bytes>>;

impl<B> Paced<B> {
    pub(crate) fn new(body: B, activity: Arc<Activity>) -> Self {
        Self { body, rest: Bytes::new(), activity }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        self.activity.touch();
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE)))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Paced<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(this.piece())));
        }
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(frame)) => frame,
        };
        match frame.into_data() {
            Ok(data) => {
                this.rest = data;
                Poll::Ready(Some(Ok(this.piece())))
            }
            Err(other) => Poll::Ready(Some(Ok(other))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full};

    #[tokio::test(start_paused = true)]
    async fn a_large_answer_comes_in_pieces_and_each_is_activity() {
        let activity = Activity::new();
        let whole = Bytes::from(vec![7; 3 * PIECE + 5]);
        let mut body = Paced::new(Full::new(whole.clone()), activity.clone());
        let (mut sizes, mut all) = (Vec::new(), Vec::new());
        while !body.is_end_stream() {
            tokio::time::advance(Duration::from_secs(9)).await;
            assert_eq!(activity.idle(), Duration::from_secs(9));
            let hint = body.size_hint().exact().unwrap();
            assert_eq!(hint, (whole.len() - all.len()) as u64);
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(activity.idle(), Duration::ZERO);
            sizes.push(piece.len());
            all.extend(piece);
        }
        assert_eq!((sizes, all), (vec![PIECE, PIECE, PIECE, 5], whole.to_vec()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_worked_on_is_not_idle() {
        let activity = Activity::new();
        let running = activity.run();
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(activity.idle(), Duration::ZERO);
        drop(running);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(activity.idle(), Duration::from_secs(2));
        assert_eq!(activity.age(), Duration::from_secs(92));
    }
}
