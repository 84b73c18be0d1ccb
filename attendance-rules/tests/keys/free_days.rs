//! Holidays of a region, and rest days in some weeks of the month.

use attendance_rules::{Calendar, Rules, Seconds, Status};

use crate::{
    MONDAY,
    common::{HOUR, rules, statuses},
    member, on, refusal, worked,
};

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
