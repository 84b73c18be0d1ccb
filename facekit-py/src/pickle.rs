//! Values from pickles.

use facekit::Error;
use pyo3::prelude::*;
use serde::de::DeserializeOwned;

use crate::{
    challenge, detection, embedding, errors, gallery, models, quality, recognition, reports,
    tracker,
};

/// Makes a value again from its pickle. Only the pickle module calls it.
#[pyfunction]
#[pyo3(name = "_restore")]
pub(crate) fn restore<'py>(
    py: Python<'py>,
    class: &str,
    json: &str,
) -> PyResult<Bound<'py, PyAny>> {
    fn read<T: DeserializeOwned>(py: Python<'_>, json: &str) -> PyResult<T> {
        serde_json::from_str(json).map_err(|error| {
            let reason = format!("is not a value that facekit pickled: {error}");
            errors::to_python(py, &Error::argument("pickle", reason))
        })
    }
    macro_rules! classes {
        ($($name:literal: $class:path),* $(,)?) => {
            match class {
                $($name => Ok(read::<$class>(py, json)?.into_pyobject(py)?.into_any()),)*
                _ => Err(errors::argument(py, "pickle", format!("there is no class {class}"))),
            }
        };
    }
    classes! {
        "Box": detection::Box,
        "Candidate": recognition::Candidate,
        "ChallengePrompt": challenge::ChallengePrompt,
        "ChallengeVerdict": challenge::ChallengeVerdict,
        "CheckReport": gallery::CheckReport,
        "Detection": detection::Detection,
        "Embedding": embedding::Embedding,
        "EmbeddingSpace": embedding::EmbeddingSpace,
        "EnrollReport": reports::EnrollReport,
        "HeadPose": quality::HeadPose,
        "Identity": recognition::Identity,
        "ModelInfo": models::ModelInfo,
        "Person": gallery::Person,
        "Template": gallery::Template,
        "Quality": quality::Quality,
        "QualityIssue": quality::QualityIssue,
        "Recognition": recognition::Recognition,
        "RefusedPhoto": reports::RefusedPhoto,
        "Resemblance": reports::Resemblance,
        "Mismatch": reports::Mismatch,
        "ComparedPhoto": reports::ComparedPhoto,
        "Shot": tracker::Shot,
        "Track": tracker::Track,
        "TrackEvent": tracker::TrackEvent,
        "SetInfo": models::SetInfo,
        "Verification": reports::Verification,
    }
}
