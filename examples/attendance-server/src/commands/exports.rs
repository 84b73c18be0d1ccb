//! Tables for spreadsheets and payroll, as CSV.

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::Deserialize;

use super::{
    days::{self, DayFilter},
    people, sites,
};
use crate::{
    access::Actor,
    error::{Error, Result},
    id::Id,
    store::Transaction,
};

/// The exported fields of a record.
#[derive(Deserialize)]
struct Exported {
    status: String,
    is_final: bool,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    counted_seconds: i64,
    expected_seconds: i64,
    balance_seconds: i64,
    late_seconds: i64,
    left_early_seconds: i64,
    overtime: serde_json::Value,
    holiday: Option<String>,
    leave: Option<String>,
    anomalies: i64,
}

const COLUMNS: [&str; 17] = [
    "date",
    "number",
    "name",
    "site",
    "status",
    "final",
    "first",
    "last",
    "counted_hours",
    "expected_hours",
    "balance_hours",
    "late_minutes",
    "left_early_minutes",
    "overtime_hours",
    "holiday",
    "leave",
    "anomalies",
];

/// The days of a period, as CSV (RFC 4180) with a header. Times are local times of the site.
///
/// # Errors
///
/// 422 for a wrong period.
pub async fn days(tx: &mut Transaction, actor: &Actor, filter: &DayFilter) -> Result<String> {
    let directory = people::directory(tx, actor.org).await?;
    let mut sites = std::collections::HashMap::<Id, (String, TimeZone)>::new();
    for site in sites::list(tx, actor).await? {
        let zone = TimeZone::get(&site.time_zone).map_err(Error::internal)?;
        sites.insert(site.id, (site.name, zone));
    }
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(Error::internal)?;
    days::check_period(filter.from, filter.to)?;
    // Date by date, so that one date of all people is in memory.
    let dates = filter.from.series(1.day());
    for date in dates.take_while(|&date| date <= filter.to) {
        let filter = DayFilter {
            from: date,
            to: date,
            ..filter.clone()
        };
        for day in days::all(tx, actor, &filter).await? {
            let Some(entry) = directory.get(day.person) else {
                continue;
            };
            let record: Exported = serde_json::from_value(day.record)?;
            let (site, zone) = sites
                .get(&entry.site)
                .ok_or_else(|| Error::not_found("site"))?;
            let time =
                |at: Option<Timestamp>| at.map(|at| local(at, zone, day.date)).unwrap_or_default();
            let overtime: i64 = ["holiday", "rest_day", "daily", "weekly"]
                .iter()
                .filter_map(|kind| record.overtime[format!("{kind}_seconds")].as_i64())
                .sum();
            let row = [
                day.date.to_string(),
                entry.number.clone(),
                entry.name.clone(),
                site.clone(),
                record.status,
                if record.is_final { "yes" } else { "no" }.to_owned(),
                time(record.first),
                time(record.last),
                hours(record.counted_seconds),
                hours(record.expected_seconds),
                hours(record.balance_seconds),
                minutes(record.late_seconds),
                minutes(record.left_early_seconds),
                hours(overtime - record.overtime["over_limit_seconds"].as_i64().unwrap_or(0)),
                record.holiday.unwrap_or_default(),
                record.leave.unwrap_or_default(),
                record.anomalies.to_string(),
            ];
            writer
                .write_record(row.map(|cell| inert(&cell)))
                .map_err(Error::internal)?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Error::internal(error.to_string()))?;
    String::from_utf8(bytes).map_err(Error::internal)
}

/// The local time of a day; with the date if it is another day, as at the end of a night.
fn local(at: Timestamp, zone: &TimeZone, date: Date) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    let format = if local.date() == date {
        "%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    local.strftime(format).to_string()
}

/// Hours with two decimals.
fn hours(seconds: i64) -> String {
    let hundredths = (seconds.abs() + 18) / 36;
    let sign = if seconds < 0 && hundredths > 0 {
        "-"
    } else {
        ""
    };
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Whole minutes, rounded up: who is a second late is late.
fn minutes(seconds: i64) -> String {
    ((seconds + 59) / 60).to_string()
}

/// A cell that spreadsheets show and do not compute: a cell that begins like a formula gets an apostrophe. Numbers stay.
#[must_use]
pub fn inert(cell: &str) -> String {
    let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let is_number = cell.parse::<f64>().is_ok_and(f64::is_finite)
        && cell
            .chars()
            .all(|character| character.is_ascii_digit() || matches!(character, '-' | '.'));
    if begins && !is_number {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_compute_nothing() {
        for cell in ["=1+1", "+49 30", "-2+3", "@SUM(A1)", "\t=1", "＝1"] {
            assert_eq!(inert(cell), format!("'{cell}"));
        }
        for cell in ["Anna", "-1.50", "8.00", "2026-03-02", ""] {
            assert_eq!(inert(cell), cell);
        }
    }

    #[test]
    fn hours_are_rounded_to_hundredths() {
        assert_eq!(hours(28_800), "8.00");
        assert_eq!(hours(-1_800), "-0.50");
        assert_eq!(hours(17), "0.00");
        assert_eq!(hours(-10), "0.00");
        assert_eq!(hours(18), "0.01");
        assert_eq!(minutes(61), "2");
    }
}
