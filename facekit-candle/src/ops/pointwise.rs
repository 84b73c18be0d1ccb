//! Nodes that compute a function of each value and nothing else.

use candle_core::{Tensor, bail};

use crate::{
    error::Result,
    node::Node,
    operator::{Inputs, Operator},
    pointwise::Pointwise,
};

/// A node that is one pointwise function.
pub(super) struct PointwiseOperator {
    function: Pointwise,
    own_kernels: bool,
    /// Refuses tensors of other ranks than 4, in which ONNX would count the channels along another dimension.
    images_only: bool,
}

impl PointwiseOperator {
    pub(super) fn new(function: Pointwise, node: &Node<'_>) -> Self {
        Self {
            function,
            own_kernels: node.target.own_kernels,
            images_only: false,
        }
    }

    pub(super) fn images_only(mut self) -> Self {
        self.images_only = true;
        self
    }
}

impl Operator for PointwiseOperator {
    fn is_fresh(&self) -> bool {
        self.own_kernels
    }

    fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        let x = inputs.floats(0)?;
        if self.images_only && x.rank() != 4 {
            bail!("{:?} is not a batch of images", x.dims());
        }
        let y = if self.own_kernels {
            self.function.apply_on_cpu(x)?
        } else {
            self.function.apply_with_candle(x)?
        };
        Ok(vec![y])
    }

    fn pointwise(&self) -> Option<&Pointwise> {
        Some(&self.function)
    }
}
