//! `facekit eval`: how good the models are, measured on the user's own photos.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use facekit::{Detection, Embedding, Image, Models, Subject, align, work};
use serde_json::{Map, Value};

use crate::{
    Answer,
    context::{DetectArgs, ModelArgs, Session, open_models},
    files::{Unreadable, open_image, people_in, require_readable},
};

mod identify;
pub(crate) mod lfw;
mod liveness;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare all photos with each other: accuracy, error rates, and the scores they stand for
    Lfw(lfw::Args),
    /// Search for enrolled people and for strangers: FNIR and FPIR
    Identify(identify::Args),
    /// Show the liveness check living faces and attacks: BPCER and APCER
    Liveness(liveness::Args),
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<Answer> {
    match command {
        Command::Lfw(args) => lfw::run(session, args)?,
        Command::Identify(args) => identify::run(session, args)?,
        Command::Liveness(args) => liveness::run(session, args)?,
    }
    Ok(Answer::Yes)
}

/// Photos of known people, one folder a person, as face vectors.
pub(crate) struct Embedded {
    pub(crate) people: Vec<String>,
    pub(crate) photos: Vec<Photo>,
    /// Photos, which are among those without a face too, and folders.
    unreadable: Vec<Unreadable>,
    /// How long reading, finding and embedding took, for all photos together.
    seconds: f64,
}

pub(crate) struct Photo {
    /// The place of the person in `people`.
    person: usize,
    path: PathBuf,
    /// `None` where no face was found, or the photo cannot be read.
    pub(crate) embedding: Option<Embedding>,
}

impl Embedded {
    fn missing(&self) -> usize {
        self.photos
            .iter()
            .filter(|photo| photo.embedding.is_none())
            .count()
    }
}

/// Embeds the face nearest to the middle of each photo below `folder`, which holds one folder for each person.
pub(crate) fn embed_people(
    session: &Session,
    models: &Models,
    jobs: NonZeroUsize,
    detect: &DetectArgs,
    folder: &Path,
) -> Result<Embedded> {
    let mut people = Vec::new();
    let mut files = Vec::new();
    let (folders, mut unreadable) = people_in(folder)?;
    let skipped = unreadable.len();
    for entry in folders {
        files.extend(entry.photos.into_iter().map(|path| (people.len(), path)));
        people.push(entry.person.to_string());
    }
    if files.is_empty() {
        bail!(
            "{}: no folders with photos, one for each person",
            folder.display()
        );
    }
    // LFW is evaluated at a low score: a photo there shows a face.
    let mut options = detect.options();
    options.score = options.score.or(Some(0.5));
    let bar = session.output.bar("photos");
    let begun = std::time::Instant::now();
    let mut photos = Vec::with_capacity(files.len());
    // A photo that cannot be read is the inner error; the outer one ends everything.
    let embed = |(_, path): &(usize, PathBuf)| -> Result<Result<Option<Embedding>>> {
        let image = match open_image(path) {
            Ok(image) => image,
            Err(error) => return Ok(Err(error)),
        };
        let faces = models
            .detector
            .detect(image.view(), &options)
            .with_context(|| path.display().to_string())?;
        let Some(face) = central(faces, &image) else {
            return Ok(Ok(None));
        };
        let aligned = align(image.view(), &face.landmarks, models.embedder.face_side())
            .with_context(|| path.display().to_string())?;
        let mut embeddings = models
            .embedder
            .embed(&[aligned])
            .with_context(|| path.display().to_string())?;
        Ok(Ok(embeddings.pop()))
    };
    work::ordered(
        &files,
        jobs,
        &session.token,
        embed,
        |at, embedding| -> Result<()> {
            let (person, path) = files[at].clone();
            let embedding = embedding?.unwrap_or_else(|error| {
                unreadable.push(Unreadable::new(&path, &error));
                None
            });
            photos.push(Photo {
                person,
                path,
                embedding,
            });
            bar.set(at as u64 + 1, files.len() as u64);
            Ok(())
        },
    )?;
    require_readable(
        photos.len() - (unreadable.len() - skipped),
        &unreadable[skipped..],
    )?;
    Ok(Embedded {
        people,
        photos,
        unreadable,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

fn central(faces: Vec<Detection>, image: &Image) -> Option<Detection> {
    Subject::Central
        .choose(faces, (image.width(), image.height()))
        .pop()
}

/// The models that a selection stands for, by name.
fn names(args: &ModelArgs) -> Result<(Models, String, String)> {
    let (registry, models) = open_models(args)?;
    let set = registry.resolve(&args.models)?;
    Ok((models, set.detector.name, set.embedder.name))
}

/// The false-match rates that are reported, as keys and numbers.
const RATES: [(&str, f64); 3] = [("1e-3", 1e-3), ("1e-4", 1e-4), ("1e-5", 1e-5)];

/// A JSON object with a value for each of [`RATES`]; null where there are too few comparisons for one.
fn by_rate(value: impl Fn(f64) -> Option<f64>) -> Value {
    Value::Object(
        RATES
            .iter()
            .map(|&(key, rate)| (key.to_owned(), value(rate).into()))
            .collect::<Map<_, _>>(),
    )
}
