//! The counting of time: breaks, missing OUTs, leave and overtime. Also anomalies and doors.

mod common;

use attendance_rules::{
    Calendar, DayCount, Half, Leave, Member, Rules, Schedule, Seconds, ShiftsOn, Statistics, Status,
};
use common::{
    HOUR, MINUTE, anna, at, day, evaluate, evaluate_as_of, hours, places, punches, rules, statuses,
};
use facekit::{AttendancePolicy, Severity, Sighting, Verdict};

const MONDAY: &str = "2026-03-02";

#[test]
fn paid_breaks_are_paid_up_to_their_limit() {
    let rules = rules(
        "[[breaks]]\nkind = 'fixed'\nfrom = '10:00'\nto = '11:00'\nat_most = '15m'\npaid = true",
    );
    let record = day(&rules, MONDAY, &["08:00", "10:00", "10:30", "12:00"]);
    assert_eq!(record.times.worked, Seconds(210 * MINUTE));
    assert_eq!(
        (record.times.paid_break, record.times.unpaid_break),
        (Seconds(900), Seconds(900))
    );
    assert_eq!(hours(&record), 3.75);
}

#[test]
fn punched_breaks_count_towards_deducted_ones() {
    let lunch = "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '14:00'\nat_most = '1h'\n";
    for deduct in ["worked", "whole"] {
        let rules = rules(&format!("{lunch}deduct = '{deduct}'"));
        for (times, figure) in [
            (vec!["08:00", "12:00", "12:30", "17:00"], 8.0),
            (vec!["08:00", "12:00", "13:00", "17:00"], 8.0),
            (vec!["08:00", "12:00", "13:30", "17:00"], 7.5),
            (vec!["08:00", "17:00"], 8.0),
        ] {
            assert_eq!(
                hours(&day(&rules, MONDAY, &times)),
                figure,
                "{deduct} {times:?}"
            );
        }
    }
    let rules = rules("[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '1h'");
    assert_eq!(
        hours(&day(&rules, MONDAY, &["08:00", "12:00", "12:30", "17:00"])),
        8.0
    );
}

#[test]
fn breaks_of_a_night_are_on_its_second_day() {
    let rules = rules(
        "[[shifts]]
        name = 'night'
        start = '22:00'
        end = '06:00'
        overnight = true
        [[shifts.breaks]]
        kind = 'fixed'
        from = '02:00'
        to = '02:30'",
    );
    let ledger = evaluate(
        &rules,
        &["2026-03-02T22:00", "2026-03-03T06:00"],
        MONDAY,
        MONDAY,
    );
    assert_eq!(
        (hours(&ledger.days[0]), ledger.days[0].balance),
        (7.5, Seconds(0))
    );
}

#[test]
fn nobody_is_late_in_a_flexible_shift() {
    let rules = rules(
        "[[shifts]]\nname = 'flex'\nstart = '06:00'\nend = '20:00'\nflexible = true\nexpected = '8h'\n[overtime.daily]",
    );
    let record = day(&rules, MONDAY, &["10:30", "19:30"]);
    assert_eq!((record.late, record.left_early), (Seconds(0), Seconds(0)));
    assert_eq!(
        (record.balance, record.overtime.counted()),
        (Seconds(HOUR), Seconds(HOUR))
    );
}

#[test]
fn shifts_rotate() {
    let mut member = Member::new(anna());
    member.schedule = Some(Schedule::Rotation {
        from: MONDAY.parse().unwrap(),
        cycle: vec![vec!["early".into()], vec!["late".into()], vec![]],
    });
    member.shifts_on.push(ShiftsOn::new(
        "2026-03-04".parse().unwrap(),
        vec!["late".into()],
    ));
    let rules = rules(
        "[[shifts]]\nname = 'early'\nstart = '06:00'\nend = '14:00'\n[[shifts]]\nname = 'late'\nstart = '14:00'\nend = '22:00'",
    )
    .with_members([member])
    .unwrap();
    let times: Vec<String> = (2..7)
        .map(|day| format!("2026-03-{day:02}T14:00"))
        .collect();
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    let expected = [
        "early 2026-03-02",
        "late 2026-03-03",
        "late 2026-03-04",
        "early 2026-03-05",
        "late 2026-03-06",
    ];
    assert_eq!(
        places(&evaluate(&rules, &times, MONDAY, "2026-03-06")),
        expected
    );
}

#[test]
fn missing_outs() {
    let policy = |rule: &str| {
        rules(&format!(
            "[[shifts]]\nname = 'day'\nstart = '08:00'\nend = '17:00'\n[work]\nfull_day = '6h'\n[assignment]\nmissing_out = '{rule}'"
        ))
    };
    let times = ["2026-03-02T08:00", "2026-03-02T12:00", "2026-03-02T13:00"];
    for (rule, counted, status, automatic) in [
        ("open", 4, Status::Incomplete, false),
        ("at_shift_end", 8, Status::Present, true),
        ("refuse", 0, Status::Incomplete, false),
    ] {
        let record = &evaluate(&policy(rule), &times, MONDAY, MONDAY).days[0];
        assert_eq!(
            (record.counted, record.status, record.automatic),
            (Seconds(counted * HOUR), status, automatic),
            "{rule}"
        );
    }
    // An OUT may still come before the window closes.
    let open = evaluate_as_of(
        &policy("at_shift_end"),
        &times,
        MONDAY,
        MONDAY,
        "2026-03-02T18:00",
    );
    assert!(open.days[0].open && !open.days[0].automatic && !open.days[0].is_final);
}

#[test]
fn leave_and_halves() {
    let mut member = Member::new(anna());
    for (day, half) in [
        ("2026-03-02", None),
        ("2026-03-03", Some(Half::Morning)),
        ("2026-03-07", None),
    ] {
        let day = day.parse().unwrap();
        let mut leave = Leave::new(day, day, "annual");
        leave.half = half;
        member.leave.push(leave);
    }
    let rules =
        rules("[[shifts]]\nname = 'day'\nstart = '08:00'\nend = '16:00'\n[work]\nfull_day = '6h'")
            .with_members([member])
            .unwrap();
    let ledger = evaluate(
        &rules,
        &["2026-03-03T12:00", "2026-03-03T16:00"],
        MONDAY,
        "2026-03-07",
    );
    let absent = |day: &str| (day.to_owned(), Status::Absent);
    assert_eq!(
        statuses(&ledger),
        [
            ("2026-03-02".to_owned(), Status::OnLeave),
            ("2026-03-03".to_owned(), Status::Present),
            absent("2026-03-04"),
            absent("2026-03-05"),
            absent("2026-03-06"),
        ],
        "leave on a Saturday has no record"
    );
    assert_eq!(
        (ledger.days[1].late, ledger.days[1].balance),
        (Seconds(0), Seconds(0))
    );
    let sums = Statistics::of(&ledger.days);
    // A day and a half of leave, half a day of work, three days of absence.
    assert_eq!(
        [sums.due, sums.attended, sums.on_leave, sums.absent],
        [7, 1, 3, 6].map(DayCount::of_halves)
    );
}

#[test]
fn work_on_free_days_is_overtime() {
    let mut calendar = Calendar::new();
    calendar.add("2026-03-04".parse().unwrap(), "Founders' Day", None);
    let rules = rules("[overtime]\nrest_days = true\nholidays = true\nat_most_daily = '3h'\ndaily = { after = '8h' }")
        .with_calendar(calendar);
    let times = [
        "2026-03-04T09:00",
        "2026-03-04T13:00",
        "2026-03-07T09:00",
        "2026-03-07T11:00",
        "2026-03-06T09:00",
        "2026-03-06T21:00",
    ];
    let ledger = evaluate(&rules, &times, "2026-03-04", "2026-03-08");
    let [holiday, _thursday, friday, saturday] = &ledger.days[..] else {
        panic!("{:#?}", ledger.days)
    };
    assert_eq!(
        (holiday.overtime.holiday, holiday.overtime.over_limit),
        (Seconds(4 * HOUR), Seconds(HOUR))
    );
    assert_eq!(saturday.overtime.rest_day, Seconds(2 * HOUR));
    assert_eq!(
        (friday.overtime.daily, friday.overtime.counted()),
        (Seconds(4 * HOUR), Seconds(3 * HOUR))
    );
    assert!(!saturday.obliged && !holiday.obliged && friday.obliged);
}

#[test]
fn on_free_days_nobody_is_absent_and_no_hours_are_expected() {
    let leave = |day: &str| Leave::new(day.parse().unwrap(), day.parse().unwrap(), "sick");
    let mut member = Member::new(anna());
    member.leave.push(leave(MONDAY));
    let rules =
        rules("[work]\nexpected = '8h'\nfull_day = '6h'\nhalf_day = '3h'\n[overtime]\ndaily = {}")
            .with_members([member])
            .unwrap();
    for (date, end, status) in [
        (MONDAY, "09:00", Status::OnLeave),
        (MONDAY, "11:00", Status::HalfDay),
        ("2026-03-03", "09:00", Status::Absent),
        ("2026-03-07", "09:00", Status::Free),
        ("2026-03-07", "11:00", Status::HalfDay),
    ] {
        let record = day(&rules, date, &["08:00", end]);
        assert_eq!(
            (record.status, record.overtime.counted()),
            (status, Seconds(0)),
            "{date}"
        );
    }
}

#[test]
fn anomalies_flag_or_refuse() {
    let rules = rules(
        "[scans]
        cooldown = '0s'
        [[site.places]]
        name = 'Berlin'
        devices = ['b']
        travel = '2h'
        [[site.places]]
        name = 'Paris'
        devices = ['p']
        travel = '1h'
        [anomalies]
        impossible_travel = { severity = 'critical' }
        low_liveness = { below = 0.5, streak = 3, action = 'refuse' }
        out_of_hours = { from = '06:00', to = '22:00', action = 'refuse' }",
    );
    let mut past = Vec::new();
    let mut decide = |time: &str, device: &str, liveness: f32| {
        let sighting = Sighting::new(anna(), at(&rules, time))
            .with_device(device)
            .with_liveness(liveness);
        let decision = rules.decide(&past, &sighting).unwrap();
        past.extend(decision.mark(&sighting));
        decision
    };
    assert!(decide("2026-03-02T08:00", "b", 0.9).anomalies.is_empty());
    let travelled = decide("2026-03-02T09:59", "p", 0.9);
    let anomaly = &travelled.anomalies[0];
    assert_eq!(
        (&*anomaly.code, anomaly.severity),
        ("impossible_travel", Severity::Critical)
    );
    assert_eq!(anomaly.data["needed_seconds"], 7200.into());
    assert_eq!(anomaly.data["from"], "Berlin".into());
    assert!(decide("2026-03-02T11:59", "b", 0.4).anomalies.is_empty());
    assert!(decide("2026-03-02T12:10", "b", 0.4).anomalies.is_empty());
    let third = decide("2026-03-02T12:20", "b", 0.4);
    assert!(
        matches!(&third.verdict, Verdict::Refused { code, .. } if code == "low_liveness"),
        "{third:?}"
    );
    assert!(matches!(
        decide("2026-03-02T12:30", "b", 0.9).verdict,
        Verdict::Accepted { .. }
    ));
    let late = decide("2026-03-02T23:30", "b", 0.9);
    assert!(matches!(&late.verdict, Verdict::Refused { code, .. } if code == "out_of_hours"));
}

#[test]
fn an_expired_roster_is_flagged() {
    let mut member = Member::new(anna());
    member.roster_until = Some("2026-03-01".parse().unwrap());
    let rules = rules("[anomalies]\nexpired_roster = {}")
        .with_members([member])
        .unwrap();
    let ledger = evaluate(&rules, &["2026-03-02T08:00"], MONDAY, MONDAY);
    assert_eq!(ledger.outcomes[0].anomalies[0].code, "expired_roster");
    assert_eq!(ledger.days[0].anomalies, 1);
}

#[test]
fn a_night_into_a_rest_day_is_no_anomaly() {
    let rules = rules(
        "[[shifts]]\nname = 'night'\nstart = '22:00'\nend = '06:00'\novernight = true\n[anomalies]\nrest_day = {}",
    );
    let ledger = evaluate(
        &rules,
        &["2026-03-06T22:00", "2026-03-07T06:00"],
        "2026-03-06",
        "2026-03-07",
    );
    assert_eq!(ledger.days.len(), 1);
    assert_eq!(
        ledger.days[0].anomalies, 0,
        "Saturday morning belongs to the shift of Friday"
    );
}

#[test]
fn doors_have_a_direction() {
    let rules = rules("[scans]\nentry_devices = ['in']\nexit_devices = ['out']");
    let mut given = punches(
        &rules,
        &[
            "2026-03-02T08:00:00",
            "2026-03-02T08:00:30",
            "2026-03-02T08:00:40",
        ],
    );
    for (punch, device) in given.iter_mut().zip(["in", "out", "out"]) {
        punch.device = Some(device.into());
    }
    let as_of = at(&rules, "2026-04-01T00:00");
    let ledger = rules
        .evaluate(&anna(), &given, &[], common::period(MONDAY, MONDAY), as_of)
        .unwrap();
    // An exit within the cooldown of an entry is not a duplicate. A second exit is.
    assert_eq!(
        places(&ledger),
        ["- 2026-03-02", "- 2026-03-02", "duplicate"]
    );
    assert_eq!(ledger.days[0].counted, Seconds(30));
}

#[test]
fn rules_are_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Rules>();
}

#[test]
fn ledgers_survive_serialization() {
    let rules = rules(
        "[anomalies]\nrest_day = {}\n[[windows]]\nname = 'night'\nfrom = '22:00'\nto = '06:00'",
    );
    let ledger = evaluate(
        &rules,
        &["2026-03-07T20:00", "2026-03-08T01:00"],
        MONDAY,
        "2026-03-08",
    );
    let text = serde_json::to_string(&ledger).unwrap();
    let read: attendance_rules::Ledger = serde_json::from_str(&text).unwrap();
    assert_eq!(read, ledger);
}

#[test]
fn rounding_counts_nothing_twice() {
    let rules = rules(
        "[[shifts]]
        name = 'first'
        start = '08:00'
        end = '12:00'
        [[shifts]]
        name = 'second'
        start = '12:10'
        end = '16:00'
        [work.rounding]
        in = { to = 'down', step = '30m' }
        out = { to = 'up', step = '30m' }",
    );
    let times = ["in 08:00", "out 12:01", "in 12:12", "out 16:00"];
    let times = times.map(|time| time.replace(' ', " 2026-03-02T"));
    let ledger = evaluate(
        &rules,
        &times.each_ref().map(|time| &**time),
        MONDAY,
        MONDAY,
    );
    assert_eq!(hours(&ledger.days[0]), 8.0);
    let worked = ledger.shifts.iter().map(|shift| shift.times.worked);
    assert_eq!(
        worked.collect::<Vec<_>>(),
        [Seconds(270 * MINUTE), Seconds(210 * MINUTE)],
        "the half hour counts in the earlier shift"
    );
}
