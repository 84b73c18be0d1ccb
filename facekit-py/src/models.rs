//! The known models, and downloads of models.

use std::path::PathBuf;

use facekit::{FileState, PullOptions, Registry, Result};
use pyo3::{prelude::*, types::PyTuple};
use serde::{Deserialize, Serialize};

use crate::{
    value::{self, value_class},
    work,
};

/// The known models: those of the manifest, those that are part of facekit, and those that the user's models folder adds.
pub(crate) fn registry(folder: Option<PathBuf>) -> Result<Registry> {
    let registry = facekit_nano::registry();
    match folder {
        Some(folder) => registry.read_folder(folder),
        None => registry.read_env(),
    }
}

/// A known model.
///
/// >>> import facekit
/// >>> nano = next(model for model in facekit.models.list() if model.name == "nano_embedder")
/// >>> nano.task, nano.bundled, nano.commercial_use
/// ('embedder', True, True)
#[pyclass(frozen, eq, get_all, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelInfo {
    /// The name that selects it.
    name: String,
    /// The task: "detector", "embedder" or "liveness".
    task: String,
    /// The name of its file in the models folder.
    file: String,
    /// True if the model can be loaded: its file is in the folder and has the right digest, or it is part of facekit.
    available: bool,
    /// True if it is part of facekit and needs no file.
    bundled: bool,
    /// The license of the weights, as an SPDX expression or a text.
    license: String,
    /// True if the license allows commercial use.
    commercial_use: bool,
    /// The origin of the weights.
    source: String,
    /// The known accuracy, as a text.
    accuracy: Option<String>,
    /// True if facekit's tests run it.
    tested: bool,
    /// The size of its file in bytes, if it is known.
    bytes: Option<u64>,
}

value_class!(ModelInfo {
    fn __repr__(&self) -> String {
        let state = match (self.bundled, self.available) {
            (true, _) => "part of facekit",
            (_, true) => "available",
            _ => "not downloaded",
        };
        format!("<ModelInfo {:?}, {}, {}, {state}>", self.name, self.task, self.license)
    }
});

/// A set of models for a recognizer.
///
/// >>> import facekit
/// >>> nano = next(found for found in facekit.models.sets() if found.name == "nano")
/// >>> nano.detector, nano.embedder
/// ('nano_detector', 'nano_embedder')
#[pyclass(frozen, eq, get_all, module = "facekit")]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SetInfo {
    /// The name that selects it.
    name: String,
    /// The model that detects faces.
    detector: String,
    /// The model of the second look at each face; None if the set has no second look.
    landmarks: Option<String>,
    /// The model that embeds faces.
    embedder: String,
    /// The models that check liveness; empty if the set has none.
    liveness: Vec<String>,
}

value_class!(SetInfo {
    fn __repr__(&self) -> String {
        let mut members = vec![self.detector.as_str(), self.embedder.as_str()];
        members.extend(self.liveness.iter().map(String::as_str));
        format!("<SetInfo {:?}: {}>", self.name, members.join(", "))
    }
});

/// See facekit.models.list.
#[pyfunction]
#[pyo3(name = "_models_list", signature = (folder = None))]
pub(crate) fn models_list(py: Python<'_>, folder: Option<PathBuf>) -> PyResult<Vec<ModelInfo>> {
    work::detached(py, || {
        let registry = registry(folder)?;
        registry
            .models()
            .map(|entry| {
                let state = registry.verify(&entry.name)?;
                Ok(ModelInfo {
                    name: entry.name.clone(),
                    task: entry.task().to_string(),
                    file: entry.file.clone(),
                    available: matches!(
                        state,
                        FileState::Bundled { .. } | FileState::Verified { .. }
                    ),
                    bundled: matches!(state, FileState::Bundled { .. }),
                    license: entry.license.clone(),
                    commercial_use: entry.commercial_use,
                    source: entry.source.clone(),
                    accuracy: entry.accuracy.clone(),
                    tested: entry.tested,
                    bytes: entry.exports.first().and_then(|export| export.bytes),
                })
            })
            .collect()
    })
}

/// See facekit.models.sets.
#[pyfunction]
#[pyo3(name = "_models_sets", signature = (folder = None))]
pub(crate) fn models_sets(py: Python<'_>, folder: Option<PathBuf>) -> PyResult<Vec<SetInfo>> {
    work::detached(py, || {
        let registry = registry(folder)?;
        Ok(registry
            .sets()
            .map(|set| SetInfo {
                name: set.name.clone(),
                detector: set.detector.clone(),
                landmarks: set.landmarks.clone(),
                embedder: set.embedder.clone(),
                liveness: set.liveness.clone(),
            })
            .collect())
    })
}

/// See facekit.models.folder.
#[pyfunction]
#[pyo3(name = "_models_folder")]
pub(crate) fn models_folder(py: Python<'_>) -> PyResult<PathBuf> {
    work::detached(py, || Ok(registry(None)?.folder().to_owned()))
}

/// See facekit.models.pull.
#[pyfunction]
#[pyo3(name = "_models_pull", signature = (names, folder, accept_non_commercial, mirror, progress))]
pub(crate) fn models_pull(
    py: Python<'_>,
    names: &str,
    folder: Option<PathBuf>,
    accept_non_commercial: bool,
    mirror: Option<String>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<PathBuf>> {
    work::watched(py, progress, |watch| {
        let registry = registry(folder)?;
        let mut options = PullOptions::default()
            .with_accept_non_commercial(accept_non_commercial)
            .with_watch(watch);
        options.mirror = mirror;
        let reports = registry.pull_all(names, &options)?;
        Ok(reports.into_iter().map(|report| report.path).collect())
    })
}
