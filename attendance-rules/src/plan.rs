//! The plan of a member: employment, schedule and leave, and the plan of one day.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::{
    calendar::{Half, Member},
    interval::{Interval, overlap, total},
    ready::{ExpectedHours, ReadySchedule, ReadyTerms},
    time::DayNumber,
};

/// A member's data with day numbers in place of dates, and indices in place of names of shifts.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// `None` for a person who is not a member.
    pub(crate) member: Option<Member>,
    /// First and last days of employment, in order of time.
    pub(crate) employment: Vec<(DayNumber, DayNumber)>,
    pub(crate) roster_until: DayNumber,
    pub(crate) region: Option<String>,
    pub(crate) schedule: Option<ReadySchedule>,
    pub(crate) terms: Vec<ReadyTerms>,
    pub(crate) shifts_on: BTreeMap<DayNumber, Vec<usize>>,
    pub(crate) leave: Vec<ReadyLeave>,
}

/// Leave, in the order of [`Member::leave`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadyLeave {
    pub(crate) from: DayNumber,
    pub(crate) to: DayNumber,
    pub(crate) part: LeavePart,
}

/// The part of each day that is free by leave.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LeavePart {
    Day,
    Half(Half),
    /// From a second of the day to another.
    Hours(i64, i64),
}

/// A day of a member: what is scheduled, and what is free.
#[derive(Clone, Debug, Default)]
pub(crate) struct DayPlan<'a> {
    pub(crate) employed: bool,
    /// The schedule has work on it. Holidays and leave do not change that.
    pub(crate) scheduled: bool,
    pub(crate) holiday: Option<&'a str>,
    /// The holiday is the whole day, also if shifts are planned for it.
    pub(crate) whole_holiday: bool,
    /// The kinds of leave: first that of the morning.
    pub(crate) leave: Option<Cow<'a, str>>,
    /// The half days that are free by leave, and not by a holiday.
    pub(crate) leave_halves: u32,
    /// The whole day is free, by calendar or leave.
    pub(crate) free: bool,
    /// The half that is free.
    pub(crate) half: Option<Half>,
    /// Leave by the hour.
    pub(crate) hours: Vec<Interval>,
    /// Indices of the scheduled shifts, in order of their start.
    pub(crate) shifts: &'a [usize],
    /// The expected time, if the day has no shifts.
    pub(crate) expected: ExpectedHours,
    /// The thresholds of the terms of work, in seconds.
    pub(crate) full_day: Option<i64>,
    pub(crate) half_day: Option<i64>,
}

impl DayPlan<'_> {
    /// The member should come.
    pub(crate) fn obliged(&self) -> bool {
        self.employed && self.scheduled && !self.free
    }

    /// The half days that are scheduled and not free.
    pub(crate) fn due_halves(&self) -> u32 {
        match (self.obliged(), self.half) {
            (false, _) => 0,
            (true, Some(_)) => 1,
            (true, None) => 2,
        }
    }

    /// Half of `value` if half of the day is free, else all of it.
    pub(crate) fn halved(&self, value: i64) -> i64 {
        if self.half.is_some() {
            value / 2
        } else {
            value
        }
    }

    /// The leave by the hour within a set of intervals, in seconds.
    pub(crate) fn hours_within(&self, set: &[Interval]) -> i64 {
        self.hours.iter().map(|&window| overlap(set, window)).sum()
    }

    /// The leave by the hour, in seconds.
    pub(crate) fn hours_of_leave(&self) -> i64 {
        total(&self.hours)
    }
}

impl Plan {
    /// The plan of people who are not members.
    pub(crate) fn everybody() -> Self {
        Self {
            member: None,
            employment: vec![(DayNumber::MIN, DayNumber::MAX)],
            roster_until: DayNumber::MAX,
            region: None,
            schedule: None,
            terms: Vec::new(),
            shifts_on: BTreeMap::new(),
            leave: Vec::new(),
        }
    }

    pub(crate) fn is_employed(&self, day: DayNumber) -> bool {
        self.employment
            .iter()
            .any(|&(first, last)| (first..=last).contains(&day))
    }

    /// The first day of employment.
    pub(crate) fn joined(&self) -> DayNumber {
        self.employment.first().map_or(DayNumber::MIN, |it| it.0)
    }

    /// The last day of employment before `day`, if there is one.
    pub(crate) fn left_before(&self, day: DayNumber) -> Option<DayNumber> {
        let ends = self.employment.iter().map(|it| it.1);
        ends.filter(|&last| last < day).max()
    }

    /// The days on which the shifts can change in another way than by the schedule.
    pub(crate) fn changes(&self) -> impl Iterator<Item = DayNumber> {
        let terms = self.terms.iter().flat_map(ReadyTerms::changes);
        self.shifts_on.keys().copied().chain(terms)
    }
}
