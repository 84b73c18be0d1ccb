//! The form of an operator that is ready to run.

use candle_core::{DType, Tensor, bail};

use crate::{error::Result, node::Node, pointwise::Pointwise, tensor::to_ints};

/// Computes a node.
pub(crate) trait Operator: Send + Sync {
    /// Computes the outputs.
    fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>>;

    /// True if its outputs are on the CPU and share no memory with its inputs or with its own constants. The memory of such
    /// an output can be reused after the last step that reads it.
    fn is_fresh(&self) -> bool {
        false
    }

    /// The function of each value that it computes, if it computes nothing else.
    fn pointwise(&self) -> Option<&Pointwise> {
        None
    }

    /// Also computes `next` on each of its outputs from now on. Returns false, and changes nothing, if it cannot.
    fn absorb(&mut self, _next: &Pointwise) -> Result<bool> {
        Ok(false)
    }

    /// Called once, after the last call of `absorb` and before the first run.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The inputs of a node in one run. Optional inputs that are left out are `None`.
pub(crate) struct Inputs<'a>(pub(crate) &'a [Option<&'a Tensor>]);

impl<'a> Inputs<'a> {
    pub(crate) fn optional(&self, index: usize) -> Option<&'a Tensor> {
        self.0.get(index).copied().flatten()
    }

    pub(crate) fn get(&self, index: usize) -> Result<&'a Tensor> {
        match self.optional(index) {
            Some(tensor) => Ok(tensor),
            None => bail!("input {index} is missing"),
        }
    }

    /// An input that must hold `f32` and must not be empty: candle panics on types that it has no function for.
    pub(crate) fn floats(&self, index: usize) -> Result<&'a Tensor> {
        let tensor = self.get(index)?;
        if tensor.dtype() != DType::F32 {
            bail!(
                "input {index} holds {} instead of f32",
                tensor.dtype().as_str()
            );
        }
        if tensor.elem_count() == 0 {
            bail!("input {index} is empty, which is not supported");
        }
        Ok(tensor)
    }

    pub(crate) fn ints(&self, index: usize) -> Result<Vec<i64>> {
        to_ints(self.get(index)?)
    }

    /// All inputs, none of them left out.
    pub(crate) fn all(&self) -> Result<Vec<&'a Tensor>> {
        (0..self.0.len()).map(|index| self.get(index)).collect()
    }
}

/// An operator that was read from a node.
pub(crate) type NewOperator = Result<Box<dyn Operator>>;

/// An operator that is a function.
struct Function<F> {
    function: F,
    is_fresh: bool,
}

impl<F: Fn(&Inputs<'_>) -> Result<Vec<Tensor>> + Send + Sync> Operator for Function<F> {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
        (self.function)(inputs)
    }

    fn is_fresh(&self) -> bool {
        self.is_fresh
    }
}

/// An operator with one output.
pub(crate) fn one_output(
    node: &Node<'_>,
    function: impl Fn(&Inputs<'_>) -> Result<Tensor> + Send + Sync + 'static,
) -> NewOperator {
    check_one_output(node)?;
    any_outputs(move |inputs| Ok(vec![function(inputs)?]))
}

/// An operator with one output that is [fresh](Operator::is_fresh) if this crate's own loops compute it.
pub(crate) fn one_fresh_output(
    node: &Node<'_>,
    function: impl Fn(&Inputs<'_>) -> Result<Tensor> + Send + Sync + 'static,
) -> NewOperator {
    check_one_output(node)?;
    Ok(Box::new(Function {
        function: move |inputs: &Inputs<'_>| Ok(vec![function(inputs)?]),
        is_fresh: node.target.own_kernels,
    }))
}

fn check_one_output(node: &Node<'_>) -> Result<()> {
    match node.output_count() {
        1 => Ok(()),
        count => bail!("it has {count} outputs; one is supported"),
    }
}

/// An operator with any number of outputs.
pub(crate) fn any_outputs(
    function: impl Fn(&Inputs<'_>) -> Result<Vec<Tensor>> + Send + Sync + 'static,
) -> NewOperator {
    Ok(Box::new(Function {
        function,
        is_fresh: false,
    }))
}
