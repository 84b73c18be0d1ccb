//! Arithmetic of one and of two tensors.

use candle_core::{DType, Device, Tensor, bail};

use super::{Made, fresh, one};
use crate::{
    error::Result,
    kernel::{from_one, from_two, pairs, take},
    node::{Node, ints},
    tensor::elements,
};

/// What is done to a pair: by this crate's own loops, by candle, and to integers.
struct Pair {
    own: fn(&Tensor, &Tensor) -> Result<Tensor>,
    by_candle: fn(&Tensor, &Tensor) -> Result<Tensor>,
    of_ints: fn(i64, i64) -> Option<i64>,
}

const ADD: Pair = Pair {
    own: |a, b| each_pair(a, b, |a, b| a + b),
    by_candle: Tensor::broadcast_add,
    of_ints: i64::checked_add,
};
const SUB: Pair = Pair {
    own: |a, b| each_pair(a, b, |a, b| a - b),
    by_candle: Tensor::broadcast_sub,
    of_ints: i64::checked_sub,
};
const MUL: Pair = Pair {
    own: |a, b| each_pair(a, b, |a, b| a * b),
    by_candle: Tensor::broadcast_mul,
    of_ints: i64::checked_mul,
};
const DIV: Pair = Pair {
    own: |a, b| each_pair(a, b, |a, b| a / b),
    by_candle: Tensor::broadcast_div,
    of_ints: i64::checked_div,
};
const MAX: Pair = Pair {
    own: |a, b| each_pair(a, b, f32::max),
    by_candle: Tensor::broadcast_maximum,
    of_ints: |a, b| Some(a.max(b)),
};
const MIN: Pair = Pair {
    own: |a, b| each_pair(a, b, f32::min),
    by_candle: Tensor::broadcast_minimum,
    of_ints: |a, b| Some(a.min(b)),
};

pub(super) fn add(node: &Node<'_>) -> Made {
    two(node, &ADD)
}

pub(super) fn sub(node: &Node<'_>) -> Made {
    two(node, &SUB)
}

pub(super) fn mul(node: &Node<'_>) -> Made {
    two(node, &MUL)
}

pub(super) fn div(node: &Node<'_>) -> Made {
    two(node, &DIV)
}

fn two(node: &Node<'_>, pair: &'static Pair) -> Made {
    node.takes(2, 2)?;
    let own = node.target.kernels;
    fresh(node, move |inputs| {
        both(inputs.get(0)?, inputs.get(1)?, pair, own)
    })
}

pub(super) fn max(node: &Node<'_>) -> Made {
    any_number(node, &MAX)
}

pub(super) fn min(node: &Node<'_>) -> Made {
    any_number(node, &MIN)
}

fn any_number(node: &Node<'_>, pair: &'static Pair) -> Made {
    node.takes(1, usize::MAX)?;
    let own = node.target.kernels;
    one(node, move |inputs| {
        let all = inputs.all()?;
        let (first, rest) = (all[0].clone(), &all[1..]);
        rest.iter().try_fold(first, |a, b| both(&a, b, pair, own))
    })
}

pub(super) fn sum(a: &Tensor, b: &Tensor, own: bool) -> Result<Tensor> {
    both(a, b, &ADD, own)
}

pub(super) fn difference(a: &Tensor, b: &Tensor, own: bool) -> Result<Tensor> {
    both(a, b, &SUB, own)
}

pub(super) fn product(a: &Tensor, b: &Tensor, own: bool) -> Result<Tensor> {
    both(a, b, &MUL, own)
}

pub(super) fn quotient(a: &Tensor, b: &Tensor, own: bool) -> Result<Tensor> {
    both(a, b, &DIV, own)
}

/// Computes each pair, where the shapes of the two are made one.
fn both(a: &Tensor, b: &Tensor, pair: &Pair, own: bool) -> Result<Tensor> {
    let shape = common(a.dims(), b.dims())?;
    if elements(&shape)? == 0 {
        bail!("an empty tensor is not supported");
    }
    match (a.dtype(), b.dtype()) {
        (DType::F32, DType::F32) if own => (pair.own)(a, b),
        (DType::F32, DType::F32) => (pair.by_candle)(a, b),
        (DType::I64, DType::I64) => {
            let (a, b) = (a.broadcast_as(&shape[..])?, b.broadcast_as(&shape[..])?);
            let values = ints(&a)?.into_iter().zip(ints(&b)?);
            let values = values
                .map(|(a, b)| match (pair.of_ints)(a, b) {
                    Some(value) => Ok(value),
                    None => bail!("{a} and {b} give no 64-bit integer"),
                })
                .collect::<Result<Vec<_>>>()?;
            Tensor::from_vec(values, shape, &Device::Cpu)
        }
        (a, b) => bail!("{} and {} are not supported", a.as_str(), b.as_str()),
    }
}

/// Floats on the thread that calls.
fn each_pair(a: &Tensor, b: &Tensor, function: impl Fn(f32, f32) -> f32) -> Result<Tensor> {
    let shape = common(a.dims(), b.dims())?;
    let (a_dims, b_dims) = (a.dims(), b.dims());
    from_two(a, b, &shape, |a, b| {
        pairs((a, a_dims), (b, b_dims), &shape, &function)
    })
}

/// The shape that both shapes are stretched to: dimensions are matched from the last, and a size of one fits any.
pub(super) fn common(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |dims: &[usize], at: usize| {
        let at = (at + dims.len()).checked_sub(rank);
        at.map_or(1, |at| dims[at])
    };
    (0..rank)
        .map(|at| match (size(a, at), size(b, at)) {
            (1, size) | (size, 1) => Ok(size),
            (one, other) if one == other => Ok(one),
            _ => bail!("shapes {a:?} and {b:?} do not fit"),
        })
        .collect()
}

pub(super) fn abs(node: &Node<'_>) -> Made {
    each(node, f32::abs, Tensor::abs)
}

pub(super) fn exp(node: &Node<'_>) -> Made {
    each(node, f32::exp, Tensor::exp)
}

pub(super) fn neg(node: &Node<'_>) -> Made {
    each(node, |x| -x, Tensor::neg)
}

pub(super) fn sqrt(node: &Node<'_>) -> Made {
    each(node, f32::sqrt, Tensor::sqrt)
}

/// A function of each value: by this crate's own loop, and by candle.
pub(super) fn each(
    node: &Node<'_>,
    own: impl Fn(f32) -> f32 + Send + Sync + 'static,
    by_candle: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Made {
    node.takes(1, 1)?;
    let kernels = node.target.kernels;
    fresh(node, move |inputs| {
        mapped(inputs.floats(0)?, kernels, &own, &by_candle)
    })
}

pub(super) fn mapped(
    x: &Tensor,
    own: bool,
    function: impl Fn(f32) -> f32,
    by_candle: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if !own {
        return by_candle(x);
    }
    from_one(x, x.dims(), |values| {
        let mut computed = take(values.len());
        for (computed, value) in computed.iter_mut().zip(values) {
            *computed = function(*value);
        }
        computed
    })
}

pub(super) fn pow(node: &Node<'_>) -> Made {
    node.takes(2, 2)?;
    let Some(exponent) = node.constant_float(1)? else {
        bail!("it has no exponent");
    };
    one(node, move |inputs| {
        let x = inputs.floats(0)?;
        x.powf(f64::from(exponent))
    })
}
