//! Selections: lists of sets and models, and the models that they name.

use super::{ModelEntry, Registry, Task};
use crate::error::Result;

/// The set that a selection starts with.
const STANDARD: &str = "standard";

impl Registry {
    /// The models that a selection names. A selection is a comma-separated list of sets and models.
    ///
    /// The list is read from left to right, and starts with the models of the set `standard`. A set replaces all models, a
    /// detector the detector, an embedder the embedder. The first liveness model replaces the liveness models of the set;
    /// further ones are added.
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
                Task::Embedder => parts.embedder = model,
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
    /// The embedder.
    pub embedder: ModelEntry,
    /// The liveness models. Without one there is no liveness check.
    pub liveness: Vec<ModelEntry>,
}

impl ModelSet {
    /// All models: the detector, the embedder, then the liveness models.
    pub fn models(&self) -> impl Iterator<Item = &ModelEntry> {
        [&self.detector, &self.embedder]
            .into_iter()
            .chain(&self.liveness)
    }
}

/// The names of a comma-separated list.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}
