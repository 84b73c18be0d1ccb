//! The output of a command: tables for people, one JSON document for programs, a progress bar.

use std::{
    borrow::Cow,
    fmt::{Debug, Write as _},
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};
use console::Term;
use facekit::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tracing_subscriber::{filter::LevelFilter, fmt::format::FmtSpan};

/// The form of a command's output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// True if the answer is a JSON document.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints the answer of a command: `document` as JSON, or else the result of `text`.
    pub(crate) fn answer(
        self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<()> {
        let mut text = if self.json {
            serde_json::to_string_pretty(document)
                .context("the answer cannot be written as JSON")?
        } else {
            text()
        };
        if text.is_empty() {
            return Ok(());
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        print(&text)
    }

    /// Prints a line of an answer that is not complete yet. With JSON, the document at the end has it.
    pub(crate) fn line(self, line: &str) -> Result<()> {
        if self.json {
            return Ok(());
        }
        print(&format!("{line}\n"))
    }

    /// Prints a note: information that is neither answer nor error.
    pub(crate) fn note(self, note: &str) {
        say(&format!("note: {}", plain(note)));
    }

    /// Prints the error that ends the command, with its causes.
    pub(crate) fn error(self, error: &anyhow::Error) {
        if self.json {
            #[derive(Serialize)]
            struct Failed {
                error: String,
                causes: Vec<String>,
            }
            let failed = Failed {
                error: error.to_string(),
                causes: error.chain().skip(1).map(ToString::to_string).collect(),
            };
            say(&serde_json::to_string(&failed).unwrap_or_default());
        } else {
            say(&format!("error: {}", chain(error)));
        }
    }

    /// A progress bar on standard error, if that is a terminal.
    pub(crate) fn bar(self, message: impl Into<Cow<'static, str>>) -> Bar {
        let bar = if self.json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        bar.set_style(style("{msg} {wide_bar} {human_pos}/{human_len} {eta}"));
        Bar(bar.with_message(message))
    }

    /// As [`bar`](Self::bar), in bytes.
    pub(crate) fn byte_bar(self, message: impl Into<Cow<'static, str>>) -> Bar {
        let bar = self.bar(message);
        bar.0
            .set_style(style("{msg} {wide_bar} {bytes}/{total_bytes} {eta}"));
        bar
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A progress bar that disappears when it is dropped.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// A function for `Watch::with_progress` that moves the bar.
    pub(crate) fn follow(&self) -> impl Fn(Progress) + Sync + use<> {
        let bar = self.0.clone();
        move |progress| {
            bar.set_length(progress.total.unwrap_or(0));
            bar.set_position(progress.done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// An error and its causes, in one line. The rows of a file that cannot be used are on lines of their own.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = plain(&error.to_string()).into_owned();
    for cause in error.chain().skip(1) {
        match cause.downcast_ref() {
            Some(attendance_files::Error::Rows { rows }) => {
                let _ = write!(text, ": {}", count(rows.len(), "row", "rows"));
                for row in rows {
                    let _ = write!(text, "\n  {}", plain(&row.to_string()));
                }
            }
            _ => {
                let _ = write!(text, ": caused by {}", plain(&cause.to_string()));
            }
        }
    }
    text
}

/// A table, for people.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings);
    // Rows are wrapped on a terminal only.
    if let Some((_, columns)) = Term::stdout().size_checked() {
        table.set_width(columns);
    }
    for row in rows {
        table.add_row(row.map(|cell| plain(&cell).into_owned()));
    }
    table.to_string()
}

/// `text` in one line, without control characters: a name in a file of another person could control the terminal.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(is_control) {
        let text = text.trim_end().replace('\n', "\\n");
        Cow::Owned(text.replace(is_control, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// True for a character that controls the terminal or the direction of text.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A path, for a table or a document.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The serialized name of a variant.
pub(crate) fn word(value: &(impl Serialize + Debug)) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{value:?}"),
    }
}

/// `1 photo`, `2 photos`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Prints traces to standard error: debug level for one `-v`, trace level for more.
pub(crate) fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(Term::stderr().is_term())
        .with_max_level(level)
        .with_span_events(FmtSpan::CLOSE)
        .init();
}

fn print(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // The reader has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output: writing failed"),
    }
}

fn say(line: &str) {
    // If standard error is closed, the exit code still reports the error.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(plain("Anna \u{1b}[31mred"), "Anna \u{fffd}[31mred");
        assert_eq!(plain("Anna\nBert\u{202e}"), "Anna\\nBert\u{fffd}");
        assert_eq!(plain("Anna Weiß"), "Anna Weiß");
    }

    #[test]
    fn a_chain_has_all_causes() {
        let error = anyhow::anyhow!("no route").context("http://a: failed");
        assert_eq!(chain(&error), "http://a: failed: caused by no route");
    }
}
