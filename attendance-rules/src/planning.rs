//! How rules make the plan of a member, and from it the plan of each day.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use facekit::PersonId;

use crate::{
    calendar::{Half, Leave, Member},
    error::{Error, Result},
    interval::{Interval, normalize},
    plan::{DayPlan, LeavePart, Plan, ReadyLeave},
    policy::{
        Terms,
        check::{check_schedule, check_shifts_of_days, check_terms},
    },
    ready::{ReadySchedule, ReadyTerms, clock_window, ready_schedule, ready_terms, shift_indices},
    rules::Rules,
    time::{DAY, DayNumber, Instant, second_of_day},
};

impl Rules {
    /// The plan of a member.
    pub(crate) fn plan_of(&self, member: &Member) -> Result<Plan> {
        let person = &member.person;
        let within = |path: &str, error: Error| match error {
            Error::Policy { path: key, reason } => {
                Error::member(person, format!("{path}{key}: {reason}"))
            }
            other => other,
        };
        if let Some(region) = &member.region {
            self.check_region(region)
                .map_err(|reason| Error::member(person, format!("region: {reason}")))?;
        }
        let schedule = match &member.schedule {
            Some(schedule) => {
                check_schedule("schedule", schedule, &self.policy)
                    .map_err(|error| within("", error))?;
                Some(ready_schedule(schedule, &self.shifts))
            }
            None => None,
        };
        check_terms("terms", &member.terms, &self.policy).map_err(|error| within("", error))?;
        let mut shifts_on = BTreeMap::new();
        for on in &member.shifts_on {
            let path = format!("shifts_on {}", on.date);
            check_shifts_of_days("", &[&on.shifts], &self.policy)
                .map_err(|error| within(&path, error))?;
            let shifts = shift_indices(&on.shifts, &self.shifts);
            if shifts_on.insert(DayNumber::of(on.date), shifts).is_some() {
                let reason = format!("{path}: the day is listed twice");
                return Err(Error::member(person, reason));
            }
        }
        let leave = member.leave.iter().map(|leave| leave_of(person, leave));
        let plan = Plan {
            employment: employment_of(member)?,
            roster_until: member.roster_until.map_or(DayNumber::MAX, DayNumber::of),
            region: member.region.clone(),
            schedule,
            terms: self.ready_terms(&member.terms),
            shifts_on,
            leave: leave.collect::<Result<_>>()?,
            member: Some(member.clone()),
        };
        self.check_overlaps(&plan)
            .map_err(|reason| Error::member(person, reason))?;
        Ok(plan)
    }

    pub(crate) fn ready_terms(&self, terms: &[Terms]) -> Vec<ReadyTerms> {
        terms
            .iter()
            .map(|terms| ready_terms(terms, &self.shifts))
            .collect()
    }

    /// Checks that shifts do not overlap where one schedule follows another.
    pub(crate) fn check_overlaps(&self, plan: &Plan) -> Result<(), String> {
        let all = self.terms.iter().flat_map(ReadyTerms::changes);
        for day in plan.changes().chain(all) {
            for (one, other) in [(day - 1, day), (day, day + 1)] {
                if let Some((early, late)) = self.overlap(plan, one, other) {
                    let cause = if plan.shifts_on.contains_key(&day) {
                        format!("shifts_on {day}")
                    } else {
                        "terms".to_owned()
                    };
                    return Err(format!(
                        "{cause}: shift {early:?} of {one} and {late:?} of {other} overlap"
                    ));
                }
            }
        }
        Ok(())
    }

    /// The last shift of `day` and the first of `next`, if they overlap.
    fn overlap(
        &self,
        plan: &Plan,
        day: DayNumber,
        next: DayNumber,
    ) -> Option<(Arc<str>, Arc<str>)> {
        let shifts = |day| {
            let day_plan = self.day_plan(plan, day);
            if day_plan.obliged() {
                day_plan.shifts
            } else {
                &[]
            }
        };
        let (last, first) = (*shifts(day).last()?, *shifts(next).first()?);
        let (last, first) = (&self.shifts[last], &self.shifts[first]);
        (last.end > first.start + DAY).then(|| (Arc::clone(&last.name), Arc::clone(&first.name)))
    }

    /// The schedule, calendar and leave of a member on a day.
    pub(crate) fn day_plan<'a>(&'a self, plan: &'a Plan, day: DayNumber) -> DayPlan<'a> {
        let mut day_plan = DayPlan {
            employed: plan.is_employed(day),
            ..DayPlan::default()
        };
        let schedule = self.apply_terms(plan, day, &mut day_plan);
        let planned = plan.shifts_on.get(&day);
        (day_plan.scheduled, day_plan.shifts) = match planned {
            Some(shifts) => (!shifts.is_empty(), &shifts[..]),
            None => self.scheduled_on(schedule, day),
        };
        let (mut by_holiday, mut by_leave) = (0, 0);
        if let Some((name, half)) = self.holiday(plan, day) {
            day_plan.holiday = Some(name);
            day_plan.whole_holiday = half.is_none();
            // Shifts that are planned for this date take precedence over a holiday.
            if planned.is_none() {
                by_holiday = bits(half);
            }
        }
        if !plan.leave.is_empty() {
            by_leave = self.leave_on(plan, day, &mut day_plan);
        }
        let free = by_holiday | by_leave;
        day_plan.free = free == BOTH_HALVES;
        day_plan.half = match free {
            1 => Some(Half::Morning),
            2 => Some(Half::Afternoon),
            _ => None,
        };
        day_plan.leave_halves = (by_leave & !by_holiday).count_ones();
        if day_plan.free {
            day_plan.hours.clear();
        }
        if !day_plan.hours.is_empty() && !day_plan.shifts.is_empty() {
            let owed = |&shift: &usize| self.owed(day, &day_plan, self.hours(day, shift));
            if day_plan.shifts.iter().all(|shift| owed(shift).is_none()) {
                // Leave by the hour covers all that is due, so it is a whole day of leave.
                day_plan.leave_halves += 2 - free.count_ones();
                day_plan.free = true;
                day_plan.half = None;
                day_plan.hours.clear();
            }
        }
        day_plan
    }

    /// Adds the leave of a day. Returns the halves that it makes free, as bits.
    fn leave_on<'a>(&self, plan: &'a Plan, day: DayNumber, day_plan: &mut DayPlan<'a>) -> u32 {
        let mut free = 0;
        // The kinds of leave of a whole day, in the morning, in the afternoon, and by the hour.
        let (mut whole, mut halves, mut by_hour) = (None, [None; 2], None);
        let kind = |index: usize| plan.member.as_ref().map(|it| &*it.leave[index].kind);
        for (index, leave) in plan.leave.iter().enumerate() {
            let on = |day| (leave.from..=leave.to).contains(&day);
            match leave.part {
                LeavePart::Day | LeavePart::Half(_) if !on(day) => {}
                LeavePart::Day => {
                    whole = whole.or_else(|| kind(index));
                    free |= BOTH_HALVES;
                }
                LeavePart::Half(half) => {
                    let of_half = &mut halves[usize::from(half == Half::Afternoon)];
                    *of_half = of_half.or_else(|| kind(index));
                    free |= bits(Some(half));
                }
                LeavePart::Hours(from, to) => {
                    // A shift of this day can reach into the next day.
                    let overnight = day_plan
                        .shifts
                        .last()
                        .is_some_and(|&it| self.shifts[it].end > DAY);
                    let days = [Some(day), overnight.then_some(day + 1)];
                    for it in days.into_iter().flatten().filter(|&day| on(day)) {
                        let window = (self.zone.at(it, from), self.zone.at(it, to));
                        let matters = |&shift: &usize| {
                            let (start, end) = self.hours(day, shift);
                            window.0 < end && start < window.1
                        };
                        if day_plan.shifts.is_empty() || day_plan.shifts.iter().any(matters) {
                            day_plan.hours.push(window);
                            by_hour = by_hour.or_else(|| kind(index));
                        }
                    }
                }
            }
        }
        let by_hour = by_hour.filter(|_| free != BOTH_HALVES);
        let parts = halves.into_iter().chain([by_hour]).flatten();
        day_plan.leave = whole.map(Cow::from).or_else(|| joined(parts));
        normalize(&mut day_plan.hours);
        free
    }

    /// Sets the expected hours and the thresholds of a day by the terms of work. Returns the schedule.
    ///
    /// The member's own terms precede the member's schedule, then come the terms of the policy, and then the policy.
    fn apply_terms<'a>(
        &'a self,
        plan: &'a Plan,
        day: DayNumber,
        day_plan: &mut DayPlan<'_>,
    ) -> &'a ReadySchedule {
        let find = |terms: &'a [ReadyTerms]| terms.iter().find(|terms| terms.applies(day));
        let (own, all) = (find(&plan.terms), find(&self.terms));
        let levels = || [own, all].into_iter().flatten();
        let hours = levels()
            .map(|terms| terms.expected)
            .find(|it| it.is_given());
        day_plan.expected = hours.unwrap_or(self.expected);
        let work = &self.policy.work;
        let full = levels().find_map(|terms| terms.full_day);
        let half = levels().find_map(|terms| terms.half_day);
        day_plan.full_day = full.or_else(|| Some(work.full_day?.0));
        day_plan.half_day = half.or_else(|| Some(work.half_day?.0));
        own.and_then(|terms| terms.schedule.as_ref())
            .or(plan.schedule.as_ref())
            .or_else(|| all.and_then(|terms| terms.schedule.as_ref()))
            .unwrap_or(&self.schedule)
    }

    /// Returns `true` if there are expected hours of weeks or months.
    pub(crate) fn uses_cycles(&self, plan: &Plan) -> bool {
        let terms = plan.terms.iter().chain(&self.terms);
        self.expected.cycle.is_some() || terms.into_iter().any(|it| it.expected.cycle.is_some())
    }

    /// `true` if a schedule has work on a day, and its shifts.
    fn scheduled_on<'a>(&self, schedule: &'a ReadySchedule, day: DayNumber) -> (bool, &'a [usize]) {
        let weekly = !matches!(schedule, ReadySchedule::Rotation(..));
        if weekly && self.is_rest_day(day) {
            return (false, &[]);
        }
        let shifts = match schedule {
            ReadySchedule::WorkingDays(_) if !self.working_days[day.weekday()] => &[][..],
            // A policy without shifts has work on working days, too.
            ReadySchedule::WorkingDays(shifts) if self.shifts.is_empty() => {
                return (true, &shifts[..]);
            }
            ReadySchedule::WorkingDays(shifts) => &shifts[..],
            ReadySchedule::Weekly(days) => &days[day.weekday()],
            ReadySchedule::Rotation(from, cycle) => {
                let index = day.days_since(*from).rem_euclid(cycle.len() as i64);
                &cycle[index as usize]
            }
        };
        (!shifts.is_empty(), shifts)
    }

    /// Returns `true` if `day` is a rest day by its week of the month, as the second Saturday is.
    fn is_rest_day(&self, day: DayNumber) -> bool {
        let rules = &self.policy.site.rest_days;
        rules
            .iter()
            .filter(|rule| rule.day.index() == day.weekday())
            .any(|rule| {
                let date = day.date();
                let week = (date.day() - 1) / 7 + 1;
                let is_last = date.day() + 7 > date.days_in_month();
                rule.weeks.contains(&week) || (is_last && rule.weeks.contains(&-1))
            })
    }

    /// The holiday of a member on a day: its name, and the half that is free.
    fn holiday<'a>(&'a self, plan: &Plan, day: DayNumber) -> Option<(&'a str, Option<Half>)> {
        let regional = plan.region.as_ref().and_then(|it| self.regional.get(it));
        let holidays = regional.unwrap_or(&self.holidays);
        if holidays.is_empty() {
            return None;
        }
        holidays
            .get(&day)
            .map(|holiday| (&*holiday.name, holiday.half))
    }

    /// Returns `true` if `day` is a whole holiday of a member.
    pub(crate) fn is_holiday(&self, plan: &Plan, day: DayNumber) -> bool {
        self.holiday(plan, day)
            .is_some_and(|(_, half)| half.is_none())
    }

    /// The last second at which an automatic OUT can be: the start of a free afternoon.
    pub(crate) fn free_from(
        &self,
        day: DayNumber,
        plan: &DayPlan<'_>,
        hours: Interval,
    ) -> Option<Instant> {
        let is_free = plan.half == Some(Half::Afternoon) || !plan.hours.is_empty();
        is_free.then(|| self.owed(day, plan, hours).map_or(hours.0, |owed| owed.1))
    }
}

/// The periods of employment, in order of time.
fn employment_of(member: &Member) -> Result<Vec<(DayNumber, DayNumber)>> {
    let person = &member.person;
    let simple = member.joined.is_some() || member.left.is_some();
    if simple && !member.employment.is_empty() {
        let reason = "give either joined and left, or employment";
        return Err(Error::member(person, reason));
    }
    let given: Vec<_> = if member.employment.is_empty() {
        vec![(member.joined, member.left)]
    } else {
        let periods = member.employment.iter();
        periods.map(|period| (period.joined, period.left)).collect()
    };
    for (joined, left) in &given {
        if let (Some(joined), Some(left)) = (joined, left)
            && left < joined
        {
            let reason = format!("left on {left}, before joining on {joined}");
            return Err(Error::member(person, reason));
        }
    }
    let periods = given.into_iter().map(|(joined, left)| {
        let first = joined.map_or(DayNumber::MIN, DayNumber::of);
        (first, left.map_or(DayNumber::MAX, DayNumber::of))
    });
    let mut periods: Vec<_> = periods.collect();
    periods.sort_unstable();
    if let Some(pair) = periods.windows(2).find(|pair| pair[1].0 <= pair[0].1) {
        let reason = format!(
            "employment: the period from {} begins before the period from {} ends",
            pair[1].0, pair[0].0
        );
        return Err(Error::member(person, reason));
    }
    Ok(periods)
}

fn leave_of(person: &PersonId, leave: &Leave) -> Result<ReadyLeave> {
    let wrong = |reason: String| {
        Err(Error::member(
            person,
            format!("leave from {} {reason}", leave.from),
        ))
    };
    if leave.to < leave.from {
        return wrong(format!("ends before it begins, on {}", leave.to));
    }
    let part = match (leave.half, leave.hours) {
        (Some(_), Some(_)) => return wrong("has a half and hours; give one of them".to_owned()),
        (Some(half), None) => LeavePart::Half(half),
        (None, Some(hours)) if hours.from == hours.to => {
            return wrong(format!("has hours that begin and end at {}", hours.from));
        }
        (None, Some(hours)) => {
            let (from, to) = clock_window(second_of_day(hours.from), second_of_day(hours.to));
            LeavePart::Hours(from, to)
        }
        (None, None) => LeavePart::Day,
    };
    Ok(ReadyLeave {
        from: DayNumber::of(leave.from),
        to: DayNumber::of(leave.to),
        part,
    })
}

/// Kinds of leave as one text: each once, with plus signs between them.
fn joined<'a>(kinds: impl Iterator<Item = &'a str>) -> Option<Cow<'a, str>> {
    kinds.fold(None, |all: Option<Cow<'a, str>>, kind| match all {
        None => Some(kind.into()),
        Some(all) if all.split(" + ").any(|known| known == kind) => Some(all),
        Some(all) => Some(format!("{all} + {kind}").into()),
    })
}

/// Bits for the halves of a day: 1 for the morning, 2 for the afternoon.
const BOTH_HALVES: u32 = 3;

fn bits(half: Option<Half>) -> u32 {
    match half {
        None => BOTH_HALVES,
        Some(Half::Morning) => 1,
        Some(Half::Afternoon) => 2,
    }
}
