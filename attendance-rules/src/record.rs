//! What evaluation makes of punches: outcomes, shifts and days.

use std::sync::Arc;

use facekit::{Anomaly, Direction, PersonId};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{Half, PunchId, Seconds, time::as_seconds};

/// What became of the punches of one person: a function of punches, corrections and rules, to be made anew at any time.
///
/// See [`Rules::evaluate`](crate::Rules::evaluate).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Who.
    pub person: PersonId,
    /// What became of each punch, in order of time; first those that count, then those that are superseded.
    pub outcomes: Vec<PunchOutcome>,
    /// The shifts that were worked, in order of time.
    pub shifts: Vec<ShiftRecord>,
    /// The days of the period on which somebody came or should have come. Free days without punches have no record, nor
    /// have days that are not over and on which nobody came yet.
    pub days: Vec<DayRecord>,
}

/// What became of one punch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PunchOutcome {
    /// The punch.
    pub punch: PunchId,
    /// When it was.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// What is unusual about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// What became of a punch.
///
/// ```
/// use attendance_rules::{Outcome, Period, Policy, Punch, Rules};
/// use facekit::PersonId;
///
/// let rules = Rules::new(Policy::default())?;
/// let anna = PersonId::new("anna")?;
/// let punches = [("1", "09:00:00"), ("2", "09:00:30"), ("3", "17:00:00")]
///     .map(|(id, time)| Punch::new(id, anna.clone(), format!("2026-03-02T{time}Z").parse().unwrap()));
/// let day = Period::new("2026-03-02".parse()?, "2026-03-02".parse()?)?;
/// let ledger = rules.evaluate(&anna, &punches, &[], day, "2026-03-03T12:00:00Z".parse()?)?;
/// let outcomes: Vec<&Outcome> = ledger.outcomes.iter().map(|it| &it.outcome).collect();
/// assert!(matches!(outcomes[..], [
///     Outcome::Assigned { shift: 0, .. },
///     Outcome::Suppressed { seconds_left: 30 },
///     Outcome::Assigned { shift: 0, .. },
/// ]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It belongs to a shift.
    Assigned {
        /// The place of the shift in [`Ledger::shifts`].
        shift: usize,
        /// Which way it goes.
        direction: Direction,
    },
    /// It repeats an accepted punch.
    Suppressed {
        /// Seconds until a punch would have counted.
        seconds_left: i64,
    },
    /// A correction replaced or voided it.
    Superseded {
        /// The correction's id.
        correction: String,
    },
    /// It counts for nothing.
    Unassigned {
        /// A stable code: `outside_shift`, `maximum_shift`, `before_joining`, `after_leaving`, `not_a_member`, `future`, or
        /// that of an anomaly that the policy refuses.
        code: String,
        /// The reason, for people.
        reason: String,
    },
}

/// A shift that was worked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShiftRecord {
    /// The scheduled shift; `None` where punches made one of their own.
    pub shift: Option<Arc<str>>,
    /// The day it belongs to; of one split at midnight, the first.
    pub day: Date,
    /// The first punch.
    pub opened: Timestamp,
    /// The last punch, or the automatic OUT.
    pub closed: Timestamp,
    /// When it was scheduled.
    pub scheduled: Option<(Timestamp, Timestamp)>,
    /// Nobody left, and no automatic OUT was set.
    pub open: bool,
    /// The OUT that the policy put in place of a missing one.
    pub automatic_out: Option<Timestamp>,
    /// Nothing counts until somebody corrects the missing OUT.
    pub refused: bool,
    /// The times, summed.
    pub times: Times,
    /// How much after the start somebody came, where that is late.
    #[serde(rename = "late_seconds", with = "as_seconds")]
    pub late: Seconds,
    /// How much before the end somebody left, where that is early.
    #[serde(rename = "left_early_seconds", with = "as_seconds")]
    pub left_early: Seconds,
    /// No punch to come can belong to it.
    pub is_final: bool,
}

/// The parts of a shift or a day. Before rounding, they add up to what elapsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Times {
    /// From the first punch to the last.
    #[serde(rename = "elapsed_seconds", with = "as_seconds")]
    pub elapsed: Seconds,
    /// Worked.
    #[serde(rename = "worked_seconds", with = "as_seconds")]
    pub worked: Seconds,
    /// Breaks that are paid.
    #[serde(rename = "paid_break_seconds", with = "as_seconds")]
    pub paid_break: Seconds,
    /// Breaks that are not, punched or deducted.
    #[serde(rename = "unpaid_break_seconds", with = "as_seconds")]
    pub unpaid_break: Seconds,
    /// What counts for nothing: before the start or after the end where the policy says so, without IN, without OUT.
    #[serde(rename = "uncounted_seconds", with = "as_seconds")]
    pub uncounted: Seconds,
}

impl Times {
    /// Worked and paid.
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

/// What a day was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Status {
    /// Somebody was there.
    Present,
    /// Somebody was there for less than a full day.
    HalfDay,
    /// Somebody should have been there and was not, or for less than half a day.
    Absent,
    /// Somebody need not have been there: leave for the whole of a day that is scheduled.
    OnLeave,
    /// An OUT is missing, and what is known is less than a full day.
    Incomplete,
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
    /// Who.
    pub person: PersonId,
    /// The day, by the site's calendar.
    pub date: Date,
    /// What it was.
    pub status: Status,
    /// Nothing can come that changes it, but corrections and punches that arrive late.
    pub is_final: bool,
    /// The first punch of its shifts.
    pub first: Option<Timestamp>,
    /// The last punch of its shifts, or the automatic OUT.
    pub last: Option<Timestamp>,
    /// How many shifts were worked.
    pub shifts: u32,
    /// The times, summed over the shifts.
    pub times: Times,
    /// What counts: worked and paid, rounded as the policy says.
    #[serde(rename = "counted_seconds", with = "as_seconds")]
    pub counted: Seconds,
    /// What was expected.
    #[serde(rename = "expected_seconds", with = "as_seconds")]
    pub expected: Seconds,
    /// What counts, less what was expected.
    #[serde(rename = "balance_seconds", with = "as_seconds")]
    pub balance: Seconds,
    /// How much after the start somebody came, where that is late.
    #[serde(rename = "late_seconds", with = "as_seconds")]
    pub late: Seconds,
    /// How much before the end somebody left, where that is early.
    #[serde(rename = "left_early_seconds", with = "as_seconds")]
    pub left_early: Seconds,
    /// What was worked beyond what is expected.
    pub overtime: OvertimeTimes,
    /// What was worked within each of the policy's windows, in the policy's order, where it is not nothing.
    pub windows: Vec<WindowTime>,
    /// A shift has no OUT.
    pub open: bool,
    /// A shift has an automatic OUT.
    pub automatic: bool,
    /// The member was expected, and not on leave.
    pub obliged: bool,
    /// The holiday on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holiday: Option<String>,
    /// The kind of leave on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<String>,
    /// The half of it that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<Half>,
    /// How many anomalies its punches have.
    pub anomalies: u32,
}

/// What was worked within a window of the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WindowTime {
    /// The window's name.
    pub name: Arc<str>,
    /// How long.
    #[serde(rename = "worked_seconds", with = "as_seconds")]
    pub worked: Seconds,
}

/// Overtime by why it is. No second is in two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OvertimeTimes {
    /// On a whole holiday.
    #[serde(rename = "holiday_seconds", with = "as_seconds")]
    pub holiday: Seconds,
    /// On a rest day.
    #[serde(rename = "rest_day_seconds", with = "as_seconds")]
    pub rest_day: Seconds,
    /// Beyond the day's hours.
    #[serde(rename = "daily_seconds", with = "as_seconds")]
    pub daily: Seconds,
    /// Beyond the week's hours.
    #[serde(rename = "weekly_seconds", with = "as_seconds")]
    pub weekly: Seconds,
    /// Of all that, what is over the most that counts of a day.
    #[serde(rename = "over_limit_seconds", with = "as_seconds")]
    pub over_limit: Seconds,
}

impl OvertimeTimes {
    /// What counts: all kinds, without what is over the limit.
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
