//! The second moment of truth: what punches were, over a period.

use std::sync::Arc;

use facekit::{Anomaly, Direction, PersonId};
use jiff::Timestamp;

use crate::{
    Correction, DayOf, DayRecord, Half, Ledger, MissingOut, Outcome, OvertimeTimes, Period, Punch,
    PunchOutcome, Result, Rules, Seconds, ShiftRecord, Status, Times, WindowTime,
    interval::{self, Interval},
    overtime::{Day, Week},
    punch::resolve,
    rules::{DayPlan, Plan},
    scan::{Input, Key, Scan, Stay, Step},
    time::{checked, date_of, timestamp_of},
    work::{Account, Worked},
};

impl Rules {
    /// What the punches of a person were: shifts, and the days of `period`, as of an instant.
    ///
    /// Punches may come in any order; equal records count once. Those later than `as_of` are reported as `future` and do
    /// not count. All punches given are read, those outside the period too, so that nights and weeks at its ends are right;
    /// give those of the week before it. Time is linear in the punches, but for sorting them, and in the days.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateId`](crate::Error::DuplicateId), [`Error::OtherPerson`](crate::Error::OtherPerson),
    /// [`Error::Correction`](crate::Error::Correction) or [`Error::TimeOutOfRange`](crate::Error::TimeOutOfRange).
    ///
    /// ```
    /// use attendance_rules::{Period, Policy, Punch, Rules, Status};
    /// use facekit::PersonId;
    ///
    /// let rules = Rules::new(Policy::s3())?;
    /// let anna = PersonId::new("anna")?;
    /// let punches = [("1", "2026-03-02T09:00:00Z"), ("2", "2026-03-02T15:59:00Z")]
    ///     .map(|(id, time)| Punch::new(id, anna.clone(), time.parse().unwrap()));
    /// let day = "2026-03-02".parse()?;
    /// let as_of = "2026-03-03T12:00:00Z".parse()?;
    /// let ledger = rules.evaluate(&anna, &punches, &[], Period::new(day, day)?, as_of)?;
    /// assert_eq!(ledger.days[0].status, Status::HalfDay);
    /// assert_eq!(ledger.days[0].counted.to_string(), "5h 59m");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluate(
        &self,
        person: &PersonId,
        punches: &[Punch],
        corrections: &[Correction],
        period: Period,
        as_of: Timestamp,
    ) -> Result<Ledger> {
        let as_of = checked(as_of, || "as_of".to_owned())?;
        let resolved = resolve(person, punches, corrections)?;
        let plan = self.plan(person);
        let mut run = Run {
            rules: self,
            plan,
            as_of,
            scan: Scan::new(self, plan),
            current: None,
            marks: Vec::new(),
            anomalies: 0,
            counted_until: i64::MIN,
            outcomes: Vec::with_capacity(resolved.punches.len() + resolved.superseded.len()),
            shifts: Vec::new(),
            pieces: Vec::new(),
        };
        for (at, punch) in resolved.punches {
            run.take(at, punch);
        }
        run.finish(None);
        for (_, punch, correction) in resolved.superseded {
            run.outcomes.push(PunchOutcome {
                punch: punch.id.clone(),
                at: punch.at,
                outcome: Outcome::Superseded { correction },
                anomalies: Vec::new(),
            });
        }
        let days = run.days(person, period);
        Ok(Ledger {
            person: person.clone(),
            outcomes: run.outcomes,
            shifts: run.shifts,
            days,
        })
    }
}

/// What a shift contributes to a day.
struct Piece {
    day: i32,
    /// The place of its shift.
    shift: usize,
    /// The first of its shift, which has what cannot be split.
    leads: bool,
    times: Times,
    work: Vec<Interval>,
    anomalies: u32,
}

struct Run<'r> {
    rules: &'r Rules,
    plan: &'r Plan,
    as_of: i64,
    scan: Scan<'r>,
    current: Option<Stay>,
    marks: Vec<(i64, Direction)>,
    /// Of the punches of the current shift.
    anomalies: u32,
    /// Until when the shifts before the current one count.
    counted_until: i64,
    outcomes: Vec<PunchOutcome>,
    shifts: Vec<ShiftRecord>,
    pieces: Vec<Piece>,
}

impl Run<'_> {
    fn take(&mut self, at: i64, punch: &Punch) {
        let mut anomalies: Vec<Anomaly> = Vec::new();
        let outcome = if at > self.as_of {
            let reason = "it is later than the time of evaluation".to_owned();
            Outcome::Unassigned {
                code: "future".to_owned(),
                reason,
            }
        } else {
            let input = Input {
                at,
                kind: punch.kind,
                device: punch.device.as_deref(),
                liveness: punch.liveness,
            };
            match self.scan.step(&input, &mut anomalies) {
                Step::Accepted {
                    direction,
                    stay,
                    new,
                } => {
                    if new {
                        self.finish(Some(at));
                    }
                    self.current = Some(stay);
                    self.marks.push((at, direction));
                    self.anomalies += anomalies.len() as u32;
                    Outcome::Assigned {
                        shift: self.shifts.len(),
                        direction,
                    }
                }
                Step::Duplicate { seconds_left } => Outcome::Suppressed { seconds_left },
                Step::Refused { code, reason } => Outcome::Unassigned {
                    code: code.to_owned(),
                    reason,
                },
            }
        };
        self.outcomes.push(PunchOutcome {
            punch: punch.id.clone(),
            at: punch.at,
            outcome,
            anomalies,
        });
    }

    /// Closes the current shift; `next` is when the one after it begins.
    fn finish(&mut self, next: Option<i64>) {
        let Some(stay) = self.current.take() else {
            return;
        };
        let rules = self.rules;
        let closed = next.is_some() || self.as_of > rules.reach(&stay);
        let scheduled = match stay.key {
            Key::Scheduled { day, shift } => {
                let (start, end) = rules.hours(day, shift);
                Some((day, start, end, shift))
            }
            Key::Unscheduled => None,
        };
        let start_day = scheduled.map_or_else(|| rules.zone.day(stay.opened), |(day, ..)| day);
        let plan = rules.day_plan(self.plan, start_day);
        let expected = match scheduled {
            Some((_, start, end, shift)) => Some(rules.expected_of(shift, start, end)),
            None => rules.policy.work.expected.map(|expected| expected.0),
        };
        let account = rules.account(&Worked {
            marks: &self.marks,
            scheduled: scheduled.map(|(_, start, end, shift)| (start, end, shift)),
            day: start_day,
            expected,
            closed,
            before: self.counted_until,
            next,
            as_of: self.as_of,
        });
        self.counted_until = self.counted_until.max(account.hull.1);
        let waits = matches!(
            rules.policy.assignment.missing_out,
            MissingOut::AfterExpected { .. }
        ) && account.open
            && expected.is_some()
            && next.is_none();
        let (late, left_early) = match scheduled {
            Some((_, start, end, shift)) => {
                self.punctuality(&account, start, end, shift, plan.half, closed)
            }
            None => (0, 0),
        };
        let days = self.attribute(&account, start_day, scheduled.map(|it| (it.1, it.2)));
        self.shifts.push(ShiftRecord {
            shift: scheduled.map(|(.., shift)| Arc::clone(&rules.shifts[shift].name)),
            day: date_of(days.first().map_or(start_day, |day| day.0)),
            opened: timestamp_of(account.span.0),
            closed: timestamp_of(account.span.1),
            scheduled: scheduled.map(|(_, start, end, _)| (timestamp_of(start), timestamp_of(end))),
            open: account.open,
            automatic_out: account.automatic.map(timestamp_of),
            refused: account.refused,
            times: account.times((i64::MIN, i64::MAX)),
            late: Seconds(late),
            left_early: Seconds(left_early),
            is_final: closed && !waits,
        });
        let shift = self.shifts.len() - 1;
        if let &[(day, _)] = &days[..] {
            self.pieces.push(Piece {
                day,
                shift,
                leads: true,
                times: self.shifts[shift].times,
                work: account.counted,
                anomalies: self.anomalies,
            });
        } else {
            for (at, &(day, bounds)) in days.iter().enumerate() {
                self.pieces.push(Piece {
                    day,
                    shift,
                    leads: at == 0,
                    times: account.times(bounds),
                    work: interval::clip(&account.counted, bounds),
                    anomalies: if at == 0 { self.anomalies } else { 0 },
                });
            }
        }
        self.marks.clear();
        self.anomalies = 0;
    }

    fn punctuality(
        &self,
        account: &Account,
        start: i64,
        end: i64,
        shift: usize,
        free: Option<Half>,
        closed: bool,
    ) -> (i64, i64) {
        let rule = &self.rules.shifts[shift];
        if rule.flexible {
            return (0, 0);
        }
        let over = |by: i64, grace: i64| if by > grace { by } else { 0 };
        let came = account.came.filter(|_| free != Some(Half::Morning));
        let left = account.left.filter(|_| free != Some(Half::Afternoon));
        // Before the end, somebody may come back.
        let left = left.filter(|_| closed || self.as_of >= end);
        (
            came.map_or(0, |came| over(came - start, rule.late_after)),
            left.map_or(0, |left| over(end - left, rule.early_before)),
        )
    }

    /// The days that a shift counts for, with what of it is theirs.
    fn attribute(
        &self,
        account: &Account,
        start: i32,
        scheduled: Option<Interval>,
    ) -> Vec<(i32, Interval)> {
        let all = (i64::MIN, i64::MAX);
        let rules = self.rules;
        match rules.policy.assignment.day {
            DayOf::Start => vec![(start, all)],
            DayOf::End => {
                let end = scheduled.map_or(account.span.1, |hours| hours.1);
                vec![(rules.zone.day((end - 1).max(account.span.0)), all)]
            }
            DayOf::MostWorked => {
                let span = (account.hull.0.min(account.hull.1), account.hull.1);
                let best = rules
                    .days_of(span)
                    .into_iter()
                    .max_by_key(|&(day, bounds)| {
                        (
                            interval::overlap(&account.counted, bounds),
                            std::cmp::Reverse(day),
                        )
                    });
                let day = best
                    .filter(|_| !account.counted.is_empty())
                    .map_or(start, |(day, _)| day);
                vec![(day, all)]
            }
            DayOf::SplitAtMidnight => {
                let to = account.span.1.max(account.hull.1);
                let from = account.span.0.min(if account.counted.is_empty() {
                    account.span.0
                } else {
                    account.hull.0
                });
                let mut days = rules.days_of((from, to));
                // What belongs to the days before or after the shift's own is theirs; what cannot be split is the first's.
                if let Some(first) = days.first_mut() {
                    first.1.0 = i64::MIN;
                }
                if let Some(last) = days.last_mut() {
                    last.1.1 = i64::MAX;
                }
                if days.is_empty() {
                    vec![(start, all)]
                } else {
                    days
                }
            }
        }
    }

    fn days(&mut self, person: &PersonId, period: Period) -> Vec<DayRecord> {
        self.pieces.sort_by_key(|piece| (piece.day, piece.shift));
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
                let opened = self.rules.zone.day(crate::time::seconds_of(shift.opened));
                opened.min(crate::time::day_of(shift.day))
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
        let plan = rules.day_plan(self.plan, day);
        let bounds = rules.zone.bounds(day);
        if pieces.is_empty() && (!plan.employed || !plan.scheduled || bounds.0 == bounds.1) {
            return None;
        }
        if pieces.is_empty() && plan.free && plan.leave.is_none() {
            return None;
        }
        let (hours, windows_end) = self.obligation(day, &plan);
        let is_final = settled
            && self.as_of >= bounds.1
            && self.as_of > windows_end
            && pieces.iter().all(|piece| self.shifts[piece.shift].is_final);
        if pieces.is_empty() && !is_final && !plan.free {
            return None;
        }
        let halved = |value: i64| {
            if plan.half.is_some() {
                value / 2
            } else {
                value
            }
        };
        let expected = if plan.obliged() { halved(hours) } else { 0 };
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
            expected: Seconds(expected),
            balance: Seconds(0),
            late: Seconds(0),
            left_early: Seconds(0),
            overtime: OvertimeTimes::default(),
            windows: Vec::new(),
            open: false,
            automatic: false,
            obliged: plan.obliged(),
            holiday: plan.holiday.map(str::to_owned),
            leave: plan.leave.map(str::to_owned),
            half: plan.half,
            anomalies: pieces.iter().map(|piece| piece.anomalies).sum(),
        };
        let work = self.sum(&mut record, pieces);
        let duration = rules.policy.work.rounding.duration;
        let paid = record.times.paid().0;
        record.counted = Seconds(duration.map_or(paid, |round| round.apply(paid)));
        record.balance = Seconds(record.counted.0 - expected);
        record.status = self.status(&record, pieces, &plan, halved);
        record.overtime = rules.overtime(
            week,
            &Day {
                day,
                work: &work,
                expected: plan.obliged().then_some(expected),
                rest_day: !plan.scheduled,
                holiday: rules.is_holiday(day),
            },
        );
        for (name, from, to) in &rules.windows {
            let within = rules.within_clock(&work, *from, *to);
            if within > 0 {
                let (name, worked) = (Arc::clone(name), Seconds(within));
                record.windows.push(WindowTime { name, worked });
            }
        }
        Some(record)
    }

    /// What is expected of a whole day, and the last second at which a shift of it can be scanned.
    fn obligation(&self, day: i32, plan: &DayPlan<'_>) -> (i64, i64) {
        if plan.shifts.is_empty() {
            return (
                self.rules
                    .policy
                    .work
                    .expected
                    .map_or(0, |expected| expected.0),
                i64::MIN,
            );
        }
        let (mut expected, mut last) = (0, i64::MIN);
        for &shift in plan.shifts {
            let (start, end) = self.rules.hours(day, shift);
            expected += self.rules.expected_of(shift, start, end);
            last = last.max(end + self.rules.shifts[shift].after);
        }
        (expected, last)
    }

    fn sum(&self, record: &mut DayRecord, pieces: &[Piece]) -> Vec<Interval> {
        let mut work = Vec::new();
        for piece in pieces {
            record.times.add(&piece.times);
            work.extend_from_slice(&piece.work);
            let shift = &self.shifts[piece.shift];
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
        if pieces.len() > 1 {
            interval::normalize(&mut work);
        }
        work
    }

    fn status(
        &self,
        record: &DayRecord,
        pieces: &[Piece],
        plan: &DayPlan<'_>,
        halved: impl Fn(i64) -> i64,
    ) -> Status {
        if pieces.is_empty() {
            return if plan.free {
                Status::OnLeave
            } else {
                Status::Absent
            };
        }
        let work = &self.rules.policy.work;
        let below =
            |limit: Option<Seconds>| limit.is_some_and(|limit| record.counted.0 < halved(limit.0));
        let refused = pieces.iter().any(|piece| self.shifts[piece.shift].refused);
        if refused || (record.open && below(work.full_day)) {
            Status::Incomplete
        } else if below(work.half_day) && plan.obliged() {
            Status::Absent
        } else if below(work.full_day) {
            Status::HalfDay
        } else {
            Status::Present
        }
    }
}

impl Rules {
    /// What is expected of a shift that starts and ends then.
    fn expected_of(&self, shift: usize, start: i64, end: i64) -> i64 {
        let rule = &self.shifts[shift];
        let breaks = rule.breaks.as_ref().unwrap_or(&self.breaks);
        rule.expected.unwrap_or_else(|| {
            let unpaid: i64 = breaks
                .iter()
                .map(|rule_break| rule_break.within(rule.start, rule.end))
                .sum();
            (end - start - unpaid).max(0)
        })
    }
}
