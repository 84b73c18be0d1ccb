//! `facekit detect`: the faces on photos.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facekit::{
    DetectOptions, Error, Image, Models, Quality, QualityOptions, Recognizer, align, image,
    work::ordered,
};
use serde::Serialize;

use crate::{
    Answer,
    context::{KeyArgs, RecognizeArgs, Session},
    draw,
    files::{Images, check_output, expand, open_image, require_readable, unreadable_text},
    output::{shown, table},
    recognition::{Face, listed, live, place},
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Photos, or folders of photos
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,

    /// Paint boxes, landmarks and names, and save that as a .jpg or .png file
    ///
    /// For several images this is a folder, in which each drawing has its photo's name.
    #[arg(long, value_name = "OUT")]
    draw: Option<PathBuf>,

    /// Say who it is, too
    #[arg(long, value_name = "FILE", help_heading = "Gallery")]
    gallery: Option<PathBuf>,

    #[command(flatten)]
    key: KeyArgs,

    #[command(flatten)]
    recognize: RecognizeArgs,
}

#[derive(Debug, Serialize)]
struct Detected {
    file: String,
    width: usize,
    height: usize,
    drawn: Option<String>,
    faces: Vec<Face>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let files = expand(&args.images)?;
    let models = args.recognize.open_models()?;
    let finder = match &args.gallery {
        Some(gallery) => {
            let store = args.key.open_read_only(session, gallery)?;
            Finder::Recognizer(args.recognize.searcher(session, models, &store)?)
        }
        None => Finder::Models(models, args.recognize.detect.options()),
    };
    let inputs: Vec<(PathBuf, Option<PathBuf>)> = match &args.draw {
        Some(out) => {
            let drawings = drawings(&files, out)?;
            let key = args.key.file();
            let matching = &args.recognize.matching;
            let others = [&args.gallery, &key, &matching.calibration];
            let others: Vec<&Path> = others.into_iter().flatten().map(PathBuf::as_path).collect();
            for drawing in &drawings {
                check_output(drawing, others.iter().copied())?;
            }
            files
                .into_iter()
                .zip(drawings.into_iter().map(Some))
                .collect()
        }
        None => files.into_iter().map(|file| (file, None)).collect(),
    };

    let mut done = Images::default();
    let bar = session.output.bar("detecting");
    let work = |(file, drawing): &(PathBuf, Option<PathBuf>)| -> Result<Result<Detected>> {
        let mut image = match open_image(file) {
            Ok(image) => image,
            Err(error) => return Ok(Err(error)),
        };
        let faces = finder.faces(&image).with_context(|| shown(file))?;
        if let Some(drawing) = drawing {
            draw::faces(&mut image, &faces);
            image::save(&image, drawing)?;
        }
        Ok(Ok(Detected {
            file: shown(file),
            width: image.width(),
            height: image.height(),
            drawn: drawing.as_deref().map(shown),
            faces,
        }))
    };
    let each = |at: usize, result: Result<Result<Detected>>| -> Result<()> {
        done.push(&inputs[at].0, result?);
        bar.set(at as u64 + 1, inputs.len() as u64);
        Ok(())
    };
    let jobs = args.recognize.models.jobs();
    ordered(&inputs, jobs, &session.token, work, each)?;
    drop(bar);
    require_readable(done.images.len(), &done.unreadable)?;

    session.output.answer(&done, || {
        let rows = done.images.iter().flat_map(rows);
        let headings = [
            "image", "face", "score", "quality", "pose", "liveness", "remarks",
        ];
        table(headings, rows) + &unreadable_text(&done.unreadable)
    })?;
    Ok(Answer::Yes)
}

fn rows(image: &Detected) -> Vec<[String; 7]> {
    if image.faces.is_empty() {
        let mut row = [const { String::new() }; 7];
        row[0].clone_from(&image.file);
        "no face".clone_into(&mut row[1]);
        return vec![row];
    }
    // The number stands in the drawing, too.
    let row = |(number, face): (usize, &Face)| {
        let pose = face.quality.pose.map_or_else(
            || "-".to_owned(),
            |pose| {
                // A zero has no sign.
                let degrees = |angle: f32| angle.round() as i32;
                format!(
                    "yaw {}° pitch {}° roll {}°",
                    degrees(pose.yaw),
                    degrees(pose.pitch),
                    degrees(pose.roll)
                )
            },
        );
        let remarks = match &face.outcome {
            Some(_) => face.who(),
            None => listed(&face.issues),
        };
        [
            image.file.clone(),
            format!("{number}: {}", place(&face.detection.rect)),
            format!("{:.2}", face.detection.score),
            format!("{:.2}", face.quality.score),
            pose,
            live(face.liveness),
            remarks,
        ]
    };
    (1..).zip(&image.faces).map(row).collect()
}

enum Finder {
    Recognizer(Recognizer),
    Models(Models, DetectOptions),
}

impl Finder {
    fn faces(&self, image: &Image) -> Result<Vec<Face>> {
        let (models, options) = match self {
            Self::Recognizer(recognizer) => {
                let faces = recognizer.recognize(image.view())?;
                return Ok(faces.into_iter().map(Face::from).collect());
            }
            Self::Models(models, options) => (models, options),
        };
        let detections = models.detector.detect(image.view(), options)?;
        let liveness = match &models.liveness {
            Some(liveness) if !detections.is_empty() => {
                liveness.assess(image.view(), &detections)?
            }
            _ => Vec::new(),
        };
        let size = (image.width(), image.height());
        let mut faces = Vec::with_capacity(detections.len());
        for (at, detection) in detections.into_iter().enumerate() {
            // Landmarks on one spot are a detector's mistake, not a face.
            let side = models.embedder.face_side();
            let Ok(aligned) = align(image.view(), &detection.landmarks, side) else {
                continue;
            };
            let quality = Quality::measure(size, &detection, &aligned);
            faces.push(Face {
                detection,
                quality,
                issues: quality.issues(&QualityOptions::default()),
                liveness: liveness.get(at).copied(),
                outcome: None,
            });
        }
        Ok(faces)
    }
}

/// Where each drawing goes: to `out` itself, or below it under the image's own name.
fn drawings(files: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
    let drawings = if files.len() == 1 && !out.is_dir() {
        vec![out.to_owned()]
    } else {
        fs::create_dir_all(out).map_err(Error::io("creating the folder", out))?;
        let mut taken = HashSet::new();
        let mut name = |file: &PathBuf| {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let numbered = (2..).map(|number| format!("{stem}-{number}.jpg"));
            let mut names = std::iter::once(format!("{stem}.jpg")).chain(numbered);
            let free = names.find(|name| taken.insert(name.to_lowercase()));
            out.join(free.unwrap_or_default())
        };
        files.iter().map(&mut name).collect()
    };
    let same = |a: &Path, b: &Path| match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    };
    for (file, drawing) in files.iter().zip(&drawings) {
        if files.iter().any(|file| same(file, drawing)) {
            bail!("{}: the drawing would replace the photo", file.display());
        }
    }
    Ok(drawings)
}
