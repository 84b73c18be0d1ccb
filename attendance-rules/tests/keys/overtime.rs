//! Limits of overtime, and overtime in a window.

use attendance_rules::Seconds;

use crate::{
    MONDAY,
    common::{HOUR, day, rules},
    worked,
};

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
