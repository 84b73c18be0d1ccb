//! What a policy says: the types of the file, with their defaults.

mod check;
mod parse;
mod preset;
mod read;
mod scans;
mod work;

use jiff::civil::{Date, Time, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use {
    check::{check_days, check_schedule},
    parse::closest,
};
pub use {scans::*, work::*};

use crate::Seconds;

/// A policy: what counts as a scan, which shifts there are, how work is counted, and what statistics warn of.
///
/// Every key has a default, and unknown keys are refused. Times are of the site's time zone; lengths of time bear their
/// unit.
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
    /// Where: time zone and working week.
    pub site: Site,
    /// What a sighting means at once.
    pub scans: Scans,
    /// What is unusual about a scan, and what follows from that.
    pub anomalies: Anomalies,
    /// The shifts that there are. Without any, punches form shifts by their distances.
    pub shifts: Vec<Shift>,
    /// Who works which shifts when, of those whose own schedule says nothing.
    pub schedule: Schedule,
    /// How punches become shifts, and shifts days.
    pub assignment: Assignment,
    /// How time is counted.
    pub work: Work,
    /// Breaks of shifts that have none of their own.
    pub breaks: Vec<Break>,
    /// What is worked beyond what is expected.
    pub overtime: Overtime,
    /// Windows of the day whose worked time is reported apart, such as the night.
    pub windows: Vec<Window>,
    /// What the statistics derive and warn of.
    pub statistics: StatisticsPolicy,
}

/// Where the policy holds.
///
/// ```
/// use attendance_rules::{Day, Policy};
///
/// let policy = Policy::from_toml(
///     r#"
///     [site]
///     time_zone = "Africa/Cairo"
///     working_days = ["sun", "mon", "tue", "wed", "thu"]
///     week_starts = "sun"
///     "#,
/// )?;
/// assert_eq!(policy.site.week_starts, Day::Sun);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Site {
    /// An IANA name, such as `Europe/Berlin`. Default: `UTC`.
    pub time_zone: String,
    /// Default: Monday to Friday.
    pub working_days: Vec<Day>,
    /// The first day of the week for weekly overtime. Default: Monday.
    pub week_starts: Day,
    /// Places that are apart, with their devices.
    pub places: Vec<Place>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            working_days: vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri],
            week_starts: Day::Mon,
            places: Vec::new(),
        }
    }
}

/// A place with devices, and how far it is from others.
///
/// ```
/// use attendance_rules::{Policy, Seconds};
///
/// let policy = Policy::from_toml(
///     r#"
///     [[site.places]]
///     name = "Berlin"
///     devices = ["front door", "yard"]
///     travel = "30m"
///     
///     [[site.places]]
///     name = "Potsdam"
///     devices = ["hall"]
///     travel = "45m"
///     
///     [anomalies]
///     impossible_travel = { action = "refuse" }
///     "#,
/// )?;
/// // Between the two, the longer of the times.
/// assert_eq!(policy.site.places[1].travel, Seconds::minutes(45));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// The devices there.
    pub devices: Vec<String>,
    /// The least time that the way from any other place takes.
    pub travel: Seconds,
}

/// A day of the week.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are the days of the week")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl From<Weekday> for Day {
    fn from(weekday: Weekday) -> Self {
        const DAYS: [Day; 7] = [
            Day::Mon,
            Day::Tue,
            Day::Wed,
            Day::Thu,
            Day::Fri,
            Day::Sat,
            Day::Sun,
        ];
        DAYS[crate::time::weekday_index(weekday)]
    }
}

/// A shift. A split shift is two on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Shift {
    /// Its name, unique in the policy.
    pub name: String,
    /// When it starts.
    #[serde(deserialize_with = "read::clock")]
    #[schemars(with = "String")]
    pub start: Time,
    /// When it ends; on the next day where `overnight` is set.
    #[serde(deserialize_with = "read::clock")]
    #[schemars(with = "String")]
    pub end: Time,
    /// Whether it ends on the day after it starts.
    #[serde(default)]
    pub overnight: bool,
    /// People come and go within start and end as they like: nobody is late, and `expected` is what counts.
    #[serde(default)]
    pub flexible: bool,
    /// How long one works. Default: what counts of it for who works from start to end, without the breaks.
    #[serde(default)]
    pub expected: Option<Seconds>,
    /// How long before the start a punch belongs to it, inclusive. Default: an hour.
    #[serde(default = "an_hour")]
    pub margin_before: Seconds,
    /// How long after the end a punch belongs to it, inclusive. Default: an hour.
    #[serde(default = "an_hour")]
    pub margin_after: Seconds,
    /// Somebody who comes more than this after the start is late. Default: 0s.
    #[serde(default)]
    pub late_after: Seconds,
    /// Somebody who goes more than this before the end leaves early. Default: 0s.
    #[serde(default)]
    pub early_before: Seconds,
    /// Breaks in place of the policy's.
    #[serde(default)]
    pub breaks: Option<Vec<Break>>,
}

fn an_hour() -> Seconds {
    Seconds::hours(1)
}

impl Shift {
    /// A fixed shift with margins of an hour and no grace; it ends on the next day where `end` is not after `start`.
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
            breaks: None,
        }
    }
}

/// Which shifts when.
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
        /// Names of shifts; `None` for all of the policy's.
        #[schemars(default)]
        shifts: Option<Vec<String>>,
    },
    /// Shifts by day of the week.
    Weekly {
        /// Names of shifts. A day that is missing is free.
        days: std::collections::BTreeMap<Day, Vec<String>>,
    },
    /// A cycle of days that repeats.
    Rotation {
        /// The first day of a cycle.
        #[schemars(with = "String")]
        from: Date,
        /// Names of shifts on each day of the cycle; none for a day off.
        cycle: Vec<Vec<String>>,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self::WorkingDays { shifts: None }
    }
}

/// What the statistics derive and warn of.
///
/// ```
/// use attendance_rules::Policy;
///
/// let policy = Policy::from_toml(
///     r#"
///     [statistics]
///     lates_per_half_day = 3
///     warn_below_percent = 75
///     warn_after = 10
///     "#,
/// )?;
/// assert_eq!(policy.statistics.warn_after, 10);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct StatisticsPolicy {
    /// This many times late make half a day of leave. Default: never.
    pub lates_per_half_day: Option<u32>,
    /// A warning where the rate is below this many per cent. Default: none.
    pub warn_below_percent: Option<u32>,
    /// No warning before this many days or sessions have counted. Default: 0.
    pub warn_after: u32,
}
