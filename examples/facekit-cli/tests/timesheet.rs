//! Day records from punches and a policy.

mod common;

use common::Place;
use serde_json::Value;

const POLICY: &str = "preset = \"esp32cam-gateway\"\n[site]\ntime_zone = \"Europe/Berlin\"\n";
const PUNCHES: &str = "person,at,kind,device
anna,2026-03-02T09:00,in,door
anna,2026-03-02T09:00:20,,door
anna,2026-03-02T15:59,,
bert,2026-03-03T08:00:00+01:00,,door
";

fn place() -> Place {
    let place = Place::new();
    place.write("policy.toml", POLICY);
    place.write("punches.csv", PUNCHES);
    place
}

const LINE: &str =
    "timesheet --policy policy.toml --punches punches.csv --as-of 2026-03-10T00:00:00Z";

#[test]
fn as_a_table_as_csv_and_as_json() {
    let place = place();
    place.line(LINE).ends(0).says(&[
        "HALF_DAY",
        "5h 59m",
        "no OUT",
        "4 day records of 2 people, 2026-03-02 to 2026-03-03, Europe/Berlin",
        "1 punch not counted: 1 repeated",
    ]);
    let csv = place.line(&format!("{LINE} --format csv")).ends(0).stdout;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 5);
    assert!(rows[1].starts_with(
        "anna,2026-03-02,HALF_DAY,true,2026-03-02T09:00:00+01:00,2026-03-02T15:59:00+01:00,21540,"
    ));
    let json = place.line(&format!("{LINE} --json")).ends(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["days"][0]["counted_seconds"], 21_540);
    assert_eq!(json["days"][3]["status"], "INCOMPLETE");
    assert_eq!(json["totals"]["anna"]["half_days"], 1);
    assert_eq!(json["not_counted"][0]["seconds_left"], 100);
}

#[test]
fn into_a_file() {
    let place = place();
    place
        .line(&format!("{LINE} --format csv --out days.csv"))
        .ends(0)
        .says(&["records written: days.csv", "4 day records"]);
    let written = std::fs::read_to_string(place.path("days.csv")).unwrap();
    assert!(written.starts_with("person,date,status,final,") && written.ends_with('\n'));
    place
        .line(&format!("{LINE} --out punches.csv"))
        .fails(&["punches.csv: not overwritten, because this command reads it"]);
}

#[test]
fn with_members_and_holidays() {
    let place = place();
    place.write(
        "members.json",
        r#"[{"person": "cleo", "joined": "2026-03-03"}]"#,
    );
    place.write(
        "holidays.ics",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260304\r\nSUMMARY:Founders\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    let line =
        format!("{LINE} --members members.json --holidays holidays.ics --to 2026-03-05 --json");
    let json: Value = serde_json::from_str(&place.line(&line).ends(0).stdout).unwrap();
    let days = json["days"].as_array().unwrap();
    let of = |person: &str| -> Vec<&str> {
        let days = days.iter().filter(|day| day["person"] == person);
        days.map(|day| day["date"].as_str().unwrap()).collect()
    };
    assert_eq!(of("cleo"), ["2026-03-03", "2026-03-05"]);
    assert_eq!(of("bert"), ["2026-03-02", "2026-03-03", "2026-03-05"]);
}

#[test]
fn holidays_of_regions() {
    let place = Place::new();
    let site = "[site]\ntime_zone = \"Europe/Berlin\"\nregions = [\"bavaria\", \"hamburg\"]\n";
    place.write("policy.toml", format!("{site}[work]\nexpected = \"8h\"\n"));
    place.write("punches.csv", "person,at\nanna,2026-03-02T09:00\n");
    place.write(
        "members.csv",
        "person,region\nanna,bavaria\nbert,hamburg\ncleo,\n",
    );
    let ics = |name: &str, date: &str| {
        let event = format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:{date}\r\nSUMMARY:{name}\r\n\
             END:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        place.write(&format!("{name}.ics"), &event);
    };
    ics("all", "20260303");
    ics("bavaria", "20260304");
    ics("hamburg", "20260305");
    place.write(
        "table.csv",
        "date,name,region\n2026-03-03,Feast,\n2026-03-04,Feast,bavaria\n2026-03-05,Feast,hamburg\n",
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --members members.csv --from 2026-03-03 \
                --to 2026-03-06 --as-of 2026-03-10";
    for holidays in [
        "--holidays all.ics --holidays bavaria=bavaria.ics --holidays hamburg=./hamburg.ics",
        "--holidays table.csv",
    ] {
        let out = place.line(&format!("{line} {holidays} --json"));
        let json: Value = serde_json::from_str(&out.ends(0).stdout).unwrap();
        let days = json["days"].as_array().unwrap();
        let of = |person: &str| -> Vec<&str> {
            let days = days.iter().filter(|day| day["person"] == person);
            days.map(|day| day["date"].as_str().unwrap()).collect()
        };
        assert_eq!(of("anna"), ["2026-03-05", "2026-03-06"], "{holidays}");
        assert_eq!(of("bert"), ["2026-03-04", "2026-03-06"], "{holidays}");
        assert_eq!(
            of("cleo"),
            ["2026-03-04", "2026-03-05", "2026-03-06"],
            "{holidays}"
        );
    }
    place
        .line(&format!("{line} --holidays bavria=all.ics"))
        .fails(&[
            "all.ics cannot be used",
            "there is no region \"bavria\"; did you mean \"bavaria\"?",
        ]);
    place
        .line(&format!("{line} --holidays =all.ics"))
        .fails(&["write FILE, or REGION=FILE for the holidays of a region"]);
    place.write("members.csv", "person,region\nanna,saxony\n");
    place
        .line(line)
        .fails(&["member anna", "there is no region \"saxony\""]);
}

#[test]
fn punches_of_a_night_belong_to_its_day() {
    let place = Place::new();
    place.write(
        "policy.toml",
        "[site]\nworking_days = [\"mon\", \"tue\"]\n[[shifts]]\nname = \"night\"\nstart = \"22:00\"\nend = \"06:00\"\n\
         overnight = true\n",
    );
    place.write(
        "punches.csv",
        "person,at\na,2026-03-02T22:00\na,2026-03-03T06:00\na,2026-03-03T22:00\na,2026-03-04T06:00\n",
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --as-of 2026-03-10 --json";
    let outside = |days: &str| {
        let json: Value =
            serde_json::from_str(&place.line(&format!("{line} {days}")).ends(0).stdout).unwrap();
        let number = |side: &str| json["outside"][side].as_u64().unwrap();
        (number("before"), number("after"))
    };
    // The OUT on Tuesday morning belongs to the night of Monday, and that on Wednesday morning to the night of Tuesday.
    assert_eq!(outside("--from 2026-03-02 --to 2026-03-02"), (0, 2));
    assert_eq!(outside("--from 2026-03-03 --to 2026-03-03"), (2, 0));
    assert_eq!(outside("--from 2026-03-04 --to 2026-03-04"), (4, 0));
}

#[test]
fn the_schema() {
    let schema = Place::new().line("timesheet --schema").ends(0).stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert!(schema["properties"]["scans"].is_object());
}

#[test]
fn bad_input_is_named() {
    let place = place();
    place.write("wrong.toml", "[scans]\ncooldwn = \"60s\"");
    place.write("wrong.csv", "person,at\nanna,noon\n");
    place.write("empty.csv", "person,at\n");
    place.write("wrong.ics", "BEGIN:VCALENDAR");
    place.write("wrong.json", r#"[{"person": "cleo", "join": 1}]"#);
    for (line, words) in [
        ("timesheet --punches punches.csv", "--policy"),
        (
            "timesheet --policy none.toml --punches punches.csv",
            "none.toml: reading failed",
        ),
        (
            "timesheet --policy wrong.toml --punches punches.csv",
            "scans.cooldwn: no such key; did you mean \"cooldown\"?",
        ),
        (
            "timesheet --policy policy.toml --punches wrong.csv",
            "wrong.csv cannot be used: 1 row\n  line 2: at: \"noon\" is not a date and time",
        ),
        (
            "timesheet --policy policy.toml --punches empty.csv",
            "there are no punches",
        ),
        (
            "timesheet --policy policy.toml --punches punches.csv --holidays wrong.ics",
            "it is truncated: VCALENDAR does not end",
        ),
        (
            "timesheet --policy policy.toml --punches punches.csv --members wrong.json",
            "wrong.json cannot be used",
        ),
        (
            "timesheet --policy policy.toml --punches punches.csv --to 2026-01-01",
            "it ends before it begins",
        ),
    ] {
        place.line(line).fails(&[words]);
    }
}

#[test]
fn a_wrong_clock_stretches_nothing() {
    let place = Place::new();
    place.write(
        "policy.toml",
        "[site]\ntime_zone = \"Europe/Berlin\"\n[work]\nexpected = \"8h\"\n",
    );
    place.write(
        "punches.csv",
        "person,at\na,2018-01-01T00:01\na,2026-03-02T09:00\na,2026-03-02T17:00\na,2026-03-09T09:00\n\
         a,2026-03-03T09:00\na,2026-03-03T17:00\na,2026-06-06T12:35\n",
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --as-of 2026-04-15T00:00:00Z";
    place.line(line).ends(0).says(&[
        "2026-03-02 to 2026-03-09, Europe/Berlin",
        "2 punches not counted: 1 future, 1 wrong_clock",
        "row 2 (a, 2018-01-01T00:01:00+01:00): wrong_clock; it is 2982 days from the other records",
        "row 8 (a, 2026-06-06T12:35:00+02:00): future; it is later than 2026-04-15T00:00:00Z",
        "row 5 (a, 2026-03-09T09:00:00+01:00): out_of_order; it is later than the record after it",
    ]);
    let json = |more: &str| -> Value {
        let out = place.line(&format!("{line} --json{more}")).ends(0).stdout;
        serde_json::from_str(&out).unwrap()
    };
    let all = json("");
    assert_eq!(all["not_counted"][0]["punch"], "row 2");
    assert_eq!(all["not_counted"][1]["code"], "future");
    assert_eq!(all["doubtful"][0]["punch"], "row 5");
    let tuesday = json(" --from 2026-03-03 --to 2026-03-03");
    assert_eq!(tuesday["days"].as_array().unwrap().len(), 1);
    assert_eq!(tuesday["outside"]["before"], 2);
    assert_eq!(tuesday["outside"]["after"], 1);
    place
        .line(&format!("{line} --from 2026-03-03 --to 2026-03-03"))
        .ends(0)
        .says(&[
            "2 punches of days before 2026-03-03, outside the period",
            "1 punch of days after 2026-03-03",
        ]);
    // The period says that 2018 is meant.
    let chosen = json(" --from 2018-01-01 --to 2018-01-02");
    assert_eq!(chosen["days"][0]["first"], "2017-12-31T23:01:00Z");
    place.write("future.csv", "person,at\na,2063-01-01T00:01\n");
    place
        .line("timesheet --policy policy.toml --punches future.csv --as-of 2026-04-15T00:00:00Z")
        .fails(&["no punch has a plausible time; row 2"]);
}

#[test]
fn punches_that_do_not_count_are_listed() {
    let place = Place::new();
    place.write(
        "policy.toml",
        "[site]\ntime_zone = \"Asia/Dubai\"\n[[shifts]]\nname = \"d\"\nstart = \"09:00\"\nend = \"18:00\"\n",
    );
    place.write(
        "punches.csv",
        "person,at,kind\na,2026-03-02T03:30,in\na,2026-03-02T18:00,out\na,2026-03-02T18:00:30,out\n",
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --as-of 2026-03-10";
    place.line(line).ends(0).says(&[
        "INCOMPLETE",
        "no IN",
        "2 punches not counted: 1 outside_shift, 1 repeated",
        "row 2 (a, 2026-03-02T03:30:00+04:00): outside_shift; it is not within the margins of d",
    ]);
    // March has 22 working days. On the others, the punch is an entry.
    let days: String = (1..=31)
        .map(|day| format!("a,2026-03-{day:02}T03:30\n"))
        .collect();
    place.write("punches.csv", format!("person,at\n{days}"));
    let line = "timesheet --policy policy.toml --punches punches.csv --as-of 2026-04-10";
    place.line(line).ends(0).says(&[
        "22 punches not counted: 22 outside_shift",
        "row 3 (a, 2026-03-02T03:30:00+04:00): outside_shift",
        "\nand 2 more such punches",
    ]);
}

#[test]
fn what_is_doubtful_is_in_table_csv_and_json() {
    let place = Place::new();
    place.write("policy.toml", "[site]\ntime_zone = \"Europe/Helsinki\"\n");
    place.write(
        "punches.csv",
        "person,at\nanna,2022-10-30T03:50\nanna,2022-10-30T03:10\n",
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --as-of 2022-11-15T00:00:00Z";
    place.line(line).ends(0).says(&["20m", "ambiguous_time"]);
    let csv = place.line(&format!("{line} --format csv")).ends(0).stdout;
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].ends_with(",notes") && rows[1].ends_with(",ambiguous_time"));
    let json = place.line(&format!("{line} --json")).ends(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["days"][0]["counted_seconds"], 1200);
    assert_eq!(json["days"][0]["notes"][0]["code"], "ambiguous_time");
    // A zone whose name reads like its opposite.
    place.write("policy.toml", "[site]\ntime_zone = \"Etc/GMT+3\"\n");
    place.line(line).ends(0).says(&["Etc/GMT+3 (UTC-03:00)"]);
}

#[test]
fn a_member_who_joined_before_the_first_punch_is_absent_until_then() {
    let place = Place::new();
    place.write(
        "policy.toml",
        "[site]\ntime_zone = \"Europe/Berlin\"\n[work]\nexpected = \"8h\"\n",
    );
    place.write(
        "members.json",
        r#"[{"person": "a", "joined": "2026-03-02"}, {"person": "b", "joined": "2020-03-02"}]"#,
    );
    place.write(
        "punches.csv",
        "person,at\na,2026-03-04T09:00\na,2026-03-04T17:00\n",
    );
    let line = "timesheet --policy policy.toml --punches punches.csv --members members.json --as-of 2026-04-15T00:00:00Z --json";
    let json: Value = serde_json::from_str(&place.line(line).ends(0).stdout).unwrap();
    assert_eq!(json["totals"]["a"]["absent"], 2);
    assert_eq!(json["from"], "2026-03-02");
}
