//! `facekit models quantize`: the same models in 8-bit integers, and what that costs and brings.
//!
//! `record` sees what a model is given, `script` has it quantised, `measure` compares it with what it was.

mod measure;
mod record;
mod script;

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use facekit::{
    Calibration, Detector, LoadOptions, ModelEntry, ModelSet, Registry, SetEntry, Subject, Task,
    align,
};
use facekit_ort::Ort;
use ndarray::ArrayD;
use serde::Serialize;

use self::{
    measure::{Pair, Photos, Quality, Speed, compare_embeddings, speed, with_embedder},
    record::Recorder,
};
use crate::{
    Answer,
    context::{DetectArgs, OrtArgs, Session},
    eval::{
        embed_people,
        lfw::{Figures, Pair as PhotoPair, open_pairs},
    },
    files::{images_in, people_in},
    output::{count, table},
};

/// Behind the name of a model or set.
const SUFFIX: &str = "_int8";

/// A variant is worth having in a set where it takes at most this share of the time.
const WORTHWHILE: f64 = 0.6;

/// The liveness score that divides the live from the others.
const LIVE: f32 = 0.5;

/// Each variant is called like the model with _int8 behind, and is measured beside it: its speed on ONNX Runtime, one
/// thread, and whether it does its work as well. An embedder's has a calibration of its own, from all pairs of photos.
/// Of a set there comes a set, with those variants that are worth it.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Models and sets: standard, mobilefacenet
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,

    /// Photos like those to be recognised; for an embedder one folder for each person
    #[arg(long, value_name = "DIR")]
    calibration: PathBuf,

    /// Measure embedders on these pairs too, in the format of LFW's pairs.txt
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,

    /// Take the ranges of a model's values from so many photos, spread evenly over all
    #[arg(long, value_name = "N", default_value = "200")]
    photos: NonZeroUsize,

    /// A Python that has the packages onnx and onnxruntime
    ///
    /// The quantising itself is done by ONNX Runtime's own tools.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,

    /// The library, instead of the one that ORT_DYLIB_PATH, the system or Python has
    #[arg(long, value_name = "FILE")]
    onnxruntime: Option<PathBuf>,

    /// Images worked on at a time [default: one for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    detect: DetectArgs,
}

/// A variant, for a document.
#[derive(Debug, Serialize)]
struct Variant {
    model: String,
    variant: String,
    #[serde(flatten)]
    speed: Speed,
    ratio: f64,
    quality: Quality,
    calibrated: bool,
    /// Why it should not take the model's place.
    objection: Option<String>,
}

pub(crate) fn run(session: &Session, mut registry: Registry, args: &Args) -> Result<Answer> {
    let names = args.names.join(",");
    let members: Vec<ModelEntry> = registry.members(&names)?.into_iter().cloned().collect();
    if let Some(entry) = members.iter().find(|entry| entry.name.ends_with(SUFFIX)) {
        bail!("model {}: it is in 8 bits already", entry.name);
    }
    let work = Work::new(session, args)?;
    let mut variants = Vec::new();
    for entry in &members {
        // Its companions are those of a set that has it, best one that was named.
        let named = args.names.iter().filter_map(|name| registry.set(name).ok());
        let set = named
            .chain(registry.sets())
            .find(|set| set.members().any(|member| member == entry.name))
            .map_or("standard", |set| &set.name);
        let set = registry.resolve(&format!("{set},{}", entry.name))?;
        variants.push(
            work.quantize(&mut registry, entry, &set)
                .with_context(|| format!("model {}: not quantised", entry.name))?,
        );
    }
    let mut sets = Vec::new();
    for name in &args.names {
        if let Ok(set) = registry.set(name) {
            let set = preferred(set, &variants);
            registry.keep_set(&set)?;
            sets.push(set);
        }
    }
    #[derive(Serialize)]
    struct Report<'a> {
        models: &'a [Variant],
        sets: &'a [SetEntry],
    }
    let report = Report {
        models: &variants,
        sets: &sets,
    };
    session.output.answer(&report, || {
        let rows = variants.iter().map(|variant| {
            [
                variant.variant.clone(),
                format!("{:.2} ms", variant.speed.f32_ms),
                format!("{:.2} ms", variant.speed.int8_ms),
                format!("{:.2}", variant.ratio),
                variant.quality.words(),
                variant.objection.clone().unwrap_or_default(),
            ]
        });
        let mut text = table(
            ["model", "f32", "int8", "ratio", "compared with f32", "but"],
            rows,
        );
        for set in &sets {
            let members: Vec<&str> = set.members().collect();
            text += &format!("\nset {}: {}\n", set.name, members.join(", "));
        }
        text
    })?;
    Ok(Answer::Yes)
}

/// `set` with the variants to which there is no objection.
fn preferred(set: &SetEntry, variants: &[Variant]) -> SetEntry {
    let better = |name: &str| {
        let found = variants
            .iter()
            .find(|variant| variant.model == name && variant.objection.is_none());
        found.map_or_else(|| name.to_owned(), |found| found.variant.clone())
    };
    let mut quantized = set.clone();
    quantized.name = format!("{}{SUFFIX}", set.name);
    quantized.detector = better(&set.detector);
    quantized.embedder = better(&set.embedder);
    quantized.liveness = set.liveness.iter().map(|name| better(name)).collect();
    quantized
}

/// What is the same for all models.
struct Work<'a> {
    session: &'a Session,
    args: &'a Args,
    runtime: Ort,
    files: Vec<PathBuf>,
    pairs: Vec<Vec<PhotoPair>>,
    jobs: NonZeroUsize,
}

impl<'a> Work<'a> {
    fn new(session: &'a Session, args: &'a Args) -> Result<Self> {
        let jobs = args
            .jobs
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        let files = match people_in(&args.calibration) {
            Ok((people, _)) => people
                .into_iter()
                .flat_map(|person| person.photos)
                .collect(),
            // No folders of people, which an embedder will ask for.
            Err(_) => images_in(&args.calibration)?,
        };
        let ort = OrtArgs {
            provider: None,
            onnxruntime: args.onnxruntime.clone(),
        };
        Ok(Self {
            session,
            args,
            runtime: ort.runtime(jobs),
            files,
            pairs: args.pairs.as_deref().map_or(Ok(Vec::new()), open_pairs)?,
            jobs,
        })
    }

    fn quantize(
        &self,
        registry: &mut Registry,
        entry: &ModelEntry,
        set: &ModelSet,
    ) -> Result<Variant> {
        let inputs = self.inputs(registry, entry, &set.detector.name)?;
        let spinner = self
            .session
            .output
            .bar(format!("{}: quantising", entry.name));
        spinner.set(0, 1);
        let model = registry.open(&entry.name)?;
        let bytes = script::quantize(&self.args.python, &model, &inputs, &self.session.token)?;
        drop(spinner);

        let name = format!("{}{SUFFIX}", entry.name);
        let photos = count(inputs.len(), "photo", "photos");
        let how = format!("quantised to 8 bits with the ranges of {photos}");
        let mut derived = entry.derived(&name, &bytes, &how);
        // Measured beside the original, in a folder that goes away: what fails leaves nothing behind.
        let folder = tempfile::tempdir().context("no folder for temporary files")?;
        let mut scratch = registry.clone().with_folder(folder.path());
        for model in [entry, &set.detector] {
            fs::write(
                scratch.path(&model.name)?,
                registry.open(&model.name)?.bytes(),
            )?;
        }
        scratch.keep_model(&derived, &bytes)?;
        let names = Pair {
            before: entry.name.as_str(),
            after: name.as_str(),
        };
        let speed = speed(&self.runtime, &scratch, &names, &inputs)?;
        let (quality, calibration) = self.compare(&scratch, &names, &derived, set)?;

        let objection = quality.objection().or_else(|| {
            let ratio = speed.ratio();
            (ratio > WORTHWHILE).then(|| format!("it takes {ratio:.2} of the time"))
        });
        derived.accuracy = Some(quality.words());
        derived.calibration = calibration;
        registry.keep_model(&derived, &bytes)?;
        Ok(Variant {
            model: entry.name.clone(),
            variant: name,
            speed,
            ratio: speed.ratio(),
            quality,
            calibrated: derived.calibration.is_some(),
            objection,
        })
    }

    fn photos<'b>(&'b self, files: &'b [PathBuf]) -> Photos<'b> {
        Photos {
            session: self.session,
            files,
            options: self.args.detect.options(),
            jobs: self.jobs,
        }
    }

    /// What a model is given when it runs on some of the photos.
    fn inputs(
        &self,
        registry: &Registry,
        entry: &ModelEntry,
        detector: &str,
    ) -> Result<Vec<ArrayD<f32>>> {
        let step = self.files.len().div_ceil(self.args.photos.get()).max(1);
        let files: Vec<PathBuf> = self.files.iter().step_by(step).cloned().collect();
        let photos = self.photos(&files);
        let what = format!("{}: photos", entry.name);
        let options = LoadOptions::default().with_threads(1);
        let recorder = Recorder::new(self.runtime.clone());
        let find = |detector: &dyn Detector, image: &facekit::Image| {
            let faces = detector.detect(image.view(), &photos.options)?;
            Ok(Subject::Largest.choose(faces, (image.width(), image.height())))
        };
        let companion = || registry.load_detector(detector, &self.runtime, &options);
        match entry.task() {
            Task::Detector => {
                let detector = registry.load_detector(&entry.name, &recorder, &options)?;
                photos.each(what, |image| find(&*detector, image))?;
            }
            Task::Embedder => {
                let detector = companion()?;
                let embedder = registry.load_embedder(&entry.name, &recorder, &options)?;
                photos.each(what, |image| {
                    for face in find(&*detector, image)? {
                        let crop = align(image.view(), &face.landmarks, embedder.face_side())?;
                        embedder.embed(&[crop])?;
                    }
                    Ok(())
                })?;
            }
            Task::Liveness => {
                let detector = companion()?;
                let liveness = registry.load_liveness(&[&entry.name], &recorder, &options)?;
                photos.each(what, |image| {
                    let faces = find(&*detector, image)?;
                    liveness.assess(image.view(), &faces)
                })?;
            }
            task => bail!("a model for {task} cannot be quantised"),
        }
        let inputs = recorder.take();
        let folder = self.args.calibration.display();
        ensure!(!inputs.is_empty(), "{folder}: no face on the photos");
        Ok(inputs)
    }

    fn compare(
        &self,
        registry: &Registry,
        names: &Pair<&str>,
        derived: &ModelEntry,
        set: &ModelSet,
    ) -> Result<(Quality, Option<Calibration>)> {
        let options = LoadOptions::default().with_threads(1);
        let photos = self.photos(&self.files);
        match derived.task() {
            Task::Detector => {
                let load = |name| registry.load_detector(name, &self.runtime, &options);
                let models = Pair {
                    before: load(names.before)?,
                    after: load(names.after)?,
                };
                Ok((photos.compare_detectors(&models)?, None))
            }
            Task::Liveness => {
                let load = |name| registry.load_liveness(&[name], &self.runtime, &options);
                let models = Pair {
                    before: load(names.before)?,
                    after: load(names.after)?,
                };
                let detector = &set.detector.name;
                let detector = registry.load_detector(detector, &self.runtime, &options)?;
                Ok((photos.compare_liveness(&*detector, &models, LIVE)?, None))
            }
            _ => self.compare_embedders(registry, names, derived, &set.detector.name),
        }
    }

    fn compare_embedders(
        &self,
        registry: &Registry,
        names: &Pair<&str>,
        derived: &ModelEntry,
        detector: &str,
    ) -> Result<(Quality, Option<Calibration>)> {
        let folder: &Path = &self.args.calibration;
        let embed = |name: &str| -> Result<_> {
            let models = with_embedder(registry, detector, registry.model(name)?, &self.runtime)?;
            let detect = &self.args.detect;
            let embedded = embed_people(self.session, &models, self.jobs, detect, folder)?;
            let figures = Figures::of(&embedded, &self.pairs, folder, self.jobs.get())?;
            Ok((embedded, figures))
        };
        let (before, after) = (embed(names.before)?, embed(names.after)?);
        let embedded = Pair {
            before: before.0,
            after: after.0,
        };
        let figures = Pair {
            before: before.1,
            after: after.1,
        };
        let data = format!(
            "{} photos of {} people, the face nearest to the middle of each; detector {detector}",
            embedded.after.photos.len(),
            embedded.after.people.len(),
        );
        let calibration = derived.space().and_then(|space| {
            let impostors = &figures.after.all.impostors;
            impostors.calibration(&space, data).ok()
        });
        let comparisons = figures.after.all.impostors.count();
        let model = &derived.name;
        let note = match &calibration {
            None => format!(
                "model {model}: not calibrated, since {comparisons} comparisons of different people are too few"
            ),
            Some(calibration) => {
                let lowest = calibration.points().last().map_or(1.0, |point| point.fmr);
                format!(
                    "model {model}: calibrated by {comparisons} comparisons of different people, down to a false-match rate of \
                     {lowest:.0e}"
                )
            }
        };
        self.session.output.note(&note);
        Ok((compare_embeddings(&embedded, &figures)?, calibration))
    }
}
