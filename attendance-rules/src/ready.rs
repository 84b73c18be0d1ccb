//! Shifts, breaks and schedules of a policy in a form that is fast to evaluate: seconds in place of times, and indices in
//! place of names.

use std::sync::Arc;

use crate::{
    policy::{Break, Deduct, OnTime, Policy, Schedule, Terms, Work},
    seconds::Seconds,
    time::{DAY, DayNumber, HOUR, Instant, second_of_day},
};

/// A shift. Times are in seconds since the midnight before its start.
#[derive(Clone, Debug)]
pub(crate) struct ReadyShift {
    pub(crate) name: Arc<str>,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) margin_before: i64,
    pub(crate) margin_after: i64,
    pub(crate) late_after: i64,
    pub(crate) early_before: i64,
    pub(crate) flexible: bool,
    /// The expected time that the policy states.
    pub(crate) stated: Option<i64>,
    /// The expected time of the shift if it is the only one of a day and no clock changes around it.
    pub(crate) usual: Option<i64>,
    pub(crate) on_time: OnTime,
    pub(crate) full_day: Option<i64>,
    pub(crate) half_day: Option<i64>,
    pub(crate) breaks: Option<Vec<ReadyBreak>>,
}

/// Dated terms of work.
#[derive(Clone, Debug)]
pub(crate) struct ReadyTerms {
    from: DayNumber,
    to: DayNumber,
    pub(crate) schedule: Option<ReadySchedule>,
    pub(crate) expected: ExpectedHours,
    pub(crate) full_day: Option<i64>,
    pub(crate) half_day: Option<i64>,
}

impl ReadyTerms {
    pub(crate) fn applies(&self, day: DayNumber) -> bool {
        (self.from..=self.to).contains(&day)
    }

    /// The days on which the shifts can change: the first day, and the day after the last.
    pub(crate) fn changes(&self) -> impl Iterator<Item = DayNumber> + use<> {
        let after = (self.to != DayNumber::MAX).then(|| self.to + 1);
        let first = (self.from != DayNumber::MIN).then_some(self.from);
        first.into_iter().chain(after)
    }
}

/// The expected time of days without shifts, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExpectedHours {
    /// Of a working day.
    pub(crate) daily: Option<i64>,
    /// Of a week or a month.
    pub(crate) cycle: Option<(Cycle, i64)>,
}

/// A period with an expected time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cycle {
    Week,
    Month,
}

impl ExpectedHours {
    fn new(daily: Option<Seconds>, weekly: Option<Seconds>, monthly: Option<Seconds>) -> Self {
        let weekly = weekly.map(|it| (Cycle::Week, it.0));
        Self {
            daily: daily.map(|it| it.0),
            cycle: weekly.or_else(|| Some((Cycle::Month, monthly?.0))),
        }
    }

    pub(crate) fn of_work(work: &Work) -> Self {
        Self::new(work.expected, work.expected_weekly, work.expected_monthly)
    }

    pub(crate) fn is_given(&self) -> bool {
        self.daily.is_some() || self.cycle.is_some()
    }
}

/// Makes terms of work ready. Their names have been checked.
pub(crate) fn ready_terms(terms: &Terms, shifts: &[ReadyShift]) -> ReadyTerms {
    let schedule = terms.schedule.as_ref();
    ReadyTerms {
        from: terms.from.map_or(DayNumber::MIN, DayNumber::of),
        to: terms.to.map_or(DayNumber::MAX, DayNumber::of),
        schedule: schedule.map(|schedule| ready_schedule(schedule, shifts)),
        expected: ExpectedHours::new(
            terms.expected,
            terms.expected_weekly,
            terms.expected_monthly,
        ),
        full_day: terms.full_day.map(|it| it.0),
        half_day: terms.half_day.map(|it| it.0),
    }
}

/// A break rule.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadyBreak {
    /// In seconds since midnight; `to` is after `from`.
    Fixed {
        from: i64,
        to: i64,
        at_most: i64,
        /// Shorter punched breaks do not count.
        shortest: i64,
        whole: bool,
        paid: bool,
    },
    AfterWork {
        worked: i64,
        length: i64,
        /// Shorter punched breaks do not count.
        shortest: i64,
        whole: bool,
    },
}

/// A schedule. Shifts are indices, in order of their start.
#[derive(Clone, Debug)]
pub(crate) enum ReadySchedule {
    WorkingDays(Vec<usize>),
    /// By day of the week, Monday first.
    Weekly([Vec<usize>; 7]),
    Rotation(DayNumber, Vec<Vec<usize>>),
}

/// A shift on one day: its index, and its start and end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScheduledShift {
    pub(crate) shift: usize,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

/// Makes the shifts of a policy ready. Their usual expected time is not known yet.
pub(crate) fn ready_shifts(policy: &Policy) -> Vec<ReadyShift> {
    let shifts = policy.shifts.iter().map(|shift| {
        let next = if shift.overnight { DAY } else { 0 };
        let breaks = shift.breaks.as_ref();
        ReadyShift {
            name: shift.name.as_str().into(),
            start: second_of_day(shift.start),
            end: second_of_day(shift.end) + next,
            margin_before: shift.margin_before.0,
            margin_after: shift.margin_after.0,
            late_after: shift.late_after.0,
            early_before: shift.early_before.0,
            flexible: shift.flexible,
            stated: shift.expected.map(|expected| expected.0),
            usual: None,
            on_time: shift.on_time,
            full_day: shift.full_day.map(|it| it.0),
            half_day: shift.half_day.map(|it| it.0),
            breaks: breaks.map(|breaks| ready_breaks(breaks)),
        }
    });
    shifts.collect()
}

/// Makes break rules ready: those at fixed times by their start, then those after work by their threshold. The order in the
/// policy does not matter.
pub(crate) fn ready_breaks(rules: &[Break]) -> Vec<ReadyBreak> {
    let breaks = rules.iter().map(|rule| match *rule {
        Break::Fixed {
            from,
            to,
            at_most,
            shortest,
            deduct,
            paid,
        } => {
            let (from, to) = clock_window(second_of_day(from), second_of_day(to));
            let at_most = at_most.unwrap_or(Seconds(to - from)).0.min(to - from);
            ReadyBreak::Fixed {
                from,
                to,
                at_most,
                shortest: shortest.0,
                whole: deduct == Deduct::Whole,
                paid,
            }
        }
        Break::AfterWork {
            worked,
            length,
            shortest,
            deduct,
        } => ReadyBreak::AfterWork {
            worked: worked.0,
            length: length.0,
            shortest: shortest.0,
            whole: deduct == Deduct::Whole,
        },
    });
    let mut breaks: Vec<ReadyBreak> = breaks.collect();
    breaks.sort_by_key(|rule| match *rule {
        ReadyBreak::Fixed { from, .. } => (false, from, 0, 0, false),
        ReadyBreak::AfterWork {
            worked,
            length,
            shortest,
            whole,
        } => (true, worked, length, shortest, whole),
    });
    breaks
}

/// A window of the clock. A window that does not end after it begins ends on the next day.
pub(crate) fn clock_window(from: i64, to: i64) -> (i64, i64) {
    (from, if to <= from { to + DAY } else { to })
}

/// Makes a schedule ready. Its names have been checked.
pub(crate) fn ready_schedule(schedule: &Schedule, shifts: &[ReadyShift]) -> ReadySchedule {
    match schedule {
        Schedule::WorkingDays { shifts: None } => {
            let mut all: Vec<usize> = (0..shifts.len()).collect();
            all.sort_by_key(|&index| shifts[index].start);
            ReadySchedule::WorkingDays(all)
        }
        Schedule::WorkingDays {
            shifts: Some(names),
        } => ReadySchedule::WorkingDays(shift_indices(names, shifts)),
        Schedule::Weekly { days } => {
            let mut week: [Vec<usize>; 7] = Default::default();
            for (day, names) in days {
                week[day.index()] = shift_indices(names, shifts);
            }
            ReadySchedule::Weekly(week)
        }
        Schedule::Rotation { from, cycle } => ReadySchedule::Rotation(
            DayNumber::of(*from),
            cycle
                .iter()
                .map(|names| shift_indices(names, shifts))
                .collect(),
        ),
    }
}

/// The indices of shifts by their checked names, in order of their start.
pub(crate) fn shift_indices(names: &[String], shifts: &[ReadyShift]) -> Vec<usize> {
    let index = |name: &String| shifts.iter().position(|shift| *shift.name == **name);
    let mut indices: Vec<usize> = names.iter().filter_map(index).collect();
    indices.sort_by_key(|&index| shifts[index].start);
    indices.dedup();
    indices
}

/// How many days before and after the day of a scan its shift can be.
///
/// An hour and more is added for changes of the clock, and a day backwards for a day that the date line skipped.
pub(crate) fn reach_days(policy: &Policy, shifts: &[ReadyShift]) -> (i32, i32) {
    let early = policy.assignment.early_arrival.0;
    let back = shifts
        .iter()
        .map(|shift| shift.end + shift.margin_after + DAY + HOUR)
        .max()
        .unwrap_or(0);
    let ahead = shifts
        .iter()
        .map(|shift| shift.margin_before.max(early) - shift.start + 3 * HOUR)
        .max()
        .unwrap_or(0);
    ((back / DAY) as i32, i32::from(ahead > 0))
}

/// How long a stay matters after its last scan, and how long before a scan the first scan of such a stay can be. Both are
/// in seconds, with some hours added for changes of the clock.
pub(crate) fn lookback(policy: &Policy, shifts: &[ReadyShift]) -> (i64, i64) {
    let early = policy.assignment.early_arrival.0;
    let windows = shifts
        .iter()
        .map(|shift| shift.margin_before.max(early) + shift.end - shift.start + shift.margin_after);
    let stay = windows
        .chain([policy.assignment.longest_shift.0])
        .max()
        .unwrap_or(0)
        + 2 * HOUR;
    let travel = policy.site.places.iter().map(|place| place.travel.0);
    let others = [stay, policy.scans.cooldown.0, 2 * DAY];
    let memory = travel.chain(others).max().unwrap_or(0) + 2 * HOUR;
    (memory, memory + stay)
}
