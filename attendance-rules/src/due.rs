//! The work that is due on a day, and the thresholds for a full day and half a day.

use std::borrow::Cow;

use crate::{
    calendar::Half,
    day_count::DayCount,
    plan::{DayPlan, Plan},
    ready::{Cycle, ReadyShift, ScheduledShift},
    rules::Rules,
    time::{DayNumber, Instant},
};

/// The work that is due on a day: by its own schedule, and by shifts of other days that count for it.
#[derive(Debug, Default)]
pub(crate) struct DueWork<'r> {
    /// Work is due on this day: it is scheduled and not free. Hours that the person can work on any day of a week or a month
    /// are not due on a day.
    pub(crate) obliged: bool,
    pub(crate) holiday: Option<&'r str>,
    pub(crate) leave: Option<Cow<'r, str>>,
    pub(crate) half: Option<Half>,
    /// The half days on which work is due.
    pub(crate) halves: u32,
    /// The half days of leave.
    pub(crate) leave_halves: u32,
    /// In seconds.
    pub(crate) expected: i64,
    /// The expected time that is free by leave, in seconds.
    pub(crate) leave_time: i64,
    /// Less than this is half a day. In seconds.
    pub(crate) full_day: Option<i64>,
    /// Less than this is no day. In seconds.
    pub(crate) half_day: Option<i64>,
    /// The expected hours are those of a week or a month, in seconds.
    pub(crate) cycle: Option<(Cycle, i64)>,
    /// The last second at which one of its shifts accepts a scan.
    pub(crate) open_until: Option<Instant>,
    /// The graces of its shifts for coming late and leaving early, in seconds.
    graces: i64,
}

impl DueWork<'_> {
    /// The whole day is free by leave, at least in part.
    pub(crate) fn is_on_leave(&self) -> bool {
        !self.obliged && self.leave_halves > 0
    }

    /// Something of the day is free by leave.
    pub(crate) fn has_leave(&self) -> bool {
        self.is_on_leave() || (self.leave_time > 0 && !self.obliged)
    }

    /// Sets the thresholds that the policy does not state.
    ///
    /// A full day is three quarters of what is expected. Where somebody may come late and leave early, that time is not
    /// required. On a day without work due, an ordinary day is the measure, and less than half of that is no day.
    fn complete_thresholds(&mut self, usual_day: Option<i64>) {
        let three_quarters = |expected: i64| expected * 3 / 4;
        if self.halves > 0 {
            let expected = Some(self.expected).filter(|&expected| expected > 0);
            self.full_day = self
                .full_day
                .or_else(|| Some((three_quarters(expected?) - self.graces).max(1)));
        } else {
            self.full_day = self.full_day.or_else(|| usual_day.map(three_quarters));
            self.half_day = self.half_day.or_else(|| Some(self.full_day? / 2));
        }
    }

    fn raise(limit: &mut Option<i64>, other: Option<i64>) {
        *limit = (*limit).max(other);
    }
}

impl Rules {
    /// The work that is due on a day.
    pub(crate) fn due<'r>(&'r self, plan: &'r Plan, day: DayNumber) -> DueWork<'r> {
        let mut due = DueWork::default();
        // Scheduled shifts of days without a free part. Their expected time is computed together, because they share breaks.
        let mut whole = Vec::new();
        let homes = DayNumber::all(self.homes(day));
        for home in homes.filter(|&home| self.zone.exists(home)) {
            let of_day = self.day_plan(plan, home);
            if home == day {
                due.holiday = of_day.holiday;
                due.cycle = of_day.expected.cycle;
            }
            let mut scheduled = Vec::with_capacity(of_day.shifts.len());
            for &shift in of_day.shifts {
                let it = self.scheduled(home, shift);
                if self.day_of_hours(home, (it.start, it.end)) == day {
                    let until = it.end + self.shifts[shift].margin_after;
                    due.open_until = due.open_until.max(Some(until));
                    scheduled.push(it);
                }
            }
            if scheduled.is_empty() && !(of_day.shifts.is_empty() && home == day) {
                continue;
            }
            self.add_home(&mut due, home, &of_day, scheduled, &mut whole);
        }
        if due.cycle.is_none() {
            due.expected += self.expected_of(&whole);
        }
        // If a shift of another day counts for this one, the day can have leave and work. The work precedes.
        due.leave_halves = due.leave_halves.min(DayCount::ONE.halves() - due.halves);
        due.complete_thresholds(self.usual_day);
        due
    }

    /// Adds what is due by the schedule of the day `home`.
    fn add_home<'r>(
        &'r self,
        due: &mut DueWork<'r>,
        home: DayNumber,
        plan: &DayPlan<'r>,
        mut scheduled: Vec<ScheduledShift>,
        whole: &mut Vec<ScheduledShift>,
    ) {
        due.leave = due.leave.take().or_else(|| plan.leave.clone());
        due.half = due.half.or(plan.half);
        let of_shifts = |key: fn(&ReadyShift) -> Option<i64>| -> Option<i64> {
            let limits = scheduled.iter().map(|it| key(&self.shifts[it.shift]));
            let limit: Option<i64> = limits.sum();
            limit.filter(|_| !scheduled.is_empty())
        };
        let full = of_shifts(|shift| shift.full_day).or(plan.full_day);
        let half = of_shifts(|shift| shift.half_day).or(plan.half_day);
        // The expected time of the whole day, and of the part that is not free.
        let (all, owed) = if plan.shifts.is_empty() {
            let all = plan.expected.daily.unwrap_or_default();
            (all, (plan.halved(all) - plan.hours_of_leave()).max(0))
        } else if plan.half.is_none() && plan.hours.is_empty() && !plan.free {
            (0, 0)
        } else {
            let owed = self.owed_seconds(home, plan, &scheduled);
            (self.expected_of(&scheduled), owed)
        };
        if plan.employed && plan.scheduled {
            due.leave_halves = due.leave_halves.max(plan.leave_halves);
            due.leave_time += if plan.hours.is_empty() {
                all * i64::from(plan.leave_halves) / 2
            } else {
                (all * (2 - i64::from(plan.half.is_some())) / 2 - owed).max(0)
                    + all * i64::from(plan.leave_halves) / 2
            };
        }
        // On flexible days without shifts, nothing is due on a certain day.
        let obliged = plan.obliged() && !(due.cycle.is_some() && plan.shifts.is_empty());
        if !obliged {
            DueWork::raise(&mut due.full_day, full);
            DueWork::raise(&mut due.half_day, half);
            return;
        }
        due.obliged = true;
        due.halves = due.halves.max(plan.due_halves());
        // Leave by the hour lowers the thresholds in proportion.
        let scaled = |limit: i64| {
            let limit = plan.halved(limit);
            let before = plan.halved(all);
            if plan.hours.is_empty() || before == 0 {
                limit
            } else {
                limit * owed / before
            }
        };
        DueWork::raise(&mut due.full_day, full.map(scaled));
        DueWork::raise(&mut due.half_day, half.map(scaled));
        let graces = scheduled.iter().map(|it| &self.shifts[it.shift]);
        due.graces += graces
            .map(|shift| shift.late_after + shift.early_before)
            .sum::<i64>();
        if due.cycle.is_some() {
            return;
        }
        if plan.shifts.is_empty() || plan.half.is_some() || !plan.hours.is_empty() {
            due.expected += owed;
        } else {
            whole.append(&mut scheduled);
        }
    }

    /// The due and the scheduled half days of a period.
    pub(crate) fn due_share(&self, plan: &Plan, days: (DayNumber, DayNumber)) -> (i64, i64) {
        let (mut due, mut scheduled) = (0, 0);
        for day in DayNumber::all(days.0..=days.1) {
            let of_day = self.day_plan(plan, day);
            if of_day.scheduled && self.zone.exists(day) {
                due += i64::from(of_day.due_halves());
                scheduled += i64::from(DayCount::ONE.halves());
            }
        }
        (due, scheduled)
    }
}
