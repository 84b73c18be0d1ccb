//! Days and instants as numbers.
//!
//! All arithmetic is on whole seconds. A fraction of a second is dropped when a time is read. Lengths of time and times of
//! day are plain `i64` seconds; [`DayNumber`] and [`Instant`] keep days and points in time apart from them, at no cost.

use std::{
    fmt,
    ops::{Add, RangeInclusive, Sub},
};

use jiff::{
    Timestamp,
    civil::{Date, Time},
};

use crate::error::{Error, Result};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 86_400;

/// A calendar day, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DayNumber(i32);

impl DayNumber {
    pub(crate) const MIN: Self = Self(i32::MIN);
    pub(crate) const MAX: Self = Self(i32::MAX);

    /// The days from the first to the last, both included.
    pub(crate) fn all(days: RangeInclusive<Self>) -> impl DoubleEndedIterator<Item = Self> {
        (days.start().0..=days.end().0).map(Self)
    }

    pub(crate) fn of(date: Date) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        // jiff's dates lie within the years ±9999, so the number of days fits.
        Self((date - epoch).get_days())
    }

    /// The day of a local time in seconds since 1970-01-01T00:00.
    pub(crate) fn of_local(local: i64) -> Self {
        Self(local.div_euclid(DAY) as i32)
    }

    /// The start of the day, in local seconds since 1970-01-01T00:00.
    pub(crate) fn local_start(self) -> i64 {
        i64::from(self.0) * DAY
    }

    /// How many days after `earlier` it is.
    pub(crate) fn days_since(self, earlier: Self) -> i64 {
        i64::from(self.0) - i64::from(earlier.0)
    }

    /// 0 is Monday.
    pub(crate) fn weekday(self) -> usize {
        (self.0 + 3).rem_euclid(7) as usize
    }

    /// The date, limited to jiff's range.
    pub(crate) fn date(self) -> Date {
        let day = self.0.clamp(-4_371_587, 2_932_896);
        // `civil_from_days` of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". The clamp keeps the result
        // within jiff's range.
        let z = day + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let (day, month) = (
            doy - (153 * mp + 2) / 5 + 1,
            if mp < 10 { mp + 3 } else { mp - 9 },
        );
        let year = yoe + era * 400 + i32::from(month <= 2);
        jiff::civil::date(year as i16, month as i8, day as i8)
    }
}

impl Add<i32> for DayNumber {
    type Output = Self;

    fn add(self, days: i32) -> Self {
        Self(self.0 + days)
    }
}

impl Sub<i32> for DayNumber {
    type Output = Self;

    fn sub(self, days: i32) -> Self {
        Self(self.0 - days)
    }
}

/// The date, as in "2026-03-02".
impl fmt::Display for DayNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.date(), f)
    }
}

/// A point in time, as whole seconds since 1970-01-01T00:00 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Instant(i64);

impl Instant {
    /// Before every instant.
    pub(crate) const MIN: Self = Self(i64::MIN);
    /// After every instant.
    pub(crate) const MAX: Self = Self(i64::MAX);
    /// 1900-01-01, the first instant that a record can have.
    pub(crate) const FIRST: Self = Self(-2_208_988_800);
    /// 2200-01-01, after the last instant that a record can have.
    pub(crate) const END: Self = Self(7_258_118_400);

    pub(crate) const fn from_second(second: i64) -> Self {
        Self(second)
    }

    pub(crate) const fn second(self) -> i64 {
        self.0
    }

    /// The fraction of a second is dropped towards the past.
    pub(crate) fn of(at: Timestamp) -> Self {
        Self(at.as_second() - i64::from(at.subsec_nanosecond() < 0))
    }

    /// The instant of `at`, if an attendance record can have that time. `what` names the record in the error.
    pub(crate) fn checked(at: Timestamp, what: impl FnOnce() -> String) -> Result<Self> {
        let instant = Self::of(at);
        if (Self::FIRST..Self::END).contains(&instant) {
            Ok(instant)
        } else {
            Err(Error::TimeOutOfRange { what: what(), at })
        }
    }

    /// The timestamp, limited to jiff's range.
    pub(crate) fn timestamp(self) -> Timestamp {
        let limits = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(self.0.clamp(limits.0, limits.1)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(crate) fn saturating_add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// Seconds later.
impl Add<i64> for Instant {
    type Output = Self;

    fn add(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }
}

/// Seconds earlier.
impl Sub<i64> for Instant {
    type Output = Self;

    fn sub(self, seconds: i64) -> Self {
        Self(self.0 - seconds)
    }
}

/// Seconds from one instant to another.
impl Sub for Instant {
    type Output = i64;

    fn sub(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

/// Seconds since midnight.
pub(crate) fn second_of_day(time: Time) -> i64 {
    i64::from(time.hour()) * HOUR + i64::from(time.minute()) * MINUTE + i64::from(time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_day_numbers_correspond() {
        for number in (-30_000..90_000).step_by(97) {
            let day = DayNumber(number);
            assert_eq!(DayNumber::of(day.date()), day);
            let weekday = day.date().weekday().to_monday_zero_offset();
            assert_eq!(day.weekday(), weekday as usize);
        }
        assert_eq!(DayNumber(0).date(), jiff::civil::date(1970, 1, 1));
        assert_eq!(DayNumber::MAX.date().year(), 9999);
        assert_eq!(DayNumber::MIN.date().year(), -9999);
    }
}
