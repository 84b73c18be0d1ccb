//! The worth of a day: overtime, breaks, status, leave and sums. Cases that payroll officers meet.

mod common;

use attendance_rules::{
    Calendar, DayCount, DayRecord, Half, Leave, Ledger, Member, Rules, Seconds, Statistics, Status,
};
use common::{HOUR, MINUTE, anna, day, evaluate, rules, statuses};

const MONDAY: &str = "2026-03-02";
const SUNDAY: &str = "2026-03-08";

/// Evaluates days as in "02 08:00-12:00 13:00-17:00": the day of March 2026, and its spans.
fn march(rules: &Rules, days: &[&str], from: &str, to: &str) -> Ledger {
    let mut times = Vec::new();
    for text in days {
        let (day, spans) = text.split_once(' ').unwrap();
        for time in spans.split([' ', '-']) {
            times.push(format!("2026-03-{day}T{time}"));
        }
    }
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    evaluate(rules, &times, from, to)
}

fn overtime(ledger: &Ledger, kind: fn(&DayRecord) -> Seconds) -> i64 {
    ledger.days.iter().map(|day| kind(day).0).sum()
}

#[test]
fn daily_overtime_does_not_fill_the_week() {
    let rules = rules(
        "[work]\nexpected = '8h'\n[overtime]\nweekly_after = '40h'\ndaily = {}\nrest_days = true",
    );
    // Five days of 10 h: 10 h of daily overtime, and nothing twice.
    let days = ["02", "03", "04", "05", "06"].map(|day| format!("{day} 08:00-18:00"));
    let mut days: Vec<&str> = days.iter().map(String::as_str).collect();
    let ledger = march(&rules, &days, MONDAY, SUNDAY);
    assert_eq!(overtime(&ledger, |day| day.overtime.daily), 10 * HOUR);
    assert_eq!(Statistics::of(&ledger.days).overtime, Seconds(10 * HOUR));
    // Saturday is rest-day overtime, and does not fill the week either.
    days.push("07 08:00-13:00");
    let ledger = march(&rules, &days, MONDAY, SUNDAY);
    assert_eq!(overtime(&ledger, |day| day.overtime.rest_day), 5 * HOUR);
    assert_eq!(overtime(&ledger, |day| day.overtime.weekly), 0);
    assert_eq!(Statistics::of(&ledger.days).overtime, Seconds(15 * HOUR));
}

#[test]
fn overtime_within_the_daily_tolerance_is_regular_work_of_the_week() {
    let rules = rules(
        "[work]\nexpected = '8h'\n[overtime]\nweekly_after = '40h'\ndaily = { tolerance = '15m' }",
    );
    let days = ["02", "03", "04", "05", "06"].map(|day| format!("{day} 08:00-16:10"));
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let ledger = march(&rules, &days, MONDAY, SUNDAY);
    assert_eq!(overtime(&ledger, |day| day.overtime.daily), 0);
    assert_eq!(
        overtime(&ledger, |day| day.overtime.weekly),
        50 * MINUTE,
        "40 h 50 min of regular work"
    );
}

#[test]
fn breaks_after_work_apply_by_their_threshold() {
    let six = "[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '30m'\ndeduct = 'whole'\n";
    let nine = "[[breaks]]\nkind = 'after_work'\nworked = '9h'\nlength = '45m'\ndeduct = 'whole'\n";
    // The work without breaks, in minutes: 6:01 - 0:30, 9:01 - 0:30, 9:31 - 0:45.
    for (from, to, counted) in [
        ("07:00", "13:00", 360),
        ("07:00", "13:01", 331),
        ("07:43", "16:44", 511),
        ("07:00", "16:30", 540),
        ("07:00", "16:31", 526),
    ] {
        for order in [[six, nine], [nine, six]] {
            let record = day(&rules(&order.concat()), MONDAY, &[from, to]);
            assert_eq!(record.counted, Seconds(counted * MINUTE), "{from} to {to}");
        }
    }
}

/// A shift of 9 h with an hour of lunch, and thresholds.
const DAY: &str = "[site]\ntime_zone = 'Asia/Kolkata'\n[[shifts]]\nname = 'day'\nstart = '09:00'\nend = '18:00'\nlate_after = '10m'\nearly_before = '10m'\n\
    [[breaks]]\nkind = 'fixed'\nfrom = '13:00'\nto = '14:00'\n[work]\nfull_day = '7h'\nhalf_day = '4h'\n";

fn leave(day: &str, half: Option<Half>) -> Leave {
    let day = day.parse().unwrap();
    let mut leave = Leave::new(day, day, "sick");
    leave.half = half;
    leave
}

fn with_leave(policy: &str, leave: impl IntoIterator<Item = Leave>) -> Rules {
    let mut member = Member::new(anna());
    member.leave.extend(leave);
    rules(policy).with_members([member]).unwrap()
}

#[test]
fn a_day_with_one_punch_is_incomplete_under_any_policy() {
    for policy in [
        "",
        "[work]\nexpected = '8h'",
        "[work]\nfull_day = '6h'",
        DAY,
    ] {
        let record = day(&rules(policy), MONDAY, &["09:00"]);
        assert_eq!(
            (record.status, record.open),
            (Status::Incomplete, true),
            "{policy}"
        );
        // Also on a Sunday.
        let record = day(&rules(policy), SUNDAY, &["09:00"]);
        assert_eq!(record.status, Status::Incomplete, "{policy}");
    }
    let record = day(
        &rules("[work]\ncount = 'first_to_last'"),
        MONDAY,
        &["09:00"],
    );
    assert_eq!(record.status, Status::Incomplete);
}

#[test]
fn the_threshold_of_a_full_day_follows_from_the_expected_time() {
    let expected = "[work]\nexpected = '8h'";
    let shift = "[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '16:00'";
    for policy in [expected, shift] {
        let rules = rules(policy);
        for (end, status) in [
            ("08:30", Status::HalfDay),
            ("12:00", Status::HalfDay),
            ("13:59", Status::HalfDay),
            ("14:00", Status::Present),
            ("16:00", Status::Present),
        ] {
            assert_eq!(
                day(&rules, MONDAY, &["08:00", end]).status,
                status,
                "{policy} {end}"
            );
        }
    }
    // A full day of a short shift is shorter.
    let short = rules("[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '12:00'");
    assert_eq!(
        day(&short, MONDAY, &["08:00", "11:00"]).status,
        Status::Present
    );
    assert_eq!(
        day(&short, MONDAY, &["08:00", "10:59"]).status,
        Status::HalfDay
    );
    // Without any expected time, all work is a full day.
    assert_eq!(
        day(&rules(""), MONDAY, &["08:00", "08:30"]).status,
        Status::Present
    );
}

#[test]
fn a_short_visit_on_a_free_day_is_no_day_of_work() {
    let stated = "[work]\nfull_day = '8h'\nhalf_day = '4h'\n";
    let overtime = "[overtime]\nrest_days = true\nholidays = true\n";
    let mut calendar = Calendar::new();
    calendar.add("2026-03-04".parse().unwrap(), "Founders' Day", None);
    for (policy, half) in [
        (stated.to_owned(), "13:00"),
        ("[work]\nexpected = '8h'\n".to_owned(), "12:00"),
        (
            "[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '16:00'\n".to_owned(),
            "12:00",
        ),
    ] {
        let rules = rules(&format!("{policy}{overtime}")).with_calendar(calendar.clone());
        for (date, short) in [(SUNDAY, "09:20"), ("2026-03-04", "09:20")] {
            let record = day(&rules, date, &["09:00", short]);
            assert_eq!(record.status, Status::Free, "{policy} {date}");
            assert_eq!(record.overtime.counted(), Seconds(20 * MINUTE));
            let sums = Statistics::of([&record]);
            let none = DayCount::ZERO;
            assert_eq!(
                [sums.present, sums.half_days, sums.absent, sums.due],
                [none; 4]
            );
            // Half a day of work is one, and a full day is one.
            let record = day(&rules, date, &["09:00", half]);
            assert_eq!(record.status, Status::HalfDay, "{policy} {date}");
            let record = day(&rules, date, &["09:00", "17:00"]);
            assert_eq!(Statistics::of([&record]).present, DayCount::ONE);
        }
    }
}

#[test]
fn the_half_that_is_owed_begins_after_the_break() {
    // Eight hours of work: 09:00 to 13:00 and 14:00 to 18:00.
    let morning = with_leave(DAY, [leave(MONDAY, Some(Half::Morning))]);
    for (from, to, late, early, balance) in [
        ("15:30", "18:00", 90, 0, -90),
        ("14:00", "18:00", 0, 0, 0),
        ("14:10", "18:00", 0, 0, -10),
        ("14:11", "18:00", 11, 0, -11),
        ("14:00", "17:30", 0, 30, -30),
    ] {
        let record = day(&morning, MONDAY, &[from, to]);
        let minutes = [record.late, record.left_early, record.balance].map(|it| it.0 / MINUTE);
        assert_eq!(minutes, [late, early, balance], "{from} to {to}");
        assert_eq!(record.expected, Seconds(4 * HOUR));
    }
    let afternoon = with_leave(DAY, [leave(MONDAY, Some(Half::Afternoon))]);
    for (from, to, late, early, balance) in [
        ("09:00", "13:00", 0, 0, 0),
        ("09:30", "13:00", 30, 0, -30),
        ("09:00", "12:00", 0, 60, -60),
    ] {
        let record = day(&afternoon, MONDAY, &[from, to]);
        let minutes = [record.late, record.left_early, record.balance].map(|it| it.0 / MINUTE);
        assert_eq!(minutes, [late, early, balance], "{from} to {to}");
    }
    // A half-holiday divides the day in the same way.
    let mut calendar = Calendar::new();
    calendar.add(MONDAY.parse().unwrap(), "Eve", Some(Half::Morning));
    let record = day(
        &rules(DAY).with_calendar(calendar),
        MONDAY,
        &["15:30", "18:00"],
    );
    assert_eq!(record.late, Seconds(90 * MINUTE));
}

#[test]
fn half_a_day_of_leave_and_half_a_day_of_absence() {
    let rules = with_leave(DAY, [leave(MONDAY, Some(Half::Morning))]);
    let sums = |days: &[&str]| Statistics::of(&march(&rules, days, MONDAY, MONDAY).days);
    // No work in the half that is owed.
    let none = sums(&[]);
    let (zero, half) = (DayCount::ZERO, DayCount::HALF);
    assert_eq!(
        [none.absent, none.on_leave, none.due, none.present],
        [half, half, half, zero]
    );
    assert_eq!(
        (none.expected, none.leave_time),
        (Seconds(4 * HOUR), Seconds(4 * HOUR))
    );
    // All of it worked.
    let all = sums(&["02 14:00-18:00"]);
    assert_eq!(
        [all.present, all.on_leave, all.attended, all.absent],
        [half, half, half, zero]
    );
    // A part of it worked.
    let part = sums(&["02 15:30-18:00"]);
    assert_eq!(
        [part.half_days, part.on_leave, part.absent],
        [half, half, zero]
    );
    // One punch.
    let punch = sums(&["02 14:00"]);
    assert_eq!([punch.incomplete, punch.on_leave], [half, half]);
    // Two halves of leave are a whole day.
    let both = with_leave(
        DAY,
        [Half::Morning, Half::Afternoon].map(|half| leave(MONDAY, Some(half))),
    );
    let ledger = march(&both, &[], MONDAY, MONDAY);
    assert_eq!(statuses(&ledger), [(MONDAY.to_owned(), Status::OnLeave)]);
    assert_eq!(Statistics::of(&ledger.days).on_leave, DayCount::ONE);
    // A half-holiday and the other half of leave.
    let mut calendar = Calendar::new();
    calendar.add(MONDAY.parse().unwrap(), "Eve", Some(Half::Afternoon));
    let rules = with_leave(DAY, [leave(MONDAY, Some(Half::Morning))]).with_calendar(calendar);
    let ledger = march(&rules, &[], MONDAY, MONDAY);
    assert_eq!(ledger.days[0].status, Status::OnLeave);
    assert_eq!(Statistics::of(&ledger.days).on_leave, half);
}

#[test]
fn work_on_a_day_of_leave_shows_both() {
    let policy = format!("{DAY}[overtime]\ndaily = {{}}\nrest_days = true\nholidays = true\n");
    let rules = with_leave(&policy, [leave(MONDAY, None)]);
    for (end, status, half_days, present) in [
        ("09:30", Status::OnLeave, 0, 0),
        ("13:00", Status::HalfDay, 1, 0),
        ("18:00", Status::Present, 0, 1),
    ] {
        let record = day(&rules, MONDAY, &["09:00", end]);
        assert_eq!(
            (record.status, record.leave.as_deref()),
            (status, Some("sick")),
            "{end}"
        );
        assert_eq!(record.on_leave, DayCount::ONE);
        assert_eq!(
            (record.expected, record.balance),
            (Seconds(0), record.counted)
        );
        assert_eq!(record.leave_time, Seconds(8 * HOUR));
        let sums = Statistics::of([&record]);
        assert_eq!(sums.on_leave, DayCount::ONE, "{end}");
        assert_eq!(
            [sums.half_days, sums.present, sums.due],
            [half_days, present, 0].map(DayCount::days),
            "{end}"
        );
    }
}
