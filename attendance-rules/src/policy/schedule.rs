//! Shifts, and the schedule that says on which days they are.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{breaks::Break, site::Day};
use crate::seconds::Seconds;

/// A shift. Use two shifts on one day for a split shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Shift {
    /// The name, unique in the policy.
    pub name: String,
    /// The start, in local time.
    #[serde(deserialize_with = "super::clock::deserialize")]
    #[schemars(with = "String")]
    pub start: Time,
    /// The end, in local time. It is on the next day if `overnight` is set.
    #[serde(deserialize_with = "super::clock::deserialize")]
    #[schemars(with = "String")]
    pub end: Time,
    /// The shift ends on the day after its start. Default: no.
    #[serde(default)]
    pub overnight: bool,
    /// People may come and go at any time between start and end. Nobody is late, and `expected` is required. Default: no.
    #[serde(default)]
    pub flexible: bool,
    /// The expected working time. Default: the time from start to end without the breaks.
    #[serde(default)]
    pub expected: Option<Seconds>,
    /// A punch belongs to the shift from this long before the start on, inclusive. Default: 1h.
    #[serde(default = "an_hour")]
    pub margin_before: Seconds,
    /// A punch belongs to the shift until this long after the end, inclusive. Default: 1h.
    #[serde(default = "an_hour")]
    pub margin_after: Seconds,
    /// A person who comes later than this after the start is late. Default: 0s.
    #[serde(default)]
    pub late_after: Seconds,
    /// A person who leaves earlier than this before the end leaves early. Default: 0s.
    #[serde(default)]
    pub early_before: Seconds,
    /// Punches near the start and the end that count as the start and the end. Default: none.
    #[serde(default)]
    pub on_time: OnTime,
    /// A day of this shift with less than this is half a day. Default: `work.full_day`. If a day has several shifts, their
    /// thresholds are added; if one of them has none, `work.full_day` applies.
    #[serde(default)]
    pub full_day: Option<Seconds>,
    /// A day of this shift with less than this is an absence. Default: `work.half_day`. Several shifts are added as for
    /// `full_day`.
    #[serde(default)]
    pub half_day: Option<Seconds>,
    /// The breaks of this shift. Default: the breaks of the policy.
    #[serde(default)]
    pub breaks: Option<Vec<Break>>,
}

/// Punches that count as the scheduled time. They change the counted time, but not lateness and leaving early. All limits are
/// inclusive, and a punch that is farther away counts as it is.
///
/// ```
/// use attendance_rules::{Policy, Seconds};
///
/// let policy = Policy::from_toml(
///     r#"
///     [[shifts]]
///     name = "day"
///     start = "08:00"
///     end = "17:00"
///     late_after = "5m"
///     on_time = { after_start = "5m", after_end = "15m" }
///     "#,
/// )?;
/// // 08:05 counts as 08:00, and 17:15 as 17:00. 17:16 counts as 17:16.
/// assert_eq!(policy.shifts[0].on_time.after_end, Seconds::minutes(15));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct OnTime {
    /// A person who comes up to this long before the start counts from the start. Default: 0s.
    pub before_start: Seconds,
    /// A person who comes up to this long after the start counts from the start: a grace that is paid. Default: 0s.
    pub after_start: Seconds,
    /// A person who leaves up to this long before the end counts until the end. Default: 0s.
    pub before_end: Seconds,
    /// A person who leaves up to this long after the end counts until the end. Default: 0s.
    pub after_end: Seconds,
}

fn an_hour() -> Seconds {
    Seconds::hours(1)
}

impl Shift {
    /// A shift with fixed times, margins of one hour and no grace. It ends on the next day if `end` is not after `start`.
    ///
    /// ```
    /// use attendance_rules::Shift;
    ///
    /// let night = Shift::new("night", "22:00".parse().unwrap(), "06:00".parse().unwrap());
    /// assert!(night.overnight);
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, start: Time, end: Time) -> Self {
        Self {
            name: name.into(),
            start,
            end,
            overnight: end <= start,
            flexible: false,
            expected: None,
            margin_before: an_hour(),
            margin_after: an_hour(),
            late_after: Seconds(0),
            early_before: Seconds(0),
            on_time: OnTime::default(),
            full_day: None,
            half_day: None,
            breaks: None,
        }
    }
}

/// The shifts of each day.
///
/// ```
/// use attendance_rules::{Policy, Schedule};
///
/// let policy = Policy::from_toml(
///     r#"
///     [[shifts]]
///     name = "early"
///     start = "06:00"
///     end = "14:00"
///
///     [[shifts]]
///     name = "late"
///     start = "14:00"
///     end = "22:00"
///
///     [schedule]
///     kind = "rotation"
///     from = "2026-01-05"
///     cycle = [["early"], ["early"], ["late"], ["late"], [], []]
///     "#,
/// )?;
/// assert!(matches!(policy.schedule, Schedule::Rotation { .. }));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// The same shifts on every working day.
    WorkingDays {
        /// Names of shifts. Default: all shifts of the policy.
        #[schemars(default)]
        shifts: Option<Vec<String>>,
    },
    /// Different shifts by day of the week.
    Weekly {
        /// Names of shifts by day. A day that is missing is free.
        days: BTreeMap<Day, Vec<String>>,
    },
    /// A cycle of days that repeats.
    Rotation {
        /// The first day of any cycle.
        #[schemars(with = "String")]
        from: Date,
        /// Names of shifts on each day of the cycle. An empty list is a day off.
        cycle: Vec<Vec<String>>,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self::WorkingDays { shifts: None }
    }
}
