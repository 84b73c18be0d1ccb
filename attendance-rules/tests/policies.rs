//! The policies of POLICIES.md, with punches and the figures that follow.

mod common;

use std::collections::BTreeMap;

use attendance_rules::{
    DayRecord, Member, Policy, Punch, PunchKind, Rules, Session, SessionStatus, Statistics,
};
use common::{at, period};
use facekit::PersonId;

fn file(name: &str) -> String {
    let path = format!("{}/examples/policies/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rules(name: &str) -> Rules {
    let policy = Policy::from_toml(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Rules::new(policy).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn with_members(rules: Rules, name: &str) -> Rules {
    let members: Vec<Member> = serde_json::from_str(&file(name)).unwrap();
    rules.with_members(members).unwrap()
}

/// A punch from a text such as `anna in 2026-03-02T09:00`.
fn punches(rules: &Rules, texts: &[&str]) -> BTreeMap<PersonId, Vec<Punch>> {
    let mut people: BTreeMap<PersonId, Vec<Punch>> = BTreeMap::new();
    for (number, text) in texts.iter().enumerate() {
        let [person, kind, time] = text.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{text}");
        };
        let kind = match kind {
            "in" => PunchKind::In,
            "out" => PunchKind::Out,
            other => panic!("{other}"),
        };
        let person = PersonId::new(person).unwrap();
        let punch = Punch::new(number.to_string(), person.clone(), at(rules, time));
        people
            .entry(person)
            .or_default()
            .push(punch.with_kind(kind));
    }
    people
}

/// The days of everybody, one line each.
fn days(rules: &Rules, texts: &[&str], from: &str, to: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (person, punches) in punches(rules, texts) {
        let as_of = at(rules, "2027-01-01T00:00");
        let ledger = rules.evaluate(&person, &punches, &[], period(from, to), as_of);
        let ledger = ledger.unwrap_or_else(|error| panic!("{error}"));
        lines.extend(ledger.days.iter().map(line));
    }
    lines
}

fn line(day: &DayRecord) -> String {
    let mut line = format!(
        "{} {} {:?}: {} of {}",
        day.person, day.date, day.status, day.counted, day.expected
    );
    for (word, length) in [
        ("late", day.late),
        ("left early", day.left_early),
        ("overtime", day.overtime.counted()),
    ] {
        if length.0 > 0 {
            line += &format!(", {word} {length}");
        }
    }
    for window in &day.windows {
        line += &format!(", {} {}", window.name, window.worked);
    }
    line
}

#[test]
fn nine_to_five() {
    let punches = [
        "anna in 2026-03-02T09:03",
        "anna out 2026-03-02T17:00",
        "anna in 2026-03-03T09:20",
        "anna out 2026-03-03T17:00",
        "anna in 2026-03-04T09:00",
        "anna out 2026-03-04T13:00",
    ];
    assert_eq!(
        days(
            &rules("nine-to-five.toml"),
            &punches,
            "2026-03-02",
            "2026-03-08"
        ),
        [
            "anna 2026-03-02 Present: 7h 27m of 7h 30m",
            "anna 2026-03-03 Present: 7h 10m of 7h 30m, late 20m",
            "anna 2026-03-04 HalfDay: 3h 30m of 7h 30m, left early 4h",
            "anna 2026-03-05 Absent: 0s of 7h 30m",
            "anna 2026-03-06 Absent: 0s of 7h 30m",
        ]
    );
}

#[test]
fn two_shifts() {
    let rules = rules("two-shifts.toml");
    let punches = [
        "anna in 2026-03-02T05:55",
        "anna out 2026-03-02T14:05",
        "anna in 2026-03-09T13:58",
        "anna out 2026-03-09T22:30",
    ];
    assert_eq!(
        days(&rules, &punches, "2026-03-02", "2026-03-02"),
        ["anna 2026-03-02 Present: 7h 35m of 7h 30m"]
    );
    assert_eq!(
        days(&rules, &punches, "2026-03-09", "2026-03-09"),
        ["anna 2026-03-09 Present: 8h of 7h 30m, overtime 30m"]
    );
    assert_eq!(days(&rules, &punches, "2026-03-07", "2026-03-08"), [""; 0]);
}

#[test]
fn nights() {
    let rules = rules("nights.toml");
    for (night, morning, expected) in [
        ("2026-03-26", "2026-03-27", "8h of 8h, night 7h"),
        // Clocks go forward in this night, and back in the next.
        ("2026-03-28", "2026-03-29", "7h of 7h, night 6h"),
        ("2026-10-24", "2026-10-25", "9h of 9h, night 8h"),
    ] {
        let punches = [
            format!("anna in {night}T21:55"),
            format!("anna out {morning}T06:02"),
        ];
        let punches = punches.each_ref().map(String::as_str);
        assert_eq!(
            days(&rules, &punches, night, night),
            [format!("anna {night} Present: {expected}")]
        );
    }
}

#[test]
fn part_time() {
    let rules = with_members(rules("part-time.toml"), "part-time-members.json");
    let punches = [
        "anna in 2026-03-02T09:00",
        "anna out 2026-03-02T13:00",
        "bert in 2026-03-02T09:00",
        "bert out 2026-03-02T16:00",
    ];
    assert_eq!(
        days(&rules, &punches, "2026-03-02", "2026-03-02"),
        [
            "anna 2026-03-02 Present: 4h of 4h",
            "bert 2026-03-02 Present: 7h of 8h, left early 1h",
        ]
    );
    assert_eq!(
        days(&rules, &punches, "2026-03-05", "2026-03-05"),
        ["bert 2026-03-05 Absent: 0s of 8h"],
        "Anna does not work on Thursdays"
    );
}

#[test]
fn flexitime() {
    let punches = [
        "anna in 2026-03-02T07:30",
        "anna out 2026-03-02T16:30",
        "anna in 2026-03-03T10:20",
        "anna out 2026-03-03T15:00",
        "anna in 2026-03-04T08:00",
        "anna out 2026-03-04T14:30",
    ];
    assert_eq!(
        days(
            &rules("flexitime.toml"),
            &punches,
            "2026-03-02",
            "2026-03-04"
        ),
        [
            "anna 2026-03-02 Present: 8h 30m of 8h",
            "anna 2026-03-03 HalfDay: 4h 40m of 8h, late 20m",
            "anna 2026-03-04 Present: 6h of 8h, left early 30m",
        ]
    );
}

#[test]
fn school() {
    let rules = rules("school.toml");
    let sessions: Vec<Session> = serde_json::from_str(&file("school-sessions.json")).unwrap();
    let punches = [
        "anna in 2026-03-02T09:55",
        "bert in 2026-03-02T10:20",
        "anna in 2026-03-02T11:08",
        "bert in 2026-03-02T11:40",
    ];
    let punches: Vec<Punch> = punches_of_all(&rules, &punches);
    let as_of = at(&rules, "2026-03-02T18:00");
    let sheets = sessions
        .iter()
        .map(|it| it.evaluate(&punches, as_of).unwrap());
    let sheets: Vec<_> = sheets.collect();
    let marks = sheets.iter().flat_map(|sheet| &sheet.marks);
    let marks: Vec<_> = marks
        .map(|mark| (mark.person.as_str(), mark.status))
        .collect();
    assert_eq!(
        marks,
        [
            ("anna", SessionStatus::Present),
            ("bert", SessionStatus::Late),
            ("cleo", SessionStatus::Absent),
            ("anna", SessionStatus::Present),
            ("bert", SessionStatus::Absent),
        ]
    );
    let totals = Statistics::of_sessions(&sheets);
    let policy = &rules.policy().statistics;
    let warned = totals.iter().filter(|(_, sums)| sums.warns(policy));
    let warned: Vec<&str> = warned.map(|(person, _)| person.as_str()).collect();
    assert_eq!(warned, ["bert", "cleo"]);
}

fn punches_of_all(rules: &Rules, texts: &[&str]) -> Vec<Punch> {
    punches(rules, texts).into_values().flatten().collect()
}

#[test]
fn retail() {
    let punches = [
        "anna in 2026-03-06T09:30",
        "anna out 2026-03-06T18:30",
        "anna in 2026-03-07T09:00",
        "anna out 2026-03-07T14:00",
        "anna in 2026-03-08T10:00",
        "anna out 2026-03-08T13:00",
    ];
    let days = days(&rules("retail.toml"), &punches, "2026-03-06", "2026-03-08");
    assert_eq!(
        days[..2],
        [
            "anna 2026-03-06 Present: 8h of 8h",
            "anna 2026-03-07 Present: 5h of 5h",
        ]
    );
    assert!(days[2].ends_with(": 3h of 0s, overtime 3h"), "{}", days[2]);
}

#[test]
fn hospital() {
    let rules = with_members(rules("hospital.toml"), "hospital-members.json");
    let punches = [
        "anna in 2026-03-02T05:58",
        "anna out 2026-03-02T14:20",
        "anna in 2026-03-03T13:40",
        "anna out 2026-03-03T22:05",
        "anna in 2026-03-04T21:40",
        "anna out 2026-03-05T06:20",
    ];
    assert_eq!(
        days(&rules, &punches, "2026-03-02", "2026-03-06"),
        [
            "anna 2026-03-02 Present: 7h 45m of 7h 45m",
            "anna 2026-03-03 Present: 7h 45m of 7h 45m, night 1h 45m",
            "anna 2026-03-04 Present: 8h of 8h, night 7h 45m",
        ]
    );
}

/// Each file is in the page, and the page has no other.
#[test]
fn the_page_has_every_file() {
    let page = include_str!("../POLICIES.md");
    let folder = format!("{}/examples/policies", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    for name in files {
        let name = name.into_string().unwrap();
        assert!(
            page.contains(&format!("(examples/policies/{name})")),
            "{name}"
        );
    }
    for link in page.split("(examples/policies/").skip(1) {
        let name = link.split(')').next().unwrap();
        assert!(!file(name).is_empty());
    }
}
