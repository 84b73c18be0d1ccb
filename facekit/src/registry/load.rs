use super::{HeadSpec, ModelEntry, Registry};
use crate::{
    calibration::Calibration,
    detect::{Detector, Scrfd, YuNet},
    embed::{ArcFace, Embedder},
    error::{Error, Result},
    liveness::{Liveness, MiniFasNet},
    recognize::RecognizerBuilder,
    registry::Task,
    runtime::{LoadOptions, Runtime},
};

/// The models of a recogniser, loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Models {
    /// What finds faces.
    pub detector: Box<dyn Detector>,
    /// What turns faces into embeddings.
    pub embedder: Box<dyn Embedder>,
    /// What tells living faces from prints and screens; `None` where the selection names nothing for it.
    pub liveness: Option<Box<dyn Liveness>>,
    /// What the embedder's scores mean, where its manifest entry says.
    pub calibration: Option<Calibration>,
}

impl Models {
    /// Models from elsewhere, without liveness check and calibration.
    #[must_use]
    pub fn new(detector: Box<dyn Detector>, embedder: Box<dyn Embedder>) -> Self {
        Self {
            detector,
            embedder,
            liveness: None,
            calibration: None,
        }
    }
}

impl Registry {
    /// Loads a selection of models (see [`resolve`](Self::resolve)) on `runtime`: everything a
    /// [`Recognizer`](crate::Recognizer) needs.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`], [`Error::ModelMissing`] for a file that has not been pulled, [`Error::HashMismatch`] for one that
    /// is not the model, [`Error::Model`] for one the runtime cannot run.
    pub fn load(
        &self,
        selection: &str,
        runtime: &dyn Runtime,
        options: &LoadOptions,
    ) -> Result<Models> {
        let set = self.resolve(selection)?;
        let liveness: Vec<&str> = set
            .liveness
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        Ok(Models {
            detector: self.load_detector(&set.detector.name, runtime, options)?,
            embedder: self.load_embedder(&set.embedder.name, runtime, options)?,
            liveness: if liveness.is_empty() {
                None
            } else {
                Some(self.load_liveness(&liveness, runtime, options)?)
            },
            calibration: set.embedder.calibration,
        })
    }

    /// Loads one detector.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::InvalidArgument`] where `name` is no detector.
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

    /// Loads one embedder. Its space does not depend on which of the accepted exports the file is.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::InvalidArgument`] where `name` is no embedder.
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

    /// Loads liveness models, whose answers are averaged.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::InvalidArgument`] where one of `names` is no liveness model, or there is none.
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
    /// All loaded models at once: detector, embedder, liveness and calibration. What is set after this wins.
    pub fn models(mut self, models: Models) -> Self {
        self = self.detector(models.detector).embedder(models.embedder);
        if let Some(liveness) = models.liveness {
            self = self.liveness(liveness);
        }
        if let Some(calibration) = models.calibration {
            self = self.calibration(calibration);
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
