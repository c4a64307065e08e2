//! Pages stay fresh: a stream that says "something happened", at most once a second. What happened
//! is read by asking for the page again, so a page is the same with and without a script.
//!
//! A stream ends with its session, and there are so many of a session and in all: one more ends the
//! oldest of the same session.

use crate::Inner;
use crate::ask::Ask;
use crate::reply::{Answer, stream};
use engine::Handle;
use hyper::body::Bytes;
use office::Problem;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use types::MemberId;

const LOOK: Duration = Duration::from_secs(1);
/// After this the browser connects anew, and is asked again who it is.
const LONGEST: u32 = 600;
/// A quiet stream says something now and then, so that nobody in between closes it.
const QUIET_MOST: u32 = 20;
/// Looks between two questions whether the session goes on.
const SESSION_EVERY: u32 = 3;
/// Most streams of one session: pages that somebody has open.
const PER_SESSION_MOST: usize = 8;
/// Most streams in all.
const ALL_MOST: usize = 1_024;
/// Most of them of members: the rest is for those who work here.
const MEMBERS_MOST: usize = 768;
/// Most streams of one member, in all its sessions.
const PER_MEMBER_MOST: usize = 64;

/// The open streams of a session, oldest first, and of which member it is.
#[derive(Default)]
struct OfSession {
    member: Option<MemberId>,
    open: Vec<u64>,
}

/// By session.
type Open = HashMap<String, OfSession>;

/// Who has streams.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<(u64, Open)>>);

/// A stream that is open; forgotten when dropped.
struct Taken {
    streams: Streams,
    session: String,
    number: u64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut known = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known.1.get_mut(&self.session) {
            own.open.retain(|number| *number != self.number);
            if own.open.is_empty() {
                known.1.remove(&self.session);
            }
        }
    }
}

impl Taken {
    /// False when a later one of its session took its place.
    fn is_open(&self) -> bool {
        let known = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.1.get(&self.session).is_some_and(|own| own.open.contains(&self.number))
    }
}

impl Streams {
    /// A place for a stream; nothing when there are too many: of all, of members, of this member.
    fn take(&self, session: &str, member: Option<MemberId>) -> Option<Taken> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |wanted: &dyn Fn(&OfSession) -> bool| -> usize {
            known.1.values().filter(|of| wanted(of)).map(|of| of.open.len()).sum()
        };
        let own = known.1.get(session).map_or(0, |own| own.open.len());
        let is_crowded = count(&|_| true) >= ALL_MOST
            || member.is_some()
                && (count(&|of| of.member.is_some()) >= MEMBERS_MOST
                    || count(&|of| of.member == member) >= PER_MEMBER_MOST);
        if is_crowded && own < PER_SESSION_MOST {
            return None;
        }
        known.0 = known.0.wrapping_add(1);
        let number = known.0;
        let of = known.1.entry(session.to_owned()).or_default();
        of.member = member;
        if of.open.len() >= PER_SESSION_MOST {
            of.open.remove(0);
        }
        of.open.push(number);
        Some(Taken { streams: self.clone(), session: session.to_owned(), number })
    }
}

/// How much has ever happened; `None` when nobody answers.
async fn happened(handle: &Handle) -> Option<i64> {
    let heads = handle.reads().ask(|reads| reads.heads()).await.ok()?.ok()?;
    let each = heads.iter().map(|heads| heads.ledger.seq.saturating_add(heads.journal.seq));
    Some(each.fold(0_i64, i64::saturating_add))
}

pub(crate) async fn live(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (session, member) = ask.session().ok_or_else(|| Problem::missing("no session"))?;
    let taken = console.streams.take(&session, member).ok_or_else(|| Problem {
        code: "too_many_streams",
        status: 503,
        detail: "too many pages are open; reload this one to see what is new".to_owned(),
    })?;
    let (send, receive) = mpsc::channel(4);
    let office = console.office.clone();
    // Only members see what happens in their sandbox.
    let play = console.settings.play.clone().filter(|_| ask.member.is_some());
    tokio::spawn(async move {
        let handle = &office.handle;
        let mut last = None;
        let mut quiet = 0_u32;
        for look in 0..LONGEST {
            // A store that does not answer says nothing of the session.
            let asks = look % SESSION_EVERY == SESSION_EVERY - 1;
            let is_over = asks && matches!(office.goes_on(&session, member).await, Ok(false));
            if is_over || !taken.is_open() {
                return;
            }
            let Some(real) = happened(handle).await else { break };
            let played = match &play {
                Some(play) => happened(play).await.unwrap_or_default(),
                None => 0,
            };
            let seen = real.saturating_add(played);
            let news = last.is_some_and(|last| last != seen);
            last = Some(seen);
            quiet = if news { 0 } else { quiet.saturating_add(1) };
            let piece = if news {
                Bytes::from(format!("event: news\ndata: {seen}\n\n"))
            } else if quiet % QUIET_MOST == 1 {
                Bytes::from_static(b": quiet\n\n")
            } else {
                Bytes::new()
            };
            if !piece.is_empty() && send.send(piece).await.is_err() {
                return;
            }
            if send.is_closed() || handle.is_ended() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    Ok(stream(receive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_session_has_so_many_streams_and_all_have_so_many() {
        let streams = Streams::default();
        let mut own: Vec<_> =
            (0..PER_SESSION_MOST + 2).filter_map(|_| streams.take("a", None)).collect();
        assert_eq!(own.iter().filter(|taken| taken.is_open()).count(), PER_SESSION_MOST);
        assert!(!own[0].is_open() && !own[1].is_open() && own[2].is_open());
        let others: Vec<_> = (0..2 * ALL_MOST)
            .map_while(|number| streams.take(&format!("{number}"), None))
            .collect();
        assert_eq!(others.len(), ALL_MOST - PER_SESSION_MOST);
        // Who has its share takes its own place.
        own.extend(streams.take("a", None));
        assert!(own.last().unwrap().is_open() && !own[2].is_open());
        drop((own, others));
        assert!(streams.0.lock().unwrap().1.is_empty());
    }

    /// Members leave room for those who work here, and one member for the others.
    #[test]
    fn members_have_their_share() {
        let streams = Streams::default();
        let mut all = Vec::new();
        let mut fill = |member: i64| {
            let before = all.len();
            let of = Some(MemberId::new(member));
            all.extend((0..200).map_while(|n| streams.take(&format!("{member}/{n}"), of)));
            all.len() - before
        };
        assert_eq!(fill(1), PER_MEMBER_MOST);
        let others: usize = (2..40).map(&mut fill).sum();
        assert_eq!(others, MEMBERS_MOST - PER_MEMBER_MOST);
        assert!(streams.take("owner", None).is_some());
    }
}
