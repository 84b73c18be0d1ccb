//! Punches whose direction or time is doubtful: repetitions, long stays, the repeated hour, and wrong clocks.

mod common;

use attendance_rules::{
    DayRecord, IgnoreKinds, Ledger, LogTime, Policy, Punch, PunchKind, Rules, Screening, Seconds,
};
use common::{HOUR, anna, day, evaluate, hours, places, rules};
use facekit::PersonId;
use facekit::jiff::{Timestamp, civil::DateTime, tz::TimeZoneDatabase};

const MONDAY: &str = "2026-03-02";

fn notes(record: &DayRecord) -> Vec<&str> {
    record.notes.iter().map(|note| &*note.code).collect()
}

fn total(ledger: &Ledger) -> i64 {
    ledger.days.iter().map(|day| day.counted.0).sum()
}

#[test]
fn a_third_tap_is_a_repetition_or_is_flagged() {
    let taps = ["09:00:05", "09:00:40", "09:01:30", "18:00"];
    let record = day(&rules(""), MONDAY, &taps);
    assert_eq!(notes(&record), ["short_stay"]);
    for text in [
        "[scans]\nshortest_stay = '2m'",
        "preset = 'esp32cam-gateway'\nbreaks = []",
    ] {
        let record = day(&rules(text), MONDAY, &taps);
        assert_eq!((record.counted, record.open), (Seconds(32_395), false));
        assert!(record.notes.is_empty(), "{text}");
    }
    // It is for exits of unknown direction only.
    let rules = rules("[scans]\nshortest_stay = '10m'");
    let record = day(&rules, MONDAY, &["in 09:00", "out 09:05", "09:06", "18:00"]);
    assert_eq!(record.counted, Seconds(5 * 60 + 8 * HOUR + 54 * 60));
    let ledger = evaluate(
        &rules,
        &[
            "2026-03-02T09:00",
            "2026-03-02T09:09:59",
            "2026-03-02T09:10",
        ],
        MONDAY,
        MONDAY,
    );
    assert_eq!(
        places(&ledger),
        ["- 2026-03-02", "duplicate", "- 2026-03-02"]
    );
}

#[test]
fn a_turn_in_one_second_is_reported_if_the_day_stays_open() {
    let rules = rules("");
    let turn = ["06:00", "11:30", "11:30", "14:00"];
    let record = day(&rules, MONDAY, &turn);
    assert_eq!(
        (record.open, notes(&record)),
        (true, vec!["same_second_turn"])
    );
    // Equal rows are one.
    let twice = [
        "06:00", "06:00", "11:30", "11:30", "12:00", "12:00", "14:00", "14:00",
    ];
    let record = day(&rules, MONDAY, &twice);
    assert_eq!((hours(&record), record.open), (7.5, false));
    assert!(record.notes.is_empty());
    // Stated directions are not doubtful, in any order of the rows.
    for turn in [
        ["in 06:00", "out 11:30", "in 11:30", "out 14:00"],
        ["in 06:00", "in 11:30", "out 11:30", "out 14:00"],
    ] {
        let record = day(&rules, MONDAY, &turn);
        assert_eq!((hours(&record), record.open), (8.0, false), "{turn:?}");
        assert!(record.notes.is_empty());
    }
}

/// Untyped punches of nights from `start` to `end`, in a file that begins with the OUT of the last night of March.
fn nights(start: &str, end: &str) -> Ledger {
    let mut times = vec![format!("2026-04-01T{end}")];
    for night in 1..5 {
        times.push(format!("2026-04-{night:02}T{start}"));
        times.push(format!("2026-04-{:02}T{end}", night + 1));
    }
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    evaluate(&rules(""), &times, "2026-04-01", "2026-04-05")
}

#[test]
fn a_file_that_begins_with_the_out_of_a_night() {
    // After 16 h, a punch begins a new stay.
    let eight = nights("22:00", "06:00");
    assert_eq!(total(&eight), 4 * 8 * HOUR);
    assert!(eight.days[0].open);
    assert_eq!(total(&nights("22:30", "05:30")), 4 * 7 * HOUR);
    // The days between nights of 12 h and of 10 h look like work, and each is flagged.
    for (start, end) in [("18:00", "06:00"), ("20:00", "06:00"), ("19:00", "06:30")] {
        let ledger = nights(start, end);
        for shift in ledger.shifts.iter().filter(|shift| !shift.open) {
            let date = shift.day;
            let record = ledger.days.iter().find(|day| day.date == date).unwrap();
            assert!(notes(record).contains(&"long_stay"), "{start} {date}");
        }
    }
}

/// Nights of more than twelve hours leave days that are shorter than the nights.
#[test]
fn a_gap_that_may_be_a_night_is_doubtful() {
    for (start, end) in [("19:00", "08:00"), ("18:45", "07:15"), ("19:00", "08:30")] {
        let ledger = nights(start, end);
        let doubtful = ledger.days.iter().map(|day| notes(day) == ["doubtful_gap"]);
        // The first day has nothing before it.
        assert_eq!(
            doubtful.collect::<Vec<_>>(),
            [false, true, true, true, true],
            "{start} {end}"
        );
    }
    let ledger = nights("19:00", "08:00");
    assert_eq!(
        ledger.days[1].notes[0].message,
        "13h after the exit; it may be the exit of a night, with an IN missing before it"
    );
    let gap = |rules: &Rules, times: &[&str]| {
        let ledger = evaluate(rules, times, MONDAY, "2026-03-03");
        let notes = ledger.days.iter().flat_map(notes);
        notes.filter(|&code| code == "doubtful_gap").count()
    };
    let free = rules("");
    let (evening, morning) = ("2026-03-02T19:00", "2026-03-03T08:00");
    assert_eq!(gap(&free, &["2026-03-02T08:00", evening, morning]), 1);
    for times in [
        // Days of nine and of ten hours, and an early shift after a late one.
        ["2026-03-02T08:00", "2026-03-02T17:00", morning],
        ["2026-03-02T08:00", "2026-03-02T18:00", morning],
        ["2026-03-02T13:00", evening, morning],
        // Directions that are stated.
        ["in 2026-03-02T08:00", "out 2026-03-02T19:00", morning],
        ["2026-03-02T08:00", evening, "in 2026-03-03T08:00"],
        // A gap of less than twelve hours, and one of more than a night.
        ["2026-03-02T08:00", "2026-03-02T19:30", "2026-03-03T07:00"],
        ["2026-03-02T08:00", "2026-03-02T18:45", "2026-03-03T08:30"],
    ] {
        assert_eq!(gap(&free, &times), 0, "{times:?}");
    }
    // Nights do not have a break in the middle of the day.
    let lunch = [
        "2026-03-02T08:00",
        "2026-03-02T12:00",
        "2026-03-02T13:00",
        evening,
        morning,
    ];
    assert_eq!(gap(&free, &lunch), 0);
    // A shift says what the punches are.
    let shift = rules("[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '19:00'");
    assert_eq!(gap(&shift, &["2026-03-02T08:00", evening, morning]), 0);
}

#[test]
fn a_forgotten_out_in_the_evening() {
    let rules = rules("");
    // Exactly 16 h after the IN begins a new day.
    let times = ["2026-03-02T14:00", "2026-03-03T06:00", "2026-03-03T14:00"];
    let ledger = evaluate(&rules, &times, MONDAY, "2026-03-03");
    assert_eq!((ledger.days[0].open, hours(&ledger.days[1])), (true, 8.0));
    // A stated OUT after 16 h closes the stay.
    let typed = ["in 2026-03-02T14:00", "out 2026-03-03T06:00"];
    assert_eq!(
        hours(&evaluate(&rules, &typed, MONDAY, MONDAY).days[0]),
        16.0
    );
    // After 15 h it can be both. It is an OUT, and is flagged.
    let times = ["2026-03-02T14:00", "2026-03-03T05:00", "2026-03-03T13:00"];
    let ledger = evaluate(&rules, &times, MONDAY, "2026-03-03");
    assert_eq!(notes(&ledger.days[0]), ["long_stay"]);
    assert_eq!(
        ledger.days[0].notes[0].message,
        "15h after the entry; it may be a new entry, with an OUT missing before it"
    );
    // A day of 11 h is not doubtful.
    assert!(day(&rules, MONDAY, &["08:00", "19:00"]).notes.is_empty());
}

#[test]
fn kinds_that_are_not_believed() {
    let text = "[[shifts]]\nname = 'd'\nstart = '09:00'\nend = '18:00'\n";
    let all = rules(&format!("{text}[scans]\nignore_kinds = true"));
    assert_eq!(
        day(&all, MONDAY, &["in 09:00", "in 18:00"]).counted,
        Seconds(32_400)
    );
    let four = ["in 09:00", "in 13:00", "in 14:00", "in 18:00"];
    assert_eq!(day(&all, MONDAY, &four).counted, Seconds(28_800));
    let believed = day(&rules(text), MONDAY, &four);
    assert_eq!((believed.counted, believed.open), (Seconds(0), true));
    // Only the punches of the device alternate.
    let door = rules(&format!("{text}[scans]\nignore_kinds = ['door']"));
    let at_door = |punches: &[&str], device: &str| {
        let mut punches = common::punches(&door, punches);
        for punch in &mut punches {
            punch.device = Some(device.into());
        }
        let (period, as_of) = (
            common::period(MONDAY, MONDAY),
            common::at(&door, "2026-04-01T00:00"),
        );
        let ledger = door
            .evaluate(&anna(), &punches, &[], period, as_of)
            .unwrap();
        ledger.days[0].counted
    };
    let both = ["in 2026-03-02T09:00", "in 2026-03-02T18:00"];
    assert_eq!(at_door(&both, "door"), Seconds(32_400));
    assert_eq!(at_door(&both, "gate"), Seconds(0));
    for policy in [IgnoreKinds::All(false), IgnoreKinds::default()] {
        let mut with = Policy::default();
        with.scans.ignore_kinds = policy;
        let read = Policy::from_toml(&with.to_toml().unwrap()).unwrap();
        assert_eq!(read, with);
    }
    let error = Policy::from_toml("[scans]\nignore_kinds = 'door'").unwrap_err();
    assert_eq!(
        error.to_string(),
        "policy, scans.ignore_kinds: it is true, false, or a list of names of devices"
    );
}

/// The lengths between the readings of local times, in minutes, and which are ambiguous.
fn read(zone: &str, times: &[&str]) -> (Vec<i64>, Vec<bool>) {
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
    let times: Vec<(LogTime, PunchKind)> = times
        .iter()
        .map(|text| {
            let (kind, text) = match text.split_once(' ') {
                Some(("in", time)) => (PunchKind::In, time),
                Some(("out", time)) => (PunchKind::Out, time),
                _ => (PunchKind::Undetermined, *text),
            };
            let instant = text.parse::<Timestamp>().map(LogTime::Instant);
            let local = || LogTime::Local(text.parse::<DateTime>().unwrap());
            (instant.unwrap_or_else(|_| local()), kind)
        })
        .collect();
    let readings = LogTime::read(&zone, &times);
    let minutes = readings
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at).as_mins());
    let ambiguous = readings.iter().map(|it| it.also_possible.is_some());
    (minutes.collect(), ambiguous.collect())
}

#[test]
fn the_order_of_a_log_tells_the_repeated_hour_apart() {
    let helsinki = |times: &[&str]| read("Europe/Helsinki", times);
    let (minutes, ambiguous) = helsinki(&["2022-10-30T03:50", "2022-10-30T03:10"]);
    assert_eq!((minutes, ambiguous), (vec![20], vec![true, true]));
    // In the order of the local times, both are of the first hour.
    assert_eq!(helsinki(&["2022-10-30T03:10", "2022-10-30T03:50"]).0, [40]);
    // Twice around.
    let four = [
        "2022-10-30T03:10",
        "2022-10-30T03:40",
        "2022-10-30T03:20",
        "2022-10-30T03:50",
    ];
    assert_eq!(helsinki(&four).0, [30, 40, 30]);
    // After a time with an offset in the second hour.
    let known = ["2022-10-30T03:05:00+02:00", "2022-10-30T03:40"];
    assert_eq!(helsinki(&known), (vec![35], vec![false, true]));
    // A log that runs backwards.
    let backwards = [
        "2022-10-30T08:00",
        "2022-10-30T03:10",
        "2022-10-30T03:50",
        "2022-10-29T22:00",
    ];
    assert_eq!(helsinki(&backwards).0, [-290, -20, -350]);
    // Sorted by local time: the OUT is the second of its two.
    let sorted = ["out 2022-10-30T03:10", "in 2022-10-30T03:50"];
    assert_eq!(helsinki(&sorted).0, [-20]);
    // An OUT of a night, and nothing that tells more: the first of the two.
    let night = ["in 2022-10-29T22:00", "out 2022-10-30T03:30"];
    assert_eq!(helsinki(&night), (vec![330], vec![false, true]));
    // Half an hour is repeated.
    let howe = ["2024-04-07T01:50", "2024-04-07T01:40"];
    assert_eq!(read("Australia/Lord_Howe", &howe).0, [20]);
    // A skipped time is not ambiguous.
    let skipped = ["2026-03-29T01:30", "2026-03-29T02:30"];
    assert_eq!(
        read("Europe/Berlin", &skipped),
        (vec![60], vec![false, false])
    );
}

#[test]
fn an_ambiguous_time_is_an_anomaly() {
    let rules = rules("[site]\ntime_zone = 'Europe/Helsinki'");
    let readings = ["2022-10-30T00:50:00Z", "2022-10-30T01:10:00Z"];
    let mut punches: Vec<Punch> = readings
        .iter()
        .map(|at| Punch::new(*at, anna(), at.parse().unwrap()))
        .collect();
    punches[1].also_possible = Some("2022-10-30T00:10:00Z".parse().unwrap());
    let day = common::period("2022-10-30", "2022-10-30");
    let as_of = "2022-11-15T00:00:00Z".parse().unwrap();
    let ledger = rules.evaluate(&anna(), &punches, &[], day, as_of).unwrap();
    assert_eq!(ledger.days[0].counted, Seconds(1200));
    assert_eq!(notes(&ledger.days[0]), ["ambiguous_time"]);
    assert_eq!(ledger.outcomes[1].anomalies.len(), 1);
    assert!(ledger.outcomes[0].anomalies.is_empty());
}

/// The ids of implausible records with their codes, and those out of order. A record is as in "2026-03-02T09:00 door", at
/// UTC. Its id is its place in the list.
fn screen(records: &[&str], from: Option<&str>) -> (Vec<String>, Vec<String>) {
    let punches = records.iter().enumerate().map(|(index, text)| {
        let (time, device) = text.split_once(' ').unwrap_or((text, ""));
        let punch = Punch::new(
            format!("{index}"),
            anna(),
            format!("{time}:00Z").parse().unwrap(),
        );
        if device.is_empty() {
            punch
        } else {
            punch.with_device(device)
        }
    });
    let from = from.map(|from| format!("{from}T00:00:00Z").parse().unwrap());
    let as_of = "2026-04-15T00:00:00Z".parse().unwrap();
    let screening = Screening::of(punches.collect(), from, as_of);
    assert_eq!(
        screening.plausible.len() + screening.implausible.len(),
        records.len()
    );
    let shown = |it: &attendance_rules::ScreenedPunch| format!("{} {}", it.punch.id, it.code);
    (
        screening.implausible.iter().map(shown).collect(),
        screening.out_of_order.iter().map(shown).collect(),
    )
}

#[test]
fn a_wrong_clock_is_found() {
    let (a, b) = ("2026-03-02T09:00", "2026-03-02T17:00");
    for (wrong, code) in [
        ("2000-01-01T00:00", "wrong_clock"),
        ("2018-01-01T00:01", "wrong_clock"),
        ("2025-12-29T09:00", "wrong_clock"),
        ("0001-01-01T00:00", "wrong_clock"),
        ("2026-06-06T12:35", "future"),
        ("2063-06-06T12:35", "future"),
        ("2026-04-15T00:01", "future"),
    ] {
        for index in 0..3 {
            let mut records = vec![a, b];
            records.insert(index, wrong);
            assert_eq!(
                screen(&records, None).0,
                [format!("{index} {code}")],
                "{wrong}"
            );
        }
    }
    // 62 days are plausible.
    assert!(screen(&[a, b, "2025-12-30T09:00"], None).0.is_empty());
    // Several records after a reset.
    let reset = ["2018-01-01T00:01", "2018-01-01T08:01", a, b];
    assert_eq!(screen(&reset, None).0, ["0 wrong_clock", "1 wrong_clock"]);
}

#[test]
fn a_device_is_compared_with_itself_first() {
    // The device in the hall is used twice a year.
    let hall = ["2025-10-01T09:00 hall", "2025-10-01T12:00 hall"];
    let door = [
        "2026-03-02T09:00 door",
        "2026-03-02T17:00 door",
        "2026-03-03T09:00 door",
    ];
    let all: Vec<&str> = hall.iter().chain(&door).copied().collect();
    assert!(screen(&all, None).0.is_empty());
    // The only record of a device is compared with those of all others.
    let alone: Vec<&str> = ["2018-01-01T00:01 hall"]
        .iter()
        .chain(&door)
        .copied()
        .collect();
    assert_eq!(screen(&alone, None).0, ["0 wrong_clock"]);
    // A record that is plausible among all records is not among those of its device.
    let mixed = [
        "2025-06-02T09:00 hall",
        "2025-06-03T09:00 hall",
        "2025-06-02T17:00 door",
        "2026-03-02T09:00 door",
        "2026-03-02T17:00 door",
    ];
    assert_eq!(screen(&mixed, None).0, ["2 wrong_clock"]);
}

#[test]
fn a_chosen_period_makes_its_records_plausible() {
    let records = [
        "2018-01-01T00:01",
        "2025-09-01T08:00",
        "2026-03-02T09:00",
        "2026-03-02T17:00",
    ];
    assert_eq!(screen(&records, None).0, ["0 wrong_clock", "1 wrong_clock"]);
    assert_eq!(screen(&records, Some("2025-09-01")).0, ["0 wrong_clock"]);
    assert!(screen(&records, Some("2018-01-01")).0.is_empty());
    // Nothing is left to compare one record with.
    assert!(screen(&records[..1], None).0.is_empty());
    assert!(screen(&[], None).0.is_empty());
}

#[test]
fn a_clock_that_was_ahead_for_some_time_is_out_of_order() {
    let ahead = [
        "2026-03-02T09:00",
        "2026-03-02T17:00",
        "2026-03-09T09:00",
        "2026-03-03T09:00",
        "2026-03-03T17:00",
    ];
    assert_eq!(
        screen(&ahead, None),
        (vec![], vec!["2 out_of_order".to_owned()])
    );
    let behind = [
        "2026-03-02T09:00",
        "2026-03-05T09:00",
        "2026-03-02T10:00",
        "2026-03-05T17:00",
    ];
    assert_eq!(screen(&behind, None).1, ["1 out_of_order"]);
    let behind = [
        "2026-03-04T09:00",
        "2026-03-05T09:00",
        "2026-03-02T10:00",
        "2026-03-05T17:00",
    ];
    assert_eq!(screen(&behind, None).1, ["2 out_of_order"]);
    // A log that runs backwards is read from its end.
    let mut backwards = ahead;
    backwards.reverse();
    assert_eq!(screen(&backwards, None).1, ["2 out_of_order"]);
    // A list in no order is no log.
    let shuffled = [
        "2026-03-09T09:00",
        "2026-03-02T09:00",
        "2026-03-12T17:00",
        "2026-03-03T09:00",
        "2026-03-10T17:00",
        "2026-03-04T17:00",
    ];
    assert!(screen(&shuffled, None).1.is_empty());
    // Two people, one after the other.
    let punch = |id: &str, person: &str, at: &str| {
        Punch::new(id, PersonId::new(person).unwrap(), at.parse().unwrap())
    };
    let people = vec![
        punch("1", "anna", "2026-03-02T09:00:00Z"),
        punch("2", "anna", "2026-03-31T17:00:00Z"),
        punch("3", "bert", "2026-03-02T09:00:00Z"),
    ];
    let screening = Screening::of(people, None, "2026-04-15T00:00:00Z".parse().unwrap());
    assert!(screening.out_of_order.is_empty());
}

#[test]
fn implausible_records_change_no_day() {
    let rules = Rules::new(common::policy("[work]\nexpected = '8h'")).unwrap();
    let evaluate = |texts: &[&str]| {
        let as_of = common::at(&rules, "2026-04-15T00:00");
        let screening = Screening::of(common::punches(&rules, texts), None, as_of);
        let day = common::period(MONDAY, "2026-03-06");
        rules
            .evaluate(&anna(), &screening.plausible, &[], day, as_of)
            .unwrap()
            .days
    };
    let plain = ["2026-03-02T09:00", "2026-03-02T17:00"];
    let stray = [
        "2026-03-02T09:00",
        "2026-03-02T17:00",
        "2018-01-01T00:01",
        "2063-01-01T00:01",
    ];
    assert_eq!(evaluate(&plain), evaluate(&stray));
}
