//! The parts of day records that payroll needs: kinds of overtime, windows, halves, shifts and statistics.

use std::{collections::BTreeMap, sync::Arc};

use attendance_rules::{DayRecord, Seconds, ShiftRecord, Statistics, StatisticsPolicy};
use facekit::PersonId;
use serde::Serialize;
use serde_json::Value;

use crate::output::{count, table, word};

/// The numbers of an object whose keys end in `_seconds`, by key.
fn lengths(object: &impl Serialize) -> Vec<(String, i64)> {
    let Ok(Value::Object(keys)) = serde_json::to_value(object) else {
        return Vec::new();
    };
    let lengths = keys
        .into_iter()
        .filter(|(key, _)| key.ends_with("_seconds"));
    lengths
        .filter_map(|(key, value)| Some((key, value.as_i64()?)))
        .collect()
}

/// The lengths of a day that have a column each in CSV.
fn fields(day: &DayRecord) -> Vec<(String, i64)> {
    let overtime = lengths(&day.overtime).into_iter();
    let overtime = overtime.map(|(key, length)| (format!("overtime_{key}"), length));
    let windows = day.windows.iter().flat_map(|window| {
        let lengths = lengths(window).into_iter();
        lengths.map(|(key, length)| (format!("window_{}_{key}", window.name), length))
    });
    overtime.chain(windows).collect()
}

/// The columns of kinds of overtime and of windows.
pub(crate) struct Columns(Vec<String>);

impl Columns {
    /// The columns of these days: all kinds of overtime, and the windows with work.
    pub(crate) fn of(days: &[DayRecord]) -> Self {
        let mut columns: Vec<String> = Vec::new();
        for (key, _) in days.iter().flat_map(fields) {
            if !columns.contains(&key) {
                columns.push(key);
            }
        }
        Self(columns)
    }

    pub(crate) fn headings(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn fields(&self, day: &DayRecord) -> impl Iterator<Item = String> {
        let fields: BTreeMap<String, i64> = fields(day).into_iter().collect();
        let columns = self.0.iter();
        columns.map(move |key| fields.get(key).copied().unwrap_or(0).to_string())
    }
}

/// The overtime of a day by kind, such as "2h daily".
pub(crate) fn overtime(day: &DayRecord) -> String {
    let kinds = lengths(&day.overtime)
        .into_iter()
        .filter(|(_, length)| *length != 0);
    let kinds = kinds.map(|(key, length)| {
        let kind = key.trim_end_matches("_seconds").replace('_', " ");
        format!("{} {kind}", Seconds(length))
    });
    kinds.collect::<Vec<_>>().join(", ")
}

/// The windows and the free half of a day, as a table shows them.
pub(crate) fn notes(day: &DayRecord) -> impl Iterator<Item = String> {
    let half = day.half.map(|half| format!("{} free", word(&half)));
    let windows = day.windows.iter();
    let windows = windows.map(|window| format!("{} {}", window.worked, window.name));
    half.into_iter().chain(windows)
}

/// The names of the shifts of a day.
pub(crate) fn shifts_of(day: &DayRecord, shifts: Option<&Vec<ShiftRecord>>) -> String {
    let shifts = shifts
        .into_iter()
        .flatten()
        .filter(|shift| shift.day == day.date);
    let mut names: Vec<Arc<str>> = shifts.filter_map(|shift| shift.shift.clone()).collect();
    names.dedup();
    names.join(" + ")
}

/// A length, or nothing for 0.
pub(crate) fn unless_zero(length: Seconds) -> String {
    if length.0 == 0 {
        String::new()
    } else {
        length.to_string()
    }
}

/// The totals of a person, judged by the table `[statistics]` of the policy.
#[derive(Debug, Serialize)]
pub(crate) struct Judgement {
    /// The attendance rate, rounded down; `None` if nothing was due.
    rate_percent: Option<u32>,
    /// The limit, if the rate is below it and enough days were due.
    below_percent: Option<u32>,
    late: u32,
    left_early: u32,
    half_days_for_marks: u32,
    /// Early leaving makes half days of leave, too.
    #[serde(skip)]
    counts_early_leaving: bool,
}

impl Judgement {
    pub(crate) fn of(totals: &Statistics, policy: &StatisticsPolicy) -> Self {
        Self {
            rate_percent: totals.rate().map(|rate| rate.percent()),
            below_percent: policy.warn_below_percent.filter(|_| totals.warns(policy)),
            late: totals.late,
            left_early: totals.left_early,
            half_days_for_marks: totals.half_days_for_marks(policy),
            counts_early_leaving: policy.lates_per_half_day.is_none(),
        }
    }

    /// Notes for people.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        let below = self.below_percent.map(|limit| {
            let rate = self.rate_percent.unwrap_or(0);
            format!("the attendance rate is {rate} %, below {limit} %")
        });
        let halves = (self.half_days_for_marks > 0).then(|| {
            let mut marks = count(self.late as usize, "late day", "late days");
            if self.counts_early_leaving {
                let early = count(self.left_early as usize, "day", "days");
                marks += &format!(" and {early} with early leaving");
            }
            let halves = count(self.half_days_for_marks as usize, "half day", "half days");
            format!("{marks}, counted as {halves} of leave")
        });
        below.into_iter().chain(halves)
    }
}

/// The totals of each person.
pub(crate) fn totals(
    totals: &BTreeMap<PersonId, Statistics>,
    judgements: &BTreeMap<PersonId, Judgement>,
) -> String {
    let rows = totals.iter().map(|(person, sums)| {
        let value = serde_json::to_value(sums).unwrap_or_default();
        let number = |key: &str| match &value[key] {
            Value::Number(number) if number.as_f64() != Some(0.0) => number.to_string(),
            _ => String::new(),
        };
        let judgement = judgements.get(person);
        let rate = judgement.and_then(|it| it.rate_percent);
        [
            person.to_string(),
            number("due"),
            number("present"),
            number("half_days"),
            number("absent"),
            number("on_leave"),
            number("incomplete"),
            number("late"),
            sums.counted.to_string(),
            sums.expected.to_string(),
            unless_zero(sums.balance),
            unless_zero(sums.overtime),
            rate.map_or_else(String::new, |rate| format!("{rate} %")),
        ]
    });
    let headings = [
        "total",
        "due",
        "present",
        "half days",
        "absent",
        "on leave",
        "incomplete",
        "late",
        "counted",
        "expected",
        "balance",
        "overtime",
        "rate",
    ];
    table(headings, rows)
}
