//! The results of an evaluation: outcomes, shifts and days.

use std::sync::Arc;

use facekit::{Anomaly, Direction, PersonId};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Half,
    day_count::DayCount,
    punch::PunchId,
    seconds::{Seconds, as_seconds},
};

/// The evaluated punches of one person: outcomes, shifts and days.
///
/// It depends only on punches, corrections, rules and the time of evaluation, so it can be made again at any time. See [`Rules::evaluate`](crate::Rules::evaluate).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// The person.
    pub person: PersonId,
    /// The outcome of each punch, in order of time. Superseded punches follow after all others.
    pub outcomes: Vec<PunchOutcome>,
    /// The worked shifts, in order of time.
    pub shifts: Vec<ShiftRecord>,
    /// The days of the period with work or an obligation to work. There is no record of a free day without punches, or of a
    /// day without punches that is not over yet.
    pub days: Vec<DayRecord>,
}

/// A punch and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PunchOutcome {
    /// The punch.
    pub punch: PunchId,
    /// The time of the punch.
    pub at: Timestamp,
    /// The outcome.
    pub outcome: PunchVerdict,
    /// Its anomalies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// The outcome of a punch.
///
/// ```
/// use attendance_rules::{PunchVerdict, Period, Policy, Punch, Rules};
/// use facekit::PersonId;
///
/// let rules = Rules::new(Policy::default())?;
/// let anna = PersonId::new("anna")?;
/// let punches = [("1", "09:00:00"), ("2", "09:00:30"), ("3", "17:00:00")]
///     .map(|(id, time)| Punch::new(id, anna.clone(), format!("2026-03-02T{time}Z").parse().unwrap()));
/// let day = Period::new("2026-03-02".parse()?, "2026-03-02".parse()?)?;
/// let ledger = rules.evaluate(&anna, &punches, &[], day, "2026-03-03T12:00:00Z".parse()?)?;
/// let outcomes: Vec<&PunchVerdict> = ledger.outcomes.iter().map(|it| &it.outcome).collect();
/// assert!(matches!(outcomes[..], [
///     PunchVerdict::Assigned { shift: 0, .. },
///     PunchVerdict::Suppressed { seconds_left: 30 },
///     PunchVerdict::Assigned { shift: 0, .. },
/// ]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PunchVerdict {
    /// It belongs to a shift.
    Assigned {
        /// The index of the shift in [`Ledger::shifts`].
        shift: usize,
        /// The direction.
        direction: Direction,
    },
    /// It is a duplicate of an accepted punch.
    Suppressed {
        /// The seconds until a punch would have counted.
        seconds_left: i64,
    },
    /// A correction replaced or voided it.
    Superseded {
        /// The correction's id.
        correction: String,
    },
    /// It does not count.
    Unassigned {
        /// A stable code: `outside_shift`, `maximum_shift`, `before_joining`, `after_leaving`, `not_a_member`, `future`, or
        /// the code of an anomaly that the policy refuses.
        code: String,
        /// The reason, for people.
        reason: String,
    },
}

/// A worked shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShiftRecord {
    /// The name of the scheduled shift; `None` for an unscheduled shift.
    pub shift: Option<Arc<str>>,
    /// The day to which it belongs. For a shift that is split at midnight, the first day.
    pub day: Date,
    /// The first punch.
    pub opened: Timestamp,
    /// The last punch, or the automatic OUT.
    pub closed: Timestamp,
    /// The scheduled start and end.
    pub scheduled: Option<(Timestamp, Timestamp)>,
    /// An IN or an OUT is missing, and no automatic OUT was set.
    pub open: bool,
    /// The OUT that the policy set in place of a missing one.
    pub automatic_out: Option<Timestamp>,
    /// No time counts until a correction adds the missing OUT.
    pub refused: bool,
    /// The times.
    pub times: Times,
    /// The time from the start to the arrival, if that is late; else 0.
    #[serde(rename = "late_seconds", with = "as_seconds")]
    pub late: Seconds,
    /// The time from leaving to the end, if that is early; else 0.
    #[serde(rename = "left_early_seconds", with = "as_seconds")]
    pub left_early: Seconds,
    /// No later punch can belong to it.
    pub is_final: bool,
}

/// The parts of a shift or a day. Before rounding, they add up to the elapsed time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Times {
    /// From the first punch to the last.
    #[serde(rename = "elapsed_seconds", with = "as_seconds")]
    pub elapsed: Seconds,
    /// Working time.
    #[serde(rename = "worked_seconds", with = "as_seconds")]
    pub worked: Seconds,
    /// Paid breaks.
    #[serde(rename = "paid_break_seconds", with = "as_seconds")]
    pub paid_break: Seconds,
    /// Unpaid breaks, punched or deducted.
    #[serde(rename = "unpaid_break_seconds", with = "as_seconds")]
    pub unpaid_break: Seconds,
    /// Time that does not count: before the start or after the end if the policy says so, or without an IN or an OUT.
    #[serde(rename = "uncounted_seconds", with = "as_seconds")]
    pub uncounted: Seconds,
}

impl Times {
    /// Working time and paid breaks.
    ///
    /// ```
    /// assert_eq!(attendance_rules::Times::default().paid().0, 0);
    /// ```
    #[must_use]
    pub fn paid(&self) -> Seconds {
        Seconds(self.worked.0.saturating_add(self.paid_break.0))
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.elapsed.add(other.elapsed);
        self.worked.add(other.worked);
        self.paid_break.add(other.paid_break);
        self.unpaid_break.add(other.unpaid_break);
        self.uncounted.add(other.uncounted);
    }
}

/// The status of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Status {
    /// The person was present.
    Present,
    /// The person was present for less than a full day.
    HalfDay,
    /// Work was due, and the person was not present, or present for less than half a day.
    Absent,
    /// The person was on leave for the whole of a scheduled day.
    OnLeave,
    /// A punch is missing, and the known time is less than a full day, or no full day is defined.
    Incomplete,
    /// No work was due, and the person worked less than half a day. Also a day without work that has the missing time of a
    /// week or a month.
    Free,
}

/// A person's day.
///
/// ```
/// use attendance_rules::{Period, Policy, Punch, Rules, Status};
/// use facekit::PersonId;
///
/// let rules = Rules::new(Policy::default())?;
/// let anna = PersonId::new("anna")?;
/// let punches = [("1", "09:00:00"), ("2", "09:00:30"), ("3", "17:00:00")]
///     .map(|(id, time)| Punch::new(id, anna.clone(), format!("2026-03-02T{time}Z").parse().unwrap()));
/// let day = Period::new("2026-03-02".parse()?, "2026-03-02".parse()?)?;
/// let ledger = rules.evaluate(&anna, &punches, &[], day, "2026-03-03T12:00:00Z".parse()?)?;
/// let day = &ledger.days[0];
/// assert_eq!((day.status, day.is_final), (Status::Present, true));
/// assert_eq!(day.counted.to_string(), "8h");
/// assert!(serde_json::to_string(day)?.contains("\"counted_seconds\":28800"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DayRecord {
    /// The person.
    pub person: PersonId,
    /// The date, in the site's time zone.
    pub date: Date,
    /// The status.
    pub status: Status,
    /// Only corrections and late punches can change the record.
    pub is_final: bool,
    /// The first punch of its shifts.
    pub first: Option<Timestamp>,
    /// The last punch of its shifts, or the automatic OUT.
    pub last: Option<Timestamp>,
    /// The number of worked shifts.
    pub shifts: u32,
    /// The sum of the times of the shifts.
    pub times: Times,
    /// The time that counts: working time and paid breaks, rounded as the policy says.
    #[serde(rename = "counted_seconds", with = "as_seconds")]
    pub counted: Seconds,
    /// The expected time.
    #[serde(rename = "expected_seconds", with = "as_seconds")]
    pub expected: Seconds,
    /// The time that counts, less the expected time.
    #[serde(rename = "balance_seconds", with = "as_seconds")]
    pub balance: Seconds,
    /// The time from the start to the arrival, if that is late; else 0.
    #[serde(rename = "late_seconds", with = "as_seconds")]
    pub late: Seconds,
    /// The time from leaving to the end, if that is early; else 0.
    #[serde(rename = "left_early_seconds", with = "as_seconds")]
    pub left_early: Seconds,
    /// Overtime.
    pub overtime: OvertimeTimes,
    /// The worked time within each window of the policy, in the order of the policy. Windows without work are left out.
    pub windows: Vec<WindowTime>,
    /// A shift of the day has no IN or no OUT.
    pub open: bool,
    /// A shift of the day has an automatic OUT.
    pub automatic: bool,
    /// Work was due: it was scheduled, and not free by calendar or leave.
    pub obliged: bool,
    /// The part of the day on which work was due: 0, 0.5 or 1.
    pub due: DayCount,
    /// The part of the day on leave: 0, 0.5 or 1. Leave by the hour is only in `leave_time`.
    pub on_leave: DayCount,
    /// The expected time that was free by leave.
    #[serde(rename = "leave_time_seconds", with = "as_seconds")]
    pub leave_time: Seconds,
    /// The name of the holiday on this day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holiday: Option<String>,
    /// The kind of leave on this day. Two kinds are in the order of the day, as in "sick + annual".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<String>,
    /// The half of the day that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<Half>,
    /// The number of `notes`.
    pub anomalies: u32,
    /// The anomalies of its punches, and what is doubtful about the day itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Anomaly>,
}

/// The worked time within a window of the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WindowTime {
    /// The window's name.
    pub name: Arc<str>,
    /// The worked time.
    #[serde(rename = "worked_seconds", with = "as_seconds")]
    pub worked: Seconds,
    /// The part of it that is overtime and counts.
    #[serde(rename = "overtime_seconds", with = "as_seconds")]
    pub overtime: Seconds,
}

/// Overtime by its cause. No second is in two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OvertimeTimes {
    /// Work on a whole holiday.
    #[serde(rename = "holiday_seconds", with = "as_seconds")]
    pub holiday: Seconds,
    /// Work on a rest day.
    #[serde(rename = "rest_day_seconds", with = "as_seconds")]
    pub rest_day: Seconds,
    /// Work beyond the daily limit.
    #[serde(rename = "daily_seconds", with = "as_seconds")]
    pub daily: Seconds,
    /// Work beyond the weekly limit.
    #[serde(rename = "weekly_seconds", with = "as_seconds")]
    pub weekly: Seconds,
    /// The part of all overtime that is above the maximum of a day.
    #[serde(rename = "over_limit_seconds", with = "as_seconds")]
    pub over_limit: Seconds,
}

impl OvertimeTimes {
    /// The overtime that counts: all kinds, without the part above the limit.
    ///
    /// ```
    /// assert_eq!(attendance_rules::OvertimeTimes::default().counted().0, 0);
    /// ```
    #[must_use]
    pub fn counted(&self) -> Seconds {
        Seconds(self.all().saturating_sub(self.over_limit.0))
    }

    pub(crate) fn all(&self) -> i64 {
        let kinds = [self.holiday, self.rest_day, self.daily, self.weekly];
        kinds
            .into_iter()
            .fold(0, |sum: i64, kind| sum.saturating_add(kind.0))
    }
}
