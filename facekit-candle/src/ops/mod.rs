//! The operators: each is one function that reads a node, checks all of it, and gives what computes it.

mod activation;
mod arithmetic;
mod conv;
mod layout;
mod matmul;
mod normalization;
mod pointwise;
mod pool;
mod reduce;
mod resize;
mod select;
mod window;

use candle_core::{DType, Tensor, bail};

use crate::{
    error::Result,
    node::{self, Node},
};

pub(crate) use self::{pointwise::Pointwise, window::Windows};

/// What computes a node.
pub(crate) trait Operator: Send + Sync {
    /// Computes the outputs.
    fn run(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>>;

    /// Whether its outputs share no memory with its inputs, nor with what it keeps, and it computes on the CPU.
    fn is_fresh(&self) -> bool {
        false
    }

    /// What it does to each value by itself, where that is all it does.
    fn pointwise(&self) -> Option<&Pointwise> {
        None
    }

    /// Takes over what the next operator does to each of its outputs; whether it could.
    fn absorb(&mut self, _next: &Pointwise) -> Result<bool> {
        Ok(false)
    }

    /// Is called once, when nothing more is absorbed and before the first run.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The inputs of a node, as a run gives them.
pub(crate) struct Inputs<'a>(pub(crate) &'a [Option<&'a Tensor>]);

impl<'a> Inputs<'a> {
    pub(crate) fn optional(&self, at: usize) -> Option<&'a Tensor> {
        self.0.get(at).copied().flatten()
    }

    pub(crate) fn get(&self, at: usize) -> Result<&'a Tensor> {
        match self.optional(at) {
            Some(tensor) => Ok(tensor),
            None => bail!("input {at} is missing"),
        }
    }

    /// An input that must hold `f32`, and some: candle panics where it has no function of another type.
    pub(crate) fn floats(&self, at: usize) -> Result<&'a Tensor> {
        let tensor = self.get(at)?;
        if tensor.dtype() != DType::F32 {
            bail!(
                "input {at} holds {} instead of f32",
                tensor.dtype().as_str()
            );
        }
        if tensor.elem_count() == 0 {
            bail!("input {at} is empty, which is not supported");
        }
        Ok(tensor)
    }

    pub(crate) fn ints(&self, at: usize) -> Result<Vec<i64>> {
        node::ints(self.get(at)?)
    }

    /// All of them, none left out.
    pub(crate) fn all(&self) -> Result<Vec<&'a Tensor>> {
        (0..self.0.len()).map(|at| self.get(at)).collect()
    }
}

type Made = Result<Box<dyn Operator>>;
type Read = fn(&Node<'_>) -> Made;

/// How operators are read from nodes, by name.
const OPERATORS: &[(&str, Read)] = &[
    ("Abs", arithmetic::abs),
    ("Add", arithmetic::add),
    ("AveragePool", pool::average_pool),
    ("BatchNormalization", normalization::batch_normalization),
    ("Cast", layout::cast),
    ("Clip", activation::clip),
    ("Concat", layout::concat),
    ("Constant", layout::constant),
    ("Conv", conv::conv),
    ("Div", arithmetic::div),
    ("Dropout", layout::dropout),
    ("Elu", activation::elu),
    ("Exp", arithmetic::exp),
    ("Expand", layout::expand),
    ("Flatten", layout::flatten),
    ("Gather", select::gather),
    ("Gemm", matmul::gemm),
    ("GlobalAveragePool", pool::global_average_pool),
    ("GlobalMaxPool", pool::global_max_pool),
    ("HardSigmoid", activation::hard_sigmoid),
    ("HardSwish", activation::hard_swish),
    ("Identity", layout::identity),
    ("LeakyRelu", activation::leaky_relu),
    ("MatMul", matmul::mat_mul),
    ("Max", arithmetic::max),
    ("MaxPool", pool::max_pool),
    ("Min", arithmetic::min),
    ("Mul", arithmetic::mul),
    ("Neg", arithmetic::neg),
    ("PRelu", activation::p_relu),
    ("Pad", select::pad),
    ("Pow", arithmetic::pow),
    ("ReduceL2", reduce::l2),
    ("ReduceMax", reduce::max),
    ("ReduceMean", reduce::mean),
    ("ReduceMin", reduce::min),
    ("ReduceSum", reduce::sum),
    ("Relu", activation::relu),
    ("Reshape", layout::reshape),
    ("Resize", resize::resize),
    ("Shape", layout::shape),
    ("Sigmoid", activation::sigmoid),
    ("Slice", select::slice),
    ("Softmax", activation::softmax),
    ("Split", select::split),
    ("Sqrt", arithmetic::sqrt),
    ("Squeeze", layout::squeeze),
    ("Sub", arithmetic::sub),
    ("Tanh", activation::tanh),
    ("Transpose", layout::transpose),
    ("Unsqueeze", layout::unsqueeze),
];

/// Whether there is an operator of this name.
pub(crate) fn is_known(name: &str) -> bool {
    OPERATORS.iter().any(|(known, _)| *known == name)
}

/// What computes `node`.
pub(crate) fn read(node: &Node<'_>) -> Made {
    let mut operators = OPERATORS.iter();
    match operators.find(|(name, _)| *name == node.operator()) {
        Some((_, read)) => read(node),
        None => bail!("it is not supported"),
    }
}

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
fn one(
    node: &Node<'_>,
    function: impl Fn(&Inputs<'_>) -> Result<Tensor> + Send + Sync + 'static,
) -> Made {
    if node.outputs() != 1 {
        bail!("it has {} outputs; one is supported", node.outputs());
    }
    several(move |inputs| Ok(vec![function(inputs)?]))
}

/// An operator with one output that is [fresh](Operator::is_fresh) where it computes by itself.
fn fresh(
    node: &Node<'_>,
    function: impl Fn(&Inputs<'_>) -> Result<Tensor> + Send + Sync + 'static,
) -> Made {
    if node.outputs() != 1 {
        bail!("it has {} outputs; one is supported", node.outputs());
    }
    Ok(Box::new(Function {
        function: move |inputs: &Inputs<'_>| Ok(vec![function(inputs)?]),
        is_fresh: node.target.kernels,
    }))
}

/// An operator with any number of outputs.
fn several(function: impl Fn(&Inputs<'_>) -> Result<Vec<Tensor>> + Send + Sync + 'static) -> Made {
    Ok(Box::new(Function {
        function,
        is_fresh: false,
    }))
}

/// The dimension that ONNX numbers `axis`, from the front or, below zero, from the back.
fn axis(axis: i64, rank: usize) -> Result<usize> {
    let from_front = if axis < 0 {
        usize::try_from(axis.unsigned_abs())
            .ok()
            .and_then(|back| rank.checked_sub(back))
    } else {
        usize::try_from(axis).ok().filter(|&axis| axis < rank)
    };
    match from_front {
        Some(axis) => Ok(axis),
        None => bail!("dimension {axis} of a tensor of rank {rank}"),
    }
}

/// Dimensions in ascending order, each once.
fn axes(numbers: &[i64], rank: usize) -> Result<Vec<usize>> {
    let mut axes = numbers
        .iter()
        .map(|&number| axis(number, rank))
        .collect::<Result<Vec<_>>>()?;
    axes.sort_unstable();
    let count = axes.len();
    axes.dedup();
    if axes.len() != count {
        bail!("dimensions {numbers:?} name one twice");
    }
    Ok(axes)
}
