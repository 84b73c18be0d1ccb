//! Days on which several rules meet. The figures are computed by hand.

mod common;

use attendance_rules::{Employment, Member, Rules, Seconds, Statistics, Status};
use common::{HOUR, MINUTE, anna, day, evaluate, rules};

const MONDAY: &str = "2026-03-02";

fn member(change: impl FnOnce(&mut Member)) -> Member {
    let mut member = Member::new(anna());
    change(&mut member);
    member
}

/// Grace that is paid, a break that is deducted as a whole, a break that is paid, tolerances, and an automatic OUT.
#[test]
fn a_day_with_every_grace() {
    let rules = rules(
        "[site]
        time_zone = 'America/New_York'
        [[shifts]]
        name = 'd'
        start = '08:00'
        end = '17:00'
        late_after = '10m'
        early_before = '10m'
        on_time = { after_start = '10m', before_end = '10m' }
        breaks = [
            { kind = 'fixed', from = '12:00', to = '13:00', deduct = 'whole' },
            { kind = 'fixed', from = '15:00', to = '15:15', paid = true },
        ]
        [work]
        tolerance = '10m'
        [overtime]
        daily = { tolerance = '30m' }
        [assignment]
        missing_out = { after_expected = { tolerance = '1h' } }",
    );
    // Punches; status; counted, balance, late, left early and overtime in minutes.
    for (times, status, figures) in [
        // 08:00 to 12:30 is 4 h 30 min. Half an hour of work is in the break, and the other half is deducted before it.
        (
            vec!["08:09", "12:30"],
            Status::HalfDay,
            [210, -270, 0, 270, 0],
        ),
        // 08:11 to 17:00 without an hour: 7 h 49 min, 11 min less than due and so above the tolerance.
        (
            vec!["08:11", "16:51"],
            Status::Present,
            [469, -11, 11, 0, 0],
        ),
        // 8 h, an hour of tolerance and an hour of lunch: the OUT is at 18:00.
        (vec!["08:00"], Status::Present, [540, 60, 0, 0, 60]),
        // 4 h 05 min, 1 h 50 min and 2 h 21 min, less 5 min of lunch, and ten paid minutes.
        (
            vec!["08:00", "12:05", "13:10", "15:00", "15:10", "17:31"],
            Status::Present,
            [501, 21, 0, 0, 0],
        ),
        // 9 h 59 min less the hour. Overtime of 59 min is more than half an hour, so all of it counts.
        (vec!["07:30", "17:29"], Status::Present, [539, 59, 0, 0, 59]),
    ] {
        let record = day(&rules, MONDAY, &times);
        assert_eq!(record.status, status, "{times:?}");
        let lengths = [
            record.counted,
            record.balance,
            record.late,
            record.left_early,
            record.overtime.counted(),
        ];
        assert_eq!(lengths.map(|it| it.0 / MINUTE), figures, "{times:?}");
    }
}

/// Times are rounded for the employer, the sum to six minutes, and lateness is by the punch.
#[test]
fn rounded_punches_and_a_rounded_sum() {
    let rules = rules(
        "[[shifts]]
        name = 'd'
        start = '08:00'
        end = '16:30'
        late_after = '5m'
        [[breaks]]
        kind = 'fixed'
        from = '12:00'
        to = '12:30'
        [work.rounding]
        in = { to = 'up', step = '15m' }
        out = { to = 'down', step = '15m' }
        duration = { to = 'nearest', step = '6m' }",
    );
    for (times, counted, late, left_early) in [
        // 08:00 to 16:30.
        (vec!["07:58", "16:44"], 480, 0, 0),
        // 08:15 to 16:15.
        (vec!["08:04", "16:29"], 450, 0, 1),
        // 08:15 to 12:00 and 12:30 to 16:30 is 7 h 45 min, and half of a step is rounded up.
        (vec!["08:01", "12:10", "12:20", "16:30"], 468, 0, 0),
    ] {
        let record = day(&rules, MONDAY, &times);
        let lengths = [record.counted, record.late, record.left_early];
        assert_eq!(
            lengths.map(|it| it.0 / MINUTE),
            [counted, late, left_early],
            "{times:?}"
        );
    }
}

/// March 2026 has 22 working days. Each of them is a part of the hours of the month.
#[test]
fn hours_of_a_month_that_is_not_worked_in_full() {
    let expected = |member: Member| {
        let rules = rules("[work]\nexpected_monthly = '160h'");
        let rules: Rules = rules.with_members([member]).unwrap();
        let ledger = evaluate(&rules, &[], "2026-03-01", "2026-03-31");
        Statistics::of(&ledger.days).expected
    };
    let date = |text: &str| Some(text.parse().unwrap());
    let part = |days: i64| Seconds(160 * HOUR * days / 22);
    assert_eq!(expected(member(|_| {})), part(22));
    assert_eq!(
        expected(member(|it| it.joined = date("2026-03-16"))),
        part(12)
    );
    assert_eq!(
        expected(member(|it| it.left = date("2026-03-13"))),
        part(10)
    );
    let back = member(|it| {
        it.employment = vec![
            Employment::new(None, date("2026-03-06")),
            Employment::new(date("2026-03-23"), None),
        ];
    });
    assert_eq!(expected(back), part(12));
    // 160 h for ten days, and then 80 h for twelve.
    let contract = member(|it| {
        let terms = serde_json::json!({"from": "2026-03-16", "expected_monthly": "80h"});
        it.terms = vec![serde_json::from_value(terms).unwrap()];
    });
    let both = 160 * HOUR * 10 + 80 * HOUR * 12;
    assert_eq!(expected(contract), Seconds(both / 22));
}

/// A holiday lowers the weekly limit by a fifth. Overtime of days and of the rest day does not fill it.
#[test]
fn overtime_in_a_week_with_a_holiday() {
    let rules = rules(
        "[work]
        expected = '8h'
        [overtime]
        daily = { after = '8h' }
        weekly_after = '40h'
        weekly_less_free = true
        rest_days = true
        [[holidays]]
        date = '2026-03-04'
        name = 'H'",
    );
    let week = |days: &[&str]| {
        let mut times = Vec::new();
        for text in days {
            let (day, span) = text.split_once(' ').unwrap();
            times.extend(span.split('-').map(|time| format!("2026-03-0{day}T{time}")));
        }
        let times: Vec<&str> = times.iter().map(String::as_str).collect();
        let ledger = evaluate(&rules, &times, MONDAY, "2026-03-08");
        let sum = |part: fn(&attendance_rules::OvertimeTimes) -> Seconds| {
            ledger
                .days
                .iter()
                .map(|day| part(&day.overtime).0)
                .sum::<i64>()
        };
        [
            sum(|it| it.daily),
            sum(|it| it.weekly),
            sum(|it| it.rest_day),
        ]
        .map(|it| it / HOUR)
    };
    // The regular work of four days is 32 h, which is the limit.
    assert_eq!(
        week(&[
            "2 08:00-18:00",
            "3 08:00-16:00",
            "5 08:00-16:00",
            "6 08:00-16:00",
            "7 08:00-12:00"
        ]),
        [2, 0, 4]
    );
    // 6 h, 8 h, 8 h and 6 h of regular work are below it.
    assert_eq!(
        week(&[
            "2 08:00-14:00",
            "3 08:00-18:00",
            "5 06:00-19:00",
            "6 08:00-14:00"
        ]),
        [7, 0, 0]
    );
    // Work on the holiday is beyond it.
    assert_eq!(
        week(&[
            "2 08:00-16:00",
            "3 08:00-16:00",
            "4 08:00-11:00",
            "5 08:00-16:00",
            "6 08:00-16:00"
        ]),
        [0, 3, 0]
    );
}
