//! Sums over days and sessions, and warnings.

use std::collections::{BTreeMap, BTreeSet};

use facekit::PersonId;
use serde::{Deserialize, Serialize};

use crate::{
    day_count::DayCount,
    policy::StatisticsPolicy,
    record::{DayRecord, Status},
    rules::Rules,
    seconds::{Seconds, as_seconds},
    session::{SessionMark, SessionSheet, SessionStatus},
};

/// Sums over the final days of a person or a group, or over closed sessions. Days that are not final do not count.
///
/// Each due half day is in one of `present`, `half_days`, `absent` and `incomplete`, and each half day of leave is in
/// `on_leave`. So a day with half a day of leave and without work is 0.5 `on_leave` and 0.5 `absent`. Work on a free day or on a
/// day of leave is in `present`, `half_days` or `incomplete`, too.
///
/// ```
/// use attendance_rules::{DayCount, Period, Policy, Punch, Rules, Statistics};
/// use facekit::PersonId;
///
/// let rules = Rules::new(Policy::from_toml("[work]\nexpected = \"8h\"")?)?;
/// let anna = PersonId::new("anna")?;
/// let punches = [("1", "2026-03-02T09:00:00Z"), ("2", "2026-03-02T18:00:00Z")]
///     .map(|(id, time)| Punch::new(id, anna.clone(), time.parse().unwrap()));
/// let week = Period::new("2026-03-02".parse()?, "2026-03-08".parse()?)?;
/// let ledger = rules.evaluate(&anna, &punches, &[], week, "2026-04-01T00:00:00Z".parse()?)?;
/// let statistics = Statistics::of(&ledger.days);
/// assert_eq!((statistics.present, statistics.absent), (DayCount::days(1), DayCount::days(4)));
/// assert_eq!(statistics.balance.to_string(), "-31h");
/// assert_eq!(statistics.rate().unwrap().percent(), 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Days or sessions with an obligation to be present. The attendance rate refers to them.
    pub due: DayCount,
    /// The part of the due days that was attended. A half day counts 0.5.
    pub attended: DayCount,
    /// Days or sessions with full presence, also on free days. If half of a day was due, it counts 0.5.
    pub present: DayCount,
    /// Days with half presence: less than a full day, and enough for half a day. Each counts 1, or 0.5 if half of the day was
    /// due.
    pub half_days: DayCount,
    /// Days or sessions with an absence. If half of a day was due, it counts 0.5.
    pub absent: DayCount,
    /// Days on leave, and sessions excused. Half a day of leave counts 0.5.
    pub on_leave: DayCount,
    /// Days that are incomplete because of a missing punch. If half of a day was due, it counts 0.5.
    pub incomplete: DayCount,
    /// Days or sessions with lateness.
    pub late: u32,
    /// Days or sessions with early leaving.
    pub left_early: u32,
    /// Days with an automatic OUT.
    pub automatic: u32,
    /// The sum of the time that counts.
    #[serde(rename = "counted_seconds", with = "as_seconds")]
    pub counted: Seconds,
    /// The sum of the expected time.
    #[serde(rename = "expected_seconds", with = "as_seconds")]
    pub expected: Seconds,
    /// The sum of the balances of the days.
    #[serde(rename = "balance_seconds", with = "as_seconds")]
    pub balance: Seconds,
    /// The sum of the overtime that counts.
    #[serde(rename = "overtime_seconds", with = "as_seconds")]
    pub overtime: Seconds,
    /// The sum of the expected time that was free by leave.
    #[serde(rename = "leave_time_seconds", with = "as_seconds")]
    pub leave_time: Seconds,
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
            // Work on a free day counts as on a whole day.
            let size = if day.obliged { day.due } else { DayCount::ONE };
            let attended = match day.status {
                Status::Present => {
                    // A day with only the end of a split shift does not count; the shift counts on its first day.
                    if day.shifts > 0 {
                        sums.present.add(size);
                    }
                    size
                }
                Status::HalfDay => {
                    sums.half_days.add(size);
                    DayCount::HALF
                }
                Status::Absent => {
                    sums.absent.add(size);
                    DayCount::ZERO
                }
                Status::Incomplete => {
                    sums.incomplete.add(size);
                    DayCount::ZERO
                }
                Status::OnLeave | Status::Free => DayCount::ZERO,
            };
            if day.obliged {
                sums.due.add(day.due);
                sums.attended.add(attended);
            }
            sums.on_leave.add(day.on_leave);
            sums.leave_time.add(day.leave_time);
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
    /// A person who attends a session that [makes up](crate::Session::makes_up) for another one is present in that one. Such a
    /// session is not due itself.
    ///
    /// ```
    /// use attendance_rules::{DayCount, Session, Statistics};
    /// use facekit::PersonId;
    ///
    /// let anna = PersonId::new("anna")?;
    /// let session = Session::new("maths", "2026-03-02T10:00:00Z".parse()?, "2026-03-02T11:00:00Z".parse()?)
    ///     .with_roster([anna.clone()]);
    /// let sheet = session.evaluate(&[], "2026-03-02T12:00:00Z".parse()?)?;
    /// assert_eq!(Statistics::of_sessions(&[sheet])[&anna].absent, DayCount::ONE);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of_sessions<'a>(
        sheets: impl IntoIterator<Item = &'a SessionSheet>,
    ) -> BTreeMap<PersonId, Self> {
        Self::of_course(sheets, &StatisticsPolicy::default())
    }

    /// The sums of each person over closed sessions, without the worst ones: [`StatisticsPolicy::drop_lowest`] sessions of each
    /// person, first absences and then late ones. Sessions with full presence are not dropped.
    ///
    /// ```
    /// use attendance_rules::{DayCount, Policy, Session, Statistics};
    /// use facekit::PersonId;
    ///
    /// let anna = PersonId::new("anna")?;
    /// let session = Session::new("maths", "2026-03-02T10:00:00Z".parse()?, "2026-03-02T11:00:00Z".parse()?)
    ///     .with_roster([anna.clone()]);
    /// let sheet = session.evaluate(&[], "2026-03-02T12:00:00Z".parse()?)?;
    /// let policy = Policy::from_toml("[statistics]\ndrop_lowest = 1")?;
    /// assert_eq!(Statistics::of_course(&[sheet], &policy.statistics)[&anna].due, DayCount::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of_course<'a>(
        sheets: impl IntoIterator<Item = &'a SessionSheet>,
        policy: &StatisticsPolicy,
    ) -> BTreeMap<PersonId, Self> {
        let closed = sheets.into_iter().filter(|sheet| sheet.is_closed);
        let (making_up, regular): (Vec<_>, Vec<_>) = closed.partition(|it| it.makes_up.is_some());
        let attends = |mark: &SessionMark| {
            matches!(mark.status, SessionStatus::Present | SessionStatus::Late)
        };
        let made_up: BTreeSet<(&str, &PersonId)> = making_up
            .iter()
            .filter_map(|sheet| Some((sheet.makes_up.as_deref()?, sheet)))
            .flat_map(|(id, sheet)| {
                let marks = sheet.marks.iter().filter(|mark| attends(mark));
                marks.map(move |mark| (id, &mark.person))
            })
            .collect();
        let mut marks: BTreeMap<&PersonId, Vec<(SessionStatus, bool)>> = BTreeMap::new();
        for sheet in regular {
            for mark in &sheet.marks {
                let made_up = !attends(mark) && made_up.contains(&(&*sheet.session, &mark.person));
                let status = if made_up {
                    SessionStatus::Present
                } else {
                    mark.status
                };
                let left_early = attends(mark) && mark.left_early.0 > 0;
                let all = marks.entry(&mark.person).or_default();
                all.push((status, left_early));
            }
        }
        let sums = marks.into_iter().map(|(person, mut marks)| {
            drop_lowest(&mut marks, policy.drop_lowest);
            (person.clone(), Self::of_marks(&marks))
        });
        sums.collect()
    }

    /// The sums over marks: the status, and whether the person left early.
    fn of_marks(marks: &[(SessionStatus, bool)]) -> Self {
        let mut sums = Self::default();
        let one_if = |yes: bool| DayCount::days(u32::from(yes));
        for &(status, left_early) in marks {
            let present = matches!(status, SessionStatus::Present | SessionStatus::Late);
            sums.due.add(one_if(status != SessionStatus::Excused));
            sums.attended.add(one_if(present));
            sums.present.add(one_if(present));
            sums.late += u32::from(status == SessionStatus::Late);
            sums.left_early += u32::from(left_early);
            sums.absent.add(one_if(status == SessionStatus::Absent));
            sums.on_leave.add(one_if(status == SessionStatus::Excused));
        }
        sums
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
            (&mut self.attended, other.attended),
            (&mut self.present, other.present),
            (&mut self.half_days, other.half_days),
            (&mut self.absent, other.absent),
            (&mut self.on_leave, other.on_leave),
            (&mut self.incomplete, other.incomplete),
        ] {
            sum.add(more);
        }
        for (sum, more) in [
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
        self.leave_time.add(other.leave_time);
    }

    /// The attendance rate; `None` if nothing was due.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        (self.due > DayCount::ZERO).then_some(Rate {
            attended_halves: self.attended.halves(),
            due_halves: self.due.halves(),
        })
    }

    /// The attendance rate if `due` more sessions or days follow and `attended` of them are attended; `None` if nothing is due
    /// then. With 0 and with all of them attended, it is the lowest and the highest rate that is still possible.
    ///
    /// ```
    /// use attendance_rules::{DayCount, Statistics};
    ///
    /// // Five of eight sessions attended, two to come.
    /// let mut sums = Statistics::default();
    /// (sums.due, sums.attended) = (DayCount::days(8), DayCount::days(5));
    /// let [worst, best] = [0, 2].map(|attended| sums.rate_with(attended, 2).unwrap().percent());
    /// assert_eq!((worst, best), (50, 70));
    /// ```
    #[must_use]
    pub fn rate_with(&self, attended: u32, due: u32) -> Option<Rate> {
        let mut sums = *self;
        sums.due.add(DayCount::days(due));
        sums.attended.add(DayCount::days(attended.min(due)));
        sums.rate()
    }

    /// The half days of leave that marks for coming late or leaving early make, by
    /// [`StatisticsPolicy::lates_per_half_day`] or [`StatisticsPolicy::marks_per_half_day`].
    ///
    /// ```
    /// use attendance_rules::{Policy, Statistics};
    ///
    /// let mut sums = Statistics::default();
    /// (sums.late, sums.left_early) = (5, 2);
    /// let policy = Policy::from_toml("[statistics]\nlates_per_half_day = 3")?;
    /// assert_eq!(sums.half_days_for_marks(&policy.statistics), 1);
    /// let policy = Policy::from_toml("[statistics]\nmarks_per_half_day = 3")?;
    /// assert_eq!(sums.half_days_for_marks(&policy.statistics), 2);
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    #[must_use]
    pub fn half_days_for_marks(&self, policy: &StatisticsPolicy) -> u32 {
        let marks = self.late.saturating_add(self.left_early);
        let for_lates = policy
            .lates_per_half_day
            .map(|number| self.late / number.max(1));
        let for_marks = policy
            .marks_per_half_day
            .map(|number| marks / number.max(1));
        for_lates.or(for_marks).unwrap_or(0)
    }

    /// Returns `true` if the rate is below the limit of the policy and enough days or sessions were due.
    ///
    /// ```
    /// use attendance_rules::{DayCount, Policy, Statistics};
    ///
    /// let policy = Policy::from_toml("[statistics]\nwarn_below_percent = 75\nwarn_after = 4")?;
    /// let mut sums = Statistics::default();
    /// (sums.due, sums.attended) = (DayCount::days(3), DayCount::days(1));
    /// assert!(!sums.warns(&policy.statistics), "too soon");
    /// (sums.due, sums.attended) = (DayCount::days(4), DayCount::days(2));
    /// assert!(sums.warns(&policy.statistics));
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    #[must_use]
    pub fn warns(&self, policy: &StatisticsPolicy) -> bool {
        let (Some(percent), Some(rate)) = (policy.warn_below_percent, self.rate()) else {
            return false;
        };
        let enough = self.due >= DayCount::days(policy.warn_after);
        enough
            && u64::from(rate.attended_halves) * 100
                < u64::from(percent) * u64::from(rate.due_halves)
    }
}

/// Drops the worst marks: first absences, then late ones.
fn drop_lowest(marks: &mut Vec<(SessionStatus, bool)>, number: u32) {
    let mut left = number;
    for worst in [SessionStatus::Absent, SessionStatus::Late] {
        marks.retain(|mark| {
            let drops = left > 0 && mark.0 == worst;
            left -= u32::from(drops);
            !drops
        });
    }
}
