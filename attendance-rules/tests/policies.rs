//! The policies of POLICIES.md, with punches and the figures that follow.

mod common;

use std::collections::BTreeMap;

use attendance_rules::{
    DayRecord, Ledger, Member, Policy, Punch, PunchKind, Rules, Seconds, Session, SessionSheet,
    SessionStatus, Statistics,
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

/// A punch from a text such as `anna in 2026-03-02T09:00`. A `scan` has no direction.
fn punches(rules: &Rules, texts: &[&str]) -> BTreeMap<PersonId, Vec<Punch>> {
    let mut people: BTreeMap<PersonId, Vec<Punch>> = BTreeMap::new();
    for (number, text) in texts.iter().enumerate() {
        let [person, kind, time] = text.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{text}");
        };
        let kind = match kind {
            "in" => PunchKind::In,
            "out" => PunchKind::Out,
            "scan" => PunchKind::Undetermined,
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

/// The records of everybody.
fn ledgers(rules: &Rules, texts: &[&str], from: &str, to: &str) -> Vec<Ledger> {
    let as_of = at(rules, "2027-01-01T00:00");
    let ledgers = punches(rules, texts).into_iter().map(|(person, punches)| {
        let ledger = rules.evaluate(&person, &punches, &[], period(from, to), as_of);
        ledger.unwrap_or_else(|error| panic!("{error}"))
    });
    ledgers.collect()
}

/// The days of everybody, one line each.
fn days(rules: &Rules, texts: &[&str], from: &str, to: &str) -> Vec<String> {
    let ledgers = ledgers(rules, texts, from, to);
    let days = ledgers.iter().flat_map(|ledger| &ledger.days);
    days.map(line).collect()
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
    if day.automatic {
        line += ", automatic OUT";
    }
    line
}

/// The sheets of the sessions of a file.
fn sheets(rules: &Rules, name: &str, texts: &[&str], as_of: &str) -> Vec<SessionSheet> {
    let sessions: Vec<Session> = serde_json::from_str(&file(name)).unwrap();
    let punches = punches(rules, texts);
    let punches: Vec<Punch> = punches.into_values().flatten().collect();
    let as_of = at(rules, as_of);
    let sheets = sessions
        .iter()
        .map(|it| it.evaluate(&punches, as_of).unwrap());
    sheets.collect()
}

fn marks(sheets: &[SessionSheet]) -> Vec<(&str, SessionStatus)> {
    let marks = sheets.iter().flat_map(|sheet| &sheet.marks);
    marks
        .map(|mark| (mark.person.as_str(), mark.status))
        .collect()
}

/// The people with a warning because of their attendance rate.
fn warned(rules: &Rules, sheets: &[SessionSheet]) -> Vec<String> {
    let totals = Statistics::of_sessions(sheets);
    let policy = &rules.policy().statistics;
    let warned = totals.iter().filter(|(_, sums)| sums.warns(policy));
    warned.map(|(person, _)| person.to_string()).collect()
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
    let punches = [
        "anna in 2026-03-02T09:55",
        "bert in 2026-03-02T10:20",
        "anna in 2026-03-02T11:08",
        "bert in 2026-03-02T11:40",
    ];
    let sheets = sheets(&rules, "school-sessions.json", &punches, "2026-03-02T18:00");
    assert_eq!(
        marks(&sheets),
        [
            ("anna", SessionStatus::Present),
            ("bert", SessionStatus::Late),
            ("cleo", SessionStatus::Absent),
            ("anna", SessionStatus::Present),
            ("bert", SessionStatus::Absent),
        ]
    );
    assert_eq!(warned(&rules, &sheets), ["bert", "cleo"]);
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

#[test]
fn nurses() {
    let rules = with_members(rules("nurses.toml"), "nurses-members.json");
    let punches = [
        "anna in 2026-03-24T05:56",
        "anna out 2026-03-24T14:16",
        "anna in 2026-03-25T05:58",
        "anna out 2026-03-25T14:05",
        "anna in 2026-03-26T13:50",
        "anna out 2026-03-26T22:20",
        "anna in 2026-03-27T14:10",
        "anna out 2026-03-27T22:15",
        "anna in 2026-03-28T21:50",
        "anna out 2026-03-29T06:20",
        "anna in 2026-03-29T21:58",
        "anna out 2026-03-30T06:10",
        "bert in 2026-03-25T13:55",
        "bert out 2026-03-25T22:15",
        "bert in 2026-03-26T05:50",
        "bert out 2026-03-26T14:15",
        "bert in 2026-10-24T21:55",
        "bert out 2026-10-25T06:20",
    ];
    assert_eq!(
        days(&rules, &punches, "2026-03-24", "2026-03-31")[..8],
        [
            "anna 2026-03-24 Present: 7h 45m of 7h 45m",
            "anna 2026-03-25 Present: 7h 35m of 7h 45m, left early 10m",
            "anna 2026-03-26 Present: 7h 45m of 7h 45m",
            "anna 2026-03-27 Present: 7h 35m of 7h 45m, late 10m",
            // Clocks go forward. The break is from 05:00 to 05:30, after six hours of work.
            "anna 2026-03-28 Present: 6h 45m of 6h 45m, night 5h 30m",
            "anna 2026-03-29 Present: 7h 40m of 7h 45m, left early 5m, night 6h 30m",
            // The cycle of Bert has a day off on this day, and he takes a late shift.
            "bert 2026-03-25 Present: 7h 45m of 7h 45m",
            "bert 2026-03-26 Present: 7h 45m of 7h 45m",
        ]
    );
    assert_eq!(
        days(&rules, &punches, "2026-10-24", "2026-10-24"),
        ["bert 2026-10-24 Present: 8h 45m of 8h 45m, night 7h 30m"],
        "clocks go back"
    );
}

#[test]
fn shop() {
    let rules = with_members(rules("shop.toml"), "shop-members.json");
    let punches = [
        "anna in 2026-03-06T09:55",
        "anna out 2026-03-06T13:30",
        "anna in 2026-03-06T14:20",
        "anna out 2026-03-06T17:05",
        "anna in 2026-03-06T17:15",
        "anna out 2026-03-06T19:00",
        "anna in 2026-03-07T10:00",
        "anna out 2026-03-07T16:00",
        "anna in 2026-03-14T10:00",
        "anna out 2026-03-14T13:00",
        "bert in 2026-03-14T10:10",
        "bert out 2026-03-14T16:00",
    ];
    assert_eq!(
        days(&rules, &punches, "2026-03-06", "2026-03-08"),
        [
            // 09:55 to 13:30, 14:20 to 17:05 and 17:15 to 19:00 are 8 h 05 min. Ten more minutes of lunch are deducted, and the
            // tea break of ten minutes is paid.
            "anna 2026-03-06 Present: 8h 5m of 8h",
            "anna 2026-03-07 Present: 5h 40m of 5h 40m",
            "bert 2026-03-06 Absent: 0s of 8h",
        ],
        "Bert is free on the first Saturday"
    );
    assert_eq!(
        days(&rules, &punches, "2026-03-14", "2026-03-14"),
        [
            "anna 2026-03-14 HalfDay: 3h of 0s, overtime 3h",
            "bert 2026-03-14 Present: 5h 30m of 5h 40m, late 10m",
        ]
    );
}

#[test]
fn school_days() {
    let rules = with_members(rules("school-days.toml"), "school-days-members.json");
    let punches = [
        "anna scan 2026-03-02T07:55",
        "anna scan 2026-03-02T08:58",
        "anna scan 2026-03-02T10:30",
        "anna scan 2026-03-02T14:58",
        "bert scan 2026-03-02T08:12",
        "bert scan 2026-03-02T09:21",
        "bert scan 2026-03-02T10:10",
        "bert scan 2026-03-02T12:00",
        "cleo scan 2026-03-02T07:50",
        "cleo scan 2026-03-02T08:50",
        "cleo scan 2026-03-02T09:30",
        "cleo scan 2026-03-03T08:00",
        "cleo scan 2026-03-03T11:00",
        "dora scan 2026-03-27T08:04",
        "dora scan 2026-03-27T11:00",
    ];
    let sheets = sheets(
        &rules,
        "school-days-lessons.json",
        &punches,
        "2026-03-02T18:00",
    );
    assert_eq!(
        marks(&sheets),
        [
            ("anna", SessionStatus::Present),
            ("bert", SessionStatus::Late),
            ("cleo", SessionStatus::Present),
            ("dora", SessionStatus::Absent),
            ("anna", SessionStatus::Present),
            ("bert", SessionStatus::Absent),
            ("cleo", SessionStatus::Present),
            ("dora", SessionStatus::Absent),
            // Exactly twenty minutes late.
            ("anna", SessionStatus::Late),
            ("bert", SessionStatus::Present),
            ("cleo", SessionStatus::Excused),
        ]
    );
    assert_eq!(warned(&rules, &sheets), ["bert", "dora"]);
    assert_eq!(
        days(&rules, &punches, "2026-03-02", "2026-03-02"),
        [
            "anna 2026-03-02 Present: 6h 3m of 6h",
            "bert 2026-03-02 HalfDay: 3h 48m of 6h, late 12m, left early 3h",
            "cleo 2026-03-02 Absent: 1h 40m of 6h, left early 5h 30m",
            "dora 2026-03-02 Absent: 0s of 6h",
        ]
    );
    assert_eq!(
        days(&rules, &punches, "2026-03-03", "2026-03-03")[2..],
        [
            "cleo 2026-03-03 Present: 3h of 3h",
            "dora 2026-03-03 OnLeave: 0s of 0s",
        ]
    );
    assert_eq!(
        days(&rules, &punches, "2026-03-27", "2026-03-27")[3..],
        ["dora 2026-03-27 Present: 2h 56m of 3h"],
        "the afternoon is free"
    );
}

#[test]
fn flexitime_weekly() {
    let punches = [
        "anna in 2026-03-02T07:30",
        "anna out 2026-03-02T16:30",
        "anna in 2026-03-03T10:20",
        "anna out 2026-03-03T20:00",
        "anna in 2026-03-04T08:00",
        "anna out 2026-03-04T15:00",
        "anna in 2026-03-05T09:00",
        "anna out 2026-03-05T14:30",
        "anna in 2026-03-06T09:45",
        "anna out 2026-03-06T18:00",
        // Nothing on Monday, and all the hours on four days.
        "anna in 2026-03-10T08:00",
        "anna out 2026-03-10T18:30",
        "anna in 2026-03-11T08:00",
        "anna out 2026-03-11T18:30",
        "anna in 2026-03-12T08:00",
        "anna out 2026-03-12T18:30",
        "anna in 2026-03-13T07:30",
        "anna out 2026-03-13T16:30",
    ];
    let rules = rules("flexitime-weekly.toml");
    assert_eq!(
        days(&rules, &punches, "2026-03-02", "2026-03-09"),
        [
            "anna 2026-03-02 Present: 8h 30m of 8h 30m",
            "anna 2026-03-03 Present: 9h 10m of 9h 10m, late 20m",
            "anna 2026-03-04 Present: 6h 30m of 6h 30m",
            "anna 2026-03-05 Present: 5h 30m of 5h 30m, left early 30m",
            // 38 h 30 min less the 29 h 40 min of the days before.
            "anna 2026-03-06 Present: 7h 45m of 8h 50m",
            "anna 2026-03-09 Absent: 0s of 0s",
        ]
    );
    for (monday, sunday, balance) in [
        ("2026-03-02", "2026-03-08", -65 * 60),
        ("2026-03-09", "2026-03-15", 0),
    ] {
        let ledger = &ledgers(&rules, &punches, monday, sunday)[0];
        let sums = Statistics::of(&ledger.days);
        assert_eq!(sums.balance, Seconds(balance), "{monday}");
    }
}

#[test]
fn night_guard() {
    let punches = [
        "anna in 2026-03-02T18:50",
        "anna out 2026-03-03T07:05",
        // The OUT is forgotten.
        "anna in 2026-03-04T18:55",
        "anna in 2026-03-06T19:20",
        "anna out 2026-03-07T07:00",
        "anna in 2026-03-28T18:55",
        "anna out 2026-03-29T07:00",
    ];
    let rules = rules("night-guard.toml");
    assert_eq!(
        days(&rules, &punches, "2026-03-02", "2026-03-09"),
        [
            "anna 2026-03-02 Present: 11h 15m of 11h 15m, night 7h 15m",
            "anna 2026-03-04 Present: 11h 15m of 11h 15m, night 7h 15m, automatic OUT",
            "anna 2026-03-06 Present: 10h 55m of 11h 15m, late 20m, night 7h 15m",
            "anna 2026-03-08 Absent: 0s of 11h 15m",
        ]
    );
    // Clocks go forward.
    assert_eq!(
        days(&rules, &punches, "2026-03-28", "2026-03-29"),
        ["anna 2026-03-28 Present: 10h 15m of 10h 15m, night 6h 15m"]
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
