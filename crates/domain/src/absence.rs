//! References a member was told "no data" of. It is a decision: members refund on it, so a purchase
//! that was on its way at that moment, at whichever node, is never taken any more. One that comes
//! later is a new purchase.

use std::fmt;
use std::str::FromStr;
use types::{RefId, UtcMillis};

/// How far two nodes' readings of the database's clock may be apart.
const SKEW_MS: i64 = 500;
/// For so long each reference is remembered by itself.
const KEPT_MS: i64 = 600_000;
/// And so many of them.
const KEPT_MOST: usize = 64;
/// An absence further in the future was told on a clock that went back since.
const FUTURE_MS: i64 = 10_000;

/// Which run of which node.
pub type Run = i64;

/// When and where somebody was told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    at: UtcMillis,
    run: Run,
}

impl Told {
    /// True when what arrived at `arrived` at this run of a node may have been under way then.
    fn covers(self, arrived: UtcMillis, run: Run, now: UtcMillis) -> bool {
        let skew = if self.run == run { 0 } else { SKEW_MS };
        arrived.since(self.at) < skew && self.at.since(now) < FUTURE_MS
    }
}

/// What one member was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absences {
    /// The newest of those that are no longer remembered by themselves: it stands for all.
    before: Option<Told>,
    /// The rest, oldest first.
    told: Vec<(RefId, Told)>,
}

impl Absences {
    /// Nothing that arrived before `at` is taken: for words that cannot be read.
    #[must_use]
    pub fn all_before(at: UtcMillis, run: Run) -> Self {
        Self { before: Some(Told { at, run }), told: Vec::new() }
    }

    /// True when a purchase that arrived at `arrived` at this run of a node may still be taken.
    #[must_use]
    pub fn admits(&self, ref_id: &RefId, arrived: UtcMillis, run: Run, now: UtcMillis) -> bool {
        let covered = |told: Told| told.covers(arrived, run, now);
        let named = self.told.iter().filter(|(told, _)| told == ref_id);
        !self.before.is_some_and(covered) && !named.map(|(_, told)| *told).any(covered)
    }

    /// The member is told now that there is none.
    pub fn tell(&mut self, ref_id: &RefId, at: UtcMillis, run: Run) {
        self.told.retain(|(told, _)| told != ref_id);
        self.told.push((ref_id.clone(), Told { at, run }));
        while let Some((_, oldest)) = self.told.first().cloned()
            && (self.told.len() > KEPT_MOST || at.since(oldest.at) >= KEPT_MS)
        {
            self.told.remove(0);
            self.before = match self.before {
                Some(before) if before.at > oldest.at => Some(before),
                Some(_) | None => Some(oldest),
            };
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.at.get(), self.run)
    }
}

impl fmt::Display for Absences {
    /// As it is kept: `-` or the first, then each with its reference behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.before {
            None => f.write_str("-")?,
            Some(before) => write!(f, "{before}")?,
        }
        for (ref_id, told) in &self.told {
            write!(f, " {told}:{}", ref_id.as_str())?;
        }
        Ok(())
    }
}

/// Words that are not those of [`Absences`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of references that are absent")]
pub struct NotAbsences;

fn told(at: &str, run: &str) -> Result<Told, NotAbsences> {
    let at = at.parse().map_err(|_| NotAbsences)?;
    Ok(Told { at: UtcMillis::new(at), run: run.parse().map_err(|_| NotAbsences)? })
}

impl FromStr for Absences {
    type Err = NotAbsences;

    fn from_str(text: &str) -> Result<Self, NotAbsences> {
        let mut words = text.split(' ');
        let before = match words.next().ok_or(NotAbsences)? {
            "-" => None,
            first => {
                let (at, run) = first.split_once(':').ok_or(NotAbsences)?;
                Some(told(at, run)?)
            }
        };
        let mut all = Vec::new();
        for word in words {
            let mut parts = word.splitn(3, ':');
            let (Some(at), Some(run), Some(name)) = (parts.next(), parts.next(), parts.next())
            else {
                return Err(NotAbsences);
            };
            all.push((RefId::parse(name).map_err(|_| NotAbsences)?, told(at, run)?));
        }
        Ok(Self { before, told: all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> RefId {
        RefId::parse(text).unwrap()
    }

    fn at(ms: i64) -> UtcMillis {
        UtcMillis::new(ms)
    }

    #[test]
    fn what_was_under_way_is_not_taken_and_what_comes_later_is() {
        let mut absences = Absences::default();
        absences.tell(&reference("a"), at(1_000), 7);
        let now = at(2_000);
        for (ref_id, arrived, run, admitted) in [
            ("a", 999, 7, false),
            ("a", 1_000, 7, true),
            ("a", 1_000, 8, false),
            ("a", 1_000 + SKEW_MS - 1, 8, false),
            ("a", 1_000 + SKEW_MS, 8, true),
            ("b", 999, 8, true),
        ] {
            let found = absences.admits(&reference(ref_id), at(arrived), run, now);
            assert_eq!(found, admitted, "{ref_id} at {arrived} in {run}");
        }
        // Told again, it counts from then on.
        absences.tell(&reference("a"), at(5_000), 7);
        assert!(!absences.admits(&reference("a"), at(4_999), 7, at(6_000)));
    }

    #[test]
    fn those_no_longer_remembered_stand_for_all() {
        let mut many = Absences::default();
        for n in 0..=i64::try_from(KEPT_MOST).unwrap() {
            many.tell(&reference(&format!("r{n}")), at(n), 7);
        }
        assert!(!many.admits(&reference("other"), at(-1), 7, at(100)), "before the first");
        assert!(many.admits(&reference("other"), at(1), 7, at(100)));
        let mut old = Absences::default();
        old.tell(&reference("a"), at(0), 7);
        old.tell(&reference("b"), at(KEPT_MS), 7);
        assert_eq!(old.told.len(), 1);
        assert!(!old.admits(&reference("a"), at(-1), 7, at(KEPT_MS)));
        assert!(old.admits(&reference("a"), at(0), 7, at(KEPT_MS)));
    }

    #[test]
    fn a_clock_that_went_back_bars_nobody_for_long() {
        let mut absences = Absences::default();
        absences.tell(&reference("a"), at(3_600_000), 7);
        assert!(absences.admits(&reference("a"), at(0), 7, at(0)));
    }

    #[test]
    fn a_future_absence_bars_within_ten_seconds_and_not_at_ten() {
        let mut absences = Absences::default();
        absences.tell(&reference("a"), at(20_000), 7);
        let admits = |now: i64| absences.admits(&reference("a"), at(now), 7, at(now));
        assert!(!admits(20_000 - FUTURE_MS + 1));
        assert!(admits(20_000 - FUTURE_MS));
    }

    #[test]
    fn words_that_cannot_be_read_bar_all_before() {
        let absences = Absences::all_before(at(1_000), 7);
        assert!(!absences.admits(&reference("a"), at(999), 7, at(1_000)));
        assert!(absences.admits(&reference("a"), at(1_000), 7, at(1_000)));
    }

    /// Sixty-four by themselves; the newest of those before stands for all, also when the clock went
    /// back in between.
    #[test]
    fn so_many_are_remembered_and_the_newest_of_the_others_stands_for_them() {
        let most = i64::try_from(KEPT_MOST).unwrap();
        let mut absences = Absences::default();
        for n in 0..most {
            absences.tell(&reference(&format!("r{n}")), at(100 + n), 7);
        }
        assert_eq!((absences.told.len(), absences.before), (KEPT_MOST, None));
        absences.tell(&reference("next"), at(200), 7);
        assert_eq!(absences.told.len(), KEPT_MOST);
        assert_eq!(absences.before, Some(Told { at: at(100), run: 7 }));
        // Of two at the same moment the one that comes later stands; an older one takes no place.
        for (old, run, kept) in [(150, 1, (150, 1)), (150, 2, (150, 2)), (149, 3, (150, 2))] {
            absences.told[0] = (reference("moved"), Told { at: at(old), run });
            absences.tell(&reference(&format!("push{run}")), at(210), 7);
            assert_eq!(absences.before, Some(Told { at: at(kept.0), run: kept.1 }), "{old}");
        }
    }

    #[test]
    fn its_words_are_read_back() {
        let mut absences = Absences::default();
        assert_eq!(absences.to_string().parse(), Ok(absences.clone()));
        for n in 0..80_i64 {
            absences.tell(&reference(&format!("a:b:{n}")), at(n), n % 3 - 1);
        }
        assert_eq!(absences.to_string().parse(), Ok(absences));
        for wrong in ["", "x", "1", "- 1:2", "- 1:x:a", "- 1:2:"] {
            assert_eq!(wrong.parse::<Absences>(), Err(NotAbsences), "{wrong}");
        }
    }
}
