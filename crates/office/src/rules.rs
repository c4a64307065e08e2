//! Rules of the office: what one person may do alone, tickets, downlines. Owners change them; what
//! protects less needs a second person.

use crate::access::Actor;
use crate::money::Done;
use crate::papers::put;
use crate::plug::Office;
use crate::problem::Problem;
use crate::proposals::{Prepared, Proposal};
use domain::{Limits, Weight};
use engine::Errand;
use serde::{Deserialize, Serialize};
use types::Rupiah;

const SETTING: &str = "setting";
const NAME: &str = "office";

/// Rules of the office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// An act that makes or gives more balance than this needs a second person.
    pub approval_above: i64,
    /// So does one that brings the sum of what a person did alone on one day above this.
    pub approval_above_day: i64,
    /// A reversal of a delivered purchase above this price needs a second person.
    pub reverse_above: i64,
    /// So does one of a purchase older than this.
    pub reverse_days: i64,
    /// Where nobody else could agree, what needs a second person waits for this long.
    pub cooling_minutes: i64,
    /// A deposit ticket is open this long.
    pub ticket_minutes: i64,
    /// Most that is added to a ticket's amount to make it unique.
    pub ticket_unique_most: i64,
    /// The least a member may ask a ticket for.
    pub ticket_least: i64,
    /// Members may have an upline, and uplines see to theirs at the portal.
    pub downlines: bool,
    /// Owners, admins and finance need a second factor; without one a login leads to the page that
    /// sets it up. On in a new business, off in one from before.
    pub second_factor: bool,
    /// A member's change of its allowed addresses waits this long when it comes from none of them.
    pub allowlist_hours: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            approval_above: 5_000_000,
            approval_above_day: 20_000_000,
            reverse_above: 1_000_000,
            reverse_days: 7,
            cooling_minutes: 60,
            ticket_minutes: 180,
            ticket_unique_most: 999,
            ticket_least: 10_000,
            downlines: false,
            second_factor: false,
            allowlist_hours: 24,
        }
    }
}

impl Rules {
    /// What one person may do alone with money that comes out of nothing.
    pub(crate) const fn limits(&self) -> Limits {
        Limits { act: Rupiah::new(self.approval_above), day: Rupiah::new(self.approval_above_day) }
    }

    /// What one person may reverse alone.
    pub(crate) const fn reversals(&self) -> Limits {
        Limits { act: Rupiah::new(self.reverse_above), ..self.limits() }
    }

    /// True when these protect less than the old ones.
    const fn weaken(&self, old: &Self) -> bool {
        self.approval_above > old.approval_above
            || self.approval_above_day > old.approval_above_day
            || self.reverse_above > old.reverse_above
            || self.reverse_days > old.reverse_days
            || self.cooling_minutes < old.cooling_minutes
            || self.allowlist_hours < old.allowlist_hours
            || (old.second_factor && !self.second_factor)
    }

    fn check(&self) -> Result<(), Problem> {
        let sane = self.approval_above >= 0
            && self.approval_above_day >= self.approval_above
            && self.reverse_above >= 0
            && (0..=3_650).contains(&self.reverse_days)
            && (0..=10_080).contains(&self.cooling_minutes)
            && (1..=10_080).contains(&self.ticket_minutes)
            && (1..=9_999).contains(&self.ticket_unique_most)
            && self.ticket_least > 0
            && (0..=720).contains(&self.allowlist_hours);
        if sane {
            return Ok(());
        }
        let why = "numbers out of range; the limit of a day is at least that of one act";
        Err(Problem::asked("bad_rules", why))
    }
}

impl Office {
    /// The rules as they stand.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rules(&self) -> anyhow::Result<Rules> {
        let found = self.sheet::<Rules>(SETTING, NAME).await?;
        Ok(found.map(|sheet| sheet.body).unwrap_or_default())
    }

    /// What new rules come to. Such as protect less are changed by two; the others by one.
    pub(crate) async fn prepare_rules(&self, rules: &Rules) -> anyhow::Result<Prepared> {
        rules.check()?;
        let old = self.sheet::<Rules>(SETTING, NAME).await?;
        let (seen, old) = old.map_or((0, Rules::default()), |sheet| (sheet.version, sheet.body));
        let weight = if rules.weaken(&old) { Weight::Rule } else { Weight::Amount(Rupiah::ZERO) };
        let papers = vec![put(SETTING, NAME, seen, "", rules)?];
        Ok(Prepared { errand: Errand { papers, ..Errand::default() }, weight, done: Done::Changed })
    }

    /// Changes the rules; such as protect less need a second person.
    ///
    /// # Errors
    /// [`Problem`] for who may not, or senseless ones.
    pub async fn set_rules(&self, actor: &Actor, rules: &Rules) -> anyhow::Result<Done> {
        self.propose(actor, Proposal::Rules(rules.clone()), None).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every rule by itself: what makes it protect less, and what makes it protect more.
    #[test]
    fn what_protects_less_is_known() {
        let old = Rules { second_factor: true, ..Rules::default() };
        type Change = fn(&mut Rules, i64);
        let up_is_less: [Change; 4] = [
            |rules, by| rules.approval_above += by,
            |rules, by| rules.approval_above_day += by,
            |rules, by| rules.reverse_above += by,
            |rules, by| rules.reverse_days += by,
        ];
        let down_is_less: [Change; 2] =
            [|rules, by| rules.cooling_minutes += by, |rules, by| rules.allowlist_hours += by];
        let neither: [Change; 3] = [
            |rules, by| rules.ticket_minutes += by,
            |rules, by| rules.ticket_unique_most += by,
            |rules, by| rules.ticket_least += by,
        ];
        let weakens = |change: Change, by| {
            let mut new = old.clone();
            change(&mut new, by);
            new.weaken(&old)
        };
        for (at, change) in up_is_less.into_iter().enumerate() {
            assert_eq!((weakens(change, 1), weakens(change, -1)), (true, false), "{at}");
        }
        for (at, change) in down_is_less.into_iter().enumerate() {
            assert_eq!((weakens(change, -1), weakens(change, 1)), (true, false), "{at}");
        }
        for (at, change) in neither.into_iter().enumerate() {
            assert_eq!((weakens(change, 1), weakens(change, -1)), (false, false), "{at}");
        }
        let without = Rules { second_factor: false, ..old.clone() };
        assert!(!old.weaken(&old) && without.weaken(&old) && !old.weaken(&without));
        assert!(!without.weaken(&without));
    }

    /// The least and the most of each number are taken, and what is beyond them is not.
    #[test]
    fn numbers_have_bounds() {
        let taken = |change: fn(&mut Rules, i64), value| {
            let mut rules = Rules::default();
            change(&mut rules, value);
            rules.check().is_ok()
        };
        type Set = fn(&mut Rules, i64);
        let most = Rules::default().approval_above_day;
        let bounds: [(Set, i64, i64); 8] = [
            (|rules, value| rules.approval_above = value, 0, most),
            (|rules, value| rules.approval_above_day = value, 5_000_000, i64::MAX),
            (|rules, value| rules.reverse_above = value, 0, i64::MAX),
            (|rules, value| rules.reverse_days = value, 0, 3_650),
            (|rules, value| rules.cooling_minutes = value, 0, 10_080),
            (|rules, value| rules.ticket_minutes = value, 1, 10_080),
            (|rules, value| rules.ticket_unique_most = value, 1, 9_999),
            (|rules, value| rules.allowlist_hours = value, 0, 720),
        ];
        for (at, (set, least, most)) in bounds.into_iter().enumerate() {
            assert!(taken(set, least) && taken(set, most), "{at}");
            assert!(!taken(set, least - 1), "{at}");
            assert!(most == i64::MAX || !taken(set, most + 1), "{at}");
        }
        let least: Set = |rules, value| rules.ticket_least = value;
        assert!(taken(least, 1) && !taken(least, 0));
    }

    #[test]
    fn a_reversal_has_a_limit_of_its_own() {
        let rules = Rules { approval_above: 10, reverse_above: 7, ..Rules::default() };
        assert_eq!((rules.limits().act.get(), rules.reversals().act.get()), (10, 7));
        assert_eq!(rules.limits().day, rules.reversals().day);
    }
}
