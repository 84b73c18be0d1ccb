//! Open-set identification: searches by enrolled people and by strangers.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Result, bail};
use facekit::{
    Embedding, EmbeddingSpace, EntryId, ExactIndex, Metric, MirrorOptions, Recognizer,
    SearchOptions, Threshold, VectorIndex, wilson_interval,
};
use serde_json::{Value, json};

mod draws;

use self::draws::Draws;
use super::{Embedded, embed_people, evaluator, model_names, open_set};
use crate::{
    files::unreadable_text,
    options::{DetectArgs, ModelArgs},
    output::table,
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A folder that holds a folder of photos for each person
    #[arg(long, value_name = "DIR")]
    images: PathBuf,

    /// The number of photos of each person to enroll
    #[arg(long, value_name = "N", default_value_t = 1)]
    enroll: usize,

    /// The number of random draws of enrolled photos
    #[arg(long, value_name = "N", default_value_t = 5)]
    draws: u64,

    /// The seed of the first draw; each further draw has the next number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Compute the mirrored probe for scores from BELOW under to ABOVE over the threshold
    ///
    /// Several bands can be given. The default is the recognizer's band.
    #[arg(long = "band", value_name = "BELOW:ABOVE", value_parser = band, verbatim_doc_comment)]
    bands: Vec<Band>,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,
}

/// A band around a threshold, in cosines.
#[derive(Clone, Copy, Debug)]
struct Band {
    below: f32,
    above: f32,
}

fn band(text: &str) -> Result<Band, String> {
    let number = |text: &str| {
        text.parse()
            .ok()
            .filter(|number| (0.0..=2.0).contains(number))
    };
    let band = text.split_once(':').and_then(|(below, above)| {
        Some(Band {
            below: number(below)?,
            above: number(above)?,
        })
    });
    band.ok_or_else(|| "two numbers from 0 to 2 with a colon between them are needed".to_owned())
}

/// The false-positive identification rates whose threshold is measured.
const FPIRS: [f64; 3] = [0.1, 0.01, 0.001];

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let (models, set) = open_set(&args.models)?;
    let recognizer = evaluator(models, &args.detect, !args.detect.upright)?;
    let embedded = embed_people(session, &recognizer, args.models.jobs(), &args.images, true)?;
    let trial = Trial::new(&embedded, args.enroll, recognizer.embedder().space())?;
    if trial.mated.is_empty() || trial.strangers.is_empty() {
        bail!(
            "{}: {} searches by people with more than {} photos and {} by others; both are needed",
            args.images.display(),
            trial.mated.len(),
            args.enroll,
            trial.strangers.len(),
        );
    }
    let scores = trial.search()?;
    let mut points = scores.measured_points();
    points.extend(scores.calibrated_points(&recognizer, trial.index.len())?);

    let mut bands = args.bands.clone();
    if bands.is_empty() {
        let MirrorOptions { below, above, .. } = MirrorOptions::default();
        bands.push(Band { below, above });
    }
    let seeds = (args.seed..).take(args.draws as usize).collect();
    let space = recognizer.embedder().space();
    let draws = Draws::new(session, &embedded, space, seeds, &bands)?;

    let people: BTreeSet<usize> = trial.mated.iter().map(|&(person, _)| person).collect();
    let report = json!({
        "models": model_names(&set),
        "runtime": args.models.runtime_name(),
        "enrolled_people": people.len(),
        "mated_searches": trial.mated.len(),
        "non_mated_searches": trial.strangers.len(),
        "faces_missing": embedded.missing(),
        "unreadable": embedded.unreadable,
        "points": points,
        "draws": draws,
        "images_per_s": embedded.photos.len() as f64 / embedded.seconds,
    });
    session.output.answer(&report, || {
        format!(
            "{} people enrolled; {} searches by enrolled people, {} by strangers; {} photos without a face\n\n{}\n\n{}{}",
            trial.index.len(),
            trial.mated.len(),
            trial.strangers.len(),
            embedded.missing(),
            table(
                ["threshold for", "score", "FNIR", "FPIR"],
                points.iter().map(point_row),
            ),
            draws.text(),
            unreadable_text(&embedded.unreadable),
        )
    })
}

/// The people and the probes of an evaluation. A probe is `None` if no face was found.
struct Trial<'a> {
    /// The mean of each person's templates. The id of an entry is the position of the person.
    index: ExactIndex,
    /// Probes of enrolled people.
    mated: Vec<(usize, Option<&'a Embedding>)>,
    /// Probes of people who are not enrolled.
    strangers: Vec<Option<&'a Embedding>>,
}

impl<'a> Trial<'a> {
    /// Enrolls the first `enroll` photos of each person who has more.
    fn new(embedded: &'a Embedded, enroll: usize, space: &EmbeddingSpace) -> Result<Self> {
        let mut photos_of = vec![Vec::new(); embedded.people.len()];
        for photo in &embedded.photos {
            photos_of[photo.person].push(photo.embedding.as_ref());
        }
        let mut trial = Self {
            index: ExactIndex::new(space.clone(), Metric::Cosine),
            mated: Vec::new(),
            strangers: Vec::new(),
        };
        for (person, photos) in photos_of.into_iter().enumerate() {
            if photos.len() <= enroll {
                trial.strangers.extend(photos);
                continue;
            }
            let (templates, probes) = photos.split_at(enroll);
            let templates: Vec<&Embedding> = templates.iter().copied().flatten().collect();
            if !templates.is_empty() {
                let id = EntryId(person as u64);
                trial.index.insert(&[(id, Embedding::mean(templates)?)])?;
            }
            trial
                .mated
                .extend(probes.iter().map(|&probe| (person, probe)));
        }
        Ok(trial)
    }

    /// The best candidate of a search: person and score. A face that was not found has no candidate.
    fn best(&self, probe: Option<&Embedding>) -> Result<Option<(usize, f32)>> {
        let Some(probe) = probe else { return Ok(None) };
        let candidate = self.index.search(probe, &SearchOptions::new(1))?.pop();
        Ok(candidate.map(|it| (it.entry.0 as usize, it.score)))
    }

    fn search(&self) -> Result<Scores> {
        let mut mated = Vec::with_capacity(self.mated.len());
        for &(person, probe) in &self.mated {
            let best = self.best(probe)?.filter(|&(owner, _)| owner == person);
            mated.push(best.map_or(f32::NEG_INFINITY, |(_, score)| score));
        }
        let mut strangers = Vec::with_capacity(self.strangers.len());
        for &probe in &self.strangers {
            let best = self.best(probe)?;
            strangers.push(best.map_or(f32::NEG_INFINITY, |(_, score)| score));
        }
        strangers.sort_by(|a, b| b.total_cmp(a));
        Ok(Scores { mated, strangers })
    }
}

/// The score of each search; negative infinity if it has no candidate.
struct Scores {
    /// Of enrolled people. Another person is not a candidate.
    mated: Vec<f32>,
    /// Of strangers, highest first.
    strangers: Vec<f32>,
}

impl Scores {
    /// The error rates at a threshold.
    fn at(&self, threshold: f32) -> Value {
        let missed = self.mated.iter().filter(|&&score| score < threshold);
        let named = self.strangers.iter().filter(|&&score| score >= threshold);
        let share = |hits: usize, trials: usize| {
            let (low, high) = wilson_interval(hits as u64, trials as u64);
            json!({ "share": hits as f64 / trials as f64, "low": low, "high": high, "count": hits })
        };
        json!({
            "threshold": threshold,
            "fnir": share(missed.count(), self.mated.len()),
            "fpir": share(named.count(), self.strangers.len()),
        })
    }

    /// The points at which these photos reach the rates of [`FPIRS`].
    fn measured_points(&self) -> Vec<Value> {
        let mut points = Vec::new();
        for rate in FPIRS {
            let allowed = (rate * self.strangers.len() as f64) as usize;
            if allowed > 0 {
                let mut point = self.at(self.strangers[allowed].next_up());
                point["measured_fpir"] = rate.into();
                points.push(point);
            }
        }
        points
    }

    /// The points of the model's calibration, to compare its rates with those of these photos.
    fn calibrated_points(&self, recognizer: &Recognizer, templates: usize) -> Result<Vec<Value>> {
        let mut points = Vec::new();
        let Some(calibration) = recognizer.calibration() else {
            return Ok(points);
        };
        for threshold in [
            Threshold::Fmr(1e-4),
            Threshold::Fpir(0.1),
            Threshold::Fpir(0.01),
        ] {
            let space = recognizer.embedder().space();
            if let Ok(score) = threshold.score(Some(calibration), space, templates) {
                let mut point = self.at(score);
                point["asked"] = serde_json::to_value(threshold)?;
                points.push(point);
            }
        }
        Ok(points)
    }
}

fn point_row(point: &Value) -> [String; 4] {
    let share = |key: &str| {
        let percent = |part: &str| 100.0 * point[key][part].as_f64().unwrap_or(0.0);
        let [share, low, high] = ["share", "low", "high"].map(percent);
        format!("{share:.2} % ({low:.2} to {high:.2})")
    };
    let asked = point["asked"].as_object().and_then(|it| it.iter().next());
    let origin = match (point["measured_fpir"].as_f64(), asked) {
        (Some(rate), _) => format!("FPIR {rate} on these photos"),
        (None, Some((kind, rate))) => format!("{} {rate} by calibration", kind.to_uppercase()),
        (None, None) => String::new(),
    };
    let score = point["threshold"].as_f64().unwrap_or(0.0);
    [origin, format!("{score:.3}"), share("fnir"), share("fpir")]
}
