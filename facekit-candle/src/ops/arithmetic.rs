//! Arithmetic of one and of two tensors.

use candle_core::{DType, Device, Tensor, bail};

use crate::{
    error::Result,
    kernel::{
        buffers::take_buffer,
        elementwise::broadcast_pairs,
        slices::{map_slice, map_slice_pair},
    },
    node::Node,
    operator::{NewOperator, one_fresh_output, one_output},
    tensor::{element_count, to_ints},
};

/// A function of two numbers: with this crate's own loops, with candle, and for integers, where `None` is an overflow or a
/// division by zero.
struct PairFunction {
    own: fn(&Tensor, &Tensor) -> Result<Tensor>,
    by_candle: fn(&Tensor, &Tensor) -> Result<Tensor>,
    of_ints: fn(i64, i64) -> Option<i64>,
}

const ADD: PairFunction = PairFunction {
    own: |a, b| each_pair(a, b, |a, b| a + b),
    by_candle: Tensor::broadcast_add,
    of_ints: i64::checked_add,
};
const SUB: PairFunction = PairFunction {
    own: |a, b| each_pair(a, b, |a, b| a - b),
    by_candle: Tensor::broadcast_sub,
    of_ints: i64::checked_sub,
};
const MUL: PairFunction = PairFunction {
    own: |a, b| each_pair(a, b, |a, b| a * b),
    by_candle: Tensor::broadcast_mul,
    of_ints: i64::checked_mul,
};
const DIV: PairFunction = PairFunction {
    own: |a, b| each_pair(a, b, |a, b| a / b),
    by_candle: Tensor::broadcast_div,
    of_ints: i64::checked_div,
};
const MAX: PairFunction = PairFunction {
    own: |a, b| each_pair(a, b, f32::max),
    by_candle: Tensor::broadcast_maximum,
    of_ints: |a, b| Some(a.max(b)),
};
const MIN: PairFunction = PairFunction {
    own: |a, b| each_pair(a, b, f32::min),
    by_candle: Tensor::broadcast_minimum,
    of_ints: |a, b| Some(a.min(b)),
};

pub(super) fn add(node: &Node<'_>) -> NewOperator {
    two_inputs(node, &ADD)
}

pub(super) fn sub(node: &Node<'_>) -> NewOperator {
    two_inputs(node, &SUB)
}

pub(super) fn mul(node: &Node<'_>) -> NewOperator {
    two_inputs(node, &MUL)
}

pub(super) fn div(node: &Node<'_>) -> NewOperator {
    two_inputs(node, &DIV)
}

fn two_inputs(node: &Node<'_>, function: &'static PairFunction) -> NewOperator {
    node.expect_inputs(2, 2)?;
    let own_kernels = node.target.own_kernels;
    one_fresh_output(node, move |inputs| {
        broadcast(inputs.get(0)?, inputs.get(1)?, function, own_kernels)
    })
}

pub(super) fn max(node: &Node<'_>) -> NewOperator {
    any_number_of_inputs(node, &MAX)
}

pub(super) fn min(node: &Node<'_>) -> NewOperator {
    any_number_of_inputs(node, &MIN)
}

fn any_number_of_inputs(node: &Node<'_>, function: &'static PairFunction) -> NewOperator {
    node.expect_inputs(1, usize::MAX)?;
    let own_kernels = node.target.own_kernels;
    one_output(node, move |inputs| {
        let all = inputs.all()?;
        let (first, rest) = (all[0].clone(), &all[1..]);
        rest.iter()
            .try_fold(first, |a, b| broadcast(&a, b, function, own_kernels))
    })
}

pub(super) fn sum(a: &Tensor, b: &Tensor, own_kernels: bool) -> Result<Tensor> {
    broadcast(a, b, &ADD, own_kernels)
}

pub(super) fn difference(a: &Tensor, b: &Tensor, own_kernels: bool) -> Result<Tensor> {
    broadcast(a, b, &SUB, own_kernels)
}

pub(super) fn product(a: &Tensor, b: &Tensor, own_kernels: bool) -> Result<Tensor> {
    broadcast(a, b, &MUL, own_kernels)
}

pub(super) fn quotient(a: &Tensor, b: &Tensor, own_kernels: bool) -> Result<Tensor> {
    broadcast(a, b, &DIV, own_kernels)
}

/// Applies `function` to each pair of values of the two tensors, broadcast to their common shape.
fn broadcast(a: &Tensor, b: &Tensor, function: &PairFunction, own_kernels: bool) -> Result<Tensor> {
    let shape = broadcast_shape(a.dims(), b.dims())?;
    if element_count(&shape)? == 0 {
        bail!("an empty tensor is not supported");
    }
    match (a.dtype(), b.dtype()) {
        (DType::F32, DType::F32) if own_kernels => (function.own)(a, b),
        (DType::F32, DType::F32) => (function.by_candle)(a, b),
        (DType::I64, DType::I64) => {
            let (a, b) = (a.broadcast_as(&shape[..])?, b.broadcast_as(&shape[..])?);
            let values = to_ints(&a)?.into_iter().zip(to_ints(&b)?);
            let values = values
                .map(|(a, b)| match (function.of_ints)(a, b) {
                    Some(value) => Ok(value),
                    None => bail!("the result for {a} and {b} is no 64-bit integer"),
                })
                .collect::<Result<Vec<_>>>()?;
            Tensor::from_vec(values, shape, &Device::Cpu)
        }
        (a, b) => bail!("{} and {} are not supported", a.as_str(), b.as_str()),
    }
}

/// Applies `function` to each pair of floats, on the calling thread.
fn each_pair(a: &Tensor, b: &Tensor, function: impl Fn(f32, f32) -> f32) -> Result<Tensor> {
    let shape = broadcast_shape(a.dims(), b.dims())?;
    let (a_dims, b_dims) = (a.dims(), b.dims());
    map_slice_pair(a, b, &shape, |a, b| {
        broadcast_pairs((a, a_dims), (b, b_dims), &shape, &function)
    })
}

/// The shape that tensors of these two shapes are broadcast to: dimensions are matched from the last, and a size of one fits
/// any.
pub(super) fn broadcast_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |dims: &[usize], axis: usize| {
        let own_axis = (axis + dims.len()).checked_sub(rank);
        own_axis.map_or(1, |axis| dims[axis])
    };
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (1, size) | (size, 1) => Ok(size),
            (size, other) if size == other => Ok(size),
            _ => bail!("shapes {a:?} and {b:?} cannot be broadcast"),
        })
        .collect()
}

pub(super) fn abs(node: &Node<'_>) -> NewOperator {
    each_value(node, f32::abs, Tensor::abs)
}

pub(super) fn exp(node: &Node<'_>) -> NewOperator {
    each_value(node, f32::exp, Tensor::exp)
}

pub(super) fn neg(node: &Node<'_>) -> NewOperator {
    each_value(node, |x| -x, Tensor::neg)
}

pub(super) fn sqrt(node: &Node<'_>) -> NewOperator {
    each_value(node, f32::sqrt, Tensor::sqrt)
}

/// An operator that applies a function to each value: `own` with this crate's own loop, or `by_candle`.
pub(super) fn each_value(
    node: &Node<'_>,
    own: impl Fn(f32) -> f32 + Send + Sync + 'static,
    by_candle: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> NewOperator {
    node.expect_inputs(1, 1)?;
    let own_kernels = node.target.own_kernels;
    one_fresh_output(node, move |inputs| {
        map_values(inputs.floats(0)?, own_kernels, &own, &by_candle)
    })
}

pub(super) fn map_values(
    x: &Tensor,
    own_kernels: bool,
    function: impl Fn(f32) -> f32,
    by_candle: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if !own_kernels {
        return by_candle(x);
    }
    map_slice(x, x.dims(), |values| {
        let mut computed = take_buffer(values.len());
        for (computed, value) in computed.iter_mut().zip(values) {
            *computed = function(*value);
        }
        computed
    })
}

pub(super) fn pow(node: &Node<'_>) -> NewOperator {
    node.expect_inputs(2, 2)?;
    let Some(exponent) = node.take_float(1)? else {
        bail!("it has no exponent");
    };
    one_output(node, move |inputs| {
        let x = inputs.floats(0)?;
        x.powf(f64::from(exponent))
    })
}
