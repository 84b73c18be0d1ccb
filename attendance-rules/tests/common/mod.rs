//! Helpers for tests: punches from local times, and short forms of results.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test file uses a part of it"
)]

pub mod streams;

use attendance_rules::{
    DayRecord, Ledger, Period, Policy, Punch, PunchKind, PunchVerdict, Rules, Status,
};
use facekit::PersonId;
use facekit::jiff::{Timestamp, civil::DateTime, tz::TimeZoneDatabase};

pub const HOUR: i64 = 3600;
pub const MINUTE: i64 = 60;

pub fn anna() -> PersonId {
    PersonId::new("anna").unwrap()
}

pub fn policy(toml: &str) -> Policy {
    Policy::from_toml(toml).unwrap_or_else(|error| panic!("{error}"))
}

pub fn rules(toml: &str) -> Rules {
    Rules::new(policy(toml)).unwrap_or_else(|error| panic!("{error}"))
}

/// The instant of a local time of the rules' zone, as in "2026-03-02T09:00".
pub fn at(rules: &Rules, local: &str) -> Timestamp {
    let local: DateTime = local
        .parse()
        .unwrap_or_else(|error| panic!("{local}: {error}"));
    let zone = TimeZoneDatabase::bundled()
        .get(&rules.policy().site.time_zone)
        .unwrap();
    local.to_zoned_datetime(zone).unwrap().timestamp()
}

/// Punches from texts as in "in 2026-03-02T09:00", "out 2026-03-02T17:00", or only a time for an undetermined punch.
pub fn punches(rules: &Rules, texts: &[&str]) -> Vec<Punch> {
    let punch = |(id, text): (usize, &&str)| {
        let (kind, time) = match text.split_once(' ') {
            Some(("in", time)) => (PunchKind::In, time),
            Some(("out", time)) => (PunchKind::Out, time),
            _ => (PunchKind::Undetermined, *text),
        };
        Punch::new(format!("{id:03}"), anna(), at(rules, time)).with_kind(kind)
    };
    texts.iter().enumerate().map(punch).collect()
}

pub fn period(from: &str, to: &str) -> Period {
    Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
}

pub fn evaluate_as_of(rules: &Rules, texts: &[&str], from: &str, to: &str, as_of: &str) -> Ledger {
    let punches = punches(rules, texts);
    let (period, as_of) = (period(from, to), at(rules, as_of));
    rules
        .evaluate(&anna(), &punches, &[], period, as_of)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Evaluates long after all punches.
pub fn evaluate(rules: &Rules, texts: &[&str], from: &str, to: &str) -> Ledger {
    evaluate_as_of(rules, texts, from, to, "2030-01-01T00:00")
}

/// The record of a day with punches at these times, as in "09:00" or "in 09:00".
pub fn day(rules: &Rules, date: &str, times: &[&str]) -> DayRecord {
    let texts: Vec<String> = times
        .iter()
        .map(|text| match text.split_once(' ') {
            Some((kind, time)) => format!("{kind} {date}T{time}"),
            None => format!("{date}T{text}"),
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ledger = evaluate(rules, &texts, date, date);
    assert_eq!(ledger.days.len(), 1, "{ledger:#?}");
    ledger.days.into_iter().next().unwrap()
}

/// The counted hours, rounded to two decimals.
pub fn hours(record: &DayRecord) -> f64 {
    (record.counted.0 as f64 / 36.0).round() / 100.0
}

/// For each punch: the name of its shift ("-" if unscheduled) and the day of the shift, or the code of another outcome.
pub fn places(ledger: &Ledger) -> Vec<String> {
    let place = |outcome: &PunchVerdict| match outcome {
        PunchVerdict::Assigned { shift, .. } => {
            let shift = &ledger.shifts[*shift];
            format!("{} {}", shift.shift.as_deref().unwrap_or("-"), shift.day)
        }
        PunchVerdict::Unassigned { code, .. } => code.clone(),
        PunchVerdict::Suppressed { .. } => "duplicate".to_owned(),
        PunchVerdict::Superseded { .. } => "superseded".to_owned(),
        other => panic!("{other:?}"),
    };
    ledger
        .outcomes
        .iter()
        .map(|outcome| place(&outcome.outcome))
        .collect()
}

pub fn statuses(ledger: &Ledger) -> Vec<(String, Status)> {
    ledger
        .days
        .iter()
        .map(|day| (day.date.to_string(), day.status))
        .collect()
}
