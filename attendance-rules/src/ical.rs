//! Holidays from iCalendar files (RFC 5545).

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use icalendar::parser::{self, Component, Property};
use jiff::{Span, civil::DateTime};

use crate::{
    calendar::{Calendar, Half, Period},
    error::{Error, Result},
    recurrence::{DateBudget, Time, date_time, dates, local_seconds, parse_time},
    time::{DAY, DayNumber, HOUR, Instant, second_of_day},
    zone::Zone,
};

/// The maximum length of a file, in bytes.
const MAX_BYTES: usize = 4 << 20;
/// The maximum number of events of a file.
const MAX_EVENTS: usize = 10_000;
/// The maximum length of an event, in days.
const MAX_DAYS: i64 = 366;

impl Calendar {
    /// The holidays of an ICS file within `period`.
    ///
    /// Each day of an all-day event is a holiday. Recurring events follow their RRULE, RDATE and EXDATE. An event with times is
    /// a half-holiday if it ends by noon or begins at noon or later, in `time_zone`. It is a whole holiday if it lasts from
    /// before 10:00 to after 16:00. Cancelled events are ignored.
    ///
    /// The text has at most 4 MiB and 10,000 events. Their days and the dates of their rules are at most 300,000, including
    /// dates before the period. For daily and weekly rules without COUNT, only dates near the period count.
    ///
    /// # Errors
    ///
    /// [`Error::Calendar`] if the file is not a calendar, is truncated or too large, or has an event without a date, with a
    /// rule that cannot be read or has no dates, with several rules, with an EXRULE, or with times that are neither half a day
    /// nor a whole day. [`Error::Policy`] for an unknown time zone.
    ///
    /// ```
    /// use attendance_rules::{Calendar, Period};
    ///
    /// let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20200501\r\n\
    ///             RRULE:FREQ=YEARLY\r\nSUMMARY:Labour Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    /// let year = Period::new("2026-01-01".parse()?, "2026-12-31".parse()?)?;
    /// let calendar = Calendar::from_ics(text, "Europe/Berlin", year)?;
    /// assert_eq!(calendar.get("2026-05-01".parse()?).unwrap().name, "Labour Day");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_ics(text: &str, time_zone: &str, period: Period) -> Result<Self> {
        let zone =
            Zone::new(time_zone).map_err(|reason| Error::policy("site.time_zone", reason))?;
        let whole = |reason: String| Error::Calendar {
            event: None,
            reason,
        };
        if text.len() > MAX_BYTES {
            let size = text.len();
            return Err(whole(format!(
                "it has {size} bytes, the limit is {MAX_BYTES}"
            )));
        }
        let unfolded = parser::unfold(text.trim_start_matches('\u{feff}'));
        let events = count_events(&unfolded).map_err(whole)?;
        let parsed = parser::read_calendar(&unfolded).map_err(|error| {
            whole(
                error
                    .lines()
                    .next()
                    .unwrap_or("it cannot be parsed")
                    .to_owned(),
            )
        })?;
        let found = parsed.components.iter();
        let found = found.filter(|it| it.name.as_str().eq_ignore_ascii_case("VEVENT"));
        let found: Vec<&Component<'_>> = found.collect();
        if found.len() != events {
            return Err(whole(format!(
                "only {} of its {events} events can be parsed",
                found.len()
            )));
        }
        let mut reader = Reader {
            zone,
            zones: BTreeMap::new(),
            days: period.day_numbers(),
            budget: DateBudget::new(),
            replaced: BTreeSet::new(),
        };
        for event in &found {
            reader
                .read_replacement(event)
                .map_err(|reason| error_of(event, reason))?;
        }
        let mut calendar = Self::new();
        for event in &found {
            reader
                .add(event, &mut calendar)
                .map_err(|reason| error_of(event, reason))?;
        }
        Ok(calendar)
    }
}

/// An error that names the event.
fn error_of(event: &Component<'_>, reason: String) -> Error {
    let name = value(event, "UID")
        .or_else(|| value(event, "SUMMARY"))
        .unwrap_or("without a name");
    Error::Calendar {
        event: Some(name.chars().take(100).collect()),
        reason,
    }
}

/// Checks that components are nested correctly, and counts the events. The parser stops without an error where it cannot read
/// on, so its result is compared with this number.
fn count_events(text: &str) -> Result<usize, String> {
    let (mut open, mut events) = (Vec::new(), 0);
    let mut calendars = 0;
    for line in text.lines() {
        let line = line.trim_end();
        let is = |prefix: &str| {
            line.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if is("BEGIN:") {
            let name = line[6..].to_ascii_uppercase();
            events += usize::from(name == "VEVENT");
            calendars += usize::from(name == "VCALENDAR");
            open.push(name);
            if open.len() > 8 {
                return Err("its components are nested more than 8 deep".to_owned());
            }
        } else if is("END:") {
            let name = line[4..].to_ascii_uppercase();
            if open.pop().as_deref() != Some(&name) {
                return Err(format!("END:{name} without its BEGIN"));
            }
        }
    }
    if events > MAX_EVENTS {
        return Err(format!("it has {events} events, the limit is {MAX_EVENTS}"));
    }
    match (open.pop(), calendars) {
        (Some(name), _) => Err(format!("it is truncated: {name} does not end")),
        (None, 1) => Ok(events),
        (None, 0) => Err("it is not a calendar: BEGIN:VCALENDAR is missing".to_owned()),
        (None, several) => Err(format!("it has {several} calendars; give one at a time")),
    }
}

fn properties<'a, 'e>(
    event: &'e Component<'a>,
    name: &'static str,
) -> impl Iterator<Item = &'e Property<'a>> {
    let properties = event.properties.iter();
    properties.filter(move |it| it.name.as_str().eq_ignore_ascii_case(name))
}

fn property<'a, 'e>(event: &'e Component<'a>, name: &'static str) -> Option<&'e Property<'a>> {
    properties(event, name).next()
}

fn value<'e>(event: &'e Component<'_>, name: &'static str) -> Option<&'e str> {
    property(event, name).map(|property| property.val.as_str())
}

fn parameter<'e>(property: &'e Property<'_>, name: &str) -> Option<&'e str> {
    let mut parameters = property.params.iter();
    let found = parameters.find(|it| it.key.as_str().eq_ignore_ascii_case(name));
    found.and_then(|it| it.val.as_ref()).map(|it| it.as_str())
}

/// Refuses an event with properties that are not supported.
fn check_properties(event: &Component<'_>) -> Result<(), String> {
    for name in ["DTSTART", "DTEND", "DURATION", "RRULE"] {
        let number = properties(event, name).count();
        if number > 1 {
            return Err(format!("{name} is given {number} times"));
        }
    }
    if property(event, "EXRULE").is_some() {
        return Err("EXRULE is not supported; name the days by EXDATE".to_owned());
    }
    Ok(())
}

/// Reads the events of a file.
struct Reader {
    /// The zone of the site.
    zone: Zone,
    /// The zones that events name.
    zones: BTreeMap<String, Zone>,
    days: RangeInclusive<DayNumber>,
    budget: DateBudget,
    /// Occurrences that another event replaces: the UID and the day.
    replaced: BTreeSet<(String, DayNumber)>,
}

impl Reader {
    /// Records the occurrence that an event replaces, if it replaces one.
    fn read_replacement(&mut self, event: &Component<'_>) -> Result<(), String> {
        if let (Some(id), Some(recurrence)) =
            (value(event, "UID"), property(event, "RECURRENCE-ID"))
        {
            if let Some(range) = parameter(recurrence, "RANGE") {
                return Err(format!("RANGE={range} is not supported"));
            }
            let day = DayNumber::of(self.local_in(recurrence)?.0.date());
            self.replaced.insert((id.to_owned(), day));
        }
        Ok(())
    }

    /// Adds the days of an event to the calendar.
    fn add(&mut self, event: &Component<'_>, calendar: &mut Calendar) -> Result<(), String> {
        check_properties(event)?;
        if value(event, "STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
            return Ok(());
        }
        let start = property(event, "DTSTART").ok_or("it has no DTSTART")?;
        let (start, all_day) = self.local_in(start)?;
        let end = self.end_of(event, start, all_day)?;
        let (start_day, end_second) = (DayNumber::of(start.date()), local_seconds(end));
        if end_second <= local_seconds(start) {
            return Err(format!("it ends at {end}, not after its start at {start}"));
        }
        let days = DayNumber::of_local(end_second - 1).days_since(start_day) + 1;
        if days > MAX_DAYS {
            return Err(format!("it lasts {days} days, the limit is {MAX_DAYS}"));
        }
        let half = if all_day {
            None
        } else {
            let end = end_second - start_day.local_start();
            half(second_of_day(start.time()), end)?
        };
        let length = days as i32;
        let name = value(event, "SUMMARY").unwrap_or("holiday");
        let (first, last) = (*self.days.start(), *self.days.end());
        for start in self.starts(event, start, length)? {
            let days = start.max(first)..=(start + length - 1).min(last);
            for day in DayNumber::all(days) {
                self.budget.spend(1)?;
                calendar.add(day.date(), name, half);
            }
        }
        Ok(())
    }

    /// The end of an event, by its DTEND or DURATION.
    fn end_of(
        &mut self,
        event: &Component<'_>,
        start: DateTime,
        all_day: bool,
    ) -> Result<DateTime, String> {
        match (property(event, "DTEND"), value(event, "DURATION")) {
            (Some(end), _) => Ok(self.local_in(end)?.0),
            (None, Some(length)) => {
                let span: Span = length
                    .parse()
                    .map_err(|_| format!("DURATION {length:?} cannot be read"))?;
                start
                    .checked_add(span)
                    .map_err(|_| format!("DURATION {length:?} is too long"))
            }
            (None, None) if all_day => start
                .checked_add(Span::new().days(1))
                .map_err(|_| "it ends too late".to_owned()),
            (None, None) => Err("it has a time and no end".to_owned()),
        }
    }

    /// The days on which an event of `length` days starts, by its rule and its dates.
    fn starts(
        &mut self,
        event: &Component<'_>,
        start: DateTime,
        length: i32,
    ) -> Result<BTreeSet<DayNumber>, String> {
        let mut starts = BTreeSet::new();
        match value(event, "RRULE") {
            Some(rule) => {
                // An event that starts before the period may reach into it.
                let days = *self.days.start() - length..=*self.days.end();
                starts.extend(dates(start, rule, &self.zone, days, &mut self.budget)?);
            }
            None => {
                starts.insert(DayNumber::of(start.date()));
            }
        }
        for property in properties(event, "RDATE") {
            starts.extend(self.days_in(property)?);
        }
        for property in properties(event, "EXDATE") {
            for day in self.days_in(property)? {
                starts.remove(&day);
            }
        }
        if property(event, "RECURRENCE-ID").is_none()
            && let Some(id) = value(event, "UID")
        {
            starts.retain(|day| !self.replaced.contains(&(id.to_owned(), *day)));
        }
        Ok(starts)
    }

    /// The time of a property in the zone of the site, and `true` if it is only a date.
    fn local_in(&mut self, property: &Property<'_>) -> Result<(DateTime, bool), String> {
        self.local_of(property, property.val.as_str())
    }

    fn local_of(
        &mut self,
        property: &Property<'_>,
        text: &str,
    ) -> Result<(DateTime, bool), String> {
        Ok(match parse_time(text.trim())? {
            Time::Date(date) => (date.at(0, 0, 0, 0), true),
            Time::Utc(at) => {
                let instant = Instant::from_second(local_seconds(at));
                (date_time(self.zone.local(instant)), false)
            }
            Time::Local(at) => match parameter(property, "TZID") {
                Some(name) => {
                    let instant = self.zone_of(name)?.instant(local_seconds(at));
                    (date_time(self.zone.local(instant)), false)
                }
                None => (at, false),
            },
        })
    }

    fn zone_of(&mut self, name: &str) -> Result<&Zone, String> {
        if !self.zones.contains_key(name) {
            self.zones.insert(name.to_owned(), Zone::new(name)?);
        }
        Ok(&self.zones[name])
    }

    fn days_in(&mut self, property: &Property<'_>) -> Result<Vec<DayNumber>, String> {
        let times = property.val.as_str().split(',');
        times
            .map(|text| Ok(DayNumber::of(self.local_of(property, text)?.0.date())))
            .collect()
    }
}

/// The free half of an event with times, which are in seconds since the midnight before it.
fn half(from: i64, to: i64) -> Result<Option<Half>, String> {
    let noon = 12 * HOUR;
    if from < 10 * HOUR && to > 16 * HOUR {
        Ok(None)
    } else if to <= noon {
        Ok(Some(Half::Morning))
    } else if from >= noon && to <= DAY {
        Ok(Some(Half::Afternoon))
    } else {
        Err("its times are neither half a day nor a whole day: end by 12:00, begin from 12:00 on, or make it an all-day event".to_owned())
    }
}
