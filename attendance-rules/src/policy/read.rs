//! How values are read for which serde's own way takes too much, or names no key: times of day, dates, and tables whose keys
//! depend on their `kind`.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Deserializer, de::Error};

use super::{Break, Day, Deduct, Schedule};
use crate::Seconds;

/// A time of day in hours and minutes, and seconds where there are any.
pub(super) fn clock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_clock(&text).map_err(D::Error::custom)
}

fn parse_clock(text: &str) -> Result<Time, String> {
    let wrong = |hint: &str| Err(format!("{text:?} is no time of day; {hint}"));
    let parts: Vec<&str> = text.split(':').collect();
    if matches!(parts[..], ["24", "00"] | ["24", "00", "00"]) {
        return wrong("midnight is \"00:00\"");
    }
    let digits = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = (2..=3).contains(&parts.len()) && parts.iter().all(digits);
    match text.parse() {
        Ok(time) if plain => Ok(time),
        _ => wrong("write it as \"08:00\" or \"08:00:30\""),
    }
}

fn parse_date(text: &str) -> Result<Date, String> {
    let date = text.parse().ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| format!("{text:?} is no date; write it as \"2026-01-05\""))
}

/// A time of day within a table that has a `kind`.
struct Clock(Time);

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        clock(deserializer).map(Self)
    }
}

/// A date within a table that has a `kind`.
struct OnDate(Date);

impl<'de> Deserialize<'de> for OnDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_date(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A key that the kind must have.
fn given<T, E: Error>(value: Option<T>, key: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(key))
}

/// Keys that the kind must not have.
fn none_of<E: Error>(kind: &str, keys: &[(&str, bool)]) -> Result<(), E> {
    match keys.iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => Err(E::custom(format!("{key} does not go with kind = {kind:?}"))),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BreakKind {
    Fixed,
    AfterWork,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakKeys {
    kind: BreakKind,
    from: Option<Clock>,
    to: Option<Clock>,
    at_most: Option<Seconds>,
    worked: Option<Seconds>,
    length: Option<Seconds>,
    #[serde(default)]
    deduct: Deduct,
    paid: Option<bool>,
}

impl<'de> Deserialize<'de> for Break {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = BreakKeys::deserialize(deserializer)?;
        match keys.kind {
            BreakKind::Fixed => {
                let others = [
                    ("worked", keys.worked.is_some()),
                    ("length", keys.length.is_some()),
                ];
                none_of("fixed", &others)?;
                Ok(Self::Fixed {
                    from: given(keys.from, "from")?.0,
                    to: given(keys.to, "to")?.0,
                    at_most: keys.at_most,
                    deduct: keys.deduct,
                    paid: keys.paid.unwrap_or(false),
                })
            }
            BreakKind::AfterWork => {
                let others = [
                    ("from", keys.from.is_some()),
                    ("to", keys.to.is_some()),
                    ("at_most", keys.at_most.is_some()),
                    ("paid", keys.paid.is_some()),
                ];
                none_of("after_work", &others)?;
                Ok(Self::AfterWork {
                    worked: given(keys.worked, "worked")?,
                    length: given(keys.length, "length")?,
                    deduct: keys.deduct,
                })
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScheduleKind {
    WorkingDays,
    Weekly,
    Rotation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleKeys {
    kind: ScheduleKind,
    shifts: Option<Vec<String>>,
    days: Option<BTreeMap<Day, Vec<String>>>,
    from: Option<OnDate>,
    cycle: Option<Vec<Vec<String>>>,
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = ScheduleKeys::deserialize(deserializer)?;
        let shifts = ("shifts", keys.shifts.is_some());
        let days = ("days", keys.days.is_some());
        let (from, cycle) = (
            ("from", keys.from.is_some()),
            ("cycle", keys.cycle.is_some()),
        );
        match keys.kind {
            ScheduleKind::WorkingDays => {
                none_of("working_days", &[days, from, cycle])?;
                Ok(Self::WorkingDays {
                    shifts: keys.shifts,
                })
            }
            ScheduleKind::Weekly => {
                none_of("weekly", &[shifts, from, cycle])?;
                let days = given(keys.days, "days")?;
                Ok(Self::Weekly { days })
            }
            ScheduleKind::Rotation => {
                none_of("rotation", &[shifts, days])?;
                Ok(Self::Rotation {
                    from: given(keys.from, "from")?.0,
                    cycle: given(keys.cycle, "cycle")?,
                })
            }
        }
    }
}
