//! Punches near the start and the end, and missing minutes that do not matter.

use attendance_rules::Seconds;

use crate::{
    MONDAY,
    common::{MINUTE, day, hours, rules},
    refusal,
};

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
