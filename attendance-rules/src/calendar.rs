//! Holidays, periods, and members with their employment, leave and shifts.

use std::{collections::BTreeMap, ops::RangeInclusive};

use facekit::PersonId;
use jiff::civil::{Date, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    policy::{Schedule, Terms},
    schema,
    time::DayNumber,
};

/// The half of a day that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// The first half of the working time. Lateness is recorded from the start of the second half.
    Morning,
    /// The second half of the working time. Leaving early is recorded up to the end of the first half.
    Afternoon,
}

/// A day that is free for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Holiday {
    /// The name.
    pub name: String,
    /// The free half; `None` if the whole day is free.
    #[serde(default)]
    pub half: Option<Half>,
}

/// The holidays of a site.
///
/// ```
/// use attendance_rules::{Calendar, Half};
///
/// let mut calendar = Calendar::new();
/// calendar.add("2026-12-25".parse().unwrap(), "Christmas", None);
/// calendar.add("2026-12-24".parse().unwrap(), "Christmas Eve", Some(Half::Afternoon));
/// assert_eq!(calendar.get("2026-12-25".parse().unwrap()).unwrap().name, "Christmas");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Calendar(BTreeMap<Date, Holiday>);

impl Calendar {
    /// No holidays.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a holiday. Of several holidays on one day, a whole day takes precedence over a half. Two different halves make a
    /// whole day.
    pub fn add(&mut self, date: Date, name: impl Into<String>, half: Option<Half>) {
        let new = Holiday {
            name: name.into(),
            half,
        };
        let Some(old) = self.0.get_mut(&date) else {
            self.0.insert(date, new);
            return;
        };
        match (old.half, new.half) {
            (None, _) => {}
            (Some(_), None) => *old = new,
            (Some(one), Some(other)) if one != other => old.half = None,
            _ => {}
        }
    }

    /// The holiday on `date`.
    #[must_use]
    pub fn get(&self, date: Date) -> Option<&Holiday> {
        self.0.get(&date)
    }

    /// All holidays, by date.
    pub fn iter(&self) -> impl Iterator<Item = (Date, &Holiday)> {
        self.0.iter().map(|(&date, holiday)| (date, holiday))
    }
}

/// Days of the site's calendar, both ends included.
///
/// ```
/// use attendance_rules::Period;
///
/// let march = Period::new("2026-03-01".parse().unwrap(), "2026-03-31".parse().unwrap())?;
/// assert_eq!(march.days(), 31);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Ends")]
pub struct Period {
    from: Date,
    to: Date,
}

/// A period before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    from: Date,
    to: Date,
}

impl TryFrom<Ends> for Period {
    type Error = Error;

    fn try_from(ends: Ends) -> Result<Self> {
        Self::new(ends.from, ends.to)
    }
}

impl Period {
    /// The longest period of one evaluation, in days: ten years.
    pub const MAX_DAYS: i32 = 3660;

    /// From the day `from` to the day `to`, both included.
    ///
    /// # Errors
    ///
    /// [`Error::Period`] if the period ends before it begins, is longer than [`MAX_DAYS`](Self::MAX_DAYS), or is not within
    /// the years 1901 to 2198.
    pub fn new(from: Date, to: Date) -> Result<Self> {
        let wrong = |reason: &str| {
            Err(Error::Period {
                from,
                to,
                reason: reason.to_owned(),
            })
        };
        if to < from {
            return wrong("it ends before it begins");
        }
        if from.year() < 1901 || to.year() > 2198 {
            return wrong("it is not within the years 1901 to 2198");
        }
        let period = Self { from, to };
        if period.days() > Self::MAX_DAYS {
            return wrong("it is longer than 3660 days");
        }
        Ok(period)
    }

    /// The first day.
    #[must_use]
    pub fn from(&self) -> Date {
        self.from
    }

    /// The last day.
    #[must_use]
    pub fn to(&self) -> Date {
        self.to
    }

    /// The number of days.
    #[must_use]
    pub fn days(&self) -> i32 {
        let days = DayNumber::of(self.to).days_since(DayNumber::of(self.from)) + 1;
        // jiff's dates lie within 20,000 years.
        days as i32
    }

    /// The first and the last day.
    pub(crate) fn day_numbers(&self) -> RangeInclusive<DayNumber> {
        DayNumber::of(self.from)..=DayNumber::of(self.to)
    }
}

/// Leave of a member: days without obligation to work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Leave {
    /// The first day.
    #[schemars(with = "schema::Day")]
    pub from: Date,
    /// The last day, included.
    #[schemars(with = "schema::Day")]
    pub to: Date,
    /// The kind of leave, such as "annual" or "sick".
    pub kind: String,
    /// The free half of each day; `None` if the whole days are free, or `hours`.
    #[serde(default)]
    pub half: Option<Half>,
    /// The free hours of each day; `None` if whole days or halves are free.
    #[serde(default)]
    pub hours: Option<Hours>,
}

impl Leave {
    /// Leave on whole days, from `from` to `to`, both included.
    #[must_use]
    pub fn new(from: Date, to: Date, kind: impl Into<String>) -> Self {
        Self {
            from,
            to,
            kind: kind.into(),
            half: None,
            hours: None,
        }
    }

    /// Sets [`half`](Self::half).
    #[must_use]
    pub fn with_half(mut self, half: Half) -> Self {
        self.half = Some(half);
        self
    }

    /// Sets [`hours`](Self::hours).
    #[must_use]
    pub fn with_hours(mut self, hours: Hours) -> Self {
        self.hours = Some(hours);
        self
    }
}

/// Hours of a day, in local time.
///
/// ```
/// use attendance_rules::Leave;
///
/// let doctor: Leave = serde_json::from_str(
///     r#"{"from": "2026-03-02", "to": "2026-03-02", "kind": "doctor", "hours": {"from": "09:00", "to": "11:00"}}"#,
/// )?;
/// assert_eq!(doctor.hours.unwrap().to, "11:00".parse().unwrap());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The start.
    #[serde(deserialize_with = "crate::policy::clock::deserialize")]
    #[schemars(with = "String")]
    pub from: Time,
    /// The end. It is on the next day if it is not after `from`.
    #[serde(deserialize_with = "crate::policy::clock::deserialize")]
    #[schemars(with = "String")]
    pub to: Time,
}

/// A period of employment.
///
/// ```
/// use attendance_rules::{Employment, Member};
/// use facekit::PersonId;
///
/// let mut anna = Member::new(PersonId::new("anna")?);
/// anna.employment = vec![
///     Employment::new(None, Some("2026-03-10".parse().unwrap())),
///     Employment::new(Some("2026-03-20".parse().unwrap()), None),
/// ];
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Employment {
    /// The first day; `None` for no limit.
    #[serde(default)]
    #[schemars(with = "Option<schema::Day>")]
    pub joined: Option<Date>,
    /// The last day; `None` for no limit.
    #[serde(default)]
    #[schemars(with = "Option<schema::Day>")]
    pub left: Option<Date>,
}

impl Employment {
    /// A period from its first to its last day, both included; `None` for no limit.
    #[must_use]
    pub fn new(joined: Option<Date>, left: Option<Date>) -> Self {
        Self { joined, left }
    }
}

/// The shifts of a member on one day. They replace those of the schedule.
///
/// ```
/// use attendance_rules::{Member, Policy, Rules, ShiftsOn};
/// use facekit::PersonId;
///
/// let mut anna = Member::new(PersonId::new("anna")?);
/// anna.shifts_on.push(ShiftsOn::new("2026-03-06".parse().unwrap(), vec![]));
/// assert!(Rules::new(Policy::default())?.with_members([anna]).is_ok(), "a day off");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShiftsOn {
    /// The day.
    #[schemars(with = "schema::Day")]
    pub date: Date,
    /// Names of shifts. An empty list is a day off.
    pub shifts: Vec<String>,
}

impl ShiftsOn {
    /// The names of the shifts on `date`. An empty list is a day off.
    #[must_use]
    pub fn new(date: Date, shifts: Vec<String>) -> Self {
        Self { date, shifts }
    }
}

/// A member: employment, schedule and leave of a person.
///
/// ```
/// use attendance_rules::{Leave, Member};
/// use facekit::PersonId;
///
/// let mut anna = Member::new(PersonId::new("anna")?);
/// anna.group = Some("accounts".into());
/// anna.joined = Some("2026-02-01".parse().unwrap());
/// anna.leave.push(Leave::new("2026-03-09".parse().unwrap(), "2026-03-13".parse().unwrap(), "annual"));
/// assert!(anna.schedule.is_none(), "the policy's");
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Member {
    /// The person.
    #[schemars(with = "String")]
    pub person: PersonId,
    /// The group for statistics, such as a department or a class.
    #[serde(default)]
    pub group: Option<String>,
    /// The first day of employment. Earlier sightings are refused.
    #[serde(default)]
    #[schemars(with = "Option<schema::Day>")]
    pub joined: Option<Date>,
    /// The last day of employment. Later sightings are refused.
    #[serde(default)]
    #[schemars(with = "Option<schema::Day>")]
    pub left: Option<Date>,
    /// Several periods of employment, in place of `joined` and `left`, for people who leave and come back.
    #[serde(default)]
    pub employment: Vec<Employment>,
    /// The region, for holidays. It is one of `site.regions` of the policy.
    #[serde(default)]
    pub region: Option<String>,
    /// The last day of the roster. Later scans have the anomaly `expired_roster`.
    #[serde(default)]
    #[schemars(with = "Option<schema::Day>")]
    pub roster_until: Option<Date>,
    /// The schedule; `None` for the schedule of the policy.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Contracts: dated schedules, expected hours and thresholds. They precede `schedule`.
    #[serde(default)]
    pub terms: Vec<Terms>,
    /// Days that differ from the schedule.
    #[serde(default)]
    pub shifts_on: Vec<ShiftsOn>,
    /// Days of leave.
    #[serde(default)]
    pub leave: Vec<Leave>,
}

impl Member {
    /// The JSON Schema (2020-12) of a file of members, which is a list.
    ///
    /// ```
    /// let schema = attendance_rules::Member::json_schema();
    /// assert_eq!(schema["items"]["$ref"], "#/$defs/Member");
    /// ```
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        schema::of_list::<Self>("members")
    }

    /// A member with the schedule of the policy and without leave.
    #[must_use]
    pub fn new(person: PersonId) -> Self {
        Self {
            person,
            group: None,
            joined: None,
            left: None,
            employment: Vec::new(),
            region: None,
            roster_until: None,
            schedule: None,
            terms: Vec::new(),
            shifts_on: Vec::new(),
            leave: Vec::new(),
        }
    }
}
