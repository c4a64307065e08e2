//! Instants and what a clock on the wall shows. Conversion needs a zone and lives in `engine`.

use std::fmt;

/// Milliseconds since 1970-01-01 UTC; how every time is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMillis(i64);

impl UtcMillis {
    /// Wraps milliseconds.
    #[must_use]
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// The milliseconds.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// This instant moved by `millis`, kept within range.
    #[must_use]
    pub const fn after(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds since `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A business day as `yyyymmdd`, in the operator's zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// Wraps `yyyymmdd`.
    #[must_use]
    pub const fn new(yyyymmdd: i32) -> Self {
        Self(yyyymmdd)
    }

    /// `yyyymmdd`.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// What a wall clock in the operator's zone shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilTime {
    /// Four digits.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl CivilTime {
    /// The business day this time falls on.
    #[must_use]
    pub fn date(self) -> Day {
        let year = i32::from(self.year).saturating_mul(10_000);
        let month = i32::from(self.month).saturating_mul(100);
        Day(year.saturating_add(month).saturating_add(i32::from(self.day)))
    }

    /// Minutes since midnight, 0 to 1439; cut-off windows compare these.
    #[must_use]
    pub fn minute_of_day(self) -> u16 {
        u16::from(self.hour).saturating_mul(60).saturating_add(u16::from(self.minute))
    }

    /// `HH:MM`.
    #[must_use]
    pub fn hhmm(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    /// `DD/MM/YYYY`.
    #[must_use]
    pub fn ddmmyyyy(self) -> String {
        format!("{:02}/{:02}/{:04}", self.day, self.month, self.year)
    }
}

impl fmt::Display for CivilTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

/// "Now", as decisions receive it: they own no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub utc: UtcMillis,
    /// The same instant on the operator's wall clock.
    pub civil: CivilTime,
}
