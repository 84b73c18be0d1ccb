//! Errors, as facekit reports them.

use facekit::{Error, Model, catch_panic};

/// The runtime's name, in errors and from `Display`.
pub(crate) const NAME: &str = "ort";

/// ONNX Runtime cannot prepare `model`.
pub(crate) fn cannot_prepare(model: &Model, error: ort::Error) -> Error {
    Error::Model {
        model: model.name().to_owned(),
        reason: "ONNX Runtime cannot prepare it".to_owned(),
        source: Some(error.into()),
    }
}

/// ONNX Runtime cannot run the model of this name on the inputs it was given.
pub(crate) fn cannot_run(model: &str, error: ort::Error) -> Error {
    Error::Runtime {
        runtime: NAME,
        model: model.to_owned(),
        source: error.into(),
    }
}

/// There is no usable library of ONNX Runtime.
pub(crate) fn no_library(reason: impl Into<String>) -> Error {
    Error::LibraryUnavailable {
        runtime: NAME,
        library: "ONNX Runtime",
        reason: reason.into(),
    }
}

/// Runs `call`, and turns a panic into an error: ort panics when the library returns something unexpected.
pub(crate) fn catch_panics<T>(call: impl FnOnce() -> ort::Result<T>) -> ort::Result<T> {
    catch_panic(call).unwrap_or_else(|text| Err(ort::Error::new(format!("panicked: {text}"))))
}
