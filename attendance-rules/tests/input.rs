//! Wrong input: a typed error that names the wrong thing, or a documented rule.

mod common;

use attendance_rules::{
    Calendar, Change, Correction, DayCount, Error, Half, Leave, Member, Period, Policy, Punch,
    Rate, Rules, Schedule, Seconds, Session, ShiftsOn, Statistics, Times,
};
use common::{anna, at, evaluate, period, places, punches, rules};
use facekit::{AttendancePolicy, Mark, PersonId, Sighting};

fn policy_error(text: &str) -> String {
    Policy::from_toml(text).expect_err(text).to_string()
}

#[test]
fn policy_errors_name_the_key() {
    let shift = "[[shifts]]\nname = 'day'\nstart = '08:00'\nend = '17:00'\n";
    for (text, expected) in [
        (
            "[scans]\ncooldwn = '60s'",
            "policy, scans.cooldwn: no such key; did you mean \"cooldown\"?",
        ),
        ("zzz = 1", "policy, zzz: no such key; known keys: "),
        (
            "sites = {}",
            "policy, sites: no such key; did you mean \"site\"?",
        ),
        (
            "[scans]\ncooldown = 60",
            "policy, scans.cooldown: invalid type: integer `60`, expected a length of time with its unit",
        ),
        (
            "[scans]\ncooldown = '60'",
            "policy, scans.cooldown: \"60\" is not a length of time",
        ),
        (
            "[scans]\ncooldown = '-1s'",
            "policy, scans.cooldown: it is negative (-1s)",
        ),
        (
            "preset = 'esp32cam'",
            "policy, preset: \"esp32cam\" is not a preset; did you mean \"esp32cam-gateway\"?",
        ),
        (
            "preset = 's3'",
            "policy, preset: the preset \"s3\" is named \"esp32cam-gateway\" now",
        ),
        (
            "[site]\ntime_zone = 'Europe/Berln'",
            "policy, site.time_zone: \"Europe/Berln\" is not a time zone",
        ),
        (
            "[site]\nworking_days = ['mon', 'tues']",
            "policy, site.working_days[1]: \"tues\" is not known; did you mean \"tue\"?",
        ),
        (
            "[work]\ncount = 'pair'",
            "policy, work.count: \"pair\" is not known; did you mean \"pairs\"?",
        ),
        (
            "[work]\nfull_day = '3h'\nhalf_day = '6h'",
            "policy, work.half_day: half a day from 6h is more",
        ),
        (
            "[work.rounding]\nin = { to = 'up', step = '7m' }",
            "policy, work.rounding.in.step: 7m does not divide a day",
        ),
        (
            "[[shifts]]\nname = 'x'\nstart = '22:00'\nend = '06:00'",
            "policy, shifts[0].end: shift \"x\" ends at 06:00:00, not after its start",
        ),
        (
            "[[shifts]]\nname = 'x'\nstart = '08:00'\nend = '09:00'\novernight = true",
            "policy, shifts[0].overnight: shift \"x\" would last 25h",
        ),
        (
            "[[shifts]]\nname = 'x'\nstart = '8'\nend = '09:00'",
            "policy, shifts[0].start: ",
        ),
        (
            "[[shifts]]\nname = 'x'\nstart = '08:00'\nend = '09:00'\nlate_after = '-5m'",
            "policy, shifts[0].late_after: it is negative",
        ),
        (
            &format!("{shift}flexible = true"),
            "policy, shifts[0].expected: shift \"day\" is flexible, so it needs an expected time",
        ),
        (
            &format!("{shift}{shift}"),
            "policy, shifts[1].name: another shift has the name \"day\", too",
        ),
        (
            &format!("{shift}[[shifts]]\nname = 'late'\nstart = '16:00'\nend = '20:00'"),
            "policy, schedule.shifts: shifts \"day\" and \"late\" overlap",
        ),
        (
            &format!("{shift}[[shifts.breaks]]\nkind = 'fixed'\nfrom = '18:00'\nto = '19:00'"),
            "policy, shifts[0].breaks[0]: the break is not within",
        ),
        (
            &format!("{shift}[schedule]\nkind = 'working_days'\nshifts = ['dya']"),
            "policy, schedule.shifts: there is no shift \"dya\"; did you mean \"day\"?",
        ),
        (
            &format!("{shift}[schedule]\nkind = 'rotation'\nfrom = 2026-01-01\ncycle = []"),
            "policy, schedule.cycle: a cycle has 1 to 366 days",
        ),
        (
            "[scans]\nentry_devices = ['a']\nexit_devices = ['a']",
            "policy, scans.exit_devices: device \"a\" is in scans.entry_devices",
        ),
        (
            "[anomalies]\nout_of_hours = { from = '06:00', to = '06:00' }",
            "policy, anomalies.out_of_hours.to: it equals `from`",
        ),
        (
            "[anomalies]\nimpossible_travel = {}",
            "policy, anomalies.impossible_travel: it needs at least two places",
        ),
        (
            "[anomalies]\nlow_liveness = { below = 1.5, streak = 3 }",
            "policy, anomalies.low_liveness.below: 1.5 is not within",
        ),
        (
            "[anomalies]\nlow_liveness = { below = 0.5 }",
            "policy, anomalies.low_liveness: missing field `streak`",
        ),
        (
            "[assignment]\nmissing_out = 'at_shift_end'",
            "policy, assignment.missing_out: at_shift_end needs shifts",
        ),
        (
            "[assignment.missing_out.after_expected]\ntolerence = '1h'",
            "policy, assignment.missing_out.after_expected.tolerence: no such key; did you mean \"tolerance\"?",
        ),
        (
            "[[windows]]\nname = 'n'\nfrom = '22:00'\nto = '22:00'",
            "policy, windows[0].to: it equals `from`",
        ),
        (
            "[overtime.daily]\ntolerance = '5m'",
            "policy, overtime.daily: nothing is expected",
        ),
        (
            "[statistics]\nwarn_below_percent = 101",
            "policy, statistics.warn_below_percent: 101 is more than 100",
        ),
        ("[site", "policy: TOML parse error at line 1"),
        (
            "[site]\ntime_zone = 'Berlin'",
            "policy, site.time_zone: \"Berlin\" is not a time zone of the IANA database; did you mean \"Europe/Berlin\"?",
        ),
        (
            "[[shifts]]\nname = 'x'\nstart = '8:00'\nend = '09:00'",
            "policy, shifts[0].start: \"8:00\" is not a time of day; write it as \"08:00\"",
        ),
        (
            "[[shifts]]\nname = 'x'\nstart = '08:00'\nend = '24:00'",
            "policy, shifts[0].end: \"24:00\" is not a time of day; midnight is \"00:00\"",
        ),
        (
            "[[shifts]]\nname = 'x'\nstart = '2026-03-02T08:00:00'\nend = '12:00'",
            "policy, shifts[0].start: \"2026-03-02T08:00:00\" is not a time of day",
        ),
        (
            "[[windows]]\nname = 'x'\nfrom = '25:00'\nto = '12:00'",
            "policy, windows[0].from: \"25:00\" is not a time of day",
        ),
        (
            "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '13:00:00.5'",
            "policy, breaks[0].to: \"13:00:00.5\" is not a time of day",
        ),
        (
            "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '13:00'\nat_most = 60",
            "policy, breaks[0].at_most: invalid type: integer `60`, expected a length of time",
        ),
        (
            "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '13:00'\nat_mst = '1h'",
            "policy, breaks[0].at_mst: no such key; did you mean \"at_most\"?",
        ),
        (
            "[[breaks]]\nkind = 'fixd'",
            "policy, breaks[0].kind: \"fixd\" is not known; did you mean \"fixed\"?",
        ),
        (
            "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'",
            "policy, breaks[0]: missing field `to`",
        ),
        (
            "[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '1h'\npaid = true",
            "policy, breaks[0]: paid does not go with kind = \"after_work\"",
        ),
        (
            "[schedule]\nkind = 'weekly'\ndays = { monday = ['x'] }",
            "policy, schedule.days: \"monday\" is not known; did you mean \"mon\"?",
        ),
        (
            &format!(
                "{shift}[schedule]\nkind = 'rotation'\nfrom = '2026-03-02T08:00'\ncycle = [['day']]"
            ),
            "policy, schedule.from: \"2026-03-02T08:00\" is not a date",
        ),
        (
            "[overtime]\ndaily = true",
            "policy, overtime.daily: invalid type: boolean `true`, expected a table of keys",
        ),
        (
            "[overtime]\nat_most_daily = '1h'",
            "policy, overtime.at_most_daily: there is no overtime to limit",
        ),
        (
            "[work]\nfull_day = '30h'",
            "policy, work.full_day: 30h is not within 0s to 24h",
        ),
        (
            &format!("{shift}late_after = '9h 1m'"),
            "policy, shifts[0].late_after: 9h 1m is longer than shift \"day\", which lasts 9h",
        ),
        (
            "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '13:00'\n[[breaks]]\nkind = 'fixed'\nfrom = '12:30'\nto = '13:30'",
            "policy, breaks[1].from: it overlaps breaks[0]",
        ),
        (
            "[[breaks]]\nkind = 'fixed'\nfrom = '23:00'\nto = '01:00'\n[[breaks]]\nkind = 'fixed'\nfrom = '00:30'\nto = '02:00'",
            "policy, breaks[1].from: it overlaps breaks[0]",
        ),
    ] {
        let error = policy_error(text);
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
    let night = "[[shifts]]\nname = 'n'\nstart = '22:00'\nend = '06:00'\novernight = true\n[[shifts]]\nname = 'e'\nstart = '05:00'\nend = '09:00'";
    assert!(
        policy_error(night).contains("\"n\" and \"e\" overlap"),
        "on the next day"
    );
}

#[test]
fn toml_dates_and_times_are_accepted() {
    let policy = common::policy(
        "[[shifts]]\nname = 'day'\nstart = 08:00:00\nend = 17:00:00\n[schedule]\nkind = 'rotation'\nfrom = 2026-01-05\ncycle = [['day'], []]",
    );
    assert_eq!(policy.shifts[0].start.to_string(), "08:00:00");
    assert!(matches!(policy.schedule, Schedule::Rotation { .. }));
}

#[test]
fn keys_of_a_file_replace_those_of_its_preset() {
    let policy = common::policy("preset = 'esp32cam-gateway'\n[work]\nfull_day = '7h'");
    assert_eq!(
        (policy.work.full_day, policy.work.half_day),
        (Some(Seconds::hours(7)), Some(Seconds::hours(3)))
    );
    assert_eq!(policy.breaks, Policy::esp32cam_gateway().breaks);
}

#[test]
fn the_schema_has_every_key() {
    let schema = Policy::json_schema();
    let policy = serde_json::to_value(Policy::default()).unwrap();
    for key in policy.as_object().unwrap().keys() {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    assert_eq!(
        schema["properties"]["preset"]["enum"],
        serde_json::json!(["esp32cam-gateway"])
    );
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn schemas_are_plain_and_have_every_key() {
    let [ten, eleven] =
        ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"].map(|at| at.parse().unwrap());
    let mut member = Member::new(anna());
    member.schedule = Some(Schedule::default());
    let session = Session::new("maths", ten, eleven);
    let change = Change::Void { punch: "1".into() };
    let correction = Correction::new("c1", ten, "head", "twice", change);
    for (schema, name, item) in [
        (
            Member::json_schema(),
            "Member",
            serde_json::to_value(member).unwrap(),
        ),
        (
            Session::json_schema(),
            "Session",
            serde_json::to_value(session).unwrap(),
        ),
        (
            Correction::json_schema(),
            "Correction",
            serde_json::to_value(correction).unwrap(),
        ),
    ] {
        let properties = &schema["$defs"][name]["properties"];
        for key in item.as_object().unwrap().keys() {
            assert!(properties[key].is_object(), "{name}.{key}");
        }
        assert_eq!(schema["$defs"][name]["additionalProperties"], false);
        check_descriptions(&schema);
    }
    check_descriptions(&Policy::json_schema());
}

/// Descriptions are for people who do not know Rust.
fn check_descriptions(schema: &serde_json::Value) {
    match schema {
        serde_json::Value::Object(keys) => {
            if let Some(text) = keys.get("description").and_then(|text| text.as_str()) {
                for rust in [
                    "::",
                    "`",
                    "None",
                    "Some(",
                    "assert",
                    "PersonId",
                    "Timestamp",
                    "serde",
                ] {
                    assert!(!text.contains(rust), "{text}");
                }
            }
            keys.values().for_each(check_descriptions);
        }
        serde_json::Value::Array(items) => items.iter().for_each(check_descriptions),
        _ => {}
    }
}

#[test]
fn member_errors_name_the_person() {
    let base = || rules("[[shifts]]\nname = 'day'\nstart = '08:00'\nend = '17:00'");
    let fails = |member: Member| base().with_members([member]).unwrap_err().to_string();
    let mut member = Member::new(anna());
    member.schedule = Some(Schedule::WorkingDays {
        shifts: Some(vec!["night".into()]),
    });
    assert_eq!(
        fails(member),
        "member anna: schedule.shifts: there is no shift \"night\""
    );
    let mut member = Member::new(anna());
    let (from, to) = ("2026-03-09".parse().unwrap(), "2026-03-02".parse().unwrap());
    member
        .leave
        .push(Leave::new(from, to, "annual").with_half(Half::Morning));
    assert_eq!(
        fails(member),
        "member anna: leave from 2026-03-09 ends before it begins, on 2026-03-02"
    );
    let nights = || {
        rules(
            "[[shifts]]\nname = 'night'\nstart = '22:00'\nend = '06:00'\novernight = true\n\
             [[shifts]]\nname = 'early'\nstart = '05:00'\nend = '13:00'\n\
             [schedule]\nkind = 'weekly'\ndays = { mon = ['night'] }",
        )
    };
    let mut member = Member::new(anna());
    member.shifts_on.push(ShiftsOn::new(
        "2026-03-03".parse().unwrap(),
        vec!["early".into()],
    ));
    let error = nights().with_members([member.clone()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "member anna: shifts_on 2026-03-03: shift \"night\" of 2026-03-02 and \"early\" of 2026-03-03 overlap"
    );
    let mut calendar = Calendar::new();
    calendar.add("2026-03-02".parse().unwrap(), "Founders' Day", None);
    let free = nights().with_calendar(calendar);
    assert!(
        free.with_members([member]).is_ok(),
        "the night before is a holiday"
    );
    let twice = base()
        .with_members([Member::new(anna()), Member::new(anna())])
        .unwrap_err();
    assert_eq!(
        twice.to_string(),
        "member \"anna\": two different records have this id"
    );
}

#[test]
fn periods_that_are_not_valid() {
    let error =
        Period::new("2026-03-02".parse().unwrap(), "2026-03-01".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "period 2026-03-02 to 2026-03-01: it ends before it begins"
    );
    assert!(Period::new("2000-01-01".parse().unwrap(), "2026-03-01".parse().unwrap()).is_err());
    assert!(
        Period::new(
            "-009999-01-01".parse().unwrap(),
            "9999-12-31".parse().unwrap()
        )
        .is_err()
    );
}

#[test]
fn periods_are_checked_when_they_are_read() {
    let read = |text: &str| serde_json::from_str::<Period>(text);
    for text in [
        r#"{"from": "2026-03-31", "to": "2026-03-01"}"#,
        r#"{"from": "-009999-01-02", "to": "9999-12-30"}"#,
        r#"{"from": "2026-03-01", "to": "2026-03-31", "until": "2026-03-31"}"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    let march = period("2026-03-01", "2026-03-31");
    assert_eq!(
        read(&serde_json::to_string(&march).unwrap()).unwrap(),
        march
    );
}

#[test]
fn numbers_at_their_limits() {
    for text in [
        "9223372036854775808s ago",
        "-9223372036854775808s",
        "9223372036854775807s",
    ] {
        assert!(text.parse::<Seconds>().is_err(), "{text}");
        assert!(
            policy_error(&format!("[scans]\ncooldown = '{text}'")).contains("is over 100 years")
        );
    }
    assert_eq!(Seconds::hours(i64::MAX), Seconds(i64::MAX));
    assert_eq!(Seconds::minutes(i64::MIN), Seconds(i64::MIN));
    // Sums that are read from JSON can have any value.
    let mut sums = Statistics::default();
    let most = DayCount::of_halves(u32::MAX);
    (sums.due, sums.attended) = (most, most);
    (sums.counted, sums.balance) = (Seconds(i64::MAX), Seconds(i64::MIN));
    sums.add(&sums.clone());
    assert_eq!((sums.due, sums.balance), (most, Seconds(i64::MIN)));
    assert_eq!(sums.rate().unwrap().percent(), 100);
    let rate = Rate {
        attended_halves: u32::MAX,
        due_halves: 1,
    };
    assert_eq!(rate.percent(), u32::MAX);
    let times: Times = serde_json::from_value(serde_json::json!({
        "elapsed_seconds": i64::MAX,
        "worked_seconds": i64::MAX,
        "paid_break_seconds": i64::MAX,
        "unpaid_break_seconds": 0,
        "uncounted_seconds": 0,
    }))
    .unwrap();
    assert_eq!(times.paid(), Seconds(i64::MAX));
}

#[test]
fn records_with_the_same_id() {
    let rules = rules("");
    let mut given = punches(&rules, &["2026-03-02T08:00", "2026-03-02T17:00"]);
    given.push(given[0].clone());
    // Also with scores that are NaN.
    given[0].score = Some(f32::NAN);
    given[2].score = Some(f32::NAN);
    let as_of = at(&rules, "2026-04-01T00:00");
    let day = period("2026-03-02", "2026-03-02");
    let ledger = rules.evaluate(&anna(), &given, &[], day, as_of).unwrap();
    assert_eq!(ledger.outcomes.len(), 2, "equal records count once");
    given[2].at = at(&rules, "2026-03-02T12:00");
    let error = rules
        .evaluate(&anna(), &given, &[], day, as_of)
        .unwrap_err();
    assert_eq!(
        error,
        Error::DuplicateId {
            what: "punch",
            id: "000".into()
        }
    );
    let stranger = Punch::new("x", PersonId::new("bert").unwrap(), as_of);
    let error = rules
        .evaluate(&anna(), &[stranger], &[], day, as_of)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "punch \"x\" belongs to bert, but anna is evaluated"
    );
}

#[test]
fn times_out_of_range() {
    let rules = rules("");
    let ancient = Punch::new("x", anna(), "0001-01-01T00:00:00Z".parse().unwrap());
    let as_of = at(&rules, "2026-04-01T00:00");
    let error = rules
        .evaluate(
            &anna(),
            &[ancient],
            &[],
            period("2026-03-02", "2026-03-02"),
            as_of,
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "punch \"x\": 0001-01-01T00:00:00Z is before 1900 or after 2200"
    );
    let far = Sighting::new(anna(), "9999-01-01T00:00:00Z".parse().unwrap());
    assert!(rules.decide(&[], &far).unwrap_err().is_invalid_input());
}

#[test]
fn punches_years_apart_and_out_of_order() {
    let rules = rules("");
    let ledger = evaluate(
        &rules,
        &[
            "2029-03-02T08:00",
            "1999-03-02T08:00",
            "2026-03-02T08:00",
            "1999-03-02T16:00",
        ],
        "1999-03-01",
        "1999-03-03",
    );
    assert_eq!(ledger.outcomes.len(), 4);
    assert_eq!(common::hours(&ledger.days[1]), 8.0);
    assert_eq!(places(&ledger)[2], "- 2026-03-02");
}

#[test]
fn marks_out_of_order() {
    let rules = rules("");
    let (early, late) = (
        at(&rules, "2026-03-02T08:00"),
        at(&rules, "2026-03-02T09:00"),
    );
    let mark = |at| Mark::new(at, facekit::Direction::Entry, None);
    let sighting = Sighting::new(anna(), early);
    assert!(rules.decide(&[mark(late)], &sighting).is_err());
    let sighting = Sighting::new(anna(), late);
    assert!(rules.decide(&[mark(late), mark(early)], &sighting).is_err());
}

#[test]
fn only_members_are_accepted_if_the_policy_says_so() {
    let closed = rules("[scans]\nmembers_only = true");
    assert_eq!(
        places(&evaluate(
            &closed,
            &["2026-03-02T08:00"],
            "2026-03-02",
            "2026-03-02"
        )),
        ["not_a_member"]
    );
    let open = closed.with_members([Member::new(anna())]).unwrap();
    assert_eq!(
        places(&evaluate(
            &open,
            &["2026-03-02T08:00"],
            "2026-03-02",
            "2026-03-02"
        )),
        ["- 2026-03-02"]
    );
}

#[test]
fn scans_outside_the_employment_are_refused() {
    let mut member = Member::new(anna());
    member.joined = Some("2026-03-02".parse().unwrap());
    member.left = Some("2026-03-03".parse().unwrap());
    let rules = Rules::new(Policy::default())
        .unwrap()
        .with_members([member])
        .unwrap();
    let times = [
        "2026-03-01T08:00",
        "2026-03-03T22:00",
        "2026-03-04T06:00",
        "2026-03-04T20:00",
    ];
    let ledger = evaluate(&rules, &times, "2026-03-01", "2026-03-05");
    // The exit after midnight on the last day belongs to the last day.
    assert_eq!(
        places(&ledger),
        [
            "before_joining",
            "- 2026-03-03",
            "- 2026-03-03",
            "after_leaving"
        ]
    );
}
