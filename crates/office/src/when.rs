//! Dates as banks and their feeds write them: day before month, with or without year and time.

use domain::{Booked, day_number, numbered_day};
use types::Day;

/// A date without a year lies at most so many days ahead.
const AHEAD_DAYS: i64 = 5;
/// Western Indonesian time, in minutes before UTC.
const WIB: i64 = 7 * 60;
const MONTHS: [&[&str]; 12] = [
    &["jan"],
    &["feb", "peb"],
    &["mar"],
    &["apr"],
    &["mei", "may"],
    &["jun"],
    &["jul"],
    &["agu", "ags", "agt", "aug"],
    &["sep"],
    &["okt", "oct"],
    &["nov", "nop"],
    &["des", "dec"],
];

fn day_of(year: i64, month: i64, day: i64) -> Option<Day> {
    if !(1970..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let number =
        year.checked_mul(10_000)?.checked_add(month.checked_mul(100)?)?.checked_add(day)?;
    let found = Day::new(i32::try_from(number).ok()?);
    // A day that its month does not have comes back as another one.
    (numbered_day(day_number(found)) == found).then_some(found)
}

fn month_of(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let lower = text.to_lowercase();
    let place = MONTHS.iter().position(|names| names.iter().any(|name| lower.starts_with(name)))?;
    i64::try_from(place).ok()?.checked_add(1)
}

fn date(parts: &[&str], today: Day) -> Option<Day> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match parts {
        [whole] if whole.len() == 8 && digits(whole) => {
            day_of(whole[..4].parse().ok()?, whole[4..6].parse().ok()?, whole[6..].parse().ok()?)
        }
        [year, month, day] if year.len() == 4 && digits(year) => {
            day_of(year.parse().ok()?, month_of(month)?, day.parse().ok()?)
        }
        [day, month, year] if digits(year) && matches!(year.len(), 2 | 4) => {
            let year: i64 = year.parse().ok()?;
            let year = if year < 100 { year.saturating_add(2_000) } else { year };
            day_of(year, month_of(month)?, day.parse().ok()?)
        }
        // The last time that this day was, or the next days.
        [day, month] => {
            let (day, month): (i64, i64) = (day.parse().ok()?, month_of(month)?);
            let year = i64::from(today.get() / 10_000);
            let near =
                |found: &Day| day_number(*found).saturating_sub(day_number(today)) <= AHEAD_DAYS;
            [year.saturating_add(1), year, year.saturating_sub(1)]
                .into_iter()
                .filter_map(|year| day_of(year, month, day))
                .find(near)
        }
        _ => None,
    }
}

const fn minutes(hours: i64, minutes: i64) -> i64 {
    hours.saturating_mul(60).saturating_add(minutes)
}

/// Minutes of the day, and how far ahead of UTC the writer says that it is.
fn clock(text: &str) -> Option<(i64, Option<i64>)> {
    let (time, offset) = match text.find(['+', '-', 'Z', 'z']) {
        None => (text, None),
        Some(at) => {
            let (time, zone) = text.split_at(at);
            let is_behind = zone.starts_with('-');
            let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
            let offset = match digits.len() {
                0 => 0,
                2 => minutes(digits.parse().ok()?, 0),
                4 => minutes(digits[..2].parse().ok()?, digits[2..].parse().ok()?),
                _ => return None,
            };
            (time, Some(if is_behind { offset.saturating_neg() } else { offset }))
        }
    };
    let mut parts = time.split(':');
    let (hour, minute) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let second = parts.next().map_or(Some(0.0), |text| text.parse::<f64>().ok())?;
    let fits =
        (0..24).contains(&hour) && (0..60).contains(&minute) && (0.0..61.0).contains(&second);
    (fits && parts.next().is_none()).then_some((minutes(hour, minute), offset))
}

/// When something was booked; `None` for what is no date.
pub(crate) fn read_when(text: &str, today: Day) -> Option<Booked> {
    let text = text.trim().trim_start_matches(['\'', '\u{2019}']).trim();
    if text.len() > 60 || !text.is_ascii() {
        return None;
    }
    // `2026-11-10T14:33:01`: the letter between two digits.
    let bytes = text.as_bytes();
    let between = |at: &usize| {
        let near = |at: Option<usize>| bytes.get(at?).map(u8::is_ascii_digit);
        matches!(bytes[*at], b'T' | b't')
            && near(at.checked_sub(1)) == Some(true)
            && near(at.checked_add(1)) == Some(true)
    };
    let text = match (0..bytes.len()).find(between) {
        Some(at) => {
            let (before, after) = text.split_at(at);
            format!("{before} {}", &after[1..])
        }
        None => text.to_owned(),
    };
    let (mut time, mut half, mut dates) = (None, None, Vec::new());
    for piece in text.split([' ', ',']).filter(|piece| !piece.is_empty()) {
        match piece.to_ascii_uppercase().as_str() {
            "WIB" | "WITA" | "WIT" => {}
            "AM" | "PM" => half = Some(piece.to_ascii_uppercase()),
            _ if piece.contains(':') => {
                if time.replace(clock(piece)?).is_some() {
                    return None;
                }
            }
            _ => dates.extend(piece.split(['/', '-', '.']).filter(|part| !part.is_empty())),
        }
    }
    let day = date(&dates, today)?;
    let Some((mut minute, offset)) = time else {
        return half.is_none().then_some(Booked { day, minute: None });
    };
    match half.as_deref() {
        None => {}
        Some(_) if minute >= 13 * 60 => return None,
        Some("PM") if minute < 12 * 60 => minute = minute.saturating_add(12 * 60),
        Some("AM") if minute >= 12 * 60 => minute = minute.saturating_sub(12 * 60),
        Some(_) => {}
    }
    let shift = offset.map_or(0, |offset| WIB.saturating_sub(offset));
    let whole = day_number(day).saturating_mul(1_440).saturating_add(minute).saturating_add(shift);
    let minute = u16::try_from(whole.rem_euclid(1_440)).ok();
    Some(Booked { day: numbered_day(whole.div_euclid(1_440)), minute })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_banks() {
        for (text, day, minute) in [
            ("28/11/2026", 20_261_128, None),
            ("2026-11-28", 20_261_128, None),
            ("28-11-26", 20_261_128, None),
            ("20261128", 20_261_128, None),
            ("28 Nov 2026", 20_261_128, None),
            ("28-Nopember-2026", 20_261_128, None),
            ("1/2/2026", 20_260_201, None),
            ("'03/11", 20_261_103, None),
            ("03/12", 20_261_203, None),
            ("25/12", 20_251_225, None),
            ("29/02", 20_240_229, None),
            ("2026-11-10 14:33:01", 20_261_110, Some(873)),
            ("24/08/2026 13:22", 20_260_824, Some(802)),
            ("24/08/2026 01:22 PM", 20_260_824, Some(802)),
            ("2026-11-10T18:33:01Z", 20_261_111, Some(93)),
            ("2026-11-10T14:33:01.250+07:00", 20_261_110, Some(873)),
        ] {
            let today = if text == "29/02" { 20_240_301 } else { 20_261_130 };
            let found = read_when(text, Day::new(today));
            let wanted = Booked { day: Day::new(day), minute };
            assert_eq!(found, Some(wanted), "{text}");
        }
        for text in [
            "",
            "x",
            "PEND",
            "11/28/2026",
            "31/02/2026",
            "2026",
            "28/11/2026 25:00",
            "Saldo Awal : 1",
            "1.234.567",
            "28/11/2026 10:00 11:00",
            "500123",
            "08:15",
        ] {
            assert_eq!(read_when(text, Day::new(20_261_130)), None, "{text}");
        }
    }
}
