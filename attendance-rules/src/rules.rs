//! A policy made ready: checked, with its zone, calendar and members.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use facekit::PersonId;

use crate::{
    Break, Calendar, Error, Half, Member, Policy, Result, Schedule, Seconds,
    policy::{check_days, check_schedule},
    time::{DAY, HOUR, Zone, date_text, day_of, second_of, weekday_of},
};

/// A policy made ready to decide and to evaluate: checked, with a calendar and members.
///
/// It is immutable and shared by threads. All times are passed in.
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
    /// From and to, in seconds since midnight; to is after from.
    pub(crate) windows: Vec<(Arc<str>, i64, i64)>,
    working: [bool; 7],
    holidays: BTreeMap<i32, (String, Option<Half>)>,
    everybody: Plan,
    members: HashMap<PersonId, Plan>,
    pub(crate) places: HashMap<String, usize>,
    /// How many days before and after its own a scan's shift can be.
    pub(crate) reach_days: (i32, i32),
    /// For how long after the last scan a stay matters, in seconds.
    pub(crate) memory: i64,
    /// How far back scans matter, in seconds: the last stay's beginning, too.
    pub(crate) lookback: i64,
}

/// A shift in seconds since the midnight before its start.
#[derive(Clone, Debug)]
pub(crate) struct ReadyShift {
    pub(crate) name: Arc<str>,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) before: i64,
    pub(crate) after: i64,
    pub(crate) late_after: i64,
    pub(crate) early_before: i64,
    pub(crate) flexible: bool,
    /// What the policy says.
    pub(crate) stated: Option<i64>,
    /// What is expected of it as the only one of a day around which no clock changes.
    pub(crate) usual: Option<i64>,
    pub(crate) breaks: Option<Vec<ReadyBreak>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadyBreak {
    /// In seconds since midnight; `to` is after `from`.
    Fixed {
        from: i64,
        to: i64,
        at_most: i64,
        whole: bool,
        paid: bool,
    },
    AfterWork {
        worked: i64,
        length: i64,
        whole: bool,
    },
}

/// A member with days as numbers and shifts as places in the list.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) member: Option<Member>,
    pub(crate) joined: i32,
    pub(crate) left: i32,
    pub(crate) roster_until: i32,
    schedule: ReadySchedule,
    shifts_on: BTreeMap<i32, Vec<usize>>,
    leave: Vec<(i32, i32, Option<Half>)>,
}

#[derive(Clone, Debug)]
enum ReadySchedule {
    WorkingDays(Vec<usize>),
    Weekly([Vec<usize>; 7]),
    Rotation(i32, Vec<Vec<usize>>),
}

/// What a day is for a member.
#[derive(Clone, Debug, Default)]
pub(crate) struct DayPlan<'a> {
    pub(crate) employed: bool,
    /// The schedule has it, whatever the calendar and leave say.
    pub(crate) scheduled: bool,
    pub(crate) holiday: Option<&'a str>,
    pub(crate) leave: Option<&'a str>,
    /// All of it is free, by calendar or leave.
    pub(crate) free: bool,
    pub(crate) half: Option<Half>,
    pub(crate) shifts: &'a [usize],
}

impl DayPlan<'_> {
    /// The member should come.
    pub(crate) fn obliged(&self) -> bool {
        self.employed && self.scheduled && !self.free
    }

    /// What is expected of the day where so much is expected of a whole one.
    pub(crate) fn halved(&self, value: i64) -> i64 {
        if self.half.is_some() {
            value / 2
        } else {
            value
        }
    }
}

impl Rules {
    /// The rules of a policy, without holidays and for everybody alike.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] where it contradicts itself.
    ///
    /// ```
    /// use attendance_rules::{Policy, Rules};
    ///
    /// assert!(Rules::new(Policy::s3()).is_ok());
    /// ```
    pub fn new(policy: Policy) -> Result<Self> {
        policy.check()?;
        let zone = Zone::new(&policy.site.time_zone)
            .map_err(|reason| Error::policy("site.time_zone", reason))?;
        let shifts = policy.shifts.iter().map(|shift| {
            let next = if shift.overnight { DAY } else { 0 };
            let breaks = shift.breaks.as_ref();
            ReadyShift {
                name: shift.name.as_str().into(),
                start: second_of(shift.start),
                end: second_of(shift.end) + next,
                before: shift.margin_before.0,
                after: shift.margin_after.0,
                late_after: shift.late_after.0,
                early_before: shift.early_before.0,
                flexible: shift.flexible,
                stated: shift.expected.map(|expected| expected.0),
                usual: None,
                breaks: breaks.map(|breaks| breaks.iter().map(ready_break).collect()),
            }
        });
        let shifts: Vec<ReadyShift> = shifts.collect();
        let mut working = [false; 7];
        for day in &policy.site.working_days {
            working[day.index()] = true;
        }
        let windows = policy.windows.iter().map(|window| {
            let (from, to) = on_clock(second_of(window.from), second_of(window.to));
            (window.name.as_str().into(), from, to)
        });
        let places = policy.site.places.iter().enumerate();
        let places = places
            .flat_map(|(at, place)| place.devices.iter().map(move |device| (device.clone(), at)));
        let everybody = Plan {
            member: None,
            joined: i32::MIN,
            left: i32::MAX,
            roster_until: i32::MAX,
            schedule: ready_schedule(&policy.schedule, &shifts),
            shifts_on: BTreeMap::new(),
            leave: Vec::new(),
        };
        let (memory, lookback) = lookback(&policy, &shifts);
        let mut rules = Self {
            breaks: policy.breaks.iter().map(ready_break).collect(),
            windows: windows.collect(),
            places: places.collect(),
            reach_days: reach_days(&shifts),
            memory,
            lookback,
            holidays: BTreeMap::new(),
            members: HashMap::new(),
            zone,
            shifts,
            working,
            everybody,
            policy,
        };
        let quiet =
            |day: &i32| rules.no_clock_changes(rules.zone.at(*day, 0), rules.zone.at(*day + 2, 0));
        if let Some(day) = (0..366).find(quiet) {
            for shift in 0..rules.shifts.len() {
                let (start, end) = rules.hours(day, shift);
                rules.shifts[shift].usual = Some(rules.expected_of(&[(shift, start, end)]));
            }
        }
        Ok(rules)
    }

    /// Whether no clock changes from a day before `start` to a day after `end`, within which the breaks of a shift lie.
    pub(crate) fn no_clock_changes(&self, start: i64, end: i64) -> bool {
        self.zone.is_steady(start - DAY, end + DAY)
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
        reason = "the rules take the calendar over"
    )]
    pub fn with_calendar(mut self, calendar: Calendar) -> Self {
        let days = calendar
            .iter()
            .map(|(date, holiday)| (day_of(date), (holiday.name.clone(), holiday.half)));
        self.holidays = days.collect();
        self
    }

    /// The same rules with these members in addition.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateId`] where somebody is a member twice; [`Error::Member`] where somebody leaves before joining,
    /// leave ends before it begins, or a schedule names shifts that overlap or that the policy does not have. Give the
    /// calendar first: shifts on its holidays overlap none.
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

    /// The members, in no order.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members
            .values()
            .filter_map(|plan| plan.member.as_ref())
    }

    /// What is known of `person`.
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
            check_days("", &[&on.shifts], &self.policy).map_err(|error| within(&path, error))?;
            if shifts_on
                .insert(day_of(on.date), indices(&on.shifts, &self.shifts))
                .is_some()
            {
                return Err(Error::member(
                    person,
                    format!("{path}: the day is there twice"),
                ));
            }
        }
        if let Some(leave) = member.leave.iter().find(|leave| leave.to < leave.from) {
            let reason = format!(
                "leave from {} ends before it begins, on {}",
                leave.from, leave.to
            );
            return Err(Error::member(person, reason));
        }
        let leave = member
            .leave
            .iter()
            .map(|leave| (day_of(leave.from), day_of(leave.to), leave.half));
        let plan = Plan {
            joined: member.joined.map_or(i32::MIN, day_of),
            left: member.left.map_or(i32::MAX, day_of),
            roster_until: member.roster_until.map_or(i32::MAX, day_of),
            schedule,
            shifts_on,
            leave: leave.collect(),
            member: Some(member.clone()),
        };
        for &day in plan.shifts_on.keys() {
            for (one, other) in [(day - 1, day), (day, day + 1)] {
                if let Some((early, late)) = self.overlap(&plan, one, other) {
                    let (date, next) = (date_text(one), date_text(other));
                    let reason = format!(
                        "shifts_on {}: shift {early:?} of {date} and {late:?} of {next} overlap",
                        date_text(day)
                    );
                    return Err(Error::member(person, reason));
                }
            }
        }
        Ok(plan)
    }

    /// Two shifts of days that follow each other, of which the first ends after the second starts.
    fn overlap(&self, plan: &Plan, day: i32, next: i32) -> Option<(Arc<str>, Arc<str>)> {
        let shifts = |day| {
            let is = self.day_plan(plan, day);
            if is.obliged() { is.shifts } else { &[] }
        };
        // In order of time.
        let (last, first) = (*shifts(day).last()?, *shifts(next).first()?);
        let (last, first) = (&self.shifts[last], &self.shifts[first]);
        (last.end > first.start + DAY).then(|| (Arc::clone(&last.name), Arc::clone(&first.name)))
    }

    pub(crate) fn day_plan<'a>(&'a self, plan: &'a Plan, day: i32) -> DayPlan<'a> {
        let mut is = DayPlan {
            employed: (plan.joined..=plan.left).contains(&day),
            ..DayPlan::default()
        };
        let planned = plan
            .shifts_on
            .get(&day)
            .filter(|_| !plan.shifts_on.is_empty());
        (is.scheduled, is.shifts) = match (planned, &plan.schedule) {
            (Some(shifts), _) => (!shifts.is_empty(), &shifts[..]),
            (None, ReadySchedule::WorkingDays(shifts)) if self.working[weekday_of(day)] => {
                // Without any shift, whoever comes on a working day has come.
                (self.shifts.is_empty() || !shifts.is_empty(), &shifts[..])
            }
            (None, ReadySchedule::WorkingDays(_)) => (false, &[][..]),
            (None, ReadySchedule::Weekly(days)) => {
                let shifts = &days[weekday_of(day)];
                (!shifts.is_empty(), &shifts[..])
            }
            (None, ReadySchedule::Rotation(from, cycle)) => {
                let at = (i64::from(day) - i64::from(*from)).rem_euclid(cycle.len() as i64);
                let shifts = &cycle[at as usize];
                (!shifts.is_empty(), &shifts[..])
            }
        };
        if !self.holidays.is_empty()
            && let Some((name, half)) = self.holidays.get(&day)
        {
            is.holiday = Some(name);
            // What somebody planned for this very day holds.
            is.free |= half.is_none() && planned.is_none();
            is.half = half.filter(|_| planned.is_none());
        }
        for (at, &(from, to, half)) in plan.leave.iter().enumerate() {
            if (from..=to).contains(&day) {
                let member = plan.member.as_ref();
                is.leave = member.map(|member| &*member.leave[at].kind);
                // Two different halves make a whole.
                is.free |= half.is_none() || is.half.is_some_and(|other| Some(other) != half);
                is.half = half.or(is.half);
            }
        }
        is
    }

    /// Whether `day` is a whole holiday.
    pub(crate) fn is_holiday(&self, day: i32) -> bool {
        self.holidays
            .get(&day)
            .is_some_and(|(_, half)| half.is_none())
    }

    /// When a shift's instance of a day starts and ends, in UTC.
    pub(crate) fn hours(&self, day: i32, shift: usize) -> (i64, i64) {
        let shift = &self.shifts[shift];
        (self.zone.at(day, shift.start), self.zone.at(day, shift.end))
    }
}

impl Rules {
    /// Halfway between the start of a day's first shift and the end of its last, which parts its halves.
    pub(crate) fn middle(&self, day: i32, plan: &DayPlan<'_>) -> i64 {
        let hours = || plan.shifts.iter().map(|&shift| self.hours(day, shift));
        let (first, last) = (hours().map(|it| it.0).min(), hours().map(|it| it.1).max());
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        first + (last - first) / 2
    }

    /// From when on the shifts of a day are free.
    pub(crate) fn free_from(&self, day: i32, plan: &DayPlan<'_>) -> Option<i64> {
        (plan.half == Some(Half::Afternoon)).then(|| self.middle(day, plan))
    }
}

/// With room for changes of the clock, and backwards for a day that the date line skipped.
fn reach_days(shifts: &[ReadyShift]) -> (i32, i32) {
    let back = shifts
        .iter()
        .map(|shift| shift.end + shift.after + DAY + HOUR)
        .max()
        .unwrap_or(0);
    let ahead = shifts
        .iter()
        .map(|shift| shift.before - shift.start + 3 * HOUR)
        .max()
        .unwrap_or(0);
    ((back / DAY) as i32, i32::from(ahead > 0))
}

/// For how long a stay matters after its last scan, and how far back its first scan is at most, with room for changes of the
/// clock.
fn lookback(policy: &Policy, shifts: &[ReadyShift]) -> (i64, i64) {
    let windows = shifts
        .iter()
        .map(|shift| shift.before + shift.end - shift.start + shift.after);
    let stay = windows
        .chain([policy.assignment.longest_shift.0])
        .max()
        .unwrap_or(0)
        + 2 * HOUR;
    let travel = policy.site.places.iter().map(|place| place.travel.0);
    let others = [stay, policy.scans.cooldown.0, 2 * DAY];
    let memory = travel.chain(others).max().unwrap_or(0) + 2 * HOUR;
    (memory, memory + stay)
}

fn ready_break(rule: &Break) -> ReadyBreak {
    match *rule {
        Break::Fixed {
            from,
            to,
            at_most,
            deduct,
            paid,
        } => {
            let (from, to) = on_clock(second_of(from), second_of(to));
            let at_most = at_most.unwrap_or(Seconds(to - from)).0.min(to - from);
            ReadyBreak::Fixed {
                from,
                to,
                at_most,
                whole: deduct == crate::Deduct::Whole,
                paid,
            }
        }
        Break::AfterWork {
            worked,
            length,
            deduct,
        } => ReadyBreak::AfterWork {
            worked: worked.0,
            length: length.0,
            whole: deduct == crate::Deduct::Whole,
        },
    }
}

/// A window of the clock; one that does not end after it begins ends on the next day.
fn on_clock(from: i64, to: i64) -> (i64, i64) {
    (from, if to <= from { to + DAY } else { to })
}

fn ready_schedule(schedule: &Schedule, shifts: &[ReadyShift]) -> ReadySchedule {
    match schedule {
        Schedule::WorkingDays { shifts: None } => {
            let mut all: Vec<usize> = (0..shifts.len()).collect();
            all.sort_by_key(|&at| shifts[at].start);
            ReadySchedule::WorkingDays(all)
        }
        Schedule::WorkingDays {
            shifts: Some(names),
        } => ReadySchedule::WorkingDays(indices(names, shifts)),
        Schedule::Weekly { days } => {
            let mut week: [Vec<usize>; 7] = Default::default();
            for (day, names) in days {
                week[day.index()] = indices(names, shifts);
            }
            ReadySchedule::Weekly(week)
        }
        Schedule::Rotation { from, cycle } => ReadySchedule::Rotation(
            day_of(*from),
            cycle.iter().map(|names| indices(names, shifts)).collect(),
        ),
    }
}

/// Checked names as places in the list, by start.
fn indices(names: &[String], shifts: &[ReadyShift]) -> Vec<usize> {
    let place = |name: &String| shifts.iter().position(|shift| *shift.name == **name);
    let mut places: Vec<usize> = names.iter().filter_map(place).collect();
    places.sort_by_key(|&at| shifts[at].start);
    places.dedup();
    places
}
