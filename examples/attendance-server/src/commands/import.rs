//! People from a CSV file, with a report on each row.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    days,
    people::{self, NewPerson, Person, PersonChanges},
    sites,
};
use crate::{
    access::{Actor, EDITORS},
    error::{Error, ErrorKind, Result},
    id::Id,
    patch::Patch,
    store::Transaction,
};

/// The largest file, in bytes.
pub const LARGEST: usize = 8 << 20;

/// The most rows.
const MOST_ROWS: usize = 50_000;

/// Options of an import.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ImportOptions {
    /// Only says what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// Imports the sound rows if others are wrong. By default nothing is imported then.
    #[serde(default)]
    pub partial: bool,
}

/// The result of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowResult {
    /// The person is new.
    Created,
    /// The person was changed.
    Updated,
    /// The person was as in the row.
    Unchanged,
    /// The row is wrong.
    Wrong,
}

/// A row of the report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReportRow {
    /// The line in the file, from 1 on.
    pub line: u64,
    /// The staff number in the row.
    pub number: String,
    /// The result.
    pub result: RowResult,
    /// The fault of a wrong row, as a stable code.
    pub code: Option<String>,
    /// The fault of a wrong row, for people.
    pub reason: Option<String>,
    /// The person.
    pub person: Option<Id>,
}

/// The report of an import.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// The people were changed. Not after a dry run, and not if a row is wrong and `partial` was not asked for.
    pub imported: bool,
    /// The number of new people.
    pub created: usize,
    /// The number of changed people.
    pub updated: usize,
    /// The number of people who were as in the file.
    pub unchanged: usize,
    /// The number of wrong rows.
    pub wrong: usize,
    /// Columns that are not known, and were not read.
    pub unknown_columns: Vec<String>,
    /// The rows, without those that are unchanged.
    pub rows: Vec<ReportRow>,
}

/// The columns, with the names under which they are known.
const COLUMNS: [(&str, &[&str]); 6] = [
    (
        "number",
        &[
            "number",
            "staff number",
            "employee id",
            "id",
            "personalnummer",
            "nummer",
        ],
    ),
    (
        "name",
        &["name", "full name", "employee name", "mitarbeiter"],
    ),
    ("mail", &["mail", "email", "e-mail", "mail address"]),
    ("site", &["site", "location", "standort"]),
    (
        "joined",
        &["joined", "date of joining", "hire date", "eintritt"],
    ),
    (
        "left",
        &["left", "date of leaving", "exit date", "austritt"],
    ),
];

/// The fields of a row, in the order of [`COLUMNS`].
type Fields = [Option<String>; 6];

/// Imports people. A row with the number of somebody changes that person; empty fields change nothing.
///
/// A report has the result of each row. The caller commits if [`ImportReport::imported`] is set: not after a dry run, and
/// not if rows are wrong, unless `partial` is set.
///
/// # Errors
///
/// 403 for an actor who may change people of no site; 413 for a large file; 422 if the file is no table of people.
pub async fn people(
    tx: &mut Transaction,
    actor: &Actor,
    file: &[u8],
    options: &ImportOptions,
) -> Result<ImportReport> {
    if !actor.has_any(EDITORS) {
        return Err(Error::forbidden());
    }
    let (rows, unknown_columns) = read(file)?;
    let sites: HashMap<String, Id> = sites::list(tx, actor)
        .await?
        .into_iter()
        .map(|site| (site.name.to_lowercase(), site.id))
        .collect();
    let directory = people::directory(tx, actor.org).await?;
    let mut report = ImportReport {
        imported: false,
        created: 0,
        updated: 0,
        unchanged: 0,
        wrong: 0,
        unknown_columns,
        rows: Vec::new(),
    };
    let mut planned = Vec::new();
    let mut numbers = HashSet::new();
    for (line, fields) in rows {
        let number = fields
            .as_ref()
            .ok()
            .and_then(|fields| fields[0].clone())
            .unwrap_or_default();
        let plan = fields.and_then(|fields| {
            if !number.is_empty() && !numbers.insert(number.clone()) {
                let detail = format!("the number {number:?} is in an earlier row, too");
                return Err(wrong("number_twice", detail));
            }
            plan(actor, &fields, &sites, &directory)
        });
        match plan {
            Ok(plan) => planned.push((line, number, plan)),
            Err(error) => report.wrong(line, number, error),
        }
    }
    let new = planned
        .iter()
        .filter(|(.., plan)| matches!(plan, Plan::Create(_)))
        .count();
    let ids: Vec<Id> = (0..new).map(|_| tx.new_id()).collect();
    tx.keys().create(actor.org, &ids).await?;
    let mut ids = ids.into_iter();
    // Rows are tried one by one: what the commands refuse is wrong, too.
    let mut has_changed = false;
    let mut other_times = Vec::new();
    for (line, number, plan) in planned {
        let (result, done) = match plan {
            Plan::Keep(person) => (RowResult::Unchanged, Ok(person)),
            Plan::Create(new) => {
                let id = ids
                    .next()
                    .ok_or_else(|| Error::internal("there are fewer ids than rows"))?;
                let inserted = people::insert(tx, actor, id, &new).await;
                (RowResult::Created, inserted.map(|()| id))
            }
            Plan::Change(person, changes) => {
                let id = person.id;
                let written = people::write(tx, actor, &person, *changes).await;
                other_times.extend(written.as_ref().is_ok_and(|&other| other).then_some(id));
                (RowResult::Updated, written.map(|_| id))
            }
        };
        match done {
            Ok(person) => {
                has_changed |= result != RowResult::Unchanged;
                report.add(line, number, result, person);
            }
            Err(error) if error.kind == ErrorKind::Internal => return Err(error),
            Err(error) => report.wrong(line, number, error),
        }
    }
    if has_changed {
        people::changed(tx, actor.org).await?;
    }
    for person in other_times {
        days::evaluate_all(tx, actor.org, person).await?;
    }
    report.rows.sort_by_key(|row| row.line);
    report.imported = !options.dry_run && (report.wrong == 0 || options.partial);
    Ok(report)
}

impl ImportReport {
    fn wrong(&mut self, line: u64, number: String, error: Error) {
        self.wrong += 1;
        self.rows.push(ReportRow {
            line,
            number,
            result: RowResult::Wrong,
            code: Some(error.code.to_owned()),
            reason: Some(error.detail),
            person: None,
        });
    }

    fn add(&mut self, line: u64, number: String, result: RowResult, person: Id) {
        match result {
            RowResult::Created => self.created += 1,
            RowResult::Updated => self.updated += 1,
            RowResult::Unchanged | RowResult::Wrong => {
                self.unchanged += 1;
                return;
            }
        }
        self.rows.push(ReportRow {
            line,
            number,
            result,
            code: None,
            reason: None,
            person: Some(person),
        });
    }
}

/// The change that a row asks for.
enum Plan {
    Create(NewPerson),
    Change(Box<Person>, Box<PersonChanges>),
    Keep(Id),
}

/// A fault of the file or of a row.
fn wrong(code: &'static str, detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, code, detail)
}

fn plan(
    actor: &Actor,
    fields: &Fields,
    sites: &HashMap<String, Id>,
    directory: &crate::store::Directory,
) -> Result<Plan> {
    let [number, name, mail, site, joined, left] = fields;
    let number = number
        .as_deref()
        .ok_or_else(|| wrong("row_without_number", "the number is empty"))?;
    let date = |name: &str, text: &Option<String>| {
        text.as_deref()
            .map(|text| {
                text.parse::<Date>().map_err(|_| {
                    let detail = format!("{name} is {text:?}; a date has the form 2026-03-02");
                    wrong("wrong_date", detail)
                })
            })
            .transpose()
    };
    let (joined, left) = (date("joined", joined)?, date("left", left)?);
    let site = match site.as_deref() {
        Some(name) => {
            let known = sites.get(&name.to_lowercase());
            let missing = || wrong("unknown_site", format!("there is no site {name:?}"));
            Some(*known.ok_or_else(missing)?)
        }
        None => None,
    };
    let Some(known) = directory.by_number(number) else {
        let only = || match sites.len() {
            1 => sites.values().next().copied(),
            _ => None,
        };
        return Ok(Plan::Create(NewPerson {
            number: number.to_owned(),
            name: name
                .clone()
                .ok_or_else(|| wrong("row_without_name", "the name is empty"))?,
            mail: mail.clone(),
            site: site.or_else(only).ok_or_else(|| {
                wrong(
                    "row_without_site",
                    "the site is empty, and there are several",
                )
            })?,
            joined,
            left,
        }));
    };
    if actor.require_at(known.site, EDITORS).is_err() {
        let detail = "somebody of another site has this number";
        return Err(wrong("number_of_other_site", detail));
    }
    let differs = |new: &Option<String>, old: Option<&str>| {
        new.as_deref().is_some_and(|new| Some(new) != old)
    };
    let mut changes = PersonChanges::default();
    let mut is_same = true;
    if differs(name, Some(&known.name)) {
        (changes.name, is_same) = (name.clone(), false);
    }
    if let (true, Some(mail)) = (differs(mail, known.mail.as_deref()), mail) {
        (changes.mail, is_same) = (Patch::Set(mail.clone()), false);
    }
    if site.is_some_and(|site| site != known.site) {
        (changes.site, is_same) = (site, false);
    }
    if let (true, Some(joined)) = (joined != known.joined, joined) {
        (changes.joined, is_same) = (Patch::Set(joined), false);
    }
    if let (true, Some(left)) = (left != known.left, left) {
        (changes.left, is_same) = (Patch::Set(left), false);
    }
    Ok(if is_same {
        Plan::Keep(known.id)
    } else {
        Plan::Change(Box::new(Person::from(known)), Box::new(changes))
    })
}

/// A line of the file, and its fields.
type Line = (u64, Result<Fields>);

/// The rows of a file with their lines, and the columns that are not known.
fn read(file: &[u8]) -> Result<(Vec<Line>, Vec<String>)> {
    if file.len() > LARGEST {
        let detail = format!("The file has more than {LARGEST} bytes.");
        return Err(Error::new(ErrorKind::TooLarge, "too_large", detail));
    }
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    if file.contains(&0) {
        return Err(wrong(
            "not_text",
            "The file is no CSV text: it has zero bytes.",
        ));
    }
    let first_line = file.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: &u8| first_line.iter().filter(|&byte| byte == delimiter).count();
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(file);
    let headers = reader
        .byte_headers()
        .map_err(|error| wrong("not_csv", format!("The file is no CSV: {error}")))?;
    let mut columns = [None; 6];
    let mut unknown = Vec::new();
    let width = headers.len();
    for (index, header) in headers.iter().enumerate() {
        let name = String::from_utf8_lossy(header).trim().to_lowercase();
        let known = COLUMNS
            .iter()
            .position(|(_, names)| names.contains(&name.as_str()));
        match known {
            Some(column) if columns[column].is_none() => columns[column] = Some(index),
            Some(column) => {
                let detail = format!("Two columns are named {:?}.", COLUMNS[column].0);
                return Err(wrong("column_twice", detail));
            }
            None => unknown.push(String::from_utf8_lossy(header).into_owned()),
        }
    }
    if columns[0].is_none() {
        let detail =
            "No column is named number. Name the columns number, name, mail, site, joined, left.";
        return Err(wrong("no_number_column", detail));
    }
    let mut rows = Vec::new();
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => return Err(wrong("not_csv", format!("The file is no CSV: {error}"))),
        }
        if rows.len() == MOST_ROWS {
            return Err(wrong(
                "too_many_rows",
                format!("The file has more than {MOST_ROWS} rows."),
            ));
        }
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((line, fields(&record, &columns, width)));
    }
    Ok((rows, unknown))
}

fn fields(record: &csv::ByteRecord, columns: &[Option<usize>; 6], width: usize) -> Result<Fields> {
    if record.len() > width {
        let fields = record.len();
        let detail = format!("the row has {fields} fields, and the header has {width}");
        return Err(wrong("row_too_long", detail));
    }
    let mut fields = Fields::default();
    for (field, column) in fields.iter_mut().zip(columns) {
        let bytes = column
            .and_then(|column| record.get(column))
            .unwrap_or_default();
        let text = std::str::from_utf8(bytes)
            .map_err(|_| wrong("row_not_utf8", "the row is not UTF-8"))?;
        *field = Some(text.to_owned()).filter(|text| !text.is_empty());
    }
    Ok(fields)
}
