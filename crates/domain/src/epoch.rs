//! A business that went back in time: it was restored from a copy, and what it did after the copy was
//! made is done and forgotten.
//!
//! Each restore begins an epoch. Numbers jump at its beginning, above everything that the lost part
//! can have given out, and what is numbered from then on carries the epoch's tag outside: suppliers'
//! references and ids of callbacks are new even if a jump should be too short.

use crate::news::{NewsDecision, NewsFacts};
use crate::suspicion::may_raise;
use crate::{Attempt, AttemptState, TrxState};
use types::{DeliveryId, TrxNo, UtcMillis};

/// One restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Counted from 1.
    pub number: u32,
    /// When it was restored.
    pub at: UtcMillis,
    /// Purchases from this number on are of this epoch; those below may have gone on after the copy.
    pub trx_from: TrxNo,
    /// The same for deliveries.
    pub delivery_from: DeliveryId,
    /// Short, plain and random: two restores of one copy have different ones.
    pub tag: String,
    /// Purchases are sold again: what suppliers delivered meanwhile was looked at.
    pub open: bool,
}

/// All restores of a business, the first one first. None for most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs(Vec<Epoch>);

impl Epochs {
    /// In any order.
    #[must_use]
    pub fn new(mut all: Vec<Epoch>) -> Self {
        all.sort_by_key(|epoch| epoch.number);
        Self(all)
    }

    /// The first one first.
    #[must_use]
    pub fn all(&self) -> &[Epoch] {
        &self.0
    }

    /// The one we are in.
    #[must_use]
    pub fn last(&self) -> Option<&Epoch> {
        self.0.last()
    }

    /// What a reference of this purchase carries.
    #[must_use]
    pub fn tag_of(&self, trx: TrxNo) -> Option<&str> {
        let own = self.0.iter().rev().find(|epoch| epoch.trx_from <= trx);
        own.map(|epoch| epoch.tag.as_str())
    }

    /// The id of a callback as its receiver sees it.
    #[must_use]
    pub fn delivery_id(&self, id: DeliveryId) -> String {
        match self.0.iter().rev().find(|epoch| epoch.delivery_from <= id) {
            None => id.to_string(),
            Some(epoch) => format!("{}-{id}", epoch.tag),
        }
    }

    /// The purchase is from before the last restore: it may have been sent, answered, bought elsewhere
    /// or refunded after the copy was made.
    #[must_use]
    pub fn is_restored(&self, trx: TrxNo) -> bool {
        self.last().is_some_and(|epoch| trx < epoch.trx_from)
    }

    /// Nothing is sold until a person says so.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.last().is_some_and(|epoch| !epoch.open)
    }
}

/// What is known of the numbers that the lost part gave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// The next number of the copy.
    pub next: i64,
    /// When the copy was made: its newest record.
    pub newest: UtcMillis,
    /// No number from here on was given out, as the mark beside the database says.
    pub mark: Option<i64>,
    /// A person saw this number.
    pub seen: Option<i64>,
}

/// So many purchases at once are believed of a business.
const BURST: i64 = 1_000_000;
/// And so many in a second, for as long as is not known.
const PER_SECOND: i64 = 100;

/// The first number after a restore at `now`: above the mark where there is one, and above what can
/// have been given out since the copy was made. `None` when a clock says that the copy is of the
/// future, or numbers would run out.
#[must_use]
pub fn first_after(lost: &Lost, now: UtcMillis) -> Option<i64> {
    let gone_ms = now.since(lost.newest);
    if gone_ms < 0 {
        return None;
    }
    let may_be = (gone_ms / 1_000).checked_mul(PER_SECOND)?.checked_add(BURST)?;
    let above_seen = lost.seen.unwrap_or_default().checked_add(1)?;
    let first = lost.next.checked_add(may_be)?.max(above_seen).max(lost.mark.unwrap_or_default());
    (first < i64::MAX / 2).then_some(first)
}

/// Why nobody knows what became of an unsent purchase.
pub const MAY_HAVE_BEEN_SENT: &str = "restored from a copy: it may have been sent after the copy was made, so it is asked about and never sent";

/// An attempt that the copy holds as not sent yet. Nobody knows whether the lost part sent it, or
/// bought it elsewhere after it failed: Promise 4. It is asked about, and a person looks.
#[must_use]
pub fn decide_restored(facts: &NewsFacts<'_>, attempt: &Attempt) -> NewsDecision {
    if attempt.state != AttemptState::Intended || facts.trx.state != TrxState::Pending {
        return NewsDecision::default();
    }
    let why = MAY_HAVE_BEEN_SENT.to_owned();
    NewsDecision {
        attempts: vec![Attempt {
            state: AttemptState::Unknown { why: why.clone() },
            next: Some(facts.now),
            ..attempt.clone()
        }],
        suspect: may_raise(facts.trx).then_some(Some(why)),
        ..NewsDecision::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(number: u32, from: i64, tag: &str) -> Epoch {
        Epoch {
            number,
            at: UtcMillis::new(0),
            trx_from: TrxNo::new(from),
            delivery_from: DeliveryId::new(from * 2),
            tag: tag.to_owned(),
            open: true,
        }
    }

    #[test]
    fn what_is_older_keeps_its_name_and_what_is_newer_has_another() {
        let epochs = Epochs::new(vec![epoch(2, 300, "rb"), epoch(1, 100, "ra")]);
        let tag = |no| epochs.tag_of(TrxNo::new(no));
        assert_eq!(
            (tag(99), tag(100), tag(299), tag(300)),
            (None, Some("ra"), Some("ra"), Some("rb"))
        );
        let id = |no| epochs.delivery_id(DeliveryId::new(no));
        assert_eq!((id(199), id(200), id(600)), ("199".into(), "ra-200".into(), "rb-600".into()));
        assert!(epochs.is_restored(TrxNo::new(299)) && !epochs.is_restored(TrxNo::new(300)));
        assert!(!Epochs::default().is_restored(TrxNo::new(1)) && !Epochs::default().is_closed());
    }

    #[test]
    fn a_business_is_closed_until_somebody_opens_its_last_epoch() {
        let closed = |number, from| Epoch { open: false, ..epoch(number, from, "rc") };
        let open = Epochs::new(vec![closed(1, 100), epoch(2, 300, "rb")]);
        assert!(!open.is_closed());
        let shut = Epochs::new(vec![closed(3, 500), epoch(2, 300, "rb"), epoch(1, 100, "ra")]);
        assert!(shut.is_closed());
        assert_eq!(shut.all().iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(shut.last(), Some(&closed(3, 500)));
        assert_eq!((Epochs::default().all(), Epochs::default().last()), (&[][..], None));
    }

    #[test]
    fn numbers_jump_from_the_very_moment_of_the_copy_and_never_to_their_end() {
        let at = UtcMillis::new;
        let lost = |next| Lost { next, newest: at(5_000), ..Lost::default() };
        for (now, first) in [
            (4_999, None),
            (5_000, Some(1_000_007)),
            (5_999, Some(1_000_007)),
            (6_000, Some(1_000_107)),
        ] {
            assert_eq!(first_after(&lost(7), at(now)), first, "{now}");
        }
        let end = i64::MAX / 2 - 1_000_000;
        assert_eq!(first_after(&lost(end - 1), at(5_000)), Some(i64::MAX / 2 - 1));
        assert_eq!(first_after(&lost(end), at(5_000)), None);
        assert_eq!(first_after(&lost(i64::MAX), at(5_000)), None);
    }

    #[test]
    fn numbers_jump_above_all_that_may_have_been_given_out() {
        let at = |seconds: i64| UtcMillis::new(seconds * 1_000);
        let lost = Lost { next: 100_000_007, newest: at(0), ..Lost::default() };
        assert_eq!(first_after(&lost, at(60)), Some(101_006_007));
        // The mark knows better when the business is faster than believed; a person too.
        let marked = Lost { mark: Some(900_000_000), ..lost };
        assert_eq!(first_after(&marked, at(60)), Some(900_000_000));
        let seen = Lost { seen: Some(950_000_000), ..marked };
        assert_eq!(first_after(&seen, at(60)), Some(950_000_001));
        // A low mark, of an older folder, makes the jump no shorter.
        let low = Lost { mark: Some(5), ..lost };
        assert_eq!(first_after(&low, at(60)), Some(101_006_007));
        // A clock that stands before the copy's newest record would make the jump too short.
        assert_eq!(first_after(&lost, at(-1)), None);
        // The same copy twice: the second jump is above what the first epoch can have given out.
        let (first, second) = (first_after(&lost, at(60)), first_after(&lost, at(3_660)));
        assert_eq!(second.zip(first).map(|(second, first)| second - first), Some(360_000));
    }
}
