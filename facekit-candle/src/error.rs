//! Errors, as facekit reports them.

use facekit::{Error, Model};

/// The runtime's name, in errors and from `Display`.
pub(crate) const NAME: &str = "candle";

/// The result of reading or running one node. Errors of this crate are in candle's type, too.
pub(crate) type Result<T, E = candle_core::Error> = std::result::Result<T, E>;

/// `model` cannot be prepared; `context` names the node or tensor that is the reason.
pub(crate) fn cannot_prepare(model: &Model, context: String, source: candle_core::Error) -> Error {
    Error::Model {
        model: model.name().to_owned(),
        reason: context,
        source: Some(source.into()),
    }
}

/// The model of this name cannot be run on the inputs it was given.
pub(crate) fn cannot_run(model: &str, error: StepError) -> Error {
    Error::Runtime {
        runtime: NAME,
        model: model.to_owned(),
        source: error.into(),
    }
}

/// The error of one step of a run.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub(crate) struct StepError {
    /// The node and its operator, or the input or output.
    pub(crate) context: String,
    pub(crate) source: candle_core::Error,
}
