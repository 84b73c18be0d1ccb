//! Dates and times, as files write them.

use attendance_rules::{DateOrder, LogTime};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

use crate::error::{Error, Place, Result};

/// The form that error messages suggest.
const EXAMPLE: &str = "2026-03-02 08:59:30";

/// A date as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrittenDate {
    Date(Date),
    /// Two numbers, of which one is the day and one the month, and a year.
    Numbers(i8, i8, i16),
}

/// A point in time as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Instant(Timestamp),
    Local(WrittenDate, Time, Option<Offset>),
}

/// Reads a date and a time of day.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(at) = text.parse() {
        return Ok(Moment::Instant(at));
    }
    let (date, rest) = split_date(text);
    if rest.is_empty() {
        return match written_date(date) {
            Ok(_) => Err(format!("{text:?} has no time of day; write {EXAMPLE}")),
            Err(reason) => Err(not_a_time(text, date, &reason)),
        };
    }
    let date = written_date(date).map_err(|reason| not_a_time(text, date, &reason))?;
    let (time, offset) = time_and_offset(rest)
        .ok_or_else(|| format!("{text:?}: {rest:?} is not a time of day; write {EXAMPLE}"))?;
    Ok(Moment::Local(date, time, offset))
}

/// Reads a date and a time of day that have a column each.
pub(crate) fn moment_of(date: &str, time: &str) -> Result<Moment, String> {
    // A spreadsheet writes midnight after a date, and an old date before a time.
    let date = date
        .trim_end_matches(" 00:00:00")
        .trim_end_matches("T00:00:00");
    let time = time
        .trim_start_matches("1899-12-30T")
        .trim_start_matches("1900-01-00 ");
    let read = written_date(date)?;
    let (time, offset) = time_and_offset(time)
        .ok_or_else(|| format!("{time:?} is not a time of day; write 08:59:30"))?;
    Ok(Moment::Local(read, time, offset))
}

fn not_a_time(text: &str, date: &str, reason: &str) -> String {
    if date == text && reason.ends_with("write 2026-03-02") {
        format!("{text:?} is not a date and time; write {EXAMPLE}")
    } else {
        reason.to_owned()
    }
}

/// Splits a text into the date and what follows it.
fn split_date(text: &str) -> (&str, &str) {
    let is_space = |c: char| c.is_whitespace();
    // 2026-03-02T08:00
    if let Some((date, time)) = text.split_once(['T', 't'])
        && date.ends_with(|c: char| c.is_ascii_digit())
        && time.starts_with(|c: char| c.is_ascii_digit())
    {
        return (date, time.trim());
    }
    let mut words = 1;
    let mut parts = text.split(is_space).filter(|part| !part.is_empty());
    let (_, second) = (parts.next(), parts.next());
    if second.is_some_and(|second| month(second.trim_matches(['.', ','])).is_some()) {
        // 2 March 2026
        words = 3;
    }
    let mut end = 0;
    for _ in 0..words {
        end += text[end..].len() - text[end..].trim_start().len();
        end += text[end..].find(is_space).unwrap_or(text.len() - end);
    }
    (text[..end].trim_end_matches(','), text[end..].trim())
}

/// Reads a date.
pub(crate) fn written_date(text: &str) -> Result<WrittenDate, String> {
    let wrong = || format!("{text:?} is not a date; write 2026-03-02");
    let no_such_day = || format!("{text:?} is not a day of the calendar");
    let day_of = |year: &str, month: i8, day: &str| {
        let (year, day) = (
            number(year).ok_or_else(wrong)?,
            number(day).ok_or_else(wrong)?,
        );
        let day = i8::try_from(day).map_err(|_| no_such_day())?;
        let date = Date::new(year, month, day).map_err(|_| no_such_day())?;
        Ok(WrittenDate::Date(date))
    };
    let small = |text: &str| {
        let number = number(text).ok_or_else(wrong)?;
        i8::try_from(number).map_err(|_| no_such_day())
    };
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return day_of(&text[..4], small(&text[4..6])?, &text[6..]);
    }
    let parts = text
        .split(['-', '/', '.', ' '])
        .map(|part| part.trim_matches(','));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let [first, second, third] = parts[..] else {
        return Err(wrong());
    };
    if let Some(month) = month(second) {
        return if first.len() == 4 {
            day_of(first, month, third)
        } else {
            long_year(third, text)?;
            day_of(third, month, first)
        };
    }
    if first.len() == 4 {
        return day_of(first, small(second)?, third);
    }
    number(first).ok_or_else(wrong)?;
    number(second).ok_or_else(wrong)?;
    long_year(third, text)?;
    if text.contains('.') {
        return day_of(third, small(second)?, first);
    }
    let year = number(third).ok_or_else(wrong)?;
    Ok(WrittenDate::Numbers(small(first)?, small(second)?, year))
}

fn long_year(year: &str, text: &str) -> Result<(), String> {
    if year.len() == 2 && number(year).is_some() {
        return Err(format!("{text:?}: write the year with four digits"));
    }
    Ok(())
}

fn number(text: &str) -> Option<i16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// The month of an English name or its first three letters.
fn month(text: &str) -> Option<i8> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let text = text.to_ascii_lowercase();
    if text.len() < 3 {
        return None;
    }
    (1..).zip(NAMES).find_map(|(number, name)| {
        let is_month =
            name == text || &name[..3] == text.as_str() || (name == "september" && text == "sept");
        is_month.then_some(number)
    })
}

/// Reads a time of day, possibly with AM or PM, and with an offset.
fn time_and_offset(text: &str) -> Option<(Time, Option<Offset>)> {
    let text = text
        .to_ascii_lowercase()
        .replace("a.m.", "am")
        .replace("p.m.", "pm");
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ','));
    let (clock, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest = rest.trim();
    let (half, rest) = if let Some(rest) = rest.strip_prefix("am") {
        (Some(0), rest)
    } else if let Some(rest) = rest.strip_prefix("pm") {
        (Some(12), rest)
    } else {
        (None, rest)
    };
    let offset = match rest.trim() {
        "" => None,
        "z" | "utc" => Some(Offset::UTC),
        offset => Some(fixed_offset(offset)?),
    };
    let mut parts = clock.split([':', '.', ',']);
    let (hour, minute) = (number(parts.next()?)?, parts.next()?);
    if minute.len() != 2 {
        return None;
    }
    let minute = number(minute)?;
    let second = parts.next().map_or(Some(0), number)?;
    // A fraction of a second is dropped.
    if parts
        .next()
        .is_some_and(|fraction| number(&fraction[..fraction.len().min(1)]).is_none())
    {
        return None;
    }
    if parts.next().is_some() {
        return None;
    }
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    let small = |number: i16| i8::try_from(number).ok();
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some((time, offset))
}

/// Reads `+01:00`, `+0100` or `+01`.
fn fixed_offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits.replace(':', "")),
        ("-", digits) => (-1, digits.replace(':', "")),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (number(&digits)?, 0),
        4 => (number(digits.get(..2)?)?, number(digits.get(2..)?)?),
        _ => return None,
    };
    let minutes = i32::from(hours) * 60 + i32::from(minutes);
    Offset::from_seconds(sign * minutes * 60).ok()
}

/// The order of day and month in the dates of a file.
pub(crate) fn date_order(
    dates: impl Iterator<Item = (Place, WrittenDate)>,
    stated: Option<DateOrder>,
) -> Result<DateOrder> {
    if let Some(stated) = stated {
        return Ok(stated);
    }
    let (mut day_first, mut month_first, mut unclear) = (None, None, None);
    for (place, date) in dates {
        let WrittenDate::Numbers(first, second, year) = date else {
            continue;
        };
        let here = Some((place, first, second, year));
        match (first > 12, second > 12) {
            (true, false) => day_first = day_first.or(here),
            (false, true) => month_first = month_first.or(here),
            (false, false) if first != second => unclear = unclear.or(here),
            // The same in both orders, or a date in neither.
            _ => {}
        }
    }
    let shown = |(place, first, second, year): (Place, i8, i8, i16)| {
        format!("{place} has {first:02}/{second:02}/{year}")
    };
    match (day_first, month_first, unclear) {
        (Some(day), Some(month), _) => Err(Error::Dates {
            reason: format!(
                "{}, where the day is first, and {}, where the month is first",
                shown(day),
                shown(month)
            ),
        }),
        (None, None, Some(here)) => Err(Error::Dates {
            reason: format!(
                "{}, and no date of the file says whether the day or the month is first; state \
                 day_first or month_first",
                shown(here)
            ),
        }),
        (_, Some(_), _) => Ok(DateOrder::MonthFirst),
        _ => Ok(DateOrder::DayFirst),
    }
}

impl WrittenDate {
    /// The date, in the order of day and month.
    pub(crate) fn date(self, order: DateOrder) -> Result<Date, String> {
        match self {
            Self::Date(date) => Ok(date),
            Self::Numbers(first, second, year) => {
                let (day, month, words) = match order {
                    DateOrder::DayFirst => (first, second, "the day"),
                    DateOrder::MonthFirst => (second, first, "the month"),
                };
                Date::new(year, month, day).map_err(|_| {
                    format!("{first:02}/{second:02}/{year} is not a day of the calendar if {words} is first")
                })
            }
        }
    }
}

impl Moment {
    pub(crate) fn written_date(self) -> Option<WrittenDate> {
        match self {
            Self::Instant(_) => None,
            Self::Local(date, ..) => Some(date),
        }
    }

    /// The time as a log has it. A local time in `zone` that is out of the range of times is an error.
    pub(crate) fn log_time(self, order: DateOrder, zone: &TimeZone) -> Result<LogTime, String> {
        let (date, time, offset) = match self {
            Self::Instant(at) => return Ok(LogTime::Instant(at)),
            Self::Local(date, time, offset) => (date.date(order)?, time, offset),
        };
        let local = DateTime::from_parts(date, time);
        let at = match offset {
            Some(offset) => offset.to_timestamp(local).map(LogTime::Instant),
            None => zone.to_timestamp(local).map(|_| LogTime::Local(local)),
        };
        at.map_err(|_| format!("{local} is out of the range of times"))
    }
}
