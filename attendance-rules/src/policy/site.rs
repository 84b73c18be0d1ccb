//! The site of a policy: time zone, working week and places.

use jiff::civil::Weekday;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seconds::Seconds;

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
    /// The first day of the week for weekly overtime. Default: Monday.
    pub week_starts: Day,
    /// Places that are at a distance from each other, with their devices.
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
