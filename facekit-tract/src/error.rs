//! What can go wrong, in facekit's terms.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use facekit::Error;
use tract_onnx::prelude::{TractError, TractResult};

/// The runtime's name, as errors and `Display` give it.
pub(crate) const NAME: &str = "tract";

/// What is wrong with a model, or with a run of it.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The bytes are not an ONNX model.
    Damaged(TractError),
    /// The model contradicts itself, or uses what facekit has no type for.
    Invalid(String),
    /// An operator has no implementation.
    Unsupported {
        /// The node that needs it.
        node: String,
        /// The operator, with its domain where that is not ONNX's own.
        operator: String,
    },
    /// tract cannot make the model ready to run.
    Refused(TractError),
    /// tract cannot run the model on these inputs.
    Failed(TractError),
}

impl Problem {
    /// The error that names `model`.
    pub(crate) fn about(self, model: &str) -> Error {
        let model = model.to_owned();
        let (reason, source) = match self {
            Self::Damaged(error) => (
                "not an ONNX model, or damaged".to_owned(),
                Some(error.into()),
            ),
            Self::Invalid(reason) => (reason, None),
            Self::Unsupported { node, operator } => (
                format!("node {node:?}: operator {operator} is not supported by {NAME}"),
                None,
            ),
            Self::Refused(error) => (format!("{NAME} cannot prepare it"), Some(error.into())),
            Self::Failed(error) => {
                return Error::Runtime {
                    runtime: NAME,
                    model,
                    source: error.into(),
                };
            }
        };
        Error::Model {
            model,
            reason,
            source,
        }
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
    fn names_node_and_operator() {
        let problem = Problem::Unsupported {
            node: "Foo_3".to_owned(),
            operator: "NonMaxSuppression".to_owned(),
        };
        assert_eq!(
            problem.about("detector").to_string(),
            r#"model detector: node "Foo_3": operator NonMaxSuppression is not supported by tract"#
        );
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let error = guarded(|| -> TractResult<()> { panic!("index {} of 3", 7) }).unwrap_err();
        assert_eq!(error.to_string(), "panicked: index 7 of 3");
    }
}
