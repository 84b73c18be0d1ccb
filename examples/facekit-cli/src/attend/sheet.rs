//! The attendance sheet, and how it is written.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use facekit::{Outcome, PersonId, Recognition, image::TimeSource};
use serde::Serialize;
use sheets::text;

use crate::{
    files::{Unreadable, unreadable_text},
    output::{count, table},
    records::Format,
};

#[derive(Debug, Serialize)]
pub(super) struct Sheet {
    pub(super) zone: String,
    pub(super) device: Option<String>,
    pub(super) people: Vec<Person>,
    #[serde(flatten)]
    pub(super) counts: Counts,
    pub(super) unreadable: Vec<Unreadable>,
}

/// A person and the times of the first and last sighting, with the offset of the zone.
#[derive(Debug, Serialize)]
pub(super) struct Person {
    pub(super) person: PersonId,
    pub(super) name: Option<String>,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) times: u64,
}

/// The frames that were read, and their faces.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) frames: usize,
    times_from: BTreeMap<TimeSource, usize>,
    /// All faces. The next three count the faces among them that have no match, are of poor quality, or are not live.
    faces: usize,
    unknown: usize,
    poor_quality: usize,
    not_live: usize,
}

impl Counts {
    /// Counts a frame and its faces.
    pub(super) fn add(&mut self, source: TimeSource, faces: &[Recognition]) {
        self.frames += 1;
        *self.times_from.entry(source).or_default() += 1;
        self.faces += faces.len();
        for face in faces {
            match &face.outcome {
                Outcome::Known(_) => {}
                Outcome::PoorQuality { .. } => self.poor_quality += 1,
                Outcome::Spoof | Outcome::TightCrop { .. } => self.not_live += 1,
                _ => self.unknown += 1,
            }
        }
    }
}

impl Sheet {
    /// The sheet in a format.
    pub(super) fn written(&self, format: Format) -> Result<String> {
        match format {
            Format::Json => {
                serde_json::to_string_pretty(self).context("the sheet cannot be written as JSON")
            }
            Format::Csv => self.csv(),
            Format::Table => Ok(self.table()),
        }
    }

    fn table(&self) -> String {
        let rows = self.people.iter().map(|row| {
            [
                row.person.to_string(),
                row.name.clone().unwrap_or_default(),
                whole_seconds(&row.first),
                whole_seconds(&row.last),
                row.times.to_string(),
            ]
        });
        table(["person", "name", "first seen", "last seen", "times"], rows)
    }

    fn csv(&self) -> Result<String> {
        let columns = ["person", "name", "device", "first", "last", "times"];
        let mut sheet = sheets::Sheet::new(columns)?;
        for row in &self.people {
            sheet.row([
                text(row.person.as_str()),
                text(row.name.as_deref().unwrap_or_default()),
                text(self.device.as_deref().unwrap_or_default()),
                row.first.as_str().into(),
                row.last.as_str().into(),
                row.times.to_string().into(),
            ])?;
        }
        Ok(sheet.finish()?)
    }

    /// The numbers of people, frames and faces, for people to read.
    pub(super) fn summary(&self, people: usize) -> String {
        let counts = &self.counts;
        let sources = counts.times_from.iter().map(|(source, frames)| {
            let source = match source {
                TimeSource::FileName => "file names",
                TimeSource::Exif => "EXIF",
                TimeSource::ModificationTime => "modification times",
                _ => "other sources",
            };
            format!("{frames} from {source}")
        });
        let sources: Vec<String> = sources.collect();
        format!(
            "{} seen in {}; times, zone {}: {}\n{}: {} unknown, {} of poor quality, {} not live{}",
            count(people, "person", "people"),
            count(counts.frames, "frame", "frames"),
            self.zone,
            sources.join(", "),
            count(counts.faces, "face", "faces"),
            counts.unknown,
            counts.poor_quality,
            counts.not_live,
            unreadable_text(&self.unreadable),
        )
    }
}

/// A time without its fraction of a second, for a table.
fn whole_seconds(time: &str) -> String {
    let (before, after) = time.split_once('.').unwrap_or((time, ""));
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{}{rest}", before.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_whole_seconds() {
        assert_eq!(
            whole_seconds("2026-03-02T09:15:00.25+03:00"),
            "2026-03-02 09:15:00+03:00"
        );
        assert_eq!(
            whole_seconds("2026-03-02T09:15:00-03:00"),
            "2026-03-02 09:15:00-03:00"
        );
    }

    #[test]
    fn names_are_no_formulas_in_csv() {
        let time = "2026-03-02T09:15:00+03:00";
        let sheet = Sheet {
            zone: "Africa/Nairobi".to_owned(),
            device: Some("@door".to_owned()),
            people: vec![Person {
                person: PersonId::new("anna").unwrap(),
                name: Some("=Weiß, Anna".to_owned()),
                first: time.to_owned(),
                last: time.to_owned(),
                times: 1,
            }],
            counts: Counts::default(),
            unreadable: Vec::new(),
        };
        let expected = format!(
            "person,name,device,first,last,times\nanna,\"'=Weiß, Anna\",'@door,{time},{time},1\n"
        );
        assert_eq!(sheet.csv().unwrap(), expected);
    }
}
