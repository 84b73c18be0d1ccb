//! Sessions: excuses, joining late, leaving early, made-up and moved sessions, and rates.

mod common;

use std::collections::BTreeMap;

use attendance_rules::{
    DayCount, Policy, Punch, Seconds, Session, SessionRules, SessionSheet, SessionStatus,
    Statistics,
};
use facekit::jiff::Timestamp;
use facekit::{AttendancePolicy, Direction, PersonId, Sighting, Verdict};

fn person(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

fn time(text: &str) -> Timestamp {
    format!("2026-03-{text}:00Z").parse().unwrap()
}

/// A session on a day from 10:00 to 11:00 with four people, who are late after 15 minutes.
fn session(day: u8) -> Session {
    let at = |hour: u8| time(&format!("{day:02}T{hour}:00"));
    Session::new(format!("maths/{day}"), at(10), at(11))
        .with_roster(["anna", "bert", "cleo", "dora"].map(person))
        .with_rules(SessionRules {
            present_within: Some(Seconds::minutes(15)),
            ..SessionRules::default()
        })
}

/// The sheet of a session after it closed, with punches as in "anna 10:05".
fn sheet(session: &Session, punches: &[&str]) -> SessionSheet {
    let day = &session.start.to_string()[8..10];
    let punches: Vec<_> = punches
        .iter()
        .enumerate()
        .map(|(id, text)| {
            let (name, at) = text.split_once(' ').unwrap();
            Punch::new(
                format!("{id:02}"),
                person(name),
                time(&format!("{day}T{at}")),
            )
        })
        .collect();
    session.evaluate(&punches, time("31T00:00")).unwrap()
}

fn statuses(sheet: &SessionSheet) -> BTreeMap<&str, SessionStatus> {
    sheet
        .marks
        .iter()
        .map(|mark| (mark.person.as_str(), mark.status))
        .collect()
}

#[test]
fn excused_people() {
    let excused = session(2).with_excused(["bert", "cleo"].map(person));
    let sheet = sheet(&excused, &["anna 10:00", "cleo 10:20"]);
    use SessionStatus::{Absent, Excused, Late, Present};
    let expected = [
        ("anna", Present),
        ("bert", Excused),
        ("cleo", Late),
        ("dora", Absent),
    ];
    assert_eq!(statuses(&sheet), BTreeMap::from(expected));
    let sums = Statistics::of_sessions([&sheet]);
    assert_eq!(sums[&person("bert")].due, DayCount::ZERO);
    assert_eq!(sums[&person("bert")].on_leave, DayCount::ONE);
    assert_eq!(
        sums[&person("cleo")].present,
        DayCount::ONE,
        "an excused person may come"
    );
}

#[test]
fn leaving_early_and_the_minimum() {
    let mut session = session(2);
    session.rules.leave_within = Some(Seconds::minutes(15));
    session.rules.early_before = Seconds::minutes(5);
    session.rules.minimum = Seconds::minutes(30);
    let sheet = sheet(
        &session,
        &[
            "anna 10:00",
            "anna 10:00",
            "anna 10:20",
            "anna 10:56", // The last scan counts.
            "bert 10:00",
            "bert 10:29",
            "cleo 10:20",
            "cleo 10:50",
            "dora 10:40",
            "dora 11:10",
        ],
    );
    use SessionStatus::{Absent, Late, Present};
    let expected = [
        ("anna", Present),
        ("bert", Absent),
        ("cleo", Late),
        ("dora", Absent),
    ];
    assert_eq!(
        statuses(&sheet),
        BTreeMap::from(expected),
        "29 and 20 minutes are too few"
    );
    let early: Vec<_> = sheet
        .marks
        .iter()
        .map(|mark| mark.left_early.0 / 60)
        .collect();
    assert_eq!(early, [0, 31, 10, 0], "4 minutes are within the grace");
    let sums = Statistics::of_sessions([&sheet]);
    let left_early = sums.values().map(|sums| sums.left_early);
    assert_eq!(
        left_early.collect::<Vec<_>>(),
        [0, 0, 1, 0],
        "an absent person does not leave"
    );
    // A person who does not scan again stays until the end.
    let once = self::sheet(&session, &["anna 10:00", "bert 10:31"]);
    assert_eq!(statuses(&once)["anna"], Present);
    assert_eq!(statuses(&once)["bert"], Absent, "29 minutes");
    // The session is open until people can no longer leave.
    let open = session.evaluate(&[], time("02T11:15")).unwrap();
    assert!(!open.is_closed && open.marks.is_empty());
    // Without leave_within, the second scan does not count.
    let mut without = session.clone();
    without.rules = SessionRules::default();
    let sheet = self::sheet(&without, &["anna 10:00", "anna 10:20"]);
    assert_eq!(
        (sheet.refused[0].code.as_str(), sheet.marks[0].left),
        ("already_marked", None)
    );
}

#[test]
fn decisions_agree_with_the_sheet() {
    let mut session = session(2);
    session.rules.leave_within = Some(Seconds::minutes(15));
    let anna = person("anna");
    let mut past = Vec::new();
    let verdicts = ["09:59", "10:00", "10:00", "10:30", "11:10", "11:20"].map(|at| {
        let sighting = Sighting::new(anna.clone(), time(&format!("02T{at}")));
        let decision = session.decide(&past, &sighting).unwrap();
        past.extend(decision.mark(&sighting));
        match decision.verdict {
            Verdict::Accepted {
                direction: Direction::Entry,
            } => "entry",
            Verdict::Accepted {
                direction: Direction::Exit,
            } => "exit",
            Verdict::Duplicate { .. } => "duplicate",
            _ => "refused",
        }
    });
    assert_eq!(
        verdicts,
        ["refused", "entry", "duplicate", "exit", "exit", "refused"]
    );
    let sheet = sheet(
        &session,
        &[
            "anna 09:59",
            "anna 10:00",
            "anna 10:30",
            "anna 11:10",
            "anna 11:20",
        ],
    );
    assert_eq!(sheet.marks[0].left, Some(time("02T11:10")));
    let refused: Vec<_> = sheet.refused.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(refused, ["not_open", "already_marked"]);
}

#[test]
fn rules_for_leaving_that_contradict_each_other() {
    let fails = |change: fn(&mut SessionRules)| {
        let mut session = session(2);
        change(&mut session.rules);
        session
            .evaluate(&[], time("31T00:00"))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        fails(|rules| rules.minimum = Seconds::minutes(30)),
        "session \"maths/2\": minimum needs leave_within, so that people scan when they leave"
    );
    assert_eq!(
        fails(
            |rules| (rules.leave_within, rules.minimum) = (Some(Seconds(0)), Seconds::minutes(61))
        ),
        "session \"maths/2\": minimum (1h 1m) is longer than the session (1h)"
    );
    assert!(fails(|rules| rules.leave_within = Some(Seconds(-1))).contains("leave_within is -1s"));
}

/// Anna: two absences, one of them made up, a late arrival, and two sessions in time.
fn course() -> Vec<SessionSheet> {
    let lab = Session::new("lab", time("20T10:00"), time("20T11:00"))
        .with_roster(["anna", "bert"].map(person))
        .with_makes_up("maths/3");
    vec![
        sheet(&session(2), &["bert 10:00"]),
        sheet(&session(3), &[]),
        sheet(&session(4), &["anna 10:20"]),
        sheet(&session(5), &["anna 10:00"]),
        sheet(&session(6), &["anna 10:00"]),
        sheet(&lab, &["anna 10:00"]),
    ]
}

fn figures(sums: &Statistics) -> [u32; 4] {
    let days = [sums.due, sums.attended, sums.absent].map(|count| count.halves() / 2);
    [days[0], days[1], days[2], sums.late]
}

#[test]
fn made_up_sessions() {
    let all = course();
    let sums = Statistics::of_sessions(&all);
    assert_eq!(figures(&sums[&person("anna")]), [5, 4, 1, 1]);
    assert_eq!(
        figures(&sums[&person("bert")]),
        [5, 1, 4, 0],
        "nobody must come to the other session"
    );
    let without = Statistics::of_sessions(&all[..5]);
    assert_eq!(figures(&without[&person("anna")]), [5, 3, 2, 1]);
}

#[test]
fn the_lowest_sessions_are_dropped() {
    let all = course();
    for (number, expected) in [
        (0, [5, 4, 1, 1]),
        (1, [4, 4, 0, 1]),
        (2, [3, 3, 0, 0]),
        (9, [3, 3, 0, 0]),
    ] {
        let policy = Policy::from_toml(&format!("[statistics]\ndrop_lowest = {number}")).unwrap();
        let sums = Statistics::of_course(&all, &policy.statistics);
        assert_eq!(figures(&sums[&person("anna")]), expected, "{number}");
    }
}

#[test]
fn rates_over_past_and_future_sessions() {
    let sums = Statistics::of_sessions(&course())[&person("bert")];
    // One of five sessions attended. Five more are planned.
    assert_eq!(sums.rate().unwrap().percent(), 20);
    let percent = |attended| sums.rate_with(attended, 5).unwrap().percent();
    assert_eq!([0, 3, 5, 9].map(percent), [10, 40, 60, 60]);
    assert_eq!(Statistics::default().rate_with(0, 0), None);
}

#[cfg(feature = "ical")]
mod series {
    use attendance_rules::{Period, SessionSeries};

    use super::*;

    fn maths() -> SessionSeries {
        let start = "2026-03-02T10:00".parse().unwrap();
        let mut series = SessionSeries::new("m", start, Seconds::hours(1), "FREQ=WEEKLY;BYDAY=MO");
        series.roster = Some(["anna", "bert"].map(person).into());
        series
    }

    fn ids(series: &SessionSeries, from: &str, to: &str) -> Vec<(String, String)> {
        let period = Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let sessions = series.sessions("UTC", period).unwrap();
        let of = |session: &Session| {
            (
                session.id.clone(),
                session.start.to_string()[5..16].to_owned(),
            )
        };
        sessions.iter().map(of).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |&(id, start): &(&str, &str)| (id.to_owned(), start.to_owned());
        expected.iter().map(owned).collect()
    }

    #[test]
    fn moved_and_extra_sessions() {
        let mut series = maths();
        series.moved.insert(
            "2026-03-09".parse().unwrap(),
            "2026-03-11T14:00".parse().unwrap(),
        );
        series.moved.insert(
            "2026-03-30".parse().unwrap(),
            "2026-04-02T10:00".parse().unwrap(),
        );
        series.extra.insert("2026-03-21T09:00".parse().unwrap());
        series.extra.insert("2026-03-23T15:00".parse().unwrap());
        let march = pairs(&[
            ("m/2026-03-02", "03-02T10:00"),
            ("m/2026-03-09", "03-11T14:00"),
            ("m/2026-03-16", "03-16T10:00"),
            ("m/2026-03-21", "03-21T09:00"),
            ("m/2026-03-23", "03-23T10:00"),
            ("m/2026-03-23T15:00:00", "03-23T15:00"),
        ]);
        assert_eq!(ids(&series, "2026-03-01", "2026-03-31"), march);
        let april = pairs(&[
            ("m/2026-03-30", "04-02T10:00"),
            ("m/2026-04-06", "04-06T10:00"),
        ]);
        assert_eq!(ids(&series, "2026-04-01", "2026-04-07"), april);
        // A moved session is once in two periods.
        assert_eq!(ids(&series, "2026-03-09", "2026-03-09"), []);
        assert_eq!(ids(&series, "2026-03-10", "2026-03-11").len(), 1);
        series.moved.insert(
            "2026-03-10".parse().unwrap(),
            "2026-03-11T14:00".parse().unwrap(),
        );
        let period =
            Period::new("2026-03-01".parse().unwrap(), "2026-03-31".parse().unwrap()).unwrap();
        let error = series.sessions("UTC", period).unwrap_err().to_string();
        assert_eq!(
            error,
            "session \"m\": moved 2026-03-10: the rule has no session on this day"
        );
    }

    #[test]
    fn people_who_join_late_or_leave() {
        let mut series = maths();
        series
            .roster_from
            .insert(person("bert"), "2026-03-09".parse().unwrap());
        series
            .roster_until
            .insert(person("anna"), "2026-03-16".parse().unwrap());
        series
            .excused
            .insert("2026-03-09".parse().unwrap(), [person("anna")].into());
        let period =
            Period::new("2026-03-01".parse().unwrap(), "2026-03-31".parse().unwrap()).unwrap();
        let sessions = series.sessions("UTC", period).unwrap();
        let sheets: Vec<_> = sessions
            .iter()
            .map(|it| it.evaluate(&[], time("31T00:00")).unwrap())
            .collect();
        let sums = Statistics::of_sessions(&sheets);
        let of = |name: &str| {
            let sums = &sums[&person(name)];
            [sums.due, sums.absent, sums.on_leave].map(|count| count.halves() / 2)
        };
        assert_eq!((of("anna"), of("bert")), ([2, 2, 1], [4, 4, 0]));
        assert!(sheets[4].is_closed && sheets[0].marks.len() == 1);
    }
}
