//! No bytes make a reader panic, and what is read can be read again.

mod common;

use attendance_files::{
    columns_from_text, kinds_from_text, read_corrections, read_holidays, read_members,
    read_punches, read_sessions,
};
use attendance_rules::{FileLayout, Period};
use common::{Cell, berlin, compressed_workbook, workbook};
use proptest::prelude::*;

fn read_all(bytes: &[u8]) {
    let layouts = [FileLayout::default(), {
        let mut layout = FileLayout::default();
        layout.columns = columns_from_text("person=1,at=2,kind=3").unwrap();
        layout
    }];
    for layout in layouts {
        if let Ok(read) = read_punches(bytes, &berlin(), &layout) {
            for warning in read.warnings {
                assert!(!warning.to_string().is_empty());
            }
        }
    }
    let year = Period::new("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap()).unwrap();
    let _ = read_members(bytes).map_err(|error| error.to_string());
    let _ = read_holidays(bytes, "Europe/Berlin", year).map_err(|error| error.to_string());
    let _ = read_corrections(bytes).map_err(|error| error.to_string());
    let _ = read_sessions(bytes).map_err(|error| error.to_string());
}

/// Text that is made of the parts of real files.
fn text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "person",
        "at",
        "date",
        "time",
        "kind",
        "joined",
        "half",
        ",",
        ";",
        "\t",
        "|",
        "\n",
        "\r\n",
        "\r",
        "\"",
        " ",
        "T",
        "Z",
        "2026-03-02",
        "02/03/2026",
        "13/13/2026",
        "31.02.2026",
        "2 Mar 2026",
        "٢٠٢٦",
        "99999999",
        "08:00",
        "8",
        "24:00",
        "am",
        "PM",
        "+01:00",
        "+99:99",
        ":",
        ".",
        "-",
        "/",
        "anna",
        "ß",
        "İ",
        "in",
        "C/Out",
        "0",
        "255",
        "[",
        "]",
        "{",
        "}",
        "BEGIN:VCALENDAR",
        "\u{feff}",
        "\u{0}",
        "\u{1a}",
        "9999-12-31 23:59",
        "0000-00-00 00:00",
        "-0001-01-01 00:00",
        "é",
    ]);
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn any_text(text in text()) {
        read_all(text.as_bytes());
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        read_all(&units);
        let _ = columns_from_text(&text);
        let _ = kinds_from_text(&text);
    }

    #[test]
    fn any_time(text in "[0-9]{1,4}[-/. ][0-9A-Za-zé]{1,4}[-/. ][0-9]{1,5}[T ,]{0,2}[0-9:.,apmé +-]{0,14}") {
        read_all(format!("person;at\nanna;{text}\n").as_bytes());
    }

    #[test]
    fn damaged_workbooks(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(), cuts in any::<bool>()) {
        let mut file = workbook(&[("Log", &[
            &[Cell::Text("person"), Cell::Text("at")],
            &[Cell::Text("anna"), Cell::Time(46083.5)],
        ])]);
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if cuts {
            file.truncate(cut.index(file.len()));
        }
        read_all(&file);
    }

    #[test]
    fn good_rows_are_read(times in prop::collection::vec((1_i8..=28, 0_i8..24, 0_i8..60), 1..20)) {
        let mut file = "person;at\n".to_owned();
        for (day, hour, minute) in &times {
            file += &format!("anna;{day}.6.2026 {hour}:{minute:02}\n");
        }
        let expected: Vec<String> = times.iter().map(|(day, hour, minute)| format!("anna 2026-06-{day:02} {hour:02}:{minute:02}:00 -")).collect();
        prop_assert_eq!(common::rows(&file), expected);
    }
}

/// A table of all cells between the first and the last has 17 thousand million cells.
#[test]
fn a_workbook_with_cells_far_apart() {
    let file = workbook(&[(
        "Log",
        &[
            &[Cell::Text("person"), Cell::Text("at")],
            &[Cell::Text("anna"), Cell::Time(46083.5)],
            &[Cell::Last("far away")],
        ],
    )]);
    assert_eq!(
        common::error(&file).lines().nth(1),
        Some("row 1048576: person: the field is empty; at: the field is empty")
    );
    read_all(&file);
}

/// A few megabytes of rows with one cell at their end are gigabytes of empty fields.
#[test]
fn a_workbook_with_wide_rows() {
    let row: &[Cell<'_>] = &[Cell::Last("wide")];
    let file = workbook(&[("Log", &vec![row; 320])]);
    assert_eq!(
        common::error(&file),
        "the sheet \"Log\" is too large: it has more than 5000000 empty fields"
    );
}

const ROWS: &[&[Cell<'_>]] = &[
    &[Cell::Text("person"), Cell::Text("at")],
    &[Cell::Text("anna"), Cell::Time(46083.5)],
];

/// Makes the archive declare that a file in it has this size after decompression.
fn declare_size(archive: &mut [u8], name: &str, size: u32) {
    // In the entry of the central directory, the size is at byte 24 and the name at byte 46.
    let is_entry = |at: &usize| {
        archive[*at..].starts_with(b"PK\x01\x02") && archive[at + 46..].starts_with(name.as_bytes())
    };
    let entry = (0..archive.len() - 46).find(is_entry).unwrap();
    archive[entry + 24..entry + 28].copy_from_slice(&size.to_le_bytes());
}

#[test]
fn a_workbook_that_is_large_after_decompression() {
    let mut file = compressed_workbook(&[("Log", ROWS)]);
    assert_eq!(common::punches(&file).unwrap().punches.len(), 1);
    declare_size(&mut file, "xl/worksheets/sheet1.xml", 3 << 30);
    assert_eq!(
        common::error(&file),
        "the workbook is too large: 3073 MiB after decompression, and up to 512 MiB are read; save the sheet as CSV"
    );
    // Many files that are not too large each.
    let sheets: Vec<(&str, &[&[Cell<'_>]])> = vec![("Log", ROWS); 3];
    let mut file = compressed_workbook(&sheets);
    for number in 1..=3 {
        declare_size(
            &mut file,
            &format!("xl/worksheets/sheet{number}.xml"),
            200 << 20,
        );
    }
    let error = common::error(&file);
    assert!(
        error.starts_with("the workbook is too large: 601 MiB"),
        "{error}"
    );
}

#[test]
fn a_workbook_that_is_larger_than_it_declares() {
    let mut file = compressed_workbook(&[("Log", ROWS)]);
    declare_size(&mut file, "xl/worksheets/sheet1.xml", 10);
    let error = common::error(&file);
    assert!(
        error.starts_with("the file is not an .xlsx file that can be read: "),
        "{error}"
    );
}

/// A text of one megabyte is in the file once, and 300 cells have it.
#[test]
fn a_workbook_whose_cells_share_a_long_text() {
    let row: &[Cell<'_>] = &[Cell::Shared, Cell::Shared];
    let file = compressed_workbook(&[("Log", &vec![row; 150])]);
    assert!(file.len() < 100_000);
    assert_eq!(
        common::error(&file),
        "the sheet \"Log\" is too large: its cells have more than 256 MiB of text"
    );
}
