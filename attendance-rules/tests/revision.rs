//! Changes by late and corrected punches.

mod common;

use attendance_rules::{Change, Correction, Period, Punch, PunchSource, PunchVerdict, Revision};
use common::{anna, at, hours, period, punches, rules};

const MONDAY: &str = "2026-03-02";

#[test]
fn a_correction_is_a_revision() {
    let rules = rules("");
    let given = punches(
        &rules,
        &["2026-03-02T08:00", "2026-03-02T12:00", "2026-03-02T13:00"],
    );
    let as_of = at(&rules, "2026-04-01T00:00");
    let monday: Period = period(MONDAY, MONDAY);
    let before = rules.evaluate(&anna(), &given, &[], monday, as_of).unwrap();
    let out = Punch::new("forgotten", anna(), at(&rules, "2026-03-02T17:00"))
        .with_source(PunchSource::Manual);
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
            monday,
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
        .evaluate(&anna(), &given, &[correction, undo], monday, as_of)
        .unwrap();
    assert!(Revision::between(&before, &undone).is_empty());
}

#[test]
fn a_revision_reports_punches_that_move_between_shifts() {
    let rules = rules("");
    let revision = |before: &[Punch], after: &[Punch]| {
        let evaluate = |punches: &[Punch]| {
            let (day, as_of) = (period(MONDAY, MONDAY), at(&rules, "2026-04-01T00:00"));
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
    // The second shift is now the end of the first.
    let joined = with(&["in 2026-03-02T14:00", "out 2026-03-02T14:30"]);
    let moved = ["late 000", "late 001", "002", "003"];
    assert_eq!(revision(&two, &joined), moved);
    assert_eq!(revision(&joined, &two), moved);
    // A shift before them moves no punch, and neither does an earlier start.
    let before = with(&["in 2026-03-02T02:00", "out 2026-03-02T03:00"]);
    assert_eq!(revision(&two, &before), ["late 000", "late 001"]);
    assert_eq!(
        revision(&two, &with(&["in 2026-03-02T07:00"])),
        ["late 000"]
    );
}

#[test]
fn corrections_of_unknown_records() {
    let rules = rules("");
    let given = punches(&rules, &["2026-03-02T08:00"]);
    let as_of = at(&rules, "2026-04-01T00:00");
    let fails = |change| {
        let correction = Correction::new("c", as_of, "head", "why", change);
        let day = period("2026-03-02", "2026-03-02");
        rules
            .evaluate(&anna(), &given, &[correction], day, as_of)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        fails(Change::Void { punch: "9".into() }),
        "correction \"c\": there is no punch \"9\" before it"
    );
    assert_eq!(
        fails(Change::Undo {
            correction: "c".into()
        }),
        "correction \"c\": there is no correction \"c\" before it"
    );
    let same = Box::new(given[0].clone());
    assert_eq!(
        fails(Change::Add { punch: same }),
        "punch \"000\": two different records have this id"
    );
}

#[test]
fn superseded_punches_name_the_correction() {
    let rules = rules("");
    let given = punches(&rules, &["2026-03-02T08:00", "2026-03-02T17:00"]);
    let as_of = at(&rules, "2026-04-01T00:00");
    let made = at(&rules, "2026-03-03T08:00");
    let replace = |id: &str, minute: &str| {
        let with = Punch::new(
            format!("new {id}"),
            anna(),
            at(&rules, &format!("2026-03-02T08:{minute}")),
        );
        let change = Change::Replace {
            punch: "000".into(),
            with: Box::new(with),
        };
        Correction::new(id, made, "head", "came later", change)
    };
    let day = period("2026-03-02", "2026-03-02");
    let corrections = [replace("c1", "30"), replace("c2", "45")];
    let ledger = rules
        .evaluate(&anna(), &given, &corrections, day, as_of)
        .unwrap();
    assert_eq!(hours(&ledger.days[0]), 8.25, "the latest applies");
    let superseded = ledger.outcomes.iter().filter_map(|it| match &it.outcome {
        PunchVerdict::Superseded { correction } => Some((it.punch.as_str(), correction.as_str())),
        _ => None,
    });
    assert_eq!(
        superseded.collect::<Vec<_>>(),
        [("000", "c2"), ("new c1", "c2")]
    );
}

/// The punches that count after corrections, each made a day after the previous one, and for the other punches the correction
/// that superseded them.
fn corrected(changes: &[Change]) -> (Vec<String>, Vec<(String, String)>) {
    let rules = rules("");
    let given = punches(&rules, &["2026-03-02T08:00", "2026-03-02T17:00"]);
    let made = |number: usize| at(&rules, &format!("2026-03-{:02}T08:00", number + 3));
    let correction = |(number, change): (usize, &Change)| {
        Correction::new(
            format!("c{}", number + 1),
            made(number),
            "head",
            "why",
            change.clone(),
        )
    };
    let corrections: Vec<_> = changes.iter().enumerate().map(correction).collect();
    // Corrections apply, although all of them are made later.
    let as_of = at(&rules, "2026-03-02T23:00");
    let day = period("2026-03-02", "2026-03-02");
    let ledger = rules
        .evaluate(&anna(), &given, &corrections, day, as_of)
        .unwrap();
    let (mut count, mut superseded) = (Vec::new(), Vec::new());
    for it in &ledger.outcomes {
        match &it.outcome {
            PunchVerdict::Superseded { correction } => {
                superseded.push((it.punch.to_string(), correction.clone()));
            }
            _ => count.push(it.punch.to_string()),
        }
    }
    (count, superseded)
}

#[test]
fn a_replacement_takes_the_place_of_the_replaced_punch() {
    let replace = |punch: &str, id: &str, time: &str| Change::Replace {
        punch: punch.into(),
        with: Box::new(Punch::new(
            id,
            anna(),
            format!("2026-03-02T{time}:00Z").parse().unwrap(),
        )),
    };
    let void = |punch: &str| Change::Void {
        punch: punch.into(),
    };
    let (b, c) = (replace("001", "B", "18:00"), replace("B", "C", "19:00"));
    let d = replace("001", "D", "20:00");
    let undo = |correction: &str| Change::Undo {
        correction: correction.into(),
    };
    for (changes, counts, superseded) in [
        (
            vec![b.clone(), c.clone()],
            &["000", "C"][..],
            "001 c1, B c2",
        ),
        (
            vec![b.clone(), c.clone(), void("001")],
            &["000"],
            "001 c3, B c2, C c3",
        ),
        (
            vec![b.clone(), c.clone(), void("C")],
            &["000"],
            "001 c1, B c2, C c3",
        ),
        (
            vec![b.clone(), c.clone(), d],
            &["000", "D"],
            "001 c3, B c2, C c3",
        ),
        (
            vec![b.clone(), void("001"), c.clone()],
            &["000", "C"],
            "001 c2, B c3",
        ),
        (
            vec![b.clone(), c.clone(), void("001"), undo("c3")],
            &["000", "C"],
            "001 c1, B c2",
        ),
        (vec![b, c, undo("c1")], &["000", "001"], ""),
    ] {
        let (count, gone) = corrected(&changes);
        assert_eq!(count, counts, "{changes:?}");
        let gone: Vec<_> = gone.iter().map(|(id, by)| format!("{id} {by}")).collect();
        assert_eq!(gone.join(", "), superseded, "{changes:?}");
    }
}
