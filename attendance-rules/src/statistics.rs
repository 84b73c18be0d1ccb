//! Sums over days and sessions, and warnings.

use std::collections::BTreeMap;

use facekit::PersonId;
use serde::{Deserialize, Serialize};

use crate::{
    policy::StatisticsPolicy,
    record::{DayRecord, Status},
    rules::Rules,
    seconds::{Seconds, as_seconds},
    session::{SessionSheet, SessionStatus},
};

/// Sums over the final days of a person or a group, or over closed sessions. Days that are not final do not count.
///
/// ```
/// use attendance_rules::{Period, Policy, Punch, Rules, Statistics};
/// use facekit::PersonId;
///
/// let rules = Rules::new(Policy::from_toml("[work]\nexpected = \"8h\"")?)?;
/// let anna = PersonId::new("anna")?;
/// let punches = [("1", "2026-03-02T09:00:00Z"), ("2", "2026-03-02T18:00:00Z")]
///     .map(|(id, time)| Punch::new(id, anna.clone(), time.parse().unwrap()));
/// let week = Period::new("2026-03-02".parse()?, "2026-03-08".parse()?)?;
/// let ledger = rules.evaluate(&anna, &punches, &[], week, "2026-04-01T00:00:00Z".parse()?)?;
/// let statistics = Statistics::of(&ledger.days);
/// assert_eq!((statistics.present, statistics.absent), (1, 4));
/// assert_eq!(statistics.balance.to_string(), "-31h");
/// assert_eq!(statistics.rate().unwrap().percent(), 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Days or sessions with an obligation to be present. The attendance rate refers to them.
    pub due: u32,
    /// The part of the due days that was attended, in half days.
    pub attended_halves: u32,
    /// Days or sessions with full presence, also on free days.
    pub present: u32,
    /// Days with half presence.
    pub half_days: u32,
    /// Days or sessions with an absence.
    pub absent: u32,
    /// Days on leave, and sessions excused.
    pub on_leave: u32,
    /// Days that are incomplete because of a missing OUT.
    pub incomplete: u32,
    /// Days or sessions with lateness.
    pub late: u32,
    /// Days with early leaving.
    pub left_early: u32,
    /// Days with an automatic OUT.
    pub automatic: u32,
    /// The sum of the time that counts.
    #[serde(rename = "counted_seconds", with = "as_seconds")]
    pub counted: Seconds,
    /// The sum of the expected time.
    #[serde(rename = "expected_seconds", with = "as_seconds")]
    pub expected: Seconds,
    /// The time that counts, less the expected time.
    #[serde(rename = "balance_seconds", with = "as_seconds")]
    pub balance: Seconds,
    /// The sum of the overtime that counts.
    #[serde(rename = "overtime_seconds", with = "as_seconds")]
    pub overtime: Seconds,
}

/// An attendance rate: the attended share of the due half days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Attended half days.
    pub attended_halves: u32,
    /// Due half days.
    pub due_halves: u32,
}

impl Rate {
    /// The rate in percent, rounded down. At most `u32::MAX`.
    ///
    /// ```
    /// use attendance_rules::Rate;
    ///
    /// assert_eq!(Rate { attended_halves: 2, due_halves: 3 }.percent(), 66);
    /// ```
    #[must_use]
    pub fn percent(&self) -> u32 {
        let percent = u64::from(self.attended_halves) * 100 / u64::from(self.due_halves.max(1));
        u32::try_from(percent).unwrap_or(u32::MAX)
    }
}

impl Statistics {
    /// The sums over days.
    #[must_use]
    pub fn of<'a>(days: impl IntoIterator<Item = &'a DayRecord>) -> Self {
        let mut sums = Self::default();
        for day in days.into_iter().filter(|day| day.is_final) {
            let halves = match day.status {
                Status::Present => {
                    // A day with only the end of a split shift does not count; the shift counts on its first day.
                    sums.present += u32::from(day.shifts > 0);
                    2
                }
                Status::HalfDay => {
                    sums.half_days += 1;
                    1
                }
                Status::Absent => {
                    sums.absent += 1;
                    0
                }
                Status::OnLeave => {
                    sums.on_leave += 1;
                    0
                }
                Status::Incomplete => {
                    sums.incomplete += 1;
                    0
                }
            };
            if day.obliged {
                sums.due += 1;
                sums.attended_halves += halves;
            }
            sums.late += u32::from(day.late.0 > 0);
            sums.left_early += u32::from(day.left_early.0 > 0);
            sums.automatic += u32::from(day.automatic);
            sums.counted.add(day.counted);
            sums.expected.add(day.expected);
            sums.balance.add(day.balance);
            sums.overtime.add(day.overtime.counted());
        }
        sums
    }

    /// The sums of each person over closed sessions.
    ///
    /// ```
    /// use attendance_rules::{Session, Statistics};
    /// use facekit::PersonId;
    ///
    /// let anna = PersonId::new("anna")?;
    /// let session = Session::new("maths", "2026-03-02T10:00:00Z".parse()?, "2026-03-02T11:00:00Z".parse()?)
    ///     .with_roster([anna.clone()]);
    /// let sheet = session.evaluate(&[], "2026-03-02T12:00:00Z".parse()?)?;
    /// assert_eq!(Statistics::of_sessions(&[sheet])[&anna].absent, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of_sessions<'a>(
        sheets: impl IntoIterator<Item = &'a SessionSheet>,
    ) -> BTreeMap<PersonId, Self> {
        let mut people: BTreeMap<PersonId, Self> = BTreeMap::new();
        for sheet in sheets.into_iter().filter(|sheet| sheet.is_closed) {
            for mark in &sheet.marks {
                let sums = people.entry(mark.person.clone()).or_default();
                let present = matches!(mark.status, SessionStatus::Present | SessionStatus::Late);
                sums.due += u32::from(mark.status != SessionStatus::Excused);
                sums.attended_halves += if present { 2 } else { 0 };
                sums.present += u32::from(present);
                sums.late += u32::from(mark.status == SessionStatus::Late);
                sums.absent += u32::from(mark.status == SessionStatus::Absent);
                sums.on_leave += u32::from(mark.status == SessionStatus::Excused);
            }
        }
        people
    }

    /// The sums of each group, by [`Member::group`](crate::Member::group). People without a group are under `None`.
    ///
    /// ```
    /// use attendance_rules::{DayRecord, Policy, Rules, Statistics};
    ///
    /// let rules = Rules::new(Policy::default())?;
    /// let days: Vec<DayRecord> = Vec::new();
    /// assert!(Statistics::by_group(&rules, &days).is_empty());
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    #[must_use]
    pub fn by_group<'a>(
        rules: &Rules,
        days: impl IntoIterator<Item = &'a DayRecord>,
    ) -> BTreeMap<Option<String>, Self> {
        let mut groups: BTreeMap<Option<String>, Self> = BTreeMap::new();
        for day in days {
            let group = rules
                .member(&day.person)
                .and_then(|member| member.group.clone());
            groups.entry(group).or_default().add(&Self::of([day]));
        }
        groups
    }

    /// Adds other sums. A sum that is too large for its type is the maximum of the type.
    ///
    /// ```
    /// use attendance_rules::Statistics;
    ///
    /// let mut sums = Statistics::default();
    /// sums.add(&Statistics::default());
    /// assert_eq!(sums, Statistics::default());
    /// ```
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.due, other.due),
            (&mut self.attended_halves, other.attended_halves),
            (&mut self.present, other.present),
            (&mut self.half_days, other.half_days),
            (&mut self.absent, other.absent),
            (&mut self.on_leave, other.on_leave),
            (&mut self.incomplete, other.incomplete),
            (&mut self.late, other.late),
            (&mut self.left_early, other.left_early),
            (&mut self.automatic, other.automatic),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.counted.add(other.counted);
        self.expected.add(other.expected);
        self.balance.add(other.balance);
        self.overtime.add(other.overtime);
    }

    /// The attendance rate; `None` if nothing was due.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        let due_halves = self.due.saturating_mul(2);
        (self.due > 0).then_some(Rate {
            attended_halves: self.attended_halves,
            due_halves,
        })
    }

    /// The half days of leave that the late days make, by [`StatisticsPolicy::lates_per_half_day`].
    ///
    /// ```
    /// use attendance_rules::{Policy, Statistics};
    ///
    /// let policy = Policy::from_toml("[statistics]\nlates_per_half_day = 3")?;
    /// let mut sums = Statistics::default();
    /// sums.late = 7;
    /// assert_eq!(sums.half_days_for_lates(&policy.statistics), 2);
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    #[must_use]
    pub fn half_days_for_lates(&self, policy: &StatisticsPolicy) -> u32 {
        policy
            .lates_per_half_day
            .map_or(0, |lates| self.late / lates.max(1))
    }

    /// Returns `true` if the rate is below the limit of the policy and enough days or sessions were due.
    ///
    /// ```
    /// use attendance_rules::{Policy, Statistics};
    ///
    /// let policy = Policy::from_toml("[statistics]\nwarn_below_percent = 75\nwarn_after = 4")?;
    /// let mut sums = Statistics::default();
    /// (sums.due, sums.attended_halves) = (3, 2);
    /// assert!(!sums.warns(&policy.statistics), "too soon");
    /// (sums.due, sums.attended_halves) = (4, 4);
    /// assert!(sums.warns(&policy.statistics));
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    #[must_use]
    pub fn warns(&self, policy: &StatisticsPolicy) -> bool {
        let (Some(percent), Some(rate)) = (policy.warn_below_percent, self.rate()) else {
            return false;
        };
        let enough = self.due >= policy.warn_after;
        enough
            && u64::from(rate.attended_halves) * 100
                < u64::from(percent) * u64::from(rate.due_halves)
    }
}
