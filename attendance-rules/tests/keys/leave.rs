//! Leave by the hour, and several kinds of leave on one day.

use attendance_rules::{Calendar, DayCount, Half, Leave, Seconds, Status, Today};

use crate::{
    DAY, MONDAY,
    common::{HOUR, MINUTE, anna, at, day, rules},
    hours_of_leave, member, on, worked,
};

#[test]
fn two_hours_of_leave() {
    let without = day(&rules(DAY), MONDAY, &["11:00", "18:00"]);
    assert_eq!(
        (without.late, without.balance),
        (Seconds(2 * HOUR), Seconds(-2 * HOUR)),
        "without the key"
    );
    let with = |from: &str, to: &str| {
        rules(DAY)
            .with_members([member(|it| it.leave.push(hours_of_leave(from, to)))])
            .unwrap()
    };
    // Leave, punches, and the figures in minutes: expected, balance, late, left early, leave.
    for (leave, times, figures) in [
        (
            ("09:00", "11:00"),
            vec!["11:00", "18:00"],
            [360, 0, 0, 0, 120],
        ),
        (
            ("09:00", "11:00"),
            vec!["11:30", "18:00"],
            [360, -30, 30, 0, 120],
        ),
        (
            ("16:00", "18:00"),
            vec!["09:00", "16:00"],
            [360, 0, 0, 0, 120],
        ),
        (
            ("16:00", "18:00"),
            vec!["09:00", "15:00"],
            [360, -60, 0, 60, 120],
        ),
        (
            ("10:00", "11:00"),
            vec!["09:00", "10:00", "11:00", "18:00"],
            [420, 0, 0, 0, 60],
        ),
        (
            ("10:00", "11:00"),
            vec!["09:20", "10:00", "11:00", "18:00"],
            [420, -20, 20, 0, 60],
        ),
        // The lunch in it is no working time.
        (
            ("09:00", "13:30"),
            vec!["14:00", "18:00"],
            [240, 0, 0, 0, 240],
        ),
        (
            ("12:00", "15:00"),
            vec!["09:00", "12:00", "15:00", "18:00"],
            [360, 0, 0, 0, 120],
        ),
    ] {
        let record = day(&with(leave.0, leave.1), MONDAY, &times);
        let lengths = [
            record.expected,
            record.balance,
            record.late,
            record.left_early,
            record.leave_time,
        ];
        assert_eq!(
            lengths.map(|it| it.0 / MINUTE),
            figures,
            "{leave:?} {times:?}"
        );
        assert_eq!(record.leave.as_deref(), Some("doctor"));
        assert_eq!(
            (record.due, record.on_leave),
            (DayCount::ONE, DayCount::ZERO)
        );
    }
    // The thresholds are lower in proportion: 7 h of 8 h are 5 h 15 min of 6 h.
    let status = |end: &str| day(&with("09:00", "11:00"), MONDAY, &["11:00", end]).status;
    assert_eq!(
        (status("17:15"), status("17:14")),
        (Status::Present, Status::HalfDay)
    );
    // Leave by the hour on a holiday is no leave.
    let mut calendar = Calendar::new();
    calendar.add(MONDAY.parse().unwrap(), "Founders' Day", None);
    let ledger = worked(
        &with("09:00", "11:00").with_calendar(calendar),
        &["2026-03-02 09:00-17:00"],
        MONDAY,
        MONDAY,
    );
    let record = &ledger.days[0];
    assert_eq!(
        (record.expected, record.leave_time),
        (Seconds(0), Seconds(0))
    );
    // Leave for all hours is a day of leave.
    let all = worked(&with("08:00", "19:00"), &[], MONDAY, MONDAY);
    assert_eq!(
        (all.days[0].status, all.days[0].on_leave),
        (Status::OnLeave, DayCount::ONE)
    );
    assert_eq!(all.days[0].leave_time, Seconds(8 * HOUR));
}

#[test]
fn hours_of_leave_without_shifts_at_night_and_at_the_door() {
    let leave = |from: &str, to: &str| member(|it| it.leave.push(hours_of_leave(from, to)));
    let office = rules("[work]\nexpected = '8h'")
        .with_members([leave("09:00", "11:00")])
        .unwrap();
    let record = day(&office, MONDAY, &["11:00", "17:00"]);
    assert_eq!(
        (record.expected, record.balance, record.status),
        (Seconds(6 * HOUR), Seconds(0), Status::Present)
    );
    // The leave of Monday from midnight to two is in the night that begins on Sunday.
    let nights = "[site]\nworking_days = ['sun', 'mon']\n[[shifts]]\nname = 'n'\nstart = '22:00'\nend = '06:00'\novernight = true";
    let nights = rules(nights)
        .with_members([leave("00:00", "02:00")])
        .unwrap();
    let ledger = worked(
        &nights,
        &["2026-03-01 22:00", "2026-03-02 00:00 02:00 06:00"],
        "2026-03-01",
        MONDAY,
    );
    let sunday = on(&ledger, "2026-03-01").unwrap();
    assert_eq!(
        (sunday.expected, sunday.balance),
        (Seconds(6 * HOUR), Seconds(0))
    );
    let monday = on(&ledger, MONDAY).unwrap();
    assert_eq!(
        (monday.expected, monday.leave_time),
        (Seconds(8 * HOUR), Seconds(0))
    );
    // Nobody is missed before the leave is over.
    let door = rules(DAY).with_members([leave("09:00", "11:00")]).unwrap();
    let today = |time: &str| {
        door.presence(&anna(), &[], &[], at(&door, &format!("{MONDAY}T{time}")))
            .unwrap()
            .today
    };
    assert_eq!(
        (today("11:10"), today("11:11")),
        (Today::Expected, Today::Absent)
    );
    let wrong = |change: fn(&mut Leave)| {
        let mut leave = hours_of_leave("09:00", "11:00");
        change(&mut leave);
        rules(DAY)
            .with_members([member(|it| it.leave.push(leave))])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        wrong(|leave| leave.half = Some(Half::Morning)),
        "member anna: leave from 2026-03-02 has a half and hours; give one of them"
    );
    assert!(
        wrong(|leave| leave.hours.as_mut().unwrap().to = "09:00".parse().unwrap())
            .contains("begin and end at 09:00")
    );
}

#[test]
fn two_kinds_of_leave_on_one_day() {
    let leave = |kind: &str, half: Option<Half>| {
        let hours = if half.is_none() {
            hours_of_leave("14:00", "15:00").hours
        } else {
            None
        };
        let mut leave = hours_of_leave("14:00", "15:00");
        leave.kind = kind.into();
        leave.half = half;
        leave.hours = hours;
        leave
    };
    let (morning, afternoon) = (Some(Half::Morning), Some(Half::Afternoon));
    for (parts, kinds, on_leave) in [
        (
            vec![leave("sick", morning), leave("annual", afternoon)],
            "sick + annual",
            DayCount::ONE,
        ),
        (
            vec![leave("annual", morning), leave("annual", afternoon)],
            "annual",
            DayCount::ONE,
        ),
        (
            vec![leave("sick", morning), leave("doctor", None)],
            "sick + doctor",
            DayCount::HALF,
        ),
    ] {
        for reversed in [false, true] {
            let mut leave = parts.clone();
            if reversed {
                leave.reverse();
            }
            let rules = rules(DAY)
                .with_members([member(|it| it.leave = leave)])
                .unwrap();
            let ledger = worked(&rules, &[], MONDAY, MONDAY);
            let record = &ledger.days[0];
            assert_eq!(record.leave.as_deref(), Some(kinds), "{reversed}");
            assert_eq!(record.on_leave, on_leave, "{kinds}");
        }
    }
}
