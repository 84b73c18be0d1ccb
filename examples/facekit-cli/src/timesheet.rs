//! `facekit timesheet`: makes day records from punches and a policy, without photos, models or a gallery.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use attendance_rules::{LogTime, Punch, PunchKind, Source};
use facekit::PersonId;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::Deserialize;

use crate::{
    Answer,
    files::check_output,
    policy::{PolicyArgs, is_json, read},
    records::Format,
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The policy, TOML or JSON; --schema prints its keys
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    policy: Option<PathBuf>,

    /// The punches, CSV or JSON
    ///
    /// CSV columns, or keys of the objects in a JSON list: person, at, and optionally id,
    /// device, kind (in, out, undetermined), source (face, manual, code, import), score
    /// and liveness. Times are RFC 3339 with an offset, or local times in the zone of the
    /// policy.
    #[arg(
        long,
        value_name = "FILE",
        verbatim_doc_comment,
        required_unless_present = "schema"
    )]
    punches: Option<PathBuf>,

    /// The format of the records
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Write the records to this file, and print a summary
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Print only the JSON Schema of policy files
    #[arg(long, conflicts_with_all = ["policy", "punches", "out"])]
    schema: bool,

    #[command(flatten)]
    days: PolicyArgs,
}

/// A row of the punch file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    person: String,
    #[serde(alias = "time")]
    at: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    device: Option<String>,
    #[serde(default)]
    kind: Option<PunchKind>,
    #[serde(default)]
    source: Option<Source>,
    #[serde(default)]
    score: Option<f32>,
    #[serde(default)]
    liveness: Option<f32>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    if args.schema {
        let schema = attendance_rules::Policy::json_schema();
        session.output.answer(&schema, || format!("{schema:#}"))?;
        return Ok(Answer::Yes);
    }
    let (Some(policy), Some(punches)) = (&args.policy, &args.punches) else {
        bail!("--policy and --punches are needed");
    };
    if let Some(out) = &args.out {
        let read = [policy, punches].into_iter().chain(args.days.files());
        check_output(out, read.map(PathBuf::as_path))?;
    }
    let loaded = args.days.load(policy)?;
    let given = read_punches(punches, loaded.zone())
        .with_context(|| format!("{} cannot be used", punches.display()))?;
    let records = args.days.evaluate(loaded, given)?;
    records.answer(session, args.format, args.out.as_deref(), None)?;
    Ok(Answer::Yes)
}

fn read_punches(path: &Path, zone: &TimeZone) -> Result<Vec<Punch>> {
    let text = read(path)?;
    let rows: Vec<Row> = if is_json(path) {
        serde_json::from_str(&text)?
    } else {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        reader.deserialize().collect::<Result<_, _>>()?
    };
    // The first row of a CSV file has the names of the columns.
    let first = if is_json(path) { 1 } else { 2 };
    let mut times = Vec::with_capacity(rows.len());
    let mut punches = Vec::with_capacity(rows.len());
    for (row, number) in rows.into_iter().zip(first..) {
        let row_number = || format!("row {number}");
        times.push(time(&row.at).with_context(row_number)?);
        punches.push(punch(row, number).with_context(row_number)?);
    }
    set_times(&mut punches, &times, zone);
    Ok(punches)
}

/// Sets the instants of punches. The order of a person's rows tells the local times apart that occur twice.
fn set_times(punches: &mut [Punch], times: &[LogTime], zone: &TimeZone) {
    let mut people: BTreeMap<PersonId, Vec<usize>> = BTreeMap::new();
    for (index, punch) in punches.iter().enumerate() {
        people.entry(punch.person.clone()).or_default().push(index);
    }
    for indices in people.into_values() {
        let log = indices
            .iter()
            .map(|&index| (times[index], punches[index].kind));
        let log: Vec<_> = log.collect();
        for (&index, reading) in indices.iter().zip(LogTime::read(zone, &log)) {
            punches[index].at = reading.at;
            punches[index].also_possible = reading.also_possible;
        }
    }
}

/// Makes a punch whose time is set later.
fn punch(row: Row, number: usize) -> Result<Punch> {
    let at = Timestamp::UNIX_EPOCH;
    let id = row
        .id
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| format!("row {number}"));
    let mut punch = Punch::new(id, PersonId::new(row.person)?, at)
        .with_kind(row.kind.unwrap_or_default())
        .with_source(row.source.unwrap_or(Source::Import));
    punch.device = row
        .device
        .filter(|device| !device.is_empty())
        .map(Into::into);
    punch.score = row.score;
    punch.liveness = row.liveness;
    Ok(punch)
}

/// Parses a time with an offset, or a local time.
fn time(text: &str) -> Result<LogTime> {
    if let Ok(at) = text.parse() {
        return Ok(LogTime::Instant(at));
    }
    let local: DateTime = text.parse().map_err(|_| {
        anyhow!("{text:?} is not a time; write 2026-03-02T08:59:30+01:00, or without the offset")
    })?;
    Ok(LogTime::Local(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_offset_or_are_local() {
        let zone = jiff::tz::TimeZoneDatabase::bundled()
            .get("Africa/Nairobi")
            .unwrap();
        let expected: Timestamp = "2026-03-02T06:00:00Z".parse().unwrap();
        for text in [
            "2026-03-02T06:00:00Z",
            "2026-03-02T09:00:00+03:00",
            "2026-03-02T09:00",
            "2026-03-02 09:00:00",
        ] {
            let log = [(time(text).unwrap(), PunchKind::Undetermined)];
            assert_eq!(LogTime::read(&zone, &log)[0].at, expected, "{text}");
        }
        let error = time("yesterday").unwrap_err().to_string();
        assert!(error.starts_with("\"yesterday\" is not a time"), "{error}");
    }

    #[test]
    fn rows_are_punches() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("punches.csv");
        std::fs::write(
            &path,
            "person,at,kind,device\nanna, 2026-03-02T09:00 ,in,door\nanna,2026-03-02T17:00,,\n",
        )
        .unwrap();
        let punches = read_punches(&path, &TimeZone::UTC).unwrap();
        assert_eq!((punches.len(), punches[0].kind), (2, PunchKind::In));
        assert_eq!(
            (punches[1].kind, punches[1].id.as_str()),
            (PunchKind::Undetermined, "row 3")
        );
        assert!(punches[1].device.is_none());
        for (text, words) in [
            ("person,when\nanna,2026-03-02T09:00\n", "when"),
            ("person,at\nanna,noon\n", "row 2"),
            ("person,at\na/b,2026-03-02T09:00\n", "row 2"),
            ("person,at,kind\nanna,2026-03-02T09:00,inn\n", "inn"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", read_punches(&path, &TimeZone::UTC).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
