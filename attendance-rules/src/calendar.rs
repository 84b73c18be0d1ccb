//! Holidays, periods, and who is expected when: members with their joining and leaving, leave and shifts.

use std::collections::BTreeMap;

use facekit::PersonId;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Schedule, time};

/// The half of a day that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// Until noon: coming late is not judged.
    Morning,
    /// From noon: leaving early is not judged.
    Afternoon,
}

/// A day that is free for everyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Holiday {
    /// Its name.
    pub name: String,
    /// The free half; `None` where the whole day is free.
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

    /// Adds a holiday. Of several on one day, a whole one holds; two different halves are a whole one.
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

/// A period as it is written, before it is checked.
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
    /// The longest period that is evaluated at once: ten years.
    pub const MAX_DAYS: i32 = 3660;

    /// From the day `from` to the day `to`, both included.
    ///
    /// # Errors
    ///
    /// [`Error::Period`] where it ends before it begins, is longer than [`MAX_DAYS`](Self::MAX_DAYS), or lies before 1901
    /// or after 2198.
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

    /// How many days it has.
    #[must_use]
    pub fn days(&self) -> i32 {
        time::day_of(self.to) - time::day_of(self.from) + 1
    }

    pub(crate) fn numbers(&self) -> std::ops::RangeInclusive<i32> {
        time::day_of(self.from)..=time::day_of(self.to)
    }
}

/// Days on which a member need not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// The first day.
    pub from: Date,
    /// The last day, included.
    pub to: Date,
    /// What for: "annual", "sick".
    pub kind: String,
    /// The free half of each of the days; `None` where all of it is free.
    #[serde(default)]
    pub half: Option<Half>,
}

/// The shifts of a member on one day, whatever the schedule says.
///
/// ```
/// use attendance_rules::{Member, Policy, Rules, ShiftsOn};
/// use facekit::PersonId;
///
/// let mut anna = Member::new(PersonId::new("anna")?);
/// anna.shifts_on.push(ShiftsOn { date: "2026-03-06".parse().unwrap(), shifts: vec![] });
/// assert!(Rules::new(Policy::default())?.with_members([anna]).is_ok(), "a day off");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftsOn {
    /// The day.
    pub date: Date,
    /// Names of shifts; none for a day off.
    pub shifts: Vec<String>,
}

/// What the rules know of a person.
///
/// ```
/// use attendance_rules::{Leave, Member};
/// use facekit::PersonId;
///
/// let mut anna = Member::new(PersonId::new("anna")?);
/// anna.group = Some("accounts".into());
/// anna.joined = Some("2026-02-01".parse().unwrap());
/// anna.leave.push(Leave {
///     from: "2026-03-09".parse().unwrap(),
///     to: "2026-03-13".parse().unwrap(),
///     kind: "annual".into(),
///     half: None,
/// });
/// assert!(anna.schedule.is_none(), "the policy's");
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// The group of the statistics: a department, a class.
    #[serde(default)]
    pub group: Option<String>,
    /// The first day. Earlier sightings are refused.
    #[serde(default)]
    pub joined: Option<Date>,
    /// The last day. Later sightings are refused.
    #[serde(default)]
    pub left: Option<Date>,
    /// The last day that somebody has planned; scans after it bear the anomaly `expired_roster`.
    #[serde(default)]
    pub roster_until: Option<Date>,
    /// Which shifts when; `None` for the policy's schedule.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Days that differ from the schedule.
    #[serde(default)]
    pub shifts_on: Vec<ShiftsOn>,
    /// Leave.
    #[serde(default)]
    pub leave: Vec<Leave>,
}

impl Member {
    /// Somebody about whom nothing else is known.
    #[must_use]
    pub fn new(person: PersonId) -> Self {
        Self {
            person,
            group: None,
            joined: None,
            left: None,
            roster_until: None,
            schedule: None,
            shifts_on: Vec::new(),
            leave: Vec::new(),
        }
    }
}
