//! Models of a registry, loaded on a runtime.

use std::sync::Arc;

use super::{HeadSpec, ModelEntry, ModelSet, Registry, Task};
use crate::{
    calibration::Calibration,
    challenge::ChallengeLimits,
    detect::{Detector, Scrfd, SecondLook, YuNet},
    embed::{ArcFace, Embedder, MeasuredEmbedder},
    error::{Error, Result},
    liveness::{Liveness, MiniFasNet},
    recognize::RecognizerBuilder,
    runtime::{LoadOptions, Runtime},
};

/// The loaded models of a recognizer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Models {
    /// The detector.
    pub detector: Box<dyn Detector>,
    /// The second look at each face; `None` if the selection has none.
    pub second_look: Option<SecondLook>,
    /// The embedder. With a second look, its embedding space is that of faces that the second look has aligned.
    pub embedder: Box<dyn Embedder>,
    /// The liveness check; `None` if the selection has no liveness model.
    pub liveness: Option<Box<dyn Liveness>>,
    /// The calibration of the embedding space; `None` if the embedder's manifest entry has none.
    pub calibration: Option<Calibration>,
    /// The limits of a challenge for the landmarks; `None` if they were not measured.
    pub challenge_limits: Option<ChallengeLimits>,
}

impl Models {
    /// Models that were not loaded by a registry, without second look, liveness check and calibration.
    #[must_use]
    pub fn new(detector: Box<dyn Detector>, embedder: Box<dyn Embedder>) -> Self {
        Self {
            detector,
            second_look: None,
            embedder,
            liveness: None,
            calibration: None,
            challenge_limits: None,
        }
    }
}

impl Registry {
    /// Loads a selection of models (see [`resolve`](Self::resolve)) on `runtime`: all models that a
    /// [`Recognizer`](crate::Recognizer) needs.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] for an unknown name, [`Error::ModelMissing`] for a file that was not pulled,
    /// [`Error::HashMismatch`] for a file that the manifest does not accept, [`Error::Model`] for a model that the runtime
    /// cannot run.
    pub fn load(
        &self,
        selection: &str,
        runtime: &dyn Runtime,
        options: &LoadOptions,
    ) -> Result<Models> {
        self.load_set(&self.resolve(selection)?, runtime, options)
    }

    /// Loads the models of a set that [`resolve`](Self::resolve) has returned, for example one
    /// [without its second look](ModelSet::without_second_look).
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_set(
        &self,
        set: &ModelSet,
        runtime: &dyn Runtime,
        options: &LoadOptions,
    ) -> Result<Models> {
        let liveness: Vec<&str> = set
            .liveness
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        let detector: Arc<dyn Detector> = self
            .load_detector(&set.detector.name, runtime, options)?
            .into();
        let embedder = self.load_embedder(&set.embedder.name, runtime, options)?;
        let second_look = match &set.landmarks {
            None => None,
            Some(landmarks) => {
                let again = if landmarks.model.name == set.detector.name {
                    Arc::clone(&detector)
                } else {
                    self.load_detector(&landmarks.model.name, runtime, options)?
                        .into()
                };
                Some(SecondLook::new(again, landmarks.spec()))
            }
        };
        let space = embedder.space();
        let space = second_look
            .as_ref()
            .map_or_else(|| space.clone(), |look| look.spec().space(space));
        let recognizability = set.recognizability().cloned();
        let embedder: Box<dyn Embedder> =
            Box::new(MeasuredEmbedder::new(embedder, space, recognizability)?);
        Ok(Models {
            detector: Box::new(detector),
            second_look,
            embedder,
            liveness: if liveness.is_empty() {
                None
            } else {
                Some(self.load_liveness(&liveness, runtime, options)?)
            },
            calibration: set.calibration().cloned(),
            challenge_limits: set.challenge().cloned(),
        })
    }

    /// Loads one detector.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::InvalidArgument`] if `name` is not a detector.
    pub fn load_detector(
        &self,
        name: &str,
        runtime: &dyn Runtime,
        options: &LoadOptions,
    ) -> Result<Box<dyn Detector>> {
        let entry = self.model(name)?;
        let network = |entry: &ModelEntry| runtime.load(&self.open(&entry.name)?, options);
        match &entry.head {
            HeadSpec::YuNet(spec) => Ok(Box::new(YuNet::new(network(entry)?, name, spec)?)),
            HeadSpec::Scrfd(spec) => Ok(Box::new(Scrfd::new(network(entry)?, name, spec)?)),
            _ => Err(wrong_task(entry, Task::Detector)),
        }
    }

    /// Loads one embedder. Its embedding space is the same for all accepted exports.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::InvalidArgument`] if `name` is not an embedder.
    pub fn load_embedder(
        &self,
        name: &str,
        runtime: &dyn Runtime,
        options: &LoadOptions,
    ) -> Result<Box<dyn Embedder>> {
        let entry = self.model(name)?;
        let HeadSpec::ArcFace(spec) = &entry.head else {
            return Err(wrong_task(entry, Task::Embedder));
        };
        let network = runtime.load(&self.open(name)?, options)?;
        Ok(Box::new(ArcFace::new(
            network,
            name,
            &entry.exports[0].sha256,
            spec,
        )?))
    }

    /// Loads liveness models. Their scores are averaged.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::InvalidArgument`] if one of `names` is not a liveness model, or `names` is
    /// empty.
    pub fn load_liveness(
        &self,
        names: &[&str],
        runtime: &dyn Runtime,
        options: &LoadOptions,
    ) -> Result<Box<dyn Liveness>> {
        let mut parts = Vec::with_capacity(names.len());
        for &name in names {
            let entry = self.model(name)?;
            let HeadSpec::MiniFasNet(spec) = &entry.head else {
                return Err(wrong_task(entry, Task::Liveness));
            };
            parts.push((
                runtime.load(&self.open(name)?, options)?,
                name.to_owned(),
                spec.clone(),
            ));
        }
        Ok(Box::new(MiniFasNet::new(parts)?))
    }
}

impl RecognizerBuilder {
    /// Sets all loaded models at once: detector, second look, embedder, liveness, calibration and limits of a challenge.
    /// A later call for one of them replaces it.
    pub fn models(mut self, models: Models) -> Self {
        self = self.detector(models.detector).embedder(models.embedder);
        if let Some(second_look) = models.second_look {
            self = self.second_look(second_look);
        }
        if let Some(liveness) = models.liveness {
            self = self.liveness(liveness);
        }
        if let Some(calibration) = models.calibration {
            self = self.calibration(calibration);
        }
        if let Some(limits) = models.challenge_limits {
            self = self.challenge_limits(limits);
        }
        self
    }
}

fn wrong_task(entry: &ModelEntry, wanted: Task) -> Error {
    Error::argument(
        "model",
        format!(
            "{} is a model for {}, not for {wanted}",
            entry.name,
            entry.task()
        ),
    )
}
