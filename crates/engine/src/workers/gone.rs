//! Receivers that said "410 Gone": their URL is not called again until it is changed.
//!
//! Kept as a paper of the member, so that every node and the next start know it. A person's replay
//! is tried all the same, and one that is taken ends it.

use super::called;
use crate::Handle;
use crate::command::{Answer, Command, Errand, PaperChange, PaperText, Ran};
use std::collections::HashMap;
use store::{Channel, Delivery, JournalLine, PaperFilter, PaperKey, Reads, StoreError};
use suppliers::SendResult;
use types::MemberId;

/// Kind of these papers.
const KIND: &str = "gone";
/// Papers read at one time.
const PAGE: u32 = 500;
/// What stands at a delivery that is not tried.
pub(super) const WORDS: &str =
    "410 Gone: nothing more is sent to this URL until it is changed or a callback is sent again";

/// The paper that says a member's URL is gone; its tag is the URL.
#[must_use]
pub fn gone_paper(member: MemberId) -> PaperKey {
    PaperKey::new(KIND, member.to_string())
}

/// What is known of a member's URL: which one was gone, and the version of the paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) url: String,
    version: i64,
}

/// All marks; rarely more than a few.
pub(super) fn marks(reads: &mut dyn Reads) -> Result<HashMap<MemberId, Mark>, StoreError> {
    let mut all = HashMap::new();
    let mut below = None;
    loop {
        let filter = PaperFilter { kind: KIND.to_owned(), tag: None, below, limit: PAGE };
        let page = reads.papers(&filter)?;
        let (count, last) = (page.len(), page.last().map(|paper| paper.key.id.clone()));
        for paper in page {
            if let Ok(member) = paper.key.id.parse() {
                let mark = Mark { url: paper.tag, version: paper.version };
                all.insert(MemberId::new(member), mark);
            }
        }
        if u32::try_from(count).is_ok_and(|count| count < PAGE) {
            return Ok(all);
        }
        below = last;
    }
}

/// True for one that a person sends again: it is tried whatever was said before.
pub(super) fn is_asked_for(delivery: &Delivery) -> bool {
    delivery.tries == 0 && !delivery.last.is_empty()
}

async fn write(handle: &Handle, member: MemberId, errand: (i64, Option<&str>), say: &str) -> bool {
    let (seen, url) = errand;
    let put = url.map(|url| PaperText { tag: url.to_owned(), body: "{}".to_owned() });
    let now = handle.now().utc;
    let proof = SendResult::Unknown(say.to_owned());
    let peer = super::courier::host(url.unwrap_or_default());
    let line = called(now, now, Channel::Callback, peer, url.unwrap_or_default(), &proof);
    let line = JournalLine { member: Some(member), status: KIND.to_owned(), ..line };
    let errand = Errand {
        papers: vec![PaperChange { key: gone_paper(member), seen, put }],
        lines: vec![line],
        ..Errand::default()
    };
    let written = handle.submit_patiently(Command::Errand(Box::new(errand))).await;
    matches!(written, Ok(Answer::Ran(Ran::Done(_))))
}

/// A URL said it is gone. Told once, in log and journal; others that flew at the same time hear
/// that the paper is there already.
pub(super) async fn remember(handle: &Handle, delivery: &Delivery, url: &str, old: Option<&Mark>) {
    if old.is_some_and(|old| old.url == url) {
        return;
    }
    let seen = old.map_or(0, |old| old.version);
    if write(handle, delivery.member, (seen, Some(url)), WORDS).await {
        let member = delivery.member;
        let host = super::courier::host(url);
        tracing::warn!(%member, host, "410 Gone: callbacks to this URL stop until it is changed");
    }
}

/// The member's receiver takes callbacks again.
pub(super) async fn forget(handle: &Handle, member: MemberId, mark: &Mark) {
    let _ = write(handle, member, (mark.version, None), "callbacks are taken again").await;
}
