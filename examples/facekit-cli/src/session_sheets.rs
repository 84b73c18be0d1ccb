//! The sheets of sessions: who attended, was late, absent or excused.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use attendance_files::read_sessions;
use attendance_rules::{Punch, PunchId, SessionSheet, Statistics};
use facekit::PersonId;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use sheets::{Sheet, text};

use crate::{
    attendance_input::{bytes, input},
    output::{count, table, word},
    payroll::{self, Judgement, unless_zero},
    policy::Loaded,
    records::{Format, deliver, remarks},
    session::Session,
    zone::local,
};

/// The sheets of sessions, with the totals of each person.
#[derive(Debug, Serialize)]
pub(crate) struct Sheets {
    as_of: Timestamp,
    sessions: Vec<SessionSheet>,
    totals: BTreeMap<PersonId, Statistics>,
    statistics: BTreeMap<PersonId, Judgement>,
    notes: Vec<String>,
    #[serde(skip)]
    zone: TimeZone,
}

/// Evaluates the sessions of a file.
pub(crate) fn evaluate(
    path: &Path,
    loaded: &Loaded,
    punches: &[Punch],
    as_of: Timestamp,
    notes: Vec<String>,
) -> Result<Sheets> {
    let sessions = input(path, read_sessions(&bytes(path)?))?.items;
    let sheets = sessions
        .iter()
        .map(|session| session.evaluate(punches, as_of));
    let sheets = sheets.collect::<Result<Vec<_>, _>>();
    let sessions = sheets.with_context(|| format!("{} cannot be used", path.display()))?;
    let policy = &loaded.policy().statistics;
    let totals = Statistics::of_course(&sessions, policy);
    let statistics = totals.iter();
    let statistics = statistics.map(|(person, sums)| (person.clone(), Judgement::of(sums, policy)));
    Ok(Sheets {
        as_of,
        statistics: statistics.collect(),
        totals,
        sessions,
        notes,
        zone: loaded.zone().clone(),
    })
}

impl Sheets {
    /// Prints the sheets, or writes them to a file and prints a summary.
    pub(crate) fn answer(
        &self,
        session: &Session,
        format: Format,
        out: Option<&Path>,
    ) -> Result<()> {
        let text = match format {
            Format::Json => serde_json::to_string_pretty(self)
                .context("the sessions cannot be written as JSON")?,
            Format::Csv => self.csv()?,
            Format::Table => {
                let rows = self.sessions.iter().flat_map(|sheet| {
                    sheet.marks.iter().map(|mark| {
                        [
                            sheet.session.clone(),
                            mark.person.to_string(),
                            word(&mark.status),
                            self.clock(mark.at),
                            unless_zero(mark.late),
                            self.clock(mark.left),
                            unless_zero(mark.left_early),
                        ]
                    })
                });
                let marks = table(
                    [
                        "session",
                        "person",
                        "status",
                        "at",
                        "late",
                        "left",
                        "left early",
                    ],
                    rows,
                );
                format!(
                    "{marks}\n{}",
                    payroll::totals(&self.totals, &self.statistics)
                )
            }
        };
        let out = out.map(|out| ("sessions", out));
        deliver(session, format, self, text, out, &self.summary())
    }

    /// The local date and time at the site, for a table.
    fn clock(&self, at: Option<Timestamp>) -> String {
        let at = at.map(|at| at.to_zoned_datetime(self.zone.clone()));
        at.map_or_else(String::new, |at| {
            at.strftime("%Y-%m-%d %H:%M:%S").to_string()
        })
    }

    /// The local time at the site, with its offset.
    fn local(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(String::new, |at| local(at, &self.zone))
    }

    fn csv(&self) -> Result<String> {
        let mut file = Sheet::new([
            "session",
            "closed",
            "person",
            "status",
            "at",
            "late_seconds",
            "left",
            "left_early_seconds",
        ])?;
        for sheet in &self.sessions {
            for mark in &sheet.marks {
                file.row([
                    text(&sheet.session),
                    sheet.is_closed.to_string().into(),
                    text(mark.person.as_str()),
                    word(&mark.status).into(),
                    self.local(mark.at).into(),
                    mark.late.0.to_string().into(),
                    self.local(mark.left).into(),
                    mark.left_early.0.to_string().into(),
                ])?;
            }
        }
        Ok(file.finish()?)
    }

    /// The number of punches that no session accepts. Each sheet lists all punches that its session does not accept.
    fn unused_punches(&self) -> usize {
        let mut refusals: BTreeMap<&PunchId, usize> = BTreeMap::new();
        for it in self.sessions.iter().flat_map(|sheet| &sheet.refused) {
            *refusals.entry(&it.punch).or_default() += 1;
        }
        let of_all = |times: &&usize| **times == self.sessions.len();
        refusals.values().filter(of_all).count()
    }

    fn summary(&self) -> String {
        let open = self
            .sessions
            .iter()
            .filter(|sheet| !sheet.is_closed)
            .count();
        let mut text = format!(
            "{}, {} with marks, {open} not closed yet",
            count(self.sessions.len(), "session", "sessions"),
            count(self.totals.len(), "person", "people"),
        );
        let unused = self.unused_punches();
        if unused > 0 {
            let punches = count(unused, "punch", "punches");
            text += &format!("\n{punches} in no session or after the first");
        }
        text + &remarks(&self.statistics, &self.notes)
    }
}
