//! The second moment of truth: what punches were, over a period.

use std::sync::Arc;

use facekit::{Anomaly, Direction, PersonId};
use jiff::Timestamp;

use crate::{
    Correction, Half, Ledger, MissingOut, Outcome, Period, Punch, PunchOutcome, Result, Rules,
    Seconds, ShiftRecord, Times,
    day::{Days, Worked},
    punch::resolve,
    rules::{DayPlan, Plan},
    scan::{Input, Key, Scan, Stay, Step},
    time::{checked, date_of, timestamp_of},
    work::{Account, Scans},
};

impl Rules {
    /// What the punches of a person were: shifts, and the days of `period`, as of an instant.
    ///
    /// Punches may come in any order; equal records count once. Those later than `as_of` are reported as `future` and do
    /// not count. All punches given are read, those outside the period too, so that nights and weeks at its ends are right;
    /// give those of the week before it. Corrections apply whenever they were made, after `as_of`, too. Time is linear in the punches, but for sorting them, and in the days.
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
            worked: Vec::new(),
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
        let (outcomes, mut shifts) = (run.outcomes, run.shifts);
        let days = Days::new(self, plan, as_of, run.worked, &mut shifts);
        let days = days.records(person, period);
        Ok(Ledger {
            person: person.clone(),
            outcomes,
            shifts,
            days,
        })
    }
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
    /// What each of the shifts comes to.
    worked: Vec<Worked>,
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
        let home = scheduled.map_or_else(|| rules.zone.day(stay.opened), |(day, ..)| day);
        let plan = rules.day_plan(self.plan, home);
        let expected = match (rules.policy.assignment.missing_out, scheduled) {
            (MissingOut::AfterExpected { .. }, Some((_, start, end, shift))) => {
                Some(rules.expected_of(&[(shift, start, end)]))
            }
            (MissingOut::AfterExpected { .. }, None) => {
                rules.policy.work.expected.map(|expected| expected.0)
            }
            _ => None,
        };
        let account = rules.account(&Scans {
            marks: &self.marks,
            scheduled: scheduled.map(|(_, start, end, _)| (start, end)),
            expected: expected.map(|expected| plan.halved(expected)),
            free_from: rules.free_from(home, &plan),
            closed,
            before: self.counted_until,
            next,
            as_of: self.as_of,
        });
        self.counted_until = self.counted_until.max(account.hull.1);
        let waits = account.open && expected.is_some() && next.is_none();
        let (late, left_early) = match scheduled {
            Some((_, start, end, shift)) => {
                self.punctuality(&account, (start, end, shift), home, &plan, closed)
            }
            None => (0, 0),
        };
        let days = rules.days_of_shift(&account, home, scheduled.map(|it| (it.1, it.2)));
        self.shifts.push(ShiftRecord {
            shift: scheduled.map(|(.., shift)| Arc::clone(&rules.shifts[shift].name)),
            day: date_of(days.first().map_or(home, |day| day.0)),
            opened: timestamp_of(account.span.0),
            closed: timestamp_of(account.span.1),
            scheduled: scheduled.map(|(_, start, end, _)| (timestamp_of(start), timestamp_of(end))),
            open: account.open,
            automatic_out: account.automatic.map(timestamp_of),
            refused: account.refused,
            times: Times::default(),
            late: Seconds(late),
            left_early: Seconds(left_early),
            is_final: closed && !waits,
        });
        self.worked.push(Worked {
            place: self.worked.len(),
            account,
            home,
            shift: scheduled.map(|(.., shift)| shift),
            days,
            anomalies: self.anomalies,
        });
        self.marks.clear();
        self.anomalies = 0;
    }

    fn punctuality(
        &self,
        account: &Account,
        (start, end, shift): (i64, i64, usize),
        home: i32,
        plan: &DayPlan<'_>,
        closed: bool,
    ) -> (i64, i64) {
        let rule = &self.rules.shifts[shift];
        if rule.flexible {
            return (0, 0);
        }
        let over = |by: i64, grace: i64| if by > grace { by } else { 0 };
        let middle = || self.rules.middle(home, plan);
        let free_morning = plan.half == Some(Half::Morning) && start < middle();
        let free_afternoon = plan.half == Some(Half::Afternoon) && middle() < end;
        let came = account.came.filter(|_| !free_morning);
        let left = account.left.filter(|_| !free_afternoon);
        // Before the end, somebody may come back.
        let left = left.filter(|_| closed || self.as_of >= end);
        (
            came.map_or(0, |came| over(came - start, rule.late_after)),
            left.map_or(0, |left| over(end - left, rule.early_before)),
        )
    }
}
