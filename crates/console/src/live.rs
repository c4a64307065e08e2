//! Pages stay fresh: a stream that says "something happened", at most once a second. What happened
//! is read by asking for the page again, so a page is the same with and without a script.

use crate::Inner;
use crate::ask::Ask;
use crate::reply::{Answer, stream};
use engine::Handle;
use hyper::body::Bytes;
use std::time::Duration;
use tokio::sync::mpsc;

const LOOK: Duration = Duration::from_secs(1);
/// After this the browser connects anew, and is asked again who it is.
const LONGEST: u32 = 600;
/// A quiet stream says something now and then, so that nobody in between closes it.
const QUIET_MOST: u32 = 20;

/// How much has ever happened; `None` when nobody answers.
async fn happened(handle: &Handle) -> Option<i64> {
    let heads = handle.reads().ask(|reads| reads.heads()).await.ok()?.ok()?;
    let each = heads.iter().map(|heads| heads.ledger.seq.saturating_add(heads.journal.seq));
    Some(each.fold(0_i64, i64::saturating_add))
}

pub(crate) async fn live(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let (send, receive) = mpsc::channel(4);
    let handle = console.office.handle.clone();
    // Only members see what happens in their sandbox.
    let play = console.settings.play.clone().filter(|_| ask.member.is_some());
    tokio::spawn(async move {
        let mut last = None;
        let mut quiet = 0;
        for _ in 0..LONGEST {
            let Some(real) = happened(&handle).await else { break };
            let played = match &play {
                Some(play) => happened(play).await.unwrap_or_default(),
                None => 0,
            };
            let seen = real.saturating_add(played);
            let news = last.is_some_and(|last| last != seen);
            last = Some(seen);
            quiet = if news { 0 } else { quiet + 1 };
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
