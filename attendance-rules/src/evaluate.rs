//! Evaluates the punches of a period.

use std::{mem, sync::Arc};

use facekit::{Anomaly, Direction, PersonId};
use jiff::Timestamp;

use crate::{
    account::Account,
    calendar::Period,
    correction::{Correction, resolve},
    day::{Days, WorkedShift},
    error::Result,
    interval::Interval,
    plan::{DayPlan, Plan},
    policy::MissingOut,
    punch::{Punch, PunchKind},
    ready::ScheduledShift,
    record::{Ledger, PunchOutcome, PunchVerdict, ShiftRecord, Times},
    refusal::Refusal,
    rules::Rules,
    scan::{Scan, ScanState, ScanVerdict, ShiftKey, Stay},
    seconds::Seconds,
    time::{DayNumber, Instant},
    work::ShiftScans,
};

impl Rules {
    /// Evaluates the punches of a person: the outcome of each punch, the shifts, and the days of `period`, as known at
    /// `as_of`.
    ///
    /// Punches may be in any order, and equal records count once. Punches later than `as_of` do not count; they are reported
    /// as `future`. Punches outside the period are evaluated, too, because nights and weeks can begin before it. Pass the
    /// punches from the week before the period on. Corrections apply at any `as_of`, also if they are made later.
    ///
    /// The time is linear in the days and in the punches, if these are sorted.
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
    /// let rules = Rules::new(Policy::esp32cam_gateway())?;
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
        let as_of = Instant::checked(as_of, || "as_of".to_owned())?;
        let resolved = resolve(person, punches, corrections)?;
        let plan = self.plan(person);
        let mut evaluation = Evaluation {
            rules: self,
            plan,
            as_of,
            state: ScanState::new(self, plan),
            current: None,
            scans: Vec::new(),
            is_stated: false,
            may_have_turned: false,
            anomalies: Vec::new(),
            counted_until: Instant::MIN,
            outcomes: Vec::with_capacity(resolved.punches.len() + resolved.superseded.len()),
            shifts: Vec::new(),
            worked: Vec::new(),
        };
        let mut punches = resolved.punches;
        for index in 0..punches.len() {
            // Of an IN and an OUT in the same second, a person who is inside does the OUT first.
            if let [(at, punch), (next_at, next), ..] = &punches[index..]
                && at == next_at
                && (punch.kind, next.kind) == (PunchKind::In, PunchKind::Out)
                && evaluation.state.is_inside()
            {
                punches.swap(index, index + 1);
            }
            let (at, punch) = punches[index];
            evaluation.read(at, punch);
        }
        evaluation.finish_shift(None);
        for (_, punch, correction) in resolved.superseded {
            evaluation.outcomes.push(PunchOutcome {
                punch: punch.id.clone(),
                at: punch.at,
                outcome: PunchVerdict::Superseded { correction },
                anomalies: Vec::new(),
            });
        }
        let (outcomes, mut shifts) = (evaluation.outcomes, evaluation.shifts);
        let days = Days::new(self, plan, as_of, evaluation.worked, &mut shifts);
        let days = days.records(person, period);
        Ok(Ledger {
            person: person.clone(),
            outcomes,
            shifts,
            days,
        })
    }
}

/// The evaluation of the punches of one person.
struct Evaluation<'r> {
    rules: &'r Rules,
    plan: &'r Plan,
    as_of: Instant,
    state: ScanState<'r>,
    /// The current shift.
    current: Option<Stay>,
    /// The scans of the current shift.
    scans: Vec<(Instant, Direction)>,
    /// The last scan of the current shift states its direction.
    is_stated: bool,
    /// In the second of an exit of the current shift, there is another punch of unknown direction.
    may_have_turned: bool,
    /// The anomalies of the current shift.
    anomalies: Vec<Anomaly>,
    /// The end of the time that the shifts before the current one count.
    counted_until: Instant,
    outcomes: Vec<PunchOutcome>,
    shifts: Vec<ShiftRecord>,
    /// The work of each of the shifts, in the same order.
    worked: Vec<WorkedShift>,
}

impl Evaluation<'_> {
    /// Reads a punch. Punches come in order of time.
    fn read(&mut self, at: Instant, punch: &Punch) {
        let mut anomalies = Vec::new();
        let outcome = self.outcome(at, punch, &mut anomalies);
        self.outcomes.push(PunchOutcome {
            punch: punch.id.clone(),
            at: punch.at,
            outcome,
            anomalies,
        });
    }

    fn outcome(
        &mut self,
        at: Instant,
        punch: &Punch,
        anomalies: &mut Vec<Anomaly>,
    ) -> PunchVerdict {
        if at > self.as_of {
            return unassigned(Refusal::future());
        }
        let scan = Scan {
            at,
            kind: punch.kind,
            device: punch.device.as_deref(),
            liveness: punch.liveness,
        };
        let verdict = self.state.read(&scan, anomalies);
        if let Some(other) = punch.also_possible {
            let message =
                format!("its local time occurs twice on this day; it can also mean {other}");
            let anomaly = Anomaly::new("ambiguous_time", message);
            anomalies.push(anomaly.with("also_possible", other.to_string()));
        }
        match verdict {
            ScanVerdict::Accepted(accepted) => {
                if accepted.is_first {
                    self.finish_shift(Some(at));
                }
                self.current = Some(accepted.stay);
                self.scans.push((at, accepted.direction));
                self.is_stated = accepted.is_stated;
                self.anomalies.extend_from_slice(anomalies);
                PunchVerdict::Assigned {
                    shift: self.shifts.len(),
                    direction: accepted.direction,
                }
            }
            ScanVerdict::Duplicate { seconds_left } => {
                let exit = Some((at, Direction::Exit));
                if punch.kind == PunchKind::Undetermined && self.state.last_scan() == exit {
                    self.may_have_turned = true;
                }
                PunchVerdict::Suppressed { seconds_left }
            }
            ScanVerdict::Refused(refusal) => unassigned(refusal),
        }
    }

    /// Records the current shift. `next` is the start of the shift after it.
    fn finish_shift(&mut self, next: Option<Instant>) {
        let Some(stay) = self.current.take() else {
            return;
        };
        let rules = self.rules;
        let closed = next.is_some() || self.as_of > stay.reach(rules);
        let (scheduled, home) = match stay.key {
            ShiftKey::Scheduled { day, shift } => (Some(rules.scheduled(day, shift)), day),
            ShiftKey::Unscheduled => (None, rules.zone.day(stay.opened)),
        };
        let hours = scheduled.map(|it| (it.start, it.end));
        let plan = rules.day_plan(self.plan, home);
        let expected = self.expected_for_automatic_out(scheduled, home, &plan);
        let account = rules.account(&ShiftScans {
            scans: &self.scans,
            shift: scheduled.map(|it| it.shift),
            scheduled: hours,
            expected,
            free_from: hours.and_then(|hours| rules.free_from(home, &plan, hours)),
            on_time: scheduled.map(|it| rules.shifts[it.shift].on_time),
            closed,
            counted_until: self.counted_until,
            next,
            as_of: self.as_of,
        });
        self.counted_until = self.counted_until.max(account.hull.1);
        if self.may_have_turned && (account.open || account.automatic_out.is_some()) {
            let message =
                "two punches of the same second count as one; they may be an exit and an entry";
            self.anomalies
                .push(Anomaly::new("same_second_turn", message));
        }
        // An automatic OUT may still be set.
        let waits = account.open && expected.is_some() && next.is_none();
        let punctuality = scheduled.map_or_else(Punctuality::default, |it| {
            self.punctuality(&account, it, home, &plan, closed)
        });
        let days = rules.days_of_shift(&account, home, hours);
        let first_day = days.first().map_or(home, |part| part.0);
        self.shifts.push(shift_record(
            &account,
            scheduled.map(|it| Arc::clone(&rules.shifts[it.shift].name)),
            first_day,
            hours,
            punctuality,
            closed && !waits,
        ));
        self.worked.push(WorkedShift {
            index: self.worked.len(),
            account,
            home,
            shift: scheduled.map(|it| it.shift),
            days,
            anomalies: mem::take(&mut self.anomalies),
        });
        self.scans.clear();
        self.may_have_turned = false;
    }

    /// The expected time of a shift, if the policy sets an automatic OUT after it. In seconds.
    fn expected_for_automatic_out(
        &self,
        scheduled: Option<ScheduledShift>,
        home: DayNumber,
        plan: &DayPlan<'_>,
    ) -> Option<i64> {
        let policy = &self.rules.policy;
        if !matches!(
            policy.assignment.missing_out,
            MissingOut::AfterExpected { .. }
        ) {
            return None;
        }
        match scheduled {
            Some(shift) => Some(self.rules.owed_seconds(home, plan, &[shift])),
            None => {
                let expected = plan.expected.daily?;
                Some((plan.halved(expected) - plan.hours_of_leave()).max(0))
            }
        }
    }

    fn punctuality(
        &self,
        account: &Account,
        scheduled: ScheduledShift,
        home: DayNumber,
        plan: &DayPlan<'_>,
        closed: bool,
    ) -> Punctuality {
        let hours = (scheduled.start, scheduled.end);
        let rule = &self.rules.shifts[scheduled.shift];
        if rule.flexible {
            return Punctuality::default();
        }
        let Some((start, end)) = self.rules.owed(home, plan, hours) else {
            return Punctuality::default();
        };
        let beyond_grace = |seconds: i64, grace: i64| if seconds > grace { seconds } else { 0 };
        // The only punch of a shift, of unknown direction and nearer to the end, is not known to be an arrival.
        let is_lone = account.open && self.scans.len() == 1 && !self.is_stated;
        let is_arrival = |&came: &Instant| !(is_lone && closed && came - start > end - came);
        let came = account.came.filter(is_arrival);
        // Before the end of the shift, the person may come back.
        let left = account.left.filter(|_| closed || self.as_of >= hours.1);
        Punctuality {
            late: came.map_or(0, |came| beyond_grace(came - start, rule.late_after)),
            left_early: left.map_or(0, |left| beyond_grace(end - left, rule.early_before)),
        }
    }
}

/// Seconds of lateness and of leaving early. 0 within the grace.
#[derive(Clone, Copy, Debug, Default)]
struct Punctuality {
    late: i64,
    left_early: i64,
}

/// The record of a shift. Its times are set later, when the breaks of the day are known.
fn shift_record(
    account: &Account,
    shift: Option<Arc<str>>,
    day: DayNumber,
    hours: Option<Interval>,
    punctuality: Punctuality,
    is_final: bool,
) -> ShiftRecord {
    ShiftRecord {
        shift,
        day: day.date(),
        opened: account.span.0.timestamp(),
        closed: account.span.1.timestamp(),
        scheduled: hours.map(|(start, end)| (start.timestamp(), end.timestamp())),
        open: account.open || account.missing_in,
        automatic_out: account.automatic_out.map(Instant::timestamp),
        refused: account.refused,
        times: Times::default(),
        late: Seconds(punctuality.late),
        left_early: Seconds(punctuality.left_early),
        is_final,
    }
}

fn unassigned(refusal: Refusal) -> PunchVerdict {
    PunchVerdict::Unassigned {
        code: refusal.code.to_owned(),
        reason: refusal.reason,
    }
}
