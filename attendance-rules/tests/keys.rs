//! Keys for cases that need more than shifts and thresholds. Each test has the case without the key and with it.

mod common;

use attendance_rules::{
    Calendar, DayCount, DayRecord, Employment, Half, Hours, Leave, Ledger, Member, Policy,
    PunchVerdict, Rules, Seconds, Statistics, Status, Terms, Today,
};
use common::{HOUR, MINUTE, anna, at, day, evaluate, hours, punches, rules, statuses};

const MONDAY: &str = "2026-03-02";

/// Evaluates days as in "2026-03-02 08:00-12:00 13:00-17:00".
fn worked(rules: &Rules, days: &[&str], from: &str, to: &str) -> Ledger {
    let mut times = Vec::new();
    for text in days {
        let (day, spans) = text.split_once(' ').unwrap();
        times.extend(spans.split([' ', '-']).map(|time| format!("{day}T{time}")));
    }
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    evaluate(rules, &times, from, to)
}

fn on<'a>(ledger: &'a Ledger, date: &str) -> Option<&'a DayRecord> {
    ledger.days.iter().find(|day| day.date.to_string() == date)
}

fn member(change: impl FnOnce(&mut Member)) -> Member {
    let mut member = Member::new(anna());
    change(&mut member);
    member
}

fn terms(json: serde_json::Value) -> Terms {
    serde_json::from_value(json).unwrap()
}

fn refusal(policy: &str) -> String {
    Policy::from_toml(policy).unwrap_err().to_string()
}

const SATURDAY: &str = "[[shifts]]\nname = 'day'\nstart = '09:00'\nend = '18:00'\n[[shifts]]\nname = 'sat'\nstart = '09:00'\nend = '13:30'\n";
const WEEK: &str = "[schedule]\nkind = 'weekly'\ndays = { mon = ['day'], tue = ['day'], wed = ['day'], thu = ['day'], fri = ['day'], sat = ['sat'] }\n[work]\nfull_day = '7h'\nhalf_day = '4h'\n";

#[test]
fn thresholds_of_a_short_saturday() {
    let with = |keys: &str| rules(&format!("{SATURDAY}{keys}{WEEK}"));
    let saturday = |rules: &Rules, end: &str| day(rules, "2026-03-07", &["09:00", end]).status;
    assert_eq!(
        saturday(&with(""), "13:30"),
        Status::HalfDay,
        "without the key"
    );
    let rules = with("full_day = '4h'\nhalf_day = '2h'\n");
    assert_eq!(saturday(&rules, "13:30"), Status::Present);
    assert_eq!(saturday(&rules, "12:59"), Status::HalfDay);
    assert_eq!(saturday(&rules, "10:59"), Status::Absent);
    assert_eq!(
        day(&rules, "2026-03-06", &["09:00", "13:30"]).status,
        Status::HalfDay
    );
    assert!(refusal("[[shifts]]\nname = 'a'\nstart = '08:00'\nend = '12:00'\nfull_day = '2h'\nhalf_day = '3h'")
        .starts_with("policy, shifts[0].half_day: half a day from 3h is more"));
}

#[test]
fn thresholds_of_two_shifts_are_added() {
    let split = "[[shifts]]\nname = 'a'\nstart = '08:00'\nend = '12:00'\nfull_day = '4h'\n[[shifts]]\nname = 'b'\nstart = '14:00'\nend = '18:00'\n";
    let both = rules(&format!("{split}full_day = '3h'\n[work]\nfull_day = '5h'"));
    let status =
        |rules: &Rules, end: &str| day(rules, MONDAY, &["08:00", "12:00", "14:00", end]).status;
    assert_eq!(status(&both, "17:00"), Status::Present);
    assert_eq!(status(&both, "16:59"), Status::HalfDay);
    // One shift has none, so the threshold of the policy applies.
    let one = rules(&format!("{split}[work]\nfull_day = '5h'"));
    assert_eq!(status(&one, "15:00"), Status::Present);
}

#[test]
fn thresholds_of_part_timers() {
    let policy = "[work]\nexpected = '8h'\nfull_day = '7h'\nhalf_day = '4h'";
    let four = |rules: &Rules| day(rules, MONDAY, &["08:00", "12:00"]);
    assert_eq!(
        four(&rules(policy)).status,
        Status::HalfDay,
        "without the key"
    );
    let part_time = member(|it| {
        it.terms.push(terms(
            serde_json::json!({"expected": "4h", "full_day": "3h 30m", "half_day": "2h"}),
        ));
    });
    let record = four(&rules(policy).with_members([part_time]).unwrap());
    assert_eq!(
        (record.status, record.balance),
        (Status::Present, Seconds(0))
    );
}

const CONTRACTS: &str = "[site]\ntime_zone = 'Europe/Berlin'\n[[shifts]]\nname = 'd8'\nstart = '08:00'\nend = '16:00'\n\
    [[shifts]]\nname = 'd7'\nstart = '08:00'\nend = '15:00'\n[schedule]\nkind = 'working_days'\nshifts = ['d8']\n";

#[test]
fn a_contract_changes_in_the_month() {
    let days = ["2026-03-13 08:00-16:00", "2026-03-16 08:00-16:00"];
    let balances = |rules: &Rules| {
        let ledger = worked(rules, &days, "2026-03-13", "2026-03-16");
        ledger
            .days
            .iter()
            .map(|day| day.balance.0 / HOUR)
            .collect::<Vec<_>>()
    };
    assert_eq!(balances(&rules(CONTRACTS)), [0, 0], "without the key");
    let shorter =
        "[[terms]]\nfrom = '2026-03-16'\nschedule = { kind = 'working_days', shifts = ['d7'] }\n";
    assert_eq!(
        balances(&rules(&format!("{CONTRACTS}{shorter}"))),
        [0, 1],
        "for everybody"
    );
    let contract = member(|it| {
        it.terms = vec![
            terms(
                serde_json::json!({"from": "2026-03-16", "schedule": {"kind": "working_days", "shifts": ["d7"]}}),
            ),
            terms(
                serde_json::json!({"to": "2026-03-15", "schedule": {"kind": "working_days", "shifts": ["d8"]}}),
            ),
        ];
    });
    let of_member = rules(CONTRACTS).with_members([contract.clone()]).unwrap();
    assert_eq!(balances(&of_member), [0, 1], "for a member, in any order");
    // The terms of the member precede those of the policy.
    let both = "[[terms]]\nfrom = '2026-03-01'\nschedule = { kind = 'weekly', days = {} }\n";
    let both = rules(&format!("{CONTRACTS}{both}"))
        .with_members([contract])
        .unwrap();
    assert_eq!(balances(&both), [0, 1]);
}

#[test]
fn expected_hours_and_thresholds_change_with_a_contract() {
    let contract = member(|it| {
        it.terms.push(terms(
            serde_json::json!({"from": "2026-03-16", "expected": "6h"}),
        ));
    });
    let rules = rules("[work]\nexpected = '8h'")
        .with_members([contract])
        .unwrap();
    let ledger = worked(
        &rules,
        &["2026-03-13 08:00-12:30", "2026-03-16 08:00-12:30"],
        "2026-03-13",
        "2026-03-16",
    );
    let figures = ledger
        .days
        .iter()
        .map(|day| (day.expected.0 / HOUR, day.status));
    assert_eq!(
        figures.collect::<Vec<_>>(),
        [(8, Status::HalfDay), (6, Status::Present)]
    );
}

#[test]
fn terms_that_contradict_each_other() {
    let two = |one: &str, other: &str| {
        format!("[work]\nexpected = '8h'\n[[terms]]\n{one}\n[[terms]]\n{other}")
    };
    for (one, other) in [
        ("from = '2026-03-01'", "from = '2026-04-01'"),
        ("to = '2026-03-01'", "from = '2026-03-01'"),
        (
            "from = '2026-03-01'\nto = '2026-03-31'",
            "from = '2026-01-01'\nto = '2026-12-31'",
        ),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            assert!(
                refusal(&two(one, other)).starts_with("policy, terms[1]: they overlap the terms 0"),
                "{one} {other}"
            );
        }
    }
    assert!(Policy::from_toml(&two("to = '2026-02-28'", "from = '2026-03-01'")).is_ok());
    for (keys, reason) in [
        (
            "from = '2026-03-02'\nto = '2026-03-01'",
            "policy, terms[0].to: 2026-03-01 is before 2026-03-02",
        ),
        (
            "from = '1 March'",
            "policy, terms[0].from: \"1 March\" is not a date",
        ),
        (
            "schedule = { kind = 'working_days', shifts = ['x'] }",
            "policy, terms[0].schedule.shifts: there is no shift \"x\"",
        ),
        (
            "expected = '30h'",
            "policy, terms[0].expected: 30h is not within",
        ),
        (
            "expected_weekly = '40h'\nexpected_monthly = '160h'",
            "policy, terms[0].expected_monthly: expected_weekly is given, too",
        ),
    ] {
        assert!(
            refusal(&format!("[[terms]]\n{keys}")).starts_with(reason),
            "{}",
            refusal(&format!("[[terms]]\n{keys}"))
        );
    }
    // A night of one schedule reaches into a morning of the next.
    let nights = "[[shifts]]\nname = 'n'\nstart = '22:00'\nend = '06:00'\novernight = true\n[[shifts]]\nname = 'm'\nstart = '05:00'\nend = '13:00'\n\
        [schedule]\nkind = 'working_days'\nshifts = ['n']\n[[terms]]\nfrom = '2026-03-03'\nschedule = { kind = 'working_days', shifts = ['m'] }";
    let error = Rules::new(common::policy(nights)).unwrap_err().to_string();
    assert_eq!(
        error,
        "policy, terms: terms: shift \"n\" of 2026-03-02 and \"m\" of 2026-03-03 overlap"
    );
}

#[test]
fn shorter_hours_in_ramadan() {
    let policy = "[site]\ntime_zone = 'Asia/Riyadh'\nworking_days = ['sun', 'mon', 'tue', 'wed', 'thu']\nweek_starts = 'sun'\n\
        [[shifts]]\nname = 'usual'\nstart = '08:00'\nend = '16:00'\n[[shifts]]\nname = 'ramadan'\nstart = '09:00'\nend = '15:00'\n\
        [schedule]\nkind = 'working_days'\nshifts = ['usual']\n[overtime]\ndaily = {}\n";
    let days = [
        "2026-03-02 09:00-15:00",
        "2026-03-19 09:00-16:00",
        "2026-03-22 08:00-16:00",
    ];
    let figures = |policy: &str| {
        let ledger = worked(&rules(policy), &days, MONDAY, "2026-03-22");
        let worked = ledger.days.iter().filter(|day| day.shifts > 0);
        worked
            .map(|day| {
                (
                    day.balance.0 / HOUR,
                    day.late.0 / HOUR,
                    day.overtime.counted().0 / HOUR,
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        figures(policy),
        [(-2, 1, 0), (-1, 1, 0), (0, 0, 0)],
        "without the key"
    );
    let season = "[[terms]]\nfrom = '2026-02-18'\nto = '2026-03-19'\nschedule = { kind = 'working_days', shifts = ['ramadan'] }\n";
    assert_eq!(
        figures(&format!("{policy}{season}")),
        [(0, 0, 0), (1, 0, 1), (0, 0, 0)]
    );
}

const DAY: &str = "[site]\ntime_zone = 'Asia/Kolkata'\n[[shifts]]\nname = 'day'\nstart = '09:00'\nend = '18:00'\nlate_after = '10m'\nearly_before = '10m'\n\
    [[breaks]]\nkind = 'fixed'\nfrom = '13:00'\nto = '14:00'\n[work]\nfull_day = '7h'\nhalf_day = '4h'\n";

fn hours_of_leave(from: &str, to: &str) -> Leave {
    let day = MONDAY.parse().unwrap();
    Leave {
        from: day,
        to: day,
        kind: "doctor".into(),
        half: None,
        hours: Some(Hours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }),
    }
}

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

const REGIONS: &str = "[site]\ntime_zone = 'Europe/Berlin'\nregions = ['bavaria', 'hamburg']\n[work]\nexpected = '8h'\n";

#[test]
fn holidays_of_a_region() {
    let holiday = "[[holidays]]\ndate = '2026-01-01'\nname = 'New Year'\n[[holidays]]\ndate = '2026-01-06'\nname = 'Epiphany'\nregions = ['bavaria']\n";
    let mut epiphany = Calendar::new();
    epiphany.add("2026-01-06".parse().unwrap(), "Epiphany", None);
    let of = |rules: Rules, region: Option<&str>| {
        let rules = rules
            .with_members([member(|it| it.region = region.map(Into::into))])
            .unwrap();
        let ledger = worked(
            &rules,
            &["2026-01-05 09:00-17:00"],
            "2026-01-01",
            "2026-01-06",
        );
        ledger
            .days
            .iter()
            .map(|day| (day.date.day(), day.balance.0 / HOUR))
            .collect::<Vec<_>>()
    };
    let by_policy = || rules(&format!("{REGIONS}{holiday}"));
    assert_eq!(of(by_policy(), Some("bavaria")), [(2, -8), (5, 0)]);
    assert_eq!(of(by_policy(), Some("hamburg")), [(2, -8), (5, 0), (6, -8)]);
    assert_eq!(of(by_policy(), None), [(2, -8), (5, 0), (6, -8)]);
    // Holidays of calendars: for everybody, and of a region.
    let all = rules(REGIONS).with_calendar(epiphany.clone());
    assert_eq!(
        of(all, Some("hamburg")),
        [(1, -8), (2, -8), (5, 0)],
        "without the key"
    );
    let regional = || {
        rules(REGIONS)
            .with_regional_calendar("bavaria", epiphany.clone())
            .unwrap()
    };
    assert_eq!(of(regional(), Some("bavaria")), [(1, -8), (2, -8), (5, 0)]);
    assert_eq!(
        of(regional(), Some("hamburg")),
        [(1, -8), (2, -8), (5, 0), (6, -8)]
    );
    let wrong = member(|it| it.region = Some("bavria".into()));
    let error = rules(REGIONS)
        .with_members([wrong])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "member anna: region: there is no region \"bavria\"; did you mean \"bavaria\"?"
    );
    let error = rules(REGIONS)
        .with_regional_calendar("xx", Calendar::new())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "policy, site.regions: there is no region \"xx\"; site.regions lists the regions"
    );
    assert!(
        refusal("[[holidays]]\ndate = '2026-01-06'\nname = 'x'\nregions = ['y']")
            .starts_with("policy, holidays[0].regions: there is no region")
    );
}

#[test]
fn people_who_leave_and_come_back() {
    let policy = "[site]\ntime_zone = 'Europe/Berlin'\n[work]\nexpected = '8h'";
    let days = ["2026-03-10 09:00-17:00", "2026-03-20 09:00-17:00"];
    let date = |text: &str| Some(text.parse().unwrap());
    let once = member(|it| (it.joined, it.left) = (date("2026-03-10"), date("2026-03-20")));
    let sums = |member: Member| {
        let rules = rules(policy).with_members([member]).unwrap();
        Statistics::of(&worked(&rules, &days, "2026-03-01", "2026-03-31").days)
    };
    assert_eq!(
        sums(once.clone()).absent,
        DayCount::days(7),
        "without the key"
    );
    let twice = member(|it| {
        it.employment = vec![
            Employment {
                joined: date("2026-03-20"),
                left: date("2026-03-20"),
            },
            Employment {
                joined: date("2026-03-09"),
                left: date("2026-03-10"),
            },
        ];
    });
    let sums = sums(twice.clone());
    assert_eq!(
        [sums.present, sums.absent, sums.on_leave],
        [2, 1, 0].map(DayCount::days)
    );
    // Punches outside of employment are refused with a reason.
    let rules_ = rules(policy).with_members([twice.clone()]).unwrap();
    let given = punches(
        &rules_,
        &["2026-03-06T08:00", "2026-03-12T08:00", "2026-03-23T08:00"],
    );
    let ledger = rules_
        .evaluate(
            &anna(),
            &given,
            &[],
            common::period("2026-03-01", "2026-03-31"),
            at(&rules_, "2026-04-01T00:00"),
        )
        .unwrap();
    let reasons: Vec<_> = ledger
        .outcomes
        .iter()
        .map(|it| match &it.outcome {
            PunchVerdict::Unassigned { code, reason } => format!("{code}: {reason}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "before_joining: the first day is 2026-03-09",
            "after_leaving: the last day was 2026-03-10",
            "after_leaving: the last day was 2026-03-20",
        ]
    );
    let wrong = |change: fn(&mut Member)| {
        let mut member = twice.clone();
        change(&mut member);
        rules(policy)
            .with_members([member])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        wrong(|it| it.left = Some("2026-03-31".parse().unwrap())),
        "member anna: give either joined and left, or employment"
    );
    assert!(
        wrong(|it| it.employment[1].left = None)
            .starts_with("member anna: employment: the period from 2026-03-20 begins before")
    );
}

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
    let then = common::evaluate_as_of(
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
    let with = |half, hours| Leave {
        half,
        hours,
        ..hours_of_leave("08:00", "11:00")
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

#[test]
fn overtime_beyond_two_limits() {
    let policy = rules("[overtime]\ndaily = { after = '8h' }\nat_most_daily = '4h'");
    let record = day(&policy, MONDAY, &["06:00", "20:00"]);
    let overtime = record.overtime;
    assert_eq!(
        [overtime.daily, overtime.over_limit, overtime.counted()].map(|it| it.0 / HOUR),
        [6, 2, 4]
    );
}

#[test]
fn overtime_at_night() {
    let policy = |more: &str| {
        rules(&format!(
            "[[windows]]\nname = 'night'\nfrom = '22:00'\nto = '06:00'\n[overtime]\ndaily = {{ after = '8h' }}\n{more}"
        ))
    };
    let night = |more: &str| {
        let ledger = worked(
            &policy(more),
            &["2026-03-02 12:00", "2026-03-03 02:00"],
            MONDAY,
            MONDAY,
        );
        let window = &ledger.days[0].windows[0];
        [window.worked, window.overtime].map(|it| it.0 / HOUR)
    };
    // 14 h of work, of which the last 6 h are overtime, from 20:00 to 02:00.
    assert_eq!(night(""), [4, 4]);
    // The first 3 h of overtime count, until 23:00.
    assert_eq!(night("at_most_daily = '3h'"), [4, 1]);
    let record = day(&policy(""), MONDAY, &["14:00", "23:00"]);
    assert_eq!(
        (record.windows[0].worked, record.windows[0].overtime),
        (Seconds(HOUR), Seconds(HOUR))
    );
    let record = day(&policy(""), MONDAY, &["16:00", "23:00"]);
    assert_eq!(
        (record.windows[0].worked, record.windows[0].overtime),
        (Seconds(HOUR), Seconds(0))
    );
}

#[test]
fn a_grace_that_is_paid() {
    let policy = |keys: &str| {
        rules(&format!(
            "[[shifts]]\nname = 't'\nstart = '15:00'\nend = '20:00'\nlate_after = '5m'\n{keys}"
        ))
    };
    let came = |keys: &str, time: &str| {
        let record = day(&policy(keys), MONDAY, &[time, "20:00"]);
        [record.counted, record.late].map(|it| it.0 / MINUTE)
    };
    assert_eq!(came("", "15:05"), [295, 0], "without the key");
    let paid = "on_time = { after_start = '5m' }";
    assert_eq!(came(paid, "15:05"), [300, 0]);
    assert_eq!(came(paid, "15:06"), [294, 6]);
    assert_eq!(
        came(paid, "14:50"),
        [310, 0],
        "before the start, each minute counts"
    );
    assert_eq!(
        came(
            "on_time = { before_start = '15m', after_start = '5m' }",
            "14:50"
        ),
        [300, 0]
    );
    assert_eq!(
        came(
            "on_time = { before_start = '15m', after_start = '5m' }",
            "14:40"
        ),
        [320, 0]
    );
    assert!(refusal("[[shifts]]\nname = 't'\nstart = '15:00'\nend = '16:00'\non_time = { after_start = '2h' }")
        .starts_with("policy, shifts[0].on_time.after_start: 2h is longer than shift \"t\""));
}

#[test]
fn a_window_for_leaving() {
    let policy = |keys: &str| {
        rules(&format!(
            "[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '17:00'\n{keys}"
        ))
    };
    let left =
        |keys: &str, time: &str| day(&policy(keys), MONDAY, &["08:00", time]).counted.0 / MINUTE;
    assert_eq!(left("", "17:14"), 554, "without the key");
    let window = "on_time = { after_end = '15m' }";
    for (time, counted) in [
        ("17:14", 540),
        ("17:15", 540),
        ("17:16", 556),
        ("17:40", 580),
        ("16:59", 539),
    ] {
        assert_eq!(left(window, time), counted, "{time}");
    }
    assert_eq!(left("on_time = { before_end = '10m' }", "16:52"), 540);
    // Only the last departure is near the end.
    let record = day(
        &policy(window),
        MONDAY,
        &["08:00", "12:00", "12:30", "17:10"],
    );
    assert_eq!(hours(&record), 8.5);
    // Rounding applies to other punches.
    let rounded = policy(&format!(
        "{window}\n[work.rounding]\nout = {{ to = 'down', step = '30m' }}"
    ));
    assert_eq!(
        day(&rounded, MONDAY, &["08:00", "17:40"]).counted.0 / MINUTE,
        570
    );
}

#[test]
fn a_tolerance_in_favor_of_the_employee() {
    let policy = |keys: &str| {
        rules(&format!(
            "[[shifts]]\nname = 'd'\nstart = '08:00'\nend = '17:00'\n[overtime]\ndaily = {{}}\n[work]\n{keys}"
        ))
    };
    let balance =
        |keys: &str, end: &str| day(&policy(keys), MONDAY, &["08:00", end]).balance.0 / MINUTE;
    assert_eq!(balance("", "16:48"), -12, "without the key");
    let tolerance = "tolerance = '15m'";
    for (end, minutes) in [("16:48", 0), ("16:45", 0), ("16:44", -16), ("17:05", 5)] {
        assert_eq!(balance(tolerance, end), minutes, "{end}");
    }
    assert_eq!(
        day(&policy(tolerance), MONDAY, &["08:00", "16:48"]).counted,
        Seconds(528 * MINUTE),
        "as worked"
    );
}

#[test]
fn short_breaks_do_not_count_as_the_break() {
    let times = ["08:00", "11:00", "11:05", "14:00", "14:10", "16:40"];
    let counted = |keys: &str, times: &[&str]| {
        let rule =
            format!("[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '30m'\n{keys}");
        day(&rules(&rule), MONDAY, times).counted.0 / MINUTE
    };
    assert_eq!(counted("", &times), 490, "without the key");
    let shortest = "shortest = '15m'";
    assert_eq!(counted(shortest, &times), 475);
    // One of the two breaks is long enough.
    assert_eq!(
        counted(
            shortest,
            &["08:00", "11:00", "11:05", "14:00", "14:20", "16:40"]
        ),
        485
    );
    assert_eq!(
        counted(
            shortest,
            &["08:00", "11:00", "11:15", "14:00", "14:15", "16:40"]
        ),
        490
    );
    // The same in a fixed window.
    let fixed = |keys: &str| {
        let rule = format!(
            "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '14:00'\nat_most = '1h'\n{keys}"
        );
        day(&rules(&rule), MONDAY, &["08:00", "12:10", "12:20", "17:00"])
            .counted
            .0
            / MINUTE
    };
    assert_eq!((fixed(""), fixed(shortest)), (480, 470));
}

#[test]
fn marks_for_coming_late_and_leaving_early() {
    let days = [
        "2026-03-02 09:20-18:00",
        "2026-03-03 09:00-17:30",
        "2026-03-04 09:30-18:00",
        "2026-03-05 09:00-18:00",
        "2026-03-06 09:00-18:00",
    ];
    let half_days = |key: &str, days: &[&str]| {
        let rules = rules(&format!("{DAY}[statistics]\n{key} = 3"));
        let sums = Statistics::of(&worked(&rules, days, MONDAY, "2026-03-06").days);
        (
            sums.late,
            sums.left_early,
            sums.half_days_for_marks(&rules.policy().statistics),
        )
    };
    assert_eq!(
        half_days("lates_per_half_day", &days),
        (2, 1, 0),
        "without the key"
    );
    assert_eq!(half_days("marks_per_half_day", &days), (2, 1, 1));
    assert_eq!(half_days("marks_per_half_day", &days[2..]), (1, 0, 0));
    // A day can have both marks.
    assert_eq!(
        half_days(
            "marks_per_half_day",
            &["2026-03-02 09:20-17:30", "2026-03-03 09:20-17:30"]
        ),
        (2, 2, 1)
    );
    assert!(
        refusal("[statistics]\nlates_per_half_day = 3\nmarks_per_half_day = 3")
            .contains("late arrivals are marks already")
    );
}

#[test]
fn the_second_and_the_fourth_saturday() {
    let policy = |rest_days: &str| {
        rules(&format!(
            "[site]\ntime_zone = 'Asia/Kolkata'\nworking_days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat']\n{rest_days}\n\
         [work]\nexpected = '8h'\n[overtime]\nrest_days = true\nholidays = true"
        ))
    };
    let month = |rules: &Rules| {
        worked(
            rules,
            &["2026-03-14 09:00-17:00"],
            "2026-03-01",
            "2026-03-31",
        )
    };
    let without = month(&policy(""));
    assert_eq!(
        on(&without, "2026-03-14").unwrap().expected,
        Seconds(8 * HOUR),
        "without the key"
    );
    let with = month(&policy("rest_days = [{ day = 'sat', weeks = [2, 4] }]"));
    assert_eq!(on(&with, "2026-03-07").unwrap().status, Status::Absent);
    let saturday = on(&with, "2026-03-14").unwrap();
    assert_eq!(
        (saturday.expected, saturday.overtime.rest_day),
        (Seconds(0), Seconds(8 * HOUR))
    );
    assert_eq!(on(&with, "2026-03-21").unwrap().status, Status::Absent);
    assert!(on(&with, "2026-03-28").is_none());
    let last = month(&policy(
        "rest_days = [{ day = 'sat', weeks = [1, -1] }, { day = 'tue', weeks = [5] }]",
    ));
    for (date, absent) in [
        ("2026-03-07", false),
        ("2026-03-21", true),
        ("2026-03-28", false),
        ("2026-03-24", true),
        ("2026-03-31", false),
    ] {
        assert_eq!(on(&last, date).is_some(), absent, "{date}");
    }
    assert_eq!(statuses(&last).len(), 26 - 3);
    // A weekly schedule follows, too. A rotation does not follow the week.
    let shift = "[site]\nrest_days = [{ day = 'mon', weeks = [1] }]\n[[shifts]]\nname = 'a'\nstart = '08:00'\nend = '16:00'\n[schedule]\n";
    let weekly = rules(&format!("{shift}kind = 'weekly'\ndays = {{ mon = ['a'] }}"));
    assert!(worked(&weekly, &[], MONDAY, MONDAY).days.is_empty());
    let rotation = rules(&format!(
        "{shift}kind = 'rotation'\nfrom = '2026-03-01'\ncycle = [['a']]"
    ));
    assert_eq!(worked(&rotation, &[], MONDAY, MONDAY).days.len(), 1);
    for weeks in ["[]", "[0]", "[6]", "[-2]"] {
        let error = refusal(&format!(
            "[site]\nrest_days = [{{ day = 'sat', weeks = {weeks} }}]"
        ));
        assert!(
            error.starts_with("policy, site.rest_days[0].weeks: "),
            "{error}"
        );
    }
}

#[test]
fn descriptions_of_the_schema_have_no_rust() {
    fn walk(value: &serde_json::Value, described: &mut usize) {
        match value {
            serde_json::Value::Object(keys) => {
                if let Some(text) = keys.get("description").and_then(|text| text.as_str()) {
                    *described += 1;
                    for rust in ["```", "::", "[`", "None", "Some(", "use attendance_rules"] {
                        assert!(!text.contains(rust), "{text}");
                    }
                    assert!(!text.is_empty());
                }
                keys.values().for_each(|value| walk(value, described));
            }
            serde_json::Value::Array(items) => {
                items.iter().for_each(|value| walk(value, described));
            }
            _ => {}
        }
    }
    let schema = Policy::json_schema();
    let mut described = 0;
    walk(&schema, &mut described);
    assert!(described > 100, "{described}");
    for key in ["terms", "holidays"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}
