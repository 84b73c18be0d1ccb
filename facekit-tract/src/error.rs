//! Errors, as facekit reports them.

use facekit::{Error, Model, catch_panic};
use tract_onnx::prelude::{TractError, TractResult};

/// The runtime's name, in errors and from `Display`.
pub(crate) const NAME: &str = "tract";

/// tract cannot prepare `model`.
pub(crate) fn cannot_prepare(model: &Model, error: TractError) -> Error {
    Error::Model {
        model: model.name().to_owned(),
        reason: format!("{NAME} cannot prepare it"),
        source: Some(error.into()),
    }
}

/// tract cannot run the model of this name on the inputs it was given.
pub(crate) fn cannot_run(model: &str, error: TractError) -> Error {
    Error::Runtime {
        runtime: NAME,
        model: model.to_owned(),
        source: error.into(),
    }
}

/// Runs `call`, and turns a panic into an error.
///
/// tract panics with `index out of bounds` on damaged models and on some values of inputs: in the shape rules of Transpose
/// (tract-hir `permute_axes.rs`) and Flatten (`flatten.rs`), and in Conv and pooling (tract-core `cnn/patches.rs`,
/// `cnn/padding.rs`), if attributes do not fit the rank; and in Gather (`gather.rs`), if an index is out of range, which an
/// input of a run may contain.
pub(crate) fn catch_panics<T>(call: impl FnOnce() -> TractResult<T>) -> TractResult<T> {
    catch_panic(call).unwrap_or_else(|text| Err(TractError::msg(format!("panicked: {text}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let error = catch_panics(|| -> TractResult<()> { panic!("index {} of 3", 7) }).unwrap_err();
        assert_eq!(error.to_string(), "panicked: index 7 of 3");
    }
}
