//! Members, holidays, corrections and sessions.

mod common;

use attendance_files::{
    corrections_by_person, read_corrections, read_holidays, read_members, read_sessions,
};
use attendance_rules::{Half, Period};
use common::{Cell, workbook};

fn year() -> Period {
    Period::new("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap()).unwrap()
}

#[test]
fn members_in_a_table() {
    let file = "Person\tDepartment\tJoined\tLeft\tName\nanna\taccounts\t13/03/2026\t\tAnna\nbert\t\t02/03/2026\t03/04/2026\tBert\n";
    let members = read_members(file.as_bytes()).unwrap();
    assert_eq!(members.items[0].group.as_deref(), Some("accounts"));
    assert_eq!(members.items[1].joined.unwrap().to_string(), "2026-03-02");
    assert_eq!(members.items[1].left.unwrap().to_string(), "2026-04-03");
    assert_eq!(members.warnings[0].to_string(), "columns not used: Name");

    let sheet = workbook(&[(
        "Staff",
        &[
            &[Cell::Text("Employee ID"), Cell::Text("joined")],
            &[Cell::Number(7.0), Cell::Time(46083.0)],
        ],
    )]);
    let members = read_members(&sheet).unwrap();
    assert_eq!(members.items[0].person.as_str(), "7");
    assert_eq!(members.items[0].joined.unwrap().to_string(), "2026-03-02");
}

#[test]
fn regions_of_members() {
    let file = "person,region,joined\nanna,bavaria,\nbert,,2026-03-01\n";
    let members = read_members(file.as_bytes()).unwrap();
    assert_eq!(members.items[0].region.as_deref(), Some("bavaria"));
    assert_eq!(members.items[1].region, None);
    assert!(members.warnings.is_empty());
    let german = read_members("Personalnummer;Bundesland\n7;Bayern\n".as_bytes()).unwrap();
    assert_eq!(german.items[0].region.as_deref(), Some("Bayern"));
}

#[test]
fn members_in_json() {
    let file = br#"[{"person": "anna", "joined": "2026-03-01"}, {"person": "Anna"}]"#;
    let members = read_members(file).unwrap();
    assert_eq!(members.items.len(), 2);
    assert!(members.warnings[0].to_string().contains("two people"));
}

#[test]
fn errors_of_members_name_the_row_and_the_key() {
    for (file, message) in [
        (
            "person,joined\nanna,soon\n,2026-03-01\na/b,\n",
            "3 rows cannot be used\nline 2: joined: \"soon\" is not a date; write 2026-03-02\nline 3: person: the field is empty\nline 4: ",
        ),
        (
            "person,joined\nanna,01.03.2026\nbert,02/03/2026\n",
            "dates: line 3 has 02/03/2026",
        ),
        (
            "who,joined\nanna,2026-03-01\n",
            "column for person: no column has a known name",
        ),
        (
            r#"{"person": "anna"}"#,
            "the file has one object; put it in a list: [{…}]",
        ),
        (
            r#"[{"person": "anna", "joined": "01.03.2026"}]"#,
            "item 1: joined: \"01.03.2026\" is not a date; write 2026-03-02",
        ),
        (
            r#"[{"person": "anna", "leave": [{"from": "2026-03-02", "kind": "sick"}]}]"#,
            "item 1: leave[0]: missing field `to`",
        ),
        (
            r#"[{"person": "anna", "schedule": {"kind": "weekly", "days": {"mon": ["day"], "muesday": []}}}]"#,
            "item 1: schedule",
        ),
        (
            r#"[{"person": "anna", "join": 1}, {"group": "a"}]"#,
            "2 rows cannot be used\nitem 1: join: unknown field `join`",
        ),
    ] {
        let error = read_members(file.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{file}: {error}");
    }
}

#[test]
fn holidays_in_a_table() {
    for file in [
        "2026-03-02,Feast\n2026-12-24,Eve,afternoon\n",
        "Date;Holiday;Half\n02.03.2026;Feast;\n24.12.2026;Eve;Afternoon\n",
        r#"[{"date": "2026-03-02", "name": "Feast"}, {"date": "2026-12-24", "name": "Eve", "half": "afternoon"}]"#,
    ] {
        let calendar = read_holidays(file.as_bytes(), "Europe/Berlin", year())
            .unwrap()
            .calendar;
        assert_eq!(
            calendar.get("2026-03-02".parse().unwrap()).unwrap().name,
            "Feast",
            "{file}"
        );
        let eve = calendar.get("2026-12-24".parse().unwrap()).unwrap();
        assert_eq!(eve.half, Some(Half::Afternoon), "{file}");
    }
    let error = |file: &str| {
        read_holidays(file.as_bytes(), "Europe/Berlin", year())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("date,name,half\n2026-02-30,Feast,\n2026-03-02,Feast,evening\n,Feast,\n"),
        "3 rows cannot be used\n\
         line 2: date: \"2026-02-30\" is not a day of the calendar\n\
         line 3: half: \"evening\" is not morning or afternoon\n\
         line 4: date: the field is empty"
    );
    assert!(
        error("when,name\nsoon,Feast\n").starts_with("column for date: no column has a known name")
    );
}

#[test]
fn holidays_of_regions_in_a_table() {
    for file in [
        "date,name,region\n2026-01-01,New Year,\n2026-01-06,Epiphany,bavaria\n2026-10-31,Reformation,hamburg\n",
        "2026-01-01,New Year\n2026-01-06,Epiphany,,bavaria\n2026-10-31,Reformation,,hamburg\n",
        r#"[{"date": "2026-01-01", "name": "New Year"}, {"date": "2026-01-06", "name": "Epiphany", "region": "bavaria"},
            {"date": "2026-10-31", "name": "Reformation", "region": "hamburg"}]"#,
    ] {
        let holidays = read_holidays(file.as_bytes(), "Europe/Berlin", year()).unwrap();
        let dates = |calendar: &attendance_rules::Calendar| {
            let dates = calendar.iter().map(|(date, _)| date.to_string());
            dates.collect::<Vec<_>>()
        };
        assert_eq!(dates(&holidays.calendar), ["2026-01-01"], "{file}");
        let regions = holidays.regional.iter();
        let regions: Vec<_> = regions
            .map(|(region, calendar)| (region.as_str(), dates(calendar)))
            .collect();
        assert_eq!(
            regions,
            [
                ("bavaria", vec!["2026-01-06".to_owned()]),
                ("hamburg", vec!["2026-10-31".to_owned()])
            ],
            "{file}"
        );
    }
}

#[test]
fn holidays_in_an_ics_file() {
    let ics = "\u{feff}BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260304\r\nSUMMARY:Founders\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let calendar = read_holidays(ics.as_bytes(), "Europe/Berlin", year())
        .unwrap()
        .calendar;
    assert_eq!(
        calendar.get("2026-03-04".parse().unwrap()).unwrap().name,
        "Founders"
    );
    let error = read_holidays(b"BEGIN:VCALENDAR", "Europe/Berlin", year())
        .unwrap_err()
        .to_string();
    assert!(error.contains("VCALENDAR does not end"), "{error}");
}

#[test]
fn corrections_and_sessions() {
    let corrections = r#"[
        {"id": "c1", "made": "2026-03-03T07:00:00Z", "by": "head", "reason": "forgot", "change": {"add": {"punch":
            {"id": "n1", "person": "anna", "at": "2026-03-02T16:00:00Z", "kind": "out", "source": "manual"}}}},
        {"id": "c2", "made": "soon", "by": "head", "reason": "forgot", "change": {"void": {"punch": "row 3"}}},
        {"id": "c3", "made": "2026-03-03T07:00:00Z", "by": "head", "reason": "forgot", "change": {"erase": {"punch": "row 3"}}}
    ]"#;
    let error = read_corrections(corrections.as_bytes())
        .unwrap_err()
        .to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines[0], "2 rows cannot be used");
    assert_eq!(
        lines[1],
        "item 2: made: \"soon\" is not a time with its offset; write 2026-03-02T08:59:30+01:00"
    );
    assert!(
        lines[2].starts_with("item 3: change") && lines[2].contains("`erase`"),
        "{error}"
    );

    let sessions = br#"[{"id": "maths", "start": "2026-03-02T10:00:00Z", "end": "2026-03-02T11:00:00Z", "roster": ["anna"]}]"#;
    assert_eq!(read_sessions(sessions).unwrap().items[0].id, "maths");
}

#[test]
fn corrections_belong_to_the_person_of_their_punch() {
    let punches = common::punches(
        "person,at,id\nanna,2026-03-02 08:00,1\nanna,2026-03-02 17:00,\nbert,2026-03-02 08:00,1\n",
    );
    let punches = punches.unwrap().punches;
    let of = |changes: &[&str]| {
        let items = changes.iter().zip(1..).map(|(change, number)| {
            format!(
                r#"{{"id": "c{number}", "made": "2026-03-03T07:00:00Z", "by": "head", "reason": "r", "change": {change}}}"#
            )
        });
        let file = format!("[{}]", items.collect::<Vec<_>>().join(","));
        let corrections = read_corrections(file.as_bytes()).unwrap().items;
        corrections_by_person(corrections, &punches)
    };
    let added =
        r#"{"add": {"punch": {"id": "new", "person": "cleo", "at": "2026-03-02T16:00:00Z"}}}"#;
    let people = of(&[
        r#"{"void": {"punch": "row 3"}}"#,
        added,
        r#"{"void": {"punch": "new"}}"#,
        r#"{"undo": {"correction": "c3"}}"#,
    ]);
    let people = people.unwrap();
    let counts: Vec<_> = people
        .iter()
        .map(|(person, list)| (person.as_str(), list.len()))
        .collect();
    assert_eq!(counts, [("anna", 1), ("cleo", 3)]);
    let wrong = of(&[
        r#"{"void": {"punch": "1"}}"#,
        r#"{"void": {"punch": "row 9"}}"#,
        r#"{"undo": {"correction": "c9"}}"#,
        r#"{"undo": {"correction": "c4"}}"#,
    ]);
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "4 rows cannot be used\n\
         item 1: several people have a punch with the id \"1\"; give the punches ids of their own\n\
         item 2: there is no punch \"row 9\"\n\
         item 3: there is no correction \"c9\"\n\
         item 4: corrections undo each other in a circle"
    );
}
