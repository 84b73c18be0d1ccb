//! What can go wrong, in facekit's terms.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use facekit::{Error, Model};
use tract_onnx::prelude::{TractError, TractResult};

/// The runtime's name, as errors and `Display` give it.
pub(crate) const NAME: &str = "tract";

/// tract cannot make `model` ready to run.
pub(crate) fn refused(model: &Model, error: TractError) -> Error {
    Error::Model {
        model: model.name().to_owned(),
        reason: format!("{NAME} cannot prepare it"),
        source: Some(error.into()),
    }
}

/// tract cannot run the model of this name on the inputs it was given.
pub(crate) fn failed(model: &str, error: TractError) -> Error {
    Error::Runtime {
        runtime: NAME,
        model: model.to_owned(),
        source: error.into(),
    }
}

/// Calls into tract, which panics where a damaged model or an input's values lead it out of bounds: `index out of
/// bounds` in the shape rules of Transpose (tract-hir `permute_axes.rs`) and Flatten (`flatten.rs`) and in Conv
/// and pooling (tract-core `cnn/patches.rs`, `cnn/padding.rs`) when attributes do not fit the rank, and in Gather
/// (`gather.rs`) when an index is out of range, as a run's input may be. Those must be errors.
pub(crate) fn guarded<T>(call: impl FnOnce() -> TractResult<T>) -> TractResult<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(TractError::msg(format!("panicked: {}", said(&*panic)))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let error = guarded(|| -> TractResult<()> { panic!("index {} of 3", 7) }).unwrap_err();
        assert_eq!(error.to_string(), "panicked: index 7 of 3");
    }
}
