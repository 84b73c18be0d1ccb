//! The part of the expected time that a member owes: without free halves and leave by the hour.

use crate::{
    calendar::Half,
    expected::scheduled_work,
    interval::{Interval, after, clip, first, subtract, total},
    plan::DayPlan,
    ready::ScheduledShift,
    rules::Rules,
    time::{DayNumber, Instant},
};

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
