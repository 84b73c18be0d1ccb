//! Values and rows.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};

use crate::{
    error::{Error, Result},
    id::Id,
};

/// A value of a statement or a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// An integer, a time or a truth value.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text or a date.
    Text(String),
    /// Bytes or an id.
    Bytes(Vec<u8>),
}

/// A row of a result.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row with these columns and values.
    #[must_use]
    pub fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The value of a column.
    ///
    /// # Errors
    ///
    /// If there is no such column, or it has another type. Both are faults of the server.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T> {
        T::from_value(self.value(column)?).ok_or_else(|| unexpected(column))
    }

    /// The text of a column.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn text(&self, column: &str) -> Result<&str> {
        match self.value(column)? {
            Value::Text(text) => Ok(text),
            _ => Err(unexpected(column)),
        }
    }

    fn value(&self, column: &str) -> Result<&Value> {
        let index = self.columns.iter().position(|name| name == column);
        let value = index.and_then(|index| self.values.get(index));
        value.ok_or_else(|| Error::internal(format!("the rows have no column {column}")))
    }

    /// The JSON value of a column with text.
    ///
    /// # Errors
    ///
    /// If there is no such column, or the text is not JSON of this type.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        Ok(serde_json::from_str(self.text(column)?)?)
    }
}

fn unexpected(column: &str) -> Error {
    Error::internal(format!("column {column} has an unexpected value"))
}

/// A type of the values of a column.
pub trait FromValue: Sized {
    /// Reads a value; `None` if it has another type.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(integer) => Some(*integer),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(|integer| integer != 0)
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Real(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl FromValue for Id {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Self::from_bytes(bytes),
            _ => None,
        }
    }
}

impl FromValue for Timestamp {
    fn from_value(value: &Value) -> Option<Self> {
        Self::from_microsecond(i64::from_value(value)?).ok()
    }
}

impl FromValue for Date {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<[u8; 32]> for Value {
    fn from(bytes: [u8; 32]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Self {
        Self::Bytes(id.as_bytes().to_vec())
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_microsecond())
    }
}

impl From<Date> for Value {
    fn from(date: Date) -> Self {
        Self::Text(date.to_string())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
