//! The assignment of punches to shifts, and of shifts to days.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seconds::Seconds;

/// The assignment of punches to shifts, and of shifts to days.
///
/// ```
/// use attendance_rules::{Policy, Seconds};
///
/// let policy = Policy::from_toml(
///     r#"
///     [assignment]
///     outside_windows = "unscheduled"
///     day = "most_worked"
///     longest_shift = "12h"
///     "#,
/// )?;
/// assert_eq!(policy.assignment.new_shift_after, Seconds::hours(4), "a default");
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Assignment {
    /// The treatment of a punch outside the windows of all shifts, on a day that has shifts. Default: refuse. On days without
    /// shifts, punches always form unscheduled shifts.
    pub outside_windows: OutsideWindows,
    /// The day to which a shift belongs. Default: the day on which it starts.
    pub day: DayOf,
    /// A person who comes back after this long begins a new shift, if none is scheduled. Default: 4h.
    pub new_shift_after: Seconds,
    /// The maximum length of a stay. A person who is inside is closed out by the next OUT within this time, also after the
    /// margin of the shift, and by the next punch of unknown direction. Such a punch exactly this long after the first begins
    /// a new stay. The window of a scheduled shift can be longer. Default: 16h.
    pub longest_shift: Seconds,
    /// A punch up to this long before the start of a shift opens that shift, if it is in no shift's window and closes no open
    /// stay. It has the anomaly `before_margin` if it is before the margin. `0s` turns this off. Default: 4h.
    pub early_arrival: Seconds,
    /// The treatment of a shift without an OUT. Default: it stays open.
    pub missing_out: MissingOut,
}

impl Default for Assignment {
    fn default() -> Self {
        Self {
            outside_windows: OutsideWindows::default(),
            day: DayOf::default(),
            new_shift_after: Seconds::hours(4),
            longest_shift: Seconds::hours(16),
            early_arrival: Seconds::hours(4),
            missing_out: MissingOut::default(),
        }
    }
}

/// The treatment of a punch outside the windows of all shifts, on a day that has shifts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutsideWindows {
    /// It is refused, with the code `outside_shift`.
    #[default]
    Refuse,
    /// It is part of an unscheduled shift.
    Unscheduled,
}

/// The day to which a shift and its expected time belong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DayOf {
    /// The day on which it starts: the day of its scheduled start, or of its first punch if it is not scheduled.
    #[default]
    Start,
    /// The day on which it ends: the day of its scheduled end, or of its last punch if it is not scheduled.
    End,
    /// The day with the largest part of its scheduled time, or of its worked time if it is not scheduled. Of two equal
    /// days, the earlier.
    MostWorked,
    /// Each day has the time that was worked on it. Status, lateness and expected time of the whole shift belong to its first
    /// day.
    SplitAtMidnight,
}

/// The treatment of a shift without an OUT.
///
/// ```
/// use attendance_rules::{MissingOut, Policy, Seconds};
///
/// let policy = Policy::from_toml(
///     r#"
///     [work]
///     expected = "8h"
///
///     [assignment]
///     missing_out = { after_expected = { tolerance = "1h" } }
///     "#,
/// )?;
/// let tolerance = Seconds::hours(1);
/// assert_eq!(policy.assignment.missing_out, MissingOut::AfterExpected { tolerance });
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MissingOut {
    /// The time after the last OUT does not count, and the shift is reported as open.
    #[default]
    Open,
    /// When the shift's window has closed, an automatic OUT is set at the end of the shift, or at the start of a free
    /// afternoon. Unscheduled shifts stay open.
    AtShiftEnd,
    /// An automatic OUT is set when the expected time and the tolerance have been worked, without the breaks of the shift.
    /// Without expected time, the shift stays open.
    AfterExpected {
        /// The time in addition to the expected time.
        tolerance: Seconds,
    },
    /// No time of the shift counts until a correction adds the OUT.
    Refuse,
}
