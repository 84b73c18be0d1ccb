//! Day records by a policy.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use attendance_rules::{DayRecord, Period, Policy, Punch, Rules};
use facekit::PersonId;
use jiff::{Timestamp, tz::TimeZone};

/// The day of a person, as text.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) person: String,
    pub(crate) date: String,
    pub(crate) status: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) counted: String,
}

pub(crate) const HEADINGS: [&str; 6] = ["person", "date", "status", "first", "last", "counted"];

impl Day {
    pub(crate) fn cells(&self) -> [&str; 6] {
        [
            &self.person,
            &self.date,
            &self.status,
            &self.first,
            &self.last,
            &self.counted,
        ]
    }

    fn new(day: &DayRecord, zone: &TimeZone) -> Self {
        let clock = |at: Option<Timestamp>| {
            at.map_or_else(String::new, |at| {
                at.to_zoned_datetime(zone.clone())
                    .strftime("%H:%M:%S")
                    .to_string()
            })
        };
        let status = format!("{:?}", day.status).to_lowercase();
        let status = match (day.is_final, day.open) {
            (true, false) => status,
            (true, true) => format!("{status}, no exit"),
            (false, _) => format!("{status} so far"),
        };
        Self {
            person: day.person.to_string(),
            date: day.date.to_string(),
            status,
            first: clock(day.first),
            last: clock(day.last),
            counted: day.counted.to_string(),
        }
    }
}

/// The days of all enrolled people, from the day of the first punch to the day of the last one.
pub(crate) fn evaluate(path: &Path, people: &[PersonId], punches: Vec<Punch>) -> Result<Vec<Day>> {
    let unusable = || format!("{}: the policy cannot be used", path.display());
    let text = fs::read_to_string(path).with_context(unusable)?;
    let rules = Rules::new(Policy::from_toml(&text).with_context(unusable)?)?;
    let zone = TimeZone::get(&rules.policy().site.time_zone).with_context(unusable)?;
    let date = |punch: &Punch| punch.at.to_zoned_datetime(zone.clone()).date();
    let dates = punches.iter().map(date);
    let (Some(from), Some(to)) = (dates.clone().min(), dates.max()) else {
        return Ok(Vec::new());
    };
    let period = Period::new(from, to)?;
    let mut of: BTreeMap<PersonId, Vec<Punch>> = BTreeMap::new();
    of.extend(people.iter().map(|person| (person.clone(), Vec::new())));
    for punch in punches {
        of.entry(punch.person.clone()).or_default().push(punch);
    }
    let mut days = Vec::new();
    for (person, punches) in of {
        let ledger = rules.evaluate(&person, &punches, &[], period, Timestamp::now())?;
        days.extend(ledger.days.iter().map(|day| Day::new(day, &zone)));
    }
    Ok(days)
}
