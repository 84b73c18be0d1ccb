//! Marks that make half days of leave.

use attendance_rules::Statistics;

use crate::{DAY, MONDAY, common::rules, refusal, worked};

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
