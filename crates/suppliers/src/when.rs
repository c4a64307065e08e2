//! Is the time in a supplier's text before the minute in which ours was sent? Wall clocks only.

use crate::Ask;
use domain::day_number;
use types::{CivilTime, Day};

/// How a text's time stands to the minute in which the purchase was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Before,
    NotBefore,
    /// A time of a day, asked about long after: it may be of today, or of before.
    AnyDay,
    /// The text names no time, or it is not known when ours was sent.
    Unsaid,
}

const DAY: i64 = 1_440;
/// A question so long after sending is a late one.
const LONG: i64 = DAY / 2;
const HOUR: i64 = 60;
/// A supplier's clock may be this many minutes ahead of ours: such a time is now, not yesterday's.
const AHEAD: i64 = 5;

/// Zero where the numbers are no date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let day =
        year.saturating_mul(10_000).saturating_add(month.saturating_mul(100)).saturating_add(day);
    day_number(Day::new(i32::try_from(day).unwrap_or_default()))
}

fn of_day(day: i64, minute: i64) -> i64 {
    day.saturating_mul(DAY).saturating_add(minute)
}

fn minute(at: CivilTime) -> i64 {
    of_day(day_number(at.date()), i64::from(at.minute_of_day()))
}

/// `HH:MM` as minutes of a day.
fn clock(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once([':', '.'])?;
    let (hour, minute): (i64, i64) = (hour.trim().parse().ok()?, minute.get(..2)?.parse().ok()?);
    ((0..24).contains(&hour) && (0..60).contains(&minute))
        .then_some(hour.saturating_mul(60).saturating_add(minute))
}

/// `DD/MM`, `DD/MM/YYYY`, `DD-MM-YY` or `YYYY-MM-DD` as a day not after `asked`.
fn date(text: &str, asked: CivilTime) -> Option<i64> {
    let parts: Vec<i64> =
        text.split(['/', '-']).map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let this_year = i64::from(asked.year);
    let (year, month, day) = match parts.as_slice() {
        [day, month] => (None, *month, *day),
        [year, month, day] if *year > 31 => (Some(*year), *month, *day),
        [day, month, year] if (0..100).contains(year) => {
            (Some(year.saturating_add(2_000)), *month, *day)
        }
        [day, month, year] => (Some(*year), *month, *day),
        _ => return None,
    };
    let fits = year.is_none_or(|year| (1_900..3_000).contains(&year))
        && (1..=12).contains(&month)
        && (1..=31).contains(&day);
    let found = fits.then(|| days(year.unwrap_or(this_year), month, day))?;
    let later = year.is_none() && found > minute(asked).div_euclid(DAY);
    Some(if later { days(this_year.saturating_sub(1), month, day) } else { found })
}

/// A time without a date is the latest such moment not after the question. The later the question, the
/// more times are after sending that way, and a day later all are: then only one in the hour after
/// sending is taken for ours. A date without a time is compared as a date.
pub(crate) fn order(ask: &Ask, time: Option<&str>, on: Option<&str>) -> Order {
    let Some(sent) = ask.sent else { return Order::Unsaid };
    let (sent, asked) = (minute(sent.civil), minute(ask.asked.civil));
    let day = on.and_then(|on| date(on, ask.asked.civil));
    let is_before = match (time.and_then(clock), day) {
        (None, None) => return Order::Unsaid,
        (None, Some(day)) => day < sent.div_euclid(DAY),
        (Some(time), Some(day)) => of_day(day, time) < sent,
        (Some(time), None) if asked.saturating_sub(sent) > LONG => {
            let is_ours = time.saturating_sub(sent).rem_euclid(DAY) <= HOUR;
            return if is_ours { Order::NotBefore } else { Order::AnyDay };
        }
        (Some(time), None) => {
            let today = of_day(asked.div_euclid(DAY), time);
            let is_yesterday = today > asked.saturating_add(AHEAD);
            (if is_yesterday { today.saturating_sub(DAY) } else { today }) < sent
        }
    };
    if is_before { Order::Before } else { Order::NotBefore }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::{AttemptId, Dest, Moment, Rupiah, Sku, TrxNo, UtcMillis};

    fn at(day: u8, hour: u8, minute: u8) -> Moment {
        let civil = CivilTime { year: 2026, month: 11, day, hour, minute, second: 30 };
        Moment { utc: UtcMillis::new(0), civil }
    }

    fn ask(sent: Moment, asked: Moment) -> Ask {
        Ask {
            attempt: AttemptId { trx: TrxNo::new(1), n: 1 },
            sku: Sku::parse("t1").unwrap(),
            dest: Dest::parse("0812345678").unwrap(),
            qty: None,
            cost: Rupiah::ZERO,
            counter: 1,
            sent: Some(sent),
            waited_ms: 0,
            asked,
        }
    }

    #[test]
    fn times_are_todays_or_yesterdays() {
        use Order::{Before, NotBefore, Unsaid};
        let noon = ask(at(23, 12, 0), at(23, 12, 5));
        for (time, on, wanted) in [
            (Some("12:00"), None, NotBefore),
            (Some("12.05"), None, NotBefore),
            (Some("11:59"), None, Before),
            // A clock that is a little ahead; much after the question: yesterday's.
            (Some("12:10"), None, NotBefore),
            (Some("12:11"), None, Before),
            (Some("23:59"), None, Before),
            (Some("12:03"), Some("23/11"), NotBefore),
            (Some("12:03"), Some("22/11"), Before),
            (Some("12:03"), Some("24/11"), Before),
            (Some("12:03"), Some("23/11/2026"), NotBefore),
            (Some("12:03"), Some("23/11/2025"), Before),
            (Some("12:03"), Some("2026-11-23"), NotBefore),
            (Some("12:00"), Some("23/11"), NotBefore),
            (None, Some("23/11/2026"), NotBefore),
            (None, Some("22-11-26"), Before),
            (None, None, Unsaid),
            (None, Some("2026-11-22"), Before),
            (None, Some("31-10-26"), Before),
            (Some("99:99"), None, Unsaid),
            (Some("24:00"), None, Unsaid),
            (Some("12:60"), None, Unsaid),
            (None, Some("x"), Unsaid),
            (None, Some("32/11"), Unsaid),
            (None, Some("22/13"), Unsaid),
            (None, Some("22/11/1800"), Unsaid),
        ] {
            assert_eq!(order(&noon, time, on), wanted, "{time:?} {on:?}");
        }
        // Over midnight.
        let late = ask(at(23, 23, 58), at(24, 0, 4));
        assert_eq!(order(&late, Some("23:58"), None), NotBefore);
        assert_eq!(order(&late, Some("00:03"), None), NotBefore);
        assert_eq!(order(&late, Some("23:57"), None), Before);
        assert_eq!(order(&late, Some("00:10"), None), Before);
        // Half a day later a time may still be told from yesterday's, a minute more and it may not.
        let half = |minute| ask(at(23, 0, 0), at(23, 12, minute));
        assert_eq!(order(&half(0), Some("06:00"), None), NotBefore);
        assert_eq!(order(&half(1), Some("06:00"), None), Order::AnyDay);
        let unsent = Ask { sent: None, ..late };
        assert_eq!(order(&unsent, Some("00:03"), None), Unsaid);
    }

    proptest! {
        #[test]
        fn a_minute_between_sending_and_asking_is_never_before(sent in 0i64..2_000, wait in 0i64..1_440, part in 0i64..1_440) {
            let moment = |minutes: i64| {
                let part = |value: i64| u8::try_from(value).unwrap();
                at(part(20 + minutes / DAY), part(minutes / 60 % 24), part(minutes % 60))
            };
            let then = sent + part.min(wait);
            let text = moment(then).civil.hhmm();
            let found = order(&ask(moment(sent), moment(sent + wait)), Some(&text), None);
            let doubted = wait > LONG && part.min(wait) > HOUR;
            prop_assert_eq!(found, if doubted { Order::AnyDay } else { Order::NotBefore });
        }
    }
}
