//! The operators. Each is one function that reads a node, checks all of it, and makes what computes it.

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
mod rows;
mod select;
mod window;

use candle_core::bail;

use crate::{node::Node, operator::NewOperator};

type Read = fn(&Node<'_>) -> NewOperator;

/// Each operator and the function that reads it.
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

/// True if there is an operator of this name.
pub(crate) fn is_known(name: &str) -> bool {
    OPERATORS.iter().any(|(known, _)| *known == name)
}

/// The operator that computes `node`.
pub(crate) fn read(node: &Node<'_>) -> NewOperator {
    let mut operators = OPERATORS.iter();
    match operators.find(|(name, _)| *name == node.operator()) {
        Some((_, read)) => read(node),
        None => bail!("it is not supported"),
    }
}
