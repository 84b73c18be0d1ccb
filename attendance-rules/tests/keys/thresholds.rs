//! Thresholds of shifts and of people.

use attendance_rules::{Rules, Seconds, Status};

use crate::{
    MONDAY,
    common::{day, rules},
    member, refusal, terms,
};

const SATURDAY: &str = "[[shifts]]\nname = 'day'\nstart = '09:00'\nend = '18:00'\n[[shifts]]\nname = 'sat'\nstart = '09:00'\nend = '13:30'\n";

const WEEK: &str = "[schedule]\nkind = 'weekly'\ndays = { mon = ['day'], tue = ['day'], wed = ['day'], thu = ['day'], fri = ['day'], sat = ['sat'] }\n[work]\nfull_day = '7h'\nhalf_day = '4h'\n";

#[test]
fn thresholds_of_a_short_saturday() {
    let with = |keys: &str| rules(&format!("{SATURDAY}{keys}{WEEK}"));
    let saturday = |rules: &Rules, end: &str| day(rules, "2026-03-07", &["09:00", end]).status;
    assert_eq!(
        saturday(&with(""), "13:30"),
        Status::HalfDay,
        "without the key"
    );
    let rules = with("full_day = '4h'\nhalf_day = '2h'\n");
    assert_eq!(saturday(&rules, "13:30"), Status::Present);
    assert_eq!(saturday(&rules, "12:59"), Status::HalfDay);
    assert_eq!(saturday(&rules, "10:59"), Status::Absent);
    assert_eq!(
        day(&rules, "2026-03-06", &["09:00", "13:30"]).status,
        Status::HalfDay
    );
    assert!(refusal("[[shifts]]\nname = 'a'\nstart = '08:00'\nend = '12:00'\nfull_day = '2h'\nhalf_day = '3h'")
        .starts_with("policy, shifts[0].half_day: half a day from 3h is more"));
}

#[test]
fn thresholds_of_two_shifts_are_added() {
    let split = "[[shifts]]\nname = 'a'\nstart = '08:00'\nend = '12:00'\nfull_day = '4h'\n[[shifts]]\nname = 'b'\nstart = '14:00'\nend = '18:00'\n";
    let both = rules(&format!("{split}full_day = '3h'\n[work]\nfull_day = '5h'"));
    let status =
        |rules: &Rules, end: &str| day(rules, MONDAY, &["08:00", "12:00", "14:00", end]).status;
    assert_eq!(status(&both, "17:00"), Status::Present);
    assert_eq!(status(&both, "16:59"), Status::HalfDay);
    // One shift has none, so the threshold of the policy applies.
    let one = rules(&format!("{split}[work]\nfull_day = '5h'"));
    assert_eq!(status(&one, "15:00"), Status::Present);
}

#[test]
fn thresholds_of_part_timers() {
    let policy = "[work]\nexpected = '8h'\nfull_day = '7h'\nhalf_day = '4h'";
    let four = |rules: &Rules| day(rules, MONDAY, &["08:00", "12:00"]);
    assert_eq!(
        four(&rules(policy)).status,
        Status::HalfDay,
        "without the key"
    );
    let part_time = member(|it| {
        it.terms.push(terms(
            serde_json::json!({"expected": "4h", "full_day": "3h 30m", "half_day": "2h"}),
        ));
    });
    let record = four(&rules(policy).with_members([part_time]).unwrap());
    assert_eq!(
        (record.status, record.balance),
        (Status::Present, Seconds(0))
    );
}
