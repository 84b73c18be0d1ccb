//! Selections: lists of sets and models, and the models that they name.

use super::{ModelEntry, Registry, Task};
use crate::{
    calibration::Calibration,
    challenge::ChallengeLimits,
    detect::SecondLookSpec,
    embed::{EmbeddingSpace, Recognizability},
    error::Result,
};

/// The set that a selection starts with.
const STANDARD: &str = "standard";

impl Registry {
    /// The models that a selection names. A selection is a comma-separated list of sets and models.
    ///
    /// The list is read from left to right, and starts with the models of the set `standard`. A set replaces all models, a
    /// detector the detector, an embedder the embedder. The first liveness model replaces the liveness models of the set;
    /// further ones are added. The second look of a set stays, unless an embedder is named that was not measured with it:
    /// its rates would be unknown.
    ///
    /// ```
    /// use facekit::Registry;
    ///
    /// let models = Registry::builtin().resolve("standard,scrfd_500m")?;
    /// assert_eq!(models.detector.name, "scrfd_500m");
    /// assert_eq!(models.embedder.name, "mobilefacenet");
    /// assert_eq!(models.liveness.len(), 2);
    /// # Ok::<(), facekit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`](crate::Error::UnknownModel) for the first unknown name.
    pub fn resolve(&self, selection: &str) -> Result<ModelSet> {
        let mut parts = self.parts(STANDARD)?;
        let mut liveness_named = false;
        for name in names(selection) {
            if self.sets.contains_key(name) {
                parts = self.parts(name)?;
                liveness_named = false;
                continue;
            }
            let model = self.model(name)?.clone();
            match model.task() {
                Task::Detector => parts.detector = model,
                Task::Embedder => {
                    parts.embedder = model;
                    if let Some(landmarks) = &parts.landmarks
                        && parts.embedder.second_look(&landmarks.spec()).is_none()
                    {
                        parts.landmarks = None;
                    }
                }
                Task::Liveness => {
                    if !liveness_named {
                        parts.liveness.clear();
                        liveness_named = true;
                    }
                    if !parts.liveness.iter().any(|other| other.name == model.name) {
                        parts.liveness.push(model);
                    }
                }
            }
        }
        Ok(parts)
    }

    fn parts(&self, set: &str) -> Result<ModelSet> {
        let set = self.set(set)?;
        Ok(ModelSet {
            detector: self.model(&set.detector)?.clone(),
            landmarks: match &set.landmarks {
                None => None,
                Some(name) => Some(LandmarksModel {
                    model: self.model(name)?.clone(),
                    mirrored: set.mirrored,
                }),
            },
            embedder: self.model(&set.embedder)?.clone(),
            liveness: set
                .liveness
                .iter()
                .map(|name| self.model(name).cloned())
                .collect::<Result<_>>()?,
        })
    }

    /// All models in a comma-separated list of sets and models, once each, in order. Unlike with
    /// [`resolve`](Self::resolve), no model replaces another, and none is added.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`](crate::Error::UnknownModel) for the first unknown name.
    pub fn members(&self, names: &str) -> Result<Vec<&ModelEntry>> {
        let mut members: Vec<&ModelEntry> = Vec::new();
        for name in self::names(names) {
            let found = match self.sets.get(name) {
                Some(set) => set
                    .members()
                    .map(|member| self.model(member))
                    .collect::<Result<_>>()?,
                None => vec![self.model(name)?],
            };
            for model in found {
                if !members.iter().any(|other| other.name == model.name) {
                    members.push(model);
                }
            }
        }
        Ok(members)
    }
}

/// The models of a recognizer, as [`Registry::resolve`] returns them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelSet {
    /// The detector.
    pub detector: ModelEntry,
    /// The detector of the second look; `None` if there is no second look.
    pub landmarks: Option<LandmarksModel>,
    /// The embedder.
    pub embedder: ModelEntry,
    /// The liveness models. Without one there is no liveness check.
    pub liveness: Vec<ModelEntry>,
}

/// The detector of a second look, in a [`ModelSet`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LandmarksModel {
    /// The detector.
    pub model: ModelEntry,
    /// True if the landmarks are the mean of those in the window and in its mirror image.
    pub mirrored: bool,
}

impl LandmarksModel {
    /// The specification of the second look.
    #[must_use]
    pub fn spec(&self) -> SecondLookSpec {
        SecondLookSpec {
            weights: self.model.exports[0].sha256,
            mirrored: self.mirrored,
        }
    }
}

impl ModelSet {
    /// All models, once each: the detector, the detector of the second look, the embedder, then the liveness models.
    pub fn models(&self) -> impl Iterator<Item = &ModelEntry> {
        let landmarks = self.landmarks.iter().map(|landmarks| &landmarks.model);
        std::iter::once(&self.detector)
            .chain(landmarks.filter(|model| model.name != self.detector.name))
            .chain(std::iter::once(&self.embedder))
            .chain(&self.liveness)
    }

    /// The same models without a second look.
    ///
    /// ```
    /// use facekit::Registry;
    ///
    /// let set = Registry::builtin().resolve("standard")?.without_second_look();
    /// assert_eq!(set.space(), set.embedder.space());
    /// # Ok::<(), facekit::Error>(())
    /// ```
    #[must_use]
    pub fn without_second_look(mut self) -> Self {
        self.landmarks = None;
        self
    }

    /// The embedding space: that of the embedder, or that of the embedder with the second look. `None` if the embedder's entry
    /// is not that of an embedder.
    #[must_use]
    pub fn space(&self) -> Option<EmbeddingSpace> {
        let plain = self.embedder.space()?;
        let landmarks = self.landmarks.as_ref();
        let space = landmarks.map_or_else(|| plain.clone(), |look| look.spec().space(&plain));
        Some(match self.recognizability() {
            None => space,
            Some(recognizability) => recognizability.correction().space(&space),
        })
    }

    /// The calibration of this embedding space; `None` if it was not measured.
    #[must_use]
    pub fn calibration(&self) -> Option<&Calibration> {
        match &self.landmarks {
            None => self.embedder.calibration.as_ref(),
            Some(look) => self
                .embedder
                .second_look(&look.spec())?
                .calibration
                .as_ref(),
        }
    }

    /// The recognizability of embeddings of this space; `None` if it was not measured.
    #[must_use]
    pub fn recognizability(&self) -> Option<&Recognizability> {
        match &self.landmarks {
            None => self.embedder.recognizability.as_ref(),
            Some(look) => self
                .embedder
                .second_look(&look.spec())?
                .recognizability
                .as_ref(),
        }
    }

    /// The limits of a [`Challenge`](crate::Challenge) for the landmarks of these models: those of the second look, or else of the
    /// detector. `None` if they were not measured; then the models offer no challenge.
    #[must_use]
    pub fn challenge(&self) -> Option<&ChallengeLimits> {
        match &self.landmarks {
            None => self.detector.challenge.as_ref(),
            Some(look) => {
                let limits = look.model.challenge.as_ref();
                limits.filter(|limits| limits.mirrored == look.mirrored)
            }
        }
    }

    /// Sets the calibration of this embedding space in the embedder's entry.
    pub fn set_calibration(&mut self, calibration: Option<Calibration>) {
        match &self.landmarks {
            None => self.embedder.calibration = calibration,
            Some(look) => {
                let (name, spec) = (look.model.name.clone(), look.spec());
                self.embedder.second_look_mut(&name, spec).calibration = calibration;
            }
        }
    }

    /// Sets the recognizability of embeddings of this space in the embedder's entry.
    pub fn set_recognizability(&mut self, recognizability: Option<Recognizability>) {
        match &self.landmarks {
            None => self.embedder.recognizability = recognizability,
            Some(look) => {
                let (name, spec) = (look.model.name.clone(), look.spec());
                self.embedder.second_look_mut(&name, spec).recognizability = recognizability;
            }
        }
    }
}

/// The names of a comma-separated list.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}
