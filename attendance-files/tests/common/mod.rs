//! Helpers of the tests.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{Cursor, Write};

use attendance_files::{Punches, Result, read_punches};
use attendance_rules::{FileLayout, PunchKind};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

pub(crate) fn berlin() -> TimeZone {
    TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap()
}

pub(crate) fn punches(file: impl AsRef<[u8]>) -> Result<Punches> {
    read_punches(file.as_ref(), &berlin(), &FileLayout::default())
}

/// The punches of a file as `person local-time kind`.
pub(crate) fn rows(file: impl AsRef<[u8]>) -> Vec<String> {
    lines(&punches(file).unwrap())
}

pub(crate) fn lines(read: &Punches) -> Vec<String> {
    let line = |punch: &attendance_rules::Punch| {
        let at = punch
            .at
            .to_zoned_datetime(berlin())
            .strftime("%Y-%m-%d %H:%M:%S");
        let kind = match punch.kind {
            PunchKind::In => "in",
            PunchKind::Out => "out",
            PunchKind::Undetermined => "-",
        };
        format!("{} {at} {kind}", punch.person)
    };
    read.punches.iter().map(line).collect()
}

pub(crate) fn error(file: impl AsRef<[u8]>) -> String {
    punches(file).unwrap_err().to_string()
}

/// A cell of a workbook.
pub(crate) enum Cell<'a> {
    Text(&'a str),
    /// The text that all such cells share.
    Shared,
    Number(f64),
    /// A number that is shown as a date and time.
    Time(f64),
    /// A text in the last cell that a sheet can have.
    Last(&'a str),
    Empty,
}

/// The last cell of a row; the third row is the last of the sheet.
fn last(row: usize) -> String {
    let row = if row == 3 { 1_048_576 } else { row };
    format!("XFD{row}")
}

/// An `.xlsx` file with these sheets.
pub(crate) fn workbook(sheets: &[(&str, &[&[Cell<'_>]])]) -> Vec<u8> {
    archive(sheets, CompressionMethod::Stored)
}

/// An `.xlsx` file with these sheets, compressed.
pub(crate) fn compressed_workbook(sheets: &[(&str, &[&[Cell<'_>]])]) -> Vec<u8> {
    archive(sheets, CompressionMethod::Deflated)
}

fn archive(sheets: &[(&str, &[&[Cell<'_>]])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, text: &str| {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let (mut names, mut links) = (String::new(), String::new());
    for (number, (name, rows)) in (1..).zip(sheets) {
        names += &format!(r#"<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>"#);
        links += &format!(
            r#"<Relationship Id="rId{number}" Type="{relations}/worksheet" Target="worksheets/sheet{number}.xml"/>"#
        );
        let mut data = String::new();
        for (row, cells) in (1_usize..).zip(*rows) {
            data += &format!(r#"<row r="{row}">"#);
            for (column, cell) in ('A'..).zip(*cells) {
                let place = match cell {
                    Cell::Last(_) => last(row),
                    _ => format!("{column}{row}"),
                };
                data += &match cell {
                    Cell::Text(text) | Cell::Last(text) => {
                        format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#)
                    }
                    Cell::Shared => format!(r#"<c r="{place}" t="s"><v>0</v></c>"#),
                    Cell::Number(number) => format!(r#"<c r="{place}"><v>{number}</v></c>"#),
                    Cell::Time(number) => format!(r#"<c r="{place}" s="1"><v>{number}</v></c>"#),
                    Cell::Empty => String::new(),
                };
            }
            data += "</row>";
        }
        add(
            &format!("xl/worksheets/sheet{number}.xml"),
            &format!(r#"<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>"#),
        );
    }
    add(
        "xl/workbook.xml",
        &format!(
            r#"<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{names}</sheets></workbook>"#
        ),
    );
    let cells = sheets.iter().flat_map(|sheet| sheet.1).copied().flatten();
    if cells.into_iter().any(|cell| matches!(cell, Cell::Shared)) {
        let text = "long ".repeat(200_000);
        let text = format!(r#"<sst xmlns="{main}"><si><t>{text}</t></si></sst>"#);
        add("xl/sharedStrings.xml", &text);
        links += &format!(
            r#"<Relationship Id="rId98" Type="{relations}/sharedStrings" Target="sharedStrings.xml"/>"#
        );
    }
    add(
        "xl/styles.xml",
        &format!(
            r#"<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>"#
        ),
    );
    links +=
        &format!(r#"<Relationship Id="rId99" Type="{relations}/styles" Target="styles.xml"/>"#);
    add(
        "xl/_rels/workbook.xml.rels",
        &format!(r#"<Relationships xmlns="{package}">{links}</Relationships>"#),
    );
    add(
        "_rels/.rels",
        &format!(
            r#"<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
        ),
    );
    zip.finish().unwrap().into_inner()
}
