//! The attendance sheet as text, as CSV and as one HTML page.

use std::{
    fmt::{self, Display, Write as _},
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context, Result};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use facekit::{AttendanceSheet, Image, Outcome, Recognition, image};
use jiff::{Timestamp, tz::TimeZone};

use crate::days::{Day, HEADINGS};

/// The longer side of a frame in the page, in pixels.
const SHOWN: usize = 640;

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) enrolled: usize,
    /// Where a policy was given.
    pub(crate) days: Option<Vec<Day>>,
    pub(crate) frames: Vec<Frame>,
    notes: Vec<String>,
}

/// A frame as the page shows it: of the photo, a small copy is kept.
#[derive(Debug)]
pub(crate) struct Frame {
    name: String,
    at: Timestamp,
    size: (usize, usize),
    photo: Vec<u8>,
    faces: Vec<Recognition>,
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

/// What became of a face: a word for it, who it is or is nearest to, the score of that, and the rest in words.
struct Row {
    outcome: &'static str,
    person: String,
    score: Option<f32>,
    detail: String,
}

impl Report {
    /// A photo or frame that was not used.
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
            "written to {}: attendance.html, attendance.csv, sightings.csv{days}",
            written.display()
        )?;
        match io::stdout().write_all(text.as_bytes()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.context("standard output: writing failed"),
        }
    }

    fn summary(&self, sheet: &AttendanceSheet) -> String {
        let rows: Vec<Row> = self.rows().map(|(_, row)| row).collect();
        let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
        format!(
            "{} of {} people seen in {} frames; faces: {} known, {} unknown, {} refused for quality, {} not live",
            sheet.len(),
            self.enrolled,
            self.frames.len(),
            count("known"),
            count("unknown"),
            count("poor_quality"),
            count("spoof"),
        )
    }

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
                .map(row)
                .chain(none)
                .map(move |row| (frame, row))
        })
    }

    /// Writes `attendance.csv`, `sightings.csv`, `attendance.html` and, where there are day records, `days.csv`.
    pub(crate) fn write(&self, sheet: &AttendanceSheet, folder: &Path) -> Result<()> {
        let mut attendance = "person,first_seen,last_seen,times\n".to_owned();
        for (person, seen) in sheet.iter() {
            writeln!(
                attendance,
                "{},{},{},{}",
                csv(person.as_str()),
                seen.first,
                seen.last,
                seen.times
            )?;
        }
        let mut sightings = "frame,time,outcome,person,score,detail\n".to_owned();
        for (
            frame,
            Row {
                outcome,
                person,
                score,
                detail,
            },
        ) in self.rows()
        {
            let score = score.map(|score| format!("{score:.3}")).unwrap_or_default();
            let (name, person, detail) = (csv(&frame.name), csv(&person), csv(&detail));
            writeln!(
                sightings,
                "{name},{},{outcome},{person},{score},{detail}",
                frame.at
            )?;
        }
        fs::create_dir_all(folder)
            .with_context(|| format!("{}: creating the folder failed", folder.display()))?;
        let days = self.days.as_ref().map(|days| {
            let rows = days.iter().map(|day| day.cells().map(csv).join(","));
            let rows = [HEADINGS.join(",")].into_iter().chain(rows);
            rows.map(|row| row + "\n").collect::<String>()
        });
        for (file, content) in [
            ("attendance.csv", attendance),
            ("sightings.csv", sightings),
            ("attendance.html", self.page(sheet)?),
        ]
        .into_iter()
        .chain(days.map(|days| ("days.csv", days)))
        {
            let path = folder.join(file);
            fs::write(&path, content)
                .with_context(|| format!("{}: writing failed", path.display()))?;
        }
        Ok(())
    }

    /// One page that needs nothing beside it: frames are embedded, and boxes and names drawn over them.
    fn page(&self, sheet: &AttendanceSheet) -> Result<String> {
        let mut page = format!(
            "<!doctype html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width\"><title>Attendance</title><style>{STYLE}</style>\
             <h1>Attendance</h1><p>{}</p><table><tr><th>Person<th>First seen<th>Last seen<th>Times</tr>",
            html(&self.summary(sheet)),
        );
        for (person, seen) in sheet.iter() {
            let (first, last) = (local(seen.first), local(seen.last));
            write!(
                page,
                "<tr><td>{}<td>{first}<td>{last}<td>{}</tr>",
                html(person.as_str()),
                seen.times
            )?;
        }
        page += "</table>";
        if let Some(days) = &self.days {
            write!(
                page,
                "<h2>Days</h2><table><tr><th>{}</tr>",
                HEADINGS.join("<th>")
            )?;
            for day in days {
                let cells = day.cells().map(html).join("<td>");
                write!(page, "<tr><td>{cells}</tr>")?;
            }
            page += "</table>";
        }
        if !self.notes.is_empty() {
            let notes: String = self
                .notes
                .iter()
                .map(|note| format!("<li>{}", html(note)))
                .collect();
            write!(page, "<h2>Not used</h2><ul>{notes}</ul>")?;
        }
        page += "<h2>Frames</h2><main>";
        for frame in &self.frames {
            let (width, height) = frame.size;
            let photo = BASE64_STANDARD.encode(&frame.photo);
            write!(
                page,
                "<figure><svg viewBox=\"0 0 {width} {height}\"><image width={width} height={height} \
                 href=\"data:image/jpeg;base64,{photo}\" />",
            )?;
            let line = width.max(height) as f64 / 200.0;
            for face in &frame.faces {
                let Row {
                    outcome,
                    person,
                    score,
                    detail,
                } = row(face);
                let rect = face.detection.rect;
                let who = if outcome == "known" {
                    person
                } else {
                    outcome.replace('_', " ")
                };
                let score = score
                    .map(|score| format!(" {score:.2}"))
                    .unwrap_or_default();
                // A label on the right grows to the left, so that it stays in the frame.
                let (x, anchor) = if rect.center().x < 0.6 * width as f32 {
                    (rect.x, "start")
                } else {
                    ((rect.x + rect.width).min(width as f32), "end")
                };
                write!(
                    page,
                    "<g class={outcome}><title>{}</title><rect x={} y={} width={} height={} stroke-width={line} />\
                     <text x={x} y={} font-size={} text-anchor={anchor}>{}{score}</text></g>",
                    html(&detail),
                    rect.x,
                    rect.y,
                    rect.width,
                    rect.height,
                    (f64::from(rect.y) - line).max(6.0 * line),
                    6.0 * line,
                    html(&who),
                )?;
            }
            write!(
                page,
                "</svg><figcaption>{}, {}</figcaption></figure>",
                html(&frame.name),
                local(frame.at)
            )?;
        }
        page += "</main></html>\n";
        Ok(page)
    }
}

impl Display for Report {
    /// What was not used, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

fn row(face: &Recognition) -> Row {
    let (outcome, identity, detail) = match &face.outcome {
        Outcome::Known(identity) => {
            let rate = identity
                .fmr
                .map(|fmr| format!("false-match rate {fmr:.0e}"))
                .unwrap_or_default();
            ("known", Some(identity), rate)
        }
        Outcome::Unknown { nearest } => (
            "unknown",
            nearest.as_ref(),
            "not near enough to anybody".to_owned(),
        ),
        Outcome::PoorQuality { issues } => (
            "poor_quality",
            None,
            issues
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        ),
        Outcome::Spoof => {
            let score = face
                .liveness
                .map(|score| format!("liveness {:.2}", score.value()))
                .unwrap_or_default();
            ("spoof", None, score)
        }
        other => ("other", None, format!("{other:?}")),
    };
    Row {
        outcome,
        person: identity
            .map(|identity| identity.person.to_string())
            .unwrap_or_default(),
        score: identity.map(|identity| identity.score),
        detail,
    }
}

fn local(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

fn csv(field: &str) -> String {
    // A spreadsheet must not take a name for a formula.
    let field = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1b1b1f;background:#fff}\
table{border-collapse:collapse}th,td{padding:.3rem 1rem .3rem 0;text-align:left;border-bottom:1px solid #ddd}\
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1rem}\
figure{margin:0}svg{width:100%;background:#000;border-radius:.4rem}figcaption{font-size:.85rem;color:#555;overflow-wrap:anywhere}\
rect{fill:none}text{font-weight:600;paint-order:stroke;stroke:#000;stroke-width:.15em}\
.known rect{stroke:#3ddc84}.known text{fill:#3ddc84}.unknown rect{stroke:#ffd166}.unknown text{fill:#ffd166}\
.poor_quality rect{stroke:#adb5bd}.poor_quality text{fill:#adb5bd}.spoof rect{stroke:#ff5d5d}.spoof text{fill:#ff5d5d}";
