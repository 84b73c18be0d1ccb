//! The report as one HTML page.

use std::fmt::{self, Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use facekit::{AttendanceSheet, Recognition};

use crate::{
    days::{Day, HEADINGS},
    report::{Frame, Report, Row, local},
};

impl Report {
    /// The page. It needs no other file: the frames are embedded, and boxes and names are drawn over them.
    pub(crate) fn page(&self, sheet: &AttendanceSheet) -> Result<String, fmt::Error> {
        let mut page = format!(
            "<!doctype html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width\"><title>Attendance</title><style>{STYLE}</style>\
             <h1>Attendance</h1><p>{}</p>",
            html(&self.summary(sheet)),
        );
        people(&mut page, sheet)?;
        if let Some(records) = &self.days {
            days(&mut page, records)?;
        }
        if !self.notes.is_empty() {
            let notes = self.notes.iter().map(|note| format!("<li>{}", html(note)));
            let notes: String = notes.collect();
            write!(page, "<h2>Not used</h2><ul>{notes}</ul>")?;
        }
        page += "<h2>Frames</h2><main>";
        for one in &self.frames {
            frame(&mut page, one)?;
        }
        page += "</main></html>\n";
        Ok(page)
    }
}

/// The table of people.
fn people(page: &mut String, sheet: &AttendanceSheet) -> fmt::Result {
    *page += "<table><tr><th>Person<th>First seen<th>Last seen<th>Times</tr>";
    for (person, seen) in sheet.iter() {
        let (first, last) = (local(seen.first), local(seen.last));
        write!(
            page,
            "<tr><td>{}<td>{first}<td>{last}<td>{}</tr>",
            html(person.as_str()),
            seen.times
        )?;
    }
    *page += "</table>";
    Ok(())
}

/// The table of day records.
fn days(page: &mut String, days: &[Day]) -> fmt::Result {
    let headings = HEADINGS.join("<th>");
    write!(page, "<h2>Days</h2><table><tr><th>{headings}</tr>")?;
    for day in days {
        let cells = day.cells().map(html).join("<td>");
        write!(page, "<tr><td>{cells}</tr>")?;
    }
    *page += "</table>";
    Ok(())
}

/// A frame with its faces.
fn frame(page: &mut String, frame: &Frame) -> fmt::Result {
    let (width, height) = frame.size;
    let photo = BASE64_STANDARD.encode(&frame.photo);
    write!(
        page,
        "<figure><svg viewBox=\"0 0 {width} {height}\"><image width={width} height={height} \
         href=\"data:image/jpeg;base64,{photo}\" />",
    )?;
    for one in &frame.faces {
        face(page, one, frame.size)?;
    }
    write!(
        page,
        "</svg><figcaption>{}, {}</figcaption></figure>",
        html(&frame.name),
        local(frame.at)
    )
}

/// The box and the label of a face. `size` is the width and height of the frame.
fn face(page: &mut String, face: &Recognition, size: (usize, usize)) -> fmt::Result {
    let Row {
        outcome,
        person,
        score,
        detail,
    } = Row::of(face);
    let rect = face.detection.rect;
    let label = if outcome == "known" {
        person
    } else {
        outcome.replace('_', " ")
    };
    let score = score.map_or_else(String::new, |score| format!(" {score:.2}"));
    let (width, line) = (size.0 as f32, size.0.max(size.1) as f64 / 200.0);
    // A label on the right side of the frame ends at its box, so that it stays inside the frame.
    let (x, anchor) = if rect.center().x < 0.6 * width {
        (rect.x, "start")
    } else {
        ((rect.x + rect.width).min(width), "end")
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
        html(&label),
    )
}

/// Escapes text for HTML.
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
