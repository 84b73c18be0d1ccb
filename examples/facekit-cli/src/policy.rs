//! The options of day records: the policy, the period, and what goes with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, mem,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use attendance_files::{corrections_by_person, read_corrections, read_members, similar_ids};
use attendance_rules::{
    Change, Correction, Member, Period, Policy, Punch, PunchId, Rules, Screening,
};
use clap::Args;
use facekit::{Error, PersonId};
use jiff::{
    Span, Timestamp,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::{
    attendance_input::{AsOf, bytes, day, input},
    holiday_files::{Calendars, HolidayFile},
    records::Records,
};

/// The options of day records.
#[derive(Args, Debug)]
#[command(next_help_heading = "Day records")]
pub(crate) struct PolicyArgs {
    /// The members: a table (CSV, .xlsx), or a JSON list for schedules and leave, too
    ///
    /// A table has the columns person, group, joined, left, region and roster_until. A JSON
    /// list also has schedule, terms (contracts), leave, shifts_on (single days) and
    /// employment; --schema members prints its keys.
    #[arg(long, value_name = "FILE", requires = "policy", verbatim_doc_comment)]
    members: Option<PathBuf>,

    /// The holidays: an ICS file, or a table of dates, names, free halves and regions
    ///
    /// With REGION=FILE, they are the holidays of a region: one of site.regions of the
    /// policy, which members name. Give the option once for each file. A file whose name has
    /// an equals sign needs its folder: ./a=b.ics.
    #[arg(long, value_name = "[REGION=]FILE", value_parser = HolidayFile::parse, requires = "policy",
        verbatim_doc_comment)]
    holidays: Vec<HolidayFile>,

    /// The corrections of punches: a JSON list
    #[arg(long, value_name = "FILE", requires = "policy")]
    corrections: Option<PathBuf>,

    /// The first day of the records [default: that of the first punch with a plausible time]
    ///
    /// A member who joined up to 31 days before this punch moves the default to the day of
    /// joining.
    #[arg(long, value_name = "DATE", value_parser = day, requires = "policy",
        verbatim_doc_comment)]
    from: Option<Date>,

    /// The last day of the records [default: the day of the last punch with a plausible time]
    #[arg(long, value_name = "DATE", value_parser = day, requires = "policy")]
    to: Option<Date>,

    /// Days that are over by this time are final [default: now]
    ///
    /// An instant such as 2026-03-31T18:00:00Z, or a date such as 2026-03-31 for the end of
    /// that day in the policy's zone.
    #[arg(long, value_name = "TIME", value_parser = AsOf::parse, requires = "policy",
        verbatim_doc_comment)]
    as_of: Option<AsOf>,
}

/// A policy and what goes with it, before the period is known.
#[derive(Debug)]
pub(crate) struct Loaded {
    policy: Policy,
    members: Vec<Member>,
    holidays: Vec<(HolidayFile, Vec<u8>)>,
    corrections: Vec<Correction>,
    /// The warnings about the files.
    notes: Vec<String>,
    zone: TimeZone,
}

impl PolicyArgs {
    /// The files that the options name.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let holidays = self.holidays.iter().map(HolidayFile::path);
        let files = self.members.iter().chain(holidays);
        files.chain(&self.corrections)
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
        let mut notes = Vec::new();
        let members = match &self.members {
            Some(path) => {
                let read = input(path, read_members(&bytes(path)?))?;
                notes.extend(read.warnings.iter().map(ToString::to_string));
                read.items
            }
            None => Vec::new(),
        };
        let holidays = self.holidays.iter();
        let holidays = holidays.map(|it| Ok((it.clone(), bytes(it.path())?)));
        let holidays = holidays.collect::<Result<_>>()?;
        let corrections = match &self.corrections {
            Some(path) => input(path, read_corrections(&bytes(path)?))?.items,
            None => Vec::new(),
        };
        let zone = TimeZoneDatabase::bundled()
            .get(&policy.site.time_zone)
            .context("the policy's time zone")?;
        Ok(Loaded {
            policy,
            members,
            holidays,
            corrections,
            notes,
            zone,
        })
    }

    /// The records of all members and of all people with punches, by person and day.
    pub(crate) fn evaluate(&self, loaded: Loaded, punches: Vec<Punch>) -> Result<Records> {
        let as_of = self.as_of(&loaded.zone)?;
        let corrected = corrected(&loaded.corrections);
        let mut corrections = match &self.corrections {
            Some(path) => input(
                path,
                corrections_by_person(loaded.corrections.clone(), &punches),
            )?,
            None => BTreeMap::new(),
        };
        let chosen = self
            .from
            .map(|from| from.to_zoned_datetime(loaded.zone.clone()));
        let chosen = chosen.transpose()?.map(|from| from.timestamp());
        let mut screening = Screening::of(punches, chosen, as_of);
        let period = self.period(&screening, &loaded)?;
        let mut punches = mem::take(&mut screening.plausible);
        // A correction replaces or removes an implausible time, so the rules must know the punch.
        let implausible = mem::take(&mut screening.implausible).into_iter();
        let (known, implausible): (Vec<_>, Vec<_>) =
            implausible.partition(|it| corrected.contains(&it.punch.id));
        screening.implausible = implausible;
        punches.extend(known.into_iter().map(|it| it.punch));
        let Loaded {
            policy,
            members,
            holidays,
            corrections: _,
            mut notes,
            zone,
        } = loaded;
        let calendars = Calendars::read(&holidays, &policy, period, &mut notes)?;
        let rules = calendars.add_to(Rules::new(policy)?)?;
        let rules = rules.with_members(members)?;
        let mut people: BTreeMap<PersonId, Vec<Punch>> = BTreeMap::new();
        for person in corrections.keys() {
            people.entry(person.clone()).or_default();
        }
        for member in rules.members() {
            people.entry(member.person.clone()).or_default();
        }
        for punch in punches.iter().cloned() {
            people.entry(punch.person.clone()).or_default().push(punch);
        }
        for warning in similar_ids(people.keys()) {
            let warning = warning.to_string();
            if !notes.contains(&warning) {
                notes.push(warning);
            }
        }
        let time_zone = rules.policy().site.time_zone.clone();
        let mut records = Records::new(time_zone, zone, period, as_of);
        records.add_screening(&screening);
        records.note(notes);
        for (person, own) in people {
            let corrections = corrections.remove(&person).unwrap_or_default();
            let mut ledger = rules.evaluate(&person, &own, &corrections, period, as_of)?;
            rules.note_cut_week(&mut ledger.days, period, &punches);
            records.add(person, ledger, rules.policy());
        }
        Ok(records)
    }

    /// The time of evaluation.
    pub(crate) fn as_of(&self, zone: &TimeZone) -> Result<Timestamp> {
        self.as_of
            .map_or_else(|| Ok(Timestamp::now()), |it| it.instant(zone))
    }

    /// The days of the options, or else from the first to the last plausible punch.
    fn period(&self, screening: &Screening, loaded: &Loaded) -> Result<Period> {
        let day = |punch: &Punch| punch.at.to_zoned_datetime(loaded.zone.clone()).date();
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

/// The punches that corrections name.
fn corrected(corrections: &[Correction]) -> BTreeSet<PunchId> {
    let punches = corrections.iter().filter_map(|it| match &it.change {
        Change::Replace { punch, .. } | Change::Void { punch } => Some(punch.clone()),
        _ => None,
    });
    punches.collect()
}

impl Loaded {
    /// The zone of the policy's site.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Adds notes for the summary.
    pub(crate) fn note(&mut self, notes: impl IntoIterator<Item = String>) {
        self.notes.extend(notes);
    }
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

pub(crate) fn read(path: &Path) -> Result<String> {
    Ok(fs::read_to_string(path).map_err(Error::io("reading", path))?)
}
