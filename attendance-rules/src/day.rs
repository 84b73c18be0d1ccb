//! What days were, from the shifts that were worked.

use std::borrow::Cow;
use std::mem;
use std::ops::RangeInclusive;
use std::sync::Arc;

use facekit::PersonId;

use crate::{
    DayOf, DayRecord, Half, OvertimeTimes, Period, Rules, Seconds, ShiftRecord, Status, Times,
    WindowTime,
    interval::{Interval, clip, last, normalize, overlap, subtract, total},
    overtime::{Day, Week},
    rules::Plan,
    time::{date_of, day_of, seconds_of},
    work::Account,
};

/// What a shift that was worked comes to.
pub(crate) struct Worked {
    /// Its place in the ledger.
    pub(crate) place: usize,
    pub(crate) account: Account,
    /// The day of its schedule, or else of its first punch.
    pub(crate) home: i32,
    /// Which of the scheduled shifts.
    pub(crate) shift: Option<usize>,
    /// The days it counts for, with what of it is theirs.
    pub(crate) days: Vec<(i32, Interval)>,
    pub(crate) anomalies: u32,
}

impl Worked {
    fn day(&self) -> i32 {
        self.days.first().map_or(self.home, |day| day.0)
    }
}

/// What a shift contributes to a day.
struct Piece {
    day: i32,
    /// The place of its shift.
    place: usize,
    /// The first of its shift, which has what cannot be split.
    leads: bool,
    rest_day: bool,
    holiday: bool,
    times: Times,
    work: Vec<Interval>,
    anomalies: u32,
}

/// What is asked for on a day: by its own schedule, and by shifts of other days that count for it.
#[derive(Debug, Default)]
struct Due<'r> {
    /// Something is scheduled, whether or not it is free.
    scheduled: bool,
    /// Something is scheduled that is not free.
    obliged: bool,
    holiday: Option<&'r str>,
    leave: Option<&'r str>,
    half: Option<Half>,
    expected: i64,
    /// The last second at which a shift of it can be scanned.
    until: Option<i64>,
}

impl Due<'_> {
    /// What is scheduled is free by leave.
    fn is_on_leave(&self) -> bool {
        self.scheduled && !self.obliged && self.leave.is_some()
    }

    /// What is asked for where so much is on a whole day.
    fn halved(&self, value: i64) -> i64 {
        if self.half.is_some() {
            value / 2
        } else {
            value
        }
    }
}

/// Shifts that become days.
pub(crate) struct Days<'r> {
    rules: &'r Rules,
    plan: &'r Plan,
    as_of: i64,
    shifts: &'r [ShiftRecord],
    /// In order of days.
    pieces: Vec<Piece>,
}

impl<'r> Days<'r> {
    /// Takes the breaks of each day, and completes the records of the shifts.
    pub(crate) fn new(
        rules: &'r Rules,
        plan: &'r Plan,
        as_of: i64,
        mut worked: Vec<Worked>,
        shifts: &'r mut [ShiftRecord],
    ) -> Self {
        worked.sort_by_key(|it| (it.day(), it.place));
        for day in worked.chunk_by_mut(|one, other| one.day() == other.day()) {
            rules.take_breaks_of_day(day.iter_mut().map(|it| (it.shift, &mut it.account)));
        }
        let mut days = Self {
            rules,
            plan,
            as_of,
            shifts: &[],
            pieces: Vec::with_capacity(worked.len()),
        };
        for mut it in worked {
            shifts[it.place].times = it.account.times((i64::MIN, i64::MAX));
            days.note(&mut it);
        }
        days.pieces.sort_by_key(|piece| (piece.day, piece.place));
        days.shifts = shifts;
        days
    }

    /// Notes for which days a shift counts.
    fn note(&mut self, it: &mut Worked) {
        let rules = self.rules;
        let overtime = &rules.policy.overtime;
        let split = it.days.len() > 1;
        for (at, &(day, bounds)) in it.days.iter().enumerate() {
            let leads = at == 0;
            // What is scheduled is no work of a rest day, also on the morning after; nor of a holiday, but where it is split.
            let scheduled = it.shift.is_some();
            let rest_day =
                overtime.rest_days && !scheduled && !rules.day_plan(self.plan, day).scheduled;
            let holiday_of = if scheduled && !split { it.home } else { day };
            self.pieces.push(Piece {
                day,
                place: it.place,
                leads,
                rest_day,
                holiday: overtime.holidays && rules.is_holiday(holiday_of),
                times: it.account.times(bounds),
                work: if split {
                    clip(&it.account.counted, bounds)
                } else {
                    mem::take(&mut it.account.counted)
                },
                anomalies: if leads { it.anomalies } else { 0 },
            });
        }
    }

    /// The records of the days of `period`.
    pub(crate) fn records(&self, person: &PersonId, period: Period) -> Vec<DayRecord> {
        let (first, last) = (*period.numbers().start(), *period.numbers().end());
        let weekly = self.rules.policy.overtime.weekly_after.is_some();
        let from = if weekly {
            self.rules.week_of(first)
        } else {
            first
        };
        // Only the last shift can have more to come.
        let unsettled = self
            .shifts
            .last()
            .filter(|shift| !shift.is_final)
            .map(|shift| {
                let opened = self.rules.zone.day(seconds_of(shift.opened));
                opened.min(day_of(shift.day))
            });
        let mut records = Vec::with_capacity((last - first + 1) as usize);
        let mut week = Week::default();
        let mut at = self.pieces.partition_point(|piece| piece.day < from);
        for day in from..=last {
            let start = at;
            while self.pieces.get(at).is_some_and(|piece| piece.day == day) {
                at += 1;
            }
            let pieces = &self.pieces[start..at];
            let settled = unsettled.is_none_or(|unsettled| day < unsettled);
            let record = self.day(person, day, pieces, settled, &mut week);
            records.extend(record.filter(|_| day >= first));
        }
        records
    }

    fn day(
        &self,
        person: &PersonId,
        day: i32,
        pieces: &[Piece],
        settled: bool,
        week: &mut Week,
    ) -> Option<DayRecord> {
        let rules = self.rules;
        let due = self.due(day);
        let bounds = rules.zone.bounds(day);
        if pieces.is_empty() && !due.obliged && !due.is_on_leave() {
            return None;
        }
        let is_final = settled
            && self.as_of >= bounds.1
            && due.until.is_none_or(|until| self.as_of > until)
            && pieces.iter().all(|piece| self.shifts[piece.place].is_final);
        if pieces.is_empty() && !is_final && due.obliged {
            return None;
        }
        let mut record = DayRecord {
            person: person.clone(),
            date: date_of(day),
            status: Status::Present,
            is_final,
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
            holiday: due.holiday.map(str::to_owned),
            leave: due.leave.map(str::to_owned),
            half: due.half,
            anomalies: pieces.iter().map(|piece| piece.anomalies).sum(),
        };
        self.sum(&mut record, pieces);
        record.counted = self.rounded(record.times.paid());
        record.balance = Seconds(record.counted.0 - due.expected);
        record.status = self.status(&record, pieces, &due);
        let work = work_of(pieces, record.counted.0);
        record.overtime = rules.overtime(
            week,
            &Day {
                day,
                work: &work.all,
                rest_day: &work.rest_day,
                holiday: &work.holiday,
                expected: due.obliged.then_some(due.expected),
            },
        );
        for (name, from, to) in &rules.windows {
            let within = rules.within_clock(&work.all, *from, *to);
            if within > 0 {
                let (name, worked) = (Arc::clone(name), Seconds(within));
                record.windows.push(WindowTime { name, worked });
            }
        }
        Some(record)
    }

    /// What is asked for on a day.
    fn due(&self, day: i32) -> Due<'r> {
        let rules = self.rules;
        let mut due = Due::default();
        // The scheduled shifts of whole days, from when until when each is.
        let mut whole = Vec::new();
        for home in rules.homes(day).filter(|&home| rules.zone.exists(home)) {
            let plan = rules.day_plan(self.plan, home);
            if home == day {
                due.holiday = plan.holiday;
            }
            let mut hours = Vec::with_capacity(plan.shifts.len());
            for &shift in plan.shifts {
                let (start, end) = rules.hours(home, shift);
                if rules.day_of_hours(home, (start, end)) == day {
                    hours.push((shift, start, end));
                    let until = end + rules.shifts[shift].after;
                    due.until = due.until.max(Some(until));
                }
            }
            if hours.is_empty() && !(plan.shifts.is_empty() && home == day) {
                continue;
            }
            due.scheduled |= plan.employed && plan.scheduled;
            due.leave = due.leave.or(plan.leave);
            due.half = due.half.or(plan.half);
            if !plan.obliged() {
                continue;
            }
            due.obliged = true;
            if plan.shifts.is_empty() {
                let expected = rules.policy.work.expected.unwrap_or_default();
                due.expected += plan.halved(expected.0);
            } else if plan.half.is_some() {
                due.expected += plan.halved(rules.expected_of(&hours));
            } else {
                whole.append(&mut hours);
            }
        }
        due.expected += rules.expected_of(&whole);
        due
    }

    fn rounded(&self, length: Seconds) -> Seconds {
        let round = self.rules.policy.work.rounding.duration;
        Seconds(round.map_or(length.0, |round| round.apply(length.0)))
    }

    fn sum(&self, record: &mut DayRecord, pieces: &[Piece]) {
        for piece in pieces {
            record.times.add(&piece.times);
            let shift = &self.shifts[piece.place];
            let (first, last) = (shift.opened, shift.closed);
            record.first = Some(record.first.map_or(first, |known| known.min(first)));
            record.last = Some(record.last.map_or(last, |known| known.max(last)));
            if piece.leads {
                record.shifts += 1;
                record.late.0 += shift.late.0;
                record.left_early.0 += shift.left_early.0;
                record.open |= shift.open;
                record.automatic |= shift.automatic_out.is_some();
            }
        }
    }

    fn status(&self, record: &DayRecord, pieces: &[Piece], due: &Due<'_>) -> Status {
        if record.shifts == 0 {
            // At most the night before has its end on this day.
            return if due.is_on_leave() {
                Status::OnLeave
            } else if due.obliged && record.is_final {
                Status::Absent
            } else {
                Status::Present
            };
        }
        let shifts = || pieces.iter().map(|piece| &self.shifts[piece.place]);
        // A shift split at midnight is judged as a whole, on its first day.
        let leading = pieces.iter().filter(|piece| piece.leads);
        let whole = leading.map(|piece| self.shifts[piece.place].times.paid().0);
        let whole = self.rounded(Seconds(whole.sum()));
        let work = &self.rules.policy.work;
        let below =
            |limit: Option<Seconds>| limit.is_some_and(|limit| whole.0 < due.halved(limit.0));
        if shifts().any(|shift| shift.refused) || (record.open && below(work.full_day)) {
            Status::Incomplete
        } else if below(work.half_day) && due.obliged {
            Status::Absent
        } else if below(work.full_day) {
            Status::HalfDay
        } else {
            Status::Present
        }
    }
}

/// What was worked on a day, and what of it on a rest day's or a holiday's account.
struct Work<'a> {
    all: Cow<'a, [Interval]>,
    rest_day: Cow<'a, [Interval]>,
    holiday: Cow<'a, [Interval]>,
}

/// The work of a day, made as long as what counts of it: rounding takes from its end or adds to it.
fn work_of(pieces: &[Piece], counted: i64) -> Work<'_> {
    let of = |which: fn(&Piece) -> bool| match pieces {
        [only] if which(only) => Cow::Borrowed(&only.work[..]),
        [_] => Cow::Borrowed(&[][..]),
        _ => {
            let pieces = pieces.iter().filter(|piece| which(piece));
            let mut set: Vec<Interval> = pieces.flat_map(|piece| &piece.work).copied().collect();
            normalize(&mut set);
            Cow::Owned(set)
        }
    };
    let mut work = Work {
        all: of(|_| true),
        rest_day: of(|piece| piece.rest_day),
        holiday: of(|piece| piece.holiday),
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
            last.1 += more;
        }
        *set = Cow::Owned(rounded);
    }
    work
}

impl Rules {
    /// The days whose scheduled shifts can count for `day`, with one more for a day that the date line skipped.
    fn homes(&self, day: i32) -> RangeInclusive<i32> {
        match self.policy.assignment.day {
            DayOf::Start | DayOf::SplitAtMidnight => day..=day,
            DayOf::End | DayOf::MostWorked => day - 2..=day,
        }
    }

    /// Takes the breaks of shifts that count for one day.
    fn take_breaks_of_day<'a>(&self, day: impl Iterator<Item = (Option<usize>, &'a mut Account)>) {
        let mut others = Vec::new();
        for (shift, account) in day {
            match shift.and_then(|shift| self.shifts[shift].breaks.as_ref()) {
                Some(own) => self.take_breaks(own, &mut [account]),
                None => others.push(account),
            }
        }
        self.take_breaks(&self.breaks, &mut others);
    }

    /// What is expected of shifts of one day, from when until when each is: what counts of them without a minute more or less.
    pub(crate) fn expected_of(&self, shifts: &[(usize, i64, i64)]) -> i64 {
        if let &[(shift, start, end)] = shifts
            && let Some(usual) = self.shifts[shift].usual
            && self.no_clock_changes(start, end)
        {
            return usual;
        }
        let stated = shifts.iter().filter_map(|it| self.shifts[it.0].stated);
        let stated: i64 = stated.sum();
        let others = shifts
            .iter()
            .filter(|it| self.shifts[it.0].stated.is_none());
        let worked = others.map(|&(shift, start, end)| {
            let account = Account {
                counted: vec![(start, end)],
                hull: (start, end),
                ..Account::default()
            };
            (Some(shift), account)
        });
        let mut worked: Vec<_> = worked.collect();
        self.take_breaks_of_day(worked.iter_mut().map(|it| (it.0, &mut it.1)));
        let worked = worked.iter().map(|it| total(&it.1.counted));
        stated + worked.sum::<i64>()
    }

    /// The day for which a scheduled shift counts.
    fn day_of_hours(&self, home: i32, hours: Interval) -> i32 {
        match self.policy.assignment.day {
            DayOf::Start | DayOf::SplitAtMidnight => home,
            DayOf::End => self.zone.day((hours.1 - 1).max(hours.0)),
            DayOf::MostWorked => self.day_with_most(&[hours]).unwrap_or(home),
        }
    }

    /// The days that a shift counts for, with what of it is theirs.
    pub(crate) fn days_of_shift(
        &self,
        account: &Account,
        home: i32,
        scheduled: Option<Interval>,
    ) -> Vec<(i32, Interval)> {
        let all = (i64::MIN, i64::MAX);
        match self.policy.assignment.day {
            DayOf::Start => vec![(home, all)],
            DayOf::End => {
                let hours = scheduled.unwrap_or(account.span);
                vec![(self.day_of_hours(home, hours), all)]
            }
            DayOf::MostWorked => {
                // What is expected of a scheduled shift and what is worked of it are on one day.
                let day = match scheduled {
                    Some(hours) => self.day_of_hours(home, hours),
                    None => self.day_with_most(&account.counted).unwrap_or(home),
                };
                vec![(day, all)]
            }
            DayOf::SplitAtMidnight => {
                let to = account.span.1.max(account.hull.1);
                let from = account.span.0.min(if account.counted.is_empty() {
                    account.span.0
                } else {
                    account.hull.0
                });
                let mut days = self.days_of((from, to));
                // What belongs to the days before or after the shift's own is theirs; what cannot be split is the first's.
                if let Some(first) = days.first_mut() {
                    first.1.0 = i64::MIN;
                }
                if let Some(last) = days.last_mut() {
                    last.1.1 = i64::MAX;
                }
                if days.is_empty() {
                    vec![(home, all)]
                } else {
                    days
                }
            }
        }
    }

    /// The day on which most of a set lies, the earlier of two that are equal.
    fn day_with_most(&self, set: &[Interval]) -> Option<i32> {
        let days = self.days_of((set.first()?.0, set.last()?.1));
        let most = days
            .into_iter()
            .max_by_key(|&(day, bounds)| (overlap(set, bounds), std::cmp::Reverse(day)));
        most.map(|(day, _)| day)
    }

    /// The local days of an interval, each with its bounds.
    fn days_of(&self, span: Interval) -> Vec<(i32, Interval)> {
        let (from, to) = (
            self.zone.day(span.0),
            self.zone.day((span.1 - 1).max(span.0)),
        );
        debug_assert!(to - from < 10, "shifts are shorter");
        (from..=to)
            .map(|day| (day, self.zone.bounds(day)))
            .filter(|(_, bounds)| bounds.0 < bounds.1)
            .collect()
    }
}
