//! The CSV files that the `facekit` command and the quickstart write.
//!
//! The format is RFC 4180 with plain line feeds, in UTF-8.
//!
//! ```
//! use sheets::{Sheet, text};
//!
//! let mut sheet = Sheet::new(["person", "balance"])?;
//! sheet.row([text("Weiß, Anna"), "-12".into()])?;
//! sheet.row([text("=1+1"), "30".into()])?;
//! assert_eq!(sheet.finish()?, "person,balance\n\"Weiß, Anna\",-12\n'=1+1,30\n");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::{borrow::Cow, fmt, io};

use facekit::Sighting;

/// A CSV file in memory.
pub struct Sheet {
    writer: csv::Writer<Vec<u8>>,
}

impl Sheet {
    /// A file with this first row.
    ///
    /// # Errors
    ///
    /// None in practice: a write to memory does not fail.
    pub fn new<'a>(headings: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let mut sheet = Self {
            writer: csv::Writer::from_writer(Vec::new()),
        };
        sheet.row(headings.into_iter().map(Cow::Borrowed))?;
        Ok(sheet)
    }

    /// Adds a row. Fields that come from people, such as names, go through [`text`] before.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] if the row has another number of fields than the first one.
    pub fn row<'a>(&mut self, fields: impl IntoIterator<Item = Cow<'a, str>>) -> io::Result<()> {
        let fields = fields.into_iter();
        let written = self
            .writer
            .write_record(fields.map(|field| field.into_owned()));
        written.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The text of the file. Each row ends with a line feed.
    ///
    /// # Errors
    ///
    /// None in practice: a write to memory does not fail.
    pub fn finish(self) -> io::Result<String> {
        let bytes = self
            .writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

/// One row as the text of a file, with its line feed. For files that grow while the program runs.
///
/// ```
/// assert_eq!(sheets::line(["anna".into(), "a,b".into()])?, "anna,\"a,b\"\n");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// None in practice: a write to memory does not fail.
pub fn line<'a>(fields: impl IntoIterator<Item = Cow<'a, str>>) -> io::Result<String> {
    let mut sheet = Sheet {
        writer: csv::Writer::from_writer(Vec::new()),
    };
    sheet.row(fields)?;
    sheet.finish()
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet").finish_non_exhaustive()
    }
}

/// A field of text that a spreadsheet does not take for a formula: an apostrophe is put before a first character with which a
/// formula can begin.
///
/// A number does not need this: a spreadsheet may take `-12` for a number.
#[must_use]
pub fn text(field: &str) -> Cow<'_, str> {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}").into()
    } else {
        field.into()
    }
}

/// The columns of a file of sightings: the name of the frame's file, the time in UTC, the person's id, the score, and the
/// liveness score, which is empty if nothing checked it.
pub const SIGHTING_COLUMNS: [&str; 5] = ["frame", "time", "person", "score", "liveness"];

/// The fields of a sighting, in the order of [`SIGHTING_COLUMNS`].
///
/// ```
/// use facekit::{PersonId, Sighting};
/// use sheets::sighting_row;
///
/// let sighting = Sighting::new(PersonId::new("anna")?, "2026-03-02T08:59:30Z".parse().unwrap()).with_score(0.71);
/// let row = sighting_row("door.jpg", &sighting);
/// assert_eq!(row, ["door.jpg", "2026-03-02T08:59:30Z", "anna", "0.71", ""]);
/// # Ok::<(), facekit::Error>(())
/// ```
#[must_use]
pub fn sighting_row<'a>(frame: &'a str, sighting: &'a Sighting) -> [Cow<'a, str>; 5] {
    let number = |number: Option<f32>| number.map_or_else(String::new, |number| number.to_string());
    [
        text(frame),
        sighting.at.to_string().into(),
        text(sighting.person.as_str()),
        number(sighting.score).into(),
        number(sighting.liveness).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(field: &str) -> String {
        let mut sheet = Sheet::new(["person", "times"]).unwrap();
        sheet.row([text(field), "1".into()]).unwrap();
        let sheet = sheet.finish().unwrap();
        let row = sheet.strip_prefix("person,times\n").unwrap();
        row.strip_suffix(",1\n").unwrap().to_owned()
    }

    #[test]
    fn fields_are_quoted_if_necessary() {
        assert_eq!(written("Anna Weiß"), "Anna Weiß");
        assert_eq!(written("Weiß, \"Anna\""), "\"Weiß, \"\"Anna\"\"\"");
        assert_eq!(written("two\nlines"), "\"two\nlines\"");
        assert_eq!(written(""), "");
    }

    #[test]
    fn formulas_get_an_apostrophe() {
        assert_eq!(written("=1+1"), "'=1+1");
        assert_eq!(written("@a\"b"), "\"'@a\"\"b\"");
        for first in ["+", "-", "\t"] {
            assert_eq!(written(&format!("{first}a")), format!("'{first}a"));
        }
        assert_eq!(written("\ra"), "\"'\ra\"");
        assert_eq!(written("a=1"), "a=1");
    }

    #[test]
    fn rows_of_another_length_are_refused() {
        let mut sheet = Sheet::new(["person", "times"]).unwrap();
        let error = sheet.row([text("anna")]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
