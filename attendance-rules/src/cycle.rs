//! Expected hours of a week or a month.

use jiff::civil::date;

use crate::{
    plan::{DayPlan, Plan},
    ready::Cycle,
    rules::Rules,
    time::DayNumber,
};

/// The current week and month of a person with expected hours by week or month.
///
/// Each day is expected to have the time that was worked on it, until the expected hours are reached. The last due day has the
/// rest. So the balances of the days add up to the balance of the week, and the balance of no day is negative before the week
/// is over.
#[derive(Debug, Default)]
pub(crate) struct CycleRun {
    week: Run,
    month: Run,
}

/// One week or month.
#[derive(Debug, Default)]
struct Run {
    /// The first and the last day.
    days: Option<(DayNumber, DayNumber)>,
    /// The half days that are scheduled.
    scheduled: i64,
    /// The expected seconds that are left.
    left: i64,
    /// The day that has the rest.
    closing_day: Option<DayNumber>,
}

impl CycleRun {
    fn run(&mut self, cycle: Cycle) -> &mut Run {
        match cycle {
            Cycle::Week => &mut self.week,
            Cycle::Month => &mut self.month,
        }
    }

    /// Moves on to `day`. Call it for the days of a cycle in order.
    pub(crate) fn begin(&mut self, rules: &Rules, plan: &Plan, day: DayNumber, cycle: Cycle) {
        let days = rules.cycle_days(cycle, day);
        let run = self.run(cycle);
        if run.days == Some(days) {
            return;
        }
        *run = Run {
            days: Some(days),
            ..Run::default()
        };
        // The expected hours can change within the cycle, with the terms of work. So each due day adds its share.
        let (mut sum, mut leave) = (0, 0);
        for day in DayNumber::all(days.0..=days.1).filter(|&day| rules.zone.exists(day)) {
            let of_day = rules.day_plan(plan, day);
            if !of_day.scheduled {
                continue;
            }
            run.scheduled += 2;
            let hours = of_day.expected.cycle.filter(|it| it.0 == cycle);
            if let Some((_, hours)) = hours.filter(|_| of_day.due_halves() > 0) {
                sum += hours * i64::from(of_day.due_halves());
                leave += rules.free_hours(day, &of_day);
                run.closing_day = Some(day);
            }
        }
        run.left = (sum / run.scheduled.max(1) - leave).max(0);
    }

    /// Returns `true` if `day` is the last due day of its cycle.
    pub(crate) fn closes(&mut self, day: DayNumber, cycle: Cycle) -> bool {
        self.run(cycle).closing_day == Some(day)
    }

    /// The expected seconds of a day with `counted` seconds of work. `closes` if it has the rest of the cycle.
    pub(crate) fn expect(&mut self, cycle: Cycle, counted: i64, closes: bool) -> i64 {
        let run = self.run(cycle);
        let expected = if closes {
            run.left
        } else {
            run.left.min(counted)
        };
        run.left -= expected;
        expected
    }

    /// The share of half days in the expected seconds of a cycle.
    pub(crate) fn share(&mut self, cycle: (Cycle, i64), halves: u32) -> i64 {
        cycle.1 * i64::from(halves) / self.run(cycle.0).scheduled.max(1)
    }
}

impl Rules {
    /// The first and the last day of the cycle of `day`.
    pub(crate) fn cycle_days(&self, cycle: Cycle, day: DayNumber) -> (DayNumber, DayNumber) {
        match cycle {
            Cycle::Week => {
                let first = self.week_start(day);
                (first, first + 6)
            }
            Cycle::Month => {
                let on = day.date();
                let first = DayNumber::of(date(on.year(), on.month(), 1));
                (first, first + (i32::from(on.days_in_month()) - 1))
            }
        }
    }

    /// The leave by the hour in the working time of a day, in seconds.
    pub(crate) fn free_hours(&self, day: DayNumber, plan: &DayPlan<'_>) -> i64 {
        if plan.hours.is_empty() {
            0
        } else if plan.shifts.is_empty() {
            plan.hours_of_leave()
        } else {
            plan.hours_within(&self.owed_work(day, plan))
        }
    }
}
