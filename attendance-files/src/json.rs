//! JSON lists.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use crate::{
    encoding,
    error::{Error, Place, Result, RowError, Warning},
    table::{Row, Table},
};

pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{'])
}

/// As [`is_json`], for bytes of any encoding.
pub(crate) fn is_json_file(bytes: &[u8]) -> bool {
    encoding::decode(bytes, &mut Vec::new()).is_ok_and(|text| is_json(&text))
}

/// The objects of a list as a table. The columns are the keys.
pub(crate) fn table(text: &str) -> Result<Table> {
    let mut keys: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    for (item, number) in objects(text)?.into_iter().zip(1..) {
        let place = Place::Item(number);
        let mut fields = Vec::new();
        for (key, value) in item {
            let column = keys.iter().position(|known| *known == key);
            let column = column.unwrap_or_else(|| {
                keys.push(key.clone());
                keys.len() - 1
            });
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                    wrong.push(RowError {
                        place,
                        reason: format!("{key}: {value} is not a text or a number"),
                    });
                    continue;
                }
            };
            fields.resize(fields.len().max(column + 1), String::new());
            fields[column] = text;
        }
        rows.push(Row { place, fields });
    }
    if wrong.is_empty() {
        Ok(Table {
            rows,
            keys: Some(keys),
            is_tabbed: false,
        })
    } else {
        Err(Error::Rows { rows: wrong })
    }
}

/// Reads a list of objects. Each error names the item and the key.
pub(crate) fn list<T: DeserializeOwned>(bytes: &[u8]) -> Result<(Vec<T>, Vec<Warning>)> {
    let mut warnings = Vec::new();
    let text = encoding::decode(bytes, &mut warnings)?;
    let (mut items, mut wrong) = (Vec::new(), Vec::new());
    for (item, number) in objects(&text)?.into_iter().zip(1..) {
        let item = Value::Object(item);
        match serde_path_to_error::deserialize(&item) {
            Ok(item) => items.push(item),
            Err(error) => wrong.push(RowError {
                place: Place::Item(number),
                reason: reason(&item, &error),
            }),
        }
    }
    if wrong.is_empty() {
        Ok((items, warnings))
    } else {
        Err(Error::Rows { rows: wrong })
    }
}

fn objects(text: &str) -> Result<Vec<Map<String, Value>>> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Error::format(format_args!("the file is not valid JSON: {error}")))?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(_) => {
            return Err(Error::format(
                "the file has one object; put it in a list: [{…}]",
            ));
        }
        _ => {
            return Err(Error::format(
                "the file is not a list of objects: [{…}, {…}]",
            ));
        }
    };
    let (mut objects, mut wrong) = (Vec::new(), Vec::new());
    for (item, number) in list.into_iter().zip(1..) {
        match item {
            Value::Object(object) => objects.push(object),
            other => wrong.push(RowError {
                place: Place::Item(number),
                reason: format!("{other} is not an object"),
            }),
        }
    }
    if wrong.is_empty() {
        Ok(objects)
    } else {
        Err(Error::Rows { rows: wrong })
    }
}

/// The path of the wrong key, and the reason. The messages of jiff about a text that is not a date are about its parser; these
/// are about the file.
fn reason(item: &Value, error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let message = error.inner().to_string();
    let path = error.path().to_string();
    let path = if path == "." {
        String::new()
    } else {
        format!("{path}: ")
    };
    if !message.contains("failed to parse") && !message.contains("parsing failed") {
        return format!("{path}{message}");
    }
    let mut value = item;
    let mut last_key = "";
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => value = &value[*index],
            Segment::Map { key } => {
                value = &value[key];
                last_key = key;
            }
            Segment::Enum { variant } => value = &value[variant],
            Segment::Unknown => break,
        }
    }
    let wanted = match last_key {
        "at" | "end" | "made" | "start" => {
            "a time with its offset; write 2026-03-02T08:59:30+01:00"
        }
        _ => "a date; write 2026-03-02",
    };
    format!("{path}{value} is not {wanted}")
}
