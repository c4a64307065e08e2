//! Answers: pages, redirects, JSON, files and streams, with the headers that all of them carry.

use crate::seats::{Feed, GoesOn, Making, Seats, Turn};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use office::Problem;
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// A whole answer, or one that goes on.
pub type Body = Either<Full<Bytes>, Stream>;
/// What leaves.
pub type Answer = Response<Body>;

/// A file could not be made to its end: the connection breaks, so that nobody takes it for whole.
#[derive(Debug, thiserror::Error)]
#[error("the rest of this file cannot be had")]
pub struct Cut;

/// Pieces as they come, for live pages and long files.
pub struct Stream {
    pieces: mpsc::Receiver<Bytes>,
    /// False while the last piece is not there.
    is_whole: Arc<AtomicBool>,
    /// What makes the rest of a file, until somebody sits down to it.
    rest: Option<Making>,
    /// Whose file it is, until it was sent.
    _turn: Option<Turn>,
}

impl Stream {
    const fn of(pieces: mpsc::Receiver<Bytes>, is_whole: Arc<AtomicBool>) -> Self {
        Self { pieces, is_whole, rest: None, _turn: None }
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.pieces.poll_recv(context) {
            Poll::Ready(Some(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Poll::Ready(None) if self.is_whole.swap(true, Ordering::Relaxed) => Poll::Ready(None),
            Poll::Ready(None) => Poll::Ready(Some(Err(Cut))),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Seconds after which it is worth to try again.
const RETRY_AFTER: &str = "5";
/// Nothing but our own files; no framing, no foreign forms.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

fn guarded(mut answer: Answer) -> Answer {
    set(&mut answer, header::CONTENT_SECURITY_POLICY, POLICY);
    set(&mut answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut answer, header::REFERRER_POLICY, "same-origin");
    set(&mut answer, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if !answer.headers().contains_key(header::CACHE_CONTROL) {
        set(&mut answer, header::CACHE_CONTROL, "no-store");
    }
    answer
}

pub(crate) fn whole(status: StatusCode, content: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body.into())));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, content);
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        set(&mut answer, header::RETRY_AFTER, RETRY_AFTER);
    }
    guarded(answer)
}

pub(crate) fn html(status: StatusCode, text: String) -> Answer {
    whole(status, "text/html; charset=utf-8", text)
}

pub(crate) fn to(place: &str) -> Answer {
    let mut answer = whole(StatusCode::SEE_OTHER, "text/plain", "");
    set(&mut answer, header::LOCATION, place);
    answer
}

pub(crate) fn value(status: StatusCode, value: &Value) -> Answer {
    whole(status, "application/json; charset=utf-8", value.to_string())
}

/// A problem document (RFC 9457).
pub(crate) fn problem(problem: &Problem) -> Answer {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({
        "type": format!("https://gerbang.invalid/problems/{}", problem.code),
        "title": status.canonical_reason().unwrap_or_default(),
        "status": problem.status, "code": problem.code, "detail": problem.detail,
    });
    whole(status, "application/problem+json", body.to_string())
}

/// A file to keep: never opened in the page.
pub(crate) fn download(content: &str, name: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = whole(StatusCode::OK, content, body);
    named(&mut answer, name);
    answer
}

fn named(answer: &mut Answer, name: &str) {
    set(answer, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
}

pub(crate) fn stream(pieces: mpsc::Receiver<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Right(Stream::of(pieces, Arc::new(true.into()))));
    set(&mut answer, header::CONTENT_TYPE, "text/event-stream");
    guarded(answer)
}

/// A file that is made while it is sent, piece by piece, until there is no piece.
pub(crate) fn growing(content: &str, name: &str, rest: Making) -> Answer {
    let (_, pieces) = mpsc::channel(1);
    let stream = Stream { rest: Some(rest), ..Stream::of(pieces, Arc::default()) };
    let mut answer = Response::new(Either::Right(stream));
    set(&mut answer, header::CONTENT_TYPE, content);
    named(&mut answer, name);
    guarded(answer)
}

/// A file, and somebody's turn that lasts until it was sent.
///
/// # Errors
/// When too much waits to be sent.
pub(crate) fn held(
    answer: Answer,
    mut turn: Turn,
    seats: &Seats,
    goes_on: GoesOn,
) -> anyhow::Result<Answer> {
    let (mut head, body) = answer.into_parts();
    let (send, pieces) = mpsc::channel(1);
    let is_whole: Arc<AtomicBool> = Arc::default();
    match body {
        Either::Left(whole) => {
            let whole = whole.into_inner().unwrap_or_default();
            turn.weigh(whole.len(), seats)?;
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
            // The channel is new: there is room.
            let _ = send.try_send(whole);
            is_whole.store(true, Ordering::Relaxed);
        }
        Either::Right(Stream { rest: Some(rest), .. }) => {
            let feed = Feed { make: rest, pieces: send, is_whole: is_whole.clone(), goes_on };
            seats.feed(turn.door(), feed);
        }
        stream @ Either::Right(_) => return Ok(Response::from_parts(head, stream)),
    }
    let stream = Stream { _turn: Some(turn), ..Stream::of(pieces, is_whole) };
    Ok(Response::from_parts(head, Either::Right(stream)))
}

/// A file that is compiled in; its name changes with its content.
pub(crate) fn asset(content: &str, body: &'static [u8]) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::from_static(body))));
    set(&mut answer, header::CONTENT_TYPE, content);
    set(&mut answer, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    guarded(answer)
}

pub(crate) fn with_cookie(mut answer: Answer, cookie: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

/// What went wrong, as a problem with a code.
pub(crate) fn told(error: &anyhow::Error) -> Problem {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return problem.clone();
    }
    if error.downcast_ref::<engine::NotDone>() == Some(&engine::NotDone::NotKnown) {
        return Problem {
            code: "not_known",
            status: 500,
            detail: "it may have been done: look before you do it again".to_owned(),
        };
    }
    let busy = error.downcast_ref::<engine::NotDone>().is_some()
        || error.downcast_ref::<engine::Busy>().is_some();
    if busy {
        return Problem {
            code: "busy",
            status: 503,
            detail: "nothing was done: the business is busy; try again".to_owned(),
        };
    }
    // What a file is called and what went wrong with it is for the log.
    let file = |cause: &(dyn std::error::Error + 'static)| cause.is::<reports::ReportsError>();
    if error.chain().any(file) {
        tracing::error!(error = %format!("{error:#}"), "figures could not be read");
        let detail = "these figures cannot be told at this moment; the log says why".to_owned();
        return Problem { code: "figures", status: 503, detail };
    }
    if let Some(store) = error.downcast_ref::<store::StoreError>() {
        tracing::error!(%store, "the console could not read");
        let detail = "the store does not answer; try again".to_owned();
        return Problem { code: "store", status: 503, detail };
    }
    Problem::asked("not_possible", format!("{error:#}"))
}
