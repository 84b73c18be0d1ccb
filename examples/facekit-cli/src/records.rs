//! Day records by a policy: the options that say which policy and which days, and how records are written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use attendance_rules::{
    Calendar, DayRecord, Ledger, Member, Outcome, Period, Policy, Punch, Rules, ScreenedPunch,
    Screening, Seconds, Statistics,
};
use clap::{Args, ValueEnum};
use facekit::{Error, PersonId};
use jiff::{
    Timestamp,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::Serialize;

use crate::{
    context::Session,
    files::write_whole,
    output::{count, plain, shown, table},
};

/// Which rules, over which days.
#[derive(Args, Debug)]
#[command(next_help_heading = "Day records")]
pub(crate) struct PolicyArgs {
    /// Who belongs here: a JSON list of members, with joining, leave and shifts
    #[arg(long, value_name = "FILE", requires = "policy")]
    members: Option<PathBuf>,

    /// The holidays, an ICS file
    #[arg(long, value_name = "FILE", requires = "policy")]
    holidays: Option<PathBuf>,

    /// The first day of the records [default: that of the first punch with a plausible time, or
    /// the day on which a member joined, up to 31 days before]
    #[arg(long, value_name = "DATE", requires = "policy")]
    from: Option<Date>,

    /// The last day of the records [default: that of the last punch with a plausible time]
    #[arg(long, value_name = "DATE", requires = "policy")]
    to: Option<Date>,

    /// The time as of which days are final: 2026-03-31T18:00:00Z [default: now]
    #[arg(long, value_name = "TIME", requires = "policy")]
    as_of: Option<Timestamp>,
}

/// What a sheet is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
}

/// Rules for everybody until the period is known, and what goes with them.
#[derive(Debug)]
pub(crate) struct Loaded {
    policy: Policy,
    members: Vec<Member>,
    holidays: Option<(PathBuf, String)>,
    zone: TimeZone,
}

impl PolicyArgs {
    /// The files that are read.
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

    /// The records of everybody who is a member or has punched, by person and day.
    pub(crate) fn evaluate(&self, loaded: Loaded, punches: Vec<Punch>) -> Result<Records> {
        let Loaded {
            policy,
            members,
            holidays,
            zone,
        } = loaded;
        let as_of = self.as_of.unwrap_or_else(Timestamp::now);
        let day = |punch: &Punch| punch.at.to_zoned(zone.clone()).date();
        let chosen = self.from.map(|from| from.to_zoned(zone.clone()));
        let chosen = chosen.transpose()?.map(|from| from.timestamp());
        let screening = Screening::of(punches, chosen, as_of);
        let punches = screening.plausible;
        let first = punches.iter().map(day).min();
        let from = self.from.or_else(|| first_day(first?, &members));
        let to = self.to.or_else(|| punches.iter().map(day).max());
        let (Some(from), Some(to)) = (from, to) else {
            if let Some(it) = screening.implausible.first() {
                let (punch, at, reason) = (&it.punch.id, it.punch.at, &it.reason);
                bail!(
                    "no punch has a plausible time; {punch} is at {at}, and {reason}; --from and --to say which days are meant"
                );
            }
            bail!("there is not a single punch; --from and --to say which days are meant");
        };
        let outside = Outside {
            before: punches.iter().filter(|punch| day(punch) < from).count(),
            after: punches.iter().filter(|punch| day(punch) > to).count(),
        };
        let period = Period::new(from, to)?;
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
        let mut records = Records {
            time_zone: rules.policy().site.time_zone.clone(),
            from,
            to,
            as_of,
            days: Vec::new(),
            totals: BTreeMap::new(),
            not_counted: screening.implausible.iter().map(not_counted).collect(),
            doubtful: screening.out_of_order.iter().map(not_counted).collect(),
            implausible: screening.implausible.len(),
            outside,
            zone,
        };
        for (person, punches) in people {
            let ledger = rules.evaluate(&person, &punches, &[], period, as_of)?;
            records.add(person, ledger);
        }
        Ok(records)
    }
}

impl Loaded {
    /// The policy's zone, in which local times are.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// The days of everybody.
#[derive(Debug, Serialize)]
pub(crate) struct Records {
    time_zone: String,
    from: Date,
    to: Date,
    as_of: Timestamp,
    days: Vec<DayRecord>,
    totals: BTreeMap<PersonId, Statistics>,
    /// First those whose time is implausible.
    not_counted: Vec<NotCounted>,
    /// Punches that count although their time is doubtful.
    doubtful: Vec<NotCounted>,
    outside: Outside,
    /// The number of punches whose time is implausible.
    #[serde(skip)]
    implausible: usize,
    #[serde(skip)]
    zone: TimeZone,
}

/// The numbers of punches outside the period. They matter for nights and weeks that begin before it.
#[derive(Clone, Copy, Debug, Serialize)]
struct Outside {
    before: usize,
    after: usize,
}

/// A punch that belongs to no shift, or whose time is doubtful.
#[derive(Debug, Serialize)]
struct NotCounted {
    person: PersonId,
    punch: String,
    at: Timestamp,
    #[serde(flatten)]
    outcome: Outcome,
}

fn not_counted(it: &ScreenedPunch) -> NotCounted {
    NotCounted {
        person: it.punch.person.clone(),
        punch: it.punch.id.to_string(),
        at: it.punch.at,
        outcome: Outcome::Unassigned {
            code: it.code.clone(),
            reason: it.reason.clone(),
        },
    }
}

/// The first day of the records if the first punch is on the day `first`. A member who joined shortly before can be absent
/// until then.
fn first_day(first: Date, members: &[Member]) -> Option<Date> {
    let earliest = first.saturating_sub(jiff::Span::new().days(31));
    let joined = members.iter().filter_map(|member| member.joined);
    let joined = joined.filter(|&joined| earliest <= joined && joined < first);
    joined.chain([first]).min()
}

/// What to know of a zone whose name reads like the opposite.
fn zone_hint(name: &str) -> String {
    match name
        .strip_prefix("Etc/GMT")
        .and_then(|hours| hours.parse::<i8>().ok())
    {
        Some(hours) if hours != 0 => format!(" (UTC{:+03}:00)", -hours),
        _ => String::new(),
    }
}

impl Records {
    fn add(&mut self, person: PersonId, ledger: Ledger) {
        let rest = ledger.outcomes.into_iter();
        let rest = rest.filter(|it| !matches!(it.outcome, Outcome::Assigned { .. }));
        self.not_counted.extend(rest.map(|it| NotCounted {
            person: person.clone(),
            punch: it.punch.to_string(),
            at: it.at,
            outcome: it.outcome,
        }));
        self.totals.insert(person, Statistics::of(&ledger.days));
        self.days.extend(ledger.days);
    }

    /// Prints the records, or writes them to a file and prints what was counted; `more` is said beside it.
    pub(crate) fn answer(
        &self,
        session: &Session,
        format: Format,
        out: Option<&Path>,
        more: Option<&str>,
    ) -> Result<()> {
        let mut summary = self.summary();
        if let Some(more) = more {
            summary = format!("{summary}\n{more}");
        }
        let mut text = self.written(format)?;
        if let Some(out) = out {
            text.push('\n');
            write_whole(out, text.trim_start_matches('\n'))?;
            return session.output.answer(self, || {
                format!("records written: {}\n{summary}", plain(&shown(out)))
            });
        }
        session.output.answer(self, || match format {
            Format::Table => format!("{text}\n{summary}"),
            Format::Csv | Format::Json => text,
        })?;
        if format == Format::Csv {
            // Not part of the records, and yet somebody should know.
            summary.lines().for_each(|line| session.output.note(line));
        }
        Ok(())
    }

    /// The records as a table, as CSV or as JSON.
    fn written(&self, format: Format) -> Result<String> {
        Ok(match format {
            Format::Json => serde_json::to_string_pretty(self)
                .context("the records cannot be written as JSON")?,
            Format::Csv => self.csv()?,
            Format::Table => table(
                [
                    "person", "date", "status", "first", "last", "counted", "balance", "overtime",
                    "late", "",
                ],
                self.days.iter().map(|day| self.row(day)),
            ),
        })
    }

    fn row(&self, day: &DayRecord) -> [String; 10] {
        let mut notes = Vec::new();
        let no_in = day.notes.iter().any(|note| note.code == "missing_in");
        for (is, note) in [
            (!day.is_final, "not final"),
            (day.open && no_in, "no IN"),
            (day.open && !no_in, "no OUT"),
            (day.automatic, "automatic OUT"),
            (day.left_early.0 > 0, "left early"),
        ] {
            if is {
                notes.push(note.to_owned());
            }
        }
        notes.extend(
            codes(day)
                .into_iter()
                .filter(|&code| code != "missing_in")
                .map(str::to_owned),
        );
        notes.extend(day.holiday.clone());
        notes.extend(day.leave.clone());
        let some = |length: Seconds| {
            if length.0 == 0 {
                String::new()
            } else {
                length.to_string()
            }
        };
        [
            day.person.to_string(),
            day.date.to_string(),
            word(&day.status),
            self.clock(day.first),
            self.clock(day.last),
            day.counted.to_string(),
            some(day.balance),
            some(day.overtime.counted()),
            some(day.late),
            notes.join(", "),
        ]
    }

    /// A time of the site's, without its date.
    fn clock(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(String::new, |at| {
            at.to_zoned(self.zone.clone())
                .strftime("%H:%M:%S")
                .to_string()
        })
    }

    /// A time of the site's, with its offset.
    fn local(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(String::new, |at| {
            at.display_with_offset(self.zone.to_offset(at)).to_string()
        })
    }

    /// RFC 4180; lengths of time in seconds.
    fn csv(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record([
            "person",
            "date",
            "status",
            "final",
            "first",
            "last",
            "counted_seconds",
            "worked_seconds",
            "paid_break_seconds",
            "unpaid_break_seconds",
            "expected_seconds",
            "balance_seconds",
            "overtime_seconds",
            "late_seconds",
            "left_early_seconds",
            "open",
            "automatic_out",
            "anomalies",
            "holiday",
            "leave",
            "notes",
        ])?;
        for day in &self.days {
            let seconds = [
                day.counted,
                day.times.worked,
                day.times.paid_break,
                day.times.unpaid_break,
                day.expected,
                day.balance,
                day.overtime.counted(),
                day.late,
                day.left_early,
            ];
            let mut row = vec![
                harmless(day.person.as_str()),
                day.date.to_string(),
                word(&day.status),
                day.is_final.to_string(),
                self.local(day.first),
                self.local(day.last),
            ];
            row.extend(seconds.map(|length| length.0.to_string()));
            row.extend([
                day.open.to_string(),
                day.automatic.to_string(),
                day.anomalies.to_string(),
                harmless(day.holiday.as_deref().unwrap_or_default()),
                harmless(day.leave.as_deref().unwrap_or_default()),
                codes(day).join(" "),
            ]);
            writer.write_record(&row)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        let text = String::from_utf8(bytes).context("the records are not UTF-8")?;
        Ok(text.trim_end().to_owned())
    }

    /// What was counted, and what was not.
    fn summary(&self) -> String {
        let mut text = format!(
            "{} of {}, {} to {}, {}",
            count(self.days.len(), "day record", "day records"),
            count(self.totals.len(), "person", "people"),
            self.from,
            self.to,
            format_args!("{}{}", self.time_zone, zone_hint(&self.time_zone)),
        );
        if !self.not_counted.is_empty() {
            let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
            for it in &self.not_counted {
                let reason = match &it.outcome {
                    Outcome::Unassigned { code, .. } => code.clone(),
                    Outcome::Suppressed { .. } => "repeated".to_owned(),
                    other => word(other),
                };
                *reasons.entry(reason).or_default() += 1;
            }
            let reasons = reasons
                .iter()
                .map(|(reason, times)| format!("{times} {reason}"));
            let reasons: Vec<String> = reasons.collect();
            let punches = count(self.not_counted.len(), "punch", "punches");
            text += &format!("\n{punches} not counted: {}", reasons.join(", "));
        }
        let shown = 20;
        let screened = self.not_counted[..self.implausible]
            .iter()
            .chain(&self.doubtful);
        for it in screened.take(shown) {
            if let Outcome::Unassigned { code, reason } = &it.outcome {
                let at = self.local(Some(it.at));
                text += &format!("\n{} ({}, {at}): {code}; {reason}", it.punch, it.person);
            }
        }
        let more = (self.implausible + self.doubtful.len()).saturating_sub(shown);
        if more > 0 {
            text += &format!("\nand {more} more with a doubtful time");
        }
        for (number, side, day) in [
            (self.outside.before, "before", self.from),
            (self.outside.after, "after", self.to),
        ] {
            if number > 0 {
                let punches = count(number, "punch", "punches");
                text += &format!("\n{punches} {side} {day}, outside the period");
            }
        }
        text
    }
}

/// The codes of the notes on a day, each once.
fn codes(day: &DayRecord) -> Vec<&str> {
    let codes: BTreeSet<&str> = day.notes.iter().map(|note| &*note.code).collect();
    codes.into_iter().collect()
}

/// The word that an enumeration is written as.
fn word(value: &(impl Serialize + fmt::Debug)) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{value:?}"),
    }
}

/// A field that no spreadsheet takes for a formula.
fn harmless(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}")
    } else {
        field.to_owned()
    }
}

pub(crate) fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

pub(crate) fn read(path: &Path) -> Result<String> {
    Ok(fs::read_to_string(path).map_err(Error::io("reading", path))?)
}
