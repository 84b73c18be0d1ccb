//! Holidays from ICS files, and the dates of recurrence rules (RFC 5545).
//!
//! The libraries parse and count; zones are jiff's. A rule's dates are generated in local time as if that were UTC, so no
//! change of the clock reaches them.

use std::collections::{BTreeMap, BTreeSet};

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

/// The longest text, in bytes.
const MOST_BYTES: usize = 4 << 20;
/// The most events.
const MOST_EVENTS: usize = 10_000;
/// The most dates that the rules of a file go through, those before the period included, and days of its events.
const MOST_DATES: u32 = 300_000;
/// What a rule costs, in dates, that goes through all years and finds no more.
const NOTHING: u32 = 30_000;
/// The longest event, in days.
const LONGEST: i64 = 366;

/// How many dates may still be gone through.
pub(crate) struct Budget(u32);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(MOST_DATES)
    }

    fn spend(&mut self, dates: u32) -> Result<(), String> {
        let left = self.0.checked_sub(dates);
        self.0 = left.ok_or_else(|| {
            format!("up to here, rules and events go through more than {MOST_DATES} dates")
        })?;
        Ok(())
    }
}

/// The days on which a rule that begins at `start`, local time, falls from day `first` to day `last`.
pub(crate) fn dates(
    start: DateTime,
    rule: &str,
    zone: &Zone,
    (first, last): (i32, i32),
    budget: &mut Budget,
) -> Result<Vec<i32>, String> {
    let rule = rule.trim();
    let rule = rule.strip_prefix("RRULE:").unwrap_or(rule);
    let mut parts = Vec::new();
    let mut until = i64::MAX;
    // The steps in which the rule is gone through, in days at least.
    let (mut step, mut interval) = (1, 1);
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
            "FREQ" => {
                step = match &*value.to_ascii_uppercase() {
                    "DAILY" => 1,
                    "WEEKLY" => 7,
                    "MONTHLY" => 28,
                    "YEARLY" => 365,
                    _ => {
                        return Err(format!(
                            "FREQ={value}: a rule is DAILY, WEEKLY, MONTHLY or YEARLY"
                        ));
                    }
                };
            }
            "INTERVAL" => {
                let number = value.parse::<u16>().ok().filter(|&number| number > 0);
                interval = number
                    .map(i32::from)
                    .ok_or_else(|| format!("INTERVAL={value} is not within 1 to 65535"))?;
            }
            "UNTIL" => {
                until = match parse_time(value)? {
                    Time::Date(date) => i64::from(day_of(date)) * DAY + DAY - 1,
                    Time::Local(local) => local_seconds(local),
                    Time::Utc(local) => zone.local(local_seconds(local)),
                };
                continue;
            }
            "COUNT" | "BYDAY" | "BYMONTH" | "BYMONTHDAY" | "BYYEARDAY" | "BYWEEKNO"
            | "BYSETPOS" | "WKST" => {}
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
    let counted = names.contains("COUNT");
    let regular = step <= 7 && !counted;
    let step = step * interval;
    // What repeats every few days may begin near to the period.
    let before = (first - day_of(start.date())) / step - 1;
    let ahead = i64::from(if regular { before.max(0) * step } else { 0 });
    let start = date_time(local_seconds(start) + ahead * DAY);
    let text = format!(
        "DTSTART:{}\nRRULE:{}",
        start.strftime("%Y%m%dT%H%M%SZ"),
        parts.join(";")
    );
    let set: RRuleSet = text
        .parse()
        .map_err(|error: rrule::RRuleError| error.to_string())?;
    let mut found = Vec::new();
    let mut dates = set.limit().into_iter().peekable();
    if dates.peek().is_none() {
        return Err("it falls on no day".to_owned());
    }
    let mut at = day_of(start.date());
    loop {
        let Some(date) = dates.next() else {
            // It gave up, having found nothing more for long.
            budget.spend(if counted { 0 } else { NOTHING })?;
            break;
        };
        let second = date.timestamp();
        let day = second.div_euclid(DAY) as i32;
        budget.spend(((day - at) / step).unsigned_abs().max(1))?;
        at = day;
        if day > last || second > until {
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
    /// The text has at most 4 MiB and 10,000 events, and these at most 300,000 days and dates of their rules, those before the
    /// period included; rules by day or week without COUNT begin near it.
    ///
    /// # Errors
    ///
    /// [`Error::Calendar`] where the file is no calendar, is cut short or too large, or has an event without a date, with a
    /// rule that cannot be read or falls on no day, with several rules or an EXRULE, or with times that are neither half a
    /// day nor a whole one; [`Error::Policy`] for an unknown time zone.
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
        if text.len() > MOST_BYTES {
            let size = text.len();
            return Err(whole(format!(
                "it has {size} bytes, the limit is {MOST_BYTES}"
            )));
        }
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
        let found = parsed.components.iter();
        let found = found.filter(|it| it.name.as_str().eq_ignore_ascii_case("VEVENT"));
        let found: Vec<&Component<'_>> = found.collect();
        if found.len() != events {
            return Err(whole(format!(
                "only {} of its {events} events can be parsed",
                found.len()
            )));
        }
        let range = period.numbers();
        let mut reader = Reader {
            zone,
            zones: BTreeMap::new(),
            range: (*range.start(), *range.end()),
            budget: Budget::new(),
            replaced: BTreeSet::new(),
        };
        for event in &found {
            reader
                .note_replaced(event)
                .map_err(|reason| named(event, reason))?;
        }
        let mut calendar = Self::new();
        for event in &found {
            reader
                .add(event, &mut calendar)
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
    if events > MOST_EVENTS {
        return Err(format!(
            "it has {events} events, the limit is {MOST_EVENTS}"
        ));
    }
    match (open.pop(), calendars) {
        (Some(name), _) => Err(format!("it is cut short: {name} does not end")),
        (None, 1) => Ok(events),
        (None, 0) => Err("it is no calendar: BEGIN:VCALENDAR is missing".to_owned()),
        (None, several) => Err(format!("it holds {several} calendars; give one at a time")),
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

/// What is known while the events of a file are read.
struct Reader {
    /// The site's.
    zone: Zone,
    /// Those that events name.
    zones: BTreeMap<String, Zone>,
    range: (i32, i32),
    budget: Budget,
    /// Occurrences that another event stands for, by the event's id.
    replaced: BTreeSet<(String, i32)>,
}

impl Reader {
    fn note_replaced(&mut self, event: &Component<'_>) -> Result<(), String> {
        if let (Some(id), Some(recurrence)) =
            (value(event, "UID"), property(event, "RECURRENCE-ID"))
        {
            if let Some(range) = parameter(recurrence, "RANGE") {
                return Err(format!("RANGE={range} is not supported"));
            }
            let day = day_of(self.local_in(recurrence)?.0.date());
            self.replaced.insert((id.to_owned(), day));
        }
        Ok(())
    }

    fn add(&mut self, event: &Component<'_>, calendar: &mut Calendar) -> Result<(), String> {
        for name in ["DTSTART", "DTEND", "DURATION", "RRULE"] {
            let number = properties(event, name).count();
            if number > 1 {
                return Err(format!("{name} is there {number} times"));
            }
        }
        if property(event, "EXRULE").is_some() {
            return Err("EXRULE is not supported; name the days by EXDATE".to_owned());
        }
        if value(event, "STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
            return Ok(());
        }
        let start = property(event, "DTSTART").ok_or("it has no DTSTART")?;
        let (start, all_day) = self.local_in(start)?;
        let end = match (property(event, "DTEND"), value(event, "DURATION")) {
            (Some(end), _) => self.local_in(end)?.0,
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
        let (first, last) = self.range;
        let longest = days as i32;
        let mut starts: BTreeSet<i32> = match value(event, "RRULE") {
            Some(rule) => {
                let range = (first.saturating_sub(longest), last);
                dates(start, rule, &self.zone, range, &mut self.budget)?
                    .into_iter()
                    .collect()
            }
            None => BTreeSet::from([start_day]),
        };
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
        let name = value(event, "SUMMARY").unwrap_or("holiday");
        for start in starts {
            for day in start.max(first)..=(start + longest - 1).min(last) {
                self.budget.spend(1)?;
                calendar.add(date_of(day), name, half);
            }
        }
        Ok(())
    }

    /// A property's time in the site's zone, and whether it is a date alone.
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
            Time::Utc(at) => (date_time(self.zone.local(local_seconds(at))), false),
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

    fn days_in(&mut self, property: &Property<'_>) -> Result<Vec<i32>, String> {
        let times = property.val.as_str().split(',');
        times
            .map(|text| Ok(day_of(self.local_of(property, text)?.0.date())))
            .collect()
    }
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
