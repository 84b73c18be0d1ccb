//! Tables of holidays.

use std::collections::BTreeMap;

use attendance_rules::{Calendar, Half, Period};

use crate::{
    columns::{Header, plain},
    encoding,
    error::{Error, Result, RowError, Warning},
    moment, table,
};

/// The holidays of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holidays {
    /// The holidays that have no region.
    pub calendar: Calendar,
    /// The holidays of each region: the rows of a table that name one.
    pub regional: BTreeMap<String, Calendar>,
    /// Warnings about the file, for people.
    pub warnings: Vec<Warning>,
}

/// Reads holidays: an ICS file, or a table with a date, a name, the free half of the day (`morning` or `afternoon`), and the
/// region. Only the date is required.
///
/// A table without a header has these columns in this order. `time_zone` and `period` are for the recurrences of an ICS file. An
/// ICS file says nothing about regions, so each region needs a file of its own.
///
/// # Errors
///
/// [`Error`]. If rows cannot be used, the error lists all of them.
///
/// ```
/// use attendance_files::read_holidays;
/// use attendance_rules::Period;
///
/// let year = Period::new("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap()).unwrap();
/// let file = b"date,name,half,region\n2026-12-25,Christmas,,\n2026-12-24,Christmas Eve,afternoon,\n2026-01-06,Epiphany,,bavaria\n";
/// let holidays = read_holidays(file, "Europe/Berlin", year)?;
/// assert_eq!(holidays.calendar.get("2026-12-25".parse().unwrap()).unwrap().name, "Christmas");
/// assert!(holidays.regional["bavaria"].get("2026-01-06".parse().unwrap()).is_some());
/// # Ok::<(), attendance_files::Error>(())
/// ```
pub fn read_holidays(bytes: &[u8], time_zone: &str, period: Period) -> Result<Holidays> {
    let mut warnings = Vec::new();
    if !bytes.starts_with(b"PK\x03\x04")
        && let Ok(text) = encoding::decode(bytes, &mut Vec::new())
        && text.trim_start().starts_with("BEGIN:")
    {
        let calendar = Calendar::from_ics(&text, time_zone, period).map_err(Error::format)?;
        return Ok(Holidays {
            calendar,
            regional: BTreeMap::new(),
            warnings,
        });
    }
    let mut table = table::read(bytes, &mut warnings)?;
    let is_row = |fields: &[String]| {
        fields
            .iter()
            .any(|field| moment::written_date(field).is_ok())
    };
    let has_header = match &table.keys {
        Some(_) => false,
        None => table.rows.first().is_some_and(|row| !is_row(&row.fields)),
    };
    let names = match table.keys.take() {
        Some(keys) => keys,
        None if has_header => table.rows.remove(0).fields,
        None => ["date", "name", "half", "region"]
            .map(str::to_owned)
            .to_vec(),
    };
    let mut header = Header::new(&names);
    let date = header.guessed(&["date", "day", "datum", "fecha"]);
    let name = header.guessed(&[
        "name",
        "holiday",
        "title",
        "summary",
        "description",
        "feiertag",
    ]);
    let half = header.guessed(&["half"]);
    let region = header.guessed(&["region", "bundesland", "province"]);
    if date.is_none() && !table.rows.is_empty() {
        return Err(Error::Column {
            field: "date",
            reason: format!(
                "no column has a known name for it; the file has {}; name it date",
                header.listed()
            ),
        });
    }
    let unused = header.unused();
    if !unused.is_empty() {
        warnings.push(Warning::UnusedColumns { names: unused });
    }
    let written = table.rows.iter().filter_map(|row| {
        let date = moment::written_date(row.field(date)?).ok()?;
        Some((row.place, date))
    });
    let order = moment::date_order(written, None)?;
    let (mut calendar, mut regional) = (Calendar::new(), BTreeMap::<String, Calendar>::new());
    let mut wrong = Vec::new();
    for row in &table.rows {
        let day = match row.field(date) {
            Some(text) => moment::written_date(text).and_then(|day| day.date(order)),
            None => Err("the field is empty".to_owned()),
        };
        let day = day.map_err(|reason| format!("date: {reason}"));
        match day.and_then(|day| Ok((day, free_half(row.field(half))?))) {
            Ok((day, half)) => {
                let calendar = match row.field(region) {
                    Some(region) => regional.entry(region.to_owned()).or_default(),
                    None => &mut calendar,
                };
                calendar.add(day, row.field(name).unwrap_or("holiday"), half);
            }
            Err(reason) => wrong.push(RowError {
                place: row.place,
                reason,
            }),
        }
    }
    if wrong.is_empty() {
        Ok(Holidays {
            calendar,
            regional,
            warnings,
        })
    } else {
        Err(Error::Rows { rows: wrong })
    }
}

fn free_half(text: Option<&str>) -> Result<Option<Half>, String> {
    match text.map(plain).as_deref() {
        None => Ok(None),
        Some("morning") => Ok(Some(Half::Morning)),
        Some("afternoon") => Ok(Some(Half::Afternoon)),
        Some(_) => Err(format!(
            "half: {:?} is not morning or afternoon",
            text.unwrap_or_default()
        )),
    }
}
