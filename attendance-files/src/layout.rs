//! The layout of a punch file as a text, as a command line has it.

use std::collections::BTreeMap;

use attendance_rules::{Columns, DateOrder, PunchKind};

use crate::error::{Error, Result};

/// Reads the names of columns: `at=Time,person=No.`
///
/// A name can have commas, and an empty name means that there is no such column.
///
/// # Errors
///
/// [`Error::Column`] if a field is not known or has no name.
///
/// ```
/// let columns = attendance_files::columns_from_text("at=Time,person=No.,kind=")?;
/// assert_eq!(columns.person.as_deref(), Some("No."));
/// assert_eq!(columns.kind.as_deref(), Some(""));
/// # Ok::<(), attendance_files::Error>(())
/// ```
pub fn columns_from_text(text: &str) -> Result<Columns> {
    let mut columns = Columns::default();
    for (field, name) in pairs(text, "column names", "at=Time,person=No.")? {
        let place = match field.as_str() {
            "person" => &mut columns.person,
            "at" => &mut columns.at,
            "date" => &mut columns.date,
            "time" => &mut columns.time,
            "kind" => &mut columns.kind,
            "device" => &mut columns.device,
            "id" => &mut columns.id,
            "source" => &mut columns.source,
            "score" => &mut columns.score,
            "liveness" => &mut columns.liveness,
            _ => {
                return Err(Error::format(format_args!(
                    "{field:?} is not person, at, date, time, kind, device, id, source, score or liveness"
                )));
            }
        };
        *place = Some(name);
    }
    Ok(columns)
}

/// Reads the meaning of codes: `1=in,2=out`.
///
/// # Errors
///
/// [`Error::Format`] if a meaning is not in, out or undetermined.
///
/// ```
/// use attendance_rules::PunchKind;
///
/// assert_eq!(attendance_files::kinds_from_text("1=in,2=out")?["2"], PunchKind::Out);
/// # Ok::<(), attendance_files::Error>(())
/// ```
pub fn kinds_from_text(text: &str) -> Result<BTreeMap<String, PunchKind>> {
    let pairs = pairs(text, "kinds", "1=in,2=out")?.into_iter();
    pairs
        .map(|(code, kind)| {
            let kind = match kind.to_ascii_lowercase().as_str() {
                "in" => PunchKind::In,
                "out" => PunchKind::Out,
                "undetermined" => PunchKind::Undetermined,
                _ => {
                    return Err(Error::format(format_args!(
                        "{code}={kind}: {kind:?} is not in, out or undetermined"
                    )));
                }
            };
            Ok((code, kind))
        })
        .collect()
}

/// Reads an order of day and month: `day_first` or `month_first`.
///
/// # Errors
///
/// [`Error::Format`] for another text.
///
/// ```
/// use attendance_rules::DateOrder;
///
/// assert_eq!(attendance_files::date_order_from_text("day-first")?, DateOrder::DayFirst);
/// # Ok::<(), attendance_files::Error>(())
/// ```
pub fn date_order_from_text(text: &str) -> Result<DateOrder> {
    match text.replace('-', "_").as_str() {
        "day_first" => Ok(DateOrder::DayFirst),
        "month_first" => Ok(DateOrder::MonthFirst),
        _ => Err(Error::format(format_args!(
            "{text:?} is not day_first or month_first"
        ))),
    }
}

/// The pairs of a list such as `a=1,b=2`. A part without `=` belongs to the value before it.
fn pairs(text: &str, what: &str, example: &str) -> Result<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), pairs.last_mut()) {
            (Some((key, value)), _) => {
                pairs.push((key.trim().to_owned(), value.trim().to_owned()));
            }
            (None, Some((_, value))) => *value += &format!(",{part}"),
            (None, None) => {
                return Err(Error::format(format_args!(
                    "{text:?} is not a list of {what}; write {example}"
                )));
            }
        }
    }
    Ok(pairs)
}
