//! `facekit eval`: measures models on the user's photos.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use facekit::{DetectOptions, Embedding, Models, Subject, align, work};
use serde_json::{Map, Value};

use crate::{
    Answer,
    files::{Unreadable, open_image, people_in, require_readable},
    options::{DetectArgs, ModelArgs, open_models},
    session::Session,
};

mod identify;
pub(crate) mod lfw;
mod liveness;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verification: accuracy, error rates, and the scores of false-match rates
    ///
    /// The accuracy follows the protocol of the pairs file: the threshold of a fold comes from the
    /// other folds, and a pair with a missing face counts as wrong. The error rates are over all pairs
    /// of all photos.
    #[command(verbatim_doc_comment)]
    Lfw(lfw::Args),
    /// Identification of enrolled people and strangers: FNIR and FPIR
    ///
    /// The photos of a person are sorted by name. The first photo (with --enroll N, the first N) is
    /// enrolled, and the others are probes. A person without other photos is a stranger. FNIR is the
    /// share of probes of enrolled people for which the person is not the best candidate at the
    /// threshold or above. FPIR is the share of probes of strangers with a candidate at the threshold
    /// or above.
    #[command(verbatim_doc_comment)]
    Identify(identify::Args),
    /// Liveness check with live faces and attacks: BPCER and APCER
    ///
    /// BPCER is the share of live faces that are rejected. APCER is the share of attacks that are
    /// accepted, for each folder of attacks (a folder is an attack species). The largest face of a
    /// photo counts. Photos without a face are non-responses, and are counted separately.
    #[command(verbatim_doc_comment)]
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

/// The embeddings of photos, with the people in them.
pub(crate) struct Embedded {
    pub(crate) people: Vec<String>,
    pub(crate) photos: Vec<Photo>,
    /// Photos and folders that cannot be read. The photos also count as photos without a face.
    unreadable: Vec<Unreadable>,
    /// The duration of reading, detection and embedding, for all photos together.
    seconds: f64,
}

pub(crate) struct Photo {
    /// The position of the person in `people`.
    person: usize,
    path: PathBuf,
    /// `None` if the photo has no face or cannot be read.
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

/// Embeds the face nearest to the center of each photo. `folder` has one folder for each person.
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
            "{}: no photos; it needs a folder of photos for each person",
            folder.display()
        );
    }
    // LFW is evaluated with a low detection score, since each photo shows a face.
    let mut options = detect.options();
    options.score = options.score.or(Some(0.5));
    let bar = session.output.bar("photos");
    let begun = std::time::Instant::now();
    let mut photos = Vec::with_capacity(files.len());
    let embed = |(_, path): &(usize, PathBuf)| embed_photo(models, &options, path);
    work::ordered(
        &files,
        jobs,
        &session.token,
        embed,
        |index, embedding| -> Result<()> {
            let (person, path) = files[index].clone();
            let embedding = embedding?.unwrap_or_else(|error| {
                unreadable.push(Unreadable::new(&path, &error));
                None
            });
            photos.push(Photo {
                person,
                path,
                embedding,
            });
            bar.set(index as u64 + 1, files.len() as u64);
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

/// Embeds the face nearest to the center of a photo. The inner error is a photo that cannot be read; the outer error ends the
/// command.
fn embed_photo(
    models: &Models,
    options: &DetectOptions,
    path: &Path,
) -> Result<Result<Option<Embedding>>> {
    let image = match open_image(path) {
        Ok(image) => image,
        Err(error) => return Ok(Err(error)),
    };
    let embed = || -> Result<Option<Embedding>> {
        let faces = models.detector.detect(image.view(), options)?;
        let size = (image.width(), image.height());
        let Some(face) = Subject::Central.choose(faces, size).pop() else {
            return Ok(None);
        };
        let side = models.embedder.face_side();
        let aligned = align(image.view(), &face.landmarks, side)?;
        Ok(models.embedder.embed(&[aligned])?.pop())
    };
    embed().map(Ok).with_context(|| path.display().to_string())
}

/// Loads the selected models. Also returns the names of detector and embedder.
fn open_named(args: &ModelArgs) -> Result<(Models, String, String)> {
    let (registry, models) = open_models(args)?;
    let set = registry.resolve(&args.models)?;
    Ok((models, set.detector.name, set.embedder.name))
}

/// The false-match rates of reports, as keys and numbers.
const RATES: [(&str, f64); 3] = [("1e-3", 1e-3), ("1e-4", 1e-4), ("1e-5", 1e-5)];

/// A JSON object with a value for each of [`RATES`]; null if there are too few comparisons.
fn by_rate(value: impl Fn(f64) -> Option<f64>) -> Value {
    Value::Object(
        RATES
            .iter()
            .map(|&(key, rate)| (key.to_owned(), value(rate).into()))
            .collect::<Map<_, _>>(),
    )
}
