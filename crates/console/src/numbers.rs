//! Numbers of queries and paths, bounded where they are read: whatever is asked for, nothing behind
//! this can run over.

use crate::ask::Ask;
use office::Problem;
use types::Day;

/// Numbers of rows, and times in milliseconds: far beyond any, and far from where arithmetic ends.
const NUMBER_MOST: i64 = 1_000_000_000_000_000_000;
/// Most of a number that is told back.
const SHOWN_MOST: usize = 40;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MOST).collect()
}

/// A number that a row can have.
fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| (0..=NUMBER_MOST).contains(number))
}

impl Ask {
    /// A number of the query.
    ///
    /// # Errors
    /// [`Problem`] for what is none, or none that a row can have.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.asked(name) else { return Ok(None) };
        number(text).map(Some).ok_or_else(|| {
            let why = format!("`{name}` is `{}`; it must be a whole number", shown(text));
            Problem::asked("bad_number", why)
        })
    }

    /// A place in a list: numbers with a dash between them, as the page before gave them.
    ///
    /// # Errors
    /// [`Problem`] for anything else.
    pub(crate) fn place<const N: usize>(&self, name: &str) -> Result<Option<[i64; N]>, Problem> {
        let Some(text) = self.asked(name) else { return Ok(None) };
        let mut place = [0; N];
        let mut parts = text.split('-');
        let found = place.iter_mut().try_for_each(|slot| {
            *slot = parts.next().and_then(number)?;
            Some(())
        });
        if found.is_some() && parts.next().is_none() {
            return Ok(Some(place));
        }
        let why = format!(
            "`{name}` is `{}`; it must be what the page before gave as the next",
            shown(text)
        );
        Err(Problem::asked("bad_place", why))
    }

    /// A day of the query, as `yyyymmdd`.
    ///
    /// # Errors
    /// [`Problem`] for what is no day.
    pub(crate) fn day(&self, name: &str) -> Result<Option<i32>, Problem> {
        let Some(text) = self.asked(name) else { return Ok(None) };
        let day = day(text).ok_or_else(|| {
            let why = format!("`{name}` is `{}`; write a day as 2026-11-23", shown(text));
            Problem::asked("bad_day", why)
        })?;
        Ok(Some(day))
    }

    /// A number in the path.
    ///
    /// # Errors
    /// [`Problem`] for what is none: nothing is there.
    pub(crate) fn part_number(&self, at: usize) -> Result<i64, Problem> {
        let text = self.part(at);
        number(text).ok_or_else(|| Problem::missing(format!("`{}` is no number", shown(text))))
    }
}

/// A day as `yyyymmdd` from a date field, `2026-11-23`; only one that its month has.
pub(crate) fn day(text: &str) -> Option<i32> {
    let shaped = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !shaped || digits.len() != 8 {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    let day = Day::new(number);
    let known = number >= 19_700_101 && domain::numbered_day(domain::day_number(day)) == day;
    known.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist_are_days() {
        assert_eq!(day("2026-11-23"), Some(20_261_123));
        assert_eq!(day("20261123"), Some(20_261_123));
        for wrong in ["yesterday", "2026-13-01", "2026-02-30", "0000-00-00", "99999999", "1-1", ""]
        {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_end_far_before_arithmetic_does() {
        assert_eq!(number("1000000000000000000"), Some(NUMBER_MOST));
        for wrong in ["-1", "1000000000000000001", "9223372036854775807", "1e3", "0x1", ""] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
