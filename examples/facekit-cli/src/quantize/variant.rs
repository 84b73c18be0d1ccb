//! One model in 8 bits: quantized, measured and kept.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use facekit::{
    Calibration, Detector, LoadOptions, ModelEntry, ModelSet, Registry, Runtime, Subject, Task,
    align,
};
use facekit_runtimes::{RuntimeName, RuntimeOptions};
use ndarray::ArrayD;
use serde::Serialize;

use super::{
    Args, SUFFIX,
    measure::{Pair, Photos, Quality, Speed, compare_embeddings, speed},
    record::Recorder,
    script,
};
use crate::{
    eval::{
        embed_people, evaluator,
        lfw::{Figures, Pair as PhotoPair, calibration_data, open_pairs},
    },
    files::{images_in, people_in},
    output::count,
    session::Session,
};

/// A variant replaces its model in a set only if it takes at most this share of the time.
const WORTHWHILE: f64 = 0.6;

/// The lowest liveness score of a live face.
const LIVE: f32 = 0.5;

/// A variant and its comparison with the original, for a JSON document.
#[derive(Debug, Serialize)]
pub(super) struct Variant {
    pub(super) model: String,
    pub(super) variant: String,
    #[serde(flatten)]
    speed: Speed,
    ratio: f64,
    quality: Quality,
    calibrated: bool,
    /// The reason not to replace the model by the variant.
    pub(super) objection: Option<String>,
}

impl Variant {
    /// The row of a table.
    pub(super) fn row(&self) -> [String; 6] {
        [
            self.variant.clone(),
            format!("{:.2} ms", self.speed.f32_ms),
            format!("{:.2} ms", self.speed.int8_ms),
            format!("{:.2}", self.ratio),
            self.quality.words(),
            self.objection.clone().unwrap_or_default(),
        ]
    }
}

/// The parts that are the same for all models.
pub(super) struct Work<'a> {
    session: &'a Session,
    args: &'a Args,
    runtime: Arc<dyn Runtime>,
    files: Vec<PathBuf>,
    pairs: Vec<Vec<PhotoPair>>,
    jobs: NonZeroUsize,
}

impl<'a> Work<'a> {
    pub(super) fn new(session: &'a Session, args: &'a Args) -> Result<Self> {
        let jobs = args.jobs.number();
        let files = match people_in(&args.calibration) {
            Ok((people, _)) => people
                .into_iter()
                .flat_map(|person| person.photos)
                .collect(),
            // There are no folders of people. An embedder needs them, and fails later.
            Err(_) => images_in(&args.calibration)?,
        };
        let mut options = RuntimeOptions::default().with_concurrency(jobs);
        options.library.clone_from(&args.onnxruntime);
        Ok(Self {
            session,
            args,
            runtime: RuntimeName::Ort.runtime(&options)?.into(),
            files,
            pairs: args.pairs.as_deref().map_or(Ok(Vec::new()), open_pairs)?,
            jobs,
        })
    }

    /// Makes, measures and keeps the variant of a model. `set` has the other models.
    pub(super) fn quantize(
        &self,
        registry: &mut Registry,
        entry: &ModelEntry,
        set: &ModelSet,
    ) -> Result<Variant> {
        let inputs = self.inputs(registry, entry, &set.detector.name)?;
        let spinner = self
            .session
            .output
            .bar(format!("{}: quantizing", entry.name));
        spinner.set(0, 1);
        let model = registry.open(&entry.name)?;
        let bytes = script::quantize(&self.args.python, &model, &inputs, &self.session.token)?;
        drop(spinner);

        let name = format!("{}{SUFFIX}", entry.name);
        let photos = count(inputs.len(), "photo", "photos");
        let how = format!("quantized to 8 bits with the ranges of {photos}");
        let mut derived = entry.derived(&name, &bytes, &how);
        // Both are measured in a temporary folder, so that an error leaves no files in the models folder.
        let folder = tempfile::tempdir().context("no folder for temporary files")?;
        let mut scratch = registry.clone().with_folder(folder.path());
        let landmarks = set.landmarks.as_ref().map(|landmarks| &landmarks.model);
        for model in [entry, &set.detector].into_iter().chain(landmarks) {
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
        let speed = speed(&*self.runtime, &scratch, &names, &inputs)?;
        let (quality, calibration) = self.compare(&scratch, &names, &derived, set)?;

        let objection = quality.objection().or_else(|| {
            let ratio = speed.ratio();
            (ratio > WORTHWHILE).then(|| format!("it takes {ratio:.2} of the time"))
        });
        derived.accuracy = Some(quality.words());
        let calibrated = calibration.is_some();
        if calibrated {
            let mut set = set.clone();
            set.embedder = derived;
            set.set_calibration(calibration);
            derived = set.embedder;
        }
        registry.keep_model(&derived, &bytes)?;
        Ok(Variant {
            model: entry.name.clone(),
            variant: name,
            speed,
            ratio: speed.ratio(),
            quality,
            calibrated,
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

    /// The inputs of a model when it runs on some of the photos.
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
        let recorder = Recorder::new(Arc::clone(&self.runtime));
        let find = |detector: &dyn Detector, image: &facekit::Image| {
            let faces = detector.detect(image.view(), &photos.options)?;
            Ok(Subject::Largest.choose(faces, (image.width(), image.height())))
        };
        let companion = || registry.load_detector(detector, &*self.runtime, &options);
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
            task => bail!("a model for {task} cannot be quantized"),
        }
        let inputs = recorder.take();
        let folder = self.args.calibration.display();
        ensure!(!inputs.is_empty(), "{folder}: no face on the photos");
        Ok(inputs)
    }

    /// Compares the results of both models. An embedder also gets a calibration.
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
                let load = |name| registry.load_detector(name, &*self.runtime, &options);
                let models = Pair {
                    before: load(names.before)?,
                    after: load(names.after)?,
                };
                Ok((photos.compare_detectors(&models)?, None))
            }
            Task::Liveness => {
                let load = |name| registry.load_liveness(&[name], &*self.runtime, &options);
                let models = Pair {
                    before: load(names.before)?,
                    after: load(names.after)?,
                };
                let detector = &set.detector.name;
                let detector = registry.load_detector(detector, &*self.runtime, &options)?;
                Ok((photos.compare_liveness(&*detector, &models, LIVE)?, None))
            }
            _ => self.compare_embedders(registry, names, set),
        }
    }

    fn compare_embedders(
        &self,
        registry: &Registry,
        names: &Pair<&str>,
        set: &ModelSet,
    ) -> Result<(Quality, Option<Calibration>)> {
        let folder: &Path = &self.args.calibration;
        let embed = |name: &str| -> Result<_> {
            let mut set = set.clone();
            set.embedder = registry.model(name)?.clone();
            set.liveness.clear();
            let options = LoadOptions::default().with_threads(1);
            let models = registry.load_set(&set, &*self.runtime, &options)?;
            let recognizer = evaluator(models, &self.args.detect, false)?;
            let embedded = embed_people(self.session, &recognizer, self.jobs, folder, false)?;
            let figures = Figures::of(&embedded, &self.pairs, folder, self.jobs.get())?;
            let space = recognizer.embedder().space().clone();
            Ok((embedded, figures, space))
        };
        let (before, after) = (embed(names.before)?, embed(names.after)?);
        let space = after.2;
        let embedded = Pair {
            before: before.0,
            after: after.0,
        };
        let figures = Pair {
            before: before.1,
            after: after.1,
        };
        let data = calibration_data(&embedded.after, set);
        let impostors = &figures.after.all.impostors;
        let calibration = impostors.calibration(&space, data).ok();
        let comparisons = figures.after.all.impostors.count();
        let model = names.after;
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
