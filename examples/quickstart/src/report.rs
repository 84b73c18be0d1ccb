//! The report: a text, and CSV files.

use std::{
    fmt::{self, Display, Write as _},
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context, Result};
use facekit::{AttendanceSheet, Image, Outcome, QualityIssue, Recognition, Sighting, image};
use jiff::{Timestamp, tz::TimeZone};
use sheets::{SIGHTING_COLUMNS, Sheet, sighting_row, text};

use crate::days::{Day, HEADINGS};

/// The longer side of a frame on the page, in pixels.
const SHOWN: usize = 640;

#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The number of enrolled people.
    pub(crate) enrolled: usize,
    /// The day records, if there is a policy.
    pub(crate) days: Option<Vec<Day>>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) notes: Vec<String>,
}

/// A frame after recognition, with a small copy of its image.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) at: Timestamp,
    pub(crate) size: (usize, usize),
    /// The copy, a JPEG file.
    pub(crate) photo: Vec<u8>,
    pub(crate) faces: Vec<Recognition>,
}

impl Frame {
    pub(crate) fn new(
        name: String,
        at: Timestamp,
        image: &Image,
        faces: Vec<Recognition>,
    ) -> Result<Self> {
        let size = (image.width(), image.height());
        let scale = (SHOWN as f64 / size.0.max(size.1) as f64).min(1.0);
        let shown = |side: usize| ((side as f64 * scale).round() as usize).max(1);
        let small = image::resize(image.view(), shown(size.0), shown(size.1))?;
        Ok(Self {
            name,
            at,
            size,
            photo: image::encode_jpeg(&small, 80),
            faces,
        })
    }
}

/// The outcome of a face as one word, the person or the nearest person, the score, and details.
pub(crate) struct Row {
    pub(crate) outcome: &'static str,
    pub(crate) person: String,
    pub(crate) score: Option<f32>,
    pub(crate) detail: String,
}

impl Row {
    pub(crate) fn of(face: &Recognition) -> Self {
        let (outcome, identity, detail) = match &face.outcome {
            Outcome::Known(identity) => {
                let extrapolated = if identity.extrapolated {
                    ", extrapolated"
                } else {
                    ""
                };
                let rate = identity
                    .fmr
                    .map(|fmr| format!("false-match rate {fmr:.0e}{extrapolated}"))
                    .unwrap_or_default();
                ("known", Some(identity), rate)
            }
            Outcome::Unknown { nearest } => ("unknown", nearest.as_ref(), "no match".to_owned()),
            Outcome::PoorQuality { issues } => ("poor_quality", None, QualityIssue::list(issues)),
            Outcome::Spoof => {
                let score = face
                    .liveness
                    .map(|score| format!("liveness {:.2}", score.value()))
                    .unwrap_or_default();
                ("spoof", None, score)
            }
            Outcome::TightCrop { context, minimum } => (
                "tight_crop",
                None,
                format!(
                    "the image is {context:.1} times as large as the face, {minimum:.1} needed"
                ),
            ),
            other => ("other", None, format!("{other:?}")),
        };
        Self {
            outcome,
            person: identity
                .map(|identity| identity.person.to_string())
                .unwrap_or_default(),
            score: identity.map(|identity| identity.score),
            detail,
        }
    }
}

impl Report {
    /// Adds a note about a photo or frame that cannot be used.
    pub(crate) fn unusable(&mut self, path: &Path, reason: &dyn Display) {
        let reason = reason.to_string();
        let path = path.display().to_string();
        self.note(if reason.starts_with(&path) {
            reason
        } else {
            format!("{path}: {reason}")
        });
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn print(&self, sheet: &AttendanceSheet, written: &Path) -> Result<()> {
        let mut text = format!(
            "{:<28} {:<20} {:<20} {:>5}\n",
            "person", "first seen", "last seen", "times"
        );
        for (person, seen) in sheet.iter() {
            let (first, last) = (local(seen.first), local(seen.last));
            writeln!(
                text,
                "{person:<28} {first:<20} {last:<20} {:>5}",
                seen.times
            )?;
        }
        if let Some(days) = &self.days {
            let line = |[person, date, status, first, last, counted]: [&str; 6]| {
                format!("{person:<28} {date:<10} {status:<20} {first:<8} {last:<8} {counted}\n")
            };
            text = format!("{text}\n{}", line(HEADINGS));
            days.iter().for_each(|day| text += &line(day.cells()));
        }
        write!(text, "\n{}\n{self}", self.summary(sheet))?;
        let days = self.days.as_ref().map_or("", |_| ", days.csv");
        writeln!(
            text,
            "written to {}: attendance.html, attendance.csv, sightings.csv, faces.csv{days}",
            written.display()
        )?;
        match io::stdout().write_all(text.as_bytes()) {
            // The reader has closed the pipe.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.context("standard output: writing failed"),
        }
    }

    /// The numbers of people, frames and faces.
    pub(crate) fn summary(&self, sheet: &AttendanceSheet) -> String {
        let rows: Vec<Row> = self.rows().map(|(_, row)| row).collect();
        let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
        format!(
            "{} of {} people seen in {} frames; faces: {} known, {} unknown, {} of poor quality, {} not live",
            sheet.len(),
            self.enrolled,
            self.frames.len(),
            count("known"),
            count("unknown"),
            count("poor_quality"),
            count("spoof") + count("tight_crop"),
        )
    }

    /// The rows of all faces; one row for a frame without faces.
    fn rows(&self) -> impl Iterator<Item = (&Frame, Row)> {
        self.frames.iter().flat_map(|frame| {
            let none = frame.faces.is_empty().then(|| Row {
                outcome: "no_face",
                person: String::new(),
                score: None,
                detail: String::new(),
            });
            frame
                .faces
                .iter()
                .map(Row::of)
                .chain(none)
                .map(move |row| (frame, row))
        })
    }

    /// Writes the files of the report to `folder`.
    pub(crate) fn write(
        &self,
        sheet: &AttendanceSheet,
        sightings: &[(String, Sighting)],
        folder: &Path,
    ) -> Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("{}: creating the folder failed", folder.display()))?;
        let mut files = vec![
            ("attendance.csv", attendance_csv(sheet)?),
            ("sightings.csv", sightings_csv(sightings)?),
            ("faces.csv", self.faces_csv()?),
            ("attendance.html", self.page(sheet)?),
        ];
        if let Some(days) = &self.days {
            files.push(("days.csv", days_csv(days)?));
        }
        for (file, content) in files {
            let path = folder.join(file);
            fs::write(&path, content)
                .with_context(|| format!("{}: writing failed", path.display()))?;
        }
        Ok(())
    }

    fn faces_csv(&self) -> io::Result<String> {
        let columns = ["frame", "time", "outcome", "person", "score", "detail"];
        let mut csv = Sheet::new(columns)?;
        for (frame, row) in self.rows() {
            let score = row
                .score
                .map_or_else(String::new, |score| format!("{score:.3}"));
            csv.row([
                text(&frame.name),
                frame.at.to_string().into(),
                row.outcome.into(),
                text(&row.person),
                score.into(),
                text(&row.detail),
            ])?;
        }
        csv.finish()
    }
}

fn attendance_csv(sheet: &AttendanceSheet) -> io::Result<String> {
    let mut csv = Sheet::new(["person", "first_seen", "last_seen", "times"])?;
    for (person, seen) in sheet.iter() {
        csv.row([
            text(person.as_str()),
            seen.first.to_string().into(),
            seen.last.to_string().into(),
            seen.times.to_string().into(),
        ])?;
    }
    csv.finish()
}

fn sightings_csv(sightings: &[(String, Sighting)]) -> io::Result<String> {
    let mut csv = Sheet::new(SIGHTING_COLUMNS)?;
    for (frame, sighting) in sightings {
        csv.row(sighting_row(frame, sighting))?;
    }
    csv.finish()
}

fn days_csv(days: &[Day]) -> io::Result<String> {
    let mut csv = Sheet::new(HEADINGS)?;
    for day in days {
        csv.row(day.cells().map(text))?;
    }
    csv.finish()
}

impl Display for Report {
    /// The notes, one on each line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

/// A time in the zone of the system, without its fraction of a second.
pub(crate) fn local(time: Timestamp) -> String {
    time.to_zoned_datetime(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}
