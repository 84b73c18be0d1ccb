//! Recognizability: the directions and limits of an embedder, and error rates of photos that are spoiled on purpose.

mod figures;
mod spoil;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facekit::{
    Correction, CorrectionSamples, ExamineOptions, Image, LoadOptions, ModelSet, QualityOptions,
    Recognizability, RecognizabilitySamples, Recognizer, Registry, SampleFace, Texture,
    image::{DecodeLimits, resize},
    work,
};
use serde_json::json;

use self::{
    figures::{Column, Face, Interval, Person},
    spoil::Spoil,
};
use super::{evaluator, lfw::open_pairs, model_names};
use crate::{
    files::{PersonFolder, Unreadable, check_output, open_image, people_in, unreadable_text},
    options::{DetectArgs, ModelArgs, registry},
    output::{count, plain, shown, table},
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A folder that holds a folder of photos for each person
    #[arg(long, value_name = "DIR")]
    photos: PathBuf,

    /// Put the people of these folds of --pairs in the table
    ///
    /// By default, all people are in the table. If directions and limits are measured, every
    /// second person is in the table, and the others are for the measurement.
    #[arg(
        long,
        value_name = "N,N",
        value_delimiter = ',',
        requires = "pairs",
        verbatim_doc_comment
    )]
    folds: Vec<usize>,

    /// The pairs of the folds, in the format of LFW's pairs.txt
    #[arg(long, value_name = "FILE", requires = "folds")]
    pairs: Option<PathBuf>,

    /// Take at most N people for the table, and N for the measurement [default: all]
    #[arg(long, value_name = "N")]
    people: Option<usize>,

    /// Also search faces in turned images
    #[arg(long, conflicts_with = "upright")]
    turned: bool,

    /// Measure directions and limits, and write them to models.toml in the models folder
    #[arg(long)]
    write: bool,

    /// Measure directions and limits, and write them to this file
    #[arg(long, value_name = "OUT")]
    save: Option<PathBuf>,

    /// Also measure the correction of embeddings: their center, and the directions of blur
    ///
    /// This makes another embedding space, which needs a new calibration by `facekit eval lfw`.
    /// By default, the correction of the model is kept.
    #[arg(long, verbatim_doc_comment)]
    correct: bool,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,
}

impl Args {
    /// True if directions and limits are measured.
    fn learns(&self) -> bool {
        self.write || self.save.is_some()
    }
}

/// The photos of the table.
const COLUMNS: [Spoil; 11] = [
    Spoil::Upright,
    Spoil::Turned(2),
    Spoil::Turned(1),
    Spoil::Turned(3),
    Spoil::Motion(5.0),
    Spoil::Motion(9.0),
    Spoil::Motion(15.0),
    Spoil::Gaussian(1.0),
    Spoil::Gaussian(4.0),
    Spoil::Shrunk(3.0),
    Spoil::Shrunk(8.0),
];

/// Photos of faces that cannot be recognized, by kind.
const KINDS: [(&str, &[Spoil]); 2] = [
    (
        "turned",
        &[Spoil::Turned(1), Spoil::Turned(2), Spoil::Turned(3)],
    ),
    (
        "blurred",
        &[
            Spoil::Motion(12.0),
            Spoil::Motion(15.0),
            Spoil::Gaussian(4.0),
            Spoil::Shrunk(8.0),
        ],
    ),
];
/// Spoiled photos that can be recognized.
const MILD: [Spoil; 4] = [
    Spoil::Motion(5.0),
    Spoil::Motion(9.0),
    Spoil::Gaussian(1.0),
    Spoil::Shrunk(3.0),
];
/// Photos that tell where reduction and motion move an embedding.
const SHRUNK: Spoil = Spoil::Shrunk(3.0);
const MOVED: [Spoil; 3] = [Spoil::Motion(9.0), Spoil::Motion(12.0), Spoil::Motion(15.0)];

/// The false-match rate of the table.
const RATE: f64 = 1e-4;

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let (measured, others) = divided(args)?;
    if let Some(out) = &args.save {
        let photos = measured
            .iter()
            .chain(&others)
            .flat_map(|person| &person.photos);
        check_output(out, photos.map(PathBuf::as_path))?;
    }
    let mut unreadable = Vec::new();
    let runtime = args.models.open_runtime()?;
    let mut registry = registry()?;
    let mut set = args.models.set(&registry)?;
    let load = |registry: &Registry, set: &ModelSet, turned: bool| -> Result<Recognizer> {
        let options = LoadOptions::default().with_threads(1);
        let models = registry.load_set(set, &*runtime, &options)?;
        evaluator(models, &args.detect, turned)
    };
    if args.learns() {
        let before = set.recognizability().cloned();
        let calibration = set.calibration().cloned();
        // The measurement takes embeddings that are not corrected.
        set.set_recognizability(None);
        set.set_calibration(None);
        let recognizer = load(&registry, &set, false)?;
        let correction = before.map(|before| before.correction().clone());
        let found = learned(
            session,
            args,
            &recognizer,
            &others,
            &set,
            correction.unwrap_or_default(),
            &mut unreadable,
        )?;
        if let Some(out) = &args.save {
            found.save(out)?;
        }
        set.set_recognizability(Some(found));
        // The calibration counts if the embedding space is still the same.
        let space = set.space();
        set.set_calibration(calibration.filter(|calibration| {
            space.is_some_and(|space| calibration.check_space(&space).is_ok())
        }));
        if args.write {
            registry.keep_figures(&set.embedder)?;
        }
    }
    if set.recognizability().is_none() {
        let model = &set.embedder.name;
        bail!(
            "model {model}: its recognizability is not known with these models; --write measures it, --save OUT too"
        );
    }
    let recognizer = load(&registry, &set, args.turned)?;
    let Some(calibration) = set.calibration() else {
        let model = &set.embedder.name;
        session.output.note(&format!(
            "model {model}: not calibrated in this embedding space, so there is no table; `facekit eval lfw --calibrate` \
             measures a calibration"
        ));
        return session
            .output
            .answer(&json!({ "columns": [] }), String::new);
    };
    let threshold = calibration.score_at(RATE)?;
    let columns = measure(
        session,
        args,
        &recognizer,
        &measured,
        threshold,
        &mut unreadable,
    )?;

    let written = args.write.then(|| shown(registry.folder()));
    let report = json!({
        "models": model_names(&set),
        "runtime": args.models.runtime_name(),
        "people": measured.len(),
        "threshold": threshold,
        "fmr": RATE,
        "turned": args.turned,
        "columns": columns,
        "written": written,
        "saved": args.save.as_deref().map(shown),
        "unreadable": unreadable,
    });
    session.output.answer(&report, || {
        let mut text = format!(
            "{}, a photo of each; two faces match from a similarity of {threshold:.3}\n\n{}",
            count(measured.len(), "person", "people"),
            table(HEADINGS, columns.iter().map(row)),
        );
        if let Some(folder) = &written {
            text += &format!("\nmodels.toml written in {}\n", plain(folder));
        }
        if let Some(out) = &args.save {
            text += &format!("\nrecognizability written to {}\n", plain(&shown(out)));
        }
        text + &unreadable_text(&unreadable)
    })
}

/// The people of the table, and all others.
fn divided(args: &Args) -> Result<(Vec<PersonFolder>, Vec<PersonFolder>)> {
    let (mut people, _) = people_in(&args.photos)?;
    people.retain(|person| !person.photos.is_empty());
    let (mut measured, mut others): (Vec<_>, Vec<_>) = match &args.pairs {
        Some(pairs) => {
            let folds = open_pairs(pairs)?;
            let mut names = BTreeSet::new();
            for &number in &args.folds {
                let at = number.checked_sub(1).and_then(|at| folds.get(at));
                let fold = at.with_context(|| {
                    format!(
                        "{}: no fold {number}, it has {}",
                        pairs.display(),
                        folds.len()
                    )
                })?;
                names.extend(fold.iter().flatten().map(|(name, _)| name.as_str()));
            }
            let is_measured = |person: &PersonFolder| names.contains(person.person.as_str());
            people.into_iter().partition(is_measured)
        }
        None if !args.learns() => (people, Vec::new()),
        None => {
            let mut at = 0_usize;
            people.into_iter().partition(|_| {
                at += 1;
                at.is_multiple_of(2)
            })
        }
    };
    if let Some(most) = args.people {
        measured.truncate(most);
        others.truncate(most);
    }
    if measured.is_empty() {
        bail!("{}: no people to measure", args.photos.display());
    }
    Ok((measured, others))
}

/// Reads a photo, reduced to what is left of it after alignment anyway.
fn open_small(path: &Path, limits: &DecodeLimits) -> Result<Image> {
    const LONGEST: usize = 500;
    let image = open_image(path, limits)?;
    let longest = image.width().max(image.height());
    if longest <= LONGEST {
        return Ok(image);
    }
    let side = |pixels: usize| (pixels * LONGEST).div_ceil(longest);
    Ok(resize(
        image.view(),
        side(image.width()),
        side(image.height()),
    )?)
}

/// The results of `work` for all people whose photos can be read, in order.
fn each<T: Send>(
    session: &Session,
    args: &Args,
    people: &[PersonFolder],
    message: &'static str,
    unreadable: &mut Vec<Unreadable>,
    work: impl Fn(usize, &PersonFolder) -> Result<Result<T, Unreadable>> + Sync,
) -> Result<Vec<T>> {
    let bar = session.output.bar(message);
    let mut results = Vec::with_capacity(people.len());
    let numbered: Vec<(usize, &PersonFolder)> = people.iter().enumerate().collect();
    work::ordered(
        &numbered,
        args.models.jobs(),
        &session.token,
        |&(at, person)| work(at, person),
        |at, result| -> Result<()> {
            match result? {
                Ok(result) => results.push(result),
                Err(photo) => unreadable.push(photo),
            }
            bar.set(at as u64 + 1, people.len() as u64);
            Ok(())
        },
    )?;
    Ok(results)
}

/// Measures directions and limits on people. `correction` is that of the embeddings by now.
fn learned(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    people: &[PersonFolder],
    set: &ModelSet,
    mut correction: Correction,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Recognizability> {
    let embed = |at: usize, person: &PersonFolder| {
        let spoiled =
            |image: &Image, spoil: Spoil| sample(recognizer, &spoil.apply(image, at as u64)?);
        let mut samples = RecognizabilitySamples::default();
        let mut moves = CorrectionSamples::default();
        for (number, path) in person.photos.iter().enumerate() {
            let image = match open_small(path, &session.limits) {
                Ok(image) => image,
                Err(error) => return Ok(Err(Unreadable::new(path, &error))),
            };
            let upright = sample(recognizer, &image)?;
            samples.upright.extend(upright.clone());
            // All photos tell how many upright faces are refused. The first one is enough for the directions.
            if number > 0 {
                continue;
            }
            let upright = upright.map(|face| face.embedding);
            moves.upright.extend(upright.clone());
            let mut note = |spoil: Spoil, face: &Option<SampleFace>| {
                let pair = upright.clone().zip(face.clone().map(|face| face.embedding));
                if spoil == SHRUNK {
                    moves.shrunk.extend(pair);
                } else if MOVED.contains(&spoil) {
                    moves.moved.extend(pair);
                }
            };
            for (name, spoils) in KINDS {
                let mut faces = Vec::new();
                for &spoil in spoils {
                    let face = spoiled(&image, spoil)?;
                    note(spoil, &face);
                    faces.extend(face);
                }
                samples.kinds.push((name.to_owned(), faces));
            }
            for spoil in MILD {
                let face = spoiled(&image, spoil)?;
                note(spoil, &face);
                samples.mild.extend(face);
            }
        }
        Ok(Ok((samples, moves)))
    };
    let found = each(session, args, people, "measuring", unreadable, embed)?;
    let kinds = KINDS.map(|(name, _)| (name.to_owned(), Vec::new()));
    let mut samples = RecognizabilitySamples {
        kinds: kinds.to_vec(),
        ..RecognizabilitySamples::default()
    };
    let mut moves = CorrectionSamples::default();
    for (one, moved) in found {
        samples.upright.extend(one.upright);
        samples.mild.extend(one.mild);
        for ((_, faces), (_, more)) in samples.kinds.iter_mut().zip(one.kinds) {
            faces.extend(more);
        }
        moves.upright.extend(moved.upright);
        moves.shrunk.extend(moved.shrunk);
        moves.moved.extend(moved.moved);
    }
    let few = || format!("{}: too few photos", args.photos.display());
    if args.correct {
        correction = Correction::measure(&moves).with_context(few)?;
    }
    let names = |spoils: &[Spoil]| {
        let names: Vec<String> = spoils.iter().map(|spoil| spoil.name()).collect();
        names.join(", ")
    };
    let kinds = KINDS.map(|(name, spoils)| format!("{name} is {}", names(spoils)));
    let folds: Vec<String> = args.folds.iter().map(ToString::to_string).collect();
    let except = match &folds[..] {
        [] => String::new(),
        folds => format!(" who are not in folds {}", folds.join(" and ")),
    };
    let corrected = match args.correct {
        true => "; correction measured on the same photos",
        false => "",
    };
    let data = format!(
        "{} upright photos of {} people{except} in the folder {}, and one photo of each of them spoiled: {}; slightly spoiled is {} \
         (lengths in pixels of a photo of 250){corrected}; detector {}{}; runtime {}",
        samples.upright.len(),
        people.len(),
        args.photos.file_name().unwrap_or_default().display(),
        kinds.join("; "),
        names(&MILD),
        set.detector.name,
        super::lfw::second_look_words(set),
        args.models.runtime_name(),
    );
    let space = recognizer.embedder().space();
    Recognizability::measure(space, &samples, correction, data).with_context(few)
}

/// The face nearest to the center of an image: its embedding, and the texture of the aligned face.
fn sample(recognizer: &Recognizer, image: &Image) -> Result<Option<SampleFace>> {
    let options = ExamineOptions::default();
    let Some(mut face) = recognizer.examine(image.view(), &options)?.pop() else {
        return Ok(None);
    };
    let embedding = recognizer.embed_examined(image.view(), &mut face, &options)?;
    Ok(embedding.map(|embedding| SampleFace {
        embedding,
        texture: Texture::of(&face.aligned),
    }))
}

/// Measures all columns of the table.
fn measure(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    people: &[PersonFolder],
    threshold: f32,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Vec<Column>> {
    let faces = |at: usize, person: &PersonFolder| {
        let open = |path: &PathBuf| {
            open_small(path, &session.limits).map_err(|error| Unreadable::new(path, &error))
        };
        let image = match open(&person.photos[0]) {
            Ok(image) => image,
            Err(photo) => return Ok(Err(photo)),
        };
        let mut faces = Vec::with_capacity(COLUMNS.len());
        for spoil in COLUMNS {
            faces.push(face(recognizer, &spoil.apply(&image, at as u64)?)?);
        }
        let reference = match person.photos.get(1).map(open) {
            Some(Ok(image)) => face(recognizer, &image)?,
            Some(Err(photo)) => return Ok(Err(photo)),
            None => None,
        };
        Ok(Ok((faces, reference)))
    };
    let found = each(session, args, people, "people", unreadable, faces)?;
    let mut columns = Vec::with_capacity(COLUMNS.len());
    for (at, spoil) in COLUMNS.into_iter().enumerate() {
        let people: Vec<Person<'_>> = found
            .iter()
            .map(|(faces, reference)| Person {
                face: faces[at].as_ref(),
                reference: reference.as_ref(),
            })
            .collect();
        columns.push(Column::measure(spoil.name(), &people, threshold)?);
    }
    Ok(columns)
}

/// The face nearest to the center of an image, and what the limits of quality say.
fn face(recognizer: &Recognizer, image: &Image) -> Result<Option<Face>> {
    let options = ExamineOptions::default();
    let Some(mut face) = recognizer.examine(image.view(), &options)?.pop() else {
        return Ok(None);
    };
    let embedding = recognizer.embed_examined(image.view(), &mut face, &options)?;
    let passes = |limits: &QualityOptions| face.quality.issues(limits).is_empty();
    Ok(embedding.map(|embedding| Face {
        embedding,
        compared: passes(&QualityOptions::recognition()),
        enrolled: passes(&QualityOptions::enrollment()),
    }))
}

const HEADINGS: [&str; 8] = [
    "photos",
    "refused",
    "refused for enrollment",
    "pairs",
    "false matches",
    "false-match rate",
    "kept of those that match",
    "strangers named",
];

fn row(column: &Column) -> [String; 8] {
    let of = |hits: usize, trials: usize| {
        let share = 100.0 * hits as f64 / trials.max(1) as f64;
        format!("{share:.1} %")
    };
    let fmr = column.fmr.map_or_else(
        || "n/a".to_owned(),
        |Interval { share, low, high }| format!("{share:.1e} ({low:.1e} to {high:.1e})"),
    );
    [
        column.name.clone(),
        of(column.refused, column.photos),
        of(column.refused_for_enrollment, column.photos),
        column.pairs.to_string(),
        column.false_matches.to_string(),
        fmr,
        format!(
            "{} of {}",
            of(column.matching_compared, column.matching),
            of(column.matching, column.mated)
        ),
        format!("{} of {}", column.strangers_named, column.strangers),
    ]
}
