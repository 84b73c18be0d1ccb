//! What quantising a model changed.

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use anyhow::{Context, Result, ensure};
use facekit::{
    DetectOptions, Detection, Detector, Liveness, LoadOptions, ModelEntry, Models, Registry,
    Subject, equal_error_rate, work,
};
use facekit_ort::Ort;
use ndarray::ArrayD;
use serde::Serialize;

use crate::{
    context::Session,
    eval::{Embedded, lfw::Figures},
    files::open_image,
};

/// A model as it was, and in 8 bits.
pub(super) struct Pair<T> {
    pub(super) before: T,
    pub(super) after: T,
}

/// Milliseconds of a run on one thread: medians of runs that took turns.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Speed {
    pub(super) f32_ms: f64,
    pub(super) int8_ms: f64,
}

impl Speed {
    pub(super) fn ratio(self) -> f64 {
        self.int8_ms / self.f32_ms
    }
}

pub(super) fn speed(
    runtime: &Ort,
    registry: &Registry,
    names: &Pair<&str>,
    inputs: &[ArrayD<f32>],
) -> Result<Speed> {
    const RUNS: usize = 100;
    let options = LoadOptions::default().with_threads(1);
    let load = |name: &str| -> Result<_> {
        use facekit::Runtime as _;
        Ok(runtime.load(&registry.open(name)?, &options)?)
    };
    let networks = [load(names.before)?, load(names.after)?];
    let mut times = [Vec::new(), Vec::new()];
    for input in inputs.iter().cycle().take(RUNS) {
        for (network, times) in networks.iter().zip(&mut times) {
            let begun = Instant::now();
            network.run(&[input.view().into()])?;
            times.push(1e3 * begun.elapsed().as_secs_f64());
        }
    }
    let [f32_ms, int8_ms] = times.map(median);
    Ok(Speed { f32_ms, int8_ms })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Whether the model still does its work, in figures.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "task")]
pub(super) enum Quality {
    Detector {
        /// Faces the model found as it was.
        faces: usize,
        /// The share of them that it finds in 8 bits, too.
        kept: f64,
    },
    Embedder {
        /// Between a face's two embeddings.
        cosine_mean: f32,
        cosine_min: f32,
        /// Of the pairs file, where there is one.
        accuracy: Option<Change>,
        equal_error_rate: Change,
    },
    Liveness {
        faces: usize,
        /// The share of faces that are judged as they were.
        kept: f64,
        /// The largest difference of a score.
        furthest: f32,
    },
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Change {
    pub(super) f32: f64,
    pub(super) int8: f64,
}

impl Quality {
    /// Why the quantised model should not take the other's place, if it should not.
    pub(super) fn objection(&self) -> Option<String> {
        /// Of the faces that a detector found.
        const FACES: f64 = 0.995;
        /// What an embedder may lose, as a share of the pairs.
        const ACCURACY: f64 = 0.003;
        /// Of the faces that were judged live, or not.
        const VERDICTS: f64 = 0.99;
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        match self {
            Self::Detector { kept, .. } => (*kept < FACES).then(|| {
                format!(
                    "it finds {} of the faces, not {}",
                    percent(*kept),
                    percent(FACES)
                )
            }),
            Self::Liveness { kept, .. } => (*kept < VERDICTS).then(|| {
                format!(
                    "{} of its verdicts stay, not {}",
                    percent(*kept),
                    percent(VERDICTS)
                )
            }),
            Self::Embedder {
                accuracy,
                equal_error_rate,
                ..
            } => {
                let (of, lost) = match accuracy {
                    Some(accuracy) => ("accuracy", accuracy.f32 - accuracy.int8),
                    None => (
                        "the equal error rate",
                        equal_error_rate.int8 - equal_error_rate.f32,
                    ),
                };
                (lost > ACCURACY).then(|| format!("it loses {} points of {of}", percent(lost)))
            }
        }
    }

    /// For a manifest and for people.
    pub(super) fn words(&self) -> String {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        match self {
            Self::Detector { faces, kept } => {
                format!("{} of {faces} faces found", percent(*kept))
            }
            Self::Embedder {
                cosine_mean,
                accuracy,
                equal_error_rate,
                ..
            } => {
                let accuracy = accuracy.map_or_else(String::new, |accuracy| {
                    format!(
                        "accuracy {} for {}, ",
                        percent(accuracy.int8),
                        percent(accuracy.f32)
                    )
                });
                format!(
                    "{accuracy}equal error rate {} for {}, cosine {cosine_mean:.4}",
                    percent(equal_error_rate.int8),
                    percent(equal_error_rate.f32)
                )
            }
            Self::Liveness {
                faces,
                kept,
                furthest,
            } => format!(
                "{} of {faces} verdicts kept, scores within {furthest:.2}",
                percent(*kept)
            ),
        }
    }
}

/// How the photos of a measurement are worked on.
pub(super) struct Photos<'a> {
    pub(super) session: &'a Session,
    pub(super) files: &'a [PathBuf],
    pub(super) options: DetectOptions,
    pub(super) jobs: NonZeroUsize,
}

impl Photos<'_> {
    /// What `look` makes of each photo that can be read, in order.
    pub(super) fn each<T: Send>(
        &self,
        what: String,
        look: impl Fn(&facekit::Image) -> facekit::Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let bar = self.session.output.bar(what);
        let mut found = Vec::new();
        work::ordered(
            self.files,
            self.jobs,
            &self.session.token,
            |path| -> Result<Option<T>> {
                // Those that cannot be read are for other commands to complain of.
                let Ok(image) = open_image(path) else {
                    return Ok(None);
                };
                let seen = look(&image).with_context(|| path.display().to_string())?;
                Ok(Some(seen))
            },
            |at, seen| -> Result<()> {
                bar.set(at as u64 + 1, self.files.len() as u64);
                found.extend(seen?);
                Ok(())
            },
        )?;
        ensure!(!found.is_empty(), "no photo can be read");
        Ok(found)
    }

    pub(super) fn compare_detectors(&self, models: &Pair<Box<dyn Detector>>) -> Result<Quality> {
        let found = self.each("detector".to_owned(), |image| {
            let detect = |model: &dyn Detector| model.detect(image.view(), &self.options);
            let (before, mut after) = (detect(&*models.before)?, detect(&*models.after)?);
            let mut kept = 0;
            for face in &before {
                kept += usize::from(take_same(&mut after, face));
            }
            Ok((before.len(), kept))
        })?;
        let faces: usize = found.iter().map(|(faces, _)| faces).sum();
        let kept: usize = found.iter().map(|(_, kept)| kept).sum();
        ensure!(faces > 0, "no face on the photos");
        Ok(Quality::Detector {
            faces,
            kept: kept as f64 / faces as f64,
        })
    }

    pub(super) fn compare_liveness(
        &self,
        detector: &dyn Detector,
        models: &Pair<Box<dyn Liveness>>,
        threshold: f32,
    ) -> Result<Quality> {
        let found = self.each("liveness".to_owned(), |image| {
            let faces = detector.detect(image.view(), &self.options)?;
            let faces = Subject::Largest.choose(faces, (image.width(), image.height()));
            let assess = |model: &dyn Liveness| model.assess(image.view(), &faces);
            let (before, after) = (assess(&*models.before)?, assess(&*models.after)?);
            let scores = before.iter().zip(&after);
            Ok(scores
                .map(|(before, after)| (before.value(), after.value()))
                .collect::<Vec<_>>())
        })?;
        let scores: Vec<(f32, f32)> = found.into_iter().flatten().collect();
        ensure!(!scores.is_empty(), "no face on the photos");
        let kept = scores
            .iter()
            .filter(|(before, after)| (*before >= threshold) == (*after >= threshold));
        Ok(Quality::Liveness {
            faces: scores.len(),
            kept: kept.count() as f64 / scores.len() as f64,
            furthest: scores.iter().fold(0.0, |most, (before, after)| {
                (before - after).abs().max(most)
            }),
        })
    }
}

/// Whether `face` is among `others`, which lose it.
fn take_same(others: &mut Vec<Detection>, face: &Detection) -> bool {
    /// Overlap of two boxes around one face.
    const SAME: f32 = 0.5;
    let same = others
        .iter()
        .position(|other| other.rect.iou(&face.rect) >= SAME);
    same.map(|at| others.swap_remove(at)).is_some()
}

/// What two embeddings of the same photos show.
pub(super) fn compare_embeddings(
    embedded: &Pair<Embedded>,
    figures: &Pair<Figures>,
) -> Result<Quality> {
    let photos = embedded.before.photos.iter().zip(&embedded.after.photos);
    let cosines: Vec<f32> = photos
        .filter_map(|(before, after)| {
            let (before, after) = (before.embedding.as_ref()?, after.embedding.as_ref()?);
            let products = before.values().iter().zip(after.values());
            // Of two spaces, so that facekit itself would not compare them.
            Some(products.map(|(a, b)| a * b).sum())
        })
        .collect();
    ensure!(!cosines.is_empty(), "no face on the photos");
    let accuracy = |figures: &Figures| figures.accuracy.map(|(mean, _)| mean);
    let accuracies = accuracy(&figures.before).zip(accuracy(&figures.after));
    let rate = |figures: &Figures| equal_error_rate(&figures.all.genuine, &figures.all.impostors);
    Ok(Quality::Embedder {
        cosine_mean: cosines.iter().sum::<f32>() / cosines.len() as f32,
        cosine_min: cosines.iter().fold(1.0, |least, cosine| cosine.min(least)),
        accuracy: accuracies.map(|(f32, int8)| Change { f32, int8 }),
        equal_error_rate: Change {
            f32: rate(&figures.before),
            int8: rate(&figures.after),
        },
    })
}

/// Models that find and embed faces, with another embedder than the selection's.
pub(super) fn with_embedder(
    registry: &Registry,
    detector: &str,
    embedder: &ModelEntry,
    runtime: &Ort,
) -> Result<Models> {
    let options = LoadOptions::default().with_threads(1);
    Ok(Models::new(
        registry.load_detector(detector, runtime, &options)?,
        registry.load_embedder(&embedder.name, runtime, &options)?,
    ))
}
