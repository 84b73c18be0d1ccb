//! Levels of graph optimization.

use ort::session::builder::GraphOptimizationLevel;

/// How far ONNX Runtime may rewrite a graph when it loads one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Optimization {
    /// Not at all.
    None,
    /// Removes and joins nodes. Constants are computed once, and batch normalization becomes part of convolutions.
    Basic,
    /// Also joins nodes into operators that only ONNX Runtime has.
    Extended,
    /// Also arranges tensors in memory as the processor computes fastest.
    #[default]
    All,
}

impl Optimization {
    pub(crate) fn level(self) -> GraphOptimizationLevel {
        match self {
            Self::None => GraphOptimizationLevel::Disable,
            Self::Basic => GraphOptimizationLevel::Level1,
            Self::Extended => GraphOptimizationLevel::Level2,
            Self::All => GraphOptimizationLevel::All,
        }
    }
}
