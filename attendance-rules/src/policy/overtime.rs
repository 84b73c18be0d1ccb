//! Overtime, and windows of the day that are reported separately.

use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seconds::Seconds;

/// A window of the day whose worked time is reported separately.
///
/// ```
/// use attendance_rules::Policy;
///
/// let policy = Policy::from_toml(
///     r#"
///     [[windows]]
///     name = "night"
///     from = "22:00"
///     to = "06:00"
///     "#,
/// )?;
/// assert_eq!(policy.windows[0].name, "night");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The name, unique in the policy.
    pub name: String,
    /// The start.
    #[serde(deserialize_with = "super::clock::deserialize")]
    #[schemars(with = "String")]
    pub from: Time,
    /// The end. It is on the next day if it is not after `from`.
    #[serde(deserialize_with = "super::clock::deserialize")]
    #[schemars(with = "String")]
    pub to: Time,
}

/// Overtime. No second counts twice: work on a holiday, on a rest day, or beyond the daily limit does not fill the week.
///
/// ```
/// use attendance_rules::{Policy, Seconds};
///
/// let policy = Policy::from_toml(
///     r#"
///     [overtime]
///     weekly_after = "40h"
///     rest_days = true
///     holidays = true
///     at_most_daily = "4h"
///     daily = { after = "9h", tolerance = "15m" }
///     "#,
/// )?;
/// assert_eq!(policy.overtime.weekly_after, Some(Seconds::hours(40)));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Overtime {
    /// Daily overtime. Default: none.
    pub daily: Option<DailyOvertime>,
    /// Work beyond this in a week is overtime. Overtime of another kind does not count towards it. Default: none.
    pub weekly_after: Option<Seconds>,
    /// A working day that is free by a holiday, by leave, or because the person was not employed lowers `weekly_after` by its
    /// share of the working days of the week. Default: no.
    pub weekly_less_free: bool,
    /// All work on a rest day is overtime. Default: no.
    pub rest_days: bool,
    /// All work on a whole holiday is overtime. Default: no.
    pub holidays: bool,
    /// The maximum overtime of a day that counts. The rest is reported separately. Default: no maximum.
    pub at_most_daily: Option<Seconds>,
}

/// Daily overtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DailyOvertime {
    /// Work beyond this is overtime. Default: the expected time of the day, and no daily overtime on days without
    /// obligation to work.
    #[serde(default)]
    pub after: Option<Seconds>,
    /// Overtime up to this does not count. Longer overtime counts from its first second. Default: 0s.
    #[serde(default)]
    pub tolerance: Seconds,
}
