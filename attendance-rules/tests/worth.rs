//! The worth of a day: overtime, breaks, status, leave and sums. Cases that payroll officers meet.

mod common;

use attendance_rules::{DayRecord, Ledger, Seconds, Statistics};
use common::{HOUR, MINUTE, day, evaluate, rules};

const MONDAY: &str = "2026-03-02";
const SUNDAY: &str = "2026-03-08";

/// Evaluates days as in "02 08:00-12:00 13:00-17:00": the day of March 2026, and its spans.
fn march(rules: &attendance_rules::Rules, days: &[&str], from: &str, to: &str) -> Ledger {
    let mut times = Vec::new();
    for text in days {
        let (day, spans) = text.split_once(' ').unwrap();
        for time in spans.split([' ', '-']) {
            times.push(format!("2026-03-{day}T{time}"));
        }
    }
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    evaluate(rules, &times, from, to)
}

fn overtime(ledger: &Ledger, kind: fn(&DayRecord) -> Seconds) -> i64 {
    ledger.days.iter().map(|day| kind(day).0).sum()
}

#[test]
fn daily_overtime_does_not_fill_the_week() {
    let rules = rules(
        "[work]\nexpected = '8h'\n[overtime]\nweekly_after = '40h'\ndaily = {}\nrest_days = true",
    );
    // Five days of 10 h: 10 h of daily overtime, and nothing twice.
    let days = ["02", "03", "04", "05", "06"].map(|day| format!("{day} 08:00-18:00"));
    let mut days: Vec<&str> = days.iter().map(String::as_str).collect();
    let ledger = march(&rules, &days, MONDAY, SUNDAY);
    assert_eq!(overtime(&ledger, |day| day.overtime.daily), 10 * HOUR);
    assert_eq!(Statistics::of(&ledger.days).overtime, Seconds(10 * HOUR));
    // Saturday is rest-day overtime, and does not fill the week either.
    days.push("07 08:00-13:00");
    let ledger = march(&rules, &days, MONDAY, SUNDAY);
    assert_eq!(overtime(&ledger, |day| day.overtime.rest_day), 5 * HOUR);
    assert_eq!(overtime(&ledger, |day| day.overtime.weekly), 0);
    assert_eq!(Statistics::of(&ledger.days).overtime, Seconds(15 * HOUR));
}

#[test]
fn overtime_within_the_daily_tolerance_is_regular_work_of_the_week() {
    let rules = rules(
        "[work]\nexpected = '8h'\n[overtime]\nweekly_after = '40h'\ndaily = { tolerance = '15m' }",
    );
    let days = ["02", "03", "04", "05", "06"].map(|day| format!("{day} 08:00-16:10"));
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let ledger = march(&rules, &days, MONDAY, SUNDAY);
    assert_eq!(overtime(&ledger, |day| day.overtime.daily), 0);
    assert_eq!(
        overtime(&ledger, |day| day.overtime.weekly),
        50 * MINUTE,
        "40 h 50 min of regular work"
    );
}

#[test]
fn breaks_after_work_apply_by_their_threshold() {
    let six = "[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '30m'\ndeduct = 'whole'\n";
    let nine = "[[breaks]]\nkind = 'after_work'\nworked = '9h'\nlength = '45m'\ndeduct = 'whole'\n";
    // The work without breaks, in minutes: 6:01 - 0:30, 9:01 - 0:30, 9:31 - 0:45.
    for (from, to, counted) in [
        ("07:00", "13:00", 360),
        ("07:00", "13:01", 331),
        ("07:43", "16:44", 511),
        ("07:00", "16:30", 540),
        ("07:00", "16:31", 526),
    ] {
        for order in [[six, nine], [nine, six]] {
            let record = day(&rules(&order.concat()), MONDAY, &[from, to]);
            assert_eq!(record.counted, Seconds(counted * MINUTE), "{from} to {to}");
        }
    }
}
