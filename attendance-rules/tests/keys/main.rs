//! Keys for cases that need more than shifts and thresholds. Each test has the case without the key and with it.

#[path = "../common/mod.rs"]
mod common;

mod breaks;
mod employment;
mod expected;
mod free_days;
mod leave;
mod marks;
mod overtime;
mod schema;
mod terms;
mod thresholds;
mod tolerance;

use attendance_rules::{DayRecord, Hours, Leave, Ledger, Member, Policy, Rules, Terms};
use common::{anna, evaluate};

const MONDAY: &str = "2026-03-02";

const DAY: &str = "[site]\ntime_zone = 'Asia/Kolkata'\n[[shifts]]\nname = 'day'\nstart = '09:00'\nend = '18:00'\nlate_after = '10m'\nearly_before = '10m'\n\
    [[breaks]]\nkind = 'fixed'\nfrom = '13:00'\nto = '14:00'\n[work]\nfull_day = '7h'\nhalf_day = '4h'\n";

/// Evaluates days as in "2026-03-02 08:00-12:00 13:00-17:00".
fn worked(rules: &Rules, days: &[&str], from: &str, to: &str) -> Ledger {
    let mut times = Vec::new();
    for text in days {
        let (day, spans) = text.split_once(' ').unwrap();
        times.extend(spans.split([' ', '-']).map(|time| format!("{day}T{time}")));
    }
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    evaluate(rules, &times, from, to)
}

fn on<'a>(ledger: &'a Ledger, date: &str) -> Option<&'a DayRecord> {
    ledger.days.iter().find(|day| day.date.to_string() == date)
}

fn member(change: impl FnOnce(&mut Member)) -> Member {
    let mut member = Member::new(anna());
    change(&mut member);
    member
}

fn terms(json: serde_json::Value) -> Terms {
    serde_json::from_value(json).unwrap()
}

fn refusal(policy: &str) -> String {
    Policy::from_toml(policy).unwrap_err().to_string()
}

fn hours_of_leave(from: &str, to: &str) -> Leave {
    let day = MONDAY.parse().unwrap();
    Leave::new(day, day, "doctor").with_hours(Hours {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    })
}
