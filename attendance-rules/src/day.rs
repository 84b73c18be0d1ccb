//! Makes day records from the shifts that were worked.
//!
//! The work that is due on a day is in [`due`](crate::due).

use std::borrow::Cow;
use std::mem;
use std::ops::RangeInclusive;
use std::sync::Arc;

use facekit::{Anomaly, PersonId};

use crate::{
    account::Account,
    breaks::take_breaks_of_day,
    calendar::Period,
    cycle::CycleRun,
    day_count::DayCount,
    day_notes::notes_of,
    due::DueWork,
    interval::{ALWAYS, Interval, clip, last, normalize, overlap, subtract, total},
    overtime::{DayOfWork, Week},
    plan::Plan,
    policy::DayOf,
    ready::Cycle,
    record::{DayRecord, OvertimeTimes, ShiftRecord, Status, Times, WindowTime},
    rules::Rules,
    seconds::Seconds,
    time::{DayNumber, Instant},
};

/// The work of a shift, and the days for which it counts.
pub(crate) struct WorkedShift {
    /// The index of its record in the ledger.
    pub(crate) index: usize,
    pub(crate) account: Account,
    /// The day of its schedule, or of its first punch if it is not scheduled.
    pub(crate) home: DayNumber,
    /// The index of the scheduled shift.
    pub(crate) shift: Option<usize>,
    /// The days for which it counts, with the part of the time that belongs to each.
    pub(crate) days: Vec<(DayNumber, Interval)>,
    pub(crate) anomalies: Vec<Anomaly>,
}

impl WorkedShift {
    /// The first day for which it counts.
    fn day(&self) -> DayNumber {
        self.days.first().map_or(self.home, |day| day.0)
    }
}

/// The part of a shift that counts for one day.
struct DayPart {
    day: DayNumber,
    /// The index of the shift's record.
    shift_index: usize,
    /// It is the first part of its shift. It has everything that cannot be split.
    leads: bool,
    is_on_rest_day: bool,
    is_on_holiday: bool,
    times: Times,
    work: Vec<Interval>,
    anomalies: Vec<Anomaly>,
}

/// The shifts of a person, divided into days.
pub(crate) struct Days<'r> {
    rules: &'r Rules,
    plan: &'r Plan,
    as_of: Instant,
    shifts: &'r [ShiftRecord],
    /// In order of days.
    parts: Vec<DayPart>,
}

impl<'r> Days<'r> {
    /// Takes the breaks of each day, and sets the times of the shift records.
    pub(crate) fn new(
        rules: &'r Rules,
        plan: &'r Plan,
        as_of: Instant,
        mut worked: Vec<WorkedShift>,
        shifts: &'r mut [ShiftRecord],
    ) -> Self {
        worked.sort_by_key(|it| (it.day(), it.index));
        for day in worked.chunk_by_mut(|one, other| one.day() == other.day()) {
            let accounts = day.iter_mut().map(|it| (it.shift, &mut it.account));
            take_breaks_of_day(&rules.zone, &rules.shifts, &rules.breaks, accounts);
        }
        let mut days = Self {
            rules,
            plan,
            as_of,
            shifts: &[],
            parts: Vec::with_capacity(worked.len()),
        };
        for mut it in worked {
            shifts[it.index].times = it.account.times(ALWAYS);
            days.add_parts(&mut it);
        }
        days.parts.sort_by_key(|part| (part.day, part.shift_index));
        days.shifts = shifts;
        days
    }

    /// Adds the parts of a shift, one for each day for which it counts.
    fn add_parts(&mut self, it: &mut WorkedShift) {
        let rules = self.rules;
        let overtime = &rules.policy.overtime;
        let split = it.days.len() > 1;
        for (index, &(day, bounds)) in it.days.iter().enumerate() {
            let leads = index == 0;
            // A scheduled shift is no work on a rest day, even if it reaches into one. Nor is it work on a holiday that
            // follows its own day, unless the policy splits it at midnight.
            let scheduled = it.shift.is_some();
            let is_on_rest_day =
                overtime.rest_days && !scheduled && !rules.day_plan(self.plan, day).scheduled;
            let holiday_of = if scheduled && !split { it.home } else { day };
            self.parts.push(DayPart {
                day,
                shift_index: it.index,
                leads,
                is_on_rest_day,
                is_on_holiday: overtime.holidays && rules.is_holiday(self.plan, holiday_of),
                times: it.account.times(bounds),
                work: if split {
                    clip(&it.account.counted, bounds)
                } else {
                    mem::take(&mut it.account.counted)
                },
                // They are all on the first of its days.
                anomalies: mem::take(&mut it.anomalies),
            });
        }
    }

    /// The records of the days of `period`.
    pub(crate) fn records(&self, person: &PersonId, period: Period) -> Vec<DayRecord> {
        let days = period.day_numbers();
        let (first, last) = (*days.start(), *days.end());
        // Weekly overtime depends on the whole week, and expected hours of a month on the whole month.
        let rules = self.rules;
        let mut from = first;
        if rules.policy.overtime.weekly_after.is_some() {
            from = from.min(rules.week_start(first));
        }
        if rules.uses_cycles(self.plan) {
            for cycle in [Cycle::Week, Cycle::Month] {
                from = from.min(rules.cycle_days(cycle, first).0);
            }
        }
        let unsettled = self.first_unsettled_day();
        let mut records = Vec::with_capacity(period.days() as usize);
        let (mut week, mut cycles) = (Week::default(), CycleRun::default());
        let mut rest = &self.parts[self.parts.partition_point(|part| part.day < from)..];
        for day in DayNumber::all(from..=last) {
            let number = rest.iter().take_while(|part| part.day == day).count();
            let (parts, later) = rest.split_at(number);
            rest = later;
            let settled = unsettled.is_none_or(|unsettled| day < unsettled);
            let record = self.record(person, day, parts, settled, &mut week, &mut cycles);
            records.extend(record.filter(|_| day >= first));
        }
        records
    }

    /// The first day that later punches can change. Only the last shift can get more punches.
    fn first_unsettled_day(&self) -> Option<DayNumber> {
        let last = self.shifts.last().filter(|shift| !shift.is_final)?;
        let opened = self.rules.zone.day(Instant::of(last.opened));
        Some(opened.min(DayNumber::of(last.day)))
    }

    /// The record of a day, if it has one. `settled` is false if later punches can change the day.
    fn record(
        &self,
        person: &PersonId,
        day: DayNumber,
        parts: &[DayPart],
        settled: bool,
        week: &mut Week,
        cycles: &mut CycleRun,
    ) -> Option<DayRecord> {
        let rules = self.rules;
        let mut due = rules.due(self.plan, day);
        let closes = due.cycle.is_some_and(|(cycle, _)| {
            cycles.begin(rules, self.plan, day, cycle);
            cycles.closes(day, cycle)
        });
        if parts.is_empty() && !due.obliged && !due.has_leave() && !closes {
            return None;
        }
        let is_final = settled
            && self.as_of >= rules.zone.bounds(day).1
            && due.open_until.is_none_or(|until| self.as_of > until)
            && parts
                .iter()
                .all(|part| self.shifts[part.shift_index].is_final);
        if parts.is_empty() && !is_final && (due.obliged || (closes && !due.has_leave())) {
            return None;
        }
        let mut record = empty_record(person, day, &due);
        record.is_final = is_final;
        self.sum(&mut record, parts);
        record.counted = self.rounded(record.times.paid());
        if let Some(cycle) = due.cycle {
            due.expected = cycles.expect(cycle.0, record.counted.0, closes && is_final);
            if due.leave_halves > 0 {
                record.leave_time = Seconds(cycles.share(cycle, due.leave_halves));
            }
            record.expected = Seconds(due.expected);
            if parts.is_empty() && !due.obliged && !due.has_leave() && due.expected == 0 {
                return None;
            }
        }
        record.balance = self.balance(record.counted.0 - due.expected);
        record.status = self.status(&record, parts, &due);
        let work = work_of(parts, record.counted.0);
        let overtime = rules.overtime(
            self.plan,
            week,
            &DayOfWork {
                day,
                work: &work.all,
                rest_day: &work.rest_day,
                holiday: &work.holiday,
                expected: (due.obliged && due.cycle.is_none()).then_some(due.expected),
            },
        );
        record.overtime = overtime.times;
        for (name, from, to) in &rules.windows {
            let within = rules.within_clock(&work.all, *from, *to);
            if within > 0 {
                record.windows.push(WindowTime {
                    name: Arc::clone(name),
                    worked: Seconds(within),
                    overtime: Seconds(rules.within_clock(&overtime.counted, *from, *to)),
                });
            }
        }
        let worked = parts.iter().filter(|part| part.leads);
        let worked = worked.map(|part| part.shift_index);
        notes_of(rules, self.plan, self.shifts, &worked, &mut record);
        Some(record)
    }

    /// A sum of a day, rounded as the policy says.
    fn rounded(&self, length: Seconds) -> Seconds {
        let round = self.rules.policy.work.rounding.duration;
        Seconds(round.map_or(length.0, |round| round.apply(length.0)))
    }

    /// The balance of a day: nothing if only time within the tolerance is missing.
    fn balance(&self, balance: i64) -> Seconds {
        let tolerance = self.rules.policy.work.tolerance.0;
        Seconds(if (-tolerance..0).contains(&balance) {
            0
        } else {
            balance
        })
    }

    /// Adds the parts of the day to its record.
    fn sum(&self, record: &mut DayRecord, parts: &[DayPart]) {
        for part in parts {
            record.times.add(&part.times);
            record.notes.extend_from_slice(&part.anomalies);
            let shift = &self.shifts[part.shift_index];
            let (first, last) = (shift.opened, shift.closed);
            record.first = Some(record.first.map_or(first, |known| known.min(first)));
            record.last = Some(record.last.map_or(last, |known| known.max(last)));
            if part.leads {
                record.shifts += 1;
                record.late.0 += shift.late.0;
                record.left_early.0 += shift.left_early.0;
                record.open |= shift.open;
                record.automatic |= shift.automatic_out.is_some();
            }
        }
    }

    fn status(&self, record: &DayRecord, parts: &[DayPart], due: &DueWork<'_>) -> Status {
        if record.shifts == 0 {
            // The day has no shift of its own. At most, a split shift of the day before ends on it.
            return if due.is_on_leave() {
                Status::OnLeave
            } else if due.obliged && record.is_final {
                Status::Absent
            } else {
                Status::Present
            };
        }
        let shifts = || parts.iter().map(|part| &self.shifts[part.shift_index]);
        // A shift that is split at midnight is judged as a whole, on its first day.
        let leading = parts.iter().filter(|part| part.leads);
        let whole = leading.map(|part| self.shifts[part.shift_index].times.paid().0);
        let whole = self.rounded(Seconds(whole.sum())).0;
        let below = |limit: Option<i64>| limit.is_some_and(|limit| whole < limit);
        // Without a threshold for a full day, nothing shows that a day with a missing punch is one.
        let short = due.full_day.is_none() || below(due.full_day);
        let lone = |shift: &ShiftRecord| shift.opened == shift.closed;
        if shifts().any(|shift| shift.refused) || (short && (record.open || shifts().all(lone))) {
            Status::Incomplete
        } else if whole == 0 || below(due.half_day) {
            if due.obliged {
                Status::Absent
            } else if due.is_on_leave() {
                Status::OnLeave
            } else {
                Status::Free
            }
        } else if below(due.full_day) {
            Status::HalfDay
        } else {
            Status::Present
        }
    }
}

/// The record of a day without any times.
fn empty_record(person: &PersonId, day: DayNumber, due: &DueWork<'_>) -> DayRecord {
    DayRecord {
        person: person.clone(),
        date: day.date(),
        status: Status::Present,
        is_final: false,
        first: None,
        last: None,
        shifts: 0,
        times: Times::default(),
        counted: Seconds(0),
        expected: Seconds(due.expected),
        balance: Seconds(0),
        late: Seconds(0),
        left_early: Seconds(0),
        overtime: OvertimeTimes::default(),
        windows: Vec::new(),
        open: false,
        automatic: false,
        obliged: due.obliged,
        due: DayCount::of_halves(due.halves),
        on_leave: DayCount::of_halves(due.leave_halves),
        leave_time: Seconds(due.leave_time),
        holiday: due.holiday.map(str::to_owned),
        leave: due.leave.as_deref().map(str::to_owned),
        half: due.half,
        anomalies: 0,
        notes: Vec::new(),
    }
}

/// The work of a day, and the parts of it on a rest day and on a holiday.
struct Work<'a> {
    all: Cow<'a, [Interval]>,
    rest_day: Cow<'a, [Interval]>,
    holiday: Cow<'a, [Interval]>,
}

/// The work of a day, with a length of `counted` seconds. Rounding of the sum cuts or extends it at its end.
fn work_of(parts: &[DayPart], counted: i64) -> Work<'_> {
    let of = |which: fn(&DayPart) -> bool| match parts {
        [only] if which(only) => Cow::Borrowed(&only.work[..]),
        [_] => Cow::Borrowed(&[][..]),
        _ => {
            let parts = parts.iter().filter(|part| which(part));
            let mut set: Vec<Interval> = parts.flat_map(|part| &part.work).copied().collect();
            normalize(&mut set);
            Cow::Owned(set)
        }
    };
    let mut work = Work {
        all: of(|_| true),
        rest_day: of(|part| part.is_on_rest_day),
        holiday: of(|part| part.is_on_holiday),
    };
    let more = counted - total(&work.all);
    let Some(&(_, end)) = work.all.last().filter(|_| more != 0) else {
        return work;
    };
    let mut cut = last(&work.all, -more);
    normalize(&mut cut);
    for set in [&mut work.all, &mut work.rest_day, &mut work.holiday] {
        let mut rounded = subtract(set, &cut);
        if more > 0
            && let Some(last) = rounded.last_mut().filter(|last| last.1 == end)
        {
            last.1 = last.1 + more;
        }
        *set = Cow::Owned(rounded);
    }
    work
}

impl Rules {
    /// The days whose scheduled shifts can count for `day`. One day is added for a day that the date line skipped.
    pub(crate) fn homes(&self, day: DayNumber) -> RangeInclusive<DayNumber> {
        match self.policy.assignment.day {
            DayOf::Start | DayOf::SplitAtMidnight => day..=day,
            DayOf::End | DayOf::MostWorked => day - 2..=day,
        }
    }

    /// The day for which a scheduled shift counts.
    pub(crate) fn day_of_hours(&self, home: DayNumber, hours: Interval) -> DayNumber {
        match self.policy.assignment.day {
            DayOf::Start | DayOf::SplitAtMidnight => home,
            DayOf::End => self.zone.day((hours.1 - 1).max(hours.0)),
            DayOf::MostWorked => self.day_with_most(&[hours]).unwrap_or(home),
        }
    }

    /// The days for which a shift counts, with the part of the time that belongs to each.
    pub(crate) fn days_of_shift(
        &self,
        account: &Account,
        home: DayNumber,
        scheduled: Option<Interval>,
    ) -> Vec<(DayNumber, Interval)> {
        let day = match self.policy.assignment.day {
            DayOf::Start => home,
            DayOf::End => self.day_of_hours(home, scheduled.unwrap_or(account.span)),
            DayOf::MostWorked => match scheduled {
                // The schedule alone decides, so that the work and its expected time are on the same day.
                Some(hours) => self.day_of_hours(home, hours),
                None => self.day_with_most(&account.counted).unwrap_or(home),
            },
            DayOf::SplitAtMidnight => return self.split_at_midnight(account, home),
        };
        vec![(day, ALWAYS)]
    }

    fn split_at_midnight(&self, account: &Account, home: DayNumber) -> Vec<(DayNumber, Interval)> {
        let to = account.span.1.max(account.hull.1);
        let from = account.span.0.min(if account.counted.is_empty() {
            account.span.0
        } else {
            account.hull.0
        });
        let mut days = self.days_of((from, to));
        // The first and the last part have no outer limit, so that all parts together are the whole shift.
        if let Some(first) = days.first_mut() {
            first.1.0 = Instant::MIN;
        }
        if let Some(last) = days.last_mut() {
            last.1.1 = Instant::MAX;
        }
        if days.is_empty() {
            vec![(home, ALWAYS)]
        } else {
            days
        }
    }

    /// The day with the largest part of a set; of two equal days, the earlier.
    fn day_with_most(&self, set: &[Interval]) -> Option<DayNumber> {
        let days = self.days_of((set.first()?.0, set.last()?.1));
        let most = days
            .into_iter()
            .max_by_key(|&(day, bounds)| (overlap(set, bounds), std::cmp::Reverse(day)));
        most.map(|(day, _)| day)
    }

    /// The days of an interval, each with its bounds.
    fn days_of(&self, span: Interval) -> Vec<(DayNumber, Interval)> {
        let (from, to) = (
            self.zone.day(span.0),
            self.zone.day((span.1 - 1).max(span.0)),
        );
        debug_assert!(to.days_since(from) < 10, "a shift has at most a few days");
        DayNumber::all(from..=to)
            .map(|day| (day, self.zone.bounds(day)))
            .filter(|(_, bounds)| bounds.0 < bounds.1)
            .collect()
    }
}
