//! The input of day records: the files of attendance systems, and options for days and times.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use attendance_files::{
    Punches, columns_from_text, date_order_from_text, kinds_from_text, read_punches,
};
use attendance_rules::{Columns, DateOrder, FileLayout, PunchKind};
use clap::Args;
use facekit::Error;
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// The layout of the punch file. It precedes the table `[files]` of the policy.
#[derive(Args, Debug)]
#[command(next_help_heading = "Punch file")]
pub(crate) struct PunchArgs {
    /// The names or numbers of the columns: at=Time,person=No.
    ///
    /// The fields are person, at (or date and time), kind, device, id, source, score and
    /// liveness. `kind=` means that no column has the kind. The policy can have them as
    /// [files.columns].
    #[arg(long, value_name = "FIELD=NAME,…", verbatim_doc_comment, value_parser = columns_from_text)]
    columns: Option<Columns>,

    /// The order of day and month in dates such as 02/03/2026: day-first or month-first
    ///
    /// By default the dates of the file decide, if they leave no doubt.
    #[arg(long, value_name = "ORDER", value_parser = date_order_from_text,
        verbatim_doc_comment)]
    dates: Option<DateOrder>,

    /// The meaning of the codes for the kind of a punch: 1=in,2=out
    #[arg(long, value_name = "CODE=KIND,…", value_parser = parse_kinds)]
    kinds: Option<Kinds>,
}

/// The meaning of codes. clap takes a bare map for a list of values.
#[derive(Clone, Debug)]
struct Kinds(Vec<(String, PunchKind)>);

fn parse_kinds(text: &str) -> Result<Kinds, attendance_files::Error> {
    Ok(Kinds(kinds_from_text(text)?.into_iter().collect()))
}

impl PunchArgs {
    /// Reads a punch file. The options precede `layout`, which is that of the policy. Times without an offset are in `zone`.
    pub(crate) fn read(
        &self,
        path: &Path,
        layout: &FileLayout,
        zone: &TimeZone,
    ) -> Result<Punches> {
        let mut layout = layout.clone();
        if let Some(columns) = &self.columns {
            layout.columns = columns.clone();
        }
        layout.dates = self.dates.or(layout.dates);
        if let Some(Kinds(kinds)) = &self.kinds {
            layout.kinds.extend(kinds.iter().cloned());
        }
        input(path, read_punches(&bytes(path)?, zone, &layout))
    }
}

/// The bytes of a file.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    Ok(fs::read(path).map_err(Error::io("reading", path))?)
}

/// The value that was read from a file, or an error that names the file.
pub(crate) fn input<T>(path: &Path, read: attendance_files::Result<T>) -> Result<T> {
    read.with_context(|| format!("{} cannot be used", path.display()))
}

/// Reads a day of an option.
pub(crate) fn day(text: &str) -> Result<Date, String> {
    let day = text.parse().ok().filter(|_| text.len() == 10);
    day.ok_or_else(|| "it is not a day of the calendar; write 2026-03-01".to_owned())
}

/// The time of `--as-of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsOf {
    Instant(Timestamp),
    Local(DateTime),
    /// The end of a day.
    EndOf(Date),
}

impl AsOf {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::Instant(at));
        }
        if let Ok(day) = day(text) {
            return Ok(Self::EndOf(day));
        }
        let local = text.parse().ok().filter(|_| text.contains(':'));
        local.map(Self::Local).ok_or_else(|| {
            "it is not a time; write 2026-03-31T18:00:00Z, 2026-03-31T18:00 for a local time of the policy's zone, \
             or 2026-03-31 for the end of that day"
                .to_owned()
        })
    }

    pub(crate) fn instant(self, zone: &TimeZone) -> Result<Timestamp> {
        let local = match self {
            Self::Instant(at) => return Ok(at),
            Self::Local(local) => local,
            Self::EndOf(day) => day
                .tomorrow()
                .context("--as-of")?
                .to_datetime(jiff::civil::Time::midnight()),
        };
        zone.to_timestamp(local).context("--as-of")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_means_its_end_in_the_zone() {
        let berlin = jiff::tz::TimeZoneDatabase::bundled()
            .get("Europe/Berlin")
            .unwrap();
        for (text, expected) in [
            ("2026-03-31", "2026-03-31T22:00:00Z"),
            ("2026-03-31T18:00", "2026-03-31T16:00:00Z"),
            ("2026-03-31T18:00:00Z", "2026-03-31T18:00:00Z"),
        ] {
            let at = AsOf::parse(text).unwrap().instant(&berlin).unwrap();
            assert_eq!(at.to_string(), expected, "{text}");
        }
        for text in [
            "31.03.2026",
            "03/01/2026",
            "yesterday",
            "2026-02-30",
            "20260331",
        ] {
            assert!(
                AsOf::parse(text)
                    .unwrap_err()
                    .contains("write 2026-03-31T18:00:00Z"),
                "{text}"
            );
            assert!(
                day(text).unwrap_err().contains("write 2026-03-01"),
                "{text}"
            );
        }
    }
}
