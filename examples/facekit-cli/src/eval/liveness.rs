//! Presentation attack detection, with the figures of ISO/IEC 30107-3.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facekit::{Error, Models, Subject, find_faces, work};
use serde::Serialize;
use serde_json::json;

use super::{error_rate::ErrorRate, open_set};
use crate::{
    files::{Unreadable, images_in, open_image, require_readable, unreadable_text},
    options::{DetectArgs, ModelArgs, share},
    output::{count, shown, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folders of photos of live people
    #[arg(long, value_name = "DIR", required = true)]
    live: Vec<PathBuf>,

    /// Folders of photos of attacks, or of folders of such photos, one for each species
    #[arg(long, value_name = "DIR", required = true)]
    attack: Vec<PathBuf>,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,

    /// The lowest liveness score of a live face, 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.5, value_parser = share)]
    liveness_threshold: f32,
}

/// The result of a folder.
#[derive(Serialize)]
struct Measured {
    folder: PathBuf,
    live: bool,
    faces: u64,
    no_face: u64,
    errors: u64,
    error_rate: ErrorRate,
    scores: Vec<Scored>,
}

/// The liveness of the largest face in a photo; `None` without a face.
#[derive(Serialize)]
struct Scored {
    photo: PathBuf,
    liveness: Option<f32>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let (models, set) = open_set(&args.models)?;
    let (mut measured, mut unreadable) = (Vec::new(), Vec::new());
    for (folders, live) in [(&args.live, true), (&args.attack, false)] {
        for folder in folders {
            for folder in species(folder)? {
                measured.push(measure(
                    session,
                    args,
                    &models,
                    folder,
                    live,
                    &mut unreadable,
                )?);
            }
        }
    }
    let faces: u64 = measured.iter().map(|one| one.faces).sum();
    let without: u64 = measured.iter().map(|one| one.no_face).sum();
    require_readable((faces + without) as usize, &unreadable)?;
    if faces == 0 {
        bail!(
            "nothing can be measured: no face in {}",
            count(without as usize, "photo", "photos")
        );
    }
    let (live, attacks): (Vec<_>, Vec<_>) = measured.iter().partition(|one| one.live);
    let report = json!({
        "detector": set.detector.name,
        "runtime": args.models.runtime_name(),
        "threshold": args.liveness_threshold,
        "live": live,
        "attacks": attacks,
        "unreadable": unreadable,
    });
    session.output.answer(&report, || {
        let headings = [
            "folder",
            "rate",
            "share and 95 % interval",
            "faces",
            "no face",
        ];
        table(headings, measured.iter().map(row)) + &unreadable_text(&unreadable)
    })
}

fn row(measured: &Measured) -> [String; 5] {
    let rate = if measured.live { "BPCER" } else { "APCER" };
    [
        shown(&measured.folder),
        rate.to_owned(),
        measured.error_rate.to_string(),
        measured.faces.to_string(),
        measured.no_face.to_string(),
    ]
}

/// The folders with photos: `folder` itself, or else those directly in it.
fn species(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut below = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("reading", folder))? {
        let path = entry.map_err(Error::io("reading", folder))?.path();
        if path.is_dir() && images_in(&path).is_ok() {
            below.push(path);
        }
    }
    below.sort();
    if below.is_empty() || images_in(folder).is_ok() {
        below.insert(0, folder.to_owned());
    }
    Ok(below)
}

fn measure(
    session: &Session,
    args: &Args,
    models: &Models,
    folder: PathBuf,
    live: bool,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Measured> {
    let liveness = models
        .liveness
        .as_ref()
        .context("the selected models have no liveness check")?;
    let photos = images_in(&folder)?;
    let options = args.detect.options();
    let bar = session.output.bar(folder.display().to_string());
    // The inner error is a photo that cannot be read; the outer error ends the command.
    let score = |path: &PathBuf| -> Result<Result<Option<f32>>> {
        let image = match open_image(path, &session.limits) {
            Ok(image) => image,
            Err(error) => return Ok(Err(error)),
        };
        let faces = find_faces(&*models.detector, image.view(), &options)?.faces;
        let largest = Subject::Largest.choose(faces, (image.width(), image.height()));
        let scores = liveness.assess(image.view(), &largest)?;
        Ok(Ok(scores.first().map(|score| score.value())))
    };
    let mut scores = Vec::new();
    let each = |index: usize, score: Result<Result<Option<f32>>>| -> Result<()> {
        bar.set(index as u64 + 1, photos.len() as u64);
        let photo = photos[index].clone();
        match score? {
            Ok(liveness) => scores.push(Scored { photo, liveness }),
            Err(error) => unreadable.push(Unreadable::new(&photo, &error)),
        }
        Ok(())
    };
    work::ordered(&photos, args.models.jobs(), &session.token, score, each)?;

    let found = || scores.iter().filter_map(|scored| scored.liveness);
    let wrong = found().filter(|&score| (score >= args.liveness_threshold) != live);
    let (errors, faces) = (wrong.count() as u64, found().count() as u64);
    Ok(Measured {
        folder,
        live,
        faces,
        no_face: scores.len() as u64 - faces,
        errors,
        error_rate: ErrorRate::of(errors, faces),
        scores,
    })
}
