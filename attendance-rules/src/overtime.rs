//! What is worked beyond what is expected.

use std::borrow::Cow;

use crate::{
    OvertimeTimes, Rules, Seconds, WeeklyCounts,
    interval::{Interval, after, subtract, total},
};

/// The days of a week so far.
#[derive(Debug, Default)]
pub(crate) struct Week {
    /// The first day.
    start: Option<i32>,
    counted: i64,
}

/// A day as overtime sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day<'a> {
    pub(crate) day: i32,
    pub(crate) work: &'a [Interval],
    /// What of the work is a rest day's.
    pub(crate) rest_day: &'a [Interval],
    /// What of the work is a holiday's.
    pub(crate) holiday: &'a [Interval],
    /// `None` where nobody need have come.
    pub(crate) expected: Option<i64>,
}

impl Rules {
    /// The first day of the week that `day` is in.
    pub(crate) fn week_of(&self, day: i32) -> i32 {
        let first = self.policy.site.week_starts.index() as i32;
        day - (crate::time::weekday_of(day) as i32 - first).rem_euclid(7)
    }

    /// The overtime of a day; days come in order.
    pub(crate) fn overtime(&self, week: &mut Week, day: &Day<'_>) -> OvertimeTimes {
        let rule = &self.policy.overtime;
        let mut over = OvertimeTimes::default();
        let start = self.week_of(day.day);
        if week.start != Some(start) {
            *week = Week {
                start: Some(start),
                counted: 0,
            };
        }
        if day.work.is_empty() {
            return over;
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
        if let Some(limit) = rule.weekly_after {
            let towards = match rule.weekly_counts {
                WeeklyCounts::All => Cow::Borrowed(day.work),
                WeeklyCounts::Regular => Cow::Owned(subtract(&ordinary, &daily)),
            };
            let mut weekly = after(&towards, limit.0 - week.counted);
            for other in [day.holiday, &rest_day, &daily] {
                weekly = subtract(&weekly, other);
            }
            over.weekly = Seconds(total(&weekly));
            week.counted += total(&towards);
        }
        if let Some(most) = rule.at_most_daily {
            over.over_limit = Seconds((over.all() - most.0).max(0));
        }
        over
    }
}
