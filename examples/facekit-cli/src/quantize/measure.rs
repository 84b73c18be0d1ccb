//! Compares a quantized model with the original.

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use anyhow::{Context, Result, ensure};
use facekit::{
    DetectOptions, Detection, Detector, Liveness, LoadOptions, Registry, Runtime, Subject,
    equal_error_rate, work,
};
use ndarray::ArrayD;
use serde::Serialize;

use crate::{
    eval::{Embedded, lfw::Figures},
    files::open_image,
    session::Session,
};

/// The original model and its variant in 8 bits.
pub(super) struct Pair<T> {
    pub(super) before: T,
    pub(super) after: T,
}

/// The milliseconds of a run on one thread: medians over runs of both models in turn.
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
    runtime: &dyn Runtime,
    registry: &Registry,
    names: &Pair<&str>,
    inputs: &[ArrayD<f32>],
) -> Result<Speed> {
    const RUNS: usize = 100;
    let options = LoadOptions::default().with_threads(1);
    let load = |name: &str| -> Result<_> { Ok(runtime.load(&registry.open(name)?, &options)?) };
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

/// A share as text: `98.76 %`.
fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The results of the variant compared with those of the original.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "task")]
pub(super) enum Quality {
    Detector {
        /// The faces that the original finds.
        faces: usize,
        /// The share of them that the variant finds too.
        kept: f64,
    },
    Embedder {
        /// Between the two embeddings of a face.
        cosine_mean: f32,
        cosine_min: f32,
        /// On the pairs file, if there is one.
        accuracy: Option<Change>,
        equal_error_rate: Change,
    },
    Liveness {
        faces: usize,
        /// The share of faces with the same verdict.
        kept: f64,
        /// The greatest difference of a score.
        furthest: f32,
    },
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Change {
    pub(super) f32: f64,
    pub(super) int8: f64,
}

impl Quality {
    /// The reason not to replace the original by the variant, if there is one.
    pub(super) fn objection(&self) -> Option<String> {
        /// The least share of the faces of a detector.
        const FACES: f64 = 0.995;
        /// The greatest loss of an embedder, as a share of the pairs.
        const ACCURACY: f64 = 0.003;
        /// The least share of equal verdicts.
        const VERDICTS: f64 = 0.99;
        match self {
            Self::Detector { kept, .. } => (*kept < FACES).then(|| {
                format!(
                    "it finds {} of the faces; {} are needed",
                    percent(*kept),
                    percent(FACES)
                )
            }),
            Self::Liveness { kept, .. } => (*kept < VERDICTS).then(|| {
                format!(
                    "{} of its verdicts are the same; {} are needed",
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

    /// The results in words, for the manifest and the table.
    pub(super) fn words(&self) -> String {
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
                        "accuracy {} instead of {}, ",
                        percent(accuracy.int8),
                        percent(accuracy.f32)
                    )
                });
                format!(
                    "{accuracy}equal error rate {} instead of {}, cosine {cosine_mean:.4}",
                    percent(equal_error_rate.int8),
                    percent(equal_error_rate.f32)
                )
            }
            Self::Liveness {
                faces,
                kept,
                furthest,
            } => format!(
                "{} of {faces} verdicts are the same, scores within {furthest:.2}",
                percent(*kept)
            ),
        }
    }
}

/// The photos of a measurement, and how they are processed.
pub(super) struct Photos<'a> {
    pub(super) session: &'a Session,
    pub(super) files: &'a [PathBuf],
    pub(super) options: DetectOptions,
    pub(super) jobs: NonZeroUsize,
}

impl Photos<'_> {
    /// The results of `examine` for all photos that can be read, in order.
    pub(super) fn each<T: Send>(
        &self,
        message: String,
        examine: impl Fn(&facekit::Image) -> facekit::Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let bar = self.session.output.bar(message);
        let mut found = Vec::new();
        work::ordered(
            self.files,
            self.jobs,
            &self.session.token,
            |path| -> Result<Option<T>> {
                // Unreadable photos are ignored; other commands report them.
                let Ok(image) = open_image(path, &self.session.limits) else {
                    return Ok(None);
                };
                let result = examine(&image).with_context(|| path.display().to_string())?;
                Ok(Some(result))
            },
            |index, result| -> Result<()> {
                bar.set(index as u64 + 1, self.files.len() as u64);
                found.extend(result?);
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

/// Removes a face from `others` that is the same as `face`. False if there is none.
fn take_same(others: &mut Vec<Detection>, face: &Detection) -> bool {
    /// The least overlap (IoU) of two boxes around the same face.
    const SAME: f32 = 0.5;
    let same = others
        .iter()
        .position(|other| other.rect.iou(&face.rect) >= SAME);
    same.map(|index| others.swap_remove(index)).is_some()
}

/// Compares two embeddings of the same photos.
pub(super) fn compare_embeddings(
    embedded: &Pair<Embedded>,
    figures: &Pair<Figures>,
) -> Result<Quality> {
    let photos = embedded.before.photos.iter().zip(&embedded.after.photos);
    let cosines: Vec<f32> = photos
        .filter_map(|(before, after)| {
            let (before, after) = (before.embedding.as_ref()?, after.embedding.as_ref()?);
            let products = before.values().iter().zip(after.values());
            // Computed here, because facekit does not compare embeddings of two spaces.
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
