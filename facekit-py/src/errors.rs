//! facekit's errors as Python's exceptions: the one place that knows which is which. The classes are in `errors.py`.

use std::{any::Any, error::Error as _, fmt::Write as _};

use facekit::Error;
use pyo3::{
    prelude::*,
    types::{PyDict, PyType},
};

/// The exception for an error, with the error's fields as attributes, and its causes in the message.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    let fields = PyDict::new(py);
    let class = class_and_fields(error, &fields).and_then(|name| class(py, name));
    let mut message = match error {
        Error::ModelMissing { model, path } => format!(
            "model {model}: not found at {}; fetch it with facekit.models.pull({model:?})",
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

/// The class for an error. The tests check that every variant has one.
fn class_and_fields(error: &Error, fields: &Bound<'_, PyDict>) -> PyResult<&'static str> {
    Ok(match error {
        Error::Cancelled => "CancelledError",
        Error::DeviceUnavailable { device, .. } => {
            fields.set_item("device", device)?;
            "DeviceUnavailableError"
        }
        Error::GalleryDamaged { path, .. } => {
            fields.set_item("path", path)?;
            "GalleryDamagedError"
        }
        Error::GalleryLocked { path } => {
            fields.set_item("path", path)?;
            "GalleryLockedError"
        }
        Error::GalleryVersion { path, .. } => {
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
                std::io::ErrorKind::AlreadyExists => "FileThereError",
                std::io::ErrorKind::PermissionDenied => "FileRefusedError",
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
            fields.set_item("licence", license)?;
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

/// An argument outside what is accepted: the core's error for it.
pub(crate) fn argument(py: Python<'_>, argument: &'static str, reason: impl ToString) -> PyErr {
    to_python(py, &Error::argument(argument, reason.to_string()))
}

/// What attendance rules refuse: a policy, a calendar or records that contradict themselves.
pub(crate) fn attendance(py: Python<'_>, error: &attendance_rules::Error) -> PyErr {
    new(py, "AttendanceError", &error.to_string())
}

/// `what` belongs to a process that this one was forked off.
pub(crate) fn forked(py: Python<'_>, what: &str, process: u32) -> PyErr {
    new(
        py,
        "ForkedError",
        &format!(
            "this {what} was made in process {process}, and process {} was forked off it, without its threads and locks; \
             make it in the child, or start children with multiprocessing.set_start_method(\"spawn\")",
            std::process::id()
        ),
    )
}

/// A panic below facekit: a defect, which must not end a program that watches a door.
pub(crate) fn panicked(py: Python<'_>, panic: &(dyn Any + Send)) -> PyErr {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words");
    new(
        py,
        "InternalError",
        &format!("a defect in facekit or a library below it: {words}"),
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
