//! `facekit eval`: measures models on the user's photos.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use facekit::{
    Embedding, ExamineOptions, Image, ModelSet, Models, PersonPhotos, QualityOptions, Recognizer,
    Subject, Threshold, image::DecodeLimits, work,
};
use serde_json::{Map, Value, json};

use crate::{
    Answer,
    files::{Unreadable, open_image, people_in, require_readable},
    options::{DetectArgs, ModelArgs, open_models},
    session::Session,
};

mod challenge;
mod error_rate;
mod identify;
mod index;
pub(crate) mod lfw;
mod liveness;
mod recognizability;
mod synthetic;
mod video;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verification: accuracy, error rates, and the scores of false-match rates
    ///
    /// The accuracy follows the protocol of the pairs file: the threshold of a fold comes from the
    /// other folds, and a pair with a missing face counts as wrong. The error rates are over all pairs
    /// of all photos. A person has a look-alike at a rate if a photo of somebody else matches. The most
    /// similar photos of different people are listed: look-alikes, and wrong labels of the data set.
    #[command(verbatim_doc_comment)]
    Lfw(lfw::Args),
    /// Identification of enrolled people and strangers: FNIR and FPIR
    ///
    /// FNIR is the share of probes of enrolled people for which the person is not the best candidate
    /// at the threshold or above. FPIR is the share of probes of strangers with a candidate at the
    /// threshold or above.
    ///
    /// The first table is for the recognizer's thresholds. The photos of a person are sorted by name.
    /// The mean of the first photo (with --enroll N, of the first N) is enrolled, and the others are
    /// probes. A person without other photos is a stranger.
    ///
    /// The second table compares the nearest template, the mean template, and mirror images. Random
    /// photos of each person are enrolled: 1, 3 or 5. People with a single photo are strangers. FNIR
    /// is averaged over people and draws. The third table is for mirrored probes that are computed
    /// only in a band around the threshold.
    #[command(verbatim_doc_comment)]
    Identify(identify::Args),
    /// Index: searches per second and recall, on synthetic embeddings or on photos
    ///
    /// Synthetic embeddings are spread as those of faces are: two photos of a person have a cosine of
    /// 0.65 ± 0.10, photos of different people 0.01 ± 0.10. Each person has one entry. The recall is
    /// the share of the nearest entries that a search finds. Searches run on one thread, and each time
    /// is measured on its own, so other work on the machine changes them.
    #[command(verbatim_doc_comment)]
    Index(index::Args),
    /// Liveness check with live faces and attacks: BPCER and APCER
    ///
    /// BPCER is the share of live faces that are rejected. APCER is the share of attacks that are
    /// accepted, for each folder of attacks (a folder is an attack species). The largest face of a
    /// photo counts. Photos without a face are non-responses, and are counted separately.
    #[command(verbatim_doc_comment)]
    Liveness(liveness::Args),
    /// Challenge with simulated heads and attacks: BPCER and APCER
    ///
    /// Presentations are computed from photos: heads that turn, pictures that are flat, curved,
    /// folded or ridged, and recordings. BPCER is the share of heads that do not pass. APCER is the
    /// share of attacks that pass, for each species, the worst first. The depth alone is also
    /// measured as if all moves were answered, because the landmarks of pictures often do not turn.
    /// Intervals are 95 %. The first photo of each person is taken, if the face looks ahead. The
    /// liveness check is left out, unless --passive is given: it was not made for simulated
    /// pictures.
    #[command(verbatim_doc_comment)]
    Challenge(challenge::Args),
    /// Recognizability: error rates of turned, blurred and small faces
    ///
    /// Photos are spoiled in several ways. For each way, the table has the share of faces that are
    /// refused, the comparisons of different people among the others, and how many of these match at
    /// a false-match rate of 1e-4. Intervals are 95 %, by bootstrap over people. Faces are not
    /// searched in turned images, unless --turned is given.
    ///
    /// With --write or --save, the directions and limits of the embedder are measured first, on the
    /// people who are not in the table.
    #[command(verbatim_doc_comment)]
    Recognizability(recognizability::Args),
    /// Tracks: identities, times to the identity and searches in videos that are computed from photos
    ///
    /// People walk past, stand or come nearer before a wall, with heads that turn, in varied light, and
    /// hide each other. The truth is exact. IDF1 is the share of faces that are right if each person
    /// has one track at most; a switch is a person whose track becomes another one. Videos with several
    /// people are played without the liveness check, since people are cut out of photos.
    ///
    /// A visitor walks through alone at 0.3 to 1 m/s; the time to the identity counts from the first frame
    /// in which the face is fit. Somebody who walks past has 1.4 m/s and is in view for 1.2 s.
    #[command(verbatim_doc_comment)]
    Video(video::Args),
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<Answer> {
    match command {
        Command::Lfw(args) => lfw::run(session, args)?,
        Command::Identify(args) => identify::run(session, args)?,
        Command::Index(args) => index::run(session, args)?,
        Command::Liveness(args) => liveness::run(session, args)?,
        Command::Challenge(args) => challenge::run(session, args)?,
        Command::Recognizability(args) => recognizability::run(session, args)?,
        Command::Video(args) => video::run(session, args)?,
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
    /// The embedding of the face together with its mirror image, if it was asked for.
    mirrored: Option<Embedding>,
}

impl Embedded {
    /// The photos of each person in which a face was found.
    pub(crate) fn by_person(&self) -> Vec<PersonPhotos> {
        let mut people = vec![PersonPhotos::default(); self.people.len()];
        for photo in &self.photos {
            let person = &mut people[photo.person];
            person.plain.extend(photo.embedding.clone());
            person.mirrored.extend(photo.mirrored.clone());
        }
        people
    }

    fn missing(&self) -> usize {
        self.photos
            .iter()
            .filter(|photo| photo.embedding.is_none())
            .count()
    }
}

/// Embeds the face nearest to the center of each photo, with `mirrored` also together with its mirror image. `folder` has one
/// folder for each person.
pub(crate) fn embed_people(
    session: &Session,
    recognizer: &Recognizer,
    jobs: NonZeroUsize,
    folder: &Path,
    mirrored: bool,
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
    let bar = session.output.bar("photos");
    let begun = std::time::Instant::now();
    let mut photos = Vec::with_capacity(files.len());
    let embed =
        |(_, path): &(usize, PathBuf)| embed_photo(recognizer, &session.limits, path, mirrored);
    work::ordered(
        &files,
        jobs,
        &session.token,
        embed,
        |index, face| -> Result<()> {
            let (person, path) = files[index].clone();
            let face = face?.unwrap_or_else(|error| {
                unreadable.push(Unreadable::new(&path, &error));
                None
            });
            let (embedding, mirrored) = face.unzip();
            photos.push(Photo {
                person,
                path,
                embedding,
                mirrored: mirrored.flatten(),
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

/// A recognizer for measurements: it takes the face nearest to the center of a photo, and refuses no face.
pub(crate) fn evaluator(
    models: Models,
    detect: &DetectArgs,
    turned_faces: bool,
) -> Result<Recognizer> {
    // LFW is evaluated with a low detection score, since each photo shows a face.
    let mut options = detect.options();
    options.score = options.score.or(Some(0.5));
    Ok(Recognizer::builder()
        .models(models)
        .without_liveness()
        .detect_options(options)
        .turned_faces(turned_faces)
        .quality(QualityOptions::anything())
        .subject(Subject::Central)
        // Scores are reported, so no calibration is needed.
        .threshold(Threshold::Score(1.0))
        .build()?)
}

/// An embedding of a face, and the one together with its mirror image if it was asked for.
type WithMirror = (Embedding, Option<Embedding>);

/// Embeds the face nearest to the center of an image, with `mirrored` also together with its mirror image.
fn embed_with_mirror(
    recognizer: &Recognizer,
    image: &Image,
    mirrored: bool,
) -> facekit::Result<Option<WithMirror>> {
    let options = ExamineOptions::default();
    let Some(mut face) = recognizer.examine(image.view(), &options)?.pop() else {
        return Ok(None);
    };
    let found = recognizer.embed_examined(image.view(), &mut face, &options)?;
    let with_mirror = |embedding: Embedding| {
        let mirrored = mirrored.then(|| recognizer.embed_mirrored(&face.aligned, &embedding));
        Ok((embedding, mirrored.transpose()?))
    };
    found.map(with_mirror).transpose()
}

/// Embeds the face nearest to the center of a photo. The inner error is a photo that cannot be read; the outer error ends the
/// command.
fn embed_photo(
    recognizer: &Recognizer,
    limits: &DecodeLimits,
    path: &Path,
    mirrored: bool,
) -> Result<Result<Option<WithMirror>>> {
    let image = match open_image(path, limits) {
        Ok(image) => image,
        Err(error) => return Ok(Err(error)),
    };
    embed_with_mirror(recognizer, &image, mirrored)
        .map(Ok)
        .with_context(|| path.display().to_string())
}

/// Loads the selected models. Also returns their entries.
fn open_set(args: &ModelArgs) -> Result<(Models, ModelSet)> {
    let (registry, models) = open_models(args)?;
    let set = args.set(&registry)?;
    Ok((models, set))
}

/// The names of the models of a set that faces are found and embedded with, for a JSON document.
fn model_names(set: &ModelSet) -> Value {
    json!({
        "detector": set.detector.name,
        "landmarks": set.landmarks.as_ref().map(|landmarks| &landmarks.model.name),
        "embedder": set.embedder.name,
    })
}

/// The false-match rates of reports, as keys and numbers.
const RATES: [(&str, f64); 4] = [
    ("1e-3", 1e-3),
    ("1e-4", 1e-4),
    ("1e-5", 1e-5),
    ("2e-6", 2e-6),
];

/// A JSON object with a value for each of [`RATES`]; null if there are too few comparisons.
fn by_rate(value: impl Fn(f64) -> Option<f64>) -> Value {
    Value::Object(
        RATES
            .iter()
            .map(|&(key, rate)| (key.to_owned(), value(rate).into()))
            .collect::<Map<_, _>>(),
    )
}
