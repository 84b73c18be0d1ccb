//! The site of a policy: time zone, working week and places.

use jiff::civil::{Date, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{calendar::Half, seconds::Seconds};

/// The site of the policy: time zone, working week and places.
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
    /// The name of the time zone in the IANA database, such as `Europe/Berlin`. Default: `UTC`.
    pub time_zone: String,
    /// The working days. Default: Monday to Friday.
    pub working_days: Vec<Day>,
    /// Working days of the week that are rest days in some weeks of the month. They do not apply to rotations.
    pub rest_days: Vec<RestDay>,
    /// The first day of the week for weekly overtime. Default: Monday.
    pub week_starts: Day,
    /// Names of regions that have holidays of their own. Holidays and members name them.
    pub regions: Vec<String>,
    /// Places that are at a distance from each other, with their devices.
    pub places: Vec<Place>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            working_days: vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri],
            rest_days: Vec::new(),
            week_starts: Day::Mon,
            regions: Vec::new(),
            places: Vec::new(),
        }
    }
}

/// A day of the week that is a rest day in some weeks of the month.
///
/// ```
/// use attendance_rules::Policy;
///
/// let policy = Policy::from_toml(
///     r#"
///     [site]
///     working_days = ["mon", "tue", "wed", "thu", "fri", "sat"]
///     rest_days = [{ day = "sat", weeks = [2, 4] }]
///     "#,
/// )?;
/// assert_eq!(policy.site.rest_days[0].weeks, [2, 4], "the second and the fourth Saturday of each month");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestDay {
    /// The day of the week.
    pub day: Day,
    /// Its places in the month: 1 for the first such day, to 5; -1 for the last.
    pub weeks: Vec<i8>,
}

/// A holiday of the policy.
///
/// ```
/// use attendance_rules::Policy;
///
/// let policy = Policy::from_toml(
///     r#"
///     [site]
///     regions = ["bavaria", "hamburg"]
///
///     [[holidays]]
///     date = "2026-01-01"
///     name = "New Year"
///
///     [[holidays]]
///     date = "2026-01-06"
///     name = "Epiphany"
///     regions = ["bavaria"]
///     "#,
/// )?;
/// assert!(policy.holidays[0].regions.is_empty(), "for everybody");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayOn {
    /// The day.
    #[serde(deserialize_with = "super::clock::date")]
    #[schemars(with = "String")]
    pub date: Date,
    /// The name.
    pub name: String,
    /// The free half. Default: the whole day is free.
    #[serde(default)]
    pub half: Option<Half>,
    /// The regions whose members have the holiday. Default: everybody has it.
    #[serde(default)]
    pub regions: Vec<String>,
}

/// A place with devices, and the travel time to it.
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
/// // The travel time between two places is the longer of their times.
/// assert_eq!(policy.site.places[1].travel, Seconds::minutes(45));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The name, unique in the policy.
    pub name: String,
    /// The names of the devices at this place.
    pub devices: Vec<String>,
    /// The shortest travel time from any other place.
    pub travel: Seconds,
}

/// A day of the week.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week need no explanation")]
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
    /// 0 is Monday.
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
        DAYS[weekday.to_monday_zero_offset() as usize]
    }
}
