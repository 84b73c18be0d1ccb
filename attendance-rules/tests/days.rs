//! Days: their shifts, expected time, breaks and rounding.

mod common;

use attendance_rules::{Calendar, DayCount, DayRecord, Half, Ledger, Seconds, Statistics, Status};
use common::{HOUR, MINUTE, at, day, evaluate, hours, places, rules, statuses};
use facekit::jiff::tz::TimeZone;

const MONDAY: &str = "2026-03-02";
const SPLIT: &str = "[[shifts]]\nname = 'a'\nstart = '08:00'\nend = '12:30'\n[[shifts]]\nname = 'b'\nstart = '13:30'\nend = '17:30'\n";
const NIGHT: &str =
    "[[shifts]]\nname = 'night'\nstart = '22:00'\nend = '06:00'\novernight = true\n";

#[test]
fn the_time_between_two_shifts_is_a_break() {
    let lunch = "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '14:00'\nat_most = '1h'\n";
    let record = day(
        &rules(&format!("{SPLIT}{lunch}")),
        MONDAY,
        &["08:00", "12:30", "13:30", "17:30"],
    );
    assert_eq!((hours(&record), record.balance), (8.5, Seconds(0)));
    let two = format!("[assignment]\nnew_shift_after = '30m'\n{lunch}deduct = 'whole'");
    let record = day(&rules(&two), MONDAY, &["08:00", "12:30", "13:10", "17:30"]);
    assert_eq!(
        (record.shifts, hours(&record)),
        (2, 8.5),
        "20 minutes are left of the hour"
    );
    let two = "[assignment]\nnew_shift_after = '5m'\n[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '1h'";
    let record = day(&rules(two), MONDAY, &["07:00", "12:00", "12:10", "17:10"]);
    assert_eq!(
        (record.shifts, hours(&record)),
        (2, 9.17),
        "50 minutes are left of the hour"
    );
}

#[test]
fn a_shift_worked_to_the_minute_balances() {
    for breaks in [
        "",
        "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '14:00'\nat_most = '1h'\n",
        "[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '1h'\n",
        "[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '2h'\ndeduct = 'whole'\n",
    ] {
        let whole = "[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '17:00'\n";
        let record = day(
            &rules(&format!("{whole}{breaks}")),
            MONDAY,
            &["08:00", "17:00"],
        );
        assert_eq!(record.balance, Seconds(0), "{breaks}");
        let rules = rules(&format!("{SPLIT}{breaks}"));
        let record = day(&rules, MONDAY, &["08:00", "12:30", "13:30", "17:30"]);
        assert_eq!(record.balance, Seconds(0), "{breaks}");
        assert!(record.counted.0 > 0);
    }
}

/// Five nights from Monday to Friday, worked in full.
fn nights(day: &str) -> Ledger {
    let rules = rules(&format!(
        "[assignment]\nday = '{day}'\n{NIGHT}[work]\nfull_day = '6h'\nhalf_day = '3h'\n[overtime]\nrest_days = true\ndaily = {{}}"
    ));
    let times: Vec<String> = (2..7)
        .flat_map(|day| {
            [
                format!("2026-03-{day:02}T22:00"),
                format!("2026-03-{:02}T06:00", day + 1),
            ]
        })
        .collect();
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    evaluate(&rules, &times, "2026-03-01", "2026-03-08")
}

#[test]
fn the_expected_time_is_on_the_day_of_the_work() {
    for (rule, first, last) in [("start", 2, 6), ("end", 3, 7), ("most_worked", 3, 7)] {
        let ledger = nights(rule);
        let expected: Vec<_> = (first..=last)
            .map(|day| (format!("2026-03-{day:02}"), Status::Present))
            .collect();
        assert_eq!(statuses(&ledger), expected, "{rule}");
        for day in &ledger.days {
            assert_eq!(
                (hours(day), day.balance, day.obliged),
                (8.0, Seconds(0), true),
                "{rule} {}",
                day.date
            );
            assert_eq!(day.overtime.counted(), Seconds(0), "{rule} {}", day.date);
        }
    }
}

#[test]
fn a_split_night_is_judged_as_a_whole_on_its_first_day() {
    let ledger = nights("split_at_midnight");
    let figures: Vec<_> = ledger
        .days
        .iter()
        .map(|day| (hours(day), day.status))
        .collect();
    let night = (8.0, Status::Present);
    assert_eq!(
        figures,
        [
            (2.0, Status::Present),
            night,
            night,
            night,
            night,
            (6.0, Status::Present)
        ]
    );
    let sums = Statistics::of(&ledger.days);
    assert_eq!(
        [sums.due, sums.present, sums.attended, sums.absent],
        [5, 5, 5, 0].map(DayCount::days)
    );
    assert_eq!((sums.balance, sums.overtime), (Seconds(0), Seconds(0)));
}

#[test]
fn the_day_of_a_scheduled_shift_does_not_depend_on_the_work() {
    let rules = rules(
        "[assignment]\nday = 'most_worked'\n[[shifts]]\nname = 'evening'\nstart = '18:00'\nend = '02:00'\novernight = true",
    );
    // Five hours late, so that most of the work is after midnight.
    let ledger = evaluate(
        &rules,
        &["2026-03-02T23:00", "2026-03-03T02:00"],
        MONDAY,
        "2026-03-02",
    );
    assert_eq!(places(&ledger), ["evening 2026-03-02"; 2]);
    assert_eq!(statuses(&ledger), [(MONDAY.to_owned(), Status::HalfDay)]);
    assert_eq!(ledger.days[0].balance, Seconds(-5 * HOUR));
}

#[test]
fn leave_moves_with_the_shift() {
    let mut calendar = Calendar::new();
    calendar.add(MONDAY.parse().unwrap(), "Founders' Day", None);
    let rules = rules(&format!("[assignment]\nday = 'end'\n{NIGHT}")).with_calendar(calendar);
    let absent = |day: &str| (day.to_owned(), Status::Absent);
    // The night of Monday is free, so there is no absence on Tuesday.
    assert_eq!(
        statuses(&evaluate(&rules, &[], "2026-03-01", "2026-03-05")),
        [absent("2026-03-04"), absent("2026-03-05")]
    );
}

#[test]
fn overtime_and_windows_use_the_rounded_sum() {
    let rounded = |to: &str, until: &str| -> DayRecord {
        let rules = rules(&format!(
            "[work]\nexpected = '8h'\n[work.rounding]\nduration = {{ to = '{to}', step = '15m' }}\n\
             [overtime]\ndaily = {{}}\n[[windows]]\nname = 'all'\nfrom = '00:00'\nto = '23:59'"
        ));
        day(&rules, MONDAY, &["08:00", until])
    };
    for (to, until, counted, overtime) in [
        ("down", "16:14", 480, 0),
        ("up", "16:01", 495, 15),
        ("nearest", "16:08", 495, 15),
    ] {
        let record = rounded(to, until);
        let (counted, overtime) = (Seconds(counted * MINUTE), Seconds(overtime * MINUTE));
        assert_eq!(
            (record.counted, record.overtime.daily),
            (counted, overtime),
            "{to}"
        );
        assert_eq!(
            (record.balance, record.windows[0].worked),
            (overtime, counted),
            "{to}"
        );
    }
}

#[test]
fn an_automatic_out_after_the_expected_time_allows_for_breaks() {
    let out = |keys: &str, tolerance: &str, times: &[&str]| {
        let rules = rules(&format!(
            "{keys}[assignment.missing_out.after_expected]\ntolerance = '{tolerance}'\n"
        ));
        let record = day(&rules, MONDAY, times);
        assert!(record.automatic);
        let out = record.last.unwrap().to_zoned_datetime(TimeZone::UTC);
        (
            out.strftime("%H:%M").to_string(),
            record.counted.to_string(),
            record.left_early,
        )
    };
    let shift = "[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '17:00'\n";
    let lunch = format!("{shift}[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '13:00'\n");
    let after = format!("{shift}[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '30m'\n");
    let own = format!(
        "{shift}breaks = [{{ kind = 'fixed', from = '12:00', to = '14:00', at_most = '45m', deduct = 'whole' }}]\n"
    );
    let paid =
        format!("{shift}[[breaks]]\nkind = 'fixed'\nfrom = '10:00'\nto = '10:30'\npaid = true\n");
    let expected = |time: &str, counted: &str| (time.to_owned(), counted.to_owned(), Seconds(0));
    for (keys, tolerance, times, answer) in [
        (&lunch, "0s", vec!["08:00"], expected("17:00", "8h")),
        (&lunch, "1h", vec!["08:00"], expected("18:00", "9h")),
        (&lunch, "0s", vec!["08:10"], expected("17:10", "8h")),
        // The lunch is punched.
        (
            &lunch,
            "0s",
            vec!["08:00", "12:00", "13:00"],
            expected("17:00", "8h"),
        ),
        (&after, "0s", vec!["08:00"], expected("17:00", "8h 30m")),
        (&own, "0s", vec!["08:00"], expected("17:00", "8h 15m")),
        // A punched break that is paid counts.
        (
            &paid,
            "0s",
            vec!["08:00", "10:00", "10:15"],
            expected("17:00", "9h"),
        ),
    ] {
        assert_eq!(out(keys, tolerance, &times), answer, "{keys} {times:?}");
    }
}

#[test]
fn an_automatic_out_does_not_count_free_time() {
    let after = "[assignment.missing_out.after_expected]\ntolerance = '1h'\n";
    let eve = || {
        let mut calendar = Calendar::new();
        calendar.add(MONDAY.parse().unwrap(), "Eve", Some(Half::Afternoon));
        calendar
    };
    let out = |ledger: &Ledger| ledger.shifts[0].automatic_out.unwrap();
    // The expected time counts from the first IN.
    let rules_ = rules(&format!(
        "{after}[work]\nexpected = '8h'\ncount = 'first_in_last_out'"
    ));
    let ledger = evaluate(
        &rules_,
        &["2026-03-02T08:00", "2026-03-02T12:00", "2026-03-02T13:00"],
        MONDAY,
        MONDAY,
    );
    assert_eq!(
        (out(&ledger), hours(&ledger.days[0])),
        (at(&rules_, "2026-03-02T17:00"), 9.0)
    );
    // Half the expected time on a half-holiday.
    let rules_ = rules(&format!("{after}[work]\nexpected = '8h'")).with_calendar(eve());
    let ledger = evaluate(&rules_, &["2026-03-02T08:00"], MONDAY, MONDAY);
    assert_eq!(
        (out(&ledger), hours(&ledger.days[0])),
        (at(&rules_, "2026-03-02T13:00"), 5.0)
    );
    // The shift ends where the free half begins.
    let rules_ = rules("[assignment]\nmissing_out = 'at_shift_end'\n[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '16:00'")
        .with_calendar(eve());
    let ledger = evaluate(&rules_, &["2026-03-02T08:00"], MONDAY, MONDAY);
    assert_eq!(
        (out(&ledger), ledger.days[0].balance),
        (at(&rules_, "2026-03-02T12:00"), Seconds(0))
    );
}

#[test]
fn lateness_is_recorded_in_the_half_that_is_not_free() {
    let mut calendar = Calendar::new();
    calendar.add(
        MONDAY.parse().unwrap(),
        "Morning after",
        Some(Half::Morning),
    );
    let rules = rules(SPLIT).with_calendar(calendar);
    let ledger = evaluate(
        &rules,
        &["in 2026-03-02T14:00", "out 2026-03-02T17:30"],
        MONDAY,
        MONDAY,
    );
    assert_eq!(places(&ledger), ["b 2026-03-02"; 2]);
    assert_eq!(ledger.days[0].late, Seconds(30 * MINUTE));
}

#[test]
fn a_day_that_did_not_exist_has_no_windows_and_no_breaks() {
    let rules = rules(
        "[site]
        time_zone = 'Pacific/Apia'
        [[windows]]
        name = 'early'
        from = '00:00'
        to = '06:00'
        [[breaks]]
        kind = 'fixed'
        from = '01:00'
        to = '03:00'
        at_most = '1h'",
    );
    let ledger = evaluate(
        &rules,
        &["2011-12-29T22:00", "2011-12-31T06:00"],
        "2011-12-29",
        "2011-12-31",
    );
    assert_eq!(hours(&ledger.days[0]), 7.0);
    assert_eq!(ledger.days[0].windows[0].worked, Seconds(5 * HOUR));
}

#[test]
fn a_break_in_the_hour_that_the_clock_skips_or_repeats() {
    let rules = rules(&format!(
        "[site]\ntime_zone = 'Europe/Berlin'\nworking_days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']\n{NIGHT}\
         [[breaks]]\nkind = 'fixed'\nfrom = '02:00'\nto = '03:00'"
    ));
    for (date, next, figure) in [
        ("2026-03-27", "2026-03-28", 7.0),
        ("2026-03-28", "2026-03-29", 7.0),
        ("2026-03-29", "2026-03-30", 7.0),
        ("2026-10-23", "2026-10-24", 7.0),
        ("2026-10-24", "2026-10-25", 8.0),
        ("2026-10-25", "2026-10-26", 7.0),
    ] {
        let times = [format!("{date}T22:00"), format!("{next}T06:00")];
        let ledger = evaluate(&rules, &[&times[0], &times[1]], date, date);
        let record = &ledger.days[0];
        assert_eq!(
            (hours(record), record.balance),
            (figure, Seconds(0)),
            "{date}"
        );
    }
}
