//! How punches become shifts, and how time is counted.

use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Seconds;

/// How punches become shifts, and shifts days.
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
    /// What a punch within no shift's window is, on a day that has shifts. Default: refuse. On days without shifts,
    /// punches always form shifts of their own.
    pub outside_windows: OutsideWindows,
    /// The day to which a shift belongs. Default: the one on which it starts.
    pub day: DayOf,
    /// Who comes back after this long begins a new shift, where none is scheduled. Default: 4h.
    pub new_shift_after: Seconds,
    /// No unscheduled shift is longer than this. Default: 16h.
    pub longest_shift: Seconds,
    /// What becomes of a shift that nobody left. Default: it stays open.
    pub missing_out: MissingOut,
}

impl Default for Assignment {
    fn default() -> Self {
        Self {
            outside_windows: OutsideWindows::default(),
            day: DayOf::default(),
            new_shift_after: Seconds::hours(4),
            longest_shift: Seconds::hours(16),
            missing_out: MissingOut::default(),
        }
    }
}

/// What a punch within no shift's window is, on a day that has shifts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutsideWindows {
    /// Refused, with the code `outside_shift`.
    #[default]
    Refuse,
    /// Part of an unscheduled shift.
    Unscheduled,
}

/// The day to which a shift belongs, with what is expected of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DayOf {
    /// The day on which it starts: that of its schedule, or else that of its first punch.
    #[default]
    Start,
    /// The day on which it ends: that of its scheduled end, or else that of its last punch.
    End,
    /// The day with the most of its scheduled time, or else of its worked time; the earlier of two that are equal.
    MostWorked,
    /// Each day has what was worked on it. Presence, lateness and what is expected belong to the first, on which the
    /// shift is judged as a whole.
    SplitAtMidnight,
}

/// What becomes of a shift that nobody left.
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
    /// What follows the last OUT does not count, and the shift is reported as open.
    #[default]
    Open,
    /// Somebody who has not left when the shift's window closes left at its end, or when a free afternoon began.
    /// Unscheduled shifts stay open.
    AtShiftEnd,
    /// Somebody left when the expected hours and this much more were worked. Without expected hours, the shift stays
    /// open.
    AfterExpected {
        /// How much more.
        tolerance: Seconds,
    },
    /// Nothing of the shift counts until somebody corrects it.
    Refuse,
}

/// How time is counted.
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
    /// From which punches. Default: pairs.
    pub count: Count,
    /// Whether time before the scheduled start counts. Default: yes.
    pub before_start: bool,
    /// Whether time after the scheduled end counts. Default: yes.
    pub after_end: bool,
    /// What is expected on a working day, where no shift says so. Default: nothing.
    pub expected: Option<Seconds>,
    /// Less than this on a day is half a day. Default: every day with a punch is a full one.
    pub full_day: Option<Seconds>,
    /// Less than this on a day on which one should come is absence. Default: none is.
    pub half_day: Option<Seconds>,
    /// How punches and sums are rounded. Default: not at all.
    pub rounding: Rounding,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            count: Count::default(),
            before_start: true,
            after_end: true,
            expected: None,
            full_day: None,
            half_day: None,
            rounding: Rounding::default(),
        }
    }
}

/// From which punches of a shift time is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// From each IN to the OUT that follows. Of several INs in a row the first stands, and so of several OUTs.
    #[default]
    Pairs,
    /// From the first IN to the last OUT.
    FirstInLastOut,
    /// From the first punch to the last, whatever their directions.
    FirstToLast,
}

/// How times are rounded. Steps are counted from local midnight.
///
/// ```
/// use attendance_rules::{Policy, RoundTo};
///
/// let policy = Policy::from_toml(
///     r#"
///     [work.rounding]
///     in = { to = "up", step = "5m" }
///     out = { to = "down", step = "5m" }
///     duration = { to = "nearest", step = "15m" }
///     "#,
/// )?;
/// assert_eq!(policy.work.rounding.coming.unwrap().to, RoundTo::Up);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rounding {
    /// When a paid time begins.
    #[serde(rename = "in")]
    pub coming: Option<Round>,
    /// When a paid time ends.
    #[serde(rename = "out")]
    pub going: Option<Round>,
    /// What counts of a day in all.
    pub duration: Option<Round>,
}

/// To a multiple of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// Which multiple.
    pub to: RoundTo,
    /// The step, which divides a day.
    pub step: Seconds,
}

/// Which multiple of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundTo {
    /// The nearest; the later of two.
    Nearest,
    /// The next.
    Up,
    /// The last.
    Down,
}

impl Round {
    pub(crate) fn apply(self, value: i64) -> i64 {
        let step = self.step.0.max(1);
        let down = value.div_euclid(step) * step;
        let rest = value - down;
        let up = match self.to {
            RoundTo::Nearest => rest * 2 >= step,
            RoundTo::Up => rest > 0,
            RoundTo::Down => false,
        };
        if up { down + step } else { down }
    }
}

/// A break. Punched breaks need no rule: what lies between an OUT and the next IN is one. Breaks are the day's: where two
/// shifts count for it, what lies between them was a break, too.
///
/// ```
/// use attendance_rules::{Break, Policy};
///
/// let policy = Policy::from_toml(
///     r#"
///     [[breaks]]
///     kind = "fixed"
///     from = "12:00"
///     to = "14:00"
///     at_most = "45m"
///     
///     [[breaks]]
///     kind = "after_work"
///     worked = "9h"
///     length = "1h"
///     "#,
/// )?;
/// assert!(matches!(policy.breaks[1], Break::AfterWork { .. }));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Break {
    /// Between two times of day.
    Fixed {
        /// From when.
        #[schemars(with = "String")]
        from: Time,
        /// Until when. Not after `from`, it is on the next day.
        #[schemars(with = "String")]
        to: Time,
        /// The most that is taken; what was punched as a break within the times counts towards it. Default: all of it.
        #[schemars(default)]
        at_most: Option<Seconds>,
        /// How much is deducted. Default: what was worked of it.
        #[schemars(default)]
        deduct: Deduct,
        /// Nothing is deducted, and a punched break within the times is paid up to `at_most`. Default: no.
        #[schemars(default)]
        paid: bool,
    },
    /// Once so much was worked. What was punched as a break counts towards it.
    AfterWork {
        /// More than this.
        worked: Seconds,
        /// How long the break is.
        length: Seconds,
        /// How much is deducted. Default: of what was worked past `worked`, so that a minute more never counts less.
        #[schemars(default)]
        deduct: Deduct,
    },
}

/// How much a break deducts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deduct {
    /// What was really worked in it.
    #[default]
    Worked,
    /// All of it, as soon as one second was worked in it.
    Whole,
}

/// A window of the day whose worked time is reported apart.
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
    /// Its name.
    pub name: String,
    /// From when.
    #[serde(deserialize_with = "super::read::clock")]
    #[schemars(with = "String")]
    pub from: Time,
    /// Until when. Not after `from`, it is on the next day.
    #[serde(deserialize_with = "super::read::clock")]
    #[schemars(with = "String")]
    pub to: Time,
}

/// What is worked beyond what is expected. No second counts twice.
///
/// ```
/// use attendance_rules::{Policy, WeeklyCounts};
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
/// assert_eq!(policy.overtime.weekly_counts, WeeklyCounts::All);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Overtime {
    /// Beyond what on a day. Default: none.
    pub daily: Option<DailyOvertime>,
    /// Beyond this in a week. Default: none.
    pub weekly_after: Option<Seconds>,
    /// What counts towards the week. Default: all.
    pub weekly_counts: WeeklyCounts,
    /// All work on a rest day is overtime. Default: no.
    pub rest_days: bool,
    /// All work on a whole holiday is overtime. Default: no.
    pub holidays: bool,
    /// The most of a day that counts; what is over it is reported apart. Default: all.
    pub at_most_daily: Option<Seconds>,
}

/// Overtime of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DailyOvertime {
    /// Beyond this. Default: beyond what is expected on the day, and nothing on days on which nobody need come.
    #[serde(default)]
    pub after: Option<Seconds>,
    /// Up to this much counts as none; more counts from the first second. Default: 0s.
    #[serde(default)]
    pub tolerance: Seconds,
}

/// What counts towards the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeeklyCounts {
    /// Everything; what is overtime by the day already is not counted again.
    #[default]
    All,
    /// Regular time only.
    Regular,
}
