//! Why a purchase waits for a person, and which suspicions a decision takes away.
//!
//! A suspicion is stored as its words. Those that begin like one of these are about waiting or about
//! a text that was tied to nothing; every other one is a contradiction, which only a person may put
//! aside.

use crate::{MAY_HAVE_BEEN_SENT, Trx};

/// A purchase that was sent takes too long.
pub(crate) const PATIENCE_OVER: &str = "no final answer from the supplier within its patience";
/// A purchase that was never sent takes too long; the reason follows.
pub(crate) const NEVER_SENT: &str = "not sent within the supplier's patience: ";
/// Final words that may be about another purchase; the text follows.
pub(crate) const DOUBTFUL: &str = "words that may be about another purchase: ";

/// How a purchase ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    NotDelivered,
}

fn is_about_waiting(why: &str) -> bool {
    why == PATIENCE_OVER || why == MAY_HAVE_BEEN_SENT || why.starts_with(NEVER_SENT)
}

/// Somebody contradicted somebody: only a person may put that aside.
pub(crate) fn is_contradicted(trx: &Trx) -> bool {
    trx.suspect.as_deref().is_some_and(|why| !is_about_waiting(why) && !why.starts_with(DOUBTFUL))
}

/// True when nobody was asked to look yet, or only because of waiting.
pub(crate) fn may_raise(trx: &Trx) -> bool {
    trx.suspect.as_deref().is_none_or(is_about_waiting)
}

/// A decision ends the waiting and its suspicion, but no contradiction. Doubtful words spoke of a
/// delivery perhaps: a delivery settles them, a refund leaves them to a person.
pub(crate) fn eased(trx: &Trx, verdict: Verdict) -> Option<Option<String>> {
    let why = trx.suspect.as_deref()?;
    let eased =
        is_about_waiting(why) || (verdict == Verdict::Delivered && why.starts_with(DOUBTFUL));
    eased.then_some(None)
}
