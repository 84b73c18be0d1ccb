//! Computes overtime by day and week.

use std::borrow::Cow;

use crate::{
    interval::{Interval, after, first, normalize, subtract, total},
    plan::Plan,
    record::OvertimeTimes,
    rules::Rules,
    seconds::Seconds,
    time::DayNumber,
};

/// The days of a week, up to the last one that was read.
#[derive(Debug, Default)]
pub(crate) struct Week {
    /// The first day.
    start: Option<DayNumber>,
    /// The seconds that count towards the weekly limit.
    counted: i64,
    /// The weekly limit, in seconds.
    limit: Option<i64>,
}

/// The overtime of a day.
#[derive(Debug, Default)]
pub(crate) struct OvertimeOfDay {
    pub(crate) times: OvertimeTimes,
    /// The overtime that counts, if the policy has windows.
    pub(crate) counted: Vec<Interval>,
}

/// The work of a day, for overtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayOfWork<'a> {
    pub(crate) day: DayNumber,
    pub(crate) work: &'a [Interval],
    /// The part of the work on a rest day.
    pub(crate) rest_day: &'a [Interval],
    /// The part of the work on a holiday.
    pub(crate) holiday: &'a [Interval],
    /// The expected seconds; `None` on a day without obligation to work.
    pub(crate) expected: Option<i64>,
}

impl Rules {
    /// The first day of the week of `day`.
    pub(crate) fn week_start(&self, day: DayNumber) -> DayNumber {
        let first = self.policy.site.week_starts.index() as i32;
        day - (day.weekday() as i32 - first).rem_euclid(7)
    }

    /// The overtime of a day. Call it for the days of a week in order.
    pub(crate) fn overtime(
        &self,
        plan: &Plan,
        week: &mut Week,
        day: &DayOfWork<'_>,
    ) -> OvertimeOfDay {
        let rule = &self.policy.overtime;
        let mut over = OvertimeTimes::default();
        let start = self.week_start(day.day);
        if week.start != Some(start) {
            *week = Week {
                start: Some(start),
                counted: 0,
                limit: self.weekly_limit(plan, start),
            };
        }
        if day.work.is_empty() {
            return OvertimeOfDay::default();
        }
        let rest_day = subtract(day.rest_day, day.holiday);
        (over.holiday, over.rest_day) = (Seconds(total(day.holiday)), Seconds(total(&rest_day)));
        let ordinary = if day.holiday.is_empty() && rest_day.is_empty() {
            Cow::Borrowed(day.work)
        } else {
            Cow::Owned(subtract(&subtract(day.work, day.holiday), &rest_day))
        };
        let mut daily = Vec::new();
        if let Some(daily_rule) = rule.daily
            && let Some(limit) = daily_rule.after.map(|after| after.0).or(day.expected)
            && total(&ordinary) - limit > daily_rule.tolerance.0
        {
            daily = after(&ordinary, limit);
        }
        over.daily = Seconds(total(&daily));
        let mut weekly = Vec::new();
        if let Some(limit) = week.limit {
            // Overtime of another kind does not fill the week. Otherwise, its seconds would count twice: once as that
            // overtime, and once because they push regular time over the weekly limit.
            let regular = subtract(&ordinary, &daily);
            weekly = after(&regular, limit - week.counted);
            over.weekly = Seconds(total(&weekly));
            week.counted += total(&regular);
        }
        if let Some(most) = rule.at_most_daily {
            over.over_limit = Seconds((over.all() - most.0).max(0));
        }
        let mut counted = Vec::new();
        if !self.windows.is_empty() && over.all() > 0 {
            counted.extend_from_slice(day.holiday);
            counted.extend(rest_day);
            counted.extend(daily);
            counted.extend(weekly);
            normalize(&mut counted);
            // The first seconds count.
            counted = first(&counted, over.counted().0);
        }
        OvertimeOfDay {
            times: over,
            counted,
        }
    }

    /// The weekly limit of the week that begins on `start`, in seconds.
    fn weekly_limit(&self, plan: &Plan, start: DayNumber) -> Option<i64> {
        let rule = &self.policy.overtime;
        let limit = rule.weekly_after?.0;
        if !rule.weekly_less_free {
            return Some(limit);
        }
        let (due, scheduled) = self.due_share(plan, (start, start + 6));
        Some(if scheduled == 0 {
            limit
        } else {
            limit * due / scheduled
        })
    }
}
