//! Dated schedules and contracts.

use attendance_rules::{Policy, Rules, Status};

use crate::{
    MONDAY, common,
    common::{HOUR, rules},
    member, refusal, terms, worked,
};

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
