//! The counting of time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rounding::Rounding;
use crate::seconds::Seconds;

/// The counting of time.
///
/// ```
/// use attendance_rules::Policy;
///
/// let policy = Policy::from_toml(
///     r#"
///     [work]
///     count = "first_in_last_out"
///     before_start = false
///     full_day = "6h"
///     half_day = "3h"
///     "#,
/// )?;
/// assert!(policy.work.after_end);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Work {
    /// The punches from which time is counted. Default: pairs.
    pub count: Count,
    /// Time before the scheduled start counts. Default: yes.
    pub before_start: bool,
    /// Time after the scheduled end counts. Default: yes.
    pub after_end: bool,
    /// The expected time of a working day without shifts. Default: none.
    pub expected: Option<Seconds>,
    /// The expected time of a week, on days that the person chooses. Default: none.
    ///
    /// Each day is expected to have the time that was worked on it, until the expected time of the week is reached. The last
    /// working day of the week has the rest. A working day that is free by a holiday, by leave, or because the person was not
    /// employed lowers the expected time by its share of the working days. On days without shifts, nobody is absent.
    pub expected_weekly: Option<Seconds>,
    /// The expected time of a calendar month, on days that the person chooses, as `expected_weekly`. Default: none.
    pub expected_monthly: Option<Seconds>,
    /// Missing time up to this does not lower the balance of a day. More missing time lowers it from its first second.
    /// Default: 0s.
    pub tolerance: Seconds,
    /// A day with less than this is half a day. Default: three quarters of the expected time of the day, less the graces
    /// `late_after` and `early_before` of its shifts. On a day without work due, three quarters of the expected time of an
    /// ordinary day. If nothing is expected, each day with work is a full day.
    pub full_day: Option<Seconds>,
    /// A day with less than this is an absence, if work was due on it, and does not count as a day otherwise. Default: no
    /// such day is an absence. On a day without work due, half of the time of a full day.
    pub half_day: Option<Seconds>,
    /// The rounding of times and sums. Default: none.
    pub rounding: Rounding,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            count: Count::default(),
            before_start: true,
            after_end: true,
            expected: None,
            expected_weekly: None,
            expected_monthly: None,
            tolerance: Seconds(0),
            full_day: None,
            half_day: None,
            rounding: Rounding::default(),
        }
    }
}

/// The punches of a shift from which time is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// From each IN to the next OUT. Of several INs in a row, the first counts, and so of several OUTs.
    #[default]
    Pairs,
    /// From the first IN to the last OUT.
    FirstInLastOut,
    /// From the first punch to the last. Directions do not matter.
    FirstToLast,
}
