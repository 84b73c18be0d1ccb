//! Dated terms of work: contracts of members, and seasons of a policy.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schedule::Schedule;
use crate::seconds::Seconds;

/// Terms of work from a day to another: a contract of a member, or a season for everybody.
///
/// Keys that are left out keep the value that they have without the terms. Terms of a member precede the schedule of the
/// member, and that precedes the terms of the policy. Terms in one list must not overlap.
///
/// ```
/// use attendance_rules::{Policy, Seconds};
///
/// let policy = Policy::from_toml(
///     r#"
///     [[shifts]]
///     name = "usual"
///     start = "08:00"
///     end = "16:00"
///
///     [[shifts]]
///     name = "ramadan"
///     start = "09:00"
///     end = "15:00"
///
///     [schedule]
///     kind = "working_days"
///     shifts = ["usual"]
///
///     [[terms]]
///     from = "2026-02-18"
///     to = "2026-03-19"
///     schedule = { kind = "working_days", shifts = ["ramadan"] }
///     "#,
/// )?;
/// assert_eq!(policy.terms.len(), 1);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Terms {
    /// The first day. Default: no limit.
    #[serde(deserialize_with = "super::clock::optional_date")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Date>,
    /// The last day, included. Default: no limit.
    #[serde(deserialize_with = "super::clock::optional_date")]
    #[schemars(with = "Option<String>")]
    pub to: Option<Date>,
    /// The schedule.
    pub schedule: Option<Schedule>,
    /// The expected time of a working day without shifts. It also replaces expected hours of a week or a month.
    pub expected: Option<Seconds>,
    /// The expected time of a week, as `work.expected_weekly`.
    pub expected_weekly: Option<Seconds>,
    /// The expected time of a month, as `work.expected_monthly`.
    pub expected_monthly: Option<Seconds>,
    /// A day with less than this is half a day, as `work.full_day`.
    pub full_day: Option<Seconds>,
    /// A day with less than this is an absence, as `work.half_day`.
    pub half_day: Option<Seconds>,
}
