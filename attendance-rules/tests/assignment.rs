//! The assignment of scans to shifts, by decisions and by evaluation, which must agree.

mod common;

use attendance_rules::{Punch, PunchVerdict, Rules};
use common::{anna, at, evaluate, period, places};
use facekit::{AttendancePolicy, Mark, Sighting, Verdict};

/// Decides scan by scan with the marks of the lookback, and compares the decisions with the evaluation of all scans. A scan is
/// as in "2026-03-02T08:00", or "2026-03-02T08:00 out" with a device. Returns the shifts of the scans.
fn decide_and_evaluate(rules: &Rules, scans: &[&str]) -> Vec<String> {
    let mut past: Vec<Mark> = Vec::new();
    let (mut punches, mut decisions) = (Vec::new(), Vec::new());
    for (number, scan) in scans.iter().enumerate() {
        let (time, device) = scan.split_once(' ').unwrap_or((scan, "hall"));
        let sighting = Sighting::new(anna(), at(rules, time)).with_device(device);
        let from = sighting.at - rules.lookback();
        past.retain(|mark| mark.at >= from);
        let decision = rules.decide(&past, &sighting).unwrap();
        past.extend(decision.mark(&sighting));
        punches.push(Punch::from_sighting(format!("{number:03}"), &sighting));
        decisions.push(decision);
    }
    let ledger = rules
        .evaluate(
            &anna(),
            &punches,
            &[],
            period("2026-03-01", "2026-03-31"),
            at(rules, "2026-05-01T00:00"),
        )
        .unwrap();
    for (decision, it) in decisions.iter().zip(&ledger.outcomes) {
        assert_eq!(decision.anomalies, it.anomalies, "{}", it.at);
        match (&decision.verdict, &it.outcome) {
            (
                Verdict::Accepted { direction },
                PunchVerdict::Assigned {
                    shift,
                    direction: way,
                },
            ) => {
                assert_eq!(direction, way, "{}", it.at);
                assert_eq!(decision.opened, Some(ledger.shifts[*shift].opened));
            }
            (Verdict::Refused { code, .. }, PunchVerdict::Unassigned { code: other, .. }) => {
                assert_eq!(code, other, "{}", it.at);
            }
            (verdict, outcome) => assert!(
                matches!(
                    (verdict, outcome),
                    (Verdict::Duplicate { .. }, PunchVerdict::Suppressed { .. })
                ),
                "{}: {verdict:?}, {outcome:?}",
                it.at
            ),
        }
    }
    places(&ledger)
}

#[test]
fn a_missing_out_does_not_matter_after_some_days() {
    let rules = common::rules("[scans]\nexit_devices = ['out']");
    assert_eq!(
        decide_and_evaluate(&rules, &["2026-03-06T08:00", "2026-03-07T09:00 out"]),
        ["- 2026-03-06", "maximum_shift"]
    );
    assert_eq!(
        decide_and_evaluate(&rules, &["2026-03-06T08:00", "2026-03-09T17:00 out"]),
        ["- 2026-03-06", "- 2026-03-09"]
    );
}

#[test]
fn shifts_of_a_day_with_margins_of_half_a_day() {
    let rules = common::rules(
        "[site]
        working_days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
        [[shifts]]
        name = 'long'
        start = '08:00'
        end = '08:00'
        overnight = true
        margin_before = '12h'
        margin_after = '12h'",
    );
    let scans = [
        "2026-03-01T20:30",
        "2026-03-03T09:00",
        "2026-03-03T10:00",
        "2026-03-04T08:30",
    ];
    decide_and_evaluate(&rules, &scans);
    // 20:30 is a return from dinner, not an early arrival for the next day.
    let dinner = [
        "2026-03-02T08:00",
        "2026-03-02T19:30",
        "2026-03-02T20:30",
        "2026-03-03T07:00",
    ];
    assert_eq!(decide_and_evaluate(&rules, &dinner), ["long 2026-03-02"; 4]);
}

const SPLIT: &str = "[[shifts]]
    name = 'first'
    start = '08:00'
    end = '12:00'
    [[shifts]]
    name = 'second'
    start = '12:30'
    end = '16:30'
    ";

#[test]
fn an_early_arrival_belongs_to_the_next_shift() {
    let rules = common::rules(SPLIT);
    for times in [
        ["in 2026-03-02T11:55", "out 2026-03-02T16:30"],
        ["2026-03-02T11:55", "2026-03-02T16:30"],
        ["in 2026-03-02T12:00", "out 2026-03-02T16:30"],
    ] {
        let ledger = evaluate(&rules, &times, "2026-03-02", "2026-03-02");
        assert_eq!(places(&ledger), ["second 2026-03-02"; 2], "{times:?}");
    }
    let late = evaluate(
        &rules,
        &["in 2026-03-02T10:00", "out 2026-03-02T12:00"],
        "2026-03-02",
        "2026-03-02",
    );
    assert_eq!(places(&late), ["first 2026-03-02"; 2]);
    // A person who was in the first shift returns to it.
    let back = ["2026-03-02T08:00", "2026-03-02T11:30", "2026-03-02T11:40"];
    assert_eq!(decide_and_evaluate(&rules, &back), ["first 2026-03-02"; 3]);
}

#[test]
fn no_shift_outlasts_a_later_one() {
    let rules = common::rules(
        "[[shifts]]
        name = 'a'
        start = '08:00'
        end = '12:00'
        margin_after = '6h'
        [[shifts]]
        name = 'b'
        start = '12:30'
        end = '16:30'
        margin_after = '0s'",
    );
    let times = [
        "2026-03-02T08:00",
        "2026-03-02T12:00",
        "2026-03-02T12:30",
        "2026-03-02T16:30",
        "2026-03-02T17:00",
    ];
    let (a, b) = ("a 2026-03-02", "b 2026-03-02");
    assert_eq!(
        decide_and_evaluate(&rules, &times),
        [a, a, b, b, "outside_shift"]
    );
    // A person who is still in the first shift leaves it.
    assert_eq!(
        decide_and_evaluate(&rules, &["2026-03-02T08:00", "2026-03-02T17:00"]),
        [a, a]
    );
}

#[test]
fn midnight_ends_no_streak() {
    let rules =
        common::rules("[anomalies]\nlow_liveness = { below = 0.5, streak = 3, action = 'refuse' }");
    let third = |scans: [&str; 3]| {
        let mut past: Vec<Mark> = Vec::new();
        let mut last = None;
        let mut given = Vec::new();
        for (number, time) in scans.iter().enumerate() {
            let sighting = Sighting::new(anna(), at(&rules, time)).with_liveness(0.1);
            let decision = rules.decide(&past, &sighting).unwrap();
            past.extend(decision.mark(&sighting));
            given.push(Punch::from_sighting(format!("{number}"), &sighting));
            last = Some(decision.verdict);
        }
        let (month, as_of) = (
            period("2026-03-01", "2026-03-31"),
            at(&rules, "2026-05-01T00:00"),
        );
        let ledger = rules.evaluate(&anna(), &given, &[], month, as_of).unwrap();
        let refused = |code: &str| code == "low_liveness";
        let decided = matches!(last, Some(Verdict::Refused { code, .. }) if refused(&code));
        let evaluated = matches!(&ledger.outcomes[2].outcome, PunchVerdict::Unassigned { code, .. } if refused(code));
        assert_eq!(decided, evaluated);
        decided
    };
    assert!(third([
        "2026-03-02T22:40",
        "2026-03-02T22:50",
        "2026-03-02T23:00"
    ]));
    assert!(third([
        "2026-03-02T23:40",
        "2026-03-02T23:50",
        "2026-03-03T00:00"
    ]));
    assert!(third([
        "2026-03-02T23:40",
        "2026-03-02T23:50",
        "2026-03-03T23:39"
    ]));
    // A low score counts for 24 hours.
    assert!(!third([
        "2026-03-02T23:40",
        "2026-03-02T23:50",
        "2026-03-03T23:40"
    ]));
}

/// The days between nights of more than twelve hours look like work. Each scan after such a night is doubtful.
#[test]
fn a_gap_that_may_be_a_night_is_doubtful_at_the_door_too() {
    let rules = common::rules("");
    let scans = [
        "2026-03-02T08:00",
        "2026-03-02T19:00",
        "2026-03-03T08:00",
        "2026-03-03T19:00",
        "2026-03-04T08:00",
    ];
    assert_eq!(
        decide_and_evaluate(&rules, &scans),
        [
            "- 2026-03-02",
            "- 2026-03-02",
            "- 2026-03-03",
            "- 2026-03-03",
            "- 2026-03-04"
        ]
    );
    let codes: Vec<Vec<String>> = evaluate(&rules, &scans, "2026-03-02", "2026-03-04")
        .outcomes
        .iter()
        .map(|it| it.anomalies.iter().map(|it| it.code.to_string()).collect())
        .collect();
    let doubtful = || vec!["doubtful_gap".to_owned()];
    assert_eq!(codes, [vec![], vec![], doubtful(), vec![], doubtful()]);
}
