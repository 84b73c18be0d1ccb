//! Lengths of time with their unit, days as numbers, and local time in both directions.
//!
//! All arithmetic is on whole seconds since 1970 in UTC. A fraction of a second is dropped on the way in.

use std::{borrow::Cow, fmt};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, Weekday},
    fmt::friendly::{Designator, Direction, Spacing, SpanParser, SpanPrinter},
    tz::TimeZoneDatabase,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Error, Result};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 86_400;

/// A length of time in whole seconds. In policies it is a text with units: `"90s"`, `"15m"`, `"8h 30m"`; in records a number
/// of seconds, under a name that ends in `_seconds`.
///
/// ```
/// use attendance_rules::Seconds;
///
/// let length: Seconds = "8h 30m".parse()?;
/// assert_eq!(length, Seconds(30_600));
/// assert_eq!(length.to_string(), "8h 30m");
/// assert!("90".parse::<Seconds>().is_err(), "of what?");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub i64);

impl Seconds {
    /// `hours` hours, or the most that there is.
    #[must_use]
    pub const fn hours(hours: i64) -> Self {
        Self(hours.saturating_mul(HOUR))
    }

    /// `minutes` minutes, or the most that there is.
    #[must_use]
    pub const fn minutes(minutes: i64) -> Self {
        Self(minutes.saturating_mul(MINUTE))
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printer = SpanPrinter::new()
            .designator(Designator::Compact)
            .spacing(Spacing::BetweenUnits)
            .direction(Direction::Sign);
        f.pad(&printer.duration_to_string(&SignedDuration::from_secs(self.0)))
    }
}

impl std::str::FromStr for Seconds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_seconds(text).map_err(|reason| Error::policy("", reason))
    }
}

fn parse_seconds(text: &str) -> Result<Seconds, String> {
    let wrong = || {
        format!("{text:?} is no length of time; write it with units: \"90s\", \"15m\", \"8h 30m\"")
    };
    let duration = SpanParser::new()
        .parse_duration(text)
        .map_err(|_| wrong())?;
    if duration.subsec_nanos() != 0 {
        return Err(format!("{text:?}: lengths of time are in whole seconds"));
    }
    // Longer than any policy needs, and far from overflow.
    if duration.as_secs().unsigned_abs() > 100 * 366 * DAY.unsigned_abs() {
        return Err(format!("{text:?} is over 100 years"));
    }
    Ok(Seconds(duration.as_secs()))
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a length of time with its unit, such as \"90s\", \"15m\" or \"8h 30m\"",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
                parse_seconds(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Records are for programs: there, lengths of time are numbers, with the unit in the name.
pub(crate) mod as_seconds {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Seconds;

    pub(crate) fn serialize<S: Serializer>(
        length: &Seconds,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(length.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Seconds, D::Error> {
        i64::deserialize(deserializer).map(Seconds)
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time in whole seconds, with units.",
            "examples": ["90s", "15m", "8h 30m"],
        })
    }
}

/// A date as days since 1970-01-01.
pub(crate) fn day_of(date: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    // Dates of jiff lie within years ±9999: no error, and it fits.
    (date - epoch).get_days()
}

pub(crate) fn date_of(day: i32) -> Date {
    let day = day.clamp(-4_371_587, 2_932_896);
    // Civil from days, after Howard Hinnant, "chrono-compatible low-level date algorithms"; within jiff's range by the clamp.
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

pub(crate) fn date_text(day: i32) -> String {
    date_of(day).to_string()
}

/// 0 is Monday.
pub(crate) fn weekday_of(day: i32) -> usize {
    (day + 3).rem_euclid(7) as usize
}

pub(crate) fn weekday_index(weekday: Weekday) -> usize {
    weekday.to_monday_zero_offset() as usize
}

/// Seconds since midnight.
pub(crate) fn second_of(time: Time) -> i64 {
    i64::from(time.hour()) * HOUR + i64::from(time.minute()) * MINUTE + i64::from(time.second())
}

/// Whole seconds since 1970; the fraction is dropped towards the past.
pub(crate) fn seconds_of(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

pub(crate) fn timestamp_of(second: i64) -> Timestamp {
    let limits = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(second.clamp(limits.0, limits.1)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// 1900-01-01 and 2200-01-01.
const RANGE: std::ops::Range<i64> = -2_208_988_800..7_258_118_400;

/// `at` in whole seconds, where an attendance record can have that time.
pub(crate) fn checked(at: Timestamp, what: impl FnOnce() -> String) -> Result<i64> {
    let second = seconds_of(at);
    if RANGE.contains(&second) {
        Ok(second)
    } else {
        Err(Error::TimeOutOfRange { what: what(), at })
    }
}

/// A time zone as a table of offsets, from 1890 to 2210.
///
/// A local time that occurs twice is the first of the two; one that is skipped moves on by what is skipped. That is jiff's
/// "compatible" rule, and RFC 5545's.
#[derive(Clone, PartialEq)]
pub(crate) struct Zone {
    name: String,
    /// From when in UTC on, until when in local time, and the offset.
    spans: Vec<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    from: i64,
    local_end: i64,
    offset: i64,
}

impl Zone {
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let database = TimeZoneDatabase::bundled();
        let zone = database.get(name).map_err(|_| {
            let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
            let hint = closest_zone(name, &names).map_or_else(String::new, |closest| {
                format!("; did you mean {closest:?}?")
            });
            format!("{name:?} is no time zone of the IANA database{hint}")
        })?;
        let (first, last) = (
            timestamp_of(RANGE.start - 3650 * DAY),
            RANGE.end + 3650 * DAY,
        );
        let mut spans = vec![(i64::MIN / 4, i64::from(zone.to_offset(first).seconds()))];
        for transition in zone.following(first) {
            let at = transition.timestamp().as_second();
            if at > last {
                break;
            }
            let offset = i64::from(transition.offset().seconds());
            if spans.last().is_none_or(|last| last.1 != offset) {
                spans.push((at, offset));
            }
        }
        let ends = spans.iter().skip(1).map(|span| span.0);
        let ends = ends.chain([i64::MAX / 4]);
        let spans = spans.iter().zip(ends);
        let spans = spans
            .map(|(&(from, offset), end)| Span {
                from,
                local_end: end + offset,
                offset,
            })
            .collect();
        Ok(Self {
            name: name.to_owned(),
            spans,
        })
    }

    /// Seconds east of Greenwich.
    pub(crate) fn offset(&self, second: i64) -> i64 {
        self.spans[self.span(second)].offset
    }

    fn span(&self, second: i64) -> usize {
        self.spans.partition_point(|span| span.from <= second) - 1
    }

    /// Whether the clock does not change from `from` to `to`.
    pub(crate) fn is_steady(&self, from: i64, to: i64) -> bool {
        to < self
            .spans
            .get(self.span(from) + 1)
            .map_or(i64::MAX, |next| next.from)
    }

    /// The local time as if it were UTC.
    pub(crate) fn local(&self, second: i64) -> i64 {
        second + self.offset(second)
    }

    /// The day on which `second` lies.
    pub(crate) fn day(&self, second: i64) -> i32 {
        self.local(second).div_euclid(DAY) as i32
    }

    /// The instant of a local time, given as if it were UTC.
    pub(crate) fn instant(&self, local: i64) -> i64 {
        let at = self.spans.partition_point(|span| span.local_end <= local);
        let at = at.min(self.spans.len() - 1);
        let span = self.spans[at];
        let skipped = at > 0 && local - span.offset < span.from;
        local
            - if skipped {
                self.spans[at - 1].offset
            } else {
                span.offset
            }
    }

    pub(crate) fn at(&self, day: i32, second_of_day: i64) -> i64 {
        self.instant(i64::from(day) * DAY + second_of_day)
    }

    /// From when until when `day` is, in UTC. Empty for a day that a change of the date line skipped.
    pub(crate) fn bounds(&self, day: i32) -> (i64, i64) {
        (self.at(day, 0), self.at(day + 1, 0))
    }

    pub(crate) fn exists(&self, day: i32) -> bool {
        let (start, end) = self.bounds(day);
        start < end
    }
}

/// The known name that is spelled most like `name`, or whose city is.
fn closest_zone<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let names = || names.iter().map(String::as_str);
    let city = |name: &'a str| name.rsplit('/').next().unwrap_or(name);
    let wanted = name.replace(' ', "_");
    let named_so = || names().find(|name| city(name).eq_ignore_ascii_case(&wanted));
    let spelled_so = || crate::policy::closest(&wanted, names());
    named_so().or_else(spelled_so).or_else(|| {
        let city_so = crate::policy::closest(&wanted, names().map(city))?;
        names().find(|name| city(name) == city_so)
    })
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{civil::DateTime, tz::TimeZone};

    use super::*;

    #[test]
    fn local_times_are_jiffs() {
        for name in [
            "Europe/Berlin",
            "America/Santiago",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Asia/Kolkata",
            "UTC",
        ] {
            let (ours, theirs) = (Zone::new(name).unwrap(), TimeZone::get(name).unwrap());
            let mut local: DateTime = "1905-01-01T00:00".parse().unwrap();
            // Steps of 7 h 12 min 13 s, and finer ones around the changes of 2011 to 2026.
            while local.year() < 2190 {
                let step = if (2010..2027).contains(&local.year()) {
                    1333
                } else {
                    25_933
                };
                let second = DAY * i64::from(day_of(local.date())) + second_of(local.time());
                let expected = local.to_zoned(theirs.clone()).unwrap().timestamp();
                assert_eq!(
                    timestamp_of(ours.instant(second)),
                    expected,
                    "{name} {local}"
                );
                let back = ours.local(expected.as_second());
                let there = theirs.to_datetime(expected);
                assert_eq!(
                    (back.rem_euclid(DAY), ours.day(expected.as_second())),
                    (second_of(there.time()), day_of(there.date()))
                );
                local = local.saturating_add(SignedDuration::from_secs(step));
            }
        }
    }

    #[test]
    fn days_are_numbers() {
        for day in (-30_000..90_000).step_by(97) {
            let date = date_of(day);
            assert_eq!(day_of(date), day);
            assert_eq!(weekday_of(day), weekday_index(date.weekday()));
        }
        assert_eq!(date_of(0), jiff::civil::date(1970, 1, 1));
        assert_eq!(date_of(i32::MAX).year(), 9999);
        assert_eq!(date_of(i32::MIN).year(), -9999);
    }

    #[test]
    fn a_day_that_did_not_exist() {
        let apia = Zone::new("Pacific/Apia").unwrap();
        let day = day_of("2011-12-30".parse().unwrap());
        assert!(!apia.exists(day) && apia.exists(day - 1) && apia.exists(day + 1));
    }

    #[test]
    fn zones_are_named_by_the_database() {
        let error = Zone::new("Europe/Berln").unwrap_err();
        assert_eq!(
            error,
            "\"Europe/Berln\" is no time zone of the IANA database; did you mean \"Europe/Berlin\"?"
        );
        for (name, meant) in [
            ("Berlin", "Europe/Berlin"),
            ("berlin", "Europe/Berlin"),
            ("Berln", "Europe/Berlin"),
            ("New York", "America/New_York"),
            ("Europe/berlin2", "Europe/Berlin"),
        ] {
            let error = Zone::new(name).unwrap_err();
            assert!(
                error.ends_with(&format!("did you mean {meant:?}?")),
                "{error}"
            );
        }
    }

    #[test]
    fn lengths_have_units() {
        assert_eq!(parse_seconds("1h 30m"), Ok(Seconds(5400)));
        assert_eq!(parse_seconds("0s"), Ok(Seconds(0)));
        for wrong in ["60", "", "1.5", "abc", "1 month", "0.5s", "9999999999999h"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
        for seconds in [0, 1, 59, 60, 3600, 30_600, 86_400, -90] {
            assert_eq!(
                parse_seconds(&Seconds(seconds).to_string()),
                Ok(Seconds(seconds))
            );
        }
    }
}
