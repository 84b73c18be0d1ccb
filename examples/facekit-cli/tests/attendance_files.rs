//! `facekit timesheet` with the files of attendance systems, and with what payroll needs.

mod common;

use common::Place;
use serde_json::Value;

const POLICY: &str = "[site]\ntime_zone = \"Europe/Berlin\"\n";

/// A place with a policy.
fn place(policy: &str) -> Place {
    let place = Place::new();
    place.write("policy.toml", policy);
    place
}

fn json(place: &Place, line: &str) -> Value {
    let line = format!("{line} --json");
    serde_json::from_str(&place.line(&line).ends(0).stdout).unwrap()
}

#[test]
fn schemas_of_files() {
    let schema = |line: &str| -> Value {
        serde_json::from_str(&Place::new().line(line).ends(0).stdout).unwrap()
    };
    assert!(schema("timesheet --schema policy")["properties"]["files"].is_object());
    for (kind, name) in [
        ("members", "Member"),
        ("corrections", "Correction"),
        ("sessions", "Session"),
    ] {
        let schema = schema(&format!("timesheet --schema {kind}"));
        assert!(schema["$defs"][name]["properties"].is_object(), "{kind}");
    }
}

#[test]
fn logs_and_exports() {
    let place = place(POLICY);
    place.write(
        "attlog.dat",
        "  101\t2026-03-02 09:00:12\t1\t0\t1\t0\n  101\t2026-03-02 17:01:02\t1\t1\t1\t0\n",
    );
    place.write(
        "export.csv",
        "Who;When\n101;02/03/2026 09:00\n101;02/03/2026 17:00\n",
    );
    place.write("members.csv", "person;joined\n101;01.03.2026\n");
    place.write("holidays.csv", "2026-03-03,Feast\n");
    let rest = "--policy policy.toml --as-of 2026-03-10";
    let log = json(&place, &format!("timesheet --punches attlog.dat {rest}"));
    assert_eq!(log["days"][0]["counted_seconds"], 28_850);
    assert_eq!(log["as_of"], "2026-03-10T23:00:00Z", "the end of the day");

    let options = "--columns person=Who,at=When --dates day-first";
    let more = "--members members.csv --holidays holidays.csv --to 2026-03-03";
    let line = format!("timesheet --punches export.csv {options} {more} {rest}");
    let export = json(&place, &line);
    assert_eq!(export["days"][0]["counted_seconds"], 28_800);
    let days = export["days"].as_array().unwrap();
    assert_eq!(days.len(), 1, "3 March is a holiday");

    let files = "[files]\ndates = \"month_first\"\ncolumns = { person = \"Who\", at = \"When\" }\n";
    place.write("policy.toml", format!("{POLICY}{files}"));
    let export = json(&place, &format!("timesheet --punches export.csv {rest}"));
    assert_eq!(export["days"][0]["date"], "2026-02-03");
}

const PAYROLL: &str = r#"
[site]
time_zone = "Europe/Berlin"

[[shifts]]
name = "day"
start = "09:00"
end = "17:00"

[overtime]
daily = {}
rest_days = true

[[windows]]
name = "evening"
from = "18:00"
to = "20:00"

[statistics]
lates_per_half_day = 1
warn_below_percent = 90
"#;

#[test]
fn what_payroll_needs() {
    let place = place(PAYROLL);
    place.write(
        "punches.csv",
        "person,at,kind\n\
         anna,2026-03-06 09:10,in\nanna,2026-03-06 18:00,out\n\
         anna,2026-03-07 18:00,in\nanna,2026-03-07 19:00,out\n\
         Anna,2026-03-06 09:00,in\nAnna,2026-03-06 17:00,out\n",
    );
    let line =
        "timesheet --policy policy.toml --punches punches.csv --from 2026-03-05 --as-of 2026-03-31";
    place.line(line).ends(0).says(&[
        "50m daily",
        "1h rest day",
        "1h evening",
        "anna: the attendance rate is 50 %, below 90 %",
        "anna: 1 late day, counted as 1 half day of leave",
        "\"Anna\" and \"anna\" are two people",
        "rate",
    ]);
    let csv = place.line(&format!("{line} --format csv")).ends(0).stdout;
    let mut rows = csv.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let headings = rows.next().unwrap();
    let rows: Vec<_> = rows
        .filter(|row| row[0] == "anna" && row[2] != "ABSENT")
        .collect();
    let of = |name: &str| -> Vec<&str> {
        let column = headings.iter().position(|it| *it == name).unwrap();
        rows.iter().map(|row| row[column]).collect()
    };
    assert_eq!(of("overtime_daily_seconds"), ["3000", "0"]);
    assert_eq!(of("overtime_rest_day_seconds"), ["0", "3600"]);
    assert_eq!(of("window_evening_worked_seconds"), ["0", "3600"]);
    assert_eq!(of("shift"), ["day", ""]);
    let json = json(&place, line);
    assert_eq!(json["statistics"]["anna"]["rate_percent"], 50);
    assert_eq!(json["statistics"]["anna"]["half_days_for_marks"], 1);
}

#[test]
fn corrections_and_what_they_change() {
    let place = place(PAYROLL);
    place.write(
        "punches.csv",
        "person,at,kind\nanna,2026-03-02 09:00,in\nanna,2026-03-02 16:00,out\n",
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --as-of 2026-03-31";
    place
        .line(&format!("{line} --format json --out march.json"))
        .ends(0);
    place.write(
        "corrections.json",
        r#"[{"id": "c1", "made": "2026-04-01T08:00:00Z", "by": "head", "reason": "at a customer's", "change": {"replace":
            {"punch": "row 3", "with": {"id": "r1", "person": "anna", "at": "2026-03-02T16:00:00Z", "source": "manual", "kind": "out"}}}}]"#,
    );
    let corrected = format!("{line} --corrections corrections.json");
    let days = json(&place, &corrected);
    assert_eq!(days["days"][0]["counted_seconds"], 28_800);
    let changes = format!("{corrected} --against march.json");
    place.line(&changes).ends(0).says(&[
        "counted_seconds",
        "25200",
        "28800",
        "punch row 3",
        "1 day and 2 punches of 1 person changed since march.json",
    ]);
    let csv = place
        .line(&format!("{changes} --format csv"))
        .ends(0)
        .stdout;
    let row = "anna,2026-03-02,counted_seconds,25200,28800\n";
    assert!(csv.contains(row), "{csv}");
    let same = json(&place, &format!("{line} --against march.json"));
    assert_eq!(same["revisions"], serde_json::json!({}));

    place.write("old.json", r#"{"days": []}"#);
    place.line(&format!("{line} --against old.json")).fails(&[
        "old.json cannot be used",
        "write the earlier records with --format json",
    ]);
    place.write(
        "corrections.json",
        r#"[{"id": "c1", "made": "2026-04-01T08:00:00Z", "by": "head", "reason": "twice", "change": {"void": {"punch": "row 9"}}}]"#,
    );
    place.line(&corrected).fails(&[
        "corrections.json cannot be used",
        "item 1: there is no punch \"row 9\"",
    ]);
}

#[test]
fn corrections_of_implausible_times() {
    let place = place(POLICY);
    place.write(
        "punches.csv",
        "person,at,kind\n\
         anna,2018-01-01 00:01,in\nanna,2026-03-02 17:00,out\n\
         anna,2026-03-03 09:00,in\nanna,2026-03-03 17:00,out\n",
    );
    place.write(
        "corrections.json",
        r#"[{"id": "c1", "made": "2026-03-04T08:00:00Z", "by": "head", "reason": "wrong clock", "change": {"replace":
            {"punch": "row 2", "with": {"id": "r1", "person": "anna", "at": "2026-03-02T08:00:00Z", "source": "manual", "kind": "in"}}}}]"#,
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --as-of 2026-03-10";
    let screened = json(&place, line);
    assert_eq!(screened["not_counted"][0]["code"], "wrong_clock");
    assert_eq!(screened["days"][0]["open"], true);
    let corrected = json(&place, &format!("{line} --corrections corrections.json"));
    assert_eq!(corrected["from"], "2026-03-02");
    assert_eq!(corrected["days"][0]["counted_seconds"], 28_800);
    assert_eq!(corrected["not_counted"].as_array().unwrap().len(), 1);
    assert_eq!(corrected["not_counted"][0]["outcome"], "superseded");
}

#[test]
fn sessions() {
    let place = place(PAYROLL);
    place.write(
        "punches.csv",
        "person,at\nanna,2026-03-02 10:05\nbert,2026-03-02 10:20\n",
    );
    place.write(
        "sessions.json",
        r#"[{"id": "maths", "start": "2026-03-02T10:00:00+01:00", "end": "2026-03-02T11:00:00+01:00",
             "roster": ["anna", "bert", "cleo"], "rules": {"present_within": "10m"}}]"#,
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --sessions sessions.json --as-of 2026-03-02";
    place.line(line).ends(0).says(&[
        "maths",
        "PRESENT",
        "LATE",
        "20m",
        "ABSENT",
        "1 session, 3 people with marks",
        "cleo: the attendance rate is 0 %, below 90 %",
    ]);
    let csv = place.line(&format!("{line} --format csv")).ends(0).stdout;
    let row = "maths,true,bert,LATE,2026-03-02T10:20:00+01:00,1200,,0\n";
    assert!(csv.contains(row), "{csv}");
    let sheets = json(&place, line);
    assert_eq!(sheets["totals"]["anna"]["present"].as_f64(), Some(1.0));
    // Two lessons, in which people scan when they leave. Of four punches, no lesson accepts the last.
    place.write(
        "leaving.csv",
        "person,at\nanna,2026-03-02 10:00\nanna,2026-03-02 10:40\nbert,2026-03-02 12:00\nbert,2026-03-02 15:00\n",
    );
    place.write(
        "lessons.json",
        r#"[{"id": "maths", "start": "2026-03-02T10:00:00+01:00", "end": "2026-03-02T11:00:00+01:00", "rules": {"leave_within": "5m"}},
            {"id": "music", "start": "2026-03-02T12:00:00+01:00", "end": "2026-03-02T13:00:00+01:00", "rules": {"leave_within": "5m"}}]"#,
    );
    let lessons = "timesheet --policy policy.toml --punches leaving.csv --sessions lessons.json --as-of 2026-03-02";
    place.line(lessons).ends(0).says(&[
        "left early",
        "2026-03-02 10:40:00",
        "20m",
        "\n1 punch in no session or after the first",
    ]);
    let csv = place
        .line(&format!("{lessons} --format csv"))
        .ends(0)
        .stdout;
    let row =
        "maths,true,anna,PRESENT,2026-03-02T10:00:00+01:00,0,2026-03-02T10:40:00+01:00,1200\n";
    assert!(csv.contains(row), "{csv}");
    place.write(
        "sessions.json",
        r#"[{"id": "maths", "start": "soon", "end": "2026-03-02T11:00:00+01:00"}]"#,
    );
    place.line(line).fails(&[
        "sessions.json cannot be used",
        "item 1: start: \"soon\" is not a time",
    ]);
}

#[test]
fn bad_input_is_named() {
    let place = place(POLICY);
    place.write("punches.csv", "person,at\nanna,2026-03-02 09:00\n");
    place.write("wrong.csv", "person,at\nanna,noon\nbert,2026-03-02\n");
    place.write("unclear.csv", "person,at\nanna,02/03/2026 08:00\n");
    place.write("members.csv", "person,joined\nanna,soon\n");
    for (rest, words) in [
        (
            "--punches wrong.csv",
            "wrong.csv cannot be used: 2 rows\n  \
             line 2: at: \"noon\" is not a date and time; write 2026-03-02 08:59:30\n  \
             line 3: at: \"2026-03-02\" has no time of day",
        ),
        ("--punches unclear.csv", "state day_first or month_first"),
        (
            "--punches punches.csv --columns person=Who",
            "there is no column \"Who\"; the file has person, at",
        ),
        (
            "--punches punches.csv --columns who=person",
            "\"who\" is not person, at, date, time",
        ),
        (
            "--punches punches.csv --kinds 1=enter",
            "\"enter\" is not in, out or undetermined",
        ),
        (
            "--punches punches.csv --from 03/01/2026",
            "it is not a day of the calendar; write 2026-03-01",
        ),
        (
            "--punches punches.csv --as-of 31.03.2026",
            "2026-03-31 for the end of that day",
        ),
        (
            "--punches punches.csv --members members.csv",
            "line 2: joined: \"soon\" is not a date; write 2026-03-02",
        ),
    ] {
        let line = format!("timesheet --policy policy.toml {rest}");
        place.line(&line).fails(&[words]);
    }
}
