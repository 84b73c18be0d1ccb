//! Expected hours of a week or a month.

use attendance_rules::{Calendar, DayCount, Half, Leave, Member, Seconds, Statistics};

use crate::{
    MONDAY,
    common::{HOUR, evaluate_as_of, rules},
    hours_of_leave, member, refusal, worked,
};

const FLEXIBLE: &str = "[site]\ntime_zone = 'Europe/Berlin'\nworking_days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat']\n";

#[test]
fn hours_of_a_week_on_days_of_choice() {
    let days = [
        "2026-03-02 08:00-16:00",
        "2026-03-03 08:00-16:00",
        "2026-03-06 08:00-16:00",
        "2026-03-07 08:00-16:00",
    ];
    let sums = |keys: &str, days: &[&str]| {
        let rules = rules(&format!(
            "{FLEXIBLE}[work]\n{keys}\n[overtime]\nweekly_after = '32h'"
        ));
        Statistics::of(&worked(&rules, days, MONDAY, "2026-03-08").days)
    };
    let without = sums("expected = '8h'", &days);
    assert_eq!(
        (without.absent, without.balance),
        (DayCount::days(2), Seconds(-16 * HOUR)),
        "without the key"
    );
    for keys in [
        "expected_weekly = '32h'",
        "expected = '8h'\nexpected_weekly = '32h'",
    ] {
        let with = sums(keys, &days);
        assert_eq!(
            [with.overtime, with.counted, with.expected, with.balance].map(|it| it.0 / HOUR),
            [0, 32, 32, 0]
        );
        assert_eq!(
            (with.absent, with.present),
            (DayCount::ZERO, DayCount::days(4))
        );
        // Missing time is missing at the end of the week, and more time is more from the time that the week is full.
        let less = sums(keys, &days[..3]);
        assert_eq!(
            [less.counted, less.expected, less.balance].map(|it| it.0 / HOUR),
            [24, 32, -8]
        );
        assert_eq!(less.absent, DayCount::ZERO);
        let mut more = days.to_vec();
        more.insert(2, "2026-03-04 08:00-11:00");
        let more = sums(keys, &more);
        assert_eq!([more.balance, more.overtime].map(|it| it.0 / HOUR), [3, 3]);
        // A week without work.
        let none = sums(keys, &[]);
        assert_eq!(
            (none.balance, none.absent),
            (Seconds(-32 * HOUR), DayCount::ZERO)
        );
    }
}

#[test]
fn days_of_a_flexible_week_add_up_in_any_period() {
    let rules = rules(&format!("{FLEXIBLE}[work]\nexpected_weekly = '32h'\n"));
    let days = [
        "2026-03-02 08:00-16:00",
        "2026-03-05 08:00-13:00",
        "2026-03-11 08:00-18:00",
    ];
    let sum = |from: &str, to: &str| {
        Statistics::of(&worked(&rules, &days, from, to).days)
            .balance
            .0
    };
    let all = sum(MONDAY, "2026-03-15");
    assert_eq!(all, (8 + 5 + 10 - 64) * HOUR);
    for cut in 2..15 {
        let (to, from) = (
            format!("2026-03-{cut:02}"),
            format!("2026-03-{:02}", cut + 1),
        );
        assert_eq!(sum(MONDAY, &to) + sum(&from, "2026-03-15"), all, "{to}");
    }
    // Before the week is over, nothing is missing.
    let then = evaluate_as_of(
        &rules,
        &["2026-03-02T08:00", "2026-03-02T16:00"],
        MONDAY,
        "2026-03-08",
        "2026-03-07T20:00",
    );
    assert_eq!(Statistics::of(&then.days).balance, Seconds(0));
}

#[test]
fn a_holiday_or_leave_lowers_the_hours_of_the_week() {
    let policy = "[work]\nexpected_weekly = '40h'\n[overtime]\nweekly_after = '40h'\n";
    let mut calendar = Calendar::new();
    calendar.add("2026-03-04".parse().unwrap(), "Founders' Day", None);
    let days = [
        "2026-03-02 08:00-17:00",
        "2026-03-03 08:00-17:00",
        "2026-03-05 08:00-17:00",
        "2026-03-06 08:00-17:00",
    ];
    let sums = |policy: &str, member: Member, calendar: &Calendar| {
        let rules = rules(policy)
            .with_calendar(calendar.clone())
            .with_members([member])
            .unwrap();
        let sums = Statistics::of(&worked(&rules, &days, MONDAY, "2026-03-08").days);
        [sums.expected, sums.balance, sums.overtime].map(|it| it.0 / HOUR)
    };
    let none = Calendar::new();
    assert_eq!(sums(policy, member(|_| ()), &none), [40, -4, 0]);
    assert_eq!(
        sums(policy, member(|_| ()), &calendar),
        [32, 4, 0],
        "without the key"
    );
    let less = format!("{policy}weekly_less_free = true");
    assert_eq!(sums(&less, member(|_| ()), &calendar), [32, 4, 4]);
    // Leave, and a member who joins on Tuesday.
    let mut leave = hours_of_leave("08:00", "09:00");
    (leave.hours, leave.from, leave.to) = (
        None,
        "2026-03-04".parse().unwrap(),
        "2026-03-04".parse().unwrap(),
    );
    assert_eq!(
        sums(&less, member(|it| it.leave.push(leave)), &none),
        [32, 4, 4]
    );
    let joined = member(|it| it.joined = Some("2026-03-03".parse().unwrap()));
    assert_eq!(
        sums(&less, joined, &none),
        [32, -5, 0],
        "the punches of Monday do not count"
    );
    assert!(refusal("[overtime]\nweekly_less_free = true").contains("it needs weekly_after"));
}

#[test]
fn leave_under_hours_of_a_week_is_its_share() {
    let policy = "[work]\nexpected = '9h'\nexpected_weekly = '40h'";
    let sums = |leave: Leave| {
        let rules = rules(policy)
            .with_members([member(|it| it.leave.push(leave))])
            .unwrap();
        let days = ["2026-03-03 08:00-18:00", "2026-03-05 08:00-18:00"];
        let sums = Statistics::of(&worked(&rules, &days, MONDAY, "2026-03-08").days);
        (
            [sums.expected, sums.balance, sums.leave_time].map(|it| it.0 / HOUR),
            sums.on_leave,
        )
    };
    let with = |half, hours| {
        let mut leave = hours_of_leave("08:00", "11:00");
        leave.half = half;
        leave.hours = hours;
        leave
    };
    assert_eq!(sums(with(None, None)), ([32, -12, 8], DayCount::ONE));
    assert_eq!(
        sums(with(Some(Half::Morning), None)),
        ([36, -16, 4], DayCount::HALF)
    );
    let three = hours_of_leave("08:00", "11:00").hours;
    assert_eq!(sums(with(None, three)), ([37, -17, 3], DayCount::ZERO));
}

#[test]
fn weeks_and_months_in_turn() {
    // Weekly hours, two days of monthly hours within the first week, and weekly hours again.
    let rules = rules(
        "[work]\nexpected_weekly = '40h'\n[[terms]]\nfrom = '2026-03-04'\nto = '2026-03-05'\nexpected_monthly = '220h'",
    );
    let ledger = worked(
        &rules,
        &["2026-03-02 08:00-18:00", "2026-03-06 08:00-18:00"],
        MONDAY,
        "2026-03-08",
    );
    let sums = Statistics::of(&ledger.days);
    // Three days of the week are 24 h; two of the 22 working days of March are 20 h.
    assert_eq!(
        [sums.expected, sums.balance].map(|it| it.0 / HOUR),
        [44, -24]
    );
}

#[test]
fn hours_of_a_month_and_core_hours() {
    let days: Vec<String> = (2..=31)
        .filter(|day| !matches!(day % 7, 0 | 1))
        .map(|day| format!("2026-03-{day:02} 08:00-15:00"))
        .collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let monthly = rules("[work]\nexpected_monthly = '150h'");
    let sums = Statistics::of(&worked(&monthly, &days, "2026-03-01", "2026-03-31").days);
    assert_eq!(
        [sums.counted, sums.expected, sums.balance].map(|it| it.0 / HOUR),
        [154, 150, 4]
    );
    let sums = Statistics::of(&worked(&monthly, &days, "2026-03-16", "2026-03-31").days);
    assert_eq!(sums.balance.0 / HOUR, 4, "a part of the month");
    // Core hours: people must be there from ten to three, and the hours are those of the week.
    let core = rules(
        "[[shifts]]\nname = 'core'\nstart = '10:00'\nend = '15:00'\nmargin_before = '4h'\nmargin_after = '5h'\n[work]\nexpected_weekly = '40h'",
    );
    let ledger = worked(
        &core,
        &[
            "2026-03-02 07:00-17:00",
            "2026-03-03 10:30-18:30",
            "2026-03-05 08:00-18:00",
            "2026-03-06 08:00-20:00",
        ],
        MONDAY,
        "2026-03-08",
    );
    let sums = Statistics::of(&ledger.days);
    assert_eq!(
        (sums.absent, sums.late, sums.balance),
        (DayCount::ONE, 1, Seconds(0)),
        "absent on Wednesday"
    );
}
