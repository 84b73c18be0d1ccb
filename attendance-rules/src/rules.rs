//! A checked policy with its time zone, calendar and members.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use facekit::PersonId;

use crate::{
    calendar::{Calendar, Half, Member},
    error::{Error, Result},
    expected::expected_seconds,
    interval::Interval,
    policy::{
        Policy,
        check::{check_schedule, check_shifts_of_days},
    },
    ready::{
        ReadyBreak, ReadySchedule, ReadyShift, ScheduledShift, clock_window, lookback, reach_days,
        ready_breaks, ready_schedule, ready_shifts, shift_indices,
    },
    time::{DAY, DayNumber, Instant, second_of_day},
    zone::Zone,
};

/// A checked policy with a calendar and members, ready to decide and to evaluate.
///
/// It is immutable, and threads can share it. All times are arguments.
///
/// ```
/// use attendance_rules::{Calendar, Member, Policy, Rules};
/// use facekit::PersonId;
///
/// let policy = Policy::from_toml("[site]\ntime_zone = \"Europe/Berlin\"")?;
/// let rules = Rules::new(policy)?
///     .with_calendar(Calendar::new())
///     .with_members([Member::new(PersonId::new("anna")?)])?;
/// assert_eq!(rules.members().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rules {
    pub(crate) policy: Policy,
    pub(crate) zone: Zone,
    pub(crate) shifts: Vec<ReadyShift>,
    pub(crate) breaks: Vec<ReadyBreak>,
    /// The windows of [`Policy::windows`]: name, start and end. Times are in seconds since midnight; the end is after the
    /// start.
    pub(crate) windows: Vec<(Arc<str>, i64, i64)>,
    /// The working days of the week, Monday first.
    working_days: [bool; 7],
    holidays: BTreeMap<DayNumber, (String, Option<Half>)>,
    everybody: Plan,
    members: HashMap<PersonId, Plan>,
    /// The index of each device's place in [`Site::places`](crate::Site::places).
    places: HashMap<String, usize>,
    /// How many days before and after the day of a scan its shift can be.
    pub(crate) reach_days: (i32, i32),
    /// How long a stay matters after its last scan, in seconds.
    pub(crate) memory: i64,
    /// How far back scans matter, in seconds. That includes the first scan of the last stay that matters.
    pub(crate) lookback: i64,
}

/// A member's data with day numbers in place of dates, and indices in place of names of shifts.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// `None` for a person who is not a member.
    pub(crate) member: Option<Member>,
    pub(crate) joined: DayNumber,
    pub(crate) left: DayNumber,
    pub(crate) roster_until: DayNumber,
    schedule: ReadySchedule,
    shifts_on: BTreeMap<DayNumber, Vec<usize>>,
    /// First day, last day and free half, in the order of [`Member::leave`].
    leave: Vec<(DayNumber, DayNumber, Option<Half>)>,
}

/// A day of a member: what is scheduled, and what is free.
#[derive(Clone, Debug, Default)]
pub(crate) struct DayPlan<'a> {
    pub(crate) employed: bool,
    /// The schedule has work on it. Holidays and leave do not change that.
    pub(crate) scheduled: bool,
    pub(crate) holiday: Option<&'a str>,
    pub(crate) leave: Option<&'a str>,
    /// The whole day is free, by calendar or leave.
    pub(crate) free: bool,
    /// The half that is free.
    pub(crate) half: Option<Half>,
    /// Indices of the scheduled shifts, in order of their start.
    pub(crate) shifts: &'a [usize],
}

impl DayPlan<'_> {
    /// The member should come.
    pub(crate) fn obliged(&self) -> bool {
        self.employed && self.scheduled && !self.free
    }

    /// Half of `value` if half of the day is free, else all of it.
    pub(crate) fn halved(&self, value: i64) -> i64 {
        if self.half.is_some() {
            value / 2
        } else {
            value
        }
    }
}

impl Rules {
    /// The rules of a policy, without holidays and without members.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] if the policy contradicts itself.
    ///
    /// ```
    /// use attendance_rules::{Policy, Rules};
    ///
    /// assert!(Rules::new(Policy::esp32cam_gateway()).is_ok());
    /// ```
    pub fn new(policy: Policy) -> Result<Self> {
        policy.check()?;
        let zone = Zone::new(&policy.site.time_zone)
            .map_err(|reason| Error::policy("site.time_zone", reason))?;
        let shifts = ready_shifts(&policy);
        let mut working_days = [false; 7];
        for day in &policy.site.working_days {
            working_days[day.index()] = true;
        }
        let windows = policy.windows.iter().map(|window| {
            let (from, to) = clock_window(second_of_day(window.from), second_of_day(window.to));
            (window.name.as_str().into(), from, to)
        });
        let places = policy.site.places.iter().enumerate();
        let places = places.flat_map(|(index, place)| {
            place
                .devices
                .iter()
                .map(move |device| (device.clone(), index))
        });
        let everybody = Plan {
            member: None,
            joined: DayNumber::MIN,
            left: DayNumber::MAX,
            roster_until: DayNumber::MAX,
            schedule: ready_schedule(&policy.schedule, &shifts),
            shifts_on: BTreeMap::new(),
            leave: Vec::new(),
        };
        let (memory, lookback) = lookback(&policy, &shifts);
        let mut rules = Self {
            breaks: ready_breaks(&policy.breaks),
            windows: windows.collect(),
            places: places.collect(),
            reach_days: reach_days(&policy, &shifts),
            memory,
            lookback,
            holidays: BTreeMap::new(),
            members: HashMap::new(),
            zone,
            shifts,
            working_days,
            everybody,
            policy,
        };
        rules.compute_usual();
        Ok(rules)
    }

    /// Computes the usual expected time of each shift, on the first day of 1970 around which no clock changes.
    fn compute_usual(&mut self) {
        let epoch = DayNumber::of(jiff::civil::date(1970, 1, 1));
        let steady = |day: &DayNumber| {
            let (start, end) = (self.zone.at(*day, 0), self.zone.at(*day + 2, 0));
            self.zone.is_steady_around(start, end)
        };
        if let Some(day) = DayNumber::all(epoch..=epoch + 365).find(steady) {
            for shift in 0..self.shifts.len() {
                let usual = self.expected_of(&[self.scheduled(day, shift)]);
                self.shifts[shift].usual = Some(usual);
            }
        }
    }

    /// The expected time of shifts of one day, in seconds.
    pub(crate) fn expected_of(&self, scheduled: &[ScheduledShift]) -> i64 {
        expected_seconds(&self.zone, &self.shifts, &self.breaks, scheduled)
    }

    /// The same rules with this calendar.
    ///
    /// ```
    /// use attendance_rules::{Calendar, Policy, Rules};
    ///
    /// let mut calendar = Calendar::new();
    /// calendar.add("2026-05-01".parse().unwrap(), "Labour Day", None);
    /// let rules = Rules::new(Policy::default())?.with_calendar(calendar);
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the rules replace the calendar"
    )]
    pub fn with_calendar(mut self, calendar: Calendar) -> Self {
        let days = calendar
            .iter()
            .map(|(date, holiday)| (DayNumber::of(date), (holiday.name.clone(), holiday.half)));
        self.holidays = days.collect();
        self
    }

    /// The same rules with these members in addition.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateId`] if a person is a member twice. [`Error::Member`] if a member leaves before joining, leave ends
    /// before it begins, or a schedule names shifts that overlap or that the policy does not have. Set the calendar first:
    /// shifts on its holidays do not overlap others.
    ///
    /// ```
    /// use attendance_rules::{Member, Policy, Rules};
    /// use facekit::PersonId;
    ///
    /// let mut anna = Member::new(PersonId::new("anna")?);
    /// anna.joined = Some("2026-03-01".parse().unwrap());
    /// anna.left = Some("2026-02-01".parse().unwrap());
    /// let error = Rules::new(Policy::default())?.with_members([anna]).unwrap_err();
    /// assert_eq!(error.to_string(), "member anna: left on 2026-02-01, before joining on 2026-03-01");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_members(mut self, members: impl IntoIterator<Item = Member>) -> Result<Self> {
        for member in members {
            let plan = self.plan_of(&member)?;
            let person = member.person.clone();
            if self.members.insert(person, plan).is_some() {
                return Err(Error::DuplicateId {
                    what: "member",
                    id: member.person.to_string(),
                });
            }
        }
        Ok(self)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The members, in no particular order.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members
            .values()
            .filter_map(|plan| plan.member.as_ref())
    }

    /// The member `person`.
    #[must_use]
    pub fn member(&self, person: &PersonId) -> Option<&Member> {
        self.members
            .get(person)
            .and_then(|plan| plan.member.as_ref())
    }

    pub(crate) fn plan(&self, person: &PersonId) -> &Plan {
        self.members.get(person).unwrap_or(&self.everybody)
    }

    fn plan_of(&self, member: &Member) -> Result<Plan> {
        let person = &member.person;
        if let (Some(joined), Some(left)) = (member.joined, member.left)
            && left < joined
        {
            return Err(Error::member(
                person,
                format!("left on {left}, before joining on {joined}"),
            ));
        }
        let within = |path: &str, error: Error| match error {
            Error::Policy { path: key, reason } => {
                Error::member(person, format!("{path}{key}: {reason}"))
            }
            other => other,
        };
        let schedule = match &member.schedule {
            Some(schedule) => {
                check_schedule("schedule", schedule, &self.policy)
                    .map_err(|error| within("", error))?;
                ready_schedule(schedule, &self.shifts)
            }
            None => self.everybody.schedule.clone(),
        };
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
        if let Some(leave) = member.leave.iter().find(|leave| leave.to < leave.from) {
            let reason = format!(
                "leave from {} ends before it begins, on {}",
                leave.from, leave.to
            );
            return Err(Error::member(person, reason));
        }
        let leave = member.leave.iter().map(|leave| {
            let (from, to) = (DayNumber::of(leave.from), DayNumber::of(leave.to));
            (from, to, leave.half)
        });
        let plan = Plan {
            joined: member.joined.map_or(DayNumber::MIN, DayNumber::of),
            left: member.left.map_or(DayNumber::MAX, DayNumber::of),
            roster_until: member.roster_until.map_or(DayNumber::MAX, DayNumber::of),
            schedule,
            shifts_on,
            leave: leave.collect(),
            member: Some(member.clone()),
        };
        self.check_overlaps(person, &plan)?;
        Ok(plan)
    }

    /// Checks that the shifts of `shifts_on` do not overlap those of the day before and after.
    fn check_overlaps(&self, person: &PersonId, plan: &Plan) -> Result<()> {
        for &day in plan.shifts_on.keys() {
            for (one, other) in [(day - 1, day), (day, day + 1)] {
                if let Some((early, late)) = self.overlap(plan, one, other) {
                    let reason = format!(
                        "shifts_on {day}: shift {early:?} of {one} and {late:?} of {other} overlap"
                    );
                    return Err(Error::member(person, reason));
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
        let planned = plan.shifts_on.get(&day);
        let (scheduled, shifts) = match planned {
            Some(shifts) => (!shifts.is_empty(), &shifts[..]),
            None => self.scheduled_on(&plan.schedule, day),
        };
        let mut day_plan = DayPlan {
            employed: (plan.joined..=plan.left).contains(&day),
            scheduled,
            shifts,
            ..DayPlan::default()
        };
        if !self.holidays.is_empty()
            && let Some((name, half)) = self.holidays.get(&day)
        {
            day_plan.holiday = Some(name);
            // Shifts that are planned for this date take precedence over a holiday.
            day_plan.free |= half.is_none() && planned.is_none();
            day_plan.half = half.filter(|_| planned.is_none());
        }
        for (index, &(from, to, half)) in plan.leave.iter().enumerate() {
            if (from..=to).contains(&day) {
                let member = plan.member.as_ref();
                day_plan.leave = member.map(|member| &*member.leave[index].kind);
                // Two different halves make a whole day.
                day_plan.free |=
                    half.is_none() || day_plan.half.is_some_and(|other| Some(other) != half);
                day_plan.half = half.or(day_plan.half);
            }
        }
        day_plan
    }

    /// `true` if a schedule has work on a day, and its shifts.
    fn scheduled_on<'a>(&self, schedule: &'a ReadySchedule, day: DayNumber) -> (bool, &'a [usize]) {
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

    /// Returns `true` if `day` is a whole holiday.
    pub(crate) fn is_holiday(&self, day: DayNumber) -> bool {
        self.holidays
            .get(&day)
            .is_some_and(|(_, half)| half.is_none())
    }

    /// The start and the end of a shift on a day.
    pub(crate) fn hours(&self, day: DayNumber, shift: usize) -> Interval {
        let shift = &self.shifts[shift];
        (self.zone.at(day, shift.start), self.zone.at(day, shift.end))
    }

    /// A shift on a day.
    pub(crate) fn scheduled(&self, day: DayNumber, shift: usize) -> ScheduledShift {
        let (start, end) = self.hours(day, shift);
        ScheduledShift { shift, start, end }
    }

    /// The middle between the start of a day's first shift and the end of its last. It divides the day into halves.
    pub(crate) fn middle(&self, day: DayNumber, plan: &DayPlan<'_>) -> Instant {
        let hours = || plan.shifts.iter().map(|&shift| self.hours(day, shift));
        let (first, last) = (hours().map(|it| it.0).min(), hours().map(|it| it.1).max());
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        first + (last - first) / 2
    }

    /// The index of a device's place.
    pub(crate) fn place_of(&self, device: Option<&str>) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        self.places.get(device?).copied()
    }

    /// The start of a free afternoon.
    pub(crate) fn free_from(&self, day: DayNumber, plan: &DayPlan<'_>) -> Option<Instant> {
        (plan.half == Some(Half::Afternoon)).then(|| self.middle(day, plan))
    }
}
