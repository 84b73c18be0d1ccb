//! A tour of facekit. It enrolls people from photos, recognizes them in the frames of a camera, and writes an attendance
//! sheet.
//!
//! ```text
//! cargo run --release -p quickstart
//! cargo run --release -p quickstart -- --people DIR --frames DIR
//! ```
//!
//! Without arguments it uses the twelve synthetic people of `examples/data`. `--people` is a folder that holds a folder of
//! photos for each person; the name of that folder is the person's id. `--frames` is the folder of a camera's frames.
//!
//! It prints the sheet and writes these files:
//!
//! - `attendance.csv`: the first and last sighting of each person,
//! - `sightings.csv`: each person in each frame,
//! - `faces.csv`: each face with its outcome,
//! - `attendance.html`: all of this on one page, with the annotated frames,
//! - with `--policy FILE`, `days.csv`: the day records; see `attendance-rules`.

mod days;
mod page;
mod report;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use attendance_rules::Punch;
use clap::Parser;
use facekit::{
    AttendanceSheet, EnrollOptions, Gallery, Image, LoadOptions, MemoryStore, PersonId, Recognizer,
    Sighting, Threshold,
    image::{self, DecodeLimits},
    sightings,
};
use facekit_tract::Tract;
use jiff::tz::TimeZone;

use crate::report::{Frame, Report};

/// Makes an attendance sheet from photos of people and the frames of a camera.
#[derive(Debug, Parser)]
struct Args {
    /// A folder that holds a folder of photos for each person, named by the person's id
    #[arg(long, value_name = "DIR", requires = "frames", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/people"))]
    people: PathBuf,
    /// The folder of a camera's frames
    ///
    /// The time of a frame is in its file name (2026-03-02T09-15-00.jpg), or else in its
    /// EXIF data, or else it is the time of the file's last modification.
    #[arg(long, value_name = "DIR", requires = "people", verbatim_doc_comment, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/frames"))]
    frames: PathBuf,
    /// The folder for the results
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Also make day records by this policy, a TOML file
    ///
    /// A file with `preset = "esp32cam-gateway"` is a complete policy.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Models by name; see `facekit models list`
    #[arg(long, default_value = "nano")]
    models: String,
    /// The share of comparisons of different people that may match (FMR)
    ///
    /// By default, 1e-4 of the comparisons and 1 % of the searches by strangers may match.
    #[arg(long, value_name = "RATE", verbatim_doc_comment)]
    fmr: Option<f64>,
    /// Skip the liveness check, and accept faces on prints and screens
    #[arg(long)]
    no_liveness: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let recognizer = open(&args)?;
    let mut report = Report::default();
    let people = enroll(&recognizer, &args.people, &mut report)?;
    let sightings = recognize(&recognizer, &args.frames, &mut report)?;

    // The sheet has the first and last sighting of each person.
    let mut sheet = AttendanceSheet::new();
    for (_, sighting) in &sightings {
        sheet.record(sighting);
    }
    // A policy turns the same sightings into day records.
    if let Some(policy) = &args.policy {
        let punch = |(frame, sighting): &(String, Sighting)| {
            Punch::from_sighting(format!("{frame} {}", sighting.person), sighting)
        };
        let punches = sightings.iter().map(punch).collect();
        report.days = Some(days::evaluate(policy, &people, punches)?);
    }
    report.write(&sheet, &sightings, &args.out)?;
    report.print(&sheet, &args.out)
}

/// Opens a recognizer with an empty gallery.
fn open(args: &Args) -> Result<Recognizer> {
    // The registry knows models by name, and a runtime loads them. The set `nano` is part of the program. Nothing is
    // downloaded here.
    let registry = facekit_nano::registry().read_env()?;
    let models = registry.load(&args.models, &Tract::new(), &LoadOptions::default())?;

    // A gallery is a store that keeps templates and an index that searches them. `FileStore` would keep them in an encrypted
    // file.
    let gallery = Gallery::for_space(MemoryStore::new(), models.embedder.space())?;

    // A recognizer is a detector, a quality gate, a liveness check, an embedder and a gallery in a row.
    let mut builder = Recognizer::builder()
        .models(models)
        .gallery(gallery)
        .threshold(args.fmr.map_or_else(Threshold::default, Threshold::Fmr));
    if args.no_liveness {
        builder = builder.without_liveness();
    }
    Ok(builder.build()?)
}

/// Enrolls a person from each folder in `folder`. A photo that cannot be used is a result, not an error: the other photos are
/// used.
fn enroll(recognizer: &Recognizer, folder: &Path, report: &mut Report) -> Result<Vec<PersonId>> {
    let mut people = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let person = match PersonId::new(name(&path)) {
            Ok(person) => person,
            Err(error) => {
                report.unusable(&path, &error);
                continue;
            }
        };
        let mut photos = Vec::new();
        for path in entries(&path)? {
            if let Some(photo) = read(&path, report) {
                photos.push((path, photo));
            }
        }
        if photos.is_empty() {
            continue;
        }
        let views: Vec<_> = photos.iter().map(|(_, photo)| photo.view()).collect();
        let enrolled = recognizer.enroll(&person, &views, &EnrollOptions::default())?;
        let file = |photo: usize| photos[photo].0.display().to_string();
        for refused in &enrolled.refused {
            report.unusable(&photos[refused.photo].0, &refused.refusal.described(file));
        }
        for poor in &enrolled.mismatches {
            report.note(format!(
                "{} matches the other photos of {person} poorly (similarity {:.2})",
                file(poor.photo),
                poor.score
            ));
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
        bail!("{}: nobody could be enrolled\n{report}", folder.display());
    }
    Ok(people)
}

/// Recognizes the faces of each frame in `folder`. Each face has an outcome. A person is seen at most once in a frame. A
/// sighting comes with the name of its frame.
fn recognize(
    recognizer: &Recognizer,
    folder: &Path,
    report: &mut Report,
) -> Result<Vec<(String, Sighting)>> {
    let zone = TimeZone::system();
    let mut seen = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_file()) {
        let Some(frame) = read(&path, report) else {
            continue;
        };
        let faces = recognizer.recognize(frame.view())?;
        let (at, _) = image::file_time(&path, &zone, &DecodeLimits::default())?;
        let people = sightings(&faces, at).into_iter();
        seen.extend(people.map(|sighting| (name(&path), sighting)));
        report
            .frames
            .push(Frame::new(name(&path), at, &frame, faces)?);
    }
    Ok(seen)
}

/// Reads an image file. An error is only reported.
fn read(path: &Path, report: &mut Report) -> Option<Image> {
    image::open(path, &DecodeLimits::default())
        .map_err(|error| report.unusable(path, &error))
        .ok()
}

/// The entries of a folder that are not hidden, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()
    };
    let mut paths =
        read().with_context(|| format!("{}: reading the folder failed", folder.display()))?;
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
