//! What results have in common: as a dictionary, and pickled. Both go through the JSON that the command prints.

use facekit::{Error, jiff::Timestamp};
use pyo3::{prelude::*, types::PyTuple};
use serde::{Serialize, de::DeserializeOwned};

use crate::{embedding, errors, gallery, models, quality, reports, results};

/// The value as Python's own types, with the keys of `facekit --json`.
pub(crate) fn to_dict<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?
        .call_method1("loads", (to_json(py, value)?,))
}

/// What `__reduce__` returns: how to make the value again.
pub(crate) fn reduce<'py>(
    py: Python<'py>,
    class: &str,
    value: &impl Serialize,
) -> PyResult<Bound<'py, PyTuple>> {
    let restore = py.import("facekit._facekit")?.getattr("_restore")?;
    (restore, (class, to_json(py, value)?)).into_pyobject(py)
}

pub(crate) fn to_json(py: Python<'_>, value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| errors::argument(py, "value", error))
}

/// The time as a datetime in UTC, to the microsecond.
pub(crate) fn datetime<'py>(py: Python<'py>, time: Timestamp) -> PyResult<Bound<'py, PyAny>> {
    let datetime = py.import("datetime")?;
    let utc = datetime.getattr("timezone")?.getattr("utc")?;
    let epoch = datetime
        .getattr("datetime")?
        .call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
    epoch.add(
        datetime
            .getattr("timedelta")?
            .call1((0, 0, time.as_microsecond()))?,
    )
}

/// For pickle alone.
#[pyfunction]
#[pyo3(name = "_restore")]
pub(crate) fn restore<'py>(
    py: Python<'py>,
    class: &str,
    json: &str,
) -> PyResult<Bound<'py, PyAny>> {
    fn read<T: DeserializeOwned>(py: Python<'_>, json: &str) -> PyResult<T> {
        serde_json::from_str(json).map_err(|error| {
            let reason = format!("does not hold what facekit pickled: {error}");
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
        "Box": results::Box,
        "Candidate": results::Candidate,
        "CheckReport": gallery::CheckReport,
        "Detection": results::Detection,
        "Embedding": embedding::Embedding,
        "EmbeddingSpace": embedding::EmbeddingSpace,
        "EnrollReport": reports::EnrollReport,
        "HeadPose": quality::HeadPose,
        "Identity": results::Identity,
        "ModelInfo": models::ModelInfo,
        "Person": gallery::Person,
        "Quality": quality::Quality,
        "QualityIssue": quality::QualityIssue,
        "Recognition": results::Recognition,
        "RefusedPhoto": reports::RefusedPhoto,
        "Resemblance": reports::Resemblance,
        "SetInfo": models::SetInfo,
        "Verification": reports::Verification,
    }
}
