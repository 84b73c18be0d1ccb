//! The dates of recurrence rules (RFC 5545).
//!
//! The library `rrule` computes the dates; the zones are jiff's. A rule is evaluated in local time as if that were UTC, so
//! changes of the clock do not move a date.

use std::{collections::BTreeSet, ops::RangeInclusive};

use jiff::civil::{Date, DateTime};
use rrule::RRuleSet;

use crate::{
    time::{DAY, DayNumber, HOUR, Instant, MINUTE, second_of_day},
    zone::Zone,
};

/// The maximum number of dates that the rules and events of a file have, including dates before the period.
const MAX_DATES: u32 = 300_000;
/// The cost, in dates, of a rule that ends because no more dates are found in all years.
const EXHAUSTED_COST: u32 = 30_000;

/// The number of dates that may still be computed.
pub(crate) struct DateBudget(u32);

impl DateBudget {
    pub(crate) fn new() -> Self {
        Self(MAX_DATES)
    }

    pub(crate) fn spend(&mut self, dates: u32) -> Result<(), String> {
        let left = self.0.checked_sub(dates);
        self.0 = left.ok_or_else(|| {
            format!("up to here, rules and events have more than {MAX_DATES} dates")
        })?;
        Ok(())
    }
}

/// A checked rule.
struct Rule {
    /// The parts that the library reads: all but UNTIL.
    parts: Vec<String>,
    /// The last second, in local time.
    until: i64,
    /// The least number of days from one interval of the rule to the next.
    step: i32,
    /// It has a COUNT.
    counted: bool,
    /// It repeats itself with each step.
    is_regular: bool,
}

impl Rule {
    fn parse(text: &str, zone: &Zone) -> Result<Self, String> {
        let text = text.trim();
        let text = text.strip_prefix("RRULE:").unwrap_or(text);
        let mut parts = Vec::new();
        let mut until = i64::MAX;
        let (mut frequency, mut interval) = (1, 1);
        let mut names = BTreeSet::new();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("{part:?} is not NAME=VALUE"))?;
            let name = name.to_ascii_uppercase();
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ',' | '+' | '-');
            if !value.chars().all(plain) || value.is_empty() || value.len() > 2000 {
                return Err(format!("{name}={value:?} cannot be read"));
            }
            if !names.insert(name.clone()) {
                return Err(format!("{name} is given twice"));
            }
            match &*name {
                "FREQ" => frequency = days_of_frequency(value)?,
                "INTERVAL" => {
                    let number = value.parse::<u16>().ok().filter(|&number| number > 0);
                    interval = number
                        .map(i32::from)
                        .ok_or_else(|| format!("INTERVAL={value} is not within 1 to 65535"))?;
                }
                "UNTIL" => {
                    until = match parse_time(value)? {
                        Time::Date(date) => DayNumber::of(date).local_start() + DAY - 1,
                        Time::Local(local) => local_seconds(local),
                        Time::Utc(at) => zone.local(Instant::from_second(local_seconds(at))),
                    };
                    continue;
                }
                "COUNT" | "BYDAY" | "BYMONTH" | "BYMONTHDAY" | "BYYEARDAY" | "BYWEEKNO"
                | "BYSETPOS" | "WKST" => {}
                _ => {
                    return Err(format!(
                        "{name} is not supported: a rule only says on which days"
                    ));
                }
            }
            parts.push(format!("{name}={value}"));
        }
        let counted = names.contains("COUNT");
        if names.contains("UNTIL") && counted {
            return Err("UNTIL and COUNT exclude each other".to_owned());
        }
        Ok(Self {
            parts,
            until,
            step: frequency * interval,
            counted,
            is_regular: frequency <= 7 && !counted,
        })
    }

    /// How many days after `start` the evaluation may begin without a change of the later dates.
    ///
    /// A daily or weekly rule without COUNT repeats itself with each step, so it may begin near the day `first`.
    fn days_to_skip(&self, start: DayNumber, first: DayNumber) -> i64 {
        if !self.is_regular {
            return 0;
        }
        let step = i64::from(self.step);
        let steps = first.days_since(start) / step - 1;
        steps.max(0) * step
    }

    /// The rule from a start on, in the form that the library reads.
    fn starting_at(&self, start: DateTime) -> Result<RRuleSet, String> {
        let text = format!(
            "DTSTART:{}\nRRULE:{}",
            start.strftime("%Y%m%dT%H%M%SZ"),
            self.parts.join(";")
        );
        text.parse()
            .map_err(|error: rrule::RRuleError| error.to_string())
    }
}

/// The least number of days between two intervals of a frequency.
fn days_of_frequency(value: &str) -> Result<i32, String> {
    match &*value.to_ascii_uppercase() {
        "DAILY" => Ok(1),
        "WEEKLY" => Ok(7),
        "MONTHLY" => Ok(28),
        "YEARLY" => Ok(365),
        _ => Err(format!(
            "FREQ={value}: a rule is DAILY, WEEKLY, MONTHLY or YEARLY"
        )),
    }
}

/// The days within `days` on which a rule falls that begins at `start`, in local time.
pub(crate) fn dates(
    start: DateTime,
    rule: &str,
    zone: &Zone,
    days: RangeInclusive<DayNumber>,
    budget: &mut DateBudget,
) -> Result<Vec<DayNumber>, String> {
    let rule = Rule::parse(rule, zone)?;
    if start.year() < 1900 || start.year() > 2199 {
        return Err(format!("{start} is before 1900 or after 2199"));
    }
    let (first, last) = (*days.start(), *days.end());
    let skipped = rule.days_to_skip(DayNumber::of(start.date()), first);
    let start = date_time(local_seconds(start) + skipped * DAY);
    let set = rule.starting_at(start)?;
    let mut found = Vec::new();
    let mut dates = set.limit().into_iter().peekable();
    if dates.peek().is_none() {
        return Err("it falls on no day".to_owned());
    }
    let mut previous = DayNumber::of(start.date());
    loop {
        let Some(date) = dates.next() else {
            // The library has searched all years for another date.
            budget.spend(if rule.counted { 0 } else { EXHAUSTED_COST })?;
            break;
        };
        let second = date.timestamp();
        let day = DayNumber::of_local(second);
        // The library has searched all steps between the previous date and this one.
        let steps = day.days_since(previous) / i64::from(rule.step);
        budget.spend(u32::try_from(steps.abs().max(1)).unwrap_or(u32::MAX))?;
        previous = day;
        if day > last || second > rule.until {
            break;
        }
        if day >= first && found.last() != Some(&day) {
            found.push(day);
        }
    }
    Ok(found)
}

/// A date or a time of RFC 5545.
pub(crate) enum Time {
    Date(Date),
    Local(DateTime),
    Utc(DateTime),
}

/// Reads a date or a time.
pub(crate) fn parse_time(text: &str) -> Result<Time, String> {
    let wrong = || format!("{text:?} is not a date or time");
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

/// The seconds since 1970-01-01T00:00 of a local time.
pub(crate) fn local_seconds(at: DateTime) -> i64 {
    DayNumber::of(at.date()).local_start() + second_of_day(at.time())
}

/// The local time of seconds since 1970-01-01T00:00.
pub(crate) fn date_time(local: i64) -> DateTime {
    let second = local.rem_euclid(DAY);
    let date = DayNumber::of_local(local).date();
    date.at(
        (second / HOUR) as i8,
        (second / MINUTE % MINUTE) as i8,
        (second % MINUTE) as i8,
        0,
    )
}
