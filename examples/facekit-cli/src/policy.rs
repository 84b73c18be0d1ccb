//! The options of day records: the policy, the period, and what goes with them.

use std::{
    collections::BTreeMap,
    fs, mem,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use attendance_rules::{Calendar, Member, Period, Policy, Punch, Rules, Screening};
use clap::Args;
use facekit::{Error, PersonId};
use jiff::{
    Span, Timestamp,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::records::{Outside, Records};

/// The options of day records.
#[derive(Args, Debug)]
#[command(next_help_heading = "Day records")]
pub(crate) struct PolicyArgs {
    /// The members: a JSON list with dates of joining, leave and shifts
    #[arg(long, value_name = "FILE", requires = "policy")]
    members: Option<PathBuf>,

    /// The holidays: an ICS file
    #[arg(long, value_name = "FILE", requires = "policy")]
    holidays: Option<PathBuf>,

    /// The first day of the records [default: the day of the first punch with a plausible time, or the
    /// day on which a member joined, up to 31 days before]
    #[arg(long, value_name = "DATE", requires = "policy")]
    from: Option<Date>,

    /// The last day of the records [default: the day of the last punch with a plausible time]
    #[arg(long, value_name = "DATE", requires = "policy")]
    to: Option<Date>,

    /// Days that are over by this time are final: 2026-03-31T18:00:00Z [default: now]
    #[arg(long, value_name = "TIME", requires = "policy")]
    as_of: Option<Timestamp>,
}

/// A policy and what goes with it, before the period is known.
#[derive(Debug)]
pub(crate) struct Loaded {
    policy: Policy,
    members: Vec<Member>,
    holidays: Option<(PathBuf, String)>,
    zone: TimeZone,
}

impl PolicyArgs {
    /// The files that the options name.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.members.iter().chain(&self.holidays)
    }

    /// Reads the policy and what goes with it.
    pub(crate) fn load(&self, policy: &Path) -> Result<Loaded> {
        let text = read(policy)?;
        let parsed = if is_json(policy) {
            Policy::from_json(&text)
        } else {
            Policy::from_toml(&text)
        };
        let named = |path: &Path| format!("{} cannot be used", path.display());
        let policy = parsed.with_context(|| named(policy))?;
        let members = match &self.members {
            Some(path) => serde_json::from_str(&read(path)?).with_context(|| named(path))?,
            None => Vec::new(),
        };
        let holidays = match &self.holidays {
            Some(path) => Some((path.clone(), read(path)?)),
            None => None,
        };
        let zone = TimeZoneDatabase::bundled()
            .get(&policy.site.time_zone)
            .context("the policy's time zone")?;
        Ok(Loaded {
            policy,
            members,
            holidays,
            zone,
        })
    }

    /// The records of all members and of all people with punches, by person and day.
    pub(crate) fn evaluate(&self, loaded: Loaded, punches: Vec<Punch>) -> Result<Records> {
        let as_of = self.as_of.unwrap_or_else(Timestamp::now);
        let chosen = self.from.map(|from| from.to_zoned(loaded.zone.clone()));
        let chosen = chosen.transpose()?.map(|from| from.timestamp());
        let mut screening = Screening::of(punches, chosen, as_of);
        let period = self.period(&screening, &loaded)?;
        let punches = mem::take(&mut screening.plausible);
        let outside = Outside::of(&punches, period, &loaded.zone);
        let Loaded {
            policy,
            members,
            holidays,
            zone,
        } = loaded;
        let calendar = match &holidays {
            Some((path, text)) => Calendar::from_ics(text, &policy.site.time_zone, period)
                .with_context(|| format!("{} cannot be used", path.display()))?,
            None => Calendar::new(),
        };
        let rules = Rules::new(policy)?
            .with_calendar(calendar)
            .with_members(members)?;
        let mut people: BTreeMap<PersonId, Vec<Punch>> = BTreeMap::new();
        for member in rules.members() {
            people.entry(member.person.clone()).or_default();
        }
        for punch in punches {
            people.entry(punch.person.clone()).or_default().push(punch);
        }
        let time_zone = rules.policy().site.time_zone.clone();
        let mut records = Records::new(time_zone, zone, period, as_of);
        records.add_screening(&screening, outside);
        for (person, punches) in people {
            let ledger = rules.evaluate(&person, &punches, &[], period, as_of)?;
            records.add(person, ledger);
        }
        Ok(records)
    }

    /// The days of the options, or else from the first to the last plausible punch.
    fn period(&self, screening: &Screening, loaded: &Loaded) -> Result<Period> {
        let day = |punch: &Punch| punch.at.to_zoned(loaded.zone.clone()).date();
        let days = || screening.plausible.iter().map(day);
        let from = self.from;
        let from = from.or_else(|| Some(first_day(days().min()?, &loaded.members)));
        let to = self.to.or_else(|| days().max());
        let (Some(from), Some(to)) = (from, to) else {
            if let Some(it) = screening.implausible.first() {
                let (punch, at, reason) = (&it.punch.id, it.punch.at, &it.reason);
                bail!(
                    "no punch has a plausible time; {punch} is at {at}, and {reason}; give the days with --from and --to"
                );
            }
            bail!("there are no punches; give the days with --from and --to");
        };
        Ok(Period::new(from, to)?)
    }
}

/// The first day of the records if the first punch is on the day `first`. A member who joined shortly before can be absent
/// until then.
fn first_day(first: Date, members: &[Member]) -> Date {
    let earliest = first.saturating_sub(Span::new().days(31));
    let joined = members.iter().filter_map(|member| member.joined);
    let joined = joined.filter(|&joined| earliest <= joined);
    joined.fold(first, Date::min)
}

impl Loaded {
    /// The zone of the policy's site.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

pub(crate) fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

pub(crate) fn read(path: &Path) -> Result<String> {
    Ok(fs::read_to_string(path).map_err(Error::io("reading", path))?)
}
