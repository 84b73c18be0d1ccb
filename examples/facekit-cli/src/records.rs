//! Day records: their summary, and how they are written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, Result};
use attendance_rules::{
    DayOf, DayRecord, Ledger, Period, Policy, PunchOutcome, PunchVerdict, ScreenedPunch, Screening,
    ShiftRecord, Statistics,
};
use clap::ValueEnum;
use facekit::PersonId;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use sheets::{Sheet, text};

use crate::{
    files::write_whole,
    output::{count, plain, shown, table, word},
    payroll::{self, Columns, Judgement},
    session::Session,
    zone::local,
};

/// The format of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
}

/// The day records of a period.
#[derive(Debug, Serialize)]
pub(crate) struct Records {
    time_zone: String,
    from: Date,
    to: Date,
    as_of: Timestamp,
    days: Vec<DayRecord>,
    totals: BTreeMap<PersonId, Statistics>,
    /// The rules of the policy for statistics, applied to the totals.
    statistics: BTreeMap<PersonId, Judgement>,
    /// First the punches whose time is implausible.
    not_counted: Vec<NotCounted>,
    /// Punches that count although their time is doubtful.
    doubtful: Vec<NotCounted>,
    outside: Outside,
    outcomes: BTreeMap<PersonId, Vec<PunchOutcome>>,
    shifts: BTreeMap<PersonId, Vec<ShiftRecord>>,
    /// The warnings about the files.
    notes: Vec<String>,
    #[serde(skip)]
    zone: TimeZone,
}

/// The numbers of punches that belong to days outside the period.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Outside {
    before: usize,
    after: usize,
}

impl Outside {
    /// Adds the punches of a person. A punch belongs to the day of its shift. If shifts are split at midnight, or if it has no
    /// shift, it belongs to its own date.
    fn add(
        &mut self,
        ledger: &Ledger,
        (from, to): (Date, Date),
        zone: &TimeZone,
        assigned_to: DayOf,
    ) {
        for it in &ledger.outcomes {
            let shift = match it.outcome {
                PunchVerdict::Assigned { shift, .. } => ledger.shifts.get(shift),
                _ => None,
            };
            let day = match shift.filter(|_| assigned_to != DayOf::SplitAtMidnight) {
                Some(shift) => shift.day,
                None => it.at.to_zoned_datetime(zone.clone()).date(),
            };
            self.before += usize::from(day < from);
            self.after += usize::from(day > to);
        }
    }
}

/// A punch that belongs to no shift, or whose time is doubtful.
#[derive(Debug, Serialize)]
struct NotCounted {
    person: PersonId,
    punch: String,
    at: Timestamp,
    #[serde(flatten)]
    outcome: PunchVerdict,
}

fn not_counted(it: &ScreenedPunch) -> NotCounted {
    NotCounted {
        person: it.punch.person.clone(),
        punch: it.punch.id.to_string(),
        at: it.punch.at,
        outcome: PunchVerdict::Unassigned {
            code: it.code.clone(),
            reason: it.reason.clone(),
        },
    }
}

/// The offset of a zone whose name reads like the opposite, such as `Etc/GMT+3`.
fn zone_hint(name: &str) -> String {
    let hours = name.strip_prefix("Etc/GMT");
    match hours.and_then(|hours| hours.parse::<i8>().ok()) {
        Some(hours) if hours != 0 => format!(" (UTC{:+03}:00)", -hours),
        _ => String::new(),
    }
}

impl Records {
    /// No records yet. `zone` is the zone named `time_zone`.
    pub(crate) fn new(time_zone: String, zone: TimeZone, period: Period, as_of: Timestamp) -> Self {
        Self {
            time_zone,
            from: period.from(),
            to: period.to(),
            as_of,
            days: Vec::new(),
            totals: BTreeMap::new(),
            statistics: BTreeMap::new(),
            not_counted: Vec::new(),
            doubtful: Vec::new(),
            outside: Outside::default(),
            outcomes: BTreeMap::new(),
            shifts: BTreeMap::new(),
            notes: Vec::new(),
            zone,
        }
    }

    /// Adds the punches whose time is implausible or doubtful, before the days of any person.
    pub(crate) fn add_screening(&mut self, screening: &Screening) {
        self.not_counted
            .extend(screening.implausible.iter().map(not_counted));
        self.doubtful
            .extend(screening.out_of_order.iter().map(not_counted));
    }

    /// Adds notes for the summary.
    pub(crate) fn note(&mut self, notes: impl IntoIterator<Item = String>) {
        self.notes.extend(notes);
    }

    /// Adds the days of a person.
    pub(crate) fn add(&mut self, person: PersonId, ledger: Ledger, policy: &Policy) {
        let period = (self.from, self.to);
        let outside = &mut self.outside;
        outside.add(&ledger, period, &self.zone, policy.assignment.day);
        let rest = ledger.outcomes.iter();
        let rest = rest.filter(|it| !matches!(it.outcome, PunchVerdict::Assigned { .. }));
        self.not_counted.extend(rest.map(|it| NotCounted {
            person: person.clone(),
            punch: it.punch.to_string(),
            at: it.at,
            outcome: it.outcome.clone(),
        }));
        let totals = Statistics::of(&ledger.days);
        let judgement = Judgement::of(&totals, &policy.statistics);
        self.statistics.insert(person.clone(), judgement);
        self.totals.insert(person.clone(), totals);
        self.outcomes.insert(person.clone(), ledger.outcomes);
        self.shifts.insert(person, ledger.shifts);
        self.days.extend(ledger.days);
    }

    /// Prints the records, or writes them to a file and prints the summary. `more` is added to the summary.
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

    /// The records in a format.
    fn written(&self, format: Format) -> Result<String> {
        match format {
            Format::Json => {
                serde_json::to_string_pretty(self).context("the records cannot be written as JSON")
            }
            Format::Csv => self.csv(),
            Format::Table => {
                let days = table(
                    [
                        "person", "date", "shift", "status", "first", "last", "counted", "balance",
                        "overtime", "late", "",
                    ],
                    self.days.iter().map(|day| self.row(day)),
                );
                let totals = payroll::totals(&self.totals, &self.statistics);
                Ok(format!("{days}\n{totals}"))
            }
        }
    }

    fn row(&self, day: &DayRecord) -> [String; 11] {
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
        let codes = codes(day).into_iter().filter(|&code| code != "missing_in");
        notes.extend(codes.map(str::to_owned));
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

    /// The local time of day at the site.
    fn clock(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(String::new, |at| {
            at.to_zoned_datetime(self.zone.clone())
                .strftime("%H:%M:%S")
                .to_string()
        })
    }

    /// The local time at the site, with its offset.
    fn local(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(String::new, |at| local(at, &self.zone))
    }

    /// The records as CSV. Durations are in seconds.
    fn csv(&self) -> Result<String> {
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
        let headings = headings.into_iter().chain(more.headings());
        let mut sheet = Sheet::new(headings.chain(["notes"]))?;
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
            let shifts = payroll::shifts_of(day, self.shifts.get(&day.person));
            let before = [
                text(day.person.as_str()),
                day.date.to_string().into(),
                word(&day.status).into(),
                day.is_final.to_string().into(),
                self.local(day.first).into(),
                self.local(day.last).into(),
            ];
            let after = [
                day.open.to_string().into(),
                day.automatic.to_string().into(),
                day.anomalies.to_string().into(),
                text(day.holiday.as_deref().unwrap_or_default()),
                text(day.leave.as_deref().unwrap_or_default()),
                day.half.map_or_else(String::new, |half| word(&half)).into(),
                text(&shifts),
            ];
            let seconds = seconds.map(|length| length.0.to_string().into());
            let fields = before.into_iter().chain(seconds).chain(after);
            let fields = fields.chain(more.fields(day).map(Into::into));
            sheet.row(fields.chain([codes(day).join(" ").into()]))?;
        }
        Ok(sheet.finish()?)
    }

    /// The numbers of records, people, and punches that were not counted.
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
                    PunchVerdict::Unassigned { code, .. } => code.clone(),
                    PunchVerdict::Suppressed { .. } => "repeated".to_owned(),
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
        let most = 20;
        let mut listed = 0;
        for it in self.not_counted.iter().chain(&self.doubtful) {
            let PunchVerdict::Unassigned { code, reason } = &it.outcome else {
                continue;
            };
            listed += 1;
            if listed <= most {
                let at = self.local(Some(it.at));
                text += &format!("\n{} ({}, {at}): {code}; {reason}", it.punch, it.person);
            }
        }
        if listed > most {
            text += &format!("\nand {} more such punches", listed - most);
        }
        for (number, side, day) in [
            (self.outside.before, "before", self.from),
            (self.outside.after, "after", self.to),
        ] {
            if number > 0 {
                let punches = count(number, "punch", "punches");
                text += &format!("\n{punches} of days {side} {day}, outside the period");
            }
        }
        text + &remarks(&self.statistics, &self.notes)
    }
}

/// The lines below a table: the judgements of the statistics, and notes.
pub(crate) fn remarks(statistics: &BTreeMap<PersonId, Judgement>, notes: &[String]) -> String {
    let judged = statistics.iter().flat_map(|(person, judgement)| {
        let line = move |words| format!("\n{}: {words}", plain(person.as_str()));
        judgement.words().map(line)
    });
    let notes = notes.iter().map(|note| format!("\n{}", plain(note)));
    judged.chain(notes).collect()
}

/// The codes of the notes on a day, each once.
fn codes(day: &DayRecord) -> Vec<&str> {
    let codes: BTreeSet<&str> = day.notes.iter().map(|note| &*note.code).collect();
    codes.into_iter().collect()
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
