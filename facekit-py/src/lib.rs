//! The native part of the Python package `facekit`: facekit's types behind Python interfaces. The doc comments of classes and
//! functions are their docstrings in Python.

#![allow(
    clippy::needless_pass_by_value,
    reason = "PyO3 passes arguments by value"
)]

use pyo3::prelude::*;

mod analysis;
mod attendance;
mod challenge;
mod detection;
mod embedding;
mod errors;
mod gallery;
mod image;
mod index;
mod key;
mod many;
mod models;
mod options;
mod pickle;
mod pipeline;
mod process;
mod quality;
mod recognition;
mod recognizer;
mod reports;
mod runtime;
mod store;
mod tracker;
mod value;
mod work;

/// The native part of facekit; import `facekit` instead.
#[pymodule(gil_used = false)]
mod _facekit {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::{
        analysis::{Analysis, AnalyzedFace},
        attendance::{Rules, sightings},
        challenge::{Challenge, ChallengePrompt, ChallengeVerdict},
        detection::{Box, Detection},
        embedding::{Embedding, EmbeddingSpace},
        gallery::{CheckReport, Gallery, Person, Template},
        image::encode_jpeg,
        index::Index,
        many::RecognizeMany,
        models::{ModelInfo, SetInfo, models_folder, models_list, models_pull, models_sets},
        pickle::restore,
        quality::{HeadPose, Quality, QualityIssue},
        recognition::{Candidate, Identity, Recognition},
        recognizer::Recognizer,
        reports::{ComparedPhoto, EnrollReport, Mismatch, RefusedPhoto, Resemblance, Verification},
        tracker::{Shot, Track, TrackEvent, Tracker},
    };

    /// Loads NumPy with the module. Later, an interpreter that is shutting down could not load it.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.py().import("numpy")?;
        let _bytes = numpy::dtype::<u8>(module.py());
        Ok(())
    }

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "its name in Python")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
