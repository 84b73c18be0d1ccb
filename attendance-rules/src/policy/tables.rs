//! Tables of the policy file whose keys depend on their `kind`. They are read by hand, because serde's tagged enums name no
//! key in their errors.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    breaks::{Break, Deduct},
    clock,
    schedule::Schedule,
    site::Day,
};
use crate::seconds::Seconds;

/// A time of day in a table that has a `kind`.
struct Clock(Time);

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        clock::deserialize(deserializer).map(Self)
    }
}

/// A date in a table that has a `kind`.
struct OnDate(Date);

impl<'de> Deserialize<'de> for OnDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        clock::parse_date(&text).map(Self).map_err(D::Error::custom)
    }
}

/// The value of a key that the kind requires.
fn required<T, E: Error>(value: Option<T>, key: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(key))
}

/// Fails if a key is present that the kind does not have.
fn refuse_others<E: Error>(kind: &str, keys: &[(&str, bool)]) -> Result<(), E> {
    match keys.iter().find(|(_, is_present)| *is_present) {
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
    shortest: Seconds,
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
                refuse_others("fixed", &others)?;
                Ok(Self::Fixed {
                    from: required(keys.from, "from")?.0,
                    to: required(keys.to, "to")?.0,
                    at_most: keys.at_most,
                    shortest: keys.shortest,
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
                refuse_others("after_work", &others)?;
                Ok(Self::AfterWork {
                    worked: required(keys.worked, "worked")?,
                    length: required(keys.length, "length")?,
                    shortest: keys.shortest,
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
                refuse_others("working_days", &[days, from, cycle])?;
                Ok(Self::WorkingDays {
                    shifts: keys.shifts,
                })
            }
            ScheduleKind::Weekly => {
                refuse_others("weekly", &[shifts, from, cycle])?;
                let days = required(keys.days, "days")?;
                Ok(Self::Weekly { days })
            }
            ScheduleKind::Rotation => {
                refuse_others("rotation", &[shifts, days])?;
                Ok(Self::Rotation {
                    from: required(keys.from, "from")?.0,
                    cycle: required(keys.cycle, "cycle")?,
                })
            }
        }
    }
}
