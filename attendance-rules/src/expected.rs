//! The expected time of shifts, and the part of it that a member owes.

use crate::{
    account::Account,
    breaks::take_breaks_of_day,
    calendar::Half,
    interval::{Interval, after, clip, first, normalize, overlap, subtract, total},
    plan::DayPlan,
    ready::{ReadyBreak, ReadyShift, ScheduledShift},
    rules::Rules,
    time::{DayNumber, Instant},
    zone::Zone,
};

/// The expected time of shifts of one day, in seconds.
///
/// It is the time that counts for a person who works exactly from start to end, with the breaks of the day taken out. So a
/// shift that is worked to the minute has a balance of zero, also on a day when the clock changes.
pub(crate) fn expected_seconds(
    zone: &Zone,
    shifts: &[ReadyShift],
    breaks: &[ReadyBreak],
    scheduled: &[ScheduledShift],
) -> i64 {
    if let [only] = scheduled
        && let Some(usual) = shifts[only.shift].usual
        && zone.is_steady_around(only.start, only.end)
    {
        return usual;
    }
    let stated = scheduled.iter().filter_map(|it| shifts[it.shift].stated);
    let stated: i64 = stated.sum();
    let others = scheduled
        .iter()
        .filter(|it| shifts[it.shift].stated.is_none());
    stated + total(&scheduled_work(zone, shifts, breaks, others))
}

/// The work of a person who works shifts of one day exactly from start to end, without the breaks of the day.
fn scheduled_work<'a>(
    zone: &Zone,
    shifts: &[ReadyShift],
    breaks: &[ReadyBreak],
    scheduled: impl Iterator<Item = &'a ScheduledShift>,
) -> Vec<Interval> {
    let worked = scheduled.map(|it| {
        let account = Account {
            counted: vec![(it.start, it.end)],
            hull: (it.start, it.end),
            ..Account::default()
        };
        (Some(it.shift), account)
    });
    let mut worked: Vec<_> = worked.collect();
    let accounts = worked.iter_mut().map(|it| (it.0, &mut it.1));
    take_breaks_of_day(zone, shifts, breaks, accounts);
    let mut work: Vec<Interval> = worked.into_iter().flat_map(|it| it.1.counted).collect();
    normalize(&mut work);
    work
}

impl Rules {
    /// The work that the shifts of a day schedule, without breaks.
    fn work_of_shifts(&self, day: DayNumber, plan: &DayPlan<'_>) -> Vec<Interval> {
        let scheduled: Vec<_> = plan
            .shifts
            .iter()
            .map(|&it| self.scheduled(day, it))
            .collect();
        scheduled_work(&self.zone, &self.shifts, &self.breaks, scheduled.iter())
    }

    /// The expected time of some of a day's shifts, without free halves and without leave by the hour. In seconds.
    pub(crate) fn owed_seconds(
        &self,
        day: DayNumber,
        plan: &DayPlan<'_>,
        scheduled: &[ScheduledShift],
    ) -> i64 {
        let mut expected = plan.halved(self.expected_of(scheduled));
        if !plan.hours.is_empty() {
            // A free half counts once, also if there is leave by the hour in it.
            let work = self.owed_work(day, plan);
            let within = scheduled.iter().map(|it| clip(&work, (it.start, it.end)));
            let free = within.map(|work| plan.hours_within(&work)).sum::<i64>();
            expected = (expected - free).max(0);
        }
        expected
    }

    /// The work of a day's shifts that is not in a free half.
    ///
    /// The middle of the work divides the day, not the middle of the clock. So both halves have the same expected time, and
    /// a break in the middle of the day belongs to neither.
    pub(crate) fn owed_work(&self, day: DayNumber, plan: &DayPlan<'_>) -> Vec<Interval> {
        let work = self.work_of_shifts(day, plan);
        let half = total(&work) / 2;
        match plan.half {
            Some(Half::Morning) => after(&work, half),
            Some(Half::Afternoon) => first(&work, half),
            None => work,
        }
    }

    /// The part of a scheduled shift from the first second that is owed to the last. `None` if all of the shift is free.
    pub(crate) fn owed(
        &self,
        day: DayNumber,
        plan: &DayPlan<'_>,
        hours: Interval,
    ) -> Option<Interval> {
        if plan.half.is_none() && plan.hours.is_empty() {
            return Some(hours);
        }
        let work = subtract(&self.owed_work(day, plan), &plan.hours);
        let owed = clip(&work, hours);
        let (&(from, _), &(_, to)) = (owed.first()?, owed.last()?);
        // Without a free part at an end, that end stays as it is: a break there does not move it.
        let is_free = |at: Instant| plan.hours.iter().any(|it| it.0 <= at && at < it.1);
        let free_start = plan.half == Some(Half::Morning) || is_free(hours.0);
        let free_end = plan.half == Some(Half::Afternoon) || is_free(hours.1 - 1);
        Some((
            if free_start { from } else { hours.0 },
            if free_end { to } else { hours.1 },
        ))
    }
}

impl DayPlan<'_> {
    /// The leave by the hour within a set of intervals, in seconds.
    pub(crate) fn hours_within(&self, set: &[Interval]) -> i64 {
        self.hours.iter().map(|&window| overlap(set, window)).sum()
    }

    /// The leave by the hour, in seconds.
    pub(crate) fn hours_of_leave(&self) -> i64 {
        total(&self.hours)
    }
}
