//! Arithmetic of one and of two tensors.

use candle_core::{DType, Device, Tensor, bail};

use super::{Made, one};
use crate::{
    error::Result,
    node::{Node, ints},
    tensor::elements,
};

type OfFloats = fn(&Tensor, &Tensor) -> Result<Tensor>;
type OfInts = fn(i64, i64) -> Option<i64>;

pub(super) fn add(node: &Node<'_>) -> Made {
    two(node, Tensor::broadcast_add, i64::checked_add)
}

pub(super) fn sub(node: &Node<'_>) -> Made {
    two(node, Tensor::broadcast_sub, i64::checked_sub)
}

pub(super) fn mul(node: &Node<'_>) -> Made {
    two(node, Tensor::broadcast_mul, i64::checked_mul)
}

pub(super) fn div(node: &Node<'_>) -> Made {
    two(node, Tensor::broadcast_div, i64::checked_div)
}

fn two(node: &Node<'_>, of_floats: OfFloats, of_ints: OfInts) -> Made {
    node.takes(2, 2)?;
    one(node, move |inputs| {
        both(inputs.get(0)?, inputs.get(1)?, of_floats, of_ints)
    })
}

pub(super) fn max(node: &Node<'_>) -> Made {
    any_number(node, Tensor::broadcast_maximum, |a, b| Some(a.max(b)))
}

pub(super) fn min(node: &Node<'_>) -> Made {
    any_number(node, Tensor::broadcast_minimum, |a, b| Some(a.min(b)))
}

fn any_number(node: &Node<'_>, of_floats: OfFloats, of_ints: OfInts) -> Made {
    node.takes(1, usize::MAX)?;
    one(node, move |inputs| {
        let all = inputs.all()?;
        let (first, rest) = (all[0].clone(), &all[1..]);
        rest.iter()
            .try_fold(first, |a, b| both(&a, b, of_floats, of_ints))
    })
}

/// Computes each pair, where the shapes of the two are made one.
fn both(a: &Tensor, b: &Tensor, of_floats: OfFloats, of_ints: OfInts) -> Result<Tensor> {
    if a.elem_count() == 0 || b.elem_count() == 0 {
        bail!("an empty tensor is not supported");
    }
    match (a.dtype(), b.dtype()) {
        (DType::F32, DType::F32) => {
            elements(&common(a.dims(), b.dims())?)?;
            of_floats(a, b)
        }
        (DType::I64, DType::I64) => {
            let shape = common(a.dims(), b.dims())?;
            elements(&shape)?;
            let (a, b) = (a.broadcast_as(&shape[..])?, b.broadcast_as(&shape[..])?);
            let pairs = ints(&a)?.into_iter().zip(ints(&b)?);
            let values = pairs
                .map(|(a, b)| match of_ints(a, b) {
                    Some(value) => Ok(value),
                    None => bail!("{a} and {b} give no 64-bit integer"),
                })
                .collect::<Result<Vec<_>>>()?;
            Tensor::from_vec(values, shape, &Device::Cpu)
        }
        (a, b) => bail!("{} and {} are not supported", a.as_str(), b.as_str()),
    }
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
    each(node, Tensor::abs)
}

pub(super) fn exp(node: &Node<'_>) -> Made {
    each(node, Tensor::exp)
}

pub(super) fn neg(node: &Node<'_>) -> Made {
    each(node, Tensor::neg)
}

pub(super) fn sqrt(node: &Node<'_>) -> Made {
    each(node, Tensor::sqrt)
}

fn each(node: &Node<'_>, function: fn(&Tensor) -> Result<Tensor>) -> Made {
    node.takes(1, 1)?;
    one(node, move |inputs| function(inputs.floats(0)?))
}

pub(super) fn pow(node: &Node<'_>) -> Made {
    node.takes(2, 2)?;
    let Some(exponent) = node.constant_float(1)? else {
        bail!("it has no exponent");
    };
    one(node, move |inputs| {
        let x = inputs.floats(0)?;
        if exponent == 2.0 {
            return x.sqr();
        }
        x.powf(f64::from(exponent))
    })
}
