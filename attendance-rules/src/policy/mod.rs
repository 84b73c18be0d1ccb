//! The policy: the types of the policy file, with their defaults.
//!
//! Each table of the file has a module with its types. [`parse`] reads files, [`check`] finds contradictions, and [`preset`]
//! has the presets.

mod assignment;
mod breaks;
pub(crate) mod check;
pub(crate) mod clock;
mod overtime;
mod parse;
mod preset;
mod rounding;
mod scans;
mod schedule;
mod site;
mod statistics;
mod tables;
mod terms;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use {
    assignment::{Assignment, DayOf, MissingOut, OutsideWindows},
    breaks::{Break, Deduct},
    overtime::{DailyOvertime, Overtime, Window},
    rounding::{Round, RoundTo, Rounding},
    scans::{
        Action, Anomalies, IgnoreKinds, LowLiveness, OutOfHours, Reaction, Scans, TooManyScans,
    },
    schedule::{OnTime, Schedule, Shift},
    site::{Day, HolidayOn, Place, RestDay, Site},
    statistics::StatisticsPolicy,
    terms::Terms,
    work::{Count, Work},
};

/// The attendance policy of a site: scans, shifts, counting of time, and statistics.
///
/// Each key has a default, and unknown keys are an error. Times are local times of the site. Lengths of time have a unit, as
/// in `"15m"`.
///
/// ```
/// use attendance_rules::{Policy, Seconds};
///
/// let policy = Policy::from_toml(
///     r#"
///     [site]
///     time_zone = "Europe/Berlin"
///
///     [[shifts]]
///     name = "night"
///     start = "22:00"
///     end = "06:00"
///     overnight = true
///     late_after = "5m"
///     "#,
/// )?;
/// assert_eq!(policy.shifts[0].late_after, Seconds::minutes(5));
/// assert_eq!(policy.scans.cooldown, Seconds(60), "a default");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Policy {
    /// The site: time zone, working week and places.
    pub site: Site,
    /// Rules for the decision on a sighting.
    pub scans: Scans,
    /// Unusual scans, and the action for each.
    pub anomalies: Anomalies,
    /// The shifts. Without shifts, punches form shifts by the time between them.
    pub shifts: Vec<Shift>,
    /// The schedule of people who have none of their own.
    pub schedule: Schedule,
    /// Dated terms of work for everybody, such as the hours of a season. They precede `schedule` and `work`.
    pub terms: Vec<Terms>,
    /// Holidays, in addition to those of the calendar.
    pub holidays: Vec<HolidayOn>,
    /// The assignment of punches to shifts, and of shifts to days.
    pub assignment: Assignment,
    /// The counting of time.
    pub work: Work,
    /// The breaks of shifts that have none of their own.
    pub breaks: Vec<Break>,
    /// Overtime.
    pub overtime: Overtime,
    /// Windows of the day whose worked time is reported separately, such as the night.
    pub windows: Vec<Window>,
    /// Rules for statistics.
    pub statistics: StatisticsPolicy,
}
