//! Text files with a separator between the fields.

use crate::{
    error::Place,
    table::{Row, Table},
};

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads a text file whose fields are separated by commas, semicolons, tabs or vertical bars. Fields can be in double quotes.
pub(crate) fn read(text: &str) -> Table {
    let separator = separator(text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let mut lines = Lines {
        bytes: text.as_bytes(),
        at: 0,
        line: 1,
    };
    // A text has no invalid UTF-8, and rows can have any length, so no row is an error.
    for record in reader.records().flatten() {
        let start = record.position().map_or(0, |position| position.byte());
        let line = lines.of_record(usize::try_from(start).unwrap_or(usize::MAX));
        rows.push(Row {
            place: Place::Line(line),
            fields: record.iter().map(str::to_owned).collect(),
        });
    }
    Table {
        rows,
        keys: None,
        is_tabbed: separator == b'\t',
    }
}

/// Counts lines. The positions of the csv crate are in front of the empty lines that it skips.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the record that starts at a byte, or after the line ends there. Records come in order.
    fn of_record(&mut self, start: usize) -> usize {
        while let Some(&byte) = self.bytes.get(self.at) {
            if self.at >= start && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            let is_end =
                byte == b'\n' || (byte == b'\r' && self.bytes.get(self.at + 1) != Some(&b'\n'));
            self.line += usize::from(is_end);
            self.at += 1;
        }
        self.line
    }
}

/// The separator that occurs equally often in most of the first lines.
fn separator(text: &str) -> u8 {
    let lines = text.lines().map(str::trim_end);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).take(20).collect();
    let score = |separator: u8| {
        let counts = lines.iter().map(|line| count(line, separator));
        let counts: Vec<usize> = counts.collect();
        let first = counts.first().copied().unwrap_or(0);
        let equal = counts.iter().filter(|&&count| count == first).count();
        if first == 0 { (0, 0) } else { (equal, first) }
    };
    let best = SEPARATORS.into_iter().rev().max_by_key(|&it| score(it));
    best.unwrap_or(b',')
}

/// How often the separator occurs outside of quotes.
fn count(line: &str, separator: u8) -> usize {
    let mut is_quoted = false;
    let outside = line.bytes().filter(|&byte| {
        is_quoted ^= byte == b'"';
        byte == separator && !is_quoted
    });
    outside.count()
}
