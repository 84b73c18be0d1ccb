//! Errors of facekit as exceptions of Python. Only this file maps one to the other. The classes are in `errors.py`.

use std::{error::Error as _, fmt::Write as _};

use facekit::Error;
use pyo3::{
    prelude::*,
    types::{PyDict, PyType},
};

/// The exception for an error. The error's fields become attributes, and its causes become part of the message.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    let fields = PyDict::new(py);
    let class = class_and_fields(error, &fields).and_then(|name| class(py, name));
    let mut message = match error {
        Error::ModelMissing { model, path } => format!(
            "model {model}: not found at {}; facekit.models.pull({model:?}) downloads it",
            path.display()
        ),
        error => error.to_string(),
    };
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string cannot fail.
        let _ = write!(message, ": caused by {cause}");
        source = cause.source();
    }
    class
        .and_then(|class| class.call((message,), Some(&fields)))
        .map_or_else(|error| error, PyErr::from_value)
}

/// The class for an error. A test checks that every variant has one.
fn class_and_fields(error: &Error, fields: &Bound<'_, PyDict>) -> PyResult<&'static str> {
    Ok(match error {
        Error::Cancelled => "CancelledError",
        Error::DeviceUnavailable { device, .. } => {
            fields.set_item("device", device)?;
            "DeviceUnavailableError"
        }
        Error::FileDamaged { path, .. } => {
            fields.set_item("path", path)?;
            "GalleryDamagedError"
        }
        Error::FileLocked { path } => {
            fields.set_item("path", path)?;
            "GalleryLockedError"
        }
        Error::FileVersion { path, .. } => {
            fields.set_item("path", path)?;
            "GalleryVersionError"
        }
        Error::HashMismatch {
            what,
            expected,
            actual,
        } => {
            fields.set_item("what", what)?;
            fields.set_item("expected", expected)?;
            fields.set_item("actual", actual)?;
            "HashMismatchError"
        }
        Error::Image { name, .. } => {
            fields.set_item("name", name)?;
            "ImageError"
        }
        Error::ImageTooLarge { name, .. } => {
            fields.set_item("name", name)?;
            "ImageTooLargeError"
        }
        Error::InvalidArgument { argument, .. } => {
            fields.set_item("argument", argument)?;
            "InvalidArgumentError"
        }
        Error::InvalidEmbedding { .. } => "InvalidEmbeddingError",
        Error::InvalidPersonId { id, .. } => {
            fields.set_item("id", id)?;
            "InvalidPersonIdError"
        }
        Error::Io { path, source, .. } => {
            fields.set_item("path", path)?;
            fields.set_item("errno", source.raw_os_error())?;
            match source.kind() {
                std::io::ErrorKind::NotFound => "FileMissingError",
                std::io::ErrorKind::AlreadyExists => "FileAlreadyExistsError",
                std::io::ErrorKind::PermissionDenied => "FilePermissionError",
                _ => "IoError",
            }
        }
        Error::Key { what, .. } => {
            fields.set_item("what", what)?;
            "KeyRefusedError"
        }
        Error::LibraryUnavailable { library, .. } => {
            fields.set_item("library", library)?;
            "LibraryUnavailableError"
        }
        Error::Manifest { origin, .. } => {
            fields.set_item("origin", origin)?;
            "ManifestError"
        }
        Error::Model { model, .. } => {
            fields.set_item("model", model)?;
            "ModelError"
        }
        Error::ModelMissing { model, path } => {
            fields.set_item("model", model)?;
            fields.set_item("path", path)?;
            "ModelMissingError"
        }
        Error::Network { url, .. } => {
            fields.set_item("url", url)?;
            "NetworkError"
        }
        Error::NonCommercial { model, license } => {
            fields.set_item("model", model)?;
            fields.set_item("license", license)?;
            "NonCommercialError"
        }
        Error::RateOutOfRange {
            asked, low, high, ..
        } => {
            fields.set_item("asked", asked)?;
            fields.set_item("low", low)?;
            fields.set_item("high", high)?;
            "RateOutOfRangeError"
        }
        Error::Runtime { runtime, model, .. } => {
            fields.set_item("runtime", runtime)?;
            fields.set_item("model", model)?;
            "RuntimeFailedError"
        }
        Error::SpaceMismatch { expected, found } => {
            fields.set_item("expected", expected)?;
            fields.set_item("found", found)?;
            "SpaceMismatchError"
        }
        Error::Store { store, .. } => {
            fields.set_item("store", store)?;
            "StoreError"
        }
        Error::Tensor { model, .. } => {
            fields.set_item("model", model)?;
            "TensorError"
        }
        Error::Uncalibrated { space } => {
            fields.set_item("space", space)?;
            "UncalibratedError"
        }
        Error::UnknownModel { name, closest, .. } => {
            fields.set_item("name", name)?;
            fields.set_item("closest", closest)?;
            "UnknownModelError"
        }
        Error::UnknownPerson { id } => {
            fields.set_item("id", id)?;
            "UnknownPersonError"
        }
        _ => "FacekitError",
    })
}

/// The error for an argument that is not accepted.
pub(crate) fn argument(py: Python<'_>, argument: &'static str, reason: impl ToString) -> PyErr {
    to_python(py, &Error::argument(argument, reason.to_string()))
}

/// An error of the attendance rules: a policy, a calendar or records are invalid.
pub(crate) fn attendance(py: Python<'_>, error: &attendance_rules::Error) -> PyErr {
    new(py, "AttendanceError", &error.to_string())
}

/// The error for the use of an object in a process that was forked off the one that made it.
pub(crate) fn forked(py: Python<'_>, class: &str, process: u32) -> PyErr {
    new(
        py,
        "ForkedError",
        &format!(
            "this {class} was made in process {process}, and process {} was forked off that one, without its threads and locks; \
             make a new one in the child, or start children with multiprocessing.set_start_method(\"spawn\")",
            std::process::id()
        ),
    )
}

/// The error for a panic: a defect, which must not end the program.
pub(crate) fn panicked(py: Python<'_>, message: &str) -> PyErr {
    new(
        py,
        "InternalError",
        &format!("a defect in facekit or in a library that it uses: {message}"),
    )
}

fn new(py: Python<'_>, name: &str, message: &str) -> PyErr {
    class(py, name)
        .and_then(|class| class.call1((message,)))
        .map_or_else(|error| error, PyErr::from_value)
}

fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    let class = py.import("facekit.errors")?.getattr(name)?;
    Ok(class.cast_into::<PyType>()?)
}
