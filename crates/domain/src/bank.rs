//! Reports of banks: which one is about which payment.
//!
//! One payment is often told twice: by a feed and by the bank's file, in two spellings, again and
//! again. What is certainly known is taken once, what might be known is looked at by a person; nothing is
//! dropped on a guess.

use defects::{Defect, on};
use types::{Day, Rupiah};

/// Two reports further apart than this are never one payment; banks book weekends on Mondays.
const APART_DAYS: u64 = 3;

/// When a bank booked something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Booked {
    /// The day.
    pub day: Day,
    /// Minutes since midnight, when it is told.
    pub minute: Option<u16>,
}

/// More days than any calendar has.
const DAYS_MOST: i64 = 1_000_000_000;

/// Days since 1970-01-01.
#[must_use]
#[allow(clippy::arithmetic_side_effects, reason = "a day is at most ten digits")]
pub fn day_number(day: Day) -> i64 {
    let value = i64::from(day.get());
    let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
    // Years begin in March, so that a leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The day so many days after 1970-01-01.
#[must_use]
#[allow(clippy::arithmetic_side_effects, reason = "the number is bounded first")]
pub fn numbered_day(number: i64) -> Day {
    let shifted = number.clamp(-DAYS_MOST, DAYS_MOST) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    i32::try_from(year * 10_000 + month * 100 + day).map_or_else(|_| Day::default(), Day::new)
}

/// What a payer wrote, without what banks change between two spellings: case, spaces, marks.
#[must_use]
pub fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// One report of money that came to an account of ours. Bank and amount are compared before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The bank's own number for it, whole.
    pub own: Option<String>,
    /// Which feed or kind of file tells it: numbers of one source are never two for one payment.
    pub source: String,
    /// The file or list it stands in: its lines are different payments.
    pub batch: String,
    /// When, if that can be read.
    pub booked: Option<Booked>,
    /// [`squeezed`].
    pub text: String,
    /// What the account held after it, when the bank says so.
    pub balance: Option<Rupiah>,
    /// The how manieth of equal lines in its file, from 1.
    pub nth: usize,
}

/// A payment of the same bank and amount that is known already, with all that was told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPayment {
    /// Its name in the office.
    pub id: String,
    /// Source and number of every report with a number.
    pub owns: Vec<(String, String)>,
    /// Every source that told it.
    pub sources: Vec<String>,
    /// The first file that told it.
    pub batch: String,
    /// When.
    pub booked: Option<Booked>,
    /// [`squeezed`].
    pub text: String,
    /// What the account held after it.
    pub balance: Option<Rupiah>,
}

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// This payment, at that place of the known ones.
    Known(usize),
    /// One that was not told before.
    New {
        /// It might be one of these after all: nobody is credited without a person.
        doubtful: bool,
        /// Those that a person must look at first, by place.
        alike: Vec<usize>,
    },
}

enum Relation {
    Same,
    Maybe { worth_a_look: bool },
    Other,
}

fn agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
    a.zip(b).is_none_or(|(a, b)| a == b)
}

fn relation(report: &Report, known: &KnownPayment) -> Relation {
    let of_source = known.owns.iter().any(|(source, _)| *source == report.source);
    if known.batch == report.batch || (report.own.is_some() && of_source) {
        return Relation::Other;
    }
    let days = report.booked.zip(known.booked);
    let apart = days.map(|(a, b)| day_number(a.day).abs_diff(day_number(b.day)));
    if apart.is_some_and(|apart| apart > APART_DAYS) {
        return Relation::Other;
    }
    let minute = |booked: Option<Booked>| booked.and_then(|booked| booked.minute);
    let same_words = report.text == known.text;
    let exactly = apart == Some(0)
        && same_words
        && agree(minute(report.booked).as_ref(), minute(known.booked).as_ref())
        && agree(report.balance.as_ref(), known.balance.as_ref());
    if exactly {
        return Relation::Same;
    }
    // Two lines of one kind of source that say different things are two payments, most likely.
    let elsewhere = !known.sources.contains(&report.source);
    let undated = apart.is_none();
    Relation::Maybe { worth_a_look: elsewhere || undated || (same_words && apart == Some(0)) }
}

/// Finds out whether a report is about a payment that is known. Of equal lines in one file the n-th is
/// the n-th payment; a number of its own makes one more, unless another source told it before.
#[must_use]
pub fn recognise(report: &Report, known: &[KnownPayment]) -> Recognised {
    if on(Defect::PaymentAlwaysNew) {
        return Recognised::New { doubtful: false, alike: Vec::new() };
    }
    let (mut same, mut alike, mut doubtful) = (Vec::new(), Vec::new(), false);
    // Equal lines of this very file that were new.
    let mut before_it = 0_usize;
    for (place, payment) in known.iter().enumerate() {
        let equal = payment.text == report.text
            && payment.booked == report.booked
            && payment.balance == report.balance;
        if payment.batch == report.batch && equal {
            before_it = before_it.saturating_add(1);
        }
        match relation(report, payment) {
            Relation::Same => same.push(place),
            Relation::Maybe { .. } if on(Defect::PaymentDropped) => same.push(place),
            Relation::Maybe { worth_a_look } => {
                doubtful = true;
                if worth_a_look {
                    alike.push(place);
                }
            }
            Relation::Other => {}
        }
    }
    let wanted = match report.own {
        Some(_) => 0,
        None => report.nth.saturating_sub(1).saturating_sub(before_it),
    };
    match same.get(wanted) {
        Some(place) => Recognised::Known(*place),
        None => Recognised::New { doubtful: doubtful || !same.is_empty(), alike },
    }
}

/// Adds what a further report tells of a known payment; false when that is nothing.
pub fn learn(known: &mut KnownPayment, report: &Report) -> bool {
    let mut learned = false;
    if let Some(own) = &report.own
        && !known.owns.iter().any(|(source, _)| *source == report.source)
    {
        known.owns.push((report.source.clone(), own.clone()));
        learned = true;
    }
    if !known.sources.contains(&report.source) {
        known.sources.push(report.source.clone());
        learned = true;
    }
    if known.balance.is_none() && report.balance.is_some() {
        known.balance = report.balance;
        learned = true;
    }
    if let (Some(mine), Some(told)) = (&mut known.booked, report.booked)
        && mine.minute.is_none()
        && told.minute.is_some()
    {
        mine.minute = told.minute;
        learned = true;
    }
    learned
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn booked(day: i32) -> Option<Booked> {
        Some(Booked { day: Day::new(day), minute: None })
    }

    fn report(text: &str, day: i32) -> Report {
        Report {
            own: None,
            source: "file".to_owned(),
            batch: "b1".to_owned(),
            booked: booked(day),
            text: squeezed(text),
            balance: None,
            nth: 1,
        }
    }

    fn known(report: &Report, id: &str) -> KnownPayment {
        let own = report.own.clone().map(|own| (report.source.clone(), own));
        KnownPayment {
            id: id.to_owned(),
            owns: own.into_iter().collect(),
            sources: vec![report.source.clone()],
            batch: report.batch.clone(),
            booked: report.booked,
            text: report.text.clone(),
            balance: report.balance,
        }
    }

    #[test]
    fn days_are_counted() {
        assert_eq!(day_number(Day::new(19_700_101)), 0);
        assert_eq!(day_number(Day::new(20_240_301)) - day_number(Day::new(20_240_228)), 2);
        assert_eq!(day_number(Day::new(20_260_301)) - day_number(Day::new(20_260_228)), 1);
        for number in [-1, 0, 58, 59, 60, 11_016, 20_787, 2_000_000] {
            assert_eq!(day_number(numbered_day(number)), number);
        }
    }

    #[test]
    fn a_second_spelling_is_known_and_another_text_is_looked_at() {
        let first = known(&report("TRSF E-BANKING CR 0311/FTSCY budi", 20_261_128), "m1");
        let again = Report {
            batch: "b2".to_owned(),
            ..report("trsf e-banking cr  0311/ftscy BUDI", 20_261_128)
        };
        assert_eq!(recognise(&again, std::slice::from_ref(&first)), Recognised::Known(0));
        let feed = |own: &str, text: &str, day| Report {
            own: Some(own.to_owned()),
            source: "token bot".to_owned(),
            batch: own.to_owned(),
            ..report(text, day)
        };
        let told = feed("77", "TRSF EBANKING CR 0311/FTSCY BUDI", 20_261_128);
        assert_eq!(recognise(&told, std::slice::from_ref(&first)), Recognised::Known(0));
        for (text, day) in [("TRSF CR", 20_261_128), ("TRSF EBANKING CR", 20_261_130)] {
            let new = Recognised::New { doubtful: true, alike: vec![0] };
            assert_eq!(recognise(&feed("78", text, day), std::slice::from_ref(&first)), new);
        }
        let far = feed("79", "TRSF CR", 20_261_202);
        let new = Recognised::New { doubtful: false, alike: Vec::new() };
        assert_eq!(recognise(&far, std::slice::from_ref(&first)), new);
        // What bears another number of the same source is another payment.
        let mut both = first;
        assert!(learn(&mut both, &told));
        assert!(!learn(&mut both, &told));
        let next = feed("80", "TRSF EBANKING CR 0311/FTSCY BUDI", 20_261_128);
        assert_eq!(recognise(&next, &[both]), new);
    }

    #[test]
    fn another_balance_is_never_dropped() {
        let with = |balance, batch: &str| Report {
            balance: Some(Rupiah::new(balance)),
            batch: batch.to_owned(),
            ..report("SETOR TUNAI", 20_261_103)
        };
        let first = known(&with(100, "b1"), "m1");
        assert_eq!(recognise(&with(100, "b2"), std::slice::from_ref(&first)), Recognised::Known(0));
        let new = Recognised::New { doubtful: true, alike: vec![0] };
        assert_eq!(recognise(&with(600, "b2"), std::slice::from_ref(&first)), new);
        let new = Recognised::New { doubtful: false, alike: Vec::new() };
        assert_eq!(recognise(&with(600, "b1"), &[first]), new);
    }

    /// A payment as the bank knows it: day and words, of one amount.
    type Paid = (u8, u8);

    struct House {
        payments: Vec<KnownPayment>,
        flagged: usize,
    }

    impl House {
        fn take(&mut self, report: &Report) -> Option<usize> {
            match recognise(report, &self.payments) {
                Recognised::Known(place) => {
                    learn(&mut self.payments[place], report);
                    Some(place)
                }
                Recognised::New { alike, .. } => {
                    self.flagged += usize::from(!alike.is_empty());
                    self.payments.push(known(report, ""));
                    None
                }
            }
        }
    }

    /// The file of a day as far as the bank had come.
    fn file(all: &[Paid], day: u8, until: usize, batch: usize, balances: bool) -> Vec<Report> {
        let mut seen = std::collections::BTreeMap::new();
        let lines = all.iter().enumerate().filter(|(_, paid)| paid.0 == day).take(until);
        lines
            .map(|(place, (_, words))| {
                let nth = seen.entry((*words, balances.then_some(place))).or_insert(0);
                *nth += 1;
                Report {
                    batch: format!("f{batch}"),
                    balance: balances.then(|| Rupiah::new(i64::try_from(place).unwrap())),
                    nth: *nth,
                    ..report(&format!("W{words}"), 20_261_101 + i32::from(day))
                }
            })
            .collect()
    }

    proptest! {
        /// Files that grow, come again and in any order, mixed with a feed that numbers everything and
        /// tells it as often as it likes: every payment is there once, none twice.
        #[test]
        fn one_payment_is_one_payment(
            all in prop::collection::vec((0_u8..3, 0_u8..3), 1..10),
            sent in prop::collection::vec((any::<bool>(), 0_u8..3, 0_usize..10, any::<bool>()), 0..30),
        ) {
            let mut house = House { payments: Vec::new(), flagged: 0 };
            let mut numbers = std::collections::BTreeSet::new();
            let ends = (0..3).map(|day| (false, day, 99, true));
            let whole = (0..all.len()).map(|place| (true, 0, place, false));
            let sent: Vec<_> = sent.into_iter().chain(ends).chain(whole).collect();
            for (batch, (feed, day, which, balances)) in sent.into_iter().enumerate() {
                if feed {
                    let place = which % all.len();
                    // A number that was told is known by its number.
                    if numbers.insert(place) {
                        let (day, words) = all[place];
                        house.take(&Report {
                            own: Some(format!("{place}")),
                            source: "feed".to_owned(),
                            batch: format!("f{batch}"),
                            ..report(&format!("w{words}"), 20_261_101 + i32::from(day))
                        });
                    }
                } else {
                    for line in file(&all, day, which, batch, balances) {
                        house.take(&line);
                    }
                }
                // Never more than there are.
                for paid in &all {
                    let count = |paid: &Paid| {
                        let text = format!("W{}", paid.1);
                        let day = booked(20_261_101 + i32::from(paid.0));
                        let same = |known: &&KnownPayment| {
                            known.text == text && known.booked == day
                        };
                        house.payments.iter().filter(same).count()
                    };
                    let there = all.iter().filter(|other| *other == paid).count();
                    prop_assert!(count(paid) <= there, "{:?} {:?}", paid, house.payments);
                }
            }
            prop_assert_eq!(house.payments.len(), all.len(), "{:?}", house.payments);
        }

        /// In another spelling it may be there twice, but then the second was held.
        #[test]
        fn a_spelling_that_is_not_recognised_is_looked_at(
            all in prop::collection::vec((0_u8..3, 0_u8..3), 1..8),
            feed_first in any::<bool>(),
        ) {
            let mut house = House { payments: Vec::new(), flagged: 0 };
            let feed = |house: &mut House| for (place, (day, words)) in all.iter().enumerate() {
                house.take(&Report {
                    own: Some(format!("{place}")),
                    source: "feed".to_owned(),
                    batch: format!("{place}"),
                    ..report(&format!("CR {words}"), 20_261_101 + i32::from(*day))
                });
            };
            let files = |house: &mut House| for day in 0..3 {
                for line in file(&all, day, 99, usize::from(day), false) {
                    house.take(&line);
                }
            };
            if feed_first { feed(&mut house); files(&mut house) } else { files(&mut house); feed(&mut house) }
            prop_assert!(house.payments.len() >= all.len());
            prop_assert!(house.flagged >= house.payments.len() - all.len());
        }
    }

    /// Each day follows the one before, as the calendar counts them, for four hundred years and more.
    #[test]
    fn days_are_numbered_as_the_calendar_counts_them() {
        let (mut year, mut month, mut day) = (1_899, 12, 31);
        for number in day_number(Day::new(18_991_231))..=day_number(Day::new(23_050_101)) {
            let written = Day::new(year * 10_000 + month * 100 + day);
            assert_eq!((day_number(written), numbered_day(number)), (number, written));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + i32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (month, day) if day == last => (year, month + 1, 1),
                (month, day) => (year, month, day + 1),
            };
        }
        assert_eq!(day_number(Day::new(19_700_101)), 0);
    }
}
