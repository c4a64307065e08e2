//! Tickets and the credits that pay them: what a ticket asks for, and whether its member may be credited
//! without a person. What contradicts anything waits.

use crate::bank::{Booked, day_number};
use defects::{Defect, on};
use types::{CivilTime, Day, MemberCode, Moment, Rupiah};

/// Clocks of banks and ours may differ by so much.
const SKEW_MINUTES: i64 = 10;
/// Banks write western Indonesian time, wherever a business is.
const BANK_OFFSET: i64 = 7 * 60;
/// Names and codes shorter than this say nothing in a payer's text.
const NAME_LEAST: usize = 3;
/// Least width of the extra of a ticket, so that it cannot be guessed.
const EXTRA_LEAST: u32 = 99;

/// Why a credit waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// No open ticket has this amount.
    NoTicket,
    /// It may be a payment that is known already.
    Alike,
    /// The bank's number was told before with other content.
    OtherVersion,
    /// The money came before the ticket was opened.
    BeforeTicket,
    /// It is dated later than today.
    NotYet,
    /// Its date cannot be read.
    NoDate,
    /// The payer's text names another member than the ticket's.
    NamesAnother,
    /// The amount has a part of a rupiah.
    PartOfRupiah,
    /// A person says so, and it is more than one person may give alone.
    SecondPerson,
}

impl Held {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NoTicket,
        Self::Alike,
        Self::OtherVersion,
        Self::BeforeTicket,
        Self::NotYet,
        Self::NoDate,
        Self::NamesAnother,
        Self::PartOfRupiah,
        Self::SecondPerson,
    ];

    /// Never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoTicket => "no_ticket",
            Self::Alike => "alike",
            Self::OtherVersion => "other_version",
            Self::BeforeTicket => "before_ticket",
            Self::NotYet => "not_yet",
            Self::NoDate => "no_date",
            Self::NamesAnother => "names_another",
            Self::PartOfRupiah => "part_of_rupiah",
            Self::SecondPerson => "second_person",
        }
    }

    /// A person must say that it is another payment before anybody is credited.
    #[must_use]
    pub const fn may_be_known(self) -> bool {
        match self {
            Self::Alike | Self::OtherVersion => true,
            Self::NoTicket
            | Self::BeforeTicket
            | Self::NotYet
            | Self::NoDate
            | Self::NamesAnother
            | Self::PartOfRupiah
            | Self::SecondPerson => false,
        }
    }
}

/// What is known when a new credit is judged.
#[derive(Clone, Copy, Debug)]
pub struct CreditFacts<'a> {
    /// When the bank booked it.
    pub booked: Option<Booked>,
    /// A date was written that nobody can read.
    pub unreadable: bool,
    /// It has a part of a rupiah.
    pub part: bool,
    /// Told before with other content.
    pub other_version: bool,
    /// It might be a known payment.
    pub doubtful: bool,
    /// There are such payments that a person must look at.
    pub alike: bool,
    /// When the open ticket of exactly this amount was opened.
    pub ticket: Option<CivilTime>,
    /// Another member whom the payer's text names.
    pub names: Option<&'a MemberCode>,
    /// Now.
    pub now: Moment,
}

fn minutes(day: Day, minute: i64) -> i64 {
    day_number(day).saturating_mul(1_440).saturating_add(minute)
}

/// By how many minutes a bank's clock is behind the wall clock of the business.
fn bank_lag(now: Moment) -> i64 {
    let ours = i64::from(now.civil.minute_of_day());
    let utc = now.utc.get().div_euclid(60_000).rem_euclid(1_440);
    let lag = ours.saturating_sub(utc).rem_euclid(1_440).saturating_sub(BANK_OFFSET);
    if (0..=120).contains(&lag) { lag } else { 0 }
}

/// Nothing when the ticket's member may be credited at once.
///
/// # Errors
/// Why a person must look.
pub fn judge_credit(facts: &CreditFacts<'_>) -> Result<(), Held> {
    if facts.other_version {
        return Err(Held::OtherVersion);
    }
    if facts.alike {
        return Err(Held::Alike);
    }
    if facts.unreadable {
        return Err(Held::NoDate);
    }
    if facts.part {
        return Err(Held::PartOfRupiah);
    }
    if facts.booked.is_some_and(|booked| booked.day > facts.now.civil.date()) {
        return Err(Held::NotYet);
    }
    let opened = facts.ticket.ok_or(Held::NoTicket)?;
    if facts.doubtful {
        return Err(Held::Alike);
    }
    if let Some(booked) = facts.booked {
        let latest = booked.minute.map_or(1_440, |minute| i64::from(minute).saturating_add(1));
        let lag = bank_lag(facts.now).saturating_add(SKEW_MINUTES);
        let latest = minutes(booked.day, latest).saturating_add(lag);
        if latest < minutes(opened.date(), i64::from(opened.minute_of_day())) {
            return Err(Held::BeforeTicket);
        }
    }
    if facts.names.is_some() && !on(Defect::PayerNotRead) {
        return Err(Held::NamesAnother);
    }
    Ok(())
}

/// Words in capitals, without marks.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().flat_map(char::to_uppercase).collect())
        .collect()
}

fn holds(text: &[String], name: &[String]) -> bool {
    let long_enough = name.iter().map(String::len).sum::<usize>() >= NAME_LEAST;
    long_enough && text.windows(name.len()).any(|part| part == name)
}

/// `DEPOSITOK00205` names OK00205 as well.
fn holds_code(text: &[String], code: &str) -> bool {
    let parts = words(code);
    let glued = |word: &String| {
        let before = word.strip_suffix(code).and_then(|rest| rest.chars().next_back());
        code.len() >= 5 && before.is_some_and(char::is_alphabetic)
    };
    holds(text, &parts) || text.iter().any(glued)
}

/// A member whom the payer's text names, other than the one who would be credited. A code counts
/// always, a name only when the own code is not there and the own name does not hold it.
pub fn names_another<'a>(
    text: &str,
    own: (&MemberCode, &str),
    others: impl IntoIterator<Item = (&'a MemberCode, &'a str)>,
) -> Option<&'a MemberCode> {
    let text = words(text);
    let is_own = holds_code(&text, own.0.as_str());
    let own_name = words(own.1);
    let own_named = holds(&text, &own_name);
    others.into_iter().filter(|(code, _)| *code != own.0).find_map(|(code, name)| {
        let name = words(name);
        let hidden = own_named && holds(&own_name, &name);
        let by_name = !is_own && !hidden && holds(&text, &name);
        (holds_code(&text, code.as_str()) || by_name).then_some(code)
    })
}

/// Amounts that a ticket may ask for, in the order of a chance that is handed in: above what was
/// wanted, never round, so that nobody pays one without a ticket.
#[allow(clippy::arithmetic_side_effects, reason = "most is 32 bits wide, and not zero")]
pub fn ticket_amounts(wanted: Rupiah, most: u32, chance: u64) -> impl Iterator<Item = Rupiah> {
    let most = u64::from(most.max(EXTRA_LEAST));
    let (start, wish) = (chance % most, (chance / most) % most);
    let coprime = |step: &u64| {
        let (mut a, mut b) = (*step, most);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    // The last number below one always is.
    let step = (wish..most).find(coprime).unwrap_or(1);
    (0..most).filter_map(move |turn| {
        let extra = 1 + (start + turn * step) % most;
        let amount = wanted.plus(Rupiah::new(i64::try_from(extra).ok()?)).ok()?;
        (amount.get() % 1_000 != 0).then_some(amount)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::UtcMillis;

    fn booked(day: i32) -> Option<Booked> {
        Some(Booked { day: Day::new(day), minute: None })
    }

    #[test]
    fn what_contradicts_anything_is_held() {
        // 2026-11-28 14:00 in Jakarta.
        let utc = UtcMillis::new(1_795_849_200_000);
        let civil =
            |day, hour| CivilTime { year: 2026, month: 11, day, hour, minute: 0, second: 0 };
        let now = Moment { utc, civil: civil(28, 14) };
        let other = MemberCode::parse("OK2").unwrap();
        let good = CreditFacts {
            booked: booked(20_261_128),
            unreadable: false,
            part: false,
            other_version: false,
            doubtful: false,
            alike: false,
            ticket: Some(civil(28, 13)),
            names: None,
            now,
        };
        assert_eq!(judge_credit(&good), Ok(()));
        let at = |minute| Some(Booked { day: Day::new(20_261_128), minute: Some(minute) });
        assert_eq!(judge_credit(&CreditFacts { booked: at(779), ..good }), Ok(()));
        assert_eq!(judge_credit(&CreditFacts { booked: None, ..good }), Ok(()));
        let held = [
            (CreditFacts { booked: at(700), ..good }, Held::BeforeTicket),
            (CreditFacts { booked: booked(20_261_127), ..good }, Held::BeforeTicket),
            (CreditFacts { booked: booked(20_261_129), ..good }, Held::NotYet),
            (CreditFacts { ticket: None, ..good }, Held::NoTicket),
            (CreditFacts { doubtful: true, ..good }, Held::Alike),
            (CreditFacts { alike: true, ticket: None, ..good }, Held::Alike),
            (CreditFacts { other_version: true, alike: true, ..good }, Held::OtherVersion),
            (CreditFacts { unreadable: true, booked: None, ..good }, Held::NoDate),
            (CreditFacts { part: true, ..good }, Held::PartOfRupiah),
            (CreditFacts { names: Some(&other), ..good }, Held::NamesAnother),
        ];
        for (facts, why) in held {
            assert_eq!(judge_credit(&facts), Err(why), "{facts:?}");
        }
        // In Makassar the bank's clock is an hour behind.
        let makassar = Moment { utc, civil: civil(28, 15) };
        let early = CreditFacts { booked: at(725), now: makassar, ..good };
        assert_eq!(judge_credit(&early), Ok(()));
    }

    #[test]
    fn a_text_that_names_another_member() {
        let code = |text| MemberCode::parse(text).unwrap();
        let all = [
            (code("OK00123"), "Budi Cell Jaya"),
            (code("OK00205"), "Budi"),
            (code("OK00206"), "Toko Ani"),
            (code("X1"), "A"),
        ];
        let named = |text: &str| {
            let others = all.iter().map(|(code, name)| (code, *name));
            names_another(text, (&all[0].0, all[0].1), others).map(MemberCode::to_string)
        };
        for (text, other) in [
            ("TRSF E-BANKING CR BUDI CELL JAYA", None),
            ("TRSF CR BUDI", Some("OK00205")),
            ("DEPOSITOK00205", Some("OK00205")),
            ("ok00205 budi cell jaya", Some("OK00205")),
            ("OK00123 BUDI", None),
            ("SETOR TOKO-ANI", Some("OK00206")),
            ("A X1 SETOR", None),
            ("OK002055", None),
            ("", None),
        ] {
            assert_eq!(named(text).as_deref(), other, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_ticket_never_asks_for_a_round_amount(
            wanted in 1_i64..10_000_000, most in 0_u32..2_000, chance in any::<u64>(),
        ) {
            let all: Vec<i64> =
                ticket_amounts(Rupiah::new(wanted), most, chance).map(Rupiah::get).collect();
            let wide = i64::from(most.max(99));
            let fits = |amount: &i64| amount % 1_000 != 0 && (1..=wide).contains(&(amount - wanted));
            prop_assert!(all.iter().all(fits), "{:?}", all);
            let distinct: std::collections::BTreeSet<_> = all.iter().collect();
            prop_assert_eq!(distinct.len(), all.len());
            // All that are not round are there.
            let round = (wanted + 1..=wanted + wide).filter(|amount| amount % 1_000 == 0).count();
            prop_assert_eq!(all.len() + round, usize::try_from(wide).unwrap());
        }
    }

    /// Whoever asks cannot choose: another chance gives another amount.
    #[test]
    fn the_extra_follows_the_chance() {
        let first = |chance| ticket_amounts(Rupiah::new(50_000), 999, chance).next().unwrap();
        let all: std::collections::BTreeSet<_> = (0..999).map(first).collect();
        assert_eq!(all.len(), 999);
    }
}
