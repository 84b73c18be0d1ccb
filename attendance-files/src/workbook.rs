//! Workbooks of Excel.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};
use jiff::{SignedDuration, civil::DateTime};
use zip::ZipArchive;

use crate::{
    error::{Error, Place, Result, Warning},
    table::{Row, Table},
};

/// Excel has no more columns.
const MAX_COLUMNS: usize = 16_384;

/// The limit of empty fields in front of others. A small file can have thousands of millions of them.
const MAX_EMPTY: usize = 5_000_000;

const MEBIBYTE: u64 = 1 << 20;

/// The limit of the size of a workbook after decompression, in bytes. A file of one megabyte can have a thousand.
const MAX_UNCOMPRESSED: u64 = 512 * MEBIBYTE;

/// The limit of the texts of a sheet, in bytes. Millions of cells can share one long text, which is in the file once.
const MAX_TEXT: u64 = 256 * MEBIBYTE;

/// Reads the first sheet of an `.xlsx` file that has cells.
pub(crate) fn read(bytes: &[u8], warnings: &mut Vec<Warning>) -> Result<Table> {
    check_size(bytes)?;
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

/// Refuses a workbook that is too large after decompression.
///
/// The sizes are those that the archive declares. The decompression of a file that is larger than that fails.
fn check_size(bytes: &[u8]) -> Result<()> {
    // Of an archive that cannot be read, calamine says what is wrong with it.
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return Ok(());
    };
    let sizes = (0..archive.len()).map(|file| archive.by_index_raw(file).map_or(0, |it| it.size()));
    let size = sizes.fold(0, u64::saturating_add);
    if size <= MAX_UNCOMPRESSED {
        return Ok(());
    }
    Err(Error::format(format_args!(
        "the workbook is too large: {} MiB after decompression, and up to {} MiB are read; save the sheet as CSV",
        size.div_ceil(MEBIBYTE),
        MAX_UNCOMPRESSED / MEBIBYTE,
    )))
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
    let (mut empty, mut text_bytes) = (0, 0);
    while let Some(cell) = cells.next_cell().map_err(unreadable)? {
        let (row, column) = cell.get_position();
        let (number, column) = (row as usize + 1, column as usize);
        let text = text(cell.get_value());
        if text.is_empty() {
            continue;
        }
        text_bytes += text.len() as u64;
        if text_bytes > MAX_TEXT {
            return Err(Error::format(format_args!(
                "the sheet {name:?} is too large: its cells have more than {} MiB of text",
                MAX_TEXT / MEBIBYTE
            )));
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
