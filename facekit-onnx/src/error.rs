//! The error of a file that is not as it should be.

use facekit::{Error, Model};

/// An [`Error::Model`] with this reason.
pub fn invalid(model: &Model, reason: impl Into<String>) -> Error {
    Error::Model {
        model: model.name().to_owned(),
        reason: reason.into(),
        source: None,
    }
}
