//! Several periods of employment.

use attendance_rules::{DayCount, Employment, Member, PunchVerdict, Statistics};

use crate::{
    common,
    common::{anna, at, punches, rules},
    member, worked,
};

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
            Employment::new(date("2026-03-20"), date("2026-03-20")),
            Employment::new(date("2026-03-09"), date("2026-03-10")),
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
