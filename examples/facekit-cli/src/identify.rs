//! `facekit identify`: finds the people of a gallery in photos.

use std::path::PathBuf;

use anyhow::{Context, Result};
use facekit::{Calibration, FaceReport, RecognizeOptions, Subject, work::ordered};
use serde::Serialize;

use crate::{
    Answer,
    files::{Images, expand, open_image, require_readable, unreadable_text},
    notes,
    options::{GalleryArgs, RecognizeArgs, roster},
    output::{shown, table},
    recognition::{basis_note, live, place, rate, who},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Photos, or folders of photos
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,

    /// Search these people only: a file with an id on each line, or ids separated by commas
    #[arg(long, value_name = "FILE|ID,ID")]
    roster: Option<String>,

    /// Identify the largest face of each photo only
    #[arg(long)]
    largest: bool,

    #[command(flatten)]
    gallery: GalleryArgs,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

#[derive(Debug, Serialize)]
struct Identified {
    file: String,
    /// The reduction of the finest search over the whole image.
    reduction: f32,
    notes: Vec<String>,
    faces: Vec<FaceReport>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let files = expand(&args.images)?;
    let mut options = RecognizeOptions::default();
    options.subject = args.largest.then_some(Subject::Largest);
    let people = args.roster.as_deref().map(roster).transpose()?;
    let models = args.recognize.open_models()?;
    let store = args.gallery.open_read_only(session)?;
    let recognizer = args.recognize.searcher(session, models, &store)?;
    if let (Some(people), Some(gallery)) = (people, recognizer.gallery()) {
        let named = args.roster.as_deref().unwrap_or_default();
        let roster = gallery
            .roster(&people)
            .with_context(|| format!("roster {named:?}: cannot be used"))?;
        options.roster = Some(roster);
    }

    let mut done = Images::default();
    let bar = session.output.bar("identifying");
    let work = |file: &PathBuf| -> Result<Result<Identified>> {
        let image = match open_image(file, &session.limits) {
            Ok(image) => image,
            Err(error) => return Ok(Err(error)),
        };
        let found = recognizer
            .find_faces(image.view())
            .with_context(|| shown(file))?;
        let notes = notes::of_search(&image, &found);
        let faces = recognizer
            .recognize_with(image.view(), &options.clone().with_faces(found.faces))
            .with_context(|| shown(file))?;
        Ok(Ok(Identified {
            file: shown(file),
            reduction: found.reduction,
            notes,
            faces: faces.iter().map(FaceReport::from).collect(),
        }))
    };
    let each = |index: usize, result: Result<Result<Identified>>| -> Result<()> {
        done.push(&files[index], result?);
        bar.set(index as u64 + 1, files.len() as u64);
        Ok(())
    };
    let jobs = args.recognize.models.jobs();
    ordered(&files, jobs, &session.token, work, each)?;
    drop(bar);
    require_readable(done.images.len(), &done.unreadable)?;

    let mut faces = done.images.iter().flat_map(|image| &image.faces);
    let known = faces.any(|face| face.known().is_some());
    session.output.answer(&done, || {
        let headings = ["image", "face", "who", "similarity", "FMR", "liveness"];
        let rows = done
            .images
            .iter()
            .flat_map(|image| rows(image, recognizer.calibration()));
        let notes = done
            .images
            .iter()
            .map(|image| (&*image.file, &*image.notes));
        let faces = done.images.iter().flat_map(|image| &image.faces);
        table(headings, rows)
            + &basis_note(faces.filter_map(FaceReport::known))
            + &notes::text(notes)
            + &unreadable_text(&done.unreadable)
    })?;
    Ok(Answer::from(known))
}

fn rows(image: &Identified, calibration: Option<&Calibration>) -> Vec<[String; 6]> {
    if image.faces.is_empty() {
        let mut row = [const { String::new() }; 6];
        row[0].clone_from(&image.file);
        "no face".clone_into(&mut row[2]);
        return vec![row];
    }
    let row = |face: &FaceReport| {
        let identity = face.known();
        [
            image.file.clone(),
            place(&face.detection.rect),
            face.outcome.as_ref().map(who).unwrap_or_default(),
            identity.map_or_else(|| "-".to_owned(), |who| format!("{:.3}", who.score)),
            rate(
                identity.and_then(|who| who.fmr),
                identity.is_some_and(|who| who.extrapolated),
                calibration,
            ),
            live(face.liveness),
        ]
    };
    image.faces.iter().map(row).collect()
}
