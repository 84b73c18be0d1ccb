//! Day records by a policy: the options that say which policy and which days, and how records are written.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use attendance_files::{
    corrections_by_person, read_corrections, read_holidays, read_members, similar_ids,
};
use attendance_rules::{
    Calendar, Correction, DayRecord, Ledger, Member, Outcome, Period, Policy, Punch, PunchOutcome,
    Rules, ShiftRecord, Statistics,
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
    attendance_input::{AsOf, bytes, day, input},
    context::Session,
    files::write_whole,
    output::{count, plain, shown, table},
    payroll::{self, Columns},
};

/// Which rules, over which days.
#[derive(Args, Debug)]
#[command(next_help_heading = "Day records")]
pub(crate) struct PolicyArgs {
    /// The members: a table (CSV, .xlsx) or a JSON list; JSON has leave and shifts, too
    #[arg(long, value_name = "FILE", requires = "policy")]
    members: Option<PathBuf>,

    /// The holidays: an ICS file, or a table of dates and names
    #[arg(long, value_name = "FILE", requires = "policy")]
    holidays: Option<PathBuf>,

    /// The corrections of punches: a JSON list
    #[arg(long, value_name = "FILE", requires = "policy")]
    corrections: Option<PathBuf>,

    /// The first day of the records [default: that of the first punch]
    #[arg(long, value_name = "DATE", value_parser = day, requires = "policy")]
    from: Option<Date>,

    /// The last day of the records [default: that of the last punch]
    #[arg(long, value_name = "DATE", value_parser = day, requires = "policy")]
    to: Option<Date>,

    /// Days that are over by this time are final: 2026-03-31T18:00:00Z, or 2026-03-31 for the end
    /// of that day in the policy's zone [default: now]
    #[arg(long, value_name = "TIME", value_parser = AsOf::parse, requires = "policy")]
    as_of: Option<AsOf>,
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
    holidays: Option<(PathBuf, Vec<u8>)>,
    corrections: Vec<Correction>,
    notes: Vec<String>,
    zone: TimeZone,
}

impl PolicyArgs {
    /// The files that are read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let files = self.members.iter().chain(&self.holidays);
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
        let holidays = match &self.holidays {
            Some(path) => Some((path.clone(), bytes(path)?)),
            None => None,
        };
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

    /// The records of everybody who is a member or has punched, by person and day.
    pub(crate) fn evaluate(&self, loaded: Loaded, punches: Vec<Punch>) -> Result<Records> {
        let Loaded {
            policy,
            members,
            holidays,
            corrections,
            mut notes,
            zone,
        } = loaded;
        let as_of = self.as_of(&zone)?;
        let day = |punch: &Punch| punch.at.to_zoned(zone.clone()).date();
        let from = self.from.or_else(|| punches.iter().map(day).min());
        let to = self.to.or_else(|| punches.iter().map(day).max());
        let (Some(from), Some(to)) = (from, to) else {
            bail!("there is not a single punch; --from and --to say which days are meant");
        };
        let period = Period::new(from, to)?;
        let calendar = match &holidays {
            Some((path, bytes)) => {
                let read = read_holidays(bytes, &policy.site.time_zone, period);
                let read = input(path, read)?;
                notes.extend(read.warnings.iter().map(ToString::to_string));
                read.calendar
            }
            None => Calendar::new(),
        };
        let rules = Rules::new(policy)?
            .with_calendar(calendar)
            .with_members(members)?;
        let mut corrections = match &self.corrections {
            Some(path) => input(path, corrections_by_person(corrections, &punches))?,
            None => BTreeMap::new(),
        };
        let mut people: BTreeMap<PersonId, Vec<Punch>> = BTreeMap::new();
        for person in corrections.keys() {
            people.entry(person.clone()).or_default();
        }
        for member in rules.members() {
            people.entry(member.person.clone()).or_default();
        }
        for punch in punches {
            people.entry(punch.person.clone()).or_default().push(punch);
        }
        for warning in similar_ids(people.keys()) {
            let warning = warning.to_string();
            if !notes.contains(&warning) {
                notes.push(warning);
            }
        }
        let mut records = Records {
            time_zone: rules.policy().site.time_zone.clone(),
            from,
            to,
            as_of,
            days: Vec::new(),
            totals: BTreeMap::new(),
            statistics: BTreeMap::new(),
            not_counted: Vec::new(),
            outcomes: BTreeMap::new(),
            shifts: BTreeMap::new(),
            notes,
            zone,
        };
        for (person, punches) in people {
            let corrections = corrections.remove(&person).unwrap_or_default();
            let ledger = rules.evaluate(&person, &punches, &corrections, period, as_of)?;
            records.add(&rules, person, ledger);
        }
        Ok(records)
    }

    /// The time of evaluation.
    pub(crate) fn as_of(&self, zone: &TimeZone) -> Result<Timestamp> {
        self.as_of
            .map_or_else(|| Ok(Timestamp::now()), |it| it.instant(zone))
    }
}

impl Loaded {
    /// The policy's zone, in which local times are.
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

/// The days of everybody.
#[derive(Debug, Serialize)]
pub(crate) struct Records {
    time_zone: String,
    from: Date,
    to: Date,
    as_of: Timestamp,
    days: Vec<DayRecord>,
    totals: BTreeMap<PersonId, Statistics>,
    /// What the policy says about the totals.
    statistics: BTreeMap<PersonId, payroll::Judgement>,
    not_counted: Vec<NotCounted>,
    outcomes: BTreeMap<PersonId, Vec<PunchOutcome>>,
    shifts: BTreeMap<PersonId, Vec<ShiftRecord>>,
    notes: Vec<String>,
    #[serde(skip)]
    zone: TimeZone,
}

/// A punch that belongs to no shift.
#[derive(Debug, Serialize)]
struct NotCounted {
    person: PersonId,
    punch: String,
    at: Timestamp,
    #[serde(flatten)]
    outcome: Outcome,
}

impl Records {
    fn add(&mut self, rules: &Rules, person: PersonId, ledger: Ledger) {
        let rest = ledger.outcomes.iter();
        let rest = rest.filter(|it| !matches!(it.outcome, Outcome::Assigned { .. }));
        self.not_counted.extend(rest.map(|it| NotCounted {
            person: person.clone(),
            punch: it.punch.to_string(),
            at: it.at,
            outcome: it.outcome.clone(),
        }));
        let totals = Statistics::of(&ledger.days);
        let judgement = payroll::Judgement::of(&totals, &rules.policy().statistics);
        self.statistics.insert(person.clone(), judgement);
        self.totals.insert(person.clone(), totals);
        self.outcomes.insert(person.clone(), ledger.outcomes);
        self.shifts.insert(person, ledger.shifts);
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
        let text = self.written(format)?;
        let out = out.map(|out| ("records", out));
        deliver(session, format, self, text, out, &summary)
    }

    /// The records as a table, as CSV or as JSON.
    fn written(&self, format: Format) -> Result<String> {
        Ok(match format {
            Format::Json => serde_json::to_string_pretty(self)
                .context("the records cannot be written as JSON")?,
            Format::Csv => self.csv()?,
            Format::Table => {
                let days = table(
                    [
                        "person", "date", "shift", "status", "first", "last", "counted", "balance",
                        "overtime", "late", "",
                    ],
                    self.days.iter().map(|day| self.row(day)),
                );
                format!(
                    "{days}\n{}",
                    payroll::totals(&self.totals, &self.statistics)
                )
            }
        })
    }

    fn row(&self, day: &DayRecord) -> [String; 11] {
        let mut notes = Vec::new();
        for (is, note) in [
            (!day.is_final, "not final"),
            (day.open, "no OUT"),
            (day.automatic, "automatic OUT"),
            (day.left_early.0 > 0, "left early"),
            (day.anomalies > 0, "anomalies"),
        ] {
            if is {
                notes.push(note.to_owned());
            }
        }
        notes.extend(day.holiday.clone());
        notes.extend(day.leave.clone());
        notes.extend(payroll::notes(day));
        [
            day.person.to_string(),
            day.date.to_string(),
            payroll::shifts_of(day, self.shifts.get(&day.person)),
            word(&day.status),
            self.clock(day.first),
            self.clock(day.last),
            day.counted.to_string(),
            payroll::unless_zero(day.balance),
            payroll::overtime(day),
            payroll::unless_zero(day.late),
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
        let more = Columns::of(&self.days);
        let headings = [
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
            "half",
            "shift",
        ];
        writer.write_record(headings.into_iter().chain(more.headings()))?;
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
                day.half.map_or_else(String::new, |half| word(&half)),
                harmless(&payroll::shifts_of(day, self.shifts.get(&day.person))),
            ]);
            row.extend(more.fields(day));
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
            self.time_zone,
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
        for (person, judgement) in &self.statistics {
            for words in judgement.words() {
                text += &format!("\n{}: {words}", plain(person.as_str()));
            }
        }
        for note in &self.notes {
            text += &format!("\n{}", plain(note));
        }
        text
    }
}

/// Prints a sheet or records, or writes them to a file and prints the summary. `document` is the answer of `--json`. `out` is
/// the word for what is written, and the file.
pub(crate) fn deliver(
    session: &Session,
    format: Format,
    document: &impl Serialize,
    mut text: String,
    out: Option<(&str, &Path)>,
    summary: &str,
) -> Result<()> {
    if let Some((kind, out)) = out {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        write_whole(out, &text)?;
        return session.output.answer(document, || {
            format!("{kind} written: {}\n{summary}", plain(&shown(out)))
        });
    }
    session.output.answer(document, || match format {
        Format::Table => format!("{text}\n{summary}"),
        Format::Csv | Format::Json => text,
    })?;
    if format == Format::Csv {
        // The summary is not part of the file.
        summary.lines().for_each(|line| session.output.note(line));
    }
    Ok(())
}

/// The word that an enumeration is written as.
pub(crate) fn word(value: &(impl Serialize + fmt::Debug)) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{value:?}"),
    }
}

/// A field that no spreadsheet takes for a formula.
pub(crate) fn harmless(field: &str) -> String {
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
