//! Presence at an instant.

mod common;

use attendance_rules::{Calendar, Half, Leave, Member, Today};
use common::{anna, at, punches, rules};

const MONDAY: &str = "2026-03-02";

#[test]
fn presence_at_any_instant() {
    let mut calendar = Calendar::new();
    calendar.add("2026-03-04".parse().unwrap(), "Founders' Day", None);
    let mut member = Member::new(anna());
    let leave = "2026-03-05".parse().unwrap();
    member.leave.push(Leave::new(leave, leave, "annual"));
    member.left = Some("2026-03-06".parse().unwrap());
    let rules =
        rules("[[shifts]]\nname = 'day'\nstart = '08:00'\nend = '17:00'\nlate_after = '10m'")
            .with_calendar(calendar)
            .with_members([member])
            .unwrap();
    let given = punches(
        &rules,
        &["2026-03-02T08:05", "2026-03-02T12:00", "2026-03-02T13:00"],
    );
    let at_time = |time: &str| {
        let presence = rules
            .presence(&anna(), &given, &[], at(&rules, time))
            .unwrap();
        (
            presence.today,
            presence.inside_since.map(|since| since.to_string()),
        )
    };
    assert_eq!(at_time("2026-03-02T07:59"), (Today::Expected, None));
    assert_eq!(
        at_time("2026-03-02T08:05"),
        (Today::Present, Some("2026-03-02T08:05:00Z".into()))
    );
    assert_eq!(at_time("2026-03-02T12:30"), (Today::Present, None));
    assert_eq!(
        at_time("2026-03-02T14:00"),
        (Today::Present, Some("2026-03-02T13:00:00Z".into()))
    );
    assert_eq!(
        at_time("2026-03-02T18:01"),
        (Today::Present, Some("2026-03-02T13:00:00Z".into())),
        "the person may still be inside after the margin"
    );
    assert_eq!(
        at_time("2026-03-03T00:05").1,
        Some("2026-03-02T13:00:00Z".into()),
        "16 hours after the first punch"
    );
    assert_eq!(
        at_time("2026-03-03T00:05:01"),
        (Today::Expected, None),
        "no later punch can belong to the stay"
    );
    assert_eq!(at_time("2026-03-03T08:10"), (Today::Expected, None));
    assert_eq!(at_time("2026-03-03T08:11"), (Today::Absent, None));
    assert_eq!(at_time("2026-03-04T09:00"), (Today::Free, None));
    assert_eq!(at_time("2026-03-05T09:00"), (Today::OnLeave, None));
    assert_eq!(at_time("2026-03-08T09:00"), (Today::NotEmployed, None));
}

#[test]
fn presence_does_not_depend_on_the_counted_punches() {
    for count in ["pairs", "first_in_last_out", "first_to_last"] {
        let rules = rules(&format!("[work]\ncount = '{count}'"));
        for (times, since) in [
            (&["08:00", "12:00", "13:00"][..], Some("13:00")),
            (&["08:00", "12:00"], None),
            (&["in 08:00", "in 12:00"], Some("08:00")),
            (
                &["in 08:00", "out 09:00", "in 10:00", "in 12:00"],
                Some("10:00"),
            ),
        ] {
            let on_monday = |time: &&str| match time.split_once(' ') {
                Some((kind, time)) => format!("{kind} {MONDAY}T{time}"),
                None => format!("{MONDAY}T{time}"),
            };
            let texts: Vec<String> = times.iter().map(on_monday).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let now = at(&rules, "2026-03-02T14:00");
            let presence = rules
                .presence(&anna(), &punches(&rules, &texts), &[], now)
                .unwrap();
            let since = since.map(|time| at(&rules, &format!("{MONDAY}T{time}")));
            assert_eq!(presence.inside_since, since, "{count} {times:?}");
            assert_eq!(presence.today, Today::Present);
        }
    }
}

#[test]
fn presence_on_half_days() {
    let shifts = "[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '16:00'\n";
    let split = "[[shifts]]\nname = 'a'\nstart = '08:00'\nend = '11:30'\n[[shifts]]\nname = 'b'\nstart = '12:30'\nend = '16:00'\n";
    let flexible = format!("{shifts}flexible = true\nexpected = '6h'");
    for (text, half, expected, absent) in [
        (shifts, Half::Morning, "12:00", "12:01"),
        (shifts, Half::Afternoon, "08:00", "08:01"),
        (split, Half::Morning, "12:30", "12:31"),
        (&flexible, Half::Afternoon, "12:00", "12:01"),
        (&flexible, Half::Morning, "16:00", "16:01"),
    ] {
        let mut member = Member::new(anna());
        let day = MONDAY.parse().unwrap();
        member
            .leave
            .push(Leave::new(day, day, "dentist").with_half(half));
        let rules = rules(text).with_members([member]).unwrap();
        let today = |time: &str| {
            let now = at(&rules, &format!("{MONDAY}T{time}"));
            rules.presence(&anna(), &[], &[], now).unwrap().today
        };
        assert_eq!(today(expected), Today::Expected, "{text} {half:?}");
        assert_eq!(today(absent), Today::Absent, "{text} {half:?}");
    }
}

#[test]
fn presence_uses_the_shifts_that_start_today() {
    let rules = rules(
        "[assignment]\nday = 'end'\n[[shifts]]\nname = 'n'\nstart = '22:00'\nend = '06:00'\novernight = true",
    );
    let given = punches(&rules, &["2026-03-02T22:00", "2026-03-03T06:00"]);
    for (now, today) in [
        ("2026-03-03T05:00", Today::Present),
        ("2026-03-03T12:00", Today::Expected),
        ("2026-03-03T22:01", Today::Absent),
    ] {
        let presence = rules.presence(&anna(), &given, &[], at(&rules, now));
        assert_eq!(presence.unwrap().today, today, "{now}");
    }
}
