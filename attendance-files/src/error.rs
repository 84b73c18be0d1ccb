//! The error type and the warnings of the crate.

use std::fmt;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file that cannot be used. The message says what to change.
///
/// ```
/// use attendance_files::read_members;
///
/// let error = read_members(b"person,joined\nanna,31.02.2026\nbert,soon\n").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "2 rows cannot be used\n\
///      line 2: joined: \"31.02.2026\" is not a day of the calendar\n\
///      line 3: joined: \"soon\" is not a date; write 2026-03-02"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not of a known format, or is empty.
    #[error("{reason}")]
    Format {
        /// The reason.
        reason: String,
    },

    /// A column is missing, or its name is not in the file.
    #[error("column for {field}: {reason}")]
    Column {
        /// The use of the column: `person`, `at`, and so on.
        field: &'static str,
        /// The reason.
        reason: String,
    },

    /// Nothing in the file says whether the day or the month is first in its dates, or rows contradict each other.
    #[error("dates: {reason}")]
    Dates {
        /// The reason.
        reason: String,
    },

    /// The codes of a column do not say which of them means that a person comes.
    #[error("kinds: {reason}")]
    Kinds {
        /// The reason.
        reason: String,
    },

    /// Rows cannot be used. All of them are listed.
    #[error("{}", listed(rows))]
    Rows {
        /// The rows, in the order of the file.
        rows: Vec<RowError>,
    },
}

impl Error {
    pub(crate) fn format(reason: impl fmt::Display) -> Self {
        Self::Format {
            reason: reason.to_string(),
        }
    }
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowError {
    /// The place in the file.
    pub place: Place,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// A place in a file. All numbers begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// A line of a text file.
    Line(usize),
    /// A row of a spreadsheet.
    Row(usize),
    /// An item of a JSON list.
    Item(usize),
}

impl Place {
    /// The number of the line, row or item.
    #[must_use]
    pub fn number(self) -> usize {
        match self {
            Self::Line(number) | Self::Row(number) | Self::Item(number) => number,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
            Self::Item(number) => write!(f, "item {number}"),
        }
    }
}

fn listed(rows: &[RowError]) -> String {
    let mut text = match rows.len() {
        1 => "1 row cannot be used".to_owned(),
        count => format!("{count} rows cannot be used"),
    };
    for row in rows {
        text += &format!("\n{row}");
    }
    text
}

/// Something about a file that a person should know, although the file can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Two ids differ only by case or spaces. They are two people.
    SimilarIds {
        /// One id.
        one: String,
        /// The other id.
        other: String,
    },
    /// Columns that are not used.
    UnusedColumns {
        /// The names of the columns.
        names: Vec<String>,
    },
    /// The file is not UTF-8 and has no byte order mark. It is read as Windows-1252.
    AssumedWindows1252,
    /// Local times that do not exist, because clocks go forward. They move on by the length of the gap: 02:30 is 03:30. The clock of
    /// the device may be wrong.
    SkippedTimes {
        /// The rows.
        places: Vec<Place>,
    },
    /// The workbook has several sheets with cells. Only the first is read.
    OtherSheets {
        /// The name of the sheet that is read.
        read: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SimilarIds { one, other } => write!(
                f,
                "{one:?} and {other:?} are two people, and their ids differ only by case or spaces"
            ),
            Self::UnusedColumns { names } => write!(f, "columns not used: {}", names.join(", ")),
            Self::AssumedWindows1252 => {
                write!(f, "the file is not UTF-8, and is read as Windows-1252")
            }
            Self::SkippedTimes { places } => {
                let places: Vec<String> = places.iter().map(Place::to_string).collect();
                let times = match places.len() {
                    1 => {
                        "1 local time does not exist, because clocks go forward; it moves on by the length of the gap"
                    }
                    _ => {
                        "local times do not exist, because clocks go forward; they move on by the length of the gap"
                    }
                };
                write!(f, "{times}: {}", places.join(", "))
            }
            Self::OtherSheets { read } => {
                write!(f, "only the sheet {read:?} of the workbook is read")
            }
        }
    }
}
