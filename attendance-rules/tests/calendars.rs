//! Holidays from ICS files, and recurring sessions: supported and refused input.

mod common;

use attendance_rules::{Calendar, Error, Half, Seconds, Session, SessionRules, SessionSeries};
use common::{at, period, rules};

fn ics(events: &str) -> Result<Calendar, Error> {
    let events = events.replace('\n', "\r\n");
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n");
    Calendar::from_ics(&text, "Europe/Berlin", period("2026-01-01", "2027-12-31"))
}

#[test]
fn holidays_from_ics() {
    let calendar = ics(
        "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20201224\nDTEND;VALUE=DATE:20201227\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20271224\n\
         SUMMARY:Christmas\\, all of it\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:2\nDTSTART;TZID=Europe/Berlin:20260331T120000\nDTEND;TZID=Europe/Berlin:20260331T180000\nSUMMARY:Inventory\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:3\nDTSTART:20260401T060000Z\nDURATION:PT4H\nSUMMARY:Fog\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:4\nDTSTART;VALUE=DATE:20260402\nSTATUS:CANCELLED\nSUMMARY:Nothing\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:5\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO\nSUMMARY:Last Monday\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:5\nRECURRENCE-ID;VALUE=DATE:20270531\nDTSTART;VALUE=DATE:20270601\nSUMMARY:Moved\nEND:VEVENT\n",
    )
    .unwrap();
    let days: Vec<_> = calendar
        .iter()
        .map(|(date, holiday)| (date.to_string(), &*holiday.name, holiday.half))
        .collect();
    let expected = [
        ("2026-03-31", "Inventory", Some(Half::Afternoon)),
        ("2026-04-01", "Fog", Some(Half::Morning)),
        ("2026-05-25", "Last Monday", None),
        ("2026-12-24", "Christmas, all of it", None),
        ("2026-12-25", "Christmas, all of it", None),
        ("2026-12-26", "Christmas, all of it", None),
        ("2027-06-01", "Moved", None),
    ];
    let expected = expected.map(|(date, name, half)| (date.to_owned(), name, half));
    assert_eq!(days, expected);
}

#[test]
fn wrong_ics_gives_an_error() {
    let event = |lines: &str| {
        ics(&format!("BEGIN:VEVENT\nUID:7\n{lines}\nEND:VEVENT\n"))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        event("SUMMARY:x"),
        "calendar, event \"7\": it has no DTSTART"
    );
    assert!(event("DTSTART;VALUE=DATE:20261340").contains("\"20261340\" is not a date or time"));
    assert!(
        event("DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260101")
            .contains("not after its start")
    );
    assert!(event("DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=SOMETIMES").contains("FREQ=SOMETIMES"));
    assert!(
        event("DTSTART;TZID=Nowhere:20260105T080000\nDTEND:20260105T100000Z")
            .contains("\"Nowhere\" is not a time zone")
    );
    assert!(
        event("DTSTART:20260105T100000Z\nDTEND:20260105T130000Z")
            .contains("neither half a day nor a whole day")
    );
    let whole = |text: &str| {
        Calendar::from_ics(text, "UTC", period("2026-01-01", "2026-12-31"))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        whole(""),
        "calendar: it is not a calendar: BEGIN:VCALENDAR is missing"
    );
    assert_eq!(
        whole("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:2026"),
        "calendar: it is truncated: VEVENT does not end"
    );
    assert!(whole(&"BEGIN:X\n".repeat(100_000)).contains("nested more than 8 deep"));
}

#[test]
fn unsupported_ics_gives_an_error() {
    let event = |lines: &str| ics(&format!("BEGIN:VEVENT\nUID:7\n{lines}\nEND:VEVENT\n"));
    // Names may be in lower case.
    let calendar = ics("begin:vevent\nuid:7\ndtstart;value=date:20200501\nrrule:freq=yearly\nsummary:May Day\nend:vevent\n").unwrap();
    let names: Vec<_> = calendar
        .iter()
        .map(|(date, day)| (date.to_string(), &*day.name))
        .collect();
    assert_eq!(
        names,
        [
            ("2026-05-01".to_owned(), "May Day"),
            ("2027-05-01".to_owned(), "May Day")
        ]
    );
    let zoned =
        event("DTSTART;tzid=Asia/Tokyo:20260502T150000\nDTEND;tzid=Asia/Tokyo:20260502T190000");
    let half = zoned.unwrap().iter().next().unwrap().1.half;
    assert_eq!(half, Some(Half::Morning), "until 12:00 in Berlin");
    let date = "DTSTART;VALUE=DATE:20200501\n";
    for (lines, expected) in [
        (
            "RRULE:FREQ=YEARLY;INTERVAL=0",
            "INTERVAL=0 is not within 1 to 65535",
        ),
        ("RRULE:FREQ=YEARLY;INTERVAL=x", "INTERVAL=x is not within"),
        (
            "RRULE:FREQ=YEARLY\nRRULE:FREQ=MONTHLY",
            "RRULE is given 2 times",
        ),
        (
            "RRULE:FREQ=YEARLY\nEXRULE:FREQ=MONTHLY",
            "EXRULE is not supported",
        ),
        ("exrule:FREQ=MONTHLY", "EXRULE is not supported"),
        ("DTSTART;VALUE=DATE:20200502", "DTSTART is given 2 times"),
        (
            "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20200501",
            "RANGE=THISANDFUTURE is not supported",
        ),
        (
            "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "it falls on no day",
        ),
        ("RRULE:FREQ=YEARLY;COUNT=0", "it falls on no day"),
    ] {
        let error = event(&format!("{date}{lines}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{lines}: {error}");
        assert!(error.starts_with("calendar, event \"7\": "), "{error}");
    }
}

#[test]
fn calendars_have_limits() {
    let many = |number: usize, lines: &str| {
        let event = format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n");
        ics(&event.repeat(number)).map(|calendar| calendar.iter().count())
    };
    let error = |result: Result<usize, Error>| result.unwrap_err().to_string();
    let date = "UID:1\nDTSTART;VALUE=DATE:20260105";
    assert_eq!(many(10_000, date), Ok(1));
    assert_eq!(
        error(many(10_001, date)),
        "calendar: it has 10001 events, the limit is 10000"
    );
    let monthly = "UID:1\nDTSTART;VALUE=DATE:19000105\nRRULE:FREQ=MONTHLY";
    assert_eq!(many(100, monthly), Ok(24));
    assert_eq!(
        error(many(1000, monthly)),
        "calendar, event \"1\": up to here, rules and events have more than 300000 dates"
    );
    let counted = "UID:1\nDTSTART;VALUE=DATE:19000105\nRRULE:FREQ=DAILY;COUNT=1000000";
    assert!(error(many(10, counted)).contains("more than 300000 dates"));
    // A few dates that are far apart.
    let leap =
        "UID:1\nDTSTART;VALUE=DATE:19040229\nRRULE:FREQ=DAILY;COUNT=30;BYMONTH=2;BYMONTHDAY=29";
    assert!(error(many(100, leap)).contains("more than 300000 dates"));
    let long = "UID:1\nDTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20270101\nRRULE:FREQ=DAILY";
    assert!(error(many(10, long)).contains("more than 300000 dates"));
    let text = format!("BEGIN:VCALENDAR\r\nX:{}", "x".repeat(5 << 20));
    let large = Calendar::from_ics(&text, "UTC", period("2026-01-01", "2026-12-31"));
    assert_eq!(
        large.unwrap_err().to_string(),
        "calendar: it has 5242899 bytes, the limit is 4194304"
    );
}

/// Daily and weekly rules are evaluated from near the period on. Their dates must be the same as from the start.
#[test]
fn old_rules_keep_their_dates() {
    let days = |rule: &str, from: &str| {
        let start = "1999-12-31T10:00".parse().unwrap();
        let series = SessionSeries::new("m", start, Seconds::hours(1), rule);
        let sessions = series.sessions("UTC", period(from, "2003-12-31")).unwrap();
        let days = sessions.iter().map(|session| session.start.to_string());
        days.filter(|day| &**day >= "2003-06-01")
            .collect::<Vec<_>>()
    };
    for rule in [
        "FREQ=DAILY;INTERVAL=5",
        "FREQ=DAILY;INTERVAL=3;BYDAY=MO,TU",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO;WKST=SU",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1",
        "FREQ=WEEKLY;INTERVAL=2;BYMONTH=7",
        "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=-1",
    ] {
        let whole = days(rule, "1999-12-31");
        assert!(!whole.is_empty(), "{rule}");
        assert_eq!(days(rule, "2003-06-01"), whole, "{rule}");
    }
}

#[test]
fn sessions_that_contradict_themselves() {
    let rules = rules("");
    let (start, end) = (
        at(&rules, "2026-03-02T10:00"),
        at(&rules, "2026-03-02T11:00"),
    );
    let as_of = end;
    let fails = |session: Session| session.evaluate(&[], as_of).unwrap_err().to_string();
    assert!(fails(Session::new("m", end, start)).starts_with("session \"m\": it ends at"));
    let within = |present, late| SessionRules {
        present_within: Some(Seconds::minutes(present)),
        late_within: Some(Seconds::minutes(late)),
        ..SessionRules::default()
    };
    let session = Session::new("m", start, end).with_rules(within(30, 15));
    assert_eq!(
        fails(session),
        "session \"m\": late_within (15m) is less than present_within (30m)"
    );
    let session = Session::new("m", start, end).with_rules(within(-1, 15));
    assert!(fails(session).contains("present_within is -1m"));
    for (rule, expected) in [
        ("FREQ=HOURLY", "a rule is DAILY, WEEKLY, MONTHLY or YEARLY"),
        ("FREQ=WEEKLY;BYHOUR=3", "BYHOUR is not supported"),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20270101", "exclude each other"),
        ("WEEKLY", "\"WEEKLY\" is not NAME=VALUE"),
        ("", "session \"m\": rule \"\""),
    ] {
        let series = SessionSeries::new(
            "m",
            "2026-03-02T10:00".parse().unwrap(),
            Seconds::hours(1),
            rule,
        );
        let error = series
            .sessions("UTC", period("2026-01-01", "2026-12-31"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{rule}: {error}");
    }
}

#[test]
fn sessions_recur_until() {
    let count = |rule: &str| {
        let series = SessionSeries::new(
            "m",
            "2026-03-02T10:00".parse().unwrap(),
            Seconds::hours(1),
            rule,
        );
        series
            .sessions("Europe/Berlin", period("2026-01-01", "2026-12-31"))
            .unwrap()
            .len()
    };
    assert_eq!(count("FREQ=DAILY;COUNT=5"), 5);
    assert_eq!(count("FREQ=DAILY;UNTIL=20260305"), 4);
    assert_eq!(
        count("FREQ=DAILY;UNTIL=20260305T090000Z"),
        4,
        "10:00 in Berlin"
    );
    assert_eq!(count("FREQ=DAILY;UNTIL=20260305T085959Z"), 3);
    assert_eq!(count("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260331"), 9);
}
