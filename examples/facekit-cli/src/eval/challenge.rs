//! Challenges with simulated presentations, with the figures of ISO/IEC 30107-3.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facekit::{
    ChallengeDepth, ChallengeOptions, ChallengeVerdict, Digest, HeadPose, Landmarks, Models,
    Recognizer, Subject, Threshold, work,
};
use presentations::{Presentation, Species};
use serde::Serialize;
use serde_json::json;

use super::{error_rate::ErrorRate, model_names, open_set};
use crate::{
    files::{Unreadable, open_image, people_in, require_readable, unreadable_text},
    options::{DetectArgs, ModelArgs},
    output::table,
    session::Session,
};

/// The least eye distance of a photo, in pixels, and the greatest angles of its face.
const LEAST_EYE_DISTANCE: f32 = 25.0;
const MOST_YAW: f32 = 12.0;
const MOST_PITCH: f32 = 20.0;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A folder that holds a folder of photos for each person
    #[arg(long, value_name = "DIR")]
    images: PathBuf,

    /// The number of presentations of each species whose depth is measured, as if all moves
    /// were answered
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..), verbatim_doc_comment)]
    presentations: u64,

    /// The number of whole challenges of each species. They take seconds each
    #[arg(long, value_name = "N", default_value_t = 100)]
    challenges: u64,

    /// The species, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    species: Vec<String>,

    /// The number of moves of the dot, 4 or 5
    #[arg(long, value_name = "N", default_value_t = 4)]
    moves: u8,

    /// The number from which presentations and nonces are drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Also require that the liveness check accepts the face
    #[arg(long)]
    passive: bool,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,
}

/// A photo whose face looks ahead.
struct Face {
    photo: PathBuf,
    landmarks: Landmarks,
}

/// The result of a species.
#[derive(Serialize)]
struct Measured {
    species: &'static str,
    attack: bool,
    must_be_stopped: bool,
    challenges: Errors,
    /// The number of challenges with each reason against a pass.
    reasons: BTreeMap<&'static str, u64>,
    depth_alone: Errors,
    /// The number of presentations with too few tracked points. The face is refused.
    not_tracked: u64,
    /// The least depths of the others: quantiles.
    depth: BTreeMap<&'static str, f32>,
    /// The errors of the depth alone for each head.
    heads: BTreeMap<&'static str, Errors>,
}

/// Wrong decisions.
#[derive(Clone, Copy, Serialize)]
struct Errors {
    presentations: u64,
    errors: u64,
    error_rate: ErrorRate,
}

impl Errors {
    fn of(wrong: &[bool]) -> Self {
        let (presentations, errors) = (
            wrong.len() as u64,
            wrong.iter().filter(|wrong| **wrong).count() as u64,
        );
        Self {
            presentations,
            errors,
            error_rate: ErrorRate::of(errors, presentations),
        }
    }

    fn share(&self) -> f64 {
        self.error_rate.share.unwrap_or_default()
    }
}

/// The results of one presentation.
struct Shown {
    /// `None` beyond the number of whole challenges.
    verdict: Option<ChallengeVerdict>,
    /// `None` beyond the number of presentations for the depth alone. The inner one is `None` without enough tracked points.
    depth: Option<Option<ChallengeDepth>>,
    head: Option<&'static str>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let species = species(&args.species)?;
    let (models, set) = open_set(&args.models)?;
    let mut unreadable = Vec::new();
    let recognizer = recognizer(models, args)?;
    let faces = faces(session, args, &recognizer, &mut unreadable)?;
    let mut measured = Vec::new();
    for species in species {
        measured.push(measure(session, args, &recognizer, &faces, species)?);
    }
    // Heads first, then the worst species.
    let most = |one: &Measured| one.depth.get("most").copied().unwrap_or_default();
    measured.sort_by(|a, b| {
        let attack = a.attack.cmp(&b.attack);
        let challenges = b.challenges.share().total_cmp(&a.challenges.share());
        let depth = b.depth_alone.share().total_cmp(&a.depth_alone.share());
        attack
            .then(challenges)
            .then(depth)
            .then(most(b).total_cmp(&most(a)))
    });
    let report = json!({
        "models": model_names(&set),
        "runtime": args.models.runtime_name(),
        "limits": recognizer.challenge_limits(),
        "moves": args.moves,
        "seed": args.seed,
        "passive": args.passive,
        "photos": faces.len(),
        "species": measured,
        "unreadable": unreadable,
    });
    session.output.answer(&report, || {
        let headings = [
            "species",
            "rate",
            "whole challenges",
            "depth alone",
            "greatest depth",
            "stopped by",
        ];
        let text = table(headings, measured.iter().map(row));
        format!(
            "{} photos\n{text}{}",
            faces.len(),
            unreadable_text(&unreadable)
        )
    })
}

fn species(names: &[String]) -> Result<Vec<Species>> {
    if names.is_empty() {
        return Ok(Species::all().to_vec());
    }
    let named = names.iter().map(|name| Species::named(name));
    named.collect::<facekit::Result<_>>().context("--species")
}

fn recognizer(models: Models, args: &Args) -> Result<Recognizer> {
    let mut builder = Recognizer::builder()
        .models(models)
        .detect_options(args.detect.options());
    if !args.passive {
        builder = builder.without_liveness();
    }
    // Nobody is searched, so the threshold does not matter.
    let recognizer = builder.threshold(Threshold::default()).build()?;
    if recognizer.challenge_limits().is_none() {
        bail!(
            "the selected models offer no challenge: no limits were measured for their landmarks"
        );
    }
    Ok(recognizer)
}

/// The first photos of people whose faces look ahead, as many as there are presentations.
fn faces(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Vec<Face>> {
    let (people, skipped) = people_in(&args.images)?;
    unreadable.extend(skipped);
    let photos: Vec<PathBuf> = people
        .into_iter()
        .filter_map(|person| person.photos.into_iter().next())
        .collect();
    let bar = session.output.bar("photos");
    let wanted = args.presentations.max(args.challenges);
    let mut faces = Vec::new();
    // A part is enough for few presentations.
    for photos in photos.chunks(64) {
        if faces.len() as u64 >= wanted {
            break;
        }
        let find = |photo: &PathBuf| -> Result<Result<Option<Face>>> {
            match open_image(photo, &session.limits) {
                Ok(image) => face_of(recognizer, photo, &image).map(Ok),
                Err(error) => Ok(Err(error)),
            }
        };
        let each = |index: usize, face: Result<Result<Option<Face>>>| -> Result<()> {
            match face? {
                Ok(face) => faces.extend(face),
                Err(error) => unreadable.push(Unreadable::new(&photos[index], &error)),
            }
            Ok(())
        };
        work::ordered(photos, args.models.jobs(), &session.token, find, each)?;
        bar.set((faces.len() as u64).min(wanted), wanted);
    }
    faces.truncate(wanted as usize);
    require_readable(faces.len(), unreadable)?;
    if faces.is_empty() {
        bail!(
            "{}: no photo of a face that looks ahead",
            args.images.display()
        );
    }
    Ok(faces)
}

fn face_of(recognizer: &Recognizer, photo: &Path, image: &facekit::Image) -> Result<Option<Face>> {
    let found = recognizer.find_faces(image.view())?.faces;
    let size = (image.width(), image.height());
    let face = Subject::Central.choose(found, size).into_iter().next();
    let face = face.filter(|face| {
        face.landmarks.eye_distance() >= LEAST_EYE_DISTANCE
            && HeadPose::estimate(&face.landmarks).is_some_and(|pose| {
                pose.yaw.abs() <= MOST_YAW
                    && pose.pitch.abs() <= MOST_PITCH
                    && pose.roll.abs() <= 20.0
            })
    });
    Ok(face.map(|face| Face {
        photo: photo.to_owned(),
        landmarks: face.landmarks,
    }))
}

fn measure(
    session: &Session,
    args: &Args,
    recognizer: &Recognizer,
    faces: &[Face],
    species: Species,
) -> Result<Measured> {
    let options = ChallengeOptions::default()
        .with_moves(args.moves)
        .with_passive(args.passive);
    let count = args.presentations.max(args.challenges);
    let numbers: Vec<u64> = (0..count).collect();
    let bar = session.output.bar(species.name());
    let present = |&number: &u64| -> Result<Shown> {
        let face = &faces[number as usize % faces.len()];
        let photo = open_image(&face.photo, &session.limits)?;
        let text = format!("{} {} {number}", args.seed, species.name());
        let nonce = *Digest::of(text).as_bytes();
        let (seed, _) = nonce.split_first_chunk().context("a digest has 32 bytes")?;
        let seed = u64::from_le_bytes(*seed);
        let new = || Presentation::new(species, &photo, &face.landmarks, seed);
        let is_whole = number < args.challenges;
        let is_measured = number < args.presentations;
        let verdict = is_whole.then(|| new()?.run(recognizer, nonce, &options));
        let depth = is_measured.then(|| new()?.depth(recognizer));
        Ok(Shown {
            verdict: verdict.transpose()?,
            depth: depth.transpose()?,
            head: new()?.head(),
        })
    };
    let mut reasons = BTreeMap::new();
    let [mut challenges, mut depth_alone] = [const { Vec::new() }; 2];
    let mut depths = Vec::new();
    let mut heads: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    let each = |index: usize, shown: Result<Shown>| -> Result<()> {
        let shown = shown?;
        bar.set(index as u64 + 1, count);
        if let Some(verdict) = shown.verdict {
            challenges.push(verdict.passed() == species.is_attack());
            for reason in &verdict.reasons {
                *reasons.entry(reason.code()).or_insert(0) += 1;
            }
        }
        if let Some(depth) = shown.depth {
            let has_depth = depth.is_some_and(|depth| depth.is_enough());
            let is_wrong = has_depth == species.is_attack();
            depth_alone.push(is_wrong);
            depths.extend(depth.map(|depth| depth.least()));
            if let Some(head) = shown.head {
                heads.entry(head).or_default().push(is_wrong);
            }
        }
        Ok(())
    };
    work::ordered(&numbers, args.models.jobs(), &session.token, present, each)?;
    Ok(Measured {
        species: species.name(),
        attack: species.is_attack(),
        must_be_stopped: species.must_be_stopped(),
        challenges: Errors::of(&challenges),
        reasons,
        depth_alone: Errors::of(&depth_alone),
        not_tracked: (depth_alone.len() - depths.len()) as u64,
        depth: quantiles(depths),
        heads: heads
            .into_iter()
            .map(|(head, wrong)| (head, Errors::of(&wrong)))
            .collect(),
    })
}

/// The quantiles of numbers; empty without numbers.
fn quantiles(mut numbers: Vec<f32>) -> BTreeMap<&'static str, f32> {
    numbers.sort_by(f32::total_cmp);
    let Some(last) = numbers.len().checked_sub(1) else {
        return BTreeMap::new();
    };
    let names = [
        ("least", 0.0),
        ("1 %", 0.01),
        ("5 %", 0.05),
        ("median", 0.5),
        ("95 %", 0.95),
        ("99 %", 0.99),
        ("most", 1.0),
    ];
    let at = |share: f64| numbers[(share * last as f64).round() as usize];
    names
        .into_iter()
        .map(|(name, share)| (name, at(share)))
        .collect()
}

fn text(errors: &Errors) -> String {
    match errors.presentations {
        0 => String::new(),
        count => format!("{} of {count}", errors.error_rate),
    }
}

fn row(measured: &Measured) -> [String; 6] {
    let mut reasons: Vec<(u64, &str)> = measured
        .reasons
        .iter()
        .map(|(&code, &count)| (count, code))
        .collect();
    reasons.sort_by(|a, b| b.cmp(a));
    let reasons: Vec<String> = reasons
        .iter()
        .take(3)
        .map(|(count, code)| format!("{} {count}", code.replace('_', " ")))
        .collect();
    [
        measured.species.to_owned(),
        if measured.attack { "APCER" } else { "BPCER" }.to_owned(),
        text(&measured.challenges),
        text(&measured.depth_alone),
        measured
            .depth
            .get("most")
            .map_or_else(String::new, |depth| format!("{depth:.3}")),
        reasons.join(", "),
    ]
}
