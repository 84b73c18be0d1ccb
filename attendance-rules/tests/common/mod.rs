//! Punches from local times, for tests.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test file uses its part"
)]

pub mod streams;

use attendance_rules::{
    DayRecord, Ledger, Outcome, Period, Policy, Punch, PunchKind, Rules, Status,
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

/// A local time of the rules' zone, "2026-03-02T09:00".
pub fn at(rules: &Rules, local: &str) -> Timestamp {
    let local: DateTime = local
        .parse()
        .unwrap_or_else(|error| panic!("{local}: {error}"));
    let zone = TimeZoneDatabase::bundled()
        .get(&rules.policy().site.time_zone)
        .unwrap();
    local.to_zoned(zone).unwrap().timestamp()
}

/// "in 2026-03-02T09:00", "out …", or a time alone for a punch of unknown direction.
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

/// Long after everything.
pub fn evaluate(rules: &Rules, texts: &[&str], from: &str, to: &str) -> Ledger {
    evaluate_as_of(rules, texts, from, to, "2030-01-01T00:00")
}

/// The one record of a day on which these times were punched, "09:00".
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

/// Hours with two decimals, as the figures are stated.
pub fn hours(record: &DayRecord) -> f64 {
    (record.counted.0 as f64 / 36.0).round() / 100.0
}

/// Which shift, by name, and the day it belongs to, or the code why there is none.
pub fn places(ledger: &Ledger) -> Vec<String> {
    let place = |outcome: &Outcome| match outcome {
        Outcome::Assigned { shift, .. } => {
            let shift = &ledger.shifts[*shift];
            format!("{} {}", shift.shift.as_deref().unwrap_or("-"), shift.day)
        }
        Outcome::Unassigned { code, .. } => code.clone(),
        Outcome::Suppressed { .. } => "duplicate".to_owned(),
        Outcome::Superseded { .. } => "superseded".to_owned(),
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
