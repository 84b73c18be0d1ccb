//! Expected hours of a week or a month.

use jiff::civil::date;

use crate::{due::DueWork, plan::Plan, ready::Cycle, rules::Rules, time::DayNumber};

/// The current week or month of a person with expected hours by week or month.
///
/// Each day is expected to have the time that was worked on it, until the expected hours are reached. The last due day has the
/// rest. So the balances of the days add up to the balance of the week, and the balance of no day is negative before the week
/// is over.
#[derive(Debug, Default)]
pub(crate) struct CycleRun {
    /// The days of the current cycle.
    days: Option<(Cycle, DayNumber, DayNumber)>,
    /// The expected seconds that are left.
    left: i64,
    /// The day that has the rest.
    closing_day: Option<DayNumber>,
}

impl CycleRun {
    /// Moves on to `day`. Call it for the days of a cycle in order.
    pub(crate) fn begin(&mut self, rules: &Rules, plan: &Plan, day: DayNumber, due: &DueWork<'_>) {
        let Some(cycle) = due.cycle else {
            self.days = None;
            self.closing_day = None;
            return;
        };
        let (first, last) = rules.cycle_days(cycle, day);
        if self.days == Some((cycle, first, last)) {
            return;
        }
        self.days = Some((cycle, first, last));
        self.closing_day = None;
        // The expected hours can change within the cycle, with the terms of work. So each due day adds its share.
        let (mut sum, mut scheduled) = (0, 0);
        for day in DayNumber::all(first..=last).filter(|&day| rules.zone.exists(day)) {
            let plan = rules.day_plan(plan, day);
            let hours = plan.expected.cycle.filter(|it| it.0 == cycle);
            if !plan.scheduled {
                continue;
            }
            scheduled += 2;
            if let Some((_, hours)) = hours.filter(|_| plan.due_halves() > 0) {
                sum += hours * i64::from(plan.due_halves());
                self.closing_day = Some(day);
            }
        }
        self.left = sum / i64::from(scheduled.max(1));
    }

    /// Returns `true` if `day` is the last due day of its cycle.
    pub(crate) fn closes(&self, day: DayNumber) -> bool {
        self.closing_day == Some(day)
    }

    /// The expected seconds of a day with `counted` seconds of work. `closes` if it has the rest of the cycle.
    pub(crate) fn expect(&mut self, counted: i64, closes: bool) -> i64 {
        let expected = if closes {
            self.left
        } else {
            self.left.min(counted)
        };
        self.left -= expected;
        expected
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
}
