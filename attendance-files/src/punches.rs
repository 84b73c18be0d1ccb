//! Punch files.

use std::collections::BTreeMap;

use attendance_rules::{FileLayout, LogTime, Punch, PunchKind, PunchSource};
use facekit::PersonId;
use jiff::{
    Timestamp,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::{
    columns::{At, Header, PunchColumns, plain},
    error::{Error, Result, RowError, Warning},
    ids::similar_ids,
    kinds,
    moment::{self, Moment},
    table::{self, Row, Table},
};

/// The punches of a file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Punches {
    /// The punches, in the order of the file. A punch without an id has the id "row N", after its line, row or item.
    pub punches: Vec<Punch>,
    /// Warnings about the file, for people.
    pub warnings: Vec<Warning>,
}

/// Reads a punch file: text with separators, ZKTeco's `attlog.dat`, `.xlsx` or a JSON list.
///
/// The content says which format the file has. Local times are in `zone`. The order of a person's rows tells the local times
/// apart that occur twice; see [`LogTime::read`]. `layout` says what the file does not say itself. The source of the punches is
/// [`PunchSource::Import`], unless the file has another.
///
/// # Errors
///
/// [`Error`]. If rows cannot be used, the error lists all of them.
///
/// ```
/// use attendance_files::read_punches;
/// use attendance_rules::{FileLayout, PunchKind};
/// use jiff::tz::TimeZoneDatabase;
///
/// let zone = TimeZoneDatabase::bundled().get("Europe/Berlin")?;
/// let file = "No.;Name;Date;Time;State\n101;Anna;25/03/2026;08:01;C/In\n101;Anna;25/03/2026;17:00;C/Out\n";
/// let read = read_punches(file.as_bytes(), &zone, &FileLayout::default())?;
/// assert_eq!(read.punches[0].person.as_str(), "101");
/// assert_eq!(read.punches[0].at.to_string(), "2026-03-25T07:01:00Z");
/// assert_eq!(read.punches[1].kind, PunchKind::Out);
/// assert_eq!(read.warnings[0].to_string(), "columns not used: Name");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_punches(bytes: &[u8], zone: &TimeZone, layout: &FileLayout) -> Result<Punches> {
    let mut warnings = Vec::new();
    let mut table = table::read(bytes, &mut warnings)?;
    let columns = columns(&mut table, layout, &mut warnings)?;
    let kinds = table.rows.iter().filter_map(|row| row.field(columns.kind));
    kinds::check_codes(kinds, &layout.kinds)?;

    let mut wrong = Vec::new();
    let mut read = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        match read_row(row, &columns, layout) {
            Ok(punch) => read.push((row, punch)),
            Err(reasons) => wrong.push(RowError {
                place: row.place,
                reason: reasons.join("; "),
            }),
        }
    }
    let dates = read.iter();
    let dates = dates.filter_map(|(row, read)| Some((row.place, read.at.written_date()?)));
    let order = match moment::date_order(dates, layout.dates) {
        Ok(order) => order,
        Err(error) if wrong.is_empty() => return Err(error),
        Err(_) => return Err(Error::Rows { rows: wrong }),
    };
    let mut times = Vec::with_capacity(read.len());
    let mut punches = Vec::with_capacity(read.len());
    let mut skipped = Vec::new();
    for (row, read) in read {
        match read.at.log_time(order, zone) {
            Ok(time) => {
                if is_skipped(time, zone) {
                    skipped.push(row.place);
                }
                times.push(time);
                punches.push(read.punch());
            }
            Err(reason) => wrong.push(RowError {
                place: row.place,
                reason: format!("at: {reason}"),
            }),
        }
    }
    if !wrong.is_empty() {
        wrong.sort_by_key(|row| row.place);
        return Err(Error::Rows { rows: wrong });
    }
    set_times(&mut punches, &times, zone);
    if !skipped.is_empty() {
        warnings.push(Warning::SkippedTimes { places: skipped });
    }
    warnings.extend(similar_ids(punches.iter().map(|punch| &punch.person)));
    Ok(Punches { punches, warnings })
}

/// A row that was read. The order of day and month in its date is not known yet.
struct ReadRow {
    person: PersonId,
    at: Moment,
    id: String,
    kind: PunchKind,
    device: Option<String>,
    source: PunchSource,
    score: Option<f32>,
    liveness: Option<f32>,
}

impl ReadRow {
    /// The punch. Its time is set later.
    fn punch(self) -> Punch {
        let mut punch = Punch::new(self.id, self.person, Timestamp::UNIX_EPOCH)
            .with_kind(self.kind)
            .with_source(self.source);
        punch.device = self.device.map(Into::into);
        punch.score = self.score;
        punch.liveness = self.liveness;
        punch
    }
}

/// The clocks of the zone never show this time: they go forward over it.
fn is_skipped(time: LogTime, zone: &TimeZone) -> bool {
    let LogTime::Local(local) = time else {
        return false;
    };
    matches!(
        zone.to_ambiguous_timestamp(local).offset(),
        AmbiguousOffset::Gap { .. }
    )
}

/// Sets the instants of punches, person by person.
fn set_times(punches: &mut [Punch], times: &[LogTime], zone: &TimeZone) {
    let mut people: BTreeMap<PersonId, Vec<usize>> = BTreeMap::new();
    for (index, punch) in punches.iter().enumerate() {
        people.entry(punch.person.clone()).or_default().push(index);
    }
    for indices in people.into_values() {
        let log = indices
            .iter()
            .map(|&index| (times[index], punches[index].kind));
        let log: Vec<_> = log.collect();
        for (&index, reading) in indices.iter().zip(LogTime::read(zone, &log)) {
            punches[index].at = reading.at;
            punches[index].also_possible = reading.also_possible;
        }
    }
}

/// Finds the columns, and removes the header from the rows.
fn columns(
    table: &mut Table,
    layout: &FileLayout,
    warnings: &mut Vec<Warning>,
) -> Result<PunchColumns> {
    let is_json = table.keys.is_some();
    let names = match table.keys.take() {
        // There is nothing to find in an empty list.
        Some(keys) if table.rows.is_empty() => {
            drop(keys);
            return Ok(PunchColumns::default());
        }
        Some(keys) => keys,
        None if has_header(table) => table.rows.remove(0).fields,
        None => {
            let stated = &layout.columns;
            if stated.person.is_none() && stated.at.is_none() && stated.date.is_none() {
                if is_attlog(table) {
                    return Ok(PunchColumns::attlog());
                }
                return Err(Error::Column {
                    field: "person",
                    reason:
                        "the file has no header; state the numbers of the columns: person=1,at=2"
                            .to_owned(),
                });
            }
            let width = table.rows.iter().map(|row| row.fields.len()).max();
            vec![String::new(); width.unwrap_or(0)]
        }
    };
    let mut header = Header::new(&names);
    let columns = PunchColumns::of(&mut header, &layout.columns)?;
    let unused = header.unused();
    if let (true, Some(key)) = (is_json, unused.first()) {
        return Err(Error::format(format_args!(
            "there is no key {key:?}; the keys are person, at, date, time, id, device, kind, source, score and liveness"
        )));
    }
    if !unused.is_empty() {
        warnings.push(Warning::UnusedColumns { names: unused });
    }
    Ok(columns)
}

/// A header has no date in it, and a row of punches has one.
fn has_header(table: &Table) -> bool {
    let first = table.rows.first();
    first.is_some_and(|row| {
        let mut fields = row.fields.iter();
        !fields.any(|field| moment::moment(field).is_ok() || moment::written_date(field).is_ok())
    })
}

/// Tabs, and in each row a person, a time, a device and a kind.
fn is_attlog(table: &Table) -> bool {
    let mut rows = table.rows.iter().take(20);
    let is_time = |row: &Row| {
        row.field(Some(1))
            .is_some_and(|at| moment::moment(at).is_ok())
    };
    table.is_tabbed && rows.clone().all(|row| row.fields.len() >= 4) && rows.any(is_time)
}

/// Reads a row, or returns what is wrong with it.
fn read_row(
    row: &Row,
    columns: &PunchColumns,
    layout: &FileLayout,
) -> Result<ReadRow, Vec<String>> {
    let mut reasons = Vec::new();
    let person = match row.field(Some(columns.person)) {
        Some(person) => PersonId::new(person).map_err(|error| error.to_string()),
        None => Err("person: the field is empty".to_owned()),
    };
    let person = kept(person, &mut reasons);
    let at = kept(read_time(row, columns.at), &mut reasons);
    let kind = kinds::kind(row.field(columns.kind).unwrap_or_default(), &layout.kinds);
    let kind = kept(kind, &mut reasons);
    let source = row
        .field(columns.source)
        .map_or(Ok(PunchSource::Import), source);
    let source = kept(source, &mut reasons);
    let mut number = |column, name: &str| {
        let text = row.field(column)?;
        let number = text
            .parse()
            .map_err(|_| format!("{name}: {text:?} is not a number"));
        kept(number, &mut reasons)
    };
    let score = number(columns.score, "score");
    let liveness = number(columns.liveness, "liveness");
    let (Some(person), Some(at), Some(kind), Some(source), true) =
        (person, at, kind, source, reasons.is_empty())
    else {
        return Err(reasons);
    };
    let id = row.field(columns.id).map(str::to_owned);
    Ok(ReadRow {
        person,
        at,
        id: id.unwrap_or_else(|| format!("row {}", row.place.number())),
        kind,
        device: row.field(columns.device).map(str::to_owned),
        source,
        score,
        liveness,
    })
}

fn kept<T>(result: Result<T, String>, reasons: &mut Vec<String>) -> Option<T> {
    result.map_err(|reason| reasons.push(reason)).ok()
}

fn read_time(row: &Row, at: At) -> Result<Moment, String> {
    let named = |reason: String| format!("at: {reason}");
    match at {
        At::One(at) => {
            let text = row.field(Some(at)).ok_or("at: the field is empty")?;
            moment::moment(text).map_err(named)
        }
        At::DateAndTime(date, time) => {
            let date = row.field(Some(date)).ok_or("date: the field is empty")?;
            let time = row.field(Some(time)).ok_or("time: the field is empty")?;
            moment::moment_of(date, time).map_err(named)
        }
    }
}

fn source(text: &str) -> Result<PunchSource, String> {
    match plain(text).as_str() {
        "face" => Ok(PunchSource::Face),
        "manual" => Ok(PunchSource::Manual),
        "code" => Ok(PunchSource::Code),
        "import" => Ok(PunchSource::Import),
        _ => Err(format!(
            "source: {text:?} is not face, manual, code or import"
        )),
    }
}
