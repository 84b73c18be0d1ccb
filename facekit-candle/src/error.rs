//! What can go wrong, in facekit's terms.

use facekit::{Error, Model};

/// The runtime's name, as errors and `Display` give it.
pub(crate) const NAME: &str = "candle";

/// What a step of a plan, or the reading of one, gives: candle's own errors, and ours in their form.
pub(crate) type Result<T, E = candle_core::Error> = std::result::Result<T, E>;

/// `model` cannot be made ready to run, because of the node that `at` describes.
pub(crate) fn refused(model: &Model, at: String, source: candle_core::Error) -> Error {
    Error::Model {
        model: model.name().to_owned(),
        reason: at,
        source: Some(source.into()),
    }
}

/// The model of this name cannot be run on the inputs it was given.
pub(crate) fn failed(model: &str, error: StepError) -> Error {
    Error::Runtime {
        runtime: NAME,
        model: model.to_owned(),
        source: error.into(),
    }
}

/// A node could not be computed.
#[derive(Debug, thiserror::Error)]
#[error("{at}")]
pub(crate) struct StepError {
    /// The node and its operator.
    pub(crate) at: String,
    pub(crate) source: candle_core::Error,
}
