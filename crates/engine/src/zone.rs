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

/// When the business day of a moment began.
pub(crate) fn midnight(now: Moment) -> UtcMillis {
    let into_the_day = i64::from(now.civil.minute_of_day()) * 60 + i64::from(now.civil.second);
    now.utc.after(-into_the_day * 1_000)
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
}
