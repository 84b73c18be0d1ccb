//! The tour of facekit: people are enrolled from photos, camera frames are recognised, and an attendance sheet says who was
//! there.
//!
//! ```text
//! cargo run --release -p quickstart
//! cargo run --release -p quickstart -- --people DIR --frames DIR
//! ```
//!
//! Without arguments it shows the people of `examples/data`, whom nobody knows: they were computed. `--people` holds one folder for each person, named as the person is, with some photos; `--frames` holds the frames of a
//! camera. The sheet goes to the terminal, to `attendance.csv` and `attendance.html`; `sightings.csv` says what became of
//! each face. With `--policy FILE` the sheet has day records, too, and they go to `days.csv`: see `attendance-rules`.

mod days;
mod report;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use attendance_rules::Punch;
use clap::Parser;
use facekit::{
    AttendanceSheet, EnrollOptions, ExactIndex, Gallery, LoadOptions, MemoryStore, Metric,
    PersonId, Recognizer, Threshold,
    image::{self, DecodeLimits},
    sightings,
};
use facekit_tract::Tract;
use jiff::{Timestamp, tz::TimeZone};

use crate::report::{Frame, Report};

/// Photos of people and frames of a camera in, an attendance sheet out.
#[derive(Debug, Parser)]
struct Args {
    /// One folder for each person, named as the person is
    #[arg(long, value_name = "DIR", requires = "frames", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/people"))]
    people: PathBuf,
    /// The camera's frames; their time is in the name (2026-03-02T09-15-00.jpg), in the EXIF data, or the file's own
    #[arg(long, value_name = "DIR", requires = "people", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/frames"))]
    frames: PathBuf,
    /// Where the sheets are written
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Day records by this policy, a TOML file. `preset = "esp32cam-gateway"` is a complete one
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Models by name; see `facekit models list`
    #[arg(long, default_value = "nano")]
    models: String,
    /// The share of comparisons of different people that may pass for the same person
    #[arg(long, value_name = "RATE", default_value_t = 1e-4)]
    fmr: f64,
    /// Take prints and screens for people, too
    #[arg(long)]
    no_liveness: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();

    // A runtime loads the models that the registry knows by name: `nano` is part of the program, and nothing is downloaded
    // here.
    let registry = facekit_nano::registry().read_env()?;
    let models = registry.load(&args.models, &Tract::new(), &LoadOptions::default())?;

    // The gallery: a store that keeps templates, and an index that searches them. `FileStore` would keep them encrypted.
    let index = ExactIndex::new(models.embedder.space().clone(), Metric::Cosine);
    let gallery = Gallery::open(MemoryStore::new(), index)?;

    // The recogniser: detector, quality gate, liveness, embedder and gallery in a row.
    let mut builder = Recognizer::builder()
        .models(models)
        .gallery(gallery)
        .threshold(Threshold::Fmr(args.fmr));
    if args.no_liveness {
        builder = builder.without_liveness();
    }
    let recognizer = builder.build()?;

    // Enrolment: what is wrong with a photo is a result, not an error, and the other photos are used.
    let mut report = Report::default();
    let mut people = Vec::new();
    for folder in entries(&args.people)?
        .into_iter()
        .filter(|path| path.is_dir())
    {
        let person = match PersonId::new(name(&folder)) {
            Ok(person) => person,
            Err(error) => {
                report.unusable(&folder, &error);
                continue;
            }
        };
        let mut photos = Vec::new();
        for path in entries(&folder)? {
            match image::open(&path, &DecodeLimits::default()) {
                Ok(photo) => photos.push((path, photo)),
                Err(error) => report.unusable(&path, &error),
            }
        }
        if photos.is_empty() {
            continue;
        }
        let views: Vec<_> = photos.iter().map(|(_, photo)| photo.view()).collect();
        let enrolled = recognizer.enroll(&person, &views, &EnrollOptions::default())?;
        for refused in &enrolled.refused {
            report.unusable(&photos[refused.photo].0, &refused.refusal);
        }
        for similar in &enrolled.resembles {
            report.note(format!(
                "{person} looks like {} (similarity {:.2})",
                similar.person, similar.score
            ));
        }
        if !enrolled.templates.is_empty() {
            people.push(person);
        }
    }
    report.enrolled = people.len();
    if people.is_empty() {
        bail!(
            "{}: nobody could be enrolled\n{report}",
            args.people.display()
        );
    }

    // Recognition: every face of a frame comes back with what became of it.
    let mut sheet = AttendanceSheet::new();
    let mut punches = Vec::new();
    for path in entries(&args.frames)?
        .into_iter()
        .filter(|path| path.is_file())
    {
        let frame = match image::open(&path, &DecodeLimits::default()) {
            Ok(frame) => frame,
            Err(error) => {
                report.unusable(&path, &error);
                continue;
            }
        };
        let (faces, at) = (recognizer.recognize(frame.view())?, taken(&path)?);
        for sighting in sightings(&faces, at) {
            sheet.record(&sighting);
            let id = format!("{} {}", name(&path), sighting.person);
            punches.push(Punch::from_sighting(id, &sighting));
        }
        report
            .frames
            .push(Frame::new(name(&path), at, &frame, faces)?);
    }

    // Rules: what a policy makes of the same sightings, day by day.
    if let Some(policy) = &args.policy {
        report.days = Some(days::evaluate(policy, &people, punches)?);
    }

    report.write(&sheet, &args.out)?;
    report.print(&sheet, &args.out)
}

/// When a frame was taken: the time in its name or its EXIF data, or else the file's own.
fn taken(path: &Path) -> Result<Timestamp> {
    let bytes = fs::read(path)?;
    match image::capture_time(&name(path), &bytes, &TimeZone::system()) {
        Some(time) => Ok(time),
        None => Ok(fs::metadata(path)?.modified()?.try_into()?),
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()
    };
    let mut paths =
        read().with_context(|| format!("{}: reading the folder failed", folder.display()))?;
    // Hidden entries are the system's, not people.
    paths.retain(|path| !name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
