//! The operator's zone: instants to wall clocks.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use types::{CivilTime, Moment, UtcMillis};

/// An instant in UTC as machines write it: `2026-11-24T01:02:03Z`.
pub(crate) fn stamp(at: UtcMillis) -> String {
    let stamp = Timestamp::from_second(at.get().div_euclid(1_000)).unwrap_or(Timestamp::MAX);
    stamp.to_string()
}

/// An IANA zone with its rules compiled in.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

/// A zone name that is not known.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is not an IANA time zone; write for example Asia/Jakarta")]
pub struct ZoneError(String);

impl Zone {
    /// Finds a zone by name.
    ///
    /// # Errors
    /// [`ZoneError`] for an unknown name.
    pub fn new(name: &str) -> Result<Self, ZoneError> {
        TimeZone::get(name).map(Self).map_err(|_| ZoneError(name.to_owned()))
    }

    /// What the wall clock shows at an instant. Instants outside jiff's range show its limits.
    #[must_use]
    pub fn civil(&self, at: UtcMillis) -> CivilTime {
        let limit = if at.get() < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let stamp = Timestamp::from_millisecond(at.get()).unwrap_or(limit);
        let wall = self.0.to_datetime(stamp);
        // jiff keeps months, days and clock fields within these types.
        let small = |value: i8| u8::try_from(value).unwrap_or_default();
        CivilTime {
            year: wall.year(),
            month: small(wall.month()),
            day: small(wall.day()),
            hour: small(wall.hour()),
            minute: small(wall.minute()),
            second: small(wall.second()),
        }
    }

    /// An instant with its wall clock.
    #[must_use]
    pub fn moment(&self, utc: UtcMillis) -> Moment {
        Moment { utc, civil: self.civil(utc) }
    }
}

/// When the business day of a moment began, to the millisecond: its first purchases count too.
pub(crate) fn midnight(now: Moment) -> UtcMillis {
    let seconds = i64::from(now.civil.minute_of_day()) * 60 + i64::from(now.civil.second);
    now.utc.after(-seconds * 1_000 - now.utc.get().rem_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jakarta_is_seven_hours_ahead() {
        let zone = Zone::new("Asia/Jakarta").unwrap();
        let civil = zone.civil(UtcMillis::new(1_745_321_160_000));
        assert_eq!(civil.to_string(), "2025-04-22 18:26:00");
        assert!(Zone::new("Asia/Nowhere").is_err());
    }

    #[test]
    fn a_day_begins_with_its_first_millisecond() {
        let zone = Zone::new("Asia/Jakarta").unwrap();
        let begin = UtcMillis::new(1_745_254_800_000);
        assert_eq!(zone.civil(begin).to_string(), "2025-04-22 00:00:00");
        for later in [0, 1, 999, 1_000, 28_468, 86_399_999] {
            assert_eq!(midnight(zone.moment(begin.after(later))), begin, "{later} ms into the day");
        }
        assert_eq!(midnight(zone.moment(begin.after(-1))), begin.after(-86_400_000));
    }
}
