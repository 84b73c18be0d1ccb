//! What is worked beyond what is expected.

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
    /// `None` where nobody need have come.
    pub(crate) expected: Option<i64>,
    pub(crate) rest_day: bool,
    pub(crate) holiday: bool,
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
        let worked = total(day.work);
        if worked == 0 {
            return over;
        }
        let before = week.counted;
        if (day.holiday && rule.holidays) || (day.rest_day && rule.rest_days) {
            let kind = if day.holiday && rule.holidays {
                &mut over.holiday
            } else {
                &mut over.rest_day
            };
            *kind = Seconds(worked);
            if rule.weekly_counts == WeeklyCounts::All {
                week.counted += worked;
            }
        } else {
            let mut daily = Vec::new();
            if let Some(daily_rule) = rule.daily
                && let Some(limit) = daily_rule.after.map(|after| after.0).or(day.expected)
                && worked - limit > daily_rule.tolerance.0
            {
                daily = after(day.work, limit);
            }
            over.daily = Seconds(total(&daily));
            let regular;
            let towards: &[Interval] = match rule.weekly_counts {
                WeeklyCounts::All => day.work,
                WeeklyCounts::Regular => {
                    regular = subtract(day.work, &daily);
                    &regular
                }
            };
            week.counted += total(towards);
            if let Some(limit) = rule.weekly_after {
                let weekly = after(towards, limit.0 - before);
                over.weekly = Seconds(total(&subtract(&weekly, &daily)));
            }
        }
        if let Some(most) = rule.at_most_daily {
            over.over_limit = Seconds((over.all() - most.0).max(0));
        }
        over
    }
}
