//! Files of members, corrections and sessions.

use attendance_rules::{Correction, Member, Session};
use serde_json::{Map, Value};

use crate::{
    columns::{Header, PERSON},
    error::{Error, Result, RowError, Warning},
    ids::similar_ids,
    json,
    moment::{self, WrittenDate},
    table,
};

/// The items of a file, and warnings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Items<T> {
    /// The items, in the order of the file.
    pub items: Vec<T>,
    /// Warnings about the file, for people.
    pub warnings: Vec<Warning>,
}

/// The columns of members: the key of a member, common names, and whether it is a date.
const COLUMNS: [(&str, &[&str], bool); 6] = [
    ("person", PERSON, false),
    (
        "group",
        &["group", "department", "dept", "team", "class", "abteilung"],
        false,
    ),
    (
        "joined",
        &[
            "joined",
            "joiningdate",
            "dateofjoining",
            "hiredate",
            "entrydate",
            "eintritt",
        ],
        true,
    ),
    (
        "left",
        &[
            "left",
            "leavingdate",
            "dateofleaving",
            "terminationdate",
            "exitdate",
            "austritt",
        ],
        true,
    ),
    (
        "region",
        &["region", "holidayregion", "bundesland", "province"],
        false,
    ),
    ("roster_until", &["rosteruntil"], true),
];

/// Reads members: a JSON list, or a table with the columns person, group, joined, left, region and roster_until.
///
/// A table has one row for each member, so it has no lists. Schedules, contracts (`terms`), leave, shifts of single days
/// (`shifts_on`) and several periods of employment need JSON. [`Member::json_schema`] describes it.
///
/// # Errors
///
/// [`Error`]. If rows cannot be used, the error lists all of them.
///
/// ```
/// use attendance_files::read_members;
///
/// let members = read_members("person;department;joined\nanna;accounts;01.03.2026\n".as_bytes())?;
/// assert_eq!(members.items[0].joined.unwrap().to_string(), "2026-03-01");
/// assert_eq!(members.items[0].group.as_deref(), Some("accounts"));
/// # Ok::<(), attendance_files::Error>(())
/// ```
pub fn read_members(bytes: &[u8]) -> Result<Items<Member>> {
    let mut read = if json::is_json_file(bytes) {
        items(bytes)?
    } else {
        member_table(bytes)?
    };
    let people = read.items.iter().map(|member| &member.person);
    read.warnings.extend(similar_ids(people));
    Ok(read)
}

/// Reads corrections: a JSON list.
///
/// # Errors
///
/// [`Error`]. If items cannot be used, the error lists all of them.
///
/// ```
/// use attendance_files::read_corrections;
///
/// let file = r#"[{"id": "c1", "made": "2026-03-03T07:00:00Z", "by": "head", "reason": "twice", "change": {"void": {"punch": "row 3"}}}]"#;
/// assert_eq!(read_corrections(file.as_bytes())?.items[0].by, "head");
/// # Ok::<(), attendance_files::Error>(())
/// ```
pub fn read_corrections(bytes: &[u8]) -> Result<Items<Correction>> {
    items(bytes)
}

/// Reads sessions: a JSON list.
///
/// # Errors
///
/// [`Error`]. If items cannot be used, the error lists all of them.
///
/// ```
/// use attendance_files::read_sessions;
///
/// let file = br#"[{"id": "maths", "start": "2026-03-02T10:00:00Z", "end": "2026-03-02 noon"}]"#;
/// let error = read_sessions(file).unwrap_err().to_string();
/// assert!(error.contains("item 1: end: \"2026-03-02 noon\" is not a time with its offset"), "{error}");
/// ```
pub fn read_sessions(bytes: &[u8]) -> Result<Items<Session>> {
    items(bytes)
}

fn items<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<Items<T>> {
    let (items, warnings) = json::list(bytes)?;
    Ok(Items { items, warnings })
}

fn member_table(bytes: &[u8]) -> Result<Items<Member>> {
    let mut warnings = Vec::new();
    let mut table = table::read(bytes, &mut warnings)?;
    let names = table.rows.remove(0).fields;
    let mut header = Header::new(&names);
    let columns = COLUMNS.map(|(key, known, is_date)| (key, header.guessed(known), is_date));
    if columns[0].1.is_none() {
        return Err(Error::Column {
            field: "person",
            reason: format!(
                "no column has a known name for it; the file has {}; name it person",
                header.listed()
            ),
        });
    }
    let unused = header.unused();
    if !unused.is_empty() {
        warnings.push(Warning::UnusedColumns { names: unused });
    }
    let dates = table.rows.iter().flat_map(|row| {
        let dates = columns.iter().filter(|column| column.2);
        dates.filter_map(|&(_, column, _)| {
            let date = moment::written_date(row.field(column)?).ok()?;
            Some((row.place, date))
        })
    });
    let order = moment::date_order(dates.collect::<Vec<_>>().into_iter(), None)?;
    let (mut members, mut wrong) = (Vec::new(), Vec::new());
    for row in &table.rows {
        let mut member = Map::new();
        let mut reasons = Vec::new();
        for &(key, column, is_date) in &columns {
            let value = match (row.field(column), is_date) {
                (Some(text), true) => moment::written_date(text)
                    .and_then(|date: WrittenDate| date.date(order))
                    .map(|date| date.to_string()),
                (Some(text), false) => Ok(text.to_owned()),
                (None, _) if key == "person" => Err("the field is empty".to_owned()),
                (None, _) => continue,
            };
            match value {
                Ok(text) => {
                    member.insert(key.to_owned(), Value::String(text));
                }
                Err(reason) => reasons.push(format!("{key}: {reason}")),
            }
        }
        if reasons.is_empty() {
            match serde_json::from_value(Value::Object(member)) {
                Ok(member) => members.push(member),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if !reasons.is_empty() {
            wrong.push(RowError {
                place: row.place,
                reason: reasons.join("; "),
            });
        }
    }
    if wrong.is_empty() {
        Ok(Items {
            items: members,
            warnings,
        })
    } else {
        Err(Error::Rows { rows: wrong })
    }
}
