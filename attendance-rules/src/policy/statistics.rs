//! Rules for statistics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rules that [`Statistics`](crate::Statistics) apply to sums.
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
    /// This many late days make half a day of leave. Default: none.
    pub lates_per_half_day: Option<u32>,
    /// This many marks make half a day of leave. A late arrival is a mark, and leaving early is one. Default: none. Give either
    /// this or `lates_per_half_day`.
    pub marks_per_half_day: Option<u32>,
    /// This many sessions of each person do not count: first absences, then late ones. Default: 0.
    pub drop_lowest: u32,
    /// Warn if the attendance rate is below this percentage. Default: never.
    pub warn_below_percent: Option<u32>,
    /// Do not warn before this many days or sessions were due. Default: 0.
    pub warn_after: u32,
}
