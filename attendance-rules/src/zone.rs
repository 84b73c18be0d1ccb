//! Time zones: local time to instants, and instants to local time.

use std::fmt;

use jiff::tz::TimeZoneDatabase;

use crate::{
    interval::Interval,
    time::{DAY, DayNumber, Instant},
    zone_names,
};

/// A time zone as a table of offsets, from 1890 to 2210.
///
/// A local time that occurs twice is the first of the two. A local time that is skipped moves on by the length of the gap.
/// This is jiff's "compatible" rule, and the rule of RFC 5545. Local times are seconds since 1970-01-01T00:00 local time.
#[derive(Clone, PartialEq)]
pub(crate) struct Zone {
    name: String,
    spans: Vec<Span>,
}

/// A time without a change of the offset.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    from: Instant,
    local_end: i64,
    /// Seconds east of Greenwich.
    offset: i64,
}

impl Zone {
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let database = TimeZoneDatabase::bundled();
        let zone = database.get(name).map_err(|_| {
            let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
            let hint =
                zone_names::hint(name, &names).map_or_else(String::new, |hint| format!("; {hint}"));
            format!("{name:?} is not a time zone of the IANA database{hint}")
        })?;
        let first = (Instant::FIRST - 3650 * DAY).timestamp();
        let last = Instant::END + 3650 * DAY;
        // A quarter of the range: adding an offset or a day cannot overflow.
        let start = Instant::from_second(i64::MIN / 4);
        let mut spans = vec![(start, i64::from(zone.to_offset(first).seconds()))];
        for transition in zone.following(first) {
            let at = Instant::of(transition.timestamp());
            if at > last {
                break;
            }
            let offset = i64::from(transition.offset().seconds());
            if spans.last().is_none_or(|last| last.1 != offset) {
                spans.push((at, offset));
            }
        }
        let ends = spans.iter().skip(1).map(|span| span.0.second());
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
    pub(crate) fn offset(&self, at: Instant) -> i64 {
        self.spans[self.span_index(at)].offset
    }

    fn span_index(&self, at: Instant) -> usize {
        self.spans.partition_point(|span| span.from <= at) - 1
    }

    /// Returns `true` if the offset does not change from a day before `start` to a day after `end`.
    ///
    /// The breaks of a shift lie within that range.
    pub(crate) fn is_steady_around(&self, start: Instant, end: Instant) -> bool {
        let next = self.spans.get(self.span_index(start - DAY) + 1);
        end + DAY < next.map_or(Instant::MAX, |next| next.from)
    }

    /// The local time of an instant.
    pub(crate) fn local(&self, at: Instant) -> i64 {
        at.second() + self.offset(at)
    }

    /// The day on which an instant lies.
    pub(crate) fn day(&self, at: Instant) -> DayNumber {
        DayNumber::of_local(self.local(at))
    }

    /// The instant of a local time.
    pub(crate) fn instant(&self, local: i64) -> Instant {
        let index = self.spans.partition_point(|span| span.local_end <= local);
        let index = index.min(self.spans.len() - 1);
        let span = self.spans[index];
        let is_skipped = index > 0 && Instant::from_second(local - span.offset) < span.from;
        let offset = if is_skipped {
            self.spans[index - 1].offset
        } else {
            span.offset
        };
        Instant::from_second(local - offset)
    }

    /// The instant of a time of day, in seconds since the midnight before `day`. It may be on a later day.
    pub(crate) fn at(&self, day: DayNumber, second_of_day: i64) -> Instant {
        self.instant(day.local_start() + second_of_day)
    }

    /// The start and the end of a day. They are equal for a day that a change of the date line skipped.
    pub(crate) fn bounds(&self, day: DayNumber) -> Interval {
        (self.at(day, 0), self.at(day + 1, 0))
    }

    /// Returns `false` for a day that a change of the date line skipped.
    pub(crate) fn exists(&self, day: DayNumber) -> bool {
        let (start, end) = self.bounds(day);
        start < end
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};

    use super::*;
    use crate::time::second_of_day;

    #[test]
    fn local_times_agree_with_jiff() {
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
                let second =
                    DayNumber::of(local.date()).local_start() + second_of_day(local.time());
                let expected = local.to_zoned_datetime(theirs.clone()).unwrap().timestamp();
                assert_eq!(ours.instant(second).timestamp(), expected, "{name} {local}");
                let back = ours.local(Instant::of(expected));
                let there = theirs.to_datetime(expected);
                assert_eq!(
                    (back.rem_euclid(DAY), ours.day(Instant::of(expected))),
                    (second_of_day(there.time()), DayNumber::of(there.date()))
                );
                local = local.saturating_add(SignedDuration::from_secs(step));
            }
        }
    }

    #[test]
    fn a_day_that_did_not_exist() {
        let apia = Zone::new("Pacific/Apia").unwrap();
        let day = DayNumber::of("2011-12-30".parse().unwrap());
        assert!(!apia.exists(day) && apia.exists(day - 1) && apia.exists(day + 1));
    }

    #[test]
    fn unknown_zones_get_a_suggestion() {
        let error = Zone::new("Europe/Berln").unwrap_err();
        assert_eq!(
            error,
            "\"Europe/Berln\" is not a time zone of the IANA database; did you mean \"Europe/Berlin\"?"
        );
        for (name, meant) in [
            ("Berlin", "Europe/Berlin"),
            ("berlin", "Europe/Berlin"),
            ("Berln", "Europe/Berlin"),
            ("New York", "America/New_York"),
            ("Europe/berlin2", "Europe/Berlin"),
            ("Kolkatta", "Asia/Kolkata"),
            ("America/Los Angeles", "America/Los_Angeles"),
            ("America/Sao_Paolo", "America/Sao_Paulo"),
            ("Mumbai", "Asia/Kolkata"),
            ("America/Boston", "America/New_York"),
            ("Munich", "Europe/Berlin"),
            ("Eastern Standard Time", "America/New_York"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("e. africa standard time", "Africa/Nairobi"),
            ("India Standard Time", "Asia/Kolkata"),
            ("utc", "UTC"),
            ("Z", "UTC"),
            ("UTC+0", "UTC"),
            ("+00:00", "UTC"),
        ] {
            let Err(error) = Zone::new(name) else {
                assert!(name.eq_ignore_ascii_case("utc"), "{name} is a zone");
                continue;
            };
            assert!(
                error.ends_with(&format!("did you mean {meant:?}?")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_fixed_offset_gets_the_name_with_the_same_offset() {
        for (name, hours, zone) in [
            ("GMT+3", 3, "Etc/GMT-3"),
            ("UTC+3", 3, "Etc/GMT-3"),
            ("UTC-03:00", -3, "Etc/GMT+3"),
            ("+03:00", 3, "Etc/GMT-3"),
            ("+0300", 3, "Etc/GMT-3"),
            ("-5", -5, "Etc/GMT+5"),
            ("(UTC+08:00) Beijing", 8, "Etc/GMT-8"),
            ("GMT +14", 14, "Etc/GMT-14"),
            ("UTC\u{2212}11", -11, "Etc/GMT+11"),
        ] {
            let error = Zone::new(name).unwrap_err();
            assert!(error.contains(&format!("{zone:?}")), "{error}");
            let offset = Zone::new(zone).unwrap().offset(Instant::default());
            assert_eq!(offset, hours * 3600, "{name}");
        }
        for (name, seconds, zone) in [
            ("UTC+5:30", 19_800, "Asia/Kolkata"),
            ("GMT+05:45", 20_700, "Asia/Kathmandu"),
            ("+0930", 34_200, "Australia/Darwin"),
            ("UTC-09:30", -34_200, "Pacific/Marquesas"),
        ] {
            let error = Zone::new(name).unwrap_err();
            assert!(error.contains(&format!("{zone:?}")), "{error}");
            // The offset of 2026.
            let now = Instant::from_second(1_780_000_000);
            assert_eq!(Zone::new(zone).unwrap().offset(now), seconds, "{name}");
        }
        assert_eq!(
            Zone::new("GMT+3").unwrap_err(),
            "\"GMT+3\" is not a time zone of the IANA database; for a fixed offset of +03:00 from UTC write \"Etc/GMT-3\" (the \
             sign in such a name is reversed), or name a place, as in \"Europe/Berlin\", so that changes of the clock count"
        );
        for name in ["UTC+15", "GMT-13", "UTC+05:17", "+99:00"] {
            let error = Zone::new(name).unwrap_err();
            assert!(error.ends_with("database"), "{error}");
        }
    }

    #[test]
    fn an_abbreviation_gets_all_of_its_meanings() {
        let error = Zone::new("IST").unwrap_err();
        assert!(
            error
                .ends_with("it can mean \"Asia/Kolkata\", \"Europe/Dublin\" or \"Asia/Jerusalem\""),
            "{error}"
        );
        for (name, zone) in [
            ("BST", "Europe/London"),
            ("JST", "Asia/Tokyo"),
            ("pst", "America/Los_Angeles"),
        ] {
            let error = Zone::new(name).unwrap_err();
            assert!(error.contains(&format!("{zone:?}")), "{error}");
        }
    }

    #[test]
    fn a_name_that_is_like_no_zone_gets_no_suggestion() {
        for name in [
            "",
            "X",
            "XYZT",
            "Europe/Atlantis",
            "Mars/Olympus",
            "Local",
            "Etc/GMT+99",
            "GMTT",
        ] {
            let error = Zone::new(name).unwrap_err();
            assert!(error.ends_with("database"), "{error}");
        }
    }
}
