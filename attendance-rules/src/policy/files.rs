//! `[files]`: the layout of punch files.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::punch::PunchKind;

/// The layout of punch files, for programs that read them. The rules do not use it.
///
/// ```
/// use attendance_rules::{DateOrder, Policy};
///
/// let policy = Policy::from_toml(
///     r#"
///     [files]
///     dates = "day_first"
///     columns = { person = "No.", at = "Time" }
///     kinds = { "1" = "in", "2" = "out" }
///     "#,
/// )?;
/// assert_eq!(policy.files.columns.person.as_deref(), Some("No."));
/// assert_eq!(policy.files.dates, Some(DateOrder::DayFirst));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FileLayout {
    /// The order of day and month in dates such as 02/03/2026. Default: from the dates of the file, if they leave no doubt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateOrder>,
    /// The names of the columns. Default: found by common names.
    pub columns: Columns,
    /// The meaning of texts and codes in the column of kinds, before the common ones.
    pub kinds: BTreeMap<String, PunchKind>,
}

/// The order of day and month in a date of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 31/12/2026.
    DayFirst,
    /// 12/31/2026.
    MonthFirst,
}

/// The names of the columns of a punch file, or their numbers from 1 on. An empty name means that the file has no such column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Columns {
    /// The id of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The date and time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The date, if the time of day has a column of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The time of day, if the date has a column of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The kind: in, out, or a code of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The id of the punch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The source: face, manual, code or import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The similarity of the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// The liveness score of the face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness: Option<String>,
}
