//! Holidays from ICS files, and the dates of recurrence rules (RFC 5545).
//!
//! The libraries parse and count; zones are jiff's. A rule's dates are generated in local time as if that were UTC, so no
//! change of the clock reaches them.

use std::collections::BTreeSet;

use icalendar::parser::{self, Component, Property};
use jiff::{
    Span,
    civil::{Date, DateTime},
};
use rrule::RRuleSet;

use crate::{
    Calendar, Error, Half, Period, Result,
    time::{DAY, HOUR, Zone, date_of, day_of, second_of},
};

/// More dates than any rule has within the years that records can have.
const MOST_DATES: usize = 200_000;
/// The longest event, in days.
const LONGEST: i64 = 366;

/// The days on which a rule that begins at `start`, local time, falls from day `first` to day `last`.
pub(crate) fn dates(
    start: DateTime,
    rule: &str,
    zone: &Zone,
    first: i32,
    last: i32,
) -> Result<Vec<i32>, String> {
    let rule = rule.trim();
    let rule = rule.strip_prefix("RRULE:").unwrap_or(rule);
    let mut parts = Vec::new();
    let mut until = i64::MAX;
    let mut names = BTreeSet::new();
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| format!("{part:?} is no NAME=VALUE"))?;
        let name = name.to_ascii_uppercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ',' | '+' | '-');
        if !value.chars().all(plain) || value.is_empty() || value.len() > 2000 {
            return Err(format!("{name}={value:?} cannot be read"));
        }
        if !names.insert(name.clone()) {
            return Err(format!("{name} is there twice"));
        }
        match &*name {
            "FREQ"
                if !["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
                    .contains(&&*value.to_ascii_uppercase()) =>
            {
                return Err(format!(
                    "FREQ={value}: a rule is DAILY, WEEKLY, MONTHLY or YEARLY"
                ));
            }
            "UNTIL" => {
                until = match parse_time(value)? {
                    Time::Date(date) => i64::from(day_of(date)) * DAY + DAY - 1,
                    Time::Local(local) => local_seconds(local),
                    Time::Utc(local) => zone.local(local_seconds(local)),
                };
                continue;
            }
            "FREQ" | "INTERVAL" | "COUNT" | "BYDAY" | "BYMONTH" | "BYMONTHDAY" | "BYYEARDAY"
            | "BYWEEKNO" | "BYSETPOS" | "WKST" => {}
            _ => {
                return Err(format!(
                    "{name} is not supported: a rule says on which days, and nothing else"
                ));
            }
        }
        parts.push(format!("{name}={value}"));
    }
    if names.contains("UNTIL") && names.contains("COUNT") {
        return Err("UNTIL and COUNT exclude each other".to_owned());
    }
    if start.year() < 1900 || start.year() > 2199 {
        return Err(format!("{start} is before 1900 or after 2199"));
    }
    let text = format!(
        "DTSTART:{}\nRRULE:{}",
        start.strftime("%Y%m%dT%H%M%SZ"),
        parts.join(";")
    );
    let set: RRuleSet = text
        .parse()
        .map_err(|error: rrule::RRuleError| error.to_string())?;
    let mut found = Vec::new();
    for (at, date) in set.limit().into_iter().enumerate() {
        let second = date.timestamp();
        let day = second.div_euclid(DAY) as i32;
        if day > last || second > until || at >= MOST_DATES {
            break;
        }
        if day >= first && found.last() != Some(&day) {
            found.push(day);
        }
    }
    Ok(found)
}

impl Calendar {
    /// The holidays of an ICS file that fall within `period`.
    ///
    /// All-day events are holidays, each day of several-day ones; recurring ones by their RRULE, RDATE and EXDATE. Events
    /// with times are half-holidays where they end by noon or begin at noon or later, in `time_zone`; whole ones where they
    /// last from before 10:00 to after 16:00. Cancelled events are none.
    ///
    /// # Errors
    ///
    /// [`Error::Calendar`] where the file is no calendar, is cut short, or has an event without a date, with a rule that
    /// cannot be read, or with times that are neither half a day nor a whole one; [`Error::Policy`] for an unknown time zone.
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
        let unfolded = parser::unfold(text.trim_start_matches('\u{feff}'));
        let events = outline(&unfolded).map_err(whole)?;
        let parsed = parser::read_calendar(&unfolded).map_err(|error| {
            whole(
                error
                    .lines()
                    .next()
                    .unwrap_or("it cannot be parsed")
                    .to_owned(),
            )
        })?;
        let found: Vec<&Component<'_>> = parsed
            .components
            .iter()
            .filter(|it| it.name == "VEVENT")
            .collect();
        if found.len() != events {
            return Err(whole(format!(
                "only {} of its {events} events can be parsed",
                found.len()
            )));
        }
        let mut calendar = Self::new();
        // Occurrences that another event stands for.
        let mut replaced = BTreeSet::new();
        for event in &found {
            if let (Some(id), Some(recurrence)) =
                (value(event, "UID"), event.find_prop("RECURRENCE-ID"))
            {
                let day = day_in(recurrence, &zone).map_err(|reason| named(event, reason))?;
                replaced.insert((id.to_owned(), day));
            }
        }
        for event in &found {
            let range = period.numbers();
            add(
                event,
                &zone,
                (*range.start(), *range.end()),
                &replaced,
                &mut calendar,
            )
            .map_err(|reason| named(event, reason))?;
        }
        Ok(calendar)
    }
}

fn named(event: &Component<'_>, reason: String) -> Error {
    let name = value(event, "UID")
        .or_else(|| value(event, "SUMMARY"))
        .unwrap_or("without a name");
    Error::Calendar {
        event: Some(name.chars().take(100).collect()),
        reason,
    }
}

/// How many events a text has, where it has the outline of a calendar.
fn outline(text: &str) -> Result<usize, String> {
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
    match (open.pop(), calendars) {
        (Some(name), _) => Err(format!("it is cut short: {name} does not end")),
        (None, 1) => Ok(events),
        (None, 0) => Err("it is no calendar: BEGIN:VCALENDAR is missing".to_owned()),
        (None, several) => Err(format!("it holds {several} calendars; give one at a time")),
    }
}

fn value<'a>(event: &'a Component<'_>, name: &str) -> Option<&'a str> {
    event.find_prop(name).map(|property| property.val.as_str())
}

fn add(
    event: &Component<'_>,
    zone: &Zone,
    (first, last): (i32, i32),
    replaced: &BTreeSet<(String, i32)>,
    calendar: &mut Calendar,
) -> Result<(), String> {
    if value(event, "STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
        return Ok(());
    }
    let start = event.find_prop("DTSTART").ok_or("it has no DTSTART")?;
    let (start, all_day) = local_in(start, zone)?;
    let end = match (event.find_prop("DTEND"), value(event, "DURATION")) {
        (Some(end), _) => local_in(end, zone)?.0,
        (None, Some(length)) => {
            let span: Span = length
                .parse()
                .map_err(|_| format!("DURATION {length:?} cannot be read"))?;
            start
                .checked_add(span)
                .map_err(|_| format!("DURATION {length:?} is too long"))?
        }
        (None, None) if all_day => start
            .checked_add(Span::new().days(1))
            .map_err(|_| "it ends too late")?,
        (None, None) => return Err("it has a time and no end".to_owned()),
    };
    let (start_day, end_second) = (day_of(start.date()), local_seconds(end));
    if end_second <= local_seconds(start) {
        return Err(format!("it ends at {end}, not after its start at {start}"));
    }
    let days = (end_second - 1).div_euclid(DAY) - i64::from(start_day) + 1;
    if days > LONGEST {
        return Err(format!("it lasts {days} days, the limit is {LONGEST}"));
    }
    let half = if all_day {
        None
    } else {
        half(
            second_of(start.time()),
            end_second - i64::from(start_day) * DAY,
        )?
    };
    let longest = days as i32;
    let mut starts: BTreeSet<i32> = match value(event, "RRULE") {
        Some(rule) => dates(start, rule, zone, first.saturating_sub(longest), last)?
            .into_iter()
            .collect(),
        None => BTreeSet::from([start_day]),
    };
    for property in event
        .properties
        .iter()
        .filter(|property| property.name == "RDATE")
    {
        starts.extend(days_in(property, zone)?);
    }
    for property in event
        .properties
        .iter()
        .filter(|property| property.name == "EXDATE")
    {
        for day in days_in(property, zone)? {
            starts.remove(&day);
        }
    }
    if event.find_prop("RECURRENCE-ID").is_none()
        && let Some(id) = value(event, "UID")
    {
        starts.retain(|day| !replaced.contains(&(id.to_owned(), *day)));
    }
    let name = value(event, "SUMMARY").unwrap_or("holiday");
    for start in starts {
        for day in (start..start + longest).filter(|day| (first..=last).contains(day)) {
            calendar.add(date_of(day), name, half);
        }
    }
    Ok(())
}

/// The free half of an event with times, in seconds since the midnight before it.
fn half(from: i64, to: i64) -> Result<Option<Half>, String> {
    let noon = 12 * HOUR;
    if from < 10 * HOUR && to > 16 * HOUR {
        Ok(None)
    } else if to <= noon {
        Ok(Some(Half::Morning))
    } else if from >= noon && to <= DAY {
        Ok(Some(Half::Afternoon))
    } else {
        Err("its times are neither half a day nor a whole one: end by 12:00, begin from 12:00 on, or make it all day".to_owned())
    }
}

enum Time {
    Date(Date),
    Local(DateTime),
    Utc(DateTime),
}

fn parse_time(text: &str) -> Result<Time, String> {
    let wrong = || format!("{text:?} is no date or time");
    let (digits, utc) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    if !digits.is_ascii() {
        return Err(wrong());
    }
    if digits.len() == 8 {
        return Date::strptime("%Y%m%d", digits)
            .map(Time::Date)
            .map_err(|_| wrong());
    }
    let local = DateTime::strptime("%Y%m%dT%H%M%S", digits).map_err(|_| wrong())?;
    Ok(if utc {
        Time::Utc(local)
    } else {
        Time::Local(local)
    })
}

fn local_seconds(at: DateTime) -> i64 {
    i64::from(day_of(at.date())) * DAY + second_of(at.time())
}

fn date_time(local: i64) -> DateTime {
    let second = local.rem_euclid(DAY);
    let date = date_of(local.div_euclid(DAY) as i32);
    date.at(
        (second / HOUR) as i8,
        (second / 60 % 60) as i8,
        (second % 60) as i8,
        0,
    )
}

/// A property's time in the site's zone, and whether it is a date alone.
fn local_in(property: &Property<'_>, zone: &Zone) -> Result<(DateTime, bool), String> {
    local_of(property, property.val.as_str(), zone)
}

fn local_of(property: &Property<'_>, text: &str, zone: &Zone) -> Result<(DateTime, bool), String> {
    let named = property
        .params
        .iter()
        .find(|parameter| parameter.key == "TZID");
    let named = named.and_then(|parameter| parameter.val.as_ref());
    Ok(match parse_time(text.trim())? {
        Time::Date(date) => (date.at(0, 0, 0, 0), true),
        Time::Utc(at) => (date_time(zone.local(local_seconds(at))), false),
        Time::Local(at) => match named {
            Some(name) => {
                let there = Zone::new(name.as_str())?;
                (
                    date_time(zone.local(there.instant(local_seconds(at)))),
                    false,
                )
            }
            None => (at, false),
        },
    })
}

fn day_in(property: &Property<'_>, zone: &Zone) -> Result<i32, String> {
    Ok(day_of(local_in(property, zone)?.0.date()))
}

fn days_in(property: &Property<'_>, zone: &Zone) -> Result<Vec<i32>, String> {
    let times = property.val.as_str().split(',');
    times
        .map(|text| Ok(day_of(local_of(property, text, zone)?.0.date())))
        .collect()
}
