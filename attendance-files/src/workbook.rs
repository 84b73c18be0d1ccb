//! Workbooks of Excel.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};
use jiff::{SignedDuration, civil::DateTime};

use crate::{
    error::{Error, Place, Result, Warning},
    table::{Row, Table},
};

/// Excel has no more columns.
const MAX_COLUMNS: usize = 16_384;

/// The limit of empty fields in front of others. A small file can have thousands of millions of them.
const MAX_EMPTY: usize = 5_000_000;

/// Reads the first sheet of an `.xlsx` file that has cells.
pub(crate) fn read(bytes: &[u8], warnings: &mut Vec<Warning>) -> Result<Table> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut read: Option<(String, Vec<Row>)> = None;
    let mut failed = None;
    for name in workbook.sheet_names() {
        let rows = match rows(&mut workbook, &name) {
            Ok(rows) => rows,
            // Sheets of charts have no cells.
            Err(error) => {
                failed = failed.or(Some(error));
                continue;
            }
        };
        if rows.is_empty() {
            continue;
        }
        if let Some((first, _)) = &read {
            warnings.push(Warning::OtherSheets {
                read: first.clone(),
            });
            break;
        }
        read = Some((name, rows));
    }
    match (read, failed) {
        (Some((_, rows)), _) => Ok(Table {
            rows,
            ..Table::default()
        }),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(Table::default()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass it to map_err")]
fn unreadable(error: calamine::XlsxError) -> Error {
    Error::format(format_args!(
        "the file is not an .xlsx file that can be read: {error}"
    ))
}

/// The rows of a sheet. Cells are read one after the other: a table of all cells between the first and the last can be larger
/// than the memory.
fn rows(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Vec<Row>> {
    let mut cells = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
    let mut rows: Vec<Row> = Vec::new();
    let mut empty = 0;
    while let Some(cell) = cells.next_cell().map_err(unreadable)? {
        let (row, column) = cell.get_position();
        let (number, column) = (row as usize + 1, column as usize);
        let text = text(cell.get_value());
        if text.is_empty() {
            continue;
        }
        if rows.last().is_none_or(|last| last.place.number() != number) {
            rows.push(Row {
                place: Place::Row(number),
                fields: Vec::new(),
            });
        }
        let Some(last) = rows.last_mut() else {
            continue;
        };
        if column >= last.fields.len() {
            empty += column - last.fields.len();
            if column >= MAX_COLUMNS || empty > MAX_EMPTY {
                return Err(Error::format(format_args!(
                    "the sheet {name:?} is too large: it has more than {MAX_EMPTY} empty fields"
                )));
            }
            last.fields.resize(column + 1, String::new());
        }
        last.fields[column] = text;
    }
    Ok(rows)
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.trim().to_owned()
        }
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(time) => date_time(time),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// A date, a time of day, or both, in ISO 8601. Excel stores days as whole numbers and times as fractions.
fn date_time(value: &ExcelDateTime) -> String {
    let number = value.as_f64();
    let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
    let fields = (
        i16::try_from(year),
        i8::try_from(month),
        i8::try_from(day),
        i8::try_from(hour),
        i8::try_from(minute),
        i8::try_from(second),
    );
    let (Ok(year), Ok(month), Ok(day), Ok(hour), Ok(minute), Ok(second)) = fields else {
        return number.to_string();
    };
    let Ok(time) = DateTime::new(year, month, day, hour, minute, second, 0) else {
        return number.to_string();
    };
    // The fractions of Excel are not exact.
    let round = SignedDuration::from_secs(i64::from(milli >= 500));
    let time = time.checked_add(round).unwrap_or(time);
    if (0.0..1.0).contains(&number) {
        time.time().to_string()
    } else if number.fract() == 0.0 {
        time.date().to_string()
    } else {
        time.to_string()
    }
}
