//! What late and corrected punches change.

mod common;

use attendance_rules::{Change, Correction, Period, Punch, Revision, Source};
use common::{anna, at, hours, punches, rules};

const MONDAY: &str = "2026-03-02";

#[test]
fn a_correction_is_a_revision() {
    let rules = rules("");
    let given = punches(
        &rules,
        &["2026-03-02T08:00", "2026-03-02T12:00", "2026-03-02T13:00"],
    );
    let as_of = at(&rules, "2026-04-01T00:00");
    let period: Period = common::period(MONDAY, MONDAY);
    let before = rules.evaluate(&anna(), &given, &[], period, as_of).unwrap();
    let out =
        Punch::new("forgotten", anna(), at(&rules, "2026-03-02T17:00")).with_source(Source::Manual);
    let change = Change::Add {
        punch: Box::new(out),
    };
    let correction = Correction::new(
        "c1",
        at(&rules, "2026-03-03T09:00"),
        "head",
        "forgot to leave",
        change,
    );
    let after = rules
        .evaluate(
            &anna(),
            &given,
            std::slice::from_ref(&correction),
            period,
            as_of,
        )
        .unwrap();
    let revision = Revision::between(&before, &after);
    assert_eq!((revision.punches.len(), revision.days.len()), (1, 1));
    let day = &revision.days[0];
    assert_eq!(
        (
            day.before.as_ref().unwrap().open,
            day.after.as_ref().unwrap().open
        ),
        (true, false)
    );
    assert_eq!(hours(day.after.as_ref().unwrap()), 8.0);
    let undo = Correction::new(
        "c2",
        at(&rules, "2026-03-04T09:00"),
        "head",
        "was right",
        Change::Undo {
            correction: "c1".into(),
        },
    );
    let undone = rules
        .evaluate(&anna(), &given, &[correction, undo], period, as_of)
        .unwrap();
    assert!(Revision::between(&before, &undone).is_empty());
}

#[test]
fn a_revision_reports_what_moves_between_shifts_of_a_day() {
    let rules = rules("");
    let revision = |before: &[Punch], after: &[Punch]| {
        let evaluate = |punches: &[Punch]| {
            let (day, as_of) = (
                common::period(MONDAY, MONDAY),
                at(&rules, "2026-04-01T00:00"),
            );
            rules.evaluate(&anna(), punches, &[], day, as_of).unwrap()
        };
        let revision = Revision::between(&evaluate(before), &evaluate(after));
        let ids = revision.punches.iter().map(|it| it.punch.to_string());
        ids.collect::<Vec<_>>()
    };
    let given = |from: &str, texts: &[&str]| {
        let mut given = punches(&rules, texts);
        for punch in &mut given {
            punch.id = format!("{from}{}", punch.id).into();
        }
        given
    };
    let two = given(
        "",
        &[
            "in 2026-03-02T08:00",
            "out 2026-03-02T12:00",
            "in 2026-03-02T17:00",
            "out 2026-03-02T18:00",
        ],
    );
    let with = |texts: &[&str]| [two.clone(), given("late ", texts)].concat();
    // What was a shift of its own is the end of one now.
    let joined = with(&["in 2026-03-02T14:00", "out 2026-03-02T14:30"]);
    let moved = ["late 000", "late 001", "002", "003"];
    assert_eq!(revision(&two, &joined), moved);
    assert_eq!(revision(&joined, &two), moved);
    // Another shift before it moves none, and neither does an earlier beginning.
    let before = with(&["in 2026-03-02T02:00", "out 2026-03-02T03:00"]);
    assert_eq!(revision(&two, &before), ["late 000", "late 001"]);
    assert_eq!(
        revision(&two, &with(&["in 2026-03-02T07:00"])),
        ["late 000"]
    );
}
