//! Runs the functions of the fuzz targets with random input and with nearly correct input, on a stable compiler.

#[path = "common/hostile.rs"]
mod hostile;

use proptest::prelude::*;

/// Nearly correct policies.
fn nearly_policies() -> impl Strategy<Value = String> {
    let keys = prop::sample::select(vec![
        "[site]",
        "[scans]",
        "[[shifts]]",
        "[work]",
        "[overtime]",
        "[[breaks]]",
        "[assignment]",
        "[schedule]",
        "[anomalies]",
        "[[windows]]",
        "[statistics]",
        "[work.rounding]",
        "name = 'a'",
        "start = '08:00'",
        "end = '07:00'",
        "end = '17:00'",
        "overnight = true",
        "time_zone = 'Europe/Berlin'",
        "cooldown = '48h'",
        "kind = 'weekly'",
        "days = { mon = ['a'], tue = ['a'] }",
        "kind = 'rotation'",
        "from = 2020-01-01",
        "cycle = [['a'], []]",
        "kind = 'after_work'",
        "worked = '6h'",
        "length = '1h'",
        "kind = 'fixed'",
        "from = '23:00'",
        "to = '01:00'",
        "paid = true",
        "expected = '24h'",
        "full_day = '1s'",
        "weekly_after = '0s'",
        "day = 'split_at_midnight'",
        "step = '1s'",
        "in = { to = 'up', step = '1h' }",
        "margin_after = '12h'",
        "missing_out = 'refuse'",
        "preset = 'esp32cam-gateway'",
        "new_shift_after = '1s'",
        "longest_shift = '1s'",
        "early_arrival = '12h'",
        "shortest_stay = '4h'",
        "ignore_kinds = true",
        "ignore_kinds = ['door']",
        "short_rest = '11h'",
        "long_work = '10h'",
        "[[terms]]",
        "from = '2020-02-30'",
        "to = '2020-12-31'",
        "expected_weekly = '168h'",
        "expected_monthly = '1s'",
        "weekly_less_free = true",
        "rest_days = [{ day = 'mon', weeks = [1, -1] }]",
        "regions = ['a']",
        "[[holidays]]",
        "date = '2020-01-01'",
        "shortest = '24h'",
        "on_time = { before_start = '24h', after_end = '24h' }",
    ]);
    prop::collection::vec(keys, 0..14).prop_map(|lines| lines.join("\n"))
}

/// Nearly correct calendars and recurrence rules.
fn nearly_calendars() -> impl Strategy<Value = String> {
    let lines = prop::sample::select(vec![
        "BEGIN:VEVENT",
        "END:VEVENT",
        "UID:1",
        "DTSTART;VALUE=DATE:20200101",
        "DTSTART:20200101T000000Z",
        "DTEND;VALUE=DATE:20200103",
        "DTEND:20200101T120000Z",
        "DURATION:P1D",
        "DURATION:PT4H",
        "RRULE:FREQ=DAILY",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "RRULE:FREQ=MONTHLY;BYDAY=-5MO;BYSETPOS=-1",
        "EXDATE:20200101",
        "RDATE;VALUE=DATE:20200105,20200107",
        "RECURRENCE-ID;VALUE=DATE:20200101",
        "SUMMARY:x\\",
        " folded",
        "STATUS:CANCELLED",
        "DTSTART;TZID=Europe/Berlin:20200329T023000",
        "X:\"",
        "FREQ=DAILY",
    ]);
    let event = prop::collection::vec(lines, 0..8);
    let rule = "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;(INTERVAL|COUNT|BYDAY|BYMONTH|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYSETPOS)=[-+]?[0-9MOTUWEFRSA,]{1,6}){0,4})";
    prop_oneof![
        event.prop_map(|lines| format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            lines.join("\r\n")
        )),
        rule.prop_map(|rule| rule),
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        hostile::policy(&text);
        hostile::calendar(&text);
    }

    #[test]
    fn nearly_correct_policies_do_not_panic(text in nearly_policies()) {
        hostile::policy(&text);
    }

    #[test]
    fn nearly_correct_calendars_do_not_panic(text in nearly_calendars()) {
        hostile::calendar(&text);
    }

    #[test]
    fn any_punches_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..1200)) {
        hostile::punches(&bytes);
    }
}
