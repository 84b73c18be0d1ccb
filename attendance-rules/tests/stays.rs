//! The stay to which a punch belongs: late departures, early arrivals, and missing INs and OUTs.

mod common;

use attendance_rules::{Ledger, Rules, Seconds, Status};
use common::{HOUR, MINUTE, day, evaluate, evaluate_as_of, hours, places, rules};
use facekit::AttendancePolicy;

const MONDAY: &str = "2026-03-02";
const DAY: &str = "[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '17:00'\n";
const NIGHT: &str = "[[shifts]]\nname = 'n'\nstart = '22:00'\nend = '06:00'\novernight = true\n";

/// The codes of the notes on a day.
fn notes(record: &attendance_rules::DayRecord) -> Vec<&str> {
    record.notes.iter().map(|note| &*note.code).collect()
}

/// The codes of the notes on all days.
fn all_notes(ledger: &Ledger) -> Vec<&str> {
    ledger.days.iter().flat_map(notes).collect()
}

fn week(rules: &Rules, texts: &[&str]) -> Ledger {
    evaluate(rules, texts, MONDAY, "2026-03-08")
}

#[test]
fn a_person_who_stays_later_than_the_margin_keeps_the_day() {
    let text = format!("{DAY}[overtime]\ndaily = {{}}\n");
    for missing_out in ["", "[assignment]\nmissing_out = 'at_shift_end'\n"] {
        let rules = rules(&format!("{text}{missing_out}"));
        for times in [["08:00", "19:30"], ["in 08:00", "out 19:30"]] {
            let record = day(&rules, MONDAY, &times);
            assert_eq!(record.counted, Seconds(41_400), "{times:?}");
            assert_eq!(record.overtime.daily, Seconds(9000));
            assert_eq!(notes(&record), ["after_margin"]);
            assert!(!record.open && !record.automatic);
        }
    }
}

#[test]
fn a_stay_is_closed_up_to_its_maximum_length() {
    let rules = rules(DAY);
    // 16 h after 08:00 is midnight.
    let at = |out: &str| week(&rules, &["2026-03-02T08:00", out]);
    let last = at("out 2026-03-03T00:00");
    assert_eq!(hours(&last.days[0]), 16.0);
    assert_eq!(places(&last), ["d 2026-03-02"; 2]);
    let later = at("out 2026-03-03T00:00:01");
    assert_eq!(places(&later), ["d 2026-03-02", "outside_shift"]);
    assert!(later.days[0].open);
    let rules = common::rules(&format!("{DAY}[assignment]\nlongest_shift = '12h'"));
    let at = |out: &str| places(&week(&rules, &["2026-03-02T08:00", out]));
    assert_eq!(at("2026-03-02T20:00"), ["d 2026-03-02"; 2]);
    assert_eq!(at("2026-03-02T20:01"), ["d 2026-03-02", "outside_shift"]);
}

#[test]
fn a_night_that_lasts_longer_belongs_to_its_evening() {
    let rules = rules(NIGHT);
    let ledger = week(&rules, &["2026-03-02T22:00", "2026-03-03T09:15"]);
    assert_eq!(places(&ledger), ["n 2026-03-02"; 2]);
    assert_eq!(hours(&ledger.days[0]), 11.25);
    assert_eq!(notes(&ledger.days[0]), ["after_margin"]);
}

#[test]
fn after_the_margin_a_person_can_take_a_break() {
    let rules = rules(DAY);
    let record = day(&rules, MONDAY, &["08:00", "19:30", "20:00", "22:00"]);
    assert_eq!((hours(&record), record.open), (13.5, false));
    // A departure on time ends the stay: a lone punch later is outside.
    let ledger = week(
        &rules,
        &["2026-03-02T08:00", "2026-03-02T17:00", "2026-03-02T19:30"],
    );
    let d = "d 2026-03-02";
    assert_eq!(places(&ledger), [d, d, "outside_shift"]);
}

#[test]
fn after_the_margin_a_punch_near_another_shift_opens_that_shift() {
    let rules = rules(
        "[[shifts]]
        name = 'am'
        start = '08:00'
        end = '12:00'
        [[shifts]]
        name = 'pm'
        start = '16:00'
        end = '20:00'",
    );
    let (am, pm) = ("am 2026-03-02", "pm 2026-03-02");
    let place = |texts: &[&str]| {
        let texts: Vec<String> = texts
            .iter()
            .map(|text| match text.split_once(' ') {
                Some((kind, time)) => format!("{kind} {MONDAY}T{time}"),
                None => format!("{MONDAY}T{text}"),
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        places(&week(&rules, &texts))
    };
    assert_eq!(place(&["08:00", "16:00", "20:00"]), [am, pm, pm]);
    // Nobody comes at the end of a shift: the person worked through.
    assert_eq!(place(&["08:00", "20:00"]), [am, am]);
    assert_eq!(place(&["in 08:00", "out 16:10"]), [am, am]);
    assert_eq!(place(&["08:00", "14:00"]), [am, am]);
}

#[test]
fn the_shift_of_the_next_morning_is_opened_although_an_out_is_missing() {
    let rules = rules(
        "[[shifts]]
        name = 'late'
        start = '14:00'
        end = '22:00'
        [[shifts]]
        name = 'early'
        start = '06:00'
        end = '14:00'
        [schedule]
        kind = 'weekly'
        days = { mon = ['late'], tue = ['early'] }",
    );
    let times = ["2026-03-02T14:00", "2026-03-03T05:50", "2026-03-03T14:00"];
    let ledger = week(&rules, &times);
    let early = "early 2026-03-03";
    assert_eq!(places(&ledger), ["late 2026-03-02", early, early]);
    assert!(ledger.days[0].open && !ledger.days[1].open);
}

#[test]
fn an_early_arrival_opens_the_shift_that_it_precedes() {
    let rules = rules(DAY);
    for (time, figure) in [("04:00", 13.0), ("06:59:59", 10.0), ("in 05:30", 11.5)] {
        let record = day(&rules, MONDAY, &[time, "17:00"]);
        assert_eq!(hours(&record), figure, "{time}");
        assert_eq!(notes(&record), ["before_margin"]);
        assert_eq!(record.late, Seconds(0));
    }
    let place = |text: &str| places(&week(&rules, &[text]));
    assert_eq!(place("2026-03-02T07:00"), ["d 2026-03-02"]);
    assert_eq!(place("2026-03-02T03:59:59"), ["outside_shift"]);
    assert_eq!(place("out 2026-03-02T05:00"), ["outside_shift"]);
    let strict = common::rules(&format!("{DAY}[assignment]\nearly_arrival = '0s'"));
    assert_eq!(
        places(&week(&strict, &["2026-03-02T06:59:59"])),
        ["outside_shift"]
    );
    // Only time from the start on counts, if the policy says so.
    let payable = common::rules(&format!("{DAY}[work]\nbefore_start = false"));
    assert_eq!(hours(&day(&payable, MONDAY, &["05:00", "17:00"])), 9.0);
}

#[test]
fn an_early_arrival_before_midnight_belongs_to_the_next_day() {
    let rules = rules("[[shifts]]\nname = 'e'\nstart = '02:00'\nend = '10:00'");
    let ledger = week(&rules, &["2026-03-02T22:30", "2026-03-03T10:00"]);
    assert_eq!(places(&ledger), ["e 2026-03-03"; 2]);
    let tuesday = ledger.days.iter().find(|day| day.shifts > 0).unwrap();
    assert_eq!(hours(tuesday), 11.5);
}

#[test]
fn an_open_stay_explains_a_punch_before_a_shift() {
    let rules = rules(&format!("{DAY}{}", NIGHT));
    let d = "d 2026-03-02";
    // 19:30 is before the night, but the person is still in the day shift.
    let ledger = week(&rules, &["2026-03-02T08:00", "2026-03-02T19:30"]);
    assert_eq!(places(&ledger), [d, d]);
}

#[test]
fn an_automatic_out_waits_for_the_out() {
    let rules = rules(&format!("{DAY}[assignment]\nmissing_out = 'at_shift_end'"));
    let times = ["2026-03-02T08:00"];
    let at = |as_of| evaluate_as_of(&rules, &times, MONDAY, MONDAY, as_of).days;
    let evening = at("2026-03-02T23:00");
    assert!(evening[0].open && !evening[0].is_final);
    let after = at("2026-03-03T00:01");
    assert!(after[0].automatic && after[0].is_final);
    assert_eq!(hours(&after[0]), 9.0);
}

#[test]
fn a_punch_at_the_end_of_a_shift_is_no_arrival() {
    let overtime = format!("{DAY}[overtime]\ndaily = {{}}\n");
    for count in ["pairs", "first_in_last_out", "first_to_last"] {
        let rules = rules(&format!("{overtime}[work]\ncount = '{count}'"));
        for time in ["17:02", "17:00", "out 17:02", "out 12:00"] {
            let record = day(&rules, MONDAY, &[time]);
            assert_eq!(record.late, Seconds(0), "{count} {time}");
            assert_eq!(record.counted, Seconds(0));
            assert!(record.open, "{count} {time}");
            assert_eq!(notes(&record), ["missing_in"]);
        }
        // The direction of this one is not known, but it is no arrival that is 8 h late.
        let record = day(&rules, MONDAY, &["16:30"]);
        assert_eq!((record.late, record.open), (Seconds(0), true), "{count}");
        // An arrival in the first half is one.
        let record = day(&rules, MONDAY, &["09:00"]);
        assert_eq!((record.late, record.open), (Seconds(HOUR), true));
        // With an OUT after it, it is one, too.
        let record = day(&rules, MONDAY, &["16:30", "17:30"]);
        assert_eq!(record.late, Seconds(510 * MINUTE), "{count}");
    }
}

#[test]
fn a_missing_in_is_as_incomplete_as_a_missing_out() {
    let rules = rules("[work]\nexpected = '8h'\nfull_day = '7h'\nhalf_day = '4h'");
    for time in ["out 17:00", "in 09:00", "09:00"] {
        let record = day(&rules, MONDAY, &[time]);
        assert_eq!(
            (record.status, record.open),
            (Status::Incomplete, true),
            "{time}"
        );
    }
    // A later pair is known: 3 h of a day of 8 h, and time before the OUT that is not.
    let record = day(&rules, MONDAY, &["out 12:00", "in 13:00", "out 16:00"]);
    assert_eq!((record.status, hours(&record)), (Status::Incomplete, 3.0));
    // The known time is a full day, so what is missing does not matter.
    let record = day(&rules, MONDAY, &["out 06:00", "in 08:00", "out 16:00"]);
    assert_eq!(record.status, Status::Present);
}

#[test]
fn two_duties_without_a_punch_between_them_are_doubtful() {
    let rules = rules(
        "[[shifts]]
        name = 'duty'
        start = '08:00'
        end = '08:00'
        overnight = true
        [schedule]
        kind = 'rotation'
        from = '2026-03-02'
        cycle = [['duty'], ['duty'], [], []]",
    );
    let ledger = evaluate(
        &rules,
        &["2026-03-02T08:00", "2026-03-04T08:00"],
        MONDAY,
        "2026-03-04",
    );
    assert_eq!(places(&ledger), ["duty 2026-03-02", "duty 2026-03-03"]);
    assert!(ledger.days.iter().all(|day| day.open));
    assert_eq!(all_notes(&ledger), ["missing_in"]);
}

#[test]
fn a_call_at_night_is_an_unscheduled_shift_if_the_policy_says_so() {
    let text = format!("{DAY}[overtime]\ndaily = {{}}\n");
    let times = ["08:00", "17:00", "21:00", "23:00"];
    let record = day(&rules(&text), MONDAY, &times);
    assert_eq!(hours(&record), 9.0);
    let rules = rules(&format!(
        "{text}[assignment]\noutside_windows = 'unscheduled'"
    ));
    let record = day(&rules, MONDAY, &times);
    assert_eq!(record.counted, Seconds(39_600));
    assert_eq!(record.overtime.daily, Seconds(7200));
}

/// A person who stays from a night to the end of the early shift, and one who forgets two punches, look the same.
#[test]
fn a_day_of_absence_names_the_work_that_reaches_into_its_shift() {
    let text = format!(
        "{NIGHT}[[shifts]]\nname = 'e'\nstart = '06:00'\nend = '14:00'\n\
         [schedule]\nkind = 'weekly'\ndays = {{ mon = ['n'], tue = ['e'], wed = ['e'] }}\n"
    );
    let rules = rules(&text);
    let both = ["2026-03-02T22:00", "2026-03-03T14:00"];
    let ledger = evaluate(&rules, &both, MONDAY, "2026-03-04");
    let found: Vec<_> = ledger
        .days
        .iter()
        .map(|day| (day.status, notes(day)))
        .collect();
    assert_eq!(
        found,
        [
            (Status::Present, vec!["after_margin"]),
            (Status::Absent, vec!["work_of_other_day"]),
            (Status::Absent, vec![]),
        ]
    );
    let note = &ledger.days[1].notes[0];
    assert_eq!(
        note.message,
        "the work of 2026-03-02 reaches into shift \"e\""
    );
    assert_eq!(ledger.days[1].anomalies, 1);
    // A night that ends when the early shift starts is no doubt.
    let night = ["2026-03-02T22:00", "2026-03-03T06:00"];
    let ledger = evaluate(&rules, &night, MONDAY, "2026-03-03");
    assert!(all_notes(&ledger).is_empty());
}

#[test]
fn an_unworked_shift_of_a_day_is_named() {
    let split = "[[shifts]]
        name = 'am'
        start = '08:00'
        end = '12:00'
        [[shifts]]
        name = 'pm'
        start = '16:00'
        end = '20:00'
        ";
    let rules = rules(split);
    let record = day(&rules, MONDAY, &["08:00", "12:00"]);
    assert_eq!((hours(&record), record.balance), (4.0, Seconds(-4 * HOUR)));
    assert_eq!(notes(&record), ["shift_not_worked"]);
    assert_eq!(record.notes[0].message, "shift \"pm\" was not worked");
    assert_eq!(record.anomalies, 1);
    let record = day(&rules, MONDAY, &["16:00", "20:00"]);
    assert_eq!(record.notes[0].message, "shift \"am\" was not worked");
    for whole in [
        &["08:00", "12:00", "16:00", "20:00"][..],
        &["08:00", "20:00"],
    ] {
        let codes = day(&rules, MONDAY, whole);
        assert!(!notes(&codes).contains(&"shift_not_worked"), "{whole:?}");
    }
    // Before the end of the second shift, nothing is missing.
    let noon = evaluate_as_of(
        &rules,
        &["2026-03-02T08:00", "2026-03-02T12:00"],
        MONDAY,
        MONDAY,
        "2026-03-02T15:00",
    );
    assert!(noon.days[0].notes.is_empty());
}

#[test]
fn rest_and_work_are_flagged() {
    let text = "[anomalies]\nshort_rest = '11h'\nlong_work = '10h'\n";
    let rules = rules(text);
    let ledger = week(
        &rules,
        &[
            "2026-03-02T12:00",
            "2026-03-02T23:00",
            "2026-03-03T09:59",
            "2026-03-03T19:59",
            "2026-03-04T06:59",
            "2026-03-04T16:00",
        ],
    );
    let codes: Vec<_> = ledger.days[..3].iter().map(notes).collect();
    assert_eq!(codes, [vec!["long_work"], vec!["short_rest"], vec![]]);
    assert_eq!(
        ledger.days[1].notes[0].message,
        "a rest of 10h 59m before this day's work"
    );
    // A break between two shifts of one day is no rest.
    let split = day(&rules, MONDAY, &["06:00", "10:00", "16:00", "20:00"]);
    assert_eq!((split.shifts, split.notes.len()), (2, 0));
}

#[test]
fn a_week_that_the_period_cuts_is_said() {
    let rules = rules("[site]\nweek_starts = 'sun'\n[overtime]\nweekly_after = '40h'");
    let september = [
        "2011-09-01T08:00",
        "2011-09-01T17:00",
        "2011-09-02T08:00",
        "2011-09-02T17:00",
    ];
    let codes = |texts: &[&str]| {
        let mut ledger = evaluate(&rules, texts, "2011-09-01", "2011-09-07");
        let period = common::period("2011-09-01", "2011-09-07");
        rules.note_cut_week(&mut ledger.days, period, &common::punches(&rules, texts));
        ledger
            .days
            .iter()
            .map(|day| {
                (
                    day.date.day(),
                    day.notes.iter().any(|note| note.code == "cut_week"),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        codes(&september),
        [(1, true), (2, true), (5, false), (6, false), (7, false)]
    );
    let mut with_august = vec!["2011-08-31T08:00", "2011-08-31T17:00"];
    with_august.extend(september);
    assert!(codes(&with_august).iter().all(|it| !it.1));
}

#[test]
fn the_reach_of_decisions_covers_early_and_late_punches() {
    let rules = rules(&format!(
        "{DAY}[assignment]\nlongest_shift = '30h'\nearly_arrival = '12h'"
    ));
    assert!(rules.lookback().as_hours() >= 60);
}
