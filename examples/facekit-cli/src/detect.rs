//! `facekit detect`: finds the faces in photos.

use std::{
    collections::HashSet,
    fs, iter,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facekit::{
    Error, ExamineOptions, ExaminedFace, FaceReport, FoundFaces, Image, Models, QualityIssue,
    QualityOptions, RecognizeOptions, Recognizer, Threshold, image, work::ordered,
};
use serde::Serialize;

use crate::{
    Answer, draw,
    files::{
        Images, check_output, expand, open_image, require_readable, same_file, unreadable_text,
    },
    notes,
    options::{KeyArgs, RecognizeArgs},
    output::{shown, table},
    recognition::{live, place, who},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Photos, or folders of photos
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,

    /// Draw boxes, landmarks and names on a copy, and save it as a .jpg or .png file
    ///
    /// With several images, this is a folder. A drawing has the name of its photo.
    #[arg(long, value_name = "OUT", verbatim_doc_comment)]
    draw: Option<PathBuf>,

    /// Also identify the faces, with this gallery
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
    /// The reduction of the finest search over the whole image.
    reduction: f32,
    notes: Vec<String>,
    drawn: Option<String>,
    faces: Vec<FaceReport>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<Answer> {
    let files = expand(&args.images)?;
    let models = args.recognize.open_models()?;
    let finder = match &args.gallery {
        Some(gallery) => {
            let store = args.key.open_read_only(session, gallery)?;
            Finder::Recognizer(args.recognize.searcher(session, models, &store)?)
        }
        None => Finder::without_gallery(models, args)?,
    };
    let drawings = match &args.draw {
        Some(out) => checked_drawings(&files, out, args)?
            .into_iter()
            .map(Some)
            .collect(),
        None => vec![None; files.len()],
    };
    let inputs: Vec<(PathBuf, Option<PathBuf>)> = files.into_iter().zip(drawings).collect();

    let mut done = Images::default();
    let bar = session.output.bar("detecting");
    let work = |(file, drawing): &(PathBuf, Option<PathBuf>)| -> Result<Result<Detected>> {
        let mut image = match open_image(file, &session.limits) {
            Ok(image) => image,
            Err(error) => return Ok(Err(error)),
        };
        let found = finder.find(&image).with_context(|| shown(file))?;
        let (reduction, notes) = (found.reduction, notes::of_search(&image, &found));
        let faces = finder.faces(&image, found).with_context(|| shown(file))?;
        if let Some(drawing) = drawing {
            draw::faces(&mut image, &faces);
            image::save(&image, drawing)?;
        }
        Ok(Ok(Detected {
            file: shown(file),
            width: image.width(),
            height: image.height(),
            reduction,
            notes,
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
        let notes = done
            .images
            .iter()
            .map(|image| (&*image.file, &*image.notes));
        table(headings, rows) + &notes::text(notes) + &unreadable_text(&done.unreadable)
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
    // The drawing shows the same numbers.
    let row = |(number, face): (usize, &FaceReport)| {
        let pose = face.quality.pose.map_or_else(
            || "-".to_owned(),
            |pose| {
                // As integers, so that there is no -0.
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
            Some(outcome) => who(outcome),
            None => QualityIssue::list(&face.issues),
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

/// Finds the faces of an image.
enum Finder {
    /// Identifies them.
    Recognizer(Recognizer),
    /// Examines them, and lists the limits that they do not meet.
    Examiner(Recognizer, QualityOptions),
}

impl Finder {
    fn without_gallery(models: Models, args: &Args) -> Result<Self> {
        let recognizer = Recognizer::builder()
            .models(models)
            .detect_options(args.recognize.detect.options())
            .turned_faces(!args.recognize.detect.upright)
            // The gate refuses no face, so the liveness of each face is checked.
            .quality(QualityOptions::anything())
            // Nothing is compared, so no calibration is needed.
            .threshold(Threshold::Score(1.0))
            .build()?;
        let limits = args.recognize.quality.limits(QualityOptions::recognition());
        Ok(Self::Examiner(recognizer, limits))
    }

    fn find(&self, image: &Image) -> facekit::Result<FoundFaces> {
        let (Self::Recognizer(recognizer) | Self::Examiner(recognizer, _)) = self;
        recognizer.find_faces(image.view())
    }

    fn faces(&self, image: &Image, found: FoundFaces) -> Result<Vec<FaceReport>> {
        match self {
            Self::Recognizer(recognizer) => {
                let options = RecognizeOptions::default().with_faces(found.faces);
                let faces = recognizer.recognize_with(image.view(), &options)?;
                Ok(faces.iter().map(FaceReport::from).collect())
            }
            Self::Examiner(recognizer, limits) => {
                let options = ExamineOptions::default().with_faces(found.faces);
                let faces = recognizer.examine(image.view(), &options)?;
                let report = |face: &ExaminedFace| {
                    let mut report = FaceReport::new(face.detection, face.quality, limits);
                    report.liveness = face.liveness;
                    report
                };
                Ok(faces.iter().map(report).collect())
            }
        }
    }
}

/// The files of the drawings, none of which is a file that the command reads.
fn checked_drawings(files: &[PathBuf], out: &Path, args: &Args) -> Result<Vec<PathBuf>> {
    let drawings = drawings(files, out)?;
    let key = args.key.file();
    let read = [&args.gallery, &key, &args.recognize.matching.calibration];
    let read: Vec<&Path> = read.into_iter().flatten().map(PathBuf::as_path).collect();
    for (file, drawing) in files.iter().zip(&drawings) {
        if files.iter().any(|file| same_file(file, drawing)) {
            bail!("{}: the drawing would replace the photo", file.display());
        }
        check_output(drawing, read.iter().copied())?;
    }
    Ok(drawings)
}

/// The file of each drawing: `out` itself, or a file in the folder `out` with the name of the image.
fn drawings(files: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
    if files.len() == 1 && !out.is_dir() {
        return Ok(vec![out.to_owned()]);
    }
    fs::create_dir_all(out).map_err(Error::io("creating the folder", out))?;
    let mut taken = HashSet::new();
    let name = |file: &PathBuf| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let numbered = (2..).map(|number| format!("{stem}-{number}.jpg"));
        let mut names = iter::once(format!("{stem}.jpg")).chain(numbered);
        let free = names.find(|name| taken.insert(name.to_lowercase()));
        out.join(free.unwrap_or_default())
    };
    Ok(files.iter().map(name).collect())
}
