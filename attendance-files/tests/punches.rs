//! Punch files, as attendance systems export them.

mod common;

use attendance_files::{
    Error, Warning, columns_from_text, date_order_from_text, kinds_from_text, read_punches,
};
use attendance_rules::{DateOrder, FileLayout, PunchKind, PunchSource};
use common::{Cell, berlin, error, lines, punches, rows, workbook};

const DAY: [&str; 2] = [
    "anna 2026-03-02 08:00:00 in",
    "anna 2026-03-02 17:00:00 out",
];

#[test]
fn separators_are_detected() {
    for separator in [",", ";", "\t", "|"] {
        let file = "person,at,kind\nanna,2026-03-02 08:00,in\nanna,2026-03-02 17:00,out\n";
        assert_eq!(rows(file.replace(',', separator)), DAY, "{separator:?}");
    }
    let names = "person;name;at;kind\nanna;Weiß, Anna;2026-03-02 08:00;in\nanna;\"Weiß; Anna\";2026-03-02 17:00;out\n";
    assert_eq!(rows(names), DAY);
}

#[test]
fn a_log_of_zkteco() {
    let log = "  101\t2026-03-02 09:00:12\t1\t0\t1\t0\n  101\t2026-03-02 17:01:02\t1\t1\t1\t0\n\
               101\t2026-03-02 12:00:00\t2\t2\t1\t0\n101\t2026-03-02 12:30:00\t2\t3\t1\t0\n\
               101\t2026-03-02 18:00:00\t2\t4\t1\t0\n101\t2026-03-02 19:00:00\t2\t5\t1\t0\n\
               101\t2026-03-02 20:00:00\t2\t255\t1\t0\n";
    let read = punches(log).unwrap();
    assert_eq!(
        lines(&read),
        [
            "101 2026-03-02 09:00:12 in",
            "101 2026-03-02 17:01:02 out",
            "101 2026-03-02 12:00:00 out",
            "101 2026-03-02 12:30:00 in",
            "101 2026-03-02 18:00:00 in",
            "101 2026-03-02 19:00:00 out",
            "101 2026-03-02 20:00:00 -",
        ]
    );
    assert_eq!(read.punches[2].device.as_deref(), Some("2"));
    assert_eq!(read.punches[0].source, PunchSource::Import);
    assert_eq!(read.punches[0].id.as_str(), "row 1");
    assert!(read.warnings.is_empty());
}

#[test]
fn a_log_of_zkteco_with_a_header() {
    let log = "No\tTMNo\tEnNo\tName\tINOUT\tMode\tDateTime\n\
               000001\t1\t00000101\tAnna\t0\t1\t2026/03/02  08:00:00\n\
               000002\t1\t00000101\tAnna\t1\t1\t2026/03/02  17:00:00\n";
    let read = punches(log).unwrap();
    assert_eq!(
        lines(&read),
        [
            "00000101 2026-03-02 08:00:00 in",
            "00000101 2026-03-02 17:00:00 out"
        ]
    );
    assert_eq!(
        read.warnings,
        [Warning::UnusedColumns {
            names: ["No", "Name", "Mode"].map(str::to_owned).to_vec()
        }]
    );
}

#[test]
fn words_for_kinds_in_any_case() {
    for (words, expected) in [
        (
            "IN in C/In c/in I i 0 Check-In CheckIn 3 BreakIn Out_Back OverTime_In OT-IN entry",
            "in",
        ),
        (
            "OUT Out C/Out O o 1 2 5 check_out Break-Out OverTime_Out exit",
            "out",
        ),
        ("255 undetermined", "-"),
    ] {
        for word in words.split(' ') {
            let file = format!("person,at,kind\nanna,2026-03-02 08:00,{word}\n");
            assert_eq!(
                rows(&file),
                [format!("anna 2026-03-02 08:00:00 {expected}")],
                "{word}"
            );
        }
    }
    assert_eq!(
        error("person,at,kind\nanna,2026-03-02 08:00,inn\nanna,2026-03-02 09:00,7\n"),
        "2 rows cannot be used\n\
         line 2: kind: \"inn\" is not known; it is in, out, undetermined or a code of the device, or state its meaning: inn=in\n\
         line 3: kind: \"7\" is not known; it is in, out, undetermined or a code of the device, or state its meaning: 7=in"
    );
}

#[test]
fn codes_of_other_devices_are_stated() {
    let file = "person,at,state\nanna,2026-03-02 08:00,1\nanna,2026-03-02 17:00,2\n";
    assert_eq!(
        error(file),
        "kinds: the column has the codes 1 and 2, and no code for IN; state their meaning: 1=in,2=out"
    );
    let mut layout = FileLayout::default();
    layout.kinds = kinds_from_text("1=in,2=out").unwrap();
    assert_eq!(
        lines(&read_punches(file.as_bytes(), &berlin(), &layout).unwrap()),
        DAY
    );
    assert_eq!(layout.kinds["1"], PunchKind::In);
}

#[test]
fn forms_of_dates_and_times() {
    for time in [
        "2026-03-02T08:00",
        "2026-03-02T08:00:00+01:00",
        "2026-03-02T07:00:00Z",
        "2026-03-02 08:00:00",
        "2026-03-02 8:00",
        "2026-03-02 08.00",
        "2026-03-02  08:00:00.250",
        "2026/03/02 08:00",
        "2026.03.02 08:00",
        "20260302 08:00",
        "02.03.2026 08:00",
        "2.3.2026 8:00",
        "02.03.2026 08:00:00 +01:00",
        "2-Mar-2026 08:00",
        "02 March 2026 08:00 AM",
        "2026-03-02 8:00:00 am",
    ] {
        assert_eq!(
            rows(format!("person;at\nanna;{time}\n")),
            ["anna 2026-03-02 08:00:00 -"],
            "{time}"
        );
    }
    let noon = "person;at\nanna;2026-03-02 12:05 am\nanna;2026-03-02 12:05 PM\nanna;2026-03-02 1:05 p.m.\n";
    assert_eq!(
        rows(noon),
        [
            "anna 2026-03-02 00:05:00 -",
            "anna 2026-03-02 12:05:00 -",
            "anna 2026-03-02 13:05:00 -"
        ]
    );
}

#[test]
fn the_whole_column_decides_whether_the_day_is_first() {
    let day_first = "person,at\nanna,02/03/2026 08:00\nanna,13/03/2026 08:00\n";
    assert_eq!(
        rows(day_first),
        ["anna 2026-03-02 08:00:00 -", "anna 2026-03-13 08:00:00 -"]
    );
    let month_first = "person,at\nanna,03/02/2026 8:00 AM\nanna,03/13/2026 5:00 PM\n";
    assert_eq!(
        rows(month_first),
        ["anna 2026-03-02 08:00:00 -", "anna 2026-03-13 17:00:00 -"]
    );
    assert_eq!(
        rows("person,at\nanna,03/03/2026 08:00\n"),
        ["anna 2026-03-03 08:00:00 -"]
    );
    assert_eq!(
        error("person,at\nanna,03/03/2026 08:00\nanna,02/03/2026 08:00\n"),
        "dates: line 3 has 02/03/2026, and no date of the file says whether the day or the month is first; \
         state day_first or month_first"
    );
    assert_eq!(
        error("person,at\nanna,13/03/2026 08:00\nanna,03/13/2026 08:00\n"),
        "dates: line 2 has 13/03/2026, where the day is first, and line 3 has 03/13/2026, where the month is first"
    );
    let mut layout = FileLayout::default();
    for (order, expected) in [
        ("day_first", "anna 2026-03-02 08:00:00 -"),
        ("month-first", "anna 2026-02-03 08:00:00 -"),
    ] {
        layout.dates = Some(date_order_from_text(order).unwrap());
        let file = b"person,at\nanna,02/03/2026 08:00\n";
        assert_eq!(
            lines(&read_punches(file, &berlin(), &layout).unwrap()),
            [expected]
        );
    }
    layout.dates = Some(DateOrder::MonthFirst);
    let wrong = read_punches(b"person,at\nanna,13/03/2026 08:00\n", &berlin(), &layout);
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "1 row cannot be used\nline 2: at: 13/03/2026 is not a day of the calendar if the month is first"
    );
}

#[test]
fn date_and_time_in_two_columns() {
    for header in [
        "Emp ID;Date;Time;State",
        "Employee No.;DATE;Punch Time;In/Out",
    ] {
        let file = format!("{header}\nanna;02.03.2026;08:00;IN\nanna;02.03.2026;17:00;OUT\n");
        assert_eq!(rows(file), DAY, "{header}");
    }
    assert_eq!(
        error("person,date,time\nanna,2026-03-02,\nanna,,08:00\nanna,2026-03-02,late\n"),
        "3 rows cannot be used\n\
         line 2: time: the field is empty\n\
         line 3: date: the field is empty\n\
         line 4: at: \"late\" is not a time of day; write 08:59:30"
    );
}

#[test]
fn all_rows_that_cannot_be_used_are_listed() {
    let file = "person,at,score\r\n\r\nanna,2026-03-02,\r\nanna,2026-03-02 08:00,\r\n\r\na/b,2026-03-02 25:00,high\r\n,30.02.2026 08:00,\r\nanna\r\nanna,02/03/26 08:00,\r\n";
    assert_eq!(
        error(file).lines().collect::<Vec<_>>(),
        [
            "5 rows cannot be used",
            "line 3: at: \"2026-03-02\" has no time of day; write 2026-03-02 08:59:30",
            "line 6: person id \"a/b\": '/' is not allowed, since ids are used in file names and addresses; at: \"2026-03-02 25:00\": \"25:00\" is not a time of day; write 2026-03-02 08:59:30; score: \"high\" is not a number",
            "line 7: person: the field is empty; at: \"30.02.2026\" is not a day of the calendar",
            "line 8: at: the field is empty",
            "line 9: at: \"02/03/26\": write the year with four digits",
        ]
    );
    let Err(Error::Rows { rows }) = punches(file) else {
        panic!("rows cannot be used");
    };
    assert_eq!(rows[1].place.number(), 6);
}

#[test]
fn encodings() {
    let text = "person;at;kind\nMüller;2026-03-02 08:00;in\n";
    let expected = ["Müller 2026-03-02 08:00:00 in"];
    let utf_16 = |order: fn(u16) -> [u8; 2], mark: bool| {
        let units = mark
            .then_some(0xfeff)
            .into_iter()
            .chain(text.encode_utf16());
        units.flat_map(order).collect::<Vec<u8>>()
    };
    for file in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        utf_16(u16::to_le_bytes, true),
        utf_16(u16::to_be_bytes, true),
        utf_16(u16::to_le_bytes, false),
        utf_16(u16::to_be_bytes, false),
    ] {
        let read = punches(&file).unwrap();
        assert_eq!(
            (lines(&read).as_slice(), read.warnings.len()),
            (&expected.map(str::to_owned)[..], 0)
        );
    }
    let latin = text.replace('ü', "\u{1}").into_bytes();
    let latin: Vec<u8> = latin
        .into_iter()
        .map(|byte| if byte == 1 { 0xfc } else { byte })
        .collect();
    let read = punches(&latin).unwrap();
    assert_eq!(lines(&read), expected);
    assert_eq!(read.warnings, [Warning::AssumedWindows1252]);

    assert_eq!(
        error(b"\xef\xbb\xbfperson,at\n\xff,2026-03-02 08:00\n"),
        "the file says that it is UTF-8, and is not; save it as UTF-8"
    );
    assert!(error(b"\x7fELF\x01\x02").contains("this is not a text file"));
    assert!(error(b"\xd0\xcf\x11\xe0\xa1\xb1").contains("save it as .xlsx or as CSV"));
}

#[test]
fn workbooks() {
    // 46083 is 2 March 2026.
    let file = workbook(&[
        ("Cover", &[]),
        (
            "Log",
            &[
                &[
                    Cell::Text("No."),
                    Cell::Text("Time"),
                    Cell::Empty,
                    Cell::Text("State"),
                ],
                &[
                    Cell::Number(101.0),
                    Cell::Time(46083.0 + 1.0 / 3.0),
                    Cell::Empty,
                    Cell::Text("C/In"),
                ],
                &[
                    Cell::Number(101.0),
                    Cell::Text("02.03.2026 17:00"),
                    Cell::Empty,
                    Cell::Text("C/Out"),
                ],
            ],
        ),
        ("Notes", &[&[Cell::Text("nothing")]]),
    ]);
    let read = punches(&file).unwrap();
    assert_eq!(
        lines(&read),
        ["101 2026-03-02 08:00:00 in", "101 2026-03-02 17:00:00 out"]
    );
    assert_eq!(read.punches[0].id.as_str(), "row 2");
    assert_eq!(
        read.warnings,
        [Warning::OtherSheets {
            read: "Log".to_owned()
        }]
    );

    let two = workbook(&[(
        "Log",
        &[
            &[Cell::Text("person"), Cell::Text("date"), Cell::Text("time")],
            &[Cell::Text("anna"), Cell::Time(46083.0), Cell::Time(0.75)],
        ],
    )]);
    assert_eq!(rows(&two), ["anna 2026-03-02 18:00:00 -"]);

    let no_time = workbook(&[(
        "Log",
        &[
            &[Cell::Text("person"), Cell::Text("at")],
            &[Cell::Text("anna"), Cell::Time(46083.0)],
        ],
    )]);
    assert_eq!(
        error(&no_time),
        "1 row cannot be used\nrow 2: at: \"2026-03-02\" has no time of day; write 2026-03-02 08:59:30"
    );
    assert!(error(b"PK\x03\x04 and nothing else").contains("not an .xlsx file that can be read"));
    assert_eq!(error(workbook(&[("Log", &[])])), "the file is empty");
}

#[test]
fn columns_are_stated_by_name_or_number() {
    let file = b"No.,Who,Time,Back,Status\n1,anna,2026-03-02 08:00,2026-03-02 09:00,ok\n";
    let mut layout = FileLayout::default();
    layout.columns = columns_from_text("person=who,at=Time,kind=").unwrap();
    let read = read_punches(file, &berlin(), &layout).unwrap();
    assert_eq!(lines(&read), ["anna 2026-03-02 08:00:00 -"]);
    layout.columns = columns_from_text("person=Who,at=Date, Time").unwrap();
    assert_eq!(
        read_punches(file, &berlin(), &layout)
            .unwrap_err()
            .to_string(),
        "column for at: there is no column \"Date, Time\"; the file has No., Who, Time, Back, Status"
    );
    let file = b"2026-03-02 08:00,anna\n2026-03-02 17:00,anna\n";
    assert_eq!(
        error(file),
        "column for person: the file has no header; state the numbers of the columns: person=1,at=2"
    );
    layout.columns = columns_from_text("person=2,at=1").unwrap();
    assert_eq!(
        read_punches(file, &berlin(), &layout)
            .unwrap()
            .punches
            .len(),
        2
    );
    assert_eq!(
        error("who,when\nanna,2026-03-02 08:00\n"),
        "column for at: no column has a known name for it; the file has who, when; state the column (at=NAME), \
         which has 2026-03-02 08:59:30 for example"
    );
    assert_eq!(
        columns_from_text("when=Time").unwrap_err().to_string(),
        "\"when\" is not person, at, date, time, kind, device, id, source, score or liveness"
    );
    assert!(columns_from_text("Time").is_err() && kinds_from_text("1=enter").is_err());
}

#[test]
fn a_list_in_json() {
    let file = r#"[
        {"person": "anna", "time": "2026-03-02T08:00", "kind": "in", "source": "face", "score": 0.5, "liveness": 1},
        {"person": 7, "time": "2026-03-02T07:00:00Z", "id": "x", "device": null}
    ]"#;
    let read = punches(file).unwrap();
    assert_eq!(
        lines(&read),
        ["anna 2026-03-02 08:00:00 in", "7 2026-03-02 08:00:00 -"]
    );
    assert_eq!(
        (read.punches[0].source, read.punches[0].score),
        (PunchSource::Face, Some(0.5))
    );
    assert_eq!(
        (
            read.punches[1].id.as_str(),
            read.punches[1].device.as_deref()
        ),
        ("x", None)
    );
    assert!(punches("[]").unwrap().punches.is_empty());
    for (file, message) in [
        (
            r#"{"person": "anna", "at": "2026-03-02T09:00"}"#,
            "the file has one object; put it in a list",
        ),
        (
            r#"[{"person": "anna", "at": true}, 1]"#,
            "item 2: 1 is not an object",
        ),
        (
            r#"[{"person": "anna", "at": true}]"#,
            "item 1: at: true is not a text or a number",
        ),
        (
            r#"[{"person": "anna", "at": "noon"}]"#,
            "item 1: at: \"noon\" is not a date and time",
        ),
        (
            r#"[{"person": "anna", "at": "2026-03-02T09:00", "knid": "in"}]"#,
            "there is no key \"knid\"; the keys are person, at",
        ),
        (
            r#"[{"person": "#,
            "the file is not valid JSON: EOF while parsing",
        ),
    ] {
        let error = error(file);
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn ids_that_differ_by_case_or_spaces_are_two_people() {
    let read = punches(
        "person,at\nanna b,2026-03-02 08:00\nAnnaB,2026-03-02 08:00\n anna b ,2026-03-02 17:00\n",
    )
    .unwrap();
    assert_eq!(
        read.warnings,
        [Warning::SimilarIds {
            one: "AnnaB".to_owned(),
            other: "anna b".to_owned()
        }]
    );
    assert_eq!(read.punches[0].person, read.punches[2].person);
}

#[test]
fn empty_files() {
    for file in ["", "\n\n", ",,\n", "\u{feff}"] {
        assert_eq!(error(file), "the file is empty", "{file:?}");
    }
    assert!(punches("person,at\n").unwrap().punches.is_empty());
}

#[test]
fn the_order_of_rows_tells_repeated_times_apart() {
    // Clocks go back at 03:00 on 25 October 2026. Bert's rows between those of Anna do not matter.
    let file = "person,at\nanna,2026-10-25 02:50\nbert,2026-10-25 02:55\nanna,2026-10-25 02:10\nanna,2026-10-25 03:30\n";
    let read = punches(file).unwrap();
    let times: Vec<_> = read.punches.iter().map(|it| it.at.to_string()).collect();
    assert_eq!(
        times,
        [
            "2026-10-25T00:50:00Z",
            "2026-10-25T00:55:00Z",
            "2026-10-25T01:10:00Z",
            "2026-10-25T02:30:00Z",
        ]
    );
    let others = read.punches.iter().map(|it| it.also_possible);
    let others: Vec<_> = others
        .map(|at| at.map(|at| at.to_string()).unwrap_or_default())
        .collect();
    assert_eq!(
        others,
        [
            "2026-10-25T01:50:00Z",
            "2026-10-25T01:55:00Z",
            "2026-10-25T00:10:00Z",
            "",
        ]
    );
    // An offset leaves no doubt.
    let read = punches("person,at\nanna,2026-10-25 02:50 +02:00\n").unwrap();
    assert_eq!(read.punches[0].also_possible, None);
}

#[test]
fn times_that_the_clocks_skip() {
    let file = "person,at\nanna,2026-03-28 22:00\nanna,2026-03-29 02:30\nanna,2026-03-29 06:00\n";
    let read = punches(file).unwrap();
    assert_eq!(read.punches[1].at.to_string(), "2026-03-29T01:30:00Z");
    assert_eq!(
        read.warnings[0].to_string(),
        "1 local time does not exist, because clocks go forward; it moves on by the length of the gap: line 3"
    );
    let two = format!("{file}bert,2026-03-29 02:00:00\n");
    let warnings = punches(two).unwrap().warnings;
    assert!(warnings[0].to_string().ends_with(": line 3, line 5"));
    // Times with an offset, and times before and after the gap, exist.
    let file = "person,at\nanna,2026-03-29T02:30:00+01:00\nanna,2026-03-29 01:59:59\nanna,2026-03-29 03:00\n";
    assert!(punches(file).unwrap().warnings.is_empty());
}
