//! What can go wrong, in facekit's terms.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use facekit::{Error, Model};

/// The runtime's name, as errors and `Display` give it.
pub(crate) const NAME: &str = "ort";

/// ONNX Runtime cannot make `model` ready to run.
pub(crate) fn refused(model: &Model, error: ort::Error) -> Error {
    Error::Model {
        model: model.name().to_owned(),
        reason: "ONNX Runtime cannot prepare it".to_owned(),
        source: Some(error.into()),
    }
}

/// ONNX Runtime cannot run the model of this name on the inputs it was given.
pub(crate) fn failed(model: &str, error: ort::Error) -> Error {
    Error::Runtime {
        runtime: NAME,
        model: model.to_owned(),
        source: error.into(),
    }
}

/// No library of ONNX Runtime can be used.
pub(crate) fn no_library(reason: impl Into<String>) -> Error {
    Error::LibraryUnavailable {
        runtime: NAME,
        library: "ONNX Runtime",
        reason: reason.into(),
    }
}

/// Calls into ort, which panics where the library gives it what it does not expect.
pub(crate) fn guarded<T>(call: impl FnOnce() -> ort::Result<T>) -> ort::Result<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(ort::Error::new(format!("panicked: {}", said(&*panic)))))
}

fn said(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "no message"
    }
}
