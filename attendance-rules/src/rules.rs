//! A checked policy with its time zone, calendar and members.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use facekit::PersonId;

use crate::{
    calendar::{Calendar, Holiday, Member},
    error::{Error, Result},
    expected::expected_seconds,
    interval::Interval,
    plan::Plan,
    policy::Policy,
    ready::{
        ExpectedHours, ReadyBreak, ReadySchedule, ReadyShift, ReadyTerms, ScheduledShift,
        clock_window, lookback, reach_days, ready_breaks, ready_schedule, ready_shifts,
    },
    spelling::unknown_region,
    time::{DayNumber, second_of_day},
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
    pub(crate) working_days: [bool; 7],
    /// The schedule of people who have none of their own.
    pub(crate) schedule: ReadySchedule,
    /// The dated terms of the policy.
    pub(crate) terms: Vec<ReadyTerms>,
    /// The expected hours of days without shifts.
    pub(crate) expected: ExpectedHours,
    /// The expected time of an ordinary day, in seconds. `None` if nothing is expected.
    pub(crate) usual_day: Option<i64>,
    calendar: Calendar,
    regional_calendars: BTreeMap<String, Calendar>,
    /// The holidays of people without a region.
    pub(crate) holidays: BTreeMap<DayNumber, Holiday>,
    /// All holidays of each region.
    pub(crate) regional: BTreeMap<String, BTreeMap<DayNumber, Holiday>>,
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
        let (memory, lookback) = lookback(&policy, &shifts);
        let mut rules = Self {
            breaks: ready_breaks(&policy.breaks),
            windows: windows.collect(),
            places: places.collect(),
            reach_days: reach_days(&policy, &shifts),
            memory,
            lookback,
            schedule: ready_schedule(&policy.schedule, &shifts),
            terms: Vec::new(),
            expected: ExpectedHours::of_work(&policy.work),
            usual_day: None,
            calendar: Calendar::new(),
            regional_calendars: BTreeMap::new(),
            holidays: BTreeMap::new(),
            regional: BTreeMap::new(),
            everybody: Plan::everybody(),
            members: HashMap::new(),
            zone,
            shifts,
            working_days,
            policy,
        };
        rules.compute_usual();
        rules.terms = rules.ready_terms(&rules.policy.terms);
        rules.collect_holidays();
        rules
            .check_overlaps(&rules.everybody)
            .map_err(|reason| Error::policy("terms", reason))?;
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
        let of_shifts = self.shifts.iter().filter_map(|shift| shift.usual).max();
        self.usual_day = of_shifts.or(self.expected.daily).filter(|&usual| usual > 0);
    }

    /// Collects the holidays of the calendars and of the policy, for everybody and for each region.
    fn collect_holidays(&mut self) {
        let holidays_of = |region: Option<&String>| {
            let mut all = self.calendar.clone();
            let regional = region.and_then(|region| self.regional_calendars.get(region));
            for (date, holiday) in regional.into_iter().flat_map(Calendar::iter) {
                all.add(date, &holiday.name, holiday.half);
            }
            for on in &self.policy.holidays {
                if on.regions.is_empty() || region.is_some_and(|it| on.regions.contains(it)) {
                    all.add(on.date, &on.name, on.half);
                }
            }
            let days = all
                .iter()
                .map(|(date, it)| (DayNumber::of(date), it.clone()));
            days.collect::<BTreeMap<_, _>>()
        };
        let regions = &self.policy.site.regions;
        let regional = regions.iter().map(|it| (it.clone(), holidays_of(Some(it))));
        (self.regional, self.holidays) = (regional.collect(), holidays_of(None));
    }

    /// Checks that the policy has a region. The error is the reason.
    pub(crate) fn check_region(&self, region: &str) -> Result<(), String> {
        let known = &self.policy.site.regions;
        if known.iter().any(|it| it == region) {
            Ok(())
        } else {
            Err(unknown_region(region, known))
        }
    }

    /// The expected time of shifts of one day, in seconds.
    pub(crate) fn expected_of(&self, scheduled: &[ScheduledShift]) -> i64 {
        expected_seconds(&self.zone, &self.shifts, &self.breaks, scheduled)
    }

    /// The same rules with this calendar, which applies in all regions.
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
    pub fn with_calendar(mut self, calendar: Calendar) -> Self {
        self.calendar = calendar;
        self.collect_holidays();
        self
    }

    /// The same rules with this calendar for the members of a region, in addition to the calendar for everybody.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] if [`Site::regions`](crate::Site::regions) does not have the region.
    ///
    /// ```
    /// use attendance_rules::{Calendar, Policy, Rules};
    ///
    /// let mut bavaria = Calendar::new();
    /// bavaria.add("2026-01-06".parse().unwrap(), "Epiphany", None);
    /// let policy = Policy::from_toml("[site]\nregions = [\"bavaria\", \"hamburg\"]")?;
    /// let rules = Rules::new(policy)?.with_regional_calendar("bavaria", bavaria)?;
    /// # Ok::<(), attendance_rules::Error>(())
    /// ```
    pub fn with_regional_calendar(mut self, region: &str, calendar: Calendar) -> Result<Self> {
        self.check_region(region)
            .map_err(|reason| Error::policy("site.regions", reason))?;
        self.regional_calendars.insert(region.to_owned(), calendar);
        self.collect_holidays();
        Ok(self)
    }

    /// The same rules with these members in addition.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateId`] if a person is a member twice. [`Error::Member`] if a member leaves before joining, periods of
    /// employment or terms overlap, leave ends before it begins, or a schedule names shifts that overlap or that the policy
    /// does not have. Set the calendar first: shifts on its holidays do not overlap others.
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

    /// The index of a device's place.
    pub(crate) fn place_of(&self, device: Option<&str>) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        self.places.get(device?).copied()
    }
}
